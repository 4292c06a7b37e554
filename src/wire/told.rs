//! A text in a file of somebody else, where anything may stand in its place: kept short, and nothing is an error.

use std::borrow::Cow;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};

use super::read::{Read, Shape, drain_list, drain_object};

/// Longest text that is kept, bytes; the rest is cut off.
const LONGEST: usize = 1024;

/// What stood where a text should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A text, cut off where it is too long.
    Text(String),
    /// `null`.
    Nothing,
    /// Something else; says what.
    Wrong(&'static str),
}

/// The text, cut off in front of the character that would make it too long.
pub fn shortened(text: &str) -> String {
    let mut end = LONGEST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read(Anything).deserialize(deserializer)
    }
}

struct Anything;

impl<'de> Shape<'de> for Anything {
    type Value = Told;
    const EXPECTED: &'static str = "text";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn null(self) -> Told {
        Told::Nothing
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Told, E> {
        Ok(Told::Wrong("a boolean"))
    }

    fn number<E: Error>(self, _: f64) -> Result<Told, E> {
        Ok(Told::Wrong("a number"))
    }

    fn not_finite<E: Error>(self) -> Result<Told, E> {
        Ok(Told::Wrong("a number that is not finite"))
    }

    fn text<E: Error>(self, value: &str) -> Result<Told, E> {
        Ok(Told::Text(shortened(value)))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Told, A::Error> {
        drain_list(list).map(|()| Told::Wrong("a list"))
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<Told, A::Error> {
        drain_object(object).map(|()| Told::Wrong("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Told {
        serde_json::from_str(json).expect("valid JSON")
    }

    #[test]
    fn a_text_is_told_from_anything_else() {
        assert_eq!(read(r#""a""#), Told::Text("a".to_owned()));
        assert_eq!(read("null"), Told::Nothing);
        for (json, kind) in [("true", "a boolean"), ("1.5", "a number"), ("[[1]]", "a list")] {
            assert_eq!(read(json), Told::Wrong(kind));
        }
        assert_eq!(read(r#"{"a": {}}"#), Told::Wrong("an object"));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened(&"x".repeat(1024)).len(), 1024);
        assert_eq!(shortened(&"x".repeat(1025)).len(), 1024);
        // The 512th character of two bytes would begin at byte 1023.
        assert_eq!(shortened(&format!("x{}", "é".repeat(600))).len(), 1023);
    }
}
