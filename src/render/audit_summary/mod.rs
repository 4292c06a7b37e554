//! The readiness audit for people: on the terminal, as Markdown, as a table of iterations, and in short for a pull
//! request.
//!
//! Computes nothing that the audit has. What more than one of them shows is here.

mod csv;
mod md;
mod pull_request;
mod text;

use super::markdown::printable;
use super::report_md::maybe;
use super::terminal::bound;
use crate::core::analysis::{Analysis, SymbolAnalysis, WindowStats};
use crate::core::audit::{Audit, Phase};
use crate::core::kpi::KpiId;
use crate::core::number::beside;
use crate::core::verdict::{Check, Outcome};

pub use csv::table;
pub use md::markdown;
pub use pull_request::pull_request;
pub use text::{Place, text};

/// The KPIs of the trend table, in its order.
const TRENDS: [(KpiId, &str); 4] = [
    (KpiId::NET_BPS, "net_bps"),
    (KpiId::RISK_RATIO, "risk_ratio"),
    (KpiId::P95_LATENCY_MS, "latency_p95_ms"),
    (KpiId::MAKER_TAKER_RATIO, "maker_taker_ratio"),
];

/// Decimals of a value in the readiness table, where they are enough to tell it from its limit.
const DECIMALS: usize = 3;

/// A limit of readiness in words; may hold text from the policy.
struct Row {
    metric: String,
    target: String,
    actual: String,
    status: &'static str,
}

impl Row {
    fn of(check: &Check, ascii: bool) -> Self {
        let actual = match (check.observed, check.limit) {
            (Some(seen), Some(limit)) => beside(seen, limit, DECIMALS),
            (seen, _) => seen.map_or_else(|| "missing".to_owned(), |seen| maybe(Some(seen), DECIMALS)),
        };
        Self {
            metric: printable(check.kpi.as_deref().unwrap_or(&check.gate)),
            target: bound(check).unwrap_or_default(),
            actual,
            status: status(check.outcome, ascii),
        }
    }
}

fn status(outcome: Outcome, ascii: bool) -> &'static str {
    match (outcome, ascii) {
        (Outcome::Pass, true) => "OK PASS",
        (Outcome::Pass, false) => "✓ PASS",
        (Outcome::Fail, true) => "X FAIL",
        (Outcome::Fail, false) => "✗ FAIL",
        (Outcome::Warn, _) => "! WARN",
        (Outcome::Inconclusive, _) => "! INCONCLUSIVE",
        (Outcome::Invalid, _) => "! INVALID",
        (Outcome::NotApplicable, _) => "- NOT_APPLICABLE",
    }
}

/// `READINESS: OK` or `READINESS: HOLD`, and why.
fn verdict(audit: &Audit<'_>) -> String {
    let readiness = &audit.readiness;
    if readiness.is_ok() {
        return "READINESS: OK (all KPIs within thresholds)".to_owned();
    }
    let why = match readiness.missed() {
        0 => String::new(),
        missed => format!("{missed} KPI(s) failed"),
    };
    let outcome = match (readiness.outcome, readiness.missed()) {
        (outcome, 0) => format!("gate {outcome}"),
        (Outcome::Fail, _) => String::new(),
        (other, _) => other.word().to_owned(),
    };
    let parts: Vec<String> = [outcome, why].into_iter().filter(|part| !part.is_empty()).collect();
    format!("READINESS: HOLD ({})", parts.join(", "))
}

/// The verdict of the gate, and why.
fn gate(audit: &Audit<'_>) -> String {
    format!("{}: {}", audit.analysis.outcome, printable(&audit.analysis.reason()))
}

/// Min, max and median of a KPI over a window.
fn spread(window: &WindowStats, kpi: KpiId) -> [String; 3] {
    let digits = kpi.unit.decimals();
    let summary = window.kpi(kpi).and_then(|stats| stats.summary);
    [
        maybe(summary.map(|summary| summary.min), digits),
        maybe(summary.map(|summary| summary.max), digits),
        maybe(summary.map(|summary| summary.median), digits),
    ]
}

/// The phases in the order in which they began.
fn phases<'a>(audit: &'a Audit<'_>) -> Vec<(&'a str, Phase)> {
    let mut phases: Vec<(&str, Phase)> =
        audit.phases.iter().map(|(name, phase)| (name.as_str(), *phase)).collect();
    phases.sort_by_key(|(_, phase)| phase.first);
    phases
}

/// Whether the iterations belong to symbols.
fn is_per_symbol(analysis: &Analysis) -> bool {
    analysis.symbols.iter().any(|symbol| symbol.symbol.is_some())
}

fn name(symbol: &SymbolAnalysis) -> &str {
    symbol.symbol.as_deref().unwrap_or("(no symbol)")
}
