//! What `release canary check` says on a terminal.

use std::fmt::Write as _;

use crate::core::number::{fixed, trimmed};
use crate::core::release::canary::verdict::CanaryJudged;
use crate::core::verdict::Outcome;
use crate::render::markdown::printable;
use crate::render::terminal::{Style, capital, ladder};
use crate::wire::release::canary_result::CanaryResult;

/// The verdict first, then every decision, then what comes next.
pub fn text(judged: &CanaryJudged, result: &CanaryResult, style: Style) -> String {
    let mut out = String::new();
    let name =
        result.bundle.as_ref().map_or_else(String::new, |bundle| format!(" {}", printable(&bundle.name)));
    let rehearsal = if result.rehearsal { " (REHEARSAL: no statement about a release)" } else { "" };
    let _ = writeln!(out, "Canary{name}: {}{rehearsal}", style.outcome(judged.outcome));
    let _ = writeln!(out, "{}", printable(&result.reason));
    if let Some(order) = order(result) {
        let _ = writeln!(out, "{}", style.paint(Outcome::Fail, &order));
    }
    if let Some(given) = &result.overridden {
        let (by, reason) = (printable(&given.by), printable(&given.reason));
        let _ = writeln!(out, "OVERRIDDEN by {by} at {}: {reason}", given.at);
    }
    out.push('\n');
    for line in facts(result) {
        let _ = writeln!(out, "  {}", printable(&line));
    }
    if !judged.triggers.is_empty() {
        out.push_str("\nTriggers\n");
        judged.triggers.iter().for_each(|seen| out.push_str(&ladder(&seen.check, style)));
    }
    for (block, told) in judged.blocks.iter().zip(&result.blocks) {
        let verb = if block.is_due { "looked at" } else { "due" };
        let _ = writeln!(
            out,
            "\n{}, {verb} {}: {}",
            capital(&block.title()),
            told.due,
            style.outcome(told.outcome)
        );
        for limit in &block.limits {
            out.push_str(&ladder(&limit.check, style));
            // Of a limit that is a number of the policy the line before says everything.
            if !limit.basis.starts_with('`') {
                let _ = writeln!(out, "       limit: {}", printable(&limit.basis));
            }
        }
    }
    if let Some(watched) = &judged.watched {
        out.push_str("\nWatch\n");
        out.push_str(&ladder(watched, style));
    }
    out.push('\n');
    for note in &result.notes {
        let _ = writeln!(out, "note: {}", printable(note));
    }
    for line in next(result) {
        let _ = writeln!(out, "{}", printable(&line));
    }
    out
}

/// What is to be done at once; `None` where no trigger held, or somebody decided otherwise.
pub(super) fn order(result: &CanaryResult) -> Option<String> {
    let kind = result.rollback.as_ref().filter(|_| result.overridden.is_none())?;
    Some(format!("ROLL BACK NOW: the {kind} rollback of rollback_plan.md"))
}

/// What the decision rests on, a line each: the time, the measurements, the limits.
pub(super) fn facts(result: &CanaryResult) -> [String; 3] {
    let limits = match (&result.bundle, result.limits_from.as_str()) {
        (Some(bundle), _) => format!("bundle {} (SHA256SUMS {})", bundle.path, bundle.sha256),
        (None, "run") => "the policy and the soak".to_owned(),
        (None, _) => "the policy".to_owned(),
    };
    [
        format!(
            "since {}, now {}: {} hours, {} steps of {} min",
            result.since,
            result.now,
            trimmed(&fixed(result.hours, 2)),
            result.steps,
            result.step_minutes
        ),
        format!("measured by {} {}", result.source, result.source_place),
        format!("limits of {limits}"),
    ]
}

/// When to ask again, and that the watch is over.
pub(super) fn next(result: &CanaryResult) -> Vec<String> {
    let mut lines = Vec::new();
    if result.is_over {
        lines.push(format!(
            "The watch is over since {}: what came later was not looked at. Somebody decides.",
            result.until
        ));
    }
    if let Some(next) = &result.next {
        lines.push(format!("Next: {} at {}; ask again then.", next.what, next.at));
    }
    lines
}
