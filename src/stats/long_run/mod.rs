//! The variance of a mean without a model of their autocorrelation, beside that of the first-order process.
//!
//! The equal-weighted cosine estimate of the long-run variance with its fixed-b distribution (Müller 2007, J.
//! Econometrics 141:1331–1352; Lazarus, Lewis, Stock & Watson 2018, J. Bus. Econ. Stat. 36:541–559). Must not decide
//! anything.

pub(super) mod memory;

use super::summary::Sum;

/// The variance of a mean, and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongRun {
    /// Variance of the mean, in the unit of the values squared.
    pub of_mean: f64,
    /// Degrees of freedom: mean ÷ its standard error has Student's t distribution with so many.
    pub df: f64,
}

/// Variance of the mean of neighbours from what is left when their mean is taken out: Ω̂ ÷ n, with
/// Ω̂ = (1/B)·Σⱼ Λⱼ², Λⱼ = √(2/n)·Σₜ eₜcos(πj(t − ½)/n) for j = 1, …, B. Fewer cosines see longer memory, and are worth
/// fewer degrees of freedom: B.
///
/// `None` with fewer than twice as many values as cosines, without cosines, and where it is no finite number.
pub fn ewc(residuals: &[f64], cosines: usize) -> Option<LongRun> {
    let n = residuals.len();
    if cosines == 0 || n < 2 * cosines {
        return None;
    }
    let size = n as f64;
    let squares = (1..=cosines).map(|j| {
        // cos(πj(t − ½)/n) by its recurrence: a call a cosine, and not a call a value.
        let angle = std::f64::consts::PI * j as f64 / size;
        let (twice, mut before, mut now) =
            (2.0 * libm::cos(angle), libm::cos(angle / 2.0), libm::cos(angle / 2.0));
        let mut sum = 0.0;
        for value in residuals {
            sum += value * now;
            (before, now) = (now, twice * now - before);
        }
        sum * sum * 2.0 / size
    });
    let of_mean = Sum::of(squares).total() / cosines as f64 / size;
    of_mean.is_finite().then_some(LongRun { of_mean, df: cosines as f64 })
}

/// As many cosines as Lazarus and others recommend where nothing is known of the memory: 0.4·n^(2/3), at least 2.
pub fn cosines(n: usize) -> usize {
    let many = 0.4 * libm::pow(n as f64, 2.0 / 3.0);
    (2..n).take_while(|count| *count as f64 <= many).last().unwrap_or(2)
}

/// Lags from 2 to this one say whether values remember more than a first-order process does.
const LAGS: usize = 4;

/// How much more values remember than a first-order process, whose partial autocorrelations end at lag 1: the sum of
/// those at lags 2 to 4 in units of its standard error √(3/n) (Quenouille 1949, J. R. Stat. Soc. B 11:68–84). Each piece
/// has a level of its own; the mean that is taken out lowers autocorrelations by about 1 ÷ its length, which is added.
///
/// About standard normal where the process is one of first order. `None` where no piece varies, or all have fewer than
/// 8 values.
pub fn beyond_first_order<'v>(pieces: impl IntoIterator<Item = &'v [f64]>) -> Option<f64> {
    const SHORTEST: usize = 2 * LAGS;
    let (mut shared, mut n, mut levels) = ([0.0; LAGS + 1], 0, 0.0);
    for piece in pieces.into_iter().filter(|piece| piece.len() >= SHORTEST) {
        let centre = super::summary::mean(piece)?;
        let at_lag = |lag: usize| {
            Sum::of(piece.iter().zip(&piece[lag..]).map(|(a, b)| (a - centre) * (b - centre))).total()
        };
        let spread = at_lag(0);
        // The rounding of the mean must not look like spread.
        if piece.iter().any(|value| *value != piece[0]) && spread.is_finite() {
            (0..=LAGS).for_each(|lag| shared[lag] += piece.len() as f64 * at_lag(lag) / spread);
            n += piece.len();
            levels += 1.0;
        }
    }
    let size = n as f64;
    let r: [f64; LAGS + 1] = std::array::from_fn(|lag| shared[lag] / size + levels / size);
    // Durbin–Levinson (Durbin 1960, Rev. Int. Stat. Inst. 28:233–244).
    let (mut phis, mut left, mut beyond): (Vec<f64>, f64, f64) = (Vec::new(), 1.0, 0.0);
    for lag in 1..=LAGS {
        let told: f64 = phis.iter().enumerate().map(|(at, phi)| phi * r[lag - 1 - at]).sum();
        let partial = (r[lag] - told) / left;
        phis = (0..lag - 1).map(|at| phis[at] - partial * phis[lag - 2 - at]).chain([partial]).collect();
        left *= 1.0 - partial * partial;
        beyond += if lag > 1 { partial } else { 0.0 };
    }
    let z = beyond * (size / (LAGS as f64 - 1.0)).sqrt();
    (n > 0 && z.is_finite()).then_some(z)
}

#[cfg(test)]
mod tests {
    use super::super::reference::{LAKE_HURON, NEW_YORK, NILE};
    use super::*;

    fn centred(values: &[f64]) -> Vec<f64> {
        let mean = super::super::mean(values).expect("values");
        values.iter().map(|value| value - mean).collect()
    }

    #[test]
    fn published_series_have_the_variance_that_numpy_computes() {
        // NumPy 2.4.6, once: `scipy.fft.dct(x - x.mean(), type=2, norm="ortho")[1:B+1]`, the mean of its squares ÷ n.
        for (values, count, expected) in [
            (&NILE[..], 8, 1_404.216_014_866_154_6),
            (&LAKE_HURON[..], 8, 0.122_189_574_549_464),
            (&NEW_YORK[..], 11, 5.925_479_376_343_05),
        ] {
            let found = ewc(&centred(values), count).expect("enough values");
            assert!((found.of_mean / expected - 1.0).abs() < 1e-10, "{} is not {expected}", found.of_mean);
            assert_eq!((found.df, cosines(values.len())), (count as f64, count));
        }
    }

    #[test]
    fn a_slow_wave_is_seen_and_an_alternation_is_not() {
        let alternating: Vec<f64> = (0..40).map(|at| if at % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let slow: Vec<f64> =
            (0..40).map(|at| libm::cos(std::f64::consts::PI * (f64::from(at) + 0.5) / 40.0)).collect();
        // Σ cos² = 40/2, so that Λ₁² = 2/40·20² = 20, and the other cosines are orthogonal to it.
        let found = ewc(&slow, 4).expect("enough values");
        assert!((found.of_mean - 20.0 / 4.0 / 40.0).abs() < 1e-12, "{found:?}");
        assert!(ewc(&alternating, 4).expect("enough values").of_mean < 1e-3);
    }

    #[test]
    fn too_few_values_say_nothing() {
        assert_eq!(ewc(&[1.0, -1.0, 0.5], 2), None);
        assert_eq!(ewc(&[1.0, -1.0], 0), None);
        assert_eq!(ewc(&[f64::MAX; 8], 2), None);
        assert_eq!(ewc(&[0.0; 8], 2), Some(LongRun { of_mean: 0.0, df: 2.0 }));
        assert_eq!([8, 24, 288].map(cosines), [2, 3, 17]);
    }

    #[test]
    fn what_is_beyond_the_first_order_is_that_of_the_partial_autocorrelations() {
        // NumPy 2.4.6, once: Yule–Walker's equations of orders 2 to 4, solved from autocorrelations raised by 1/n.
        for (values, expected) in [
            (&NILE[..], 1.748_531_913_966_943_7),
            (&LAKE_HURON[..], -0.692_529_799_972_673_9),
            (&NEW_YORK[..], 2.544_122_975_865_088_3),
        ] {
            let found = beyond_first_order([values]).expect("values differ");
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
        assert_eq!(beyond_first_order([&[1.0; 30][..]]), None);
        assert_eq!(beyond_first_order([&NILE[..7]]), None);
        let long = |pieces: &[&[f64]]| beyond_first_order(pieces.iter().copied());
        assert_eq!(long(&[&NILE[..], &NILE[..5], &[2.0; 9]]), long(&[&NILE[..]]));
    }
}
