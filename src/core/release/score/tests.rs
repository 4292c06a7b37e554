//! The vectors of the scorer of old, with the corrections that were decided on; every number is done by hand.

use super::*;
use crate::core::release::fixture::score_rules as rules;

/// A day that meets everything with room.
fn good(number: usize) -> Day {
    let file = format!("REPORT_SOAK_2026010{number}.json");
    Day {
        date: date_in(&file),
        file,
        edge: Some(2.8),
        latency: Some(320.0),
        taker: Some(12.0),
        guards_clear: Some(true),
        chaos_ok: Some(true),
        tests_ok: Some(true),
        ..Day::default()
    }
}

fn week(change: impl Fn(usize, &mut Day)) -> Vec<Day> {
    let day = |number| {
        let mut day = good(number);
        change(number, &mut day);
        day
    };
    (1..=7).map(day).collect()
}

fn total(reports: Vec<Day>) -> f64 {
    Score::of(reports, &rules(), false).total
}

#[test]
fn seven_good_days_are_go_and_nothing_less_is() {
    let score = Score::of(week(|_, _| ()), &rules(), false);
    assert_eq!((score.total, score.verdict()), (100.0, "GO"));
    assert!(score.problems().is_empty());
    let points: Vec<f64> = score.sections.iter().map(|scored| scored.points).collect();
    assert_eq!(points, [30.0, 25.0, 15.0, 10.0, 10.0, 10.0]);
}

#[test]
fn no_reports_have_no_points() {
    // The scorer of old gave 60.
    let score = Score::of(Vec::new(), &rules(), false);
    assert_eq!((score.total, score.verdict()), (0.0, "HOLD"));
    assert_eq!(score.problems(), ["0 of 7 days have a report"]);
}

#[test]
fn a_day_without_a_report_costs_its_share() {
    // Three of seven days: 70 x 3/7 for the medians and 10 x 3/7 for the guards, each to 6 digits; chaos and
    // tests ask for every day. The scorer of old gave 94.285714.
    assert_eq!(total((1..=3).map(good).collect()), 34.285_714);
    // Six of seven: 25.714_286 + 21.428_571 + 12.857_143 + 8.571429.
    assert_eq!(total((1..=6).map(good).collect()), 68.571_429);
}

#[test]
fn days_without_a_report_between_the_others_are_told() {
    let span = |nights: &[usize]| {
        Score::of(nights.iter().copied().map(good).collect(), &rules(), false).span().unwrap_or_default()
    };
    assert_eq!(span(&[1, 2, 3, 4, 5, 6, 7]), "2026-01-01 to 2026-01-07");
    // Only the last seven are looked at, in any order.
    assert_eq!(span(&[9, 8, 7, 6, 5, 4, 3, 1]), "2026-01-03 to 2026-01-09");
    assert_eq!(
        span(&[2, 3, 4, 6, 7, 8, 9]),
        "2026-01-02 to 2026-01-09, and 1 day between them has no report"
    );
    assert_eq!(span(&[1, 9]), "2026-01-01 to 2026-01-09, and 7 days between them have no report");
    assert_eq!((span(&[5]), span(&[])), (String::new(), String::new()));
}

#[test]
fn a_value_that_is_missing_has_no_points_on_its_day() {
    assert_eq!(
        total(week(|_, day| *day = Day { file: day.file.clone(), date: day.date.clone(), ..Day::default() })),
        0.0
    );
    // 30 x 6/7 instead of 30, though the median of the other days is fine.
    assert_eq!(total(week(|n, day| day.edge = day.edge.filter(|_| n != 4))), 95.714_286);
    assert_eq!(total(week(|n, day| day.latency = day.latency.filter(|_| n != 4))), 96.428_571);
    assert_eq!(total(week(|n, day| day.taker = day.taker.filter(|_| n != 4))), 97.857_143);
    assert_eq!(total(week(|n, day| day.guards_clear = day.guards_clear.filter(|_| n != 4))), 98.571_429);
    assert_eq!(total(week(|n, day| day.chaos_ok = day.chaos_ok.filter(|_| n != 4))), 90.0);
    assert_eq!(total(week(|n, day| day.tests_ok = day.tests_ok.filter(|_| n != 4))), 90.0);
}

#[test]
fn one_breach_of_a_guard_costs_a_seventh_of_its_points() {
    assert_eq!(total(week(|n, day| day.guards_clear = Some(n != 2))), 98.571_429);
}

#[test]
fn beyond_its_limit_a_median_has_points_in_proportion() {
    assert_eq!(total(week(|_, day| day.latency = Some(500.0))), 92.5);
    assert_eq!(total(week(|_, day| day.taker = Some(20.0))), 96.25);
    assert_eq!(total(week(|_, day| day.edge = Some(1.0))), 82.0);
    assert_eq!(total(week(|_, day| day.edge = Some(-3.0))), 70.0);
    // At the limit all points are there.
    assert_eq!(total(week(|_, day| day.latency = Some(350.0))), 100.0);
    assert_eq!(total(week(|_, day| day.edge = Some(2.5))), 100.0);
    // One day out of seven does not move a median.
    assert_eq!(total(week(|n, day| day.edge = Some(if n == 1 { -50.0 } else { 2.8 }))), 100.0);
}

#[test]
fn the_median_of_an_even_count_is_the_mean_of_the_middle_two() {
    // Edges 1, 2, 2.4, 3 in four reports: median 2.2, 30 x 2.2/2.5 = 26.4, and 4 of 7 days: 15.085_714;
    // 14.285_714 + 8.571_429 + 5.714_286 for latency, taker and guards.
    let edges = [1.0, 2.0, 2.4, 3.0];
    let reports = (1..=4).map(|n| Day { edge: Some(edges[n - 1]), ..good(n) }).collect();
    assert_eq!(total(reports), 43.657_143);
}

#[test]
fn what_rounds_to_full_points_is_full() {
    let score = Score::of(week(|_, day| day.latency = Some(350.000_000_1)), &rules(), false);
    assert_eq!((score.total, score.verdict()), (100.0, "GO"));
}

#[test]
fn ok_is_a_word_of_its_own_at_the_start() {
    for ok in ["OK", " OK ", "OK (2 minor)", "OK: all clear", "OK, done"] {
        assert!(says_ok(ok), "{ok}");
    }
    for other in ["NOT OK", "OKAY", "OK_BUT", "BROKEN", "TOKEN", "ok", "", "O K", "FAIL"] {
        assert!(!says_ok(other), "{other}");
    }
}

#[test]
fn the_last_days_count_by_date_and_not_by_the_spelling_of_the_name() {
    let mut reports = week(|_, _| ());
    let old = Day {
        edge: None,
        file: "REPORT_SOAK_20251231.json".into(),
        date: Some("2025-12-31".into()),
        ..good(1)
    };
    reports.insert(3, old);
    assert_eq!(total(reports), 100.0);
    assert_eq!(date_in("REPORT_SOAK_20260131.json").as_deref(), Some("2026-01-31"));
    assert_eq!(date_in("REPORT_SOAK_2026-01-31.json").as_deref(), Some("2026-01-31"));
    for no_date in [
        "REPORT_SOAK_.json",
        "REPORT_SOAK_20260230.json",
        "REPORT_SOAK_latest.json",
        "REPORT_SOAK_2026013.json",
        "REPORT_SOAK_2026-1-031.json",
        "x.json",
    ] {
        assert_eq!(date_in(no_date), None, "{no_date}");
    }
}

#[test]
fn two_reports_of_a_day_and_one_that_cannot_be_read_are_days_without_points() {
    let mut reports = week(|_, _| ());
    reports.push(Day { file: "REPORT_SOAK_2026-01-07.json".into(), ..good(7) });
    reports[0] = Day::unusable(&reports[0].file.clone(), reports[0].date.clone(), "is no JSON".into());
    let score = Score::of(reports, &rules(), false);
    assert_eq!(score.days.len(), 7);
    // Five of seven days: 50 + 7.142_857 for medians and guards.
    assert_eq!(score.total, 57.142_857);
    assert_eq!(
        score.problems(),
        [
            "REPORT_SOAK_20260101.json: is no JSON",
            "REPORT_SOAK_2026-01-07.json, REPORT_SOAK_20260107.json: REPORT_SOAK_2026-01-07.json and \
             REPORT_SOAK_20260107.json are reports of the same day"
        ]
    );
}

#[test]
fn simulated_days_count_in_a_rehearsal_alone() {
    let simulated = || week(|_, day| day.unreleasable = Some("it has no `rehearsal`".to_owned()));
    assert_eq!(total(simulated()), 0.0);
    let refused = Score::of(simulated(), &rules(), false);
    assert!(refused.has_unreleasable());
    assert_eq!(
        refused.problems()[0],
        "REPORT_SOAK_20260101.json: it has no `rehearsal`, so the report counts only with `--rehearsal`"
    );
    let rehearsed = Score::of(simulated(), &rules(), true);
    assert_eq!((rehearsed.total, rehearsed.rehearsal), (100.0, true));
    assert!(!rehearsed.has_unreleasable());
}
