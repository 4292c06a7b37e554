//! The run loop: source → iteration → tuning → files, one step at a time, until it is done or told to stop.
//!
//! Owns the order of things and the clock; decides nothing that the planner decides, and shows nothing.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::core::iteration::manifest::{ClockStep, ClockStepKind};
use crate::core::iteration::params::ParamValues;
use crate::core::load::overrides_file as overrides;
use crate::core::policy::run::MeasuringRules;
use crate::infra::clock::{Clocks, Interrupted, Reading, Wait};
use crate::run::events::{EventWatch, Happened};
use crate::run::folder::{RunFolder, RunFolderError};
use crate::run::iteration::counters::Counters;
use crate::run::iteration::tuning::TunerState;
use crate::run::iteration::{EdgeReport, IterationRecord, KpiVerdict, Sample};
use crate::run::planner::{Event, Planner};
use crate::run::source::{self, Interval, NoReport, ReportTimes, Source};

/// What is noted once where a command sees less than half of the interval.
const EARLY: &str = "the command ended before half of the interval, so it measured little of the iteration; `--measure-at end` starts it at the end of the interval";

/// Sees every iteration: when it begins, and once it is safe on the disk.
pub(crate) trait Watcher {
    /// An iteration begins.
    fn begins(&mut self, _interval: &Interval<'_>) {}

    /// The wall clock moved as no passing of time explains.
    fn clock_step(&mut self, _step: &ClockStep) {}

    /// An iteration was written.
    fn iteration(&mut self, record: &IterationRecord);
}

/// Samples the watched process tree at the end of an iteration.
pub(crate) type Sampler = Box<dyn FnMut(DateTime<Utc>, &dyn Wait) -> Sample>;

/// A run in motion.
pub(crate) struct Drive<'a> {
    /// Decides.
    pub planner: Planner<'a>,
    /// Measures.
    pub source: &'a mut dyn Source,
    /// Keeps.
    pub folder: &'a mut RunFolder,
    /// Tells the time, waits, and notices that the run is to stop.
    pub pace: Pace<'a>,
    pub watcher: &'a mut dyn Watcher,
    /// Looks for restarts and marks.
    pub events: EventWatch<'a>,
    /// Samples resources, if asked for.
    pub sampler: Option<Sampler>,
    /// The last reading of each counter.
    pub counters: Counters,
    /// The file that the overrides were read from, whose shape the active ones keep; `None` = flat.
    pub shape: Option<&'a [u8]>,
    /// So many iterations in a row with KPI FAIL end the run; 0 = never.
    pub abort_after_fails: u64,
    /// The overrides that this process has put in place; `None` = none yet.
    pub in_place: Option<ParamValues>,
    /// Whether a measurement that came early has been noted.
    pub noted_early: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All declared iterations are there.
    Complete,
    /// A signal; can be resumed.
    Interrupted,
    /// Too many failed collections in a row; holds the reason of the last.
    Uncollected {
        /// How many.
        in_a_row: u64,
        /// The last reason.
        reason: String,
    },
    /// `--abort-after-fails`.
    Aborted {
        /// How many iterations in a row had KPI FAIL.
        in_a_row: u64,
    },
}

/// What became of a run.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// How it ended.
    pub end: End,
    /// The last iteration that was written.
    pub last: u64,
    /// The tuner's memory.
    pub state: TunerState,
}

impl Drive<'_> {
    /// Runs the iterations after `done`, up to the last that was declared. `fails` is the number of iterations
    /// with KPI FAIL that the run ends with so far.
    pub(crate) fn run(
        mut self,
        done: u64,
        mut state: TunerState,
        fails: u64,
    ) -> Result<Ended, RunFolderError> {
        let (mut last, mut fails) = (done, fails);
        // A row that has ended the run once is used up: whoever goes on with it has mended something.
        if state.failed_collections >= self.planner.policy.run.patience.failed_collections {
            state.failed_collections = 0;
        }
        if fails >= self.abort_after_fails {
            fails = 0;
        }
        for number in done + 1..=self.planner.iterations {
            if self.pace.is_stopped() {
                return Ok(Ended { end: End::Interrupted, last, state });
            }
            let Some(record) = self.iteration(&state, number)? else {
                return Ok(Ended { end: End::Interrupted, last, state });
            };
            let overrides = self.overrides_text(&record.state.overrides)?;
            self.folder.commit(&record, &overrides)?;
            self.in_place = Some(record.state.overrides.clone());
            self.watcher.iteration(&record);
            last = number;
            fails = if record.summary.kpi_verdict == Some(KpiVerdict::Fail) { fails + 1 } else { 0 };
            let end = self.gives_up(&record, fails);
            state = record.state;
            if let Some(end) = end {
                return Ok(Ended { end, last, state });
            }
        }
        Ok(Ended { end: End::Complete, last, state })
    }

    /// One iteration; `None` when it was interrupted, and then it never was.
    fn iteration(
        &mut self,
        state: &TunerState,
        number: u64,
    ) -> Result<Option<IterationRecord>, RunFolderError> {
        let begin = self.planner.begin(state, number);
        // Straight after the commit of the iteration before, they usually are in place.
        if self.in_place.as_ref() != Some(&begin.overrides) {
            let text = self.overrides_text(&begin.overrides)?;
            self.folder.put_overrides(&text)?;
            self.in_place = Some(begin.overrides.clone());
        }
        let overrides_file = self.folder.active_overrides().to_owned();
        let interval = self.pace.begin(number, &begin.overrides, &overrides_file);
        self.watcher.begins(&interval);
        let Ok(covered) = self.pace.cover(self.source, &interval) else { return Ok(None) };
        let Ok(happened) = self.happened(&interval, &covered) else { return Ok(None) };
        for step in &covered.clock_steps {
            self.folder.note_clock_step(step)?;
            self.watcher.clock_step(step);
        }
        let Covered { starts, ends, outcome, measured_early, .. } = covered;
        let watched = self.sampler.as_mut().map(|sampler| sampler(ends, self.pace.clocks));
        let event = Event {
            number,
            starts,
            ends,
            measured_early,
            outcome,
            watched,
            counters: self.counters.clone(),
            happened,
        };
        let mut record = self.planner.finish(state, begin, event);
        self.counters.see(&record);
        if measured_early && !std::mem::replace(&mut self.noted_early, true) {
            record.summary.notes.push(EARLY.to_owned());
        }
        Ok(Some(record))
    }

    /// Restarts and marks of an interval. What the source took beyond it to ask again is not taken twice.
    fn happened(&mut self, interval: &Interval<'_>, covered: &Covered) -> Result<Happened, Interrupted> {
        let beyond = (covered.ends - interval.ends()).to_std().unwrap_or_default();
        let patience = interval.length.saturating_sub(beyond);
        self.events.look((covered.starts, covered.ends), patience, self.pace.clocks)
    }

    /// The whole text of the overrides file with these values.
    fn overrides_text(&self, values: &ParamValues) -> Result<Vec<u8>, RunFolderError> {
        overrides::write(self.shape, values).map(String::into_bytes).map_err(RunFolderError::Shape)
    }

    /// Why the run must not go on after this iteration; `None` also after the last one, which ends it anyway.
    fn gives_up(&self, record: &IterationRecord, fails: u64) -> Option<End> {
        let failed = record.state.failed_collections;
        if failed >= self.planner.policy.run.patience.failed_collections {
            let reason = record.collection_failed.clone().unwrap_or_default();
            return Some(End::Uncollected { in_a_row: failed, reason });
        }
        let is_last = record.number == self.planner.iterations;
        (!is_last && self.abort_after_fails > 0 && fails >= self.abort_after_fails)
            .then_some(End::Aborted { in_a_row: fails })
    }
}

/// What time it is in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The simulator computes at once: iteration n covers the n-th interval from this time on.
    Virtual(DateTime<Utc>),
    /// The clock of the machine; every interval is waited for.
    Real,
    /// The clock of the machine, and nothing is waited for; the time of a report is that of its iteration.
    NoWait,
}

/// Lets the intervals of a run pass.
pub(crate) struct Pace<'a> {
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
pub(crate) struct Covered {
    pub(crate) starts: DateTime<Utc>,
    pub(crate) ends: DateTime<Utc>,
    /// What was collected, or why nothing was.
    pub(crate) outcome: Result<EdgeReport, String>,
    /// A report came before half of the interval was over.
    pub(crate) measured_early: bool,
    /// What the wall clock did meanwhile.
    pub(crate) clock_steps: Vec<ClockStep>,
}

impl<'a> Pace<'a> {
    /// Intervals of this length. `checks_times`: whether reports with a stale `runtime.utc` are refused.
    pub(crate) fn new(
        clock: Clock,
        clocks: &'a dyn Clocks,
        length: Duration,
        rules: &'a MeasuringRules,
        checks_times: bool,
    ) -> Self {
        let is_checked = checks_times && matches!(clock, Clock::Real);
        let times =
            is_checked.then(|| ReportTimes::new(length, rules.stale_after).strict(rules.times_are_strict));
        Self { clock, clocks, length, rules, times, last: None }
    }

    /// Whether the run was asked to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.clocks.wait(Duration::ZERO).is_err()
    }

    /// The interval that iteration `number` covers, starting now.
    pub(crate) fn begin<'i>(
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
    pub(crate) fn cover(
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
            Clock::NoWait => match outcome.as_ref().ok().and_then(source::time_of) {
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
pub(crate) struct AtOnce<'a>(pub(crate) &'a dyn Clocks);

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

/// The steps between two readings, in an iteration of this length.
pub(crate) fn steps(
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
    use crate::run::fixture::measuring;

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

#[cfg(test)]
mod pace_tests {

    use std::cell::Cell;
    use std::path::Path;

    use crate::run::engine::*;
    use crate::run::fixture::measuring;

    const START: &str = "2025-10-12T12:00:00Z";

    /// Clocks that waiting and working move, and nothing else.
    struct Fake {
        passed: Cell<Duration>,
        /// How far the wall clock was set forward or back, seconds.
        set: Cell<i64>,
        asleep: Cell<Duration>,
        /// When the run is asked to stop; `None` = never.
        stops: Option<Duration>,
    }

    impl Fake {
        fn new() -> Self {
            Self {
                passed: Cell::new(Duration::ZERO),
                set: Cell::new(0),
                asleep: Cell::new(Duration::ZERO),
                stops: None,
            }
        }

        fn pass(&self, time: Duration) {
            self.passed.set(self.passed.get() + time);
        }
    }

    impl Wait for Fake {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            let ends = self.passed.get() + how_long;
            match self.stops {
                Some(stops) if stops <= ends => {
                    self.passed.set(stops.max(self.passed.get()));
                    Err(Interrupted)
                }
                _ => {
                    self.passed.set(ends);
                    Ok(())
                }
            }
        }
    }

    impl Clocks for Fake {
        fn read(&self) -> Reading {
            let whole = self.passed.get() + self.asleep.get();
            Reading {
                wall: at(START) + times(whole, 1) + TimeDelta::seconds(self.set.get()),
                awake: self.passed.get(),
                asleep: self.asleep.get(),
            }
        }
    }

    /// A source that lets so much of the interval pass, works so long and delivers a report, or fails.
    struct Work<'a> {
        clock: &'a Fake,
        passes: bool,
        takes: u64,
        report: Result<Option<&'a str>, &'a str>,
        /// By how much the wall clock is set meanwhile, seconds.
        sets: i64,
    }

    impl Source for Work<'_> {
        fn name(&self) -> &'static str {
            "exec"
        }

        fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
            if self.passes {
                wait.pass(interval.length)?;
            }
            self.clock.pass(Duration::from_secs(self.takes));
            self.clock.set.set(self.clock.set.get() + self.sets);
            match self.report {
                Ok(utc) => Ok(EdgeReport { utc: utc.map(str::to_owned), ..EdgeReport::default() }),
                Err(reason) => Err(NoReport::Failed(reason.to_owned())),
            }
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    /// Five minutes an interval.
    fn pace<'a>(clock: Clock, clocks: &'a Fake, rules: &'a MeasuringRules) -> Pace<'a> {
        Pace::new(clock, clocks, Duration::from_secs(300), rules, true)
    }

    fn cover(pace: &mut Pace<'_>, number: u64, source: &mut Work<'_>) -> Result<Covered, Interrupted> {
        let overrides = ParamValues::default();
        let interval = pace.begin(number, &overrides, Path::new("overrides.json"));
        pace.cover(source, &interval)
    }

    /// Start and end of one covered interval in seconds after the start of the run, and whether it was measured early.
    fn seconds(covered: &Covered) -> (i64, i64, bool) {
        let after = |time: DateTime<Utc>| (time - at(START)).num_seconds();
        (after(covered.starts), after(covered.ends), covered.measured_early)
    }

    #[test]
    fn what_a_command_leaves_of_the_interval_is_waited_and_little_of_it_is_early() {
        for (takes, ends, early) in
            [(0, 300, true), (149, 300, true), (150, 300, false), (299, 300, false), (310, 310, false)]
        {
            let (clock, rules) = (Fake::new(), measuring());
            let mut pace = pace(Clock::Real, &clock, &rules);
            let mut work = Work { clock: &clock, passes: false, takes, report: Ok(None), sets: 0 };
            let covered = cover(&mut pace, 1, &mut work).expect("not interrupted");
            assert_eq!(seconds(&covered), (0, ends, early), "{takes}");
            assert_eq!(clock.passed.get().as_secs().cast_signed(), ends);
            // The next one starts where this one has ended.
            let next = cover(&mut pace, 2, &mut work).expect("not interrupted");
            assert_eq!(seconds(&next), (ends, 2 * ends, early), "{takes}");
        }
    }

    #[test]
    fn a_source_that_lets_the_interval_pass_itself_is_not_waited_for_twice() {
        let (clock, rules) = (Fake::new(), measuring());
        let mut work = Work { clock: &clock, passes: true, takes: 7, report: Ok(None), sets: 0 };
        let covered = cover(&mut pace(Clock::Real, &clock, &rules), 1, &mut work).expect("not interrupted");
        assert_eq!(seconds(&covered), (0, 307, false));
    }

    #[test]
    fn a_failed_collection_waits_too_and_is_not_early() {
        let (clock, rules) = (Fake::new(), measuring());
        let mut work = Work { clock: &clock, passes: false, takes: 1, report: Err("down"), sets: 0 };
        let covered = cover(&mut pace(Clock::Real, &clock, &rules), 1, &mut work).expect("not interrupted");
        assert_eq!(seconds(&covered), (0, 300, false));
        assert_eq!(covered.outcome, Err("down".to_owned()));
    }

    #[test]
    fn waiting_ends_with_the_request_to_stop_and_a_measured_interval_that_is_over_still_counts() {
        let rules = measuring();
        let clock = Fake { stops: Some(Duration::from_secs(40)), ..Fake::new() };
        let mut work = Work { clock: &clock, passes: false, takes: 12, report: Ok(None), sets: 0 };
        assert!(cover(&mut pace(Clock::Real, &clock, &rules), 1, &mut work).is_err());
        assert_eq!(clock.passed.get().as_secs(), 40);

        let clock = Fake { stops: Some(Duration::from_secs(305)), ..Fake::new() };
        let mut work = Work { clock: &clock, passes: true, takes: 20, report: Ok(None), sets: 0 };
        let mut pace = pace(Clock::Real, &clock, &rules);
        let covered = cover(&mut pace, 1, &mut work).expect("nothing is left to wait for");
        assert_eq!(seconds(&covered), (0, 320, false));
        assert!(pace.is_stopped());
    }

    #[test]
    fn without_waiting_the_time_of_a_report_is_that_of_its_iteration_and_none_is_stale() {
        let (clock, rules) = (Fake::new(), measuring());
        let mut pace = pace(Clock::NoWait, &clock, &rules);
        for (number, passes) in [(1, false), (2, true)] {
            let utc = Some("2025-03-01T10:00:00+02:00");
            let mut work = Work { clock: &clock, passes, takes: 1, report: Ok(utc), sets: 0 };
            let covered = cover(&mut pace, number, &mut work).expect("not interrupted");
            assert!(covered.outcome.is_ok() && !covered.measured_early);
            assert_eq!(covered.starts, at("2025-03-01T07:55:00Z"));
            assert_eq!(covered.ends, at("2025-03-01T08:00:00Z"));
        }
        assert_eq!(clock.passed.get().as_secs(), 2, "only the work took time");
        // Without a time of its own it describes the five minutes before now.
        let mut work = Work { clock: &clock, passes: true, takes: 0, report: Ok(None), sets: 0 };
        let covered = cover(&mut pace, 3, &mut work).expect("not interrupted");
        assert_eq!(seconds(&covered), (2 - 300, 2, false));
    }

    #[test]
    fn a_virtual_clock_waits_for_nothing_and_knows_no_steps() {
        let (clock, rules) = (Fake::new(), measuring());
        let mut pace = pace(Clock::Virtual(at(START)), &clock, &rules);
        let mut work =
            Work { clock: &clock, passes: true, takes: 0, report: Ok(Some("2020-01-01T00:00:00Z")), sets: 0 };
        for number in 1..=3_u64 {
            clock.set.set(-86_400 * number.cast_signed());
            let covered = cover(&mut pace, number, &mut work).expect("not interrupted");
            let ends = 300 * number.cast_signed();
            assert_eq!(seconds(&covered), (ends - 300, ends, false));
            assert!(covered.outcome.is_ok() && covered.clock_steps.is_empty());
        }
        assert_eq!(clock.passed.get(), Duration::ZERO);
    }

    #[test]
    fn a_stale_report_is_a_failed_collection_unless_times_are_not_checked() {
        let (clock, rules) = (Fake::new(), measuring());
        let mut work = Work {
            clock: &clock,
            passes: false,
            takes: 0,
            report: Ok(Some("2025-10-12T11:58:00Z")),
            sets: 0,
        };
        let mut checking = pace(Clock::Real, &clock, &rules);
        let first = cover(&mut checking, 1, &mut work).expect("not interrupted");
        assert!(first.outcome.is_ok(), "two minutes before the start, and five are allowed");
        let second = cover(&mut checking, 2, &mut work).expect("not interrupted");
        assert!(second.outcome.is_err_and(|reason| reason.contains("is stale")));
        let mut unchecked = Pace::new(Clock::Real, &clock, Duration::from_secs(300), &rules, false);
        let third = cover(&mut unchecked, 3, &mut work).expect("not interrupted");
        assert!(third.outcome.is_ok());
    }

    /// The outcome of two iterations of which the second has a clock that was set back by two hours: in the wait
    /// before it, or while it measures.
    fn set_back(meanwhile: bool, utc: &str) -> Result<(), String> {
        let (clock, rules) = (Fake::new(), measuring());
        let mut pace = pace(Clock::Real, &clock, &rules);
        let mut work = Work {
            clock: &clock,
            passes: false,
            takes: 0,
            report: Ok(Some("2025-10-12T12:00:00Z")),
            sets: 0,
        };
        assert!(cover(&mut pace, 1, &mut work).is_ok_and(|covered| covered.outcome.is_ok()));
        if meanwhile {
            work.sets = -7200;
        } else {
            clock.set.set(-7200);
        }
        work.report = Ok(Some(utc));
        let covered = cover(&mut pace, 2, &mut work).expect("not interrupted");
        assert_eq!(covered.clock_steps.len(), 1);
        covered.outcome.map(|_| ())
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_report_stale() {
        // The second iteration starts at 12:05, or by the clock that was set back at 10:05.
        for meanwhile in [true, false] {
            assert_eq!(set_back(meanwhile, "2025-10-12T10:05:00Z"), Ok(()));
            assert_eq!(set_back(meanwhile, "2025-10-12T10:00:00Z"), Ok(()));
            assert!(set_back(meanwhile, "2025-10-12T09:59:59Z").is_err());
        }
    }

    #[test]
    fn steps_of_the_clock_are_seen_in_the_iteration_and_between_two() {
        let (clock, rules) = (Fake::new(), measuring());
        let mut pace = pace(Clock::Real, &clock, &rules);
        let mut work = Work { clock: &clock, passes: false, takes: 0, report: Ok(None), sets: 0 };
        let mut step = |number, set: i64, asleep: u64| {
            clock.set.set(set);
            clock.asleep.set(Duration::from_secs(asleep));
            let covered = cover(&mut pace, number, &mut work).expect("not interrupted");
            let steps = covered.clock_steps.into_iter().map(|step| (step.iteration, step.kind, step.seconds));
            steps.collect::<Vec<_>>()
        };
        assert_eq!(step(1, 0, 0), []);
        // 5 % of 300 s are 15 s.
        assert_eq!(step(2, 15, 0), []);
        assert_eq!(step(3, -1, 0), [(3, ClockStepKind::Step, -16.0)]);
        assert_eq!(step(4, -1, 28_800), [(4, ClockStepKind::Suspend, 28_800.0)]);
        assert_eq!(step(5, -1, 28_800), []);
    }
}
