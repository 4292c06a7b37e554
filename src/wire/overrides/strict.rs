//! Overrides that a person gave: what ought to be a number and is none is an error there.

use std::collections::BTreeMap;

use super::super::literals::parse_marked;
use super::super::nesting::is_too_deep;
use super::super::node::Node;
use crate::core::params::{ParamName, ParamValues};

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
    let values = parse_marked(json, super::read)?;
    if let Node::Object(entries) = parse_marked(json, |json| serde_json::from_slice(json))? {
        let mut seen = Seen::new();
        for (key, node) in &entries {
            match node {
                Node::Object(section) => section.iter().try_for_each(|(inner, node)| {
                    number(&mut seen, ParamName::nested(key, inner), format!("{key}.{inner}"), node)
                })?,
                node => number(&mut seen, ParamName::flat(key), key.clone(), node)?,
            }
        }
    }
    Ok(values)
}

/// The key and the value that a parameter was first seen with.
type Seen = BTreeMap<ParamName, (String, f64)>;

fn number(seen: &mut Seen, param: ParamName, key: String, node: &Node) -> Result<(), StrictError> {
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

#[cfg(test)]
mod tests {
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
