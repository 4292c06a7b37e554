//! `soak config`: the policy shown, checked and tried out.

use std::fs;
use std::path::Path;

use crate::it::support::{Folder, Ran, Run, program, ran, soak};
use serde_json::Value;

/// A folder with one policy in it.
fn policy(text: &str) -> Folder {
    Run::default().with("policy.toml", text).in_temp()
}

/// Runs `soak config check` in the folder of the policy.
fn check(text: &str) -> Ran {
    let place = policy(text);
    ran(program().current_dir(place.path()).args(["config", "check", "policy.toml"]))
}

#[test]
fn show_prints_every_value_with_its_origin() {
    let Ran { code, stdout, stderr } = soak(&["config", "show"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for line in [
        "iteration_pass.kpi.risk_ratio.limit = 0.42",
        "iteration_pass.kpi.p95_latency_ms.limit = 350",
        "run_verdict.pass_share = 0.75",
        "deltas.full_apply_ratio = 0.9",
        "edge_report.maker_share_pct.fail = 85",
        "parameters.tail_age_ms.highest = 800",
        "profiles.steady_safe.min_interval_ms = 75",
        "presets.warmup_conservative_v1.change.min_interval_ms.add = 25",
        "phases.rampdown_iterations = 2",
        "iteration_verdict.fail.net.limit = 2",
        "patience.panic_profile = \"steady_safe\"",
        "tuner.aggressive.when.risk_ratio.at_least = 0.6",
        "tuner.maker_boost.replaces = [\"normalize\"]",
        "cautions.spread_and_interval.keeps = \"min_interval_ms\"",
        "guards.oscillation.tolerance = 1e-6",
        "prometheus.\"tick_latency_ms.p95\".optional = true",
    ] {
        let found = stdout.lines().find(|found| found.starts_with(&format!("{line} ")));
        assert!(found.is_some_and(|found| found.ends_with("# built-in policy")), "{line}: {found:?}");
    }
    let values = stdout.lines().filter(|line| !line.starts_with('#'));
    let mut keys: Vec<&str> = values.filter_map(|line| line.split(" = ").next()).collect();
    let told = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), told, "each key once");
}

#[test]
fn show_names_the_file_and_the_line_of_what_was_changed() {
    let place = policy("schema_version = 1\n\n[iteration_pass.kpi.net_bps]\nlimit = 3.25\n");
    let show = |command: &mut assert_cmd::Command| ran(command.current_dir(place.path())).stdout;
    let by_flag = show(program().args(["config", "show", "--policy", "policy.toml"]));
    let line =
        by_flag.lines().find(|line| line.starts_with("iteration_pass.kpi.net_bps.limit")).expect("there");
    assert!(line.contains(" = 3.25 ") && line.ends_with("# policy.toml:4"), "{line}");
    assert_eq!(show(program().args(["config", "show"]).env("SOAK_POLICY", "policy.toml")), by_flag);
    // What the file does not name stays.
    assert!(by_flag.contains("iteration_pass.kpi.risk_ratio.limit = 0.42 "));
}

#[test]
fn show_as_json_keeps_to_its_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/schemas/config_show.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("there")).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let place = policy("schema_version = 1\n[windows]\nlast_n = 9\n");
    let file = place.file("policy.toml");
    let file = file.to_str().expect("plain");
    let told = soak(&["config", "show", "--format", "json", "--policy", file]).json();
    let errors: Vec<String> = validator.iter_errors(&told).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let values = told["values"].as_array().expect("a list");
    let changed = values.iter().find(|value| value["key"] == "windows.last_n").expect("there");
    assert_eq!((&changed["value"], &changed["origin"]), (&"9".into(), &format!("{file}:3").into()));
    let text = soak(&["config", "show", "--policy", file]).stdout;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert_eq!(values.len(), lines, "text and JSON tell the same values");
}

#[test]
fn the_hash_is_that_of_the_limits_in_force() {
    let hash = |text: &str| {
        let place = policy(text);
        let file = place.file("policy.toml");
        let told = soak(&["config", "show", "--format", "json", "--policy", file.to_str().expect("plain")]);
        told.json()["policy_sha256"].as_str().expect("text").to_owned()
    };
    let built_in = hash("schema_version = 1\n");
    assert_eq!(hash("# A remark.\nschema_version = 1\n"), built_in);
    assert_eq!(hash("schema_version = 1\n[windows]\nlast_n = 8\n"), built_in);
    assert_ne!(hash("schema_version = 1\n[windows]\nlast_n = 9\n"), built_in);
}

#[test]
fn a_valid_policy_is_confirmed() {
    let Ran { code, stdout, stderr } = check("schema_version = 1\n[windows]\nlast_n = 9\n");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("`policy.toml` is a valid policy: 2 of "), "{stdout}");
}

#[test]
fn the_built_in_policy_in_the_repository_is_valid() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/policies/policy.toml");
    assert_eq!(soak(&["config", "check", file.to_str().expect("plain")]).code, 0);
}

#[test]
fn errors_name_line_and_column() {
    for (text, expected) in [
        ("schema_version = 1\n[windows]\nlast = 4\n", "`policy.toml`:3:1: `windows.last`: unknown key"),
        (
            "schema_version = 1\n[iteration_pass.kpi.net_bps]\nlimit = \"high\"\n",
            "`policy.toml`:3:9: `iteration_pass.kpi.net_bps.limit`: expected a number",
        ),
        ("schema_version = 1\n[readiness\n", "`policy.toml`:2:11: not valid TOML"),
        ("schema_version = 2\n", "`policy.toml`:1:18: `schema_version`"),
        ("schema_version = 1\n[windows]\nlast_n = 0\n", "`policy.toml`:3:10: `windows.last_n`"),
        (
            "schema_version = 1\n[iteration_pass.kpi.risk_ratio]\nlimit = nan\n",
            "`policy.toml`:3:9: `iteration_pass.kpi.risk_ratio.limit`",
        ),
        (
            "schema_version = 1\n[iteration_pass.kpi.risk_ratio]\nlimit = 85\n",
            "`policy.toml`:3:9: `iteration_pass.kpi.risk_ratio.limit`",
        ),
    ] {
        let Ran { code, stdout, stderr } = check(text);
        assert_eq!((code, stdout.as_str()), (2, ""), "{text}");
        assert!(stderr.starts_with(&format!("error: {expected}")), "{text}: {stderr}");
    }
}

#[test]
fn a_typing_error_gets_a_suggestion() {
    let Ran { stderr, .. } = check("schema_version = 1\n[iteration_pass.kpi.net_bps]\nlimt = 3\n");
    assert!(stderr.contains("did you mean `iteration_pass.kpi.net_bps.limit`?"), "{stderr}");
}

#[test]
fn all_errors_are_told_at_once() {
    let Ran { stderr, .. } = check("schema_version = 1\n[windows]\nlast = 4\nlast_n = \"x\"\n");
    assert!(stderr.contains("`policy.toml`:3:1: ") && stderr.contains("`policy.toml`:4:10: "), "{stderr}");
}

#[test]
fn a_policy_that_is_not_there_is_a_usage_error() {
    for args in [&["config", "check", "no/such.toml"][..], &["config", "show", "--policy", "no/such.toml"]] {
        let Ran { code, stderr, .. } = soak(args);
        assert_eq!(code, 2, "{args:?}");
        assert!(stderr.contains("`no/such.toml`"), "{stderr}");
    }
}

// Trying out.

const STRICTER: &str = "schema_version = 1\n[iteration_pass.kpi.net_bps]\nlimit = 3.3\n";

#[test]
fn a_new_policy_is_tried_on_runs_without_touching_them() {
    let place = policy(STRICTER);
    Run::passing(8).write(&place.file("good"));
    Run::passing(8).failing(&[2, 3, 4, 5]).write(&place.file("bad"));
    let before = crate::it::support::visible(place.path());
    let Ran { code, stdout, .. } = ran(program().current_dir(place.path()).args([
        "config",
        "test",
        "--policy",
        "policy.toml",
        "good",
        "bad",
    ]));
    assert_eq!(code, 0);
    let line = |run: &str| {
        stdout.lines().find(|line| line.contains(&format!("`{run}`"))).expect("a line").to_owned()
    };
    assert!(line("good").starts_with("CHANGED  PASS -> FAIL "), "{stdout}");
    assert!(line("bad").starts_with("same     FAIL -> FAIL "), "{stdout}");
    assert!(stdout.contains("run_verdict.pass_count: PASS -> FAIL"), "{stdout}");
    assert!(stdout.ends_with("1 of 2 verdicts would change\n"), "{stdout}");
    assert_eq!(crate::it::support::visible(place.path()), before);
}

#[test]
fn the_policy_in_force_may_be_named_too() {
    let place = policy(STRICTER);
    Run::passing(8).write(&place.file("good"));
    let test = |command: &mut assert_cmd::Command| {
        ran(command.current_dir(place.path()).args(["config", "test", "--policy", "policy.toml", "good"]))
            .stdout
    };
    assert!(test(program().env("SOAK_POLICY", "policy.toml")).ends_with("0 of 1 verdicts would change\n"));
    assert!(test(&mut program()).ends_with("1 of 1 verdicts would change\n"));
    let against = ran(program().current_dir(place.path()).args([
        "config",
        "test",
        "--policy",
        "policy.toml",
        "--against",
        "policy.toml",
        "good",
    ]));
    assert!(against.stdout.ends_with("0 of 1 verdicts would change\n"), "{}", against.stdout);
}

#[test]
fn a_run_that_is_not_there_and_a_wrong_policy_are_errors() {
    let place = policy("schema_version = 1\n[windows]\nlast = 4\n");
    Run::passing(8).write(&place.file("good"));
    let test = |policy: &str, run: &str| {
        let mut command = program();
        command.current_dir(place.path()).args(["--detailed-exitcode", "config", "test", "--policy"]);
        ran(command.args([policy, run])).code
    };
    assert_eq!(test("policy.toml", "good"), 2);
    fs::write(place.file("policy.toml"), STRICTER).expect("a file");
    assert_eq!(test("policy.toml", "good"), 0);
    assert_eq!(test("policy.toml", "nowhere"), 4);
}
