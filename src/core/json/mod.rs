//! Reading JSON values whose shape is not certain, with errors that name key, found and expected type.
//!
//! Builds no tree: every value goes straight to the one who asked for it. Knows no file format.

pub mod text;

use std::fmt;

use std::borrow::Cow;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

pub use text::NOT_FINITE_SENTINEL;

/// What to do with a value of each JSON type. A type without a method of its own goes to [`Shape::other`].
pub trait Shape<'de>: Sized {
    /// What is made of the value.
    type Value;

    /// The right type, to follow "expected" in an error.
    const EXPECTED: &'static str;

    /// The key as errors name it.
    fn key(&self) -> &str;

    /// `null`, which always means "missing".
    fn null(self) -> Self::Value;

    /// A value of a type that does not belong here; `None` makes it an error.
    fn other(&mut self, _found: &'static str) -> Option<Self::Value> {
        None
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        self.misplaced("a boolean")
    }

    fn number<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        self.misplaced("a number")
    }

    /// NaN or an infinity.
    fn not_finite<E: Error>(self) -> Result<Self::Value, E> {
        self.misplaced("a number that is not finite")
    }

    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        self.misplaced("text")
    }

    /// A list; must be read to its end unless an error is returned.
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let value = self.misplaced("a list")?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }

    /// An object; must be read to its end unless an error is returned.
    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let value = self.misplaced("an object")?;
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(value)
    }

    fn misplaced<E: Error>(mut self, found: &'static str) -> Result<Self::Value, E> {
        self.other(found).ok_or_else(|| {
            E::custom(format_args!("`{}` is {found}, expected {}", self.key(), Self::EXPECTED))
        })
    }
}

/// Reads a value by its [`Shape`].
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

/// Reads a whole text by a shape.
pub fn read_all<'de, R: serde_json::de::Read<'de>, S: Shape<'de>>(
    json: R,
    shape: S,
) -> Result<S::Value, serde_json::Error> {
    let mut parser = serde_json::Deserializer::new(json);
    let value = Read(shape).deserialize(&mut parser)?;
    parser.end()?;
    Ok(value)
}

/// What takes the keys of an object, one by one.
pub trait Fields<'de> {
    /// See [`Shape::EXPECTED`].
    const EXPECTED: &'static str = "an object";

    /// Reads the value of `key` from `map` if it is one of its own; `false` leaves it unread.
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    /// Text in place of the object; `false` makes it an error.
    fn text(&mut self, _: &str) -> bool {
        self.other("text")
    }

    /// Something else in place of the object; `false` makes it an error.
    fn other(&mut self, _found: &'static str) -> bool {
        false
    }

    /// Takes all keys; those that are not its own are passed over.
    fn take<A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(Key)? {
            if !self.field(&key, &mut object)? {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de, F: Fields<'de>> Fields<'de> for &mut F {
    const EXPECTED: &'static str = F::EXPECTED;

    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        (**self).field(key, map)
    }

    fn text(&mut self, text: &str) -> bool {
        (**self).text(text)
    }

    fn other(&mut self, found: &'static str) -> bool {
        (**self).other(found)
    }
}

/// An object under a key, or nothing.
pub struct Object<'a, F>(pub &'a str, pub F);

impl<'de, F: Fields<'de>> Shape<'de> for Object<'_, F> {
    type Value = Option<F>;
    const EXPECTED: &'static str = F::EXPECTED;

    fn key(&self) -> &str {
        self.0
    }

    fn null(self) -> Option<F> {
        None
    }

    fn misplaced<E: Error>(mut self, found: &'static str) -> Result<Option<F>, E> {
        if self.1.other(found) { Ok(Some(self.1)) } else { Err(wrong(self.0, found, F::EXPECTED)) }
    }

    fn text<E: Error>(mut self, text: &str) -> Result<Option<F>, E> {
        if self.1.text(text) { Ok(Some(self.1)) } else { Err(wrong(self.0, "text", F::EXPECTED)) }
    }

    fn object<A: MapAccess<'de>>(mut self, object: A) -> Result<Option<F>, A::Error> {
        self.1.take(object)?;
        Ok(Some(self.1))
    }
}

fn wrong<E: Error>(key: &str, found: &str, expected: &str) -> E {
    E::custom(format_args!("`{key}` is {found}, expected {expected}"))
}

/// A boolean, or nothing.
pub struct Flag<'a>(pub &'a str);

impl Shape<'_> for Flag<'_> {
    type Value = Option<bool>;
    const EXPECTED: &'static str = "a boolean";

    fn key(&self) -> &str {
        self.0
    }

    fn null(self) -> Option<bool> {
        None
    }

    fn boolean<E: Error>(self, value: bool) -> Result<Option<bool>, E> {
        Ok(Some(value))
    }
}

/// A text, or nothing; hands the text to a function, so that nothing is stored that nobody needs.
pub struct Text<'a, F>(pub &'a str, pub F);

impl<T, F: FnOnce(&str) -> T> Shape<'_> for Text<'_, F> {
    type Value = Option<T>;
    const EXPECTED: &'static str = "text";

    fn key(&self) -> &str {
        self.0
    }

    fn null(self) -> Option<T> {
        None
    }

    fn text<E: Error>(self, value: &str) -> Result<Option<T>, E> {
        Ok(Some((self.1)(value)))
    }
}

/// A list of texts, or nothing; hands each to a function. A `null` in it is skipped.
pub struct Texts<'a, F>(pub &'a str, pub F);

impl<'de, F: FnMut(&str)> Shape<'de> for Texts<'_, F> {
    type Value = ();
    const EXPECTED: &'static str = "a list of texts";

    fn key(&self) -> &str {
        self.0
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

/// The error for a key that is in an object twice.
pub fn duplicate<E: Error>(key: &str) -> E {
    E::custom(format_args!("duplicate key `{key}`"))
}

/// Reads a value into its slot, which a key may fill once.
pub fn once<'de, A: MapAccess<'de>, S: Shape<'de>>(
    slot: &mut Option<S::Value>,
    key: &str,
    shape: S,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(duplicate(key));
    }
    *slot = Some(map.next_value_seed(Read(shape))?);
    Ok(())
}

/// Which of a fixed set of keys an object has shown so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeysRead(u64);

impl KeysRead {
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

/// What was found where a number should be. Must not replace what is missing by a value.
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
            Self::Wrong(found) => Err(wrong(key, found, "a number")),
        }
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read(Number).deserialize(deserializer)
    }
}

/// Anything, as a [`Reading`].
pub struct Number;

impl Shape<'_> for Number {
    type Value = Reading;
    const EXPECTED: &'static str = "a number";

    fn key(&self) -> &'static str {
        ""
    }

    fn null(self) -> Reading {
        Reading::Null
    }

    fn number<E: Error>(self, value: f64) -> Result<Reading, E> {
        Ok(Reading::Value(value + 0.0))
    }

    fn not_finite<E: Error>(self) -> Result<Reading, E> {
        Ok(Reading::NotFinite)
    }

    fn other(&mut self, found: &'static str) -> Option<Reading> {
        Some(Reading::Wrong(found))
    }
}

/// What was found where a text should be, in a file in which that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextReading {
    /// A text, cut off where it is too long.
    Text(String),
    /// `null`.
    Null,
    /// Something else; says what.
    Wrong(&'static str),
}

impl<'de> Deserialize<'de> for TextReading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read(AnyText).deserialize(deserializer)
    }
}

struct AnyText;

impl Shape<'_> for AnyText {
    type Value = TextReading;
    const EXPECTED: &'static str = "text";

    fn key(&self) -> &'static str {
        ""
    }

    fn null(self) -> TextReading {
        TextReading::Null
    }

    fn text<E: Error>(self, value: &str) -> Result<TextReading, E> {
        Ok(TextReading::Text(shortened(value)))
    }

    fn other(&mut self, found: &'static str) -> Option<TextReading> {
        Some(TextReading::Wrong(found))
    }
}

/// Longest text of somebody else that is kept, bytes; the rest is cut off.
const LONGEST: usize = 1024;

/// The text, cut off in front of the character that would make it too long.
pub fn shortened(text: &str) -> String {
    let mut end = LONGEST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// A JSON value of a small file that, unlike `serde_json::Value`, keeps keys that are there twice. What is in a list
/// is not kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Boolean(bool),
    /// A finite number. Negative zero reads as zero.
    Number(f64),
    /// NaN or an infinity.
    NotFinite,
    Text(String),
    List,
    /// An object, its keys in the order of the file.
    Object(Vec<(String, Node)>),
}

/// A key is in one object twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twice;

impl Node {
    /// What it is, to follow "is".
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
        Read(AnyNode).deserialize(deserializer)
    }
}

struct AnyNode;

impl<'de> Shape<'de> for AnyNode {
    type Value = Node;
    const EXPECTED: &'static str = "anything";

    fn key(&self) -> &'static str {
        ""
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

    fn other(&mut self, _list: &'static str) -> Option<Node> {
        Some(Node::List)
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            entries.push((key.into_owned(), object.next_value()?));
        }
        Ok(Node::Object(entries))
    }
}

/// A JSON value that is read and not kept, in which no object has a key twice, however deep: readers disagree on which of
/// two counts.
pub(crate) struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Unique)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        let mut keys = std::collections::BTreeSet::new();
        while let Some(key) = object.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(duplicate(&key));
            }
            object.next_value::<Self>()?;
            keys.insert(key);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(json: &str) -> Reading {
        serde_json::from_str(json).expect("valid JSON reads as something")
    }

    #[test]
    fn every_json_type_is_reported_from_a_number() {
        assert_eq!(number("null"), Reading::Null);
        assert_eq!(number("0"), Reading::Value(0.0));
        assert_eq!(number("-3"), Reading::Value(-3.0));
        assert_eq!(number("18446744073709551615"), Reading::Value(18_446_744_073_709_551_615.0));
        assert_eq!(number("2.5e-1"), Reading::Value(0.25));
        assert_eq!(number("true"), Reading::Wrong("a boolean"));
        assert_eq!(number("\"1.5\""), Reading::Wrong("text"));
        assert_eq!(number("[1, [2]]"), Reading::Wrong("a list"));
        assert_eq!(number("{\"a\": {\"b\": 1}}"), Reading::Wrong("an object"));
        assert_eq!(number(&format!("\"{NOT_FINITE_SENTINEL}\"")), Reading::NotFinite);
    }

    #[test]
    fn negative_zero_reads_as_zero() {
        let Reading::Value(value) = number("-0.0") else { panic!("a number") };
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

    fn text(json: &str) -> TextReading {
        serde_json::from_str(json).expect("valid JSON")
    }

    #[test]
    fn a_text_is_reported_from_anything_else() {
        assert_eq!(text(r#""a""#), TextReading::Text("a".to_owned()));
        assert_eq!(text("null"), TextReading::Null);
        for (json, kind) in [("true", "a boolean"), ("1.5", "a number"), ("[[1]]", "a list")] {
            assert_eq!(text(json), TextReading::Wrong(kind));
        }
        assert_eq!(text(r#"{"a": {}}"#), TextReading::Wrong("an object"));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened(&"x".repeat(1024)).len(), 1024);
        assert_eq!(shortened(&"x".repeat(1025)).len(), 1024);
        // The 512th character of two bytes would begin at byte 1023.
        assert_eq!(shortened(&format!("x{}", "é".repeat(600))).len(), 1023);
    }

    #[test]
    fn every_kind_of_value_is_distinguished() {
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
    fn a_key_that_is_there_twice_is_found_in_every_depth() {
        let problem = |json: &str| serde_json::from_str::<Unique>(json).err().map(|error| error.to_string());
        assert_eq!(problem(r#"{"a": {"b": [1, -1, 1.5, "x", null, true]}, "b": {"b": 1}}"#), None);
        for json in [r#"{"a": 1, "a": 1}"#, r#"[{"x": {"a": 1, "b": 2, "\u0061": 3}}]"#] {
            assert!(problem(json).is_some_and(|problem| problem.starts_with("duplicate key `a`")), "{json}");
        }
    }

    #[test]
    fn nesting_without_end_is_an_error_and_no_crash() {
        assert!(serde_json::from_str::<Node>(&"{\"a\":".repeat(100_000)).is_err());
        assert!(serde_json::from_str::<Node>(&"[".repeat(100_000)).is_err());
    }
}
