//! Series in which one thing is odd, and the same without it.

use super::*;
use crate::core::iteration::Iteration;
use crate::core::judge::fixture::{empty, limit, series_of};
use crate::core::policy::{WindowSpec, Windows};
use crate::core::series::ranges::Ranges;
use crate::core::verdict::Severity;

pub(crate) const WINDOWS: Windows = Windows { last_n: 4, steady_start: 3 };

pub(crate) fn rules() -> SanityRules {
    SanityRules {
        gates: false,
        severity: Severity::Soft,
        stuck_iterations: limit(5.0),
        collapse_share: limit(0.1),
        too_good_spreads: limit(10.0),
        fills_share: limit(0.5),
        min_history: limit(12.0),
        repeats_gate: true,
        repeats_gate_source: limit(0.0).source,
        repeat_digits: limit(16.0),
    }
}

/// 18 iterations: two of warm-up, twelve of history, four last ones. Net is 3 ± 0.1 and never the same twice, latency
/// 300 ± 3, fills 1000.
fn usual(change: impl Fn(u64, &mut Iteration)) -> Vec<Iteration> {
    (1..=18u64)
        .map(|number| {
            let wave = if number % 2 == 0 { 1.0 } else { -1.0 };
            let mut iteration = Iteration { number, fills: Some(1000.0), ..empty() };
            iteration.values[KpiId::NET_BPS.index()] = Some(3.0 + 0.1 * wave + 1e-6 * number as f64);
            iteration.values[KpiId::P95_LATENCY_MS.index()] = Some(300.0 - 3.0 * wave);
            change(number, &mut iteration);
            iteration
        })
        .collect()
}

fn judged(iterations: Vec<Iteration>, repeats: &[Repeat], rules: &SanityRules) -> Vec<Check> {
    let series = series_of(iterations);
    let numbers: Ranges = series.rows().iter().map(|row| row.number).collect();
    let window = |spec| Window::find(&series, spec, &WINDOWS, &numbers);
    checks(
        &Subject {
            series: &series,
            last: &window(WindowSpec::LastN),
            steady: &window(WindowSpec::Steady),
            judged: &window(WindowSpec::LastN),
            repeats,
            required: &KpiId::OF_THE_VERDICT,
            looked_at: &KpiId::OF_THE_VERDICT,
            interval: None,
            kpis: &KpiTable::default(),
        },
        rules,
    )
}

/// The outcome and the reason of one check.
fn one(gate: &str, change: impl Fn(u64, &mut Iteration)) -> (Outcome, String) {
    let checks = judged(usual(change), &[], &rules());
    let check = checks.into_iter().find(|check| check.gate == gate).expect("this check");
    assert_eq!(check.joins, gate == "sanity.repeated");
    (check.outcome, check.reason)
}

fn set(iteration: &mut Iteration, kpi: KpiId, value: f64) {
    iteration.values[kpi.index()] = Some(value);
}

#[test]
fn a_usual_run_is_sane_and_every_kind_is_asked() {
    let checks = judged(usual(|_, _| ()), &[], &rules());
    let told: Vec<(&str, Outcome)> =
        checks.iter().map(|check| (check.gate.as_str(), check.outcome)).collect();
    let gates = ["sanity.repeated", "sanity.stuck", "sanity.collapsed", "sanity.too_good", "sanity.fills"];
    assert_eq!(told, gates.map(|gate| (gate, Outcome::Pass)));
}

#[test]
fn runs_of_any_length_are_looked_at() {
    for length in 0..18 {
        let run = usual(|_, _| ()).into_iter().take(length).collect();
        assert_eq!(judged(run, &[], &rules()).len(), 5, "{length}");
    }
}

#[test]
fn the_same_value_so_many_times_in_a_row_stands_still() {
    let from = |first: u64| {
        move |number: u64, iteration: &mut Iteration| {
            if number >= first {
                set(iteration, KpiId::NET_BPS, 3.0);
            }
        }
    };
    assert_eq!(one("sanity.stuck", from(15)).0, Outcome::Pass);
    let (outcome, reason) = one("sanity.stuck", from(14));
    assert_eq!(
        (outcome, reason.as_str()),
        (Outcome::Warn, "`net_bps` stands still at 3.00 bps in iteration 14-18")
    );
    // A gap does not make it move, and what was before the steady part does not count.
    let gap = |number: u64, iteration: &mut Iteration| {
        from(13)(number, iteration);
        if number == 15 {
            iteration.values[KpiId::NET_BPS.index()] = None;
        }
    };
    assert_eq!(one("sanity.stuck", gap).0, Outcome::Warn);
    let warm = |number: u64, iteration: &mut Iteration| {
        if number <= 6 {
            set(iteration, KpiId::NET_BPS, 2.0);
        }
    };
    assert_eq!(one("sanity.stuck", warm).0, Outcome::Pass);
}

#[test]
fn a_latency_of_next_to_nothing_collapsed_and_an_edge_cannot() {
    let last = |kpi, value| {
        move |number: u64, iteration: &mut Iteration| {
            if number == 18 {
                set(iteration, kpi, value);
            }
        }
    };
    // The median of the history is 300, between 297 and 303.
    assert_eq!(one("sanity.collapsed", last(KpiId::P95_LATENCY_MS, 30.0)).0, Outcome::Pass);
    let (outcome, reason) = one("sanity.collapsed", last(KpiId::P95_LATENCY_MS, 29.0));
    assert_eq!(outcome, Outcome::Warn);
    assert_eq!(reason, "`p95_latency_ms` collapsed from 300 ms: 29 ms in iteration 18");
    assert_eq!(one("sanity.collapsed", last(KpiId::NET_BPS, 0.0)).0, Outcome::Pass);
}

#[test]
fn only_the_good_side_is_too_good() {
    let last = |kpi, value| {
        move |number: u64, iteration: &mut Iteration| {
            if number == 17 {
                set(iteration, kpi, value);
            }
        }
    };
    // All deviations of the history are 3 ms: ten spreads are 44.478 ms; of net 0.1 bps, so 1.4826 bps.
    for (kpi, value, expected) in [
        (KpiId::P95_LATENCY_MS, 255.6, Outcome::Pass),
        (KpiId::P95_LATENCY_MS, 255.4, Outcome::Warn),
        (KpiId::P95_LATENCY_MS, 500.0, Outcome::Pass),
        (KpiId::NET_BPS, 4.48, Outcome::Pass),
        (KpiId::NET_BPS, 4.49, Outcome::Warn),
        (KpiId::NET_BPS, -9.0, Outcome::Pass),
    ] {
        assert_eq!(one("sanity.too_good", last(kpi, value)).0, expected, "{value}");
    }
}

#[test]
fn fills_that_fell_below_their_share_are_told_and_unknown_ones_are_not_judged() {
    let now = |fills| {
        move |number: u64, iteration: &mut Iteration| {
            if number > 14 {
                iteration.fills = fills;
            }
        }
    };
    assert_eq!(one("sanity.fills", now(Some(500.0))).0, Outcome::Pass);
    let (outcome, reason) = one("sanity.fills", now(Some(499.0)));
    assert_eq!((outcome, reason.contains("fell from 1000 to 499")), (Outcome::Warn, true), "{reason}");
    assert_eq!(one("sanity.fills", now(None)).0, Outcome::NotApplicable);
}

#[test]
fn too_little_history_is_not_judged_and_the_policy_makes_it_gate() {
    let short = judged(usual(|_, _| ()), &[], &SanityRules { min_history: limit(13.0), ..rules() });
    for gate in ["sanity.collapsed", "sanity.too_good", "sanity.fills"] {
        let check = short.iter().find(|check| check.gate == gate).expect("this check");
        assert_eq!(check.outcome, Outcome::NotApplicable, "{gate}");
    }
    let hard = SanityRules { gates: true, severity: Severity::Hard, ..rules() };
    let stuck = judged(usual(|_, iteration| set(iteration, KpiId::NET_BPS, 3.0)), &[], &hard);
    assert!(stuck.iter().all(|check| check.joins));
    assert_eq!(stuck[1].outcome, Outcome::Fail);
}

#[test]
fn what_too_few_values_cannot_show_is_not_said_to_be_fine() {
    // Six iterations, four of them steady; five equal ones stand still.
    let few = judged(usual(|_, _| ()).into_iter().take(6).collect(), &[], &rules());
    let of = |checks: &[Check], gate: &str| {
        let check = checks.iter().find(|check| check.gate == gate).expect("a check").clone();
        (check.outcome, check.observed, check.reason)
    };
    let told = "5 steady values of a KPI needed to know whether it stands still".to_owned();
    assert_eq!(of(&few, "sanity.stuck"), (Outcome::NotApplicable, None, told));
    let enough = judged(usual(|_, _| ()).into_iter().take(7).collect(), &[], &rules());
    assert_eq!(of(&enough, "sanity.stuck").0, Outcome::Pass);
    let none = judged(Vec::new(), &[], &rules());
    let told = "there is no iteration to look at".to_owned();
    assert_eq!(of(&none, "sanity.repeated"), (Outcome::NotApplicable, None, told));
}
