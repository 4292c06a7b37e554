//! A number as it stands in a file: there, missing, not finite, or something else.
//!
//! Must not replace what is missing by a value.

use std::borrow::Cow;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};

use super::read::{Read, Shape, drain_list, drain_object};

/// The text that stands for a bare NaN or Infinity, which JSON does not have but Python writes. Whoever hands
/// bytes to the parser puts it (as a JSON string) in place of such a literal.
pub const NOT_FINITE_SENTINEL: &str = "#not-finite#";

/// What was found where a number should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// `null`.
    Null,
    /// A finite number. Negative zero reads as zero.
    Value(f64),
    /// NaN or an infinity.
    NotFinite,
    /// Not a number; holds what it was.
    Wrong(&'static str),
}

impl Reading {
    /// The number, if it is one.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The number, `None` for `null`, and an error that names the key for anything else.
    pub fn required_type<E: Error>(self, key: &str) -> Result<Option<f64>, E> {
        match self {
            Self::Null => Ok(None),
            Self::Value(value) => Ok(Some(value)),
            Self::NotFinite => Err(E::custom(format_args!("`{key}` is not finite"))),
            Self::Wrong(found) => Err(E::custom(format_args!("`{key}` is {found}, expected a number"))),
        }
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read(Anything).deserialize(deserializer)
    }
}

struct Anything;

impl<'de> Shape<'de> for Anything {
    type Value = Reading;
    const EXPECTED: &'static str = "a number";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn null(self) -> Reading {
        Reading::Null
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Reading, E> {
        Ok(Reading::Wrong("a boolean"))
    }

    fn number<E: Error>(self, value: f64) -> Result<Reading, E> {
        Ok(Reading::Value(value + 0.0))
    }

    fn not_finite<E: Error>(self) -> Result<Reading, E> {
        Ok(Reading::NotFinite)
    }

    fn text<E: Error>(self, _: &str) -> Result<Reading, E> {
        Ok(Reading::Wrong("text"))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Reading, A::Error> {
        drain_list(list).map(|()| Reading::Wrong("a list"))
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<Reading, A::Error> {
        drain_object(object).map(|()| Reading::Wrong("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Reading {
        serde_json::from_str(json).expect("valid JSON reads as something")
    }

    #[test]
    fn every_json_type_is_told_apart() {
        assert_eq!(read("null"), Reading::Null);
        assert_eq!(read("0"), Reading::Value(0.0));
        assert_eq!(read("-3"), Reading::Value(-3.0));
        assert_eq!(read("18446744073709551615"), Reading::Value(18_446_744_073_709_551_615.0));
        assert_eq!(read("2.5e-1"), Reading::Value(0.25));
        assert_eq!(read("true"), Reading::Wrong("a boolean"));
        assert_eq!(read("\"1.5\""), Reading::Wrong("text"));
        assert_eq!(read("[1, [2]]"), Reading::Wrong("a list"));
        assert_eq!(read("{\"a\": {\"b\": 1}}"), Reading::Wrong("an object"));
        assert_eq!(read(&format!("\"{NOT_FINITE_SENTINEL}\"")), Reading::NotFinite);
    }

    #[test]
    fn negative_zero_reads_as_zero() {
        let Reading::Value(value) = read("-0.0") else { panic!("a number") };
        assert!(value.is_sign_positive());
    }

    #[test]
    fn errors_name_the_key_and_both_types() {
        let message = |reading: Reading| {
            reading.required_type::<serde_json::Error>("deltas.a").map_err(|error| error.to_string())
        };
        assert_eq!(message(Reading::Null), Ok(None));
        assert_eq!(message(Reading::Value(0.0)), Ok(Some(0.0)));
        assert_eq!(message(Reading::NotFinite), Err("`deltas.a` is not finite".into()));
        assert_eq!(message(Reading::Wrong("text")), Err("`deltas.a` is text, expected a number".into()));
    }
}
