//! The metrics that a trading system shows: the contract, and what a simulated one shows by it.
//!
//! Pure: knows no clock, writes no text.

pub mod contract;
mod histogram;
mod live;
mod meter;

pub use histogram::Histogram;
pub use live::LiveBot;
pub use meter::{Meter, Recent};

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
    /// Maker volume.
    pub maker: f64,
    /// Taker volume.
    pub taker: f64,
    /// Money before costs.
    pub gross: f64,
    /// Money after costs.
    pub net: f64,
    /// Look-ups that the cache answered, of one.
    pub hit: f64,
    /// Whether the deadline was missed.
    pub missed: bool,
    /// Decisions.
    pub decisions: f64,
    /// Decisions refused, by [`contract::BLOCK_REASONS`].
    pub blocks: [f64; 4],
    /// Orders placed.
    pub placed: f64,
    /// Orders that the venue refused, or did not answer in time.
    pub errors: f64,
    /// Orders cancelled.
    pub cancelled: f64,
    /// Orders that rest on the venue.
    pub active_orders: f64,
    /// Size of the inventory.
    pub position: f64,
    /// Whether the market falls through the book in this tick, which the guard against crashes answers.
    pub crash: bool,
}
