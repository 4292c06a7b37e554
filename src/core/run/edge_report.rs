//! An edge report: what the system under test measured in one interval.
//!
//! Holds what was delivered and invents nothing: a number that is not there is not there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::iteration::Resources;

/// What a source delivers for an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeReport {
    /// The numbers below `totals`, nested ones by dotted key: `net_bps`, `fills.maker_volume`,
    /// `block_reasons.risk.ratio`, `component_breakdown.fees_bps`, `tick_latency_ms.p95`. `None` = the key is
    /// there without a usable number (null, NaN, text).
    pub numbers: BTreeMap<String, Option<f64>>,
    /// Cost components that made the edge negative, as the source names them.
    pub neg_edge_drivers: Vec<String>,
    /// `runtime.utc`: when the report was made, as written.
    pub utc: Option<String>,
    /// `runtime.version`: the build of the system under test.
    pub version: Option<String>,
    /// The system's own gate (`KPI_GATE.json` beside the report): verdict and reasons.
    pub kpi_gate: Option<KpiGateFile>,
    /// `EDGE_SENTINEL.json` beside the report.
    pub sentinel_advice: Vec<String>,
    /// How many decisions were refused for each reason (`audit.jsonl` beside the report), and how many were
    /// looked at in all; `None` without that file.
    pub audit: Option<AuditCounts>,
    /// The resources of the system under test, where the source knows them; `None` = it does not.
    pub resources: Option<Resources>,
    /// What went wrong with a file beside the report, or with an optional metric; for a person.
    pub notes: Vec<String>,
    /// Why the collection failed all the same; `None` = it did not.
    pub incomplete: Option<Incomplete>,
}

/// A report without a value that it must have. What it has is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// What is missing and why, for the iteration's record.
    pub reason: String,
    /// Whether another required value is there: then the source is at work, and the collections that failed in a
    /// row end with this one.
    pub is_alive: bool,
}

impl EdgeReport {
    /// The number at this key; `None` where it is missing or has no usable value.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.numbers.get(key).copied().flatten()
    }
}

/// `KPI_GATE.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KpiGateFile {
    pub reasons: Vec<String>,
    /// As written.
    pub verdict: String,
}

/// Counts over the lines of `audit.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditCounts {
    /// Refused decisions by reason.
    pub refused: BTreeMap<String, u64>,
    /// Lines with a decision.
    pub total: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
}
