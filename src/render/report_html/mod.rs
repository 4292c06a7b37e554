//! `report.html`: everything about a judged run in one file, for a browser, a phone and a printer.
//!
//! Nothing comes from elsewhere, and what comes from files is escaped. Works without its script, which only
//! sorts tables. Computes nothing that the analysis has; tables are bounded, so the size does not follow the
//! run.

mod course;
mod iterations;
mod kpis;
mod oddities;
mod origin;
#[cfg(test)]
mod tests;
mod tuning;
mod verdict;
mod words;

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use crate::core::analysis::{Analysis, SymbolAnalysis, pass_limits};
use crate::core::policy::{GateSet, Policy};
use crate::render::html::{PALETTE, base64, fill, symbol};
use crate::wire::provenance::Provenance;

use words::{prose, remark, section, text};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("sort.js");

/// Iterations in the tables, over all symbols.
const ROWS: usize = 1000;
/// Proposals in the tables, over all symbols.
const PROPOSALS: usize = 500;
/// Rows that a symbol has in any case.
const LEAST_ROWS: usize = 16;
/// Symbols with charts and tables, the worst first.
const SYMBOLS: usize = 12;

/// What the parts about one symbol look at.
struct Subject<'a> {
    analysis: &'a Analysis,
    symbol: &'a SymbolAnalysis,
    policy: &'a Policy,
    /// What an iteration must show to pass.
    limits: &'a GateSet,
}

/// The report as a page.
pub fn page(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> String {
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
        unknown => unreachable!("the template asks for `{unknown}`"),
    })
}

fn facts(analysis: &Analysis, provenance: &Provenance) -> String {
    let iterations = crate::core::judge::count(analysis.evidence.len(), "iteration");
    let source = analysis.source().map_or_else(|| "not recorded".to_owned(), |source| text(&source));
    let source = Some(format!("source {source}"));
    let time = provenance.time_of(analysis).map(|time| text(&time));
    let limits = Some(format!("{} limits", analysis.limits()));
    let checks = Some(format!("checks: {}", analysis.headline()));
    [Some(iterations), source, limits, time, checks].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The links to the parts, and the parts.
fn body(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> (String, String) {
    let mut out = String::new();
    verdict::why(&mut out, analysis);
    let mut symbols: Vec<&SymbolAnalysis> = analysis.symbols.iter().collect();
    symbols.sort_by_key(|symbol| Reverse(symbol.outcome));
    let shown = symbols.len().min(SYMBOLS);
    let subjects: Vec<Subject<'_>> = symbols[..shown]
        .iter()
        .map(|symbol| Subject { analysis, symbol, policy, limits: pass_limits(policy, analysis.mock) })
        .collect();
    let rows = (ROWS / shown.max(1)).max(LEAST_ROWS);
    let proposals = (PROPOSALS / shown.max(1)).max(LEAST_ROWS);
    let part = |out: &mut String, id: &str, title: &str, each: &dyn Fn(&mut String, &Subject<'_>)| {
        section(out, id, title);
        if shown < symbols.len() {
            remark(out, &format!("The {shown} worst of {} symbols.", symbols.len()));
        }
        for subject in &subjects {
            if let Some(name) = &subject.symbol.symbol {
                out.extend([format!("<h3>{}: {}</h3>\n", text(name), subject.symbol.outcome)]);
            }
            each(out, subject);
        }
        out.push_str("</section>\n");
    };
    part(&mut out, "kpis", "KPIs", &|out, subject| {
        kpis::charts(out, subject);
        kpis::numbers(out, subject, &subject.symbol.deep);
    });
    verdict::advice(&mut out, analysis);
    part(&mut out, "advice", "Recommendations", &|out, subject| {
        oddities::recommendations(out, subject, &subject.symbol.deep);
    });
    part(&mut out, "iterations", "Iterations", &|out, subject| iterations::section(out, subject, rows));
    part(&mut out, "tuning", "Tuning and guards", &|out, subject| {
        tuning::timeline(out, subject, proposals);
        tuning::guards(out, subject, &subject.symbol.deep);
        tuning::deltas(out, subject);
    });
    part(&mut out, "oddities", "Violations, anomalies, drift, changes", &|out, subject| {
        let deep = &subject.symbol.deep;
        oddities::anomalies(out, subject, deep);
        oddities::drift(out, deep);
        course::section(out, deep);
    });
    oddities::findings(&mut out, analysis);
    origin::provenance(&mut out, analysis, policy, provenance);
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
    (nav.map(|(id, title)| format!("<a href=\"#{id}\">{title}</a>")).join("\n"), out)
}
