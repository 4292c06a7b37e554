//! Section 1: what was looked at, and by which limits.

use std::fmt::Write as _;

use crate::core::analysis::{Analysis, SymbolAnalysis, pass_limits};
use crate::core::iteration::first_time;
use crate::core::judge::count;
use crate::core::policy::Policy;
use crate::core::series::Series;
use crate::render::markdown::cell;
use crate::render::report_head::{overridden, time};
use crate::render::report_md::{Column, bound, paragraph, prose, row, short_name, table};
use crate::wire::provenance::Provenance;

pub(super) fn section(out: &mut String, analysis: &Analysis, policy: &Policy, provenance: &Provenance) {
    paragraph(out, "## 1. Overview");
    table(out, &[Column::Text("what"), Column::Text("value")]);
    let mut tell = |what: &str, value: &str| row(out, [what, value]);
    let evidence = &analysis.evidence;
    let mut iterations = count(evidence.len(), "iteration");
    if analysis.symbols.len() > 1 {
        let written = write!(iterations, " of {}", count(analysis.symbols.len(), "symbol"));
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    tell("iterations", &iterations);
    tell("first - last", &numbers(analysis));
    tell("time range", &times(analysis));
    if let Some(declared) = &evidence.declared {
        let stands = declared.state.word();
        let value =
            format!("{}, {stands}, {} complete", count_u64(declared.iterations), declared.last_complete);
        tell("declared", &value);
    }
    let windows: Vec<String> = analysis.symbols.iter().take(MOST_WINDOWS).map(window).collect();
    let more = analysis.symbols.len().saturating_sub(MOST_WINDOWS);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    tell("window", &format!("{}{more}", windows.join("; ")));
    tell("source", &analysis.source().map_or_else(String::new, |source| cell(&source)));
    tell("limits", analysis.limits());
    tell("an iteration passes with", &limits(analysis, policy));
    tell("verdict", analysis.outcome.word());
    tell("time of this report", &time(analysis, provenance));
    tell("tool", &format!("soak {}", cell(&provenance.tool_version)));
    tell("policy, SHA-256", &cell(&provenance.policy_sha256));
    for (name, foreign) in [("KPI gate", &evidence.kpi_gate), ("earlier snapshot", &evidence.snapshot)] {
        if let Some(foreign) = foreign {
            tell(name, &format!("{} ({})", cell(&foreign.verdict), cell(&foreign.file)));
        }
    }
    out.push('\n');
    for sentence in &analysis.disagreements {
        paragraph(out, &format!("The limits disagree: {}", prose(sentence)));
    }
    if let Some(overridden) = overridden(provenance) {
        paragraph(out, &overridden);
    }
}

/// Windows that the table names.
const MOST_WINDOWS: usize = 10;

fn numbers(analysis: &Analysis) -> String {
    let spans = || {
        analysis
            .evidence
            .series
            .iter()
            .map(Series::rows)
            .filter_map(|rows| Some((rows.first()?, rows.last()?)))
    };
    match (spans().map(|(first, _)| first.number).min(), spans().map(|(_, last)| last.number).max()) {
        (Some(first), Some(last)) => format!("{first} - {last}"),
        _ => String::new(),
    }
}

/// From the first time in a series to the last time of all.
fn times(analysis: &Analysis) -> String {
    let first = first_time(analysis.evidence.series.iter().flat_map(Series::rows));
    match (first, analysis.last_time()) {
        (Some(first), Some(last)) => format!("{} - {}", cell(first), cell(last)),
        _ => String::new(),
    }
}

fn window(symbol: &SymbolAnalysis) -> String {
    let used = symbol.last.used();
    let name = symbol.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
    match (used.first, used.last) {
        (Some(first), Some(last)) => format!("{name}{}, {first}-{last}, n={}", used.name, used.n),
        _ => format!("{name}{}, empty", used.name),
    }
}

fn limits(analysis: &Analysis, policy: &Policy) -> String {
    let told = pass_limits(policy, analysis.mock).checks.iter().map(|gate| {
        let kpi = gate.kpi;
        let unit = match kpi.unit.symbol() {
            "" => String::new(),
            unit => format!(" {}", cell(unit)),
        };
        format!("{} {}{unit}", short_name(gate.kpi), bound(gate.comparison, gate.limit.value, kpi))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn count_u64(n: u64) -> String {
    if n == 1 { "1 iteration".to_owned() } else { format!("{n} iterations") }
}
