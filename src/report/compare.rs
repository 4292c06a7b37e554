//! Two runs side by side as text, Markdown and CSV. Must not compare anything itself.

use std::fmt::Write as _;

use crate::core::compare::result::CompareResult;
use crate::core::compare::{ComparedKpi, ComparedRun, Way};
use crate::core::text::number::{distance, exact, fixed, trimmed};
use crate::core::verdict::WindowUsed;
use crate::report::terminal::{columns, probability};
use crate::report::text::{cell, escaped, printable};
use crate::stats::trend::TrendMethod;

/// The first line of the CSV, with the remark that its readers know.
const CSV_HEADER: [&str; 4] = ["KPI", "A", "B", "B-A (note: for latency smaller is better)"];

const DIGITS: usize = 3;

/// A block for each side, a line for each KPI, and what it comes to.
pub fn text(result: &CompareResult) -> String {
    let mut text = String::new();
    for (name, run) in [("A", &result.a), ("B", &result.b)] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {}", printable(&run.path));
        let _ = writeln!(text, "   {}", about(run));
    }
    text.push('\n');
    let head = ["KPI", "statistic", "A", "B", "B-A", ""].map(str::to_owned).to_vec();
    let table: Vec<Vec<String>> =
        std::iter::once(head).chain(result.kpis.iter().map(|row| cells(row, result).to_vec())).collect();
    text.push_str(&columns(&table));
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
fn about(run: &ComparedRun) -> String {
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
fn heading(result: &CompareResult) -> Option<String> {
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
fn sentences(result: &CompareResult) -> Vec<(&str, String)> {
    result.kpis.iter().filter_map(|row| Some((row.kpi.as_str(), sentence(row)?))).collect()
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
        let size = signed(shift, trimmed(&distance(shift, digits(row, shift))).to_owned());
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
        parts.push(format!("no data for: {}", result.unknown.join(", ")));
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
    if result.spread_gates {
        add("spread wider", &result.wider);
    }
    add("cannot tell", &result.undecided);
    add("no data for", &result.unknown);
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
        return "no KPI of the policy is judged, so no regression can be found".to_owned();
    }
    format!("no KPI got worse by more than its {than}")
}

/// The columns: name, statistic, A, B, change, words.
fn cells(row: &ComparedKpi, result: &CompareResult) -> [String; 6] {
    let side = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| measured(row, value));
    [
        row.kpi.clone(),
        row.statistic.to_owned(),
        side(row.a.value),
        side(row.b.value),
        change(row).unwrap_or_else(|| "n/a".to_owned()),
        direction(row, result),
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
    let size = distance(change, digits(row, change));
    Some(format!("{}{}", signed(change, trimmed(&size).to_owned()), unit(row)))
}

fn floor(row: &ComparedKpi) -> String {
    let floor =
        if row.id.is_built_in() { number(row.floor) } else { trimmed(&exact(row.floor, 0)).to_owned() };
    format!("{floor}{}", unit(row))
}

/// Decimals of a value of a KPI.
fn digits(row: &ComparedKpi, value: f64) -> usize {
    row.id.decimals_from(DIGITS, value)
}

fn measured(row: &ComparedKpi, value: f64) -> String {
    trimmed(&fixed(value, digits(row, value))).to_owned()
}

fn unit(row: &ComparedKpi) -> String {
    if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) }
}

/// Which way, and whether it counts.
fn direction(row: &ComparedKpi, result: &CompareResult) -> String {
    let Some(way) = row.way else { return "unknown".to_owned() };
    // Outside of the trading profile the table says what the sentences below it say.
    let trades = result.kpis.iter().any(|row| row.id.is_built_in());
    if let Some(found) = row.significance.as_ref().filter(|_| !trades) {
        return found.answer.words().to_owned();
    }
    let word: &str = way.into();
    if way == Way::Same || row.exceeds_floor == Some(true) {
        return word.to_owned();
    }
    format!("{word}, but within the floor of {}", floor(row))
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

/// A table, what it comes to, and the sides.
pub fn md(result: &CompareResult) -> String {
    let mut md = "### Run comparison\n\n| KPI | statistic | A | B | B-A | |\n".to_owned();
    md.push_str("| --- | --- | --: | --: | --: | --- |\n");
    for row in &result.kpis {
        let cells = cells(row, result);
        // Writing to a string cannot fail.
        let _ = writeln!(md, "| {} |", cells.each_ref().map(|text| cell(text)).join(" | "));
    }
    let _ = writeln!(md, "\n{}\n", escaped(&summary(result)));
    if let Some(heading) = heading(result) {
        let _ = writeln!(md, "{}:\n", cell(&heading));
        for (kpi, sentence) in sentences(result) {
            // Ours, and as long as it is: what it takes to decide is at its end.
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

/// For the readers of the earlier script: its header and its four rows, to the byte, then a row for each further KPI
/// of the policy; what is unknown is `nan`, as its readers know it.
///
/// # Panics
///
/// Never: rows are written into memory.
pub fn csv(result: &CompareResult) -> Vec<u8> {
    let cell = |row: &ComparedKpi, value: Option<f64>| match value {
        Some(value) => fixed(value, DIGITS.max(row.id.decimals_of(value))),
        None => "nan".to_owned(),
    };
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut header = CSV_HEADER;
    if !result.trades {
        header[3] = "B-A";
    }
    csv.write_record(header).expect("a row fits into memory");
    for row in &result.kpis {
        let cells = [row.kpi.clone(), cell(row, row.a.value), cell(row, row.b.value), cell(row, row.change)];
        csv.write_record(cells).expect("a row fits into memory");
    }
    csv.into_inner().expect("memory can be written to")
}
