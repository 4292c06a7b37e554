//! Sets of limits on window statistics: readiness, goals, and whatever else the policy groups that way.

use super::{count, show};
use crate::core::kpi::KpiTable;
use crate::core::policy::{GateSet, KpiGate, Statistic, Windows};
use crate::core::series::Series;
use crate::core::stats::Summary;
use crate::core::verdict::{Check, Outcome, Part};
use crate::core::window::Window;

/// The value that a gate looks at: the statistic over the known values of its window.
///
/// `each` takes the value with the least room, so that it holds exactly when every value holds.
pub fn observed(gate: &KpiGate, values: &[f64]) -> Option<f64> {
    let summary = Summary::of(values)?;
    Some(match gate.statistic {
        Statistic::Mean => summary.mean,
        Statistic::Median => summary.median,
        Statistic::Min => summary.min,
        Statistic::Max => summary.max,
        Statistic::P5 => summary.p5,
        Statistic::P95 => summary.p95,
        Statistic::Each => {
            let room = |value: f64| gate.comparison.margin(value, gate.limit.value);
            if room(summary.min) < room(summary.max) { summary.min } else { summary.max }
        }
    })
}

/// Judges every limit of a set on one symbol.
pub fn checks(
    set: &GateSet,
    part: Part,
    series: &Series,
    numbers: &[u64],
    windows: &Windows,
    kpis: &KpiTable,
) -> Vec<Check> {
    set.checks
        .iter()
        .map(|gate| {
            let window = Window::find(series, gate.window, windows, numbers);
            check(set, gate, part, series, &window, kpis)
        })
        .collect()
}

fn check(
    set: &GateSet,
    gate: &KpiGate,
    part: Part,
    series: &Series,
    window: &Window,
    kpis: &KpiTable,
) -> Check {
    let kpi = kpis.get(gate.kpi);
    let limit = gate.limit.value;
    let values = series.known(gate.kpi, window.positions.clone());
    let observed = observed(gate, &values);
    let margin = observed.map(|value| gate.comparison.margin(value, limit));
    let word = gate.statistic.word();
    let bound = format!("{} {}", gate.comparison.symbol(), show(kpi, limit));
    let (outcome, reason) = match observed {
        None => (Outcome::Invalid, format!("`{}` has no value in {}", kpi.name, window.name)),
        Some(value) if values.len() < gate.min_iterations => (
            Outcome::Inconclusive,
            format!(
                "{word} {} of {} in {}, {} needed to hold it against {bound}",
                show(kpi, value),
                count(values.len(), "value"),
                window.name,
                gate.min_iterations
            ),
        ),
        Some(value) if !gate.comparison.holds(value, limit) => (
            gate.severity.of_a_miss(),
            format!(
                "{word} {} misses {bound} by {}",
                show(kpi, value),
                show(kpi, gate.comparison.margin(value, limit).abs())
            ),
        ),
        Some(value) if gate.comparison.margin(value, limit) < gate.margin => (
            Outcome::Warn,
            format!(
                "{word} {} meets {bound} with less room than the margin of {}",
                show(kpi, value),
                show(kpi, gate.margin)
            ),
        ),
        Some(value) => (Outcome::Pass, format!("{word} {} meets {bound}", show(kpi, value))),
    };
    Check {
        part,
        gate: format!("{}.{}", set.name, kpi.name),
        kpi: Some(kpi.name.clone()),
        symbol: series.symbol.clone(),
        severity: gate.severity,
        window: window.used(),
        statistic: word.to_owned(),
        comparison: Some(gate.comparison),
        limit: Some(limit),
        observed,
        margin,
        outcome,
        reason,
        limit_source: Some(gate.limit.source.clone()),
        joins: set.gates,
    }
}
