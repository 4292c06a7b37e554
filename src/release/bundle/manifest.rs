//! `MANIFEST.json` of a release bundle: what was released by which criteria, and every file with size and hash;
//! and whether the files of a bundle are the ones that its manifest lists, and whether it may be one at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::json::text::is_too_deep;
use crate::core::json::{Node, Unique};
use crate::core::verdict::evidence::ArchiveFile;
use crate::core::verdict::provenance::Override;
use crate::infra::artifacts::manifest::{ArtifactEntry, sha256_hex};
use crate::release::criteria::{Refusal, ReleaseCriteria};
use crate::release::json::{object, required, text};
use crate::release::name::{self, REHEARSAL};
use crate::release::notes::Notes;

pub(crate) const FILE_NAME: &str = "MANIFEST.json";

/// Name of the file of hashes, for `sha256sum -c`.
pub(crate) const SUMS_FILE: &str = "SHA256SUMS";

/// The one shape that is written and read.
pub(super) const SCHEMA_VERSION: &str = "1.0";

/// What kind of file this is, so that nobody takes another for it.
pub(super) const KIND: &str = "soak-release-bundle";

/// The manifest. Its fields are declared in the order of their names, so the JSON has sorted keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BundleManifest {
    /// The archive that the run was read from; absent where it was a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<ArchiveFile>,
    /// `SOAK_NOW`, else the last time in the data; null when there is neither.
    pub(crate) created: Option<String>,
    /// What the release is allowed by.
    pub(crate) facts: ReleaseCriteria,
    /// The files but this one and `SHA256SUMS`, sorted by name.
    pub(crate) files: Vec<ArtifactEntry>,
    /// `soak-release-bundle`.
    #[schemars(extend("const" = KIND))]
    pub(crate) kind: String,
    /// Name of the release.
    pub(crate) name: String,
    /// The numbers of the texts.
    pub(crate) notes: Notes,
    /// Who continued despite the refusals; null when nobody did.
    #[serde(rename = "override")]
    pub(crate) overridden: Option<Override>,
    /// The `soak.toml` that was found; left out without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy_file: Option<String>,
    /// SHA-256 of the policy values in force, and of `policy.toml`.
    pub(crate) policy_sha256: String,
    /// Every reason against the release; empty unless it was overridden.
    pub(crate) refusals: Vec<Refusal>,
    /// A rehearsal, and no release.
    pub(crate) rehearsal: bool,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub(crate) schema_version: String,
    /// Version of the program.
    pub(crate) tool_version: String,
}

/// The files that every bundle has besides manifest and hashes.
const REQUIRED: [&str; 11] = [
    "CANARY_CHECKLIST.md",
    "CHANGELOG.md",
    "FAILURES.md",
    "POST_SOAK_AUDIT.md",
    "POST_SOAK_AUDIT_SUMMARY.json",
    "POST_SOAK_AUDIT_SUMMARY.md",
    "POST_SOAK_SNAPSHOT.json",
    "RECOMMENDATIONS.md",
    "policy.toml",
    "report.html",
    "rollback_plan.md",
];

/// Those that it has where there is something to tune.
const OF_TUNING: [&str; 3] =
    ["DELTA_VERIFY_REPORT.json", "DELTA_VERIFY_REPORT.md", "soak_profile.runtime_overrides.json"];

impl BundleManifest {
    /// The bytes of the file: JSON with sorted keys, two blanks of indent, and a final newline.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Derived maps of texts and finite numbers have no way to fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a manifest; the error says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if is_too_deep(bytes) {
            return Err("its lists and objects nest too deep".to_owned());
        }
        serde_json::from_slice::<Unique>(bytes).map_err(|error| error.to_string())?;
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.schema_version != SCHEMA_VERSION || manifest.kind != KIND {
            return Err(format!(
                "it is a `{}` of version `{}`, expected a `{KIND}` of version `{SCHEMA_VERSION}`",
                manifest.kind, manifest.schema_version
            ));
        }
        Ok(manifest)
    }

    /// What contradicts itself in it, one sentence each; empty when it is sound.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Err(problem) = name::check(&self.name) {
            found.push(problem);
        }
        if self.rehearsal && !self.name.ends_with(REHEARSAL) {
            found.push(format!("it is a rehearsal, and its name does not end in `{REHEARSAL}`"));
        }
        let refusals = self.facts.refusals(self.rehearsal);
        if refusals != self.refusals {
            found.push("`refusals` is not what follows from `facts`".to_owned());
        }
        if !refusals.is_empty() && self.overridden.is_none() {
            let reasons: Vec<&str> = refusals.iter().map(|refusal| refusal.reason.as_str()).collect();
            found
                .push(format!("it may not be released, and no override is recorded: {}", reasons.join("; ")));
        }
        if !self.files.iter().map(|file| &file.name).is_sorted_by(|one, next| one < next) {
            found.push("`files` is not sorted by name, or a name occurs twice".to_owned());
        }
        for file in &self.files {
            if let Err(problem) = plain_name(&file.name) {
                found.push(format!("{:?} in `files` cannot be the name of a file: {problem}", file.name));
            }
        }
        let of_tuning: &[&str] = if self.facts.nothing_to_tune { &[] } else { &OF_TUNING };
        let mut required: Vec<&str> = REQUIRED.iter().chain(of_tuning).copied().collect();
        required.sort_unstable();
        for required in required {
            if !self.files.iter().any(|file| file.name == required) {
                found.push(format!("`{required}` is not in `files`"));
            }
        }
        found
    }
}

/// The files of a bundle as they were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// Plain files by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// What else was found: links, folders, names that cannot be.
    pub(crate) problems: Vec<String>,
}

/// What a check found; printed by `release verify --format json`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct VerifyResult {
    /// The folder or archive.
    pub(crate) bundle: String,
    /// SHA-256 of `SHA256SUMS`: the hash of the bundle; null without one.
    pub(crate) bundle_sha256: Option<String>,
    /// Files found.
    pub(crate) files: usize,
    /// Name of the release; null without a readable manifest.
    pub(crate) name: Option<String>,
    /// Whether an override is recorded.
    pub(crate) overridden: bool,
    /// Everything that is wrong.
    pub(crate) problems: Vec<String>,
    /// A rehearsal, and no release.
    pub(crate) rehearsal: bool,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub(crate) schema_version: &'static str,
    /// Whether the bundle is sound.
    pub(crate) valid: bool,
    #[serde(skip)]
    pub(crate) manifest: Option<BundleManifest>,
}

/// Checks what was found in a folder or an archive.
pub(super) fn check(bundle: &str, contents: &Contents) -> VerifyResult {
    let Contents { files, problems } = contents;
    let mut problems = problems.clone();
    for name in files.keys() {
        if let Err(problem) = plain_name(name) {
            problems.push(format!("{name:?} cannot be the name of a file in a bundle: {problem}"));
        }
    }
    let bundle_sha256 = check_sums(files, &mut problems);
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
        check_files(manifest, files, &mut problems);
        check_agreement(manifest, files, &mut problems);
    }
    let of_manifest = manifest.as_ref();
    VerifyResult {
        bundle: bundle.to_owned(),
        bundle_sha256,
        files: files.len(),
        name: of_manifest.map(|manifest| manifest.name.clone()),
        overridden: of_manifest.is_some_and(|manifest| manifest.overridden.is_some()),
        rehearsal: of_manifest.is_some_and(|manifest| manifest.rehearsal),
        schema_version: "1.0",
        valid: problems.is_empty(),
        problems,
        manifest,
    }
}

/// What somebody changed in the files of a bundle since it was written; empty when nobody did.
pub(super) fn changes(contents: &Contents) -> Vec<String> {
    let mut problems = contents.problems.clone();
    if !contents.files.contains_key(FILE_NAME) {
        problems.push(format!("`{FILE_NAME}` is missing"));
    }
    check_sums(&contents.files, &mut problems);
    problems
}

fn check_sums(files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) -> Option<String> {
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
                        problems.push(format!("`{name}` does not match `{SUMS_FILE}`: its hash differs"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    Some(sha256_hex(bytes))
}

fn check_files(manifest: &BundleManifest, files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) {
    for entry in &manifest.files {
        let ArtifactEntry { name, size, .. } = entry;
        match files.get(name) {
            None => problems.push(format!("`{name}` is missing, though `{FILE_NAME}` lists it")),
            Some(bytes) if bytes.len() as u64 != *size => {
                problems.push(format!("`{name}` has {} bytes, `{FILE_NAME}` records {size}", bytes.len()));
            }
            Some(bytes) if !entry.describes(bytes) => {
                problems.push(format!("`{name}` does not match `{FILE_NAME}`: its hash differs"));
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
fn check_agreement(manifest: &BundleManifest, files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) {
    let mut differs = |file: &str, what: &str| {
        problems.push(format!("`{file}` contradicts `{FILE_NAME}` in {what}"));
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

/// What is wrong with a name as that of a file in a bundle: bundles are flat, and their names are plain.
fn plain_name(name: &str) -> Result<(), &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 120 {
        Err("it is empty or longer than 120 bytes")
    } else if name.starts_with(['.', '-']) {
        Err("it begins with a dot or a dash")
    } else if !name.chars().all(is_plain) {
        Err("it holds something else than letters, digits, dots, dashes and underscores")
    } else {
        Ok(())
    }
}

/// `SHA256SUMS` of these files, as `sha256sum` writes and checks it.
pub(super) fn sums_file<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut lines: Vec<String> = files.map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat()
}

/// The hashes in a `SHA256SUMS`, by name; the error says what is wrong with it.
fn read_sums(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let is_hash =
            |hash: &str| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match line.split_once("  ") {
            Some((hash, name)) if is_hash(hash) && plain_name(name).is_ok() => {
                if found.iter().any(|(known, _)| known == name) {
                    return Err(format!("line {number}: `{name}` occurs twice"));
                }
                found.push((name.to_owned(), hash.to_owned()));
            }
            _ => return Err(format!("line {number} is no hash with the name of a file")),
        }
    }
    Ok(found)
}
