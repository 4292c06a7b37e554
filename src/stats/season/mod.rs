//! A daily cycle beside levels or a line: a sum of harmonics, fitted by least squares.
//!
//! Must not know which values may have one.

pub mod daily;

use super::autocorrelation::{LARGEST_PHI, lag1_of_residuals};
use super::change_points::{self, Searched};
use super::long_run::memory::{Basis, dot};

/// Hours of a daily cycle.
pub const DAY: f64 = 24.0;

/// Harmonics that are always taken: 24 h and 12 h.
const FEWEST: usize = 2;

/// Most harmonics: the eighth has three hours. More of them are taken where Schwarz's criterion asks for it, for a cycle
/// of office hours is no wave.
const MOST: usize = 8;

/// Values a period of the highest harmonic, and values a harmonic.
const VALUES: f64 = 4.0;
const VALUES_A_HARMONIC: usize = 16;

/// Times that steps and cycle are fitted beside each other.
const ROUNDS: usize = 4;

/// A cycle: aₖcos(2πkt/T) + bₖsin(2πkt/T), k = 1, 2, …; it is 0 on average.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Cycle {
    /// Length of a period, hours.
    pub period_hours: f64,
    /// Half the distance from its lowest to its highest value, in the unit of the values.
    pub amplitude: f64,
    /// aₖ and bₖ, for the time in hours since the first iteration.
    pub harmonics: Vec<(f64, f64)>,
}

impl Cycle {
    /// At a time.
    pub fn at(&self, hour: f64) -> f64 {
        let turn = 2.0 * std::f64::consts::PI * hour / self.period_hours;
        let each = (1u32..).map(f64::from).zip(&self.harmonics);
        each.map(|(k, (a, b))| a * libm::cos(k * turn) + b * libm::sin(k * turn)).sum()
    }

    /// The cycle of values at these hours, beside levels that begin at `cuts` and, where there are none, beside a line.
    /// `None` where values and times do not determine it.
    pub fn beside(values: &[f64], hours: &[f64], period_hours: f64, cuts: &[usize]) -> Option<Self> {
        let n = values.len();
        let count = count(values, hours, period_hours, cuts);
        let mut columns = columns(hours, period_hours, count);
        columns.extend(nuisances(n, cuts));
        let found = least_squares(&columns, values)?;
        let harmonics: Vec<(f64, f64)> =
            found[..2 * count].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let mut cycle = Self { period_hours, amplitude: 0.0, harmonics };
        let ends = (0u32..96).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), part| {
            let value = cycle.at(period_hours * f64::from(part) / 96.0);
            (value.min(low), value.max(high))
        });
        cycle.amplitude = (ends.1 - ends.0) / 2.0;
        cycle.amplitude.is_finite().then_some(cycle)
    }

    /// The cycle of values whose level may change: fitted beside a line, then beside the steps that are left at
    /// `alpha`, until these stay the same. `shortest` and `floor` as in [`Searched::of`].
    pub fn beside_steps(
        values: &[f64],
        hours: &[f64],
        period_hours: f64,
        (shortest, floor, alpha): (usize, f64, f64),
    ) -> Option<Self> {
        let calm = change_points::without_rare_spikes(values, &change_points::find_spikes(values, floor));
        let mut cuts = Vec::new();
        let mut cycle = Self::beside(&calm, hours, period_hours, &cuts)?;
        for _ in 0..ROUNDS {
            let steps = Searched::of(&cycle.taken_out(&calm, hours), shortest, floor)?.steps(alpha);
            let found: Vec<usize> = steps.into_iter().map(|step| step.at).collect();
            if found == cuts {
                break;
            }
            let Some(next) = Self::beside(&calm, hours, period_hours, &found) else { break };
            (cuts, cycle) = (found, next);
        }
        Some(cycle)
    }

    /// What it leaves of values.
    pub fn taken_out(&self, values: &[f64], hours: &[f64]) -> Vec<f64> {
        values.iter().zip(hours).map(|(value, hour)| value - self.at(*hour)).collect()
    }
}

/// Cosine and sine of the first `count` harmonics.
pub fn columns(hours: &[f64], period_hours: f64, count: usize) -> Vec<Vec<f64>> {
    let of = |wave: fn(f64) -> f64, k: f64| {
        let turn = 2.0 * std::f64::consts::PI * k / period_hours;
        hours.iter().map(|hour| wave(turn * hour)).collect()
    };
    (1u32..).map(f64::from).take(count).flat_map(|k| [of(libm::cos, k), of(libm::sin, k)]).collect()
}

/// How many harmonics Schwarz's criterion (1978, Ann. Stat. 6:461–464) takes, two at least.
pub fn count(values: &[f64], hours: &[f64], period_hours: f64, cuts: &[usize]) -> usize {
    let n = values.len();
    let span = hours.last().zip(hours.first()).map_or(0.0, |(last, first)| last - first);
    let a_period = n as f64 * period_hours / span;
    let fit = |count: &usize| *count as f64 * VALUES <= a_period && *count * VALUES_A_HARMONIC <= n;
    let most = (FEWEST..=MOST).take_while(fit).last().unwrap_or(FEWEST);
    let mut basis = Basis::default();
    for column in nuisances(n, cuts) {
        basis.add(column);
    }
    let columns = columns(hours, period_hours, most);
    // Of autocorrelated values a harmonic takes as much more as low frequencies have.
    let whole = columns.iter().fold(basis.clone(), |mut basis, column| {
        basis.add(column.clone());
        basis
    });
    let r1 = lag1_of_residuals(&whole.residuals(values)).unwrap_or(0.0).clamp(0.0, LARGEST_PHI);
    let cost = (1.0 + r1) / (1.0 - r1) * libm::log(n as f64);
    let mut best = (f64::INFINITY, FEWEST);
    for (at, pair) in columns.chunks_exact(2).enumerate() {
        for column in pair {
            basis.add(column.clone());
        }
        let left = basis.residuals(values);
        let criterion = n as f64 * libm::log(dot(&left, &left)) + 2.0 * (at + 1) as f64 * cost;
        if at + 1 >= FEWEST && criterion < best.0 {
            best = (criterion, at + 1);
        }
    }
    best.1
}

/// What is fitted beside the cycle: a constant and a line, or levels.
fn nuisances(n: usize, cuts: &[usize]) -> Vec<Vec<f64>> {
    let mut columns = vec![vec![1.0; n]];
    if cuts.is_empty() {
        columns.push((0..n).map(|at| (at as f64 - 0.5 * n as f64) / n as f64).collect());
    }
    columns.extend(cuts.iter().map(|cut| (0..n).map(|at| f64::from(u8::from(at >= *cut))).collect()));
    columns
}

/// Coefficients of least squares (QR by Gram & Schmidt); `None` where a column is explained by those before it.
fn least_squares(columns: &[Vec<f64>], values: &[f64]) -> Option<Vec<f64>> {
    let mut basis = Basis::default();
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let shares = basis.shares(column);
        let length = basis.add(column.clone())?;
        rows.push(shares.into_iter().chain([length]).collect());
    }
    let mut left = basis.shares(values);
    let mut found = vec![0.0; columns.len()];
    for at in (0..columns.len()).rev() {
        found[at] = left[at] / rows[at][at];
        for (row, share) in left[..at].iter_mut().zip(&rows[at]) {
            *row -= share * found[at];
        }
    }
    found.iter().all(|number| number.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::super::reference::NEW_YORK;
    use super::*;

    fn hours(n: u32) -> Vec<f64> {
        (0..n).map(|at| f64::from(at) * 0.25).collect()
    }

    fn wave(at: usize) -> f64 {
        (at * 7 % 13) as f64 / 20.0 - 0.3
    }

    #[test]
    fn harmonics_beside_a_line_agree_with_numpy() {
        // NumPy 2.4.6, `lstsq` of 1, t/153, and cosine and sine of 2πt/30.4 and of its double: summer in New York.
        let days: Vec<f64> = (0..153).map(f64::from).collect();
        let cycle = Cycle::beside(&NEW_YORK, &days, 30.4, &[]).expect("153 values");
        let expected = [
            (2.334_326_423_892_247_4, 4.603_016_623_811_418),
            (0.119_524_870_836_324_74, -0.699_065_808_909_050_9),
        ];
        assert_eq!(cycle.harmonics.len(), 2);
        for ((a, b), (c, d)) in cycle.harmonics.iter().zip(expected) {
            assert!((a - c).abs() < 1e-9 && (b - d).abs() < 1e-9, "{cycle:?}");
        }
    }

    #[test]
    fn a_step_does_not_leak_into_the_cycle_and_a_cycle_is_no_step() {
        let hours = hours(288);
        let of = |size: f64| -> Vec<f64> {
            let one = |(at, hour): (usize, &f64)| {
                2.0 * libm::sin(std::f64::consts::PI * hour / 12.0)
                    + wave(at)
                    + if at < 130 { 0.0 } else { size }
            };
            hours.iter().enumerate().map(one).collect()
        };
        let steps = |size: f64| {
            let cycle = Cycle::beside_steps(&of(size), &hours, 24.0, (6, 0.0, 0.0125)).expect("a cycle");
            assert!((cycle.amplitude - 2.0).abs() < 0.1, "{cycle:?}");
            let left = cycle.taken_out(&of(size), &hours);
            let steps = Searched::of(&left, 6, 0.0).expect("288 values").steps(0.0125);
            steps.iter().map(|step| step.at).collect::<Vec<_>>()
        };
        assert_eq!((steps(0.0), steps(1.0)), (vec![], vec![130]));
    }

    #[test]
    fn office_hours_take_more_harmonics_and_times_that_do_not_differ_none() {
        let hours = hours(288);
        let office: Vec<f64> = hours
            .iter()
            .enumerate()
            .map(|(at, hour)| wave(at) + if (9.0..17.0).contains(&(hour % 24.0)) { 3.0 } else { 0.0 })
            .collect();
        let noise: Vec<f64> = (0..288).map(wave).collect();
        assert!(count(&office, &hours, 24.0, &[]) > 3);
        assert_eq!(count(&noise, &hours, 24.0, &[]), FEWEST);
        assert_eq!(Cycle::beside(&noise, &[5.0; 288], 24.0, &[]), None);
    }
}
