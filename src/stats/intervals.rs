//! Confidence intervals for a mean and a median that respect autocorrelation.
//!
//! Neighbouring iterations resemble each other, so n of them say less than n independent values would; the
//! interval is as wide as that many independent ones deserve. Must not be read as a limit.

use super::autocorrelation::{self, LARGEST_PHI};
use super::autocorrelation::{Levels, Likeness, Residuals};
use super::distributions::student_t_quantile;
use super::long_run::memory::mean_variance;
use super::summary::Summary;
use serde::Serialize;

/// Fewest values for an interval.
pub const FEWEST: usize = 6;

/// Fewest values from which the autocorrelation is estimated. With 8 values and φ = 0.8 an interval that has
/// to find out φ from them holds the mean in two thirds of the cases instead of 95 %.
pub const FEWEST_FOR_PHI: usize = 16;

/// Fewest values from which memory of more than the first order is estimated.
const FEWEST_FOR_MODELS: usize = 48;

/// By so many standard errors φ is raised when it comes from the values of the interval themselves.
const CAUTION: f64 = 0.75;

/// √(π/2): how much less sure a median is than a mean, for values that are about normal (Laplace; e.g. Kendall
/// & Stuart, The Advanced Theory of Statistics, vol. 1, 10.10). Wider than needed for heavy tails.
const MEDIAN_TO_MEAN: f64 = 1.253_314_137_315_500_3;

/// How much neighbours of a series resemble each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autocorrelation {
    /// Autocorrelation of neighbours, between 0 and 0.99.
    pub phi: f64,
    /// From how many values it was estimated.
    pub n: usize,
}

impl Autocorrelation {
    /// The autocorrelation of values in the order of time (see [`autocorrelation::phi_around_mean`]). Values with a gap
    /// between them count as neighbours. Equal values have none to be seen, which counts as 0.
    ///
    /// `None` with fewer than 16 values.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < FEWEST_FOR_PHI {
            return None;
        }
        let r1 = lag1_autocorrelation(values).unwrap_or(0.0);
        Some(Self { phi: autocorrelation::phi_around_mean(r1, values.len())?, n: values.len() })
    }

    /// The autocorrelation for an interval over all of these values: that of the first-order process whose mean is as
    /// uncertain as that of the likeliest autoregression, of a fractional process or by cosines say where one of them says
    /// more. From 48 values on; fewer do not tell these apart.
    pub fn of_whole(values: &[f64]) -> Option<Self> {
        let first = Self::of(values)?;
        let n = values.len();
        if n < FEWEST_FOR_MODELS {
            return Some(first);
        }
        let residuals = Residuals::of(values)?;
        let left: Vec<f64> = values.iter().map(|value| value - residuals.mean).collect();
        let weights = vec![1.0 / n as f64; n];
        let of_mean = mean_variance(&left, &weights).unwrap_or(0.0);
        // Σe² is worth n(1 − v) variances of one value where v is the variance of the mean in that unit.
        let share = of_mean * n as f64 / (residuals.squares + of_mean * n as f64);
        let is_enough = |phi: f64| autocorrelation::variance_of_mean(n, phi) >= share;
        let (mut low, mut high) = (first.phi, LARGEST_PHI);
        if residuals.squares > 0.0 && !is_enough(low) {
            for _ in 0..40 {
                let middle = f64::midpoint(low, high);
                if is_enough(middle) { high = middle } else { low = middle }
            }
            return Some(Self { phi: high, ..first });
        }
        Some(first)
    }

    /// The autocorrelation beside the changes of level of a series, for a piece of its present level: an old change
    /// is no memory of neighbours ([`Likeness::around`]). Without a change it is [`Self::of`].
    ///
    /// `None` with fewer than 16 values.
    pub fn beside(levels: &Levels<'_>) -> Option<Self> {
        if let [values] = levels.pieces() {
            return Self::of(values);
        }
        let n = levels.pieces().iter().map(|piece| piece.len()).sum();
        let alike = Likeness::around([levels]);
        (n >= FEWEST_FOR_PHI).then(|| match alike {
            Some(Likeness { phi, n }) => Self { phi: phi.max(0.0), n },
            None => Self { phi: 0.0, n },
        })
    }
}

/// Where the mean of the process behind the values lies. In the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MeanInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence level, e.g. 0.95.
    pub confidence: f64,
    /// Autocorrelation of neighbours that was used, between 0 and 0.99.
    pub phi: f64,
    /// How many independent values these are worth.
    pub n_eff: f64,
}

/// Where the median of the process behind the values lies. In the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MedianInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence level, e.g. 0.95.
    pub confidence: f64,
}

impl MeanInterval {
    /// The interval around the mean of values in the order of time, which also have to show how much
    /// neighbours resemble each other. `None` with fewer than 16 values, and as [`Self::with_autocorrelation`].
    pub fn of(values: &[f64], confidence: f64) -> Option<Self> {
        Self::with_autocorrelation(values, &Summary::of(values)?, Autocorrelation::of(values)?, confidence)
    }

    /// The interval around the mean of values whose autocorrelation is known from a longer stretch of the
    /// same series: eight values of a run of a hundred can be judged, eight values by themselves cannot.
    ///
    /// The variance of the mean of n neighbours is that of a first-order process (see
    /// [`autocorrelation::variance_of_mean`]), `n_eff` its inverse; the variance of one value is `Σ(x − m)² ÷ n(1 − 1/n_eff)`,
    /// which the same process makes unbiased; t has `n_eff − 1` degrees of freedom. φ is raised by three
    /// quarters of a standard error times n over the number of values that it was estimated from.
    ///
    /// How often intervals hold the mean is in the table of error rates (`deploy/statistics`).
    ///
    /// `None` with fewer than 6 values, when they are worth fewer than 2 independent ones, or when
    /// `confidence` is not between 0 and 1.
    pub fn with_autocorrelation(
        values: &[f64],
        summary: &Summary,
        autocorrelation: Autocorrelation,
        confidence: f64,
    ) -> Option<Self> {
        let n = values.len();
        if n < FEWEST || !(confidence > 0.0 && confidence < 1.0) {
            return None;
        }
        if summary.min == summary.max {
            // Equal values: nothing varies, so there is nothing to correlate and no width.
            let (low, high) = (summary.mean, summary.mean);
            return Some(Self { low, high, confidence, phi: 0.0, n_eff: n as f64 });
        }
        let caution = CAUTION * (n as f64 / autocorrelation.n.max(1) as f64).min(1.0);
        let phi = (autocorrelation.phi
            + caution * autocorrelation::standard_error(autocorrelation.phi, autocorrelation.n.max(1)))
        .min(LARGEST_PHI);
        let of_mean = autocorrelation::variance_of_mean(n, phi);
        let n_eff = 1.0 / of_mean;
        let t = student_t_quantile(0.5 + 0.5 * confidence, n_eff - 1.0)?;
        let squares = summary.stdev * summary.stdev * (n - 1) as f64;
        let half = t * (squares / (n as f64 * (1.0 - of_mean)) * of_mean).sqrt();
        half.is_finite().then_some(Self {
            low: summary.mean - half,
            high: summary.mean + half,
            confidence,
            phi,
            n_eff,
        })
    }

    /// The interval around the median of the same values: √(π/2) times as wide.
    pub fn of_median(&self, median: f64) -> MedianInterval {
        let half = MEDIAN_TO_MEAN * 0.5 * (self.high - self.low);
        MedianInterval { low: median - half, high: median + half, confidence: self.confidence }
    }
}

/// Lag-1 autocorrelation: Σ (xᵢ − m)(xᵢ₊₁ − m) ÷ Σ (xᵢ − m)². `None` when all values are equal.
pub fn lag1_autocorrelation(values: &[f64]) -> Option<f64> {
    let residuals = Residuals::of(values).filter(|residuals| residuals.squares > 0.0)?;
    Some(residuals.shared / residuals.squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn certified_autocorrelations_of_the_nist_reference_data_are_met() {
        // NIST StRD univariate: NumAcc1 −0.5, NumAcc2 −0.999.
        let one = [10_000_001.0, 10_000_003.0, 10_000_002.0];
        assert_eq!(lag1_autocorrelation(&one), Some(-0.5));
        let two: Vec<f64> = std::iter::once(1.2).chain([1.1, 1.3].into_iter().cycle().take(1000)).collect();
        close(lag1_autocorrelation(&two).expect("values differ"), -0.999, 1e-12);
    }

    #[test]
    fn independent_looking_values_get_the_textbook_interval() {
        // Alternating 1 and 3: r1 < 0, so φ = 0; three quarters of its standard error are 0.75·√(1/16) = 3/16.
        let values: Vec<f64> = [1.0, 3.0].into_iter().cycle().take(16).collect();
        let autocorrelation = Autocorrelation::of(&values).expect("16 values");
        assert_eq!(autocorrelation, Autocorrelation { phi: 0.0, n: 16 });
        let interval = MeanInterval::of(&values, 0.95).expect("16 values");
        close(interval.phi, 0.1875, 1e-15);
        // From an endless series: nothing is added; t(0.975, 15) = 2.13145 (published table: 2.131).
        let sure = Autocorrelation { phi: 0.0, n: usize::MAX };
        let summary = Summary::of(&values).expect("values");
        let interval = MeanInterval::with_autocorrelation(&values, &summary, sure, 0.95).expect("16 values");
        close(interval.n_eff, 16.0, 1e-6);
        let half = 2.131_449_5 * (1.0_f64 / 15.0).sqrt();
        close(interval.low, 2.0 - half, 1e-6);
        close(interval.high, 2.0 + half, 1e-6);
    }

    #[test]
    fn resembling_neighbours_widen_the_interval_as_a_first_order_process_says() {
        // Six values with φ = 0.5: Σφ^|i−j| = 6 + 2(5/2 + 4/4 + 3/8 + 2/16 + 1/32) = 14.0625, over 36.
        let values = [1.0, 2.0, 3.0, 4.0, 2.0, 3.0];
        let summary = Summary::of(&values).expect("values");
        let autocorrelation = Autocorrelation { phi: 0.5, n: usize::MAX };
        let interval =
            MeanInterval::with_autocorrelation(&values, &summary, autocorrelation, 0.95).expect("6 values");
        let of_mean = 14.0625 / 36.0;
        close(interval.n_eff, 1.0 / of_mean, 1e-6);
        // Σ(x − 2.5)² = 5.5; SciPy 1.17.1, `t.ppf(0.975, 36/14.0625 - 1)`.
        let half = 5.703_027_520_885_93 * (5.5 / (6.0 * (1.0 - of_mean)) * of_mean).sqrt();
        close(interval.high - 2.5, half, 1e-5);
        close(2.5 - interval.low, half, 1e-5);
        let median = interval.of_median(summary.median);
        close(median.high - median.low, 2.0 * half * (std::f64::consts::PI / 2.0).sqrt(), 1e-5);
        close(median.low + median.high, 5.0, 1e-12);
        // Worth 1.9 independent ones: nothing can be said.
        let stiff = Autocorrelation { phi: 0.7, n: usize::MAX };
        assert!(1.0 / autocorrelation::variance_of_mean(6, 0.7) < 2.0);
        assert_eq!(MeanInterval::with_autocorrelation(&values, &summary, stiff, 0.95), None);
    }

    #[test]
    fn an_old_change_of_level_is_no_memory_and_leaves_the_last_values_as_sure_as_they_are() {
        // 40 around 3, then 40 around 8, one as noisy as the other.
        let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
        let values: Vec<f64> = (0..80).map(|at| if at < 40 { 3.0 } else { 8.0 } + wave(at)).collect();
        let around_mean = Autocorrelation::of(&values).expect("80 values");
        let beside = Autocorrelation::beside(&Levels::cut(&values, [40])).expect("80 values");
        assert!(around_mean.phi > 0.95 && beside.phi < 0.1, "{around_mean:?} {beside:?}");
        assert_eq!(beside.n, 80);
        let last = &values[72..];
        let summary = Summary::of(last).expect("eight values");
        assert_eq!(MeanInterval::with_autocorrelation(last, &summary, around_mean, 0.95), None);
        let interval =
            MeanInterval::with_autocorrelation(last, &summary, beside, 0.95).expect("it can be told");
        assert!(interval.high - interval.low < 0.5, "{interval:?}");
        // Without a change it is what it was, and levels without spread have no memory to be seen.
        assert_eq!(
            Autocorrelation::beside(&Levels::cut(&values[40..], [])),
            Autocorrelation::of(&values[40..])
        );
        let still: Vec<f64> = (0..20).map(|at| if at < 10 { 1.0 } else { 2.0 }).collect();
        assert_eq!(
            Autocorrelation::beside(&Levels::cut(&still, [10])),
            Some(Autocorrelation { phi: 0.0, n: 20 })
        );
        assert_eq!(Autocorrelation::beside(&Levels::cut(&values[..15], [7])), None);
    }

    #[test]
    fn memory_of_a_higher_order_widens_an_interval_over_all_values() {
        // A slow wave under an alternation: neighbours differ, and the mean is uncertain all the same.
        let slow = |at: usize| libm::sin(at as f64 / 9.0) + libm::sin(at as f64 / 23.0);
        let values: Vec<f64> = (0..96).map(|at| slow(at) + if at % 2 == 0 { 1.5 } else { -1.5 }).collect();
        let (first, whole) = (Autocorrelation::of(&values), Autocorrelation::of_whole(&values));
        assert!(first.is_some_and(|first| first.phi < 0.1), "{first:?}");
        assert!(whole.is_some_and(|whole| whole.phi > 0.5), "{whole:?}");
        // Fewer do not tell, and equal ones have none.
        assert_eq!(Autocorrelation::of_whole(&values[..47]), Autocorrelation::of(&values[..47]));
        assert_eq!(Autocorrelation::of_whole(&[1.0; 96]), Autocorrelation::of(&[1.0; 96]));
    }

    #[test]
    fn a_line_is_worth_little_and_a_short_one_nothing() {
        let line = |n: u32| (0..n).map(f64::from).collect::<Vec<_>>();
        let long = MeanInterval::of(&line(1000), 0.95).expect("1000 values");
        assert_eq!(long.phi, 0.99);
        assert!(long.n_eff < 6.0, "{}", long.n_eff);
        assert_eq!(MeanInterval::of(&line(30), 0.95), None);
    }

    #[test]
    fn equal_values_have_an_interval_without_width() {
        let interval = MeanInterval::of(&[0.85; 16], 0.95).expect("16 values");
        assert_eq!((interval.low, interval.high, interval.phi, interval.n_eff), (0.85, 0.85, 0.0, 16.0));
        let median = interval.of_median(0.85);
        assert_eq!((median.low, median.high), (0.85, 0.85));
    }

    #[test]
    fn too_few_values_or_an_impossible_confidence_have_no_interval() {
        let values: Vec<f64> = [1.0, 3.0].into_iter().cycle().take(16).collect();
        assert!(MeanInterval::of(&values, 0.95).is_some());
        assert_eq!(MeanInterval::of(&values[..15], 0.95), None);
        assert_eq!(MeanInterval::of(&[], 0.95), None);
        for confidence in [0.0, 1.0, f64::NAN] {
            assert_eq!(MeanInterval::of(&values, confidence), None);
        }
        let autocorrelation = Autocorrelation { phi: 0.0, n: 100 };
        let with = |values: &[f64]| {
            MeanInterval::with_autocorrelation(
                values,
                &Summary::of(values).expect("values"),
                autocorrelation,
                0.95,
            )
        };
        assert!(with(&values[..6]).is_some());
        assert_eq!(with(&values[..5]), None);
    }
}
