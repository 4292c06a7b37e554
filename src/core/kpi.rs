//! Which measurements there are: identity, unit, direction, floor, and the names they go by in files.
//!
//! The built-in KPIs are constants; a policy may declare more, which then take part in windows, checks,
//! reports and metrics like the others. Limits do not live here, they live in the policy.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::number::Finite;

/// A KPI, by its place in the [`KpiTable`] of the run being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KpiId(pub(super) u16);

impl KpiId {
    /// Net edge after all costs.
    pub const NET_BPS: Self = Self(0);
    /// Share of decisions that the risk check blocked.
    pub const RISK_RATIO: Self = Self(1);
    /// Maker share: maker ÷ (maker + taker), despite its name.
    pub const MAKER_TAKER_RATIO: Self = Self(2);
    /// 95th percentile of the tick-to-order latency.
    pub const P95_LATENCY_MS: Self = Self(3);
    /// 95th percentile of the adverse selection cost.
    pub const ADVERSE_BPS_P95: Self = Self(4);
    /// 95th percentile of the slippage cost.
    pub const SLIPPAGE_BPS_P95: Self = Self(5);
    /// Gross edge before costs.
    pub const GROSS_BPS: Self = Self(6);
    /// Fees paid.
    pub const FEES_BPS: Self = Self(7);
    /// Mean slippage cost.
    pub const SLIPPAGE_BPS: Self = Self(8);
    /// Mean adverse selection cost.
    pub const ADVERSE_BPS: Self = Self(9);
    /// Inventory cost.
    pub const INVENTORY_BPS: Self = Self(10);
    /// Cancelled ÷ placed orders.
    pub const CANCEL_RATIO: Self = Self(11);
    /// 95th percentile of the age of a resting order.
    pub const ORDER_AGE_P95_MS: Self = Self(12);
    /// 95th percentile of the market data lag.
    pub const WS_LAG_P95_MS: Self = Self(13);
    /// Share of decisions blocked by the minimum interval.
    pub const MIN_INTERVAL_RATIO: Self = Self(14);
    /// Share of decisions blocked by the concurrency limit.
    pub const CONCURRENCY_RATIO: Self = Self(15);

    /// The four KPIs of the verdict, in the order of the original documents.
    pub const OF_THE_VERDICT: [Self; 4] =
        [Self::RISK_RATIO, Self::MAKER_TAKER_RATIO, Self::NET_BPS, Self::P95_LATENCY_MS];

    /// Position in the table and in every column set.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What the numbers of a KPI are counted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Basis points, 1/100 of a percent.
    Bps,
    /// Milliseconds.
    Milliseconds,
    /// A share, usually between 0 and 1.
    Ratio,
    /// Anything else, by the name that the policy gives it.
    Other(String),
}

impl Unit {
    /// The unit as it stands behind a number; empty for ratios.
    pub fn symbol(&self) -> &str {
        match self {
            Self::Bps => "bps",
            Self::Milliseconds => "ms",
            Self::Ratio => "",
            Self::Other(name) => name,
        }
    }

    /// Decimals that reports show.
    pub fn decimals(&self) -> usize {
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

/// A name that a KPI goes by in files, and the factor that turns that spelling into the KPI's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spelling {
    /// The key in the file.
    pub key: String,
    /// Multiplied with the value as read.
    pub scale: f64,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Kpi {
    /// Canonical name, as in reports and metrics.
    pub name: String,
    /// Unit of its values.
    pub unit: Unit,
    /// Which way is good; `None` for costs and components that are only shown.
    pub direction: Option<Direction>,
    /// Absolute floor: changes smaller than this are never called a change, in the KPI's unit.
    pub floor: f64,
    /// Smallest value that can be true; `None` where any is.
    pub lowest: Option<f64>,
    /// Largest value that can be true; `None` where any is.
    pub highest: Option<f64>,
    /// Whether a number above 1 in a file is a percentage: built-in ratios only. What a policy declares is taken as it is.
    pub reads_percent: bool,
    /// Names in files, the canonical one first; the first present wins.
    pub spellings: Vec<Spelling>,
}

/// So much beyond its bounds a ratio is a rounding error.
const RATIO_TOLERANCE: f64 = 1e-9;

impl Kpi {
    /// Its name in base units (seconds, ratios), as metrics want it, and how many of its own units make one of those.
    pub fn base_unit(&self) -> (String, f64) {
        match &self.unit {
            Unit::Bps => (self.name.replace("_bps", "_ratio"), 10_000.0),
            Unit::Milliseconds => (self.name.replace("_ms", "_seconds"), 1000.0),
            Unit::Ratio | Unit::Other(_) => (self.name.clone(), 1.0),
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

/// The KPIs of this run: the built-in ones, then the declared ones in the order of their names.
#[derive(Clone, Debug)]
pub struct KpiTable {
    kpis: Vec<Kpi>,
    by_key: HashMap<String, (KpiId, u8), BuildHasherDefault<Fnv>>,
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
pub enum DeclareError {
    /// The name or an alias is taken.
    #[error("`{key}` is already a name of KPI `{owner}`")]
    Taken {
        /// The clashing key.
        key: String,
        /// The KPI that owns it.
        owner: String,
    },
    /// More KPIs or spellings than the table can index.
    #[error("too many KPIs or aliases are declared (at most 1000 KPIs with 250 aliases each)")]
    TooMany,
}

impl Default for KpiTable {
    fn default() -> Self {
        let mut table = Self { kpis: Vec::new(), by_key: HashMap::default() };
        for kpi in builtin() {
            let declared = table.declare(kpi);
            debug_assert!(declared.is_ok(), "built-in KPIs have distinct names");
        }
        table
    }
}

impl KpiTable {
    /// Adds a KPI and returns its id.
    pub fn declare(&mut self, kpi: Kpi) -> Result<KpiId, DeclareError> {
        if self.kpis.len() >= 1000 || kpi.spellings.len() > 250 {
            return Err(DeclareError::TooMany);
        }
        let id = KpiId(u16::try_from(self.kpis.len()).map_err(|_| DeclareError::TooMany)?);
        for spelling in &kpi.spellings {
            if let Some((owner, _)) = self.by_key.get(&spelling.key) {
                return Err(DeclareError::Taken {
                    key: spelling.key.clone(),
                    owner: self.get(*owner).name.clone(),
                });
            }
        }
        for (rank, spelling) in (0u8..).zip(&kpi.spellings) {
            self.by_key.insert(spelling.key.clone(), (id, rank));
        }
        self.kpis.push(kpi);
        Ok(id)
    }

    /// The KPI behind an id of this table.
    pub fn get(&self, id: KpiId) -> &Kpi {
        &self.kpis[id.index()]
    }

    /// Its canonical name.
    pub fn name(&self, id: KpiId) -> &str {
        &self.get(id).name
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
    pub fn ids(&self) -> impl Iterator<Item = KpiId> + use<> {
        (0u16..).take(self.kpis.len()).map(KpiId)
    }

    /// Number of KPIs.
    pub fn len(&self) -> usize {
        self.kpis.len()
    }

    /// Never true: there are always the built-in ones.
    pub fn is_empty(&self) -> bool {
        self.kpis.is_empty()
    }
}

fn builtin() -> Vec<Kpi> {
    use Direction::{Higher, Lower};
    let bps = |name, direction, spellings: &[&str]| kpi(name, Unit::Bps, direction, 0.05, spellings);
    let ms = |name, direction, spellings: &[&str]| Kpi {
        lowest: Some(0.0),
        ..kpi(name, Unit::Milliseconds, direction, 1.0, spellings)
    };
    let ratio = |name, direction, spellings: &[&str]| Kpi {
        lowest: Some(0.0),
        highest: Some(1.0),
        reads_percent: true,
        ..kpi(name, Unit::Ratio, direction, 0.005, spellings)
    };
    let mut risk = ratio("risk_ratio", Some(Lower), &["risk"]);
    risk.spellings.push(Spelling { key: "risk_percent".into(), scale: 0.01 });
    vec![
        bps("net_bps", Some(Higher), &["net", "edge_bps"]),
        risk,
        ratio("maker_taker_ratio", Some(Higher), &["maker_ratio"]),
        ms("p95_latency_ms", Some(Lower), &["latency_p95_ms", "latency_p95", "p95"]),
        bps("adverse_bps_p95", Some(Lower), &["adverse_p95", "adv_p95"]),
        bps("slippage_bps_p95", Some(Lower), &["slippage_p95", "sl_p95"]),
        bps("gross_bps", None, &[]),
        bps("fees_bps", None, &["fees_eff_bps"]),
        bps("slippage_bps", None, &[]),
        bps("adverse_bps", None, &[]),
        bps("inventory_bps", None, &[]),
        ratio("cancel_ratio", Some(Lower), &[]),
        ms("order_age_p95_ms", Some(Lower), &[]),
        ms("ws_lag_p95_ms", Some(Lower), &[]),
        ratio("min_interval_ratio", Some(Lower), &[]),
        ratio("concurrency_ratio", Some(Lower), &[]),
    ]
}

fn kpi(name: &str, unit: Unit, direction: Option<Direction>, floor: f64, others: &[&str]) -> Kpi {
    let spellings = std::iter::once(name)
        .chain(others.iter().copied())
        .map(|key| Spelling { key: key.to_owned(), scale: 1.0 })
        .collect();
    Kpi {
        name: name.to_owned(),
        unit,
        direction,
        floor,
        lowest: None,
        highest: None,
        reads_percent: false,
        spellings,
    }
}

#[cfg(test)]
mod tests;
