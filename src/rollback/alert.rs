//! Alerts as a hook delivers them: Alertmanager's webhook, version 4. What a delivery by hand leaves out (group key,
//! fingerprint, start) may be absent; what is there must have its shape.

use std::collections::BTreeMap;
use std::fmt;

use chrono::SecondsFormat::AutoSi;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::infra::hex::hex;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertStatus {
    Firing,
    Resolved,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub status: AlertStatus,
    /// All labels, `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// Alertmanager's fingerprint of the labels. `None` when the sender gave none.
    pub fingerprint: Option<String>,
    /// When it began to fire, as written. `None` when the sender gave none.
    pub starts_at: Option<String>,
}

/// One delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook {
    /// Alertmanager's key of the group; empty when the sender gave none.
    pub group_key: String,
    /// Empty when the sender gave none.
    pub receiver: String,
    /// Alerts of the group that were cut off (`max_alerts`): nobody here knows what they are.
    pub truncated: u64,
    pub alerts: Vec<Alert>,
}

/// What makes two deliveries the same episode of the same alert: group, labels and start.
/// 32 hexadecimal digits: the first half of a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct AlertKey(pub String);

/// The key of a group as the log keeps it.
pub(crate) fn logged_group(group_key: &str) -> String {
    group_key.chars().take(1000).collect()
}

impl Alert {
    pub(crate) fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    /// The key of its episode within a group.
    pub(crate) fn key(&self, group_key: &str) -> AlertKey {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            // The length in front keeps two lists of parts from running into the same bytes.
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(group_key);
        match &self.fingerprint {
            Some(fingerprint) => part(fingerprint),
            None => {
                for (name, value) in &self.labels {
                    part(name);
                    part(value);
                }
            }
        }
        // The start is an instant, however its offset and its digits are written.
        let start = self.starts_at.as_deref().unwrap_or_default();
        match chrono::DateTime::parse_from_rfc3339(start) {
            Ok(instant) if !start.ends_with('Z') => part(&instant.to_utc().to_rfc3339_opts(AutoSi, true)),
            _ => part(start),
        }
        AlertKey(hex(&hash.finalize()[..16]))
    }

    /// The alert whichever episode it is of: what is kept of an episode until it is over. `None` where the sender gave no
    /// fingerprint.
    pub(crate) fn source(fingerprint: Option<&str>, group_key: &str) -> Option<AlertKey> {
        let fingerprint = Some(fingerprint?.to_owned());
        let bare =
            Self { status: AlertStatus::Firing, labels: BTreeMap::new(), fingerprint, starts_at: None };
        // The log keeps no longer key of a group.
        Some(bare.key(&logged_group(group_key)))
    }
}

/// A body that is no alert hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookError {
    /// Where its shape is wrong. `None` = it is no JSON.
    pub key: Option<String>,
    pub problem: String,
}

impl std::error::Error for HookError {}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "`{key}` {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

fn wrong(key: impl Into<String>, problem: impl Into<String>) -> HookError {
    HookError { key: Some(key.into()), problem: problem.into() }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads the body of a hook.
pub fn read(body: &[u8]) -> Result<Hook, HookError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| HookError { key: None, problem: format!("invalid JSON: {error}") })?;
    let Value::Object(root) = &value else {
        return Err(wrong("body", format!("is {}, expected an object", what(&value))));
    };
    if let Some(version) = text(root, "version", "")?
        && version != "4"
    {
        return Err(wrong("version", format!("is `{}`, and only \"4\" is known", shown(&version))));
    }
    let truncated = match root.get("truncatedAlerts") {
        None | Some(Value::Null) => 0,
        Some(number) => number
            .as_u64()
            .ok_or_else(|| wrong("truncatedAlerts", format!("is {}, expected a count", what(number))))?,
    };
    let alerts = match root.get("alerts") {
        None => return Err(wrong("alerts", "is missing")),
        Some(Value::Array(alerts)) if alerts.is_empty() => return Err(wrong("alerts", "is empty")),
        Some(Value::Array(alerts)) => alerts.iter().enumerate().map(alert).collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong("alerts", format!("is {}, expected a list", what(other)))),
    };
    Ok(Hook {
        group_key: text(root, "groupKey", "")?.unwrap_or_default(),
        receiver: text(root, "receiver", "")?.unwrap_or_default(),
        truncated,
        alerts,
    })
}

fn alert((index, value): (usize, &Value)) -> Result<Alert, HookError> {
    let path = format!("alerts[{index}]");
    let Value::Object(fields) = value else {
        return Err(wrong(path, format!("is {}, expected an object", what(value))));
    };
    let status = match text(fields, "status", &path)?.as_deref() {
        Some("firing") => AlertStatus::Firing,
        Some("resolved") => AlertStatus::Resolved,
        Some(other) => {
            let problem = format!("is `{}`, expected `firing` or `resolved`", shown(other));
            return Err(wrong(format!("{path}.status"), problem));
        }
        None => return Err(wrong(format!("{path}.status"), "is missing")),
    };
    let path_of_labels = format!("{path}.labels");
    let labels = match fields.get("labels") {
        None => return Err(wrong(path_of_labels, "is missing")),
        Some(Value::Object(labels)) => labels
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                other => Err(wrong(
                    format!("{path_of_labels}.{}", shown(name)),
                    format!("is {}, expected a text", what(other)),
                )),
            })
            .collect::<Result<BTreeMap<_, _>, _>>()?,
        Some(other) => return Err(wrong(path_of_labels, format!("is {}, expected an object", what(other)))),
    };
    match labels.get("alertname") {
        Some(name) if !name.is_empty() => {}
        Some(_) => return Err(wrong(format!("{path_of_labels}.alertname"), "is empty")),
        None => return Err(wrong(format!("{path_of_labels}.alertname"), "is missing")),
    }
    Ok(Alert {
        status,
        labels,
        fingerprint: fingerprint(fields, &path)?,
        starts_at: text(fields, "startsAt", &path)?.filter(|text| !text.is_empty()),
    })
}

/// Alertmanager's are 16 digits. It is kept and written down, so it must not be anything.
fn fingerprint(fields: &Map<String, Value>, path: &str) -> Result<Option<String>, HookError> {
    let Some(found) = text(fields, "fingerprint", path)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if found != shown(&found) {
        let problem = "is longer than 80 characters, or has control characters";
        return Err(wrong(format!("{path}.fingerprint"), problem));
    }
    Ok(Some(found))
}

fn text(fields: &Map<String, Value>, key: &str, path: &str) -> Result<Option<String>, HookError> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            let key = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            Err(wrong(key, format!("is {}, expected a text", what(other))))
        }
    }
}

/// Of a text from outside as much as a message needs; nothing in it may move a terminal's cursor.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, fingerprint: Option<&str>, starts_at: Option<&str>) -> Alert {
        Alert {
            status: AlertStatus::Firing,
            labels: BTreeMap::from([("alertname".to_owned(), name.to_owned())]),
            fingerprint: fingerprint.map(str::to_owned),
            starts_at: starts_at.map(str::to_owned),
        }
    }

    #[test]
    fn an_episode_is_known_by_group_fingerprint_and_start_and_by_nothing_else() {
        let first = alert("A", Some("f1"), Some("t1")).key("g");
        let mut resolved = alert("B", Some("f1"), Some("t1"));
        resolved.status = AlertStatus::Resolved;
        assert_eq!(resolved.key("g"), first);
        for other in [
            alert("A", Some("f2"), Some("t1")).key("g"),
            alert("A", Some("f1"), Some("t2")).key("g"),
            alert("A", Some("f1"), Some("t1")).key("h"),
            alert("A", Some("f1t1"), None).key("g"),
            alert("A", Some("f"), Some("1t1")).key("g"),
        ] {
            assert_ne!(other, first);
        }
        assert_eq!(first.0.len(), 32);
    }

    #[test]
    fn a_start_is_an_instant_in_every_offset() {
        let key = |start: &str| alert("A", Some("f1"), Some(start)).key("g");
        let utc = key("2026-11-30T08:40:00.123Z");
        assert_eq!(key("2026-11-30T09:40:00.123+01:00"), utc);
        assert_eq!(key("2026-11-30T03:10:00.123-05:30"), utc);
        assert_ne!(key("2026-11-30T09:40:00.123Z"), utc);
    }

    #[test]
    fn labels_replace_a_fingerprint_that_is_missing() {
        assert_eq!(alert("A", None, None).key(""), alert("A", None, None).key(""));
        assert_ne!(alert("A", None, None).key(""), alert("B", None, None).key(""));
    }

    #[test]
    fn a_delivery_of_alertmanager_is_read() {
        let body = br#"{"receiver":"rollback","status":"firing","version":"4","groupKey":"{}:{alertname=\"A\"}",
            "truncatedAlerts":2,"commonLabels":{},"groupLabels":{},"externalURL":"http://x","alerts":[
            {"status":"firing","labels":{"alertname":"A","env":"prod"},"annotations":{},
             "startsAt":"2025-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"abc"},
            {"status":"resolved","labels":{"alertname":"B"}}]}"#;
        let hook = read(body).expect("a hook");
        assert_eq!((hook.truncated, hook.group_key.as_str()), (2, "{}:{alertname=\"A\"}"));
        assert_eq!(hook.alerts[0].name(), "A");
        assert_eq!(hook.alerts[0].fingerprint.as_deref(), Some("abc"));
        assert_eq!(hook.alerts[1].status, AlertStatus::Resolved);
        assert_eq!(hook.alerts[1].starts_at, None);
    }

    #[test]
    fn every_wrong_shape_is_reported_with_its_key() {
        for (body, key) in [
            ("[]", "body"),
            ("\"x\"", "body"),
            ("null", "body"),
            ("{}", "alerts"),
            (r#"{"alerts":null}"#, "alerts"),
            (r#"{"alerts":"x"}"#, "alerts"),
            (r#"{"alerts":{}}"#, "alerts"),
            (r#"{"alerts":[]}"#, "alerts"),
            (r#"{"alerts":[1]}"#, "alerts[0]"),
            (r#"{"alerts":[{}]}"#, "alerts[0].status"),
            (r#"{"alerts":[{"status":1}]}"#, "alerts[0].status"),
            (r#"{"alerts":[{"status":"on"}]}"#, "alerts[0].status"),
            (r#"{"alerts":[{"status":"firing"}]}"#, "alerts[0].labels"),
            (r#"{"alerts":[{"status":"firing","labels":null}]}"#, "alerts[0].labels"),
            (r#"{"alerts":[{"status":"firing","labels":{}}]}"#, "alerts[0].labels.alertname"),
            (r#"{"alerts":[{"status":"firing","labels":{"alertname":""}}]}"#, "alerts[0].labels.alertname"),
            (r#"{"alerts":[{"status":"firing","labels":{"alertname":1}}]}"#, "alerts[0].labels.alertname"),
            (
                r#"{"alerts":[{"status":"firing","labels":{"alertname":"A"},"fingerprint":7}]}"#,
                "alerts[0].fingerprint",
            ),
            (r#"{"version":"3","alerts":[]}"#, "version"),
            (r#"{"truncatedAlerts":-1,"alerts":[]}"#, "truncatedAlerts"),
            (r#"{"groupKey":[],"alerts":[{"status":"firing","labels":{"alertname":"A"}}]}"#, "groupKey"),
        ] {
            match read(body.as_bytes()) {
                Err(HookError { key: Some(found), .. }) => assert_eq!(found, key, "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
        for body in [&b"{"[..], b"", b"\xff\xfe", b"{\"alerts\": NaN}", b"{} {}"] {
            assert!(matches!(read(body), Err(HookError { key: None, .. })), "{body:?}");
        }
    }

    #[test]
    fn control_characters_do_not_get_into_messages() {
        let error = read(b"{\"alerts\":[{\"status\":\"a\\u001b[2J\"}]}").expect_err("wrong");
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }
}
