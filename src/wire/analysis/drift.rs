//! Where resources are heading, as the analysis document tells it.

use serde::Serialize;

use crate::core::drift::{Drift, DriftWord, Resource};

/// The drift of one resource over the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DriftRow {
    /// The resource: `rss_mb` (MiB), `cpu_pct` (percent of one CPU), `threads`, `open_files`.
    pub resource: Resource,
    /// Samples that have a time and a value.
    pub n: usize,
    /// Hours from the first of them to the last.
    pub hours: f64,
    /// The first value; null without samples.
    pub first: Option<f64>,
    /// The last value; null without samples.
    pub last: Option<f64>,
    /// Theil-Sen slope, units per hour; null with too few samples.
    pub slope_per_hour: Option<f64>,
    /// Lower end of its band; null with too few samples.
    pub low: Option<f64>,
    /// Upper end of its band; null with too few samples.
    pub high: Option<f64>,
    /// How many floors of a saw the slope goes through; null where it goes through all samples.
    pub floors: Option<usize>,
    /// Confidence level of the band.
    pub confidence: f64,
    /// Slopes smaller than this are called flat, units per hour.
    pub floor: f64,
    /// What can be said.
    pub word: DriftWord,
}

impl From<&Drift> for DriftRow {
    fn from(drift: &Drift) -> Self {
        Self {
            resource: drift.resource,
            n: drift.n,
            hours: drift.hours,
            first: drift.first,
            last: drift.last,
            slope_per_hour: drift.slope.map(|slope| slope.per_hour),
            low: drift.slope.and_then(|slope| slope.low),
            high: drift.slope.and_then(|slope| slope.high),
            floors: drift.floors,
            confidence: drift.confidence,
            floor: drift.floor.value,
            word: drift.word,
        }
    }
}
