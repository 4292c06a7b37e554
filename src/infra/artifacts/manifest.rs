//! `.soak-artifacts.json`: which files of a folder soak wrote, with size and hash; which stale files it lets us remove.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::folders::{self, Name, WriteError};
use crate::infra::hex::hex;

pub use super::folders::MANIFEST as FILE_NAME;

/// The version of the shape that this program writes, and the only one that it reads.
pub const SCHEMA_VERSION: &str = "1.0";

/// What soak wrote into a folder. Its fields are declared in the order of their names, so the JSON
/// has sorted keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ArtifactManifest {
    /// The files, sorted by name.
    pub files: Vec<ArtifactEntry>,
    /// Version of this shape.
    pub schema_version: String,
    /// Version of the program that wrote the manifest last.
    pub tool_version: String,
}

/// One file of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ArtifactEntry {
    /// Path relative to the folder of the manifest, with `/` between its parts.
    pub name: String,
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Length of the content in bytes.
    pub size: u64,
}

impl ArtifactEntry {
    /// The entry of a file with this content.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: sha256_hex(bytes), size: bytes.len() as u64 }
    }

    /// Whether this is the content that the entry describes.
    pub fn describes(&self, bytes: &[u8]) -> bool {
        self.size == bytes.len() as u64 && self.sha256 == sha256_hex(bytes)
    }
}

impl ArtifactManifest {
    /// A manifest of these files, which it sorts by name.
    pub fn new(mut files: Vec<ArtifactEntry>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            files,
            schema_version: SCHEMA_VERSION.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The manifest in these bytes. `None` when they are none that this program understands: no JSON, keys
    /// missing, or another schema version.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(bytes)
            .ok()
            .filter(|manifest| manifest.schema_version == SCHEMA_VERSION)
    }

    /// The bytes of the file: JSON with sorted keys, two blanks of indent, and a final newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Derived maps of texts and whole numbers have no way to fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
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

/// The manifest as it was found.
#[derive(Debug)]
pub(super) struct Record {
    /// The file. `None` when there is none.
    bytes: Option<Vec<u8>>,
    /// What it lists; empty when there is no manifest or it was not understood.
    entries: BTreeMap<Name, ArtifactEntry>,
    /// `false` where there is a manifest that says nothing to us.
    pub(super) understood: bool,
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

    /// Whether the manifest on disk has these bytes.
    pub(super) fn is_written_as(&self, bytes: &[u8]) -> bool {
        self.bytes.as_deref() == Some(bytes)
    }

    /// Which of the stale files are ours, unchanged, and so may go; `committed` records which go and which stay.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_standard() {
        // FIPS 180-4 examples: the empty message and "abc".
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn files_are_sorted_and_the_text_is_read_back() {
        let manifest =
            ArtifactManifest::new(vec![ArtifactEntry::of("b.md", b"two"), ArtifactEntry::of("a.md", b"one")]);
        let bytes = manifest.to_bytes();
        assert_eq!(ArtifactManifest::parse(&bytes), Some(manifest.clone()));
        assert_eq!(
            manifest.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            ["a.md", "b.md"]
        );
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.ends_with("}\n"), "{text}");
        let places = ["\"files\"", "\"schema_version\"", "\"tool_version\""].map(|key| text.find(key));
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
    }

    #[test]
    fn what_is_no_manifest_of_this_version_is_not_understood() {
        assert_eq!(ArtifactManifest::parse(b""), None);
        assert_eq!(ArtifactManifest::parse(b"{\"files\": []}"), None);
        let newer = br#"{"files": [], "schema_version": "9.0", "tool_version": "x"}"#;
        assert_eq!(ArtifactManifest::parse(newer), None);
    }

    #[test]
    fn an_entry_describes_its_content_and_nothing_else() {
        let entry = ArtifactEntry::of("a", b"abc");
        assert!(entry.describes(b"abc"));
        assert!(!entry.describes(b"abd"));
        assert!(!entry.describes(b"abcd"));
    }
}
