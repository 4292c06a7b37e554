//! What is known of a metric in the steps of a canary, and whether that is enough to judge by.

use crate::core::number::{beside, fixed, trimmed};
use crate::core::policy::release::CanaryRules;
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity, WindowUsed};

/// Why values are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In words.
    pub reason: String,
    /// Something is there that cannot be used; else nobody measured it.
    pub is_broken: bool,
}

/// A metric, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// One a step; `None` = nothing is known of the step.
    pub values: Vec<Option<f64>>,
    /// Why values are missing; `None` where nothing is known about that.
    pub trouble: Option<Trouble>,
}

impl Readings {
    /// A metric that nobody measured.
    pub fn absent(steps: usize, reason: impl Into<String>) -> Self {
        Self { values: vec![None; steps], trouble: Some(Trouble { reason: reason.into(), is_broken: false }) }
    }

    /// A metric whose measurements cannot be used.
    pub fn broken(steps: usize, reason: impl Into<String>) -> Self {
        Self { values: vec![None; steps], trouble: Some(Trouble { reason: reason.into(), is_broken: true }) }
    }

    /// Whether no step has a value.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// What follows where no step has a value, and why.
    pub fn nothing(&self) -> (Outcome, String) {
        match &self.trouble {
            Some(trouble) if trouble.is_broken => (Outcome::Invalid, trouble.reason.clone()),
            Some(trouble) => (Outcome::Inconclusive, trouble.reason.clone()),
            None => (Outcome::Inconclusive, "no step has a value".to_owned()),
        }
    }
}

/// Why these steps cannot be judged: too few of them have a value, or there is a gap that is too long. `None` =
/// they can.
pub fn too_little(values: &[Option<f64>], rules: &CanaryRules) -> Option<String> {
    let seen = values.iter().flatten().count();
    let share = seen as f64 / values.len().max(1) as f64;
    let least = &rules.seen_share;
    if share < least.value {
        return Some(format!(
            "only {seen} of {} steps have a value, {} % of the time; asked for are {} %",
            values.len(),
            trimmed(&fixed(100.0 * share, 1)),
            trimmed(&fixed(100.0 * least.value, 1))
        ));
    }
    let gap = values.split(Option::is_some).map(<[_]>::len).max().unwrap_or(0);
    let minutes = gap as f64 * rules.step_minutes as f64;
    let longest = rules.longest_gap_minutes.value;
    (minutes > longest).then(|| {
        format!("nobody saw it for {minutes} minutes, longer than {} minutes", trimmed(&fixed(longest, 2)))
    })
}

/// What is asked of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Question<'a> {
    /// Name of the gate.
    pub gate: String,
    /// The metric.
    pub metric: &'a str,
    /// What is computed from the values.
    pub statistic: String,
    /// What must hold.
    pub comparison: Comparison,
    /// With what.
    pub limit: Option<f64>,
    /// Where the limit comes from.
    pub source: Option<&'a LimitSource>,
}

/// Steps that were looked at: those from `from` up to `to`, counted from 0, `to` left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked<'a> {
    /// Name of the window.
    pub name: &'a str,
    /// First step.
    pub from: usize,
    /// The step behind the last.
    pub to: usize,
    /// Steps with a value.
    pub seen: usize,
}

/// The ladder of a decision. Its window counts steps, from 1.
pub fn decided(
    question: &Question<'_>,
    looked: Looked<'_>,
    observed: Option<f64>,
    outcome: Outcome,
    reason: String,
) -> Check {
    let number = |step: usize| (looked.to > looked.from).then(|| u64::try_from(step).unwrap_or(u64::MAX));
    Check {
        part: Part::Canary,
        gate: question.gate.clone(),
        kpi: Some(question.metric.to_owned()),
        symbol: None,
        severity: Severity::Hard,
        window: WindowUsed {
            name: looked.name.to_owned(),
            first: number(looked.from + 1),
            last: number(looked.to),
            n: looked.seen,
        },
        statistic: question.statistic.clone(),
        comparison: Some(question.comparison),
        limit: question.limit,
        observed,
        margin: observed.zip(question.limit).map(|(seen, limit)| question.comparison.margin(seen, limit)),
        outcome,
        reason,
        limit_source: question.source.cloned(),
        joins: true,
        inference: None,
    }
}

/// A value with its unit, on its side of the limit.
pub fn value(observed: f64, limit: f64, unit: &str) -> String {
    with_unit(trimmed(&beside(observed, limit, 4)), unit)
}

/// A limit with its unit.
pub fn limit(limit: f64, unit: &str) -> String {
    with_unit(trimmed(&crate::core::number::exact(limit, 0)), unit)
}

fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::canary::fixture::rules;

    fn seen(pattern: &str) -> Vec<Option<f64>> {
        pattern.chars().map(|step| (step == 'x').then_some(1.0)).collect()
    }

    #[test]
    fn too_few_values_and_a_long_gap_are_told_and_the_limits_themselves_are_enough() {
        let rules = rules();
        let told = |pattern: &str| too_little(&seen(pattern), &rules);
        // 90 % of the steps, and 15 minutes in steps of five.
        assert_eq!(told("xxxxxxxxx."), None);
        assert!(
            told("xxxxxxxx..").is_some_and(|told| told.starts_with("only 8 of 10 steps have a value, 80 %"))
        );
        let long = |gap: usize| format!("{}{}{}", "x".repeat(40), ".".repeat(gap), "x".repeat(10));
        assert_eq!(told(&long(3)), None);
        assert_eq!(told(&long(4)).as_deref(), Some("nobody saw it for 20 minutes, longer than 15 minutes"));
        // At the ends, too.
        assert!(told(&format!("....{}", "x".repeat(60))).is_some());
        assert!(told(&format!("{}....", "x".repeat(60))).is_some());
        assert!(told("").is_some_and(|told| told.starts_with("only 0 of 0")));
    }
}
