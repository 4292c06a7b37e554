//! Whether a `READINESS_SCORE.json` can be trusted: its structure, the ranges, the sum, and GO only at 100.
//!
//! Everything that is wrong is reported, whatever the file holds. Further keys are allowed.

use std::fmt::Write as _;
use std::path::Path;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::json::{at, number, object, required, text};
use super::score::{FULL, Section, TOLERANCE, is_full};
use crate::core::json::Node;
use crate::core::json::text::parse_marked;
use crate::core::load::read_plain;
use crate::core::policy::release::{ReleasePolicy, ScoreRules};
use crate::report::text::printable;

/// What was found; printed by `release validate --format json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Validated {
    /// What is wrong, one sentence each.
    pub(crate) errors: Vec<String>,
    /// The file that was looked at.
    pub(crate) file: String,
    /// The score rests on data that is no basis for a release, or does not say that it is one.
    pub(crate) rehearsal: bool,
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub(crate) schema_version: &'static str,
    /// The score, as the file says; null when it says none.
    pub(crate) score: Option<f64>,
    /// `GO` or `HOLD`, as the file says; null when it says neither.
    pub(crate) verdict: Option<String>,
}

impl Validated {
    fn new(file: &str, errors: Vec<String>) -> Self {
        Self { errors, file: file.to_owned(), schema_version: "1.0", ..Self::default() }
    }

    /// Valid, and GO.
    pub(crate) fn is_go(&self) -> bool {
        self.errors.is_empty() && self.verdict.as_deref() == Some("GO")
    }

    /// What was found about a score's file, in the words that its readers know.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        if !self.errors.is_empty() {
            let _ = writeln!(out, "[VALIDATION FAILED] {} error(s):", self.errors.len());
            for error in &self.errors {
                let _ = writeln!(out, "  - {}", printable(error));
            }
            return out;
        }
        let score = self.score.map_or_else(|| "?".to_owned(), |score| score.to_string());
        let rehearsal = if self.rehearsal { " (REHEARSAL)" } else { "" };
        if self.is_go() {
            let _ = writeln!(out, "[PASS] Readiness: GO (score={score}){rehearsal}");
        } else {
            let _ = writeln!(out, "[FAIL] Readiness: HOLD (score={score}){rehearsal}");
            out.push_str("  only a score of 100 is GO; `soak release readiness` shows what is missing\n");
        }
        out
    }
}

/// Validates a file. A score that does not say that it rests on real data is an error unless `rehearsal` allows it.
pub(crate) fn validate(file: &Path, rules: &ReleasePolicy, rehearsal: bool) -> Validated {
    let name = file.display().to_string();
    match read_plain(file) {
        Ok(bytes) => validate_bytes(&name, &bytes, rules, rehearsal),
        Err(problem) => Validated::new(&name, vec![format!("the file {problem}")]),
    }
}

fn validate_bytes(file: &str, bytes: &[u8], rules: &ReleasePolicy, rehearsal: bool) -> Validated {
    match object(bytes) {
        Ok(node) => {
            let mut validation = Validation { node: &node, bytes, found: Validated::new(file, Vec::new()) };
            validation.run(rules, rehearsal);
            validation.found
        }
        Err(problem) => Validated::new(file, vec![problem]),
    }
}

struct Validation<'n> {
    node: &'n Node,
    bytes: &'n [u8],
    found: Validated,
}

impl<'n> Validation<'n> {
    fn error(&mut self, problem: String) {
        self.found.errors.push(problem);
    }

    fn note<T>(&mut self, found: Result<T, String>) -> Option<T> {
        found.map_err(|problem| self.error(problem)).ok()
    }

    fn run(&mut self, rules: &ReleasePolicy, rehearsal: bool) {
        let node: &'n Node = self.node;
        if let Some(Node::Object(_)) = self.note(required(node, "runtime")) {
            if let Some(utc) = self.note(text(node, "runtime.utc"))
                && DateTime::parse_from_rfc3339(utc).is_err()
            {
                self.error(format!("`runtime.utc` is `{utc}`, expected an RFC 3339 time"));
            }
            self.note(text(node, "runtime.version"));
        } else if at(node, "runtime").is_ok_and(|found| found.is_some()) {
            self.error("`runtime` is no object with `utc` and `version`".to_owned());
        }
        let score = self.note(number(node, "score")).filter(|score| self.in_range("score", *score, FULL));
        if let (Some(score), Some(sum)) = (score, self.sections(&rules.score))
            && (score - sum).abs() > TOLERANCE
        {
            self.error(format!("`score` is {score}, but the sections add up to {sum}"));
        }
        let verdict = self.note(text(node, "verdict"));
        match (verdict, score) {
            (Some("GO"), Some(score)) if !is_full(score) => {
                self.error(format!("`verdict` is GO at a score of {score}; only {FULL} is GO"));
            }
            (Some("HOLD"), Some(score)) if is_full(score) => {
                self.error(format!("`verdict` is HOLD at a score of {score}, which is GO"));
            }
            (Some("GO" | "HOLD") | None, _) => {}
            (Some(other), _) => self.error(format!("`verdict` is `{other}`, expected GO or HOLD")),
        }
        let unreleasable = self.unreleasable(rules);
        self.found.rehearsal = !unreleasable.is_empty();
        if !rehearsal {
            self.found.errors.extend(unreleasable);
        }
        self.found.score = score;
        self.found.verdict = verdict.filter(|word| ["GO", "HOLD"].contains(word)).map(str::to_owned);
    }

    /// Why the score is no basis for a release, one sentence each. What the file does not say is never taken for the
    /// better.
    fn unreleasable(&mut self, rules: &ReleasePolicy) -> Vec<String> {
        const WAY_OUT: &str = "; only `--rehearsal` takes such a score";
        let node: &'n Node = self.node;
        let mut found = Vec::new();
        match at(node, "rehearsal") {
            Ok(Some(Node::Boolean(false))) => {}
            Ok(Some(Node::Boolean(true))) => found.push(format!("the score is a rehearsal{WAY_OUT}")),
            Ok(None) => found.push(format!("`rehearsal` is missing{WAY_OUT}")),
            Ok(Some(other)) => {
                self.error(format!("`rehearsal` is {}, expected a boolean", other.kind()));
                found.push(format!("`rehearsal` is not false{WAY_OUT}"));
            }
            Err(problem) => found.push(problem),
        }
        match parse_marked(self.bytes, |json| serde_json::from_slice::<Marked>(json)) {
            Ok(Marked { days: Some(days) }) => {
                let reasons = days.iter().enumerate().filter_map(|(position, day)| {
                    Some(format!("`days[{position}]` {}{WAY_OUT}", day.unreleasable(rules)?))
                });
                found.extend(reasons);
            }
            Ok(Marked { days: None }) => found.push(format!("`days` is missing{WAY_OUT}")),
            Err(error) => found.push(format!("`days` cannot be read: {error}")),
        }
        found
    }

    /// The sum of the sections, if all of them are sound.
    fn sections(&mut self, rules: &ScoreRules) -> Option<f64> {
        let node: &'n Node = self.node;
        let sections = self.note(required(node, "sections"))?;
        if !matches!(sections, Node::Object(_)) {
            self.error(format!("`sections` is {}, expected an object", sections.kind()));
            return None;
        }
        let points = Section::ALL.map(|section| {
            let path = format!("sections.{section}");
            let points = self.note(number(node, &path))?;
            self.in_range(&path, points, section.points(rules)).then_some(points)
        });
        points.into_iter().sum()
    }

    fn in_range(&mut self, path: &str, value: f64, highest: f64) -> bool {
        let is_inside = (0.0..=highest).contains(&value);
        if !is_inside {
            self.error(format!("`{path}` is {value}, expected 0 to {highest}"));
        }
        is_inside
    }
}

/// The marks of the days that a score rests on.
#[derive(Deserialize)]
struct Marked {
    days: Option<Vec<MarkedDay>>,
}

/// `None` = the key is missing or null, which is never the safe value.
#[derive(Deserialize)]
struct MarkedDay {
    rehearsal: Option<bool>,
    source: Option<String>,
}

impl MarkedDay {
    /// Why the day is no basis for a release.
    fn unreleasable(&self, rules: &ReleasePolicy) -> Option<String> {
        match (self.rehearsal, self.source.as_deref().map(str::trim)) {
            (None, _) => Some("has no `rehearsal`".to_owned()),
            (Some(true), _) => Some("is a rehearsal".to_owned()),
            (Some(false), None | Some("")) => Some("has no `source`".to_owned()),
            (Some(false), Some(source)) => {
                rules.is_simulated(source).then(|| format!("is simulated (source `{source}`)"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rules() -> ReleasePolicy {
        crate::core::policy::read(&[], &[]).expect("the built-in policy").release
    }

    fn go() -> Value {
        json!({"runtime": {"utc": "2026-01-31T00:00:00Z", "version": "0.1.0"}, "score": 100.0, "verdict": "GO",
               "sections": {"edge": 30, "latency": 25, "taker": 15, "guards": 10, "chaos": 10, "tests": 10},
               "rehearsal": false, "days": [{"rehearsal": false, "source": "exec"}]})
    }

    fn validated(text: &str) -> Validated {
        validate_bytes("r.json", text.as_bytes(), &rules(), false)
    }

    fn errors(change: impl Fn(&mut Value)) -> Vec<String> {
        let mut value = go();
        change(&mut value);
        validated(&value.to_string()).errors
    }

    #[test]
    fn a_sound_go_is_go_and_a_sound_hold_is_valid_but_no_go() {
        assert!(validated(&go().to_string()).is_go());
        let mut hold = go();
        hold["sections"]["guards"] = json!(8.571_429);
        hold["score"] = json!(98.571_429);
        hold["verdict"] = json!("HOLD");
        let hold = validated(&hold.to_string());
        assert_eq!((hold.errors.len(), hold.is_go(), hold.score), (0, false, Some(98.571_429)));
    }

    #[test]
    fn go_is_said_only_at_100_and_hold_never() {
        // A last bit is none of the score's.
        assert_eq!(errors(|value| value["score"] = json!(99.999_999_999_999_99)), Vec::<String>::new());
        let low = errors(|value| {
            value["score"] = json!(99.0);
            value["sections"]["edge"] = json!(29.0);
        });
        assert_eq!(low, ["`verdict` is GO at a score of 99; only 100 is GO"]);
        assert_eq!(
            errors(|value| value["verdict"] = json!("HOLD")),
            ["`verdict` is HOLD at a score of 100, which is GO"]
        );
        assert_eq!(
            errors(|value| value["verdict"] = json!("READY")),
            ["`verdict` is `READY`, expected GO or HOLD"]
        );
    }

    #[test]
    fn the_score_is_the_sum_of_its_sections() {
        // The earlier validator took 100 with all sections at 0.
        let zeros = errors(|value| {
            for key in ["edge", "latency", "taker", "guards", "chaos", "tests"] {
                value["sections"][key] = json!(0);
            }
        });
        assert_eq!(zeros, ["`score` is 100, but the sections add up to 0"]);
        assert!(errors(|value| value["sections"]["edge"] = json!(29.999_999_5)).is_empty());
        assert_eq!(errors(|value| value["sections"]["edge"] = json!(29.999_998)).len(), 1);
    }

    #[test]
    fn ranges_are_inclusive() {
        assert_eq!(
            errors(|value| value["sections"]["chaos"] = json!(10.1)),
            ["`sections.chaos` is 10.1, expected 0 to 10"]
        );
        assert_eq!(
            errors(|value| value["sections"]["edge"] = json!(-0.1)),
            ["`sections.edge` is -0.1, expected 0 to 30"]
        );
        assert_eq!(errors(|value| value["score"] = json!(100.1)), ["`score` is 100.1, expected 0 to 100"]);
    }

    #[test]
    fn everything_that_is_wrong_is_reported_at_once() {
        assert_eq!(
            validated(
                r#"{"score": true, "sections": {"edge": "30", "latency": null}, "runtime": {"utc": 5}}"#
            )
            .errors,
            [
                "`runtime.utc` is a number, expected text",
                "`runtime.version` is missing",
                "`score` is a boolean, expected a number",
                "`sections.edge` is text, expected a number",
                "`sections.latency` is null, expected a number",
                "`sections.taker` is missing",
                "`sections.guards` is missing",
                "`sections.chaos` is missing",
                "`sections.tests` is missing",
                "`verdict` is missing",
                "`rehearsal` is missing; only `--rehearsal` takes such a score",
                "`days` is missing; only `--rehearsal` takes such a score",
            ]
        );
        assert_eq!(
            validated("{}").errors,
            [
                "`runtime` is missing",
                "`score` is missing",
                "`sections` is missing",
                "`verdict` is missing",
                "`rehearsal` is missing; only `--rehearsal` takes such a score",
                "`days` is missing; only `--rehearsal` takes such a score",
            ]
        );
        assert_eq!(errors(|value| value["runtime"]["utc"] = json!("today")).len(), 1);
        assert_eq!(
            errors(|value| value["runtime"] = json!([])),
            ["`runtime` is no object with `utc` and `version`"]
        );
        assert_eq!(
            errors(|value| value["sections"] = json!(7)),
            ["`sections` is a number, expected an object"]
        );
    }

    #[test]
    fn hostile_files_are_errors_and_no_crash() {
        for text in ["null", "", "[]", "\"GO\"", "7", "{", "{\"score\": 1}}"] {
            let found = validated(text);
            assert!(found.errors.len() == 1 && !found.is_go(), "{text}: {:?}", found.errors);
        }
        let text = go().to_string();
        for (from, to) in [
            ("100.0", "NaN"),
            ("100.0", "Infinity"),
            ("100.0", "1e999"),
            ("\"score\":100.0", "\"score\":0,\"score\":100.0"),
            ("\"edge\":30", "\"edge\":1,\"edge\":30"),
            ("\"verdict\":\"GO\"", "\"verdict\":\"HOLD\",\"verdict\":\"GO\""),
        ] {
            assert!(text.contains(from));
            assert!(!validated(&text.replace(from, to)).is_go(), "{to}");
        }
        assert!(!validated(&"{\"a\":".repeat(100_000)).is_go());
        assert!(!validate_bytes("r.json", b"\xff\xfe{}", &rules(), false).is_go());
    }

    #[test]
    fn a_mark_that_is_missing_is_never_the_safe_one() {
        let only = |reported: &str| vec![format!("{reported}; only `--rehearsal` takes such a score")];
        let without = |key: &str| errors(|value| drop(value.as_object_mut().expect("an object").remove(key)));
        assert_eq!(without("rehearsal"), only("`rehearsal` is missing"));
        assert_eq!(without("days"), only("`days` is missing"));
        let day =
            |day: Value| errors(|value| value["days"] = json!([{"rehearsal": false, "source": "exec"}, day]));
        assert_eq!(day(json!({"source": "exec"})), only("`days[1]` has no `rehearsal`"));
        assert_eq!(day(json!({"rehearsal": null, "source": "exec"})), only("`days[1]` has no `rehearsal`"));
        assert_eq!(day(json!({"rehearsal": false})), only("`days[1]` has no `source`"));
        assert_eq!(day(json!({"rehearsal": false, "source": " "})), only("`days[1]` has no `source`"));
        assert_eq!(
            day(json!({"rehearsal": false, "source": "exec, sim"})),
            only("`days[1]` is simulated (source `exec, sim`)")
        );
        assert_eq!(day(json!({"rehearsal": true, "source": "exec"})), only("`days[1]` is a rehearsal"));
        assert_eq!(day(json!({"rehearsal": "no", "source": "exec"})).len(), 1);
        // A file of the earlier scripts has none of them, and is GO in a rehearsal.
        let mut value = go();
        for key in ["rehearsal", "days"] {
            value.as_object_mut().expect("an object").remove(key);
        }
        let found = validate_bytes("r.json", value.to_string().as_bytes(), &rules(), true);
        assert!(found.is_go() && found.rehearsal);
    }

    #[test]
    fn a_score_of_made_up_data_is_go_only_in_a_rehearsal() {
        let mut value = go();
        value["rehearsal"] = json!(true);
        assert_eq!(validated(&value.to_string()).errors.len(), 1);
        assert!(validate_bytes("r.json", value.to_string().as_bytes(), &rules(), true).is_go());
        value["rehearsal"] = json!("no");
        assert!(!validate_bytes("r.json", value.to_string().as_bytes(), &rules(), false).is_go());
    }
}
