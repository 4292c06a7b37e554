//! How far the means of two series are apart, and how sure that is, where neighbours resemble each other.
//!
//! Welch's t (1947, Biometrika 34:28–35) with the numbers of values replaced by what they are worth. Must not
//! judge which way is good, or how much matters.

use super::autocorrelation::pooled_phis;
use super::autocorrelation::{LARGEST_PHI, Levels, Likeness, Residuals};
use super::autocorrelation::{variance_of_mean, variance_of_sum};
use super::distributions::{student_t_quantile, student_t_tail};
use super::long_run::{beyond_first_order, ewc};
use super::summary::median;
use super::trend::TrendMethod;
use std::f64::consts::SQRT_2;

/// Fewest values on each side. With fewer the autocorrelation rests on next to nothing.
pub const FEWEST: usize = 5;

/// Two series, each cut where its level changed.
#[derive(Clone, Debug)]
pub struct Pair<'v> {
    /// A and B.
    pub levels: [Levels<'v>; 2],
    /// What both have in common and was taken out of them.
    pub cycle: Option<TakenOut>,
}

impl<'v> Pair<'v> {
    /// Two series that nothing was taken out of.
    pub fn of(levels: [Levels<'v>; 2]) -> Self {
        Self { levels, cycle: None }
    }
}

/// A pattern that was fitted to two series together and taken out of both.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenOut {
    /// What each value of A and of B counts in the shift between their present levels.
    pub weights: [Vec<f64>; 2],
    /// Values on the present levels.
    pub present: [usize; 2],
    /// Numbers that were fitted beside the levels.
    pub parameters: usize,
}

impl TakenOut {
    /// By how much the variance of the shift is larger than that of a difference of two means.
    fn costs(&self, phi: f64) -> f64 {
        let [a, b] = self.weights.each_ref().map(|side| variance_of_sum(side.iter().copied(), phi));
        let [of_a, of_b] = self.present.map(|n| variance_of_mean(n, phi));
        (a + b) / (of_a + of_b)
    }
}

/// From so many standard errors of [`beyond_first_order`] on a series remembers more than the process of first order
/// that its φ describes. Chosen with the table of error rates: fewer than one in forty series of first order are taken
/// for one that does.
const REMEMBERS: f64 = 2.0;

/// The same of all series together, each of which must say so a little: one process makes all numbers of a run.
const REMEMBER: f64 = 1.8;

/// The share of the spread that is left at least where more was fitted than correlated neighbours allow for.
const LEAST_LEFT: f64 = 0.1;

/// Cosines that see how much a series remembers where it is more than a first-order process: few, because long memory
/// is seen by the slowest alone. The larger variance counts.
const COSINES: [usize; 2] = [2, 4];

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
    /// The standard error that a first-order process has, where the values remember more than one.
    pub first_order: Option<f64>,
    /// Variance of one value of A and of B.
    variance: [f64; 2],
    /// What the variance of a first-order process is multiplied by.
    factor: f64,
    /// No more degrees of freedom than these.
    most_df: f64,
    /// Numbers that were fitted beside the levels.
    parameters: f64,
}

impl MeanShift {
    /// The shift from A to B of each of several series of two runs, between the present levels of both.
    ///
    /// φ of a series is taken to be the same on both sides and on all levels, so that it is estimated from all
    /// residuals around them ([`Likeness::around`]), and then together with the other series (`phis`).
    /// The variance of each mean is that of a first-order process (Bayley & Hammersley 1946), `n_eff` its inverse;
    /// the variance of one value is Σ(x − m)² ÷ `n(1 − 1/n_eff)`, which the same process makes unbiased; each side
    /// has `n_eff − 1` degrees of freedom, joined after Satterthwaite (1946, Biometrics Bulletin 2:110–114).
    ///
    /// Where the values remember more than such a process ([`beyond_first_order`]) the variance is the largest of that
    /// one and of those by 2 and by 4 cosines ([`ewc`]), with the degrees of freedom of the 2.
    ///
    /// `None` with fewer than 5 values on a present level, or where a number is not finite.
    pub fn family(pairs: &[Pair<'_>]) -> Vec<Option<Self>> {
        let alike: Vec<Option<Likeness>> = pairs.iter().map(likeness).collect();
        let phis = pooled_phis(&alike);
        let pieces = |pair: &Pair<'_>| {
            let all = pair.levels.iter().flat_map(Levels::pieces).copied();
            beyond_first_order(all)
        };
        let beyond: Vec<Option<f64>> = pairs.iter().map(pieces).collect();
        let told: Vec<f64> = beyond.iter().copied().flatten().collect();
        let together = told.iter().sum::<f64>() / (told.len() as f64).sqrt();
        let remembers = |z: f64| z > REMEMBERS || (told.len() > 1 && together > REMEMBER && z > 0.0);
        let each = pairs.iter().zip(phis).zip(beyond);
        each.map(|((pair, phi), beyond)| {
            let shift = Self::with_phi(pair, phi)?;
            Some(if beyond.is_some_and(remembers) { shift.remembering(pair) } else { shift })
        })
        .collect()
    }

    fn with_phi(pair: &Pair<'_>, phi: f64) -> Option<Self> {
        let [a, b] = pair.levels.each_ref().map(Levels::present);
        if a.len() < FEWEST || b.len() < FEWEST {
            return None;
        }
        let parameters = pair.cycle.as_ref().map_or(0.0, |cycle| cycle.parameters as f64);
        // Each number that was fitted to both takes as much of the spread as a mean over both does.
        let fitted = parameters * variance_of_mean(a.len() + b.len(), phi);
        let sides = [Residuals::of(a)?, Residuals::of(b)?];
        let variance = sides.map(|side| {
            let of_mean = variance_of_mean(side.n, phi);
            // What is fitted cannot take all of it.
            let left = (1.0 - of_mean - fitted).max(LEAST_LEFT * (1.0 - of_mean)).max(f64::MIN_POSITIVE);
            side.squares / (side.n as f64 * left)
        });
        let factor = pair.cycle.as_ref().map_or(1.0, |cycle| cycle.costs(phi));
        let bare = Self {
            shift: sides[1].mean - sides[0].mean,
            standard_error: 0.0,
            df: 1.0,
            phi,
            n_eff: [0.0; 2],
            first_order: None,
            variance,
            factor,
            most_df: f64::INFINITY,
            parameters,
        };
        bare.with_sizes(a.len(), b.len()).filter(|found| found.shift.is_finite())
    }

    /// The same shift with the variance that the slowest cosines see, where that is larger.
    fn remembering(self, pair: &Pair<'_>) -> Self {
        let sides = pair.levels.each_ref().map(|levels| {
            let present = levels.present();
            let centre = super::mean(present).unwrap_or(0.0);
            present.iter().map(|value| value - centre).collect::<Vec<f64>>()
        });
        let seen: Vec<[f64; 2]> = COSINES
            .iter()
            .filter_map(|cosines| {
                let [a, b] = sides.each_ref().map(|side| Some(ewc(side, *cosines)?.of_mean));
                Some([a?, b?])
            })
            .collect();
        let plain = self.standard_error * self.standard_error / self.factor;
        let largest = seen.iter().map(|[a, b]| a + b).fold(plain, f64::max);
        let Some([a, b]) = seen.first().filter(|_| plain > 0.0) else { return self };
        let df = (a + b) * (a + b) / ((a * a + b * b) / COSINES[0] as f64);
        let most_df = if df.is_finite() { df } else { COSINES[0] as f64 };
        let first_order = Some(self.standard_error);
        let factor = self.factor * largest / plain;
        let (square, df) = (plain * factor, self.df.min(most_df).max(1.0));
        Self { standard_error: square.sqrt(), df, first_order, factor, most_df, ..self }
    }

    /// The same shift as it would be seen with so many values of A and of B. `None` where that is no number.
    pub fn with_sizes(&self, a: usize, b: usize) -> Option<Self> {
        let n_eff = [a, b].map(|n| 1.0 / variance_of_mean(n, self.phi));
        let parts = [self.variance[0] / n_eff[0], self.variance[1] / n_eff[1]];
        let square = parts[0] + parts[1];
        let df = if square > 0.0 {
            let each = |at: usize| parts[at] * parts[at] / (n_eff[at] - 1.0).max(f64::MIN_POSITIVE);
            square * square / (each(0) + each(1))
        } else {
            n_eff[0] + n_eff[1] - 2.0
        };
        let df = (df - self.parameters).min(self.most_df).max(1.0);
        let found = Self { standard_error: (square * self.factor).sqrt(), df, n_eff, ..*self };
        (found.standard_error.is_finite() && found.df.is_finite()).then_some(found)
    }

    /// Variances of the means of A and of B.
    pub(super) fn parts(&self) -> [f64; 2] {
        [0, 1].map(|side| self.factor * self.variance[side] / self.n_eff[side])
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

/// φ around the levels of both sides; numbers that were fitted to both bias it as means do.
fn likeness(pair: &Pair<'_>) -> Option<Likeness> {
    let found = Likeness::around(&pair.levels)?;
    let Some(cycle) = &pair.cycle else { return Some(found) };
    let long = |piece: &&&[f64]| piece.len() >= FEWEST;
    let levels = pair.levels.iter().flat_map(Levels::pieces).filter(long).count() as f64;
    let (n, more) = (found.n as f64, cycle.parameters as f64);
    // From (n·r₁ + m)/(n − 4m) to the same with as many more levels.
    let phi = (found.phi * (n - 4.0 * levels) + more) / (n - 4.0 * (levels + more));
    let phi = if n > 4.0 * (levels + more) { phi } else { LARGEST_PHI };
    Some(Likeness { phi: phi.clamp(-LARGEST_PHI, LARGEST_PHI), n: found.n })
}

// Values that lie far outside, pulled in: what is usual on a level, where spikes are frequent.
//
// Huber 1964, Ann. Math. Stat. 35:73–101: a mean of values that are cut at a distance from the median is hardly less
// sure than the mean where there are no spikes, and far surer where there are.

/// Makes the median absolute deviation of normal values their standard deviation.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// What is farther from the median of its level than so many robust standard deviations is an outlier …
const OUTLYING: f64 = 4.5;

/// … and is pulled in to so many.
const PULLED_IN_TO: f64 = 2.5;

/// Outliers are frequent from this share of all values on, and from two.
const FREQUENT: f64 = 0.03;

/// Two series whose outliers are pulled in.
#[derive(Clone, Debug, PartialEq)]
pub struct PulledIn {
    /// All values of A and of B, in the order of time.
    pub values: [Vec<f64>; 2],
    /// How many of A and of B are outliers.
    pub outliers: [usize; 2],
}

impl PulledIn {
    /// `None` where outliers are not frequent: then the mean says what is usual.
    pub fn of(levels: &[Levels<'_>; 2]) -> Option<Self> {
        let mut outliers = [0; 2];
        let values: [Vec<f64>; 2] = std::array::from_fn(|side| {
            let pieces = levels[side].pieces();
            let centres: Vec<f64> =
                pieces.iter().map(|piece| median(&mut piece.to_vec()).unwrap_or(0.0)).collect();
            let off = || {
                pieces.iter().zip(&centres).flat_map(|(piece, centre)| piece.iter().map(move |v| v - centre))
            };
            let scale = MAD_TO_SIGMA * median(&mut off().map(f64::abs).collect::<Vec<_>>()).unwrap_or(0.0);
            // Where more than half of the values are equal, no distance is unusual.
            let (far, near) =
                if scale > 0.0 { (OUTLYING * scale, PULLED_IN_TO * scale) } else { (f64::MAX, f64::MAX) };
            outliers[side] = off().filter(|off| off.abs() > far).count();
            let pieces = pieces.iter().zip(&centres);
            pieces
                .flat_map(|(piece, centre)| {
                    piece.iter().map(move |value| centre + (value - centre).clamp(-near, near))
                })
                .collect()
        });
        let (found, all) = (outliers[0] + outliers[1], values[0].len() + values[1].len());
        (found > 1 && found as f64 >= FREQUENT * all as f64).then_some(Self { values, outliers })
    }

    /// The values cut where these are.
    pub fn levels(&self, cut: &[Levels<'_>; 2]) -> [Levels<'_>; 2] {
        std::array::from_fn(|side| {
            let ends = cut[side].pieces().iter().scan(0, |end, piece| {
                *end += piece.len();
                Some(*end)
            });
            Levels::cut(&self.values[side], ends)
        })
    }
}

// Two samples compared by rank: they say what the mean does not, that a few wild values play no part.
//
// They take values as independent; where neighbours resemble each other their p-value is too small. Must not
// decide anything.

/// Up to so many values a side every pair is looked at; their differences still fit into 32 MB.
const PAIRWISE_UP_TO: usize = 2000;

/// Blocks of neighbours, each replaced by its median, when a side has more values than that.
const BLOCKS: usize = 500;

/// A comparison by rank of A with B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankShift {
    /// Mann–Whitney U of B: pairs in which B is larger, ties counting half.
    pub u: f64,
    /// Two-sided p-value of U, from the normal distribution with correction for ties and continuity; 1 where all
    /// values are equal.
    pub p: f64,
    /// Hodges–Lehmann shift, the median of all differences B − A. In the unit of the values.
    pub hodges_lehmann: f64,
    /// Cliff's delta: the share of pairs in which B is larger less that in which it is smaller, from −1 to 1.
    pub cliffs_delta: f64,
    /// How the Hodges–Lehmann shift was found; U and delta always come from all values.
    pub method: TrendMethod,
}

impl RankShift {
    /// Compares (Mann & Whitney 1947, Ann. Math. Stat. 18:50–60; ties as in Lehmann 1975, Nonparametrics, 1.4;
    /// Hodges & Lehmann 1963, Ann. Math. Stat. 34:598–611; Cliff 1993, Psych. Bull. 114:494–509). `None` where
    /// a side is empty.
    pub fn of(a: &[f64], b: &[f64]) -> Option<Self> {
        let (u, ties) = u_of_second(a, b)?;
        let (na, nb) = (a.len() as f64, b.len() as f64);
        let all = na + nb;
        let variance = na * nb / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        let beyond = ((u - na * nb / 2.0).abs() - 0.5).max(0.0);
        let p = if variance > 0.0 { libm::erfc(beyond / variance.sqrt() / SQRT_2).min(1.0) } else { 1.0 };
        let (method, hodges_lehmann) = hodges_lehmann(a, b)?;
        Some(Self { u, p, hodges_lehmann, cliffs_delta: 2.0 * u / (na * nb) - 1.0, method })
    }
}

/// U of B, and Σ(t³ − t) over the groups of equal values.
fn u_of_second(a: &[f64], b: &[f64]) -> Option<(f64, f64)> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|value| (*value, false)).chain(b.iter().map(|value| (*value, true))).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0usize);
    // Zero and negative zero are equal, whatever their order.
    for group in all.chunk_by(|one, other| one.0 == other.0) {
        let size = group.len() as f64;
        let rank = before as f64 + f64::midpoint(size, 1.0);
        ranks += rank * group.iter().filter(|(_, second)| *second).count() as f64;
        ties += size * size * size - size;
        before += group.len();
    }
    let nb = b.len() as f64;
    Some((ranks - nb * (nb + 1.0) / 2.0, ties))
}

fn hodges_lehmann(a: &[f64], b: &[f64]) -> Option<(TrendMethod, f64)> {
    let (method, a, b) = if a.len() <= PAIRWISE_UP_TO && b.len() <= PAIRWISE_UP_TO {
        (TrendMethod::Pairwise, a.to_vec(), b.to_vec())
    } else {
        (TrendMethod::BlockMedians, block_medians(a), block_medians(b))
    };
    let mut differences = Vec::with_capacity(a.len() * b.len());
    for value in &b {
        differences.extend(a.iter().map(|other| value - other));
    }
    median(&mut differences).filter(|shift| shift.is_finite()).map(|shift| (method, shift))
}

/// Medians of blocks whose sizes differ by at most one; the values themselves where there are fewer.
fn block_medians(values: &[f64]) -> Vec<f64> {
    if values.len() <= BLOCKS {
        return values.to_vec();
    }
    let edge = |block: usize| block * values.len() / BLOCKS;
    (0..BLOCKS).filter_map(|block| median(&mut values[edge(block)..edge(block + 1)].to_vec())).collect()
}

// Several tests at once: Holm's step-down adjustment.
//
// Holm 1979, Scandinavian Journal of Statistics 6:65–70. Holds whatever the tests have to do with each other.

/// p-values adjusted so that rejecting those at or below α rejects any true hypothesis with at most
/// probability α. In the order given; a test without a p-value still counts as one of the family.
pub fn holm_adjusted(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(at, p)| p.map(|p| (at, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut out = vec![None; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, (at, p)) in order.into_iter().enumerate() {
        least = least.max((p * (p_values.len() - rank) as f64).min(1.0));
        out[at] = Some(least);
    }
    out
}

#[cfg(test)]
mod tests {
    mod two_sample {
        use super::super::super::autocorrelation::standard_error;
        use super::super::super::summary::mean;
        use super::super::*;

        /// One series, on one level.
        fn one(a: &[f64], b: &[f64]) -> Option<MeanShift> {
            MeanShift::family(&[Pair::of([Levels::cut(a, []), Levels::cut(b, [])])]).remove(0)
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
            let bare = MeanShift {
                shift,
                standard_error: 0.0,
                df: 1.0,
                phi: 0.0,
                n_eff: [0.0; 2],
                first_order: None,
                variance,
                factor: 1.0,
                most_df: f64::INFINITY,
                parameters: 0.0,
            };
            bare.with_sizes(a.len(), b.len()).expect("finite")
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
            let cut = Pair::of([Levels::cut(&a, []), Levels::cut(&b, [8])]);
            let found = MeanShift::family(std::slice::from_ref(&cut)).remove(0).expect("eight values each");
            assert_eq!(found.shift, 5.0);
            // Three levels of eight with r1 = −3/8: (−9 + 3)/12 is below 0, and is raised by a tenth of the standard error of 24.
            close(found.phi, 0.1 * standard_error(0.0, 24), 1e-15);
            let uncut = one(&a, &b).expect("enough values");
            assert!(uncut.shift == 2.5 && uncut.phi > 0.6, "{uncut:?}");
            // A present level of four is none to be compared.
            let short = Pair::of([Levels::cut(&a, []), Levels::cut(&b, [12])]);
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
    mod rank {
        use super::super::*;
        use proptest::prelude::*;

        #[track_caller]
        fn close(actual: f64, expected: f64) {
            assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
        }

        /// A, B, U of B, p, Hodges and Lehmann's shift, Cliff's delta.
        type Case<'a> = (&'a [f64], &'a [f64], f64, f64, f64, f64);

        #[test]
        fn the_statistics_agree_with_scipy() {
            // SciPy 1.17.1, `mannwhitneyu(b, a, method="asymptotic")`: U, p; NumPy 2.4.6, the median of
            // `subtract.outer(b, a)`; delta is 2U/(nm) − 1. The first data are the permeabilities in Hollander & Wolfe
            // 1973, Nonparametric Statistical Methods, table 4.1, whose shift from B to A is 0.305 there.
            let cases: [Case<'_>; 4] = [
                (
                    &[0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
                    &[1.15, 0.88, 0.90, 0.74, 1.21],
                    15.0,
                    0.244_623_605_126_983_33,
                    -0.305,
                    -0.4,
                ),
                (
                    &[1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0],
                    &[2.0, 3.0, 3.0, 5.0, 6.0, 7.0],
                    29.0,
                    0.275_916_484_053_085_55,
                    1.0,
                    0.380_952_380_952_380_95,
                ),
                (
                    &[19.0, 22.0, 16.0, 29.0, 24.0],
                    &[20.0, 11.0, 17.0, 12.0],
                    3.0,
                    0.111_346_886_533_141_04,
                    -7.0,
                    -0.7,
                ),
                (
                    &[0.0, 0.0, 1.0, 1.0, 1.0],
                    &[1.0, 1.0, 0.0, 1.0, 2.0, 2.0],
                    21.5,
                    0.225_872_355_889_138_23,
                    1.0,
                    0.433_333_333_333_333_35,
                ),
            ];
            for (a, b, u, p, shift, delta) in cases {
                let found = RankShift::of(a, b).expect("values on both sides");
                close(found.u, u);
                close(found.p, p);
                close(found.hodges_lehmann, shift);
                close(found.cliffs_delta, delta);
                assert_eq!(found.method, TrendMethod::Pairwise);
            }
        }

        #[test]
        fn equal_values_say_nothing_and_an_empty_side_is_no_comparison() {
            let same = RankShift::of(&[2.0; 5], &[2.0; 3]).expect("values on both sides");
            assert_eq!((same.u, same.p, same.hodges_lehmann, same.cliffs_delta), (7.5, 1.0, 0.0, 0.0));
            let zero = RankShift::of(&[0.0, -0.0], &[-0.0, 0.0]).expect("values on both sides");
            assert_eq!((zero.p, zero.cliffs_delta), (1.0, 0.0));
            assert_eq!(RankShift::of(&[], &[1.0]), None);
            assert_eq!(RankShift::of(&[1.0], &[]), None);
        }

        #[test]
        fn beyond_two_thousand_values_the_shift_comes_from_block_medians_and_the_rest_from_all() {
            let line = |n: u32, up: f64| (0..n).map(|at| f64::from(at % 10) + up).collect::<Vec<f64>>();
            let exact = RankShift::of(&line(2000, 0.0), &line(2000, 3.0)).expect("values");
            let blocks = RankShift::of(&line(20_000, 0.0), &line(2000, 3.0)).expect("values");
            assert_eq!((exact.method, exact.hodges_lehmann), (TrendMethod::Pairwise, 3.0));
            assert_eq!((blocks.method, blocks.hodges_lehmann), (TrendMethod::BlockMedians, 3.0));
            close(exact.cliffs_delta, blocks.cliffs_delta);
        }

        proptest! {
            #[test]
            fn the_other_way_round_everything_mirrors(
                a in proptest::collection::vec(proptest::sample::select(vec![0.0, 0.5, 1.0, 1.5, 9.0]), 1..12),
                b in proptest::collection::vec(proptest::sample::select(vec![0.0, 0.5, 1.0, 2.5]), 1..12),
            ) {
                let (there, back) = (RankShift::of(&a, &b), RankShift::of(&b, &a));
                let (there, back) = (there.expect("values"), back.expect("values"));
                prop_assert_eq!(there.u + back.u, (a.len() * b.len()) as f64);
                prop_assert!((there.p - back.p).abs() < 1e-12);
                prop_assert_eq!(there.hodges_lehmann, -back.hodges_lehmann);
                prop_assert!((there.cliffs_delta + back.cliffs_delta).abs() < 1e-12);
            }
        }
    }
    mod holm {
        use super::super::*;

        #[test]
        fn adjusted_values_agree_with_statsmodels() {
            // statsmodels 0.15.0, `multipletests(p, method="holm")[1]`.
            for (given, expected) in [
                ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
                ([0.001, 0.02, 0.02, 0.8], [0.004, 0.06, 0.06, 0.8]),
                ([0.3, 0.0125, 0.9, 0.2], [0.6, 0.05, 0.9, 0.6]),
            ] {
                for (p, expected) in holm_adjusted(&given.map(Some)).into_iter().zip(expected) {
                    let p = p.expect("every test has a value");
                    assert!((p - expected).abs() < 1e-12, "{p} is not {expected}");
                }
            }
        }

        #[test]
        fn a_test_that_could_not_be_made_still_belongs_to_the_family() {
            assert_eq!(
                holm_adjusted(&[Some(0.01), None, None, Some(0.5)]),
                [Some(0.04), None, None, Some(1.0)]
            );
            assert_eq!(holm_adjusted(&[]), Vec::<Option<f64>>::new());
        }
    }
}
