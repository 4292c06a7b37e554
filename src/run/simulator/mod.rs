//! The embedded simulator: a small market-making system in a small market, driven by the overrides.
//!
//! It gives `run` something to tune and the gates something to judge, without a system under test. Pure: draws
//! its luck from a seed, knows no clock. Its numbers (`constants`) describe a world and decide no verdict.
//!
//! # The model
//!
//! An iteration is 300 ticks in 12 blocks; a tick stands for a second of the usual interval of 300 s, whatever
//! the interval of the run is. Every iteration starts with no inventory.
//!
//! *World* (`regimes`): a chain over blocks, of seed and scenario alone. A regime (calm, volatile, stressed) sets
//! the volatility of the mid price and how often it jumps; beside it run liquidity gaps, latency bursts and
//! lags of the market data, and seldom a flash crash with its recovery.
//!
//! *Quotes*: a ladder around the mid, further out with the spread and in wild markets. The flow that reaches it
//! falls exponentially with the distance, leans to the side that the price moves through, and is shared with
//! the queue. Inventory skews the sizes.
//!
//! *Taker volume*: a stale quote that is re-priced after the market has gone through it trades at once; and the
//! rescue takes out inventory whose hedges outlived their tail.
//!
//! *Latency*: messages a second times their duration want slots; the limit cuts that softly; busy slots slow
//! each other down. Latency, market data lag, loop and replacement period add up to how stale a quote is.
//!
//! *Refusals*, as shares of the decisions, one of which may be refused by several rules: `min_interval` (the
//! gateway wants more space between messages), `concurrency` (no slot), `risk` (exposure: inventory and orders
//! in flight, heavier in wild and thin markets), `throttle` (messages a second).
//!
//! *Money*: maker volume earns its distance from the mid. From that go fees (net of rebates), slippage of the
//! taker volume, adverse selection (the move after the fill, and stale quotes picked off) and the cost of
//! holding inventory; the rest is net. All volumes are expected ones: luck is in prices, flow and latency, so
//! every parameter acts smoothly and everywhere.
//!
//! # What the parameters do
//!
//! | more of | does this |
//! | --- | --- |
//! | `base_spread_bps_delta` | fewer fills of both kinds, fewer as taker above all; less adverse cost per fill; a little less risk |
//! | `min_interval_ms` | fewer refusals by `min_interval` and risk; less load, so less latency; older orders, more adverse cost |
//! | `replace_rate_per_min` | more cancels, re-priced crossings and load; fresher quotes with less adverse cost; a worse place in the queue |
//! | `impact_cap_ratio` | larger orders: more fills, more risk, more slippage |
//! | `max_delta_ratio` | later skew: more inventory, its cost, and risk |
//! | `tail_age_ms` | fewer cancels, rescues and messages, so less latency and slippage; older orders |
//! | `concurrency_limit` | fewer refusals for concurrency; more in flight: more latency and risk |
//! | `rescue_max_ratio` | more taker volume, less inventory |
//! | `rescue_min_edge_bps`, `rescue_cooldown_ms` | less taker volume, more inventory |
//! | `position_limit_ratio` | larger orders, later skew: more volume, more risk (judged against the normal limit) |
//!
//! # Scenarios
//!
//! What a run of 24 iterations from the default overrides comes to:
//!
//! | scenario | with tuning | because |
//! | --- | --- | --- |
//! | `default` | nearly always PASS | without tuning FAIL: the maker share stays about 0.80 |
//! | `calm` | PASS, but for an unlucky few | without tuning FAIL |
//! | `volatile` | FAIL | maker share |
//! | `flash-crash` | never PASS; mostly WARN | a crash in every third iteration spoils three of the last eight, volatile spells further ones |
//! | `latency-storm` | FAIL | p95 latency about 500 ms in each iteration |
//! | `liquidity-gap` | FAIL | maker share: thin flow, but as many crossings |
//! | `leak` | as `default` | memory grows by 12 MiB an hour; nothing else shows it |
//! | `regression@N` | FAIL once the window lies behind N | fair price off from N on: adverse cost up, net down |
//! | `always-bad` | FAIL, each iteration with a KPI FAIL | net far below 0; panic reverts do not help |
//!
//! # What it does not claim
//!
//! It is no forecast of any venue, product or strategy, and no backtest. Constants were chosen so that the
//! default overrides start where the tuner has work to do; only the directions above are claimed. There is one
//! symbol, no order book, no competitor who reacts. Margins are wider than real ones.
//!
//! # Determinism
//!
//! A report is a function of seed, scenario, iteration and overrides, the same on every platform: integer
//! generators, `libm` for exponentials and logarithms, and only correctly rounded operations otherwise. Each
//! tick takes the same number of random values, whatever the overrides are, so runs can be compared in pairs.

mod constants;
mod quoter;
mod tally;
mod world;

pub use quoter::BadOverride;
pub use world::{SCENARIO_NAMES, Scenario, UnknownScenario};

use std::time::Duration;

use crate::core::iteration::bot_metrics::Observation;
use crate::core::iteration::params::ParamValues;
use crate::infra::clock::Wait;
use crate::run::iteration::{EdgeReport, Resources};
use crate::run::simulator::constants::{
    ALWAYS_BAD_BPS, CPU_PCT, LEAK_MB_PER_HOUR, OPEN_FILES, REGRESSION_BPS, RSS_MB, THREADS,
};
use crate::run::simulator::quoter::{Controls, Luck, Quoter, Tick};
use crate::run::simulator::tally::Tally;
use crate::run::simulator::world::{Block, Noise, Purpose, Regimes};
use crate::run::source::{Interval, NoReport, Source};

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
        let mut tally = Tally::new();
        let quoter = self.ticks(iteration, overrides, |_, _, tick| tally.add(tick))?;
        Ok(tally.report(quoter.size()))
    }

    /// What a monitoring of the system would see in this iteration, tick by tick. The same ticks as those
    /// behind the report.
    pub fn observe(
        &mut self,
        iteration: u64,
        overrides: &ParamValues,
    ) -> Result<Vec<Observation>, BadOverride> {
        let mut seen = Vec::with_capacity(constants::TICKS);
        self.ticks(iteration, overrides, |block, quoter, tick| {
            seen.push(tally::observation(block, quoter, tick));
        })?;
        Ok(seen)
    }

    /// Goes through the ticks of an iteration; gives back the quoter at its end.
    fn ticks(
        &mut self,
        iteration: u64,
        overrides: &ParamValues,
        mut each: impl FnMut(&Block, &Quoter, &Tick),
    ) -> Result<Quoter, BadOverride> {
        let controls = Controls::new(overrides)?;
        let error_bps = match self.scenario {
            Scenario::AlwaysBad => ALWAYS_BAD_BPS,
            scenario if scenario.has_regressed(iteration) => REGRESSION_BPS,
            _ => 0.0,
        };
        let mut quoter = Quoter::new(controls, error_bps);
        let mut noise = Noise::new(self.seed, Purpose::Ticks, iteration);
        for block in self.regimes.blocks(iteration) {
            let conditions = quoter.conditions(&block);
            for index in 0..constants::BLOCK_TICKS {
                let tick = quoter.tick(&conditions, index, &Luck::draw(&mut noise));
                each(&block, &quoter, &tick);
            }
        }
        Ok(quoter)
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

/// The source `sim`.
#[derive(Clone, Debug)]
pub struct SimSource {
    simulator: Simulator,
    real_time: bool,
}

impl SimSource {
    /// A source that answers from this simulator; with `real_time` it waits out every interval.
    pub fn new(simulator: Simulator, real_time: bool) -> Self {
        Self { simulator, real_time }
    }

    /// The simulated system's resources at the end of the interval. The run is taken to consist of intervals
    /// of the same length, so that a resumed run reads the same.
    pub fn resources(&self, interval: &Interval<'_>) -> Resources {
        self.simulator.resources(interval.iteration, hours(interval.length) * interval.iteration as f64)
    }
}

impl Source for SimSource {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        if self.real_time {
            wait.pass(interval.length)?;
        }
        let report = self.simulator.report(interval.iteration, interval.overrides);
        let report = report.map_err(|error| NoReport::Failed(error.to_string()))?;
        Ok(EdgeReport { resources: Some(self.resources(interval)), ..report })
    }
}

fn hours(length: Duration) -> f64 {
    length.as_secs_f64() / 3600.0
}

#[cfg(test)]
mod source_tests {
    use super::tests::start;
    use std::cell::Cell;
    use std::path::Path;

    use chrono::DateTime;

    use super::*;
    use crate::core::iteration::params::ParamValues;
    use crate::infra::clock::Interrupted;
    use crate::run::simulator::Scenario;

    struct Clock {
        waited: Cell<Duration>,
        stops: bool,
    }

    impl Wait for Clock {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            self.waited.set(self.waited.get() + how_long);
            if self.stops { Err(Interrupted) } else { Ok(()) }
        }
    }

    fn cover(real_time: bool, stops: bool, overrides: &ParamValues) -> (Result<EdgeReport, NoReport>, u64) {
        let clock = Clock { waited: Cell::new(Duration::ZERO), stops };
        let mut source = SimSource::new(Simulator::new(1, Scenario::Default), real_time);
        assert_eq!(source.name(), "sim");
        (source.cover(&interval(2, overrides), &clock), clock.waited.get().as_secs())
    }

    fn interval(iteration: u64, overrides: &ParamValues) -> Interval<'_> {
        let starts = DateTime::UNIX_EPOCH;
        let length = Duration::from_secs(300);
        Interval { iteration, starts, length, overrides, overrides_file: Path::new("overrides.json") }
    }

    #[test]
    fn only_real_time_waits_and_both_measure_the_same() {
        let overrides = start();
        let mut simulator = Simulator::new(1, Scenario::Default);
        let measured = simulator.report(2, &overrides).unwrap();
        // The end of the second interval of 300 s is a sixth of an hour in.
        let resources = Some(simulator.resources(2, 1.0 / 6.0));
        let expected = EdgeReport { resources, ..measured };
        assert_eq!(cover(false, true, &overrides), (Ok(expected.clone()), 0));
        assert_eq!(cover(true, false, &overrides), (Ok(expected), 300));
    }

    #[test]
    fn a_run_that_is_to_stop_brings_no_report() {
        assert_eq!(cover(true, true, &start()), (Err(NoReport::Interrupted), 300));
    }

    #[test]
    fn overrides_that_cannot_be_simulated_are_a_failed_collection() {
        let told = "the simulator needs `min_interval_ms`, which the overrides do not have";
        assert_eq!(cover(false, false, &ParamValues::default()), (Err(NoReport::Failed(told.to_owned())), 0));
    }

    #[test]
    fn resources_count_the_hours_from_the_start_of_the_run() {
        let overrides = start();
        let simulator = Simulator::new(1, Scenario::Leak);
        let source = SimSource::new(simulator.clone(), false);
        // 24 intervals of 300 s are two hours.
        assert_eq!(source.resources(&interval(24, &overrides)), simulator.resources(24, 2.0));
    }
}

#[cfg(test)]
#[path = "../tests/simulator.rs"]
pub(crate) mod tests;
