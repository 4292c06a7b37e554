//! Putting a bundle in its place: built aside, synced, exchanged. What soak did not write is never replaced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BundleError, read};
use crate::io::exchange::exchange;
use crate::io::failpoint::failpoint;
use crate::io::lock::{FolderLock, LockError};
use crate::wire::release::bundle_check::touched;

/// How long another build of the same bundle is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The new bundle, and after the exchange the former one.
const NEW: &str = "new";
/// The former one, where two names cannot be exchanged at once.
const OLD: &str = "old";
/// The archive on its way.
const ARCHIVE: &str = "archive";

/// What was put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The very same bundle was there already.
    pub unchanged: bool,
}

/// Where the archive of a bundle goes: beside it, `.tar.gz` behind its name.
pub fn archive_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(super::ARCHIVE_ENDING);
    out.with_file_name(name)
}

/// Whether a bundle, and an archive, could be put in place; touches nothing.
pub fn look(out: &Path, files: &BTreeMap<String, Vec<u8>>, with_archive: bool) -> Result<Put, BundleError> {
    if out.file_name().is_none() {
        return Err(BundleError::Nameless { path: out.to_owned() });
    }
    let unchanged = is_same(out, files)?;
    if with_archive {
        must_be_ours(&archive_of(out))?;
    }
    Ok(Put { unchanged })
}

/// Puts a bundle in place, and its archive beside it. Both replace only what soak wrote and nobody changed.
pub fn put(
    out: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    archive: Option<&[u8]>,
) -> Result<Put, BundleError> {
    let Some(name) = out.file_name() else {
        return Err(BundleError::Nameless { path: out.to_owned() });
    };
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(BundleError::io("create the folder", parent))?;
    let mut hidden = std::ffi::OsString::from(".soak-bundle-");
    hidden.push(name);
    let workspace = Workspace::lock(parent.join(hidden))?;
    let put = fill(&workspace, parent, out, files, archive);
    // Also after trouble: nothing of a bundle that was not put in place is worth keeping.
    let cleared = workspace.clear(out);
    let put = put?;
    cleared?;
    Ok(put)
}

fn fill(
    workspace: &Workspace,
    parent: &Path,
    out: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    archive: Option<&[u8]>,
) -> Result<Put, BundleError> {
    workspace.recover(out)?;
    let unchanged = is_same(out, files)?;
    let archive_path = archive_of(out);
    if let Some(bytes) = archive {
        must_be_ours(&archive_path)?;
        write(&workspace.path.join(ARCHIVE), bytes)?;
        failpoint("bundle-archive-staged");
    }
    if !unchanged {
        workspace.build(files)?;
        failpoint("bundle-built");
        workspace.install(out)?;
        sync(parent)?;
        failpoint("bundle-in-place");
    }
    if archive.is_some() {
        let staged = workspace.path.join(ARCHIVE);
        fs::rename(&staged, &archive_path).map_err(BundleError::io("replace", &archive_path))?;
        sync(parent)?;
        failpoint("bundle-archive-in-place");
    }
    Ok(Put { unchanged })
}

/// Whether the bundle is there already, to the byte. Anything else there must be a bundle that nobody touched.
fn is_same(out: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<bool, BundleError> {
    match out.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(BundleError::io("look at", out)(error)),
        Ok(found) if found.is_symlink() => return Err(BundleError::Symlink { path: out.to_owned() }),
        Ok(found) if !found.is_dir() => return Err(BundleError::Kind { path: out.to_owned() }),
        Ok(_) => {}
    }
    let there = read(out)?;
    if there.files.is_empty() && there.problems.is_empty() {
        return Ok(false);
    }
    let why = touched(&there);
    if why.is_empty() {
        Ok(there.files == *files)
    } else {
        Err(BundleError::Foreign { path: out.to_owned(), why })
    }
}

fn must_be_ours(archive: &Path) -> Result<(), BundleError> {
    match archive.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BundleError::io("look at", archive)(error)),
        Ok(found) if found.is_symlink() => return Err(BundleError::Symlink { path: archive.to_owned() }),
        Ok(found) if !found.is_file() => return Err(BundleError::Kind { path: archive.to_owned() }),
        Ok(_) => {}
    }
    let foreign = |why| BundleError::Foreign { path: archive.to_owned(), why };
    match read(archive) {
        Ok(there) => match touched(&there) {
            why if why.is_empty() => Ok(()),
            why => Err(foreign(why)),
        },
        Err(BundleError::Archive { source, .. }) => Err(foreign(vec![source.to_string()])),
        Err(error) => Err(error),
    }
}

/// The hidden folder beside a bundle in which the next one is built. Everything in it is soak's.
struct Workspace {
    path: PathBuf,
    _lock: FolderLock,
}

impl Workspace {
    fn lock(path: PathBuf) -> Result<Self, BundleError> {
        const ATTEMPTS: usize = 20;
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(BundleError::Symlink { path });
        }
        for attempt in 1.. {
            match fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(BundleError::io("create the folder", &path)(error));
                }
                _ => {}
            }
            match FolderLock::acquire(&path, LOCK_WAIT) {
                Ok(lock) => return Ok(Self { path, _lock: lock }),
                // Whoever built before has just taken the folder away.
                Err(LockError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
        unreachable!("the loop ends by its attempts")
    }

    /// Puts a former bundle back that a kill caught between two renames, and removes what else was left.
    fn recover(&self, out: &Path) -> Result<(), BundleError> {
        let old = self.path.join(OLD);
        if old.symlink_metadata().is_ok() && out.symlink_metadata().is_err() {
            fs::rename(&old, out).map_err(BundleError::io("put back", out))?;
        }
        self.empty()
    }

    fn build(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<(), BundleError> {
        let new = self.path.join(NEW);
        fs::create_dir(&new).map_err(BundleError::io("create the folder", &new))?;
        failpoint("bundle-begun");
        for (name, bytes) in files {
            write(&new.join(name), bytes)?;
            failpoint("bundle-file-written");
        }
        sync(&new)
    }

    fn install(&self, out: &Path) -> Result<(), BundleError> {
        let new = self.path.join(NEW);
        if out.symlink_metadata().is_err() {
            return fs::rename(&new, out).map_err(BundleError::io("put in place", out));
        }
        if exchange(&new, out) {
            failpoint("bundle-exchanged");
            return Ok(());
        }
        let old = self.path.join(OLD);
        fs::rename(out, &old).map_err(BundleError::io("move aside", out))?;
        failpoint("bundle-moved-aside");
        fs::rename(&new, out).map_err(|error| {
            // Better the former one than none; should that fail too, the next build does it.
            let _ = fs::rename(&old, out);
            BundleError::io("put in place", out)(error)
        })
    }

    /// Takes the folder away.
    fn clear(self, out: &Path) -> Result<(), BundleError> {
        if self.path.join(OLD).symlink_metadata().is_ok() && out.symlink_metadata().is_err() {
            // The former bundle could not be put back just now. The next build tries again.
            return Ok(());
        }
        self.empty()?;
        // Nobody misses anything when these two fail; the next build tidies up.
        let _ = fs::remove_file(self.path.join(crate::io::lock::FILE_NAME));
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    fn empty(&self) -> Result<(), BundleError> {
        for name in [NEW, OLD] {
            remove(&self.path.join(name))?;
            failpoint("bundle-former-removed");
        }
        let archive = self.path.join(ARCHIVE);
        match fs::remove_file(&archive) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BundleError::io("remove", &archive)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Removes a folder of the workspace.
fn remove(folder: &Path) -> Result<(), BundleError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BundleError::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(first)?;
        failpoint("bundle-half-written");
        file.write_all(second)?;
        file.sync_all()
    });
    written.map_err(BundleError::io("write", path))
}

/// Makes the names in a folder survive a power cut.
#[cfg(unix)]
fn sync(folder: &Path) -> Result<(), BundleError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(BundleError::io("sync", folder))
}

/// Nothing: a folder cannot be synced on this platform.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> Result<(), BundleError> {
    Ok(())
}
