use super::*;
use crate::core::params::ParamName;

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

fn start() -> ParamValues {
    with("", 0.0)
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
                "gross volume" => {
                    report.number("gross_bps").unwrap()
                        * (report.number("fills.maker_volume").unwrap()
                            + report.number("fills.taker_volume").unwrap())
                }
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
        &[(RISK, -1.0), ("slippage_bps_p95", -1.0), ("slippage_bps", -1.0), ("gross volume", -1.0)],
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
        [("fills.taker_volume", -1.0), ("mm_maker_share_ratio", 1.0), ("inventory_bps", 1.0)];
    moves("rescue_max_ratio", &[1.0, 0.6, 0.3, 0.1, 0.0], &less);
    moves("rescue_min_edge_bps", &[0.0, 1.0, 1.5, 4.0, 10.0], &less);
    moves("rescue_cooldown_ms", &[0.0, 500.0, 1000.0, 5000.0], &less);
}

#[test]
fn a_lower_position_limit_has_less_risk_and_less_gross() {
    moves("position_limit_ratio", &[1.0, 0.9, 0.8, 0.5, 0.2], &[(RISK, -1.0), ("gross volume", -1.0)]);
}

#[test]
fn a_report_does_not_depend_on_the_iterations_before() {
    let mut whole = Simulator::new(7, Scenario::Default);
    for n in 1..=40 {
        let expected = whole.report(n, &start()).unwrap();
        assert_eq!(Simulator::new(7, Scenario::Default).report(n, &start()).unwrap(), expected);
    }
    let third = Simulator::new(7, Scenario::Default).report(3, &start()).unwrap();
    assert_eq!(whole.report(3, &start()).unwrap(), third, "going back");
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
