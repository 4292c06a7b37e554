//! What a rollback or a recovery consists of. Says what is to be done, not how: that is the executor's part.

use std::collections::BTreeMap;

use serde_json::Value;

/// The kinds of actions that a policy may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionKind {
    /// Sets the size of the strategy; `target` 0 stops trading.
    ScaleStrategy,
    /// Opens or closes the circuit breaker: `state`.
    CircuitState,
    /// Freezes the placing of orders, or ends the freeze: `enabled`.
    FreezeOrders,
    /// Tells people: `channels`, `priority`.
    Notify,
}

impl ActionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ScaleStrategy, Self::CircuitState, Self::FreezeOrders, Self::Notify];

    /// The word in policy, log and templates.
    pub fn word(self) -> &'static str {
        match self {
            Self::ScaleStrategy => "scale_strategy",
            Self::CircuitState => "circuit_state",
            Self::FreezeOrders => "freeze_orders",
            Self::Notify => "notify",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The parameter that this kind must have. `None` for a notification, which has two of its own.
    pub fn parameter(self) -> Option<&'static str> {
        match self {
            Self::ScaleStrategy => Some("target"),
            Self::CircuitState => Some("state"),
            Self::FreezeOrders => Some("enabled"),
            Self::Notify => None,
        }
    }
}

/// What becomes of the actions behind one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// They are carried out all the same: in an emergency half a rollback is better than none.
    #[default]
    Continue,
    /// They are left out.
    Stop,
}

/// How urgent a notification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Wakes somebody up.
    #[default]
    Critical,
    /// An error.
    Error,
    /// To be looked at in working hours.
    Warning,
    /// For the record.
    Info,
}

impl Priority {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Error, Self::Warning, Self::Info];

    /// The word, which is also the severity in `PagerDuty`'s events.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// The priority of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What kind.
    pub kind: ActionKind,
    /// Its parameters, as the policy has them.
    pub params: BTreeMap<String, Value>,
    /// Whom a notification tells; empty for other kinds.
    pub channels: Vec<String>,
    /// How urgent a notification is.
    pub priority: Priority,
    /// What it is for, in words; may be empty.
    pub description: String,
    /// What becomes of those behind it when it fails.
    pub on_failure: OnFailure,
    /// Alerts that fire because it was carried out; they belong to the rollback and lead to no other.
    pub causes: Vec<String>,
}

impl Action {
    /// A notification of these channels.
    pub fn notification(channels: Vec<String>, priority: Priority) -> Self {
        let params = BTreeMap::from([
            ("channels".to_owned(), Value::from(channels.clone())),
            ("priority".to_owned(), Value::from(priority.word())),
        ]);
        Self {
            kind: ActionKind::Notify,
            params,
            channels,
            priority,
            description: String::new(),
            on_failure: OnFailure::Continue,
            causes: Vec::new(),
        }
    }

    /// The action in a few words: `scale_strategy target=0`.
    pub fn words(&self) -> String {
        let params = self.params.iter().map(|(key, value)| match value {
            Value::String(text) => format!(" {key}={text}"),
            other => format!(" {key}={other}"),
        });
        std::iter::once(self.kind.word().to_owned()).chain(params).collect()
    }
}
