//! What `gate --format json` and `analyze --format json` print: the decision, and what it rests on.
//!
//! Must not decide; the exit code, the files written and the notification are set by the caller.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::Analysis;
use super::document::{LISTED, first};
use super::origin::OriginBlock;
use crate::core::analysis::deltas::Verification;
use crate::core::verdict::evidence::{ArchiveFile, Finding};
use crate::core::verdict::provenance::{Envelope, Provenance};
use crate::core::verdict::{Check, Outcome};

/// Delta verification in four numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeltaSummary {
    /// `verified`, `no_proposals` or `unverifiable`.
    #[schemars(extend("enum" = ["verified", "no_proposals", "unverifiable"]))]
    pub status: &'static str,
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
            status: verified.status.word(),
            full_apply_ratio: verified.full_apply_ratio,
            strict_apply_ratio: verified.strict_apply_ratio,
            signature_stuck_count: verified.counts.stuck,
        }
    }
}

/// The result of a command that judges.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GateResult<'a> {
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The command: `gate`, `analyze`.
    pub command: &'a str,
    /// `production` or `mock`: which limits were used.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: &'static str,
    /// Whether the data can say anything about a release.
    pub origin: OriginBlock,
    /// The true verdict of everything that joins.
    pub outcome: Outcome,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: &'static str,
    /// The main reason.
    pub reason: String,
    /// The symbol that decides, and of the numbers below; null for runs that are not per symbol.
    pub symbol: Option<&'a str>,
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
    /// Every check with its explanation.
    pub checks: Vec<&'a Check>,
    /// The gates that make the verdict what it is, worst first; empty on PASS.
    pub reasons: Vec<&'a str>,
    /// The first 1000 findings.
    pub findings: &'a [Finding],
    /// The archive that was read; absent where a folder was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<&'a ArchiveFile>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub excluded_symbols: &'a [String],
    /// How many findings there are.
    pub findings_total: usize,
    /// The files written, relative to the folder written into.
    pub artifacts: Vec<String>,
    /// The exit code of the command.
    pub exit_code: u8,
    /// What failed beside the verdict, so that the command fails; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where other judgements of the same run say otherwise, one sentence each.
    pub notes: &'a [String],
}

impl<'a> GateResult<'a> {
    /// The result of an analysis. What only the caller knows is empty and 0 until it is set: `artifacts` and
    /// `exit_code`.
    pub fn of(command: &'a str, analysis: &'a Analysis, provenance: &Provenance) -> Self {
        let worst = analysis.worst();
        let mut named = BTreeSet::new();
        let reasons = analysis
            .reasons()
            .into_iter()
            .filter(|check| named.insert(check.gate.as_str()))
            .map(|check| check.gate.as_str())
            .collect();
        Self {
            envelope: provenance.into(),
            command,
            limits: analysis.limits(),
            origin: (&analysis.origin).into(),
            outcome: analysis.outcome,
            verdict: analysis.outcome.published(),
            reason: analysis.reason(),
            symbol: worst.symbol.as_deref(),
            freeze_ready: analysis.freeze_ready(),
            pass_count: worst.passes.passing,
            window_n: worst.passes.n,
            freeze_seen: worst.passes.freeze_seen(),
            delta: worst.deltas.as_ref().map(DeltaSummary::from),
            checks: analysis.checks().collect(),
            reasons,
            findings: first(&analysis.findings, LISTED),
            archive: analysis.evidence.archive.as_ref(),
            excluded_symbols: &analysis.evidence.excluded,
            findings_total: analysis.findings.len(),
            artifacts: Vec::new(),
            exit_code: 0,
            error: None,
            notes: &analysis.disagreements,
        }
    }
}

/// What the commands that judge print with `--format json` where they end before there is a verdict. The keys that it shares with the results of the commands mean the same.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorResult<'a> {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// The command: `gate`, `analyze`, `audit`, `canary`.
    pub command: &'a str,
    /// Version of the program.
    pub tool_version: &'static str,
    /// INVALID: nothing was judged.
    pub outcome: Outcome,
    /// FAIL, as INVALID is published.
    #[schemars(extend("const" = "FAIL"))]
    pub verdict: &'static str,
    /// What failed, and why.
    pub reason: String,
    /// What the user can do about it; null where that is not known.
    pub hint: Option<String>,
    /// The exit code of the command.
    pub exit_code: u8,
}

impl<'a> ErrorResult<'a> {
    /// The document of an error.
    pub fn new(command: &'a str, reason: String, hint: Option<String>, exit_code: u8) -> Self {
        Self {
            schema_version: "1.0",
            command,
            tool_version: env!("CARGO_PKG_VERSION"),
            outcome: Outcome::Invalid,
            verdict: Outcome::Invalid.published(),
            reason,
            hint,
            exit_code,
        }
    }
}
