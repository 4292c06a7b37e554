//! Small JSON of uncertain shape as a tree that, unlike `serde_json::Value`, keeps keys that stand there twice.
//!
//! For files of a few kilobytes only; knows no file format.

use std::borrow::Cow;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};

use super::read::{Key, Read, Shape, drain_list};

/// A JSON value. What is in a list is not kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A finite number. Negative zero reads as zero.
    Number(f64),
    /// NaN or an infinity.
    NotFinite,
    /// Text.
    Text(String),
    /// A list.
    List,
    /// An object, its keys in the order of the file.
    Object(Vec<(String, Node)>),
}

/// A key stands twice in one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twice;

impl Node {
    /// What it is, to stand after "is".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::NotFinite => "a number that is not finite",
            Self::Text(_) => "text",
            Self::List => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The value under a key; `None` when it is not there or this is no object.
    pub fn get(&self, key: &str) -> Result<Option<&Self>, Twice> {
        let Self::Object(entries) = self else { return Ok(None) };
        let mut found = entries.iter().filter(|(name, _)| name == key).map(|(_, node)| node);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Twice),
            (first, None) => Ok(first),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read(Anything).deserialize(deserializer)
    }
}

struct Anything;

impl<'de> Shape<'de> for Anything {
    type Value = Node;
    const EXPECTED: &'static str = "anything";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn null(self) -> Node {
        Node::Null
    }

    fn boolean<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Boolean(value))
    }

    fn number<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value + 0.0))
    }

    fn not_finite<E: Error>(self) -> Result<Node, E> {
        Ok(Node::NotFinite)
    }

    fn text<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Node, A::Error> {
        drain_list(list).map(|()| Node::List)
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            entries.push((key.into_owned(), object.next_value()?));
        }
        Ok(Node::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_told_apart() {
        let kinds = |json: &str| serde_json::from_str::<Node>(json).expect("valid JSON").kind();
        assert_eq!(kinds("null"), "null");
        assert_eq!(kinds("true"), "a boolean");
        assert_eq!(kinds("-1"), "a number");
        assert_eq!(kinds("\"x\""), "text");
        assert_eq!(kinds("[[1], {}]"), "a list");
        assert_eq!(kinds("{\"a\": 1}"), "an object");
        assert_eq!(kinds("\"#not-finite#\""), "a number that is not finite");
    }

    #[test]
    fn a_key_is_found_once_and_noticed_twice() {
        let node: Node = serde_json::from_str(r#"{"a": {"b": -0.0}, "c": 1, "c": 2}"#).expect("valid JSON");
        let a = node.get("a").expect("once").expect("there");
        assert_eq!(a.get("b"), Ok(Some(&Node::Number(0.0))));
        assert_eq!(node.get("c"), Err(Twice));
        assert_eq!(node.get("d"), Ok(None));
        assert_eq!(Node::Null.get("a"), Ok(None));
    }

    #[test]
    fn nesting_without_end_is_an_error_and_no_crash() {
        assert!(serde_json::from_str::<Node>(&"{\"a\":".repeat(100_000)).is_err());
        assert!(serde_json::from_str::<Node>(&"[".repeat(100_000)).is_err());
    }
}
