//! Writing artifacts: all of a set or, when the disk is full, none; never half a file.
//!
//! The order: lock every folder that is written into, remove the temporary files of writers that were
//! killed, write and sync a temporary file for each artifact that differs from what is there, rename them
//! all, remove stale files, sync the folders, and last the manifest. Being killed between two renames leaves
//! a set of which some files are new and some old, each of them whole; the next commit completes it.
//! Must not know what is in the bytes.

mod error;
mod folders;
mod names;
mod record;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::error::WriteError;
pub(in crate::io) use self::folders::remove_leftovers;
use self::names::Name;
use self::record::Record;
use self::stage::Staged;
use super::failpoint::failpoint;
use crate::wire::artifact_manifest as manifest;

/// What temporary files are called: this and some random letters.
pub const TEMPORARY_PREFIX: &str = ".soak-tmp-";

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

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Files and folders are synced to the disk: survives a power cut.
    Synced,
    /// Nothing is synced, files are only renamed into place: survives `kill -9`, but after a power cut a file
    /// may be empty. For what can be made again at any time.
    Renamed,
}

/// What a commit did. All paths are relative to its folder and sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Files with new content.
    pub written: Vec<PathBuf>,
    /// Files that held the same bytes already and were not touched.
    pub unchanged: Vec<PathBuf>,
    /// Stale files that were removed.
    pub removed: Vec<PathBuf>,
    /// Stale files that stayed.
    pub left_alone: Vec<LeftAlone>,
    /// There was a manifest that could not be understood; it was replaced, and what it may have listed is
    /// no longer known as ours.
    pub manifest_was_unreadable: bool,
}

/// A stale file that was not removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAlone {
    /// The file.
    pub path: PathBuf,
    /// Why it stayed.
    pub reason: LeftReason,
}

/// Why a stale file stayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftReason {
    /// The manifest does not list it: somebody else wrote it.
    NotOurs,
    /// The manifest lists it, but with another content, or it is no regular file any more.
    Changed,
}

impl LeftReason {
    /// In words, for a warning: "left alone: …".
    pub fn words(self) -> &'static str {
        match self {
            Self::NotOurs => "not written by soak",
            Self::Changed => "changed since soak wrote it",
        }
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
    let wanted = names::unique(artifacts)?;
    let stale = names::stale(stale, &wanted)?;

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
        locks.push(folders::lock(&folder.join(parent), lock_wait)?);
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
    committed.manifest_was_unreadable = record.was_unreadable();
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

#[cfg(test)]
mod tests;
