//! The distributions of the best split of a series without a step, as source code.

use std::fmt::Write as _;

use rayon::prelude::*;
use soak::stats::change_points;
use soak::stats::change_points::{SHORTEST, Split};

use super::world::Stream;

const NS: [usize; 9] = [24, 32, 48, 64, 96, 128, 200, 400, 1000];
const PHIS: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const LEVELS: [f64; 10] = [0.5, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.006_25, 0.003, 0.001, 0.0005];

/// Series of each length and autocorrelation.
const SERIES: usize = 24_000;

/// Keeps these series apart from those of the table of error rates.
const PURPOSE: u64 = 0xc417_1ca1;

/// What was simulated at one length and autocorrelation.
struct Cell {
    splits: Vec<Split>,
    r1: f64,
    variance: f64,
}

/// The module with the tables.
pub fn source() -> String {
    let cells: Vec<Vec<Cell>> =
        NS.iter().map(|n| PHIS.iter().map(|phi| simulate(*n, *phi)).collect()).collect();
    let mut out = format!(
        "//! The best split of a series without a step: {SERIES} simulated first-order series of each length and\n\
         //! autocorrelation, spikes taken out first, segments of at least {SHORTEST} values.\n\
         //!\n\
         //! Made by `make critical-values`; not to be edited by hand.\n\n\
         /// Lengths.\npub const NS: [usize; {}] = {NS:?};\n\
         /// Autocorrelations.\npub const PHIS: [f64; {}] = {PHIS:?};\n\
         /// Probabilities of exceeding a quantile.\npub const LEVELS: [f64; {}] = {LEVELS:?};\n",
        NS.len(),
        PHIS.len(),
        LEVELS.len()
    );
    let mut rows = |doc: &str, name: &str, value: &dyn Fn(&Cell) -> f64| {
        let _ = writeln!(out, "/// {doc}\npub const {name}: [[f64; PHIS.len()]; NS.len()] = [");
        for row in &cells {
            let numbers: Vec<String> = row.iter().map(|cell| format!("{:.4}", value(cell))).collect();
            let _ = writeln!(out, "    [{}],", numbers.join(", "));
        }
        out.push_str("];\n");
    };
    rows("Mean lag-1 autocorrelation of the residuals.", "RESIDUAL_R1", &|cell| cell.r1);
    rows("Mean of the squared residuals, as a share of the variance.", "RESIDUAL_VARIANCE", &|cell| {
        cell.variance
    });
    out.push_str(
        "/// Quantiles of the statistic, each exceeded with the probability of its level.\n\
         pub const QUANTILES: [[[f64; LEVELS.len()]; PHIS.len()]; NS.len()] = [\n",
    );
    for (n, row) in NS.iter().zip(&cells) {
        out.push_str("    [\n");
        let mut above = [0.0_f64; LEVELS.len()];
        for cell in row {
            // What chance makes smaller than at a lower autocorrelation is not believed.
            for (most, quantile) in above.iter_mut().zip(quantiles(*n, cell, row)) {
                *most = most.max(quantile);
            }
            let numbers: Vec<String> = above.iter().map(|quantile| format!("{quantile:.3}")).collect();
            let _ = writeln!(out, "        [{}],", numbers.join(", "));
        }
        out.push_str("    ],\n");
    }
    out.push_str("];\n");
    out
}

fn simulate(n: usize, phi: f64) -> Cell {
    let one = |replicate: usize| {
        let values = Stream::of(&[PURPOSE, n as u64, phi.to_bits(), replicate as u64]).ar1(n, phi);
        let clean = change_points::without_rare_spikes(&values, &change_points::find_spikes(&values, 0.0));
        Split::of(&clean, SHORTEST).expect("there is room for a split")
    };
    let splits: Vec<Split> = (0..SERIES).into_par_iter().map(one).collect();
    let mean = |value: &dyn Fn(&Split) -> f64| splits.iter().map(value).sum::<f64>() / SERIES as f64;
    Cell { r1: mean(&|split| split.r1), variance: mean(&|split| split.squares / n as f64), splits }
}

/// The statistic as a search computes it: with the autocorrelation that the residuals suggest.
fn quantiles(n: usize, cell: &Cell, row: &[Cell]) -> [f64; LEVELS.len()] {
    let suggested = |r1: f64| {
        let last = row.len() - 1;
        if r1 <= row[0].r1 {
            return (PHIS[0], row[0].variance);
        }
        let above = (1..=last).find(|at| row[*at].r1 > r1).unwrap_or(last);
        let share = ((r1 - row[above - 1].r1) / (row[above].r1 - row[above - 1].r1)).min(1.0);
        let between = |low: f64, high: f64| low + share * (high - low);
        (between(PHIS[above - 1], PHIS[above]), between(row[above - 1].variance, row[above].variance))
    };
    let mut statistics: Vec<f64> = cell
        .splits
        .par_iter()
        .map(|split| {
            let (phi, worth) = suggested(split.r1);
            split.statistic(n, phi, worth)
        })
        .collect();
    statistics.sort_by(|a, b| b.total_cmp(a));
    LEVELS.map(|level| {
        let rank = (0..SERIES).find(|rank| (*rank + 1) as f64 >= level * SERIES as f64);
        statistics[rank.unwrap_or(0)]
    })
}
