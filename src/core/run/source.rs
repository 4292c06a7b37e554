//! Where the measurements of an iteration come from: the interface that all sources share.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::edge_report::EdgeReport;
use crate::core::params::ParamValues;

/// What a source is told about the interval it is to cover.
#[derive(Clone, Debug)]
pub struct Interval<'a> {
    /// Number of the iteration, from 1.
    pub iteration: u64,
    /// When it starts.
    pub starts: DateTime<Utc>,
    /// How long it lasts.
    pub length: Duration,
    /// The overrides in force.
    pub overrides: &'a ParamValues,
    /// The file in which the system under test finds them.
    pub overrides_file: &'a Path,
}

impl Interval<'_> {
    /// When it ends.
    pub fn ends(&self) -> DateTime<Utc> {
        self.starts + self.length
    }
}

/// Why an interval brought no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoReport {
    /// The collection failed; says why, for the iteration's record. The run goes on.
    Failed(String),
    /// The run is to stop; the interval counts for nothing.
    Interrupted,
}

/// Waits for a source, and stops waiting when the run is to stop.
pub trait Wait {
    /// Waits so long; `Err` at once when the run is to stop.
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted>;

    /// Lets an interval pass; does so at once where a run does not wait for its intervals.
    fn pass(&self, interval: Duration) -> Result<(), Interrupted> {
        self.wait(interval)
    }
}

/// The run is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl From<Interrupted> for NoReport {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Delivers an edge report for each interval, or the reason why there is none.
pub trait Source {
    /// `sim`, `exec`, `file` or `prometheus`.
    fn name(&self) -> &'static str;

    /// Collects what the system measured in the interval. May let the interval pass first; what it leaves of
    /// it, the run waits.
    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport>;
}
