//! Everything that the analysis of a run found: `POST_SOAK_AUDIT.md` in numbered sections, and `report.html` in
//! one file for a browser, a phone and a printer.
//!
//! The page needs nothing from elsewhere and works without its script, which only sorts tables. Computes nothing that
//! the analysis has; tables are bounded, so the length does not follow the run.

mod failures;
mod kpis;
mod outliers;
#[cfg(test)]
mod tests;
mod trends;
mod tuning;
mod verdict;

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use super::document::{Document, Format};
use super::html::{PALETTE, base64, fill, prose, symbol, text};
use super::text::cell;
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::judge::count;
use crate::core::policy::Policy;
use crate::core::text::spark::Glyphs;
use crate::core::verdict::provenance::Provenance;

use verdict::Subject;

pub(crate) use failures::{failures, no_failures, recommendations};
pub(crate) use verdict::{
    REHEARSAL, archive_line, excluded_line, explanation, findings, origin_line, overridden, override_line,
    time, verdict_line, version_line,
};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("sort.js");

/// Iterations in the tables of the page, over all symbols.
const ROWS: usize = 1000;
/// Proposals in the tables of the page, over all symbols.
const PROPOSALS: usize = 500;
/// Rows that a symbol has in any case.
const LEAST_ROWS: usize = 16;
/// Symbols with charts and tables on the page, the worst first.
const SYMBOLS: usize = 12;

/// The audit of a run as Markdown. `ascii` draws the shapes of series with ASCII characters.
pub(crate) fn audit(analysis: &Analysis, policy: &Policy, provenance: &Provenance, ascii: bool) -> String {
    let mut doc = verdict::header("Post-soak audit", analysis, provenance);
    let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    let per_symbol = analysis.symbols.iter().any(|symbol| symbol.symbol.is_some());
    verdict::overview(&mut doc, analysis, policy, provenance);
    let mut number = 1;
    for symbol in &analysis.symbols {
        if per_symbol {
            let name = symbol.symbol.as_deref().map_or_else(|| "(no symbol)".to_owned(), cell);
            doc.heading(2, &format!("Symbol {name}: {}", symbol.outcome));
            doc.depth = 1;
        }
        let subject = Subject::of(analysis, symbol, policy);
        number = 1;
        let mut section = |doc: &mut Document, title: &str| {
            number += 1;
            doc.heading(2, &format!("{number}. {title}"));
        };
        section(&mut doc, "Iteration matrix");
        kpis::iterations(&mut doc, subject, 0);
        section(&mut doc, "KPIs");
        kpis::windows(&mut doc, subject);
        kpis::shapes(&mut doc, subject, glyphs);
        if analysis.tunes {
            section(&mut doc, "Guards");
            tuning::guards(&mut doc, subject);
            tuning::freezes(&mut doc, subject);
            section(&mut doc, "Signatures");
            tuning::signatures(&mut doc, subject);
        }
        if analysis.trades() {
            section(&mut doc, &format!("Edge decomposition ({})", symbol.last.name));
            outliers::edge(&mut doc, subject);
            section(&mut doc, "Anomalies");
            outliers::anomalies(&mut doc, &symbol.deep.anomalies);
        } else {
            section(&mut doc, "Drift and changes of level");
        }
        trends::events(&mut doc, subject);
        trends::resources(&mut doc, subject);
        trends::drifts(&mut doc, subject);
        trends::levels(&mut doc, subject);
        if outliers::has_violations(subject) {
            section(&mut doc, "Violations");
            outliers::violations(&mut doc, subject);
        }
        if analysis.tunes {
            section(&mut doc, "Delta verification");
            tuning::deltas(&mut doc, subject);
        }
        doc.depth = 0;
    }
    doc.heading(2, &format!("{}. Verdict and actions", number + 1));
    verdict::verdict_and_actions(&mut doc, analysis);
    doc.finish(ascii)
}

/// The report as a page.
pub(crate) fn page(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> String {
    let style = format!("{PALETTE}{STYLE}");
    let outcome = analysis.outcome.word();
    let (nav, body) = body(analysis, policy, provenance);
    fill(TEMPLATE, |name| match name {
        "csp" => format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            base64(&Sha256::digest(&style)),
            base64(&Sha256::digest(SCRIPT))
        ),
        "style" => style.clone(),
        "script" => SCRIPT.to_owned(),
        "title" => format!("soak {outcome}"),
        "outcome" => outcome.to_owned(),
        "symbol" => symbol(outcome).to_owned(),
        "published" => match analysis.outcome.published() {
            same if same == outcome => String::new(),
            other => format!(" <small>published as {other}</small>"),
        },
        "reason" => prose(&analysis.reason()),
        "verdict_notes" => verdict::notes(analysis, provenance),
        "facts" => facts(analysis, provenance),
        "nav" => nav.clone(),
        "body" => body.clone(),
        "version" => text(&provenance.tool_version),
        "policy" => text(&provenance.policy_sha256.chars().take(12).collect::<String>()),
        unknown => unreachable!("the template has no `{unknown}`"),
    })
}

fn facts(analysis: &Analysis, provenance: &Provenance) -> String {
    let source = analysis.source().map_or_else(|| "not recorded".to_owned(), |source| text(&source));
    let mut facts = vec![
        count(analysis.evidence.len(), "iteration"),
        format!("source {source}"),
        format!("{} limits", analysis.limits()),
    ];
    facts.extend(provenance.time_of(analysis).map(|time| text(&time)));
    facts.push(format!("checks: {}", analysis.headline()));
    facts.join(" · ")
}

/// The links to the parts, and the parts.
fn body(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> (String, String) {
    let mut doc = Document::new(Format::Html);
    let mut symbols: Vec<&SymbolAnalysis> = analysis.symbols.iter().collect();
    symbols.sort_by_key(|symbol| Reverse(symbol.outcome));
    let shown = symbols.len().min(SYMBOLS);
    let rows = (ROWS / shown.max(1)).max(LEAST_ROWS);
    let proposals = (PROPOSALS / shown.max(1)).max(LEAST_ROWS);
    let part = |doc: &mut Document, id: &str, title: &str, each: &dyn Fn(&mut Document, Subject<'_>)| {
        section(doc, id, title, |doc| {
            if shown < symbols.len() {
                doc.remark(&format!("The {shown} worst of {} symbols.", symbols.len()));
            }
            for symbol in &symbols[..shown] {
                if let Some(name) = &symbol.symbol {
                    doc.heading(3, &format!("{}: {}", text(name), symbol.outcome));
                }
                each(doc, Subject::of(analysis, symbol, policy));
            }
        });
    };
    section(&mut doc, "why", "Why", |doc| {
        doc.remark(
            "Each check that makes the verdict, worst first: what was seen, the limit, the distance to it, the \
             iterations looked at, and where the limit comes from.",
        );
        verdict::checks(doc, analysis, true);
    });
    part(&mut doc, "kpis", "KPIs", &|doc, subject| {
        kpis::charts(doc, subject);
        kpis::windows(doc, subject);
    });
    section(&mut doc, "beside", "Beside the verdict", |doc| {
        doc.remark("What is only shown and does not change the verdict.");
        verdict::checks(doc, analysis, false);
    });
    if analysis.tunes {
        part(&mut doc, "advice", "Recommendations", &|doc, subject| {
            failures::parameters(doc, subject.symbol);
        });
    }
    part(&mut doc, "iterations", "Iterations", &|doc, subject| kpis::iterations(doc, subject, rows));
    if analysis.tunes {
        part(&mut doc, "tuning", "Tuning and guards", &|doc, subject| {
            tuning::timeline(doc, subject, proposals);
            tuning::guards(doc, subject);
            tuning::deltas(doc, subject);
        });
    }
    let oddities = if analysis.trades() {
        "Violations, anomalies, drift, changes"
    } else {
        "Drift and changes of level"
    };
    part(&mut doc, "oddities", oddities, &|doc, subject| {
        if outliers::has_violations(subject) {
            outliers::violations(doc, subject);
        }
        if analysis.trades() {
            outliers::anomalies(doc, &subject.symbol.deep.anomalies);
        }
        trends::events(doc, subject);
        trends::resources(doc, subject);
        trends::drifts(doc, subject);
        trends::levels(doc, subject);
    });
    section(&mut doc, "findings", "Findings about the input", |doc| {
        let mut found: Vec<_> = analysis.findings.iter().collect();
        found.sort_by_key(|finding| !finding.in_window);
        verdict::findings(doc, found, 300);
    });
    section(&mut doc, "provenance", "Provenance", |doc| {
        verdict::overview(doc, analysis, policy, provenance);
        verdict::limits(doc, analysis, policy);
    });
    let nav = [
        ("why", "Why"),
        ("kpis", "KPIs"),
        ("beside", "Readiness and goals"),
        ("advice", "Recommendations"),
        ("iterations", "Iterations"),
        ("tuning", "Tuning"),
        ("oddities", "Oddities"),
        ("findings", "Findings"),
        ("provenance", "Provenance"),
    ];
    let is_there = |(id, _): &(&str, &str)| analysis.tunes || !matches!(*id, "advice" | "tuning");
    let links = nav.into_iter().filter(is_there);
    let links: Vec<String> = links.map(|(id, title)| format!("<a href=\"#{id}\">{title}</a>")).collect();
    (links.join("\n"), doc.into_markup())
}

fn section(doc: &mut Document, id: &str, title: &str, fill: impl FnOnce(&mut Document)) {
    doc.push(&format!("<section id=\"{id}\">\n<h2>{title}</h2>\n"));
    fill(doc);
    doc.push("</section>\n");
}
