//! `EDGE_REPORT.json`: `totals` (or `total`) and `runtime` are read from a stream, in constant memory, wherever
//! in the file they stand; all the rest is checked for syntax and forgotten.
//!
//! Nested totals get dotted keys (`fills.maker_count`). What is there without a usable number is kept as known
//! to be missing; what is malformed beside the numbers is a note, because the numbers are still good.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read as IoRead;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess};

use super::read::{Key, Read, Seen, Shape, drain_list, drain_object, duplicate};
use super::stream::marked;
use super::told::{Told, shortened};
use crate::core::judge::edge_report::Totals;
use crate::core::run::edge_report::EdgeReport;

/// Longest dotted key in segments. Objects below are not looked into.
const DEEPEST_KEY: usize = 4;
/// Most keys of totals, those of nested objects included.
const MOST_KEYS: usize = 4096;
/// Longest key of totals, bytes of one segment.
const LONGEST_KEY: usize = 256;
/// Most drivers that are kept.
const MOST_DRIVERS: usize = 100;

/// Reads a report. `None` when it has no totals.
pub fn read(input: impl IoRead) -> Result<Option<EdgeReport>, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_reader(marked(input));
    let mut report = EdgeReport::default();
    let has_totals = Read(Report(&mut report)).deserialize(&mut parser)?;
    parser.end()?;
    Ok(has_totals.then_some(report))
}

/// The totals as their limits name them: the undotted keys. An object has no number of its own.
pub fn totals(report: &EdgeReport) -> Totals {
    let mut totals = Totals::new();
    for (key, value) in &report.numbers {
        match key.split_once('.') {
            None => drop(totals.insert(key.clone(), *value)),
            Some((object, _)) => drop(totals.entry(object.to_owned()).or_insert(None)),
        }
    }
    totals
}

/// The whole report; tells whether it has totals.
struct Report<'a>(&'a mut EdgeReport);

impl<'de> Shape<'de> for Report<'_> {
    type Value = bool;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("edge report")
    }

    fn null(self) -> bool {
        false
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<bool, A::Error> {
        let mut seen = Seen::default();
        let mut has_totals = false;
        while let Some(key) = object.next_key_seed(Key)? {
            match key.as_ref() {
                "totals" | "total" => {
                    seen.once(0, &key)?;
                    has_totals = object.next_value_seed(Read(TotalsObject(self.0)))?;
                }
                "runtime" => {
                    seen.once(1, "runtime")?;
                    object.next_value_seed(Read(Runtime(self.0)))?;
                }
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(has_totals)
    }
}

struct TotalsObject<'a>(&'a mut EdgeReport);

impl<'de> Shape<'de> for TotalsObject<'_> {
    type Value = bool;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("totals")
    }

    fn null(self) -> bool {
        false
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<bool, A::Error> {
        Branch { report: self.0, seen: &mut BTreeSet::new(), above: "", depth: 1 }.read(object).map(|_| true)
    }
}

/// An object of totals, the outermost or one inside.
struct Branch<'a> {
    report: &'a mut EdgeReport,
    /// Every dotted key so far.
    seen: &'a mut BTreeSet<String>,
    /// The dotted key of this object, empty for the outermost.
    above: &'a str,
    /// Segments of the keys in this object.
    depth: usize,
}

impl Branch<'_> {
    /// Reads the object; tells whether there was anything in it.
    fn read<'de, A: MapAccess<'de>>(self, mut object: A) -> Result<bool, A::Error> {
        let Self { report, seen, above, depth } = self;
        let mut has_keys = false;
        while let Some(key) = object.next_key_seed(Key)? {
            has_keys = true;
            let path = if above.is_empty() { key.into_owned() } else { format!("{above}.{key}") };
            if path.len() - above.len() > LONGEST_KEY {
                return Err(A::Error::custom(format_args!(
                    "a key of `totals` is longer than {LONGEST_KEY} bytes"
                )));
            }
            if seen.len() == MOST_KEYS {
                return Err(A::Error::custom(format_args!("`totals` has more than {MOST_KEYS} keys")));
            }
            if !seen.insert(path.clone()) {
                return Err(duplicate(&format!("totals.{path}")));
            }
            if path == "neg_edge_drivers" {
                object.next_value_seed(Read(Drivers(report)))?;
                continue;
            }
            let child = Branch { report: &mut *report, seen: &mut *seen, above: &path, depth: depth + 1 };
            if let Some(number) = object.next_value_seed(Read(Value(child)))? {
                report.numbers.insert(path, number);
            }
        }
        Ok(has_keys)
    }
}

/// A value of totals. `None` when it was an object with totals of its own.
struct Value<'a>(Branch<'a>);

impl<'de> Shape<'de> for Value<'_> {
    type Value = Option<Option<f64>>;
    const EXPECTED: &'static str = "a number";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0.above)
    }

    fn null(self) -> Self::Value {
        Some(None)
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Some(None))
    }

    fn number<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        // Negative zero reads as zero.
        Ok(Some(Some(value + 0.0)))
    }

    fn not_finite<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Some(None))
    }

    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Some(None))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        drain_list(list).map(|()| Some(None))
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        if self.0.depth > DEEPEST_KEY {
            return drain_object(object).map(|()| Some(None));
        }
        let has_keys = self.0.read(object)?;
        Ok(if has_keys { None } else { Some(None) })
    }
}

/// `neg_edge_drivers`. What is no text in it is left out with a note.
struct Drivers<'a>(&'a mut EdgeReport);

impl<'de> Shape<'de> for Drivers<'_> {
    type Value = ();
    const EXPECTED: &'static str = "a list of texts";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("totals.neg_edge_drivers")
    }

    fn null(self) {}

    fn text<E: Error>(self, driver: &str) -> Result<(), E> {
        self.0.neg_edge_drivers.push(shortened(driver));
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (mut wrong, mut too_many) = (None, false);
        while let Some(driver) = list.next_element::<Told>()? {
            match driver {
                Told::Text(text) if self.0.neg_edge_drivers.len() < MOST_DRIVERS => {
                    self.0.neg_edge_drivers.push(text);
                }
                Told::Text(_) => too_many = true,
                Told::Nothing => {}
                Told::Wrong(found) => wrong = Some(found),
            }
        }
        if let Some(found) = wrong {
            let note = format!("`totals.neg_edge_drivers[]` is {found}, expected text; it was left out");
            self.0.notes.push(note);
        }
        if too_many {
            self.0.notes.push(format!("`totals.neg_edge_drivers` has more than {MOST_DRIVERS} entries"));
        }
        Ok(())
    }
}

/// `runtime`. It only describes, so that whatever is wrong with it is a note.
struct Runtime<'a>(&'a mut EdgeReport);

impl Runtime<'_> {
    fn odd(self, found: &str) {
        self.0.notes.push(format!("`runtime` is {found}, expected an object; it was left out"));
    }
}

impl<'de> Shape<'de> for Runtime<'_> {
    type Value = ();
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("runtime")
    }

    fn null(self) {}

    fn boolean<E: Error>(self, _: bool) -> Result<(), E> {
        self.odd("a boolean");
        Ok(())
    }

    fn number<E: Error>(self, _: f64) -> Result<(), E> {
        self.odd("a number");
        Ok(())
    }

    fn not_finite<E: Error>(self) -> Result<(), E> {
        self.odd("a number that is not finite");
        Ok(())
    }

    fn text<E: Error>(self, _: &str) -> Result<(), E> {
        self.odd("text");
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        drain_list(list)?;
        self.odd("a list");
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = object.next_key_seed(Key)? {
            let (place, into) = match key.as_ref() {
                "utc" => (0, &mut self.0.utc),
                "version" => (1, &mut self.0.version),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            seen.once(place, &format!("runtime.{key}"))?;
            match object.next_value::<Told>()? {
                Told::Text(text) => *into = Some(text),
                Told::Nothing => {}
                Told::Wrong(found) => {
                    let note = format!("`runtime.{key}` is {found}, expected text; it was left out");
                    self.0.notes.push(note);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
