//! What the bounds of the parameters leave of the advice.
//!
//! Shortens and sorts out; must not know why a step is asked for.

use super::{Reach, Recommendation, way};
use crate::core::iteration::params::ParamValues;
use crate::core::iteration::params::clean;
use crate::core::iteration::params::{Parameter, Parameters};
use crate::core::policy::Step;

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
    fn a_step_beyond_the_bound_ends_at_the_bound() {
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
        let told = |in_force: &[&ParamValues]| {
            let (open, _) = within(vec![advice(name, Step::Add(5.0))], &parameters, in_force);
            open[0].words()
        };
        assert_eq!(told(&[&end, &last]), "min_interval_ms 60 -> 65");
        assert_eq!(told(&[&other, &last]), "min_interval_ms 70 -> 75");
        assert_eq!(told(&[&other]), "min_interval_ms +5 (within 40 to 80)");
        assert_eq!(told(&[&of(f64::NAN)]), "min_interval_ms +5 (within 40 to 80)");
        let (open, _) = within(vec![advice("cooldown_iters", Step::Add(1.0))], &parameters, &[&end]);
        assert_eq!(open[0].words(), "cooldown_iters +1");
    }
}
