//! The built-in kind of gate: soft, with a horizon, beside a tuner.

use super::tests::{net, rules, scene};
use super::*;
use crate::core::judge::fixture::limit;
use crate::core::trend::pace::PaceSource;
use crate::core::trend::{changes as levels, drift as drifts};

fn soft() -> ChangeRules {
    let mut rules = rules(true);
    rules.course.severity = Severity::Soft;
    rules
}

fn check_drift(column: &Column, horizon: Option<Horizon>, scene: Scene<'_>) -> Check {
    let rules = DriftGateRules { course: soft().course, horizon };
    drift(&drifts::find(std::slice::from_ref(column), &rules.course)[0], column, &rules, scene)
}

#[test]
fn a_soft_drift_is_fail_only_where_the_limit_is_within_both_horizons() {
    let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(60), n: 60 };
    let hour = Some(Pace { hours: 1.0, source: PaceSource::Manifest });
    // An exact line from 4.98 by -0.02: at iteration 60 it is at 3.80.
    let mut column = net(60, |at| 5.0 - 0.02 * at as f64);
    column.points.iter_mut().for_each(|(at, value)| *value = 5.0 - 0.02 * *at as f64);
    let outcome = |limit: f64, hours: f64, pace: Option<Pace>| {
        let column = Column { limit: Some((Comparison::AtLeast, limit)), ..column.clone() };
        let horizon = Horizon { hours: self::limit(hours), spans: self::limit(3.0) };
        let check = check_drift(&column, Some(horizon), Scene { pace, ..scene(&window) });
        assert!(check.joins);
        check.outcome
    };
    // 59 iterations were tested, three times that are 177: 3.54 below 3.80 is reached in 177 iterations.
    assert_eq!((outcome(0.261, 1e6, hour), outcome(0.259, 1e6, hour)), (Outcome::Fail, Outcome::Warn));
    assert_eq!((outcome(0.261, 1e6, None), outcome(0.259, 1e6, None)), (Outcome::Fail, Outcome::Warn));
    // 2.00 below are 100 iterations of an hour.
    assert_eq!((outcome(1.80, 100.1, hour), outcome(1.80, 99.9, hour)), (Outcome::Fail, Outcome::Warn));
    assert_eq!(outcome(4.50, 0.1, hour), Outcome::Fail, "beyond it already");
    let near = Column { limit: Some((Comparison::AtLeast, 3.7)), ..column.clone() };
    assert_eq!(check_drift(&near, None, scene(&window)).outcome, Outcome::Warn, "no horizon");
    let unlimited = Column { limit: None, ..column };
    let shown = Scene { role: Role::Shown, ..scene(&window) };
    let check = check_drift(&unlimited, None, shown);
    assert_eq!((check.outcome, check.joins), (Outcome::Warn, false));
}

#[test]
fn a_soft_change_is_fail_only_where_the_last_level_is_beyond_the_limit() {
    let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(99), n: 99 };
    let check = |level: f64| {
        let column = net(100, |at| if at < 60 { 5.0 } else { level });
        let found = levels::find(std::slice::from_ref(&column), &soft()).remove(0);
        changes(&found, &column, &soft(), scene(&window))
    };
    let (above, below) = (check(3.5), check(2.0));
    assert_eq!((above.outcome, above.joins), (Outcome::Warn, true));
    assert_eq!((below.outcome, below.joins), (Outcome::Fail, true));
    assert!(below.reason.ends_with("; the last level is beyond the limit >= 2.70 bps"), "{}", below.reason);
}

#[test]
fn with_soft_what_cannot_be_decided_is_advisory() {
    let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(60), n: 60 };
    let checks = |column: &Column| {
        let found = levels::find(std::slice::from_ref(column), &soft()).remove(0);
        let here = scene(&window);
        [check_drift(column, None, here), changes(&found, column, &soft(), here)]
    };
    for check in checks(&net(47, |_| 5.0)) {
        assert_eq!((check.outcome, check.joins), (Outcome::NotApplicable, false));
        assert!(check.reason.contains("; advisory: 47 values are there"), "{}", check.reason);
    }
    for check in checks(&net(60, |at| (at as f64 - 30.0) * (at as f64 - 30.0))) {
        assert_eq!((check.outcome, check.joins), (Outcome::Inconclusive, false));
    }
}

#[test]
fn what_moves_while_the_tuner_does_is_put_down_to_it() {
    let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(60), n: 60 };
    let column = net(60, |at| 5.0 - 0.02 * at as f64);
    let moved = Stretch::Moved { moves: 3, last: 40 };
    let tuned = check_drift(&column, None, Scene { stretch: &moved, ..scene(&window) });
    assert_eq!((tuned.outcome, tuned.joins), (Outcome::Warn, false));
    let note = "; the tuner moved parameters within iterations 1-60, so this is put down to it (advisory)";
    assert!(tuned.reason.ends_with(note), "{}", tuned.reason);
    let quiet = Stretch::Quiet { positions: 0..60, after: None };
    let still = check_drift(&column, None, Scene { stretch: &quiet, ..scene(&window) });
    assert_eq!((still.outcome, still.joins, still.gate.as_str()), (Outcome::Warn, true, "kpi_drift.net_bps"));
    assert!(still.reason.ends_with("; no parameter moved within iterations 1-60"), "{}", still.reason);
    let beside = Scene { stretch: &quiet, role: Role::Beside, ..scene(&window) };
    let beside = check_drift(&column, None, beside);
    assert_eq!((beside.joins, beside.gate.as_str()), (false, "kpi_drift.net_bps.tuned"));
    assert!(beside.reason.ends_with(note), "{}", beside.reason);
}
