//! Trends and changes of level in the audit.

use super::audit;
use crate::core::iteration::Iteration;
use crate::core::kpi::KpiId;
use crate::core::verdict::{Outcome, Part};
use crate::report::fixture::{analysed, assert_well_formed, folder, passing, provenance, with};

/// Small waves, so that nothing is a constant.
fn wave(number: u64) -> f64 {
    (number * 7 % 13) as f64 / 130.0 - 0.05
}

/// A passing run of an iteration a minute whose net edge is this.
fn run(n: u64, net: impl Fn(u64) -> f64) -> Vec<Iteration> {
    let one = |iteration: Iteration| {
        let value = net(iteration.number) + wave(iteration.number);
        with(iteration, KpiId::NET_BPS, Some(value))
    };
    passing(n).into_iter().map(one).collect()
}

fn told(n: u64, net: impl Fn(u64) -> f64) -> (String, Outcome) {
    let (analysis, policy) = analysed(folder(run(n, net)));
    let text = audit(&analysis, &policy, &provenance(), true);
    assert_well_formed(&text);
    assert!(analysis.checks().filter(|check| check.part == Part::KpiDrift).count() == 4);
    (text, analysis.outcome)
}

#[test]
fn a_slow_fall_within_the_limits_is_told_per_hour_with_the_time_to_the_limit() {
    // From 3.60 to 3.00 in 60 minutes: -0.6 an hour; 0.3 above the limit of 2.70 at the end: half an hour.
    let (text, outcome) = told(61, |number| 3.6 - 0.01 * (number - 1) as f64);
    assert_eq!(outcome, Outcome::Fail);
    let row = text.lines().find(|line| line.starts_with("| `net_bps` | 7-61 | 55 |")).expect("a row");
    assert!(row.contains("-0.60") && row.ends_with("| 0.5 h | gets steadily worse |"), "{row}");
    assert!(text.contains("iterations times the usual distance of their time stamps"), "{text}");
}

#[test]
fn a_step_is_told_with_its_place_and_size_and_a_spike_is_none() {
    let step = |number: u64| match number {
        20 => 9.0,
        number if number >= 60 => 3.0,
        _ => 4.0,
    };
    let (text, _) = told(100, step);
    let line = text.lines().find(|line| line.starts_with("- `net_bps`: worsened from")).expect("a change");
    assert!(line.contains("at iteration 60 (-1.00 bps"), "{line}");
    // 140 mod 13 is 10: the wave adds 10/130 - 0.05 to 9.
    assert!(text.contains("  - outlier in iteration 20: 9.03 where"), "{text}");
}

#[test]
fn a_short_run_says_that_it_is_too_short() {
    let (text, outcome) = told(24, |_| 3.0);
    assert_eq!(outcome, Outcome::Pass);
    assert!(text.contains("- `net_bps`: too few values (18)"), "{text}");
}
