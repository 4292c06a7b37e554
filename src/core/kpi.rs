//! Which measurements there are: identity, unit, direction, floor, and the names they go by in files.
//!
//! The built-in KPIs are constants; a policy may declare more, which then take part in windows, checks,
//! reports and metrics like the others. Limits do not live here, they live in the policy.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::core::text::number::{Finite, round_half_even, significant};

/// A KPI: a pointer to its definition, of which there is one in the process. Ordered as in the policy's list.
#[derive(Clone, Copy)]
pub struct KpiId(&'static Kpi);

impl KpiId {
    /// Net edge after all costs.
    pub const NET_BPS: Self = Self(&BUILT_IN[0]);
    /// Share of decisions that the risk check blocked.
    pub const RISK_RATIO: Self = Self(&BUILT_IN[1]);
    /// Maker share: maker ÷ (maker + taker), despite its name.
    pub const MAKER_TAKER_RATIO: Self = Self(&BUILT_IN[2]);
    /// 95th percentile of the tick-to-order latency.
    pub const P95_LATENCY_MS: Self = Self(&BUILT_IN[3]);
    /// 95th percentile of the adverse selection cost.
    pub const ADVERSE_BPS_P95: Self = Self(&BUILT_IN[4]);
    /// 95th percentile of the slippage cost.
    pub const SLIPPAGE_BPS_P95: Self = Self(&BUILT_IN[5]);
    /// Gross edge before costs.
    pub const GROSS_BPS: Self = Self(&BUILT_IN[6]);
    pub const FEES_BPS: Self = Self(&BUILT_IN[7]);
    /// Mean slippage cost.
    pub const SLIPPAGE_BPS: Self = Self(&BUILT_IN[8]);
    /// Mean adverse selection cost.
    pub const ADVERSE_BPS: Self = Self(&BUILT_IN[9]);
    pub const INVENTORY_BPS: Self = Self(&BUILT_IN[10]);
    /// Cancelled ÷ placed orders.
    pub const CANCEL_RATIO: Self = Self(&BUILT_IN[11]);
    /// 95th percentile of the age of a resting order.
    pub const ORDER_AGE_P95_MS: Self = Self(&BUILT_IN[12]);
    /// 95th percentile of the market data lag.
    pub const WS_LAG_P95_MS: Self = Self(&BUILT_IN[13]);
    /// Share of decisions blocked by the minimum interval.
    pub const MIN_INTERVAL_RATIO: Self = Self(&BUILT_IN[14]);
    /// Share of decisions blocked by the concurrency limit.
    pub const CONCURRENCY_RATIO: Self = Self(&BUILT_IN[15]);

    /// The four KPIs of the verdict, in the order of the original documents.
    pub const OF_THE_VERDICT: [Self; 4] =
        [Self::RISK_RATIO, Self::MAKER_TAKER_RATIO, Self::NET_BPS, Self::P95_LATENCY_MS];

    /// Position in the policy's list and in every column set.
    pub fn index(self) -> usize {
        usize::from(self.0.index)
    }

    /// Whether it is one of the constants; else a policy declares it.
    pub fn is_built_in(self) -> bool {
        self.index() < BUILT_IN.len()
    }

    /// Decimals that reports show of this value. Without `digits` in the policy they are enough for two significant
    /// digits, so that 0.0008 is not shown as 0.001.
    pub fn decimals_of(self, value: f64) -> usize {
        self.decimals_from(self.unit.decimals(), value)
    }

    /// The same where readers know so many decimals, whatever the unit is.
    pub fn decimals_from(self, usual: usize, value: f64) -> usize {
        let own = if self.is_built_in() { usual } else { usual.max(significant(value)) };
        self.digits.unwrap_or(own)
    }

    /// A value as a snapshot has it: so many decimals, and of a declared KPI at least four significant digits.
    pub fn published(self, value: f64, decimals: usize) -> f64 {
        let own = if self.is_built_in() { 0 } else { significant(value) + 2 };
        round_half_even(value, decimals.max(own))
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        self.0.label.unwrap_or(self.0.name)
    }

    /// These KPIs in the order of plots and of tables of spreads, with the names that their readers know.
    pub fn drawn(kpis: &[Self]) -> Vec<(Self, &'static str)> {
        let first = [
            (Self::NET_BPS, "net_bps"),
            (Self::RISK_RATIO, "risk_ratio"),
            (Self::P95_LATENCY_MS, "latency_p95_ms"),
            (Self::MAKER_TAKER_RATIO, "maker_taker_ratio"),
        ];
        let others = kpis.iter().filter(|kpi| first.iter().all(|(known, _)| known != *kpi));
        let first = first.iter().filter(|(kpi, _)| kpis.contains(kpi)).copied();
        first.chain(others.map(|kpi| (*kpi, kpi.name))).collect()
    }

    /// The one id of this definition; a definition seen for the first time is leaked.
    fn interned(kpi: Kpi) -> Self {
        static DECLARED: Mutex<Vec<&'static Kpi>> = Mutex::new(Vec::new());
        let mut declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = declared.iter().find(|known| ***known == kpi).copied();
        Self(known.unwrap_or_else(|| {
            let leaked: &'static Kpi = Box::leak(Box::new(kpi));
            declared.push(leaked);
            leaked
        }))
    }
}

impl Deref for KpiId {
    type Target = Kpi;

    fn deref(&self) -> &'static Kpi {
        self.0
    }
}

impl Ord for KpiId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.index.cmp(&other.0.index).then_with(|| self.0.name.cmp(other.0.name))
    }
}

impl PartialOrd for KpiId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KpiId {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for KpiId {}

impl Hash for KpiId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.index.hash(state);
    }
}

impl fmt::Debug for KpiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KpiId({})", self.0.name)
    }
}

impl fmt::Display for KpiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name)
    }
}

/// By name.
impl Serialize for KpiId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl JsonSchema for KpiId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Kpi".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// What is known of KPIs by their names, in their order: an object in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByKpi<T>(pub Vec<(&'static str, T)>);

impl<T: Serialize> Serialize for ByKpi<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, known)| (name, known)))
    }
}

/// The schema of an object by KPI: those of the trading profile are named, other policies have others.
pub fn by_kpi<T: JsonSchema>(generator: &mut SchemaGenerator, description: &str, named: &[&str]) -> Schema {
    let each = generator.subschema_for::<T>();
    let named = named.iter().map(|name| ((*name).to_owned(), each.clone().to_value()));
    schemars::json_schema!({
        "type": "object",
        "description": description,
        "properties": named.collect::<serde_json::Map<_, _>>(),
        "additionalProperties": each,
    })
}

/// What the numbers of a KPI are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Basis points, 1/100 of a percent.
    Bps,
    Milliseconds,
    /// A share, usually between 0 and 1.
    Ratio,
    /// Anything else, by the name that the policy gives it.
    Other(&'static str),
}

impl Unit {
    /// The unit as it is written behind a number; empty for ratios.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Bps => "bps",
            Self::Milliseconds => "ms",
            Self::Ratio => "",
            Self::Other(name) => name,
        }
    }

    /// Decimals that reports show.
    pub fn decimals(self) -> usize {
        match self {
            Self::Bps => 2,
            Self::Milliseconds => 0,
            Self::Ratio | Self::Other(_) => 3,
        }
    }
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// What the values of a KPI are.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantNames,
)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// Each value stands for itself.
    #[default]
    Level,
    /// What is held until it is released: descriptors, queues, memory, disk. Has no daily cycle of its own.
    Accumulating,
    /// A count that only grows; its rate per second is the KPI.
    Counter,
}

/// A name that a KPI goes by in files, and the factor that turns that spelling into the KPI's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spelling {
    /// The key in the file.
    pub key: &'static str,
    /// Multiplied with the value as read.
    pub scale: f64,
}

/// The definition of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Kpi {
    /// Canonical name, as in reports and metrics.
    pub name: &'static str,
    pub unit: Unit,
    /// `None` for costs and components that are only shown.
    pub direction: Option<Direction>,
    pub kind: Kind,
    /// It is shown and tested for the reports; the verdict does not rest on it.
    pub is_advisory: bool,
    /// What reports call it; `None` = its name.
    pub label: Option<&'static str>,
    /// Decimals that reports show; `None` = those of the unit.
    pub digits: Option<usize>,
    /// The exporter or job that measures it, for KPIs that fail together.
    pub job: Option<&'static str>,
    /// Changes smaller than this are never called a change, in the KPI's unit.
    pub floor: f64,
    /// Smallest value that can be true; `None` where any is.
    pub lowest: Option<f64>,
    /// Largest value that can be true; `None` where any is.
    pub highest: Option<f64>,
    /// Whether a number above 1 in a file is a percentage: built-in ratios only. What a policy declares is taken as it is.
    pub reads_percent: bool,
    /// Names in files, the canonical one first; the first present wins.
    pub spellings: Cow<'static, [Spelling]>,
    /// Position in the policy's list; set when it is declared.
    pub index: u16,
}

/// `text` for as long as the process lives: the same text is leaked once.
pub fn interned(text: &str) -> &'static str {
    static TEXTS: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = texts.iter().find(|known| **known == text).copied();
    known.unwrap_or_else(|| {
        let leaked: &'static str = Box::leak(text.into());
        texts.push(leaked);
        leaked
    })
}

/// So much beyond its bounds a ratio is a rounding error.
const RATIO_TOLERANCE: f64 = 1e-9;

impl Kpi {
    /// A KPI that a policy declares, with nothing but its names, the canonical one first.
    pub fn declared(names: &[&str]) -> Self {
        let spellings = names.iter().map(|name| Spelling { key: interned(name), scale: 1.0 });
        let spellings: Vec<Spelling> = spellings.collect();
        Self {
            name: spellings[0].key,
            unit: Unit::Other(""),
            direction: None,
            kind: Kind::Level,
            is_advisory: false,
            label: None,
            digits: None,
            job: None,
            floor: 0.0,
            lowest: None,
            highest: None,
            reads_percent: false,
            spellings: spellings.into(),
            index: 0,
        }
    }

    /// Decimals that reports show.
    pub fn decimals(&self) -> usize {
        self.digits.unwrap_or_else(|| self.unit.decimals())
    }

    /// Its name in base units (seconds, ratios), as metrics want it, and how many of its own units make one of those.
    pub fn base_unit(&self) -> (String, f64) {
        match self.unit {
            Unit::Bps => (self.name.replace("_bps", "_ratio"), 10_000.0),
            Unit::Milliseconds => (self.name.replace("_ms", "_seconds"), 1000.0),
            Unit::Ratio | Unit::Other(_) => (self.name.to_owned(), 1.0),
        }
    }

    /// Whether `value` (in the KPI's unit) can be a true measurement at all.
    pub fn is_possible(&self, value: f64) -> bool {
        self.lowest.is_none_or(|low| value >= low) && self.highest.is_none_or(|high| value <= high)
    }

    /// Whether `value` (in the KPI's unit) is a ratio above its highest.
    pub fn is_too_high(&self, value: f64) -> bool {
        self.unit == Unit::Ratio && self.highest.is_some_and(|high| value > high)
    }

    /// A value as a file has it under a spelling with this scale, in the KPI's unit. `None` when the result is no finite
    /// number.
    pub fn in_unit(&self, raw: f64, scale: f64) -> Option<f64> {
        // 0.01 as a factor would turn 42 into 0.42000000000000004.
        let mut value = if scale == 0.01 { raw / 100.0 } else { raw * scale };
        if self.is_percent(raw, scale) {
            value /= 100.0;
        }
        let value = Finite::new(value).map(Finite::get)?;
        Some(if self.unit == Unit::Ratio { self.without_rounding(value) } else { value })
    }

    /// Whether a value under a spelling with this scale is read as a percentage.
    pub fn is_percent(&self, raw: f64, scale: f64) -> bool {
        self.reads_percent && scale == 1.0 && raw > 1.0 + RATIO_TOLERANCE
    }

    fn without_rounding(&self, value: f64) -> f64 {
        match (self.lowest, self.highest) {
            (_, Some(high)) if value > high && value <= high + RATIO_TOLERANCE => high,
            (Some(low), _) if value < low && value >= low - RATIO_TOLERANCE => low,
            _ => value,
        }
    }
}

/// The KPIs of a policy: the built-in ones, then the declared ones in the order of their names. Enumerates them and
/// finds them by their names in files.
#[derive(Clone, Debug)]
pub struct KpiTable {
    ids: Vec<KpiId>,
    of_verdict: Vec<KpiId>,
    taken_out: Vec<&'static str>,
    by_key: HashMap<&'static str, (KpiId, u8), BuildHasherDefault<Fnv>>,
}

/// FNV-1a, 64 bits. Keys of files are short and looked up millions of times; the table is built from the
/// policy alone, so nobody can choose keys that collide.
#[derive(Clone, Copy, Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Why a KPI cannot be declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeclareError(String);

/// The built-in ones.
impl Default for KpiTable {
    fn default() -> Self {
        let mut table = Self { of_verdict: KpiId::OF_THE_VERDICT.to_vec(), ..Self::empty() };
        for kpi in &BUILT_IN {
            table.add(KpiId(kpi));
        }
        table
    }
}

impl KpiTable {
    /// None. The built-in ones keep their columns, which stay empty.
    pub fn empty() -> Self {
        Self { ids: Vec::new(), of_verdict: Vec::new(), taken_out: Vec::new(), by_key: HashMap::default() }
    }

    /// Adds a KPI and returns its id.
    pub fn declare(&mut self, kpi: Kpi) -> Result<KpiId, DeclareError> {
        let too_many = || {
            DeclareError(
                "too many KPIs or aliases are declared (at most 1000 KPIs with 250 aliases each)".to_owned(),
            )
        };
        if self.ids.len() >= 1000 || kpi.spellings.len() > 250 {
            return Err(too_many());
        }
        for spelling in &*kpi.spellings {
            if let Some((owner, _)) = self.by_key.get(spelling.key) {
                return Err(DeclareError(format!(
                    "`{}` is already a name of KPI `{}`",
                    spelling.key, owner.name
                )));
            }
        }
        let index = u16::try_from(self.columns()).map_err(|_| too_many())?;
        let id = KpiId::interned(Kpi { index, ..kpi });
        self.add(id);
        self.of_verdict.extend((id.direction.is_some() && !id.is_advisory).then_some(id));
        Ok(id)
    }

    /// Takes a KPI out that is declared with `enabled = false`: limits and queries that name it are not in force.
    pub fn take_out(&mut self, name: &str) {
        self.taken_out.push(interned(name));
    }

    /// Whether a KPI of this name is taken out.
    pub fn is_taken_out(&self, name: &str) -> bool {
        self.taken_out.contains(&name)
    }

    fn add(&mut self, id: KpiId) {
        for (rank, spelling) in (0u8..).zip(&*id.0.spellings) {
            self.by_key.insert(spelling.key, (id, rank));
        }
        self.ids.push(id);
    }

    /// The KPI with this canonical name.
    pub fn find(&self, name: &str) -> Option<KpiId> {
        self.by_key.get(name).filter(|(_, rank)| *rank == 0).map(|(id, _)| *id)
    }

    /// The KPI that goes by this key in files, and the rank of the spelling (0 = canonical).
    pub fn spelled(&self, key: &str) -> Option<(KpiId, u8)> {
        self.by_key.get(key).copied()
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = KpiId> + use<'_> {
        self.ids.iter().copied()
    }

    /// Those that the verdict rests on, in the order in which reports show them: declared with a direction, and not
    /// advisory.
    pub fn of_verdict(&self) -> &[KpiId] {
        &self.of_verdict
    }

    /// Whether it holds nothing but what a policy declares.
    pub fn is_closed(&self) -> bool {
        self.ids.first().is_none_or(|first| !first.is_built_in())
    }

    /// Leaves KPIs out of the verdict; they stay in the table.
    pub fn retain_of_verdict(&mut self, keep: impl Fn(KpiId) -> bool) {
        self.of_verdict.retain(|kpi| keep(*kpi));
    }

    /// Columns that the values of an iteration take: every [`KpiId::index`] is below.
    pub fn columns(&self) -> usize {
        self.ids.last().map_or(BUILT_IN.len(), |last| last.index() + 1)
    }
}

/// Names that take values as they are.
macro_rules! named {
    ($($key:literal),+) => { &[$(Spelling { key: $key, scale: 1.0 }),+] };
}

const fn kpi(index: u16, unit: Unit, floor: f64, spellings: &'static [Spelling]) -> Kpi {
    Kpi {
        name: spellings[0].key,
        unit,
        direction: None,
        kind: Kind::Level,
        is_advisory: false,
        label: None,
        digits: None,
        job: None,
        floor,
        lowest: None,
        highest: None,
        reads_percent: false,
        spellings: Cow::Borrowed(spellings),
        index,
    }
}

const fn bps(index: u16, direction: Option<Direction>, spellings: &'static [Spelling]) -> Kpi {
    let mut kpi = kpi(index, Unit::Bps, 0.05, spellings);
    kpi.direction = direction;
    kpi
}

const fn ms(index: u16, spellings: &'static [Spelling]) -> Kpi {
    let mut kpi = kpi(index, Unit::Milliseconds, 1.0, spellings);
    kpi.direction = Some(Direction::Lower);
    kpi.lowest = Some(0.0);
    kpi
}

const fn ratio(index: u16, direction: Direction, spellings: &'static [Spelling]) -> Kpi {
    let mut kpi = kpi(index, Unit::Ratio, 0.005, spellings);
    kpi.direction = Some(direction);
    kpi.lowest = Some(0.0);
    kpi.highest = Some(1.0);
    kpi.reads_percent = true;
    kpi
}

static BUILT_IN: [Kpi; 16] = {
    use Direction::{Higher, Lower};
    const PERCENT: Spelling = Spelling { key: "risk_percent", scale: 0.01 };
    const RISK: Spelling = Spelling { key: "risk_ratio", scale: 1.0 };
    [
        bps(0, Some(Higher), named!["net_bps", "net", "edge_bps"]),
        ratio(1, Lower, &[RISK, Spelling { key: "risk", ..RISK }, PERCENT]),
        ratio(2, Higher, named!["maker_taker_ratio", "maker_ratio"]),
        ms(3, named!["p95_latency_ms", "latency_p95_ms", "latency_p95", "p95"]),
        bps(4, Some(Lower), named!["adverse_bps_p95", "adverse_p95", "adv_p95"]),
        bps(5, Some(Lower), named!["slippage_bps_p95", "slippage_p95", "sl_p95"]),
        bps(6, None, named!["gross_bps"]),
        bps(7, None, named!["fees_bps", "fees_eff_bps"]),
        bps(8, None, named!["slippage_bps"]),
        bps(9, None, named!["adverse_bps"]),
        bps(10, None, named!["inventory_bps"]),
        ratio(11, Lower, named!["cancel_ratio"]),
        ms(12, named!["order_age_p95_ms"]),
        ms(13, named!["ws_lag_p95_ms"]),
        ratio(14, Lower, named!["min_interval_ratio"]),
        ratio(15, Lower, named!["concurrency_ratio"]),
    ]
};

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_constants_name_the_built_in_kpis() {
        let table = KpiTable::default();
        let expected = [
            (KpiId::NET_BPS, "net_bps"),
            (KpiId::RISK_RATIO, "risk_ratio"),
            (KpiId::MAKER_TAKER_RATIO, "maker_taker_ratio"),
            (KpiId::P95_LATENCY_MS, "p95_latency_ms"),
            (KpiId::ADVERSE_BPS_P95, "adverse_bps_p95"),
            (KpiId::SLIPPAGE_BPS_P95, "slippage_bps_p95"),
            (KpiId::GROSS_BPS, "gross_bps"),
            (KpiId::FEES_BPS, "fees_bps"),
            (KpiId::SLIPPAGE_BPS, "slippage_bps"),
            (KpiId::ADVERSE_BPS, "adverse_bps"),
            (KpiId::INVENTORY_BPS, "inventory_bps"),
            (KpiId::CANCEL_RATIO, "cancel_ratio"),
            (KpiId::ORDER_AGE_P95_MS, "order_age_p95_ms"),
            (KpiId::WS_LAG_P95_MS, "ws_lag_p95_ms"),
            (KpiId::MIN_INTERVAL_RATIO, "min_interval_ratio"),
            (KpiId::CONCURRENCY_RATIO, "concurrency_ratio"),
        ];
        assert_eq!(table.ids().count(), expected.len());
        for (id, name) in expected {
            assert_eq!(id.name, name);
            assert_eq!(table.find(name), Some(id));
        }
    }

    #[test]
    fn an_alias_finds_its_kpi_but_is_no_canonical_name() {
        let table = KpiTable::default();
        assert_eq!(table.spelled("edge_bps"), Some((KpiId::NET_BPS, 2)));
        assert_eq!(table.find("edge_bps"), None);
        assert_eq!(table.spelled("nonsense"), None);
    }

    #[test]
    fn a_declared_kpi_may_not_take_a_name_that_is_used() {
        let mut table = KpiTable::default();
        let rate = Unit::Other("1/s");
        let clash = kpi(0, rate, 0.0, named!["throughput", "net"]);
        let error = table.declare(clash).expect_err("`net` belongs to net_bps");
        assert_eq!(error.to_string(), "`net` is already a name of KPI `net_bps`");
        let fine = kpi(0, rate, 0.0, named!["throughput", "tps"]);
        let id = table.declare(fine).expect("a free name");
        assert_eq!((id.index(), id.name), (16, "throughput"));
        assert_eq!(table.spelled("tps"), Some((id, 1)));
    }

    #[test]
    fn one_definition_has_one_id_and_another_one_of_the_name_has_its_own() {
        let declare = |floor| {
            let kpi = kpi(0, Unit::Other("1/s"), floor, named!["throughput"]);
            KpiTable::default().declare(kpi).expect("a free name")
        };
        let (first, again, other) = (declare(0.0), declare(0.0), declare(1.0));
        assert!(
            std::ptr::eq::<Kpi>(&raw const *first, &raw const *again)
                && !std::ptr::eq::<Kpi>(&raw const *first, &raw const *other)
        );
        assert_eq!(serde_json::to_value([first]).expect("a name"), serde_json::json!(["throughput"]));
    }

    #[test]
    fn impossible_values_are_told_apart_from_bad_ones() {
        assert!(!KpiId::RISK_RATIO.is_possible(-0.1));
        assert!(KpiId::RISK_RATIO.is_possible(1.0));
        assert!(!KpiId::P95_LATENCY_MS.is_possible(-1.0));
        assert!(KpiId::NET_BPS.is_possible(-50.0));
    }

    #[test]
    fn a_built_in_ratio_above_one_is_a_percentage_and_a_declared_one_is_what_it_is() {
        let risk = KpiId::RISK_RATIO;
        for (raw, expected) in [
            (0.42, 0.42),
            (1.0, 1.0),
            (1.0 + 1e-9, 1.0),
            (1.5, 0.015),
            (42.0, 0.42),
            (100.0, 1.0),
            (100.000_000_05, 1.0),
            (101.5, 1.015),
            (-1e-10, 0.0),
            (-1e-8, -1e-8),
        ] {
            assert_eq!(risk.in_unit(raw, 1.0), Some(expected), "{raw}");
        }
        assert_eq!(risk.in_unit(42.0, 0.01), Some(0.42));
        assert!(risk.is_too_high(1.015) && !risk.is_too_high(1.0) && !risk.is_too_high(-0.1));
        let declared = Kpi { highest: Some(10.0), reads_percent: false, ..(*risk).clone() };
        for raw in [1.37, 9.5, 42.0] {
            assert_eq!(declared.in_unit(raw, 1.0), Some(raw));
        }
        assert_eq!(declared.in_unit(10.0 + 1e-10, 1.0), Some(10.0));
        assert!(declared.is_too_high(10.1) && !declared.is_too_high(9.9));
        assert!(!KpiId::P95_LATENCY_MS.is_too_high(1e300));
    }
}
