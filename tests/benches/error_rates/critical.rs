//! The distributions of the best split of a series without a step, as source code.

use std::fmt::Write as _;

use rayon::prelude::*;
use soak::stats::change_points::{self, SHORTEST};
use soak::stats::segments::{COUNTS, Fit};

use super::world::Stream;

const NS: [usize; 9] = [24, 32, 48, 64, 96, 128, 200, 400, 1000];
const PHIS: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const LEVELS: [f64; 10] = [0.5, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.006_25, 0.003, 0.001, 0.0005];

/// Series of each length and autocorrelation.
const SERIES: usize = 24_000;

/// Keeps these series apart from those of the table of error rates.
const PURPOSE: u64 = 0xc417_1ca1;

/// What comes of one number of steps, length and autocorrelation.
#[derive(Clone, Copy, Default)]
struct Cell {
    r1: f64,
    variance: f64,
    quantiles: [f64; LEVELS.len()],
}

/// The module with the tables.
pub fn source() -> String {
    let simulated: Vec<[[Cell; PHIS.len()]; COUNTS.len()]> = NS.iter().map(|n| cells(*n)).collect();
    let mut out = format!(
        "//! The best fits of a series without a step: {SERIES} simulated first-order series of each length and\n\
         //! autocorrelation, spikes taken out first, segments of at least {SHORTEST} values. 0 where so many steps have\n\
         //! no room.\n\
         //!\n\
         //! Made by `make critical-values`; not to be edited by hand.\n\n\
         use super::segments::COUNTS;\n\n\
         /// Lengths.\npub const NS: [usize; {}] = {NS:?};\n\
         /// Autocorrelations.\npub const PHIS: [f64; {}] = {PHIS:?};\n\
         /// Probabilities of exceeding a quantile.\npub const LEVELS: [f64; {}] = {LEVELS:?};\n",
        NS.len(),
        PHIS.len(),
        LEVELS.len()
    );
    let mut rows = |doc: &str, name: &str, value: &dyn Fn(&Cell) -> f64| {
        let _ =
            writeln!(out, "/// {doc}\npub static {name}: [[[f64; PHIS.len()]; NS.len()]; COUNTS.len()] = [");
        for which in 0..COUNTS.len() {
            out.push_str("    [\n");
            for row in &simulated {
                let numbers: Vec<String> =
                    row[which].iter().map(|cell| format!("{:.4}", value(cell))).collect();
                let _ = writeln!(out, "        [{}],", numbers.join(", "));
            }
            out.push_str("    ],\n");
        }
        out.push_str("];\n");
    };
    rows("Mean lag-1 autocorrelation of the residuals.", "RESIDUAL_R1", &|cell| cell.r1);
    rows("Mean of the squared residuals, as a share of the variance.", "RESIDUAL_VARIANCE", &|cell| {
        cell.variance
    });
    out.push_str(
        "/// Quantiles of the statistic, each exceeded with the probability of its level.\n\
         pub static QUANTILES: [[[[f64; LEVELS.len()]; PHIS.len()]; NS.len()]; COUNTS.len()] = [\n",
    );
    for which in 0..COUNTS.len() {
        out.push_str("    [\n");
        for row in &simulated {
            let mut above = [0.0_f64; LEVELS.len()];
            let of_phi = row[which].iter().map(|cell| {
                // What chance makes smaller than at a lower autocorrelation is not believed.
                for (most, quantile) in above.iter_mut().zip(cell.quantiles) {
                    *most = most.max(quantile);
                }
                format!("[{}]", above.map(|quantile| format!("{quantile:.3}")).join(", "))
            });
            let of_phi: Vec<String> = of_phi.collect();
            let _ = writeln!(out, "        [{}],", of_phi.join(", "));
        }
        out.push_str("    ],\n");
    }
    out.push_str("];\n");
    out
}

/// All numbers of steps and autocorrelations at one length.
fn cells(n: usize) -> [[Cell; PHIS.len()]; COUNTS.len()] {
    let fits: Vec<Vec<Vec<Fit>>> = PHIS.iter().map(|phi| simulate(n, *phi)).collect();
    let mut all = [[Cell::default(); PHIS.len()]; COUNTS.len()];
    for (which, row) in all.iter_mut().enumerate().take_while(|(which, _)| *which < fits[0][0].len()) {
        for (cell, fits) in row.iter_mut().zip(&fits) {
            let mean = |value: &dyn Fn(&Fit) -> f64| {
                fits.iter().map(|fits| value(&fits[which])).sum::<f64>() / SERIES as f64
            };
            (cell.r1, cell.variance) = (mean(&|fit| fit.r1), mean(&|fit| fit.squares / n as f64));
        }
        let means = *row;
        for (cell, fits) in row.iter_mut().zip(&fits) {
            cell.quantiles = quantiles(fits.iter().map(|fits| &fits[which]), &means);
        }
    }
    all
}

/// The fits of each series, one for each number of steps that has room.
fn simulate(n: usize, phi: f64) -> Vec<Vec<Fit>> {
    let one = |replicate: usize| {
        let values = Stream::of(&[PURPOSE, n as u64, phi.to_bits(), replicate as u64]).ar1(n, phi);
        let clean = change_points::without_rare_spikes(&values, &change_points::find_spikes(&values, 0.0));
        Fit::each(&clean, SHORTEST, true)
    };
    (0..SERIES).into_par_iter().map(one).collect()
}

/// The statistic as a search computes it: with the autocorrelation that the residuals suggest.
fn quantiles<'f>(fits: impl Iterator<Item = &'f Fit>, row: &[Cell; PHIS.len()]) -> [f64; LEVELS.len()] {
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
    let statistic = |fit: &Fit| {
        let (phi, worth) = suggested(fit.r1);
        fit.statistic(phi, worth)
    };
    let mut statistics: Vec<f64> = fits.map(statistic).collect();
    statistics.sort_by(|a, b| b.total_cmp(a));
    LEVELS.map(|level| {
        let rank = (0..SERIES).find(|rank| (*rank + 1) as f64 >= level * SERIES as f64);
        statistics[rank.unwrap_or(0)]
    })
}
