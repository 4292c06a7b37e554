//! The runs below a folder as Markdown; the words are those of the text.

use std::fmt::Write as _;

use super::history_text::{cells, from_to};
use super::markdown::cell;
use crate::wire::history_result::HistoryResult;

/// A table of runs and one of trends.
pub fn md(result: &HistoryResult) -> String {
    let kpis = || result.trends.iter().map(|trend| cell(&trend.kpi));
    let mut md = "### Runs\n\n| start | source | verdict |".to_owned();
    for kpi in kpis() {
        // Writing to a string cannot fail.
        let _ = write!(md, " {kpi} |");
    }
    let _ = writeln!(md, " n | run |\n| --- | --- | --- |{} --: | --- |", " --: |".repeat(kpis().count()));
    for run in &result.runs {
        let cells: Vec<String> = cells(run).iter().map(|text| cell(text)).collect();
        let _ = writeln!(md, "| {} |", cells.join(" | "));
    }
    md.push_str("\n| KPI | over the runs | from → to |\n| --- | --- | --- |\n");
    for trend in &result.trends {
        let _ =
            writeln!(md, "| {} | {} | {} |", cell(&trend.kpi), cell(&trend.sparkline), cell(&from_to(trend)));
    }
    md
}
