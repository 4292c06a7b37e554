//! What all Markdown reports say alike: verdict, override, time, the ladder of a check, the freeze decision.
//!
//! Decides nothing that the analysis has not decided; puts it into words.

use super::markdown::cell;
use super::report_md::{line, paragraph, prose, short_name};
use super::terminal::decision;
use crate::core::analysis::Analysis;
use crate::core::number::{beside, exact};
use crate::core::policy::Policy;
use crate::core::verdict::{Check, Outcome, Part};
use crate::wire::provenance::{Override, Provenance};

/// Title, verdict with its reason, override, and where the report comes from.
pub fn header(title: &str, analysis: &Analysis, provenance: &Provenance) -> String {
    let mut out = String::new();
    paragraph(&mut out, &format!("# {title}"));
    paragraph(&mut out, &verdict(analysis));
    if let Some(overridden) = overridden(provenance) {
        paragraph(&mut out, &overridden);
    }
    line(&mut out, &format!("- time: {}", time(analysis, provenance)));
    line(&mut out, &format!("- limits: {}", analysis.limits()));
    paragraph(
        &mut out,
        &format!(
            "- soak {}, policy {}",
            cell(&provenance.tool_version),
            provenance.policy_sha256.get(..12).map_or_else(|| cell(&provenance.policy_sha256), cell)
        ),
    );
    out
}

/// `**Verdict:** PASS - reason`. Where readers of published artifacts see another word, it stands behind.
pub fn verdict(analysis: &Analysis) -> String {
    let (word, published) = (analysis.outcome.word(), analysis.outcome.published());
    let known_as = if word == published { String::new() } else { format!(" (published as {published})") };
    format!("**Verdict:** {word}{known_as} - {}", prose(&analysis.reason()))
}

/// Who overrode the verdict, when and why, in bold; `None` when nobody did.
pub fn overridden(provenance: &Provenance) -> Option<String> {
    provenance.overridden.as_ref().map(override_line)
}

/// The line about an override.
pub fn override_line(given: &Override) -> String {
    let (by, at) = (cell(&given.by), cell(&given.at));
    format!("**Overridden by {by} at {at}: {}**", prose(&given.reason))
}

/// The time that the report carries, and whose time it is.
pub fn time(analysis: &Analysis, provenance: &Provenance) -> String {
    match (&provenance.fixed_time, analysis.last_time()) {
        (Some(time), _) => format!("{} (set by `SOAK_NOW`)", cell(time)),
        (None, Some(time)) => format!("{} (the last one in the data)", cell(time)),
        (None, None) => "unknown, no iteration carries one".to_owned(),
    }
}

/// A check in one line, with everything needed to redo the decision by hand.
pub fn ladder(check: &Check) -> String {
    let symbol = check.symbol.as_ref().map_or_else(String::new, |symbol| format!(" {}:", cell(symbol)));
    format!(
        "- **{}** {}:{symbol} {} ({})",
        check.outcome,
        cell(&check.gate),
        prose(&check.reason),
        prose(&decision(check).replace(" | ", "; "))
    )
}

/// One sentence for every set of limits that answers its question otherwise than the gate does, such as
/// `gate PASS, readiness HOLD: net 2.70 < 2.90`.
pub fn disagreements(analysis: &Analysis, policy: &Policy) -> Vec<String> {
    const MOST: usize = 8;
    let sets = [(Part::Readiness, "readiness", "OK", "HOLD"), (Part::Goals, "goals", "MET", "MISSED")];
    let mut sentences = Vec::new();
    for (part, name, yes, no) in sets {
        let of_set = || {
            analysis.checks().filter(|check| check.part == part && check.outcome != Outcome::NotApplicable)
        };
        let Some(worst) = of_set().map(|check| check.outcome).max() else { continue };
        let holds = worst == Outcome::Pass;
        if holds == analysis.outcome.is_acceptable() {
            continue;
        }
        let gate = analysis.outcome.word();
        if holds {
            sentences.push(format!("gate {gate}, {name} {yes}"));
            continue;
        }
        let mut missed =
            of_set().filter(|check| check.outcome > Outcome::Pass).map(|check| miss(check, policy));
        let mut told: Vec<String> = missed.by_ref().take(MOST).collect();
        match missed.count() {
            0 => {}
            more => told.push(format!("and {more} more")),
        }
        sentences.push(format!("gate {gate}, {name} {no}: {}", told.join(", ")));
    }
    sentences
}

fn miss(check: &Check, policy: &Policy) -> String {
    let symbol = check.symbol.as_ref().map_or_else(String::new, |symbol| format!("{} ", cell(symbol)));
    let kpi = check.kpi.as_deref().and_then(|name| policy.kpis.find(name));
    let name = kpi.map_or_else(|| cell(&check.gate), |kpi| short_name(kpi, policy));
    match (kpi, check.comparison, check.limit, check.observed) {
        (Some(kpi), Some(comparison), Some(limit), Some(observed)) if !comparison.holds(observed, limit) => {
            let digits = policy.kpis.get(kpi).unit.decimals();
            let (seen, limit) = (beside(observed, limit, digits), exact(limit, digits));
            format!("{symbol}{name} {seen} {} {limit}", comparison.opposite().symbol())
        }
        _ => format!("{symbol}{name} ({})", prose(&check.reason)),
    }
}

/// `READY_TO_FREEZE` or `HOLD`, and why.
pub fn freeze_decision(analysis: &Analysis) -> (&'static str, String) {
    if analysis.outcome != Outcome::Pass {
        let why = format!("the verdict is {}: {}", analysis.outcome, prose(&analysis.reason()));
        return ("HOLD", why);
    }
    let Some(held) = analysis.symbols.iter().find(|symbol| !symbol.freeze_ready()) else {
        return ("READY_TO_FREEZE", "the verdict is PASS and a freeze was seen in the window".to_owned());
    };
    let symbol = held.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
    let passes = &held.passes;
    let why = if passes.freeze_seen() {
        format!("{} of {} iterations pass, {} needed", passes.passing, passes.n, passes.needed)
    } else {
        format!("no freeze was seen in {}", cell(&held.last.name))
    };
    ("HOLD", format!("{symbol}{why}"))
}
