//! Two runs side by side: how far each KPI of the policy moved, whether that is for the better, and whether it is
//! more than the KPI's floor.
//!
//! Sides are read in [`sides`] and, where they were promoted, in [`baselines`]; [`significance`] judges single values;
//! [`result`] is what all formats show.

pub mod snapshot;

pub mod baselines;
pub mod conditions;
pub mod history;
pub mod result;
mod sentence;
pub mod sides;
pub mod significance;
mod warnings;

use schemars::JsonSchema;
use serde::Serialize;

use self::result::ComparedAnswer;
use super::kpi::Direction;
use super::policy::KpiRule;
use crate::core::text::number::{Finite, TOLERANCE};

use super::verdict::{Outcome, WindowUsed};

/// What is known about one KPI of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Median over the window, in the KPI's unit; `None` = unknown.
    pub median: Option<f64>,
    /// Mean over the window, in the KPI's unit; `None` = unknown.
    pub mean: Option<f64>,
    /// Values behind them; `None` = unknown.
    pub n: Option<usize>,
}

impl Measured {
    fn is_known(&self) -> bool {
        self.median.is_some() || self.mean.is_some()
    }
}

/// Which way a KPI went from A to B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(inline)]
pub enum Way {
    Better,
    Worse,
    Same,
    // The KPI has no good direction.
    Different,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedRun {
    /// Where it was read.
    pub path: String,
    /// `run` for a folder with iterations, `baseline` for one that was promoted, `snapshot` or `audit` for a file about
    /// a run.
    #[schemars(extend("enum" = ["run", "baseline", "snapshot", "audit"]))]
    pub kind: &'static str,
    /// Its true verdict where it is known, else the one that is written; null when there is none.
    pub verdict: Option<String>,
    /// The main reason of the verdict; null where it was read from a file.
    pub reason: Option<String>,
    /// The symbol compared; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// The iterations looked at; null where it was read from a file.
    pub window: Option<WindowUsed>,
}

impl ComparedRun {
    /// The verdict, where it says that the numbers prove nothing.
    pub fn cannot_judge(&self) -> Option<Outcome> {
        [Outcome::Inconclusive, Outcome::Invalid]
            .into_iter()
            .find(|outcome| self.verdict.as_deref() == Some(outcome.word()))
    }
}

/// A KPI on one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedValue {
    /// The statistic, unrounded where it comes from iterations, in the KPI's unit; null = unknown.
    pub value: Option<f64>,
    /// Values behind it; null = unknown.
    pub n: Option<usize>,
}

/// A KPI on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedKpi {
    /// Canonical name.
    pub kpi: String,
    /// Unit; empty for ratios.
    pub unit: String,
    /// Which way is good; null where neither is.
    #[schemars(extend("enum" = ["higher", "lower", null]))]
    pub good: Option<&'static str>,
    /// What was compared: `median`, or `mean` where a side knows no median.
    pub statistic: &'static str,
    /// Side A.
    pub a: ComparedValue,
    /// Side B.
    pub b: ComparedValue,
    /// B − A; null when a side is unknown.
    pub change: Option<f64>,
    /// The change in percent of |A|; null where A is nearer to 0 than the floor, or 0 lies between the two.
    pub change_percent: Option<f64>,
    /// Which way it went; null when a side is unknown.
    pub way: Option<Way>,
    /// Changes up to this size count for nothing, in the KPI's unit.
    pub floor: f64,
    /// Whether the change is more than the floor; null when a side is unknown.
    pub exceeds_floor: Option<bool>,
    /// Whether it is worse by more than what unchanged builds differ by; null where that was not asked, or a side has
    /// no single values.
    pub significance: Option<ComparedAnswer>,
    // Whether it is judged, or only shown.
    #[serde(skip)]
    pub judged: bool,
}

impl ComparedKpi {
    /// Whether it is worse by more than its floor, and that counts.
    pub fn is_regression(&self) -> bool {
        self.judged && self.way == Some(Way::Worse) && self.exceeds_floor == Some(true)
    }

    /// Whether it should be judged and cannot be.
    pub fn is_unknown(&self) -> bool {
        self.judged && self.change.is_none()
    }
}

/// An acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Acknowledged {
    /// The KPI whose change is known.
    pub kpi: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: String,
    /// Whether that day is over; then it does not count any more.
    pub expired: bool,
}

/// Compares the KPIs that the policy limits, and those that a side knows, in the order of the rules.
pub fn rows(a: &[Measured], b: &[Measured], rules: &[KpiRule]) -> Vec<ComparedKpi> {
    let sides = rules.iter().zip(a.iter().zip(b));
    sides
        .filter(|(rule, (a, b))| rule.required || a.is_known() || b.is_known())
        .map(|(rule, (a, b))| row(rule, a, b))
        .collect()
}

fn row(rule: &KpiRule, of_a: &Measured, of_b: &Measured) -> ComparedKpi {
    // Older snapshots know nothing but means; a median beside a mean would be a difference of its own.
    let only_mean = |side: &Measured| side.median.is_none() && side.mean.is_some();
    let (statistic, a, b) = if only_mean(of_a) || only_mean(of_b) {
        ("mean", of_a.mean, of_b.mean)
    } else {
        ("median", of_a.median, of_b.median)
    };
    let kpi = rule.kpi;
    // Unknown also where the difference is no finite number.
    let change = a.zip(b).and_then(|(a, b)| Finite::new(b - a)).map(Finite::get);
    ComparedKpi {
        kpi: kpi.name.to_owned(),
        unit: kpi.unit.symbol().to_owned(),
        good: kpi.direction.map(|direction| match direction {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        }),
        statistic,
        a: ComparedValue { value: a, n: of_a.n },
        b: ComparedValue { value: b, n: of_b.n },
        change,
        change_percent: a.zip(b).zip(change).and_then(|((a, b), change)| percent(a, b, change, kpi.floor)),
        way: change.map(|change| way(change, kpi.direction)),
        floor: kpi.floor,
        exceeds_floor: change.map(|change| change.abs() > kpi.floor + TOLERANCE),
        significance: None,
        judged: rule.margin.is_some() && kpi.direction.is_some(),
    }
}

/// In percent of |A|, with the sign of the difference. `None` where it would say nothing: A is nearer to 0 than the
/// KPI's floor, or A and B lie on different sides of 0.
fn percent(a: f64, b: f64, change: f64, floor: f64) -> Option<f64> {
    let crosses_zero = (a < 0.0) != (b < 0.0);
    let near_zero = a.abs() < floor || a == 0.0;
    if crosses_zero || near_zero { None } else { Finite::new(change / a.abs() * 100.0) }.map(Finite::get)
}

fn way(change: f64, direction: Option<Direction>) -> Way {
    match direction {
        _ if change.abs() <= TOLERANCE => Way::Same,
        Some(Direction::Higher) if change > 0.0 => Way::Better,
        Some(Direction::Lower) if change < 0.0 => Way::Better,
        Some(_) => Way::Worse,
        None => Way::Different,
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::KpiId;
    use crate::core::policy::ORDER;
    use crate::core::policy::{KpiRule, Margin};

    /// A required KPI with this absolute margin, or none.
    pub(crate) fn rule(kpi: KpiId, margin: Option<f64>) -> KpiRule {
        let margin = margin.map(|absolute| Margin { absolute: limit(absolute), relative: limit(0.0) });
        KpiRule { kpi, margin, required: true }
    }

    /// The KPIs of the verdict.
    pub(crate) fn four(margin: f64) -> Vec<KpiRule> {
        ORDER.map(|kpi| rule(kpi, Some(margin))).to_vec()
    }
}

#[cfg(test)]
mod tests;
