//! The parameters that a run may change: bounds, defaults, how fast each may move.
//!
//! The numbers come from the policy; nothing here has one of its own.

use crate::core::params::{ParamName, ParamValues};

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
