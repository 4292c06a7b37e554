//! What `compare baseline … --format json` prints: the state of a store. The other format shows the same value.
//!
//! Must not judge.

use serde::Serialize;

use super::baseline_store::HistoryLine;

/// An acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Acknowledged {
    /// The KPI whose change is known.
    pub kpi: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: String,
    /// Whether that day is over; then it does not count any more.
    pub expired: bool,
}

/// The state of a store.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct BaselineStatus {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// What was asked for.
    #[schemars(extend("enum" = ["promote", "show", "verify", "ack"]))]
    pub action: String,
    /// The store.
    pub store: String,
    /// The file of the baseline in force; null when nothing was promoted.
    pub current: Option<String>,
    /// The run that it was; null when nothing was promoted, or its file is not as it was written.
    pub run: Option<String>,
    /// Everything that was done, oldest first.
    pub history: Vec<HistoryLine>,
    /// What was acknowledged since the last promotion, oldest first.
    pub acknowledged: Vec<Acknowledged>,
    /// Baselines that are worse than the one before, that slid step by step, that are too short to tell anything
    /// against, or that no line names, a sentence each.
    pub warnings: Vec<String>,
    /// What is wrong with the store, a sentence each.
    pub problems: Vec<String>,
    /// How the command ends, without `--detailed-exitcode`.
    pub exit_code: u8,
}
