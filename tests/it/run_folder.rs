//! A run is named by an argument or by the flag of old: both mean the same, and both at once are an error.

use std::fs;
use std::path::Path;

use super::support::{Folder, Ran, Run, program, ran};

/// Each command that looks at one run: its words, the flags of old, and what else it needs.
const COMMANDS: [(&str, &[&str], &[&str]); 11] = [
    ("gate", &["--path", "--base"], &["--format", "json"]),
    ("analyze", &["--path", "--base"], &["--format", "json"]),
    ("extract", &["--path", "--base"], &[]),
    ("audit", &["--path", "--base"], &["--format", "json"]),
    ("audit pr-summary", &["--path", "--base"], &[]),
    ("deltas verify", &["--path", "--base"], &["--format", "json"]),
    ("export-prom", &["--path", "--base"], &[]),
    ("selftest", &["--path", "--base"], &["--format", "json"]),
    ("release bundle", &["--src"], &["--out", "bundle", "--dry-run", "--format", "json"]),
    ("artifacts usage", &["--path"], &["--format", "json"]),
    ("artifacts rotate", &["--path"], &["--dry-run", "--format", "json"]),
];

fn run(run: &Folder, command: &str, named: &[&str], more: &[&str]) -> Ran {
    let mut called = program();
    called.current_dir(run.path()).env("SOAK_NOW", "2026-02-01T00:00:00Z");
    ran(called.args(command.split(' ')).args(named).args(more))
}

#[test]
fn an_argument_and_a_flag_mean_the_same_run_and_both_at_once_are_refused() {
    let folder = Run::releasable().in_temp_below("a run");
    // What the commands write is there already, so that every call finds the same.
    for command in ["audit", "gate", "deltas verify"] {
        assert_eq!(run(&folder, command, &["a run"], &[]).code, 0, "{command}");
    }
    for (command, flags, more) in COMMANDS {
        let named = run(&folder, command, &["a run"], more);
        assert_eq!(named.code, 0, "{command}: {}", named.stderr);
        for flag in flags {
            let flagged = run(&folder, command, &[flag, "a run"], more);
            assert_eq!(
                (named.code, &named.stdout, &named.stderr),
                (0, &flagged.stdout, &flagged.stderr),
                "{command}"
            );
            let both = run(&folder, command, &["a run", flag, "a run"], more);
            assert_eq!(both.code, 2, "{command} {flag}");
            assert!(both.stderr.contains("cannot be used with"), "{command} {flag}: {}", both.stderr);
        }
        let two = run(&folder, command, &["a run", "a run"], more);
        assert_eq!(two.code, 2, "{command}: {}", two.stdout);
    }
}

#[test]
fn two_runs_are_compared_in_the_order_in_which_they_are_named() {
    let (good, bad) = (Run::passing(8), Run::passing(8).failing(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let folder = good.in_temp_below("good");
    bad.write(&folder.file("bad"));
    let named = run(&folder, "compare", &["good", "bad"], &[]);
    let flagged = run(&folder, "compare", &["--a", "good", "--b", "bad"], &[]);
    assert_eq!((named.code, &named.stdout), (0, &flagged.stdout));
    assert_ne!(named.stdout, run(&folder, "compare", &["bad", "good"], &[]).stdout);
    for both in [
        &["good", "bad", "--a", "good"][..],
        &["good", "--b", "bad"],
        &["good", "bad", "good"],
        &["--a", "good"],
    ] {
        assert_eq!(run(&folder, "compare", both, &[]).code, 2, "{both:?}");
    }
}

#[test]
fn one_run_is_compared_with_the_baseline_in_the_store() {
    let folder = Run::passing(24).in_temp_below("run");
    assert_eq!(run(&folder, "compare baseline promote", &["run", "--store", "store"], &[]).code, 0);
    let named = run(&folder, "compare", &["run", "--store", "store", "--format", "json"], &[]);
    let flagged = run(&folder, "compare", &["--b", "run", "--store", "store", "--format", "json"], &[]);
    assert_eq!((named.code, &named.stdout), (0, &flagged.stdout));
    assert_eq!(named.json()["b"]["path"], "run");
    let two = run(&folder, "compare", &["run", "run", "--store", "store"], &[]);
    assert_eq!(two.code, 2);
    assert!(two.stderr.contains("cannot be used with"), "{}", two.stderr);
}

#[test]
fn the_pull_request_summary_takes_the_file_of_the_audit_or_the_folder_of_its_run() {
    let folder = Run::passing(16).in_temp_below("run");
    assert_eq!(run(&folder, "audit", &["run"], &[]).code, 0);
    let by_folder = run(&folder, "audit pr-summary", &["run"], &[]);
    let by_file =
        run(&folder, "audit pr-summary", &["run/reports/analysis/POST_SOAK_AUDIT_SUMMARY.json"], &[]);
    assert_eq!((by_folder.code, &by_folder.stdout), (0, &by_file.stdout));
    let other = run(&folder, "audit pr-summary", &["elsewhere"], &[]);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("elsewhere") && other.stderr.contains("hint: "), "{}", other.stderr);
}

#[test]
fn a_run_without_a_name_is_the_last_one() {
    let folder = Run::passing(8).in_temp_below("artifacts/soak/latest");
    assert_eq!(run(&folder, "gate", &[], &[]).code, 0);
    let bundle = run(&folder, "release bundle", &["--out", "bundle"], &[]);
    assert_eq!(bundle.code, 2);
    assert!(bundle.stderr.contains("<DIR>"), "{}", bundle.stderr);
    assert!(fs::exists(folder.path().join(Path::new("bundle"))).is_ok_and(|there| !there));
}
