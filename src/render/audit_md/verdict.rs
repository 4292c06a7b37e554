//! Section 10: every check with its ladder, what to change, and what a reader should know about the input.

use std::cmp::Reverse;

use crate::core::analysis::Analysis;
use crate::core::verdict::Check;
use crate::render::markdown::cell;
use crate::render::report_head::{freeze_decision, ladder, verdict};
use crate::render::report_md::{bounded, line, paragraph, prose};

/// Lines of each list.
const MOST: usize = 500;

pub(super) fn section(out: &mut String, analysis: &Analysis) {
    paragraph(out, "## 10. Verdict and actions");
    paragraph(out, &verdict(analysis));
    let (word, why) = freeze_decision(analysis);
    paragraph(out, &format!("**Freeze decision:** {word} - {why}"));
    paragraph(out, "### Checks that make the verdict");
    checks(out, analysis, true);
    paragraph(out, "### Checks that advise or explain");
    checks(out, analysis, false);
    paragraph(out, "### Recommendations");
    recommendations(out, analysis);
    paragraph(out, "### Findings");
    findings(out, analysis);
}

/// Worst first; those of one outcome in the order in which they were made.
fn checks(out: &mut String, analysis: &Analysis, joining: bool) {
    let mut checks: Vec<&Check> = analysis.checks().filter(|check| check.joins == joining).collect();
    checks.sort_by_key(|check| Reverse(check.outcome));
    if checks.is_empty() {
        paragraph(out, "None.");
    } else {
        bounded(out, checks.into_iter().map(ladder), MOST);
    }
}

fn recommendations(out: &mut String, analysis: &Analysis) {
    let mut lines = Vec::new();
    for symbol in &analysis.symbols {
        let name = symbol.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
        for advice in &symbol.deep.recommendations {
            let conflict = if advice.conflict { " **(conflict)**" } else { "" };
            lines.push(format!(
                "- {name}{}{conflict} - {}",
                prose(&advice.words()),
                prose(&advice.rationales.join("; "))
            ));
        }
    }
    if lines.is_empty() {
        paragraph(out, "No parameter change is recommended.");
    } else {
        bounded(out, lines.into_iter(), MOST);
    }
}

fn findings(out: &mut String, analysis: &Analysis) {
    if analysis.findings.is_empty() {
        line(out, "None.");
        return;
    }
    let told = analysis.findings.iter().map(|finding| {
        let symbol = finding.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
        let place = if finding.in_window { " (in the window)" } else { "" };
        format!("- {}{place}: {symbol}{}", finding.kind, prose(&finding.message))
    });
    bounded(out, told, MOST);
}
