//! Proposals and guards as a run sees them.

use soak::core::iteration::guards::Guard;
use soak::run::iteration::EdgeReport;
use soak::run::iteration::tuning::SkipCode;
use std::time::Duration;

use super::{Planner, Run, changes, dropped, finished, planner, quiet};

fn moderate() -> EdgeReport {
    quiet(&[("risk_ratio", 0.45)])
}

#[test]
fn an_iteration_tells_what_it_proposed_applied_and_why() {
    let mut run = Run::of(planner());
    let record = run.step(Ok(moderate()));
    let deltas: Vec<(&str, f64, &str)> = record
        .tuning
        .deltas
        .iter()
        .map(|delta| (delta.param.as_str(), delta.delta, delta.reason.as_str()))
        .collect();
    let reason = "MODERATE: risk_ratio 0.45 >= 0.40, risk_ratio 0.45 < 0.60";
    assert_eq!(deltas, [("impact_cap_ratio", -0.005, reason), ("min_interval_ms", 5.0, reason)]);
    assert_eq!(changes(record), [("impact_cap_ratio", 0.1, 0.095), ("min_interval_ms", 60.0, 65.0)]);
    assert_eq!((record.tuning.skip, record.tuning.dropped.len()), (None, 0));
    assert_ne!(record.tuning.old_hash, record.tuning.state_hash);
    assert_eq!(record.state.last_applied_signature, record.tuning.signature);
    assert_eq!(record.state.override_hashes.last(), Some(&record.tuning.state_hash));
    assert_eq!(record.state.run_seconds, 300.0);
}

#[test]
fn one_iteration_replayed_a_hundred_times_leaves_the_same_overrides() {
    // From 68 ms MODERATE goes to 73, and asked again it would be shortened to 75: another signature.
    for report in [
        moderate(),
        quiet(&[("slippage_bps_p95", 2.6), ("net_bps", 2.95)]),
        quiet(&[("p95_latency_ms", 340.0)]),
    ] {
        let mut run = Run::from(planner(), &[("min_interval_ms", 68.0)]);
        let record = run.step(Ok(report.clone())).clone();
        assert!(record.tuning.applied());
        let mut state = record.state.clone();
        for _ in 0..100 {
            let again = finished(&run.planner, &state, 1, Ok(report.clone()));
            assert_eq!(again.tuning.skip, Some(SkipCode::SameSignature));
            assert_eq!(again.state.overrides, record.state.overrides);
            state = again.state;
        }
        // The next iteration is another one.
        assert!(finished(&run.planner, &state, 2, Ok(report)).tuning.applied());
    }
}

#[test]
fn a_parameter_does_not_go_back_to_the_value_before_the_last() {
    // MODERATE takes 0.005 off the cap, NORMALIZE would put it back; the interval goes 60, 65, 62.
    let mut run = Run::of(planner());
    run.step(Ok(moderate()));
    let back = run.step(Ok(quiet(&[("risk_ratio", 0.30)])));
    assert_eq!(dropped(back), [("impact_cap_ratio", SkipCode::Oscillation)]);
    assert_eq!(changes(back), [("min_interval_ms", 65.0, 62.0)]);
    assert_eq!(back.tuning.guards, [Guard::Oscillation]);

    // Where nothing else is left, oscillation is why: the interval is at the cap of MODERATE.
    let mut run = Run::from(planner(), &[("min_interval_ms", 50.0)]);
    run.step(Ok(quiet(&[("net_bps", 2.5), ("adverse_bps_p95", 3.6), ("risk_ratio", 0.35)])));
    let back = run.step(Ok(quiet(&[("risk_ratio", 0.34), ("p95_latency_ms", 300.0)])));
    // 0.10 - 0.01 + 0.005 is another value.
    assert_eq!(changes(back), [("impact_cap_ratio", 0.09, 0.095)]);
    let back = run.step(Ok(quiet(&[("risk_ratio", 0.45), ("net_bps", 2.5)])));
    assert!(changes(back).contains(&("min_interval_ms", 50.0, 55.0)));
    assert_eq!(back.tuning.dropped.len(), 1);
}

#[test]
fn an_hour_holds_so_many_steps_and_no_more() {
    // MODERATE adds 5 ms; the limit is 30 ms an hour. From 45: six steps, the seventh is one too many.
    let mut run = Run::from(planner(), &[("min_interval_ms", 45.0)]);
    for number in 1..=6 {
        let record = run.step(Ok(moderate()));
        assert!(changes(record).iter().any(|step| step.0 == "min_interval_ms"), "{number}");
    }
    assert_eq!(run.value("min_interval_ms"), 75.0);
    // Two ms down at least would be needed; NORMALIZE takes off 3.
    let calm = quiet(&[("risk_ratio", 0.30)]);
    for number in 7..=12 {
        let record = run.step(Ok(calm.clone()));
        assert_eq!(
            record.tuning.dropped.get(&name("min_interval_ms")),
            Some(&SkipCode::Velocity),
            "{number}"
        );
        assert!(record.tuning.guards.contains(&Guard::Velocity));
    }
    // The first step was made at 300 s; at 3900 s it is an hour old and counts no more.
    let record = run.step(Ok(calm));
    assert_eq!(record.number, 13);
    assert!(changes(record).contains(&("min_interval_ms", 75.0, 72.0)));
}

#[test]
fn a_large_step_is_watched_for_two_iterations() {
    // MAKER_BOOST: +25 of 40, +0.015 of 0.17, 320 x 0.85 = 272: 48 of 120; together 0.625 + 0.088 + 0.4.
    let boost = quiet(&[("maker_taker_ratio", 0.84), ("risk_ratio", 0.35)]);
    let mut run = Run::from(planner(), &[("min_interval_ms", 50.0), ("replace_rate_per_min", 320.0)]);
    let record = run.step(Ok(boost));
    assert_eq!(
        changes(record),
        [
            ("base_spread_bps_delta", 0.14, 0.155),
            ("min_interval_ms", 50.0, 75.0),
            ("replace_rate_per_min", 320.0, 272.0)
        ]
    );
    assert_eq!(record.state.cooldown_until, Some(3));
    for _ in 2..=3 {
        let record = run.step(Ok(quiet(&[("p95_latency_ms", 340.0)])));
        assert_eq!(record.tuning.skip, Some(SkipCode::Cooldown));
        assert!(record.tuning.guards.contains(&Guard::Cooldown));
        assert!(record.tuning.guards.contains(&Guard::LatencySoft));
        assert_eq!(
            record.tuning.skip_note.as_deref(),
            Some("a large step is being watched up to iteration 3")
        );
    }
    assert!(run.step(Ok(quiet(&[("p95_latency_ms", 340.0)]))).tuning.applied());
}

fn name(param: &str) -> soak::core::iteration::params::ParamName {
    soak::core::iteration::params::ParamName::flat(param)
}

#[test]
fn slow_answers_hold_back_the_rebid_parameters_alone() {
    let slow = |latency| quiet(&[("risk_ratio", 0.45), ("p95_latency_ms", latency)]);
    let mut run = Run::of(planner());
    let record = run.step(Ok(slow(360.0)));
    assert_eq!(dropped(record), [("min_interval_ms", SkipCode::PartialFreeze)]);
    assert_eq!(record.tuning.partial_freezes.get("rebid").map(String::as_str), Some("latency"));
    assert!(record.tuning.guards.contains(&Guard::PartialFreeze));
    assert!(changes(record).contains(&("impact_cap_ratio", 0.1, 0.095)));
    // At 300 s an interval it closes at once.
    let record = run.step(Ok(slow(359.9)));
    assert_eq!(record.tuning.partial_freezes.len(), 0);
    assert!(changes(record).contains(&("min_interval_ms", 60.0, 65.0)));
}

#[test]
fn in_seconds_the_partial_freeze_is_debounced() {
    // Intervals of one second: it opens with the third slow one (3 s >= 2.5 s), closes with the fourth quick one.
    let mut run = Run::of(Planner { interval: Duration::from_secs(1), ..planner() });
    let open: Vec<bool> = [400.0, 400.0, 400.0, 300.0, 300.0, 300.0, 300.0, 400.0]
        .into_iter()
        .map(|latency| !run.step(Ok(quiet(&[("p95_latency_ms", latency)]))).tuning.partial_freezes.is_empty())
        .collect();
    assert_eq!(open, [false, false, true, true, true, true, false, false]);
}

#[test]
fn in_the_warm_up_two_keys_move_and_then_rest() {
    // AGGRESSIVE with DRIVER rows: impact_cap 0.085 - 0.005 (floor), 0.125 of its width; tail_age 700 + 30, 0.1;
    // max_delta 0.1275 - 0.01, 0.167; spread 0.17 + 0.02, 0.118. The interval stands at 80.
    let report =
        quiet(&[("risk_ratio", 0.65), ("adverse_bps_p95", 3.6), ("slippage_bps_p95", 2.6), ("net_bps", 2.5)]);
    let preset = super::POLICY.run.preset("warmup_conservative_v1");
    let mut run = Run::of(Planner { warmup: preset, ..planner() });
    let keys = |record: &soak::run::iteration::IterationRecord| -> Vec<String> {
        changes(record).iter().map(|step| step.0.to_owned()).collect()
    };
    let record = run.step(Ok(report.clone()));
    assert_eq!(keys(record), ["impact_cap_ratio", "max_delta_ratio"]);
    assert_eq!(
        dropped(record),
        [
            ("base_spread_bps_delta", SkipCode::MicroSteps),
            ("min_interval_ms", SkipCode::AtBound),
            ("tail_age_ms", SkipCode::MicroSteps)
        ]
    );
    let record = run.step(Ok(report.clone()));
    assert_eq!(keys(record), ["base_spread_bps_delta", "tail_age_ms"]);
    assert_eq!(record.tuning.dropped.get(&name("max_delta_ratio")), Some(&SkipCode::MicroSteps));
    assert_eq!(keys(run.step(Ok(report))), ["max_delta_ratio"]);
}

#[test]
fn nothing_is_applied_without_auto_tune_or_at_the_end_and_the_reason_says_so() {
    let mut run = Run::of(Planner { auto_tune: false, iterations: 2, ..planner() });
    for code in [SkipCode::TuningOff, SkipCode::FinalIteration] {
        let record = run.step(Ok(moderate()));
        assert_eq!((record.tuning.skip, record.tuning.deltas.len()), (Some(code), 2));
        assert_eq!(record.tuning.dropped.values().collect::<Vec<_>>(), [&code, &code]);
        assert_eq!(record.tuning.old_hash, record.tuning.state_hash);
    }
}

#[test]
fn nothing_to_propose_and_everything_at_its_bounds_are_two_things() {
    let mut run = Run::of(planner());
    assert_eq!(run.step(Ok(quiet(&[]))).tuning.skip, Some(SkipCode::NoDeltas));
    let mut run = Run::from(planner(), &[("min_interval_ms", 75.0), ("impact_cap_ratio", 0.09)]);
    let record = run.step(Ok(moderate()));
    assert_eq!(record.tuning.skip, Some(SkipCode::AllDeltasZeroHitBounds));
    assert_eq!((record.tuning.deltas.len(), record.tuning.signature.clone()), (0, None));
    let bound = SkipCode::AtBound;
    assert_eq!(dropped(record), [("impact_cap_ratio", bound), ("min_interval_ms", bound)]);
}
