//! The clocks of a run: how the wall clock moved against the time that passed.
//!
//! Where the times of a run are recorded: `segments[].started_utc` of the manifest (start of each stretch, by the
//! clock of the iterations: for a virtual clock the start of its first interval), `started_utc` and
//! `summary.runtime_utc` of each iteration file (its start, and its end after the interval was waited for), and
//! `utc` of the iteration's line in `RUN_LOG.jsonl` (the same end, kept when the file is rotated away). With
//! `--no-wait` both times of an iteration come from the report where it has one: its end is the report's time, its
//! start one interval before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A clock step of at most so many seconds is normal (NTP corrections).
const LARGEST_NORMAL_SECONDS: f64 = 2.0;

/// A clock step of at most this share of the interval is normal.
const LARGEST_NORMAL_SHARE: f64 = 0.05;

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

/// How far the wall clock may move against the monotonic clock during an interval before it counts as a step,
/// seconds.
pub fn largest_normal_step(interval_seconds: f64) -> f64 {
    LARGEST_NORMAL_SECONDS.max(LARGEST_NORMAL_SHARE * interval_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_counts_above_two_seconds_and_above_a_twentieth_of_the_interval() {
        // 2 s = 5 % of 40 s.
        for (interval, largest) in [(1.0, 2.0), (40.0, 2.0), (300.0, 15.0), (900.0, 45.0)] {
            assert!((largest_normal_step(interval) - largest).abs() < 1e-9, "{interval}");
        }
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
