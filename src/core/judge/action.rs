//! What can be done about a check that does not pass, in one plain sentence.
//!
//! Advises only, and leaves the numbers of the failure to the check. Names and reasons in it may come from files:
//! renderers make them harmless.

use crate::core::analysis::Deep;
use crate::core::analysis::recommend::Recommendation;
use crate::core::kpi::KpiId;
use crate::core::policy::Policy;
use crate::core::verdict::{Check, Outcome};

/// `net_bps: change base_spread_bps_delta`; where there was nothing to compare with the limit, what is lacking;
/// where no parameter helps, what a person has to look at. `deep` is that of the symbol of the check.
pub fn advice(check: &Check, policy: &Policy, deep: Option<&Deep>) -> String {
    let name = check.kpi.as_deref().unwrap_or(&check.gate);
    match check.outcome {
        Outcome::Invalid => return format!("record {name}: {}", check.reason),
        Outcome::Inconclusive => return format!("let the run go on: {}", check.reason),
        _ => {}
    }
    let of = |list: fn(&Deep) -> &Vec<Recommendation>| parameters(check, policy, deep.map(list));
    let (changes, at_bound) = (of(|deep| &deep.recommendations), of(|deep| &deep.at_bound));
    if !changes.is_empty() {
        return format!("{name}: change {}", changes.join(", "));
    }
    let is_met = match (check.comparison, check.limit, check.observed) {
        (Some(comparison), Some(limit), Some(observed)) => comparison.holds(observed, limit),
        _ => false,
    };
    let what = if is_met { "gain room" } else { "find the cause" };
    if !policy.run.tunes() {
        return format!("{name}: {what} in the system under test");
    }
    if at_bound.is_empty() {
        return format!("{name}: {what} in the system under test; no rule of `[recommendations]` applies");
    }
    let bounded = at_bound.join(", ");
    format!("{name}: {what} in the system under test; the bounds leave no change of {bounded}")
}

/// Whether the advice on parameters is about the KPI of this check.
pub fn has_change(check: &Check, policy: &Policy, deep: Option<&Deep>) -> bool {
    matches!(check.outcome, Outcome::Warn | Outcome::Fail)
        && !parameters(check, policy, deep.map(|deep| &deep.recommendations)).is_empty()
}

/// The parameters of the advice that is about the KPI of the check, each once.
fn parameters<'a>(check: &Check, policy: &Policy, advice: Option<&'a Vec<Recommendation>>) -> Vec<&'a str> {
    let kpi: Option<KpiId> = check.kpi.as_deref().and_then(|name| policy.kpis.find(name));
    let is_for =
        |advice: &&Recommendation| kpi.is_some_and(|kpi| advice.is_for(kpi, &policy.recommendations));
    let mut names: Vec<&str> =
        advice.into_iter().flatten().filter(is_for).map(|advice| advice.param.as_str()).collect();
    names.dedup();
    names
}
