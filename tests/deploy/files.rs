//! Files of the repository, as their readers see them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The path of a file or folder of the repository.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a file of the repository.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
}

/// A YAML file.
pub(crate) fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
}

/// The names of the files in a folder of the repository that end so, sorted.
pub(crate) fn names(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(path(folder)).unwrap_or_else(|error| panic!("`{folder}`: {error}"));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .filter(|name| name.ends_with(end))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no `*{end}` in `{folder}`");
    names
}

/// A list in a value.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text in a value.
pub(crate) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The cells of the rows of the tables below a heading of a Markdown file; without heads and rules.
pub(crate) fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let begins = text.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no `## {heading}`"));
    let below = &text[begins + 1..];
    let below = below[3..].find("\n## ").map_or(below, |ends| &below[..ends + 3]);
    let lines: Vec<&str> = below.lines().collect();
    let rule = lines.iter().position(|line| line.starts_with("| --")).expect("a table");
    lines[rule + 1..]
        .iter()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The `code` in a text.
pub(crate) fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}
