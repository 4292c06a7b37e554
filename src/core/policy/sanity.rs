//! The rules of two-sided sanity. No number of its own.

use super::Limit;
use crate::core::verdict::{LimitSource, Severity};

/// When values are odd, on the good side, too.
#[derive(Clone, Debug, PartialEq)]
pub struct SanityRules {
    /// Whether oddities join the verdict of the whole.
    pub gates: bool,
    /// What an oddity is.
    pub severity: Severity,
    /// Whether copied iterations, which are INVALID, join the verdict of the whole, whatever [`Self::gates`] says of
    /// oddities.
    pub repeats_gate: bool,
    /// Where that is said.
    pub repeats_gate_source: LimitSource,
    /// Equal iterations are copies where their KPIs have so many significant digits together; with fewer it can be
    /// chance, and they are an oddity.
    pub repeat_digits: Limit,
    /// So many equal values in a row stand still.
    pub stuck_iterations: Limit,
    /// A value below this share of what is usual collapsed.
    pub collapse_share: Limit,
    /// A value so many spreads on the good side of what is usual is too good to be true.
    pub too_good_spreads: Limit,
    /// A median of fills below this share of what is usual is too small.
    pub fills_share: Limit,
    /// With fewer steady iterations before the last ones nothing is known to be usual.
    pub min_history: Limit,
}

impl SanityRules {
    /// [`Self::stuck_iterations`] as a count.
    pub fn stuck(&self) -> usize {
        whole(&self.stuck_iterations)
    }

    /// [`Self::repeat_digits`] as a count.
    pub fn repeats(&self) -> usize {
        whole(&self.repeat_digits)
    }

    /// [`Self::min_history`] as a count.
    pub fn history(&self) -> usize {
        whole(&self.min_history)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was read as a whole number from 1 on"
)]
pub(super) fn whole(limit: &Limit) -> usize {
    limit.value as usize
}
