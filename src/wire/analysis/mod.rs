//! `POST_SOAK_ANALYSIS.json`: everything that is known about a run, in full precision.
//!
//! Lists are bounded and say how many entries there are. Computes nothing; holds no path of the machine and
//! no clock.

mod course;
mod drift;
mod inventory;
mod symbol;
mod tuning;
mod windows;

use serde::Serialize;

use super::check::Ladder;
use super::origin::OriginBlock;
use super::provenance::{Override, Provenance};
use crate::core::analysis::Analysis;
use crate::core::evidence::Finding;
use crate::core::verdict::Outcome;

pub use course::{ChangeRow, ChangesRow, CourseBlock, KpiDriftRow, LineRow, PaceRow, SettledRow, SpikeRow};
pub use drift::DriftRow;
pub use inventory::{DeclaredRow, DuplicateRow, ForeignRow, Inventory, RenumberedRow, UnusableRow};
pub use symbol::{
    AnomalyRow, ComponentRow, ContributionRow, DriverRow, EdgeBlock, IdentityRow, KpiViolationsRow,
    PassBlock, SymbolBlock, ViolationBlock, ViolationRow,
};
pub use tuning::{
    AnomalyBlock, DeltaBlock, DeltaCounts, GuardWindows, LoopRow, RecommendationRow, SignatureBlock, StepRow,
};
pub use windows::{KpiBlock, WindowBlock};

/// At most so many entries stand in a list that follows the length of the run.
pub const LISTED: usize = 1000;

/// Something about the input that a reader should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FindingRow {
    /// Short machine word, e.g. `unusable_file`.
    pub kind: String,
    /// Symbol, if it concerns one.
    pub symbol: Option<String>,
    /// Iteration, if it concerns one.
    pub iteration: Option<u64>,
    /// File name, if it concerns one.
    pub file: Option<String>,
    /// Whether it lies in the window judged.
    pub in_window: bool,
    /// One sentence.
    pub message: String,
}

impl From<&Finding> for FindingRow {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.to_owned(),
            symbol: finding.symbol.clone(),
            iteration: finding.iteration,
            file: finding.file.clone(),
            in_window: finding.in_window,
            message: finding.message.clone(),
        }
    }
}

/// The first findings of an analysis, and how many there are.
pub(super) fn findings(analysis: &Analysis) -> (Vec<FindingRow>, usize) {
    (analysis.findings.iter().take(LISTED).map(FindingRow::from).collect(), analysis.findings.len())
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AnalysisDocument {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// A recorded override of the verdict; null when there is none.
    #[serde(rename = "override")]
    pub overridden: Option<Override>,
    /// The fixed time, else the last time in the data; null when there is neither.
    pub timestamp: Option<String>,
    /// Whether the data can say anything about a release.
    pub origin: OriginBlock,
    /// Where the data came from; null when nothing says so.
    pub source: Option<String>,
    /// `production` or `mock`: which limits were used.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: String,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// The true verdict of everything that joins.
    pub outcome: Outcome,
    /// The main reason.
    pub reason: String,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// What was found in the folder.
    pub inventory: Inventory,
    /// One entry a symbol, or one without a name.
    pub symbols: Vec<SymbolBlock>,
    /// Checks that belong to no symbol.
    pub checks: Vec<Ladder>,
    /// The first 1000 findings.
    pub findings: Vec<FindingRow>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_symbols: Vec<String>,
    /// How many findings there are.
    pub findings_total: usize,
}

impl AnalysisDocument {
    /// The document of an analysis. `kpis` is the table of the policy that it was made with.
    pub fn of(analysis: &Analysis, provenance: &Provenance) -> Self {
        let (findings, findings_total) = findings(analysis);
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            overridden: provenance.overridden.clone(),
            timestamp: provenance.time_of(analysis),
            origin: (&analysis.origin).into(),
            source: analysis.source(),
            limits: analysis.limits().to_owned(),
            verdict: analysis.outcome.published().to_owned(),
            outcome: analysis.outcome,
            reason: analysis.reason(),
            freeze_ready: analysis.freeze_ready(),
            inventory: Inventory::of(&analysis.evidence),
            symbols: analysis
                .symbols
                .iter()
                .map(|symbol| SymbolBlock::of(symbol, analysis.series(symbol)))
                .collect(),
            checks: analysis.folder_checks.iter().map(Ladder::from).collect(),
            findings,
            excluded_symbols: analysis.evidence.excluded.clone(),
            findings_total,
        }
    }
}
