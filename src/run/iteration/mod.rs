//! An iteration: what its source delivered, and the commit record of everything that happened in it.
//!
//! Holds what was delivered and invents nothing: a number that is not there is not there.

pub mod file;
#[cfg(test)]
pub(crate) mod fixture;
pub mod summary;
pub mod tuning;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::iteration::params::ParamValues;
use crate::core::kpi::KpiId;
pub use crate::core::load::edge_report::{AuditCounts, EdgeReport, Incomplete, KpiGateFile, Resources};
use crate::core::text::number::exactly;
use crate::run::iteration::tuning::{TunerState, TuningRecord};

/// WARMUP, RAMPDOWN or STEADY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Phase {
    /// The warm-up preset is in force; gates WARN only.
    Warmup,
    /// On the way back to the base.
    Rampdown,
    /// All the rest, and every iteration without `--warmup`.
    #[default]
    Steady,
}

impl Phase {
    /// Word in files.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// The runner's verdict on one iteration.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum KpiVerdict {
    /// No bound of WARN or FAIL holds.
    Pass,
    /// A reason to look.
    Warn,
    /// A reason to stop in the end; counted by panic revert.
    Fail,
}

impl KpiVerdict {
    /// The verdict with this word; `None` for words of other writers.
    pub fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// Word in files.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// Where the maker share was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakerSource {
    /// Maker ÷ (maker + taker) by volume.
    FillsVolume,
    FillsCount,
    /// `maker_share_pct` ÷ 100.
    MakerSharePct,
    /// Delivered as `maker_taker_ratio` itself.
    #[serde(rename = "maker_taker_ratio")]
    Reported,
}

/// What an iteration measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IterationSummary {
    /// KPI values by the index of the KPI table; `None` = not delivered.
    #[serde(skip)]
    pub values: Vec<Option<f64>>,
    /// KPIs without a value because the ratio that was delivered is above its highest: KPI, key and number.
    #[serde(skip)]
    pub above_highest: Vec<(KpiId, String, f64)>,
    /// KPIs that were taken from another number (the p95 from its mean): KPI and key used.
    #[serde(skip)]
    pub fallbacks: Vec<(KpiId, String)>,
    /// Counts of the system's audit log.
    #[serde(deserialize_with = "Option::deserialize")]
    pub audit: Option<AuditCounts>,
    pub blocks: Blocks,
    /// `component_breakdown.*`, where delivered.
    #[serde(rename = "component_breakdown", serialize_with = "exactly")]
    pub components: BTreeMap<String, f64>,
    /// What the limits on edge reports say about the totals, as `edge_report.<metric>: WARN …` lines; advisory.
    pub edge_gate: Vec<String>,
    /// `maker_count`, `taker_count`, `maker_volume`, `taker_volume`, where delivered.
    #[serde(serialize_with = "exactly")]
    pub fills: BTreeMap<String, f64>,
    /// The system's own gate.
    #[serde(deserialize_with = "Option::deserialize")]
    pub kpi_gate: Option<KpiGateFile>,
    pub kpi_reasons: Vec<String>,
    /// The runner's verdict; `None` when the collection failed.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<String>")]
    pub kpi_verdict: Option<KpiVerdict>,
    /// Where the maker share was taken from.
    #[serde(rename = "maker_taker_source", deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<String>")]
    pub maker_source: Option<MakerSource>,
    /// Cost components that made the edge negative.
    pub neg_edge_drivers: Vec<String>,
    /// For a person: what was odd about the data.
    pub notes: Vec<String>,
    /// Advice of the system's sentinel.
    pub sentinel_advice: Vec<String>,
    /// The system's build.
    #[serde(deserialize_with = "Option::deserialize")]
    pub version: Option<String>,
}

/// Refused decisions by reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocks {
    /// Where delivered.
    #[serde(serialize_with = "exactly")]
    pub counts: BTreeMap<String, f64>,
    /// Shares of the decisions.
    #[serde(serialize_with = "exactly")]
    pub ratios: BTreeMap<String, f64>,
    /// Sum of the counts; null without any.
    #[serde(serialize_with = "exactly", deserialize_with = "Option::deserialize")]
    total: Option<f64>,
}

impl Blocks {
    pub fn new(counts: BTreeMap<String, f64>, ratios: BTreeMap<String, f64>) -> Self {
        let total = (!counts.is_empty()).then(|| counts.values().sum());
        Self { counts, ratios, total }
    }
}

/// A look at the watched process tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it used; `None` when the process is gone.
    pub resources: Option<Resources>,
    /// What was odd, for a person.
    pub note: Option<String>,
}

/// Everything about one iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct IterationRecord {
    /// Its number, from 1.
    pub number: u64,
    /// Name of the source.
    pub source: String,
    /// When it started.
    pub starts: DateTime<Utc>,
    /// When it ended, the wait for the rest of the interval included: `runtime_utc` of the summary. With
    /// `--no-wait` the report's own time, where it has one.
    pub ends: DateTime<Utc>,
    /// Whether the command was done before half of the interval was over, so that it saw little of it.
    pub measured_early: bool,
    pub phase: Phase,
    /// Whether the run has phases at all (`--warmup`).
    pub has_phases: bool,
    /// Why the collection failed; `None` = it did not. The summary holds what was measured all the same.
    pub collection_failed: Option<String>,
    /// Overrides in force while it ran.
    pub overrides: ParamValues,
    /// What it measured.
    pub summary: IterationSummary,
    /// Metrics of the 72-hour report that the source delivered: `tick_latency_ms.p95`, `mm_hit_ratio`, …
    pub metrics: BTreeMap<String, f64>,
    /// The watched process tree, with `--pid`, or the simulated one.
    pub resources: Option<Resources>,
    /// What the tuner did.
    pub tuning: TuningRecord,
    /// The tuner's memory after it.
    pub state: TunerState,
}
