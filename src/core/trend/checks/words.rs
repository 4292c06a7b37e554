//! What is said of the course of a KPI, in sentences that a person without statistics can read.
//!
//! Decides nothing.

use super::Scene;
use crate::core::judge::{count, show, show_distance, with_unit};
use crate::core::kpi::KpiId;
use crate::core::text::number::{distance, fixed};
use crate::core::trend::changes::{Change, SpikeAt};
use crate::core::trend::drift::{DriftLine, DriftVerdict};
use crate::core::trend::{Column, KpiChanges, KpiDrift, Pace};

/// Changes that a sentence lists.
const MOST: usize = 3;

pub(crate) fn per(slope: f64, pace: Option<Pace>) -> f64 {
    pace.map_or(slope, |pace| slope / pace.hours)
}

/// A slope with sign and unit: `-0.021 bps/h`, `+0.3 ms per iteration`.
pub fn slope_text(kpi: KpiId, slope: f64, pace: Option<Pace>) -> String {
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
pub fn interval_text(kpi: KpiId, line: &DriftLine, pace: Option<Pace>) -> String {
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
    kpi: KpiId,
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
pub(crate) fn told_drift(found: &KpiDrift, column: &Column, scene: Scene<'_>) -> String {
    let kpi = found.kpi;
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
fn told_power(line: &DriftLine, kpi: KpiId) -> String {
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
pub fn movement(kpi: KpiId, by: f64) -> String {
    let size = fixed(by, kpi.unit.decimals());
    let sign = if by > 0.0 && size.contains(|digit| ('1'..='9').contains(&digit)) { "+" } else { "" };
    with_unit(kpi, format!("{sign}{size}"))
}

/// The changes of a KPI in a sentence.
pub(crate) fn told_changes(found: &KpiChanges) -> String {
    let kpi = found.kpi;
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
pub fn told_small(kpi: KpiId, change: &Change, least: f64) -> String {
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
pub fn told_change(kpi: KpiId, change: &Change) -> String {
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

/// `an outlier in iteration 17 (9.10 bps where 3.20 bps is usual) is no change`.
fn told_spikes(kpi: KpiId, spike: &SpikeAt, n: usize) -> String {
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
