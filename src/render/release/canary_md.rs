//! The canary's checklist, ticked by `release canary check --format md`.

use std::fmt::Write as _;

use super::canary_text::{facts, next, order};
use crate::core::number::{distance, trimmed};
use crate::core::release::canary::hours::LimitSeen;
use crate::core::release::canary::verdict::CanaryJudged;
use crate::core::verdict::{Check, Outcome};
use crate::render::markdown::cell;
use crate::render::report_head::override_line;
use crate::render::report_md::prose;
use crate::render::terminal::{bound, capital, observed};
use crate::wire::release::canary_result::CanaryResult;

/// The verdict, the triggers as a table, the limits as a list in which what holds is ticked.
pub fn markdown(judged: &CanaryJudged, result: &CanaryResult) -> String {
    let name = result.bundle.as_ref().map_or_else(String::new, |bundle| format!(" {}", cell(&bundle.name)));
    let mut out = format!("# Canary{name}: {}\n\n", judged.outcome);
    if result.rehearsal {
        out.push_str("**REHEARSAL**: this is no statement about a release.\n\n");
    }
    let _ = writeln!(out, "{}\n", prose(&result.reason));
    if let Some(order) = order(result) {
        let _ = writeln!(out, "**{}**\n", prose(&order));
    }
    if let Some(given) = &result.overridden {
        let _ = writeln!(out, "{}\n", override_line(given));
    }
    for line in facts(result) {
        let _ = writeln!(out, "- {}", prose(&line));
    }
    out.push('\n');
    if !judged.triggers.is_empty() {
        out.push_str(
            "## Triggers\n\n| trigger | bad when | for | worst level held | steps seen | outcome | why |\n",
        );
        out.push_str("| --- | --- | ---: | ---: | ---: | --- | --- |\n");
        for (seen, told) in judged.triggers.iter().zip(&result.triggers) {
            let check = &seen.check;
            let limit = trimmed(&crate::core::number::exact(seen.trigger.limit.value, 0)).to_owned();
            let _ = writeln!(
                out,
                "| {} | {} {} {limit} | {} min | {} | {} of {} | {} | {} |",
                cell(&seen.trigger.name),
                cell(&seen.trigger.metric),
                seen.trigger.comparison.symbol(),
                told.for_minutes,
                observed(check).unwrap_or_else(|| "?".to_owned()),
                check.window.n,
                result.steps,
                check.outcome,
                prose(&check.reason)
            );
        }
        out.push('\n');
    }
    for (block, told) in judged.blocks.iter().zip(&result.blocks) {
        let verb = if block.is_due { "looked at" } else { "due" };
        let _ = writeln!(
            out,
            "## {}: {}\n\n{} {}\n",
            capital(&block.title()),
            told.outcome,
            capital(verb),
            told.due
        );
        for limit in &block.limits {
            let _ = writeln!(out, "{}", ticked(limit));
        }
        out.push('\n');
    }
    if let Some(watched) = &judged.watched {
        let _ = writeln!(out, "## Watch\n\n{}\n", line(watched, None));
    }
    for note in &result.notes {
        let _ = writeln!(out, "- {}", prose(note));
    }
    if !result.notes.is_empty() {
        out.push('\n');
    }
    for told in next(result) {
        let _ = writeln!(out, "{}", prose(&told));
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn ticked(limit: &LimitSeen) -> String {
    line(&limit.check, Some(&limit.basis))
}

/// `- [x] p95_latency_ms <= 350: mean 310, margin +40, PASS, 12 steps (basis)`.
fn line(check: &Check, basis: Option<&str>) -> String {
    let mark = if check.outcome == Outcome::Pass { 'x' } else { ' ' };
    let what = check.kpi.as_deref().unwrap_or(&check.gate);
    let asked = bound(check).map_or_else(String::new, |bound| format!(" {bound}"));
    let seen = observed(check).unwrap_or_else(|| "no value".to_owned());
    let mut out = format!("- [{mark}] {}{asked}: {} {seen}", cell(what), cell(&check.statistic));
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
