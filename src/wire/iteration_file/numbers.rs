//! Numbers and maps of numbers as an iteration file writes them.
//!
//! A whole number has no point, and what is not finite is an error: JSON would turn it into `null`.

use std::collections::BTreeMap;

use serde::ser::{Error, Serialize, Serializer};

use crate::core::params::{ParamName, ParamValues};

/// Above this, floating point does not tell every whole number from its neighbour.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A finite number.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire) struct Number(pub f64);

impl Serialize for Number {
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and in range")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        // Negative zero keeps its point, and with it its sign.
        let is_negative_zero = value == 0.0 && value.is_sign_negative();
        if !value.is_finite() {
            Err(S::Error::custom("a number of the record is not finite"))
        } else if value.trunc() == value && value.abs() < LARGEST_WHOLE && !is_negative_zero {
            serializer.serialize_i64(value as i64)
        } else {
            serializer.serialize_f64(value)
        }
    }
}

/// A number, or null.
pub(in crate::wire) fn optional(value: Option<f64>) -> Option<Number> {
    value.map(Number)
}

/// Numbers by name.
#[derive(Debug)]
pub(super) struct Numbers<'a>(pub &'a BTreeMap<String, f64>);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Number(*value))))
    }
}

/// Values by parameter.
#[derive(Debug)]
pub(in crate::wire) struct Params<'a>(pub &'a ParamValues);

impl Serialize for Params<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_str(), Number(value))))
    }
}

/// Anything by parameter.
#[derive(Debug)]
pub(super) struct ByParam<'a, T>(pub &'a BTreeMap<ParamName, T>);

impl Serialize for ByParam<'_, u64> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_str(), value)))
    }
}

impl Serialize for ByParam<'_, Vec<f64>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lists = self.0.iter().map(|(name, values)| {
            (name.as_str(), values.iter().map(|value| Number(*value)).collect::<Vec<_>>())
        });
        serializer.collect_map(lists)
    }
}
