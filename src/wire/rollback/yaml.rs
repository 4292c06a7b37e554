//! YAML as a tree of values that know their place. The one room that knows the YAML library; what keys mean is
//! not known here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A place in the file, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) value: Value,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Place,
    pub(super) node: Node,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

impl Value {
    /// What it is, to stand after "found".
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Reads a document; the error has a place where the library knows one, and one line of words.
pub(super) fn read(text: &str) -> Result<Node, (Place, String)> {
    let options = serde_saphyr::options! {
        // `yes` and `off` are words, as the YAML of today has it.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let at = error.location().map_or_else(Place::default, |at| place(&at));
        (at, error.without_snippet().to_string().lines().collect::<Vec<_>>().join(", "))
    })
}

fn place(at: &serde_saphyr::Location) -> Place {
    Place { line: at.line(), column: at.column() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { at: place(&referenced), value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Integer).map_err(|_| E::custom("a number beyond 64 bits"))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.is_finite() {
            Ok(Value::Float(value))
        } else {
            Err(E::custom("a number that is not finite"))
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(Node { at, value }) = map.next_key::<Node>()? {
            let key = match value {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Bool(is) => is.to_string(),
                other => return Err(A::Error::custom(format!("{} cannot be a key", other.what()))),
            };
            entries.push(Entry { key, at, node: map.next_value()? });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_place() {
        let tree = read("a: 1\nb:\n  - x\n  - {c: 2.5, d: true}\n").expect("YAML");
        let Value::Map(entries) = tree.value else { panic!("a mapping") };
        assert_eq!((entries[1].key.as_str(), entries[1].at), ("b", Place { line: 2, column: 1 }));
        let Value::List(items) = &entries[1].node.value else { panic!("a list") };
        assert_eq!(items[0].at, Place { line: 3, column: 5 });
        let Value::Map(inner) = &items[1].value else { panic!("a mapping") };
        assert_eq!(inner[1].at, Place { line: 4, column: 14 });
        assert!(matches!(inner[1].node.value, Value::Bool(true)));
    }

    #[test]
    fn quoted_numbers_and_old_booleans_are_texts() {
        let tree = read("a: \"1.0\"\nb: yes\nc: 0\nd: ~\n").expect("YAML");
        let Value::Map(entries) = tree.value else { panic!("a mapping") };
        let what: Vec<&str> = entries.iter().map(|entry| entry.node.value.what()).collect();
        assert_eq!(what, ["a text", "a text", "a number", "nothing"]);
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        for (text, line) in [("a: [1\nb: 2\n", 2), ("a: 1\na: 2\n", 2), ("a: 1\n b: 2\n", 2)] {
            let (at, words) = read(text).expect_err(text);
            assert!(at.line >= line - 1 && !words.contains('\n') && !words.is_empty(), "{at:?} {words}");
        }
    }
}
