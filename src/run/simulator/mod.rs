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
//! | `diurnal` | never PASS, for the maker share | the load has a daily cycle: latency ±15 ms and flow ±15 % around those of `calm`, highest after 6 h, 30 h, … |
//! | `diurnal-leak` | as `diurnal` | beside that memory grows by 12 MiB an hour and latency by 0.4 ms an hour |
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
pub(crate) mod service;
mod world;

pub use quoter::BadOverride;
pub use world::{SCENARIO_NAMES, Scenario, UnknownScenario};

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::iteration::bot_metrics::Observation;
use crate::core::iteration::params::ParamValues;
use crate::infra::clock::Wait;
use crate::run::iteration::{EdgeReport, Resources};
use crate::run::simulator::constants::{
    ALWAYS_BAD_BPS, CPU_PCT, CRASH_BPS, DEADLINE_MS, FILL_PART, LEAK_LATENCY_MS_PER_HOUR, LEAK_MB_PER_HOUR,
    LOOP_LATENCY, OPEN_FILES, ORDER_TIMEOUT_MS, REGRESSION_BPS, RSS_MB, THREADS, TICKS,
};
use crate::run::simulator::quoter::{Controls, Luck, Quoter, Tick};
use crate::run::simulator::world::{Block, Noise, Purpose, Regimes};
use crate::run::source::{Interval, NoReport, Source};

/// A simulated system in a simulated market.
#[derive(Clone, Debug)]
pub struct Simulator {
    seed: u64,
    scenario: Scenario,
    regimes: Regimes,
    hours: f64,
}

impl Simulator {
    /// The world of this seed and scenario.
    pub fn new(seed: u64, scenario: Scenario) -> Self {
        Self { seed, scenario, regimes: Regimes::new(seed, scenario), hours: 0.0 }
    }

    /// The time of what is asked for next: hours after the start of the run. Only a daily cycle depends on it.
    pub fn at(&mut self, hours: f64) -> &mut Self {
        self.hours = hours;
        self
    }

    /// What the system measures in this iteration, from 1, under these overrides, at the time that was given. Depends on
    /// nothing else, so it does not matter which iterations were asked for before.
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
            seen.push(observation(block, quoter, tick));
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
        let leaks = self.scenario == Scenario::DiurnalLeak;
        let slower_ms = if leaks { LEAK_LATENCY_MS_PER_HOUR * self.hours } else { 0.0 };
        for block in self.regimes.blocks(iteration) {
            let block = Block { load: self.scenario.load(self.hours), slower_ms, ..block };
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
        let leaks = matches!(self.scenario, Scenario::Leak | Scenario::DiurnalLeak);
        let leaked = if leaks { LEAK_MB_PER_HOUR * hours } else { 0.0 };
        let [rss, rss_noise] = RSS_MB;
        let [cpu, cpu_noise] = CPU_PCT;
        Resources {
            process: None,
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
        let report = self.simulator.at(middle(interval)).report(interval.iteration, interval.overrides);
        let report = report.map_err(|error| NoReport::Failed(error.to_string()))?;
        Ok(EdgeReport { resources: Some(self.resources(interval)), ..report })
    }
}

/// Hours from the start of the run to the middle of an interval, where all have the same length.
pub(crate) fn middle(interval: &Interval<'_>) -> f64 {
    hours(interval.length) * (interval.iteration as f64 - 0.5)
}

fn hours(length: Duration) -> f64 {
    length.as_secs_f64() / 3600.0
}

/// The build that the simulated system claims to be.
const VERSION: &str = "sim-1";

/// What the ticks add up to.
#[derive(Debug)]
struct Tally {
    sum: Tick,
    missed_deadlines: f64,
    adverse_bps: Vec<f64>,
    slippage_bps: Vec<f64>,
    latency_ms: Vec<f64>,
    ws_lag_ms: Vec<f64>,
    order_age_ms: Vec<f64>,
}

impl Tally {
    /// Nothing yet.
    fn new() -> Self {
        let room = || Vec::with_capacity(TICKS);
        Self {
            sum: Tick::default(),
            missed_deadlines: 0.0,
            adverse_bps: room(),
            slippage_bps: room(),
            latency_ms: room(),
            ws_lag_ms: room(),
            order_age_ms: room(),
        }
    }

    fn add(&mut self, tick: &Tick) {
        let sum = &mut self.sum;
        sum.maker += tick.maker;
        sum.taker += tick.taker;
        sum.gross += tick.gross;
        sum.fees += tick.fees;
        sum.slippage += tick.slippage;
        sum.adverse += tick.adverse;
        sum.inventory += tick.inventory;
        sum.hit += tick.hit;
        sum.placed += tick.placed;
        sum.cancelled += tick.cancelled;
        sum.decisions += tick.decisions;
        sum.refused.min_interval += tick.decisions * tick.refused.min_interval;
        sum.refused.concurrency += tick.decisions * tick.refused.concurrency;
        sum.refused.risk += tick.decisions * tick.refused.risk;
        sum.refused.throttle += tick.decisions * tick.refused.throttle;
        if tick.latency_ms > DEADLINE_MS {
            self.missed_deadlines += 1.0;
        }
        self.adverse_bps.push(tick.adverse / tick.maker);
        self.slippage_bps.push(tick.slippage_bps);
        self.latency_ms.push(tick.latency_ms);
        self.ws_lag_ms.push(tick.ws_lag_ms);
        self.order_age_ms.push(tick.order_age_ms);
    }

    /// The report on `size` large orders.
    fn report(mut self, size: f64) -> EdgeReport {
        let sum = &self.sum;
        let ticks = self.latency_ms.len() as f64;
        let volume = sum.maker + sum.taker;
        let maker_share = sum.maker / volume;
        let gross = sum.gross / volume;
        let costs = [
            ("fees_eff_bps", sum.fees / volume),
            ("slippage_bps", sum.slippage / volume),
            ("adverse_bps", sum.adverse / volume),
            ("inventory_bps", sum.inventory / volume),
        ];
        let net = costs.iter().fold(gross, |left, (_, cost)| left - cost);
        let [loop_least, loop_per_ms] = LOOP_LATENCY;
        let p95_latency = quantile(&mut self.latency_ms, 0.95);
        let p50_latency = quantile(&mut self.latency_ms, 0.5);
        let ws_max = self.ws_lag_ms.iter().copied().fold(0.0, f64::max);

        let mut numbers = BTreeMap::new();
        let mut put = |key: &str, value: f64| {
            numbers.insert(key.to_owned(), Some(value));
        };
        put("net_bps", net);
        put("gross_bps", gross);
        put("component_breakdown.gross_bps", gross);
        for (key, cost) in costs {
            put(key, cost);
            put(&format!("component_breakdown.{key}"), cost);
        }
        put("adverse_bps_p95", quantile(&mut self.adverse_bps, 0.95));
        put("slippage_bps_p95", quantile(&mut self.slippage_bps, 0.95));
        put("order_age_p95_ms", quantile(&mut self.order_age_ms, 0.95));
        put("ws_lag_p95_ms", quantile(&mut self.ws_lag_ms, 0.95));
        put("ws_lag_max_ms", ws_max);
        put("cancel_ratio", sum.cancelled / sum.placed);
        put("p95_latency_ms", p95_latency);
        put("maker_share_pct", 100.0 * maker_share);
        put("mm_maker_share_ratio", maker_share);
        put("mm_hit_ratio", sum.hit / ticks);
        put("mm_deadline_miss_rate", self.missed_deadlines / ticks);
        // The loop's latency is a line over the order's, so are its quantiles.
        put("tick_latency_ms.p50", loop_least + loop_per_ms * p50_latency);
        put("tick_latency_ms.p95", loop_least + loop_per_ms * p95_latency);
        put("fills.maker_volume", sum.maker);
        put("fills.taker_volume", sum.taker);
        put("fills.maker_count", (sum.maker / (size * FILL_PART)).round());
        put("fills.taker_count", (sum.taker / (size * FILL_PART)).round());
        for (reason, count) in [
            ("min_interval", sum.refused.min_interval),
            ("concurrency", sum.refused.concurrency),
            ("risk", sum.refused.risk),
            ("throttle", sum.refused.throttle),
        ] {
            put(&format!("block_reasons.{reason}.count"), count.round());
            put(&format!("block_reasons.{reason}.ratio"), count / sum.decisions);
        }
        EdgeReport {
            numbers,
            neg_edge_drivers: if net < 0.0 { largest(costs) } else { Vec::new() },
            version: Some(VERSION.to_owned()),
            ..EdgeReport::default()
        }
    }
}

/// The two largest costs, largest first.
fn largest(mut costs: [(&'static str, f64); 4]) -> Vec<String> {
    costs.sort_by(|a, b| b.1.total_cmp(&a.1));
    costs.iter().take(2).map(|(name, _)| (*name).to_owned()).collect()
}

/// Quantile by linear interpolation between order statistics (Hyndman and Fan, type 7). Reorders `values`,
/// of which there is at least one.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    let position = (values.len() - 1) as f64 * share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position within the slice"
    )]
    let below = position as usize;
    let (_, lower, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let upper = above.iter().copied().min_by(f64::total_cmp).unwrap_or(*lower);
    *lower + (upper - *lower) * (position - below as f64)
}

/// What is seen of a tick of this block, by the quoter as it stands after it.
fn observation(block: &Block, quoter: &Quoter, tick: &Tick) -> Observation {
    let [loop_least, loop_per_ms] = LOOP_LATENCY;
    let refused = &tick.refused;
    let is_crash = block.drift_bps.abs() == CRASH_BPS;
    let refusals = [refused.min_interval, refused.concurrency, refused.risk, refused.throttle];
    Observation {
        tick_to_order: tick.latency_ms / 1000.0,
        tick_total: (loop_least + loop_per_ms * tick.latency_ms) / 1000.0,
        // The loop waits for market data as far as the cache does not have them.
        fetch_md: (1.0 - tick.hit) * loop_per_ms * tick.latency_ms / 1000.0,
        ws_lag: tick.ws_lag_ms / 1000.0,
        order_age: tick.order_age_ms / 1000.0,
        adverse_bps: tick.adverse / tick.maker,
        slippage_bps: tick.slippage_bps,
        maker: tick.maker,
        taker: tick.taker,
        gross: tick.gross,
        net: tick.gross - tick.fees - tick.slippage - tick.adverse - tick.inventory,
        hit: tick.hit,
        missed: tick.latency_ms > DEADLINE_MS,
        decisions: tick.decisions,
        blocks: refusals.map(|share| tick.decisions * share),
        placed: tick.placed,
        // Quotes that only make are refused where the market falls through them.
        errors: if is_crash || tick.latency_ms > ORDER_TIMEOUT_MS { tick.placed } else { 0.0 },
        cancelled: tick.cancelled,
        // Little's law: so many a second, each there for its age.
        active_orders: tick.placed * tick.order_age_ms / 1000.0,
        position: quoter.inventory().abs(),
        crash: is_crash,
    }
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
pub(crate) mod tests {

    use crate::core::iteration::params::ParamName;
    use crate::run::simulator::*;

    /// The defaults of the parameter table.
    const START: [(&str, f64); 11] = [
        ("min_interval_ms", 60.0),
        ("replace_rate_per_min", 300.0),
        ("base_spread_bps_delta", 0.14),
        ("impact_cap_ratio", 0.10),
        ("max_delta_ratio", 0.15),
        ("tail_age_ms", 600.0),
        ("concurrency_limit", 10.0),
        ("rescue_max_ratio", 0.30),
        ("rescue_min_edge_bps", 1.0),
        ("rescue_cooldown_ms", 500.0),
        ("position_limit_ratio", 1.0),
    ];

    const RISK: &str = "block_reasons.risk.ratio";
    const PACED: &str = "block_reasons.min_interval.ratio";
    const CROWDED: &str = "block_reasons.concurrency.ratio";

    fn with(name: &str, value: f64) -> ParamValues {
        let put =
            |&(have, start): &(&str, f64)| (ParamName::flat(have), if have == name { value } else { start });
        ParamValues::new(START.iter().map(put).collect())
    }

    pub(crate) fn start() -> ParamValues {
        with("", 0.0)
    }

    fn volume(report: &EdgeReport) -> f64 {
        report.number("fills.maker_volume").unwrap() + report.number("fills.taker_volume").unwrap()
    }

    /// Means over eight iterations of a world.
    fn means(seed: u64, overrides: &ParamValues, metric: &str) -> f64 {
        let mut simulator = Simulator::new(seed, Scenario::Default);
        let sum: f64 = (1..=8)
            .map(|n| {
                let report = simulator.report(n, overrides).unwrap();
                match metric {
                    "adverse per maker fill" => {
                        report.number("adverse_bps").unwrap() / report.number("mm_maker_share_ratio").unwrap()
                    }
                    "gross money" => volume(&report) * report.number("gross_bps").unwrap(),
                    "inventory money" => volume(&report) * report.number("inventory_bps").unwrap(),
                    _ => report.number(metric).unwrap(),
                }
            })
            .sum();
        sum / 8.0
    }

    /// Holds that each step along `values` moves the metrics the way their sign says, in every world.
    fn moves(name: &str, values: &[f64], directions: &[(&str, f64)]) {
        for &(metric, sign) in directions {
            for seed in 1..=6 {
                let along: Vec<f64> =
                    values.iter().map(|value| means(seed, &with(name, *value), metric)).collect();
                for (step, pair) in along.windows(2).enumerate() {
                    assert!(
                        (pair[1] - pair[0]) * sign > 0.0,
                        "seed {seed}: {metric} went from {} to {} when {name} went from {} to {}",
                        pair[0],
                        pair[1],
                        values[step],
                        values[step + 1],
                    );
                }
            }
        }
    }

    #[test]
    fn a_wider_spread_brings_fewer_fills_more_of_them_as_maker_and_less_adverse_cost_for_each() {
        moves(
            "base_spread_bps_delta",
            &[0.08, 0.11, 0.14, 0.17, 0.20, 0.25],
            &[
                ("fills.maker_volume", -1.0),
                ("fills.taker_volume", -1.0),
                ("mm_maker_share_ratio", 1.0),
                ("adverse per maker fill", -1.0),
                (RISK, -1.0),
            ],
        );
    }

    #[test]
    fn a_longer_interval_has_fewer_refusals_and_staler_quotes() {
        moves(
            "min_interval_ms",
            &[40.0, 50.0, 60.0, 70.0, 80.0],
            &[(PACED, -1.0), (RISK, -1.0), ("order_age_p95_ms", 1.0), ("p95_latency_ms", -1.0)],
        );
        moves("min_interval_ms", &[50.0, 60.0, 70.0, 80.0], &[("adverse_bps", 1.0)]);
        moves("min_interval_ms", &[40.0, 60.0, 80.0], &[("mm_maker_share_ratio", 1.0)]);
    }

    #[test]
    fn fewer_replacements_cancel_less_and_make_more_of_the_volume() {
        moves(
            "replace_rate_per_min",
            &[320.0, 300.0, 255.0, 217.0, 200.0],
            &[
                ("cancel_ratio", -1.0),
                ("mm_maker_share_ratio", 1.0),
                ("order_age_p95_ms", 1.0),
                ("p95_latency_ms", -1.0),
                (RISK, -1.0),
            ],
        );
    }

    #[test]
    fn a_smaller_impact_cap_has_less_risk_less_slippage_and_fewer_fills() {
        moves(
            "impact_cap_ratio",
            &[0.12, 0.11, 0.10, 0.09, 0.08],
            &[(RISK, -1.0), ("slippage_bps_p95", -1.0), ("slippage_bps", -1.0), ("gross money", -1.0)],
        );
    }

    #[test]
    fn a_smaller_delta_limit_costs_less_inventory() {
        moves("max_delta_ratio", &[0.16, 0.15, 0.13, 0.10], &[("inventory_bps", -1.0), (RISK, -1.0)]);
    }

    #[test]
    fn a_longer_tail_is_easier_on_latency_and_has_older_orders() {
        moves(
            "tail_age_ms",
            &[500.0, 600.0, 700.0, 800.0],
            &[
                ("p95_latency_ms", -1.0),
                ("cancel_ratio", -1.0),
                ("order_age_p95_ms", 1.0),
                ("slippage_bps_p95", -1.0),
                ("mm_maker_share_ratio", 1.0),
            ],
        );
    }

    #[test]
    fn fewer_slots_are_faster_and_refuse_more() {
        moves(
            "concurrency_limit",
            &[64.0, 20.0, 10.0, 9.0, 5.0, 1.0],
            &[("p95_latency_ms", -1.0), (CROWDED, 1.0), (RISK, -1.0)],
        );
    }

    #[test]
    fn a_shyer_rescue_takes_less() {
        let less: [(&str, f64); 3] =
            [("fills.taker_volume", -1.0), ("mm_maker_share_ratio", 1.0), ("inventory money", 1.0)];
        moves("rescue_max_ratio", &[1.0, 0.6, 0.3, 0.1, 0.0], &less);
        moves("rescue_min_edge_bps", &[0.0, 1.0, 1.5, 4.0, 10.0], &less);
        moves("rescue_cooldown_ms", &[0.0, 500.0, 1000.0, 5000.0], &less);
    }

    #[test]
    fn a_lower_position_limit_has_less_risk_and_less_gross() {
        moves("position_limit_ratio", &[1.0, 0.9, 0.8, 0.5, 0.2], &[(RISK, -1.0), ("gross money", -1.0)]);
    }

    #[test]
    fn a_report_does_not_depend_on_the_iterations_before() {
        // Volatile: its blocks differ from iteration to iteration.
        let fresh = |n| Simulator::new(7, Scenario::Volatile).report(n, &start()).unwrap();
        let mut whole = Simulator::new(7, Scenario::Volatile);
        for n in 1..=40 {
            assert_eq!(fresh(n), whole.report(n, &start()).unwrap());
        }
        assert_eq!(fresh(3), whole.report(3, &start()).unwrap(), "going back");
    }

    #[test]
    fn every_iteration_has_luck_of_its_own_even_in_a_calm_market() {
        let mut calm = Simulator::new(7, Scenario::Calm);
        let nets: Vec<_> =
            (1..=10).map(|n| calm.report(n, &start()).unwrap().number("net_bps").unwrap()).collect();
        for (at, net) in nets.iter().enumerate() {
            assert!(!nets[..at].contains(net), "iteration {}", at + 1);
        }
    }

    #[test]
    fn net_is_gross_less_the_four_costs() {
        for seed in 1..=5 {
            let mut simulator = Simulator::new(seed, Scenario::Default);
            for n in 1..=24 {
                let report = simulator.report(n, &start()).unwrap();
                let get = |key| report.number(key).unwrap();
                let left = get("gross_bps")
                    - get("fees_eff_bps")
                    - get("slippage_bps")
                    - get("adverse_bps")
                    - get("inventory_bps");
                assert_eq!(get("net_bps"), left);
            }
        }
    }

    #[test]
    fn another_seed_another_world() {
        let one = Simulator::new(1, Scenario::Default).report(1, &start()).unwrap();
        let two = Simulator::new(2, Scenario::Default).report(1, &start()).unwrap();
        assert_ne!(one.number("net_bps"), two.number("net_bps"));
    }

    #[test]
    fn the_default_start_is_the_zone_that_the_tuner_is_made_for() {
        let mean = |metric| (1..=10).map(|seed| means(seed, &start(), metric)).sum::<f64>() / 10.0;
        let near = |metric, low: f64, high: f64| {
            let value = mean(metric);
            assert!(low <= value && value <= high, "{metric} is {value}");
        };
        near("mm_maker_share_ratio", 0.79, 0.82);
        near(RISK, 0.37, 0.395);
        near("net_bps", 2.9, 3.4);
        near("p95_latency_ms", 310.0, 325.0);
        near("adverse_bps_p95", 2.0, 2.8);
        near("slippage_bps_p95", 1.0, 2.0);
        near("tick_latency_ms.p95", 50.0, 150.0);
        near("mm_hit_ratio", 0.70, 0.9);
        near("mm_deadline_miss_rate", 0.0, 0.02);
    }

    #[test]
    fn every_total_is_there_and_finite() {
        let scenarios = ["default", "calm", "volatile", "flash-crash", "latency-storm", "liquidity-gap"];
        let edges = [with("", 0.0), with("concurrency_limit", 1.0), with("rescue_max_ratio", 0.0)];
        for scenario in
            scenarios.into_iter().chain(["leak", "diurnal", "diurnal-leak", "regression@2", "always-bad"])
        {
            let mut simulator = Simulator::new(3, scenario.parse().unwrap());
            for overrides in &edges {
                let report = simulator.report(3, overrides).unwrap();
                assert_eq!(report.version.as_deref(), Some("sim-1"));
                assert!(report.numbers.values().all(|value| value.is_some_and(f64::is_finite)), "{report:?}");
                for reason in ["min_interval", "concurrency", "risk", "throttle"] {
                    let ratio = report.number(&format!("block_reasons.{reason}.ratio")).unwrap();
                    assert!((0.0..=1.0).contains(&ratio), "{reason}: {ratio}");
                    assert!(report.number(&format!("block_reasons.{reason}.count")).is_some());
                }
                for key in ["cancel_ratio", "mm_maker_share_ratio", "mm_hit_ratio", "mm_deadline_miss_rate"] {
                    assert!((0.0..=1.0).contains(&report.number(key).unwrap()), "{key}");
                }
                assert!(report.number("ws_lag_max_ms") >= report.number("ws_lag_p95_ms"));
                assert!(report.number("tick_latency_ms.p95") > report.number("tick_latency_ms.p50"));
            }
        }
    }

    #[test]
    fn a_loss_names_its_two_largest_costs_and_a_gain_names_none() {
        let mut bad = Simulator::new(1, Scenario::AlwaysBad);
        let report = bad.report(1, &start()).unwrap();
        assert!(report.number("net_bps").unwrap() < 0.0);
        let [first, second] = report.neg_edge_drivers.as_slice() else { panic!("{report:?}") };
        assert!(report.number(first) >= report.number(second));
        for other in ["fees_eff_bps", "slippage_bps", "adverse_bps", "inventory_bps"] {
            assert!(other == first || report.number(other) <= report.number(second), "{other}");
        }
        let good = Simulator::new(1, Scenario::Calm).report(1, &start()).unwrap();
        assert!(good.number("net_bps").unwrap() > 0.0);
        assert!(good.neg_edge_drivers.is_empty());
    }

    #[test]
    fn always_bad_is_bad_under_every_override() {
        let kind = [
            ("base_spread_bps_delta", 0.25),
            ("replace_rate_per_min", 200.0),
            ("rescue_max_ratio", 0.0),
            ("min_interval_ms", 80.0),
            ("impact_cap_ratio", 0.08),
            ("tail_age_ms", 800.0),
        ];
        let kindest = ParamValues::new(
            kind.iter().chain(&START).map(|(name, value)| (ParamName::flat(name), *value)).collect(),
        );
        for seed in 1..=10 {
            let mut simulator = Simulator::new(seed, Scenario::AlwaysBad);
            for n in 1..=24 {
                for overrides in [&start(), &kindest] {
                    let net = simulator.report(n, overrides).unwrap().number("net_bps").unwrap();
                    assert!(net < 2.0, "seed {seed}, iteration {n}: {net}");
                }
            }
        }
    }

    #[test]
    fn a_regression_begins_at_its_iteration_and_not_before() {
        let mut sound = Simulator::new(5, Scenario::Default);
        let mut broken = Simulator::new(5, Scenario::Regression(4));
        for n in 1..=3 {
            assert_eq!(broken.report(n, &start()).unwrap(), sound.report(n, &start()).unwrap());
        }
        for n in 4..=6 {
            let (sound, broken) = (sound.report(n, &start()).unwrap(), broken.report(n, &start()).unwrap());
            assert!(broken.number("adverse_bps").unwrap() > sound.number("adverse_bps").unwrap() + 1.0);
            assert!(broken.number("net_bps").unwrap() < sound.number("net_bps").unwrap() - 1.0);
        }
    }

    #[test]
    fn orders_fail_in_a_crash_and_not_in_a_calm_market() {
        let failed = |scenario| {
            let mut simulator = Simulator::new(3, scenario);
            let mut told = Vec::new();
            for n in 1..=6 {
                let seen = simulator.observe(n, &start()).unwrap();
                assert!(
                    seen.iter().all(|tick| tick.errors == 0.0 || tick.errors == tick.placed),
                    "all or none"
                );
                let crashed: f64 = seen.iter().filter(|tick| tick.crash).map(|tick| tick.placed).sum();
                let slow: f64 = seen
                    .iter()
                    .filter(|tick| !tick.crash && tick.tick_to_order > 1.0)
                    .map(|tick| tick.placed)
                    .sum();
                let errors: f64 = seen.iter().map(|tick| tick.errors).sum();
                assert!((errors - crashed - slow).abs() < 1e-9, "{n}");
                told.push(errors > 0.0);
            }
            told
        };
        assert!(failed(Scenario::FlashCrash).contains(&true));
        assert_eq!(failed(Scenario::Calm), [false; 6]);
    }

    #[test]
    fn a_leak_grows_twelve_mebibytes_an_hour_and_nothing_else_does() {
        let leak = Simulator::new(9, Scenario::Leak);
        let sound = Simulator::new(9, Scenario::Default);
        for (n, hours) in [(1, 0.5), (12, 1.0), (864, 72.0)] {
            let (leaking, flat) = (leak.resources(n, hours), sound.resources(n, hours));
            assert!((leaking.rss_mb.unwrap() - flat.rss_mb.unwrap() - 12.0 * hours).abs() < 1e-9);
            assert_eq!(Resources { rss_mb: None, ..leaking }, Resources { rss_mb: None, ..flat });
            assert!((flat.rss_mb.unwrap() - 412.0).abs() < 6.0, "{flat:?}");
        }
    }

    #[test]
    fn a_daily_cycle_comes_back_after_a_day_and_a_leak_stays() {
        let latency = |scenario, hours: f64| {
            let mut simulator = Simulator::new(9, scenario);
            let report = simulator.at(hours).report(1, &start()).unwrap();
            report.number("p95_latency_ms").unwrap()
        };
        let at = |hours: f64| latency(Scenario::Diurnal, hours);
        // The same luck at other times: noise is no part of the difference.
        let (peak, calm, quiet) = (at(6.0), at(12.0), at(18.0));
        assert!(
            (peak - calm - 15.0).abs() < 1e-6 && (calm - quiet - 15.0).abs() < 1e-6,
            "{peak} {calm} {quiet}"
        );
        assert!((at(30.0) - peak).abs() < 1e-6 && (calm - latency(Scenario::Calm, 30.0)).abs() < 1e-6);
        let leaks = |hours: f64| latency(Scenario::DiurnalLeak, hours) - at(hours);
        assert!((leaks(6.0) - 2.4).abs() < 1e-6 && (leaks(66.0) - 26.4).abs() < 1e-6);
        let memory = |scenario| Simulator::new(9, scenario).resources(288, 72.0).rss_mb.unwrap();
        assert!((memory(Scenario::DiurnalLeak) - memory(Scenario::Diurnal) - 864.0).abs() < 1e-9);
        let volume_at =
            |hours: f64| volume(&Simulator::new(9, Scenario::Diurnal).at(hours).report(1, &start()).unwrap());
        assert!(volume_at(6.0) > 1.1 * volume_at(18.0));
    }

    #[test]
    fn an_override_that_is_missing_or_impossible_is_named() {
        let mut simulator = Simulator::new(1, Scenario::Default);
        let nothing = simulator.report(1, &ParamValues::default()).unwrap_err();
        assert_eq!(
            nothing.to_string(),
            "the simulator needs `min_interval_ms`, which the overrides do not have"
        );
        for (name, value, must) in [
            ("min_interval_ms", 0.0, "above 0"),
            ("concurrency_limit", -1.0, "0 or more"),
            ("impact_cap_ratio", f64::NAN, "0 or more"),
            ("rescue_max_ratio", f64::INFINITY, "0 or more"),
        ] {
            let told = simulator.report(1, &with(name, value)).unwrap_err().to_string();
            assert_eq!(told, format!("the simulator cannot work with `{name}` = {value}; it must be {must}"));
        }
        assert!(simulator.report(1, &with("base_spread_bps_delta", 0.0)).is_ok());
    }
}
