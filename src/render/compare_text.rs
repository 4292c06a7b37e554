//! Two runs side by side as text for a terminal, and the words that other formats share with it.
//!
//! Must not compare anything itself.

use std::fmt::Write as _;

use super::markdown::printable;
use super::terminal::probability;
use crate::core::number::{distance, fixed, trimmed};
use crate::core::verdict::WindowUsed;
use crate::stats::trend::TrendMethod;
use crate::wire::compare_result::{CompareResult, ComparedKpi, ComparedRun};

const DIGITS: usize = 3;

/// A block for each side, a line for each KPI, and what it comes to.
pub fn text(result: &CompareResult) -> String {
    let mut text = String::new();
    for (name, run) in [("A", &result.a), ("B", &result.b)] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {}", printable(&run.path));
        let _ = writeln!(text, "   {}", about(run));
    }
    let head = ["KPI", "statistic", "A", "B", "B-A", ""].map(str::to_owned);
    let table: Vec<[String; 6]> = std::iter::once(head).chain(result.kpis.iter().map(cells)).collect();
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    text.push('\n');
    for row in &table {
        let line: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    if let Some(heading) = heading(result) {
        let _ = writeln!(text, "\n{heading}:");
        for (kpi, sentence) in sentences(result) {
            let _ = writeln!(text, "  {kpi}: {sentence}");
        }
    }
    let _ = writeln!(text, "\n{}", summary(result));
    for note in &result.notes {
        let _ = writeln!(text, "note: {}", printable(note));
    }
    text
}

/// Verdict, window, symbol, source and reason of a side, on one line.
pub fn about(run: &ComparedRun) -> String {
    let mut parts = vec![run.verdict.as_deref().map_or_else(|| "no verdict".to_owned(), printable)];
    parts.extend(run.window.as_ref().map(|window| match (window.first, window.last) {
        (Some(first), Some(last)) => format!("{} {first}-{last}, n={}", window.name, window.n),
        _ => format!("{}, n={}", window.name, window.n),
    }));
    parts.extend(run.symbol.as_ref().map(|symbol| format!("symbol {}", printable(symbol))));
    parts.extend(run.source.as_ref().map(|source| format!("source {}", printable(source))));
    parts.extend(run.reason.as_deref().map(printable));
    parts.join(" | ")
}

/// What significance was looked for; `None` where it was not.
pub fn heading(result: &CompareResult) -> Option<String> {
    let used = result.significance.as_ref()?;
    let span = |name: &str, window: &WindowUsed| match (window.first, window.last) {
        (Some(first), Some(last)) => format!("{name} {first}-{last}, n={}", window.n),
        _ => format!("{name} n={}", window.n),
    };
    let extension = if used.extensions > 0 { ", one extension included" } else { "" };
    Some(format!(
        "Significance ({}: {}; {}; error rate {} % over all KPIs{extension}; {})",
        used.window_a.name,
        span("A", &used.window_a),
        span("B", &used.window_b),
        number(used.error_rate * 100.0),
        used.correction
    ))
}

/// Each KPI with the sentence about it and with what ranks say.
pub fn sentences(result: &CompareResult) -> Vec<(&str, String)> {
    let told = result.kpis.iter().filter_map(|row| Some((row.kpi.as_str(), sentence(row)?)));
    told.collect()
}

fn sentence(row: &ComparedKpi) -> Option<String> {
    let answer = row.significance.as_ref()?;
    let Some(found) = &answer.shift else { return Some(answer.reason.clone()) };
    let worth = |n: f64| trimmed(&fixed(n, 1)).to_owned();
    let mut text = format!(
        "{} [n {} and {}, n_eff {} and {}; p for worse {}, corrected {}",
        answer.reason,
        answer.n_a,
        answer.n_b,
        worth(found.n_eff_a),
        worth(found.n_eff_b),
        probability(found.p_worse),
        probability(found.p_worse_adjusted)
    );
    if let (Some(p), Some(shift), Some(delta)) =
        (found.mann_whitney_p, found.hodges_lehmann, found.cliffs_delta)
    {
        let size = signed(shift, trimmed(&distance(shift, DIGITS)).to_owned());
        let p = probability(p);
        // Writing to a string cannot fail.
        let _ = write!(text, "; by rank: p {p}, shift {size}{}, Cliff's delta {}", unit(row), number(delta));
    }
    if found.hodges_lehmann_method == Some(TrendMethod::BlockMedians) {
        text += ", the shift from block medians";
    }
    Some(text + "]")
}

/// What the comparison comes to, in a sentence.
pub fn summary(result: &CompareResult) -> String {
    if result.significance.is_some() {
        return significant(result);
    }
    let mut parts: Vec<String> = Vec::new();
    let worse: Vec<String> = result
        .kpis
        .iter()
        .filter(|row| result.regressions.contains(&row.kpi))
        .map(|row| format!("{} {} (floor {})", row.kpi, absolute(row).unwrap_or_default(), floor(row)))
        .collect();
    if !worse.is_empty() {
        parts.push(format!("worse by more than its floor: {}", worse.join(", ")));
    }
    if !result.unknown.is_empty() {
        parts.push(format!("nothing can be said about: {}", result.unknown.join(", ")));
    }
    if parts.is_empty() {
        return none_worse(result, "floor");
    }
    parts.join("; ")
}

fn significant(result: &CompareResult) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |words: &str, names: &[String]| {
        if !names.is_empty() {
            parts.push(format!("{words}: {}", names.join(", ")));
        }
    };
    add("worse by more than its margin", &result.regressions);
    add("cannot tell", &result.undecided);
    add("nothing can be said about", &result.unknown);
    if let Some(more) = result.significance.as_ref().and_then(|used| used.extension) {
        parts
            .push(format!("`soak run --resume --extend {more}` in the folder of B would decide what it can"));
    }
    if parts.is_empty() {
        return none_worse(result, "margin");
    }
    parts.join("; ")
}

fn none_worse(result: &CompareResult, than: &str) -> String {
    if result.judged.is_empty() {
        return "no KPI of the policy is judged, so nothing is said about a regression".to_owned();
    }
    format!("no KPI got worse by more than its {than}")
}

/// What stands in the columns: name, statistic, A, B, change, words.
pub fn cells(row: &ComparedKpi) -> [String; 6] {
    let side = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), number);
    [
        row.kpi.clone(),
        row.statistic.clone(),
        side(row.a.value),
        side(row.b.value),
        change(row).unwrap_or_else(|| "n/a".to_owned()),
        words(row),
    ]
}

/// The change with its unit and, where it says something, its percentage.
fn change(row: &ComparedKpi) -> Option<String> {
    let absolute = absolute(row)?;
    Some(match row.change_percent {
        Some(percent) => format!("{absolute} ({}%)", signed(percent, fixed(percent.abs(), 1))),
        None => absolute,
    })
}

fn absolute(row: &ComparedKpi) -> Option<String> {
    let change = row.change?;
    let size = distance(change, DIGITS);
    Some(format!("{}{}", signed(change, trimmed(&size).to_owned()), unit(row)))
}

fn floor(row: &ComparedKpi) -> String {
    format!("{}{}", number(row.floor), unit(row))
}

fn unit(row: &ComparedKpi) -> String {
    if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) }
}

/// Which way, and whether it counts.
fn words(row: &ComparedKpi) -> String {
    match (row.way.as_deref(), row.exceeds_floor) {
        (Some("same"), _) => "same".to_owned(),
        (Some(way), Some(true)) => way.to_owned(),
        (Some(way), _) => format!("{way}, but within the floor of {}", floor(row)),
        (None, _) => "unknown".to_owned(),
    }
}

fn signed(value: f64, size: String) -> String {
    match value {
        _ if value > 0.0 => format!("+{size}"),
        _ if value < 0.0 => format!("-{size}"),
        _ => size,
    }
}

fn number(value: f64) -> String {
    trimmed(&fixed(value, DIGITS)).to_owned()
}
