//! The rollback policy: which alerts are gates, what is done about them, how, and who is notified.

pub mod condition;
pub mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use strum::IntoStaticStr;

use super::action::{Action, ActionKind, OnFailure};
use super::alert::Alert;
use crate::core::config::section;
use crate::core::config::values::{switch, text};
use condition::Verification;

type Table<'r> = crate::core::config::Table<'r>;

/// An alert that the policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Value of the label `alertname`.
    pub name: String,
    /// What it means, in words; may be empty.
    pub description: String,
    /// Whom a soft gate notifies. Empty = the channels of `quiet_channels`.
    pub channels: Vec<String>,
}

/// Which environments' alerts count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environments {
    /// The policy does not say. Good enough to rehearse, not to act.
    Unsaid,
    /// All, as the policy says in so many words.
    Any,
    /// Alerts that have each of these labels with one of its values.
    Labels(BTreeMap<String, BTreeSet<String>>),
}

impl Environments {
    /// Whether an alert comes from one of them; otherwise the label that says it does not.
    pub(crate) fn hold(&self, alert: &Alert) -> Result<(), String> {
        let Self::Labels(wanted) = self else { return Ok(()) };
        for (name, values) in wanted {
            match alert.labels.get(name) {
                Some(value) if values.contains(value) => {}
                Some(value) => {
                    let start: String = value.chars().take(80).collect();
                    return Err(format!("its label `{name}` is `{start}`"));
                }
                None => return Err(format!("it has no label `{name}`")),
            }
        }
        Ok(())
    }
}

/// What hard gates lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoRollback {
    /// Off = hard gates only notify.
    pub enabled: bool,
    /// From one rollback to the next.
    pub cooldown: Duration,
    /// Most actions in 24 hours, notifications not counted. `None` = no limit.
    pub max_actions_per_day: Option<u32>,
    /// How long an episode is remembered after it was last reported.
    pub remember: Duration,
    /// Most episodes that are remembered; what is over is forgotten first.
    pub remember_alerts: usize,
    /// How long a rollback waits for whoever carries actions out just then, before it is refused.
    pub lock_wait: Duration,
    /// What is done, in this order.
    pub actions: Vec<Action>,
    /// What becomes of the rest when an action fails, unless the action says otherwise.
    pub on_failure: OnFailure,
    /// What must be true afterwards.
    pub verification: Verification,
}

/// The way back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// What is done, in this order.
    pub actions: Vec<Action>,
    /// What must be true afterwards.
    pub verification: Verification,
}

/// A service that takes notifications.
#[derive(Clone, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Service {
    /// `PagerDuty`, Events API v2.
    PagerDuty {
        /// The routing key of the integration.
        routing_key: SecretSource,
        /// Where events go.
        url: String,
        /// Named in the event, so that whoever reads it knows whom it goes to; may be empty.
        escalation_policy: String,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Its address.
        url: SecretSource,
        /// Named in the text; an incoming webhook has a channel of its own.
        channel: String,
        /// Whom to mention, in front of the text; may be empty.
        mention: String,
    },
    /// A bot of Telegram.
    Telegram {
        token: SecretSource,
        chat_id: SecretSource,
        /// Where the bot API lives.
        api: String,
    },
    /// Anything that takes `{"text": …}`.
    Webhook { url: SecretSource },
}

impl Service {
    /// What it must know to be reached.
    pub(crate) fn secrets(&self) -> Vec<&SecretSource> {
        match self {
            Self::PagerDuty { routing_key, .. } => vec![routing_key],
            Self::Slack { url, .. } | Self::Webhook { url } => vec![url],
            Self::Telegram { token, chat_id, .. } => vec![token, chat_id],
        }
    }
}

/// A way to notify people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Off = it is skipped, and a result says so.
    pub enabled: bool,
    pub service: Service,
}

/// The server that verification queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusAccess {
    /// Base URL.
    pub url: String,
    /// Label matchers without braces for metrics named without a query; may be empty.
    pub selector: String,
    /// How often it looks at the trading system.
    pub scrape_interval: Duration,
    /// A bearer token. `None` = none is needed.
    pub token: Option<SecretSource>,
}

section! {
    /// The audit log.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Audit {
        /// Off is only good for reading the file as it was: nothing acts without its log.
        pub enabled: bool = switch => true,
        /// The file. `None` = the command line names it.
        pub log_path: Option<PathBuf> { |t| Ok(t.optional("log_path", text)?.map(PathBuf::from)) },
        /// Whether the log contains the numbers that verification read.
        pub include_metrics: bool = switch => true,
        /// Whether the log contains all causes of a failure and the end of a command's stderr.
        pub include_causes "include_stack_trace": bool = switch => false,
    }
}

/// Where a secret comes from. The policy never holds one itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of soak's process.
    Env(String),
    /// A file; blanks and line ends around the secret do not count.
    File(PathBuf),
}

/// The content of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// This text.
    Text(String),
    /// A secret behind a prefix (`Bearer `).
    Secret {
        /// In front of the secret; may be empty.
        prefix: String,
        source: SecretSource,
    },
}

/// Methods that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub(crate) const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    pub(crate) fn word(self) -> &'static str {
        self.into()
    }

    /// Whether two requests do what one does, by the definition of the method (RFC 9110, section 9.2.2).
    pub(crate) fn is_idempotent(self) -> bool {
        matches!(self, Self::Put | Self::Delete)
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Means {
    /// A request.
    Http {
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
pub(crate) const NAMES: [&str; 6] = ["action", "alert", "idempotency_key", "kind", "reason", "rollback_id"];

/// A piece of a text or of a JSON body with placeholders, `{{params.target}}`. A value of a JSON body that is one
/// placeholder and nothing else takes the type of its value (a number stays a number); inside a longer text it
/// is written out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(String),
}

/// Takes a text apart.
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            found.push(Piece::Text(before.to_owned()));
        }
        let (name, behind) = after.split_once("}}").ok_or("`{{` is not closed by `}}`")?;
        found.push(Piece::Placeholder(name.trim().to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    Ok(found)
}

/// Whether a text can be filled by these names.
pub(crate) fn check_text(text: &str, known: &[String]) -> Result<(), String> {
    for piece in pieces(text)? {
        if let Piece::Placeholder(name) = piece
            && !known.contains(&name)
        {
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            return Err(format!("`{{{{{name}}}}}` is unknown; there are {}", known.join(", ")));
        }
    }
    Ok(())
}

/// Whether every text of a body can be filled by these names.
pub(crate) fn check_body(body: &Value, known: &[String]) -> Result<(), String> {
    match body {
        Value::String(text) => check_text(text, known),
        Value::Array(items) => items.iter().try_for_each(|item| check_body(item, known)),
        Value::Object(entries) => entries.values().try_for_each(|value| check_body(value, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The text with its placeholders replaced; a name without a value is left out.
pub(crate) fn fill_text(text: &str, value: &dyn Fn(&str) -> Option<Value>) -> String {
    let Ok(pieces) = pieces(text) else { return text.to_owned() };
    let filled = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Placeholder(name) => value(&name).map_or_else(String::new, |value| as_text(&value)),
    });
    filled.collect()
}

/// The body with its placeholders replaced; a name without a value becomes `null`.
pub(crate) fn fill_body(body: &Value, value: &dyn Fn(&str) -> Option<Value>) -> Value {
    match body {
        Value::String(text) => match pieces(text).as_deref() {
            Ok([Piece::Placeholder(name)]) => value(name).unwrap_or(Value::Null),
            _ => Value::String(fill_text(text, value)),
        },
        Value::Array(items) => items.iter().map(|item| fill_body(item, value)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, item)| (key.clone(), fill_body(item, value))).collect()
        }
        other => other.clone(),
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The values of the placeholders of an action.
#[derive(Clone, Debug)]
pub(crate) struct Placeholders<'a> {
    pub action: &'a Action,
    /// The alert that led to it; empty where a person did.
    pub alert: &'a str,
    /// The same for each try of the action, and for no other action.
    pub idempotency_key: String,
    /// `rollback`, `recovery`, …
    pub kind: &'static str,
    pub reason: &'a str,
    /// The number of the operation in the log.
    pub id: String,
}

impl Placeholders<'_> {
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        if let Some(key) = name.strip_prefix("params.") {
            return self.action.params.get(key).cloned();
        }
        let text = match name {
            "action" => self.action.kind.word(),
            "alert" => self.alert,
            "idempotency_key" => &self.idempotency_key,
            "kind" => self.kind,
            "reason" => self.reason,
            "rollback_id" => &self.id,
            _ => return None,
        };
        Some(Value::from(text))
    }
}

/// The whole policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPolicy {
    /// Alerts that lead to a rollback.
    pub hard_gates: Vec<Gate>,
    /// Alerts that people are notified of.
    pub soft_gates: Vec<Gate>,
    /// Which environments' alerts count.
    pub environments: Environments,
    /// What hard gates lead to.
    pub auto: AutoRollback,
    /// The way back; without actions there is none.
    pub recovery: Recovery,
    /// How kinds of actions are carried out.
    pub executors: BTreeMap<ActionKind, Executor>,
    /// Ways to notify people, by name.
    pub channels: BTreeMap<String, Channel>,
    /// The server that verification queries. `None` = nobody.
    pub prometheus: Option<PrometheusAccess>,
    /// The audit log.
    pub audit: Audit,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

impl RollbackPolicy {
    /// The hard gate of an alert.
    pub(crate) fn hard(&self, name: &str) -> Option<&Gate> {
        self.hard_gates.iter().find(|gate| gate.name == name)
    }

    /// The soft gate of an alert.
    pub(crate) fn soft(&self, name: &str) -> Option<&Gate> {
        self.soft_gates.iter().find(|gate| gate.name == name)
    }

    pub(crate) fn enabled_channels(&self) -> Vec<String> {
        self.channels.iter().filter(|(_, channel)| channel.enabled).map(|(name, _)| name.clone()).collect()
    }

    /// Channels that are on and wake nobody up; where there are none, all that are on.
    pub(crate) fn quiet_channels(&self) -> Vec<String> {
        let is_quiet = |channel: &Channel| !matches!(channel.service, Service::PagerDuty { .. });
        let quiet = self.channels.iter().filter(|(_, channel)| channel.enabled && is_quiet(channel));
        let quiet: Vec<String> = quiet.map(|(name, _)| name.clone()).collect();
        if quiet.is_empty() { self.enabled_channels() } else { quiet }
    }

    /// Every secret that acting needs: of executors, of channels that are on, of the server that verification queries.
    pub(crate) fn secrets(&self) -> Vec<&SecretSource> {
        let mut secrets = Vec::new();
        for executor in self.executors.values() {
            if let Means::Http { headers, .. } = &executor.means {
                secrets.extend(headers.values().filter_map(|value| match value {
                    HeaderValue::Secret { source, .. } => Some(source),
                    HeaderValue::Text(_) => None,
                }));
            }
        }
        let enabled = self.channels.values().filter(|channel| channel.enabled);
        secrets.extend(enabled.flat_map(|channel| channel.service.secrets()));
        secrets.extend(self.prometheus.iter().filter_map(|access| access.token.as_ref()));
        secrets
    }

    /// What keeps this policy from acting, in words: gaps that a rehearsal does not mind.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        if self.environments == Environments::Unsaid {
            gaps.push(
                "`environment` is missing: an alert of any environment would act; name the labels, or write \
                 `environment: any`"
                    .to_owned(),
            );
        }
        if !self.audit.enabled {
            gaps.push(
                "`audit.enabled` is false: without the log it is not known what was done, so nothing is"
                    .to_owned(),
            );
        }
        let actions = self.auto.actions.iter().chain(&self.recovery.actions);
        let kinds: BTreeSet<ActionKind> = actions.map(|action| action.kind).collect();
        for kind in kinds.into_iter().filter(|kind| *kind != ActionKind::Notify) {
            if !self.executors.contains_key(&kind) {
                gaps.push(format!(
                    "`executors.{}` is missing: the action cannot be carried out",
                    kind.word()
                ));
            }
        }
        if self.enabled_channels().is_empty() && !self.soft_gates.is_empty() {
            gaps.push(
                "no channel of `notifications` is on: nobody could be notified of a soft gate, and Alertmanager would be \
                 refused for ever"
                    .to_owned(),
            );
        }
        let is_on = |name: &String| self.channels.get(name).is_some_and(|channel| channel.enabled);
        for (key, actions) in [("auto_rollback", &self.auto.actions), ("recovery", &self.recovery.actions)] {
            let notifications = actions.iter().filter(|action| !action.acts());
            for action in notifications.filter(|action| !action.channels().iter().any(is_on)) {
                gaps.push(format!(
                    "an action `notify` of `{key}` notifies only {}, and none of these is on: every time it would be one that \
                     failed",
                    action.channels().join(", ")
                ));
            }
        }
        let checks = self.auto.verification.checks.len() + self.recovery.verification.checks.len();
        if checks > 0 && self.prometheus.is_none() {
            gaps.push(
                "`prometheus` is missing: the checks of the verification have no server to query".to_owned(),
            );
        }
        gaps
    }
}
