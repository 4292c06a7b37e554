//! The verdict, what makes it, and what advises: every check with its ladder.

use std::cmp::Reverse;

use super::words::{paragraph, prose, remark, section, text};
use crate::core::analysis::Analysis;
use crate::core::judge::count;
use crate::core::verdict::{Check, Outcome};
use crate::render::report_head::freeze_word;
use crate::render::terminal::decision;
use crate::wire::provenance::Provenance;

/// Checks of each list.
const MOST: usize = 200;

/// What stands below the reason: override, freeze decision, where the limits disagree.
pub(super) fn notes(analysis: &Analysis, provenance: &Provenance) -> String {
    let mut out = String::new();
    if provenance.rehearsal {
        out.push_str("<p class=\"override\">REHEARSAL: this is no statement about a release.</p>\n");
    }
    if let Some(sentence) = analysis.origin.sentence() {
        out.extend([format!("<p class=\"override\">{}.</p>\n", text(&sentence))]);
    }
    if let Some(given) = &provenance.overridden {
        out.extend([format!(
            "<p class=\"override\">Overridden by {} at {}: {}</p>\n",
            text(&given.by),
            text(&given.at),
            prose(&given.reason)
        )]);
    }
    let (word, why) = freeze_word(analysis);
    paragraph(&mut out, &format!("<b>Freeze decision: {word}</b> – {}", prose(&why)));
    for sentence in &analysis.disagreements {
        paragraph(&mut out, &format!("The limits disagree: {}", prose(sentence)));
    }
    out
}

/// The checks that make the verdict.
pub(super) fn why(out: &mut String, analysis: &Analysis) {
    section(out, "why", "Why");
    remark(
        out,
        "Each check that makes the verdict, worst first: what was seen, the limit, the distance to it, the \
         iterations looked at, and where the limit comes from.",
    );
    checks(out, analysis, true);
    out.push_str("</section>\n");
}

/// The checks beside it.
pub(super) fn advice(out: &mut String, analysis: &Analysis) {
    section(out, "beside", "Beside the verdict");
    remark(out, "What is only shown and does not change the verdict.");
    checks(out, analysis, false);
    out.push_str("</section>\n");
}

/// What does not hold first; what holds can be folded away.
fn checks(out: &mut String, analysis: &Analysis, joins: bool) {
    let mut checks: Vec<&Check> = analysis.checks().filter(|check| check.joins == joins).collect();
    checks.sort_by_key(|check| Reverse(check.outcome));
    let holds = checks.partition_point(|check| check.outcome > Outcome::Pass);
    let (missed, held) = checks.split_at(holds);
    list(out, missed);
    if held.is_empty() {
        return;
    }
    let open = if joins && missed.is_empty() { " open" } else { "" };
    let told = count(held.len(), "check");
    out.extend([format!("<details{open}><summary>In order: {told}</summary>\n")]);
    list(out, held);
    out.push_str("</details>\n");
}

fn list(out: &mut String, checks: &[&Check]) {
    if checks.is_empty() {
        return;
    }
    out.push_str("<ul class=\"checks\">\n");
    for check in checks.iter().take(MOST) {
        let symbol = check.symbol.as_ref().map_or_else(String::new, |name| format!("{}: ", text(name)));
        out.extend([format!(
            "<li data-outcome=\"{0}\"><b>{1} {0}</b> <code>{2}</code><br>{symbol}{3}<span>{4}</span></li>\n",
            check.outcome.word(),
            sign(check.outcome),
            text(&check.gate),
            prose(&check.reason),
            text(&decision(check).replace(" | ", " · "))
        )]);
    }
    if checks.len() > MOST {
        out.extend([format!("<li>and {} more</li>\n", checks.len() - MOST)]);
    }
    out.push_str("</ul>\n");
}

fn sign(outcome: Outcome) -> &'static str {
    crate::render::html::symbol(outcome.word())
}
