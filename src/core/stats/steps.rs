//! Changes of level: where a series stepped up or down, by how much, and how likely such a step is by chance.
//!
//! The split that fits best in the sense of least squares, searched again in both halves (binary segmentation:
//! Scott & Knott 1974, Biometrics 30:507–512; Vostrikova 1981, Soviet Math. Doklady 24:55–59). Autocorrelation
//! is estimated from the residuals around the fitted step, so that the step itself does not look like it; what
//! fitting a step to nothing does to it, and to the residuals' size, is taken out with simulated means.
//! Long stretches are searched in halves as well, as in seeded binary segmentation (Kovács and others 2023,
//! Biometrika 110:249–256). p-values come from simulated distributions of the best split where there is none ([`critical`]), so the
//! search over positions is paid for. Must not know what a value means.

#[rustfmt::skip]
#[expect(clippy::approx_constant, reason = "a quantile may look like one")]
pub mod critical;
mod law;

pub use law::Law;

use super::ar1;
use super::spikes::{self, Spike};
use super::sum::Sum;
use super::summary::median;

/// Shortest segment that the distributions were made with; a search may ask for longer ones alone, which makes
/// it more careful.
pub const SHORTEST: usize = 6;

/// Fewest values to search.
pub const FEWEST: usize = critical::NS[0];

/// Longer series are searched in blocks of neighbours.
pub const LONGEST: usize = critical::NS[critical::NS.len() - 1];

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
        let r1 = ar1::lag1_of_residuals(&residuals).unwrap_or(0.0);
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
        (variance * ar1::variance_of_difference(self.before, n - self.before, phi)).sqrt()
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
    /// Whether `p` is at the end of the tables ([`critical::LEVELS`]) and may be any smaller one.
    pub is_p_at_most: bool,
    /// The same without an end of the tables: an upper bound, for a family so large that `p` can decide nothing.
    pub tail: f64,
    /// Whether a straight line through the stretch fits better than the step.
    pub gradual: bool,
}

/// The smallest probability that the tables know of a long stretch.
const SMALLEST_P: f64 = critical::LEVELS[critical::LEVELS.len() - 1] / OF_WHOLE;

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
        let spikes = spikes::find(values, floor);
        let clean = spikes::without_rare(values, &spikes);
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
        n_eff: ar1::effective_n(n, phi),
        p,
        tail: law.tail(statistic, phi),
        is_p_at_most: p <= critical::LEVELS[critical::LEVELS.len() - 1],
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

#[cfg(test)]
mod tests;
