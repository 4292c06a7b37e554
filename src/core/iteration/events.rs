//! What happened to the system under test in an iteration, beside what was measured: restarts, and marks such as a deploy.
//!
//! The optional object `events` of an iteration file; a file of an iteration without any has none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key in the iteration file.
pub const EVENTS: &str = "events";

/// What happened in an iteration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Events {
    /// Names of the marks of `[phase]` that overlap the iteration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Absent where nothing looks for restarts, and where `--pid` alone does and saw none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<Restarts>,
}

/// Restarts of the system under test in an iteration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Restarts {
    /// How many were seen. The process of `--pid` and the query of `[restarts]` see the same ones: the larger number.
    pub count: u64,
    /// The mark during which they are expected; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub during: Option<String>,
    /// Why there may have been more; absent where the number is certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

impl Events {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds restarts that somebody else saw.
    pub fn see(&mut self, seen: Restarts) {
        let restarts = self.restarts.get_or_insert_default();
        restarts.count = restarts.count.max(seen.count);
        restarts.during = restarts.during.take().or(seen.during);
        restarts.unknown = restarts.unknown.take().or(seen.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_restarts_seen_twice_are_counted_once() {
        let mut events = Events::default();
        assert!(events.is_empty());
        events.see(Restarts { count: 1, ..Restarts::default() });
        events.see(Restarts { count: 2, during: Some("deploy".to_owned()), unknown: None });
        events.see(Restarts { count: 0, during: None, unknown: Some("no answer".to_owned()) });
        let expected =
            Restarts { count: 2, during: Some("deploy".to_owned()), unknown: Some("no answer".to_owned()) };
        assert_eq!(events.restarts, Some(expected));
        assert!(!events.is_empty());
    }

    #[test]
    fn what_did_not_happen_has_no_key() {
        assert_eq!(serde_json::to_string(&Events::default()).ok().as_deref(), Some("{}"));
        let none = Events { restarts: Some(Restarts::default()), ..Events::default() };
        assert_eq!(serde_json::to_string(&none).ok().as_deref(), Some(r#"{"restarts":{"count":0}}"#));
        assert!(!none.is_empty(), "somebody looked and saw none");
    }
}
