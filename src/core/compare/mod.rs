//! Two runs side by side: how far each KPI of the policy moved, whether that is for the better, and whether it is
//! more than the KPI's floor.
//!
//! Compares numbers that others measured; must not know where they come from or how they are shown.

pub mod conditions;
pub mod significance;
pub mod words;

use super::kpi::{Direction, KpiId};
use super::number::{Finite, TOLERANCE};
pub use super::policy::ORDER; // moved
use super::policy::{KpiRule, Statistic};

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

/// What is known about one side, in the order of the rules.
pub type Side = Vec<Measured>;

/// Which way a KPI went from A to B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// B is the same.
    Same,
    /// B is different, and the KPI has no good direction.
    Different,
}

impl Way {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Different => "different",
        }
    }
}

/// How far a KPI moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// B − A, in the KPI's unit.
    pub absolute: f64,
    /// In percent of |A|, with the sign of the difference. `None` where it would say nothing: A is nearer to 0
    /// than the KPI's floor, or A and B lie on different sides of 0.
    pub percent: Option<f64>,
    /// Which way.
    pub way: Way,
    /// Whether it is more than the KPI's floor.
    pub exceeds_floor: bool,
}

impl Change {
    /// Whether it is for the worse by more than the floor.
    pub fn is_regression(&self) -> bool {
        self.way == Way::Worse && self.exceeds_floor
    }
}

/// One KPI on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The KPI.
    pub kpi: KpiId,
    /// What was compared: medians, or means where a side knows no median.
    pub statistic: Statistic,
    /// A, in the KPI's unit; `None` = unknown.
    pub a: Option<f64>,
    /// B, in the KPI's unit; `None` = unknown.
    pub b: Option<f64>,
    /// The change; `None` when a side is unknown.
    pub change: Option<Change>,
    /// Values of A and of B behind the statistic; `None` = unknown.
    pub n: [Option<usize>; 2],
    /// Whether it is judged, or only shown.
    pub judged: bool,
}

impl Row {
    /// Whether it is worse by more than its floor, and that counts.
    pub fn is_regression(&self) -> bool {
        self.judged && self.change.is_some_and(|change| change.is_regression())
    }

    /// Whether it should be judged and cannot be.
    pub fn is_unknown(&self) -> bool {
        self.judged && self.change.is_none()
    }
}

/// Compares the KPIs that the policy limits, and those that a side knows, in the order of the rules.
pub fn compare(a: &Side, b: &Side, rules: &[KpiRule]) -> Vec<Row> {
    let sides = rules.iter().zip(a.iter().zip(b));
    sides
        .filter(|(rule, (a, b))| rule.required || a.is_known() || b.is_known())
        .map(|(rule, (a, b))| row(rule, a, b))
        .collect()
}

fn row(rule: &KpiRule, of_a: &Measured, of_b: &Measured) -> Row {
    // Older snapshots know nothing but means; a median beside a mean would be a difference of its own.
    let only_mean = |side: &Measured| side.median.is_none() && side.mean.is_some();
    let (statistic, a, b) = if only_mean(of_a) || only_mean(of_b) {
        (Statistic::Mean, of_a.mean, of_b.mean)
    } else {
        (Statistic::Median, of_a.median, of_b.median)
    };
    let known = rule.kpi;
    let change = a.zip(b).and_then(|(a, b)| change(a, b, known.floor, known.direction));
    let judged = rule.margin.is_some() && known.direction.is_some();
    Row { kpi: rule.kpi, statistic, a, b, change, n: [of_a.n, of_b.n], judged }
}

/// `None` when the difference is no finite number.
fn change(a: f64, b: f64, floor: f64, direction: Option<Direction>) -> Option<Change> {
    let absolute = Finite::new(b - a)?.get();
    let crosses_zero = (a < 0.0) != (b < 0.0);
    let near_zero = a.abs() < floor || a == 0.0;
    let percent = if crosses_zero || near_zero { None } else { Finite::new(absolute / a.abs() * 100.0) }
        .map(Finite::get);
    let way = way(absolute, direction);
    Some(Change { absolute, percent, way, exceeds_floor: absolute.abs() > floor + TOLERANCE })
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
    use super::ORDER;
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::KpiId;
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
