//! How long an iteration takes, so that slopes can be told per hour of run time.
//!
//! Run time and not time of day: a pause between two processes of a run is none of it. Must not parse more than
//! time stamps.

use chrono::{DateTime, Utc};

use crate::stats::summary::median;

/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;

/// Where the length of an iteration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaceSource {
    /// The median distance between time stamps of iterations that follow each other.
    TimeStamps,
    /// The interval that the run declared in its manifest.
    Manifest,
}

/// The length of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "PaceRow")]
pub struct Pace {
    /// Hours of run time.
    pub hours: f64,
    /// Where it comes from.
    pub source: PaceSource,
}

impl Pace {
    /// From (iteration number, time stamp) in the order of numbers, else from the declared interval in seconds.
    /// `None` when neither tells a length above 0: slopes are then per iteration, and reports say so.
    pub fn find(times: &[(u64, DateTime<Utc>)], declared_seconds: Option<f64>) -> Option<Self> {
        let mut lengths: Vec<f64> = times
            .windows(2)
            .map(|pair| {
                let ((number, from), (next, to)) = (pair[0], pair[1]);
                (to - from).num_milliseconds() as f64 / next.saturating_sub(number).max(1) as f64
            })
            .collect();
        let stamped = median(&mut lengths).filter(|length| *length > 0.0);
        let stamped = stamped.map(|length| Self { hours: length / HOUR_MS, source: PaceSource::TimeStamps });
        let declared = declared_seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
        stamped.or_else(|| {
            declared.map(|seconds| Self { hours: seconds / 3600.0, source: PaceSource::Manifest })
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(number: u64, minutes: i64) -> (u64, DateTime<Utc>) {
        (number, DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes))
    }

    #[test]
    fn the_usual_distance_counts_and_neither_a_pause_nor_a_gap_changes_it() {
        let even = [at(1, 0), at(2, 15), at(3, 30), at(4, 45)];
        let quarter = Some(Pace { hours: 0.25, source: PaceSource::TimeStamps });
        assert_eq!(Pace::find(&even, Some(7.0)), quarter);
        let paused = [at(1, 0), at(2, 15), at(3, 30), at(4, 600), at(5, 615)];
        assert_eq!(Pace::find(&paused, None), quarter);
        let gap = [at(1, 0), at(5, 60), at(6, 75)];
        assert_eq!(Pace::find(&gap, None), quarter);
    }

    #[test]
    fn without_useful_time_stamps_the_declared_interval_counts_and_else_nothing_is_known() {
        let still = [at(1, 5), at(2, 5), at(3, 5)];
        let declared = Some(Pace { hours: 0.5, source: PaceSource::Manifest });
        assert_eq!(Pace::find(&still, Some(1800.0)), declared);
        assert_eq!(Pace::find(&[], Some(1800.0)), declared);
        assert_eq!(Pace::find(&still, None), None);
        assert_eq!(Pace::find(&[], Some(0.0)), None);
        assert_eq!(Pace::find(&[], Some(f64::INFINITY)), None);
    }
}
