//! What is remembered of the steps that were taken.
//!
//! Keeps no more than the guards look at, so that the memory does not grow with the run.

use crate::core::policy::run::RunPolicy;
use crate::core::tuning::guards::oscillation::{HASHES, VALUES};
use crate::core::tuning::guards::{cooldown, velocity};
use crate::core::tuning::record::Applied;
use crate::core::tuning::state::{RecentChange, TunerState};

/// Notes what was applied, and forgets what no guard looks at any more.
pub(super) fn remember(
    policy: &RunPolicy,
    state: &mut TunerState,
    number: u64,
    signature: Option<&String>,
    steps: &[Applied],
) {
    let guards = &policy.guards;
    let (now, window) = (state.run_seconds, guards.velocity.window_seconds);
    if !steps.is_empty() {
        state.last_applied_signature = signature.cloned();
        if let Some(until) = cooldown::after(policy, number, steps) {
            state.cooldown_until = Some(until);
        }
    }
    let keep = guards.partial_freeze.applied_values.max(VALUES);
    for step in steps {
        let (param, change) = (step.param.clone(), step.new - step.old);
        state.recent_changes.push(RecentChange { run_seconds: now, param, change });
        state.last_changed.insert(step.param.clone(), number);
        let values = state.applied_values.entry(step.param.clone()).or_default();
        if values.last().is_none_or(|last| (last - step.old).abs() > guards.oscillation.tolerance) {
            // Something else has moved it since: its past is not the tuner's.
            *values = vec![step.old];
        }
        values.push(step.new);
        values.drain(..values.len().saturating_sub(keep));
    }
    state.recent_changes.retain(|change| velocity::is_recent(change, now, window));
}

/// Appends a hash where it differs from the last, and keeps as many as are looked at.
pub(super) fn seen_hash(hashes: &mut Vec<String>, hash: &str) {
    if hashes.last().is_none_or(|last| last != hash) {
        hashes.push(hash.to_owned());
    }
    hashes.drain(..hashes.len().saturating_sub(HASHES));
}
