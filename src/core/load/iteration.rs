//! `ITER_SUMMARY_<n>.json` in all the layouts it has had: nested (`summary`, `tuning`), flat, per symbol, and
//! a map of symbols.
//!
//! The first spelling of a measurement that is *present* wins, not the first that is not zero: 0.0 is a value, and a
//! null is an answer too. Knows nothing of file names; the loader brings name and content together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::MapAccess;
use serde_json::de::StrRead;

use super::overrides::Overrides;
use super::tuning::TuningReader;
use crate::core::iteration::events::{EVENTS, Events};
use crate::core::iteration::params::ParamValues;
use crate::core::iteration::{Defect, Iteration, KpiDefect, imputed_gross};
use crate::core::json::text::{self, is_too_deep, mark_non_finite};
use crate::core::json::{
    Fields, Flag, KeysRead, Number, Object, Read, Reading, Text, Texts, duplicate, once, read_all,
};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::text::number::Finite;
use crate::core::trend::resources::{ProcessId, Resource, ResourceValues};

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
    /// Something under another key of such a map: of a symbol that other files name it is an iteration without
    /// values, else it is nothing.
    Unclear,
}

/// What one file says of one symbol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IterationFile {
    /// The number in the content, if there is a usable one.
    pub number: Option<u64>,
    pub symbol: Option<String>,
    pub kind: Kind,
    /// Where the data came from, if the file says so.
    pub source: Option<Arc<str>>,
    /// The commit of the system under test, if the file says so.
    pub commit: Option<Arc<str>>,
    /// The iteration; its `number` is 0 until the loader sets it.
    pub iteration: Iteration,
}

/// Reads a file: one entry, or one a symbol where the file is a map of symbols. The error is what is wrong with it.
pub fn read(bytes: &[u8], kpis: &KpiTable) -> Result<Vec<IterationFile>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let json = std::str::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not valid UTF-8", error.valid_up_to()))?;
    if json.trim_ascii().is_empty() {
        return Err("the file is empty".to_owned());
    }
    if is_too_deep(bytes) {
        return Err(format!("lists and objects are nested deeper than {} levels", text::DEEPEST));
    }
    parse(json, kpis)
        .or_else(|error| mark_non_finite(json).map_or(Err(error), |marked| parse(&marked, kpis)))
        .map_err(|error| {
            if error.is_eof() {
                return format!("the file is cut off at line {}, column {}", error.line(), error.column());
            }
            error.to_string()
        })
}

fn parse(json: &str, kpis: &KpiTable) -> Result<Vec<IterationFile>, serde_json::Error> {
    let read = read_all(StrRead::new(json), Object("iteration file", FileReader::new(kpis)))?;
    let (mut file, has_measurement) = read.map(FileReader::finish).unwrap_or_default();
    if !has_measurement {
        let read = read_all(StrRead::new(json), Object("iteration file", SymbolMap::new(kpis)))?;
        let mut symbols = read.map(SymbolMap::finish).unwrap_or_default();
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

/// Outer `None`: not seen yet; inner `None`: null.
type Slot<T> = Option<Option<T>>;
type TextSlot = Slot<Arc<str>>;

fn text_once<'de, A: MapAccess<'de>>(slot: &mut TextSlot, key: &str, map: &mut A) -> Result<bool, A::Error> {
    once(slot, key, Text(key, |text: &str| Arc::from(text)), map).map(|()| true)
}

/// A whole file, keys of the summary and the tuning record at its top included.
struct FileReader<'k> {
    flat: SummaryReader<'k>,
    nested: Option<SummaryReader<'k>>,
    flat_tuning: TuningReader,
    tuning: Slot<TuningReader>,
    number: Option<Reading>,
    source: TextSlot,
    commit: TextSlot,
    collection: Slot<Collection>,
    overrides: Slot<ParamValues>,
    events: Slot<Events>,
}

impl<'k> FileReader<'k> {
    fn new(kpis: &'k KpiTable) -> Self {
        Self {
            flat: SummaryReader::new(kpis),
            nested: None,
            flat_tuning: TuningReader::default(),
            tuning: None,
            number: None,
            source: None,
            commit: None,
            collection: None,
            overrides: None,
            events: None,
        }
    }

    /// The file, and whether it holds any measurement.
    fn finish(self) -> (IterationFile, bool) {
        let has_measurement = self.nested.as_ref().unwrap_or(&self.flat).any;
        // A symbol beside a nested summary is at the top level.
        let outer_symbol = self.flat.symbol.clone().flatten();
        let (iteration, symbol) = self.nested.unwrap_or(self.flat).finish();
        let tuning = self.tuning.map_or(self.flat_tuning, Option::unwrap_or_default);
        let file = IterationFile {
            number: self.number.and_then(whole),
            symbol: outer_symbol
                .or(symbol)
                .filter(|symbol| !symbol.is_empty())
                .map(|symbol| symbol.to_string()),
            source: self.source.flatten(),
            commit: self.commit.flatten(),
            kind: Kind::Whole,
            iteration: Iteration {
                tuning: tuning.finish(),
                overrides: self.overrides.flatten().filter(|values| !values.is_empty()).map(Arc::new),
                collection_failed: self.collection.flatten().and_then(Collection::failure),
                events: self.events.flatten().filter(|events| !events.is_empty()).map(Box::new),
                ..iteration
            },
        };
        (file, has_measurement)
    }
}

impl<'de> Fields<'de> for FileReader<'_> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "summary" => {
                if self.nested.is_some() {
                    return Err(duplicate(key));
                }
                let summary = SummaryReader::new(self.flat.kpis);
                self.nested = map.next_value_seed(Read(Object(key, summary)))?;
            }
            "tuning" => once(&mut self.tuning, key, Object(key, TuningReader::default()), map)?,
            "runtime_overrides" => once(&mut self.overrides, key, Overrides(key), map)?,
            "collection" => once(&mut self.collection, key, Object(key, Collection::default()), map)?,
            // In the flat files of others it may be anything, even a KPI.
            EVENTS if self.flat.kpis.spelled(key).is_none() => {
                if self.events.is_some() {
                    return Err(duplicate(key));
                }
                self.events = Some(serde_json::from_value(map.next_value()?).ok());
            }
            "iteration" => once(&mut self.number, key, Number, map)?,
            "source" => return text_once(&mut self.source, key, map),
            "commit" => return text_once(&mut self.commit, key, map),
            _ => return Ok(self.flat.field(key, map)? || self.flat_tuning.field(key, map)?),
        }
        Ok(true)
    }
}

/// A whole number that is not negative; anything else says nothing about the iteration.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: whole and in range")]
pub(super) fn whole(reading: Reading) -> Option<u64> {
    match reading {
        Reading::Value(value) if (0.0..9e15).contains(&value) && value.trunc() == value => Some(value as u64),
        _ => None,
    }
}

/// `collection: {ok, reason}`.
#[derive(Default)]
struct Collection {
    ok: Option<bool>,
    reason: Option<Arc<str>>,
}

impl Collection {
    /// The reason when it is not ok.
    fn failure(self) -> Option<Arc<str>> {
        let is_failed = self.ok == Some(false);
        is_failed.then(|| self.reason.unwrap_or_else(|| Arc::from("no reason is given")))
    }
}

impl<'de> Fields<'de> for Collection {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "ok" => self.ok = map.next_value_seed(Read(Flag("collection.ok")))?,
            "reason" => {
                let text = Text("collection.reason", |text: &str| Arc::from(text));
                self.reason = map.next_value_seed(Read(text))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A file that maps symbol names to summaries: `{window_index, meta, BTCUSDT: {…}, …}`.
struct SymbolMap<'k> {
    kpis: &'k KpiTable,
    number: Option<u64>,
    files: Vec<IterationFile>,
}

impl<'k> SymbolMap<'k> {
    fn new(kpis: &'k KpiTable) -> Self {
        Self { kpis, number: None, files: Vec::new() }
    }

    fn finish(mut self) -> Vec<IterationFile> {
        for file in &mut self.files {
            file.number = self.number;
        }
        self.files
    }
}

impl<'de> Fields<'de> for SymbolMap<'_> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "iteration" | "window_index" => self.number = whole(map.next_value::<Reading>()?),
            "meta" | "summary" | "tuning" | "runtime_overrides" | "fills" | "collection" => {
                return Ok(false);
            }
            symbol => {
                // Anything but an object is something else and passed over.
                let empty = || SummaryReader { is_optional: true, ..SummaryReader::new(self.kpis) };
                let summary = map.next_value_seed(Read(Object(symbol, empty())))?.unwrap_or_else(empty);
                self.files.push(IterationFile {
                    symbol: Some(symbol.to_owned()),
                    kind: if summary.is_summary() { Kind::Mapped } else { Kind::Unclear },
                    iteration: summary.finish().0,
                    ..IterationFile::default()
                });
            }
        }
        Ok(true)
    }
}

/// The maker share in percent, for files that have neither the share nor the fills.
const MAKER_SHARE_PERCENT: &str = "maker_share_pct";

/// The key of the ratios that a run refused, see [`crate::run::iteration_file`].
const ABOVE_HIGHEST: &str = "above_highest";

/// The spellings of a KPI that a summary has shown so far.
#[derive(Clone, Copy, Default)]
struct Spelled {
    /// Bit `min(rank, 63)` is set for every spelling.
    seen: u64,
    /// Rank and reading of the first by rank.
    first: Option<(u8, Reading)>,
}

/// The measurements of an iteration, in the `summary` object or among the keys of the file.
struct SummaryReader<'k> {
    kpis: &'k KpiTable,
    spelled: Vec<Spelled>,
    fills: Fills,
    share_percent: Option<Reading>,
    time: TextSlot,
    timestamp: TextSlot,
    kpi_verdict: TextSlot,
    phase: TextSlot,
    symbol: TextSlot,
    drivers: Option<Vec<Arc<str>>>,
    resources: Slot<Resources>,
    resources_failed: TextSlot,
    refused: Vec<KpiDefect>,
    /// Whether any measurement was seen.
    any: bool,
    /// Whether anything else in place of the object is passed over.
    is_optional: bool,
}

impl<'de> Fields<'de> for SummaryReader<'_> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if let Some((kpi, rank)) = self.kpis.spelled(key) {
            let spelled = &mut self.spelled[kpi.index()];
            let bit = 1u64 << rank.min(63);
            if spelled.seen & bit != 0 {
                return Err(duplicate(key));
            }
            spelled.seen |= bit;
            let reading = map.next_value()?;
            if spelled.first.is_none_or(|(first, _)| rank < first) {
                spelled.first = Some((rank, reading));
            }
            self.any = true;
            return Ok(true);
        }
        match key {
            "runtime_utc" => return text_once(&mut self.time, key, map),
            "timestamp" => return text_once(&mut self.timestamp, key, map),
            "kpi_verdict" => return text_once(&mut self.kpi_verdict, key, map),
            "phase" => return text_once(&mut self.phase, key, map),
            "symbol" => return text_once(&mut self.symbol, key, map),
            ABOVE_HIGHEST => {
                let refused = Refused { kpis: self.kpis, into: &mut self.refused };
                map.next_value_seed(Read(Object(key, refused)))?;
            }
            MAKER_SHARE_PERCENT => once(&mut self.share_percent, key, Number, map)?,
            "neg_edge_drivers" => {
                if self.drivers.is_some() {
                    return Err(duplicate(key));
                }
                let drivers = self.drivers.insert(Vec::new());
                map.next_value_seed(Read(Texts(key, |text: &str| drivers.push(Arc::from(text)))))?;
            }
            "resources_failed" => return text_once(&mut self.resources_failed, key, map),
            "resources" => once(&mut self.resources, key, Object(key, Resources::default()), map)?,
            "fills" => {
                map.next_value_seed(Read(Object(key, &mut self.fills)))?;
            }
            _ => return self.fills.field(key, map),
        }
        Ok(true)
    }

    fn other(&mut self, _: &'static str) -> bool {
        self.is_optional
    }
}

impl<'k> SummaryReader<'k> {
    fn new(kpis: &'k KpiTable) -> Self {
        Self {
            kpis,
            spelled: vec![Spelled::default(); kpis.columns()],
            fills: Fills::default(),
            share_percent: None,
            time: None,
            timestamp: None,
            kpi_verdict: None,
            phase: None,
            symbol: None,
            drivers: None,
            resources: None,
            resources_failed: None,
            refused: Vec::new(),
            any: false,
            is_optional: false,
        }
    }

    /// Whether this is the summary of an iteration, if one without a KPI.
    fn is_summary(&self) -> bool {
        self.any
            || self.time.is_some()
            || self.kpi_verdict.is_some()
            || self.drivers.is_some()
            || self.share_percent.is_some()
            || self.fills.is_there()
    }

    /// The iteration, and its symbol.
    fn finish(self) -> (Iteration, Option<Arc<str>>) {
        let of_fills = self.fills.maker_share();
        let resources = self.resources.flatten().map(|resources| resources.values);
        let mut iteration = Iteration {
            values: vec![None; self.spelled.len()],
            time: self.time.flatten().or_else(|| self.timestamp.flatten()),
            kpi_verdict: self.kpi_verdict.flatten(),
            phase: self.phase.flatten(),
            negative_drivers: self.drivers.unwrap_or_default(),
            resources: resources.filter(|values| !values.is_empty()).map(Box::new),
            resources_failed: self.resources_failed.flatten(),
            fills_maker_share: of_fills.map(|(share, _)| share),
            fills: self.fills.total(),
            ..Iteration::default()
        };
        for id in self.kpis.ids() {
            let Some((rank, reading)) = self.spelled[id.index()].first else { continue };
            let spelling = &id.spellings[usize::from(rank)];
            let key = spelling.key;
            match usable(id, key, reading, spelling.scale) {
                Ok(value) => {
                    iteration.values[id.index()] = Some(value);
                    if reading.value().is_some_and(|raw| id.is_percent(raw, spelling.scale)) {
                        iteration.respelled.push((id, format!("{key} (percent)").into()));
                    } else if rank > 0 {
                        iteration.respelled.push((id, Arc::from(key)));
                    }
                }
                // Components that are only shown are often null; that is no defect.
                Err(KpiDefect { defect: Defect::Null, .. }) if id.direction.is_none() => {}
                Err(defect) => iteration.defects.push(defect),
            }
        }
        let maker = KpiId::MAKER_TAKER_RATIO;
        if self.spelled[maker.index()].first.is_none() {
            let of_percent = self.share_percent.map(|reading| {
                usable(maker, MAKER_SHARE_PERCENT, reading, 0.01).map(|share| (share, MAKER_SHARE_PERCENT))
            });
            match of_fills.map(Ok).or(of_percent) {
                Some(Ok((value, key))) => {
                    iteration.values[maker.index()] = Some(value);
                    iteration.respelled.push((maker, Arc::from(key)));
                }
                Some(Err(defect)) => iteration.defects.push(defect),
                None => {}
            }
        }
        let is_unknown = |defect: &KpiDefect| {
            iteration.values[defect.kpi.index()].is_none()
                && iteration.defects.iter().all(|known| known.kpi != defect.kpi)
        };
        let mut refused: Vec<KpiDefect> = self.refused.into_iter().filter(is_unknown).collect();
        refused.sort_by_key(|defect| defect.kpi);
        iteration.defects.extend(refused);
        impute_gross(&mut iteration);
        (iteration, self.symbol.flatten())
    }
}

/// The value in the KPI's unit, or why there is none.
fn usable(kpi: KpiId, key: &str, reading: Reading, scale: f64) -> Result<f64, KpiDefect> {
    let defect = |defect| KpiDefect { kpi, key: key.to_owned(), defect };
    let raw = match reading {
        Reading::Value(raw) => raw,
        Reading::Null => return Err(defect(Defect::Null)),
        Reading::NotFinite => return Err(defect(Defect::NotFinite)),
        Reading::Wrong(what) => return Err(defect(Defect::NotANumber(what))),
    };
    let value = kpi.in_unit(raw, scale).ok_or_else(|| defect(Defect::NotFinite))?;
    if kpi.is_possible(value) { Ok(value) } else { Err(KpiDefect::impossible(kpi, key, value, raw)) }
}

/// Gross edge where the file has none (missing or null, not 0), marked as such.
fn impute_gross(iteration: &mut Iteration) {
    if iteration.defects.iter().any(|defect| defect.kpi == KpiId::GROSS_BPS) {
        return;
    }
    if let Some(gross) = imputed_gross(&iteration.values) {
        iteration.values[KpiId::GROSS_BPS.index()] = Some(gross);
        iteration.gross_imputed = true;
    }
}

/// `above_highest`: ratios that a run was delivered and refused, by KPI and the key that they had.
struct Refused<'a, 'k> {
    kpis: &'k KpiTable,
    into: &'a mut Vec<KpiDefect>,
}

impl<'de> Fields<'de> for Refused<'_, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        let Some(kpi) = self.kpis.find(name) else { return Ok(false) };
        for (key, raw) in map.next_value::<BTreeMap<String, f64>>()? {
            self.into.push(KpiDefect { kpi, key, defect: Defect::TooHigh(raw.to_string()) });
        }
        Ok(true)
    }
}

/// `resources`: what the watched process tree used. Optional and advisory: a value that is no number is unknown, and no
/// error; anything but an object says nothing.
#[derive(Default)]
struct Resources {
    values: ResourceValues,
    seen: KeysRead,
}

impl<'de> Fields<'de> for Resources {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key == "process" {
            self.seen.once(Resource::ALL.len(), key)?;
            let process = map.next_value_seed(Read(Object(key, Process::default())))?.unwrap_or_default();
            let Process { pid, started, .. } = process;
            self.values.process = started.map(|started| ProcessId { pid, started });
            return Ok(true);
        }
        let Some(resource) = Resource::ALL.into_iter().find(|resource| resource.word() == key) else {
            return Ok(false);
        };
        self.seen.once(resource as usize, key)?;
        if let Reading::Value(value) = map.next_value()?
            && value >= 0.0
        {
            self.values.set(resource, Some(value));
        }
        Ok(true)
    }

    fn other(&mut self, _: &'static str) -> bool {
        true
    }
}

/// `process` of `resources`; without a start nothing distinguishes it.
#[derive(Default)]
struct Process {
    pid: Option<u32>,
    started: Option<f64>,
    seen: KeysRead,
}

impl<'de> Fields<'de> for Process {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let place = match key {
            "pid" => 0,
            "started" => 1,
            _ => return Ok(false),
        };
        self.seen.once(place, key)?;
        let reading = map.next_value::<Reading>()?;
        match place {
            0 => self.pid = whole(reading).and_then(|pid| u32::try_from(pid).ok()),
            _ => self.started = reading.value(),
        }
        Ok(true)
    }

    fn other(&mut self, _: &'static str) -> bool {
        true
    }
}

/// Maker and taker fills, by volume and by count.
#[derive(Default)]
struct Fills {
    maker_volume: Option<Reading>,
    taker_volume: Option<Reading>,
    maker_count: Option<Reading>,
    taker_count: Option<Reading>,
}

impl<'de> Fields<'de> for Fills {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let slot = match key {
            "maker_volume" => &mut self.maker_volume,
            "taker_volume" => &mut self.taker_volume,
            "maker_count" => &mut self.maker_count,
            "taker_count" => &mut self.taker_count,
            _ => return Ok(false),
        };
        once(slot, key, Number, map).map(|()| true)
    }

    /// `fills` is a plain number in old files, which says nothing about the shares.
    fn other(&mut self, found: &'static str) -> bool {
        found == "a number"
    }
}

impl Fills {
    /// Whether any of the numbers is there.
    fn is_there(&self) -> bool {
        [self.maker_volume, self.taker_volume, self.maker_count, self.taker_count].iter().any(Option::is_some)
    }

    /// maker + taker by count, else by volume.
    fn total(&self) -> Option<f64> {
        let total = |maker, taker| {
            let (maker, taker) = both(maker, taker)?;
            Finite::new(maker + taker).map(Finite::get)
        };
        total(self.maker_count, self.taker_count).or_else(|| total(self.maker_volume, self.taker_volume))
    }

    /// maker ÷ (maker + taker) by volume, else by count.
    fn maker_share(&self) -> Option<(f64, &'static str)> {
        let share = |maker, taker| {
            let (maker, taker) = both(maker, taker).filter(|(maker, taker)| maker + taker > 0.0)?;
            Finite::new(maker / (maker + taker)).map(Finite::get)
        };
        share(self.maker_volume, self.taker_volume)
            .map(|value| (value, "fills (volume)"))
            .or_else(|| share(self.maker_count, self.taker_count).map(|value| (value, "fills (count)")))
    }
}

/// Two numbers that are not negative.
fn both(maker: Option<Reading>, taker: Option<Reading>) -> Option<(f64, f64)> {
    let (maker, taker) = (maker?.value()?, taker?.value()?);
    (maker >= 0.0 && taker >= 0.0).then_some((maker, taker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(json: &str) -> Option<[Option<f64>; 4]> {
        let file = format!(r#"{{"iteration": 1, "summary": {{"net_bps": 3.0, "resources": {json}}}}}"#);
        let files = read(file.as_bytes(), &KpiTable::default()).expect("a readable file");
        let values = files[0].iteration.resources.as_ref()?;
        Some(Resource::ALL.map(|resource| values.get(resource)))
    }

    #[test]
    fn known_values_are_read_and_others_are_unknown() {
        assert_eq!(
            resources(r#"{"rss_mb": 512.5, "cpu_pct": null, "threads": 8, "open_files": "x", "more": [1]}"#),
            Some([Some(512.5), None, Some(8.0), None])
        );
        assert_eq!(resources(r#"{"rss_mb": 0, "threads": -1}"#), Some([Some(0.0), None, None, None]));
    }

    #[test]
    fn nothing_usable_is_no_resources() {
        for json in ["null", "{}", r#"{"rss_mb": null}"#, "7", "\"x\"", "[1, 2]", "true"] {
            assert_eq!(resources(json), None, "{json}");
        }
    }

    #[test]
    fn a_process_is_its_number_and_its_start() {
        let read = |json: &str| {
            let file = format!(
                r#"{{"iteration": 1, "summary": {{"net_bps": 3.0, "resources": {json},
                "resources_failed": "process 7 has ended"}}}}"#
            );
            let files = read(file.as_bytes(), &KpiTable::default()).expect("a readable file");
            let iteration = &files[0].iteration;
            assert_eq!(iteration.resources_failed.as_deref(), Some("process 7 has ended"));
            iteration.resources.as_ref().and_then(|values| values.process)
        };
        let process = |pid, started| Some(ProcessId { pid, started });
        for (json, expected) in [
            (r#"{"pid": 42, "started": 17.25}"#, process(Some(42), 17.25)),
            (r#"{"started": 1769860800}"#, process(None, 1_769_860_800.0)),
            (r#"{"pid": -1, "started": 2, "more": []}"#, process(None, 2.0)),
            (r#"{"pid": 1.5, "started": 2}"#, process(None, 2.0)),
            (r#"{"pid": 42}"#, None),
            ("null", None),
            ("7", None),
        ] {
            assert_eq!(read(&format!(r#"{{"rss_mb": 1, "process": {json}}}"#)), expected, "{json}");
        }
    }

    #[test]
    fn a_resource_that_comes_twice_is_an_error() {
        let file = br#"{"iteration": 1, "resources": {"rss_mb": 1, "rss_mb": 2}}"#;
        assert!(read(file, &KpiTable::default()).is_err());
    }

    fn events(json: &str) -> Option<Events> {
        let file = format!(r#"{{"iteration": 1, "events": {json}, "summary": {{"net_bps": 3.0}}}}"#);
        let mut files = read(file.as_bytes(), &KpiTable::default()).expect("a readable file");
        files.remove(0).iteration.events.map(|events| *events)
    }

    #[test]
    fn events_are_read_and_what_is_none_is_passed_over() {
        let found =
            events(r#"{"marks": ["deploy"], "restarts": {"count": 2, "during": "deploy"}, "new": 1}"#);
        let found = found.expect("events");
        assert_eq!(found.marks, ["deploy"]);
        let restarts = found.restarts.expect("restarts");
        assert_eq!((restarts.count, restarts.during.as_deref()), (2, Some("deploy")));
        for json in
            ["null", "{}", "7", "\"x\"", "[1, 2]", r#"{"marks": 3}"#, r#"{"restarts": {"count": -1}}"#]
        {
            assert_eq!(events(json), None, "{json}");
        }
    }

    #[test]
    fn events_that_come_twice_are_an_error() {
        let file = br#"{"iteration": 1, "net_bps": 1.0, "events": {}, "events": {}}"#;
        assert!(read(file, &KpiTable::default()).is_err());
    }

    fn nested(levels: usize) -> Vec<u8> {
        format!(r#"{{"net_bps": 3.0, "pad": {}{}}}"#, "[".repeat(levels), "]".repeat(levels)).into_bytes()
    }

    #[test]
    fn nesting_is_bounded_also_in_keys_that_nobody_reads() {
        let kpis = KpiTable::default();
        // The object of the file is the first level.
        assert!(read(&nested(text::DEEPEST - 1), &kpis).is_ok());
        assert_eq!(
            read(&nested(text::DEEPEST), &kpis).err(),
            Some("lists and objects are nested deeper than 128 levels".to_owned())
        );
        assert_eq!(
            read(&nested(100_000), &kpis).err(),
            Some("lists and objects are nested deeper than 128 levels".to_owned())
        );
    }

    #[test]
    fn many_brackets_beside_each_other_or_in_a_string_are_no_nesting() {
        let kpis = KpiTable::default();
        let wide = format!(r#"{{"net_bps": 3.0, "pad": [{}0]}}"#, "[],".repeat(500));
        assert!(read(wide.as_bytes(), &kpis).is_ok());
        let text = format!(r#"{{"net_bps": 3.0, "pad": "\"{}"}}"#, "[".repeat(500));
        assert!(read(text.as_bytes(), &kpis).is_ok());
    }
}
