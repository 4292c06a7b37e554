//! Collections that failed up to the end of the window: what the run was like when it was last looked at is unknown.

use super::{count, list_numbers};
use crate::core::policy::Policy;
use crate::core::series::{Row, Series};
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};
use crate::core::window::Window;

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
mod tests;
