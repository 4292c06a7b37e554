//! What a server counts from its start, for metrics. Counts nothing by itself.

use std::collections::BTreeMap;

/// What is counted from the start of the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Decisions by their word.
    pub decisions: BTreeMap<&'static str, u64>,
    /// Actions by kind and result.
    pub actions: BTreeMap<(String, &'static str), u64>,
    /// Undertakings by kind and outcome.
    pub undertakings: BTreeMap<(&'static str, &'static str), u64>,
    /// Verifications that came true, and that did not.
    pub verifications: [u64; 2],
    /// Deliveries with alerts that were cut off.
    pub truncated: u64,
    /// Episodes that were forgotten because there were too many: over, and still firing.
    pub forgotten: [u64; 2],
    /// Times that the log could not be written.
    pub log_errors: u64,
    /// Commits, and the events in them.
    pub commits: [u64; 2],
    /// Seconds that commits took.
    pub commit_seconds: f64,
}
