//! The values of a KPI that a search for drifts and changes of level looks at.

use rayon::prelude::*;

use crate::core::kpi::{Direction, KpiId};
use crate::core::text::number::TOLERANCE;
use crate::core::verdict::Comparison;

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
    /// Where the KPI is in the end, if that lies behind the points: what came back is nothing that got worse.
    pub later: Option<f64>,
}

/// Threads pay only where there is much to do: more values than these.
const WORTH_A_THREAD: usize = 4000;

/// One answer a column; at the same time where there are many values.
pub(super) fn each<T: Send>(columns: &[Column], answer: impl Fn(&Column) -> T + Send + Sync) -> Vec<T> {
    let values: usize = columns.iter().map(|column| column.points.len()).sum();
    if values > WORTH_A_THREAD {
        columns.par_iter().map(answer).collect()
    } else {
        columns.iter().map(answer).collect()
    }
}

impl Column {
    /// The values alone.
    pub(super) fn values(&self) -> Vec<f64> {
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

    /// Whether a movement from a level is one for the worse and large enough to count.
    pub(super) fn gets_worse(&self, from: f64, to: f64, relative_change: f64) -> bool {
        self.is_worse(to - from) && (to - from).abs() > self.least(from, relative_change) + TOLERANCE
    }

    /// The smallest movement from a level that counts.
    pub(super) fn least(&self, level: f64, relative_change: f64) -> f64 {
        (relative_change * level.abs()).max(self.floor)
    }
}
