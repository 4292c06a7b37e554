//! The values of a KPI that a search for drifts and changes of level looks at.

use rayon::prelude::*;

use crate::core::kpi::{Direction, Kind, KpiId};
use crate::core::policy::SeasonRule;
use crate::core::text::number::TOLERANCE;
use crate::core::verdict::Comparison;
use crate::stats::change_points;
use crate::stats::season::{Cycle, DAY};

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
    /// The time of each point, in hours from the time stamp of the first iteration of the run; empty where unknown.
    pub hours: Vec<f64>,
    /// Whether the points can show a daily cycle.
    pub season: Season,
    /// Where the KPI is in the end, if that lies behind the points: what came back is nothing that got worse.
    pub later: Option<f64>,
}

/// What a stretch of values says about a daily cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// It is no question: the policy or the kind of the KPI rules a cycle out, the stretch is too short to show a part of
    /// one, or its times are unknown.
    Off,
    /// Two periods and more are covered: a cycle can be estimated beside what moves.
    Resolved,
    /// Less than two periods are covered: a movement and a part of a cycle look alike.
    Unresolved {
        /// Whether the policy says that there is a cycle.
        declared: bool,
    },
}

/// In less than this share of a period no part of a cycle shows.
const SHOWS: f64 = 1.0 / 12.0;

/// Periods that it takes. The warm-up of a run of two days may be missing: a twentieth of them.
const PERIODS: f64 = 2.0 * 0.95;

impl Season {
    /// That of values at these hours.
    pub fn of(rule: SeasonRule, kind: Kind, hours: &[f64]) -> Self {
        let ends = hours
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), hour| (hour.min(low), hour.max(high)));
        // Each value stands for the interval that it ends.
        let covered = (ends.1 - ends.0) * hours.len() as f64 / (hours.len().max(2) - 1) as f64;
        let is_possible = rule != SeasonRule::Off && kind == Kind::Level && !hours.is_empty();
        if !is_possible || covered < SHOWS * DAY {
            Self::Off
        } else if covered >= PERIODS * DAY {
            Self::Resolved
        } else {
            Self::Unresolved { declared: rule == SeasonRule::Daily }
        }
    }
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
    /// The column without a daily cycle, and that cycle, as `fit` finds it in values and hours; as it is where the season
    /// is not resolved.
    fn without(&self, fit: impl Fn(&[f64], &[f64]) -> Option<Cycle>) -> (Self, Option<Cycle>) {
        let is_resolved = self.season == Season::Resolved && self.hours.len() == self.points.len();
        let cycle = if is_resolved { fit(&self.values(), &self.hours) } else { None };
        let mut column = self.clone();
        for ((_, value), hour) in column.points.iter_mut().zip(&self.hours) {
            *value -= cycle.as_ref().map_or(0.0, |cycle| cycle.at(*hour));
        }
        (column, cycle)
    }

    /// The column without its daily cycle, estimated beside a straight line.
    pub(super) fn without_season(&self) -> (Self, Option<Cycle>) {
        self.without(|values, hours| {
            let calm =
                change_points::without_rare_spikes(values, &change_points::find_spikes(values, self.floor));
            Cycle::beside(&calm, hours, DAY, &[])
        })
    }

    /// The column without its daily cycle, estimated beside the steps that have a probability of at most `alpha` by chance,
    /// between levels of at least `shortest` values.
    pub fn without_season_beside_steps(&self, shortest: usize, alpha: f64) -> (Self, Option<Cycle>) {
        self.without(|values, hours| Cycle::beside_steps(values, hours, DAY, (shortest, self.floor, alpha)))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_cycle_is_resolved_by_two_days_and_no_question_within_two_hours() {
        let of = |rule, kind, n: u32, pace: f64| {
            Season::of(rule, kind, &(0..n).map(|at| f64::from(at) * pace).collect::<Vec<_>>())
        };
        let auto = |n, pace| of(SeasonRule::Auto, Kind::Level, n, pace);
        let open = Season::Unresolved { declared: false };
        assert_eq!([7, 8, 96, 182].map(|n| auto(n, 0.25)), [Season::Off, open, open, open]);
        // A run of two days at 15 minutes that is steady from its seventh iteration on.
        assert_eq!([183, 186, 288].map(|n| auto(n, 0.25)), [Season::Resolved; 3]);
        assert_eq!(of(SeasonRule::Daily, Kind::Level, 96, 0.25), Season::Unresolved { declared: true });
        assert_eq!(of(SeasonRule::Daily, Kind::Level, 7, 0.25), Season::Off);
        assert_eq!(of(SeasonRule::Off, Kind::Level, 288, 0.25), Season::Off);
        assert_eq!(
            [Kind::Accumulating, Kind::Counter].map(|kind| of(SeasonRule::Auto, kind, 288, 0.25)),
            [Season::Off; 2]
        );
        assert_eq!([auto(0, 1.0), auto(1, 1.0), auto(100, 0.0)], [Season::Off; 3]);
    }
}
