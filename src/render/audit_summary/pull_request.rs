//! The audit in a few lines of Markdown, for a comment on a pull request.
//!
//! Bounded, and harmless whatever the file holds.

use crate::core::number::{beside, exact, fixed, trimmed};
use crate::core::verdict::Comparison;
use crate::render::markdown::cell;
use crate::render::report_head::{excluded_line, override_line};
use crate::render::report_md::{bounded, finish, paragraph, prose};
use crate::wire::audit_summary::read::{Account, Limit};

/// KPIs, failures and warnings that are shown of each.
const MOST: usize = 20;

/// The comment.
pub fn pull_request(account: &Account) -> String {
    let mut out = String::new();
    let window = account.last_n.unwrap_or(8);
    let symbol = account
        .symbol
        .as_deref()
        .map_or_else(String::new, |symbol| format!(", worst symbol {}", cell(symbol)));
    paragraph(&mut out, &format!("### Post-Soak Readiness (last-{window} window{symbol})"));
    paragraph(
        &mut out,
        &match (&account.outcome, account.pass) {
            (_, true) => "✅ READINESS: OK".to_owned(),
            (Some(outcome), false) if outcome != "FAIL" => format!("❌ READINESS: HOLD ({})", cell(outcome)),
            (_, false) => "❌ READINESS: HOLD".to_owned(),
        },
    );
    if let Some(origin) = &account.origin {
        paragraph(&mut out, &format!("**{}**", prose(origin)));
    }
    if let Some(excluded) = excluded_line(&account.excluded) {
        paragraph(&mut out, &excluded);
    }
    if let Some(gate) = &account.gate {
        // Of a gate that accepts the run the reason is that of the readiness, and stands below.
        let refuses = !matches!(gate.as_str(), "PASS" | "WARN");
        let reason = account.reason.as_ref().filter(|_| refuses);
        let reason = reason.map_or_else(String::new, |reason| format!(" - {}", prose(reason)));
        paragraph(&mut out, &format!("Gate: **{}**{reason}", cell(gate)));
    }
    if let Some(given) = &account.overridden {
        paragraph(&mut out, &override_line(given));
    }
    if account.kpis.is_empty() {
        paragraph(&mut out, "No KPI is known.");
    } else {
        let line = |(kpi, value): &(String, Option<f64>)| kpi_line(kpi, *value, account.limits.get(kpi));
        bounded(&mut out, account.kpis.iter().map(line), MOST);
    }
    for (what, lines) in [("Failures", &account.failures), ("Warnings", &account.warnings)] {
        if !lines.is_empty() {
            paragraph(&mut out, &format!("{what}:"));
            bounded(&mut out, lines.iter().map(|text| format!("- {}", prose(text))), MOST);
        }
    }
    finish(out, false)
}

/// `- net_bps: **3.180** (≥ 2.9)`.
fn kpi_line(kpi: &str, value: Option<f64>, limit: Option<&Limit>) -> String {
    let digits = if kpi.ends_with("_ms") { 0 } else { 3 };
    let told = match (value, limit) {
        (None, _) => "n/a".to_owned(),
        (Some(value), Some(limit)) => beside(value, limit.limit, digits),
        (Some(value), None) => fixed(value, digits),
    };
    let bound = limit.map_or_else(String::new, |limit| {
        let sign = match limit.comparison {
            Comparison::AtLeast => "≥",
            Comparison::AtMost => "≤",
            Comparison::Above => "&gt;",
            Comparison::Below => "&lt;",
        };
        format!(" ({sign} {})", trimmed(&exact(limit.limit, 0)))
    });
    format!("- {}: **{told}**{bound}", cell(kpi))
}
