//! `soak artifacts usage`.

use std::fs;

use super::{Out, artifacts};

#[test]
fn usage_shows_each_run_and_what_a_rotation_would_free() {
    let out = Out::new();
    out.add("latest", 12, "2026-01-02T00:00:00Z");
    out.add("history/old", 3, "2025-01-01T00:00:00Z");
    fs::write(out.path().join("history/old/.soak-ballast"), vec![b'x'; 2048]).expect("a file");
    let before = crate::it::support::visible(out.path());
    let told = artifacts("usage", out.path(), &["--format", "json"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let usage = told.json();
    let size = |folder: &str| -> u64 {
        let entries = fs::read_dir(out.path().join(folder)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").metadata().expect("a file").len()).sum()
    };
    let runs = usage["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["run"], "latest");
    assert_eq!(
        (&runs[0]["iterations"], &runs[0]["first"], &runs[0]["last"]),
        (&12.into(), &1.into(), &12.into())
    );
    assert_eq!(runs[0]["bytes"], size("latest"));
    assert_eq!(runs[1]["standing"], "former");
    assert_eq!(usage["bytes"], size("latest") + size("history/old"));
    assert_eq!(usage["would_free_bytes"], size("history/old"));
    let text = artifacts("usage", out.path(), &[]).stdout;
    assert!(text.contains("latest") && text.contains("1-12") && text.contains("would free"), "{text}");
    assert_eq!(crate::it::support::visible(out.path()), before, "nothing is written");
}

#[test]
fn usage_of_an_empty_folder_says_so_and_of_none_is_an_error() {
    let out = Out::new();
    let empty = artifacts("usage", out.path(), &[]);
    assert_eq!((empty.code, empty.stdout.lines().next()), (0, Some("there is no run")));
    assert_eq!(artifacts("usage", &out.path().join("nowhere"), &[]).code, 1);
}
