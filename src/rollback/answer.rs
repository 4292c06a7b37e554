//! What the server answers, and `--format json` of `rollback rehearse`: published JSON shapes.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::event::{ActionResult, DecisionKind, OperationKind, Outcome, Word};
use super::log::{Head, Mode};
use super::state::{Operation, RecentDecision, timestamp};

/// The answer to a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct HookAnswer {
    /// Whether soak acts
    pub mode: Mode,
    /// Alerts that were looked at
    pub processed: usize,
    /// Alerts that Alertmanager cut off, and nobody looked at
    pub truncated: u64,
    /// What was decided about each alert, in their order
    pub responses: Vec<AlertAnswer>,
    /// What is being done; empty when nothing is
    pub undertakings: Vec<OperationAnswer>,
}

/// What was decided about an alert.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct AlertAnswer {
    /// Name
    pub alert: String,
    /// `rollback`, `joined`, `resumed`, `notify`, `disabled`, `cap_reached`, `repeated`, `consequence`,
    /// `cooling_down`, `other_environment`, `unknown_alert` or `resolved`
    #[schemars(with = "String")]
    pub decision: DecisionKind,
    /// Why
    pub reason: String,
}

/// What is being done or was done.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OperationAnswer {
    /// Its number in the log, `r12`
    pub id: String,
    /// `rollback`, `manual`, `recovery` or `notification`
    #[schemars(with = "String")]
    pub kind: OperationKind,
    /// `running`, `done`, `failed`, `nothing_done`, `interrupted` or `dry_run`
    #[serde(rename = "status", serialize_with = "status")]
    #[schemars(with = "String")]
    pub outcome: Option<Outcome>,
    /// Results so far
    pub actions: Vec<ActionResult>,
}

fn status<O: Copy + Into<Option<Outcome>>, S: Serializer>(
    outcome: &O,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let outcome: Option<Outcome> = (*outcome).into();
    serializer.serialize_str(outcome.map_or("running", Outcome::word))
}

impl OperationAnswer {
    pub(super) fn begun(operation: &Operation) -> Self {
        let Operation { id, kind, .. } = operation;
        Self { id: id.to_string(), kind: *kind, outcome: None, actions: Vec::new() }
    }
}

/// `/status`
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StatusAnswer {
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
    /// Actions with an unknown result: a person must check
    pub unknown_outcomes: Vec<UnknownAnswer>,
    /// The last decisions, newest first
    pub last_decisions: Vec<RecentDecision>,
    /// The last operations, newest first
    pub undertakings: Vec<OperationStatus>,
    /// The audit log's last line
    pub log: Head,
}

/// An alert that a rollback brought about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ConsequenceAnswer {
    /// The alert
    pub alert: String,
    /// The rollback
    pub of: String,
    /// Episodes of it that are known to fire; 0 = none was reported yet
    pub firing: usize,
}

/// An action of which nobody knows what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct UnknownAnswer {
    /// The operation
    pub id: String,
    /// The action in words
    pub action: String,
}

/// An operation, as the state shows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OperationStatus {
    /// Its number in the log
    pub id: String,
    /// `rollback`, `manual`, `recovery` or `notification`
    #[schemars(with = "String")]
    pub kind: OperationKind,
    /// When it was decided
    pub at: String,
    /// Why
    pub reason: String,
    /// `running`, or how it ended
    #[serde(rename = "status", serialize_with = "status")]
    #[schemars(with = "String")]
    pub outcome: Option<Outcome>,
    /// Whether what must be true afterwards is; null when that is not known (yet)
    pub verified: Option<bool>,
    /// Actions in words, with how far each has come
    pub actions: Vec<String>,
}

impl OperationStatus {
    pub(super) fn of(operation: &Operation) -> Self {
        let Operation { id, kind, at, reason, outcome, verified, .. } = operation;
        let actions = operation.actions.iter().zip(&operation.progress);
        Self {
            id: id.to_string(),
            kind: *kind,
            at: timestamp(*at),
            reason: reason.clone(),
            outcome: *outcome,
            verified: *verified,
            actions: actions
                .map(|(action, progress)| format!("{}: {}", action.words(), progress.words()))
                .collect(),
        }
    }
}

/// What would happen if an alert fired now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RehearsalAnswer {
    /// What would be decided about each alert, in their order
    pub decisions: Vec<AlertAnswer>,
    /// What would be begun
    pub undertakings: Vec<RehearsedOperation>,
    /// Operations that would continue, by their number in the log
    pub resumed: Vec<String>,
    /// Alerts that were cut off
    pub truncated: u64,
    /// Why `--live` would be refused; empty when it would not
    pub gaps: Vec<String>,
}

/// What would be begun.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RehearsedOperation {
    /// `rollback` or `notification`
    #[schemars(with = "String")]
    pub kind: Word<OperationKind>,
    /// Why
    pub reason: String,
    /// Actions in words, in their order
    pub actions: Vec<String>,
}

/// An error of the server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ErrorAnswer {
    /// What is wrong
    pub error: String,
}
