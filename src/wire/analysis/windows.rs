//! The statistics of the KPIs over a window, as the analysis document tells them: unrounded.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::analysis::{KpiStats, WindowStats};
use crate::core::kpi::{KpiId, Unit};
use crate::stats::{MeanInterval, MedianInterval, Trend};

/// One KPI over one window, in its unit. All numbers are null when no value is known.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct KpiBlock {
    /// `bps`, `ms`, `ratio`, or what the policy calls it.
    pub unit: String,
    /// Iterations with a value.
    pub n: usize,
    /// Iterations without a value.
    pub missing: usize,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// 5th percentile (type 7).
    pub p5: Option<f64>,
    /// 95th percentile (type 7).
    pub p95: Option<f64>,
    /// Median absolute deviation from the median, not scaled.
    pub mad: Option<f64>,
    /// Sample standard deviation.
    pub stdev: Option<f64>,
    /// Where it is heading; null with fewer than three values.
    pub trend: Option<Trend>,
    /// Interval of the mean; null with too few values, and where they resemble each other too much.
    pub interval: Option<MeanInterval>,
    /// Interval of the median; null as that of the mean.
    pub median_interval: Option<MedianInterval>,
}

/// All KPIs over one window.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct WindowBlock {
    /// `overall`, `steady`, `last8`, …
    pub name: String,
    /// Number of the first iteration; null when the window is empty.
    pub first: Option<u64>,
    /// Number of the last iteration; null when the window is empty.
    pub last: Option<u64>,
    /// Iterations in it.
    pub n: usize,
    /// By canonical name.
    pub kpis: BTreeMap<String, KpiBlock>,
}

impl WindowBlock {
    /// The block of a window.
    pub fn of(stats: &WindowStats) -> Self {
        let used = stats.window.used();
        let of_kpi = |of: &KpiStats| (of.kpi.name.to_owned(), kpi(of, of.kpi, used.n));
        Self {
            kpis: stats.kpis.iter().map(of_kpi).collect(),
            name: used.name,
            first: used.first,
            last: used.last,
            n: used.n,
        }
    }
}

fn kpi(stats: &KpiStats, kpi: KpiId, window: usize) -> KpiBlock {
    let summary = stats.summary;
    KpiBlock {
        unit: match &kpi.unit {
            Unit::Ratio => "ratio",
            unit => unit.symbol(),
        }
        .to_owned(),
        n: window.saturating_sub(stats.missing),
        missing: stats.missing,
        mean: summary.map(|summary| summary.mean),
        median: summary.map(|summary| summary.median),
        min: summary.map(|summary| summary.min),
        max: summary.map(|summary| summary.max),
        p5: summary.map(|summary| summary.p5),
        p95: summary.map(|summary| summary.p95),
        mad: summary.map(|summary| summary.mad),
        stdev: summary.map(|summary| summary.stdev),
        trend: stats.trend,
        interval: stats.interval,
        median_interval: stats.median_interval,
    }
}
