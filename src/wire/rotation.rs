//! What `artifacts rotate` and `artifacts usage` print as JSON, and the line that a rotation leaves in its log.
//!
//! Must not plan; [`crate::core::rotation`] does.

mod log;
mod usage;

use schemars::JsonSchema;
use serde::Serialize;

pub use log::RotationLogLine;
pub use usage::{UsageResult, UsedByRun};

use crate::core::ranges::Ranges;
use crate::core::rotation::{Cause, Plan, Removal, RotationRules};

/// A run that lost old iterations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrimmedRun {
    /// Folder of the run, relative to the folder rotated.
    pub run: String,
    /// First and last of each range of numbers that went.
    pub numbers: Vec<(u64, u64)>,
    /// Iteration files that went.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Iteration files that stay.
    pub kept: usize,
}

/// A run, or an archive, that went as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removed {
    /// The run's folder, or the archive's name.
    pub name: String,
    /// Why: older than the days, or one of the oldest while the size was too large.
    #[schemars(extend("enum" = ["age", "size"]))]
    pub cause: String,
    /// When it was last at work, or last written, RFC 3339.
    pub time: String,
    /// Iteration files in it.
    pub iterations: usize,
    /// Its bytes.
    pub bytes: u64,
    /// Archive in `snapshots` that its snapshot went into; null when it had none, and in a plan.
    pub archive: Option<String>,
}

/// A snapshot that became an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Compressed {
    /// Name in `snapshots`.
    pub name: String,
    /// Bytes before.
    pub bytes: u64,
    /// Bytes of the archive; null in a plan.
    pub archive_bytes: Option<u64>,
}

/// Something that was left alone although it should have gone, or that rotation does not follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Left {
    /// Path relative to the folder rotated.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// The limits that were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Limits {
    /// Highest iterations kept of each run and symbol.
    pub keep_iterations: usize,
    /// Age in days; null = none.
    pub max_age_days: Option<u64>,
    /// Bytes of everything together; null = none.
    pub max_bytes: Option<u64>,
}

/// A rotation, or with `dry_run` the plan of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RotationResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// The folder.
    pub base_dir: String,
    /// When, RFC 3339; ages are counted to here.
    pub timestamp: String,
    /// Whether this is a plan and nothing was changed.
    pub dry_run: bool,
    /// The limits applied.
    pub limits: Limits,
    /// Runs that lost old iterations.
    pub trimmed: Vec<TrimmedRun>,
    /// Runs that went.
    pub removed_runs: Vec<Removed>,
    /// Archives that went.
    pub removed_archives: Vec<Removed>,
    /// Snapshots that became archives.
    pub compressed: Vec<Compressed>,
    /// What was left alone.
    pub left: Vec<Left>,
    /// Bytes of everything before.
    pub bytes_before: u64,
    /// Bytes of everything afterwards; in a plan without what compressing will save.
    pub bytes_after: u64,
    /// Whether they are within the limit.
    pub within_limit: bool,
}

impl RotationResult {
    /// The result without what was done, to be filled.
    pub fn new(base_dir: String, timestamp: String, rules: &RotationRules, dry_run: bool) -> Self {
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            base_dir,
            timestamp,
            dry_run,
            limits: Limits {
                keep_iterations: rules.keep,
                max_age_days: rules.max_age_days,
                max_bytes: rules.max_bytes,
            },
            trimmed: Vec::new(),
            removed_runs: Vec::new(),
            removed_archives: Vec::new(),
            compressed: Vec::new(),
            left: Vec::new(),
            bytes_before: 0,
            bytes_after: 0,
            within_limit: true,
        }
    }

    /// The same with all that a plan wants.
    #[must_use]
    pub fn planned(mut self, plan: &Plan) -> Self {
        self.trimmed = plan.trims.iter().map(|trim| trimmed(&trim.run, &trim.numbers, trim)).collect();
        self.removed_runs = plan.runs.iter().map(|run| removed(run, None)).collect();
        self.removed_archives = plan.archives.iter().map(|archive| removed(archive, None)).collect();
        let compressed = |name: &str, bytes| Compressed { name: name.to_owned(), bytes, archive_bytes: None };
        self.compressed = plan.compress.iter().map(|file| compressed(&file.name, file.bytes)).collect();
        self.left = plan.left.iter().map(left).collect();
        self.bytes_before = plan.bytes_before;
        self.bytes_after = plan.bytes_after;
        self.within_limit = plan.fits;
        self
    }
}

/// A trim as it is told.
pub fn trimmed(run: &str, numbers: &Ranges, trim: &crate::core::rotation::Trim) -> TrimmedRun {
    TrimmedRun {
        run: run.to_owned(),
        numbers: numbers.ranges().to_vec(),
        files: trim.files.len(),
        bytes: trim.bytes,
        kept: trim.kept,
    }
}

/// A removal as it is told.
pub fn removed(removal: &Removal, archive: Option<String>) -> Removed {
    Removed {
        name: removal.name.clone(),
        cause: match removal.cause {
            Cause::Age => "age",
            Cause::Size => "size",
        }
        .to_owned(),
        time: super::iteration_file::utc(removal.time),
        iterations: removal.iterations,
        bytes: removal.bytes,
        archive,
    }
}

/// What was left alone, as it is told.
pub fn left((path, reason): &(String, String)) -> Left {
    Left { path: path.clone(), reason: reason.clone() }
}
