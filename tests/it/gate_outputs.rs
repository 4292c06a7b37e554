//! What `soak gate` tells besides the verdict: JSON, metrics, comparison.

use std::fs;
use std::path::Path;

use crate::it::support::{Folder, Ran, Run, Step};
use serde_json::{Value, json};

// JSON.

#[test]
fn the_json_result_keeps_to_its_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/schemas/gate_result.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("there")).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let cases: [(&str, Run, &[&str]); 7] = [
        ("pass", Run::passing(8), &[]),
        ("fail", Run::passing(8).failing(&[2, 3, 4, 5]), &["--prometheus"]),
        ("inconclusive", Run::passing(7), &["--skip-delta-verify"]),
        ("corrupt", Run::passing(8).with("ITER_SUMMARY_5.json", "{"), &["--detailed-exitcode"]),
        ("empty", Run::default(), &[]),
        ("per symbol", Run::symbols_failing(2), &["--skip-analyzer", "--mock"]),
        ("override", Run::passing(7), &["--override", "known outage"]),
    ];
    for (case, run, args) in cases {
        let place = run.in_temp();
        let Ran { code, stdout, .. } = place.soak("gate", &[args, &["--format", "json"]].concat());
        let told: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{case}: {error}"));
        let errors: Vec<String> = validator.iter_errors(&told).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{case}");
        assert_eq!(told["exit_code"], code, "{case}");
        assert_eq!(told["command"], "gate", "{case}");
        let named: Vec<&str> =
            told["artifacts"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert_eq!(named, place.written(), "{case}");
    }
}

// Metrics.

const LEGACY: [(&str, &str); 10] = [
    ("soak_kpi_risk_ratio_mean", "0.33"),
    ("soak_kpi_maker_taker_mean", "0.88"),
    ("soak_kpi_net_bps_mean", "3.2"),
    ("soak_kpi_latency_p95_mean", "300"),
    ("soak_guards_velocity_count", "1"),
    ("soak_guards_cooldown_count", "0"),
    ("soak_guards_oscillation_count", "0"),
    ("soak_verdict_pass_count", "8"),
    ("soak_freeze_ready", "1"),
    ("soak_anomalies_count", "0"),
];

/// The metrics of a run whose velocity guard spoke once.
fn metrics(args: &[&str]) -> String {
    let place = Run::passing(8).edit(2, |json| json["tuning"]["velocity_violation"] = json!(true)).in_temp();
    assert_eq!(place.soak("gate", args).code, 0);
    place.text("POST_SOAK_METRICS.prom")
}

#[test]
fn prometheus_gets_the_ten_names_of_old_with_help_and_type() {
    let text = metrics(&["--prometheus"]);
    for (name, value) in LEGACY {
        assert!(text.contains(&format!("\n{name} {value}\n")), "{name}: {text}");
        assert_eq!(text.matches(&format!("# HELP {name} ")).count(), 1, "{name}");
        assert_eq!(text.matches(&format!("# TYPE {name} gauge\n")).count(), 1, "{name}");
    }
}

#[test]
fn no_legacy_metrics_leaves_out_the_names_of_old_and_nothing_else() {
    let (all, clean) = (metrics(&["--prometheus"]), metrics(&["--prometheus", "--no-legacy-metrics"]));
    for (name, _) in LEGACY {
        assert!(!clean.contains(name), "{name}");
    }
    assert!(all.contains("soak_delta_full_apply_count") && !clean.contains("soak_delta_full_apply_count"));
    assert!(all.ends_with(&clean), "the clean set is the same in both");
    assert!(clean.contains("soak_kpi{kpi=\"risk_ratio\",window=\"last8\",stat=\"mean\"} 0.33\n"), "{clean}");
    assert!(clean.contains("soak_verdict{verdict=\"PASS\"} 1\n"), "{clean}");
}

#[test]
fn metrics_name_each_family_once_and_hold_numbers_only() {
    for args in [&["--prometheus"][..], &["--prometheus", "--no-legacy-metrics"]] {
        let text = metrics(args);
        let mut family = "";
        let mut seen = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split(' ').next().expect("a name");
                assert!(!seen.contains(&family), "{family} stands twice");
                seen.push(family);
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').expect("name and value");
                assert_eq!(name.split('{').next(), Some(family), "{line}");
                assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            }
        }
        assert!(seen.len() > 8);
    }
}

#[test]
fn without_the_flag_there_is_no_metrics_file() {
    let place = Run::passing(8).in_temp();
    place.soak("gate", &[]);
    assert!(!place.file("POST_SOAK_METRICS.prom").exists());
}

// Comparison.

const BASELINE: &str = r#"{"schema_version": "1.1", "verdict": "WARN", "kpi_last8": {
    "risk_ratio": {"mean": 0.3, "median": 9}, "maker_taker_ratio": {"mean": 0.8, "median": 9},
    "net_bps": {"mean": 3.2, "median": 9}, "p95_latency_ms": {"mean": 400, "median": 9}}}"#;

/// Gates a good run against this baseline, in detail.
fn compared(baseline: Option<&str>, args: &[&str]) -> (Folder, Ran) {
    let run = Run::passing(8);
    let place = match baseline {
        Some(text) => run.with("baseline.json", text).in_temp(),
        None => run.in_temp(),
    };
    let file = place.file("baseline.json");
    let own = ["--detailed-exitcode", "--compare", file.to_str().expect("plain")];
    let ran = place.soak("gate", &[&own, args].concat());
    (place, ran)
}

#[test]
fn a_baseline_is_compared_with_on_stderr() {
    let Ran { code, stderr, .. } = compared(Some(BASELINE), &[]).1;
    assert_eq!(code, 0);
    let lines: Vec<&str> = stderr.lines().take(5).collect();
    assert_eq!(
        lines,
        [
            "Baseline vs Current:",
            "  risk_ratio.mean: 0.300 → 0.330 (+10.0%)",
            "  maker_taker_ratio.mean: 0.800 → 0.880 (+10.0%)",
            "  net_bps.mean: 3.200 → 3.200 (+0.0%)",
            "  p95_latency_ms.mean: 400.000 → 300.000 (-25.0%)",
        ]
    );
    assert!(stderr.contains("WARN") && stderr.contains("PASS"), "the verdict changed: {stderr}");
}

#[test]
fn the_snapshot_that_was_written_is_a_baseline_without_a_change() {
    let place = Run::passing(8).in_temp();
    place.soak("gate", &[]);
    for name in ["POST_SOAK_SNAPSHOT.json", "reports/analysis/POST_SOAK_SNAPSHOT.json"] {
        let file = place.file(name);
        let told = place.soak("gate", &["--compare", file.to_str().expect("plain"), "--require-baseline"]);
        assert_eq!(told.code, 0, "{name}: {}", told.stderr);
        assert_eq!(told.stderr.matches("(+0.0%)").count(), 4, "{name}: {}", told.stderr);
    }
}

#[test]
fn the_snapshot_that_is_written_over_can_be_the_baseline() {
    for command in ["gate", "extract"] {
        let place = Run::passing(8).in_temp();
        place.soak(command, &[]);
        (1..=8)
            .fold(Run::default(), |run, n| run.step(Step { net: 1.6, ..Step::good(n) }))
            .write(place.path());
        let file = place.file("POST_SOAK_SNAPSHOT.json");
        let told = place.soak(command, &["--compare", file.to_str().expect("plain")]);
        // 3.2 to 1.6 is half of it gone; and then none of the eight passes.
        assert!(told.stderr.contains("net_bps.mean: 3.200 → 1.600 (-50.0%)"), "{command}: {}", told.stderr);
        assert!(told.stderr.contains("verdict: PASS → FAIL"), "{command}: {}", told.stderr);
    }
}

#[test]
fn a_baseline_that_is_missing_or_wrong_is_a_warning() {
    for baseline in [None, Some("{"), Some("{}"), Some(r#"{"schema_version": "9.0"}"#), Some("")] {
        let Ran { code, stderr, .. } = compared(baseline, &[]).1;
        assert_eq!(code, 0, "{baseline:?}");
        assert!(
            stderr.contains("warning: nothing to compare with: ") && stderr.contains("baseline.json`"),
            "{stderr}"
        );
    }
}

#[test]
fn a_baseline_that_is_required_must_be_there_and_right() {
    for baseline in [None, Some("{"), Some("{}"), Some(r#"{"schema_version": "9.0"}"#)] {
        let Ran { code, stdout, stderr } = compared(baseline, &["--require-baseline"]).1;
        assert_eq!(code, 4, "{baseline:?}");
        assert!(stdout.contains("Soak gate: PASS"), "the verdict is told all the same: {stdout}");
        assert!(stderr.contains("error: ") && stderr.contains("baseline.json`"), "{stderr}");
    }
    assert_eq!(compared(Some(BASELINE), &["--require-baseline"]).1.code, 0);
}

#[test]
fn a_change_for_the_worse_does_not_change_the_exit_code() {
    let better = BASELINE.replace("400", "1").replace("\"mean\": 0.3,", "\"mean\": 0.001,");
    assert_eq!(compared(Some(&better), &[]).1.code, 0);
}
