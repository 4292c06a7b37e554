//! The course of a run: smoke run, freeze, canary, determinism, resume, signals.

use std::fs;

use serde_json::json;

use super::{Out, wait_until};
use crate::it::support::{program, ran, visible};

/// The parameters that a freeze holds.
const FROZEN: [&str; 2] = ["impact_cap_ratio", "max_delta_ratio"];

#[test]
fn a_smoke_run_of_six_iterations_writes_a_folder_that_can_be_judged() {
    let out = Out::new();
    let ran = out.simulated(&["--iterations", "6", "--auto-tune"]);
    assert_eq!(out.iterations().len(), 6);
    let manifest = out.json("RUN_MANIFEST.json");
    assert_eq!(
        (&manifest["iterations"], &manifest["state"], &manifest["last_complete_iteration"]),
        (&json!(6), &json!("complete"), &json!(6))
    );
    assert!(ran.stdout.contains("soak run --resume"), "six are too few to judge: {}", ran.stdout);
    for (number, iteration) in (1..).zip(out.iterations()) {
        assert_eq!(iteration["iteration"], number);
        assert_eq!(iteration["collection"], json!({"ok": true, "reason": null}));
        assert!(iteration["summary"]["net_bps"].is_number());
        assert_eq!(iteration["runtime_overrides"].as_object().map(serde_json::Map::len), Some(11));
    }
    // Fewer iterations than the verdict asks for are no pass; asked for less, they are judged.
    assert_eq!(out.soak("gate", &["--detailed-exitcode"]).code, 3);
    let smoke = out.soak("gate", &["--mock", "--last-n", "4", "--min-iterations", "4"]);
    assert_eq!(smoke.code, 0, "{smoke:?}");
}

#[test]
fn the_default_soak_passes_its_gate_and_its_readiness() {
    let out = Out::new();
    let ran = out.simulated(&["--iterations", "24", "--auto-tune"]);
    assert!(ran.stdout.contains("PASS"), "{}", ran.stdout);
    let gate = out.soak("gate", &["--format", "json", "--strict", "--require-freeze"]);
    assert_eq!(gate.code, 0, "{gate:?}");
    assert_eq!(gate.json()["outcome"], "PASS");
    assert_eq!(out.json("POST_SOAK_SNAPSHOT.json")["source"], "sim");
    let analysis = out.json("reports/analysis/POST_SOAK_ANALYSIS.json");
    let readiness = analysis["symbols"][0]["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|check| check["part"] == "readiness");
    let outcomes: Vec<_> = readiness.map(|check| check["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!("PASS"), json!("PASS"), json!("PASS"), json!("PASS")]);
}

#[test]
fn a_freeze_starts_after_two_stable_iterations_holds_four_and_says_so() {
    let out = Out::new();
    out.simulated(&["--iterations", "24", "--auto-tune"]);
    let iterations = out.iterations();
    let stable = |index: usize| {
        let summary = &iterations[index]["summary"];
        summary["risk_ratio"].as_f64().expect("risk") <= 0.35
            && summary["net_bps"].as_f64().expect("net") >= 2.7
    };
    let first =
        (1..iterations.len()).find(|index| stable(*index) && stable(index - 1)).expect("a stable pair");
    let starts = |index: usize| iterations[index]["tuning"]["freeze_triggered"] == true;
    assert_eq!((0..iterations.len()).find(|index| starts(*index)), Some(first));
    assert_eq!(iterations[first]["state"]["frozen_until"], first as u64 + 1 + 4);
    let mut held = 0;
    for before in first..(first + 4).min(iterations.len() - 1) {
        let (now, next) =
            (&iterations[before]["runtime_overrides"], &iterations[before + 1]["runtime_overrides"]);
        for name in FROZEN {
            if before > first {
                assert_eq!(now[name], next[name], "{name} moved after iteration {}", before + 1);
            }
        }
        let dropped = &iterations[before]["tuning"]["dropped"];
        held += FROZEN.iter().filter(|name| dropped[**name] == "freeze").count();
    }
    let gate = out.soak("gate", &["--format", "json"]);
    assert_eq!(gate.code, 0);
    let snapshot = out.json("POST_SOAK_SNAPSHOT.json");
    assert_eq!((&snapshot["freeze_seen"], &snapshot["freeze_ready"]), (&json!(true), &json!(true)));
    // Whether a row proposed a frozen key is the market's doing; what was held back carries its reason.
    let reasons = iterations.iter().filter(|iteration| {
        FROZEN.iter().any(|name| iteration["tuning"]["proposed_deltas"][*name].is_number())
            && iteration["tuning"]["freeze_active"] == true
    });
    assert!(held > 0 || reasons.count() == 0);
}

#[test]
fn a_canary_of_24_hours_is_flat_small_frozen_and_calm() {
    let out = Out::new();
    out.simulated(&["--iterations", "96", "--interval", "900", "--auto-tune"]);
    let iterations = out.iterations();
    assert_eq!(iterations.len(), 96);
    assert_eq!(iterations[95]["summary"]["runtime_utc"], "2026-01-02T00:00:00Z");
    let bytes: usize = visible(&out.path()).values().map(Vec::len).sum();
    assert!(bytes < 1_000_000_000, "{bytes} bytes");
    assert!(iterations.iter().any(|iteration| iteration["tuning"]["freeze_triggered"] == true));
    let names: Vec<String> =
        iterations[0]["runtime_overrides"].as_object().expect("overrides").keys().cloned().collect();
    for name in names {
        let mut values: Vec<&serde_json::Value> =
            iterations.iter().map(|iteration| &iteration["runtime_overrides"][&name]).collect();
        values.dedup();
        assert!(
            values.windows(3).all(|three| three[0] != three[2]),
            "{name} goes there and back: {values:?}"
        );
    }
    let memory = |range: std::ops::Range<usize>| -> f64 {
        let values =
            iterations[range].iter().map(|iteration| iteration["summary"]["resources"]["rss_mb"].as_f64());
        let values: Vec<f64> = values.map(|value| value.expect("memory")).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let (first, last) = (memory(0..24), memory(72..96));
    assert!((last / first - 1.0).abs() < 0.05, "memory went from {first} to {last} MB");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let folders = [Out::new(), Out::new(), Out::new()];
    for (out, seed) in folders.iter().zip(["5", "5", "6"]) {
        out.simulated(&["--iterations", "8", "--auto-tune", "--seed", seed]);
    }
    let files = |out: &Out| {
        let mut files = visible(&out.latest());
        // It tells the process and its start.
        files.retain(|name, _| name != "RUN_MANIFEST.json" && name != "RUN_LOG.jsonl");
        files
    };
    assert_eq!(files(&folders[0]), files(&folders[1]));
    assert_ne!(files(&folders[0]), files(&folders[2]));
}

#[test]
fn a_second_run_in_the_same_folder_is_refused_with_the_pid_of_the_first() {
    let out = Out::new();
    let first = out.start(&["--mock", "--real-time", "--interval", "600", "--iterations", "2"]);
    out.wait_for("RUN_MANIFEST.json");
    let second = out.run(&["--mock", "--iterations", "2"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.contains(&format!("process {}", first.pid())), "{}", second.stderr);
    let resumed = out.run(&["--resume"]);
    assert_eq!(resumed.code, 1, "{resumed:?}");
    assert!(resumed.stderr.contains(&format!("process {}", first.pid())), "{}", resumed.stderr);
    drop(first);
}

#[test]
fn two_isolated_runs_at_once_are_both_whole() {
    let out = Out::new();
    let runs: Vec<_> = ["1", "2", "3"]
        .into_iter()
        .map(|seed| out.start(&["--mock", "--run-isolated", "--iterations", "40", "--seed", seed]))
        .collect();
    for run in runs {
        let ended = run.end();
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let mut whole = 0;
    for entry in fs::read_dir(out.path()).expect("the folder of runs") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.starts_with("RUN_") {
            let count = (1..=40).filter(|n| path.join(format!("ITER_SUMMARY_{n}.json")).exists()).count();
            assert_eq!(
                (count, &super::json(&path.join("RUN_MANIFEST.json"))["state"]),
                (40, &json!("complete"))
            );
            whole += 1;
        }
    }
    assert_eq!(whole, 3);
    assert_eq!(out.iterations().len(), 40, "latest is one of them");
}

#[test]
fn a_former_run_moves_to_history_and_nothing_of_it_is_lost() {
    let out = Out::new();
    out.simulated(&["--iterations", "3", "--seed", "1"]);
    let former = visible(&out.latest());
    out.simulated(&["--iterations", "2", "--seed", "2"]);
    assert_eq!(out.iterations().len(), 2);
    let history: Vec<_> = fs::read_dir(out.path().join("history")).expect("a history").collect();
    assert_eq!(history.len(), 1);
    let kept = visible(&history.into_iter().next().expect("one").expect("an entry").path());
    assert_eq!(kept, former);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_with_130_and_resume_completes_it() {
    for signal in ["INT", "TERM"] {
        let out = Out::new();
        let running =
            out.start(&["--mock", "--real-time", "--interval", "0.05", "--iterations", "40", "--auto-tune"]);
        out.wait_for("ITER_SUMMARY_2.json");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, 130, "{ended:?}");
        assert!(ended.stderr.contains("--resume"), "{}", ended.stderr);
        let manifest = out.json("RUN_MANIFEST.json");
        assert_eq!(manifest["state"], "interrupted");
        let done = manifest["last_complete_iteration"].as_u64().expect("a number");
        assert_eq!(out.iterations().len() as u64, done);
        let unfinished = out.soak("gate", &["--detailed-exitcode"]);
        assert_eq!(unfinished.code, 3, "{unfinished:?}");
        let resumed = out.run(&["--resume"]);
        assert_eq!(resumed.code, 0, "{resumed:?}");
        assert_eq!(out.iterations().len(), 40);
        assert_eq!(out.json("RUN_MANIFEST.json")["state"], "complete");
    }
}

#[test]
fn a_complete_run_is_extended_and_not_resumed() {
    let out = Out::new();
    out.simulated(&["--iterations", "4"]);
    let resumed = out.run(&["--resume"]);
    assert_eq!(resumed.code, 1, "{resumed:?}");
    assert!(resumed.stderr.contains("--extend"), "{}", resumed.stderr);
    let extended = out.run(&["--resume", "--extend", "3"]);
    assert_eq!(extended.code, 0, "{extended:?}");
    assert_eq!(out.iterations().len(), 7);
    let manifest = out.json("RUN_MANIFEST.json");
    assert_eq!((&manifest["iterations"], &manifest["state"]), (&json!(7), &json!("complete")));
    let whole = Out::new();
    whole.simulated(&["--iterations", "7"]);
    // The fourth iteration was the last one when it ran, so its tuning differs; its measurements do not.
    for number in 1..=7 {
        assert_eq!(whole.iteration(number)["summary"], out.iteration(number)["summary"]);
    }
}

#[test]
fn resume_refuses_what_contradicts_the_declared_run() {
    let out = Out::new();
    let missing = out.run(&["--resume"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    out.simulated(&["--iterations", "4", "--seed", "3"]);
    for wrong in [
        &["--iterations", "9"][..],
        &["--interval", "10"],
        &["--source", "exec", "--", "true"],
        &["--mock", "--seed", "4"],
        &["--auto-tune"],
    ] {
        let refused = out.run(&[&["--resume", "--extend", "1"], wrong].concat());
        assert_eq!(refused.code, 2, "{wrong:?}: {refused:?}");
    }
    for wrong in [&["--resume", "--set", "min_interval_ms=70"][..], &["--extend", "1"]] {
        assert_eq!(out.run(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(out.iterations().len(), 4);
}

#[cfg(unix)]
#[test]
fn a_live_run_is_served_and_judged_so_far() {
    let out = Out::new();
    let running = out.start(&[
        "--mock",
        "--real-time",
        "--interval",
        "0.2",
        "--iterations",
        "60",
        "--serve",
        "0",
        "--log-format",
        "json",
    ]);
    out.wait_for("ITER_SUMMARY_3.json");
    let so_far = out.soak("gate", &["--so-far", "--mock", "--min-iterations", "1", "--last-n", "1"]);
    assert_eq!(so_far.code, 0, "{so_far:?}");
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, 130);
    assert!(ended.stderr.contains("http://127.0.0.1:"), "{}", ended.stderr);
    for line in ended.stderr.lines().filter(|line| line.starts_with('{')) {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn a_run_of_no_iterations_and_wrong_lengths_are_usage_errors() {
    let out = Out::new();
    for wrong in [
        &["--iterations", "0"][..],
        &["--hours", "0"],
        &["--hours", "-1"],
        &["--hours", "NaN"],
        &["--interval", "0"],
        &["--iterations", "4", "--hours", "1"],
        &["--scenario", "nonsense"],
        &["--scenario", "regression@"],
        &["--profile", "nonsense"],
        &["--preset", "nonsense"],
        &["--warmup-preset", "warmup_conservative_v1"],
        &["--serve", "example.test:80"],
        &["--adopt"],
        &["--pid", "0"],
    ] {
        let ran = out.run(&[&["--mock"], wrong].concat());
        assert_eq!(ran.code, 2, "{wrong:?}: {ran:?}");
        assert!(!ran.stderr.contains("no source is named"), "{}", ran.stderr);
    }
    for wrong in [
        &["--source", "exec"][..],
        &["--source", "prometheus"],
        &["--mock", "--source", "file"],
        &["--mock", "--edge-report", "x.json"],
        &["--mock", "--measure-at", "end"],
        &["--source", "file", "--measure-at", "end"],
        &["--measure-at", "now", "--", "true"],
        &["--mock", "--no-wait"],
        &["--no-wait", "--measure-at", "end", "--", "true"],
        &["--mock", "--real-time", "--no-wait"],
    ] {
        let ran = out.run(wrong);
        assert_eq!(ran.code, 2, "{wrong:?}: {ran:?}");
    }
    assert!(!out.path().exists(), "nothing was written");
}

#[test]
fn an_hour_of_five_minutes_is_twelve_iterations() {
    let out = Out::new();
    out.simulated(&["--hours", "1"]);
    assert_eq!(out.json("RUN_MANIFEST.json")["iterations"], 12);
}

#[test]
fn quiet_tells_nothing_but_the_result() {
    let out = Out::new();
    let ran = out.simulated(&["--iterations", "3", "--quiet"]);
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.is_empty());
    let help = ran_help();
    assert!(help.contains("--abort-after-fails") && help.contains("[default: 0]"), "{help}");
}

fn ran_help() -> String {
    ran(program().args(["run", "--help"])).stdout
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_it() {
    let out = Out::new();
    fs::write(out.path(), "a file in the way").expect("a file");
    let ran = out.run(&["--mock", "--iterations", "2", "--detailed-exitcode"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("soak"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(out.path()).expect("still there"), "a file in the way");
    wait_until("nothing", || true);
}
