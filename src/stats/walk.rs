//! The growth of what accumulates: values that wander, because what is added stays until it is taken away.
//!
//! A line through a random walk finds trends where there are none (Nelson & Kang 1984, Econometrica 52:73–82), so growth
//! is tested on the increments, with a long-run variance of their own. A line is tested beside it where the values return
//! to it. Must not know what a value means.

use super::autocorrelation;
use super::long_run;
use super::regression::{Second, Slope};
use super::summary::Sum;

/// Fewest points for a test of increments.
pub const FEWEST: usize = 24;

/// A walk whose ratio of [`wanders`] is smaller is rare: 1 % to 3 % of those with 48 to 864 values.
const RETURNS_BELOW: f64 = 0.002;

/// Sums of squares that are a smaller share of the total are rounding.
const ROUNDING: f64 = 1e-20;

/// The likeliest growth of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Its slope; of increments the line joins the first value and the last.
    pub line: Slope,
    /// Position of the value that it begins at.
    pub from: usize,
    /// The one-sided probability of the caller for a growth like that by chance, corrected for the choice.
    pub p: f64,
    /// Whether it is that of increments.
    pub wanders: bool,
}

/// The parts whose growth is looked at beside that of the whole: the last half and the last quarter.
const PARTS: [usize; 2] = [2, 4];

/// A part counts where it ends so much of its growth beyond all before it: a saw does not.
const LEAD: f64 = 0.5;

impl Growth {
    /// The likeliest of these: a line, where the values return to it; the mean increment; and that of the last half and the
    /// last quarter, where these end beyond all before. `way` is 1 or -1, for growth upwards or downwards; `p` says how
    /// likely a slope is by chance.
    ///
    /// `None` where none can be tested.
    pub fn likeliest(points: &[(f64, f64)], way: f64, p: impl Fn(&Slope) -> f64) -> Option<Self> {
        let of = |line: Slope, from: usize, wanders: bool| Self { line, from, p: p(&line), wanders };
        let line = if wanders(points) { None } else { Slope::of(points) };
        let whole = [line.map(|line| of(line, 0, false)), increment(points).map(|line| of(line, 0, true))];
        let parts = PARTS.iter().filter_map(|share| {
            let from = points.len() - points.len() / share;
            let (before, rest) = points.split_at(from);
            let highest = before.iter().map(|(_, y)| way * y).fold(f64::NEG_INFINITY, f64::max);
            let (first, last) = (way * rest.first()?.1, way * rest.last()?.1);
            let leads = last > first && last - highest >= LEAD * (last - first);
            increment(rest).filter(|_| leads).map(|line| of(line, from, true))
        });
        let all = whole.into_iter().flatten().chain(parts);
        let likeliest = all.min_by(|one, other| one.p.total_cmp(&other.p))?;
        Some(Self { p: corrected(likeliest.p, 2 + PARTS.len()), ..likeliest })
    }
}

/// Bonferroni over so many one-sided tests, of which the likeliest was taken; the same for the other side.
pub fn corrected(p: f64, tests: usize) -> f64 {
    let chance = (tests as f64 * p.min(1.0 - p)).min(0.5);
    if p < 0.5 { chance } else { 1.0 - chance }
}

/// The mean increment per place of points (place, value), as a slope: the growth from the first value to the last.
///
/// Its variance is the long-run variance of the increments ([`long_run::ewc`]). Of values that return to a level the two
/// ends make both the growth and the cosine coefficients, and t stays near 1: there the test is conservative.
///
/// `None` with fewer than 24 points, when all places are the same, or when a number would not be finite.
pub fn increment(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < FEWEST {
        return None;
    }
    let (first, last) = (*points.first()?, *points.last()?);
    let length = last.0 - first.0;
    let slope = (last.1 - first.1) / length;
    let grown = || points.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
    let left: Vec<f64> = grown().map(|(places, by)| by - slope * places).collect();
    let squares = Sum::of(left.iter().map(|e| e * e)).total();
    let moved = Sum::of(grown().map(|(_, by)| by * by)).total();
    let long_run = long_run::ewc(&left, long_run::cosines(left.len()))?;
    // What rounding leaves of equal increments is no noise.
    let variance = if squares <= ROUNDING * moved { 0.0 } else { long_run.of_mean };
    let fit = Slope {
        slope,
        first: first.1,
        last: last.1,
        error: variance.sqrt() * left.len() as f64 / length,
        phi: autocorrelation::LARGEST_PHI,
        n_eff: long_run.df + 1.0,
        df: long_run.df,
        squares,
        second: Second::default(),
    };
    (length > 0.0 && fit.slope.is_finite() && fit.error.is_finite()).then_some(fit)
}

/// Whether values wander about their line instead of returning to it: a unit root is not rejected, at about 1 %.
///
/// Σ Sₜ² ÷ n² Σ eₜ² of the residuals e and their partial sums S is small where they return, however they are
/// autocorrelated otherwise (the variance ratio of Breitung 2002, J. Econometrics 108:343–363, times n²).
pub fn wanders(points: &[(f64, f64)]) -> bool {
    variance_ratio(points).is_none_or(|ratio| ratio > RETURNS_BELOW)
}

fn variance_ratio(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len();
    let centre = Sum::of(points.iter().map(|(x, _)| *x)).divided_by(n);
    let mean = Sum::of(points.iter().map(|(_, y)| *y)).divided_by(n);
    let width = Sum::of(points.iter().map(|(x, _)| (x - centre) * (x - centre))).total();
    let slope = Sum::of(points.iter().map(|(x, y)| (x - centre) * (y - mean))).total() / width;
    let (mut sum, mut of_sums, mut squares) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        let e = y - mean - slope * (x - centre);
        sum += e;
        of_sums += sum * sum;
        squares += e * e;
    }
    let total = Sum::of(points.iter().map(|(_, y)| (y - mean) * (y - mean))).total();
    // Values on a line return to it.
    if squares <= ROUNDING * total {
        return Some(0.0);
    }
    let ratio = of_sums / (squares * (n * n) as f64);
    ratio.is_finite().then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::super::reference::{LAKE_HURON, NEW_YORK, NILE};
    use super::*;

    #[track_caller]
    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{actual} is not {expected}");
    }

    fn numbered(values: &[f64]) -> Vec<(f64, f64)> {
        (0u32..).map(f64::from).zip(values.iter().copied()).collect()
    }

    /// Sums of these increments.
    fn sums(n: u32, increment: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        let values = (0..n).scan(100.0, |value, at| {
            *value += increment(at);
            Some(*value)
        });
        numbered(&values.collect::<Vec<_>>())
    }

    /// Whole numbers from 0 to 6, 3 on average, in an order without a pattern.
    fn arrivals(at: u32) -> f64 {
        f64::from((at.wrapping_mul(2_654_435_761) >> 16) % 7)
    }

    fn likeliest(points: &[(f64, f64)]) -> Growth {
        Growth::likeliest(points, 1.0, Slope::p_of_rise).expect("enough points")
    }

    #[test]
    fn mean_increments_and_their_errors_agree_with_numpy() {
        // NumPy 2.4.6: the mean of `diff`, and the root of the mean of squared cosine coefficients over n.
        for (values, slope, error, df) in [
            (&NILE[..], -3.838_383_838_383_838_2, 3.853_902_202_579_627_5, 8.0),
            (&LAKE_HURON[..], -0.004_329_896_907_216_073, 0.058_565_819_182_179_02, 8.0),
            (&NEW_YORK[..], 0.006_578_947_368_421_052, 0.248_260_223_389_226_43, 11.0),
        ] {
            let fit = increment(&numbered(values)).expect("enough values");
            close(fit.slope, slope);
            close(fit.error, error);
            assert_eq!((fit.df, fit.first, fit.last), (df, values[0], values[values.len() - 1]));
        }
        assert_eq!(increment(&numbered(&NILE[..23])), None);
        assert!(increment(&numbered(&NILE[..24])).is_some());
        assert_eq!(increment(&vec![(1.0, 2.0); 30]), None);
    }

    #[test]
    fn variance_ratios_agree_with_numpy() {
        for (values, ratio) in [
            (&NILE[..], 0.004_941_851_734_177_817),
            (&LAKE_HURON[..], 0.005_588_117_351_024_093),
            (&NEW_YORK[..], 0.009_971_874_394_484_678),
        ] {
            close(variance_ratio(&numbered(values)).expect("values that vary"), ratio);
        }
        let line: Vec<f64> = (0..50).map(|at| 0.1 * f64::from(at)).collect();
        assert_eq!(variance_ratio(&numbered(&line)), Some(0.0));
        assert!(wanders(&numbered(&[3.0; 50])) || variance_ratio(&numbered(&[3.0; 50])) == Some(0.0));
    }

    #[test]
    fn what_is_added_and_never_taken_away_is_found_whenever_it_begins() {
        // A descriptor in every seventh interval, as arrivals; then three an interval from 60 % on, and from 75 % on.
        for points in [
            sums(288, |at| f64::from(u8::from(arrivals(at) == 0.0))),
            sums(288, |at| if at > 172 { arrivals(at) } else { 0.0 }),
            sums(288, |at| if at > 216 { arrivals(at) } else { 0.0 }),
        ] {
            let found = likeliest(&points);
            assert!(found.p < 0.005 && found.wanders, "{found:?}");
        }
        assert_eq!(likeliest(&sums(288, |at| if at > 216 { arrivals(at) } else { 0.0 })).from, 216);
    }

    #[test]
    fn what_comes_back_and_what_wanders_without_a_drift_is_not() {
        let saw = |period: u32| {
            let values = (0..288).map(|at| 100.0 + f64::from(at % period) + 0.1 * arrivals(at));
            numbered(&values.collect::<Vec<_>>())
        };
        for period in [7, 30, 90, 200] {
            let found = likeliest(&saw(period));
            assert!(found.p > 0.02, "{period}: {found:?}");
        }
        let walk = sums(288, |at| arrivals(at) - arrivals(at + 1000));
        assert!(likeliest(&walk).p > 0.02, "{:?}", likeliest(&walk));
    }

    #[test]
    fn a_line_through_values_that_return_to_it_is_surer_than_their_ends() {
        let values: Vec<f64> = (0..288).map(|at| 0.02 * f64::from(at) + 3.0 * arrivals(at)).collect();
        let found = likeliest(&numbered(&values));
        assert!(!found.wanders && found.p < 0.02, "{found:?}");
        assert!(increment(&numbered(&values)).is_some_and(|fit| fit.p_of_rise() > 0.05));
    }

    #[test]
    fn the_choice_among_several_is_paid_for_on_both_sides() {
        assert_eq!([0.01, 0.2, 0.5, 0.99].map(|p| corrected(p, 3)), [0.03, 0.5, 0.5, 0.97]);
    }

    #[test]
    fn equal_increments_are_certain() {
        let fit = increment(&sums(48, |_| 0.25)).expect("48 points");
        assert_eq!((fit.error, fit.p_of_rise()), (0.0, 0.0));
    }
}
