//! A canary as a whole.

use super::*;
use crate::core::policy::release::{CanaryRules, Trigger};
use crate::core::release::canary::fixture::{latency_trigger, readings, rules, start, terms, watch};

fn judged_by(rules: &CanaryRules, minutes: i64, scope: Scope, value: impl Fn(usize) -> f64) -> CanaryJudged {
    let watch = watch(minutes);
    let values = readings((0..watch.steps()).map(|step| Some(value(step))));
    judge(&terms(rules), watch, scope, &BTreeMap::from([("p95_latency_ms".to_owned(), values)]))
}

fn judged(minutes: i64, scope: Scope, value: impl Fn(usize) -> f64) -> CanaryJudged {
    judged_by(&rules(), minutes, scope, value)
}

#[test]
fn a_good_canary_passes_when_its_last_hour_and_the_watch_are_over_and_not_before() {
    let outcome = |minutes, scope| judged(minutes, scope, |_| 300.0).outcome;
    assert_eq!(outcome(359, Scope::Whole), Outcome::Inconclusive);
    assert_eq!(outcome(360, Scope::Whole), Outcome::Pass);
    // What is due so far.
    assert_eq!(outcome(59, Scope::SoFar), Outcome::Pass);
    assert_eq!(outcome(9, Scope::SoFar), Outcome::Inconclusive, "the trigger asks for ten minutes");
    assert_eq!(judged(9, Scope::SoFar, |_| 300.0).reason, "nothing is due yet");
    assert_eq!(outcome(10, Scope::SoFar), Outcome::Pass);
    // An hour by itself.
    assert_eq!(
        [59, 60].map(|minutes| outcome(minutes, Scope::Hour(1.0))),
        [Outcome::Inconclusive, Outcome::Pass]
    );
    assert_eq!(outcome(60, Scope::Hour(6.0)), Outcome::Inconclusive);
    // The last hour is over, and the watch is not.
    let longer = CanaryRules { watch_hours_min: 7.0, ..rules() };
    let waiting = judged_by(&longer, 360, Scope::Whole, |_| 300.0);
    assert_eq!(waiting.outcome, Outcome::Inconclusive);
    assert_eq!(waiting.reason, "canary.watch_hours_min: 6 of at least 7 hours, until 2026-03-01T07:00:00Z");
}

#[test]
fn it_says_what_is_next_and_when() {
    let next = |minutes| judged(minutes, Scope::Whole, |_| 300.0).next;
    let at = |hours| start() + chrono::TimeDelta::hours(hours);
    assert_eq!(next(0), Some((at(1), "hour 1".to_owned())));
    assert_eq!(next(60), Some((at(6), "hour 6".to_owned())));
    assert_eq!(next(360), None);
    assert!(!judged(480, Scope::Whole, |_| 300.0).is_over);
    assert!(judged(481, Scope::Whole, |_| 300.0).is_over);
}

#[test]
fn what_comes_after_the_watch_changes_nothing() {
    let late = judged(600, Scope::Whole, |step| if step < 96 { 300.0 } else { 900.0 });
    assert_eq!((late.outcome, late.is_over, late.watch.steps()), (Outcome::Pass, true, 96));
}

#[test]
fn a_trigger_that_held_comes_first_and_names_the_rollback() {
    let quick = judged(30, Scope::Whole, |_| 600.0);
    assert_eq!((quick.outcome, quick.rollback), (Outcome::Fail, Some(RollbackKind::Quick)));
    assert!(quick.reason.starts_with("canary.trigger.latency: > 500 ms held from"), "{}", quick.reason);
    // The full rollback includes the quick one; and an input that is INVALID hides no trigger.
    let full = Trigger { name: "worse".to_owned(), rollback: RollbackKind::Full, ..latency_trigger(5) };
    let blind = Trigger { name: "blind".to_owned(), metric: "nobody".to_owned(), ..latency_trigger(5) };
    let rules = CanaryRules { triggers: vec![blind, latency_trigger(10), full], ..rules() };
    let watch = watch(30);
    let readings = BTreeMap::from([
        ("p95_latency_ms".to_owned(), readings((0..6).map(|_| Some(600.0)))),
        ("nobody".to_owned(), Readings::broken(6, "2 series")),
    ]);
    let both = judge(&terms(&rules), watch, Scope::Whole, &readings);
    assert_eq!((both.outcome, both.rollback), (Outcome::Invalid, Some(RollbackKind::Full)));
    assert!(both.reason.starts_with("canary.trigger.worse: "), "{}", both.reason);
}

#[test]
fn a_miss_of_the_limits_after_an_hour_is_told_beside_it() {
    // Hour 1 is met; from the second hour on the mean is 450, above 400 and below the trigger.
    let drifted = judged(150, Scope::SoFar, |step| if step < 12 { 300.0 } else { 450.0 });
    assert_eq!(drifted.outcome, Outcome::Fail);
    let outcomes: Vec<_> =
        drifted.blocks.iter().map(|block| (block.name.as_str(), block.outcome())).collect();
    assert_eq!(
        outcomes,
        [("hour_1", Outcome::Pass), ("hour_6", Outcome::NotApplicable), ("now", Outcome::Fail)]
    );
    // An hour by itself is not changed by what came later.
    assert_eq!(
        judged(150, Scope::Hour(1.0), |step| if step < 12 { 300.0 } else { 450.0 }).outcome,
        Outcome::Pass
    );
}

#[test]
fn a_metric_that_nobody_asked_for_was_measured_by_nobody() {
    let judged = judge(&terms(&rules()), watch(360), Scope::Whole, &BTreeMap::new());
    assert_eq!(judged.outcome, Outcome::Inconclusive);
    assert!(judged.reason.ends_with("nobody measured it"), "{}", judged.reason);
}
