//! A release bundle from a judged run: everything is rendered, then put in place in one go; and a bundle verified.

pub(crate) mod manifest;
pub(crate) mod store;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;
use chrono::DateTime;

use self::manifest::{BundleManifest, Contents, FILE_NAME, KIND, SCHEMA_VERSION, SUMS_FILE, VerifyResult};
use super::criteria::{Refusal, ReleaseCriteria};
use super::name;
use super::notes::Notes;
use super::texts::{CanaryChecklist, Changelog, RollbackPlan, rendered};
use super::unusable_bundle;
use crate::core::analysis::folder::Judged;
use crate::core::compare::snapshot::v1_2::Snapshot12;
use crate::core::iteration::params::ParamValues;
use crate::core::load::LARGEST;
use crate::core::load::overrides_file as overrides;
use crate::core::load::run_folder::RunFolder;
use crate::core::policy::Policy;
use crate::core::text::number::round_half_even;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::Provenance;
use crate::infra::archive::Kind;
use crate::infra::artifacts::manifest::{ArtifactEntry, sha256_hex};
use crate::infra::atomic_file;
use crate::report::artifacts::{delta_checks, delta_report};
use crate::report::audit;
use crate::report::text::printable;
use crate::report::{analysis as reports, deltas, json};

/// The overrides in the folder of a run.
const OVERRIDES: &str = "runtime_overrides.json";

/// Decimals of an override: enough for every step, few enough for what additions leave behind.
const DECIMALS: usize = 9;

/// A bundle, ready to be put in place.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) manifest: BundleManifest,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// SHA-256 of `SHA256SUMS`: the hash of the bundle.
    pub(crate) sha256: String,
}

/// Builds a bundle in memory. Refuses what may not be released, unless the provenance holds an override. `commit` is
/// that of the system under test, given by hand.
pub(crate) fn build(
    judged: &Judged,
    policy: &Policy,
    provenance: &Provenance,
    release: &str,
    commit: Option<&str>,
) -> Result<Built, Failure> {
    let analysis = &judged.analysis;
    if analysis.evidence.is_empty() {
        return Err(Failure::input(anyhow!("there is nothing to release: {}", analysis.reason()))
            .hint("name the folder with the ITER_SUMMARY_<n>.json files"));
    }
    let (profile_bytes, profile) = if policy.run.tunes() {
        let (bytes, values) = profile(&judged.folder)?;
        (Some(bytes), values)
    } else {
        (None, ParamValues::default())
    };
    let audited = audit::audit(judged, policy, provenance);
    let criteria = ReleaseCriteria::of(analysis, &audited.readiness, policy, &profile, commit);
    let manifest = BundleManifest {
        archive: analysis.evidence.archive.clone(),
        created: provenance.time_of(analysis),
        refusals: criteria.refusals(provenance.rehearsal),
        facts: criteria,
        files: Vec::new(),
        kind: KIND.to_owned(),
        name: name::of(release, provenance.rehearsal),
        notes: Notes::of(analysis, policy, &profile),
        overridden: provenance.overridden.clone(),
        policy_file: provenance.policy_file.clone(),
        policy_sha256: provenance.policy_sha256.clone(),
        rehearsal: provenance.rehearsal,
        schema_version: SCHEMA_VERSION.to_owned(),
        tool_version: provenance.tool_version.clone(),
    };
    if !manifest.refusals.is_empty() && manifest.overridden.is_none() {
        let refusals = refusal_lines(&manifest.refusals);
        return Err(Failure::failed(anyhow!("the run may not be released:\n{}", refusals.trim_end())).hint(
            "`--rehearsal` allows simulated data and relaxed limits; `--override REASON` continues despite it, and the bundle records it",
        ));
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
    if let Some(report) = delta_report(analysis, provenance).filter(|_| policy.run.tunes()) {
        add("DELTA_VERIFY_REPORT.md", deltas::markdown(&report, &delta_checks(analysis)));
        add("DELTA_VERIFY_REPORT.json", json::pretty(&report));
    }
    add("policy.toml", policy_text(policy));
    if let Some(bytes) = profile_bytes {
        add("soak_profile.runtime_overrides.json", bytes);
    }
    add("rollback_plan.md", rendered(&RollbackPlan::new(&manifest, policy)));
    add("CANARY_CHECKLIST.md", rendered(&CanaryChecklist::new(&manifest, policy)));
    // The bundle describes the run, wherever its folder was.
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
    let text = rendered(&Changelog::new(&manifest));
    files.insert("CHANGELOG.md".to_owned(), text.into_bytes());
    manifest.files = entries(&files);
    let bytes = manifest.to_bytes();
    let own = sha256_hex(&bytes);
    let listed = manifest.files.iter().map(|file| (file.name.as_str(), file.sha256.as_str()));
    let sums = manifest::sums_file(listed.chain([(FILE_NAME, own.as_str())])).into_bytes();
    let sha256 = sha256_hex(&sums);
    files.insert(FILE_NAME.to_owned(), bytes);
    files.insert(SUMS_FILE.to_owned(), sums);
    Built { manifest, files, sha256 }
}

/// The archive of a bundle.
pub(crate) fn archive(built: &Built) -> Result<Vec<u8>, Failure> {
    let created = built.manifest.created.as_deref().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    let seconds = created.and_then(|time| u64::try_from(time.timestamp()).ok()).unwrap_or_default();
    store::pack(&name::file_stem(&built.manifest.name), &built.files, seconds)
        .map_err(|error| Failure::output(anyhow!(error).context("the archive cannot be made")))
}

/// The values in force, a line each: over this very text the hash of the policy is made.
fn policy_text(policy: &Policy) -> String {
    policy.effective.iter().fold(String::new(), |text, value| text + &value.key + " = " + &value.value + "\n")
}

/// The profile as it is released: the file of the run in its own shape, with canonical numbers.
fn profile(folder: &RunFolder) -> Result<(String, ParamValues), Failure> {
    let names = [OVERRIDES, &format!("../{OVERRIDES}")];
    let found = names.into_iter().find_map(|name| Some((name, folder.look_at(name)?.0)));
    let (name, kind) = found.map_or((OVERRIDES, None), |(name, kind)| (name, Some(kind)));
    let path = folder.path().join(name);
    let unusable = |reason: String| {
        Failure::input(anyhow!("the overrides profile `{}` cannot be used: {reason}", path.display()))
            .hint("a release needs the runtime_overrides.json of its run; no override replaces it")
    };
    if kind.is_none() {
        return Err(unusable("it is not there".to_owned()));
    }
    if kind == Some(Kind::Link) {
        return Err(unusable(
            "it is a symbolic link, and a release takes only files of the run itself".to_owned(),
        ));
    }
    let bytes = folder.read_plain(name, LARGEST).map_err(&unusable)?;
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
pub(crate) fn overlap(one: &Path, other: &Path) -> bool {
    let (one, other) = (atomic_file::resolved(one), atomic_file::resolved(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// Checks a bundle, folder or archive.
pub(crate) fn verify(path: &Path) -> Result<VerifyResult, Failure> {
    Ok(manifest::check(&path.display().to_string(), &read(path)?))
}

/// A bundle in which nothing is wrong: its manifest, its hash and its files. The error begins with `problem`.
pub(super) fn sound(path: &Path, problem: &str) -> Result<(BundleManifest, String, Contents), Failure> {
    let contents = read(path)?;
    let checked = manifest::check(&path.display().to_string(), &contents);
    match (checked.manifest, checked.bundle_sha256, checked.problems.as_slice()) {
        (Some(manifest), Some(sha256), []) => Ok((manifest, sha256, contents)),
        (_, _, problems) => Err(unusable_bundle(anyhow!("{problem}: {}", problems.join("; ")))),
    }
}

fn read(path: &Path) -> Result<Contents, Failure> {
    store::read(path).map_err(|error| {
        let hint = error.hint();
        Failure::input(error).hint_if_known(hint)
    })
}

/// A bundle that was built, or would be.
pub(crate) fn built_text(built: &Built, out: &Path, archive: Option<&Path>, dry_run: bool) -> String {
    let Built { manifest, sha256, .. } = built;
    let mut text = String::new();
    let verb = if dry_run { "would be written" } else { "written" };
    for file in &manifest.files {
        let _ = writeln!(text, "  {:<40} {:>8.1} KiB", file.name, file.size as f64 / 1024.0);
    }
    let _ = writeln!(text, "  MANIFEST.json, SHA256SUMS\n");
    if let Some(given) = &manifest.overridden {
        let _ = writeln!(text, "OVERRIDDEN by {}: {}", printable(&given.by), printable(&given.reason));
        text.push_str(&refusal_lines(&manifest.refusals));
    }
    if manifest.rehearsal {
        text.push_str("REHEARSAL: this is no statement about a release\n");
    }
    let place = |path: &Path| printable(&path.display().to_string());
    let _ = writeln!(text, "Bundle `{}` {verb}: {}", manifest.name, place(out));
    if let Some(archive) = archive {
        let _ = writeln!(text, "Archive {verb}: {}", place(archive));
    }
    let _ = writeln!(text, "Bundle-SHA256: {sha256}");
    text
}

/// A line each.
fn refusal_lines(refusals: &[Refusal]) -> String {
    refusals.iter().fold(String::new(), |mut text, refusal| {
        let _ = writeln!(text, "  {:<10} {}", refusal.needs, printable(&refusal.reason));
        text
    })
}

/// What a verification found.
pub(crate) fn verified_text(result: &VerifyResult) -> String {
    let mut text = String::new();
    for problem in &result.problems {
        let _ = writeln!(text, "  - {}", printable(problem));
    }
    let name = result.name.as_deref().map_or_else(String::new, |name| format!(" `{}`", printable(name)));
    if result.valid {
        let kind = match (result.rehearsal, result.overridden) {
            (true, true) => " (REHEARSAL, OVERRIDDEN)",
            (true, false) => " (REHEARSAL)",
            (false, true) => " (OVERRIDDEN)",
            (false, false) => "",
        };
        let _ = writeln!(text, "[OK] bundle{name} is whole: {} files{kind}", result.files);
        if let Some(hash) = &result.bundle_sha256 {
            let _ = writeln!(text, "Bundle-SHA256: {hash}");
        }
    } else {
        let _ = writeln!(text, "[FAIL] bundle{name}: {} problem(s)", result.problems.len());
    }
    text
}
