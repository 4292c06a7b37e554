//! Arguments of `soak audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::judging::{CiArgs, MockArgs, OverrideArgs, PathArgs, PolicyArgs, WindowArgs};
use super::values::Format;

/// `soak audit`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  soak audit --path artifacts/soak/latest
  soak audit --path artifacts/soak/latest --fail-on-hold
  soak audit --legacy-readiness artifacts/reports/readiness.json
  soak audit --plots                                  pictures of the KPIs, too
  soak audit pr-summary > comment.md"
)]
pub struct AuditArgs {
    /// What else can be asked of an audit.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,

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

    /// Exit 1 unless readiness is OK [default: OK and HOLD both exit 0]
    #[arg(long)]
    pub fail_on_hold: bool,

    /// An override.
    #[command(flatten)]
    pub override_: OverrideArgs,

    /// Folder for everything that is written [default: reports/analysis in the folder of the run]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// The files for older readers.
    #[command(flatten)]
    pub legacy: LegacyArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// Draw the four KPIs into plots/ beside the reports, as PNG and SVG; of several symbols the worst one
    #[arg(long)]
    pub plots: bool,

    /// Write OK and X instead of check marks and crosses
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The `readiness.json` of the earlier scripts.
#[derive(Debug, Args)]
pub struct LegacyArgs {
    /// Also write the answer as `write_legacy_readiness_json` did: status ok or hold, maker_taker_ratio, net_bps,
    /// p95_latency_ms, risk_ratio, failures [default: not written]
    ///
    /// A file that holds another format is not written over. Where there is nothing to audit, the file says hold.
    #[arg(long, value_name = "FILE")]
    pub legacy_readiness: Option<PathBuf>,

    /// Also write the answer as `write_readiness` did: status OK or HOLD, maker_taker, net_bps, p95_latency_ms,
    /// risk_ratio [default: not written]
    ///
    /// Another format than that of --legacy-readiness, so it needs another file.
    #[arg(long, value_name = "FILE")]
    pub write_readiness: Option<PathBuf>,
}

/// `soak audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print what an audit found as a few lines of Markdown, for a comment on a pull request
    ///
    /// Reads the POST_SOAK_AUDIT_SUMMARY.json that `soak audit` wrote, judges nothing, writes nothing, and exits 0
    /// on OK and on HOLD.
    PrSummary(PrSummaryArgs),
}

/// `soak audit pr-summary`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak audit pr-summary --path artifacts/soak/latest
  soak audit pr-summary audit/POST_SOAK_AUDIT_SUMMARY.json > comment.md")]
pub struct PrSummaryArgs {
    /// The audit's JSON [default: reports/analysis/POST_SOAK_AUDIT_SUMMARY.json in the folder of --path]
    #[arg(value_name = "FILE", conflicts_with = "path")]
    pub file: Option<PathBuf>,

    /// The run.
    #[command(flatten)]
    pub path: PathArgs,
}
