//! Times and steps.

use super::*;
use crate::core::release::canary::fixture::{rules, start};

fn after(minutes: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minutes)
}

fn of(minutes: i64) -> Watch {
    Watch::new(start(), after(minutes), &rules(), Some(8.0)).expect("a watch")
}

#[test]
fn a_step_counts_when_it_is_over_and_none_after_the_end_of_the_watch() {
    assert_eq!(
        [0, 4, 5, 9, 10, 479, 480, 5000].map(|minutes| of(minutes).steps()),
        [0, 0, 1, 1, 2, 95, 96, 96]
    );
    assert_eq!((of(12).start_of(1), of(12).end_of(1)), (after(5), after(10)));
    let without_end = Watch::new(start(), after(5000), &rules(), None).expect("a watch");
    assert_eq!(without_end.steps(), 1000);
}

#[test]
fn a_start_to_come_and_a_canary_without_an_end_are_refused() {
    let told = |minutes, rules: &CanaryRules, longest| {
        Watch::new(start(), after(minutes), rules, longest)
            .map(|watch| watch.steps())
            .map_err(|error| error.to_string())
    };
    let future = "the start, 2026-03-01T00:00:00Z, is after now, 2026-02-28T23:59:00Z";
    assert_eq!(told(-1, &rules(), None), Err(future.to_owned()));
    assert_eq!(told(0, &rules(), None), Ok(0));
    assert_eq!(told(500_000, &rules(), None), Ok(100_000));
    assert!(told(500_005, &rules(), None).is_err_and(|told| told.contains("100001 steps")));
    // Numbers that no clock has.
    for step_minutes in [u64::MAX, 1 << 62, 1 << 40] {
        assert_eq!(told(5000, &CanaryRules { step_minutes, ..rules() }, Some(1e300)), Ok(0));
    }
    assert_eq!(later(start(), f64::MAX), DateTime::<Utc>::MAX_UTC);
    assert!(!of(10).has_passed(1e300));
}

#[test]
fn measurements_fall_into_the_steps_that_they_cover() {
    let at = |from, to, value| Stretch { from: after(from), to: after(to), value };
    let watch = of(20);
    assert_eq!(
        watch.put(&[at(0, 5, 1.0), at(5, 10, 2.0), at(15, 20, 4.0)]),
        [Some(1.0), Some(2.0), None, Some(4.0)]
    );
    // Iterations that do not begin with the canary: by the time that they share with a step.
    let shifted = watch.put(&[at(-2, 3, 10.0), at(3, 8, 20.0), at(8, 13, 30.0)]);
    let expected = [(3.0 * 10.0 + 2.0 * 20.0) / 5.0, (3.0 * 20.0 + 2.0 * 30.0) / 5.0, 30.0];
    assert_eq!(shifted, [Some(expected[0]), Some(expected[1]), Some(expected[2]), None]);
    // 3 of 5 minutes are enough, 2 are not; a long one covers many.
    assert_eq!(watch.put(&[at(0, 2, 1.0), at(5, 8, 1.0)]), [None, Some(1.0), None, None]);
    assert_eq!(watch.put(&[at(0, 20, 7.0)]), [Some(7.0); 4]);
    // Before and after the time looked at, backwards, and not finite in the mean.
    assert_eq!(watch.put(&[at(-10, 0, 1.0), at(20, 30, 1.0), at(10, 5, 1.0)]), [None; 4]);
    assert_eq!(watch.put(&[at(0, 2, f64::MAX), at(2, 5, f64::MAX)])[0], None);
}
