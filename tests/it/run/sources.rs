//! Sources that touch the world, through the program.
#![cfg(unix)]

use std::fs;

use serde_json::json;

use super::{Out, wait_until};

const REPORT: &str = r#"{"totals": {"net_bps": 3.1, "adverse_bps": 1.0, "slippage_bps_p95": 1.5, "p95_latency_ms": 300,
  "maker_share_pct": 88, "block_reasons": {"risk": {"count": 3, "ratio": 30}}}, "runtime": {"version": "bot-7"}}"#;

#[test]
fn a_command_is_started_once_an_iteration_and_finds_the_overrides() {
    let out = Out::new();
    let script = format!(
        r#"echo "$SOAK_ITERATION $SOAK_INTERVAL_SECONDS" >> calls; cp "$SOAK_OVERRIDES" "seen_$SOAK_ITERATION"
           printf '%s' '{REPORT}' > "$SOAK_EDGE_REPORT""#
    );
    let ran = out.run(&["--iterations", "3", "--interval", "1", "--", "sh", "-c", &script]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let work = out.path().parent().expect("a parent").to_owned();
    assert_eq!(fs::read_to_string(work.join("calls")).expect("calls"), "1 1\n2 1\n3 1\n");
    assert_eq!(super::json(&work.join("seen_2"))["min_interval_ms"], 60);
    let summary = &out.iteration(2)["summary"];
    assert_eq!((&summary["net_bps"], &summary["risk_ratio"]), (&json!(3.1), &json!(0.3)));
    assert_eq!(
        (&summary["maker_taker_ratio"], &summary["maker_taker_source"]),
        (&json!(0.88), &json!("maker_share_pct"))
    );
    assert_eq!(
        (&summary["adverse_bps_p95"], &summary["fallbacks"]["adverse_bps_p95"]),
        (&json!(1), &json!("adverse_bps"))
    );
    assert_eq!(summary["version"], "bot-7");
    assert_eq!(out.json("RUN_MANIFEST.json")["source"], "exec");
}

#[test]
fn three_failed_collections_in_a_row_end_the_run_and_none_is_a_zero() {
    let out = Out::new();
    let script = r#"if [ "$SOAK_ITERATION" -gt 2 ]; then echo "venue is down" >&2; exit 7; fi
                    echo '{"totals": {"net_bps": 3.1}}'"#;
    let ran = out.run(&[
        "--iterations",
        "9",
        "--interval",
        "0.05",
        "--detailed-exitcode",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains("venue is down"), "{}", ran.stderr);
    assert_eq!(out.iterations().len(), 5);
    let failed = out.iteration(4);
    assert_eq!(failed["collection"]["ok"], false);
    assert!(failed["collection"]["reason"].as_str().is_some_and(|reason| reason.contains("venue is down")));
    assert!(failed["summary"].get("net_bps").is_none(), "{failed}");
    assert_eq!(out.json("RUN_MANIFEST.json")["state"], "failed");
}

#[test]
fn a_run_that_collects_nothing_ends_with_2() {
    let out = Out::new();
    let ran = out.run(&["--iterations", "9", "--interval", "0.05", "--", "false"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let gate = out.soak("gate", &["--detailed-exitcode"]);
    assert!(gate.code > 2, "{gate:?}");
}

#[test]
fn an_interrupt_ends_the_child_and_its_children() {
    let out = Out::new();
    let script = "sleep 300 & echo $! > grandchild; wait";
    let running = out.start(&["--iterations", "2", "--interval", "200", "--", "sh", "-c", script]);
    let pid_file = out.path().parent().expect("a parent").join("grandchild");
    wait_until("the child has started", || {
        fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n'))
    });
    let pid = fs::read_to_string(&pid_file).expect("a pid").trim().to_owned();
    running.signal("INT");
    assert_eq!(running.end().code, 130);
    let is_gone = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    };
    wait_until("the grandchild is gone", is_gone);
}

#[test]
fn a_stale_edge_report_is_a_failed_collection() {
    let out = Out::new();
    let work = out.path().parent().expect("a parent").to_owned();
    let report = work.join("report.json");
    fs::write(&report, REPORT).expect("a report");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let path = report.to_str().expect("a plain path");
    let ran = out.run(&["--iterations", "4", "--interval", "0.1", "--edge-report", path]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let reason = out.iteration(1)["collection"]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("report.json"), "{reason}");
}

#[test]
fn a_fresh_edge_report_is_read_every_interval() {
    let out = Out::new();
    let work = out.path().parent().expect("a parent").to_owned();
    let report = work.join("report.json");
    let path = report.to_str().expect("a plain path").to_owned();
    let running = out.start(&["--iterations", "3", "--interval", "1.5", "--edge-report", &path]);
    let writer = std::thread::spawn(move || {
        for _ in 0..100 {
            let fresh = report.with_extension("tmp");
            if fs::write(&fresh, REPORT).and_then(|()| fs::rename(&fresh, &report)).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let ended = running.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(out.iteration(3)["summary"]["net_bps"], 3.1);
    drop(writer);
}

#[cfg(target_os = "linux")]
#[test]
fn a_watched_process_is_sampled_every_iteration() {
    let out = Out::new();
    let mut watched = std::process::Command::new("sleep").arg("60").spawn().expect("sleep starts");
    let ran = out.run(&["--mock", "--iterations", "3", "--pid", &watched.id().to_string()]);
    watched.kill().expect("killed");
    watched.wait().expect("ended");
    assert_eq!(ran.code, 0, "{ran:?}");
    let resources = &out.iteration(2)["summary"]["resources"];
    assert!(resources["rss_mb"].as_f64().is_some_and(|mb| mb > 0.0 && mb < 100.0), "{resources}");
    assert_eq!(resources["processes"], 1);
}

#[cfg(target_os = "linux")]
#[test]
fn of_a_watched_process_that_has_ended_nothing_is_known_and_that_is_told_once() {
    let out = Out::new();
    let mut watched = std::process::Command::new("sleep").arg("60").spawn().expect("sleep starts");
    let running = out.start(&[
        "--mock",
        "--real-time",
        "--interval",
        "0.3",
        "--iterations",
        "6",
        "--pid",
        &watched.id().to_string(),
    ]);
    out.wait_for("ITER_SUMMARY_2.json");
    watched.kill().expect("killed");
    watched.wait().expect("ended");
    let ended = running.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    // The simulator tells of resources, too; they are not those of the process.
    let (second, last) = (out.iteration(2), out.iteration(6));
    assert_eq!(second["summary"]["resources"]["processes"], 1);
    assert!(last["summary"]["resources"].is_null(), "{last}");
    let gone = format!("process {} has ended", watched.id());
    let notes = out
        .iterations()
        .into_iter()
        .flat_map(|iteration| iteration["summary"]["notes"].as_array().cloned().unwrap_or_default());
    assert_eq!(notes.filter(|note| *note == json!(gone)).count(), 1);
    assert!(ended.stderr.contains(&gone), "{}", ended.stderr);
}
