//! What the tuner did in one iteration, as it is written down.

use std::borrow::Cow;
use std::collections::BTreeMap;

use md5::Md5;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::text::number::{exactly, fixed, round_half_even};
use crate::infra::hex::hex;

/// An increment that the tuner proposes, with its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The parameter.
    pub param: ParamName,
    /// The increment, not 0.
    pub delta: f64,
    /// `LATENCY_BUFFER: p95_latency_ms 342 >= 330`: the row's tag and the conditions that held.
    pub reason: String,
}

/// What applying an increment did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// Its parameter, under which it is filed.
    #[serde(skip)]
    pub param: ParamName,
    /// Whether a bound shortened the step.
    #[serde(rename = "bound")]
    pub at_bound: bool,
    /// The proposed increment.
    #[serde(serialize_with = "exactly")]
    pub delta: f64,
    /// Value after.
    #[serde(serialize_with = "exactly")]
    pub new: f64,
    /// Value before.
    #[serde(serialize_with = "exactly")]
    pub old: f64,
}

/// Why nothing, or less than proposed, was applied: the documented codes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SkipCode {
    /// Nothing is applied in the last iteration.
    FinalIteration,
    /// Tuning is switched off (no `--auto-tune`).
    TuningOff,
    /// The iteration's data could not be collected.
    NoData,
    /// A panic revert took the place of tuning.
    PanicRevert,
    /// The next iteration moves the parameter itself (warm-up, ramp-down).
    PhaseChange,
    /// No row acted.
    NoDeltas,
    /// Every delta was shortened to nothing by a cap, a floor or a bound.
    AllDeltasZeroHitBounds,
    /// One delta was shortened to nothing.
    AtBound,
    /// These deltas of this iteration were applied already.
    SameSignature,
    /// The parameter is frozen.
    #[serde(rename = "freeze")]
    #[strum(serialize = "freeze")]
    Frozen,
    /// All proposed parameters are frozen.
    AllParamsFrozen,
    /// A → B → A.
    Oscillation,
    /// Beyond the hourly limit.
    Velocity,
    /// A large step is being watched.
    Cooldown,
    /// The subsystem is frozen.
    PartialFreeze,
    /// Warm-up and ramp-down change few keys at a time.
    MicroSteps,
    /// Nothing is left to change.
    NoOp,
}

impl SkipCode {
    /// Word in files.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// The code with this word; `None` for words of other writers.
    pub fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// The guard that the code speaks of, as readers of a file count it; `None` when it is none of those that
    /// are counted.
    pub fn guard(self) -> Option<Guard> {
        match self {
            Self::Frozen | Self::AllParamsFrozen => Some(Guard::Freeze),
            Self::Oscillation => Some(Guard::Oscillation),
            Self::Velocity => Some(Guard::Velocity),
            Self::Cooldown => Some(Guard::Cooldown),
            Self::PartialFreeze => Some(Guard::PartialFreeze),
            Self::NoOp => Some(Guard::NoOp),
            _ => None,
        }
    }
}

/// The tuning record of an iteration that `run` writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TuningFile", into = "TuningFile")]
pub struct TuningRecord {
    /// What was proposed, sorted by parameter. Also without `--auto-tune`, where nothing is applied.
    pub deltas: Vec<Delta>,
    /// What applying did, sorted by parameter.
    pub applied_values: Vec<Applied>,
    /// Proposed parameters that were not changed, with the reason of each.
    pub dropped: BTreeMap<ParamName, SkipCode>,
    /// The guard that prevented any change; `None` when something was applied.
    pub skip: Option<SkipCode>,
    /// The same in words.
    pub skip_note: Option<String>,
    /// All guards that spoke.
    pub guards: Vec<Guard>,
    /// Why a freeze started in this iteration; `None` = none did.
    pub freeze_started: Option<String>,
    /// Whether a freeze was in force in this iteration.
    pub freeze_active: bool,
    /// Whether the streak of failures put the panic profile in force after this iteration.
    pub panic_revert: bool,
    /// Signature of the proposed deltas, MD5 in hex; `None` when nothing was proposed.
    pub signature: Option<String>,
    /// Hash of the overrides before applying.
    pub old_hash: String,
    /// Hash of the overrides after applying.
    pub state_hash: String,
    /// What the subsystems' freezes held back: subsystem → cause.
    pub partial_freezes: BTreeMap<String, String>,
}

impl TuningRecord {
    /// Whether anything was applied.
    pub fn applied(&self) -> bool {
        !self.applied_values.is_empty()
    }

    /// Whether this guard prevented the change as a whole or dropped one of its parameters.
    pub fn held_back_by(&self, guard: Guard) -> bool {
        self.skip.iter().chain(self.dropped.values()).any(|code| code.guard() == Some(guard))
    }

    /// The guards that spoke, a freeze in force included: what `Tuning::spoke` reads back from its file.
    pub fn spoke(&self) -> GuardSet {
        let mut spoke = GuardSet::default();
        self.guards.iter().for_each(|guard| spoke.insert(*guard));
        if self.freeze_active || self.freeze_started.is_some() {
            spoke.insert(Guard::Freeze);
        }
        spoke
    }

    /// The proposed increments.
    pub fn proposed(&self) -> ParamValues {
        ParamValues::new(self.deltas.iter().map(|delta| (delta.param.clone(), delta.delta)).collect())
    }

    /// The reasons of the increments in one text.
    pub fn rationale(&self) -> String {
        self.deltas.iter().map(|delta| delta.reason.as_str()).collect::<Vec<_>>().join(" | ")
    }

    /// The parameters that were changed.
    pub fn changed(&self) -> Vec<ParamName> {
        self.applied_values.iter().map(|applied| applied.param.clone()).collect()
    }
}

impl JsonSchema for TuningRecord {
    fn schema_name() -> Cow<'static, str> {
        TuningFile::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        TuningFile::json_schema(generator)
    }
}

/// What held something back: flags of the guards, and the code of the one that prevented any change.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
pub struct SkipReason {
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<String>")]
    code: Option<SkipCode>,
    #[serde(skip_deserializing)]
    cooldown: bool,
    #[serde(skip_deserializing)]
    freeze: bool,
    #[serde(skip_deserializing)]
    no_op: bool,
    #[serde(deserialize_with = "Option::deserialize")]
    note: Option<String>,
    #[serde(skip_deserializing)]
    oscillation: bool,
    #[serde(skip_deserializing)]
    velocity: bool,
}

impl SkipReason {
    pub fn of(record: &TuningRecord) -> Self {
        Self {
            code: record.skip,
            cooldown: record.held_back_by(Guard::Cooldown),
            freeze: record.held_back_by(Guard::Freeze),
            no_op: record.held_back_by(Guard::NoOp),
            note: record.skip_note.clone(),
            oscillation: record.held_back_by(Guard::Oscillation),
            velocity: record.held_back_by(Guard::Velocity),
        }
    }
}

/// `tuning` in an iteration file, in which other programs look for the record under several keys. What is recorded
/// twice is not read back.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Tuning")]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
struct TuningFile {
    /// Whether anything was applied.
    #[serde(skip_deserializing)]
    applied: bool,
    #[schemars(with = "BTreeMap<String, Applied>")]
    applied_values: BTreeMap<ParamName, Applied>,
    /// The parameters that were changed.
    #[serde(skip_deserializing)]
    #[schemars(with = "Vec<String>")]
    changed_keys: Vec<ParamName>,
    #[serde(skip_deserializing)]
    cooldown_active: bool,
    /// The increments that were proposed.
    deltas: ParamValues,
    /// Proposed parameters that were not changed, with the code of the reason.
    #[schemars(with = "BTreeMap<String, String>")]
    dropped: BTreeMap<ParamName, SkipCode>,
    freeze_active: bool,
    /// Why a freeze started in this iteration; null when none did.
    #[serde(deserialize_with = "Option::deserialize")]
    freeze_reason: Option<String>,
    freeze_triggered: bool,
    /// All guards that spoke.
    guards: Vec<Guard>,
    /// Hash of the overrides before.
    old_hash: String,
    #[serde(skip_deserializing)]
    oscillation_detected: bool,
    panic_revert: bool,
    /// What the subsystems' freezes held back: subsystem and cause.
    partial_freezes: BTreeMap<String, String>,
    /// The same as `deltas`.
    #[serde(skip_deserializing)]
    proposed_deltas: ParamValues,
    /// The reasons in one text.
    #[serde(skip_deserializing)]
    rationale: String,
    /// The reason of each increment, in the order of `deltas`.
    reasons: Vec<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    signature: Option<String>,
    skip_reason: SkipReason,
    /// Hash of the overrides after.
    state_hash: String,
    #[serde(skip_deserializing)]
    velocity_violation: bool,
}

impl From<TuningRecord> for TuningFile {
    fn from(record: TuningRecord) -> Self {
        let spoke = |guard| record.guards.contains(&guard);
        Self {
            applied: record.applied(),
            changed_keys: record.changed(),
            cooldown_active: spoke(Guard::Cooldown),
            deltas: record.proposed(),
            dropped: record.dropped.clone(),
            freeze_active: record.freeze_active,
            freeze_triggered: record.freeze_started.is_some(),
            oscillation_detected: spoke(Guard::Oscillation),
            panic_revert: record.panic_revert,
            proposed_deltas: record.proposed(),
            rationale: record.rationale(),
            skip_reason: SkipReason::of(&record),
            velocity_violation: spoke(Guard::Velocity),
            applied_values: record
                .applied_values
                .into_iter()
                .map(|applied| (applied.param.clone(), applied))
                .collect(),
            freeze_reason: record.freeze_started,
            guards: record.guards,
            old_hash: record.old_hash,
            partial_freezes: record.partial_freezes,
            reasons: record.deltas.into_iter().map(|delta| delta.reason).collect(),
            signature: record.signature,
            state_hash: record.state_hash,
        }
    }
}

impl TryFrom<TuningFile> for TuningRecord {
    type Error = &'static str;

    fn try_from(file: TuningFile) -> Result<Self, &'static str> {
        if file.reasons.len() != file.deltas.len() {
            return Err("`reasons` has not one reason for each of `deltas`");
        }
        if file.freeze_triggered != file.freeze_reason.is_some() {
            return Err("`freeze_reason` must be there when `freeze_triggered` is true, and only then");
        }
        let deltas = file.deltas.iter().zip(file.reasons);
        Ok(Self {
            deltas: deltas
                .map(|((param, delta), reason)| Delta { param: param.clone(), delta, reason })
                .collect(),
            applied_values: file
                .applied_values
                .into_iter()
                .map(|(param, applied)| Applied { param, ..applied })
                .collect(),
            dropped: file.dropped,
            skip: file.skip_reason.code,
            skip_note: file.skip_reason.note,
            guards: file.guards,
            freeze_started: file.freeze_reason,
            freeze_active: file.freeze_active,
            panic_revert: file.panic_revert,
            signature: file.signature,
            old_hash: file.old_hash,
            state_hash: file.state_hash,
            partial_freezes: file.partial_freezes,
        })
    }
}

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

/// Hexadecimal digits of an overrides' hash.
const HASH_DIGITS: usize = 16;

/// Signature of what an iteration proposes: MD5 in lower-case hex over the lines `iteration=<number>` and
/// `<name>=<delta>` sorted by name, each ended by LF, the delta with exactly five decimals and zero without a
/// sign. The deltas +5 of `min_interval_ms` and −0.005 of `impact_cap_ratio` in iteration 7 are
/// `iteration=7\nimpact_cap_ratio=-0.00500\nmin_interval_ms=5.00000\n`. Being part of it, the number makes
/// equal steps of two iterations two steps. `None` when nothing is proposed.
pub fn of_deltas(iteration: u64, deltas: &[Delta]) -> Option<String> {
    if deltas.is_empty() {
        return None;
    }
    let mut lines: Vec<String> =
        deltas.iter().map(|delta| format!("{}={}\n", delta.param, fixed(delta.delta, 5))).collect();
    lines.sort_unstable();
    let text = format!("iteration={iteration}\n{}", lines.concat());
    Some(hex(&Md5::digest(text.as_bytes())))
}

/// Hash of a set of overrides: the first 16 digits of SHA-256 in lower-case hex over the lines
/// `<name>=<value>`, sorted by name, each ended by LF, values rounded to ten decimals and written as shortly
/// as possible (`60`, `0.14`).
pub fn of_overrides(overrides: &ParamValues) -> String {
    let lines: Vec<String> =
        overrides.iter().map(|(name, value)| format!("{name}={}\n", round_half_even(value, 10))).collect();
    let mut hash = hex(&Sha256::digest(lines.concat().as_bytes()));
    hash.truncate(HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::params::ParamName;

    fn delta(name: &str, delta: f64) -> Delta {
        Delta { param: ParamName::flat(name), delta, reason: String::new() }
    }

    #[test]
    fn a_signature_is_the_md5_of_the_documented_lines() {
        let one = of_deltas(7, &[delta("min_interval_ms", 5.0), delta("impact_cap_ratio", -0.005)]);
        // printf 'iteration=7\nimpact_cap_ratio=-0.00500\nmin_interval_ms=5.00000\n' | md5sum
        assert_eq!(one.as_deref(), Some("e19b87661682015ec1abd08f8d83dfd3"));
        assert_eq!(of_deltas(7, &[]), None);
    }

    #[test]
    fn a_signature_knows_the_iteration_and_five_digits() {
        let of = |number, by| of_deltas(number, &[delta("impact_cap_ratio", by)]);
        assert_ne!(of(7, 0.005), of(8, 0.005));
        assert_eq!(of(7, 0.005), of(7, 0.005_000_1));
        assert_ne!(of(7, 0.005), of(7, 0.005_01));
    }

    #[test]
    fn a_hash_of_overrides_is_the_sha_256_of_the_documented_lines() {
        let values = ParamValues::new(vec![
            (ParamName::flat("min_interval_ms"), 60.0),
            (ParamName::flat("base_spread_bps_delta"), 0.14),
        ]);
        // printf 'base_spread_bps_delta=0.14\nmin_interval_ms=60\n' | sha256sum | cut -c1-16
        assert_eq!(of_overrides(&values), "b01ffbbec7d22a5c");
    }
}
