//! What to do after an audit, in plain sentences: the parameters that the policy's rules would change, and what a
//! person has to look at where no rule has an answer to a limit that is missed.

use std::collections::BTreeSet;

use super::readiness::Readiness;
use crate::core::analysis::Analysis;
use crate::core::judge::action;
use crate::core::policy::Policy;
use crate::core::recommend::Recommendation;
use crate::core::verdict::{Check, Outcome, Part};

/// Sentences that are kept; a run has a handful.
const MOST: usize = 100;

/// The recommendations; never empty.
pub fn recommendations(analysis: &Analysis, readiness: &Readiness, policy: &Policy) -> Vec<String> {
    let is_missed = |check: &&Check| check.outcome > Outcome::Pass;
    let deep_of = |check: &Check| {
        analysis.symbols.iter().find(|symbol| symbol.symbol == check.symbol).map(|symbol| &symbol.deep)
    };
    let (mut told, mut of_the_whole): (Vec<String>, Vec<String>) = Default::default();
    let mut seen = BTreeSet::new();
    for check in readiness.checks.iter().filter(is_missed) {
        let what = match (check.part, check.outcome) {
            // A missing KPI is told by its limit.
            (Part::Integrity, _) if check.kpi.is_some() => continue,
            (Part::Integrity, Outcome::Inconclusive) => format!("let the run go on: {}", check.reason),
            (Part::Integrity, _) => format!("repair the input: {}", check.reason),
            // The parameters follow below.
            _ if action::has_change(check, policy, deep_of(check)) => continue,
            _ => action::told(check, policy, deep_of(check)),
        };
        let line = of_symbol(check.symbol.as_deref(), &what);
        let is_of_the_whole = check.part != Part::Integrity
            && check.kpi.is_none()
            && matches!(check.outcome, Outcome::Warn | Outcome::Fail);
        if seen.insert(line.clone()) {
            if is_of_the_whole { &mut of_the_whole } else { &mut told }.push(line);
        }
    }
    for symbol in &analysis.symbols {
        for advice in &symbol.deep.recommendations {
            told.push(of_symbol(symbol.symbol.as_deref(), &parameter(advice)));
        }
    }
    // A count of failed iterations has its causes in the KPIs, and is no advice beside theirs.
    if told.is_empty() {
        told = of_the_whole;
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

/// `min_interval_ms 75 -> 80 (bound): mean risk_ratio 0.500 > 0.42`.
fn parameter(advice: &Recommendation) -> String {
    let conflict =
        if advice.conflict { " (other rules ask for the opposite; a person has to decide)" } else { "" };
    format!("{}: {}{conflict}", advice.words(), advice.rationales.join("; "))
}
