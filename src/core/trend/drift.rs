//! Does a KPI get worse and worse? A straight line through the steady part, tested for each KPI in the direction
//! that is bad, and the family of them by Holm's adjustment.
//!
//! Must not word anything for people; see [`super::checks`].

use super::breach;
use super::column::{Column, each};
use crate::core::kpi::{Kind, KpiId};
use crate::core::policy::DriftGateRules;
use crate::core::text::number::TOLERANCE;
use crate::stats::breach::Forecast;
use crate::stats::regression::{self, settles};
use crate::stats::season::{self, Cycle, DAY};
use crate::stats::two_sample::holm_adjusted;
use crate::stats::walk::{Growth, corrected};
use crate::stats::{Slope, change_points, median};

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
    /// Without a line: the values are too autocorrelated for a slope. With one: the
    /// estimators of its error disagree on whether it is chance.
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
    /// Iterations from the last one until the limit is reached, 0 where the last values are out of it; `None` without a
    /// limit, and where it does not get worse or the growth does not go on.
    pub to_breach: Option<f64>,
    /// The smallest movement for the worse from the first iteration to the last that is found with a probability of
    /// 90 %, in the KPI's unit; `None` where it is no number.
    pub detectable: Option<f64>,
}

/// A warm-up takes at most one of so many parts of the values.
const WARM_UP: usize = 4;

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
    /// The daily cycle that was taken out; `None` where none could be told from what moves, or is no question.
    pub season: Option<Cycle>,
    /// What can be said.
    pub verdict: DriftVerdict,
    /// How it continues where it gets worse.
    pub forecast: Option<Forecast>,
}

/// A line, the position of the value that it begins at, and the probability of one that is as bad by chance.
#[derive(Clone, Copy)]
struct Fit {
    line: Slope,
    from: usize,
    p: f64,
}

/// The drift of each KPI of a family.
pub fn find(columns: &[Column], rules: &DriftGateRules) -> Vec<KpiDrift> {
    let fits: Vec<(Column, Option<Cycle>, Option<Fit>)> = each(columns, |column| {
        let (column, cycle) = column.without_season();
        // A spike says nothing about where a KPI is heading, and hides the autocorrelation.
        let values = column.values();
        let calm =
            change_points::without_rare_spikes(&values, &change_points::find_spikes(&values, column.floor));
        let numbers = column.points.iter().map(|(number, _)| *number as f64);
        let points: Vec<(f64, f64)> = numbers.zip(calm).collect();
        let fit = fit(&column, &points, cycle.as_ref(), rules.walks);
        (column, cycle, fit)
    });
    let adjusted = holm_adjusted(&fits.iter().map(|(.., fit)| Some((*fit)?.p)).collect::<Vec<_>>());
    let each = fits.into_iter().zip(adjusted);
    each.map(|((column, season, fit), p)| KpiDrift {
        season,
        ..one(&column, fit.zip(p), rules, columns.len())
    })
    .collect()
}

/// The line through the values. With `walks`, where they are so autocorrelated that their growth has more degrees of
/// freedom, the likeliest of these: the line, the growth, and that of the second half where it ends worse than all before.
/// What accumulates is tested as that in any case ([`Growth`]).
///
/// The cycle that was taken out costs the line its degrees of freedom.
fn fit(column: &Column, points: &[(f64, f64)], cycle: Option<&Cycle>, walks: bool) -> Option<Fit> {
    if column.kpi.kind == Kind::Accumulating {
        let way = if column.is_worse(1.0) { 1.0 } else { -1.0 };
        let growth = Growth::likeliest(points, way, |line| p_of_worse(column, line))?;
        return Some(Fit { line: growth.line, from: growth.from, p: growth.p });
    }
    let from = |from: usize, line: Slope| Fit { line, from, p: p_of_worse(column, &line) };
    let waves = cycle.map(|cycle| season::columns(&column.hours, DAY, cycle.harmonics.len()));
    let line = Slope::beside(points, waves.unwrap_or_default()).map(|line| from(0, line));
    let walk = if walks { Slope::of_walk(points).map(|line| from(0, line)) } else { None };
    if walk.is_none_or(|walk| line.is_some_and(|line| line.line.df >= walk.line.df)) {
        return line;
    }
    let (half, last) = (points.len() / 2, points.last()?.1);
    let leads = points[..half].iter().all(|(_, before)| column.is_worse(last - before));
    let of_half = if leads { Slope::of_walk(&points[half..]).map(|line| from(half, line)) } else { None };
    let each = [line, walk, of_half].into_iter().flatten();
    let likeliest = each.min_by(|one, other| one.p.total_cmp(&other.p))?;
    Some(Fit { p: corrected(likeliest.p, 3), ..likeliest })
}

fn p_of_worse(column: &Column, fit: &Slope) -> f64 {
    let rise = fit.p_of_rise();
    match column.direction {
        Some(_) if column.is_worse(1.0) => rise,
        Some(_) => 1.0 - rise,
        None => (2.0 * rise.min(1.0 - rise)).min(1.0),
    }
}

fn one(column: &Column, line: Option<(Fit, f64)>, rules: &DriftGateRules, family: usize) -> KpiDrift {
    let DriftGateRules { trend: rules, walks, .. } = rules;
    let points = &column.points[line.map_or(0, |(fit, _)| fit.from)..];
    let span = points.first().zip(points.last()).map(|((first, _), (last, _))| (*first, *last));
    let bare = KpiDrift {
        kpi: column.kpi,
        n: column.points.len(),
        span,
        line: None,
        theil_sen: None,
        settled_from: None,
        season: None,
        verdict: DriftVerdict::NoData,
        forecast: None,
    };
    if points.is_empty() {
        return bare;
    }
    let Some((Fit { line: fit, p, .. }, p_adjusted)) = line else {
        if points.len() < regression::FEWEST {
            return KpiDrift { verdict: DriftVerdict::TooFew, ..bare };
        }
        let forecast =
            worsened(column, rules.relative_change.value).and_then(|change| breach::forecast(column, change));
        return KpiDrift { verdict: DriftVerdict::CannotTell, forecast, ..bare };
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
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let settled = if worse || better { settles(&values) } else { None };
    let goes_on = |from: &usize| {
        let rest: Vec<(f64, f64)> =
            points[*from..].iter().map(|(number, value)| (*number as f64, *value)).collect();
        let alpha = alpha / family as f64;
        if column.kpi.kind == Kind::Accumulating {
            return self::fit(column, &rest, None, *walks).is_some_and(|fit| fit.p <= alpha);
        }
        Slope::fitted(&rest, *walks).is_some_and(|fit| p_of_worse(column, &fit) <= alpha)
    };
    // What rises longer than a warm-up takes is one only of what accumulates.
    let is_warm_up =
        |from: &usize| !*walks || column.kpi.kind == Kind::Accumulating || WARM_UP * *from <= points.len();
    let settled = settled.filter(|from| is_warm_up(from) && !goes_on(from));
    let grows = || {
        let numbered: Vec<(f64, f64)> =
            points.iter().map(|(number, value)| (*number as f64, *value)).collect();
        Slope::of_walk(&numbered).is_some_and(|walk| p_of_worse(column, &walk) <= alpha / family as f64)
    };
    let is_confirmed = fit.is_confirmed(alpha / family as f64) || *walks && grows();
    let verdict = match (settled, worse, better) {
        (Some(_), ..) => DriftVerdict::Settled,
        (None, true, _) if !is_confirmed => DriftVerdict::CannotTell,
        (None, true, _) => DriftVerdict::Worsens,
        (None, false, true) => DriftVerdict::Improves,
        _ => DriftVerdict::NoDrift,
    };
    let forecast = if verdict == DriftVerdict::Worsens { breach::forecast(column, change) } else { None };
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
            to_breach: breach::iterations(column, forecast.as_ref()),
            detectable,
        }),
        settled_from: settled.map(|from| points[from].0),
        verdict,
        forecast,
        ..bare
    }
}

/// How much worse the median of the last values is than that of the first ones, where that counts.
fn worsened(column: &Column, relative_change: f64) -> Option<f64> {
    let mut values = column.values();
    let n = breach::LAST.min(values.len());
    let first = median(&mut values[..n].to_vec())?;
    let from = values.len() - n;
    let change = median(&mut values[from..])? - first;
    let counts = change.abs() > column.least(first, relative_change) + TOLERANCE;
    (column.is_worse(change) && counts).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::Direction;
    use crate::core::policy::{TrendRules, WindowSpec};
    use crate::core::trend::{Column, Season};
    use crate::core::verdict::{Comparison, Severity};

    fn rules() -> DriftGateRules {
        let trend = TrendRules {
            gates: true,
            severity: Severity::Hard,
            window: WindowSpec::Steady,
            false_alarm_rate: limit(0.05),
            min_iterations: limit(48.0),
            relative_change: limit(0.05),
        };
        DriftGateRules { trend, horizon: None, walks: false }
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
            hours: Vec::new(),
            season: Season::Off,
            points: (1..=n).map(|at| (at, level(at as f64) + wave(at))).collect(),
        }
    }

    fn one(column: &Column) -> KpiDrift {
        find(std::slice::from_ref(column), &rules()).remove(0)
    }

    #[test]
    fn what_wanders_is_tested_by_its_growth_where_the_policy_says_so() {
        let column = |level: &dyn Fn(f64) -> f64| {
            let direction = Some(Direction::Lower);
            let points = (1..=120).map(|at| (at, level(at as f64) + 0.01 * wave(at))).collect();
            Column { direction, limit: None, points, ..net(0, |_| 0.0) }
        };
        let with_walks = |column: &Column| {
            find(std::slice::from_ref(column), &DriftGateRules { walks: true, ..rules() }).remove(0)
        };
        let leak = column(&|at| 10.0 + libm::pow(at / 10.0, 1.5));
        assert_eq!(one(&leak).verdict, DriftVerdict::CannotTell);
        assert_eq!(with_walks(&leak).verdict, DriftVerdict::Worsens);
        // From the middle on.
        let late = column(&|at| 10.0 + (at - 50.0).max(0.0) / 5.0);
        assert_eq!(one(&late).verdict, DriftVerdict::CannotTell);
        // It is at 24, grows by 0.2 an iteration, and would be at 34 after 50 more.
        let limited = Column { limit: Some((Comparison::AtMost, 34.0)), ..late.clone() };
        let reach = one(&limited).forecast.expect("it got worse").reach.expect("it grows");
        assert!(reach.low <= 50.0 && reach.high.is_some_and(|high| high >= 50.0), "{reach:?}");
        // What falls back, or hardly moved, has no forecast.
        let back = column(&|at| 10.0 + 3.0 * libm::sin(at * core::f64::consts::TAU / 120.0));
        assert_eq!((one(&back).verdict, one(&back).forecast), (DriftVerdict::CannotTell, None));
        let found = with_walks(&late);
        assert_eq!((found.verdict, found.span, found.n), (DriftVerdict::Worsens, Some((61, 120)), 120));
        // Straight, and so autocorrelated that a line has next to no degrees of freedom.
        let bent = column(&|at| 10.0 + at / 4.0 + 2.0 * libm::sin(at / 10.0));
        assert_eq!(one(&bent).verdict, DriftVerdict::CannotTell);
        assert_eq!(with_walks(&bent).verdict, DriftVerdict::Worsens);
        let better = Column { direction: Some(Direction::Higher), ..leak };
        assert_eq!(with_walks(&better).verdict, DriftVerdict::Improves);
        // What stands still from the middle on got worse all the same, and with a quarter it was a warm-up.
        let until = |end: f64| column(&|at: f64| 10.0 + at.min(end) / end * 2.0 + at * 7.0 % 13.0 / 10.0);
        assert_eq!(one(&until(55.0)).verdict, DriftVerdict::Settled);
        assert_eq!(with_walks(&until(55.0)).verdict, DriftVerdict::Worsens);
        assert_eq!(with_walks(&until(20.0)).verdict, DriftVerdict::Settled);
        // A wave, a warm-up that is over, and a saw whose last tooth is no higher than those before.
        let wave = column(&|at| 10.0 + 3.0 * libm::sin(at / 20.0));
        let warm = column(&|at| 10.0 - 5.0 * libm::exp(-at / 10.0));
        let saw = column(&|at| 10.0 + at % 60.0);
        for calm in [wave, warm, saw] {
            let verdict = with_walks(&calm).verdict;
            assert!(matches!(verdict, DriftVerdict::NoDrift | DriftVerdict::Settled), "{verdict:?}");
        }
    }

    #[test]
    fn a_line_that_long_memory_explains_is_not_confirmed_by_walks_either() {
        // Half of the variance is that of an autoregression of 0.95; sums of twelve uniform numbers less 6.
        let white = |seed: u64| -> Vec<f64> {
            let mut state = seed;
            let mut uniform = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64
            };
            (0..288).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
        };
        let mut level = 0.0;
        let values = white(12).into_iter().zip(white(13)).map(|(slow, white)| {
            level = 0.95 * level + 0.3 * slow;
            level + white
        });
        let column = Column { points: (1..).zip(values).collect(), ..net(0, |_| 0.0) };
        for walks in [false, true] {
            let found = find(std::slice::from_ref(&column), &DriftGateRules { walks, ..rules() }).remove(0);
            let line = found.line.expect("a line");
            assert!(line.p_adjusted < 0.01, "{line:?}");
            assert_eq!(found.verdict, DriftVerdict::CannotTell);
        }
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
