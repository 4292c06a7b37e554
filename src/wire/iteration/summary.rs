//! The measurements of an iteration, under all the names they have had.
//!
//! The first spelling that is *present* wins, not the first that is not zero: 0.0 is a value, and a null is
//! an answer too. Works for the `summary` object and for files that keep everything at one level.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess};

use super::resources::Resources;
use crate::core::drift::ResourceValues;
use crate::core::iteration::{Defect, KpiDefect, imputed_gross};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::number::Finite;
use crate::wire::number::Reading;
use crate::wire::read::{Key, Read, Shape, Text, Texts, duplicate};

/// The maker share in percent, for files that have neither the share nor the fills.
const MAKER_SHARE_PERCENT: &str = "maker_share_pct";

/// The key of the ratios that a run refused, see [`crate::wire::iteration_file`].
const ABOVE_HIGHEST: &str = "above_highest";

/// What a summary says.
#[derive(Debug, Default)]
pub struct Summary {
    /// Values by KPI index.
    pub values: Vec<Option<f64>>,
    /// KPIs that stand there without a usable value.
    pub defects: Vec<KpiDefect>,
    /// KPIs read under another name than their own.
    pub respelled: Vec<(KpiId, Arc<str>)>,
    /// Maker share of the fills.
    pub fills_maker_share: Option<f64>,
    /// Whether the gross edge was computed.
    pub gross_imputed: bool,
    /// `runtime_utc`.
    pub time: Option<Arc<str>>,
    /// `kpi_verdict`.
    pub kpi_verdict: Option<Arc<str>>,
    /// `phase`.
    pub phase: Option<Arc<str>>,
    /// `neg_edge_drivers`.
    pub negative_drivers: Vec<Arc<str>>,
    /// `symbol`.
    pub symbol: Option<Arc<str>>,
    /// Fills: their number, else their volume.
    pub fills: Option<f64>,
    /// `resources`.
    pub resources: Option<Box<ResourceValues>>,
}

/// Outer `None`: not seen yet; inner `None`: null.
type TextSlot = Option<Option<Arc<str>>>;

/// Reads a text once.
pub(super) fn text_once<'de, A: MapAccess<'de>>(
    slot: &mut TextSlot,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(duplicate(key));
    }
    *slot = Some(map.next_value_seed(Read(Text(key, |text: &str| Arc::from(text))))?);
    Ok(())
}

/// Reads a number once.
pub(super) fn reading_once<'de, A: MapAccess<'de>>(
    slot: &mut Option<Reading>,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(duplicate(key));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    rank: u8,
    reading: Reading,
}

/// Collects a summary key by key.
#[derive(Debug)]
pub struct SummaryBuilder<'k> {
    kpis: &'k KpiTable,
    slots: Vec<Option<Slot>>,
    /// Bit `min(rank, 63)` is set for every spelling seen.
    seen: Vec<u64>,
    fills: Fills,
    share_percent: Option<Reading>,
    time: TextSlot,
    timestamp: TextSlot,
    kpi_verdict: TextSlot,
    phase: TextSlot,
    symbol: TextSlot,
    drivers: Option<Vec<Arc<str>>>,
    resources: Option<Box<ResourceValues>>,
    resources_seen: bool,
    refused: Vec<KpiDefect>,
    any: bool,
}

impl<'k> SummaryBuilder<'k> {
    /// An empty builder for these KPIs.
    pub fn new(kpis: &'k KpiTable) -> Self {
        Self {
            kpis,
            slots: vec![None; kpis.len()],
            seen: vec![0; kpis.len()],
            fills: Fills::default(),
            share_percent: None,
            time: None,
            timestamp: None,
            kpi_verdict: None,
            phase: None,
            symbol: None,
            drivers: None,
            resources: None,
            resources_seen: false,
            refused: Vec::new(),
            any: false,
        }
    }

    /// Whether this is the summary of an iteration, if one without a KPI.
    pub fn is_summary(&self) -> bool {
        self.any
            || self.time.is_some()
            || self.kpi_verdict.is_some()
            || self.drivers.is_some()
            || self.share_percent.is_some()
            || self.fills.is_there()
    }

    /// Whether any measurement was seen.
    pub fn has_measurement(&self) -> bool {
        self.any
    }

    /// The symbol seen so far.
    pub fn symbol_text(&self) -> Option<Arc<str>> {
        self.symbol.clone().flatten()
    }

    /// Takes the value of `key` if it belongs to a summary; `false` leaves the value unread.
    pub fn accept<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if let Some((kpi, rank)) = self.kpis.spelled(key) {
            let bit = 1u64 << rank.min(63);
            if self.seen[kpi.index()] & bit != 0 {
                return Err(duplicate(key));
            }
            self.seen[kpi.index()] |= bit;
            let reading = map.next_value()?;
            let slot = &mut self.slots[kpi.index()];
            if slot.is_none_or(|have| rank < have.rank) {
                *slot = Some(Slot { rank, reading });
            }
            self.any = true;
            return Ok(true);
        }
        match key {
            "runtime_utc" => text_once(&mut self.time, key, map)?,
            "timestamp" => text_once(&mut self.timestamp, key, map)?,
            "kpi_verdict" => text_once(&mut self.kpi_verdict, key, map)?,
            "phase" => text_once(&mut self.phase, key, map)?,
            "symbol" => text_once(&mut self.symbol, key, map)?,
            ABOVE_HIGHEST => {
                map.next_value_seed(Read(Refused { kpis: self.kpis, into: &mut self.refused }))?;
            }
            MAKER_SHARE_PERCENT => reading_once(&mut self.share_percent, key, map)?,
            "neg_edge_drivers" => {
                if self.drivers.is_some() {
                    return Err(duplicate(key));
                }
                let mut drivers = Vec::new();
                map.next_value_seed(Read(Texts(key, |text: &str| drivers.push(Arc::from(text)))))?;
                self.drivers = Some(drivers);
            }
            "resources" => {
                if std::mem::replace(&mut self.resources_seen, true) {
                    return Err(duplicate(key));
                }
                self.resources = map.next_value_seed(Read(Resources))?;
            }
            "fills" => map.next_value_seed(Read(FillsShape(&mut self.fills)))?,
            _ => return self.fills.accept(key, map),
        }
        Ok(true)
    }

    /// The summary.
    pub fn finish(self) -> Summary {
        let of_fills = self.fills.maker_share();
        let mut summary = Summary {
            values: vec![None; self.slots.len()],
            time: self.time.flatten().or_else(|| self.timestamp.flatten()),
            kpi_verdict: self.kpi_verdict.flatten(),
            phase: self.phase.flatten(),
            negative_drivers: self.drivers.unwrap_or_default(),
            symbol: self.symbol.flatten(),
            resources: self.resources,
            fills_maker_share: of_fills.map(|(share, _)| share),
            fills: self.fills.total(),
            ..Summary::default()
        };
        for id in self.kpis.ids() {
            let kpi = id;
            let Some(slot) = self.slots[id.index()] else { continue };
            let spelling = &kpi.spellings[usize::from(slot.rank)];
            let key = spelling.key;
            match usable(id, key, slot.reading, spelling.scale) {
                Ok(value) => {
                    summary.values[id.index()] = Some(value);
                    if slot.reading.value().is_some_and(|raw| kpi.is_percent(raw, spelling.scale)) {
                        summary.respelled.push((id, format!("{key} (percent)").into()));
                    } else if slot.rank > 0 {
                        summary.respelled.push((id, Arc::from(key)));
                    }
                }
                // Components that are only shown are often null; that is no defect.
                Err(KpiDefect { defect: Defect::Null, .. }) if kpi.direction.is_none() => {}
                Err(defect) => summary.defects.push(defect),
            }
        }
        let maker = KpiId::MAKER_TAKER_RATIO;
        if self.slots[maker.index()].is_none() {
            let of_percent = self.share_percent.map(|reading| {
                usable(maker, MAKER_SHARE_PERCENT, reading, 0.01).map(|share| (share, MAKER_SHARE_PERCENT))
            });
            match of_fills.map(Ok).or(of_percent) {
                Some(Ok((value, key))) => {
                    summary.values[maker.index()] = Some(value);
                    summary.respelled.push((maker, Arc::from(key)));
                }
                Some(Err(defect)) => summary.defects.push(defect),
                None => {}
            }
        }
        let is_unknown = |defect: &KpiDefect| {
            summary.values[defect.kpi.index()].is_none()
                && summary.defects.iter().all(|known| known.kpi != defect.kpi)
        };
        let mut refused: Vec<KpiDefect> = self.refused.into_iter().filter(is_unknown).collect();
        refused.sort_by_key(|defect| defect.kpi);
        summary.defects.extend(refused);
        impute_gross(&mut summary);
        summary
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

/// `above_highest`: ratios that a run was delivered and refused, by KPI and the key that they had.
struct Refused<'a, 'k> {
    kpis: &'k KpiTable,
    into: &'a mut Vec<KpiDefect>,
}

impl<'de> Shape<'de> for Refused<'_, '_> {
    type Value = ();
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(ABOVE_HIGHEST)
    }

    fn null(self) {}

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(name) = object.next_key_seed(Key)? {
            let Some(kpi) = self.kpis.find(&name) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            for (key, raw) in object.next_value::<BTreeMap<String, f64>>()? {
                self.into.push(KpiDefect { kpi, key, defect: Defect::TooHigh(raw.to_string()) });
            }
        }
        Ok(())
    }
}

/// Gross edge where the file has none (missing or null, not 0), marked as such.
fn impute_gross(summary: &mut Summary) {
    if summary.defects.iter().any(|d| d.kpi == KpiId::GROSS_BPS) {
        return;
    }
    if let Some(gross) = imputed_gross(&summary.values) {
        summary.values[KpiId::GROSS_BPS.index()] = Some(gross);
        summary.gross_imputed = true;
    }
}

/// Maker and taker fills, by volume and by count.
#[derive(Debug, Default)]
struct Fills {
    maker_volume: Option<Reading>,
    taker_volume: Option<Reading>,
    maker_count: Option<Reading>,
    taker_count: Option<Reading>,
}

impl Fills {
    fn accept<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let slot = match key {
            "maker_volume" => &mut self.maker_volume,
            "taker_volume" => &mut self.taker_volume,
            "maker_count" => &mut self.maker_count,
            "taker_count" => &mut self.taker_count,
            _ => return Ok(false),
        };
        reading_once(slot, key, map)?;
        Ok(true)
    }

    /// Whether any of the numbers is there.
    fn is_there(&self) -> bool {
        [self.maker_volume, self.taker_volume, self.maker_count, self.taker_count].iter().any(Option::is_some)
    }

    /// maker + taker by count, else by volume.
    fn total(&self) -> Option<f64> {
        total(self.maker_count, self.taker_count).or_else(|| total(self.maker_volume, self.taker_volume))
    }

    /// maker ÷ (maker + taker) by volume, else by count.
    fn maker_share(&self) -> Option<(f64, &'static str)> {
        share(self.maker_volume, self.taker_volume)
            .map(|value| (value, "fills (volume)"))
            .or_else(|| share(self.maker_count, self.taker_count).map(|value| (value, "fills (count)")))
    }
}

fn total(maker: Option<Reading>, taker: Option<Reading>) -> Option<f64> {
    match (maker?, taker?) {
        (Reading::Value(maker), Reading::Value(taker)) if maker >= 0.0 && taker >= 0.0 => {
            Finite::new(maker + taker).map(Finite::get)
        }
        _ => None,
    }
}

fn share(maker: Option<Reading>, taker: Option<Reading>) -> Option<f64> {
    match (maker?, taker?) {
        (Reading::Value(maker), Reading::Value(taker))
            if maker >= 0.0 && taker >= 0.0 && maker + taker > 0.0 =>
        {
            Finite::new(maker / (maker + taker)).map(Finite::get)
        }
        _ => None,
    }
}

/// `fills`: an object, or a plain number in old files, which says nothing about the shares.
struct FillsShape<'f>(&'f mut Fills);

impl<'de> Shape<'de> for FillsShape<'_> {
    type Value = ();
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("fills")
    }

    fn null(self) {}

    fn number<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(Key)? {
            if !self.0.accept(&key, &mut object)? {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
