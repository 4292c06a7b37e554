//! Does a KPI get worse and worse? A straight line through the steady part, tested for each KPI in the direction
//! that is bad, and the family of them by Holm's adjustment.
//!
//! Must not word anything for people; see [`super::checks`].

use super::column::{Column, each};
use crate::core::kpi::KpiId;
use crate::core::policy::TrendRules;
use crate::core::text::number::TOLERANCE;
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
pub fn find(columns: &[Column], rules: &TrendRules) -> Vec<KpiDrift> {
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

fn one(column: &Column, line: Option<(Slope, f64, f64)>, rules: &TrendRules, family: usize) -> KpiDrift {
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
mod tests {
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::Direction;
    use crate::core::policy::WindowSpec;
    use crate::core::trend::Column;
    use crate::core::verdict::{Comparison, Severity};

    fn rules() -> TrendRules {
        TrendRules {
            gates: true,
            severity: Severity::Hard,
            window: WindowSpec::Steady,
            false_alarm_rate: limit(0.05),
            min_iterations: limit(48.0),
            relative_change: limit(0.05),
        }
    }

    /// Waves of ±0.3 that do not repeat soon.
    fn wave(at: u64) -> f64 {
        (at * 7 % 13) as f64 / 20.0 - 0.3
    }

    /// Iterations from 1 on with this level and a wave.
    fn net(n: u64, level: impl Fn(f64) -> f64) -> Column {
        Column {
            kpi: KpiId::NET_BPS,
            direction: Some(Direction::Higher),
            floor: 0.05,
            limit: Some((Comparison::AtLeast, 2.7)),
            later: None,
            points: (1..=n).map(|at| (at, level(at as f64) + wave(at))).collect(),
        }
    }

    fn one(column: &Column) -> KpiDrift {
        find(std::slice::from_ref(column), &rules()).remove(0)
    }

    #[test]
    fn a_fall_of_what_should_be_high_worsens_and_a_rise_improves() {
        let falls = net(60, |at| 5.0 - 0.02 * at);
        assert_eq!(one(&falls).verdict, DriftVerdict::Worsens);
        assert_eq!(one(&net(60, |at| 5.0 + 0.02 * at)).verdict, DriftVerdict::Improves);
        let latency = Column { direction: Some(Direction::Lower), ..falls.clone() };
        assert_eq!(one(&latency).verdict, DriftVerdict::Improves);
        let neither = Column { direction: None, ..falls };
        assert_eq!(one(&neither).verdict, DriftVerdict::Worsens);
        assert_eq!(one(&net(60, |_| 5.0)).verdict, DriftVerdict::NoDrift);
    }

    #[test]
    fn the_time_to_the_limit_is_the_room_over_the_slope() {
        // An exact line from 5.00 by -0.02: at iteration 60 it is at 3.82, 1.12 above 2.7, 56 iterations away.
        let mut column = net(60, |at| 5.02 - 0.02 * at);
        for (at, value) in &mut column.points {
            *value -= wave(*at);
        }
        let line = one(&column).line.expect("a line");
        assert!((line.to_breach.expect("towards the limit") - 56.0).abs() < 1e-6, "{line:?}");
        assert!((line.change + 59.0 * 0.02).abs() < 1e-9);
        assert_eq!((line.p, line.p_adjusted), (0.0, 0.0));
        let beyond = Column { limit: Some((Comparison::AtLeast, 4.0)), ..column.clone() };
        assert_eq!(one(&beyond).line.expect("a line").to_breach, Some(0.0));
        let away = Column { limit: Some((Comparison::AtMost, 9.0)), ..column.clone() };
        assert_eq!(one(&away).line.expect("a line").to_breach, None);
        let none = Column { limit: None, ..column };
        assert_eq!(one(&none).line.expect("a line").to_breach, None);
    }

    #[test]
    fn a_movement_below_the_floors_is_no_drift_however_sure() {
        // 59 steps of 0.004 are 0.236 of about 5: below 5 %; of 0.005 they are 0.295: above.
        let exact = |step: f64| {
            let mut column = net(60, |at| 5.0 - step * (at - 1.0));
            for (at, value) in &mut column.points {
                *value -= wave(*at);
            }
            one(&column).verdict
        };
        assert_eq!((exact(0.004), exact(0.005)), (DriftVerdict::NoDrift, DriftVerdict::Worsens));
    }

    #[test]
    fn what_moved_and_stood_still_is_settled_unless_it_moves_again() {
        let settled = one(&net(100, |at| 5.0 - 0.1 * at.min(15.0)));
        assert_eq!(settled.verdict, DriftVerdict::Settled);
        let from = settled.settled_from.expect("an iteration");
        assert!((12..=20).contains(&from), "{from}");
        let again = net(100, |at| 5.0 - 0.1 * at.min(15.0) - 0.02 * (at - 15.0).max(0.0));
        assert_eq!(one(&again).verdict, DriftVerdict::Worsens);
    }

    #[test]
    fn too_few_values_and_a_walk_are_told_apart() {
        assert_eq!(one(&net(0, |_| 5.0)).verdict, DriftVerdict::NoData);
        assert_eq!(one(&net(15, |_| 5.0)).verdict, DriftVerdict::TooFew);
        assert!(one(&net(16, |_| 5.0)).line.is_some());
        let bow = one(&net(60, |at| (at - 30.0) * (at - 30.0)));
        assert_eq!((bow.verdict, bow.line), (DriftVerdict::CannotTell, None));
    }

    #[test]
    fn more_kpis_make_each_of_them_less_sure() {
        let column = net(60, |at| 5.0 - 0.004 * at);
        let alone = one(&column).line.expect("a line");
        assert_eq!(alone.p, alone.p_adjusted);
        let family: Vec<Column> = std::iter::once(column).chain((0..3).map(|_| net(60, |_| 5.0))).collect();
        let with_others = find(&family, &rules()).remove(0).line.expect("a line");
        assert_eq!(with_others.p, alone.p);
        assert!((with_others.p_adjusted - 4.0 * alone.p).abs() < 1e-15);
    }
}
