//! Arguments of `soak release readiness` and `soak release validate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::judging::PolicyArgs;
use crate::cli::values::{Format, plain_text, ratio};

/// What everything about the score takes: by which limits, from which data, told how.
#[derive(Debug, Args)]
pub struct ScoringArgs {
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Take simulated data; the result says so and counts for a rehearsal alone
    #[arg(long)]
    pub rehearsal: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `soak release readiness`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  soak release readiness record artifacts/soak/latest --chaos OK --bug-bash OK
  soak release readiness
  soak release readiness --dir artifacts --out-json artifacts/READINESS_SCORE.json"
)]
pub struct ReadinessArgs {
    /// Something else than the score.
    #[command(subcommand)]
    pub command: Option<ReadinessCommand>,

    /// Folder with the REPORT_SOAK_DATE.json files
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    pub dir: PathBuf,

    /// File for the score; the same for people goes beside it as .md [default: READINESS_SCORE.json in the folder
    /// of --dir]
    #[arg(long, value_name = "FILE")]
    pub out_json: Option<PathBuf>,

    /// Limits, data, output.
    #[command(flatten)]
    pub scoring: ScoringArgs,
}

/// `soak release readiness …`
#[derive(Debug, Subcommand)]
pub enum ReadinessCommand {
    /// Write the report of the day of a run, REPORT_SOAK_DATE.json
    ///
    /// Net edge, order age and taker share are the means over the iterations from windows.steady_start on. A day
    /// that was not measured is refused, never filled up with zeros: a run that is INVALID or INCONCLUSIVE, a KPI
    /// that no iteration has, drift of resources that nobody watched.
    Record(Box<RecordArgs>),
}

/// `soak release readiness record`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak release readiness record artifacts/soak/latest --chaos OK --bug-bash \"OK (2 minor)\"
  soak release readiness record artifacts/soak/latest --chaos OK --bug-bash OK --drift NONE")]
pub struct RecordArgs {
    /// Folder of the run, with the ITER_SUMMARY_*.json files
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Outcome of the chaos tests of the day; only a text whose first word is OK counts as passed
    #[arg(long, value_name = "TEXT", value_parser = plain_text)]
    pub chaos: String,

    /// Outcome of the bug bash of the day; only a text whose first word is OK counts as passed
    #[arg(long, value_name = "TEXT", value_parser = plain_text)]
    pub bug_bash: String,

    /// NONE, or what drifts [default: as measured on the resources of the run (`soak run --pid`); without them the
    /// day is refused]
    ///
    /// Drift that was measured stands whatever is stated here.
    #[arg(long, value_name = "TEXT", value_parser = plain_text)]
    pub drift: Option<String>,

    /// Filled ÷ placed orders, 0 to 1 [default: not known]
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub fill_rate: Option<f64>,

    /// 95th percentile of the absolute position skew, 0 to 1 [default: not known]
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub pos_skew_abs_p95: Option<f64>,

    /// Breaches of intraday caps [default: not known]
    #[arg(long, value_name = "N")]
    pub caps_breaches: Option<u64>,

    /// Folder for the report; earlier reports in it are what regressions are looked for against
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    pub dir: PathBuf,

    /// Write over a report of the same day that says something else
    #[arg(long)]
    pub replace: bool,

    /// Limits, data, output.
    #[command(flatten)]
    pub scoring: ScoringArgs,
}

/// `soak release validate`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak release validate artifacts/READINESS_SCORE.json")]
pub struct ValidateArgs {
    /// The score's JSON
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Limits, data, output.
    #[command(flatten)]
    pub scoring: ScoringArgs,
}
