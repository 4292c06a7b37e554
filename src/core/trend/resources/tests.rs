//! Slopes per hour against values calculated by hand.

use chrono::TimeDelta;

use super::*;
use crate::core::verdict::LimitSource;

fn rules(floor: f64) -> DriftRules {
    let limit = || Limit {
        value: floor,
        source: LimitSource { key: "drift.x".to_owned(), origin: "a test".to_owned() },
    };
    DriftRules {
        gates: false,
        severity: Severity::Soft,
        false_alarm_rate: Limit { value: 0.01, ..limit() },
        min_iterations: 48,
        relative_change: Limit { value: 0.05, ..limit() },
        floors: [limit(), limit(), limit(), limit()],
    }
}

/// One sample of memory every `minutes`.
fn memory(values: &[f64], minutes: i64) -> Vec<(DateTime<Utc>, ResourceValues)> {
    (0..)
        .zip(values)
        .map(|(at, value)| {
            let mut sample = ResourceValues::default();
            sample.set(Resource::RssMb, Some(*value));
            (DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes * at), sample)
        })
        .collect()
}

fn rss(samples: &[(DateTime<Utc>, ResourceValues)], floor: f64) -> Drift {
    find(samples, &rules(floor)).remove(0)
}

/// Grows by `step` MB a sample.
fn line(step: f64, n: u32) -> Vec<f64> {
    (0..n).map(|at| 500.0 + step * f64::from(at)).collect()
}

#[test]
fn a_megabyte_in_five_minutes_is_twelve_in_an_hour() {
    let drift = rss(&memory(&line(1.0, 12), 5), 1.0);
    let slope = drift.slope.expect("twelve samples");
    assert!((slope.per_hour - 12.0).abs() < 1e-9, "{slope:?}");
    assert_eq!((drift.word, drift.n), (DriftWord::Grows, 12));
    assert_eq!((drift.first, drift.last), (Some(500.0), Some(511.0)));
    assert!((drift.hours - 55.0 / 60.0).abs() < 1e-12);
    assert_eq!(drift.told(), "+12.0 MB/h [12.0, 12.0]: grows");
}

#[test]
fn what_falls_is_said_to_fall() {
    let drift = rss(&memory(&line(-1.0, 12), 5), 1.0);
    assert_eq!(drift.told(), "-12.0 MB/h [-12.0, -12.0]: falls");
    assert_eq!(drift.check(&rules(1.0), window(), None).map(|check| check.outcome), Some(Outcome::Pass));
}

#[test]
fn below_the_floor_nothing_is_claimed() {
    // One sample an hour: the step is the slope.
    let word = |step: f64| rss(&memory(&line(step, 8), 60), 1.0).word;
    assert_eq!(
        (word(0.999), word(1.0), word(1.001)),
        (DriftWord::NoDrift, DriftWord::Grows, DriftWord::Grows)
    );
    assert_eq!((word(-0.999), word(-1.0)), (DriftWord::NoDrift, DriftWord::Falls));
    assert_eq!(rss(&memory(&line(0.0, 8), 60), 0.0).word, DriftWord::NoDrift);
    assert_eq!(rss(&memory(&line(0.0, 8), 60), 0.0).told(), "0.0 MB/h [0.0, 0.0]: no drift shown");
}

#[test]
fn a_wave_is_no_drift_and_one_spike_changes_nothing() {
    let wave = [500.0, 520.0, 500.0, 520.0, 500.0, 520.0, 500.0, 520.0];
    assert_eq!(rss(&memory(&wave, 60), 1.0).word, DriftWord::NoDrift);
    let mut spiked = line(2.0, 12);
    spiked[6] = 9000.0;
    let drift = rss(&memory(&spiked, 60), 1.0);
    assert_eq!(drift.word, DriftWord::Grows);
    assert!((drift.slope.expect("a slope").per_hour - 2.0).abs() < 1e-9);
}

/// Rises by 4 MB a sample and gives `back` MB after every tenth.
fn saw(back: f64, n: u32) -> Vec<f64> {
    (0..n).map(|at| 500.0 + 4.0 * f64::from(at) - back * f64::from(at / 10)).collect()
}

#[test]
fn a_saw_leaks_what_its_floors_rise_by() {
    // 4 MB a minute up, 40 MB down every ten minutes: nothing is left, whatever a line through all of it says.
    let even = rss(&memory(&saw(40.0, 84), 1), 1.0);
    assert_eq!((even.word, even.floors), (DriftWord::NoDrift, Some(8)));
    assert_eq!(even.told(), "0.0 MB/h [0.0, 0.0] at the floors of 8 teeth: no drift shown");
    // 37 MB of 40 come back: 3 MB in ten minutes are 18 in an hour.
    let leak = rss(&memory(&saw(37.0, 84), 1), 1.0);
    assert_eq!(leak.word, DriftWord::Grows);
    assert!((leak.slope.expect("floors").per_hour - 18.0).abs() < 1e-9, "{leak:?}");
    // Four drops are not enough to tell, and a line is no saw.
    assert_eq!(rss(&memory(&saw(37.0, 44), 1), 1.0).floors, None);
    assert_eq!(rss(&memory(&line(1.0, 84), 1), 1.0).floors, None);
}

#[test]
fn samples_in_any_order_and_with_a_pause_give_the_same_slope() {
    // 500 at 0 h, 501 at 1 h, then a pause, 510 at 10 h, 511 at 11 h, 512 at 12 h.
    let at = |hours: i64, value: f64| {
        let mut sample = ResourceValues::default();
        sample.set(Resource::RssMb, Some(value));
        (DateTime::UNIX_EPOCH + TimeDelta::hours(hours), sample)
    };
    let samples = [at(10, 510.0), at(0, 500.0), at(12, 512.0), at(1, 501.0), at(11, 511.0)];
    let drift = rss(&samples, 0.5);
    assert!((drift.slope.expect("five samples").per_hour - 1.0).abs() < 1e-9);
    assert_eq!(drift.word, DriftWord::Grows);
}

#[test]
fn no_data_and_too_few_samples_are_said_and_never_zero() {
    let drifts = find(&memory(&[500.0, 501.0], 60), &rules(1.0));
    assert_eq!(drifts[0].told(), "too few samples with a time (2) for a slope");
    assert_eq!((drifts[1].word, drifts[1].told().as_str()), (DriftWord::NoData, "no data"));
    // At one and the same time there is no slope.
    assert_eq!(rss(&memory(&line(1.0, 5), 0), 1.0).word, DriftWord::TooFew);
    // Three samples have a slope and no band.
    let three = rss(&memory(&line(2.0, 3), 60), 1.0);
    assert_eq!(three.told(), "+2.0 MB/h [no band, too few samples]: no drift shown");
}

fn window() -> WindowUsed {
    WindowUsed { name: "overall".to_owned(), first: Some(1), last: Some(9), n: 9 }
}

#[test]
fn growth_is_a_warning_that_joins_only_where_the_policy_says_so() {
    let advisory = rules(1.0);
    let gating = DriftRules { gates: true, ..rules(1.0) };
    let grows = rss(&memory(&line(1.0, 12), 5), 1.0);
    let check = grows.check(&advisory, window(), Some("BTC")).expect("a check");
    assert_eq!((check.outcome, check.joins, check.window.n), (Outcome::Warn, false, 12));
    assert_eq!(check.reason, "rss_mb +12.0 MB/h [12.0, 12.0]: grows");
    // Twelve samples are too few to rest a verdict on.
    assert!(!grows.check(&gating, window(), None).expect("a check").joins);
    let hard = DriftRules { severity: Severity::Hard, ..gating.clone() };
    assert!(grows.check(&hard, window(), None).expect("a check").joins);
    let sure = |p: f64| Drift { p_adjusted: Some(p), ..grows.clone() };
    let check = sure(0.01).check(&gating, window(), None).expect("a check");
    assert_eq!((check.outcome, check.joins), (Outcome::Warn, true));
    // From 500 by 1 every five minutes: 511 after 55 minutes.
    assert_eq!(
        check.reason,
        "`rss_mb` drifts by +12.0 MB/h (95 % CI 12.0 to 12.0), from 500 to 511 in 0.9 h"
    );
    assert!(!sure(0.011).check(&gating, window(), None).expect("a check").joins);
    assert_eq!(sure(0.01).check(&hard, window(), None).expect("a check").outcome, Outcome::Fail);
    let nothing = rss(&[], 1.0);
    assert_eq!(nothing.check(&advisory, window(), None), None);
    assert_eq!(nothing.check(&gating, window(), None), None);
    let check = nothing.check(&hard, window(), None).expect("a check");
    assert_eq!((check.outcome, check.reason.as_str()), (Outcome::Inconclusive, "rss_mb no data"));
}

#[test]
fn the_rise_of_the_steady_part_is_tested_where_it_is_long_large_and_not_over() {
    let of = |values: &[f64]| rises(&memory(values, 5), &rules(1.0))[0];
    let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
    let grows =
        |n: usize, step: f64| -> Vec<f64> { (0..n).map(|at| 100.0 + step * at as f64 + wave(at)).collect() };
    assert_eq!(of(&grows(47, 1.0)), None, "too few");
    assert!(of(&grows(48, 1.0)).is_some_and(|p| p < 1e-6));
    // 47 steps of 0.1 are 4.7 of 100, of 0.11 they are 5.17.
    assert_eq!(of(&grows(48, 0.1)), None, "less than 5 %");
    assert!(of(&grows(48, 0.112)).is_some());
    let warm: Vec<f64> = (0..96).map(|at| 100.0 + at.min(20) as f64 + wave(at)).collect();
    assert_eq!(of(&warm), None, "it levelled off");
    assert_eq!(of(&grows(96, -1.0)), None, "what falls is no leak");
    assert_eq!(rises(&[], &rules(1.0)), [None; 4]);
}
