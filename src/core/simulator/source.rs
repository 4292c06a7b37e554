//! The simulator as a source of edge reports.
//!
//! On a virtual clock it answers at once; in real time it lets the interval pass first.

use std::time::Duration;

use super::Simulator;
use crate::core::run::edge_report::EdgeReport;
use crate::core::run::iteration::Resources;
use crate::core::run::source::{Interval, NoReport, Source, Wait};

/// The source `sim`.
#[derive(Clone, Debug)]
pub struct SimSource {
    simulator: Simulator,
    real_time: bool,
}

impl SimSource {
    /// A source that answers from this simulator; with `real_time` it waits out every interval.
    pub fn new(simulator: Simulator, real_time: bool) -> Self {
        Self { simulator, real_time }
    }

    /// The simulated system's resources at the end of the interval. The run is taken to consist of intervals
    /// of the same length, so that a resumed run reads the same.
    pub fn resources(&self, interval: &Interval<'_>) -> Resources {
        self.simulator.resources(interval.iteration, hours(interval.length) * interval.iteration as f64)
    }
}

impl Source for SimSource {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        if self.real_time {
            wait.wait(interval.length)?;
        }
        let report = self.simulator.report(interval.iteration, interval.overrides);
        let report = report.map_err(|error| NoReport::Failed(error.to_string()))?;
        Ok(EdgeReport { resources: Some(self.resources(interval)), ..report })
    }
}

fn hours(length: Duration) -> f64 {
    length.as_secs_f64() / 3600.0
}
