//! Golden comparison: where one JSON document differs from another by more than a tolerance, as `compare golden` prints
//! it. [`json`] reads documents, [`rule`] what holds where.

pub mod json;
pub mod rule;

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
        // Beyond 2^53 whole numbers lose digits as floats; a tolerance was requested there, so that is fine.
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

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::json::LONGEST;
    use super::rule::Pattern;
    use super::*;

    fn object(entries: &[(&str, Json)]) -> Json {
        Json::Object(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn text(text: &str) -> Json {
        Json::Text(text.to_owned())
    }

    fn settings() -> Settings {
        Settings { abs: 1e-9, ..Settings::default() }
    }

    /// Path and kind of every difference.
    fn reported(baseline: &Json, actual: &Json, settings: &Settings) -> Vec<(String, Kind)> {
        let drift = compare(baseline, actual, settings);
        assert_eq!(drift.count, drift.differences.len());
        drift.differences.into_iter().map(|difference| (difference.path, difference.kind)).collect()
    }

    fn kinds(baseline: &Json, actual: &Json, settings: &Settings) -> Vec<Kind> {
        reported(baseline, actual, settings).into_iter().map(|(_, kind)| kind).collect()
    }

    fn ruled(rules: &[(&str, Treatment)]) -> Settings {
        let rule = |(path, treatment): &(&str, Treatment)| Rule {
            pattern: Pattern::parse(path).expect(path),
            treatment: *treatment,
        };
        Settings { rules: rules.iter().map(rule).collect(), ..settings() }
    }

    #[test]
    fn every_kind_of_difference_is_reported_with_its_pointer() {
        let baseline = object(&[
            ("a/b", object(&[("c~d", Json::Integer(1))])),
            ("gone", Json::Null),
            ("list", Json::List(vec![Json::Float(1.0), text("x")])),
            ("longer", Json::List(vec![Json::Null])),
            ("same", Json::Boolean(true)),
            ("type", Json::Integer(1)),
        ]);
        let actual = object(&[
            ("a/b", object(&[("c~d", Json::Integer(2))])),
            ("list", Json::List(vec![Json::Float(1.1), text("y")])),
            ("longer", Json::List(vec![Json::Null, Json::Integer(7)])),
            ("new", Json::Null),
            ("same", Json::Boolean(true)),
            ("type", text("1")),
        ]);
        let expected = [
            ("/a~1b/c~0d", Kind::Number),
            ("/gone", Kind::Missing),
            ("/list/0", Kind::Number),
            ("/list/1", Kind::Value),
            ("/longer", Kind::Length),
            ("/type", Kind::Type),
            ("/new", Kind::Extra),
        ]
        .map(|(path, kind)| (path.to_owned(), kind));
        assert_eq!(reported(&baseline, &actual, &settings()), expected);
        assert_eq!(reported(&Json::Null, &Json::Boolean(false), &settings()), [(String::new(), Kind::Type)]);
    }

    #[test]
    fn a_difference_carries_both_values_the_distance_and_the_tolerance() {
        let drift = compare(&Json::Float(2.0), &Json::Float(2.5), &settings());
        let expected = Difference {
            path: String::new(),
            kind: Kind::Number,
            baseline: Some(Side { kind: "float", value: "2.0".to_owned() }),
            actual: Some(Side { kind: "float", value: "2.5".to_owned() }),
            distance: Some(0.5),
            abs: Some(1e-9),
            rel: Some(0.0),
        };
        assert_eq!(drift.differences, [expected]);
        let drift = compare(&Json::Float(f64::MIN), &Json::Float(f64::MAX), &settings());
        assert_eq!((drift.count, drift.differences[0].distance), (1, None));
    }

    #[test]
    fn a_float_may_differ_by_the_absolute_or_by_the_relative_tolerance() {
        let drifts = |abs, rel, from, to| {
            let settings = Settings { abs, rel, ..Settings::default() };
            compare(&Json::Float(from), &Json::Float(to), &settings).count == 1
        };
        // Powers of two, so that the differences are exact.
        assert!(!drifts(0.25, 0.0, 1.0, 1.125));
        assert!(!drifts(0.25, 0.0, 1.0, 1.25));
        assert!(drifts(0.25, 0.0, 1.0, 1.25 + f64::EPSILON));
        assert!(!drifts(0.0, 0.5, 4.0, 8.0));
        assert!(!drifts(0.0, 0.5, -8.0, -4.0));
        assert!(drifts(0.0, 0.5, 4.0 - 1e-9, 8.0));
        assert!(!drifts(0.0, 0.0, 0.1, 0.1));
        assert!(!drifts(0.0, 0.0, 0.0, -0.0));
        assert!(drifts(0.0, 0.0, 0.1, 0.2));
    }

    #[test]
    fn whole_numbers_are_exact_and_another_type_than_floats_unless_requested_otherwise() {
        let wide = Settings { abs: 10.0, ..Settings::default() };
        assert_eq!(kinds(&Json::Integer(1), &Json::Integer(2), &wide), [Kind::Number]);
        assert_eq!(kinds(&Json::Integer(1), &Json::Float(1.0), &wide), [Kind::Type]);
        assert_eq!(kinds(&Json::Float(1.0), &Json::Integer(1), &wide), [Kind::Type]);
        let mixed = Settings { abs: 0.5, int_equals_float: true, ..Settings::default() };
        assert_eq!(kinds(&Json::Integer(1), &Json::Float(1.5), &mixed), []);
        assert_eq!(kinds(&Json::Float(1.75), &Json::Integer(1), &mixed), [Kind::Number]);
        assert_eq!(kinds(&Json::Integer(1), &Json::Integer(2), &mixed), [Kind::Number]);
        assert_eq!(kinds(&Json::Integer(1), &Json::Boolean(true), &mixed), [Kind::Type]);
        let ruled = ruled(&[("", Treatment::Within { abs: 1.0, rel: 0.0 })]);
        assert_eq!(kinds(&Json::Integer(1), &Json::Integer(2), &ruled), []);
        assert_eq!(kinds(&Json::Integer(1), &Json::Integer(3), &ruled), [Kind::Number]);
        // Above 2^53 a float cannot distinguish them.
        let large = 9_007_199_254_740_993;
        assert_eq!(kinds(&Json::Integer(large), &Json::Integer(large - 1), &settings()), [Kind::Number]);
    }

    #[test]
    fn nan_equals_nan_only_when_requested_and_an_infinity_equals_itself() {
        let [nan, up, down] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Json::NotFinite);
        let lenient = Settings { nan_equal: true, ..settings() };
        assert_eq!(kinds(&nan, &nan, &settings()), [Kind::Number]);
        assert_eq!(kinds(&nan, &nan, &lenient), []);
        assert_eq!(kinds(&up, &up, &settings()), []);
        for other in [&down, &nan, &Json::Float(f64::MAX)] {
            assert_eq!(kinds(&up, other, &lenient), [Kind::Number], "{other:?}");
            assert_eq!(kinds(other, &up, &lenient), [Kind::Number], "{other:?}");
        }
        assert_eq!(kinds(&nan, &Json::Null, &lenient), [Kind::Type]);
    }

    #[test]
    fn the_first_rule_that_covers_a_value_holds_for_it() {
        let document = |value: f64, extra: bool| {
            let gate = |value| object(&[("actual", Json::Float(value))]);
            let mut entries = vec![("gates", object(&[("p95", gate(value)), ("risk", gate(value))]))];
            if extra {
                entries.push(("utc", text("now")));
            }
            object(&entries)
        };
        let wide = Treatment::Within { abs: 1.0, rel: 0.0 };
        let all = |rules: &[(&str, Treatment)]| {
            reported(&document(1.0, false), &document(2.0, true), &ruled(rules)).len()
        };
        assert_eq!(all(&[]), 3);
        assert_eq!(all(&[("/utc", Treatment::Ignore)]), 2);
        assert_eq!(all(&[("/gates/*/actual", wide)]), 1);
        assert_eq!(all(&[("/gates", wide)]), 1);
        assert_eq!(all(&[("/gates/*", Treatment::Ignore), ("/*", wide)]), 1);
        assert_eq!(all(&[("/gates/p95/actual", wide)]), 2);
        assert_eq!(all(&[("/gates/p95/actual/below", wide)]), 3);
        assert_eq!(all(&[("/gat*", wide)]), 3);
        assert_eq!(all(&[("", Treatment::Ignore)]), 0);
        let narrow = Treatment::Within { abs: 0.5, rel: 0.0 };
        assert_eq!(all(&[("/gates/risk", narrow), ("/gates", wide)]), 2);
        assert_eq!(all(&[("/gates", wide), ("/gates/risk", narrow)]), 1);
    }

    #[test]
    fn an_index_is_named_by_its_number_and_a_missing_key_can_be_ignored() {
        let list = |value: i128| Json::List(vec![Json::Integer(1), Json::Integer(value)]);
        assert_eq!(reported(&list(1), &list(2), &ruled(&[("/1", Treatment::Ignore)])), []);
        assert_eq!(reported(&list(1), &list(2), &ruled(&[("/01", Treatment::Ignore)])).len(), 1);
        let some = object(&[("a", Json::Null)]);
        assert_eq!(reported(&some, &object(&[]), &ruled(&[("/a", Treatment::Ignore)])), []);
        let drift = compare(&some, &object(&[]), &ruled(&[("/a", Treatment::Ignore)]));
        assert_eq!((drift.compared, drift.ignored), (0, 1));
    }

    #[test]
    fn a_pattern_that_is_no_pointer_is_refused() {
        assert_eq!(Pattern::parse("runtime"), Err("a JSON pointer starts with `/`"));
        for tilde in ["/a~", "/a~2"] {
            let reason = Pattern::parse(tilde).expect_err(tilde);
            assert_eq!(reason, "in a JSON pointer `~` is written `~0`, and `/` in a key `~1`");
        }
        let awkward = Pattern::parse("/a~1b/~0~0/").expect("a pointer");
        assert!(awkward.covers(&[Step::Key("a/b"), Step::Key("~~"), Step::Key("")]));
    }

    #[test]
    fn only_the_first_differences_are_kept_and_all_are_counted() {
        let list = |value: f64| Json::List(vec![Json::Float(value); KEPT + 5]);
        let drift = compare(&list(1.0), &list(2.0), &settings());
        assert_eq!((drift.count, drift.differences.len(), drift.compared), (KEPT + 5, KEPT, KEPT + 5));
        assert_eq!(drift.differences[KEPT - 1].path, format!("/{}", KEPT - 1));
    }

    #[test]
    fn a_value_in_short_is_bounded_and_printable() {
        assert_eq!(text("a\u{1b}[2J\n\u{202e}").short(), r#""a\u{1b}[2J\n\u{202e}""#);
        let long = text(&"é".repeat(LONGEST + 1)).short();
        assert_eq!(long, format!("\"{}\"…", "é".repeat(LONGEST)));
        assert_eq!(Json::List(vec![Json::Null; 3]).short(), "a list of 3");
        assert_eq!(object(&[("a", Json::Null)]).short(), "an object of 1");
        let not_finite =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|value| Json::NotFinite(value).short());
        assert_eq!(not_finite, ["NaN", "Infinity", "-Infinity"]);
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Boolean),
            (-3i128..3).prop_map(Json::Integer),
            (-3i32..3).prop_map(|value| Json::Float(f64::from(value) / 2.0)),
            "[ab]{0,2}".prop_map(Json::Text),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
                prop::collection::btree_map("[a/~]{0,2}", inner, 0..4).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_does_not_differ_from_itself(document in json()) {
            prop_assert_eq!(compare(&document, &document, &settings()).count, 0);
        }

        #[test]
        fn a_difference_is_found_exactly_when_the_documents_are_not_equal(a in json(), b in json()) {
            prop_assert_eq!(compare(&a, &b, &Settings::default()).count == 0, a == b);
        }

        #[test]
        fn the_other_way_round_there_are_as_many_differences(a in json(), b in json()) {
            let (there, back) = (compare(&a, &b, &settings()), compare(&b, &a, &settings()));
            prop_assert_eq!((there.count, there.compared), (back.count, back.compared));
        }

        #[test]
        fn a_wider_tolerance_never_finds_more(a in json(), b in json(), abs in 0.0..3.0, more in 0.0..3.0) {
            let with = |abs| compare(&a, &b, &Settings { abs, ..Settings::default() }).count;
            prop_assert!(with(abs + more) <= with(abs));
        }

        #[test]
        fn every_pointer_that_is_reported_can_be_ignored(a in json(), b in json()) {
            let found = compare(&a, &b, &settings());
            let rules: Vec<(&str, Treatment)> =
                found.differences.iter().map(|difference| (difference.path.as_str(), Treatment::Ignore)).collect();
            prop_assert_eq!(compare(&a, &b, &ruled(&rules)).count, 0);
        }
    }
}
