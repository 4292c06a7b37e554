//! Tests of [`super`]: ten iterations of five minutes, of which the last three are judged.

use super::super::super::fixture::{empty, integrity_rules, last, series_of};
use super::*;
use crate::core::evidence::{Declared, RunState, SegmentStart};
use crate::core::iteration::Iteration;
use crate::core::run::clock::{ClockStep, ClockStepKind};

const MINUTE: i64 = 60;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

/// Iterations 1, 2, … that end at these minutes.
fn stamped(minutes: &[i64]) -> Series {
    texts(&minutes.iter().map(|minute| Some(text(at(minute * MINUTE)))).collect::<Vec<_>>())
}

fn texts(texts: &[Option<String>]) -> Series {
    series_of((1..).zip(texts).map(|(number, text)| Iteration {
        number,
        time: text.as_deref().map(Into::into),
        ..empty()
    }))
}

/// Ten even intervals, then changed.
fn ten(change: impl FnOnce(&mut Vec<i64>)) -> Series {
    let mut minutes: Vec<i64> = (1..=10).map(|number| 5 * number).collect();
    change(&mut minutes);
    stamped(&minutes)
}

fn judged(series: &Series) -> Check {
    check(&Evidence::default(), series, &last(series), &integrity_rules())
}

fn kinds(evidence: &Evidence, series: &Series) -> Vec<(&'static str, bool)> {
    let found = findings(evidence, series, last(series).from, &integrity_rules());
    found.into_iter().map(|finding| (finding.kind, finding.in_window)).collect()
}

#[test]
fn even_jittery_late_and_equal_stamps_are_in_order() {
    // Intervals of 2.5 to 7.5 minutes, one of 15 (3 intervals), and two equal stamps.
    for minutes in [
        vec![5, 10, 15, 20, 25, 30, 35, 40, 45, 50],
        vec![3, 10, 13, 20, 23, 30, 33, 40, 43, 50],
        vec![5, 10, 15, 20, 25, 30, 35, 40, 55, 60],
        vec![5, 10, 15, 20, 25, 30, 35, 40, 40, 50],
    ] {
        let series = stamped(&minutes);
        let check = judged(&series);
        assert_eq!(check.outcome, Outcome::Pass, "{}", check.reason);
        assert_eq!(kinds(&Evidence::default(), &series), []);
    }
}

#[test]
fn a_step_back_inside_the_window_is_a_warning_and_before_it_a_finding() {
    // The window is 8 to 10. Iteration 9 an hour before 8, iteration 8 before 7.
    let inside = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute -= 60));
    let check = judged(&inside);
    assert_eq!((check.outcome, check.observed), (Outcome::Warn, Some(1.0)));
    assert!(check.reason.contains("iteration 9 is stamped 55.0 min before iteration 8"), "{}", check.reason);
    let before = ten(|minutes| minutes[6..].iter_mut().for_each(|minute| *minute -= 60));
    assert_eq!(judged(&before).outcome, Outcome::Pass);
    assert_eq!(kinds(&Evidence::default(), &before), [("time_step_back", false)]);
}

#[test]
fn a_distance_of_more_than_five_intervals_is_a_gap() {
    // The median stays 5 minutes, so 25 minutes are allowed.
    for (distance, outcome) in [(24, Outcome::Pass), (25, Outcome::Pass), (26, Outcome::Warn)] {
        let series = ten(|minutes| minutes[9] = minutes[8] + distance);
        assert_eq!(judged(&series).outcome, outcome, "{distance}");
    }
    let first = ten(|minutes| minutes[7..].iter_mut().for_each(|minute| *minute += 480));
    assert_eq!(judged(&first).outcome, Outcome::Warn);
    let before = ten(|minutes| minutes[6..].iter_mut().for_each(|minute| *minute += 480));
    assert_eq!(judged(&before).outcome, Outcome::Pass);
    assert_eq!(kinds(&Evidence::default(), &before), [("time_gap", false)]);
}

#[test]
fn the_policy_can_make_odd_times_invalid() {
    let rules = IntegrityRules { time_steps: Outcome::Invalid, ..integrity_rules() };
    let series = ten(|minutes| minutes[9] += 480);
    assert_eq!(check(&Evidence::default(), &series, &last(&series), &rules).outcome, Outcome::Invalid);
}

#[test]
fn missing_iterations_take_their_time() {
    // 1 to 4, then 9 and 10 (by the stride of all numbers), 30 minutes later: the four between had 25.
    let rows = [(1, 5), (2, 10), (3, 15), (4, 20), (9, 45), (10, 50)];
    let rows = rows.map(|(number, minute)| Iteration {
        number,
        time: Some(text(at(minute * MINUTE)).as_str().into()),
        ..empty()
    });
    assert_eq!(judged(&series_of(rows)).outcome, Outcome::Pass);
}

#[test]
fn one_instant_in_two_zones_is_no_step() {
    let mut all: Vec<Option<String>> = (1..=10).map(|number| Some(text(at(300 * number)))).collect();
    let later = at(300 * 9) + TimeDelta::hours(2);
    all[8] = Some(text(later).replace('Z', "+02:00"));
    assert_eq!(judged(&texts(&all)).outcome, Outcome::Pass);
}

#[test]
fn what_is_no_time_and_what_has_no_zone_is_named() {
    let mut all: Vec<Option<String>> = (1..=10).map(|number| Some(text(at(300 * number)))).collect();
    all[1] = Some("30/11/2026 08:40".to_owned());
    all[8] = Some("2026-13-45T99:00:00Z".to_owned());
    all[9] = all[9].as_ref().map(|text| text.trim_end_matches('Z').to_owned());
    let series = texts(&all);
    assert_eq!(judged(&series).outcome, Outcome::Pass);
    assert!(judged(&series).reason.contains("2 of 3 iterations"), "{}", judged(&series).reason);
    let found = findings(&Evidence::default(), &series, 8, &integrity_rules());
    let told: Vec<(bool, bool)> =
        found.iter().map(|finding| (finding.in_window, finding.symbol.is_none())).collect();
    assert_eq!(told, [(false, true), (true, true), (true, true)]);
    assert!(found[0].message.contains("`30/11/2026 08:40` in iteration 2"), "{}", found[0].message);
    assert!(found[1].message.contains("`2026-13-45T99:00:00Z` in iteration 9"), "{}", found[1].message);
    assert!(found[2].message.contains("iteration 10 have no zone"), "{}", found[2].message);
}

#[test]
fn all_equal_or_no_times_are_time_unknown() {
    for series in [stamped(&[5; 10]), texts(&[const { None }; 10])] {
        let check = judged(&series);
        assert_eq!(check.outcome, Outcome::NotApplicable);
        assert!(check.reason.starts_with("time unknown"), "{}", check.reason);
        assert_eq!(kinds(&Evidence::default(), &series), [("time_unknown", true)]);
        // With a declared interval the length of an iteration is known.
        let interval = Some(std::time::Duration::from_secs(300));
        let declared = Declared { interval, ..Declared::of(10, RunState::Complete, 10) };
        let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
        assert_eq!(kinds(&evidence, &series), []);
    }
}

#[test]
fn the_downtime_between_two_processes_is_a_note() {
    let interval = Some(std::time::Duration::from_secs(300));
    let segments = vec![
        SegmentStart { from_iteration: 1, started: Some(at(0)) },
        SegmentStart { from_iteration: 10, started: Some(at(600 * MINUTE)) },
    ];
    let declared = Declared { interval, segments, ..Declared::of(10, RunState::Complete, 10) };
    let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
    let resumed = ten(|minutes| minutes[9] = 605);
    assert_eq!(check(&evidence, &resumed, &last(&resumed), &integrity_rules()).outcome, Outcome::Pass);
    assert_eq!(kinds(&evidence, &resumed), [("downtime", true)]);
    let elsewhere = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute += 600));
    assert_eq!(check(&evidence, &elsewhere, &last(&elsewhere), &integrity_rules()).outcome, Outcome::Warn);
}

#[test]
fn stamps_ahead_of_the_clock_are_a_warning_but_for_a_virtual_clock() {
    let series = ten(|_| ());
    // The last is at 50 minutes; 5 minutes ahead are allowed.
    for (now, outcome) in [(45 * MINUTE, Outcome::Pass), (45 * MINUTE - 1, Outcome::Warn)] {
        let evidence = Evidence { now: Some(at(now)), ..Evidence::default() };
        assert_eq!(check(&evidence, &series, &last(&series), &integrity_rules()).outcome, outcome, "{now}");
        let sources = std::iter::once("sim".to_owned()).collect();
        let simulated = Evidence { sources, ..evidence };
        assert_eq!(check(&simulated, &series, &last(&series), &integrity_rules()).outcome, Outcome::Pass);
    }
}

#[test]
fn steps_that_the_run_noticed_are_named() {
    let step = ClockStep { iteration: 9, kind: ClockStepKind::Step, seconds: -7200.0, utc: String::new() };
    let declared = Declared { clock_steps: vec![step.clone()], ..Declared::of(10, RunState::Complete, 10) };
    let evidence = Evidence { declared: Some(declared), ..Evidence::default() };
    let found = clock_steps(&evidence, 8);
    assert_eq!((found[0].in_window, found[0].message.clone()), (true, step.words()));
    assert!(!clock_steps(&evidence, 10)[0].in_window);
    let back = ten(|minutes| minutes[8..].iter_mut().for_each(|minute| *minute -= 120));
    let check = check(&evidence, &back, &last(&back), &integrity_rules());
    assert!(check.reason.ends_with(&format!(": {}", step.words())), "{}", check.reason);
}
