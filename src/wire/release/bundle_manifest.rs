//! `MANIFEST.json` of a release bundle: what was released by which facts, and every file with size and hash.

use serde::{Deserialize, Serialize};

use crate::core::release::facts::{Facts, Refusal};
use crate::core::release::name::{self, REHEARSAL};
use crate::core::release::notes::Notes;
use crate::wire::artifact_manifest::ArtifactEntry;
use crate::wire::nesting::is_too_deep;
use crate::wire::provenance::Override;

/// Name of the manifest.
pub const FILE_NAME: &str = "MANIFEST.json";

/// Name of the file of hashes, for `sha256sum -c`.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// The one shape that is written and read.
const SCHEMA_VERSION: &str = "1.0";

/// What kind of file this is, so that nobody takes another for it.
const KIND: &str = "soak-release-bundle";

/// The manifest. Its fields are declared in the order of their names, so the JSON has sorted keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleManifest {
    /// `SOAK_NOW`, else the last time in the data; null when there is neither.
    pub created: Option<String>,
    /// What the release is allowed by.
    pub facts: Facts,
    /// The files but this one and `SHA256SUMS`, sorted by name.
    pub files: Vec<ArtifactEntry>,
    /// `soak-release-bundle`.
    #[schemars(extend("const" = KIND))]
    pub kind: String,
    /// Name of the release.
    pub name: String,
    /// The numbers that the texts tell.
    pub notes: Notes,
    /// Who went on in spite of the refusals; null when nobody did.
    #[serde(rename = "override")]
    pub overridden: Option<Override>,
    /// SHA-256 of the policy values in force, and of `policy.toml`.
    pub policy_sha256: String,
    /// Everything that stands against the release; empty unless it was overridden.
    pub refusals: Vec<Refusal>,
    /// A rehearsal, and no release.
    pub rehearsal: bool,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
}

/// The files that every bundle has besides manifest and hashes.
pub const REQUIRED: [&str; 14] = [
    "CANARY_CHECKLIST.md",
    "CHANGELOG.md",
    "DELTA_VERIFY_REPORT.json",
    "DELTA_VERIFY_REPORT.md",
    "FAILURES.md",
    "POST_SOAK_AUDIT.md",
    "POST_SOAK_AUDIT_SUMMARY.json",
    "POST_SOAK_AUDIT_SUMMARY.md",
    "POST_SOAK_SNAPSHOT.json",
    "RECOMMENDATIONS.md",
    "policy.toml",
    "report.html",
    "rollback_plan.md",
    "soak_profile.runtime_overrides.json",
];

/// What is decided before any file is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Name of the release.
    pub name: String,
    /// Its time.
    pub created: Option<String>,
    /// What it is allowed by.
    pub facts: Facts,
    /// The numbers of its texts.
    pub notes: Notes,
    /// Who overrode.
    pub overridden: Option<Override>,
    /// A rehearsal.
    pub rehearsal: bool,
    /// Of the policy values in force.
    pub policy_sha256: String,
    /// Version of the program.
    pub tool_version: String,
}

impl BundleManifest {
    /// The manifest before its files are known.
    pub fn new(decided: Decided) -> Self {
        let Decided { name, created, facts, notes, overridden, rehearsal, policy_sha256, tool_version } =
            decided;
        Self {
            created,
            refusals: facts.refusals(rehearsal),
            facts,
            files: Vec::new(),
            kind: KIND.to_owned(),
            name,
            notes,
            overridden,
            policy_sha256,
            rehearsal,
            schema_version: SCHEMA_VERSION.to_owned(),
            tool_version,
        }
    }

    /// The bytes of the file: JSON with sorted keys, two blanks of indent, and a final newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Derived maps of texts and finite numbers have no way to fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a manifest; the error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if is_too_deep(bytes) {
            return Err("its lists and objects nest too deep".to_owned());
        }
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
    pub fn contradictions(&self) -> Vec<String> {
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
            found.push("`files` is not sorted by name, or a name stands twice".to_owned());
        }
        for file in &self.files {
            if let Err(problem) = plain_name(&file.name) {
                found.push(format!("{:?} in `files` cannot be the name of a file: {problem}", file.name));
            }
        }
        for required in REQUIRED {
            if !self.files.iter().any(|file| file.name == required) {
                found.push(format!("`{required}` is not in `files`"));
            }
        }
        found
    }
}

/// What is wrong with a name as that of a file in a bundle: bundles are flat, and their names are plain.
pub fn plain_name(name: &str) -> Result<(), &'static str> {
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
pub fn sums<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut lines: Vec<String> = files.map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat()
}

/// The hashes in a `SHA256SUMS`, by name; the error says what is wrong with it.
pub fn read_sums(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let is_hash =
            |hash: &str| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match line.split_once("  ") {
            Some((hash, name)) if is_hash(hash) && plain_name(name).is_ok() => {
                if found.iter().any(|(known, _)| known == name) {
                    return Err(format!("line {number}: `{name}` stands twice"));
                }
                found.push((name.to_owned(), hash.to_owned()));
            }
            _ => return Err(format!("line {number} is no hash with the name of a file")),
        }
    }
    Ok(found)
}
