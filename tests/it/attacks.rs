//! What enemies and accidents put into a folder, a flag or a stream: the program stays within its bounds and
//! its answers agree with each other.

use std::fs;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::it::support::{Run, Step, ran, soak, visible};

/// Gaps among the findings of a JSON result.
fn gaps(result: &Value) -> Vec<&str> {
    let findings = result["findings"].as_array().expect("findings").iter();
    findings.filter(|one| one["kind"] == "gap").filter_map(|one| one["message"].as_str()).collect()
}

#[test]
fn a_manifest_that_declares_a_hundred_million_iterations_costs_no_time() {
    let folder = Run::passing(24).declared(100_000_000, "complete", 100_000_000).in_temp();
    let started = Instant::now();
    let gated = folder.soak("gate", &["--format", "json"]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(gated.json()["outcome"], "INVALID");
    let files = &gated.json()["checks"][0];
    assert!(files["reason"].as_str().is_some_and(|reason| reason.contains("99999993-100000000")), "{files}");
    assert_eq!(
        gaps(&gated.json()),
        ["declared, and missing before the window: 25-99999992 (99999968 iterations)"]
    );
}

#[test]
fn a_window_longer_than_any_run_is_answered_at_once() {
    let folder = Run::passing(24).in_temp();
    let most = i64::MAX.to_string();
    let mut gate = folder.command("gate", &["--last-n", &most, "--format", "json"]);
    let gated = ran(gate.timeout(Duration::from_secs(20)));
    assert_eq!((gated.code, &gated.json()["outcome"]), (1, &json!("INCONCLUSIVE")));
}

#[test]
fn a_declared_iteration_that_is_missing_before_the_window_is_a_finding_and_no_verdict() {
    let folder = Run::passing(24).without("ITER_SUMMARY_3.json").declared(24, "complete", 24).in_temp();
    let gated = folder.soak("gate", &["--format", "json"]);
    assert_eq!(gated.json()["outcome"], "PASS");
    assert_eq!(gaps(&gated.json()), ["declared, and missing before the window: 3 (1 iteration)"]);
}

#[test]
fn a_gap_beyond_what_was_declared_does_not_count_rotated_iterations() {
    // 1 to 4 are declared, 2 and 3 rotated; of 6 to 13 nothing was said and 7 is not there.
    let rotated = json!({"schema_version": "1.0", "iterations": 4, "state": "complete",
                         "last_complete_iteration": 4, "rotated": [[2, 3]]});
    let run = Run::passing(13).without("ITER_SUMMARY_2.json").without("ITER_SUMMARY_3.json");
    let folder = run.without("ITER_SUMMARY_7.json").with_json("RUN_MANIFEST.json", &rotated).in_temp();
    let gated = folder.soak("gate", &["--format", "json"]);
    assert_eq!(gaps(&gated.json()), ["missing between the first and the last: 7 (1 iteration)"]);
    let reason = gated.json()["reason"].as_str().expect("a sentence").to_owned();
    assert!(reason.ends_with("beyond the 4 iterations that the run declared: 5-6, 8-13"), "{reason}");
}

#[test]
fn parts_that_add_up_beyond_every_number_leave_no_nan_behind() {
    let vast = |number| {
        let mut iteration = Step { freeze: number == 6, ..Step::good(number) }.json();
        for key in ["adverse_bps_p95", "slippage_bps_p95", "fees_bps"] {
            iteration["summary"][key] = json!(1.7e308);
        }
        iteration
    };
    let run =
        (1..=8).fold(Run::default(), |run, n| run.with_json(&format!("ITER_SUMMARY_{n}.json"), &vast(n)));
    let folder = run.in_temp();
    assert_eq!(folder.soak("gate", &["--prometheus"]).code, 0);
    for name in folder.written() {
        let text = folder.text(&name);
        let words = text.split(|letter: char| !letter.is_alphanumeric());
        assert!(!words.clone().any(|word| ["NaN", "inf", "Inf"].contains(&word)), "`{name}`: {text}");
    }
}

#[test]
fn a_symbol_cannot_put_a_workflow_command_at_the_start_of_a_line() {
    let hostile = |number: u64| {
        let mut iteration = Step::bad(number).json();
        iteration["symbol"] = json!("::error::owned");
        iteration
    };
    let run =
        (1..=8).fold(Run::default(), |run, n| run.with_json(&format!("ITER_SUMMARY_{n}.json"), &hostile(n)));
    let folder = run.in_temp();
    for command in ["gate", "analyze"] {
        let told = folder.soak(command, &[]).stdout;
        assert!(told.contains("::error::owned"), "{told}");
        assert!(!told.lines().any(|line| line.trim_start().starts_with("::")), "{told}");
    }
}

#[test]
fn the_exit_code_in_the_result_is_the_one_the_command_ends_with() {
    let folder = Run::passing(8).in_temp();
    // Below a file nothing can be written.
    let nowhere = folder.file("ITER_SUMMARY_1.json").join("nowhere");
    let nowhere = nowhere.to_str().expect("a plain path");
    for (command, flag) in [("gate", "--junit"), ("gate", "--out"), ("analyze", "--out")] {
        let told = folder.soak(command, &[flag, nowhere, "--format", "json", "--detailed-exitcode"]);
        assert_eq!(told.code, 5, "{command} {flag}: {}", told.stderr);
        assert_eq!(told.json()["exit_code"], 5, "{command} {flag}");
    }
    let mut github = folder.command("gate", &["--github", "--format", "json", "--detailed-exitcode"]);
    let told = ran(github.env("GITHUB_STEP_SUMMARY", nowhere));
    assert_eq!((told.code, &told.json()["exit_code"]), (5, &json!(5)), "{}", told.stderr);
}

#[test]
fn without_annotations_github_and_json_say_nothing_on_stderr() {
    let folder = Run::passing(24).in_temp();
    assert_eq!(folder.soak("gate", &["--github", "--format", "json"]).stderr, "");
}

#[cfg(unix)]
#[test]
fn a_junit_report_goes_into_a_pipe_and_never_in_its_place() {
    use std::os::unix::fs::FileTypeExt;

    let folder = Run::passing(8).in_temp();
    let pipe = folder.file("pipe");
    let made = Process::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let reader =
        Process::new("timeout").arg("20").arg("cat").arg(&pipe).stdout(Stdio::piped()).spawn().expect("cat");
    let gated = folder.soak("gate", &["--junit", pipe.to_str().expect("a plain path")]);
    let read = reader.wait_with_output().expect("what went through");
    assert_eq!(gated.code, 0, "{}", gated.stderr);
    assert!(fs::symlink_metadata(&pipe).expect("still there").file_type().is_fifo());
    assert!(String::from_utf8_lossy(&read.stdout).trim_end().ends_with("</testsuites>"));
}

#[cfg(target_os = "linux")]
#[test]
fn log_lines_that_cannot_be_written_do_not_change_the_exit_code() {
    let folder = Run::passing(8).in_temp();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let mut gate = Process::new(env!("CARGO_BIN_EXE_soak"));
    gate.args(["gate", "-vvv", "--path"]).arg(folder.path()).stdout(Stdio::null()).stderr(full);
    assert_eq!(gate.status().expect("it starts").code(), Some(0));
    assert!(visible(folder.path()).contains_key("POST_SOAK_SNAPSHOT.json"));
}

#[test]
fn more_iterations_than_declared_are_invalid() {
    let place = Run::passing(10).declared(8, "complete", 8).in_temp();
    let told = place.soak("gate", &["--format", "json"]).json();
    let reason = told["reason"].as_str().expect("a sentence");
    assert!(reason.ends_with("beyond the 8 iterations that the run declared: 9-10"), "{reason}");
    assert_eq!(told["outcome"], "INVALID");
}

#[test]
fn a_policy_with_countless_errors_is_refused_in_few_lines_without_control_characters() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.toml");
    let keys: Vec<String> = (0..500).map(|n| format!("\"key{n}\\u202e\\u001b[31m\" = 1")).collect();
    fs::write(&file, format!("schema_version = 1\n{}\n", keys.join("\n"))).expect("a file");
    let told = soak(&["config", "check", file.to_str().expect("plain")]);
    assert_eq!(told.code, 2);
    assert!(told.stderr.lines().count() < 60, "{}", told.stderr.lines().count());
    assert!(told.stderr.contains("and 450 more errors"), "{}", told.stderr);
    assert!(!told.stderr.contains(['\u{202e}', '\u{1b}']), "{}", told.stderr);
}
