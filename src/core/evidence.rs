//! What was found in a folder: the iterations, and everything about the files that a judge must know.
//!
//! Built by the loader; judged by [`super::judge`]. No path is opened here.

use std::collections::{BTreeMap, BTreeSet};

use super::iteration::Tuning;
use super::params::ParamValues;
use super::series::Series;

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile {
    /// Its name in the folder.
    pub name: String,
    /// The iteration number in the name.
    pub number: u64,
    /// The symbol in the name, if there is one.
    pub symbol: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Files that claim the same iteration of the same symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// Symbol, if any.
    pub symbol: Option<String>,
    /// The number.
    pub number: u64,
    /// Their names, sorted.
    pub names: Vec<String>,
}

/// A file whose content names another iteration than its name does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    /// File name.
    pub name: String,
    /// The number in the name, which counts.
    pub number: u64,
    /// The number in the content.
    pub content: u64,
}

/// How far a declared run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Still going on.
    Running,
    /// Did all it declared.
    Complete,
    /// Stopped by a signal; can be resumed.
    Interrupted,
    /// Gave up.
    Failed,
}

impl RunState {
    /// Word as in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// A set of numbers as inclusive ranges: ascending, apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// From ranges in any order that may overlap; a range that ends before it starts is empty.
    pub fn new(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.retain(|(first, last)| first <= last);
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// How many numbers are in the set.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, (first, last)| sum.saturating_add(last - first).saturating_add(1))
    }

    /// Whether the number is in the set.
    pub fn contains(&self, number: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|at| number <= self.0[at].1)
    }

    /// What is left of `first..=last` without the set, as ranges.
    pub fn outside(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut left = Vec::new();
        let mut from = first;
        for (start, end) in &self.0 {
            if *end < from {
                continue;
            }
            if *start > last {
                break;
            }
            if *start > from {
                left.push((from, start - 1));
            }
            match end.checked_add(1) {
                Some(next) => from = next,
                None => return left,
            }
        }
        if from <= last {
            left.push((from, last));
        }
        left
    }
}

/// What a run declared, from `RUN_MANIFEST.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Iterations it set out to do.
    pub iterations: u64,
    /// Where it stands.
    pub state: RunState,
    /// Last complete iteration; 0 before the first.
    pub last_complete: u64,
    /// Iterations that rotation removed, which are not missing.
    pub rotated: Ranges,
    /// Where the data came from (`sim`, `exec`, …).
    pub source: Option<String>,
}

impl Declared {
    /// Whether the run promised a file for this number and should have kept the promise by now.
    pub fn expects(&self, number: u64) -> bool {
        let until = if self.state == RunState::Complete { self.iterations } else { self.last_complete };
        (1..=until).contains(&number) && !self.rotated.contains(number)
    }

    /// The numbers it should have by now, ascending, from `from` on.
    pub fn expected_from(&self, from: u64) -> impl Iterator<Item = u64> {
        let until = if self.state == RunState::Complete { self.iterations } else { self.last_complete };
        (from.max(1)..=until).filter(|number| !self.rotated.contains(*number))
    }
}

/// Something about the input that a reader should know; changes a verdict only through a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Short machine word, e.g. `corrupt_file`.
    pub kind: &'static str,
    /// Symbol, if it concerns one.
    pub symbol: Option<String>,
    /// Iteration, if it concerns one.
    pub iteration: Option<u64>,
    /// File name, if it concerns one.
    pub file: Option<String>,
    /// Whether it lies in the window judged.
    pub in_window: bool,
    /// One sentence.
    pub message: String,
}

/// A verdict that another tool left beside the iterations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignVerdict {
    /// File name, relative to the folder.
    pub file: String,
    /// Its word, as written.
    pub verdict: String,
}

/// Everything found in a folder.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The iterations, one series a symbol, sorted by symbol; the series without a symbol first.
    pub series: Vec<Series>,
    /// Unusable iteration files, sorted by number and name.
    pub bad_files: Vec<BadFile>,
    /// Numbers claimed more than once.
    pub duplicates: Vec<Duplicate>,
    /// Files whose content disagrees with their name.
    pub renumbered: Vec<Renumbered>,
    /// What the run declared.
    pub declared: Option<Declared>,
    /// Why `RUN_MANIFEST.json` cannot be read, if it is there and cannot.
    pub manifest_error: Option<String>,
    /// Where the data came from, as the iterations say it, sorted.
    pub sources: BTreeSet<String>,
    /// Numbers in file names that were not read because only the last window was asked for, by the symbol
    /// in the name.
    pub unread: BTreeMap<Option<String>, Vec<u64>>,
    /// Tuning records of `TUNING_REPORT.json`, for iterations that carry none.
    pub tuning_report: BTreeMap<u64, Tuning>,
    /// The overrides that the folder ends with.
    pub end_overrides: Option<ParamValues>,
    /// Verdict of a `KPI_GATE.json`.
    pub kpi_gate: Option<ForeignVerdict>,
    /// Verdict of an older aggregate or snapshot found beside the iterations.
    pub snapshot: Option<ForeignVerdict>,
    /// What the loader noticed about files that are not iterations.
    pub findings: Vec<Finding>,
}

impl Evidence {
    /// Keeps the named symbols alone; returns those of them that are nowhere to be seen.
    pub fn keep_symbols<'s>(&mut self, wanted: &'s [String]) -> Vec<&'s str> {
        let is_wanted =
            |symbol: &Option<String>| symbol.as_ref().is_none_or(|symbol| wanted.contains(symbol));
        let unknown = wanted
            .iter()
            .filter(|name| !self.series.iter().any(|series| series.symbol.as_ref() == Some(*name)))
            .map(String::as_str)
            .collect();
        self.series.retain(|series| series.symbol.is_some() && is_wanted(&series.symbol));
        self.bad_files.retain(|bad| is_wanted(&bad.symbol));
        self.duplicates.retain(|two| is_wanted(&two.symbol));
        unknown
    }

    /// Adds an empty series for each symbol of which no file is usable, so that it is judged and not forgotten.
    pub fn add_unusable_symbols(&mut self, kpis: usize) {
        let bad = self.bad_files.iter().map(|bad| &bad.symbol);
        let named: BTreeSet<&String> =
            bad.chain(self.duplicates.iter().map(|two| &two.symbol)).flatten().collect();
        let lost = named
            .into_iter()
            .filter(|name| !self.series.iter().any(|series| series.symbol.as_ref() == Some(*name)))
            .map(|name| Series::new(Some(name.clone()), kpis));
        let lost: Vec<Series> = lost.collect();
        self.series.extend(lost);
        self.series.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    }

    /// Number of usable iterations over all symbols.
    pub fn len(&self) -> usize {
        self.series.iter().map(Series::len).sum()
    }

    /// Whether there is no usable iteration.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All numbers that count for a series, ascending: read, unread, unusable, declared.
    pub fn numbers(&self, series: &Series) -> Vec<u64> {
        let concerns = |symbol: &Option<String>| symbol.is_none() || *symbol == series.symbol;
        let mut numbers: Vec<u64> = self
            .unread
            .iter()
            .filter(|(symbol, _)| concerns(symbol))
            .flat_map(|(_, numbers)| numbers.iter().copied())
            .collect();
        numbers.extend(series.rows().iter().map(|row| row.number));
        numbers.extend(self.bad_files.iter().filter(|bad| concerns(&bad.symbol)).map(|bad| bad.number));
        numbers.extend(self.duplicates.iter().filter(|two| concerns(&two.symbol)).map(|two| two.number));
        if let Some(declared) = &self.declared {
            numbers.extend(declared.expected_from(1));
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(state: RunState, last_complete: u64) -> Declared {
        Declared { iterations: 5, state, last_complete, rotated: Ranges::new(vec![(2, 2)]), source: None }
    }

    #[test]
    fn a_complete_run_owes_every_iteration_it_declared_and_rotation_forgives() {
        let complete = declared(RunState::Complete, 5);
        assert_eq!(complete.expected_from(1).collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert!(complete.expects(5) && !complete.expects(2) && !complete.expects(6) && !complete.expects(0));
    }

    #[test]
    fn ranges_merge_and_can_be_taken_out_of_a_span() {
        let ranges = Ranges::new(vec![(10, 12), (1, 3), (4, 5), (9, 8), (12, 20)]);
        assert_eq!(ranges, Ranges(vec![(1, 5), (10, 20)]));
        let inside: Vec<u64> = (0..=21).filter(|number| ranges.contains(*number)).collect();
        assert_eq!(inside, (1..=5).chain(10..=20).collect::<Vec<_>>());
        assert_eq!(ranges.outside(0, 25), [(0, 0), (6, 9), (21, 25)]);
        assert_eq!(ranges.outside(3, 11), [(6, 9)]);
        assert_eq!(ranges.outside(11, 15), []);
        assert_eq!(Ranges::new(vec![(5, u64::MAX)]).outside(1, u64::MAX), [(1, 4)]);
        assert_eq!(Ranges::default().outside(2, 3), [(2, 3)]);
    }

    #[test]
    fn a_run_that_goes_on_owes_only_what_it_completed() {
        let running = declared(RunState::Running, 3);
        assert_eq!(running.expected_from(1).collect::<Vec<_>>(), [1, 3]);
        assert!(!running.expects(4));
    }
}
