//! The golden comparison of two files, and the update of the golden one.

use std::path::{Path, PathBuf};

use crate::core::golden::{self, Drift, Rule, Settings};
use crate::io::load::{LARGEST, read_bounded};
use crate::io::loose::{self, FileError};
use crate::wire::{golden as wire, tolerances};

/// A file that cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("the {side} file `{}` cannot be compared: {reason}", path.display())]
pub struct GoldenProblem {
    /// `golden` or `actual`.
    pub side: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Why there are no rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesProblem {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds no tolerances.
    #[error("the tolerances in `{}` cannot be used: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The rules of a tolerances file; JSON if its name says so, else TOML.
pub fn rules(path: &Path) -> Result<Vec<Rule>, RulesProblem> {
    let text = loose::read_text(path)?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    tolerances::read(&text, is_json).map_err(|reason| RulesProblem::Content { path: path.to_owned(), reason })
}

/// Two files, compared.
#[derive(Debug)]
pub struct Compared {
    /// In what they differ.
    pub drift: Drift,
    /// The bytes of the actual file, as they were compared.
    pub actual: Vec<u8>,
}

/// Compares two files.
pub fn compare(baseline: &Path, actual: &Path, settings: &Settings) -> Result<Compared, GoldenProblem> {
    let golden = read("golden", baseline)?;
    let new = read("actual", actual)?;
    let drift = golden::compare(&golden.0, &new.0, settings);
    Ok(Compared { drift, actual: new.1 })
}

/// Puts the bytes that were compared into the place of the golden file, at once or not at all.
pub fn update(baseline: &Path, bytes: &[u8]) -> Result<(), FileError> {
    loose::write(baseline, bytes)
}

fn read(side: &'static str, path: &Path) -> Result<(golden::Json, Vec<u8>), GoldenProblem> {
    let failed = |reason: String| GoldenProblem { side, path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    read_bounded(path, LARGEST, &mut bytes).map_err(failed)?;
    let json = wire::read(&bytes).map_err(|error| failed(error.to_string()))?;
    Ok((json, bytes))
}
