//! `.soak-artifacts.json`: which files of a folder soak wrote, with size and hash.
//!
//! Shape and text only; reading, comparing and writing files is the work of `io::artifacts`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hex::hex;

/// Name of the manifest in the folder that it describes.
pub const FILE_NAME: &str = ".soak-artifacts.json";

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
