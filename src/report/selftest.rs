//! What `selftest` prints for people, as text and Markdown: a row a fault, then what nothing notices.

use std::fmt::Write as _;

use crate::core::judge::count;
use crate::core::selftest::result::{SelftestResult, SelftestRow};
use crate::core::selftest::{Notice, Reaction};
use crate::core::verdict::Outcome;
use crate::report::terminal::{self, Style};
use crate::report::text::{cell, printable};

/// The table, the reasons, and what it comes to.
pub fn text(result: &SelftestResult, style: Style) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "Selftest of {}", printable(&result.path));
    let _ = writeln!(text, "{}\n", about(result));
    let head = ["fault", "KPI", "verdict", "exit", "", "by"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(result.rows.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| terminal::width(&row[column])).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padded = terminal::padded(cell, width);
            let verdict = index.checked_sub(1).map(|at| result.rows[at].verdict).filter(|_| column == 2);
            line += &verdict.map_or_else(|| padded.clone(), |verdict| style.paint(verdict, &padded));
            line += "  ";
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("\nFaults and results:\n");
    for row in result.rows.iter().skip(1) {
        let _ = writeln!(text, "  {}: {}", row.name(), printable(&row.what));
        for reaction in row.reactions.iter().take(3) {
            let _ = writeln!(text, "    {}: {}", change(reaction), printable(&reaction.reason));
        }
    }
    for note in &result.notes {
        let _ = writeln!(text, "\nnote: {}", printable(note));
    }
    let _ = writeln!(text, "\n{}", summary(result));
    text
}

/// What is judged by what.
fn about(result: &SelftestResult) -> String {
    let symbol = result
        .symbol
        .as_deref()
        .map_or_else(String::new, |symbol| format!(", faults in symbol {}", printable(symbol)));
    format!(
        "{} put into a copy of the run, one at a time; limits: {}{symbol}. The run itself was only read.",
        count(result.rows.len().saturating_sub(1), "fault"),
        result.limits
    )
}

/// Fault, KPI, verdict, exit code, how well it was noticed, by which gates.
fn cells(row: &SelftestRow) -> [String; 6] {
    const MOST: usize = 2;
    let mut gates: Vec<String> = row
        .reactions
        .iter()
        .take(MOST)
        .map(|reaction| {
            let advisory = if reaction.joins { "" } else { " (advisory)" };
            format!("{}{advisory}", reaction.gate)
        })
        .collect();
    if row.reactions.len() > MOST {
        gates.push(format!("and {} more", row.reactions.len() - MOST));
    }
    let notice = match (row.notice, row.must_be_caught) {
        (None, _) => "",
        (Some(Notice::Hidden), _) => "CANNOT TELL",
        (Some(Notice::Caught), _) => "caught",
        (Some(_), true) => "NOT CAUGHT",
        (Some(Notice::Missed), false) => "nothing notices it",
        (Some(notice), false) => notice.into(),
    };
    [
        row.fault.clone(),
        row.kpi.clone().unwrap_or_default(),
        row.verdict.word().to_owned(),
        row.exit_code.to_string(),
        notice.to_owned(),
        gates.join(", "),
    ]
}

/// `run_verdict.pass_count PASS -> FAIL`.
fn change(reaction: &Reaction) -> String {
    let before = reaction.before.map_or("no check", Outcome::word);
    format!("{} {before} -> {}", reaction.gate, reaction.after.word())
}

/// What it comes to, in sentences.
fn summary(result: &SelftestResult) -> String {
    let of = |notice: Notice| -> Vec<String> {
        let rows = result.rows.iter().filter(|row| row.notice == Some(notice));
        rows.map(SelftestRow::name).collect()
    };
    let passes = result.rows.first().is_some_and(|row| row.exit_code == 0);
    let mut sentences = Vec::new();
    if !result.not_caught.is_empty() {
        sentences.push(format!(
            "NOT OK: the gate lets through what it must stop: {}.",
            result.not_caught.join(", ")
        ));
    }
    if !result.hidden.is_empty() {
        sentences.push(format!(
            "CANNOT TELL: this run does not pass, so it fails with or without: {}. Take a run that passes.",
            result.hidden.join(", ")
        ));
    }
    if result.not_caught.is_empty() && result.hidden.is_empty() {
        let must = result.rows.iter().filter(|row| row.must_be_caught).count();
        sentences.push(format!("OK: the gate stops each of the {} that it must stop.", count(must, "fault")));
    }
    let run_passes = if passes { ", and the run passes" } else { "" };
    let (warned, advised) = (of(Notice::Warned), of(Notice::Advised));
    if !warned.is_empty() {
        sentences.push(format!("A warning{run_passes}: {}.", warned.join(", ")));
    }
    if !advised.is_empty() {
        sentences.push(format!("Seen by advisory checks alone{run_passes}: {}.", advised.join(", ")));
    }
    if result.missed.is_empty() {
        sentences.push("There is no fault that nothing notices.".to_owned());
    } else {
        sentences.push(format!("Nothing notices: {}.", result.missed.join(", ")));
    }
    sentences.join("\n")
}

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
