//! Where the measurements of an iteration come from: the interface that all sources share.
#![expect(clippy::disallowed_methods, reason = "measurements are read from files and processes here")]

pub mod exec;
pub mod file;
pub mod prometheus;
pub(crate) mod resources;
pub mod store;

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound, Timelike, Utc};

use crate::core::iteration::params::ParamValues;
use crate::core::text::printable::printable;
use crate::infra::clock::{Interrupted, Wait};
use crate::run::iteration::EdgeReport;
use crate::run::source::store::{Store, Unanswered};

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

impl From<Interrupted> for NoReport {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<Unanswered> for NoReport {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Interrupted => Self::Interrupted,
            Unanswered::Failed(reason) => Self::Failed(reason),
        }
    }
}

/// Delivers an edge report for each interval, or the reason why there is none.
pub trait Source {
    /// `sim`, `exec`, `file` or `prometheus`.
    fn name(&self) -> &'static str;

    /// Collects what the system measured in the interval. May let the interval pass first; what it leaves of
    /// it, the run waits.
    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport>;

    /// The metrics store that it asks, for those who have more questions to it.
    fn store(&self) -> Option<&Store> {
        None
    }
}

/// Which times of a measurement are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// That of the file, and those of its samples.
    All,
    /// Those of the samples: a file may be read before the next one is due.
    Samples,
    /// None: replays.
    Nothing,
}

/// Looks for stale reports, one iteration after the other.
#[derive(Clone, Debug)]
pub struct ReportTimes {
    interval: Duration,
    stale_after: Duration,
    previous: Option<DateTime<Utc>>,
    noted: bool,
    /// Whether a time that cannot be read, or is ahead of the clock, makes a report stale; else such a time is not checked.
    is_strict: bool,
}

impl ReportTimes {
    /// For iterations of this length; `stale_after` as in the policy, `None` = one interval.
    pub fn new(interval: Duration, stale_after: Option<Duration>) -> Self {
        let stale_after = stale_after.unwrap_or(interval);
        Self { interval, stale_after, previous: None, noted: false, is_strict: false }
    }

    /// A report whose time cannot be read, or is ahead of the clock by more than it may be old, is refused.
    #[must_use]
    pub fn strict(self, is_strict: bool) -> Self {
        Self { is_strict, ..self }
    }

    /// What is read, as messages name it.
    fn noun(&self) -> &'static str {
        if self.is_strict { "measurement" } else { "edge report" }
    }

    /// Why the report of an iteration that started then is stale. A report without a time is not, and one whose
    /// time cannot be read gets a note instead.
    pub fn check(&mut self, report: &mut EdgeReport, starts: DateTime<Utc>) -> Result<(), String> {
        let Some(text) = &report.utc else { return Ok(()) };
        let Some((time, has_zone)) = parse(text) else {
            if self.is_strict {
                return Err(format!(
                    "the age of the measurement is unknown: its `runtime.utc` is `{}`, expected a time such as \
                     2026-01-31T12:00:00Z",
                    printable(text)
                ));
            }
            self.note(report, format!("`runtime.utc` is `{text}`, which is no time; its age is not checked"));
            return Ok(());
        };
        let previous = self.previous.replace(time);
        // Reports often give whole seconds, so ages are compared in whole seconds.
        let age = (starts.trunc_subsecs(0) - time.trunc_subsecs(0)).num_seconds();
        let allowed = whole_seconds(self.stale_after);
        let (shown, noun) = (rfc3339(time), self.noun());
        let ahead = -age - whole_seconds(self.interval);
        if self.is_strict && ahead > allowed {
            return Err(format!(
                "the age of the measurement is unknown: its `runtime.utc` is {shown}, {ahead} s after the end of the \
                 iteration that started at {}; set the clocks",
                rfc3339(starts)
            ));
        }
        if age > allowed {
            return Err(format!(
                "the {noun} is stale: its `runtime.utc` is {shown}, {age} s before the iteration started at {}; \
                 at most {allowed} s are allowed (`run.stale_after`)",
                rfc3339(starts)
            ));
        }
        // Within the same second, times of whole seconds cannot be newer.
        let may_be_equal = self.interval < Duration::from_secs(1) && time.nanosecond() == 0;
        let is_newer = previous.is_none_or(|previous| time > previous || (may_be_equal && time == previous));
        if let (false, Some(previous)) = (is_newer, previous) {
            return Err(format!(
                "the {noun} is stale: its `runtime.utc` is {shown}, not newer than {} of the report before",
                rfc3339(previous)
            ));
        }
        if !has_zone {
            self.note(report, format!("`runtime.utc` is `{text}`, without a zone; it is read as UTC"));
        }
        Ok(())
    }

    /// The clock was set: the time of the report before says nothing about that of the next.
    pub fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// Once in a run is enough.
    fn note(&mut self, report: &mut EdgeReport, note: String) {
        if !std::mem::replace(&mut self.noted, true) {
            report.notes.push(note);
        }
    }
}

/// The time of a report, if it has one that can be read.
pub fn time_of(report: &EdgeReport) -> Option<DateTime<Utc>> {
    report.utc.as_deref().and_then(parse).map(|(time, _)| time)
}

/// The time and whether it has a zone; without one it is taken as UTC.
fn parse(text: &str) -> Option<(DateTime<Utc>, bool)> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some((time.to_utc(), true));
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| (time.and_utc(), false))
}

/// Rounded up.
fn whole_seconds(length: Duration) -> i64 {
    let seconds = length.as_secs() + u64::from(length.subsec_nanos() > 0);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: u64 = 60;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn report(utc: &str) -> EdgeReport {
        EdgeReport { utc: Some(utc.to_owned()), ..EdgeReport::default() }
    }

    /// What a report with this time says in an iteration of 5 minutes that starts at 12:00:00.75.
    fn told(stale_after: Option<u64>, utc: &str) -> Result<(), String> {
        let mut times = ReportTimes::new(Duration::from_secs(300), stale_after.map(Duration::from_secs));
        times.check(&mut report(utc), at("2025-10-12T12:00:00.75Z"))
    }

    #[test]
    fn a_report_older_than_the_start_by_more_than_the_limit_is_stale() {
        // 5 minutes before 12:00:00 are 11:55:00.
        for (stale_after, utc, is_fresh) in [
            (None, "2025-10-12T12:04:59Z", true),
            (None, "2025-10-12T11:55:00Z", true),
            (None, "2025-10-12T11:54:59.999Z", false),
            (None, "2025-10-12T13:55:00+02:00", true),
            (None, "2025-10-12T11:55:00+00:01", false),
            (Some(0), "2025-10-12T12:00:00Z", true),
            (Some(0), "2025-10-12T11:59:59Z", false),
            (Some(60 * MINUTES), "2025-10-12T11:00:00Z", true),
            (Some(60 * MINUTES), "2025-10-12T10:59:59Z", false),
            // A clock that is ahead is not our matter here.
            (None, "2026-10-12T12:00:00Z", true),
        ] {
            assert_eq!(told(stale_after, utc).is_ok(), is_fresh, "{stale_after:?} {utc}");
        }
        assert_eq!(
            told(None, "2025-03-01T08:00:00Z"),
            Err(format!(
                "the edge report is stale: its `runtime.utc` is 2025-03-01T08:00:00Z, {} s before the iteration \
                 started at 2025-10-12T12:00:00.750Z; at most 300 s are allowed (`run.stale_after`)",
                // 225 days and 4 hours.
                225 * 86_400 + 4 * 3600
            ))
        );
    }

    #[test]
    fn a_time_that_shows_no_age_makes_a_measurement_stale_where_times_are_strict() {
        let told = |stale_after: Option<u64>, utc: &str| {
            let stale_after = stale_after.map(Duration::from_secs);
            let mut times = ReportTimes::new(Duration::from_secs(300), stale_after).strict(true);
            times.check(&mut report(utc), at("2025-10-12T12:00:00.75Z"))
        };
        // Five minutes of the iteration, and as much beyond it as the report may be old.
        assert_eq!(told(None, "2025-10-12T12:10:00Z"), Ok(()));
        let ahead = told(None, "2025-10-12T12:10:01Z").expect_err("ahead");
        assert_eq!(
            ahead,
            "the age of the measurement is unknown: its `runtime.utc` is 2025-10-12T12:10:01Z, 301 s after the end of \
             the iteration that started at 2025-10-12T12:00:00.750Z; set the clocks"
        );
        assert_eq!(told(Some(3600), "2025-10-12T13:05:00Z"), Ok(()));
        let odd = told(None, "just\u{1b}now").expect_err("no time");
        assert_eq!(
            odd,
            "the age of the measurement is unknown: its `runtime.utc` is `just\u{fffd}now`, expected a time such as \
             2026-01-31T12:00:00Z"
        );
        let old = told(None, "2025-10-12T11:54:59Z").expect_err("old");
        assert!(old.starts_with("the measurement is stale: its `runtime.utc` is "), "{old}");
    }

    #[test]
    fn a_report_that_is_not_newer_than_the_one_before_is_stale() {
        let mut times = ReportTimes::new(Duration::from_secs(300), Some(Duration::from_secs(7200)));
        let mut check = |utc: &str| times.check(&mut report(utc), at("2025-10-12T12:00:00Z"));
        assert_eq!(check("2025-10-12T12:00:01Z"), Ok(()));
        let same = check("2025-10-12T14:00:01+02:00").expect_err("the same instant");
        assert_eq!(
            same,
            "the edge report is stale: its `runtime.utc` is 2025-10-12T12:00:01Z, not newer than \
             2025-10-12T12:00:01Z of the report before"
        );
        assert!(check("2025-10-12T11:59:00Z").is_err());
        // The last report seen counts, stale or not, so that a source whose clock was set back recovers.
        assert_eq!(check("2025-10-12T11:59:01Z"), Ok(()));
    }

    #[test]
    fn times_of_whole_seconds_may_be_equal_within_a_second() {
        let check = |millis, utc: &str| {
            let mut times = ReportTimes::new(Duration::from_millis(millis), None);
            let starts = at("2025-10-12T12:00:00Z");
            times.check(&mut report(utc), starts).and_then(|()| times.check(&mut report(utc), starts))
        };
        assert_eq!(check(500, "2025-10-12T12:00:00Z"), Ok(()));
        assert!(check(500, "2025-10-12T12:00:00.25Z").is_err(), "finer times tell them apart");
        assert!(check(1000, "2025-10-12T12:00:00Z").is_err());
    }

    #[test]
    fn a_time_that_cannot_be_read_or_has_no_zone_is_noted_once() {
        for (utc, expected) in [
            (
                "2026-13-45T99:00:00Z",
                "`runtime.utc` is `2026-13-45T99:00:00Z`, which is no time; its age is not checked",
            ),
            (
                "2025-10-12 12:00:01",
                "`runtime.utc` is `2025-10-12 12:00:01`, without a zone; it is read as UTC",
            ),
        ] {
            let mut times = ReportTimes::new(Duration::from_secs(300), None);
            let mut first = report(utc);
            assert_eq!(times.check(&mut first, at("2025-10-12T12:00:00Z")), Ok(()));
            assert_eq!(first.notes, [expected]);
            let mut second = report(&utc.replace("12:00:01", "12:05:01"));
            assert_eq!(times.check(&mut second, at("2025-10-12T12:05:00Z")), Ok(()));
            assert_eq!(second.notes, Vec::<String>::new());
        }
        assert!(told(None, "2025-10-12T11:54:59").is_err(), "without a zone it is UTC");
        let mut times = ReportTimes::new(Duration::from_secs(300), None);
        assert_eq!(times.check(&mut EdgeReport::default(), at("2025-10-12T12:00:00Z")), Ok(()));
    }

    #[test]
    fn the_time_of_a_report_is_an_instant() {
        assert_eq!(time_of(&report("2025-10-12T14:00:00+02:00")), Some(at("2025-10-12T12:00:00Z")));
        assert_eq!(time_of(&report("yesterday")), None);
    }
}

#[cfg(test)]
pub(in crate::run) mod test_wait {

    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use crate::infra::clock::{Interrupted, Wait};

    /// Waits for real; interrupted after a time, if there is one.
    pub(crate) struct RealWait {
        until: Option<Instant>,
    }

    impl RealWait {
        /// Never interrupted.
        pub(crate) fn new() -> Self {
            Self { until: None }
        }

        /// Interrupted after so long.
        pub(crate) fn interrupted_after(time: Duration) -> Self {
            Self { until: Some(Instant::now() + time) }
        }
    }

    impl Wait for RealWait {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if left <= how_long => {
                    std::thread::sleep(left);
                    Err(Interrupted)
                }
                _ => {
                    std::thread::sleep(how_long);
                    Ok(())
                }
            }
        }
    }

    /// Does not wait, and remembers how long it was asked to; does something in place of waiting.
    pub(crate) struct NoWait<F> {
        pub(crate) asked: Cell<Duration>,
        pub(crate) meanwhile: F,
    }

    impl<F: Fn()> NoWait<F> {
        /// Does this whenever it is to wait.
        pub(crate) fn doing(meanwhile: F) -> Self {
            Self { asked: Cell::new(Duration::ZERO), meanwhile }
        }
    }

    impl<F: Fn()> Wait for NoWait<F> {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            self.asked.set(self.asked.get() + how_long);
            (self.meanwhile)();
            Ok(())
        }
    }
}
