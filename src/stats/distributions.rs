//! Quantiles of the normal distribution and of Student's t, for intervals; tails of Student's t, for tests.
//!
//! Quantiles are found by bisection on the upper tail: slow and sure, the same bits on every platform. Must not choose a
//! confidence level.

use std::f64::consts::SQRT_2;

/// From so many degrees of freedom on t is computed from the normal quantile; the first term left out is
/// below 1e-10 there.
const NEARLY_NORMAL: f64 = 1e4;

/// The value below which a standard normal variable lies with probability `p`. `None` unless 0 < p < 1.
pub fn normal_quantile(p: f64) -> Option<f64> {
    quantile(p, |z| 0.5 * libm::erfc(z / SQRT_2))
}

/// The value below which a Student t variable with `df` degrees of freedom (may be fractional) lies with
/// probability `p`.
///
/// `None` unless 0 < p < 1 and df ≥ 1: below that the tails are heavier than Cauchy's, and an interval built
/// on them says nothing.
pub fn student_t_quantile(p: f64, df: f64) -> Option<f64> {
    if !df.is_finite() || df < 1.0 {
        return None;
    }
    if df < NEARLY_NORMAL {
        return quantile(p, |t| student_tail(t, df));
    }
    // Expansion in 1/df around the normal quantile, Abramowitz & Stegun 26.7.5.
    let z = normal_quantile(p)?;
    let (z3, z5) = (z * z * z, z * z * z * z * z);
    Some(z + (z3 + z) / (4.0 * df) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * df * df))
}

/// The quantile of a distribution that is symmetric around 0, given its upper tail probability beyond t ≥ 0.
fn quantile(p: f64, tail: impl Fn(f64) -> f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p == 0.5 {
        return Some(0.0);
    }
    let beyond = p.min(1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while tail(high) > beyond {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Some(if p < 0.5 { -middle } else { middle });
        }
        if tail(middle) > beyond {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The probability that a Student t variable with `df` degrees of freedom (may be fractional) exceeds `t`.
///
/// `None` unless df ≥ 1 and t is a number; infinities have the probabilities 0 and 1.
pub fn student_t_tail(t: f64, df: f64) -> Option<f64> {
    if !df.is_finite() || df < 1.0 || t.is_nan() {
        return None;
    }
    let tail = if df < NEARLY_NORMAL {
        student_tail(t.abs(), df)
    } else {
        // Abramowitz & Stegun 26.7.8, the inverse of the expansion below to the same order.
        let square = t * t;
        let z = t.abs() * (1.0 - 0.25 / df) / (1.0 + square / (2.0 * df)).sqrt();
        0.5 * libm::erfc(z / SQRT_2)
    };
    Some(if t < 0.0 { 1.0 - tail } else { tail })
}

/// P(T > t) for t ≥ 0: half of `I_x(df/2, 1/2)` at `x = df/(df + t²)`, Abramowitz & Stegun 26.7.1.
fn student_tail(t: f64, df: f64) -> f64 {
    let square = t * t;
    0.5 * incomplete_beta(0.5 * df, 0.5, df / (df + square), square / (df + square))
}

/// The regularised incomplete beta function `I_x(a, b)`, with y = 1 − x given beside x because subtracting
/// would lose its digits.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let ln = |value: f64, rest: f64| if value > 0.5 { libm::log1p(-rest) } else { libm::log(value) };
    let scale = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let front = libm::exp(scale + a * ln(x, y) + b * ln(y, x));
    // The continued fraction converges fast only on this side; on the other, I_x(a, b) = 1 − I_y(b, a).
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, y) / b
    }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), evaluated by Lentz's method as
/// modified by Thompson & Barnett (1986, J. Comput. Phys. 64:490–509).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut upper = 1.0;
    let mut lower = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = lower;
    // Some √df terms are needed; the limit only guards against rounding that never settles.
    for step in 1..1000u32 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for term in [even, odd] {
            lower = 1.0 / away_from_zero(1.0 + term * lower);
            upper = away_from_zero(1.0 + term / upper);
            factor = upper * lower;
            fraction *= factor;
        }
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(actual: Option<f64>, expected: f64, tolerance: f64) {
        let actual = actual.expect("a quantile");
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn normal_quantiles_agree_with_published_tables() {
        // Abramowitz & Stegun table 26.5; digits beyond it from SciPy 1.17.1, `scipy.stats.norm.ppf`.
        for (p, expected) in [
            (0.9, 1.281_551_565_544_600_4),
            (0.95, 1.644_853_626_951_472_2),
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_900_4),
            (0.9995, 3.290_526_731_491_925_5),
        ] {
            close(normal_quantile(p), expected, 1e-12);
            close(normal_quantile(1.0 - p), -expected, 1e-12);
        }
        assert_eq!(normal_quantile(0.5), Some(0.0));
    }

    #[test]
    fn student_quantiles_agree_with_the_published_table() {
        // The usual three-digit table (e.g. NIST/SEMATECH e-Handbook, 1.3.6.7.2): 0.95, 0.975, 0.995.
        for (df, ninety, ninety_five, ninety_nine) in [
            (1.0, 6.314, 12.706, 63.657),
            (2.0, 2.920, 4.303, 9.925),
            (5.0, 2.015, 2.571, 4.032),
            (10.0, 1.812, 2.228, 3.169),
            (30.0, 1.697, 2.042, 2.750),
            (120.0, 1.658, 1.980, 2.617),
        ] {
            close(student_t_quantile(0.95, df), ninety, 5e-4);
            close(student_t_quantile(0.975, df), ninety_five, 5e-4);
            close(student_t_quantile(0.995, df), ninety_nine, 5e-4);
            close(student_t_quantile(0.025, df), -ninety_five, 5e-4);
        }
    }

    #[test]
    fn fractional_and_large_degrees_of_freedom_agree_with_scipy() {
        // SciPy 1.17.1, `scipy.stats.t.ppf(0.975, df)`.
        for (df, expected) in [
            (1.0, 12.706_204_736_174_694),
            (2.5, 3.574_654_842_003_682),
            (7.3, 2.345_066_736_547_703),
            (120.0, 1.979_930_405_082_440_2),
            (9_999.0, 1.960_201_263_621_357),
            (10_001.0, 1.960_201_216_164_641),
            (100_000.0, 1.959_987_707_534_609_5),
        ] {
            close(student_t_quantile(0.975, df), expected, 1e-10);
        }
        close(student_t_quantile(0.995, 3.7), 4.869_252_253_227_827_5, 1e-10);
    }

    #[test]
    fn tails_agree_with_scipy() {
        // SciPy 1.17.1, `scipy.stats.t.sf(t, df)`.
        for (t, df, expected) in [
            (2.0, 5.0, 0.050_969_739_414_929_174),
            (1.3, 17.4, 0.105_279_584_960_053_21),
            (4.7, 3.2, 0.007_874_642_835_153_29),
            (0.2, 100.0, 0.420_943_368_101_225_4),
            (2.5, 20_000.0, 0.006_213_637_065_997_114),
        ] {
            close(student_t_tail(t, df), expected, 1e-9);
            close(student_t_tail(-t, df), 1.0 - expected, 1e-9);
        }
        assert_eq!(student_t_tail(f64::INFINITY, 9.0), Some(0.0));
        assert_eq!(student_t_tail(0.0, 9.0), Some(0.5));
        assert_eq!((student_t_tail(f64::NAN, 9.0), student_t_tail(1.0, 0.9)), (None, None));
    }

    #[test]
    fn two_degrees_of_freedom_agree_with_the_closed_form() {
        // t = (2p − 1)·√(2 / (4p(1 − p))) for df = 2.
        for p in [0.501, 0.6, 0.9, 0.999, 0.999_999] {
            let expected = (2.0 * p - 1.0) * (2.0_f64 / (4.0 * p * (1.0 - p))).sqrt();
            close(student_t_quantile(p, 2.0), expected, 1e-9 * expected);
        }
    }

    #[test]
    fn there_is_no_quantile_outside_its_domain() {
        for p in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(normal_quantile(p), None);
            assert_eq!(student_t_quantile(p, 5.0), None);
        }
        for df in [0.0, 0.999, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(student_t_quantile(0.975, df), None);
        }
    }
}
