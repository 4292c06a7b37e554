//! Arguments that the commands which look at a run share: the folder, the limits, the window, the output.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};

use super::values::{count, person, reason, switch, symbol};
use super::{environment, project};
use crate::infra::atomic_file;

/// The run that is looked at, as an argument or by the flag that means the same. A command with another flag or another
/// default changes both with `mut_arg`.
#[derive(Clone, Debug, Args)]
pub struct PathArgs {
    /// Folder with the ITER_SUMMARY_*.json files, or a .tar.gz, .tgz, .tar or .zip of it [default: $SOAK_OUT_DIR/latest,
    /// else artifacts/soak/latest]
    ///
    /// If the folder has no such files, but `soak/latest` or `latest` below it has, that one is read and a
    /// line says so. An archive is unpacked in memory and gives the same verdict; files are written with --out only.
    #[arg(value_name = "DIR", conflicts_with = "path")]
    run_folder: Option<PathBuf>,

    /// The same as DIR [default: what holds without DIR]
    // `--base` is what the readiness audit of old called it.
    #[arg(long, alias = "base", value_name = "DIR")]
    path: Option<PathBuf>,
}

impl PathArgs {
    /// What was named; `None` = nothing.
    pub fn named(&self) -> Option<&Path> {
        self.run_folder.as_deref().or(self.path.as_deref())
    }

    /// The folder asked for, by default that of the last run.
    pub fn folder(&self) -> PathBuf {
        self.folder_with(environment::variable("SOAK_OUT_DIR"))
    }

    fn folder_with(&self, out_dir: Option<OsString>) -> PathBuf {
        let latest =
            || out_dir.map_or_else(|| Path::new("artifacts/soak").to_owned(), PathBuf::from).join("latest");
        self.named().map_or_else(latest, Path::to_owned)
    }
}

/// The limits that are applied.
#[derive(Clone, Debug, Args)]
pub struct PolicyArgs {
    /// Policy file over soak.toml and the built-in policy [default: those alone]
    ///
    /// Only the keys that it names change; an unknown key is an error. `soak config show` prints every
    /// limit in force and where it comes from.
    #[arg(long, value_name = "FILE", env = "SOAK_POLICY")]
    pub policy: Option<PathBuf>,

    /// The file of the project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

impl PolicyArgs {
    /// The `soak.toml` below that file; `None` where there is none, and where it is that file.
    pub fn found(&self) -> Option<PathBuf> {
        let is_named = |found: &PathBuf| {
            self.policy.as_ref().is_some_and(|policy| atomic_file::is_same_place(policy, found))
        };
        self.project.found().filter(|found| !is_named(found))
    }
}

/// The policy of the project.
#[derive(Clone, Copy, Debug, Args)]
pub struct ProjectArgs {
    /// Leave soak.toml out
    ///
    /// The nearest soak.toml in the current folder and its parents comes over the built-in policy. The search ends at
    /// the root of the repository, without one at the home folder, and outside of both at once.
    #[arg(long, env = "SOAK_NO_CONFIG", value_parser = switch, action = ArgAction::SetTrue)]
    pub no_config: bool,
}

impl ProjectArgs {
    /// The `soak.toml` in force.
    pub fn found(self) -> Option<PathBuf> {
        let folder = (!self.no_config).then(environment::current_folder)??;
        project::find(&folder, environment::home_folder().as_deref())
    }
}

/// Relaxed limits.
#[derive(Clone, Copy, Debug, Args)]
pub struct MockArgs {
    /// Judge iterations by the relaxed limits for simulated runs; the reports say so
    #[arg(long, env = "USE_MOCK", value_parser = switch, action = ArgAction::SetTrue)]
    pub mock: bool,
}

/// The iterations that are judged.
#[derive(Clone, Debug, Args)]
pub struct WindowArgs {
    /// Judge the N iterations with the highest numbers [default: windows.last_n of the policy; built in: 8]
    #[arg(long, value_name = "N", value_parser = count)]
    pub last_n: Option<usize>,

    /// With fewer iterations than N the verdict is INCONCLUSIVE [default: run_verdict.min_iterations of the
    /// policy; built in: 8]
    ///
    /// A smoke test with fewer iterations can lower it.
    #[arg(long, value_name = "N", value_parser = count)]
    pub min_iterations: Option<usize>,

    /// Judge a run that is still going on by the iterations that are there, instead of INCONCLUSIVE
    #[arg(long)]
    pub so_far: bool,

    /// Leave this symbol out of the verdict, beside those of symbols.exclude in the policy; may be repeated, or be a list
    /// with commas; every output names it [default: those of the policy]
    #[arg(long, value_name = "SYMBOL", value_delimiter = ',', value_parser = symbol)]
    pub exclude_symbol: Vec<String>,
}

/// A run and how it is judged, as the commands that judge one run take them.
#[derive(Clone, Debug, Args)]
pub struct JudgedRunArgs {
    /// The run.
    #[command(flatten)]
    pub path: PathArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,
    /// The iterations.
    #[command(flatten)]
    pub window: WindowArgs,
}

/// Letting a failed gate pass.
#[derive(Clone, Debug, Args)]
pub struct OverrideArgs {
    /// Exit 0 whatever the verdict; every artifact records who, when and why
    ///
    /// When is $SOAK_NOW, else what the clock says: then two results of the same run differ in it.
    #[arg(long = "override", value_name = "REASON", env = "READINESS_OVERRIDE", value_parser = reason)]
    pub override_reason: Option<String>,

    /// Who overrides.
    #[command(flatten)]
    pub by: OverrideByArgs,
}

/// Who answers for an override. It goes with an argument `override_reason`.
#[derive(Clone, Debug, Args)]
pub struct OverrideByArgs {
    /// Who answers for the override, a person or a team [default: $GITHUB_ACTOR, else $SUDO_USER, $USER, $LOGNAME or
    /// $USERNAME, else the account that runs it]
    #[arg(long, value_name = "NAME", value_parser = person, requires = "override_reason")]
    pub by: Option<String>,
}

/// Output for CI systems.
#[derive(Clone, Debug, Args)]
pub struct CiArgs {
    /// Write the checks as JUnit XML, for CI systems
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Print annotations for GitHub Actions, and append a summary to the file that $GITHUB_STEP_SUMMARY
    /// names
    #[arg(long)]
    pub github: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(run_folder: Option<&str>, path: Option<&str>, out_dir: Option<&str>) -> PathBuf {
        let args = PathArgs { run_folder: run_folder.map(PathBuf::from), path: path.map(PathBuf::from) };
        args.folder_with(out_dir.map(OsString::from))
    }

    #[test]
    fn the_folder_is_the_one_named_then_the_variable_then_the_default() {
        assert_eq!(folder(Some("runs/a"), None, Some("elsewhere")), Path::new("runs/a"));
        assert_eq!(folder(None, Some("runs/a"), Some("elsewhere")), Path::new("runs/a"));
        assert_eq!(folder(None, None, Some("elsewhere")), Path::new("elsewhere").join("latest"));
        assert_eq!(folder(None, None, None), Path::new("artifacts/soak").join("latest"));
    }
}
