//! Overrides, flat or nested one level: `runtime_overrides.json` and the `runtime_overrides` of an iteration.
//!
//! Tolerant: what is not a number is not an override and is passed over. Knows no bounds.

use std::borrow::Cow;

use serde::de::{Error, MapAccess};
use serde_json::de::SliceRead;

use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::json::{Key, Read, Reading, Shape, duplicate, read_all};

/// The overrides in the bytes of a `runtime_overrides.json`.
pub fn read(json: &[u8]) -> Result<ParamValues, serde_json::Error> {
    read_all(SliceRead::new(json), Overrides("runtime_overrides")).map(Option::unwrap_or_default)
}

/// An overrides object under a key; `None` for `null`. Of a parameter that is there flat and in a section, the flat
/// value counts; of one in two sections, the section that comes first in the file.
pub(super) struct Overrides<'a>(pub(super) &'a str);

impl<'de> Shape<'de> for Overrides<'_> {
    type Value = Option<ParamValues>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> &str {
        self.0
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = Found::default();
        while let Some(key) = object.next_key_seed(Key)? {
            if let Some(value) = object.next_value_seed(Read(Entry { key: &key, found: &mut found }))? {
                found.flat.push((key, value));
            }
        }
        found.finish().map(Some)
    }
}

/// Everything with a number, by where it was.
#[derive(Default)]
struct Found<'de> {
    flat: Vec<(Cow<'de, str>, f64)>,
    sections: Vec<Cow<'de, str>>,
    /// Index into `sections`, key, value.
    nested: Vec<(usize, Cow<'de, str>, f64)>,
}

impl Found<'_> {
    fn finish<E: Error>(self) -> Result<ParamValues, E> {
        let top = self.flat.iter().map(|(key, _)| key).chain(&self.sections).map(|key| ("", &**key));
        let below = self.nested.iter().map(|(at, key, _)| (&*self.sections[*at], &**key));
        let mut places: Vec<(&str, &str)> = top.chain(below).collect();
        places.sort_unstable();
        if let Some(twice) = places.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(match twice[0] {
                ("", key) => duplicate(key),
                (section, key) => duplicate(&format!("{section}.{key}")),
            });
        }
        // A dotted key is the nested form on one line, so the plain flat one wins over it as well.
        let (dotted, plain): (Vec<_>, Vec<_>) = self.flat.iter().partition(|(key, _)| key.contains('.'));
        let flat = plain.into_iter().chain(dotted).map(|(key, value)| (ParamName::flat(key), *value));
        let nested =
            self.nested.iter().map(|(at, key, value)| (ParamName::nested(&self.sections[*at], key), *value));
        Ok(ParamValues::new(flat.chain(nested).collect()))
    }
}

/// A value at the top: a number is returned, a section goes to `found`, anything else is passed over.
struct Entry<'a, 'de> {
    key: &'a Cow<'de, str>,
    found: &'a mut Found<'de>,
}

impl<'de> Shape<'de> for Entry<'_, 'de> {
    type Value = Option<f64>;
    const EXPECTED: &'static str = "a number";

    fn key(&self) -> &str {
        self.key
    }

    fn null(self) -> Self::Value {
        None
    }

    fn other(&mut self, _: &'static str) -> Option<Self::Value> {
        Some(None)
    }

    fn number<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value + 0.0))
    }

    fn object<A: MapAccess<'de>>(self, mut section: A) -> Result<Self::Value, A::Error> {
        let at = self.found.sections.len();
        self.found.sections.push(self.key.clone());
        while let Some(key) = section.next_key_seed(Key)? {
            if let Reading::Value(value) = section.next_value()? {
                self.found.nested.push((at, key, value));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::json::NOT_FINITE_SENTINEL;

    fn values(json: &str) -> Vec<(String, f64)> {
        let values = read(json.as_bytes()).expect("readable overrides");
        values.iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn named(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    fn error(json: &str) -> String {
        read(json.as_bytes()).expect_err("must not be read").to_string()
    }

    #[test]
    fn flat_and_nested_files_read_the_same() {
        let expected =
            named(&[("impact_cap_ratio", 0.1), ("min_interval_ms", 60.0), ("rescue_cooldown_ms", 500.0)]);
        assert_eq!(
            values(r#"{"min_interval_ms": 60, "impact_cap_ratio": 0.1, "rescue_cooldown_ms": 500}"#),
            expected
        );
        assert_eq!(
            values(
                r#"{"engine": {"min_interval_ms": 60}, "risk": {"impact_cap_ratio": 0.1},
                    "taker_rescue": {"cooldown_ms": 500}}"#
            ),
            expected
        );
    }

    #[test]
    fn the_flat_value_wins_wherever_it_is() {
        let expected = named(&[("impact_cap_ratio", 0.1)]);
        assert_eq!(values(r#"{"impact_cap_ratio": 0.1, "risk": {"impact_cap_ratio": -0.01}}"#), expected);
        assert_eq!(values(r#"{"risk": {"impact_cap_ratio": -0.01}, "impact_cap_ratio": 0.1}"#), expected);
        assert_eq!(values(r#"{"risk.impact_cap_ratio": -0.01, "impact_cap_ratio": 0.1}"#), expected);
    }

    #[test]
    fn what_is_no_number_is_no_override() {
        let json = format!(
            r#"{{"a": null, "b": "1", "c": true, "d": [1], "e": "{NOT_FINITE_SENTINEL}", "f": 0,
                "s": {{"g": null, "h": {{"deep": 1}}, "i": 2, "j": "{NOT_FINITE_SENTINEL}"}}}}"#
        );
        assert_eq!(values(&json), named(&[("f", 0.0), ("s.i", 2.0)]));
        assert_eq!(values("{}"), named(&[]));
        assert_eq!(values("null"), named(&[]));
    }

    #[test]
    fn a_key_that_occurs_twice_is_an_error() {
        assert!(error(r#"{"a": 1, "a": 1}"#).starts_with("duplicate key `a`"));
        assert!(error(r#"{"s": {"a": 1, "a": 2}}"#).starts_with("duplicate key `s.a`"));
        assert!(error(r#"{"s": {"a": 1}, "s": {"b": 2}}"#).starts_with("duplicate key `s`"));
    }

    #[test]
    fn anything_but_an_object_is_an_error() {
        assert!(error("[1]").starts_with("`runtime_overrides` is a list, expected an object"));
        assert!(error("{} {}").starts_with("trailing characters"));
        assert!(error("").starts_with("EOF"));
    }
}
