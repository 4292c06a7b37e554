//! Carrying out a plan, under the locks of the folder and of each run. What cannot be done is reported and the rest
//! continues.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::archive::{self, ARCHIVE_ENDING, NotKept, is_full};
use super::inventory::{self, Left, REMOVING_PREFIX, SNAPSHOTS, Snapshot, failed, path_of};
use super::plan::{Plan, Removal, Trim};
use crate::core::load::{LARGEST, read_bounded};
use crate::core::series::ranges::Ranges;
use crate::core::verdict::failure::Failure;
use crate::infra::artifacts::Durability;
use crate::infra::failpoint::failpoint;
use crate::infra::lock::{FolderLock, LockError};
use crate::run::folder::{RunFolderError, rewrite_manifest};

/// How long another writer is waited for. A run is not waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The snapshot that is kept of a run that goes.
const SNAPSHOT_FILE: &str = "POST_SOAK_SNAPSHOT.json";

/// A folder of runs, locked for its rotation.
#[derive(Debug)]
pub(super) struct Rotation {
    base: PathBuf,
    _lock: FolderLock,
    /// What a killed rotation left and this one cannot clear away.
    left: Vec<Left>,
}

/// The snapshot of a run that goes.
struct Keepsake {
    /// That of the file in its archive.
    name: String,
    bytes: Vec<u8>,
    time: DateTime<Utc>,
}

impl Rotation {
    /// Locks the folder and clears away what a killed rotation left.
    pub(super) fn begin(base: &Path) -> Result<Self, Failure> {
        // Before a lock is put anywhere.
        inventory::check(base)?;
        let lock = FolderLock::acquire(base, LOCK_WAIT).map_err(Failure::output)?;
        let mut begun = Self { base: base.to_owned(), _lock: lock, left: Vec::new() };
        for below in ["", "latest/", "history/"] {
            let folder = path_of(base, below.trim_end_matches('/'));
            if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                begun.remove_leftovers(&folder, below)?;
            }
        }
        Ok(begun)
    }

    /// Does what the plan says; what needs room comes last, for the disk may be full.
    pub(super) fn carry_out(&self, plan: &Plan) -> Plan {
        let mut done = Plan { left: self.left.clone(), ..Plan::default() };
        let snapshots = self.base.join(SNAPSHOTS);
        for trim in &plan.trims {
            match self.trim_run(trim) {
                Ok(()) => done.trims.push(trim.clone()),
                Err(reason) => done.left.push(Left::new(&trim.run, reason)),
            }
        }
        for run in &plan.runs {
            match self.remove_run(run) {
                Ok(archive) => done.runs.push(Removal { archive, ..run.clone() }),
                Err(reason) => done.left.push(Left::new(&run.name, reason)),
            }
        }
        for removal in &plan.archives {
            let path = snapshots.join(&removal.name);
            match fs::remove_file(&path) {
                Ok(()) => done.archives.push(removal.clone()),
                Err(error) => {
                    done.left.push(Left::new(format!("{SNAPSHOTS}/{}", removal.name), error.to_string()));
                }
            }
        }
        for snapshot in &plan.compress {
            match compress(&snapshots, snapshot) {
                Ok(bytes) => {
                    done.compress.push(Snapshot { archive_bytes: Some(bytes), ..snapshot.clone() });
                }
                Err(not) => done.left.push(Left::new(format!("{SNAPSHOTS}/{}", snapshot.name), not.reason)),
            }
        }
        done
    }

    fn remove_run(&self, run: &Removal) -> Result<Option<String>, String> {
        let folder = path_of(&self.base, &run.name);
        let locks = self.lock_run(&folder)?;
        let snapshot = snapshot_of(&folder, &run.name, run.time)?;
        let is_late = match snapshot.as_ref().map(|snapshot| self.keep(snapshot)) {
            Some(Err(not)) if !not.is_full => return Err(not.reason),
            Some(Err(_)) => true,
            Some(Ok(())) | None => false,
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let parent = folder.parent().unwrap_or(&self.base);
        let going = parent.join(format!("{REMOVING_PREFIX}{name}"));
        // Windows does not rename a folder in which files are open.
        let held = if cfg!(windows) { Vec::new() } else { locks };
        fs::rename(&folder, &going).map_err(|error| error.to_string())?;
        drop(held);
        sync_folder(parent)?;
        failpoint("rotate-run-renamed");
        // A full disk has room for the archive once everything else of the run is gone.
        if is_late && let Some(snapshot) = &snapshot {
            remove_all_but_snapshot(&going).map_err(|error| error.to_string())?;
            self.keep(snapshot).map_err(|not| not.reason)?;
        }
        fs::remove_dir_all(&going).map_err(|error| error.to_string())?;
        Ok(snapshot.map(|snapshot| format!("{}{ARCHIVE_ENDING}", snapshot.name)))
    }

    /// Removes what is left of runs that a killed rotation had renamed; a snapshot only once it is archived.
    fn remove_leftovers(&mut self, folder: &Path, below: &str) -> Result<(), Failure> {
        for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
            let entry = entry.map_err(failed("list", folder))?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let Some(run) = name.strip_prefix(REMOVING_PREFIX).filter(|_| is_folder) else { continue };
            let time = path.join(SNAPSHOT_FILE).metadata().and_then(|found| found.modified());
            let time = time.map_or(DateTime::UNIX_EPOCH, DateTime::from);
            let kept = snapshot_of(&path, &format!("{below}{run}"), time)
                .map_err(NotKept::from)
                .and_then(|snapshot| snapshot.map_or(Ok(()), |snapshot| self.keep(&snapshot)));
            match kept {
                Ok(()) => fs::remove_dir_all(&path).map_err(failed("remove", &path))?,
                Err(not) => self.left.push(Left::new(format!("{below}{name}"), not.reason)),
            }
        }
        Ok(())
    }

    /// Removes old iterations. First the manifest says so: a number that is declared, not there and not rotated makes a
    /// run invalid, one that is there and counted as rotated harms nobody.
    fn trim_run(&self, trim: &Trim) -> Result<(), String> {
        let folder = path_of(&self.base, &trim.run);
        let _locks = self.lock_run(&folder)?;
        let reported = |error: RunFolderError| match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let add = |rotated: &mut Vec<(u64, u64)>| {
            let before: Ranges = rotated.iter().copied().collect();
            *rotated = before.with(&trim.numbers).ranges().to_vec();
        };
        let remove = |file: &String| {
            fs::remove_file(folder.join(file)).map_err(|error| format!("`{file}` stays: {error}"))
        };
        let mut files = trim.files.iter();
        while let Err(error) =
            rewrite_manifest(&folder, |manifest| add(&mut manifest.rotated), Durability::Synced)
        {
            // A full disk has room for the manifest once a file is gone. Killed right here, the lowest numbers are a
            // gap in the run, which is reported and changes no verdict.
            match files.next().filter(|_| is_for_want_of_room(&error)) {
                Some(file) => remove(file)?,
                None => return Err(reported(error)),
            }
        }
        failpoint("rotate-manifest-put");
        for (at, file) in files.enumerate() {
            remove(file)?;
            if at == 0 {
                failpoint("rotate-first-removed");
            }
        }
        sync_folder(&folder)
    }

    /// The two locks of a run's folder: nobody runs in it, and nobody writes reports into it.
    fn lock_run(&self, folder: &Path) -> Result<Vec<FolderLock>, String> {
        let reported = |error: LockError| error.to_string();
        let run = FolderLock::acquire_for_run(folder, Duration::ZERO).map_err(reported)?;
        // The folder rotated, where it is a run itself, is locked against writers already.
        let writers = if folder == self.base {
            None
        } else {
            Some(FolderLock::acquire(folder, LOCK_WAIT).map_err(reported)?)
        };
        Ok(std::iter::once(run).chain(writers).collect())
    }

    /// Archives the snapshot of a run that goes.
    fn keep(&self, snapshot: &Keepsake) -> Result<(), NotKept> {
        let Keepsake { name, bytes, time } = snapshot;
        let snapshots = self.base.join(SNAPSHOTS);
        match snapshots.symlink_metadata() {
            Ok(found) if !found.is_dir() => {
                return Err(format!("`{}` is no folder", snapshots.display()).into());
            }
            Ok(_) => {}
            Err(_) => fs::create_dir(&snapshots)
                .map_err(|error| NotKept::io(&format!("`{}`", snapshots.display()), &error))?,
        }
        archive::put(&snapshots, name, bytes, *time).map(|_| ())
    }
}

/// The snapshot in the folder of a run of this name; `None` when it has none.
fn snapshot_of(folder: &Path, run: &str, time: DateTime<Utc>) -> Result<Option<Keepsake>, String> {
    let path = folder.join(SNAPSHOT_FILE);
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    read_bounded(&path, LARGEST, &mut bytes)?;
    Ok(Some(Keepsake { name: format!("{}.json", run.replace('/', "_")), bytes, time }))
}

fn remove_all_but_snapshot(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != SNAPSHOT_FILE {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_for_want_of_room(error: &RunFolderError) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(is_full)
}

fn compress(folder: &Path, snapshot: &Snapshot) -> Result<u64, NotKept> {
    let path = folder.join(&snapshot.name);
    let mut bytes = Vec::new();
    read_bounded(&path, LARGEST, &mut bytes)?;
    let (_, size) = archive::put(folder, &snapshot.name, &bytes, snapshot.time)?;
    fs::remove_file(&path).map_err(|error| error.to_string())?;
    sync_folder(folder)?;
    Ok(size)
}

/// Makes the names in a folder survive a power cut.
fn sync_folder(folder: &Path) -> Result<(), String> {
    if cfg!(unix) {
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|_| format!("cannot sync `{}`", folder.display()))?;
    }
    Ok(())
}
