//! `POST_SOAK_AUDIT.md`: everything that the analysis of a run found, in ten numbered sections.
//!
//! Computes nothing that the analysis has; tables are bounded, so the length does not follow the run.

mod course;
mod drift;
mod edge;
mod kpis;
mod matrix;
mod oddities;
mod overview;
mod tuning;
mod verdict;

#[cfg(test)]
mod tests;

use super::markdown::cell;
use super::report_head::header;
use super::report_md::{finish, paragraph};
use crate::core::analysis::{Analysis, SymbolAnalysis, pass_limits};
use crate::core::policy::{GateSet, Policy};
use crate::core::spark::Glyphs;
use crate::wire::provenance::Provenance;

pub(super) use course::word as drift_word;
pub(super) use oddities::anomaly_table;

/// What the sections about one symbol look at.
struct Subject<'a> {
    analysis: &'a Analysis,
    symbol: &'a SymbolAnalysis,
    policy: &'a Policy,
    /// What an iteration must show to pass.
    limits: &'a GateSet,
    glyphs: Glyphs,
    /// `##`, one deeper where symbols have headings of their own.
    mark: &'static str,
}

/// The audit of a run as Markdown. `ascii` draws the shapes of series with ASCII characters.
pub fn audit(analysis: &Analysis, policy: &Policy, provenance: &Provenance, ascii: bool) -> String {
    let mut out = header("Post-soak audit", analysis, provenance);
    let per_symbol = analysis.symbols.iter().any(|symbol| symbol.symbol.is_some());
    overview::section(&mut out, analysis, policy, provenance);
    for symbol in &analysis.symbols {
        if per_symbol {
            let name = symbol.symbol.as_deref().map_or_else(|| "(no symbol)".to_owned(), cell);
            paragraph(&mut out, &format!("## Symbol {name}: {}", symbol.outcome));
        }
        let subject = Subject {
            analysis,
            symbol,
            policy,
            limits: pass_limits(policy, analysis.mock),
            glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Blocks },
            mark: if per_symbol { "###" } else { "##" },
        };
        sections(&mut out, &subject);
    }
    verdict::section(&mut out, analysis);
    finish(out, ascii)
}

/// Sections 2 to 9, those that each symbol has for itself.
fn sections(out: &mut String, subject: &Subject<'_>) {
    matrix::section(out, subject);
    let deep = &subject.symbol.deep;
    kpis::section(out, subject, deep);
    tuning::guards(out, subject, deep);
    tuning::signatures(out, subject, deep);
    edge::section(out, subject, deep);
    oddities::anomalies(out, subject, deep);
    drift::section(out, subject, deep);
    course::section(out, subject, deep);
    oddities::violations(out, subject, deep);
    tuning::deltas(out, subject);
}
