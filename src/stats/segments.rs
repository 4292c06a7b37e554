//! The levels of a series: for each of a few numbers of steps those that leave the smallest sum of squares.
//!
//! All steps are fitted together, so that none hides another: dynamic programming over the positions (Auger &
//! Lawrence 1989, Bull. Math. Biol. 51:39–54; Bai & Perron 2003, J. Appl. Econometrics 18:1–22), on a grid in long
//! series, whose steps are then moved one by one to where they fit best. Must not judge whether a step is chance.

use super::autocorrelation;
use super::summary::Sum;

/// Numbers of steps that are fitted.
pub const COUNTS: [usize; 6] = [1, 2, 3, 5, 8, 12];

/// A level has on average at least so many values: with fewer nearly any series looks like steps.
const ROOM: usize = 10;

/// Positions of a grid.
const GRID: usize = 256;

/// What rounding leaves of a value, as a share of it.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// A series on several levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Values.
    pub n: usize,
    /// Positions of the first value after each step, in the order of time.
    pub cuts: Vec<usize>,
    /// Means of the levels, one more than steps.
    pub means: Vec<f64>,
    /// Sum of squared residuals around the levels.
    pub squares: f64,
    /// Lag-1 autocorrelation of these residuals; 0 where there are none.
    pub r1: f64,
    /// Variance on each level as a share of that of all; empty where it is the same.
    pub spreads: Vec<f64>,
}

impl Fit {
    /// The best fit for each of [`COUNTS`] that has room, with at least `shortest` values on each level. Fits with
    /// more steps than one have `ROOM` unless `crowded`.
    pub fn each(values: &[f64], shortest: usize, crowded: bool) -> Vec<Self> {
        let n = values.len();
        let shortest = shortest.max(1);
        let level = if crowded { shortest } else { shortest.max(ROOM) };
        let has_room = |count: &&usize| {
            let level = if **count == 1 { shortest } else { level };
            (**count + 1) * level <= n
        };
        let Some(most) = COUNTS.iter().take_while(has_room).last() else { return Vec::new() };
        let left = Prefix::of(values);
        let of = |cuts: Vec<usize>| Self::around(values, left.settled(cuts, shortest));
        let one = of(vec![shortest]);
        if *most == 1 {
            return one.into_iter().collect();
        }
        let several = left.best(*most, shortest);
        let several = COUNTS[1..].iter().zip(several).filter_map(|(_, cuts)| of(cuts));
        one.into_iter().chain(several).collect()
    }

    /// The levels between these positions. `None` where a sum is no finite number.
    pub fn around(values: &[f64], cuts: Vec<usize>) -> Option<Self> {
        let n = values.len();
        let mut residuals = Vec::with_capacity(n);
        let mut means = Vec::with_capacity(cuts.len() + 1);
        for (start, end) in pieces(&cuts, n) {
            let part = &values[start..end];
            let mean = Sum::of(part.iter().copied()).divided_by(part.len());
            means.push(mean);
            // Equal values have no spread, however their mean is rounded.
            let least = ROUNDING * mean.abs();
            residuals.extend(
                part.iter().map(|value| value - mean).map(|e| if e.abs() <= least { 0.0 } else { e }),
            );
        }
        let squares = Sum::of(residuals.iter().map(|e| e * e)).total();
        let r1 = autocorrelation::lag1_of_residuals(&residuals).unwrap_or(0.0);
        squares.is_finite().then_some(Self { n, cuts, means, squares, r1, spreads: Vec::new() })
    }

    /// What is left of values around the levels.
    pub fn residuals(&self, values: &[f64]) -> Vec<f64> {
        let each = self.pieces().zip(&self.means);
        each.flat_map(|((start, end), mean)| values[start..end].iter().map(move |value| value - mean))
            .collect()
    }

    /// (start, end) of each level.
    pub fn pieces(&self) -> impl Iterator<Item = (usize, usize)> {
        pieces(&self.cuts, self.n)
    }

    /// Mean after a step less mean before it.
    pub fn shift(&self, step: usize) -> f64 {
        self.means[step + 1] - self.means[step]
    }

    /// Values on the levels before and after a step.
    pub fn sizes(&self, step: usize) -> (usize, usize) {
        let before = if step == 0 { 0 } else { self.cuts[step - 1] };
        let end = self.cuts.get(step + 1).copied().unwrap_or(self.n);
        (self.cuts[step] - before, end - self.cuts[step])
    }

    /// The standard error of a shift, for a process with this autocorrelation. `worth` is what the sum of squares ÷ n
    /// is worth on average as a share of the variance, where there is no step.
    pub fn error(&self, step: usize, phi: f64, worth: f64) -> f64 {
        let (before, after) = self.sizes(step);
        let spread = self.spreads.get(step..step + 2).map_or(1.0, |both| {
            let [one, other] = [before, after].map(|k| autocorrelation::variance_of_mean(k, phi));
            (both[0] * one + both[1] * other) / (one + other)
        });
        let variance = spread * self.squares / (self.n as f64 * worth);
        (variance * autocorrelation::variance_of_difference(before, after, phi)).sqrt()
    }

    /// The size of a shift in standard errors. Infinite where there are no residuals.
    pub fn size(&self, step: usize, phi: f64, worth: f64) -> f64 {
        let shift = self.shift(step);
        if shift.abs() <= ROUNDING * self.means[step].abs() {
            0.0
        } else {
            shift.abs() / self.error(step, phi, worth)
        }
    }

    /// The root of the mean square of the sizes of all steps.
    pub fn statistic(&self, phi: f64, worth: f64) -> f64 {
        let sizes = (0..self.cuts.len()).map(|step| self.size(step, phi, worth));
        (sizes.map(|size| size * size).sum::<f64>() / self.cuts.len() as f64).sqrt()
    }
}

/// (start, end) of each part between cuts.
pub(super) fn pieces(cuts: &[usize], n: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts.zip(cuts.iter().copied().chain(std::iter::once(n)))
}

/// Sums of the first values, around the mean of all, so that they stay small.
struct Prefix(Vec<f64>);

impl Prefix {
    fn of(values: &[f64]) -> Self {
        let centre = Sum::of(values.iter().copied()).divided_by(values.len());
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for value in values {
            sum += value - centre;
            sums.push(sum);
        }
        Self(sums)
    }

    fn n(&self) -> usize {
        self.0.len() - 1
    }

    /// What a level takes off the sum of squares.
    fn gain(&self, start: usize, end: usize) -> f64 {
        let sum = self.0[end] - self.0[start];
        sum * sum / (end - start) as f64
    }

    /// The best steps of each of [`COUNTS`] from 2 on, up to `most`.
    fn best(&self, most: usize, shortest: usize) -> Vec<Vec<usize>> {
        let step = self.n().div_ceil(GRID);
        let cells = self.n() / step;
        let short = shortest.div_ceil(step);
        let place = |edge: usize| if edge == cells { self.n() } else { edge * step };
        let sums: Vec<f64> = (0..=cells).map(|edge| self.0[place(edge)]).collect();
        // What is divided by: the lengths of all levels but those that end with the series.
        let shares: Vec<f64> = (0..=cells).map(|length| 1.0 / (length * step) as f64).collect();
        let gain = |start: usize, end: usize| {
            let sum = sums[end] - sums[start];
            let share =
                if end == cells { 1.0 / (self.n() - start * step) as f64 } else { shares[end - start] };
            sum * sum * share
        };
        let none = f64::NEG_INFINITY;
        let mut gains: Vec<f64> =
            (0..=cells).map(|end| if end < short { none } else { gain(0, end) }).collect();
        let mut from: Vec<Vec<usize>> = Vec::with_capacity(most);
        let mut found = Vec::new();
        for count in 1..=most {
            let mut last = vec![0; cells + 1];
            let mut next = vec![none; cells + 1];
            // The fit with the most steps is asked for the whole alone.
            let first = if count == most { cells } else { (count + 1) * short };
            for end in first..=cells {
                let starts = count * short..=end - short;
                let (mut best, mut at) = (none, 0);
                for (start, before) in starts.clone().zip(&gains[starts]) {
                    let total = before + gain(start, end);
                    if total > best {
                        (best, at) = (total, start);
                    }
                }
                (next[end], last[end]) = (best, at);
            }
            gains = next;
            from.push(last);
            if count > 1 && COUNTS.contains(&count) {
                let mut cuts = Vec::with_capacity(count);
                let mut end = cells;
                for last in from.iter().rev() {
                    end = last[end];
                    cuts.push(place(end));
                }
                cuts.reverse();
                found.push(cuts);
            }
        }
        found
    }

    /// Each step where it fits best between its neighbours.
    fn settled(&self, mut cuts: Vec<usize>, shortest: usize) -> Vec<usize> {
        if self.n() <= GRID && cuts.len() > 1 {
            return cuts;
        }
        for _ in 0..2 {
            for at in 0..cuts.len() {
                let start = if at == 0 { 0 } else { cuts[at - 1] };
                let end = cuts.get(at + 1).copied().unwrap_or(self.n());
                let places = start + shortest..=end - shortest;
                let total = |cut: usize| self.gain(start, cut) + self.gain(cut, end);
                let best = places.map(|cut| (cut, total(cut)));
                cuts[at] =
                    best.fold((cuts[at], -1.0), |best, next| if next.1 > best.1 { next } else { best }).0;
            }
        }
        cuts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reference::{COAL, NILE, REAL_INTEREST};
    use super::*;

    /// Sum of squares around the means of the levels, by the definition.
    fn squares(values: &[f64], cuts: &[usize]) -> f64 {
        let around = |(start, end): (usize, usize)| {
            let part = &values[start..end];
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            part.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
        };
        pieces(cuts, values.len()).map(around).sum()
    }

    #[test]
    fn the_best_levels_of_published_series_are_those_of_ruptures() {
        // ruptures 1.1.10, `Dynp(model="l2", min_size=6, jump=1)`, for 1, 2, 3 and 5 steps.
        let expected: [(&[f64], [&[usize]; 4]); 3] = [
            (&NILE, [&[28], &[19, 28], &[10, 19, 28], &[10, 19, 28, 83, 94]]),
            (&REAL_INTEREST, [&[79], &[47, 79], &[47, 76, 82], &[47, 55, 76, 82, 88]]),
            (&COAL, [&[36], &[36, 97], &[36, 79, 92], &[15, 32, 41, 79, 92]]),
        ];
        for (values, cuts) in expected {
            let found: Vec<Vec<usize>> =
                Fit::each(values, 6, false).into_iter().map(|fit| fit.cuts).collect();
            assert_eq!(found[..4], cuts);
        }
    }

    #[test]
    fn levels_of_a_few_values_are_computed_as_by_hand() {
        // 1 2 3 | 11 12 13: means 2 and 12, squares 2 + 2, residuals -1 0 1 -1 0 1: Σe·e' = 0+0-1+0+0 → r1 = -1/4.
        let values = [1.0, 2.0, 3.0, 11.0, 12.0, 13.0];
        let fits = Fit::each(&values, 2, true);
        let expected =
            Fit { n: 6, cuts: vec![3], means: vec![2.0, 12.0], squares: 4.0, r1: -0.25, spreads: vec![] };
        assert_eq!(fits[0], expected);
        // White noise: variance 4/6, error √(4/6·(1/3 + 1/3)) = 2/3, so 15 errors; half of that for worth 1/4.
        assert!((fits[0].statistic(0.0, 1.0) - 15.0).abs() < 1e-12);
        assert!((fits[0].statistic(0.0, 0.25) - 7.5).abs() < 1e-12);
        // 1 2 | 3 11 | 12 13: shifts 5.5 and 5.5, squares 1/2 + 32 + 1/2.
        assert_eq!(fits[1].squares, squares(&values, &fits[1].cuts));
        assert_eq!(Fit::each(&values[..3], 2, true), []);
    }

    #[test]
    fn several_steps_have_room_from_ten_values_a_level_on() {
        let steps = |n: usize, shortest: usize| -> Vec<usize> {
            let values: Vec<f64> = (0..n).map(|at| (at * 7 % 13) as f64).collect();
            Fit::each(&values, shortest, false).iter().map(|fit| fit.cuts.len()).collect()
        };
        assert_eq!(steps(29, 6), [1]);
        assert_eq!(steps(30, 6), [1, 2]);
        assert_eq!(steps(130, 6), COUNTS);
        // Longer levels leave room for fewer.
        assert_eq!(steps(130, 30), [1, 2, 3]);
        assert_eq!(steps(11, 6), [0; 0]);
    }

    #[test]
    fn equal_values_leave_nothing_however_their_mean_is_rounded() {
        for (low, high, n) in [(300.1, 330.7, 97), (0.1, 0.3, 61), (1e9 + 0.1, 1e9 + 7.3, 333)] {
            let values: Vec<f64> = (0..n).map(|at| if at < n / 2 { low } else { high }).collect();
            let fit = &Fit::each(&values, 6, false)[0];
            assert_eq!((fit.cuts[0], fit.squares, fit.r1), (n / 2, 0.0, 0.0));
            assert_eq!(fit.statistic(0.0, 1.0), f64::INFINITY);
            let still = &Fit::each(&values[n / 2..], 6, false)[0];
            assert_eq!(still.statistic(0.0, 1.0), 0.0);
        }
    }

    #[test]
    fn steps_of_a_long_series_lie_where_they_are_and_not_on_a_grid() {
        let at = [101, 333, 519, 701, 953];
        let wave = |at: usize| (at * 7919 % 101) as f64 / 100.0 - 0.5;
        let level = |place: usize| at.iter().filter(|at| **at <= place).count() % 2;
        let values: Vec<f64> = (0..1000).map(|place| 3.0 * level(place) as f64 + wave(place)).collect();
        let fits = Fit::each(&values, 6, false);
        let five = fits.iter().find(|fit| fit.cuts.len() == 5).expect("room for five");
        assert_eq!(five.cuts, at);
        assert!((five.squares - squares(&values, &at)).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_best_levels_are_the_best_of_all(
            values in proptest::collection::vec(
                prop_oneof![-9.0..9.0_f64, proptest::sample::select(vec![0.0, 1.0])], 18..40)
        ) {
            let n = values.len();
            let fits = Fit::each(&values, 6, true);
            let one = (6..=n - 6).map(|cut| squares(&values, &[cut])).fold(f64::INFINITY, f64::min);
            let pairs = (6..=n - 12).flat_map(|first| (first + 6..=n - 6).map(move |second| [first, second]));
            let two = pairs.map(|cuts| squares(&values, &cuts)).fold(f64::INFINITY, f64::min);
            for (fit, best) in fits.iter().zip([one, two]) {
                prop_assert!((fit.squares - best).abs() <= 1e-9 * (1.0 + best), "{} is not {best}", fit.squares);
            }
        }
    }
}
