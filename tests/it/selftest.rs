//! `soak selftest`: which gate notices which fault, and that the run stays as it is.

use serde_json::Value;

use crate::it::support::{Run, Step, program, ran, soak, visible};

/// 24 iterations that pass with room and vary a little, with a freeze.
fn run() -> Run {
    (1..=24)
        .map(|number| {
            // No two iterations are alike.
            let wave = (if number % 2 == 0 { 1.0 } else { -1.0 }) + number as f64 / 100.0;
            let good = Step { freeze: number == 22, ..Step::good(number) };
            Step {
                net: good.net + 0.05 * wave,
                risk: good.risk + 0.004 * wave,
                p95: good.p95 - 3.0 * wave,
                maker: good.maker + 0.002 * wave,
                ..good
            }
        })
        .collect()
}

fn row<'v>(result: &'v Value, fault: &str, kpi: Option<&str>) -> &'v Value {
    let rows = result["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["fault"] == fault && row["kpi"].as_str() == kpi)
        .unwrap_or_else(|| panic!("no {fault} of {kpi:?}"))
}

fn says(row: &Value, gate: &str, before: &str, after: &str) -> bool {
    let reactions = row["reactions"].as_array().expect("reactions");
    reactions.iter().any(|said| said["gate"] == gate && said["before"] == before && said["after"] == after)
}

#[test]
fn every_fault_that_must_be_caught_is_caught_by_the_gate_that_is_for_it_and_the_run_stays_as_it_is() {
    let folder = run().in_temp();
    let before = visible(folder.path());
    let done = soak(&["selftest", &folder.path().to_string_lossy(), "--format", "json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(visible(folder.path()), before);
    let result = done.json();
    assert_eq!(result["exit_code"], 0);
    assert_eq!(result["not_caught"], Value::Array(Vec::new()));
    let unchanged = row(&result, "unchanged", None);
    assert_eq!((&unchanged["verdict"], &unchanged["exit_code"]), (&Value::from("PASS"), &Value::from(0)));
    for kpi in ["net_bps", "risk_ratio", "maker_taker_ratio", "p95_latency_ms"] {
        let shift = row(&result, "level shift", Some(kpi));
        assert_eq!((&shift["verdict"], &shift["exit_code"]), (&Value::from("FAIL"), &Value::from(1)));
        assert!(says(shift, "run_verdict.pass_count", "PASS", "FAIL"), "{shift}");
        assert!(says(shift, &format!("iteration_pass.{kpi}"), "PASS", "FAIL"), "{shift}");
        let missing = row(&result, "missing KPI", Some(kpi));
        assert_eq!((&missing["verdict"], &missing["notice"]), (&Value::from("INVALID"), &"caught".into()));
        assert!(says(missing, &format!("integrity.{kpi}"), "PASS", "INVALID"), "{missing}");
        for fault in ["small level shift", "drift", "spike", "stuck value"] {
            assert_eq!(row(&result, fault, Some(kpi))["must_be_caught"], false);
        }
    }
    let truncated = row(&result, "truncated file", None);
    assert!(says(truncated, "integrity.files", "PASS", "INVALID"), "{truncated}");
    let copied = row(&result, "copied iteration", None);
    assert!(says(copied, "sanity.repeated", "PASS", "INVALID"), "{copied}");
    assert_eq!((&copied["notice"], &copied["exit_code"]), (&"caught".into(), &Value::from(1)));
    let stuck = row(&result, "stuck value", Some("net_bps"));
    assert!(says(stuck, "sanity.stuck", "PASS", "WARN"), "{stuck}");
    // One spike among eight iterations does not fail a run; the checks beside the verdict see it.
    let spike = row(&result, "spike", Some("p95_latency_ms"));
    assert_eq!((&spike["verdict"], &spike["notice"]), (&Value::from("PASS"), &"advised".into()));
    assert!(says(spike, "iteration_pass.p95_latency_ms", "PASS", "WARN"), "{spike}");
}

#[test]
fn a_kpi_without_a_limit_need_not_be_caught_and_the_result_shows_that_nothing_stops_it() {
    let folder = run().in_temp();
    let policy = folder.file("policy.toml");
    std::fs::write(&policy, "schema_version = 1\n[iteration_pass.kpi.net_bps]\nenabled = false\n")
        .expect("a policy");
    let path = folder.path().to_string_lossy().into_owned();
    let policy = policy.to_string_lossy().into_owned();
    let done = soak(&["selftest", &path, "--policy", &policy, "--format", "json"]);
    let result = done.json();
    assert_eq!(done.code, 0, "{}", done.stderr);
    let shift = row(&result, "level shift", Some("net_bps"));
    assert_eq!((&shift["must_be_caught"], &shift["exit_code"]), (&Value::from(false), &Value::from(0)));
    assert_ne!(shift["notice"], "caught");
    let missing = row(&result, "missing KPI", Some("net_bps"));
    assert_ne!(missing["notice"], "caught");
}

#[test]
fn a_run_that_does_not_pass_proves_nothing_and_the_result_does_not_blame_the_gate() {
    // The limits cannot make it worse than no iteration passing.
    let folder = (1..=12).map(Step::bad).collect::<Run>().in_temp();
    let path = folder.path().to_string_lossy().into_owned();
    let done = soak(&["selftest", &path]);
    assert_eq!(done.code, 1, "{}", done.stdout);
    let told = "CANNOT TELL: this run does not pass, so it fails with or without: level shift of ";
    assert!(done.stdout.contains(told), "{}", done.stdout);
    assert!(
        !done.stdout.contains("NOT OK") && !done.stdout.contains("and the run passes"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("note: the run itself does not pass (FAIL: "), "{}", done.stdout);
    let detailed = ran(program().args(["selftest", &path, "--detailed-exitcode", "--format", "json"]));
    assert_eq!(detailed.code, 3);
    let result = detailed.json();
    assert_eq!(result["not_caught"], Value::Array(Vec::new()));
    assert_eq!(row(&result, "level shift", Some("net_bps"))["notice"], "hidden");
    let caught = row(&result, "truncated file", None);
    assert_eq!((&caught["exit_code"], &caught["notice"]), (&Value::from(4), &"caught".into()));
    assert_eq!(row(&result, "unchanged", None)["exit_code"], 1);
}

#[test]
fn a_run_that_is_too_short_to_be_judged_is_not_said_to_be_stopped_by_a_gate() {
    let folder = (1..=3).map(Step::good).collect::<Run>().in_temp();
    let done =
        soak(&["selftest", &folder.path().to_string_lossy(), "--detailed-exitcode", "--format", "json"]);
    assert_eq!(done.code, 3, "{}", done.stdout);
    let result = done.json();
    // No iteration passes any more, and three are too few with and without.
    assert_eq!(row(&result, "level shift", Some("net_bps"))["notice"], "hidden");
    assert_eq!(row(&result, "missing KPI", Some("net_bps"))["notice"], "caught");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_copy_of_the_run_behind() {
    let folder = (1..=400).map(Step::good).collect::<Run>().in_temp();
    let scratch = tempfile::tempdir().expect("a folder");
    let is_empty = || std::fs::read_dir(scratch.path()).expect("a folder").next().is_none();
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["selftest", &folder.path().to_string_lossy()])
        .env("TMPDIR", scratch.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    for _ in 0..3000 {
        if !is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(!is_empty(), "nothing was copied");
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill starts").success());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains("interrupted"), "{told}");
    assert!(is_empty(), "the copy is left");
}

#[test]
fn text_and_markdown_say_plainly_what_nothing_notices() {
    let folder = run().in_temp();
    let path = folder.path().to_string_lossy().into_owned();
    let text = soak(&["selftest", &path]).stdout;
    assert!(text.contains("\nunchanged "), "{text}");
    assert!(text.contains("OK: the gate stops each of the 9 faults that it must stop."), "{text}");
    let md = soak(&["selftest", &path, "--format", "md"]).stdout;
    assert!(md.contains("| truncated file |  | INVALID | 1 | caught |"), "{md}");
}

#[test]
fn a_folder_without_iterations_and_a_missing_one_are_errors_of_the_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = soak(&["selftest", &folder.path().to_string_lossy(), "--detailed-exitcode"]);
    assert_eq!(empty.code, 4, "{}", empty.stderr);
    assert!(empty.stderr.contains("there is no iteration in"), "{}", empty.stderr);
    let missing = soak(&["selftest", &folder.path().join("no").to_string_lossy(), "--detailed-exitcode"]);
    assert_eq!(missing.code, 4, "{}", missing.stderr);
}

#[test]
fn of_several_symbols_the_one_that_decides_gets_the_faults() {
    let run = ["A", "B"].iter().flat_map(|symbol| (1..=10).map(move |number| (symbol, number))).fold(
        Run::default(),
        |run, (symbol, number)| {
            let net = if *symbol == "B" && number > 6 { 1.0 } else { 3.0 };
            let value = serde_json::json!({"net_bps": net, "risk_ratio": 0.3, "maker_taker_ratio": 0.9,
                                           "p95_latency_ms": 300.0, "ticks": number, "freeze_triggered": true});
            run.with_json(&format!("ITER_SUMMARY_{symbol}_{number}.json"), &value)
        },
    );
    let folder = run.in_temp();
    let result = soak(&["selftest", &folder.path().to_string_lossy(), "--format", "json"]).json();
    assert_eq!(result["symbol"], "B");
    let truncated = row(&result, "truncated file", None);
    let said = truncated["reactions"].as_array().expect("reactions");
    let files: Vec<&Value> = said.iter().filter(|said| said["gate"] == "integrity.files").collect();
    // The files of A are as they were.
    assert_eq!(files.len(), 1, "{truncated}");
}
