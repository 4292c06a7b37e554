//! The runs below a folder as text and Markdown: a line for each, a sparkline for each KPI.

use std::fmt::Write as _;

use crate::core::compare::history::{HistoryResult, HistoryRun, HistoryTrend};
use crate::core::kpi::KpiId;
use crate::core::text::number::{fixed, trimmed};
use crate::report::terminal::columns;
use crate::report::text::{cell, printable};

/// The table and the sparklines.
pub fn text(result: &HistoryResult) -> String {
    let kpis = result.trends.iter().map(|trend| trend.kpi.as_str());
    let head = ["start", "source", "verdict"].into_iter().chain(kpis).chain(["n", "run"]);
    let mut table = vec![head.map(str::to_owned).collect()];
    table.extend(result.runs.iter().map(|run| cells(result, run)));
    let mut text = columns(&table);
    text.push('\n');
    let trends: Vec<Vec<String>> = result
        .trends
        .iter()
        .map(|trend| vec![trend.kpi.clone(), trend.sparkline.clone(), from_to(trend)])
        .collect();
    text.push_str(&columns(&trends));
    if result.found > result.runs.len() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "the {} newest of {} runs", result.runs.len(), result.found);
    }
    text
}

/// The line of a run.
fn cells(result: &HistoryResult, run: &HistoryRun) -> Vec<String> {
    let known = |text: Option<&String>| text.map_or_else(|| "n/a".to_owned(), |text| printable(text));
    let mut cells =
        vec![known(run.start.as_ref()), known(run.source.as_ref()), run.verdict.word().to_owned()];
    let medians = result.trends.iter().zip(run.medians.values());
    cells.extend(medians.map(|(trend, median)| number(trend.id, *median)));
    cells.push(run.window.n.to_string());
    cells.push(match &run.symbol {
        Some(symbol) => format!("{} ({})", printable(&run.path), printable(symbol)),
        None => printable(&run.path),
    });
    cells
}

/// From the oldest to the newest median, with the unit.
fn from_to(trend: &HistoryTrend) -> String {
    let unit = if trend.unit.is_empty() { String::new() } else { format!(" {}", trend.unit) };
    format!("{} → {}{unit}", number(trend.id, trend.first), number(trend.id, trend.last))
}

fn number(kpi: KpiId, value: Option<f64>) -> String {
    value.map_or_else(
        || "n/a".to_owned(),
        |value| trimmed(&fixed(value, kpi.decimals_from(3, value))).to_owned(),
    )
}

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
        let cells: Vec<String> = cells(result, run).iter().map(|text| cell(text)).collect();
        let _ = writeln!(md, "| {} |", cells.join(" | "));
    }
    md.push_str("\n| KPI | over the runs | from → to |\n| --- | --- | --- |\n");
    for trend in &result.trends {
        let _ =
            writeln!(md, "| {} | {} | {} |", cell(&trend.kpi), cell(&trend.sparkline), cell(&from_to(trend)));
    }
    md
}
