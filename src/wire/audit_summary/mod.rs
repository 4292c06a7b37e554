//! `POST_SOAK_AUDIT_SUMMARY.json`: the readiness audit for machines.
//!
//! Keeps the keys that its readers know; `last8` in them stands for the last-n window of the policy. Lists are
//! bounded and say how many entries there are. Judges nothing.

mod parts;
pub mod read;

use serde::Serialize;

use super::analysis::{FindingRow, LISTED};
use super::check::Ladder;
use super::origin::OriginBlock;
use super::provenance::{Override, Provenance};
use crate::core::audit::Audit;
use crate::core::policy::Policy;
use crate::core::verdict::Outcome;

pub use parts::{
    DeltaBlock, FilesPresent, InventoryBlock, KpiValues, PhaseRow, ReadinessBlock, Spread, SymbolRow,
    TrendBlock, TrendStats, TuningBlock, WarmupBlock,
};

/// The name of the file.
pub const FILE_NAME: &str = "POST_SOAK_AUDIT_SUMMARY.json";

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AuditSummary {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `SOAK_NOW` where it is set, else the last time in the data; null when there is neither.
    pub timestamp: Option<String>,
    /// The folder of the run, as it was named.
    pub base_dir: String,
    /// Whether the data can say anything about a release.
    pub origin: OriginBlock,
    /// Where the data came from, e.g. `sim`; null when nothing says so.
    pub source: Option<String>,
    /// `OK` or `HOLD`.
    #[schemars(extend("enum" = ["OK", "HOLD"]))]
    pub verdict: String,
    /// The worst of the verdict of `gate` and of the limits of readiness.
    pub outcome: Outcome,
    /// Its main reason.
    pub outcome_reason: String,
    /// The verdict of `gate` on the same files.
    pub gate_outcome: Outcome,
    /// Part of a rehearsal of a release, and no statement about one; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// A recorded override; null when there is none.
    #[serde(rename = "override")]
    pub overridden: Option<Override>,
    /// Usable iterations over all symbols.
    pub iterations: usize,
    /// Highest iteration number; null without iterations.
    pub max_iter: Option<u64>,
    /// First iteration of the steady window.
    pub steady_start: u64,
    /// Length of the last-n window.
    pub last_n: usize,
    /// First number of the last-n window; null when it is empty.
    pub last8_start: Option<u64>,
    /// Which of the key files are there.
    pub files_present: FilesPresent,
    /// What lies in the folder.
    pub inventory: InventoryBlock,
    /// The symbol whose numbers stand below; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// What readiness was judged by: medians over the last-n window unless the policy says otherwise.
    pub snapshot_kpis: KpiValues,
    /// The answer, as its readers know it.
    pub readiness: ReadinessBlock,
    /// Every check that makes the answer, with its ladder: readiness, integrity, and what the gate does not accept.
    pub checks: Vec<Ladder>,
    /// Spread over the three windows.
    pub trend_stats: TrendStats,
    /// One entry a symbol; empty for runs that are not per symbol.
    pub symbols: Vec<SymbolRow>,
    /// What the tuner did.
    pub tuning: TuningBlock,
    /// What became of it.
    pub delta_verify: DeltaBlock,
    /// Phases, and the metrics of the warm-up.
    pub warmup: WarmupBlock,
    /// What makes the result weaker than it looks.
    pub warnings: Vec<String>,
    /// What to do next; never empty.
    pub recommendations: Vec<String>,
    /// The first 1000 findings.
    pub findings: Vec<FindingRow>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_symbols: Vec<String>,
    /// How many findings there are.
    pub findings_total: usize,
    /// What failed beside the verdict, so that the command fails; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where gate and readiness say otherwise, one sentence each.
    pub notes: Vec<String>,
}

impl AuditSummary {
    /// The document of an audit.
    pub fn of(audit: &Audit<'_>, policy: &Policy, provenance: &Provenance, base_dir: &str) -> Self {
        let analysis = audit.analysis;
        let symbol = audit.symbol();
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            timestamp: provenance.time_of(analysis),
            base_dir: base_dir.to_owned(),
            origin: (&analysis.origin).into(),
            source: analysis.source(),
            verdict: audit.readiness.word().to_owned(),
            outcome: audit.readiness.outcome,
            outcome_reason: audit.reason(),
            gate_outcome: analysis.outcome,
            rehearsal: provenance.rehearsal,
            overridden: provenance.overridden.clone(),
            iterations: analysis.evidence.len(),
            max_iter: audit.max_iteration(),
            steady_start: policy.windows.steady_start,
            last_n: policy.windows.last_n,
            last8_start: symbol.last.span.map(|(first, _)| first),
            files_present: FilesPresent::of(&audit.folder),
            inventory: InventoryBlock::of(&audit.folder),
            symbol: symbol.symbol.clone(),
            snapshot_kpis: KpiValues::of(&audit.readiness.kpis),
            readiness: ReadinessBlock {
                pass: audit.readiness.is_ok(),
                failures: audit.readiness.failures.clone(),
            },
            checks: audit.readiness.checks.iter().map(Ladder::from).collect(),
            trend_stats: TrendStats::of(audit.windows()),
            symbols: SymbolRow::all(audit),
            tuning: TuningBlock::of(audit),
            delta_verify: DeltaBlock::of(audit),
            warmup: WarmupBlock::of(audit),
            warnings: audit.warnings.clone(),
            recommendations: audit.recommendations.clone(),
            findings: audit.findings.iter().take(LISTED).map(FindingRow::from).collect(),
            excluded_symbols: analysis.evidence.excluded.clone(),
            findings_total: audit.findings.len(),
            error: None,
            notes: analysis.disagreements.clone(),
        }
    }
}
