//! Hours, looks between them, and the time after a rollback.

use super::*;
use crate::core::policy::release::CanaryRules;
use crate::core::release::canary::fixture::{readings, rules, terms, watch};

/// One value for each step, by its number from 1.
fn by_step(steps: u32, value: impl Fn(u32) -> Option<f64>) -> Readings {
    readings((1..=steps).map(value))
}

fn hour_1(minutes: i64, readings: &Readings) -> Block {
    let terms = terms(&rules());
    at_hour(&terms.hours[0], &terms, &watch(minutes), false, |_| readings)
}

fn only(block: &Block) -> &Check {
    let [limit] = block.limits.as_slice() else { panic!("{block:?}") };
    &limit.check
}

#[test]
fn an_hour_is_due_with_its_minute() {
    let flat = by_step(12, |_| Some(300.0));
    let early = hour_1(59, &flat);
    assert_eq!((early.is_due, early.outcome()), (false, Outcome::Inconclusive));
    assert_eq!(only(&early).reason, "due at 2026-03-01T01:00:00Z");
    let due = hour_1(60, &flat);
    assert_eq!((due.is_due, due.outcome()), (true, Outcome::Pass));
    // For who asks for what is due, what is not due plays no part.
    let terms = terms(&rules());
    let so_far = at_hour(&terms.hours[0], &terms, &watch(59), true, |_| &flat);
    assert_eq!(only(&so_far).outcome, Outcome::NotApplicable);
}

#[test]
fn the_limit_itself_holds_and_what_is_beyond_it_does_not() {
    for (value, outcome) in [(399.9999, Outcome::Pass), (400.0, Outcome::Pass), (400.0001, Outcome::Fail)] {
        let block = hour_1(60, &by_step(12, |_| Some(value)));
        assert_eq!(only(&block).outcome, outcome, "{value}");
    }
    let block = hour_1(60, &by_step(12, |_| Some(400.0001)));
    assert_eq!(only(&block).reason, "mean 400.0001 ms is not <= 400 ms");
    assert_eq!(only(&block).limit_source.as_ref().map(|source| source.key.is_empty()), Some(false));
}

#[test]
fn the_window_of_an_hour_ends_with_it_and_nothing_else_is_looked_at() {
    // Twelve steps up to hour 6 are steps 61 to 72; all others would fail.
    let inside = by_step(80, |step| Some(if (61..=72).contains(&step) { 300.0 } else { 900.0 }));
    let terms = terms(&rules());
    let block = at_hour(&terms.hours[1], &terms, &watch(400), false, |_| &inside);
    let check = only(&block);
    assert_eq!((check.outcome, check.observed), (Outcome::Pass, Some(300.0)));
    assert_eq!((check.window.first, check.window.last, check.window.n), (Some(61), Some(72), 12));
    for step in [61, 72] {
        let one = by_step(80, |number| Some(if number == step { 1500.0 } else { 300.0 }));
        let block = at_hour(&terms.hours[1], &terms, &watch(400), false, |_| &one);
        // (11 * 300 + 1500) / 12
        assert_eq!(only(&block).observed, Some(400.0), "{step}");
    }
}

#[test]
fn too_few_steps_or_none_are_not_judged() {
    let with = |missing: u32| by_step(12, move |step| (step > missing).then_some(300.0));
    // 11 of 12 are 91.7 %, 10 are 83.3 %.
    assert_eq!(hour_1(60, &with(1)).outcome(), Outcome::Pass);
    assert_eq!(hour_1(60, &with(2)).outcome(), Outcome::Inconclusive);
    assert_eq!(hour_1(60, &with(12)).outcome(), Outcome::Inconclusive);
    assert_eq!(hour_1(60, &Readings::broken(12, "2 series")).outcome(), Outcome::Invalid);
    // A limit that cannot be said is no limit that holds.
    let terms = terms(&rules());
    let mut hour = terms.hours[0].clone();
    hour.limits[0].limit = None;
    let flat = by_step(12, |_| Some(300.0));
    let block = at_hour(&hour, &terms, &watch(60), false, |_| &flat);
    assert_eq!(block.outcome(), Outcome::Inconclusive);
    assert!(only(&block).reason.starts_with("no limit can be said: "));
}

#[test]
fn between_two_hours_one_look_that_misses_warns_and_two_in_a_row_fail() {
    // Hour 1 asks for a mean of 400 over twelve steps. So many high steps of 1600 at the end make it
    // 300 + 1300 * high / 12: one 408, none 300.
    let terms = terms(&rules());
    let now = |high: u32, steps: u32| {
        let values = by_step(steps, |step| Some(if step > steps - high { 1600.0 } else { 300.0 }));
        since_hour(&terms.hours[0], &terms, &watch(5 * i64::from(steps)), |_| &values)
    };
    assert_eq!(now(0, 12), None, "that is the hour's own");
    assert_eq!(now(0, 13).map(|block| block.outcome()), Some(Outcome::Pass));
    let once = now(1, 20).expect("a look");
    assert_eq!(only(&once).outcome, Outcome::Warn);
    assert!(only(&once).reason.ends_with("in 1 of 2 looks in a row"), "{once:?}");
    assert_eq!(now(2, 20).map(|block| block.outcome()), Some(Outcome::Fail));
    // The hour's own look is not counted again.
    assert_eq!(now(2, 13).map(|block| block.outcome()), Some(Outcome::Warn));
}

#[test]
fn after_a_rollback_every_step_of_its_minutes_must_hold() {
    use Outcome::{Fail, Inconclusive, Pass};
    // Steps of five minutes, thirty asked: six good ones in a row up to the last that was seen.
    for (steps, outcome) in [
        ("gggggg", Pass),
        ("ggggg", Inconclusive),
        ("bggggg", Inconclusive),
        ("bgggggg", Pass),
        ("ggggggb", Fail),
        ("b", Fail),
        ("gggggg...", Pass),
        ("gggggg....", Inconclusive),
        ("ggg.ggg", Inconclusive),
        ("", Inconclusive),
        ("...", Inconclusive),
    ] {
        let value = |step| match step {
            'g' => Some(350.0),
            'b' => Some(350.01),
            _ => None,
        };
        let values = readings(steps.chars().map(value));
        let terms = terms(&rules());
        let watch = watch(5 * i64::try_from(steps.len()).expect("a few"));
        let block = after_rollback(&terms, &watch, |_| &values);
        assert_eq!(block.outcome(), outcome, "{steps}: {block:?}");
    }
}

#[test]
fn minutes_that_are_no_whole_steps_are_rounded_up() {
    let terms = terms(&CanaryRules { after_rollback_minutes: 31, ..rules() });
    let of = |steps: u32| {
        let values = by_step(steps, |_| Some(300.0));
        after_rollback(&terms, &watch(5 * i64::from(steps)), |_| &values).outcome()
    };
    assert_eq!([of(6), of(7)], [Outcome::Inconclusive, Outcome::Pass]);
}
