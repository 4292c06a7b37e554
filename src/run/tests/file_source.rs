//! Reports that come in time, too late, malformed or not at all.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use crate::core::iteration::params::ParamValues;
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
    FileSource::new(path.to_owned(), true).cover(&interval, wait)
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
    assert!(told.contains("EDGE_REPORT.json` is stale: written 2025-10-12T11:59:58.000Z, before"), "{told}");
}

#[test]
fn a_report_that_cannot_be_used_fails_in_words_that_name_file_and_key() {
    let folder = folder();
    let path = folder.path().join("EDGE_REPORT.json");
    let starts = at("2025-10-12T12:00:00Z");
    let file = format!("the edge report `{}` ", path.display());
    let told = |text: &str| {
        write(&path, text, at("2025-10-12T12:01:00Z"));
        now(&path, starts).expect_err("fails").strip_prefix(&file).expect("names the file").to_owned()
    };
    assert_eq!(told("{}"), "has neither `totals` nor `total`");
    assert!(told("").starts_with("cannot be used: "));
    assert!(told(r#"{"totals": [1]}"#).starts_with("cannot be used: `totals` is a list"));
    assert!(told(r#"{"totals": {"a": 1, "a": 2}}"#).starts_with("cannot be used: duplicate key `totals.a`"));

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
