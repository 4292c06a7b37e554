//! The simulated system: what it does in a tick, given the world, its state and the overrides.
//!
//! All volumes are expected ones, not single orders: they change smoothly with every parameter. Draws nothing
//! itself; the luck of a tick is given.

use super::constants as model;
use super::controls::Controls;
use super::noise::Noise;
use super::regimes::Block;

/// The luck of a tick; the same whatever the overrides are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Luck {
    move_in: f64,
    move_after: f64,
    flow: (f64, f64),
    latency: f64,
    age: f64,
    jump: f64,
    slippage: f64,
    ws: f64,
}

impl Luck {
    /// Draws the luck of the next tick: always the same number of values.
    pub(super) fn draw(noise: &mut Noise) -> Self {
        let (move_in, move_after) = (noise.normal(), noise.normal());
        let flow = noise.shares();
        let (latency, age) = noise.shares();
        let (jump, slippage) = noise.shares();
        let (ws, _) = noise.shares();
        Self { move_in, move_after, flow, latency, age, jump, slippage, ws }
    }
}

/// What a tick brought. Volumes are shares of the normal position limit; money is bps times volume.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tick {
    pub(super) maker: f64,
    pub(super) taker: f64,
    pub(super) gross: f64,
    pub(super) fees: f64,
    pub(super) slippage: f64,
    pub(super) adverse: f64,
    pub(super) inventory: f64,
    /// Slippage of a taker fill, bps.
    pub(super) slippage_bps: f64,
    pub(super) latency_ms: f64,
    pub(super) ws_lag_ms: f64,
    pub(super) order_age_ms: f64,
    pub(super) hit: f64,
    /// Decisions, and the shares of them that each rule refused.
    pub(super) decisions: f64,
    pub(super) refused: Refused,
    pub(super) placed: f64,
    pub(super) cancelled: f64,
}

/// Shares of the decisions that a rule refused; one decision may be refused by several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refused {
    pub(super) min_interval: f64,
    pub(super) concurrency: f64,
    pub(super) risk: f64,
    pub(super) throttle: f64,
}

/// The quoter under the overrides of one iteration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoter {
    controls: Controls,
    /// Error of its fair price, bps.
    error_bps: f64,
    /// Size of an order.
    size: f64,
    replacements: f64,
    /// Part of the hedges that is still open when the tail ends.
    tail_left: f64,
    order_hazard: f64,
    /// Inventory; every iteration starts flat.
    inventory: f64,
}

/// What is the same for all ticks of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    sigma: f64,
    jump_probability: f64,
    drift_bps: f64,
    /// How much wider than calm the market is.
    wide: f64,
    depth: f64,
    distance_bps: f64,
    /// Maker flow at that distance, for a side that is neither refused nor skewed.
    flow: f64,
    rescue: f64,
    slots: f64,
    loops: f64,
    messages: f64,
    /// Messages a second that re-price an order.
    reprices: f64,
    pace: f64,
    concurrency: f64,
    throttle: f64,
    burst_ticks: usize,
    lags: bool,
}

impl Quoter {
    /// A flat quoter under these overrides.
    pub(super) fn new(controls: Controls, error_bps: f64) -> Self {
        let replacements = controls.replace_rate_per_min / 60.0;
        Self {
            controls,
            error_bps,
            size: controls.impact_cap_ratio * controls.position_limit_ratio,
            replacements,
            tail_left: libm::exp(-controls.tail_age_ms / model::TAIL_MS),
            order_hazard: model::ORDER_HAZARD
                + model::REPLACE_HAZARD * replacements
                + model::TAIL_HAZARD * 1000.0 / controls.tail_age_ms.max(1.0),
            inventory: 0.0,
        }
    }

    /// Size of an order, as a share of the normal position limit.
    pub(super) fn size(&self) -> f64 {
        self.size
    }

    /// Inventory now, as a share of the normal position limit.
    pub(super) fn inventory(&self) -> f64 {
        self.inventory
    }

    /// Works out what holds for a whole block.
    pub(super) fn conditions(&self, block: &Block) -> Conditions {
        let c = &self.controls;
        let sigma = model::SIGMA_BPS[block.regime];
        let wide = (sigma / model::SIGMA_BPS[0]).sqrt();
        let distance_bps = model::INNER_BPS * wide + model::RUNGS * c.base_spread_bps_delta;
        let loops = 1000.0 / c.min_interval_ms;
        let messages = loops * model::LOOP_MESSAGES * wide
            + self.replacements * model::REPLACE_MESSAGES
            + model::TAIL_MESSAGES * self.tail_left;
        let wanted = messages * model::SLOT_SECONDS;
        let slots = smaller(wanted, c.concurrency_limit);
        let impatience = c.min_interval_ms / (model::PACE_MS * wide);
        let queue = 1.0 / (1.0 + model::QUEUE_SECONDS * self.replacements);
        let allowed = c.rescue_max_ratio / (1.0 + model::RESCUES_PER_SECOND * c.rescue_cooldown_ms / 1000.0);
        Conditions {
            sigma,
            jump_probability: model::JUMP_PROBABILITY[block.regime],
            drift_bps: block.drift_bps,
            wide,
            depth: block.depth.sqrt(),
            distance_bps,
            flow: model::FLOW * self.size * queue * block.depth * libm::exp(-distance_bps / model::REACH_BPS),
            rescue: model::RESCUE_SPEED
                * self.tail_left
                * allowed
                * libm::exp(-c.rescue_min_edge_bps / (model::RESCUE_EDGE_BPS * wide)),
            slots,
            loops,
            messages,
            reprices: self.replacements + model::LOOP_REPRICES * model::LOOP_MESSAGES * loops * wide,
            pace: libm::exp(-impatience * impatience),
            concurrency: 1.0 - slots / wanted,
            throttle: hill(messages / model::THROTTLE_HALF),
            burst_ticks: block.burst_ticks,
            lags: block.lags,
        }
    }

    /// One tick, the `index`th of its block.
    pub(super) fn tick(&mut self, on: &Conditions, index: usize, luck: &Luck) -> Tick {
        let jump = match luck.jump / on.jump_probability {
            position if position < 0.5 => -model::JUMP_SIGMAS,
            position if position < 1.0 => model::JUMP_SIGMAS,
            _ => 0.0,
        };
        let move_in = on.sigma * (luck.move_in + jump) + on.drift_bps;
        let move_after = model::MOMENTUM * move_in + model::AFTER_FILL_SIGMAS * on.sigma * luck.move_after;

        let burst = if index < on.burst_ticks { model::BURST_MS } else { 0.0 };
        let latency_ms = model::LATENCY_MS + model::CONTENTION_MS * on.slots * on.slots + burst
            - model::LATENCY_NOISE_MS * libm::log(luck.latency);
        let [usual, spread, episode] = model::WS_LAG_MS;
        let ws_lag_ms = usual + 2.0 * spread * luck.ws + if on.lags { episode } else { 0.0 };
        let stale_ms = model::STALE_LOOPS * self.controls.min_interval_ms / (1.0 - on.pace)
            + latency_ms
            + ws_lag_ms
            + 500.0 / self.replacements;
        let stray_bps = on.sigma * (stale_ms / 1000.0).sqrt();
        let crossed = libm::exp(-on.distance_bps / (model::CROSS_SIGMAS * stray_bps));

        let exposure =
            (self.inventory.abs() + model::IN_FLIGHT * on.slots * self.size) * on.wide / on.depth.sqrt();
        let risk = exposure * exposure / (exposure * exposure + model::RISK_HALF * model::RISK_HALF);
        let lets_through = (1.0 - risk) * (1.0 - on.concurrency) * (1.0 - on.throttle);

        let (buys, sells) = self.maker_volumes(on, move_in, luck, lets_through);
        let maker = buys + sells;
        let crossing = on.reprices * self.size * model::CROSS_RUNGS * crossed * lets_through;
        let held = self.inventory.abs();
        let rescued = held.min(on.rescue * held * held / (held + model::RESCUE_ROOM));
        let taker = crossing + rescued;

        let inventory_cost = model::INVENTORY_BPS * on.wide * held * held;
        self.inventory += buys - sells - rescued.copysign(self.inventory);

        let picked_off =
            model::PICK_OFF * stray_bps * model::REACH_BPS / (model::REACH_BPS + on.distance_bps);
        let slippage_bps = (model::SLIPPAGE_BPS * on.wide / on.depth
            + model::IMPACT_BPS * self.size.sqrt() / on.depth
            + model::HURRY_BPS * self.tail_left)
            * (0.6 + 0.8 * luck.slippage);
        Tick {
            maker,
            taker,
            gross: maker * on.distance_bps,
            fees: taker * model::TAKER_FEE_BPS - maker * model::MAKER_REBATE_BPS,
            slippage: taker * slippage_bps,
            adverse: (sells - buys) * move_after + maker * (picked_off + self.error_bps),
            inventory: inventory_cost,
            slippage_bps,
            latency_ms,
            ws_lag_ms,
            order_age_ms: self.controls.min_interval_ms - 1000.0 * libm::log(luck.age) / self.order_hazard,
            hit: libm::exp(-latency_ms / model::HIT_MS) * (1.0 - on.throttle),
            decisions: on.loops,
            refused: Refused {
                min_interval: on.pace,
                concurrency: on.concurrency,
                risk,
                throttle: on.throttle,
            },
            placed: on.messages,
            cancelled: self.replacements + model::TAIL_MESSAGES * self.tail_left,
        }
    }

    /// What the resting quotes buy and sell: the market's move brings the flow to one side, the inventory
    /// makes the quoter reluctant on the other.
    fn maker_volumes(&self, on: &Conditions, move_in: f64, luck: &Luck, lets_through: f64) -> (f64, f64) {
        let shift = libm::exp(
            (model::DIRECTED * move_in / model::REACH_BPS).clamp(-model::MOST_DIRECTED, model::MOST_DIRECTED),
        );
        let room = model::SKEW_ROOM * self.controls.max_delta_ratio * self.controls.position_limit_ratio;
        let held = self.inventory / room;
        let adds = 1.0 / (1.0 + held * held);
        let reduces = 1.0 + held.abs() / (1.0 + held.abs());
        let (buying, selling) = if held > 0.0 { (adds, reduces) } else { (reduces, adds) };
        let flow = on.flow * lets_through;
        (flow * (0.5 + luck.flow.0) * buying / shift, flow * (0.5 + luck.flow.1) * selling * shift)
    }
}

/// Close to the smaller of two, without a corner: a limit is felt before it is reached.
fn smaller(a: f64, b: f64) -> f64 {
    let (a4, b4) = ((a * a) * (a * a), (b * b) * (b * b));
    a * b / (a4 + b4).sqrt().sqrt()
}

/// Hill curve of the fourth order: half at 1.
fn hill(x: f64) -> f64 {
    let x4 = (x * x) * (x * x);
    x4 / (1.0 + x4)
}
