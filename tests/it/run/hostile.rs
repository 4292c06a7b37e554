//! What clumsy hands and hostile surroundings do to `soak run`.

use std::net::TcpListener;

use serde_json::json;

use super::Out;
use crate::it::support::{program, ran};

#[test]
fn a_resume_takes_what_is_not_said_from_the_declaration() {
    let out = Out::new();
    out.simulated(&["--seed", "7", "--interval", "60", "--iterations", "2"]);
    for again in [
        &["--mock"][..],
        &["--source", "sim"],
        &["--scenario", "default"],
        &["--seed", "7"],
        // 2 iterations of 60 s, or those and the extensions so far.
        &["--hours", "0.03"],
        &["--iterations", "2"],
        &["--iterations", "8"],
    ] {
        let resumed = out.run(&[&["--resume", "--extend", "1"], again].concat());
        assert_eq!(resumed.code, 0, "{again:?}: {resumed:?}");
    }
    for (other, told) in [
        (&["--seed", "8"][..], "seed 8"),
        (&["--real-time"], "real time"),
        (&["--interval", "61"], "61"),
        (&["--iterations", "3"], "iterations: declared 9, now 3"),
        (&["--profile", "steady_safe"], "steady_safe"),
        (&["--selector", "job=\"mm\""], "prometheus"),
        (&["--source", "file"], "file"),
    ] {
        let refused = out.run(&[&["--resume", "--extend", "1"], other].concat());
        assert_eq!(refused.code, 2, "{other:?}: {refused:?}");
        assert!(refused.stderr.contains(told) && refused.stderr.contains("hint:"), "{}", refused.stderr);
    }
    assert_eq!(out.json("RUN_MANIFEST.json")["iterations"], 9);
}

#[test]
fn variables_neither_stop_nor_change_a_run_that_goes_on() {
    let out = Out::new();
    out.simulated(&["--seed", "7", "--iterations", "2"]);
    let variables = [
        ("MM_PROFILE", "ultra_safe"),
        ("SOAK_SLEEP_SECONDS", "17"),
        ("USE_MOCK", "1"),
        ("MM_RUNTIME_OVERRIDES_JSON", r#"{"min_interval_ms": 77}"#),
    ];
    let mut command = out.command(&["--resume", "--extend", "1"]);
    let resumed = ran(command.envs(variables));
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(out.iteration(3)["runtime_overrides"], out.iteration(2)["runtime_overrides"]);
    assert_eq!(out.json("RUN_MANIFEST.json")["settings"]["interval_seconds"], 300.0);
}

#[test]
fn another_policy_is_refused_with_the_way_out() {
    let out = Out::new();
    out.simulated(&["--iterations", "1"]);
    let policy = out.path().with_file_name("policy.toml");
    std::fs::write(&policy, "schema_version = 1\n[windows]\nlast_n = 9\n").expect("a policy");
    let path = policy.to_str().expect("a plain path");
    let refused = out.run(&["--resume", "--extend", "1", "--policy", path]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--policy"), "{}", refused.stderr);
}

#[test]
fn a_taken_port_is_told_before_anything_is_made_or_moved() {
    let out = Out::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let args = ["--mock", "--iterations", "2", "--serve", &address];
    let refused = out.run(&args);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains(&address) && !out.path().exists());
    out.simulated(&["--iterations", "2"]);
    assert_eq!(out.run(&args).code, 1);
    assert_eq!(out.iterations().len(), 2);
    assert!(!out.path().join("history").exists());
}

#[test]
fn secrets_on_the_command_line_are_not_repeated() {
    let out = Out::new();
    for args in [
        &["--prometheus-url", "http://user:hunter2@localhost:1"][..],
        &["--prometheus-url", "http://user:hunter2@localhost:1", "--dry-run"],
        &["--prometheus-url", "http://localhost:1/?token=hunter2", "--dry-run", "--format", "json"],
        &["--prometheus-url", "http://localhost:1", "--header", "Authorization hunter2"],
    ] {
        let refused = out.run(&[&["--iterations", "1"], args].concat());
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(!refused.stderr.contains("hunter2") && !refused.stdout.contains("hunter2"), "{refused:?}");
    }
    assert!(!out.path().exists());
}

#[test]
fn flags_of_another_source_are_refused_and_the_variable_is_named() {
    let out = Out::new();
    for flag in [&["--header", "X-A: b"][..], &["--bearer-token-file", "token"]] {
        let refused = out.run(&[&["--mock", "--iterations", "1"], flag].concat());
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(flag[0]), "{}", refused.stderr);
    }
    let mut command = out.command(&["--iterations", "1", "--edge-report", "report.json"]);
    let refused = ran(command.env("USE_MOCK", "1"));
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("USE_MOCK"), "{}", refused.stderr);
}

#[test]
fn numbers_that_cannot_be_are_told_with_their_flag() {
    let out = Out::new();
    for flag in ["--seed", "--iterations", "--hours", "--interval"] {
        let refused = out.run(&["--mock", flag, "-1"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(&format!("'-1' for '{flag}")), "{}", refused.stderr);
    }
    let long = out.run(&["--mock", "--interval", "1e9"]);
    assert!(long.stderr.contains("at most 31536000"), "{}", long.stderr);
    // Each says what it expects, and none what a parser in the depths stumbled over.
    let flags = [
        ("--seed", "expected a whole number from 0"),
        ("--abort-after-fails", "expected a whole number from 0"),
        ("--pid", "expected the number of a process"),
        ("--extend", "expected a whole number, at least 1"),
    ];
    for (flag, expected) in flags {
        for wrong in ["-1", "NaN", "1.5", "1e3", "18446744073709551616", "", " 3", "0x10"] {
            let refused = out.run(&["--mock", "--resume", flag, wrong]);
            assert_eq!(refused.code, 2, "{refused:?}");
            assert!(refused.stderr.contains(expected), "{flag} {wrong}: {}", refused.stderr);
        }
    }
    assert!(!out.path().exists());
}

#[test]
fn a_run_that_nobody_can_count_or_date_is_refused_before_it_starts() {
    let out = Out::new();
    let year = "31536000";
    // 365 days a year: 7974 years of iterations from 2026 on end some five years before the year 9995.
    for (iterations, told) in [
        ("8000", "after the year 9999"),
        ("100000001", "more than 100 million"),
        ("18446744073709551615", "100 million"),
    ] {
        for dry in [&[][..], &["--dry-run"]] {
            let args = [&["--mock", "--iterations", iterations, "--interval", year], dry].concat();
            let refused = out.run(&args);
            assert_eq!(refused.code, 2, "{args:?}: {refused:?}");
            assert!(refused.stderr.contains(told) && refused.stderr.contains("hint:"), "{}", refused.stderr);
        }
    }
    assert!(!out.path().exists());
    assert_eq!(out.run(&["--mock", "--iterations", "7900", "--interval", year, "--dry-run"]).code, 0);
    // Nor does a run become one by growing.
    out.simulated(&["--iterations", "2", "--interval", year]);
    for more in ["8000", "18446744073709551615"] {
        let refused = out.run(&["--resume", "--extend", more]);
        assert_eq!(refused.code, 2, "{refused:?}");
    }
    let manifest = out.json("RUN_MANIFEST.json");
    assert_eq!((&manifest["iterations"], &manifest["state"]), (&json!(2), &json!("complete")));
    assert_eq!(out.run(&["--resume", "--extend", "1"]).code, 0);
}

#[test]
fn a_server_that_no_query_can_reach_is_refused_before_the_run_starts() {
    let out = Out::new();
    for (args, told) in [
        (&["--prometheus-url", "http://127.0.0.1:99999"][..], "port"),
        (&["--prometheus-url", "http://127.0.0.1:9", "--header", "Content-Length: 3"], "content-length"),
    ] {
        let refused = out.run(&[&["--iterations", "1", "--interval", "0.01"], args].concat());
        assert_eq!(refused.code, 2, "{args:?}: {refused:?}");
        assert!(refused.stderr.to_lowercase().contains(told), "{}", refused.stderr);
    }
    assert!(!out.path().exists());
}

#[test]
fn no_file_has_two_uses_and_none_of_a_run_is_written_over() {
    let out = Out::new();
    out.simulated(&["--iterations", "3"]);
    let start = out.path().join("runtime_overrides.json");
    std::fs::write(&start, r#"{"min_interval_ms": 62}"#).expect("a start file");
    let before = crate::it::support::visible(&out.path());
    let text = |path: std::path::PathBuf| path.to_str().expect("a plain path").to_owned();
    let start = text(start);
    let detour = text(out.path().join("latest/../runtime_overrides.json"));
    let (iteration, manifest) = (text(out.file("ITER_SUMMARY_1.json")), text(out.file("RUN_MANIFEST.json")));
    let active = text(out.file("runtime_overrides.json"));
    let nowhere = text(out.path().join("nowhere/overrides.json"));
    for (args, told) in [
        (&["--active-overrides", &start][..], "a run never changes"),
        (&["--active-overrides", &detour], "a run never changes"),
        (&["--active-overrides", &iteration], "a file that runs write"),
        (&["--active-overrides", &nowhere], "is not there"),
        (&["--export-json", &iteration], "a file that runs write"),
        (&["--gate-summary", &manifest], "a file that runs write"),
        (&["--export-md", &detour], "the start file"),
        (&["--export-json", &active], "the active overrides"),
        (&["--export-json", "same", "--export-md", "./same"], "two reports"),
    ] {
        for dry in [&[][..], &["--dry-run"]] {
            let refused = out.run(&[&["--mock", "--iterations", "2"], args, dry].concat());
            assert_eq!(refused.code, 2, "{args:?}: {refused:?}");
            assert!(refused.stderr.contains(told) && refused.stderr.contains("hint:"), "{}", refused.stderr);
        }
        assert_eq!(crate::it::support::visible(&out.path()), before, "{args:?}");
    }
    // A report of a run that goes on, too.
    let refused = out.run(&["--resume", "--extend", "1", "--export-json", &iteration]);
    assert_eq!(refused.code, 2, "{refused:?}");
    // A device takes what it is given.
    if cfg!(unix) {
        out.simulated(&["--iterations", "2", "--export-json", "/dev/null", "--export-md", "/dev/null"]);
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_told_with_a_way_out() {
    let out = Out::new();
    out.simulated(&["--iterations", "2"]);
    let history = out.path().join("history");
    std::fs::write(&history, "mine").expect("a file");
    let refused = out.run(&["--mock", "--iterations", "3", "--detailed-exitcode"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains("history") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_eq!(out.iterations().len(), 2, "the former run is where it was");
    assert_eq!(std::fs::read_to_string(&history).expect("still there"), "mine");
}

#[cfg(unix)]
#[test]
fn a_report_that_cannot_be_written_does_not_cost_the_run_or_the_others() {
    let out = Out::new();
    let work = out.path().parent().expect("a parent").to_owned();
    // It comes while the run is on its way; what is there before is found before.
    let file = work.join("in-the-way");
    let measure = "touch in-the-way; echo '{\"totals\": {\"net_bps\": 3.1}}'";
    let (bad, good) = (file.join("metrics.json"), work.join("new").join("results.md"));
    let args = ["--export-json", bad.to_str().expect("plain"), "--export-md", good.to_str().expect("plain")];
    let length = ["--iterations", "2", "--interval", "0.01", "--detailed-exitcode"];
    let ended = out.run(&[&length, &args[..], &["--", "sh", "-c", measure]].concat());
    assert!(ended.stderr.contains("in-the-way"), "{}", ended.stderr);
    assert!(good.exists() && ended.stdout.contains("Decision"));
    assert_eq!(out.json("RUN_MANIFEST.json")["state"], "complete");
}

#[test]
fn the_next_command_can_be_given_to_a_shell_as_it_is() {
    let out = Out::new();
    let mut command = program();
    command.current_dir(out.path().parent().expect("a parent"));
    command.args(["run", "--mock", "--iterations", "1", "--out", "my runs; 'new'"]);
    let ended = ran(&mut command);
    assert_eq!(ended.code, 0, "{ended:?}");
    let quoted = r#"--out "my runs; 'new'""#;
    assert!(ended.stdout.contains(quoted), "{}", ended.stdout);
}

#[cfg(unix)]
mod with_commands {
    use super::*;

    #[test]
    fn a_row_that_ended_the_run_does_not_end_it_again_at_once() {
        let out = Out::new();
        let ended = out.run(&["--iterations", "9", "--interval", "0.05", "--", "false"]);
        assert_eq!((ended.code, out.iterations().len()), (2, 3), "{ended:?}");
        let resumed = out.run(&["--resume"]);
        assert_eq!((resumed.code, out.iterations().len()), (2, 6), "{resumed:?}");
    }

    #[test]
    fn a_row_of_fails_that_aborted_the_run_does_not_abort_it_again_at_once() {
        let out = Out::new();
        let args = ["--mock", "--scenario", "always-bad", "--iterations", "9", "--abort-after-fails", "3"];
        assert_eq!((out.run(&args).code, out.iterations().len()), (1, 3));
        let resumed = out.run(&["--resume", "--abort-after-fails", "3"]);
        assert_eq!((resumed.code, out.iterations().len()), (1, 6), "{resumed:?}");
    }

    #[test]
    fn a_command_that_is_not_there_is_refused_before_anything_is_written() {
        let out = Out::new();
        let ended = out.run(&["--iterations", "1", "--interval", "0.05", "--", "./nowhere"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        let said = "error: the command `./nowhere` cannot be started: there is no such program\n";
        assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
        assert!(!out.path().join("latest").exists(), "nothing is written before it could start");
    }

    #[test]
    fn what_is_no_plain_file_is_no_start_file_and_holds_nothing_up() {
        let out = Out::new();
        std::fs::create_dir(out.path()).expect("a folder");
        let file = out.path().join("runtime_overrides.json");
        let made = std::process::Command::new("mkfifo").arg(&file).status().expect("mkfifo starts");
        assert!(made.success());
        let waits = std::time::Duration::from_secs(20);
        for args in [&["--mock", "--iterations", "1"][..], &["--mock", "--iterations", "1", "--dry-run"]] {
            let refused = ran(out.command(args).timeout(waits));
            assert_eq!(refused.code, 1, "{refused:?}");
            assert!(refused.stderr.contains("expected a plain file"), "{}", refused.stderr);
        }
        std::fs::remove_file(&file).expect("removed");
        std::fs::create_dir(&file).expect("a folder in its place");
        let refused = out.run(&["--mock", "--iterations", "1"]);
        assert!(refused.code == 1 && refused.stderr.contains("it is a folder"), "{refused:?}");
        assert!(!out.latest().exists());
        // A sparse file: large to read, and nothing on the disk.
        let large = out.path().join("large.json");
        std::fs::File::create(&large).and_then(|file| file.set_len(65 << 20)).expect("a large file");
        let path = large.to_str().expect("a plain path");
        let refused = out.run(&["--mock", "--iterations", "1", "--overrides", path]);
        assert!(refused.code == 1 && refused.stderr.contains("larger than 64 MiB"), "{refused:?}");
    }

    #[test]
    fn a_pipe_in_place_of_the_overrides_ends_the_run_and_does_not_hold_it_up() {
        let out = Out::new();
        let script = r#"rm "$SOAK_OVERRIDES"; mkfifo "$SOAK_OVERRIDES"; echo '{"totals": {"net_bps": 3}}'"#;
        let running = out.start(&[
            "--iterations",
            "3",
            "--interval",
            "0.05",
            "--detailed-exitcode",
            "--",
            "sh",
            "-c",
            script,
        ]);
        super::super::wait_until("the run has ended", || {
            std::fs::read_to_string(out.file("RUN_MANIFEST.json"))
                .is_ok_and(|text| text.contains("\"failed\""))
        });
        let ended = running.end();
        assert_eq!(ended.code, 5, "{ended:?}");
        assert!(ended.stderr.contains("runtime_overrides.json"), "{}", ended.stderr);
        assert_eq!(out.iterations().len(), 1);
    }
}
