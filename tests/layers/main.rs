//! The house rules that the compiler does not know: which room may import which, and
//! that every file says what it is for.

#![expect(clippy::disallowed_methods, reason = "the rules are checked on the source files")]

mod checker;

use std::fs;
use std::path::{Path, PathBuf};

use checker::Source;

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All Rust files below `folder`, sorted.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).expect("the source folder can be read");
    for entry in entries {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Every source file with its name below `src`, with slashes.
fn sources() -> Vec<(String, String)> {
    let root = source_root();
    let files = rust_files(&root);
    assert!(files.len() > 10, "only {} source files found below `{}`", files.len(), root.display());
    files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("below the root");
            let name = name.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            (name, fs::read_to_string(path).expect("a source file can be read"))
        })
        .collect()
}

fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn imports_go_in_one_direction() {
    let violations: Vec<String> = sources()
        .iter()
        .flat_map(|(name, text)| match Source::parse(name, text) {
            Ok(source) => source.violations(),
            Err(error) => vec![format!("src/{name}: {error}")],
        })
        .collect();
    none(&violations);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let violations: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| format!("src/{name} does not start with `//!`"))
        .collect();
    none(&violations);
}
