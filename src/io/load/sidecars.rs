//! The files beside the iterations that the judge knows: manifest, tuning report, overrides, verdicts of
//! other tools. All are optional; a damaged one is named and never silently taken for absent.

use std::path::Path;

use serde::Deserialize;

use super::files::{LARGEST, read_bounded};
use crate::core::evidence::{Evidence, Finding, ForeignVerdict};
use crate::wire::literals::parse_marked;
use crate::wire::{manifest, overrides, tuning_report};

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
