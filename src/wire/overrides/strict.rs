//! Overrides that a person gave: what ought to be a number and is none is an error there.

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
}

/// The overrides in a text, flat or nested. Other keys than those of known parameters may hold anything; `null`
/// says nothing.
pub fn read_strictly(json: &[u8]) -> Result<ParamValues, StrictError> {
    if is_too_deep(json) {
        return Err(StrictError::Nesting);
    }
    let values = parse_marked(json, super::read)?;
    if let Node::Object(entries) = parse_marked(json, |json| serde_json::from_slice(json))? {
        for (key, node) in &entries {
            match node {
                Node::Object(section) => section.iter().try_for_each(|(inner, node)| {
                    number(&ParamName::nested(key, inner), &format!("{key}.{inner}"), node)
                })?,
                node => number(&ParamName::flat(key), key, node)?,
            }
        }
    }
    Ok(values)
}

fn number(param: &ParamName, key: &str, node: &Node) -> Result<(), StrictError> {
    let is_known = ParamName::known().any(|known| known == param.as_str());
    match node {
        Node::Number(_) | Node::Null => Ok(()),
        other if is_known => Err(StrictError::Wrong { key: key.to_owned(), found: other.kind() }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
