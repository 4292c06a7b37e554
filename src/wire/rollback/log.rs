//! A line of the audit log, which is the memory too: what happened, chained by hashes.
//!
//! `hash` is the SHA-256 of the line without it: of the bytes up to `,"hash":` and a closing brace. `prev` is the
//! `hash` of the line before, 64 zeros in the first. So nobody can change, take out or put in a line without
//! changing all lines behind it.

mod event;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use event::{
    ActionRecord, ActionResult, ActionStatus, AlertRecord, CheckRecord, HookRecord, LogEvent,
    PlanAlertRecord, PlanRecord, VerificationRecord,
};

use crate::core::hex::hex;

/// `prev` of the first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Whether soak acts or only says what it would do. Each remembers its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It acts.
    Live,
    /// It does not.
    DryRun,
}

impl Mode {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::DryRun => "dry_run",
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Number, from 1, without gaps
    pub seq: u64,
    /// When, RFC 3339 with milliseconds
    pub at: String,
    /// Whether soak acted or only said what it would do
    pub mode: Mode,
    /// What happened
    pub event: LogEvent,
    /// `hash` of the line before; 64 zeros in the first
    pub prev: String,
    /// SHA-256 of the line without this key, hexadecimal
    pub hash: String,
}

/// The time as the log has it.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[derive(Serialize)]
struct Unsealed<'a> {
    seq: u64,
    at: &'a str,
    mode: Mode,
    event: &'a LogEvent,
    prev: &'a str,
}

/// The line's text without line end, and its hash.
pub fn seal(
    seq: u64,
    at: DateTime<Utc>,
    mode: Mode,
    event: &LogEvent,
    prev: &str,
) -> Result<(String, String), serde_json::Error> {
    let mut text = serde_json::to_string(&Unsealed { seq, at: &time(at), mode, event, prev })?;
    let hash = hex(&Sha256::digest(text.as_bytes()));
    text.pop();
    text.push_str(",\"hash\":\"");
    text.push_str(&hash);
    text.push_str("\"}");
    Ok((text, hash))
}

/// Why a line does not belong where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is not one of ours.
    #[error("it is no line of an audit log: {0}")]
    Unreadable(String),
    /// Its hash is not that of its bytes.
    #[error("it was changed: its hash is not that of its bytes")]
    Changed,
    /// The line before is not the one that it was written behind.
    #[error(
        "a line before it was changed, taken out or put in: its `prev` is not the hash of the line before"
    )]
    Broken,
    /// Its number is not the next one.
    #[error("its number is {found}, expected {expected}")]
    Number {
        /// The number it has.
        found: u64,
        /// The number it should have.
        expected: u64,
    },
}

/// Reads a line and holds it against the one before it.
pub fn open(line: &[u8], seq: u64, prev: &str) -> Result<LogLine, LineError> {
    let read: LogLine =
        serde_json::from_slice(line).map_err(|error| LineError::Unreadable(error.to_string()))?;
    let tail = format!(",\"hash\":\"{}\"}}", read.hash);
    let body = line.strip_suffix(tail.as_bytes()).ok_or(LineError::Changed)?;
    let mut hash = Sha256::new();
    hash.update(body);
    hash.update(b"}");
    if hex(&hash.finalize()) != read.hash {
        return Err(LineError::Changed);
    }
    if read.prev != prev {
        return Err(LineError::Broken);
    }
    if read.seq != seq {
        return Err(LineError::Number { found: read.seq, expected: seq });
    }
    Ok(read)
}

impl LogLine {
    /// The time; the beginning of all times where it cannot be read.
    pub fn time(&self) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&self.at).map(|at| at.to_utc()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> LogEvent {
        LogEvent::TornLine { bytes: 7 }
    }

    #[test]
    fn a_line_is_hashed_over_its_bytes_without_the_hash() {
        let (line, hash) = seal(1, DateTime::UNIX_EPOCH, Mode::Live, &event(), GENESIS).expect("a line");
        let bare = format!(
            "{{\"seq\":1,\"at\":\"1970-01-01T00:00:00.000Z\",\"mode\":\"live\",\
             \"event\":{{\"type\":\"torn_line\",\"data\":{{\"bytes\":7}}}},\"prev\":\"{GENESIS}\"}}"
        );
        // The digest of the line above, by the standard's function in another crate's words.
        assert_eq!(hash, hex(&Sha256::digest(bare.as_bytes())));
        assert_eq!(
            line,
            bare.trim_end_matches('}').to_owned() + &"\"}".replace("\"}", &format!(",\"hash\":\"{hash}\"}}"))
        );
        assert_eq!(open(line.as_bytes(), 1, GENESIS).map(|read| read.event), Ok(event()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (line, _) = seal(1, DateTime::UNIX_EPOCH, Mode::DryRun, &event(), GENESIS).expect("a line");
        for at in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[at] ^= 1;
            assert!(open(&changed, 1, GENESIS).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_line_in_the_wrong_place_is_noticed() {
        let (line, hash) = seal(2, DateTime::UNIX_EPOCH, Mode::Live, &event(), GENESIS).expect("a line");
        assert_eq!(open(line.as_bytes(), 1, GENESIS), Err(LineError::Number { found: 2, expected: 1 }));
        assert_eq!(open(line.as_bytes(), 2, &hash), Err(LineError::Broken));
    }
}
