//! The values a run starts with, from everybody who may say one, and the shape of the file they came from.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::settings::{known_preset, usage};
use crate::cli::run::TuningArgs;
use crate::cli::start::StartArgs;
use crate::commands::Failure;
use crate::core::policy::run::{Preset, RunPolicy};
use crate::core::run::start::Start;
use crate::flow::start::{self, OVERRIDES_VARIABLE, StartProblem, StartRequest};
use crate::io::loose;
use crate::io::run_folder::OVERRIDES_FILE;
use crate::wire::preset;

/// The file that start values come from and tuned values are adopted into, there or not.
pub(super) fn start_file(args: &TuningArgs, out: &Path) -> PathBuf {
    args.start.overrides.clone().unwrap_or_else(|| out.join(OVERRIDES_FILE))
}

/// What stands in it: the shape that the active file takes. `None` = it is not there.
pub(super) fn shape(file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    if loose::exists(file) { loose::read_plain(file).map(Some).map_err(Failure::input) } else { Ok(None) }
}

/// Collects and resolves the start values.
pub(super) fn resolve(args: &TuningArgs, out: &Path, policy: &RunPolicy) -> Result<Start, Failure> {
    let StartArgs { overrides, profile, set } = &args.start;
    let variable = StartArgs::variable(OVERRIDES_VARIABLE);
    let usual_file = out.join(OVERRIDES_FILE);
    let asked = StartRequest {
        file: overrides.as_deref(),
        usual_file: Some(&usual_file),
        variable: variable.as_deref(),
        profile: profile.as_deref(),
        set,
    };
    let preset = preset(args, policy)?;
    let presets: Vec<&Preset> = preset.iter().collect();
    start::resolve(policy, asked, &presets).map_err(start_failure)
}

/// A start value that cannot be; the class says whether a file or the command line is to be mended.
fn start_failure(problem: StartProblem) -> Failure {
    let hint = "`soak config show` prints the parameters, their bounds and where values come from";
    match problem {
        StartProblem::File(_) | StartProblem::Text { .. } => Failure::input(problem).hint(hint),
        StartProblem::Profile { .. } | StartProblem::Values(_) => Failure::usage(problem).hint(hint),
    }
}

fn preset(args: &TuningArgs, policy: &RunPolicy) -> Result<Option<Preset>, Failure> {
    if let Some(file) = &args.preset_file {
        let json = loose::read(file).map_err(Failure::input)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let path = file.display().to_string();
        return preset::read(&json, &name, &path).map(Some).map_err(|error| {
            Failure::input(anyhow!(error).context(format!("the preset `{path}` cannot be used")))
        });
    }
    let Some(name) = &args.preset else { return Ok(None) };
    known_preset(policy, name)?;
    policy.preset(name).map(|preset| Some(preset.clone())).ok_or_else(|| usage("no such preset"))
}
