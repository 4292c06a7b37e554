//! The files beside the iterations: what the run declared, its tuning report, its overrides.

use serde_json::{Value, json};

use super::{Gated, gate, message};
use crate::it::support::{Folder, Run, Step, name};

/// A manifest with further keys.
fn manifest(run: Run, keys: &[(&str, Value)]) -> Run {
    let mut value = json!({"schema_version": "1.0", "iterations": 24, "state": "complete",
                           "last_complete_iteration": 24});
    for (key, content) in keys {
        value[*key] = content.clone();
    }
    run.with_json("RUN_MANIFEST.json", &value)
}

#[test]
fn a_run_that_is_not_complete_is_inconclusive_unless_asked_for_so_far() {
    for state in ["running", "interrupted", "failed"] {
        let folder = Run::passing(12).declared(24, state, 12).in_temp();
        let gated = Gated::of(&folder, &[]);
        gated.ends("INCONCLUSIVE", 3);
        assert_eq!(gated.reason(), format!("the run is {state}: 12 of 24 iterations"));
        let so_far = Gated::of(&folder, &["--so-far"]);
        so_far.ends("PASS", 0);
        assert_eq!(so_far.check("integrity.run_state")["outcome"], "NOT_APPLICABLE");
        let snapshot = folder.soak("extract", &[]).json();
        assert_eq!((&snapshot["outcome"], &snapshot["verdict"]), (&"INCONCLUSIVE".into(), &"FAIL".into()));
        assert_eq!(folder.soak("extract", &["--so-far"]).json()["outcome"], "PASS");
    }
    gate(&Run::passing(24).declared(24, "complete", 24)).ends("PASS", 0);
}

#[test]
fn a_running_run_owes_what_it_completed_and_not_the_iteration_it_is_in() {
    let half_written = Run::passing(12).declared(24, "running", 13).in_temp();
    let gated = Gated::of(&half_written, &["--so-far"]);
    gated.ends("INVALID", 4);
    assert!(
        gated.reason().ends_with("declared in `RUN_MANIFEST.json` and missing: 13"),
        "{}",
        gated.reason()
    );
    let ahead = Run::passing(12).declared(24, "running", 11).in_temp();
    Gated::of(&ahead, &["--so-far"]).ends("PASS", 0);
}

#[test]
fn a_declared_iteration_is_missed_in_the_window_only() {
    let run = Run::passing(24).declared(24, "complete", 24);
    let inside = gate(&run.clone().without(&name(17)));
    inside.ends("INVALID", 4);
    assert!(inside.reason().ends_with("missing: 17"), "{}", inside.reason());
    gate(&run.without(&name(16))).ends("PASS", 0);
}

#[test]
fn what_rotation_removed_is_not_missing() {
    let rotated = |ranges: Value| {
        let run = (1..=19)
            .filter(|number| *number != 15)
            .fold(Run::passing(24), |run, number| run.without(&name(number)));
        gate(&manifest(run, &[("rotated", ranges)]))
    };
    // Five iterations and one further back are left of 24: too few, but none is owed.
    let gated = rotated(json!([[1, 14], [16, 19]]));
    gated.ends("INCONCLUSIVE", 3);
    assert!(gated.reason().starts_with("6 iterations in the window"), "{}", gated.reason());
    assert!(gated.findings("gap").is_empty(), "{}", gated.told["findings"]);
    rotated(json!([[1, 14], [16, 18]])).ends("INVALID", 4);
    rotated(json!([])).ends("INVALID", 4);
}

#[test]
fn a_manifest_that_cannot_be_used_is_invalid() {
    let large = json!(1u64 << 60);
    let odd: [(&str, Value); 8] = [
        ("schema_version", json!("9")),
        ("schema_version", json!(1.0)),
        ("state", json!("done")),
        ("state", json!(null)),
        ("iterations", json!(0)),
        ("iterations", json!(-3)),
        ("iterations", large.clone()),
        ("last_complete_iteration", large),
    ];
    for change in odd {
        let gated = gate(&manifest(Run::passing(24), std::slice::from_ref(&change)));
        assert_eq!((gated.outcome(), gated.code), ("INVALID", 4), "{change:?}");
        assert!(gated.reason().starts_with("`RUN_MANIFEST.json` cannot be used"), "{}", gated.reason());
    }
    for content in ["", "{", "[]", "null", "{\"iterations\": NaN}"] {
        let folder = Run::passing(24).with("RUN_MANIFEST.json", content).in_temp();
        Gated::of(&folder, &[]).ends("INVALID", 4);
        Gated::of(&folder, &["--so-far"]).ends("INVALID", 4);
        assert_eq!(folder.soak("extract", &[]).json()["outcome"], "INVALID", "{content}");
    }
    let folder = Run::passing(24).in_temp();
    std::fs::create_dir(folder.file("RUN_MANIFEST.json")).expect("a folder");
    Gated::of(&folder, &[]).ends("INVALID", 4);
}

#[test]
fn a_manifest_with_a_mark_and_keys_of_tomorrow_is_read() {
    let text = r#"{"schema_version": "1.7", "iterations": 24, "state": "complete", "new": {"x": [1]}}"#;
    gate(&Run::passing(24).with("RUN_MANIFEST.json", format!("\u{feff}{text}"))).ends("PASS", 0);
}

#[test]
fn damaged_reports_and_overrides_are_findings() {
    for file in ["TUNING_REPORT.json", "runtime_overrides.json"] {
        for content in ["", "{", "\"text\"", "{\"iterations\": 7, \"min_interval_ms\": {\"a\": 1, \"a\": 2}}"]
        {
            let gated = gate(&Run::passing(12).with(file, content));
            gated.ends("PASS", 0);
            let finding = gated.finding("unusable_file");
            assert_eq!(finding["file"], file, "{content}");
            assert!(message(finding).starts_with(&format!("`{file}` is left out: ")), "{}", message(finding));
        }
    }
    let whole = Run::passing(12)
        .with("TUNING_REPORT.json", r#"{"iterations": []}"#)
        .with("runtime_overrides.json", r#"{"min_interval_ms": 60}"#);
    assert!(gate(&whole).findings("unusable_file").is_empty());
}

#[test]
fn a_tuning_report_with_two_records_of_one_iteration_is_told() {
    let report = r#"[{"iteration": 3}, {"iteration": 3}]"#;
    let gated = gate(&Run::passing(12).with("TUNING_REPORT.json", report));
    gated.ends("PASS", 0);
    assert!(
        message(gated.finding("duplicate_iteration")).contains("iteration 3 occurs in it more than once")
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_manifest_is_not_opened() {
    let folder = Run::passing(24).in_temp();
    let made = std::process::Command::new("mkfifo").arg(folder.file("RUN_MANIFEST.json")).status();
    if made.is_ok_and(|status| status.success()) {
        Gated::of(&folder, &[]).ends("INVALID", 4);
    }
}

#[test]
fn what_rotation_removed_is_no_gap() {
    let manifest = json!({
        "schema_version": "1.0", "iterations": 300, "state": "complete", "last_complete_iteration": 300,
        "source": "fixture", "rotated": [[2, 100], [101, 290]],
    });
    let run: Run = (291..=300).map(Step::good).collect();
    let run = run.step(Step::good(1)).step(Step { freeze: true, ..Step::good(299) });
    let gaps = |folder: &Folder| -> Vec<String> {
        let told = folder.soak("gate", &["--format", "json"]).json();
        let findings = told["findings"].as_array().expect("a list").clone();
        let of_kind = findings.iter().filter(|finding| finding["kind"] == "gap");
        of_kind.map(|finding| finding["message"].as_str().expect("text").to_owned()).collect()
    };
    let rotated = run.clone().with_json("RUN_MANIFEST.json", &manifest).in_temp();
    assert_eq!(gaps(&rotated), Vec::<String>::new());
    // Without a manifest nobody knows why they are gone.
    assert_eq!(gaps(&run.in_temp()), ["missing between the first and the last: 2-290 (289 iterations)"]);
}

#[test]
fn a_manifest_with_numbers_beyond_reason_is_damage_and_costs_nothing() {
    let manifest = |text: &str| Run::passing(8).with("RUN_MANIFEST.json", text).in_temp();
    let huge = manifest(r#"{"schema_version": "1.0", "iterations": 100000000, "state": "complete"}"#);
    let told = huge.soak("gate", &["--format", "json", "--detailed-exitcode"]);
    assert_eq!(told.code, 4, "{}", told.stdout);
    let wide = manifest(
        r#"{"schema_version": "1.0", "iterations": 8, "state": "complete", "last_complete_iteration": 8,
            "rotated": [[9, 18446744073709551615]]}"#,
    );
    assert_eq!(wide.soak("gate", &[]).code, 0);
}

#[test]
fn a_damaged_file_goes_by_the_symbol_that_its_siblings_have_inside() {
    let of = |number: u64| {
        json!({"symbol": "BTCUSDT", "net_bps": 3.2, "risk_ratio": 0.3, "maker_taker_ratio": 0.9,
                           "p95_latency_ms": 300.0, "ticks": number, "freeze_triggered": number == 20})
    };
    let run = (1..=20).filter(|number| *number != 2).fold(Run::default(), |run, number| {
        run.with_json(&format!("ITER_SUMMARY_btc_{number}.json"), &of(number))
    });
    let damaged = |number: u64| run.clone().with(&format!("ITER_SUMMARY_btc_{number}.json"), "{").in_temp();
    assert_eq!(damaged(2).soak("gate", &["--detailed-exitcode"]).code, 0, "outside the window");
    assert_eq!(damaged(19).soak("gate", &["--detailed-exitcode"]).code, 4, "inside the window");
}
