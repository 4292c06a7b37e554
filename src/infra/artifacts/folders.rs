//! The names and folders of a commit: checked, made, locked, cleaned and synced; and what can go wrong with them.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::infra::lock::{self, LockError};

/// What temporary files are called: this and some random letters.
pub use crate::infra::atomic_file::TEMPORARY_PREFIX;

/// Name of the manifest in the folder that it describes.
pub const MANIFEST: &str = ".soak-artifacts.json";

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Files and folders are synced to the disk: survives a power cut.
    Synced,
    /// Nothing is synced, files are only renamed into place: survives `kill -9`, but after a power cut a file
    /// may be empty. For what can be made again at any time.
    Renamed,
}

/// Why artifacts were not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The name of an artifact would lead out of the folder, or cannot be a file name everywhere.
    #[error("`{}` cannot be the name of an artifact: {reason}", path.display())]
    Name { path: PathBuf, reason: &'static str },
    /// Writing through a link would change a file outside the folder.
    #[error("`{}` is a symbolic link, and artifacts are not written through links", path.display())]
    Symlink {
        /// The link: the artifact itself, or a folder on its way.
        path: PathBuf,
    },
    /// Something else is where a folder is needed.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    /// Something else is where the artifact belongs: a folder, a pipe, a device.
    #[error("`{}` is there already and not a regular file", path.display())]
    NotAFile { path: PathBuf },
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
                Some("wait for that process to end, or choose another folder with `--out`")
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

/// A checked name, with `/` between its parts, as the manifest spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(String);

impl Name {
    /// The name of this relative path. The error is what is wrong with it.
    pub(super) fn of(path: &Path) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        for component in path.components() {
            let Component::Normal(part) = component else {
                return Err("it must lead from the folder to a place inside it, without `.`, `..` or a root");
            };
            let part = part.to_str().ok_or("it is no valid unicode text")?;
            if part.contains(|c: char| c.is_control() || matches!(c, '\\' | ':')) {
                return Err("it contains a control character, a backslash or a colon");
            }
            if [lock::FILE_NAME, lock::RUN_FILE_NAME].contains(&part)
                || part == MANIFEST
                || part.starts_with(TEMPORARY_PREFIX)
            {
                return Err("soak needs this name for itself");
            }
            parts.push(part);
        }
        if parts.is_empty() { Err("it is empty") } else { Ok(Self(parts.join("/"))) }
    }

    /// The name as the manifest spells it.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The path relative to the folder of the commit.
    pub(super) fn path(&self) -> PathBuf {
        self.0.split('/').collect()
    }

    /// The sub-folder; empty for the folder of the commit itself.
    pub(super) fn parent(&self) -> PathBuf {
        self.path().parent().map(Path::to_owned).unwrap_or_default()
    }
}

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

/// Removes temporary files that killed writers left behind. The folder is locked, so none of them belongs to
/// a writer at work.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), WriteError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str) -> Option<&'static str> {
        Name::of(Path::new(path)).err()
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "./x", "a/..", ".."] {
            assert!(refusal(path).is_some(), "{path}");
        }
    }

    #[test]
    fn names_that_are_not_possible_everywhere_are_refused() {
        for path in ["a\nb", "a\\b", "c:x", "tab\there", "\u{1b}[2J"] {
            assert!(refusal(path).is_some(), "{path:?}");
        }
        for path in ["a b.md", "ITER_SUMMARY_BTCUSDT_001.json", "reports/analysis/plots/net_bps.png", "é.md"]
        {
            assert_eq!(refusal(path), None, "{path}");
        }
    }

    #[test]
    fn names_of_our_own_files_are_refused() {
        for path in [".soak.lock", "sub/.soak-artifacts.json", ".soak-tmp-abc", ".soak-tmp-abc/x"] {
            assert_eq!(refusal(path), Some("soak needs this name for itself"), "{path}");
        }
    }
}
