//! Two runs side by side as Markdown, to stand in a pull request.
//!
//! Must not compare anything itself; the words are those of the text.

use std::fmt::Write as _;

use super::compare_text::{about, cells, heading, sentences, summary};
use super::markdown::{cell, escaped};
use crate::wire::compare_result::CompareResult;

/// A table, what it comes to, and the sides.
pub fn md(result: &CompareResult) -> String {
    let mut md = "### Run comparison\n\n| KPI | statistic | A | B | B-A | |\n".to_owned();
    md.push_str("| --- | --- | --: | --: | --: | --- |\n");
    for row in &result.kpis {
        let cells = cells(row);
        // Writing to a string cannot fail.
        let _ = writeln!(md, "| {} |", cells.each_ref().map(|text| cell(text)).join(" | "));
    }
    let _ = writeln!(md, "\n{}\n", escaped(&summary(result)));
    if let Some(heading) = heading(result) {
        let _ = writeln!(md, "{}:\n", cell(&heading));
        for (kpi, sentence) in sentences(result) {
            // Ours, and as long as it is: what it takes to decide stands at its end.
            let _ = writeln!(md, "- {}: {}", cell(kpi), escaped(&sentence));
        }
        md.push('\n');
    }
    for (name, run) in [("A", &result.a), ("B", &result.b)] {
        let _ = writeln!(md, "- {name}: {}: {}", cell(&run.path), cell(&about(run)));
    }
    for note in &result.notes {
        let _ = writeln!(md, "- note: {}", cell(note));
    }
    md
}
