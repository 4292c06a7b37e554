//! The readiness audit of a folder: what lies beside the iterations is looked at, everything is rendered, and
//! committed in one go.

use std::path::Path;

use super::judge::Judged;
use super::write::{ANALYSIS, Rendered};
use crate::core::audit::{Audit, disagreements};
use crate::core::baseline::Baseline;
use crate::core::policy::Policy;
use crate::io::artifacts::Artifact;
use crate::io::audited;
use crate::render::{audit_summary, json};
use crate::wire::audit_summary::{AuditSummary, FILE_NAME};
use crate::wire::baseline;
use crate::wire::provenance::Provenance;
use crate::wire::snapshot::Snapshot;
use crate::wire::snapshot_1_2::Snapshot12;

/// The report for people.
pub const REPORT: &str = "POST_SOAK_AUDIT_SUMMARY.md";

/// The table of iterations.
pub const TABLE: &str = "POST_SOAK_ITER_TABLE.csv";

/// What the audit writes, by name.
const OWN: [&str; 3] = [FILE_NAME, REPORT, TABLE];

/// Audits a judged folder.
pub fn audit<'j>(judged: &'j Judged, policy: &Policy, provenance: &Provenance) -> Audit<'j> {
    let analysis = &judged.analysis;
    if analysis.evidence.is_empty() {
        // A folder that was named by mistake is not walked through.
        return Audit::of(analysis, policy, crate::core::audit::Folder::default(), Vec::new());
    }
    let folder = audited::look(&judged.folder, &OWN);
    let own = |version: &str| -> Option<Baseline> {
        let text = match version {
            "1.1" => json::compact_ascii(&Snapshot::of(analysis, provenance)),
            _ => json::compact_ascii(&Snapshot12::of(analysis, provenance)),
        };
        baseline::read(text.as_bytes()).ok()
    };
    let beside = disagreements(&audited::snapshots(&judged.folder), own);
    Audit::of(analysis, policy, folder, beside)
}

/// The rendered audit.
#[derive(Debug)]
pub struct Written {
    /// The summary for machines.
    pub summary: AuditSummary,
    /// The report for people.
    pub report: String,
    /// What is to be committed.
    pub rendered: Rendered,
}

/// Renders the artifacts, for the folder of the run, or flat for a folder of their own; touches nothing.
pub fn render(
    audit: &Audit<'_>,
    policy: &Policy,
    provenance: &Provenance,
    run: &Path,
    flat: bool,
    ascii: bool,
) -> Written {
    let base_dir = run.to_string_lossy().replace('\\', "/");
    let summary = AuditSummary::of(audit, policy, provenance, &base_dir);
    let report = audit_summary::markdown(audit, policy, provenance, ascii);
    let mut rendered = Rendered::default();
    let contents = [json::pretty(&summary), report.clone(), audit_summary::table(audit.analysis)];
    for (name, content) in OWN.iter().zip(contents) {
        let path = if flat { (*name).to_owned() } else { format!("{ANALYSIS}/{name}") };
        rendered.artifacts.push(Artifact::new(path, content));
    }
    Written { summary, report, rendered }
}
