//! `soak config show`: every value in force, with the place it comes from.

use serde_json::{Value, json};

use crate::core::policy::Policy;

/// One line a value, `key = value  # origin`, in columns. Up to the comments it is a policy in dotted keys.
pub fn show_text(policy: &Policy) -> String {
    let lines: Vec<(String, &str)> = policy
        .effective
        .iter()
        .map(|entry| (format!("{} = {}", entry.key, entry.value), entry.origin.as_str()))
        .collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    lines.iter().fold(String::new(), |text, (line, origin)| text + &format!("{line:<width$}  # {origin}\n"))
}

/// The same as data: `{schema_version, policy_sha256, values: [{key, value, origin}]}`.
pub fn show_json(policy: &Policy) -> Value {
    let values: Vec<Value> = policy
        .effective
        .iter()
        .map(|entry| json!({ "key": entry.key, "value": entry.value, "origin": entry.origin }))
        .collect();
    json!({ "schema_version": "1", "policy_sha256": policy.sha256, "values": values })
}
