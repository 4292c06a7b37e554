//! Arguments of `soak artifacts`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::environment;
use super::judging::PolicyArgs;
use super::values::{Format, count, days_or_none, mebibytes_or_none};

/// `soak artifacts …`
#[derive(Debug, Subcommand)]
pub enum ArtifactsCommand {
    /// Remove what old runs left: iterations with low numbers, former runs, the oldest first
    ///
    /// Of each run the iterations with the highest numbers stay, and its manifest records which went. Runs in
    /// history and isolated runs (RUN_*) go as a whole when they are too old; their snapshot is kept as an archive
    /// in snapshots. Loose files in snapshots become .json.tar.gz; an archive is read back before its original
    /// goes. If that leaves more than --max-size-mb, former runs and archives go, oldest first, until it fits.
    /// Nothing is touched in a run that is at work, nor behind a symbolic link; a run with files that soak did not
    /// write never goes as a whole. What is left alone is told, and the exit code is then 1, as it is when the
    /// size is still above the limit. Each rotation leaves a line in rotation/ROTATION_LOG.jsonl.
    Rotate(RotateArgs),
    /// Show what lies below a folder of runs, and what a rotation would free
    Usage(UsageArgs),
}

/// The folder of runs and the limits.
#[derive(Debug, Args)]
pub struct RotationArgs {
    /// Folder with latest, history, RUN_* and snapshots; or one run [default: $SOAK_OUT_DIR, else artifacts/soak]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,

    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Keep the N iterations with the highest numbers of each run and symbol [default: rotation.keep_iterations of
    /// the policy; built in: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub keep: Option<usize>,

    /// Former runs and loose snapshots older than this go; `none` for no age [default: rotation.max_age_days of the
    /// policy; built in: 7]
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, value_parser = days_or_none)]
    pub max_age_days: Option<Limit>,

    /// MiB that everything together may take; `none` for no limit [default: rotation.max_size_mb of the policy;
    /// built in: 500]
    #[arg(long, value_name = "MIB", allow_negative_numbers = true, value_parser = mebibytes_or_none)]
    pub max_size_mb: Option<Limit>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A limit that may be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    None,
    /// This many.
    At(u64),
}

impl RotationArgs {
    /// The folder asked for.
    pub fn folder(&self) -> PathBuf {
        let default = || environment::variable("SOAK_OUT_DIR").map_or("artifacts/soak".into(), PathBuf::from);
        self.path.clone().unwrap_or_else(default)
    }
}

/// `soak artifacts rotate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak artifacts rotate --dry-run
  soak artifacts rotate --keep 100 --max-age-days 7 --max-size-mb 500")]
pub struct RotateArgs {
    /// Folder and limits.
    #[command(flatten)]
    pub rotation: RotationArgs,

    /// Print what would go, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `soak artifacts usage`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak artifacts usage --path artifacts/soak")]
pub struct UsageArgs {
    /// Folder and limits.
    #[command(flatten)]
    pub rotation: RotationArgs,
}
