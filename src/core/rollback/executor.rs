//! How an action is carried out: a request, a command. The shape alone; nothing is sent or started here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::action::Action;

/// Where a secret comes from. The policy never holds one itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of soak's process.
    Env(String),
    /// A file; blanks and line ends around the secret do not count.
    File(PathBuf),
}

/// What stands in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// This text.
    Text(String),
    /// A secret behind a prefix (`Bearer `).
    Secret {
        /// In front of the secret; may be empty.
        prefix: String,
        /// The secret.
        source: SecretSource,
    },
}

/// Methods that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// POST.
    Post,
    /// PUT, idempotent by its definition.
    Put,
    /// PATCH.
    Patch,
    /// DELETE, idempotent by its definition.
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The word of the request line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether two requests do what one does, by the definition of the method (RFC 9110, section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        matches!(self, Self::Put | Self::Delete)
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Means {
    /// A request.
    Http {
        /// Its method.
        method: Method,
        /// Where to; may hold placeholders neither in scheme nor host, because it has none.
        url: String,
        /// Headers by name.
        headers: BTreeMap<String, HeaderValue>,
        /// A JSON body with placeholders. `None` = no body.
        body: Option<Value>,
    },
    /// A command and its arguments, with placeholders; no shell reads them.
    Exec {
        /// The program first.
        command: Vec<String>,
        /// Between TERM and KILL at the time-out.
        kill_after: Duration,
    },
}

/// How a kind of action is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Executor {
    /// What is done.
    pub means: Means,
    /// For one try.
    pub timeout: Duration,
    /// Tries in all. More than one only where a repetition does no harm.
    pub tries: u32,
    /// Whether doing it twice is the same as doing it once.
    pub is_idempotent: bool,
}

/// The names that every template may use, besides `params.…`.
pub const NAMES: [&str; 6] = ["action", "alert", "idempotency_key", "kind", "reason", "rollback_id"];

/// What the placeholders of an action stand for.
#[derive(Clone, Debug)]
pub struct Filling<'a> {
    /// The action.
    pub action: &'a Action,
    /// The alert that led to it; empty where a person did.
    pub alert: &'a str,
    /// The same for each try of the action, and for no other action.
    pub idempotency_key: &'a str,
    /// `rollback`, `recovery`, …
    pub kind: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The id of the rollback in the log.
    pub rollback_id: &'a str,
}

impl Filling<'_> {
    /// What a name stands for.
    pub fn value(&self, name: &str) -> Option<Value> {
        if let Some(key) = name.strip_prefix("params.") {
            return self.action.params.get(key).cloned();
        }
        let text = match name {
            "action" => self.action.kind.word(),
            "alert" => self.alert,
            "idempotency_key" => self.idempotency_key,
            "kind" => self.kind,
            "reason" => self.reason,
            "rollback_id" => self.rollback_id,
            _ => return None,
        };
        Some(Value::from(text))
    }
}
