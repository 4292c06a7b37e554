//! Where the tuner left the parameters alone: what moves there is the system's own doing, and what moves elsewhere may
//! be the tuner's.
//!
//! Must not look at KPIs.

use std::ops::Range;
use std::sync::Arc;

use crate::core::series::{Row, Series};

/// A move shows in the iterations after it; what happens within so many of them is put down to it.
pub const SETTLES_IN: u64 = 3;

/// What there is to test of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// All of it: no parameter moved.
    Whole,
    /// The last part that is long enough and in which no parameter moved.
    Quiet {
        /// Positions in the series.
        positions: Range<usize>,
        /// The iteration with the last move before it; `None` where all moves are behind it.
        after: Option<u64>,
    },
    /// No such part is long enough.
    Moved {
        /// Iterations after which a parameter moved.
        moves: usize,
        /// The last of them.
        last: u64,
    },
}

impl Stretch {
    /// What there is to test of these positions of a series, where a part must hold so many iterations.
    pub fn of(series: &Series, window: Range<usize>, enough: usize) -> Self {
        let rows = series.rows();
        let Some(first) = rows.get(window.start).map(|row| row.number) else { return Self::Whole };
        let moves: Vec<usize> = (0..window.end.saturating_sub(1))
            .filter(|at| rows[*at].number.saturating_add(SETTLES_IN) >= first && has_moved(rows, *at))
            .collect();
        let Some(last) = moves.last() else { return Self::Whole };
        let settled = |at: usize| series.position_of(rows[at].number.saturating_add(SETTLES_IN + 1));
        let starts = std::iter::once((window.start, None))
            .chain(moves.iter().map(|at| (settled(*at).max(window.start), Some(rows[*at].number))));
        // The iteration after which a parameter moves ran before that.
        let ends = moves.iter().map(|at| at + 1).chain(std::iter::once(window.end));
        let parts = starts.zip(ends).filter(|((start, _), end)| *end >= start + enough.max(1));
        match parts.last() {
            Some(((start, after), end)) => Self::Quiet { positions: start..end, after },
            None => Self::Moved { moves: moves.len(), last: rows[*last].number },
        }
    }

    /// The positions to test, of the window's.
    pub fn positions(&self, window: &Range<usize>) -> Range<usize> {
        match self {
            Self::Quiet { positions, .. } => positions.clone(),
            Self::Whole | Self::Moved { .. } => window.clone(),
        }
    }
}

/// Whether the parameters of the next iteration are others than those of this one: as both show, else as the record
/// says.
fn has_moved(rows: &[Row], at: usize) -> bool {
    let in_force = |at: usize| rows.get(at).and_then(|row| row.overrides.as_ref());
    if let (Some(before), Some(after)) = (in_force(at), in_force(at + 1)) {
        return !Arc::ptr_eq(before, after) && before != after;
    }
    let tuning = &rows[at].tuning;
    let recorded = &tuning.applied_values;
    tuning.applied == Some(true)
        && if recorded.is_empty() {
            tuning.deltas.iter().any(|(_, delta)| delta != 0.0)
        } else {
            recorded.iter().any(|value| value.old != value.new)
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::core::iteration::{Iteration, Tuning};
    use crate::core::series::Interner;

    fn values(value: f64) -> ParamValues {
        ParamValues::new(vec![(ParamName::flat("min_interval_ms"), value)])
    }

    /// Iterations 1 to n whose record says that a delta was applied in some of them.
    fn recorded(n: u64, moves: &[u64], delta: f64) -> Series {
        let mut series = Series::new(None, 0);
        for number in 1..=n {
            let tuning =
                Tuning { deltas: values(delta), applied: Some(moves.contains(&number)), ..Tuning::default() };
            series.push(Iteration { number, tuning, ..Iteration::default() }, &mut Interner::default());
        }
        series
    }

    fn of(series: &Series) -> Stretch {
        Stretch::of(series, 6..series.len(), 48)
    }

    #[test]
    fn a_run_without_moves_is_tested_as_a_whole() {
        assert_eq!(of(&recorded(96, &[], 5.0)), Stretch::Whole);
        assert_eq!(of(&recorded(96, &[20], 0.0)), Stretch::Whole, "a delta of nothing");
        // What was applied in the third iteration has settled when the window begins, in the fourth not.
        assert_eq!(of(&recorded(96, &[3, 96], 5.0)), Stretch::Whole);
        assert_eq!(of(&recorded(96, &[4], 5.0)), Stretch::Quiet { positions: 7..96, after: Some(4) });
        assert_eq!(Stretch::of(&recorded(3, &[1], 5.0), 3..3, 48), Stretch::Whole);
    }

    #[test]
    fn the_last_stretch_that_is_long_enough_counts() {
        // After iteration 8 three settle: the twelfth is the first one.
        assert_eq!(of(&recorded(288, &[8], 5.0)), Stretch::Quiet { positions: 11..288, after: Some(8) });
        let late = of(&recorded(288, &[8, 270], 5.0));
        assert_eq!(late, Stretch::Quiet { positions: 11..270, after: Some(8) });
        assert_eq!(of(&recorded(288, &[270], 5.0)), Stretch::Quiet { positions: 6..270, after: None });
        // 48 iterations from the twelfth on end with the fifty-ninth.
        assert_eq!(of(&recorded(80, &[8, 59], 5.0)), Stretch::Quiet { positions: 11..59, after: Some(8) });
        let few = of(&recorded(80, &[8, 58], 5.0));
        assert_eq!(few, Stretch::Moved { moves: 2, last: 58 });
        assert_eq!(few.positions(&(6..80)), 6..80);
    }

    #[test]
    fn the_overrides_in_force_count_more_than_the_record() {
        let run = |steps_at: u64| {
            let mut series = Series::new(None, 0);
            for number in 1..=100 {
                let overrides = Some(Arc::new(values(if number < steps_at { 60.0 } else { 80.0 })));
                let tuning = Tuning { deltas: values(5.0), applied: Some(true), ..Tuning::default() };
                let iteration = Iteration { number, tuning, overrides, ..Iteration::default() };
                series.push(iteration, &mut Interner::default());
            }
            series
        };
        assert_eq!(of(&run(101)), Stretch::Whole);
        // Iteration 30 has the new value, so the move came after 29.
        assert_eq!(of(&run(30)), Stretch::Quiet { positions: 32..100, after: Some(29) });
    }
}
