//! What `soak gate` tells besides the verdict: JSON, JUnit, GitHub, metrics, comparison.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{Folder, Ran, Run, Step, ran};
use serde_json::{Value, json};

/// A run per symbol in which every iteration of every symbol fails, without a freeze.
fn symbols_failing(count: usize) -> Run {
    (0..count).flat_map(|symbol| (1..=8).map(move |number| (symbol, number))).fold(
        Run::default(),
        |run, (symbol, number)| {
            let Step { net, risk, maker, p95, .. } = Step::bad(number);
            let flat = json!({"net_bps": net, "risk_ratio": risk, "maker_taker_ratio": maker, "p95_latency_ms": p95});
            run.with_json(&format!("ITER_SUMMARY_S{symbol:02}_{number}.json"), &flat)
        },
    )
}

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
        ("per symbol", symbols_failing(2), &["--skip-analyzer", "--mock"]),
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

// JUnit.

/// Elements of an XML document with their attributes; panics unless it is well-formed, as far as what JUnit
/// needs goes: declaration, elements, attributes in double quotes, text.
fn elements(xml: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let (mut found, mut open) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "elements overlap");
            continue;
        }
        let is_empty = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, mut text) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = BTreeMap::new();
        while !text.trim().is_empty() {
            let (key, after) = text.trim_start().split_once("=\"").expect("an attribute with a value");
            let (value, after) = after.split_once('"').expect("the value ends");
            check_text(value);
            assert!(attributes.insert(key.to_owned(), value.to_owned()).is_none(), "`{key}` twice");
            text = after;
        }
        if !is_empty {
            assert!(!open.is_empty() || found.is_empty(), "one root");
            open.push(name.to_owned());
        }
        found.push((name.to_owned(), attributes));
    }
    assert!(open.is_empty(), "{open:?} never closed");
    assert_eq!(rest.trim(), "", "text after the root");
    found
}

/// Every `&` begins one of the entities that XML knows without a definition.
fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split(';').next().expect("some text");
        let known = ["amp", "lt", "gt", "quot", "apos"].contains(&entity)
            || entity.strip_prefix('#').is_some_and(|number| number.parse::<u32>().is_ok());
        assert!(known, "`&{entity}` in {text}");
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

/// The JUnit report of a run, taken apart.
fn junit(run: &Run, args: &[&str]) -> (Folder, Vec<(String, BTreeMap<String, String>)>) {
    let place = run.in_temp();
    let file = place.file("gate.xml");
    place.soak("gate", &[args, &["--junit", file.to_str().expect("plain")]].concat());
    let found = elements(&place.text("gate.xml"));
    (place, found)
}

#[test]
fn junit_is_well_formed_and_counts_what_is_in_it() {
    for run in [
        Run::passing(8),
        Run::passing(7),
        Run::passing(8).failing(&[2, 3, 4, 5]),
        Run::passing(8).with("ITER_SUMMARY_5.json", "{"),
        symbols_failing(3),
        Run::default(),
    ] {
        let (_, found) = junit(&run, &[]);
        let count = |name: &str| found.iter().filter(|(element, _)| element == name).count();
        for root in ["testsuites", "testsuite"] {
            let (_, totals) = found.iter().find(|(element, _)| element == root).expect("a total");
            for (attribute, element) in
                [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
            {
                assert_eq!(totals[attribute], count(element).to_string(), "{root} {attribute}");
            }
        }
        assert!(count("testcase") > 0);
    }
}

#[test]
fn junit_fails_with_the_gate_and_only_then() {
    let troubles = |run: &Run| {
        let (_, found) = junit(run, &[]);
        let count = |name: &str| found.iter().filter(|(element, _)| element == name).count();
        (count("failure"), count("error"))
    };
    assert_eq!(troubles(&Run::passing(8)), (0, 0));
    // A WARN does not fail.
    assert_eq!(troubles(&(1..=8).map(Step::good).collect()), (0, 0));
    assert_eq!(troubles(&Run::passing(8).failing(&[2, 3, 4, 5])), (1, 0));
    assert!(troubles(&Run::passing(7)).0 > 0, "INCONCLUSIVE is a failure");
    assert!(troubles(&Run::passing(8).with("ITER_SUMMARY_5.json", "{")).1 > 0, "INVALID is an error");
}

#[test]
fn junit_survives_what_people_write() {
    let reason = "a <b> & \"c\" 'd'\t]]>";
    let (place, found) = junit(&Run::passing(7), &["--override", reason]);
    let given =
        found.iter().find(|(_, attributes)| attributes.get("name").is_some_and(|name| name == "override"));
    let value = &given.expect("the override").1["value"];
    assert!(value.starts_with("a &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;&#9;]]&gt; ("), "{value}");
    assert!(place.text("gate.xml").is_ascii());
}

// GitHub.

#[test]
fn github_gets_at_most_ten_annotations_of_a_type() {
    let place = symbols_failing(12).in_temp();
    let Ran { stdout, .. } = place.soak("gate", &["--github"]);
    let count = |start: &str| stdout.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("::error "), 10);
    assert_eq!(count("::warning "), 10);
    assert_eq!(count("::"), 20);
}

#[test]
fn github_gets_no_annotation_for_a_pass_and_one_for_each_reason() {
    let annotations = |run: &Run| -> Vec<String> {
        let Ran { stdout, .. } = run.in_temp().soak("gate", &["--github"]);
        stdout.lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
    };
    assert_eq!(annotations(&Run::passing(8)), Vec::<String>::new());
    let failed = annotations(&Run::passing(8).failing(&[2, 3, 4, 5]));
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        failed[0].starts_with("::error title=soak FAIL%3A run_verdict.pass_count::4 of 8 iterations pass"),
        "{failed:?}"
    );
}

#[test]
fn with_json_the_annotations_leave_stdout_alone() {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    let told = place.soak("gate", &["--github", "--format", "json"]);
    assert_eq!(told.json()["outcome"], "FAIL");
    assert!(told.stderr.starts_with("::error "), "{}", told.stderr);
}

/// Gates with a step summary that holds this already, and gives back what it holds then.
fn step_summary(before: Option<&str>) -> (i32, String) {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    let file = place.file("summary.md");
    if let Some(before) = before {
        fs::write(&file, before).expect("a file");
    }
    let Ran { code, .. } =
        ran(place.command("gate", &["--github", "--skip-analyzer"]).env("GITHUB_STEP_SUMMARY", &file));
    (code, place.text("summary.md"))
}

#[test]
fn the_step_summary_is_appended_to_what_is_there() {
    let (code, fresh) = step_summary(None);
    assert_eq!(code, 1);
    assert!(fresh.starts_with("## Soak gate: FAIL\n"), "{fresh}");
    assert!(fresh.contains("| FAIL | run_verdict.pass_count | 4 |"), "{fresh}");
    assert_eq!(step_summary(Some("# Before\n\n")).1, format!("# Before\n\n{fresh}"));
}

#[test]
fn the_step_summary_never_grows_beyond_a_mebibyte() {
    const MEBIBYTE: usize = 1 << 20;
    let whole = step_summary(None).1.len();
    // Room for everything, for a part, for nothing; and a file that is too large already.
    for before in [MEBIBYTE - whole - 100, MEBIBYTE - 900, MEBIBYTE - 10, MEBIBYTE, MEBIBYTE + 1] {
        let (code, after) = step_summary(Some(&"x".repeat(before)));
        assert_eq!(code, 1);
        assert!(after.starts_with(&"x".repeat(before)), "{before}: what was there is kept");
        assert!(after.len() <= MEBIBYTE.max(before), "{before}: {}", after.len());
    }
    let (_, part) = step_summary(Some(&"x".repeat(MEBIBYTE - 900)));
    assert!(
        part.contains("## Soak gate: FAIL") && part.contains("cut to fit"),
        "{}",
        &part[MEBIBYTE - 900..]
    );
    assert_eq!(step_summary(Some(&"x".repeat(MEBIBYTE))).1.len(), MEBIBYTE);
}

#[test]
fn without_the_flag_github_gets_nothing() {
    let place = Run::passing(8).in_temp();
    let file = place.file("summary.md");
    ran(place.command("gate", &[]).env("GITHUB_STEP_SUMMARY", &file));
    assert!(!file.exists());
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
        let Ran { code, stderr, .. } = compared(baseline, &["--require-baseline"]).1;
        assert_eq!(code, 4, "{baseline:?}");
        assert!(stderr.contains("error: ") && stderr.contains("baseline.json`"), "{stderr}");
    }
    assert_eq!(compared(Some(BASELINE), &["--require-baseline"]).1.code, 0);
}

#[test]
fn a_change_for_the_worse_does_not_change_the_exit_code() {
    let better = BASELINE.replace("400", "1").replace("\"mean\": 0.3,", "\"mean\": 0.001,");
    assert_eq!(compared(Some(&better), &[]).1.code, 0);
}
