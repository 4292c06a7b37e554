//! Arguments of `soak config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::judging::PolicyArgs;
use super::start::StartArgs;
use super::values::Format;

/// `soak config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every value of the policy in force and the start values of a run, with the place each comes from
    Show(ConfigShowArgs),
    /// Check a policy file; errors name line and column
    Check(ConfigCheckArgs),
    /// Try a new policy on runs that are done: which verdicts would change?
    ///
    /// Each run is judged by the policy in force and by the new one. Here --policy names the new policy;
    /// $SOAK_POLICY keeps its meaning, it is the policy in force, like --against.
    Test(ConfigTestArgs),
}

/// `soak config show`
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// The start values.
    #[command(flatten)]
    pub start: StartArgs,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak config check`
#[derive(Debug, Args)]
pub struct ConfigCheckArgs {
    /// Policy file to check
    pub file: PathBuf,
}

/// `soak config test`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak config test --policy stricter.toml artifacts/soak/history/*")]
pub struct ConfigTestArgs {
    /// The new policy
    #[arg(long, value_name = "NEW")]
    pub policy: PathBuf,

    /// The policy in force, to compare with [default: the built-in policy alone]
    #[arg(long, value_name = "FILE", env = "SOAK_POLICY")]
    pub against: Option<PathBuf>,

    /// Folders of runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
}
