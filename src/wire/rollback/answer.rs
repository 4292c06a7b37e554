//! What the rollback server answers, and `--format json` of `rollback rehearse`: JSON shapes alone.

use schemars::JsonSchema;
use serde::Serialize;

use super::log::{ActionResult, Mode};

/// The answer to a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HookAnswer {
    /// Whether soak acts
    pub mode: Mode,
    /// Alerts that were looked at
    pub processed: usize,
    /// Alerts that Alertmanager cut off, and nobody looked at
    pub truncated: u64,
    /// What was decided about each alert, in their order
    pub responses: Vec<AlertAnswer>,
    /// What is being done; empty when nothing is
    pub undertakings: Vec<UndertakingAnswer>,
}

/// What was decided about an alert.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AlertAnswer {
    /// Name
    pub alert: String,
    /// `rollback`, `joined`, `resumed`, `notify`, `disabled`, `cap_reached`, `repeated`, `consequence`,
    /// `cooling_down`, `other_environment`, `unknown_alert` or `resolved`
    pub decision: String,
    /// Why
    pub reason: String,
}

/// What is being done or was done.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UndertakingAnswer {
    /// Its number in the log, `r12`
    pub id: String,
    /// `rollback`, `manual`, `recovery` or `notification`
    pub kind: String,
    /// `running`, `done`, `failed`, `nothing_done`, `interrupted` or `dry_run`
    pub status: String,
    /// Results so far
    pub actions: Vec<ActionResult>,
}

/// `/status`
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StatusAnswer {
    /// Whether soak acts
    pub mode: Mode,
    /// SHA-256 of the policy in force
    pub policy_sha256: String,
    /// Why the policy was not read again when it should have been; null when all is well
    pub policy_problem: Option<String>,
    /// Whether hard gates lead to rollbacks
    pub auto_rollback_enabled: bool,
    /// Until when no further rollback begins; null when one may
    pub cooling_down_until: Option<String>,
    /// Actions of automatic rollbacks in the last 24 hours
    pub actions_last_24h: usize,
    /// The most that they may be; null without a limit
    pub max_actions_per_day: Option<u32>,
    /// Episodes of alerts that are remembered
    pub remembered_alerts: usize,
    /// The most that they may be
    pub max_remembered_alerts: usize,
    /// Episodes that were forgotten since the start because there were too many
    pub forgotten_alerts: u64,
    /// Alerts that a rollback itself brings about, until they were over or a recovery was made: they lead to no other
    pub consequences: Vec<ConsequenceAnswer>,
    /// Actions of which nobody knows what became of them: a person must look
    pub unknown_outcomes: Vec<UnknownAnswer>,
    /// The last decisions, newest first
    pub last_decisions: Vec<DecisionAnswer>,
    /// The last undertakings, newest first
    pub undertakings: Vec<UndertakingStatus>,
    /// The audit log's last line
    pub log: LogHead,
}

/// An alert that a rollback brought about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConsequenceAnswer {
    /// The alert
    pub alert: String,
    /// The rollback
    pub of: String,
    /// Episodes of it that are known to fire; 0 = none was told yet
    pub firing: usize,
}

/// An action of which nobody knows what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UnknownAnswer {
    /// The undertaking
    pub id: String,
    /// The action in words
    pub action: String,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DecisionAnswer {
    /// When
    pub at: String,
    /// The alert
    pub alert: String,
    /// The decision
    pub decision: String,
    /// Why
    pub reason: String,
}

/// An undertaking, for those who ask how things stand.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UndertakingStatus {
    /// Its number in the log
    pub id: String,
    /// `rollback`, `manual`, `recovery` or `notification`
    pub kind: String,
    /// When it was decided
    pub at: String,
    /// Why
    pub reason: String,
    /// `running`, or how it ended
    pub status: String,
    /// Whether what must be true afterwards is; null when that is not known (yet)
    pub verified: Option<bool>,
    /// Actions in words, with how far each has come
    pub actions: Vec<String>,
}

/// The last line of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct LogHead {
    /// Its number
    pub seq: u64,
    /// Its hash
    pub hash: String,
}

/// What would happen if an alert fired now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RehearsalAnswer {
    /// What would be decided about each alert, in their order
    pub decisions: Vec<AlertAnswer>,
    /// What would be begun
    pub undertakings: Vec<RehearsedUndertaking>,
    /// Undertakings that would go on, by their number in the log
    pub resumed: Vec<String>,
    /// Alerts that were cut off
    pub truncated: u64,
    /// Why `--live` would be refused; empty when it would not
    pub gaps: Vec<String>,
}

/// What would be begun.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RehearsedUndertaking {
    /// `rollback` or `notification`
    pub kind: String,
    /// Why
    pub reason: String,
    /// Actions in words, in their order
    pub actions: Vec<String>,
}

/// An error of the server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What is wrong
    pub error: String,
}
