//! What all Markdown reports say alike: verdict, override, time, the ladder of a check, the freeze decision.
//!
//! Decides nothing that the analysis has not decided; puts it into words.

use super::markdown::cell;
use super::report_md::{line, paragraph, prose};
use super::terminal::decision;
use crate::core::analysis::{Analysis, Origin};
use crate::core::verdict::Check;
use crate::wire::provenance::{Override, Provenance};

/// Title, verdict with its reason, override, and where the report comes from.
pub fn header(title: &str, analysis: &Analysis, provenance: &Provenance) -> String {
    let mut out = String::new();
    paragraph(&mut out, &format!("# {title}"));
    paragraph(&mut out, &verdict(analysis));
    if let Some(overridden) = overridden(provenance) {
        paragraph(&mut out, &overridden);
    }
    if let Some(origin) = origin_line(&analysis.origin) {
        paragraph(&mut out, &origin);
    }
    if let Some(excluded) = excluded_line(&analysis.evidence.excluded) {
        paragraph(&mut out, &excluded);
    }
    line(&mut out, &format!("- time: {}", time(analysis, provenance)));
    line(&mut out, &format!("- checks: {}", analysis.headline()));
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

/// What every text of a rehearsal says.
pub const REHEARSAL: &str = "**REHEARSAL: this is no statement about a release.**";

/// That the data is not valid for a release, in bold; `None` where a real source is recorded.
pub fn origin_line(origin: &Origin) -> Option<String> {
    origin.note().map(|sentence| format!("**{sentence}.**"))
}

/// The symbols that were left out of the judgement; `None` where every one was judged.
pub fn excluded_line(names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| cell(name)).collect();
    (!names.is_empty()).then(|| format!("Excluded and not judged: {}", names.join(", ")))
}

/// Who overrode the verdict, when and why, in bold, and whether this is a rehearsal; `None` when neither.
pub fn overridden(provenance: &Provenance) -> Option<String> {
    let rehearsal = provenance.rehearsal.then(|| REHEARSAL.to_owned());
    let overridden = provenance.overridden.as_ref().map(override_line);
    let lines: Vec<String> = rehearsal.into_iter().chain(overridden).collect();
    (!lines.is_empty()).then(|| lines.join("\n\n"))
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

/// `READY_TO_FREEZE` or `HOLD`, and why, in Markdown.
pub fn freeze_decision(analysis: &Analysis) -> (&'static str, String) {
    let (word, why) = freeze_word(analysis);
    (word, prose(&why))
}

/// `READY_TO_FREEZE` or `HOLD`, and why, as it is: it may hold text from files.
pub fn freeze_word(analysis: &Analysis) -> (&'static str, String) {
    if let (true, Some(sentence)) = (analysis.outcome.is_acceptable(), analysis.origin.sentence()) {
        return ("HOLD", sentence);
    }
    if !analysis.outcome.is_acceptable() {
        return ("HOLD", format!("the verdict is {}: {}", analysis.outcome, analysis.reason()));
    }
    let Some(held) = analysis.symbols.iter().find(|symbol| !symbol.freeze_ready()) else {
        let why = format!("the verdict is {} and a freeze was seen in the window", analysis.outcome);
        return ("READY_TO_FREEZE", why);
    };
    let symbol = held.symbol.as_ref().map_or_else(String::new, |symbol| format!("{symbol}: "));
    let passes = &held.passes;
    let why = if passes.freeze_seen() {
        format!("{} of {} iterations pass, {} needed", passes.passing, passes.n, passes.needed)
    } else {
        format!("no freeze was seen in {}", held.last.name)
    };
    ("HOLD", format!("{symbol}{why}"))
}
