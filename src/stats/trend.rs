//! Where a KPI is heading: the Theil–Sen slope with Sen's confidence interval, and one word for it.
//!
//! The median of all pairwise slopes (Theil 1950; Sen 1968, J. Am. Stat. Assoc. 63:1379–1389) does not move
//! when a quarter of the points are wild. Must not judge whether a direction is good.

use super::distributions::normal_quantile;
use super::summary::median;
use serde::Serialize;

/// Differences are compared with this tolerance, so that 0.30 → 0.45 is a change of 0.15 and not of
/// 0.15000000000000002.
pub const TOLERANCE: f64 = 1e-9;

/// Fewest points for a slope.
const FEWEST: usize = 3;

/// Up to so many points every pair is looked at; their slopes still fit into 16 MB.
const PAIRWISE_UP_TO: usize = 2000;

/// Blocks of neighbours, each replaced by its medians, when there are more points than that.
const BLOCKS: usize = 500;

/// When a slope counts as a trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrendRule {
    /// The change over the points must exceed this share of |median| …
    pub relative_change: f64,
    /// … and this much in the KPI's unit, which decides where the median is near 0.
    pub floor: f64,
    /// Confidence level of the interval, e.g. 0.95.
    pub confidence: f64,
}

/// A trend in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrendWord {
    /// The values rise.
    Up,
    /// The values fall.
    Down,
    /// Neither can be said.
    Flat,
}

impl TrendWord {
    /// `up`, `down`, `flat`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Flat => "flat",
        }
    }
}

/// How the slope was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
pub enum TrendMethod {
    /// From every pair of points.
    #[serde(rename = "pairwise")]
    Pairwise,
    /// From every pair of 500 block medians.
    #[serde(rename = "block medians")]
    BlockMedians,
}

/// A slope, how sure it is, and what to call it. Slopes in the KPI's unit per iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Trend {
    /// Median of the slopes.
    pub slope: f64,
    /// Lower end of the interval; `None` when so few points allow none at this confidence.
    pub low: Option<f64>,
    /// Upper end of the interval; `None` when so few points allow none at this confidence.
    pub high: Option<f64>,
    /// Confidence level of the interval.
    pub confidence: f64,
    /// Slope times the distance from the first to the last iteration, in the KPI's unit.
    pub change: f64,
    /// `up` or `down` only if the interval excludes 0 and the change is large enough.
    pub word: TrendWord,
    /// How the slope was found.
    pub method: TrendMethod,
}

impl Trend {
    /// The trend over points (iteration number, value), ordered by number; numbers may have gaps.
    ///
    /// `None` with fewer than 3 points, or when a slope would not be a finite number. With 3 or 4 points there is a slope and no 95 % interval: even an
    /// unbroken rise happens by chance too often; the word is then `flat`. The interval takes the values as
    /// independent, so on strongly autocorrelated ones it is too narrow.
    pub fn of(points: &[(u64, f64)], rule: TrendRule) -> Option<Self> {
        if points.len() < FEWEST {
            return None;
        }
        let (first, last) = (points.first()?.0, points.last()?.0);
        let (method, points_used) = if points.len() <= PAIRWISE_UP_TO {
            (TrendMethod::Pairwise, points.iter().map(|(number, value)| (*number as f64, *value)).collect())
        } else {
            (TrendMethod::BlockMedians, block_medians(points))
        };
        let mut slopes = pairwise_slopes(&points_used);
        if slopes.iter().any(|slope| !slope.is_finite()) {
            return None;
        }
        let slope = median(&mut slopes)?;
        let interval = sen_interval(&mut slopes, &points_used, rule.confidence);
        let change = slope * last.saturating_sub(first) as f64;
        if !change.is_finite() {
            return None;
        }
        let centre = median(&mut points.iter().map(|(_, value)| *value).collect::<Vec<_>>())?;
        let needed = (rule.relative_change * centre.abs()).max(rule.floor);
        let word = match interval {
            _ if change.abs() <= needed + TOLERANCE => TrendWord::Flat,
            Some((low, _)) if low > 0.0 => TrendWord::Up,
            Some((_, high)) if high < 0.0 => TrendWord::Down,
            _ => TrendWord::Flat,
        };
        let (low, high) = interval.unzip();
        Some(Self { slope, low, high, confidence: rule.confidence, change, word, method })
    }
}

/// The slope of every pair of points with different numbers.
fn pairwise_slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (index, (x, y)) in points.iter().enumerate() {
        let later = &points[index + 1..];
        slopes.extend(later.iter().filter(|(x2, _)| x2 != x).map(|(x2, y2)| (y2 - y) / (x2 - x)));
    }
    slopes
}

/// Medians of numbers and values in blocks whose sizes differ by at most one.
fn block_medians(points: &[(u64, f64)]) -> Vec<(f64, f64)> {
    let edge = |block: usize| block * points.len() / BLOCKS;
    (0..BLOCKS)
        .filter_map(|block| {
            let part = &points[edge(block)..edge(block + 1)];
            let mut numbers: Vec<f64> = part.iter().map(|(number, _)| *number as f64).collect();
            let mut values: Vec<f64> = part.iter().map(|(_, value)| *value).collect();
            Some((median(&mut numbers)?, median(&mut values)?))
        })
        .collect()
}

/// Sen's interval: the slopes at the ranks (N ∓ z·√Var)/2 from below and above, where Var is the variance of
/// Kendall's score with its correction for ties. `None` when the rank falls before the first slope.
fn sen_interval(slopes: &mut [f64], points: &[(f64, f64)], confidence: f64) -> Option<(f64, f64)> {
    let z = normal_quantile(0.5 + 0.5 * confidence)?;
    let count = slopes.len();
    let spread = z * kendall_variance(points).sqrt();
    let rank = libm::round(0.5 * (count as f64 - spread));
    if rank < 1.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 1 and the count of slopes"
    )]
    let rank = rank as usize;
    let low = *slopes.select_nth_unstable_by(rank - 1, f64::total_cmp).1;
    let high = *slopes.select_nth_unstable_by(count - rank, f64::total_cmp).1;
    Some((low, high))
}

/// Variance of Kendall's score when nothing depends on the iteration: n(n−1)(2n+5)/18, less the same of
/// every group of equal values (Kendall 1970, Rank Correlation Methods).
fn kendall_variance(points: &[(f64, f64)]) -> f64 {
    let term = |size: usize| {
        let size = size as f64;
        size * (size - 1.0) * (2.0 * size + 5.0)
    };
    let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|group| term(group.len())).sum();
    (term(points.len()) - ties) / 18.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: TrendRule = TrendRule { relative_change: 0.05, floor: 0.05, confidence: 0.95 };

    fn numbered(values: &[f64]) -> Vec<(u64, f64)> {
        (1..).zip(values.iter().copied()).collect()
    }

    fn word(values: &[f64]) -> TrendWord {
        Trend::of(&numbered(values), RULE).expect("a trend").word
    }

    #[track_caller]
    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.expect("a number");
        assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn slope_and_interval_agree_with_scipy() {
        // SciPy 1.17.1, `scipy.stats.theilslopes(y, x, 0.95)`; the first with gaps, the second with ties.
        let gaps = [(1, 3.0), (2, 2.8), (3, 3.1), (5, 2.7), (6, 2.6), (7, 2.65), (8, 2.4), (10, 2.2)];
        let trend = Trend::of(&gaps, RULE).expect("8 points");
        close(Some(trend.slope), -0.094_444_444_444_444_36);
        close(trend.low, -0.14);
        close(trend.high, -0.033_333_333_333_333_215);
        close(Some(trend.change), -0.85);
        assert_eq!((trend.word, trend.method), (TrendWord::Down, TrendMethod::Pairwise));
        let ties = numbered(&[1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 5.0, 6.0]);
        let trend = Trend::of(&ties, RULE).expect("10 points");
        close(Some(trend.slope), 0.5);
        close(trend.low, 0.4);
        close(trend.high, 0.6);
        assert_eq!(trend.word, TrendWord::Up);
        let many_ties = numbered(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 4.0]);
        let trend = Trend::of(&many_ties, RULE).expect("10 points");
        close(Some(trend.slope), 1.0 / 7.0);
        close(trend.low, 0.0);
        close(trend.high, 3.0 / 7.0);
        assert_eq!(trend.word, TrendWord::Flat);
    }

    #[test]
    fn ties_reduce_the_variance_of_the_score() {
        let variance = |values: &[f64]| {
            kendall_variance(&(1..).map(f64::from).zip(values.iter().copied()).collect::<Vec<_>>())
        };
        // 5·4·15/18; a group of four takes 4·3·13/18 away, one of all five everything.
        close(Some(variance(&[1.0, 2.0, 3.0, 4.0, 5.0])), 300.0 / 18.0);
        close(Some(variance(&[1.0, 0.0, 0.0, 0.0, 0.0])), 144.0 / 18.0);
        close(Some(variance(&[2.0; 5])), 0.0);
    }

    #[test]
    fn a_mirrored_series_has_the_mirrored_trend() {
        let mirror = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| -value).collect() };
        let spike = [1.0, 1.0, 1.0, 9.0, 1.0, 1.0, 1.0, 1.0];
        let step = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0];
        let line = line(4.0, 1.0);
        for values in [&spike[..], &step, &line, &[0.0, 0.0, 0.0]] {
            let trend = Trend::of(&numbered(values), RULE).expect("points");
            let mirrored = Trend::of(&numbered(&mirror(values)), RULE).expect("points");
            assert_eq!(mirrored.slope, -trend.slope);
            assert_eq!(mirrored.low, trend.high.map(|high| -high));
            assert_eq!(mirrored.high, trend.low.map(|low| -low));
            let expected = match trend.word {
                TrendWord::Up => TrendWord::Down,
                TrendWord::Down => TrendWord::Up,
                TrendWord::Flat => TrendWord::Flat,
            };
            assert_eq!(mirrored.word, expected);
        }
    }

    #[test]
    fn a_small_set_is_computed_as_by_hand() {
        // Slopes of (1,1) (2,4) (3,3) (5,9): 3, 1, 2, −1, 5/3, 3 → sorted −1 1 5/3 2 3 3, median 11/6.
        let trend = Trend::of(&[(1, 1.0), (2, 4.0), (3, 3.0), (5, 9.0)], RULE).expect("4 points");
        close(Some(trend.slope), 11.0 / 6.0);
        close(Some(trend.change), 4.0 * 11.0 / 6.0);
        // Var = 4·3·13/18; (6 − 1.96·2.94)/2 rounds to rank 0: no interval, so no claim.
        assert_eq!((trend.low, trend.high, trend.word), (None, None, TrendWord::Flat));
    }

    #[test]
    fn an_unbroken_rise_needs_five_points_to_be_called_up() {
        assert_eq!(word(&[1.0, 2.0, 3.0]), TrendWord::Flat);
        assert_eq!(word(&[1.0, 2.0, 3.0, 4.0]), TrendWord::Flat);
        assert_eq!(word(&[1.0, 2.0, 3.0, 4.0, 5.0]), TrendWord::Up);
        assert_eq!(word(&[5.0, 4.0, 3.0, 2.0, 1.0]), TrendWord::Down);
        assert_eq!(word(&[3.0, 3.01, 2.99, 3.0, 3.02]), TrendWord::Flat);
    }

    #[test]
    fn two_points_have_no_trend() {
        assert_eq!(Trend::of(&[(1, 1.0), (2, 2.0)], RULE), None);
        assert_eq!(Trend::of(&[], RULE), None);
        assert!(Trend::of(&[(1, 1.0), (2, 2.0), (3, 3.0)], RULE).is_some());
    }

    /// Nine values on a straight line around `centre` that change by `change` in all.
    fn line(centre: f64, change: f64) -> Vec<f64> {
        (0..9u32).map(|i| centre + change * (f64::from(i) - 4.0) / 8.0).collect()
    }

    #[test]
    fn the_change_must_exceed_five_percent_of_the_median() {
        assert_eq!(word(&line(4.0, 0.199)), TrendWord::Flat);
        assert_eq!(word(&line(4.0, 0.2)), TrendWord::Flat);
        assert_eq!(word(&line(4.0, 0.201)), TrendWord::Up);
        assert_eq!(word(&line(-4.0, -0.2)), TrendWord::Flat);
        assert_eq!(word(&line(-4.0, -0.201)), TrendWord::Down);
        assert_eq!(word(&line(-4.0, 0.201)), TrendWord::Up);
    }

    #[test]
    fn near_zero_the_floor_decides() {
        assert_eq!(word(&line(0.0, 0.049)), TrendWord::Flat);
        assert_eq!(word(&line(0.0, 0.05)), TrendWord::Flat);
        assert_eq!(word(&line(0.0, 0.051)), TrendWord::Up);
        assert_eq!(word(&line(0.5, 0.049)), TrendWord::Flat);
    }

    #[test]
    fn a_constant_series_is_flat_with_an_interval_without_width() {
        let trend = Trend::of(&numbered(&[-3.0; 8]), RULE).expect("8 points");
        assert_eq!((trend.slope, trend.low, trend.high), (0.0, Some(0.0), Some(0.0)));
        assert_eq!(trend.word, TrendWord::Flat);
    }

    #[test]
    fn one_wild_value_does_not_turn_the_trend() {
        let mut values = line(4.0, 1.0);
        values[8] = -100.0;
        let trend = Trend::of(&numbered(&values), RULE).expect("9 points");
        assert!(trend.slope > 0.0, "{}", trend.slope);
    }

    #[test]
    fn above_two_thousand_points_block_medians_find_the_same_line() {
        let series = |n: u32| -> Vec<(u64, f64)> {
            (0..n)
                .map(|i| (u64::from(i), 3.0 + 0.001 * f64::from(i) + f64::from(i * 7919 % 101) / 100.0))
                .collect()
        };
        let exact = Trend::of(&series(2000), RULE).expect("2000 points");
        assert_eq!(exact.method, TrendMethod::Pairwise);
        for n in [2001, 20_000] {
            let blocks = Trend::of(&series(n), RULE).expect("many points");
            assert_eq!((blocks.method, blocks.word), (TrendMethod::BlockMedians, TrendWord::Up));
            assert!((blocks.slope - 0.001).abs() < 2e-5, "{}", blocks.slope);
            assert!((blocks.change - 0.001 * f64::from(n - 1)).abs() < 0.02 * blocks.change);
        }
    }

    #[test]
    fn an_impossible_confidence_gives_no_interval_and_no_claim() {
        let trend =
            Trend::of(&numbered(&line(4.0, 4.0)), TrendRule { confidence: 1.0, ..RULE }).expect("points");
        assert_eq!((trend.low, trend.word), (None, TrendWord::Flat));
    }
}
