//! What `config show --format json` prints: every value in force with the place it comes from.

use serde::Serialize;

use crate::core::policy::Policy;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ConfigValue {
    /// Dotted key.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

/// All values, sorted by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ConfigShow {
    /// "1".
    #[schemars(extend("const" = "1"))]
    pub schema_version: String,
    /// SHA-256 of the values.
    pub policy_sha256: String,
    /// The values.
    pub values: Vec<ConfigValue>,
}

impl ConfigShow {
    /// What a policy holds.
    pub fn of(policy: &Policy) -> Self {
        let values = policy.effective.iter().map(|entry| ConfigValue {
            key: entry.key.clone(),
            value: entry.value.clone(),
            origin: entry.origin.clone(),
        });
        Self {
            schema_version: "1".to_owned(),
            policy_sha256: policy.sha256.clone(),
            values: values.collect(),
        }
    }
}
