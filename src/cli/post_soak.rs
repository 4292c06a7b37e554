//! Arguments of the three commands that judge a run: `analyze`, `extract` and `gate`.

use std::path::PathBuf;

use clap::Args;

use super::judging::{CiArgs, JudgedRunArgs, OverrideArgs};
use super::notify::NotifyArgs;
use super::values::{FailOn, FailOnWarn, Format, count, symbol};

/// `soak analyze`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak analyze --path artifacts/soak/latest
  soak analyze --path runs/multi --symbol BTCUSDT,ETHUSDT --exit-on-crit
  soak analyze --plots                                pictures of the KPIs, too")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct AnalyzeArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Look only at this symbol; may be repeated, or be a list with commas [default: all symbols]
    #[arg(long, value_name = "SYMBOL", value_delimiter = ',', value_parser = symbol)]
    pub symbol: Vec<String>,

    /// Exit 1 if any violation is CRIT, even if the verdict is better
    #[arg(long)]
    pub exit_on_crit: bool,

    /// With a symbol of fewer than N iterations the verdict is INCONCLUSIVE [default: no such check]
    #[arg(long, value_name = "N", value_parser = count)]
    pub min_windows: Option<usize>,

    /// Exit 1 on a WARN, too [default: a WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// An override.
    #[command(flatten)]
    pub override_: OverrideArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// Folder for everything that is written [default: the folder of the run, and reports/analysis in it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Leave report.html, the report for the browser, out; an earlier one is removed
    #[arg(long)]
    pub no_html: bool,

    /// Draw the four KPIs into reports/analysis/plots, as PNG and SVG; of several symbols the worst one
    #[arg(long)]
    pub plots: bool,

    /// Draw sparklines with -=+# instead of block characters
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak extract`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak extract --path artifacts/soak/latest --pretty
  soak extract --compare baseline.json --prometheus --notify slack")]
pub struct ExtractArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Print the snapshot with line breaks; the file stays on one line
    #[arg(long)]
    pub pretty: bool,

    /// The baseline.
    #[command(flatten)]
    pub baseline: BaselineArgs,
    /// The metrics file.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// The notification.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Exit by the verdict: `fail` on everything but PASS and WARN, `warn` on everything but PASS [default:
    /// any verdict exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOn>,

    /// Folder for everything that is written [default: the folder of the run]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `soak gate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak gate --path artifacts/soak/latest
  soak gate --path artifacts/soak/latest --strict --require-freeze --fail-on warn --junit gate.xml
  soak gate --mock --min-iterations 4 --last-n 4      a smoke test")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct GateArgs {
    /// The run, and how it is judged.
    #[command(flatten)]
    pub judged: JudgedRunArgs,

    /// Apply the strict limit to the share of deltas that reached the overrides
    /// (deltas.full_apply_ratio_strict of the policy; built in: 0.95 instead of 0.90)
    #[arg(long, conflicts_with = "skip_delta_verify")]
    pub strict: bool,

    /// Leave the verification of the deltas out of the verdict; the result says so
    #[arg(long)]
    pub skip_delta_verify: bool,

    /// Do not write the reports of `analyze`; the verdict is the same
    #[arg(long)]
    pub skip_analyzer: bool,

    /// Fail unless the run is ready to freeze, even where the verdict is WARN
    #[arg(long)]
    pub require_freeze: bool,

    /// Hold this edge report against the limits of the policy, too [default: none]
    #[arg(long, value_name = "FILE")]
    pub edge_report: Option<PathBuf>,

    /// The baseline.
    #[command(flatten)]
    pub baseline: BaselineArgs,
    /// The metrics file.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// The notification.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Exit 1 on a WARN, too [default: a WARN exits 0]
    #[arg(long, value_name = "OUTCOME", value_enum)]
    pub fail_on: Option<FailOnWarn>,

    /// An override.
    #[command(flatten)]
    pub override_: OverrideArgs,

    /// What CI gets.
    #[command(flatten)]
    pub ci: CiArgs,

    /// Folder for everything that is written [default: the folder of the run, and reports/analysis in it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Leave report.html, the report for the browser, out; an earlier one is removed
    #[arg(long, conflicts_with = "skip_analyzer")]
    pub no_html: bool,

    /// Draw sparklines with -=+# instead of block characters
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Comparison with an earlier snapshot.
#[derive(Clone, Debug, Args)]
pub struct BaselineArgs {
    /// Show on stderr how the KPIs changed against this earlier snapshot [default: no comparison]
    #[arg(long, value_name = "BASELINE")]
    pub compare: Option<PathBuf>,

    /// Fail if the baseline is missing or cannot be read, instead of a warning
    #[arg(long, requires = "compare")]
    pub require_baseline: bool,
}

/// The metrics file for Prometheus.
#[derive(Clone, Copy, Debug, Args)]
pub struct MetricsArgs {
    /// Write POST_SOAK_METRICS.prom, for node_exporter's textfile collector
    #[arg(long)]
    pub prometheus: bool,

    /// Leave the metrics with the old names out of it; the clean `soak_*` metrics say the same
    #[arg(long, requires = "prometheus")]
    pub no_legacy_metrics: bool,
}
