//! What `run` works by where nobody says otherwise, row by row.

use crate::core::iteration::params::ParamName;
use crate::core::kpi::KpiId;
use crate::core::policy::Step;
use crate::core::policy::read;
use crate::core::policy::run::Movement::{Add, AtLeast as Reach, Multiply};
use crate::core::policy::run::{Bound, Movement, RunPolicy, TunerRule};
use crate::core::verdict::Comparison::{Above, AtLeast, AtMost, Below};
use crate::core::verdict::{Comparison, LimitSource};

fn built_in() -> RunPolicy {
    read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).run
}

fn plain(bounds: &[Bound]) -> Vec<(KpiId, Comparison, f64)> {
    bounds.iter().map(|bound| (bound.kpi, bound.comparison, bound.limit.value)).collect()
}

fn names(params: &[ParamName]) -> Vec<&str> {
    params.iter().map(ParamName::as_str).collect()
}

#[test]
fn eleven_parameters_have_bounds_a_speed_and_a_default() {
    // Name, unit, lowest, highest, per hour, default, whole, subsystem.
    let expected = [
        ("min_interval_ms", "ms", 40.0, 80.0, 30.0, 60.0, true, "rebid"),
        ("replace_rate_per_min", "1/min", 200.0, 320.0, 60.0, 300.0, true, "rebid"),
        ("base_spread_bps_delta", "bps", 0.08, 0.25, 0.10, 0.14, false, "rebid"),
        ("impact_cap_ratio", "ratio", 0.08, 0.12, 0.04, 0.10, false, "edge"),
        ("max_delta_ratio", "ratio", 0.10, 0.16, 0.04, 0.15, false, "edge"),
        ("tail_age_ms", "ms", 500.0, 800.0, 150.0, 600.0, true, "edge"),
        ("concurrency_limit", "count", 1.0, 64.0, 4.0, 10.0, true, "edge"),
        ("rescue_max_ratio", "ratio", 0.0, 1.0, 0.10, 0.30, false, "rescue_taker"),
        ("rescue_min_edge_bps", "bps", 0.0, 10.0, 1.0, 1.0, false, "rescue_taker"),
        ("rescue_cooldown_ms", "ms", 0.0, 5000.0, 500.0, 500.0, true, "rescue_taker"),
        ("position_limit_ratio", "ratio", 0.2, 1.0, 0.10, 1.0, false, "risk"),
    ];
    let run = built_in();
    let found: Vec<_> = run
        .parameters
        .iter()
        .map(|p| {
            let subsystem = p.subsystem.as_str();
            let name = p.name.as_str();
            let (speed, whole) = (p.max_change_per_hour, p.is_whole);
            (name, p.unit.as_str(), p.lowest, p.highest, speed, p.default, whole, subsystem)
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn two_profiles_set_every_parameter() {
    let order = [
        "min_interval_ms",
        "replace_rate_per_min",
        "base_spread_bps_delta",
        "impact_cap_ratio",
        "max_delta_ratio",
        "tail_age_ms",
        "concurrency_limit",
        "rescue_max_ratio",
        "rescue_min_edge_bps",
        "rescue_cooldown_ms",
        "position_limit_ratio",
    ];
    let expected = [
        ("steady_safe", [75.0, 250.0, 0.15, 0.08, 0.15, 740.0, 10.0, 0.20, 1.5, 750.0, 0.9]),
        ("ultra_safe", [80.0, 220.0, 0.18, 0.08, 0.12, 780.0, 8.0, 0.10, 2.0, 1000.0, 0.8]),
    ];
    let run = built_in();
    assert_eq!(run.profiles.len(), expected.len());
    for (name, values) in expected {
        let profile = run.profile(name).expect("built in");
        assert_eq!(profile.values.len(), order.len());
        for (param, value) in order.into_iter().zip(values) {
            assert_eq!(profile.values.get(&ParamName::flat(param)), Some(value), "{name} {param}");
        }
        let (key, origin) = (format!("profiles.{name}"), "built-in policy".to_owned());
        assert_eq!(profile.source, LimitSource { key, origin });
    }
}

#[test]
fn two_presets_change_values() {
    let expected = [
        (
            "maker_bias_uplift_v1",
            vec![
                ("base_spread_bps_delta", Step::Add(0.01)),
                ("min_interval_ms", Step::Add(15.0)),
                ("replace_rate_per_min", Step::Multiply(0.90)),
                ("impact_cap_ratio", Step::Multiply(0.95)),
                ("max_delta_ratio", Step::Multiply(0.95)),
                ("rescue_max_ratio", Step::Multiply(0.85)),
                ("rescue_min_edge_bps", Step::Add(0.5)),
                ("rescue_cooldown_ms", Step::Add(250.0)),
            ],
        ),
        (
            "warmup_conservative_v1",
            vec![
                ("base_spread_bps_delta", Step::Add(0.03)),
                ("min_interval_ms", Step::Add(25.0)),
                ("replace_rate_per_min", Step::Multiply(0.75)),
                ("impact_cap_ratio", Step::Multiply(0.85)),
                ("max_delta_ratio", Step::Multiply(0.85)),
                ("tail_age_ms", Step::Add(100.0)),
                ("rescue_max_ratio", Step::Multiply(0.70)),
                ("rescue_min_edge_bps", Step::Add(0.8)),
                ("rescue_cooldown_ms", Step::Add(400.0)),
                ("position_limit_ratio", Step::Multiply(0.80)),
            ],
        ),
    ];
    let run = built_in();
    let found: Vec<_> = run
        .presets
        .iter()
        .map(|preset| {
            let changes: Vec<_> =
                preset.changes.iter().map(|(param, step)| (param.as_str(), *step)).collect();
            (preset.name.as_str(), changes)
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn four_iterations_warm_up_and_two_go_back() {
    let phases = built_in().phases;
    assert_eq!((phases.warmup_iterations, phases.rampdown_iterations), (4, 2));
    assert_eq!(phases.warmup_preset, "warmup_conservative_v1");
}

#[test]
fn an_iteration_warns_and_fails_by_these_limits() {
    let rules = built_in().iteration_verdict;
    let warn = [(KpiId::RISK_RATIO, Above, 0.40), (KpiId::ADVERSE_BPS_P95, Above, 3.0)];
    assert_eq!(plain(&rules.warn), warn);
    assert_eq!(plain(&rules.warmup_warn), [(KpiId::P95_LATENCY_MS, Above, 350.0)]);
    assert_eq!(plain(&rules.fail), [(KpiId::RISK_RATIO, Above, 0.50), (KpiId::NET_BPS, Below, 2.0)]);
    assert_eq!(rules.fail[1].limit.source.key, "iteration_verdict.fail.net.limit");
}

#[test]
fn patience_ends_after_three() {
    let patience = built_in().patience;
    assert_eq!((patience.panic_after_fails, patience.failed_collections), (3, 3));
    assert_eq!(patience.panic_profile, "steady_safe");
    assert_eq!((patience.child_grace_seconds, patience.child_kill_after_seconds), (30.0, 5.0));
}

#[test]
fn a_run_names_its_source_measures_at_the_start_and_notices_steps_of_two_seconds() {
    assert_eq!(built_in().measuring, crate::run::fixture::measuring());
}

#[test]
fn a_widened_spread_keeps_the_interval() {
    let cautions = built_in().cautions;
    assert_eq!(cautions.len(), 1);
    assert_eq!(cautions[0].name, "spread_and_interval");
    assert_eq!(cautions[0].raised.as_str(), "base_spread_bps_delta");
    assert_eq!(cautions[0].keeps.as_str(), "min_interval_ms");
}

#[test]
fn the_guards_have_their_numbers() {
    let guards = built_in().guards;
    let stable = [(KpiId::RISK_RATIO, AtMost, 0.35), (KpiId::NET_BPS, AtLeast, 2.7)];
    assert_eq!(plain(&guards.freeze.when), stable);
    assert_eq!((guards.freeze.in_a_row, guards.freeze.lasts), (2, 4));
    assert_eq!(names(&guards.freeze.parameters), ["impact_cap_ratio", "max_delta_ratio"]);
    assert_eq!(guards.oscillation.tolerance, 1e-6);
    assert_eq!((guards.velocity.window_seconds, guards.velocity.warmup_factor), (3600.0, 1.5));
    assert_eq!((guards.cooldown.large_step, guards.cooldown.iterations), (0.5, 2));
    assert_eq!((guards.micro_steps.keys, guards.micro_steps.rest), (2, 1));
    let partial = guards.partial_freeze;
    assert_eq!((partial.applied_values, partial.relative_range, partial.direction_changes), (5, 0.15, 2));
    assert_eq!(partial.oscillation_freezes, ["rebid", "rescue_taker"]);
    assert_eq!(plain(&partial.latency_when), [(KpiId::P95_LATENCY_MS, AtLeast, 360.0)]);
    assert_eq!(partial.latency_freezes, ["rebid"]);
    assert_eq!((partial.open_after_ms, partial.close_after_ms, partial.minimum_ms), (2500.0, 4000.0, 3000.0));
}

#[test]
fn prometheus_is_asked_for_the_kpis_of_the_verdict_and_may_lack_the_rest() {
    let run = built_in();
    let metrics = |is_optional: bool| -> Vec<&str> {
        let queries = run.queries.iter().filter(|query| query.is_optional == is_optional);
        queries.map(|query| query.metric.as_str()).collect()
    };
    assert_eq!(metrics(false), ["net_bps", "risk_ratio", "maker_taker_ratio", "p95_latency_ms"]);
    assert_eq!(
        metrics(true),
        [
            "adverse_bps_p95",
            "slippage_bps_p95",
            "gross_bps",
            "cancel_ratio",
            "order_age_p95_ms",
            "ws_lag_p95_ms",
            "min_interval_ratio",
            "concurrency_ratio",
            "tick_latency_ms.p50",
            "tick_latency_ms.p95",
            "mm_hit_ratio",
            "mm_maker_share_ratio",
            "mm_deadline_miss_rate",
            "error_ratio",
            "ws_lag_max_ms",
        ]
    );
    assert!(
        run.queries.iter().all(|query| query.query.contains("$window") && query.query.contains("$selector"))
    );
}

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
fn the_rows_of_the_tuner_are_in_the_published_order_with_the_published_steps() {
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
