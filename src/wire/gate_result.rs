//! What `gate --format json` and `analyze --format json` print: the decision, and what it rests on.
//!
//! Must not decide; the exit code, the files written and the notification are the caller's to tell.

use std::collections::BTreeSet;

use serde::Serialize;

use super::analysis::{FindingRow, findings};
use super::check::Ladder;
use super::origin::OriginBlock;
use super::provenance::{Override, Provenance};
use crate::core::analysis::Analysis;
use crate::core::deltas::Verification;
use crate::core::verdict::Outcome;

/// Delta verification in four numbers.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DeltaSummary {
    /// `verified`, `no_proposals` or `unverifiable`.
    #[schemars(extend("enum" = ["verified", "no_proposals", "unverifiable"]))]
    pub status: String,
    /// (full + explained partial + skipped) ÷ proposed, unrounded; null unless verified.
    pub full_apply_ratio: Option<f64>,
    /// full ÷ claimed, unrounded; null unless verified, and when nothing was applied.
    pub strict_apply_ratio: Option<f64>,
    /// Proposals that were said to be applied while nothing changed.
    pub signature_stuck_count: usize,
}

impl From<&Verification> for DeltaSummary {
    fn from(verified: &Verification) -> Self {
        Self {
            status: verified.status.word().to_owned(),
            full_apply_ratio: verified.full_apply_ratio,
            strict_apply_ratio: verified.strict_apply_ratio,
            signature_stuck_count: verified.counts.stuck,
        }
    }
}

/// The result of a command that judges.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct GateResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// The command: `gate`, `analyze`.
    pub command: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `production` or `mock`: which limits were used.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: String,
    /// Whether the data can say anything about a release.
    pub origin: OriginBlock,
    /// The true verdict of everything that joins.
    pub outcome: Outcome,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// The main reason.
    pub reason: String,
    /// The symbol that decides, and whose numbers stand below; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Whether the overrides of every symbol may be frozen.
    pub freeze_ready: bool,
    /// Passing iterations in the window of the run verdict.
    pub pass_count: usize,
    /// Iterations in that window.
    pub window_n: usize,
    /// Whether a freeze was seen in it.
    pub freeze_seen: bool,
    /// Delta verification; null when it was left out.
    pub delta: Option<DeltaSummary>,
    /// Every check with its ladder.
    pub checks: Vec<Ladder>,
    /// The gates that make the verdict what it is, worst first; empty on PASS.
    pub reasons: Vec<String>,
    /// The first 1000 findings.
    pub findings: Vec<FindingRow>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_symbols: Vec<String>,
    /// How many findings there are.
    pub findings_total: usize,
    /// The files written, relative to the folder written into.
    pub artifacts: Vec<String>,
    /// A recorded override of the verdict; null when there is none.
    #[serde(rename = "override")]
    pub overridden: Option<Override>,
    /// The exit code of the command.
    pub exit_code: u8,
    /// What failed beside the verdict, so that the command fails; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where other judgements of the same run say otherwise, one sentence each.
    pub notes: Vec<String>,
}

impl GateResult {
    /// The result of an analysis. What the caller alone knows is empty and 0 until it is set: `artifacts` and
    /// `exit_code`.
    pub fn of(command: &str, analysis: &Analysis, provenance: &Provenance) -> Self {
        let worst = analysis.worst();
        let (findings, findings_total) = findings(analysis);
        let mut named = BTreeSet::new();
        let reasons = analysis
            .reasons()
            .into_iter()
            .filter(|check| named.insert(check.gate.as_str()))
            .map(|check| check.gate.clone())
            .collect();
        Self {
            schema_version: "1.0".to_owned(),
            command: command.to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: analysis.limits().to_owned(),
            origin: (&analysis.origin).into(),
            outcome: analysis.outcome,
            verdict: analysis.outcome.published().to_owned(),
            reason: analysis.reason(),
            symbol: worst.symbol.clone(),
            freeze_ready: analysis.freeze_ready(),
            pass_count: worst.passes.passing,
            window_n: worst.passes.n,
            freeze_seen: worst.passes.freeze_seen(),
            delta: worst.deltas.as_ref().map(DeltaSummary::from),
            checks: analysis.checks().map(Ladder::from).collect(),
            reasons,
            findings,
            excluded_symbols: analysis.evidence.excluded.clone(),
            findings_total,
            artifacts: Vec::new(),
            overridden: provenance.overridden.clone(),
            exit_code: 0,
            error: None,
            notes: analysis.disagreements.clone(),
        }
    }
}
