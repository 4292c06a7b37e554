//! How much neighbours resemble each other in several series of the same run: each by itself and all together.
//!
//! A short series hardly knows its own autocorrelation, and the series of one run have much in common. Must not
//! decide which series belong together.

use super::ar1::{LARGEST_PHI, standard_error};
use super::levels::Likeness;

/// φ is raised by so many standard errors: an estimate that is too low makes false alarms, one that is too high
/// costs little power. Chosen with the table of error rates.
const CAUTION: f64 = 0.1;

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
pub fn phis(series: &[Option<Likeness>]) -> Vec<f64> {
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
        (phi + CAUTION * standard_error(mean.max(0.0), one.n) * (own + shared).sqrt()).min(LARGEST_PHI)
    };
    series.iter().map(|one| one.as_ref().map_or(0.0, of)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(told: &[(f64, usize)]) -> Vec<f64> {
        phis(&told.iter().map(|(phi, n)| Some(Likeness { phi: *phi, n: *n })).collect::<Vec<_>>())
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
        assert_eq!(phis(&[None, None]), [0.0, 0.0]);
        assert_eq!(phis(&[]), [0.0; 0]);
        let some = phis(&[None, Some(Likeness { phi: 0.6, n: 64 })]);
        assert_eq!(some[0], 0.0);
        close(some[1], 0.61);
    }
}
