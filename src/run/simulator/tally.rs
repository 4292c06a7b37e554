//! From the ticks of an iteration to its edge report.
//!
//! Adds up and takes quantiles; knows nothing of how a tick came about.

use std::collections::BTreeMap;

use crate::core::iteration::bot_metrics::Observation;
use crate::run::iteration::EdgeReport;
use crate::run::simulator::constants::{
    CRASH_BPS, DEADLINE_MS, FILL_PART, LOOP_LATENCY, ORDER_TIMEOUT_MS, TICKS,
};
use crate::run::simulator::quoter::{Quoter, Tick};
use crate::run::simulator::world::Block;

/// The build that the simulated system claims to be.
const VERSION: &str = "sim-1";

/// What the ticks add up to.
#[derive(Debug)]
pub(crate) struct Tally {
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
    pub(crate) fn new() -> Self {
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

    pub(crate) fn add(&mut self, tick: &Tick) {
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
    pub(crate) fn report(mut self, size: f64) -> EdgeReport {
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
pub(crate) fn observation(block: &Block, quoter: &Quoter, tick: &Tick) -> Observation {
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
