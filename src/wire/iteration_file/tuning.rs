//! The tuning record in an iteration file. Fields stand in the order of their names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::Serializer;

use super::numbers::Number;
use crate::core::guards::Guard;
use crate::core::tuning::record::{Delta, SkipCode, TuningRecord};

/// `tuning`.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
pub(super) struct Tuning<'a> {
    /// Whether anything was applied.
    applied: bool,
    applied_values: BTreeMap<&'a str, AppliedValue>,
    /// The parameters that were changed.
    changed_keys: Vec<&'a str>,
    cooldown_active: bool,
    /// The increments that were proposed.
    #[schemars(with = "BTreeMap<String, f64>")]
    deltas: Deltas<'a>,
    /// Proposed parameters that were not changed, with the code of the reason.
    dropped: BTreeMap<&'a str, &'static str>,
    freeze_active: bool,
    /// Why a freeze started in this iteration; null when none did.
    freeze_reason: Option<&'a str>,
    freeze_triggered: bool,
    /// All guards that spoke.
    guards: &'a [Guard],
    /// Hash of the overrides before.
    old_hash: &'a str,
    oscillation_detected: bool,
    panic_revert: bool,
    /// What the subsystems' freezes held back: subsystem and cause.
    partial_freezes: &'a BTreeMap<String, String>,
    /// The same as `deltas`.
    #[schemars(with = "BTreeMap<String, f64>")]
    proposed_deltas: Deltas<'a>,
    /// The reasons in one text.
    rationale: String,
    /// The reason of each increment, in the order of `deltas`.
    reasons: Vec<&'a str>,
    signature: Option<&'a str>,
    skip_reason: SkipReason<'a>,
    /// Hash of the overrides after.
    state_hash: &'a str,
    velocity_violation: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AppliedValue {
    /// Whether a bound shortened the step.
    bound: bool,
    #[schemars(with = "f64")]
    delta: Number,
    #[schemars(with = "f64")]
    new: Number,
    #[schemars(with = "f64")]
    old: Number,
}

/// What held something back: flags of the guards, and the code of the one that prevented any change.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
pub(in crate::wire) struct SkipReason<'a> {
    code: Option<&'static str>,
    cooldown: bool,
    freeze: bool,
    no_op: bool,
    note: Option<&'a str>,
    oscillation: bool,
    velocity: bool,
}

impl<'a> Tuning<'a> {
    pub(super) fn of(record: &'a TuningRecord) -> Self {
        let spoke = |guard| record.guards.contains(&guard);
        Self {
            applied: record.applied(),
            applied_values: record
                .applied_values
                .iter()
                .map(|applied| {
                    let value = AppliedValue {
                        bound: applied.at_bound,
                        delta: Number(applied.delta),
                        new: Number(applied.new),
                        old: Number(applied.old),
                    };
                    (applied.param.as_str(), value)
                })
                .collect(),
            changed_keys: record.applied_values.iter().map(|applied| applied.param.as_str()).collect(),
            cooldown_active: spoke(Guard::Cooldown),
            deltas: Deltas(&record.deltas),
            dropped: record.dropped.iter().map(|(param, code)| (param.as_str(), code.word())).collect(),
            freeze_active: record.freeze_active,
            freeze_reason: record.freeze_started.as_deref(),
            freeze_triggered: record.freeze_started.is_some(),
            guards: &record.guards,
            old_hash: &record.old_hash,
            oscillation_detected: spoke(Guard::Oscillation),
            panic_revert: record.panic_revert,
            partial_freezes: &record.partial_freezes,
            proposed_deltas: Deltas(&record.deltas),
            rationale: rationale(&record.deltas),
            reasons: record.deltas.iter().map(|delta| delta.reason.as_str()).collect(),
            signature: record.signature.as_deref(),
            skip_reason: SkipReason::of(record),
            state_hash: &record.state_hash,
            velocity_violation: spoke(Guard::Velocity),
        }
    }
}

impl<'a> SkipReason<'a> {
    pub(in crate::wire) fn of(record: &'a TuningRecord) -> Self {
        Self {
            code: record.skip.map(SkipCode::word),
            cooldown: record.held_back_by(Guard::Cooldown),
            freeze: record.held_back_by(Guard::Freeze),
            no_op: record.held_back_by(Guard::NoOp),
            note: record.skip_note.as_deref(),
            oscillation: record.held_back_by(Guard::Oscillation),
            velocity: record.held_back_by(Guard::Velocity),
        }
    }
}

/// Increments by parameter.
#[derive(Debug)]
pub(in crate::wire) struct Deltas<'a>(pub &'a [Delta]);

impl Serialize for Deltas<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|delta| (delta.param.as_str(), Number(delta.delta))))
    }
}

/// The reasons in one text.
pub(in crate::wire) fn rationale(deltas: &[Delta]) -> String {
    deltas.iter().map(|delta| delta.reason.as_str()).collect::<Vec<_>>().join(" | ")
}
