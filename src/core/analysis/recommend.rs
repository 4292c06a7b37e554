//! Advice on parameters: which rules of the policy apply, and what they come to together.
//!
//! Only advises; must not change anything. What the bounds of the parameters leave of it is in [`within`].

use std::cmp::Ordering;

use crate::core::iteration::guards::GuardCounts;
use crate::core::iteration::params::{ParamName, ParamValues, Parameter, Parameters, clean};
use crate::core::kpi::KpiId;
use crate::core::policy::{Condition, RecommendationRule, Statistic, Step, Subject};
use crate::core::text::number::{exact, fixed};

/// A step on a parameter that one or more rules require.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecommendationRow")]
pub struct Recommendation {
    /// The parameter.
    #[schemars(with = "String")]
    pub param: ParamName,
    /// The strongest of the steps that the rules require.
    pub step: Step,
    /// Where the step leads.
    #[serde(skip)]
    pub reach: Reach,
    /// Why, one sentence a rule, in the order of `rules`.
    pub rationales: Vec<String>,
    /// Names of the rules, in the order of the policy.
    pub rules: Vec<String>,
    /// Whether other rules require a step in the opposite direction.
    pub conflict: bool,
}

/// Where a step leads, as far as the value in force and the bounds are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// The parameter has no bounds.
    Unbounded,
    /// It has bounds, and nobody recorded its value.
    Within { lowest: f64, highest: f64 },
    /// From the value in force to one that the bounds allow.
    Move {
        /// The value in force.
        from: f64,
        /// The value advised.
        to: f64,
        /// Whether the bounds cut the step.
        shortened: bool,
    },
    /// The bounds leave nothing of the step.
    Spent {
        /// The value in force.
        value: f64,
        /// Smallest value allowed.
        lowest: f64,
        /// Largest value allowed.
        highest: f64,
    },
}

impl Reach {
    /// `75 -> 80 (bound)`, `within 40 to 80`, `80, at its bound (40 to 80)`; `None` without bounds.
    pub fn words(self) -> Option<String> {
        let number = |value| exact(value, 0);
        Some(match self {
            Self::Unbounded => return None,
            Self::Within { lowest, highest } => format!("within {} to {}", number(lowest), number(highest)),
            Self::Move { from, to, shortened } => {
                format!("{} -> {}{}", number(from), number(to), if shortened { " (bound)" } else { "" })
            }
            Self::Spent { value, lowest, highest } => {
                let place = if lowest <= value && value <= highest { "at" } else { "beyond" };
                format!("{}, {place} its bound ({} to {})", number(value), number(lowest), number(highest))
            }
        })
    }
}

impl Recommendation {
    /// `min_interval_ms 75 -> 80 (bound)`, or with the step where the value in force is unknown.
    pub fn words(&self) -> String {
        let step = match self.step {
            Step::Add(amount) if amount > 0.0 => format!("+{}", exact(amount, 0)),
            Step::Add(amount) => exact(amount, 0),
            Step::Multiply(factor) => format!("x{}", exact(factor, 2)),
        };
        match (self.reach, self.reach.words()) {
            (Reach::Move { .. } | Reach::Spent { .. }, Some(reach)) => format!("{} {reach}", self.param),
            (_, Some(reach)) => format!("{} {step} ({reach})", self.param),
            (_, None) => format!("{} {step}", self.param),
        }
    }

    /// Whether a rule about this KPI requires it. What else must hold for the rule is no subject of it.
    pub fn is_for(&self, kpi: KpiId, rules: &[RecommendationRule]) -> bool {
        let is_subject =
            |condition: &Condition| matches!(condition.subject, Subject::Kpi(of, _) if of == kpi);
        rules
            .iter()
            .filter(|rule| self.rules.contains(&rule.name))
            .any(|rule| rule.conditions.first().is_some_and(is_subject))
    }
}

/// Which way a step goes, and how: what can be compared without knowing the current value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    up: bool,
    multiplies: bool,
}

/// What the rules come to, sorted by parameter, up before down, additions before multiplications.
///
/// `kpi` gives a statistic over the last-n window, `None` when it is unknown. A rule applies when all its
/// conditions hold; an unknown statistic never lets one hold. Of several steps on one parameter in one
/// direction the strongest stays and all rationales are kept. An addition and a multiplication cannot be
/// ranked without the current value: both stay. Steps in opposite directions both stay, marked as a conflict.
pub fn evaluate(
    rules: &[RecommendationRule],
    kpi: impl Fn(KpiId, Statistic) -> Option<f64>,
    guards: &GuardCounts,
) -> Vec<Recommendation> {
    let mut found: Vec<(Way, Recommendation)> = Vec::new();
    for rule in rules {
        let held: Option<Vec<String>> =
            rule.conditions.iter().map(|condition| reported(condition, &kpi, guards)).collect();
        // A rule without conditions would always apply; it says nothing about the run.
        let Some(held) = held.filter(|held| !held.is_empty()) else { continue };
        let rationale = held.join(" and ");
        for (param, step) in &rule.changes {
            let Some(way) = way(*step) else { continue };
            match found.iter_mut().find(|(known, have)| *known == way && have.param == *param) {
                Some((_, have)) => {
                    if is_stronger(*step, have.step) {
                        have.step = *step;
                    }
                    if have.rules.last() != Some(&rule.name) {
                        have.rules.push(rule.name.clone());
                        have.rationales.push(rationale.clone());
                    }
                }
                None => found.push((
                    way,
                    Recommendation {
                        param: param.clone(),
                        step: *step,
                        reach: Reach::Unbounded,
                        rationales: vec![rationale.clone()],
                        rules: vec![rule.name.clone()],
                        conflict: false,
                    },
                )),
            }
        }
    }
    found.sort_by(|(a_way, a), (b_way, b)| {
        a.param.cmp(&b.param).then(b_way.up.cmp(&a_way.up)).then(a_way.multiplies.cmp(&b_way.multiplies))
    });
    let ways: Vec<(ParamName, bool)> = found.iter().map(|(way, have)| (have.param.clone(), way.up)).collect();
    found
        .into_iter()
        .map(|(way, have)| {
            let conflict = ways.iter().any(|(param, up)| *param == have.param && *up != way.up);
            Recommendation { conflict, ..have }
        })
        .collect()
}

/// The condition in words with what was seen, if it holds.
fn reported(
    condition: &Condition,
    kpi: impl Fn(KpiId, Statistic) -> Option<f64>,
    guards: &GuardCounts,
) -> Option<String> {
    let (comparison, limit) = (condition.comparison, condition.limit.value);
    let (observed, digits, what) = match condition.subject {
        Subject::Kpi(id, statistic) => {
            let known = id;
            (kpi(id, statistic)?, known.decimals(), format!("{} {}", statistic.word(), known.name))
        }
        Subject::Guard(guard) => (guards.of(guard) as f64, 0, format!("iterations with {}", guard.word())),
    };
    comparison
        .holds(observed, limit)
        .then(|| format!("{what} {} {} {limit}", shown(observed, limit, digits), comparison.symbol()))
}

/// The number with at least `digits` decimals, and as many more as it takes to be on the same side of the
/// limit as the number itself.
fn shown(observed: f64, limit: f64, digits: usize) -> String {
    (digits..17)
        .map(|digits| fixed(observed, digits))
        .find(|text| {
            text.parse::<f64>().is_ok_and(|rounded| rounded.total_cmp(&limit) == observed.total_cmp(&limit))
        })
        .unwrap_or_else(|| observed.to_string())
}

/// `None` for a step that changes nothing.
fn way(step: Step) -> Option<Way> {
    let (side, multiplies) = match step {
        Step::Add(amount) => (amount.partial_cmp(&0.0), false),
        Step::Multiply(factor) => (factor.partial_cmp(&1.0), true),
    };
    match side {
        Some(Ordering::Greater) => Some(Way { up: true, multiplies }),
        Some(Ordering::Less) => Some(Way { up: false, multiplies }),
        _ => None,
    }
}

/// Whether the first of two steps of the same way goes further.
fn is_stronger(step: Step, than: Step) -> bool {
    match (step, than) {
        (Step::Add(a), Step::Add(b)) => a.abs() > b.abs(),
        (Step::Multiply(a), Step::Multiply(b)) => (a - 1.0).abs() > (b - 1.0).abs(),
        _ => false,
    }
}

/// The advice that the bounds allow, and the advice of which they leave nothing.
///
/// `in_force` are sets of values, the one that counts first. A parameter that none of them has keeps its step and
/// names its bounds.
pub fn within(
    found: Vec<Recommendation>,
    parameters: &Parameters,
    in_force: &[&ParamValues],
) -> (Vec<Recommendation>, Vec<Recommendation>) {
    let (mut open, mut spent) = (Vec::new(), Vec::new());
    for advice in found {
        let Some(parameter) = parameters.get(&advice.param) else {
            open.push(advice);
            continue;
        };
        let (lowest, highest) = (parameter.lowest, parameter.highest);
        let value = in_force.iter().find_map(|values| values.get(&advice.param));
        let Some(value) = value.filter(|value| value.is_finite()) else {
            open.push(Recommendation { reach: Reach::Within { lowest, highest }, ..advice });
            continue;
        };
        let wanted = parameter.stepped(value, advice.step);
        let to = nearest(parameter, wanted);
        let delta = clean(to - value);
        let rises = way(advice.step).is_some_and(|way| way.up);
        if delta != 0.0 && (delta > 0.0) == rises {
            let shortened = to != wanted;
            let step = if shortened { Step::Add(delta) } else { advice.step };
            open.push(Recommendation { step, reach: Reach::Move { from: value, to, shortened }, ..advice });
        } else if to != wanted {
            spent.push(Recommendation { reach: Reach::Spent { value, lowest, highest }, ..advice });
        }
    }
    (open, spent)
}

/// The nearest value that the parameter takes; a bound between two whole numbers is met from inside.
fn nearest(parameter: &Parameter, wanted: f64) -> f64 {
    let (lowest, highest) = (parameter.lowest, parameter.highest);
    let (lowest, highest) =
        if parameter.is_whole { (lowest.ceil(), highest.floor()) } else { (lowest, highest) };
    wanted.min(highest).max(lowest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::guards::{Guard, GuardSet};
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
    fn a_rule_applies_only_outside_of_its_limit_and_never_on_a_missing_value() {
        let count = |values: &[(KpiId, f64)]| evaluated(&[high_risk()], values, GuardCounts::default()).len();
        assert_eq!(count(&[(KpiId::RISK_RATIO, 0.419)]), 0);
        assert_eq!(count(&[(KpiId::RISK_RATIO, 0.42)]), 0);
        assert_eq!(count(&[(KpiId::RISK_RATIO, 0.421)]), 2);
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(KpiId::RISK_RATIO, f64::NAN)]), 0);
    }

    #[test]
    fn all_conditions_must_hold_and_the_rationale_names_them_all() {
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
    fn opposite_directions_are_both_reported_and_marked() {
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
        let idle = rule(
            "idle",
            conditions(),
            &[("tail_age_ms", Step::Add(0.0)), ("tick_size", Step::Multiply(1.0))],
        );
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
}

#[cfg(test)]
mod bounds_tests {
    use super::*;
    use crate::core::iteration::params::ParamName;
    use crate::run::fixture;

    fn advice(param: &str, step: Step) -> Recommendation {
        Recommendation {
            param: ParamName::flat(param),
            step,
            reach: Reach::Unbounded,
            rationales: vec!["why".to_owned()],
            rules: vec!["rule".to_owned()],
            conflict: false,
        }
    }

    /// What is left of a step on a parameter of this value, in words, and what is not.
    fn left(param: &str, value: f64, step: Step) -> (Vec<String>, Vec<String>) {
        let parameters = Parameters::new(vec![fixture::parameter(param)]);
        let values = ParamValues::new(vec![(ParamName::flat(param), value)]);
        let (open, spent) = within(vec![advice(param, step)], &parameters, &[&values]);
        let words = |list: Vec<Recommendation>| list.iter().map(Recommendation::words).collect();
        (words(open), words(spent))
    }

    fn open(text: &str) -> (Vec<String>, Vec<String>) {
        (vec![text.to_owned()], vec![])
    }

    fn spent(text: &str) -> (Vec<String>, Vec<String>) {
        (vec![], vec![text.to_owned()])
    }

    // min_interval_ms lies within 40 and 80, replace_rate_per_min within 200 and 320, both whole.
    #[test]
    fn a_step_over_the_bound_ends_at_the_bound() {
        let up = Step::Add(35.0);
        // 45 + 35 = 80 is the bound itself, and nothing is cut off.
        assert_eq!(left("min_interval_ms", 45.0, up), open("min_interval_ms 45 -> 80"));
        assert_eq!(left("min_interval_ms", 46.0, up), open("min_interval_ms 46 -> 80 (bound)"));
        assert_eq!(left("min_interval_ms", 75.0, up), open("min_interval_ms 75 -> 80 (bound)"));
        // 300 × 0.85 = 255; 230 × 0.85 = 195.5.
        let down = Step::Multiply(0.85);
        assert_eq!(left("replace_rate_per_min", 300.0, down), open("replace_rate_per_min 300 -> 255"));
        assert_eq!(
            left("replace_rate_per_min", 230.0, down),
            open("replace_rate_per_min 230 -> 200 (bound)")
        );
        // 0.23 + 0.03 = 0.26, and 0.25 is the bound.
        assert_eq!(
            left("base_spread_bps_delta", 0.23, Step::Add(0.03)),
            open("base_spread_bps_delta 0.23 -> 0.25 (bound)")
        );
    }

    #[test]
    fn a_shortened_step_is_the_distance_to_the_bound() {
        let parameters = Parameters::new(vec![fixture::parameter("base_spread_bps_delta")]);
        let values = ParamValues::new(vec![(ParamName::flat("base_spread_bps_delta"), 0.23)]);
        let asked = vec![advice("base_spread_bps_delta", Step::Multiply(1.5))];
        // 0.23 × 1.5 = 0.345; 0.25 - 0.23 = 0.02.
        let (open, _) = within(asked, &parameters, &[&values]);
        assert_eq!(open[0].step, Step::Add(0.02));
    }

    #[test]
    fn at_the_bound_nothing_is_proposed_and_the_way_back_stays_open() {
        let up = Step::Add(35.0);
        assert_eq!(left("min_interval_ms", 80.0, up), spent("min_interval_ms 80, at its bound (40 to 80)"));
        assert_eq!(left("min_interval_ms", 80.0, Step::Add(-5.0)), open("min_interval_ms 80 -> 75"));
        let down = Step::Multiply(0.85);
        assert_eq!(
            left("replace_rate_per_min", 200.0, down),
            spent("replace_rate_per_min 200, at its bound (200 to 320)")
        );
    }

    #[test]
    fn a_value_out_of_bounds_is_never_led_further_out_and_back_only_as_far_as_is_allowed() {
        assert_eq!(
            left("min_interval_ms", 90.0, Step::Add(35.0)),
            spent("min_interval_ms 90, beyond its bound (40 to 80)")
        );
        // 90 - 5 = 85 would still be refused.
        assert_eq!(left("min_interval_ms", 90.0, Step::Add(-5.0)), open("min_interval_ms 90 -> 80 (bound)"));
    }

    #[test]
    fn a_step_that_rounds_to_nothing_is_neither_proposed_nor_at_a_bound() {
        assert_eq!(left("min_interval_ms", 60.0, Step::Add(0.3)), (vec![], vec![]));
    }

    #[test]
    fn the_first_set_that_has_the_value_counts_and_without_a_value_the_bounds_are_named() {
        let name = "min_interval_ms";
        let parameters = Parameters::new(vec![fixture::parameter(name)]);
        let of = |value| ParamValues::new(vec![(ParamName::flat(name), value)]);
        let (end, last, other) = (of(60.0), of(70.0), ParamValues::default());
        let reported = |in_force: &[&ParamValues]| {
            let (open, _) = within(vec![advice(name, Step::Add(5.0))], &parameters, in_force);
            open[0].words()
        };
        assert_eq!(reported(&[&end, &last]), "min_interval_ms 60 -> 65");
        assert_eq!(reported(&[&other, &last]), "min_interval_ms 70 -> 75");
        assert_eq!(reported(&[&other]), "min_interval_ms +5 (within 40 to 80)");
        assert_eq!(reported(&[&of(f64::NAN)]), "min_interval_ms +5 (within 40 to 80)");
        let (open, _) = within(vec![advice("cooldown_iters", Step::Add(1.0))], &parameters, &[&end]);
        assert_eq!(open[0].words(), "cooldown_iters +1");
    }
}
