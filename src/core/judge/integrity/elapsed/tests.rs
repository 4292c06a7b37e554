//! Tests of [`super`]: runs of ten iterations of 100 s, so 0.9 × 100 × 9 = 810 s are needed.

use std::time::Duration;

use super::super::super::fixture::{empty, integrity_rules, series_of, whole};
use super::*;
use crate::core::evidence::SegmentStart;
use crate::core::iteration::Iteration;
use crate::core::ranges::Ranges;
use crate::core::recorded::{FileRecord, Recorded};
use crate::core::run::clock::{ClockStep, ClockStepKind};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

fn rows(ends: impl IntoIterator<Item = (u64, i64)>) -> Series {
    series_of(ends.into_iter().map(|(number, end)| Iteration {
        number,
        time: Some(at(end).to_rfc3339().as_str().into()),
        ..empty()
    }))
}

/// Iterations `from` to 10, so many seconds apart.
fn every(from: u64, seconds: i64) -> Series {
    rows((from..=10).map(|number| (number, seconds * i64::try_from(number).unwrap_or(0))))
}

fn segment(from_iteration: u64, started: i64) -> SegmentStart {
    SegmentStart { from_iteration, started: Some(at(started)) }
}

fn ten(state: RunState, done: u64) -> Declared {
    let interval = Some(Duration::from_secs(100));
    Declared { interval, segments: vec![segment(1, 0)], ..Declared::of(10, state, done) }
}

fn complete() -> Declared {
    ten(RunState::Complete, 10)
}

fn judged(declared: Declared, series: &Series) -> Check {
    with_log(declared, series, None)
}

fn with_log(declared: Declared, series: &Series, recorded: Option<Recorded>) -> Check {
    let evidence = Evidence { declared: Some(declared), recorded, ..Evidence::default() };
    check(&evidence, series, &whole(series), &integrity_rules())
}

#[test]
fn a_run_lasts_nine_tenths_of_what_it_declared() {
    // From 0 on, 10 × 81 = 810 s.
    for (seconds, outcome) in
        [(100, Outcome::Pass), (81, Outcome::Pass), (80, Outcome::Invalid), (1, Outcome::Invalid)]
    {
        let check = judged(complete(), &every(1, seconds));
        assert_eq!(check.outcome, outcome, "{seconds}: {}", check.reason);
        assert_eq!(check.limit, Some(810.0));
        assert_eq!(check.observed, Some(10.0 * seconds as f64));
    }
}

#[test]
fn without_a_declared_interval_there_is_nothing_to_compare_with() {
    let series = every(1, 1);
    assert_eq!(judged(Declared { interval: None, ..complete() }, &series).outcome, Outcome::NotApplicable);
    let check = check(&Evidence::default(), &series, &whole(&series), &integrity_rules());
    assert_eq!(check.outcome, Outcome::NotApplicable);
}

#[test]
fn a_run_without_time_stamps_is_invalid() {
    let without = series_of((1..=10).map(|number| Iteration { number, ..empty() }));
    assert_eq!(judged(complete(), &without).outcome, Outcome::Invalid);
    // Of the first iteration alone: 100 s are no 810.
    assert_eq!(judged(complete(), &rows([(1, 100)])).outcome, Outcome::Invalid);
    // All at one time.
    assert_eq!(judged(complete(), &rows((1..=10).map(|number| (number, 0)))).outcome, Outcome::Invalid);
}

#[test]
fn an_unfinished_run_is_compared_with_what_it_did() {
    for state in [RunState::Running, RunState::Interrupted, RunState::Failed] {
        let four =
            |seconds: i64| rows((1..=4).map(|number| (number, seconds * i64::try_from(number).unwrap_or(0))));
        assert_eq!(judged(ten(state, 4), &four(100)).outcome, Outcome::Pass);
        // 4 × 10 s are no 0.9 × 300 s.
        assert_eq!(judged(ten(state, 4), &four(10)).outcome, Outcome::Invalid);
    }
    // The manifest of a run in progress lags behind.
    assert_eq!(judged(ten(RunState::Running, 0), &every(1, 10)).outcome, Outcome::Invalid);
}

#[test]
fn downtime_is_no_time_of_the_run() {
    let resumed = || Declared { segments: vec![segment(1, 0), segment(6, 5_000)], ..complete() };
    let run = |seconds: i64| {
        rows(
            (1..=5)
                .map(|n| (n, seconds * i64::try_from(n).unwrap_or(0)))
                .chain((6..=10).map(|n| (n, 5_000 + seconds * i64::try_from(n - 5).unwrap_or(0)))),
        )
    };
    assert_eq!(judged(resumed(), &run(100)).outcome, Outcome::Pass);
    let short = judged(resumed(), &run(10));
    assert_eq!((short.outcome, short.observed), (Outcome::Invalid, Some(100.0)));
    // A process that was resumed at once does not end the one before it.
    let twice = Declared { segments: vec![segment(1, 0), segment(6, 900), segment(6, 5_000)], ..complete() };
    assert_eq!(judged(twice, &run(100)).outcome, Outcome::Pass);
}

#[test]
fn one_slow_iteration_does_not_make_up_for_a_hurried_process() {
    let resumed = Declared { segments: vec![segment(1, 0), segment(6, 1_000)], ..complete() };
    let hurried = (1..=5).map(|n| (n, i64::try_from(n).unwrap_or(0)));
    let check = judged(
        resumed,
        &rows(hurried.chain((6..=10).map(|n| (n, 1_000 + 300 * (i64::try_from(n).unwrap_or(0) - 5))))),
    );
    assert_eq!(check.outcome, Outcome::Invalid);
    assert!(check.reason.starts_with("iterations 1-5 "), "{}", check.reason);
}

#[test]
fn rotated_iterations_count_with_their_recorded_times_or_an_interval_each() {
    let rotated = || Declared { rotated: Ranges::from_iter([(1, 6)]), ..complete() };
    assert_eq!(judged(rotated(), &every(7, 100)).outcome, Outcome::Pass);
    let without_start = |seconds: i64| {
        let series = every(7, seconds);
        (Declared { segments: Vec::new(), ..rotated() }, series)
    };
    // Six intervals and three distances: 600 + 3 × 100, or 600 + 3 × 50 = 750.
    let (declared, series) = without_start(100);
    assert_eq!(judged(declared, &series).observed, Some(900.0));
    let (declared, series) = without_start(50);
    let check = judged(declared, &series);
    assert_eq!((check.outcome, check.observed), (Outcome::Invalid, Some(750.0)));
    // The log knows better: from the end of the first to the end of the last.
    let files = (1..=10)
        .map(|n| (n, FileRecord { sha256: [0; 32], ends: Some(at(80 * i64::try_from(n).unwrap_or(0))) }));
    let log = Recorded { files: files.collect(), unreadable_lines: 0 };
    let (declared, series) = without_start(80);
    let check = with_log(declared, &series, Some(log));
    assert_eq!((check.outcome, check.observed), (Outcome::Invalid, Some(720.0)));
}

#[test]
fn a_process_whose_iterations_are_all_rotated_away_counts_by_intervals() {
    let segments = vec![segment(1, 0), segment(6, 5_000)];
    let declared = Declared { segments, rotated: Ranges::from_iter([(1, 5)]), ..complete() };
    let series = rows((6..=10).map(|n| (n, 5_000 + 100 * (i64::try_from(n).unwrap_or(0) - 5))));
    let check = judged(declared, &series);
    assert_eq!((check.outcome, check.observed), (Outcome::Pass, Some(1_000.0)));
}

#[test]
fn a_step_of_the_clock_is_no_time() {
    let step = |seconds| ClockStep { iteration: 5, kind: ClockStepKind::Step, seconds, utc: String::new() };
    // Two hours back in iteration 5: the stamps end 7 200 s too early.
    let back =
        rows((1..=10).map(|n| (n, 100 * i64::try_from(n).unwrap_or(0) - if n >= 5 { 7_200 } else { 0 })));
    let noticed = Declared { clock_steps: vec![step(-7_200.0)], ..complete() };
    assert_eq!(judged(noticed, &back).outcome, Outcome::Pass);
    // Forward: what looks like 1 000 s were 100.
    let forward =
        rows((1..=10).map(|n| (n, 10 * i64::try_from(n).unwrap_or(0) + if n >= 5 { 900 } else { 0 })));
    let noticed = Declared { clock_steps: vec![step(900.0)], ..complete() };
    assert_eq!(judged(noticed, &forward).outcome, Outcome::Invalid);
}

#[test]
fn the_virtual_clock_knows_no_downtime() {
    let source = Some("sim".to_owned());
    let segments = vec![segment(1, 0), segment(6, 90_000)];
    let declared = Declared { source, segments, ..complete() };
    assert_eq!(judged(declared, &every(1, 100)).outcome, Outcome::Pass);
}

#[test]
fn a_run_that_did_not_wait_is_judged_by_its_reports_where_they_last() {
    let declared = || Declared { no_wait: true, ..complete() };
    assert_eq!(judged(declared(), &every(1, 100)).outcome, Outcome::Pass);
    let short = judged(declared(), &every(1, 1));
    assert_eq!(short.outcome, Outcome::NotApplicable);
    assert!(short.reason.contains("--no-wait"), "{}", short.reason);
}

#[test]
fn a_symbol_that_came_later_is_compared_from_there_on() {
    let mut later = every(6, 100);
    later.symbol = Some("BBB".to_owned());
    // Four distances of 100 s between five iterations.
    let check = judged(Declared { segments: Vec::new(), ..complete() }, &later);
    assert_eq!((check.outcome, check.observed, check.limit), (Outcome::Pass, Some(400.0), Some(360.0)));
}
