//! `ITER_SUMMARY_<n>.json` in all the layouts it has had: nested (`summary`, `tuning`), flat, per symbol, and
//! a map of symbols.
//!
//! Parses straight from the text without a tree in between: this is the hot path of large folders. Knows
//! nothing of file names; the loader brings name and content together.

mod resources;
mod summary;

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess};

use crate::core::iteration::Iteration;
use crate::core::kpi::KpiTable;
use crate::wire::literals::mark_non_finite;
use crate::wire::nesting;
use crate::wire::number::Reading;
use crate::wire::overrides::ParamValuesSeed;
use crate::wire::read::{Flag, Key, Read, Shape, Text, drain_list, duplicate};
use crate::wire::tuning::{TuningBuilder, TuningSeed};
use summary::{Summary, SummaryBuilder, reading_once, text_once};

/// What an entry of a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A whole file, of a symbol or of none.
    #[default]
    Whole,
    /// A whole file that holds neither a measurement nor a symbol.
    Empty,
    /// The summary of a symbol in a map of symbols.
    Mapped,
    /// Something under another key of such a map: of a symbol that other files tell of it is an iteration without
    /// values, else it is nothing.
    Unclear,
}

/// What one file says of one symbol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IterationFile {
    /// The number in the content, if there is a usable one.
    pub number: Option<u64>,
    /// The symbol, if any.
    pub symbol: Option<String>,
    /// What the entry is.
    pub kind: Kind,
    /// Where the data came from, if the file says so.
    pub source: Option<Arc<str>>,
    /// The commit of the system under test, if the file says so.
    pub commit: Option<Arc<str>>,
    /// The iteration; its `number` is 0 until the loader sets it.
    pub iteration: Iteration,
}

/// Why a file cannot be read as an iteration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("byte {0} is not valid UTF-8")]
    NotUtf8(usize),
    /// It ends in the middle.
    #[error("the file is cut off at line {line}, column {column}")]
    Truncated {
        /// Line, from 1.
        line: usize,
        /// Column, from 0 as the parser counts.
        column: usize,
    },
    /// Lists and objects inside each other beyond what any runner writes.
    #[error("lists and objects are nested deeper than {} levels", nesting::DEEPEST)]
    Nesting,
    /// Anything else that the JSON parser says.
    #[error("{0}")]
    Syntax(String),
}

/// Reads a file: one entry, or one a symbol where the file is a map of symbols.
pub fn read(bytes: &[u8], kpis: &KpiTable) -> Result<Vec<IterationFile>, ReadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8(error.valid_up_to()))?;
    if text.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    if nesting::is_too_deep(bytes) {
        return Err(ReadError::Nesting);
    }
    match parse(text, kpis) {
        Ok(files) => Ok(files),
        Err(error) => match mark_non_finite(text) {
            Some(marked) => parse(&marked, kpis).map_err(|error| describe(&error)),
            None => Err(describe(&error)),
        },
    }
}

fn parse(text: &str, kpis: &KpiTable) -> Result<Vec<IterationFile>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let (mut file, has_measurement) = Read(File { kpis }).deserialize(&mut deserializer)?;
    deserializer.end()?;
    if !has_measurement {
        let mut again = serde_json::Deserializer::from_str(text);
        let mut symbols = Read(SymbolMap { kpis }).deserialize(&mut again)?;
        if symbols.iter().any(|symbol| symbol.kind == Kind::Mapped) {
            for symbol in &mut symbols {
                symbol.source.clone_from(&file.source);
                symbol.commit.clone_from(&file.commit);
                symbol.iteration.collection_failed.clone_from(&file.iteration.collection_failed);
            }
            return Ok(symbols);
        }
        if file.symbol.is_none() {
            file.kind = Kind::Empty;
        }
    }
    Ok(vec![file])
}

fn describe(error: &serde_json::Error) -> ReadError {
    if error.is_eof() {
        return ReadError::Truncated { line: error.line(), column: error.column() };
    }
    ReadError::Syntax(error.to_string())
}

struct File<'k> {
    kpis: &'k KpiTable,
}

impl<'de> Shape<'de> for File<'_> {
    /// The file, and whether it holds any measurement.
    type Value = (IterationFile, bool);
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("iteration file")
    }

    fn null(self) -> Self::Value {
        (IterationFile::default(), false)
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut flat = SummaryBuilder::new(self.kpis);
        let mut nested: Option<SummaryBuilder<'_>> = None;
        let mut flat_tuning = TuningBuilder::default();
        let mut tuning = None;
        let mut number: Option<Reading> = None;
        let mut source = None;
        let mut commit = None;
        let mut collection = None;
        let mut overrides = None;
        while let Some(key) = object.next_key_seed(Key)? {
            let taken = match &*key {
                "summary" => nested.is_some(),
                "tuning" => tuning.is_some(),
                "runtime_overrides" => overrides.is_some(),
                "collection" => collection.is_some(),
                _ => false,
            };
            if taken {
                return Err(duplicate(&key));
            }
            match &*key {
                "summary" => nested = object.next_value_seed(Read(Nested { kpis: self.kpis, key: &key }))?,
                "tuning" => tuning = Some(object.next_value_seed(TuningSeed)?),
                "runtime_overrides" => {
                    overrides = Some(object.next_value_seed(ParamValuesSeed { key: "runtime_overrides" })?);
                }
                "collection" => collection = Some(object.next_value_seed(Read(Collection))?),
                "iteration" => reading_once(&mut number, &key, &mut object)?,
                "source" => text_once(&mut source, &key, &mut object)?,
                "commit" => text_once(&mut commit, &key, &mut object)?,
                key => {
                    if !flat.accept(key, &mut object)? && !flat_tuning.accept(key, &mut object)? {
                        object.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        let has_measurement = nested.as_ref().unwrap_or(&flat).has_measurement();
        // A symbol beside a nested summary stands at the top level.
        let outer_symbol = flat.symbol_text();
        let summary = nested.unwrap_or(flat).finish();
        let symbol = outer_symbol.or_else(|| summary.symbol.clone());
        let file = IterationFile {
            number: number.and_then(whole),
            symbol: symbol.filter(|symbol| !symbol.is_empty()).map(|symbol| symbol.to_string()),
            source: source.flatten(),
            commit: commit.flatten(),
            kind: Kind::Whole,
            iteration: Iteration {
                tuning: tuning.unwrap_or_else(|| flat_tuning.finish()),
                overrides: overrides.flatten().filter(|values| !values.is_empty()).map(Arc::new),
                collection_failed: collection.flatten(),
                ..iteration(summary)
            },
        };
        Ok((file, has_measurement))
    }
}

fn iteration(summary: Summary) -> Iteration {
    Iteration {
        number: 0,
        time: summary.time,
        values: summary.values,
        defects: summary.defects,
        respelled: summary.respelled,
        fills_maker_share: summary.fills_maker_share,
        gross_imputed: summary.gross_imputed,
        kpi_verdict: summary.kpi_verdict,
        phase: summary.phase,
        negative_drivers: summary.negative_drivers,
        resources: summary.resources,
        fills: summary.fills,
        ..Iteration::default()
    }
}

/// A whole number that is not negative; anything else says nothing about the iteration.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: whole and in range")]
fn whole(reading: Reading) -> Option<u64> {
    match reading {
        Reading::Value(value) if (0.0..9e15).contains(&value) && value.trunc() == value => Some(value as u64),
        _ => None,
    }
}

/// A summary in an object of its own; `None` for null.
struct Nested<'k, 'n> {
    kpis: &'k KpiTable,
    key: &'n str,
}

impl<'de, 'k> Shape<'de> for Nested<'k, '_> {
    type Value = Option<SummaryBuilder<'k>>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.key)
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut builder = SummaryBuilder::new(self.kpis);
        while let Some(key) = object.next_key_seed(Key)? {
            if !builder.accept(&key, &mut object)? {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Some(builder))
    }
}

/// `collection: {ok, reason}`: the reason when it is not ok.
struct Collection;

impl<'de> Shape<'de> for Collection {
    type Value = Option<Arc<str>>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("collection")
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut ok = None;
        let mut reason = None;
        while let Some(key) = object.next_key_seed(Key)? {
            match &*key {
                "ok" => ok = object.next_value_seed(Read(Flag("collection.ok")))?,
                "reason" => {
                    reason = object
                        .next_value_seed(Read(Text("collection.reason", |text: &str| Arc::from(text))))?;
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        let failed = ok == Some(false);
        Ok(failed.then(|| reason.unwrap_or_else(|| Arc::from("no reason is given"))))
    }
}

/// A file that maps symbol names to summaries: `{window_index, meta, BTCUSDT: {…}, …}`.
struct SymbolMap<'k> {
    kpis: &'k KpiTable,
}

impl<'de> Shape<'de> for SymbolMap<'_> {
    type Value = Vec<IterationFile>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("iteration file")
    }

    fn null(self) -> Self::Value {
        Vec::new()
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut number = None;
        let mut files: Vec<IterationFile> = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            match &*key {
                "iteration" | "window_index" => number = whole(object.next_value::<Reading>()?),
                "meta" | "summary" | "tuning" | "runtime_overrides" | "fills" | "collection" => {
                    object.next_value::<IgnoredAny>()?;
                }
                symbol => {
                    let found = object.next_value_seed(Read(OneSymbol { kpis: self.kpis, symbol }))?;
                    let is_summary = found.as_ref().is_some_and(SummaryBuilder::is_summary);
                    let builder = found.unwrap_or_else(|| SummaryBuilder::new(self.kpis));
                    files.push(IterationFile {
                        symbol: Some(symbol.to_owned()),
                        kind: if is_summary { Kind::Mapped } else { Kind::Unclear },
                        iteration: iteration(builder.finish()),
                        ..IterationFile::default()
                    });
                }
            }
        }
        for file in &mut files {
            file.number = number;
        }
        Ok(files)
    }
}

/// What stands under a symbol; anything but an object is something else and passed over.
struct OneSymbol<'k, 's> {
    kpis: &'k KpiTable,
    symbol: &'s str,
}

impl<'de, 'k> Shape<'de> for OneSymbol<'k, '_> {
    type Value = Option<SummaryBuilder<'k>>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.symbol)
    }

    fn null(self) -> Self::Value {
        None
    }

    fn boolean<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn number<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn not_finite<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        drain_list(list).map(|()| None)
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        Nested { kpis: self.kpis, key: self.symbol }.object(object)
    }
}
