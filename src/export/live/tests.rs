//! What is kept of an iteration, and for how long.

use std::collections::BTreeMap;

use crate::core::iteration::guards::Guard;
use crate::core::kpi::KpiId;
use crate::core::policy::{Judge, KpiGate, Limit, Statistic, WindowSpec};
use crate::core::verdict::{Comparison, LimitSource, Severity};
use crate::export::live::*;
use crate::run::iteration::IterationSummary;
use crate::run::iteration::tuning::{Applied, TunerState, TuningRecord};

fn limit(kpi: KpiId, comparison: Comparison, value: f64) -> KpiGate {
    let source = LimitSource { key: "test".to_owned(), origin: "a test".to_owned() };
    KpiGate {
        kpi,
        severity: Severity::Hard,
        window: WindowSpec::LastN,
        statistic: Statistic::Each,
        comparison,
        limit: Limit { value, source },
        margin: 0.0,
        min_iterations: 1,
        judge: Judge::Point,
        count: None,
    }
}

/// Net at least 2, risk at most 0.4.
fn pass() -> GateSet {
    let checks = vec![
        limit(KpiId::NET_BPS, Comparison::AtLeast, 2.0),
        limit(KpiId::RISK_RATIO, Comparison::AtMost, 0.4),
    ];
    GateSet { name: "iteration_pass".to_owned(), gates: true, checks }
}

fn run() -> LiveRun {
    LiveRun {
        facts: LiveFacts::new("sim", "production", "0.0.0", "00"),
        kpis: KpiTable::default(),
        pass: pass(),
        parameters: Vec::new(),
        bot: None,
        epoch: 0,
        iterations: VecDeque::new(),
        passing: 0,
        failed_collections: 0,
        seen: 0,
    }
}

fn record(number: u64, net: Option<f64>, risk: Option<f64>) -> IterationRecord {
    let mut values = vec![None; KpiTable::default().len()];
    values[KpiId::NET_BPS.index()] = net;
    values[KpiId::RISK_RATIO.index()] = risk;
    IterationRecord {
        number,
        source: "sim".to_owned(),
        starts: DateTime::UNIX_EPOCH,
        ends: DateTime::UNIX_EPOCH,
        measured_early: false,
        phase: Phase::Steady,
        has_phases: false,
        collection_failed: None,
        overrides: ParamValues::new(vec![(ParamName::flat("tail_age_ms"), 600.0)]),
        summary: IterationSummary { values, ..IterationSummary::default() },
        metrics: BTreeMap::new(),
        resources: None,
        tuning: TuningRecord::default(),
        state: TunerState::default(),
    }
}

fn passes(net: Option<f64>, risk: Option<f64>) -> bool {
    LiveIteration::of(&record(1, net, risk), &pass()).passes
}

#[test]
fn an_iteration_passes_at_its_limits_and_not_beyond_them() {
    assert!(passes(Some(2.0), Some(0.4)));
    assert!(passes(Some(2.1), Some(0.3)));
    assert!(!passes(Some(1.999), Some(0.4)));
    assert!(!passes(Some(2.0), Some(0.401)));
}

#[test]
fn a_value_that_is_not_there_meets_no_limit_and_zero_is_a_value() {
    assert!(!passes(None, Some(0.4)));
    assert!(!passes(Some(2.0), None));
    assert!(passes(Some(2.0), Some(0.0)));
    let mut short = record(1, Some(3.0), Some(0.1));
    short.summary.values.clear();
    assert!(!LiveIteration::of(&short, &pass()).passes);
}

#[test]
fn a_failed_collection_does_not_pass_and_is_counted() {
    let mut live = run();
    let mut failed = record(1, Some(3.0), Some(0.1));
    failed.collection_failed = Some("exit status 1".to_owned());
    live.push(&failed);
    live.push(&record(2, Some(3.0), Some(0.1)));
    live.push(&record(3, Some(1.0), Some(0.1)));
    assert_eq!((live.seen(), live.passing(), live.failed_collections()), (3, 1, 1));
}

#[test]
fn guards_changes_and_a_freeze_in_force_are_kept() {
    let mut told = record(4, Some(3.0), Some(0.1));
    told.tuning.guards = vec![Guard::Velocity];
    told.tuning.freeze_active = true;
    told.tuning.applied_values = vec![Applied {
        param: ParamName::flat("tail_age_ms"),
        old: 600.0,
        delta: 50.0,
        new: 640.0,
        at_bound: true,
    }];
    let kept = LiveIteration::of(&told, &pass());
    assert_eq!(kept.guards.iter().collect::<Vec<_>>(), [Guard::Velocity, Guard::Freeze]);
    let change = LiveChange { param: ParamName::flat("tail_age_ms"), old: Some(600.0), new: Some(640.0) };
    assert_eq!(*kept.applied, [change]);
}

#[test]
fn equal_overrides_are_kept_once() {
    let mut live = run();
    live.push(&record(1, None, None));
    live.push(&record(2, None, None));
    let mut moved = record(3, None, None);
    moved.overrides = ParamValues::new(vec![(ParamName::flat("tail_age_ms"), 610.0)]);
    live.push(&moved);
    let kept: Vec<_> = live.after(0).collect();
    assert!(Arc::ptr_eq(&kept[0].overrides, &kept[1].overrides));
    assert_eq!(kept[2].overrides, Arc::new(moved.overrides));
}

#[test]
fn iterations_after_a_number_come_oldest_first_and_an_old_number_is_not_taken_again() {
    let mut live = run();
    assert_eq!((live.last_number(), live.after(0).count()), (0, 0));
    for number in [2, 3, 7, 7, 5] {
        live.push(&record(number, None, None));
    }
    let after = |number| live.after(number).map(|iteration| iteration.number).collect::<Vec<_>>();
    assert_eq!(after(0), [2, 3, 7]);
    assert_eq!(after(2), [3, 7]);
    assert_eq!(after(4), [7]);
    assert_eq!(after(7), [0; 0]);
    assert_eq!((live.last_number(), live.seen()), (7, 3));
    assert_eq!(live.latest().map(|iteration| iteration.number).collect::<Vec<_>>(), [7, 3, 2]);
}

#[test]
fn a_long_run_keeps_its_latest_iterations_and_all_of_its_counts() {
    let mut live = run();
    let kept = KEPT as u64;
    for number in 1..=kept {
        live.push(&record(number, Some(3.0), Some(0.1)));
    }
    assert_eq!(live.after(0).next().map(|iteration| iteration.number), Some(1));
    live.push(&record(kept + 1, Some(3.0), Some(0.1)));
    assert_eq!(live.after(0).next().map(|iteration| iteration.number), Some(2));
    assert_eq!((live.after(0).count(), live.seen(), live.passing()), (KEPT, kept + 1, kept + 1));
}

#[test]
fn the_time_left_needs_a_pace_a_declared_end_and_a_run_that_goes_on() {
    let mut live = run();
    live.push(&record(6, None, None));
    assert_eq!(live.eta_seconds(), None);
    live.facts.declared = Some(24);
    assert_eq!(live.eta_seconds(), None);
    live.facts.pace_seconds = Some(2.5);
    // 18 iterations of 2.5 seconds.
    assert_eq!(live.eta_seconds(), Some(45.0));
    live.facts.declared = Some(5);
    assert_eq!(live.eta_seconds(), Some(0.0));
    live.facts.state = Some(RunState::Interrupted);
    assert_eq!(live.eta_seconds(), None);
}

#[test]
fn a_run_is_silent_after_three_intervals_and_a_minute() {
    let at = |seconds: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
    let mut run = run();
    assert_eq!(run.silent_seconds(at(9999)), None, "neither interval nor heartbeat is known");
    run.facts.heartbeat = Some(at(0));
    assert_eq!(run.silent_seconds(at(9999)), None, "the interval is not known");
    run.facts.interval_seconds = Some(10.0);
    // 3 * 10 + 60 = 90.
    assert_eq!(run.silent_seconds(at(89)), None);
    assert_eq!(run.silent_seconds(at(90)), None);
    assert_eq!(run.silent_seconds(at(91)), Some(91.0));
    run.facts.state = Some(RunState::Complete);
    assert_eq!(run.silent_seconds(at(91)), None);
}

fn kept(records: impl IntoIterator<Item = IterationRecord>) -> Vec<LiveIteration> {
    records.into_iter().map(|record| LiveIteration::of(&record, &pass())).collect()
}

#[test]
fn a_followed_run_that_grows_or_loses_its_oldest_stays_the_same_and_any_other_change_makes_it_another() {
    let steady = |numbers: std::ops::RangeInclusive<u64>| {
        kept(numbers.map(|number| record(number, Some(3.0), Some(0.3))))
    };
    let mut live = run();
    live.replace(steady(1..=4));
    assert_eq!((live.epoch, live.seen(), live.passing(), live.last_number()), (0, 4, 4, 4));
    live.replace(steady(1..=6));
    live.replace(steady(3..=7));
    live.replace(steady(3..=7));
    assert_eq!((live.epoch, live.seen(), live.last_number()), (0, 5, 7));
    let mut changed = steady(3..=7);
    changed[2] = kept([record(5, Some(1.0), Some(0.3))]).remove(0);
    live.replace(changed);
    assert_eq!((live.epoch, live.passing()), (1, 4));
    live.replace(kept([record(5, Some(1.0), Some(0.3)), record(7, Some(3.0), Some(0.3))]));
    assert_eq!(live.epoch, 2, "the sixth is gone");
    live.replace(Vec::new());
    assert_eq!((live.epoch, live.seen(), live.last_number()), (3, 0, 0));
    live.replace(steady(1..=3));
    assert_eq!(live.epoch, 3, "nothing was shown that is not there any more");
    live.replace(steady(8..=9));
    assert_eq!(live.epoch, 4, "none of those before is left");
}

#[test]
fn an_overview_keeps_extremes_gaps_and_the_latest() {
    let of = |n: u64, change: &dyn Fn(u64) -> IterationRecord| {
        let mut live = run();
        live.replace(kept((1..=n).filter(|number| *number != 60_001).map(change)));
        live
    };
    let wave = |number: u64| record(number, Some(3.0 + (number % 7) as f64 / 100.0), Some(0.3));
    let all = of(900, &wave);
    assert_eq!(all.overview(1000).len(), 900);
    assert!(all.overview(1000).iter().all(|kept| !kept.joined));
    let long = of(100_000, &|number| match number {
        31_234 => record(number, Some(-9.0), Some(0.3)),
        70_707 => record(number, Some(3.0), Some(0.9)),
        50_000 => record(number, None, Some(0.3)),
        _ => wave(number),
    });
    let overview = long.overview(1000);
    assert!((400..=1000).contains(&overview.len()), "{}", overview.len());
    let numbers: Vec<u64> = overview.iter().map(|kept| kept.iteration.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    for number in [31_234, 70_707, 50_000, 60_002, 99_801, 99_950, 100_000] {
        assert!(numbers.contains(&number), "{number}");
    }
    let joined =
        |number: u64| overview.iter().find(|kept| kept.iteration.number == number).map(|kept| kept.joined);
    assert_eq!(joined(31_234), Some(true));
    assert_eq!(joined(60_002), Some(false), "60001 is missing");
    assert_eq!(joined(100_000), Some(false), "its neighbour is there");
}
