//! Carrying out a plan, under the locks of the folder and of each run. What cannot be done is told and the rest
//! goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    ARCHIVE_ENDING, REMOVING_PREFIX, RotationError, SNAPSHOTS, archive, inventory, path_of, sync_folder,
};
use crate::core::ranges::Ranges;
use crate::core::rotation::{Inventory, Plan, Removal, SnapshotFacts, Trim};
use crate::io::artifacts::Durability;
use crate::io::failpoint::failpoint;
use crate::io::load::{LARGEST, read_bounded};
use crate::io::lock::{FolderLock, LockError};
use crate::io::run_folder::{RunFolderError, rewrite_manifest};

/// How long another writer is waited for. A run is not waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The snapshot that is kept of a run that goes.
const SNAPSHOT_FILE: &str = "POST_SOAK_SNAPSHOT.json";

/// A folder of runs, locked for its rotation.
#[derive(Debug)]
pub struct Rotation {
    base: PathBuf,
    _lock: FolderLock,
}

/// What became of a plan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Snapshots that became archives, with the bytes of the archive.
    pub compressed: Vec<(SnapshotFacts, u64)>,
    /// Runs that lost old iterations.
    pub trims: Vec<Trim>,
    /// Runs that went, and the archive of their snapshot where they had one.
    pub runs: Vec<(Removal, Option<String>)>,
    /// Archives that went.
    pub archives: Vec<Removal>,
    /// What was left alone, as path and reason, beside what the plan told.
    pub left: Vec<(String, String)>,
}

impl Rotation {
    /// Locks the folder and clears away what a killed rotation left.
    pub fn begin(base: &Path) -> Result<Self, RotationError> {
        // Before a lock is put anywhere.
        inventory::check(base)?;
        let begun = Self { base: base.to_owned(), _lock: FolderLock::acquire(base, LOCK_WAIT)? };
        for below in ["", "latest", "history"] {
            let folder = if below.is_empty() { base.to_owned() } else { base.join(below) };
            if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                remove_leftovers(&folder)?;
            }
        }
        Ok(begun)
    }

    /// What lies there.
    pub fn inventory(&self) -> Result<Inventory, RotationError> {
        inventory::take(&self.base)
    }

    /// Does what the plan says.
    pub fn carry_out(&self, plan: &Plan) -> Done {
        let mut done = Done::default();
        let snapshots = self.base.join(SNAPSHOTS);
        for snapshot in &plan.compress {
            match compress(&snapshots, snapshot) {
                Ok(bytes) => done.compressed.push((snapshot.clone(), bytes)),
                Err(reason) => done.left.push((format!("{SNAPSHOTS}/{}", snapshot.name), reason)),
            }
        }
        for trim in &plan.trims {
            match self.trim_run(trim) {
                Ok(()) => done.trims.push(trim.clone()),
                Err(reason) => done.left.push((trim.run.clone(), reason)),
            }
        }
        for run in &plan.runs {
            match self.remove_run(run) {
                Ok(archive) => done.runs.push((run.clone(), archive)),
                Err(reason) => done.left.push((run.name.clone(), reason)),
            }
        }
        for removal in &plan.archives {
            let path = snapshots.join(&removal.name);
            match fs::remove_file(&path) {
                Ok(()) => done.archives.push(removal.clone()),
                Err(error) => done.left.push((format!("{SNAPSHOTS}/{}", removal.name), error.to_string())),
            }
        }
        done
    }

    fn remove_run(&self, run: &Removal) -> Result<Option<String>, String> {
        let folder = path_of(&self.base, &run.name);
        let locks = self.lock_run(&folder)?;
        let archive = self.keep_snapshot(&folder, run)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let parent = folder.parent().unwrap_or(&self.base);
        let going = parent.join(format!("{REMOVING_PREFIX}{name}"));
        // Windows does not rename a folder in which files are open.
        let held = if cfg!(windows) { Vec::new() } else { locks };
        fs::rename(&folder, &going).map_err(|error| error.to_string())?;
        drop(held);
        sync_folder(parent).map_err(|error| error.to_string())?;
        failpoint("rotate-run-renamed");
        fs::remove_dir_all(&going).map_err(|error| error.to_string())?;
        Ok(archive)
    }

    /// Removes old iterations. First the manifest says so: a number that is declared, not there and not rotated makes a
    /// run invalid, one that is there and counted as rotated harms nobody.
    fn trim_run(&self, trim: &Trim) -> Result<(), String> {
        let folder = path_of(&self.base, &trim.run);
        let _locks = self.lock_run(&folder)?;
        let told = |error: RunFolderError| match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let add = |rotated: &mut Vec<(u64, u64)>| {
            let before: Ranges = rotated.iter().copied().collect();
            *rotated = before.with(&trim.numbers).ranges().to_vec();
        };
        rewrite_manifest(&folder, |manifest| add(&mut manifest.rotated), Durability::Synced).map_err(told)?;
        failpoint("rotate-manifest-put");
        for (at, file) in trim.files.iter().enumerate() {
            fs::remove_file(folder.join(file)).map_err(|error| format!("`{file}` stays: {error}"))?;
            if at == 0 {
                failpoint("rotate-first-removed");
            }
        }
        sync_folder(&folder).map_err(|error| error.to_string())
    }

    /// The two locks of a run's folder: nobody runs in it, and nobody writes reports into it.
    fn lock_run(&self, folder: &Path) -> Result<Vec<FolderLock>, String> {
        let told = |error: LockError| error.to_string();
        let run = FolderLock::acquire_for_run(folder, Duration::ZERO).map_err(told)?;
        // The folder rotated, where it is a run itself, is locked against writers already.
        let writers = if folder == self.base {
            None
        } else {
            Some(FolderLock::acquire(folder, LOCK_WAIT).map_err(told)?)
        };
        Ok(std::iter::once(run).chain(writers).collect())
    }

    /// Archives the snapshot of a run that goes; `None` when it has none.
    fn keep_snapshot(&self, folder: &Path, run: &Removal) -> Result<Option<String>, String> {
        let path = folder.join(SNAPSHOT_FILE);
        if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        read_bounded(&path, LARGEST, &mut bytes)?;
        let snapshots = self.base.join(SNAPSHOTS);
        match snapshots.symlink_metadata() {
            Ok(found) if !found.is_dir() => return Err(format!("`{}` is no folder", snapshots.display())),
            Ok(_) => {}
            Err(_) => fs::create_dir(&snapshots).map_err(|error| error.to_string())?,
        }
        let name = format!("{}.json", run.name.replace('/', "_"));
        archive::put(&snapshots, &name, &bytes, run.time)?;
        Ok(Some(format!("{name}{ARCHIVE_ENDING}")))
    }
}

fn compress(folder: &Path, snapshot: &SnapshotFacts) -> Result<u64, String> {
    let path = folder.join(&snapshot.name);
    let mut bytes = Vec::new();
    read_bounded(&path, LARGEST, &mut bytes)?;
    let (_, size) = archive::put(folder, &snapshot.name, &bytes, snapshot.time)?;
    fs::remove_file(&path).map_err(|error| error.to_string())?;
    sync_folder(folder).map_err(|error| error.to_string())?;
    Ok(size)
}

/// Removes what is left of runs that a killed rotation had renamed.
fn remove_leftovers(folder: &Path) -> Result<(), RotationError> {
    for entry in fs::read_dir(folder).map_err(RotationError::io("list", folder))? {
        let entry = entry.map_err(RotationError::io("list", folder))?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(REMOVING_PREFIX);
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::remove_dir_all(entry.path()).map_err(RotationError::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}
