//! Arguments of `soak compare`: two runs, baselines, golden files, the history of a folder.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::environment;
use super::judging::{MockArgs, PolicyArgs, WindowArgs};
use super::values::{Format, count, day, person, pointer, reason, symbol, tolerance};
use crate::ops::golden::rule::Pattern;

/// `soak compare`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  soak compare --a artifacts/soak/history/2026-01-31T120000Z --b artifacts/soak/latest
  soak compare --a baseline.json --b artifacts/soak/latest --format text --fail-on-regression"
)]
pub struct CompareArgs {
    /// Something else than two runs.
    #[command(subcommand)]
    pub other: Option<CompareCommand>,

    /// The run that is compared with: a folder with ITER_SUMMARY_*.json files, a POST_SOAK_SNAPSHOT.json or a
    /// POST_SOAK_AUDIT_SUMMARY.json [default: the baseline in the store, see `compare baseline promote`]
    #[arg(long, value_name = "RUN", conflicts_with = "store")]
    pub a: Option<PathBuf>,

    /// The run that is compared, in the same forms
    #[arg(long, value_name = "RUN", required = true)]
    pub b: Option<PathBuf>,

    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,
    /// The iterations.
    #[command(flatten)]
    pub window: WindowArgs,

    /// The symbol to compare in runs that have several [default: the only one]
    #[arg(long, value_name = "SYMBOL", value_parser = symbol)]
    pub symbol: Option<String>,

    /// Exit 1 if a KPI of the verdict got worse by more than its margin, or if that cannot be told
    ///
    /// Of two folders the steady parts are compared, or what a KPI is on since it last changed its level there: worse is
    /// what two unchanged builds would hardly ever show, and where there are too few iterations to tell, the answer
    /// says how many more would decide (INCONCLUSIVE, 3 with --detailed-exitcode). A file about a run has no single values; then a change by more than the floor counts.
    #[arg(long)]
    pub fail_on_regression: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = CompareFormat::Csv)]
    pub format: CompareFormat,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// The four medians and their differences, as the earlier script printed them; what else is to be said is on stderr
    Csv,
    /// For people: direction, floor, verdicts
    Text,
    /// For machines, described by a JSON Schema
    Json,
    /// For a pull request
    Md,
}

/// `soak compare …`
#[derive(Debug, Subcommand)]
pub enum CompareCommand {
    /// Compare a JSON file with a golden one
    ///
    /// Every difference is told with its JSON pointer. Numbers with a point may differ by the tolerance; whole
    /// numbers, texts and the rest must be equal. Drift exits 0 unless --fail-on-drift is given; a file that
    /// is missing or is no JSON is always an error.
    Golden(GoldenArgs),
    /// The baseline that runs are compared with: promote one, look at it, acknowledge known changes
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Show the runs below a folder, a line each, with a sparkline a KPI
    ///
    /// Looks at the folder itself, its latest, RUN_* and history/* folders.
    History(HistoryArgs),
}

/// Where baselines are kept.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// Folder of the baselines [default: $SOAK_OUT_DIR/baselines, else artifacts/soak/baselines]
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

impl StoreArgs {
    /// The folder asked for.
    pub fn folder(&self) -> PathBuf {
        let out =
            || environment::variable("SOAK_OUT_DIR").map_or_else(|| "artifacts/soak".into(), PathBuf::from);
        self.store.clone().unwrap_or_else(|| out().join("baselines"))
    }
}

/// `soak compare baseline …`
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Make a run the baseline; only a run that `gate` calls PASS
    ///
    /// Its single values go into BASELINE_N.json, and a line into history.jsonl, which is only ever added to: each
    /// line carries the hash of the one before. Says when baselines slide for the worse step by step, each within the
    /// margin and in sum beyond it.
    Promote(PromoteArgs),
    /// Show the baseline in force, its history, and what was acknowledged
    Show(StoreViewArgs),
    /// Check that no line of the history and no baseline was changed; exit code 1 when one was
    Verify(StoreViewArgs),
    /// Acknowledge that a KPI is worse than the baseline, until a day
    ///
    /// `compare` against the baseline then tells the change and does not count it as a regression. It holds for the
    /// baseline in force alone, and after the day it does not count any more and is told.
    Ack(AckArgs),
}

/// `soak compare baseline promote`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak compare baseline promote artifacts/soak/latest && soak compare --b artifacts/soak/next --fail-on-regression")]
pub struct PromoteArgs {
    /// Folder of the run
    #[arg(value_name = "RUN", required = true)]
    pub run: PathBuf,

    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,

    /// The symbol to promote of runs that have several [default: the only one]
    #[arg(long, value_name = "SYMBOL", value_parser = symbol)]
    pub symbol: Option<String>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak compare baseline show`, `verify`
#[derive(Debug, Args)]
pub struct StoreViewArgs {
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak compare baseline ack`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak compare baseline ack p95_latency_ms --owner \"A. Person\" --reason \"new risk check\" --until 2026-12-31")]
pub struct AckArgs {
    /// The KPI whose change is known
    #[arg(value_name = "KPI", required = true)]
    pub kpi: String,

    /// Who answers for it
    #[arg(long, value_name = "NAME", required = true, value_parser = person)]
    pub owner: String,

    /// Why it is accepted
    #[arg(long, value_name = "REASON", required = true, value_parser = reason)]
    pub reason: String,

    /// The last day on which it counts, YYYY-MM-DD
    #[arg(long, value_name = "DAY", required = true, value_parser = day)]
    pub until: String,

    /// Store, limits, output.
    #[command(flatten)]
    pub view: StoreViewArgs,
}

/// `soak compare golden`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak compare golden --baseline golden.json --actual artifacts/reports/soak_metrics.json --fail-on-drift
  soak compare golden --baseline golden.json --actual new.json --ignore /runtime/utc --rel-tolerance 0.01
  soak compare golden --baseline golden.json --actual new.json --tolerances tolerances.toml

A tolerances file is TOML, or JSON of the same shape; the first entry that matches a value holds for it:
  [[tolerances]]
  path = \"/gates/*/actual\"     # and everything below it; * is any one key or index
  abs = 0.5
  rel = 0.01
  [[tolerances]]
  path = \"/runtime\"
  ignore = true")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct GoldenArgs {
    /// The golden file
    #[arg(long, value_name = "FILE", required = true)]
    pub baseline: PathBuf,

    /// The file that is held against it
    #[arg(long, value_name = "FILE", required = true)]
    pub actual: PathBuf,

    /// Absolute difference that two numbers with a point may have
    #[arg(long, value_name = "ABS", value_parser = tolerance, default_value = "1e-9")]
    pub tolerance: f64,

    /// Difference that they may have in relation to the larger of the two; one of both tolerances is enough
    #[arg(long, value_name = "REL", value_parser = tolerance, default_value = "0")]
    pub rel_tolerance: f64,

    /// Leave out this JSON pointer and everything below it, e.g. /runtime/utc; `*` is any one key or index;
    /// may be repeated [default: nothing]
    #[arg(long, value_name = "PATH", value_parser = pointer)]
    pub ignore: Vec<Pattern>,

    /// Tolerances for single paths, a TOML or JSON file; they hold for whole numbers, too [default: none]
    #[arg(long, value_name = "FILE")]
    pub tolerances: Option<PathBuf>,

    /// NaN, which Python writes, equals NaN
    #[arg(long)]
    pub nan_equal: bool,

    /// A whole number equals the same number with a point
    #[arg(long)]
    pub int_equals_float: bool,

    /// Exit 1 if there is a difference
    #[arg(long)]
    pub fail_on_drift: bool,

    /// Write the actual file over the golden one, after the differences were shown
    #[arg(long, conflicts_with = "fail_on_drift")]
    pub update: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak compare history`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak compare history artifacts/soak --last 10")]
pub struct HistoryArgs {
    /// Folder with the runs
    #[arg(value_name = "DIR", required = true)]
    pub dir: PathBuf,

    /// Only the N newest runs [default: all]
    #[arg(long, value_name = "N", value_parser = count)]
    pub last: Option<usize>,

    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Relaxed limits.
    #[command(flatten)]
    pub mock: MockArgs,

    /// Draw sparklines with -=+# instead of block characters
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = HistoryFormat::Text)]
    pub format: HistoryFormat,
}

/// How a history is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// For people
    Text,
    /// For machines, described by a JSON Schema
    Json,
    /// For a pull request
    Md,
}
