//! Writing artifacts: all of a set or, when the disk is full, none; never half a file.
//!
//! The order: lock every folder that is written into, remove the temporary files of writers that were
//! killed, write and sync a temporary file for each artifact that differs from what is there, rename them
//! all, remove stale files, sync the folders, and last the manifest. Being killed between two renames leaves
//! a set of which some files are new and some old, each of them whole; the next commit completes it.
//! Must not know what is in the bytes.

mod folders;
pub mod manifest;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempPath;

use self::folders::Name;
pub(crate) use self::folders::remove_leftovers;
pub use self::folders::{Durability, TEMPORARY_PREFIX, WriteError};
use self::manifest::Record;
pub use self::manifest::{Committed, LeftAlone, LeftReason};
use super::failpoint::failpoint;
use super::lock::FolderLock;

/// How long a commit waits for another writer of the same folder.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where, relative to the folder of the commit; may lie in sub-folders, which are created.
    pub path: PathBuf,
    /// The whole content.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// A file with this content.
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }
}

/// Writes the artifacts into the folder (created with its parents if missing), and removes those files of
/// `stale` (names relative to the folder) that soak wrote and nobody changed since. A name that is also
/// among the artifacts is not stale.
pub fn commit(
    folder: &Path,
    artifacts: Vec<Artifact>,
    stale: &[&str],
    durability: Durability,
) -> Result<Committed, WriteError> {
    commit_waiting(folder, artifacts, stale, durability, LOCK_WAIT)
}

fn commit_waiting(
    folder: &Path,
    artifacts: Vec<Artifact>,
    stale: &[&str],
    durability: Durability,
    lock_wait: Duration,
) -> Result<Committed, WriteError> {
    let wanted = unique(artifacts)?;
    let stale = without_wanted(stale, &wanted)?;

    folders::create_top(folder, durability)?;
    let mut parents: BTreeSet<PathBuf> = wanted.keys().map(Name::parent).collect();
    for name in stale.iter().map(Name::parent) {
        if folders::find(folder, &name)? {
            parents.insert(name);
        }
    }
    parents.insert(PathBuf::new());
    // Parents come before their children in this order, in every process: two writers cannot hold what the
    // other one waits for.
    let mut locks = Vec::with_capacity(parents.len());
    for parent in &parents {
        folders::create_below(folder, parent, durability)?;
        locks.push(FolderLock::acquire(&folder.join(parent), lock_wait)?);
    }
    for parent in &parents {
        folders::remove_leftovers(&folder.join(parent))?;
    }

    let mut committed = Committed::default();
    let mut changed = BTreeMap::new();
    for (name, bytes) in &wanted {
        if folders::holds(folder, name, bytes)? {
            committed.unchanged.push(name.path());
        } else {
            committed.written.push(name.path());
            changed.insert(name, bytes.as_slice());
        }
    }
    let record = Record::read(folder)?;
    committed.manifest_was_unreadable = !record.understood;
    let removals = record.removals(folder, &stale, &mut committed)?;
    let manifest_bytes = record.continued(folder, &wanted, &removals).to_bytes();

    let mut staged = Vec::with_capacity(changed.len());
    for (name, bytes) in changed {
        staged.push(Staged::write(&folder.join(name.path()), bytes, durability)?);
    }
    let manifest_path = folder.join(manifest::FILE_NAME);
    let staged_manifest = if record.is_written_as(&manifest_bytes) {
        None
    } else {
        Some(Staged::write(&manifest_path, &manifest_bytes, durability)?)
    };

    for file in staged {
        failpoint("before-rename");
        file.rename()?;
        failpoint("after-rename");
    }
    for name in &removals {
        failpoint("before-removal");
        let path = folder.join(name.path());
        fs::remove_file(&path).map_err(WriteError::io("remove", &path))?;
        failpoint("after-removal");
    }
    failpoint("before-folder-sync");
    for parent in &parents {
        folders::sync(&folder.join(parent), durability)?;
    }
    if let Some(file) = staged_manifest {
        failpoint("before-manifest");
        file.rename()?;
        failpoint("after-manifest");
        folders::sync(folder, durability)?;
    }
    drop(locks);
    Ok(committed)
}

/// The artifacts by name. Two of one name, or one inside of another, are an error.
fn unique(artifacts: Vec<Artifact>) -> Result<BTreeMap<Name, Vec<u8>>, WriteError> {
    let mut wanted = BTreeMap::new();
    for Artifact { path, bytes } in artifacts {
        let name = match Name::of(&path) {
            Ok(name) => name,
            Err(reason) => return Err(WriteError::Name { path, reason }),
        };
        if wanted.insert(name, bytes).is_some() {
            return Err(WriteError::Name { path, reason: "another artifact has the same name" });
        }
    }
    for name in wanted.keys() {
        let is_inside_another = name
            .parent()
            .ancestors()
            .any(|ancestor| Name::of(ancestor).is_ok_and(|ancestor| wanted.contains_key(&ancestor)));
        if is_inside_another {
            let reason = "another artifact has the name of its folder";
            return Err(WriteError::Name { path: name.path(), reason });
        }
    }
    Ok(wanted)
}

/// The stale names, sorted, each once, without those that are written.
fn without_wanted(stale: &[&str], wanted: &BTreeMap<Name, Vec<u8>>) -> Result<Vec<Name>, WriteError> {
    let mut names = Vec::with_capacity(stale.len());
    for text in stale {
        let path = Path::new(text);
        let name = Name::of(path).map_err(|reason| WriteError::Name { path: path.to_owned(), reason })?;
        if !wanted.contains_key(&name) {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// A complete temporary file. Dropped without a rename, it is removed.
#[derive(Debug)]
struct Staged {
    temporary: TempPath,
    destination: PathBuf,
}

impl Staged {
    /// Writes the bytes beside the destination. The file is closed afterwards, so that a large set does not
    /// run out of open files.
    fn write(destination: &Path, bytes: &[u8], durability: Durability) -> Result<Self, WriteError> {
        let folder = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut file = builder()
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(WriteError::io("create a temporary file for", destination))?;
        failpoint("after-create");
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let write = WriteError::io("write", destination);
        let written = file.write_all(first).and_then(|()| {
            failpoint("half-written");
            file.write_all(second)?;
            failpoint("before-sync");
            match durability {
                Durability::Synced => file.as_file().sync_all(),
                Durability::Renamed => Ok(()),
            }
        });
        written.map_err(write)?;
        Ok(Self { temporary: file.into_temp_path(), destination: destination.to_owned() })
    }

    /// Puts the file in its place, replacing what is there.
    fn rename(self) -> Result<(), WriteError> {
        let Self { temporary, destination } = self;
        temporary
            .persist(&destination)
            .map_err(|refused| WriteError::io("replace", &destination)(refused.error))
    }
}

/// Temporary files get the mode of ordinary files, 0666 less the umask: readers such as `node_exporter` run as
/// another user.
#[cfg(unix)]
fn builder() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).permissions(std::fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    builder
}

#[cfg(test)]
mod tests;
