//! What a rollback or a recovery consists of, and how far each part has come. How an action is carried out is the
//! executor's affair.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::IntoStaticStr;

/// The kinds of actions that a policy may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ActionKind {
    /// Sets the size of the strategy; `target` 0 stops trading.
    ScaleStrategy,
    /// Opens or closes the circuit breaker: `state`.
    CircuitState,
    /// Freezes the placing of orders, or ends the freeze: `enabled`.
    FreezeOrders,
    /// Notifies people: `channels`, `priority`.
    Notify,
    /// A kind of a later version, read from its log. Never in a policy, never carried out.
    #[serde(other)]
    Unknown,
}

impl ActionKind {
    /// Those that a policy may name.
    pub const ALL: [Self; 4] = [Self::ScaleStrategy, Self::CircuitState, Self::FreezeOrders, Self::Notify];

    /// The word in policy, log and templates.
    pub fn word(self) -> &'static str {
        self.into()
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The parameter that this kind must have. `None` for a notification, which has two of its own.
    pub(crate) fn parameter(self) -> Option<&'static str> {
        match self {
            Self::ScaleStrategy => Some("target"),
            Self::CircuitState => Some("state"),
            Self::FreezeOrders => Some("enabled"),
            Self::Notify | Self::Unknown => None,
        }
    }
}

/// What becomes of the actions behind one that failed. In the log: whether they are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum OnFailure {
    /// They are carried out all the same: in an emergency half a rollback is better than none.
    #[default]
    Continue,
    Stop,
}

impl From<bool> for OnFailure {
    fn from(stops: bool) -> Self {
        if stops { Self::Stop } else { Self::Continue }
    }
}

impl From<OnFailure> for bool {
    fn from(on_failure: OnFailure) -> Self {
        on_failure == OnFailure::Stop
    }
}

/// How urgent a notification is. The words are the severities of `PagerDuty`'s events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Priority {
    /// Wakes somebody up.
    #[default]
    Critical,
    Error,
    /// To be looked at in working hours.
    Warning,
    /// For the record.
    Info,
}

impl Priority {
    pub(crate) const ALL: [Self; 4] = [Self::Critical, Self::Error, Self::Warning, Self::Info];

    pub(crate) fn word(self) -> &'static str {
        self.into()
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// An action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Action")]
pub struct Action {
    /// Kind
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub kind: ActionKind,
    /// Parameters
    pub params: BTreeMap<String, Value>,
    /// What it is for
    pub description: String,
    /// Whether those behind it are left out when it fails
    #[serde(rename = "stop_on_failure")]
    #[schemars(with = "bool")]
    pub on_failure: OnFailure,
    /// Alerts that fire because of it and lead to no other rollback; left out when there are none
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

impl Action {
    /// A notification of these channels.
    pub(crate) fn notification(channels: Vec<String>, priority: Priority) -> Self {
        let params = BTreeMap::from([
            ("channels".to_owned(), Value::from(channels)),
            ("priority".to_owned(), Value::from(priority.word())),
        ]);
        Self {
            kind: ActionKind::Notify,
            params,
            description: String::new(),
            on_failure: OnFailure::Continue,
            causes: Vec::new(),
        }
    }

    /// Whether it changes the trading system; a notification does not.
    pub(crate) fn acts(&self) -> bool {
        self.kind != ActionKind::Notify
    }

    /// Whom a notification reaches; none for other kinds.
    pub(crate) fn channels(&self) -> Vec<String> {
        let channels = self.params.get("channels").and_then(Value::as_array);
        channels.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// How urgent a notification is.
    pub(crate) fn priority(&self) -> Priority {
        let word = self.params.get("priority").and_then(Value::as_str);
        word.and_then(Priority::of_word).unwrap_or_default()
    }

    /// The action in a few words: `scale_strategy target=0`.
    pub(crate) fn words(&self) -> String {
        let params = self.params.iter().map(|(key, value)| match value {
            Value::String(text) => format!(" {key}={text}"),
            other => format!(" {key}={other}"),
        });
        std::iter::once(self.kind.word().to_owned()).chain(params).collect()
    }
}

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    NotStarted,
    /// The log has no result yet.
    Started,
    Done,
    Failed {
        /// It is certain that it had no effect.
        nothing_done: bool,
    },
    /// It was begun, and nobody knows what became of it. Never repeated without a person.
    Unknown,
    /// It was left out, because one before it failed.
    LeftOut,
    DryRun,
}

impl Progress {
    /// Whether it is certain that the action had no effect, so that it may be carried out.
    pub(crate) fn is_without_effect(self) -> bool {
        matches!(self, Self::NotStarted | Self::LeftOut | Self::Failed { nothing_done: true })
    }

    /// Whether the action had an effect, or may have had one.
    pub(crate) fn may_have_an_effect(self) -> bool {
        !self.is_without_effect() && self != Self::DryRun
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotStarted => "not started",
            Self::Started => "under way",
            Self::Done => "done",
            Self::Failed { nothing_done: true } => "failed, without effect",
            Self::Failed { nothing_done: false } => "FAILED",
            Self::Unknown => "UNKNOWN OUTCOME",
            Self::LeftOut => "left out",
            Self::DryRun => "dry run",
        }
    }
}
