//! Arguments of `soak selftest`.

use std::path::PathBuf;

use clap::Args;

use super::judging::JudgedRunArgs;
use super::values::{FailOnWarn, ReportFormat};

/// `soak selftest`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak selftest artifacts/soak/latest
  soak selftest artifacts/soak/latest --policy policy.toml --format md > selftest.md")]
pub struct SelftestArgs {
    /// Folder of the run, as --path [default: what --path says]
    #[arg(value_name = "RUN", conflicts_with = "path")]
    pub run: Option<PathBuf>,

    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Judge as `gate --strict`
    #[arg(long, conflicts_with = "skip_delta_verify")]
    pub strict: bool,

    /// Judge as `gate --skip-delta-verify`
    #[arg(long)]
    pub skip_delta_verify: bool,

    /// Judge as `gate --require-freeze`
    #[arg(long)]
    pub require_freeze: bool,

    /// Judge as `gate --fail-on warn` [default: a WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}
