//! What a run leaves behind: manifest, log, reports of 72 hours, notifications.

use std::fmt::Write as _;
use std::fs;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::Out;

#[test]
fn the_log_carries_the_hash_of_every_iteration_file() {
    let out = Out::new();
    out.simulated(&["--iterations", "5", "--auto-tune"]);
    let log = fs::read_to_string(out.file("RUN_LOG.jsonl")).expect("a log");
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    for number in 1..=5 {
        let line = lines.iter().find(|line| line["iteration"] == number && line["sha256"].is_string());
        let line = line.unwrap_or_else(|| panic!("no line for {number}: {log}"));
        let bytes = fs::read(out.file(&format!("ITER_SUMMARY_{number}.json"))).expect("a file");
        let mut hash = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(hash, "{byte:02x}").expect("a string takes everything");
        }
        assert_eq!((&line["sha256"], &line["bytes"]), (&json!(hash), &json!(bytes.len())));
    }
}

#[test]
fn the_manifest_says_what_was_declared() {
    let out = Out::new();
    out.simulated(&["--iterations", "3", "--seed", "9", "--set", "tail_age_ms=650", "--interval", "60"]);
    let manifest = out.json("RUN_MANIFEST.json");
    let settings = &manifest["settings"];
    assert_eq!((&manifest["source"], &settings["source"]["seed"]), (&json!("sim"), &json!(9)));
    assert_eq!(settings["interval_seconds"].as_f64(), Some(60.0));
    assert_eq!(manifest["started_utc"], "2026-01-01T00:00:00Z");
    assert_eq!(manifest["tool_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["policy_sha256"].as_str().map(str::len), Some(64));
    let overrides = manifest["overrides"].as_array().expect("a list");
    let tail = overrides.iter().find(|entry| entry["param"] == "tail_age_ms").expect("listed");
    assert_eq!(tail["value"].as_f64(), Some(650.0));
    assert!(tail["origin"].as_str().is_some_and(|origin| origin.contains("--set")), "{tail}");
}

#[test]
fn the_tuning_report_has_a_record_for_each_iteration() {
    let out = Out::new();
    out.simulated(&["--iterations", "8", "--auto-tune"]);
    let report = out.json("TUNING_REPORT.json");
    let records = report["iterations"].as_array().expect("a list");
    assert_eq!(records.len(), 8);
    let applied = records.iter().filter(|record| record["applied"] == true).count();
    assert_eq!((&report["summary"]["count"], &report["summary"]["applied"]), (&json!(8), &json!(applied)));
    let state = out.json("TUNING_STATE.json");
    assert!(
        state.get("last_applied_signature").is_some() && state.get("frozen_until_iter").is_some(),
        "{state}"
    );
}

#[test]
fn seventy_two_hours_are_reported_with_their_gates() {
    let out = Out::new();
    let reports = out.path().join("reports");
    let path = |name: &str| reports.join(name).to_str().expect("a plain path").to_owned();
    fs::create_dir_all(&reports).expect("a folder");
    let ran = out.simulated(&[
        "--hours",
        "72",
        "--auto-tune",
        "--export-json",
        &path("a.json"),
        "--export-md",
        &path("a.md"),
        "--gate-summary",
        &path("g.json"),
    ]);
    let metrics = super::json(&reports.join("a.json"));
    assert_eq!(metrics["duration_hours"].as_f64(), Some(72.0));
    assert_eq!(out.iterations()[863]["summary"]["runtime_utc"], "2026-01-04T00:00:00Z");
    let gates = metrics["gates"].as_object().expect("gates");
    assert_eq!(
        gates.keys().map(String::as_str).collect::<Vec<_>>(),
        ["deadline_miss_rate", "edge_bps", "hit_ratio", "latency_p95", "maker_share", "ws_lag"]
    );
    for (name, gate) in gates {
        assert!(gate["actual"].is_number() && gate["threshold"].is_number(), "{name}: {gate}");
    }
    // The mean of the last 72 hours, weighted by 2^(-age / 24 h), calculated anew.
    let mut weights = (0.0, 0.0);
    for iteration in out.iterations() {
        let number = iteration["iteration"].as_f64().expect("a number");
        let age = (864.0 - number) * 300.0 / 3600.0;
        let weight = 2f64.powf(-age / 24.0);
        weights.0 += weight * iteration["summary"]["net_bps"].as_f64().expect("net");
        weights.1 += weight;
    }
    let ema = metrics["metrics"]["mm_edge_bps_ema24h"].as_f64().expect("a mean");
    assert!((ema - weights.0 / weights.1).abs() < 1e-9, "{ema}");
    assert!(fs::read_to_string(path("a.md")).is_ok_and(|text| text.contains("edge_bps")));
    assert_eq!(super::json(&reports.join("g.json"))["verdict"], metrics["verdict"]);
    assert!(ran.stdout.contains("latency_p95"), "{}", ran.stdout);
}

#[cfg(unix)]
#[test]
fn run_gates_without_data_fail_the_run_that_asks_for_them() {
    let out = Out::new();
    let report = r#"{"totals": {"net_bps": 3.1, "p95_latency_ms": 300, "maker_share_pct": 88}}"#;
    let script = format!("echo '{report}'");
    let asked =
        ["--iterations", "2", "--interval", "0.01", "--reports", "reports", "--", "sh", "-c", &script];
    let ran = out.run(&asked);
    assert_eq!(ran.code, 1, "{ran:?}");
    let work = out.path().parent().expect("a parent").join("reports");
    let metrics = super::json(&work.join("soak_metrics.json"));
    assert_eq!(metrics["gates"]["hit_ratio"]["pass"], json!(null));
    assert_eq!(metrics["gates"]["hit_ratio"]["actual"], json!(null));
    assert_eq!(metrics["outcome"], "INVALID");
    assert!(work.join("SOAK_RESULTS.md").exists() && work.join("gates_summary.json").exists());
    let unasked = out.run(&["--iterations", "2", "--interval", "0.01", "--", "sh", "-c", &script]);
    assert_eq!(unasked.code, 0, "{unasked:?}");
}

#[test]
fn log_lines_have_the_shape_that_searches_look_for() {
    let out = Out::new();
    let ran = out.simulated(&["--iterations", "24", "--auto-tune"]);
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(lines.len() >= 48, "{}", ran.stderr);
    for line in &lines {
        assert!(line.ends_with(" |") && line.matches(" | ").count() >= 1, "{line}");
    }
    for told in [
        "| iter_watch | SUMMARY |",
        "| iter_watch | APPLY |",
        "| iter_watch | APPLY_SKIP | iteration=24 reason=final_iteration",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
    let json = out.simulated(&["--iterations", "4", "--log-format", "json"]);
    for line in json.stderr.lines() {
        let value: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(value["area"].is_string() && value["event"].is_string(), "{line}");
    }
}
