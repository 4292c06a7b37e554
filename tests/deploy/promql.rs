//! Names of metrics in an expression of Prometheus.

use std::collections::BTreeSet;

/// Words of the language that are no metrics.
const WORDS: [&str; 14] = [
    "and",
    "or",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "offset",
    "inf",
    "nan",
    "e",
];
/// Words that a list of labels follows.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The metrics that an expression asks for. Good for the expressions of this repository, and no parser.
pub(crate) fn metrics(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = without_matchers(expression);
    while let Some(begins) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
        // A number such as 5m or 1e3 is no name.
        let is_in_number =
            rest[..begins].chars().next_back().is_some_and(|c| c.is_ascii_digit() || c == '.' || c == '$');
        let tail = &rest[begins..];
        let ends =
            tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(tail.len());
        let (word, after) = (&tail[..ends], tail[ends..].trim_start());
        let mut next = tail[ends..].to_owned();
        if BEFORE_LABELS.contains(&word.to_lowercase().as_str()) {
            if let Some((_, behind)) = after.split_once(')').filter(|_| after.starts_with('(')) {
                behind.clone_into(&mut next);
            }
        } else if !is_in_number && !is_call(after) && !WORDS.contains(&word.to_lowercase().as_str()) {
            found.insert(word.to_owned());
        }
        rest = next;
    }
    found
}

/// Whether what follows a word makes it a function or an aggregation.
fn is_call(after: &str) -> bool {
    after.starts_with('(')
        || ["by ", "by(", "without ", "without("].iter().any(|word| after.starts_with(word))
}

/// Takes out texts, label matchers and ranges.
fn without_matchers(expression: &str) -> String {
    let mut kept = String::new();
    let (mut depth, mut quote) = (0_u32, None);
    for c in expression.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth -= 1,
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// The family behind a series of a histogram.
pub(crate) fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

#[test]
fn names_are_found_and_labels_functions_and_numbers_are_not() {
    let found = |expression| metrics(expression).into_iter().collect::<Vec<_>>();
    assert_eq!(
        found("histogram_quantile(0.95, sum by (env, le) (rate(a_bucket{stage=\"x{y\"}[5m]))) > 1e3"),
        ["a_bucket"]
    );
    assert_eq!(
        found("up{job='a'} == 1 unless on (env) b and c:d:e_rate5m offset 5m"),
        ["b", "c:d:e_rate5m", "up"]
    );
    assert_eq!(found("time() - x / 60 or x @ start()"), ["x"]);
    assert_eq!(found("vector(1)"), Vec::<String>::new());
}
