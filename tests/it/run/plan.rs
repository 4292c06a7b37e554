//! Start values and the plan: precedence, origins, bounds.

use std::fs;

use serde_json::{Value, json};

use super::Out;
use crate::it::support::{Ran, ran};

/// The planned value of a parameter and where it comes from.
fn planned(plan: &Value, param: &str) -> (f64, String) {
    let found = plan["overrides"].as_array().into_iter().flatten().find(|entry| entry["param"] == param);
    let found = found.unwrap_or_else(|| panic!("no `{param}` in {plan}"));
    (found["value"].as_f64().expect("a number"), found["origin"].as_str().expect("an origin").to_owned())
}

fn plan(out: &Out, args: &[&str], environment: Option<&str>) -> Ran {
    let mut command = out.command(&[&["--mock", "--dry-run", "--format", "json"], args].concat());
    if let Some(overrides) = environment {
        command.env("MM_RUNTIME_OVERRIDES_JSON", overrides);
    }
    ran(&mut command)
}

#[test]
fn a_profile_beats_the_environment_and_that_the_file() {
    let out = Out::new();
    fs::create_dir_all(out.path()).expect("a folder");
    let file = out.path().join("runtime_overrides.json");
    fs::write(&file, r#"{"engine": {"min_interval_ms": 60, "tail_age_ms": 610}}"#).expect("a file");
    let environment = Some(r#"{"min_interval_ms": 70, "concurrency_limit": 12}"#);
    let value = |args: &[&str], environment| {
        let ran = plan(&out, args, environment);
        assert_eq!(ran.code, 0, "{ran:?}");
        planned(&ran.json(), "min_interval_ms")
    };
    assert_eq!(value(&["--profile", "steady_safe"], environment).0, 75.0);
    assert_eq!(value(&[], environment).0, 70.0);
    assert_eq!(value(&[], None).0, 60.0);
    assert_eq!(value(&["--set", "min_interval_ms=65", "--profile", "steady_safe"], environment).0, 65.0);
    assert!(value(&["--profile", "steady_safe"], environment).1.contains("steady_safe"));
    assert!(value(&[], environment).1.contains("MM_RUNTIME_OVERRIDES_JSON"));
    assert!(value(&[], None).1.contains("runtime_overrides.json"));
    let whole = plan(&out, &[], environment).json();
    assert_eq!(planned(&whole, "tail_age_ms").0, 610.0);
    assert_eq!(planned(&whole, "concurrency_limit").0, 12.0);
    let (default, origin) = planned(&whole, "replace_rate_per_min");
    assert_eq!((default, origin.contains("default")), (300.0, true));
    assert!(!out.latest().exists(), "a plan starts nothing");
}

#[test]
fn the_plan_says_how_long_the_run_takes_by_the_clock_on_the_wall() {
    let out = Out::new();
    let plan = |args: &[&str]| {
        let args = [&["--dry-run"], args].concat();
        let text = out.run(&args);
        assert_eq!(text.code, 0, "{text:?}");
        let at = args.iter().position(|arg| *arg == "--").unwrap_or(args.len());
        let json = out.run(&[&args[..at], &["--format", "json"], &args[at..]].concat()).json();
        (text.stdout, json)
    };
    let (text, json) = plan(&["--hours", "72", "--", "true"]);
    assert!(text.contains("wall time   at least 72 h\n"), "{text}");
    assert!(text.contains("measures    at the start of each interval\n"), "{text}");
    assert_eq!(json["wall_time_seconds"], 72.0 * 3600.0);
    assert_eq!((&json["no_wait"], &json["measure_at"]), (&json!(false), &json!("start")));
    let (text, json) = plan(&["--iterations", "3", "--interval", "2.5", "--edge-report", "report.json"]);
    assert!(text.contains("wall time   at least 7.5 s\n"), "{text}");
    assert_eq!((&json["wall_time_seconds"], &json["measure_at"]), (&json!(7.5), &Value::Null));
    let (text, json) = plan(&["--hours", "72", "--no-wait", "--", "true"]);
    assert!(text.contains("wall time   as long as measuring takes (--no-wait): a rehearsal\n"), "{text}");
    assert_eq!((&json["wall_time_seconds"], &json["measure_at"]), (&json!(0.0), &Value::Null));
    let (_, json) = plan(&["--hours", "72", "--measure-at", "end", "--", "true"]);
    assert_eq!((&json["wall_time_seconds"], &json["measure_at"]), (&json!(259_200.0), &json!("end")));
    let (text, json) = plan(&["--mock", "--hours", "72"]);
    assert!(text.contains("wall time   none: time is simulated\n"), "{text}");
    assert_eq!(json["wall_time_seconds"], 0.0);
    let (_, json) = plan(&["--mock", "--hours", "72", "--real-time"]);
    assert_eq!(json["wall_time_seconds"], 72.0 * 3600.0);
}

#[test]
fn the_profile_may_come_from_the_environment_and_the_flag_beats_it() {
    let out = Out::new();
    let interval = |args: &[&str]| {
        let mut command = out.command(&[&["--mock", "--dry-run", "--format", "json"], args].concat());
        command.env("MM_PROFILE", "ultra_safe");
        planned(&ran(&mut command).json(), "min_interval_ms").0
    };
    assert_eq!(interval(&[]), 80.0);
    assert_eq!(interval(&["--profile", "steady_safe"]), 75.0);
}

#[test]
fn a_value_out_of_bounds_stops_the_run_before_it_starts() {
    let out = Out::new();
    for (value, bound) in [("81", "80"), ("39", "40")] {
        let ran = out.run(&["--mock", "--iterations", "2", "--set", &format!("min_interval_ms={value}")]);
        assert_eq!(ran.code, 2, "{ran:?}");
        for told in ["min_interval_ms", value, bound, "--set"] {
            assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        }
    }
    let mut environment = out.command(&["--mock", "--iterations", "2"]);
    environment.env("MM_RUNTIME_OVERRIDES_JSON", r#"{"risk": {"impact_cap_ratio": 0.13}}"#);
    let refused = ran(&mut environment);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("MM_RUNTIME_OVERRIDES_JSON") && refused.stderr.contains("0.12"));
    for wrong in ["min_interval_ms", "=5", "nonsense=5", "min_interval_ms=NaN", "min_interval_ms=60.5"] {
        assert_eq!(out.run(&["--mock", "--iterations", "2", "--set", wrong]).code, 2, "{wrong}");
    }
    for edge in ["min_interval_ms=80", "min_interval_ms=40", "taker_rescue.min_edge_bps=0"] {
        assert_eq!(plan(&out, &["--set", edge], None).code, 0, "{edge}");
    }
    assert!(!out.path().exists());
}

#[test]
fn a_broken_start_file_is_an_error_that_names_it() {
    let out = Out::new();
    let file = out.path().join("runtime_overrides.json");
    fs::create_dir_all(out.path()).expect("a folder");
    for broken in ["", "{", "[1]", r#"{"min_interval_ms": 60, "min_interval_ms": 61}"#] {
        fs::write(&file, broken).expect("a file");
        let ran = out.run(&["--mock", "--iterations", "2"]);
        assert_ne!(ran.code, 0, "{broken}");
        assert!(ran.stderr.contains("runtime_overrides.json"), "{}", ran.stderr);
    }
    let missing = out.run(&["--mock", "--iterations", "2", "--overrides", "nowhere.json"]);
    assert_ne!(missing.code, 0);
    assert!(missing.stderr.contains("nowhere.json"), "{}", missing.stderr);
}

#[test]
fn a_preset_changes_the_start_values_and_is_clamped() {
    let out = Out::new();
    let with = |args: &[&str]| plan(&out, args, None).json();
    let uplift = with(&["--preset", "maker_bias_uplift_v1"]);
    // 60 + 15; 300 × 0.9; 0.14 + 0.01; 0.10 × 0.95; 1.0 + 0.5.
    assert_eq!(planned(&uplift, "min_interval_ms").0, 75.0);
    assert_eq!(planned(&uplift, "replace_rate_per_min").0, 270.0);
    let spread = planned(&uplift, "base_spread_bps_delta").0;
    assert!((spread - 0.15).abs() < 1e-12, "{spread}");
    let cap = planned(&uplift, "impact_cap_ratio").0;
    assert!((cap - 0.095).abs() < 1e-12, "{cap}");
    assert_eq!(planned(&uplift, "rescue_min_edge_bps").0, 1.5);
    let clamped = with(&["--preset", "maker_bias_uplift_v1", "--set", "min_interval_ms=70"]);
    assert_eq!(planned(&clamped, "min_interval_ms").0, 80.0);
}

#[test]
fn a_preset_from_a_file_is_taken_and_a_broken_one_refused() {
    let out = Out::new();
    fs::create_dir_all(out.path()).expect("a folder");
    let file = out.path().join("mine.json");
    let path = file.to_str().expect("a plain path");
    let preset = json!({"description": "mine", "changes": {"quoting": {"min_interval_ms": {"op": "add", "value": 5}},
        "impact": {"impact_cap_ratio": {"op": "mul", "value": 0.9}}}});
    fs::write(&file, preset.to_string()).expect("a file");
    let planned_interval = planned(&plan(&out, &["--preset-file", path], None).json(), "min_interval_ms").0;
    assert_eq!(planned_interval, 65.0);
    fs::write(&file, r#"{"changes": {"quoting": {"min_interval_ms": {"op": "pow", "value": 5}}}}"#)
        .expect("a file");
    let refused = plan(&out, &["--preset-file", path], None);
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains("mine.json") && refused.stderr.contains("min_interval_ms"),
        "{refused:?}"
    );
}

#[test]
fn a_plan_tells_everything_and_starts_nothing() {
    let out = Out::new();
    let text = out.run(&["--mock", "--dry-run", "--warmup", "--auto-tune", "--iterations", "24"]);
    assert_eq!(text.code, 0, "{text:?}");
    for told in ["sim", "seed 1", "24", "WARMUP", "warmup_conservative_v1", "min_interval_ms", "default"] {
        assert!(text.stdout.contains(told), "{told}: {}", text.stdout);
    }
    assert!(!out.path().exists());
}

#[test]
fn the_start_file_is_never_changed_and_the_shape_of_the_active_one_follows_it() {
    let out = Out::new();
    fs::create_dir_all(out.path()).expect("a folder");
    let file = out.path().join("runtime_overrides.json");
    let start = r#"{"engine": {"min_interval_ms": 60, "mine": "kept"}, "risk": {"impact_cap_ratio": 0.1}}"#;
    fs::write(&file, start).expect("a file");
    out.simulated(&["--iterations", "6", "--auto-tune"]);
    assert_eq!(fs::read_to_string(&file).expect("still there"), start);
    let active = out.json("runtime_overrides.json");
    assert!(active["engine"]["min_interval_ms"].is_number(), "{active}");
    assert!(active["risk"]["impact_cap_ratio"].is_number(), "{active}");
    assert_eq!(active["engine"]["mine"], "kept");
}

#[test]
fn adopting_writes_the_tuned_values_after_a_pass_and_only_then() {
    let out = Out::new();
    fs::create_dir_all(out.path()).expect("a folder");
    let file = out.path().join("runtime_overrides.json");
    let start = r#"{"min_interval_ms": 60}"#;
    fs::write(&file, start).expect("a file");
    let short = out.simulated(&["--iterations", "4", "--auto-tune", "--adopt"]);
    assert_eq!(fs::read_to_string(&file).expect("still there"), start, "{short:?}");
    out.simulated(&["--iterations", "24", "--auto-tune", "--adopt"]);
    assert_eq!(super::json(&file)["min_interval_ms"], out.json("runtime_overrides.json")["min_interval_ms"]);
    assert_ne!(super::json(&file)["min_interval_ms"], 60);
}

#[test]
fn a_run_that_is_too_short_for_the_gates_of_its_policy_says_so_before_it_starts() {
    let out = Out::new();
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "schema_version = 1\n[kpi_drift]\nseverity = \"hard\"\n").expect("a policy");
    let policy = policy.to_str().expect("a plain path");
    let told = "`kpi_drift` (54); `--iterations 54` is enough for all";
    let plan = |iterations: &str| {
        let args = ["--mock", "--iterations", iterations, "--policy", policy, "--dry-run"];
        (out.run(&args), out.run(&[&args[..], &["--format", "json"]].concat()).json())
    };
    let (text, json) = plan("53");
    assert!(
        text.stdout.contains("\nwarning: with 53 iterations the verdict cannot be better"),
        "{}",
        text.stdout
    );
    assert!(json["warnings"].to_string().contains(told), "{json}");
    let (text, json) = plan("54");
    assert!(!text.stdout.contains("warning: "), "{}", text.stdout);
    assert_eq!(json["warnings"], serde_json::json!([]));
    let ran = out.simulated(&["--iterations", "8", "--policy", policy]);
    assert!(
        ran.stderr.contains("| sanity | TOO_SHORT | note=\"with 8 iterations") && ran.stderr.contains(told),
        "{ran:?}"
    );
    assert!(!out.simulated(&["--iterations", "8"]).stderr.contains("TOO_SHORT"));
}
