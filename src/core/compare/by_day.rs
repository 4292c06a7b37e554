//! The values of two runs by time of day: whether a daily cycle may be what differs, and what is left of the values when it
//! is taken out of both.
//!
//! Between runs that know the same hours the cycle that both have in common says nothing about a build, and is taken out.
//! Between runs of less than a day at other hours nobody can tell a cycle from a change. Must not judge a change.

use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::{ChangeRules, SeasonRule};
use crate::core::trend::{Change, Column, Season, changes};
use crate::stats::autocorrelation::Levels;
use crate::stats::daily::{Daily, shared};
use crate::stats::two_sample::{Pair, TakenOut};

/// What part of the rate of false alarms of the search for changes a side's changes may raise here: a change that is
/// none cuts off a piece that chance made odd, and that piece would be compared.
const SHARE_OF_CHANGES: f64 = 0.25;

/// A cycle shows where F of what it explains is larger. It is taken out on little evidence, because that costs little, and
/// on none where one side knows hours that the other one does not.
const SHOWS: f64 = 2.0;

/// Runs know the same hours where this share of the values of one comes at an hour that the other one knows.
const SHARED: f64 = 0.9;

/// Whether a daily cycle is a question of a comparison, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Day {
    /// It is none: there are no time stamps, both runs are too short, the KPI has no cycle, or none shows.
    Unasked,
    /// Both know the same hours, and what they have in common is taken out: half of what lies between its highest and its
    /// lowest value, in the KPI's unit.
    Paired { amplitude: f64 },
    /// They know other hours.
    Apart {
        /// First and last hour of A and of B.
        spans: [(f64, f64); 2],
        /// Whether the policy says that there is a cycle.
        declared: bool,
    },
}

impl Day {
    /// As files have it; `None` where no cycle is a question.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Unasked => None,
            Self::Paired { .. } => Some("taken_out"),
            Self::Apart { .. } => Some("unresolved"),
        }
    }
}

/// The values of a KPI of both sides.
#[derive(Clone, Copy, Debug)]
pub struct Points<'v> {
    pub kpi: KpiId,
    pub direction: Option<Direction>,
    /// (iteration number, value) of A and of B.
    pub sides: [&'v [(u64, f64)]; 2],
    /// (iteration number, hour) of A and of B.
    pub hours: [&'v [(u64, f64)]; 2],
}

impl Points<'_> {
    fn values(&self) -> [Vec<f64>; 2] {
        self.sides.map(|points| points.iter().map(|(_, value)| *value).collect())
    }

    /// The hour of each value of both sides; `None` where one is not known.
    fn hours(&self) -> Option<[Vec<f64>; 2]> {
        let of = |side: usize| -> Option<Vec<f64>> {
            let hours = self.hours[side];
            let hour = |number: u64| {
                let at = hours.binary_search_by_key(&number, |(known, _)| *known).ok()?;
                Some(hours[at].1)
            };
            self.sides[side].iter().map(|(number, _)| hour(*number)).collect()
        };
        Some([of(0)?, of(1)?])
    }

    fn day(&self, season: SeasonRule, hours: Option<&[Vec<f64>; 2]>) -> Day {
        let Some([a, b]) = hours else { return Day::Unasked };
        let ends = |side: &[f64]| side.first().copied().zip(side.last().copied());
        let Some(spans) = ends(a).zip(ends(b)) else { return Day::Unasked };
        let spans = [spans.0, spans.1];
        let is_off = |side: &[f64]| Season::of(season, self.kpi.kind, side) == Season::Off;
        if is_off(a) && is_off(b) {
            Day::Unasked
        } else if shared([a, b]).iter().any(|share| *share >= SHARED) {
            Day::Paired { amplitude: 0.0 }
        } else {
            Day::Apart { spans, declared: season == SeasonRule::Daily }
        }
    }
}

/// Both sides, cut where their levels changed.
pub struct TimesOfDay {
    each: Vec<OfKpi>,
}

struct OfKpi {
    day: Day,
    values: [Vec<f64>; 2],
    /// Positions of the first value after each change.
    cuts: [Vec<usize>; 2],
    changed: [Option<Change>; 2],
    taken_out: Option<TakenOut>,
}

impl OfKpi {
    fn levels(&self) -> [Levels<'_>; 2] {
        std::array::from_fn(|side| Levels::cut(&self.values[side], self.cuts[side].iter().copied()))
    }

    /// Takes out of `raw` what both sides have in common, beside the levels that are known.
    fn take_out(&mut self, raw: &[Vec<f64>; 2], hours: Option<&[Vec<f64>; 2]>, apart: Day) {
        let (Day::Paired { .. }, Some([of_a, of_b])) = (self.day, hours) else { return };
        let is_even = shared([of_a, of_b]).iter().all(|share| *share >= SHARED);
        let is_sure = !is_even || matches!(apart, Day::Apart { declared: true, .. });
        let levels = std::array::from_fn(|side| Levels::cut(&raw[side], self.cuts[side].iter().copied()));
        match Daily::of([of_a, of_b], &levels) {
            Some(Daily { values, taken_out, amplitude, f }) if is_sure || f > SHOWS => {
                self.day = Day::Paired { amplitude };
                (self.values, self.taken_out) = (values, Some(taken_out));
            }
            Some(_) => {
                self.day = Day::Unasked;
                (self.values, self.taken_out) = (raw.clone(), None);
            }
            // The hours tell no cycle from a level.
            None => self.day = apart,
        }
    }
}

impl TimesOfDay {
    /// Takes the cycle out, looks for changes of each side in what is left, and takes it out again beside them.
    pub fn of(family: &[Points<'_>], rules: &ChangeRules, season: SeasonRule) -> Self {
        let raw: Vec<[Vec<f64>; 2]> = family.iter().map(Points::values).collect();
        let hours: Vec<Option<[Vec<f64>; 2]>> = family.iter().map(Points::hours).collect();
        let apart = |hours: Option<&[Vec<f64>; 2]>| {
            let ends = |side: &[f64]| side.first().copied().zip(side.last().copied()).unwrap_or_default();
            let spans = hours.map(|[a, b]| [ends(a), ends(b)]).unwrap_or_default();
            Day::Apart { spans, declared: season == SeasonRule::Daily }
        };
        let mut each: Vec<OfKpi> = family
            .iter()
            .zip(raw.iter().zip(&hours))
            .map(|(points, (raw, hours))| {
                let hours = hours.as_ref();
                let day = points.day(season, hours);
                let mut one = OfKpi {
                    day,
                    values: raw.clone(),
                    cuts: Default::default(),
                    changed: [None; 2],
                    taken_out: None,
                };
                one.take_out(raw, hours, apart(hours));
                one
            })
            .collect();
        let mut rules = rules.clone();
        rules.trend.false_alarm_rate.value *= SHARE_OF_CHANGES;
        for side in 0..2 {
            let columns: Vec<Column> = family
                .iter()
                .zip(&each)
                .map(|(points, one)| column(points, side, &one.values[side]))
                .collect();
            let found = changes::find(&columns, &rules);
            for ((one, column), found) in each.iter_mut().zip(&columns).zip(found) {
                let firsts = found.changes.iter().map(|change| change.first_after);
                one.cuts[side] = firsts
                    .map(|first| column.points.partition_point(|(number, _)| *number < first))
                    .collect();
                one.changed[side] = found.changes.last().copied();
            }
        }
        for (one, (raw, hours)) in each.iter_mut().zip(raw.iter().zip(&hours)) {
            if one.cuts.iter().any(|cuts| !cuts.is_empty()) {
                let hours = hours.as_ref();
                one.take_out(raw, hours, apart(hours));
            }
        }
        Self { each }
    }

    pub fn pair(&self, at: usize) -> Pair<'_> {
        Pair { levels: self.each[at].levels(), cycle: self.each[at].taken_out.clone() }
    }

    pub fn day(&self, at: usize) -> Day {
        self.each[at].day
    }

    /// The last change of each side.
    pub fn changed(&self, at: usize) -> [Option<Change>; 2] {
        self.each[at].changed
    }
}

fn column(points: &Points<'_>, side: usize, values: &[f64]) -> Column {
    let numbers = points.sides[side].iter().map(|(number, _)| *number);
    Column {
        kpi: points.kpi,
        direction: points.direction,
        floor: points.kpi.floor,
        limit: None,
        points: numbers.zip(values.iter().copied()).collect(),
        hours: Vec::new(),
        season: Season::Off,
        later: None,
    }
}
