//! The `file` source: the system under test writes its measurement to a place that is read at the end of each interval.
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

use crate::core::load::edge_report as edge_sidecars;
use crate::core::load::measurement::MeasurementReader;
use crate::infra::clock::{Wait, machine_time};
use crate::run::iteration::{AuditCounts, EdgeReport};
use crate::run::source::{Checked, Interval, NoReport, Source};

/// Reads the measurement at a path.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    checked: Checked,
    reader: MeasurementReader,
}

impl FileSource {
    /// The report at this path. It need not be there yet. Where its time is not checked it may be from before the
    /// interval, and so may the files beside it.
    pub fn new(path: PathBuf, checked: Checked, reader: MeasurementReader) -> Self {
        Self { path, checked, reader }
    }
}

impl Source for FileSource {
    fn name(&self) -> &'static str {
        "file"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let ahead = Stamp::ahead_of(&self.path, machine_time());
        let fresh = Fresh { since: interval.starts, ahead, audit: Mark::beside(&self.path) };
        wait.pass(interval.length)?;
        let fresh = (self.checked == Checked::All).then_some(&fresh);
        let since = (self.checked != Checked::Nothing).then_some(interval.starts);
        load(&self.path, fresh, since, &mut self.reader).map_err(NoReport::Failed)
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
    /// The file as it was then, if its time stamp was ahead of the clock: only another stamp shows that it was written.
    pub(crate) ahead: Option<Stamp>,
    /// Where `audit.jsonl` ended then; what stands behind belongs to the interval.
    pub(crate) audit: Mark,
}

/// When a file was written, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    written: SystemTime,
    mark: Mark,
}

impl Stamp {
    fn of(found: &Metadata) -> Option<Self> {
        Some(Self { written: found.modified().ok()?, mark: Mark::of(found) })
    }

    /// That of a file whose time stamp is ahead of the clock by more than file systems round.
    fn ahead_of(path: &Path, now: DateTime<Utc>) -> Option<Self> {
        let stamp = Self::of(&fs::metadata(path).ok()?)?;
        (DateTime::<Utc>::from(stamp.written) > now + COARSE).then_some(stamp)
    }
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

/// Loads a measurement and what lies beside it. `fresh` = only what was written in the interval; `since` = only samples
/// whose own time stamps are not before.
pub(crate) fn load(
    path: &Path,
    fresh: Option<&Fresh>,
    since: Option<DateTime<Utc>>,
    reader: &mut MeasurementReader,
) -> Result<EdgeReport, String> {
    let failed = |reason: String| format!("the file `{}` {reason}", path.display());
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
        if fresh.ahead.is_some() && fresh.ahead == Stamp::of(&found) {
            return Err(failed(format!(
                "is stale: its time stamp {} is ahead of the clock and stayed the same in the iteration",
                time(written.into())
            )));
        }
    }
    let file = File::open(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    let mut report =
        reader.read(file, since).map_err(|problem| failed(format!("cannot be used: {problem}")))?;
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
mod tests {

    use std::fs::{self, File};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use chrono::{DateTime, TimeDelta, Utc};
    use tempfile::TempDir;

    use crate::core::iteration::params::ParamValues;
    use crate::run::fixture::reader;
    use crate::run::source::file::*;
    use crate::run::source::test_wait::{NoWait, RealWait};

    const LENGTH: Duration = Duration::from_secs(300);

    fn folder() -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn write(path: &Path, text: &str, written: DateTime<Utc>) {
        fs::write(path, text).expect("written");
        let file = File::options().write(true).open(path).expect("opened");
        file.set_modified(SystemTime::from(written)).expect("stamped");
    }

    fn cover(path: &Path, starts: DateTime<Utc>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let overrides = ParamValues::default();
        let interval = Interval {
            iteration: 1,
            starts,
            length: LENGTH,
            overrides: &overrides,
            overrides_file: Path::new("overrides.json"),
        };
        FileSource::new(path.to_owned(), Checked::All, reader()).cover(&interval, wait)
    }

    fn now(path: &Path, starts: DateTime<Utc>) -> Result<EdgeReport, String> {
        match cover(path, starts, &NoWait::doing(|| ())) {
            Ok(report) => Ok(report),
            Err(NoReport::Failed(reason)) => Err(reason),
            Err(NoReport::Interrupted) => Err("interrupted".to_owned()),
        }
    }

    const GOOD: &str = r#"{"totals": {"net_bps": 2.5}, "runtime": {"utc": "1999-01-01T00:00:00Z"}}"#;

    #[test]
    fn a_report_that_is_written_during_the_interval_is_read_at_its_end() {
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        let wait = NoWait::doing(|| write(&path, GOOD, at("2025-10-12T12:04:00.5Z")));
        let report = cover(&path, at("2025-10-12T12:00:00.25Z"), &wait).expect("a report");
        assert_eq!(wait.asked.get(), LENGTH);
        assert_eq!(report.number("net_bps"), Some(2.5));
        // The time stamp of the file counts, not what the report says of itself.
        assert_eq!(report.utc.as_deref(), Some("1999-01-01T00:00:00Z"));
    }

    #[test]
    fn a_report_from_before_the_interval_is_stale() {
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        let starts = at("2025-10-12T12:00:00.500Z");
        for (written, is_fresh) in [
            ("2025-10-12T12:00:00.500Z", true),
            // The clock of time stamps lags behind by up to 20 ms.
            ("2025-10-12T12:00:00.481Z", true),
            ("2025-10-12T12:00:00.480Z", false),
            ("2025-10-12T11:59:00.123Z", false),
            // Whole seconds: the file system may have cut up to two of them off.
            ("2025-10-12T12:00:00Z", true),
            ("2025-10-12T11:59:59Z", true),
            ("2025-10-12T11:59:58Z", false),
        ] {
            write(&path, GOOD, at(written));
            let told = now(&path, starts);
            assert_eq!(told.is_ok(), is_fresh, "{written}: {told:?}");
        }
        let told = now(&path, starts).expect_err("stale");
        assert!(
            told.contains("EDGE_REPORT.json` is stale: written 2025-10-12T11:59:58.000Z, before"),
            "{told}"
        );
    }

    #[test]
    fn a_report_stamped_ahead_of_the_clock_must_be_stamped_anew_in_the_interval() {
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        let starts = machine_time();
        let ahead = starts + TimeDelta::days(1);
        write(&path, GOOD, ahead);
        let told = now(&path, starts).expect_err("stale");
        assert!(told.contains("is ahead of the clock and stayed the same in the iteration"), "{told}");
        let again = NoWait::doing(|| write(&path, GOOD, ahead + TimeDelta::seconds(1)));
        assert!(cover(&path, starts, &again).is_ok(), "the clock of the file system is another one");
        // Whole seconds may have been rounded up.
        write(&path, GOOD, machine_time() + TimeDelta::milliseconds(1500));
        assert!(now(&path, machine_time()).is_ok());
    }

    #[test]
    fn a_report_that_cannot_be_used_fails_in_words_that_name_file_and_key() {
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        let starts = at("2025-10-12T12:00:00Z");
        let file = format!("the file `{}` ", path.display());
        let told = |text: &str| {
            write(&path, text, at("2025-10-12T12:01:00Z"));
            now(&path, starts).expect_err("fails").strip_prefix(&file).expect("names the file").to_owned()
        };
        assert!(told("{}").starts_with("cannot be used: it has no number; got `{}`; expected e.g. `{"));
        assert!(told("").starts_with("cannot be used: "));
        assert!(told(r#"{"totals": [1]}"#).starts_with("cannot be used: `totals` is a list"));
        assert!(
            told(r#"{"totals": {"a": 1, "a": 2}}"#).starts_with("cannot be used: duplicate key `totals.a`")
        );

        fs::remove_file(&path).expect("removed");
        let missing = now(&path, starts).expect_err("missing");
        assert!(missing.starts_with(&format!("{file}cannot be read: ")), "{missing}");
        fs::create_dir(&path).expect("a directory");
        assert_eq!(now(&path, starts), Err(format!("{file}is a directory")));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_place_of_the_report_does_not_hold_the_run_up() {
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        let told = now(&path, at("2025-10-12T12:00:00Z")).expect_err("a pipe");
        assert!(told.ends_with("is no regular file"), "{told}");
    }

    #[test]
    fn an_interrupted_interval_reads_nothing() {
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        write(&path, GOOD, at("2025-10-12T12:01:00Z"));
        let wait = RealWait::interrupted_after(Duration::from_millis(5));
        assert_eq!(cover(&path, at("2025-10-12T12:00:00Z"), &wait), Err(NoReport::Interrupted));
    }

    #[test]
    fn files_beside_the_report_are_read_and_broken_ones_are_notes() {
        let folder = folder();
        let beside = |name: &str| folder.path().join(name);
        let starts = at("2025-10-12T12:00:00Z");
        let (before, during) = (at("2025-10-12T11:00:00Z"), at("2025-10-12T12:01:00Z"));
        let path = beside("EDGE_REPORT.json");
        write(&path, GOOD, during);
        write(&beside("KPI_GATE.json"), r#"{"verdict": "WARN", "reasons": ["net"]}"#, during);
        write(&beside("EDGE_SENTINEL.json"), r#"{"advice": ["widen"]}"#, during);
        let report = now(&path, starts).expect("a report");
        let gate = report.kpi_gate.expect("a gate");
        assert_eq!((gate.verdict.as_str(), gate.reasons), ("WARN", vec!["net".to_owned()]));
        assert_eq!(report.sentinel_advice, ["widen"]);
        assert_eq!((report.audit, report.notes), (None, vec![]));

        write(&beside("KPI_GATE.json"), r#"{"verdict": "PASS"}"#, before);
        write(&beside("EDGE_SENTINEL.json"), "{", during);
        fs::create_dir(beside("audit.jsonl")).expect("a directory");
        let report = now(&path, starts).expect("a report all the same");
        assert_eq!((report.kpi_gate, report.audit), (None, None));
        let [gate, sentinel, audit] = report.notes.as_slice() else { panic!("{:?}", report.notes) };
        assert_eq!(gate, "`KPI_GATE.json` was left out: it is older than the iteration");
        assert!(sentinel.starts_with("`EDGE_SENTINEL.json` was left out: EOF"), "{sentinel}");
        assert_eq!(audit, "`audit.jsonl` was left out: it is no regular file");

        write(&beside("KPI_GATE.json"), &format!("{}{{}}", " ".repeat(1 << 20)), during);
        let notes = now(&path, starts).expect("a report").notes;
        assert_eq!(notes[0], "`KPI_GATE.json` was left out: it is larger than 1048576 bytes");
    }

    #[test]
    fn of_the_audit_the_lines_of_the_interval_are_counted() {
        const REFUSED: &str = "{\"fields\": {\"allowed\": false, \"reason\": \"risk\"}}\n";
        let folder = folder();
        let path = folder.path().join("EDGE_REPORT.json");
        let audit = folder.path().join("audit.jsonl");
        let starts = at("2025-10-12T12:00:00Z");
        write(&path, GOOD, at("2025-10-12T12:01:00Z"));
        let counted = |meanwhile: &dyn Fn()| {
            let report = cover(&path, starts, &NoWait::doing(meanwhile)).expect("a report");
            report.audit.expect("an audit").total
        };
        // Not there at the start: all of it.
        assert_eq!(counted(&|| fs::write(&audit, REFUSED.repeat(3)).expect("written")), 3);
        assert_eq!(counted(&|| ()), 0);
        // Grown: what was added.
        assert_eq!(counted(&|| fs::write(&audit, REFUSED.repeat(5)).expect("written")), 2);
        // Begun anew: all of it.
        assert_eq!(counted(&|| fs::write(&audit, REFUSED).expect("written")), 1);
        // Another file under the name, and larger.
        let rotated = || {
            fs::write(folder.path().join("new"), REFUSED.repeat(4)).expect("written");
            fs::rename(folder.path().join("new"), &audit).expect("renamed");
        };
        assert_eq!(counted(&rotated), if cfg!(unix) { 4 } else { 3 });
    }
}
