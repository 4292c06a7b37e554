//! The limits of the hours: each hour by the window that ends with it, the time since by the last hour that passed,
//! and what must hold after a rollback.

use super::readings::{Looked, Question, Readings, decided, limit as bound, too_little, value};
use super::terms::{Asked, AskedHour, Terms};
use super::watch::{Watch, later, told};
use crate::core::number::{exact, trimmed};
use crate::core::policy::Statistic;
use crate::core::verdict::{Check, Outcome, Severity, join};
use crate::stats::Summary;

/// A limit, looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitSeen {
    /// The decision.
    pub check: Check,
    /// Where the limit comes from, in words.
    pub basis: String,
}

/// Limits that are looked at together.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `hour_6`, `now`, `after_rollback`.
    pub name: String,
    /// Hours after the start of the canary whose limits these are; `None` after a rollback.
    pub after_hours: Option<f64>,
    /// When they are, or were, looked at.
    pub due: chrono::DateTime<chrono::Utc>,
    /// Whether that time has come.
    pub is_due: bool,
    /// The limits.
    pub limits: Vec<LimitSeen>,
}

impl Block {
    /// The worst of its limits; `NOT_APPLICABLE` where it is not due and nobody asked for it.
    pub fn outcome(&self) -> Outcome {
        let checks = || self.limits.iter().map(|limit| &limit.check);
        if !self.is_due && checks().all(|check| check.outcome == Outcome::NotApplicable) {
            return Outcome::NotApplicable;
        }
        join(checks())
    }

    /// `hour 6`, `now`, `after the rollback`.
    pub fn title(&self) -> String {
        match (self.name.as_str(), self.after_hours) {
            ("now", Some(hours)) => format!("now, by the limits of hour {}", hour(hours)),
            (_, Some(hours)) => format!("hour {}", hour(hours)),
            _ => "after the rollback".to_owned(),
        }
    }
}

/// An hour as people write it.
pub fn hour(hours: f64) -> String {
    trimmed(&exact(hours, 0)).to_owned()
}

/// The steps that a window looks at.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: usize,
    to: usize,
}

/// The limits of an hour. Where it is not due: INCONCLUSIVE, or `NOT_APPLICABLE` for who asks for what is due so far.
pub fn at_hour<'r>(
    hour: &AskedHour,
    terms: &Terms,
    watch: &Watch,
    so_far: bool,
    readings: impl Fn(&str) -> &'r Readings,
) -> Block {
    let due = later(watch.since, hour.after_hours);
    let is_due = watch.has_passed(hour.after_hours);
    let span = window(terms, watch.steps_by(hour.after_hours));
    let look = |asked: &Asked| {
        let question = question(&hour.name, asked);
        let check = if is_due {
            look(&question, asked, terms, &hour.name, span, readings(&asked.metric))
        } else {
            let outcome = if so_far { Outcome::NotApplicable } else { Outcome::Inconclusive };
            let looked = Looked { name: &hour.name, from: 0, to: 0, seen: 0 };
            decided(&question, looked, None, outcome, format!("due at {}", told(due)))
        };
        LimitSeen { check, basis: asked.basis.clone() }
    };
    Block {
        name: hour.name.clone(),
        after_hours: Some(hour.after_hours),
        due,
        is_due,
        limits: hour.limits.iter().map(look).collect(),
    }
}

/// The limits of the last hour that passed, held against the newest window; `None` while that is the hour's own.
///
/// One look that misses is a WARN, [`crate::core::policy::release::CanaryRules::misses`] in a row are a FAIL.
pub fn since_hour<'r>(
    hour: &AskedHour,
    terms: &Terms,
    watch: &Watch,
    readings: impl Fn(&str) -> &'r Readings,
) -> Option<Block> {
    const NAME: &str = "now";
    let own = watch.steps_by(hour.after_hours);
    if watch.steps() <= own {
        return None;
    }
    let limits = hour.limits.iter().map(|asked| {
        let question = question(NAME, asked);
        let at =
            |end: usize| look(&question, asked, terms, NAME, window(terms, end), readings(&asked.metric));
        let mut check = at(watch.steps());
        if check.outcome == Outcome::Fail {
            let needed = usize::try_from(terms.rules.misses).unwrap_or(usize::MAX);
            let looks = (own + 1..=watch.steps()).rev();
            let missed = looks.take(needed).take_while(|end| at(*end).outcome == Outcome::Fail).count();
            check.reason = format!("{}, in {missed} of {needed} looks in a row", check.reason);
            if missed < needed {
                check.severity = Severity::Soft;
                check.outcome = Outcome::Warn;
            }
        }
        LimitSeen { check, basis: asked.basis.clone() }
    });
    Some(Block {
        name: NAME.to_owned(),
        after_hours: Some(hour.after_hours),
        due: watch.start_of(watch.steps()),
        is_due: true,
        limits: limits.collect(),
    })
}

/// What must hold after a rollback, every step of the last `after_rollback_minutes`. Steps at the end that have no
/// value yet are looked over as far as gaps are.
pub fn after_rollback<'r>(terms: &Terms, watch: &Watch, readings: impl Fn(&str) -> &'r Readings) -> Block {
    const NAME: &str = "after_rollback";
    let step = terms.rules.step_minutes.max(1);
    let needed = usize::try_from(terms.rules.after_rollback_minutes.div_ceil(step)).unwrap_or(usize::MAX);
    let due = later(watch.since, terms.rules.after_rollback_minutes as f64 / 60.0);
    let look = |asked: &Asked| {
        let question = Question { statistic: Statistic::Each.word().to_owned(), ..question(NAME, asked) };
        let readings = readings(&asked.metric);
        let check = held(&question, asked, terms, needed, readings);
        LimitSeen { check, basis: asked.basis.clone() }
    };
    Block {
        name: NAME.to_owned(),
        after_hours: None,
        due,
        is_due: due <= watch.until,
        limits: terms.after_rollback.iter().map(look).collect(),
    }
}

fn question<'a>(block: &str, asked: &'a Asked) -> Question<'a> {
    Question {
        gate: format!("canary.{block}.{}", asked.metric),
        metric: &asked.metric,
        statistic: asked.statistic.word().to_owned(),
        comparison: asked.comparison,
        limit: asked.limit,
        source: Some(&asked.source),
    }
}

/// The window that ends with this step.
fn window(terms: &Terms, to: usize) -> Span {
    let steps = terms.rules.window_minutes / terms.rules.step_minutes.max(1);
    Span { from: to.saturating_sub(usize::try_from(steps).unwrap_or(usize::MAX)), to }
}

const NO_LIMIT: &str = "no limit can be said";

fn look(
    question: &Question<'_>,
    asked: &Asked,
    terms: &Terms,
    name: &str,
    span: Span,
    readings: &Readings,
) -> Check {
    let values = readings.values.get(span.from..span.to).unwrap_or_default();
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let looked = Looked { name, from: span.from, to: span.to, seen: known.len() };
    let observed = Summary::of(&known).and_then(|summary| summary.get(asked.statistic));
    let (outcome, reason) = match (asked.limit, observed) {
        (None, _) => (Outcome::Inconclusive, format!("{NO_LIMIT}: {}", asked.basis)),
        (Some(_), None) if readings.is_empty() => readings.nothing(),
        (Some(_), None) => (Outcome::Inconclusive, "nobody saw it in this time".to_owned()),
        (Some(limit), Some(seen)) => match too_little(values, &terms.rules) {
            Some(reason) => (Outcome::Inconclusive, reason),
            None => compared(question, asked, terms, limit, seen),
        },
    };
    decided(question, looked, observed, outcome, reason)
}

fn compared(
    question: &Question<'_>,
    asked: &Asked,
    terms: &Terms,
    limit: f64,
    seen: f64,
) -> (Outcome, String) {
    let unit = terms.unit(&asked.metric);
    let number = value(seen, limit, unit);
    let asked_for = format!("{} {}", asked.comparison.symbol(), bound(limit, unit));
    if asked.comparison.holds(seen, limit) {
        (Outcome::Pass, format!("{} {number} is {asked_for}", question.statistic))
    } else {
        (Outcome::Fail, format!("{} {number} is not {asked_for}", question.statistic))
    }
}

fn held(question: &Question<'_>, asked: &Asked, terms: &Terms, needed: usize, readings: &Readings) -> Check {
    let values = &readings.values;
    let last = values.iter().rposition(Option::is_some);
    let (Some(last), Some(limit)) = (last, asked.limit) else {
        let looked = Looked { name: "after_rollback", from: 0, to: values.len(), seen: 0 };
        let (outcome, reason) = if asked.limit.is_none() {
            (Outcome::Inconclusive, format!("{NO_LIMIT}: {}", asked.basis))
        } else {
            readings.nothing()
        };
        return decided(question, looked, None, outcome, reason);
    };
    let good = |value: &Option<f64>| value.is_some_and(|seen| asked.comparison.holds(seen, limit));
    let streak = values[..=last].iter().rev().take_while(|value| good(value)).count();
    let from = (last + 1).saturating_sub(streak.min(needed).max(1));
    let looked = Looked { name: "after_rollback", from, to: last + 1, seen: last + 1 - from };
    let margin = |seen: &f64| asked.comparison.margin(*seen, limit);
    let observed =
        values[from..=last].iter().flatten().copied().min_by(|a, b| margin(a).total_cmp(&margin(b)));
    let late = (values.len() - 1 - last) as f64 * terms.rules.step_minutes as f64;
    let (outcome, reason) = if late > terms.rules.longest_gap_minutes.value {
        (Outcome::Inconclusive, format!("nobody has seen it for {late} minutes"))
    } else if streak >= needed {
        let minutes = terms.rules.after_rollback_minutes;
        (Outcome::Pass, format!("has held for {minutes} minutes"))
    } else if streak == 0 {
        compared(question, asked, terms, limit, observed.unwrap_or(limit))
    } else {
        let minutes = streak as u64 * terms.rules.step_minutes;
        let asked = terms.rules.after_rollback_minutes;
        (Outcome::Inconclusive, format!("has held for {minutes} of {asked} minutes"))
    };
    decided(question, looked, observed, outcome, reason)
}

#[cfg(test)]
mod tests;
