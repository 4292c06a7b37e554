//! Where a series settles: a ramp from the start that levels off, against a straight line that goes on.
//!
//! Least squares over all bends in the first half (the broken-stick model of Quandt 1958, J. Am. Stat. Assoc.
//! 53:873–880, with the second piece flat). Must not say whether a series drifts; it says that what looks like a
//! drift is over.

use super::ar1;
use super::sum::Sum;

/// Fewest values.
const FEWEST: usize = 16;

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
    if n < FEWEST {
        return None;
    }
    let mean = Sum::of(values.iter().copied()).divided_by(n);
    let centre = (n as f64 - 1.0) / 2.0;
    let total = Sum::of(values.iter().map(|value| (value - mean) * (value - mean))).total();
    let width = centre * (n as f64 + 1.0) * n as f64 / 6.0;
    let shared = Sum::of(values.iter().enumerate().map(|(at, y)| (at as f64 - centre) * (y - mean))).total();
    let slope = shared / width;
    let line = total - shared * slope;
    if !(line.is_finite() && line > ROUNDING * total) {
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
    let phi = ar1::phi_around_line(ar1::lag1_of_residuals(&residuals)?, n)?;
    let needed = BETTER * left.max(ROUNDING * total) / ar1::effective_n(n, phi);
    (line - left > needed && total - left > needed).then_some(at)
}

/// Sums of squares that are a smaller share of the total are rounding.
const ROUNDING: f64 = 1e-20;

#[cfg(test)]
mod tests {
    use super::super::reference::{BEAVER_2, LAKE_HURON, NEW_YORK, NILE};
    use super::*;

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
