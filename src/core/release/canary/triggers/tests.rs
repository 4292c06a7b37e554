//! Steps are letters: `.` nobody saw it, `g` good (300), `b` bad (600), `w` worse (900), `e` exactly the limit (500).

use super::*;
use crate::core::release::canary::fixture::{latency_trigger, readings, rules, watch};
use crate::core::verdict::Comparison;

fn values(steps: &str) -> Vec<Option<f64>> {
    let value = |step| match step {
        'g' => Some(300.0),
        'b' => Some(600.0),
        'w' => Some(900.0),
        'e' => Some(500.0),
        _ => None,
    };
    steps.chars().map(value).collect()
}

fn looked(steps: &str, for_minutes: u64) -> TriggerSeen {
    let watch = watch(5 * i64::try_from(steps.len()).expect("a few"));
    look(&latency_trigger(for_minutes), "ms", &readings(values(steps)), &watch, &rules(), false)
}

/// Good steps around, so that a gap does not decide.
fn among_good(steps: &str) -> String {
    format!("{}{steps}{}", "g".repeat(30), "g".repeat(30))
}

#[test]
fn a_trigger_fires_at_its_minutes_and_not_a_step_before() {
    use Outcome::{Fail, Inconclusive, Pass};
    for (steps, minutes, outcome, held) in [
        ("b", 5, Fail, vec![(30, 30)]),
        ("b", 10, Pass, vec![]),
        ("bb", 10, Fail, vec![(30, 31)]),
        ("bb", 15, Pass, vec![]),
        ("bbb", 15, Fail, vec![(30, 32)]),
        ("bbbb", 15, Fail, vec![(30, 33)]),
        // A break, and the limit itself, which is not beyond it.
        ("bgb", 10, Pass, vec![]),
        ("beb", 10, Pass, vec![]),
        ("bbgbb", 10, Fail, vec![(30, 31), (33, 34)]),
        // What nobody saw is no break: between two bad steps it counts, at an end nobody knows.
        ("b.b", 15, Fail, vec![(30, 32)]),
        ("b.", 10, Inconclusive, vec![]),
        (".b", 10, Inconclusive, vec![]),
        ("b.", 15, Pass, vec![]),
        ("b.g", 10, Inconclusive, vec![]),
        // Nothing but what nobody saw is a gap, which is looked over while it is short.
        ("..", 10, Pass, vec![]),
        ("...", 10, Pass, vec![]),
        ("....", 10, Inconclusive, vec![]),
    ] {
        let seen = looked(&among_good(steps), minutes);
        assert_eq!((seen.check.outcome, seen.held.clone()), (outcome, held), "{steps} {minutes}: {seen:?}");
    }
}

#[test]
fn at_the_ends_of_the_time_the_same_holds() {
    assert_eq!(looked("bbgggggggg", 10).held, [(0, 1)]);
    assert_eq!(looked("ggggggggbb", 10).held, [(8, 9)]);
    assert_eq!(looked("gggggggggb", 10).check.outcome, Outcome::Pass);
    assert_eq!(looked("b", 10).check.outcome, Outcome::Inconclusive);
    // For who asks for what is due, what cannot have held yet plays no part; what nobody sees does.
    let so_far = |steps: &str| {
        let watch = watch(5 * i64::try_from(steps.len()).expect("a few"));
        look(&latency_trigger(10), "ms", &readings(values(steps)), &watch, &rules(), true).check.outcome
    };
    assert_eq!(["b", "g", "bb", "gg"].map(so_far), {
        [Outcome::NotApplicable, Outcome::NotApplicable, Outcome::Fail, Outcome::Pass]
    });
    assert_eq!([".", ""].map(so_far), [Outcome::Inconclusive; 2]);
    let early = looked("", 10).check;
    assert_eq!(early.outcome, Outcome::Inconclusive);
    assert_eq!(early.reason, "the first step ends at 2026-03-01T00:05:00Z");
}

#[test]
fn a_floor_is_missed_below() {
    let floor = Trigger {
        comparison: Comparison::Below,
        limit: crate::core::judge::fixture::limit(0.7),
        ..latency_trigger(10)
    };
    let of = |values: &[f64]| {
        let watch = watch(5 * i64::try_from(values.len()).expect("a few"));
        look(&floor, "", &readings(values.iter().copied().map(Some)), &watch, &rules(), false).check
    };
    let check = of(&[0.8, 0.69, 0.5, 0.8]);
    assert_eq!(
        (check.outcome, check.observed, check.comparison),
        (Outcome::Fail, Some(0.69), Some(Comparison::AtLeast))
    );
    assert!(check.margin.is_some_and(|margin| (margin + 0.01).abs() < 1e-12));
    let check = of(&[0.8, 0.5, 0.7, 0.5]);
    assert_eq!((check.outcome, check.observed, check.margin), (Outcome::Pass, Some(0.7), Some(0.0)));
}

#[test]
fn the_ladder_tells_the_level_that_was_held_and_from_when_to_when() {
    let check = looked("ggbwbgg", 10).check;
    // Of "bw" and "wb" the mildest is 600; of three in a row, too.
    assert_eq!((check.observed, check.limit, check.margin), (Some(600.0), Some(500.0), Some(-100.0)));
    assert_eq!(check.comparison, Some(Comparison::AtMost));
    assert_eq!(
        check.reason,
        "> 500 ms held from 2026-03-01T00:10:00Z to 2026-03-01T00:25:00Z: 600 ms, 900 ms, 600 ms"
    );
    assert_eq!((check.window.first, check.window.last, check.window.n), (Some(1), Some(7), 7));
    // The level is beyond the limit exactly where the trigger held, whatever the steps are.
    let letters = ['.', 'g', 'b', 'w', 'e'];
    for code in 0..5_usize.pow(6) {
        let steps: String = (0..6).map(|place| letters[code / 5_usize.pow(place) % 5]).collect();
        for minutes in [5, 10, 15] {
            let seen = looked(&steps, minutes);
            let is_beyond = seen.check.observed.is_some_and(|level| level > 500.0);
            assert_eq!(is_beyond, !seen.held.is_empty(), "{steps} {minutes}: {seen:?}");
        }
    }
}

#[test]
fn a_metric_without_values_is_never_a_pass() {
    let watch = watch(60);
    let of = |readings: &Readings, is_optional| {
        look(&Trigger { is_optional, ..latency_trigger(10) }, "ms", readings, &watch, &rules(), false)
            .check
            .outcome
    };
    let (absent, broken) = (Readings::absent(12, "no series"), Readings::broken(12, "2 series"));
    assert_eq!(
        [false, true].map(|optional| of(&absent, optional)),
        [Outcome::Inconclusive, Outcome::NotApplicable]
    );
    assert_eq!([false, true].map(|optional| of(&broken, optional)), [Outcome::Invalid; 2]);
    // Optional is what nobody ever measured, not what went away.
    let gone = Readings { values: values("gggggg......"), trouble: None };
    assert_eq!(of(&gone, true), Outcome::Inconclusive);
}
