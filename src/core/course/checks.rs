//! The course of KPIs as checks with their ladder, in sentences that a person without statistics can read.
//!
//! Decides nothing about the numbers; that is done beside it.

use super::changes::{Change, SpikeAt};
use super::drift::{DriftLine, DriftVerdict};
use super::{ChangeRules, Column, CourseRules, KpiChanges, KpiDrift, Pace};
use crate::core::judge::{count, show, show_distance, with_unit};
use crate::core::kpi::{Kpi, KpiTable};
use crate::core::number::{distance, fixed};
use crate::core::stats::{slope, steps};
use crate::core::verdict::{Check, Comparison, Inference, Outcome, Part, WindowUsed};

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
    /// How many KPIs are judged together.
    pub family: usize,
}

/// The check of a drift.
pub fn drift(found: &KpiDrift, column: &Column, rules: &CourseRules, scene: Scene<'_>) -> Check {
    let kpi = scene.kpis.get(found.kpi);
    let told = told_drift(found, column, scene);
    let (outcome, reason) = match found.verdict {
        DriftVerdict::NoData => (no_decision(rules), nothing(kpi, scene)),
        DriftVerdict::TooFew => {
            (no_decision(rules), format!("{told}; {}", needed(found.n, slope::FEWEST, rules)))
        }
        _ if (found.n as f64) < rules.min_iterations.value => {
            (no_decision(rules), format!("{told}; {}", needed(found.n, slope::FEWEST, rules)))
        }
        DriftVerdict::CannotTell => (Outcome::Inconclusive, told),
        DriftVerdict::Worsens => (rules.severity.of_a_miss(), told),
        DriftVerdict::Improves | DriftVerdict::Settled | DriftVerdict::NoDrift => (Outcome::Pass, told),
    };
    let inference = found.line.map(|line| Inference {
        n_eff: Some(line.fit.n_eff),
        low: Some(per(line.interval.0, scene.pace)),
        high: Some(per(line.interval.1, scene.pace)),
        confidence: Some(line.confidence),
        p_value: Some(line.p),
        p_adjusted: Some(line.p_adjusted),
        correction: Some(correction(scene.family)),
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

/// The check of the changes of level.
pub fn changes(found: &KpiChanges, column: &Column, rules: &ChangeRules, scene: Scene<'_>) -> Check {
    let kpi = scene.kpis.get(found.kpi);
    let told = told_changes(found, scene.kpis);
    let course = &rules.course;
    let recovered = found.has_recovered(column, course.relative_change.value);
    let (outcome, reason) = if found.n == 0 {
        (no_decision(course), nothing(kpi, scene))
    } else if (found.n as f64) < course.min_iterations.value || found.block.is_none() {
        (no_decision(course), format!("{told}; {}", needed(found.n, steps::FEWEST, course)))
    } else if found.n < 2 * rules.min_segment && !found.constant {
        let room = format!(
            "two levels of at least {} iterations (`change_points.min_segment`) take {} values, and {} of `{}` are there",
            rules.min_segment,
            2 * rules.min_segment,
            found.n,
            kpi.name
        );
        (no_decision(course), room)
    } else if found.block.is_some() && found.likeliest.is_none() && !found.constant {
        (Outcome::Inconclusive, told)
    } else if found.is_worse() && recovered {
        (Outcome::Warn, format!("{told}; it came back to where it was"))
    } else if found.is_worse() {
        (course.severity.of_a_miss(), told)
    } else {
        (Outcome::Pass, told)
    };
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
            correction(scene.family),
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
        gate: format!("{group}.{}", kpi.name),
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
        joins: rules.gates,
        inference: None,
    }
}

/// Where nothing can be decided: in the way of a verdict that asks for it, and beside one that does not.
fn no_decision(rules: &CourseRules) -> Outcome {
    if rules.gates { Outcome::Inconclusive } else { Outcome::NotApplicable }
}

/// How many values it takes to decide: those of the policy, and no fewer than the method can do with.
fn needed(n: usize, fewest: usize, rules: &CourseRules) -> String {
    let advisory = if rules.gates { "" } else { "advisory: " };
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

fn correction(family: usize) -> String {
    format!("Holm over {}", count(family, "KPI"))
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
    const MORE: usize = 6;
    let (low, high) = (per(line.interval.0, pace), per(line.interval.1, pace));
    let least = kpi.unit.decimals() + 2;
    let unit = |digits: usize| (0..digits).fold(1.0, |unit, _| unit / 10.0);
    let is_fine = |digits: &usize| high - low >= 10.0 * unit(*digits) || high == low;
    let digits = (least..least + MORE).find(is_fine).unwrap_or(least + MORE);
    format!("{} to {}", fixed(low, digits), fixed(high, digits))
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
        DriftVerdict::Worsens => {
            format!(
                "`{}` gets steadily worse: {sure}{}",
                kpi.name,
                told_breach(&line, column, kpi, scene.pace)
            )
        }
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

/// `; at this rate it reaches >= 2.70 bps in 14.3 h`.
fn told_breach(line: &DriftLine, column: &Column, kpi: &Kpi, pace: Option<Pace>) -> String {
    let (Some(iterations), Some((comparison, limit))) = (line.to_breach, column.limit) else {
        return String::new();
    };
    let bound = format!("{} {}", comparison.symbol(), show(kpi, limit));
    if iterations == 0.0 {
        return format!("; the line is beyond the limit {bound} already");
    }
    format!("; at this rate the limit {bound} is reached in {}", duration(iterations, pace))
}

/// Iterations as time, where that is known.
pub fn duration(iterations: f64, pace: Option<Pace>) -> String {
    match pace {
        Some(pace) => format!("{} h", fixed(iterations * pace.hours, 1)),
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
