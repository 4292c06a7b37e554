//! Collections that failed up to the end of the window: what the run was like when it was last looked at is unknown.

use super::{count, list_numbers};
use crate::core::policy::Policy;
use crate::core::series::window::Window;
use crate::core::series::{Row, Series};
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};

/// As many failed collections in a row as end a run (`patience.failed_collections`) are a FAIL at the end of the
/// window; `None` = every collection of the window succeeded.
pub fn check(series: &Series, window: &Window, policy: &Policy) -> Option<Check> {
    let source = policy.source_of("patience.failed_collections");
    judge(series, window, policy.run.patience.failed_collections, source)
}

fn judge(series: &Series, window: &Window, most: u64, source: Option<LimitSource>) -> Option<Check> {
    let rows = &series.rows()[window.positions.clone()];
    let failed: Vec<u64> = rows.iter().filter(|row| is_failed(row)).map(|row| row.number).collect();
    let at_the_end: Vec<&Row> = rows.iter().rev().take_while(|row| is_failed(row)).collect();
    let last = rows.iter().rev().find_map(|row| row.collection_failed.as_deref())?;
    let n = at_the_end.len();
    let (outcome, reason) = if n as u64 >= most {
        let numbers = list_numbers(&at_the_end.iter().rev().map(|row| row.number).collect::<Vec<_>>());
        (Outcome::Fail, format!("the last {} failed ({numbers}): {last}", count(n, "collection")))
    } else {
        let failed = format!("{} of {} failed", failed.len(), count(rows.len(), "collection"));
        (Outcome::Pass, format!("{failed}, {n} of them at the end of the window, where {most} are too many"))
    };
    Some(Check {
        part: Part::RunVerdict,
        gate: "run_verdict.collections".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Hard,
        window: window.used(),
        statistic: "failed collections at the end".to_owned(),
        comparison: Some(Comparison::Below),
        limit: Some(most as f64),
        observed: Some(n as f64),
        margin: Some(most as f64 - n as f64),
        outcome,
        reason,
        limit_source: source,
        joins: true,
        inference: None,
    })
}

fn is_failed(row: &Row) -> bool {
    row.collection_failed.is_some()
}

#[cfg(test)]
mod tests {
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
}
