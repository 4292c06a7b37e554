//! A preset in a file of its own: `{"changes": {section: {key: {"op": "add"|"mul", "value": number}}}}`.
//!
//! Other keys (description, reasons, targets) are for people and are passed over. Applies nothing.

use crate::core::iteration::params::ParamName;
use crate::core::policy::Step;
use crate::core::policy::run::Preset;
use crate::core::verdict::LimitSource;

use crate::core::json::Node;
use crate::core::json::text::is_too_deep;
use crate::core::json::text::parse_marked;

/// Why a file is no preset.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PresetError(String);

/// Reads a preset. `name` is what it goes by, `path` where it stands. Whether the policy has its parameters is
/// asked when it is applied.
pub(crate) fn read(json: &[u8], name: &str, path: &str) -> Result<Preset, PresetError> {
    if is_too_deep(json) {
        return Err(PresetError("lists and objects nest too deep".to_owned()));
    }
    let root: Node = parse_marked(json, |json| serde_json::from_slice(json))
        .map_err(|error: serde_json::Error| PresetError(format!("not valid JSON: {error}")))?;
    let mut found = Found::default();
    match &root {
        Node::Object(_) => match root.get("changes") {
            Ok(Some(Node::Object(sections))) => found.sections(sections),
            Ok(Some(other)) => found.wrong("changes", other.kind(), "an object"),
            Ok(None) => found.errors.push("no `changes`, expected an object of parameters".to_owned()),
            Err(_) => found.errors.push("duplicate key `changes`".to_owned()),
        },
        other => found.errors.push(format!("the preset is {}, expected an object", other.kind())),
    }
    if found.errors.is_empty() && found.changes.is_empty() {
        found.errors.push("`changes` changes nothing; expected at least one parameter".to_owned());
    }
    if !found.errors.is_empty() {
        return Err(PresetError(found.errors.join("; ")));
    }
    let source = LimitSource { key: "changes".to_owned(), origin: path.to_owned() };
    Ok(Preset { name: name.to_owned(), changes: found.changes, source })
}

#[derive(Default)]
struct Found {
    changes: Vec<(ParamName, Step)>,
    errors: Vec<String>,
}

impl Found {
    fn wrong(&mut self, key: &str, found: &str, expected: &str) {
        self.errors.push(format!("`{key}` is {found}, expected {expected}"));
    }

    fn sections(&mut self, sections: &[(String, Node)]) {
        for (section, node) in sections {
            match node {
                // A change without a section around it.
                Node::Object(entries) if entries.iter().any(|(key, _)| key == "op") => {
                    self.change(section, ParamName::flat(section), node);
                }
                Node::Object(entries) => {
                    for (key, node) in entries {
                        let place = format!("{section}.{key}");
                        if let Some(param) = self.parameter(section, key, &place, node) {
                            self.change(&place, param, node);
                        }
                    }
                }
                other => self.wrong(section, other.kind(), "a section or a change"),
            }
        }
    }

    /// Presets name the position limit by its notional; a factor of that is a factor of the ratio.
    fn parameter(&mut self, section: &str, key: &str, place: &str, node: &Node) -> Option<ParamName> {
        if key != "position_limit_notional" {
            return Some(ParamName::nested(section, key));
        }
        if node.get("op") == Ok(Some(&Node::Text("add".to_owned()))) {
            let problem = "a notional cannot be added to a ratio; expected `mul`, or `position_limit_ratio`";
            self.errors.push(format!("`{place}`: {problem}"));
            return None;
        }
        Some(ParamName::flat("position_limit_ratio"))
    }

    fn change(&mut self, place: &str, param: ParamName, node: &Node) {
        if self.changes.iter().any(|(have, _)| *have == param) {
            self.errors.push(format!("`{place}`: `{param}` is changed twice"));
            return;
        }
        let (op, value) = match (node, node.get("op"), node.get("value")) {
            (Node::Object(_), Ok(op), Ok(value)) => (op, value),
            (Node::Object(_), Err(_), _) => return self.errors.push(format!("duplicate key `{place}.op`")),
            (Node::Object(_), _, Err(_)) => {
                return self.errors.push(format!("duplicate key `{place}.value`"));
            }
            (other, ..) => return self.wrong(place, other.kind(), "an object with `op` and `value`"),
        };
        let number = match value {
            Some(Node::Number(number)) => *number,
            Some(other) => return self.wrong(&format!("{place}.value"), other.kind(), "a number"),
            None => return self.errors.push(format!("`{place}.value` is missing, expected a number")),
        };
        let op_key = format!("{place}.op");
        let step = match op {
            Some(Node::Text(op)) if op == "add" => Step::Add(number),
            Some(Node::Text(op)) if op == "mul" && number > 0.0 => Step::Multiply(number),
            Some(Node::Text(op)) if op == "mul" => {
                return self.errors.push(format!("`{place}.value` is {number}, expected a factor above 0"));
            }
            Some(Node::Text(op)) => {
                return self.errors.push(format!("`{op_key}` is `{op}`, expected `add` or `mul`"));
            }
            Some(other) => return self.wrong(&op_key, other.kind(), "`add` or `mul`"),
            None => return self.errors.push(format!("`{op_key}` is missing, expected `add` or `mul`")),
        };
        if matches!(step, Step::Add(0.0) | Step::Multiply(1.0)) {
            return self.errors.push(format!("`{place}.value` is {number}, which changes nothing"));
        }
        self.changes.push((param, step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(json: &str) -> Vec<(String, Step)> {
        let preset = read(json.as_bytes(), "p", "dir/p.json").expect("a preset");
        preset.changes.into_iter().map(|(param, step)| (param.to_string(), step)).collect()
    }

    fn error(json: &str) -> String {
        read(json.as_bytes(), "p", "dir/p.json").expect_err("no preset").to_string()
    }

    /// A preset with one change of `engine.tail_age_ms`.
    fn one(change: &str) -> String {
        format!(r#"{{"changes": {{"engine": {{"tail_age_ms": {change}}}}}}}"#)
    }

    #[test]
    fn sections_and_plain_names_lead_to_the_same_parameters() {
        let json = r#"{"description": "x", "changes": {
            "quoting": {"min_interval_ms": {"op": "add", "value": 15, "reason": "y"}},
            "taker_rescue": {"min_edge_bps": {"op": "add", "value": 0.5}},
            "risk": {"position_limit_notional": {"op": "mul", "value": 0.8}},
            "tail_age_ms": {"op": "mul", "value": 1.25}}, "rampdown": {"steps": 2}}"#;
        let expected = [
            ("min_interval_ms", Step::Add(15.0)),
            ("rescue_min_edge_bps", Step::Add(0.5)),
            ("position_limit_ratio", Step::Multiply(0.8)),
            ("tail_age_ms", Step::Multiply(1.25)),
        ];
        assert_eq!(changes(json), expected.map(|(name, step)| (name.to_owned(), step)));
        let preset = read(json.as_bytes(), "p", "dir/p.json").expect("a preset");
        assert_eq!((preset.name.as_str(), preset.source.origin.as_str()), ("p", "dir/p.json"));
        assert_eq!(changes(&format!("\u{feff}{json}")).len(), 4);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (json, part) in [
            ("[]".to_owned(), "the preset is a list, expected an object"),
            ("{".to_owned(), "not valid JSON: "),
            ("{}".to_owned(), "no `changes`"),
            (r#"{"changes": {}}"#.to_owned(), "`changes` changes nothing"),
            (r#"{"changes": 1}"#.to_owned(), "`changes` is a number, expected an object"),
            (r#"{"changes": {}, "changes": {}}"#.to_owned(), "duplicate key `changes`"),
            (
                r#"{"changes": {"engine": 3}}"#.to_owned(),
                "`engine` is a number, expected a section or a change",
            ),
            (one("15"), "`engine.tail_age_ms` is a number, expected an object with `op` and `value`"),
            (one("{}"), "`engine.tail_age_ms.value` is missing"),
            (one(r#"{"value": 1}"#), "`engine.tail_age_ms.op` is missing, expected `add` or `mul`"),
            (
                one(r#"{"op": "set", "value": 1}"#),
                "`engine.tail_age_ms.op` is `set`, expected `add` or `mul`",
            ),
            (one(r#"{"op": 1, "value": 1}"#), "`engine.tail_age_ms.op` is a number"),
            (one(r#"{"op": "add", "value": "1"}"#), "`engine.tail_age_ms.value` is text, expected a number"),
            (one(r#"{"op": "add", "value": NaN}"#), "is a number that is not finite"),
            (one(r#"{"op": "add", "value": 1, "value": 2}"#), "duplicate key `engine.tail_age_ms.value`"),
            (one(r#"{"op": "add", "op": "mul", "value": 2}"#), "duplicate key `engine.tail_age_ms.op`"),
            (one(r#"{"op": "add", "value": 0}"#), "is 0, which changes nothing"),
            (one(r#"{"op": "mul", "value": 1}"#), "is 1, which changes nothing"),
            (one(r#"{"op": "mul", "value": 0}"#), "is 0, expected a factor above 0"),
            (format!(r#"{{"changes": {{"a": {}}}}}"#, "[".repeat(200) + &"]".repeat(200)), "nest too deep"),
            (
                r#"{"changes": {"risk": {"position_limit_notional": {"op": "add", "value": 5}}}}"#.to_owned(),
                "a notional cannot be added to a ratio",
            ),
            (
                r#"{"changes": {"tail_age_ms": {"op": "add", "value": 5},
                    "engine": {"tail_age_ms": {"op": "add", "value": 6}}}}"#
                    .to_owned(),
                "`engine.tail_age_ms`: `tail_age_ms` is changed twice",
            ),
        ] {
            let error = error(&json);
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let json = r#"{"changes": {"engine": {"tail_age_ms": {"op": "set", "value": 1}, "max_age_ms": 2}}}"#;
        assert_eq!(error(json).matches("; ").count(), 1, "{}", error(json));
    }
}
