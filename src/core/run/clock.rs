//! The clocks of a run: how the wall clock moved against the time that passed.
//!
//! Where the times of a run are recorded: `segments[].started_utc` of the manifest (start of each stretch, by the
//! clock of the iterations: for a virtual clock the start of its first interval), `started_utc` and
//! `summary.runtime_utc` of each iteration file (its start, and its end after the interval was waited for), and
//! `utc` of the iteration's line in `RUN_LOG.jsonl` (the same end, kept when the file is rotated away). With
//! `--no-wait` both times of an iteration come from the report where it has one: its end is the report's time, its
//! start one interval before; the segments keep the machine's time.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::source::Wait;
use crate::core::policy::run::MeasuringRules;

/// What the clocks of the machine read at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The wall clock, which anybody may set.
    pub wall: DateTime<Utc>,
    /// Time that passed while the machine was awake, from any fixed moment.
    pub awake: Duration,
    /// Time that passed while it slept, from any fixed moment; constant where the system does not say.
    pub asleep: Duration,
}

/// The clocks of a run, and waiting by them.
pub trait Clocks: Wait {
    /// What they read now.
    fn read(&self) -> Reading;
}

/// What moved the wall clock against the time that the run waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockStepKind {
    /// The clock was set.
    Step,
    /// The machine slept.
    Suspend,
}

/// A movement of the wall clock that no passing of time explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStep {
    /// The iteration during which it happened, or before whose start.
    pub iteration: u64,
    /// What it was.
    pub kind: ClockStepKind,
    /// Wall time minus monotonic time since the last look, seconds; below 0 = the clock went back.
    pub seconds: f64,
    /// Wall time when it was noticed, RFC 3339.
    pub utc: String,
}

impl ClockStep {
    /// The step in words, as `the wall clock stepped by -7200.0 s during iteration 5`.
    pub fn words(&self) -> String {
        let Self { iteration, seconds, .. } = self;
        match self.kind {
            ClockStepKind::Step => {
                format!("the wall clock stepped by {seconds:+.1} s during iteration {iteration}")
            }
            ClockStepKind::Suspend => {
                format!("the machine was suspended for {seconds:.1} s during iteration {iteration}")
            }
        }
    }
}

/// The steps between two readings, in an iteration of this length.
pub fn steps(
    before: &Reading,
    now: &Reading,
    iteration: u64,
    interval: Duration,
    rules: &MeasuringRules,
) -> Vec<ClockStep> {
    let limit = rules.clock_step_seconds.max(rules.clock_step_share * interval.as_secs_f64());
    let asleep = now.asleep.as_secs_f64() - before.asleep.as_secs_f64();
    let awake = now.awake.as_secs_f64() - before.awake.as_secs_f64();
    let stepped = (now.wall - before.wall).as_seconds_f64() - awake - asleep;
    [(ClockStepKind::Suspend, asleep), (ClockStepKind::Step, stepped)]
        .into_iter()
        .filter(|(_, seconds)| seconds.abs() > limit)
        .map(|(kind, seconds)| {
            let utc = now.wall.to_rfc3339_opts(SecondsFormat::Millis, true);
            ClockStep { iteration, kind, seconds: (seconds * 1000.0).round() / 1000.0, utc }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tuning::fixture::measuring;

    /// The steps found when the wall clock moved by `wall` seconds while `awake` and `asleep` seconds passed.
    fn found(interval: u64, wall: f64, awake: f64, asleep: f64) -> Vec<(ClockStepKind, f64)> {
        let at = |wall: f64, awake: f64, asleep: f64| Reading {
            wall: DateTime::UNIX_EPOCH + Duration::from_secs_f64(wall),
            awake: Duration::from_secs_f64(awake),
            asleep: Duration::from_secs_f64(asleep),
        };
        let (before, now) = (at(50_000.0, 7.0, 3.0), at(50_000.0 + wall, 7.0 + awake, 3.0 + asleep));
        let rules = measuring();
        let steps = steps(&before, &now, 4, Duration::from_secs(interval), &rules);
        steps.into_iter().map(|step| (step.kind, step.seconds)).collect()
    }

    #[test]
    fn a_step_counts_above_two_seconds_and_above_a_twentieth_of_the_interval() {
        // 5 % of 40 s is 2 s, of 300 s 15 s.
        for (interval, largest) in [(1, 2.0), (40, 2.0), (300, 15.0), (900, 45.0)] {
            let passed = interval as f64;
            assert_eq!(found(interval, passed, passed, 0.0), []);
            assert_eq!(found(interval, passed + largest, passed, 0.0), []);
            let (kind, more) = (ClockStepKind::Step, largest + 0.5);
            assert_eq!(found(interval, passed + more, passed, 0.0), [(kind, more)]);
            assert_eq!(found(interval, passed - more, passed, 0.0), [(kind, -more)]);
        }
    }

    #[test]
    fn sleep_is_no_step_of_the_clock_and_both_can_happen_together() {
        assert_eq!(found(300, 29_100.0, 300.0, 28_800.0), [(ClockStepKind::Suspend, 28_800.0)]);
        assert_eq!(
            found(300, 29_100.0 - 7200.0, 300.0, 28_800.0),
            [(ClockStepKind::Suspend, 28_800.0), (ClockStepKind::Step, -7200.0)]
        );
        assert_eq!(found(300, 310.0, 300.0, 10.0), [], "a nap below the limit");
    }

    #[test]
    fn a_step_is_described_with_its_sign() {
        let step = |kind, seconds| ClockStep { iteration: 5, kind, seconds, utc: String::new() }.words();
        assert_eq!(
            step(ClockStepKind::Step, -7200.0),
            "the wall clock stepped by -7200.0 s during iteration 5"
        );
        assert_eq!(step(ClockStepKind::Step, 3.25), "the wall clock stepped by +3.2 s during iteration 5");
        assert_eq!(
            step(ClockStepKind::Suspend, 28800.0),
            "the machine was suspended for 28800.0 s during iteration 5"
        );
    }
}
