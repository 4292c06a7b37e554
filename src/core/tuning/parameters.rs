//! The parameters that a run may change: bounds, defaults, how fast each may move.
//!
//! The numbers come from the policy; nothing here has one of its own.

use super::steps;
use crate::core::params::{ParamName, ParamValues};
use crate::core::policy::Step;

/// A parameter of the system under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its flat name.
    pub name: ParamName,
    /// Unit as shown: `ms`, `bps`, `1/min`, `ratio`, `count`.
    pub unit: String,
    /// Smallest value that is ever applied.
    pub lowest: f64,
    /// Largest value that is ever applied; above `lowest`.
    pub highest: f64,
    /// How far deltas may move it in an hour of run time, in either direction.
    pub max_change_per_hour: f64,
    /// The value that is in force when nobody says otherwise.
    pub default: f64,
    /// Whether it only takes whole numbers; steps are then rounded.
    pub is_whole: bool,
    /// The part of the system it belongs to; partial freezes hold back whole subsystems.
    pub subsystem: String,
}

impl Parameter {
    /// Width of the bounds, above 0.
    pub fn width(&self) -> f64 {
        self.highest - self.lowest
    }

    /// Whether the value is within the bounds.
    pub fn allows(&self, value: f64) -> bool {
        self.lowest <= value && value <= self.highest
    }

    /// The nearest value within the bounds.
    pub fn clamp(&self, value: f64) -> f64 {
        value.clamp(self.lowest, self.highest)
    }

    /// The value as the parameter can take it: whole ones are rounded to the nearest, half away from zero.
    pub fn rounded(&self, value: f64) -> f64 {
        if self.is_whole { value.round() } else { value }
    }
}

impl Parameter {
    /// The value after a step, not clamped. Whole parameters round to the nearest after an addition and towards
    /// the change after a multiplication, so that 5 × 0.90 is 4.
    pub fn stepped(&self, value: f64, step: Step) -> f64 {
        match step {
            Step::Add(by) => steps::add(self, value, by),
            Step::Multiply(by) => steps::multiply(self, value, by),
        }
    }
}

/// All parameters, in the order of the policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// From a list in which each name stands once.
    pub fn new(parameters: Vec<Parameter>) -> Self {
        Self(parameters)
    }

    /// The parameter with this name.
    pub fn get(&self, name: &ParamName) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == *name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.0.iter()
    }

    /// The default of each.
    pub fn defaults(&self) -> ParamValues {
        ParamValues::new(self.0.iter().map(|parameter| (parameter.name.clone(), parameter.default)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(is_whole: bool) -> Parameter {
        Parameter {
            name: ParamName::flat("x"),
            unit: "ms".to_owned(),
            lowest: 0.0,
            highest: 1000.0,
            max_change_per_hour: 1.0,
            default: 0.0,
            is_whole,
            subsystem: "s".to_owned(),
        }
    }

    #[test]
    fn a_whole_parameter_that_is_multiplied_rounds_towards_the_change() {
        let times = |value, by| whole(true).stepped(value, Step::Multiply(by));
        assert_eq!(times(10.0, 0.90), 9.0);
        assert_eq!(times(5.0, 0.90), 4.0);
        assert_eq!(times(300.0, 0.85), 255.0);
        assert_eq!(times(251.0, 0.85), 213.0);
        assert_eq!(times(1.0, 0.90), 0.0);
        assert_eq!(times(5.0, 1.10), 6.0);
        // In doubles 100 × 0.29 is just below 29 and 60 × 1.15 just below 69; 100 × 1.1 is just above 110.
        assert_eq!(times(100.0, 0.29), 29.0);
        assert_eq!(times(60.0, 1.15), 69.0);
        assert_eq!(times(100.0, 1.1), 110.0);
        assert_eq!(whole(false).stepped(5.0, Step::Multiply(0.90)), 4.5);
    }

    #[test]
    fn a_whole_parameter_that_is_added_to_rounds_to_the_nearest() {
        let plus = |value, by| whole(true).stepped(value, Step::Add(by));
        assert_eq!(plus(60.0, 2.4), 62.0);
        assert_eq!(plus(60.0, 2.5), 63.0);
        assert_eq!(plus(60.0, -2.5), 58.0);
        assert_eq!(whole(false).stepped(0.5, Step::Add(0.25)), 0.75);
        // The binary sum is 0.15000000000000002, and the binary product 0.11499999999999999.
        assert_eq!(whole(false).stepped(0.14, Step::Add(0.01)), 0.15);
        assert_eq!(whole(false).stepped(0.1, Step::Multiply(1.15)), 0.115);
    }
}
