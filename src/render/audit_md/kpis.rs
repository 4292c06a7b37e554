//! Section 3: the KPIs over the three windows, held against the limits of an iteration, and their shape.

use super::Subject;
use crate::core::analysis::{Deep, KpiStats, WindowStats};
use crate::core::kpi::KpiId;
use crate::core::number::{beside, fixed};
use crate::core::policy::KpiGate;
use crate::core::spark::sparkline;
use crate::core::stats::{Summary, Trend};
use crate::render::markdown::cell;
use crate::render::report_md::{Column, bound, maybe, paragraph, row, signed, table, with_unit};

/// Columns of a sparkline.
const WIDTH: usize = 40;

const COLUMNS: [Column<'static>; 20] = [
    Column::Text("KPI"),
    Column::Number("n"),
    Column::Number("missing"),
    Column::Number("mean"),
    Column::Number("median"),
    Column::Number("min"),
    Column::Number("max"),
    Column::Number("p5"),
    Column::Number("p95"),
    Column::Number("stdev"),
    Column::Number("MAD"),
    Column::Text("trend"),
    Column::Number("slope per iteration"),
    Column::Text("interval of the slope"),
    Column::Text("interval of the mean"),
    Column::Text("interval of the median"),
    Column::Number("n_eff"),
    Column::Text("limit of an iteration"),
    Column::Text("worst"),
    Column::Text("mean meets it"),
];

pub(super) fn section(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    paragraph(out, &format!("{} 3. KPIs", subject.mark));
    for window in &deep.windows {
        of_window(out, subject, window);
    }
    let confidence = deep
        .windows
        .iter()
        .flat_map(|window| &window.kpis)
        .find_map(|stats| stats.interval.map(|interval| interval.confidence));
    let intervals = confidence.map_or_else(String::new, |confidence| {
        format!(
            " Intervals hold with {} % confidence and allow for the resemblance of neighbouring iterations: n_eff is \
             how many independent values they are worth. Without an interval the values cannot tell.",
            fixed(100.0 * confidence, 0)
        )
    });
    paragraph(
        out,
        &format!(
            "An iteration without a value does not pass, so `worst` is FAIL where one is missing. Percentiles are \
             of type 7, MAD is not scaled.{intervals}"
        ),
    );
    shapes(out, subject, deep);
}

fn of_window(out: &mut String, subject: &Subject<'_>, stats: &WindowStats) {
    let used = stats.window.used();
    let (Some(first), Some(last)) = (used.first, used.last) else {
        paragraph(out, &format!("**{}**: no iteration", used.name));
        return;
    };
    paragraph(out, &format!("**{}**, iterations {first}-{last}, n={}", used.name, used.n));
    table(out, &COLUMNS);
    for kpi in &stats.kpis {
        row(out, cells(subject, kpi));
    }
    out.push('\n');
}

fn cells(subject: &Subject<'_>, stats: &KpiStats) -> [String; 20] {
    let kpi = stats.kpi;
    let digits = kpi.unit.decimals();
    let gate = subject.limits.checks.iter().find(|gate| gate.kpi == stats.kpi);
    let told = |which: fn(&Summary) -> f64| maybe(stats.summary.as_ref().map(which), digits);
    // What is held against the limit must not be rounded across it.
    let judged = |which: fn(&Summary) -> f64| match (&stats.summary, gate) {
        (Some(summary), Some(gate)) => beside(which(summary), gate.limit.value, digits),
        _ => told(which),
    };
    let (trend, slope, range) = trend(stats.trend.as_ref(), digits);
    let interval = stats.interval.map_or_else(String::new, |interval| {
        format!("{} to {}", fixed(interval.low, digits), fixed(interval.high, digits))
    });
    let of_median = stats.median_interval.map_or_else(String::new, |interval| {
        format!("{} to {}", fixed(interval.low, digits), fixed(interval.high, digits))
    });
    [
        with_unit(&cell(kpi.name), kpi),
        stats.summary.map_or(0, |summary| summary.n).to_string(),
        stats.missing.to_string(),
        judged(|summary| summary.mean),
        told(|summary| summary.median),
        judged(|summary| summary.min),
        judged(|summary| summary.max),
        told(|summary| summary.p5),
        told(|summary| summary.p95),
        told(|summary| summary.stdev),
        told(|summary| summary.mad),
        trend,
        slope,
        range,
        interval,
        of_median,
        stats.interval.map_or_else(String::new, |interval| fixed(interval.n_eff, 1)),
        gate.map_or_else(String::new, |gate| bound(gate.comparison, gate.limit.value, kpi)),
        gate.map_or_else(String::new, |gate| worst(stats, gate).to_owned()),
        gate.zip(stats.summary)
            .map_or_else(String::new, |(gate, summary)| word(holds(gate, summary.mean)).to_owned()),
    ]
}

/// Word, slope, and its interval. A slope is small against its KPI and has three decimals more.
fn trend(trend: Option<&Trend>, digits: usize) -> (String, String, String) {
    let Some(trend) = trend else { return (String::new(), String::new(), String::new()) };
    let digits = digits + 3;
    let range = match (trend.low, trend.high) {
        (Some(low), Some(high)) => format!("{} to {}", signed(low, digits), signed(high, digits)),
        _ => String::new(),
    };
    (trend.word.word().to_owned(), signed(trend.slope, digits), range)
}

fn worst(stats: &KpiStats, gate: &KpiGate) -> &'static str {
    match stats.summary {
        Some(summary) => word(stats.missing == 0 && holds(gate, summary.min) && holds(gate, summary.max)),
        None => word(false),
    }
}

fn holds(gate: &KpiGate, value: f64) -> bool {
    gate.comparison.holds(value, gate.limit.value)
}

fn word(holds: bool) -> &'static str {
    if holds { "PASS" } else { "FAIL" }
}

/// The four KPIs of the verdict over the whole run.
fn shapes(out: &mut String, subject: &Subject<'_>, deep: &Deep) {
    let series = subject.analysis.series(subject.symbol);
    let Some(overall) = deep.windows.first().filter(|overall| !overall.window.is_empty()) else { return };
    table(
        out,
        &[
            Column::Text("whole run"),
            Column::Text("first to last iteration"),
            Column::Number("min"),
            Column::Number("max"),
        ],
    );
    for kpi in KpiId::OF_THE_VERDICT {
        let known = kpi;
        let digits = known.unit.decimals();
        let summary = overall.kpi(kpi).and_then(|stats| stats.summary);
        let shape = sparkline(&series.column(kpi)[overall.window.positions.clone()], WIDTH, subject.glyphs);
        row(
            out,
            [
                with_unit(&cell(known.name), known),
                format!("`{shape}`"),
                maybe(summary.map(|summary| summary.min), digits),
                maybe(summary.map(|summary| summary.max), digits),
            ],
        );
    }
    out.push('\n');
}
