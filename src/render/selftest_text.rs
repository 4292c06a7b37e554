//! What `selftest` prints for people: a row a fault, then what nothing notices, in plain words.
//!
//! Must not judge; the words are shared with the Markdown.

use std::fmt::Write as _;

use super::markdown::printable;
use super::terminal::Style;
use crate::core::judge::count;
use crate::wire::selftest_result::{SelftestReaction, SelftestResult, SelftestRow};

/// The table, the reasons, and what it comes to.
pub fn text(result: &SelftestResult, style: Style) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "Selftest of {}", printable(&result.path));
    let _ = writeln!(text, "{}\n", about(result));
    let head = ["fault", "KPI", "verdict", "exit", "", "by"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(result.rows.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padded = format!("{cell:<width$}");
            let verdict = index.checked_sub(1).map(|at| result.rows[at].verdict).filter(|_| column == 2);
            line += &verdict.map_or_else(|| padded.clone(), |verdict| style.paint(verdict, &padded));
            line += "  ";
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("\nWhat was done, and what was said:\n");
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
pub fn about(result: &SelftestResult) -> String {
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
pub fn cells(row: &SelftestRow) -> [String; 6] {
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
    let notice = match (row.notice.as_deref(), row.must_be_caught) {
        (Some("hidden"), _) => "CANNOT TELL",
        (Some(notice), true) if notice != "caught" => "NOT CAUGHT",
        (Some("missed"), false) => "nothing notices it",
        (Some(notice), _) => notice,
        (None, _) => "",
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
pub fn change(reaction: &SelftestReaction) -> String {
    let before = reaction.before.map_or("no check", crate::core::verdict::Outcome::word);
    format!("{} {before} -> {}", reaction.gate, reaction.after.word())
}

/// What it comes to, in sentences.
pub fn summary(result: &SelftestResult) -> String {
    let of = |notice: &str| -> Vec<String> {
        let rows = result.rows.iter().filter(|row| row.notice.as_deref() == Some(notice));
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
            "CANNOT TELL: this run does not pass, so that it is stopped with or without: {}. Take a run that passes.",
            result.hidden.join(", ")
        ));
    }
    if result.not_caught.is_empty() && result.hidden.is_empty() {
        let must = result.rows.iter().filter(|row| row.must_be_caught).count();
        sentences.push(format!("OK: the gate stops each of the {} that it must stop.", count(must, "fault")));
    }
    let run_passes = if passes { ", and the run passes" } else { "" };
    let (warned, advised) = (of("warned"), of("advised"));
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
