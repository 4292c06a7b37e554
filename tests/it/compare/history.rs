//! The runs below a folder.

use std::path::Path;

use crate::it::support::{Ran, Run, Step, name, program, ran};
use serde_json::json;

/// Eight equal iterations, and a manifest that says when the run began.
fn run(net: f64, start: &str) -> Run {
    let steps = (1..=8).map(|number| Step { net, freeze: number == 6, ..Step::good(number) });
    let manifest = json!({"schema_version": "1.0", "iterations": 8, "state": "complete",
        "last_complete_iteration": 8, "source": "sim", "started_utc": start});
    steps.collect::<Run>().with_json("RUN_MANIFEST.json", &manifest)
}

fn history(folder: &Path, args: &[&str]) -> Ran {
    ran(program().args(["compare", "history"]).arg(folder).args(args))
}

/// Three runs, the newest in `latest` and, as an isolated one, beside it.
fn three() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let newest = run(3.0, "2026-01-03T00:00:00Z");
    newest.write(&folder.path().join("latest"));
    newest.write(&folder.path().join("RUN_1767398400000"));
    run(5.0, "2026-01-02T00:00:00Z").write(&folder.path().join("history/b"));
    // One o'clock in the zone one hour east is midnight.
    run(1.0, "2026-01-01T01:00:00+01:00").write(&folder.path().join("history/a"));
    folder
}

#[test]
fn every_run_is_a_line_in_the_order_of_their_starts() {
    let folder = three();
    let Ran { code, stdout, stderr } = history(folder.path(), &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    insta::assert_snapshot!(format!("{stdout}(end)"), @r"
        start                      source  verdict  maker_taker_ratio  net_bps  p95_latency_ms  risk_ratio  n  run
        2026-01-01T01:00:00+01:00  sim     FAIL     0.88               1        300             0.33        8  history/a
        2026-01-02T00:00:00Z       sim     PASS     0.88               5        300             0.33        8  history/b
        2026-01-03T00:00:00Z       sim     PASS     0.88               3        300             0.33        8  latest

        maker_taker_ratio  ▅▅▅  0.88 → 0.88
        net_bps            ▁█▅  1 → 3 bps
        p95_latency_ms     ▅▅▅  300 → 300 ms
        risk_ratio         ▅▅▅  0.33 → 0.33
        (end)
        ");
}

#[test]
fn the_newest_alone_are_shown_when_that_is_asked_for() {
    let folder = three();
    let told = history(folder.path(), &["--last", "2", "--format", "json"]).json();
    let paths: Vec<&str> = told["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| run["path"].as_str().expect("text"))
        .collect();
    assert_eq!(paths, ["history/b", "latest"]);
    assert_eq!((&told["found"], &told["trends"][1]["sparkline"]), (&json!(3), &json!("█▁")));
    let text = history(folder.path(), &["--last", "2", "--ascii"]).stdout;
    assert!(text.ends_with("the 2 newest of 3 runs\n") && text.contains("#-"), "{text}");
}

#[test]
fn a_run_without_a_manifest_begins_with_its_first_iteration() {
    let folder = tempfile::tempdir().expect("a folder");
    Run::passing(24).write(&folder.path().join("latest"));
    run(3.0, "2025-12-31T00:00:00Z").write(&folder.path().join("RUN_1"));
    let told = history(folder.path(), &["--format", "json"]).json();
    assert_eq!((&told["runs"][0]["path"], &told["runs"][1]["path"]), (&json!("RUN_1"), &json!("latest")));
    // The first iteration of a made-up run ends five minutes after midnight.
    assert_eq!(told["runs"][1]["start"], "2026-01-01T00:05:00Z");
    assert_eq!(told["runs"][1]["window"]["first"], 17);
}

#[test]
fn a_broken_run_is_a_line_with_its_verdict_and_markdown_keeps_its_cells() {
    let folder = tempfile::tempdir().expect("a folder");
    run(3.0, "2026-01-01T00:00:00Z").with(&name(8), "{").write(&folder.path().join("latest"));
    run(3.0, "2026|\u{1b}").write(&folder.path().join("history/odd"));
    let told = history(folder.path(), &["--format", "md"]);
    assert_eq!(told.code, 0);
    assert!(told.stdout.contains("| INVALID |") && told.stdout.contains(r"2026\|"), "{}", told.stdout);
    assert!(!told.stdout.contains('\u{1b}'));
}

#[test]
fn a_folder_without_runs_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = history(folder.path(), &["--detailed-exitcode"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (4, ""));
    assert!(empty.stderr.contains("there is no run in or below"), "{}", empty.stderr);
    assert_eq!(history(&folder.path().join("missing"), &[]).code, 1);
    assert_eq!(history(folder.path(), &["--last", "0"]).code, 2);
}
