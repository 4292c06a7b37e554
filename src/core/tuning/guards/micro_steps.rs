//! Guard 9, micro-steps: while the run warms up and ramps down few parameters move at a time.

use std::collections::BTreeSet;

use super::{Case, Step};
use crate::core::params::ParamName;

/// The parameters that may move: those that have rested, the largest steps first (change ÷ width of the
/// bounds), equal ones by name.
pub fn chosen(case: &Case<'_>, steps: &[Step<'_>]) -> BTreeSet<ParamName> {
    let rules = &case.policy.guards.micro_steps;
    let mut rested: Vec<&Step<'_>> = steps
        .iter()
        .filter(|step| {
            let last = case.state.last_changed.get(&step.parameter.name);
            last.is_none_or(|last| case.number.saturating_sub(*last) > rules.rest)
        })
        .collect();
    rested
        .sort_by(|a, b| b.size().total_cmp(&a.size()).then_with(|| a.parameter.name.cmp(&b.parameter.name)));
    rested.into_iter().take(rules.keys).map(|step| step.parameter.name.clone()).collect()
}
