//! `runtime_overrides.json`: tolerant reading, strict reading, and writing.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::json::Node;
use crate::core::json::text::{is_too_deep, parse_marked};
pub use crate::core::load::overrides::read;

/// Why a text holds no overrides to start from.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StrictError(String);

impl From<serde_json::Error> for StrictError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// The overrides in a text, flat or nested. Other keys than those of known parameters may hold anything; `null`
/// says nothing.
pub fn read_strictly(json: &[u8]) -> Result<ParamValues, StrictError> {
    if is_too_deep(json) {
        return Err(StrictError("lists and objects nest too deep".to_owned()));
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
                Err(StrictError(format!("`{first}` and `{key}` are one parameter, and have two values")))
            }
            Some(_) => Ok(()),
            None => {
                seen.insert(param, (key, *value));
                Ok(())
            }
        },
        Node::Null => Ok(()),
        other if ParamName::known().any(|known| known == param.as_str()) => {
            Err(StrictError(format!("`{key}` is {}, expected a number", other.kind())))
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
            // Refuses what is no object, and keys that occur twice, of which one would be lost.
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
    // Above 2^53 a double no longer distinguishes whole numbers.
    let is_exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
    let whole = is_exact.then(|| format!("{value:.0}").parse::<i64>().ok()).flatten();
    match whole {
        Some(whole) => Value::from(whole),
        None => Number::from_f64(value).map_or(Value::Null, Value::Number),
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
    use crate::core::load::overrides_file::read;

    fn values(pairs: &[(&str, f64)]) -> ParamValues {
        ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
    }

    fn written(original: &str, pairs: &[(&str, f64)]) -> String {
        write(Some(original.as_bytes()), &values(pairs)).expect("an object")
    }

    #[test]
    fn without_an_original_the_file_is_flat_and_sorted() {
        let text = write(None, &values(&[("tail_age_ms", 600.0), ("impact_cap_ratio", 0.1)]));
        insta::assert_snapshot!(format!("{}(end)", text.expect("nothing to read")), @r#"
            {
              "impact_cap_ratio": 0.1,
              "tail_age_ms": 600
            }
            (end)
            "#);
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
        insta::assert_snapshot!(format!("{}(end)", written(original, &new)), @r#"
            {
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
            (end)
            "#);
    }

    #[test]
    fn a_mixed_file_keeps_each_place_and_puts_what_is_new_at_the_top() {
        let original = r#"{"tail_age_ms": 600, "risk": {"impact_cap_ratio": 0.1}}"#;
        let new = [("impact_cap_ratio", 0.09), ("tail_age_ms", 630.0), ("min_interval_ms", 61.0)];
        insta::assert_snapshot!(format!("{}(end)", written(original, &new)), @r#"
            {
              "min_interval_ms": 61,
              "risk": {
                "impact_cap_ratio": 0.09
              },
              "tail_age_ms": 630
            }
            (end)
            "#);
    }

    #[test]
    fn a_parameter_in_two_places_changes_in_both() {
        let original = r#"{"impact_cap_ratio": 0.1, "risk": {"impact_cap_ratio": 0.2}, "impact": {"impact_cap_ratio": null}}"#;
        let text = written(original, &[("impact_cap_ratio", 0.09)]);
        assert_eq!(text.matches("\"impact_cap_ratio\": 0.09").count(), 3, "{text}");
    }

    #[test]
    fn dotted_keys_stay_dotted() {
        let original = r#"{"taker_rescue.min_edge_bps": 1.0}"#;
        let text = written(original, &[("rescue_min_edge_bps", 1.5), ("tail_age_ms", 600.0)]);
        insta::assert_snapshot!(format!("{text}(end)"), @r#"
            {
              "engine.tail_age_ms": 600,
              "taker_rescue.min_edge_bps": 1.5
            }
            (end)
            "#);
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
