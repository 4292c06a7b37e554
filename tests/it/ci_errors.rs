//! Errors reach CI: what was asked for is written also where nothing could be judged.

use std::fs;

use serde_json::json;

use super::gate_ci::{elements, keeps_to_jenkins};
use super::support::{Folder, Ran, Run, program, ran, visible};

/// An empty place with an older report that says that all is well.
fn place() -> Folder {
    let place = Run::default().in_temp();
    fs::write(place.file("ci.xml"), "<testsuites tests=\"1\" failures=\"0\"/>").expect("a file");
    fs::write(place.file("broken.toml"), "schema_version = 1\nno_such_table = 3\n").expect("a file");
    place
}

fn told(place: &Folder, words: &str) -> Ran {
    let mut command = program();
    command.current_dir(place.path()).env("GITHUB_STEP_SUMMARY", place.file("summary.md"));
    ran(command.args(words.split(' ')).args(["--junit", "ci.xml", "--github", "--detailed-exitcode"]))
}

/// Command line, exit code, what the reason says.
const CASES: [(&str, i32, &str); 9] = [
    ("gate --path gone", 4, "there is no folder `gone`"),
    ("analyze --path gone", 4, "there is no folder `gone`"),
    ("audit --path gone", 4, "there is no folder `gone`"),
    (
        "release canary check --path gone --since 2026-01-01T00:00:00Z --canary-run gone",
        4,
        "there is no folder `gone`",
    ),
    ("gate --path . --policy broken.toml", 2, "no_such_table"),
    ("audit --path . --policy gone.toml", 2, "`gone.toml` cannot be read"),
    ("analyze --path . --symbol BTCUSDT", 4, "no symbol `BTCUSDT`"),
    ("gate --path . --last-n 0", 2, "invalid value '0' for '--last-n <N>'"),
    ("release canary check --since 2026-01-01T00:00:00Z", 2, "the canary has no limits"),
];

#[test]
fn an_error_is_one_case_in_every_form_and_an_older_report_does_not_survive() {
    for (words, code, reason) in CASES {
        let place = place();
        let ended = told(&place, words);
        assert_eq!(ended.code, code, "{words}: {}", ended.stderr);
        let xml = place.text("ci.xml");
        keeps_to_jenkins(&xml);
        let found = elements(&xml);
        let suite = &found.iter().find(|(name, _)| name == "testsuite").expect("a suite").1;
        let count = |key: &str| suite[key].clone();
        assert_eq!([count("tests"), count("errors"), count("failures")], ["1", "1", "0"], "{words}");
        assert_eq!(suite.get("timestamp"), None);
        let error = &found.iter().find(|(name, _)| name == "error").expect("an error").1["message"];
        let plain = error.replace("&apos;", "'").replace("&lt;", "<").replace("&gt;", ">");
        assert!(plain.contains(reason), "{words}: {plain}");
        let errors: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
        assert_eq!(errors.len(), 1, "{words}: {}", ended.stdout);
        assert!(place.text("summary.md").contains(": INVALID\n"), "{words}");
        let left: Vec<String> = visible(place.path()).into_keys().collect();
        assert_eq!(left, ["broken.toml", "ci.xml", "summary.md"], "{words}: nothing else is created");
    }
}

#[test]
fn the_json_that_was_asked_for_is_the_error() {
    for (words, code, reason) in CASES {
        let place = place();
        let ended = told(&place, &format!("{words} --format json"));
        let json = ended.json();
        assert_eq!((&json["outcome"], &json["verdict"]), (&"INVALID".into(), &"FAIL".into()), "{words}");
        assert_eq!(json["exit_code"], code, "{words}");
        assert!(json["reason"].as_str().is_some_and(|told| told.contains(reason)), "{words}: {json}");
        assert!(ended.stderr.contains("::error "), "{words}: {}", ended.stderr);
    }
}

#[test]
fn without_the_flags_an_error_writes_nothing() {
    let place = Run::default().in_temp();
    let ended = ran(program().current_dir(place.path()).args(["gate", "--path", "gone"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(visible(place.path()).is_empty());
}

#[test]
fn a_folder_without_iterations_is_one_report_too() {
    let place = place();
    for command in ["gate --path .", "analyze --path .", "audit --path ."] {
        assert_ne!(told(&place, command).code, 2);
        let xml = place.text("ci.xml");
        keeps_to_jenkins(&xml);
        assert!(xml.contains("there is no iteration to judge"), "{command}: {xml}");
    }
}

/// One sentence, wherever a reader looks.
#[test]
fn the_cause_is_the_same_sentence_in_every_output() {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    let cause = "`net_bps` is below 2.70 in 4 of 8 iterations (2-5), lowest 1.00";
    let report = place.file("ci.xml");
    let gate = ran(place
        .command("gate", &["--github", "--junit", report.to_str().expect("plain")])
        .env("GITHUB_STEP_SUMMARY", place.file("summary.md")));
    let plain = |name: &str| place.text(name).replace("\\_", "_").replace("\\`", "`");
    let banner = plain("reports/analysis/report.html").replace("<code>", "`").replace("</code>", "`");
    for (what, text) in [
        ("terminal", &gate.stdout),
        ("JUnit", &plain("ci.xml")),
        ("summary", &plain("summary.md")),
        ("page", &banner),
        ("snapshot", &plain("POST_SOAK_SNAPSHOT.json")),
        ("snapshot 1.2", &plain("reports/analysis/POST_SOAK_SNAPSHOT.json")),
        ("audit", &plain("POST_SOAK_AUDIT.md")),
        ("recommendations", &plain("RECOMMENDATIONS.md")),
        ("failures", &plain("FAILURES.md")),
    ] {
        assert!(text.contains(cause), "{what}: {text}");
    }
    let symbols = Run::symbols_failing(5).in_temp().soak("gate", &["--format", "json"]).json();
    let reason = symbols["reason"].as_str().expect("text");
    assert!(
        reason.starts_with("S00: `net_bps` is below 2.70 in 8 of 8 iterations (1-8), lowest 1.00"),
        "{reason}"
    );
    assert!(reason.ends_with("; also FAIL: S01, S02, S03 and 1 more"), "{reason}");
}

#[test]
fn simulated_data_says_so_in_every_output() {
    let place = Run::passing(16).edit(3, |json| json["source"] = "sim".into()).in_temp();
    let report = place.file("ci.xml");
    let gate = ran(place
        .command("gate", &["--github", "--prometheus", "--junit", report.to_str().expect("plain")])
        .env("GITHUB_STEP_SUMMARY", place.file("summary.md")));
    assert_eq!(gate.code, 0, "{}", gate.stdout);
    let audit = place.soak("audit", &[]);
    let request = place.soak("audit pr-summary", &[]);
    for (what, text) in [
        ("terminal", gate.stdout.clone()),
        ("JSON", place.soak("gate", &["--format", "json"]).stdout),
        ("JUnit", place.text("ci.xml")),
        ("summary", place.text("summary.md")),
        ("page", place.text("reports/analysis/report.html")),
        ("snapshot", place.text("POST_SOAK_SNAPSHOT.json")),
        ("snapshot 1.2", place.text("reports/analysis/POST_SOAK_SNAPSHOT.json")),
        ("report", place.text("POST_SOAK_AUDIT.md")),
        ("recommendations", place.text("RECOMMENDATIONS.md")),
        ("audit", audit.stdout),
        ("audit's report", place.text("reports/analysis/POST_SOAK_AUDIT_SUMMARY.md")),
        ("pull request", request.stdout),
    ] {
        assert!(text.contains("SIMULATED: "), "{what}: {text}");
        for claim in ["READY FOR RELEASE", "READY_TO_FREEZE", "may be frozen", "build released"] {
            assert!(!text.contains(claim), "{what} claims `{claim}`: {text}");
        }
    }
    assert!(place.text("POST_SOAK_METRICS.prom").contains("soak_data_simulated 1\n"));
    assert!(place.text("ci.xml").contains("<property name=\"simulated\" value=\"true\"/>"));
}

#[test]
fn a_source_that_is_not_recorded_is_said_and_claims_nothing() {
    let place = Run::passing(16).in_temp();
    let gate = place.soak("gate", &[]);
    assert_eq!(gate.code, 0, "{}", gate.stdout);
    assert!(gate.stdout.contains("Source:       not recorded\n"), "{}", gate.stdout);
    assert!(gate.stdout.contains("next: a release needs a run whose source is recorded"), "{}", gate.stdout);
    let audit = place.soak("audit", &[]).stdout;
    assert!(audit.contains("READINESS OK (source not recorded: not valid for a release)"), "{audit}");
    let real = Run::releasable().in_temp();
    assert!(real.soak("audit", &[]).stdout.contains("READY FOR RELEASE\n"));
    let relaxed = real.soak("audit", &["--mock"]).stdout;
    assert!(
        relaxed.contains("READINESS OK (relaxed limits of `--mock`: not valid for a release)"),
        "{relaxed}"
    );
    let real = Run::releasable().in_temp().soak("gate", &[]).stdout;
    assert!(real.contains("next: the gate accepts the build, and the overrides may be frozen"), "{real}");
}

/// Failures and errors of a report, and the messages of the cases that are not skipped.
fn red(place: &Folder) -> (String, Vec<String>) {
    let xml = place.text("ci.xml");
    keeps_to_jenkins(&xml);
    let found = elements(&xml);
    let suite = &found.iter().find(|(name, _)| name == "testsuite").expect("a suite").1;
    let told = found.iter().filter(|(name, _)| name == "error" || name == "failure");
    let counts = format!("{} failures, {} errors", suite["failures"], suite["errors"]);
    (counts, told.map(|(_, attributes)| attributes["message"].clone()).collect())
}

fn in_ci(place: &Folder, command: &str, more: &[&str]) -> Ran {
    let report = place.file("ci.xml");
    let args = ["--github", "--junit", report.to_str().expect("plain")];
    ran(place
        .command(command, &[&args[..], more].concat())
        .env("GITHUB_STEP_SUMMARY", place.file("summary.md")))
}

#[test]
fn what_fails_a_passing_run_is_in_every_form() {
    for (command, more, reason) in [
        ("gate", &["--compare", "gone.json", "--require-baseline"][..], "gone.json"),
        ("gate", &["--out", "/dev/null/x"], "/dev/null"),
        ("analyze", &["--out", "/dev/null/x"], "/dev/null"),
        ("audit", &["--out", "/dev/null/x"], "/dev/null"),
    ] {
        let place = Run::passing(16).in_temp();
        let ended = in_ci(&place, command, &[more, &["--format", "json"]].concat());
        assert_eq!(ended.code, 1, "{command} {more:?}: {}", ended.stderr);
        let (counts, messages) = red(&place);
        assert_eq!(counts, "0 failures, 1 errors", "{command} {more:?}");
        assert!(messages[0].contains(reason), "{messages:?}");
        assert_eq!(ended.stderr.lines().filter(|line| line.starts_with("::error ")).count(), 1);
        let error = ended.json()["error"].as_str().map(str::to_owned).expect("an error");
        assert!(error.contains(reason), "{error}");
        let summary = place.text("summary.md");
        assert!(summary.contains("(the command failed)") && summary.contains("| INVALID |"), "{summary}");
    }
}

#[test]
fn a_flag_that_fails_the_command_is_a_failure_in_every_form() {
    let place = Run::passing(8).failing(&[2, 3, 4]).in_temp();
    let quiet = in_ci(&place, "gate", &[]);
    assert_eq!(quiet.code, 0, "{}", quiet.stdout);
    assert_eq!(red(&place).0, "0 failures, 0 errors");
    let ended = in_ci(&place, "gate", &["--fail-on", "warn"]);
    assert_eq!(ended.code, 1, "the verdict is WARN: {}", ended.stdout);
    let (counts, messages) = red(&place);
    assert_eq!(counts, "1 failures, 0 errors");
    assert!(messages[0].contains("`--fail-on warn` fails the command, the verdict is WARN"), "{messages:?}");
    assert_eq!(ended.stdout.lines().filter(|line| line.starts_with("::error ")).count(), 1);
    assert!(place.text("summary.md").contains("(the command failed)"));
}

#[test]
fn where_nothing_could_be_judged_there_is_one_error() {
    for damaged in [false, true] {
        for command in ["gate", "analyze", "audit"] {
            let place = Run::default().in_temp();
            if damaged {
                fs::write(place.file("ITER_SUMMARY_1.json"), "{").expect("a file");
                fs::write(place.file("ITER_SUMMARY_2.json"), "{").expect("a file");
            }
            let ended = in_ci(&place, command, &["--format", "json"]);
            assert_eq!(ended.code, 1, "{command}: {}", ended.stderr);
            let json = ended.json();
            assert_eq!(json["outcome"], "INVALID", "{command}");
            for check in json["checks"].as_array().expect("checks") {
                assert_ne!(check["outcome"], "PASS", "{check}");
            }
            assert_eq!(red(&place).0, "0 failures, 1 errors", "{command}");
            assert!(place.text("ci.xml").contains("tests=\"1\""), "{}", place.text("ci.xml"));
            assert_eq!(
                ended.stderr.lines().filter(|line| line.starts_with("::")).count(),
                1,
                "{}",
                ended.stderr
            );
            let rows = place.text("summary.md").lines().filter(|line| line.starts_with("| INV")).count();
            assert_eq!(rows, 1, "{command}");
        }
    }
}

#[test]
fn an_iteration_that_names_no_source_leaves_the_source_of_the_whole_unknown() {
    let run = (1..=16)
        .fold(Run::passing(16), |run, number| run.edit(number, |value| value["source"] = json!("exec")));
    let named = |place: &Folder| place.soak("gate", &[]).stdout;
    assert!(!named(&run.clone().in_temp()).contains("source not recorded"));
    for source in [json!(""), json!("  "), json!(null)] {
        let place = run.clone().edit(12, move |value| value["source"] = source.clone()).in_temp();
        assert!(named(&place).contains("source not recorded: not valid for a release"), "{}", named(&place));
    }
    for word in ["Sim", "simulated", "SIMULATOR", "exec, mock"] {
        let place = run.clone().edit(12, |value| value["source"] = json!(word)).in_temp();
        assert!(named(&place).contains("SIMULATED: "), "{word}: {}", named(&place));
    }
}

#[test]
fn a_run_whose_manifest_was_taken_away_is_not_releasable() {
    let run = Run::releasable();
    assert_eq!(run.clone().with(".soak-run-declared.json", "{}").in_temp().soak("gate", &[]).code, 0);
    let of_run = run.without("RUN_MANIFEST.json").with(".soak-run-declared.json", "{}").in_temp();
    let gated = of_run.soak("gate", &["--format", "json"]);
    assert_eq!((gated.code, &gated.json()["outcome"]), (1, &json!("INVALID")));
    assert!(gated.stdout.contains("`.soak-run-declared.json` says that `soak run` wrote this folder"));
}
