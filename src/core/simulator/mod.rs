//! The embedded simulator: a small market-making system in a small market, driven by the overrides.

mod constants;
mod controls;
mod noise;
mod quoter;
mod regimes;
mod scenario;
pub mod source;
mod tally;

pub use controls::BadOverride;
pub use scenario::{SCENARIO_NAMES, Scenario, UnknownScenario};

use constants::{ALWAYS_BAD_BPS, CPU_PCT, LEAK_MB_PER_HOUR, OPEN_FILES, REGRESSION_BPS, RSS_MB, THREADS};
use controls::Controls;
use noise::{Noise, Purpose};
use quoter::{Luck, Quoter};
use regimes::Regimes;
use tally::Tally;

use super::params::ParamValues;
use super::run::edge_report::EdgeReport;
use super::run::iteration::Resources;

/// A simulated system in a simulated market.
#[derive(Clone, Debug)]
pub struct Simulator {
    seed: u64,
    scenario: Scenario,
    regimes: Regimes,
}

impl Simulator {
    /// The world of this seed and scenario.
    pub fn new(seed: u64, scenario: Scenario) -> Self {
        Self { seed, scenario, regimes: Regimes::new(seed, scenario) }
    }

    /// What the system measures in this iteration, from 1, under these overrides. Depends on nothing else,
    /// so it does not matter which iterations were asked for before.
    pub fn report(&mut self, iteration: u64, overrides: &ParamValues) -> Result<EdgeReport, BadOverride> {
        let controls = Controls::new(overrides)?;
        let error_bps = match self.scenario {
            Scenario::AlwaysBad => ALWAYS_BAD_BPS,
            scenario if scenario.has_regressed(iteration) => REGRESSION_BPS,
            _ => 0.0,
        };
        let mut quoter = Quoter::new(controls, error_bps);
        let mut noise = Noise::new(self.seed, Purpose::Ticks, iteration);
        let mut tally = Tally::new();
        for block in self.regimes.blocks(iteration) {
            let conditions = quoter.conditions(&block);
            for index in 0..constants::BLOCK_TICKS {
                tally.add(&quoter.tick(&conditions, index, &Luck::draw(&mut noise)));
            }
        }
        Ok(tally.report(quoter.size()))
    }

    /// The system's resources at the end of an iteration that lies so many hours after the start.
    pub fn resources(&self, iteration: u64, hours: f64) -> Resources {
        let mut noise = Noise::new(self.seed, Purpose::Resources, iteration);
        let leaked = if self.scenario == Scenario::Leak { LEAK_MB_PER_HOUR * hours } else { 0.0 };
        let [rss, rss_noise] = RSS_MB;
        let [cpu, cpu_noise] = CPU_PCT;
        Resources {
            rss_mb: Some(rss + leaked + rss_noise * noise.normal()),
            cpu_pct: Some(cpu + cpu_noise * noise.normal()),
            threads: Some(THREADS),
            open_files: Some(OPEN_FILES),
            processes: Some(1),
        }
    }
}

#[cfg(test)]
mod tests;
