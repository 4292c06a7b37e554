//! What can happen, as a line of the audit log tells it, and what each event means for what is remembered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::rollback::action::{Action, ActionKind, OnFailure, Priority};
use crate::core::rollback::alert::AlertKey;
use crate::core::rollback::state::{Plan, PlanAlert, PlanId, PlanKind, PlanOutcome, Progress, State};

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum LogEvent {
    /// A process began to write
    Opened {
        /// Version of soak
        version: String,
        /// The command, without its arguments
        command: String,
        /// Process id
        pid: u32,
        /// SHA-256 of the policy file
        policy_sha256: String,
    },
    /// The last line had been cut short by a crash and was taken off: it had never been answered for
    TornLine {
        /// Bytes that were taken off
        bytes: u64,
    },
    /// A delivery and what was decided about its alerts
    Hook(HookRecord),
    /// Something is to be done
    Planned(PlanRecord),
    /// Something that did nothing, or was cut short, goes on
    Resumed {
        /// The undertaking
        plan: u64,
        /// Alerts behind it
        alerts: Vec<PlanAlertRecord>,
    },
    /// An action is about to be begun; written before it is
    ActionStarted {
        /// The undertaking
        plan: u64,
        /// Which of its actions, from 0
        index: usize,
        /// The action in words
        action: String,
        /// Sent with it, the same at each try
        idempotency_key: String,
    },
    /// An action has ended
    ActionEnded(ActionResult),
    /// Nobody knows what became of an action: the process ended before it could write a result
    UnknownOutcome {
        /// The undertaking
        plan: u64,
        /// Which of its actions, from 0
        index: usize,
        /// The action in words
        action: String,
    },
    /// An undertaking has ended
    Closed {
        /// The undertaking
        plan: u64,
        /// `done`, `failed`, `nothing_done`, `interrupted` or `dry_run`
        outcome: String,
    },
    /// What must be true afterwards was looked at
    Verified(VerificationRecord),
    /// People were told that a person is needed
    Escalated {
        /// The undertaking
        plan: u64,
        /// Why
        problem: String,
        /// Channels that took it
        told: Vec<String>,
        /// Channels that did not, with the reason
        failed: BTreeMap<String, String>,
    },
    /// The policy was read again
    PolicyReloaded {
        /// SHA-256 of the policy in force now
        policy_sha256: String,
        /// Why the new one was not taken; null when it was
        problem: Option<String>,
    },
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HookRecord {
    /// Alertmanager's key of the group
    pub group_key: String,
    /// The receiver in Alertmanager's configuration
    pub receiver: String,
    /// Alerts that were cut off
    pub truncated_alerts: u64,
    /// The alerts, in their order
    pub alerts: Vec<AlertRecord>,
}

/// An alert and what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRecord {
    /// Its episode: the first half of a SHA-256 of group, fingerprint and start
    pub key: String,
    /// Name
    pub alert: String,
    /// Fingerprint; null when the sender gave none
    pub fingerprint: Option<String>,
    /// When it began to fire; null when the sender gave none
    pub starts_at: Option<String>,
    /// The decision
    pub decision: String,
    /// Why
    pub reason: String,
}

/// An alert behind an undertaking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanAlertRecord {
    /// Its episode
    pub key: String,
    /// Name
    pub alert: String,
    /// Fingerprint of its labels; left out when the sender gave none
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRecord {
    /// `rollback`, `manual`, `recovery` or `notification`
    pub kind: String,
    /// Why
    pub reason: String,
    /// Alerts behind it
    pub alerts: Vec<PlanAlertRecord>,
    /// What is done, in this order
    pub actions: Vec<ActionRecord>,
    /// Who asked for it; null for alerts
    pub by: Option<String>,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionRecord {
    /// Kind
    #[serde(rename = "type")]
    pub kind: String,
    /// Parameters
    pub params: BTreeMap<String, Value>,
    /// What it is for
    pub description: String,
    /// Whether those behind it are left out when it fails
    pub stop_on_failure: bool,
    /// Alerts that fire because of it; left out when there are none
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionResult {
    /// The undertaking
    pub plan: u64,
    /// Which of its actions, from 0
    pub index: usize,
    /// The action in words
    pub action: String,
    /// `done`, `failed`, `left_out` or `dry_run`
    pub status: ActionStatus,
    /// Whether it is certain that it had no effect
    pub nothing_done: bool,
    /// What happened, in words
    pub message: String,
    /// Tries
    pub tries: u32,
    /// Seconds from the first try to the result
    pub seconds: f64,
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionStatus {
    /// It was done
    Done,
    /// It was not, or nobody can tell
    Failed,
    /// One before it failed
    LeftOut,
    /// It would have been done
    DryRun,
}

impl ActionResult {
    /// How far the action has come with it.
    pub fn progress(&self) -> Progress {
        match self.status {
            ActionStatus::Done => Progress::Done,
            ActionStatus::Failed => Progress::Failed { nothing_done: self.nothing_done },
            ActionStatus::LeftOut => Progress::LeftOut,
            ActionStatus::DryRun => Progress::DryRun,
        }
    }
}

/// What was looked at afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerificationRecord {
    /// The undertaking
    pub plan: u64,
    /// Whether all conditions came true in time
    pub verified: bool,
    /// The checks
    pub checks: Vec<CheckRecord>,
}

/// A condition and whether it came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRecord {
    /// Metric or query with its condition
    pub check: String,
    /// Whether it came true in time
    pub holds: bool,
    /// The last answer, in words
    pub observed: String,
    /// Seconds from the first question to the last answer
    pub seconds: f64,
}

impl ActionRecord {
    /// Of an action.
    pub fn of(action: &Action) -> Self {
        Self {
            kind: action.kind.word().to_owned(),
            params: action.params.clone(),
            description: action.description.clone(),
            stop_on_failure: action.on_failure == OnFailure::Stop,
            causes: action.causes.clone(),
        }
    }

    /// The action; `None` for a kind that this version does not know.
    pub fn action(&self) -> Option<Action> {
        let kind = ActionKind::of_word(&self.kind)?;
        let channels = self.params.get("channels").and_then(Value::as_array);
        let texts = channels.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let priority = self.params.get("priority").and_then(Value::as_str).and_then(Priority::of_word);
        Some(Action {
            kind,
            params: self.params.clone(),
            channels: texts.collect(),
            priority: priority.unwrap_or_default(),
            description: self.description.clone(),
            on_failure: if self.stop_on_failure { OnFailure::Stop } else { OnFailure::Continue },
            causes: self.causes.clone(),
        })
    }
}

impl PlanAlertRecord {
    /// Of an alert.
    pub fn of(alert: &PlanAlert) -> Self {
        Self {
            key: alert.key.as_str().to_owned(),
            alert: alert.name.clone(),
            fingerprint: alert.fingerprint.clone(),
        }
    }

    fn alert(&self) -> PlanAlert {
        PlanAlert {
            key: AlertKey::of_text(&self.key),
            name: self.alert.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

impl PlanRecord {
    /// The plan; `None` for kinds that this version does not know.
    pub fn plan(&self, seq: u64, at: DateTime<Utc>) -> Option<Plan> {
        Some(Plan {
            id: PlanId(seq),
            kind: PlanKind::ALL.into_iter().find(|kind| kind.word() == self.kind)?,
            at,
            reason: self.reason.clone(),
            alerts: self.alerts.iter().map(PlanAlertRecord::alert).collect(),
            actions: self.actions.iter().map(ActionRecord::action).collect::<Option<_>>()?,
        })
    }
}

impl LogEvent {
    /// The word of its kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::TornLine { .. } => "torn_line",
            Self::Hook(_) => "hook",
            Self::Planned(_) => "planned",
            Self::Resumed { .. } => "resumed",
            Self::ActionStarted { .. } => "action_started",
            Self::ActionEnded(_) => "action_ended",
            Self::UnknownOutcome { .. } => "unknown_outcome",
            Self::Closed { .. } => "closed",
            Self::Verified(_) => "verified",
            Self::Escalated { .. } => "escalated",
            Self::PolicyReloaded { .. } => "policy_reloaded",
        }
    }

    /// Tells the state what happened.
    pub fn tell(&self, state: &mut State, seq: u64, at: DateTime<Utc>) {
        match self {
            Self::Planned(record) => {
                if let Some(plan) = record.plan(seq, at) {
                    state.planned(plan);
                }
            }
            Self::Resumed { plan, alerts } => {
                let alerts: Vec<PlanAlert> = alerts.iter().map(PlanAlertRecord::alert).collect();
                state.resumed(PlanId(*plan), &alerts, at);
            }
            Self::ActionStarted { plan, index, .. } => state.started(PlanId(*plan), *index, at),
            Self::ActionEnded(result) => state.ended(PlanId(result.plan), result.index, result.progress()),
            Self::UnknownOutcome { plan, index, .. } => {
                state.ended(PlanId(*plan), *index, Progress::Unknown);
            }
            Self::Closed { plan, outcome } => {
                let known = PlanOutcome::ALL.into_iter().find(|known| known.word() == outcome);
                // What a later version calls otherwise is not tried again.
                state.closed(PlanId(*plan), known.unwrap_or(PlanOutcome::Failed));
            }
            Self::Verified(record) => state.verified(PlanId(record.plan), record.verified),
            Self::Hook(record) => {
                for alert in &record.alerts {
                    let key = AlertKey::of_text(&alert.key);
                    match alert.decision.as_str() {
                        "repeated" => state.seen(&key, at),
                        "consequence" => {
                            state.brought_about(&alert.alert, alert.fingerprint.as_deref(), &key, at);
                        }
                        "resolved" => state.over(&alert.alert, &key),
                        _ => {}
                    }
                }
            }
            Self::Opened { .. }
            | Self::TornLine { .. }
            | Self::Escalated { .. }
            | Self::PolicyReloaded { .. } => {}
        }
    }
}
