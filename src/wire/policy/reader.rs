//! Asks layers for keys: the topmost layer that has a key gives its value, its place and its origin.
//!
//! Remembers every question, so that a key that nobody asked for is an error in the end. Knows no key.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::policy::Effective;
use crate::core::verdict::LimitSource;

use super::error::{PolicyError, PolicyErrors};
use super::positions::Position;
use super::tree::{Key, Node, Tree, Value};
use super::words::closest;

/// Where a value stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) key: Key,
    layer: usize,
    at: Option<Position>,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl<T> Found<T> {
    /// Another value at the same place.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        Found { value: change(self.value), place: self.place }
    }
}

/// There is no usable value, and the reader has noted why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted;

/// A value, unless an error was noted in its place.
pub(super) type Read<T> = Result<T, Noted>;

/// The layers, lowest first, and what came to light while asking them.
pub(super) struct Reader<'t> {
    trees: &'t [Tree],
    /// Keys of values.
    asked: BTreeSet<Key>,
    /// Keys of tables whose names are free.
    tables: BTreeSet<Key>,
    effective: BTreeMap<Key, Effective>,
    errors: Vec<(usize, PolicyError)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(trees: &'t [Tree]) -> Self {
        Self {
            trees,
            asked: BTreeSet::new(),
            tables: BTreeSet::new(),
            effective: BTreeMap::new(),
            errors: Vec::new(),
        }
    }

    /// A value that may be absent.
    pub(super) fn optional<T>(
        &mut self,
        key: &Key,
        parse: impl Fn(&Value) -> Result<T, String>,
    ) -> Read<Option<Found<T>>> {
        self.asked.insert(key.clone());
        let trees = self.trees;
        let Some((layer, node)) = topmost(trees, |tree| tree.get(key)) else { return Ok(None) };
        // The span of a table is its whole body.
        let is_table = matches!(node.value, Value::Table(_));
        let at = if is_table { node.key_at } else { node.value_at };
        let place = Place { key: key.clone(), layer, at };
        match parse(&node.value) {
            Ok(value) => {
                let LimitSource { key: text, origin } = self.source(&place);
                let entry = Effective { key: text, value: node.value.to_string(), origin };
                self.effective.insert(key.clone(), entry);
                Ok(Some(Found { value, place }))
            }
            Err(problem) => Err(self.note(&place, problem)),
        }
    }

    /// A value that must be there; `expected` says what is missing otherwise.
    pub(super) fn required<T>(
        &mut self,
        key: &Key,
        expected: &str,
        parse: impl Fn(&Value) -> Result<T, String>,
    ) -> Read<Found<T>> {
        if let Some(found) = self.optional(key, parse)? {
            return Ok(found);
        }
        let place = self.place_around(key);
        Err(self.note(&place, format!("is missing, expected {expected}")))
    }

    /// The usable value of a key in the topmost file that has it, or in the built-in policy.
    pub(super) fn of_files<T>(&self, key: &Key, parse: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let mut files = self.trees.iter().rev().filter(|tree| tree.origin.is_a_file());
        let node = files.find_map(|tree| tree.get(key))?;
        parse(&node.value).ok()
    }

    /// The usable value of a key in the built-in policy.
    pub(super) fn of_built_in<T>(&self, key: &Key, parse: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let node = self.trees.first().and_then(|tree| tree.get(key))?;
        parse(&node.value).ok()
    }

    /// Whether the value at a place is the one of the built-in policy.
    pub(super) fn is_built_in(&self, place: &Place) -> bool {
        matches!(self.trees[place.layer].origin, super::Origin::BuiltIn)
    }

    /// Whether the value at a place is from a file or the built-in policy.
    pub(super) fn is_of_a_file(&self, place: &Place) -> bool {
        self.trees[place.layer].origin.is_a_file()
    }

    /// Names in a table whose names are free, in the order in which they first stand in the layers.
    pub(super) fn names(&mut self, table: &Key) -> Vec<(String, Place)> {
        self.tables.insert(table.clone());
        let mut first: BTreeMap<&'t str, Place> = BTreeMap::new();
        for (layer, tree) in self.trees.iter().enumerate() {
            for (name, node) in tree.table(table).into_iter().flatten() {
                let place = Place { key: table.at(name), layer, at: node.key_at };
                first.entry(name).or_insert(place);
            }
        }
        let mut names: Vec<(String, Place)> =
            first.into_iter().map(|(name, place)| (name.to_owned(), place)).collect();
        names.sort_by_key(|(_, place)| (place.layer, place.at));
        for (_, place) in &names {
            self.tables.insert(place.key.clone());
        }
        names
    }

    /// The first of these keys that the topmost layer with any of them has, and whether that layer has more.
    pub(super) fn topmost_of(&self, keys: &[Key]) -> (Option<usize>, usize) {
        let counts = self.trees.iter().rev().map(|tree| {
            let present = keys.iter().map(|key| tree.get(key).is_some());
            (present.clone().position(|is| is), present.filter(|is| *is).count())
        });
        counts.into_iter().find(|(first, _)| first.is_some()).unwrap_or((None, 0))
    }

    /// Whether any layer has this key.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.trees.iter().any(|tree| tree.get(key).is_some())
    }

    /// Takes a value back that a layer above has put another key in the place of.
    pub(super) fn drop_effective(&mut self, key: &Key) {
        self.effective.remove(key);
    }

    /// Takes everything at and below a key for known: it has been dealt with.
    pub(super) fn settle(&mut self, key: &Key) {
        self.asked.insert(key.clone());
    }

    /// Notes an error.
    pub(super) fn note(&mut self, place: &Place, problem: String) -> Noted {
        let error = self.error(place, problem);
        self.errors.push((place.layer, error));
        Noted
    }

    /// An error at a place, not noted.
    pub(super) fn error(&self, place: &Place, problem: String) -> PolicyError {
        let origin = self.trees[place.layer].origin.clone();
        PolicyError { origin, position: place.at, key: place.key.to_string(), problem }
    }

    /// Where a value comes from, for those who read a verdict.
    pub(super) fn source(&self, place: &Place) -> LimitSource {
        let origin = self.trees[place.layer].origin.with_line(place.at);
        LimitSource { key: place.key.to_string(), origin }
    }

    /// A place for an error about `key` as a whole, or about its absence: where it stands, else the nearest
    /// table around it, in the topmost layer that has it.
    pub(super) fn place_around(&self, key: &Key) -> Place {
        for length in (1..=key.parts().len()).rev() {
            let table = key.first(length);
            if let Some((layer, node)) = topmost(self.trees, |tree| tree.get(&table)) {
                return Place { key: key.clone(), layer, at: node.key_at };
            }
        }
        let layer = self.trees.len().saturating_sub(1);
        Place { key: key.clone(), layer, at: Some(Position { line: 1, column: 1 }) }
    }

    /// The values in force, by key, or everything that is wrong: what was noted, and the keys that are unknown.
    pub(super) fn finish(
        mut self,
        others: Vec<(usize, PolicyError)>,
    ) -> Result<Vec<Effective>, PolicyErrors> {
        for (layer, tree) in self.trees.iter().enumerate() {
            for (name, node) in &tree.root {
                self.note_unknown(layer, &Key::root(name), node);
            }
        }
        self.errors.extend(others);
        if self.errors.is_empty() {
            let mut effective: Vec<Effective> = self.effective.into_values().collect();
            effective.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(effective)
        } else {
            Err(PolicyErrors::sorted(self.errors))
        }
    }

    fn note_unknown(&mut self, layer: usize, key: &Key, node: &Node) {
        if self.asked.contains(key) {
            return;
        }
        let place = Place { key: key.clone(), layer, at: node.key_at };
        let holds_any =
            |known: &BTreeSet<Key>| known.range(key..).next().is_some_and(|first| key.holds(first));
        if !holds_any(&self.asked) && !holds_any(&self.tables) {
            let length = key.parts().len();
            let known = self.asked.iter().chain(&self.tables);
            let known: Vec<String> =
                known.filter(|k| k.parts().len() >= length).map(|k| k.first(length).to_string()).collect();
            // Each error costs a walk over all known keys; after so many the first ones are the ones to mend.
            let near = if self.errors.len() < 50 {
                closest(&key.to_string(), known.iter().map(String::as_str))
            } else {
                None
            };
            let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
            self.note(&place, format!("unknown key{hint}"));
            return;
        }
        match &node.value {
            Value::Table(inner) => {
                for (name, node) in inner {
                    self.note_unknown(layer, &key.at(name), node);
                }
            }
            other => {
                self.note(&place, format!("expected a table, found {}", other.what()));
            }
        }
    }
}

fn topmost<'t, T>(trees: &'t [Tree], get: impl Fn(&'t Tree) -> Option<T>) -> Option<(usize, T)> {
    trees.iter().enumerate().rev().find_map(|(layer, tree)| get(tree).map(|value| (layer, value)))
}
