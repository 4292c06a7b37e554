//! `POST_SOAK_ANALYSIS.json`: everything that is known about a run, in full precision.
//!
//! Lists are bounded and say how many entries there are. Holds no path of the machine and no clock.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Analysis, KpiStats, Settled, SymbolAnalysis, WindowStats};
use crate::core::analysis::deltas::Verification;
use crate::core::analysis::origin::OriginBlock;
use crate::core::analysis::recommend::Recommendation;
use crate::core::iteration::edge::EdgeDecomposition;
use crate::core::iteration::guards::{Guard, GuardCounts};
use crate::core::iteration::signatures::Signatures;
use crate::core::judge::passes::Passes;
use crate::core::kpi::{KpiId, Unit};
use crate::core::series::Series;
use crate::core::series::anomalies::Anomaly;
use crate::core::trend::changes::SpikeAt;
use crate::core::trend::resources::{Drift, DriftWord, Resource};
use crate::core::trend::{Change, DriftVerdict, KpiChanges, KpiDrift, Pace};
use crate::core::verdict::evidence::{
    ArchiveFile, BadFile, Duplicate, Evidence, Finding, ForeignVerdict, Renumbered,
};
use crate::core::verdict::provenance::{Envelope, Provenance};
use crate::core::verdict::violations::Violations;
use crate::core::verdict::{Check, Outcome};
use crate::stats::breach::{self, Forecast, Shape};
use crate::stats::season::Cycle;
use crate::stats::{MeanInterval, MedianInterval, Trend};

/// Most entries of a list that grows with the length of the run.
pub const LISTED: usize = 1000;

/// The beginning of a list.
pub(crate) fn first<T>(list: &[T], most: usize) -> &[T] {
    &list[..list.len().min(most)]
}

/// The whole document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnalysisDocument<'a> {
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The archive that was read; absent where a folder was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<&'a ArchiveFile>,
    /// The fixed time, else the last time in the data; null when there is neither.
    pub timestamp: Option<String>,
    /// Whether the data can say anything about a release.
    pub origin: OriginBlock,
    /// Where the data came from; null when nothing says so.
    pub source: Option<String>,
    /// `production` or `mock`: which limits were used.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: &'static str,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: &'static str,
    /// The true verdict of everything that joins.
    pub outcome: Outcome,
    /// The main reason.
    pub reason: String,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// What was found in the folder.
    pub inventory: Inventory<'a>,
    /// One entry a symbol, or one without a name.
    pub symbols: Vec<SymbolBlock<'a>>,
    /// Checks that belong to no symbol.
    pub checks: &'a [Check],
    /// The first 1000 findings.
    pub findings: &'a [Finding],
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub excluded_symbols: &'a [String],
    /// How many findings there are.
    pub findings_total: usize,
}

impl<'a> AnalysisDocument<'a> {
    pub fn of(analysis: &'a Analysis, provenance: &Provenance) -> Self {
        Self {
            envelope: provenance.into(),
            archive: analysis.evidence.archive.as_ref(),
            timestamp: provenance.time_of(analysis),
            origin: (&analysis.origin).into(),
            source: analysis.source(),
            limits: analysis.limits(),
            verdict: analysis.outcome.published(),
            outcome: analysis.outcome,
            reason: analysis.reason(),
            freeze_ready: analysis.freeze_ready(),
            inventory: Inventory::of(&analysis.evidence),
            symbols: analysis
                .symbols
                .iter()
                .map(|symbol| SymbolBlock::of(symbol, analysis.series(symbol)))
                .collect(),
            checks: &analysis.folder_checks,
            findings: first(&analysis.findings, LISTED),
            excluded_symbols: &analysis.evidence.excluded,
            findings_total: analysis.findings.len(),
        }
    }
}

/// What the run declared in its manifest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeclaredRow<'a> {
    /// `running`, `complete`, `interrupted` or `failed`.
    #[schemars(extend("enum" = ["running", "complete", "interrupted", "failed"]))]
    pub state: &'static str,
    /// Iterations it set out to do.
    pub iterations: u64,
    /// Last complete iteration; 0 before the first.
    pub last_complete: u64,
    /// How many iterations rotation removed.
    pub rotated: usize,
    /// Where the data came from; null when the manifest does not say.
    pub source: Option<&'a str>,
}

/// What was found in the folder.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inventory<'a> {
    /// Usable iterations over all symbols.
    pub usable: usize,
    /// Lowest usable number; null when there is none.
    pub first: Option<u64>,
    /// Highest usable number; null when there is none.
    pub last: Option<u64>,
    /// The first 1000 unusable files, by number and name.
    pub unusable: &'a [BadFile],
    /// How many unusable files there are.
    pub unusable_total: usize,
    /// The first 1000 numbers that are claimed more than once.
    pub duplicates: &'a [Duplicate],
    /// How many numbers are claimed more than once.
    pub duplicates_total: usize,
    /// The first 1000 files whose content disagrees with their name.
    pub renumbered: &'a [Renumbered],
    /// How many files disagree with their name.
    pub renumbered_total: usize,
    /// What the run declared; null without a readable manifest.
    pub declared: Option<DeclaredRow<'a>>,
    /// Why the manifest cannot be read; null when it can, and when there is none.
    pub manifest_error: Option<&'a str>,
    /// The verdict in `KPI_GATE.json`; null when there is none.
    pub kpi_gate: Option<&'a ForeignVerdict>,
    /// The verdict of an older result found beside the iterations; null when there is none.
    pub snapshot: Option<&'a ForeignVerdict>,
}

impl<'a> Inventory<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let numbers = || evidence.series.iter().flat_map(Series::rows).map(|row| row.number);
        Self {
            usable: evidence.len(),
            first: numbers().min(),
            last: numbers().max(),
            unusable: first(&evidence.bad_files, LISTED),
            unusable_total: evidence.bad_files.len(),
            duplicates: first(&evidence.duplicates, LISTED),
            duplicates_total: evidence.duplicates.len(),
            renumbered: first(&evidence.renumbered, LISTED),
            renumbered_total: evidence.renumbered.len(),
            declared: evidence.declared.as_ref().map(|declared| DeclaredRow {
                state: declared.state.word(),
                iterations: declared.iterations,
                last_complete: declared.last_complete,
                rotated: declared.rotated.count(),
                source: declared.source.as_deref(),
            }),
            manifest_error: evidence.manifest_error.as_deref(),
            kpi_gate: evidence.kpi_gate.as_ref(),
            snapshot: evidence.snapshot.as_ref(),
        }
    }
}

/// One symbol.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SymbolBlock<'a> {
    /// Its name; null for runs that are not per symbol.
    pub symbol: Option<&'a str>,
    /// The worst of all that joins.
    pub outcome: Outcome,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// Usable iterations.
    pub iterations: usize,
    /// Passes and freezes.
    pub passes: PassBlock<'a>,
    /// Overall, steady, last-n.
    pub windows: Vec<WindowBlock>,
    /// How often each guard was active.
    pub guards: GuardWindows,
    /// Signatures and loops over the whole run.
    pub signatures: &'a Signatures,
    /// Anomalies over the whole run.
    pub anomalies: AnomalyBlock<'a>,
    /// WARN and CRIT per iteration.
    pub violations: &'a Violations,
    /// Where resources are heading over the whole run.
    pub drift: Vec<DriftRow>,
    /// The course of the KPIs of the verdict: steady drifts, changes of level, spikes, warm-up.
    pub course: TrendBlock<'a>,
    /// Where the net edge comes from.
    pub edge: &'a EdgeDecomposition,
    /// Advice.
    pub recommendations: &'a [Recommendation],
    /// Delta verification; null when it was left out.
    pub deltas: Option<&'a Verification>,
    /// Every check with its explanation.
    pub checks: &'a [Check],
}

impl<'a> SymbolBlock<'a> {
    fn of(symbol: &'a SymbolAnalysis, series: &Series) -> Self {
        let deep = &symbol.deep;
        Self {
            symbol: symbol.symbol.as_deref(),
            outcome: symbol.outcome,
            freeze_ready: symbol.freeze_ready(),
            iterations: series.len(),
            passes: (&symbol.passes).into(),
            windows: deep.windows.iter().map(WindowBlock::from).collect(),
            guards: GuardWindows { overall: by_guard(&deep.guards), last: by_guard(&symbol.guards) },
            signatures: &deep.signatures,
            anomalies: AnomalyBlock { count: deep.anomalies.len(), listed: first(&deep.anomalies, LISTED) },
            violations: &deep.violations,
            drift: deep.drift.iter().map(DriftRow::from).collect(),
            course: TrendBlock {
                pace: deep.pace,
                drift: deep.kpi_drift.iter().map(|found| drift(found, deep.pace)).collect(),
                changes: deep.changes.iter().map(ChangesRow::from).collect(),
                settled: &deep.settled,
            },
            edge: &deep.edge,
            recommendations: &deep.recommendations,
            deltas: symbol.deltas.as_ref(),
            checks: &symbol.checks,
        }
    }
}

/// Passes and freezes in the window of the run verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PassBlock<'a> {
    /// Iterations that pass.
    pub passing: usize,
    /// Iterations in the window.
    pub n: usize,
    /// Passes that PASS requires.
    pub needed: usize,
    /// Passes that WARN requires.
    pub needed_for_warn: usize,
    /// The first 1000 numbers that do not pass.
    pub failing: &'a [u64],
    /// How many do not pass.
    pub failing_total: usize,
    /// The first 1000 numbers with a freeze.
    pub freezes: &'a [u64],
    /// How many have a freeze.
    pub freezes_total: usize,
}

impl<'a> From<&'a Passes> for PassBlock<'a> {
    fn from(passes: &'a Passes) -> Self {
        Self {
            passing: passes.passing,
            n: passes.n,
            needed: passes.needed,
            needed_for_warn: passes.needed_for_warn,
            failing: first(&passes.failing, LISTED),
            failing_total: passes.failing.len(),
            freezes: first(&passes.freezes, LISTED),
            freezes_total: passes.freezes.len(),
        }
    }
}

/// One KPI over one window, in its unit. All numbers are null when no value is known.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KpiBlock {
    /// `bps`, `ms`, `ratio`, or what the policy calls it.
    pub unit: &'static str,
    /// Iterations with a value.
    pub n: usize,
    /// Iterations without a value.
    pub missing: usize,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// 5th percentile (type 7).
    pub p5: Option<f64>,
    /// 95th percentile (type 7).
    pub p95: Option<f64>,
    /// Median absolute deviation from the median, not scaled.
    pub mad: Option<f64>,
    /// Sample standard deviation.
    pub stdev: Option<f64>,
    /// Where it is heading; null with fewer than three values.
    pub trend: Option<Trend>,
    /// Interval of the mean; null with too few values, and where they are too autocorrelated.
    pub interval: Option<MeanInterval>,
    /// Interval of the median; null as that of the mean.
    pub median_interval: Option<MedianInterval>,
}

/// All KPIs over one window.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WindowBlock {
    /// `overall`, `steady`, `last8`, …
    pub name: String,
    /// Number of the first iteration; null when the window is empty.
    pub first: Option<u64>,
    /// Number of the last iteration; null when the window is empty.
    pub last: Option<u64>,
    /// Iterations in it.
    pub n: usize,
    /// By canonical name.
    pub kpis: BTreeMap<&'static str, KpiBlock>,
}

impl From<&WindowStats> for WindowBlock {
    fn from(stats: &WindowStats) -> Self {
        let used = stats.window.used();
        Self {
            kpis: stats.kpis.iter().map(|of| (of.kpi.name, kpi(of, used.n))).collect(),
            name: used.name,
            first: used.first,
            last: used.last,
            n: used.n,
        }
    }
}

fn kpi(stats: &KpiStats, window: usize) -> KpiBlock {
    let summary = stats.summary;
    KpiBlock {
        unit: match stats.kpi.unit {
            Unit::Ratio => "ratio",
            unit => unit.symbol(),
        },
        n: window.saturating_sub(stats.missing),
        missing: stats.missing,
        mean: summary.map(|summary| summary.mean),
        median: summary.map(|summary| summary.median),
        min: summary.map(|summary| summary.min),
        max: summary.map(|summary| summary.max),
        p5: summary.map(|summary| summary.p5),
        p95: summary.map(|summary| summary.p95),
        mad: summary.map(|summary| summary.mad),
        stdev: summary.map(|summary| summary.stdev),
        trend: stats.trend,
        interval: stats.interval,
        median_interval: stats.median_interval,
    }
}

/// How often each guard was active: iterations by guard, all guards.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardWindows {
    /// Over the whole run.
    pub overall: BTreeMap<&'static str, usize>,
    /// Over the last-n window.
    pub last: BTreeMap<&'static str, usize>,
}

fn by_guard(counts: &GuardCounts) -> BTreeMap<&'static str, usize> {
    Guard::ALL.into_iter().map(|guard| (guard.word(), counts.of(guard))).collect()
}

/// Anomalies over the whole run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnomalyBlock<'a> {
    /// How many.
    pub count: usize,
    /// The first 1000 of them.
    pub listed: &'a [Anomaly],
}

/// The drift of one resource over the whole run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DriftRow {
    /// The resource: `rss_mb` (MiB), `cpu_pct` (percent of one CPU), `threads`, `open_files`.
    pub resource: Resource,
    /// Samples that have a time and a value, of the process with most of them.
    pub n: usize,
    /// How many processes have samples, one after the other; absent where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<usize>,
    /// Hours from the first of them to the last.
    pub hours: f64,
    /// The first value; null without samples.
    pub first: Option<f64>,
    /// The last value; null without samples.
    pub last: Option<f64>,
    /// Theil-Sen slope, units per hour; null with too few samples.
    pub slope_per_hour: Option<f64>,
    /// Lower end of its band; null with too few samples.
    pub low: Option<f64>,
    /// Upper end of its band; null with too few samples.
    pub high: Option<f64>,
    /// How many floors of a saw the slope goes through; null where it goes through all samples.
    pub floors: Option<usize>,
    /// Confidence level of the band.
    pub confidence: f64,
    /// Slopes smaller than this are called flat, units per hour.
    pub floor: f64,
    /// What can be said.
    pub word: DriftWord,
}

impl From<&Drift> for DriftRow {
    fn from(drift: &Drift) -> Self {
        Self {
            resource: drift.resource,
            n: drift.n,
            processes: Some(drift.processes).filter(|several| *several > 1),
            hours: drift.hours,
            first: drift.first,
            last: drift.last,
            slope_per_hour: drift.slope.map(|slope| slope.per_hour),
            low: drift.slope.and_then(|slope| slope.low),
            high: drift.slope.and_then(|slope| slope.high),
            floors: drift.floors,
            confidence: drift.confidence,
            floor: drift.floor.value,
            word: drift.word,
        }
    }
}

/// The course of the KPIs of the verdict.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CourseBlock")]
pub struct TrendBlock<'a> {
    /// How long an iteration takes; null when neither time stamps nor the manifest say.
    pub pace: Option<Pace>,
    /// Steady drifts.
    pub drift: Vec<KpiDriftRow>,
    /// Changes of level and spikes.
    pub changes: Vec<ChangesRow<'a>>,
    /// KPIs that move at the beginning of the run and then do not: warm-up. The others are not listed.
    pub settled: &'a [Settled],
}

/// Where a KPI is heading: the straight line through the window of `[kpi_drift]`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KpiDriftRow {
    /// Canonical name of the KPI.
    pub kpi: KpiId,
    /// Values in the window.
    pub n: usize,
    /// First iteration with a value; null without values.
    pub first: Option<u64>,
    /// Last iteration with a value; null without values.
    pub last: Option<u64>,
    /// What can be said.
    pub verdict: DriftVerdict,
    /// From this iteration on it does not move, where it moved before; null otherwise.
    pub settled_from: Option<u64>,
    /// The line; null where there are too few values, or where they are too autocorrelated.
    pub line: Option<LineRow>,
    /// How it continues; absent where the KPI does not get worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<GrowthRow>,
    /// The daily cycle that was taken out, in the KPI's unit; absent where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<Cycle>,
}

/// How a KPI continues that gets worse: curves of several shapes, weighted by how well they explain its values.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GrowthRow {
    /// What explains the values best.
    pub shape: Shape,
    /// The iteration at which the likeliest curve begins to grow, steps or has levelled off.
    pub from: f64,
    /// The weight of growth against that of a step and of what levels off, between 0 and 1.
    pub probability: f64,
    /// Lower end of the interval of the iterations until the limit is reached; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of it; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// The lower end in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_hours: Option<f64>,
    /// The upper end in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_hours: Option<f64>,
    /// Confidence level of the interval.
    pub confidence: f64,
}

fn growth(forecast: &Forecast, pace: Option<Pace>) -> GrowthRow {
    let (low, high) = (forecast.reach.map(|reach| reach.low), forecast.reach.and_then(|reach| reach.high));
    let hours = |iterations: Option<f64>| iterations.zip(pace).map(|(number, pace)| number * pace.hours);
    GrowthRow {
        shape: forecast.shape,
        from: forecast.from,
        probability: forecast.growth,
        low,
        high,
        low_hours: hours(low),
        high_hours: hours(high),
        confidence: breach::CONFIDENCE,
    }
}

/// A least-squares line with first-order autocorrelation.
#[derive(Debug, Serialize, JsonSchema)]
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
    /// Iterations until the limit of an iteration is reached, as likely before as after it; 0 where the last values are
    /// out of it; null without a limit, and where the KPI does not get worse or its growth does not go on.
    pub iterations_to_breach: Option<f64>,
    /// The same in hours; null where the length of an iteration is not known.
    pub hours_to_breach: Option<f64>,
    /// The smallest worsening from the first iteration to the last that is found in 90 % of cases; null where it is no
    /// number.
    pub detectable_90: Option<f64>,
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
        kpi: found.kpi,
        n: found.n,
        first,
        last,
        verdict: found.verdict,
        settled_from: found.settled_from,
        line,
        growth: found.forecast.as_ref().map(|forecast| growth(forecast, pace)),
        season: found.season.clone(),
    }
}

/// The levels of a KPI in the window of `[change_points]`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangesRow<'a> {
    /// Canonical name of the KPI.
    pub kpi: KpiId,
    /// Values in the window.
    pub n: usize,
    /// Iterations whose median replaces them in the search: 1 unless the run is long; null when there were
    /// too few to search.
    pub block: Option<usize>,
    /// Changes that count, in the order of time.
    pub changes: Vec<ChangeRow>,
    /// The most likely change, however likely by chance; null when there is none.
    pub likeliest: Option<ChangeRow>,
    /// The first 1000 spikes.
    pub spikes: &'a [SpikeAt],
    /// How many spikes there are.
    pub spikes_total: usize,
}

impl<'a> From<&'a KpiChanges> for ChangesRow<'a> {
    fn from(found: &'a KpiChanges) -> Self {
        Self {
            kpi: found.kpi,
            n: found.n,
            block: found.block,
            changes: found.changes.iter().map(change).collect(),
            likeliest: found.likeliest.as_ref().map(change),
            spikes: first(&found.spikes, LISTED),
            spikes_total: found.spikes.len(),
        }
    }
}

/// A change of level.
#[derive(Debug, Serialize, JsonSchema)]
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
