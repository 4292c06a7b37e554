//! Reading JSON values whose shape is not certain, with errors that name key, found and expected type.
//!
//! Builds no tree: every value goes straight to the one who asked for it. Knows no file format.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::number::NOT_FINITE_SENTINEL;

/// What to do with a value of each JSON type. A type without a method of its own is an error.
pub trait Shape<'de>: Sized {
    /// What is made of the value.
    type Value;

    /// The right type, to stand after "expected".
    const EXPECTED: &'static str;

    /// The key as errors name it.
    fn key(&self) -> Cow<'_, str>;

    /// `null`, which always means "missing".
    fn null(self) -> Self::Value;

    /// `true` or `false`.
    fn boolean<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(self.wrong("a boolean"))
    }

    /// A number.
    fn number<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(self.wrong("a number"))
    }

    /// NaN or an infinity.
    fn not_finite<E: Error>(self) -> Result<Self::Value, E> {
        Err(self.wrong("a number that is not finite"))
    }

    /// Text.
    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(self.wrong("text"))
    }

    /// A list; must be read to its end unless an error is returned.
    fn list<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(self.wrong("a list"))
    }

    /// An object; must be read to its end unless an error is returned.
    fn object<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(self.wrong("an object"))
    }

    /// The error for a type that does not belong here.
    fn wrong<E: Error>(&self, found: &str) -> E {
        E::custom(format_args!("`{}` is {found}, expected {}", self.key(), Self::EXPECTED))
    }
}

/// Reads a value by its [`Shape`].
#[derive(Debug)]
pub struct Read<S>(pub S);

impl<'de, S: Shape<'de>> DeserializeSeed<'de> for Read<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Shape<'de>> Visitor<'de> for Read<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in `{}`", S::EXPECTED, self.0.key())
    }

    fn visit_unit<E: Error>(self) -> Result<S::Value, E> {
        Ok(self.0.null())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<S::Value, E> {
        self.0.boolean(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<S::Value, E> {
        self.0.number(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<S::Value, E> {
        self.0.number(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<S::Value, E> {
        if value.is_finite() { self.0.number(value) } else { self.0.not_finite() }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<S::Value, E> {
        if value == NOT_FINITE_SENTINEL { self.0.not_finite() } else { self.0.text(value) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<S::Value, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<S::Value, A::Error> {
        self.0.object(object)
    }
}

/// A boolean, or nothing.
#[derive(Debug)]
pub struct Flag<'a>(pub &'a str);

impl Shape<'_> for Flag<'_> {
    type Value = Option<bool>;
    const EXPECTED: &'static str = "a boolean";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn null(self) -> Option<bool> {
        None
    }

    fn boolean<E: Error>(self, value: bool) -> Result<Option<bool>, E> {
        Ok(Some(value))
    }
}

/// A text, or nothing; hands the text to a function, so that nothing is stored that nobody wants.
#[derive(Debug)]
pub struct Text<'a, F>(pub &'a str, pub F);

impl<T, F: FnOnce(&str) -> T> Shape<'_> for Text<'_, F> {
    type Value = Option<T>;
    const EXPECTED: &'static str = "text";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn null(self) -> Option<T> {
        None
    }

    fn text<E: Error>(self, value: &str) -> Result<Option<T>, E> {
        Ok(Some((self.1)(value)))
    }
}

/// A list of texts, or nothing; hands each to a function. A `null` in it is skipped.
#[derive(Debug)]
pub struct Texts<'a, F>(pub &'a str, pub F);

impl<'de, F: FnMut(&str)> Shape<'de> for Texts<'_, F> {
    type Value = ();
    const EXPECTED: &'static str = "a list of texts";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn null(self) {}

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let name = format!("{}[]", self.0);
        while list.next_element_seed(Read(Text(&name, &mut self.1)))?.is_some() {}
        Ok(())
    }
}

/// A key of an object, borrowed from the input where it holds no escapes.
pub struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// Reads a list to its end and forgets it.
pub fn drain_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads an object to its end and forgets it.
pub fn drain_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// The error for a key that stands twice in one object.
pub fn duplicate<E: Error>(key: &str) -> E {
    E::custom(format_args!("duplicate key `{key}`"))
}

/// Which of a fixed set of keys an object has shown so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen(u64);

impl Seen {
    /// Notes the key at this place of the set (below 64); an error when it was there before.
    pub fn once<E: Error>(&mut self, place: usize, key: &str) -> Result<(), E> {
        let bit = 1u64 << place;
        if self.0 & bit != 0 {
            return Err(duplicate(key));
        }
        self.0 |= bit;
        Ok(())
    }
}
