//! Windows: which iterations a question is about.
//!
//! A window is a range of positions in a [`Series`] plus the numbers it spans. Nothing is computed here.

use std::ops::Range;

use super::ranges::Ranges;
use crate::core::policy::{WindowSpec, Windows};
use crate::core::series::Series;
use crate::core::verdict::WindowUsed;

/// The iterations of a series that a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// `last8`, `steady`, `overall`, …
    pub name: String,
    /// Positions in the series.
    pub positions: Range<usize>,
    /// The lowest number that belongs to the window, whether or not its file could be read.
    pub from: u64,
    /// First and last number found.
    pub span: Option<(u64, u64)>,
}

impl Window {
    /// Finds a window. `numbers` are all the numbers that count: those in the series, those of
    /// unreadable files, and those that were declared. So a corrupt newest file is in the window and not
    /// quietly replaced by an older one.
    pub fn find(series: &Series, spec: WindowSpec, windows: &Windows, numbers: &Ranges) -> Self {
        let highest = |n: usize| if n == 0 { u64::MAX } else { numbers.highest(n).unwrap_or(0) };
        let from = match spec {
            WindowSpec::LastN => highest(windows.last_n),
            WindowSpec::Last(n) => highest(n),
            WindowSpec::Steady => windows.steady_start,
            WindowSpec::Overall => 0,
        };
        let positions = series.position_of(from)..series.len();
        let span = (!positions.is_empty())
            .then(|| (series.number(positions.start), series.number(positions.end - 1)));
        Self { name: spec.name(windows), positions, from, span }
    }

    /// Iterations in it.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// As it stands in a check.
    pub fn used(&self) -> WindowUsed {
        WindowUsed {
            name: self.name.clone(),
            first: self.span.map(|(first, _)| first),
            last: self.span.map(|(_, last)| last),
            n: self.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::policy::SeasonRule;
    use crate::core::series::Interner;

    fn series(numbers: &[u64]) -> Series {
        let mut series = Series::new(None, 0);
        for number in numbers {
            series.push(Iteration { number: *number, ..Iteration::default() }, &mut Interner::default());
        }
        series
    }

    const WINDOWS: Windows = Windows { last_n: 3, steady_start: 7, season: SeasonRule::Auto };

    #[test]
    fn last_n_takes_the_highest_numbers_present_and_not_a_span_of_numbers() {
        let numbers = [1, 2, 5, 9, 30];
        let window = Window::find(&series(&numbers), WindowSpec::LastN, &WINDOWS, &numbers.into());
        assert_eq!(window.name, "last3");
        assert_eq!(window.span, Some((5, 30)));
        assert_eq!(window.len(), 3);
    }

    #[test]
    fn an_unreadable_newest_file_keeps_its_place_in_the_window() {
        let window =
            Window::find(&series(&[1, 2, 3, 4]), WindowSpec::LastN, &WINDOWS, &Ranges::from([1, 2, 3, 4, 5]));
        assert_eq!(window.span, Some((3, 4)));
        assert_eq!(window.from, 3);
    }

    #[test]
    fn fewer_iterations_than_the_window_asks_for_are_all_taken() {
        let window = Window::find(&series(&[4, 5]), WindowSpec::LastN, &WINDOWS, &Ranges::from([4, 5]));
        assert_eq!(window.len(), 2);
        let empty = Window::find(&series(&[]), WindowSpec::LastN, &WINDOWS, &Ranges::default());
        assert!(empty.is_empty());
        assert_eq!(empty.span, None);
    }

    #[test]
    fn steady_starts_at_its_number_and_overall_takes_everything() {
        let numbers = [5, 6, 7, 8];
        let steady = Window::find(&series(&numbers), WindowSpec::Steady, &WINDOWS, &numbers.into());
        assert_eq!(steady.span, Some((7, 8)));
        let overall = Window::find(&series(&numbers), WindowSpec::Overall, &WINDOWS, &numbers.into());
        assert_eq!(overall.span, Some((5, 8)));
        let last = Window::find(&series(&numbers), WindowSpec::Last(1), &WINDOWS, &numbers.into());
        assert_eq!((last.name.as_str(), last.span), ("last1", Some((8, 8))));
    }
}
