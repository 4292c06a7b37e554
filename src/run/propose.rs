//! What the tuner's table proposes after an iteration: increments, each with its reason.
//!
//! Rows are asked from top to bottom; a parameter that has a delta is not touched by a row below, unless that
//! row takes its place. Knows nothing of guards, and applies nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::iteration::params;
use crate::core::iteration::params::{ParamName, ParamValues, Parameter};
use crate::core::kpi::KpiId;
use crate::core::policy::run::{Bound, Change, Movement, RunPolicy, TunerRule};
use crate::core::text::number::{beside, exact};
use crate::run::iteration::tuning::{Delta, TunerState};

/// What the table is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The rows, the cautions and the parameters.
    pub policy: &'a RunPolicy,
    /// Number of the iteration.
    pub number: u64,
    /// What it measured, by KPI index.
    pub values: &'a [Option<f64>],
    /// The overrides that were in force.
    pub overrides: &'a ParamValues,
    /// The memory before it.
    pub state: &'a TunerState,
}

/// What the table answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    /// Increments within caps, floors and bounds, none of them 0, sorted by parameter.
    pub deltas: Vec<Delta>,
    /// Parameters whose delta a bound of the parameter itself shortened.
    pub shortened_by_bound: BTreeSet<ParamName>,
    /// Parameters whose every delta was shortened to nothing by a cap, a floor or a bound.
    pub shortened_to_nothing: BTreeSet<ParamName>,
    /// Rows that acted and have to rest afterwards, with this iteration's number, and those still resting.
    pub acted: BTreeMap<String, u64>,
    /// Iterations in a row that satisfy each row's condition, this one included.
    pub streaks: BTreeMap<String, u64>,
}

/// A delta in the making.
struct Draft {
    row: String,
    delta: f64,
    reason: String,
    at_bound: bool,
}

/// Asks the table.
pub fn propose(question: Question<'_>) -> Proposal {
    let Question { policy, number, values, overrides, state } = question;
    let mut proposal = Proposal { streaks: streaks(policy, values, state), ..Proposal::default() };
    proposal.acted = state.rule_acted.clone();
    let acting: Vec<&TunerRule> =
        policy.tuner.iter().filter(|row| acts(row, number, values, state, &proposal.streaks)).collect();
    let acting = match acting.iter().find(|row| row.is_exclusive) {
        Some(alone) => vec![*alone],
        None => acting,
    };
    let mut drafts: BTreeMap<ParamName, Draft> = BTreeMap::new();
    for row in acting {
        if row.rest > 0 {
            proposal.acted.insert(row.name.clone(), number);
        }
        for change in &row.changes {
            match drafts.get(&change.param) {
                Some(draft) if row.replaces.contains(&draft.row) => drafts.remove(&change.param),
                Some(_) => continue,
                None => None,
            };
            let Some(parameter) = policy.parameters.get(&change.param) else { continue };
            let Some(value) = overrides.get(&change.param) else { continue };
            match step(parameter, value, change) {
                Move::By { delta, at_bound } => {
                    let draft = Draft { row: row.name.clone(), delta, reason: reason(row, values), at_bound };
                    drafts.insert(change.param.clone(), draft);
                }
                Move::ShortenedToNothing => {
                    proposal.shortened_to_nothing.insert(change.param.clone());
                }
                Move::NotNeeded => {}
            }
        }
    }
    be_cautious(policy, &mut drafts);
    for (param, draft) in drafts {
        proposal.shortened_to_nothing.remove(&param);
        if draft.at_bound {
            proposal.shortened_by_bound.insert(param.clone());
        }
        proposal.deltas.push(Delta { param, delta: draft.delta, reason: draft.reason });
    }
    proposal.acted.retain(|name, at| {
        policy.tuner.iter().any(|row| row.name == *name && number.saturating_sub(*at) < row.rest)
    });
    proposal
}

/// Iterations in a row that satisfy each row's condition; rows that ask for one alone are not counted.
fn streaks(policy: &RunPolicy, values: &[Option<f64>], state: &TunerState) -> BTreeMap<String, u64> {
    policy
        .tuner
        .iter()
        .filter(|row| row.in_a_row > 1 && all_hold(&row.when, values))
        .map(|row| {
            let before = state.rule_streaks.get(&row.name).copied().unwrap_or(0);
            (row.name.clone(), before.saturating_add(1))
        })
        .collect()
}

fn acts(
    row: &TunerRule,
    number: u64,
    values: &[Option<f64>],
    state: &TunerState,
    streaks: &BTreeMap<String, u64>,
) -> bool {
    let lasted = row.in_a_row <= 1 || streaks.get(&row.name).is_some_and(|streak| *streak >= row.in_a_row);
    let prevented = !row.unless.is_empty() && all_hold(&row.unless, values);
    let resting =
        state.rule_acted.get(&row.name).is_some_and(|acted| number.saturating_sub(*acted) <= row.rest);
    lasted && !prevented && !resting && all_hold(&row.when, values)
}

/// Whether all bounds hold; unknown values satisfy nothing.
pub fn all_hold(bounds: &[Bound], values: &[Option<f64>]) -> bool {
    bounds.iter().all(|bound| bound.holds(value_of(bound.kpi, values)))
}

fn value_of(kpi: KpiId, values: &[Option<f64>]) -> Option<f64> {
    values.get(kpi.index()).copied().flatten()
}

/// What is left of a change.
enum Move {
    By { delta: f64, at_bound: bool },
    ShortenedToNothing,
    NotNeeded,
}

fn step(parameter: &Parameter, value: f64, change: &Change) -> Move {
    let wanted = match change.movement {
        Movement::Add(by) => params::add_step(parameter, value, by),
        Movement::Multiply(factor) => params::multiply_step(parameter, value, factor),
        Movement::AtLeast(least) => value.max(least),
    };
    if params::clean(wanted - value) == 0.0 {
        return Move::NotNeeded;
    }
    let rises = wanted > value;
    // Only the end that the step goes towards shortens it; the other one would turn it round.
    let limit = if rises {
        change.cap.map_or(parameter.highest, |cap| cap.min(parameter.highest))
    } else {
        change.floor.map_or(parameter.lowest, |floor| floor.max(parameter.lowest))
    };
    // A limit between two whole numbers is met from the side of the value.
    let limit = match (parameter.is_whole, rises) {
        (false, _) => limit,
        (true, true) => limit.floor(),
        (true, false) => limit.ceil(),
    };
    let target = if rises { wanted.min(limit) } else { wanted.max(limit) };
    let delta = params::clean(target - value);
    if delta == 0.0 || (delta > 0.0) != rises {
        return Move::ShortenedToNothing;
    }
    let is_bound = limit == if rises { parameter.highest } else { parameter.lowest };
    Move::By { delta, at_bound: is_bound && target != wanted }
}

/// Drops a lowering where the parameter that it must not go with rises.
fn be_cautious(policy: &RunPolicy, drafts: &mut BTreeMap<ParamName, Draft>) {
    for caution in &policy.cautions {
        let rises = drafts.get(&caution.raised).is_some_and(|draft| draft.delta > 0.0);
        if rises && drafts.get(&caution.keeps).is_some_and(|draft| draft.delta < 0.0) {
            drafts.remove(&caution.keeps);
        }
    }
}

/// `MODERATE: risk_ratio 0.45 >= 0.40, risk_ratio 0.45 < 0.60`.
fn reason(row: &TunerRule, values: &[Option<f64>]) -> String {
    let conditions: Vec<String> =
        row.when.iter().filter_map(|bound| bound_words(bound, value_of(bound.kpi, values)?)).collect();
    let in_a_row =
        if row.in_a_row > 1 { format!(" ({} iterations in a row)", row.in_a_row) } else { String::new() };
    format!("{}: {}{in_a_row}", tag(&row.name), conditions.join(", "))
}

/// The tag of a row: its name in upper case.
pub fn tag(row: &str) -> String {
    row.to_ascii_uppercase()
}

/// `risk_ratio 0.45 >= 0.40`, if it holds.
pub fn bound_words(bound: &Bound, value: f64) -> Option<String> {
    let kpi = bound.kpi;
    let (limit, decimals) = (bound.limit.value, kpi.unit.decimals().min(2));
    bound.holds(Some(value)).then(|| {
        let (value, word) = (beside(value, limit, decimals), bound.comparison.symbol());
        format!("{} {value} {word} {}", kpi.name, exact(limit, decimals))
    })
}

#[cfg(test)]
#[path = "tests/propose.rs"]
mod tests;
