//! The files beside the iterations: what the judge knows of them (manifest, tuning report, overrides, verdicts of other
//! tools), and what soak recorded of the files that it wrote (`RUN_LOG.jsonl`, the list of artifacts).
//!
//! All are optional; a damaged one is named and never silently taken for absent. Must not judge.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::{Component, Path};

use serde::Deserialize;

use super::files::{Entry, parse_name};
use super::run_folder::{LARGEST, RunFolder};
use crate::core::iteration::file_name;
use crate::core::iteration::manifest::DECLARED_FILE;
use crate::core::iteration::manifest::{RunEvent as Event, RunLogLine as LogLine};
use crate::core::iteration::recorded::{FileRecord, Recorded, Sha256};
use crate::core::json::text::parse_marked;
use crate::core::load::{overrides, tuning_report};
use crate::core::series::instant;
use crate::core::verdict::evidence::{BadFile, Evidence, Finding, ForeignVerdict, RunState};
use crate::infra::archive::Kind;
use crate::infra::artifacts::manifest as artifact_manifest;
use crate::infra::artifacts::manifest::{ArtifactEntry, ArtifactManifest};
use crate::infra::hex::hex;

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

/// Reads the files beside the iterations into `evidence`.
pub fn read(folder: &RunFolder, evidence: &mut Evidence) {
    if let Some(bytes) = optional(folder, "RUN_MANIFEST.json", evidence) {
        match parse_marked(&bytes, crate::core::iteration::manifest::read_declared) {
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
                    let reason = format!("iteration {number} occurs in it more than once; the first counts");
                    let message = format!("`TUNING_REPORT.json`: {reason}");
                    evidence.findings.push(finding(
                        "duplicate_iteration",
                        Some("TUNING_REPORT.json"),
                        message,
                    ));
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
fn manifest_lost(folder: &RunFolder, evidence: &mut Evidence) {
    let found = [DECLARED_FILE, crate::core::iteration::manifest::RUN_LOG_FILE]
        .into_iter()
        .find(|name| folder.look_at(name).is_some());
    let Some(found) = found else { return };
    evidence.manifest_lost = true;
    let reason = format!("it is missing, and `{found}` says that `soak run` wrote this folder");
    if found == DECLARED_FILE {
        evidence.manifest_error = Some(reason);
    } else {
        let message = format!("`RUN_MANIFEST.json`: {reason}: not valid for a release");
        evidence.findings.push(finding("manifest_missing", Some("RUN_MANIFEST.json"), message));
    }
}

#[derive(Deserialize)]
struct WithVerdict {
    verdict: Option<String>,
}

fn verdict_of(folder: &RunFolder, name: &str, evidence: &mut Evidence) -> Option<ForeignVerdict> {
    let bytes = optional(folder, name, evidence)?;
    match parse_marked(&bytes, |json| serde_json::from_slice::<WithVerdict>(json)) {
        Ok(found) => Some(ForeignVerdict { file: name.to_owned(), verdict: found.verdict? }),
        Err(error) => {
            evidence.findings.push(damaged(name, &error.to_string()));
            None
        }
    }
}

fn optional(folder: &RunFolder, name: &str, evidence: &mut Evidence) -> Option<Vec<u8>> {
    // Following the link would call a dangling one absent.
    folder.look_at(name)?;
    let mut bytes = Vec::new();
    let result = if folder.is_other(name) {
        Err("is not a plain file".to_owned())
    } else {
        folder.read_bounded(name, LARGEST, &mut bytes)
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
    finding("unusable_file", Some(name), format!("`{name}` is left out: {reason}"))
}

fn finding(kind: &'static str, file: Option<&str>, message: String) -> Finding {
    let file = file.map(str::to_owned);
    Finding { kind, symbol: None, iteration: None, file, in_window: false, message }
}

/// A line longer than this is none of the log's.
const LONGEST_LINE: u64 = 1 << 20;

/// At most so many changed artifacts are named.
const NAMED: usize = 8;

/// Whether the folder has a log of a run, whatever it is.
pub fn is_recorded(folder: &RunFolder) -> bool {
    folder.look_at(crate::core::iteration::manifest::RUN_LOG_FILE).is_some()
}

/// Reads the log and compares the files with it. Called after the files were read: a run logs each file once it is
/// written, so only the last one of a run in progress can lack its line.
pub fn compare_iterations(folder: &RunFolder, hashes: &[(Entry, Sha256)], evidence: &mut Evidence) {
    if !is_recorded(folder) {
        return;
    }
    let recorded = match read_log(folder) {
        Ok(recorded) => recorded,
        Err(reason) => {
            evidence.log_error = Some(reason);
            return;
        }
    };
    let is_running = evidence.declared.as_ref().is_some_and(|declared| declared.state == RunState::Running);
    for (entry, found) in hashes {
        let line = recorded
            .files
            .get(&entry.number)
            .filter(|_| entry.name == file_name(entry.number) || folder.line(&entry.name).is_some());
        let reason = match line {
            Some(line) if line.sha256 == *found => continue,
            Some(line) => format!(
                "has SHA-256 {}, `{}` records {}: it was changed",
                hex(found),
                crate::core::iteration::manifest::RUN_LOG_FILE,
                hex(&line.sha256)
            ),
            None if is_running && entry.number == recorded.last() + 1 => continue,
            None => format!(
                "`{}` does not record it: the run did not write it",
                crate::core::iteration::manifest::RUN_LOG_FILE
            ),
        };
        evidence.altered.push(entry.as_bad(reason));
    }
    evidence.recorded = Some(recorded);
}

fn read_log(folder: &RunFolder) -> Result<Recorded, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let mut log = folder.open_file(crate::core::iteration::manifest::RUN_LOG_FILE)?;
    let mut recorded = Recorded::default();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(failed)?;
        if length == 0 {
            return Ok(recorded);
        }
        let Some(line) = LogLine::parse(&bytes) else {
            // A line without its end is being written, or was cut off by a power cut.
            recorded.unreadable_lines += usize::from(bytes.ends_with(b"\n"));
            continue;
        };
        if line.event != Event::Iteration {
            continue;
        }
        let record = line.iteration.zip(line.sha256.as_deref().and_then(unhex));
        match record {
            Some((number, sha256)) => {
                let ends = instant::parse(&line.utc).map(|time| time.at);
                recorded.files.insert(number, FileRecord { sha256, ends });
            }
            None => recorded.unreadable_lines += 1,
        }
    }
}

/// 64 hexadecimal digits.
fn unhex(text: &str) -> Option<Sha256> {
    let digits = text.as_bytes();
    let mut bytes = Sha256::default();
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Compares the artifacts in the folder, and in the one of the reports below it, with the lists of them. A file is as
/// it was written when any list says so: two commands can write the same file with another base.
pub fn compare_artifacts(folder: &RunFolder, evidence: &mut Evidence) {
    let mut entries: BTreeMap<String, Vec<ArtifactEntry>> = BTreeMap::new();
    for below in ["", "reports/analysis/"] {
        let list = folder.read_plain(&format!("{below}{}", artifact_manifest::FILE_NAME), LARGEST).ok();
        for file in list.and_then(|bytes| ArtifactManifest::parse(&bytes)).into_iter().flat_map(|it| it.files)
        {
            entries.entry(format!("{below}{}", file.name)).or_default().push(file);
        }
    }
    let mut changed = Vec::new();
    for (name, records) in &entries {
        let is_below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below || folder.look_at(name).is_none_or(|(kind, _)| kind != Kind::File) {
            continue;
        }
        let Ok(bytes) = folder.read_plain(name, LARGEST) else { continue };
        let Some(last) = records.last().filter(|_| !records.iter().any(|record| record.describes(&bytes)))
        else {
            continue;
        };
        let found = artifact_manifest::sha256_hex(&bytes);
        let manifest = artifact_manifest::FILE_NAME;
        let reason = format!("has SHA-256 {found}, `{manifest}` records {}: it was changed", last.sha256);
        match parse_name(name) {
            Some((symbol, number)) => evidence.altered.push(BadFile {
                name: name.clone(),
                number,
                symbol: symbol.map(str::to_owned),
                reason,
            }),
            None => changed.push((name.clone(), reason)),
        }
    }
    let more = changed.len().saturating_sub(NAMED);
    for (name, reason) in changed.into_iter().take(NAMED) {
        let message = format!("`{name}` {reason}");
        evidence.findings.push(finding("changed_artifact", Some(&name), message));
    }
    if more > 0 {
        let message = format!("{more} more artifacts were changed since soak wrote them");
        evidence.findings.push(finding("changed_artifact", None, message));
    }
}
