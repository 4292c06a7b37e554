//! Rotation of old artifacts: what lies there, which of it may go, and carrying that out.
//!
//! A killed rotation costs nothing: what a manifest owes is written before files go, an archive is read back before its
//! original goes, and a run that goes is renamed first, so that it is never seen in part. Nothing that soak did not
//! write is ever planned to go.
#![expect(clippy::disallowed_methods, reason = "folders of runs are read and cleared here")]

mod archive;
mod carry_out;
mod inventory;
mod log;
mod plan;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use self::carry_out::Rotation;
pub use self::log::RotationLogLine;
use self::plan::plan;
pub use self::text::{rotation as rotation_text, usage as usage_text};
use crate::core::policy::RotationRules;
use crate::core::series::ranges::Ranges;
use crate::failure::Failure;
use crate::run::iteration::file::utc;

/// Folder of loose snapshots and of the archives of those that went.
const SNAPSHOTS: &str = "snapshots";
/// Folder of the log of rotations.
const LOG_FOLDER: &str = "rotation";
/// What stands behind the name of a file that became an archive.
const ARCHIVE_ENDING: &str = ".tar.gz";
/// What a former run is called while it is being removed, before its name.
const REMOVING_PREFIX: &str = ".soak-removing-";

/// What a run is to the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Standing {
    // `latest`, or the folder itself: its old iterations may go, the run never.
    Current,
    // An isolated run or one in the history: it may go as a whole.
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

/// A file in `snapshots`; in a result, one that became an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Snapshot {
    /// Name in `snapshots`.
    pub name: String,
    /// Bytes before.
    pub bytes: u64,
    /// Bytes of the archive; null in a plan.
    pub archive_bytes: Option<u64>,
    // When it was last written.
    #[serde(skip)]
    pub time: DateTime<Utc>,
    // Whether it is an archive already.
    #[serde(skip)]
    pub is_archive: bool,
}

/// Something that was left alone although it should have gone, or that rotation does not follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Left {
    /// Path relative to the folder rotated.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Left {
    fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

/// What lies below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The runs.
    pub runs: Vec<RunFacts>,
    /// Loose snapshots and their archives.
    pub snapshots: Vec<Snapshot>,
    /// Size of all files below the folder, of whatever kind.
    pub bytes: u64,
    /// How many files that are.
    pub files: u64,
    /// What stands in the way, beside what the runs say.
    pub left: Vec<Left>,
}

/// Why a run or an archive goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Cause {
    // It is older than `max_age_days`.
    Age,
    // All together is more than `max_bytes`.
    Size,
}

/// A run that loses old iterations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trim {
    /// Folder of the run, relative to the folder rotated.
    pub run: String,
    /// First and last of each range of numbers that go.
    #[serde(serialize_with = "pairs")]
    #[schemars(with = "Vec<(u64, u64)>")]
    pub numbers: Ranges,
    /// Iteration files that go.
    #[serde(serialize_with = "count")]
    #[schemars(with = "usize")]
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Iteration files that stay.
    pub kept: usize,
}

/// A run, or an archive, that goes as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removal {
    /// The run's folder, or the archive's name.
    pub name: String,
    /// Why: older than the days, or one of the oldest while the size was too large.
    pub cause: Cause,
    /// When it was last at work, or last written, RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String")]
    pub time: DateTime<Utc>,
    /// Iteration files in it.
    pub iterations: usize,
    /// Its bytes.
    pub bytes: u64,
    /// Archive in `snapshots` that its snapshot went into; null when it had none, and in a plan.
    pub archive: Option<String>,
}

fn pairs<S: Serializer>(numbers: &Ranges, serializer: S) -> Result<S::Ok, S::Error> {
    numbers.ranges().serialize(serializer)
}

fn count<S: Serializer>(files: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    files.len().serialize(serializer)
}

fn rfc3339<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&utc(*time))
}

/// What is to be done, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Plan {
    /// Runs that lose old iterations.
    #[serde(rename = "trimmed")]
    pub trims: Vec<Trim>,
    /// Runs that go, oldest first.
    #[serde(rename = "removed_runs")]
    pub runs: Vec<Removal>,
    /// Archives that go, oldest first.
    #[serde(rename = "removed_archives")]
    pub archives: Vec<Removal>,
    /// Snapshots that become archives.
    #[serde(rename = "compressed")]
    pub compress: Vec<Snapshot>,
    /// What is left alone.
    pub left: Vec<Left>,
    /// Bytes of everything before.
    pub bytes_before: u64,
    /// Bytes of everything afterwards; in a plan without what compressing will save.
    pub bytes_after: u64,
    /// Whether they are within the limit.
    #[serde(rename = "within_limit")]
    pub fits: bool,
}

/// A rotation, or with `dry_run` the plan of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RotationResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: &'static str,
    /// The folder.
    pub base_dir: String,
    /// When, RFC 3339; ages are counted to here.
    pub timestamp: String,
    /// Whether this is a plan and nothing was changed.
    pub dry_run: bool,
    /// The limits applied.
    pub limits: RotationRules,
    #[serde(flatten)]
    pub plan: Plan,
}

/// A run that lies there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UsedByRun {
    /// Its folder, relative to the folder looked at.
    pub run: String,
    /// `current` runs stay, `former` ones may go.
    pub standing: Standing,
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
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: &'static str,
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
    pub limits: RotationRules,
    /// Bytes that a rotation by these limits would free.
    pub would_free_bytes: u64,
    /// What it would leave alone.
    pub left: Vec<Left>,
}

/// Why a folder cannot be used. A folder that is not there is a mistake on the command line.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let context = format!("cannot {action} `{}`", path.display());
    move |error| {
        let is_missing = error.kind() == ErrorKind::NotFound;
        let error = anyhow::Error::new(error).context(context);
        if is_missing { Failure::input(error).hint(WANTED) } else { Failure::output(error) }
    }
}

const WANTED: &str = "`--path` names the folder that has `latest` in it";

/// A rotation that was carried out.
#[derive(Debug)]
pub struct Rotated {
    pub result: RotationResult,
    /// Why the log does not contain it; `None` = it does.
    pub unlogged: Option<anyhow::Error>,
}

/// Rotates, or only plans to; the log of rotations is an archive of its own once it is larger than `log_bytes`.
pub fn rotate(
    base: &Path,
    rules: &RotationRules,
    log_bytes: u64,
    now: DateTime<Utc>,
    dry_run: bool,
) -> Result<Rotated, Failure> {
    let result = |plan| RotationResult {
        schema_version: "1.0",
        tool_version: env!("CARGO_PKG_VERSION"),
        base_dir: base.to_string_lossy().into_owned(),
        timestamp: utc(now),
        dry_run,
        limits: *rules,
        plan,
    };
    if dry_run {
        let result = result(plan(&inventory::take(base)?, rules, now));
        return Ok(Rotated { result, unlogged: None });
    }
    let rotation = Rotation::begin(base)?;
    let before = inventory::take(base)?;
    let wanted = plan(&before, rules, now);
    let mut done = rotation.carry_out(&wanted);
    done.left = wanted.left.into_iter().chain(std::mem::take(&mut done.left)).collect();
    done.bytes_before = before.bytes;
    done.bytes_after = inventory::take(base)?.bytes;
    done.fits = rules.max_bytes.is_none_or(|most| done.bytes_after <= most);
    let result = result(done);
    let unlogged = log::log(base, &RotationLogLine::of(&result), log_bytes, now).err();
    Ok(Rotated { result, unlogged })
}

/// What lies below a folder, and what a rotation would free. Writes nothing.
pub fn usage(base: &Path, rules: &RotationRules, now: DateTime<Utc>) -> Result<UsageResult, Failure> {
    let inventory = inventory::take(base)?;
    let plan = plan(&inventory, rules, now);
    let archives = inventory.snapshots.iter().filter(|snapshot| snapshot.is_archive).count();
    Ok(UsageResult {
        schema_version: "1.0",
        tool_version: env!("CARGO_PKG_VERSION"),
        base_dir: base.to_string_lossy().into_owned(),
        snapshots: inventory.snapshots.len() - archives,
        archives,
        snapshot_bytes: inventory.snapshots.iter().map(|snapshot| snapshot.bytes).sum(),
        bytes: inventory.bytes,
        files: inventory.files,
        limits: *rules,
        would_free_bytes: plan.bytes_before.saturating_sub(plan.bytes_after),
        left: plan.left,
        runs: inventory.runs.into_iter().map(used_by).collect(),
    })
}

fn used_by(run: RunFacts) -> UsedByRun {
    let numbers = || run.iterations.iter().map(|file| file.number);
    UsedByRun {
        standing: run.standing,
        time: utc(run.time),
        iterations: run.iterations.len(),
        first: numbers().min(),
        last: numbers().max(),
        bytes: run.bytes,
        note: run.untouchable.or(run.bound),
        run: run.name,
    }
}

/// The path of a run that the inventory names.
fn path_of(base: &Path, name: &str) -> PathBuf {
    if matches!(name, "." | "") {
        base.to_owned()
    } else {
        name.split('/').fold(base.to_owned(), |path, part| path.join(part))
    }
}

/// Makes the names in a folder survive a power cut.
fn sync_folder(folder: &Path) -> Result<(), String> {
    if cfg!(unix) {
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|_| format!("cannot sync `{}`", folder.display()))?;
    }
    Ok(())
}
