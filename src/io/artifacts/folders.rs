//! The folders of a commit: made, checked for links, locked, cleaned and synced.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::names::Name;
use super::{Durability, TEMPORARY_PREFIX, WriteError};
use crate::io::lock::FolderLock;

/// Makes the folder of the commit with its parents. The folder and what is above it may be links: the user
/// named them.
pub(super) fn create_top(folder: &Path, durability: Durability) -> Result<(), WriteError> {
    let mut missing: Vec<&Path> = Vec::new();
    for ancestor in folder.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()) {
        match fs::metadata(ancestor) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => return Err(WriteError::NotAFolder { path: ancestor.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(ancestor),
            // Something above is no folder; the next round names it.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(WriteError::io("look at", ancestor)(error)),
        }
    }
    missing.into_iter().rev().try_for_each(|path| create(path, durability))
}

/// Makes a sub-folder of the commit with the folders between, none of which may be a link.
pub(super) fn create_below(top: &Path, below: &Path, durability: Durability) -> Result<(), WriteError> {
    for path in steps(top, below) {
        match look_at(&path)? {
            Some(metadata) => must_be_folder(path, &metadata)?,
            None => create(&path, durability)?,
        }
    }
    Ok(())
}

/// Whether a sub-folder of the commit is there. A link on the way is an error.
pub(super) fn find(top: &Path, below: &Path) -> Result<bool, WriteError> {
    for path in steps(top, below) {
        match look_at(&path)? {
            Some(metadata) => must_be_folder(path, &metadata)?,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// `top/a`, `top/a/b` for `a/b`.
fn steps(top: &Path, below: &Path) -> Vec<PathBuf> {
    let mut path = top.to_owned();
    below
        .components()
        .map(|component| {
            path.push(component);
            path.clone()
        })
        .collect()
}

fn must_be_folder(path: PathBuf, metadata: &Metadata) -> Result<(), WriteError> {
    if metadata.is_symlink() {
        Err(WriteError::Symlink { path })
    } else if metadata.is_dir() {
        Ok(())
    } else {
        Err(WriteError::NotAFolder { path })
    }
}

/// What is at this path, links not followed. `None` when nothing is.
pub(super) fn look_at(path: &Path) -> Result<Option<Metadata>, WriteError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WriteError::io("look at", path)(error)),
    }
}

fn create(path: &Path, durability: Durability) -> Result<(), WriteError> {
    match fs::create_dir(path) {
        // Somebody else may make the same folder at the same time.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => {
            Err(WriteError::io("create the folder", path)(error))
        }
        _ => match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync(Path::new("."), durability),
            Some(parent) => sync(parent, durability),
            None => Ok(()),
        },
    }
}

/// Locks a folder of the commit.
pub(super) fn lock(folder: &Path, wait: Duration) -> Result<FolderLock, WriteError> {
    Ok(FolderLock::acquire(folder, wait)?)
}

/// Removes temporary files that killed writers left behind. The folder is locked, so none of them belongs to
/// a writer at work.
pub(in crate::io) fn remove_leftovers(folder: &Path) -> Result<(), WriteError> {
    for entry in fs::read_dir(folder).map_err(WriteError::io("list", folder))? {
        let entry = entry.map_err(WriteError::io("list", folder))?;
        let is_temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX);
        if is_temporary && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let path = entry.path();
            fs::remove_file(&path).map_err(WriteError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Whether the file is there with exactly these bytes. What is no regular file is an error.
pub(super) fn holds(top: &Path, name: &Name, bytes: &[u8]) -> Result<bool, WriteError> {
    let path = top.join(name.path());
    let Some(metadata) = look_at(&path)? else { return Ok(false) };
    if metadata.is_symlink() {
        return Err(WriteError::Symlink { path });
    }
    if !metadata.is_file() {
        return Err(WriteError::NotAFile { path });
    }
    // A file that cannot be read can still be replaced.
    Ok(metadata.len() == bytes.len() as u64 && fs::read(&path).is_ok_and(|there| there == bytes))
}

/// Makes the names in a folder survive a power cut.
#[cfg(unix)]
pub(super) fn sync(folder: &Path, durability: Durability) -> Result<(), WriteError> {
    match durability {
        Durability::Synced => {
            fs::File::open(folder).and_then(|file| file.sync_all()).map_err(WriteError::io("sync", folder))
        }
        Durability::Renamed => Ok(()),
    }
}

/// Nothing: a folder cannot be synced on this platform.
#[cfg(not(unix))]
pub(super) fn sync(_folder: &Path, _durability: Durability) -> Result<(), WriteError> {
    Ok(())
}
