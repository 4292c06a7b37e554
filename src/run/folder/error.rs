//! What can go wrong with a run's folder, with the path, the class and, where we know one, the way out.

use std::io;
use std::path::{Path, PathBuf};

use crate::core::verdict::failure::Failure;
use crate::infra::lock::LockError;
use crate::run::iteration::file::DamagedRecord;

/// Why a run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// Somebody else is at work there, or the lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Renaming or writing through a link would change something elsewhere.
    #[error("`{}` is a symbolic link, and a run does not write through links", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Something else is where a folder is needed.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// What is no folder.
        path: PathBuf,
    },
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
    /// What was read back is not what was written.
    #[error("`{}` does not hold what was just written into it", path.display())]
    NotVerified {
        /// The file.
        path: PathBuf,
    },
    /// A record with a number that no file can hold.
    #[error("iteration {number} cannot be written")]
    Record {
        number: u64,
        /// Which number is the matter.
        source: serde_json::Error,
    },
    /// The overrides have no place in the shape of their file.
    #[error("the overrides cannot be written in the shape of their file")]
    Shape(#[source] serde_json::Error),
    /// An iteration out of turn.
    #[error("iteration {number} cannot follow iteration {last}")]
    OutOfTurn {
        /// The iteration that was to be written.
        number: u64,
        /// The last one in the folder.
        last: u64,
    },
    /// There is no run to go on with.
    #[error("there is no run in `{}` to go on with", path.display())]
    NoRun {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// Iterations without the manifest that says what was declared.
    #[error("`{}` is missing, though there are iterations beside it", path.display())]
    NoManifest {
        /// Where it should be.
        path: PathBuf,
    },
    /// The manifest cannot be used.
    #[error("`{}` cannot be used: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An iteration file is gone.
    #[error("`{}` is missing, though there are later iterations", path.display())]
    Gap {
        /// Where it should be.
        path: PathBuf,
    },
    /// An iteration file is damaged.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: DamagedRecord,
    },
    /// An iteration file tells of another iteration than its name.
    #[error("`{}` holds iteration {found}", path.display())]
    Renumbered {
        /// The file.
        path: PathBuf,
        /// The number in it.
        found: u64,
    },
}

impl RunFolderError {
    /// Turns what the system said about a path into an error.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it. `None` where we know no way out.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Lock(LockError::Held { .. }) => {
                Some("wait until that run is done, or choose another folder with `--out`")
            }
            Self::Lock(LockError::Symlink { .. }) => Some("remove the link"),
            Self::Symlink { .. } => Some("remove the link, or choose another folder with `--out`"),
            Self::NotAFolder { .. } => Some("move it away, or choose another folder with `--out`"),
            Self::Lock(LockError::Io { source, .. }) | Self::Io { source, .. } => hint_for(source.kind()),
            Self::NotVerified { .. } => Some("another program writes the same file: give the run its own"),
            Self::NoRun { .. } => Some("start one without `--resume`"),
            Self::NoManifest { .. } | Self::Manifest { .. } => {
                Some("start anew without `--resume`; what is there moves to `history`")
            }
            Self::Gap { .. } | Self::Damaged { .. } | Self::Renumbered { .. } => Some(
                "bring the file back, or start anew without `--resume`; what is there moves to `history`",
            ),
            Self::Record { .. } | Self::Shape(_) | Self::OutOfTurn { .. } => None,
        }
    }
}

impl From<RunFolderError> for Failure {
    fn from(error: RunFolderError) -> Self {
        let hint = error.hint();
        let failure = match &error {
            RunFolderError::NoRun { .. }
            | RunFolderError::NoManifest { .. }
            | RunFolderError::Manifest { .. }
            | RunFolderError::Gap { .. }
            | RunFolderError::Damaged { .. }
            | RunFolderError::Renumbered { .. }
            | RunFolderError::Shape(_) => Failure::input(error),
            _ => Failure::output(error),
        };
        failure.hint_if_known(hint)
    }
}

fn hint_for(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("free some space and go on with `--resume`; what was written is whole")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("make the folder writable, or choose another one with `--out`")
        }
        io::ErrorKind::CrossesDevices => Some("keep the run and `history` on one file system"),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Some("a file is where a folder is needed; move it away, or choose another folder with `--out`")
        }
        io::ErrorKind::InvalidFilename => Some("choose another folder with `--out`"),
        _ => None,
    }
}
