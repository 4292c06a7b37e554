//! Does a KPI get worse and worse? A straight line through the steady part, tested for each KPI in the direction
//! that is bad, and the family of them by Holm's adjustment.
//!
//! Must not word anything for people; see [`super::checks`].

use super::{Column, CourseRules, each};
use crate::core::kpi::KpiId;
use crate::core::number::TOLERANCE;
use crate::stats::regression::{self, settles};
use crate::stats::two_sample::holm_adjusted;
use crate::stats::{Slope, change_points};

/// Confidence of the interval of a slope: 95 %, as everywhere in the reports. It is no limit.
const CONFIDENCE: f64 = 0.95;

/// What can be said about the drift of a KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// It moves for the worse, steadily, by more than the floors.
    Worsens,
    /// It moves for the better, steadily, by more than the floors.
    Improves,
    /// It moved and then stood still: a warm-up that is over.
    Settled,
    /// Neither can be said, or the movement is too small to count.
    NoDrift,
    /// Too few values for a line.
    TooFew,
    /// Neighbours resemble each other so much that the values say nothing about a slope.
    CannotTell,
    /// No value at all.
    NoData,
}

/// A line through the values of a KPI. Slopes in the KPI's unit per iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftLine {
    /// The least-squares line; places are iteration numbers.
    pub fit: Slope,
    /// Interval of the slope.
    pub interval: (f64, f64),
    /// Confidence level of the interval.
    pub confidence: f64,
    /// How far the line moves from the first iteration to the last.
    pub change: f64,
    /// Probability of a slope at least this bad where there is none; one-sided, two-sided for a KPI without a
    /// direction.
    pub p: f64,
    /// The same, adjusted for the family.
    pub p_adjusted: f64,
    /// Iterations from the last one until the line reaches the limit, 0 when it is there already; `None` where
    /// it does not move towards one.
    pub to_breach: Option<f64>,
    /// The smallest movement for the worse from the first iteration to the last that is found with a probability of
    /// 90 %, in the KPI's unit; `None` where it is no number.
    pub detectable: Option<f64>,
}

/// The probability for which the smallest movement that is found is told.
const POWER: f64 = 0.9;

/// Where a KPI is heading.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiDrift {
    /// The KPI.
    pub kpi: KpiId,
    /// Values.
    pub n: usize,
    /// First and last iteration with a value.
    pub span: Option<(u64, u64)>,
    /// The line; `None` where there are too few values.
    pub line: Option<DriftLine>,
    /// Theil-Sen slope, which a quarter of wild values does not move; `None` with too few values.
    pub theil_sen: Option<f64>,
    /// The iteration from which on the KPI stands still, where it moved before.
    pub settled_from: Option<u64>,
    /// What can be said.
    pub verdict: DriftVerdict,
}

/// The drift of each KPI of a family.
pub fn find(columns: &[Column], rules: &CourseRules) -> Vec<KpiDrift> {
    let fits: Vec<Option<Slope>> = each(columns, |column| {
        // A spike says nothing about where a KPI is heading, and hides the autocorrelation.
        let values = column.values();
        let calm =
            change_points::without_rare_spikes(&values, &change_points::find_spikes(&values, column.floor));
        let numbers = column.points.iter().map(|(number, _)| *number as f64);
        Slope::of(&numbers.zip(calm).collect::<Vec<_>>())
    });
    let p_values: Vec<Option<f64>> =
        columns.iter().zip(&fits).map(|(column, fit)| fit.map(|fit| p_of_worse(column, &fit))).collect();
    let adjusted = holm_adjusted(&p_values);
    let lines =
        fits.into_iter().zip(p_values).zip(adjusted).map(|((fit, p), adjusted)| Some((fit?, p?, adjusted?)));
    columns.iter().zip(lines).map(|(column, line)| one(column, line, rules, columns.len())).collect()
}

fn p_of_worse(column: &Column, fit: &Slope) -> f64 {
    let rise = fit.p_of_rise();
    match column.direction {
        Some(_) if column.is_worse(1.0) => rise,
        Some(_) => 1.0 - rise,
        None => (2.0 * rise.min(1.0 - rise)).min(1.0),
    }
}

fn one(column: &Column, line: Option<(Slope, f64, f64)>, rules: &CourseRules, family: usize) -> KpiDrift {
    let points = &column.points;
    let span = points.first().zip(points.last()).map(|((first, _), (last, _))| (*first, *last));
    let bare = KpiDrift {
        kpi: column.kpi,
        n: points.len(),
        span,
        line: None,
        theil_sen: None,
        settled_from: None,
        verdict: DriftVerdict::NoData,
    };
    if points.is_empty() {
        return bare;
    }
    let Some((fit, p, p_adjusted)) = line else {
        let enough = points.len() >= regression::FEWEST;
        return KpiDrift {
            verdict: if enough { DriftVerdict::CannotTell } else { DriftVerdict::TooFew },
            ..bare
        };
    };
    let change = fit.last - fit.first;
    let alpha = rules.false_alarm_rate.value;
    let least = column.least(fit.first, rules.relative_change.value);
    let counts = change.abs() > least + TOLERANCE;
    let has_stayed =
        column.later.is_none_or(|later| column.gets_worse(fit.first, later, rules.relative_change.value));
    let worse = column.is_worse(change) && p_adjusted <= alpha && counts && has_stayed;
    // The other side has no family of its own in the verdict; Bonferroni keeps it as careful.
    let better = !column.is_worse(change) && (1.0 - p) * family as f64 <= alpha && counts;
    let settled = if worse || better { settles(&column.values()) } else { None };
    let settled = settled.filter(|from| !goes_on(column, *from, alpha / family as f64));
    let verdict = match (settled, worse, better) {
        (Some(_), ..) => DriftVerdict::Settled,
        (None, true, _) => DriftVerdict::Worsens,
        (None, false, true) => DriftVerdict::Improves,
        _ => DriftVerdict::NoDrift,
    };
    let interval = fit.interval(CONFIDENCE).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let length = points.last().zip(points.first()).map_or(0, |(last, first)| last.0 - first.0) as f64;
    // Holm asks this much of the first one that is rejected. What is found must be more than the least that counts, and
    // a movement of just that is seen as less in half of the cases.
    let found_from = |alpha: f64| fit.detectable(alpha, POWER).map(|slope| slope * length);
    let detectable = found_from(alpha / family as f64)
        .zip(found_from(0.5))
        .map(|(from, beyond)| from.max(least + beyond))
        .filter(|from| from.is_finite());
    KpiDrift {
        line: Some(DriftLine {
            fit,
            interval,
            confidence: CONFIDENCE,
            change,
            p,
            p_adjusted,
            to_breach: to_breach(column, &fit),
            detectable,
        }),
        settled_from: settled.map(|from| points[from].0),
        verdict,
        ..bare
    }
}

/// Whether the values after the bend get worse by themselves.
fn goes_on(column: &Column, from: usize, alpha: f64) -> bool {
    let rest: Vec<(f64, f64)> =
        column.points[from..].iter().map(|(number, value)| (*number as f64, *value)).collect();
    Slope::of(&rest).is_some_and(|fit| p_of_worse(column, &fit) <= alpha)
}

/// Iterations until the line reaches the limit.
fn to_breach(column: &Column, fit: &Slope) -> Option<f64> {
    let (comparison, limit) = column.limit?;
    let room = comparison.margin(fit.last, limit);
    let nearer = -comparison.margin(fit.slope, 0.0);
    if room <= 0.0 {
        return Some(0.0);
    }
    let iterations = room / nearer;
    (nearer > 0.0 && iterations.is_finite()).then_some(iterations)
}

#[cfg(test)]
mod tests;
