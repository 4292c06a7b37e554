//! What `release canary check` reports: on a terminal, as the ticked checklist, and to CI systems.

use std::fmt::Write as _;

use askama::Template;

use super::verdict::CanaryResult;
use crate::core::text::number::{distance, fixed, trimmed};
use crate::core::verdict::{Check, Outcome};
use crate::release::texts::{filters, rendered};
use crate::report::analysis::override_line;
use crate::report::ci::CiReport;
use crate::report::terminal::{Style, bound, capital, explanation, observed};
use crate::report::text::{cell, printable, prose};

/// The verdict first, then every decision, then what comes next.
pub(crate) fn text(result: &CanaryResult, style: Style) -> String {
    let mut out = String::new();
    let name =
        result.bundle.as_ref().map_or_else(String::new, |bundle| format!(" {}", printable(&bundle.name)));
    let rehearsal = if result.rehearsal { " (REHEARSAL: no statement about a release)" } else { "" };
    let _ = writeln!(out, "Canary{name}: {}{rehearsal}", style.outcome(result.outcome));
    let _ = writeln!(out, "{}", printable(&result.reason));
    if let Some(order) = result.order() {
        let _ = writeln!(out, "{}", style.paint(Outcome::Fail, &order));
    }
    if let Some(given) = &result.envelope.overridden {
        let (by, reason) = (printable(&given.by), printable(&given.reason));
        let _ = writeln!(out, "OVERRIDDEN by {by} at {}: {reason}", given.at);
    }
    out.push('\n');
    for line in result.basis() {
        let _ = writeln!(out, "  {}", printable(&line));
    }
    if !result.triggers.is_empty() {
        out.push_str("\nTriggers\n");
        result.triggers.iter().for_each(|seen| out.push_str(&explanation(&seen.check, style)));
    }
    for block in &result.blocks {
        let verb = if block.is_due { "looked at" } else { "due" };
        let _ = writeln!(
            out,
            "\n{}, {verb} {}: {}",
            capital(&block.title()),
            block.due,
            style.outcome(block.outcome)
        );
        for limit in &block.limits {
            out.push_str(&explanation(&limit.check, style));
            // Of a limit that is a number of the policy the line before says everything.
            if !limit.basis.starts_with('`') {
                let _ = writeln!(out, "       limit: {}", printable(&limit.basis));
            }
        }
    }
    if let Some(watched) = &result.watched {
        out.push_str("\nWatch\n");
        out.push_str(&explanation(watched, style));
    }
    out.push('\n');
    for note in &result.notes {
        let _ = writeln!(out, "note: {}", printable(note));
    }
    for line in result.next_lines() {
        let _ = writeln!(out, "{}", printable(&line));
    }
    out
}

impl CanaryResult {
    /// What is to be done at once; `None` where no trigger held, or somebody decided otherwise.
    fn order(&self) -> Option<String> {
        let kind = self.rollback.as_ref().filter(|_| self.envelope.overridden.is_none())?;
        Some(format!("ROLL BACK NOW: the {kind} rollback of rollback_plan.md"))
    }

    /// What the decision rests on, a line each: the time, the measurements, the limits.
    fn basis(&self) -> [String; 3] {
        let limits = match (&self.bundle, self.limits_from) {
            (Some(bundle), _) => format!("bundle {} (SHA256SUMS {})", bundle.path, bundle.sha256),
            (None, "run") => "the policy and the soak".to_owned(),
            (None, _) => "the policy".to_owned(),
        };
        [
            format!(
                "since {}, now {}: {} hours, {} steps of {} min",
                self.since,
                self.now,
                trimmed(&fixed(self.hours, 2)),
                self.steps,
                self.step_minutes
            ),
            format!("measured by {} {}", self.source, self.source_place),
            format!("limits of {limits}"),
        ]
    }

    /// When to check again, and that the watch is over.
    fn next_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.is_over {
            lines.push(format!(
                "The watch is over since {}: what came later was not looked at. Somebody decides.",
                self.until
            ));
        }
        if let Some(next) = &self.next {
            lines.push(format!("Next: {} at {}; ask again then.", next.what, next.at));
        }
        lines
    }
}

/// The canary's checklist, ticked: the verdict, the triggers as a table, the limits as a list in which what holds is
/// ticked.
#[derive(Template)]
#[template(path = "canary.md")]
struct Checklist<'a> {
    result: &'a CanaryResult,
}

pub(crate) fn markdown(result: &CanaryResult) -> String {
    rendered(&Checklist { result })
}

/// `- [x] p95_latency_ms <= 350: mean 310, margin +40, PASS, 12 steps (basis)`.
fn item(check: &Check, basis: Option<&str>) -> String {
    let mark = if check.outcome == Outcome::Pass { 'x' } else { ' ' };
    let what = check.kpi.as_deref().unwrap_or(&check.gate);
    let required = bound(check).map_or_else(String::new, |bound| format!(" {bound}"));
    let seen = observed(check).unwrap_or_else(|| "no value".to_owned());
    let mut out = format!("- [{mark}] {}{required}: {} {seen}", cell(what), cell(&check.statistic));
    if let Some(margin) = check.margin {
        let size = distance(margin, 4);
        let sign = if margin < 0.0 { "-" } else { "+" };
        let _ = write!(out, ", margin {sign}{}", trimmed(&size));
    }
    let _ = write!(out, ", **{}**", check.outcome);
    if let (Some(first), Some(last)) = (check.window.first, check.window.last) {
        let _ = write!(out, ", steps {first} to {last}, {} seen", check.window.n);
    }
    if check.outcome != Outcome::Pass {
        let _ = write!(out, ": {}", prose(&check.reason));
    }
    if let Some(basis) = basis {
        let _ = write!(out, " ({})", prose(basis));
    }
    out
}

/// The verdict for CI systems.
pub(crate) fn ci(result: &CanaryResult) -> CiReport<'_> {
    let [time, measured, limits] = result.basis();
    CiReport {
        name: "soak canary",
        outcome: result.outcome,
        reason: result.reason.clone(),
        order: result.order(),
        rehearsal: result.rehearsal,
        origin: None,
        hint: None,
        overridden: result.envelope.overridden.as_ref(),
        facts: vec![
            ("time", time),
            ("measured", measured),
            ("limits", limits),
            ("policy_sha256", result.envelope.policy_sha256.clone()),
            ("tool_version", result.envelope.tool_version.clone()),
        ],
        // The newest measurement that a trigger looked at.
        time: result.triggers.iter().filter_map(|trigger| trigger.last_at.clone()).max(),
        checks: result.checks().collect(),
        notes: result.notes.iter().map(|note| ("soak canary note".to_owned(), note.as_str())).collect(),
        failing: None,
    }
}
