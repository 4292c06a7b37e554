//! A line of `rotation/ROTATION_LOG.jsonl`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Compressed, Left, RotationResult};
use crate::core::number::round_half_even;

/// At most so many names of files stand in a line of the log; the ranges tell all of them.
const FILES_TOLD: usize = 100;

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
    pub ranges: BTreeMap<String, Vec<(u64, u64)>>,
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
    round_half_even(value, 2)
}
