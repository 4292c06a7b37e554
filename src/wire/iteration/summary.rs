//! The measurements of an iteration, under all the names they have had.
//!
//! The first spelling that is *present* wins, not the first that is not zero: 0.0 is a value, and a null is
//! an answer too. Works for the `summary` object and for files that keep everything at one level.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess};

use super::resources::Resources;
use crate::core::drift::ResourceValues;
use crate::core::iteration::{Defect, KpiDefect, imputed_gross};
use crate::core::kpi::{Kpi, KpiId, KpiTable};
use crate::core::number::Finite;
use crate::wire::number::Reading;
use crate::wire::read::{Key, Read, Shape, Text, Texts, duplicate};

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
            any: false,
        }
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
            "maker_share_pct" => reading_once(&mut self.share_percent, key, map)?,
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
        let share_percent = self.share_percent_as_ratio();
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
            ..Summary::default()
        };
        for id in self.kpis.ids() {
            let kpi = self.kpis.get(id);
            let Some(slot) = self.slots[id.index()] else { continue };
            let spelling = &kpi.spellings[usize::from(slot.rank)];
            match usable(kpi, slot.reading, spelling.scale) {
                Ok(value) => {
                    summary.values[id.index()] = Some(value);
                    if slot.rank > 0 {
                        summary.respelled.push((id, Arc::from(spelling.key.as_str())));
                    }
                }
                // Components that are only shown are often null; that is no defect.
                Err(Defect::Null) if kpi.direction.is_none() => {}
                Err(defect) => {
                    summary.defects.push(KpiDefect { kpi: id, key: spelling.key.clone(), defect });
                }
            }
        }
        if self.slots[KpiId::MAKER_TAKER_RATIO.index()].is_none() {
            let share = of_fills.or(share_percent);
            if let Some((value, key)) = share {
                summary.values[KpiId::MAKER_TAKER_RATIO.index()] = Some(value);
                summary.respelled.push((KpiId::MAKER_TAKER_RATIO, Arc::from(key)));
            }
        }
        impute_gross(&mut summary);
        summary
    }

    fn share_percent_as_ratio(&self) -> Option<(f64, &'static str)> {
        match self.share_percent? {
            Reading::Value(percent) if (0.0..=100.0).contains(&percent) => {
                Some((percent / 100.0, "maker_share_pct"))
            }
            _ => None,
        }
    }
}

/// The value in the KPI's unit, or why there is none. A ratio above 1 is a percentage.
fn usable(kpi: &Kpi, reading: Reading, scale: f64) -> Result<f64, Defect> {
    let raw = match reading {
        Reading::Value(raw) => raw,
        Reading::Null => return Err(Defect::Null),
        Reading::NotFinite => return Err(Defect::NotFinite),
        Reading::Wrong(what) => return Err(Defect::NotANumber(what)),
    };
    let value = kpi.in_unit(raw, scale).ok_or(Defect::NotFinite)?;
    if kpi.is_possible(value) { Ok(value) } else { Err(Defect::Impossible(raw.to_string())) }
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

    /// maker ÷ (maker + taker) by volume, else by count.
    fn maker_share(&self) -> Option<(f64, &'static str)> {
        share(self.maker_volume, self.taker_volume)
            .map(|value| (value, "fills (volume)"))
            .or_else(|| share(self.maker_count, self.taker_count).map(|value| (value, "fills (count)")))
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
