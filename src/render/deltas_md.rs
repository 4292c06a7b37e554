//! The delta verification for people: `DELTA_VERIFY_REPORT.md` and a few lines for the terminal.
//!
//! Both are written from the structure of the JSON report and the checks; nothing is computed here.

use std::fmt::Write as _;

use super::markdown::{cell, printable};
use super::report_head::{REHEARSAL, excluded_line, override_line};
use crate::core::deltas::Status;
use crate::core::number::{fixed, trimmed};
use crate::core::verdict::{Check, Outcome};
use crate::wire::delta_report::{DeltaReport, KeyReport, KeyWord, NextWord, PairReport, PairWord};

/// Failing pairs that the terminal shows; the Markdown has them all.
const FAILING_ON_TERMINAL: usize = 10;

/// `DELTA_VERIFY_REPORT.md`. `checks` are those of the delta verification, and may be none.
pub fn markdown(report: &DeltaReport, checks: &[Check]) -> String {
    let mut out = String::from("# Delta verification\n\n");
    line(&mut out, &format!("**Deltas: {}**\n", verdict(checks)));
    if let Some((outcome, reason)) = report.outcome.as_ref().zip(report.outcome_reason.as_ref()) {
        line(&mut out, &format!("Verdict of the run: {} - {}\n", cell(outcome), cell(reason)));
    }
    if let Some(note) = report.origin.as_ref().and_then(|origin| origin.note.as_ref()) {
        line(&mut out, &format!("**{}.**\n", cell(note)));
    }
    if let Some(excluded) = excluded_line(&report.excluded_symbols) {
        line(&mut out, &format!("{excluded}\n"));
    }
    if report.rehearsal {
        line(&mut out, &format!("{REHEARSAL}\n"));
    }
    if let Some(given) = &report.overridden {
        line(&mut out, &format!("{}\n", override_line(given)));
    }
    for check in checks {
        line(&mut out, &format!("- {}", ladder(check, cell)));
    }
    if !checks.is_empty() {
        out.push('\n');
    }
    // This line is read by programs, so it has no markup.
    line(&mut out, &format!("{}\n", full_applications(report)));
    line(
        &mut out,
        &format!(
            "An application is full in this count when every increment arrived, or when a guard's reason \
            stands beside what did not. {}\n",
            parts_of(report)
        ),
    );
    if report.symbols.is_empty() {
        body(&mut out, report, "##");
    } else {
        let worst = report.symbol.as_deref().unwrap_or_default();
        line(&mut out, &format!("The figures above are those of the worst symbol, {}.\n", cell(worst)));
        for symbol in &report.symbols {
            line(&mut out, &format!("## {}\n", cell(symbol.symbol.as_deref().unwrap_or_default())));
            body(&mut out, symbol, "###");
        }
    }
    if std::iter::once(report).chain(&report.symbols).any(|report| report.unverifiable_count > 0) {
        line(&mut out, "## What unverifiable means\n");
        line(
            &mut out,
            "The record says that the increments were applied, but the files do not show the values \
            before and after: the iterations carry no `runtime_overrides`, the next iteration is missing, or \
            nothing was kept after the last one. The overrides at the end of a run prove nothing about a single \
            step, so such a pair counts neither as applied nor as failed. Runs that write `runtime_overrides` \
            into every iteration can be verified.",
        );
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// The same in a few lines for the terminal.
pub fn text(report: &DeltaReport, checks: &[Check]) -> String {
    let mut out = String::new();
    line(&mut out, &format!("delta verification: {}", verdict(checks)));
    if let Some((outcome, reason)) = report.outcome.as_ref().zip(report.outcome_reason.as_ref()) {
        line(&mut out, &format!("verdict of the run: {}: {}", printable(outcome), printable(reason)));
    }
    if let Some(note) = report.origin.as_ref().and_then(|origin| origin.note.as_ref()) {
        line(&mut out, &printable(note));
    }
    for name in &report.excluded_symbols {
        line(&mut out, &format!("excluded and not judged: {}", printable(name)));
    }
    for check in checks {
        line(&mut out, &format!("  {}", ladder(check, printable)));
    }
    line(&mut out, &full_applications(report));
    line(&mut out, &format!("  {}", parts_of(report)));
    let reports = if report.symbols.is_empty() { std::slice::from_ref(report) } else { &report.symbols };
    for report in reports {
        if let Some(symbol) = &report.symbol {
            line(&mut out, &format!("{}:", printable(symbol)));
        }
        let figures: Vec<String> =
            figures(report).iter().map(|(name, value)| format!("{name} {value}")).collect();
        line(&mut out, &format!("  {}", figures.join(", ")));
        let failing = report.pairs.iter().filter(|pair| is_failing(pair));
        for pair in failing.clone().take(FAILING_ON_TERMINAL) {
            let reason = printable(&pair.reason);
            line(&mut out, &format!("  {}: {}, {reason}", span(pair, "->"), word(pair)));
            for key in pair.keys.iter().filter(|key| !is_applied(key)) {
                line(&mut out, &format!("    {}", printable(&sentence(key))));
            }
        }
        let more = failing.count().saturating_sub(FAILING_ON_TERMINAL);
        if more > 0 {
            line(&mut out, &format!("  and {more} more"));
        }
    }
    out
}

fn body(out: &mut String, report: &DeltaReport, heading: &str) {
    line(out, "| figure | value |\n| --- | ---: |");
    for (name, value) in figures(report) {
        line(out, &format!("| {name} | {value} |"));
    }
    out.push('\n');
    if report.pairs.is_empty() {
        line(out, "Nothing was proposed.\n");
        return;
    }
    line(out, &format!("{heading} Pairs\n"));
    if report.pairs.len() < report.pairs_total {
        let (listed, total) = (report.pairs.len(), report.pairs_total);
        line(out, &format!("{listed} of {total} are listed, those that failed first of all.\n"));
    }
    line(out, "| iterations | proposed | status | reason |\n| --- | --- | --- | --- |");
    for pair in &report.pairs {
        let proposed: Vec<String> =
            pair.keys.iter().map(|key| format!("{} {}", cell(&key.param), signed(key.delta))).collect();
        let row = [span(pair, "→"), proposed.join(", "), word(pair).to_owned(), cell(&pair.reason)];
        line(out, &format!("| {} |", row.join(" | ")));
    }
    out.push('\n');
    mismatches(out, report, heading);
}

fn mismatches(out: &mut String, report: &DeltaReport, heading: &str) {
    let mut failing = report.pairs.iter().filter(|pair| is_failing(pair)).peekable();
    if failing.peek().is_some() {
        line(out, &format!("{heading} Mismatches\n"));
        line(out, "| iterations | parameter | proposed | before | after | change | state |");
        line(out, "| --- | --- | ---: | ---: | ---: | ---: | --- |");
        for pair in failing {
            for key in pair.keys.iter().filter(|key| !is_applied(key)) {
                let row = [
                    span(pair, "→"),
                    cell(&key.param),
                    signed(key.delta),
                    maybe(key.before, plain),
                    maybe(key.after, plain),
                    maybe(key.change, signed),
                    cell(&state(key)),
                ];
                line(out, &format!("| {} |", row.join(" | ")));
            }
        }
        out.push('\n');
    }
    if !report.misses.is_empty() {
        line(out, &format!("{heading} Parameters by number of mismatches\n"));
        line(out, "| parameter | mismatches |\n| --- | ---: |");
        let mut misses: Vec<(&String, &usize)> = report.misses.iter().collect();
        misses.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        for (param, count) in misses {
            line(out, &format!("| {} | {count} |", cell(param)));
        }
        out.push('\n');
    }
}

/// The worst outcome of the checks; what does not apply counts only when nothing does.
fn verdict(checks: &[Check]) -> &'static str {
    checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::NotApplicable).word()
}

/// The check on one line; `clean` is for what comes from outside, the rest are our own words.
fn ladder(check: &Check, clean: fn(&str) -> String) -> String {
    let symbol = check.symbol.as_ref().map_or(String::new(), |symbol| format!("{} ", clean(symbol)));
    let limit = match (check.comparison, check.limit) {
        (Some(comparison), Some(limit)) => format!("limit {} {}", comparison.symbol(), plain(limit)),
        _ => "no limit".to_owned(),
    };
    let observed = check.observed.map_or("-".to_owned(), plain);
    let source = check
        .limit_source
        .as_ref()
        .map_or(String::new(), |source| format!(", {} from {}", clean(&source.key), clean(&source.origin)));
    format!("{symbol}{}: {observed} ({limit}{source}), {}: {}", check.gate, check.outcome, check.reason)
}

fn full_applications(report: &DeltaReport) -> String {
    let (whole, part) = (report.proposed_count, report.in_order_count());
    let percent = match report.status {
        Status::Verified => format!("{}%", fixed(100.0 * part as f64 / whole as f64, 1)),
        Status::NoProposals => "nothing was proposed".to_owned(),
        Status::Unverifiable => "unverifiable".to_owned(),
    };
    format!("Full applications: {part}/{whole} ({percent})")
}

/// What the full applications of all reports consist of.
pub(in crate::render) fn counted_as_full(full: usize, partial: usize, skipped: usize) -> String {
    format!(
        "Every increment arrived in {full}; a reason explains {partial} applied in part and {skipped} not applied."
    )
}

fn parts_of(report: &DeltaReport) -> String {
    let partial = report.partial_ok_count.saturating_sub(report.skipped_count);
    counted_as_full(report.full_apply_count, partial, report.skipped_count)
}

fn figures(report: &DeltaReport) -> [(&'static str, String); 10] {
    let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| fixed(ratio, 3));
    [
        ("proposed", report.proposed_count.to_string()),
        ("full", report.full_apply_count.to_string()),
        ("skipped with a reason", report.skipped_count.to_string()),
        ("explained partial", (report.partial_ok_count.saturating_sub(report.skipped_count)).to_string()),
        ("failed", report.fail_count.to_string()),
        ("stuck", report.signature_stuck_count.to_string()),
        ("unverifiable", report.unverifiable_count.to_string()),
        ("iterations without a proposal", report.none_count.to_string()),
        ("full apply ratio", ratio(report.full_apply_ratio)),
        ("strict apply ratio", ratio(report.strict_apply_ratio)),
    ]
}

fn span(pair: &PairReport, arrow: &str) -> String {
    match (pair.next, pair.to) {
        (NextWord::EndState, _) => format!("{} {arrow} end", pair.from),
        (_, Some(to)) => format!("{} {arrow} {to}", pair.from),
        (_, None) => format!("{} {arrow} -", pair.from),
    }
}

fn word(pair: &PairReport) -> &'static str {
    match pair.status {
        PairWord::Full => "full",
        PairWord::Partial if pair.explained == Some(true) => "explained partial",
        PairWord::Partial => "partial",
        PairWord::Skipped => "skipped",
        PairWord::Failed => "failed",
        PairWord::Stuck => "stuck",
        PairWord::Unverifiable => "unverifiable",
    }
}

fn is_failing(pair: &PairReport) -> bool {
    match pair.status {
        PairWord::Failed | PairWord::Stuck => true,
        PairWord::Partial => pair.explained != Some(true),
        PairWord::Full | PairWord::Skipped | PairWord::Unverifiable => false,
    }
}

fn is_applied(key: &KeyReport) -> bool {
    matches!(key.state, KeyWord::Applied | KeyWord::Capped)
}

fn state(key: &KeyReport) -> String {
    match key.state {
        KeyWord::Applied => "applied".to_owned(),
        KeyWord::Capped => "capped at its bound".to_owned(),
        KeyWord::Dropped => format!("dropped: {}", key.code.as_deref().unwrap_or_default()),
        KeyWord::Unchanged => "unchanged".to_owned(),
        KeyWord::Mismatch if key.stored_as_value => "the increment was stored as the value".to_owned(),
        KeyWord::Mismatch => "changed by something else".to_owned(),
        KeyWord::Missing => "value unknown".to_owned(),
    }
}

fn sentence(key: &KeyReport) -> String {
    let (before, after) = (maybe(key.before, plain), maybe(key.after, plain));
    format!("{} {} proposed, {before} -> {after}: {}", key.param, signed(key.delta), state(key))
}

fn maybe(value: Option<f64>, words: fn(f64) -> String) -> String {
    value.map_or("-".to_owned(), words)
}

/// Up to six decimals, without trailing zeros; very small and very large numbers with an exponent.
fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e15).contains(&size) {
        return format!("{value:e}");
    }
    trimmed(&fixed(value, 6)).to_owned()
}

/// Like [`plain`], with a plus sign where it goes up.
fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", plain(value)) } else { plain(value) }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests;
