//! The log lines of a run, for machines and for those who search logs:
//! `| area | EVENT | key=value … |`, or one JSON object a line.
//!
//! One event a line. Whatever comes from outside is made printable first, so that no control character and no
//! line break gets through.

mod iteration;
mod run;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::json::compact_ascii;
use super::markdown::printable;
use crate::core::number::{fixed, trimmed};

pub use iteration::{Told, lines};
pub use run::{clock_step, complete, failed, interrupted, resume, start};

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Text; may come from anywhere.
    Text(String),
    /// A number; `None` = not known.
    Number(Option<f64>),
    /// A count.
    Count(u64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Field {
    fn from(number: f64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<f64>> for Field {
    fn from(number: Option<f64>) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Field {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Field {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEvent {
    /// `soak`, `iter_watch`, `guards`, `kpi_gate`, `panic`, `sanity` or `overrides`.
    pub area: &'static str,
    /// What happened, in upper case.
    pub event: &'static str,
    /// The particulars, in the order of the line. Each key once, none is `area` or `event`.
    pub fields: Vec<(&'static str, Field)>,
}

impl LogEvent {
    /// An event without particulars.
    pub fn new(area: &'static str, event: &'static str) -> Self {
        Self { area, event, fields: Vec::new() }
    }

    /// The event with one more field.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Field>) -> Self {
        self.fields.push((key, value.into()));
        self
    }

    /// The event with one more field, if there is a value.
    #[must_use]
    fn with_some(self, key: &'static str, value: Option<impl Into<Field>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// `| area | EVENT | key=value … |`, without a line end. Text that a reader could split is quoted, with a
    /// backslash before quotes and backslashes; a number that is not known is `-`.
    pub fn text(&self) -> String {
        let mut out = format!("| {} | {} |", self.area, self.event);
        for (key, field) in &self.fields {
            let value = written(field);
            let written = write!(out, " {key}={value}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        if !self.fields.is_empty() {
            out.push_str(" |");
        }
        out
    }

    /// The same for a person at a terminal: `start: iterations 24, source sim, seed 7, out out/latest`.
    pub fn words(&self) -> String {
        let plain = |word: &str| word.to_lowercase().replace('_', " ");
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|(key, field)| {
                let value = match field {
                    Field::Text(text) => printable(text),
                    other => written(other),
                };
                format!("{} {value}", plain(key))
            })
            .collect();
        format!("{}: {}", plain(self.event), fields.join(", "))
    }

    /// One JSON object on one line, without a line end: `area`, `event` and the fields side by side. Numbers
    /// are unrounded, and null where they are not known.
    pub fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("area".to_owned(), json!(self.area));
        object.insert("event".to_owned(), json!(self.event));
        for (key, field) in &self.fields {
            let value = match field {
                Field::Text(text) => json!(printable(text)),
                Field::Number(number) => json!(number),
                Field::Count(count) => json!(count),
                Field::Flag(flag) => json!(flag),
            };
            object.insert((*key).to_owned(), value);
        }
        compact_ascii(&Value::Object(object)).trim_end().to_owned()
    }
}

/// A field as it stands in a line.
fn written(field: &Field) -> String {
    match field {
        Field::Text(text) => quoted(text),
        // Zeros at the end say nothing; sums of floats have digits that say nothing either.
        Field::Number(Some(number)) => trimmed(&fixed(*number, 6)).to_owned(),
        Field::Number(None) => "-".to_owned(),
        Field::Count(count) => count.to_string(),
        Field::Flag(flag) => flag.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let text = printable(text);
    let is_plain =
        !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || matches!(c, '|' | '"' | '='));
    if is_plain {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
