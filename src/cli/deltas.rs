//! Arguments of `soak deltas`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::judging::{PathArgs, PolicyArgs};
use super::values::{Format, share};

/// `soak deltas …`
#[derive(Debug, Subcommand)]
pub enum DeltasCommand {
    /// Verify that the tuning's proposals reached the overrides
    ///
    /// What the tuner proposed in one iteration is compared with the overrides of the next, pair by pair.
    /// Writes DELTA_VERIFY_REPORT.md and DELTA_VERIFY_REPORT.json. The exit code is 1 if the share of
    /// proposals that were applied, or skipped with a reason, falls short of the limit. Where nothing was
    /// proposed there is nothing to verify, and it is 0; where the files cannot show what became of any
    /// proposal the answer is INCONCLUSIVE, which is no pass.
    Verify(DeltasVerifyArgs),
}

/// `soak deltas verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak deltas verify --path artifacts/soak/latest
  soak deltas verify --strict --format json")]
pub struct DeltasVerifyArgs {
    /// The run.
    #[command(flatten)]
    pub path: PathArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Apply the strict limit (deltas.full_apply_ratio_strict of the policy; built in: 0.95)
    #[arg(long)]
    pub strict: bool,

    /// Smallest share that is enough, above 0 [default: deltas.full_apply_ratio of the policy; built
    /// in: 0.90, with --strict 0.95]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub threshold: Option<f64>,

    /// Folder for the reports [default: the folder of the run; the JSON also in reports/analysis in it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
