//! Rotation and usage of a folder of runs: take the inventory, plan, carry it out, write the log line.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::core::rotation::{self, Inventory, RotationRules};
use crate::io::rotation::{self as io, LogError, Rotation, RotationError};
use crate::wire::iteration_file::utc;
use crate::wire::rotation::{
    Compressed, RotationLogLine, RotationResult, UsageResult, left, removed, trimmed,
};

/// A rotation that was carried out.
#[derive(Debug)]
pub struct Rotated {
    /// What went and what did not.
    pub result: RotationResult,
    /// Why the log does not tell of it; `None` = it does.
    pub unlogged: Option<LogError>,
}

/// What a rotation would do. Writes nothing.
pub fn plan(base: &Path, rules: &RotationRules, now: DateTime<Utc>) -> Result<RotationResult, RotationError> {
    let plan = rotation::plan(&io::take(base)?, rules, now);
    Ok(RotationResult::new(told(base), utc(now), rules, true).planned(&plan))
}

/// What lies below a folder, and what a rotation would free. Writes nothing.
pub fn usage(base: &Path, rules: &RotationRules, now: DateTime<Utc>) -> Result<UsageResult, RotationError> {
    let inventory = io::take(base)?;
    let plan = rotation::plan(&inventory, rules, now);
    Ok(UsageResult::of(told(base), &inventory, rules, &plan))
}

/// Rotates; the log of rotations is an archive of its own once it is larger than `log_bytes`.
pub fn rotate(
    base: &Path,
    rules: &RotationRules,
    log_bytes: u64,
    now: DateTime<Utc>,
) -> Result<Rotated, RotationError> {
    let rotation = Rotation::begin(base)?;
    let before = rotation.inventory()?;
    let plan = rotation::plan(&before, rules, now);
    let done = rotation.carry_out(&plan);
    let after: Inventory = rotation.inventory()?;
    let mut result = RotationResult::new(told(base), utc(now), rules, false);
    result.trimmed = done.trims.iter().map(|trim| trimmed(&trim.run, &trim.numbers, trim)).collect();
    result.removed_runs = done.runs.iter().map(|(run, archive)| removed(run, archive.clone())).collect();
    result.removed_archives = done.archives.iter().map(|archive| removed(archive, None)).collect();
    let compressed = |name: &str, bytes, archive_bytes| Compressed {
        name: name.to_owned(),
        bytes,
        archive_bytes: Some(archive_bytes),
    };
    result.compressed =
        done.compressed.iter().map(|(file, size)| compressed(&file.name, file.bytes, *size)).collect();
    result.left = plan.left.iter().chain(&done.left).map(left).collect();
    result.bytes_before = before.bytes;
    result.bytes_after = after.bytes;
    result.within_limit = rules.max_bytes.is_none_or(|most| after.bytes <= most);
    let files = done.trims.iter().flat_map(|trim| {
        let name =
            |file: &String| if trim.run == "." { file.clone() } else { format!("{}/{file}", trim.run) };
        trim.files.iter().map(name)
    });
    let line = RotationLogLine::of(&result, files.collect());
    let unlogged = io::log(base, &crate::render::json::compact_ascii(&line), log_bytes, now).err();
    Ok(Rotated { result, unlogged })
}

fn told(base: &Path) -> String {
    base.to_string_lossy().into_owned()
}
