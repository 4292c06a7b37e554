//! The trends of the KPIs of all symbols: which values are looked at, what is judged together, and the checks that
//! follow.
//!
//! This is the one place that says for what a rate of false alarms holds. The statistics are in
//! [`crate::core::trend`].

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::compare::halves;
use crate::core::kpi::KpiId;
use crate::core::policy::TrendRules;
use crate::core::policy::{GateSet, Policy, Requirement, SeasonRule, WindowSpec};
use crate::core::series::Series;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::trend::checks;
use crate::core::trend::checks::{Role, Scene};
use crate::core::trend::resources;
use crate::core::trend::resources::{Resource, ResourceValues};
use crate::core::trend::tuner::Stretch;
use crate::core::trend::{Column, KpiChanges, KpiDrift, Pace, Season, changes, drift};
use crate::core::verdict::{Check, Outcome, WindowUsed};
use crate::stats::regression::settles;
use crate::stats::summary::median;
use crate::stats::two_sample::holm_adjusted;

/// Where a KPI stops moving at the beginning of the run.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "SettledRow")]
pub struct Settled {
    pub kpi: KpiId,
    /// From this iteration on it stands still.
    pub from: u64,
}

/// What was found about one symbol.
#[derive(Default)]
pub struct SymbolTrend {
    pub pace: Option<Pace>,
    pub drift: Vec<KpiDrift>,
    /// Name of the window that the drifts were looked for in; `None` where only a part of it was.
    pub window: Option<String>,
    pub changes: Vec<KpiChanges>,
    pub settled: Vec<Settled>,
    /// Of each resource the probability of its rise by chance, adjusted.
    pub rises: [Option<f64>; Resource::ALL.len()],
    pub checks: Vec<Check>,
}

/// The trends of all symbols. Of each table of the policy all KPIs that may join the verdict, of all symbols, are one
/// family, and so are all others; `limits` says which may, and what a drift is heading for.
pub fn of(
    series: &[Series],
    numbers: &[Ranges],
    declared: Option<Duration>,
    limits: &GateSet,
    policy: &Policy,
) -> Vec<SymbolTrend> {
    let mut trends: Vec<SymbolTrend> =
        series.iter().map(|series| start(series, declared, limits, policy.kpis.of_verdict())).collect();
    rises(series, numbers, policy, &mut trends);
    let hours: Vec<Vec<f64>> = series.iter().map(Series::hours).collect();
    let of_drift = look(series, &hours, numbers, &policy.kpi_drift.trend, limits, policy);
    for (trend, looked) in trends.iter_mut().zip(&of_drift.symbols) {
        trend.window = matches!(looked.stretch, Stretch::Whole).then(|| looked.window.name.clone());
    }
    for family in of_drift.families() {
        let found = drift::find(&family.columns, &policy.kpi_drift);
        for ((found, column), (symbol, role)) in found.into_iter().zip(&family.columns).zip(&family.places) {
            let scene = of_drift.scene(*symbol, *role, &family, series, trends[*symbol].pace);
            let check = checks::drift(&found, column, &policy.kpi_drift, scene);
            trends[*symbol].checks.extend(is_reported(*role, &check).then_some(check));
            trends[*symbol].drift.extend((*role != Role::Beside).then_some(found));
        }
    }
    let of_changes = look(series, &hours, numbers, &policy.change_points.trend, limits, policy);
    for family in of_changes.families() {
        let found = changes::find(&family.columns, &policy.change_points);
        for ((found, column), (symbol, role)) in found.into_iter().zip(&family.columns).zip(&family.places) {
            let scene = of_changes.scene(*symbol, *role, &family, series, trends[*symbol].pace);
            let check = checks::changes(&found, column, &policy.change_points, scene);
            trends[*symbol].checks.extend(is_reported(*role, &check).then_some(check));
            trends[*symbol].changes.extend((*role != Role::Beside).then_some(found));
        }
    }
    let [judged, _] = of_changes.families();
    let halves = halves::judge(&judged.columns, &policy.change_points, &policy.spread);
    for ((halves, column), (symbol, role)) in halves.iter().zip(&judged.columns).zip(&judged.places) {
        let scene = of_changes.scene(*symbol, *role, &judged, series, None);
        let check = halves
            .as_ref()
            .and_then(|halves| halves::check(halves, column, &policy.change_points, &policy.spread, scene));
        trends[*symbol].checks.extend(check);
    }
    trends
}

/// What is looked at only for the reports is a check where it is worth a look.
fn is_reported(role: Role, check: &Check) -> bool {
    role == Role::Judged || matches!(check.outcome, Outcome::Warn | Outcome::Fail)
}

fn start(series: &Series, declared: Option<Duration>, limits: &GateSet, of_verdict: &[KpiId]) -> SymbolTrend {
    let pace = Pace::find(&times(series), declared.map(|interval| interval.as_secs_f64()));
    let others = limits.checks.iter().map(|gate| gate.kpi).filter(|kpi| !of_verdict.contains(kpi));
    let settled = of_verdict.iter().copied().chain(others).filter_map(|kpi| {
        let points = points(series, 0..series.len(), kpi);
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        Some(Settled { kpi, from: points[settles(&values)?].0 })
    });
    SymbolTrend { pace, settled: settled.collect(), ..SymbolTrend::default() }
}

/// The rises of the resources of all symbols are one family.
fn rises(series: &[Series], numbers: &[Ranges], policy: &Policy, trends: &mut [SymbolTrend]) {
    let each: Vec<Option<f64>> = series
        .iter()
        .zip(numbers)
        .flat_map(|(series, numbers)| {
            let steady = Window::find(series, WindowSpec::Steady, &policy.windows, numbers);
            resources::rises(&samples(series, steady.positions), &policy.drift)
        })
        .collect();
    let adjusted = holm_adjusted(&each);
    for (trend, adjusted) in trends.iter_mut().zip(adjusted.chunks_exact(Resource::ALL.len())) {
        trend.rises.copy_from_slice(adjusted);
    }
}

/// What the watched processes used in these iterations, where they have a time.
pub fn samples(series: &Series, positions: Range<usize>) -> Vec<(DateTime<Utc>, ResourceValues)> {
    let one = |position: usize| {
        let values = series.resources(position);
        let known = !values.is_empty();
        Some((series.rows()[position].instant().filter(|_| known)?, values))
    };
    positions.filter_map(one).collect()
}

/// What there is to look at of all symbols, for one table of the policy.
struct Looked {
    symbols: Vec<OfSymbol>,
    /// KPIs on which the verdict may rest.
    judged: Vec<(usize, Role, Column)>,
    /// The others.
    shown: Vec<(usize, Role, Column)>,
}

struct OfSymbol {
    window: WindowUsed,
    stretch: Stretch,
}

/// Columns that are judged together, with their symbols.
struct Family {
    columns: Vec<Column>,
    places: Vec<(usize, Role)>,
    symbols: usize,
}

impl Looked {
    fn families(&self) -> [Family; 2] {
        [&self.judged, &self.shown].map(|members| {
            let mut symbols: Vec<usize> = members.iter().map(|(symbol, ..)| *symbol).collect();
            symbols.dedup();
            Family {
                columns: members.iter().map(|(.., column)| column.clone()).collect(),
                places: members.iter().map(|(symbol, role, _)| (*symbol, *role)).collect(),
                symbols: symbols.len(),
            }
        })
    }

    fn scene<'a>(
        &'a self,
        symbol: usize,
        role: Role,
        family: &Family,
        series: &'a [Series],
        pace: Option<Pace>,
    ) -> Scene<'a> {
        let OfSymbol { window, stretch } = &self.symbols[symbol];
        Scene {
            window,
            symbol: series[symbol].symbol.as_deref(),
            pace,
            family: family.columns.len(),
            symbols: family.symbols,
            stretch,
            role,
        }
    }
}

fn look(
    series: &[Series],
    hours: &[Vec<f64>],
    numbers: &[Ranges],
    rules: &TrendRules,
    limits: &GateSet,
    policy: &Policy,
) -> Looked {
    let mut out = Looked { symbols: Vec::new(), judged: Vec::new(), shown: Vec::new() };
    let judged = policy.judged(limits, Requirement::WhereKnown);
    for (index, ((series, hours), numbers)) in series.iter().zip(hours).zip(numbers).enumerate() {
        let window = Window::find(series, rules.window, &policy.windows, numbers);
        let stretch = Stretch::of(series, window.positions.clone(), whole(rules));
        let tested = stretch.positions(&window.positions);
        let moved = matches!(stretch, Stretch::Moved { .. });
        let quiet = matches!(stretch, Stretch::Quiet { .. });
        let column = |positions: Range<usize>, kpi: KpiId| {
            column(series, hours, positions, kpi, limits, policy.windows.season)
        };
        for kpi in &judged {
            let of = |positions: Range<usize>| Column {
                later: later(series, *kpi, positions.end..window.positions.end),
                ..column(positions, *kpi)
            };
            let place = if moved { &mut out.shown } else { &mut out.judged };
            place.push((index, Role::Judged, of(tested.clone())));
            if quiet {
                out.shown.push((index, Role::Beside, of(window.positions.clone())));
            }
        }
        let is_tested = |kpi: &KpiId| kpi.direction.is_some() && !judged.contains(kpi);
        for kpi in policy.kpis.ids().filter(is_tested) {
            let column = column(tested.clone(), kpi);
            if !column.points.is_empty() {
                out.shown.push((index, Role::Shown, column));
            }
        }
        out.symbols.push(OfSymbol { window: window.used(), stretch });
    }
    out
}

/// How many iterations a stretch must hold.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the policy reads it as a whole number"
)]
fn whole(rules: &TrendRules) -> usize {
    rules.min_iterations.value as usize
}

/// Iterations whose median says where a KPI is in the end.
const LAST: usize = 8;

/// Where a KPI is in the end of these iterations; `None` without values.
fn later(series: &Series, kpi: KpiId, positions: Range<usize>) -> Option<f64> {
    let mut values = series.known(kpi, positions);
    let from = values.len().saturating_sub(LAST);
    median(&mut values[from..])
}

fn column(
    series: &Series,
    hours: &[f64],
    positions: Range<usize>,
    kpi: KpiId,
    limits: &GateSet,
    season: SeasonRule,
) -> Column {
    let hour = |position: usize| series.value(kpi, position).and_then(|_| hours.get(position).copied());
    let hours: Vec<f64> = positions.clone().filter_map(hour).collect();
    Column {
        kpi,
        direction: limits.direction(kpi),
        floor: kpi.floor,
        limit: limits.limit(kpi),
        points: points(series, positions, kpi),
        season: Season::of(season, kpi.kind, &hours),
        hours,
        later: None,
    }
}

fn points(series: &Series, positions: Range<usize>, kpi: KpiId) -> Vec<(u64, f64)> {
    positions.filter_map(|position| Some((series.number(position), series.value(kpi, position)?))).collect()
}

fn times(series: &Series) -> Vec<(u64, DateTime<Utc>)> {
    series.rows().iter().filter_map(|row| Some((row.number, row.instant()?))).collect()
}
