//! The arithmetic of a step on a parameter, shared by the tuner's rows, the presets and the ramp-down.
//!
//! Knows how values are rounded; must not know why a parameter moves.

use super::parameters::Parameter;
use crate::core::number::round_half_even;
use crate::core::policy::Step;

/// Decimals that a stored value keeps: far finer than any parameter, and coarse enough that 0.1 - 0.005 is
/// 0.095 and not 0.09500000000000001.
const DECIMALS: usize = 10;

/// A value without the noise of binary sums.
pub fn clean(value: f64) -> f64 {
    round_half_even(value, DECIMALS)
}

/// `value + by`; whole parameters are rounded to the nearest, half away from zero. Not clamped.
pub fn add(parameter: &Parameter, value: f64, by: f64) -> f64 {
    parameter.rounded(clean(value + by))
}

/// `value × factor`; whole parameters are rounded towards the change (10 × 0.90 = 9, 5 × 0.90 = 4). Not
/// clamped.
pub fn multiply(parameter: &Parameter, value: f64, factor: f64) -> f64 {
    // Cleaned first: 10 × 1.1 is 11 and not 11.000000000000002, which would round up to 12.
    let product = clean(value * factor);
    if !parameter.is_whole {
        product
    } else if product < value {
        product.floor()
    } else {
        product.ceil()
    }
}

/// The value after a preset's step, within the bounds.
pub fn preset(parameter: &Parameter, value: f64, step: Step) -> f64 {
    parameter.clamp(parameter.stepped(value, step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tuning::fixture;

    #[test]
    fn multiplications_of_whole_numbers_round_towards_the_change() {
        let whole = fixture::parameter("concurrency_limit");
        for (value, factor, expected) in [
            (10.0, 0.90, 9.0),
            (5.0, 0.90, 4.0),
            (20.0, 0.85, 17.0),
            (1.0, 0.90, 0.0),
            (5.0, 1.1, 6.0),
            (10.0, 1.1, 11.0),
            (10.0, 1.0, 10.0),
        ] {
            assert_eq!(multiply(&whole, value, factor), expected, "{value} x {factor}");
        }
        let real = fixture::parameter("impact_cap_ratio");
        assert_eq!(multiply(&real, 0.1, 1.1), 0.11);
    }

    #[test]
    fn additions_to_whole_numbers_round_half_away_from_zero() {
        let whole = fixture::parameter("min_interval_ms");
        for (value, by, expected) in [
            (60.0, 0.49, 60.0),
            (60.0, 0.5, 61.0),
            (60.0, -0.5, 60.0),
            (60.0, -0.51, 59.0),
            (60.5, 5.0, 66.0),
        ] {
            assert_eq!(add(&whole, value, by), expected, "{value} + {by}");
        }
        let real = fixture::parameter("impact_cap_ratio");
        assert_eq!(add(&real, 0.1, -0.005), 0.095);
        assert_eq!(add(&real, 0.095, 0.005), 0.1);
    }

    #[test]
    fn a_preset_never_leaves_the_bounds() {
        let whole = fixture::parameter("min_interval_ms");
        assert_eq!(preset(&whole, 60.0, Step::Add(15.0)), 75.0);
        assert_eq!(preset(&whole, 70.0, Step::Add(15.0)), 80.0);
        assert_eq!(preset(&whole, 60.0, Step::Multiply(0.5)), 40.0);
    }
}
