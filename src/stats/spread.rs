//! Whether the values of one series are wider spread than those of another, or more of them lie far off on one side.
//!
//! Spread: Brown & Forsythe's test (1974, J. Am. Stat. Assoc. 69:364–367), the distances from the median of each side
//! compared as means are, so that correlated neighbours count for less; of their ratio, by the delta method on its
//! logarithm. Tail: the number of far values, Fisher's exact test with Lancaster's mid-p (1961, J. Am. Stat. Assoc.
//! 56:223–234). Must not know which side is bad, or what a value means.

use super::autocorrelation::{Levels, variance_of_mean};
use super::distributions::{student_t_quantile, student_t_tail};
use super::summary::{Sum, median};
use super::two_sample::{MeanShift, Pair};

/// What is asked about two series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Which side is far: above the median, or below it.
    pub above: bool,
    /// A spread that is larger by no more counts for nothing, nor is a value far that is no farther off.
    pub floor: f64,
    /// Up to so many times the spread of A that of B counts for nothing, and a value is far only so many times farther off.
    pub ratio: f64,
}

/// How the spread of B differs from that of A, on their present levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean distance from the median, of A and of B.
    pub distance: [f64; 2],
    /// One-sided p-value of the spread of B being larger by chance.
    pub p_wider: f64,
    /// What lies farther from the median is far.
    pub beyond: f64,
    /// Far values of A and of B; where neighbours are correlated, consecutive ones count once.
    pub far: [usize; 2],
    /// Values of A and of B.
    pub n: [usize; 2],
    /// One-sided p-value of so many more far values of B by chance.
    pub p_tail: f64,
    /// Whether large deviations come together, as in a GARCH process: then two runs differ in their spread by chance more
    /// than either p-value says.
    pub clusters: bool,
    /// Standard error of the logarithm of the ratio; `None` where a side does not vary.
    error: Option<f64>,
    df: f64,
}

/// Robust standard deviations from which on a value is far.
const FAR: f64 = 3.5;

/// Above this autocorrelation, consecutive far values count once.
const INDEPENDENT: f64 = 0.3;

/// Robust standard deviations that a value counts at most in the spread.
const CUT: f64 = 5.0;

/// Makes the median absolute deviation of normal values their standard deviation.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

impl Spread {
    /// Compares each of several pairs of series of two runs; their memory is estimated together. `None` where a side has
    /// too few values.
    pub fn family(pairs: &[Pair<'_>], asked: &[Question]) -> Vec<Option<Self>> {
        let shifts = MeanShift::family(pairs);
        let off: Vec<Option<[Vec<f64>; 2]>> = pairs
            .iter()
            .zip(&shifts)
            .map(|(pair, shift)| {
                let phi = shift.as_ref()?.phi;
                Some(pair.levels.each_ref().map(|levels| off(levels.present(), phi)))
            })
            .collect();
        let distances: Vec<[Vec<f64>; 2]> =
            off.iter().map(|off| off.as_ref().map(distances).unwrap_or_default()).collect();
        let of_distances: Vec<Pair<'_>> = distances
            .iter()
            .map(|sides| Pair::of(sides.each_ref().map(|side| Levels::cut(side, []))))
            .collect();
        let compared = MeanShift::family(&of_distances);
        let clustering: Vec<Option<f64>> = off
            .iter()
            .zip(&shifts)
            .map(|(off, shift)| {
                off.as_ref().zip(*shift).and_then(|(off, shift)| clustering_of(off, shift.phi))
            })
            .collect();
        let known: Vec<f64> = clustering.iter().copied().flatten().collect();
        let together = known.iter().sum::<f64>() / (known.len() as f64).sqrt();
        let clusters = |z: f64| z > CLUSTERED || (known.len() > 1 && together > CLUSTERED && z > 0.0);
        let each = off.iter().zip(&distances).zip(shifts.iter().zip(compared)).zip(clustering).zip(asked);
        each.map(|((((off, distances), (shift, compared)), clustering), asked)| {
            let (phi, clusters) = (shift.as_ref()?.phi, clustering.is_some_and(clusters));
            Some(Self { clusters, ..Self::one(off.as_ref()?, distances, phi, &compared?, asked) })
        })
        .collect()
    }

    fn one(
        off: &[Vec<f64>; 2],
        distances: &[Vec<f64>; 2],
        phi: f64,
        compared: &MeanShift,
        asked: &Question,
    ) -> Self {
        let n = off.each_ref().map(Vec::len);
        let distance = distances.each_ref().map(|side| super::mean(side).unwrap_or(0.0));
        let parts = compared.parts();
        let error = (distance[0] > 0.0 && distance[1] > 0.0).then(|| {
            let of = |side: usize| parts[side] / (distance[side] * distance[side]);
            (of(0) + of(1)).sqrt()
        });
        let wider = distance[1] - distance[0] > asked.floor;
        let p_wider = match error {
            _ if !wider => 1.0,
            Some(error) => tail(libm::log(distance[1] / distance[0] / asked.ratio), error, compared.df),
            None => compared.p_above(0.0),
        };
        let beyond = (FAR * asked.ratio * scale(off.iter().flatten())).max(asked.floor);
        let is_far = |off: &f64| if asked.above { *off > beyond } else { *off < -beyond };
        let far = off.each_ref().map(|side| {
            let again = side.windows(2).filter(|pair| is_far(&pair[0]) && is_far(&pair[1])).count();
            side.iter().filter(|off| is_far(off)).count() - if phi > INDEPENDENT { again } else { 0 }
        });
        let p_tail = if far[1] > far[0] { more_often(far, n) } else { 1.0 };
        Self { distance, p_wider, beyond, far, n, p_tail, clusters: false, error, df: compared.df }
    }

    /// How many times the spread of A that of B is; `None` where A does not vary.
    pub fn ratio(&self) -> Option<f64> {
        let ratio = self.distance[1] / self.distance[0];
        (self.distance[0] > 0.0 && ratio.is_finite()).then_some(ratio)
    }

    /// The ratios that the data do not rule out, at confidence 1 − 2·alpha.
    pub fn interval(&self, alpha: f64) -> Option<(f64, f64)> {
        let times = libm::exp(student_t_quantile(1.0 - alpha, self.df)? * self.error?);
        Some((self.ratio()? / times, self.ratio()? * times))
    }

    /// The smallest ratio that a one-sided test at level `alpha` finds with probability `power`.
    pub fn detectable(&self, alpha: f64, power: f64) -> Option<f64> {
        let t = |p: f64| student_t_quantile(p, self.df);
        let ratio = libm::exp((t(1.0 - alpha)? + t(power)?) * self.error?);
        ratio.is_finite().then_some(ratio)
    }

    /// One p-value of both questions: their harmonic mean (Wilson 2019, Proc. Natl. Acad. Sci. 116:1195–1200), never more
    /// than Bonferroni's.
    pub fn p(&self) -> f64 {
        2.0 / (1.0 / self.p_wider + 1.0 / self.p_tail)
    }
}

/// Robust standard deviation.
fn scale<'v>(off: impl IntoIterator<Item = &'v f64>) -> f64 {
    let mut sizes: Vec<f64> = off.into_iter().copied().map(f64::abs).collect();
    MAD_TO_SIGMA * median(&mut sizes).unwrap_or(0.0)
}

/// How far off values are, but the farthest no farther than [`CUT`] of the side that varies more: they are the tail, and a
/// few of them would decide about the spread.
fn distances(off: &[Vec<f64>; 2]) -> [Vec<f64>; 2] {
    let scale = off.iter().map(scale).fold(0.0, f64::max);
    let most = if scale > 0.0 { CUT * scale } else { f64::MAX };
    off.each_ref().map(|side| side.iter().map(|off| off.abs().min(most)).collect())
}

/// Distances from the median with their signs. The median lies nearer to values than the truth does: by √(1 − 1/`n_eff`).
fn off(values: &[f64], phi: f64) -> Vec<f64> {
    let centre = median(&mut values.to_vec()).unwrap_or(0.0);
    let nearer = (1.0 - variance_of_mean(values.len(), phi)).sqrt();
    let stretch = if nearer > 0.0 { 1.0 / nearer } else { 1.0 };
    values.iter().map(|value| (value - centre) * stretch).collect()
}

fn tail(distance: f64, error: f64, df: f64) -> f64 {
    if error > 0.0 {
        return student_t_tail(distance / error, df).unwrap_or(1.0);
    }
    if distance > 0.0 { 0.0 } else { 1.0 }
}

/// Mid-p of as many far values of B and more, where all of both are dealt out by chance.
fn more_often(far: [usize; 2], n: [usize; 2]) -> f64 {
    let choose = |n: usize, k: usize| {
        let gamma = |count: usize| libm::lgamma(count as f64 + 1.0);
        gamma(n) - gamma(k) - gamma(n - k)
    };
    let (all, both) = (n[0] + n[1], far[0] + far[1]);
    let probability =
        |of_b: usize| libm::exp(choose(n[1], of_b) + choose(n[0], both - of_b) - choose(all, both));
    let most = both.min(n[1]);
    let least = far[1].max(both.saturating_sub(n[0]));
    let at_least = Sum::of((least..=most).map(probability)).total();
    (at_least - probability(far[1]) / 2.0).clamp(0.0, 1.0)
}

/// Lags at which sizes of deviations are compared.
const LAGS: usize = 8;

/// Standard errors from which on the sizes of deviations are autocorrelated.
const CLUSTERED: f64 = 2.2;

/// How autocorrelated the sizes of the innovations are over 8 lags, in standard errors: the sum of their
/// autocorrelations, as in the test of `McLeod` & Li (1983, J. Time Ser. Anal. 4:269–273), with sizes for squares, which a spike
/// cannot blind. `None` with too few values.
fn clustering_of(off: &[Vec<f64>; 2], phi: f64) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0.0);
    for side in off.iter().filter(|side| side.len() > 2 * LAGS) {
        let sizes: Vec<f64> = side.windows(2).map(|pair| (pair[1] - phi * pair[0]).abs()).collect();
        let centre = super::mean(&sizes).unwrap_or(0.0);
        let at_lag = |lag: usize| {
            Sum::of(sizes.iter().zip(&sizes[lag..]).map(|(a, b)| (a - centre) * (b - centre))).total()
        };
        let (size, spread) = (sizes.len() as f64, at_lag(0));
        if spread > 0.0 {
            // The mean that is taken out lowers each by about 1/n.
            sum += (1..=LAGS).map(|lag| size * at_lag(lag) / spread + 1.0).sum::<f64>();
            n += size;
        }
    }
    (n > 0.0).then(|| sum / (n * LAGS as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::reference::{COAL, NILE};
    use super::*;

    fn one(a: &[f64], b: &[f64], asked: Question) -> Spread {
        let pair = Pair::of([Levels::cut(a, []), Levels::cut(b, [])]);
        Spread::family(&[pair], &[asked]).remove(0).expect("enough values")
    }

    const ANY: Question = Question { above: true, floor: 0.0, ratio: 1.0 };

    /// Waves between −1 and 1 that do not repeat soon.
    fn wave(at: usize) -> f64 {
        ((at * 37 % 101) as f64) / 50.0 - 1.0
    }

    fn waves(n: usize, size: f64) -> Vec<f64> {
        (0..n).map(|at| size * wave(at)).collect()
    }

    #[test]
    fn far_values_are_dealt_out_by_the_hypergeometric_law() {
        // SciPy 1.17.1, `hypergeom.sf(k) + pmf(k)/2`; the second is Fisher's lady who tastes tea (1935, The Design of
        // Experiments, chapter 2): 16/70 and a half of it, and 1/70.
        for (far, n, expected) in [
            ([0, 7], [96, 96], 0.003_488_068_240_147_082),
            ([1, 3], [4, 4], 0.128_571_428_571_428_56),
            ([2, 9], [50, 30], 0.000_984_951_851_595_453_6),
            ([0, 3], [5, 5], 1.0 / 24.0),
        ] {
            let found = more_often(far, n);
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_spread_that_doubles_is_found_with_its_ratio_and_one_that_does_not_is_not() {
        let found = one(&waves(48, 1.0), &waves(48, 2.0), ANY);
        assert!((found.ratio().expect("both vary") - 2.0).abs() < 0.2, "{found:?}");
        let (low, high) = found.interval(0.025).expect("both vary");
        assert!(1.3 < low && high < 3.0, "{low} {high}");
        assert!(found.p_wider < 0.001 && found.p() < 0.002 && !found.clusters);
        assert!(found.detectable(0.0125, 0.9) < Some(2.0));
        let same = one(&waves(48, 1.0), &waves(48, 1.0), ANY);
        assert!(same.p_wider > 0.3 && same.p() > 0.3);
        let narrower = one(&waves(48, 2.0), &waves(48, 1.0), ANY);
        assert_eq!((narrower.p_wider, narrower.p_tail), (1.0, 1.0));
        let (there, back) = (found.ratio().expect("both vary"), narrower.ratio().expect("both vary"));
        assert!((there * back - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_the_policy_lets_pass_counts_for_nothing() {
        let (a, b) = (waves(48, 1.0), waves(48, 2.0));
        assert!(one(&a, &b, Question { ratio: 2.5, ..ANY }).p_wider > 0.5);
        // The mean distance grows from about 0.5 to about 1.
        assert!(one(&a, &b, Question { floor: 0.3, ..ANY }).p_wider < 0.001);
        assert_eq!(one(&a, &b, Question { floor: 0.7, ..ANY }).p_wider, 1.0);
    }

    #[test]
    fn far_values_are_found_on_the_bad_side_alone_and_decide_nothing_about_the_spread() {
        let a = waves(96, 1.0);
        let mut b = a.clone();
        (5..96).step_by(12).for_each(|at| b[at] += 8.0);
        let above = one(&a, &b, ANY);
        assert_eq!((above.far, above.n), ([0, 8], [96, 96]));
        assert!(above.p_tail < 0.005 && above.p() < 0.01, "{above:?}");
        let below = one(&a, &b, Question { above: false, ..ANY });
        assert_eq!((below.far, below.p_tail), ([0, 0], 1.0));
        // None is far that is no farther off than counts.
        assert_eq!(one(&a, &b, Question { floor: 20.0, ..ANY }).far, [0, 0]);
        // Spikes count at most five robust standard deviations.
        let most = 5.0 * scale(&a).max(scale(&b));
        assert!(above.distance[1] < 0.55 + most / 12.0);
    }

    #[test]
    fn deviations_that_come_together_are_told() {
        let calm_and_wild: Vec<f64> =
            (0..96).map(|at| wave(at) * if (at / 16) % 2 == 0 { 0.3 } else { 3.0 }).collect();
        assert!(one(&calm_and_wild, &waves(96, 1.0), ANY).clusters);
        assert!(!one(&waves(96, 1.0), &waves(96, 3.0), ANY).clusters);
    }

    #[test]
    fn what_does_not_vary_has_no_ratio() {
        let still = one(&[2.0; 20], &waves(20, 1.0), ANY);
        assert_eq!((still.ratio(), still.interval(0.025), still.detectable(0.05, 0.9)), (None, None, None));
        assert!(still.p_wider < 0.001);
        let none = one(&[2.0; 20], &[3.0; 20], ANY);
        assert_eq!((none.p_wider, none.p_tail, none.p()), (1.0, 1.0, 1.0));
        let few = Pair::of([Levels::cut(&NILE[..4], []), Levels::cut(&NILE[..20], [])]);
        assert_eq!(Spread::family(&[few], &[ANY]), [None]);
    }

    #[test]
    fn published_series_differ_as_their_readers_say() {
        // The spread of the Nile is that of before the dam (Cobb 1978); disasters in coal mines vary less since they
        // became fewer (Jarrett 1979).
        let nile = one(&NILE[..28], &NILE[28..], ANY);
        assert!((nile.ratio().expect("both vary") - 1.0).abs() < 0.15 && nile.p() > 0.2, "{nile:?}");
        let mines = one(&COAL[41..], &COAL[..41], ANY);
        assert!(mines.ratio() > Some(1.5) && mines.p_wider < 0.005, "{mines:?}");
    }
}
