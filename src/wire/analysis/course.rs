//! The course of the KPIs of the verdict, as the analysis document tells it: drifts, changes of level, spikes.

use serde::Serialize;

use super::LISTED;
use crate::core::analysis::Deep;
use crate::core::course::{Change, DriftVerdict, KpiChanges, KpiDrift, Pace, PaceSource};

/// How long an iteration takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct PaceRow {
    /// Hours of run time.
    pub hours: f64,
    /// `time_stamps` or `manifest`.
    pub source: PaceSource,
}

/// Where a KPI is heading: the straight line through the window of `[kpi_drift]`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct KpiDriftRow {
    /// Canonical name of the KPI.
    pub kpi: String,
    /// Values in the window.
    pub n: usize,
    /// First iteration with a value; null without values.
    pub first: Option<u64>,
    /// Last iteration with a value; null without values.
    pub last: Option<u64>,
    /// What can be said.
    pub verdict: DriftVerdict,
    /// From this iteration on it stands still, where it moved before; null otherwise.
    pub settled_from: Option<u64>,
    /// The line; null where there are too few values, or where they resemble each other too much.
    pub line: Option<LineRow>,
}

/// A least-squares line with first-order autocorrelation.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LineRow {
    /// Slope per iteration, in the KPI's unit.
    pub slope: f64,
    /// Slope per hour of run time; null where the length of an iteration is not known.
    pub slope_per_hour: Option<f64>,
    /// Lower end of the interval of the slope per iteration.
    pub low: f64,
    /// Upper end of the interval of the slope per iteration.
    pub high: f64,
    /// Confidence level of the interval.
    pub confidence: f64,
    /// Theil-Sen slope per iteration, beside it; null with too few values.
    pub theil_sen: Option<f64>,
    /// How far the line moves from the first iteration to the last.
    pub change: f64,
    /// The line at the first iteration.
    pub from: f64,
    /// The line at the last iteration.
    pub to: f64,
    /// Autocorrelation of the residuals.
    pub phi: f64,
    /// How many independent values these are worth.
    pub n_eff: f64,
    /// Degrees of freedom of t.
    pub df: f64,
    /// One-sided probability of a slope at least this bad by chance.
    pub p_value: f64,
    /// The same, with Holm's adjustment over the KPIs judged together.
    pub p_adjusted: f64,
    /// Iterations until the line reaches the limit of an iteration, 0 when it is beyond; null where it does not
    /// move towards it.
    pub iterations_to_breach: Option<f64>,
    /// The same in hours; null where the length of an iteration is not known.
    pub hours_to_breach: Option<f64>,
    /// The smallest worsening from the first iteration to the last that is found in 90 % of cases; null where it is no
    /// number.
    pub detectable_90: Option<f64>,
}

/// A change of level.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ChangeRow {
    /// The last iteration on the level before.
    pub last_before: u64,
    /// The first iteration on the level after.
    pub first_after: u64,
    /// Mean of the level before.
    pub before: f64,
    /// Mean of the level after.
    pub after: f64,
    /// Lower end of a 95 % interval of the shift that allows for the search over positions.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Iterations on the level before.
    pub n_before: usize,
    /// Iterations on the level after.
    pub n_after: usize,
    /// Whether it is one for the worse.
    pub worse: bool,
    /// Whether a straight line explains the stretch better than a step.
    pub gradual: bool,
    /// Autocorrelation of the residuals around the step.
    pub phi: f64,
    /// How many independent values the stretch is worth.
    pub n_eff: f64,
    /// Probability of such a split by chance, the search over positions included; not below 0.0005.
    pub p_value: f64,
    /// The same, adjusted for the KPIs judged together.
    pub p_adjusted: f64,
}

/// Iterations that leave their neighbourhood and come back.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SpikeRow {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The value that is farthest away.
    pub value: f64,
    /// What is usual around it.
    pub usual: f64,
}

/// The levels of a KPI in the window of `[change_points]`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ChangesRow {
    /// Canonical name of the KPI.
    pub kpi: String,
    /// Values in the window.
    pub n: usize,
    /// Iterations whose median stands in for them in the search: 1 unless the run is long; null when there were
    /// too few to search.
    pub block: Option<usize>,
    /// Changes that count, in the order of time.
    pub changes: Vec<ChangeRow>,
    /// The most likely change, however likely by chance; null when there is none to be told.
    pub likeliest: Option<ChangeRow>,
    /// The first 1000 spikes.
    pub spikes: Vec<SpikeRow>,
    /// How many spikes there are.
    pub spikes_total: usize,
}

/// Where a KPI stops moving at the beginning of the run.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SettledRow {
    /// Canonical name of the KPI.
    pub kpi: String,
    /// From this iteration on it stands still.
    pub from: u64,
}

/// The course of the KPIs of the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct CourseBlock {
    /// How long an iteration takes; null when neither time stamps nor the manifest tell.
    pub pace: Option<PaceRow>,
    /// Steady drifts.
    pub drift: Vec<KpiDriftRow>,
    /// Changes of level and spikes.
    pub changes: Vec<ChangesRow>,
    /// KPIs that move at the beginning of the run and then stand still: warm-up. The others are not listed.
    pub settled: Vec<SettledRow>,
}

impl CourseBlock {
    /// The block of what was found.
    pub fn of(deep: &Deep) -> Self {
        Self {
            pace: deep.pace.map(|pace| PaceRow { hours: pace.hours, source: pace.source }),
            drift: deep.kpi_drift.iter().map(|found| drift(found, deep.pace)).collect(),
            changes: deep.changes.iter().map(changes).collect(),
            settled: deep
                .settled
                .iter()
                .map(|(kpi, from)| SettledRow { kpi: kpi.name.to_owned(), from: *from })
                .collect(),
        }
    }
}

fn drift(found: &KpiDrift, pace: Option<Pace>) -> KpiDriftRow {
    let line = found.line.map(|line| LineRow {
        slope: line.fit.slope,
        slope_per_hour: pace.map(|pace| line.fit.slope / pace.hours),
        low: line.interval.0,
        high: line.interval.1,
        confidence: line.confidence,
        theil_sen: found.theil_sen,
        change: line.change,
        from: line.fit.first,
        to: line.fit.last,
        phi: line.fit.phi,
        n_eff: line.fit.n_eff,
        df: line.fit.df,
        p_value: line.p,
        p_adjusted: line.p_adjusted,
        iterations_to_breach: line.to_breach,
        detectable_90: line.detectable,
        hours_to_breach: line.to_breach.zip(pace).map(|(iterations, pace)| iterations * pace.hours),
    });
    let (first, last) = found.span.unzip();
    KpiDriftRow {
        kpi: found.kpi.name.to_owned(),
        n: found.n,
        first,
        last,
        verdict: found.verdict,
        settled_from: found.settled_from,
        line,
    }
}

fn changes(found: &KpiChanges) -> ChangesRow {
    let spikes = found.spikes.iter().take(LISTED).map(|spike| SpikeRow {
        first: spike.first,
        last: spike.last,
        value: spike.value,
        usual: spike.usual,
    });
    ChangesRow {
        kpi: found.kpi.name.to_owned(),
        n: found.n,
        block: found.block,
        changes: found.changes.iter().map(change).collect(),
        likeliest: found.likeliest.as_ref().map(change),
        spikes: spikes.collect(),
        spikes_total: found.spikes.len(),
    }
}

fn change(change: &Change) -> ChangeRow {
    let step = &change.step;
    ChangeRow {
        last_before: change.last_before,
        first_after: change.first_after,
        before: step.before,
        after: step.after,
        low: step.low,
        high: step.high,
        n_before: step.n_before,
        n_after: step.n_after,
        worse: change.worse,
        gradual: step.gradual,
        phi: step.phi,
        n_eff: step.n_eff,
        p_value: step.p,
        p_adjusted: change.p_adjusted,
    }
}
