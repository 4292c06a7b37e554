//! Reads a file of tolerances for the golden comparison: TOML, or JSON of the same shape.

use serde::Deserialize;

use crate::core::golden::{Pattern, Rule, Treatment};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tolerances: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    abs: Option<f64>,
    rel: Option<f64>,
    #[serde(default)]
    ignore: bool,
}

/// Reads the rules, in their order. The error is why the file holds none.
pub fn read(text: &str, is_json: bool) -> Result<Vec<Rule>, String> {
    let file: File = if is_json {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        toml::from_str(text).map_err(|error| error.to_string())?
    };
    file.tolerances.into_iter().map(rule).collect()
}

fn rule(Entry { path, abs, rel, ignore }: Entry) -> Result<Rule, String> {
    let treatment = match (abs, rel, ignore) {
        (None, None, true) => Treatment::Ignore,
        (None, None, false) | (_, _, true) => {
            return Err(format!("`{path}` needs `abs`, `rel` or both, or `ignore = true` alone"));
        }
        (abs, rel, false) => Treatment::Within { abs: abs.unwrap_or(0.0), rel: rel.unwrap_or(0.0) },
    };
    if [abs, rel].into_iter().flatten().any(|value| !value.is_finite() || value < 0.0) {
        return Err(format!("a tolerance of `{path}` is not a number from 0 on"));
    }
    let pattern =
        Pattern::parse(&path).map_err(|reason| format!("the path `{path}` cannot be used: {reason}"))?;
    Ok(Rule { pattern, treatment })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(toml: &str) -> String {
        read(toml, false).expect_err(toml)
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = r#"
            tolerances = [{ path = "/a/*", abs = 0.5, rel = 0.01 }, { path = "/b", ignore = true }]"#;
        let json =
            r#"{"tolerances": [{"path": "/a/*", "abs": 0.5, "rel": 0.01}, {"path": "/b", "ignore": true}]}"#;
        let pattern = |text| Pattern::parse(text).expect(text);
        let expected = [
            Rule { pattern: pattern("/a/*"), treatment: Treatment::Within { abs: 0.5, rel: 0.01 } },
            Rule { pattern: pattern("/b"), treatment: Treatment::Ignore },
        ];
        assert_eq!(read(toml, false).expect("TOML"), expected);
        assert_eq!(read(json, true).expect("JSON"), expected);
        let whole = read("tolerances = [{ path = \"\", rel = 1 }]", false).expect("a whole number");
        assert_eq!(whole[0].treatment, Treatment::Within { abs: 0.0, rel: 1.0 });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let entry = |content: &str| error(&format!("[[tolerances]]\npath = \"/a\"\n{content}"));
        for nothing_or_two in ["", "ignore = false", "ignore = true\nabs = 1.0"] {
            assert!(entry(nothing_or_two).contains("or `ignore = true` alone"), "{nothing_or_two}");
        }
        for number in ["-1e-9", "nan", "inf"] {
            assert!(entry(&format!("abs = {number}")).contains("not a number from 0 on"), "{number}");
        }
        assert!(entry("absolute = 1").contains("unknown field `absolute`"));
        assert!(error("").contains("missing field `tolerances`"));
        assert!(error("[[tolerances]]\npath = \"a\"\nabs = 1").contains("starts with `/`"));
        assert!(read("[", true).is_err());
    }
}
