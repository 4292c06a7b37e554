//! `executors`: how kinds of actions are carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

use super::super::yaml::{Entry, Node, Value};
use super::channels::secret_of;
use super::fields::{Fields, Notes, boolean, number, text, texts, whole, words};
use super::matchers::url;
use crate::core::spelling::did_you_mean;
use crate::rollback::action::ActionKind;
use crate::rollback::policy::template::{check_body, check_text};
use crate::rollback::policy::{Executor, HeaderValue, Means, Method, NAMES, SecretSource};

/// For one try, where the policy does not say.
const TIMEOUT_SECONDS: f64 = 10.0;
/// Tries of what may be repeated, where the policy does not say.
const TRIES: u32 = 3;
/// Between TERM and KILL, where the policy does not say.
const KILL_AFTER_SECONDS: f64 = 2.0;
/// Headers that hold secrets; a policy must not.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// A secret: `{env: NAME}` or `{file: PATH}`.
pub(super) fn secret(fields: &mut Fields<'_>, key: &'static str, notes: &mut Notes) -> Option<SecretSource> {
    let node = fields.get(key)?;
    if let Value::Text(_) = node.value {
        notes.note(
            node.at,
            &fields.name(key),
            "a secret does not stand in the policy: name its variable (`{env: NAME}`) or file (`{file: PATH}`)",
        );
        return None;
    }
    let inner = Fields::of(node, &fields.name(key), notes)?;
    secret_of(inner, notes)
}

pub(super) fn read(
    root: &mut Fields<'_>,
    used: &BTreeMap<ActionKind, BTreeSet<String>>,
    notes: &mut Notes,
) -> BTreeMap<ActionKind, Executor> {
    let mut executors = BTreeMap::new();
    let Some(fields) = root.fields("executors", notes) else { return executors };
    for entry in fields.all() {
        let path = fields.name(&entry.key);
        match ActionKind::of_word(&entry.key) {
            Some(ActionKind::Notify) => {
                notes.note(entry.at, &path, "notifications go through the channels of `notifications`");
            }
            Some(kind) => {
                let params = used.get(&kind).cloned().unwrap_or_default();
                if let Some(executor) = executor(entry, &path, kind, &params, notes) {
                    executors.insert(kind, executor);
                }
            }
            None => {
                let near = did_you_mean(&entry.key, ActionKind::ALL.map(ActionKind::word));
                notes.note(entry.at, &path, format!("`{}` is no action{near}", entry.key));
            }
        }
    }
    executors
}

fn executor(
    entry: &Entry,
    path: &str,
    kind: ActionKind,
    params: &BTreeSet<String>,
    notes: &mut Notes,
) -> Option<Executor> {
    let mut fields = Fields::of(&entry.node, path, notes)?;
    let own = kind.parameter().map(|name| format!("params.{name}"));
    let known: BTreeSet<String> = NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .chain(params.iter().map(|name| format!("params.{name}")))
        .chain(own)
        .collect();
    let known: Vec<String> = known.into_iter().collect();
    let http = fields.fields("http", notes);
    let exec = fields.fields("exec", notes);
    fields.finish(notes);
    match (http, exec) {
        (Some(http), None) => self::http(http, &known, notes),
        (None, Some(exec)) => self::exec(exec, &known, notes),
        _ => {
            notes.note(entry.at, path, "an executor has `http` or `exec`, and one of them alone");
            None
        }
    }
}

fn http(mut fields: Fields<'_>, known: &[String], notes: &mut Notes) -> Option<Executor> {
    let method = fields.read("method", notes, |value| {
        let word = text(value)?;
        let all = Method::ALL.map(Method::word).join(", ");
        let found = Method::ALL.into_iter().find(|method| method.word() == word);
        found.ok_or_else(|| format!("`{word}` is no method; there are {all}"))
    });
    let method = method.unwrap_or(Method::Post);
    let url = fields.required("url", notes, url);
    let headers = headers(&mut fields, known, notes);
    let body = fields.get("body").map(|node| body(node, &fields.name("body"), known, notes));
    let is_idempotent = fields.read("idempotent", notes, boolean).unwrap_or(method.is_idempotent());
    let (timeout, tries) = patience(&mut fields, is_idempotent, notes);
    fields.finish(notes);
    let means = Means::Http { method, url: url?, headers: headers?, body: body.transpose().ok()? };
    Some(Executor { means, timeout, tries, is_idempotent })
}

fn headers(
    fields: &mut Fields<'_>,
    known: &[String],
    notes: &mut Notes,
) -> Option<BTreeMap<String, HeaderValue>> {
    let mut headers = BTreeMap::new();
    let Some(inner) = fields.fields("headers", notes) else { return Some(headers) };
    let before = notes.0.len();
    for entry in inner.all() {
        let path = inner.name(&entry.key);
        let is_name = !entry.key.is_empty()
            && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !is_name {
            notes.note(entry.at, &path, "is no name of a header");
        }
        let is_secret = SECRET_HEADERS.contains(&entry.key.to_ascii_lowercase().as_str());
        match &entry.node.value {
            Value::Text(_) if is_secret => notes.note(
                entry.node.at,
                &path,
                "a secret does not stand in the policy: name its variable (`{env: NAME}`) or file (`{file: PATH}`)",
            ),
            Value::Text(text) if text.chars().any(char::is_control) => {
                notes.note(entry.node.at, &path, "holds control characters");
            }
            Value::Text(text) => match check_text(text, known) {
                Ok(()) => {
                    headers.insert(entry.key.clone(), HeaderValue::Text(text.clone()));
                }
                Err(error) => notes.note(entry.node.at, &path, error),
            },
            _ => {
                if let Some(value) = secret_header(&entry.node, &path, notes) {
                    headers.insert(entry.key.clone(), value);
                }
            }
        }
    }
    (notes.0.len() == before).then_some(headers)
}

fn secret_header(node: &Node, path: &str, notes: &mut Notes) -> Option<HeaderValue> {
    let Value::Map(entries) = &node.value else {
        notes.note(node.at, path, format!("expected a text or a secret, found {}", node.value.what()));
        return None;
    };
    let (prefix, rest): (Vec<_>, Vec<_>) = entries.iter().cloned().partition(|entry| entry.key == "prefix");
    let prefix = match prefix.first() {
        None => String::new(),
        Some(entry) => match words(&entry.node.value) {
            Ok(prefix) => prefix,
            Err(words) => {
                notes.note(entry.node.at, &format!("{path}.prefix"), words);
                return None;
            }
        },
    };
    let rest = Node { at: node.at, value: Value::Map(rest) };
    let source = secret_of(Fields::of(&rest, path, notes)?, notes)?;
    Some(HeaderValue::Secret { prefix, source })
}

fn body(node: &Node, path: &str, known: &[String], notes: &mut Notes) -> Result<Json, ()> {
    if !matches!(node.value, Value::Map(_) | Value::List(_)) {
        notes.note(
            node.at,
            path,
            format!("expected a mapping that becomes the JSON body, found {}", node.value.what()),
        );
        return Err(());
    }
    let body = as_json(node);
    check_body(&body, known).map_err(|error| notes.note(node.at, path, error))?;
    Ok(body)
}

fn as_json(node: &Node) -> Json {
    match &node.value {
        Value::List(items) => items.iter().map(as_json).collect(),
        Value::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), as_json(&entry.node))).collect()
        }
        scalar => super::actions::json(scalar).unwrap_or(Json::Null),
    }
}

fn exec(mut fields: Fields<'_>, known: &[String], notes: &mut Notes) -> Option<Executor> {
    let command = fields.required("command", notes, |value| {
        let command = match value {
            Value::Text(_) => {
                Err("is one text; write a list, `[program, argument]`: no shell reads it".to_owned())
            }
            other => texts(other),
        }?;
        let Some(program) = command.first() else { return Err("names no program".to_owned()) };
        if program.contains("{{") {
            return Err("the program itself takes no placeholders".to_owned());
        }
        for word in &command {
            check_text(word, known)?;
        }
        Ok(command)
    });
    let is_idempotent = fields.read("idempotent", notes, boolean).unwrap_or(false);
    let (timeout, tries) = patience(&mut fields, is_idempotent, notes);
    let kill_after =
        fields.read("kill_after_seconds", notes, number(0.0, 60.0)).unwrap_or(KILL_AFTER_SECONDS);
    fields.finish(notes);
    let means = Means::Exec { command: command?, kill_after: Duration::from_secs_f64(kill_after) };
    Some(Executor { means, timeout, tries, is_idempotent })
}

fn patience(fields: &mut Fields<'_>, is_idempotent: bool, notes: &mut Notes) -> (Duration, u32) {
    let timeout = fields.read("timeout_seconds", notes, number(0.05, 300.0)).unwrap_or(TIMEOUT_SECONDS);
    let tries = fields.read("tries", notes, |value| match whole(1, 10)(value)? {
        tries if tries > 1 && !is_idempotent => {
            Err("more than one try needs `idempotent: true`: doing it twice must be the same as once"
                .to_owned())
        }
        tries => Ok(tries),
    });
    (Duration::from_secs_f64(timeout), tries.unwrap_or(if is_idempotent { TRIES } else { 1 }))
}
