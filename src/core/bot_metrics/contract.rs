//! The metrics that the trading system owes: name, type, unit, labels, meaning.
//!
//! Rules, dashboards and the queries of the `prometheus` source are written against this list; it is documented
//! in `deploy/prometheus/bot-metrics.md`, and a test holds the two together. Must not know where values come from.

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
    /// Name of the family.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Unit of a value.
    pub unit: &'static str,
    /// The label that tells its series apart, beside the labels of the target; `None` = a single series.
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

#[cfg(test)]
mod tests {
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
}
