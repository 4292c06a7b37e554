//! The folders in `fixtures/`, one a case, are what the generator here makes. `SOAK_UPDATE_FIXTURES=1` writes
//! them anew. Each is gated by the program, and must end as its name says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::it::support::{Ran, Run, Step, name, soak};
use serde_json::json;

/// Case, exit code with `--detailed-exitcode`, verdict, words that the reason must hold.
fn cases() -> Vec<(&'static str, Run, i32, &'static str, &'static str)> {
    vec![
        ("pass24", tuned_run(), 0, "PASS", "gating checks hold"),
        ("warn_no_freeze", (1..=8).map(Step::good).collect(), 0, "WARN", "no freeze was seen"),
        ("warn_five_of_eight", bad_after(Run::passing(8), &[2, 3, 4]), 0, "WARN", "5 of 8 iterations pass"),
        (
            "fail_four_of_eight",
            bad_after(Run::passing(8), &[2, 3, 4, 5]),
            1,
            "FAIL",
            "4 of 8 iterations pass",
        ),
        ("inconclusive_seven", Run::passing(7), 3, "INCONCLUSIVE", "7 iterations in the window, 8 needed"),
        (
            "invalid_corrupt",
            Run::passing(8).with(&name(5), r#"{"iteration": 5, "summ"#),
            4,
            "INVALID",
            "cut off",
        ),
        (
            "invalid_duplicate",
            Run::passing(8).with_json("ITER_SUMMARY_007.json", &Step::good(7).json()),
            4,
            "INVALID",
            "iteration 7 is there more than once",
        ),
        (
            "invalid_declared_missing",
            Run::passing(8).declared(9, "complete", 9),
            4,
            "INVALID",
            "declared in `RUN_MANIFEST.json` and missing: 9",
        ),
        (
            "invalid_kpi_nowhere",
            (1..=8).fold(Run::passing(8), |run, number| {
                run.edit(number, |value| {
                    value["summary"].as_object_mut().expect("an object").remove("net_bps");
                })
            }),
            4,
            "INVALID",
            "`net_bps` has no value in the whole window",
        ),
        (
            "inconclusive_running",
            Run::passing(12).declared(24, "running", 12),
            3,
            "INCONCLUSIVE",
            "12 of 24 iterations",
        ),
        ("warn_nan_once", nan_at(Run::passing(8), &[1, 2, 3]), 0, "WARN", "5 of 8 iterations pass"),
        ("fail_deltas_lost", lost_deltas(), 1, "FAIL", "0 of 2 proposals"),
        ("fail_per_symbol", per_symbol(), 1, "FAIL", "ETHUSDT"),
    ]
}

/// 24 iterations that start too risky, are tuned into the green, and freeze at the end.
fn tuned_run() -> Run {
    let run: Run = (1..=24u32)
        .map(|number| {
            let progress = (f64::from(number) - 1.0) / 23.0;
            let wobble = f64::from(number * 7 % 5) / 100.0;
            Step {
                number: u64::from(number),
                net: rounded(2.4 + 0.9 * progress + wobble),
                risk: rounded(0.46 - 0.14 * progress - wobble / 4.0),
                maker: rounded(0.80 + 0.09 * progress + wobble / 4.0),
                p95: (345.0 - 40.0 * progress - 100.0 * wobble).round(),
                freeze: number == 20,
            }
        })
        .collect();
    [3, 4, 6, 9].into_iter().fold(run, |run, number| run.tuned(number, 2.0)).declared(24, "complete", 24)
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn bad_after(run: Run, numbers: &[u64]) -> Run {
    numbers.iter().fold(run, |run, number| run.step(Step::bad(*number)))
}

/// Python writes NaN as a bare word.
fn nan_at(run: Run, numbers: &[u64]) -> Run {
    numbers.iter().fold(run, |run, number| {
        let text =
            format!("{:#}\n", Step::good(*number).json()).replace("\"net_bps\": 3.2", "\"net_bps\": NaN");
        run.with(&name(*number), text)
    })
}

/// Said to be applied, but the next iteration runs with the old overrides.
fn lost_deltas() -> Run {
    [2, 4].into_iter().fold(Run::passing(8), |run, number| {
        run.edit(number, |value| {
            value["tuning"] =
                json!({"applied": true, "proposed_deltas": {"min_interval_ms": 5}, "skip_reason": ""});
        })
    })
}

/// Flat files of two symbols, one of which misses the limits.
fn per_symbol() -> Run {
    let flat = |symbol: &str, step: Step| {
        json!({"symbol": symbol, "net_bps": step.net, "risk_ratio": step.risk,
               "maker_taker_ratio": step.maker, "p95_latency_ms": step.p95,
               "ticks": 18_000 + step.number})
    };
    (1..=8).fold(Run::default(), |run, number| {
        run.with_json(&format!("ITER_SUMMARY_BTCUSDT_{number:03}.json"), &flat("BTCUSDT", Step::good(number)))
            .with_json(&format!("ITER_SUMMARY_ETHUSDT_{number:03}.json"), &flat("ETHUSDT", Step::bad(number)))
    })
}

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(case)
}

#[test]
fn the_folders_are_what_the_generator_makes() {
    let update = std::env::var_os("SOAK_UPDATE_FIXTURES").is_some();
    for (case, run, ..) in cases() {
        if update {
            let _ = fs::remove_dir_all(folder(case));
            run.write(&folder(case));
        }
        let there: BTreeMap<String, Vec<u8>> = fs::read_dir(folder(case))
            .unwrap_or_else(|error| panic!("fixtures/{case}: {error}"))
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                (entry.file_name().into_string().expect("a name"), fs::read(entry.path()).expect("a file"))
            })
            .collect();
        let made: BTreeMap<String, Vec<u8>> =
            run.files().map(|(name, content)| (name.to_owned(), content.to_vec())).collect();
        assert_eq!(there.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>(), "fixtures/{case}");
        assert!(there == made, "fixtures/{case} differs from what the generator makes");
    }
}

#[test]
fn each_folder_ends_as_its_name_says() {
    for (case, run, code, verdict, reason) in cases() {
        let place = run.in_temp();
        let Ran { code: ended, stdout, stderr } =
            place.soak("gate", &["--format", "json", "--detailed-exitcode"]);
        let told: serde_json::Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{case}: {error}\n{stderr}"));
        assert_eq!(told["outcome"], verdict, "{case}: {}", told["reason"]);
        assert_eq!(ended, code, "{case}");
        assert!(told["reason"].as_str().expect("text").contains(reason), "{case}: {}", told["reason"]);
        assert_eq!(told["exit_code"], code, "{case}");
    }
}

#[test]
fn without_the_detailed_exit_code_everything_that_fails_is_one() {
    for (case, run, code, ..) in cases() {
        let place = run.in_temp();
        let expected = i32::from(code != 0);
        assert_eq!(place.soak("gate", &[]).code, expected, "{case}");
    }
}

#[test]
fn a_checked_in_folder_can_be_gated_without_being_written_into() {
    let out = tempfile::tempdir().expect("a folder");
    let path = folder("pass24");
    let told = soak(&[
        "gate",
        "--path",
        path.to_str().expect("plain"),
        "--out",
        out.path().to_str().expect("plain"),
    ]);
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    assert!(!path.join("POST_SOAK_SNAPSHOT.json").exists());
    assert!(out.path().join("POST_SOAK_SNAPSHOT.json").exists());
}
