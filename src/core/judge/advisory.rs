//! Advisory checks on single iterations: violations and anomalies. They join the verdict only where the
//! policy says `gates = true`.

use crate::core::judge::{count, list_numbers};
use crate::core::policy::Policy;
use crate::core::series::anomalies::Anomaly;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{Row, Series};
use crate::core::verdict::violations::Violations;
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};

/// One check a KPI: no CRIT, no WARN.
pub fn violations(series: &Series, found: &Violations, policy: &Policy, numbers: &Ranges) -> Vec<Check> {
    let rules = &policy.violations;
    let window = Window::find(series, rules.window, &policy.windows, numbers);
    rules
        .rules
        .iter()
        .map(|rule| {
            let name = rule.kpi.name;
            let counts = found.by_kpi.iter().find(|counts| counts.kpi == rule.kpi);
            let (crit, warn) = counts.map_or((0, 0), |counts| (counts.crit, counts.warn));
            let (outcome, reason) = if counts.is_none_or(|counts| counts.no_data) {
                (Outcome::Warn, format!("`{name}` has no value to look at"))
            } else if crit > 0 {
                (
                    Outcome::Fail,
                    format!("`{name}` is CRIT in {} and WARN in {warn}", count(crit, "iteration")),
                )
            } else if warn > 0 {
                (Outcome::Warn, format!("`{name}` is WARN in {}", count(warn, "iteration")))
            } else {
                (Outcome::Pass, format!("`{name}` stays within WARN and CRIT"))
            };
            Check {
                part: Part::Violations,
                gate: format!("violations.{name}"),
                kpi: Some(name.to_owned()),
                symbol: series.symbol.clone(),
                severity: Severity::Hard,
                window: window.used(),
                statistic: "iterations beyond CRIT".to_owned(),
                comparison: Some(Comparison::AtMost),
                limit: Some(0.0),
                observed: Some(crit as f64),
                margin: Some(0.0 - crit as f64),
                outcome,
                reason,
                limit_source: Some(rule.crit.source.clone()),
                joins: rules.gates,
                inference: None,
            }
        })
        .collect()
}

/// One check: no anomaly in the last-n window.
pub fn anomalies(series: &Series, window: &Window, found: &[Anomaly], policy: &Policy) -> Check {
    let mut iterations: Vec<u64> = found.iter().map(|anomaly| anomaly.iteration).collect();
    iterations.dedup();
    let (outcome, reason) = match found.len() {
        0 if window.used().n == 0 => (Outcome::NotApplicable, "there is no iteration to look at".to_owned()),
        0 => (Outcome::Pass, "no spike, jump or drop".to_owned()),
        n => {
            let noun = if n == 1 { "anomaly" } else { "anomalies" };
            (Outcome::Warn, format!("{n} {noun} in iteration {}", list_numbers(&iterations)))
        }
    };
    Check {
        part: Part::Anomalies,
        gate: "anomalies.count".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Soft,
        window: window.used(),
        statistic: "count".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: Some(found.len() as f64),
        margin: Some(0.0 - found.len() as f64),
        outcome,
        reason,
        limit_source: Some(policy.anomalies.latency_spike.source.clone()),
        joins: policy.anomalies.gates,
        inference: None,
    }
}

/// As many failed collections in a row as end a run (`patience.failed_collections`) are a FAIL at the end of the
/// window; `None` = every collection of the window succeeded.
pub fn collections(series: &Series, window: &Window, policy: &Policy) -> Option<Check> {
    let source = policy.source_of("patience.failed_collections");
    failed_collections(series, window, policy.run.patience.failed_collections, source)
}

fn failed_collections(
    series: &Series,
    window: &Window,
    most: u64,
    source: Option<LimitSource>,
) -> Option<Check> {
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
mod collections_tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, series_of, whole};

    /// Eight iterations, of which the collections of these failed.
    fn judged(failed: &[u64]) -> Option<Check> {
        let series = series_of((1..=8).map(|number| Iteration {
            number,
            collection_failed:
                failed.contains(&number).then(|| format!("`net_bps`: no series ({number})").into()),
            ..empty()
        }));
        failed_collections(&series, &whole(&series), 3, None)
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
