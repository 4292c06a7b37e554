//! Takes the keys of a mapping one by one and notes what is wrong, so that all errors are told at once. Knows no
//! key by name.

use std::fmt;

use super::super::yaml::{Entry, Node, Place, Value};
use crate::core::spelling::did_you_mean;

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where. Line 0 = the file as a whole.
    pub at: Place,
    /// The key, with the keys around it; empty for the file as a whole.
    pub key: String,
    /// What is wrong and what is expected.
    pub words: String,
}

/// Everything that is wrong with a policy, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file, as it was named.
    pub file: String,
    /// The problems, at least one.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { at, key, words }) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "`{}`", self.file)?;
            if at.line > 0 {
                write!(f, ":{}:{}", at.line, at.column)?;
            }
            if !key.is_empty() {
                write!(f, ": `{key}`")?;
            }
            write!(f, ": {words}")?;
        }
        Ok(())
    }
}

/// What came to light so far.
#[derive(Debug, Default)]
pub(super) struct Notes(pub(super) Vec<Problem>);

impl Notes {
    /// Notes a problem.
    pub(super) fn note(&mut self, at: Place, key: &str, words: impl Into<String>) {
        self.0.push(Problem { at, key: key.to_owned(), words: words.into() });
    }
}

/// A mapping whose keys are taken.
pub(super) struct Fields<'n> {
    pub(super) path: String,
    pub(super) at: Place,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Of a node that must be a mapping; nothing there counts as an empty one.
    pub(super) fn of(node: &'n Node, path: &str, notes: &mut Notes) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            other => {
                notes.note(node.at, path, format!("expected a mapping, found {}", other.what()));
                return None;
            }
        };
        Some(Self { path: path.to_owned(), at: node.at, entries, asked: Vec::new() })
    }

    /// The whole name of a key in here.
    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A value that may be absent or null.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        let found = self.entries.iter().find(|entry| entry.key == key)?;
        (!matches!(found.node.value, Value::Null)).then_some(&found.node)
    }

    /// A value, read by a function whose error is noted.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        notes: &mut Notes,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.get(key)?;
        match read(&node.value) {
            Ok(value) => Some(value),
            Err(words) => {
                notes.note(node.at, &self.name(key), words);
                None
            }
        }
    }

    /// A value that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        notes: &mut Notes,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if self.get(key).is_none() {
            let path = self.name(key);
            notes.note(self.at, &path, "is missing");
            return None;
        }
        self.read(key, notes, read)
    }

    /// A mapping in here.
    pub(super) fn fields(&mut self, key: &'static str, notes: &mut Notes) -> Option<Fields<'n>> {
        let node = self.get(key)?;
        Fields::of(node, &self.name(key), notes)
    }

    /// The items of a list in here; none where there is no list.
    pub(super) fn list(&mut self, key: &'static str, notes: &mut Notes) -> Vec<(String, &'n Node)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let name = self.name(key);
        match &node.value {
            Value::List(items) => {
                items.iter().enumerate().map(|(index, item)| (format!("{name}[{index}]"), item)).collect()
            }
            other => {
                notes.note(node.at, &name, format!("expected a list, found {}", other.what()));
                Vec::new()
            }
        }
    }

    /// All entries, for a mapping whose names are free.
    pub(super) fn all(&self) -> &'n [Entry] {
        self.entries
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, notes: &mut Notes) {
        for entry in self.entries {
            if !self.asked.contains(&entry.key.as_str()) {
                let near = did_you_mean(&entry.key, self.asked.iter().copied());
                notes.note(entry.at, &self.name(&entry.key), format!("unknown key{near}"));
            }
        }
    }
}

/// A text that is not empty.
pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.clone()),
        Value::Text(_) => Err("is empty".to_owned()),
        other => Err(format!("expected a text, found {}", other.what())),
    }
}

/// A text that may be empty.
pub(super) fn words(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        other => Err(format!("expected a text, found {}", other.what())),
    }
}

/// True or false.
pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => Err(format!("expected true or false, found {}", other.what())),
    }
}

/// A number within bounds.
pub(super) fn number(lowest: f64, highest: f64) -> impl Fn(&Value) -> Result<f64, String> {
    move |value| {
        let number = match value {
            Value::Integer(number) => *number as f64,
            Value::Float(number) => *number,
            other => return Err(format!("expected a number, found {}", other.what())),
        };
        if number >= lowest && number <= highest {
            Ok(number)
        } else {
            Err(format!("is {number}, expected {lowest} to {highest}"))
        }
    }
}

/// A whole number within bounds.
pub(super) fn whole(lowest: u32, highest: u32) -> impl Fn(&Value) -> Result<u32, String> {
    move |value| match value {
        Value::Integer(number) => match u32::try_from(*number) {
            Ok(number) if number >= lowest && number <= highest => Ok(number),
            _ => Err(format!("is {number}, expected {lowest} to {highest}")),
        },
        other => Err(format!("expected a whole number, found {}", other.what())),
    }
}

/// Texts, none of them empty.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(items) => items.iter().map(|item| text(&item.value)).collect(),
        other => Err(format!("expected a list of texts, found {}", other.what())),
    }
}
