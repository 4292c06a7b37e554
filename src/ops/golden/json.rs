//! Reads any JSON document for the golden comparison, with the literals that Python writes and JSON does not have.
//!
//! A key that occurs twice in one object is an error: nobody could say which of the two is compared.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::core::json::NOT_FINITE_SENTINEL;
use crate::core::json::text::mark_with;

/// Longest text of a value that is kept, characters.
pub(super) const LONGEST: usize = 200;

/// A JSON value that keeps whole numbers, numbers with a point and non-finite literals apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number without point and exponent.
    Integer(i128),
    /// Another finite number.
    Float(f64),
    /// NaN or an infinity.
    NotFinite(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Its type, in a word or two.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) | Self::NotFinite(_) => "float",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }

    /// The value in short: what is in lists and objects is only counted, long texts are cut off, and what is not
    /// printable is escaped.
    pub fn short(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::NotFinite(value) if value.is_nan() => "NaN".to_owned(),
            Self::NotFinite(value) => if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            Self::Text(text) => {
                let cut: String = text.chars().take(LONGEST).collect();
                let rest = if cut.len() < text.len() { "…" } else { "" };
                format!("{cut:?}{rest}")
            }
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Object(entries) => format!("an object of {}", entries.len()),
        }
    }
}

/// Reads a document. A BOM is skipped; numbers too large for a double are infinities.
pub fn read(bytes: &[u8]) -> Result<Json, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| "not valid UTF-8")?;
    parse(text, None).or_else(|error| {
        // No text of the file may look like a literal that was marked.
        let mut sentinel = NOT_FINITE_SENTINEL.to_owned();
        while text.contains(&sentinel) {
            sentinel.push('#');
        }
        match mark_with(text, &sentinel, |literal| literal) {
            Some(marked) => parse(&marked, Some(&sentinel)),
            None => Err(error),
        }
        .map_err(|error| format!("not valid JSON: {error}"))
    })
}

fn parse(text: &str, sentinel: Option<&str>) -> Result<Json, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let json = Value { sentinel }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(json)
}

/// Any value; texts that start with the sentinel are literals.
#[derive(Clone, Copy)]
struct Value<'s> {
    sentinel: Option<&'s str>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        let literal = self.sentinel.and_then(|sentinel| text.strip_prefix(sentinel));
        Ok(match literal.and_then(|literal| literal.parse().ok()) {
            Some(value) => Json::NotFinite(value),
            None => Json::Text(text.to_owned()),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(Key(key)) = object.next_key()? {
            let value = object.next_value_seed(self)?;
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key `{key}`")));
            }
            entries.insert(key, value);
        }
        Ok(Json::Object(entries))
    }
}

#[derive(Deserialize)]
struct Key(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> Json {
        read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn error(text: &str) -> String {
        read(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn whole_numbers_and_numbers_with_a_point_are_distinguished() {
        let list = |items: &[Json]| Json::List(items.to_vec());
        assert_eq!(good("[1, 1.0, -1, 1e2]"), {
            list(&[Json::Integer(1), Json::Float(1.0), Json::Integer(-1), Json::Float(100.0)])
        });
        assert_eq!(good("[18446744073709551615]"), list(&[Json::Integer(18_446_744_073_709_551_615)]));
        assert_eq!(good("\u{feff}[true, null, \"x\"]\r\n"), {
            list(&[Json::Boolean(true), Json::Null, Json::Text("x".to_owned())])
        });
    }

    #[test]
    fn literals_of_python_are_numbers_and_texts_that_look_like_marks_stay_texts() {
        let Json::List(items) = good(r##"[NaN, Infinity, -Infinity, 1e999, "NaN", "#not-finite#NaN"]"##)
        else {
            panic!("a list")
        };
        assert!(matches!(items[0], Json::NotFinite(value) if value.is_nan()));
        assert_eq!(items[1], Json::NotFinite(f64::INFINITY));
        assert_eq!(items[2], Json::NotFinite(f64::NEG_INFINITY));
        assert_eq!(items[3], Json::NotFinite(f64::INFINITY));
        assert_eq!(items[4], Json::Text("NaN".to_owned()));
        assert_eq!(items[5], Json::Text("#not-finite#NaN".to_owned()));
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        assert!(error("").starts_with("not valid JSON: EOF"));
        assert!(error("{} {}").contains("trailing characters"));
        assert!(error(r#"{"a": {"b": 1, "b": 1}}"#).contains("duplicate key `b`"));
        assert!(error(&"[".repeat(200)).contains("recursion limit"));
        assert!(error("[nan]").starts_with("not valid JSON"));
        assert_eq!(read(b"\"\xff\"").expect_err("no text"), "not valid UTF-8");
    }
}
