//! Intervals on a clock that stands still unless somebody waits or works.

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
    let mut work =
        Work { clock: &clock, passes: false, takes: 0, report: Ok(Some("2025-10-12T11:58:00Z")), sets: 0 };
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
    let mut work =
        Work { clock: &clock, passes: false, takes: 0, report: Ok(Some("2025-10-12T12:00:00Z")), sets: 0 };
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
