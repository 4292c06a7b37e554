//! `ITER_SUMMARY_<n>.json` as `run` writes it: the whole record of an iteration, and the way back.
//!
//! Nothing of the record is lost, so that a run continues from its last file as if it had never stopped. Files of other
//! runners are read by `iteration`, which wants less and forgives more.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::iteration::events::Events;
use crate::core::iteration::manifest::{RunEvent, RunLogLine};
use crate::core::iteration::params::ParamValues;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::text::number::exactly;
use crate::infra::artifacts::manifest::sha256_hex;
use crate::run::iteration::tuning::{TunerState, TuningRecord};
use crate::run::iteration::{IterationRecord, IterationSummary, Phase, Resources};

/// The version of the shape that this program writes; 1.x is read.
pub const SCHEMA_VERSION: &str = "1.0";

pub use crate::core::iteration::{file_name, utc};

/// An iteration file.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Whether the source delivered.
    collection: Collection,
    /// Restarts and marks; absent where there are none.
    #[serde(default, skip_serializing_if = "Events::is_empty")]
    events: Events,
    /// Its number, from 1.
    iteration: u64,
    /// True where the command was done before half of the interval was over; absent elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    measured_early: bool,
    /// Metrics of the 72-hour report.
    #[serde(serialize_with = "exactly")]
    metrics: BTreeMap<String, f64>,
    /// Overrides in force while the iteration ran, by flat name.
    runtime_overrides: ParamValues,
    /// Version of this shape.
    schema_version: String,
    /// Name of the source.
    source: String,
    /// When the iteration started, RFC 3339.
    started_utc: String,
    /// The tuner's memory after the iteration.
    state: TunerState,
    /// What was measured: KPIs by name, where delivered, and what belongs to them.
    #[schemars(with = "Summary<'_>")]
    summary: Map<String, Value>,
    /// What the tuner did.
    tuning: TuningRecord,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Collection {
    /// How often the source had to ask again; absent where it did not.
    #[serde(default, skip_serializing_if = "is_zero")]
    asked_again: u64,
    /// False when nothing was collected.
    ok: bool,
    /// Why nothing was collected; null when something was.
    #[serde(deserialize_with = "Option::deserialize")]
    reason: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// `summary`: every key that is not fixed is a KPI.
#[derive(Serialize, JsonSchema)]
#[schemars(transform = sort_required)]
struct Summary<'a> {
    #[serde(flatten)]
    measured: &'a IterationSummary,
    #[serde(flatten)]
    circumstances: Circumstances,
    #[serde(flatten, serialize_with = "exactly")]
    kpis: BTreeMap<String, f64>,
}

fn sort_required(schema: &mut Schema) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
}

/// What a summary has beside KPIs and [`IterationSummary`].
#[derive(Default, Serialize, Deserialize, JsonSchema)]
struct Circumstances {
    /// Ratios above their highest, which are no measurement: by KPI, the key and number that were delivered. Only in
    /// iterations that have any.
    #[serde(serialize_with = "exactly", skip_serializing_if = "Option::is_none")]
    above_highest: Option<BTreeMap<String, BTreeMap<String, f64>>>,
    /// Readings of the KPIs that are counters; the KPI itself is the rate. Only in iterations that have any.
    #[serde(serialize_with = "exactly", skip_serializing_if = "Option::is_none")]
    counters: Option<BTreeMap<String, f64>>,
    /// KPIs that were taken from another number, with its key.
    fallbacks: BTreeMap<String, String>,
    /// The same as `fees_bps`.
    #[serde(serialize_with = "exactly", skip_serializing_if = "Option::is_none")]
    fees_eff_bps: Option<f64>,
    /// `WARMUP`, `RAMPDOWN` or `STEADY`, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    phase: Option<Phase>,
    /// 0 or 1, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    rampdown_active: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    resources: Option<Resources>,
    /// Why the resources could not be sampled. Only in iterations in which they could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    resources_failed: Option<String>,
    /// When the iteration ended, RFC 3339.
    runtime_utc: String,
    /// 0 or 1, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_active: Option<u64>,
    /// The iteration while the run warms up, else 0, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_iter_idx: Option<u64>,
}

/// The bytes of the file: JSON with sorted keys, two blanks of indent, numbers in their shortest exact form,
/// and a final newline. The error is a number that is not finite, which no file can hold.
pub fn write(record: &IterationRecord, kpis: &KpiTable) -> Result<Vec<u8>, serde_json::Error> {
    let document = Document {
        collection: Collection {
            asked_again: record.asked_again,
            ok: record.collection_failed.is_none(),
            reason: record.collection_failed.clone(),
        },
        events: record.events.clone(),
        iteration: record.number,
        measured_early: record.measured_early,
        metrics: record.metrics.clone(),
        runtime_overrides: record.overrides.clone(),
        schema_version: SCHEMA_VERSION.to_owned(),
        source: record.source.clone(),
        started_utc: utc(record.starts),
        state: record.state.clone(),
        summary: summary(record, kpis)?,
        tuning: record.tuning.clone(),
    };
    // A usual file has some four thousand bytes.
    let mut bytes = Vec::with_capacity(6 * 1024);
    serde_json::to_writer_pretty(&mut bytes, &document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn summary(record: &IterationRecord, kpis: &KpiTable) -> Result<Map<String, Value>, serde_json::Error> {
    let measured = &record.summary;
    let value = |kpi: KpiId| measured.value(kpi);
    let name = |kpi: KpiId| kpi.name.to_owned();
    let mut above_highest: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for (kpi, key, raw) in &measured.above_highest {
        above_highest.entry(name(*kpi)).or_default().insert(key.clone(), *raw);
    }
    let is_in = |phase| record.has_phases.then(|| u64::from(record.phase == phase));
    let summary = Summary {
        measured,
        circumstances: Circumstances {
            above_highest: (!above_highest.is_empty()).then_some(above_highest),
            counters: (!measured.counters.is_empty())
                .then(|| measured.counters.iter().map(|(kpi, reading)| (name(*kpi), *reading)).collect()),
            fallbacks: measured.fallbacks.iter().map(|(kpi, key)| (name(*kpi), key.clone())).collect(),
            fees_eff_bps: value(KpiId::FEES_BPS),
            phase: record.has_phases.then_some(record.phase),
            rampdown_active: is_in(Phase::Rampdown),
            resources: record.resources,
            resources_failed: record.resources_failed.clone(),
            runtime_utc: utc(record.ends),
            warmup_active: is_in(Phase::Warmup),
            warmup_iter_idx: is_in(Phase::Warmup).map(|warms_up| record.number * warms_up),
        },
        kpis: kpis.ids().filter_map(|kpi| Some((name(kpi), value(kpi)?))).collect(),
    };
    // A tree keeps its keys sorted.
    match serde_json::to_value(summary)? {
        Value::Object(summary) => Ok(summary),
        _ => Ok(Map::new()),
    }
}

/// Why a file is no whole record, with the path of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DamagedRecord(String);

/// Reads a record that [`write()`] has written with the same KPIs. Strict: every key that is written must be there with
/// its type. Keys that are not known are passed over, so that an older program can read what a newer one adds.
///
/// `summary.values` has a place for every KPI, and `summary.fallbacks` is sorted by KPI.
pub fn read(bytes: &[u8], kpis: &KpiTable) -> Result<IterationRecord, DamagedRecord> {
    let tree: Value = serde_json::from_slice(bytes)
        .map_err(|error| DamagedRecord(format!("it is no whole JSON: {error}")))?;
    if let Some(version) = tree.get("schema_version").and_then(Value::as_str)
        && !version.starts_with("1.")
    {
        let expected = "expected a version that this program knows (1.x)";
        return Err(DamagedRecord(format!("`schema_version` is `{version}`, {expected}")));
    }
    let document: Document = part(&tree, "")?;
    let collection_failed = match (document.collection.ok, document.collection.reason) {
        (true, None) => None,
        (false, Some(reason)) => Some(reason),
        _ => {
            let what = "must be there when `ok` is false, and only then";
            return Err(DamagedRecord(format!("`collection.reason` {what}")));
        }
    };
    let Circumstances {
        above_highest,
        counters,
        fallbacks,
        phase,
        resources,
        resources_failed,
        runtime_utc,
        ..
    } = part(&tree["summary"], "summary")?;
    let kpi = |key: &str, name: &str| {
        let unknown = || DamagedRecord(format!("`summary.{key}` is `{name}`, expected names of KPIs"));
        kpis.find(name).ok_or_else(unknown)
    };
    let mut summary: IterationSummary = part(&tree["summary"], "summary")?;
    for id in kpis.ids() {
        let value = document.summary.get(id.name);
        let value = value.map(|value| part(value, &format!("summary.{}", id.name)));
        summary.values.push(value.transpose()?);
    }
    for (name, key) in fallbacks {
        summary.fallbacks.push((kpi("fallbacks", &name)?, key));
    }
    summary.fallbacks.sort_by_key(|(kpi, _)| *kpi);
    for (name, reading) in counters.unwrap_or_default() {
        summary.counters.push((kpi("counters", &name)?, reading));
    }
    summary.counters.sort_by_key(|(kpi, _)| *kpi);
    for (name, refused) in above_highest.unwrap_or_default() {
        let kpi = kpi("above_highest", &name)?;
        summary.above_highest.extend(refused.into_iter().map(|(key, raw)| (kpi, key, raw)));
    }
    summary.above_highest.sort_by_key(|(kpi, ..)| *kpi);
    Ok(IterationRecord {
        number: document.iteration,
        source: document.source,
        starts: time("started_utc", &document.started_utc)?,
        ends: time("summary.runtime_utc", &runtime_utc)?,
        measured_early: document.measured_early,
        phase: phase.unwrap_or_default(),
        has_phases: phase.is_some(),
        asked_again: document.collection.asked_again,
        collection_failed,
        events: document.events,
        overrides: document.runtime_overrides,
        summary,
        metrics: document.metrics,
        resources,
        resources_failed,
        tuning: document.tuning,
        state: document.state,
    })
}

fn time(key: &str, text: &str) -> Result<DateTime<Utc>, DamagedRecord> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc())
        .map_err(|_| DamagedRecord(format!("`{key}` is `{text}`, expected an RFC 3339 time")))
}

/// Reads the part of a tree that is found at `path`, which errors name.
fn part<'t, T: Deserialize<'t>>(tree: &'t Value, path: &str) -> Result<T, DamagedRecord> {
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let below = error.path().to_string();
        let path = match (path, below.as_str()) {
            ("", ".") => "the file".to_owned(),
            ("", _) => format!("`{below}`"),
            (_, ".") => format!("`{path}`"),
            _ => format!("`{path}.{below}`"),
        };
        DamagedRecord(format!("{path}: {}", error.inner()))
    })
}

impl RunLogLine {
    /// The line of an iteration file with these bytes.
    pub fn of_iteration(record: &IterationRecord, bytes: &[u8]) -> Self {
        Self {
            bytes: Some(bytes.len() as u64),
            event: RunEvent::Iteration,
            file: Some(file_name(record.number)),
            iteration: Some(record.number),
            net_bps: record.summary.value(KpiId::NET_BPS),
            note: None,
            sha256: Some(sha256_hex(bytes)),
            utc: utc(record.ends),
        }
    }
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use crate::cli::setup::schemas::schema;
    use crate::core::iteration::events::{Events, Restarts};
    use crate::core::iteration::guards::{Guard, GuardSet};
    use crate::core::iteration::params::ParamName;
    use crate::core::kpi::KpiId;
    use crate::core::load::iteration as judge;
    use crate::run::iteration::file::*;
    use crate::run::iteration::fixture::{any_record, record};
    use crate::run::iteration::tuning::{Delta, SkipCode};
    use crate::run::iteration::{Blocks, KpiVerdict, Phase};

    fn bytes_of(record: &IterationRecord) -> Vec<u8> {
        write(record, &KpiTable::default()).expect("finite numbers")
    }

    fn tree_of(record: &IterationRecord) -> Value {
        serde_json::from_slice(&bytes_of(record)).expect("JSON")
    }

    fn read_tree(tree: &Value) -> Result<IterationRecord, DamagedRecord> {
        read(tree.to_string().as_bytes(), &KpiTable::default())
    }

    /// Whether the keys of every object in the text come sorted.
    fn keys_are_sorted(bytes: &[u8]) -> bool {
        // The tree sorts its keys, so equal texts mean that they were sorted before.
        let tree: Value = serde_json::from_slice(bytes).expect("JSON");
        let mut again = serde_json::to_vec_pretty(&tree).expect("JSON");
        again.push(b'\n');
        again == bytes
    }

    #[test]
    fn a_measurement_that_came_early_is_marked_and_the_mark_is_read_back() {
        let early = IterationRecord { measured_early: true, ..record(3) };
        let bytes = bytes_of(&early);
        assert!(String::from_utf8_lossy(&bytes).contains("\n  \"measured_early\": true,\n"));
        assert_eq!(read(&bytes, &KpiTable::default()), Ok(early));
        assert!(!String::from_utf8_lossy(&bytes_of(&record(3))).contains("measured_early"));
    }

    #[test]
    fn events_are_read_back_and_an_iteration_without_any_has_no_key() {
        let restarts = Restarts { count: 2, during: Some("deploy".to_owned()), unknown: None };
        let events = Events { marks: vec!["deploy".to_owned()], restarts: Some(restarts) };
        let happened = IterationRecord { events, ..record(3) };
        let bytes = bytes_of(&happened);
        assert_eq!(
            tree_of(&happened)["events"],
            json!({"marks": ["deploy"], "restarts": {"count": 2, "during": "deploy"}})
        );
        assert_eq!(read(&bytes, &KpiTable::default()), Ok(happened.clone()));
        let seen = &judge::read(&bytes, &KpiTable::default()).expect("readable")[0].iteration;
        assert_eq!(seen.events.as_deref(), Some(&happened.events));
        assert!(!String::from_utf8_lossy(&bytes_of(&record(3))).contains("events"));
    }

    /// Seeds of failures that were found once are tried first.
    fn with_found_seeds() -> ProptestConfig {
        let place =
            proptest::test_runner::FileFailurePersistence::SourceParallel("tests/proptest-regressions");
        ProptestConfig { failure_persistence: Some(Box::new(place)), ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(with_found_seeds())]

        #[test]
        fn a_record_is_read_back_as_it_was(record in any_record()) {
            let kpis = KpiTable::default();
            let bytes = bytes_of(&record);
            let back = read(&bytes, &kpis).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(&back, &record);
            // Equal to the bit: also the sign of zero.
            prop_assert_eq!(bytes_of(&back), bytes.clone());
            prop_assert!(keys_are_sorted(&bytes));
        }

        #[test]
        fn the_judge_reads_the_same_values_deltas_and_guards(record in any_record()) {
            let kpis = KpiTable::default();
            let files = judge::read(&bytes_of(&record), &kpis)
                .map_err(TestCaseError::fail)?;
            prop_assert_eq!(files.len(), 1);
            let file = &files[0];
            let seen = &file.iteration;
            prop_assert_eq!(file.number, Some(record.number));
            prop_assert_eq!(file.source.as_deref(), Some(record.source.as_str()));
            prop_assert_eq!(seen.collection_failed.as_deref(), record.collection_failed.as_deref());
            for id in kpis.ids().filter(|id| *id != KpiId::GROSS_BPS || !seen.gross_imputed) {
                prop_assert_eq!(seen.value(id), record.summary.values[id.index()]);
            }
            prop_assert_eq!(seen.defects.len(), record.summary.above_highest.len());
            prop_assert!(seen.respelled.is_empty());
            let overrides = seen.overrides.as_deref().cloned().unwrap_or_default();
            prop_assert_eq!(&overrides, &record.overrides);
            prop_assert_eq!(&seen.tuning.deltas, &record.tuning.proposed());
            prop_assert_eq!(seen.tuning.applied, Some(record.tuning.applied()));
            let dropped: Vec<_> =
                seen.tuning.dropped.iter().map(|(param, code)| (param.clone(), code.to_string())).collect();
            let expected: Vec<_> =
                record.tuning.dropped.iter().map(|(param, code)| (param.clone(), code.word().to_owned())).collect();
            prop_assert_eq!(dropped, expected);
            for guard in &record.tuning.guards {
                prop_assert!(seen.tuning.guards.contains(*guard));
            }
            prop_assert_eq!(seen.tuning.signature.as_deref(), record.tuning.signature.as_deref());
            prop_assert_eq!(seen.phase.as_deref(), record.has_phases.then(|| record.phase.word()));
            prop_assert_eq!(
                seen.kpi_verdict.as_deref(),
                record.summary.kpi_verdict.map(KpiVerdict::word)
            );
        }

        #[test]
        fn a_file_keeps_to_its_schema(record in any_record()) {
            let schema = schema("iter_summary").expect("a schema");
            let validator = jsonschema::draft202012::new(&schema).expect("a usable schema");
            let tree = tree_of(&record);
            let errors: Vec<_> =
                validator.iter_errors(&tree).map(|error| format!("{}: {error}", error.instance_path())).collect();
            prop_assert_eq!(errors, Vec::<String>::new());
        }

        #[test]
        fn any_cut_of_a_file_is_an_error_and_no_record(cut in 0usize..3000) {
            let bytes = bytes_of(&record(3));
            prop_assume!(cut < bytes.len() - 2);
            prop_assert!(read(&bytes[..cut], &KpiTable::default()).is_err());
        }
    }

    #[test]
    fn the_file_of_a_plain_record_says_what_its_readers_look_for() {
        let tree = tree_of(&record(2));
        assert_eq!(tree["schema_version"], "1.0");
        assert_eq!(tree["iteration"], 2);
        assert_eq!(tree["started_utc"], "2025-10-12T12:05:00Z");
        assert_eq!(tree["collection"], json!({"ok": true, "reason": null}));
        assert_eq!(tree["runtime_overrides"], json!({"min_interval_ms": 61}));
        let summary = &tree["summary"];
        assert_eq!(summary["runtime_utc"], "2025-10-12T12:10:00Z");
        assert_eq!((&summary["net_bps"], &summary["kpi_verdict"]), (&json!(3.2), &json!("PASS")));
        assert_eq!(summary.get("gross_bps"), None, "what has no value is absent");
        assert_eq!(summary.get("phase"), None, "a run without phases has no phase");
        let tuning = &tree["tuning"];
        assert_eq!(tuning["deltas"], json!({"min_interval_ms": 1}));
        assert_eq!(tuning["proposed_deltas"], tuning["deltas"]);
        assert_eq!(
            tuning["applied_values"],
            json!({"min_interval_ms": {"bound": false, "delta": 1, "new": 62, "old": 61}})
        );
        assert_eq!(tuning["changed_keys"], json!(["min_interval_ms"]));
        assert_eq!((&tuning["applied"], &tuning["rationale"]), (&json!(true), &json!("SETTLE: risk")));
        assert_eq!(tree["state"]["overrides"], json!({"min_interval_ms": 62}));
    }

    #[test]
    fn fees_stand_under_both_names_and_blocks_with_their_sum() {
        let mut record = record(1);
        record.summary.values[KpiId::FEES_BPS.index()] = Some(0.25);
        record.summary.blocks =
            Blocks::new([("risk".to_owned(), 3.0), ("throttle".to_owned(), 4.0)].into(), [].into());
        let summary = &tree_of(&record)["summary"];
        assert_eq!((&summary["fees_bps"], &summary["fees_eff_bps"]), (&json!(0.25), &json!(0.25)));
        assert_eq!(
            summary["blocks"],
            json!({"counts": {"risk": 3, "throttle": 4}, "ratios": {}, "total": 7})
        );
    }

    #[test]
    fn the_phase_of_a_warm_up_counts_its_iterations() {
        let phases = [(Phase::Warmup, 1, 3, 0), (Phase::Rampdown, 0, 0, 1), (Phase::Steady, 0, 0, 0)];
        for (phase, warmup, index, rampdown) in phases {
            let tree = tree_of(&IterationRecord { phase, has_phases: true, ..record(3) });
            let summary = &tree["summary"];
            assert_eq!(summary["phase"], phase.word());
            let flags =
                ["warmup_active", "warmup_iter_idx", "rampdown_active"].map(|key| summary[key].as_u64());
            assert_eq!(flags, [Some(warmup), Some(index), Some(rampdown)]);
        }
    }

    #[test]
    fn what_was_held_back_is_flagged_and_the_judge_counts_it_once() {
        let mut record = record(1);
        record.tuning.guards = vec![Guard::Velocity, Guard::Freeze];
        record.tuning.skip = Some(SkipCode::AllParamsFrozen);
        record.tuning.skip_note = Some("all are frozen".to_owned());
        record.tuning.dropped = [(ParamName::flat("tail_age_ms"), SkipCode::Velocity)].into();
        record.tuning.freeze_active = true;
        let tree = tree_of(&record);
        let expected = json!({
            "code": "all_params_frozen", "cooldown": false, "freeze": true, "no_op": false,
            "note": "all are frozen", "oscillation": false, "velocity": true,
        });
        assert_eq!(tree["tuning"]["skip_reason"], expected);
        assert_eq!(tree["tuning"]["velocity_violation"], true);
        let seen =
            &judge::read(&bytes_of(&record), &KpiTable::default()).expect("readable")[0].iteration.tuning;
        let mut guards = GuardSet::default();
        guards.insert(Guard::Velocity);
        guards.insert(Guard::Freeze);
        assert_eq!((seen.guards, seen.freeze), (guards, true));
        assert_eq!(seen.skip.as_ref().and_then(|skip| skip.code.as_deref()), Some("all_params_frozen"));
    }

    #[test]
    fn the_reasons_are_told_in_the_order_of_the_increments() {
        let mut record = record(1);
        let delta =
            |param, reason: &str| Delta { param: ParamName::flat(param), delta: 1.0, reason: reason.into() };
        record.tuning.deltas =
            vec![delta("concurrency_limit", "LATENCY_HARD: 361"), delta("tail_age_ms", "DRIVER: slow")];
        let tree = tree_of(&record);
        assert_eq!(tree["tuning"]["reasons"], json!(["LATENCY_HARD: 361", "DRIVER: slow"]));
        assert_eq!(tree["tuning"]["rationale"], "LATENCY_HARD: 361 | DRIVER: slow");
    }

    #[test]
    fn a_failed_collection_is_told_with_its_reason_and_without_values() {
        let mut record = record(4);
        record.collection_failed = Some("time-out after 330 s".to_owned());
        record.summary.values.fill(None);
        record.summary.kpi_verdict = None;
        let files = judge::read(&bytes_of(&record), &KpiTable::default()).expect("readable");
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].iteration.collection_failed.as_deref(), Some("time-out after 330 s"));
        assert!(files[0].iteration.values.iter().all(Option::is_none));
        assert_eq!(read(&bytes_of(&record), &KpiTable::default()), Ok(record));
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_and_does_not_become_null() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut of_state = record(1);
            of_state.state.run_seconds = value;
            let mut of_kpi = record(1);
            of_kpi.summary.values[0] = Some(value);
            for record in [of_state, of_kpi] {
                let error = write(&record, &KpiTable::default()).expect_err("no file can hold it");
                assert!(error.to_string().contains("not finite"), "{error}");
            }
        }
    }

    /// The plain record's tree with one value replaced; the path has dots.
    fn damaged(path: &str, value: Option<Value>) -> Value {
        let mut tree = tree_of(&record(1));
        let mut at = &mut tree;
        let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
        for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
            at = at.get_mut(parent).expect("a path that is there");
        }
        let object = at.as_object_mut().expect("an object");
        match value {
            Some(value) => object.insert(key.to_owned(), value),
            None => object.remove(key),
        };
        tree
    }

    #[test]
    fn every_key_that_is_missing_is_named() {
        let whole = tree_of(&record(1));
        let mut paths: Vec<String> = whole.as_object().expect("an object").keys().cloned().collect();
        for part in ["collection", "state", "tuning"] {
            paths.extend(
                whole[part].as_object().expect("an object").keys().map(|key| format!("{part}.{key}")),
            );
        }
        // These are told again by other keys.
        let told_twice = [
            "applied",
            "changed_keys",
            "cooldown_active",
            "oscillation_detected",
            "proposed_deltas",
            "rationale",
            "velocity_violation",
        ]
        .map(|key| format!("tuning.{key}"));
        for path in paths.iter().filter(|path| !told_twice.contains(path)) {
            let error = read_tree(&damaged(path, None)).expect_err(path).to_string();
            let (place, key) = path.split_once('.').map_or(("the file", &**path), |(part, key)| (part, key));
            assert_eq!(
                error.trim_matches('`').replace("`: ", ": "),
                format!("{place}: missing field `{key}"),
                "{path}"
            );
        }
        for path in told_twice {
            assert_eq!(read_tree(&damaged(&path, None)), Ok(record(1)), "{path}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_path() {
        let cases = [
            ("schema_version", json!("2.0"), "`schema_version` is `2.0`, expected a version"),
            ("iteration", json!(-1), "`iteration`: invalid value: integer `-1`, expected u64"),
            ("started_utc", json!("noon"), "`started_utc` is `noon`, expected an RFC 3339 time"),
            ("summary", json!([]), "`summary`: invalid type: sequence, expected a map"),
            ("summary.net_bps", json!("3"), "`summary.net_bps`: invalid type: string \"3\", expected f64"),
            ("summary.net_bps", json!(null), "`summary.net_bps`: invalid type: null, expected f64"),
            (
                "summary.kpi_verdict",
                json!("GOOD"),
                "`summary.kpi_verdict`: unknown variant `GOOD`, expected one of",
            ),
            ("summary.fallbacks", json!({"x": "y"}), "`summary.fallbacks` is `x`, expected names of KPIs"),
            (
                "tuning.guards",
                json!(["velocity", "ghost"]),
                "`tuning.guards[1]`: unknown variant `ghost`, expected",
            ),
            ("tuning.reasons", json!([]), "`tuning`: `reasons` has not one reason for each of `deltas`"),
            ("tuning.freeze_triggered", json!(true), "`tuning`: `freeze_reason` must be there when"),
            ("tuning.dropped", json!({"a": null}), "`tuning.dropped.a`: invalid type: null"),
            (
                "tuning.skip_reason.code",
                json!("why"),
                "`tuning.skip_reason.code`: unknown variant `why`, expected one of",
            ),
            ("collection.ok", json!(false), "`collection.reason` must be there when `ok` is false"),
            ("collection.reason", json!("x"), "`collection.reason` must be there when `ok` is false"),
            (
                "state.override_hashes",
                json!(["a", 1]),
                "`state.override_hashes[1]`: invalid type: integer `1`, expected a",
            ),
            ("state.recent_changes", json!([{}]), "`state.recent_changes[0]`: missing field `change`"),
            (
                "state.overrides",
                json!({"a": true}),
                "`state.overrides.a`: invalid type: boolean `true`, expected f64",
            ),
        ];
        for (path, value, expected) in cases {
            let error = read_tree(&damaged(path, Some(value))).expect_err(path).to_string();
            assert!(error.starts_with(expected), "{path}: {error}");
        }
        assert!(
            read_tree(&json!(1)).expect_err("no object").to_string().contains("expected struct Document")
        );
        let empty = read(b"", &KpiTable::default()).expect_err("nothing").to_string();
        assert!(empty.starts_with("it is no whole JSON: EOF"), "{empty}");
    }

    #[test]
    fn keys_of_a_newer_program_are_passed_over() {
        assert_eq!(read_tree(&damaged("summary.brand_new", Some(json!({"a": [1]})))), Ok(record(1)));
        assert_eq!(read_tree(&damaged("schema_version", Some(json!("1.9")))), Ok(record(1)));
    }

    #[test]
    fn the_schema_notices_what_is_missing_and_what_is_no_number() {
        let schema = schema("iter_summary").expect("a schema");
        let validator = jsonschema::draft202012::new(&schema).expect("a usable schema");
        assert!(validator.is_valid(&tree_of(&record(1))));
        for (path, value) in [
            ("extra", Some(json!(1))),
            ("state", None),
            ("tuning.guards", None),
            ("summary.net_bps", Some(json!("3"))),
            ("summary.blocks", None),
        ] {
            assert!(!validator.is_valid(&damaged(path, value)), "{path}");
        }
    }
}
