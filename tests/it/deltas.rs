//! `soak deltas verify`: exit codes, limits, reports.

use crate::it::support::{Folder, Ran, Run};
use serde_json::{Value, json};

fn codes(place: &Folder, args: &[&str]) -> (i32, i32) {
    let detailed = [args, &["--detailed-exitcode"]].concat();
    (place.soak("deltas verify", args).code, place.soak("deltas verify", &detailed).code)
}

fn report(place: &Folder) -> Value {
    place.soak("deltas verify", &["--format", "json"]).json()
}

/// Proposed, said to be not applied, without a reason: a failure.
fn refused(run: Run, number: u64) -> Run {
    run.edit(number, |json| {
        json["tuning"] = json!({"applied": false, "proposed_deltas": {"min_interval_ms": 5}});
    })
}

/// Proposed, said to be applied, and lost.
fn lost(run: Run, number: u64) -> Run {
    run.edit(number, |json| {
        json["tuning"] = json!({"applied": true, "proposed_deltas": {"min_interval_ms": 5}});
    })
}

/// `full` proposals that arrive, then `failed` that do not.
fn mixed(full: u64, failed: u64) -> Folder {
    let run = (1..=full).fold(Run::passing(full + failed + 1), |run, number| run.tuned(number, 1.0));
    (full + 1..=full + failed).fold(run, refused).in_temp()
}

#[test]
fn what_arrived_passes() {
    let place = mixed(3, 0);
    assert_eq!(codes(&place, &[]), (0, 0));
    let told = report(&place);
    assert_eq!(
        (&told["status"], &told["proposed_count"], &told["full_apply_count"]),
        (&json!("verified"), &json!(3), &json!(3))
    );
    assert_eq!((&told["full_apply_ratio"], &told["strict_apply_ratio"]), (&json!(1.0), &json!(1.0)));
}

#[test]
fn what_was_left_out_with_a_reason_counts_as_well() {
    let run = Run::passing(4).tuned(1, 1.0).edit(2, |json| {
        json["tuning"] = json!({"applied": false, "proposed_deltas": {"min_interval_ms": 5},
                                "skip_reason": {"velocity": true}, "velocity_violation": true});
    });
    let place = run.in_temp();
    assert_eq!(codes(&place, &[]), (0, 0));
    let told = report(&place);
    assert_eq!((&told["full_apply_ratio"], &told["strict_apply_ratio"]), (&json!(1.0), &json!(1.0)));
    assert_eq!((&told["full_apply_count"], &told["skipped_count"]), (&json!(1), &json!(1)));
}

#[test]
fn the_limit_is_090_inclusive_and_strict_it_is_095() {
    // 9 of 10, 8 of 9, 19 of 20, 18 of 19.
    assert_eq!(codes(&mixed(9, 1), &[]), (0, 0));
    assert_eq!(codes(&mixed(8, 1), &[]), (1, 1));
    assert_eq!(codes(&mixed(19, 1), &["--strict"]), (0, 0));
    assert_eq!(codes(&mixed(18, 1), &["--strict"]), (1, 1));
    assert_eq!(codes(&mixed(18, 1), &[]), (0, 0));
}

#[test]
fn threshold_sets_the_limit_with_and_without_strict() {
    let half = mixed(2, 2);
    for strict in [&[][..], &["--strict"]] {
        let at = |limit| codes(&half, &[strict, &["--threshold", limit]].concat());
        assert_eq!(at("0.5"), (0, 0));
        assert_eq!(at("0.501"), (1, 1));
        assert_eq!(at("0.001"), (0, 0));
        assert_eq!(at("1"), (1, 1));
    }
    assert_eq!(codes(&mixed(2, 0), &["--threshold", "1"]), (0, 0));
    for wrong in ["0", "1.01", "-0.1", "NaN", "half"] {
        assert_eq!(codes(&half, &[&format!("--threshold={wrong}")]), (2, 2), "{wrong}");
    }
}

#[test]
fn one_stuck_signature_is_allowed_and_two_are_not() {
    // One proposal arrives, so that the share alone is enough.
    let stuck = |numbers: &[u64]| numbers.iter().copied().fold(Run::passing(8).tuned(1, 1.0), lost).in_temp();
    assert_eq!(report(&stuck(&[2]))["signature_stuck_count"], 1);
    assert_eq!(codes(&stuck(&[2]), &["--threshold", "0.01"]), (0, 0));
    assert_eq!(codes(&stuck(&[2, 4]), &["--threshold", "0.01"]), (1, 1));
}

#[test]
fn nothing_proposed_is_nothing_to_verify() {
    let place = Run::passing(8).in_temp();
    for args in [&[][..], &["--strict"], &["--threshold", "1"]] {
        assert_eq!(codes(&place, args), (0, 0), "{args:?}");
    }
    let told = report(&place);
    assert_eq!((&told["status"], &told["full_apply_ratio"]), (&json!("no_proposals"), &Value::Null));
    assert!(place.soak("deltas verify", &[]).stdout.contains("nothing was proposed"));
}

/// Files of the earlier runner: no overrides in the iterations.
fn without_overrides() -> Run {
    (1..=8).fold(lost(Run::passing(8), 2), |run, number| {
        run.edit(number, |json| {
            json.as_object_mut().expect("an object").remove("runtime_overrides");
        })
    })
}

#[test]
fn proposals_that_cannot_be_verified_are_inconclusive() {
    let place = without_overrides().in_temp();
    assert_eq!(codes(&place, &[]), (1, 3));
    let told = report(&place);
    assert_eq!((&told["status"], &told["unverifiable_count"]), (&json!("unverifiable"), &json!(1)));
    assert_eq!(told["full_apply_ratio"], Value::Null);
    assert!(place.text("DELTA_VERIFY_REPORT.md").contains("What unverifiable means"));
    // For the gate the check does not apply then.
    assert_eq!(place.soak("gate", &[]).code, 0);
}

#[test]
fn the_end_of_the_run_proves_nothing_about_a_single_step() {
    let end = json!({"min_interval_ms": 65, "tail_age_ms": 600, "impact_cap_ratio": 0.1});
    let place = without_overrides().with_json("runtime_overrides.json", &end).in_temp();
    assert_eq!(codes(&place, &[]), (1, 3));
}

#[test]
fn a_folder_without_iterations_is_invalid_input() {
    let place = Run::default().in_temp();
    assert_eq!(codes(&place, &[]), (1, 4));
    assert_eq!(place.written(), Vec::<String>::new());
    assert!(place.soak("deltas verify", &[]).stderr.starts_with("error: there is no usable iteration in `"));
}

#[test]
fn the_reports_are_written_and_say_the_same() {
    let place = mixed(1, 1);
    let Ran { stdout, .. } = place.soak("deltas verify", &[]);
    let names =
        ["DELTA_VERIFY_REPORT.json", "DELTA_VERIFY_REPORT.md", "reports/analysis/DELTA_VERIFY_REPORT.json"];
    assert_eq!(place.written(), names);
    assert_eq!(place.json(names[0]), report(&place));
    assert_eq!(place.text(names[0]), place.text(names[2]));
    let line = "Full applications: 1/2 (50.0%)";
    assert!(stdout.contains(line) && place.text(names[1]).lines().any(|found| found == line));
    let out = Run::default().in_temp();
    place.soak("deltas verify", &["--out", out.path().to_str().expect("plain")]);
    assert_eq!(out.written(), names);
}

#[test]
fn an_increment_that_was_stored_as_the_value_is_named() {
    let run = lost(Run::passing(3), 1);
    let run = [2, 3].into_iter().fold(run, |run, number| {
        run.edit(number, |json| json["runtime_overrides"]["min_interval_ms"] = json!(5))
    });
    let place = run.in_temp();
    assert_eq!(codes(&place, &[]), (1, 1));
    assert_eq!(report(&place)["pairs"][0]["keys"][0]["stored_as_value"], true);
    assert!(
        place.text("DELTA_VERIFY_REPORT.md").contains("stored as the value"),
        "{}",
        place.text("DELTA_VERIFY_REPORT.md")
    );
}

#[test]
fn a_change_is_compared_within_a_billionth() {
    let changed = |new: f64| {
        let run = lost(Run::passing(2), 1);
        let place = run.edit(2, |json| json["runtime_overrides"]["min_interval_ms"] = json!(new)).in_temp();
        report(&place)["full_apply_count"].clone()
    };
    assert_eq!(changed(65.0), 1);
    assert_eq!(changed(65.000_000_000_5), 1);
    assert_eq!(changed(65.000_000_002), 0);
}

#[test]
fn reports_that_cannot_be_written_exit_5() {
    let place = mixed(1, 0);
    let taken = place.file("ITER_SUMMARY_1.json");
    assert_eq!(codes(&place, &["--out", taken.to_str().expect("plain")]), (1, 5));
}
