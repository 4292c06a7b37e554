//! Which artifacts of old runs may go: a pure plan from what lies there.
//!
//! Whole numbers and names alone. Must not look at a disk, and never plans the removal of what soak did not
//! write; that a file is soak's is found out by whoever takes the inventory.

mod plan;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

pub use plan::plan;

pub use super::policy::RotationRules; // moved
use super::ranges::Ranges;

/// What a run is to the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// `latest`, or the folder itself: its old iterations may go, the run never.
    Current,
    /// An isolated run or one in the history: it may go as a whole.
    Former,
}

/// An iteration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IterationFile {
    /// Name in the folder of the run.
    pub name: String,
    /// Symbol in the name; `None` = the run is not per symbol.
    pub symbol: Option<String>,
    /// Iteration number.
    pub number: u64,
    /// Size.
    pub bytes: u64,
}

/// A run that lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Folder relative to the one looked at, with `/` between its parts; `.` is that folder itself.
    pub name: String,
    /// Whether it may go as a whole.
    pub standing: Standing,
    /// When it was last at work.
    pub time: DateTime<Utc>,
    /// Its iteration files.
    pub iterations: Vec<IterationFile>,
    /// Size of everything in it.
    pub bytes: u64,
    /// Why nothing in it may be touched; `None` = it may.
    pub untouchable: Option<String>,
    /// Why it cannot go as a whole although it is a former one; `None` = it can.
    pub bound: Option<String>,
}

/// A file in `snapshots`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// Name in the folder.
    pub name: String,
    /// When it was last written.
    pub time: DateTime<Utc>,
    /// Size.
    pub bytes: u64,
    /// Whether it is an archive already.
    pub is_archive: bool,
}

/// What lies below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The runs.
    pub runs: Vec<RunFacts>,
    /// Loose snapshots and their archives.
    pub snapshots: Vec<SnapshotFacts>,
    /// Size of all files below the folder, of whatever kind.
    pub bytes: u64,
    /// How many files that are.
    pub files: u64,
    /// What stands in the way, as path and reason, beside what the runs say.
    pub left: Vec<(String, String)>,
}

/// Why a run or an archive goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is older than `max_age_days`.
    Age,
    /// All together is more than `max_bytes`.
    Size,
}

/// Old iterations of a run that go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trim {
    /// The run.
    pub run: String,
    /// The numbers that go.
    pub numbers: Ranges,
    /// Their files, by number.
    pub files: Vec<String>,
    /// Their size.
    pub bytes: u64,
    /// How many iteration files stay.
    pub kept: usize,
}

/// A run that goes as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The run or the archive.
    pub name: String,
    /// Why.
    pub cause: Cause,
    /// When it was last at work.
    pub time: DateTime<Utc>,
    /// Its size.
    pub bytes: u64,
    /// How many iteration files are in it.
    pub iterations: usize,
}

/// What is to be done, in this order: compress, trim, remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Snapshots that become archives.
    pub compress: Vec<SnapshotFacts>,
    /// Runs that lose old iterations.
    pub trims: Vec<Trim>,
    /// Runs that go, oldest first.
    pub runs: Vec<Removal>,
    /// Archives that go, oldest first.
    pub archives: Vec<Removal>,
    /// What would have to go and is left alone, as path and reason.
    pub left: Vec<(String, String)>,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes afterwards; what compressing saves is not known before.
    pub bytes_after: u64,
    /// Whether the limit holds afterwards, as far as that can be known.
    pub fits: bool,
}
