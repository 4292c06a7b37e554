//! Asks layers for keys, and remembers every question: the topmost layer that has a key gives its value. Knows no key.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::core::text::closest;
use crate::core::verdict::LimitSource;

use super::error::{ConfigError, ConfigErrors, Effective, Origin, PRINTED, Position};
use super::tree::{Key, Node, Part, Tree, Value};
use super::values::{self, Parsed};

/// There is no usable value, and the reader has noted why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted;

/// A value, unless an error was noted in its place.
pub(crate) type Read<T> = Result<T, Noted>;

/// Values that may be taken out, unless one was noted as wrong; each is read before one ends it.
pub(crate) fn all<T>(items: impl IntoIterator<Item = Read<Option<T>>>) -> Read<Vec<T>> {
    let items: Vec<Read<Option<T>>> = items.into_iter().collect();
    Ok(items.into_iter().collect::<Read<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The layers, lowest first, and what came to light while asking them. `C` is what readers of tables need to know of
/// the rest of the configuration.
pub(crate) struct Reader<C = ()> {
    trees: Vec<Tree>,
    notes: RefCell<Notes>,
    known: C,
}

#[derive(Default)]
struct Notes {
    /// Keys of values.
    asked: BTreeSet<Key>,
    /// Keys of tables whose names are free, and of items of lists.
    tables: BTreeSet<Key>,
    effective: BTreeMap<Key, Effective>,
    errors: Vec<(usize, ConfigError)>,
}

impl<C: Default> Reader<C> {
    pub(crate) fn new(trees: Vec<Tree>) -> Self {
        Self { trees, notes: RefCell::default(), known: C::default() }
    }
}

impl<C> Reader<C> {
    pub(crate) fn root(&self) -> Table<'_, C> {
        Table { reader: self, key: Key::default(), defaults: None }
    }

    /// An error at a place of a layer.
    fn note(&self, layer: usize, position: Option<Position>, key: &Key, problem: String) -> Noted {
        let origin = self.trees[layer].origin.clone();
        let error = ConfigError { origin, position, key: key.to_string(), problem };
        self.notes.borrow_mut().errors.push((layer, error));
        Noted
    }

    fn topmost<'t, T>(&'t self, get: impl Fn(&'t Tree) -> Option<T>) -> Option<(usize, T)> {
        self.trees.iter().enumerate().rev().find_map(|(layer, tree)| get(tree).map(|value| (layer, value)))
    }

    /// The values in force, sorted by key, or everything that is wrong: `errors` of layers, what was noted, and the
    /// keys that are unknown.
    pub(crate) fn finish(self, errors: Vec<(usize, ConfigError)>) -> Result<Vec<Effective>, ConfigErrors> {
        for (layer, tree) in self.trees.iter().enumerate() {
            self.note_unknown(layer, &Key::default(), &tree.root);
        }
        let Notes { effective, errors: mut found, .. } = self.notes.into_inner();
        found.extend(errors);
        if found.is_empty() {
            let mut effective: Vec<Effective> = effective.into_values().collect();
            effective.sort_by(|a, b| a.key.cmp(&b.key));
            return Ok(effective);
        }
        found.sort_by(|(layer_a, a), (layer_b, b)| {
            (layer_a, a.position, &a.key, &a.problem).cmp(&(layer_b, b.position, &b.key, &b.problem))
        });
        found.dedup();
        Err(ConfigErrors(found.into_iter().map(|(_, error)| error).collect()))
    }

    fn note_unknown(&self, layer: usize, key: &Key, node: &Node) {
        let notes = self.notes.borrow();
        if notes.asked.contains(key) {
            return;
        }
        let contains_any =
            |known: &BTreeSet<Key>| known.range(key..).next().is_some_and(|first| key.contains(first));
        let at = node.key_at.or(node.value_at);
        if !contains_any(&notes.asked) && !contains_any(&notes.tables) {
            let length = key.parts().len();
            let known = notes.asked.iter().chain(&notes.tables).filter(|known| known.parts().len() >= length);
            // Each error costs a walk over all known keys; after so many the first ones are the ones to mend.
            let known: Vec<String> = if notes.errors.len() < PRINTED {
                known.map(|known| known.first(length).to_string()).collect()
            } else {
                Vec::new()
            };
            let near = closest(&key.to_string(), known.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
            drop(notes);
            self.note(layer, at, key, format!("unknown key{hint}"));
            return;
        }
        let is_list = notes.tables.contains(&key.item(0));
        drop(notes);
        match &node.value {
            Value::Table(inner) => {
                for (name, node) in inner {
                    self.note_unknown(layer, &key.at(name), node);
                }
            }
            Value::List(items) if is_list => {
                for (index, node) in items.iter().enumerate() {
                    self.note_unknown(layer, &key.item(index), node);
                }
            }
            Value::Null => {}
            other => {
                self.note(layer, at, key, format!("expected a table, found {}", other.what()));
            }
        }
    }
}

/// A table at a key, through all layers.
pub(crate) struct Table<'r, C = ()> {
    reader: &'r Reader<C>,
    key: Key,
    /// The table that has what this one lacks of some keys.
    defaults: Option<(Key, &'static [&'static str])>,
}

impl<'r, C> Table<'r, C> {
    fn with_key(&self, key: Key) -> Self {
        Self { reader: self.reader, key, defaults: None }
    }

    pub(crate) fn root(&self) -> Self {
        self.reader.root()
    }

    /// The table `name` in this one.
    pub(crate) fn at(&self, name: &str) -> Self {
        self.with_key(self.key.at(name))
    }

    /// This table, with these keys of another one where it lacks them.
    pub(crate) fn over(&self, defaults: &Self, names: &'static [&'static str]) -> Self {
        Self { reader: self.reader, key: self.key.clone(), defaults: Some((defaults.key.clone(), names)) }
    }

    pub(crate) fn known(&self) -> &'r C {
        &self.reader.known
    }

    /// The last part of the key.
    pub(crate) fn name(&self) -> String {
        match self.key.parts().last() {
            Some(Part::Name(name)) => name.to_string(),
            _ => String::new(),
        }
    }

    /// The dotted key.
    pub(crate) fn path(&self) -> String {
        self.key.to_string()
    }

    /// Where a key of this table, or else of its defaults, is.
    fn find(&self, name: &str) -> (Key, Option<(usize, &'r Node)>) {
        let key = self.key.at(name);
        let found = self.reader.topmost(|tree| tree.get(&key));
        match &self.defaults {
            Some((defaults, names)) if found.is_none() && names.contains(&name) => {
                let key = defaults.at(name);
                let found = self.reader.topmost(|tree| tree.get(&key));
                (key, found)
            }
            _ => (key, found),
        }
    }

    /// The value of a key as it is, without asking for it.
    pub(crate) fn peek(&self, name: &str) -> Option<&'r Value> {
        self.find(name).1.map(|(_, node)| &node.value)
    }

    /// Whether any layer has a key.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).1.is_some()
    }

    /// A value that may be absent.
    pub(crate) fn optional<T>(&self, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Read<Option<T>> {
        let (key, found) = self.find(name);
        self.reader.notes.borrow_mut().asked.extend([self.key.at(name), key.clone()]);
        let Some((_, node)) = found else { return Ok(None) };
        let value = parse(&node.value).map_err(|problem| self.fault_at(name, problem))?;
        let LimitSource { key: path, origin } = self.source_of(name);
        let entry = Effective { key: path, value: node.value.to_string(), origin };
        self.reader.notes.borrow_mut().effective.insert(key, entry);
        Ok(Some(value))
    }

    /// A value that must be there.
    pub(crate) fn required<T>(&self, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Read<T> {
        if let Some(found) = self.optional(name, &parse)? {
            return Ok(found);
        }
        let expected = parse(&Value::Null).err().unwrap_or_default();
        let expected = expected.strip_suffix(", found nothing").unwrap_or(&expected);
        Err(self.fault_at(name, format!("is missing, {expected}")))
    }

    /// A value, or the usual one.
    pub(crate) fn or<T>(&self, name: &str, parse: impl Fn(&Value) -> Parsed<T>, usual: T) -> Read<T> {
        Ok(self.optional(name, parse)?.unwrap_or(usual))
    }

    /// The usable value of a key in the topmost file that has it, or in the built-in policy.
    pub(crate) fn of_files<T>(&self, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Option<T> {
        let key = self.key.at(name);
        let mut files = self.reader.trees.iter().rev().filter(|tree| tree.origin.is_a_file());
        parse(&files.find_map(|tree| tree.get(&key))?.value).ok()
    }

    /// The usable value of a key in the built-in policy.
    pub(crate) fn of_built_in<T>(&self, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Option<T> {
        let key = self.key.at(name);
        let mut built_in = self.reader.trees.iter().rev().filter(|tree| tree.origin.is_built_in());
        parse(&built_in.find_map(|tree| tree.get(&key))?.value).ok()
    }

    /// Where the value in force comes from.
    pub(crate) fn origin(&self, name: &str) -> Option<&'r Origin> {
        self.find(name).1.map(|(layer, _)| &self.reader.trees[layer].origin)
    }

    pub(crate) fn is_built_in(&self, name: &str) -> bool {
        self.origin(name).is_some_and(Origin::is_built_in)
    }

    pub(crate) fn is_of_a_file(&self, name: &str) -> bool {
        self.origin(name).is_some_and(Origin::is_a_file)
    }

    /// Where a value comes from, for those who read a verdict.
    pub(crate) fn source_of(&self, name: &str) -> LimitSource {
        let (key, found) = self.find(name);
        self.source_at(&key, found.map(|(layer, node)| (layer, node.place())))
    }

    /// Where this table first comes from.
    pub(crate) fn source(&self) -> LimitSource {
        let layers = self.reader.trees.iter().enumerate();
        let mut found = layers.filter_map(|(layer, tree)| Some((layer, tree.get(&self.key)?.key_at)));
        self.source_at(&self.key, found.next())
    }

    fn source_at(&self, key: &Key, found: Option<(usize, Option<Position>)>) -> LimitSource {
        let origin =
            found.map_or_else(String::new, |(layer, at)| match (&self.reader.trees[layer].origin, at) {
                (Origin::File(path), Some(at)) => format!("{path}:{}", at.line),
                (origin, _) => origin.to_string(),
            });
        LimitSource { key: key.to_string(), origin }
    }

    /// The tables in this one, whose names are free, in the order in which they first stand in the layers.
    pub(crate) fn entries(&self) -> Vec<Self> {
        let mut first = BTreeMap::new();
        for (layer, tree) in self.reader.trees.iter().enumerate() {
            for (name, node) in tree.names(&self.key) {
                first.entry(name).or_insert((layer, node.key_at));
            }
        }
        let mut names: Vec<_> = first.into_iter().collect();
        names.sort_by_key(|(_, place)| *place);
        let entries: Vec<Self> = names.into_iter().map(|(name, _)| self.at(name)).collect();
        let mut notes = self.reader.notes.borrow_mut();
        notes.tables.insert(self.key.clone());
        notes.tables.extend(entries.iter().map(|entry| entry.key.clone()));
        entries
    }

    /// One value for each table in this one; those with `enabled = false` are read and left out.
    pub(crate) fn each<T>(&self, mut read: impl FnMut(&Self) -> Read<T>) -> Read<Vec<T>> {
        all(self.entries().iter().filter(|entry| !entry.is_only_off()).map(|entry| {
            let (value, is_on) = (read(entry), entry.enabled());
            let value = value?;
            Ok(is_on?.then_some(value))
        }))
    }

    /// Whether the table says nothing but `enabled = false`.
    pub(crate) fn is_only_off(&self) -> bool {
        let mut names = self.reader.trees.iter().flat_map(|tree| tree.names(&self.key));
        names.all(|(name, _)| name == "enabled") && self.enabled().is_ok_and(|is_on| !is_on)
    }

    /// The tables in this one, where each does no more than take something out that is not in this one; `None` = one says
    /// more.
    pub(crate) fn only_taken_out(&self) -> Option<Vec<Self>> {
        Some(self.entries()).filter(|entries| entries.iter().all(Self::is_only_off))
    }

    /// Whether the table is in force; `enabled = false` takes it out.
    pub(crate) fn enabled(&self) -> Read<bool> {
        self.or("enabled", values::switch, true)
    }

    /// The items of a list of tables; none where there is no list.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        let key = self.key.at(name);
        self.reader.notes.borrow_mut().tables.insert(key.clone());
        let Some((_, node)) = self.reader.topmost(|tree| tree.get(&key)) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.reader.notes.borrow_mut().asked.insert(key);
            self.fault_at(name, format!("expected a list, found {}", node.value.what()));
            return Vec::new();
        };
        let items: Vec<Self> = (0..items.len()).map(|index| self.with_key(key.item(index))).collect();
        let mut notes = self.reader.notes.borrow_mut();
        notes.tables.extend(items.iter().map(|item| item.key.clone()));
        if items.is_empty() {
            notes.asked.insert(key);
        }
        items
    }

    /// The key of these that the topmost layer with any of them has, by its place; the others are not in force.
    pub(crate) fn one_of(&self, names: &[&str]) -> Read<Option<usize>> {
        let present = |tree: &Tree| {
            let present = names.iter().enumerate().filter(|(_, name)| tree.get(&self.key.at(name)).is_some());
            let present: Vec<usize> = present.map(|(index, _)| index).collect();
            (!present.is_empty()).then_some(present)
        };
        let Some((_, present)) = self.reader.topmost(present) else { return Ok(None) };
        if present.len() > 1 {
            let has = if names.len() > 2 { "more than one of" } else { "both" };
            return Err(self.fault(format!("has {has} {}; expected one of them", values::and(names))));
        }
        let others = names.iter().enumerate().filter(|(index, _)| *index != present[0]);
        others.for_each(|(_, name)| self.forget(name));
        Ok(Some(present[0]))
    }

    /// Takes a value out that another key has taken the place of.
    pub(crate) fn forget(&self, name: &str) {
        self.reader.notes.borrow_mut().effective.remove(&self.key.at(name));
    }

    /// Takes everything in this table for known: it has been dealt with.
    pub(crate) fn settle(&self) {
        self.reader.notes.borrow_mut().asked.insert(self.key.clone());
    }

    /// An error about the value of a key, or about its absence.
    pub(crate) fn fault_at(&self, name: &str, problem: impl Into<String>) -> Noted {
        let (key, found) = self.find(name);
        // A user can change what is above a profile, not the profile.
        let is_of_profile = |layer: usize| matches!(self.reader.trees[layer].origin, Origin::Profile(_));
        let of_user = || self.reader.topmost(|tree| tree.get(&self.key));
        match found {
            Some((layer, _)) if is_of_profile(layer) && of_user().is_some_and(|(top, _)| top > layer) => {
                let at = of_user().and_then(|(top, node)| Some((top, node.key_at.or(node.value_at)?)));
                let (layer, at) = at.map_or((layer, None), |(top, at)| (top, Some(at)));
                self.reader.note(layer, at, &key, problem.into())
            }
            Some((layer, node)) => self.reader.note(layer, node.place(), &key, problem.into()),
            None => self.with_key(key).fault(problem),
        }
    }

    /// An error about the table as a whole, or about its absence: where it stands, else the nearest table around it, in
    /// the topmost layer that has it.
    pub(crate) fn fault(&self, problem: impl Into<String>) -> Noted {
        let reader = self.reader;
        let around = (1..=self.key.parts().len()).rev().find_map(|length| {
            let table = self.key.first(length);
            reader
                .topmost(|tree| tree.get(&table))
                .map(|(layer, node)| (layer, node.key_at.or(node.value_at)))
        });
        let (layer, at) = around.unwrap_or((reader.trees.len().saturating_sub(1), Some(Position::START)));
        reader.note(layer, at, &self.key, problem.into())
    }
}

/// What a value becomes in the field that holds it: itself, itself with its source, or absent.
pub(crate) trait Keep<T>: Sized {
    fn keep<C>(t: &Table<'_, C>, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Read<Self>;
}

impl<T> Keep<T> for T {
    fn keep<C>(t: &Table<'_, C>, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Read<Self> {
        t.required(name, parse)
    }
}

impl<T> Keep<T> for Option<T> {
    fn keep<C>(t: &Table<'_, C>, name: &str, parse: impl Fn(&Value) -> Parsed<T>) -> Read<Self> {
        t.optional(name, parse)
    }
}

impl<C> Table<'_, C> {
    /// What a function makes of this table.
    pub(crate) fn apply<T>(&self, function: impl FnOnce(&Self) -> Read<T>) -> Read<T> {
        function(self)
    }
}
