//! The built-in policy holds the numbers that were decided on. They stand here a second time, on purpose.

use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::ParamName;
use crate::core::kpi::KpiId;
use crate::core::policy::{FreezeRule, GateSet, Policy, Statistic, Step, Subject, WindowSpec};
use crate::core::verdict::Comparison::{Above, AtLeast, AtMost, Below};
use crate::core::verdict::{Comparison, Outcome, Severity};

use super::super::read;
use super::with_file;

fn built_in() -> Policy {
    read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

/// KPI, statistic, comparison, limit.
type Row = (KpiId, Statistic, Comparison, f64);

fn rows(set: &GateSet) -> Vec<Row> {
    set.checks.iter().map(|gate| (gate.kpi, gate.statistic, gate.comparison, gate.limit.value)).collect()
}

#[test]
fn the_windows_are_the_last_eight_and_from_seven_on() {
    let policy = built_in();
    assert_eq!((policy.windows.last_n, policy.windows.steady_start), (8, 7));
}

#[test]
fn time_is_evidence_by_four_limits() {
    let rules = built_in().integrity;
    let limits = [&rules.elapsed_share, &rules.gap_intervals, &rules.ahead_minutes].map(|limit| limit.value);
    assert_eq!(limits, [0.9, 5.0, 5.0]);
    assert_eq!(rules.time_steps, Outcome::Warn);
}

#[test]
fn an_iteration_passes_by_four_limits() {
    let set = built_in().iteration_pass;
    let expected = [
        (KpiId::NET_BPS, Statistic::Each, AtLeast, 2.7),
        (KpiId::RISK_RATIO, Statistic::Each, AtMost, 0.42),
        (KpiId::MAKER_TAKER_RATIO, Statistic::Each, AtLeast, 0.85),
        (KpiId::P95_LATENCY_MS, Statistic::Each, AtMost, 350.0),
    ];
    assert_eq!(rows(&set), expected);
    assert!(set.checks.iter().all(|gate| gate.severity == Severity::Hard && gate.margin == 0.0));
    assert!(set.checks.iter().all(|gate| gate.window == WindowSpec::LastN && gate.min_iterations == 1));
    assert_eq!(set.name, "iteration_pass");
}

#[test]
fn mock_iterations_pass_by_relaxed_limits() {
    let expected = [
        (KpiId::NET_BPS, Statistic::Each, AtLeast, -10.0),
        (KpiId::RISK_RATIO, Statistic::Each, AtMost, 0.50),
        (KpiId::MAKER_TAKER_RATIO, Statistic::Each, AtLeast, 0.50),
        (KpiId::P95_LATENCY_MS, Statistic::Each, AtMost, 500.0),
    ];
    assert_eq!(rows(&built_in().iteration_pass_mock), expected);
}

#[test]
fn the_run_verdict_asks_for_six_and_five_of_eight_and_a_freeze() {
    let rule = built_in().run_verdict;
    assert_eq!(rule.window, WindowSpec::LastN);
    assert_eq!((rule.pass_share.value * 8.0, rule.warn_share.value * 8.0), (6.0, 5.0));
    assert_eq!(rule.min_iterations, 8);
    assert_eq!(rule.freeze, FreezeRule::Require);
    assert_eq!(rule.freeze_source.key, "run_verdict.freeze");
    assert_eq!(rule.freeze_source.origin, "built-in policy");
}

#[test]
fn readiness_looks_at_medians_of_the_last_eight() {
    let policy = built_in();
    let expected = [
        (KpiId::NET_BPS, Statistic::Median, AtLeast, 2.9),
        (KpiId::RISK_RATIO, Statistic::Median, AtMost, 0.40),
        (KpiId::MAKER_TAKER_RATIO, Statistic::Median, AtLeast, 0.83),
        (KpiId::P95_LATENCY_MS, Statistic::Median, AtMost, 330.0),
    ];
    assert_eq!(rows(&policy.readiness), expected);
    assert!(!policy.readiness.gates);
    assert!(policy.readiness.checks.iter().all(|gate| gate.min_iterations == 8));
    assert_eq!(policy.readiness_warn_below_iterations, 16);
}

#[test]
fn each_goal_has_its_own_statistic() {
    let set = built_in().goals;
    let expected = [
        (KpiId::NET_BPS, Statistic::Mean, AtLeast, 2.5),
        (KpiId::RISK_RATIO, Statistic::Median, AtMost, 0.40),
        (KpiId::MAKER_TAKER_RATIO, Statistic::Mean, AtLeast, 0.83),
        (KpiId::P95_LATENCY_MS, Statistic::Max, AtMost, 340.0),
    ];
    assert_eq!(rows(&set), expected);
    assert!(!set.gates);
}

#[test]
fn violations_have_two_levels_in_every_iteration() {
    let rules = built_in().violations;
    assert!(!rules.gates);
    assert_eq!(rules.window, WindowSpec::Overall);
    let levels: Vec<_> = rules
        .rules
        .iter()
        .map(|rule| (rule.kpi, rule.warn_when, rule.warn.value, rule.crit_when, rule.crit.value))
        .collect();
    let expected = [
        (KpiId::NET_BPS, Below, 3.0, Below, 2.5),
        (KpiId::RISK_RATIO, Above, 0.36, AtLeast, 0.40),
        (KpiId::MAKER_TAKER_RATIO, Below, 0.75, Below, 0.70),
        (KpiId::P95_LATENCY_MS, Above, 330.0, Above, 350.0),
    ];
    assert_eq!(levels, expected);
}

#[test]
fn an_edge_report_has_seven_limits() {
    let policy = built_in();
    let limits: Vec<_> = policy
        .edge_report
        .iter()
        .map(|rule| {
            let warn = rule.warn.as_ref().map(|warn| warn.value);
            (rule.metric.as_str(), rule.miss_when, warn, rule.fail.value)
        })
        .collect();
    let expected = [
        ("adverse_bps_p95", Above, Some(4.0), 6.0),
        ("slippage_bps_p95", Above, Some(3.0), 5.0),
        ("cancel_ratio", Above, Some(0.55), 0.70),
        ("order_age_p95_ms", Above, Some(330.0), 360.0),
        ("ws_lag_p95_ms", Above, Some(120.0), 180.0),
        ("net_bps", Below, None, 2.5),
        ("maker_share_pct", Below, None, 85.0),
    ];
    assert_eq!(limits, expected);
}

#[test]
fn the_long_report_has_four_hard_and_two_soft_gates() {
    let policy = built_in();
    let gates: Vec<_> = policy
        .run_gates
        .iter()
        .map(|gate| {
            (gate.name.as_str(), gate.metric.as_str(), gate.severity, gate.comparison, gate.limit.value)
        })
        .collect();
    let expected = [
        ("latency_p95", "tick_latency_ms.p95", Severity::Hard, AtMost, 150.0),
        ("hit_ratio", "mm_hit_ratio", Severity::Hard, AtLeast, 0.70),
        ("deadline_miss_rate", "mm_deadline_miss_rate", Severity::Hard, AtMost, 0.02),
        ("edge_bps", "mm_edge_bps_ema24h", Severity::Hard, AtLeast, 2.0),
        ("maker_share", "mm_maker_share_ratio", Severity::Soft, AtLeast, 0.85),
        ("ws_lag", "ws_lag_max_ms", Severity::Soft, AtMost, 200.0),
    ];
    assert_eq!(gates, expected);
}

#[test]
fn deltas_anomalies_and_trend_have_their_limits() {
    let policy = built_in();
    assert!(policy.deltas.gates);
    assert_eq!(policy.deltas.full_apply_ratio.value, 0.90);
    assert_eq!(policy.deltas.full_apply_ratio_strict.value, 0.95);
    assert_eq!(policy.deltas.signature_stuck_max.value, 1.0);
    assert!(!policy.anomalies.gates);
    assert_eq!(policy.anomalies.latency_spike.value, 400.0);
    assert_eq!(policy.anomalies.risk_jump.value, 0.15);
    assert_eq!(policy.anomalies.maker_drop.value, 0.75);
    assert_eq!(policy.trend_relative_change.value, 0.05);
    let floors = policy.drift.floors.each_ref().map(|floor| floor.value);
    assert_eq!(floors, [1.0, 1.0, 0.5, 0.5]);
}

#[test]
fn drift_warns_and_its_three_tables_share_a_rate_of_false_alarms_of_five_percent() {
    let policy = built_in();
    let drift = &policy.drift;
    assert!(drift.gates && drift.severity == Severity::Soft);
    assert_eq!((drift.min_iterations, drift.relative_change.value), (48, 0.05));
    let course = [&policy.kpi_drift.course, &policy.change_points.course];
    for rules in course {
        assert!(rules.gates && rules.severity == Severity::Soft && !rules.insists());
        assert_eq!((rules.min_iterations.value, rules.relative_change.value), (48.0, 0.05));
    }
    let rates = course.map(|rules| rules.false_alarm_rate.value).iter().sum::<f64>();
    assert!((rates + drift.false_alarm_rate.value - 0.05).abs() < 1e-12);
    let horizon = policy.kpi_drift.horizon.expect("a soft drift can fail");
    assert_eq!((horizon.hours.value, horizon.spans.value), (168.0, 3.0));
    let never = with_file("[kpi_drift]\nhorizon_hours = \"none\"").expect("a policy");
    assert_eq!(never.kpi_drift.horizon, None);
    for wrong in ["0", "-1", "\"never\""] {
        assert!(with_file(&format!("[kpi_drift]\nhorizon_hours = {wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn nine_rules_give_advice_in_this_order() {
    let policy = built_in();
    let mean = |kpi| Subject::Kpi(kpi, Statistic::Mean);
    let median_maker = Subject::Kpi(KpiId::MAKER_TAKER_RATIO, Statistic::Median);
    let (add, multiply) = (Step::Add, Step::Multiply);
    let expected = [
        (
            "high_risk",
            vec![(mean(KpiId::RISK_RATIO), Above, 0.42)],
            vec![("base_spread_bps_delta", add(0.03)), ("min_interval_ms", add(35.0))],
        ),
        (
            "low_maker_share",
            vec![(mean(KpiId::MAKER_TAKER_RATIO), Below, 0.85)],
            vec![("base_spread_bps_delta", add(0.015)), ("replace_rate_per_min", multiply(0.85))],
        ),
        (
            "maker_share_not_ready",
            vec![(median_maker.clone(), Below, 0.83)],
            vec![
                ("min_interval_ms", add(15.0)),
                ("rescue_max_ratio", multiply(0.85)),
                ("rescue_min_edge_bps", add(0.5)),
            ],
        ),
        (
            "maker_share_has_room",
            vec![(median_maker, Below, 0.83), (mean(KpiId::ADVERSE_BPS_P95), AtMost, 3.5)],
            vec![("impact_cap_ratio", add(0.005)), ("max_delta_ratio", add(0.005))],
        ),
        (
            "adverse_selection",
            vec![(mean(KpiId::ADVERSE_BPS_P95), Above, 3.5)],
            vec![("impact_cap_ratio", add(-0.01)), ("max_delta_ratio", add(-0.01))],
        ),
        (
            "high_latency",
            vec![(mean(KpiId::P95_LATENCY_MS), Above, 350.0)],
            vec![("concurrency_limit", multiply(0.85)), ("tail_age_ms", add(75.0))],
        ),
        (
            "oscillation",
            vec![(Subject::Guard(Guard::Oscillation), Above, 1.0)],
            vec![("cooldown_iters", add(1.0)), ("max_delta_per_hour", multiply(0.8))],
        ),
        (
            "velocity",
            vec![(Subject::Guard(Guard::Velocity), Above, 0.0)],
            vec![("max_delta_per_hour", multiply(0.9))],
        ),
        (
            "low_edge",
            vec![(mean(KpiId::NET_BPS), Below, 2.7), (mean(KpiId::RISK_RATIO), AtMost, 0.40)],
            vec![("base_spread_bps_delta", add(0.01))],
        ),
    ];
    assert_eq!(policy.recommendations.len(), expected.len());
    for (rule, (name, conditions, changes)) in policy.recommendations.iter().zip(expected) {
        assert_eq!(rule.name, name);
        let found: Vec<_> =
            rule.conditions.iter().map(|c| (c.subject.clone(), c.comparison, c.limit.value)).collect();
        assert_eq!(found, conditions, "{name}");
        let changes: Vec<_> =
            changes.into_iter().map(|(param, step)| (ParamName::flat(param), step)).collect();
        assert_eq!(rule.changes, changes, "{name}");
    }
}

#[test]
fn no_kpi_is_declared_and_every_value_says_where_it_comes_from() {
    let policy = built_in();
    assert_eq!(policy.kpis.len(), 16);
    assert!(policy.effective.iter().all(|entry| entry.origin == "built-in policy"));
    assert!(policy.effective.windows(2).all(|pair| pair[0].key < pair[1].key));
    let source = &policy.readiness.checks[0].limit.source;
    assert_eq!(source.key, "readiness.kpi.net_bps.limit");
    assert_eq!(source.origin, "built-in policy");
}

#[test]
fn a_release_needs_sixteen_iterations_and_95_percent_of_the_tuning() {
    let release = built_in().release;
    assert_eq!((release.min_iterations, release.full_apply_ratio.value), (16, 0.95));
    assert!(release.is_simulated("sim") && release.is_simulated("exec, sim") && release.is_simulated("mock"));
    assert!(!release.is_simulated("prometheus") && !release.is_simulated("simple"));
    assert_eq!(release.service, crate::core::policy::release::Service::default());
}

#[test]
fn the_readiness_score_is_that_of_the_documents() {
    let score = built_in().release.score;
    let points = [
        &score.edge.points,
        &score.latency.points,
        &score.taker.points,
        &score.guards,
        &score.chaos,
        &score.tests,
    ];
    assert_eq!(points.map(|points| points.value), [30.0, 25.0, 15.0, 10.0, 10.0, 10.0]);
    assert_eq!(
        [&score.edge, &score.latency, &score.taker].map(|scored| scored.limit.value),
        [2.5, 350.0, 15.0]
    );
    assert_eq!((score.days, score.regression_share.value, score.warn_share.value), (7, 0.10, 0.10));
}

#[test]
fn the_canary_is_looked_at_in_three_hours_and_rolled_back_within_ten_minutes() {
    use crate::core::policy::release::CanaryBound;
    let canary = built_in().release.canary;
    assert_eq!((canary.watch_hours_min, canary.watch_hours_max), (24.0, 48.0));
    assert_eq!((canary.step_minutes, canary.rollback_minutes, canary.full_minutes), (5, 10, 30));
    assert_eq!((canary.window_minutes, canary.statistic, canary.misses), (60, Statistic::Mean, 2));
    assert_eq!((canary.seen_share.value, canary.longest_gap_minutes.value), (0.9, 15.0));
    assert!(canary.triggers.iter().all(|trigger| !trigger.is_optional));
    let fixed = |index: usize| -> Vec<(KpiId, Comparison, f64)> {
        let limits = &canary.checkpoints[index].limits;
        let fixed = limits.iter().filter_map(|limit| match &limit.bound {
            CanaryBound::Fixed(bound) => Some((limit.kpi, limit.comparison, bound.value)),
            CanaryBound::FromSoak { .. } => None,
        });
        fixed.collect()
    };
    assert_eq!(canary.checkpoints.iter().map(|hour| hour.after_hours).collect::<Vec<_>>(), [1.0, 6.0, 24.0]);
    let risk = |value| (KpiId::RISK_RATIO, AtMost, value);
    let maker = |value| (KpiId::MAKER_TAKER_RATIO, AtLeast, value);
    let p95 = |value| (KpiId::P95_LATENCY_MS, AtMost, value);
    assert_eq!(fixed(0), [risk(0.50), maker(0.75), p95(400.0)]);
    assert_eq!(fixed(1), [(KpiId::NET_BPS, Above, 0.0), risk(0.45), maker(0.80), p95(350.0)]);
    assert_eq!(fixed(2), []);
    let from_soak = canary.checkpoints[2].limits.iter().map(|limit| match &limit.bound {
        CanaryBound::FromSoak { statistic, margin, decimals } => {
            (limit.kpi, *statistic, margin.value, *decimals)
        }
        CanaryBound::Fixed(_) => panic!("hour 24 follows the soak"),
    });
    assert_eq!(
        from_soak.collect::<Vec<_>>(),
        [
            (KpiId::NET_BPS, Statistic::Mean, 0.4, 1),
            (KpiId::RISK_RATIO, Statistic::Median, 0.03, 2),
            (KpiId::MAKER_TAKER_RATIO, Statistic::Mean, 0.02, 2),
            (KpiId::P95_LATENCY_MS, Statistic::Max, 20.0, 0),
        ]
    );
    let triggers = canary.triggers.iter().map(|trigger| {
        (trigger.metric.as_str(), trigger.comparison, trigger.limit.value, trigger.for_minutes)
    });
    assert_eq!(
        triggers.collect::<Vec<_>>(),
        [
            ("maker_taker_ratio", Below, 0.70, 5),
            ("p95_latency_ms", Above, 500.0, 5),
            ("risk_ratio", Above, 0.60, 5),
            ("net_bps", Below, 0.0, 10),
            ("error_ratio", Above, 0.05, 5),
        ]
    );
    assert_eq!(
        canary.stages.iter().map(|stage| (stage.percent, stage.hold_hours)).collect::<Vec<_>>(),
        [(5.0, 24.0), (25.0, 12.0), (50.0, 6.0), (100.0, 24.0)]
    );
}
