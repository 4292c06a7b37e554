//! A release bundle from a judged run: everything is rendered, then put in place in one go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::core::number::round_half_even;
use crate::core::params::ParamValues;
use crate::core::policy::Policy;
use crate::core::release::facts::{Facts, Refusal};
use crate::core::release::name;
use crate::core::release::notes::Notes;
use crate::flow::audit;
use crate::flow::judge::Judged;
use crate::flow::write::{delta_checks, delta_report};
use crate::io::bundle::pack;
use crate::io::load::read_plain;
use crate::io::loose;
use crate::render::release::{canary_checklist, changelog, rollback_plan};
use crate::report::{analysis as reports, deltas, json};
use crate::wire::artifact_manifest::{ArtifactEntry, sha256_hex};
use crate::wire::overrides;
use crate::wire::provenance::Provenance;
use crate::wire::release::bundle_manifest::{BundleManifest, Decided, FILE_NAME, SUMS_FILE, sums};
use crate::wire::snapshot_1_2::Snapshot12;

/// The overrides in the folder of a run.
const OVERRIDES: &str = "runtime_overrides.json";

/// Decimals of an override: enough for every step, few enough for what additions leave behind.
const DECIMALS: usize = 9;

/// How a bundle is built.
#[derive(Clone, Copy, Debug)]
pub struct BundleRequest<'a> {
    /// Name of the release.
    pub name: &'a str,
    /// Commit of the system under test, given by hand.
    pub commit: Option<&'a str>,
    /// A rehearsal.
    pub rehearsal: bool,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing was judged.
    #[error("there is nothing to release: {0}")]
    Nothing(String),
    /// The profile is missing or damaged, and there is nothing to release.
    #[error("the overrides profile `{}` cannot be used: {reason}", path.display())]
    Profile {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What stands against the release.
    #[error("the run may not be released")]
    Refused {
        /// Every reason.
        refusals: Vec<Refusal>,
    },
    /// The archive cannot be made.
    #[error("the archive cannot be made")]
    Pack(#[from] std::io::Error),
}

/// A bundle, ready to be put in place.
#[derive(Debug)]
pub struct Built {
    /// Its manifest.
    pub manifest: BundleManifest,
    /// All its files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// SHA-256 of `SHA256SUMS`: the hash of the bundle.
    pub sha256: String,
}

/// Builds a bundle in memory. Refuses what may not be released, unless the provenance holds an override.
pub fn build(
    judged: &Judged,
    policy: &Policy,
    provenance: &Provenance,
    request: BundleRequest<'_>,
) -> Result<Built, BuildError> {
    let analysis = &judged.analysis;
    if analysis.evidence.is_empty() {
        return Err(BuildError::Nothing(analysis.reason()));
    }
    let (profile_bytes, profile) = profile(&judged.folder)?;
    let audited = audit::audit(judged, policy, provenance);
    let facts = Facts::of(analysis, &audited.readiness, policy, &profile, request.commit);
    let manifest = BundleManifest::new(Decided {
        name: name::of(request.name, request.rehearsal),
        created: provenance.time_of(analysis),
        facts,
        notes: Notes::of(analysis, policy, &profile),
        overridden: provenance.overridden.clone(),
        rehearsal: request.rehearsal,
        policy_sha256: provenance.policy_sha256.clone(),
        tool_version: provenance.tool_version.clone(),
    });
    if !manifest.refusals.is_empty() && manifest.overridden.is_none() {
        return Err(BuildError::Refused { refusals: manifest.refusals });
    }
    let mut files = BTreeMap::new();
    let mut add = |name: &str, bytes: String| files.insert(name.to_owned(), bytes.into_bytes());
    add("POST_SOAK_SNAPSHOT.json", json::pretty(&Snapshot12::of(analysis, provenance)));
    add("POST_SOAK_AUDIT.md", reports::audit(analysis, policy, provenance, false));
    add("RECOMMENDATIONS.md", reports::recommendations(analysis, policy, provenance));
    let failures = reports::failures(analysis, policy, provenance)
        .unwrap_or_else(|| reports::no_failures(analysis, provenance));
    add("FAILURES.md", failures);
    add("report.html", reports::page(analysis, policy, provenance));
    if let Some(report) = delta_report(analysis, provenance) {
        add("DELTA_VERIFY_REPORT.md", deltas::markdown(&report, &delta_checks(analysis)));
        add("DELTA_VERIFY_REPORT.json", json::pretty(&report));
    }
    add("policy.toml", policy_text(policy));
    add("soak_profile.runtime_overrides.json", profile_bytes);
    add("rollback_plan.md", rollback_plan::markdown(&manifest, policy));
    add("CANARY_CHECKLIST.md", canary_checklist::markdown(&manifest, policy));
    // The bundle tells of the run, wherever its folder lay.
    let written = audit::render(&audited, policy, provenance, Path::new("."), true, false);
    for artifact in written.rendered.artifacts {
        files.insert(artifact.path.to_string_lossy().into_owned(), artifact.bytes);
    }
    Ok(seal(manifest, files))
}

/// Adds changelog, manifest and hashes.
fn seal(mut manifest: BundleManifest, mut files: BTreeMap<String, Vec<u8>>) -> Built {
    let entries = |files: &BTreeMap<String, Vec<u8>>| {
        files.iter().map(|(name, bytes)| ArtifactEntry::of(name, bytes)).collect::<Vec<_>>()
    };
    manifest.files = entries(&files);
    let text = changelog::markdown(&manifest);
    files.insert("CHANGELOG.md".to_owned(), text.into_bytes());
    manifest.files = entries(&files);
    let bytes = manifest.to_bytes();
    let own = sha256_hex(&bytes);
    let listed = manifest.files.iter().map(|file| (file.name.as_str(), file.sha256.as_str()));
    let sums = sums(listed.chain([(FILE_NAME, own.as_str())])).into_bytes();
    let sha256 = sha256_hex(&sums);
    files.insert(FILE_NAME.to_owned(), bytes);
    files.insert(SUMS_FILE.to_owned(), sums);
    Built { manifest, files, sha256 }
}

/// The archive of a bundle.
pub fn archive(built: &Built) -> Result<Vec<u8>, BuildError> {
    let created =
        built.manifest.created.as_deref().and_then(|time| chrono::DateTime::parse_from_rfc3339(time).ok());
    let seconds = created.and_then(|time| u64::try_from(time.timestamp()).ok()).unwrap_or_default();
    Ok(pack(&name::file_stem(&built.manifest.name), &built.files, seconds)?)
}

/// The values in force, a line each: over this very text the hash of the policy is made.
fn policy_text(policy: &Policy) -> String {
    policy.effective.iter().fold(String::new(), |text, value| text + &value.key + " = " + &value.value + "\n")
}

/// The profile as it is released: the file of the run in its own shape, with canonical numbers.
fn profile(folder: &Path) -> Result<(String, ParamValues), BuildError> {
    let path = [folder.join(OVERRIDES), folder.join("..").join(OVERRIDES)];
    let path = path.iter().find(|path| loose::exists(path)).unwrap_or(&path[0]);
    let unusable = |reason: String| BuildError::Profile { path: path.clone(), reason };
    if !loose::exists(path) {
        return Err(unusable("it is not there".to_owned()));
    }
    if loose::is_link(path) {
        return Err(unusable(
            "it is a symbolic link, and a release takes what lies in the run itself".to_owned(),
        ));
    }
    let bytes = read_plain(path).map_err(&unusable)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let values = overrides::read_strictly(bytes).map_err(|error| unusable(error.to_string()))?;
    if values.is_empty() {
        return Err(unusable("it holds no parameter".to_owned()));
    }
    let canonical =
        values.iter().map(|(name, value)| (name.clone(), round_half_even(value, DECIMALS))).collect();
    let canonical = ParamValues::new(canonical);
    let text = overrides::write(Some(bytes), &canonical).map_err(|error| unusable(error.to_string()))?;
    Ok((text, canonical))
}

/// Whether one of two folders lies in the other, or they are the same.
pub fn overlap(one: &Path, other: &Path) -> bool {
    let (one, other) = (loose::resolved(one), loose::resolved(other));
    one.starts_with(&other) || other.starts_with(&one)
}
