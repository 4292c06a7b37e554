//! The distribution of the best split of a series without a step, for its length and autocorrelation: looked up
//! in the simulated tables and interpolated between their rows.
//!
//! Must not go beyond the tables: outside of them nothing is claimed.

use super::critical::{LEVELS, NS, PHIS, QUANTILES, RESIDUAL_R1, RESIDUAL_VARIANCE};
use crate::core::stats::ar1;

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
        let raised = (phi + CAUTION * ar1::standard_error(phi, self.n)).clamp(PHIS[0], PHIS[last]);
        let above = (1..last).find(|at| PHIS[*at] > raised).unwrap_or(last);
        let share = (raised - PHIS[above - 1]) / (PHIS[above] - PHIS[above - 1]);
        std::array::from_fn(|level| {
            let (low, high) = (self.quantiles[above - 1][level], self.quantiles[above][level]);
            low + share * (high - low)
        })
    }
}
