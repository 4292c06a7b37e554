//! What the commands that judge print with `--format json` where they end before there is a verdict.

use serde::Serialize;

use crate::core::verdict::Outcome;

/// The error. The keys that it shares with the results of the commands mean the same.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ErrorResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// The command: `gate`, `analyze`, `audit`, `canary`.
    pub command: String,
    /// Version of the program.
    pub tool_version: String,
    /// INVALID: nothing was judged.
    pub outcome: Outcome,
    /// FAIL, as INVALID is published.
    #[schemars(extend("const" = "FAIL"))]
    pub verdict: String,
    /// What failed, and why.
    pub reason: String,
    /// What the user can do about it; null where that is not known.
    pub hint: Option<String>,
    /// The exit code of the command.
    pub exit_code: u8,
}

impl ErrorResult {
    /// The document of an error.
    pub fn new(command: &str, reason: String, hint: Option<String>, exit_code: u8) -> Self {
        Self {
            schema_version: "1.0".to_owned(),
            command: command.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            outcome: Outcome::Invalid,
            verdict: Outcome::Invalid.published().to_owned(),
            reason,
            hint,
            exit_code,
        }
    }
}
