//! The house rules that the compiler does not know: which room may import which, and
//! that every file says what it is for.

#![expect(clippy::disallowed_methods, reason = "the rules are checked on the source files")]

mod checker;
mod house;

use std::fs;
use std::path::{Path, PathBuf};

use checker::Source;
use house::Graph;

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

/// What the tree may measure at most: code lines, files, entries of a folder, error enums, import cycles, files that a
/// KPI's value crosses from a file to the exit code, files that an alert crosses from the hook to the action.
const LIMITS: [(&str, usize); 7] = [
    ("code lines", 66_200),
    ("files", 353),
    ("entries of a folder", 16),
    ("error enums", 18),
    ("import cycles", 0),
    ("files from a value to the exit code", 12),
    ("files from an alert to the action", 14),
];

#[test]
fn the_house_keeps_its_measures() {
    let texts = sources();
    let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
    let parsed: Vec<Source> =
        texts.iter().map(|(name, text)| Source::parse(name, text).expect("it compiles")).collect();
    let graph = Graph::of(&parsed);
    let cycles = graph.cycles();
    for walk in [house::VALUE_WALK, house::ALERT_WALK] {
        for (at, name) in walk.iter().enumerate() {
            let is_linked = |other: &&str| graph.imports(name, other) || graph.imports(other, name);
            assert!(names.contains(name), "`src/{name}` is no file");
            assert!(at == 0 || walk.iter().any(is_linked), "`src/{name}` has no link to its walk");
        }
    }
    let (fullest, entries) = house::fullest_folder(&names);
    let code =
        texts.iter().filter(|(name, _)| !house::is_for_tests(name)).map(|(_, text)| house::code_lines(text));
    let measured = [
        code.sum(),
        names.len(),
        entries,
        parsed.iter().map(Source::error_enums).sum(),
        cycles.len(),
        house::VALUE_WALK.len(),
        house::ALERT_WALK.len(),
    ];
    println!("{:40} {:>8} {:>8}", "", "measured", "at most");
    for ((what, limit), value) in LIMITS.iter().zip(measured) {
        println!("{what:40} {value:>8} {limit:>8}");
    }
    println!("fullest folder: {fullest}");
    for cycle in &cycles {
        println!("cycle: {}", cycle.join(" "));
    }
    for ((what, limit), value) in LIMITS.iter().zip(measured) {
        assert!(value <= *limit, "{what}: {value}, at most {limit}");
    }
}
