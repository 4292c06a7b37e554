//! Replacing one file of a run: a temporary file of a fixed name beside it, then a rename. And what can go wrong with
//! a run's folder, with the path, the class and, where we know one, the way out.
//!
//! The run's lock keeps other runs away, so the name needs no random part and a leftover is simply overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::core::kpi::KpiTable;
use crate::core::verdict::failure::Failure;
use crate::infra::artifacts::Durability;
use crate::infra::atomic_file::exchange;
use crate::infra::failpoint::failpoint;
use crate::infra::lock::LockError;
use crate::run::iteration::file::DamagedRecord;
use crate::run::iteration::{IterationRecord, file};

/// What the temporary files of a run are called: this and the name of the file.
pub(crate) const TEMPORARY_PREFIX: &str = ".soak-run-tmp-";

/// Puts a file in its place, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), RunFolderError> {
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        // A rename refuses a folder, but an exchange would carry it off.
        return Err(RunFolderError::io("replace", path)(io::ErrorKind::IsADirectory.into()));
    }
    let temporary = stage(path, bytes, durability)?;
    failpoint("run-staged");
    // Some file systems (ext4) write a file out at once when a rename replaces another, which costs
    // milliseconds; an exchange is as atomic and costs nothing.
    if durability == Durability::Renamed && exchange(&temporary, path) {
        failpoint("run-swapped");
        return fs::remove_file(&temporary).map_err(RunFolderError::io("remove", &temporary));
    }
    put(&temporary, path)
}

/// Where the temporary file of a file is.
fn temporary_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(TEMPORARY_PREFIX);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

/// Removes what a killed run left half written beside a file that is not in its folder.
pub(crate) fn remove_leftover_of(path: &Path) -> Result<(), RunFolderError> {
    let temporary = temporary_of(path);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RunFolderError::io("remove", &temporary)(error))
        }
        _ => Ok(()),
    }
}

/// Writes the temporary file.
pub(crate) fn stage(path: &Path, bytes: &[u8], durability: Durability) -> Result<PathBuf, RunFolderError> {
    let temporary = temporary_of(path);
    let written = create(&temporary).and_then(|mut file| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        failpoint("run-half-written");
        file.write_all(second)?;
        match durability {
            Durability::Synced => file.sync_all(),
            Durability::Renamed => Ok(()),
        }
    });
    written.map_err(|source| {
        // What does not fit on the disk must not take its last blocks.
        let _ = fs::remove_file(&temporary);
        RunFolderError::io("write", path)(source)
    })?;
    Ok(temporary)
}

/// Renames it into place.
pub(crate) fn put(temporary: &Path, path: &Path) -> Result<(), RunFolderError> {
    fs::rename(temporary, path).map_err(|source| {
        let _ = fs::remove_file(temporary);
        RunFolderError::io("replace", path)(source)
    })
}

/// A new file, never one that is there: it might be a link.
fn create(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            open()
        }
        result => result,
    }
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path, durability: Durability) -> Result<(), RunFolderError> {
    if cfg!(unix) && durability == Durability::Synced {
        File::open(folder).and_then(|file| file.sync_all()).map_err(RunFolderError::io("sync", folder))?;
    }
    Ok(())
}

/// Removes what a killed run left half written.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), RunFolderError> {
    for entry in fs::read_dir(folder).map_err(RunFolderError::io("list", folder))? {
        let entry = entry.map_err(RunFolderError::io("list", folder))?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            let path = entry.path();
            fs::remove_file(&path).map_err(RunFolderError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Reads an iteration file.
pub(crate) fn read_record(
    path: &Path,
    number: u64,
    kpis: &KpiTable,
) -> Result<IterationRecord, RunFolderError> {
    let bytes = fs::read(path).map_err(RunFolderError::io("read", path))?;
    record_in(&bytes, path, number, kpis)
}

pub(crate) fn record_in(
    bytes: &[u8],
    path: &Path,
    number: u64,
    kpis: &KpiTable,
) -> Result<IterationRecord, RunFolderError> {
    let record = file::read(bytes, kpis)
        .map_err(|source| RunFolderError::Damaged { path: path.to_owned(), source })?;
    if record.number == number {
        Ok(record)
    } else {
        Err(RunFolderError::Renumbered { path: path.to_owned(), found: record.number })
    }
}

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
                Some("wait for that run to end, or choose another folder with `--out`")
            }
            Self::Lock(LockError::Symlink { .. }) => Some("remove the link"),
            Self::Symlink { .. } => Some("remove the link, or choose another folder with `--out`"),
            Self::NotAFolder { .. } => Some("move it away, or choose another folder with `--out`"),
            Self::Lock(LockError::Io { source, .. }) | Self::Io { source, .. } => hint_for(source.kind()),
            Self::NotVerified { .. } => Some("another program writes the same file: give the run its own"),
            Self::NoRun { .. } => Some("start one without `--resume`"),
            Self::NoManifest { .. } | Self::Manifest { .. } => {
                Some("start again without `--resume`, which moves the folder's content to `history`")
            }
            Self::Gap { .. } | Self::Damaged { .. } | Self::Renumbered { .. } => Some(
                "restore the file, or start again without `--resume`, which moves the folder's content to `history`",
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
            Some("free some space and continue with `--resume`; what was written is intact")
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
