//! `READINESS_SCORE.md`: the score for people.

use std::fmt::Write as _;

use crate::core::number::fixed;
use crate::core::release::score::Score;
use crate::render::markdown::cell;

/// Decimals of points, as in the JSON.
const DECIMALS: usize = 6;

/// The score with its sections, the days, and what is not known.
pub fn markdown(score: &Score) -> String {
    let mut out = String::from("# Readiness score\n\n");
    let _ = writeln!(out, "Result: {}  Score: {}\n", score.verdict(), fixed(score.total, DECIMALS));
    if score.rehearsal {
        out.push_str("**REHEARSAL**: simulated data counts here; this is no statement about a release.\n\n");
    }
    out.push_str("| section | points | of | how |\n| --- | ---: | ---: | --- |\n");
    for scored in &score.sections {
        let (points, of) = (fixed(scored.points, DECIMALS), fixed(scored.of, DECIMALS));
        let _ = writeln!(out, "| {} | {points} | {of} | {} |", scored.section.key(), cell(&scored.why));
    }
    out.push_str("\n## Days\n\n");
    let _ = writeln!(out, "{} of {} days have a report.\n", score.days.len(), score.wanted);
    if let Some(span) = score.span() {
        let _ = writeln!(out, "Reports of {span}.\n");
    }
    if !score.days.is_empty() {
        out.push_str(
            "| day | net edge, bps | order age p95, ms | taker share, % | guards | chaos | bug bash |\n\
             | --- | ---: | ---: | ---: | --- | --- | --- |\n",
        );
    }
    let number =
        |value: Option<f64>, digits| value.map_or_else(|| "?".to_owned(), |value| fixed(value, digits));
    let word = |value: Option<bool>, good: &'static str| match value {
        Some(true) => good,
        Some(false) => "**no**",
        None => "?",
    };
    for day in &score.days {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            cell(day.date.as_deref().unwrap_or(&day.file)),
            number(day.edge, 3),
            number(day.latency, 1),
            number(day.taker, 2),
            word(day.guards_clear, "clear"),
            word(day.chaos_ok, "OK"),
            word(day.tests_ok, "OK"),
        );
    }
    let problems = score.problems();
    if !problems.is_empty() {
        out.push_str("\n## Not known\n\nEach of these costs points.\n\n");
        for problem in problems {
            let _ = writeln!(out, "- {}", cell(&problem));
        }
    }
    out
}
