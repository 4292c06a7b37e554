//! The freeze from end to end.

use soak::core::iteration::guards::Guard;
use soak::run::iteration::IterationRecord;
use soak::run::iteration::tuning::SkipCode;

use super::{Run, changes, dropped, planner, quiet};

/// Stable, and no row but a DRIVER acts: risk 0.35 and net 2.95 are stable, below net 3.0 the DRIVER rows
/// act. EDGE widens the spread by 0.01.
fn driven() -> soak::run::iteration::EdgeReport {
    quiet(&[("net_bps", 2.95), ("adverse_bps_p95", 3.6)])
}

fn flags(record: &IterationRecord) -> (bool, bool) {
    (record.tuning.freeze_started.is_some(), record.tuning.freeze_active)
}

#[test]
fn a_freeze_starts_after_two_stable_iterations_lasts_four_and_may_start_again() {
    let mut run = Run::of(planner());
    let first = run.step(Ok(driven()));
    assert_eq!(flags(first), (false, false));
    // EDGE +0.01, DRIVER: impact_cap 0.10 - 0.01 and max_delta 0.15 - 0.01.
    assert_eq!(
        changes(first),
        [
            ("base_spread_bps_delta", 0.14, 0.15),
            ("impact_cap_ratio", 0.1, 0.09),
            ("max_delta_ratio", 0.15, 0.14)
        ]
    );
    let second = run.step(Ok(driven()));
    assert_eq!(flags(second), (true, false));
    assert_eq!(second.state.frozen_until, Some(6));
    assert_eq!(
        second.tuning.freeze_started.as_deref(),
        Some("2 stable iterations in a row: risk_ratio 0.35 <= 0.35, net_bps 2.95 >= 2.70")
    );
    assert!(second.tuning.guards.contains(&Guard::Freeze));
    let held = [("impact_cap_ratio", SkipCode::Frozen), ("max_delta_ratio", SkipCode::Frozen)];
    assert_eq!(dropped(second), held);
    for number in 3..=6 {
        let record = run.step(Ok(driven()));
        assert_eq!((record.number, flags(record)), (number, (false, true)));
        assert_eq!(dropped(record), held);
        assert_eq!(record.state.frozen_until, Some(6));
    }
    let again = run.step(Ok(driven()));
    assert_eq!((again.number, flags(again)), (7, (true, false)));
    assert_eq!(again.state.frozen_until, Some(11));
    assert_eq!((run.value("impact_cap_ratio"), run.value("max_delta_ratio")), (0.09, 0.14));
}

#[test]
fn after_a_freeze_has_ended_its_parameters_move_again() {
    let mut run = Run::of(planner());
    run.step(Ok(driven()));
    run.step(Ok(driven()));
    // Not stable any more: net 2.69.
    let shaken = quiet(&[("net_bps", 2.69), ("adverse_bps_p95", 3.6)]);
    for _ in 3..=6 {
        assert_eq!(dropped(run.step(Ok(shaken.clone()))).len(), 2);
    }
    let seventh = run.step(Ok(shaken));
    assert_eq!(flags(seventh), (false, false));
    assert!(changes(seventh).contains(&("impact_cap_ratio", 0.09, 0.08)));
    assert!(changes(seventh).contains(&("max_delta_ratio", 0.14, 0.13)));
}

#[test]
fn where_only_frozen_parameters_are_proposed_all_of_them_are() {
    // Risk 0.30 and net 3.0: NORMALIZE, whose interval is at its floor of 50.
    let calm = quiet(&[("risk_ratio", 0.30)]);
    let mut run = Run::from(planner(), &[("min_interval_ms", 50.0), ("impact_cap_ratio", 0.09)]);
    run.step(Ok(calm.clone()));
    let record = run.step(Ok(calm));
    assert_eq!(record.tuning.skip, Some(SkipCode::AllParamsFrozen));
    assert_eq!(record.tuning.skip_note.as_deref(), Some("frozen up to iteration 6"));
    assert_eq!(
        dropped(record),
        [("impact_cap_ratio", SkipCode::Frozen), ("min_interval_ms", SkipCode::AtBound)]
    );
    assert!(!record.tuning.applied());
}

#[test]
fn the_limits_of_a_stable_iteration_are_inclusive() {
    for (risk, net, starts) in
        [(0.35, 2.7, true), (0.3501, 2.7, false), (0.35, 2.6999, false), (0.0, 9.0, true)]
    {
        let mut run = Run::of(planner());
        let report = quiet(&[("risk_ratio", risk), ("net_bps", net)]);
        assert!(run.step(Ok(report.clone())).tuning.freeze_started.is_none());
        assert_eq!(run.step(Ok(report)).tuning.freeze_started.is_some(), starts, "{risk} {net}");
    }
}

#[test]
fn a_freeze_is_seen_without_tuning_and_in_the_last_iteration() {
    let mut run = Run::of(super::Planner { auto_tune: false, iterations: 2, ..planner() });
    run.step(Ok(driven()));
    let last = run.step(Ok(driven()));
    assert_eq!((flags(last), last.state.frozen_until), ((true, false), Some(6)));
    assert_eq!(last.tuning.skip, Some(SkipCode::FinalIteration));
}

#[test]
fn an_iteration_without_data_ends_the_row() {
    let mut run = Run::of(planner());
    run.step(Ok(driven()));
    let failed = run.step(Err("no series".to_owned()));
    assert_eq!((failed.state.stable_streak, failed.state.failed_collections), (0, 1));
    assert_eq!(failed.tuning.skip, Some(SkipCode::NoData));
    assert!(run.step(Ok(driven())).tuning.freeze_started.is_none());
    assert!(run.step(Ok(driven())).tuning.freeze_started.is_some());
}
