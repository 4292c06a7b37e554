//! The constants of the model. They describe a simulated market and a simulated system; no verdict depends on
//! them, so they are no limits and do not stand in the policy.
//!
//! Chosen so that the default overrides start in the zone that the tuner is made for: maker share about 0.80,
//! risk about 0.38, net about 3 bps, p95 latency about 318 ms.

// Time.

/// Ticks of an iteration. A tick stands for a second of the usual interval of 300 s.
pub(crate) const TICKS: usize = BLOCKS * BLOCK_TICKS;
/// Blocks of an iteration; the regime changes at most once a block.
pub(crate) const BLOCKS: usize = 12;
pub(crate) const BLOCK_TICKS: usize = 25;

// Price.

/// Volatility of the mid price by regime (calm, volatile, stressed), bps per √s.
pub(crate) const SIGMA_BPS: [f64; 3] = [1.6, 2.1, 3.6];
/// Probability of a jump in a tick, by regime.
pub(crate) const JUMP_PROBABILITY: [f64; 3] = [0.001, 0.006, 0.03];
/// Size of a jump, in deviations of a tick.
pub(crate) const JUMP_SIGMAS: f64 = 5.0;
/// How much of a tick's move goes on in the next: fills come from people who know something.
pub(crate) const MOMENTUM: f64 = 0.30;
/// Deviation of the move after a fill that nobody knew, in deviations of a tick.
pub(crate) const AFTER_FILL_SIGMAS: f64 = 0.6;
/// Drift while a flash crash falls, bps per tick; it recovers half as fast over twice the time.
pub(crate) const CRASH_BPS: f64 = 8.0;

// Quotes and maker fills. Volumes and inventory are shares of the normal position limit.

/// Distance of the innermost quotes from the mid in a calm market, bps.
pub(crate) const INNER_BPS: f64 = 5.35;
/// Rungs of the ladder; each is `base_spread_bps_delta` further out, so this is bps of distance per bps.
pub(crate) const RUNGS: f64 = 12.0;
/// Flow that reaches a quote at the mid in a second, times the size of the quote.
pub(crate) const FLOW: f64 = 6.0;
/// Over this distance the flow falls to 1/e, bps.
pub(crate) const REACH_BPS: f64 = 7.0;
/// How much a tick's move shifts the flow from one side to the other.
pub(crate) const DIRECTED: f64 = 2.0;
/// The shift saturates here, in logarithms of the flow.
pub(crate) const MOST_DIRECTED: f64 = 1.5;
/// Inventory at which the adding side is quoted with half its size, per unit of `max_delta_ratio`.
pub(crate) const SKEW_ROOM: f64 = 3.0;
/// Time that an order needs to get its place in the queue back after it was replaced, s.
pub(crate) const QUEUE_SECONDS: f64 = 0.04;

// Taker volume.

/// How far a stale price strays, in deviations over the stale time, before it crosses the market.
pub(crate) const CROSS_SIGMAS: f64 = 1.35;
/// Part of the loop's messages that re-price an order, as every replacement does.
pub(crate) const LOOP_REPRICES: f64 = 0.3;
/// Rungs of the ladder that trade at once when a stale re-quote has crossed.
pub(crate) const CROSS_RUNGS: f64 = 11.5;
/// Rescued share of the inventory in a second when every rescue is allowed and the tail is 0.
pub(crate) const RESCUE_SPEED: f64 = 8.0;
/// Inventory that is not worth a rescue.
pub(crate) const RESCUE_ROOM: f64 = 0.25;
/// Age over which the hedges that are still open fall to 1/e, ms.
pub(crate) const TAIL_MS: f64 = 450.0;
/// Mean gain that a rescue expects in a calm market, bps; grows with volatility.
pub(crate) const RESCUE_EDGE_BPS: f64 = 3.0;
/// Rescues wanted in a second; the cool-down lets through those that it does not cover.
pub(crate) const RESCUES_PER_SECOND: f64 = 2.0;

// Messages, latency, staleness.

/// Share of the quoting loops that send a message in a calm market.
pub(crate) const LOOP_MESSAGES: f64 = 0.30;
pub(crate) const REPLACE_MESSAGES: f64 = 1.4;
/// Tail cancels in a second when the tail is 0.
pub(crate) const TAIL_MESSAGES: f64 = 8.0;
/// Seconds for which a message holds a slot.
pub(crate) const SLOT_SECONDS: f64 = 0.6;
/// Latency of an empty system, ms.
pub(crate) const LATENCY_MS: f64 = 172.0;
/// Latency that busy slots add, ms per slot².
pub(crate) const CONTENTION_MS: f64 = 1.1;
/// Mean of the exponential part of the latency, ms.
pub(crate) const LATENCY_NOISE_MS: f64 = 27.0;
/// Latency that a burst adds, ms, and how many ticks of its block it lasts.
pub(crate) const BURST_MS: f64 = 220.0;
pub(crate) const BURST_TICKS: usize = 4;
/// Ticks of a burst in a latency storm.
pub(crate) const STORM_TICKS: usize = 20;
/// Orders that take longer than this miss their deadline, ms.
pub(crate) const DEADLINE_MS: f64 = 480.0;
/// Orders that the venue did not answer within this count as failed, ms.
pub(crate) const ORDER_TIMEOUT_MS: f64 = 1000.0;
/// Lag of the market data, ms: the usual, its noise, and what an episode adds.
pub(crate) const WS_LAG_MS: [f64; 3] = [45.0, 14.0, 95.0];
/// Quoting loops between a move and the decision to follow it.
pub(crate) const STALE_LOOPS: f64 = 1.2;
/// How often an order ends for reasons that no parameter changes, 1/s.
pub(crate) const ORDER_HAZARD: f64 = 7.5;
/// How often it ends for each replacement a second.
pub(crate) const REPLACE_HAZARD: f64 = 0.5;
/// How often it ends for each tail time a second.
pub(crate) const TAIL_HAZARD: f64 = 1.0;
/// Latency of the system's own loop: least, ms, and per ms of order latency.
pub(crate) const LOOP_LATENCY: [f64; 2] = [4.0, 0.3];
/// Latency after which a third of the wanted fills is left, ms.
pub(crate) const HIT_MS: f64 = 1200.0;

// Costs.

/// Fee of a taker and rebate of a maker, bps.
pub(crate) const TAKER_FEE_BPS: f64 = 3.5;
pub(crate) const MAKER_REBATE_BPS: f64 = 0.1;
/// Slippage of a small taker order in a calm market, bps.
pub(crate) const SLIPPAGE_BPS: f64 = 0.55;
/// Slippage by size: bps per √(size as a share of the limit).
pub(crate) const IMPACT_BPS: f64 = 1.5;
/// Slippage by hurry: bps at a tail of 0.
pub(crate) const HURRY_BPS: f64 = 0.6;
/// Loss of a stale quote that is picked off at the mid, in deviations over the stale time.
pub(crate) const PICK_OFF: f64 = 2.5;
/// A fill is this part of an order.
pub(crate) const FILL_PART: f64 = 0.05;
/// Cost of holding inventory: bps × limit, per inventory² in a second.
pub(crate) const INVENTORY_BPS: f64 = 3.0;

// Refusals.

/// Mean spacing that the gateway wants between messages, ms.
pub(crate) const PACE_MS: f64 = 41.0;
/// Exposure at which half of the decisions are refused for risk.
pub(crate) const RISK_HALF: f64 = 0.80;
/// Part of the orders in flight that counts as exposure.
pub(crate) const IN_FLIGHT: f64 = 0.65;
/// Messages a second at which half are throttled.
pub(crate) const THROTTLE_HALF: f64 = 32.0;

// Thin book: share of the usual depth in a liquidity gap.

/// Depth in a liquidity gap.
pub(crate) const GAP_DEPTH: f64 = 0.35;

// Defects.

/// Error of the fair price after a regression, bps.
pub(crate) const REGRESSION_BPS: f64 = 3.5;
/// Error of the fair price in `always-bad`, bps.
pub(crate) const ALWAYS_BAD_BPS: f64 = 7.0;

// The day.

/// Hours from one peak of the load to the next.
pub(crate) const DAY_HOURS: f64 = 24.0;
/// What the load at its peak adds to the latency, ms; it takes away as much in the quietest hour.
pub(crate) const DAILY_LATENCY_MS: f64 = 15.0;
/// What it adds to the flow that reaches a quote, as a share.
pub(crate) const DAILY_FLOW: f64 = 0.15;
/// What a leak adds to the latency of a system with a daily cycle, ms per hour.
pub(crate) const LEAK_LATENCY_MS_PER_HOUR: f64 = 0.4;

// Resources.

/// Resident memory at the start, MiB, and its noise.
pub(crate) const RSS_MB: [f64; 2] = [412.0, 1.5];
/// What the leak loses, MiB per hour.
pub(crate) const LEAK_MB_PER_HOUR: f64 = 12.0;
/// CPU, percent of one, and its noise.
pub(crate) const CPU_PCT: [f64; 2] = [38.0, 2.0];
pub(crate) const THREADS: u64 = 18;
pub(crate) const OPEN_FILES: u64 = 64;
