//! The course that KPIs take over a run: steady drifts and changes of level, each KPI by itself and judged as a
//! family.
//!
//! Pure statistics on columns; where they come from and which window they are is the caller's business. Must not
//! read files or time.

pub mod changes;
pub mod checks;
pub mod drift;
pub mod memory;
pub mod pace;

use super::kpi::{Direction, KpiId};
use super::policy::{Limit, WindowSpec};
use super::verdict::{Comparison, Severity};

pub use changes::{Change, KpiChanges};
pub use drift::{DriftVerdict, KpiDrift};
pub use pace::{Pace, PaceSource};

/// When the course of a KPI counts. The two tables of the policy, `[kpi_drift]` and `[change_points]`, share it.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseRules {
    /// Whether it joins the verdict of the whole.
    pub gates: bool,
    /// What a miss is.
    pub severity: Severity,
    /// Which iterations are looked at.
    pub window: WindowSpec,
    /// The probability of any false alarm over all KPIs together.
    pub false_alarm_rate: Limit,
    /// With fewer values nothing is decided.
    pub min_iterations: Limit,
    /// A movement smaller than this share of the level is none.
    pub relative_change: Limit,
}

/// Rules of the search for changes of level.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRules {
    /// What it shares with drifts.
    pub course: CourseRules,
    /// Fewest iterations on a level.
    pub min_segment: usize,
}

/// The values of a KPI in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The KPI.
    pub kpi: KpiId,
    /// Which way is good; `None` where both ways are a movement and neither is good.
    pub direction: Option<Direction>,
    /// Movements smaller than this are none, in the KPI's unit.
    pub floor: f64,
    /// The limit that a drift is heading for; `None` without one.
    pub limit: Option<(Comparison, f64)>,
    /// (iteration number, value), ordered by number; iterations without a value are left out.
    pub points: Vec<(u64, f64)>,
}

impl Column {
    /// The values alone.
    fn values(&self) -> Vec<f64> {
        self.points.iter().map(|(_, value)| *value).collect()
    }

    /// Whether a movement by this much is one for the worse. Without a direction every movement is.
    pub fn is_worse(&self, movement: f64) -> bool {
        match self.direction {
            Some(Direction::Higher) => movement < 0.0,
            Some(Direction::Lower) => movement > 0.0,
            None => movement != 0.0,
        }
    }

    /// The smallest movement from a level that counts.
    fn least(&self, level: f64, relative_change: f64) -> f64 {
        (relative_change * level.abs()).max(self.floor)
    }
}
