//! `RUN_LOG.jsonl`: a line for each iteration file with its size and hash, and a line for each event of a run.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact_manifest::sha256_hex;
use super::iteration_file::{file_name, utc};
use crate::core::kpi::KpiId;
use crate::core::run::iteration::IterationRecord;

/// Name of the file in the run's folder.
pub const FILE_NAME: &str = "RUN_LOG.jsonl";

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// An iteration file was written.
    Iteration,
    /// The run started.
    Start,
    /// It went on after an interruption.
    Resume,
    /// It was asked to stop.
    Interrupted,
    /// All iterations are there.
    Complete,
    /// It gave up.
    Failed,
    /// The panic profile was put in force.
    Panic,
    /// The wall clock was set.
    #[serde(rename = "clock_step")]
    ClockStep,
    /// The machine slept.
    Suspend,
}

/// A line. Keys that do not belong to its event are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Size of the iteration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What the line tells.
    pub event: Event,
    /// Name of the iteration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The iteration it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// Net edge of the iteration, bps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_bps: Option<f64>,
    /// For a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// SHA-256 of the iteration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When, RFC 3339: the end of the iteration, or the time of the event.
    pub utc: String,
}

impl LogLine {
    /// The line of an iteration file with these bytes.
    pub fn of_iteration(record: &IterationRecord, bytes: &[u8]) -> Self {
        Self {
            bytes: Some(bytes.len() as u64),
            event: Event::Iteration,
            file: Some(file_name(record.number)),
            iteration: Some(record.number),
            net_bps: record.summary.values.get(KpiId::NET_BPS.index()).copied().flatten(),
            note: None,
            sha256: Some(sha256_hex(bytes)),
            utc: utc(record.ends),
        }
    }

    /// The line of an event.
    pub fn of_event(event: Event, iteration: Option<u64>, note: Option<&str>, now: DateTime<Utc>) -> Self {
        Self::at(event, iteration, note, &utc(now))
    }

    /// The line of an event whose time is text already.
    pub fn at(event: Event, iteration: Option<u64>, note: Option<&str>, utc: &str) -> Self {
        Self {
            bytes: None,
            event,
            file: None,
            iteration,
            net_bps: None,
            note: note.map(str::to_owned),
            sha256: None,
            utc: utc.to_owned(),
        }
    }

    /// The line with its line break.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts and numbers have no way to fail.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a line; `None` when it is none of ours.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Whether the line tells of a file with just these bytes.
    pub fn describes(&self, bytes: &[u8]) -> bool {
        self.bytes == Some(bytes.len() as u64) && self.sha256.as_deref() == Some(sha256_hex(bytes).as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::iteration_file::fixture::{at, record};

    #[test]
    fn a_line_is_read_back_and_knows_its_file() {
        let line = LogLine::of_iteration(&record(2), b"abc");
        let bytes = line.to_bytes();
        let expected = concat!(
            r#"{"bytes":3,"event":"iteration","file":"ITER_SUMMARY_2.json","iteration":2,"net_bps":3.2,"#,
            r#""sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","#,
            r#""utc":"2025-10-12T12:10:00Z"}"#,
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
        assert_eq!(LogLine::parse(&bytes), Some(line.clone()));
        assert!(line.describes(b"abc") && !line.describes(b"abd") && !line.describes(b"ab"));
    }

    #[test]
    fn an_event_has_only_its_own_keys() {
        let line = LogLine::of_event(Event::Start, None, Some("x"), at(0));
        assert_eq!(
            String::from_utf8_lossy(&line.to_bytes()),
            "{\"event\":\"start\",\"note\":\"x\",\"utc\":\"2025-10-12T12:00:00Z\"}\n"
        );
        assert_eq!(LogLine::parse(b"{\"event\":\"start\""), None);
    }
}
