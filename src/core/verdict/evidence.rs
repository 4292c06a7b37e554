//! What was found in a folder: the iterations, and everything about the files that a judge must know.
//!
//! Built by the loader; judged by `judge`. No path is opened here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::iteration::Tuning;

use crate::core::iteration::params::ParamValues;

use crate::core::series::ranges::Ranges;

use crate::core::iteration::recorded::Recorded;

pub use crate::core::iteration::manifest::{Declared, RunState, SegmentStart};

use crate::core::series::Series;

/// A file with a higher number is no iteration of any run.
pub const LARGEST_NUMBER: u64 = 1_000_000_000;

/// A file that could not be used, or is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "UnusableRow")]
pub struct BadFile {
    /// Its name in the folder.
    #[serde(rename = "file")]
    pub name: String,
    /// The iteration number in the name.
    #[serde(rename = "iteration")]
    pub number: u64,
    /// The symbol in the name, if there is one.
    pub symbol: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Files that claim the same iteration of the same symbol.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "DuplicateRow")]
pub struct Duplicate {
    /// The number.
    #[serde(rename = "iteration")]
    pub number: u64,
    /// The symbol, if there is one.
    pub symbol: Option<String>,
    /// Their names, sorted.
    #[serde(rename = "files")]
    pub names: Vec<String>,
}

/// A file whose content names another iteration than its name does.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "RenumberedRow")]
pub struct Renumbered {
    /// File name.
    #[serde(rename = "file")]
    pub name: String,
    /// The number in the name, which counts.
    #[serde(rename = "iteration")]
    pub number: u64,
    /// The number in the content.
    pub content: u64,
}

/// Iterations whose files are equal but for number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Symbol, if any.
    pub symbol: Option<String>,
    /// Their numbers, ascending; at least two.
    pub numbers: Vec<u64>,
}

/// Something about the input that a reader should know; changes a verdict only through a check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "FindingRow")]
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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ForeignRow")]
pub struct ForeignVerdict {
    /// File name, relative to the folder.
    pub file: String,
    /// Its word, as written.
    pub verdict: String,
}

/// Everything found in a folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The iterations, one series a symbol, sorted by symbol; the series without a symbol first.
    pub series: Vec<Series>,
    /// Unusable iteration files, sorted by number and name.
    pub bad_files: Vec<BadFile>,
    /// Usable iteration files that are not what was recorded of them, that nothing recorded, or that are copies, in
    /// the order in which they were found.
    pub altered: Vec<BadFile>,
    /// What the run recorded of its iteration files; `None` = the folder has no record, as one of another tool.
    pub recorded: Option<Recorded>,
    /// Whether an iteration does not name its source.
    pub sourceless: bool,
    /// Whether `soak run` wrote the folder, and its manifest is not there.
    pub manifest_lost: bool,
    /// Why `RUN_LOG.jsonl` cannot be read, if it is there and cannot.
    pub log_error: Option<String>,
    /// The later of the clock and the time that the environment fixes, when the folder was judged.
    pub now: Option<DateTime<Utc>>,
    /// Numbers claimed more than once.
    pub duplicates: Vec<Duplicate>,
    /// Iterations that are copies of each other.
    pub repeats: Vec<Repeat>,
    /// Files whose content disagrees with their name.
    pub renumbered: Vec<Renumbered>,
    /// What the run declared.
    pub declared: Option<Declared>,
    /// Why `RUN_MANIFEST.json` cannot be read, if it is there and cannot.
    pub manifest_error: Option<String>,
    /// Where the data came from, as the iterations say it, sorted.
    pub sources: BTreeSet<String>,
    /// Commits of the system under test, as the iterations say them.
    pub commits: BTreeSet<String>,
    /// Tuning records of `TUNING_REPORT.json`, for iterations that carry none.
    pub tuning_report: BTreeMap<u64, Tuning>,
    /// The numbers that the folder has files of, of whatever symbol.
    pub folder: Ranges,
    /// Symbols that were there and are not judged.
    pub excluded: Vec<String>,
    /// Symbols that may end before the folder does.
    pub allow_end: BTreeSet<String>,
    /// The overrides that the folder ends with.
    pub end_overrides: Option<ParamValues>,
    /// Verdict of a `KPI_GATE.json`.
    pub kpi_gate: Option<ForeignVerdict>,
    /// Verdict of an older aggregate or snapshot found beside the iterations.
    pub snapshot: Option<ForeignVerdict>,
    /// What the loader noticed about files that are not iterations.
    pub findings: Vec<Finding>,
    /// The archive that was read; `None` = a folder was.
    pub archive: Option<ArchiveFile>,
}

/// The archive that a run was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveFile {
    /// Its name, without the folder that it is in.
    pub name: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
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
        self.altered.retain(|altered| is_wanted(&altered.symbol));
        unknown
    }

    /// Takes the named symbols out; returns those of them that were there.
    pub fn drop_symbols(&mut self, unwanted: &[String]) -> Vec<String> {
        let is_unwanted =
            |symbol: &Option<String>| symbol.as_ref().is_some_and(|symbol| unwanted.contains(symbol));
        let there = self.series.iter().filter(|series| is_unwanted(&series.symbol));
        let there = there.filter_map(|series| series.symbol.clone()).collect();
        self.series.retain(|series| !is_unwanted(&series.symbol));
        self.bad_files.retain(|bad| !is_unwanted(&bad.symbol));
        self.duplicates.retain(|two| !is_unwanted(&two.symbol));
        there
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

    /// Whether nothing says that the run continues or ended early.
    pub fn is_complete(&self) -> bool {
        self.declared.as_ref().is_none_or(|declared| declared.state == RunState::Complete)
    }

    /// Number of usable iterations over all symbols.
    pub fn len(&self) -> usize {
        self.series.iter().map(Series::len).sum()
    }

    /// Whether there is no usable iteration.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All numbers that count for a series: there are files of them, they were declared, or the folder has them. A
    /// symbol owes nothing before its first.
    pub fn numbers(&self, series: &Series) -> Ranges {
        let found = self.found(series);
        let declared = self.declared.as_ref().map(|declared| declared.expected_from(1)).unwrap_or_default();
        let is_one_of_several = series.symbol.is_some() || self.series.len() > 1;
        let Some((first, last)) = found.span().filter(|_| is_one_of_several) else {
            return found.with(&declared);
        };
        if series.symbol.as_ref().is_some_and(|symbol| self.allow_end.contains(symbol)) {
            let until = Ranges::from_iter([(first, last)]);
            let folder = self.folder.without(&self.folder.without(&until));
            return found.with(&folder);
        }
        let folder = self.folder.starting_at(first);
        // Symbols that take turns share one numbering, and each has its own step in it.
        let stride = found.stride();
        let take_turns = stride > 1 && self.series.iter().all(|other| self.found(other).stride() == stride);
        let folder = if take_turns { folder.multiples(first, stride) } else { folder };
        found.with(&folder).with(&declared.starting_at(first))
    }

    /// The numbers of a series that there are files of: read and unusable.
    pub fn found(&self, series: &Series) -> Ranges {
        let concerns = |symbol: &Option<String>| symbol.is_none() || *symbol == series.symbol;
        let read = series.rows().iter().map(|row| row.number);
        let bad = self.bad_files.iter().filter(|bad| concerns(&bad.symbol)).map(|bad| bad.number);
        let twice = self.duplicates.iter().filter(|two| concerns(&two.symbol)).map(|two| two.number);
        // A number beyond every run would make all before it missing; its file is named as unusable.
        read.chain(bad).chain(twice).filter(|number| *number <= LARGEST_NUMBER).collect()
    }

    /// The numbers between the first and the last of a series that are not there. Numbers that all share one stride
    /// have that step.
    pub fn missing_between(&self, series: &Series) -> Ranges {
        let found = self.found(series);
        let between = found.span().into_iter().collect::<Ranges>().without(&found);
        let step = found.stride();
        if step <= 1 { between } else { between.multiples(found.span().map_or(0, |(first, _)| first), step) }
    }

    /// The numbers that lie beyond what the run completed.
    pub fn beyond_declared(&self, series: &Series) -> Ranges {
        let Some(declared) = &self.declared else { return Ranges::default() };
        // While a run is in progress its manifest lags behind its files.
        let is_behind = declared.state == RunState::Running || declared.last_complete == 0;
        let until = if is_behind { declared.iterations } else { declared.last_complete };
        self.found(series).without(&Ranges::from_iter([(0, until)]))
    }

    /// Whether the times of the iterations are those of the simulator's virtual clock.
    pub fn has_virtual_clock(&self) -> bool {
        let is_sim = |source: &String| source == "sim";
        match self.declared.as_ref().and_then(|declared| declared.source.as_ref()) {
            Some(source) => is_sim(source),
            None => self.sources.iter().any(is_sim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(state: RunState, last_complete: u64) -> Declared {
        Declared { rotated: Ranges::from([2]), ..Declared::of(5, state, last_complete) }
    }

    #[test]
    fn a_complete_run_owes_every_iteration_it_declared_and_rotation_forgives() {
        let complete = declared(RunState::Complete, 5);
        assert_eq!(complete.expected_from(1), Ranges::from([1, 3, 4, 5]));
    }

    #[test]
    fn a_run_that_goes_on_owes_only_what_it_completed() {
        let running = declared(RunState::Running, 3);
        assert_eq!(running.expected_from(1), Ranges::from([1, 3]));
    }
}
