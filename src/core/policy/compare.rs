//! The rules of a comparison of two runs. No number of its own.

use super::{Limit, WindowSpec};
use crate::core::compare::conditions::Condition;
use crate::core::kpi::KpiId;

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
    /// The KPI.
    pub kpi: KpiId,
    /// Shifts up to it count for nothing; `None` = the KPI is shown and not judged.
    pub margin: Option<Margin>,
    /// Whether the policy limits it in every iteration, so that two runs without it cannot be compared either.
    pub required: bool,
}

/// When a run is worse than another one.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareRules {
    /// The iterations that are compared for significance.
    pub window: WindowSpec,
    /// How often an unchanged build may be called worse in any KPI, all planned looks together.
    pub error_rate: Limit,
    /// Planned extensions that the error rate allows for: 0 or 1.
    pub extensions: u64,
    /// With fewer values on a side nothing is told.
    pub min_iterations: usize,
    /// The KPIs: those of the verdict by name, then the other ones by name.
    pub kpis: Vec<KpiRule>,
    /// Conditions in which two runs must not differ.
    pub refuse: Vec<Condition>,
}

impl CompareRules {
    /// The place of a KPI in [`CompareRules::kpis`].
    pub fn position(&self, kpi: KpiId) -> Option<usize> {
        self.kpis.iter().position(|rule| rule.kpi == kpi)
    }
}
