//! How an analysis is made: windows, checks, statistics, in the order in which one needs the other.

use rayon::prelude::*;

use super::course::{self, Course};
use super::{Analysis, Deep, KpiStats, Options, Origin, SymbolAnalysis, WindowStats, statistic};
use crate::core::analysis::deltas;
use crate::core::analysis::recommend;
use crate::core::iteration::edge::EdgeDecomposition;
use crate::core::iteration::guards::GuardCounts;
use crate::core::iteration::params::ParamValues;
use crate::core::iteration::signatures;
use crate::core::iteration::signatures::Signatures;
use crate::core::judge::edge_report::{self, Totals};
use crate::core::judge::sanity;
use crate::core::judge::{advisory, collections, disagree, gates, integrity, passes};
use crate::core::kpi::KpiId;
use crate::core::policy::{GateSet, Policy, Statistic, WindowSpec};
use crate::core::series::Series;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{anomalies, symbols};
use crate::core::trend::resources as drift;
use crate::core::trend::{KpiDrift, autocorrelation as memory};
use crate::core::verdict::evidence::{Evidence, RunState};
use crate::core::verdict::findings;
use crate::core::verdict::findings::Judged;
use crate::core::verdict::violations;
use crate::core::verdict::{Check, Outcome, Part, join};
use crate::stats::{MeanInterval, Summary, Trend, TrendRule};

/// The gate set that says whether an iteration passes.
pub fn pass_limits(policy: &Policy, mock: bool) -> &GateSet {
    if mock { &policy.iteration_pass_mock } else { &policy.iteration_pass }
}

/// Analyses a folder.
pub fn analyse(
    mut evidence: Evidence,
    policy: &Policy,
    options: &Options,
    edge: Option<&Totals>,
) -> Analysis {
    let mut folder_checks = symbols::exclude(&mut evidence, &policy.symbols);
    if evidence.series.is_empty() {
        // Nothing to judge is judged too, and is INVALID.
        evidence.series.push(Series::new(None, policy.kpis.len()));
    }
    let numbers: Vec<Ranges> = evidence.series.iter().map(|series| evidence.numbers(series)).collect();
    let declared = evidence.declared.as_ref().and_then(|declared| declared.interval);
    let limits = pass_limits(policy, options.mock);
    let symbols: Vec<SymbolAnalysis> = course::of(&evidence.series, &numbers, declared, limits, policy)
        .into_iter()
        .enumerate()
        .map(|(index, course)| symbol(&evidence, index, &numbers[index], course, policy, options))
        .collect();
    folder_checks.extend(
        edge.into_iter().flat_map(|totals| edge_report::checks(totals, &policy.edge_report, &policy.kpis)),
    );
    let judged: Vec<Judged<'_>> = symbols
        .iter()
        .map(|symbol| Judged { series: &evidence.series[symbol.index], from: symbol.from })
        .collect();
    let mut findings = findings::collect(&evidence, &judged, policy);
    findings.extend(symbols::findings(&evidence, &policy.symbols));
    let of_symbols = symbols.iter().map(|symbol| symbol.outcome).max().unwrap_or(Outcome::Invalid);
    let outcome = folder_checks
        .iter()
        .filter(|check| check.joins)
        .map(|check| check.outcome)
        .fold(of_symbols, std::cmp::Ord::max);
    let mut analysis = Analysis {
        origin: Origin::of(&evidence, |source| policy.release.is_simulated(source)),
        evidence,
        symbols,
        folder_checks,
        findings,
        outcome,
        disagreements: Vec::new(),
        mock: options.mock,
    };
    analysis.disagreements = disagree::sentences(&analysis, &policy.kpis);
    analysis.disagreements.extend(policy.run_verdict.smoke_test());
    analysis
}

fn symbol(
    evidence: &Evidence,
    index: usize,
    numbers: &Ranges,
    course: Course,
    policy: &Policy,
    options: &Options,
) -> SymbolAnalysis {
    let series = &evidence.series[index];
    let (few, policy) = &symbols::policy_for(evidence, series, policy);
    let limits = pass_limits(policy, options.mock);
    let last = Window::find(series, WindowSpec::LastN, &policy.windows, numbers);
    let required: Vec<KpiId> = limits.checks.iter().map(|gate| gate.kpi).collect();
    let mut told = KpiId::OF_THE_VERDICT.to_vec();
    told.extend(required.iter().filter(|kpi| !KpiId::OF_THE_VERDICT.contains(kpi)));
    let judged = Window::find(series, policy.run_verdict.window, &policy.windows, numbers);
    // The numbers told come from one window, the verdict from the other: both must be sound.
    let trusted = if judged.from < last.from { &judged } else { &last };
    let so_far = is_judged_so_far(evidence, options);
    let mut checks = integrity::checks(evidence, series, trusted, so_far, &policy.integrity);
    checks.extend(symbols::checks(evidence, series, trusted, *few, &policy.symbols));
    checks.extend(integrity::kpis_present(series, &judged, &required));
    if let Some(wanted) = options.min_windows {
        checks.push(integrity::enough(series, &last, wanted));
    }
    let passes = passes::count_passes(series, &judged, limits, &policy.run_verdict);
    checks.extend(passes::checks(series, &judged, limits, &policy.run_verdict, &passes));
    checks.extend(collections::check(series, &judged, policy));
    let steady = Window::find(series, WindowSpec::Steady, &policy.windows, numbers);
    let kpis = window_kpis(series, &last, &steady, told.iter().copied(), policy);
    let guards =
        GuardCounts::over(series.rows()[last.positions.clone()].iter().map(|row| row.tuning.spoke()));
    let found = anomalies::find(series, last.positions.clone(), &policy.anomalies);
    let loops = signatures_of(series, &last).loop_count;
    // What needs nothing of each other.
    let (verified, mut deep) = side_by_side(
        series.len(),
        || {
            let verify = || deltas::verify(series, &evidence.tuning_report, evidence.end_overrides.as_ref());
            options.deltas.then(verify)
        },
        || deep(series, evidence.end_overrides.as_ref(), &last, numbers, &guards, policy),
    );
    if let Some(verified) = &verified {
        let window = Window::find(series, WindowSpec::Overall, &policy.windows, numbers).used();
        checks.extend(deltas::checks(
            verified,
            &policy.deltas,
            options.strict,
            &window,
            series.symbol.as_deref(),
        ));
    }
    let of_set = |set: &GateSet, part: Part| {
        gates::checks(set, part, series, numbers, &policy.windows, &policy.change_points)
    };
    checks.extend(of_set(&policy.readiness, Part::Readiness));
    checks.extend(of_set(&policy.goals, Part::Goals));
    checks.extend(advisory::violations(series, &deep.violations, policy, numbers));
    checks.push(advisory::anomalies(series, &last, &found, policy));
    let whole = || Window::find(series, WindowSpec::Overall, &policy.windows, numbers).used();
    for (drift, p_adjusted) in deep.drift.iter_mut().zip(course.rises) {
        drift.p_adjusted = p_adjusted;
    }
    let of_drift = deep.drift.iter();
    let is_timed = integrity::time::is_known(series);
    checks.extend(
        of_drift
            .filter_map(|drift| drift.check(&policy.drift, whole(), series.symbol.as_deref()))
            .map(|check| if is_timed { check } else { without_time(check) }),
    );
    let subject = sanity::Subject {
        series,
        last: &last,
        steady: &steady,
        judged: trusted,
        repeats: &evidence.repeats,
        required: &required,
        looked_at: &told,
        interval: evidence.declared.as_ref().and_then(|declared| declared.interval),
        kpis: &policy.kpis,
    };
    checks.extend(sanity::checks(&subject, &policy.sanity));
    checks.extend(course.checks);
    deep.pace = course.pace;
    deep.kpi_drift = with_theil_sen(course.drift, &deep.windows, course.window.as_deref());
    deep.changes = course.changes;
    deep.settled = course.settled;
    if options.require_freeze {
        checks.push(passes::freeze_required(series, &judged, &passes, join(&checks)));
    }
    let outcome = join(&checks);
    SymbolAnalysis {
        index,
        symbol: series.symbol.clone(),
        from: trusted.from,
        last,
        kpis,
        passes,
        guards,
        anomalies: found,
        loops,
        deltas: verified,
        deep,
        checks,
        outcome,
    }
}

/// Whether a run that is not complete is judged all the same.
fn is_judged_so_far(evidence: &Evidence, options: &Options) -> bool {
    let state = evidence.declared.as_ref().map(|declared| declared.state);
    options.so_far || options.live && state == Some(RunState::Running)
}

fn deep(
    series: &Series,
    end_overrides: Option<&ParamValues>,
    last: &Window,
    numbers: &Ranges,
    guards_last: &GuardCounts,
    policy: &Policy,
) -> Deep {
    let overall = Window::find(series, WindowSpec::Overall, &policy.windows, numbers);
    let steady = Window::find(series, WindowSpec::Steady, &policy.windows, numbers);
    let shown: Vec<KpiId> = policy.kpis.ids().filter(|kpi| is_shown(series, *kpi)).collect();
    let windows: Vec<WindowStats> = [&overall, &steady, last]
        .into_iter()
        .map(|window| WindowStats {
            kpis: window_kpis(series, window, &steady, shown.iter().copied(), policy),
            window: window.clone(),
        })
        .collect();
    let (recommendations, at_bound) = {
        let of_last = &windows[2];
        let observe =
            |kpi: KpiId, which: Statistic| of_last.kpi(kpi).and_then(|stats| statistic(stats, which));
        let found = recommend::evaluate(&policy.recommendations, observe, guards_last);
        let of_last_row = series.rows().last().and_then(|row| row.overrides.as_deref());
        let in_force: Vec<&ParamValues> = end_overrides.into_iter().chain(of_last_row).collect();
        recommend::within(found, &policy.run.parameters, &in_force)
    };
    let violated = Window::find(series, policy.violations.window, &policy.windows, numbers);
    Deep {
        signatures: signatures_of(series, &overall),
        guards: GuardCounts::over(series.rows().iter().map(|row| row.tuning.spoke())),
        anomalies: anomalies::find(series, overall.positions, &policy.anomalies),
        drift: drift::find(&course::samples(series, 0..series.len()), &policy.drift),
        violations: violations::find(series, violated.positions, &policy.violations, LISTED),
        edge: EdgeDecomposition::over(series, last.positions.clone(), KpiId::NET_BPS.floor),
        windows,
        recommendations,
        at_bound,
        pace: None,
        kpi_drift: Vec::new(),
        changes: Vec::new(),
        settled: Vec::new(),
    }
}

/// The trends of the reports' windows, beside the lines of the drifts, where they look at the same window.
fn with_theil_sen(mut drifts: Vec<KpiDrift>, windows: &[WindowStats], window: Option<&str>) -> Vec<KpiDrift> {
    let same = windows.iter().find(|stats| window == Some(stats.window.name.as_str()));
    for drift in &mut drifts {
        drift.theil_sen = same.and_then(|stats| stats.kpi(drift.kpi)?.trend).map(|trend| trend.slope);
    }
    drifts
}

/// A check of something per hour, where no time shows the hours.
fn without_time(check: Check) -> Check {
    let reason = format!("{}: time unknown", check.gate.trim_start_matches("drift."));
    Check { outcome: Outcome::NotApplicable, observed: None, margin: None, reason, ..check }
}

fn signatures_of(series: &Series, window: &Window) -> Signatures {
    let points: Vec<(u64, Option<&str>)> = series.rows()[window.positions.clone()]
        .iter()
        .map(|row| (row.number, row.tuning.signature_or_hash().map(AsRef::as_ref)))
        .collect();
    signatures::find(&points, LISTED)
}

fn is_shown(series: &Series, kpi: KpiId) -> bool {
    KpiId::OF_THE_VERDICT.contains(&kpi) || series.column(kpi).iter().any(Option::is_some)
}

/// At most so many loops, signatures and violations are listed; all are counted.
const LISTED: usize = 1000;

/// Confidence of the intervals of means and slopes: 95 %, what readers expect where nothing else is said. It
/// is no limit, no verdict depends on it.
const CONFIDENCE: f64 = 0.95;

fn window_kpis(
    series: &Series,
    window: &Window,
    steady: &Window,
    kpis: impl Iterator<Item = KpiId>,
    policy: &Policy,
) -> Vec<KpiStats> {
    let kpis: Vec<KpiId> = kpis.collect();
    let one = |kpi: &KpiId| {
        let points: Vec<(u64, f64)> = window
            .positions
            .clone()
            .filter_map(|position| Some((series.number(position), series.value(*kpi, position)?)))
            .collect();
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let rule = TrendRule {
            relative_change: policy.trend_relative_change.value,
            floor: kpi.floor,
            confidence: CONFIDENCE,
        };
        let summary = Summary::of(&values);
        let memory = memory::of(series, *kpi, window, steady, &policy.change_points);
        let interval = summary
            .zip(memory)
            .and_then(|(summary, memory)| MeanInterval::with_memory(&values, &summary, memory, CONFIDENCE));
        KpiStats {
            kpi: *kpi,
            missing: window.len() - values.len(),
            trend: Trend::of(&points, rule),
            interval,
            median_interval: summary
                .zip(interval)
                .map(|(summary, interval)| interval.of_median(summary.median)),
            summary,
        }
    };
    if window.len() > WORTH_A_THREAD {
        kpis.par_iter().map(one).collect()
    } else {
        kpis.iter().map(one).collect()
    }
}

/// Threads pay only where there is much to do: more iterations than these.
const WORTH_A_THREAD: usize = 1000;

/// Both results; at the same time where there are many iterations.
fn side_by_side<A: Send, B: Send>(
    iterations: usize,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if iterations > WORTH_A_THREAD { rayon::join(one, other) } else { (one(), other()) }
}
