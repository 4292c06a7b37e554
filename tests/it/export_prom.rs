//! `soak export-prom` without a server: text, file, arguments, exit codes.

use serde_json::json;

use crate::it::support::{Folder, Ran, Run, Step, soak};

fn exported(folder: &Folder, args: &[&str]) -> Ran {
    folder.soak("export-prom", args)
}

#[track_caller]
fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|have| have == *line), "no line {line} in\n{text}");
    }
}

#[test]
fn it_says_what_the_metrics_file_says_and_more_and_writes_nothing() {
    let folder = Run::passing(24).tuned(3, 2.0).declared(24, "complete", 24).in_temp();
    for args in [&[][..], &["--no-legacy-metrics"]] {
        let text = exported(&folder, args).stdout;
        assert_eq!(folder.written(), Vec::<String>::new());
        let file = {
            let other = Run::passing(24).tuned(3, 2.0).declared(24, "complete", 24).in_temp();
            assert_eq!(other.soak("gate", &[&["--prometheus"], args].concat()).code, 0);
            other.text("POST_SOAK_METRICS.prom")
        };
        let more =
            text.strip_prefix(&file).unwrap_or_else(|| panic!("{text}\nbegins otherwise than\n{file}"));
        has(more, &["soak_iteration 24", "soak_phase{phase=\"STEADY\"} 1"]);
    }
}

#[test]
fn values_come_from_the_files_of_the_newest_iteration() {
    // 30 of 40 by volume counts, not 9 of 10 by count and not the ratio. 0.25 bps = 0.000025.
    let run = Run::passing(8).edit(8, |json| {
        json["summary"]["fills"] =
            json!({"maker_volume": 30.0, "taker_volume": 10.0, "maker_count": 9, "taker_count": 1});
        json["summary"]["phase"] = "RAMPDOWN".into();
        json["runtime_overrides"]["latency"] = json!({"spread_add_bps": 0.25});
        json["tuning"]["skip_reason"]["partial_freeze"] = true.into();
        json["tuning"]["changed_keys"] = json!(["min_interval_ms", "tail_age_ms"]);
    });
    let text = exported(&run.in_temp(), &[]).stdout;
    has(
        &text,
        &[
            "maker_share_pct 75",
            "soak_maker_share_ratio 0.75",
            "maker_taker_ratio_hmean{window=\"8\"} 0.88",
            "latency_spread_add_bps 0.25",
            "soak_latency_spread_add_ratio 0.000025",
            "partial_freeze_active 1",
            // Iteration 6 starts a freeze, iteration 8 has the partial one.
            "guard_triggers_total{type=\"freeze\"} 2",
            "soak_phase_name{iteration=\"8\",phase=\"RAMPDOWN\"} 1",
            "rampdown_active{iteration=\"8\"} 1",
            "tuner_keys_changed_total{iteration=\"8\"} 2",
            "soak_tuner_changed_keys 2",
        ],
    );
}

#[test]
fn a_parameter_that_the_overrides_do_not_hold_is_counted() {
    // Proposed and said to be applied; the overrides of both iterations lack it.
    let run = Run::passing(8).edit(4, |json| {
        json["tuning"]["proposed_deltas"] = json!({"rescue_max_ratio": 0.01});
        json["tuning"]["applied"] = true.into();
    });
    has(
        &exported(&run.in_temp(), &[]).stdout,
        &["delta_nested_miss_paths_total 1", "soak_delta_missing_values_total 1"],
    );
}

#[test]
fn every_symbol_has_samples_of_its_own() {
    let text = exported(&Run::symbols_failing(2).in_temp(), &["--openmetrics"]).stdout;
    let samples = text.lines().filter(|line| line.starts_with("soak_iteration{symbol=")).count();
    assert_eq!(samples, 2, "{text}");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
}

#[test]
fn a_file_is_whole_readable_for_others_and_in_a_folder_that_is_made() {
    let folder = Run::passing(8).in_temp();
    let file = folder.file("below/textfile/soak.prom");
    let ran = exported(&folder, &["--output", file.to_str().expect("plain")]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert_eq!(folder.text("below/textfile/soak.prom"), exported(&folder, &[]).stdout);
    let around = std::fs::read_dir(file.parent().expect("a folder")).expect("it can be listed").count();
    assert_eq!(around, 1, "no temporary file is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777;
        // What this process may set at most under its umask.
        std::fs::write(folder.file("plain"), "").expect("written");
        let usual =
            std::fs::metadata(folder.file("plain")).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, usual);
    }
    let ran = exported(&folder, &["--detailed-exitcode", "--output", folder.path().to_str().expect("plain")]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
}

#[test]
fn a_folder_of_nothing_is_exported_as_invalid_and_is_no_success() {
    let folder = Run::default().in_temp();
    let ran = exported(&folder, &["--detailed-exitcode"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    has(
        &ran.stdout,
        &["soak_verdict{verdict=\"INVALID\"} 1", "soak_verdict{verdict=\"PASS\"} 0", "soak_iterations 0"],
    );
    assert!(ran.stderr.contains("there is no iteration in"), "{}", ran.stderr);
    assert_eq!(exported(&folder, &[]).code, 1);

    let missing = soak(&["export-prom", "--path", "no/such/folder", "--detailed-exitcode"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (4, ""), "{}", missing.stderr);
    assert!(missing.stderr.contains("there is no folder `no/such/folder`"), "{}", missing.stderr);
}

#[test]
fn a_failing_run_is_exported_all_the_same() {
    let ran = exported(&(1..=8).map(Step::bad).collect::<Run>().in_temp(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    has(&ran.stdout, &["soak_verdict{verdict=\"FAIL\"} 1"]);
}

#[test]
fn arguments_that_do_not_go_together_are_refused() {
    let folder = Run::passing(8).in_temp();
    for args in [
        &["--output", "a", "--listen", "0"][..],
        &["--push", "http://h", "--remote-write", "http://h"],
        &["--refresh", "2"],
        &["--job", "a"],
        &["--delete"],
        &["--dry-run"],
        &["--openmetrics", "--push", "http://h"],
        &["--no-legacy-metrics", "--remote-write", "http://h"],
        &["--push", "http://h", "--delete"],
        &["--push", "http://h", "--grouping", "a-b=c"],
        &["--push", "http://h", "--grouping", "job=c"],
        &["--push", "http://h", "--grouping", "a=1", "--grouping", "a=2"],
        &["--push", "http://h", "--job", ""],
        &["--push", "no url"],
        &["--remote-write", "http://h", "--label", "run=x"],
        &["--remote-write", "http://h", "--label", "kpi=x"],
        &["--remote-write", "http://h", "--batch-samples", "0"],
        &["--listen", "somewhere"],
        &["--listen", "0", "--refresh", "0"],
    ] {
        let ran = exported(&folder, args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn user_and_password_in_a_url_are_refused_and_not_repeated() {
    let folder = Run::passing(8).in_temp();
    for flag in ["--push", "--remote-write"] {
        let ran = exported(&folder, &[flag, "http://alice:hush@127.0.0.1:1"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("must not hold user and password"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hush") && !ran.stderr.contains("alice"), "{}", ran.stderr);
    }
}

#[test]
fn a_history_without_times_cannot_be_sent() {
    let run = (1..=3).fold(Run::passing(3), |run, number| {
        run.edit(number, |json| json["summary"]["runtime_utc"] = serde_json::Value::Null)
    });
    let ran = exported(&run.in_temp(), &["--remote-write", "http://127.0.0.1:1", "--detailed-exitcode"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("has a place in time"), "{}", ran.stderr);
    let nothing =
        exported(&Run::default().in_temp(), &["--remote-write", "http://127.0.0.1:1", "--detailed-exitcode"]);
    assert_eq!(nothing.code, 4, "{}", nothing.stderr);
}

#[test]
fn a_store_that_is_not_there_is_an_external_failure() {
    let folder = Run::passing(8).in_temp();
    let ran =
        exported(&folder, &["--remote-write", "http://127.0.0.1:1", "--tries", "1", "--detailed-exitcode"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("does not report what it accepts"), "{}", ran.stderr);
}
