//! Compares iteration files with what soak recorded of them: `RUN_LOG.jsonl` for those of a run, the list of
//! artifacts for what was written beside them. Must not judge.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path};

use super::files::{check_kind, read_plain};
use super::listing::{Entry, parse_name};
use crate::core::evidence::{BadFile, Evidence, Finding, RunState};
use crate::core::hex::hex;
use crate::core::instant;
use crate::core::recorded::{FileRecord, Recorded, Sha256};
use crate::wire::artifact_manifest::{self, ArtifactEntry, ArtifactManifest};
use crate::wire::iteration_file::file_name;
use crate::wire::run_log::{self, Event, LogLine};

/// A line longer than this is none of the log's.
const LONGEST_LINE: u64 = 1 << 20;

/// At most so many changed artifacts are named.
const NAMED: usize = 8;

/// Whether the folder has a log of a run, whatever it is.
pub fn is_recorded(folder: &Path) -> bool {
    folder.join(run_log::FILE_NAME).symlink_metadata().is_ok()
}

/// Reads the log and compares the files with it. Called after the files were read: a run logs each file once it is
/// written, so only the last one of a run in progress can lack its line.
pub fn compare(folder: &Path, hashes: &[(Entry, Sha256)], evidence: &mut Evidence) {
    if !is_recorded(folder) {
        return;
    }
    let recorded = match read_log(&folder.join(run_log::FILE_NAME)) {
        Ok(recorded) => recorded,
        Err(reason) => {
            evidence.log_error = Some(reason);
            return;
        }
    };
    let is_running = evidence.declared.as_ref().is_some_and(|declared| declared.state == RunState::Running);
    for (entry, found) in hashes {
        let line = recorded.files.get(&entry.number).filter(|_| entry.name == file_name(entry.number));
        let reason = match line {
            Some(line) if line.sha256 == *found => continue,
            Some(line) => format!(
                "has SHA-256 {}, `{}` records {}: it was changed",
                hex(found),
                run_log::FILE_NAME,
                hex(&line.sha256)
            ),
            None if is_running && entry.number == recorded.last() + 1 => continue,
            None => format!("`{}` does not record it: the run did not write it", run_log::FILE_NAME),
        };
        evidence.altered.push(altered(entry, reason));
    }
    evidence.recorded = Some(recorded);
}

fn altered(entry: &Entry, reason: String) -> BadFile {
    BadFile { name: entry.name.clone(), number: entry.number, symbol: entry.symbol.clone(), reason }
}

fn read_log(path: &Path) -> Result<Recorded, String> {
    check_kind(path)?;
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let mut log = BufReader::new(File::open(path).map_err(failed)?);
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
pub fn compare_artifacts(folder: &Path, evidence: &mut Evidence) {
    let mut entries: BTreeMap<String, Vec<ArtifactEntry>> = BTreeMap::new();
    for below in ["", "reports/analysis/"] {
        let list = folder.join(below).join(artifact_manifest::FILE_NAME);
        let list = list.symlink_metadata().ok().and_then(|_| read_plain(&list).ok());
        for file in list.and_then(|bytes| ArtifactManifest::parse(&bytes)).into_iter().flat_map(|it| it.files)
        {
            entries.entry(format!("{below}{}", file.name)).or_default().push(file);
        }
    }
    let mut changed = Vec::new();
    for (name, records) in &entries {
        let is_below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let path = folder.join(name);
        if !is_below || !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            continue;
        }
        let Ok(bytes) = read_plain(&path) else { continue };
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
        evidence.findings.push(Finding {
            kind: "changed_artifact",
            symbol: None,
            iteration: None,
            message: format!("`{name}` {reason}"),
            file: Some(name),
            in_window: false,
        });
    }
    if more > 0 {
        evidence.findings.push(Finding {
            kind: "changed_artifact",
            symbol: None,
            iteration: None,
            file: None,
            in_window: false,
            message: format!("{more} more artifacts were changed since soak wrote them"),
        });
    }
}
