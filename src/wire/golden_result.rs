//! What `compare golden --format json` prints; the text shows the same value.
//!
//! Must not compare; [`crate::core::golden`] does. The exit code and the update are the caller's to tell.

use serde::Serialize;

use super::told::shortened;
use crate::core::golden::{Difference, Drift};

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct GoldenSide {
    /// Type of the value.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["null", "boolean", "integer", "float", "text", "list", "object"]))]
    pub kind: String,
    /// The value in short, as JSON where it is small; long texts are cut off, lists and objects only counted.
    pub value: String,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct GoldenDifference {
    /// JSON pointer; empty for the whole document. Cut off after a kilobyte.
    pub path: String,
    /// In what the two differ.
    #[schemars(extend("enum" = ["missing", "extra", "type", "length", "number", "value"]))]
    pub kind: String,
    /// In the golden file; null for an extra key.
    pub baseline: Option<GoldenSide>,
    /// In the actual file; null for a missing key.
    pub actual: Option<GoldenSide>,
    /// Absolute difference of two finite numbers; null otherwise.
    pub distance: Option<f64>,
    /// The absolute tolerance that was exceeded; null where none applies.
    pub abs: Option<f64>,
    /// The relative tolerance that was exceeded, too; null where none applies.
    pub rel: Option<f64>,
}

/// The comparison.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct GoldenResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// The golden file.
    pub baseline: String,
    /// The file held against it.
    pub actual: String,
    /// Whether there is a difference.
    pub drift: bool,
    /// How many differences there are.
    pub differences_count: usize,
    /// The first 200 of them.
    pub differences: Vec<GoldenDifference>,
    /// Values that were compared.
    pub compared: usize,
    /// Places that were left out.
    pub ignored: usize,
    /// Whether the actual file is to be written over the golden one.
    pub update: bool,
    /// How the command ends, without `--detailed-exitcode`; an update that fails ends with another code.
    pub exit_code: u8,
}

impl GoldenResult {
    /// The result of a comparison of these files.
    pub fn of(baseline: String, actual: String, drift: &Drift) -> Self {
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            baseline,
            actual,
            drift: drift.count > 0,
            differences_count: drift.count,
            differences: drift.differences.iter().map(difference).collect(),
            compared: drift.compared,
            ignored: drift.ignored,
            update: false,
            exit_code: 0,
        }
    }
}

fn difference(difference: &Difference) -> GoldenDifference {
    let side = |side: &(&str, String)| GoldenSide { kind: side.0.to_owned(), value: side.1.clone() };
    GoldenDifference {
        path: shortened(&difference.path),
        kind: difference.kind.word().to_owned(),
        baseline: difference.baseline.as_ref().map(side),
        actual: difference.actual.as_ref().map(side),
        distance: difference.distance,
        abs: difference.tolerance.map(|(abs, _)| abs),
        rel: difference.tolerance.map(|(_, rel)| rel),
    }
}
