//! The state of a baseline store as text.

use std::fmt::Write as _;

use crate::core::compare::baselines::{BaselineStatus, HistoryLine};
use crate::report::text::printable;

/// The baseline in force, the history, what is known, what is odd.
pub fn text(status: &BaselineStatus) -> String {
    let mut text = format!("Store:    {}\n", printable(&status.store));
    // Writing to a string cannot fail.
    match (&status.current, &status.run) {
        (Some(file), Some(run)) => {
            let _ = writeln!(text, "Baseline: {}, the run in {}", printable(file), printable(run));
        }
        (Some(file), None) => {
            let _ = writeln!(text, "Baseline: {}, which cannot be read as it was written", printable(file));
        }
        (None, _) if status.problems.is_empty() => text.push_str("Baseline: none, nothing was promoted\n"),
        (None, _) => text.push_str("Baseline: none that can be trusted\n"),
    }
    for line in &status.history {
        let _ = writeln!(text, "  {}", history_line(line));
    }
    for known in &status.acknowledged {
        let state = if known.expired { "expired, does not count any more" } else { "counts" };
        let _ = writeln!(
            text,
            "acknowledged: {} until {} ({state}): {} ({})",
            printable(&known.kpi),
            printable(&known.until),
            printable(&known.reason),
            printable(&known.owner)
        );
    }
    for warning in &status.warnings {
        let _ = writeln!(text, "warning: {}", printable(warning));
    }
    for problem in &status.problems {
        let _ = writeln!(text, "problem: {}", printable(problem));
    }
    if status.action == "verify" && status.problems.is_empty() {
        let _ = writeln!(text, "OK: every line of the history and every baseline is as it was written");
        if let Some(line) = status.history.last() {
            let _ = writeln!(
                text,
                "hash of the last line: {}; kept elsewhere it shows that nothing was cut off",
                printable(&line.hash)
            );
        }
    }
    text
}

fn history_line(line: &HistoryLine) -> String {
    let what = line.file.as_ref().or(line.kpi.as_ref()).map_or_else(String::new, |what| printable(what));
    format!(
        "{} {} {} {what} by {}",
        line.sequence,
        printable(&line.at),
        printable(&line.action),
        printable(&line.by)
    )
}
