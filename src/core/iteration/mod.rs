//! One iteration as the judge sees it: KPI values, tuning, overrides in force.
//!
//! What was unknown in the file is `None` here. How files spell things is the business of `core::load`.

pub mod guards;

pub mod tally;

pub mod signatures;

pub mod params;

pub mod manifest;

pub mod recorded;

pub mod bot_metrics;

pub mod edge;

pub mod events;

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use super::kpi::KpiId;
use crate::core::iteration::events::Events;
use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::series::instant;
use crate::core::trend::resources::ResourceValues;

/// Why a KPI that is in the file has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// `null`.
    Null,
    /// NaN or an infinity.
    NotFinite,
    /// Not a number; holds what it was.
    NotANumber(&'static str),
    /// A number that cannot be true, such as a negative latency; holds it as text.
    Impossible(String),
    /// A ratio above its highest, such as a share of 101.5 %; holds the number as it is in the file.
    TooHigh(String),
}

impl Defect {
    /// What is wrong, to follow the key.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "is null".to_owned(),
            Self::NotFinite => "is not finite".to_owned(),
            Self::NotANumber(what) => format!("is {what}, not a number"),
            Self::Impossible(value) => format!("is {value}, which cannot be"),
            Self::TooHigh(value) => format!("is {value}, above the highest value that a ratio can have"),
        }
    }
}

impl KpiDefect {
    /// What is wrong with a number, in the KPI's unit, that cannot be true; `raw` is what the file has under `key`.
    pub fn impossible(kpi: KpiId, key: &str, value: f64, raw: f64) -> Self {
        let defect =
            if kpi.is_too_high(value) { Defect::TooHigh } else { Defect::Impossible }(raw.to_string());
        Self { kpi, key: key.to_owned(), defect }
    }
}

/// A KPI that is in the file without a usable value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KpiDefect {
    /// The KPI.
    pub kpi: KpiId,
    /// The key as it is in the file.
    pub key: String,
    /// What is wrong with it.
    pub defect: Defect,
}

/// What applying a delta did to a parameter, as the runner recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedValue {
    /// The parameter.
    pub param: ParamName,
    /// Value before.
    pub old: Option<f64>,
    /// The proposed increment.
    pub delta: Option<f64>,
    /// Value after.
    pub new: Option<f64>,
    /// Whether a bound shortened the step.
    pub at_bound: bool,
}

/// Why nothing, or less than proposed, was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkipReason {
    /// The documented code of the guard that prevented the change.
    pub code: Option<Arc<str>>,
    /// Free text.
    pub note: Option<Arc<str>>,
}

/// The tuning record of an iteration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    /// Proposed increments.
    pub deltas: ParamValues,
    /// Whether they were applied, as the file says.
    pub applied: Option<bool>,
    /// What applying did, per parameter.
    pub applied_values: Vec<AppliedValue>,
    /// Keys that a guard dropped, with the guard's code.
    pub dropped: Vec<(ParamName, Arc<str>)>,
    /// Why nothing was applied.
    pub skip: Option<SkipReason>,
    /// Keys that were written.
    pub changed_keys: Vec<ParamName>,
    /// The guards that spoke.
    pub guards: GuardSet,
    /// Whether a freeze started, was in force, or was the reason of a skip.
    pub freeze: bool,
    /// Why a freeze started.
    pub freeze_reason: Option<Arc<str>>,
    /// Signature of the deltas.
    pub signature: Option<Arc<str>>,
    /// Hash of the overrides after applying.
    pub state_hash: Option<Arc<str>>,
    /// Hash of the overrides before applying.
    pub old_hash: Option<Arc<str>>,
}

impl Tuning {
    /// Whether a freeze started, was in force, or held back a proposal. Every count of freezes counts these
    /// iterations.
    pub fn is_frozen(&self) -> bool {
        self.freeze || self.guards.contains(Guard::Freeze)
    }

    /// The guards that spoke, a freeze in force included.
    pub fn spoke(&self) -> GuardSet {
        let mut spoke = self.guards;
        if self.freeze {
            spoke.insert(Guard::Freeze);
        }
        spoke
    }

    /// The signature, else the state hash.
    pub fn signature_or_hash(&self) -> Option<&Arc<str>> {
        self.signature.as_ref().or(self.state_hash.as_ref())
    }
}

/// One iteration of one symbol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Iteration {
    /// Its number; the file name counts.
    pub number: u64,
    /// Name of its file; kept only where a KPI of the verdict is missing or something has no usable value.
    pub file: Option<Arc<str>>,
    /// `runtime_utc` as written.
    pub time: Option<Arc<str>>,
    /// Values by KPI index; `None` = unknown.
    pub values: Vec<Option<f64>>,
    /// KPIs that are in the file without a usable value.
    pub defects: Vec<KpiDefect>,
    /// KPIs that were read under another name than their own.
    pub respelled: Vec<(KpiId, Arc<str>)>,
    /// maker ÷ (maker + taker) of the fills, by volume, else by count; `None` where the file has no fills.
    pub fills_maker_share: Option<f64>,
    /// Whether `gross_bps` was computed from net and costs.
    pub gross_imputed: bool,
    /// Why the measurements could not be collected; such an iteration never passes.
    pub collection_failed: Option<Arc<str>>,
    /// The runner's own verdict on the iteration.
    pub kpi_verdict: Option<Arc<str>>,
    /// WARMUP, RAMPDOWN or STEADY, as written.
    pub phase: Option<Arc<str>>,
    /// Cost components that made the edge negative.
    pub negative_drivers: Vec<Arc<str>>,
    /// Tuning record.
    pub tuning: Tuning,
    /// Overrides in force while the iteration ran.
    pub overrides: Option<Arc<ParamValues>>,
    /// Fills behind the measurements: their number, else their volume; `None` = unknown.
    pub fills: Option<f64>,
    /// What the watched process tree used.
    pub resources: Option<Box<ResourceValues>>,
    /// Restarts and marks; `None` = the file has none.
    pub events: Option<Box<Events>>,
    /// Why the resources could not be sampled; `None` = they could, or nobody was to.
    pub resources_failed: Option<Arc<str>>,
}

/// The first time stamp of some iterations, as written; what is no time takes no part.
pub fn first_time<'i>(iterations: impl Iterator<Item = &'i Iteration>) -> Option<&'i str> {
    stamped(iterations).min().map(|(_, text)| text)
}

/// The last one.
pub fn last_time<'i>(iterations: impl Iterator<Item = &'i Iteration>) -> Option<&'i str> {
    stamped(iterations).max().map(|(_, text)| text)
}

fn stamped<'i>(
    iterations: impl Iterator<Item = &'i Iteration>,
) -> impl Iterator<Item = (DateTime<Utc>, &'i str)> {
    iterations.filter_map(|iteration| Some((iteration.instant()?, iteration.time.as_deref()?)))
}

/// The gross edge, bps, where it was not measured: net plus the 95th percentiles of the costs plus fees, an
/// upper bound. `None` where it was measured, or where net or both costs are unknown. `values` by KPI index.
pub fn imputed_gross(values: &[Option<f64>]) -> Option<f64> {
    let get = |kpi: KpiId| values.get(kpi.index()).copied().flatten();
    let (adverse, slippage) = (get(KpiId::ADVERSE_BPS_P95), get(KpiId::SLIPPAGE_BPS_P95));
    if get(KpiId::GROSS_BPS).is_some() || (adverse.is_none() && slippage.is_none()) {
        return None;
    }
    let fees = get(KpiId::FEES_BPS).unwrap_or(0.0);
    let gross = get(KpiId::NET_BPS)? + adverse.unwrap_or(0.0) + slippage.unwrap_or(0.0) + fees;
    // Finite parts can add up to what is no number any more.
    gross.is_finite().then_some(gross)
}

impl Iteration {
    /// When it ended, as its time stamp says; `None` = it has none, or one that is no time.
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        self.time.as_deref().and_then(instant::parse).map(|time| time.at)
    }

    /// The value of a KPI.
    pub fn value(&self, kpi: KpiId) -> Option<f64> {
        self.values.get(kpi.index()).copied().flatten()
    }
}

/// The name of the file of an iteration.
pub fn file_name(number: u64) -> String {
    format!("ITER_SUMMARY_{number}.json")
}

/// A time as files have it: RFC 3339 in UTC, with as many digits as it takes.
pub fn utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
