//! The directions of the model, what a report holds, and that it depends on nothing but what it should.

use crate::core::iteration::params::ParamName;
use crate::run::simulator::*;

/// The defaults of the parameter table.
const START: [(&str, f64); 11] = [
    ("min_interval_ms", 60.0),
    ("replace_rate_per_min", 300.0),
    ("base_spread_bps_delta", 0.14),
    ("impact_cap_ratio", 0.10),
    ("max_delta_ratio", 0.15),
    ("tail_age_ms", 600.0),
    ("concurrency_limit", 10.0),
    ("rescue_max_ratio", 0.30),
    ("rescue_min_edge_bps", 1.0),
    ("rescue_cooldown_ms", 500.0),
    ("position_limit_ratio", 1.0),
];

const RISK: &str = "block_reasons.risk.ratio";
const PACED: &str = "block_reasons.min_interval.ratio";
const CROWDED: &str = "block_reasons.concurrency.ratio";

fn with(name: &str, value: f64) -> ParamValues {
    let put =
        |&(have, start): &(&str, f64)| (ParamName::flat(have), if have == name { value } else { start });
    ParamValues::new(START.iter().map(put).collect())
}

pub(crate) fn start() -> ParamValues {
    with("", 0.0)
}

fn volume(report: &EdgeReport) -> f64 {
    report.number("fills.maker_volume").unwrap() + report.number("fills.taker_volume").unwrap()
}

/// Means over eight iterations of a world.
fn means(seed: u64, overrides: &ParamValues, metric: &str) -> f64 {
    let mut simulator = Simulator::new(seed, Scenario::Default);
    let sum: f64 = (1..=8)
        .map(|n| {
            let report = simulator.report(n, overrides).unwrap();
            match metric {
                "adverse per maker fill" => {
                    report.number("adverse_bps").unwrap() / report.number("mm_maker_share_ratio").unwrap()
                }
                "gross money" => volume(&report) * report.number("gross_bps").unwrap(),
                "inventory money" => volume(&report) * report.number("inventory_bps").unwrap(),
                _ => report.number(metric).unwrap(),
            }
        })
        .sum();
    sum / 8.0
}

/// Holds that each step along `values` moves the metrics the way their sign says, in every world.
fn moves(name: &str, values: &[f64], directions: &[(&str, f64)]) {
    for &(metric, sign) in directions {
        for seed in 1..=6 {
            let along: Vec<f64> =
                values.iter().map(|value| means(seed, &with(name, *value), metric)).collect();
            for (step, pair) in along.windows(2).enumerate() {
                assert!(
                    (pair[1] - pair[0]) * sign > 0.0,
                    "seed {seed}: {metric} went from {} to {} when {name} went from {} to {}",
                    pair[0],
                    pair[1],
                    values[step],
                    values[step + 1],
                );
            }
        }
    }
}

#[test]
fn a_wider_spread_brings_fewer_fills_more_of_them_as_maker_and_less_adverse_cost_for_each() {
    moves(
        "base_spread_bps_delta",
        &[0.08, 0.11, 0.14, 0.17, 0.20, 0.25],
        &[
            ("fills.maker_volume", -1.0),
            ("fills.taker_volume", -1.0),
            ("mm_maker_share_ratio", 1.0),
            ("adverse per maker fill", -1.0),
            (RISK, -1.0),
        ],
    );
}

#[test]
fn a_longer_interval_has_fewer_refusals_and_staler_quotes() {
    moves(
        "min_interval_ms",
        &[40.0, 50.0, 60.0, 70.0, 80.0],
        &[(PACED, -1.0), (RISK, -1.0), ("order_age_p95_ms", 1.0), ("p95_latency_ms", -1.0)],
    );
    moves("min_interval_ms", &[50.0, 60.0, 70.0, 80.0], &[("adverse_bps", 1.0)]);
    moves("min_interval_ms", &[40.0, 60.0, 80.0], &[("mm_maker_share_ratio", 1.0)]);
}

#[test]
fn fewer_replacements_cancel_less_and_make_more_of_the_volume() {
    moves(
        "replace_rate_per_min",
        &[320.0, 300.0, 255.0, 217.0, 200.0],
        &[
            ("cancel_ratio", -1.0),
            ("mm_maker_share_ratio", 1.0),
            ("order_age_p95_ms", 1.0),
            ("p95_latency_ms", -1.0),
            (RISK, -1.0),
        ],
    );
}

#[test]
fn a_smaller_impact_cap_has_less_risk_less_slippage_and_fewer_fills() {
    moves(
        "impact_cap_ratio",
        &[0.12, 0.11, 0.10, 0.09, 0.08],
        &[(RISK, -1.0), ("slippage_bps_p95", -1.0), ("slippage_bps", -1.0), ("gross money", -1.0)],
    );
}

#[test]
fn a_smaller_delta_limit_costs_less_inventory() {
    moves("max_delta_ratio", &[0.16, 0.15, 0.13, 0.10], &[("inventory_bps", -1.0), (RISK, -1.0)]);
}

#[test]
fn a_longer_tail_is_easier_on_latency_and_has_older_orders() {
    moves(
        "tail_age_ms",
        &[500.0, 600.0, 700.0, 800.0],
        &[
            ("p95_latency_ms", -1.0),
            ("cancel_ratio", -1.0),
            ("order_age_p95_ms", 1.0),
            ("slippage_bps_p95", -1.0),
            ("mm_maker_share_ratio", 1.0),
        ],
    );
}

#[test]
fn fewer_slots_are_faster_and_refuse_more() {
    moves(
        "concurrency_limit",
        &[64.0, 20.0, 10.0, 9.0, 5.0, 1.0],
        &[("p95_latency_ms", -1.0), (CROWDED, 1.0), (RISK, -1.0)],
    );
}

#[test]
fn a_shyer_rescue_takes_less() {
    let less: [(&str, f64); 3] =
        [("fills.taker_volume", -1.0), ("mm_maker_share_ratio", 1.0), ("inventory money", 1.0)];
    moves("rescue_max_ratio", &[1.0, 0.6, 0.3, 0.1, 0.0], &less);
    moves("rescue_min_edge_bps", &[0.0, 1.0, 1.5, 4.0, 10.0], &less);
    moves("rescue_cooldown_ms", &[0.0, 500.0, 1000.0, 5000.0], &less);
}

#[test]
fn a_lower_position_limit_has_less_risk_and_less_gross() {
    moves("position_limit_ratio", &[1.0, 0.9, 0.8, 0.5, 0.2], &[(RISK, -1.0), ("gross money", -1.0)]);
}

#[test]
fn a_report_does_not_depend_on_the_iterations_before() {
    // Volatile: its blocks differ from iteration to iteration.
    let fresh = |n| Simulator::new(7, Scenario::Volatile).report(n, &start()).unwrap();
    let mut whole = Simulator::new(7, Scenario::Volatile);
    for n in 1..=40 {
        assert_eq!(fresh(n), whole.report(n, &start()).unwrap());
    }
    assert_eq!(fresh(3), whole.report(3, &start()).unwrap(), "going back");
}

#[test]
fn every_iteration_has_luck_of_its_own_even_in_a_calm_market() {
    let mut calm = Simulator::new(7, Scenario::Calm);
    let nets: Vec<_> =
        (1..=10).map(|n| calm.report(n, &start()).unwrap().number("net_bps").unwrap()).collect();
    for (at, net) in nets.iter().enumerate() {
        assert!(!nets[..at].contains(net), "iteration {}", at + 1);
    }
}

#[test]
fn net_is_gross_less_the_four_costs() {
    for seed in 1..=5 {
        let mut simulator = Simulator::new(seed, Scenario::Default);
        for n in 1..=24 {
            let report = simulator.report(n, &start()).unwrap();
            let get = |key| report.number(key).unwrap();
            let left = get("gross_bps")
                - get("fees_eff_bps")
                - get("slippage_bps")
                - get("adverse_bps")
                - get("inventory_bps");
            assert_eq!(get("net_bps"), left);
        }
    }
}

#[test]
fn another_seed_another_world() {
    let one = Simulator::new(1, Scenario::Default).report(1, &start()).unwrap();
    let two = Simulator::new(2, Scenario::Default).report(1, &start()).unwrap();
    assert_ne!(one.number("net_bps"), two.number("net_bps"));
}

#[test]
fn the_default_start_is_the_zone_that_the_tuner_is_made_for() {
    let mean = |metric| (1..=10).map(|seed| means(seed, &start(), metric)).sum::<f64>() / 10.0;
    let near = |metric, low: f64, high: f64| {
        let value = mean(metric);
        assert!(low <= value && value <= high, "{metric} is {value}");
    };
    near("mm_maker_share_ratio", 0.79, 0.82);
    near(RISK, 0.37, 0.395);
    near("net_bps", 2.9, 3.4);
    near("p95_latency_ms", 310.0, 325.0);
    near("adverse_bps_p95", 2.0, 2.8);
    near("slippage_bps_p95", 1.0, 2.0);
    near("tick_latency_ms.p95", 50.0, 150.0);
    near("mm_hit_ratio", 0.70, 0.9);
    near("mm_deadline_miss_rate", 0.0, 0.02);
}

#[test]
fn every_total_is_there_and_finite() {
    let scenarios = ["default", "calm", "volatile", "flash-crash", "latency-storm", "liquidity-gap"];
    let edges = [with("", 0.0), with("concurrency_limit", 1.0), with("rescue_max_ratio", 0.0)];
    for scenario in scenarios.into_iter().chain(["leak", "regression@2", "always-bad"]) {
        let mut simulator = Simulator::new(3, scenario.parse().unwrap());
        for overrides in &edges {
            let report = simulator.report(3, overrides).unwrap();
            assert_eq!(report.version.as_deref(), Some("sim-1"));
            assert!(report.numbers.values().all(|value| value.is_some_and(f64::is_finite)), "{report:?}");
            for reason in ["min_interval", "concurrency", "risk", "throttle"] {
                let ratio = report.number(&format!("block_reasons.{reason}.ratio")).unwrap();
                assert!((0.0..=1.0).contains(&ratio), "{reason}: {ratio}");
                assert!(report.number(&format!("block_reasons.{reason}.count")).is_some());
            }
            for key in ["cancel_ratio", "mm_maker_share_ratio", "mm_hit_ratio", "mm_deadline_miss_rate"] {
                assert!((0.0..=1.0).contains(&report.number(key).unwrap()), "{key}");
            }
            assert!(report.number("ws_lag_max_ms") >= report.number("ws_lag_p95_ms"));
            assert!(report.number("tick_latency_ms.p95") > report.number("tick_latency_ms.p50"));
        }
    }
}

#[test]
fn a_loss_names_its_two_largest_costs_and_a_gain_names_none() {
    let mut bad = Simulator::new(1, Scenario::AlwaysBad);
    let report = bad.report(1, &start()).unwrap();
    assert!(report.number("net_bps").unwrap() < 0.0);
    let [first, second] = report.neg_edge_drivers.as_slice() else { panic!("{report:?}") };
    assert!(report.number(first) >= report.number(second));
    for other in ["fees_eff_bps", "slippage_bps", "adverse_bps", "inventory_bps"] {
        assert!(other == first || report.number(other) <= report.number(second), "{other}");
    }
    let good = Simulator::new(1, Scenario::Calm).report(1, &start()).unwrap();
    assert!(good.number("net_bps").unwrap() > 0.0);
    assert!(good.neg_edge_drivers.is_empty());
}

#[test]
fn always_bad_is_bad_under_every_override() {
    let kind = [
        ("base_spread_bps_delta", 0.25),
        ("replace_rate_per_min", 200.0),
        ("rescue_max_ratio", 0.0),
        ("min_interval_ms", 80.0),
        ("impact_cap_ratio", 0.08),
        ("tail_age_ms", 800.0),
    ];
    let kindest = ParamValues::new(
        kind.iter().chain(&START).map(|(name, value)| (ParamName::flat(name), *value)).collect(),
    );
    for seed in 1..=10 {
        let mut simulator = Simulator::new(seed, Scenario::AlwaysBad);
        for n in 1..=24 {
            for overrides in [&start(), &kindest] {
                let net = simulator.report(n, overrides).unwrap().number("net_bps").unwrap();
                assert!(net < 2.0, "seed {seed}, iteration {n}: {net}");
            }
        }
    }
}

#[test]
fn a_regression_begins_at_its_iteration_and_not_before() {
    let mut sound = Simulator::new(5, Scenario::Default);
    let mut broken = Simulator::new(5, Scenario::Regression(4));
    for n in 1..=3 {
        assert_eq!(broken.report(n, &start()).unwrap(), sound.report(n, &start()).unwrap());
    }
    for n in 4..=6 {
        let (sound, broken) = (sound.report(n, &start()).unwrap(), broken.report(n, &start()).unwrap());
        assert!(broken.number("adverse_bps").unwrap() > sound.number("adverse_bps").unwrap() + 1.0);
        assert!(broken.number("net_bps").unwrap() < sound.number("net_bps").unwrap() - 1.0);
    }
}

#[test]
fn orders_fail_in_a_crash_and_not_in_a_calm_market() {
    let failed = |scenario| {
        let mut simulator = Simulator::new(3, scenario);
        let mut told = Vec::new();
        for n in 1..=6 {
            let seen = simulator.observe(n, &start()).unwrap();
            assert!(seen.iter().all(|tick| tick.errors == 0.0 || tick.errors == tick.placed), "all or none");
            let crashed: f64 = seen.iter().filter(|tick| tick.crash).map(|tick| tick.placed).sum();
            let slow: f64 = seen
                .iter()
                .filter(|tick| !tick.crash && tick.tick_to_order > 1.0)
                .map(|tick| tick.placed)
                .sum();
            let errors: f64 = seen.iter().map(|tick| tick.errors).sum();
            assert!((errors - crashed - slow).abs() < 1e-9, "{n}");
            told.push(errors > 0.0);
        }
        told
    };
    assert!(failed(Scenario::FlashCrash).contains(&true));
    assert_eq!(failed(Scenario::Calm), [false; 6]);
}

#[test]
fn a_leak_grows_twelve_mebibytes_an_hour_and_nothing_else_does() {
    let leak = Simulator::new(9, Scenario::Leak);
    let sound = Simulator::new(9, Scenario::Default);
    for (n, hours) in [(1, 0.5), (12, 1.0), (864, 72.0)] {
        let (leaking, flat) = (leak.resources(n, hours), sound.resources(n, hours));
        assert!((leaking.rss_mb.unwrap() - flat.rss_mb.unwrap() - 12.0 * hours).abs() < 1e-9);
        assert_eq!(Resources { rss_mb: None, ..leaking }, Resources { rss_mb: None, ..flat });
        assert!((flat.rss_mb.unwrap() - 412.0).abs() < 6.0, "{flat:?}");
    }
}

#[test]
fn an_override_that_is_missing_or_impossible_is_named() {
    let mut simulator = Simulator::new(1, Scenario::Default);
    let nothing = simulator.report(1, &ParamValues::default()).unwrap_err();
    assert_eq!(nothing.to_string(), "the simulator needs `min_interval_ms`, which the overrides do not have");
    for (name, value, must) in [
        ("min_interval_ms", 0.0, "above 0"),
        ("concurrency_limit", -1.0, "0 or more"),
        ("impact_cap_ratio", f64::NAN, "0 or more"),
        ("rescue_max_ratio", f64::INFINITY, "0 or more"),
    ] {
        let told = simulator.report(1, &with(name, value)).unwrap_err().to_string();
        assert_eq!(told, format!("the simulator cannot work with `{name}` = {value}; it must be {must}"));
    }
    assert!(simulator.report(1, &with("base_spread_bps_delta", 0.0)).is_ok());
}
