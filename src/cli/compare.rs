//! Arguments of `soak compare`: two runs, baselines, golden files, the history of a folder.

use crate::cli::arguments::environment;
use crate::cli::arguments::globals::GlobalArgs;
use crate::cli::arguments::judging::{MockArgs, PolicyArgs, WindowArgs};
use crate::cli::arguments::values::{Format, count, day, person, pointer, reason, symbol, tolerance};
use crate::cli::judge::folder::{collect_provenance, load_policy, load_window_policy};
use crate::cli::judge::post_soak::say;
use crate::cli::output::stdout::print;
use crate::core::compare::baselines::Actor;
use crate::core::compare::history::HistoryResult;
use crate::core::compare::result::CompareResult;
use crate::core::compare::sides::{Reading, Side};
use crate::core::compare::{baselines, conditions, sides};
use crate::core::load::provenance;
use crate::core::policy::Policy;
use crate::core::text::spark::Glyphs;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::infra::environment::Environment;
use crate::infra::{atomic_file, clock};
use crate::ops::golden;
use crate::ops::golden::rule::{Pattern, Rule, Treatment};
use crate::ops::golden::{GoldenResult, Settings, rule};
use crate::report;
use crate::report::{json, text as markdown};
use anyhow::anyhow;
use chrono::{SecondsFormat, Utc};
use clap::{Args, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};

/// `soak compare`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  soak compare artifacts/soak/history/2026-01-31T120000Z artifacts/soak/latest
  soak compare baseline.json artifacts/soak/latest --format text --fail-on-regression
  soak compare artifacts/soak/latest --fail-on-regression      against the baseline in the store"
)]
pub struct CompareArgs {
    /// Something else than two runs.
    #[command(subcommand)]
    pub other: Option<CompareCommand>,

    /// The runs.
    #[command(flatten)]
    pub sides: SidesArgs,

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

/// The two sides of a comparison, as arguments or by the flags that mean the same.
#[derive(Clone, Debug, Args)]
pub struct SidesArgs {
    /// The run that is compared with: a folder with ITER_SUMMARY_*.json files, an archive of it, a
    /// POST_SOAK_SNAPSHOT.json or a POST_SOAK_AUDIT_SUMMARY.json (one run is needed)
    #[arg(
        value_name = "A",
        required_unless_present_any = ["a", "b"],
        conflicts_with_all = ["a", "b"]
    )]
    first: Option<PathBuf>,

    /// The run that is compared, in the same forms [default: A, against the baseline in the store, see `compare
    /// baseline promote`]
    #[arg(value_name = "B", conflicts_with_all = ["a", "b", "store"])]
    second: Option<PathBuf>,

    /// The run that is compared with [default: the baseline in the store]
    #[arg(long, value_name = "RUN", conflicts_with = "store", requires = "b")]
    a: Option<PathBuf>,

    /// The run that is compared (one run is needed)
    #[arg(long, value_name = "RUN")]
    b: Option<PathBuf>,
}

impl SidesArgs {
    /// The run that is compared with, where one is named, and the run that is compared.
    fn sides(&self) -> (Option<&Path>, Option<&Path>) {
        match (self.first.as_deref(), self.second.as_deref()) {
            (None, _) => (self.a.as_deref(), self.b.as_deref()),
            (alone, None) => (None, alone),
            both => both,
        }
    }
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
    /// Every difference is printed with its JSON pointer. Numbers with a point may differ by the tolerance; whole
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
    /// `compare` against the baseline then reports the change and does not count it as a regression. It holds only
    /// for the baseline in force, and until that day; afterwards `compare` reports that it is over.
    Ack(AckArgs),
}

/// `soak compare baseline promote`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  soak compare baseline promote artifacts/soak/latest && soak compare artifacts/soak/next --fail-on-regression")]
pub struct PromoteArgs {
    /// Folder of the run, or an archive of it
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

    /// File to compare with the golden one
    #[arg(long, value_name = "FILE", required = true)]
    pub actual: PathBuf,

    /// Absolute difference that two numbers with a point may have
    #[arg(long, value_name = "ABS", value_parser = tolerance, default_value = "1e-9")]
    pub tolerance: f64,

    /// Difference that they may have in relation to the larger of the two; one of both tolerances is enough
    #[arg(long, value_name = "REL", value_parser = tolerance, default_value = "0")]
    pub rel_tolerance: f64,

    /// Leave out this JSON pointer and everything below it, e.g. /runtime/utc; `*` is any one key or index;
    /// may be repeated
    #[arg(long, value_name = "PATH", value_parser = pointer)]
    pub ignore: Vec<Pattern>,

    /// Tolerances for single paths, a TOML or JSON file; they hold for whole numbers, too
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

pub(crate) fn run(args: &CompareArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    match &args.other {
        None => runs(args, globals),
        Some(CompareCommand::Baseline(BaselineCommand::Promote(args))) => promote(args),
        Some(CompareCommand::Baseline(BaselineCommand::Ack(args))) => ack(args),
        Some(CompareCommand::Baseline(BaselineCommand::Show(args))) => view(args, "show"),
        Some(CompareCommand::Baseline(BaselineCommand::Verify(args))) => view(args, "verify"),
        Some(CompareCommand::Golden(args)) => compare_golden(args),
        Some(CompareCommand::History(args)) => history(args),
    }
}

fn runs(args: &CompareArgs, globals: &GlobalArgs) -> Result<Exit, Failure> {
    let CompareArgs { other: _, sides, store, policy, mock, window, symbol, fail_on_regression, format } =
        args;
    let (a, Some(b)) = sides.sides() else {
        return Err(Failure::usage(anyhow!("no run to compare is named")));
    };
    let policy = load_window_policy(policy, window)?;
    let provenance = collect_provenance(&policy, None)?;
    let reading =
        Reading { policy: &policy, mock: mock.mock, so_far: window.so_far, symbol: symbol.as_deref() };
    // The CSV has no place for it.
    let is_significance_asked = *fail_on_regression || *format != CompareFormat::Csv;
    let mut known = Vec::new();
    let a = if let Some(a) = a {
        side(globals, "A", a, &reading)?
    } else {
        let store = store.folder();
        let side = baselines::side(&store, &policy)?;
        let status = baselines::status(&store, "show", &policy, &now()?[..10])?;
        for warning in &status.warnings {
            say(globals, &format!("warning: {}", markdown::printable(warning)));
        }
        known = status.acknowledged;
        side
    };
    let b = side(globals, "B", b, &reading)?;
    let refusals = conditions::refusals(&a.conditions, &b.conditions, &policy.compare.refuse);
    if !refusals.is_empty() {
        return Err(Failure::input(anyhow!("A and B are not compared: {}", refusals.join("; ")))
            .hint("`[compare] refuse` in the policy names what must be equal"));
    }
    let mut result = CompareResult::of(a, b, is_significance_asked, &known, &policy, mock.mock, &provenance);
    let exit = if *fail_on_regression { result.gate() } else { Exit::Success };
    result.exit_code = exit.code(false);
    match format {
        CompareFormat::Csv => print(report::compare::csv(&result))?,
        CompareFormat::Text => print(report::compare::text(&result))?,
        CompareFormat::Json => print(json::pretty(&result))?,
        CompareFormat::Md => print(report::compare::md(&result))?,
    }
    if *format == CompareFormat::Csv {
        // The CSV has no place for what else is to be said.
        let changed = result.kpis.iter().filter_map(|row| {
            let answer = row.significance.as_ref()?;
            let is_changed = answer.changed_a.is_some() || answer.changed_b.is_some();
            is_changed.then(|| format!("{}: {}", row.kpi, answer.reason))
        });
        for note in result.notes.iter().cloned().chain(changed) {
            say(globals, &format!("note: {}", markdown::printable(&note)));
        }
    }
    if exit != Exit::Success {
        for reason in reasons(&result) {
            say(globals, &format!("regression check: {}", markdown::printable(&reason)));
        }
    }
    Ok(exit)
}

fn side(globals: &GlobalArgs, name: &str, path: &Path, reading: &Reading<'_>) -> Result<Side, Failure> {
    let side = sides::read(name, path, reading)?;
    if let Some(folder) = &side.redirected {
        let (path, folder) = (path.display(), folder.display());
        say(globals, &format!("note: `{path}` has no iteration files, `{folder}` has; that one is read"));
    }
    Ok(side)
}

fn reasons(result: &CompareResult) -> Vec<String> {
    let mut reasons = Vec::new();
    if result.judged.is_empty() {
        reasons.push("no KPI of the policy is judged: neither side has one with a direction".to_owned());
    }
    let is_wider = result.spread_gates && !result.wider.is_empty();
    if !result.regressions.is_empty()
        || is_wider
        || !result.unknown.is_empty()
        || !result.undecided.is_empty()
    {
        reasons.push(report::compare::summary(result));
    }
    for (name, run) in [("A", &result.a), ("B", &result.b)] {
        if let Some(outcome) = run.cannot_judge() {
            let reason = run.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
            reasons.push(format!("{name} is {}{reason}", outcome.word()));
        }
    }
    reasons
}

fn promote(args: &PromoteArgs) -> Result<Exit, Failure> {
    let PromoteArgs { run, store, policy, mock, symbol, format } = args;
    let policy = load_policy(policy, &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let store = store.folder();
    let reading = Reading { policy: &policy, mock: mock.mock, so_far: false, symbol: symbol.as_deref() };
    let by = provenance::person(&Environment::of_process());
    let actor = Actor { by, at: now()? };
    baselines::promote(&store, run, &reading, &actor, &provenance.tool_version)?;
    show(&store, "promote", &policy, *format)
}

fn ack(args: &AckArgs) -> Result<Exit, Failure> {
    let AckArgs { kpi, owner, reason, until, view: StoreViewArgs { store, policy, format } } = args;
    let policy = load_policy(policy, &[])?;
    let compared = policy.compare.kpis.iter().filter(|rule| rule.margin.is_some());
    let names: Vec<&str> = compared.map(|rule| rule.kpi.name).collect();
    if !names.contains(&kpi.as_str()) {
        let names = names.join(", ");
        return Err(Failure::usage(anyhow::anyhow!("`{kpi}` is no KPI that is compared"))
            .hint(format!("these are: {names}")));
    }
    let at = now()?;
    if until.as_str() < &at[..10] {
        return Err(Failure::usage(anyhow::anyhow!("`--until {until}` is over already"))
            .hint("an acknowledgement counts until the end of a day to come"));
    }
    let store = store.folder();
    let actor = Actor { by: owner.clone(), at };
    baselines::acknowledge(&store, kpi, reason, until, &actor)?;
    show(&store, "ack", &policy, *format)
}

fn view(args: &StoreViewArgs, action: &'static str) -> Result<Exit, Failure> {
    let StoreViewArgs { store, policy, format } = args;
    let policy = load_policy(policy, &[])?;
    show(&store.folder(), action, &policy, *format)
}

fn show(store: &Path, action: &'static str, policy: &Policy, format: Format) -> Result<Exit, Failure> {
    let status = baselines::status(store, action, policy, &now()?[..10])?;
    let exit = if status.problems.is_empty() { Exit::Success } else { Exit::InputInvalid };
    match format {
        Format::Text => print(report::baselines::text(&status))?,
        Format::Json => print(json::pretty(&status))?,
    }
    Ok(exit)
}

/// Now, or what `SOAK_NOW` says.
fn now() -> Result<String, Failure> {
    let text = |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    clock::now(&Environment::of_process())
        .map(text)
        .map_err(|error| Failure::usage(error).hint("an example of a valid time is 2026-01-31T12:00:00Z"))
}

fn history(args: &HistoryArgs) -> Result<Exit, Failure> {
    let HistoryArgs { dir, last, policy, mock, ascii, format } = args;
    let policy = load_policy(policy, &[])?;
    let provenance = collect_provenance(&policy, None)?;
    let glyphs = if *ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    let result = HistoryResult::of(dir, *last, &policy, mock.mock, glyphs, &provenance)?;
    print(match format {
        HistoryFormat::Text => report::history::text(&result),
        HistoryFormat::Json => json::pretty(&result),
        HistoryFormat::Md => report::history::md(&result),
    })?;
    Ok(Exit::Success)
}

/// Compares, prints, and updates the golden file where that was asked for.
fn compare_golden(args: &GoldenArgs) -> Result<Exit, Failure> {
    let GoldenArgs {
        baseline,
        actual,
        tolerance,
        rel_tolerance,
        ignore,
        tolerances,
        nan_equal,
        int_equals_float,
        fail_on_drift,
        update,
        format,
    } = args;
    let ignored = |pattern| Rule { pattern, treatment: Treatment::Ignore };
    let mut rules: Vec<Rule> = ignore.iter().cloned().map(ignored).collect();
    if let Some(path) = tolerances {
        let hint = "`soak compare golden --help` shows what the file looks like";
        let text = atomic_file::read_text(path).map_err(|error| Failure::usage(error).hint(hint))?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        rules.extend(rule::read(&text, is_json).map_err(|reason| {
            let path = path.display();
            Failure::usage(anyhow!("the tolerances in `{path}` cannot be used: {reason}")).hint(hint)
        })?);
    }
    let settings = Settings {
        abs: *tolerance,
        rel: *rel_tolerance,
        nan_equal: *nan_equal,
        int_equals_float: *int_equals_float,
        rules,
    };
    let read = |side, path| {
        golden::read(side, path).map_err(|problem| {
            Failure::input(problem)
                .hint("`--baseline` and `--actual` name two JSON files; both must be there")
        })
    };
    let ((from, _), (to, bytes)) = (read("golden", baseline)?, read("actual", actual)?);
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let drift = golden::compare(&from, &to, &settings);
    let mut result = GoldenResult::of(shown(baseline), shown(actual), drift);
    let exit = if result.drift && *fail_on_drift { Exit::Failed } else { Exit::Success };
    result.exit_code = exit.code(false);
    result.update = result.drift && *update;
    match format {
        Format::Text => print(golden::text(&result.found))?,
        Format::Json => print(json::pretty(&result))?,
    }
    if result.update {
        atomic_file::write(baseline, &bytes)
            .map_err(|error| Failure::output(error).hint("the golden file is as it was"))?;
    }
    Ok(exit)
}
