//! The top of an iteration file, and the tuner's memory in it. Fields stand in the order of their names.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::SCHEMA_VERSION;
use super::numbers::{ByParam, Number, Numbers, Params, optional};
use super::summary::{Entries, SummaryShape, entries};
use super::tuning::Tuning;
use crate::core::kpi::KpiTable;
use crate::core::run::iteration::IterationRecord;
use crate::core::tuning::state::TunerState;

/// An iteration file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a> {
    /// Whether the source delivered.
    collection: Collection<'a>,
    /// Its number, from 1.
    iteration: u64,
    /// True where the command was done before half of the interval was over; absent elsewhere.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(default)]
    measured_early: bool,
    /// Metrics of the 72-hour report.
    #[schemars(with = "BTreeMap<String, f64>")]
    metrics: Numbers<'a>,
    /// Overrides in force while the iteration ran, by flat name.
    #[schemars(with = "BTreeMap<String, f64>")]
    runtime_overrides: Params<'a>,
    /// Version of this shape.
    schema_version: &'static str,
    /// Name of the source.
    source: &'a str,
    /// When the iteration started, RFC 3339.
    started_utc: String,
    /// The tuner's memory after the iteration.
    state: State<'a>,
    /// What was measured: KPIs by name, where delivered, and what belongs to them.
    #[schemars(with = "SummaryShape")]
    summary: Entries<'a>,
    /// What the tuner did.
    tuning: Tuning<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Collection<'a> {
    /// False when nothing was collected.
    ok: bool,
    /// Why nothing was collected; null when something was.
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct State<'a> {
    /// The values that deltas have set, oldest first.
    #[schemars(with = "BTreeMap<String, Vec<f64>>")]
    applied_values: ByParam<'a, Vec<f64>>,
    /// Nothing is applied up to and including this iteration.
    cooldown_until: Option<u64>,
    fail_streak: u64,
    failed_collections: u64,
    freeze_reason: Option<&'a str>,
    /// The freeze is in force up to and including this iteration.
    frozen_until: Option<u64>,
    last_applied_signature: Option<&'a str>,
    #[schemars(with = "BTreeMap<String, u64>")]
    last_changed: ByParam<'a, u64>,
    override_hashes: &'a [String],
    /// The overrides that the next iteration starts from.
    #[schemars(with = "BTreeMap<String, f64>")]
    overrides: Params<'a>,
    partial_freezes: BTreeMap<&'a str, Debounce>,
    #[schemars(with = "BTreeMap<String, f64>")]
    phase_offset: Params<'a>,
    recent_changes: Vec<RecentChange<'a>>,
    rule_acted: &'a BTreeMap<String, u64>,
    rule_streaks: &'a BTreeMap<String, u64>,
    /// Seconds of run time that have passed.
    #[schemars(with = "f64")]
    run_seconds: Number,
    stable_streak: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the shape of the file")]
struct Debounce {
    #[schemars(with = "Option<f64>")]
    open_since: Option<Number>,
    #[schemars(with = "Option<f64>")]
    quiet_since: Option<Number>,
    #[schemars(with = "Option<f64>")]
    signal_since: Option<Number>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RecentChange<'a> {
    #[schemars(with = "f64")]
    change: Number,
    param: &'a str,
    #[schemars(with = "f64")]
    run_seconds: Number,
}

impl<'a> Document<'a> {
    /// The file of this record.
    pub fn of(record: &'a IterationRecord, kpis: &'a KpiTable) -> Self {
        Self {
            collection: Collection {
                ok: record.collection_failed.is_none(),
                reason: record.collection_failed.as_deref(),
            },
            iteration: record.number,
            measured_early: record.measured_early,
            metrics: Numbers(&record.metrics),
            runtime_overrides: Params(&record.overrides),
            schema_version: SCHEMA_VERSION,
            source: &record.source,
            started_utc: utc(record.starts),
            state: State::of(&record.state),
            summary: entries(record, kpis),
            tuning: Tuning::of(&record.tuning),
        }
    }
}

impl<'a> State<'a> {
    fn of(state: &'a TunerState) -> Self {
        Self {
            applied_values: ByParam(&state.applied_values),
            cooldown_until: state.cooldown_until,
            fail_streak: state.fail_streak,
            failed_collections: state.failed_collections,
            freeze_reason: state.freeze_reason.as_deref(),
            frozen_until: state.frozen_until,
            last_applied_signature: state.last_applied_signature.as_deref(),
            last_changed: ByParam(&state.last_changed),
            override_hashes: &state.override_hashes,
            overrides: Params(&state.overrides),
            partial_freezes: state
                .partial_freezes
                .iter()
                .map(|(name, debounce)| {
                    let written = Debounce {
                        open_since: optional(debounce.open_since),
                        quiet_since: optional(debounce.quiet_since),
                        signal_since: optional(debounce.signal_since),
                    };
                    (name.as_str(), written)
                })
                .collect(),
            phase_offset: Params(&state.phase_offset),
            recent_changes: state
                .recent_changes
                .iter()
                .map(|change| RecentChange {
                    change: Number(change.change),
                    param: change.param.as_str(),
                    run_seconds: Number(change.run_seconds),
                })
                .collect(),
            rule_acted: &state.rule_acted,
            rule_streaks: &state.rule_streaks,
            run_seconds: Number(state.run_seconds),
            stable_streak: state.stable_streak,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A time as files have it: RFC 3339 in UTC, with as many digits as it takes.
pub fn utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
