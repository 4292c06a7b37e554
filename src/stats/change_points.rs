//! Changes of level: where a series stepped up or down, by how much, and how likely such a step is by chance.
//!
//! The split that fits best in the sense of least squares, searched again in both halves (binary segmentation:
//! Scott & Knott 1974, Biometrics 30:507–512; Vostrikova 1981, Soviet Math. Doklady 24:55–59). Autocorrelation
//! is estimated from the residuals around the fitted step, so that the step itself does not look like it; what
//! fitting a step to nothing does to it, and to the residuals' size, is taken out with simulated means.
//! Long stretches are searched in halves as well, as in seeded binary segmentation (Kovács and others 2023,
//! Biometrika 110:249–256). p-values come from simulated distributions of the best split where there is none (`critical_values`), so the
//! search over positions is paid for. Must not know what a value means.

use super::autocorrelation;
use super::critical_values::{LEVELS, NS, PHIS, QUANTILES, RESIDUAL_R1, RESIDUAL_VARIANCE};
use super::distributions::normal_quantile;
use super::summary::Sum;
use super::summary::median;

/// Shortest segment that the distributions were made with; a search may ask for longer ones alone, which makes
/// it more careful.
pub const SHORTEST: usize = 6;

/// Fewest values to search.
pub const FEWEST: usize = NS[0];

/// Longer series are searched in blocks of neighbours.
pub const LONGEST: usize = NS[NS.len() - 1];

/// Splits of one series that are told.
const MOST: usize = 20;

/// The split of a stretch that leaves the smallest sum of squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Values before it.
    pub before: usize,
    /// Mean of all after it less mean of all before it.
    pub shift: f64,
    /// Sum of squared residuals around the two means.
    pub squares: f64,
    /// Lag-1 autocorrelation of these residuals; 0 where there are none.
    pub r1: f64,
}

impl Split {
    /// The best split, with at least `shortest` values on each side. `None` where there is no room for one.
    pub fn of(values: &[f64], shortest: usize) -> Option<Self> {
        let n = values.len();
        let shortest = shortest.max(1);
        if n < 2 * shortest {
            return None;
        }
        // Around the mean, so that the sums stay small.
        let centre = Sum::of(values.iter().copied()).divided_by(n);
        let mut left = Vec::with_capacity(n);
        let mut sum = 0.0;
        for value in values {
            sum += value - centre;
            left.push(sum);
        }
        let total = sum;
        let shift = |before: usize| {
            let (k, rest) = (before as f64, (n - before) as f64);
            (total - left[before - 1]) / rest - left[before - 1] / k
        };
        let gain = |before: usize| {
            let shift = shift(before);
            shift * shift * before as f64 * (n - before) as f64
        };
        let best = (shortest..=n - shortest).map(|before| (before, gain(before)));
        let (before, _) = best.fold((shortest, -1.0), |best, next| if next.1 > best.1 { next } else { best });
        let low = centre + left[before - 1] / before as f64;
        let high = low + shift(before);
        let level = |at: usize| if at < before { low } else { high };
        let residuals: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - level(at)).collect();
        let squares = Sum::of(residuals.iter().map(|e| e * e)).total();
        let r1 = autocorrelation::lag1_of_residuals(&residuals).unwrap_or(0.0);
        let split = Self { before, shift: shift(before), squares, r1 };
        (split.shift.is_finite() && squares.is_finite()).then_some(split)
    }

    /// The size of the shift in standard errors, for a process with this autocorrelation. `worth` is what the
    /// sum of squares ÷ n is worth on average as a share of the variance, where there is no step.
    /// Infinite when there are no residuals.
    pub fn statistic(&self, n: usize, phi: f64, worth: f64) -> f64 {
        if self.shift == 0.0 {
            return 0.0;
        }
        self.shift.abs() / self.error(n, phi, worth)
    }

    /// The standard error of the shift.
    fn error(&self, n: usize, phi: f64, worth: f64) -> f64 {
        let variance = self.squares / (n as f64 * worth);
        (variance * autocorrelation::variance_of_difference(self.before, n - self.before, phi)).sqrt()
    }
}

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Position of the first value after it.
    pub at: usize,
    /// Values on the level before it.
    pub n_before: usize,
    /// Values on the level after it.
    pub n_after: usize,
    /// Mean of the level before.
    pub before: f64,
    /// Mean of the level after.
    pub after: f64,
    /// Lower end of a 95 % interval of the shift that allows for the search.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Autocorrelation of the residuals around the step.
    pub phi: f64,
    /// How many independent values those of the stretch that was searched are worth.
    pub n_eff: f64,
    /// The probability of a best split like this where there is no step, the search included; one series alone.
    pub p: f64,
    /// Whether `p` is at the end of the tables (`LEVELS`) and may be any smaller one.
    pub is_p_at_most: bool,
    /// The same without an end of the tables: an upper bound, for a family so large that `p` can decide nothing.
    pub tail: f64,
    /// Whether a straight line through the stretch fits better than the step.
    pub gradual: bool,
}

/// The smallest probability that the tables know of a long stretch.
const SMALLEST_P: f64 = LEVELS[LEVELS.len() - 1] / OF_WHOLE;

impl Step {
    /// The probability to hold against `alpha`: that of the tables where they reach so far.
    pub fn p_for(&self, alpha: f64) -> f64 {
        if alpha < SMALLEST_P { self.tail } else { self.p }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    /// Values that stand in for each value searched: 1, or the length of blocks in a long series.
    pub block: usize,
    /// Short excursions, taken out before the search unless a tenth of the values and more belong to one.
    pub spikes: Vec<Spike>,
    /// The best split of the whole, however likely by chance; `None` when the values behave like a walk
    /// without a level, or do not vary.
    pub best: Option<Step>,
    /// The values searched: without spikes, in blocks.
    values: Vec<f64>,
    shortest: usize,
}

impl Searched {
    /// Searches values in the order of time. `floor`: what deviates by no more is no spike. `None` with fewer
    /// than [`FEWEST`] values.
    pub fn of(values: &[f64], shortest: usize, floor: f64) -> Option<Self> {
        if values.len() < FEWEST {
            return None;
        }
        let spikes = find_spikes(values, floor);
        let clean = without_rare_spikes(values, &spikes);
        let block = clean.len().div_ceil(LONGEST);
        // Medians of blocks: a short excursion in one is no step of it.
        let values: Vec<f64> = if block == 1 {
            clean
        } else {
            clean.chunks(block).filter_map(|part| median(&mut part.to_vec())).collect()
        };
        let shortest = shortest.div_ceil(block).max(SHORTEST);
        let best = tested(&values, 0, shortest).map(|step| in_values(step, block));
        Some(Self { block, spikes, best, values, shortest })
    }

    /// All steps whose probability is at most `alpha`, in the order of time: the best of the whole, then of the
    /// parts before and after it, and so on.
    pub fn steps(&self, alpha: f64) -> Vec<Step> {
        let mut found: Vec<Step> = Vec::new();
        let mut open: Vec<std::ops::Range<usize>> = Vec::new();
        open.push(0..self.values.len());
        while let Some(part) = open.pop() {
            let Some(step) = tested(&self.values[part.clone()], part.start, self.shortest) else { continue };
            if step.p_for(alpha) <= alpha && found.len() < MOST {
                found.push(step);
                open.push(step.at..part.end);
                open.push(part.start..step.at);
            }
        }
        found.sort_by_key(|step| step.at);
        self.between_neighbours(&mut found);
        found.into_iter().map(|step| in_values(step, self.block)).collect()
    }

    /// Levels reach from one step to the next.
    fn between_neighbours(&self, steps: &mut [Step]) {
        let edges: Vec<usize> = std::iter::once(0)
            .chain(steps.iter().map(|step| step.at))
            .chain(std::iter::once(self.values.len()))
            .collect();
        for (step, around) in steps.iter_mut().zip(edges.windows(3)) {
            let mean = |part: std::ops::Range<usize>| {
                Sum::of(self.values[part.clone()].iter().copied()).divided_by(part.len())
            };
            let (before, after) = (mean(around[0]..around[1]), mean(around[1]..around[2]));
            let moved = (after - before) - (step.after - step.before);
            (step.before, step.after) = (before, after);
            (step.low, step.high) = (step.low + moved, step.high + moved);
            (step.n_before, step.n_after) = (around[1] - around[0], around[2] - around[1]);
        }
    }
}

/// Stretches from this length on are also searched in three overlapping halves: where a level comes back, one step
/// fits the whole badly.
const HALVED: usize = 96;

/// The share of the false alarms that the search of the whole may raise; the halves share the rest.
const OF_WHOLE: f64 = 0.75;

/// The likeliest split of a stretch that begins at `start`: of the whole, or of one of its halves, with the
/// probability corrected for the choice (Bonferroni, weighted).
fn tested(values: &[f64], start: usize, shortest: usize) -> Option<Step> {
    let n = values.len();
    if n < HALVED {
        return split_of(values, start, shortest);
    }
    let (quarter, half) = (n / 4, n / 2);
    let of_half = (1.0 - OF_WHOLE) / 3.0;
    let parts =
        [(0..n, OF_WHOLE), (0..half, of_half), (quarter..quarter + half, of_half), (n - half..n, of_half)];
    let weighted = parts.into_iter().filter_map(|(part, share)| {
        let step = split_of(&values[part.clone()], start + part.start, shortest)?;
        Some(Step { p: (step.p / share).min(1.0), tail: (step.tail / share).min(1.0), ..step })
    });
    // The first of equals: the whole says more than a half.
    weighted.reduce(|best, next| if next.p < best.p { next } else { best })
}

/// The best split of a stretch that begins at `start`, tested.
fn split_of(values: &[f64], start: usize, shortest: usize) -> Option<Step> {
    let n = values.len();
    if n < FEWEST {
        return None;
    }
    let split = Split::of(values, shortest)?;
    let law = Law::of(n);
    let (phi, worth) = law.residuals(split.r1)?;
    let statistic = split.statistic(n, phi, worth);
    if statistic == 0.0 {
        return None;
    }
    let p = law.p_value(statistic, phi);
    let half = law.critical(0.05, phi) * split.error(n, phi, worth);
    let mean = |part: &[f64]| Sum::of(part.iter().copied()).divided_by(part.len());
    let before = mean(&values[..split.before]);
    Some(Step {
        at: start + split.before,
        n_before: split.before,
        n_after: n - split.before,
        before,
        after: before + split.shift,
        low: split.shift - half,
        high: split.shift + half,
        phi,
        n_eff: autocorrelation::effective_n(n, phi),
        p,
        tail: law.tail(statistic, phi),
        is_p_at_most: p <= LEVELS[LEVELS.len() - 1],
        gradual: squares_around_line(values) < split.squares,
    })
}

/// A step between blocks as one between values.
fn in_values(step: Step, block: usize) -> Step {
    Step {
        at: step.at * block,
        n_before: step.n_before * block,
        n_after: step.n_after * block,
        n_eff: step.n_eff,
        ..step
    }
}

fn squares_around_line(values: &[f64]) -> f64 {
    let n = values.len();
    let (mean, centre) = (Sum::of(values.iter().copied()).divided_by(n), (n as f64 - 1.0) / 2.0);
    let numbered = || values.iter().enumerate().map(|(at, value)| (at as f64 - centre, value - mean));
    let width = Sum::of(numbered().map(|(x, _)| x * x)).total();
    let slope = Sum::of(numbered().map(|(x, y)| x * y)).total() / width;
    Sum::of(numbered().map(|(x, y)| (y - slope * x) * (y - slope * x))).total()
}

// The distribution of the best split of a series without a step, for its length and autocorrelation: looked up
// in the simulated tables and interpolated between their rows.
//
// Must not go beyond the tables: outside of them nothing is claimed.

/// By so many standard errors the autocorrelation is raised before a row of the table is chosen: it is estimated,
/// and a low estimate goes with a large statistic. With 2 the false alarms of four series together stay
/// below 5 % up to φ = 0.5 from 48 values on (see the table of error rates in `deploy/statistics`).
const CAUTION: f64 = 2.0;

/// The tables at one length.
#[derive(Clone, Debug)]
pub struct Law {
    n: usize,
    r1: [f64; PHIS.len()],
    variance: [f64; PHIS.len()],
    quantiles: [[f64; LEVELS.len()]; PHIS.len()],
}

impl Law {
    /// For so many values; lengths outside of the tables are taken as the nearest in them.
    pub fn of(n: usize) -> Self {
        let upper = NS.iter().position(|known| *known >= n).unwrap_or(NS.len() - 1);
        let lower = if NS[upper] > n { upper.saturating_sub(1) } else { upper };
        // What is estimated approaches its limit like 1/n.
        let place = |n: usize| 1.0 / n as f64;
        let inside = n.clamp(NS[0], NS[NS.len() - 1]);
        let share = if lower == upper {
            0.0
        } else {
            (place(NS[lower]) - place(inside)) / (place(NS[lower]) - place(NS[upper]))
        };
        let between = |low: f64, high: f64| low + share * (high - low);
        let row = |table: &[[f64; PHIS.len()]; NS.len()]| {
            std::array::from_fn(|phi| between(table[lower][phi], table[upper][phi]))
        };
        Self {
            n,
            r1: row(&RESIDUAL_R1),
            variance: row(&RESIDUAL_VARIANCE),
            quantiles: std::array::from_fn(|phi| {
                std::array::from_fn(|level| {
                    between(QUANTILES[lower][phi][level], QUANTILES[upper][phi][level])
                })
            }),
        }
    }

    /// φ from the autocorrelation of the residuals around the best split, and what the mean of their squares is
    /// worth as a share of the variance: the process whose residuals look like this on average, where there is
    /// no step. `None` when no process of the tables does: the values walk without a level.
    pub fn residuals(&self, r1: f64) -> Option<(f64, f64)> {
        let last = PHIS.len() - 1;
        if r1 >= self.r1[last] {
            return None;
        }
        if r1 <= self.r1[0] {
            return Some((PHIS[0], self.variance[0]));
        }
        let above = (1..last).find(|at| self.r1[*at] > r1).unwrap_or(last);
        let share = (r1 - self.r1[above - 1]) / (self.r1[above] - self.r1[above - 1]);
        let between = |row: &[f64; PHIS.len()]| row[above - 1] + share * (row[above] - row[above - 1]);
        Some((between(&PHIS), between(&self.variance)))
    }

    /// The statistic that is exceeded with probability `level` where there is no step. Between the levels of the
    /// tables the logarithm of the probability is interpolated.
    pub fn critical(&self, level: f64, phi: f64) -> f64 {
        let row = self.row(phi);
        let above = LEVELS.iter().position(|known| *known <= level).unwrap_or(LEVELS.len() - 1).max(1);
        let place = |level: f64| libm::log(level);
        let share =
            (place(level) - place(LEVELS[above - 1])) / (place(LEVELS[above]) - place(LEVELS[above - 1]));
        row[above - 1] + share.clamp(0.0, 1.0) * (row[above] - row[above - 1])
    }

    /// The probability of a statistic at least as large where there is no step; not below the last level.
    pub fn p_value(&self, statistic: f64, phi: f64) -> f64 {
        let row = self.row(phi);
        let Some(above) = row.iter().position(|known| *known > statistic) else {
            return LEVELS[LEVELS.len() - 1];
        };
        if above == 0 {
            return 1.0 - (1.0 - LEVELS[0]) * statistic / row[0];
        }
        let share = (statistic - row[above - 1]) / (row[above] - row[above - 1]);
        let (low, high) = (libm::log(LEVELS[above - 1]), libm::log(LEVELS[above]));
        libm::exp(low + share * (high - low))
    }

    /// The same, also beyond the tables: there the tail is taken to fall like a power of the statistic, as fast as at
    /// the end of the tables. Tails of normal values fall faster, so it is an upper bound.
    pub fn tail(&self, statistic: f64, phi: f64) -> f64 {
        let row = self.row(phi);
        let [from, to] = [LEVELS.len() - 4, LEVELS.len() - 1];
        if statistic <= row[to] {
            return self.p_value(statistic, phi);
        }
        let power = libm::log(LEVELS[from] / LEVELS[to]) / libm::log(row[to] / row[from]);
        LEVELS[to] * libm::pow(row[to] / statistic, power)
    }

    /// The quantiles for a process somewhat more autocorrelated than the estimate.
    fn row(&self, phi: f64) -> [f64; LEVELS.len()] {
        let last = PHIS.len() - 1;
        let raised =
            (phi + CAUTION * autocorrelation::standard_error(phi, self.n)).clamp(PHIS[0], PHIS[last]);
        let above = (1..last).find(|at| PHIS[*at] > raised).unwrap_or(last);
        let share = (raised - PHIS[above - 1]) / (PHIS[above] - PHIS[above - 1]);
        std::array::from_fn(|level| {
            let (low, high) = (self.quantiles[above - 1][level], self.quantiles[above][level]);
            low + share * (high - low)
        })
    }
}

// Short excursions that come back: found beside the median of their neighbourhood, so that a change of level
// is none.
//
// Hampel's identifier over a moving window (Davies & Gather 1993, J. Am. Stat. Assoc. 88:782–792; Pearson
// 2002, IEEE Trans. Control Syst. Technol. 10:55–63). Must not judge whether a spike is bad.

/// Values in a neighbourhood, the one in the middle included; a spike must be shorter than half of it.
const NEIGHBOURHOOD: usize = 13;

/// A run of so many outlying values is a level and no spike.
pub const SHORTEST_LEVEL: usize = 6;

/// Makes the median absolute deviation of normal values their standard deviation.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// The probability of any spike in a series of independent normal values would be this …
const FALSE_ALARM: f64 = 0.01;

/// … were deviations from a moving median normal; they are not, the less the more neighbours resemble each other, and so the limit is raised.
const HEAVIER_TAILS: f64 = 1.6;

/// Values that leave their neighbourhood and come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// Position of the first of them.
    pub first: usize,
    /// Position of the last of them.
    pub last: usize,
    /// The value that is farthest away.
    pub value: f64,
    /// The median of its neighbourhood.
    pub usual: f64,
}

/// The spikes among values in the order of time; what deviates by no more than `floor` is none.
///
/// A value is outlying when it is farther from the median of the 13 values around it than
/// `1.6·z(1 − 0.01/2n)·1.4826·MAD`, the median absolute deviation of all values from those medians. Up to 5
/// outlying values in a row on the same side are a spike. With fewer than 13 values there is none to be told.
pub fn find_spikes(values: &[f64], floor: f64) -> Vec<Spike> {
    let n = values.len();
    if n < NEIGHBOURHOOD {
        return Vec::new();
    }
    let usual = moving_median(values);
    let mut sizes: Vec<f64> = values.iter().zip(&usual).map(|(value, usual)| (value - usual).abs()).collect();
    let scale = MAD_TO_SIGMA * median(&mut sizes).unwrap_or(0.0);
    let z = normal_quantile(1.0 - FALSE_ALARM / (2.0 * n as f64)).unwrap_or(f64::INFINITY);
    let limit = (HEAVIER_TAILS * z * scale).max(floor);
    // +1 above, −1 below, 0 inside.
    let side = |at: usize| {
        let off = values[at] - usual[at];
        if off.abs() > limit { off.signum() } else { 0.0 }
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < n {
        let this = side(at);
        let end = (at..n).find(|next| side(*next) != this).unwrap_or(n);
        if this != 0.0 && end - at < SHORTEST_LEVEL {
            let off = |at: &usize| (values[*at] - usual[*at]).abs();
            let worst = (at..end).max_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(at);
            found.push(Spike { first: at, last: end - 1, value: values[worst], usual: usual[worst] });
        }
        at = end;
    }
    found
}

/// The median of the 13 values around each; near the ends of the first or last 13.
fn moving_median(values: &[f64]) -> Vec<f64> {
    let half = NEIGHBOURHOOD / 2;
    let mut near: [f64; NEIGHBOURHOOD] = std::array::from_fn(|at| values[at]);
    near.sort_unstable_by(f64::total_cmp);
    let mut medians = vec![near[half]; half + 1];
    for (leaves, comes) in values.iter().zip(&values[NEIGHBOURHOOD..]) {
        // Sorted all the time: the place of the one that leaves is closed towards that of the one that comes.
        let gone = near.partition_point(|known| known.total_cmp(leaves).is_lt());
        if comes.total_cmp(leaves).is_gt() {
            let to = near.partition_point(|known| known.total_cmp(comes).is_lt()) - 1;
            near.copy_within(gone + 1..=to, gone);
            near[to] = *comes;
        } else {
            let to = near.partition_point(|known| known.total_cmp(comes).is_lt());
            near.copy_within(to..gone, to + 1);
            near[to] = *comes;
        }
        medians.push(near[half]);
    }
    medians.resize(values.len(), near[half]);
    medians
}

/// The same while spikes are less than one in ten values; where they are more common, they are how the series
/// behaves, and what is left without them would be another series.
pub fn without_rare_spikes(values: &[f64], spikes: &[Spike]) -> Vec<f64> {
    let spiky: usize = spikes.iter().map(|spike| spike.last + 1 - spike.first).sum();
    if spiky * 10 > values.len() { values.to_vec() } else { without_spikes(values, spikes) }
}

/// The values with each spike replaced by what is usual around it.
pub fn without_spikes(values: &[f64], spikes: &[Spike]) -> Vec<f64> {
    let mut clean = values.to_vec();
    for spike in spikes {
        clean[spike.first..=spike.last].fill(spike.usual);
    }
    clean
}

#[cfg(test)]
mod tests {
    mod steps {
        use proptest::prelude::*;

        use super::super::super::reference::{COAL, NILE, REAL_INTEREST};
        use super::super::*;

        /// Sum of squares around the two means, by the definition.
        fn squares(values: &[f64], before: usize) -> f64 {
            let around = |part: &[f64]| {
                let mean = part.iter().sum::<f64>() / part.len() as f64;
                part.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
            };
            around(&values[..before]) + around(&values[before..])
        }

        #[test]
        fn the_nile_stepped_down_after_1898() {
            // The dam of Aswan: 28 years before, 72 after, means 1097.75 and 849.97 (Cobb 1978, Biometrika
            // 65:243–251).
            let split = Split::of(&NILE, SHORTEST).expect("100 values");
            assert_eq!(split.before, 28);
            assert!((split.shift - (849.972_222_222_222_2 - 1097.75)).abs() < 1e-9, "{split:?}");
            assert!((split.squares - squares(&NILE, 28)).abs() < 1e-6);
            let searched = Searched::of(&NILE, SHORTEST, 0.0).expect("100 values");
            let steps = searched.steps(0.0125);
            assert_eq!(steps.len(), 1, "{steps:?}");
            assert_eq!((steps[0].at, steps[0].n_before, steps[0].n_after), (28, 28, 72));
            assert!(steps[0].p <= 0.001 && steps[0].high < -100.0, "{steps:?}");
            assert!(!steps[0].gradual);
        }

        #[test]
        fn the_real_interest_rate_changed_in_1972_and_1980() {
            // Bai & Perron 2003, J. Appl. Econometrics 18:1–22, section 5: with two breaks 1972:3 and 1980:3, with one the
            // latter. strucchange 1.5-3 (R 4.2.2), `breakpoints(RealInt ~ 1)`: 79, and 47 and 79; means 1.355037, −1.796138 and
            // 5.64289.
            let split = Split::of(&REAL_INTEREST, SHORTEST).expect("103 values");
            assert_eq!(split.before, 79);
            assert!((split.squares - 645.0).abs() < 0.05, "{split:?}");
            let steps = Searched::of(&REAL_INTEREST, SHORTEST, 0.0).expect("103 values").steps(0.05);
            assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [47, 79]);
            for (found, expected) in [steps[0].before, steps[0].after, steps[1].after]
                .into_iter()
                .zip([1.355_037, -1.796_138, 5.642_89])
            {
                assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            }
        }

        #[test]
        fn disasters_in_coal_mines_became_rarer_after_1886() {
            // ruptures 1.1.10, `Dynp(model="l2", min_size=6, jump=1)`, and strucchange 1.5-3, `breakpoints(x ~ 1, h = 6)`: after
            // 36 years. The posterior mode for counts of Poisson is 1891 (Carlin, Gelfand & Smith 1992, Appl. Stat.
            // 41:389–405), after 41: there the larger scatter of the years with more disasters counts for less, least squares
            // take all years as equally sure.
            let split = Split::of(&COAL, SHORTEST).expect("112 values");
            assert_eq!(split.before, 36);
            assert!((split.shift - (74.0 / 76.0 - 117.0 / 36.0)).abs() < 1e-12, "{split:?}");
            let steps = Searched::of(&COAL, SHORTEST, 0.0).expect("112 values").steps(0.0125);
            assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [36]);
            assert!(steps[0].p <= 0.001, "{steps:?}");
        }

        #[test]
        fn a_split_of_a_few_values_is_computed_as_by_hand() {
            // 1 2 3 | 11 12 13: means 2 and 12, squares 2 + 2, residuals -1 0 1 -1 0 1: Σe·e' = 0+0-1+0+0 → r1 = -1/4.
            let split = Split::of(&[1.0, 2.0, 3.0, 11.0, 12.0, 13.0], 2).expect("6 values");
            assert_eq!(split, Split { before: 3, shift: 10.0, squares: 4.0, r1: -0.25 });
            assert_eq!(Split::of(&[1.0, 2.0, 3.0], 2), None);
            // White noise: variance 4/6, error √(4/6·(1/3 + 1/3)) = 2/3, so 15 errors; half of that for worth 1/4.
            assert!((split.statistic(6, 0.0, 1.0) - 15.0).abs() < 1e-12);
            assert!((split.statistic(6, 0.0, 0.25) - 7.5).abs() < 1e-12);
        }

        proptest! {
            #[test]
            fn the_best_split_is_the_best_of_all(
                values in proptest::collection::vec(prop_oneof![-9.0..9.0_f64, proptest::sample::select(vec![0.0, 1.0])], 12..60)
            ) {
                let split = Split::of(&values, SHORTEST).expect("room for a split");
                let best = (SHORTEST..=values.len() - SHORTEST)
                    .map(|before| squares(&values, before))
                    .fold(f64::INFINITY, f64::min);
                prop_assert!((split.squares - best).abs() <= 1e-9 * (1.0 + best), "{} is not {best}", split.squares);
            }

            #[test]
            fn the_unit_of_the_values_plays_no_part(
                values in proptest::collection::vec(-9.0..9.0_f64, 48..80),
                place in -1e3..1e3_f64,
            ) {
                let other: Vec<f64> = values.iter().map(|value| place + 0.125 * value).collect();
                let (one, two) = (Searched::of(&values, SHORTEST, 0.0), Searched::of(&other, SHORTEST, 0.0));
                let (one, two) = (one.expect("values"), two.expect("values"));
                if let (Some(one), Some(two)) = (one.best, two.best) {
                    prop_assert_eq!(one.at, two.at);
                    prop_assert!((one.p - two.p).abs() < 1e-6, "{} and {}", one.p, two.p);
                }
            }
        }

        #[test]
        fn probabilities_fall_with_the_statistic_and_rise_with_the_autocorrelation() {
            for n in [24, 48, 60, 1000, 5000] {
                let law = Law::of(n);
                for phi in [0.0, 0.3, 0.62, 0.9] {
                    let p: Vec<f64> = (0..400).map(|at| law.p_value(f64::from(at) / 8.0, phi)).collect();
                    assert!(p.is_sorted_by(|a, b| a >= b), "{n} {phi}: {p:?}");
                    assert_eq!((p[0], p[399]), (1.0, *LEVELS.last().expect("levels")));
                    assert!(law.p_value(3.5, phi) <= law.p_value(3.5, (phi + 0.1).min(0.95)));
                    // The quantile of a probability has that probability.
                    for level in [0.05, 0.0125, 0.004] {
                        let back = law.p_value(law.critical(level, phi), phi);
                        assert!((back - level).abs() < 1e-9, "{back} is not {level}");
                    }
                }
            }
        }

        #[test]
        fn residuals_that_look_like_noise_have_no_memory_and_a_walk_has_no_level() {
            let law = Law::of(48);
            assert_eq!(law.residuals(-0.9).map(|(phi, _)| phi), Some(0.0));
            assert_eq!(law.residuals(0.999), None);
            let phis: Vec<f64> =
                (0..60).filter_map(|at| law.residuals(f64::from(at) / 100.0)).map(|(phi, _)| phi).collect();
            assert!(phis.is_sorted() && phis.len() > 40, "{phis:?}");
        }

        #[test]
        fn two_steps_are_found_with_their_levels_also_where_the_first_level_comes_back() {
            let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
            let level = |at: usize| [3.0, 6.0, 4.5][at / 40];
            let values: Vec<f64> = (0..120).map(|at| level(at) + wave(at)).collect();
            let steps = Searched::of(&values, SHORTEST, 0.0).expect("120 values").steps(0.0125);
            assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [40, 80]);
            let back: Vec<f64> = (0..120).map(|at| [3.0, 1.0, 3.0][at / 40] + wave(at)).collect();
            let found = Searched::of(&back, SHORTEST, 0.0).expect("120 values").steps(0.0125);
            assert_eq!(found.iter().map(|step| step.at).collect::<Vec<_>>(), [40, 80]);
            assert!((steps[0].before - 3.0).abs() < 0.05 && (steps[0].after - 6.0).abs() < 0.05);
            assert!((steps[1].before - 6.0).abs() < 0.05 && (steps[1].after - 4.5).abs() < 0.05);
            assert!(steps.iter().all(|step| step.n_before == 40 && step.n_after == 40));
        }

        #[test]
        fn a_long_series_is_searched_in_blocks_and_a_line_is_called_gradual() {
            let wave = |at: usize| (at * 7919 % 101) as f64 / 100.0 - 0.5;
            let values: Vec<f64> =
                (0..100_000).map(|at| if at < 60_000 { 3.0 } else { 2.0 } + wave(at)).collect();
            let searched = Searched::of(&values, SHORTEST, 0.0).expect("values");
            assert_eq!(searched.block, 100);
            let steps = searched.steps(0.0125);
            assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [60_000]);
            let line: Vec<f64> = (0..200).map(|at| at as f64 / 50.0 + wave(at)).collect();
            assert!(Searched::of(&line, SHORTEST, 0.0).expect("values").best.expect("a split").gradual);
        }

        #[test]
        fn spikes_are_taken_out_unless_they_are_how_the_series_behaves() {
            let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
            let every = |period: usize| -> Vec<f64> {
                (0..90).map(|at| wave(at) + if at % period == 4 { 9.0 } else { 0.0 }).collect()
            };
            let (rare, common) =
                (Searched::of(&every(15), SHORTEST, 0.0), Searched::of(&every(5), SHORTEST, 0.0));
            let (rare, common) = (rare.expect("values"), common.expect("values"));
            assert_eq!((rare.spikes.len(), common.spikes.len()), (6, 18));
            assert!(rare.values.iter().all(|value| *value < 1.0));
            assert_eq!(common.values, every(5));
        }

        #[test]
        fn too_few_values_and_equal_ones_have_no_step() {
            assert!(Searched::of(&NILE[..23], SHORTEST, 0.0).is_none());
            assert!(Searched::of(&NILE[..24], SHORTEST, 0.0).is_some());
            let still = Searched::of(&[0.85; 60], SHORTEST, 0.0).expect("60 values");
            assert_eq!((still.best, still.steps(0.5).len()), (None, 0));
        }
    }
    mod spikes {
        use super::super::super::reference::{BEAVER_1, NILE, RIVERS, ROSNER, VENUS};
        use super::super::*;

        /// Small waves around `level`, never more than 0.3 away from it.
        fn waves(level: f64, n: u32) -> Vec<f64> {
            (0..n).map(|i| level + f64::from(i * 7 % 13) / 20.0 - 0.3).collect()
        }

        #[test]
        fn what_leaves_and_comes_back_is_a_spike_wherever_it_is() {
            for at in [0, 1, 5, 20, 38, 39] {
                for length in 1..=5 {
                    let mut values = waves(3.0, 40);
                    let end = (at + length).min(40);
                    values[at..end].fill(9.0);
                    let found = find_spikes(&values, 0.05);
                    assert_eq!(found.len(), 1, "{length} from {at}: {found:?}");
                    assert_eq!((found[0].first, found[0].last, found[0].value), (at, end - 1, 9.0));
                    let clean = without_spikes(&values, &found);
                    assert!(clean.iter().all(|value| (2.6..=3.4).contains(value)), "{clean:?}");
                }
            }
        }

        proptest::proptest! {
            #[test]
            fn the_moving_median_is_the_median_of_each_neighbourhood(
                values in proptest::collection::vec(
                    proptest::prop_oneof![-9.0..9.0_f64, proptest::sample::select(vec![0.0, -0.0, 1.0, 2.0])],
                    13..60,
                )
            ) {
                for (at, found) in moving_median(&values).into_iter().enumerate() {
                    let start = at.saturating_sub(6).min(values.len() - 13);
                    let mut near = values[start..start + 13].to_vec();
                    proptest::prop_assert_eq!(Some(found), median(&mut near));
                }
            }
        }

        #[test]
        fn six_in_a_row_and_a_new_level_are_none() {
            let mut values = waves(3.0, 40);
            values[20..26].fill(9.0);
            assert_eq!(find_spikes(&values, 0.05), []);
            let mut step = waves(3.0, 40);
            step.extend(waves(9.0, 40));
            assert_eq!(find_spikes(&step, 0.05), []);
            let mut late = waves(3.0, 40);
            late.extend(waves(9.0, 6));
            assert_eq!(find_spikes(&late, 0.05), []);
            assert_eq!(find_spikes(&waves(3.0, 200), 0.05), []);
        }

        #[test]
        fn two_sides_are_two_spikes() {
            let mut values = waves(3.0, 40);
            values[20] = 9.0;
            values[21] = -9.0;
            let ends: Vec<_> =
                find_spikes(&values, 0.05).iter().map(|spike| (spike.first, spike.last)).collect();
            assert_eq!(ends, [(20, 20), (21, 21)]);
        }

        #[test]
        fn a_still_series_has_spikes_above_the_floor_alone() {
            let blip = |size: f64| {
                let mut values = vec![1.0; 20];
                values[7] += size;
                find_spikes(&values, 0.125).len()
            };
            assert_eq!((blip(0.125), blip(0.126), blip(-0.126)), (0, 1, 1));
            assert_eq!(find_spikes(&[1.0, 9.0, 1.0], 0.0), []);
        }

        /// First, last, value and what is usual.
        fn told(values: &[f64]) -> Vec<(usize, usize, f64, f64)> {
            find_spikes(values, 0.0)
                .iter()
                .map(|spike| (spike.first, spike.last, spike.value, spike.usual))
                .collect()
        }

        #[test]
        fn spikes_of_published_series_are_those_that_numpy_finds() {
            // NumPy 2.4.6 and SciPy 1.17.1, once: medians of `sliding_window_view(y, 13)`, held to both ends;
            // 1.6·norm.ppf(1 − 0.005/n)·1.4826·median(|y − medians|) is 0.372 °C, 1225 miles and 674·10⁸ m³.
            assert_eq!(told(&BEAVER_1), [(0, 0, 36.33, 36.71)]);
            // The Missouri and its neighbours in the list are three in a row, the others stand alone.
            let rivers = [
                (65, 65, 2348.0, 780.0),
                (67, 69, 3710.0, 780.0),
                (100, 100, 1885.0, 383.0),
                (140, 140, 1770.0, 525.0),
            ];
            assert_eq!(told(&RIVERS), rivers);
            // The low water of 1913 is the farthest off and by 376 within what chance does.
            assert_eq!(told(&NILE), []);
        }

        #[test]
        fn published_outliers_that_are_near_are_left_alone_and_far_ones_found() {
            // Tietjen and Moore call −1.40 and 1.01 outliers among 15, Rosner's test the last three of 54. Both take
            // the values as a sample of the normal distribution, in no order, and ask at 5 %. Here a series is asked at
            // 1 %, with limits raised by 1.6 for its memory: 1.53 and 5.37 are needed, 1.35 and 3.86 are there.
            assert_eq!(told(&VENUS), []);
            // In an order that is none: the largest value stands at 7.
            let mut mixed: Vec<f64> = (0..54).map(|at| ROSNER[at * 23 % 54]).collect();
            assert_eq!((mixed[7], told(&mixed)), (6.01, vec![]));
            // As far off again it is one.
            mixed[7] = 9.0;
            assert_eq!(told(&mixed), [(7, 7, 9.0, 2.15)]);
        }
    }
}
