//! What a person sees of a run on a terminal: a line an iteration, and at the end the trend, the guards, the
//! run gates, resources, the decision and the next command.
//!
//! Decides nothing. Colour is a matter of the style; whatever comes from outside is made printable first.

mod row;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::soak_results_md::unit;
use super::terminal::{Style, heading, ladder, printable, rule};
use crate::core::drift::{self, DriftRules, DriftWord, ResourceValues};
use crate::core::guards::{Guard, GuardCounts};
use crate::core::number::{fixed, trimmed};
use crate::core::run::report::RunReport;
use crate::core::spark::{Glyphs, sparkline};
use crate::core::verdict::Outcome;

use row::{COLUMNS, Tuned};
pub use row::{TrendRow, Width, line};

/// Rows shown from the beginning of a long run.
const FIRST: usize = 4;

/// Rows shown from its end.
const LAST: usize = 16;

/// Columns of a sparkline.
const SPARK: usize = 40;

/// What there is to tell at the end.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    /// The iterations, in order.
    pub rows: &'a [TrendRow],
    /// When growth of resources counts.
    pub drift: &'a DriftRules,
    /// The run gates, where they were asked for.
    pub report: Option<&'a RunReport>,
    /// What the gate says of the run so far.
    pub decision: Option<&'a Decision>,
    /// What to do next.
    pub next: Option<&'a NextStep>,
}

/// What the gate says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
    /// What others say of the same run where they say something else.
    pub notes: Vec<String>,
}

/// The next command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// As it is typed.
    pub command: String,
    /// What it does, for somebody who does not know it.
    pub purpose: &'static str,
}

/// The end of a run as text.
pub fn end(run: &RunEnd<'_>, style: Style) -> String {
    let mut out = heading("SOAK RUN");
    trend(&mut out, run, style);
    sparklines(&mut out, run, style);
    guards(&mut out, run.rows);
    resources(&mut out, run);
    if let Some(report) = run.report {
        gates(&mut out, report, style);
    }
    decision(&mut out, run, style);
    out
}

/// The last words, since the end of a text is what a terminal shows.
fn decision(out: &mut String, run: &RunEnd<'_>, style: Style) {
    if let Some(decision) = run.decision {
        put(out, format_args!("\n{}\n", rule()));
        put(out, format_args!("Decision: {}\n", style.outcome(decision.outcome)));
        put(out, format_args!("why:  {}\n", printable(&decision.reason)));
        for note in &decision.notes {
            put(out, format_args!("also: {}\n", printable(note)));
        }
    }
    if let Some(next) = run.next {
        put(out, format_args!("next: {}\n      {}\n", printable(&next.command), next.purpose));
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// A cell of the trend table.
fn cell(value: Option<f64>, column: usize) -> String {
    let (kpi, _, percent) = COLUMNS[column];
    match value {
        None => "-".to_owned(),
        Some(value) if percent => fixed(100.0 * value, 1),
        Some(value) => fixed(value, kpi.unit.decimals()),
    }
}

fn trend(out: &mut String, run: &RunEnd<'_>, style: Style) {
    if run.rows.is_empty() {
        out.push_str("No iteration was completed.\n");
        return;
    }
    let mut table: Vec<Vec<String>> = Vec::new();
    let names = COLUMNS.iter().map(|(_, name, _)| (*name).to_owned());
    table.push(std::iter::once("iter".to_owned()).chain(names).chain(["applied".to_owned()]).collect());
    let is_long = run.rows.len() > FIRST + LAST + 1;
    for (at, row) in run.rows.iter().enumerate() {
        if is_long && at == FIRST {
            let dots = if style.ascii { "..." } else { "…" };
            table.push(vec![dots.to_owned(); COLUMNS.len() + 2]);
        }
        if is_long && at >= FIRST && at < run.rows.len() - LAST {
            continue;
        }
        let mut cells = vec![row.number.to_string()];
        cells.extend(row.values.iter().enumerate().map(|(column, value)| cell(*value, column)));
        cells.push(match row.tuned {
            _ if row.failed => "no data".to_owned(),
            Tuned::Applied(count) => format!("yes ({count})"),
            Tuned::Skipped(code) => format!("no ({code})"),
            Tuned::Panic => "panic revert".to_owned(),
            Tuned::Nothing => "no".to_owned(),
        });
        table.push(cells);
    }
    let columns = COLUMNS.len() + 2;
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &table {
        let (numbers, words) = row.split_at(columns - 1);
        let padded = numbers.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        put(out, format_args!("  {}  {}\n", padded.collect::<Vec<_>>().join("  "), words[0]));
    }
}

fn sparklines(out: &mut String, run: &RunEnd<'_>, style: Style) {
    let glyphs = if style.ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    if run.rows.is_empty() {
        return;
    }
    out.push('\n');
    for (column, (_, name, _)) in COLUMNS.iter().enumerate() {
        let values: Vec<Option<f64>> = run.rows.iter().map(|row| row.values[column]).collect();
        let known = || values.iter().copied().flatten();
        let told = match (known().min_by(f64::total_cmp), known().max_by(f64::total_cmp)) {
            (Some(low), Some(high)) => {
                let show = |value| cell(Some(value), column);
                format!(
                    "{} to {}, last {}",
                    show(low),
                    show(high),
                    cell(values.last().copied().flatten(), column)
                )
            }
            _ => "no value".to_owned(),
        };
        put(out, format_args!("  {name:<9} {}  {told}\n", sparkline(&values, SPARK, glyphs)));
    }
}

fn guards(out: &mut String, rows: &[TrendRow]) {
    let counts = GuardCounts::over(rows.iter().map(|row| row.guards));
    let spoke: Vec<String> = Guard::ALL
        .into_iter()
        .filter(|guard| counts.of(*guard) > 0)
        .map(|guard| format!("{} {}", guard.word(), counts.of(guard)))
        .collect();
    let spoke = if spoke.is_empty() { "none spoke".to_owned() } else { spoke.join(", ") };
    let applied = rows.iter().filter(|row| matches!(row.tuned, Tuned::Applied(_))).count();
    let panics = rows.iter().filter(|row| row.tuned == Tuned::Panic).count();
    let failed = rows.iter().filter(|row| row.failed).count();
    put(out, format_args!("\nGuards:      {spoke}\n"));
    put(
        out,
        format_args!(
            "Tuning:      applied in {applied} of {} iterations, {panics} panic reverts\n",
            rows.len()
        ),
    );
    put(out, format_args!("Collections: {failed} failed\n"));
}

fn resources(out: &mut String, run: &RunEnd<'_>) {
    let samples: Vec<_> = run
        .rows
        .iter()
        .filter_map(|row| Some((row.ends, *row.resources.as_deref()?)))
        .collect::<Vec<(_, ResourceValues)>>();
    if samples.is_empty() {
        return;
    }
    out.push_str("\nResources:\n");
    for drift in drift::find(&samples, run.drift) {
        let span = match (drift.first, drift.last) {
            (Some(first), Some(last)) if drift.word != DriftWord::NoData => {
                let show = |value: f64| trimmed(&fixed(value, 1)).to_owned();
                format!("{} to {}, ", show(first), show(last))
            }
            _ => String::new(),
        };
        put(out, format_args!("  {:<11} {span}{}\n", drift.resource.word(), drift.told()));
    }
}

fn gates(out: &mut String, report: &RunReport, style: Style) {
    out.push_str("\nMetrics of the run:\n");
    for metric in &report.metrics.metrics {
        let told = match metric.value {
            Some(value) => {
                format!("{} {}", trimmed(&fixed(value, 4)), unit(metric.name)).trim_end().to_owned()
            }
            None => "no data".to_owned(),
        };
        put(out, format_args!("  {:<22} {told} ({}, n={})\n", metric.name, metric.rule.word(), metric.n));
    }
    put(
        out,
        format_args!("\nRun gates: {} - {}\n", style.outcome(report.outcome), printable(&report.reason())),
    );
    for check in &report.checks {
        out.push_str(&ladder(check, style));
    }
}
