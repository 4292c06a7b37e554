//! The readiness audit of a folder: on the terminal, as Markdown, as JSON, as a table of iterations, and in short for a
//! pull request.
//!
//! What lies beside the iterations is looked at, everything is rendered, and committed in one go. Computes nothing that
//! the audit has.

mod markdown;
mod summary;
mod text;

use std::path::Path;

use super::artifacts::{ANALYSIS, Rendered};
use super::json;
use super::terminal::bound;
use super::text::{maybe, printable};
use crate::core::analysis::audit::{Audit, Folder, Phase, disagreements};
use crate::core::analysis::folder::Judged;
use crate::core::analysis::{Analysis, SymbolAnalysis, WindowStats};
use crate::core::compare::snapshot::Snapshot;
use crate::core::compare::snapshot::baseline;
use crate::core::compare::snapshot::baseline::Baseline;
use crate::core::compare::snapshot::v1_2::Snapshot12;
use crate::core::kpi::KpiId;
use crate::core::load::audited;
use crate::core::policy::Policy;
use crate::core::text::number::beside;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, Outcome};
use crate::infra::artifacts::Artifact;

pub(crate) use markdown::pull_request;
use markdown::{csv_table, markdown};
pub use summary::AuditSummary;
pub(crate) use summary::{FILE_NAME, read};
pub(crate) use text::{Place, text};

/// The report for people.
pub(crate) const REPORT: &str = "POST_SOAK_AUDIT_SUMMARY.md";

/// The table of iterations.
pub(crate) const TABLE: &str = "POST_SOAK_ITER_TABLE.csv";

/// What the audit writes, by name.
const OWN: [&str; 3] = [FILE_NAME, REPORT, TABLE];

/// Audits a judged folder.
pub(crate) fn audit<'j>(judged: &'j Judged, policy: &Policy, provenance: &Provenance) -> Audit<'j> {
    let analysis = &judged.analysis;
    if analysis.evidence.is_empty() {
        // A folder that was named by mistake is not walked through.
        return Audit::of(analysis, policy, Folder::default(), Vec::new());
    }
    let folder = audited::look(&judged.folder, &OWN);
    let own = |version: &str| -> Option<Baseline> {
        let text = match version {
            "1.1" => json::compact_ascii(&Snapshot::of(analysis, provenance)),
            _ => json::compact_ascii(&Snapshot12::of(analysis, provenance)),
        };
        baseline::read(text.as_bytes()).ok()
    };
    let beside = disagreements(&audited::snapshots(&judged.folder), own);
    Audit::of(analysis, policy, folder, beside)
}

/// The rendered audit.
#[derive(Debug)]
pub(crate) struct Written {
    /// The summary for machines.
    pub(crate) summary: AuditSummary,
    /// The report for people.
    pub(crate) report: String,
    /// What is to be committed.
    pub(crate) rendered: Rendered,
}

/// Renders the artifacts, for the folder of the run, or flat for a folder of their own; touches nothing.
pub(crate) fn render(
    audit: &Audit<'_>,
    policy: &Policy,
    provenance: &Provenance,
    run: &Path,
    flat: bool,
    ascii: bool,
) -> Written {
    let base_dir = run.to_string_lossy().replace('\\', "/");
    let summary = AuditSummary::of(audit, policy, provenance, &base_dir);
    let report = markdown(audit, policy, provenance, ascii);
    let mut rendered = Rendered::default();
    let contents = [json::pretty(&summary), report.clone(), csv_table(audit.analysis)];
    for (name, content) in OWN.iter().zip(contents) {
        let path = if flat { (*name).to_owned() } else { format!("{ANALYSIS}/{name}") };
        rendered.artifacts.push(Artifact::new(path, content));
    }
    Written { summary, report, rendered }
}

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
fn gate_line(audit: &Audit<'_>) -> String {
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
