//! The simulated system: what it does in a tick, given the world, its state and the overrides.
//!
//! All volumes are expected ones, not single orders: they change smoothly with every parameter. Draws nothing
//! itself; the luck of a tick is given.

use crate::core::iteration::params::{ParamName, ParamValues};
use crate::run::simulator::constants;
use crate::run::simulator::world::{Block, Noise};

/// The luck of a tick; the same whatever the overrides are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Luck {
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
    pub(crate) fn draw(noise: &mut Noise) -> Self {
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
pub(crate) struct Tick {
    pub(crate) maker: f64,
    pub(crate) taker: f64,
    pub(crate) gross: f64,
    pub(crate) fees: f64,
    pub(crate) slippage: f64,
    pub(crate) adverse: f64,
    pub(crate) inventory: f64,
    /// Slippage of a taker fill, bps.
    pub(crate) slippage_bps: f64,
    pub(crate) latency_ms: f64,
    pub(crate) ws_lag_ms: f64,
    pub(crate) order_age_ms: f64,
    pub(crate) hit: f64,
    /// Decisions, and the shares of them that each rule refused.
    pub(crate) decisions: f64,
    pub(crate) refused: Refused,
    pub(crate) placed: f64,
    pub(crate) cancelled: f64,
}

/// Shares of the decisions that a rule refused; one decision may be refused by several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refused {
    pub(crate) min_interval: f64,
    pub(crate) concurrency: f64,
    pub(crate) risk: f64,
    pub(crate) throttle: f64,
}

/// The quoter under the overrides of one iteration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoter {
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
pub(crate) struct Conditions {
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
    slower_ms: f64,
}

impl Quoter {
    /// A flat quoter under these overrides.
    pub(crate) fn new(controls: Controls, error_bps: f64) -> Self {
        let replacements = controls.replace_rate_per_min / 60.0;
        Self {
            controls,
            error_bps,
            size: controls.impact_cap_ratio * controls.position_limit_ratio,
            replacements,
            tail_left: libm::exp(-controls.tail_age_ms / constants::TAIL_MS),
            order_hazard: constants::ORDER_HAZARD
                + constants::REPLACE_HAZARD * replacements
                + constants::TAIL_HAZARD * 1000.0 / controls.tail_age_ms.max(1.0),
            inventory: 0.0,
        }
    }

    /// Size of an order, as a share of the normal position limit.
    pub(crate) fn size(&self) -> f64 {
        self.size
    }

    /// Inventory now, as a share of the normal position limit.
    pub(crate) fn inventory(&self) -> f64 {
        self.inventory
    }

    /// Works out what holds for a whole block.
    pub(crate) fn conditions(&self, block: &Block) -> Conditions {
        let c = &self.controls;
        let sigma = constants::SIGMA_BPS[block.regime];
        let wide = (sigma / constants::SIGMA_BPS[0]).sqrt();
        let distance_bps = constants::INNER_BPS * wide + constants::RUNGS * c.base_spread_bps_delta;
        let loops = 1000.0 / c.min_interval_ms;
        let messages = loops * constants::LOOP_MESSAGES * wide
            + self.replacements * constants::REPLACE_MESSAGES
            + constants::TAIL_MESSAGES * self.tail_left;
        let wanted = messages * constants::SLOT_SECONDS;
        let slots = smaller(wanted, c.concurrency_limit);
        let impatience = c.min_interval_ms / (constants::PACE_MS * wide);
        let queue = 1.0 / (1.0 + constants::QUEUE_SECONDS * self.replacements);
        let allowed =
            c.rescue_max_ratio / (1.0 + constants::RESCUES_PER_SECOND * c.rescue_cooldown_ms / 1000.0);
        Conditions {
            sigma,
            jump_probability: constants::JUMP_PROBABILITY[block.regime],
            drift_bps: block.drift_bps,
            wide,
            depth: block.depth.sqrt(),
            distance_bps,
            flow: constants::FLOW
                * self.size
                * queue
                * block.depth
                * (1.0 + constants::DAILY_FLOW * block.load)
                * libm::exp(-distance_bps / constants::REACH_BPS),
            rescue: constants::RESCUE_SPEED
                * self.tail_left
                * allowed
                * libm::exp(-c.rescue_min_edge_bps / (constants::RESCUE_EDGE_BPS * wide)),
            slots,
            loops,
            messages,
            reprices: self.replacements + constants::LOOP_REPRICES * constants::LOOP_MESSAGES * loops * wide,
            pace: libm::exp(-impatience * impatience),
            concurrency: 1.0 - slots / wanted,
            throttle: hill(messages / constants::THROTTLE_HALF),
            burst_ticks: block.burst_ticks,
            lags: block.lags,
            slower_ms: block.slower_ms + constants::DAILY_LATENCY_MS * block.load,
        }
    }

    /// One tick, the `index`th of its block.
    pub(crate) fn tick(&mut self, on: &Conditions, index: usize, luck: &Luck) -> Tick {
        let jump = match luck.jump / on.jump_probability {
            position if position < 0.5 => -constants::JUMP_SIGMAS,
            position if position < 1.0 => constants::JUMP_SIGMAS,
            _ => 0.0,
        };
        let move_in = on.sigma * (luck.move_in + jump) + on.drift_bps;
        let move_after =
            constants::MOMENTUM * move_in + constants::AFTER_FILL_SIGMAS * on.sigma * luck.move_after;

        let burst = if index < on.burst_ticks { constants::BURST_MS } else { 0.0 };
        let latency_ms =
            constants::LATENCY_MS + on.slower_ms + constants::CONTENTION_MS * on.slots * on.slots + burst
                - constants::LATENCY_NOISE_MS * libm::log(luck.latency);
        let [usual, spread, episode] = constants::WS_LAG_MS;
        let ws_lag_ms = usual + 2.0 * spread * luck.ws + if on.lags { episode } else { 0.0 };
        let stale_ms = constants::STALE_LOOPS * self.controls.min_interval_ms / (1.0 - on.pace)
            + latency_ms
            + ws_lag_ms
            + 500.0 / self.replacements;
        let stray_bps = on.sigma * (stale_ms / 1000.0).sqrt();
        let crossed = libm::exp(-on.distance_bps / (constants::CROSS_SIGMAS * stray_bps));

        let exposure =
            (self.inventory.abs() + constants::IN_FLIGHT * on.slots * self.size) * on.wide / on.depth.sqrt();
        let risk = exposure * exposure / (exposure * exposure + constants::RISK_HALF * constants::RISK_HALF);
        let lets_through = (1.0 - risk) * (1.0 - on.concurrency) * (1.0 - on.throttle);

        let (buys, sells) = self.maker_volumes(on, move_in, luck, lets_through);
        let maker = buys + sells;
        let crossing = on.reprices * self.size * constants::CROSS_RUNGS * crossed * lets_through;
        let held = self.inventory.abs();
        let rescued = held.min(on.rescue * held * held / (held + constants::RESCUE_ROOM));
        let taker = crossing + rescued;

        let inventory_cost = constants::INVENTORY_BPS * on.wide * held * held;
        self.inventory += buys - sells - rescued.copysign(self.inventory);

        let picked_off =
            constants::PICK_OFF * stray_bps * constants::REACH_BPS / (constants::REACH_BPS + on.distance_bps);
        let slippage_bps = (constants::SLIPPAGE_BPS * on.wide / on.depth
            + constants::IMPACT_BPS * self.size.sqrt() / on.depth
            + constants::HURRY_BPS * self.tail_left)
            * (0.6 + 0.8 * luck.slippage);
        Tick {
            maker,
            taker,
            gross: maker * on.distance_bps,
            fees: taker * constants::TAKER_FEE_BPS - maker * constants::MAKER_REBATE_BPS,
            slippage: taker * slippage_bps,
            adverse: (sells - buys) * move_after + maker * (picked_off + self.error_bps),
            inventory: inventory_cost,
            slippage_bps,
            latency_ms,
            ws_lag_ms,
            order_age_ms: self.controls.min_interval_ms - 1000.0 * libm::log(luck.age) / self.order_hazard,
            hit: libm::exp(-latency_ms / constants::HIT_MS) * (1.0 - on.throttle),
            decisions: on.loops,
            refused: Refused {
                min_interval: on.pace,
                concurrency: on.concurrency,
                risk,
                throttle: on.throttle,
            },
            placed: on.messages,
            cancelled: self.replacements + constants::TAIL_MESSAGES * self.tail_left,
        }
    }

    /// What the resting quotes buy and sell: the market's move brings the flow to one side, the inventory
    /// makes the quoter reluctant on the other.
    fn maker_volumes(&self, on: &Conditions, move_in: f64, luck: &Luck, lets_through: f64) -> (f64, f64) {
        let shift = libm::exp(
            (constants::DIRECTED * move_in / constants::REACH_BPS)
                .clamp(-constants::MOST_DIRECTED, constants::MOST_DIRECTED),
        );
        let room = constants::SKEW_ROOM * self.controls.max_delta_ratio * self.controls.position_limit_ratio;
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

/// The parameters that the model has, in the units of the overrides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Controls {
    pub(crate) min_interval_ms: f64,
    pub(crate) replace_rate_per_min: f64,
    pub(crate) base_spread_bps_delta: f64,
    pub(crate) impact_cap_ratio: f64,
    pub(crate) max_delta_ratio: f64,
    pub(crate) tail_age_ms: f64,
    pub(crate) concurrency_limit: f64,
    pub(crate) rescue_max_ratio: f64,
    pub(crate) rescue_min_edge_bps: f64,
    pub(crate) rescue_cooldown_ms: f64,
    pub(crate) position_limit_ratio: f64,
}

/// The overrides cannot be simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulator {0}")]
pub struct BadOverride(String);

impl Controls {
    /// Reads them from the overrides in force.
    pub(crate) fn new(overrides: &ParamValues) -> Result<Self, BadOverride> {
        let impossible = |name, value: f64, expected| {
            Err(BadOverride(format!("cannot work with `{name}` = {value}; it must be {expected}")))
        };
        let not_negative = |name: &'static str| {
            let missing = || BadOverride(format!("needs `{name}`, which the overrides do not have"));
            let value = overrides.get(&ParamName::flat(name)).ok_or_else(missing)?;
            if value.is_finite() && value >= 0.0 {
                return Ok(value);
            }
            impossible(name, value, "0 or more")
        };
        let above_0 = |name: &'static str| match not_negative(name)? {
            0.0 => impossible(name, 0.0, "above 0"),
            value => Ok(value),
        };
        Ok(Self {
            min_interval_ms: above_0("min_interval_ms")?,
            replace_rate_per_min: above_0("replace_rate_per_min")?,
            base_spread_bps_delta: not_negative("base_spread_bps_delta")?,
            impact_cap_ratio: above_0("impact_cap_ratio")?,
            max_delta_ratio: above_0("max_delta_ratio")?,
            tail_age_ms: above_0("tail_age_ms")?,
            concurrency_limit: above_0("concurrency_limit")?,
            rescue_max_ratio: not_negative("rescue_max_ratio")?,
            rescue_min_edge_bps: not_negative("rescue_min_edge_bps")?,
            rescue_cooldown_ms: not_negative("rescue_cooldown_ms")?,
            position_limit_ratio: above_0("position_limit_ratio")?,
        })
    }
}
