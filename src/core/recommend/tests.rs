//! Which rules speak, and what they come to together.

use super::*;
use crate::core::guards::{Guard, GuardSet};
use crate::core::policy::Limit;
use crate::core::verdict::{Comparison, LimitSource};

fn when(subject: Subject, comparison: Comparison, limit: f64) -> Condition {
    let source = LimitSource { key: "recommendations".into(), origin: "test".into() };
    Condition { subject, comparison, limit: Limit { value: limit, source } }
}

fn mean(kpi: KpiId) -> Subject {
    Subject::Kpi(kpi, Statistic::Mean)
}

fn rule(name: &str, conditions: Vec<Condition>, changes: &[(&str, Step)]) -> RecommendationRule {
    let changes = changes.iter().map(|(param, step)| (ParamName::flat(param), *step)).collect();
    RecommendationRule { name: name.to_owned(), conditions, changes }
}

fn high_risk() -> RecommendationRule {
    let conditions = vec![when(mean(KpiId::RISK_RATIO), Comparison::Above, 0.42)];
    rule(
        "high_risk",
        conditions,
        &[("base_spread_bps", Step::Add(0.03)), ("min_interval_ms", Step::Add(35.0))],
    )
}

fn low_maker() -> RecommendationRule {
    let conditions = vec![when(mean(KpiId::MAKER_TAKER_RATIO), Comparison::Below, 0.85)];
    rule(
        "low_maker",
        conditions,
        &[("base_spread_bps", Step::Add(0.015)), ("replace_rate_per_min", Step::Multiply(0.85))],
    )
}

fn low_edge() -> RecommendationRule {
    let conditions = vec![
        when(mean(KpiId::NET_BPS), Comparison::Below, 2.7),
        when(mean(KpiId::MAKER_TAKER_RATIO), Comparison::AtLeast, 0.5),
    ];
    rule("low_edge", conditions, &[("base_spread_bps", Step::Add(-0.01))])
}

fn guard_rule(name: &str, guard: Guard, limit: f64, factor: f64) -> RecommendationRule {
    let conditions = vec![when(Subject::Guard(guard), Comparison::Above, limit)];
    rule(name, conditions, &[("max_delta_per_hour", Step::Multiply(factor))])
}

fn evaluated(
    rules: &[RecommendationRule],
    values: &[(KpiId, f64)],
    guards: GuardCounts,
) -> Vec<Recommendation> {
    let kpi = |id, statistic| {
        assert_eq!(statistic, Statistic::Mean);
        values.iter().find(|(known, _)| *known == id).map(|(_, value)| *value)
    };
    evaluate(rules, kpi, &guards)
}

fn spoke(guards: &[Guard]) -> GuardCounts {
    GuardCounts::over(guards.iter().map(|guard| {
        let mut set = GuardSet::default();
        set.insert(*guard);
        set
    }))
}

fn steps(found: &[Recommendation]) -> Vec<(&str, Step, bool)> {
    found.iter().map(|have| (have.param.as_str(), have.step, have.conflict)).collect()
}

#[test]
fn a_rule_applies_only_beyond_its_limit_and_never_on_a_missing_value() {
    let count = |values: &[(KpiId, f64)]| evaluated(&[high_risk()], values, GuardCounts::default()).len();
    assert_eq!(count(&[(KpiId::RISK_RATIO, 0.419)]), 0);
    assert_eq!(count(&[(KpiId::RISK_RATIO, 0.42)]), 0);
    assert_eq!(count(&[(KpiId::RISK_RATIO, 0.421)]), 2);
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&[(KpiId::RISK_RATIO, f64::NAN)]), 0);
}

#[test]
fn all_conditions_must_hold_and_the_rationale_tells_them_all() {
    let found = |values: &[(KpiId, f64)]| evaluated(&[low_edge()], values, GuardCounts::default());
    assert_eq!(found(&[(KpiId::NET_BPS, 2.0), (KpiId::MAKER_TAKER_RATIO, 0.4)]), []);
    assert_eq!(found(&[(KpiId::NET_BPS, 2.0)]), []);
    let both = found(&[(KpiId::NET_BPS, 2.0), (KpiId::MAKER_TAKER_RATIO, 0.5)]);
    assert_eq!(both[0].rationales, ["mean net_bps 2.00 < 2.7 and mean maker_taker_ratio 0.500 >= 0.5"]);
}

#[test]
fn the_strongest_step_stays_with_all_rationales_whatever_the_order_of_the_rules() {
    let values = [(KpiId::RISK_RATIO, 0.5), (KpiId::MAKER_TAKER_RATIO, 0.8)];
    for rules in [[high_risk(), low_maker()], [low_maker(), high_risk()]] {
        let found = evaluated(&rules, &values, GuardCounts::default());
        assert_eq!(
            steps(&found),
            [
                ("base_spread_bps", Step::Add(0.03), false),
                ("min_interval_ms", Step::Add(35.0), false),
                ("replace_rate_per_min", Step::Multiply(0.85), false),
            ]
        );
        assert_eq!(found[0].rules, rules.each_ref().map(|rule| rule.name.clone()));
        assert_eq!(found[0].rationales.len(), 2);
    }
}

#[test]
fn the_smaller_of_two_reducing_factors_is_the_stronger() {
    let oscillation = guard_rule("oscillation", Guard::Oscillation, 1.0, 0.8);
    let velocity = guard_rule("velocity", Guard::Velocity, 0.0, 0.9);
    let guards = spoke(&[Guard::Oscillation, Guard::Oscillation, Guard::Velocity]);
    let found = evaluated(&[oscillation.clone(), velocity.clone()], &[], guards);
    assert_eq!(steps(&found), [("max_delta_per_hour", Step::Multiply(0.8), false)]);
    let expected = ["iterations with oscillation 2 > 1", "iterations with velocity 1 > 0"];
    assert_eq!(found[0].rationales, expected);
    let once = evaluated(&[oscillation, velocity], &[], spoke(&[Guard::Oscillation]));
    assert_eq!(once, []);
}

#[test]
fn opposite_directions_are_both_told_and_marked() {
    let values = [(KpiId::RISK_RATIO, 0.5), (KpiId::NET_BPS, 1.0), (KpiId::MAKER_TAKER_RATIO, 0.9)];
    let found = evaluated(&[low_edge(), high_risk()], &values, GuardCounts::default());
    assert_eq!(
        steps(&found),
        [
            ("base_spread_bps", Step::Add(0.03), true),
            ("base_spread_bps", Step::Add(-0.01), true),
            ("min_interval_ms", Step::Add(35.0), false),
        ]
    );
}

#[test]
fn an_addition_and_a_multiplication_in_one_direction_both_stay() {
    let conditions = || vec![when(mean(KpiId::RISK_RATIO), Comparison::Above, 0.42)];
    let multiply = rule("multiply", conditions(), &[("tail_age_ms", Step::Multiply(1.1))]);
    let add = rule("add", conditions(), &[("tail_age_ms", Step::Add(75.0))]);
    let found = evaluated(&[multiply, add], &[(KpiId::RISK_RATIO, 0.5)], GuardCounts::default());
    assert_eq!(
        steps(&found),
        [("tail_age_ms", Step::Add(75.0), false), ("tail_age_ms", Step::Multiply(1.1), false),]
    );
}

#[test]
fn a_step_that_changes_nothing_and_a_rule_without_conditions_are_no_advice() {
    let conditions = || vec![when(mean(KpiId::RISK_RATIO), Comparison::Above, 0.42)];
    let idle =
        rule("idle", conditions(), &[("tail_age_ms", Step::Add(0.0)), ("tick_size", Step::Multiply(1.0))]);
    let always = rule("always", vec![], &[("tail_age_ms", Step::Add(75.0))]);
    assert_eq!(evaluated(&[idle, always], &[(KpiId::RISK_RATIO, 0.5)], GuardCounts::default()), []);
}

#[test]
fn a_rationale_never_shows_a_value_as_equal_to_the_limit_that_it_misses() {
    assert_eq!(shown(0.450_12, 0.42, 3), "0.450");
    assert_eq!(shown(2.699_96, 2.7, 2), "2.69996");
    assert_eq!(shown(350.4, 350.0, 0), "350.4");
    assert_eq!(shown(0.0, 0.0, 2), "0.00");
    assert_eq!(shown(0.1 + 0.2, 0.3, 3), "0.30000000000000004");
}
