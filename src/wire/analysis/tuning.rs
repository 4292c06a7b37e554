//! What the tuner did, as the analysis document tells it: guards, signatures, deltas, advice; and anomalies.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AnomalyRow, LISTED};
use crate::core::anomalies::Anomaly;
use crate::core::deltas::Verification;
use crate::core::guards::{Guard, GuardCounts};
use crate::core::policy::Step;
use crate::core::recommend::Recommendation;
use crate::core::signatures::Signatures;

/// At most so many different signatures are listed.
const SIGNATURES: usize = 50;
/// At most so many loops are listed.
const LOOPS: usize = 100;

/// How often each guard spoke: iterations by guard, all guards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct GuardWindows {
    /// Over the whole run.
    pub overall: BTreeMap<String, usize>,
    /// Over the last-n window.
    pub last: BTreeMap<String, usize>,
}

impl GuardWindows {
    /// The counts of both windows.
    pub fn of(overall: &GuardCounts, last: &GuardCounts) -> Self {
        let told = |counts: &GuardCounts| {
            Guard::ALL.into_iter().map(|guard| (guard.word().to_owned(), counts.of(guard))).collect()
        };
        Self { overall: told(overall), last: told(last) }
    }
}

/// Tuning went A → B → A.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct LoopRow {
    /// Numbers of the three iterations.
    pub iterations: [u64; 3],
    /// Their signatures.
    pub signatures: [String; 3],
}

/// Signatures and loops over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct SignatureBlock {
    /// Number of different signatures.
    pub unique_count: usize,
    /// The first 50 of them, in the order in which they were seen.
    pub unique: Vec<String>,
    /// Number of loops.
    pub loop_count: usize,
    /// The first 100 of them.
    pub loops: Vec<LoopRow>,
}

impl SignatureBlock {
    /// The block of what was found.
    pub fn of(found: &Signatures) -> Self {
        let loops = found
            .loops
            .iter()
            .take(LOOPS)
            .map(|found| LoopRow { iterations: found.iterations, signatures: found.signatures.clone() });
        Self {
            unique_count: found.unique_count,
            unique: found.unique.iter().take(SIGNATURES).cloned().collect(),
            loop_count: found.loop_count,
            loops: loops.collect(),
        }
    }
}

/// Anomalies over the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AnomalyBlock {
    /// How many.
    pub count: usize,
    /// The first 1000 of them.
    pub listed: Vec<AnomalyRow>,
}

impl AnomalyBlock {
    /// The block of what was found.
    pub fn of(found: &[Anomaly]) -> Self {
        let listed = found.iter().take(LISTED).map(|anomaly| AnomalyRow {
            iteration: anomaly.iteration,
            kind: anomaly.kind,
            value: anomaly.value,
            delta: anomaly.delta,
            limit: anomaly.limit,
        });
        Self { count: found.len(), listed: listed.collect() }
    }
}

/// A step on a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepRow {
    /// Add this many of the parameter's units.
    Add(f64),
    /// Multiply by this.
    Multiply(f64),
}

/// Advice on a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RecommendationRow {
    /// The parameter by its flat name.
    pub param: String,
    /// What to do with it.
    pub step: StepRow,
    /// Why, one sentence a rule.
    pub rationales: Vec<String>,
    /// Names of the rules.
    pub rules: Vec<String>,
    /// Whether other rules ask for the opposite.
    pub conflict: bool,
}

impl From<&Recommendation> for RecommendationRow {
    fn from(advice: &Recommendation) -> Self {
        Self {
            param: advice.param.as_str().to_owned(),
            step: match advice.step {
                Step::Add(amount) => StepRow::Add(amount),
                Step::Multiply(factor) => StepRow::Multiply(factor),
            },
            rationales: advice.rationales.clone(),
            rules: advice.rules.clone(),
            conflict: advice.conflict,
        }
    }
}

/// How many iterations have which status of delta verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DeltaCounts {
    /// Iterations that proposed nothing.
    pub none: usize,
    /// Iterations with a proposal.
    pub proposed: usize,
    /// Fully applied.
    pub full: usize,
    /// Partly applied, with a code for each key that was not.
    pub partial_explained: usize,
    /// Partly applied, without such codes.
    pub partial_unexplained: usize,
    /// Not applied, with a reason.
    pub skipped: usize,
    /// Failed.
    pub failed: usize,
    /// Said to be applied, but nothing changed.
    pub stuck: usize,
    /// The files do not show it.
    pub unverifiable: usize,
    /// Said or seen to be applied.
    pub claimed: usize,
}

/// Delta verification; the pairs stand in the delta report.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DeltaBlock {
    /// `verified`, `no_proposals` or `unverifiable`.
    #[schemars(extend("enum" = ["verified", "no_proposals", "unverifiable"]))]
    pub status: String,
    /// How many of each.
    pub counts: DeltaCounts,
    /// (full + explained partial + skipped) ÷ proposed, unrounded; null unless verified.
    pub full_apply_ratio: Option<f64>,
    /// full ÷ claimed, unrounded; null unless verified, and when nothing was applied.
    pub strict_apply_ratio: Option<f64>,
    /// Parameters by the number of pairs in which their increment was not applied without a reason.
    pub misses: BTreeMap<String, usize>,
}

impl From<&Verification> for DeltaBlock {
    fn from(verified: &Verification) -> Self {
        let counts = &verified.counts;
        Self {
            status: verified.status.word().to_owned(),
            counts: DeltaCounts {
                none: counts.none,
                proposed: counts.proposed,
                full: counts.full,
                partial_explained: counts.partial_explained,
                partial_unexplained: counts.partial_unexplained,
                skipped: counts.skipped,
                failed: counts.failed,
                stuck: counts.stuck,
                unverifiable: counts.unverifiable,
                claimed: counts.claimed,
            },
            full_apply_ratio: verified.full_apply_ratio,
            strict_apply_ratio: verified.strict_apply_ratio,
            misses: verified
                .misses
                .iter()
                .map(|(param, pairs)| (param.as_str().to_owned(), *pairs))
                .collect(),
        }
    }
}
