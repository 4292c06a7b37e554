//! `[compare]`: which KPIs of two runs are compared, when one is worse, and what must not differ.

use std::collections::BTreeSet;

use strum::VariantArray as _;

use crate::core::compare::conditions::Condition;
use crate::core::config::values::{Parsed, error_rate, from_one, names, not_negative, switch, whole};
use crate::core::config::{Keep, Read, Value, section};
use crate::core::kpi::KpiId;
use crate::core::text::did_you_mean;
use crate::core::verdict::LimitSource;

use super::declared::Table;
use super::gates::{GateSet, min_iterations};
use super::limits::{Limit, WindowSpec, kpis_of, window};

/// The KPIs of the verdict in the order of the comparison: by name, before all others.
pub const ORDER: [KpiId; 4] =
    [KpiId::MAKER_TAKER_RATIO, KpiId::NET_BPS, KpiId::P95_LATENCY_MS, KpiId::RISK_RATIO];

/// Up to which size a shift of a KPI counts for nothing in a comparison: the larger of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Margin {
    /// In the KPI's unit.
    pub absolute: Limit,
    /// As a share of the size of A. Near 0 it is next to nothing, and the absolute margin holds.
    pub relative: Limit,
}

impl Margin {
    /// The margin around a mean of A, in the KPI's unit.
    pub fn around(&self, a: f64) -> f64 {
        self.absolute.value.max(self.relative.value * a.abs())
    }
}

/// A KPI that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiRule {
    pub kpi: KpiId,
    /// Shifts up to it count for nothing; `None` = the KPI is shown and not judged.
    pub margin: Option<Margin>,
    /// Whether the policy limits it in every iteration, so that two runs without it cannot be compared either.
    pub required: bool,
}

section! {
    /// When a run is worse than another one.
    #[derive(Clone, Debug, PartialEq)]
    pub struct CompareRules {
        /// The iterations that are compared for significance.
        pub window: WindowSpec = window,
        /// How often an unchanged build may be called worse in any KPI, all planned looks together.
        pub error_rate: Limit = error_rate,
        /// Planned extensions that the error rate allows for: 0 or 1.
        pub extensions: u64 = extensions,
        /// With fewer values on a side the data is insufficient.
        pub min_iterations: usize { |t| min_iterations(t, t.required("window", window)) },
        /// The KPIs: those of the verdict by name, then the other ones by name.
        pub kpis: Vec<KpiRule> { compared },
        /// Conditions in which two runs must not differ.
        pub refuse: Vec<Condition> = conditions,
        /// When a wider spread counts.
        pub spread: SpreadRules,
    }
}

section! {
    /// When a wider spread, or a longer tail on the bad side, counts.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SpreadRules {
        /// Whether it counts as a regression; else it is advisory.
        pub gates: bool = switch => false,
        /// Up to so many times the spread of before that of after counts for nothing.
        pub ratio: f64 = from_one => 1.0,
    }
}

impl CompareRules {
    /// The place of a KPI in [`CompareRules::kpis`].
    pub fn position(&self, kpi: KpiId) -> Option<usize> {
        self.kpis.iter().position(|rule| rule.kpi == kpi)
    }
}

/// The KPIs of the verdict, then by name every KPI that the policy declares, limits in each iteration, or gives a
/// margin.
fn compared(t: &Table<'_>) -> Read<Vec<KpiRule>> {
    let kpis = t.kpis();
    let (is_on, relative) = (t.enabled(), Limit::keep(t, "relative", not_negative));
    let is_out = matches!(is_on, Ok(false));
    let own = kpis_of(t);
    let limited = GateSet::per_iteration(&t.root().at("iteration_pass"));
    let limited: BTreeSet<KpiId> =
        limited.map(|set| set.checks.iter().map(|gate| gate.kpi).collect()).unwrap_or_default();
    let table_of = |kpi| own.iter().find(|(of, _)| *of == kpi).map(|(_, table)| table);
    let is_declared = |kpi: KpiId| !kpi.is_built_in();
    let first: Vec<KpiId> = ORDER.into_iter().filter(|kpi| kpis.find(kpi.name) == Some(*kpi)).collect();
    let mut others: Vec<KpiId> = kpis.ids().filter(|kpi| !ORDER.contains(kpi)).collect();
    others.retain(|kpi| is_declared(*kpi) || limited.contains(kpi) || table_of(*kpi).is_some());
    if !first.is_empty() {
        others.sort_by_key(|kpi| kpi.name);
    }
    let rules: Vec<Read<KpiRule>> = first
        .into_iter()
        .chain(others)
        .map(|kpi| {
            let margin = margin(kpi, table_of(kpi), &relative)?.filter(|_| !is_out);
            Ok(KpiRule { kpi, required: limited.contains(&kpi) && margin.is_some(), margin })
        })
        .collect();
    is_on?;
    rules.into_iter().collect()
}

/// The margin of a KPI: its own, else its floor and the share for all; `None` where it is not judged.
fn margin(kpi: KpiId, own: Option<&Table<'_>>, relative: &Read<Limit>) -> Read<Option<Margin>> {
    let (mut own_absolute, mut own_relative, mut is_judged) = (None, None, true);
    if let Some(own) = own {
        // All are read before one of them ends it, so that each is known.
        let margins = ["absolute", "relative"].map(|key| Option::<Limit>::keep(own, key, not_negative));
        is_judged = own.enabled()?;
        let [absolute, relative] = margins;
        (own_absolute, own_relative) = (absolute?, relative?);
        if kpi.direction.is_none() {
            let problem =
                format!("`{}` has no direction, so neither way is worse; it has no margin", kpi.name);
            return Err(own.fault(problem));
        }
    }
    if kpi.direction.is_none() || !is_judged {
        return Ok(None);
    }
    let floor = || Limit {
        value: kpi.floor,
        source: LimitSource { key: format!("kpi.{}.floor", kpi.name), origin: "the KPI's floor".to_owned() },
    };
    let relative = own_relative.map_or_else(|| relative.clone(), Ok)?;
    Ok(Some(Margin { absolute: own_absolute.unwrap_or_else(floor), relative }))
}

/// The error rates are known for no more than one planned extension.
fn extensions(value: &Value) -> Parsed<u64> {
    match whole(value)? {
        count @ (0 | 1) => Ok(count),
        count => Err(format!("expected 0 or 1, found {count}: the error rate is known for no more looks")),
    }
}

/// Words of conditions.
fn conditions(value: &Value) -> Parsed<Vec<Condition>> {
    let parse = |word: &String| {
        word.parse::<Condition>().map_err(|_| {
            let known = Condition::VARIANTS.iter().map(|known| known.word()).collect::<Vec<_>>();
            let meant = did_you_mean(word, known.iter().copied());
            format!("unknown condition `{word}`{meant}; expected some of {}", known.join(", "))
        })
    };
    names(value)?.iter().map(parse).collect()
}
