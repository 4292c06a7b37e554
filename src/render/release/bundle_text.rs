//! What `release bundle`, `release verify` and `release tag` say on a terminal.

use std::fmt::Write as _;
use std::path::Path;

use crate::core::release::facts::Refusal;
use crate::render::markdown::printable;
use crate::wire::release::bundle_check::VerifyResult;
use crate::wire::release::bundle_manifest::BundleManifest;

/// A bundle that was built, or would be.
pub fn bundle(
    manifest: &BundleManifest,
    sha256: &str,
    out: &Path,
    archive: Option<&Path>,
    dry_run: bool,
) -> String {
    let mut told = String::new();
    let verb = if dry_run { "would be written" } else { "written" };
    for file in &manifest.files {
        let _ = writeln!(told, "  {:<40} {:>8.1} KiB", file.name, file.size as f64 / 1024.0);
    }
    let _ = writeln!(told, "  MANIFEST.json, SHA256SUMS\n");
    if let Some(given) = &manifest.overridden {
        let _ = writeln!(told, "OVERRIDDEN by {}: {}", printable(&given.by), printable(&given.reason));
        told.push_str(&refusals(&manifest.refusals));
    }
    if manifest.rehearsal {
        told.push_str("REHEARSAL: this is no statement about a release\n");
    }
    let place = |path: &Path| printable(&path.display().to_string());
    let _ = writeln!(told, "Bundle `{}` {verb}: {}", manifest.name, place(out));
    if let Some(archive) = archive {
        let _ = writeln!(told, "Archive {verb}: {}", place(archive));
    }
    let _ = writeln!(told, "Bundle-SHA256: {sha256}");
    told
}

/// A line each.
pub fn refusals(refusals: &[Refusal]) -> String {
    refusals.iter().fold(String::new(), |mut told, refusal| {
        let _ = writeln!(told, "  {:<10} {}", refusal.needs, printable(&refusal.reason));
        told
    })
}

/// What a verification found.
pub fn verified(result: &VerifyResult) -> String {
    let mut told = String::new();
    for problem in &result.problems {
        let _ = writeln!(told, "  - {}", printable(problem));
    }
    let name = result.name.as_deref().map_or_else(String::new, |name| format!(" `{}`", printable(name)));
    if result.valid {
        let kind = match (result.rehearsal, result.overridden) {
            (true, true) => " (REHEARSAL, OVERRIDDEN)",
            (true, false) => " (REHEARSAL)",
            (false, true) => " (OVERRIDDEN)",
            (false, false) => "",
        };
        let _ = writeln!(told, "[OK] bundle{name} is whole: {} files{kind}", result.files);
        if let Some(hash) = &result.bundle_sha256 {
            let _ = writeln!(told, "Bundle-SHA256: {hash}");
        }
    } else {
        let _ = writeln!(told, "[FAIL] bundle{name}: {} problem(s)", result.problems.len());
    }
    told
}
