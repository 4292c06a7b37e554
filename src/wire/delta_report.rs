//! `DELTA_VERIFY_REPORT.json`: the delta verification for machines, and the one structure behind its Markdown.
//!
//! Fields stand in the order of their names, so that the file has sorted keys. Judges nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::origin::OriginBlock;
use super::provenance::Override;
use crate::core::deltas::{
    Attention, DETAILED_PAIRS, KeyCheck, KeyState, Next, Pair, PairStatus, Status, Verification,
};
use crate::core::excerpt::{WORDS, excerpt};
use crate::core::number::round_half_even;

/// Most pairs that a report lists.
pub const LISTED_PAIRS: usize = DETAILED_PAIRS;

/// The report of one series; or of several symbols, and then its figures are those of the worst symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeltaReport {
    /// Proposals said or seen to be applied.
    pub claimed_count: usize,
    /// Failed, and partly applied without a code for every key that was not.
    pub fail_count: usize,
    /// Proposals of which every increment arrived.
    pub full_apply_count: usize,
    /// (`full_apply_count` + `partial_ok_count`) ÷ `proposed_count`, 3 digits; null when nothing was
    /// proposed or nothing can be verified.
    pub full_apply_ratio: Option<f64>,
    /// Parameters by the number of failing pairs in which their increment did not arrive.
    pub misses: BTreeMap<String, usize>,
    /// Iterations that proposed nothing.
    pub none_count: usize,
    /// The verdict of `gate` on the same folder; absent in the reports of single symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Its main reason; absent in the reports of single symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_reason: Option<String>,
    /// Why the data is not about a release; only where it is simulated or a rehearsal, and absent in the reports of
    /// single symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginBlock>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any and in the reports of single
    /// symbols.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_symbols: Vec<String>,
    /// A recorded override of the gate that this report belongs to.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// Part of a rehearsal of a release, and no statement about one; left out otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// The pairs, in order; at most 1000, failing ones first kept. Empty above `symbols`.
    pub pairs: Vec<PairReport>,
    /// Pairs there are.
    pub pairs_total: usize,
    /// Partly applied with a code for every key that was not, and skipped with a reason.
    pub partial_ok_count: usize,
    /// Iterations with a proposal.
    pub proposed_count: usize,
    /// Version of this format.
    pub schema_version: String,
    /// Proposals said to be applied that changed nothing.
    pub signature_stuck_count: usize,
    /// Not applied, with a reason.
    pub skipped_count: usize,
    /// Whether the ratios mean anything.
    pub status: Status,
    /// `full_apply_count` ÷ `claimed_count`, 3 digits; null like the other ratio, and when nothing was applied.
    pub strict_apply_ratio: Option<f64>,
    /// The symbol; the worst one where there are several; absent for runs that are not per symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// One report for each symbol; absent for runs that are not per symbol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<DeltaReport>,
    /// Proposals said to be applied whose values the files do not show.
    pub unverifiable_count: usize,
}

/// One proposal and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PairReport {
    /// Whether it is said or seen to be applied.
    pub claimed: bool,
    /// For `partial`: whether a guard's code stands beside every key that was not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<bool>,
    /// The iteration that proposed.
    pub from: u64,
    /// The increments.
    pub keys: Vec<KeyReport>,
    /// What the values were compared with.
    pub next: NextWord,
    /// Why it has its status.
    pub reason: String,
    /// What became of it.
    pub status: PairWord,
    /// The iteration after; null for the last one.
    pub to: Option<u64>,
}

/// One proposed increment and what was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct KeyReport {
    /// Value after; null = unknown.
    pub after: Option<f64>,
    /// Value before; null = unknown.
    pub before: Option<f64>,
    /// after − before; null = unknown.
    pub change: Option<f64>,
    /// The code of the guard that dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The proposed increment.
    pub delta: f64,
    /// The parameter, by its flat name.
    pub param: String,
    /// What became of it.
    pub state: KeyWord,
    /// Whether the increment was stored as the value instead of being added.
    pub stored_as_value: bool,
}

/// Status of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairWord {
    /// Every increment arrived, in full or up to its bound.
    Full,
    /// Some increments arrived.
    Partial,
    /// Not applied, with a reason.
    Skipped,
    /// Not applied without a reason, or the values show something else.
    Failed,
    /// Said to be applied, and nothing changed.
    Stuck,
    /// Said to be applied, and the files do not show the values.
    Unverifiable,
}

/// State of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyWord {
    /// It changed by the increment.
    Applied,
    /// A bound stopped it on the way.
    Capped,
    /// A guard dropped it.
    Dropped,
    /// It did not change.
    Unchanged,
    /// It changed by something else.
    Mismatch,
    /// Its value is unknown on at least one side.
    Missing,
}

/// What the values of an iteration were compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextWord {
    /// The next iteration.
    Iteration,
    /// The next iteration is missing.
    Gap,
    /// The overrides that the run left behind.
    EndState,
    /// It is the last one, and nothing shows what came after.
    Nothing,
}

impl DeltaReport {
    /// The report of one series.
    pub fn new(symbol: Option<&str>, verification: &Verification) -> Self {
        let Verification { pairs, counts, misses, full_apply_ratio, strict_apply_ratio, status } =
            verification;
        let ratio = |ratio: &Option<f64>| ratio.map(|ratio| round_half_even(ratio, 3));
        Self {
            claimed_count: counts.claimed,
            fail_count: counts.failed + counts.partial_unexplained,
            full_apply_count: counts.full,
            full_apply_ratio: ratio(full_apply_ratio),
            misses: misses.iter().map(|(param, count)| (param.to_string(), *count)).collect(),
            none_count: counts.none,
            outcome: None,
            outcome_reason: None,
            origin: None,
            excluded_symbols: Vec::new(),
            overridden: None,
            rehearsal: false,
            pairs: listed(pairs),
            pairs_total: pairs.len(),
            partial_ok_count: counts.partial_explained + counts.skipped,
            proposed_count: counts.proposed,
            schema_version: "1.0".to_owned(),
            signature_stuck_count: counts.stuck,
            skipped_count: counts.skipped,
            status: *status,
            strict_apply_ratio: ratio(strict_apply_ratio),
            symbol: symbol.map(str::to_owned),
            symbols: Vec::new(),
            unverifiable_count: counts.unverifiable,
        }
    }

    /// One report over several: nothing is pooled, the figures are those of the worst. `None` for none.
    pub fn whole(mut reports: Vec<Self>) -> Option<Self> {
        if reports.len() == 1 && reports[0].symbol.is_none() {
            return reports.pop();
        }
        // A verified symbol can fail, an unverifiable one only not apply, one without proposals neither.
        let worst = reports.iter().min_by(|a, b| {
            (b.status.cmp(&a.status))
                .then_with(|| a.in_order_share().total_cmp(&b.in_order_share()))
                .then_with(|| b.signature_stuck_count.cmp(&a.signature_stuck_count))
        })?;
        let mut whole = Self { pairs: Vec::new(), ..worst.clone() };
        whole.symbols = reports;
        Some(whole)
    }

    /// Proposals that were applied or left out with a reason.
    pub fn in_order_count(&self) -> usize {
        self.full_apply_count + self.partial_ok_count
    }

    /// The full-apply ratio before rounding, whatever the status; 1 when nothing was proposed.
    fn in_order_share(&self) -> f64 {
        if self.proposed_count == 0 { 1.0 } else { self.in_order_count() as f64 / self.proposed_count as f64 }
    }
}

fn listed(pairs: &[Pair]) -> Vec<PairReport> {
    let mut chosen: Vec<&Pair> = Attention::ALL
        .into_iter()
        .flat_map(|attention| pairs.iter().filter(move |pair| pair.status.attention() == attention))
        .take(LISTED_PAIRS)
        .collect();
    chosen.sort_by_key(|pair| pair.from);
    chosen.into_iter().map(PairReport::from).collect()
}

impl From<&Pair> for PairReport {
    fn from(pair: &Pair) -> Self {
        let (next, to) = match pair.next {
            Next::Iteration(number) => (NextWord::Iteration, Some(number)),
            Next::Gap(number) => (NextWord::Gap, Some(number)),
            Next::EndState => (NextWord::EndState, None),
            Next::Nothing => (NextWord::Nothing, None),
        };
        let (status, explained) = match pair.status {
            PairStatus::Full => (PairWord::Full, None),
            PairStatus::Partial { explained } => (PairWord::Partial, Some(explained)),
            PairStatus::Skipped => (PairWord::Skipped, None),
            PairStatus::Failed => (PairWord::Failed, None),
            PairStatus::Stuck => (PairWord::Stuck, None),
            PairStatus::Unverifiable => (PairWord::Unverifiable, None),
        };
        Self {
            claimed: pair.claimed,
            explained,
            from: pair.from,
            keys: pair.keys.iter().map(KeyReport::from).collect(),
            next,
            reason: excerpt(&pair.why.to_string(), WORDS),
            status,
            to,
        }
    }
}

impl From<&KeyCheck> for KeyReport {
    fn from(key: &KeyCheck) -> Self {
        let mut code = None;
        let mut stored_as_value = false;
        let state = match &key.state {
            KeyState::Applied => KeyWord::Applied,
            KeyState::Capped => KeyWord::Capped,
            KeyState::Dropped(guard) => {
                code = Some(guard.to_string());
                KeyWord::Dropped
            }
            KeyState::Unchanged => KeyWord::Unchanged,
            KeyState::Mismatch { stored_as_value: stored } => {
                stored_as_value = *stored;
                KeyWord::Mismatch
            }
            KeyState::Missing => KeyWord::Missing,
        };
        Self {
            after: key.after,
            before: key.before,
            change: key.change(),
            code,
            delta: key.delta,
            param: key.param.to_string(),
            state,
            stored_as_value,
        }
    }
}

#[cfg(test)]
mod tests;
