//! First-order autoregression: how much neighbours resemble each other, and what that does to the variance of
//! a mean, of the difference of two means, and of any weighted sum.
//!
//! Variances are in units of the variance of one value. Must not decide anything.

use super::summary::Sum;
use super::summary::mean;

/// Largest autocorrelation taken into account; at 1 no value would say anything.
pub const LARGEST_PHI: f64 = 0.99;

/// Lag-1 autocorrelation of residuals, Σ eᵢeᵢ₊₁ ÷ Σ eᵢ² (Box & Jenkins 1976, Time Series Analysis, section
/// 2.1.5, with the mean already taken out). `None` when all are 0 or the sums are no finite numbers.
pub fn lag1_of_residuals(residuals: &[f64]) -> Option<f64> {
    let spread = Sum::of(residuals.iter().map(|e| e * e)).total();
    let shared = Sum::of(residuals.windows(2).map(|pair| pair[0] * pair[1])).total();
    let r1 = shared / spread;
    (spread > 0.0 && r1.is_finite()).then_some(r1)
}

/// Partial autocorrelations of residuals at lags 1 to `lags` (Durbin 1960, Rev. Int. Stat. Inst. 28:233–244). Empty where
/// all residuals are 0 or a sum is no finite number.
pub fn partial(residuals: &[f64], lags: usize) -> Vec<f64> {
    let spread = Sum::of(residuals.iter().map(|e| e * e)).total();
    let at = |lag: usize| {
        Sum::of(residuals.iter().zip(&residuals[lag..]).map(|(e, later)| e * later)).total() / spread
    };
    let r: Vec<f64> = (0..=lags.min(residuals.len().saturating_sub(1))).map(at).collect();
    if !(spread > 0.0 && r.iter().all(|r| r.is_finite())) {
        return Vec::new();
    }
    let (mut weights, mut rest, mut all) = (Vec::<f64>::new(), 1.0, Vec::new());
    for lag in 1..r.len() {
        let known: f64 = weights.iter().zip(r[1..lag].iter().rev()).map(|(weight, r)| weight * r).sum();
        let partial = (r[lag] - known) / rest;
        let former = weights.clone();
        weights.iter_mut().zip(former.iter().rev()).for_each(|(weight, other)| *weight -= partial * other);
        weights.push(partial);
        rest *= 1.0 - partial * partial;
        all.push(partial);
    }
    all
}

/// φ from the lag-1 autocorrelation of n values around their mean, without the downward bias of short series:
/// (n·r1 + 1)/(n − 4) (Marriott & Pope 1954, Biometrika 41:390–402; Kendall 1954, Biometrika 41:403–404).
///
/// Between 0 and 0.99: an alternation seen in a short window is no reason to trust a statistic more than
/// independent values would allow. `None` with fewer than 5 values.
pub fn phi_around_mean(r1: f64, n: usize) -> Option<f64> {
    unbiased(r1, n, 1.0, 4.0)
}

/// The same for residuals around a straight line: (n·r1 + 2)/(n − 5). Taking a line out costs about
/// (2 + 4φ)/n instead of (1 + 3φ)/n (Stine & Shaman 1989, Ann. Stat. 17:1275–1284), and r1 another φ/n.
/// `None` with fewer than 6 values.
pub fn phi_around_line(r1: f64, n: usize) -> Option<f64> {
    unbiased(r1, n, 2.0, 5.0)
}

fn unbiased(r1: f64, n: usize, added: f64, taken: f64) -> Option<f64> {
    let n = n as f64;
    (n > taken && r1.is_finite()).then(|| ((n * r1 + added) / (n - taken)).clamp(0.0, LARGEST_PHI))
}

/// Standard error of φ, √((1 − φ²)/n) (Bartlett 1946, Suppl. J. R. Stat. Soc. 8:27–41).
pub fn standard_error(phi: f64, n: usize) -> f64 {
    ((1.0 - phi * phi) / n as f64).sqrt()
}

/// How many independent values n of a first-order process are worth for a mean of many: n(1 − φ)/(1 + φ)
/// (Bayley & Hammersley 1946, Suppl. J. R. Stat. Soc. 8:184–197).
pub fn effective_n(n: usize, phi: f64) -> f64 {
    n as f64 * (1.0 - phi) / (1.0 + phi)
}

/// Variance of the mean of k neighbours: (1/k)·[(1 + φ)/(1 − φ) − 2φ(1 − φᵏ)/(k(1 − φ)²)] (Bayley &
/// Hammersley 1946, exact for every k).
pub fn variance_of_mean(k: usize, phi: f64) -> f64 {
    let size = k as f64;
    let rest = 1.0 - phi;
    ((1.0 + phi) / rest - 2.0 * phi * (1.0 - libm::pow(phi, size)) / (size * rest * rest)) / size
}

/// Variance of the difference between the means of `before` values and of the `after` values that follow
/// them: both variances less twice the covariance φ(1 − φᵏ)(1 − φˡ)/(kl(1 − φ)²), the sum of φ^|i−j| over
/// all pairs.
pub fn variance_of_difference(before: usize, after: usize, phi: f64) -> f64 {
    let (k, l) = (before as f64, after as f64);
    let rest = 1.0 - phi;
    let powers = (1.0 - libm::pow(phi, k)) * (1.0 - libm::pow(phi, l));
    let shared = phi * powers / (k * l * rest * rest);
    variance_of_mean(before, phi) + variance_of_mean(after, phi) - 2.0 * shared
}

/// Variance of Σ wᵢxᵢ: Σᵢⱼ wᵢwⱼφ^|i−j|, in one pass.
pub fn variance_of_sum(weights: impl IntoIterator<Item = f64>, phi: f64) -> f64 {
    // What earlier weights still weigh: Σ_{i<j} wᵢφ^(j−i).
    let mut echo = 0.0;
    let mut total = 0.0;
    for weight in weights {
        total += weight * (weight + 2.0 * echo);
        echo = phi * (echo + weight);
    }
    total
}

// A series cut where its level changed, and how much its neighbours resemble each other beside that.
//
// Around one mean an old change of level looks like memory: all values before it lie on one side, all after it
// on the other. Around the levels it does not. Must not look for changes; [`super::steps`] does.

/// Levels of fewer values say nothing about neighbours: the bias of their autocorrelation cannot be taken out.
const SHORTEST_LEVEL: usize = 5;

/// A series in pieces, each on a level of its own, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels<'v> {
    pieces: Vec<&'v [f64]>,
}

impl<'v> Levels<'v> {
    /// Cuts before these positions; those that are no inner ones are left out.
    pub fn cut(values: &'v [f64], at: impl IntoIterator<Item = usize>) -> Self {
        let mut inner: Vec<usize> = at.into_iter().filter(|at| *at > 0 && *at < values.len()).collect();
        inner.sort_unstable();
        inner.dedup();
        let starts = std::iter::once(0).chain(inner.iter().copied());
        let ends = inner.iter().copied().chain(std::iter::once(values.len()));
        Self { pieces: starts.zip(ends).map(|(start, end)| &values[start..end]).collect() }
    }

    /// The pieces, in the order of time; one at least.
    pub fn pieces(&self) -> &[&'v [f64]] {
        &self.pieces
    }

    /// The values since the last change; all of them where there is none.
    pub fn present(&self) -> &'v [f64] {
        self.pieces.last().copied().unwrap_or_default()
    }
}

/// What is left of a piece when its mean is taken out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Residuals {
    /// Values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Σ e².
    pub squares: f64,
    /// Σ eᵢeᵢ₊₁.
    pub shared: f64,
}

impl Residuals {
    /// `None` without values, or where a sum is no finite number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        if values.iter().all(|value| *value == values[0]) {
            // The rounding of the mean must not look like spread.
            return Some(Self { n: values.len(), mean: values[0], squares: 0.0, shared: 0.0 });
        }
        let squares = Sum::of(values.iter().map(|value| (value - mean) * (value - mean))).total();
        let shared = Sum::of(values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean))).total();
        (squares.is_finite() && shared.is_finite()).then_some(Self { n: values.len(), mean, squares, shared })
    }
}

/// What pieces say about the autocorrelation of neighbours, all of them taken to have the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// φ, between −0.99 and 0.99; not raised to 0 where neighbours alternate.
    pub phi: f64,
    /// From how many values it was estimated.
    pub n: usize,
}

impl Likeness {
    /// φ around levels: (n·r₁ + m)/(n − 4m), for n values on m levels, r₁ being the mean of the lag-1
    /// autocorrelations around each, weighted by length. The mean of k values that is taken out biases their r₁ by
    /// −(1 + 4φ)/k (Marriott & Pope 1954, Biometrika 41:390–402; Kendall 1954, Biometrika 41:403–404), so that
    /// n·r₁ is on average n·φ − m·(1 + 4φ); with one level it is [`super::autocorrelation::phi_around_mean`].
    ///
    /// Where a level ends is taken as known. Of a change that is told from chance it nearly is; of any other it is
    /// not to be asked. Levels without spread, and of fewer than 5 values, say nothing. `None` when none says
    /// anything.
    pub fn around<'v>(series: impl IntoIterator<Item = &'v Levels<'v>>) -> Option<Self> {
        let pieces = series.into_iter().flat_map(|levels| &levels.pieces);
        let told =
            pieces.filter(|piece| piece.len() >= SHORTEST_LEVEL).filter_map(|piece| Residuals::of(piece));
        let (mut weighted, mut n, mut levels) = (0.0, 0, 0.0);
        for residuals in told.filter(|residuals| residuals.squares > 0.0) {
            weighted += residuals.n as f64 * residuals.shared / residuals.squares;
            n += residuals.n;
            levels += 1.0;
        }
        let phi = (weighted + levels) / (n as f64 - 4.0 * levels);
        (n > 0 && phi.is_finite()).then(|| Self { phi: phi.clamp(-LARGEST_PHI, LARGEST_PHI), n })
    }
}

// How much neighbours resemble each other in several series of the same run: each by itself and all together.
//
// A short series hardly knows its own autocorrelation, and the series of one run have much in common. Must not
// decide which series belong together.

/// φ is raised by so many standard errors: an estimate that is too low makes false alarms, one that is too high
/// costs little power. Chosen with the table of error rates.
const POOLED_CAUTION: f64 = 0.1;

/// How many times the scatter that chance alone explains is taken off the scatter seen before series count as
/// different. That of four series is seen with three degrees of freedom, and often too large by chance. Chosen with
/// the table of error rates.
const DISCOUNT: f64 = 1.5;

/// φ of each series, between 0 and 0.99: its own estimate, pulled towards the mean of all by as much as their
/// scatter is what chance explains, and raised by a tenth of a standard error of the result.
///
/// Shrinkage by the estimated share of true differences, 1 − 1.5·(1 − φ̄²)/S (the positive part), where S is the
/// mean square Σ n(φ − φ̄)² ÷ (k − 1) and (1 − φ̄²) what it is by chance alone ([`standard_error`]): the empirical
/// Bayes rule (Efron & Morris 1975, J. Am. Stat. Assoc. 70:311–319). With one series it is that series' own.
///
/// 0 where a series says nothing.
pub fn pooled_phis(series: &[Option<Likeness>]) -> Vec<f64> {
    let told: Vec<Likeness> = series.iter().copied().flatten().collect();
    let all: usize = told.iter().map(|one| one.n).sum();
    let size = |one: &Likeness| one.n as f64;
    let mean = told.iter().map(|one| size(one) * one.phi).sum::<f64>() / all as f64;
    let by_chance = 1.0 - mean.max(0.0) * mean.max(0.0);
    let squares: f64 = told.iter().map(|one| size(one) * (one.phi - mean) * (one.phi - mean)).sum();
    let seen = squares / (told.len() as f64 - 1.0);
    let own = if seen > 0.0 { (1.0 - DISCOUNT * by_chance / seen).max(0.0) } else { 0.0 };
    let of = |one: &Likeness| {
        let phi = (mean + own * (one.phi - mean)).clamp(0.0, LARGEST_PHI);
        // What is taken from all is as sure as all of them, what is its own as sure as itself.
        let shared = (1.0 - own) * size(one) / all as f64;
        (phi + POOLED_CAUTION * standard_error(mean.max(0.0), one.n) * (own + shared).sqrt()).min(LARGEST_PHI)
    };
    series.iter().map(|one| one.as_ref().map_or(0.0, of)).collect()
}

#[cfg(test)]
mod tests {
    mod ar1 {
        use super::super::super::reference::{LAKE_HURON, NILE, REAL_INTEREST};
        use super::super::*;

        #[track_caller]
        fn close(actual: f64, expected: f64, tolerance: f64) {
            assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
        }

        /// Σᵢⱼ wᵢwⱼφ^|i−j|, pair by pair.
        fn by_hand(weights: &[f64], phi: f64) -> f64 {
            let power = |lag: usize| (0..lag).fold(1.0, |power, _| power * phi);
            let pairs = weights
                .iter()
                .enumerate()
                .flat_map(|(i, a)| weights.iter().enumerate().map(move |(j, b)| (a * b, i.abs_diff(j))));
            pairs.map(|(product, lag)| product * power(lag)).sum()
        }

        #[test]
        fn the_variances_are_the_sums_over_all_pairs() {
            for phi in [0.0, 0.3, 0.8, 0.95] {
                let weights = [0.3, -1.0, 2.5, 0.0, 4.0, -0.7];
                close(variance_of_sum(weights, phi), by_hand(&weights, phi), 1e-12);
                for k in [1, 2, 7, 20] {
                    let mean = vec![1.0 / k as f64; k];
                    close(variance_of_mean(k, phi), by_hand(&mean, phi), 1e-12);
                    let difference: Vec<f64> =
                        std::iter::repeat_n(-1.0 / k as f64, k).chain(std::iter::repeat_n(0.2, 5)).collect();
                    close(variance_of_difference(k, 5, phi), by_hand(&difference, phi), 1e-12);
                }
            }
        }

        #[test]
        fn without_autocorrelation_the_textbook_variances_are_left() {
            close(variance_of_mean(8, 0.0), 0.125, 1e-15);
            close(variance_of_difference(8, 4, 0.0), 0.375, 1e-15);
            close(effective_n(24, 0.0), 24.0, 0.0);
            // (1 − 0.5)/(1 + 0.5) = 1/3.
            close(effective_n(24, 0.5), 8.0, 1e-14);
        }

        #[test]
        fn residual_autocorrelations_agree_with_statsmodels() {
            // statsmodels 0.15.0, `acf(x, adjusted=False, nlags=1)[1]`, after taking the mean out: the yearly
            // flow of the Nile (mean 919.35), its first 20 years, and the sunspot numbers of 1700-1709.
            for (values, expected) in [
                (&NILE[..], 0.498_408_184_133_028_9),
                (&NILE[..20], -0.020_946_812_462_176_827),
                (&[5.0, 11.0, 16.0, 23.0, 36.0, 58.0, 29.0, 20.0, 10.0, 8.0][..], 0.517_353_244_078_269_9),
            ] {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let residuals: Vec<f64> = values.iter().map(|value| value - mean).collect();
                close(lag1_of_residuals(&residuals).expect("values differ"), expected, 1e-12);
            }
            assert_eq!(lag1_of_residuals(&[0.0; 5]), None);
            assert_eq!(lag1_of_residuals(&[]), None);
        }

        #[test]
        fn partial_autocorrelations_are_those_of_yule_and_walker() {
            // SciPy 1.17.1, `linalg.solve_toeplitz(r[:k], r[1:k+1])[-1]` for k from 1 to 4, of the autocorrelations around
            // the mean.
            let expected: [(&[f64], [f64; 4]); 3] = [
                (
                    &NILE,
                    [
                        0.498_408_184_133_029,
                        0.181_171_005_437_572,
                        0.110_896_993_116_490,
                        0.006_175_636_079_216,
                    ],
                ),
                (
                    &LAKE_HURON,
                    [
                        0.831_911_210_352_453,
                        -0.266_751_627_627_130,
                        0.130_754_133_537_935,
                        0.034_057_046_435_616,
                    ],
                ),
                (
                    &REAL_INTEREST,
                    [
                        0.623_596_017_179_026,
                        0.296_673_912_110_980,
                        0.338_198_011_075_283,
                        0.145_540_430_901_142,
                    ],
                ),
            ];
            for (values, expected) in expected {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let residuals: Vec<f64> = values.iter().map(|value| value - mean).collect();
                let found = partial(&residuals, 4);
                assert_eq!(found.len(), 4);
                found.into_iter().zip(expected).for_each(|(found, expected)| close(found, expected, 1e-12));
            }
            assert_eq!(partial(&[0.0; 9], 3), [0.0; 0]);
            assert_eq!(partial(&[1.0, -1.0, 1.0], 9).len(), 2);
            assert_eq!(partial(&[], 3), [0.0; 0]);
        }

        #[test]
        fn the_bias_of_short_series_is_taken_out_and_alternation_counts_as_nothing() {
            // (12/12 + 1)/8 and (12/12 + 2)/7.
            close(phi_around_mean(1.0 / 12.0, 12).expect("12 values"), 0.25, 1e-15);
            close(phi_around_line(1.0 / 12.0, 12).expect("12 values"), 3.0 / 7.0, 1e-15);
            assert_eq!(phi_around_mean(-0.9, 12), Some(0.0));
            assert_eq!(phi_around_mean(0.98, 12), Some(LARGEST_PHI));
            assert_eq!(phi_around_mean(0.5, 4), None);
            assert_eq!(phi_around_line(0.5, 5), None);
            assert_eq!(phi_around_mean(f64::NAN, 12), None);
            close(standard_error(0.6, 64), 0.1, 1e-15);
        }
    }
    mod levels {
        use super::super::super::autocorrelation::phi_around_mean;
        use super::super::super::intervals::lag1_autocorrelation;
        use super::super::super::reference::NILE;
        use super::super::*;

        #[track_caller]
        fn close(actual: f64, expected: f64, tolerance: f64) {
            assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
        }

        #[test]
        fn a_series_is_cut_at_inner_places_alone() {
            let values = [1.0, 2.0, 3.0, 4.0];
            let lengths = |at: &[usize]| {
                let levels = Levels::cut(&values, at.iter().copied());
                levels.pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>()
            };
            assert_eq!(lengths(&[]), [4]);
            assert_eq!(lengths(&[3, 1, 3]), [1, 2, 1]);
            assert_eq!(lengths(&[0, 4, 9]), [4]);
            assert_eq!(Levels::cut(&values, [3]).present(), [4.0]);
            assert_eq!(Levels::cut(&values, []).present(), values);
            assert!(Levels::cut(&[], [3]).present().is_empty());
        }

        #[test]
        fn one_level_is_the_mean_and_the_nile_remembers_little_beside_its_dam() {
            let whole = Likeness::around([&Levels::cut(&NILE, [])]).expect("values differ");
            // statsmodels 0.15.0, `acf(x, adjusted=False, nlags=1)[1]` = 0.498408.
            close(whole.phi, (100.0 * 0.498_408_184_133_028_9 + 1.0) / 96.0, 1e-12);
            close(
                whole.phi,
                phi_around_mean(lag1_autocorrelation(&NILE).expect("a spread"), 100).expect("n"),
                1e-12,
            );
            assert_eq!(whole.n, 100);
            // statsmodels 0.15.0, the same of the 28 years before the dam of Aswan and of the 72 after it.
            let cut = Likeness::around([&Levels::cut(&NILE, [28])]).expect("values differ");
            let (before, after) = (0.119_836_433_391_305_4, 0.177_824_626_354_612_4);
            close(cut.phi, (28.0 * before + 72.0 * after + 2.0) / 92.0, 1e-12);
            assert!(cut.phi < 0.2, "{cut:?}");
        }

        #[test]
        fn two_levels_are_computed_as_by_hand_and_short_or_still_ones_say_nothing() {
            // 1 1 3 3 1: mean 9/5; 5 values. Deviations −4/5 −4/5 6/5 6/5 −4/5: Σe² = 24/5, Σee' = (16 − 24 + 36 − 24)/25.
            let values = [1.0, 1.0, 3.0, 3.0, 1.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 2.0, 9.0];
            let r1 = (4.0 / 25.0) / (24.0 / 5.0);
            let found = Likeness::around([&Levels::cut(&values, [5, 11])]).expect("one level says something");
            close(found.phi, 0.99_f64.min(5.0 * r1 + 1.0), 1e-12);
            assert_eq!(found.n, 5);
            assert_eq!(Likeness::around([&Levels::cut(&values[5..], [6])]), None);
            assert_eq!(Likeness::around([]), None);
            assert_eq!(Likeness::around([&Levels::cut(&[], [])]), None);
            // Twice the same says the same, with twice as many values to it.
            let one = Levels::cut(&NILE[..28], []);
            let two = Likeness::around([&one, &one]).expect("values differ");
            let single = Likeness::around([&one]).expect("values differ");
            close(two.phi, single.phi, 1e-12);
            assert_eq!(two.n, 2 * single.n);
        }
    }
    mod pooled {
        use super::super::*;

        fn of(told: &[(f64, usize)]) -> Vec<f64> {
            pooled_phis(&told.iter().map(|(phi, n)| Some(Likeness { phi: *phi, n: *n })).collect::<Vec<_>>())
        }

        #[track_caller]
        fn close(actual: f64, expected: f64) {
            assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
        }

        #[test]
        fn series_that_look_alike_share_one_estimate_that_is_surer_than_each() {
            // Mean 0.3; Σ n(φ − φ̄)² = 100·(0.01 + 0 + 0 + 0.01) = 2 over 3 is less than 1.5·0.91.
            let found = of(&[(0.2, 100), (0.3, 100), (0.3, 100), (0.4, 100)]);
            let error = (0.91_f64 / 400.0).sqrt();
            for phi in found {
                close(phi, 0.3 + 0.1 * error);
            }
            // Sizes weigh: (0.2·30 + 0.4·10)/40 = 0.25; Σ n(φ − φ̄)² = 0.3 is less than 1.5·0.9375.
            close(of(&[(0.2, 30), (0.4, 10)])[1], 0.25 + 0.1 * (0.9375_f64 / 40.0).sqrt());
        }

        #[test]
        fn series_that_differ_keep_most_of_what_is_their_own() {
            // Mean 0.2; S = 100·(0.36 + 3·0.04)/3 = 16; own = 1 − 1.5·0.96/16 = 0.91.
            let found = of(&[(0.8, 100), (0.0, 100), (0.0, 100), (0.0, 100)]);
            let error = (0.96_f64 / 100.0 * (0.91 + 0.09 / 4.0)).sqrt();
            close(found[0], 0.2 + 0.91 * 0.6 + 0.1 * error);
            close(found[1], 0.2 - 0.91 * 0.2 + 0.1 * error);
        }

        #[test]
        fn one_series_is_its_own_estimate_and_none_is_none() {
            close(of(&[(0.6, 64)])[0], 0.6 + 0.1 * 0.1);
            close(of(&[(-0.9, 25)])[0], 0.1 * 0.2);
            assert_eq!(of(&[(0.99, 10)]), [0.99]);
            assert_eq!(pooled_phis(&[None, None]), [0.0, 0.0]);
            assert_eq!(pooled_phis(&[]), [0.0; 0]);
            let some = pooled_phis(&[None, Some(Likeness { phi: 0.6, n: 64 })]);
            assert_eq!(some[0], 0.0);
            close(some[1], 0.61);
        }
    }
}
