//! The values that a run starts with: files and texts become layers, and the layers become values.

use std::path::Path;

use crate::core::params::{ParamName, ParamValues};
use crate::core::policy::run::{Preset, RunPolicy};
use crate::core::run::start::{self, Start, StartError, StartOrigin};
use crate::core::spelling::did_you_mean;
use crate::io::loose::{self, FileError};
use crate::wire::overrides::{StrictError, read_strictly};

/// The variable that holds overrides as JSON.
pub const OVERRIDES_VARIABLE: &str = "MM_RUNTIME_OVERRIDES_JSON";

/// What was asked for, lowest layer first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// An overrides file; must be there.
    pub file: Option<&'a Path>,
    /// Taken in the place of `file` where nobody names one; need not be there.
    pub usual_file: Option<&'a Path>,
    /// The text of [`OVERRIDES_VARIABLE`].
    pub variable: Option<&'a str>,
    /// The name of a profile.
    pub profile: Option<&'a str>,
    /// Each `--set`, in the order of the command line.
    pub set: &'a [(ParamName, f64)],
}

/// Why there are no values to start with.
#[derive(Debug, thiserror::Error)]
pub enum StartProblem {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file or the variable holds no overrides.
    #[error("{origin}: {source}")]
    Text {
        /// Which of them.
        origin: StartOrigin,
        /// What is wrong.
        source: StrictError,
    },
    /// There is no such profile.
    #[error("no profile `{name}`{hint}; the policy has {known}")]
    Profile {
        /// The name as given.
        name: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
        /// The names that there are.
        known: String,
    },
    /// Values that cannot be started with.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Values(Vec<StartError>),
}

/// The values to start with; `presets` come on top.
pub fn resolve(policy: &RunPolicy, asked: Asked<'_>, presets: &[&Preset]) -> Result<Start, StartProblem> {
    let mut layers = Vec::new();
    let usual = asked.usual_file.filter(|path| loose::exists(path));
    if let Some(path) = asked.file.or(usual) {
        let origin = StartOrigin::File(path.display().to_string());
        layers.push(layer(origin, &loose::read_plain(path)?)?);
    }
    if let Some(text) = asked.variable {
        layers.push(layer(StartOrigin::Env(OVERRIDES_VARIABLE), text.as_bytes())?);
    }
    if let Some(name) = asked.profile {
        layers.push((StartOrigin::Profile(name.to_owned()), profile(policy, name)?));
    }
    if !asked.set.is_empty() {
        layers.push((StartOrigin::Set, start::set_layer(asked.set)));
    }
    start::resolve(policy, &layers, presets).map_err(StartProblem::Values)
}

fn layer(origin: StartOrigin, json: &[u8]) -> Result<(StartOrigin, ParamValues), StartProblem> {
    match read_strictly(json) {
        Ok(values) => Ok((origin, values)),
        Err(source) => Err(StartProblem::Text { origin, source }),
    }
}

fn profile(policy: &RunPolicy, name: &str) -> Result<ParamValues, StartProblem> {
    if let Some(profile) = policy.profile(name) {
        return Ok(profile.values.clone());
    }
    let names = policy.profiles.iter().map(|profile| profile.name.as_str());
    let known: Vec<String> = names.clone().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(StartProblem::Profile { name: name.to_owned(), hint: did_you_mean(name, names), known })
}
