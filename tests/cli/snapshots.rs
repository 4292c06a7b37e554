//! What the commands say of a fixture and of a simulated run: exit code, stdout and stderr in one snapshot each.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "these tests make folders and start the program")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::it::support;

/// Runs the command lines one after the other in a folder of their own and holds what they say against the
/// snapshot of this name. There, `run` passes the gate, `base` is warned about, `log.jsonl` is the log of a
/// rollback, and `seeded/latest` is a simulated run, where a command line names it.
fn snapshot(name: &str, lines: &[&str]) {
    let place = tempfile::tempdir().expect("a folder");
    let of = |below: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    for (fixture, folder) in [("pass24", "run"), ("warn_five_of_eight", "base")] {
        let folder = place.path().join(folder);
        fs::create_dir(&folder).expect("a folder");
        for entry in fs::read_dir(of("fixtures").join(fixture)).expect("a fixture") {
            let entry = entry.expect("a file");
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy");
        }
    }
    fs::copy(of("tests/cli/rollback_log.jsonl"), place.path().join("log.jsonl")).expect("a copy");
    let say = |line: &str| {
        let mut command = support::program();
        command.args(line.split(' ')).current_dir(place.path()).env("SOAK_NOW", "2026-03-01T12:00:00Z");
        support::ran(&mut command)
    };
    if lines.iter().any(|line| line.contains("seeded/latest")) {
        say(SEEDED);
    }
    let mut shown = String::new();
    for line in lines {
        let support::Ran { code, stdout, stderr } = say(line);
        let _ = write!(
            shown,
            "$ soak {line}\n--- exit code {code}\n--- stdout\n{stdout}--- stderr\n{stderr}--- end\n"
        );
    }
    let shown: String = shown.split_inclusive('\n').filter(|line| !is_of_the_machine(line)).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// The manifest of a run names the host and the process: sizes, their sums and digests differ by machine.
fn is_of_the_machine(line: &str) -> bool {
    let starts =
        ["    - RUN_", "  Files found:", "  POST_SOAK_AUDIT.md ", "Bundle-SHA256:", "  \"bundle_sha256\":"];
    starts.iter().any(|start| line.starts_with(start))
        || line.contains(" files, ") && line.ends_with(" bytes\n")
}

const SEEDED: &str = "run --mock --seed 7 --auto-tune --iterations 24 --out seeded -q";

macro_rules! snapshots {
    ($($name:ident: $($line:literal),+;)+) => {
        $(
            #[test]
            fn $name() {
                snapshot(stringify!($name), &[$($line),+]);
            }
        )+
    };
}

snapshots! {
    analyze_fixture: "analyze --path run";
    analyze_seed: "analyze --path seeded/latest";
    audit_fixture: "audit --path run";
    audit_seed: "audit --path seeded/latest --fail-on-hold";
    compare_fixture_as_csv: "compare --a base --b run --format csv";
    compare_fixture_as_json: "compare --a base --b run --format json";
    compare_fixture_as_md: "compare --a base --b run --format md";
    compare_fixture_as_text: "compare --a base --b run --format text";
    compare_seed_as_csv: "compare --a run --b seeded/latest --format csv";
    compare_seed_as_json: "compare --a run --b seeded/latest --format json";
    compare_seed_as_md: "compare --a run --b seeded/latest --format md";
    compare_seed_as_text: "compare --a run --b seeded/latest --format text --fail-on-regression";
    gate_fixture: "gate --path run";
    gate_fixture_that_is_warned_about: "gate --path base --fail-on warn";
    gate_seed: "gate --path seeded/latest";
    gate_seed_as_json: "gate --path seeded/latest --format json";
    release_bundle_and_verify_seed:
        "release bundle --src seeded/latest --out bundle --rehearsal --commit 0123456789abcdef0123456789abcdef01234567",
        "release verify bundle",
        "release verify bundle --format json";
    release_bundle_of_a_run_without_profile:
        "release bundle --src run --out bundle --commit 0123456789abcdef0123456789abcdef01234567",
        "release verify bundle";
    rollback_log_show: "rollback log show log.jsonl";
    rollback_log_show_as_json: "rollback log show log.jsonl --format json";
    run_seed_as_json: "run --mock --seed 7 --auto-tune --iterations 24 --out out --format json -q";
    run_seed_as_text: "run --mock --seed 7 --auto-tune --iterations 24 --out out";
    run_seed_that_fails: "run --mock --seed 7 --scenario always-bad --auto-tune --iterations 12 --out out -q", "gate --path out/latest";
}
