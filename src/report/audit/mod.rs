//! The readiness audit of a folder: on the terminal, as Markdown, as JSON, as a table of iterations, and in short for a
//! pull request.
//!
//! What lies beside the iterations is looked at, everything is rendered, and committed in one go. Computes nothing that
//! the audit has.

mod markdown;
mod summary;
mod text;

use std::path::Path;

use super::artifacts::{ANALYSIS, Rendered};
use super::json;
use crate::core::analysis::audit::{Audit, Folder, disagreements};
use crate::core::analysis::folder::Judged;
use crate::core::compare::snapshot::Snapshot;
use crate::core::compare::snapshot::baseline;
use crate::core::compare::snapshot::baseline::Baseline;
use crate::core::compare::snapshot::v1_2::Snapshot12;
use crate::core::load::audited;
use crate::core::policy::Policy;
use crate::core::verdict::provenance::Provenance;
use crate::infra::artifacts::Artifact;

pub(crate) use markdown::pull_request;
use markdown::{csv_table, markdown};
pub use summary::AuditSummary;
pub(crate) use summary::{FILE_NAME, read};
pub(crate) use text::{Place, text};

/// The report for people.
pub(crate) const REPORT: &str = "POST_SOAK_AUDIT_SUMMARY.md";

/// The table of iterations.
pub(crate) const TABLE: &str = "POST_SOAK_ITER_TABLE.csv";

/// What the audit writes, by name.
const OWN: [&str; 3] = [FILE_NAME, REPORT, TABLE];

/// Audits a judged folder.
pub(crate) fn audit<'j>(judged: &'j Judged, policy: &Policy, provenance: &Provenance) -> Audit<'j> {
    let analysis = &judged.analysis;
    if analysis.evidence.is_empty() {
        // A folder that was named by mistake is not walked through.
        return Audit::of(analysis, policy, Folder::default(), Vec::new());
    }
    let folder = audited::look(&judged.folder, &OWN);
    let own = |version: &str| -> Option<Baseline> {
        let text = match version {
            "1.1" => json::compact_ascii(&Snapshot::of(analysis, provenance)),
            _ => json::compact_ascii(&Snapshot12::of(analysis, provenance)),
        };
        baseline::read(text.as_bytes(), &analysis.kpis).ok()
    };
    let beside = disagreements(&audited::snapshots(&judged.folder, &analysis.kpis), own);
    Audit::of(analysis, policy, folder, beside)
}

/// The rendered audit.
#[derive(Debug)]
pub(crate) struct Written {
    /// The summary for machines.
    pub(crate) summary: AuditSummary,
    /// The report for people.
    pub(crate) report: String,
    /// What is to be committed.
    pub(crate) rendered: Rendered,
}

/// Renders the artifacts, for the folder of the run, or flat for a folder of their own; touches nothing.
pub(crate) fn render(
    audit: &Audit<'_>,
    policy: &Policy,
    provenance: &Provenance,
    run: &Path,
    flat: bool,
    ascii: bool,
) -> Written {
    let base_dir = run.to_string_lossy().replace('\\', "/");
    let summary = AuditSummary::of(audit, policy, provenance, &base_dir);
    let report = markdown(audit, policy, provenance, ascii);
    let mut rendered = Rendered::default();
    let contents = [json::pretty(&summary), report.clone(), csv_table(audit.analysis)];
    for (name, content) in OWN.iter().zip(contents) {
        let path = if flat { (*name).to_owned() } else { format!("{ANALYSIS}/{name}") };
        rendered.artifacts.push(Artifact::new(path, content));
    }
    Written { summary, report, rendered }
}
