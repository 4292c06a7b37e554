//! How far the means of two series are apart, and how sure that is, where neighbours resemble each other.
//!
//! Welch's t (1947, Biometrika 34:28–35) with the numbers of values replaced by what they are worth. Must not
//! judge which way is good, or how much matters.

use super::ar1::variance_of_mean;
use super::distributions::{student_t_quantile, student_t_tail};
use super::levels::{Levels, Likeness, Residuals};
use super::pooled;

/// Fewest values on each side. With fewer the autocorrelation rests on next to nothing.
pub const FEWEST: usize = 5;

/// The shift between the means of two series. In the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanShift {
    /// Mean of B less mean of A.
    pub shift: f64,
    /// Standard error of the shift; 0 where no side varies.
    pub standard_error: f64,
    /// Welch–Satterthwaite degrees of freedom, at least 1.
    pub df: f64,
    /// Autocorrelation of neighbours that was used, between 0 and 0.99; one for both sides.
    pub phi: f64,
    /// How many independent values the values of A and of B are worth.
    pub n_eff: [f64; 2],
    /// Variance of one value of A and of B.
    variance: [f64; 2],
}

impl MeanShift {
    /// The shift from A to B of each of several series of two runs, between the present levels of both.
    ///
    /// φ of a series is taken to be the same on both sides and on all levels, so that it is estimated from all
    /// residuals around them ([`Likeness::around`]), and then together with the other series ([`pooled::phis`]).
    /// The variance of each mean is that of a first-order process (Bayley & Hammersley 1946), `n_eff` its inverse;
    /// the variance of one value is Σ(x − m)² ÷ `n(1 − 1/n_eff)`, which the same process makes unbiased; each side
    /// has `n_eff − 1` degrees of freedom, joined after Satterthwaite (1946, Biometrics Bulletin 2:110–114).
    ///
    /// `None` with fewer than 5 values on a present level, or where a number is not finite.
    pub fn family(pairs: &[[Levels<'_>; 2]]) -> Vec<Option<Self>> {
        let alike: Vec<Option<Likeness>> = pairs.iter().map(Likeness::around).collect();
        let phis = pooled::phis(&alike);
        pairs.iter().zip(phis).map(|(pair, phi)| Self::with_phi(pair, phi)).collect()
    }

    fn with_phi(pair: &[Levels<'_>; 2], phi: f64) -> Option<Self> {
        let [a, b] = pair.each_ref().map(Levels::present);
        if a.len() < FEWEST || b.len() < FEWEST {
            return None;
        }
        let sides = [Residuals::of(a)?, Residuals::of(b)?];
        let variance = sides.map(|side| {
            let of_mean = variance_of_mean(side.n, phi);
            side.squares / (side.n as f64 * (1.0 - of_mean).max(f64::MIN_POSITIVE))
        });
        let shift = sides[1].mean - sides[0].mean;
        Self { shift, standard_error: 0.0, df: 1.0, phi, n_eff: [0.0; 2], variance }
            .with_sizes(a.len(), b.len())
            .filter(|found| found.shift.is_finite())
    }

    /// The same shift as it would be seen with so many values of A and of B. `None` where that is no number.
    pub fn with_sizes(&self, a: usize, b: usize) -> Option<Self> {
        let n_eff = [a, b].map(|n| 1.0 / variance_of_mean(n, self.phi));
        let parts = [self.variance[0] / n_eff[0], self.variance[1] / n_eff[1]];
        let square = parts[0] + parts[1];
        let df = if square > 0.0 {
            let each = |at: usize| parts[at] * parts[at] / (n_eff[at] - 1.0).max(f64::MIN_POSITIVE);
            (square * square / (each(0) + each(1))).max(1.0)
        } else {
            (n_eff[0] + n_eff[1] - 2.0).max(1.0)
        };
        let found = Self { standard_error: square.sqrt(), df, n_eff, ..*self };
        (found.standard_error.is_finite() && found.df.is_finite()).then_some(found)
    }

    /// The probability of a shift as far above `least` as this one if the true shift is `least`.
    pub fn p_above(&self, least: f64) -> f64 {
        self.tail(self.shift - least)
    }

    /// The probability of a shift as far below `most` as this one if the true shift is `most`.
    pub fn p_below(&self, most: f64) -> f64 {
        self.tail(most - self.shift)
    }

    fn tail(&self, distance: f64) -> f64 {
        if self.standard_error > 0.0 {
            return student_t_tail(distance / self.standard_error, self.df).unwrap_or(1.0);
        }
        // Nothing varies: what is seen is so.
        if distance > 0.0 { 0.0 } else { 1.0 }
    }

    /// The shifts that a one-sided test at level `alpha` on either side would not reject: an interval of
    /// confidence 1 − 2·alpha.
    pub fn interval(&self, alpha: f64) -> Option<(f64, f64)> {
        let half = student_t_quantile(1.0 - alpha, self.df)? * self.standard_error;
        Some((self.shift - half, self.shift + half))
    }

    /// How far beyond a margin the true shift must lie so that a one-sided test at level `alpha` finds it with
    /// probability `power`: (t(1 − alpha) + t(power))·standard error, the usual approximation to the non-central
    /// t (e.g. Chow, Shao & Wang 2008, Sample Size Calculations in Clinical Research, 3.2).
    pub fn detectable(&self, alpha: f64, power: f64) -> Option<f64> {
        let t = |p: f64| student_t_quantile(p, self.df);
        Some((t(1.0 - alpha)? + t(power)?) * self.standard_error)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ar1::standard_error;
    use super::super::summary::mean;
    use super::*;

    /// One series, on one level.
    fn one(a: &[f64], b: &[f64]) -> Option<MeanShift> {
        MeanShift::family(&[[Levels::cut(a, []), Levels::cut(b, [])]]).remove(0)
    }

    #[track_caller]
    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    /// With φ = 0 this is Welch's test: the parts are taken at φ = 0, whatever the values say.
    fn welch(a: &[f64], b: &[f64]) -> MeanShift {
        let variance = [a, b].map(|side| {
            let residuals = Residuals::of(side).expect("finite values");
            residuals.squares / (side.len() - 1) as f64
        });
        let shift = mean(b).expect("values") - mean(a).expect("values");
        MeanShift { shift, standard_error: 0.0, df: 1.0, phi: 0.0, n_eff: [0.0; 2], variance }
            .with_sizes(a.len(), b.len())
            .expect("finite")
    }

    #[test]
    fn independent_values_get_welchs_test_as_scipy_computes_it() {
        // SciPy 1.17.1, `ttest_ind(b, a, equal_var=False)`: t, df, two-sided p, 95 % interval. The first data are
        // the permeabilities in Hollander & Wolfe 1973, Nonparametric Statistical Methods, table 4.1.
        let permeability = (
            [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46].as_slice(),
            [1.15, 0.88, 0.90, 0.74, 1.21].as_slice(),
        );
        let ties =
            ([1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0].as_slice(), [2.0, 3.0, 3.0, 5.0, 6.0, 7.0].as_slice());
        let small = ([19.0, 22.0, 16.0, 29.0, 24.0].as_slice(), [20.0, 11.0, 17.0, 12.0].as_slice());
        for ((a, b), t, df, p, low, high) in [
            (
                permeability,
                -2.041_383_092_210_069_5,
                12.970_538_443_257_544,
                0.062_101_343_781_078_47,
                -0.693_724_996_335_103_9,
                0.019_724_996_335_103_94,
            ),
            (
                ties,
                1.191_557_458_810_326_8,
                9.588_160_828_677_866,
                0.262_093_592_538_761_85,
                -1.048_669_981_655_285,
                3.429_622_362_660_765_4,
            ),
            (
                small,
                -2.283_148_255_687_047_7,
                6.928_837_482_846_501,
                0.056_750_925_921_875_74,
                -14.264_922_189_189_09,
                0.264_922_189_189_088_7,
            ),
        ] {
            let found = welch(a, b);
            close(found.shift / found.standard_error, t, 1e-12);
            close(found.df, df, 1e-10);
            let one_sided = if t > 0.0 { found.p_above(0.0) } else { found.p_below(0.0) };
            close(2.0 * one_sided, p, 1e-10);
            let (lower, upper) = found.interval(0.025).expect("an interval");
            close(lower, low, 1e-8);
            close(upper, high, 1e-8);
        }
    }

    #[test]
    fn resembling_neighbours_are_worth_less_and_the_formulas_are_those_of_the_text() {
        // Two blocks: deviations ±1 in runs of four. Σe² = 8, Σee' = 4·... by hand: 3 + 3 pairs of +1, one of −1.
        let a = [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0];
        let b = a.map(|value| value + 5.0);
        let found = one(&a, &b).expect("eight values each");
        let r1 = 5.0 / 8.0;
        let phi = (16.0_f64 * r1 + 2.0) / 8.0;
        // (10 + 2)/8 is above 1, and the largest that counts is 0.99.
        assert!(phi > 0.99);
        assert_eq!(found.phi, 0.99);
        let c = [1.0, 3.0, 1.0, 1.0, 3.0, 1.0, 3.0, 3.0];
        let d = c.map(|value| value - 2.0);
        // Signs − + − − + − + +: neighbours −1 −1 +1 −1 −1 −1 +1, in sum −3.
        let found = one(&c, &d).expect("eight values each");
        // (−6 + 2)/8 is below 0, and counts as 0.
        close(found.phi, 0.1 * (1.0_f64 / 16.0).sqrt(), 1e-15);
        let of_mean = variance_of_mean(8, 0.025);
        close(found.n_eff[0], 1.0 / of_mean, 1e-12);
        let square = 2.0 * 8.0 / (8.0 * (1.0 - of_mean)) * of_mean;
        close(found.standard_error, square.sqrt(), 1e-12);
        // Equal parts: the degrees of freedom add up.
        close(found.df, 2.0 * (1.0 / of_mean - 1.0), 1e-9);
        assert_eq!(found.shift, -2.0);
    }

    #[test]
    fn what_does_not_vary_is_sure_and_a_side_that_does_not_vary_says_nothing_about_neighbours() {
        let still = one(&[0.1; 6], &[0.3; 7]).expect("enough values");
        assert_eq!((still.standard_error, still.phi), (0.0, 0.0));
        assert_eq!((still.p_above(0.0), still.p_above(0.3), still.p_below(0.0)), (0.0, 1.0, 1.0));
        let half = one(&[1.0; 8], &[1.0, 3.0, 1.0, 1.0, 3.0, 1.0, 3.0, 3.0]).expect("values");
        assert!(half.phi > 0.0 && half.standard_error > 0.0);
        assert_eq!(one(&[1.0; 4], &[1.0; 50]), None);
        assert_eq!(one(&[1.0; 50], &[f64::MAX, f64::MIN, 1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn an_old_change_of_level_is_neither_in_the_mean_nor_in_the_memory() {
        // Eight around 2, then eight around 7, of which only the latter are compared.
        let a = [1.0, 3.0, 1.0, 1.0, 3.0, 1.0, 3.0, 3.0];
        let b: Vec<f64> = a.iter().copied().chain(a.map(|value| value + 5.0)).collect();
        let cut = [Levels::cut(&a, []), Levels::cut(&b, [8])];
        let found = MeanShift::family(std::slice::from_ref(&cut)).remove(0).expect("eight values each");
        assert_eq!(found.shift, 5.0);
        // Three levels of eight with r1 = −3/8: (−9 + 3)/12 is below 0, and is raised by a tenth of the standard error of 24.
        close(found.phi, 0.1 * standard_error(0.0, 24), 1e-15);
        let uncut = one(&a, &b).expect("enough values");
        assert!(uncut.shift == 2.5 && uncut.phi > 0.6, "{uncut:?}");
        // A present level of four is none to be compared.
        let short = [Levels::cut(&a, []), Levels::cut(&b, [12])];
        assert_eq!(MeanShift::family(&[short]), [None]);
    }

    #[test]
    fn more_values_make_a_shift_surer_and_a_smaller_one_detectable() {
        let a = [1.0, 3.0, 1.0, 1.0, 3.0, 1.0, 3.0, 3.0];
        let found = one(&a, &a.map(|value| value + 1.0)).expect("eight values each");
        let more = found.with_sizes(8, 16).expect("finite");
        assert!(more.standard_error < found.standard_error);
        // A alone keeps the error above what its own mean has.
        let endless = found.with_sizes(8, 1_000_000).expect("finite");
        close(endless.standard_error, (found.variance[0] / found.n_eff[0]).sqrt(), 1e-3);
        let (eighty, ninety) = (found.detectable(0.05, 0.8), found.detectable(0.05, 0.9));
        assert!(ninety > eighty && eighty > Some(0.0));
    }
}
