//! The trends of KPIs as checks with their explanation, and the sentences of these checks.
//!
//! Decides nothing about the numbers; that is done beside it.

use crate::core::judge::{count, show, show_distance, with_unit};
use crate::core::kpi::KpiId;
use crate::core::policy::{ChangeRules, DriftGateRules, Horizon, TrendRules};
use crate::core::text::number::{distance, fixed};
use crate::core::trend::breach;
use crate::core::trend::changes::{Change, SpikeAt};
use crate::core::trend::drift::{DriftLine, DriftVerdict};
use crate::core::trend::tuner::Stretch;
use crate::core::trend::{Column, KpiChanges, KpiDrift, Pace, Season};
use crate::core::verdict::{Check, Comparison, Inference, Outcome, Part, Severity, WindowUsed};
use crate::stats::breach::{Forecast, Shape};
use crate::stats::season::DAY;
use crate::stats::{self, change_points, regression};

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
    pub(crate) fn may_join(&self) -> bool {
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
    let sentence = drift_text(found, column, scene);
    let DriftGateRules { trend: rules, horizon, .. } = rules;
    let no_decision = no_decision(rules, scene);
    let few = || format!("{sentence}; {}", needed(found.n, regression::FEWEST, rules, no_decision));
    let (outcome, reason) = match found.verdict {
        DriftVerdict::NoData => (no_decision, nothing(kpi, scene)),
        DriftVerdict::TooFew => (no_decision, few()),
        _ if (found.n as f64) < rules.min_iterations.value => (no_decision, few()),
        DriftVerdict::CannotTell => (Outcome::Inconclusive, sentence),
        DriftVerdict::Worsens => {
            let is_near = horizon.as_ref().is_some_and(|horizon| is_near(found, horizon, scene.pace));
            (of_a_miss(rules.severity, is_near), sentence)
        }
        DriftVerdict::Improves | DriftVerdict::Settled | DriftVerdict::NoDrift => (Outcome::Pass, sentence),
    };
    let (outcome, reason) = beside_a_cycle("drift", outcome, reason, column);
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

/// A decision about values that cover less than two periods of a daily cycle: what moves there may be a part of one.
fn beside_a_cycle(what: &str, outcome: Outcome, reason: String, column: &Column) -> (Outcome, String) {
    let is_still = column.points.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let is_decided = matches!(outcome, Outcome::Pass | Outcome::Warn | Outcome::Fail) && !is_still;
    let covered = || {
        let hours = column.hours.iter().copied();
        let span = hours.clone().fold(0.0, f64::max) - hours.fold(f64::INFINITY, f64::min);
        format!("{} h are covered, a daily cycle is known after {} h", fixed(span, 1), fixed(2.0 * DAY, 0))
    };
    match column.season {
        Season::Unresolved { declared: true } if is_decided => {
            (Outcome::Inconclusive, format!("{reason}; less than two periods: {}", covered()))
        }
        Season::Unresolved { declared: false } if is_decided && outcome != Outcome::Pass => {
            (Outcome::Warn, format!("{what} or daily cycle: {reason}; {}", covered()))
        }
        Season::Off | Season::Resolved | Season::Unresolved { .. } => (outcome, reason),
    }
}

/// Whether the limit is reached within the horizon.
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
    let sentence = changes_text(found);
    let trend = &rules.trend;
    let no_decision = no_decision(trend, scene);
    let relative = trend.relative_change.value;
    let (outcome, reason) = if found.n == 0 {
        (no_decision, nothing(kpi, scene))
    } else if (found.n as f64) < trend.min_iterations.value || found.block.is_none() {
        (no_decision, format!("{sentence}; {}", needed(found.n, change_points::FEWEST, trend, no_decision)))
    } else if found.n < 2 * rules.min_segment && !found.constant {
        let room = format!(
            "two levels of at least {} iterations (`change_points.min_segment`) take {} values, and {} of `{}` are there",
            rules.min_segment,
            2 * rules.min_segment,
            found.n,
            kpi.name
        );
        (no_decision, room)
    } else if found.cannot_tell() {
        (Outcome::Inconclusive, sentence)
    } else if found.has_recovered(column, relative) {
        (
            Outcome::Pass,
            format!("{sentence}; the last level is no worse than the first, so this does not count"),
        )
    } else if found.is_worse(column, relative) {
        let beyond = found.ends(column).and_then(|(_, last)| beyond(column, last, kpi));
        let outcome = of_a_miss(trend.severity, beyond.is_some());
        (outcome, sentence + &beyond.unwrap_or_default())
    } else {
        (Outcome::Pass, sentence)
    };
    let (outcome, reason) = beside_a_cycle("change of level", outcome, reason, column);
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
            trend,
            scene,
            "shift",
            outcome,
            reason,
        )
    }
}

/// `; the last level is out of limits (>= 2.70 bps)`, where it is.
fn beyond(column: &Column, level: f64, kpi: KpiId) -> Option<String> {
    let (comparison, limit) = column.limit?;
    let sentence =
        || format!("; the last level is out of limits ({} {})", comparison.symbol(), show(kpi, limit));
    (!comparison.holds(level, limit)).then(sentence)
}

#[expect(clippy::too_many_arguments, reason = "two callers that differ in each of them")]
fn base(
    part: Part,
    group: &str,
    kpi: KpiId,
    n: usize,
    span: Option<(u64, u64)>,
    rules: &TrendRules,
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
fn no_decision(rules: &TrendRules, scene: Scene<'_>) -> Outcome {
    if rules.insists() && scene.may_join() { Outcome::Inconclusive } else { Outcome::NotApplicable }
}

/// How many values it takes to decide: those of the policy, and no fewer than the method can do with.
fn needed(n: usize, fewest: usize, rules: &TrendRules, no_decision: Outcome) -> String {
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

/// Changes that a sentence lists.
const MOST: usize = 12;

pub(crate) fn per(slope: f64, pace: Option<Pace>) -> f64 {
    pace.map_or(slope, |pace| slope / pace.hours)
}

/// A slope with sign and unit: `-0.021 bps/h`, `+0.3 ms per iteration`.
pub fn slope_text(kpi: KpiId, slope: f64, pace: Option<Pace>) -> String {
    let slope = per(slope, pace);
    let unit = kpi.unit.symbol();
    let gap = if unit.is_empty() { "" } else { " " };
    let what = if pace.is_some() { "/h" } else { " per iteration" };
    let size = distance(slope, kpi.decimals_of(slope).max(kpi.decimals() + 1));
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
pub fn interval_text(kpi: KpiId, line: &DriftLine, pace: Option<Pace>) -> String {
    let (low, high) = (per(line.interval.0, pace), per(line.interval.1, pace));
    let digits = digits_apart(low, high, kpi.decimals() + 2);
    format!("{} to {}", fixed(low, digits), fixed(high, digits))
}

/// How many decimals, `least` or more, it takes to tell two numbers apart.
fn digits_apart(low: f64, high: f64, least: usize) -> usize {
    const MORE: usize = 6;
    let unit = |digits: usize| (0..digits).fold(1.0, |unit, _| unit / 10.0);
    let is_fine = |digits: &usize| high - low >= 10.0 * unit(*digits) || high == low;
    (least..least + MORE).find(is_fine).unwrap_or(least + MORE)
}

/// `` `rss_mib` drifts by +24.0 MiB/h (95 % CI 22.1 to 25.9), reaches 1000 MiB in 31 h (80 % interval 27 to 36 h) ``.
fn worsening_text(
    kpi: KpiId,
    line: &DriftLine,
    forecast: Option<&Forecast>,
    column: &Column,
    span: (u64, u64),
    pace: Option<Pace>,
) -> String {
    let [slope, low, high] = [line.fit.slope, line.interval.0, line.interval.1].map(|slope| per(slope, pace));
    // An exact line has an interval without width.
    let digits =
        if low == high { kpi.decimals_of(slope).max(kpi.decimals() + 2) } else { digits_apart(low, high, 0) };
    let sign = if slope > 0.0 { "+" } else { "" };
    let by = with_unit(kpi, format!("{sign}{}", fixed(slope, digits)));
    let each = if pace.is_some() { "/h" } else { " per iteration" };
    let (low, high) = (fixed(low, digits), fixed(high, digits));
    let moved = || format!("{} from iteration {} to {}", movement(kpi, line.change), span.0, span.1);
    let heading = out_of_limit_text(kpi, column).or_else(|| {
        Some(forecast_text(kpi, forecast?, column.limit?.1, pace).unwrap_or_else(|why| moved() + &why))
    });
    let heading = heading.unwrap_or_else(moved);
    format!("`{}` drifts by {by}{each} (95 % CI {low} to {high}), {heading}", kpi.name)
}

/// `is out of its limit <= 350 ms already (last 8: 364 ms)`, where it is.
fn out_of_limit_text(kpi: KpiId, column: &Column) -> Option<String> {
    let (last, (comparison, limit)) = breach::out_of_limit(column).zip(column.limit)?;
    Some(format!(
        "is out of its limit {} {} already (last {}: {})",
        comparison.symbol(),
        show(kpi, limit),
        breach::LAST,
        show(kpi, last)
    ))
}

/// `grows since iteration 173 and reaches 350 ms in 19 h (80 % interval 15 to 25 h)`; else why no time is given.
fn forecast_text(kpi: KpiId, forecast: &Forecast, limit: f64, pace: Option<Pace>) -> Result<String, String> {
    let from = fixed(libm::ceil(forecast.from), 0);
    let Some(reach) = forecast.reach else {
        return Err(match forecast.shape {
            Shape::Step => format!("; one step at iteration {from} explains it better than growth"),
            Shape::Saturation => format!("; it has levelled off since iteration {from}"),
            Shape::Line | Shape::Bend | Shape::Convex => String::new(),
        });
    };
    let how = match forecast.shape {
        Shape::Bend => format!("grows since iteration {from} and "),
        Shape::Convex => "grows faster and faster and ".to_owned(),
        _ => String::new(),
    };
    let interval = match reach.high {
        Some(high) => durations(reach.low, high, pace),
        None => format!("{} or more", duration(reach.low, pace)),
    };
    Ok(format!(
        "{how}reaches {} in {} ({} % interval {interval})",
        show(kpi, limit),
        duration(reach.after, pace),
        fixed(100.0 * stats::breach::CONFIDENCE, 0)
    ))
}

/// Two times with one unit: `15 to 25 h`.
fn durations(from: f64, to: f64, pace: Option<Pace>) -> String {
    let from = duration(from, pace);
    let number = from.split_once(' ').map_or(from.as_str(), |(number, _)| number);
    format!("{number} to {}", duration(to, pace))
}

/// A drift in a sentence.
pub(crate) fn drift_text(found: &KpiDrift, column: &Column, scene: Scene<'_>) -> String {
    let kpi = found.kpi;
    let name = kpi.name;
    let values = count(found.n, "value");
    let Some(line) = found.line else {
        return match found.verdict {
            DriftVerdict::CannotTell => {
                let reach = found.forecast.as_ref().zip(column.limit);
                let continues = match (out_of_limit_text(kpi, column), reach) {
                    (Some(out), Some(_)) => format!("; it {out}"),
                    (None, Some((forecast, (_, limit)))) => {
                        let text = forecast_text(kpi, forecast, limit, scene.pace);
                        let real = |text| format!("; if the movement is more than chance, it {text}");
                        text.map_or_else(|why| why, real)
                    }
                    (_, None) => String::new(),
                };
                format!("`{name}` is too autocorrelated for a drift test ({values}){continues}")
            }
            _ => format!(
                "{values} of `{name}` {} too few for a trend",
                if found.n == 1 { "is" } else { "are" }
            ),
        };
    };
    let (first, last) = found.span.unwrap_or_default();
    let slope = slope_text(kpi, line.fit.slope, scene.pace);
    let sure = format!("{slope}, 95 % CI {}", interval_text(kpi, &line, scene.pace));
    let text = match found.verdict {
        DriftVerdict::Worsens => {
            worsening_text(kpi, &line, found.forecast.as_ref(), column, (first, last), scene.pace)
        }
        DriftVerdict::Improves => {
            let change = movement(kpi, line.change);
            format!("`{name}` improves by {sure}, {change} from iteration {first} to {last}")
        }
        DriftVerdict::Settled => {
            let from = found.settled_from.unwrap_or(first);
            format!("`{name}` moved at first and is steady from iteration {from} on: no drift")
        }
        DriftVerdict::CannotTell => format!(
            "the estimators disagree on a drift of `{name}` ({sure}): to allow for longer memory or uneven scatter makes it chance"
        ),
        _ if line.fit.error == 0.0 && line.fit.slope == 0.0 => {
            format!("`{name}` has the same value throughout: no drift")
        }
        _ => {
            let detectable = line.detectable.map_or_else(String::new, |least| {
                let length = last.saturating_sub(first).max(1) as f64;
                format!(
                    "; detectable: {}",
                    slope_text(kpi, least / length, scene.pace).trim_start_matches('+')
                )
            });
            format!("no drift in `{name}` ({sure}{detectable})")
        }
    };
    text + &season_text(found)
}

/// `; a daily cycle of ±15 ms is taken out`, where one is.
fn season_text(found: &KpiDrift) -> String {
    found.season.as_ref().map_or_else(String::new, |cycle| {
        format!("; a daily cycle of ±{} is taken out", show_distance(found.kpi, cycle.amplitude))
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
pub fn movement(kpi: KpiId, by: f64) -> String {
    let size = fixed(by, kpi.decimals_of(by));
    let sign = if by > 0.0 && size.contains(|digit| ('1'..='9').contains(&digit)) { "+" } else { "" };
    with_unit(kpi, format!("{sign}{size}"))
}

/// The changes of a KPI in a sentence.
pub(crate) fn changes_text(found: &KpiChanges) -> String {
    let kpi = found.kpi;
    let mut out = if found.block.is_none() {
        format!("too few values of `{}` ({}) to look for changes", kpi.name, found.n)
    } else if found.constant {
        format!("`{}` has the same value throughout", kpi.name)
    } else if found.changes.is_empty() && found.likeliest.is_none() {
        format!("`{}` walks without a level, so no change of level can be told from chance", kpi.name)
    } else if let Some((p, change)) = found.contested.zip(found.likeliest) {
        format!("`{}` {}", kpi.name, contested_text(kpi, &change, p))
    } else if let Some((least, change)) = found.too_small.zip(found.likeliest) {
        format!("`{}` {}", kpi.name, small_change_text(kpi, &change, least))
    } else if found.changes.is_empty() {
        let least = found.detectable.map(|least| show_distance(kpi, least));
        let least =
            least.map(|least| format!("; a lasting change by {least} would be found in 90 % of cases"));
        format!("`{}` keeps its level{}", kpi.name, least.unwrap_or_default())
    } else {
        let sure = |change: &Change| format!("{}, p {}", change_text(kpi, change), probability_of(change));
        let all: Vec<String> = found.changes.iter().take(MOST).map(sure).collect();
        let more = found.changes.len().saturating_sub(MOST);
        let rest = if more > 0 { format!(" and {} more", count(more, "change")) } else { String::new() };
        format!("`{}` {}{rest}", kpi.name, all.join("; then "))
    };
    if let Some(block) = found.block.filter(|block| *block > 1) {
        out.extend([format!(" (searched in medians of {block} iterations)")]);
    }
    if let Some(spike) = found.spikes.first() {
        out.extend([format!("; {}", spikes_text(kpi, spike, found.spikes.len()))]);
    }
    out
}

/// `keeps its level: from 320 ms to 305 ms at iteration 62 (-16 ms) is hardly chance, and too little to count (a
/// change is more than 16 ms)`.
pub fn small_change_text(kpi: KpiId, change: &Change, least: f64) -> String {
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

/// `moves from 320 ms to 305 ms at iteration 62: p 0.0021 by the memory of neighbours, 0.34 by the longer memory of the
/// run; the estimators disagree`.
pub fn contested_text(kpi: KpiId, change: &Change, first_order: f64) -> String {
    let step = &change.step;
    format!(
        "moves from {} to {} at iteration {}: p {} by the memory of neighbours, {} by the longer memory of the run; the \
         estimators disagree",
        show(kpi, step.before),
        show(kpi, step.after),
        change.first_after,
        distance(first_order, 4),
        distance(change.p_adjusted, 2)
    )
}

/// `worsened from 3.20 bps to 2.10 bps at iteration 60 (-1.10 bps, 95 % sure: -1.30 to -0.90; 53 iterations
/// before, 61 after)`.
pub fn change_text(kpi: KpiId, change: &Change) -> String {
    let step = &change.step;
    let digits = 1 + kpi.decimals_of(step.after - step.before);
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

/// The adjusted probability of a change of level; `at most 0.0020` at the end of the tables.
pub fn probability_of(change: &Change) -> String {
    let most = if change.step.is_p_at_most { "at most " } else { "" };
    format!("{most}{}", distance(change.p_adjusted, 4))
}

/// `an outlier in iteration 17 (9.10 bps where 3.20 bps is usual) is no change`.
fn spikes_text(kpi: KpiId, spike: &SpikeAt, n: usize) -> String {
    let place = if spike.first == spike.last {
        format!("iteration {}", spike.first)
    } else {
        format!("iterations {}-{}", spike.first, spike.last)
    };
    let more = if n > 1 { format!(" and {} more", n - 1) } else { String::new() };
    format!(
        "an outlier in {place}{more} ({} where {} is usual) counts as no change",
        show(kpi, spike.value),
        show(kpi, spike.usual)
    )
}

#[cfg(test)]
mod soft_tests {

    use super::tests::{net, rules, scene};
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::trend::pace::PaceSource;
    use crate::core::trend::{changes as levels, drift as drifts};

    fn soft() -> ChangeRules {
        let mut rules = rules(true);
        rules.trend.severity = Severity::Soft;
        rules
    }

    fn check_drift(column: &Column, horizon: Option<Horizon>, scene: Scene<'_>) -> Check {
        let rules = DriftGateRules { trend: soft().trend, horizon, walks: false };
        drift(&drifts::find(std::slice::from_ref(column), &rules)[0], column, &rules, scene)
    }

    #[test]
    fn a_soft_drift_is_fail_only_where_the_limit_is_within_both_horizons() {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(60), n: 60 };
        let hour = Some(Pace { hours: 1.0, source: PaceSource::Manifest });
        // An exact line from 4.98 by -0.02: at iteration 60 it is at 3.80.
        let mut column = net(60, |at| 5.0 - 0.02 * at as f64);
        column.points.iter_mut().for_each(|(at, value)| *value = 5.0 - 0.02 * *at as f64);
        let outcome = |limit: f64, hours: f64, pace: Option<Pace>| {
            let column = Column { limit: Some((Comparison::AtLeast, limit)), ..column.clone() };
            let horizon = Horizon { hours: self::limit(hours), spans: self::limit(3.0) };
            let check = check_drift(&column, Some(horizon), Scene { pace, ..scene(&window) });
            assert!(check.joins);
            check.outcome
        };
        // 59 iterations were tested, three times that are 177: 3.54 below 3.80 is reached in 177 iterations.
        assert_eq!((outcome(0.261, 1e6, hour), outcome(0.259, 1e6, hour)), (Outcome::Fail, Outcome::Warn));
        assert_eq!((outcome(0.261, 1e6, None), outcome(0.259, 1e6, None)), (Outcome::Fail, Outcome::Warn));
        // 2.00 below are 100 iterations of an hour.
        assert_eq!((outcome(1.80, 100.1, hour), outcome(1.80, 99.9, hour)), (Outcome::Fail, Outcome::Warn));
        assert_eq!(outcome(4.50, 0.1, hour), Outcome::Fail, "beyond it already");
        let near = Column { limit: Some((Comparison::AtLeast, 3.7)), ..column.clone() };
        assert_eq!(check_drift(&near, None, scene(&window)).outcome, Outcome::Warn, "no horizon");
        let unlimited = Column { limit: None, ..column };
        let shown = Scene { role: Role::Shown, ..scene(&window) };
        let check = check_drift(&unlimited, None, shown);
        assert_eq!((check.outcome, check.joins), (Outcome::Warn, false));
    }

    #[test]
    fn a_soft_change_is_fail_only_where_the_last_level_is_beyond_the_limit() {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(99), n: 99 };
        let check = |level: f64| {
            let column = net(100, |at| if at < 60 { 5.0 } else { level });
            let found = levels::find(std::slice::from_ref(&column), &soft()).remove(0);
            changes(&found, &column, &soft(), scene(&window))
        };
        let (above, below) = (check(3.5), check(2.0));
        assert_eq!((above.outcome, above.joins), (Outcome::Warn, true));
        assert_eq!((below.outcome, below.joins), (Outcome::Fail, true));
        assert!(
            below.reason.ends_with("; the last level is out of limits (>= 2.70 bps)"),
            "{}",
            below.reason
        );
    }

    #[test]
    fn with_soft_what_cannot_be_decided_is_advisory() {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(60), n: 60 };
        let checks = |column: &Column| {
            let found = levels::find(std::slice::from_ref(column), &soft()).remove(0);
            let here = scene(&window);
            [check_drift(column, None, here), changes(&found, column, &soft(), here)]
        };
        for check in checks(&net(47, |_| 5.0)) {
            assert_eq!((check.outcome, check.joins), (Outcome::NotApplicable, false));
            assert!(check.reason.contains("; advisory: 47 values are there"), "{}", check.reason);
        }
        for check in checks(&net(60, |at| (at as f64 - 30.0) * (at as f64 - 30.0))) {
            assert_eq!((check.outcome, check.joins), (Outcome::Inconclusive, false));
        }
    }

    #[test]
    fn what_moves_while_the_tuner_does_is_put_down_to_it() {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(60), n: 60 };
        let column = net(60, |at| 5.0 - 0.02 * at as f64);
        let moved = Stretch::Moved { moves: 3, last: 40 };
        let tuned = check_drift(&column, None, Scene { stretch: &moved, ..scene(&window) });
        assert_eq!((tuned.outcome, tuned.joins), (Outcome::Warn, false));
        let note =
            "; the tuner moved parameters within iterations 1-60, so this is put down to it (advisory)";
        assert!(tuned.reason.ends_with(note), "{}", tuned.reason);
        let quiet = Stretch::Quiet { positions: 0..60, after: None };
        let still = check_drift(&column, None, Scene { stretch: &quiet, ..scene(&window) });
        assert_eq!(
            (still.outcome, still.joins, still.gate.as_str()),
            (Outcome::Warn, true, "kpi_drift.net_bps")
        );
        assert!(still.reason.ends_with("; no parameter moved within iterations 1-60"), "{}", still.reason);
        let beside = Scene { stretch: &quiet, role: Role::Beside, ..scene(&window) };
        let beside = check_drift(&column, None, beside);
        assert_eq!((beside.joins, beside.gate.as_str()), (false, "kpi_drift.net_bps.tuned"));
        assert!(beside.reason.ends_with(note), "{}", beside.reason);
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::{Direction, KpiId};
    use crate::core::policy::WindowSpec;
    use crate::core::trend::pace::PaceSource;
    use crate::core::trend::{Season, changes as levels, drift as drifts};
    use crate::core::verdict::Severity;

    pub(crate) fn rules(gates: bool) -> ChangeRules {
        ChangeRules {
            trend: TrendRules {
                gates,
                severity: Severity::Hard,
                window: WindowSpec::Steady,
                false_alarm_rate: limit(0.05),
                min_iterations: limit(48.0),
                relative_change: limit(0.05),
            },
            min_segment: 6,
        }
    }

    pub(crate) fn drift_rules(rules: &ChangeRules) -> DriftGateRules {
        let horizon = Horizon { hours: limit(168.0), spans: limit(3.0) };
        DriftGateRules { trend: rules.trend.clone(), horizon: Some(horizon), walks: false }
    }

    pub(crate) fn scene(window: &WindowUsed) -> Scene<'_> {
        Scene {
            window,
            symbol: None,
            pace: None,
            family: 1,
            symbols: 1,
            stretch: &Stretch::Whole,
            role: Role::Judged,
        }
    }

    pub(crate) fn net(n: u64, level: impl Fn(u64) -> f64) -> Column {
        Column {
            kpi: KpiId::NET_BPS,
            direction: Some(Direction::Higher),
            floor: 0.05,
            limit: Some((Comparison::AtLeast, 2.7)),
            later: None,
            hours: Vec::new(),
            season: Season::Off,
            points: (1..=n).map(|at| (at, level(at) + (at * 7 % 13) as f64 / 20.0 - 0.3)).collect(),
        }
    }

    fn check_with(column: &Column, gates: bool, pace: Option<Pace>) -> (Check, Check) {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(9), n: 9 };
        let scene = Scene { symbol: Some("BTC"), pace, ..scene(&window) };
        let rules = rules(gates);
        let columns = std::slice::from_ref(column);
        (
            {
                let rules = drift_rules(&rules);
                drift(&drifts::find(columns, &rules)[0], column, &rules, scene)
            },
            changes(&levels::find(columns, &rules)[0], column, &rules, scene),
        )
    }

    fn checked(column: &Column, gates: bool) -> (Check, Check) {
        check_with(column, gates, None)
    }

    #[test]
    fn a_drift_for_the_worse_is_a_miss_with_everything_to_redo_it() {
        let column = net(60, |at| 5.0 - 0.02 * at as f64);
        let hourly = Some(Pace { hours: 0.25, source: PaceSource::TimeStamps });
        let (check, _) = check_with(&column, true, hourly);
        assert_eq!(
            (check.outcome, check.joins, check.gate.as_str()),
            (Outcome::Fail, true, "kpi_drift.net_bps")
        );
        assert_eq!((check.window.first, check.window.last, check.window.n), (Some(1), Some(60), 60));
        assert_eq!((check.statistic.as_str(), check.symbol.as_deref()), ("slope_per_hour", Some("BTC")));
        let inference = check.inference.expect("a line was fitted");
        // Four iterations an hour: -0.02 each are -0.08 an hour.
        let observed = check.observed.expect("a slope");
        assert!((observed + 0.08).abs() < 0.01, "{observed}");
        assert!(inference.low < Some(observed) && Some(observed) < inference.high);
        assert!(inference.p_adjusted.is_some_and(|p| p < 0.001));
        assert_eq!(inference.correction.as_deref(), Some("Holm over 1 KPI"));
        let sentence = &check.reason;
        assert!(sentence.starts_with("`net_bps` drifts by -0.08"), "{sentence}");
        assert!(
            sentence.contains(" bps/h (95 % CI -0.1") && sentence.contains("), reaches 2.70 bps in 1"),
            "{sentence}"
        );
        assert!(sentence.contains(" h (80 % interval ") && sentence.ends_with(" h)"), "{sentence}");
        let (unpaced, _) = checked(&column, true);
        assert_eq!(unpaced.statistic, "slope_per_iteration");
        assert!(unpaced.reason.contains(" bps per iteration (") && unpaced.reason.ends_with(" iterations)"));
        let free = Column { limit: None, ..column.clone() };
        let (unlimited, _) = checked(&free, true);
        assert!(unlimited.reason.ends_with(" bps from iteration 1 to 60"), "{}", unlimited.reason);
        let met = Column { limit: Some((Comparison::AtLeast, 4.0)), ..column };
        let (met, _) = checked(&met, true);
        let out = "), is out of its limit >= 4.00 bps already (last 8: 3.85 bps)";
        assert!(met.reason.ends_with(out), "{}", met.reason);
    }

    #[test]
    fn a_steady_kpi_passes_both() {
        let (drift, changes) = checked(&net(60, |_| 5.0), true);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::Pass, Outcome::Pass));
        assert!(
            drift.reason.starts_with("no drift in `net_bps` (-0.0001 bps per iteration, 95 % CI "),
            "{}",
            drift.reason
        );
        let level = "`net_bps` keeps its level; a lasting change by 0.";
        assert!(changes.reason.starts_with(level), "{}", changes.reason);
        assert!(changes.reason.ends_with(" bps would be found in 90 % of cases"), "{}", changes.reason);
    }

    #[test]
    fn below_the_minimum_nothing_is_decided_whatever_is_seen() {
        for n in [1, 15, 20, 47] {
            let column = net(n, |at| 9.0 - 0.1 * at as f64);
            let (drift, changes) = checked(&column, true);
            assert_eq!(
                (drift.outcome, changes.outcome),
                (Outcome::Inconclusive, Outcome::Inconclusive),
                "{n}"
            );
            let sentence = if n == 1 {
                "1 value is there, it takes 48 to decide"
            } else {
                "are there, it takes 48 to decide"
            };
            assert!(drift.reason.contains(sentence) && changes.reason.contains(sentence), "{}", drift.reason);
            let (drift, changes) = checked(&column, false);
            assert_eq!(
                (drift.outcome, changes.outcome),
                (Outcome::NotApplicable, Outcome::NotApplicable),
                "{n}"
            );
            assert!(!drift.joins && !changes.joins);
        }
        let (drift, _) = checked(&net(48, |at| 9.0 - 0.1 * at as f64), true);
        assert_eq!(drift.outcome, Outcome::Fail);
        let (drift, changes) = checked(&net(0, |_| 0.0), true);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::Inconclusive, Outcome::Inconclusive));
        assert_eq!(drift.reason, "`net_bps` has no value in the 9 iterations of the window `steady`");
    }

    #[test]
    fn a_window_that_has_not_begun_is_told_from_a_kpi_without_values() {
        let window = WindowUsed { name: "steady".to_owned(), first: None, last: None, n: 0 };
        let scene = scene(&window);
        let (rules, column) = (rules(false), net(0, |_| 0.0));
        let columns = std::slice::from_ref(&column);
        let of_drift = drift_rules(&rules);
        let drift = drift(&drifts::find(columns, &of_drift)[0], &column, &of_drift, scene);
        let changes = changes(&levels::find(columns, &rules)[0], &column, &rules, scene);
        let sentence =
            "no iteration of the window `steady` is there yet, so that there is no `net_bps` to look at";
        assert_eq!((drift.reason.as_str(), changes.reason.as_str()), (sentence, sentence));
    }

    /// Both checks of so many values with other rules.
    fn ruled(rules: &ChangeRules, n: u64) -> (Check, Check) {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(n), n: 9 };
        let scene = scene(&window);
        let column = net(n, |_| 5.0);
        let columns = std::slice::from_ref(&column);
        (
            drift(&drifts::find(columns, &drift_rules(rules))[0], &column, &drift_rules(rules), scene),
            changes(&levels::find(columns, rules)[0], &column, rules, scene),
        )
    }

    #[test]
    fn a_minimum_below_what_the_methods_can_do_with_decides_nothing() {
        let mut rules = rules(false);
        rules.trend.min_iterations = limit(3.0);
        let (drift, changes) = ruled(&rules, 15);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::NotApplicable, Outcome::NotApplicable));
        assert!(
            drift.reason.ends_with("; advisory: 15 values are there, it takes 16 to decide"),
            "{}",
            drift.reason
        );
        assert!(
            changes.reason.ends_with("; advisory: 15 values are there, it takes 24 to decide"),
            "{}",
            changes.reason
        );
        let (drift, changes) = ruled(&rules, 23);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::Pass, Outcome::NotApplicable));
        assert_eq!(ruled(&rules, 24).1.outcome, Outcome::Pass);
    }

    #[test]
    fn levels_that_have_no_room_are_no_level_that_is_kept() {
        let mut rules = rules(true);
        rules.min_segment = 31;
        let (_, changes) = ruled(&rules, 60);
        assert_eq!(changes.outcome, Outcome::Inconclusive);
        assert_eq!(
            changes.reason,
            "two levels of at least 31 iterations (`change_points.min_segment`) take 62 values, and 60 of `net_bps` are there"
        );
        rules.min_segment = 30;
        assert_eq!(ruled(&rules, 60).1.outcome, Outcome::Pass);
    }

    #[test]
    fn a_certain_shift_that_is_too_small_to_count_is_told_as_one() {
        // 5 % of 5.00 are 0.25, the step is 0.2.
        let (_, check) = checked(&net(400, |at| if at < 200 { 5.0 } else { 4.8 }), true);
        assert_eq!(check.outcome, Outcome::Pass);
        assert!(
            check.reason.starts_with("`net_bps` keeps its level: from 5.00 bps to 4.80 bps at iteration ")
                && check
                    .reason
                    .ends_with(" is hardly chance, and too little to count (a change is more than 0.25 bps)"),
            "{}",
            check.reason
        );
    }

    #[test]
    fn where_no_drift_is_found_the_smallest_one_that_would_be_is_told() {
        let column = net(60, |_| 5.0);
        let (check, _) = checked(&column, true);
        let found = drifts::find(std::slice::from_ref(&column), &drift_rules(&rules(true))).remove(0);
        let line = found.line.expect("60 values");
        let least = line.detectable.expect("a number");
        // t is about normal with so many degrees of freedom: 2.054 + 1.282 standard errors, over 59 iterations; or 1.282
        // beyond the 5 % of 5.00 that count.
        let error = 59.0 * line.fit.error;
        let about = ((2.054 + 1.282) * error).max(0.25 + 1.282 * error);
        assert!(least > about && least < 1.06 * about, "{least} is not a little above {about}");
        let sentence = format!("; detectable: {:.3} bps per iteration)", least / 59.0);
        assert!(check.reason.ends_with(&sentence), "{} does not end with {sentence}", check.reason);
        // A movement that would not count is not found, however sure it is.
        let mut still = column;
        still.points.iter_mut().for_each(|(at, value)| *value = 5.0 + (*at % 2) as f64 * 0.002);
        let found = drifts::find(std::slice::from_ref(&still), &drift_rules(&rules(true))).remove(0);
        let least = found.line.expect("60 values").detectable.expect("a number");
        assert!((least - 0.25).abs() < 1e-3, "{least} is not 5 % of 5");
    }

    #[test]
    fn within_two_days_what_moves_may_be_a_daily_cycle() {
        let falls = net(60, |at| 5.0 - 0.02 * at as f64);
        let hours: Vec<f64> = (0..60).map(|at| f64::from(at) * 0.25).collect();
        let of = |season: Season| checked(&Column { season, hours: hours.clone(), ..falls.clone() }, true);
        let (drift, changes) = of(Season::Unresolved { declared: false });
        assert_eq!((drift.outcome, changes.outcome, drift.joins), (Outcome::Warn, Outcome::Warn, true));
        assert!(
            drift.reason.starts_with("drift or daily cycle: `net_bps` drifts by -0.0"),
            "{}",
            drift.reason
        );
        assert!(
            changes.reason.starts_with("change of level or daily cycle: `net_bps` worsened"),
            "{}",
            changes.reason
        );
        let covered = "; 14.8 h are covered, a daily cycle is known after 48 h";
        assert!(drift.reason.ends_with(covered) && changes.reason.ends_with(covered), "{}", drift.reason);
        let (drift, changes) = of(Season::Unresolved { declared: true });
        assert_eq!((drift.outcome, changes.outcome), (Outcome::Inconclusive, Outcome::Inconclusive));
        assert!(drift.reason.contains("; less than two periods: 14.8 h are covered"), "{}", drift.reason);
        let (off, _) = of(Season::Off);
        assert_eq!(off.outcome, Outcome::Fail);
    }

    #[test]
    fn over_two_days_a_cycle_is_taken_out_of_both_and_a_leak_beneath_it_is_found() {
        let cycle = |at: u64| 0.6 * libm::sin(std::f64::consts::PI * at as f64 / 48.0);
        let hours: Vec<f64> = (0..288).map(|at| f64::from(at) * 0.25).collect();
        let of = |leak: f64| {
            let column = net(288, |at| 5.0 + cycle(at) - leak * at as f64 / 288.0);
            checked(&Column { season: Season::Resolved, hours: hours.clone(), ..column }, true)
        };
        let (drift, changes) = of(0.0);
        assert_eq!(
            (drift.outcome, changes.outcome),
            (Outcome::Pass, Outcome::Pass),
            "{} {}",
            drift.reason,
            changes.reason
        );
        assert!(drift.reason.ends_with("; a daily cycle of ±0.60 bps is taken out"), "{}", drift.reason);
        let (drift, _) = of(0.5);
        assert_eq!(drift.outcome, Outcome::Fail, "{}", drift.reason);
    }

    #[test]
    fn equal_values_are_told_as_that() {
        let mut column = net(60, |_| 5.0);
        column.points.iter_mut().for_each(|(_, value)| *value = 0.85);
        let (drift, changes) = checked(&column, true);
        assert_eq!(drift.reason, "`net_bps` has the same value throughout: no drift");
        assert_eq!(changes.reason, "`net_bps` has the same value throughout");
    }

    #[test]
    fn the_ends_of_an_interval_are_told_apart_and_from_zero() {
        let net_bps = KpiId::NET_BPS;
        let line =
            drifts::find(&[net(60, |_| 5.0)], &drift_rules(&rules(true))).remove(0).line.expect("60 values");
        let sentence = |low: f64, high: f64| {
            interval_text(net_bps, &super::super::drift::DriftLine { interval: (low, high), ..line }, None)
        };
        assert_eq!(sentence(-0.05, 0.0517), "-0.0500 to 0.0517");
        assert_eq!(sentence(0.000_01, 0.000_03), "0.000010 to 0.000030");
        assert_eq!(sentence(-0.02, 0.000_3), "-0.0200 to 0.0003");
        assert_eq!(sentence(0.0, 0.0), "0.0000 to 0.0000");
    }

    #[test]
    fn a_late_fall_that_cannot_be_tested_says_how_it_would_continue() {
        // By 1 bps an iteration from 50 on.
        let falls = |least: f64| checked(&net(120, |at| least + 120.0 - at.max(50) as f64), true).0.reason;
        let (ahead, beyond) = (falls(12.0), falls(-4.0));
        assert!(ahead.contains("(120 values); if the movement is more than chance, it "), "{ahead}");
        assert!(ahead.contains("reaches 2.70 bps in "), "{ahead}");
        assert!(
            beyond.contains("(120 values); it is out of its limit >= 2.70 bps already (last 8: "),
            "{beyond}"
        );
    }

    #[test]
    fn a_walk_is_inconclusive_for_both() {
        let bow = net(60, |at| (at as f64 - 30.0) * (at as f64 - 30.0));
        let (drift, changes) = checked(&bow, true);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::Inconclusive, Outcome::Inconclusive));
        assert!(
            drift.reason.contains("is too autocorrelated for a drift test (60 values)"),
            "{}",
            drift.reason
        );
        assert!(changes.reason.contains("walks without a level"), "{}", changes.reason);
    }

    #[test]
    fn a_change_is_told_with_place_size_and_direction() {
        let (_, check) = checked(&net(100, |at| if at < 60 { 5.0 } else { 3.0 }), true);
        assert_eq!(check.outcome, Outcome::Fail);
        let sentence = &check.reason;
        assert!(sentence.starts_with("`net_bps` worsened from 5.00 bps to 3.0"), "{sentence}");
        assert!(
            sentence.contains("at iteration 60 (-") && sentence.contains("; 59 iterations before, 41 after)"),
            "{sentence}"
        );
        let inference = check.inference.expect("a change");
        // The end of the tables, of which the search of the whole run has three quarters.
        assert_eq!(inference.p_value, Some(0.000_5 / 0.75));
        let corrected = "search over positions; Holm over 1 KPI; p may be smaller, the tables end there";
        assert_eq!(inference.correction.as_deref(), Some(corrected));
        let (_, level) = checked(&net(100, |_| 5.0), true);
        let inference = level.inference.expect("the likeliest change");
        assert_eq!(inference.correction.as_deref(), Some("search over positions; Holm over 1 KPI"));
        let (_, better) = checked(&net(100, |at| if at < 60 { 3.0 } else { 5.0 }), true);
        assert_eq!(better.outcome, Outcome::Pass);
        assert!(better.reason.contains("changed from"), "{}", better.reason);
        let (_, back) = checked(&net(120, |at| if (41..81).contains(&at) { 3.0 } else { 5.0 }), true);
        assert_eq!(back.outcome, Outcome::Pass);
        assert!(
            back.reason.contains("worsened from")
                && back
                    .reason
                    .ends_with("; the last level is no worse than the first, so this does not count"),
            "{}",
            back.reason
        );
    }

    #[test]
    fn a_spike_is_named_and_changes_nothing() {
        let (_, check) = checked(&net(60, |at| if at == 17 { 30.0 } else { 5.0 }), true);
        assert_eq!(check.outcome, Outcome::Pass);
        assert!(
            check.reason.contains("; an outlier in iteration 17 (")
                && check.reason.ends_with("counts as no change")
        );
    }

    #[test]
    fn numbers_have_their_sign_and_unit() {
        let net = KpiId::NET_BPS;
        let half = Some(Pace { hours: 0.5, source: PaceSource::Manifest });
        assert_eq!(slope_text(net, -0.02, half), "-0.040 bps/h");
        assert_eq!(slope_text(net, 0.02, None), "+0.020 bps per iteration");
        assert_eq!(slope_text(KpiId::RISK_RATIO, 0.0, half), "0.0000/h");
        assert_eq!(movement(net, 0.4), "+0.40 bps");
        assert_eq!(
            (movement(net, -0.4), movement(net, 0.004)),
            ("-0.40 bps".to_owned(), "0.00 bps".to_owned())
        );
        assert_eq!(
            (duration(28.6, half), duration(28.6, None)),
            ("14 h".to_owned(), "29 iterations".to_owned())
        );
    }
}
