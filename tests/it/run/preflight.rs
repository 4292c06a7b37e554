//! What a run needs at its end is tried before its first iteration, and by `--dry-run`.

use std::collections::BTreeMap;
use std::fs;

use super::Out;
use crate::it::support::{Ran, visible};

/// Everything in the folder that the test works in.
fn all(out: &Out) -> BTreeMap<String, Vec<u8>> {
    visible(out.path().parent().expect("a parent"))
}

/// Refused as it is and with `--dry-run`, with this exit code and these words, and nothing is left behind.
fn is_refused(out: &Out, args: &[&str], code: i32, words: &[&str]) {
    let before = all(out);
    for dry in [&[][..], &["--dry-run"]] {
        let args = [&["--detailed-exitcode"], dry, args].concat();
        let refused = out.run(&args);
        assert_eq!(refused.code, code, "{args:?}: {refused:?}");
        for word in words {
            assert!(refused.stderr.contains(word), "{args:?} without {word}: {}", refused.stderr);
        }
        assert_eq!(all(out), before, "{args:?}");
    }
}

#[test]
fn where_a_report_cannot_be_written_no_iteration_is_run() {
    let out = Out::new();
    let work = out.path().parent().expect("a parent").to_owned();
    fs::write(work.join("afile"), "x").expect("a file");
    fs::create_dir(work.join("folder")).expect("a folder");
    for flags in [
        &["--reports", "afile"][..],
        &["--reports", "afile/below"],
        &["--export-json", "afile/a.json"],
        &["--export-md", "folder"],
        &["--gate-summary", "afile/below/g.json"],
    ] {
        let args = [&["--mock", "--iterations", "2"], flags].concat();
        is_refused(&out, &args, 2, &[flags[1], "cannot be written", "hint:"]);
    }
    let fine = out.simulated(&["--iterations", "2", "--reports", "new/folder", "--dry-run"]);
    assert!(fine.stdout.contains("new/folder"), "{}", fine.stdout);
    assert!(!work.join("new").exists());
}

#[test]
fn where_tuned_values_cannot_be_adopted_no_iteration_is_run() {
    let out = Out::new();
    fs::write(out.path().parent().expect("a parent").join("afile"), "x").expect("a file");
    let args = ["--mock", "--iterations", "2", "--auto-tune", "--adopt", "--overrides", "afile/start.json"];
    is_refused(&out, &args[..], 4, &["afile"]);
}

#[cfg(unix)]
#[test]
fn an_isolated_run_is_refused_where_latest_is_a_link_or_a_file() {
    let out = Out::new();
    fs::create_dir_all(out.path().join("RUN_1")).expect("a folder");
    std::os::unix::fs::symlink("RUN_1", out.latest()).expect("a link");
    for isolated in [&["--run-isolated"][..], &[]] {
        let args = [&["--mock", "--iterations", "2"], isolated].concat();
        is_refused(&out, &args, 5, &["symbolic link", "hint: remove the link"]);
    }
    fs::remove_file(out.latest()).expect("removed");
    fs::write(out.latest(), "x").expect("a file");
    is_refused(&out, &["--mock", "--iterations", "2", "--run-isolated"], 5, &["is not a folder"]);
}

#[test]
fn a_notification_that_has_nowhere_to_go_stops_the_run() {
    let out = Out::new();
    for (flags, words) in [
        (&["--notify", "slack"][..], "SLACK_WEBHOOK"),
        (&["--notify", "webhook", "--webhook-url", "hooks.example.org/hush"], "URL"),
        (&["--notify", "slack", "--webhook-url", "http://hooks.example.org/hush"], "https://"),
        (
            &["--notify", "webhook", "--webhook-url", "https://hooks.example.org", "--chat-id", "7"],
            "--chat-id",
        ),
    ] {
        let args = [&["--mock", "--iterations", "2"], flags].concat();
        is_refused(&out, &args, 2, &[words]);
        assert!(!out.run(&args).stderr.contains("hush"));
    }
}

fn policy(out: &Out, text: &str) -> String {
    let file = out.path().parent().expect("a parent").join("p.toml");
    fs::write(&file, format!("schema_version = 1\n{text}")).expect("a policy");
    file.to_str().expect("a plain path").to_owned()
}

const SOFT: &str = "run_gates.latency_p95.severity = 'soft'
run_gates.hit_ratio.severity = 'soft'
run_gates.deadline_miss_rate.severity = 'soft'
run_gates.edge_bps.severity = 'soft'
";

#[test]
fn run_gates_that_decide_must_be_able_to_hold() {
    let out = Out::new();
    let wrong = policy(&out, "[run_gates.hit_ratio]\nmetric = 'mm_hit_ration'\n");
    let words = ["p.toml", "run_gates.hit_ratio.metric", "did you mean `mm_hit_ratio`?"];
    is_refused(&out, &["--mock", "--iterations", "2", "--policy", &wrong], 2, &words);
    let soft = policy(&out, SOFT);
    let noted = out.simulated(&["--hours", "1", "--policy", &soft]);
    assert!(noted.stderr.contains("no run gate of the policy is hard"), "{}", noted.stderr);
    // They are only listed where nobody asked for them.
    let listed = out.simulated(&["--iterations", "2", "--policy", &soft]);
    assert!(!listed.stderr.contains("no run gate"), "{}", listed.stderr);

    let unasked = policy(&out, "prometheus.mm_hit_ratio.enabled = false\n");
    let server = ["--prometheus-url", "http://127.0.0.1:9", "--policy", &unasked];
    let words = ["run_gates.hit_ratio", "`mm_hit_ratio`", "no query", "hint:"];
    is_refused(&out, &[&["--hours", "1"], &server[..]].concat(), 2, &words);
    let planned = out.run(&[&["--iterations", "2", "--dry-run"], &server[..]].concat());
    assert_eq!(planned.code, 0, "{planned:?}");
    // Whatever a report of a command holds is known when it is there.
    let planned = out.run(&["--hours", "1", "--dry-run", "--policy", &unasked, "--", "true"]);
    assert_eq!(planned.code, 0, "{planned:?}");
}

#[test]
fn a_policy_under_which_nothing_can_fail_judges_nothing() {
    let out = Out::new();
    out.simulated(&["--iterations", "8", "--auto-tune"]);
    let soft = policy(&out, "iteration_pass.severity = 'soft'\n");
    for command in ["gate", "analyze", "audit", "extract"] {
        let refused = out.soak(command, &["--policy", &soft]);
        assert_eq!(refused.code, 2, "{command}: {refused:?}");
        assert!(refused.stderr.contains("no hard limit"), "{}", refused.stderr);
    }
    let checked = crate::it::support::soak(&["config", "check", &soft]);
    assert_eq!(checked.code, 2, "{checked:?}");
}

#[test]
fn the_reports_of_a_complete_run_can_be_made_again_and_nothing_else_changes() {
    let out = Out::new();
    let work = out.path().parent().expect("a parent").to_owned();
    let first = out.run(&["--mock", "--hours", "2", "--auto-tune", "--reports", "first"]);
    // Start values of the next run, which the end of this one must not touch.
    let active = out.file("runtime_overrides.json");
    fs::write(&active, "{\"min_interval_ms\": 61}").expect("written");
    let before = visible(&out.path());
    let again = |args: &[&str]| -> Ran { out.run(&[&["--resume"], args].concat()) };
    let second = again(&["--reports", "second"]);
    assert_eq!(second.code, first.code, "{second:?}");
    assert!(visible(&out.path()) == before, "the run has changed");
    for name in ["soak_metrics.json", "SOAK_RESULTS.md", "gates_summary.json"] {
        let read = |folder: &str| fs::read(work.join(folder).join(name)).expect("a report");
        assert_eq!(read("first"), read("second"), "{name}");
    }
    let refused = again(&[]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("--reports") && refused.stderr.contains("--extend"),
        "{}",
        refused.stderr
    );
}
