//! The eight topics that the tooling has promised to hold since its second version, one section each. Seen
//! through the snapshot that `extract` writes; no knowledge of the code is used.

use crate::it::support::{Folder, Run, Step, soak};
use serde_json::{Value, json};

/// The snapshot of a run.
fn snapshot(run: &Run, flags: &[&str]) -> Value {
    let place = run.in_temp();
    let ran = place.soak("extract", flags);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    place.json("POST_SOAK_SNAPSHOT.json")
}

/// Gives one measurement of one iteration another value.
fn measured(run: Run, number: u64, kpi: &str, value: f64) -> Run {
    run.edit(number, |json| json["summary"][kpi] = json!(value))
}

/// Eight good iterations without a freeze.
fn unfrozen() -> Run {
    (1..=8).map(Step::good).collect()
}

// 1. Schema version.

#[test]
fn schema_version_is_present() {
    assert_eq!(snapshot(&Run::passing(8), &[])["schema_version"], "1.1");
    // Also where the verdict is none that the schema knows.
    assert_eq!(snapshot(&Run::passing(3), &[])["schema_version"], "1.1");
}

// 2. Ready to freeze.

#[test]
fn freeze_ready_with_six_passing_iterations_and_a_freeze() {
    let run = [2, 3].into_iter().fold(Run::passing(8), |run, number| run.step(Step::bad(number)));
    let told = snapshot(&run, &[]);
    assert_eq!(told["verdict"], "PASS");
    assert_eq!(told["pass_count_last8"], 6);
    assert_eq!(told["freeze_seen"], true);
    assert_eq!(told["freeze_ready"], true);
}

#[test]
fn not_freeze_ready_with_five_passing_iterations() {
    let run = [2, 3, 4].into_iter().fold(Run::passing(8), |run, number| run.step(Step::bad(number)));
    let told = snapshot(&run, &[]);
    assert_eq!(told["verdict"], "WARN");
    assert_eq!(told["pass_count_last8"], 5);
    assert_eq!(told["freeze_seen"], true);
    assert_eq!(told["freeze_ready"], false);
}

#[test]
fn not_freeze_ready_without_a_freeze() {
    let told = snapshot(&unfrozen(), &[]);
    assert_eq!(told["verdict"], "WARN");
    assert_eq!(told["pass_count_last8"], 8);
    assert_eq!(told["freeze_seen"], false);
    assert_eq!(told["freeze_ready"], false);
}

#[test]
fn a_freeze_before_the_window_does_not_count() {
    let run: Run = (1..=9).map(|number| Step { freeze: number == 1, ..Step::good(number) }).collect();
    assert_eq!(snapshot(&run, &[])["freeze_seen"], false);
    let inside: Run = (1..=9).map(|number| Step { freeze: number == 2, ..Step::good(number) }).collect();
    assert_eq!(snapshot(&inside, &[])["freeze_seen"], true);
}

// 3. Guard counts.

#[test]
fn guard_counts_are_accurate() {
    let run = [("velocity_violation", 3), ("cooldown_active", 4), ("oscillation_detected", 5)]
        .into_iter()
        .fold(Run::passing(8), |run, (flag, number)| {
            run.edit(number, |json| json["tuning"][flag] = json!(true))
        });
    let expected =
        json!({"velocity_count": 1, "cooldown_count": 1, "oscillation_count": 1, "freeze_events": 1});
    assert_eq!(snapshot(&run, &[])["guards_last8"], expected);
}

#[test]
fn guards_are_counted_from_either_place_but_once_an_iteration() {
    let run = Run::passing(8)
        .edit(1, |json| json["tuning"]["skip_reason"]["velocity"] = json!(true))
        // Both places say the same: one count.
        .edit(2, |json| {
            json["tuning"]["skip_reason"]["velocity"] = json!(true);
            json["tuning"]["velocity_violation"] = json!(true);
        })
        // Two guards in one iteration: one count each.
        .edit(3, |json| {
            json["tuning"]["cooldown_active"] = json!(true);
            json["tuning"]["oscillation_detected"] = json!(true);
        })
        // The text of a note is no flag.
        .edit(4, |json| {
            json["tuning"]["skip_reason"]["note"] = json!("velocity oscillation cooldown freeze");
        });
    let expected =
        json!({"velocity_count": 2, "cooldown_count": 1, "oscillation_count": 1, "freeze_events": 1});
    assert_eq!(snapshot(&run, &[])["guards_last8"], expected);
}

#[test]
fn guards_before_the_window_are_not_counted() {
    let run = Run::passing(9).edit(1, |json| json["tuning"]["velocity_violation"] = json!(true));
    assert_eq!(snapshot(&run, &[])["guards_last8"]["velocity_count"], 0);
}

// 4. Anomalies.

#[test]
fn a_latency_spike_a_risk_jump_and_a_maker_drop_are_three_anomalies() {
    let run = measured(Run::passing(8), 3, "p95_latency_ms", 420.0);
    let run = measured(run, 5, "risk_ratio", 0.33 + 0.17);
    let run = measured(run, 7, "maker_taker_ratio", 0.70);
    assert_eq!(snapshot(&run, &[])["anomalies_count"], 3);
}

#[test]
fn each_anomaly_begins_beyond_its_limit() {
    for (kpi, at, beyond) in [
        ("p95_latency_ms", 400.0, 400.001),
        // 0.33 before, so a rise of exactly 0.15, as far as doubles can tell.
        ("risk_ratio", 0.48, 0.4801),
        ("maker_taker_ratio", 0.75, 0.7499),
    ] {
        let count =
            |value| snapshot(&measured(Run::passing(8), 4, kpi, value), &[])["anomalies_count"].clone();
        assert_eq!(count(at), 0, "{kpi} at its limit");
        assert_eq!(count(beyond), 1, "{kpi} beyond its limit");
    }
}

#[test]
fn a_fall_of_the_risk_ratio_is_no_anomaly() {
    let run = measured(Run::passing(8), 8, "risk_ratio", 0.05);
    assert_eq!(snapshot(&run, &[])["anomalies_count"], 0);
}

// 5. Loops of signatures.

/// A run whose iterations carry these signatures, a letter each.
fn signed(letters: &str) -> Run {
    (1..).zip(letters.chars()).fold(Run::passing(8), |run, (number, letter)| {
        run.edit(number, |json| json["tuning"]["signature"] = json!(letter.to_string()))
    })
}

#[test]
fn signature_loops_are_counted_with_overlaps() {
    for (letters, loops) in [("ABABA", 3), ("ABAC", 1), ("ABCD", 0), ("AAAA", 0), ("ABBA", 0)] {
        assert_eq!(snapshot(&signed(letters), &[])["signature_loops"], loops, "{letters}");
    }
}

// 6. Limits of a passing iteration.

/// At the limit, on its good side, on its bad side.
struct Limit {
    kpi: &'static str,
    at: f64,
    good: f64,
    bad: f64,
}

#[track_caller]
fn limits_hold(limits: [Limit; 4], flags: &[&str]) {
    for Limit { kpi, at, good, bad } in limits {
        let passes =
            |value| snapshot(&measured(Run::passing(8), 4, kpi, value), flags)["pass_count_last8"].clone();
        assert_eq!(passes(at), 8, "{kpi} at {at}");
        assert_eq!(passes(good), 8, "{kpi} = {good}");
        assert_eq!(passes(bad), 7, "{kpi} = {bad}");
    }
}

#[test]
fn kpi_limits_are_inclusive_and_nothing_beyond_them_passes() {
    limits_hold(
        [
            Limit { kpi: "risk_ratio", at: 0.42, good: 0.4199, bad: 0.4201 },
            Limit { kpi: "maker_taker_ratio", at: 0.85, good: 0.8501, bad: 0.8499 },
            Limit { kpi: "net_bps", at: 2.7, good: 2.7001, bad: 2.6999 },
            Limit { kpi: "p95_latency_ms", at: 350.0, good: 349.9, bad: 350.1 },
        ],
        &[],
    );
}

#[test]
fn the_nearest_number_beyond_a_limit_does_not_pass() {
    for (kpi, bad) in [
        ("risk_ratio", 0.42_f64.next_up()),
        ("maker_taker_ratio", 0.85_f64.next_down()),
        ("net_bps", 2.7_f64.next_down()),
        ("p95_latency_ms", 350.0_f64.next_up()),
    ] {
        let run = measured(Run::passing(8), 4, kpi, bad);
        assert_eq!(snapshot(&run, &[])["pass_count_last8"], 7, "{kpi} = {bad:?}");
    }
}

#[test]
fn with_mock_the_relaxed_limits_are_inclusive_and_nothing_beyond_them_passes() {
    limits_hold(
        [
            Limit { kpi: "risk_ratio", at: 0.50, good: 0.4999, bad: 0.5001 },
            Limit { kpi: "maker_taker_ratio", at: 0.50, good: 0.5001, bad: 0.4999 },
            Limit { kpi: "net_bps", at: -10.0, good: -9.999, bad: -10.001 },
            Limit { kpi: "p95_latency_ms", at: 500.0, good: 499.9, bad: 500.1 },
        ],
        &["--mock"],
    );
}

#[test]
fn an_iteration_must_hold_all_four_limits() {
    let run = ["risk_ratio", "maker_taker_ratio", "net_bps", "p95_latency_ms"]
        .into_iter()
        .zip([0.45, 0.80, 2.0, 360.0])
        .zip(1..)
        .fold(Run::passing(8), |run, ((kpi, value), number)| measured(run, number, kpi, value));
    assert_eq!(snapshot(&run, &[])["pass_count_last8"], 4);
}

// 7. One verdict, whoever tells it.

/// The verdict as the audit of `analyze` tells it.
fn audit_holds(place: &Folder, word: &str) -> bool {
    place.text("POST_SOAK_AUDIT.md").lines().any(|line| line.contains("erdict") && line.contains(word))
}

#[test]
fn the_snapshot_tells_the_verdict_of_the_analyzer() {
    let bad =
        |numbers: &[u64]| numbers.iter().fold(Run::passing(8), |run, number| run.step(Step::bad(*number)));
    for (run, word) in [(bad(&[]), "PASS"), (bad(&[2, 3, 4]), "WARN"), (bad(&[2, 3, 4, 5]), "FAIL")] {
        let place = run.in_temp();
        place.soak("extract", &[]);
        let analyzed = place.soak("analyze", &["--format", "json"]).json();
        assert_eq!(place.json("POST_SOAK_SNAPSHOT.json")["verdict"], word);
        assert_eq!(place.json("reports/analysis/POST_SOAK_SNAPSHOT.json")["verdict"], word);
        assert_eq!(place.json("reports/analysis/POST_SOAK_ANALYSIS.json")["outcome"], word);
        assert_eq!(analyzed["outcome"], word);
        assert!(audit_holds(&place, word), "{word}: {}", place.text("POST_SOAK_AUDIT.md"));
    }
}

// 8. The fields.

#[test]
fn all_required_fields_are_present() {
    let told = snapshot(&Run::passing(8), &[]);
    for key in [
        "schema_version",
        "verdict",
        "pass_count_last8",
        "freeze_seen",
        "freeze_ready",
        "kpi_last8",
        "guards_last8",
        "time_range",
        "kpi_gate_parity",
        "anomalies_count",
        "signature_loops",
    ] {
        assert!(told.get(key).is_some(), "`{key}` is missing: {told}");
    }
    for kpi in ["risk_ratio", "maker_taker_ratio", "net_bps", "p95_latency_ms"] {
        for statistic in ["mean", "median"] {
            assert!(told["kpi_last8"][kpi][statistic].is_number(), "{kpi} {statistic}");
        }
    }
    for guard in ["oscillation_count", "velocity_count", "cooldown_count", "freeze_events"] {
        assert!(told["guards_last8"][guard].is_u64(), "{guard}");
    }
    for end in ["from", "to"] {
        assert!(told["time_range"][end].is_string(), "{end}");
    }
}

#[test]
fn a_missing_folder_has_nothing_to_extract() {
    assert_eq!(soak(&["extract", "--path", "no/such/folder"]).code, 1);
}
