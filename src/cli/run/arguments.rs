//! Arguments of `soak run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::arguments::environment;
use crate::cli::arguments::judging::PolicyArgs;
use crate::cli::arguments::notify::NotifyArgs;
use crate::cli::arguments::server::ServerArgs;
use crate::cli::arguments::start::StartArgs;
use crate::cli::arguments::values::{Format, count, hours, number, process, seconds, switch};
use crate::core::iteration::manifest::MeasureAt;
use crate::infra::http_server::ListenAddress;

/// `soak run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  soak run --iterations 24 --mock --auto-tune
  soak run --hours 72 --source prometheus --prometheus-url http://localhost:9090 --reports artifacts/reports
  soak run --iterations 8 --source exec --interval 60 -- ./measure.sh --venue test
  soak run --iterations 8 --interval 60 -- curl -fsS http://localhost:8080/metrics
  soak run --resume

What a command prints, or writes to $SOAK_MEASUREMENT, and what --source file reads: numbers by the names that the
policy declares, as JSON or as Prometheus text (see `soak schema measurement`):
  {\"p95_ms\": 12.5, \"error_ratio\": 0.002}
  {\"kpis\": {\"p95_ms\": 12.5, \"error_ratio\": 0.002}, \"runtime\": {\"utc\": \"2026-01-31T12:00:00Z\"}}
  p95_ms 12.5")]
pub struct RunArgs {
    /// How long.
    #[command(flatten)]
    pub length: LengthArgs,
    /// Where the measurements come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// What is tuned, and from where.
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Where files go.
    #[command(flatten)]
    pub files: FilesArgs,
    /// The 72-hour report.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// The limits.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Who is notified.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// End the run after so many iterations in a row whose KPI verdict is FAIL; 0 = never
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number, allow_negative_numbers = true)]
    pub abort_after_fails: u64,

    /// Show the run live at this address: a page, /metrics, /api/iterations, /events, /healthz; a port alone
    /// means 127.0.0.1
    #[arg(long, value_name = "ADDR")]
    pub serve: Option<ListenAddress>,

    /// Whose resources are sampled.
    #[command(flatten)]
    pub watched: WatchedArgs,

    /// Print the plan that would be run: source, overrides with their origins, phases, limits, files; start
    /// nothing and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Draw sparklines with -=+# instead of block characters
    #[arg(long)]
    pub ascii: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// The command of `--source exec` and its arguments, after `--`; it is started once an iteration
    #[arg(
        last = true,
        value_name = "COMMAND",
        help = "Command of --source exec and its arguments, after `--` [default: run.command of the policy]"
    )]
    pub command: Vec<OsString>,
}

/// How long a run lasts.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Length")]
pub struct LengthArgs {
    /// Number of iterations [default: --hours divided by --interval, else run.iterations of the policy]
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "hours", allow_negative_numbers = true)]
    pub iterations: Option<usize>,

    /// Run for so many hours, and judge the run by its run gates at the end [default: 72 where neither --iterations nor
    /// the policy says how long, but then the run gates are only listed]
    #[arg(long, value_name = "H", value_parser = hours, allow_negative_numbers = true)]
    pub hours: Option<f64>,

    /// Length of an iteration in seconds [default: $SOAK_SLEEP_SECONDS, else run.interval_seconds of the policy, else
    /// 300]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOAK_SLEEP_SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub interval: Option<f64>,

    /// Do not wait for the intervals: for replays and tests. The run is a rehearsal, and the time of a report is
    /// that of its iteration
    #[arg(long, conflicts_with = "measure_at")]
    pub no_wait: bool,

    /// Continue the run in the folder after its last complete iteration; what was declared then holds, and
    /// flags that contradict it are refused
    #[arg(long, conflicts_with_all = ["overrides", "set", "preset", "preset_file"])]
    pub resume: bool,

    /// With --resume: so many iterations more than were declared
    #[arg(
        long,
        value_name = "K",
        value_parser = count,
        requires = "resume",
        conflicts_with_all = ["overrides", "set", "preset", "preset_file"],
        allow_negative_numbers = true
    )]
    pub extend: Option<usize>,
}

/// A source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceName {
    /// The embedded simulator
    Sim,
    /// A command that is started once an iteration
    Exec,
    /// A measurement that the system writes into a file
    File,
    /// Queries to Prometheus or what speaks its language
    Prometheus,
}

/// Where the measurements come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
pub struct SourceArgs {
    /// Where the measurements of an iteration come from [default: exec where a command is given, file where
    /// --edge-report is, prometheus where --prometheus-url is, else run.source of the policy]
    #[arg(long, value_enum)]
    pub source: Option<SourceName>,

    /// The same as --source sim
    #[arg(long, env = "USE_MOCK", value_parser = switch, action = clap::ArgAction::SetTrue)]
    pub mock: bool,

    /// Seed of the simulator: the same seed gives the same run [default: 1]
    #[arg(long, value_name = "N", value_parser = number, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// What happens in the simulated market: default, calm, volatile, flash-crash, latency-storm,
    /// liquidity-gap, leak, diurnal, diurnal-leak, regression@N, always-bad [default: default]
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,

    /// The simulator waits for each interval to pass instead of computing at once
    #[arg(long)]
    pub real_time: bool,

    /// Measurement that --source file reads at the end of each interval [default: run.file of the policy, else
    /// artifacts/reports/EDGE_REPORT.json]
    #[arg(long, value_name = "FILE", visible_alias = "measurement")]
    pub edge_report: Option<PathBuf>,

    /// When the command of --source exec is started: at the start of the interval, of which the rest is waited,
    /// or at its end [default: run.measure_at of the policy]
    #[arg(long, value_name = "WHEN", value_parser = ["start", "end"])]
    pub measure_at: Option<String>,

    /// The server that --source prometheus asks.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Whose resources are sampled.
#[derive(Debug, Args)]
pub struct WatchedArgs {
    /// Sample memory, CPU, threads and open files of this process and its children in every iteration (Linux)
    /// [default: as [resources] of the policy says, else no sampling]
    #[arg(long, value_name = "PID", value_parser = process, allow_negative_numbers = true)]
    pub pid: Option<u32>,

    /// The same for the process whose number is in this file; restarts by its supervisor are followed and recorded
    /// [default: resources.pid_file of the policy]
    #[arg(long, value_name = "FILE", conflicts_with = "pid")]
    pub pid_file: Option<PathBuf>,
}

/// What is tuned, and from where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Overrides and tuning")]
pub struct TuningArgs {
    /// Apply what the tuner proposes, as far as its guards let it; without it proposals are only written down
    #[arg(long)]
    pub auto_tune: bool,

    /// The start values.
    #[command(flatten)]
    pub start: StartArgs,

    /// Change the start values by this preset of the policy
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,

    /// Change the start values by the preset in this file
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub preset_file: Option<PathBuf>,

    /// Begin with warm-up and ramp-down, as the table phases of the policy says
    #[arg(long)]
    pub warmup: bool,

    /// Preset of the warm-up [default: the one that the policy names]
    #[arg(long, value_name = "NAME", requires = "warmup")]
    pub warmup_preset: Option<String>,

    /// Where the system under test reads the overrides in force [default: runtime_overrides.json in the folder
    /// of the run]
    #[arg(long, value_name = "FILE")]
    pub active_overrides: Option<PathBuf>,

    /// After a PASS, write the tuned values into the start file
    #[arg(long, requires = "auto_tune")]
    pub adopt: bool,
}

/// Where files go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct FilesArgs {
    /// Folder of the runs; the run goes into `latest` below it, a former one into `history`
    #[arg(long, value_name = "DIR", env = "SOAK_OUT_DIR", default_value = "artifacts/soak")]
    pub out: PathBuf,

    /// Run in a folder RUN_<epoch_ms> of its own, which is copied to `latest` at the end
    #[arg(long)]
    pub run_isolated: bool,

    /// Do not wait for the disk: faster, survives being killed, but a power cut may cost the last iterations
    #[arg(long)]
    pub no_fsync: bool,
}

/// The 72-hour report.
#[derive(Debug, Args)]
#[command(next_help_heading = "72-hour report")]
pub struct ReportArgs {
    /// Write the run's metrics and gates to this file, and judge the run by its run gates
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,

    /// The same report in Markdown
    #[arg(long, value_name = "FILE")]
    pub export_md: Option<PathBuf>,

    /// Write only the gates to this file
    #[arg(long, value_name = "FILE")]
    pub gate_summary: Option<PathBuf>,

    /// Write all three into this folder, as soak_metrics.json, SOAK_RESULTS.md and gates_summary.json; with --resume
    /// also those of a complete run
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

impl LengthArgs {
    /// The interval that a flag asks for; `None` where only the variable says one, which a resumed run
    /// does not ask.
    pub fn interval_by_flag(&self) -> Option<f64> {
        let variable = environment::text("SOAK_SLEEP_SECONDS").and_then(|text| seconds(&text).ok());
        self.interval.filter(|interval| Some(*interval) != variable)
    }
}

impl SourceArgs {
    /// When the command measures; `None` = the command line does not say.
    pub fn measure_at(&self) -> Option<MeasureAt> {
        let word = self.measure_at.as_deref()?;
        [MeasureAt::Start, MeasureAt::End].into_iter().find(|at| at.word() == word)
    }

    /// Whether a flag asks for the simulator by name, and not only `$USE_MOCK`.
    pub fn mock_by_flag(&self) -> bool {
        self.mock && environment::text("USE_MOCK").and_then(|text| switch(&text).ok()) != Some(true)
    }
}

/// What a command line says of the source, that of `run` or that of `doctor`.
#[derive(Clone, Copy, Debug)]
pub struct AskedSource<'a> {
    pub source: &'a SourceArgs,
    pub command: &'a [OsString],
}

impl RunArgs {
    /// The source that is asked for.
    pub fn asked_source(&self) -> AskedSource<'_> {
        AskedSource { source: &self.source, command: &self.command }
    }

    /// Whether the command line asks to be judged by the run gates.
    pub fn wants_run_gates(&self) -> bool {
        let ReportArgs { export_json, export_md, gate_summary, reports } = &self.reports;
        self.length.hours.is_some()
            || [export_json, export_md, gate_summary, reports].iter().any(|file| file.is_some())
    }
}

impl ReportArgs {
    /// Where the metrics go.
    pub fn json(&self) -> Vec<PathBuf> {
        self.paths(self.export_json.as_ref(), "soak_metrics.json")
    }

    /// Where the Markdown goes.
    pub fn markdown(&self) -> Vec<PathBuf> {
        self.paths(self.export_md.as_ref(), "SOAK_RESULTS.md")
    }

    /// Where the gates go.
    pub fn gates(&self) -> Vec<PathBuf> {
        self.paths(self.gate_summary.as_ref(), "gates_summary.json")
    }

    /// All of them, with what they are.
    pub fn files(&self) -> Vec<(PathBuf, &'static str)> {
        let all = [
            (self.json(), "metrics and gates of the run"),
            (self.markdown(), "the same for people"),
            (self.gates(), "the gates alone"),
        ];
        all.into_iter().flat_map(|(paths, what)| paths.into_iter().map(move |path| (path, what))).collect()
    }

    fn paths(&self, own: Option<&PathBuf>, usual: &str) -> Vec<PathBuf> {
        own.cloned().into_iter().chain(self.reports.as_ref().map(|folder| folder.join(usual))).collect()
    }
}
