//! Delta verification: did what the tuner proposed reach the overrides?
//!
//! A proposal of iteration k is an increment per parameter. It is held against the change of that parameter
//! between the overrides in force during iteration k and those in force during iteration k+1. What the files
//! cannot show is called unverifiable and never counted as applied. Pure; reads no files.

mod checks;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::guards::GuardSet;
use super::params::ParamName;

pub use checks::checks;
pub use verify::verify;

/// Pairs that keep the details of their keys: this many of each [`Attention`]. A run of any length can be
/// verified, but nobody reads more than this.
pub const DETAILED_PAIRS: usize = 1000;

/// What became of a parameter's proposed increment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It changed by the increment.
    Applied,
    /// It went the proposed way until a bound stopped it, and the record says so. Counts as applied.
    Capped,
    /// A guard dropped it; holds the guard's code.
    Dropped(Arc<str>),
    /// It did not change.
    Unchanged,
    /// It changed by something else.
    Mismatch {
        /// The new value is the increment: it was stored as the value instead of being added.
        stored_as_value: bool,
    },
    /// Its value is unknown on at least one side.
    Missing,
}

impl KeyState {
    /// Whether the increment reached the overrides.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied | Self::Capped)
    }
}

/// One proposed increment and what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCheck {
    /// The parameter.
    pub param: ParamName,
    /// The proposed increment, in the parameter's unit.
    pub delta: f64,
    /// Value during iteration k; `None` = unknown.
    pub before: Option<f64>,
    /// Value during iteration k+1; `None` = unknown.
    pub after: Option<f64>,
    /// What became of it.
    pub state: KeyState,
}

impl KeyCheck {
    /// after − before; `None` when one of them is unknown.
    pub fn change(&self) -> Option<f64> {
        Some(self.after? - self.before?)
    }
}

/// What a proposal became as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PairStatus {
    /// Every increment was applied or capped.
    Full,
    /// Some increments were applied, some were not.
    Partial {
        /// A guard's code stands beside every one that was not.
        explained: bool,
    },
    /// Not applied, and the record says why.
    Skipped,
    /// Not applied without a reason, or the values do not show what the record claims.
    Failed,
    /// Said to be applied, but nothing at all changed.
    Stuck,
    /// Said to be applied, but the files do not show the values.
    Unverifiable,
}

impl PairStatus {
    /// How much it asks for a look.
    pub fn attention(self) -> Attention {
        match self {
            Self::Full | Self::Partial { explained: true } | Self::Skipped => Attention::None,
            Self::Unverifiable => Attention::Unseen,
            Self::Partial { explained: false } | Self::Failed | Self::Stuck => Attention::Failing,
        }
    }
}

/// How much a pair asks for a look, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// The increments did not arrive as the record says.
    Failing,
    /// Nobody can tell.
    Unseen,
    /// Applied, or left out with a reason; counts for the full-apply ratio.
    None,
}

impl Attention {
    /// All of them, most urgent first.
    pub const ALL: [Self; 3] = [Self::Failing, Self::Unseen, Self::None];
}

/// What stands on the other side of iteration k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Iteration k+1.
    Iteration(u64),
    /// Iteration k+1 is not there although later ones are; holds its number.
    Gap(u64),
    /// The overrides the run ended with.
    EndState,
    /// Nothing: iteration k is the last one.
    Nothing,
}

/// Why a pair has its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// All values changed as proposed.
    AsProposed,
    /// Some values did not change as proposed; the keys tell which.
    SomeKeys,
    /// No value changed as proposed, others changed.
    ValuesDiffer,
    /// Both sides hold the same overrides.
    SameOverrides,
    /// The record holds the same hash before and after.
    SameHash,
    /// The record says why nothing was applied.
    Reason {
        /// Documented code.
        code: Option<Arc<str>>,
        /// Free text.
        note: Option<Arc<str>>,
        /// The guards that spoke.
        guards: GuardSet,
    },
    /// A guard's code stands beside every key.
    AllDropped,
    /// Not applied, and no reason stands in the record.
    NoReason,
    /// Iteration k+1 is missing.
    Gap(u64),
    /// At least one side carries no overrides.
    NoOverrides,
    /// The last iteration, and nothing shows the values after it.
    NothingAfter,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsProposed => f.write_str("all values changed as proposed"),
            Self::SomeKeys => f.write_str("some values did not change as proposed"),
            Self::ValuesDiffer => f.write_str("no value changed as proposed"),
            Self::SameOverrides => f.write_str("nothing changed although it was said to be applied"),
            Self::SameHash => {
                f.write_str("the hash is the same before and after although it was said to be applied")
            }
            Self::Reason { code, note, guards } => {
                match code {
                    Some(code) => f.write_str(code)?,
                    None => {
                        for (index, guard) in guards.iter().enumerate() {
                            if index > 0 {
                                f.write_str(" + ")?;
                            }
                            f.write_str(guard.word())?;
                        }
                    }
                }
                match note {
                    Some(note) if code.is_some() || !guards.is_empty() => write!(f, ": {note}"),
                    Some(note) => f.write_str(note),
                    None => Ok(()),
                }
            }
            Self::AllDropped => f.write_str("guards dropped every key"),
            Self::NoReason => f.write_str("not applied, and no reason is given"),
            Self::Gap(number) => write!(f, "iteration {number} is missing"),
            Self::NoOverrides => f.write_str("the iterations do not carry their overrides"),
            Self::NothingAfter => f.write_str("no overrides show the values after the last iteration"),
        }
    }
}

/// A proposal and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The iteration that proposed.
    pub from: u64,
    /// Where the values after it were looked for.
    pub next: Next,
    /// What became of it.
    pub status: PairStatus,
    /// Why.
    pub why: Why,
    /// Whether it is said or seen to be applied.
    pub claimed: bool,
    /// The increments, sorted by parameter. Empty beyond [`DETAILED_PAIRS`].
    pub keys: Box<[KeyCheck]>,
}

/// How many iterations have which status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Iterations that proposed nothing.
    pub none: usize,
    /// Iterations with a proposal; the sum of all below except `claimed`.
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
    /// Stuck.
    pub stuck: usize,
    /// Unverifiable.
    pub unverifiable: usize,
    /// Said or seen to be applied.
    pub claimed: usize,
    /// Proposed increments, not iterations, whose parameter the overrides on one side do not hold, although
    /// there are overrides on both.
    pub missing_values: usize,
}

impl Counts {
    /// Proposals in order: every increment arrived, or a reason stands beside what did not. What reports call full
    /// applications, and what the full-apply ratio is made of.
    pub fn in_order(&self) -> usize {
        self.full + self.partial_explained + self.skipped
    }

    /// [`Self::in_order`] in percent of the proposals; `None` when nothing was proposed.
    pub fn in_order_percent(&self) -> Option<f64> {
        (self.proposed > 0).then(|| 100.0 * self.in_order() as f64 / self.proposed as f64)
    }
}

/// Whether the ratios mean anything.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was proposed.
    NoProposals,
    /// Something was said to be applied, and the files can show none of it.
    Unverifiable,
    /// The ratios hold.
    Verified,
}

impl Status {
    /// Word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoProposals => "no_proposals",
            Self::Unverifiable => "unverifiable",
            Self::Verified => "verified",
        }
    }
}

/// The delta verification of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The iterations with a proposal, in order of their numbers.
    pub pairs: Vec<Pair>,
    /// Counts over all iterations.
    pub counts: Counts,
    /// Parameters by the number of failed, stuck and unexplained pairs in which their increment was not
    /// applied.
    pub misses: BTreeMap<ParamName, usize>,
    /// (full + explained partial + skipped) ÷ proposed, unrounded; `None` unless the status is verified.
    pub full_apply_ratio: Option<f64>,
    /// full ÷ said or seen to be applied, unrounded; `None` unless the status is verified, and when nothing
    /// was applied.
    pub strict_apply_ratio: Option<f64>,
    /// Whether the ratios mean anything.
    pub status: Status,
}
