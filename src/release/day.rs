//! The report of a day, `REPORT_SOAK_<date>.json`: measured on a run together with what a person states, compared
//! with the days before, and read back for the score. Refuses what nobody measured or stated.
//!
//! Older reports have fewer keys; what they do not say is not known.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use super::json::{at, number, object, text};
use crate::core::analysis::folder::Judged;
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::json::Node;
use crate::core::kpi::KpiId;
use crate::core::load::read_plain;
use crate::core::policy::release::{ReleasePolicy, ScoreRules};
use crate::core::policy::{Policy, WindowSpec, Windows};
use crate::core::text::number::{TOLERANCE, fixed, round_half_even};
use crate::core::trend::resources::DriftWord;
use crate::core::verdict::Outcome;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::violations::Violations;
use crate::infra::atomic_file;
use crate::infra::atomic_file::FileError;
use crate::report::json::pretty_ascii;
use crate::report::text::printable;
use crate::stats::mean;

/// The word for "nothing": no regression, no drift.
const NONE: &str = "NONE";

/// What a person states.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stated {
    pub(crate) chaos: String,
    pub(crate) bug_bash: String,
    /// `NONE`, or what drifts; `None` = as measured.
    pub(crate) drift: Option<String>,
    /// Filled ÷ placed orders, 0 to 1.
    pub(crate) fill_rate: Option<f64>,
    /// 95th percentile of |position skew|.
    pub(crate) pos_skew_abs_p95: Option<f64>,
    pub(crate) caps_breach_count: Option<u64>,
}

/// Violations of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Alerts {
    /// Beyond CRIT.
    pub(crate) critical: usize,
    /// Beyond WARN.
    pub(crate) warning: usize,
}

/// What drifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Drift {
    /// `NONE`, or what.
    pub(crate) reason: String,
    /// `measured` on the resources of the run, or `stated` by a person.
    #[schemars(extend("enum" = ["measured", "stated"]))]
    pub(crate) source: &'static str,
}

/// The means of the days before; null = not known on any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Baseline {
    /// How many days.
    pub(crate) days: usize,
    /// Net edge, bps.
    #[serde(rename = "edge_net_bps")]
    pub(crate) edge: Option<f64>,
    /// Order age, ms.
    #[serde(rename = "order_age_p95_ms")]
    pub(crate) latency: Option<f64>,
    /// Taker share, percent.
    #[serde(rename = "taker_share_pct")]
    pub(crate) taker: Option<f64>,
}

/// The regression guard.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Regression {
    /// What the day was compared with; null without earlier days.
    pub(crate) baseline: Option<Baseline>,
    /// `NONE`, or the first value that is worse by more than the policy allows.
    #[schemars(extend("enum" = ["NONE", "EDGE_REG", "LAT_REG", "TAKER_REG"]))]
    pub(crate) reason: &'static str,
}

/// When, and by which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Runtime {
    /// RFC 3339.
    pub(crate) utc: String,
    /// Version of the program.
    pub(crate) version: String,
}

/// Where the numbers come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct RunFacts {
    /// Steady iterations that the means rest on.
    pub(crate) iterations: usize,
    /// SHA-256 of the policy values in force.
    pub(crate) policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_file: Option<String>,
    /// Where the data came from; null when nothing says so.
    pub(crate) source: Option<String>,
    /// The verdict of `gate`.
    pub(crate) verdict: String,
}

/// The report. Fields in the order of their names.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct DayReport {
    /// The day, `2026-01-31`.
    #[serde(skip)]
    pub(crate) date: String,
    /// Violations of the run.
    pub(crate) alerts: Alerts,
    /// Outcome of the bug bash, in words.
    pub(crate) bug_bash: String,
    /// Breaches of intraday caps; null = nobody said.
    pub(crate) caps_breach_count: Option<u64>,
    /// Outcome of the chaos tests, in words.
    pub(crate) chaos_result: String,
    /// What drifts.
    pub(crate) drift: Drift,
    /// Net edge, bps.
    pub(crate) edge_net_bps: f64,
    /// Filled ÷ placed orders; null = nobody said.
    pub(crate) fill_rate: Option<f64>,
    /// 95th percentile of the order age, ms.
    pub(crate) order_age_p95_ms: f64,
    /// 95th percentile of |position skew|; null = nobody said.
    pub(crate) pos_skew_abs_p95: Option<f64>,
    /// The regression guard.
    pub(crate) reg_guard: Regression,
    /// The data is no basis for a release: simulated, or of a source that nothing names.
    pub(crate) rehearsal: bool,
    /// Where the numbers come from.
    pub(crate) run: RunFacts,
    /// When, and by which version.
    pub(crate) runtime: Runtime,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub(crate) schema_version: &'static str,
    /// Taker share, percent.
    pub(crate) taker_share_pct: f64,
    /// By the limits of the score.
    #[schemars(extend("enum" = ["OK", "WARN", "FAIL"]))]
    pub(crate) verdict: &'static str,
}

/// The three values that are scored, in the units of the report.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Means {
    /// Net edge, bps.
    edge: f64,
    /// Order age, ms.
    latency: f64,
    /// Taker share, percent.
    taker: f64,
}

/// A recorded day.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    pub(crate) report: DayReport,
    /// Earlier reports that could not be used, a sentence each.
    pub(crate) unusable: Vec<String>,
}

impl Recorded {
    /// A recorded day.
    pub(crate) fn text(&self) -> String {
        let Self { path, report, .. } = self;
        let mut out = String::new();
        let _ = writeln!(
            out,
            "  net edge {} bps, order age p95 {} ms, taker share {} %: {}",
            fixed(report.edge_net_bps, 3),
            fixed(report.order_age_p95_ms, 1),
            fixed(report.taker_share_pct, 2),
            report.verdict
        );
        let _ = writeln!(
            out,
            "  regression {}, drift {} ({}), chaos {}, bug bash {}",
            report.reg_guard.reason,
            printable(&report.drift.reason),
            report.drift.source,
            printable(&report.chaos_result),
            printable(&report.bug_bash)
        );
        let rehearsal = if report.rehearsal { " (REHEARSAL: simulated data)" } else { "" };
        let _ = writeln!(out, "\nRecorded: {}{rehearsal}", path.display());
        out
    }
}

/// Writes the report of the day of a run into a folder; the reports in it are what regressions are looked for against.
pub(crate) fn record(
    judged: &Judged,
    policy: &Policy,
    provenance: &Provenance,
    stated: &Stated,
    folder: &Path,
    rehearsal: bool,
    replace: bool,
) -> Result<Recorded, Failure> {
    let unwritable = |error: FileError| {
        let hint = format!("`--dir` names the folder of the reports, here `{}`", folder.display());
        Failure::output(error).hint(hint)
    };
    let earlier = if atomic_file::exists(folder) {
        read_reports(folder, &policy.release).map_err(unwritable)?
    } else {
        Vec::new()
    };
    let report = measure(&judged.analysis, policy, provenance, stated, &earlier, rehearsal)
        .map_err(|reasons| Failure::failed(anyhow!("the day cannot be recorded: {}", reasons.join("; "))))?;
    let own = format!("REPORT_SOAK_{}.json", report.date.replace('-', ""));
    let unusable = earlier
        .iter()
        .filter(|day| day.file != own)
        .flat_map(|day| {
            let other_kind = day.unreleasable.as_ref().filter(|_| !report.rehearsal);
            day.problems.iter().chain(other_kind).map(move |problem| format!("{}: {problem}", day.file))
        })
        .collect();
    let path = folder.join(own);
    let bytes = pretty_ascii(&report);
    if atomic_file::exists(&path) && !replace && read_plain(&path).ok().as_deref() != Some(bytes.as_bytes()) {
        return Err(Failure::failed(anyhow!("`{}` exists with other content", path.display()))
            .hint("`--replace` writes over it"));
    }
    atomic_file::write_below(&path, bytes.as_bytes()).map_err(unwritable)?;
    Ok(Recorded { path, report, unusable })
}

/// The day of a judged run, or everything that prevents it.
fn measure(
    analysis: &Analysis,
    policy: &Policy,
    provenance: &Provenance,
    stated: &Stated,
    earlier: &[Day],
    rehearsal: bool,
) -> Result<DayReport, Vec<String>> {
    let mut refusals = Vec::new();
    if !analysis.outcome.is_acceptable() {
        refusals.push(format!("the run is {}: {}", analysis.outcome, analysis.reason()));
    }
    let unreleasable = analysis.origin.against_release();
    if let Some(reason) = unreleasable.as_ref().filter(|_| !rehearsal) {
        refusals.push(format!("{reason}; only `--rehearsal` takes such a day"));
    }
    let is_rehearsal = unreleasable.is_some();
    let utc = analysis.last_time().map(str::to_owned);
    let date = utc.as_deref().and_then(date_of);
    if date.is_none() {
        refusals.push("no iteration has a usable time (`runtime_utc`), so the day is not known".to_owned());
    }
    let mut mean = |kpi: KpiId, is_floor: bool| {
        let found = worst_mean(analysis, kpi, is_floor, policy.windows);
        found.map_err(|problem| refusals.push(problem)).ok()
    };
    let edge = mean(KpiId::NET_BPS, true);
    let latency = mean(KpiId::ORDER_AGE_P95_MS, false);
    let maker = mean(KpiId::MAKER_TAKER_RATIO, true);
    let measured = drift(analysis);
    let stated_drift = stated.drift.as_deref().map(str::trim).filter(|text| !text.is_empty());
    // What was measured cannot be talked away.
    let drift = match (measured, stated_drift) {
        (Some(reason), stated) if reason != NONE || stated.unwrap_or(NONE) == NONE => {
            Some(Drift { reason, source: "measured" })
        }
        (_, Some(stated)) => Some(Drift { reason: stated.to_owned(), source: "stated" }),
        (_, None) => {
            refusals.push(
                "drift was not measured: no iteration contains what the process used (`soak run --pid`); \
                 state it with `--drift NONE` or what drifts"
                    .to_owned(),
            );
            None
        }
    };
    let (Some(edge), Some(latency), Some(maker), Some(drift), Some(date), Some(utc)) =
        (edge, latency, maker, drift, date, utc)
    else {
        return Err(refusals);
    };
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let rules = &policy.release.score;
    let means = Means { edge: edge.0, latency: latency.0, taker: 100.0 * (1.0 - maker.0) };
    let before = baseline(earlier, &date, rules, is_rehearsal);
    let regression = regression(&means, &before, rules);
    let violations = || analysis.symbols.iter().map(|symbol| &symbol.deep.violations);
    // Enough decimals for a limit, few enough to hide the last bits of a mean.
    let rounded = |value: f64| round_half_even(value, 6);
    let before = Baseline {
        edge: before.edge.map(rounded),
        latency: before.latency.map(rounded),
        taker: before.taker.map(rounded),
        ..before
    };
    Ok(DayReport {
        alerts: Alerts {
            critical: violations().map(Violations::crit).sum(),
            warning: violations().map(Violations::warn).sum(),
        },
        bug_bash: stated.bug_bash.trim().to_owned(),
        caps_breach_count: stated.caps_breach_count,
        chaos_result: stated.chaos.trim().to_owned(),
        date,
        drift,
        edge_net_bps: rounded(means.edge),
        fill_rate: stated.fill_rate,
        order_age_p95_ms: rounded(means.latency),
        pos_skew_abs_p95: stated.pos_skew_abs_p95,
        reg_guard: Regression { baseline: (before.days > 0).then_some(before), reason: regression },
        rehearsal: is_rehearsal,
        run: RunFacts {
            iterations: edge.1.min(latency.1).min(maker.1),
            policy_sha256: provenance.policy_sha256.clone(),
            policy_file: provenance.policy_file.clone(),
            source: analysis.source(),
            verdict: analysis.outcome.word().to_owned(),
        },
        runtime: Runtime {
            utc: provenance.fixed_time.clone().unwrap_or(utc),
            version: provenance.tool_version.clone(),
        },
        schema_version: "1.0",
        taker_share_pct: rounded(means.taker),
        verdict: verdict(&means, regression, rules),
    })
}

/// The UTC day of a time.
fn date_of(time: &str) -> Option<String> {
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?;
    Some(time.to_utc().format("%Y-%m-%d").to_string())
}

/// The worst symbol's mean over the steady iterations, and on how many it rests.
fn worst_mean(
    analysis: &Analysis,
    kpi: KpiId,
    is_floor: bool,
    windows: Windows,
) -> Result<(f64, usize), String> {
    let name = kpi.name;
    let of_symbol = |symbol: &SymbolAnalysis| {
        let steady = symbol
            .deep
            .windows
            .iter()
            .find(|stats| stats.window.name == WindowSpec::Steady.name(&windows))?;
        let summary = steady.kpi(kpi)?.summary?;
        Some((summary.mean, summary.n))
    };
    let mut worst: Option<(f64, usize)> = None;
    for symbol in &analysis.symbols {
        let Some(mean) = of_symbol(symbol) else {
            let of = symbol.symbol.as_deref().map_or_else(String::new, |name| format!(" of {name}"));
            let from = windows.steady_start;
            return Err(format!("`{name}` was not measured in any iteration{of} from {from} on"));
        };
        let is_worse = |(value, _): (f64, usize)| if is_floor { mean.0 < value } else { mean.0 > value };
        if worst.is_none_or(is_worse) {
            worst = Some(mean);
        }
    }
    worst.ok_or_else(|| format!("`{name}` was not measured"))
}

/// What drifts, of the resources that were watched; `None` when none was watched long enough.
fn drift(analysis: &Analysis) -> Option<String> {
    let all = || analysis.symbols.iter().flat_map(|symbol| &symbol.deep.drift);
    let growing: BTreeSet<String> = all()
        .filter(|drift| drift.word == DriftWord::Grows)
        .map(|drift| format!("DRIFT_{}", drift.resource.word().to_uppercase()))
        .collect();
    if !growing.is_empty() {
        return Some(growing.into_iter().collect::<Vec<_>>().join(","));
    }
    all().any(|drift| !matches!(drift.word, DriftWord::NoData | DriftWord::TooFew)).then(|| NONE.to_owned())
}

/// The means of the last days before `date`, of the same kind of data.
fn baseline(earlier: &[Day], date: &str, rules: &ScoreRules, rehearsal: bool) -> Baseline {
    let mut days: Vec<&Day> = earlier
        .iter()
        .filter(|day| day.date.as_deref().is_some_and(|of| of < date))
        .filter(|day| day.unreleasable.is_some() == rehearsal)
        .collect();
    days.sort_by(|a, b| a.date.cmp(&b.date));
    let days = &days[days.len().saturating_sub(rules.days)..];
    let mean =
        |value: fn(&Day) -> Option<f64>| mean(&days.iter().filter_map(|day| value(day)).collect::<Vec<_>>());
    Baseline {
        days: days.len(),
        edge: mean(|day| day.edge),
        latency: mean(|day| day.latency),
        taker: mean(|day| day.taker),
    }
}

/// The first value that is worse than before by more than the share; exactly the share is none.
fn regression(now: &Means, before: &Baseline, rules: &ScoreRules) -> &'static str {
    let share = rules.regression_share.value;
    let is_worse = |loss: f64, before: f64| loss > share * before.abs() + TOLERANCE;
    if before.edge.is_some_and(|edge| is_worse(edge - now.edge, edge)) {
        "EDGE_REG"
    } else if before.latency.is_some_and(|latency| is_worse(now.latency - latency, latency)) {
        "LAT_REG"
    } else if before.taker.is_some_and(|taker| is_worse(now.taker - taker, taker)) {
        "TAKER_REG"
    } else {
        NONE
    }
}

/// `OK` within the limits of the score, `WARN` within the share outside of them, `FAIL` outside of that and on a regression.
fn verdict(now: &Means, regression: &str, rules: &ScoreRules) -> &'static str {
    let within = |share: f64| {
        now.edge >= rules.edge.limit.value * (1.0 - share) - TOLERANCE
            && now.latency <= rules.latency.limit.value * (1.0 + share) + TOLERANCE
            && now.taker <= rules.taker.limit.value * (1.0 + share) + TOLERANCE
    };
    if regression != NONE || !within(rules.warn_share.value) {
        "FAIL"
    } else if within(0.0) {
        "OK"
    } else {
        "WARN"
    }
}

/// The report of a day, as far as it can be understood; null = not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Day {
    /// Outcome of the bug bash.
    #[serde(rename = "bug_bash_ok")]
    pub(crate) tests_ok: Option<bool>,
    /// Outcome of the chaos tests.
    pub(crate) chaos_ok: Option<bool>,
    /// `2026-01-31`; null when the name of the file does not say it.
    pub(crate) date: Option<String>,
    /// Net edge, bps.
    #[serde(rename = "edge_net_bps")]
    pub(crate) edge: Option<f64>,
    /// Name of the file; of several for one day all of them.
    pub(crate) file: String,
    /// Neither regression nor drift.
    pub(crate) guards_clear: Option<bool>,
    /// 95th percentile of the order age, ms.
    #[serde(rename = "order_age_p95_ms")]
    pub(crate) latency: Option<f64>,
    /// What is wrong with the report, one sentence each.
    pub(crate) problems: Vec<String>,
    /// Its data is no basis for a release, or the report does not say that it is one.
    // Why; `None` only where the report says that it is one.
    #[serde(rename = "rehearsal", serialize_with = "is_some")]
    #[schemars(with = "bool")]
    pub(crate) unreleasable: Option<String>,
    /// Where its data came from; null when the report does not say.
    pub(crate) source: Option<String>,
    /// Taker share, percent.
    #[serde(rename = "taker_share_pct")]
    pub(crate) taker: Option<f64>,
    /// When the report was made, as written.
    #[serde(skip)]
    pub(crate) utc: Option<String>,
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn is_some<S: Serializer>(value: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bool(value.is_some())
}

impl Day {
    /// A report of which nothing can be used.
    pub(super) fn unusable(file: &str, date: Option<String>, problem: String) -> Self {
        Self { file: file.to_owned(), date, problems: vec![problem], ..Self::default() }
    }

    /// By day, or by name where the day is not known.
    pub(super) fn order(&self) -> (&str, &str) {
        (self.date.as_deref().unwrap_or(&self.file), &self.file)
    }
}

/// Whether a text says OK: its first word is, whatever remark follows. `NOT OK` and `OKAY` do not.
pub(super) fn says_ok(text: &str) -> bool {
    text.trim()
        .strip_prefix("OK")
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The date in the name of a report, `REPORT_SOAK_20260131.json` or `REPORT_SOAK_2026-01-31.json`, as
/// `2026-01-31`.
pub(super) fn date_in(file: &str) -> Option<String> {
    let text = file.strip_prefix("REPORT_SOAK_")?.strip_suffix(".json")?;
    let format = match text.len() {
        8 if !text.contains('-') => "%Y%m%d",
        10 if text.split('-').map(str::len).eq([4, 2, 2]) => "%Y-%m-%d",
        _ => return None,
    };
    // `chrono` reads a sign, too.
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return None;
    }
    let date = NaiveDate::parse_from_str(text, format).ok()?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// More reports than a folder of days can mean; the newest by name are read.
const MOST_REPORTS: usize = 10_000;

/// The reports in a folder, sorted by name; one that cannot be read is a day without points.
pub(super) fn read_reports(folder: &Path, rules: &ReleasePolicy) -> Result<Vec<Day>, FileError> {
    let is_report = |name: &String| {
        name.strip_prefix("REPORT_SOAK_").is_some_and(|rest| rest.strip_suffix(".json").is_some())
    };
    let names: Vec<String> = atomic_file::names(folder)?.into_iter().filter(is_report).collect();
    let newest = &names[names.len().saturating_sub(MOST_REPORTS)..];
    let read = |name: &String| match read_plain(&folder.join(name)) {
        Ok(bytes) => read(name, &bytes, rules),
        Err(problem) => Day::unusable(name, date_in(name), problem),
    };
    Ok(newest.iter().map(read).collect())
}

/// What a report says. One that cannot be used is a day without points, and says why.
fn read(file: &str, bytes: &[u8], rules: &ReleasePolicy) -> Day {
    let date = date_in(file);
    if date.is_none() {
        let problem = "its name holds no date, as REPORT_SOAK_20260131.json does".to_owned();
        return Day::unusable(file, None, problem);
    }
    match object(bytes) {
        Ok(node) => Reading { node: &node, problems: Vec::new() }.day(file, date, rules),
        Err(problem) => Day::unusable(file, date, problem),
    }
}

struct Reading<'n> {
    node: &'n Node,
    problems: Vec<String>,
}

impl<'n> Reading<'n> {
    fn day(mut self, file: &str, date: Option<String>, rules: &ReleasePolicy) -> Day {
        let edge = self.number("edge_net_bps", |_| true);
        let latency = self.number("order_age_p95_ms", |value| value >= 0.0);
        let taker = self.number("taker_share_pct", |value| (0.0..=100.0).contains(&value));
        let regression = self.text("reg_guard.reason");
        let drift = self.text("drift.reason");
        let chaos = self.text("chaos_result");
        let tests = self.text("bug_bash");
        let source = text(self.node, "run.source").ok().map(str::to_owned);
        let unreleasable = self.unreleasable(rules);
        Day {
            file: file.to_owned(),
            date,
            edge,
            latency,
            taker,
            guards_clear: regression
                .zip(drift)
                .map(|(one, other)| one == NONE && ["", NONE].contains(&other)),
            chaos_ok: chaos.map(says_ok),
            tests_ok: tests.map(says_ok),
            source,
            unreleasable,
            utc: text(self.node, "runtime.utc").ok().map(str::to_owned),
            problems: self.problems,
        }
    }

    /// Why the data is no basis for a release. What a report does not say is never taken for the better: reports of
    /// the earlier scripts say nothing about it.
    fn unreleasable(&self, rules: &ReleasePolicy) -> Option<String> {
        match at(self.node, "rehearsal") {
            Ok(Some(Node::Boolean(false))) => {}
            Ok(Some(Node::Boolean(true))) => return Some("it is a rehearsal".to_owned()),
            Ok(None | Some(Node::Null)) => return Some("it has no `rehearsal`".to_owned()),
            Ok(Some(other)) => return Some(format!("`rehearsal` is {}, not false", other.kind())),
            Err(problem) => return Some(problem),
        }
        match text(self.node, "run.source") {
            Ok(source) if rules.is_simulated(source) => {
                return Some(format!("its data is simulated (source `{source}`)"));
            }
            Ok(source) if source.trim().is_empty() => return Some("its `run.source` is empty".to_owned()),
            Ok(_) => {}
            Err(_) => return Some("it has no `run.source`".to_owned()),
        }
        match text(self.node, "run.verdict") {
            Ok(word) if [Outcome::Pass.word(), Outcome::Warn.word()].contains(&word) => None,
            Ok(word) => Some(format!("its run is `{word}`")),
            Err(_) => Some("it has no `run.verdict`".to_owned()),
        }
    }

    fn number(&mut self, key: &str, is_possible: impl Fn(f64) -> bool) -> Option<f64> {
        let possible = |value| {
            if is_possible(value) { Ok(value) } else { Err(format!("`{key}` is {value}, which cannot be")) }
        };
        number(self.node, key).and_then(possible).map_err(|problem| self.problems.push(problem)).ok()
    }

    fn text(&mut self, key: &str) -> Option<&'n str> {
        text(self.node, key).map(str::trim).map_err(|problem| self.problems.push(problem)).ok()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a folder of reports is made")]
mod tests {
    use super::*;
    use crate::release::score::fixture::rules;

    const NOW: Means = Means { edge: 2.7, latency: 330.0, taker: 11.0 };

    fn seen(date: &str, edge: f64) -> Day {
        Day {
            date: Some(date.to_owned()),
            edge: Some(edge),
            latency: Some(300.0),
            taker: Some(10.0),
            ..Day::default()
        }
    }

    #[test]
    fn exactly_a_tenth_worse_is_no_regression_and_more_is() {
        // 3.0 - 10 % is 2.7, 300 + 10 % is 330, 10 + 10 % is 11.
        let before = Baseline { days: 1, edge: Some(3.0), latency: Some(300.0), taker: Some(10.0) };
        let reason = |now: Means| regression(&now, &before, &rules());
        assert_eq!(reason(NOW), NONE);
        assert_eq!(reason(Means { edge: 2.69, ..NOW }), "EDGE_REG");
        assert_eq!(reason(Means { latency: 330.1, ..NOW }), "LAT_REG");
        assert_eq!(reason(Means { taker: 11.1, ..NOW }), "TAKER_REG");
        assert_eq!(reason(Means { edge: 1.0, latency: 900.0, taker: 50.0 }), "EDGE_REG");
        assert_eq!(regression(&NOW, &Baseline::default(), &rules()), NONE);
        // An edge that was lost already: a tenth of 2 more is too much.
        let lost = Baseline { edge: Some(-2.0), ..Baseline::default() };
        assert_eq!(regression(&Means { edge: -2.2, ..NOW }, &lost, &rules()), NONE);
        assert_eq!(regression(&Means { edge: -2.21, ..NOW }, &lost, &rules()), "EDGE_REG");
    }

    #[test]
    fn the_days_before_are_the_last_seven_without_this_one() {
        let days: Vec<Day> = (1..=9).map(|n| seen(&format!("2026-01-0{n}"), f64::from(n))).collect();
        let before = baseline(&days, "2026-01-09", &rules(), false);
        // 2 to 8: mean 5.
        assert_eq!((before.days, before.edge), (7, Some(5.0)));
        let none = baseline(&[seen("2026-01-09", 3.0)], "2026-01-09", &rules(), false);
        assert_eq!(none, Baseline::default());
        let other_kind = baseline(&[seen("2026-01-08", 3.0)], "2026-01-09", &rules(), true);
        assert_eq!(other_kind.days, 0);
    }

    #[test]
    fn the_verdict_of_a_day_has_a_tenth_of_grace() {
        let of = |edge, latency, taker| verdict(&Means { edge, latency, taker }, NONE, &rules());
        assert_eq!(of(2.5, 350.0, 15.0), "OK");
        assert_eq!(of(2.49, 350.0, 15.0), "WARN");
        assert_eq!(of(2.25, 385.0, 16.5), "WARN");
        assert_eq!(of(2.24, 350.0, 15.0), "FAIL");
        assert_eq!(of(2.5, 385.1, 15.0), "FAIL");
        assert_eq!(of(2.5, 350.0, 16.6), "FAIL");
        assert_eq!(verdict(&Means { edge: 3.0, latency: 1.0, taker: 1.0 }, "LAT_REG", &rules()), "FAIL");
    }

    #[test]
    fn the_day_is_that_of_utc() {
        assert_eq!(date_of("2026-01-31T23:30:00-02:00").as_deref(), Some("2026-02-01"));
        assert_eq!(date_of("yesterday"), None);
    }

    #[test]
    fn only_reports_are_read_and_what_cannot_be_read_is_a_day_all_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("REPORT_SOAK_20260101.json"), "{}").expect("a file");
        std::fs::create_dir(folder.path().join("REPORT_SOAK_20260102.json")).expect("a folder");
        std::fs::write(folder.path().join("READINESS_SCORE.json"), "{}").expect("a file");
        let rules = crate::core::policy::read(&[], &[]).expect("the built-in policy").release;
        let days = read_reports(folder.path(), &rules).expect("a list");
        let files: Vec<&str> = days.iter().map(|day| day.file.as_str()).collect();
        assert_eq!(files, ["REPORT_SOAK_20260101.json", "REPORT_SOAK_20260102.json"]);
        assert_eq!(days[1].problems, ["is a folder, not a file"]);
        assert!(read_reports(&folder.path().join("nowhere"), &rules).is_err());
    }

    const FILE: &str = "REPORT_SOAK_20260131.json";
    const GOOD: &str = r#"{"edge_net_bps": 2.8, "order_age_p95_ms": 320, "taker_share_pct": 12, "chaos_result": "OK",
        "bug_bash": "OK (2 minor)", "reg_guard": {"reason": "NONE"}, "drift": {"reason": ""}, "runtime": {"utc": "x"},
        "rehearsal": false, "run": {"source": "exec", "verdict": "PASS"}}"#;

    fn read(file: &str, bytes: &[u8]) -> Day {
        super::read(file, bytes, &crate::core::policy::read(&[], &[]).expect("the built-in policy").release)
    }

    fn problems(change: impl Fn(&str) -> String) -> Vec<String> {
        read(FILE, change(GOOD).as_bytes()).problems
    }

    #[test]
    fn a_report_is_read_whoever_wrote_it() {
        let day = read(FILE, GOOD.as_bytes());
        assert_eq!((day.edge, day.latency, day.taker), (Some(2.8), Some(320.0), Some(12.0)));
        assert_eq!((day.guards_clear, day.chaos_ok, day.tests_ok), (Some(true), Some(true), Some(true)));
        assert_eq!((day.date.as_deref(), day.utc.as_deref()), (Some("2026-01-31"), Some("x")));
        assert!(day.problems.is_empty());
        assert_eq!((day.unreleasable, day.source.as_deref()), (None, Some("exec")));
    }

    #[test]
    fn what_is_missing_or_no_number_is_not_known_and_named() {
        assert_eq!(problems(|json| json.replace("edge_net_bps", "edge")), ["`edge_net_bps` is missing"]);
        assert_eq!(
            problems(|json| json.replace("2.8", "NaN")),
            ["`edge_net_bps` is a number that is not finite, expected a number"]
        );
        assert_eq!(
            problems(|json| json.replace("2.8", "true")),
            ["`edge_net_bps` is a boolean, expected a number"]
        );
        assert_eq!(
            problems(|json| json.replace("2.8", "null")),
            ["`edge_net_bps` is null, expected a number"]
        );
        assert_eq!(problems(|json| json.replace("320", "-1")), ["`order_age_p95_ms` is -1, which cannot be"]);
        assert_eq!(
            problems(|json| json.replace(": 12", ": 101")),
            ["`taker_share_pct` is 101, which cannot be"]
        );
        let twice = problems(|json| {
            json.replace("{\"edge_net_bps\": 2.8", "{\"edge_net_bps\": 1, \"edge_net_bps\": 2.8")
        });
        assert_eq!(twice, ["`edge_net_bps` occurs twice"]);
        let no_guard = read(FILE, GOOD.replace("\"drift\"", "\"x\"").as_bytes());
        assert_eq!((no_guard.guards_clear, no_guard.problems.len()), (None, 1));
        assert_eq!(
            problems(|json| json.replace("{\"reason\": \"NONE\"}", "\"NONE\"")),
            ["`reg_guard` is text, expected an object"]
        );
    }

    #[test]
    fn a_regression_a_drift_and_a_failed_test_are_known_to_be_bad() {
        assert_eq!(read(FILE, GOOD.replace("\"NONE\"", "\"LAT_REG\"").as_bytes()).guards_clear, Some(false));
        assert_eq!(read(FILE, GOOD.replace("\"\"", "\"RSS\"").as_bytes()).guards_clear, Some(false));
        assert_eq!(
            read(FILE, GOOD.replace("\"OK (2 minor)\"", "\"NOT OK\"").as_bytes()).tests_ok,
            Some(false)
        );
    }

    #[test]
    fn what_is_no_report_is_a_day_without_anything() {
        for bytes in [&b""[..], b"null", b"[1]", b"{", b"\xff\xfe", b"{\"a\": 1} x"] {
            let day = read(FILE, bytes);
            assert!(day.edge.is_none() && day.chaos_ok.is_none() && day.problems.len() == 1, "{bytes:?}");
        }
        assert!(read("REPORT_SOAK_new.json", GOOD.as_bytes()).edge.is_none());
        let deep = "[".repeat(100_000);
        assert_eq!(read(FILE, deep.as_bytes()).problems, ["its lists and objects nest too deep"]);
    }

    #[test]
    fn only_a_report_that_says_where_its_data_came_from_is_a_basis_for_a_release() {
        let with = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            let day = read(FILE, GOOD.replace(from, to).as_bytes());
            assert!(day.problems.is_empty() && day.edge == Some(2.8), "{day:?}");
            day.unreleasable.unwrap_or_default()
        };
        let rehearsal = "\"rehearsal\": false, ";
        assert_eq!(with(rehearsal, rehearsal), "");
        assert_eq!(with(rehearsal, ""), "it has no `rehearsal`");
        assert_eq!(with(rehearsal, "\"rehearsal\": null, "), "it has no `rehearsal`");
        assert_eq!(with(rehearsal, "\"rehearsal\": true, "), "it is a rehearsal");
        assert_eq!(with(rehearsal, "\"rehearsal\": \"false\", "), "`rehearsal` is text, not false");
        assert_eq!(with(rehearsal, "\"rehearsal\": 0, "), "`rehearsal` is a number, not false");
        assert_eq!(with("\"exec\"", "\"sim\""), "its data is simulated (source `sim`)");
        assert_eq!(with("\"exec\"", "\"exec, mock\""), "its data is simulated (source `exec, mock`)");
        assert_eq!(with("\"exec\"", "null"), "it has no `run.source`");
        assert_eq!(with("\"exec\"", "\"\""), "its `run.source` is empty");
        assert_eq!(with("\"run\"", "\"runs\""), "it has no `run.source`");
        assert_eq!(with("\"PASS\"", "\"WARN\""), "");
        assert_eq!(with("\"PASS\"", "\"FAIL\""), "its run is `FAIL`");
        assert_eq!(with("\"verdict\"", "\"word\""), "it has no `run.verdict`");
    }
}
