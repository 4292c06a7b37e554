//! `soak gate --edge-report`: the seven limits, and reports that cannot be judged.

use crate::it::support::{Folder, Ran, Run};
use serde_json::{Value, json};

/// Totals within every limit.
fn totals() -> Value {
    json!({
        "adverse_bps_p95": 2.0,
        "slippage_bps_p95": 2.0,
        "cancel_ratio": 0.3,
        "order_age_p95_ms": 300,
        "ws_lag_p95_ms": 90,
        "net_bps": 3.0,
        "maker_share_pct": 90.0,
    })
}

/// Gates a passing run together with this report.
fn gate(report: &str, flags: &[&str]) -> (Folder, Ran) {
    let place = Run::passing(8).with("EDGE_REPORT.json", report).in_temp();
    let file = place.file("EDGE_REPORT.json");
    let own = ["--edge-report", file.to_str().expect("plain"), "--detailed-exitcode"];
    let ran = place.soak("gate", &[&own, flags].concat());
    (place, ran)
}

/// Exit code and outcome of the check, when one total has this value.
fn with_total(metric: &str, value: f64) -> (i32, String) {
    let mut totals = totals();
    totals[metric] = json!(value);
    let (_, ran) = gate(&json!({"totals": totals}).to_string(), &["--format", "json"]);
    let told = ran.json();
    let checks = told["checks"].as_array().expect("checks");
    let gate = format!("edge_report.{metric}");
    let check = checks.iter().find(|check| check["gate"] == gate.as_str()).expect("the check");
    assert_eq!(check["observed"], value);
    (ran.code, check["outcome"].as_str().expect("a word").to_owned())
}

#[test]
fn totals_within_all_limits_pass() {
    let report = json!({"totals": totals(), "symbols": {"BTCUSDT": {"net_bps": -9}}});
    assert_eq!(gate(&report.to_string(), &[]).1.code, 0);
    // The older name.
    assert_eq!(gate(&json!({"total": totals()}).to_string(), &[]).1.code, 0);
}

#[test]
fn a_total_at_a_limit_is_within_it_and_one_beyond_is_not() {
    for (metric, warn, fail) in [
        ("adverse_bps_p95", 4.0, 6.0),
        ("slippage_bps_p95", 3.0, 5.0),
        ("cancel_ratio", 0.55, 0.70),
        ("order_age_p95_ms", 330.0, 360.0),
        ("ws_lag_p95_ms", 120.0, 180.0),
    ] {
        let expect = |value, code, outcome: &str| {
            assert_eq!(with_total(metric, value), (code, outcome.to_owned()), "{metric} = {value}");
        };
        expect(warn, 0, "PASS");
        expect(warn + 0.001, 0, "WARN");
        expect(fail, 0, "WARN");
        expect(fail + 0.001, 1, "FAIL");
    }
    for (metric, fail) in [("net_bps", 2.5), ("maker_share_pct", 85.0)] {
        assert_eq!(with_total(metric, fail), (0, "PASS".to_owned()), "{metric} at its limit");
        assert_eq!(with_total(metric, fail - 0.001), (1, "FAIL".to_owned()), "{metric} below its limit");
    }
}

#[test]
fn a_warn_of_the_edge_report_is_one_of_the_gate() {
    let mut high = totals();
    high["cancel_ratio"] = json!(0.6);
    let report = json!({"totals": high}).to_string();
    assert_eq!(gate(&report, &[]).1.code, 0);
    assert_eq!(gate(&report, &["--fail-on", "warn"]).1.code, 1);
}

#[test]
fn zero_is_a_value() {
    assert_eq!(with_total("net_bps", 0.0), (1, "FAIL".to_owned()));
    assert_eq!(with_total("cancel_ratio", 0.0), (0, "PASS".to_owned()));
}

#[test]
fn a_total_that_is_missing_is_invalid_and_named() {
    let names: Vec<String> = totals().as_object().expect("an object").keys().cloned().collect();
    for name in names {
        let mut without = totals();
        without.as_object_mut().expect("an object").remove(&name);
        let (_, Ran { code, stdout, .. }) = gate(&json!({"totals": without}).to_string(), &[]);
        assert_eq!(code, 4, "{name}");
        assert!(stdout.contains(&format!("`totals.{name}` is not in the edge report")), "{stdout}");
    }
}

#[test]
fn a_total_that_is_no_finite_number_is_invalid_and_named() {
    for value in ["null", "NaN", "Infinity", "-Infinity", "\"NaN\"", "[]", "true"] {
        let report = json!({"totals": totals()})
            .to_string()
            .replace("\"net_bps\":3.0", &format!("\"net_bps\":{value}"));
        assert!(report.contains(value));
        let (_, Ran { code, stdout, stderr }) = gate(&report, &[]);
        assert_eq!(code, 4, "{value}: {stderr}");
        assert!(stdout.contains("`totals.net_bps` has no usable number"), "{value}: {stdout}");
    }
}

#[test]
fn a_report_that_cannot_be_read_is_invalid_input_and_nothing_is_written() {
    for report in ["", "{", "[]", "{}", r#"{"totals": null}"#, r#"{"totals": {"net_bps": 1"#, "not json"] {
        let (place, Ran { code, stdout, stderr }) = gate(report, &[]);
        assert_eq!(code, 4, "{report:?}: {stdout}");
        assert!(stderr.starts_with("error: the edge report `") && stderr.contains("\nhint: "), "{stderr}");
        assert_eq!(place.written(), ["EDGE_REPORT.json"], "{report:?}");
    }
}

#[test]
fn a_report_that_is_not_there_is_missing_input() {
    let place = Run::passing(8).in_temp();
    let ran = place.soak("gate", &["--edge-report", "no/such/report.json", "--detailed-exitcode"]);
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("`no/such/report.json`"), "{}", ran.stderr);
}
