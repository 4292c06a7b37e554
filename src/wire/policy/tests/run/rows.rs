//! The built-in rows of the tuner, a second time.

use crate::core::kpi::KpiId;
use crate::core::policy::run::Movement::{Add, AtLeast as Reach, Multiply};
use crate::core::policy::run::{Bound, Movement, TunerRule};
use crate::core::verdict::Comparison;
use crate::core::verdict::Comparison::{Above, AtLeast, AtMost, Below};

use crate::wire::policy::read;

type Condition = (KpiId, Comparison, f64);
/// Parameter, movement, cap, floor.
type Move = (&'static str, Movement, Option<f64>, Option<f64>);

const RISK: KpiId = KpiId::RISK_RATIO;
const NET: KpiId = KpiId::NET_BPS;
const LATENCY: KpiId = KpiId::P95_LATENCY_MS;

fn conditions(bounds: &[Bound]) -> Vec<Condition> {
    bounds.iter().map(|bound| (bound.kpi, bound.comparison, bound.limit.value)).collect()
}

#[track_caller]
fn assert_row(rule: &TunerRule, name: &str, when: &[Condition], moves: &[Move]) {
    assert_eq!(rule.name, name);
    assert_eq!(conditions(&rule.when), when, "{name}");
    let found: Vec<_> = rule.changes.iter().map(|c| (c.param.as_str(), c.movement, c.cap, c.floor)).collect();
    assert_eq!(found, moves, "{name}");
}

#[test]
fn the_rows_of_the_tuner_stand_in_the_published_order_with_the_published_steps() {
    let rows = read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).run.tuner;
    let expected: [(&str, &[Condition], &[Move]); 11] = [
        (
            "fallback",
            &[(NET, Below, 0.0)],
            &[
                ("min_interval_ms", Add(20.0), Some(80.0), None),
                ("replace_rate_per_min", Add(-60.0), None, Some(200.0)),
                ("base_spread_bps_delta", Add(0.02), None, None),
                ("impact_cap_ratio", Reach(0.08), None, None),
                ("tail_age_ms", Reach(700.0), None, None),
            ],
        ),
        (
            "aggressive",
            &[(RISK, AtLeast, 0.60)],
            &[
                ("min_interval_ms", Add(5.0), Some(80.0), None),
                ("impact_cap_ratio", Add(-0.01), None, Some(0.08)),
                ("tail_age_ms", Add(30.0), Some(800.0), None),
            ],
        ),
        (
            "moderate",
            &[(RISK, AtLeast, 0.40), (RISK, Below, 0.60)],
            &[
                ("min_interval_ms", Add(5.0), Some(75.0), None),
                ("impact_cap_ratio", Add(-0.005), None, Some(0.09)),
            ],
        ),
        (
            "settle",
            &[(RISK, Above, 0.35), (RISK, Below, 0.40)],
            &[
                ("min_interval_ms", Add(2.0), Some(75.0), None),
                ("impact_cap_ratio", Add(-0.0025), None, Some(0.08)),
            ],
        ),
        (
            "normalize",
            &[(RISK, Below, 0.35), (NET, AtLeast, 3.0)],
            &[
                ("min_interval_ms", Add(-3.0), None, Some(50.0)),
                ("impact_cap_ratio", Add(0.005), Some(0.10), None),
            ],
        ),
        (
            "edge",
            &[(RISK, Below, 0.40), (NET, Below, 3.0)],
            &[("base_spread_bps_delta", Add(0.01), Some(0.25), None)],
        ),
        (
            "maker_boost",
            &[(RISK, AtMost, 0.40), (KpiId::MAKER_TAKER_RATIO, Below, 0.85), (NET, AtLeast, 2.7)],
            &[
                ("base_spread_bps_delta", Add(0.015), None, None),
                ("replace_rate_per_min", Multiply(0.85), None, None),
                ("min_interval_ms", Add(25.0), None, None),
            ],
        ),
        (
            "latency_buffer",
            &[(LATENCY, AtLeast, 330.0), (LATENCY, AtMost, 360.0)],
            &[
                ("concurrency_limit", Multiply(0.90), None, Some(1.0)),
                ("tail_age_ms", Add(50.0), Some(800.0), None),
            ],
        ),
        (
            "latency_hard",
            &[(LATENCY, Above, 360.0)],
            &[("concurrency_limit", Multiply(0.85), None, None), ("tail_age_ms", Add(75.0), None, None)],
        ),
        (
            "driver_adverse",
            &[(KpiId::ADVERSE_BPS_P95, Above, 3.5)],
            &[
                ("impact_cap_ratio", Add(-0.01), None, Some(0.08)),
                ("max_delta_ratio", Add(-0.01), None, Some(0.10)),
            ],
        ),
        (
            "driver_slippage",
            &[(KpiId::SLIPPAGE_BPS_P95, Above, 2.5)],
            &[("base_spread_bps_delta", Add(0.02), Some(0.25), None), ("tail_age_ms", Add(30.0), None, None)],
        ),
    ];
    assert_eq!(rows.len(), expected.len());
    for (rule, (name, when, moves)) in rows.iter().zip(expected) {
        assert_row(rule, name, when, moves);
    }
}

#[test]
fn only_some_rows_are_more_than_a_condition_and_its_steps() {
    for rule in read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).run.tuner {
        let name = rule.name.as_str();
        let is_fallback = name == "fallback";
        let expected = (if is_fallback { 2 } else { 1 }, u64::from(is_fallback), is_fallback);
        assert_eq!((rule.in_a_row, rule.rest, rule.is_exclusive), expected, "{name}");
        let replaces: &[&str] = if name == "maker_boost" { &["normalize"] } else { &[] };
        assert_eq!(rule.replaces, replaces, "{name}");
        let stable: &[Condition] =
            if name.starts_with("driver_") { &[(RISK, Below, 0.40), (NET, AtLeast, 3.0)] } else { &[] };
        assert_eq!(conditions(&rule.unless), stable, "{name}");
    }
}
