//! First-order autoregression: how much neighbours resemble each other, and what that does to the variance of
//! a mean, of the difference of two means, and of any weighted sum.
//!
//! Variances are in units of the variance of one value. Must not decide anything.

use super::sum::Sum;

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

#[cfg(test)]
mod tests {
    use super::super::reference::NILE;
    use super::*;

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
