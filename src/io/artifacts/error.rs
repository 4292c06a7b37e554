//! What can go wrong when artifacts are written, with the path and, where we know one, the way out.

use std::io;
use std::path::{Path, PathBuf};

use crate::io::lock::LockError;

/// Why artifacts were not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The name of an artifact would lead out of the folder, or cannot be a file name everywhere.
    #[error("`{}` cannot be the name of an artifact: {reason}", path.display())]
    Name {
        /// The name as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Writing through a link would change a file outside the folder.
    #[error("`{}` is a symbolic link, and artifacts are not written through links", path.display())]
    Symlink {
        /// The link: the artifact itself, or a folder on its way.
        path: PathBuf,
    },
    /// Something else is where a folder is needed.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// What is no folder.
        path: PathBuf,
    },
    /// Something else is where the artifact belongs: a folder, a pipe, a device.
    #[error("`{}` is there already and not a regular file", path.display())]
    NotAFile {
        /// What is no regular file.
        path: PathBuf,
    },
    /// Another writer is at work, or the lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as in "cannot … `path`".
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl WriteError {
    /// Turns what the system said about a path into an error.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it. `None` where we know no way out.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Name { .. } => None,
            Self::Symlink { .. } => Some("remove the link, or choose another folder with `--out`"),
            Self::NotAFolder { .. } | Self::NotAFile { .. } => {
                Some("move it away, or choose another folder with `--out`")
            }
            Self::Lock(LockError::Held { .. }) => {
                Some("wait until that process is done, or choose another folder with `--out`")
            }
            Self::Lock(LockError::Symlink { .. }) => Some("remove the link"),
            Self::Lock(LockError::Io { source, .. }) | Self::Io { source, .. } => hint_for(source.kind()),
        }
    }
}

fn hint_for(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("free some space and run the same command again; the files that were there are untouched")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("make the folder writable, or choose another one with `--out`")
        }
        io::ErrorKind::Unsupported => {
            Some("this file system has no locks; choose a folder on another one with `--out`")
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Some("a file is where a folder is needed; move it away, or choose another folder with `--out`")
        }
        io::ErrorKind::InvalidFilename => Some("choose another folder with `--out`"),
        _ => None,
    }
}
