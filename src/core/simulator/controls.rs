//! The overrides as the simulated system reads them.
//!
//! Invents no value: a parameter that is not given is an error.

use crate::core::params::{ParamName, ParamValues};

/// The parameters that the model has, in the units of the overrides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Controls {
    pub(super) min_interval_ms: f64,
    pub(super) replace_rate_per_min: f64,
    pub(super) base_spread_bps_delta: f64,
    pub(super) impact_cap_ratio: f64,
    pub(super) max_delta_ratio: f64,
    pub(super) tail_age_ms: f64,
    pub(super) concurrency_limit: f64,
    pub(super) rescue_max_ratio: f64,
    pub(super) rescue_min_edge_bps: f64,
    pub(super) rescue_cooldown_ms: f64,
    pub(super) position_limit_ratio: f64,
}

/// The overrides cannot be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadOverride {
    /// A parameter of the model is not among the overrides.
    #[error("the simulator needs `{0}`, which the overrides do not have")]
    Missing(&'static str),
    /// A value that no system could work with.
    #[error("the simulator cannot work with `{0}` = {1}; it must be {2}")]
    Impossible(&'static str, f64, &'static str),
}

impl Controls {
    /// Reads them from the overrides in force.
    pub(super) fn new(overrides: &ParamValues) -> Result<Self, BadOverride> {
        let not_negative = |name: &'static str| {
            let value = overrides.get(&ParamName::flat(name)).ok_or(BadOverride::Missing(name))?;
            if value.is_finite() && value >= 0.0 {
                return Ok(value);
            }
            Err(BadOverride::Impossible(name, value, "0 or more"))
        };
        let above_0 = |name: &'static str| match not_negative(name)? {
            0.0 => Err(BadOverride::Impossible(name, 0.0, "above 0")),
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
