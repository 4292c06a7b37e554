//! The course of KPIs as checks with their ladder; the sentences are in `words`.
//!
//! Decides nothing about the numbers; that is done beside it.

pub(crate) mod words;

pub use words::{duration, interval_text, movement, slope_text, told_change, told_small};

use words::{per, told_changes, told_drift};

use super::drift::DriftVerdict;
use super::tuner::Stretch;
use super::{Column, KpiChanges, KpiDrift, Pace};
use crate::core::judge::{count, show};
use crate::core::kpi::KpiId;
use crate::core::policy::{ChangeRules, CourseRules, DriftGateRules, Horizon};
use crate::core::verdict::{Check, Comparison, Inference, Outcome, Part, Severity, WindowUsed};
use crate::stats::{change_points, regression};

/// What all checks of a symbol share.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The window looked at.
    pub window: &'a WindowUsed,
    /// The symbol.
    pub symbol: Option<&'a str>,
    /// How long an iteration takes; `None` where that is not known.
    pub pace: Option<Pace>,
    /// How many KPIs are judged together, those of each symbol counted.
    pub family: usize,
    /// How many symbols these belong to.
    pub symbols: usize,
    /// What of the window is tested.
    pub stretch: &'a Stretch,
    /// Why this is looked at.
    pub role: Role,
}

/// Why a KPI is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has a limit, and the verdict may rest on what is found.
    Judged,
    /// It has no limit: for the reports.
    Shown,
    /// The whole window is looked at beside the part in which no parameter moved: for the reports.
    Beside,
}

impl Scene<'_> {
    /// Whether what moves here may be the tuner's doing.
    fn is_tuned(&self) -> bool {
        self.role == Role::Beside || matches!(self.stretch, Stretch::Moved { .. })
    }

    /// Whether the verdict may rest on it.
    fn may_join(&self) -> bool {
        self.role == Role::Judged && !self.is_tuned()
    }

    /// What is said of the tuner, behind a reason.
    fn note(&self, span: Option<(u64, u64)>) -> String {
        let Some((first, last)) = span else { return String::new() };
        if self.is_tuned() {
            return format!(
                "; the tuner moved parameters within iterations {first}-{last}, so this is put down to it (advisory)"
            );
        }
        match self.stretch {
            Stretch::Quiet { .. } => format!("; no parameter moved within iterations {first}-{last}"),
            Stretch::Whole | Stretch::Moved { .. } => String::new(),
        }
    }
}

/// The check of a drift.
pub fn drift(found: &KpiDrift, column: &Column, rules: &DriftGateRules, scene: Scene<'_>) -> Check {
    let kpi = found.kpi;
    let told = told_drift(found, column, scene);
    let DriftGateRules { course: rules, horizon } = rules;
    let no_decision = no_decision(rules, scene);
    let few = || format!("{told}; {}", needed(found.n, regression::FEWEST, rules, no_decision));
    let (outcome, reason) = match found.verdict {
        DriftVerdict::NoData => (no_decision, nothing(kpi, scene)),
        DriftVerdict::TooFew => (no_decision, few()),
        _ if (found.n as f64) < rules.min_iterations.value => (no_decision, few()),
        DriftVerdict::CannotTell => (Outcome::Inconclusive, told),
        DriftVerdict::Worsens => {
            let is_near = horizon.as_ref().is_some_and(|horizon| is_near(found, horizon, scene.pace));
            (of_a_miss(rules.severity, is_near), told)
        }
        DriftVerdict::Improves | DriftVerdict::Settled | DriftVerdict::NoDrift => (Outcome::Pass, told),
    };
    let reason = reason + &scene.note(found.span);
    let inference = found.line.map(|line| Inference {
        n_eff: Some(line.fit.n_eff),
        low: Some(per(line.interval.0, scene.pace)),
        high: Some(per(line.interval.1, scene.pace)),
        confidence: Some(line.confidence),
        p_value: Some(line.p),
        p_adjusted: Some(line.p_adjusted),
        correction: Some(correction(scene)),
    });
    let statistic = if scene.pace.is_some() { "slope_per_hour" } else { "slope_per_iteration" };
    Check {
        observed: found.line.map(|line| per(line.fit.slope, scene.pace)),
        inference,
        ..base(
            Part::KpiDrift,
            "kpi_drift",
            kpi,
            found.n,
            found.span,
            rules,
            scene,
            statistic,
            outcome,
            reason,
        )
    }
}

/// Whether the line reaches the limit within the horizon.
fn is_near(found: &KpiDrift, horizon: &Horizon, pace: Option<Pace>) -> bool {
    let Some(iterations) = found.line.and_then(|line| line.to_breach) else { return false };
    let tested = found.span.map_or(0, |(first, last)| last - first) as f64;
    let in_time = pace.is_none_or(|pace| iterations * pace.hours <= horizon.hours.value);
    in_time && iterations <= horizon.spans.value * tested
}

/// A soft miss is as bad as a hard one where the limit is near.
fn of_a_miss(severity: Severity, is_near: bool) -> Outcome {
    if is_near { Outcome::Fail } else { severity.of_a_miss() }
}

/// The check of the changes of level.
pub fn changes(found: &KpiChanges, column: &Column, rules: &ChangeRules, scene: Scene<'_>) -> Check {
    let kpi = found.kpi;
    let told = told_changes(found);
    let course = &rules.course;
    let no_decision = no_decision(course, scene);
    let relative = course.relative_change.value;
    let (outcome, reason) = if found.n == 0 {
        (no_decision, nothing(kpi, scene))
    } else if (found.n as f64) < course.min_iterations.value || found.block.is_none() {
        (no_decision, format!("{told}; {}", needed(found.n, change_points::FEWEST, course, no_decision)))
    } else if found.n < 2 * rules.min_segment && !found.constant {
        let room = format!(
            "two levels of at least {} iterations (`change_points.min_segment`) take {} values, and {} of `{}` are there",
            rules.min_segment,
            2 * rules.min_segment,
            found.n,
            kpi.name
        );
        (no_decision, room)
    } else if found.block.is_some() && found.likeliest.is_none() && !found.constant {
        (Outcome::Inconclusive, told)
    } else if found.has_recovered(column, relative) {
        (Outcome::Pass, format!("{told}; the last level is no worse than the first, so this does not count"))
    } else if found.is_worse(column, relative) {
        let beyond = found.ends(column).and_then(|(_, last)| beyond(column, last, kpi));
        let outcome = of_a_miss(course.severity, beyond.is_some());
        (outcome, told + &beyond.unwrap_or_default())
    } else {
        (Outcome::Pass, told)
    };
    let reason = reason + &scene.note(found.span);
    let shown = found.changes.iter().find(|change| change.worse).or(found.changes.first());
    let shown = shown.copied().or(found.likeliest);
    let inference = shown.map(|change| Inference {
        n_eff: Some(change.step.n_eff),
        low: Some(change.step.low),
        high: Some(change.step.high),
        confidence: Some(0.95),
        p_value: Some(change.step.p),
        p_adjusted: Some(change.p_adjusted),
        correction: Some(format!(
            "search over positions; {}{}",
            correction(scene),
            if change.step.is_p_at_most { "; p may be smaller, the tables end there" } else { "" }
        )),
    });
    Check {
        observed: shown.map(|change| change.step.after - change.step.before),
        inference,
        ..base(
            Part::ChangePoints,
            "change_points",
            kpi,
            found.n,
            found.span,
            course,
            scene,
            "shift",
            outcome,
            reason,
        )
    }
}

/// `; the last level is beyond the limit >= 2.70 bps`, where it is.
fn beyond(column: &Column, level: f64, kpi: KpiId) -> Option<String> {
    let (comparison, limit) = column.limit?;
    let told =
        || format!("; the last level is beyond the limit {} {}", comparison.symbol(), show(kpi, limit));
    (!comparison.holds(level, limit)).then(told)
}

#[expect(clippy::too_many_arguments, reason = "two callers that differ in each of them")]
fn base(
    part: Part,
    group: &str,
    kpi: KpiId,
    n: usize,
    span: Option<(u64, u64)>,
    rules: &CourseRules,
    scene: Scene<'_>,
    statistic: &str,
    outcome: Outcome,
    reason: String,
) -> Check {
    let (first, last) = span.unzip();
    Check {
        part,
        gate: format!("{group}.{}{}", kpi.name, if scene.role == Role::Beside { ".tuned" } else { "" }),
        kpi: Some(kpi.name.to_owned()),
        symbol: scene.symbol.map(str::to_owned),
        severity: rules.severity,
        window: WindowUsed { name: scene.window.name.clone(), first, last, n },
        statistic: statistic.to_owned(),
        comparison: None::<Comparison>,
        limit: None,
        observed: None,
        margin: None,
        outcome,
        reason,
        limit_source: Some(rules.false_alarm_rate.source.clone()),
        joins: rules.gates
            && scene.may_join()
            && (rules.insists() || !matches!(outcome, Outcome::NotApplicable | Outcome::Inconclusive)),
        inference: None,
    }
}

/// Where nothing can be decided: in the way of a verdict that asks for it, and beside one that does not.
fn no_decision(rules: &CourseRules, scene: Scene<'_>) -> Outcome {
    if rules.insists() && scene.may_join() { Outcome::Inconclusive } else { Outcome::NotApplicable }
}

/// How many values it takes to decide: those of the policy, and no fewer than the method can do with.
fn needed(n: usize, fewest: usize, rules: &CourseRules, no_decision: Outcome) -> String {
    let advisory = if no_decision == Outcome::Inconclusive { "" } else { "advisory: " };
    let are = if n == 1 { "is" } else { "are" };
    let takes = rules.min_iterations.value.max(fewest as f64);
    format!("{advisory}{} {are} there, it takes {takes} to decide", count(n, "value"))
}

/// Why there is no value: the window has not begun, or the KPI is not in it.
fn nothing(kpi: KpiId, scene: Scene<'_>) -> String {
    let WindowUsed { name, n, .. } = scene.window;
    if *n == 0 {
        return format!(
            "no iteration of the window `{name}` is there yet, so that there is no `{}` to look at",
            kpi.name
        );
    }
    format!("`{}` has no value in the {} of the window `{name}`", kpi.name, count(*n, "iteration"))
}

fn correction(scene: Scene<'_>) -> String {
    let of_symbols = if scene.symbols > 1 { format!(" of {} symbols", scene.symbols) } else { String::new() };
    format!("Holm over {}{of_symbols}", count(scene.family, "KPI"))
}

#[cfg(test)]
mod soft_tests;
#[cfg(test)]
mod tests;
