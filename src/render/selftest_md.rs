//! What `selftest` found, as Markdown.
//!
//! Must not judge; the words are those of the text.

use std::fmt::Write as _;

use super::markdown::cell;
use super::selftest_text::{about, cells, change, summary};
use crate::wire::selftest_result::SelftestResult;

/// A table, what it comes to, and what was done.
pub fn md(result: &SelftestResult) -> String {
    let mut md = format!("### Selftest of {}\n\n{}\n\n", cell(&result.path), cell(&about(result)));
    md.push_str("| fault | KPI | verdict | exit | | by |\n| --- | --- | --- | --: | --- | --- |\n");
    for row in &result.rows {
        // Writing to a string cannot fail.
        let _ = writeln!(md, "| {} |", cells(row).each_ref().map(|text| cell(text)).join(" | "));
    }
    md.push('\n');
    for sentence in summary(result).lines() {
        let _ = writeln!(md, "- {}", cell(sentence));
    }
    md.push_str("\nWhat was done:\n\n");
    for row in result.rows.iter().skip(1) {
        let said = row.reactions.first().map_or_else(
            || "nothing".to_owned(),
            |reaction| format!("{}: {}", change(reaction), reaction.reason),
        );
        let _ = writeln!(md, "- {}: {}; said: {}", cell(&row.name()), cell(&row.what), cell(&said));
    }
    for note in &result.notes {
        let _ = writeln!(md, "\nNote: {}", cell(note));
    }
    md
}
