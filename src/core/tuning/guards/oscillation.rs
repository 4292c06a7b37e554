//! Guard 5, `oscillation`: A → B → A, in one parameter or in the overrides as a whole.
//!
//! Looks at what was applied; a step that would go back to the value before the last is the oscillation.

use super::{Case, Step};
use crate::core::params::{ParamName, ParamValues};
use crate::core::tuning::signature;

/// How many hashes of overrides are looked at, the proposed one included.
pub const HASHES: usize = 3;

/// How many values of a parameter are looked at, the proposed one included.
pub const VALUES: usize = 3;

/// Whether the step brings its parameter back to the value before the last one.
pub fn returns(case: &Case<'_>, step: &Step<'_>) -> bool {
    let tolerance = case.policy.guards.oscillation.tolerance;
    let same = |a: f64, b: f64| (a - b).abs() <= tolerance;
    match case.state.applied_values.get(&step.parameter.name).map(Vec::as_slice) {
        // A value that a phase or a panic revert has moved since is not the tuner's to swing back from.
        Some([.., first, second]) => {
            same(*second, step.old) && same(*first, step.new) && !same(*first, *second)
        }
        _ => false,
    }
}

/// Whether the steps together bring back the overrides that were in force before the last ones.
pub fn returns_as_a_whole(case: &Case<'_>, steps: &[Step<'_>]) -> bool {
    let [.., first, second] = case.hashes else { return false };
    if steps.is_empty() || first == second {
        return false;
    }
    let changed = steps.iter().map(|step| (step.parameter.name.clone(), step.new));
    signature::of_overrides(&merged(case.overrides, changed)) == *first
}

/// The values with these in their place.
pub fn merged(values: &ParamValues, changed: impl IntoIterator<Item = (ParamName, f64)>) -> ParamValues {
    let mut pairs: Vec<(ParamName, f64)> = changed.into_iter().collect();
    pairs.extend(values.iter().map(|(name, value)| (name.clone(), value)));
    ParamValues::new(pairs)
}
