//! Where a result comes from: the fields that every written JSON carries beside its numbers.

use serde::{Deserialize, Serialize};

use crate::core::analysis::Analysis;

/// A recorded decision to continue despite the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Override {
    /// Why.
    pub reason: String,
    /// Who answers for it: as given, else as the environment names them, else the account.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// The head of the JSON of a judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Envelope {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    schema_version: &'static str,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_file: Option<String>,
    /// A recorded override of the verdict; null when there is none.
    #[serde(rename = "override")]
    pub overridden: Option<Override>,
}

impl From<&Provenance> for Envelope {
    fn from(provenance: &Provenance) -> Self {
        Self {
            schema_version: "1.0",
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            policy_file: provenance.policy_file.clone(),
            overridden: provenance.overridden.clone(),
        }
    }
}

/// Tool, policy and override behind a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Version of this program.
    pub tool_version: String,
    /// SHA-256 of the values of the policy in force.
    pub policy_sha256: String,
    /// The `soak.toml` that was found and is part of the policy; `None` = none.
    pub policy_file: Option<String>,
    /// The override, if one was given.
    pub overridden: Option<Override>,
    /// `SOAK_NOW`, when it is set: the time that artifacts carry instead of the data's last one.
    pub fixed_time: Option<String>,
    /// The result is part of a rehearsal of a release and no statement about one.
    pub rehearsal: bool,
}

impl Provenance {
    /// The time that results carry: the fixed one, else the last one in the data; `None` when there is
    /// neither. Never the clock's.
    pub fn time_of(&self, analysis: &Analysis) -> Option<String> {
        self.fixed_time.clone().or_else(|| analysis.last_time().map(str::to_owned))
    }
}
