//! The time of a run: an interval that is let pass, and what was measured in it.
//!
//! Owns the clocks. What is measured, and what becomes of it, is decided elsewhere.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::params::ParamValues;
use crate::core::policy::run::MeasuringRules;
use crate::core::run::clock::{ClockStep, ClockStepKind, Clocks, Reading, steps};
use crate::core::run::edge_report::EdgeReport;
use crate::core::run::report_time::{self, ReportTimes};
use crate::core::run::source::{Interrupted, Interval, NoReport, Source, Wait};

/// What time it is in a run.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The simulator computes at once: iteration n covers the n-th interval from this time on.
    Virtual(DateTime<Utc>),
    /// The clock of the machine; every interval is waited for.
    Real,
    /// The clock of the machine, and nothing is waited for; the time of a report is that of its iteration.
    NoWait,
}

/// Lets the intervals of a run pass.
pub struct Pace<'a> {
    clock: Clock,
    clocks: &'a dyn Clocks,
    length: Duration,
    rules: &'a MeasuringRules,
    /// `None` = the reports' own times are not checked.
    times: Option<ReportTimes>,
    /// When the clocks were last looked at.
    last: Option<Reading>,
}

/// What came of an interval.
#[derive(Debug)]
pub(super) struct Covered {
    pub(super) starts: DateTime<Utc>,
    pub(super) ends: DateTime<Utc>,
    /// What was collected, or why nothing was.
    pub(super) outcome: Result<EdgeReport, String>,
    /// A report came before half of the interval was over.
    pub(super) measured_early: bool,
    /// What the wall clock did meanwhile.
    pub(super) clock_steps: Vec<ClockStep>,
}

impl<'a> Pace<'a> {
    /// Intervals of this length. `checks_times`: whether reports with a stale `runtime.utc` are refused.
    pub fn new(
        clock: Clock,
        clocks: &'a dyn Clocks,
        length: Duration,
        rules: &'a MeasuringRules,
        checks_times: bool,
    ) -> Self {
        let is_checked = checks_times && matches!(clock, Clock::Real);
        let times = is_checked.then(|| ReportTimes::new(length, rules.stale_after));
        Self { clock, clocks, length, rules, times, last: None }
    }

    /// Whether the run was asked to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.clocks.wait(Duration::ZERO).is_err()
    }

    /// The interval that iteration `number` covers, starting now.
    pub(super) fn begin<'i>(
        &self,
        number: u64,
        overrides: &'i ParamValues,
        overrides_file: &'i std::path::Path,
    ) -> Interval<'i> {
        let length = self.length;
        let starts = match self.clock {
            Clock::Virtual(start) => start + times(length, number.saturating_sub(1)),
            Clock::Real => self.clocks.read().wall,
            // What is there now was measured in the interval that ends now.
            Clock::NoWait => self.clocks.read().wall - times(length, 1),
        };
        Interval { iteration: number, starts, length, overrides, overrides_file }
    }

    /// Lets the source cover the interval, and waits for what it leaves of it.
    pub(super) fn cover(
        &mut self,
        source: &mut dyn Source,
        interval: &Interval<'_>,
    ) -> Result<Covered, Interrupted> {
        let began = self.clocks.read();
        self.last.get_or_insert(began);
        let covered = match self.clock {
            Clock::Real => source.cover(interval, self.clocks),
            Clock::Virtual(_) | Clock::NoWait => source.cover(interval, &AtOnce(self.clocks)),
        };
        let mut outcome = match covered {
            Ok(report) => Ok(report),
            Err(NoReport::Failed(reason)) => Err(reason),
            Err(NoReport::Interrupted) => return Err(Interrupted),
        };
        let measured = self.clocks.read();
        let mut clock_steps = self.look(interval.iteration, measured);
        let took = measured.awake.saturating_sub(began.awake);
        let slept = measured.asleep.saturating_sub(began.asleep);
        // A clock that was set back meanwhile stamps the report earlier, which makes it no older.
        let starts = interval.starts.min(measured.wall - times(took + slept, 1));
        if let (Some(own), Ok(report)) = (&mut self.times, &mut outcome)
            && let Err(reason) = own.check(report, starts)
        {
            outcome = Err(reason);
        }
        let is_real = matches!(self.clock, Clock::Real);
        let left = self.length.saturating_sub(took);
        if is_real && !left.is_zero() {
            self.clocks.wait(left)?;
        }
        let now = self.clocks.read();
        clock_steps.extend(self.look(interval.iteration, now));
        let (starts, ends) = match self.clock {
            Clock::Virtual(start) => (interval.starts, start + times(self.length, interval.iteration)),
            Clock::Real => (interval.starts, now.wall),
            Clock::NoWait => match outcome.as_ref().ok().and_then(report_time::time_of) {
                Some(time) => (time - times(self.length, 1), time),
                None => (interval.starts, now.wall),
            },
        };
        let measured_early = is_real && outcome.is_ok() && took < self.length / 2;
        Ok(Covered { starts, ends, outcome, measured_early, clock_steps })
    }

    /// What the wall clock did since it was last looked at.
    fn look(&mut self, iteration: u64, now: Reading) -> Vec<ClockStep> {
        let last = self.last.replace(now).unwrap_or(now);
        if matches!(self.clock, Clock::Virtual(_)) {
            return Vec::new();
        }
        let steps = steps(&last, &now, iteration, self.length, self.rules);
        if steps.iter().any(|step| step.kind == ClockStepKind::Step) {
            self.times.iter_mut().for_each(ReportTimes::forget_previous);
        }
        steps
    }
}

/// Waits for everything but the end of an interval.
struct AtOnce<'a>(&'a dyn Clocks);

impl Wait for AtOnce<'_> {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        self.0.wait(how_long)
    }

    fn pass(&self, _: Duration) -> Result<(), Interrupted> {
        self.0.wait(Duration::ZERO)
    }
}

/// So many intervals, to the nanosecond.
fn times(length: Duration, count: u64) -> TimeDelta {
    let nanoseconds = length.as_nanos().saturating_mul(u128::from(count));
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX);
    let rest = u32::try_from(nanoseconds % 1_000_000_000).unwrap_or_default();
    TimeDelta::new(seconds, rest).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests;
