//! What `release readiness`, `release readiness record` and `release validate` say on a terminal.

use std::fmt::Write as _;
use std::path::Path;

use crate::core::number::{fixed, trimmed};
use crate::core::release::score::Score;
use crate::render::markdown::printable;
use crate::wire::release::day_report::DayReport;
use crate::wire::release::validated::Validated;

/// The score, section by section.
pub fn score(score: &Score, files: [&Path; 2]) -> String {
    let mut out = String::new();
    for scored in &score.sections {
        let points = fixed(scored.points, 6);
        let _ = writeln!(
            out,
            "  {:<8} {points:>10} of {:>3}  {}",
            scored.section.key(),
            trimmed(&fixed(scored.of, 6)),
            scored.why
        );
    }
    if let Some(span) = score.span() {
        let _ = writeln!(out, "  reports of {span}");
    }
    for problem in score.problems() {
        let _ = writeln!(out, "  not known: {}", printable(&problem));
    }
    let _ = writeln!(out, "\nWritten: {} and {}", files[0].display(), files[1].display());
    let rehearsal = if score.rehearsal { " (REHEARSAL)" } else { "" };
    let _ = writeln!(out, "\nReadiness: {} (score={}){rehearsal}", score.verdict(), fixed(score.total, 6));
    out
}

/// A recorded day.
pub fn recorded(path: &Path, report: &DayReport) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "  net edge {} bps, order age p95 {} ms, taker share {} %: {}",
        fixed(report.edge_net_bps, 3),
        fixed(report.order_age_p95_ms, 1),
        fixed(report.taker_share_pct, 2),
        report.verdict
    );
    let _ = writeln!(
        out,
        "  regression {}, drift {} ({}), chaos {}, bug bash {}",
        report.reg_guard.reason,
        printable(&report.drift.reason),
        report.drift.source,
        printable(&report.chaos_result),
        printable(&report.bug_bash)
    );
    let rehearsal = if report.rehearsal { " (REHEARSAL: simulated data)" } else { "" };
    let _ = writeln!(out, "\nRecorded: {}{rehearsal}", path.display());
    out
}

/// What was found about a score's file, in the words that its readers know.
pub fn validated(found: &Validated) -> String {
    let mut out = String::new();
    if !found.errors.is_empty() {
        let _ = writeln!(out, "[VALIDATION FAILED] {} error(s):", found.errors.len());
        for error in &found.errors {
            let _ = writeln!(out, "  - {}", printable(error));
        }
        return out;
    }
    let score = found.score.map_or_else(|| "?".to_owned(), |score| score.to_string());
    let rehearsal = if found.rehearsal { " (REHEARSAL)" } else { "" };
    if found.is_go() {
        let _ = writeln!(out, "[PASS] Readiness: GO (score={score}){rehearsal}");
    } else {
        let _ = writeln!(out, "[FAIL] Readiness: HOLD (score={score}){rehearsal}");
        out.push_str("  only a score of 100 is GO; `soak release readiness` tells what is missing\n");
    }
    out
}
