//! Where a run lives: `<out>/latest`, `<out>/RUN_<milliseconds>`, and `<out>/history` for what was there before.
//!
//! Folders are renamed, never deleted. Whoever renames holds the lock of `<out>`, and the run lock and the
//! writers' lock of the folder that moves.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::iteration::manifest;
use crate::infra::artifacts::Durability;
use crate::infra::failpoint::failpoint;
use crate::infra::lock::{self, FolderLock};
use crate::run::folder::files::RunFolderError;
use crate::run::folder::files::{TEMPORARY_PREFIX, remove_leftovers, sync_folder};

/// Name of the active overrides in the run's folder.
pub(crate) const OVERRIDES_FILE: &str = "runtime_overrides.json";

pub(crate) use crate::core::iteration::manifest::DECLARED_FILE;

/// Which folder below `<out>` a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `<out>/latest`.
    Latest,
    /// `<out>/RUN_<milliseconds>`, put into `latest` at the end.
    Isolated,
}

/// The folder that post-soak commands read.
pub(crate) const LATEST: &str = "latest";

/// Where former runs go.
const HISTORY: &str = "history";

/// What an isolated run is called, before the milliseconds of its start.
pub(crate) const ISOLATED_PREFIX: &str = "RUN_";

/// Makes `<out>` and locks it.
pub(crate) fn lock_out(out: &Path) -> Result<FolderLock, RunFolderError> {
    fs::create_dir_all(out).map_err(RunFolderError::io("create the folder", out))?;
    Ok(FolderLock::acquire(out, LOCK_WAIT)?)
}

/// That `latest` is no link and nothing but a folder, and that what is there can move to `history`.
pub(crate) fn try_out(out: &Path) -> Result<(), RunFolderError> {
    is_folder(&out.join(LATEST))?;
    let history = out.join(HISTORY);
    if history.symlink_metadata().is_ok() && !history.is_dir() {
        return Err(RunFolderError::NotAFolder { path: history });
    }
    Ok(())
}

/// An empty folder for a run in `latest`, and the run's lock on it.
pub(crate) fn make_latest(
    out: &Path,
    durability: Durability,
) -> Result<(PathBuf, FolderLock), RunFolderError> {
    let path = out.join(LATEST);
    if is_folder(&path)? {
        let run = FolderLock::acquire_for_run(&path, Duration::ZERO)?;
        if !has_artifacts(&path)? {
            return Ok((path, run));
        }
        let writers = FolderLock::acquire(&path, LOCK_WAIT)?;
        move_aside(out, &path, vec![run, writers], durability)?;
        failpoint("run-moved-aside");
    }
    fs::create_dir(&path).map_err(RunFolderError::io("create the folder", &path))?;
    failpoint("run-folder-made");
    sync_folder(out, durability)?;
    let run = FolderLock::acquire_for_run(&path, Duration::ZERO)?;
    Ok((path, run))
}

/// An empty folder for an isolated run that starts now, and the run's lock on it.
pub(crate) fn make_isolated(
    out: &Path,
    now: DateTime<Utc>,
    durability: Durability,
) -> Result<(PathBuf, FolderLock), RunFolderError> {
    let mut milliseconds = now.timestamp_millis();
    loop {
        let path = out.join(format!("{ISOLATED_PREFIX}{milliseconds}"));
        match fs::create_dir(&path) {
            Ok(()) => {
                sync_folder(out, durability)?;
                let run = FolderLock::acquire_for_run(&path, Duration::ZERO)?;
                return Ok((path, run));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => milliseconds += 1,
            Err(error) => return Err(RunFolderError::io("create the folder", &path)(error)),
        }
    }
}

/// The isolated run that started last.
pub(crate) fn newest_isolated(out: &Path) -> Option<PathBuf> {
    let started = |name: &str| name.strip_prefix(ISOLATED_PREFIX)?.parse::<i64>().ok();
    fs::read_dir(out)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| Some((started(entry.file_name().to_str()?)?, entry.path())))
        .max()
        .map(|(_, path)| path)
}

/// Whether a folder is there. A link or anything else is an error.
pub(crate) fn is_folder(path: &Path) -> Result<bool, RunFolderError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(RunFolderError::Symlink { path: path.to_owned() }),
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(RunFolderError::NotAFolder { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(RunFolderError::io("look at", path)(error)),
    }
}

/// Whether a name belongs to the machinery and not to what a run or a person put there.
pub(crate) fn is_machinery(name: &str) -> bool {
    [lock::FILE_NAME, lock::RUN_FILE_NAME, DECLARED_FILE].contains(&name)
        || name.starts_with(TEMPORARY_PREFIX)
}

/// Whether a folder holds what a run or a judge wrote. Files of other people alone are none of that: the run
/// leaves them where they are.
fn has_artifacts(folder: &Path) -> Result<bool, RunFolderError> {
    const STARTS: [&str; 9] = [
        "ITER_SUMMARY_",
        "ITERATIONS.ndjson",
        "RUN_",
        "TUNING_",
        "POST_SOAK_",
        "KPI_GATE",
        "DELTA_VERIFY_",
        ".soak-artifacts",
        "reports",
    ];
    for entry in fs::read_dir(folder).map_err(RunFolderError::io("list", folder))? {
        let entry = entry.map_err(RunFolderError::io("list", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if STARTS.iter().any(|start| name.starts_with(start)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Renames a folder to `<out>/history/<start>`, under locks on it that are let go afterwards.
pub(crate) fn move_aside(
    out: &Path,
    folder: &Path,
    locks: Vec<FolderLock>,
    durability: Durability,
) -> Result<PathBuf, RunFolderError> {
    let history = out.join(HISTORY);
    fs::create_dir_all(&history).map_err(RunFolderError::io("create the folder", &history))?;
    // What a killed run left half written is nothing to keep.
    remove_leftovers(folder)?;
    let start = start_of(folder);
    let mut destination = history.join(&start);
    let mut suffix = 1;
    while destination.symlink_metadata().is_ok() {
        suffix += 1;
        destination = history.join(format!("{start}-{suffix}"));
    }
    // Windows does not rename a folder in which files are open.
    let held = if cfg!(windows) { Vec::new() } else { locks };
    fs::rename(folder, &destination).map_err(RunFolderError::io("move aside", folder))?;
    drop(held);
    sync_folder(&history, durability)?;
    sync_folder(out, durability)?;
    Ok(destination)
}

/// When the run in a folder started, as a file name: by its manifest, else by its oldest file.
fn start_of(folder: &Path) -> String {
    #[derive(serde::Deserialize)]
    struct Started {
        started_utc: String,
    }
    let declared = fs::read(folder.join(manifest::MANIFEST_FILE))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Started>(&bytes).ok())
        .and_then(|started| DateTime::parse_from_rfc3339(&started.started_utc).ok())
        .map(|time| time.to_utc());
    let oldest = || {
        let times = fs::read_dir(folder).ok()?.filter_map(|entry| {
            let entry = entry.ok()?;
            let is_ours = is_machinery(&entry.file_name().to_string_lossy());
            if is_ours { None } else { entry.metadata().ok()?.modified().ok() }
        });
        times.min().map(DateTime::<Utc>::from)
    };
    let time = declared.or_else(oldest).unwrap_or(DateTime::UNIX_EPOCH);
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// How long a writer of artifacts in `latest` is waited for.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(5);
