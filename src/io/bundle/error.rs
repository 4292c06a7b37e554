//! What can go wrong with a bundle on the disk, with the path and the way out.

use std::io;
use std::path::{Path, PathBuf};

use crate::io::lock::LockError;

/// Why a bundle was not written or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Something is there that soak did not write, or that was changed since.
    #[error("`{}` is not an untouched bundle of soak: {}", path.display(), why.join("; "))]
    Foreign {
        /// The folder or the archive.
        path: PathBuf,
        /// What is strange about it.
        why: Vec<String>,
    },
    /// It has no name, as `/` and `..` have none.
    #[error("`{}` cannot be the folder of a bundle", path.display())]
    Nameless {
        /// As given.
        path: PathBuf,
    },
    /// A link where the bundle belongs.
    #[error("`{}` is a symbolic link, and bundles are not written through links", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Something else where a folder or an archive belongs.
    #[error("`{}` is neither a folder nor a plain file", path.display())]
    Kind {
        /// What is there.
        path: PathBuf,
    },
    /// Somebody else builds there.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An archive that is none.
    #[error("`{}` is no archive of a bundle", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BundleError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it. `None` where we know no way out.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => Some("nothing was touched; move it away, or choose another `--out`"),
            Self::Nameless { .. } => Some("`--out` wants the name of a folder, as in release/v1.0.0"),
            Self::Symlink { .. } => Some("remove the link, or choose another `--out`"),
            Self::Kind { .. } => Some("a bundle is a folder or a .tar.gz of `soak release bundle`"),
            Self::Lock(LockError::Held { .. }) => Some("wait until that process is done"),
            Self::Archive { .. } => Some("`soak release bundle --archive` writes one"),
            Self::Lock(_) => None,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("name the folder or the archive of a bundle"),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space and run the same command again; what was there is untouched")
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("make the folder writable, or choose another `--out`")
                }
                _ => None,
            },
        }
    }
}
