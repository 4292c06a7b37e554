//! `soak config show` on the values that a run would start with: who wins, what is refused.

use crate::it::support::{Folder, Ran, Run, program, ran};
use serde_json::Value;

/// An overrides file that asks for an interval of 60 ms, and a profile that asks for 75 (`steady_safe`).
fn place(overrides: &str) -> Folder {
    Run::default().with("start.json", overrides).in_temp()
}

fn show(place: &Folder, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = program();
    command.current_dir(place.path()).args(["config", "show", "--format", "json"]).args(args);
    command.envs(variables.iter().copied());
    ran(&mut command)
}

/// Value and origin of a start value.
fn started(told: &Value, name: &str) -> (f64, String) {
    let parameters = told["parameters"].as_array().expect("a list");
    let found = parameters.iter().find(|parameter| parameter["name"] == name).expect("there");
    (found["value"].as_f64().expect("a number"), found["origin"].as_str().expect("text").to_owned())
}

fn interval(ran: &Ran) -> (f64, String) {
    started(&ran.json(), "min_interval_ms")
}

#[test]
fn a_profile_beats_the_environment_and_the_environment_beats_the_file() {
    let place = place(r#"{"engine": {"min_interval_ms": 60, "tail_age_ms": 650}}"#);
    let file = ["--overrides", "start.json"];
    let variable = ("MM_RUNTIME_OVERRIDES_JSON", r#"{"min_interval_ms": 70}"#);
    assert_eq!(interval(&show(&place, &file, &[])), (60.0, "start.json".to_owned()));
    let by_variable = (70.0, "env MM_RUNTIME_OVERRIDES_JSON".to_owned());
    assert_eq!(interval(&show(&place, &file, &[variable])), by_variable);
    let profile = ["--overrides", "start.json", "--profile", "steady_safe"];
    let by_profile = (75.0, "profile steady_safe".to_owned());
    assert_eq!(interval(&show(&place, &profile, &[variable])), by_profile);
    assert_eq!(interval(&show(&place, &file, &[variable, ("MM_PROFILE", "steady_safe")])), by_profile);
    // A flag beats its variable.
    let told = show(&place, &profile, &[variable, ("MM_PROFILE", "ultra_safe")]);
    assert_eq!(interval(&told), by_profile);
    let set = [&profile[..], &["--set", "min_interval_ms=79", "--set", "engine.min_interval_ms=78"]].concat();
    let told = show(&place, &set, &[variable]);
    assert_eq!(interval(&told), (78.0, "flag --set".to_owned()));
    // What the higher ones do not name comes from below.
    let told = show(&place, &file, &[variable]);
    assert_eq!(started(&told.json(), "tail_age_ms"), (650.0, "start.json".to_owned()));
    let default = (300.0, "default of the policy".to_owned());
    assert_eq!(started(&told.json(), "replace_rate_per_min"), default);
}

#[test]
fn the_usual_file_is_read_where_it_is_there_and_nobody_names_another() {
    let place = place(r#"{"min_interval_ms": 60}"#);
    let usual = Run::default().with("runtime_overrides.json", r#"{"min_interval_ms": 55}"#).in_temp();
    let out = usual.path().to_str().expect("plain").to_owned();
    let by_file = (55.0, usual.file("runtime_overrides.json").to_str().expect("plain").to_owned());
    assert_eq!(interval(&show(&place, &[], &[("SOAK_OUT_DIR", &out)])), by_file);
    let named = show(&place, &["--overrides", "start.json"], &[("SOAK_OUT_DIR", &out)]);
    assert_eq!(interval(&named).0, 60.0);
    let default = (60.0, "default of the policy".to_owned());
    assert_eq!(interval(&show(&place, &[], &[("SOAK_OUT_DIR", "nowhere")])), default);
    // Set to nothing counts as not set.
    let nothing = [("MM_PROFILE", ""), ("MM_RUNTIME_OVERRIDES_JSON", ""), ("SOAK_OUT_DIR", "")];
    assert_eq!(interval(&show(&place, &[], &nothing)), default);
}

#[test]
fn the_text_shows_the_start_values_below_the_policy() {
    let place = place("{}");
    let told = ran(program().current_dir(place.path()).args(["config", "show", "--set", "tail_age_ms=700"]));
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let (_, below) =
        told.stdout.split_once("\n\n# Values that a run starts with\n").expect("a part of its own");
    assert_eq!(below.lines().count(), 11);
    assert!(below.lines().all(|line| line.starts_with("# ")), "{below}");
    let line = below.lines().find(|line| line.starts_with("# tail_age_ms = 700 ms ")).expect("shown");
    assert!(line.ends_with("  # flag --set"), "{line}");
}

#[test]
fn values_that_no_run_can_start_with_are_usage_errors() {
    let place = place(r#"{"min_interval_ms": 81, "tail_age": 600}"#);
    for (args, parts) in [
        (
            &["--overrides", "start.json", "--set", "concurrency_limit=1.5"][..],
            &[
                "`min_interval_ms` = 81 (start.json) is above its bound, 80 ms; expected 40 to 80",
                "`tail_age` = 600 (start.json): the policy has no such parameter",
                "`concurrency_limit` = 1.5 (flag --set) is not whole",
            ][..],
        ),
        (&["--set", "tail_age_m=600"], &["(did you mean `tail_age_ms`?)"]),
        (&["--set", "tail_age_ms"], &["expected KEY=VALUE"]),
        (&["--set", "tail_age_ms=NaN"], &["expected a number after `=`"]),
        (&["--profile", "steady_save"], &["no profile `steady_save` (did you mean `steady_safe`?)"]),
        (&["--overrides", "none.json"], &["`none.json`"]),
    ] {
        let Ran { code, stdout, stderr } = show(&place, args, &[]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{args:?}: {stderr}");
        }
    }
    for (text, part) in [
        (
            r#"{"min_interval_ms": "70"}"#,
            "env MM_RUNTIME_OVERRIDES_JSON: `min_interval_ms` is text, expected a number",
        ),
        ("[70]", "expected an object"),
        ("70ms", "env MM_RUNTIME_OVERRIDES_JSON: "),
        (r#"{"min_interval_ms": 39}"#, "(env MM_RUNTIME_OVERRIDES_JSON) is below its bound, 40 ms"),
    ] {
        let Ran { code, stderr, .. } = show(&place, &[], &[("MM_RUNTIME_OVERRIDES_JSON", text)]);
        assert_eq!(code, 2, "{text}");
        assert!(stderr.contains(part), "{text}: {stderr}");
    }
}

#[test]
fn bounds_of_a_policy_file_hold_for_start_values() {
    let place = Run::default()
        .with("policy.toml", "schema_version = 1\nparameters.min_interval_ms.highest = 200\n")
        .in_temp();
    let told = show(&place, &["--policy", "policy.toml", "--set", "min_interval_ms=200"], &[]);
    assert_eq!(interval(&told).0, 200.0);
    let told = show(&place, &["--policy", "policy.toml", "--set", "min_interval_ms=201"], &[]);
    assert!(told.stderr.contains("above its bound, 200 ms"), "{}", told.stderr);
}
