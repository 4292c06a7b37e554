//! A straight line through a series: the least-squares slope, how sure it is when neighbours resemble each
//! other, and the probability of a slope like that where there is none.
//!
//! Works on points (place, value) in the order of time. Must not know what a place or a value is.

use super::autocorrelation;
use super::distributions::{student_t_quantile, student_t_tail};
use super::long_run::memory::{Autoregression, Basis, cosine_variance, dot, fractional_variance};
use super::summary::Sum;

/// Fewest points: with fewer the autocorrelation of residuals around a line is a guess.
pub const FEWEST: usize = 16;

/// Degrees of freedom of t as a share of `n_eff − 2`: that φ is estimated costs some of them …
const FREEDOM: f64 = 0.6;

/// … and by so many standard errors φ is raised. Without both a one-sided test at 1.25 % rejects in up to 2.2 %
/// (48 points, φ = 0.8), with them in at most 1.25 % up to φ = 0.5 and 1.5 % at 0.8 (see the table of error rates in
/// `deploy/statistics`).
const CAUTION: f64 = 0.2;

/// Blocks that a walk is cut into.
const BLOCKS: usize = 8;

/// Fewest points of a block …
const SHORTEST_BLOCK: usize = 6;

/// … and fewest blocks.
const FEWEST_BLOCKS: usize = 4;

/// A fitted line, in values per place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Least-squares slope.
    pub slope: f64,
    /// The line at the first place.
    pub first: f64,
    /// The line at the last place.
    pub last: f64,
    /// Standard error of the slope; 0 when all points lie on the line.
    pub error: f64,
    /// Autocorrelation of the residuals that was used, between 0 and 0.99.
    pub phi: f64,
    /// How many independent points these are worth.
    pub n_eff: f64,
    /// Degrees of freedom of t.
    pub df: f64,
    /// Sum of squared residuals.
    pub squares: f64,
    /// The error by other estimators.
    pub second: Second,
}

/// The standard error of a slope by estimators that trust no autoregression.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// By the autoregression that Akaike's criterion chooses; 0 where that is of the first order.
    higher: f64,
    /// How many independent values these are worth for that.
    higher_n: f64,
    /// By cosines of low frequency; 0 where there are too few values for them.
    cosines: f64,
    /// Degrees of freedom of t for the cosines.
    df: f64,
    /// By a fractional process; 0 where the residuals do not look like one.
    fractional: f64,
    /// Whether the residuals scatter more where they weigh more.
    uneven: bool,
}

/// The level at which cosines must confirm a slope. At that of the test itself they would cost 10 points of power.
const CONFIRMED: f64 = 0.05;

/// A slope that is by so much less likely than the level asks for needs no confirmation: memory alone makes one in 1 % of
/// series, and the bend of a leak that begins late looks like memory, so that 94 % of such leaks were not confirmed.
const OVERWHELMING: f64 = 300.0;

/// Most degrees of freedom of t with the error of a fractional process, whose d is estimated.
const FRACTIONAL_DF: f64 = 20.0;

/// Residuals that weigh more scatter more when Σw²e² exceeds what even ones give by this factor.
const UNEVEN: f64 = 1.25;

impl Slope {
    /// The line through points.
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        Self::beside(points, Vec::new())
    }

    /// The line through points beside other columns, of a cycle, say.
    ///
    /// Slope b = Σ(x − x̄)y ÷ Σ(x − x̄)², x being what the other columns leave of the places. Its variance is that of a
    /// weighted sum of values of a first-order process ([`autocorrelation::variance_of_sum`]), φ from the residuals
    /// ([`autocorrelation::phi_around_line`], raised by a fifth of a standard error); beside other columns that of the
    /// autoregression that Akaike's criterion chooses (`Autoregression`), where it is larger. The variance of one value
    /// is Σe² ÷ tr(MΩ), where M takes the columns out and Ω is the correlation matrix: what the sum of squares is worth on
    /// average for such a process (e.g. Judge and others 1985, The Theory and Practice of Econometrics, section 8.2).
    ///
    /// `None` with fewer than 16 points, when all places are the same or explained by the columns, when the points are
    /// worth so few independent ones that t has less than 1 degree of freedom, or when a number would not be finite.
    pub fn beside(points: &[(f64, f64)], columns: Vec<Vec<f64>>) -> Option<Self> {
        let n = points.len();
        if n < FEWEST + columns.len() {
            return None;
        }
        let size = n as f64;
        let centre = Sum::of(points.iter().map(|(x, _)| *x)).divided_by(n);
        let mean = Sum::of(points.iter().map(|(_, y)| *y)).divided_by(n);
        let width = Sum::of(points.iter().map(|(x, _)| (x - centre) * (x - centre))).total();
        if !(width > 0.0 && width.is_finite()) {
            return None;
        }
        let fitted = columns.len() + 2;
        let mut basis = Basis::default();
        basis.add(vec![1.0; n]);
        for column in columns {
            basis.add(column);
        }
        let length = basis.add(points.iter().map(|(x, _)| x - centre).collect())?;
        let weights: Vec<f64> = basis.columns.last()?.iter().map(|share| share / length).collect();
        let values: Vec<f64> = points.iter().map(|(_, y)| y - mean).collect();
        let slope = Sum::of(weights.iter().zip(&values).map(|(weight, y)| weight * y)).total();
        let at = |x: f64| mean + slope * (x - centre);
        let residuals = basis.residuals(&values);
        let squares = Sum::of(residuals.iter().map(|e| e * e)).total();
        let total = Sum::of(values.iter().map(|y| y * y)).total();
        // What rounding leaves of a perfect line is no noise.
        let exact = squares <= ROUNDING * total;
        let r1 = if exact { 0.0 } else { autocorrelation::lag1_of_residuals(&residuals)? };
        let phi = autocorrelation::phi_around_line(r1, n)?;
        let phi = (phi + CAUTION * autocorrelation::standard_error(phi, n)).min(autocorrelation::LARGEST_PHI);
        let of_slope = autocorrelation::variance_of_sum(weights.iter().copied(), phi);
        let traced =
            size - basis.traced(|column| autocorrelation::variance_of_sum(column.iter().copied(), phi));
        let (mut variance, mut n_eff) = (squares / traced * of_slope, autocorrelation::effective_n(n, phi));
        let mut second = Second::default();
        if !exact {
            let order = usize::from(fitted == 2);
            if let Some(higher) =
                Autoregression::of(&residuals, &basis).filter(|found| found.process.order() > order)
            {
                (second.higher, second.higher_n) = (higher.variance_of_sum(&weights).sqrt(), higher.n_eff());
                if fitted > 2 {
                    // The bias that a cycle causes is taken out of this one alone.
                    variance = variance.max(second.higher * second.higher);
                    n_eff = n_eff.min(higher.n_eff());
                }
            }
            let own = dot(&weights, &weights);
            let scattered = Sum::of(weights.iter().zip(&residuals).map(|(w, e)| w * w * e * e)).total();
            second.uneven = scattered * size > UNEVEN * own * squares;
            if let Some((long_run, count)) = cosine_variance(&values, basis) {
                (second.cosines, second.df) = ((long_run * own).sqrt(), count);
            }
            second.fractional =
                fractional_variance(&residuals, &weights).map_or(0.0, |(variance, _)| variance.sqrt());
        }
        let error = if exact { 0.0 } else { variance.sqrt() };
        let df = FREEDOM * (n_eff - fitted as f64);
        let fit = Self {
            slope,
            first: at(points.first()?.0),
            last: at(points.last()?.0),
            error,
            phi,
            n_eff,
            df,
            squares,
            second,
        };
        let finite = [slope, fit.first, fit.last, error].iter().all(|number| number.is_finite());
        (finite && df >= 1.0).then_some(fit)
    }

    /// The growth of values that wander without a level: a random walk with a drift.
    ///
    /// The points are cut into 8 blocks of equal length, into fewer where a block would be shorter than 6 points. The
    /// growth over one block is independent of that over another, so their mean per place is the slope, and t has a
    /// degree of freedom less than there are blocks. Of values that return to a level the test is conservative.
    ///
    /// `None` with fewer than 24 points, when two places are the same, or when a number would not be finite.
    pub fn of_walk(points: &[(f64, f64)]) -> Option<Self> {
        let blocks = (points.len() / SHORTEST_BLOCK).min(BLOCKS);
        if blocks < FEWEST_BLOCKS {
            return None;
        }
        let ends: Vec<(f64, f64)> =
            (0..=blocks).map(|block| points[block * (points.len() - 1) / blocks]).collect();
        let grown: Vec<f64> =
            ends.windows(2).map(|ends| (ends[1].1 - ends[0].1) / (ends[1].0 - ends[0].0)).collect();
        let slope = Sum::of(grown.iter().copied()).divided_by(blocks);
        let squares = Sum::of(grown.iter().map(|growth| (growth - slope) * (growth - slope))).total();
        let (size, df) = (blocks as f64, blocks as f64 - 1.0);
        let (first, last) = (ends.first()?, ends.last()?);
        let fit = Self {
            slope,
            first: first.1,
            last: first.1 + slope * (last.0 - first.0),
            error: (squares / df / size).sqrt(),
            phi: autocorrelation::LARGEST_PHI,
            n_eff: size,
            df,
            squares,
            second: Second::default(),
        };
        (slope.is_finite() && fit.last.is_finite() && fit.error.is_finite()).then_some(fit)
    }

    /// The line, or, with `walks`, the growth where that has more degrees of freedom.
    pub fn fitted(points: &[(f64, f64)], walks: bool) -> Option<Self> {
        let line = Self::of(points);
        let walk = if walks { Self::of_walk(points) } else { None };
        walk.filter(|walk| line.is_none_or(|line| line.df < walk.df)).or(line)
    }

    /// The interval of the slope, by the largest of the errors that a model of the memory gives.
    pub fn interval(&self, confidence: f64) -> Option<(f64, f64)> {
        let error = self.error.max(self.second.higher).max(self.second.fractional);
        let half = student_t_quantile(0.5 + 0.5 * confidence, self.df)? * error;
        Some((self.slope - half, self.slope + half))
    }

    /// The probability of a slope at least this high where there is none (one-sided p-value of a rise); of a
    /// fall it is 1 less this.
    pub fn p_of_rise(&self) -> f64 {
        if self.error == 0.0 {
            return match self.slope {
                rises if rises > 0.0 => 0.0,
                falls if falls < 0.0 => 1.0,
                _ => 0.5,
            };
        }
        // There are enough degrees of freedom, or there would be no slope.
        student_t_tail(self.slope / self.error, self.df).unwrap_or(0.5)
    }

    /// Whether other estimators of its error find the slope, too, in a one-sided test at `alpha`. Cosines are few: that they
    /// find it at 5 % is enough, unless the scatter is uneven or the memory long.
    pub fn is_confirmed(&self, alpha: f64) -> bool {
        let (p, second) = (self.p_of_rise(), self.second);
        let finds = |error: f64, alpha: f64, df: f64| {
            error == 0.0 || student_t_tail(self.slope.abs() / error, df).is_none_or(|p| p <= alpha)
        };
        let least = if second.uneven || second.fractional > 0.0 { alpha } else { alpha.max(CONFIRMED) };
        let of_higher = self.df.min(FREEDOM * (second.higher_n - 2.0)).max(1.0);
        OVERWHELMING * p.min(1.0 - p) <= alpha
            || finds(second.higher, alpha, of_higher)
                && finds(second.cosines, least, second.df)
                && finds(second.fractional, alpha, self.df.min(FRACTIONAL_DF))
    }

    /// The smallest slope that a test at `alpha` (one-sided) finds with probability `power`, about.
    pub fn detectable(&self, alpha: f64, power: f64) -> Option<f64> {
        Some((student_t_quantile(1.0 - alpha, self.df)? + student_t_quantile(power, self.df)?) * self.error)
    }
}

/// Residuals whose squares are a smaller share of the total are rounding.
const ROUNDING: f64 = 1e-24;

// Where a series settles: a ramp from the start that levels off, against a straight line that goes on.
//
// Least squares over all bends in the first half (the broken-stick model of Quandt 1958, J. Am. Stat. Assoc.
// 53:873–880, with the second piece flat). Must not say whether a series drifts; it says that what looks like a
// drift is over.

/// Fewest values.
const FEWEST_TO_SETTLE: usize = 16;

/// Bends that are tried in a long series.
const BENDS: usize = 256;

/// By so much the bent line must fit better, in residual variances of the effective number of values. In
/// simulated straight drifts of 3 σ with autocorrelation up to 0.8 that happens in about 1 % (48 to 200 values),
/// in series without anything in 1 % to 2 %.
const BETTER: f64 = 6.0;

/// The position from which on the values stand still, where a ramp that levels off in the first half fits
/// clearly better than both a straight line and no movement at all. `None` where it does not, and with fewer
/// than 16 values.
pub fn settles(values: &[f64]) -> Option<usize> {
    let n = values.len();
    if n < FEWEST_TO_SETTLE {
        return None;
    }
    let mean = Sum::of(values.iter().copied()).divided_by(n);
    let centre = (n as f64 - 1.0) / 2.0;
    let total = Sum::of(values.iter().map(|value| (value - mean) * (value - mean))).total();
    let width = centre * (n as f64 + 1.0) * n as f64 / 6.0;
    let shared = Sum::of(values.iter().enumerate().map(|(at, y)| (at as f64 - centre) * (y - mean))).total();
    let slope = shared / width;
    let line = total - shared * slope;
    if !(line.is_finite() && line > ROUNDING_OF_SQUARES * total) {
        return None;
    }
    // What is left of the values from a position on, and that times the position, make every bend cheap.
    let mut sums = vec![(0.0, 0.0); n + 1];
    for at in (0..n).rev() {
        let y = values[at] - mean;
        sums[at] = (sums[at + 1].0 + y, sums[at + 1].1 + y * at as f64);
    }
    let step = (n / 2).div_ceil(BENDS).max(1);
    let bent = |bend: usize| {
        // Σ min(t, k)·y, and the same of its square around its mean.
        let k = bend as f64;
        let product = (sums[0].1 - sums[bend].1) + k * sums[bend].0;
        let rest = n as f64 - k;
        let sum = k * (k - 1.0) / 2.0 + k * rest;
        let squares = (k - 1.0) * k * (2.0 * k - 1.0) / 6.0 + k * k * rest;
        total - product * product / (squares - sum * sum / n as f64)
    };
    let bends = (2..=n / 2).step_by(step).map(|bend| (bend, bent(bend)));
    let (at, left) = bends.fold((0, f64::INFINITY), |best, next| if next.1 < best.1 { next } else { best });
    let residuals: Vec<f64> =
        values.iter().enumerate().map(|(at, y)| y - mean - slope * (at as f64 - centre)).collect();
    let phi = autocorrelation::phi_around_line(autocorrelation::lag1_of_residuals(&residuals)?, n)?;
    let needed = BETTER * left.max(ROUNDING_OF_SQUARES * total) / autocorrelation::effective_n(n, phi);
    (line - left > needed && total - left > needed).then_some(at)
}

/// Sums of squares that are a smaller share of the total are rounding.
const ROUNDING_OF_SQUARES: f64 = 1e-20;

#[cfg(test)]
mod tests {
    mod slope {
        use super::super::super::reference::NILE;
        use super::super::*;

        #[track_caller]
        fn close(actual: f64, expected: f64) {
            assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{actual} is not {expected}");
        }

        fn numbered(values: &[f64]) -> Vec<(f64, f64)> {
            (0u32..).map(f64::from).zip(values.iter().copied()).collect()
        }

        #[test]
        fn the_growth_of_a_walk_is_the_mean_over_its_blocks() {
            // Four blocks of six places, which grow by 1, 2, 3 and 4 a place.
            let value = |at: i32| (0..at).map(|at| f64::from(at / 6 + 1)).sum();
            let walk: Vec<f64> = (0..25).map(value).collect();
            let fit = Slope::of_walk(&numbered(&walk)).expect("25 points");
            assert_eq!((fit.slope, fit.first, fit.last), (2.5, 0.0, 60.0));
            assert_eq!((fit.squares, fit.df, fit.n_eff), (5.0, 3.0, 4.0));
            close(fit.error, (5.0_f64 / 3.0 / 4.0).sqrt());
            assert_eq!(Slope::of_walk(&numbered(&walk[..23])), None);
            let blocks = |n: usize| Slope::of_walk(&numbered(&vec![1.0; n])).map(|fit| fit.n_eff);
            assert_eq!([24, 47, 48, 200].map(blocks), [4.0, 7.0, 8.0, 8.0].map(Some));
        }

        #[test]
        fn slopes_agree_with_scipy() {
            // SciPy 1.17.1, `scipy.stats.linregress`: the Nile, its first 20 years, and the employment of the
            // Longley data (NIST StRD) over the years 1947 to 1962.
            let nile = Slope::of(&numbered(&NILE)).expect("100 points");
            close(nile.slope, -2.714_305_430_543_054_5);
            close(nile.first, 1_053.708_118_811_881_1);
            close(nile.last, 1_053.708_118_811_881_1 - 99.0 * 2.714_305_430_543_054_5);
            let first = Slope::of(&numbered(&NILE[..20])).expect("20 points");
            close(first.slope, -7.629_323_308_270_677);
            // Its residuals alternate, so φ is 0 raised by 0.2·√(1/20). NumPy 2.4.6 with the matrices of that process.
            assert!((first.phi - 0.2 * (1.0_f64 / 20.0).sqrt()).abs() < 1e-15);
            close(first.error, 5.679_145_737_874_561);
            close(first.df, 0.6 * (20.0 * (1.0 - first.phi) / (1.0 + first.phi) - 2.0));
            let employed = [
                60_323., 61_122., 60_171., 61_187., 63_221., 63_639., 64_989., 63_761., 66_019., 67_857.,
                68_169., 66_513., 68_655., 69_564., 69_331., 70_551.,
            ];
            let points: Vec<(f64, f64)> = (1947..).map(f64::from).zip(employed).collect();
            close(Slope::of(&points).expect("16 points").slope, 716.511_764_705_882_3);
        }

        #[test]
        fn the_error_of_a_slope_agrees_with_the_matrices() {
            // NumPy: x'Ωx/(x'x)² and tr(MΩ) for 48 places and φ = 0.8, 100 places and φ = 0.3.
            for (n, phi, of_slope, traced) in [
                (20, 0.4, 0.003_013_102_227_951_237_5, 15.774_064_794_968_528),
                (48, 0.8, 0.000_715_020_038_532_549_4, 33.246_550_154_417_16),
                (100, 0.3, 2.184_719_064_406_340_5e-5, 96.334_684_880_399_75),
            ] {
                let size = f64::from(n);
                let centre = (size - 1.0) / 2.0;
                let width = size * (size * size - 1.0) / 12.0;
                let variance =
                    autocorrelation::variance_of_sum((0..n).map(|i| (f64::from(i) - centre) / width), phi);
                close(variance, of_slope);
                let count = usize::try_from(n).expect("small");
                close(size - size * autocorrelation::variance_of_mean(count, phi) - width * variance, traced);
            }
        }

        #[test]
        fn the_nile_falls_and_autocorrelation_makes_that_less_sure() {
            let nile = Slope::of(&numbered(&NILE)).expect("100 points");
            // The textbook error (SciPy) takes the years as independent.
            assert!(nile.phi > 0.2 && nile.error > 0.521_554_090_157_456_8, "{nile:?}");
            let p = 1.0 - nile.p_of_rise();
            assert!(p > 1.1e-6 && p < 0.01, "{p}");
            let (low, high) = nile.interval(0.95).expect("an interval");
            // A fractional process explains the fall as well: the dam of Aswan is a step and no drift.
            assert!(low < nile.slope && high > 0.0 && !nile.is_confirmed(0.0125));
        }

        #[test]
        fn a_perfect_line_is_certain_and_a_constant_says_nothing() {
            let line: Vec<f64> = (0..20).map(|i| 3.0 - 0.1 * f64::from(i)).collect();
            let slope = Slope::of(&numbered(&line)).expect("20 points");
            assert_eq!((slope.error, slope.p_of_rise()), (0.0, 1.0));
            assert!((slope.slope + 0.1).abs() < 1e-12);
            let flat = Slope::of(&numbered(&[0.85; 20])).expect("20 points");
            assert_eq!((flat.slope, flat.error, flat.p_of_rise()), (0.0, 0.0, 0.5));
        }

        #[test]
        fn too_little_is_no_slope() {
            assert_eq!(Slope::of(&numbered(&NILE[..15])), None);
            assert!(Slope::of(&numbered(&NILE[..16])).is_some());
            assert_eq!(Slope::of(&vec![(1.0, 2.0); 20]), None);
            // A walk: neighbours resemble each other so much that 40 points are worth no four.
            let walk: Vec<f64> = (0..40).map(|i| (f64::from(i) - 20.0) * (f64::from(i) - 20.0)).collect();
            assert_eq!(Slope::of(&numbered(&walk)), None);
        }

        #[test]
        fn a_mirrored_series_has_the_mirrored_slope() {
            let mirrored: Vec<f64> = NILE.iter().map(|value| -value).collect();
            let (one, other) = (Slope::of(&numbered(&NILE)), Slope::of(&numbered(&mirrored)));
            let (one, other) = (one.expect("points"), other.expect("points"));
            assert_eq!((one.slope, one.error), (-other.slope, other.error));
            assert!((one.p_of_rise() + other.p_of_rise() - 1.0).abs() < 1e-12);
        }
    }
    mod plateau {
        use super::super::super::reference::{BEAVER_2, LAKE_HURON, NEW_YORK, NILE};
        use super::super::*;

        /// Small waves around nothing.
        fn wave(at: usize) -> f64 {
            (at * 7 % 13) as f64 / 20.0 - 0.3
        }

        fn series(n: usize, level: impl Fn(usize) -> f64) -> Vec<f64> {
            (0..n).map(|at| level(at) + wave(at)).collect()
        }

        #[test]
        fn a_ramp_that_levels_off_settles_where_it_does() {
            for bend in [4, 12, 24] {
                let found = settles(&series(60, |at| 0.5 * at.min(bend) as f64)).expect("it settles");
                assert!(found.abs_diff(bend) <= 2, "{found} for {bend}");
                assert_eq!(settles(&series(60, |at| -0.5 * at.min(bend) as f64)), Some(found), "downwards");
            }
        }

        #[test]
        fn a_warm_up_that_jumps_settles_after_the_jump() {
            let found = settles(&series(60, |at| if at < 6 { 4.0 } else { 1.0 })).expect("it settles");
            assert!((5..=12).contains(&found), "{found}");
        }

        #[test]
        fn a_line_and_a_level_and_a_late_ramp_do_not() {
            assert_eq!(settles(&series(60, |at| 0.1 * at as f64)), None);
            assert_eq!(settles(&series(60, |_| 3.0)), None);
            assert_eq!(settles(&series(60, |at| 0.2 * at.saturating_sub(40) as f64)), None);
            assert_eq!(settles(&[2.0; 60]), None);
            let exact: Vec<f64> = (0..60).map(f64::from).collect();
            assert_eq!(settles(&exact), None);
            assert_eq!(settles(&series(15, |at| at.min(5) as f64)), None);
        }

        #[test]
        fn the_sum_of_squares_of_a_bend_is_that_of_the_fit() {
            // A perfect bend leaves nothing, so the bend found is the true one.
            let exact: Vec<f64> = (0u32..40).map(|at| 5.0 - 0.25 * f64::from(at.min(9))).collect();
            assert_eq!(settles(&exact), Some(9));
        }

        #[test]
        fn published_series_settle_where_least_squares_of_numpy_bend() {
            // NumPy 2.4.6, once: `lstsq` on 1 and min(t, k) for every k from 2 to n/2, on 1 and t, and on 1. What the
            // bend saves must be 6·RSS/n_eff, φ from the residuals of the line (n·r1 + 2)/(n − 5).
            // Nile: saves 374418 over the line and 988351 over the mean of 268495 needed (φ 0.416).
            assert_eq!(settles(&NILE), Some(42));
            // New York warms up from May to the tenth of June: 3314 and 5339 of 3137 (φ 0.812).
            assert_eq!(settles(&NEW_YORK), Some(41));
        }

        #[test]
        fn where_neighbours_say_the_same_nothing_is_told_although_other_rules_cut() {
            // White's MSER (1997, Simulation 69:323–334; the cut d that makes Σ(y − mean)² ÷ (n − d)² of the rest least,
            // NumPy 2.4.6) cuts 38 of the beaver, which left its lodge at the 39th value, and 14 of the lake. It always
            // cuts somewhere. Here a bend must be told from the wandering of a series whose neighbours resemble
            // each other: φ is 0.971 and 0.824, and 5.1 of 21.2 and 21.8 of 64.0 needed are saved over the line.
            assert_eq!(settles(&BEAVER_2), None);
            assert_eq!(settles(&LAKE_HURON), None);
        }
    }
}
