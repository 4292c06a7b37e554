//! Putting an isolated run into `latest`: a copy beside it, then an exchange of names.
//!
//! The copy carries a mark until it is whole, so that what a killed run left is told from a former `latest`
//! that was exchanged and not yet moved to `history`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::core::iteration::manifest;
use crate::infra::artifacts::Durability;
use crate::infra::atomic_file::exchange;
use crate::infra::failpoint::failpoint;
use crate::infra::lock::FolderLock;
use crate::run::folder::RunFolder;
use crate::run::folder::files::RunFolderError;
use crate::run::folder::files::sync_folder;
use crate::run::folder::place::{LATEST, LOCK_WAIT, Place, is_folder, is_machinery, lock_out, move_aside};

/// Stands in a copy that is not whole yet.
const MARK: &str = ".soak-run-tmp-copying";

impl RunFolder {
    /// Copies an isolated run into `<out>/latest`, of which the former content moves to `<out>/history`. Gives
    /// back the folder that post-soak commands should read. Of a run in `latest` that is the run's own.
    pub(crate) fn materialise(&self) -> Result<PathBuf, RunFolderError> {
        if self.place == Place::Latest {
            return Ok(self.folder.clone());
        }
        let (latest, copy) = (self.out.join(LATEST), self.copy());
        self.clear(&copy)?;
        if self.is_manifest_of(&latest) {
            return Ok(latest);
        }
        copy_folder(&self.folder, &copy, self.durability)?;
        failpoint("run-copied");
        let _out = lock_out(&self.out)?;
        if is_folder(&latest)? {
            let run = FolderLock::acquire_for_run(&latest, Duration::ZERO)?;
            let writers = FolderLock::acquire(&latest, LOCK_WAIT)?;
            unmark(&copy, self.durability)?;
            let locks = vec![run, writers];
            if exchange(&copy, &latest) {
                failpoint("run-exchanged");
                move_aside(&self.out, &copy, locks, self.durability)?;
                return Ok(latest);
            }
            move_aside(&self.out, &latest, locks, self.durability)?;
            failpoint("run-latest-moved");
        } else {
            unmark(&copy, self.durability)?;
        }
        fs::rename(&copy, &latest).map_err(RunFolderError::io("put in place", &latest))?;
        sync_folder(&self.out, self.durability)?;
        failpoint("run-materialised");
        Ok(latest)
    }

    /// Whether `latest` holds this run as it is now, and nothing of a killed attempt to put it there is left.
    pub(crate) fn is_materialised(&self) -> bool {
        let latest = self.out.join(LATEST);
        self.place == Place::Latest
            || (self.is_manifest_of(&latest) && self.copy().symlink_metadata().is_err())
    }

    /// Where the copy is made.
    fn copy(&self) -> PathBuf {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        self.out.join(format!(".{LATEST}-{name}"))
    }

    /// Whether a folder holds the manifest of this run, to the byte: it names process and start of every
    /// stretch, so that no other run has the same.
    fn is_manifest_of(&self, folder: &Path) -> bool {
        fs::read(folder.join(manifest::MANIFEST_FILE)).is_ok_and(|bytes| bytes == self.manifest.to_bytes())
    }

    /// Makes room for the copy: what a killed attempt of this run left there.
    fn clear(&self, copy: &Path) -> Result<(), RunFolderError> {
        if !is_folder(copy)? {
            return Ok(());
        }
        let _out = lock_out(&self.out)?;
        let is_copy = copy.join(MARK).symlink_metadata().is_ok() || self.is_manifest_of(copy);
        // One that is empty was not even marked yet.
        if !is_copy && fs::remove_dir(copy).is_ok() {
            return Ok(());
        }
        if is_copy {
            return fs::remove_dir_all(copy).map_err(RunFolderError::io("remove", copy));
        }
        move_aside(&self.out, copy, Vec::new(), self.durability).map(|_| ())
    }
}

fn unmark(copy: &Path, durability: Durability) -> Result<(), RunFolderError> {
    let mark = copy.join(MARK);
    fs::remove_file(&mark).map_err(RunFolderError::io("remove", &mark))?;
    // A mark that comes back after a power cut would make a whole folder look like a copy.
    sync_folder(copy, durability)?;
    failpoint("run-unmarked");
    Ok(())
}

/// Copies a folder with what is below it; links and the machinery's files stay behind.
fn copy_folder(from: &Path, to: &Path, durability: Durability) -> Result<(), RunFolderError> {
    fs::create_dir(to).map_err(RunFolderError::io("create the folder", to))?;
    failpoint("run-copy-begun");
    let mark = to.join(MARK);
    fs::write(&mark, "").map_err(RunFolderError::io("write", &mark))?;
    copy_entries(from, to)?;
    if durability == Durability::Synced { sync_tree(to) } else { Ok(()) }
}

fn copy_entries(from: &Path, to: &Path) -> Result<(), RunFolderError> {
    for entry in fs::read_dir(from).map_err(RunFolderError::io("list", from))? {
        let entry = entry.map_err(RunFolderError::io("list", from))?;
        let name = entry.file_name();
        if is_machinery(&name.to_string_lossy()) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        let kind = entry.file_type().map_err(RunFolderError::io("look at", &source))?;
        if kind.is_dir() {
            fs::create_dir(&target).map_err(RunFolderError::io("create the folder", &target))?;
            copy_entries(&source, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target).map_err(RunFolderError::io("copy to", &target))?;
        }
    }
    Ok(())
}

/// Makes a copied folder survive a power cut: one call for the file system instead of one for each of what may
/// be a hundred thousand files.
#[cfg(target_os = "linux")]
fn sync_tree(folder: &Path) -> Result<(), RunFolderError> {
    let synced = fs::File::open(folder).and_then(|file| Ok(rustix::fs::syncfs(&file)?));
    synced.map_err(RunFolderError::io("sync", folder))
}

/// Makes a copied folder survive a power cut, file by file.
#[cfg(not(target_os = "linux"))]
fn sync_tree(folder: &Path) -> Result<(), RunFolderError> {
    for entry in fs::read_dir(folder).map_err(RunFolderError::io("list", folder))? {
        let path = entry.map_err(RunFolderError::io("list", folder))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            let synced = fs::OpenOptions::new().append(true).open(&path).and_then(|file| file.sync_all());
            synced.map_err(RunFolderError::io("sync", &path))?;
        }
    }
    sync_folder(folder, Durability::Synced)
}
