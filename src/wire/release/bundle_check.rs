//! Whether the files of a bundle are the ones that its manifest tells of, and whether it may be one at all.
//!
//! Pure: the files are brought. Every problem is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bundle_manifest::{BundleManifest, FILE_NAME, SUMS_FILE, plain_name, read_sums};
use super::{object, required, text};
use crate::wire::artifact_manifest::{ArtifactEntry, sha256_hex};
use crate::wire::node::Node;

/// The files of a bundle as they were found.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Plain files by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What else was found: links, folders, names that cannot be.
    pub problems: Vec<String>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Everything that is wrong; empty when the bundle is sound.
    pub problems: Vec<String>,
    /// The manifest, if there is one that can be read.
    pub manifest: Option<BundleManifest>,
    /// SHA-256 of `SHA256SUMS`: the hash of the bundle.
    pub bundle_sha256: Option<String>,
    /// Files found.
    pub files: usize,
}

/// Printed by `release verify --format json`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct VerifyResult {
    /// The folder or archive.
    pub bundle: String,
    /// SHA-256 of `SHA256SUMS`; null without one.
    pub bundle_sha256: Option<String>,
    /// Files found.
    pub files: usize,
    /// Name of the release; null without a readable manifest.
    pub name: Option<String>,
    /// Whether an override is recorded.
    pub overridden: bool,
    /// Everything that is wrong.
    pub problems: Vec<String>,
    /// A rehearsal, and no release.
    pub rehearsal: bool,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Whether the bundle is sound.
    pub valid: bool,
}

impl VerifyResult {
    /// The result for a folder or an archive.
    pub fn of(bundle: &str, checked: &Checked) -> Self {
        let manifest = checked.manifest.as_ref();
        Self {
            bundle: bundle.to_owned(),
            bundle_sha256: checked.bundle_sha256.clone(),
            files: checked.files,
            name: manifest.map(|manifest| manifest.name.clone()),
            overridden: manifest.is_some_and(|manifest| manifest.overridden.is_some()),
            problems: checked.problems.clone(),
            rehearsal: manifest.is_some_and(|manifest| manifest.rehearsal),
            schema_version: "1.0".to_owned(),
            valid: checked.problems.is_empty(),
        }
    }
}

/// Checks what was found.
pub fn check(contents: &Contents) -> Checked {
    let Contents { files, problems } = contents;
    let mut problems = problems.clone();
    for name in files.keys() {
        if let Err(problem) = plain_name(name) {
            problems.push(format!("{name:?} cannot be the name of a file in a bundle: {problem}"));
        }
    }
    let bundle_sha256 = sums(files, &mut problems);
    let manifest = match files.get(FILE_NAME).map(|bytes| BundleManifest::parse(bytes)) {
        None => {
            problems.push(format!("`{FILE_NAME}` is missing"));
            None
        }
        Some(Err(problem)) => {
            problems.push(format!("`{FILE_NAME}` cannot be used: {problem}"));
            None
        }
        Some(Ok(manifest)) => Some(manifest),
    };
    if let Some(manifest) = &manifest {
        problems.extend(manifest.contradictions().into_iter().map(|found| format!("`{FILE_NAME}`: {found}")));
        listed(manifest, files, &mut problems);
        agree(manifest, files, &mut problems);
    }
    Checked { problems, manifest, bundle_sha256, files: files.len() }
}

/// What somebody changed in the files of a bundle since it was written; empty when nobody did.
pub fn touched(contents: &Contents) -> Vec<String> {
    let mut problems = contents.problems.clone();
    if !contents.files.contains_key(FILE_NAME) {
        problems.push(format!("`{FILE_NAME}` is missing"));
    }
    sums(&contents.files, &mut problems);
    problems
}

fn sums(files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) -> Option<String> {
    let Some(bytes) = files.get(SUMS_FILE) else {
        problems.push(format!("`{SUMS_FILE}` is missing"));
        return None;
    };
    let read = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned()).and_then(read_sums);
    match read {
        Err(problem) => problems.push(format!("`{SUMS_FILE}` cannot be used: {problem}")),
        Ok(listed) => {
            let known: BTreeSet<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
            for name in files.keys().filter(|name| *name != SUMS_FILE && !known.contains(name.as_str())) {
                problems.push(format!("{name:?} is not in `{SUMS_FILE}`"));
            }
            for (name, hash) in &listed {
                match files.get(name) {
                    None => problems.push(format!("`{name}` is missing, though `{SUMS_FILE}` lists it")),
                    Some(bytes) if sha256_hex(bytes) != *hash => {
                        problems.push(format!("`{name}` is not what `{SUMS_FILE}` says: its hash differs"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    Some(sha256_hex(bytes))
}

fn listed(manifest: &BundleManifest, files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) {
    for entry in &manifest.files {
        let ArtifactEntry { name, size, .. } = entry;
        match files.get(name) {
            None => problems.push(format!("`{name}` is missing, though `{FILE_NAME}` lists it")),
            Some(bytes) if bytes.len() as u64 != *size => {
                problems.push(format!("`{name}` has {} bytes, `{FILE_NAME}` says {size}", bytes.len()));
            }
            Some(bytes) if !entry.describes(bytes) => {
                problems.push(format!("`{name}` is not what `{FILE_NAME}` says: its hash differs"));
            }
            Some(_) => {}
        }
    }
    for name in files.keys() {
        let is_known = [FILE_NAME, SUMS_FILE].contains(&name.as_str())
            || manifest.files.iter().any(|file| file.name == *name);
        if !is_known {
            problems.push(format!("{name:?} is not in `{FILE_NAME}`"));
        }
    }
}

/// The snapshot in a bundle.
const SNAPSHOT: &str = "POST_SOAK_SNAPSHOT.json";

/// What the manifest and the files beside it both say.
fn agree(manifest: &BundleManifest, files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) {
    let mut differs = |file: &str, what: &str| {
        problems.push(format!("`{file}` says otherwise than `{FILE_NAME}` about {what}"));
    };
    if let Some(policy) = files.get("policy.toml")
        && sha256_hex(policy) != manifest.policy_sha256
    {
        differs("policy.toml", "the policy");
    }
    let Some(snapshot) = files.get(SNAPSHOT).and_then(|bytes| object(bytes).ok()) else { return };
    let says = |key: &str, expected: &str| text(&snapshot, key).is_ok_and(|found| found == expected);
    let is = |key: &str| matches!(required(&snapshot, key), Ok(Node::Boolean(true)));
    if !says("policy_sha256", &manifest.policy_sha256) {
        differs(SNAPSHOT, "the policy");
    }
    if !says("tool_version", &manifest.tool_version) {
        differs(SNAPSHOT, "the version of the program");
    }
    if is("freeze_ready") != manifest.facts.freeze_ready {
        differs(SNAPSHOT, "`freeze_ready`");
    }
    if is("rehearsal") != manifest.rehearsal {
        differs(SNAPSHOT, "the rehearsal");
    }
    if required(&snapshot, "override").is_ok() != manifest.overridden.is_some() {
        differs(SNAPSHOT, "the override");
    }
    if !says("limits", &manifest.facts.limits) {
        differs(SNAPSHOT, "the limits");
    }
}
