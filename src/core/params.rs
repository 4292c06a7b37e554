//! Tuning parameters: their names, flat and nested, and sets of values.
//!
//! One table serves reading, applying and verifying, so that they cannot disagree.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer};

use super::number::exactly;

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
