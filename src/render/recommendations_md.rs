//! `RECOMMENDATIONS.md`: may the overrides be frozen, which parameters to change, and what can be done about each
//! limit that is missed.
//!
//! Advises only; the steps and their reasons come from the analysis.

use super::markdown::cell;
use super::report_head::{freeze_decision, header};
use super::report_md::{Column, bounded, finish, maybe, paragraph, prose, row, step, table, with_unit};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::judge::action::told;
use crate::core::policy::Policy;
use crate::core::verdict::{Check, Outcome, Part};
use crate::wire::provenance::Provenance;

/// Lines of the list of limits that are not met.
const MOST: usize = 500;

/// The recommendations as Markdown.
pub fn recommendations(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> String {
    let mut out = header("Recommendations", analysis, provenance);
    let (word, why) = freeze_decision(analysis);
    paragraph(&mut out, &format!("**Freeze decision:** {word} - {why}"));
    for symbol in &analysis.symbols {
        let mark = if let Some(name) = &symbol.symbol {
            paragraph(&mut out, &format!("## Symbol {}: {}", cell(name), symbol.outcome));
            "###"
        } else {
            "##"
        };
        kpis(&mut out, mark, symbol);
        parameters(&mut out, mark, symbol);
        missed(&mut out, mark, symbol, policy);
    }
    finish(out, false)
}

fn kpis(out: &mut String, mark: &str, symbol: &SymbolAnalysis) {
    let used = symbol.last.used();
    paragraph(out, &format!("{mark} KPIs of {}", used.name));
    let (Some(first), Some(last)) = (used.first, used.last) else {
        paragraph(out, "There is no iteration.");
        return;
    };
    paragraph(out, &format!("Iterations {first}-{last}, n={}.", used.n));
    table(
        out,
        &[Column::Text("KPI"), Column::Number("mean"), Column::Number("median"), Column::Number("missing")],
    );
    for stats in &symbol.kpis {
        let kpi = stats.kpi;
        let digits = kpi.unit.decimals();
        row(
            out,
            [
                with_unit(&cell(kpi.name), kpi),
                maybe(stats.summary.map(|summary| summary.mean), digits),
                maybe(stats.summary.map(|summary| summary.median), digits),
                stats.missing.to_string(),
            ],
        );
    }
    out.push('\n');
}

fn parameters(out: &mut String, mark: &str, symbol: &SymbolAnalysis) {
    paragraph(out, &format!("{mark} Parameters"));
    let deep = &symbol.deep;
    for advice in &deep.at_bound {
        let why = advice.rationales.join("; ");
        paragraph(out, &prose(&format!("No change of {}: {why}.", advice.words())));
    }
    if deep.recommendations.is_empty() {
        if !deep.at_bound.is_empty() {
            return;
        }
        paragraph(
            out,
            &format!(
                "No parameter change is recommended: no rule of the policy applies to {}.",
                symbol.last.name
            ),
        );
        return;
    }
    table(
        out,
        &[
            Column::Text("parameter"),
            Column::Number("step"),
            Column::Text("value"),
            Column::Text("why"),
            Column::Text("rules"),
            Column::Text("note"),
        ],
    );
    for advice in &deep.recommendations {
        let note = if advice.conflict { "**conflict**: other rules ask for the opposite" } else { "" };
        row(
            out,
            [
                cell(advice.param.as_str()),
                step(advice.step),
                advice.reach.words().map_or_else(|| "-".to_owned(), |words| prose(&words)),
                prose(&advice.rationales.join("; ")),
                prose(&advice.rules.join(", ")),
                note.to_owned(),
            ],
        );
    }
    out.push('\n');
    if deep.recommendations.iter().any(|advice| advice.conflict) {
        paragraph(out, "Where rules conflict, a person has to decide; the program applies neither.");
    }
}

fn missed(out: &mut String, mark: &str, symbol: &SymbolAnalysis, policy: &Policy) {
    paragraph(out, &format!("{mark} Readiness and goals"));
    let of_sets = || symbol.checks.iter().filter(|check| matches!(check.part, Part::Readiness | Part::Goals));
    let missed: Vec<String> = of_sets()
        .filter(|check| check.outcome > Outcome::Pass)
        .map(|check| action(check, symbol, policy))
        .collect();
    if of_sets().next().is_none() {
        paragraph(out, "Neither readiness nor goals were looked at.");
    } else if missed.is_empty() {
        paragraph(out, "Every limit of readiness and goals is met.");
    } else {
        bounded(out, missed.into_iter(), MOST);
    }
}

/// What can be done about a check.
fn action(check: &Check, symbol: &SymbolAnalysis, policy: &Policy) -> String {
    let what = told(check, policy, Some(&symbol.deep));
    format!("- {} **{}**: {}", check.part.word(), check.outcome, prose(&what))
}

#[cfg(test)]
mod tests;
