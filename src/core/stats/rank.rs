//! Two samples compared by rank: they say what the mean does not, that a few wild values play no part.
//!
//! They take values as independent; where neighbours resemble each other their p-value is too small. Must not
//! decide anything.

use std::f64::consts::SQRT_2;

use super::summary::median;
use super::trend::TrendMethod;

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

#[cfg(test)]
mod tests {
    use super::*;
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
