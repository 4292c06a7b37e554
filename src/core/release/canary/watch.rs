//! The time of a canary, cut into steps, and measurements put into them. Must not know what is asked of them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::policy::release::CanaryRules;

/// More steps than anybody watches a canary for: at five minutes almost a year.
const MOST_STEPS: u64 = 100_000;

/// The steps of a canary that are over. Step 0 begins with the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The canary started.
    pub since: DateTime<Utc>,
    /// It is looked at.
    pub now: DateTime<Utc>,
    /// What is later is not looked at; never after `now`.
    pub until: DateTime<Utc>,
    step: TimeDelta,
    steps: usize,
}

/// Why a canary cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// It has not started.
    #[error("the start, {since}, is after now, {now}")]
    Future {
        /// The start that was told.
        since: String,
        /// The time now.
        now: String,
    },
    /// It goes on for longer than can be looked at.
    #[error("since {since} there are {steps} steps of `canary.step_minutes`, more than {MOST_STEPS}")]
    TooLong {
        /// The start that was told.
        since: String,
        /// Steps since then.
        steps: u64,
    },
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// It covers the time from here,
    pub from: DateTime<Utc>,
    /// to here.
    pub to: DateTime<Utc>,
    /// With this value.
    pub value: f64,
}

/// A time as it is told.
pub fn told(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// So many hours later; the end of all time where there is no such time.
pub fn later(time: DateTime<Utc>, hours: f64) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and so many milliseconds are no time")]
    let millis = (hours * 3_600_000.0).round() as i64;
    let delta = TimeDelta::try_milliseconds(millis);
    delta.and_then(|delta| time.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Watch {
    /// The canary since then, looked at for at most so many hours; `None` = without an end.
    pub fn new(
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        rules: &CanaryRules,
        longest_hours: Option<f64>,
    ) -> Result<Self, WatchError> {
        if since > now {
            return Err(WatchError::Future { since: told(since), now: told(now) });
        }
        let until = longest_hours.map_or(now, |hours| later(since, hours).min(now));
        // A policy may name any number of minutes; one that is longer than time itself leaves no step.
        let minutes = i64::try_from(rules.step_minutes).unwrap_or(i64::MAX);
        let step = TimeDelta::try_minutes(minutes).unwrap_or(TimeDelta::MAX);
        let steps = (until - since).num_milliseconds() / step.num_milliseconds().max(1);
        let steps = steps.unsigned_abs();
        if steps > MOST_STEPS {
            return Err(WatchError::TooLong { since: told(since), steps });
        }
        Ok(Self { since, now, until, step, steps: usize::try_from(steps).unwrap_or(0) })
    }

    /// Steps that are over.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Length of a step.
    pub fn step(&self) -> TimeDelta {
        self.step
    }

    /// When a step begins, or would.
    pub fn start_of(&self, step: usize) -> DateTime<Utc> {
        let steps = i32::try_from(step).unwrap_or(i32::MAX);
        let passed = self.step.checked_mul(steps).and_then(|passed| self.since.checked_add_signed(passed));
        passed.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// When a step ends, or would.
    pub fn end_of(&self, step: usize) -> DateTime<Utc> {
        self.start_of(step + 1)
    }

    /// Hours since the start.
    pub fn hours(&self) -> f64 {
        (self.now - self.since).num_milliseconds() as f64 / 3_600_000.0
    }

    /// Whether so many hours have passed within the time looked at.
    pub fn has_passed(&self, hours: f64) -> bool {
        later(self.since, hours) <= self.until
    }

    /// Whole steps in the first so many hours, over or not.
    pub fn steps_by(&self, hours: f64) -> usize {
        let passed = (later(self.since, hours) - self.since).num_milliseconds();
        usize::try_from(passed / self.step.num_milliseconds().max(1)).unwrap_or(0)
    }

    /// Measurements put into the steps: the mean by the time that each covers of the step. A step of which less
    /// than half is covered has no value.
    pub fn put(&self, stretches: &[Stretch]) -> Vec<Option<f64>> {
        let step_ms = self.step.num_milliseconds().max(1);
        let mut covered = vec![(0_i64, 0.0_f64); self.steps];
        for stretch in stretches {
            let (from, to) = (stretch.from.max(self.since), stretch.to.min(self.end_of_all()));
            if to <= from {
                continue;
            }
            let (start, end) = ((from - self.since).num_milliseconds(), (to - self.since).num_milliseconds());
            for step in start / step_ms..=(end - 1) / step_ms {
                let Some(slot) = usize::try_from(step).ok().and_then(|step| covered.get_mut(step)) else {
                    break;
                };
                let shared = end.min((step + 1) * step_ms) - start.max(step * step_ms);
                slot.0 += shared;
                slot.1 += shared as f64 * stretch.value;
            }
        }
        covered
            .into_iter()
            .map(|(time, sum)| {
                (time * 2 >= step_ms).then(|| sum / time as f64).filter(|mean| mean.is_finite())
            })
            .collect()
    }

    fn end_of_all(&self) -> DateTime<Utc> {
        self.start_of(self.steps)
    }
}

#[cfg(test)]
mod tests;
