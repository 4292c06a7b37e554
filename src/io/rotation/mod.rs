//! Rotation of old artifacts: what lies there, and carrying a plan out.
//!
//! A killed rotation costs nothing: what a manifest owes is written before files go, an archive is read back
//! before its original goes, and a run that goes is renamed first, so that it is never seen in part. Must not
//! decide what goes; that is `core::rotation`.

mod archive;
mod carry_out;
mod inventory;
mod log;

use std::io;
use std::path::{Path, PathBuf};

pub use carry_out::{Done, Rotation};
pub use inventory::take;
pub use log::{LogError, log};

use super::lock::LockError;

/// Folder of loose snapshots and of the archives of those that went.
pub const SNAPSHOTS: &str = "snapshots";

/// Folder of the log of rotations.
pub const LOG_FOLDER: &str = "rotation";

/// Name of that log.
pub const LOG_FILE: &str = "ROTATION_LOG.jsonl";

/// What stands behind the name of a file that became an archive.
pub const ARCHIVE_ENDING: &str = ".tar.gz";

/// What a former run is called while it is being removed, before its name.
const REMOVING_PREFIX: &str = ".soak-removing-";

/// Why nothing could be rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The folder is a symbolic link, and what lies behind it may be anybody's.
    #[error("`{}` is a symbolic link", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// There is no such folder.
    #[error("`{}` is no folder", path.display())]
    NotAFolder {
        /// What was given.
        path: PathBuf,
    },
    /// Another process works in the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system refuses.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl RotationError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
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
fn sync_folder(folder: &Path) -> Result<(), RotationError> {
    if cfg!(unix) {
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(RotationError::io("sync", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
