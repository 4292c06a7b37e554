//! What can happen, as a line of the audit log records it: log lines are the events, and [`super::state::State`] is a
//! fold over them.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::action::{Action, Progress};
use super::alert::AlertKey;

/// A word of the log: one that this version knows, or one of a later version, which is kept and shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word<T> {
    Known(T),
    Later(String),
}

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: Copy> Word<T> {
    pub(crate) fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Later(_) => None,
        }
    }
}

impl<T: Copy + Into<&'static str>> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(word) => (*word).into(),
            Self::Later(word) => word,
        })
    }
}

/// The number of an operation: that of its line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct OperationId(pub u64);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum OperationKind {
    /// A hard gate's rollback.
    Rollback,
    /// A rollback that a person requested.
    Manual,
    /// The way back, which a person requested.
    Recovery,
    /// People are notified, and nothing else is done.
    Notification,
}

impl OperationKind {
    pub(crate) fn word(self) -> &'static str {
        self.into()
    }

    /// Whether it stops trading.
    pub(crate) fn is_rollback(self) -> bool {
        matches!(self, Self::Rollback | Self::Manual)
    }
}

/// How an operation ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Outcome {
    /// All actions were done.
    Done,
    /// Some were not, or nobody knows.
    Failed,
    /// It is certain that none had an effect: it may be tried again.
    NothingDone,
    /// The process ended in the middle of it.
    Interrupted,
    DryRun,
}

impl Outcome {
    pub(crate) fn word(self) -> &'static str {
        self.into()
    }

    /// What the results of the actions make of the whole. Whether it is certain that nothing was done does not
    /// depend on notifications, unless there is nothing else: that people were notified is no reason not to try again.
    pub(crate) fn of(actions: &[Action], progress: &[Progress]) -> Self {
        let notifies_only = !actions.iter().any(Action::acts);
        let mut counted = actions
            .iter()
            .zip(progress)
            .filter(|(action, _)| notifies_only || action.acts())
            .map(|(_, progress)| *progress);
        if progress.iter().all(|p| *p == Progress::DryRun) {
            Self::DryRun
        } else if progress.iter().all(|p| *p == Progress::Done) {
            Self::Done
        } else if counted.all(Progress::is_without_effect) {
            Self::NothingDone
        } else {
            Self::Failed
        }
    }
}

/// What is done about one alert.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(DecisionKind),
    vis(pub(crate)),
    derive(PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr, VariantArray),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub(crate) enum Decision {
    /// A rollback begins.
    Rollback,
    /// It belongs to the rollback that another alert of the same delivery leads to.
    Joined,
    /// A rollback that did nothing or was cut short continues.
    Resumed(OperationId),
    /// People are notified: a soft gate.
    Notify,
    /// People are notified: a hard gate, but rollbacks are switched off.
    Disabled,
    /// People are notified: a hard gate, but there were as many actions as a day may have.
    CapReached {
        /// Actions of the last 24 hours.
        used: usize,
    },
    /// Nothing: this episode was dealt with.
    Repeated(OperationId),
    /// Nothing: it fires because of what a rollback did.
    Consequence(OperationId),
    /// Nothing: the last rollback is too short a time ago.
    CoolingDown { until: DateTime<Utc> },
    /// Nothing: another environment.
    OtherEnvironment {
        /// The label that says so, in words.
        why: String,
    },
    /// Nothing: the policy does not know it.
    UnknownAlert,
    /// Nothing: it is over.
    Resolved,
}

impl DecisionKind {
    pub(crate) fn word(self) -> &'static str {
        self.into()
    }
}

impl Decision {
    pub(crate) fn kind(&self) -> DecisionKind {
        self.into()
    }

    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Rollback => "a hard gate fires".to_owned(),
            Self::Joined => "another alert of this delivery leads to the rollback".to_owned(),
            Self::Resumed(id) => format!("{id} continues with what was not begun"),
            Self::Notify => "a soft gate fires: people are notified".to_owned(),
            Self::Disabled => "a hard gate fires, and `auto_rollback.enabled` is false".to_owned(),
            Self::CapReached { used } => format!(
                "a hard gate fires, and {used} actions of the last 24 hours leave no room below \
                 `auto_rollback.max_actions_per_day`"
            ),
            Self::Repeated(id) => format!("this episode was dealt with by {id}"),
            Self::Consequence(id) => {
                format!(
                    "{id} itself brought this alert about; it counts again once it was over, or after a recovery"
                )
            }
            Self::CoolingDown { until } => {
                format!("a hard gate fires, and the cool-down lasts until {}", until.format("%FT%TZ"))
            }
            Self::OtherEnvironment { why } => format!("not an alert of this environment: {why}"),
            Self::UnknownAlert => "not a gate of the policy".to_owned(),
            Self::Resolved => "the alert is over".to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Event {
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
    Hook(Delivery),
    /// Something is to be done
    Planned(Plan),
    /// Something that did nothing, or was cut short, continues
    Resumed {
        /// The operation
        plan: OperationId,
        /// Alerts behind it
        alerts: Vec<PlanAlert>,
    },
    /// An action is about to be begun; written before it is
    ActionStarted {
        /// The operation
        plan: OperationId,
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
        /// The operation
        plan: OperationId,
        /// Which of its actions, from 0
        index: usize,
        /// The action in words
        action: String,
    },
    /// An operation has ended
    Closed {
        /// The operation
        plan: OperationId,
        /// `done`, `failed`, `nothing_done`, `interrupted` or `dry_run`
        #[schemars(with = "String")]
        outcome: Word<Outcome>,
    },
    /// What must be true afterwards was looked at
    Verified(VerificationResult),
    /// People were notified that a person is needed
    Escalated {
        /// The operation
        plan: OperationId,
        /// Why
        problem: String,
        /// Channels that took it
        #[serde(rename = "told")]
        notified: Vec<String>,
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
pub(crate) struct Delivery {
    /// Alertmanager's key of the group
    pub group_key: String,
    /// The receiver in Alertmanager's configuration
    pub receiver: String,
    /// Alerts that were cut off
    pub truncated_alerts: u64,
    /// The alerts, in their order
    pub alerts: Vec<DeliveredAlert>,
}

/// An alert and what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeliveredAlert {
    /// Its episode: the first half of a SHA-256 of group, fingerprint and start
    pub key: AlertKey,
    /// Name
    pub alert: String,
    /// Fingerprint; null when the sender gave none
    pub fingerprint: Option<String>,
    /// When it began to fire; null when the sender gave none
    pub starts_at: Option<String>,
    /// The decision
    #[schemars(with = "String")]
    pub decision: Word<DecisionKind>,
    /// Why
    pub reason: String,
}

/// An alert behind an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PlanAlert {
    /// Its episode
    pub key: AlertKey,
    /// Name
    #[serde(rename = "alert")]
    pub name: String,
    /// Fingerprint of its labels; left out when the sender gave none
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Plan {
    /// `rollback`, `manual`, `recovery` or `notification`
    #[schemars(with = "String")]
    pub kind: Word<OperationKind>,
    /// Why
    pub reason: String,
    /// Alerts behind it
    pub alerts: Vec<PlanAlert>,
    /// What is done, in this order
    pub actions: Vec<Action>,
    /// Who requested it; null for alerts
    pub by: Option<String>,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ActionResult {
    /// The operation
    pub plan: OperationId,
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
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum ActionStatus {
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
    pub(crate) fn progress(&self) -> Progress {
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
pub(crate) struct VerificationResult {
    /// The operation
    pub plan: OperationId,
    /// Whether all conditions came true in time
    pub verified: bool,
    /// The checks
    pub checks: Vec<CheckResult>,
}

/// A condition and whether it came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CheckResult {
    /// Metric or query with its condition
    pub check: String,
    /// Whether it came true in time
    pub holds: bool,
    /// The last answer, in words
    pub observed: String,
    /// Seconds from the first question to the last answer
    pub seconds: f64,
}

impl Event {
    pub(crate) fn word(&self) -> &'static str {
        self.into()
    }
}
