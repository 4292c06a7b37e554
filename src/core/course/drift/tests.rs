//! Drifts of hand-made columns.

use super::*;
use crate::core::course::Column;
use crate::core::judge::fixture::limit;
use crate::core::kpi::Direction;
use crate::core::policy::WindowSpec;
use crate::core::verdict::{Comparison, Severity};

fn rules() -> CourseRules {
    CourseRules {
        gates: true,
        severity: Severity::Hard,
        window: WindowSpec::Steady,
        false_alarm_rate: limit(0.05),
        min_iterations: limit(48.0),
        relative_change: limit(0.05),
    }
}

/// Waves of ±0.3 that do not repeat soon.
fn wave(at: u64) -> f64 {
    (at * 7 % 13) as f64 / 20.0 - 0.3
}

/// Iterations from 1 on with this level and a wave.
fn net(n: u64, level: impl Fn(f64) -> f64) -> Column {
    Column {
        kpi: KpiId::NET_BPS,
        direction: Some(Direction::Higher),
        floor: 0.05,
        limit: Some((Comparison::AtLeast, 2.7)),
        later: None,
        points: (1..=n).map(|at| (at, level(at as f64) + wave(at))).collect(),
    }
}

fn one(column: &Column) -> KpiDrift {
    find(std::slice::from_ref(column), &rules()).remove(0)
}

#[test]
fn a_fall_of_what_should_be_high_worsens_and_a_rise_improves() {
    let falls = net(60, |at| 5.0 - 0.02 * at);
    assert_eq!(one(&falls).verdict, DriftVerdict::Worsens);
    assert_eq!(one(&net(60, |at| 5.0 + 0.02 * at)).verdict, DriftVerdict::Improves);
    let latency = Column { direction: Some(Direction::Lower), ..falls.clone() };
    assert_eq!(one(&latency).verdict, DriftVerdict::Improves);
    let neither = Column { direction: None, ..falls };
    assert_eq!(one(&neither).verdict, DriftVerdict::Worsens);
    assert_eq!(one(&net(60, |_| 5.0)).verdict, DriftVerdict::NoDrift);
}

#[test]
fn the_time_to_the_limit_is_the_room_over_the_slope() {
    // An exact line from 5.00 by -0.02: at iteration 60 it is at 3.82, 1.12 above 2.7, 56 iterations away.
    let mut column = net(60, |at| 5.02 - 0.02 * at);
    for (at, value) in &mut column.points {
        *value -= wave(*at);
    }
    let line = one(&column).line.expect("a line");
    assert!((line.to_breach.expect("towards the limit") - 56.0).abs() < 1e-6, "{line:?}");
    assert!((line.change + 59.0 * 0.02).abs() < 1e-9);
    assert_eq!((line.p, line.p_adjusted), (0.0, 0.0));
    let beyond = Column { limit: Some((Comparison::AtLeast, 4.0)), ..column.clone() };
    assert_eq!(one(&beyond).line.expect("a line").to_breach, Some(0.0));
    let away = Column { limit: Some((Comparison::AtMost, 9.0)), ..column.clone() };
    assert_eq!(one(&away).line.expect("a line").to_breach, None);
    let none = Column { limit: None, ..column };
    assert_eq!(one(&none).line.expect("a line").to_breach, None);
}

#[test]
fn a_movement_below_the_floors_is_no_drift_however_sure() {
    // 59 steps of 0.004 are 0.236 of about 5: below 5 %; of 0.005 they are 0.295: above.
    let exact = |step: f64| {
        let mut column = net(60, |at| 5.0 - step * (at - 1.0));
        for (at, value) in &mut column.points {
            *value -= wave(*at);
        }
        one(&column).verdict
    };
    assert_eq!((exact(0.004), exact(0.005)), (DriftVerdict::NoDrift, DriftVerdict::Worsens));
}

#[test]
fn what_moved_and_stood_still_is_settled_unless_it_moves_again() {
    let settled = one(&net(100, |at| 5.0 - 0.1 * at.min(15.0)));
    assert_eq!(settled.verdict, DriftVerdict::Settled);
    let from = settled.settled_from.expect("an iteration");
    assert!((12..=20).contains(&from), "{from}");
    let again = net(100, |at| 5.0 - 0.1 * at.min(15.0) - 0.02 * (at - 15.0).max(0.0));
    assert_eq!(one(&again).verdict, DriftVerdict::Worsens);
}

#[test]
fn too_few_values_and_a_walk_are_told_apart() {
    assert_eq!(one(&net(0, |_| 5.0)).verdict, DriftVerdict::NoData);
    assert_eq!(one(&net(15, |_| 5.0)).verdict, DriftVerdict::TooFew);
    assert!(one(&net(16, |_| 5.0)).line.is_some());
    let bow = one(&net(60, |at| (at - 30.0) * (at - 30.0)));
    assert_eq!((bow.verdict, bow.line), (DriftVerdict::CannotTell, None));
}

#[test]
fn more_kpis_make_each_of_them_less_sure() {
    let column = net(60, |at| 5.0 - 0.004 * at);
    let alone = one(&column).line.expect("a line");
    assert_eq!(alone.p, alone.p_adjusted);
    let family: Vec<Column> = std::iter::once(column).chain((0..3).map(|_| net(60, |_| 5.0))).collect();
    let with_others = find(&family, &rules()).remove(0).line.expect("a line");
    assert_eq!(with_others.p, alone.p);
    assert!((with_others.p_adjusted - 4.0 * alone.p).abs() < 1e-15);
}
