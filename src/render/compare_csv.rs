//! Two runs side by side as CSV, for the readers of the earlier script: its header and its four rows, to the byte, and
//! behind them a row for each further KPI of the policy.
//!
//! Must not compare anything itself.

use std::fmt::Write as _;

use crate::core::number::fixed;
use crate::wire::compare_result::CompareResult;

/// The first line, with the remark that its readers know.
pub const HEADER: &str = "KPI,A,B,B-A (note: for latency smaller is better)";

const DIGITS: usize = 3;

/// One line a KPI; what is unknown is `nan`, as its readers know it.
pub fn csv(result: &CompareResult) -> String {
    let cell = |value: Option<f64>| value.map_or_else(|| "nan".to_owned(), |value| fixed(value, DIGITS));
    let mut csv = format!("{HEADER}\n");
    for row in &result.kpis {
        // Writing to a string cannot fail.
        let _ = writeln!(csv, "{},{},{},{}", row.kpi, cell(row.a.value), cell(row.b.value), cell(row.change));
    }
    csv
}
