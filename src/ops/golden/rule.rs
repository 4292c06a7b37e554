//! What holds at which places of a document: JSON pointers with `*` for any one key or index, and the file of
//! tolerances.

use std::fmt::Write as _;

use serde::Deserialize;

const NO_SLASH: &str = "a JSON pointer starts with `/`";
const TILDE: &str = "in a JSON pointer `~` is written `~0`, and `/` in a key `~1`";

/// One step from a value to one inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into an object.
    Key(&'a str),
    /// Into a list.
    Index(usize),
}

/// The JSON pointer (RFC 6901) of these steps.
pub fn pointer(steps: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in steps {
        pointer.push('/');
        match step {
            Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "{index}");
            }
        }
    }
    pointer
}

/// Places in a document: a pointer whose segments may be `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Any,
    Named(String),
}

impl Pattern {
    /// Reads a pattern; the empty one is the whole document.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let rest = text.strip_prefix('/').ok_or(NO_SLASH)?;
        rest.split('/').map(segment).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the value at the end of these steps is at a place of the pattern, or below one.
    pub fn covers(&self, steps: &[Step<'_>]) -> bool {
        let Self(segments) = self;
        segments.len() <= steps.len()
            && segments.iter().zip(steps).all(|(segment, step)| match (segment, step) {
                (Segment::Any, _) => true,
                (Segment::Named(name), Step::Key(key)) => name == key,
                (Segment::Named(name), Step::Index(index)) => *name == index.to_string(),
            })
    }
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    if text == "*" {
        return Ok(Segment::Any);
    }
    let mut parts = text.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_at_checked(1) {
            Some(("0", rest)) => name.extend(["~", rest]),
            Some(("1", rest)) => name.extend(["/", rest]),
            _ => return Err(TILDE),
        }
    }
    Ok(Segment::Named(name))
}

/// What holds at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Treatment {
    /// It is not compared.
    Ignore,
    /// Numbers may differ by this much.
    Within {
        /// Absolute difference.
        abs: f64,
        /// In relation to the larger of the two.
        rel: f64,
    },
}

/// A place and what holds there.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where.
    pub pattern: Pattern,
    /// What.
    pub treatment: Treatment,
}

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

/// Reads the rules, in their order.
/// TOML, or JSON of the same shape.
pub fn read(text: &str, is_json: bool) -> Result<Vec<Rule>, String> {
    let file: File = if is_json {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        toml::from_str(text).map_err(|error| error.to_string())?
    };
    file.tolerances.into_iter().map(rule).collect()
}

fn rule(entry: Entry) -> Result<Rule, String> {
    let Entry { path, abs, rel, ignore } = entry;
    let treatment = match (abs, rel, ignore) {
        (None, None, true) => Treatment::Ignore,
        (None, None, false) | (_, _, true) => {
            return Err(format!("`{path}` needs `abs`, `rel` or both, or only `ignore = true`"));
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
            assert!(entry(nothing_or_two).contains("or only `ignore = true`"), "{nothing_or_two}");
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
