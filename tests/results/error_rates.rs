//! The published table of error rates: its beginning can be made again, and it keeps what was promised.

use std::collections::BTreeMap;

use crate::results::peers;
use crate::results::table::{FIRST, Runs, rows};
use crate::results::world::{Noise, Scenario};

const PUBLISHED: &str = include_str!("../../deploy/statistics/error_rates.csv");

/// Counts of a row: runs, alarms, cannot tell, and the last two of the first runs.
type Counts = [usize; 5];

/// By method, n, noise and scenario.
fn published() -> BTreeMap<(String, usize, String, String), Counts> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<usize>().expect("a count");
        let counts = [number(4), number(5), number(6), number(7), number(8)];
        ((cells[0].to_owned(), number(1), cells[2].to_owned(), cells[3].to_owned()), counts)
    };
    PUBLISHED.lines().skip(1).map(row).collect()
}

#[test]
fn the_beginning_of_the_table_comes_out_the_same_again() {
    let published = published();
    // A few cells of it: a test has to be done in seconds.
    for (n, phi) in [(18, 0.3), (24, 0.8), (48, 0.3)] {
        let runs = Runs { nothing: FIRST, something: FIRST };
        for row in rows(&[(Noise::Ar1(phi), &[n])], runs) {
            let place = (row.method.to_owned(), n, phi.to_string(), row.scenario.name());
            let counts = published.get(&place).unwrap_or_else(|| panic!("{place:?} is not in the table"));
            assert_eq!([row.alarms, row.cannot], counts[3..], "{place:?}");
        }
    }
}

fn percent(
    table: &BTreeMap<(String, usize, String, String), Counts>,
    place: (&str, usize, f64, Scenario),
) -> f64 {
    let (method, n, phi, scenario) = place;
    let key = (method.to_owned(), n, phi.to_string(), scenario.name());
    let [runs, alarms, ..] = table[&key];
    100.0 * alarms as f64 / runs as f64
}

/// A percentage that chance alone exceeds in about 2 % of rows of so many runs.
fn with_chance(
    table: &BTreeMap<(String, usize, String, String), Counts>,
    method: &str,
    n: usize,
    most: f64,
) -> f64 {
    let runs = table
        .iter()
        .find(|((key, length, _, scenario), _)| key == method && *length == n && scenario == "nothing")
        .map_or(1, |(_, counts)| counts[0]);
    most + 2.0 * (most * (100.0 - most) / runs as f64).sqrt()
}

#[test]
fn decisions_raise_few_false_alarms_over_all_kpis_together() {
    let table = published();
    let compared = ["compare", "compare_extended", "compare_once", "compare_mixed", "compare_mixed_extended"];
    for method in ["drift_gate", "change_points_gate"].into_iter().chain(compared) {
        for n in [18, 24, 48, 96, 288, 864] {
            for phi in [0.0, 0.3, 0.5, 0.8] {
                if n == 18 && !compared.contains(&method) {
                    continue;
                }
                // Where one KPI remembers and three do not, 18 values do not tell them apart well.
                let is_hard = phi >= 0.8 || (phi >= 0.5 && n == 18 && method.starts_with("compare_mixed"));
                let most = if is_hard { 7.0 } else { 5.0 };
                let found = percent(&table, (method, n, phi, Scenario::Nothing));
                let most = with_chance(&table, method, n, most);
                assert!(found <= most, "{method}, n = {n}, phi = {phi}: {found} %, at most {most} %");
            }
        }
    }
}

#[test]
fn decisions_find_what_they_were_promised_to_find() {
    let table = published();
    let step = |size: f64| Scenario::Step { size, after: 0.5 };
    for (method, n, scenario, promised) in [
        ("drift_gate", 48, Scenario::Drift { size: 3.0 }, 90.0),
        ("change_points_gate", 48, step(3.0), 80.0),
        ("change_points_gate", 96, step(2.0), 90.0),
        ("compare", 24, Scenario::Level { size: 2.0 }, 90.0),
        // Two runs of 24 iterations have 18 steady values each. More is not to be had at this rate of false alarms.
        ("compare", 18, Scenario::Level { size: 2.0 }, 85.0),
        ("compare_extended", 18, Scenario::Level { size: 2.0 }, 95.0),
        // A step inside the run is seen as the level since then.
        ("compare", 96, step(3.0), 95.0),
    ] {
        let found = percent(&table, (method, n, 0.3, scenario));
        // 80 runs: two standard errors of their share.
        let least: f64 = promised - 2.0 * f64::sqrt(promised * (100.0 - promised) / 80.0);
        assert!(found >= least, "{method}, n = {n}, {}: {found} %", scenario.name());
    }
}

#[test]
fn an_old_step_leaves_the_last_values_as_sure_as_they_are() {
    let table = published();
    for (n, most) in [(96, 2.0), (288, 2.0)] {
        for phi in [0.0, 0.3] {
            let stepped = Scenario::Step { size: 3.0, after: 0.5 };
            let key = ("mean_interval_last8".to_owned(), n, phi.to_string(), stepped.name());
            let [runs, missed, cannot, ..] = table[&key];
            let share = |count: usize| 100.0 * count as f64 / runs as f64;
            assert!(share(cannot) <= most, "{n}, {phi}: no interval in {} %", share(cannot));
            // 80 runs: 6 % and two standard errors.
            assert!(share(missed) <= 11.3, "{n}, {phi}: it misses in {} %", share(missed));
        }
    }
}

#[test]
fn intervals_hold_what_they_should_where_they_are_given() {
    let table = published();
    for method in ["mean_interval", "median_interval", "mean_interval_last8", "median_interval_last8"] {
        for n in [24, 48, 96, 288, 864] {
            for phi in [0.0, 0.3, 0.5, 0.8] {
                let found = percent(&table, (method, n, phi, Scenario::Nothing));
                let most = if phi < 0.8 { 5.5 } else { 6.5 };
                let most = with_chance(&table, method, n, most);
                assert!(found <= most, "{method}, n = {n}, phi = {phi}: misses in {found} %");
            }
        }
    }
}

#[test]
fn other_programs_get_the_series_that_soak_judged() {
    let series = peers::series(1);
    let lines: Vec<Vec<&str>> = series.lines().map(|line| line.rsplitn(5, ',').collect()).collect();
    assert_eq!(lines[0][..4], ["values", " trend\"", "\"soak", " change points\""]);
    for line in &lines[1..] {
        let [values, trend, changes, n, kind] = line[..] else { panic!("{line:?}") };
        assert_eq!(values.split(' ').count().to_string(), n);
        assert!(values.split(' ').all(|value| value.parse::<f64>().is_ok()));
        for answer in [trend, changes] {
            assert!(["alarm", "quiet", "cannot"].contains(&answer), "{answer}");
        }
        if kind == "\"white noise\",step 2 mid-run" {
            assert_eq!(changes, "alarm", "n = {n}");
        }
    }
    // 16 kinds, each at two lengths.
    assert_eq!(lines.len(), 1 + 16 * 2);
}
