//! Alerts as a hook delivers them. Knows no JSON and no policy.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::core::hex::hex;

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertStatus {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// How it stands.
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
    /// The receiver in Alertmanager's configuration; empty when the sender gave none.
    pub receiver: String,
    /// Alerts of the group that were cut off (`max_alerts`): nobody here knows what they are.
    pub truncated: u64,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

/// What makes two deliveries the same episode of the same alert: group, labels and start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey(String);

impl AlertKey {
    /// A key as the log has it.
    pub fn of_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// 32 hexadecimal digits: the first half of a SHA-256.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Alert {
    /// The name; empty when it has none.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    /// The key of its episode within a group.
    pub fn key(&self, group_key: &str) -> AlertKey {
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
        part(self.starts_at.as_deref().unwrap_or_default());
        AlertKey(hex(&hash.finalize()[..16]))
    }
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
        assert_eq!(first.as_str().len(), 32);
    }

    #[test]
    fn labels_stand_for_a_fingerprint_that_is_missing() {
        assert_eq!(alert("A", None, None).key(""), alert("A", None, None).key(""));
        assert_ne!(alert("A", None, None).key(""), alert("B", None, None).key(""));
    }
}
