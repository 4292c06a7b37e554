//! Which iterations pass, and the run verdict that follows from their number and from a freeze.

use crate::core::judge::{beside_name, count, list_numbers, show_limit, side_of_a_miss};
use crate::core::kpi::KpiId;
use crate::core::policy::{FreezeRule, GateSet, KpiGate, RunVerdictRule};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::text::number::{beside, exact};
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};

/// A limit that one iteration does not meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// The KPI.
    pub kpi: KpiId,
    /// Its value; `None` = unknown, and then it cannot be met.
    pub value: Option<f64>,
    /// What should have held; `None` where nothing but a value is asked for.
    pub bound: Option<(Comparison, f64)>,
}

/// The limits of `set` that the iteration at `position` does not meet. Empty = it passes, unless its
/// collection failed.
pub fn misses(series: &Series, position: usize, set: &GateSet) -> Vec<Miss> {
    let limited = set.checks.iter().filter_map(|gate| {
        let value = series.value(gate.kpi, position);
        let holds = value.is_some_and(|value| gate.comparison.holds(value, gate.limit.value));
        (!holds).then_some(Miss { kpi: gate.kpi, value, bound: Some((gate.comparison, gate.limit.value)) })
    });
    let absent = set.present.iter().filter(|kpi| series.value(**kpi, position).is_none());
    limited.chain(absent.map(|kpi| Miss { kpi: *kpi, value: None, bound: None })).collect()
}

/// Whether the iteration at `position` passes.
pub fn passes(series: &Series, position: usize, set: &GateSet) -> bool {
    series.rows()[position].collection_failed.is_none()
        && set.checks.iter().all(|gate| {
            series
                .value(gate.kpi, position)
                .is_some_and(|value| gate.comparison.holds(value, gate.limit.value))
        })
        && set.present.iter().all(|kpi| series.value(*kpi, position).is_some())
}

/// How the iterations of the window did.
#[derive(Clone, Debug, PartialEq)]
pub struct Passes {
    /// Iterations that pass.
    pub passing: usize,
    /// Iterations in the window.
    pub n: usize,
    /// Passes that PASS asks for.
    pub needed: usize,
    /// Passes that WARN asks for.
    pub needed_for_warn: usize,
    /// Numbers of those that do not pass.
    pub failing: Vec<u64>,
    /// Numbers of the longest row of those, the first of equally long ones.
    pub failing_in_a_row: Vec<u64>,
    /// Numbers of those that the window ends in.
    pub failing_at_end: Vec<u64>,
    /// Numbers of those with a freeze.
    pub freezes: Vec<u64>,
}

impl Passes {
    /// Whether a freeze was seen in the window.
    pub fn freeze_seen(&self) -> bool {
        !self.freezes.is_empty()
    }

    /// Whether the overrides may be frozen: an acceptable run verdict, enough passes, and a freeze seen.
    pub fn freeze_ready(&self, verdict: Outcome) -> bool {
        verdict.is_acceptable() && self.passing >= self.needed && self.freeze_seen()
    }
}

/// Counts passes and freezes in a window.
pub fn count_passes(series: &Series, window: &Window, set: &GateSet, rule: &RunVerdictRule) -> Passes {
    let mut passing = 0;
    let mut failing = Vec::new();
    let mut freezes = Vec::new();
    let (mut row_of_failing, mut longest) = (Vec::new(), Vec::new());
    for position in window.positions.clone() {
        let row = &series.rows()[position];
        if passes(series, position, set) {
            passing += 1;
            row_of_failing.clear();
        } else {
            failing.push(row.number);
            row_of_failing.push(row.number);
            if row_of_failing.len() > longest.len() {
                longest.clone_from(&row_of_failing);
            }
        }
        if row.tuning.is_frozen() {
            freezes.push(row.number);
        }
    }
    // Below the minimum there is no verdict; the count that it would take is still told.
    let size = window.len().max(rule.min_iterations);
    Passes {
        passing,
        n: window.len(),
        needed: share_of(rule.pass_share.value, size),
        needed_for_warn: share_of(rule.warn_share.value, size),
        failing,
        failing_in_a_row: longest,
        failing_at_end: row_of_failing,
        freezes,
    }
}

/// `share` of `n`, rounded up; at least 1.
fn share_of(share: f64, n: usize) -> usize {
    // The small step keeps 0.7 × 10 = 7.000000000000001 from becoming 8.
    let exact = share * n as f64 - 1e-9;
    // Halving, because a policy may ask for more iterations than could be counted up to.
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if middle as f64 >= exact {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low.max(1)
}

/// The checks of the run verdict for one symbol.
pub fn checks(
    series: &Series,
    window: &Window,
    set: &GateSet,
    rule: &RunVerdictRule,
    passes: &Passes,
    tunes: bool,
) -> Vec<Check> {
    let counted = pass_count(series, window, rule, passes, &find_causes(series, window, set));
    let mut checks = Vec::new();
    if tunes || rule.freeze == FreezeRule::Require {
        checks.push(freeze(series, window, rule, passes));
    }
    if !window.is_empty() {
        checks.extend(set.checks.iter().map(|gate| each(series, window, gate, counted.outcome)));
    }
    checks.insert(0, counted);
    checks
}

fn base(series: &Series, window: &Window, gate: String, source: Option<LimitSource>) -> Check {
    Check {
        part: Part::RunVerdict,
        gate,
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Hard,
        window: window.used(),
        statistic: String::new(),
        comparison: None,
        limit: None,
        observed: None,
        margin: None,
        outcome: Outcome::Pass,
        reason: String::new(),
        limit_source: source,
        joins: true,
        inference: None,
    }
}

fn pass_count(
    series: &Series,
    window: &Window,
    rule: &RunVerdictRule,
    passes: &Passes,
    causes: &[Cause],
) -> Check {
    let Passes { passing, n, needed, needed_for_warn, .. } = passes;
    let cause = causes_sentence(causes);
    // Where the worst cause concerns all of them it has named them already.
    let failing = if causes.first().is_none_or(|worst| worst.n == passes.failing.len()) {
        String::new()
    } else {
        format!("; not passing: {}", list_numbers(&passes.failing))
    };
    let failing_with_cause = if cause.is_empty() { String::new() } else { format!("; {cause}") };
    let (of_row, in_a_row) = in_a_row(rule, passes);
    let (outcome, limit, source, counted) = if *n < rule.min_iterations {
        let reason = format!(
            "{} in the window, {} needed for a verdict ({passing} passing{failing_with_cause})",
            count(*n, "iteration"),
            rule.min_iterations
        );
        (Outcome::Inconclusive, *needed, &rule.pass_share, reason)
    } else {
        let counted = format!("{passing} of {n} iterations pass");
        if passing >= needed {
            (Outcome::Pass, *needed, &rule.pass_share, format!("{counted}, {needed} needed"))
        } else if passing >= needed_for_warn {
            let counted = format!("{counted}, {needed} needed for PASS, {needed_for_warn} for WARN{failing}");
            (Outcome::Warn, *needed, &rule.pass_share, counted)
        } else {
            let counted = format!("{counted}, {needed_for_warn} needed for WARN{failing}");
            (Outcome::Fail, *needed_for_warn, &rule.warn_share, counted)
        }
    };
    let leads = if of_row > Outcome::Pass { format!("{in_a_row}; ") } else { String::new() };
    let mut reason = match outcome {
        Outcome::Inconclusive => format!("{leads}{counted}"),
        Outcome::Pass if leads.is_empty() => format!("{counted}{failing_with_cause}"),
        _ => format!("{cause}; {leads}{counted}"),
    };
    let outcome = outcome.max(of_row);
    if let Some(smoke_test) = rule.smoke_test() {
        reason = format!("{reason}; {smoke_test}");
    }
    Check {
        statistic: "passing iterations".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(limit as f64),
        observed: Some(*passing as f64),
        margin: Some(*passing as f64 - limit as f64),
        outcome,
        reason,
        ..base(series, window, "run_verdict.pass_count".to_owned(), Some(source.source.clone()))
    }
}

/// What the longest row of failing iterations makes of the verdict, and why.
fn in_a_row(rule: &RunVerdictRule, passes: &Passes) -> (Outcome, String) {
    let failing = &passes.failing_in_a_row;
    let limits = [(Outcome::Fail, &rule.fail_failing_in_a_row), (Outcome::Warn, &rule.max_failing_in_a_row)];
    let mut reached =
        limits.into_iter().filter_map(|(outcome, limit)| Some((outcome, limit.as_ref()?.whole())));
    let Some((outcome, limit)) = reached.find(|(_, limit)| failing.len() >= *limit) else {
        return at_the_end(rule, passes);
    };
    let word = outcome.word();
    let rows = count(failing.len(), "iteration");
    (outcome, format!("{rows} in a row fail ({}), {word} from {limit} on", list_numbers(failing)))
}

/// The same of those that the window ends in: nobody knows how long they would have gone on.
fn at_the_end(rule: &RunVerdictRule, passes: &Passes) -> (Outcome, String) {
    let failing = &passes.failing_at_end;
    let Some(limit) = rule.failing_at_end.as_ref().filter(|limit| failing.len() >= limit.whole()) else {
        return (Outcome::Pass, String::new());
    };
    let numbers = list_numbers(failing);
    let rows = count(failing.len(), "failing iteration");
    (Outcome::Warn, format!("the run ends in {rows} ({numbers}), WARN from {} on", limit.whole()))
}

fn freeze(series: &Series, window: &Window, rule: &RunVerdictRule, passes: &Passes) -> Check {
    let seen = passes.freezes.len();
    let (outcome, reason) = match (rule.freeze, seen) {
        (FreezeRule::Ignore, _) => {
            (Outcome::NotApplicable, "the policy does not ask for a freeze".to_owned())
        }
        (FreezeRule::Require, 0) => (
            Outcome::Warn,
            "no freeze was seen in the window, so the verdict is WARN at best; runs of the earlier runner \
             can never have one (`run_verdict.freeze = \"ignore\"` in the policy judges them without)"
                .to_owned(),
        ),
        (FreezeRule::Require, _) => (Outcome::Pass, format!("freeze in {}", list_numbers(&passes.freezes))),
    };
    Check {
        severity: Severity::Soft,
        statistic: "iterations with a freeze".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(1.0),
        observed: Some(seen as f64),
        margin: Some(seen as f64 - 1.0),
        outcome,
        reason,
        ..base(series, window, "run_verdict.freeze".to_owned(), Some(rule.freeze_source.clone()))
    }
}

/// `--require-freeze`: without `freeze_ready` the verdict is FAIL.
pub fn freeze_required(series: &Series, window: &Window, passes: &Passes, verdict: Outcome) -> Check {
    let ready = passes.freeze_ready(verdict);
    let (outcome, reason) = if ready {
        (Outcome::Pass, "the overrides may be frozen".to_owned())
    } else {
        let missing =
            if passes.freeze_seen() { "the run verdict does not allow it" } else { "no freeze was seen" };
        (Outcome::Fail, format!("`--require-freeze` asks for freeze_ready, and {missing}"))
    };
    Check {
        statistic: "freeze_ready".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(1.0),
        observed: Some(f64::from(u8::from(ready))),
        margin: Some(f64::from(u8::from(ready)) - 1.0),
        outcome,
        reason,
        ..base(
            series,
            window,
            "run_verdict.freeze_required".to_owned(),
            Some(LimitSource { key: "freeze_ready".to_owned(), origin: "--require-freeze".to_owned() }),
        )
    }
}

/// One line a KPI: how its worst value stands against the limit. Explains the pass count, does not join.
fn each(series: &Series, window: &Window, gate: &KpiGate, counted: Outcome) -> Check {
    let kpi = gate.kpi;
    let limit = gate.limit.value;
    let values = &series.column(gate.kpi)[window.positions.clone()];
    let worst = values
        .iter()
        .flatten()
        .copied()
        .min_by(|a, b| gate.comparison.margin(*a, limit).total_cmp(&gate.comparison.margin(*b, limit)));
    let bound = format!("{} {}", gate.comparison.symbol(), show_limit(kpi, limit));
    let missed = missed(series, window, gate);
    let missing = without_value(series, window, kpi, |_| true);
    let mut parts: Vec<String> = missed.into_iter().chain(missing).map(|cause| cause.sentence).collect();
    let clean = parts.is_empty();
    if clean {
        parts.push(format!("`{}` {bound} in all {}", kpi.name, count(window.len(), "iteration")));
    }
    Check {
        kpi: Some(kpi.name.to_owned()),
        severity: gate.severity,
        statistic: gate.statistic.word().to_owned(),
        comparison: Some(gate.comparison),
        limit: Some(limit),
        observed: worst,
        margin: worst.map(|value| gate.comparison.margin(value, limit)),
        outcome: if clean { Outcome::Pass } else { counted.max(Outcome::Warn) },
        reason: parts.join("; "),
        joins: false,
        ..base(series, window, format!("iteration_pass.{}", kpi.name), Some(gate.limit.source.clone()))
    }
}

/// Causes behind the first one that are named; more are counted.
const CAUSES_NAMED: usize = 3;

/// One thing that keeps iterations from passing.
#[derive(Clone, Debug, PartialEq)]
struct Cause {
    /// `` `net_bps` ``, or `failed collections`.
    what: String,
    /// `` `net_bps` is below 2.70 in 8 of 8 iterations (17-24), lowest 1.58 ``.
    sentence: String,
    /// Iterations concerned.
    n: usize,
    /// Distance of the worst value to the limit as a share of the limit; infinite where there is no value.
    distance: f64,
}

/// The causes in a window: most iterations first, then the greatest distance, then the order of the policy.
fn find_causes(series: &Series, window: &Window, set: &GateSet) -> Vec<Cause> {
    let is_collected = |position: usize| series.rows()[position].collection_failed.is_none();
    let mut causes: Vec<Cause> = uncollected(series, window).into_iter().collect();
    for gate in &set.checks {
        causes.extend(missed(series, window, gate));
        // A failed collection is one cause, not one for each KPI.
        causes.extend(without_value(series, window, gate.kpi, is_collected));
    }
    causes.extend(set.present.iter().filter_map(|kpi| without_value(series, window, *kpi, is_collected)));
    causes.sort_by(|a, b| b.n.cmp(&a.n).then(b.distance.total_cmp(&a.distance)));
    causes
}

/// The worst cause as a sentence, the others by name; empty without a cause.
fn causes_sentence(causes: &[Cause]) -> String {
    let Some((worst, others)) = causes.split_first() else { return String::new() };
    let mut named: Vec<String> =
        others.iter().take(CAUSES_NAMED).map(|cause| format!("{} in {}", cause.what, cause.n)).collect();
    if others.len() > CAUSES_NAMED {
        named.push(format!("{} more", others.len() - CAUSES_NAMED));
    }
    if named.is_empty() {
        worst.sentence.clone()
    } else {
        format!("{}; also {}", worst.sentence, named.join(", "))
    }
}

/// The values of a KPI that miss its limit; `None` when there is none.
fn missed(series: &Series, window: &Window, gate: &KpiGate) -> Option<Cause> {
    let (kpi, limit) = (gate.kpi, gate.limit.value);
    let margin = |value: f64| gate.comparison.margin(value, limit);
    let found: Vec<(u64, f64)> = positions(window)
        .filter_map(|position| Some((series.number(position), series.value(gate.kpi, position)?)))
        .filter(|(_, value)| !gate.comparison.holds(*value, limit))
        .collect();
    let worst = found.iter().map(|(_, value)| *value).min_by(|a, b| margin(*a).total_cmp(&margin(*b)))?;
    let extreme = match gate.comparison {
        Comparison::AtLeast | Comparison::Above => "lowest",
        Comparison::AtMost | Comparison::Below => "highest",
    };
    let what = format!("`{}`", kpi.name);
    let sentence = format!(
        "{what} {} {} in {}, {extreme} {}",
        side_of_a_miss(gate.comparison),
        beside_name(kpi, exact(limit, kpi.decimals())),
        share(&found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), window),
        beside_name(kpi, beside(worst, limit, kpi.decimals_of(worst))),
    );
    let scale = limit.abs().max(kpi.floor).max(f64::MIN_POSITIVE);
    Some(Cause { what, sentence, n: found.len(), distance: -margin(worst) / scale })
}

/// Iterations without a value of a KPI among those that `counts`; `None` when each has one.
fn without_value(
    series: &Series,
    window: &Window,
    kpi: KpiId,
    counts: impl Fn(usize) -> bool,
) -> Option<Cause> {
    let numbers: Vec<u64> = positions(window)
        .filter(|position| series.value(kpi, *position).is_none() && counts(*position))
        .map(|position| series.number(position))
        .collect();
    let what = format!("`{}`", kpi.name);
    let sentence = format!("{what} has no value in {}", share(&numbers, window));
    (!numbers.is_empty()).then_some(Cause { what, sentence, n: numbers.len(), distance: f64::INFINITY })
}

fn uncollected(series: &Series, window: &Window) -> Option<Cause> {
    let failed: Vec<(u64, &str)> = positions(window)
        .map(|position| &series.rows()[position])
        .filter_map(|row| Some((row.number, row.collection_failed.as_deref()?)))
        .collect();
    let (_, why) = failed.last()?;
    let numbers: Vec<u64> = failed.iter().map(|(number, _)| *number).collect();
    Some(Cause {
        what: "failed collections".to_owned(),
        sentence: format!("the collection failed in {}: {why}", share(&numbers, window)),
        n: failed.len(),
        distance: f64::INFINITY,
    })
}

fn positions(window: &Window) -> std::ops::Range<usize> {
    window.positions.clone()
}

/// `8 of 8 iterations (17-24)`.
fn share(numbers: &[u64], window: &Window) -> String {
    format!("{} of {} ({})", numbers.len(), count(window.len(), "iteration"), list_numbers(numbers))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{empty, limit, series_of, whole};
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::policy::{Judge, Statistic, WindowSpec};

    /// risk <= 0.42 and net >= 2.7.
    fn set() -> GateSet {
        let gate = |kpi, comparison, value| KpiGate {
            kpi,
            severity: Severity::Hard,
            window: WindowSpec::LastN,
            statistic: Statistic::Each,
            comparison,
            limit: limit(value),
            margin: 0.0,
            min_iterations: 1,
            judge: Judge::Point,
            count: None,
        };
        let checks = vec![
            gate(KpiId::RISK_RATIO, Comparison::AtMost, 0.42),
            gate(KpiId::NET_BPS, Comparison::AtLeast, 2.7),
        ];
        GateSet { name: "iteration_pass".to_owned(), gates: true, checks, present: Vec::new() }
    }

    fn rule(freeze: FreezeRule) -> RunVerdictRule {
        RunVerdictRule {
            max_failing_in_a_row: None,
            fail_failing_in_a_row: None,
            failing_at_end: None,
            window: WindowSpec::LastN,
            pass_share: limit(0.75),
            warn_share: limit(0.625),
            min_iterations: 8,
            own_min_iterations: 8,
            freeze,
            freeze_source: limit(0.0).source,
        }
    }

    fn iteration(number: u64, risk: Option<f64>, net: Option<f64>) -> Iteration {
        let mut iteration = Iteration { number, ..empty() };
        iteration.values[KpiId::RISK_RATIO.index()] = risk;
        iteration.values[KpiId::NET_BPS.index()] = net;
        iteration
    }

    /// `passing` good iterations behind `failing` bad ones.
    fn run(passing: u64, failing: u64) -> Series {
        series_of(
            (1..=passing + failing)
                .map(|number| iteration(number, Some(0.3), Some(if number > failing { 3.0 } else { 1.0 }))),
        )
    }

    fn judged(series: &Series, rule: &RunVerdictRule) -> (Passes, Vec<Check>) {
        let window = whole(series);
        let passes = count_passes(series, &window, &set(), rule);
        let checks = checks(series, &window, &set(), rule, &passes, true);
        (passes, checks)
    }

    #[test]
    fn an_iteration_passes_at_its_limits_and_not_beyond() {
        for (risk, net, expected) in [
            (Some(0.42), Some(2.7), true),
            (Some(0.420_000_1), Some(2.7), false),
            (Some(0.42), Some(2.699_999_9), false),
            (None, Some(2.7), false),
            (Some(0.42), None, false),
            (Some(0.0), Some(2.7), true),
        ] {
            let series = series_of([iteration(1, risk, net)]);
            assert_eq!(passes(&series, 0, &set()), expected, "{risk:?} {net:?}");
            assert_eq!(misses(&series, 0, &set()).is_empty(), expected, "{risk:?} {net:?}");
        }
    }

    #[test]
    fn an_iteration_whose_collection_failed_does_not_pass() {
        let failed =
            Iteration { collection_failed: Some("timed out".into()), ..iteration(1, Some(0.3), Some(3.0)) };
        let series = series_of([failed]);
        assert!(!passes(&series, 0, &set()));
        assert!(misses(&series, 0, &set()).is_empty());
    }

    #[test]
    fn six_of_eight_pass_five_warn_and_four_fail() {
        for (passing, outcome, limit, margin) in [
            (8, Outcome::Pass, 6.0, 2.0),
            (6, Outcome::Pass, 6.0, 0.0),
            (5, Outcome::Warn, 6.0, -1.0),
            (4, Outcome::Fail, 5.0, -1.0),
            (0, Outcome::Fail, 5.0, -5.0),
        ] {
            let (_, checks) = judged(&run(passing, 8 - passing), &rule(FreezeRule::Require));
            assert_eq!(checks[0].outcome, outcome, "{passing}");
            assert_eq!((checks[0].limit, checks[0].margin), (Some(limit), Some(margin)), "{passing}");
        }
    }

    #[test]
    fn a_run_that_ends_in_two_failing_iterations_is_a_warn() {
        let rule = RunVerdictRule { failing_at_end: Some(limit(2.0)), ..rule(FreezeRule::Ignore) };
        let of = |failing: &[u64]| {
            let net = |number| if failing.contains(&number) { 1.0 } else { 3.0 };
            let series = series_of((1..=40).map(|number| iteration(number, Some(0.3), Some(net(number)))));
            let check = judged(&series, &rule).1.remove(0);
            (check.outcome, check.reason)
        };
        assert_eq!([&[][..], &[40], &[38, 39], &[38, 40]].map(|failing| of(failing).0), [Outcome::Pass; 4]);
        let (outcome, reason) = of(&[39, 40]);
        assert_eq!(outcome, Outcome::Warn);
        assert_eq!(
            reason,
            "`net_bps` is below 2.70 in 2 of 40 iterations (39-40), lowest 1.00; the run ends in 2 failing iterations \
             (39-40), WARN from 2 on; 38 of 40 iterations pass, 30 needed"
        );
    }

    #[test]
    fn three_failing_iterations_in_a_row_warn_and_six_fail_whatever_their_share() {
        let rule = RunVerdictRule {
            pass_share: limit(0.5),
            warn_share: limit(0.5),
            max_failing_in_a_row: Some(limit(3.0)),
            fail_failing_in_a_row: Some(limit(6.0)),
            ..rule(FreezeRule::Ignore)
        };
        for (failing, outcome) in [
            (0, Outcome::Pass),
            (2, Outcome::Pass),
            (3, Outcome::Warn),
            (5, Outcome::Warn),
            (6, Outcome::Fail),
        ] {
            let (_, checks) = judged(&run(40 - failing, failing), &rule);
            assert_eq!(checks[0].outcome, outcome, "{failing}: {}", checks[0].reason);
        }
        let (_, checks) = judged(&run(37, 3), &rule);
        assert!(
            checks[0].reason.starts_with(
                "`net_bps` is below 2.70 in 3 of 40 iterations (1-3), lowest 1.00; 3 iterations in a row fail (1-3), WARN \
                 from 3 on; 37 of 40 iterations pass"
            ),
            "{}",
            checks[0].reason
        );
        // The cause comes first where the share is missed, too: of 84 iterations 80 are 95 %, 76 are 90 %.
        let strict = RunVerdictRule { pass_share: limit(0.95), warn_share: limit(0.9), ..rule.clone() };
        let (_, checks) = judged(&run(76, 8), &strict);
        assert_eq!(
            checks[0].reason,
            "`net_bps` is below 2.70 in 8 of 84 iterations (1-8), lowest 1.00; 8 iterations in a row fail (1-8), FAIL from 6 \
             on; 76 of 84 iterations pass, 80 needed for PASS, 76 for WARN"
        );
        // As many that are no row.
        let scattered = series_of(
            (1..=40).map(|n| iteration(n, Some(0.3), Some(if n <= 6 && n % 2 == 0 { 1.0 } else { 3.0 }))),
        );
        assert_eq!(judged(&scattered, &rule).1[0].outcome, Outcome::Pass);
    }

    #[test]
    fn an_iteration_without_a_value_that_is_only_asked_for_does_not_pass() {
        let set = GateSet { present: vec![KpiId::P95_LATENCY_MS], ..set() };
        let series = series_of([iteration(1, Some(0.3), Some(3.0))]);
        assert!(!passes(&series, 0, &set));
        let absent = Miss { kpi: KpiId::P95_LATENCY_MS, value: None, bound: None };
        assert_eq!(misses(&series, 0, &set), [absent]);
        let window = whole(&series);
        let causes = causes_sentence(&find_causes(&series, &window, &set));
        assert_eq!(causes, "`p95_latency_ms` has no value in 1 of 1 iteration (1)");
    }

    #[test]
    fn below_the_minimum_there_is_no_verdict_however_good_or_bad() {
        for (passing, failing, outcome) in [
            (7, 0, Outcome::Inconclusive),
            (0, 7, Outcome::Inconclusive),
            (8, 0, Outcome::Pass),
            (9, 0, Outcome::Pass),
        ] {
            let (passes, checks) = judged(&run(passing, failing), &rule(FreezeRule::Require));
            assert_eq!(checks[0].outcome, outcome, "{passing} {failing}");
            assert_eq!((passes.needed, passes.needed_for_warn), if passing == 9 { (7, 6) } else { (6, 5) });
        }
        let (_, nothing) = judged(&series_of([]), &rule(FreezeRule::Require));
        assert_eq!((nothing.len(), nothing[0].outcome), (2, Outcome::Inconclusive));
    }

    #[test]
    fn without_a_freeze_the_verdict_is_a_warning_unless_the_policy_ignores_it() {
        let frozen = |position: u64| {
            series_of((1..=8).map(|number| {
                let mut one = iteration(number, Some(0.3), Some(3.0));
                one.tuning.freeze = number == position;
                one
            }))
        };
        for (freeze, position, outcome) in [
            (FreezeRule::Require, 0, Outcome::Warn),
            (FreezeRule::Require, 1, Outcome::Pass),
            (FreezeRule::Ignore, 0, Outcome::NotApplicable),
            (FreezeRule::Ignore, 8, Outcome::NotApplicable),
        ] {
            let (passes, checks) = judged(&frozen(position), &rule(freeze));
            assert_eq!(checks[1].outcome, outcome, "{position}");
            assert_eq!(passes.freeze_seen(), position > 0);
            let verdict = crate::core::verdict::join(&checks);
            assert_eq!(passes.freeze_ready(verdict), position > 0);
        }
    }

    #[test]
    fn freeze_ready_needs_the_verdict_the_passes_and_the_freeze() {
        let passes = |passing, freezes: &[u64]| Passes {
            failing_in_a_row: Vec::new(),
            passing,
            n: 8,
            needed: 6,
            needed_for_warn: 5,
            failing: Vec::new(),
            failing_at_end: Vec::new(),
            freezes: freezes.to_vec(),
        };
        assert!(passes(6, &[3]).freeze_ready(Outcome::Pass));
        assert!(passes(6, &[3]).freeze_ready(Outcome::Warn));
        assert!(!passes(5, &[3]).freeze_ready(Outcome::Warn));
        assert!(!passes(6, &[]).freeze_ready(Outcome::Warn));
        for refused in [Outcome::Inconclusive, Outcome::Fail, Outcome::Invalid, Outcome::NotApplicable] {
            assert!(!passes(8, &[3]).freeze_ready(refused), "{refused}");
        }
        let series = run(8, 0);
        let required = |passes: &Passes| freeze_required(&series, &whole(&series), passes, Outcome::Pass);
        assert_eq!(required(&passes(8, &[3])).outcome, Outcome::Pass);
        let refused = required(&passes(8, &[]));
        assert_eq!(refused.outcome, Outcome::Fail);
        assert!(refused.reason.ends_with("no freeze was seen"), "{}", refused.reason);
    }

    #[test]
    fn the_worst_value_of_each_kpi_explains_the_count_and_does_not_join() {
        let series = series_of([
            iteration(1, Some(0.30), Some(2.0)),
            iteration(2, None, Some(1.5)),
            iteration(3, Some(0.42), Some(3.0)),
        ]);
        let (_, checks) = judged(&series, &rule(FreezeRule::Ignore));
        let (risk, net) = (&checks[2], &checks[3]);
        assert_eq!((risk.observed, risk.margin), (Some(0.42), Some(0.0)));
        assert_eq!(risk.reason, "`risk_ratio` has no value in 1 of 3 iterations (2)");
        assert_eq!(net.reason, "`net_bps` is below 2.70 in 2 of 3 iterations (1-2), lowest 1.50");
        assert!(!risk.joins && !net.joins);
        assert_eq!(net.outcome, Outcome::Inconclusive);
    }

    #[test]
    fn shares_of_a_window_are_rounded_up() {
        // The documented pairs for 8, and the same shares of other lengths by hand.
        assert_eq!((share_of(0.75, 8), share_of(0.625, 8)), (6, 5));
        assert_eq!((share_of(0.75, 6), share_of(0.625, 6)), (5, 4));
        assert_eq!((share_of(0.75, 1), share_of(0.625, 1)), (1, 1));
        assert_eq!((share_of(0.75, 24), share_of(0.625, 24)), (18, 15));
        assert_eq!(share_of(0.7, 10), 7);
    }
}

#[cfg(test)]
mod causes_tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, limit, series_of, whole};
    use crate::core::kpi::KpiId;
    use crate::core::policy::{Judge, Statistic, WindowSpec};
    use crate::core::verdict::Severity;

    fn gate(kpi: KpiId, comparison: Comparison, value: f64) -> KpiGate {
        KpiGate {
            kpi,
            severity: Severity::Hard,
            window: WindowSpec::LastN,
            statistic: Statistic::Each,
            comparison,
            limit: limit(value),
            margin: 0.0,
            min_iterations: 1,
            judge: Judge::Point,
            count: None,
        }
    }

    /// Numbers from 17 on, with these values of net edge, risk and latency.
    fn run(values: &[(Option<f64>, Option<f64>, Option<f64>)]) -> Series {
        series_of((17..).zip(values).map(|(number, (net, risk, latency))| {
            let mut one = Iteration { number, ..empty() };
            one.values[KpiId::NET_BPS.index()] = *net;
            one.values[KpiId::RISK_RATIO.index()] = *risk;
            one.values[KpiId::P95_LATENCY_MS.index()] = *latency;
            one
        }))
    }

    fn set() -> GateSet {
        let checks = vec![
            gate(KpiId::RISK_RATIO, Comparison::AtMost, 0.42),
            gate(KpiId::NET_BPS, Comparison::AtLeast, 2.7),
            gate(KpiId::P95_LATENCY_MS, Comparison::Below, 350.0),
        ];
        GateSet { name: "iteration_pass".to_owned(), gates: true, checks, present: Vec::new() }
    }

    fn told(series: &Series) -> String {
        causes_sentence(&find_causes(series, &whole(series), &set()))
    }

    #[test]
    fn a_cause_names_kpi_side_limit_iterations_and_the_worst_value() {
        let low = run(&[(Some(1.58), Some(0.3), Some(300.0)); 8]);
        assert_eq!(told(&low), "`net_bps` is below 2.70 in 8 of 8 iterations (17-24), lowest 1.58");
        let high = run(&[(Some(3.0), Some(0.42), Some(350.0)), (Some(3.0), Some(0.421), Some(300.0))]);
        assert_eq!(
            told(&high),
            "`risk_ratio` is above 0.420 in 1 of 2 iterations (18), highest 0.421; also `p95_latency_ms` in 1"
        );
        assert_eq!(told(&run(&[(Some(2.7), Some(0.42), Some(349.9))])), "");
    }

    #[test]
    fn the_cause_of_most_iterations_comes_first_and_then_the_farthest_from_its_limit() {
        // 2 of net, 1 of the others.
        let two = run(&[(Some(2.6), Some(0.9), Some(900.0)), (Some(2.6), Some(0.3), Some(300.0))]);
        assert!(told(&two).starts_with("`net_bps` is below 2.70 in 2 of 2 iterations"), "{}", told(&two));
        // 0.1 / 2.7 = 4 %, 0.42 / 0.42 = 100 %, 50 / 350 = 14 %.
        let equal = run(&[(Some(2.6), Some(0.84), Some(400.0))]);
        assert_eq!(
            told(&equal),
            "`risk_ratio` is above 0.420 in 1 of 1 iteration (17), highest 0.840; also `p95_latency_ms` in 1, `net_bps` in 1"
        );
    }

    #[test]
    fn no_value_is_a_cause_and_a_failed_collection_is_one_alone() {
        let missing = run(&[(None, Some(0.3), Some(300.0)), (Some(3.0), Some(0.3), Some(300.0))]);
        assert_eq!(told(&missing), "`net_bps` has no value in 1 of 2 iterations (17)");
        let failed = |number| Iteration { number, collection_failed: Some("timed out".into()), ..empty() };
        assert_eq!(
            told(&series_of([failed(1), failed(2)])),
            "the collection failed in 2 of 2 iterations (1-2): timed out"
        );
    }

    #[test]
    fn more_causes_than_a_sentence_holds_are_counted() {
        let cause = |n| Cause { what: format!("`k{n}`"), sentence: format!("s{n}"), n, distance: 0.0 };
        let told = |n: usize| causes_sentence(&(1..=n).map(cause).collect::<Vec<_>>());
        assert_eq!(told(1), "s1");
        assert_eq!(told(4), "s1; also `k2` in 2, `k3` in 3, `k4` in 4");
        assert_eq!(told(6), "s1; also `k2` in 2, `k3` in 3, `k4` in 4, 2 more");
    }
}
