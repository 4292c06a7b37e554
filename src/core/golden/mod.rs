//! Golden comparison: where one JSON document differs from another by more than a tolerance.
//!
//! Compares values; must not know how files are read or differences are shown. `rule` says what holds where.

mod rule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use rule::{Pattern, PatternError, Rule, Step, Treatment};

/// Differences that are kept; the rest is only counted.
pub const KEPT: usize = 200;

/// Longest text of a value that is kept, characters.
const LONGEST: usize = 200;

/// A JSON value that keeps whole numbers, numbers with a point and non-finite literals apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number without point and exponent.
    Integer(i128),
    /// Another finite number.
    Float(f64),
    /// NaN or an infinity.
    NotFinite(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Its type, in a word or two.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) | Self::NotFinite(_) => "float",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }

    /// The value in short: what is in lists and objects is only counted, long texts are cut off, and what is not
    /// printable is escaped.
    pub fn short(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::NotFinite(value) if value.is_nan() => "NaN".to_owned(),
            Self::NotFinite(value) => if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            Self::Text(text) => {
                let cut: String = text.chars().take(LONGEST).collect();
                let rest = if cut.len() < text.len() { "…" } else { "" };
                format!("{cut:?}{rest}")
            }
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Object(entries) => format!("an object of {}", entries.len()),
        }
    }
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key of the baseline is not there.
    Missing,
    /// A key is there that the baseline does not have.
    Extra,
    /// The types differ.
    Type,
    /// Lists of different length, whose items are not compared.
    Length,
    /// Numbers further apart than the tolerance.
    Number,
    /// Other values that are not equal.
    Value,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Missing, Self::Extra, Self::Type, Self::Length, Self::Number, Self::Value];

    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Length => "length",
            Self::Number => "number",
            Self::Value => "value",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// JSON pointer (RFC 6901); empty for the whole document.
    pub path: String,
    /// In what.
    pub kind: Kind,
    /// Type and short form in the baseline; `None` for an extra key.
    pub baseline: Option<(&'static str, String)>,
    /// Type and short form in the actual document; `None` for a missing key.
    pub actual: Option<(&'static str, String)>,
    /// |actual − baseline| of two finite numbers; `None` otherwise.
    pub distance: Option<f64>,
    /// The absolute and the relative tolerance that were not enough; `None` where none applies.
    pub tolerance: Option<(f64, f64)>,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// The first [`KEPT`] differences, in the order of the keys.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub count: usize,
    /// Values that were compared; lists and objects count for what is in them.
    pub compared: usize,
    /// Places that were left out by a rule.
    pub ignored: usize,
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
        let told = match (baseline, actual) {
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
        if let Some((kind, tolerance)) = told {
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
        let side = |json: &Json| (json.kind(), json.short());
        self.drift.differences.push(Difference {
            path: rule::pointer(&self.at),
            kind,
            baseline: baseline.map(side),
            actual: actual.map(side),
            distance: both.map(|(from, to)| (to - from).abs()).filter(|distance| distance.is_finite()),
            tolerance,
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
