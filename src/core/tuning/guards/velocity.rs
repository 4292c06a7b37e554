//! Guard 6, `velocity`: how far deltas may move a parameter in an hour of run time.
//!
//! Sizes are added up, whatever their direction, so that going back and forth counts too.

use super::{Case, Step};
use crate::core::number::TOLERANCE;
use crate::core::tuning::state::RecentChange;

/// Whether the step, together with what was applied in the window, is beyond the parameter's limit. A step
/// that is exactly on it is not.
pub fn exceeds(case: &Case<'_>, step: &Step<'_>) -> bool {
    let rules = &case.policy.guards.velocity;
    let factor = if case.warming_up { rules.warmup_factor } else { 1.0 };
    let limit = step.parameter.max_change_per_hour * factor;
    let spent: f64 = case
        .state
        .recent_changes
        .iter()
        .filter(|change| change.param == step.parameter.name)
        .filter(|change| is_recent(change, case.now, rules.window_seconds))
        .map(|change| change.change.abs())
        .sum();
    spent + (step.new - step.old).abs() > limit + TOLERANCE
}

/// Whether a change counts at `now`; one that is exactly a window old does not.
pub fn is_recent(change: &RecentChange, now: f64, window_seconds: f64) -> bool {
    now - change.run_seconds < window_seconds
}
