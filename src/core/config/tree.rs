//! A configuration file as a tree of values that know their place. Knows TOML and YAML, and nothing of what keys mean.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use toml::de::{DeString, DeTable, DeValue};

use super::error::{ConfigError, Layer, Origin, Patch, Position};

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Name(Rc<str>),
    Item(usize),
}

/// A dotted key, as its parts. Cheap to clone: a policy has hundreds of keys, and each is noted in several places.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Rc<[Part]>);

impl Key {
    /// From a key whose parts need no quotes. No key of a policy has more than five parts, so what has
    /// sixteen is unknown whatever follows.
    pub(super) fn of_dotted(dotted: &str) -> Self {
        Self(dotted.splitn(16, '.').map(|part| Part::Name(part.into())).collect())
    }

    pub(super) fn first(&self, length: usize) -> Self {
        Self(self.0[..length.min(self.0.len())].into())
    }

    /// The key `part` in this table; it may hold any characters.
    pub(super) fn at(&self, part: &str) -> Self {
        self.with(Part::Name(part.into()))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.with(Part::Item(index))
    }

    fn with(&self, part: Part) -> Self {
        Self(self.0.iter().cloned().chain(std::iter::once(part)).collect())
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether `self` is `other` or a table around it.
    pub(super) fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Item(item) => write!(f, "[{item}]")?,
                Part::Name(name) => {
                    f.write_str(if index > 0 { "." } else { "" })?;
                    let is_bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
                    if !name.is_empty() && name.bytes().all(is_bare) {
                        f.write_str(name)?;
                    } else {
                        f.write_str(&quoted(name))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A TOML string on one line. JSON escapes are TOML escapes; only DEL needs one that JSON does without.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A value of a layer.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, as YAML's `~`; the same as if the key were absent.
    Null,
    Table(BTreeMap<String, Node>),
    List(Vec<Node>),
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// What no key takes; holds its name.
    Other(&'static str),
}

impl Value {
    /// What it is, after "found".
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Table(_) => "a table",
            Self::List(_) => "a list",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a string",
            Self::Other(what) => what,
        }
    }
}

/// The value as TOML, in one spelling for one value: `0.40` and `0.4` are the same text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null | Self::Table(_) | Self::Other(_) => f.write_str(self.what()),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.value.to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) if value.abs() >= 1e15 || (*value != 0.0 && value.abs() < 1e-5) => {
                write!(f, "{value:?}")
            }
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(&quoted(value)),
        }
    }
}

/// A value and its place. Flags and variables have none.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(super) key_at: Option<Position>,
    pub(super) value_at: Option<Position>,
    pub(crate) value: Value,
}

impl Node {
    /// The place of the value; the span of a table is its whole body, so its key stands for it.
    pub(crate) fn place(&self) -> Option<Position> {
        if matches!(self.value, Value::Table(_)) { self.key_at.or(self.value_at) } else { self.value_at }
    }
}

/// A layer, read.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) origin: Origin,
    pub(super) root: Node,
}

impl Tree {
    fn of(origin: &Origin, value: Value) -> Self {
        Self { origin: origin.clone(), root: Node { key_at: None, value_at: None, value } }
    }

    /// Reads TOML with all its syntax errors. The tree is empty unless its only errors are duplicate keys, because
    /// after others it is a guess which table a key belongs to.
    pub(crate) fn of_toml(layer: &Layer) -> (Self, Vec<ConfigError>) {
        let lines = Lines::of(&layer.text);
        let (document, found) = DeTable::parse_recoverable(&layer.text);
        let is_usable = found.iter().all(|error| error.message() == "duplicate key");
        let errors = found.iter().map(|error| ConfigError {
            origin: layer.origin.clone(),
            position: Some(lines.position(error.span().map_or(0, |span| span.start))),
            key: String::new(),
            problem: format!("not valid TOML: {}", error.message().replace('\n', ", ")),
        });
        let root = if is_usable { of_table(document.get_ref(), &lines) } else { BTreeMap::new() };
        (Self::of(&layer.origin, Value::Table(root)), errors.collect())
    }

    /// Reads YAML as of version 1.2: `yes` and `off` are words.
    pub(crate) fn of_yaml(layer: &Layer) -> Result<Self, ConfigError> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let root = serde_saphyr::from_str_with_options(&layer.text, options);
        let error = |position, problem| ConfigError {
            origin: layer.origin.clone(),
            position,
            key: String::new(),
            problem,
        };
        let root: Node = root.map_err(|found: serde_saphyr::Error| {
            let words = found.without_snippet().to_string().lines().collect::<Vec<_>>().join(", ");
            let position = found.location().and_then(|at| Position::of_yaml(&at));
            error(position, format!("not valid YAML: {words}"))
        })?;
        match &root.value {
            Value::Table(_) => Ok(Self { origin: layer.origin.clone(), root }),
            Value::Null => Err(error(None, "the policy is empty".to_owned())),
            other => Err(error(root.value_at, format!("expected a table, found {}", other.what()))),
        }
    }

    /// A patch as a layer of one key. A value that is no TOML is taken as text, so that words need no quotes.
    pub(crate) fn of_patch(patch: &Patch) -> Self {
        let value = match DeValue::parse(&patch.value) {
            Ok(value) => of_value(value.get_ref(), &Lines::of("")),
            Err(_) => Value::Text(patch.value.clone()),
        };
        let key = Key::of_dotted(&patch.key);
        let root = key.parts().iter().rev().fold(value, |value, part| match part {
            Part::Name(name) => {
                let node = Node { key_at: None, value_at: None, value };
                Value::Table(BTreeMap::from([(name.to_string(), node)]))
            }
            Part::Item(_) => value,
        });
        Self::of(&patch.origin, root)
    }

    /// The node of a key at the top level.
    pub(crate) fn top(&self, name: &str) -> Option<&Node> {
        self.get(&Key::default().at(name))
    }

    /// Takes the value at a dotted key out; what is not there stays so.
    pub(crate) fn remove(&mut self, dotted: &str) {
        let (table, name) =
            dotted.rsplit_once('.').map_or((None, dotted), |(table, name)| (Some(table), name));
        let mut node = Some(&mut self.root);
        for part in table.into_iter().flat_map(|table| table.split('.')) {
            node = match node.map(|node| &mut node.value) {
                Some(Value::Table(inner)) => inner.get_mut(part),
                _ => None,
            };
        }
        if let Some(Node { value: Value::Table(inner), .. }) = node {
            inner.remove(name);
        }
    }

    /// Takes all keys out.
    pub(crate) fn clear(&mut self) {
        self.root.value = Value::Table(BTreeMap::new());
    }

    /// The node at a key. Nothing is the same as no node.
    pub(super) fn get(&self, key: &Key) -> Option<&Node> {
        self.node(key).filter(|node| !matches!(node.value, Value::Null))
    }

    /// The names in the table at a key.
    pub(super) fn names(&self, key: &Key) -> impl Iterator<Item = (&String, &Node)> {
        match self.node(key).map(|node| &node.value) {
            Some(Value::Table(inner)) => Some(inner),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    fn node(&self, key: &Key) -> Option<&Node> {
        key.parts().iter().try_fold(&self.root, |node, part| match (&node.value, part) {
            (Value::Table(inner), Part::Name(name)) => inner.get(&**name),
            (Value::List(items), Part::Item(index)) => items.get(*index),
            _ => None,
        })
    }
}

fn of_table(table: &DeTable<'_>, lines: &Lines<'_>) -> BTreeMap<String, Node> {
    let node = |(key, value): (&toml::Spanned<DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
        let node = Node {
            key_at: Some(lines.position(key.span().start)),
            value_at: Some(lines.position(value.span().start)),
            value: of_value(value.get_ref(), lines),
        };
        (key.get_ref().clone().into_owned(), node)
    };
    table.iter().map(node).collect()
}

/// The parser has refused what nests too deep for a recursion.
fn of_value(value: &DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::Table(table) => Value::Table(of_table(table, lines)),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node {
                    key_at: None,
                    value_at: Some(lines.position(item.span().start)),
                    value: of_value(item.get_ref(), lines),
                })
                .collect(),
        ),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::Other("an integer beyond 64 bits"),
        },
        DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
            // Negative zero becomes zero.
            Ok(value) => Value::Float(value + 0.0),
            Err(_) => Value::Other("a float that cannot be read"),
        },
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Datetime(_) => Value::Other("a date or time"),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Value>::deserialize(deserializer)?;
        let value_at = Position::of_yaml(&spanned.referenced);
        Ok(Self { key_at: None, value_at, value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
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
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<Node>()? {
            let name = match key.value {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Boolean(is) => is.to_string(),
                other => return Err(A::Error::custom(format!("{} cannot be a key", other.what()))),
            };
            let node = Node { key_at: key.value_at, ..map.next_value()? };
            if entries.insert(name, node).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Table(entries))
    }
}

/// The line starts of a text, found once.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The place of a byte offset; one beyond the end counts as the end.
    fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        // Continuation bytes of UTF-8 are 0b10xxxxxx; every other byte starts a character.
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let position = Lines::of(text).position(offset);
        (position.line, position.column)
    }

    #[test]
    fn lines_and_columns_are_counted_from_one() {
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(at("ab\ncd", 0), (1, 1));
        assert_eq!(at("ab\ncd", 2), (1, 3));
        assert_eq!(at("ab\ncd", 3), (2, 1));
        assert_eq!(at("ab\r\ncd", 5), (2, 2));
        assert_eq!(at("ab\n", 3), (2, 1));
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert_eq!(at("ä = 1", "ä = ".len()), (1, 5));
        assert_eq!(at("x\n€€ = 1", 2 + "€€ = ".len()), (2, 6));
    }

    #[test]
    fn an_offset_beyond_the_end_is_the_end() {
        assert_eq!(at("ab", 99), (1, 3));
    }

    fn yaml(text: &str) -> Result<Node, ConfigError> {
        let layer = Layer { origin: Origin::File("p.yaml".to_owned()), text: text.to_owned() };
        Tree::of_yaml(&layer).map(|tree| tree.root)
    }

    #[test]
    fn yaml_values_know_their_place() {
        let tree = yaml("a: 1\nb:\n  - x\n  - {c: 2.5, d: true}\n").expect("YAML");
        let Value::Table(entries) = tree.value else { panic!("a mapping") };
        assert_eq!(entries["b"].key_at, Some(Position { line: 2, column: 1 }));
        let Value::List(items) = &entries["b"].value else { panic!("a list") };
        assert_eq!(items[0].value_at, Some(Position { line: 3, column: 5 }));
        let Value::Table(inner) = &items[1].value else { panic!("a mapping") };
        assert_eq!(inner["d"].key_at, Some(Position { line: 4, column: 14 }));
        assert!(matches!(inner["d"].value, Value::Boolean(true)));
    }

    #[test]
    fn quoted_numbers_and_old_booleans_are_yaml_strings() {
        let tree = yaml("a: \"1.0\"\nb: yes\nc: 0\nd: ~\n").expect("YAML");
        let Value::Table(entries) = tree.value else { panic!("a mapping") };
        let what: Vec<&str> = entries.values().map(|node| node.value.what()).collect();
        assert_eq!(what, ["a string", "a string", "an integer", "nothing"]);
    }

    #[test]
    fn what_is_no_yaml_is_reported_with_its_place() {
        for (text, line) in [("a: [1\nb: 2\n", 2), ("a: 1\na: 2\n", 2), ("a: 1\n b: 2\n", 2)] {
            let error = yaml(text).expect_err(text);
            let at = error.position.expect("a place");
            assert!(at.line >= line - 1 && !error.problem.contains('\n'), "{error}");
        }
    }
}
