//! Advice on parameters: which rules of the policy apply, and what they come to together.
//!
//! Only advises; must not change anything. What the bounds of the parameters leave of it is in [`within`].

mod bounds;

use std::cmp::Ordering;

pub use bounds::within;

use super::guards::GuardCounts;
use super::kpi::KpiId;
use super::number::{exact, fixed};
use super::params::ParamName;
use super::policy::{Condition, RecommendationRule, Statistic, Step, Subject};

/// A step on a parameter that one or more rules ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// The parameter.
    pub param: ParamName,
    /// The strongest of the steps that the rules ask for.
    pub step: Step,
    /// Where the step leads.
    pub reach: Reach,
    /// Why, one sentence a rule, in the order of `rules`.
    pub rationales: Vec<String>,
    /// Names of the rules, in the order of the policy.
    pub rules: Vec<String>,
    /// Whether other rules ask for a step in the opposite direction.
    pub conflict: bool,
}

/// Where a step leads, as far as the value in force and the bounds are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// The parameter has no bounds.
    Unbounded,
    /// It has bounds, and nobody recorded its value.
    Within {
        /// Smallest value allowed.
        lowest: f64,
        /// Largest value allowed.
        highest: f64,
    },
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

    /// Whether a rule about this KPI asks for it. What else must hold for the rule is no subject of it.
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
            rule.conditions.iter().map(|condition| told(condition, &kpi, guards)).collect();
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
fn told(
    condition: &Condition,
    kpi: impl Fn(KpiId, Statistic) -> Option<f64>,
    guards: &GuardCounts,
) -> Option<String> {
    let (comparison, limit) = (condition.comparison, condition.limit.value);
    let (observed, digits, what) = match condition.subject {
        Subject::Kpi(id, statistic) => {
            let known = id;
            (kpi(id, statistic)?, known.unit.decimals(), format!("{} {}", statistic.word(), known.name))
        }
        Subject::Guard(guard) => (guards.of(guard) as f64, 0, format!("iterations with {}", guard.word())),
    };
    comparison
        .holds(observed, limit)
        .then(|| format!("{what} {} {} {limit}", shown(observed, limit, digits), comparison.symbol()))
}

/// The number with at least `digits` decimals, and as many more as it takes to stand on the same side of the
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

#[cfg(test)]
mod tests;
