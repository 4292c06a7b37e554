//! What the end of a run needs of each iteration, and the line that a terminal shows while it goes on.

use chrono::{DateTime, Utc};

use crate::core::drift::{Resource, ResourceValues};
use crate::core::guards::GuardSet;
use crate::core::kpi::{Kpi, KpiId, KpiTable};
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
        let mut guards = GuardSet::default();
        for guard in &record.tuning.guards {
            guards.insert(*guard);
        }
        let values = COLUMNS.map(|(kpi, ..)| value(record, kpi));
        Self {
            number: record.number,
            values,
            tuned: tuned(record),
            guards,
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

/// The line of an iteration on a terminal, without a line end. `iterations` is how many the run has.
pub fn line(record: &IterationRecord, iterations: u64, kpis: &KpiTable, style: Style) -> String {
    let width = iterations.to_string().len();
    let head = format!("iteration {:>width$}/{iterations}", record.number);
    let phase = if record.has_phases { format!("  {:<8}", record.phase.word()) } else { String::new() };
    if let Some(reason) = &record.collection_failed {
        return format!("{head}{phase}  {}  {}", style.paint(Outcome::Fail, "NO DATA"), printable(reason));
    }
    let show = |name: &str, id: KpiId, width: usize| {
        let kpi: &Kpi = kpis.get(id);
        let told =
            value(record, id).map_or_else(|| "-".to_owned(), |value| fixed(value, kpi.unit.decimals()));
        format!("  {name} {told:>width$}")
    };
    let mut out = format!("{head}{phase}");
    out.push_str(&show("net", KpiId::NET_BPS, 6));
    out.push_str(&show("risk", KpiId::RISK_RATIO, 5));
    out.push_str(&show("maker", KpiId::MAKER_TAKER_RATIO, 5));
    out.push_str(&show("p95", KpiId::P95_LATENCY_MS, 4));
    let verdict = match record.summary.kpi_verdict {
        Some(KpiVerdict::Pass) => style.paint(Outcome::Pass, "PASS"),
        Some(KpiVerdict::Warn) => style.paint(Outcome::Warn, "WARN"),
        Some(KpiVerdict::Fail) => style.paint(Outcome::Fail, "FAIL"),
        None => "-   ".to_owned(),
    };
    let done = what_was_done(record, style);
    format!("{out}  {verdict}  {done}").trim_end().to_owned()
}

fn what_was_done(record: &IterationRecord, style: Style) -> String {
    let tuning = &record.tuning;
    if tuning.panic_revert {
        return style.paint(Outcome::Fail, "panic revert");
    }
    let arrow = if style.ascii { "->" } else { "→" };
    let number = |value: f64| crate::core::number::trimmed(&fixed(value, 4)).to_owned();
    let applied: Vec<String> = tuning
        .applied_values
        .iter()
        .map(|step| {
            format!("{} {}{arrow}{}", printable(step.param.as_str()), number(step.old), number(step.new))
        })
        .collect();
    match tuning.skip {
        _ if !applied.is_empty() => applied.join(", "),
        Some(code) => format!("({})", code.word()),
        None => String::new(),
    }
}
