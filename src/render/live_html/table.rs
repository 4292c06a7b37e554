//! The table of the last iterations, as it stands in the page before any script runs.

use super::seconds;
use crate::core::number::fixed;
use crate::render::html::escape;
use crate::wire::live::{LiveDocument, LiveIterationRow, LiveKpi};

/// The KPIs that have a limit, in its order: the columns.
fn limited(document: &LiveDocument) -> Vec<&LiveKpi> {
    let find = |name: &str| document.kpis.iter().find(|kpi| kpi.name == name);
    document.limits.iter().filter_map(|limit| find(&limit.kpi)).collect()
}

/// The heads of the columns.
pub fn columns(document: &LiveDocument) -> String {
    let mut cells = String::new();
    let mut cell = |class: &str, text: &str| {
        cells.extend(["<th scope=\"col\"", class, ">", &escape(text), "</th>"]);
    };
    let text = " class=\"text\"";
    cell("", "Iteration");
    cell(text, "KPI verdict");
    cell(text, "In limits");
    for kpi in limited(document) {
        let unit = if kpi.unit == "ratio" { String::new() } else { format!(", {}", kpi.unit) };
        cell("", &format!("{}{unit}", kpi.label));
    }
    cell(text, "Phase");
    cell(text, "Tuning");
    cell(text, "Ended (UTC)");
    cells
}

/// The rows, newest first.
pub fn rows(document: &LiveDocument) -> String {
    let kpis = limited(document);
    document.iterations.iter().rev().map(|row| line(row, &kpis) + "\n").collect()
}

fn line(row: &LiveIterationRow, kpis: &[&LiveKpi]) -> String {
    let mut cells = String::new();
    let mut cell = |class: &str, text: &str| {
        cells.extend(["<td class=\"", class, "\">", &escape(text), "</td>"]);
    };
    let beyond = |is_beyond: bool| if is_beyond { "beyond" } else { "" };
    cell("", &row.iteration.to_string());
    match (&row.collection_failed, &row.kpi_verdict) {
        (Some(_), _) => cell("text result FAIL", "no data"),
        (None, Some(verdict)) => cell(&format!("text result {verdict}"), verdict),
        (None, None) => cell("text result", "–"),
    }
    cell(&format!("text {}", beyond(!row.passes)), if row.passes { "✓ yes" } else { "✗ no" });
    for kpi in kpis {
        let value = row.values.get(&kpi.name).map_or("–".to_owned(), |value| fixed(*value, kpi.decimals));
        cell(beyond(row.misses.contains(&kpi.name)), &value);
    }
    cell("text", &row.phase.to_lowercase());
    cell("text wide", what_happened(row));
    cell("text", row.utc.as_deref().map_or("–".to_owned(), seconds).as_str());
    format!("<tr>{cells}</tr>")
}

fn what_happened(row: &LiveIterationRow) -> &str {
    row.collection_failed.as_deref().unwrap_or(&row.tuning)
}
