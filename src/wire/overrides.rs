//! Overrides, flat or nested one level: `runtime_overrides.json` and the `runtime_overrides` of an iteration.
//!
//! Reading is tolerant: what is not a number is not an override and is passed over. Knows no bounds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};
use serde_json::{Map, Number, Value};

use crate::core::params::{ParamName, ParamValues};
use crate::wire::literals::parse_marked;
use crate::wire::nesting::is_too_deep;
use crate::wire::node::Node;
use crate::wire::read::{Key, Read, Shape, drain_list, duplicate};

/// The overrides in the bytes of a `runtime_overrides.json`.
pub fn read(json: &[u8]) -> Result<ParamValues, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_slice(json);
    let values = ParamValuesSeed { key: "runtime_overrides" }.deserialize(&mut parser)?;
    parser.end()?;
    Ok(values.unwrap_or_default())
}

/// Reads an overrides object; `None` for `null`. Of a parameter that stands flat and in a section, the flat
/// value counts; of one in two sections, the section that comes first in the file.
#[derive(Clone, Copy, Debug)]
pub struct ParamValuesSeed {
    /// The key that errors name.
    pub key: &'static str,
}

impl<'de> DeserializeSeed<'de> for ParamValuesSeed {
    type Value = Option<ParamValues>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Read(self).deserialize(deserializer)
    }
}

impl<'de> Shape<'de> for ParamValuesSeed {
    type Value = Option<ParamValues>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.key)
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

/// Everything with a number, by where it stood.
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

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.key)
    }

    fn null(self) -> Self::Value {
        None
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn number<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value + 0.0))
    }

    fn not_finite<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        drain_list(list).map(|()| None)
    }

    fn object<A: MapAccess<'de>>(self, mut section: A) -> Result<Self::Value, A::Error> {
        let at = self.found.sections.len();
        self.found.sections.push(self.key.clone());
        while let Some(key) = section.next_key_seed(Key)? {
            if let super::number::Reading::Value(value) = section.next_value()? {
                self.found.nested.push((at, key, value));
            }
        }
        Ok(None)
    }
}

/// Why a text holds no overrides to start from.
#[derive(Debug, thiserror::Error)]
pub enum StrictError {
    /// No JSON, no object, or a key stands twice.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Lists and objects inside each other without end.
    #[error("lists and objects nest too deep")]
    Nesting,
    /// A parameter without a number.
    #[error("`{key}` is {found}, expected a number")]
    Wrong {
        /// The key as it stands there.
        key: String,
        /// What it is.
        found: &'static str,
    },
    /// A parameter with two values, in two spellings.
    #[error("`{first}` and `{second}` are one parameter, and have two values")]
    Contradiction {
        /// The key that came first.
        first: String,
        /// The other one.
        second: String,
    },
}

/// The overrides in a text, flat or nested. Other keys than those of known parameters may hold anything; `null`
/// says nothing.
pub fn read_strictly(json: &[u8]) -> Result<ParamValues, StrictError> {
    if is_too_deep(json) {
        return Err(StrictError::Nesting);
    }
    let values = parse_marked(json, read)?;
    if let Node::Object(entries) = parse_marked(json, |json| serde_json::from_slice(json))? {
        let mut seen = Places::new();
        for (key, node) in &entries {
            match node {
                Node::Object(section) => section.iter().try_for_each(|(inner, node)| {
                    check_number(&mut seen, ParamName::nested(key, inner), format!("{key}.{inner}"), node)
                })?,
                node => check_number(&mut seen, ParamName::flat(key), key.clone(), node)?,
            }
        }
    }
    Ok(values)
}

/// The key and the value that a parameter was first seen with.
type Places = BTreeMap<ParamName, (String, f64)>;

fn check_number(seen: &mut Places, param: ParamName, key: String, node: &Node) -> Result<(), StrictError> {
    match node {
        Node::Number(value) => match seen.get(&param) {
            #[expect(clippy::float_cmp, reason = "two spellings of a number are equal or they are not")]
            Some((first, other)) if other != value => {
                Err(StrictError::Contradiction { first: first.clone(), second: key })
            }
            Some(_) => Ok(()),
            None => {
                seen.insert(param, (key, *value));
                Ok(())
            }
        },
        Node::Null => Ok(()),
        other if ParamName::known().any(|known| known == param.as_str()) => {
            Err(StrictError::Wrong { key, found: other.kind() })
        }
        _ => Ok(()),
    }
}

/// The text of an overrides file with these values: keys sorted, two blanks of indent, a final line feed.
///
/// `original` is the text that was found, and decides the shape: a parameter keeps every place that it has
/// there; one that is new goes where its neighbours are, flat before nested. Without an original the file is
/// flat. The error is what [`read`] would say of the original.
pub fn write(original: Option<&[u8]>, values: &ParamValues) -> Result<String, serde_json::Error> {
    let mut root = match original {
        Some(json) => {
            // Refuses what is no object, and keys that stand twice, of which one would be lost.
            read(json)?;
            match serde_json::from_slice(json)? {
                Value::Object(root) => root,
                _ => Map::new(),
            }
        }
        None => Map::new(),
    };
    let shape = Layout::of(&root);
    for (param, value) in values.iter() {
        let number = number(value);
        if replace(&mut root, param, &number) == 0 {
            insert(&mut root, shape, param, number);
        }
    }
    let mut root = Value::Object(root);
    root.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&root)?;
    text.push('\n');
    Ok(text)
}

/// Where new parameters go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Flat,
    Dotted,
    Nested,
}

impl Layout {
    fn of(root: &Map<String, Value>) -> Self {
        let is_known = |param: &ParamName| ParamName::known().any(|known| known == param.as_str());
        let is_flat = |key: &String| !key.contains('.') && is_known(&ParamName::flat(key));
        let is_dotted = |key: &String| key.contains('.') && is_known(&ParamName::flat(key));
        let is_section = |(section, value): (&String, &Value)| {
            let keys = value.as_object().into_iter().flatten();
            keys.into_iter().any(|(key, _)| is_known(&ParamName::nested(section, key)))
        };
        if root.keys().any(is_flat) {
            Self::Flat
        } else if root.iter().any(is_section) {
            Self::Nested
        } else if root.keys().any(is_dotted) {
            Self::Dotted
        } else {
            Self::Flat
        }
    }
}

/// Puts the number in every place of the parameter; how many there are.
fn replace(root: &mut Map<String, Value>, param: &ParamName, number: &Value) -> usize {
    let mut places = 0;
    for (key, value) in root {
        if let Value::Object(section) = value {
            for (inner, value) in section {
                if !value.is_object() && ParamName::nested(key, inner) == *param {
                    *value = number.clone();
                    places += 1;
                }
            }
        } else if ParamName::flat(key) == *param {
            *value = number.clone();
            places += 1;
        }
    }
    places
}

fn insert(root: &mut Map<String, Value>, shape: Layout, param: &ParamName, number: Value) {
    let flat = || param.as_str().to_owned();
    match (shape, param.home()) {
        (Layout::Nested, Some((section, key))) => {
            let entry = root.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(section) = entry {
                section.insert(key.to_owned(), number);
            } else {
                // The name of the section is taken by a value.
                root.insert(flat(), number);
            }
        }
        (Layout::Dotted, Some((section, key))) => {
            root.insert(format!("{section}.{key}"), number);
        }
        _ => {
            root.insert(flat(), number);
        }
    }
}

/// Whole values without a decimal point, as the parameters that take no others have them.
fn number(value: f64) -> Value {
    // Above 2^53 a double no longer tells whole numbers apart.
    let is_exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
    let whole = is_exact.then(|| format!("{value:.0}").parse::<i64>().ok()).flatten();
    match whole {
        Some(whole) => Value::from(whole),
        None => Number::from_f64(value).map_or(Value::Null, Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::number::NOT_FINITE_SENTINEL;

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
    fn the_flat_value_wins_wherever_it_stands() {
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
    fn a_key_that_stands_twice_is_an_error() {
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

#[cfg(test)]
mod strict_tests {
    use super::*;

    #[test]
    fn one_parameter_in_two_spellings_has_one_value() {
        assert!(read_strictly(br#"{"min_interval_ms": 60, "engine": {"min_interval_ms": 60.0}}"#).is_ok());
        assert_eq!(
            error(r#"{"min_interval_ms": 60, "engine": {"min_interval_ms": 70}}"#),
            "`min_interval_ms` and `engine.min_interval_ms` are one parameter, and have two values"
        );
        assert_eq!(
            error(r#"{"risk": {"impact_cap_ratio": 0.1}, "impact": {"impact_cap_ratio": 0.2}}"#),
            "`risk.impact_cap_ratio` and `impact.impact_cap_ratio` are one parameter, and have two values"
        );
    }

    fn error(json: &str) -> String {
        read_strictly(json.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn a_parameter_without_a_number_is_an_error_and_other_keys_are_free() {
        let json = r#"{"comment": "x", "tail_age_ms": 600, "min_interval_ms": null, "risk": {"mode": "y", "impact_cap_ratio": 0.1}}"#;
        assert_eq!(read_strictly(json.as_bytes()).map(|values| values.len()).ok(), Some(2));
        assert_eq!(error(r#"{"tail_age_ms": "600"}"#), "`tail_age_ms` is text, expected a number");
        assert_eq!(
            error(r#"{"tail_age_ms": NaN}"#),
            "`tail_age_ms` is a number that is not finite, expected a number"
        );
        assert_eq!(
            error(r#"{"taker_rescue": {"cooldown_ms": [5]}}"#),
            "`taker_rescue.cooldown_ms` is a list, expected a number"
        );
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        assert!(error("[]").contains("expected an object"));
        assert!(error("{").starts_with("EOF"));
        assert!(error(r#"{"a": 1, "a": 2}"#).starts_with("duplicate key `a`"));
        assert_eq!(
            error(&format!(r#"{{"a": {}{}}}"#, "[".repeat(200), "]".repeat(200))),
            "lists and objects nest too deep"
        );
        assert!(read_strictly(b"\xef\xbb\xbf{}").is_ok_and(|values| values.is_empty()));
    }
}

#[cfg(test)]
mod write_tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::overrides::read;

    fn values(pairs: &[(&str, f64)]) -> ParamValues {
        ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
    }

    fn written(original: &str, pairs: &[(&str, f64)]) -> String {
        write(Some(original.as_bytes()), &values(pairs)).expect("an object")
    }

    #[test]
    fn without_an_original_the_file_is_flat_and_sorted() {
        let text = write(None, &values(&[("tail_age_ms", 600.0), ("impact_cap_ratio", 0.1)]));
        let expected = "{\n  \"impact_cap_ratio\": 0.1,\n  \"tail_age_ms\": 600\n}\n";
        assert_eq!(text.expect("nothing to read"), expected);
        assert_eq!(write(None, &values(&[])).expect("nothing to read"), "{}\n");
        for empty in ["{}", "null", "{\"note\": 1}"] {
            assert!(
                written(empty, &[("tail_age_ms", 600.0)]).contains("\n  \"tail_age_ms\": 600\n"),
                "{empty}"
            );
        }
    }

    #[test]
    fn a_nested_file_stays_nested_and_keeps_what_is_unknown() {
        let original = r#"{"risk": {"impact_cap_ratio": 0.1, "mode": "x", "deep": {"a": [1, null]}},
            "engine": {"tail_age_ms": 600}, "comment": "by hand", "zeta": 1.5}"#;
        let new = [("impact_cap_ratio", 0.09), ("tail_age_ms", 630.0), ("rescue_cooldown_ms", 500.0)];
        let expected = r#"{
  "comment": "by hand",
  "engine": {
    "tail_age_ms": 630
  },
  "risk": {
    "deep": {
      "a": [
        1,
        null
      ]
    },
    "impact_cap_ratio": 0.09,
    "mode": "x"
  },
  "taker_rescue": {
    "cooldown_ms": 500
  },
  "zeta": 1.5
}
"#;
        assert_eq!(written(original, &new), expected);
    }

    #[test]
    fn a_mixed_file_keeps_each_place_and_puts_what_is_new_at_the_top() {
        let original = r#"{"tail_age_ms": 600, "risk": {"impact_cap_ratio": 0.1}}"#;
        let new = [("impact_cap_ratio", 0.09), ("tail_age_ms", 630.0), ("min_interval_ms", 61.0)];
        let expected = "{\n  \"min_interval_ms\": 61,\n  \"risk\": {\n    \"impact_cap_ratio\": 0.09\n  },\n  \
                        \"tail_age_ms\": 630\n}\n";
        assert_eq!(written(original, &new), expected);
    }

    #[test]
    fn a_parameter_that_stands_in_two_places_changes_in_both() {
        let original = r#"{"impact_cap_ratio": 0.1, "risk": {"impact_cap_ratio": 0.2}, "impact": {"impact_cap_ratio": null}}"#;
        let text = written(original, &[("impact_cap_ratio", 0.09)]);
        assert_eq!(text.matches("\"impact_cap_ratio\": 0.09").count(), 3, "{text}");
    }

    #[test]
    fn dotted_keys_stay_dotted() {
        let original = r#"{"taker_rescue.min_edge_bps": 1.0}"#;
        let text = written(original, &[("rescue_min_edge_bps", 1.5), ("tail_age_ms", 600.0)]);
        assert_eq!(text, "{\n  \"engine.tail_age_ms\": 600,\n  \"taker_rescue.min_edge_bps\": 1.5\n}\n");
    }

    #[test]
    fn a_section_whose_name_is_taken_leaves_the_flat_place() {
        let text = written(r#"{"risk": 5, "engine": {"tail_age_ms": 1}}"#, &[("impact_cap_ratio", 0.1)]);
        assert!(text.contains("\n  \"impact_cap_ratio\": 0.1,\n") && text.contains("\"risk\": 5"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_not_written_over() {
        let fails = |json: &str| write(Some(json.as_bytes()), &values(&[])).expect_err("refused").to_string();
        assert!(fails("[1]").starts_with("`runtime_overrides` is a list, expected an object"));
        assert!(fails(r#"{"a": 1, "a": 2}"#).starts_with("duplicate key `a`"));
        assert!(fails(r#"{"a": NaN}"#).starts_with("expected value"));
        assert!(fails("").starts_with("EOF"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_written_reads_as_the_same_values(
            numbers in prop::collection::vec(-1e6..1e6, 4), whole in 0..5000_u32, shape in 0..4_usize,
        ) {
            let shapes = [
                "{}",
                r#"{"engine": {"tail_age_ms": 1}}"#,
                r#"{"risk.impact_cap_ratio": 1}"#,
                r#"{"min_interval_ms": 1, "risk": {"max_delta_ratio": 2}}"#,
            ];
            let values = values(&[
                ("impact_cap_ratio", numbers[0]),
                ("max_delta_ratio", numbers[1]),
                ("rescue_min_edge_bps", numbers[2]),
                ("base_spread_bps_delta", numbers[3]),
                ("tail_age_ms", f64::from(whole)),
                ("min_interval_ms", 1.0),
            ]);
            let text = write(Some(shapes[shape].as_bytes()), &values).expect("an object");
            prop_assert_eq!(&read(text.as_bytes()).expect("an object"), &values);
            prop_assert_eq!(write(Some(text.as_bytes()), &values).expect("an object"), text);
        }
    }
}
