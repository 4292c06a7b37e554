//! `rollback.yaml`: gates, actions, executors, channels. Every error is reported at once, with line and column.
//!
//! Must not ask whether a policy is complete enough to act; `gaps` does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::condition::{Check, Condition, Subject, Verification};
use super::{
    Audit, AutoRollback, Channel, Environments, Executor, Gate, HeaderValue, Means, Method, NAMES,
    PrometheusAccess, Recovery, RollbackPolicy, SecretSource, Service, Table, check_body, check_text,
};
use crate::core::config::values::{between, list, one_of, string, switch, text, whole_between};
use crate::core::config::{ConfigErrors, Layer, Noted, Origin, Read, Reader, Tree, Value, all};
use crate::core::text::did_you_mean;
use crate::infra::hex::hex;
use crate::rollback::action::{Action, ActionKind, OnFailure, Priority};
use crate::rollback::alert::shown;

/// `PagerDuty`'s address for events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Telegram's address of the bot API.
const TELEGRAM: &str = "https://api.telegram.org";
/// Headers that hold secrets; a policy must not.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];
const NO_SECRETS: &str =
    "a policy contains no secrets: name its variable (`{env: NAME}`) or file (`{file: PATH}`)";

/// Reads a policy; `file` names it in errors.
pub fn read(source: &str, file: &str) -> Result<RollbackPolicy, ConfigErrors> {
    let layer = Layer { origin: Origin::File(file.to_owned()), text: source.to_owned() };
    let tree = Tree::of_yaml(&layer).map_err(|error| ConfigErrors(vec![error]))?;
    let reader = Reader::new(vec![tree]);
    let policy = policy(&reader.root(), source);
    reader.finish(Vec::new())?;
    // Whoever answers `Noted` has noted an error, and then `finish` has returned it.
    policy.map_err(|Noted| ConfigErrors(Vec::new()))
}

fn policy(t: &Table<'_>, source: &str) -> Read<RollbackPolicy> {
    let version = t.required("version", |value| match text(value)?.as_str() {
        "1.0" => Ok(()),
        other => Err(format!("is `{other}`, and only \"1.0\" is known")),
    });
    let channels = t.at("notifications").entries();
    let names: Vec<String> = channels.iter().map(Table::name).collect();
    let channels = all(channels.iter().map(channel));
    let (hard_gates, soft_gates) = (gates(t, "hard_gates", &names), gates(t, "soft_gates", &names));
    let gates = gate_names(t);
    let environments = environments(t);
    let known = Known { channels: &names, gates: Some(&gates) };
    let auto = auto(t, known);
    let recovery = recovery(&t.at("recovery"), Known { gates: None, ..known });
    let executors = executors(&t.at("executors"));
    let prometheus = if t.has("prometheus") { prometheus(&t.at("prometheus")).map(Some) } else { Ok(None) };
    let audit = Audit::section(&t.at("audit"));
    version?;
    let (auto, recovery, prometheus) = (auto?, recovery?, prometheus?);
    if let Some(prometheus) = &prometheus {
        fresh_enough(&t.at("auto_rollback"), &auto.verification, prometheus)?;
        fresh_enough(&t.at("recovery"), &recovery.verification, prometheus)?;
    }
    Ok(RollbackPolicy {
        hard_gates: hard_gates?,
        soft_gates: soft_gates?,
        environments: environments?,
        auto,
        recovery,
        executors: executors?,
        channels: channels?.into_iter().collect(),
        prometheus,
        audit: audit?,
        sha256: hex(&Sha256::digest(source.as_bytes())),
    })
}

fn gates(t: &Table<'_>, key: &str, names: &[String]) -> Read<Vec<Gate>> {
    let is_hard = key == "hard_gates";
    // Two keys that say again what the list says; they must not say otherwise.
    let again = if is_hard {
        [("severity", "critical"), ("action", "rollback")]
    } else {
        [("severity", "warning"), ("action", "notify")]
    };
    all(t.items(key).iter().map(|t| {
        let name =
            t.required("name", |value| match text(value)? {
                // As it is in log and answers.
                name if name == shown(&name) => Ok(name),
                _ => Err("is no name of an alert: longer than 80 characters, or with control characters"
                    .to_owned()),
            });
        let description = t.or("description", string, String::new());
        let again = again.map(|(key, expected)| {
            t.optional(key, |value| match text(value)? {
                found if found == expected => Ok(()),
                found => Err(format!("is `{found}`, and gates of this list are `{expected}`")),
            })
        });
        let channels =
            if is_hard { Ok(Vec::new()) } else { t.or("channels", known_channels(names), Vec::new()) };
        again.into_iter().collect::<Read<Vec<_>>>()?;
        Ok(Some(Gate { name: name?, description: description?, channels: channels? }))
    }))
}

/// The names of all gates, each once, and one hard gate at least.
fn gate_names(t: &Table<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let hard = t.items("hard_gates");
    if hard.is_empty() {
        t.at("hard_gates").fault("no alert leads to a rollback; name at least one");
    }
    for gate in hard.iter().chain(&t.items("soft_gates")) {
        if let Ok(Some(name)) = gate.optional("name", text) {
            if names.contains(&name) {
                gate.fault_at("name", format!("the gate `{name}` is in the policy twice"));
            }
            names.push(name);
        }
    }
    names
}

fn environments(t: &Table<'_>) -> Read<Environments> {
    match t.peek("environment") {
        None => return Ok(Environments::Unsaid),
        Some(Value::Text(_)) => {
            return t.required("environment", |value| match value {
                Value::Text(word) if word == "any" => Ok(Environments::Any),
                _ => Err("expected `any`, or `labels` with the values that count".to_owned()),
            });
        }
        Some(_) => {}
    }
    let t = t.at("environment").at("labels");
    let labels = all(t.entries().iter().map(|label| {
        let values = t.required(&label.name(), |value| match value {
            Value::Text(one) if !one.is_empty() => Ok(vec![one.clone()]),
            other => match list(text)(other)? {
                none if none.is_empty() => Err("names no value".to_owned()),
                values => Ok(values),
            },
        })?;
        Ok(Some((label.name(), values.into_iter().collect::<BTreeSet<_>>())))
    }))?;
    if labels.is_empty() {
        return Err(t.fault("names no label; `environment: any` says that all count"));
    }
    Ok(Environments::Labels(labels.into_iter().collect()))
}

fn auto(t: &Table<'_>, known: Known<'_>) -> Read<AutoRollback> {
    let is_there = t.has("auto_rollback");
    let t = t.at("auto_rollback");
    if !is_there {
        return Err(t.fault("is missing"));
    }
    let enabled = t.required("enabled", switch);
    let cooldown = t.or("cooldown_minutes", between(0.0, 10_080.0), 15.0);
    let max_actions_per_day = t.optional("max_actions_per_day", whole_between(1, 100_000));
    let remember = t.or("remember_days", between(1.0, 3650.0), 30.0);
    let remember_alerts = t.or("remember_alerts", whole_between(100, 1_000_000), 10_000);
    let lock_wait = t.or("lock_wait_seconds", between(0.0, 3600.0), 300.0);
    let on_failure = t.or("on_failure", on_failure, OnFailure::default());
    let actions = actions(&t, on_failure.unwrap_or_default(), known);
    if t.items("actions").is_empty() {
        t.at("actions").fault("a rollback without actions does nothing; name at least one");
    }
    let verification = verification(&t);
    Ok(AutoRollback {
        enabled: enabled?,
        cooldown: Duration::from_secs_f64(cooldown? * 60.0),
        max_actions_per_day: max_actions_per_day?,
        remember: Duration::from_secs_f64(remember? * 86_400.0),
        remember_alerts: remember_alerts? as usize,
        lock_wait: Duration::from_secs_f64(lock_wait?),
        actions: actions?,
        on_failure: on_failure?,
        verification: verification?,
    })
}

fn recovery(t: &Table<'_>, known: Known<'_>) -> Read<Recovery> {
    // On the way back the order matters more: what failed must not be followed by more.
    let on_failure = t.or("on_failure", on_failure, OnFailure::Stop);
    let actions = actions(t, on_failure.unwrap_or_default(), known);
    let verification = verification(t);
    on_failure?;
    Ok(Recovery { actions: actions?, verification: verification? })
}

fn on_failure(value: &Value) -> Result<OnFailure, String> {
    one_of(value, "word", &[("continue", OnFailure::Continue), ("stop", OnFailure::Stop)])
}

/// What the actions of a list may name.
#[derive(Clone, Copy)]
struct Known<'a> {
    channels: &'a [String],
    /// Gates that an action may cause to fire. `None` = on the way back, where nothing is caused.
    gates: Option<&'a [String]>,
}

impl Known<'_> {
    /// Names of gates.
    fn caused(self, value: &Value) -> Result<Vec<String>, String> {
        let Some(gates) = self.gates else {
            return Err("means nothing on the way back: what fires after it is a gate again".to_owned());
        };
        let named = list(text)(value)?;
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

/// Names of channels, all of them known.
fn known_channels(channels: &[String]) -> impl Fn(&Value) -> Result<Vec<String>, String> {
    move |value| {
        let named = list(text)(value)?;
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

fn actions(t: &Table<'_>, usual: OnFailure, known: Known<'_>) -> Read<Vec<Action>> {
    all(t.items("actions").iter().map(|t| action(t, usual, known).map(Some)))
}

fn action(t: &Table<'_>, usual: OnFailure, known: Known<'_>) -> Read<Action> {
    let kind =
        t.required("type", |value| one_of(value, "action", &ActionKind::ALL.map(|kind| (kind.word(), kind))));
    let description = t.or("description", string, String::new());
    let on_failure = t.or("on_failure", on_failure, usual);
    let causes = t.or("causes", |value| known.caused(value), Vec::new());
    let has_params = t.has("params");
    let params = t.at("params");
    let Ok(kind) = kind else {
        params.settle();
        return Err(Noted);
    };
    if kind == ActionKind::Notify && causes.as_ref().is_ok_and(|causes| !causes.is_empty()) {
        t.fault_at("causes", "a notification brings no alert about");
    }
    if !has_params {
        return Err(params.fault("is missing"));
    }
    let parameter = match kind {
        ActionKind::ScaleStrategy => params.required("target", |value| {
            between(0.0, 1e6)(value)?;
            Ok(json(value))
        }),
        ActionKind::CircuitState => params.required("state", |value| {
            let words = ["OPEN", "CLOSED", "HALF_OPEN"].map(|word| (word, word));
            one_of(value, "state", &words).map(Json::from)
        }),
        ActionKind::FreezeOrders => params.required("enabled", |value| switch(value).map(Json::from)),
        ActionKind::Notify | ActionKind::Unknown => {
            let channels = params.required("channels", known_channels(known.channels));
            let priorities = Priority::ALL.map(|priority| (priority.word(), priority));
            let priority =
                params.or("priority", |value| one_of(value, "priority", &priorities), Priority::default());
            let notification = Action::notification(channels?, priority?);
            return Ok(Action { description: description?, on_failure: on_failure?, ..notification });
        }
    };
    let name = kind.parameter().unwrap_or_default().to_owned();
    Ok(Action {
        kind,
        params: BTreeMap::from([(name, parameter?)]),
        description: description?,
        on_failure: on_failure?,
        causes: causes?,
    })
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Other(_) => Json::Null,
        Value::Boolean(value) => Json::from(*value),
        Value::Integer(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Text(value) => Json::from(value.clone()),
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect(),
        Value::Table(entries) => {
            entries.iter().map(|(name, node)| (name.clone(), json(&node.value))).collect()
        }
    }
}

fn verification(around: &Table<'_>) -> Read<Verification> {
    if !around.has("verification") {
        return Ok(Verification::default());
    }
    let t = around.at("verification");
    let wait = t.or("wait_seconds", between(0.0, 3600.0), 0.0);
    let interval = t.or("interval_seconds", between(0.05, 600.0), 2.0);
    let checks = all(t.items("checks").iter().map(|t| check(t).map(Some)));
    Ok(Verification {
        wait: Duration::from_secs_f64(wait?),
        interval: Duration::from_secs_f64(interval?),
        checks: checks?,
    })
}

fn check(t: &Table<'_>) -> Read<Check> {
    let metric = t.optional("metric", |value| {
        let name = text(value)?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if is_name {
            Ok(name)
        } else {
            Err(format!("`{name}` is no name of a metric; use `query` for PromQL"))
        }
    });
    let query = t.optional("query", text);
    let condition = t.required("condition", |value| Condition::parse(&text(value)?));
    let timeout = t.or("timeout_seconds", between(0.0, 86_400.0), 60.0);
    let subject = match (metric?, query?) {
        (Some(metric), None) => Subject::Metric(metric),
        (None, Some(query)) => Subject::Query(query),
        _ => return Err(t.fault("a check has either a `metric` or a `query`")),
    };
    let condition = condition?;
    if matches!((&subject, &condition), (Subject::Query(_), Condition::State { .. })) {
        return Err(t.fault("a condition on a label is for a `metric`; select the label in the query"));
    }
    Ok(Check { subject, condition, timeout: Duration::from_secs_f64(timeout?) })
}

/// A metric's samples are believed only when they are newer than the actions; what a query was made of has no such
/// time, so it must not be asked before everything was scraped again.
fn fresh_enough(t: &Table<'_>, verification: &Verification, prometheus: &PrometheusAccess) -> Read<()> {
    let has_query = verification.checks.iter().any(|check| matches!(check.subject, Subject::Query(_)));
    if !has_query || verification.wait >= prometheus.scrape_interval {
        return Ok(());
    }
    let problem = format!(
        "is {}, below `prometheus.scrape_interval_seconds` ({}): a `query` could be answered from before the actions",
        verification.wait.as_secs_f64(),
        prometheus.scrape_interval.as_secs_f64()
    );
    Err(t.at("verification").fault_at("wait_seconds", problem))
}

fn prometheus(t: &Table<'_>) -> Read<PrometheusAccess> {
    let url = t.required("url", url);
    let selector = t.or("selector", selector, String::new());
    let scrape = t.or("scrape_interval_seconds", between(0.1, 3600.0), 15.0);
    let token = secret(t, "token");
    Ok(PrometheusAccess {
        url: url?,
        selector: selector?,
        scrape_interval: Duration::from_secs_f64(scrape?),
        token: token?,
    })
}

/// A channel with its name; `None` for one of e-mail that is off.
fn channel(t: &Table<'_>) -> Read<Option<(String, Channel)>> {
    let enabled = t.or("enabled", switch, true);
    // A channel called `slack` is one of Slack, unless it says otherwise.
    let Ok(method) = t.or("method", text, t.name()) else {
        t.settle();
        return Err(Noted);
    };
    // A secret by the name of its variable or file; else the usual variable.
    let source = |key, usual: &str| -> Read<SecretSource> {
        Ok(secret(t, key)?.unwrap_or_else(|| SecretSource::Env(usual.to_owned())))
    };
    let words = |key| t.or(key, string, String::new());
    let url = |usual: &str| t.or("url", text, usual.to_owned());
    let service = match method.as_str() {
        "pagerduty" => {
            let key = source("routing_key", "PAGERDUTY_ROUTING_KEY");
            let (url, escalation) = (url(PAGERDUTY), words("escalation_policy"));
            Service::PagerDuty { routing_key: key?, url: url?, escalation_policy: escalation? }
        }
        "slack" => {
            let url = source("webhook_url", "SLACK_WEBHOOK");
            let (channel, mention) = (words("channel"), words("mention"));
            Service::Slack { url: url?, channel: channel?, mention: mention? }
        }
        "telegram" => {
            let token = source("token", "TELEGRAM_BOT_TOKEN");
            let (chat_id, api) = (source("chat_id", "TELEGRAM_CHAT_ID"), url(TELEGRAM));
            Service::Telegram { token: token?, chat_id: chat_id?, api: api? }
        }
        "webhook" => Service::Webhook { url: source("webhook_url", "SOAK_WEBHOOK_URL")? },
        "email" => {
            // Is in earlier files, switched off; soak sends no mail, and must not seem to.
            t.at("recipients").settle();
            if enabled? {
                t.fault("soak sends no e-mail; set `enabled: false`, and let Alertmanager send it");
            }
            return Ok(None);
        }
        other => {
            t.settle();
            let methods = "pagerduty, slack, telegram, webhook";
            return Err(t.fault(format!("`{other}` is no notifier; set `method` to one of {methods}")));
        }
    };
    Ok(Some((t.name(), Channel { enabled: enabled?, service })))
}

/// A secret: `{env: NAME}` or `{file: PATH}`.
fn secret(t: &Table<'_>, key: &str) -> Read<Option<SecretSource>> {
    match t.peek(key) {
        None | Some(Value::Text(_)) => t.optional(key, |_| Err(NO_SECRETS.to_owned())),
        Some(_) => secret_of(&t.at(key)).map(Some),
    }
}

fn secret_of(t: &Table<'_>) -> Read<SecretSource> {
    let env = t.optional("env", |value| {
        let name = text(value)?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name { Ok(name) } else { Err(format!("`{name}` is no name of a variable")) }
    });
    let file = t.optional("file", text);
    match (env?, file?) {
        (Some(name), None) => Ok(SecretSource::Env(name)),
        (None, Some(path)) => Ok(SecretSource::File(PathBuf::from(path))),
        _ => Err(t.fault("names one place of a secret: `env: NAME` or `file: PATH`")),
    }
}

fn executors(t: &Table<'_>) -> Read<BTreeMap<ActionKind, Executor>> {
    let executors = all(t.entries().iter().map(|t| {
        let name = t.name();
        let problem = match ActionKind::of_word(&name) {
            Some(ActionKind::Notify) => "notifications go through the channels of `notifications`".to_owned(),
            Some(kind) => return executor(t, kind).map(|executor| Some((kind, executor))),
            None => {
                let near = did_you_mean(&name, ActionKind::ALL.map(ActionKind::word));
                format!("`{name}` is no action{near}")
            }
        };
        t.settle();
        Err(t.fault(problem))
    }))?;
    Ok(executors.into_iter().collect())
}

fn executor(t: &Table<'_>, kind: ActionKind) -> Read<Executor> {
    let own = kind.parameter().map(|name| format!("params.{name}"));
    let known: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain(own).collect();
    match (t.has("http"), t.has("exec")) {
        (true, false) => http(&t.at("http"), &known),
        (false, true) => exec(&t.at("exec"), &known),
        _ => {
            t.settle();
            Err(t.fault("an executor has either `http` or `exec`"))
        }
    }
}

fn http(t: &Table<'_>, known: &[String]) -> Read<Executor> {
    let methods = Method::ALL.map(|method| (method.word(), method));
    let method = t.or("method", |value| one_of(value, "method", &methods), Method::Post);
    let url = t.required("url", url);
    let headers =
        all(t.at("headers").entries().iter().map(|header| self::header(t, header, known).map(Some)));
    let body = t.optional("body", |value| {
        if !matches!(value, Value::Table(_) | Value::List(_)) {
            return Err(format!("expected a mapping that becomes the JSON body, found {}", value.what()));
        }
        let body = json(value);
        check_body(&body, known)?;
        Ok(body)
    });
    let is_idempotent = t.or("idempotent", switch, method.unwrap_or(Method::Post).is_idempotent());
    let (timeout, tries) = patience(t, is_idempotent);
    let means =
        Means::Http { method: method?, url: url?, headers: headers?.into_iter().collect(), body: body? };
    Ok(Executor { means, timeout: timeout?, tries: tries?, is_idempotent: is_idempotent? })
}

/// A header with its name.
fn header(http: &Table<'_>, t: &Table<'_>, known: &[String]) -> Read<(String, HeaderValue)> {
    let name = t.name();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        t.settle();
        return Err(t.fault("is no name of a header"));
    }
    let headers = http.at("headers");
    if matches!(headers.peek(&name), Some(Value::Table(_))) {
        let (prefix, source) = (t.or("prefix", string, String::new()), secret_of(t));
        return Ok((name, HeaderValue::Secret { prefix: prefix?, source: source? }));
    }
    let is_secret = SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str());
    let value = headers.required(&name, |value| match value {
        Value::Text(_) if is_secret => Err(NO_SECRETS.to_owned()),
        Value::Text(text) if text.chars().any(char::is_control) => Err("holds control characters".to_owned()),
        Value::Text(text) => {
            check_text(text, known)?;
            Ok(text.clone())
        }
        other => Err(format!("expected a text or a secret, found {}", other.what())),
    })?;
    Ok((name, HeaderValue::Text(value)))
}

fn exec(t: &Table<'_>, known: &[String]) -> Read<Executor> {
    let command = t.required("command", |value| {
        if matches!(value, Value::Text(_)) {
            return Err("is one text; write a list, `[program, argument]`: no shell reads it".to_owned());
        }
        let command = list(text)(value)?;
        let Some(program) = command.first() else { return Err("names no program".to_owned()) };
        if program.contains("{{") {
            return Err("the program itself takes no placeholders".to_owned());
        }
        command.iter().try_for_each(|word| check_text(word, known))?;
        Ok(command)
    });
    let is_idempotent = t.or("idempotent", switch, false);
    let (timeout, tries) = patience(t, is_idempotent);
    let kill_after = t.or("kill_after_seconds", between(0.0, 60.0), 2.0);
    let means = Means::Exec { command: command?, kill_after: Duration::from_secs_f64(kill_after?) };
    Ok(Executor { means, timeout: timeout?, tries: tries?, is_idempotent: is_idempotent? })
}

fn patience(t: &Table<'_>, is_idempotent: Read<bool>) -> (Read<Duration>, Read<u32>) {
    let timeout = t.or("timeout_seconds", between(0.05, 300.0), 10.0);
    // Only what may be repeated is tried more than once.
    let is_idempotent = is_idempotent.unwrap_or_default();
    let tries = |value: &Value| match whole_between(1, 10)(value)? {
        tries if tries > 1 && !is_idempotent => {
            Err("more than one try needs `idempotent: true`: doing it twice must be the same as once"
                .to_owned())
        }
        tries => Ok(tries),
    };
    (timeout.map(Duration::from_secs_f64), t.or("tries", tries, if is_idempotent { 3 } else { 1 }))
}

/// An address that is queried: http or https, without user and password.
pub(super) fn url(value: &Value) -> Result<String, String> {
    let url = text(value)?;
    if url.contains("{{") {
        return Err("takes no placeholders; they belong into the body".to_owned());
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(authority) = rest.and_then(|rest| rest.split(['/', '?', '#']).next()) else {
        return Err("expected an address that begins with http:// or https://".to_owned());
    };
    if authority.contains('@') {
        return Err("holds user or password; use a header with a secret".to_owned());
    }
    if authority.is_empty() || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("is no address: it has no host, or blanks in it".to_owned());
    }
    Ok(url)
}

/// Label matchers with or without braces, as `env="prod",exchange=~"a|b"`; may be empty. Without braces.
pub(super) fn selector(value: &Value) -> Result<String, String> {
    let found = string(value)?;
    let inner = found.trim();
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner).trim();
    let mut rest = inner;
    while !rest.is_empty() {
        rest = matcher(rest).ok_or_else(|| {
            format!("`{inner}` is no list of label matchers; write `env=\"prod\",exchange=~\"a|b\"`")
        })?;
    }
    Ok(inner.to_owned())
}

/// What follows the first matcher and its comma. `None` = it is none.
fn matcher(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = ["=~", "!~", "!=", "="].iter().find_map(|sign| rest.strip_prefix(sign))?.trim_start();
    let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    let mut is_escaped = false;
    let closing = rest[1..].find(|c: char| {
        let closes = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        closes
    })?;
    let behind = rest[closing + 2..].trim_start();
    match behind.strip_prefix(',') {
        Some(more) => Some(more.trim_start()),
        None if behind.is_empty() => Some(behind),
        None => None,
    }
}
