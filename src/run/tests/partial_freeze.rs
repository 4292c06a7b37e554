//! The debounce at its limits, and what counts as swinging.

use crate::core::iteration::params::ParamName;
use crate::core::kpi::{KpiId, KpiTable};
use crate::run::fixture;
use crate::run::guards::*;

/// Whether it is open after each span of (milliseconds, signal).
fn opened(rules: &PartialFreezeRules, spans: &[(f64, Signal)]) -> Vec<bool> {
    let (mut freeze, mut now) = (Debounce::default(), 100.0);
    spans
        .iter()
        .map(|(ms, signal)| {
            let started = now;
            now += ms / 1000.0;
            freeze = debounced(rules, freeze, *signal, started, now);
            freeze.open_since.is_some()
        })
        .collect()
}

const YES: Signal = Some(true);
const NO: Signal = Some(false);

fn rules() -> PartialFreezeRules {
    fixture::policy().guards.partial_freeze
}

#[test]
fn it_opens_after_2500_ms_of_signal() {
    assert_eq!(opened(&rules(), &[(2499.0, YES)]), [false]);
    assert_eq!(opened(&rules(), &[(2500.0, YES)]), [true]);
    assert_eq!(opened(&rules(), &[(2501.0, YES)]), [true]);
    assert_eq!(opened(&rules(), &[(1250.0, YES), (1250.0, YES)]), [false, true]);
    // A break starts it anew, also one of which nothing is known.
    assert_eq!(opened(&rules(), &[(2000.0, YES), (1.0, NO), (2000.0, YES)]), [false, false, false]);
    assert_eq!(opened(&rules(), &[(2000.0, YES), (1.0, None), (2000.0, YES)]), [false, false, false]);
}

#[test]
fn it_closes_after_4000_ms_without_signal() {
    let after = |quiet: &[(f64, Signal)]| {
        let spans = [&[(3000.0, YES)], quiet].concat();
        opened(&rules(), &spans).last().copied()
    };
    assert_eq!(after(&[(3999.0, NO)]), Some(true));
    assert_eq!(after(&[(4000.0, NO)]), Some(false));
    assert_eq!(after(&[(2000.0, NO), (2000.0, NO)]), Some(false));
    assert_eq!(after(&[(3000.0, NO), (1.0, YES), (3000.0, NO)]), Some(true));
    assert_eq!(after(&[(9000.0, None)]), Some(true));
}

#[test]
fn it_lasts_3000_ms_even_where_it_could_close_earlier() {
    let rules = PartialFreezeRules { close_after_ms: 1000.0, ..rules() };
    assert_eq!(opened(&rules, &[(2500.0, YES), (2999.0, NO)]), [true, true]);
    assert_eq!(opened(&rules, &[(2500.0, YES), (3000.0, NO)]), [true, false]);
    assert_eq!(opened(&rules, &[(2500.0, YES), (1500.0, NO), (1500.0, NO)]), [true, true, false]);
}

#[test]
fn swinging_is_range_and_two_changes_of_direction() {
    let swings = |values: &[f64]| is_swinging(&rules(), values);
    // Range 10 of a mean of 60 or so is 0.167, 9 is 0.15 at most.
    assert!(swings(&[55.0, 65.0, 55.0, 65.0]));
    assert!(!swings(&[55.0, 65.0, 55.0]), "one change of direction");
    assert!(!swings(&[40.0, 50.0, 60.0, 70.0, 80.0]), "steady tuning");
    // Range 15 of a mean of 100 is 0.15: not above.
    assert!(!swings(&[92.5, 107.5, 92.5, 107.5]));
    assert!(swings(&[92.4, 107.6, 92.4, 107.6]));
    // Only the last five count.
    assert!(!swings(&[10.0, 90.0, 60.0, 61.0, 60.0, 61.0, 60.0]));
    assert!(!swings(&[]) && !swings(&[0.0, 0.0, 0.0]));
}

#[test]
fn a_swing_freezes_two_subsystems_while_the_parameter_moves() {
    let policy = fixture::policy();
    let param = ParamName::flat("min_interval_ms");
    let mut state = TunerState::default();
    state.applied_values.insert(param.clone(), vec![50.0, 70.0, 50.0, 70.0]);
    state.last_changed.insert(param, 6);
    let first = partial_freezes(&policy, &state, 7, None, 1800.0, 2100.0);
    let held: Vec<(String, String)> = open_subsystems(&first).into_iter().collect();
    let cause = || "oscillation".to_owned();
    assert_eq!(held, [("rebid".to_owned(), cause()), ("rescue_taker".to_owned(), cause())]);
    // It was left alone in iteration 7.
    state.partial_freezes = first;
    assert!(open_subsystems(&partial_freezes(&policy, &state, 8, None, 2100.0, 2400.0)).is_empty());
}

#[test]
fn latency_is_a_signal_from_360_ms_on_and_unknown_is_none() {
    let look = |value: Option<f64>| {
        let mut values = vec![None; KpiTable::default().len()];
        values[KpiId::P95_LATENCY_MS.index()] = value;
        latency_signal(&rules(), Some(&values))
    };
    assert_eq!([359.9, 360.0, 360.1].map(|ms| look(Some(ms))), [NO, YES, YES]);
    assert_eq!((look(None), latency_signal(&rules(), None)), (None, None));
}
