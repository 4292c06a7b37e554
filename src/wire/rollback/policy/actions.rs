//! Actions and what must be true after them. Knows no executor.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::super::yaml::{Node, Value};
use super::fields::{Fields, Notes, number, text, texts, words};
use crate::core::spelling::did_you_mean;
use crate::rollback::action::{Action, ActionKind, OnFailure, Priority};
use crate::rollback::policy::condition::{Check, Condition, Subject, Verification};

/// States of a circuit breaker.
const STATES: [&str; 3] = ["OPEN", "CLOSED", "HALF_OPEN"];
/// A condition may take so long to come true, where the policy does not say.
const CHECK_SECONDS: f64 = 60.0;
/// Between two questions, where the policy does not say.
const INTERVAL_SECONDS: f64 = 2.0;

pub(super) fn on_failure(value: &Value) -> Result<OnFailure, String> {
    match text(value)?.as_str() {
        "continue" => Ok(OnFailure::Continue),
        "stop" => Ok(OnFailure::Stop),
        other => Err(format!("is `{other}`, expected `continue` or `stop`")),
    }
}

/// Names of channels, all of them known.
pub(super) fn known(channels: &[String]) -> impl Fn(&Value) -> Result<Vec<String>, String> {
    move |value| {
        let named = texts(value)?;
        match named.iter().find(|name| !channels.contains(name)) {
            None if named.is_empty() => Err("names no channel".to_owned()),
            None => Ok(named),
            Some(name) => {
                let near = did_you_mean(name, channels.iter().map(String::as_str));
                Err(format!("`{name}` is no channel of `notifications`{near}"))
            }
        }
    }
}

/// What the actions of a list may name.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Channels.
    pub(super) channels: &'a [String],
    /// Gates that an action may cause to fire. `None` = on the way back, where nothing is caused.
    pub(super) gates: Option<&'a [String]>,
}

impl Known<'_> {
    /// Names of gates.
    fn caused(self, value: &Value) -> Result<Vec<String>, String> {
        let Some(gates) = self.gates else {
            return Err("means nothing on the way back: what fires after it is a gate again".to_owned());
        };
        let named = texts(value)?;
        for (index, name) in named.iter().enumerate() {
            if !gates.contains(name) {
                let near = did_you_mean(name, gates.iter().map(String::as_str));
                return Err(format!("`{name}` is no gate of this policy{near}"));
            }
            if named[..index].contains(name) {
                return Err(format!("names `{name}` twice"));
            }
        }
        Ok(named)
    }
}

pub(super) fn action_list(
    fields: &mut Fields<'_>,
    on_failure: OnFailure,
    known: Known<'_>,
    notes: &mut Notes,
) -> Vec<Action> {
    let list = fields.list("actions", notes);
    list.into_iter().filter_map(|(path, node)| action(&path, node, on_failure, known, notes)).collect()
}

fn action(
    path: &str,
    node: &Node,
    usual: OnFailure,
    may_name: Known<'_>,
    notes: &mut Notes,
) -> Option<Action> {
    let mut fields = Fields::of(node, path, notes)?;
    let kind = fields.required("type", notes, |value| {
        let word = text(value)?;
        ActionKind::of_word(&word).ok_or_else(|| {
            let all = ActionKind::ALL.map(ActionKind::word);
            format!("`{word}` is no action{}; there are {}", did_you_mean(&word, all), all.join(", "))
        })
    });
    let description = fields.read("description", notes, words).unwrap_or_default();
    let on_failure = fields.read("on_failure", notes, on_failure).unwrap_or(usual);
    let causes = fields.read("causes", notes, |value| may_name.caused(value)).unwrap_or_default();
    let params = fields.fields("params", notes);
    fields.finish(notes);
    let kind = kind?;
    if kind == ActionKind::Notify && !causes.is_empty() {
        notes.note(node.at, &format!("{path}.causes"), "a notification brings no alert about");
    }
    let Some(mut params) = params else {
        notes.note(node.at, &format!("{path}.params"), "is missing");
        return None;
    };
    let mut taken = BTreeMap::new();
    let (mut named, mut priority) = (Vec::new(), Priority::default());
    let is_whole = match kind {
        ActionKind::ScaleStrategy => params
            .required("target", notes, |value| {
                number(0.0, 1e6)(value)?;
                json(value)
            })
            .map(|target| taken.insert("target".to_owned(), target))
            .is_some(),
        ActionKind::CircuitState => params
            .required("state", notes, |value| match text(value)? {
                state if STATES.contains(&state.as_str()) => Ok(Json::from(state)),
                state => Err(format!("is `{state}`, expected {}", STATES.join(", "))),
            })
            .map(|state| taken.insert("state".to_owned(), state))
            .is_some(),
        ActionKind::FreezeOrders => params
            .required("enabled", notes, |value| super::fields::boolean(value).map(Json::from))
            .map(|enabled| taken.insert("enabled".to_owned(), enabled))
            .is_some(),
        ActionKind::Notify => {
            let found = params.required("channels", notes, known(may_name.channels));
            let word = params.read("priority", notes, |value| {
                let word = text(value)?;
                let all = Priority::ALL.map(Priority::word).join(", ");
                Priority::of_word(&word).ok_or_else(|| format!("is `{word}`, expected {all}"))
            });
            priority = word.unwrap_or_default();
            let is_whole = found.is_some();
            named = found.unwrap_or_default();
            is_whole
        }
        ActionKind::Unknown => false,
    };
    params.finish(notes);
    if !is_whole {
        return None;
    }
    if kind == ActionKind::Notify {
        return Some(Action { description, on_failure, ..Action::notification(named, priority) });
    }
    Some(Action { kind, params: taken, description, on_failure, causes })
}

/// A scalar as JSON.
pub(super) fn json(value: &Value) -> Result<Json, String> {
    match value {
        Value::Null => Ok(Json::Null),
        Value::Bool(value) => Ok(Json::from(*value)),
        Value::Integer(value) => Ok(Json::from(*value)),
        Value::Float(value) => Ok(Json::from(*value)),
        Value::Text(value) => Ok(Json::from(value.clone())),
        other => Err(format!("expected a single value, found {}", other.what())),
    }
}

pub(super) fn verification(around: &mut Fields<'_>, notes: &mut Notes) -> Verification {
    let Some(mut fields) = around.fields("verification", notes) else { return Verification::default() };
    let wait = fields.read("wait_seconds", notes, number(0.0, 3600.0)).unwrap_or_default();
    let interval = fields.read("interval_seconds", notes, number(0.05, 600.0)).unwrap_or(INTERVAL_SECONDS);
    let list = fields.list("checks", notes);
    let checks = list.into_iter().filter_map(|(path, node)| check(&path, node, notes)).collect();
    fields.finish(notes);
    Verification { wait: Duration::from_secs_f64(wait), interval: Duration::from_secs_f64(interval), checks }
}

fn check(path: &str, node: &Node, notes: &mut Notes) -> Option<Check> {
    let mut fields = Fields::of(node, path, notes)?;
    let metric = fields.read("metric", notes, |value| {
        let name = text(value)?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if is_name {
            Ok(name)
        } else {
            Err(format!("`{name}` is no name of a metric; use `query` for PromQL"))
        }
    });
    let query = fields.read("query", notes, text);
    let condition = fields.required("condition", notes, |value| Condition::parse(&text(value)?));
    let timeout = fields.read("timeout_seconds", notes, number(0.0, 86_400.0)).unwrap_or(CHECK_SECONDS);
    let has_both = fields.get("metric").is_some() && fields.get("query").is_some();
    let has_none = fields.get("metric").is_none() && fields.get("query").is_none();
    fields.finish(notes);
    if has_both || has_none {
        notes.note(node.at, path, "a check has a `metric` or a `query`, and one of them alone");
        return None;
    }
    let subject = match (metric, query) {
        (Some(metric), _) => Subject::Metric(metric),
        (None, query) => Subject::Query(query?),
    };
    let condition = condition?;
    if matches!((&subject, &condition), (Subject::Query(_), Condition::State { .. })) {
        notes.note(node.at, path, "a condition on a label is for a `metric`; select the label in the query");
        return None;
    }
    Some(Check { subject, condition, timeout: Duration::from_secs_f64(timeout) })
}
