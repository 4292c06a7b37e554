//! The folder of a baseline store: read without a lock, written under one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::artifacts::{WriteError, remove_leftovers};
use super::lock::{FolderLock, LockError};
use super::loose::{self, FileError};

/// How long another writer is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file of it.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another writer.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What a killed writer left behind.
    #[error(transparent)]
    Leftover(#[from] WriteError),
    /// The folder cannot be made.
    #[error("the folder `{}` cannot be made", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Makes the folder, keeps other writers out until the value is gone, and removes what a killed one left half written.
pub fn open_for_writing(store: &Path) -> Result<FolderLock, StoreError> {
    std::fs::create_dir_all(store).map_err(|source| StoreError::Folder { path: store.to_owned(), source })?;
    let lock = FolderLock::acquire(store, WAIT)?;
    remove_leftovers(store)?;
    Ok(lock)
}

/// A file of the store; `None` when it is not there.
pub fn read(store: &Path, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let path = store.join(name);
    if loose::exists(&path) { Ok(Some(loose::read(&path)?)) } else { Ok(None) }
}

/// Replaces a file of the store: a temporary file, fsync, rename.
pub fn write(store: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    Ok(loose::write(&store.join(name), bytes)?)
}
