//! `soak gate`: verdicts and exit codes under every flag that changes them.

use std::fs;

use crate::it::support::{Folder, Ran, Run, Step, program, ran, soak};
use serde_json::{Value, json};

/// Exit codes with and without `--detailed-exitcode`.
fn codes(place: &Folder, args: &[&str]) -> (i32, i32) {
    let detailed = [args, &["--detailed-exitcode"]].concat();
    (place.soak("gate", args).code, place.soak("gate", &detailed).code)
}

/// The JSON result.
fn result(place: &Folder, args: &[&str]) -> Value {
    place.soak("gate", &[args, &["--format", "json"]].concat()).json()
}

/// `n` good iterations, none with a freeze.
fn unfrozen(n: u64) -> Run {
    (1..=n).map(Step::good).collect()
}

fn check<'a>(result: &'a Value, gate: &str) -> &'a Value {
    let checks = result["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["gate"] == gate).unwrap_or_else(|| panic!("no `{gate}`: {result}"))
}

#[test]
fn pass_and_warn_exit_0() {
    assert_eq!(codes(&Run::passing(8).in_temp(), &[]), (0, 0));
    assert_eq!(codes(&unfrozen(8).in_temp(), &[]), (0, 0));
}

#[test]
fn a_warn_exits_1_with_fail_on_warn_and_a_pass_does_not() {
    assert_eq!(codes(&unfrozen(8).in_temp(), &["--fail-on", "warn"]), (1, 1));
    assert_eq!(codes(&Run::passing(8).in_temp(), &["--fail-on", "warn"]), (0, 0));
}

#[test]
fn what_is_no_pass_exits_1_and_in_detail_by_its_kind() {
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4, 5]).in_temp(), &[]), (1, 1));
    assert_eq!(codes(&Run::passing(7).in_temp(), &[]), (1, 3));
    assert_eq!(codes(&Run::passing(8).with("ITER_SUMMARY_5.json", "{").in_temp(), &[]), (1, 4));
    // An empty folder.
    assert_eq!(codes(&Run::default().in_temp(), &[]), (1, 4));
}

#[test]
fn fail_on_warn_does_not_change_the_other_codes() {
    assert_eq!(codes(&Run::passing(7).in_temp(), &["--fail-on", "warn"]), (1, 3));
}

#[test]
fn the_variable_is_as_good_as_the_flag_for_detailed_codes() {
    let place = Run::passing(7).in_temp();
    assert_eq!(ran(place.command("gate", &[]).env("SOAK_DETAILED_EXITCODE", "1")).code, 3);
}

#[test]
fn a_missing_folder_is_missing_input() {
    let missing = ["gate", "--path", "no/such/folder"];
    let Ran { code, stdout, stderr } = soak(&missing);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("error: ") && stderr.contains("`no/such/folder`"), "{stderr}");
    assert_eq!(soak(&[&missing[..], &["--detailed-exitcode"]].concat()).code, 4);
}

#[test]
fn an_empty_folder_is_not_written_into() {
    let place = Run::default().in_temp();
    assert_eq!(result(&place, &[])["outcome"], "INVALID");
    assert_eq!(place.written(), Vec::<String>::new());
}

#[test]
fn output_that_cannot_be_written_exits_5_and_the_verdict_is_told_all_the_same() {
    // A file stands where the folder for the artifacts should be.
    let place = Run::passing(8).with("taken", "a file").in_temp();
    let taken = place.file("taken");
    let out = ["--out", taken.to_str().expect("plain")];
    assert_eq!(codes(&place, &out), (1, 5));
    let Ran { stdout, stderr, .. } = place.soak("gate", &out);
    assert!(stdout.contains("[OK] Soak gate: PASS"), "{stdout}");
    assert!(stderr.starts_with("error: ") && stderr.contains("\nhint: "), "{stderr}");
    assert_eq!(place.text("taken"), "a file");
}

#[test]
fn one_artifact_in_the_way_keeps_all_of_them_from_being_written() {
    let place = Run::passing(8).with("POST_SOAK_AUDIT.md/kept", "").in_temp();
    assert_eq!(codes(&place, &[]), (1, 5));
    assert_eq!(place.written(), ["POST_SOAK_AUDIT.md/kept"]);
}

#[test]
fn a_verdict_that_fails_beats_trouble_with_the_output() {
    let place = Run::passing(7).with("taken", "a file").in_temp();
    let taken = place.file("taken");
    let out = ["--out", taken.to_str().expect("plain"), "--detailed-exitcode"];
    let Ran { code, stderr, .. } = place.soak("gate", &out);
    assert_eq!(code, 3);
    assert!(stderr.contains("is not a folder"), "{stderr}");
}

#[test]
fn a_junit_file_that_cannot_be_written_exits_5() {
    let place = Run::passing(8).in_temp();
    assert_eq!(codes(&place, &["--junit", "no/such/folder/gate.xml"]), (1, 5));
}

#[test]
fn a_wrong_policy_exits_2_and_nothing_is_judged() {
    let place = Run::passing(8).with("policy.toml", "schema_version = 1\n[windows]\nlast = 4\n").in_temp();
    let policy = place.file("policy.toml");
    let args = ["--policy", policy.to_str().expect("plain")];
    assert_eq!(codes(&place, &args), (2, 2));
    let Ran { stdout, stderr, .. } = place.soak("gate", &args);
    assert_eq!(stdout, "");
    assert!(stderr.contains("policy.toml`:3:1: `windows.last`: unknown key"), "{stderr}");
    assert_eq!(place.written(), ["policy.toml"]);
}

#[test]
fn a_policy_that_is_not_there_exits_2() {
    let place = Run::passing(8).in_temp();
    assert_eq!(codes(&place, &["--policy", "no/such/policy.toml"]), (2, 2));
    assert_eq!(ran(place.command("gate", &[]).env("SOAK_POLICY", "no/such/policy.toml")).code, 2);
}

#[test]
fn a_wrong_flag_exits_2() {
    let place = Run::passing(8).in_temp();
    for args in [&["--no-such-flag"][..], &["--last-n", "0"], &["--fail-on", "pass"], &["--override", " "]] {
        assert_eq!(codes(&place, args), (2, 2), "{args:?}");
    }
    assert_eq!(place.written(), Vec::<String>::new());
}

#[test]
fn the_policy_decides() {
    let stricter = "schema_version = 1\n[iteration_pass.kpi.net_bps]\nlimit = 3.3\n";
    let place = Run::passing(8).with("policy.toml", stricter).in_temp();
    let policy = place.file("policy.toml");
    let args = ["--policy", policy.to_str().expect("plain")];
    assert_eq!(codes(&place, &args), (1, 1));
    let told = result(&place, &args);
    let source = &check(&told, "iteration_pass.net_bps")["limit_source"];
    assert_eq!(source["key"], "iteration_pass.kpi.net_bps.limit");
    assert!(source["origin"].as_str().expect("text").ends_with("policy.toml:3"), "{source}");
}

#[test]
fn skip_analyzer_writes_the_snapshot_and_the_delta_reports_alone() {
    let place = Run::passing(8).in_temp();
    assert_eq!(place.soak("gate", &["--skip-analyzer"]).code, 0);
    let deltas = [
        "DELTA_VERIFY_REPORT.json",
        "DELTA_VERIFY_REPORT.md",
        "POST_SOAK_SNAPSHOT.json",
        "reports/analysis/DELTA_VERIFY_REPORT.json",
    ];
    assert_eq!(place.written(), deltas);
}

#[test]
fn skip_analyzer_does_not_change_the_verdict() {
    for run in [Run::passing(8), unfrozen(8), Run::passing(8).failing(&[2, 3, 4, 5]), Run::passing(7)] {
        let place = run.in_temp();
        assert_eq!(codes(&place, &[]), codes(&place, &["--skip-analyzer"]));
        assert_eq!(result(&place, &[])["checks"], result(&place, &["--skip-analyzer"])["checks"]);
    }
}

/// Two proposals that are said to be applied and are lost.
fn lost_deltas() -> Run {
    [2, 4].into_iter().fold(Run::passing(8), |run, number| {
        run.edit(number, |json| {
            json["tuning"] = json!({"applied": true, "proposed_deltas": {"min_interval_ms": 5}});
        })
    })
}

#[test]
fn skip_delta_verify_leaves_the_deltas_out_and_says_so() {
    let place = lost_deltas().in_temp();
    assert_eq!(codes(&place, &[]), (1, 1));
    let args = ["--skip-delta-verify"];
    let Ran { code, stdout, .. } =
        place.soak("gate", &[&args[..], &["--out", place.file("out").to_str().expect("plain")]].concat());
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("left out (--skip-delta-verify)"), "{stdout}");
    let told = result(&place, &args);
    assert_eq!(told["delta"], Value::Null);
    let gates = told["checks"].as_array().expect("checks").iter();
    assert!(gates.clone().all(|check| !check["gate"].as_str().expect("text").starts_with("deltas.")));
    assert!(!place.file("out/DELTA_VERIFY_REPORT.md").exists());
    assert!(place.file("out/POST_SOAK_AUDIT.md").exists());
}

/// 25 proposals, of which 23 are applied and 2 are not, without a reason: a share of 0.92.
fn ratio_of_092() -> Run {
    (1..=25)
        .fold(Run::passing(26), |run, number| match number {
            3 | 9 => run.edit(number, |json| {
                json["tuning"] = json!({"applied": false, "proposed_deltas": {"min_interval_ms": 5}});
            }),
            _ => run.tuned(number, 1.0),
        })
        .edit(26, |json| json["tuning"]["freeze_triggered"] = json!(true))
}

#[test]
fn a_share_of_092_is_enough_unless_strict() {
    let place = ratio_of_092().in_temp();
    assert_eq!(codes(&place, &[]), (0, 0));
    assert_eq!(codes(&place, &["--strict"]), (1, 1));
    let (loose, strict) = (result(&place, &[]), result(&place, &["--strict"]));
    assert_eq!(loose["delta"]["full_apply_ratio"], 0.92);
    assert_eq!(check(&loose, "deltas.full_apply_ratio")["limit"], 0.9);
    assert_eq!(check(&strict, "deltas.full_apply_ratio")["limit"], 0.95);
    assert_eq!(check(&strict, "deltas.full_apply_ratio")["outcome"], "FAIL");
}

#[test]
fn mock_judges_by_relaxed_limits_and_says_so() {
    // Beyond every production limit, within every relaxed one.
    let relaxed = |number| Step { net: -5.0, risk: 0.45, maker: 0.6, p95: 390.0, ..Step::good(number) };
    let run: Run = (1..=8).map(|number| Step { freeze: number == 6, ..relaxed(number) }).collect();
    let place = run.in_temp();
    assert_eq!(codes(&place, &[]), (1, 1));
    assert_eq!(codes(&place, &["--mock"]), (0, 0));
    assert_eq!(result(&place, &["--mock"])["limits"], "mock");
    assert_eq!(place.json("POST_SOAK_SNAPSHOT.json")["limits"], "mock");
    assert_eq!(result(&place, &[])["limits"], "production");
    assert_eq!(ran(place.command("gate", &[]).env("USE_MOCK", "1")).code, 0);
    assert_eq!(ran(place.command("gate", &[]).env("USE_MOCK", "0")).code, 1);
}

#[test]
fn require_freeze_fails_a_warn_and_no_pass() {
    assert_eq!(codes(&unfrozen(8).in_temp(), &["--require-freeze"]), (1, 1));
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4]).in_temp(), &["--require-freeze"]), (1, 1));
    assert_eq!(codes(&Run::passing(8).in_temp(), &["--require-freeze"]), (0, 0));
}

#[test]
fn a_run_that_goes_on_is_judged_so_far_on_request_only() {
    let place = Run::passing(12).declared(24, "running", 12).in_temp();
    assert_eq!(codes(&place, &[]), (1, 3));
    assert!(result(&place, &[])["reason"].as_str().expect("text").contains("12 of 24 iterations"));
    assert_eq!(codes(&place, &["--so-far"]), (0, 0));
}

#[test]
fn min_iterations_moves_the_line_between_too_little_and_enough() {
    let (seven, eight) = (Run::passing(7).in_temp(), Run::passing(8).in_temp());
    assert_eq!(codes(&seven, &["--min-iterations", "8"]), (1, 3));
    assert_eq!(codes(&seven, &["--min-iterations", "7"]), (0, 0));
    assert_eq!(codes(&eight, &["--last-n", "9", "--min-iterations", "9"]), (1, 3));
    assert_eq!(codes(&Run::passing(4).in_temp(), &["--min-iterations", "4", "--last-n", "4"]), (0, 0));
}

#[test]
fn with_last_n_the_shares_are_rounded_up() {
    // 75 % of 6 is 4.5, 62.5 % of it 3.75.
    for (bad, outcome) in [(&[1][..], "PASS"), (&[1, 2], "WARN"), (&[1, 2, 3], "FAIL")] {
        let place = Run::passing(6).failing(bad).in_temp();
        let told = result(&place, &["--last-n", "6", "--min-iterations", "6"]);
        assert_eq!(told["outcome"], outcome, "{bad:?}: {}", told["reason"]);
        assert_eq!(
            (told["window_n"].as_u64(), told["pass_count"].as_u64()),
            (Some(6), Some(6 - bad.len() as u64))
        );
    }
}

#[test]
fn last_n_takes_the_highest_numbers() {
    // 1 to 4 fail; the last six hold 3 and 4.
    let place = Run::passing(8).failing(&[1, 2, 3, 4]).in_temp();
    let last = |n| result(&place, &["--last-n", n, "--min-iterations", n])["outcome"].clone();
    assert_eq!((last("6"), last("4")), ("WARN".into(), "PASS".into()));
    assert_eq!(result(&place, &[])["outcome"], "FAIL");
}

#[test]
fn an_override_passes_any_verdict() {
    for run in [Run::passing(8).failing(&[2, 3, 4, 5]), Run::passing(7), lost_deltas()] {
        assert_eq!(codes(&run.in_temp(), &["--override", "known outage of the exchange"]), (0, 0));
    }
    // It is no pass: the verdict stays what it is.
    let told = result(&Run::passing(7).in_temp(), &["--override", "known outage of the exchange"]);
    assert_eq!(told["outcome"], "INCONCLUSIVE");
    assert_eq!(told["exit_code"], 0);
}

#[test]
fn an_override_does_not_hide_missing_input_or_unwritten_output() {
    let mut missing = program();
    missing.args(["gate", "--path", "no/such/folder", "--override", "known outage", "--detailed-exitcode"]);
    assert_eq!(ran(&mut missing).code, 4);
    let place = Run::passing(7).with("taken", "a file").in_temp();
    let taken = place.file("taken");
    let args = ["--override", "known outage", "--out", taken.to_str().expect("plain")];
    assert_eq!(codes(&place, &args), (1, 5));
}

#[test]
fn an_override_stands_in_every_artifact_with_who_when_and_why() {
    let run = Run::passing(8).failing(&[2, 3, 4, 5]);
    for by_variable in [false, true] {
        let place = run.in_temp();
        let mut command = place.command("gate", &["--prometheus", "--junit"]);
        command
            .arg(place.file("gate.xml"))
            .env("GITHUB_ACTOR", "alice")
            .env("SOAK_NOW", "2026-02-03T04:05:06Z");
        if by_variable {
            command.env("READINESS_OVERRIDE", "known outage");
        } else {
            command.args(["--override", "known outage"]);
        }
        let Ran { code, stdout, stderr } = ran(&mut command);
        assert_eq!(code, 0, "{stderr}");
        let given = json!({"reason": "known outage", "by": "alice", "at": "2026-02-03T04:05:06Z"});
        let whole = |text: &str| {
            ["known outage", "alice", "2026-02-03T04:05:06Z"].iter().all(|part| text.contains(part))
        };
        assert!(whole(&stdout), "{stdout}");
        let mut seen = 0;
        for name in place.written() {
            if name == "POST_SOAK_METRICS.prom" {
                let text = place.text(&name);
                assert!(text.contains("\nsoak_override_active 1\n"));
                let who = given["by"].as_str().expect("a name");
                let when = given["at"].as_str().expect("a time");
                assert!(
                    text.contains(&format!("\nsoak_override_info{{by=\"{who}\",at=\"{when}\",reason=")),
                    "{text}"
                );
                continue;
            }
            if place.text(&name).starts_with('{') {
                assert_eq!(place.json(&name)["override"], given, "{name}");
            }
            assert!(whole(&place.text(&name)), "`{name}` says nothing of the override");
            seen += 1;
        }
        assert_eq!(seen, 14, "{:?}", place.written());
    }
}

#[test]
fn an_override_without_a_reason_in_words_is_refused() {
    let place = Run::passing(7).in_temp();
    for value in ["1", "!!", "ab"] {
        assert_eq!(ran(place.command("gate", &[]).env("READINESS_OVERRIDE", value)).code, 2, "{value}");
    }
    // A variable that is set to nothing is not set.
    assert_eq!(ran(place.command("gate", &[]).env("READINESS_OVERRIDE", "")).code, 1);
}

#[test]
fn a_run_is_never_changed() {
    let run = lost_deltas().declared(8, "complete", 8);
    let place = run.in_temp();
    place.soak("gate", &["--prometheus"]);
    for (name, bytes) in run.files() {
        assert!(fs::read(place.file(name)).expect("there") == bytes, "{name}");
    }
}

#[test]
fn a_run_whose_last_three_collections_failed_does_not_pass() {
    let run = |failed: std::ops::RangeInclusive<u64>| {
        failed.fold(Run::passing(24), |run, number| {
            run.edit(number, |file| {
                file["collection"] =
                    json!({"ok": false, "reason": "required queries brought no value: `up`: no series"});
            })
        })
    };
    let gate = |run: Run| run.in_temp().soak("gate", &["--format", "json"]);
    let down = gate(run(22..=24));
    assert_eq!((down.code, &down.json()["outcome"]), (1, &json!("FAIL")), "{down:?}");
    assert!(down.stdout.contains("the last 3 collections failed (22-24)") && down.stdout.contains("`up`"));
    // The source was mended: five of eight pass, as before.
    let mended = gate(run(21..=23));
    assert_eq!((mended.code, &mended.json()["outcome"]), (0, &json!("WARN")), "{mended:?}");
}
