//! A layer as a tree of values that know their place. Knows TOML, and nothing of what keys mean.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::PolicyError;
use super::positions::{Lines, Position};
use super::{Layer, Origin, Patch};

/// A dotted key, as its parts. Cheap to clone: a policy has hundreds of keys, and each is noted in several places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Rc<[Rc<str>]>);

impl Key {
    /// From a key whose parts need no quotes. No key of the policy has more than five parts, so what has
    /// sixteen is unknown whatever follows.
    pub(super) fn new(dotted: &str) -> Self {
        Self(dotted.splitn(16, '.').map(Rc::from).collect())
    }

    /// A key at the top level; `part` may hold any characters.
    pub(super) fn root(part: &str) -> Self {
        Self(Rc::from([Rc::from(part)]))
    }

    /// The first so many parts.
    pub(super) fn first(&self, length: usize) -> Self {
        Self(Rc::from(&self.0[..length.min(self.0.len())]))
    }

    /// The key `part` in this table.
    pub(super) fn at(&self, part: &str) -> Self {
        Self(self.0.iter().cloned().chain(std::iter::once(Rc::from(part))).collect())
    }

    pub(super) fn parts(&self) -> &[Rc<str>] {
        &self.0
    }

    /// Whether `self` is `other` or a table around it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            let bare =
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if bare { f.write_str(part)? } else { f.write_str(&quoted(part))? }
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
pub(super) enum Value {
    Table(BTreeMap<String, Node>),
    List(Vec<Value>),
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// What no key of the policy takes; holds its name.
    Other(&'static str),
}

impl Value {
    /// What it is, to stand after "found".
    pub(super) fn what(&self) -> &'static str {
        match self {
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
            Self::Table(_) | Self::Other(_) => f.write_str(self.what()),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
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

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) key_at: Option<Position>,
    pub(super) value_at: Option<Position>,
    pub(super) value: Value,
}

/// A layer, read.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) origin: Origin,
    pub(super) root: BTreeMap<String, Node>,
}

impl Tree {
    /// Reads a layer. All syntax errors are told; only of a text whose sole errors are duplicate keys is the
    /// tree of use, because after others it is a guess which table a key belongs to.
    pub(super) fn of_layer(layer: &Layer) -> (Option<Self>, Vec<PolicyError>) {
        let lines = Lines::of(&layer.text);
        let error = |position, problem: String| PolicyError {
            origin: layer.origin.clone(),
            position: Some(position),
            key: String::new(),
            problem,
        };
        let (document, found) = DeTable::parse_recoverable(&layer.text);
        let mut usable = true;
        let mut errors = Vec::new();
        for found in found {
            let at = lines.position(found.span().map_or(0, |span| span.start));
            usable &= found.message() == "duplicate key";
            errors.push(error(at, format!("not valid TOML: {}", found.message().replace('\n', ", "))));
        }
        if !usable {
            return (None, errors);
        }
        let root = convert_table(document.get_ref(), &lines);
        (Some(Self { origin: layer.origin.clone(), root }), errors)
    }

    /// A patch as a layer of one key. A value that is no TOML is taken as text, so that words need no quotes.
    pub(super) fn of_patch(patch: &Patch) -> Self {
        let value = match DeValue::parse(&patch.value) {
            Ok(value) => convert(value.get_ref(), &Lines::of("")),
            Err(_) => Value::Text(patch.value.clone()),
        };
        let leaf = Node { key_at: None, value_at: None, value };
        let key = Key::new(&patch.key);
        let mut parts = key.parts().iter().rev().map(ToString::to_string);
        let last = parts.next().unwrap_or_default();
        let root = parts.fold(BTreeMap::from([(last, leaf)]), |inner, part| {
            BTreeMap::from([(part, Node { key_at: None, value_at: None, value: Value::Table(inner) })])
        });
        Self { origin: patch.origin.clone(), root }
    }

    /// The node at a key.
    pub(super) fn get(&self, key: &Key) -> Option<&Node> {
        let (last, tables) = key.parts().split_last()?;
        let mut table = &self.root;
        for part in tables {
            match &table.get(&**part)?.value {
                Value::Table(inner) => table = inner,
                _ => return None,
            }
        }
        table.get(&**last)
    }

    /// The table at a key, if it is one.
    pub(super) fn table(&self, key: &Key) -> Option<&BTreeMap<String, Node>> {
        match &self.get(key)?.value {
            Value::Table(inner) => Some(inner),
            _ => None,
        }
    }
}

fn convert_table(table: &DeTable<'_>, lines: &Lines<'_>) -> BTreeMap<String, Node> {
    let node = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let node = Node {
            key_at: Some(lines.position(key.span().start)),
            value_at: Some(lines.position(value.span().start)),
            value: convert(value.get_ref(), lines),
        };
        (key.get_ref().clone().into_owned(), node)
    };
    table.iter().map(node).collect()
}

/// The parser has refused what nests too deep for a recursion.
fn convert(value: &DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::Table(table) => Value::Table(convert_table(table, lines)),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| convert(item.get_ref(), lines)).collect())
        }
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
