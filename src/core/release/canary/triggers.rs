//! Triggers: whether one held for as long as it asks, without a break that anybody saw.
//!
//! A step without a value is no break and no sign. What lies between two bad steps without a good one between them
//! counts as held; what could have held, had the missing steps been bad, is not decided.

use super::readings::{Looked, Question, Readings, decided, limit, too_little, value};
use super::watch::{Watch, told};
use crate::core::policy::release::{CanaryRules, Trigger};
use crate::core::verdict::{Check, Outcome};

/// A trigger, looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerSeen {
    /// The trigger.
    pub trigger: Trigger,
    /// The decision. Observed is the level that was held: the mildest value of the worst stretch that is as long
    /// as the trigger asks.
    pub check: Check,
    /// The times for which it held: first and last step of each, counted from 0.
    pub held: Vec<(usize, usize)>,
    /// The last value, of which step.
    pub last: Option<(usize, f64)>,
}

/// Looks at a trigger. Where so much time has not passed yet: INCONCLUSIVE, or `NOT_APPLICABLE` for who asks for what
/// is due so far.
pub fn look(
    trigger: &Trigger,
    unit: &str,
    readings: &Readings,
    watch: &Watch,
    rules: &CanaryRules,
    so_far: bool,
) -> TriggerSeen {
    let values = &readings.values;
    let asked = usize::try_from(trigger.for_minutes / rules.step_minutes.max(1)).unwrap_or(usize::MAX).max(1);
    let runs = runs(trigger, values);
    let held: Vec<(usize, usize)> = runs.iter().filter_map(|run| run.held(asked)).collect();
    let last = values.iter().enumerate().rev().find_map(|(step, value)| Some((step, (*value)?)));
    let bad = format!("{} {}", trigger.comparison.symbol(), limit(trigger.limit.value, unit));
    let level = level(trigger, values, asked);
    let minutes = trigger.for_minutes;
    let number = |seen: f64| value(seen, trigger.limit.value, unit);
    let (outcome, reason) = if let Some(&(first, until)) = held.first() {
        let more = match held.len() - 1 {
            0 => String::new(),
            times => format!(", and {times} more times"),
        };
        let values: Vec<String> =
            values[first..=until].iter().map(|seen| seen.map_or_else(|| "?".to_owned(), &number)).collect();
        let reason = format!(
            "{bad} held from {} to {}{more}: {}",
            told(watch.start_of(first)),
            told(watch.end_of(until)),
            some(&values)
        );
        (Outcome::Fail, reason)
    } else if values.is_empty() {
        (Outcome::Inconclusive, format!("the first step ends at {}", told(watch.end_of(0))))
    } else if readings.is_empty() {
        match readings.nothing() {
            (Outcome::Inconclusive, reason) if trigger.is_optional => (Outcome::NotApplicable, reason),
            nothing => nothing,
        }
    } else if let Some(run) = runs.iter().find(|run| run.could_have_held(asked)) {
        let reason = format!(
            "it may have held: {bad} was seen, and with steps that nobody saw it is {minutes} minutes from {} on",
            told(watch.start_of(run.from))
        );
        (Outcome::Inconclusive, reason)
    } else if let Some(reason) = too_little(values, rules) {
        (Outcome::Inconclusive, reason)
    } else if values.len() < asked {
        let outcome = if so_far { Outcome::NotApplicable } else { Outcome::Inconclusive };
        (outcome, format!("{minutes} minutes have not passed yet"))
    } else {
        let worst =
            level.map_or_else(String::new, |level| format!("; the worst level held is {}", number(level)));
        (Outcome::Pass, format!("{bad} did not hold for {minutes} minutes{worst}"))
    };
    let question = Question {
        gate: format!("canary.trigger.{}", trigger.name),
        metric: &trigger.metric,
        statistic: format!("held for {minutes} min"),
        comparison: trigger.comparison.opposite(),
        limit: Some(trigger.limit.value),
        source: Some(&trigger.limit.source),
    };
    let looked = Looked { name: "canary", from: 0, to: values.len(), seen: values.iter().flatten().count() };
    TriggerSeen {
        trigger: trigger.clone(),
        check: decided(&question, looked, level, outcome, reason),
        held,
        last,
    }
}

/// The first values of a list, and how many more there are.
fn some(values: &[String]) -> String {
    const TOLD: usize = 6;
    let more = values.len().saturating_sub(TOLD);
    let told = values[..values.len().min(TOLD)].join(", ");
    if more > 0 { format!("{told} and {more} more") } else { told }
}

/// Steps in a row of which none was seen to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bad {
    /// First step.
    from: usize,
    /// Last step.
    to: usize,
    /// First and last step that were seen to be bad; `None` = nothing was seen.
    seen: Option<(usize, usize)>,
}

impl Bad {
    fn held(&self, asked: usize) -> Option<(usize, usize)> {
        self.seen.filter(|(first, last)| last - first + 1 >= asked)
    }

    fn could_have_held(&self, asked: usize) -> bool {
        self.seen.is_some() && self.held(asked).is_none() && self.to - self.from + 1 >= asked
    }
}

fn runs(trigger: &Trigger, values: &[Option<f64>]) -> Vec<Bad> {
    let mut runs: Vec<Bad> = Vec::new();
    let mut is_open = false;
    for (step, value) in values.iter().enumerate() {
        let is_bad = value.map(|value| trigger.comparison.holds(value, trigger.limit.value));
        if is_bad == Some(false) {
            is_open = false;
            continue;
        }
        if !is_open {
            runs.push(Bad { from: step, to: step, seen: None });
            is_open = true;
        }
        if let Some(run) = runs.last_mut() {
            run.to = step;
            if is_bad == Some(true) {
                run.seen = Some((run.seen.map_or(step, |(first, _)| first), step));
            }
        }
    }
    runs
}

/// The worst level that was held for so many steps: of each stretch of at least that length that begins and ends
/// with a value its mildest value, and of those the worst. `None` where there is no such stretch. It is beyond the
/// limit exactly where the trigger held.
fn level(trigger: &Trigger, values: &[Option<f64>], asked: usize) -> Option<f64> {
    use crate::core::verdict::Comparison::{Above, AtLeast};
    let is_high_bad = matches!(trigger.comparison, Above | AtLeast);
    let milder = |a: f64, b: f64| if is_high_bad { a.min(b) } else { a.max(b) };
    let worse = |a: f64, b: f64| if is_high_bad { a.max(b) } else { a.min(b) };
    let mildest_from = |from: usize| {
        let until = (from.checked_add(asked - 1)?..values.len()).find(|step| values[*step].is_some())?;
        values[from..=until].iter().flatten().copied().reduce(milder)
    };
    (0..values.len()).filter(|from| values[*from].is_some()).filter_map(mildest_from).reduce(worse)
}

#[cfg(test)]
mod tests;
