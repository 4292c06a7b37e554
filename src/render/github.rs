//! GitHub Actions: annotations on stdout (at most 10 of each type, as GitHub shows no more) and a step
//! summary that never exceeds 1 MiB.

use std::fmt::Write as _;

use super::ci::Told;
use super::markdown::cell;
use super::report_head::{REHEARSAL, override_line};
use super::terminal::{bound, capital, observed, sureness};
use crate::core::verdict::{Check, Outcome};

/// GitHub shows at most so many annotations of a type per step.
const ANNOTATIONS: usize = 10;

/// GitHub's limit for all that a step appends to its summary.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;

/// The workflow commands for a verdict: errors for what fails it, warnings for WARN and notes, a notice of an override.
pub fn annotations(told: &Told<'_>) -> String {
    let mut out = String::new();
    let mut errors = 0;
    let mut warnings = 0;
    if let Some(order) = &told.order {
        errors += 1;
        annotate(&mut out, "error", told.name, order);
    }
    for check in told.reasons() {
        let (level, used) =
            if check.outcome == Outcome::Warn { ("warning", &mut warnings) } else { ("error", &mut errors) };
        if *used == ANNOTATIONS {
            continue;
        }
        *used += 1;
        let symbol = check.symbol.as_ref().map_or_else(String::new, |symbol| format!("{symbol}: "));
        let title = format!("soak {}: {symbol}{}", check.outcome.word(), check.gate);
        annotate(&mut out, level, &title, &format!("{} [{}]", check.reason, told.explanation(check)));
    }
    for (title, sentence) in told.notes.iter().take(ANNOTATIONS - warnings) {
        annotate(&mut out, "warning", title, sentence);
    }
    if let Some(given) = told.overridden {
        annotate(&mut out, "notice", &format!("{} overridden by {}", told.name, given.by), &given.reason);
    }
    out
}

fn annotate(out: &mut String, level: &str, title: &str, message: &str) {
    push(out, &format!("::{level} title={}::{}\n", property(title), data(message)));
}

/// The Markdown to append to the step summary, at most `room` bytes; empty when not even the verdict fits.
pub fn summary(told: &Told<'_>, room: usize) -> String {
    let failing = if told.failing.is_some() { " (the command failed)" } else { "" };
    let mut out = format!("## {}: {}{failing}\n\n", capital(told.name), told.outcome.word());
    if let Some((check, _)) = told.failing {
        out.extend(["**", &cell(&check.reason), "**\n\n"]);
    }
    out.extend([&cell(&told.reason), "\n\n"]);
    let order = told.order.as_ref().map(|order| format!("**{}**", cell(order)));
    let rehearsal = told.rehearsal.then(|| REHEARSAL.to_owned());
    let origin = told.origin.as_ref().map(|origin| format!("**{origin}.**"));
    for line in order.into_iter().chain(rehearsal).chain(origin).chain(told.overridden.map(override_line)) {
        out.extend([line.as_str(), "\n\n"]);
    }
    if let Some(hint) = told.hint {
        out.extend([&cell(hint), "\n\n"]);
    }
    let head = "| outcome | gate | observed | limit | window | reason |\n|---|---|--:|--:|---|---|\n";
    out.push_str(head);
    let mut checks = told.checks.clone();
    checks.sort_by_key(|check| (!check.joins, std::cmp::Reverse(check.outcome)));
    let tail = "\n_The table is cut to fit GitHub's limit._\n";
    if out.len() + tail.len() > room {
        return String::new();
    }
    for check in checks {
        let row = row(check);
        if out.len() + row.len() + tail.len() > room {
            out.push_str(tail);
            return out;
        }
        out.push_str(&row);
    }
    out.push('\n');
    out
}

fn row(check: &Check) -> String {
    let advisory = if check.joins { "" } else { " (advisory)" };
    let symbol = check.symbol.as_deref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
    format!(
        "| {}{advisory} | {symbol}{} | {} | {} | {} | {} |\n",
        check.outcome.word(),
        cell(&check.gate),
        observed(check).unwrap_or_default(),
        cell(&bound(check).unwrap_or_default()),
        cell(&check.window.name),
        cell(&match check.inference.as_ref().and_then(sureness) {
            Some(sure) => format!("{} ({sure})", check.reason),
            None => check.reason.clone(),
        }),
    )
}

fn push(out: &mut String, text: &str) {
    let written = out.write_str(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_start_a_second_command() {
        assert_eq!(data("a\n::error::b 100%"), "a%0A::error::b 100%25");
        assert_eq!(property("soak: a, b"), "soak%3A a%2C b");
    }
}
