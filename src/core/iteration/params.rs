//! Tuning parameters: their names, flat and nested, and sets of values.
//!
//! One table serves reading, applying and verifying, so that they cannot disagree.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer};

use crate::core::text::number::{exactly, round_half_even};

/// A parameter by its flat name.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct ParamName(Cow<'static, str>);

impl From<String> for ParamName {
    fn from(name: String) -> Self {
        Self::flat(&name)
    }
}

/// Sections in which a flat name may live in a nested overrides file, most usual first, with the key there.
struct Known {
    flat: &'static str,
    nested: &'static [(&'static str, &'static str)],
}

const fn known(flat: &'static str, nested: &'static [(&'static str, &'static str)]) -> Known {
    Known { flat, nested }
}

/// The name table. The first section is where the appliers of old wrote; the others were read by verifiers.
const TABLE: &[Known] = &[
    known("base_spread_bps", &[("risk", "base_spread_bps")]),
    known(
        "base_spread_bps_delta",
        &[("risk", "base_spread_bps_delta"), ("quoting", "base_spread_bps_delta")],
    ),
    known("impact_cap_ratio", &[("risk", "impact_cap_ratio"), ("impact", "impact_cap_ratio")]),
    known("max_delta_ratio", &[("risk", "max_delta_ratio"), ("impact", "max_delta_ratio")]),
    known("risk_limit_ratio", &[("risk", "risk_limit_ratio")]),
    known("position_limit_ratio", &[("risk", "position_limit_ratio")]),
    known("min_interval_ms", &[("engine", "min_interval_ms"), ("quoting", "min_interval_ms")]),
    known("replace_rate_per_min", &[("engine", "replace_rate_per_min"), ("quoting", "replace_rate_per_min")]),
    known("tail_age_ms", &[("engine", "tail_age_ms"), ("taker_rescue", "tail_age_ms")]),
    known("concurrency_limit", &[("engine", "concurrency_limit")]),
    known("max_age_ms", &[("engine", "max_age_ms")]),
    known("rescue_max_ratio", &[("taker_rescue", "rescue_max_ratio")]),
    known("rescue_min_edge_bps", &[("taker_rescue", "min_edge_bps")]),
    known("rescue_cooldown_ms", &[("taker_rescue", "cooldown_ms")]),
    known("edge_bps_threshold", &[("strategy", "edge_bps_threshold"), ("risk", "edge_bps_threshold")]),
    known("max_delta_per_hour", &[("tuner", "max_delta_per_hour")]),
    known("cooldown_iters", &[("tuner", "cooldown_iters")]),
    known("velocity_cap", &[("tuner", "velocity_cap")]),
    known("oscillation_window", &[("tuner", "oscillation_window")]),
    known("min_order_size", &[("market", "min_order_size")]),
    known("max_order_size", &[("market", "max_order_size")]),
    known("tick_size", &[("market", "tick_size")]),
];

impl ParamName {
    /// The parameter with this flat name, known or not.
    pub fn flat(name: &str) -> Self {
        // `taker_rescue.min_edge_bps` is how people write the nested form on one line.
        if let Some((section, key)) = name.split_once('.') {
            return Self::nested(section, key);
        }
        match TABLE.iter().find(|known| known.flat == name) {
            Some(known) => Self(Cow::Borrowed(known.flat)),
            None => Self(Cow::Owned(name.to_owned())),
        }
    }

    /// The parameter at `section.key` of a nested file. Unknown places keep their dotted path as a name.
    pub fn nested(section: &str, key: &str) -> Self {
        match TABLE.iter().find(|known| known.nested.contains(&(section, key))) {
            Some(known) => Self(Cow::Borrowed(known.flat)),
            None => Self(Cow::Owned(format!("{section}.{key}"))),
        }
    }

    /// Section and key in a nested file where no other place is known for it; `None` for names that have only
    /// the flat place.
    pub fn home(&self) -> Option<(&str, &str)> {
        match TABLE.iter().find(|known| known.flat == self.0) {
            Some(known) => known.nested.first().copied(),
            None => self.0.split_once('.'),
        }
    }

    /// The flat names that files are known to use.
    pub fn known() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|known| known.flat)
    }

    /// The flat name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ParamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ParamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Values by parameter, sorted by name, each name once.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "BTreeMap<ParamName, f64>")]
pub struct ParamValues(Box<[(ParamName, f64)]>);

impl From<BTreeMap<ParamName, f64>> for ParamValues {
    fn from(values: BTreeMap<ParamName, f64>) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for ParamValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        exactly(&self.iter().collect::<BTreeMap<_, _>>(), serializer)
    }
}

impl JsonSchema for ParamValues {
    fn schema_name() -> Cow<'static, str> {
        "ParamValues".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, f64>::json_schema(generator)
    }
}

impl ParamValues {
    /// From pairs in any order; of a name that comes twice (flat and nested) the first given stays.
    pub fn new(mut pairs: Vec<(ParamName, f64)>) -> Self {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(pairs.into_boxed_slice())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &ParamName) -> Option<f64> {
        self.0.binary_search_by(|(have, _)| have.cmp(name)).ok().map(|at| self.0[at].1)
    }

    /// All pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ParamName, f64)> {
        self.0.iter().map(|(name, value)| (name, *value))
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A step on a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "StepRow")]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Add this many of the parameter's units.
    Add(f64),
    /// Multiply by this.
    Multiply(f64),
}

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
            Step::Add(by) => add_step(self, value, by),
            Step::Multiply(by) => multiply_step(self, value, by),
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

/// Decimals that a stored value keeps: far finer than any parameter, and coarse enough that 0.1 - 0.005 is
/// 0.095 and not 0.09500000000000001.
const DECIMALS: usize = 10;

/// A value without the noise of binary sums.
pub fn clean(value: f64) -> f64 {
    round_half_even(value, DECIMALS)
}

/// `value + by`; whole parameters are rounded to the nearest, half away from zero. Not clamped.
pub fn add_step(parameter: &Parameter, value: f64, by: f64) -> f64 {
    parameter.rounded(clean(value + by))
}

/// `value × factor`; whole parameters are rounded towards the change (10 × 0.90 = 9, 5 × 0.90 = 4). Not
/// clamped.
pub fn multiply_step(parameter: &Parameter, value: f64, factor: f64) -> f64 {
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
pub fn preset_step(parameter: &Parameter, value: f64, step: Step) -> f64 {
    parameter.clamp(parameter.stepped(value, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_and_flat_spellings_name_the_same_parameter() {
        assert_eq!(ParamName::nested("quoting", "min_interval_ms"), ParamName::flat("min_interval_ms"));
        assert_eq!(ParamName::nested("taker_rescue", "min_edge_bps"), ParamName::flat("rescue_min_edge_bps"));
        assert_eq!(ParamName::flat("taker_rescue.cooldown_ms"), ParamName::flat("rescue_cooldown_ms"));
        assert_eq!(ParamName::nested("latency", "spread_add_bps").as_str(), "latency.spread_add_bps");
    }

    #[test]
    fn a_parameter_is_at_home_in_its_first_section() {
        assert_eq!(ParamName::flat("min_interval_ms").home(), Some(("engine", "min_interval_ms")));
        assert_eq!(ParamName::flat("rescue_min_edge_bps").home(), Some(("taker_rescue", "min_edge_bps")));
        assert_eq!(ParamName::flat("latency.spread_add_bps").home(), Some(("latency", "spread_add_bps")));
        assert_eq!(ParamName::flat("batch_size").home(), None);
    }

    #[test]
    fn the_first_of_two_values_for_one_name_stays() {
        let values = ParamValues::new(vec![
            (ParamName::flat("tail_age_ms"), 600.0),
            (ParamName::flat("min_interval_ms"), 60.0),
            (ParamName::nested("engine", "min_interval_ms"), 5.0),
        ]);
        assert_eq!(values.len(), 2);
        assert_eq!(values.get(&ParamName::flat("min_interval_ms")), Some(60.0));
        assert_eq!(values.get(&ParamName::flat("impact_cap_ratio")), None);
    }
}

#[cfg(test)]
mod parameters_tests {
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

#[cfg(test)]
mod steps_tests {
    use super::*;
    use crate::run::fixture;

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
            assert_eq!(multiply_step(&whole, value, factor), expected, "{value} x {factor}");
        }
        let real = fixture::parameter("impact_cap_ratio");
        assert_eq!(multiply_step(&real, 0.1, 1.1), 0.11);
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
            assert_eq!(add_step(&whole, value, by), expected, "{value} + {by}");
        }
        let real = fixture::parameter("impact_cap_ratio");
        assert_eq!(add_step(&real, 0.1, -0.005), 0.095);
        assert_eq!(add_step(&real, 0.095, 0.005), 0.1);
    }

    #[test]
    fn a_preset_never_leaves_the_bounds() {
        let whole = fixture::parameter("min_interval_ms");
        assert_eq!(preset_step(&whole, 60.0, Step::Add(15.0)), 75.0);
        assert_eq!(preset_step(&whole, 70.0, Step::Add(15.0)), 80.0);
        assert_eq!(preset_step(&whole, 60.0, Step::Multiply(0.5)), 40.0);
    }
}
