//! A tick as a monitoring of the simulated system sees it.
//!
//! Converts units and adds what follows from the tick by itself; draws nothing and changes nothing.

use super::constants::{CRASH_BPS, DEADLINE_MS, LOOP_LATENCY, ORDER_TIMEOUT_MS};
use super::quoter::{Quoter, Tick};
use super::regimes::Block;
use crate::core::bot_metrics::Observation;

/// What is seen of a tick of this block, by the quoter as it stands after it.
pub(super) fn observation(block: &Block, quoter: &Quoter, tick: &Tick) -> Observation {
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
