//! The score over days, the report of a day, and the validation, as CI runs them.

use std::fs;

use serde_json::{Value, json};

use super::super::support::{Folder, Run, overrides};
use super::{Releases, keeps_to, placed};

/// A run of a day: real data, order age measured, its times moved to this day of January 2026.
fn day_run(day: u32, order_age: f64) -> Run {
    let run = (1..=16).fold(Run::releasable(), |run, number| {
        run.edit(number, |value| {
            value["summary"]["order_age_p95_ms"] = json!(order_age);
            value["summary"]["runtime_utc"] = json!(format!("2026-01-{day:02}T{number:02}:00:00Z"));
        })
    });
    run.with_json("runtime_overrides.json", &overrides(65.0))
}

const OK: [&str; 6] = ["--chaos", "OK", "--bug-bash", "OK (2 minor)", "--drift", "NONE"];

fn record(place: &Folder, args: &[&str]) -> super::Ran {
    place.release(&[&["readiness", "record", "run"], args].concat())
}

#[test]
fn seven_recorded_days_make_go_and_six_do_not() {
    let place = placed(&day_run(1, 320.0));
    for day in 1..=7 {
        day_run(day, 320.0).write(&place.file("run"));
        let recorded = record(&place, &OK);
        assert_eq!(recorded.code, 0, "{}", recorded.stderr);
        let scored = place.release(&["readiness"]);
        let expected = i32::from(day < 7);
        assert_eq!(scored.code, expected, "day {day}: {}", scored.stdout);
        assert_eq!(place.release(&["validate", "artifacts/READINESS_SCORE.json"]).code, expected);
    }
    let score = place.json("artifacts/READINESS_SCORE.json");
    assert_eq!((&score["score"], &score["verdict"]), (&json!(100.0), &json!("GO")));
    assert_eq!(score["runtime"]["utc"], "2026-01-07T16:00:00Z");
    keeps_to("readiness_score", &score);
    let validated = place.release(&["validate", "artifacts/READINESS_SCORE.json"]);
    assert_eq!(validated.stdout, "[PASS] Readiness: GO (score=100)\n");
    assert!(place.text("artifacts/READINESS_SCORE.md").contains("Result: GO  Score: 100.000000"));
    // The same input, the same bytes, whenever it is asked.
    let bytes = fs::read(place.file("artifacts/READINESS_SCORE.json")).expect("a score");
    place.release(&["readiness"]);
    assert_eq!(fs::read(place.file("artifacts/READINESS_SCORE.json")).expect("a score"), bytes);
    assert!(bytes.is_ascii() && !bytes.contains(&b' ') || bytes.ends_with(b"\n"));
}

#[test]
fn the_report_of_a_day_holds_the_means_of_its_steady_iterations() {
    let run = (1..=16).fold(day_run(3, 300.0), |run, number| {
        run.edit(number, |value| {
            // Iterations 7 to 16: mean of net 3 + 11.5/16, of the order age 300 + 11.5.
            value["summary"]["net_bps"] = json!(3.0 + number as f64 / 16.0);
            value["summary"]["order_age_p95_ms"] = json!(300.0 + number as f64);
            value["summary"]["maker_taker_ratio"] = json!(0.875);
        })
    });
    let place = placed(&run);
    assert_eq!(record(&place, &OK).code, 0);
    let report = place.json("artifacts/REPORT_SOAK_20260103.json");
    keeps_to("report_soak", &report);
    assert_eq!(report["edge_net_bps"], json!(3.71875));
    assert_eq!(report["order_age_p95_ms"], json!(311.5));
    assert_eq!(report["taker_share_pct"], json!(12.5));
    assert_eq!(report["verdict"], "OK");
    assert_eq!(report["drift"], json!({"reason": "NONE", "source": "stated"}));
    assert_eq!(report["reg_guard"], json!({"reason": "NONE", "baseline": null}));
    assert_eq!((&report["chaos_result"], &report["bug_bash"]), (&json!("OK"), &json!("OK (2 minor)")));
    for unknown in ["fill_rate", "pos_skew_abs_p95", "caps_breach_count"] {
        assert_eq!(report[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(report["run"]["iterations"], 10);
}

#[test]
fn what_cannot_be_measured_is_refused_with_every_reason() {
    // No order age, no drift.
    let place = placed(&Run::releasable());
    let refused = record(&place, &OK[..4]);
    assert_eq!(refused.code, 1);
    for reason in ["`order_age_p95_ms` was not measured", "drift was not measured"] {
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
    assert!(!place.file("artifacts").exists());
    // Too few iterations.
    let place = placed(&Run::passing(5).with_json("runtime_overrides.json", &overrides(60.0)));
    assert!(record(&place, &OK).stderr.contains("the run is INCONCLUSIVE"));
    // Made up data.
    let sim = day_run(1, 320.0).edit(3, |value| value["source"] = json!("sim"));
    let place = placed(&sim);
    assert!(record(&place, &OK).stderr.contains("the data is simulated"));
    let rehearsed = record(&place, &[&OK[..], &["--rehearsal"]].concat());
    assert_eq!(rehearsed.code, 0, "{}", rehearsed.stderr);
    assert_eq!(place.json("artifacts/REPORT_SOAK_20260101.json")["rehearsal"], true);
    // No statement about the tests is a mistake of the command line.
    assert_eq!(place.release(&["readiness", "record", "run", "--chaos", "OK"]).code, 2);
}

#[test]
fn a_run_that_fails_or_does_not_name_its_source_is_recorded_as_no_day() {
    let place = placed(&day_run(1, 320.0).failing(&[9, 10, 11, 12, 13, 14, 15, 16]));
    let refused = record(&place, &OK);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("the run is FAIL"), "{}", refused.stderr);
    let place = placed(&day_run(1, 320.0).without("RUN_MANIFEST.json"));
    let refused = record(&place, &OK);
    assert_eq!(refused.code, 1);
    let told = "the origin of the data is not recorded (`source`); only `--rehearsal` takes such a day";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert!(!place.file("artifacts").exists());
    assert_eq!(record(&place, &[&OK[..], &["--rehearsal"]].concat()).code, 0);
    assert_eq!(place.json("artifacts/REPORT_SOAK_20260101.json")["rehearsal"], true);
}

/// What is done to a report.
type Change<'c> = &'c dyn Fn(&mut Value);

/// Seven good days, each changed.
fn week(place: &Folder, change: impl Fn(&mut Value)) {
    for day in 1..=7 {
        let mut report = json!({
            "edge_net_bps": 2.8, "order_age_p95_ms": 320, "taker_share_pct": 12, "chaos_result": "OK",
            "bug_bash": "OK", "reg_guard": {"reason": "NONE"}, "drift": {"reason": "NONE"},
            "runtime": {"utc": format!("2026-01-0{day}T12:00:00Z"), "version": "0.1.0"},
            "rehearsal": false, "run": {"source": "exec", "verdict": "PASS"},
        });
        change(&mut report);
        let path = place.file("artifacts").join(format!("REPORT_SOAK_2026010{day}.json"));
        fs::create_dir_all(place.file("artifacts")).expect("a folder");
        fs::write(path, report.to_string()).expect("a file");
    }
}

#[test]
fn days_whose_marks_are_missing_or_simulated_are_go_only_as_a_rehearsal() {
    let place = placed(&Run::default());
    week(&place, |_| ());
    assert_eq!(place.release(&["readiness"]).code, 0);
    assert_eq!(place.release(&["validate", "artifacts/READINESS_SCORE.json"]).code, 0);
    let cut = |report: &mut Value, keys: &[&str]| {
        for key in keys {
            report.as_object_mut().expect("an object").remove(*key);
        }
    };
    let simulated = |report: &mut Value| {
        cut(report, &["rehearsal"]);
        report["run"]["source"] = json!("sim");
    };
    let cases: [(&str, Change<'_>); 5] = [
        ("it has no `rehearsal`", &|report| cut(report, &["rehearsal"])),
        ("it has no `rehearsal`", &simulated),
        ("its data is simulated (source `sim`)", &|report| report["run"]["source"] = json!("sim")),
        ("it has no `run.source`", &|report| report["run"] = json!({"verdict": "PASS"})),
        // The reports of the earlier scripts have none of these keys.
        ("it has no `rehearsal`", &|report| cut(report, &["rehearsal", "run"])),
    ];
    for (told, change) in cases {
        week(&place, change);
        let held = place.release(&["readiness"]);
        assert_eq!(held.code, 1, "{told}: {}", held.stdout);
        assert!(held.stdout.contains(told), "{told}: {}", held.stdout);
        assert!(held.stdout.ends_with("Readiness: HOLD (score=0.000000)\n"), "{}", held.stdout);
        assert!(held.stderr.contains("hint: `--rehearsal` scores such reports"), "{}", held.stderr);
        assert_eq!(place.release(&["validate", "artifacts/READINESS_SCORE.json"]).code, 1);
        let rehearsed = place.release(&["readiness", "--rehearsal"]);
        assert_eq!(rehearsed.code, 0, "{told}: {}", rehearsed.stdout);
        assert!(rehearsed.stdout.ends_with("GO (score=100.000000) (REHEARSAL)\n"), "{}", rehearsed.stdout);
        let refused = place.release(&["validate", "artifacts/READINESS_SCORE.json"]);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(refused.stdout.contains("the score is a rehearsal"), "{}", refused.stdout);
        // Who takes the mark away gains nothing: the days have it, too.
        let mut score = place.json("artifacts/READINESS_SCORE.json");
        score["rehearsal"] = json!(false);
        fs::write(place.file("forged.json"), score.to_string()).expect("a file");
        assert_eq!(place.release(&["validate", "forged.json"]).code, 1);
        let validated = place.release(&["validate", "artifacts/READINESS_SCORE.json", "--rehearsal"]);
        assert_eq!(validated.stdout, "[PASS] Readiness: GO (score=100) (REHEARSAL)\n");
    }
}

#[test]
fn resources_that_grow_are_drift_whatever_is_stated() {
    let growing = (1..=16).fold(day_run(2, 320.0), |run, number| {
        run.edit(number, |value| {
            value["summary"]["resources"] = json!({"rss_mb": 100.0 + 50.0 * number as f64});
        })
    });
    let place = placed(&growing);
    assert_eq!(record(&place, &OK).code, 0);
    let drift = &place.json("artifacts/REPORT_SOAK_20260102.json")["drift"];
    assert_eq!(*drift, json!({"reason": "DRIFT_RSS_MB", "source": "measured"}));
}

#[test]
fn a_day_much_worse_than_the_days_before_is_a_regression() {
    let place = placed(&day_run(1, 300.0));
    record(&place, &OK);
    day_run(2, 331.0).write(&place.file("run"));
    record(&place, &OK);
    let report = place.json("artifacts/REPORT_SOAK_20260102.json");
    assert_eq!((&report["reg_guard"]["reason"], &report["verdict"]), (&json!("LAT_REG"), &json!("FAIL")));
    assert_eq!(report["reg_guard"]["baseline"]["order_age_p95_ms"], json!(300.0));
}

#[test]
fn another_report_of_the_day_is_only_replaced_when_asked() {
    let place = placed(&day_run(1, 300.0));
    assert_eq!(record(&place, &OK).code, 0);
    // The same again changes nothing and is fine.
    assert_eq!(record(&place, &OK).code, 0);
    day_run(1, 310.0).write(&place.file("run"));
    let refused = record(&place, &OK);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("hint: `--replace`"), "{}", refused.stderr);
    assert_eq!(place.json("artifacts/REPORT_SOAK_20260101.json")["order_age_p95_ms"], json!(300.0));
    assert_eq!(record(&place, &[&OK[..], &["--replace"]].concat()).code, 0);
    assert_eq!(place.json("artifacts/REPORT_SOAK_20260101.json")["order_age_p95_ms"], json!(310.0));
}

#[test]
fn a_report_that_cannot_be_read_is_named_and_costs_its_day() {
    let place = placed(&day_run(1, 320.0));
    for day in 1..=7 {
        day_run(day, 320.0).write(&place.file("run"));
        record(&place, &OK);
    }
    fs::write(place.file("artifacts/REPORT_SOAK_20260104.json"), "{").expect("a file");
    let scored = place.release(&["readiness", "--format", "json"]);
    assert_eq!(scored.code, 1);
    let score = scored.json();
    // Six of seven: 25.714286 + 21.428571 + 12.857143 + 8.571429.
    assert_eq!(score["score"], json!(68.571_429));
    let problems = score["problems"].as_array().expect("a list");
    assert!(
        problems[0].as_str().is_some_and(|told| told.starts_with("REPORT_SOAK_20260104.json: it is no JSON"))
    );
}

#[test]
fn without_a_folder_there_is_nothing_to_score() {
    let place = placed(&Run::default());
    let missing = place.release(&["readiness"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("`artifacts` cannot be listed"), "{}", missing.stderr);
    fs::create_dir(place.file("artifacts")).expect("a folder");
    let empty = place.release(&["readiness"]);
    assert_eq!(empty.code, 1);
    assert!(empty.stdout.ends_with("Readiness: HOLD (score=0.000000)\n"), "{}", empty.stdout);
}

#[test]
fn validation_of_hostile_files_lists_errors_and_never_passes() {
    let place = placed(&Run::default());
    for (name, content) in [
        ("null.json", "null".to_owned()),
        ("empty.json", String::new()),
        ("deep.json", "[".repeat(100_000)),
        ("nan.json", "{\"score\": NaN}".to_owned()),
        ("bool.json", "{\"score\": true, \"verdict\": \"GO\"}".to_owned()),
        ("twice.json", "{\"score\": 1, \"score\": 100}".to_owned()),
    ] {
        fs::write(place.file(name), content).expect("a file");
        let validated = place.release(&["validate", name]);
        assert_eq!(validated.code, 1, "{name}");
        assert!(validated.stdout.starts_with("[VALIDATION FAILED] "), "{name}: {}", validated.stdout);
    }
    for missing in ["no.json", "."] {
        let validated = place.release(&["validate", missing, "--format", "json"]);
        assert_eq!(validated.code, 1);
        keeps_to("release_validate", &validated.json());
    }
    assert_eq!(place.release(&["validate"]).code, 2);
}
