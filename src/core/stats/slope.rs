//! A straight line through a series: the least-squares slope, how sure it is when neighbours resemble each
//! other, and the probability of a slope like that where there is none.
//!
//! Works on points (place, value) in the order of time. Must not know what a place or a value is.

use super::ar1;
use super::distributions::{student_t_quantile, student_t_tail};
use super::sum::Sum;

/// Fewest points: with fewer the autocorrelation of residuals around a line is a guess.
pub const FEWEST: usize = 16;

/// Degrees of freedom of t as a share of `n_eff − 2`: that φ is estimated costs some of them …
const FREEDOM: f64 = 0.6;

/// … and by so many standard errors φ is raised. Without both a one-sided test at 1.25 % rejects in up to 2.2 %
/// (48 points, φ = 0.8), with them in at most 1.25 % up to φ = 0.5 and 1.5 % at 0.8 (see the table of error rates in
/// `deploy/statistics`).
const CAUTION: f64 = 0.2;

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
}

impl Slope {
    /// The line through points.
    ///
    /// Slope b = Σ(x − x̄)y ÷ Σ(x − x̄)². Its variance is that of a weighted sum of values of a first-order
    /// process ([`ar1::variance_of_sum`]), φ from the residuals ([`ar1::phi_around_line`], raised by a fifth of a standard error), and the variance of
    /// one value is Σe² ÷ tr(MΩ), where M takes a line out and Ω is the correlation matrix: what the sum of
    /// squares is worth on average for such a process (e.g. Judge and others 1985, The Theory and Practice of
    /// Econometrics, section 8.2).
    ///
    /// `None` with fewer than 16 points, when all places are the same, when the points are worth so few
    /// independent ones that t has less than 1 degree of freedom, or when a number would not be finite.
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len();
        if n < FEWEST {
            return None;
        }
        let size = n as f64;
        let centre = Sum::of(points.iter().map(|(x, _)| *x)).divided_by(n);
        let mean = Sum::of(points.iter().map(|(_, y)| *y)).divided_by(n);
        let width = Sum::of(points.iter().map(|(x, _)| (x - centre) * (x - centre))).total();
        if !(width > 0.0 && width.is_finite()) {
            return None;
        }
        let slope = Sum::of(points.iter().map(|(x, y)| (x - centre) * (y - mean))).total() / width;
        let at = |x: f64| mean + slope * (x - centre);
        let residuals: Vec<f64> = points.iter().map(|(x, y)| y - at(*x)).collect();
        let squares = Sum::of(residuals.iter().map(|e| e * e)).total();
        let total = Sum::of(points.iter().map(|(_, y)| (y - mean) * (y - mean))).total();
        // What rounding leaves of a perfect line is no noise.
        let exact = squares <= ROUNDING * total;
        let r1 = if exact { 0.0 } else { ar1::lag1_of_residuals(&residuals)? };
        let phi = ar1::phi_around_line(r1, n)?;
        let phi = (phi + CAUTION * ar1::standard_error(phi, n)).min(ar1::LARGEST_PHI);
        let weights = || points.iter().map(|(x, _)| (x - centre) / width);
        let of_slope = ar1::variance_of_sum(weights(), phi);
        let traced = size - size * ar1::variance_of_mean(n, phi) - width * of_slope;
        let error = if exact { 0.0 } else { (squares / traced * of_slope).sqrt() };
        let n_eff = ar1::effective_n(n, phi);
        let df = FREEDOM * (n_eff - 2.0);
        let fit = Self {
            slope,
            first: at(points.first()?.0),
            last: at(points.last()?.0),
            error,
            phi,
            n_eff,
            df,
            squares,
        };
        let finite = [slope, fit.first, fit.last, error].iter().all(|number| number.is_finite());
        (finite && df >= 1.0).then_some(fit)
    }

    /// The interval of the slope.
    pub fn interval(&self, confidence: f64) -> Option<(f64, f64)> {
        let half = student_t_quantile(0.5 + 0.5 * confidence, self.df)? * self.error;
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

    /// The smallest slope that a test at `alpha` (one-sided) finds with probability `power`, about.
    pub fn detectable(&self, alpha: f64, power: f64) -> Option<f64> {
        Some((student_t_quantile(1.0 - alpha, self.df)? + student_t_quantile(power, self.df)?) * self.error)
    }
}

/// Residuals whose squares are a smaller share of the total are rounding.
const ROUNDING: f64 = 1e-24;

#[cfg(test)]
mod tests {
    use super::super::reference::NILE;
    use super::*;

    #[track_caller]
    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{actual} is not {expected}");
    }

    fn numbered(values: &[f64]) -> Vec<(f64, f64)> {
        (0u32..).map(f64::from).zip(values.iter().copied()).collect()
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
            let variance = ar1::variance_of_sum((0..n).map(|i| (f64::from(i) - centre) / width), phi);
            close(variance, of_slope);
            let count = usize::try_from(n).expect("small");
            close(size - size * ar1::variance_of_mean(count, phi) - width * variance, traced);
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
        assert!(low < nile.slope && high < 0.0);
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
