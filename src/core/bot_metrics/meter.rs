//! Adds up what a simulated system sees, tick by tick, into the values of the contract.
//!
//! Counters only grow. Gauges are over the last [`WINDOW`] ticks. Its guards and its circuit breaker are those of
//! the simulated system and have no say in a verdict.

use std::collections::VecDeque;

use super::Observation;
use super::contract::BLOCK_REASONS;
use super::histogram::Histogram;

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
    /// Ticks.
    pub ticks: u64,
    /// Ticks that missed their deadline.
    pub missed: u64,
    /// Decisions.
    pub decisions: f64,
    /// Refused ones, by reason.
    pub blocks: [f64; BLOCK_REASONS.len()],
    /// Volume of makers and takers.
    pub volume: [f64; 2],
    /// Orders placed.
    pub placed: f64,
    /// Orders that the venue refused, or did not answer in time.
    pub errors: f64,
    /// Orders cancelled.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
