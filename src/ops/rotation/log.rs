//! `rotation/ROTATION_LOG.jsonl`: a line for each rotation, and an archive of the lines before once they are many.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::archive;
use super::inventory::{LOG_FOLDER, Left, Snapshot};
use super::result::RotationResult;
use crate::core::load::read_bounded;
use crate::core::text::number::round_half_even;
use crate::infra::atomic_file;
use crate::report::json;

const LOG_FILE: &str = "ROTATION_LOG.jsonl";

/// A line of the log contains at most so many names of files; the ranges name all of them.
const LOGGED_FILES: usize = 100;

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
    pub fn of(result: &RotationResult) -> Self {
        let with_folder = |run: &str, file: &String| {
            if run == "." { file.clone() } else { format!("{run}/{file}") }
        };
        let trims = result.plan.trims.iter();
        let mut files: Vec<String> =
            trims.flat_map(|trim| trim.files.iter().map(|file| with_folder(&trim.run, file))).collect();
        let deleted = files.len();
        files.sort();
        files.truncate(LOGGED_FILES);
        let mut compressed: Vec<String> = result.plan.compress.iter().map(|file| file.name.clone()).collect();
        compressed.sort();
        let saved = |file: &Snapshot| file.bytes as f64 - file.archive_bytes.unwrap_or(file.bytes) as f64;
        let size_mb = two_digits(result.plan.bytes_after as f64 / MIB);
        Self {
            base_path: result.base_dir.clone(),
            compression: LoggedCompression {
                compressed: compressed.len(),
                files: compressed,
                total_reduction_kb: two_digits(result.plan.compress.iter().map(saved).sum::<f64>() / KIB),
            },
            disk_usage: LoggedUsage {
                limit_mb: result.limits.max_bytes.map(|bytes| bytes as f64 / MIB),
                size_mb,
                warning: !result.plan.fits,
                within_limit: result.plan.fits,
            },
            rotation: LoggedRotation {
                deleted,
                files,
                kept: result.plan.trims.iter().map(|run| run.kept).sum(),
                ranges: result
                    .plan
                    .trims
                    .iter()
                    .map(|run| (run.run.clone(), run.numbers.ranges().to_vec()))
                    .collect(),
                runs: result.plan.runs.iter().map(|run| run.name.clone()).collect(),
            },
            summary: LoggedSummary {
                compressed_snapshots: result.plan.compress.len(),
                deleted_files: deleted,
                deleted_archives: result.plan.archives.len(),
                deleted_runs: result.plan.runs.len(),
                disk_reduction_kb: two_digits(
                    (result.plan.bytes_before as f64 - result.plan.bytes_after as f64) / KIB,
                ),
                final_size_mb: size_mb,
                left: result.plan.left.clone(),
                within_limit: result.plan.fits,
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

/// A log far larger than it may be is no log of ours.
const UNREADABLE: u64 = 64 * 1024 * 1024;

/// Appends a line. A log of more than `most` bytes goes into an archive first.
pub(super) fn log(base: &Path, line: &RotationLogLine, most: u64, now: DateTime<Utc>) -> anyhow::Result<()> {
    let folder = base.join(LOG_FOLDER);
    let path = folder.join(LOG_FILE);
    let place =
        |reason: String| anyhow!("the log of rotations `{}` cannot be written: {reason}", path.display());
    for there in [&folder, &path] {
        if there.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(place(format!("`{}` is a symbolic link", there.display())));
        }
    }
    fs::create_dir_all(&folder).map_err(|error| place(error.to_string()))?;
    if fs::metadata(&path).is_ok_and(|found| found.len() > most) {
        let mut bytes = Vec::new();
        read_bounded(&path, UNREADABLE, &mut bytes).map_err(place)?;
        let name = format!("ROTATION_LOG_{}.jsonl", now.format("%Y%m%dT%H%M%SZ"));
        archive::put(&folder, &name, &bytes, now).map_err(|not| place(not.reason))?;
        fs::remove_file(&path).map_err(|error| place(error.to_string()))?;
    }
    atomic_file::append(&path, |_| json::compact_ascii(line))?;
    Ok(())
}
