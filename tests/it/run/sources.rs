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
    let started = std::time::Instant::now();
    let ran = out.run(&["--iterations", "3", "--interval", "0.2", "--", "sh", "-c", &script]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(started.elapsed().as_secs_f64() >= 0.6, "three intervals are waited for");
    let work = out.path().parent().expect("a parent").to_owned();
    insta::assert_snapshot!(format!("{}(end)", fs::read_to_string(work.join("calls")).expect("calls")), @r"
        1 0.2
        2 0.2
        3 0.2
        (end)
        ");
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
    let manifest = out.json("RUN_MANIFEST.json");
    assert_eq!(manifest["source"], "exec");
    assert_eq!((&manifest["settings"]["no_wait"], &manifest["clock_steps"]), (&json!(false), &json!([])));
    // The environment of these tests fixes the clock.
    assert!(manifest["notes"].to_string().contains("SOAK_NOW"), "{manifest}");
}

#[test]
fn a_run_without_a_source_is_a_usage_error_that_lists_them() {
    let out = Out::new();
    for args in
        [&[][..], &["--hours", "72"], &["--iterations", "2", "--auto-tune"], &["--pid", "1", "--dry-run"]]
    {
        let refused = out.run(args);
        assert_eq!(refused.code, 2, "{args:?}: {refused:?}");
        for source in ["exec", "--source file", "--source prometheus", "--mock", "[run]"] {
            assert!(refused.stderr.contains(source), "{source}: {}", refused.stderr);
        }
    }
    assert!(!out.path().exists());
    let policy = out.path().with_file_name("policy.toml");
    let of_policy = |source: &str, args: &[&str]| {
        fs::write(&policy, format!("schema_version = 1\n[run]\nsource = \"{source}\"\n")).expect("a policy");
        let path = policy.to_str().expect("a plain path");
        out.run(&[&["--iterations", "1", "--interval", "0.01", "--policy", path], args].concat())
    };
    let simulated = of_policy("sim", &[]);
    assert_eq!(simulated.code, 0, "{simulated:?}");
    assert_eq!(out.json("RUN_MANIFEST.json")["source"], "sim");
    // A flag beats the policy.
    let measured = of_policy("sim", &["--", "echo", r#"{"totals": {"net_bps": 3.1}}"#]);
    assert_eq!(
        (measured.code, &out.json("RUN_MANIFEST.json")["source"]),
        (0, &json!("exec")),
        "{measured:?}"
    );
    let lacking = of_policy("exec", &[]);
    assert!(lacking.code == 2 && lacking.stderr.contains("exec needs a command"), "{lacking:?}");
}

#[test]
fn a_replay_takes_the_times_of_its_reports_and_is_recorded_as_one() {
    let out = Out::new();
    let script = r#"printf '{"totals": {"net_bps": 3.%s}, "runtime": {"utc": "2025-03-01T0%s:00:00+02:00"}}' \
                    "$SOAK_ITERATION" "$SOAK_ITERATION""#;
    let args = ["--iterations", "3", "--interval", "900", "--no-wait"];
    let ran = out.run(&[&args[..], &["--", "sh", "-c", script]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let manifest = out.json("RUN_MANIFEST.json");
    assert_eq!(manifest["settings"]["no_wait"], true);
    assert!(manifest["notes"].to_string().contains("not valid for a release"), "{manifest}");
    let second = out.iteration(2);
    assert_eq!(second["summary"]["runtime_utc"], "2025-03-01T00:00:00Z");
    assert_eq!(second["started_utc"], "2025-02-28T23:45:00Z");
    assert!(second.get("measured_early").is_none(), "{second}");
    let log = fs::read_to_string(out.file("RUN_LOG.jsonl")).expect("a log");
    assert!(log.contains(r#""utc":"2025-03-01T01:00:00Z""#), "{log}");
    let other = out.run(&["--resume", "--extend", "1", "--measure-at", "end"]);
    assert!(other.code == 2 && other.stderr.contains("measures at: declared start, now end"), "{other:?}");
    // What is not said is taken as declared: it does not wait now either.
    assert_eq!(out.run(&["--resume", "--extend", "1"]).code, 0);
    assert_eq!(out.iteration(4)["summary"]["runtime_utc"], "2025-03-01T02:00:00Z");
}

#[test]
fn a_report_whose_own_time_stands_still_is_a_failed_collection() {
    let out = Out::new();
    let report = r#"{"totals": {"net_bps": 3.1}, "runtime": {"utc": "2025-03-01T08:00:00Z"}}"#;
    let ended = out.start(&["--iterations", "9", "--interval", "0.05", "--", "echo", report]).end();
    assert_eq!(ended.code, 2, "{ended:?}");
    let first = out.iteration(1);
    let reason = first["collection"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("is stale") && reason.contains("2025-03-01T08:00:00Z"), "{reason}");
    assert!(first["summary"].get("net_bps").is_none(), "{first}");
    assert_eq!(out.iterations().len(), 3);
}

#[test]
fn an_interrupt_ends_the_wait_for_the_rest_of_the_interval() {
    let out = Out::new();
    let script = r#"echo '{"totals": {"net_bps": 3.1}}'; echo > measured"#;
    let running = out.start(&["--iterations", "2", "--interval", "600", "--", "sh", "-c", script]);
    let measured = out.path().parent().expect("a parent").join("measured");
    wait_until("the command was started", || measured.exists());
    running.signal("TERM");
    assert_eq!(running.end().code, 130);
    let manifest = out.json("RUN_MANIFEST.json");
    assert_eq!(
        (&manifest["state"], &manifest["last_complete_iteration"]),
        (&json!("interrupted"), &json!(0))
    );
}

#[test]
fn a_command_that_is_done_early_is_marked_and_noted_once() {
    let out = Out::new();
    let report = r#"{"totals": {"net_bps": 3.1}}"#;
    let ran = out.run(&["--iterations", "2", "--interval", "1", "--", "echo", report]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let notes = |number| out.iteration(number)["summary"]["notes"].to_string();
    assert_eq!(out.iteration(1)["measured_early"], true);
    assert_eq!(out.iteration(2)["measured_early"], true);
    assert!(notes(1).contains("--measure-at end") && !notes(2).contains("--measure-at"), "{}", notes(2));
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

/// A policy with two KPIs of a service, in the folder in which runs are started.
fn service_policy(out: &Out, more: &str) {
    let kpis = r#"
schema_version = 1
extends = "none"
[kpi.p95_ms]
unit = "ms"
direction = "lower"
[kpi.error_ratio]
unit = "ratio"
direction = "lower"
aliases = ['errors{job="api"}']
[iteration_pass.kpi.p95_ms]
comparison = "<="
limit = 50
"#;
    let path = out.path().parent().expect("a parent").join("soak.toml");
    fs::write(path, format!("{kpis}{more}")).expect("a policy");
}

#[test]
fn flat_json_and_prometheus_text_are_measurements_of_commands_and_files() {
    let flat = r#"{"p95_ms": 12.5, "error_ratio": 0.002, "p95": null, "queue": 4}"#;
    let text = "# TYPE p95_ms gauge\np95_ms 12.5\nerrors{job=\"api\",code=\"500\"} 0.002\nqueue 4\n";
    for (measurement, is_file) in [(flat, false), (text, false), (flat, true), (text, true)] {
        let out = Out::new();
        service_policy(&out, "");
        let place = if is_file { "> \"$SOAK_MEASUREMENT\"" } else { "" };
        let script = format!("cat {place} <<'END'\n{measurement}\nEND");
        let args = ["--policy", "soak.toml", "--iterations", "2", "--interval", "0.2"];
        let ran = out.run(&[&args[..], &["--", "sh", "-c", &script]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        for number in [1, 2] {
            let summary = &out.iteration(number)["summary"];
            assert_eq!((&summary["p95_ms"], &summary["error_ratio"]), (&json!(12.5), &json!(0.002)));
            let listed = summary["notes"].to_string().contains("the policy does not declare `queue`");
            assert_eq!(listed, number == 1, "{summary}");
        }
        assert!(ran.stderr.contains("does not declare `queue`"), "{}", ran.stderr);
    }
    let out = Out::new();
    service_policy(&out, "");
    fs::write(out.path().parent().expect("a parent").join("now.prom"), text).expect("a file");
    let args = ["--policy", "soak.toml", "--iterations", "1", "--no-wait", "--measurement", "now.prom"];
    let ran = out.run(&args);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(out.iteration(1)["summary"]["error_ratio"], 0.002);
}

#[test]
fn a_counter_is_its_rate_over_resets_failed_collections_and_a_resume() {
    let out = Out::new();
    let counter = "[kpi.requests]\nunit = \"1/s\"\ndirection = \"higher\"\nkind = \"counter\"\n";
    service_policy(&out, counter);
    // 100, 300, nothing, 700, 50, 250: reset in the fifth iteration.
    let script = r#"set -- 100 300 x 700 50 250; shift $((SOAK_ITERATION - 1)); [ $1 = x ] && exit 1
        echo "{\"p95_ms\": 12.5, \"error_ratio\": 0, \"requests\": $1}""#;
    let args = ["--policy", "soak.toml", "--iterations", "4", "--interval", "0.5"];
    let ran = out.run(&[&args[..], &["--", "sh", "-c", script]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let resumed = out.run(&["--policy", "soak.toml", "--resume", "--extend", "2"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    let of = |number: u64| out.iteration(number)["summary"].clone();
    let ends = |number: u64| {
        let text = of(number)["runtime_utc"].as_str().expect("a time").to_owned();
        text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
    };
    let rate = |counted: f64, from: u64, to: u64| counted / (ends(to) - ends(from)).as_seconds_f64();
    for (number, expected) in
        [(2, rate(200.0, 1, 2)), (4, rate(400.0, 2, 4)), (5, rate(50.0, 4, 5)), (6, rate(200.0, 5, 6))]
    {
        let found = of(number)["requests"].as_f64().expect("a rate");
        assert!((found - expected).abs() < 1e-6 * expected, "{number}: {found} {expected}");
    }
    assert_eq!(of(1).get("requests"), None);
    assert!(of(1)["notes"].to_string().contains("`requests` is the first reading of a counter"), "{}", of(1));
    assert_eq!(of(4)["counters"], json!({"requests": 700}));
    assert_eq!(of(3).get("counters"), None);
    assert!(of(5)["notes"].to_string().contains("`requests` was reset, from 700 to 50"), "{}", of(5));
}

#[test]
fn a_measurement_that_cannot_be_used_is_shown_with_an_example_of_the_policy() {
    let out = Out::new();
    service_policy(&out, "");
    let args = ["--policy", "soak.toml", "--iterations", "1", "--interval", "0.2", "--"];
    let ran = out.run(&[&args[..], &["printf", "<html>\\033[1m"]].concat());
    assert_eq!(ran.code, 2, "{ran:?}");
    let reason = out.iteration(1)["collection"]["reason"].clone();
    assert_eq!(
        reason,
        "the command `printf` gave a measurement on its stdout that cannot be used: line 1 is no Prometheus text: no \
         name of a metric in `<html>\u{fffd}[1m`; got `<html>\\u{1b}[1m`; expected e.g. `{\"p95_ms\": 12.5, \
         \"error_ratio\": 0.25}`"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_pid_file_is_followed_over_a_restart_and_what_failed_between_is_recorded() {
    let out = Out::new();
    service_policy(&out, "[resources]\npid_file = \"service.pid\"\n");
    let file = out.path().parent().expect("a parent").join("service.pid");
    let start = || {
        let child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep starts");
        fs::write(&file, child.id().to_string()).expect("a pid file");
        child
    };
    let args = ["--policy", "soak.toml", "--iterations", "8", "--interval", "0.4"];
    let command = ["--", "echo", r#"{"p95_ms": 12.5, "error_ratio": 0}"#];
    let missing = out.run(&[&args[..], &command].concat());
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(
        missing.stderr.contains("service.pid") && missing.stderr.contains("hint: "),
        "{}",
        missing.stderr
    );
    assert!(!out.latest().exists(), "nothing is left behind");

    let mut first = start();
    let planned = out.run(&[&args[..], &["--dry-run"], &command].concat());
    assert!(
        planned.stdout.contains("resources   the process that `service.pid` names, and its children"),
        "{}",
        planned.stdout
    );
    let running = out.start(&[&args[..], &command].concat());
    out.wait_for("ITER_SUMMARY_2.json");
    // Killed and not waited for: the kernel still lists it, and it uses nothing.
    first.kill().expect("killed");
    out.wait_for("ITER_SUMMARY_4.json");
    let mut second = start();
    let ended = running.end();
    for child in [&mut first, &mut second] {
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    assert_eq!(ended.code, 0, "{ended:?}");
    let of = |number: u64| out.iteration(number)["summary"].clone();
    let pid = |number: u64| of(number)["resources"]["process"]["pid"].clone();
    assert_eq!((pid(1), pid(8)), (json!(first.id()), json!(second.id())));
    assert!(of(4)["resources"].is_null(), "{}", of(4));
    assert_eq!(of(4)["resources_failed"], format!("process {} has ended", first.id()));
    assert_eq!(of(1).get("resources_failed"), None);
    let restarted = (1..=8).filter(|number| of(*number)["notes"].to_string().contains("was restarted"));
    let restarted: Vec<u64> = restarted.collect();
    assert_eq!(restarted.len(), 1, "{restarted:?}");
    assert!(
        ended.stdout.contains(&format!("restarted   in iteration {}\n", restarted[0])),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains(": process ") && ended.stdout.contains("no sample   in iteration"));
    assert!(ended.stdout.contains("of one of 2 processes"), "{}", ended.stdout);
    let policy = out.path().parent().expect("a parent").join("soak.toml");
    let judged = out.soak("analyze", &["--policy", policy.to_str().expect("a plain path")]);
    let report = fs::read_to_string(out.file("POST_SOAK_AUDIT.md")).expect("a report");
    for told in [
        format!("the watched process was restarted in iteration {}", restarted[0]),
        "resources could not be sampled in iteration".to_owned(),
    ] {
        assert!(report.contains(&told), "{told}: {judged:?}\n{report}");
    }
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
    assert_eq!(last["summary"]["resources_failed"], gone);
    let notes = out
        .iterations()
        .into_iter()
        .flat_map(|iteration| iteration["summary"]["notes"].as_array().cloned().unwrap_or_default());
    assert_eq!(notes.filter(|note| *note == json!(gone)).count(), 1);
    assert!(ended.stderr.contains(&gone), "{}", ended.stderr);
}

/// The plan of a run with these variables.
fn planned(out: &Out, variables: &[(&str, &str)], args: &[&str]) -> crate::it::support::Ran {
    let mut command = out.command(&[&["--iterations", "2", "--dry-run"], args].concat());
    crate::it::support::ran(command.envs(variables.iter().copied()))
}

const URL: (&str, &str) = ("SOAK_PROMETHEUS_URL", "http://127.0.0.1:9");

#[test]
fn a_server_by_variable_is_the_last_to_choose_the_source_and_a_flag_beats_it() {
    let out = Out::new();
    for (args, source) in [
        (&[][..], "prometheus"),
        (&["--", "true"], "exec"),
        (&["--mock"], "sim"),
        (&["--edge-report", "e.json"], "file"),
    ] {
        let ran = planned(&out, &[URL], &[args, &[]].concat());
        assert_eq!(ran.code, 0, "{source}: {ran:?}");
        let line = ran.stdout.lines().find(|line| line.contains("source")).expect("a line of the source");
        assert!(line.contains(source), "{source}: {line}");
    }
    let bad = [("SOAK_PROMETHEUS_URL", "ftp://127.0.0.1")];
    let refused = planned(&out, &bad, &[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("must begin with https:// or http://"), "{}", refused.stderr);
    let flag = ["--prometheus-url", "http://127.0.0.1:9"];
    assert_eq!(planned(&out, &bad, &flag).code, 0);
    let nameless = planned(&out, &[], &["--source", "prometheus"]);
    assert_eq!(nameless.code, 2);
    assert!(nameless.stderr.contains("set `SOAK_PROMETHEUS_URL`"), "{}", nameless.stderr);
}

#[test]
fn secrets_by_variable_are_checked_and_never_told() {
    let out = Out::new();
    let far = ("SOAK_PROMETHEUS_URL", "http://prometheus.example");
    let token = ("SOAK_PROMETHEUS_TOKEN", "hush");
    for (variables, args, code, words) in [
        (&[URL, token][..], &[][..], 0, ""),
        (&[far, token], &[], 2, "not sent over plain http"),
        (&[URL, ("SOAK_PROMETHEUS_TOKEN", " ")], &[], 2, "`SOAK_PROMETHEUS_TOKEN` is blank"),
        (&[URL, ("SOAK_PROMETHEUS_TOKEN_FILE", "no-such-hush")], &[], 1, "no-such-hush"),
        (&[far, ("SOAK_PROMETHEUS_HEADERS", "Authorization: hush")], &[], 2, "not sent over plain http"),
        (&[URL, ("SOAK_PROMETHEUS_HEADERS", "X-A: 1\n\nX-B: hush\n")], &[], 0, ""),
        (
            &[URL, ("SOAK_PROMETHEUS_HEADERS", "hush")],
            &[],
            2,
            "`SOAK_PROMETHEUS_HEADERS`: expected `Name: value`",
        ),
        // What a flag says is not said again by a variable.
        (&[URL, ("SOAK_PROMETHEUS_HEADERS", "x-a: hush")], &["--header", "X-A: 1"], 0, ""),
        (&[URL, ("SOAK_CA_FILE", "none.pem")], &[], 1, "none.pem"),
        (&[URL, ("SOAK_CA_FILE", "/dev/null")], &[], 1, "file of CA certificates holds no certificate"),
        (&[URL], &["--ca-file", "/dev/null"], 1, "hint: `/dev/null` must hold certificates as PEM"),
    ] {
        let ran = planned(&out, variables, args);
        assert_eq!(ran.code, code, "{variables:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{variables:?}: {}", ran.stderr);
        let told = format!("{}{}", ran.stdout, ran.stderr).replace("no-such-hush", "");
        assert!(!told.contains("hush"), "{variables:?}: {told}");
    }
}

const RESTARTS: &str =
    "schema_version = 1\n[restarts]\nquery = \"r\"\n[phase.deploy]\nfile = \"deploys.jsonl\"\n";

fn with_restarts(out: &Out) -> String {
    let policy = out.path().parent().expect("a parent").join("p.toml");
    fs::write(&policy, RESTARTS).expect("a policy");
    policy.display().to_string()
}

#[test]
fn a_server_beside_a_command_is_a_store_where_the_policy_asks_one() {
    let out = Out::new();
    let policy = with_restarts(&out);
    let beside = ["--prometheus-url", "http://127.0.0.1:9", "--", "true"];
    let refused = planned(&out, &[], &beside);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("`--prometheus-url` belongs to `--source prometheus`"),
        "{}",
        refused.stderr
    );
    let asked = planned(&out, &[], &[&["--policy", &policy], &beside[..]].concat());
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(asked.stdout.contains("exec"), "{}", asked.stdout);
    let simulated = ["--policy", &policy, "--mock", "--prometheus-url", "http://127.0.0.1:9"];
    assert_eq!(planned(&out, &[], &simulated).code, 2);
}

#[test]
fn phases_of_a_file_are_bands_and_rows_of_the_reports_and_a_missing_store_is_noted() {
    let out = Out::new();
    let policy = with_restarts(&out);
    let folder = out.path().parent().expect("a parent").to_owned();
    fs::write(folder.join("deploys.jsonl"), "{\"name\": \"v2 <b>\", \"from\": \"2020-01-01T00:00:00Z\"}\n")
        .expect("written");
    let script = format!("printf '%s' '{REPORT}'");
    let ran =
        out.run(&["--iterations", "8", "--interval", "0.1", "--policy", &policy, "--", "sh", "-c", &script]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let note = "no server is named: they are not recorded";
    assert!(out.json("RUN_MANIFEST.json")["notes"].to_string().contains(note));
    assert_eq!(out.iteration(3)["events"], json!({"marks": ["v2 <b>"]}));
    let analysed = out.soak("analyze", &["--policy", &policy]);
    let audit = fs::read_to_string(out.file("POST_SOAK_AUDIT.md")).unwrap_or_else(|_| panic!("{analysed:?}"));
    assert!(
        audit.contains("### Phases and restarts") && audit.contains("| v2 &lt;b&gt; | 1-8 | 8 |"),
        "{audit}"
    );
    let page = fs::read_to_string(out.file("reports/analysis/report.html")).expect("a page");
    assert!(page.contains("class=\"mark\"") && page.contains("v2 &lt;b&gt;"), "no band");
    let gate = out.soak("gate", &["--policy", &policy, "--format", "json"]);
    let gate: serde_json::Value = serde_json::from_str(&gate.stdout).expect("JSON");
    let checks = gate["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["gate"] == "run_verdict.restarts").expect("a check");
    assert_eq!(check["outcome"], "NOT_APPLICABLE", "{check:#}");
}
