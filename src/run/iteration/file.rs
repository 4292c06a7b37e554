//! `ITER_SUMMARY_<n>.json` as `run` writes it: the whole record of an iteration, and the way back.
//!
//! Nothing of the record is lost, so that a run continues from its last file as if it had never stopped. Files of other
//! runners are read by [`crate::wire::iteration`], which wants less and forgives more.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::iteration::params::ParamValues;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::text::number::exactly;
use crate::run::iteration::tuning::{TunerState, TuningRecord};
use crate::run::iteration::{IterationRecord, IterationSummary, Phase, Resources};

/// The version of the shape that this program writes; 1.x is read.
pub const SCHEMA_VERSION: &str = "1.0";

/// The name of the file of an iteration.
pub fn file_name(number: u64) -> String {
    format!("ITER_SUMMARY_{number}.json")
}

/// A time as files have it: RFC 3339 in UTC, with as many digits as it takes.
pub fn utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// An iteration file.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Whether the source delivered.
    collection: Collection,
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
    /// False when nothing was collected.
    ok: bool,
    /// Why nothing was collected; null when something was.
    #[serde(deserialize_with = "Option::deserialize")]
    reason: Option<String>,
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
            ok: record.collection_failed.is_none(),
            reason: record.collection_failed.clone(),
        },
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
    let value = |kpi: KpiId| measured.values.get(kpi.index()).copied().flatten();
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
            fallbacks: measured.fallbacks.iter().map(|(kpi, key)| (name(*kpi), key.clone())).collect(),
            fees_eff_bps: value(KpiId::FEES_BPS),
            phase: record.has_phases.then_some(record.phase),
            rampdown_active: is_in(Phase::Rampdown),
            resources: record.resources,
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
    let Circumstances { above_highest, fallbacks, phase, resources, runtime_utc, .. } =
        part(&tree["summary"], "summary")?;
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
        collection_failed,
        overrides: document.runtime_overrides,
        summary,
        metrics: document.metrics,
        resources,
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

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
