//! The files beside the iterations that the judge knows: manifest, tuning report, overrides, verdicts of
//! other tools. All are optional; a damaged one is named and never silently taken for absent.

use std::path::Path;

use serde::Deserialize;

use super::files::{LARGEST, read_bounded};
use crate::core::evidence::{Evidence, Finding, ForeignVerdict};
use crate::io::run_folder::DECLARED_FILE;
use crate::wire::literals::parse_marked;
use crate::wire::{manifest, overrides, run_log, tuning_report};

/// Where the verdict of a KPI gate is looked for, the first that is there counts.
const KPI_GATES: [&str; 3] = ["KPI_GATE.json", "artifacts/KPI_GATE.json", "../artifacts/KPI_GATE.json"];

/// The files that [`read`] reads, relative to the folder.
pub const NAMES: [&str; 7] = [
    "RUN_MANIFEST.json",
    "TUNING_REPORT.json",
    "runtime_overrides.json",
    "POST_SOAK_SUMMARY.json",
    KPI_GATES[0],
    KPI_GATES[1],
    KPI_GATES[2],
];

/// Reads what stands beside the iterations into `evidence`.
pub fn read(folder: &Path, evidence: &mut Evidence) {
    if let Some(bytes) = optional(folder, "RUN_MANIFEST.json", evidence) {
        match parse_marked(&bytes, manifest::read) {
            Ok(declared) => evidence.declared = Some(declared),
            Err(reason) => evidence.manifest_error = Some(reason),
        }
    } else if evidence.manifest_error.is_none() {
        manifest_lost(folder, evidence);
    }
    if let Some(bytes) = optional(folder, "TUNING_REPORT.json", evidence) {
        match parse_marked(&bytes, tuning_report::read) {
            Ok(report) => {
                for number in report.duplicates {
                    let reason = format!("iteration {number} stands in it more than once; the first counts");
                    evidence.findings.push(Finding {
                        kind: "duplicate_iteration",
                        message: format!("`TUNING_REPORT.json`: {reason}"),
                        ..damaged("TUNING_REPORT.json", "")
                    });
                }
                evidence.tuning_report = report.records;
            }
            Err(reason) => evidence.findings.push(damaged("TUNING_REPORT.json", &reason.to_string())),
        }
    }
    if let Some(bytes) = optional(folder, "runtime_overrides.json", evidence) {
        match parse_marked(&bytes, overrides::read) {
            Ok(values) => evidence.end_overrides = Some(values),
            Err(reason) => evidence.findings.push(damaged("runtime_overrides.json", &reason.to_string())),
        }
    }
    for name in KPI_GATES {
        if evidence.kpi_gate.is_none() {
            evidence.kpi_gate = verdict_of(folder, name, evidence);
        }
    }
    evidence.snapshot = verdict_of(folder, "POST_SOAK_SUMMARY.json", evidence);
}

/// A folder that `soak run` wrote has a manifest. Its hidden twin says that it was there: without it, nobody knows what
/// the run declared. A log of a run says less: copies of a run's folder may leave the manifest behind.
fn manifest_lost(folder: &Path, evidence: &mut Evidence) {
    let is_there = |name: &str| std::fs::symlink_metadata(folder.join(name)).is_ok();
    let found = [DECLARED_FILE, run_log::FILE_NAME].into_iter().find(|name| is_there(name));
    let Some(found) = found else { return };
    evidence.manifest_lost = true;
    let reason = format!("it is missing, and `{found}` says that `soak run` wrote this folder");
    if found == DECLARED_FILE {
        evidence.manifest_error = Some(reason);
    } else {
        evidence.findings.push(Finding {
            kind: "manifest_missing",
            message: format!("`RUN_MANIFEST.json`: {reason}: not valid for a release"),
            ..damaged("RUN_MANIFEST.json", "")
        });
    }
}

#[derive(Deserialize)]
struct WithVerdict {
    verdict: Option<String>,
}

fn verdict_of(folder: &Path, name: &str, evidence: &mut Evidence) -> Option<ForeignVerdict> {
    let bytes = optional(folder, name, evidence)?;
    match parse_marked(&bytes, |json| serde_json::from_slice::<WithVerdict>(json)) {
        Ok(found) => Some(ForeignVerdict { file: name.to_owned(), verdict: found.verdict? }),
        Err(error) => {
            evidence.findings.push(damaged(name, &error.to_string()));
            None
        }
    }
}

fn optional(folder: &Path, name: &str, evidence: &mut Evidence) -> Option<Vec<u8>> {
    let path = folder.join(name);
    // Not following the link would call a dangling one absent.
    if std::fs::symlink_metadata(&path).is_err() {
        return None;
    }
    let mut bytes = Vec::new();
    let result = if std::fs::metadata(&path).is_ok_and(|meta| !meta.is_file()) {
        Err("is not a plain file".to_owned())
    } else {
        read_bounded(&path, LARGEST, &mut bytes)
    };
    match result {
        Ok(()) => Some(bytes),
        Err(reason) if name == "RUN_MANIFEST.json" => {
            evidence.manifest_error = Some(reason);
            None
        }
        Err(reason) => {
            evidence.findings.push(damaged(name, &reason));
            None
        }
    }
}

fn damaged(name: &str, reason: &str) -> Finding {
    Finding {
        kind: "unusable_file",
        symbol: None,
        iteration: None,
        file: Some(name.to_owned()),
        in_window: false,
        message: format!("`{name}` is left out: {reason}"),
    }
}
