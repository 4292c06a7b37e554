//! The course of KPIs as checks with their ladder, in sentences that a person without statistics can read.
//!
//! Decides nothing about the numbers; that is done beside it.

use super::changes::{Change, SpikeAt};
use super::drift::{DriftLine, DriftVerdict};
use super::tuner::Stretch;
use super::{ChangeRules, Column, CourseRules, DriftGateRules, Horizon, KpiChanges, KpiDrift, Pace};
use crate::core::judge::{count, show, show_distance, with_unit};
use crate::core::kpi::{Kpi, KpiTable};
use crate::core::number::{distance, fixed};
use crate::core::stats::{slope, steps};
use crate::core::verdict::{Check, Comparison, Inference, Outcome, Part, Severity, WindowUsed};

/// Changes that a sentence lists.
const MOST: usize = 3;

/// What all checks of a symbol share.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The KPIs.
    pub kpis: &'a KpiTable,
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
    let kpi = scene.kpis.get(found.kpi);
    let told = told_drift(found, column, scene);
    let DriftGateRules { course: rules, horizon } = rules;
    let no_decision = no_decision(rules, scene);
    let few = || format!("{told}; {}", needed(found.n, slope::FEWEST, rules, no_decision));
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
    let kpi = scene.kpis.get(found.kpi);
    let told = told_changes(found, scene.kpis);
    let course = &rules.course;
    let no_decision = no_decision(course, scene);
    let relative = course.relative_change.value;
    let (outcome, reason) = if found.n == 0 {
        (no_decision, nothing(kpi, scene))
    } else if (found.n as f64) < course.min_iterations.value || found.block.is_none() {
        (no_decision, format!("{told}; {}", needed(found.n, steps::FEWEST, course, no_decision)))
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
fn beyond(column: &Column, level: f64, kpi: &Kpi) -> Option<String> {
    let (comparison, limit) = column.limit?;
    let told =
        || format!("; the last level is beyond the limit {} {}", comparison.symbol(), show(kpi, limit));
    (!comparison.holds(level, limit)).then(told)
}

#[expect(clippy::too_many_arguments, reason = "two callers that differ in each of them")]
fn base(
    part: Part,
    group: &str,
    kpi: &Kpi,
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
        kpi: Some(kpi.name.clone()),
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
fn nothing(kpi: &Kpi, scene: Scene<'_>) -> String {
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

fn per(slope: f64, pace: Option<Pace>) -> f64 {
    pace.map_or(slope, |pace| slope / pace.hours)
}

/// A slope with sign and unit: `-0.021 bps/h`, `+0.3 ms per iteration`.
pub fn slope_text(kpi: &Kpi, slope: f64, pace: Option<Pace>) -> String {
    let slope = per(slope, pace);
    let unit = kpi.unit.symbol();
    let gap = if unit.is_empty() { "" } else { " " };
    let what = if pace.is_some() { "/h" } else { " per iteration" };
    let size = distance(slope, kpi.unit.decimals() + 1);
    let sign = if slope > 0.0 {
        "+"
    } else if slope < 0.0 {
        "-"
    } else {
        ""
    };
    format!("{sign}{size}{gap}{unit}{what}")
}

/// The interval of a slope, in the same unit without its name: with as many decimals as it takes to tell both ends
/// apart, and whether 0 lies between them.
pub fn interval_text(kpi: &Kpi, line: &DriftLine, pace: Option<Pace>) -> String {
    let (low, high) = (per(line.interval.0, pace), per(line.interval.1, pace));
    let digits = digits_apart(low, high, kpi.unit.decimals() + 2);
    format!("{} to {}", fixed(low, digits), fixed(high, digits))
}

/// How many decimals, `least` or more, it takes to tell two numbers apart.
fn digits_apart(low: f64, high: f64, least: usize) -> usize {
    const MORE: usize = 6;
    let unit = |digits: usize| (0..digits).fold(1.0, |unit, _| unit / 10.0);
    let is_fine = |digits: &usize| high - low >= 10.0 * unit(*digits) || high == low;
    (least..least + MORE).find(is_fine).unwrap_or(least + MORE)
}

/// `` `rss_mib` drifts by +24.0 MiB/h (95 % CI 22.1 to 25.9), reaches 1000 MiB in 31 h ``.
fn told_worsening(
    kpi: &Kpi,
    line: &DriftLine,
    column: &Column,
    span: (u64, u64),
    pace: Option<Pace>,
) -> String {
    let [slope, low, high] = [line.fit.slope, line.interval.0, line.interval.1].map(|slope| per(slope, pace));
    // An exact line has an interval without width.
    let digits = if low == high { kpi.unit.decimals() + 2 } else { digits_apart(low, high, 0) };
    let sign = if slope > 0.0 { "+" } else { "" };
    let by = with_unit(kpi, format!("{sign}{}", fixed(slope, digits)));
    let each = if pace.is_some() { "/h" } else { " per iteration" };
    let (low, high) = (fixed(low, digits), fixed(high, digits));
    let heading = match (line.to_breach, column.limit) {
        (Some(0.0), Some((comparison, limit))) => {
            format!("is beyond its limit {} {} already", comparison.symbol(), show(kpi, limit))
        }
        (Some(iterations), Some((_, limit))) => {
            format!("reaches {} in {}", show(kpi, limit), duration(iterations, pace))
        }
        _ => format!("{} from iteration {} to {}", movement(kpi, line.change), span.0, span.1),
    };
    format!("`{}` drifts by {by}{each} (95 % CI {low} to {high}), {heading}", kpi.name)
}

/// A drift in a sentence.
fn told_drift(found: &KpiDrift, column: &Column, scene: Scene<'_>) -> String {
    let kpi = scene.kpis.get(found.kpi);
    let Some(line) = found.line else {
        return match found.verdict {
            DriftVerdict::CannotTell => format!(
                "neighbouring values of `{}` resemble each other so much that {} say nothing about a steady drift (a change \
                 of level can look like that)",
                kpi.name,
                count(found.n, "value")
            ),
            _ => format!("no line through {} of `{}`", count(found.n, "value"), kpi.name),
        };
    };
    let slope = slope_text(kpi, line.fit.slope, scene.pace);
    let change = movement(kpi, line.change);
    let (first, last) = found.span.unwrap_or_default();
    let sure = format!(
        "{slope} (95 % sure: {}), {change} from iteration {first} to {last}",
        interval_text(kpi, &line, scene.pace)
    );
    match found.verdict {
        DriftVerdict::Worsens => told_worsening(kpi, &line, column, (first, last), scene.pace),
        DriftVerdict::Improves => format!("`{}` gets steadily better: {sure}", kpi.name),
        DriftVerdict::Settled => format!(
            "`{}` moved and has stood still since iteration {}: no drift that goes on",
            kpi.name,
            found.settled_from.unwrap_or(first)
        ),
        _ if line.fit.error == 0.0 && line.fit.slope == 0.0 => {
            format!("`{}` has the same value throughout: no drift", kpi.name)
        }
        _ => format!("`{}` shows no steady drift for the worse: {sure}{}", kpi.name, told_power(&line, kpi)),
    }
}

/// `; a worsening of 0.31 bps over these iterations would be found in 90 % of cases`, where none was.
fn told_power(line: &DriftLine, kpi: &Kpi) -> String {
    line.detectable.map_or_else(String::new, |least| {
        let least = show_distance(kpi, least);
        format!("; a worsening by {least} over these iterations would be found in 90 % of cases")
    })
}

/// Iterations as time, where that is known.
pub fn duration(iterations: f64, pace: Option<Pace>) -> String {
    match pace {
        Some(pace) => {
            let hours = iterations * pace.hours;
            format!("{} h", fixed(hours, usize::from(hours < 10.0)))
        }
        None => format!("{} iterations", fixed(iterations, 0)),
    }
}

/// `+0.40 bps`; what looks like 0 has no sign.
pub fn movement(kpi: &Kpi, by: f64) -> String {
    let size = fixed(by, kpi.unit.decimals());
    let sign = if by > 0.0 && size.contains(|digit| ('1'..='9').contains(&digit)) { "+" } else { "" };
    with_unit(kpi, format!("{sign}{size}"))
}

/// The changes of a KPI in a sentence.
fn told_changes(found: &KpiChanges, kpis: &KpiTable) -> String {
    let kpi = kpis.get(found.kpi);
    let mut out = if found.block.is_none() {
        format!("too few values of `{}` ({}) to look for changes", kpi.name, found.n)
    } else if found.constant {
        format!("`{}` has the same value throughout", kpi.name)
    } else if found.changes.is_empty() && found.likeliest.is_none() {
        format!("`{}` walks without a level, so no change of level can be told from chance", kpi.name)
    } else if let Some((least, change)) = found.too_small.zip(found.likeliest) {
        format!("`{}` {}", kpi.name, told_small(kpi, &change, least))
    } else if found.changes.is_empty() {
        format!("`{}` keeps its level", kpi.name)
    } else {
        let worse = found.changes.iter().filter(|change| change.worse);
        let better = found.changes.iter().filter(|change| !change.worse);
        let all: Vec<String> =
            worse.chain(better).take(MOST).map(|change| told_change(kpi, change)).collect();
        let more = found.changes.len().saturating_sub(MOST);
        let rest = if more > 0 { format!(" and {} more", count(more, "change")) } else { String::new() };
        format!("`{}` {}{rest}", kpi.name, all.join("; then "))
    };
    if let Some(block) = found.block.filter(|block| *block > 1) {
        out.extend([format!(" (searched in medians of {block} iterations)")]);
    }
    if let Some(spike) = found.spikes.first() {
        out.extend([format!("; {}", told_spikes(kpi, spike, found.spikes.len()))]);
    }
    out
}

/// `keeps its level: from 320 ms to 305 ms at iteration 62 (-16 ms) is hardly chance, and too little to count (a
/// change is more than 16 ms)`.
pub fn told_small(kpi: &Kpi, change: &Change, least: f64) -> String {
    let step = &change.step;
    format!(
        "keeps its level: from {} to {} at iteration {} is hardly chance, and too little to count (a change is more than \
         {})",
        show(kpi, step.before),
        show(kpi, step.after),
        change.first_after,
        show_distance(kpi, least)
    )
}

/// `worsened from 3.20 bps to 2.10 bps at iteration 60 (-1.10 bps, 95 % sure: -1.30 to -0.90; 53 iterations
/// before, 61 after)`.
pub fn told_change(kpi: &Kpi, change: &Change) -> String {
    let step = &change.step;
    let digits = kpi.unit.decimals() + 1;
    let word = if change.worse { "worsened" } else { "changed" };
    let gradual = if step.gradual { "; a steady drift explains it better than a step" } else { "" };
    format!(
        "{word} from {} to {} at iteration {} ({}, 95 % sure: {} to {}; {} iterations before, {} after{gradual})",
        show(kpi, step.before),
        show(kpi, step.after),
        change.first_after,
        movement(kpi, step.after - step.before),
        fixed(step.low, digits),
        fixed(step.high, digits),
        step.n_before,
        step.n_after
    )
}

/// `a spike in iteration 17 (9.10 bps where 3.20 bps is usual) is no change`.
fn told_spikes(kpi: &Kpi, spike: &SpikeAt, n: usize) -> String {
    let place = if spike.first == spike.last {
        format!("iteration {}", spike.first)
    } else {
        format!("iterations {}-{}", spike.first, spike.last)
    };
    let more = if n > 1 { format!(" and {} more", n - 1) } else { String::new() };
    format!(
        "a spike in {place}{more} ({} where {} is usual) counts as no change",
        show(kpi, spike.value),
        show(kpi, spike.usual)
    )
}

#[cfg(test)]
mod tests;
