//! `rollback.yaml`: gates, actions, executors, channels. Every error is told at once, with line and column.
//!
//! Must not ask whether a policy is complete enough to act; [`RollbackPolicy::gaps`] does.

mod actions;
mod channels;
mod executors;
mod fields;
mod matchers;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use fields::{Problem, Problems};

pub use super::yaml::Place;
use super::yaml::{self, Node, Value};
use crate::core::hex::hex;
use crate::rollback::action::ActionKind;
use crate::rollback::alert::shown;
use crate::rollback::policy::condition::{Subject, Verification};
use crate::rollback::policy::{
    Audit, AutoRollback, Environments, Gate, PrometheusAccess, Recovery, RollbackPolicy,
};
use actions::{Known, action_list, on_failure, verification};
use fields::{Fields, Notes, boolean, number, text, texts, whole, words};

/// From one rollback to the next, where the policy does not say.
const COOLDOWN_MINUTES: f64 = 15.0;
/// How long an episode is remembered, where the policy does not say.
const REMEMBER_DAYS: f64 = 30.0;
/// How many episodes are remembered at most, where the policy does not say.
const REMEMBER_ALERTS: u32 = 10_000;
/// How long a rollback waits for whoever acts just then, where the policy does not say.
const LOCK_WAIT_SECONDS: f64 = 300.0;
/// How often Prometheus looks at the trading system, where the policy does not say.
const SCRAPE_SECONDS: f64 = 15.0;

/// Reads a policy; `file` names it in errors.
pub fn read(source: &str, file: &str) -> Result<RollbackPolicy, Problems> {
    let mut notes = Notes::default();
    let failed = |list| Problems { file: file.to_owned(), list };
    let tree = yaml::read(source).map_err(|(at, words)| {
        failed(vec![Problem { at, key: String::new(), words: format!("not valid YAML: {words}") }])
    })?;
    let policy = whole_policy(&tree, &mut notes, source);
    match policy {
        Some(policy) if notes.0.is_empty() => Ok(policy),
        _ => {
            let mut list = notes.0;
            list.sort();
            list.dedup();
            Err(failed(list))
        }
    }
}

fn whole_policy(tree: &Node, notes: &mut Notes, source: &str) -> Option<RollbackPolicy> {
    if matches!(tree.value, Value::Null) {
        notes.note(tree.at, "", "the policy is empty");
        return None;
    }
    let mut root = Fields::of(tree, "", notes)?;
    root.required("version", notes, |value| match text(value)?.as_str() {
        "1.0" => Ok(()),
        other => Err(format!("is `{other}`, and only \"1.0\" is known")),
    });
    let channels = channels::read(&mut root, notes);
    let hard_gates = gates(&mut root, "hard_gates", &channels.names(), notes);
    let soft_gates = gates(&mut root, "soft_gates", &channels.names(), notes);
    unique(&hard_gates, &soft_gates, tree, notes);
    let environments = environments(&mut root, notes);
    let names: Vec<String> =
        hard_gates.iter().chain(&soft_gates).map(|(_, gate)| gate.name.clone()).collect();
    let may_name = Known { channels: &channels.names(), gates: Some(&names) };
    let auto = auto(&mut root, may_name, notes);
    let recovery = recovery(&mut root, Known { gates: None, ..may_name }, notes);
    let mut used: BTreeMap<ActionKind, BTreeSet<String>> = BTreeMap::new();
    for action in auto.iter().flat_map(|auto| &auto.actions).chain(&recovery.actions) {
        used.entry(action.kind).or_default().extend(action.params.keys().cloned());
    }
    let executors = executors::read(&mut root, &used, notes);
    let prometheus = prometheus(&mut root, notes);
    if let (Some(prometheus), Some(auto)) = (&prometheus, &auto) {
        fresh_enough("auto_rollback", &auto.verification, prometheus, tree, notes);
        fresh_enough("recovery", &recovery.verification, prometheus, tree, notes);
    }
    let audit = audit(&mut root, notes);
    root.finish(notes);
    Some(RollbackPolicy {
        hard_gates: hard_gates.into_iter().map(|(_, gate)| gate).collect(),
        soft_gates: soft_gates.into_iter().map(|(_, gate)| gate).collect(),
        environments,
        auto: auto?,
        recovery,
        executors,
        channels: channels.into_channels(),
        prometheus,
        audit,
        sha256: hex(&Sha256::digest(source.as_bytes())),
    })
}

fn gates(
    root: &mut Fields<'_>,
    key: &'static str,
    channels: &[String],
    notes: &mut Notes,
) -> Vec<(Place, Gate)> {
    let is_hard = key == "hard_gates";
    let mut gates = Vec::new();
    for (path, node) in root.list(key, notes) {
        let Some(mut fields) = Fields::of(node, &path, notes) else { continue };
        let name = fields.required("name", notes, |value| {
            let name = text(value)?;
            // As it stands in log and answers.
            if name == shown(&name) {
                Ok(name)
            } else {
                Err("is no name of an alert: longer than 80 characters, or with control characters"
                    .to_owned())
            }
        });
        let description = fields.read("description", notes, words).unwrap_or_default();
        // Two keys that say again what the list says; they must not say otherwise.
        let same = |expected: &'static str| {
            move |value: &Value| match text(value)? {
                found if found == expected => Ok(()),
                found => Err(format!("is `{found}`, and gates of this list are `{expected}`")),
            }
        };
        fields.read("severity", notes, same(if is_hard { "critical" } else { "warning" }));
        fields.read("action", notes, same(if is_hard { "rollback" } else { "notify" }));
        let named = if is_hard { None } else { fields.read("channels", notes, actions::known(channels)) };
        if let Some(name) = name {
            gates.push((node.at, Gate { name, description, channels: named.unwrap_or_default() }));
        }
        fields.finish(notes);
    }
    gates
}

fn unique(hard: &[(Place, Gate)], soft: &[(Place, Gate)], tree: &Node, notes: &mut Notes) {
    let mut seen = BTreeSet::new();
    for (at, gate) in hard.iter().chain(soft) {
        if !seen.insert(gate.name.as_str()) {
            notes.note(*at, "name", format!("the gate `{}` stands in the policy twice", gate.name));
        }
    }
    if hard.is_empty() {
        notes.note(tree.at, "hard_gates", "no alert leads to a rollback; name at least one");
    }
}

fn environments(root: &mut Fields<'_>, notes: &mut Notes) -> Environments {
    let Some(node) = root.get("environment") else { return Environments::Unsaid };
    if matches!(&node.value, Value::Text(word) if word == "any") {
        return Environments::Any;
    }
    if matches!(node.value, Value::Text(_)) {
        notes.note(node.at, "environment", "expected `any`, or `labels` with the values that count");
        return Environments::Unsaid;
    }
    let Some(mut fields) = Fields::of(node, "environment", notes) else { return Environments::Unsaid };
    let mut labels = BTreeMap::new();
    if let Some(inner) = fields.fields("labels", notes) {
        for entry in inner.all() {
            let values = match &entry.node.value {
                Value::Text(one) if !one.is_empty() => Ok(vec![one.clone()]),
                other => texts(other),
            };
            match values {
                Ok(values) if !values.is_empty() => {
                    labels.insert(entry.key.clone(), values.into_iter().collect());
                }
                Ok(_) => notes.note(entry.node.at, &inner.name(&entry.key), "names no value"),
                Err(words) => notes.note(entry.node.at, &inner.name(&entry.key), words),
            }
        }
    }
    if labels.is_empty() {
        notes.note(node.at, "environment.labels", "names no label; `environment: any` says that all count");
    }
    fields.finish(notes);
    Environments::Labels(labels)
}

fn auto(root: &mut Fields<'_>, may_name: Known<'_>, notes: &mut Notes) -> Option<AutoRollback> {
    let Some(node) = root.get("auto_rollback") else {
        notes.note(Place::default(), "auto_rollback", "is missing");
        return None;
    };
    let mut fields = Fields::of(node, "auto_rollback", notes)?;
    let enabled = fields.required("enabled", notes, boolean).unwrap_or_default();
    let cooldown = fields.read("cooldown_minutes", notes, number(0.0, 10_080.0)).unwrap_or(COOLDOWN_MINUTES);
    let max_actions_per_day = fields.read("max_actions_per_day", notes, whole(1, 100_000));
    let remember = fields.read("remember_days", notes, number(1.0, 3650.0)).unwrap_or(REMEMBER_DAYS);
    let remember_alerts =
        fields.read("remember_alerts", notes, whole(100, 1_000_000)).unwrap_or(REMEMBER_ALERTS);
    let lock_wait = fields.read("lock_wait_seconds", notes, number(0.0, 3600.0)).unwrap_or(LOCK_WAIT_SECONDS);
    let on_failure = fields.read("on_failure", notes, on_failure).unwrap_or_default();
    let actions = action_list(&mut fields, on_failure, may_name, notes);
    if actions.is_empty() {
        notes.note(
            node.at,
            "auto_rollback.actions",
            "a rollback without actions does nothing; name at least one",
        );
    }
    let verification = verification(&mut fields, notes);
    fields.finish(notes);
    Some(AutoRollback {
        enabled,
        cooldown: Duration::from_secs_f64(cooldown * 60.0),
        max_actions_per_day,
        remember: Duration::from_secs_f64(remember * 86_400.0),
        remember_alerts: remember_alerts as usize,
        lock_wait: Duration::from_secs_f64(lock_wait),
        actions,
        on_failure,
        verification,
    })
}

fn recovery(root: &mut Fields<'_>, may_name: Known<'_>, notes: &mut Notes) -> Recovery {
    let Some(mut fields) = root.fields("recovery", notes) else { return Recovery::default() };
    let on_failure = fields.read("on_failure", notes, on_failure);
    // On the way back the order matters more: what failed must not be followed by more.
    let actions = action_list(
        &mut fields,
        on_failure.unwrap_or(crate::rollback::action::OnFailure::Stop),
        may_name,
        notes,
    );
    let verification = verification(&mut fields, notes);
    fields.finish(notes);
    Recovery { actions, verification }
}

fn prometheus(root: &mut Fields<'_>, notes: &mut Notes) -> Option<PrometheusAccess> {
    let mut fields = root.fields("prometheus", notes)?;
    let url = fields.required("url", notes, matchers::url);
    let selector = fields.read("selector", notes, matchers::selector).unwrap_or_default();
    let scrape = fields.read("scrape_interval_seconds", notes, number(0.1, 3600.0)).unwrap_or(SCRAPE_SECONDS);
    let token = executors::secret(&mut fields, "token", notes);
    fields.finish(notes);
    let scrape_interval = Duration::from_secs_f64(scrape);
    Some(PrometheusAccess { url: url?, selector, scrape_interval, token })
}

/// A metric's samples are believed only when they are newer than the actions; what a query was made of has no such
/// time, so it must not be asked before everything was scraped again.
fn fresh_enough(
    key: &str,
    verification: &Verification,
    prometheus: &PrometheusAccess,
    tree: &Node,
    notes: &mut Notes,
) {
    let has_query = verification.checks.iter().any(|check| matches!(check.subject, Subject::Query(_)));
    if has_query && verification.wait < prometheus.scrape_interval {
        let words = format!(
            "is {}, below `prometheus.scrape_interval_seconds` ({}): a `query` could be answered from before the actions",
            verification.wait.as_secs_f64(),
            prometheus.scrape_interval.as_secs_f64()
        );
        notes.note(tree.at, &format!("{key}.verification.wait_seconds"), words);
    }
}

fn audit(root: &mut Fields<'_>, notes: &mut Notes) -> Audit {
    let none = Audit { enabled: true, log_path: None, include_metrics: true, include_causes: false };
    let Some(mut fields) = root.fields("audit", notes) else { return none };
    let audit = Audit {
        enabled: fields.read("enabled", notes, boolean).unwrap_or(none.enabled),
        log_path: fields.read("log_path", notes, text).map(PathBuf::from),
        include_metrics: fields.read("include_metrics", notes, boolean).unwrap_or(none.include_metrics),
        include_causes: fields.read("include_stack_trace", notes, boolean).unwrap_or(none.include_causes),
    };
    fields.finish(notes);
    audit
}
