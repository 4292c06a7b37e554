//! What the end of a run needs of each iteration, and the line that a terminal shows while it goes on.

use chrono::{DateTime, Utc};

use crate::core::drift::{Resource, ResourceValues};
use crate::core::guards::GuardSet;
use crate::core::kpi::KpiId;
use crate::core::number::fixed;
use crate::core::run::iteration::{IterationRecord, KpiVerdict};
use crate::core::verdict::Outcome;
use crate::render::terminal::{Style, printable};

/// The KPIs of the trend table: what it calls them, and whether they are shown as percent.
pub(super) const COLUMNS: [(KpiId, &str, bool); 6] = [
    (KpiId::NET_BPS, "net", false),
    (KpiId::RISK_RATIO, "risk", false),
    (KpiId::ADVERSE_BPS_P95, "adv_p95", false),
    (KpiId::SLIPPAGE_BPS_P95, "sl_p95", false),
    (KpiId::MIN_INTERVAL_RATIO, "min_int%", true),
    (KpiId::CONCURRENCY_RATIO, "conc%", true),
];

/// What became of an iteration's tuning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tuned {
    /// So many parameters were changed.
    Applied(usize),
    /// Nothing was.
    Skipped(&'static str),
    /// The panic profile was put in force.
    Panic,
    /// Nothing is said.
    Nothing,
}

/// An iteration in few bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendRow {
    pub(super) number: u64,
    pub(super) values: [Option<f64>; COLUMNS.len()],
    pub(super) tuned: Tuned,
    pub(super) guards: GuardSet,
    pub(super) failed: bool,
    pub(super) ends: DateTime<Utc>,
    pub(super) resources: Option<Box<ResourceValues>>,
}

impl TrendRow {
    /// The row of an iteration.
    pub fn of(record: &IterationRecord) -> Self {
        let values = COLUMNS.map(|(kpi, ..)| value(record, kpi));
        Self {
            number: record.number,
            values,
            tuned: tuned(record),
            guards: record.tuning.spoke(),
            failed: record.collection_failed.is_some(),
            ends: record.ends,
            resources: resources(record),
        }
    }
}

fn resources(record: &IterationRecord) -> Option<Box<ResourceValues>> {
    let used = record.resources?;
    let mut values = ResourceValues::default();
    values.set(Resource::RssMb, used.rss_mb);
    values.set(Resource::CpuPct, used.cpu_pct);
    values.set(Resource::Threads, used.threads.map(|count| count as f64));
    values.set(Resource::OpenFiles, used.open_files.map(|count| count as f64));
    (!values.is_empty()).then(|| Box::new(values))
}

fn tuned(record: &IterationRecord) -> Tuned {
    let tuning = &record.tuning;
    if tuning.panic_revert {
        Tuned::Panic
    } else if tuning.applied() {
        Tuned::Applied(tuning.applied_values.len())
    } else {
        tuning.skip.map_or(Tuned::Nothing, |code| Tuned::Skipped(code.word()))
    }
}

/// A KPI of an iteration.
fn value(record: &IterationRecord, kpi: KpiId) -> Option<f64> {
    record.summary.values.get(kpi.index()).copied().flatten()
}

/// Columns of the terminal; `None` = as many as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(pub Option<usize>);

/// Below so many columns the numbers of an iteration move together.
const ROOMY: usize = 80;

/// The line of an iteration on a terminal, without a line end. `iterations` is how many the run has.
pub fn line(record: &IterationRecord, iterations: u64, style: Style, Width(columns): Width) -> String {
    let is_narrow = columns.is_some_and(|columns| columns < ROOMY);
    let (word, gap) = if is_narrow { ("", " ") } else { ("iteration ", "  ") };
    let digits = iterations.to_string().len();
    let mut head = format!("{word}{:>digits$}/{iterations}", record.number);
    if record.has_phases {
        let phase = format!("{gap}{:<8}", record.phase.word());
        head.push_str(if is_narrow { phase.trim_end() } else { &phase });
    }
    if let Some(reason) = &record.collection_failed {
        return format!("{head}{gap}{}{gap}{}", style.paint(Outcome::Fail, "NO DATA"), printable(reason));
    }
    let show = |name: &str, id: KpiId, width: usize| {
        let kpi: KpiId = id;
        let told =
            value(record, id).map_or_else(|| "-".to_owned(), |value| fixed(value, kpi.unit.decimals()));
        let width = if is_narrow && record.has_phases { 0 } else { width };
        format!("{gap}{name} {told:>width$}")
    };
    head.push_str(&show("net", KpiId::NET_BPS, 6));
    head.push_str(&show("risk", KpiId::RISK_RATIO, 5));
    head.push_str(&show("maker", KpiId::MAKER_TAKER_RATIO, 5));
    head.push_str(&show("p95", KpiId::P95_LATENCY_MS, 4));
    let (outcome, verdict) = match record.summary.kpi_verdict {
        Some(KpiVerdict::Pass) => (Outcome::Pass, "PASS"),
        Some(KpiVerdict::Warn) => (Outcome::Warn, "WARN"),
        Some(KpiVerdict::Fail) => (Outcome::Fail, "FAIL"),
        None => (Outcome::NotApplicable, "-   "),
    };
    let used = head.chars().count() + gap.len() + verdict.len();
    let verdict = style.paint(outcome, verdict);
    let mut done = behind(&what_was_done(record, style), gap, used, columns);
    if record.tuning.panic_revert {
        done = style.paint(Outcome::Fail, &done);
    }
    format!("{head}{gap}{verdict}{done}").trim_end().to_owned()
}

/// The parts behind a line that is `used` columns long, or below it where they do not fit.
fn behind(parts: &[String], gap: &str, used: usize, columns: Option<usize>) -> String {
    let in_one = parts.join(", ");
    let columns = columns.unwrap_or(usize::MAX);
    if used + gap.len() + in_one.chars().count() <= columns {
        return format!("{gap}{in_one}");
    }
    let mut out = String::new();
    let mut at = columns;
    for (n, part) in parts.iter().enumerate() {
        let comma = if n + 1 < parts.len() { "," } else { "" };
        let length = part.chars().count() + comma.len();
        if at + 1 + length > columns {
            out.push_str("\n    ");
            at = 4 + length;
        } else {
            out.push(' ');
            at += 1 + length;
        }
        out.extend([part.as_str(), comma]);
    }
    out
}

/// What tuning did, or why it did nothing.
fn what_was_done(record: &IterationRecord, style: Style) -> Vec<String> {
    let tuning = &record.tuning;
    if tuning.panic_revert {
        return vec!["PANIC REVERT".to_owned()];
    }
    let arrow = if style.ascii { "->" } else { "→" };
    let number = |value: f64| crate::core::number::trimmed(&fixed(value, 4)).to_owned();
    let applied = tuning.applied_values.iter();
    let applied: Vec<String> = applied
        .map(|step| {
            format!("{} {}{arrow}{}", printable(step.param.as_str()), number(step.old), number(step.new))
        })
        .collect();
    match tuning.skip {
        _ if !applied.is_empty() => applied,
        Some(code) => vec![format!("({})", code.word())],
        None => Vec::new(),
    }
}
