//! Every status at its boundary, on small series built by hand.

use super::*;
use crate::core::iteration::{AppliedValue, Iteration, SkipReason};
use crate::core::series::Interner;

fn values(pairs: &[(&str, f64)]) -> ParamValues {
    ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
}

fn proposal(applied: Option<bool>, deltas: &[(&str, f64)]) -> Tuning {
    Tuning { applied, deltas: values(deltas), ..Tuning::default() }
}

fn because(mut tuning: Tuning, code: &str) -> Tuning {
    tuning.skip = Some(SkipReason { code: Some(code.into()), note: None });
    tuning
}

fn dropped(mut tuning: Tuning, param: &str, code: &str) -> Tuning {
    tuning.dropped.push((ParamName::flat(param), code.into()));
    tuning
}

fn hashes(mut tuning: Tuning, old: &str, new: &str) -> Tuning {
    (tuning.old_hash, tuning.state_hash) = (Some(old.into()), Some(new.into()));
    tuning
}

fn bounded(mut tuning: Tuning, param: &str, new: Option<f64>, at_bound: bool) -> Tuning {
    let param = ParamName::flat(param);
    tuning.applied_values.push(AppliedValue { param, old: None, delta: None, new, at_bound });
    tuning
}

type Given<'a> = (u64, Tuning, Option<&'a [(&'a str, f64)]>);

fn series(rows: Vec<Given>) -> Series {
    let mut series = Series::new(None, 0);
    let mut interner = Interner::default();
    for (number, tuning, overrides) in rows {
        let overrides = overrides.map(|pairs| Arc::new(values(pairs)));
        series.push(Iteration { number, tuning, overrides, ..Iteration::default() }, &mut interner);
    }
    series
}

fn check(rows: Vec<Given>) -> Verification {
    verify(&series(rows), &BTreeMap::new(), None)
}

/// One proposal in iteration 1, then a quiet iteration 2.
fn one(tuning: Tuning, before: &[(&str, f64)], after: &[(&str, f64)]) -> Pair {
    let mut found = check(vec![(1, tuning, Some(before)), (2, Tuning::default(), Some(after))]);
    assert_eq!(found.pairs.len(), 1);
    found.pairs.remove(0)
}

const A: &str = "min_interval_ms";
const B: &str = "impact_cap_ratio";

#[test]
fn a_change_by_the_increment_is_full() {
    let pair = one(proposal(Some(true), &[(A, 5.0)]), &[(A, 60.0), (B, 0.1)], &[(A, 65.0), (B, 0.1)]);
    assert_eq!(
        (pair.status, pair.next, pair.to, pair.claimed),
        (PairStatus::Full, Next::Iteration, Some(2), true)
    );
    assert_eq!(pair.keys[0].state, KeyState::Applied);
    assert_eq!(pair.keys[0].change, Some(5.0));
}

#[test]
fn differences_up_to_the_tolerance_are_equal() {
    let status = |after: f64| one(proposal(Some(true), &[(B, 0.15)]), &[(B, 0.30)], &[(B, after)]).status;
    assert_eq!(status(0.45), PairStatus::Full, "0.45 - 0.30 is 0.15000000000000002");
    assert_eq!(status(0.45 + 0.9e-9), PairStatus::Full);
    assert_eq!(status(0.45 + 1.1e-9), PairStatus::Failed);
    assert_eq!(status(0.45 - 1.1e-9), PairStatus::Failed);
}

#[test]
fn some_keys_without_codes_are_an_unexplained_partial() {
    let pair =
        one(proposal(Some(true), &[(A, 5.0), (B, -0.01)]), &[(A, 60.0), (B, 0.1)], &[(A, 65.0), (B, 0.1)]);
    assert_eq!((pair.status, pair.explained), (PairStatus::Partial, Some(false)));
    let states: Vec<KeyState> = pair.keys.iter().map(|key| key.state).collect();
    assert_eq!(states, [KeyState::Unchanged, KeyState::Applied], "sorted by name: impact before interval");
}

#[test]
fn a_partial_is_explained_only_when_every_missing_key_has_a_code() {
    let three = || proposal(Some(true), &[(A, 5.0), (B, -0.01), ("tail_age_ms", 30.0)]);
    let before = [(A, 60.0), (B, 0.1), ("tail_age_ms", 600.0)];
    let after = [(A, 65.0), (B, 0.1), ("tail_age_ms", 600.0)];
    let half = dropped(three(), B, "velocity");
    let unexplained = one(half.clone(), &before, &after);
    assert_eq!((unexplained.status, unexplained.explained), (PairStatus::Partial, Some(false)));
    let pair = one(dropped(half, "tail_age_ms", "freeze"), &before, &after);
    assert_eq!((pair.status, pair.explained), (PairStatus::Partial, Some(true)));
    assert_eq!((pair.keys[0].state, pair.keys[0].code.as_deref()), (KeyState::Dropped, Some("velocity")));
    assert_eq!((pair.keys[2].state, pair.keys[2].code.as_deref()), (KeyState::Dropped, Some("freeze")));
}

#[test]
fn not_applied_needs_a_reason() {
    let same = [(A, 60.0)];
    let silent = proposal(Some(false), &[(A, 5.0)]);
    let pair = one(silent.clone(), &same, &same);
    assert_eq!((pair.status, pair.reason, pair.claimed), (PairStatus::Failed, Why::NoReason, false));

    let coded = one(because(silent.clone(), "final_iteration"), &same, &same);
    assert_eq!(coded.status, PairStatus::Skipped);
    assert_eq!(coded.reason.to_string(), "final_iteration");

    let mut noted = silent.clone();
    noted.skip = Some(SkipReason { code: None, note: Some("no_runtime_path".into()) });
    assert_eq!(one(noted, &same, &same).reason.to_string(), "no_runtime_path");

    let mut blank = silent.clone();
    blank.skip = Some(SkipReason { code: Some("".into()), note: Some("  ".into()) });
    assert_eq!(one(blank, &same, &same).status, PairStatus::Failed);

    let mut flagged = silent.clone();
    flagged.guards.insert(Guard::Velocity);
    flagged.guards.insert(Guard::Cooldown);
    flagged.skip = Some(SkipReason { code: None, note: Some("too fast".into()) });
    assert_eq!(one(flagged, &same, &same).reason.to_string(), "velocity + cooldown: too fast");

    let all = one(dropped(silent, A, "velocity"), &same, &same);
    assert_eq!((all.status, all.reason), (PairStatus::Skipped, Why::AllDropped));
}

#[test]
fn a_latency_tag_shapes_a_proposal_and_is_no_reason_to_skip_it() {
    let mut tuning = proposal(Some(false), &[(A, 5.0)]);
    tuning.guards.insert(Guard::LatencySoft);
    tuning.guards.insert(Guard::LatencyHard);
    assert_eq!(one(tuning, &[(A, 60.0)], &[(A, 60.0)]).status, PairStatus::Failed);
}

#[test]
fn values_that_changed_by_something_else_fail() {
    let pair = one(proposal(Some(true), &[(A, 5.0)]), &[(A, 60.0)], &[(A, 66.0)]);
    assert_eq!((pair.status, &pair.reason), (PairStatus::Failed, &Why::ValuesDiffer));
    assert_eq!((pair.keys[0].state, pair.keys[0].stored_as_value), (KeyState::Mismatch, false));
}

#[test]
fn an_increment_stored_as_the_value_is_named() {
    let pair = one(proposal(Some(true), &[(A, 5.0)]), &[(A, 60.0)], &[(A, 5.0)]);
    assert_eq!(pair.status, PairStatus::Failed);
    assert_eq!((pair.keys[0].state, pair.keys[0].stored_as_value), (KeyState::Mismatch, true));
    // From zero, adding and storing are the same thing.
    let from_zero = one(proposal(Some(true), &[(A, 5.0)]), &[(A, 0.0)], &[(A, 5.0)]);
    assert_eq!(from_zero.status, PairStatus::Full);
}

#[test]
fn a_claim_without_any_change_is_stuck() {
    let pair = one(proposal(Some(true), &[(A, 5.0)]), &[(A, 60.0)], &[(A, 60.0)]);
    assert_eq!((pair.status, pair.reason), (PairStatus::Stuck, Why::SameOverrides));
    let other = one(proposal(Some(true), &[(A, 5.0)]), &[(A, 60.0), (B, 0.1)], &[(A, 60.0), (B, 0.09)]);
    assert_eq!(other.status, PairStatus::Failed, "another parameter moved, so it is not stuck");
    let beside_zero =
        one(proposal(Some(true), &[(A, 5.0), (B, 0.0)]), &[(A, 60.0), (B, 0.1)], &[(A, 60.0), (B, 0.1)]);
    assert_eq!(beside_zero.status, PairStatus::Stuck);
}

#[test]
fn an_increment_of_zero_that_changes_nothing_is_full() {
    assert_eq!(one(proposal(Some(true), &[(A, 0.0)]), &[(A, 60.0)], &[(A, 60.0)]).status, PairStatus::Full);
}

#[test]
fn a_recorded_bound_makes_a_shorter_step_capped() {
    let down = || proposal(Some(true), &[(B, -0.01)]);
    let state = |tuning, after: f64| one(tuning, &[(B, 0.085)], &[(B, after)]).keys[0].state;
    let mismatch = KeyState::Mismatch;
    assert_eq!(state(bounded(down(), B, Some(0.08), true), 0.08), KeyState::Capped);
    assert_eq!(state(bounded(down(), B, Some(0.08), false), 0.08), mismatch, "no bound was recorded");
    assert_eq!(state(bounded(down(), B, Some(0.081), true), 0.08), mismatch, "another value was recorded");
    assert_eq!(state(bounded(down(), B, None, true), 0.08), mismatch, "no value was recorded");
    assert_eq!(state(bounded(down(), B, Some(0.09), true), 0.09), mismatch, "the wrong way");
    assert_eq!(state(bounded(down(), B, Some(0.07), true), 0.07), mismatch, "further than proposed");
    assert_eq!(state(bounded(down(), A, Some(0.08), true), 0.08), mismatch, "another parameter's bound");
    let pair = one(bounded(down(), B, Some(0.08), true), &[(B, 0.085)], &[(B, 0.08)]);
    assert_eq!(pair.status, PairStatus::Full, "capped counts as applied");
}

#[test]
fn a_value_that_is_on_one_side_only_is_missing() {
    for (before, after) in [(&[(B, 0.1)][..], &[(A, 65.0)][..]), (&[(A, 60.0)], &[(B, 0.1)])] {
        let pair = one(proposal(Some(true), &[(A, 5.0)]), before, after);
        assert_eq!((pair.status, &pair.keys[0].state), (PairStatus::Failed, &KeyState::Missing));
        assert_eq!(pair.keys[0].change, None);
        let rows =
            vec![(1, proposal(Some(true), &[(A, 5.0)]), Some(before)), (2, Tuning::default(), Some(after))];
        assert_eq!(check(rows).counts.missing_values, 1);
    }
    let unseen = check(vec![(1, proposal(Some(true), &[(A, 5.0)]), None), (2, Tuning::default(), None)]);
    assert_eq!(unseen.counts.missing_values, 0, "without overrides nothing is missing from them");
}

#[test]
fn without_overrides_a_claim_is_unverifiable_unless_its_hashes_agree() {
    let claim = || proposal(Some(true), &[(A, 5.0)]);
    let status = |tuning| {
        let found = check(vec![(1, tuning, None), (2, Tuning::default(), None)]);
        (found.pairs[0].status, found.pairs[0].reason.clone())
    };
    assert_eq!(status(claim()), (PairStatus::Unverifiable, Why::NoOverrides));
    assert_eq!(status(hashes(claim(), "aa", "bb")), (PairStatus::Unverifiable, Why::NoOverrides));
    assert_eq!(status(hashes(claim(), "aa", "aa")), (PairStatus::Stuck, Why::SameHash));
    let overrides: &[(&str, f64)] = &[(A, 60.0)];
    for sides in [(Some(overrides), None), (None, Some(overrides))] {
        let found = check(vec![(1, claim(), sides.0), (2, Tuning::default(), sides.1)]);
        assert_eq!(found.pairs[0].status, PairStatus::Unverifiable);
    }
}

#[test]
fn a_gap_hides_the_values_but_not_the_reason() {
    let overrides: &[(&str, f64)] = &[(A, 60.0)];
    let later: &[(&str, f64)] = &[(A, 65.0)];
    let found = check(vec![
        (1, proposal(Some(true), &[(A, 5.0)]), Some(overrides)),
        (3, because(proposal(Some(false), &[(A, 5.0)]), "velocity"), Some(later)),
        (5, Tuning::default(), Some(later)),
    ]);
    assert_eq!((found.pairs[0].status, found.pairs[0].next), (PairStatus::Unverifiable, Next::Gap));
    assert_eq!(found.pairs[0].reason.to_string(), "iteration 2 is missing");
    assert_eq!((found.pairs[1].status, found.pairs[1].next), (PairStatus::Skipped, Next::Gap));
    assert_eq!((found.pairs[0].to, found.pairs[1].to), (Some(2), Some(4)));
}

#[test]
fn the_end_state_follows_the_last_iteration_that_carries_overrides() {
    let claim = || proposal(Some(true), &[(A, 5.0)]);
    let (start, moved) = (values(&[(A, 60.0)]), values(&[(A, 65.0)]));
    let last = |overrides, end| {
        let found = verify(&series(vec![(7, claim(), overrides)]), &BTreeMap::new(), end);
        (found.pairs[0].status, found.pairs[0].next)
    };
    let own: Option<&[(&str, f64)]> = Some(&[(A, 60.0)]);
    assert_eq!(last(own, Some(&moved)), (PairStatus::Full, Next::EndState));
    assert_eq!(last(own, Some(&start)), (PairStatus::Stuck, Next::EndState));
    assert_eq!(last(own, None), (PairStatus::Unverifiable, Next::Nothing));
    assert_eq!(last(None, Some(&moved)), (PairStatus::Unverifiable, Next::Nothing));
}

#[test]
fn the_end_state_says_nothing_about_earlier_iterations() {
    let end = values(&[(A, 65.0)]);
    let rows =
        vec![(1, proposal(Some(true), &[(A, 5.0)]), Some(&[(A, 60.0)][..])), (2, Tuning::default(), None)];
    let found = verify(&series(rows), &BTreeMap::new(), Some(&end));
    assert_eq!(found.pairs[0].status, PairStatus::Unverifiable);
}

#[test]
fn when_the_record_does_not_say_the_values_decide() {
    let silent = || proposal(None, &[(A, 5.0)]);
    let start = [(A, 60.0)];
    let moved = one(silent(), &start, &[(A, 65.0)]);
    assert_eq!((moved.status, moved.claimed), (PairStatus::Full, true));
    let still = one(silent(), &start, &start);
    assert_eq!((still.status, still.claimed), (PairStatus::Failed, false));
    let skipped = one(because(silent(), "velocity"), &start, &start);
    assert_eq!((skipped.status, skipped.claimed), (PairStatus::Skipped, false));
    let unseen = check(vec![(1, silent(), None), (2, Tuning::default(), None)]);
    assert_eq!((unseen.pairs[0].status, unseen.status), (PairStatus::Unverifiable, Status::Unverifiable));
}

#[test]
fn a_tuning_report_counts_only_where_the_iteration_has_no_record() {
    let report = || BTreeMap::from([(1, because(proposal(Some(false), &[(A, 5.0)]), "velocity"))]);
    let with = |own: Tuning| verify(&series(vec![(1, own, None)]), &report(), None).counts;
    assert_eq!(with(Tuning::default()).skipped, 1);
    // A proposal that was emptied on purpose stays empty.
    assert_eq!(with(proposal(Some(false), &[])).none, 1);
    assert_eq!(with(proposal(Some(true), &[(B, 0.01)])).unverifiable, 1);
    let other = verify(&series(vec![(2, Tuning::default(), None)]), &report(), None);
    assert_eq!(other.status, Status::NoProposals);
}

/// full, capped, explained, unexplained, skipped, failed, stuck, unverifiable (gap), in one series.
#[test]
fn both_ratios_follow_from_the_counts() {
    let at = |a: f64, b: f64| vec![(A, a), (B, b)];
    let sides: Vec<Vec<(&str, f64)>> = vec![
        at(60.0, 0.1),
        at(65.0, 0.1),  // 1 full: +5
        at(65.0, 0.11), // 2 explained: +0.01 applied, interval dropped
        at(65.0, 0.12), // 3 unexplained: +0.01 applied, interval unchanged
        at(65.0, 0.12), // 4 skipped
        at(64.0, 0.12), // 5 failed: proposed +5
        at(64.0, 0.12), // 6 stuck
        at(80.0, 0.12), // 7 quiet, then a gap behind 8
        at(80.0, 0.12),
    ];
    let both = || proposal(Some(true), &[(A, 5.0), (B, 0.01)]);
    let single = || proposal(Some(true), &[(A, 5.0)]);
    let tunings = vec![
        single(),
        dropped(both(), A, "velocity"),
        both(),
        because(proposal(Some(false), &[(A, 5.0)]), "cooldown"),
        single(),
        single(),
        Tuning::default(),
        single(),
        Tuning::default(),
    ];
    let numbers = [1, 2, 3, 4, 5, 6, 7, 8, 10];
    let rows = numbers
        .into_iter()
        .zip(tunings)
        .zip(&sides)
        .map(|((number, tuning), overrides)| (number, tuning, Some(overrides.as_slice())))
        .collect();
    let found = check(rows);
    let expected = Counts {
        none: 2,
        proposed: 7,
        full: 1,
        partial_explained: 1,
        partial_unexplained: 1,
        skipped: 1,
        failed: 1,
        stuck: 1,
        unverifiable: 1,
        claimed: 6,
        missing_values: 0,
    };
    assert_eq!(found.counts, expected);
    assert_eq!(found.status, Status::Verified);
    assert_eq!(found.full_apply_ratio, Some(3.0 / 7.0));
    assert_eq!(found.strict_apply_ratio, Some(1.0 / 6.0));
    // Interval: unexplained, failed and stuck; the gap and the explained one are no misses.
    assert_eq!(found.misses, BTreeMap::from([(ParamName::flat(A), 3)]));
}

#[test]
fn nothing_proposed_has_no_ratios() {
    let found = check(vec![(1, proposal(Some(false), &[]), None), (2, Tuning::default(), None)]);
    assert_eq!((found.status, found.counts.none), (Status::NoProposals, 2));
    assert_eq!((found.full_apply_ratio, found.strict_apply_ratio), (None, None));
    assert_eq!(check(Vec::new()).status, Status::NoProposals);
}

#[test]
fn an_old_folder_where_no_claim_can_be_seen_is_unverifiable() {
    let found = check(vec![
        (1, hashes(proposal(Some(true), &[(A, 5.0)]), "aa", "bb"), None),
        (2, because(proposal(Some(false), &[(A, 5.0)]), "no_op"), None),
        (3, Tuning::default(), None),
    ]);
    assert_eq!(found.status, Status::Unverifiable);
    assert_eq!((found.full_apply_ratio, found.strict_apply_ratio), (None, None));
    assert_eq!((found.counts.skipped, found.counts.unverifiable), (1, 1));
}

#[test]
fn skips_alone_are_verified_and_nothing_was_applied() {
    let found = check(vec![(1, because(proposal(Some(false), &[(A, 5.0)]), "no_op"), None)]);
    assert_eq!((found.status, found.full_apply_ratio), (Status::Verified, Some(1.0)));
    assert_eq!(found.strict_apply_ratio, None);
}

#[test]
fn details_are_kept_for_so_many_pairs_and_counts_for_all() {
    let count = DETAILED_PAIRS as u64 + 5;
    let rows = (1..=count)
        .map(|number| (number, because(proposal(Some(false), &[(A, 5.0)]), "velocity"), None))
        .chain((1..=count).map(|at| (count + at, proposal(Some(true), &[(A, 5.0)]), None)))
        .chain([(2 * count + 1, proposal(Some(false), &[(A, 5.0)]), None)])
        .collect();
    let found = check(rows);
    assert_eq!((found.counts.skipped, found.counts.unverifiable), (DETAILED_PAIRS + 5, DETAILED_PAIRS + 5));
    assert_eq!(found.pairs.len(), 2 * DETAILED_PAIRS + 11);
    assert_eq!(found.pairs.iter().filter(|pair| !pair.keys.is_empty()).count(), 2 * DETAILED_PAIRS + 1);
    assert!(!found.pairs[2 * DETAILED_PAIRS + 10].keys.is_empty(), "the failing one keeps its details");
}

#[test]
fn the_highest_possible_number_does_not_overflow() {
    let found = check(vec![(u64::MAX, proposal(Some(true), &[(A, 5.0)]), None)]);
    assert_eq!(found.pairs[0].next, Next::Nothing);
}
