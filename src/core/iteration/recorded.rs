//! What a run recorded of its iteration files when it wrote them: hash and time, from `RUN_LOG.jsonl`.
//!
//! Compared with the files by the loader; the times are kept for iterations whose files are rotated away.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// SHA-256 of a file.
pub type Sha256 = [u8; 32];

/// The record of one iteration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// SHA-256 of the file as it was written.
    pub sha256: Sha256,
    /// When the iteration ended; `None` = no usable time.
    pub ends: Option<DateTime<Utc>>,
}

/// The records of a run, by iteration number. Of two lines for one iteration the later one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The records.
    pub files: BTreeMap<u64, FileRecord>,
    /// Whole lines that are none of soak's.
    pub unreadable_lines: usize,
}

impl Recorded {
    /// The highest number with a record; 0 = there is none.
    pub fn last(&self) -> u64 {
        self.files.last_key_value().map_or(0, |(number, _)| *number)
    }
}
