//! The manifest of a folder: what it said before, which stale files it lets us remove, and what it says next.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::names::Name;
use super::{Committed, LeftAlone, LeftReason, WriteError, folders};
use crate::wire::artifact_manifest::{ArtifactEntry, ArtifactManifest, FILE_NAME};

/// The manifest as it was found.
#[derive(Debug)]
pub(super) struct Record {
    /// The file. `None` when there is none.
    bytes: Option<Vec<u8>>,
    /// What it lists; empty when there is no manifest or it was not understood.
    entries: BTreeMap<Name, ArtifactEntry>,
    understood: bool,
}

impl Record {
    /// Reads the manifest of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, WriteError> {
        let path = folder.join(FILE_NAME);
        if folders::look_at(&path)?.is_some_and(|metadata| metadata.is_symlink()) {
            return Err(WriteError::Symlink { path });
        }
        // A pipe in its place would never end.
        let bytes = match fs::metadata(&path).and_then(|found| {
            if found.is_file() { fs::read(&path) } else { Err(io::Error::other("is not a plain file")) }
        }) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(WriteError::io("read", &path)(error)),
        };
        let manifest = bytes.as_deref().map(ArtifactManifest::parse);
        let understood = !matches!(manifest, Some(None));
        // A name that leads elsewhere was not written by us.
        let entries = manifest
            .flatten()
            .map(|manifest| manifest.files)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|entry| Some((Name::of(Path::new(&entry.name)).ok()?, entry)))
            .collect();
        Ok(Self { bytes, entries, understood })
    }

    /// Whether there is a manifest that says nothing to us.
    pub(super) fn was_unreadable(&self) -> bool {
        !self.understood
    }

    /// Whether the manifest on disk has these bytes.
    pub(super) fn is_written_as(&self, bytes: &[u8]) -> bool {
        self.bytes.as_deref() == Some(bytes)
    }

    /// Which of the stale files are ours, unchanged, and so may go; tells in `committed` which go and which stay.
    pub(super) fn removals(
        &self,
        folder: &Path,
        stale: &[Name],
        committed: &mut Committed,
    ) -> Result<Vec<Name>, WriteError> {
        let mut removals = Vec::new();
        for name in stale {
            if !folders::find(folder, &name.parent())?
                || folders::look_at(&folder.join(name.path()))?.is_none()
            {
                continue;
            }
            let reason = match self.entries.get(name) {
                None => LeftReason::NotOurs,
                Some(entry) if !is_unchanged(folder, name, entry) => LeftReason::Changed,
                Some(_) => {
                    committed.removed.push(name.path());
                    removals.push(name.clone());
                    continue;
                }
            };
            committed.left_alone.push(LeftAlone { path: name.path(), reason });
        }
        Ok(removals)
    }

    /// The manifest after the commit: the artifacts, and what was listed and is still there as listed.
    pub(super) fn continued(
        &self,
        folder: &Path,
        wanted: &BTreeMap<Name, Vec<u8>>,
        removals: &[Name],
    ) -> ArtifactManifest {
        let earlier = self.entries.iter().filter(|(name, entry)| {
            !wanted.contains_key(*name) && !removals.contains(name) && is_unchanged(folder, name, entry)
        });
        let now = wanted.iter().map(|(name, bytes)| ArtifactEntry::of(name.text(), bytes));
        ArtifactManifest::new(earlier.map(|(_, entry)| entry.clone()).chain(now).collect())
    }
}

/// Whether the file of an entry is there, reached without links, with the content that the entry describes.
fn is_unchanged(folder: &Path, name: &Name, entry: &ArtifactEntry) -> bool {
    let path = folder.join(name.path());
    let is_candidate = matches!(folders::find(folder, &name.parent()), Ok(true))
        && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == entry.size);
    is_candidate && fs::read(&path).is_ok_and(|bytes| entry.describes(&bytes))
}
