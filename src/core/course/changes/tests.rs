//! Changes of level of hand-made columns.

use super::*;
use crate::core::course::Column;
use crate::core::judge::fixture::change_rules as rules;
use crate::core::kpi::Direction;

/// Waves of ±0.3 that do not repeat soon.
fn wave(at: u64) -> f64 {
    (at * 7 % 13) as f64 / 20.0 - 0.3
}

/// Odd iterations from 7 on with this level and a wave.
fn net(n: u64, level: impl Fn(u64) -> f64) -> Column {
    Column {
        kpi: KpiId::NET_BPS,
        direction: Some(Direction::Higher),
        floor: 0.05,
        limit: None,
        later: None,
        points: (0..n).map(|at| (7 + 2 * at, level(7 + 2 * at) + wave(at))).collect(),
    }
}

fn one(column: &Column) -> KpiChanges {
    find(std::slice::from_ref(column), &rules()).remove(0)
}

#[test]
fn a_change_names_the_iterations_around_it_and_the_levels() {
    let column = net(60, |number| if number < 61 { 5.0 } else { 3.0 });
    let found = one(&column);
    assert_eq!(found.changes.len(), 1);
    let change = found.changes[0];
    assert_eq!((change.last_before, change.first_after), (59, 61));
    assert_eq!((change.step.n_before, change.step.n_after), (27, 33));
    assert!((change.step.before - 5.0).abs() < 0.1 && (change.step.after - 3.0).abs() < 0.1);
    assert!(change.step.low < -2.0 && -2.0 < change.step.high && change.step.high < 0.0);
    assert!(change.worse && found.is_worse(&column, 0.05) && !found.has_recovered(&column, 0.05));
    let better = Column { direction: Some(Direction::Lower), ..column.clone() };
    assert!(!one(&better).is_worse(&better, 0.05));
    // What is behind the values tested came back.
    let back = Column { later: Some(4.9), ..column };
    assert!(!one(&back).is_worse(&back, 0.05) && one(&back).has_recovered(&back, 0.05));
}

#[test]
fn what_came_back_has_recovered() {
    let column = net(120, |number| if (87..167).contains(&number) { 3.0 } else { 5.0 });
    let found = one(&column);
    let places: Vec<u64> = found.changes.iter().map(|change| change.first_after).collect();
    assert_eq!(places, [87, 167]);
    assert!(!found.is_worse(&column, 0.05) && found.has_recovered(&column, 0.05));
    let in_part = net(120, |number| {
        if (87..167).contains(&number) {
            3.0
        } else if number < 87 {
            5.0
        } else {
            4.5
        }
    });
    assert!(!one(&in_part).has_recovered(&in_part, 0.05) && one(&in_part).is_worse(&in_part, 0.05));
}

#[test]
fn a_change_below_the_floors_is_none_however_sure() {
    // Without waves every step is certain. 5 % of 4 are 0.2.
    let exact = |to: f64| {
        let mut column = net(60, |number| if number < 61 { 4.0 } else { to });
        for (at, (_, value)) in (0..).zip(&mut column.points) {
            *value -= wave(at);
        }
        one(&column).changes.len()
    };
    assert_eq!((exact(3.8), exact(3.79), exact(4.21)), (0, 1, 1));
}

#[test]
fn spikes_are_told_with_their_iterations_and_are_no_change() {
    let column = net(60, |number| if (31..=33).contains(&number) { 40.0 } else { 5.0 });
    let found = one(&column);
    assert_eq!(found.changes, []);
    assert_eq!(found.spikes.len(), 1);
    assert_eq!((found.spikes[0].first, found.spikes[0].last), (31, 33));
}

#[test]
fn a_constant_is_known_to_keep_its_level_and_few_values_are_not_searched() {
    let mut constant = net(60, |_| 5.0);
    constant.points.iter_mut().for_each(|(_, value)| *value = 0.85);
    let found = one(&constant);
    assert_eq!((found.constant, found.likeliest, found.changes.len()), (true, None, 0));
    assert_eq!(one(&net(23, |_| 5.0)).block, None);
    assert_eq!(one(&net(24, |_| 5.0)).block, Some(1));
}
