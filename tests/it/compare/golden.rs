//! Golden files: drift, tolerances, errors, update.

use std::fs;
use std::path::PathBuf;

use crate::it::support::{Ran, program, ran};
use serde_json::json;

struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn new(baseline: &str, actual: &str) -> Self {
        let pair = Self { folder: tempfile::tempdir().expect("a folder") };
        pair.write("golden.json", baseline);
        pair.write("actual.json", actual);
        pair
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("a file for tests");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    fn compare(&self, args: &[&str]) -> Ran {
        let files = ["--baseline", "golden.json", "--actual", "actual.json"];
        ran(program().current_dir(self.folder.path()).args(["compare", "golden"]).args(files).args(args))
    }
}

#[test]
fn equal_documents_have_no_drift_whatever_their_layout() {
    let pair = Pair::new("{\"a\": 1, \"b\": [2.0]}\r\n", "\u{feff}{\"b\":[2.0000000001],\"a\":1}");
    let Ran { code, stdout, stderr } = pair.compare(&["--fail-on-drift"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "no drift (2 values compared)\n", ""));
}

#[test]
fn every_difference_is_a_line_and_drift_fails_only_when_asked_for() {
    let pair = Pair::new(
        r#"{"a": {"x.y": 2.0, "gone": "é"}, "l": [1, 2], "n": 1, "t": "old"}"#,
        r#"{"a": {"x.y": 2.5}, "l": [1], "n": 1.0, "new": {"k": 1}, "t": "new"}"#,
    );
    let told = pair.compare(&[]);
    assert_eq!(told.code, 0);
    insta::assert_snapshot!(format!("{}(end)", told.stdout), @r#"
        /a/gone: missing, the baseline has "é"
        /a/x.y: 2.0 → 2.5 (apart 0.5, allowed 1e-9)
        /l: a list of 2 → a list of 1
        /n: integer 1 → float 1.0
        /t: "old" → "new"
        /new: extra, the baseline does not have it: an object of 1
        drift: 6 differences (3 values compared)
        (end)
        "#);
    let failed = pair.compare(&["--fail-on-drift", "--detailed-exitcode"]);
    assert_eq!((failed.code, failed.stdout), (1, told.stdout));
    let told = pair.compare(&["--format", "json", "--fail-on-drift"]).json();
    assert_eq!(
        (&told["drift"], &told["differences_count"], &told["exit_code"]),
        (&json!(true), &json!(6), &json!(1))
    );
    let difference = json!({"path": "/a/x.y", "kind": "number", "distance": 0.5, "abs": 1e-9, "rel": 0.0,
        "baseline": {"type": "float", "value": "2.0"}, "actual": {"type": "float", "value": "2.5"}});
    assert_eq!(told["differences"][1], difference);
}

#[test]
fn tolerances_flags_and_rules_decide_what_drift_is() {
    let pair = Pair::new(
        r#"{"gates": {"a": 1.0, "b": 100.0}, "n": 5, "utc": "then"}"#,
        r#"{"gates": {"a": 1.5, "b": 100.5}, "n": 6, "utc": "now"}"#,
    );
    pair.write(
        "t.toml",
        "[[tolerances]]\npath = \"/gates/*\"\nabs = 0.5\n[[tolerances]]\npath = \"/n\"\nrel = 0.2\n",
    );
    pair.write("t.json", r#"{"tolerances": [{"path": "/gates", "ignore": true}]}"#);
    let count = |args: &[&str]| {
        pair.compare(&[args, &["--format", "json"]].concat()).json()["differences_count"].clone()
    };
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&["--tolerance", "0.5"]), 2);
    assert_eq!(count(&["--tolerance", "0.49"]), 4);
    assert_eq!(count(&["--rel-tolerance", "0.01"]), 3);
    assert_eq!(count(&["--ignore", "/utc"]), 3);
    assert_eq!(count(&["--ignore", "/utc", "--ignore", "/gates/*", "--ignore", "/n"]), 0);
    assert_eq!(count(&["--tolerances", "t.toml"]), 1);
    assert_eq!(count(&["--tolerances", "t.json"]), 2);
    let nan = Pair::new("[NaN, 1, Infinity]", "[NaN, 1.0, Infinity]");
    assert_eq!(nan.compare(&["--fail-on-drift"]).code, 1);
    assert_eq!(nan.compare(&["--fail-on-drift", "--nan-equal"]).code, 1);
    assert_eq!(nan.compare(&["--fail-on-drift", "--nan-equal", "--int-equals-float"]).code, 0);
}

#[test]
fn a_missing_or_broken_file_is_an_error_with_and_without_the_flag() {
    for broken in ["golden.json", "actual.json"] {
        for content in [None, Some("{"), Some(r#"{"a": 1, "a": 1}"#)] {
            let pair = Pair::new("{}", "{}");
            match content {
                Some(content) => pair.write(broken, content),
                None => fs::remove_file(pair.path(broken)).expect("it was there"),
            }
            for args in [&[][..], &["--fail-on-drift"], &["--update"]] {
                let told = pair.compare(args);
                assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{broken} {content:?}");
                assert!(told.stderr.contains(&format!("`{broken}` cannot be compared: ")), "{}", told.stderr);
            }
            assert_eq!(pair.compare(&["--detailed-exitcode"]).code, 4);
        }
    }
}

#[test]
fn what_is_asked_for_wrongly_is_refused() {
    let pair = Pair::new("{}", "{}");
    pair.write("bad.toml", "[[tolerances]]\npath = \"x\"\nabs = 1\n");
    for wrong in [
        &["--tolerance", "-1"][..],
        &["--rel-tolerance", "NaN"],
        &["--ignore", "utc"],
        &["--tolerances", "bad.toml"],
        &["--tolerances", "missing.toml"],
        &["--update", "--fail-on-drift"],
    ] {
        assert_eq!(pair.compare(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn an_update_shows_the_drift_and_takes_over_the_bytes_of_the_actual_file() {
    let actual = "{\"b\": 2,\r\n \"a\": 1}";
    let pair = Pair::new(r#"{"a": 0, "b": 2}"#, actual);
    let told = pair.compare(&["--update"]);
    assert_eq!(
        (told.code, told.stdout.as_str()),
        (0, "/a: 0 → 1 (apart 1)\ndrift: 1 difference (2 values compared)\n")
    );
    assert_eq!(pair.text("golden.json"), actual);
    assert_eq!(fs::read_dir(pair.folder.path()).expect("a listing").count(), 2);
    let told = pair.compare(&["--update"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, "no drift (2 values compared)\n"));
}

#[test]
fn what_lies_within_the_tolerance_is_not_taken_over() {
    let pair = Pair::new("[1.0]", "[1.25]");
    assert_eq!(pair.compare(&["--update", "--tolerance", "0.25"]).code, 0);
    assert_eq!(pair.text("golden.json"), "[1.0]");
}

#[test]
fn the_output_is_bounded_and_harmless() {
    let list = |value: &str| format!("[{}]", vec![value; 1000].join(","));
    let told = Pair::new(&list("1"), &list("2")).compare(&[]);
    assert_eq!(told.stdout.lines().count(), 202);
    assert!(told.stdout.ends_with("… and 800 more\ndrift: 1000 differences (1000 values compared)\n"));
    let key = format!(r#"{{"\u001b[2J\u202e{}": "{}"}}"#, "k".repeat(100_000), "v".repeat(100_000));
    for format in ["text", "json"] {
        let told = Pair::new("{}", &key).compare(&["--format", format]).stdout;
        assert!(told.len() < 4_000 && !told.contains('\u{1b}'), "{}", told.len());
    }
    assert!(!Pair::new("{}", &key).compare(&[]).stdout.contains('\u{202e}'));
}
