//! `soak extract`: the snapshot to the byte, and its exit codes.

use crate::it::support::{Folder, Ran, Run, Step, soak, visible};
use serde_json::{Value, json};

/// The hash of the built-in policy, as `config show` tells it.
fn policy_sha256() -> String {
    let told = soak(&["config", "show", "--format", "json"]).json();
    told["policy_sha256"].as_str().expect("text").to_owned()
}

/// Eight iterations whose statistics can be worked out on paper.
fn calculated() -> Run {
    let net = [2.8, 3.0, 3.0, 3.0, 3.0, 3.0, 3.2, 4.0];
    let risk = [0.2, 0.36, 0.3, 0.3, 0.4, 0.4, 0.4, 0.41];
    let maker = [0.85, 0.86, 0.87, 0.88, 0.89, 0.90, 0.91, 0.84];
    let p95 = [299.5, 310.0, 320.0, 330.0, 340.0, 350.0, 351.0, 300.0];
    (1..=8)
        .map(|number: usize| Step {
            number: number as u64,
            net: net[number - 1],
            risk: risk[number - 1],
            maker: maker[number - 1],
            p95: p95[number - 1],
            freeze: number == 5,
        })
        .collect::<Run>()
        .edit(1, |json| json["tuning"]["signature"] = json!("a"))
        .edit(2, |json| {
            json["tuning"]["signature"] = json!("b");
            json["tuning"]["velocity_violation"] = json!(true);
            json["tuning"]["cooldown_active"] = json!(true);
        })
        .edit(3, |json| {
            json["tuning"]["signature"] = json!("a");
            json["tuning"]["velocity_violation"] = json!(true);
        })
        .with_json(
            "RUN_MANIFEST.json",
            &json!({"schema_version": "1.0", "iterations": 8, "state": "complete",
            "last_complete_iteration": 8, "source": "prüfstand"}),
        )
}

/// Worked out by hand:
/// - net: sum 25, mean 3.125; median of 2.8, six values from 3 to 3.2, 4: 3.
/// - risk: sum 2.77, mean 0.34625; in order .2 .3 .3 .36 | .4 .4 .4 .41, median 0.38.
/// - maker: sum 7, mean 0.875; median of .87 and .88: 0.875.
/// - p95: sum 2600.5, mean 325.0625, a tie that goes to the even digit; median of 320 and 330: 325.
/// - 7 misses by its latency and 8 by its maker share, so 6 pass; a freeze in 5: PASS.
/// - risk rises by 0.16 from 1 to 2: one anomaly. Signatures a, b, a: one loop.
fn expected(place: &Folder) -> String {
    let snapshot = place.json("POST_SOAK_SNAPSHOT.json");
    let reason = snapshot["outcome_reason"].as_str().expect("a reason");
    assert!(reason.contains(" gating checks hold"), "{reason}");
    concat!(
        r#"{"anomalies_count":1,"freeze_ready":true,"freeze_seen":true,"#,
        r#""guards_last8":{"cooldown_count":1,"freeze_events":1,"oscillation_count":0,"velocity_count":2},"#,
        r#""iterations":[1,2,3,4,5,6,7,8],"kpi_gate_parity":null,"kpi_last8":{"#,
        r#""maker_taker_ratio":{"mean":0.875,"median":0.875},"net_bps":{"mean":3.125,"median":3.0},"#,
        r#""p95_latency_ms":{"mean":325.062,"median":325.0},"risk_ratio":{"mean":0.346,"median":0.38}},"#,
        r#""limits":"production","outcome":"PASS","#,
        r#""outcome_reason":"REASON","#,
        r#""pass_count_last8":6,"policy_sha256":"POLICY","schema_version":"1.1","signature_loops":1,"#,
        r#""source":"pr\u00fcfstand","#,
        r#""time_range":{"from":"2026-01-01T00:05:00Z","to":"2026-01-01T00:40:00Z"},"#,
        r#""tool_version":"VERSION","verdict":"PASS"}"#,
        "\n",
    )
    .replace("REASON", reason)
    .replace("POLICY", &policy_sha256())
    .replace("VERSION", env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_snapshot_of_a_run_worked_out_by_hand_is_right_to_the_byte() {
    let place = calculated().in_temp();
    let Ran { code, stdout, stderr } = place.soak("extract", &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout, expected(&place));
    assert_eq!(place.text("POST_SOAK_SNAPSHOT.json"), expected(&place));
    assert_eq!(place.written(), ["POST_SOAK_SNAPSHOT.json"]);
}

#[test]
fn the_gate_writes_the_same_snapshot() {
    let place = calculated().in_temp();
    place.soak("gate", &[]);
    assert_eq!(place.text("POST_SOAK_SNAPSHOT.json"), expected(&place));
}

#[test]
fn pretty_is_for_stdout_alone() {
    let place = calculated().in_temp();
    let Ran { stdout, .. } = place.soak("extract", &["--pretty"]);
    assert!(stdout.starts_with("{\n  \"anomalies_count\": 1,\n  \"freeze_ready\": true,\n"), "{stdout}");
    assert!(stdout.ends_with("\n}\n"));
    let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(value(&stdout), value(&expected(&place)));
    assert_eq!(place.text("POST_SOAK_SNAPSHOT.json"), expected(&place));
}

#[test]
fn the_verdict_of_another_gate_is_compared() {
    for (content, parity) in [
        (r#"{"verdict": "PASS"}"#, json!(true)),
        (r#"{"verdict": "FAIL"}"#, json!(false)),
        ("{}", Value::Null),
        ("{", Value::Null),
    ] {
        let place = Run::passing(8).with("KPI_GATE.json", content).in_temp();
        assert_eq!(place.soak("extract", &[]).json()["kpi_gate_parity"], parity, "{content}");
    }
}

#[test]
fn what_is_unknown_is_null_and_what_is_0_is_0() {
    let run = (1..=8).fold(Run::passing(8), |run, number| {
        run.edit(number, |json| {
            json["summary"]["net_bps"] = json!(0);
            json["summary"].as_object_mut().expect("an object").remove("risk_ratio");
        })
    });
    let told = run.in_temp().soak("extract", &[]).json();
    assert_eq!(told["kpi_last8"]["risk_ratio"], json!({"mean": null, "median": null}));
    assert_eq!(told["kpi_last8"]["net_bps"], json!({"mean": 0.0, "median": 0.0}));
    assert_eq!((&told["verdict"], &told["outcome"]), (&json!("FAIL"), &json!("INVALID")));
}

#[test]
fn not_a_number_never_reaches_the_snapshot() {
    let nan = Step::good(3).json().to_string().replace("\"net_bps\":3.2", "\"net_bps\":NaN");
    let place = Run::passing(8).with("ITER_SUMMARY_3.json", nan).in_temp();
    let told = place.soak("extract", &[]);
    assert_eq!(told.json()["pass_count_last8"], 7);
    assert_eq!(told.json()["kpi_last8"]["net_bps"]["mean"], 3.2);
    assert!(told.stderr.contains("`net_bps`") && told.stderr.contains('3'), "{}", told.stderr);
}

// Exit codes.

#[test]
fn any_verdict_exits_0_unless_fail_on_says_otherwise() {
    let codes = |run: &Run| {
        let place = run.in_temp();
        let code = |args: &[&str]| place.soak("extract", args).code;
        let detailed = |args: &[&str]| code(&[args, &["--detailed-exitcode"]].concat());
        [
            code(&[]),
            detailed(&[]),
            code(&["--fail-on", "warn"]),
            detailed(&["--fail-on", "warn"]),
            code(&["--fail-on", "fail"]),
            detailed(&["--fail-on", "fail"]),
        ]
    };
    assert_eq!(codes(&Run::passing(8)), [0; 6]);
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4])), [0, 0, 1, 1, 0, 0]);
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4, 5])), [0, 0, 1, 1, 1, 1]);
    assert_eq!(codes(&Run::passing(7)), [0, 0, 1, 3, 1, 3]);
    assert_eq!(codes(&Run::passing(8).with("ITER_SUMMARY_8.json", "{")), [0, 0, 1, 4, 1, 4]);
}

#[test]
fn nothing_to_extract_exits_1_and_nothing_is_written() {
    for run in [
        Run::default(),
        Run::default().with("ITER_SUMMARY_1.json", "{"),
        Run::default().with("ITER_1.json", "{}"),
    ] {
        let place = run.in_temp();
        let before = visible(place.path());
        let Ran { code, stdout, stderr } = place.soak("extract", &[]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains("error: there is nothing to extract in `"), "{stderr}");
        assert_eq!(place.soak("extract", &["--detailed-exitcode"]).code, 4);
        assert_eq!(visible(place.path()), before);
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_is_printed_all_the_same() {
    let place = Run::passing(8).with("taken", "").in_temp();
    let taken = place.file("taken");
    let told = place.soak("extract", &["--detailed-exitcode", "--out", taken.to_str().expect("plain")]);
    assert_eq!(told.code, 5);
    assert_eq!(told.json()["verdict"], "PASS");
}

#[test]
fn prometheus_compare_and_out_work_as_for_the_gate() {
    let (place, out) = (calculated().in_temp(), Run::default().in_temp());
    let told = place.soak("extract", &["--prometheus", "--out", out.path().to_str().expect("plain")]);
    assert_eq!(told.code, 0);
    assert_eq!(out.written(), ["POST_SOAK_METRICS.prom", "POST_SOAK_SNAPSHOT.json"]);
    assert_eq!(place.written(), Vec::<String>::new());
    assert!(out.text("POST_SOAK_METRICS.prom").contains("\nsoak_kpi_latency_p95_mean 325.062\n"));
    let baseline = out.file("POST_SOAK_SNAPSHOT.json");
    let told = place.soak("extract", &["--compare", baseline.to_str().expect("plain")]);
    assert!(told.stderr.contains("  net_bps.mean: 3.125 → 3.125 (+0.0%)"), "{}", told.stderr);
    assert_eq!(
        place
            .soak("extract", &["--detailed-exitcode", "--require-baseline", "--compare", "nowhere.json"])
            .code,
        4
    );
}
