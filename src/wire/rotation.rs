//! What `artifacts rotate` and `artifacts usage` print as JSON, and the line that a rotation leaves in its log.
//!
//! Must not plan; [`crate::core::rotation`] does.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::ranges::Ranges;
use crate::core::rotation::{Cause, Inventory, Plan, Removal, RotationRules, RunFacts, Standing};

/// At most so many names of files stand in a line of the log; the ranges tell all of them.
const FILES_TOLD: usize = 100;

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

/// A run that lies there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsedByRun {
    /// Its folder, relative to the folder looked at.
    pub run: String,
    /// `current` runs stay, `former` ones may go.
    #[schemars(extend("enum" = ["current", "former"]))]
    pub standing: String,
    /// When it was last at work, RFC 3339.
    pub time: String,
    /// Iteration files.
    pub iterations: usize,
    /// The lowest iteration number; null without iterations.
    pub first: Option<u64>,
    /// The highest iteration number; null without iterations.
    pub last: Option<u64>,
    /// Bytes of everything in it.
    pub bytes: u64,
    /// Why it cannot be touched, or cannot go as a whole; null when nothing is in the way.
    pub note: Option<String>,
}

/// What lies below a folder, and what of it a rotation would free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsageResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// The folder.
    pub base_dir: String,
    /// The runs.
    pub runs: Vec<UsedByRun>,
    /// Loose snapshots.
    pub snapshots: usize,
    /// Archives of snapshots.
    pub archives: usize,
    /// Bytes of both.
    pub snapshot_bytes: u64,
    /// Bytes of everything, also of what soak did not write.
    pub bytes: u64,
    /// How many files that are.
    pub files: u64,
    /// The limits a rotation would apply.
    pub limits: Limits,
    /// Bytes that a rotation by these limits would free.
    pub would_free_bytes: u64,
    /// What it would leave alone.
    pub left: Vec<Left>,
}

impl UsageResult {
    /// The usage, and what the plan would do about it.
    pub fn of(base_dir: String, inventory: &Inventory, rules: &RotationRules, plan: &Plan) -> Self {
        let planned = RotationResult::new(base_dir, String::new(), rules, true).planned(plan);
        let archives = inventory.snapshots.iter().filter(|snapshot| snapshot.is_archive).count();
        Self {
            schema_version: planned.schema_version,
            tool_version: planned.tool_version,
            base_dir: planned.base_dir,
            runs: inventory.runs.iter().map(used_by).collect(),
            snapshots: inventory.snapshots.len() - archives,
            archives,
            snapshot_bytes: inventory.snapshots.iter().map(|snapshot| snapshot.bytes).sum(),
            bytes: inventory.bytes,
            files: inventory.files,
            limits: planned.limits,
            would_free_bytes: plan.bytes_before.saturating_sub(plan.bytes_after),
            left: planned.left,
        }
    }
}

fn used_by(run: &RunFacts) -> UsedByRun {
    let numbers = || run.iterations.iter().map(|file| file.number);
    UsedByRun {
        run: run.name.clone(),
        standing: match run.standing {
            Standing::Current => "current",
            Standing::Former => "former",
        }
        .to_owned(),
        time: super::iteration_file::utc(run.time),
        iterations: run.iterations.len(),
        first: numbers().min(),
        last: numbers().max(),
        bytes: run.bytes,
        note: run.untouchable.clone().or_else(|| run.bound.clone()),
    }
}

/// Iterations in a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoggedRotation {
    /// Iteration files that went one by one.
    pub deleted: usize,
    /// Names of the first hundred of them, sorted, with the folders of their runs.
    pub files: Vec<String>,
    /// Iteration files that stay in the runs that lost some.
    pub kept: usize,
    /// Ranges of numbers that went, by run.
    pub ranges: std::collections::BTreeMap<String, Vec<(u64, u64)>>,
    /// Runs that went as a whole.
    pub runs: Vec<String>,
}

/// Snapshots in a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoggedCompression {
    /// Snapshots that became archives.
    pub compressed: usize,
    /// Their names, sorted.
    pub files: Vec<String>,
    /// What that saved, KiB with two digits.
    pub total_reduction_kb: f64,
}

/// Sizes in a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoggedUsage {
    /// The limit, MiB; null = none.
    pub limit_mb: Option<f64>,
    /// Everything afterwards, MiB with two digits.
    pub size_mb: f64,
    /// Whether that is more than the limit.
    pub warning: bool,
    /// Whether it is not.
    pub within_limit: bool,
}

/// The end of a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LoggedSummary {
    /// Snapshots that became archives.
    pub compressed_snapshots: usize,
    /// Iteration files that went one by one.
    pub deleted_files: usize,
    /// Archives that went.
    pub deleted_archives: usize,
    /// Runs that went as a whole.
    pub deleted_runs: usize,
    /// Everything that was freed, KiB with two digits.
    pub disk_reduction_kb: f64,
    /// Everything afterwards, MiB with two digits.
    pub final_size_mb: f64,
    /// What was left alone.
    pub left: Vec<Left>,
    /// Whether the size is within the limit.
    pub within_limit: bool,
}

/// A line of `rotation/ROTATION_LOG.jsonl`: the keys of the earlier script, and what it did not know.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RotationLogLine {
    /// The folder.
    pub base_path: String,
    /// Snapshots.
    pub compression: LoggedCompression,
    /// Sizes.
    pub disk_usage: LoggedUsage,
    /// Iterations and runs.
    pub rotation: LoggedRotation,
    /// All in all.
    pub summary: LoggedSummary,
    /// When, RFC 3339.
    pub timestamp: String,
}

impl RotationLogLine {
    /// The line of a rotation; `files` are the iteration files that went, with the folders of their runs.
    pub fn of(result: &RotationResult, mut files: Vec<String>) -> Self {
        let deleted = files.len();
        files.sort();
        files.truncate(FILES_TOLD);
        let mut compressed: Vec<String> = result.compressed.iter().map(|file| file.name.clone()).collect();
        compressed.sort();
        let saved = |file: &Compressed| file.bytes as f64 - file.archive_bytes.unwrap_or(file.bytes) as f64;
        let size_mb = two_digits(result.bytes_after as f64 / MIB);
        Self {
            base_path: result.base_dir.clone(),
            compression: LoggedCompression {
                compressed: compressed.len(),
                files: compressed,
                total_reduction_kb: two_digits(result.compressed.iter().map(saved).sum::<f64>() / KIB),
            },
            disk_usage: LoggedUsage {
                limit_mb: result.limits.max_bytes.map(|bytes| bytes as f64 / MIB),
                size_mb,
                warning: !result.within_limit,
                within_limit: result.within_limit,
            },
            rotation: LoggedRotation {
                deleted,
                files,
                kept: result.trimmed.iter().map(|run| run.kept).sum(),
                ranges: result.trimmed.iter().map(|run| (run.run.clone(), run.numbers.clone())).collect(),
                runs: result.removed_runs.iter().map(|run| run.name.clone()).collect(),
            },
            summary: LoggedSummary {
                compressed_snapshots: result.compressed.len(),
                deleted_files: deleted,
                deleted_archives: result.removed_archives.len(),
                deleted_runs: result.removed_runs.len(),
                disk_reduction_kb: two_digits((result.bytes_before as f64 - result.bytes_after as f64) / KIB),
                final_size_mb: size_mb,
                left: result.left.clone(),
                within_limit: result.within_limit,
            },
            timestamp: result.timestamp.clone(),
        }
    }
}

/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// Bytes of a KiB.
const KIB: f64 = 1024.0;

fn two_digits(value: f64) -> f64 {
    crate::core::number::round_half_even(value, 2)
}
