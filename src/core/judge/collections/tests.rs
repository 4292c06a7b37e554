//! Tests of [`super`]: three in a row are too many, as they are for a run.

use super::super::fixture::{empty, series_of, whole};
use super::*;
use crate::core::iteration::Iteration;

/// Eight iterations, of which the collections of these failed.
fn judged(failed: &[u64]) -> Option<Check> {
    let series = series_of((1..=8).map(|number| Iteration {
        number,
        collection_failed:
            failed.contains(&number).then(|| format!("`net_bps`: no series ({number})").into()),
        ..empty()
    }));
    judge(&series, &whole(&series), 3, None)
}

#[test]
fn a_window_without_a_failed_collection_has_no_such_check() {
    assert_eq!(judged(&[]), None);
}

#[test]
fn three_failed_collections_at_the_end_are_a_fail_that_names_them() {
    for (failed, outcome, at_the_end) in [
        (&[8][..], Outcome::Pass, 1.0),
        (&[7, 8], Outcome::Pass, 2.0),
        (&[6, 7, 8], Outcome::Fail, 3.0),
        (&[1, 5, 6, 7, 8], Outcome::Fail, 4.0),
        // The source was mended, and the last iterations are known.
        (&[5, 6, 7], Outcome::Pass, 0.0),
    ] {
        let check = judged(failed).expect("a check");
        assert_eq!((check.outcome, check.observed), (outcome, Some(at_the_end)), "{failed:?}");
        assert_eq!((check.limit, check.margin), (Some(3.0), Some(3.0 - at_the_end)));
        assert!(check.joins && check.part == Part::RunVerdict);
    }
    let told = |failed: &[u64]| judged(failed).expect("a check").reason;
    assert_eq!(told(&[6, 7, 8]), "the last 3 collections failed (6-8): `net_bps`: no series (8)");
    assert_eq!(
        told(&[2, 8]),
        "2 of 8 collections failed, 1 of them at the end of the window, where 3 are too many"
    );
}
