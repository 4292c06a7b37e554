//! Warm-up, ramp-down, steady.

use soak::core::iteration::params::ParamName;
use soak::run::iteration::Phase;
use soak::run::iteration::tuning::SkipCode;

use super::{POLICY, Planner, Run, changes, dropped, planner, quiet};

fn warming() -> Planner<'static> {
    Planner { warmup: POLICY.run.preset("warmup_conservative_v1"), ..planner() }
}

#[test]
fn the_preset_is_applied_once_and_taken_back_in_two_equal_steps() {
    let mut run = Run::of(Planner { auto_tune: false, ..warming() });
    // (iteration, phase, min_interval, replace_rate, tail_age, impact_cap). 60 + 25 is clamped to 80, an
    // offset of 20; 300 x 0.75 = 225, -75; 600 + 100; 0.10 x 0.85 = 0.085. Half of -75 is -37.5, rounded
    // away from zero -38: 225 + 38 = 263.
    let expected = [
        (1, Phase::Warmup, 80.0, 225.0, 700.0, 0.085),
        (2, Phase::Warmup, 80.0, 225.0, 700.0, 0.085),
        (3, Phase::Warmup, 80.0, 225.0, 700.0, 0.085),
        (4, Phase::Warmup, 80.0, 225.0, 700.0, 0.085),
        (5, Phase::Rampdown, 70.0, 263.0, 650.0, 0.0925),
        (6, Phase::Rampdown, 60.0, 300.0, 600.0, 0.1),
        (7, Phase::Steady, 60.0, 300.0, 600.0, 0.1),
        (8, Phase::Steady, 60.0, 300.0, 600.0, 0.1),
    ];
    for (number, phase, interval, rate, age, cap) in expected {
        let record = run.step(Ok(quiet(&[])));
        let value = |name: &str| record.overrides.get(&ParamName::flat(name)).expect("a parameter");
        let got = (
            record.number,
            record.phase,
            value("min_interval_ms"),
            value("replace_rate_per_min"),
            value("tail_age_ms"),
            value("impact_cap_ratio"),
        );
        assert_eq!(got, (number, phase, interval, rate, age, cap));
        assert!(record.has_phases);
    }
    assert!(run.state.phase_offset.is_empty());
    assert_eq!(run.state.overrides, POLICY.run.parameters.defaults());
}

#[test]
fn without_warm_up_every_iteration_is_steady() {
    let mut run = Run::of(planner());
    for _ in 0..8 {
        let record = run.step(Ok(quiet(&[])));
        assert_eq!((record.phase, record.has_phases), (Phase::Steady, false));
        assert_eq!(record.overrides, POLICY.run.parameters.defaults());
    }
}

#[test]
fn deltas_of_the_warm_up_stay_when_its_preset_is_taken_back() {
    // LATENCY_HARD takes one off the concurrency: 10 x 0.85 = 8.5, 8. The preset does not touch it.
    let slow = quiet(&[("p95_latency_ms", 361.0)]);
    let mut run = Run::of(warming());
    let first = run.step(Ok(slow));
    // tail_age 700 + 75.
    assert_eq!(changes(first), [("concurrency_limit", 10.0, 8.0), ("tail_age_ms", 700.0, 775.0)]);
    for _ in 2..=6 {
        run.step(Ok(quiet(&[])));
    }
    // 775 - 50 - 50.
    assert_eq!((run.value("concurrency_limit"), run.value("tail_age_ms")), (8.0, 675.0));
}

#[test]
fn what_the_next_phase_moves_is_not_touched_by_deltas() {
    let slow = quiet(&[("p95_latency_ms", 361.0)]);
    let mut run = Run::of(warming());
    for _ in 1..=3 {
        run.step(Ok(quiet(&[])));
    }
    // 4 -> 5 and 5 -> 6 move tail_age, 6 -> 7 moves nothing.
    let fourth = run.step(Ok(slow.clone()));
    assert_eq!(dropped(fourth), [("tail_age_ms", SkipCode::PhaseChange)]);
    assert_eq!(changes(fourth), [("concurrency_limit", 10.0, 8.0)]);
    let fifth = run.step(Ok(slow.clone()));
    // The concurrency rests.
    assert_eq!(fifth.tuning.skip, Some(SkipCode::MicroSteps));
    assert_eq!(
        dropped(fifth),
        [("concurrency_limit", SkipCode::MicroSteps), ("tail_age_ms", SkipCode::PhaseChange)]
    );
    let sixth = run.step(Ok(slow));
    assert_eq!(changes(sixth), [("concurrency_limit", 8.0, 6.0), ("tail_age_ms", 600.0, 675.0)]);
}
