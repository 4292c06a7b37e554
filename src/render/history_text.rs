//! The runs below a folder as text: a line for each, a sparkline for each KPI.
//!
//! Must not judge or compare anything itself.

use std::fmt::Write as _;

use super::markdown::printable;
use super::terminal::columns;
use crate::core::number::{fixed, trimmed};
use crate::wire::history_result::{HistoryResult, HistoryRun, HistoryTrend};

/// The heads of the columns; between verdict and n stand the KPIs.
fn head(result: &HistoryResult) -> Vec<String> {
    let kpis = result.trends.iter().map(|trend| trend.kpi.as_str());
    let names = ["start", "source", "verdict"].into_iter().chain(kpis).chain(["n", "run"]);
    names.map(str::to_owned).collect()
}

/// The table and the sparklines.
pub fn text(result: &HistoryResult) -> String {
    let mut table = vec![head(result)];
    table.extend(result.runs.iter().map(cells));
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

/// What stands in the line of a run.
pub fn cells(run: &HistoryRun) -> Vec<String> {
    let told = |text: Option<&String>| text.map_or_else(|| "n/a".to_owned(), |text| printable(text));
    let mut cells = vec![told(run.start.as_ref()), told(run.source.as_ref()), run.verdict.word().to_owned()];
    cells.extend(run.medians.values().map(|median| number(*median)));
    cells.push(run.window.n.to_string());
    cells.push(match &run.symbol {
        Some(symbol) => format!("{} ({})", printable(&run.path), printable(symbol)),
        None => printable(&run.path),
    });
    cells
}

/// From the oldest to the newest median, with the unit.
pub fn from_to(trend: &HistoryTrend) -> String {
    let unit = if trend.unit.is_empty() { String::new() } else { format!(" {}", trend.unit) };
    format!("{} → {}{unit}", number(trend.first), number(trend.last))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| trimmed(&fixed(value, 3)).to_owned())
}
