//! The `file` source: the system under test writes its edge report to a place that is read at the end of each
//! interval.
//!
//! - A file whose time stamp is before the interval is stale. File systems with coarse time stamps get the
//!   benefit of the doubt. The report's own `runtime.utc` is checked by the run.
//! - The report should be put in its place by a rename. One that is being written while it is read is malformed.
//! - `KPI_GATE.json` and `EDGE_SENTINEL.json` beside the report are held to the same rule of age; of
//!   `audit.jsonl` the lines that were added during the interval are counted.

use std::fs::{self, File, Metadata};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::core::load::{edge_report as edge_sidecars, edge_report};
use crate::infra::clock::Wait;
use crate::run::iteration::{AuditCounts, EdgeReport};
use crate::run::source::{Interval, NoReport, Source};

/// Reads the report at a path.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    checks_age: bool,
}

impl FileSource {
    /// The report at this path. It need not be there yet. Without `checks_age` it may be from before the
    /// interval, and so may the files beside it.
    pub fn new(path: PathBuf, checks_age: bool) -> Self {
        Self { path, checks_age }
    }
}

impl Source for FileSource {
    fn name(&self) -> &'static str {
        "file"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let fresh = Fresh { since: interval.starts, audit: Mark::beside(&self.path) };
        wait.pass(interval.length)?;
        load(&self.path, self.checks_age.then_some(&fresh)).map_err(NoReport::Failed)
    }
}

/// The kernel stamps files by a clock that ticks up to every 10 ms and so lags behind.
const CLOCK_TICK: Duration = Duration::from_millis(20);
/// File systems that keep whole seconds (FAT: even ones) cut the rest off.
const COARSE: Duration = Duration::from_secs(2);

/// What makes a file the one of an interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    /// When the interval started; files written before tell of something else.
    pub(crate) since: DateTime<Utc>,
    /// Where `audit.jsonl` ended then; what stands behind belongs to the interval.
    pub(crate) audit: Mark,
}

/// How far a growing file had come. The default is the start of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    length: u64,
    /// Tells another file under the same name; 0 where the system does not say.
    file: u64,
}

impl Mark {
    fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(found);
        #[cfg(not(unix))]
        let file = 0;
        Self { length: found.len(), file }
    }

    /// The end of the `audit.jsonl` beside a report.
    pub(crate) fn beside(report: &Path) -> Self {
        fs::metadata(report.with_file_name(AUDIT)).map_or_else(|_| Self::default(), |found| Self::of(&found))
    }
}

const AUDIT: &str = "audit.jsonl";

/// Loads a report and what lies beside it. `fresh` = only what was written in the interval.
pub(crate) fn load(path: &Path, fresh: Option<&Fresh>) -> Result<EdgeReport, String> {
    let failed = |reason: String| format!("the edge report `{}` {reason}", path.display());
    let found = fs::metadata(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    if !found.is_file() {
        // Opening a pipe would wait for its writer.
        let kind = if found.is_dir() { "is a directory" } else { "is no regular file" };
        return Err(failed(kind.to_owned()));
    }
    if let Some(fresh) = fresh {
        let written = found.modified().map_err(|error| failed(format!("has no time: {error}")))?;
        if is_stale(written, fresh.since) {
            return Err(failed(format!(
                "is stale: written {}, before the iteration started at {}",
                time(written.into()),
                time(fresh.since)
            )));
        }
    }
    let file = File::open(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    let report = edge_report::read(file).map_err(|error| failed(format!("cannot be used: {error}")))?;
    let mut report = report.ok_or_else(|| failed("has neither `totals` nor `total`".to_owned()))?;
    beside(path, fresh, &mut report);
    Ok(report)
}

/// Whether a file with this time stamp was written before the interval, so far as its file system can tell.
fn is_stale(written: SystemTime, since: DateTime<Utc>) -> bool {
    let written: DateTime<Utc> = written.into();
    let slack = if written.timestamp_subsec_nanos() == 0 { COARSE } else { CLOCK_TICK };
    written + slack <= since
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Adds the files beside the report.
fn beside(path: &Path, fresh: Option<&Fresh>, report: &mut EdgeReport) {
    match small_file(path, "KPI_GATE.json", fresh, edge_sidecars::kpi_gate) {
        Ok(gate) => report.kpi_gate = gate,
        Err(note) => report.notes.push(note),
    }
    match small_file(path, "EDGE_SENTINEL.json", fresh, edge_sidecars::sentinel) {
        Ok(advice) => report.sentinel_advice = advice.unwrap_or_default(),
        Err(note) => report.notes.push(note),
    }
    let mark = fresh.map(|fresh| fresh.audit).unwrap_or_default();
    match audit(&path.with_file_name(AUDIT), mark) {
        Ok(counts) => report.audit = counts,
        Err(reason) => report.notes.push(format!("`{AUDIT}` was left out: {reason}")),
    }
}

/// Reads a small file beside the report; `None` when it is not there, a note when it cannot be used.
fn small_file<T>(
    report: &Path,
    name: &str,
    fresh: Option<&Fresh>,
    read: fn(&[u8]) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let bytes = bounded(&report.with_file_name(name), fresh);
    let read = bytes.and_then(|bytes| bytes.map(|bytes| read(&bytes)).transpose());
    read.map_err(|reason| format!("`{name}` was left out: {reason}"))
}

fn bounded(path: &Path, fresh: Option<&Fresh>) -> Result<Option<Vec<u8>>, String> {
    let Some((file, found)) = regular(path)? else { return Ok(None) };
    let written = found.modified().map_err(|error| error.to_string())?;
    if fresh.is_some_and(|fresh| is_stale(written, fresh.since)) {
        return Err("it is older than the iteration".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(edge_sidecars::LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > edge_sidecars::LARGEST {
        return Err(format!("it is larger than {} bytes", edge_sidecars::LARGEST));
    }
    Ok(Some(bytes))
}

/// Counts what was added behind the mark; all of it when the file is another or was begun anew.
fn audit(path: &Path, mark: Mark) -> Result<Option<AuditCounts>, String> {
    let Some((mut file, found)) = regular(path)? else { return Ok(None) };
    let now = Mark::of(&found);
    let is_same = now.file == mark.file && now.length >= mark.length;
    let start = if is_same { mark.length } else { 0 };
    file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
    // Not beyond the end of now: a writer that is faster than the reader must not hold it up forever.
    edge_sidecars::audit(BufReader::with_capacity(1 << 16, file.take(now.length - start)))
        .map(Some)
        .map_err(|error| error.to_string())
}

/// Opens a regular file; `None` when it is not there.
fn regular(path: &Path) -> Result<Option<(File, Metadata)>, String> {
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| error.to_string())?,
    };
    if !found.is_file() {
        return Err("it is no regular file".to_owned());
    }
    Ok(Some((File::open(path).map_err(|error| error.to_string())?, found)))
}

#[cfg(test)]
#[path = "../tests/file_source.rs"]
mod tests;
