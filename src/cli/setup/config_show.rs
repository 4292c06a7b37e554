//! What `config show --format json` prints: every value in force, and the values that a run starts with, each
//! with the place it comes from.

use serde::Serialize;

use crate::core::policy::{Effective, Policy};
use crate::run::start::Start;

/// A value that a run starts with.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct StartParameter {
    /// The parameter.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Where it comes from.
    pub origin: String,
}

/// All values, sorted by key, and the start values, in the order of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ConfigShow {
    /// "1".
    #[schemars(extend("const" = "1"))]
    pub schema_version: String,
    /// SHA-256 of the values.
    pub policy_sha256: String,
    /// The values.
    pub values: Vec<Effective>,
    /// What a run would start with.
    pub parameters: Vec<StartParameter>,
}

impl ConfigShow {
    /// What a policy holds, and what a run starts with.
    pub fn of(policy: &Policy, start: &Start) -> Self {
        let parameters = start.values.iter().map(|value| StartParameter {
            name: value.param.to_string(),
            value: value.value,
            unit: policy
                .run
                .parameters
                .get(&value.param)
                .map_or_else(String::new, |found| found.unit.clone()),
            origin: value.origin.to_string(),
        });
        Self {
            schema_version: "1".to_owned(),
            policy_sha256: policy.sha256.clone(),
            values: policy.effective.clone(),
            parameters: parameters.collect(),
        }
    }
}
