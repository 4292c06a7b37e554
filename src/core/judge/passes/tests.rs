//! Tests of [`super`]: the counts of the run verdict, by hand.

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
    GateSet { name: "iteration_pass".to_owned(), gates: true, checks }
}

fn rule(freeze: FreezeRule) -> RunVerdictRule {
    RunVerdictRule {
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
    let checks = checks(series, &window, &set(), rule, &passes);
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
        passing,
        n: 8,
        needed: 6,
        needed_for_warn: 5,
        failing: Vec::new(),
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
