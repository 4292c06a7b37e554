//! The rules of integrity: when the input can be trusted. No number of its own.

use super::Limit;
use crate::core::verdict::{LimitSource, Outcome};

/// When the time of a run is evidence, and when it is not.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegrityRules {
    /// Share of the declared time that a run must have lasted.
    pub elapsed_share: Limit,
    /// A distance of more than so many intervals between two iterations is a gap.
    pub gap_intervals: Limit,
    /// What a gap, or a time stamp that steps back, in the window is: WARN or INVALID.
    pub time_steps: Outcome,
    /// Where [`Self::time_steps`] comes from.
    pub time_steps_source: LimitSource,
    /// A time stamp more than so many minutes ahead of the clock is WARN.
    pub ahead_minutes: Limit,
}
