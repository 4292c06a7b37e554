//! One analysis: everything that a post-soak command reports is computed here, once, by pure functions.
//!
//! Renderers take the result and compute nothing; the outcome in it decides the exit code. First what
//! there is to know, then how it is found out, in the order in which one needs the other.

pub mod audit;
pub mod deltas;
pub mod document;
pub mod folder;
pub mod origin;
pub mod recommend;
pub mod result;
mod trend;

use rayon::prelude::*;

use crate::core::analysis::deltas::Verification;
use crate::core::analysis::recommend::Recommendation;
use crate::core::analysis::trend::SymbolTrend;
use crate::core::iteration::edge::EdgeDecomposition;
use crate::core::iteration::guards::{Guard, GuardCounts};
use crate::core::iteration::params::ParamValues;
use crate::core::iteration::signatures::Signatures;
use crate::core::iteration::tally::Tally;
use crate::core::iteration::{last_time, signatures};
use crate::core::judge::edge_report::Totals;
use crate::core::judge::passes::Passes;
use crate::core::judge::{advisory, edge_report, excursions, gates, integrity, passes, sanity, show_limit};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::{GateSet, Policy, Profile, Requirement, Statistic, WindowSpec};
use crate::core::series::anomalies::Anomaly;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{Series, anomalies, symbols};
use crate::core::text::number::beside;
use crate::core::trend::resources::Drift;
use crate::core::trend::{KpiChanges, KpiDrift, Pace, autocorrelation, resources as drift};
use crate::core::verdict::evidence::{Evidence, Finding, RunState};
use crate::core::verdict::findings::Judged;
use crate::core::verdict::violations::Violations;
use crate::core::verdict::{Check, Outcome, Part, findings, join, reasons, violations};
use crate::stats::{MeanInterval, MedianInterval, Summary, Trend, TrendRule};

pub use origin::{NO_WAIT, Origin};
pub use trend::Settled;

/// `mock` or `production`: which limits were used, as every result spells it.
pub fn limits_word(mock: bool) -> &'static str {
    if mock { "mock" } else { "production" }
}

/// What the caller requests beside the policy.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Options {
    /// Use the relaxed limits.
    pub mock: bool,
    /// Judge a run that is not complete by the iterations that there are.
    pub so_far: bool,
    /// The same for a run that is being carried out; one that has ended is judged as it is.
    pub live: bool,
    /// Join the delta verification.
    pub deltas: bool,
    /// Use the strict limit of the delta verification.
    pub strict: bool,
    /// Without `freeze_ready` the verdict is FAIL.
    pub require_freeze: bool,
    /// Fewer iterations a symbol than this are INCONCLUSIVE.
    pub min_windows: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mock: false,
            so_far: false,
            live: false,
            deltas: true,
            strict: false,
            require_freeze: false,
            min_windows: None,
        }
    }
}

/// One KPI over one window.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiStats {
    pub kpi: KpiId,
    /// Iterations of the window without a value.
    pub missing: usize,
    /// Location and spread; `None` when no value is known.
    pub summary: Option<Summary>,
    /// Trend; `None` with too few values.
    pub trend: Option<Trend>,
    /// Interval of the mean; `None` with too few values, and where they are too autocorrelated.
    pub interval: Option<MeanInterval>,
    /// Interval of the median; `None` as that of the mean.
    pub median_interval: Option<MedianInterval>,
}

/// All KPIs over one window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowStats {
    pub window: Window,
    /// One entry a KPI that has a value anywhere, and the four of the verdict.
    pub kpis: Vec<KpiStats>,
}

impl WindowStats {
    /// The statistics of a KPI.
    pub fn kpi(&self, kpi: KpiId) -> Option<&KpiStats> {
        self.kpis.iter().find(|stats| stats.kpi == kpi)
    }
}

/// What reports show beside the verdict, and what checks are made from.
#[derive(Debug, Default)]
pub struct Deep {
    /// Overall, steady, last-n.
    pub windows: Vec<WindowStats>,
    /// Signatures and loops over the whole run.
    pub signatures: Signatures,
    /// Guards over the whole run.
    pub guards: GuardCounts,
    /// Anomalies over the whole run.
    pub anomalies: Vec<Anomaly>,
    /// WARN and CRIT per iteration.
    pub violations: Violations,
    /// Where resources are heading over the whole run; one entry a resource, also without data.
    pub drift: Vec<Drift>,
    /// How long an iteration takes; `None` when neither time stamps nor the manifest say.
    pub pace: Option<Pace>,
    /// Where the KPIs of the verdict are heading, over the window of `[kpi_drift]`.
    pub kpi_drift: Vec<KpiDrift>,
    /// Where they changed their level, over the window of `[change_points]`.
    pub changes: Vec<KpiChanges>,
    /// From which iteration on each of them does not move any more, over the whole run; only those that move at first.
    pub settled: Vec<Settled>,
    /// Where the edge comes from, over the last-n window.
    pub edge: EdgeDecomposition,
    /// Advice that the bounds of the parameters allow.
    pub recommendations: Vec<Recommendation>,
    /// Advice of which the bounds leave nothing.
    pub at_bound: Vec<Recommendation>,
}

/// What was found out about one symbol.
#[derive(Debug)]
pub struct SymbolAnalysis {
    /// Its place in `evidence.series`.
    pub index: usize,
    /// The symbol; `None` for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The lowest number that the verdict looks at: the start of the last-n window, or of the run verdict's
    /// where that is longer.
    pub from: u64,
    /// The last-n window.
    pub last: Window,
    /// Statistics of the four KPIs of the verdict over the last-n window.
    pub kpis: Vec<KpiStats>,
    /// Passes and freezes in the last-n window.
    pub passes: Passes,
    /// Guards in the last-n window.
    pub guards: GuardCounts,
    /// Anomalies in the last-n window.
    pub anomalies: Vec<Anomaly>,
    /// A → B → A loops in the last-n window.
    pub loops: usize,
    /// Delta verification, if it was requested.
    pub deltas: Option<Verification>,
    /// What reports show beside the verdict.
    pub deep: Deep,
    /// All checks of this symbol.
    pub checks: Vec<Check>,
    /// The worst of all that joins.
    pub outcome: Outcome,
}

impl SymbolAnalysis {
    /// The statistics of a KPI over the last-n window.
    pub fn last_kpi(&self, kpi: KpiId) -> Option<&KpiStats> {
        let last = self.deep.windows.iter().find(|stats| stats.window == self.last);
        let known = |stats: &&KpiStats| stats.kpi == kpi;
        self.kpis.iter().find(known).or_else(|| last?.kpis.iter().find(known))
    }

    /// Whether the overrides may be frozen.
    pub fn freeze_ready(&self) -> bool {
        self.passes.freeze_ready(self.outcome)
    }
}

/// Everything known about a folder.
#[derive(Debug)]
pub struct Analysis {
    /// What was loaded.
    pub evidence: Evidence,
    /// One entry a symbol; never empty.
    pub symbols: Vec<SymbolAnalysis>,
    /// Checks that belong to no symbol.
    pub folder_checks: Vec<Check>,
    /// What a reader should know about the input.
    pub findings: Vec<Finding>,
    /// The verdict of the whole: the worst symbol, and the checks of the folder.
    pub outcome: Outcome,
    /// Where readiness and goals answer otherwise than the gate, and whether this is a smoke test, one sentence each.
    pub disagreements: Vec<String>,
    /// What the policy is for.
    pub profile: Profile,
    /// Whether there was anything to tune; where there was not, reports are silent about tuning.
    pub tunes: bool,
    /// The KPIs of the verdict, in the order in which reports show them.
    pub kpis: Vec<KpiId>,
    /// Whether the relaxed limits were used.
    pub mock: bool,
    /// Whether the data can say anything about a release.
    pub origin: Origin,
}

impl Analysis {
    /// Whether the system trades, so that its edge and the anomalies of its KPIs are shown.
    pub fn trades(&self) -> bool {
        self.profile == Profile::Trading
    }

    pub fn series(&self, symbol: &SymbolAnalysis) -> &Series {
        &self.evidence.series[symbol.index]
    }

    /// The symbol whose numbers are shown for the whole: the worst outcome, among equals one that may not be
    /// frozen, then the first by name.
    pub fn worst(&self) -> &SymbolAnalysis {
        let rank = |symbol: &SymbolAnalysis| (symbol.outcome, !symbol.freeze_ready());
        let mut worst = &self.symbols[0];
        for symbol in &self.symbols[1..] {
            if rank(symbol) > rank(worst) {
                worst = symbol;
            }
        }
        worst
    }

    /// Whether the overrides of every symbol may be frozen; never where the verdict is worse than WARN.
    pub fn freeze_ready(&self) -> bool {
        self.outcome.is_acceptable() && self.symbols.iter().all(SymbolAnalysis::freeze_ready)
    }

    /// All checks: those of the folder, then those of the symbols.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.folder_checks.iter().chain(self.symbols.iter().flat_map(|symbol| &symbol.checks))
    }

    /// The checks that make the verdict what it is, worst first; empty on PASS.
    pub fn reasons(&self) -> Vec<&Check> {
        reasons(self.checks())
    }

    /// Whether any value exceeds its CRIT limit.
    pub fn has_crit(&self) -> bool {
        self.symbols.iter().any(|symbol| symbol.deep.violations.crit() > 0)
    }

    /// `mock` or `production`.
    pub fn limits(&self) -> &'static str {
        limits_word(self.mock)
    }

    /// Where the data came from: what the manifest says, else what the iterations say.
    pub fn source(&self) -> Option<String> {
        self.origin.source.clone()
    }

    /// The last time stamp in the data, as written.
    pub fn last_time(&self) -> Option<&str> {
        last_time(self.evidence.series.iter().flat_map(Series::rows))
    }
}

/// The guards that were active in a series' window, with the iterations in which they were.
pub fn guard_iterations(series: &Series, window: &Window, guard: Guard) -> Vec<u64> {
    series.rows()[window.positions.clone()]
        .iter()
        .filter(|row| row.tuning.spoke().contains(guard))
        .map(|row| row.number)
        .collect()
}

/// The value of a statistic, by its name.
pub fn statistic(stats: &KpiStats, statistic: Statistic) -> Option<f64> {
    stats.summary.and_then(|summary| summary.get(statistic))
}

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
        evidence.series.push(Series::new(None, policy.kpis.columns()));
    }
    let of_run = of_this_run(policy, &evidence.series);
    let policy = of_run.as_ref().unwrap_or(policy);
    let numbers: Vec<Ranges> = evidence.series.iter().map(|series| evidence.numbers(series)).collect();
    let declared = evidence.declared.as_ref().and_then(|declared| declared.interval);
    let limits = pass_limits(policy, options.mock);
    let symbols: Vec<SymbolAnalysis> = trend::of(&evidence.series, &numbers, declared, limits, policy)
        .into_iter()
        .enumerate()
        .map(|(index, trend)| symbol(&evidence, index, &numbers[index], trend, policy, options))
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
        profile: policy.profile,
        tunes: policy.run.tunes(),
        kpis: policy.kpis.of_verdict().to_vec(),
        mock: options.mock,
    };
    analysis.disagreements = disagreements(&analysis, &policy.kpis);
    analysis.disagreements.extend(policy.run_verdict.smoke_test());
    analysis.disagreements.extend(untested(&analysis, policy));
    analysis
}

/// That a run whose verdict is good was too short to look for drifts; `None` = it was not.
fn untested(analysis: &Analysis, policy: &Policy) -> Option<String> {
    let longest =
        analysis.evidence.series.iter().filter_map(|series| Some(series.rows().last()?.number)).max()?;
    let tables = policy.untested(longest);
    let needed =
        tables.iter().map(|(_, needed)| *needed).max().filter(|_| analysis.outcome.is_acceptable())?;
    let named: Vec<String> = tables.iter().map(|(name, _)| format!("`{name}`")).collect();
    Some(format!(
        "{longest} iterations are too few to find a drift or a change of level ({}): {needed} are enough",
        named.join(", ")
    ))
}

/// The trading profile counts on no value of a declared KPI that nothing limits: a KPI that no iteration has is not of
/// the verdict there. `None`: the policy is right as it is.
fn of_this_run(policy: &Policy, series: &[Series]) -> Option<Policy> {
    let is_measured = |kpi: KpiId| series.iter().any(|series| series.column(kpi).iter().any(Option::is_some));
    let is_kept = |kpi: KpiId| kpi.is_built_in() || is_measured(kpi);
    let has_others = || !policy.kpis.of_verdict().iter().all(|kpi| is_kept(*kpi));
    (policy.profile == Profile::Trading && has_others()).then(|| {
        let mut policy = policy.clone();
        policy.kpis.retain_of_verdict(is_kept);
        policy
    })
}

fn symbol(
    evidence: &Evidence,
    index: usize,
    numbers: &Ranges,
    trend: SymbolTrend,
    policy: &Policy,
    options: &Options,
) -> SymbolAnalysis {
    let series = &evidence.series[index];
    let (few, policy) = &symbols::policy_for(evidence, series, policy);
    let limits = pass_limits(policy, options.mock);
    let last = Window::find(series, WindowSpec::LastN, &policy.windows, numbers);
    let of_verdict = policy.kpis.of_verdict();
    let required = policy.judged(limits, Requirement::WhereMeasured);
    let mut shown = of_verdict.to_vec();
    shown.extend(required.iter().filter(|kpi| !of_verdict.contains(kpi)));
    let judged = Window::find(series, policy.run_verdict.window, &policy.windows, numbers);
    // The numbers reported come from one window, the verdict from the other: both must be sound.
    let trusted = if judged.from < last.from { &judged } else { &last };
    let so_far = is_judged_so_far(evidence, options);
    let mut checks = integrity::checks(evidence, series, trusted, so_far, &policy.integrity);
    checks.extend(symbols::checks(evidence, series, trusted, *few, &policy.symbols));
    checks.extend(integrity::kpis_present(series, &judged, &required));
    if let Some(wanted) = options.min_windows {
        checks.push(integrity::enough(series, &last, wanted));
    }
    let passes = passes::count_passes(series, &judged, limits, &policy.run_verdict);
    let tunes = policy.run.tunes();
    checks.extend(passes::checks(series, &judged, limits, &policy.run_verdict, &passes, tunes));
    checks.extend(advisory::incidents(series, &judged, policy));
    let steady = Window::find(series, WindowSpec::Steady, &policy.windows, numbers);
    let kpis = window_kpis(series, &last, &steady, shown.iter().copied(), policy);
    let guards =
        GuardCounts::over(series.rows()[last.positions.clone()].iter().map(|row| row.tuning.spoke()));
    let found = anomalies::find(series, last.positions.clone(), &policy.anomalies);
    let loops = signatures_of(series, &last).loop_count;
    // What needs nothing of each other.
    let (verified, mut deep) = side_by_side(
        series.len(),
        || {
            let verify = || deltas::verify(series, &evidence.tuning_report, evidence.end_overrides.as_ref());
            (options.deltas && tunes).then(verify)
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
    checks.extend(advisory::anomalies(series, &last, &found, policy));
    let whole = || Window::find(series, WindowSpec::Overall, &policy.windows, numbers).used();
    for (drift, p_adjusted) in deep.drift.iter_mut().zip(trend.rises) {
        drift.p_adjusted = p_adjusted;
    }
    let of_drift = deep.drift.iter();
    let is_timed = integrity::is_known(series);
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
        looked_at: &shown,
        interval: evidence.declared.as_ref().and_then(|declared| declared.interval),
        kpis: &policy.kpis,
    };
    checks.extend(sanity::checks(&subject, &policy.sanity));
    checks.extend(excursions::behind(trend.checks, series, &judged, limits, policy));
    deep.pace = trend.pace;
    deep.kpi_drift = with_theil_sen(trend.drift, &deep.windows, trend.window.as_deref());
    deep.changes = trend.changes;
    deep.settled = trend.settled;
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
    let is_shown = |kpi: &KpiId| {
        policy.kpis.of_verdict().contains(kpi) || series.column(*kpi).iter().any(Option::is_some)
    };
    let shown: Vec<KpiId> = policy.kpis.ids().filter(is_shown).collect();
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
        drift: drift::find(&trend::samples(series, 0..series.len()), &policy.drift),
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
        let autocorrelation = autocorrelation::of(series, *kpi, window, steady, &policy.change_points);
        let interval = summary.zip(autocorrelation).and_then(|(summary, autocorrelation)| {
            MeanInterval::with_autocorrelation(&values, &summary, autocorrelation, CONFIDENCE)
        });
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

/// Symbols with the same verdict that are named; more are counted.
const NAMED: usize = 3;

impl Analysis {
    /// The cause of the verdict: the symbol, the sentence of the check that decides, and which other symbols have the
    /// same verdict.
    pub fn reason(&self) -> String {
        let worst = self.worst().symbol.as_ref();
        cause_among(self.checks(), self.outcome, worst).unwrap_or_else(|| self.holding())
    }

    /// The checks that join the verdict, counted.
    pub fn gating(&self) -> Tally {
        Tally::of(self.checks().filter(|check| check.joins))
    }

    /// The checks that do not, counted.
    pub fn advisory(&self) -> Tally {
        Tally::of(self.checks().filter(|check| !check.joins))
    }

    /// `14 gating (12 pass, 2 not applicable), 27 advisory (25 pass, 2 warn)`: every check that there is.
    pub fn headline(&self) -> String {
        let reported = |tally: Tally, kind: &str| match tally.total() {
            0 => format!("0 {kind}"),
            total => format!("{total} {kind} ({})", tally.words()),
        };
        format!("{}, {}", reported(self.gating(), "gating"), reported(self.advisory(), "advisory"))
    }

    /// What a PASS rests on.
    fn holding(&self) -> String {
        let gating = self.gating();
        match gating.with(Outcome::NotApplicable) {
            0 => format!("all {} gating checks hold", gating.total()),
            left => {
                let verb = if left == 1 { "does" } else { "do" };
                format!(
                    "{} of {} gating checks hold, {left} {verb} not apply",
                    gating.with(Outcome::Pass),
                    gating.total()
                )
            }
        }
    }
}

/// The cause that these checks give for an outcome: that of the worst symbol where it has one, and the other symbols
/// with the same; `None` when no check that joins has this outcome, or it is PASS.
pub fn cause_among<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    outcome: Outcome,
    worst: Option<&String>,
) -> Option<String> {
    let deciding: Vec<&Check> =
        reasons(checks).into_iter().filter(|check| check.outcome == outcome).collect();
    let main = deciding.iter().find(|check| check.symbol.as_ref() == worst).or(deciding.first())?;
    let cause = cause(main);
    let Some(symbol) = &main.symbol else { return Some(cause) };
    let mut others: Vec<&str> = Vec::new();
    for name in deciding.iter().filter_map(|check| check.symbol.as_deref()) {
        if name != symbol && !others.contains(&name) {
            others.push(name);
        }
    }
    let more = others.len().saturating_sub(NAMED);
    others.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let also = if others.is_empty() {
        String::new()
    } else {
        format!("; also {outcome}: {}{more}", others.join(", "))
    };
    Some(format!("{symbol}: {cause}{also}"))
}

/// What a check says, with the KPI's name where the sentence leaves it out.
fn cause(check: &Check) -> String {
    match &check.kpi {
        Some(kpi) if !check.reason.contains(kpi.as_str()) => format!("`{kpi}`: {}", check.reason),
        _ => check.reason.clone(),
    }
}

/// A sentence contains at most so many misses.
const MISSES_NAMED: usize = 8;

/// One sentence for each part that says otherwise than the verdict of the whole, e.g.
/// `gate PASS, readiness HOLD: net 2.70 < 2.90 bps (median of last8)`. Empty when they agree, and when readiness
/// and goals were not judged.
fn disagreements(analysis: &Analysis, kpis: &KpiTable) -> Vec<String> {
    [(Part::Readiness, "readiness limits met", "readiness HOLD"), (Part::Goals, "goals met", "goals missed")]
        .into_iter()
        .filter_map(|(part, good, bad)| disagreement(analysis, kpis, part, good, bad))
        .collect()
}

fn disagreement(analysis: &Analysis, kpis: &KpiTable, part: Part, good: &str, bad: &str) -> Option<String> {
    let judged: Vec<&Check> = analysis
        .checks()
        .filter(|check| check.part == part && check.outcome != Outcome::NotApplicable)
        .collect();
    if judged.is_empty() {
        return None;
    }
    let missed: Vec<&Check> = judged.into_iter().filter(|check| check.outcome != Outcome::Pass).collect();
    let gate = analysis.outcome;
    match (gate.is_acceptable(), missed.is_empty()) {
        (true, false) => Some(format!("gate {gate}, {bad}: {}", misses_text(&missed, kpis))),
        (false, true) => Some(format!("gate {gate}, {good}: {}", analysis.reason())),
        _ => None,
    }
}

fn misses_text(missed: &[&Check], kpis: &KpiTable) -> String {
    let mut parts: Vec<String> = missed.iter().take(MISSES_NAMED).map(|check| miss(check, kpis)).collect();
    if missed.len() > MISSES_NAMED {
        parts.push(format!("and {} more", missed.len() - MISSES_NAMED));
    }
    parts.join("; ")
}

/// What a check missed and by which statistic; where no limit was missed, its reason.
fn miss(check: &Check, kpis: &KpiTable) -> String {
    let kpi = check.kpi.as_deref().and_then(|name| kpis.find(name));
    let reported = match (kpi, check.comparison, check.limit, check.observed) {
        (Some(kpi), Some(comparison), Some(limit), Some(observed)) if !comparison.holds(observed, limit) => {
            format!(
                "{} {} {} {} ({} of {})",
                short(kpi.name),
                beside(observed, limit, kpi.decimals_of(observed)),
                comparison.opposite().symbol(),
                show_limit(kpi, limit),
                check.statistic,
                check.window.name
            )
        }
        _ => check.reason.clone(),
    };
    match &check.symbol {
        Some(symbol) => format!("{symbol}: {reported}"),
        None => reported,
    }
}

/// The name of a KPI without the unit, which follows the number.
fn short(kpi: &str) -> &str {
    kpi.strip_suffix("_bps").or_else(|| kpi.strip_suffix("_ms")).unwrap_or(kpi)
}

#[cfg(test)]
mod reason_tests {
    use super::*;
    use crate::core::verdict::{Part, Severity, WindowUsed};

    #[test]
    fn a_sentence_without_the_kpi_gets_its_name() {
        let named = |kpi: Option<&str>, reason: &str| {
            cause(&Check {
                part: Part::Readiness,
                gate: "g".into(),
                kpi: kpi.map(str::to_owned),
                symbol: None,
                severity: Severity::Hard,
                window: WindowUsed { name: "last8".into(), first: None, last: None, n: 0 },
                statistic: String::new(),
                comparison: None,
                limit: None,
                observed: None,
                margin: None,
                outcome: Outcome::Fail,
                reason: reason.into(),
                limit_source: None,
                joins: true,
                inference: None,
            })
        };
        assert_eq!(named(Some("net_bps"), "lower than that"), "`net_bps`: lower than that");
        assert_eq!(named(Some("net_bps"), "`net_bps` is below"), "`net_bps` is below");
        assert_eq!(named(None, "there is nothing"), "there is nothing");
    }
}

#[cfg(test)]
mod disagree_tests {
    use super::*;
    use crate::core::analysis::{Deep, Origin, SymbolAnalysis};
    use crate::core::iteration::guards::GuardCounts;
    use crate::core::judge::passes::Passes;
    use crate::core::policy::{WindowSpec, Windows};
    use crate::core::series::Series;
    use crate::core::series::ranges::Ranges;
    use crate::core::series::window::Window;
    use crate::core::verdict::evidence::Evidence;
    use crate::core::verdict::{Comparison, Severity, WindowUsed};

    fn check(part: Part, kpi: &str, outcome: Outcome, reason: &str) -> Check {
        Check {
            part,
            gate: format!("{}.{kpi}", part.word()),
            kpi: Some(kpi.to_owned()),
            symbol: None,
            severity: Severity::Hard,
            window: WindowUsed { name: "last8".into(), first: Some(1), last: Some(8), n: 8 },
            statistic: "median".into(),
            comparison: None,
            limit: None,
            observed: None,
            margin: None,
            outcome,
            reason: reason.to_owned(),
            limit_source: None,
            joins: part == Part::RunVerdict,
            inference: None,
        }
    }

    fn sentences_of(outcome: Outcome, checks: Vec<Check>) -> Vec<String> {
        let series = Series::new(None, 0);
        let windows = Windows { last_n: 8, steady_start: 7, season: crate::core::policy::SeasonRule::Auto };
        let symbol = SymbolAnalysis {
            index: 0,
            symbol: None,
            from: 0,
            last: Window::find(&series, WindowSpec::LastN, &windows, &Ranges::default()),
            kpis: Vec::new(),
            passes: Passes {
                failing_in_a_row: Vec::new(),
                passing: 0,
                n: 0,
                needed: 6,
                needed_for_warn: 5,
                failing: Vec::new(),
                failing_at_end: Vec::new(),
                freezes: Vec::new(),
            },
            guards: GuardCounts::default(),
            anomalies: Vec::new(),
            loops: 0,
            deltas: None,
            deep: Deep::default(),
            checks,
            outcome,
        };
        let analysis = Analysis {
            profile: Profile::Trading,
            tunes: true,
            kpis: KpiId::OF_THE_VERDICT.to_vec(),
            origin: Origin::of(&Evidence::default(), |_| false),
            evidence: Evidence { series: vec![series], ..Evidence::default() },
            symbols: vec![symbol],
            folder_checks: Vec::new(),
            findings: Vec::new(),
            outcome,
            disagreements: Vec::new(),
            mock: false,
        };
        disagreements(&analysis, &KpiTable::default())
    }

    fn missed(part: Part, kpi: &str, comparison: Comparison, observed: f64, limit: f64) -> Check {
        Check {
            comparison: Some(comparison),
            limit: Some(limit),
            observed: Some(observed),
            ..check(part, kpi, Outcome::Fail, "told with its numbers")
        }
    }

    #[test]
    fn a_gate_that_passes_beside_readiness_that_holds_is_reported_in_one_line() {
        let checks = vec![
            check(Part::Readiness, "risk_ratio", Outcome::Pass, "median 0.390 meets <= 0.400"),
            missed(Part::Readiness, "net_bps", Comparison::AtLeast, 2.7, 2.9),
        ];
        let expected = "gate PASS, readiness HOLD: net 2.70 < 2.90 bps (median of last8)";
        assert_eq!(sentences_of(Outcome::Pass, checks.clone()), [expected]);
        assert_eq!(sentences_of(Outcome::Warn, checks.clone()), [expected.replace("PASS", "WARN")]);
        // Both say no: nothing to explain.
        assert!(sentences_of(Outcome::Fail, checks).is_empty());
    }

    #[test]
    fn a_miss_is_on_its_side_of_the_limit() {
        let checks = vec![missed(Part::Readiness, "net_bps", Comparison::AtLeast, 2.898, 2.9)];
        let expected = "gate PASS, readiness HOLD: net 2.898 < 2.90 bps (median of last8)";
        assert_eq!(sentences_of(Outcome::Pass, checks), [expected]);
    }

    #[test]
    fn only_pass_counts_as_readiness() {
        for outcome in [Outcome::Warn, Outcome::Inconclusive, Outcome::Invalid] {
            let checks = vec![check(Part::Readiness, "net_bps", outcome, "`net_bps` has no value in last8")];
            let expected = "gate PASS, readiness HOLD: `net_bps` has no value in last8";
            assert_eq!(sentences_of(Outcome::Pass, checks), [expected]);
        }
    }

    #[test]
    fn a_gate_that_fails_beside_goals_that_are_met_gives_its_own_reason() {
        let checks = vec![
            check(Part::RunVerdict, "net_bps", Outcome::Inconclusive, "5 iterations in the window"),
            check(Part::Readiness, "net_bps", Outcome::Pass, "fine"),
            check(Part::Goals, "net_bps", Outcome::Pass, "fine"),
        ];
        let expected = [
            "gate INCONCLUSIVE, readiness limits met: `net_bps`: 5 iterations in the window",
            "gate INCONCLUSIVE, goals met: `net_bps`: 5 iterations in the window",
        ];
        assert_eq!(sentences_of(Outcome::Inconclusive, checks), expected);
    }

    #[test]
    fn what_agrees_or_was_not_judged_is_not_mentioned() {
        let good = vec![
            check(Part::Readiness, "net_bps", Outcome::Pass, "fine"),
            check(Part::Goals, "net_bps", Outcome::NotApplicable, "left out"),
        ];
        assert!(sentences_of(Outcome::Pass, good).is_empty());
        assert!(sentences_of(Outcome::Pass, Vec::new()).is_empty());
        assert!(sentences_of(Outcome::Fail, Vec::new()).is_empty());
    }

    #[test]
    fn several_misses_have_their_symbols_and_long_lists_end() {
        let of = |symbol: &str| Check {
            symbol: Some(symbol.to_owned()),
            ..missed(Part::Goals, "p95_latency_ms", Comparison::AtMost, 350.0, 340.0)
        };
        let miss = "p95_latency 350 > 340 ms (median of last8)";
        assert_eq!(
            sentences_of(Outcome::Pass, vec![of("A"), of("B")]),
            [format!("gate PASS, goals missed: A: {miss}; B: {miss}")]
        );
        let many = sentences_of(Outcome::Pass, vec![of("A"); 10]);
        assert_eq!(many[0].matches(miss).count(), 8);
        assert!(many[0].ends_with("; and 2 more"), "{}", many[0]);
    }
}
