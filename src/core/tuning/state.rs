//! What the tuner remembers from one iteration to the next.
//!
//! The whole of it stands in every iteration file, so that a run goes on after any interruption as if there
//! had been none. Nothing else may influence a decision.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::number::exactly;
use crate::core::params::{ParamName, ParamValues};

/// The tuner's memory after an iteration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TunerState {
    /// Values of each parameter that deltas have set, oldest first, with the value before the first one; only
    /// as many as the guards look at.
    #[serde(serialize_with = "exactly")]
    #[schemars(with = "BTreeMap<String, Vec<f64>>")]
    pub applied_values: BTreeMap<ParamName, Vec<f64>>,
    /// Nothing is applied up to and including this iteration.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cooldown_until: Option<u64>,
    /// Iterations in a row with KPI FAIL, since the last panic revert.
    pub fail_streak: u64,
    /// Failed collections in a row.
    pub failed_collections: u64,
    /// Why the freeze started.
    #[serde(deserialize_with = "Option::deserialize")]
    pub freeze_reason: Option<String>,
    /// The freeze is in force up to and including this iteration.
    #[serde(deserialize_with = "Option::deserialize")]
    pub frozen_until: Option<u64>,
    /// Signature of the last deltas that were applied: MD5 over iteration number and sorted deltas.
    #[serde(deserialize_with = "Option::deserialize")]
    pub last_applied_signature: Option<String>,
    /// The last iteration in which each parameter was changed by a delta.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub last_changed: BTreeMap<ParamName, u64>,
    /// Hashes of the overrides that were in force, oldest first; only as many as the guards look at, and only
    /// where they changed.
    pub override_hashes: Vec<String>,
    /// The overrides that the next iteration starts from (before a phase moves them).
    pub overrides: ParamValues,
    /// Freezes of subsystems, by subsystem and cause.
    pub partial_freezes: BTreeMap<String, Debounce>,
    /// What is left of the warm-up preset's increments, which ramp-down takes back.
    pub phase_offset: ParamValues,
    /// What was applied in the last hour of run time, oldest first.
    pub recent_changes: Vec<RecentChange>,
    /// The last iteration in which a row acted, by its name; rows with `rest` = 0 are not kept.
    pub rule_acted: BTreeMap<String, u64>,
    /// Iterations in a row that satisfy a tuner row's condition, by the row's name; rows with `in_a_row` = 1
    /// are not kept.
    pub rule_streaks: BTreeMap<String, u64>,
    /// Seconds of run time that have passed: the end of the last iteration, from the start of the run.
    #[serde(serialize_with = "exactly")]
    pub run_seconds: f64,
    /// Stable iterations in a row, since the last freeze started.
    pub stable_streak: u64,
}

/// A change that a delta made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecentChange {
    /// By how much, after clamping.
    #[serde(serialize_with = "exactly")]
    pub change: f64,
    #[schemars(with = "String")]
    pub param: ParamName,
    /// When, in seconds of run time.
    #[serde(serialize_with = "exactly")]
    pub run_seconds: f64,
}

/// A signal that must last before it counts, in run time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Debounce {
    /// Since when the freeze has been open; `None` = closed.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    pub open_since: Option<f64>,
    /// Since when the signal has been gone without a break.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    pub quiet_since: Option<f64>,
    /// Since when it has been there without a break, seconds of run time.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    pub signal_since: Option<f64>,
}
