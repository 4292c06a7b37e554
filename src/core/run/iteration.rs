//! An iteration as `run` writes it down: the commit record of everything that happened in it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::edge_report::{AuditCounts, KpiGateFile};
use crate::core::kpi::KpiId;
use crate::core::params::ParamValues;
use crate::core::tuning::record::TuningRecord;
use crate::core::tuning::state::TunerState;

/// WARMUP, RAMPDOWN or STEADY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        match self {
            Self::Warmup => "WARMUP",
            Self::Rampdown => "RAMPDOWN",
            Self::Steady => "STEADY",
        }
    }
}

/// The runner's verdict on one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        [Self::Pass, Self::Warn, Self::Fail].into_iter().find(|verdict| verdict.word() == word)
    }

    /// Word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// Where the maker share was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakerSource {
    /// Maker ÷ (maker + taker) by volume.
    FillsVolume,
    /// By count.
    FillsCount,
    /// `maker_share_pct` ÷ 100.
    MakerSharePct,
    /// Delivered as `maker_taker_ratio` itself.
    Reported,
}

impl MakerSource {
    /// Word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::FillsVolume => "fills_volume",
            Self::FillsCount => "fills_count",
            Self::MakerSharePct => "maker_share_pct",
            Self::Reported => "maker_taker_ratio",
        }
    }
}

/// What an iteration measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IterationSummary {
    /// The system's build.
    pub version: Option<String>,
    /// KPI values by the index of the KPI table; `None` = not delivered.
    pub values: Vec<Option<f64>>,
    /// KPIs that were taken from another number (the p95 from its mean): KPI and key used.
    pub fallbacks: Vec<(KpiId, String)>,
    /// Where the maker share was taken from.
    pub maker_source: Option<MakerSource>,
    /// `maker_count`, `taker_count`, `maker_volume`, `taker_volume`, where delivered.
    pub fills: BTreeMap<String, f64>,
    /// `component_breakdown.*`, where delivered.
    pub components: BTreeMap<String, f64>,
    /// Refusals by reason: count, where delivered.
    pub block_counts: BTreeMap<String, f64>,
    /// Refusals by reason: share of decisions.
    pub block_ratios: BTreeMap<String, f64>,
    /// Cost components that made the edge negative.
    pub neg_edge_drivers: Vec<String>,
    /// The runner's verdict; `None` when the collection failed.
    pub kpi_verdict: Option<KpiVerdict>,
    /// Its reasons.
    pub kpi_reasons: Vec<String>,
    /// What the limits on edge reports say about the totals, as `edge_report.<metric>: WARN …` lines; advisory.
    pub edge_gate: Vec<String>,
    /// The system's own gate.
    pub kpi_gate: Option<KpiGateFile>,
    /// Advice of the system's sentinel.
    pub sentinel_advice: Vec<String>,
    /// Counts of the system's audit log.
    pub audit: Option<AuditCounts>,
    /// KPIs without a value because the ratio that was delivered is above its highest: KPI, key and number.
    pub above_highest: Vec<(KpiId, String, f64)>,
    /// For a person: what was odd about the data.
    pub notes: Vec<String>,
}

/// A look at the watched process tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it used; `None` when the process is gone.
    pub resources: Option<Resources>,
    /// What was odd, for a person.
    pub note: Option<String>,
}

/// Resources of the watched process tree at the end of an iteration. `None` = could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resources {
    /// Resident memory, MiB.
    pub rss_mb: Option<f64>,
    /// Share of one CPU used since the sample before, percent.
    pub cpu_pct: Option<f64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
    /// Processes in the tree.
    pub processes: Option<u64>,
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
    /// Its phase.
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
