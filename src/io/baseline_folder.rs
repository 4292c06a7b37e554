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
    /// The folder cannot be listed.
    #[error("the store `{}` cannot be listed", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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

/// Names of the baselines in the store, sorted; none where there is no store.
pub fn baselines(store: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |source| StoreError::List { path: store.to_owned(), source };
    let entries = match std::fs::read_dir(store) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        names.extend(number_of(&name).map(|number| (number, name.clone())));
    }
    names.sort();
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

/// The name of a baseline.
pub fn name_of(number: u64) -> String {
    format!("BASELINE_{number}.json")
}

fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("BASELINE_")?.strip_suffix(".json")?.parse().ok()?;
    (name_of(number) == name).then_some(number)
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
