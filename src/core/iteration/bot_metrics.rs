//! The metrics that a trading system shows: the contract, and what a simulated one shows by it.
//!
//! Rules, dashboards and the queries of the `prometheus` source are written against the contract; it is documented
//! in `deploy/prometheus/bot-metrics.md`, and a test holds the two together. Pure: knows no clock, writes no text.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::stats::DecayingMean;

/// What a trading system sees in one tick. Volumes are shares of the position limit; money is bps times volume.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observation {
    /// From the market's tick to the venue's word, seconds.
    pub tick_to_order: f64,
    /// Whole tick of the loop, seconds.
    pub tick_total: f64,
    /// Part of it that waited for market data, seconds.
    pub fetch_md: f64,
    /// Lag of the market data, seconds.
    pub ws_lag: f64,
    /// Age of the order that ended, seconds.
    pub order_age: f64,
    /// Adverse selection of the fill, bps.
    pub adverse_bps: f64,
    /// Slippage of the taker fill, bps.
    pub slippage_bps: f64,
    pub maker: f64,
    pub taker: f64,
    /// Money before costs.
    pub gross: f64,
    /// Money after costs.
    pub net: f64,
    /// Look-ups that the cache answered, of one.
    pub hit: f64,
    /// Whether the deadline was missed.
    pub missed: bool,
    pub decisions: f64,
    /// Decisions refused, by [`BLOCK_REASONS`].
    pub blocks: [f64; 4],
    pub placed: f64,
    /// Orders that the venue refused, or did not answer in time.
    pub errors: f64,
    pub cancelled: f64,
    /// Orders that rest on the venue.
    pub active_orders: f64,
    /// Size of the inventory.
    pub position: f64,
    /// Whether the market falls through the book in this tick, which the guard against crashes answers.
    pub crash: bool,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives, and starts at 0 with it.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations below bounds: `_bucket`, `_sum`, `_count`.
    Histogram,
}

impl Kind {
    /// Word of the text exposition.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BotMetric {
    pub name: &'static str,
    pub kind: Kind,
    /// Unit of a value.
    pub unit: &'static str,
    /// The label that distinguishes its series, beside the labels of the target; `None` = a single series.
    pub label: Option<&'static str>,
    /// Values of the label that have to be there from the start, so that a rate has something to begin with.
    pub values: &'static [&'static str],
    /// What a value says.
    pub help: &'static str,
}

const fn plain(name: &'static str, kind: Kind, unit: &'static str, help: &'static str) -> BotMetric {
    BotMetric { name, kind, unit, label: None, values: &[], help }
}

const fn labelled(metric: BotMetric, label: &'static str, values: &'static [&'static str]) -> BotMetric {
    BotMetric { label: Some(label), values, ..metric }
}

/// Reasons for which a decision is refused.
pub const BLOCK_REASONS: [&str; 4] = ["min_interval", "concurrency", "risk", "throttle"];
/// States of the circuit breaker; exactly one is 1.
pub const BREAKER_STATES: [&str; 3] = ["closed", "half_open", "open"];
/// Guards that the simulator has.
pub const GUARDS: [&str; 2] = ["flash_crash", "loss"];
/// Who brought the liquidity of a fill.
pub const LIQUIDITY: [&str; 2] = ["maker", "taker"];
/// Stages of a tick that are measured by themselves.
pub const STAGES: [&str; 1] = ["fetch_md"];

/// All of them, sorted by name.
pub const CONTRACT: [BotMetric; 28] = [
    plain("mm_active_orders", Kind::Gauge, "orders", "Orders that rest on the venue now"),
    plain("mm_adverse_bps", Kind::Histogram, "bps", "Adverse selection of a maker fill; a gain counts as 0"),
    labelled(
        plain("mm_blocks_total", Kind::Counter, "decisions", "Decisions that a rule refused, by rule"),
        "reason",
        &BLOCK_REASONS,
    ),
    labelled(
        plain(
            "mm_circuit_breaker_state",
            Kind::Gauge,
            "0 or 1",
            "1 for the state of the circuit breaker, 0 for the others",
        ),
        "state",
        &BREAKER_STATES,
    ),
    plain("mm_deadline_missed_total", Kind::Counter, "ticks", "Ticks that took longer than their deadline"),
    plain("mm_decisions_total", Kind::Counter, "decisions", "Decisions, refused ones included"),
    plain(
        "mm_edge_bps_ema1h",
        Kind::Gauge,
        "bps",
        "Net edge, exponentially weighted with a half life of one hour",
    ),
    plain(
        "mm_edge_bps_ema24h",
        Kind::Gauge,
        "bps",
        "Net edge, exponentially weighted with a half life of 24 hours",
    ),
    labelled(
        plain("mm_fill_volume_total", Kind::Counter, "volume", "Volume filled, by who brought the liquidity"),
        "liquidity",
        &LIQUIDITY,
    ),
    plain("mm_gross_bps", Kind::Gauge, "bps", "Edge before costs over the last minutes, per volume"),
    labelled(
        plain("mm_guard_trips_total", Kind::Counter, "trips", "How often a guard stepped in, by guard"),
        "guard",
        &GUARDS,
    ),
    plain(
        "mm_hit_ratio",
        Kind::Gauge,
        "ratio",
        "Share of the wanted market data that the cache had, over the last minutes",
    ),
    plain("mm_maker_share_ratio", Kind::Gauge, "ratio", "Share of maker volume over the last minutes"),
    plain(
        "mm_md_cache_hits_total",
        Kind::Counter,
        "look-ups",
        "Look-ups of market data that the cache answered",
    ),
    plain(
        "mm_md_cache_misses_total",
        Kind::Counter,
        "look-ups",
        "Look-ups of market data that went to the venue",
    ),
    plain("mm_net_bps", Kind::Gauge, "bps", "Edge after all costs over the last minutes, per volume"),
    plain("mm_order_age_seconds", Kind::Histogram, "seconds", "Age of an order when it ended"),
    plain(
        "mm_order_errors_total",
        Kind::Counter,
        "orders",
        "Orders that the venue refused, or did not answer in time",
    ),
    plain("mm_orders_cancelled_total", Kind::Counter, "orders", "Orders cancelled"),
    plain("mm_orders_placed_total", Kind::Counter, "orders", "Orders placed"),
    plain(
        "mm_position_ratio",
        Kind::Gauge,
        "ratio",
        "Size of the inventory as a share of the position limit",
    ),
    plain("mm_slippage_bps", Kind::Histogram, "bps", "Slippage of a taker fill"),
    labelled(
        plain("mm_stage_duration_seconds", Kind::Histogram, "seconds", "Duration of a stage of the tick"),
        "stage",
        &STAGES,
    ),
    plain(
        "mm_tick_to_order_seconds",
        Kind::Histogram,
        "seconds",
        "From the market's tick to the venue's word on our order",
    ),
    plain(
        "mm_tick_total_seconds",
        Kind::Histogram,
        "seconds",
        "Duration of a whole tick of the quoting loop",
    ),
    plain("mm_ticks_total", Kind::Counter, "ticks", "Ticks of the quoting loop"),
    plain("mm_ws_lag_seconds", Kind::Histogram, "seconds", "Lag of a market data message"),
    plain(
        "mm_ws_lag_seconds_max",
        Kind::Gauge,
        "seconds",
        "Largest lag of a market data message over the last minutes",
    ),
];

/// The metric with this name.
///
/// # Panics
///
/// When the contract does not have it; names in the program are constants.
pub fn metric(name: &str) -> &'static BotMetric {
    match CONTRACT.iter().find(|metric| metric.name == name) {
        Some(metric) => metric,
        None => panic!("`{name}` is not in the contract"),
    }
}

/// Counts of observations at or below bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
    count: u64,
}

impl Histogram {
    /// Without observations. The bounds rise; the last bucket, up to infinity, is always there.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len()], sum: 0.0, count: 0 }
    }

    /// Counts an observation.
    pub fn observe(&mut self, value: f64) {
        for (count, bound) in self.counts.iter_mut().zip(self.bounds) {
            *count += u64::from(value <= *bound);
        }
        self.sum += value;
        self.count += 1;
    }

    /// Bounds with the number of observations at or below each; without the bucket up to infinity.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        self.bounds.iter().copied().zip(self.counts.iter().copied())
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    pub fn count(&self) -> u64 {
        self.count
    }
}

/// Ticks that the gauges look back on: an iteration of the simulator, five minutes of its usual time.
const WINDOW: usize = 300;
/// Ticks that have to be there before a loss opens the breaker: a single bad tick is no loss.
const LOSS_TICKS: usize = 60;

/// Around the deadlines of a quoting loop, whose limit is 0.15 s.
const TICK_BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.3, 0.5];
/// Around order latencies, whose limits lie between 0.33 and 0.5 s.
const ORDER_BOUNDS: [f64; 14] =
    [0.05, 0.1, 0.15, 0.2, 0.225, 0.25, 0.275, 0.3, 0.33, 0.35, 0.4, 0.5, 0.75, 1.0];
/// Around lags of market data, whose limits lie between 0.12 and 0.2 s.
const LAG_BOUNDS: [f64; 11] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.12, 0.15, 0.18, 0.2, 0.3, 0.5];
/// Around ages of orders, whose limits lie at 0.33 and 0.36 s.
const AGE_BOUNDS: [f64; 12] = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.33, 0.36, 0.4, 0.5, 1.0, 2.0];
/// Around costs of a fill in bps, whose limits lie between 3 and 6.
const COST_BOUNDS: [f64; 12] = [0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0];

/// What the ticks so far add up to.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    pub ticks: u64,
    /// Ticks that missed their deadline.
    pub missed: u64,
    pub decisions: f64,
    /// Refused ones, by reason.
    pub blocks: [f64; BLOCK_REASONS.len()],
    /// Volume of makers and takers.
    pub volume: [f64; 2],
    pub placed: f64,
    /// Orders that the venue refused, or did not answer in time.
    pub errors: f64,
    pub cancelled: f64,
    /// Look-ups that the cache answered.
    pub hits: f64,
    /// Look-ups that it did not.
    pub misses: f64,
    /// Trips of the guards against flash crashes and losses.
    pub guard_trips: [u64; 2],
    /// Tick to order, seconds.
    pub tick_to_order: Histogram,
    /// Whole ticks, seconds.
    pub tick_total: Histogram,
    /// Fetching market data, seconds.
    pub fetch_md: Histogram,
    /// Lag of market data, seconds.
    pub ws_lag: Histogram,
    /// Age of orders, seconds.
    pub order_age: Histogram,
    /// Adverse selection, bps.
    pub adverse: Histogram,
    /// Slippage, bps.
    pub slippage: Histogram,
    window: VecDeque<Observation>,
    is_losing: bool,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            ticks: 0,
            missed: 0,
            decisions: 0.0,
            blocks: [0.0; BLOCK_REASONS.len()],
            volume: [0.0; 2],
            placed: 0.0,
            errors: 0.0,
            cancelled: 0.0,
            hits: 0.0,
            misses: 0.0,
            guard_trips: [0; 2],
            tick_to_order: Histogram::new(&ORDER_BOUNDS),
            tick_total: Histogram::new(&TICK_BOUNDS),
            fetch_md: Histogram::new(&TICK_BOUNDS),
            ws_lag: Histogram::new(&LAG_BOUNDS),
            order_age: Histogram::new(&AGE_BOUNDS),
            adverse: Histogram::new(&COST_BOUNDS),
            slippage: Histogram::new(&COST_BOUNDS),
            window: VecDeque::new(),
            is_losing: false,
        }
    }
}

/// The gauges, over the last ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recent {
    /// Edge before costs, bps; `None` without volume.
    pub gross_bps: Option<f64>,
    /// Edge after costs, bps; `None` without volume.
    pub net_bps: Option<f64>,
    /// Share of maker volume; `None` without volume.
    pub maker_share: Option<f64>,
    /// Share of the look-ups that the cache answered.
    pub hit_ratio: f64,
    /// Largest lag of market data, seconds.
    pub ws_lag_max: f64,
    /// Orders that rest on the venue at the end.
    pub active_orders: f64,
    /// Size of the inventory at the end.
    pub position: f64,
    /// Whether the circuit breaker is open at the end.
    pub is_open: bool,
}

impl Meter {
    /// Takes the next tick.
    pub fn add(&mut self, seen: &Observation) {
        self.ticks += 1;
        self.missed += u64::from(seen.missed);
        self.decisions += seen.decisions;
        for (total, refused) in self.blocks.iter_mut().zip(seen.blocks) {
            *total += refused;
        }
        self.volume[0] += seen.maker;
        self.volume[1] += seen.taker;
        self.placed += seen.placed;
        self.errors += seen.errors;
        self.cancelled += seen.cancelled;
        self.hits += seen.hit;
        self.misses += 1.0 - seen.hit;
        self.tick_to_order.observe(seen.tick_to_order);
        self.tick_total.observe(seen.tick_total);
        self.fetch_md.observe(seen.fetch_md);
        self.ws_lag.observe(seen.ws_lag);
        self.order_age.observe(seen.order_age);
        // A negative observation would make the sum fall, and a sum is a counter.
        self.adverse.observe(seen.adverse_bps.max(0.0));
        self.slippage.observe(seen.slippage_bps.max(0.0));
        let was_crash = self.window.back().is_some_and(|last| last.crash);
        self.guard_trips[0] += u64::from(seen.crash && !was_crash);
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(*seen);
        let is_losing =
            self.window.len() >= LOSS_TICKS && self.window.iter().map(|seen| seen.net).sum::<f64>() < 0.0;
        self.guard_trips[1] += u64::from(is_losing && !self.is_losing);
        self.is_losing = is_losing;
    }

    /// The gauges; `None` before the first tick.
    pub fn recent(&self) -> Option<Recent> {
        let last = self.window.back()?;
        let sum = |of: fn(&Observation) -> f64| self.window.iter().map(of).sum::<f64>();
        let volume = sum(|seen| seen.maker + seen.taker);
        let per_volume = |money: f64| (volume > 0.0).then(|| money / volume);
        Some(Recent {
            gross_bps: per_volume(sum(|seen| seen.gross)),
            net_bps: per_volume(sum(|seen| seen.net)),
            maker_share: per_volume(sum(|seen| seen.maker)),
            hit_ratio: sum(|seen| seen.hit) / self.window.len() as f64,
            ws_lag_max: self.window.iter().map(|seen| seen.ws_lag).fold(0.0, f64::max),
            active_orders: last.active_orders,
            position: last.position,
            is_open: self.is_losing || last.crash,
        })
    }
}

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// A simulated system as a scraper sees it.
#[derive(Clone, Debug)]
pub struct LiveBot {
    meter: Meter,
    /// Ticks of the iteration under way, of which a part has passed.
    ticks: Vec<Observation>,
    starts: DateTime<Utc>,
    /// Zero where time is virtual: then they have all passed.
    length: Duration,
    edge_1h: DecayingMean,
    edge_24h: DecayingMean,
}

impl Default for LiveBot {
    fn default() -> Self {
        Self {
            meter: Meter::default(),
            ticks: Vec::new(),
            starts: DateTime::UNIX_EPOCH,
            length: Duration::ZERO,
            edge_1h: DecayingMean::new(HOUR),
            edge_24h: DecayingMean::new(24.0 * HOUR),
        }
    }
}

impl LiveBot {
    /// An iteration begins; those before it have passed. Its ticks pass evenly over `length`.
    pub fn begin(&mut self, ticks: Vec<Observation>, starts: DateTime<Utc>, length: Duration) {
        for seen in std::mem::replace(&mut self.ticks, ticks) {
            self.meter.add(&seen);
        }
        (self.starts, self.length) = (starts, length);
    }

    /// The net edge of an iteration that ended at this time of the run.
    pub fn edge(&mut self, ends: DateTime<Utc>, net_bps: f64) {
        let seconds = ends.timestamp_millis() as f64 / 1000.0;
        self.edge_1h.push(seconds, net_bps);
        self.edge_24h.push(seconds, net_bps);
    }

    /// Weighted means of the net edge with half lives of 1 hour and 24 hours; `None` before the first iteration
    /// has ended.
    pub fn edges(&self) -> [Option<f64>; 2] {
        [self.edge_1h.get(), self.edge_24h.get()]
    }

    /// What the ticks up to now add up to.
    pub fn at(&self, now: DateTime<Utc>) -> Meter {
        let mut meter = self.meter.clone();
        self.ticks.iter().take(self.passed(now)).for_each(|seen| meter.add(seen));
        meter
    }

    /// Ticks of the iteration under way that have passed.
    fn passed(&self, now: DateTime<Utc>) -> usize {
        let elapsed = (now - self.starts).to_std().unwrap_or_default();
        if elapsed >= self.length {
            return self.ticks.len();
        }
        // 300 ticks, and at most so many nanoseconds as an interval has: exact in 128 bits.
        let passed = elapsed.as_nanos() * self.ticks.len() as u128 / self.length.as_nanos();
        usize::try_from(passed).unwrap_or(self.ticks.len())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_contract_is_sorted_and_names_nothing_twice() {
        assert!(CONTRACT.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn a_name_says_the_type() {
        for metric in CONTRACT {
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert_eq!(metric.label.is_some(), !metric.values.is_empty(), "{}", metric.name);
        }
    }

    #[test]
    fn an_observation_counts_in_its_bucket_and_all_above() {
        let mut histogram = Histogram::new(&[1.0, 2.0, 5.0]);
        for value in [0.5, 1.0, 1.5, 7.0] {
            histogram.observe(value);
        }
        assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(1.0, 2), (2.0, 3), (5.0, 3)]);
        assert_eq!((histogram.sum(), histogram.count()), (10.0, 4));
    }

    fn tick(net: f64) -> Observation {
        Observation { net, gross: net + 1.0, maker: 0.75, taker: 0.25, hit: 0.8, ..Observation::default() }
    }

    fn of(ticks: impl IntoIterator<Item = Observation>) -> Meter {
        let mut meter = Meter::default();
        ticks.into_iter().for_each(|seen| meter.add(&seen));
        meter
    }

    #[test]
    fn without_ticks_there_are_counters_at_zero_and_no_gauges() {
        let meter = Meter::default();
        assert_eq!((meter.ticks, meter.tick_total.count()), (0, 0));
        assert_eq!(meter.recent(), None);
    }

    #[test]
    fn gauges_look_back_on_the_last_300_ticks_and_counters_on_all() {
        // 100 ticks with a net of 9 fall out of the window, 300 with a net of 2 stay.
        let meter = of((0..400).map(|number| tick(if number < 100 { 9.0 } else { 2.0 })));
        let recent = meter.recent().expect("ticks");
        assert_eq!(
            (recent.net_bps, recent.gross_bps, recent.maker_share),
            (Some(2.0), Some(3.0), Some(0.75))
        );
        assert!((recent.hit_ratio - 0.8).abs() < 1e-12);
        assert_eq!((meter.ticks, meter.volume), (400, [300.0, 100.0]));
        assert!((meter.hits - 320.0).abs() < 1e-9 && (meter.misses - 80.0).abs() < 1e-9);
    }

    #[test]
    fn failed_orders_are_added_up_as_the_others_are() {
        let one = |placed, errors| Observation { placed, errors, ..tick(1.0) };
        let meter = of([one(4.0, 0.0), one(3.0, 3.0), one(2.0, 0.5)]);
        assert_eq!((meter.placed, meter.errors), (9.0, 3.5));
    }

    #[test]
    fn a_loss_of_a_minute_opens_the_breaker_once_and_a_gain_closes_it() {
        let meter = of((0..59).map(|_| tick(-1.0)));
        assert_eq!((meter.recent().map(|recent| recent.is_open), meter.guard_trips), (Some(false), [0, 0]));
        let meter = of((0..300).map(|_| tick(-1.0)));
        assert_eq!((meter.recent().map(|recent| recent.is_open), meter.guard_trips), (Some(true), [0, 1]));
        let meter = of((0..360).map(|number| tick(if number < 60 { -1.0 } else { 1.0 })));
        assert_eq!((meter.recent().map(|recent| recent.is_open), meter.guard_trips), (Some(false), [0, 1]));
    }

    #[test]
    fn a_crash_trips_its_guard_once_however_long_it_lasts() {
        let meter = of((0..6).map(|number| Observation { crash: (2..5).contains(&number), ..tick(1.0) }));
        assert_eq!(meter.guard_trips, [1, 0]);
        assert_eq!(meter.recent().map(|recent| recent.is_open), Some(false));
        let meter = of((0..4).map(|number| Observation { crash: number >= 2, ..tick(1.0) }));
        assert_eq!(meter.recent().map(|recent| recent.is_open), Some(true));
    }

    #[test]
    fn a_fill_that_gains_counts_as_no_adverse_selection() {
        let meter = of([Observation { adverse_bps: -3.0, ..tick(1.0) }]);
        assert_eq!((meter.adverse.sum(), meter.adverse.count()), (0.0, 1));
    }

    fn ticks(count: usize) -> Vec<Observation> {
        vec![Observation { maker: 1.0, net: 1.0, ..Observation::default() }; count]
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn in_real_time_the_ticks_pass_as_the_interval_does_and_none_is_lost_or_counted_twice() {
        let mut bot = LiveBot::default();
        let length = Duration::from_secs(100);
        bot.begin(ticks(300), at(1000), length);
        let seen = |bot: &LiveBot, seconds| bot.at(at(seconds)).ticks;
        assert_eq!(
            [999, 1000, 1001, 1050, 1099, 1100, 5000].map(|now| seen(&bot, now)),
            [0, 0, 3, 150, 297, 300, 300]
        );
        bot.begin(ticks(300), at(1101), length);
        assert_eq!([1101, 1102, 1201].map(|now| seen(&bot, now)), [300, 303, 600]);
    }

    #[test]
    fn in_virtual_time_an_iteration_has_passed_as_soon_as_it_is_told() {
        let mut bot = LiveBot::default();
        bot.begin(ticks(300), at(1000), Duration::ZERO);
        assert_eq!(bot.at(at(1000)).ticks, 300);
    }

    #[test]
    fn the_edge_halves_its_weight_in_an_hour_and_in_a_day() {
        let mut bot = LiveBot::default();
        assert_eq!(bot.edges(), [None, None]);
        bot.edge(at(0), 0.0);
        bot.edge(at(3600), 3.0);
        // One hour ago weighs a half: 3 · 1 ÷ 1.5.
        let [hour, day] = bot.edges().map(|edge| edge.expect("a value"));
        assert!((hour - 2.0).abs() < 1e-12, "{hour}");
        assert!((day - 3.0 / (1.0 + libm::exp2(-1.0 / 24.0))).abs() < 1e-12, "{day}");
    }
}
