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
            wait.pass(interval.length)?;
        }
        let report = self.simulator.report(interval.iteration, interval.overrides);
        let report = report.map_err(|error| NoReport::Failed(error.to_string()))?;
        Ok(EdgeReport { resources: Some(self.resources(interval)), ..report })
    }
}

fn hours(length: Duration) -> f64 {
    length.as_secs_f64() / 3600.0
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use chrono::DateTime;

    use super::*;
    use crate::core::params::ParamValues;
    use crate::core::run::source::Interrupted;
    use crate::core::simulator::Scenario;
    use crate::core::simulator::tests::start;

    struct Clock {
        waited: Cell<Duration>,
        stops: bool,
    }

    impl Wait for Clock {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            self.waited.set(self.waited.get() + how_long);
            if self.stops { Err(Interrupted) } else { Ok(()) }
        }
    }

    fn cover(real_time: bool, stops: bool, overrides: &ParamValues) -> (Result<EdgeReport, NoReport>, u64) {
        let clock = Clock { waited: Cell::new(Duration::ZERO), stops };
        let mut source = SimSource::new(Simulator::new(1, Scenario::Default), real_time);
        assert_eq!(source.name(), "sim");
        (source.cover(&interval(2, overrides), &clock), clock.waited.get().as_secs())
    }

    fn interval(iteration: u64, overrides: &ParamValues) -> Interval<'_> {
        let starts = DateTime::UNIX_EPOCH;
        let length = Duration::from_secs(300);
        Interval { iteration, starts, length, overrides, overrides_file: Path::new("overrides.json") }
    }

    #[test]
    fn only_real_time_waits_and_both_measure_the_same() {
        let overrides = start();
        let mut simulator = Simulator::new(1, Scenario::Default);
        let measured = simulator.report(2, &overrides).unwrap();
        // The end of the second interval of 300 s is a sixth of an hour in.
        let resources = Some(simulator.resources(2, 1.0 / 6.0));
        let expected = EdgeReport { resources, ..measured };
        assert_eq!(cover(false, true, &overrides), (Ok(expected.clone()), 0));
        assert_eq!(cover(true, false, &overrides), (Ok(expected), 300));
    }

    #[test]
    fn a_run_that_is_to_stop_brings_no_report() {
        assert_eq!(cover(true, true, &start()), (Err(NoReport::Interrupted), 300));
    }

    #[test]
    fn overrides_that_cannot_be_simulated_are_a_failed_collection() {
        let told = "the simulator needs `min_interval_ms`, which the overrides do not have";
        assert_eq!(cover(false, false, &ParamValues::default()), (Err(NoReport::Failed(told.to_owned())), 0));
    }

    #[test]
    fn resources_count_the_hours_from_the_start_of_the_run() {
        let overrides = start();
        let simulator = Simulator::new(1, Scenario::Leak);
        let source = SimSource::new(simulator.clone(), false);
        // 24 intervals of 300 s are two hours.
        assert_eq!(source.resources(&interval(24, &overrides)), simulator.resources(24, 2.0));
    }
}
