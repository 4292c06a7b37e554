//! The way up and the way back, worked out by hand.

use crate::core::policy::run::RunPolicy;
use crate::run::fixture;
use crate::run::planner::*;

fn at(policy: &RunPolicy, number: u64, overrides: &ParamValues, offset: &ParamValues) -> Moved {
    moved(&policy.phases, &policy.parameters, &policy.presets[0], number, overrides, offset)
}

fn value(values: &ParamValues, name: &str) -> Option<f64> {
    values.get(&ParamName::flat(name))
}

#[test]
fn the_phases_have_their_lengths() {
    let phases = fixture::policy().phases;
    let words = [1, 4, 5, 6, 7, 100].map(|number| phase_of(&phases, number).word());
    assert_eq!(words, ["WARMUP", "WARMUP", "RAMPDOWN", "RAMPDOWN", "STEADY", "STEADY"]);
}

#[test]
fn the_offset_is_what_was_really_made() {
    let policy = fixture::policy();
    let start =
        fixture::values(&[("min_interval_ms", 70.0), ("base_spread_bps_delta", 0.14), ("other", 1.0)]);
    let first = at(&policy, 1, &start, &ParamValues::default());
    // 70 + 15 stops at 80; 0.14 + 0.02.
    assert_eq!(value(&first.overrides, "min_interval_ms"), Some(80.0));
    assert_eq!(value(&first.offset, "min_interval_ms"), Some(10.0));
    assert_eq!(value(&first.overrides, "base_spread_bps_delta"), Some(0.16));
    assert_eq!(value(&first.offset, "base_spread_bps_delta"), Some(0.02));
    assert_eq!(value(&first.overrides, "other"), Some(1.0));
    assert_eq!(first.params.len(), 2);
    // Begun again it is not made again.
    assert_eq!(at(&policy, 1, &first.overrides, &first.offset).overrides, first.overrides);
    assert_eq!(at(&policy, 2, &first.overrides, &first.offset).params.len(), 0);
}

#[test]
fn an_odd_offset_of_a_whole_parameter_goes_back_in_whole_steps() {
    let policy = fixture::policy();
    let start = fixture::values(&[("min_interval_ms", 60.0)]);
    let first = at(&policy, 1, &start, &ParamValues::default());
    // Half of 15 is 7.5, rounded to 8; the rest is 7.
    let fifth = at(&policy, 5, &first.overrides, &first.offset);
    assert_eq!(value(&fifth.overrides, "min_interval_ms"), Some(67.0));
    assert_eq!(value(&fifth.offset, "min_interval_ms"), Some(7.0));
    let sixth = at(&policy, 6, &fifth.overrides, &fifth.offset);
    assert_eq!((value(&sixth.overrides, "min_interval_ms"), sixth.offset.len()), (Some(60.0), 0));
    assert!(at(&policy, 7, &sixth.overrides, &sixth.offset).params.is_empty());
}

#[test]
fn the_way_back_stays_within_the_bounds() {
    let policy = fixture::policy();
    // A delta has taken the interval to 42 in the meantime.
    let (overrides, offset) =
        (fixture::values(&[("min_interval_ms", 42.0)]), fixture::values(&[("min_interval_ms", 15.0)]));
    let fifth = at(&policy, 5, &overrides, &offset);
    assert_eq!(value(&fifth.overrides, "min_interval_ms"), Some(40.0));
    // Where the bound leaves nothing of the share, the phase still has its hand on the parameter: a delta that
    // lifted the value would be taken back at once.
    let sixth = at(&policy, 6, &fifth.overrides, &fifth.offset);
    assert_eq!(sixth.overrides, fifth.overrides);
    assert!(sixth.params.contains(&ParamName::flat("min_interval_ms")));
}

#[test]
fn without_a_ramp_down_the_first_steady_iteration_takes_everything_back() {
    let mut policy = fixture::policy();
    policy.phases.rampdown_iterations = 0;
    let start = fixture::values(&[("base_spread_bps_delta", 0.14)]);
    let first = at(&policy, 1, &start, &ParamValues::default());
    let fifth = at(&policy, 5, &first.overrides, &first.offset);
    assert_eq!((fifth.overrides, fifth.offset.len()), (start, 0));
}
