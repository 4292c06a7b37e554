//! Golden comparison: where one JSON document differs from another by more than a tolerance, as `compare golden` prints
//! it. [`json`] reads documents, [`rule`] what holds where.

pub mod json;
pub mod rule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use std::fmt::Write as _;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use self::json::Json;
use self::rule::{Rule, Step, Treatment};
use crate::core::json::shortened;
use crate::core::load::{LARGEST, read_bounded};
use crate::report::text::printable;

/// Differences that are kept; the rest is only counted.
pub const KEPT: usize = 200;

/// What is compared how.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Absolute difference that floats may have where no rule says otherwise.
    pub abs: f64,
    /// The same in relation to the larger of the two; one of both is enough.
    pub rel: f64,
    /// NaN equals NaN.
    pub nan_equal: bool,
    /// A whole number may equal a float.
    pub int_equals_float: bool,
    /// What holds at single paths; the first that matches holds.
    pub rules: Vec<Rule>,
}

/// In what two values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Kind {
    // A key of the baseline is not there.
    Missing,
    // A key is there that the baseline does not have.
    Extra,
    // The types differ.
    Type,
    // Lists of different length, whose items are not compared.
    Length,
    // Numbers further apart than the tolerance.
    Number,
    // Other values that are not equal.
    Value,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// Type of the value.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["null", "boolean", "integer", "float", "text", "list", "object"]))]
    pub kind: &'static str,
    /// The value in short, as JSON where it is small; long texts are cut off, lists and objects only counted.
    pub value: String,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// JSON pointer; empty for the whole document. Cut off after a kilobyte.
    pub path: String,
    /// In what the two differ.
    pub kind: Kind,
    /// In the golden file; null for an extra key.
    pub baseline: Option<Side>,
    /// In the actual file; null for a missing key.
    pub actual: Option<Side>,
    /// Absolute difference of two finite numbers; null otherwise.
    pub distance: Option<f64>,
    /// The absolute tolerance that was exceeded; null where none applies.
    pub abs: Option<f64>,
    /// The relative tolerance that was exceeded, too; null where none applies.
    pub rel: Option<f64>,
}

/// The differences of two documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Drift {
    /// How many differences there are.
    #[serde(rename = "differences_count")]
    pub count: usize,
    /// The first 200 of them.
    pub differences: Vec<Difference>,
    /// Values that were compared.
    pub compared: usize,
    /// Places that were left out.
    pub ignored: usize,
}

/// The comparison of two files.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GoldenResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: &'static str,
    /// Version of the program.
    pub tool_version: &'static str,
    /// The golden file.
    pub baseline: String,
    /// The file compared with it.
    pub actual: String,
    /// Whether there is a difference.
    pub drift: bool,
    #[serde(flatten)]
    pub found: Drift,
    /// Whether the actual file is to be written over the golden one.
    pub update: bool,
    /// How the command ends, without `--detailed-exitcode`; an update that fails ends with another code.
    pub exit_code: u8,
}

impl GoldenResult {
    /// The result of a comparison of these files.
    pub fn of(baseline: String, actual: String, found: Drift) -> Self {
        Self {
            schema_version: "1.0",
            tool_version: env!("CARGO_PKG_VERSION"),
            baseline,
            actual,
            drift: found.count > 0,
            found,
            update: false,
            exit_code: 0,
        }
    }
}

/// Compares two documents.
pub fn compare(baseline: &Json, actual: &Json, settings: &Settings) -> Drift {
    let mut walk = Walk { settings, at: Vec::new(), drift: Drift::default() };
    walk.value(baseline, actual);
    walk.drift
}

struct Walk<'a> {
    settings: &'a Settings,
    at: Vec<Step<'a>>,
    drift: Drift,
}

impl<'a> Walk<'a> {
    fn value(&mut self, baseline: &'a Json, actual: &'a Json) {
        let treatment = self.treatment();
        if treatment == Some(Treatment::Ignore) {
            self.drift.ignored += 1;
            return;
        }
        match (baseline, actual) {
            (Json::Object(baseline), Json::Object(actual)) => self.objects(baseline, actual),
            (Json::List(from), Json::List(to)) if from.len() != to.len() => {
                self.differ(Kind::Length, Some(baseline), Some(actual), None);
            }
            (Json::List(baseline), Json::List(actual)) => {
                for (index, (baseline, actual)) in baseline.iter().zip(actual).enumerate() {
                    self.step(Step::Index(index), |walk| walk.value(baseline, actual));
                }
            }
            _ => self.scalars(baseline, actual, treatment),
        }
    }

    fn objects(&mut self, baseline: &'a BTreeMap<String, Json>, actual: &'a BTreeMap<String, Json>) {
        for (key, from) in baseline {
            self.step(Step::Key(key), |walk| match actual.get(key) {
                Some(to) => walk.value(from, to),
                None => walk.lonely(Kind::Missing, Some(from), None),
            });
        }
        for (key, to) in actual.iter().filter(|(key, _)| !baseline.contains_key(*key)) {
            self.step(Step::Key(key), |walk| walk.lonely(Kind::Extra, None, Some(to)));
        }
    }

    /// A key that only one side has.
    fn lonely(&mut self, kind: Kind, baseline: Option<&Json>, actual: Option<&Json>) {
        if self.treatment() == Some(Treatment::Ignore) {
            self.drift.ignored += 1;
        } else {
            self.differ(kind, baseline, actual, None);
        }
    }

    fn scalars(&mut self, baseline: &Json, actual: &Json, treatment: Option<Treatment>) {
        self.drift.compared += 1;
        let ruled = match treatment {
            Some(Treatment::Within { abs, rel }) => Some((abs, rel)),
            _ => None,
        };
        let tolerance = ruled.unwrap_or((self.settings.abs, self.settings.rel));
        let mixed_is_fine = self.settings.int_equals_float;
        // Beyond 2^53 whole numbers lose digits as floats; a tolerance was asked for there, so that is fine.
        let whole = |value: &i128| *value as f64;
        let found = match (baseline, actual) {
            (Json::NotFinite(from), Json::NotFinite(to)) => {
                let equal = from == to || (from.is_nan() && to.is_nan() && self.settings.nan_equal);
                (!equal).then_some((Kind::Number, None))
            }
            (Json::Float(_), Json::NotFinite(_)) | (Json::NotFinite(_), Json::Float(_)) => {
                Some((Kind::Number, None))
            }
            (Json::Float(from), Json::Float(to)) => apart(*from, *to, tolerance),
            (Json::Integer(from), Json::Integer(to)) if from == to => None,
            (Json::Integer(from), Json::Integer(to)) => match ruled {
                Some(tolerance) => apart(whole(from), whole(to), tolerance),
                None => Some((Kind::Number, Some((0.0, 0.0)))),
            },
            (Json::Integer(from), Json::Float(to)) if mixed_is_fine => apart(whole(from), *to, tolerance),
            (Json::Float(from), Json::Integer(to)) if mixed_is_fine => apart(*from, whole(to), tolerance),
            _ if baseline.kind() != actual.kind() => Some((Kind::Type, None)),
            _ => (baseline != actual).then_some((Kind::Value, None)),
        };
        if let Some((kind, tolerance)) = found {
            self.differ(kind, Some(baseline), Some(actual), tolerance);
        }
    }

    fn differ(
        &mut self,
        kind: Kind,
        baseline: Option<&Json>,
        actual: Option<&Json>,
        tolerance: Option<(f64, f64)>,
    ) {
        self.drift.count += 1;
        if self.drift.differences.len() == KEPT {
            return;
        }
        let finite = |json: &Json| match json {
            Json::Integer(value) => Some(*value as f64),
            Json::Float(value) => Some(*value),
            _ => None,
        };
        let both = baseline.and_then(finite).zip(actual.and_then(finite));
        let side = |json: &Json| Side { kind: json.kind(), value: json.short() };
        self.drift.differences.push(Difference {
            path: shortened(&rule::pointer(&self.at)),
            kind,
            baseline: baseline.map(side),
            actual: actual.map(side),
            distance: both.map(|(from, to)| (to - from).abs()).filter(|distance| distance.is_finite()),
            abs: tolerance.map(|(abs, _)| abs),
            rel: tolerance.map(|(_, rel)| rel),
        });
    }

    fn treatment(&self) -> Option<Treatment> {
        self.settings.rules.iter().find(|rule| rule.pattern.covers(&self.at)).map(|rule| rule.treatment)
    }

    fn step(&mut self, step: Step<'a>, inside: impl FnOnce(&mut Self)) {
        self.at.push(step);
        inside(self);
        self.at.pop();
    }
}

/// `None` when the two are near enough to each other.
fn apart(from: f64, to: f64, (abs, rel): (f64, f64)) -> Option<(Kind, Option<(f64, f64)>)> {
    let distance = (to - from).abs();
    let near = from == to || distance <= abs || distance <= rel * from.abs().max(to.abs());
    (!near).then_some((Kind::Number, Some((abs, rel))))
}

/// A file that is compared, with its bytes. `side` is `golden` or `actual`.
pub fn read(side: &str, path: &Path) -> anyhow::Result<(Json, Vec<u8>)> {
    let failed =
        |reason: String| anyhow::anyhow!("the {side} file `{}` cannot be compared: {reason}", path.display());
    let mut bytes = Vec::new();
    read_bounded(path, LARGEST, &mut bytes).map_err(failed)?;
    let json = json::read(&bytes).map_err(failed)?;
    Ok((json, bytes))
}

/// All that is known of the comparison.
pub fn text(drift: &Drift) -> String {
    let mut text = String::new();
    for difference in &drift.differences {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(difference));
    }
    let unseen = drift.count - drift.differences.len();
    if unseen > 0 {
        let _ = writeln!(text, "… and {unseen} more");
    }
    let looked_at = match drift.ignored {
        0 => format!("{} values compared", drift.compared),
        ignored => format!("{} values compared, {ignored} places left out", drift.compared),
    };
    let verdict = match drift.count {
        0 => "no drift".to_owned(),
        1 => "drift: 1 difference".to_owned(),
        count => format!("drift: {count} differences"),
    };
    let _ = writeln!(text, "{verdict} ({looked_at})");
    text
}

fn line(difference: &Difference) -> String {
    let path = if difference.path.is_empty() { "(document)".to_owned() } else { printable(&difference.path) };
    let value = |side: &Option<Side>| side.as_ref().map_or_else(String::new, |side| printable(&side.value));
    let (from, to) = (value(&difference.baseline), value(&difference.actual));
    let kind = |side: &Option<Side>| side.as_ref().map_or("", |side| side.kind);
    match difference.kind {
        Kind::Missing => format!("{path}: missing, the baseline has {from}"),
        Kind::Extra => format!("{path}: extra, the baseline does not have it: {to}"),
        Kind::Type => {
            format!("{path}: {} {from} → {} {to}", kind(&difference.baseline), kind(&difference.actual))
        }
        _ => format!("{path}: {from} → {to}{}", distance(difference)),
    }
}

/// How far two numbers are apart, and what was allowed.
fn distance(difference: &Difference) -> String {
    let Some(distance) = difference.distance else { return String::new() };
    let allowed = match (difference.abs, difference.rel) {
        (Some(abs), Some(rel)) if rel > 0.0 => format!(", allowed {} or {}·max", short(abs), short(rel)),
        (Some(abs), _) if abs > 0.0 => format!(", allowed {}", short(abs)),
        _ => String::new(),
    };
    format!(" (apart {}{allowed})", short(distance))
}

fn short(value: f64) -> String {
    if (1e-4..1e9).contains(&value) || value == 0.0 { value.to_string() } else { format!("{value:e}") }
}
