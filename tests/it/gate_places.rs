//! `soak gate`: where it reads, where it writes, and that writing is repeatable.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::it::support::{Folder, Ran, Run, Step, program, ran, soak, visible};

const EVERYTHING: [&str; 11] = [
    "DELTA_VERIFY_REPORT.json",
    "DELTA_VERIFY_REPORT.md",
    "POST_SOAK_AUDIT.md",
    "POST_SOAK_SNAPSHOT.json",
    "RECOMMENDATIONS.md",
    "reports/analysis/DELTA_VERIFY_REPORT.json",
    "reports/analysis/POST_SOAK_ANALYSIS.json",
    "reports/analysis/POST_SOAK_AUDIT.md",
    "reports/analysis/POST_SOAK_SNAPSHOT.json",
    "reports/analysis/RECOMMENDATIONS.md",
    "reports/analysis/report.html",
];

#[test]
fn everything_is_written_into_the_folder_of_the_run() {
    let place = Run::passing(8).in_temp();
    let Ran { stdout, .. } = place.soak("gate", &[]);
    for name in EVERYTHING {
        assert!(place.written().contains(&name.to_owned()), "{name}");
        assert!(stdout.contains(&format!("\n  {name}\n")), "{name} is not told: {stdout}");
    }
}

#[test]
fn out_takes_everything_and_the_run_stays_as_it_is() {
    let (place, out) = (Run::passing(8).in_temp(), Run::default().in_temp());
    let there = out.file("new/folder");
    assert_eq!(place.soak("gate", &["--prometheus", "--out", there.to_str().expect("plain")]).code, 0);
    assert_eq!(place.written(), Vec::<String>::new());
    assert!(!place.file(".soak-artifacts.json").exists());
    let written = visible(&there);
    for name in EVERYTHING.into_iter().chain(["POST_SOAK_METRICS.prom"]) {
        assert!(written.contains_key(name), "{name}");
    }
}

#[test]
fn a_path_may_hold_blanks_brackets_and_quotes() {
    let outer = Run::default().in_temp();
    let folder = outer.file("a run [1] {x} 'q' $HOME *é");
    Run::passing(8).write(&folder);
    let told =
        ran(program().arg("gate").arg("--path").arg(&folder).arg("--junit").arg(folder.join("a b.xml")));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("a run [1] {x} 'q' $HOME *é"), "{}", told.stdout);
    assert!(folder.join("POST_SOAK_SNAPSHOT.json").exists() && folder.join("a b.xml").exists());
}

#[test]
fn the_default_is_latest_below_the_folder_that_the_variable_names() {
    let outer = Run::default().in_temp();
    Run::passing(8).write(&outer.file("runs/latest"));
    let told = ran(program().arg("gate").env("SOAK_OUT_DIR", outer.file("runs")));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(outer.file("runs/latest/POST_SOAK_SNAPSHOT.json").exists());
}

#[test]
fn the_default_without_the_variable_is_artifacts_soak_latest() {
    let outer = Run::default().in_temp();
    Run::passing(8).write(&outer.file("artifacts/soak/latest"));
    let told = ran(program().arg("gate").current_dir(outer.path()));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(outer.file("artifacts/soak/latest/POST_SOAK_SNAPSHOT.json").exists());
}

#[test]
fn a_nested_folder_is_found_told_and_written_into() {
    for below in
        ["soak/latest", "latest", "RUN_1700000000001", "latest/RUN_1700000000001", "soak/latest/RUN_7"]
    {
        let outer = Run::default().in_temp();
        Run::passing(8).write(&outer.file(below));
        let Ran { code, stderr, .. } = outer.soak("gate", &[]);
        assert_eq!(code, 0, "{below}: {stderr}");
        assert!(stderr.starts_with("note: `") && stderr.contains(below), "{below}: {stderr}");
        assert!(outer.file(below).join("POST_SOAK_SNAPSHOT.json").exists(), "{below}");
        assert!(!outer.file("POST_SOAK_SNAPSHOT.json").exists(), "{below}");
    }
}

#[test]
fn the_newest_of_several_isolated_runs_is_read() {
    let outer = Run::default().in_temp();
    // By number, not by text: 999 is older than 1700000000000.
    Run::passing(3).write(&outer.file("RUN_999"));
    Run::passing(8).write(&outer.file("RUN_1700000000000"));
    assert_eq!(outer.soak("gate", &[]).code, 0);
    assert!(outer.file("RUN_1700000000000/POST_SOAK_SNAPSHOT.json").exists());
}

#[test]
fn a_folder_with_iterations_of_its_own_is_the_one_that_is_read() {
    let outer = Run::passing(8).in_temp();
    Run::passing(3).write(&outer.file("latest"));
    let Ran { code, stderr, .. } = outer.soak("gate", &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn a_path_that_is_a_file_is_wrong_input() {
    let place = Run::passing(8).in_temp();
    let file = place.file("ITER_SUMMARY_1.json");
    let told = soak(&["gate", "--detailed-exitcode", "--path", file.to_str().expect("plain")]);
    assert_eq!(told.code, 4, "{}", told.stderr);
}

// Twice the same.

/// Contents and times of change of all files that a user sees.
fn state(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let changed =
        |name: &str| fs::metadata(folder.join(name)).and_then(|meta| meta.modified()).expect("a time");
    visible(folder).into_iter().map(|(name, bytes)| (name.clone(), (bytes, changed(&name)))).collect()
}

#[test]
fn the_second_time_nothing_is_written() {
    let runs = [
        Run::passing(8).declared(8, "complete", 8),
        Run::passing(8).failing(&[2, 3, 4, 5]),
        Run::passing(7),
        Run::passing(8).tuned(2, 5.0).with("ITER_SUMMARY_5.json", "{"),
    ];
    for run in runs {
        let place = run.in_temp();
        let first = place.soak("gate", &["--prometheus"]);
        let before = state(place.path());
        let manifest = fs::read(place.file(".soak-artifacts.json")).expect("there");
        let second = place.soak("gate", &["--prometheus"]);
        assert_eq!((first.code, first.stdout, first.stderr), (second.code, second.stdout, second.stderr));
        let after = state(place.path());
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (name, was) in &before {
            assert!(after[name] == *was, "`{name}` was written again");
        }
        assert!(fs::read(place.file(".soak-artifacts.json")).expect("there") == manifest);
    }
}

#[test]
fn the_same_run_in_another_folder_gives_the_same_bytes() {
    let run = Run::passing(12).failing(&[6, 7]).tuned(2, 5.0).declared(12, "complete", 12);
    let made = |threads: &str| {
        let place = run.in_temp();
        let junit = place.file("gate.xml");
        let mut command = place.command("gate", &["--prometheus", "--junit"]);
        assert_eq!(ran(command.arg(junit).env("RAYON_NUM_THREADS", threads)).code, 0);
        visible(place.path())
    };
    let (one, other) = (made("1"), made("8"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(other[&name] == bytes, "`{name}` differs");
    }
}

// Stale files.

#[test]
fn the_failures_of_an_earlier_run_are_removed_on_pass() {
    let failing = Run::passing(8).failing(&[2, 3, 4, 5]);
    let place = failing.in_temp();
    assert_eq!(place.soak("gate", &[]).code, 1);
    let written = place.written();
    let failures = ["FAILURES.md", "reports/analysis/FAILURES.md"];
    assert!(failures.iter().all(|name| written.contains(&(*name).to_owned())), "{written:?}");
    Run::passing(8).write(place.path());
    let Ran { code, stderr, .. } = place.soak("gate", &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(place.written(), EVERYTHING);
}

#[test]
fn failures_that_somebody_else_wrote_stay_with_a_warning() {
    let place = Run::passing(8).with("FAILURES.md", "my notes\n").in_temp();
    let Ran { code, stderr, .. } = place.soak("gate", &[]);
    assert_eq!(code, 0);
    assert!(stderr.contains("warning: stale `FAILURES.md` is left alone: not written by soak"), "{stderr}");
    assert_eq!(place.text("FAILURES.md"), "my notes\n");
}

#[test]
fn failures_that_somebody_changed_stay_with_a_warning() {
    let place = Run::passing(8).failing(&[2, 3, 4, 5]).in_temp();
    place.soak("gate", &[]);
    let changed = place.text("FAILURES.md") + "\nA remark.\n";
    fs::write(place.file("FAILURES.md"), &changed).expect("a file");
    Run::passing(8).write(place.path());
    let Ran { code, stderr, .. } = place.soak("gate", &[]);
    assert_eq!(code, 0);
    assert!(stderr.contains("`FAILURES.md` is left alone: changed since soak wrote it"), "{stderr}");
    assert_eq!(place.text("FAILURES.md"), changed);
    assert!(!place.file("reports/analysis/FAILURES.md").exists());
}

#[test]
fn an_earlier_snapshot_does_not_outlive_its_iterations() {
    let place = Run::passing(8).in_temp();
    place.soak("gate", &[]);
    for number in 1..=8 {
        fs::remove_file(place.file(&crate::it::support::name(number))).expect("there");
    }
    assert_eq!(place.soak("gate", &["--detailed-exitcode"]).code, 4);
    let snapshot = place.json("POST_SOAK_SNAPSHOT.json");
    assert_eq!((&snapshot["verdict"], &snapshot["outcome"]), (&"FAIL".into(), &"INVALID".into()));
}

// Streams.

/// Runs the gate with a pipe that is closed after `read` bytes of stdout.
fn piped(place: &Folder, args: &[&str], read: usize) -> (Option<i32>, String) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut child = Command::new(program().get_program())
        .args(["gate", "--path"])
        .arg(place.path())
        .args(args)
        .env_remove("SOAK_LOG")
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut head = vec![0; read];
    reader.read_exact(&mut head).expect("that much is said");
    drop(reader);
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
    (child.wait().expect("it ends").code(), stderr)
}

#[test]
fn a_reader_that_goes_early_does_not_change_the_exit_code() {
    let (good, bad) = (Run::passing(8).in_temp(), Run::passing(8).failing(&[2, 3, 4, 5]).in_temp());
    for read in [0, 1, 100] {
        for format in ["text", "json"] {
            let args = ["--format", format];
            assert_eq!(piped(&good, &args, read), (Some(0), String::new()), "{format}, {read}");
            assert_eq!(piped(&bad, &args, read), (Some(1), String::new()), "{format}, {read}");
        }
    }
    assert!(good.file("POST_SOAK_SNAPSHOT.json").exists());
}

#[test]
fn quiet_leaves_stdout_and_the_exit_code_as_they_are() {
    let place = Run::passing(8).with("FAILURES.md", "my notes\n").in_temp();
    let loud = place.soak("gate", &[]);
    let quiet = place.soak("gate", &["--quiet"]);
    assert!(!loud.stderr.is_empty());
    assert_eq!((quiet.code, quiet.stdout, quiet.stderr.as_str()), (loud.code, loud.stdout, ""));
}

#[test]
fn ascii_draws_without_block_characters() {
    let run: Run = (1..=8)
        .map(|n| Step { p95: 300.0 + f64::from(u32::try_from(n).expect("small")), ..Step::good(n) })
        .collect();
    let place = run.in_temp();
    let blocks = |text: &str| text.chars().any(|c| ('▁'..='█').contains(&c));
    assert!(blocks(&place.soak("gate", &[]).stdout));
    assert!(blocks(&place.text("POST_SOAK_AUDIT.md")));
    assert!(!blocks(&place.soak("gate", &["--ascii"]).stdout));
    assert!(!blocks(&place.text("POST_SOAK_AUDIT.md")));
}

#[test]
fn colours_are_for_those_who_ask() {
    let place = Run::passing(8).in_temp();
    let escapes = |args: &[&str]| place.soak("gate", args).stdout.contains('\u{1b}');
    assert!(!escapes(&[]), "a pipe is no terminal");
    assert!(!escapes(&["--color", "never"]));
    assert!(escapes(&["--color", "always"]));
}
