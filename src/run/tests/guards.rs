//! Each guard at its limits.

use crate::run::fixture;
use crate::run::guards::*;
use crate::run::iteration::tuning as signature;
use crate::run::iteration::tuning::{Delta, RecentChange};

/// Iteration 10 of a steady run, 3000 s in.
struct World {
    policy: RunPolicy,
    state: TunerState,
    overrides: ParamValues,
    hashes: Vec<String>,
    moved_by_phase: BTreeSet<ParamName>,
    partial: BTreeMap<String, String>,
    signature: Option<String>,
    warming_up: bool,
    small_steps: bool,
    off: Option<SkipCode>,
    frozen: bool,
}

fn world() -> World {
    let policy = fixture::policy();
    World {
        overrides: policy.parameters.defaults(),
        policy,
        state: TunerState::default(),
        hashes: Vec::new(),
        moved_by_phase: BTreeSet::new(),
        partial: BTreeMap::new(),
        signature: Some("this".to_owned()),
        warming_up: false,
        small_steps: false,
        off: None,
        frozen: false,
    }
}

impl World {
    fn decide(&self, deltas: &[(&str, f64)]) -> Decision {
        let case = Case {
            policy: &self.policy,
            state: &self.state,
            number: 10,
            off: self.off,
            warming_up: self.warming_up,
            small_steps: self.small_steps,
            moved_by_phase: &self.moved_by_phase,
            now: 3000.0,
            hashes: &self.hashes,
            overrides: &self.overrides,
            frozen: self.frozen,
            partial_freezes: &self.partial,
            signature: self.signature.as_deref(),
        };
        let deltas = deltas
            .iter()
            .map(|(name, delta)| Delta { param: ParamName::flat(name), delta: *delta, reason: String::new() })
            .collect();
        decide(&case, &Proposal { deltas, ..Proposal::default() })
    }

    fn spent(mut self, name: &str, changes: &[(f64, f64)]) -> Self {
        self.state.recent_changes = changes
            .iter()
            .map(|(at, change)| RecentChange {
                run_seconds: *at,
                param: ParamName::flat(name),
                change: *change,
            })
            .collect();
        self
    }
}

fn taken(decision: &Decision) -> Vec<(&str, f64)> {
    decision.steps.iter().map(|step| (step.param.as_str(), step.new)).collect()
}

#[test]
fn velocity_lets_a_parameter_move_up_to_its_limit_and_no_further() {
    let skip = |world: World, delta| world.decide(&[("min_interval_ms", delta)]).skip;
    // 30 ms an hour; the default of 60 allows no more than 20 at once.
    for (spent, delta, expected) in [
        (25.0, 5.0, None),
        (26.0, 5.0, Some(SkipCode::Velocity)),
        (25.0, -5.0, None),
        (26.0, -5.0, Some(SkipCode::Velocity)),
    ] {
        for sign in [1.0, -1.0] {
            let world = world().spent("min_interval_ms", &[(100.0, sign * spent)]);
            assert_eq!(skip(world, delta), expected, "{spent} {delta}");
        }
    }
    // Back and forth counts too.
    let world_of = |changes: &[(f64, f64)]| world().spent("min_interval_ms", changes);
    let swung = [(100.0, 15.0), (200.0, -15.0)];
    assert_eq!(skip(world_of(&swung), 1.0), Some(SkipCode::Velocity));
    // Half as much more while the run warms up.
    let warming = |spent| World { warming_up: true, ..world_of(&[(100.0, spent)]) };
    assert_eq!(skip(warming(40.0), 5.0), None);
    assert_eq!(skip(warming(41.0), 5.0), Some(SkipCode::Velocity));
    // What another parameter did is its own affair.
    assert_eq!(skip(world().spent("tail_age_ms", &[(100.0, 150.0)]), 5.0), None);
    // 0.01 four times is 0.04, whatever the binary sum says.
    let small = world().spent("impact_cap_ratio", &[(1.0, 0.01), (2.0, 0.01), (3.0, 0.01)]);
    assert_eq!(small.decide(&[("impact_cap_ratio", -0.01)]).skip, None);
    let over = world().spent("impact_cap_ratio", &[(1.0, 0.030_000_1)]);
    assert_eq!(over.decide(&[("impact_cap_ratio", -0.01)]).skip, Some(SkipCode::Velocity));
}

#[test]
fn a_change_counts_until_it_is_an_hour_old() {
    let at = |run_seconds, now| {
        let change = RecentChange { run_seconds, param: ParamName::flat("tail_age_ms"), change: 1.0 };
        is_recent(&change, now, 3600.0)
    };
    assert!(at(300.0, 3899.9));
    assert!(!at(300.0, 3900.0));
}

#[test]
fn only_the_key_that_is_too_fast_is_dropped() {
    let world = world().spent("min_interval_ms", &[(100.0, 30.0)]);
    let decision = world.decide(&[("min_interval_ms", 5.0), ("tail_age_ms", 30.0)]);
    assert_eq!(taken(&decision), [("tail_age_ms", 630.0)]);
    assert_eq!(decision.dropped.get(&ParamName::flat("min_interval_ms")), Some(&SkipCode::Velocity));
    assert_eq!((decision.skip, decision.guards.contains(Guard::Velocity)), (None, true));
}

#[test]
fn a_step_is_large_above_half_the_width_of_the_bounds() {
    let policy = fixture::policy();
    let step = |name: &str, old: f64, new: f64| Applied {
        param: ParamName::flat(name),
        old,
        delta: new - old,
        new,
        at_bound: false,
    };
    let until = |steps: &[Applied]| cooldown_after(&policy, 10, steps);
    // 20 of 40; 150 of 300; 0.005 of 0.04.
    assert_eq!(until(&[step("min_interval_ms", 60.0, 40.0)]), None);
    assert_eq!(until(&[step("min_interval_ms", 61.0, 40.0)]), Some(12));
    assert_eq!(until(&[step("tail_age_ms", 500.0, 650.0), step("impact_cap_ratio", 0.1, 0.1)]), None);
    assert_eq!(until(&[step("tail_age_ms", 500.0, 650.0), step("impact_cap_ratio", 0.1, 0.095)]), Some(12));
    assert_eq!(until(&[]), None);
    let mut world = world();
    for (cooling, skip) in [(9, None), (10, Some(SkipCode::Cooldown)), (11, Some(SkipCode::Cooldown))] {
        world.state.cooldown_until = Some(cooling);
        assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, skip, "{cooling}");
    }
}

#[test]
fn a_b_a_is_an_oscillation_within_the_tolerance() {
    let with = |values: &[f64], overrides: f64, delta: f64| {
        let mut world = world();
        world.overrides = fixture::values(&[("impact_cap_ratio", overrides)]);
        world.state.applied_values.insert(ParamName::flat("impact_cap_ratio"), values.to_vec());
        world.decide(&[("impact_cap_ratio", delta)]).skip
    };
    let oscillation = Some(SkipCode::Oscillation);
    assert_eq!(with(&[0.1, 0.095], 0.095, 0.005), oscillation);
    assert_eq!(with(&[0.09, 0.1, 0.095], 0.095, 0.005), oscillation);
    // Within 1e-6 it is the same value.
    assert_eq!(with(&[0.1, 0.095], 0.095, 0.004_999_1), oscillation);
    assert_eq!(with(&[0.1, 0.095], 0.095, 0.004_998_9), None);
    // Two back is no return, and neither is what something else has moved since.
    assert_eq!(with(&[0.1, 0.095, 0.09], 0.09, 0.01), None);
    assert_eq!(with(&[0.1, 0.095], 0.09, 0.01), None);
    assert_eq!(with(&[0.095], 0.095, 0.005), None);
}

#[test]
fn overrides_that_come_back_as_a_whole_are_an_oscillation() {
    let mut world = world();
    let before = merged(&world.overrides, [(ParamName::flat("tail_age_ms"), 630.0)]);
    let now = signature::of_overrides(&world.overrides);
    world.hashes = vec![signature::of_overrides(&before), now.clone()];
    let decision = world.decide(&[("tail_age_ms", 30.0)]);
    assert_eq!((decision.skip, decision.steps.len()), (Some(SkipCode::Oscillation), 0));
    assert_eq!(world.decide(&[("tail_age_ms", 31.0)]).skip, None);
    world.hashes = vec![signature::of_overrides(&before), "another".to_owned(), now];
    assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, None);
}

#[test]
fn the_largest_two_keys_move_and_those_that_moved_rest() {
    // 5 / 40 = 0.125, 30 / 300 = 0.1, 0.01 / 0.04 = 0.25.
    let deltas = [("impact_cap_ratio", -0.01), ("min_interval_ms", 5.0), ("tail_age_ms", 30.0)];
    assert_eq!(world().decide(&deltas).steps.len(), 3);
    let mut world = World { small_steps: true, ..world() };
    assert_eq!(taken(&world.decide(&deltas)), [("impact_cap_ratio", 0.09), ("min_interval_ms", 65.0)]);
    world.state.last_changed.insert(ParamName::flat("impact_cap_ratio"), 9);
    assert_eq!(taken(&world.decide(&deltas)), [("min_interval_ms", 65.0), ("tail_age_ms", 630.0)]);
    world.state.last_changed.insert(ParamName::flat("impact_cap_ratio"), 8);
    assert_eq!(taken(&world.decide(&deltas)), [("impact_cap_ratio", 0.09), ("min_interval_ms", 65.0)]);
    // Equal ones by name.
    let equal = [("impact_cap_ratio", -0.004), ("min_interval_ms", 4.0), ("tail_age_ms", 30.0)];
    world.policy.guards.micro_steps.keys = 1;
    assert_eq!(taken(&world.decide(&equal)), [("impact_cap_ratio", 0.096)]);
}

#[test]
fn what_was_applied_in_this_iteration_is_not_applied_again() {
    let mut world = world();
    world.state.last_applied_signature = Some("this".to_owned());
    assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, Some(SkipCode::SameSignature));
    world.state.last_applied_signature = Some("that".to_owned());
    assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, None);
    world.state.last_changed.insert(ParamName::flat("min_interval_ms"), 9);
    assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, None);
    world.state.last_changed.insert(ParamName::flat("min_interval_ms"), 10);
    assert_eq!(world.decide(&[("tail_age_ms", 30.0)]).skip, Some(SkipCode::SameSignature));
}

#[test]
fn the_guard_that_drops_the_last_key_says_why_and_each_key_keeps_its_own_reason() {
    let mut world = world().spent("min_interval_ms", &[(100.0, 30.0)]);
    world.frozen = true;
    world.partial.insert("edge".to_owned(), "latency".to_owned());
    world.moved_by_phase.insert(ParamName::flat("rescue_max_ratio"));
    let decision = world.decide(&[
        ("impact_cap_ratio", -0.005),
        ("min_interval_ms", 5.0),
        ("rescue_max_ratio", 0.01),
        ("tail_age_ms", 30.0),
    ]);
    let dropped: Vec<(&str, SkipCode)> =
        decision.dropped.iter().map(|(param, code)| (param.as_str(), *code)).collect();
    assert_eq!(
        dropped,
        [
            ("impact_cap_ratio", SkipCode::Frozen),
            ("min_interval_ms", SkipCode::Velocity),
            ("rescue_max_ratio", SkipCode::PhaseChange),
            ("tail_age_ms", SkipCode::PartialFreeze),
        ]
    );
    assert_eq!(decision.skip, Some(SkipCode::PartialFreeze));
    assert_eq!(
        decision.guards.iter().collect::<Vec<_>>(),
        [Guard::Velocity, Guard::Freeze, Guard::PartialFreeze]
    );
}

#[test]
fn a_step_that_the_bounds_leave_nothing_of_is_no_op() {
    let world = world();
    let decision = world.decide(&[("position_limit_ratio", 0.05)]);
    assert_eq!(decision.skip, Some(SkipCode::NoOp));
    assert!(decision.guards.contains(Guard::NoOp));
    let decision = world.decide(&[("min_interval_ms", 25.0)]);
    assert_eq!((taken(&decision), decision.steps[0].at_bound), (vec![("min_interval_ms", 80.0)], true));
    for code in [SkipCode::TuningOff, SkipCode::FinalIteration, SkipCode::PanicRevert] {
        let decision = World { off: Some(code), ..super::tests::world() }.decide(&[("tail_age_ms", 30.0)]);
        assert_eq!((decision.skip, decision.steps.len()), (Some(code), 0));
    }
}
