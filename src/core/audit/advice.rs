//! What to do after an audit, in plain sentences: the limits that are missed, then the parameters that the
//! policy's rules would change.

use super::readiness::Readiness;
use crate::core::analysis::Analysis;
use crate::core::judge::action;
use crate::core::number::exact;
use crate::core::policy::{Policy, Step};
use crate::core::recommend::Recommendation;
use crate::core::verdict::{Check, Outcome, Part};

/// Sentences that are kept; a run has a handful.
const MOST: usize = 100;

/// The recommendations; never empty.
pub fn recommendations(analysis: &Analysis, readiness: &Readiness, policy: &Policy) -> Vec<String> {
    let is_missed = |check: &&Check| check.outcome > Outcome::Pass;
    let mut told: Vec<String> = Vec::new();
    for check in readiness.checks.iter().filter(is_missed) {
        let what = match (check.part, check.outcome) {
            // A missing KPI is told by its limit.
            (Part::Integrity, _) if check.kpi.is_some() => continue,
            (Part::Integrity, Outcome::Inconclusive) => format!("let the run go on: {}", check.reason),
            (Part::Integrity, _) => format!("repair the input: {}", check.reason),
            _ => action::told(check, &policy.kpis),
        };
        told.push(of_symbol(check.symbol.as_deref(), &what));
    }
    for symbol in &analysis.symbols {
        for advice in &symbol.deep.recommendations {
            told.push(of_symbol(symbol.symbol.as_deref(), &parameter(advice)));
        }
    }
    if told.is_empty() {
        told.push("no limit of readiness is missed, and no rule of the policy asks for a change".to_owned());
    }
    let more = told.len().saturating_sub(MOST);
    told.truncate(MOST);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told
}

fn of_symbol(symbol: Option<&str>, what: &str) -> String {
    symbol.map_or_else(|| what.to_owned(), |symbol| format!("{symbol}: {what}"))
}

/// `base_spread_bps +0.015: mean maker_taker_ratio 0.800 < 0.83`.
fn parameter(advice: &Recommendation) -> String {
    let step = match advice.step {
        Step::Add(amount) if amount > 0.0 => format!("+{}", exact(amount, 0)),
        Step::Add(amount) => exact(amount, 0),
        Step::Multiply(factor) => format!("x{}", exact(factor, 2)),
    };
    let conflict =
        if advice.conflict { " (other rules ask for the opposite; a person has to decide)" } else { "" };
    format!("{} {step}: {}{conflict}", advice.param.as_str(), advice.rationales.join("; "))
}
