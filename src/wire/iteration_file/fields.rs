//! Fields of a JSON tree with the path to them, so that an error names the key that is damaged.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::DamagedRecord;
use crate::core::params::{ParamName, ParamValues};

type Result<T> = std::result::Result<T, DamagedRecord>;

/// An object and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    path: String,
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn wrong(key: &str, value: &Value, expected: &'static str) -> DamagedRecord {
    DamagedRecord::Wrong { key: key.to_owned(), found: kind(value), expected }
}

impl<'v> Fields<'v> {
    pub(super) fn top(value: &'v Value) -> Result<Self> {
        Self::at(value, String::new())
    }

    fn at(value: &'v Value, path: String) -> Result<Self> {
        match value.as_object() {
            Some(map) => Ok(Self { map, path }),
            None if path.is_empty() => Err(wrong("iteration file", value, "an object")),
            None => Err(wrong(&path, value, "an object")),
        }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &str) -> Result<&'v Value> {
        self.map.get(key).ok_or_else(|| DamagedRecord::Missing { key: self.path_of(key) })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Something that is there, of the type that `take` knows.
    fn required<T>(
        &self,
        key: &str,
        expected: &'static str,
        take: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<T> {
        let value = self.get(key)?;
        take(value).ok_or_else(|| wrong(&self.path_of(key), value, expected))
    }

    /// The same or null.
    fn optional<T>(
        &self,
        key: &str,
        expected: &'static str,
        take: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.get(key)? {
            Value::Null => Ok(None),
            value => take(value).ok_or_else(|| wrong(&self.path_of(key), value, expected)).map(Some),
        }
    }

    pub(super) fn object(&self, key: &str) -> Result<Self> {
        Self::at(self.get(key)?, self.path_of(key))
    }

    pub(super) fn optional_object(&self, key: &str) -> Result<Option<Self>> {
        match self.get(key)? {
            Value::Null => Ok(None),
            value => Self::at(value, self.path_of(key)).map(Some),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<&'v str> {
        self.required(key, "text", Value::as_str)
    }

    pub(super) fn optional_text(&self, key: &str) -> Result<Option<String>> {
        self.optional(key, "text", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        self.required(key, "a boolean", Value::as_bool)
    }

    pub(super) fn whole(&self, key: &str) -> Result<u64> {
        self.required(key, "a whole number from 0", Value::as_u64)
    }

    pub(super) fn optional_whole(&self, key: &str) -> Result<Option<u64>> {
        self.optional(key, "a whole number from 0", Value::as_u64)
    }

    pub(super) fn number(&self, key: &str) -> Result<f64> {
        self.required(key, "a number", Value::as_f64)
    }

    pub(super) fn optional_number(&self, key: &str) -> Result<Option<f64>> {
        self.optional(key, "a number", Value::as_f64)
    }

    pub(super) fn time(&self, key: &str) -> Result<DateTime<Utc>> {
        let text = self.text(key)?;
        let time = DateTime::parse_from_rfc3339(text);
        time.map(|time| time.to_utc()).map_err(|_| self.unknown(key, text, "an RFC 3339 time"))
    }

    /// A text that must be a word we know.
    pub(super) fn unknown(&self, key: &str, found: &str, expected: &'static str) -> DamagedRecord {
        DamagedRecord::Unknown { key: self.path_of(key), found: found.to_owned(), expected }
    }

    /// The word `all` has for the text; null is `None`.
    pub(super) fn optional_word<T: Copy>(
        &self,
        key: &str,
        all: impl IntoIterator<Item = T>,
        word: impl Fn(T) -> &'static str,
        expected: &'static str,
    ) -> Result<Option<T>> {
        let Some(text) = self.optional(key, "text", Value::as_str)? else { return Ok(None) };
        all.into_iter()
            .find(|one| word(*one) == text)
            .map(Some)
            .ok_or_else(|| self.unknown(key, text, expected))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>> {
        self.list(key)?
            .into_iter()
            .map(|(path, value)| value.as_str().map(str::to_owned).ok_or_else(|| wrong(&path, value, "text")))
            .collect()
    }

    pub(super) fn numbers_list(&self, key: &str) -> Result<Vec<f64>> {
        self.list(key)?
            .into_iter()
            .map(|(path, value)| value.as_f64().ok_or_else(|| wrong(&path, value, "a number")))
            .collect()
    }

    pub(super) fn objects(&self, key: &str) -> Result<Vec<Self>> {
        self.list(key)?.into_iter().map(|(path, value)| Self::at(value, path)).collect()
    }

    fn list(&self, key: &str) -> Result<Vec<(String, &'v Value)>> {
        let list = self.required(key, "a list", Value::as_array)?;
        let path = self.path_of(key);
        Ok(list.iter().enumerate().map(|(at, value)| (format!("{path}[{at}]"), value)).collect())
    }

    /// The keys of this object.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'v String> + use<'v> {
        self.map.keys()
    }

    pub(super) fn numbers(&self, key: &str) -> Result<BTreeMap<String, f64>> {
        let object = self.object(key)?;
        object.keys().map(|name| Ok((name.clone(), object.number(name)?))).collect()
    }

    pub(super) fn wholes(&self, key: &str) -> Result<BTreeMap<String, u64>> {
        let object = self.object(key)?;
        object.keys().map(|name| Ok((name.clone(), object.whole(name)?))).collect()
    }

    pub(super) fn texts_by_name(&self, key: &str) -> Result<BTreeMap<String, String>> {
        let object = self.object(key)?;
        object.keys().map(|name| Ok((name.clone(), object.text(name)?.to_owned()))).collect()
    }

    pub(super) fn params(&self, key: &str) -> Result<ParamValues> {
        let object = self.object(key)?;
        let pairs: Result<Vec<_>> =
            object.keys().map(|name| Ok((ParamName::flat(name), object.number(name)?))).collect();
        pairs.map(ParamValues::new)
    }
}
