//! The course of the KPIs of the verdict: which values are looked at, and the checks that follow.
//!
//! The statistics are in [`crate::core::course`].

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::course::{Column, KpiChanges, KpiDrift, Pace, changes, checks, drift};
use crate::core::kpi::KpiId;
use crate::core::policy::{GateSet, Policy, WindowSpec};
use crate::core::ranges::Ranges;
use crate::core::series::Series;
use crate::core::stats::plateau;
use crate::core::verdict::Check;
use crate::core::window::Window;

/// What was found.
pub struct Course {
    pub pace: Option<Pace>,
    pub drift: Vec<KpiDrift>,
    /// Name of the window that the drifts were looked for in.
    pub window: String,
    pub changes: Vec<KpiChanges>,
    pub settled: Vec<(KpiId, u64)>,
    pub checks: Vec<Check>,
}

/// The course of these KPIs, judged as a family. `limits` says what a drift is heading for.
pub fn of(
    series: &Series,
    numbers: &Ranges,
    declared: Option<Duration>,
    family: &[KpiId],
    limits: &GateSet,
    policy: &Policy,
) -> Course {
    let columns = |spec: WindowSpec| {
        let window = Window::find(series, spec, &policy.windows, numbers);
        let columns: Vec<Column> =
            family.iter().map(|kpi| column(series, &window, *kpi, limits, policy)).collect();
        (window.used(), columns)
    };
    let pace = Pace::find(&times(series), declared.map(|interval| interval.as_secs_f64()));
    let mut found = Vec::new();
    let (window, steady) = columns(policy.kpi_drift.window);
    let drifts = drift::find(&steady, &policy.kpi_drift);
    let scene = |window| checks::Scene {
        kpis: &policy.kpis,
        window,
        symbol: series.symbol.as_deref(),
        pace,
        family: family.len(),
    };
    found.extend(
        drifts
            .iter()
            .zip(&steady)
            .map(|(drift, column)| checks::drift(drift, column, &policy.kpi_drift, scene(&window))),
    );
    let drift_window = window.name.clone();
    let (window, levels) = columns(policy.change_points.course.window);
    let changes = changes::find(&levels, &policy.change_points);
    found.extend(
        changes
            .iter()
            .zip(&levels)
            .map(|(changes, column)| checks::changes(changes, column, &policy.change_points, scene(&window))),
    );
    let (_, whole) = columns(WindowSpec::Overall);
    let settled = whole.iter().filter_map(|column| {
        let values: Vec<f64> = column.points.iter().map(|(_, value)| *value).collect();
        Some((column.kpi, column.points[plateau::settles(&values)?].0))
    });
    Course { pace, drift: drifts, window: drift_window, changes, settled: settled.collect(), checks: found }
}

fn column(series: &Series, window: &Window, kpi: KpiId, limits: &GateSet, policy: &Policy) -> Column {
    let known = policy.kpis.get(kpi);
    let limit = limits.checks.iter().find(|gate| gate.kpi == kpi);
    Column {
        kpi,
        direction: known.direction,
        floor: known.floor,
        limit: limit.map(|gate| (gate.comparison, gate.limit.value)),
        points: window
            .positions
            .clone()
            .filter_map(|position| Some((series.number(position), series.value(kpi, position)?)))
            .collect(),
    }
}

fn times(series: &Series) -> Vec<(u64, DateTime<Utc>)> {
    series.rows().iter().filter_map(|row| Some((row.number, row.instant()?))).collect()
}
