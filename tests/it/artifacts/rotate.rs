//! `soak artifacts rotate`.

use std::fs;
use std::io::Read;

use serde_json::{Value, json};

use super::{NOON, Out, artifacts, simulated};
use crate::it::support::{program, ran, soak};

#[test]
fn rotation_of_150_keeps_the_100_highest() {
    let out = Out::new();
    simulated(out.path(), &["--iterations", "150"]);
    let rotated = artifacts("rotate", out.path(), &["--keep", "100", "--max-age-days", "none"]);
    assert_eq!((rotated.code, rotated.stderr.as_str()), (0, ""));
    assert_eq!(out.numbers("latest"), (51..=150).collect::<Vec<_>>());
    assert!(rotated.stdout.starts_with("latest: removed 50 iterations (1-50), "), "{}", rotated.stdout);
    assert!(rotated.stdout.contains("; 100 stay\n"), "{}", rotated.stdout);
    let manifest = json_in(&out, "latest/RUN_MANIFEST.json");
    assert_eq!(manifest["rotated"], json!([[1, 50]]));
    // What went is not missing.
    let gate =
        soak(&["gate", "--path", out.path().join("latest").to_str().expect("text"), "--format", "json"]);
    let integrity = gate.json();
    let text = integrity.to_string();
    assert!(!text.contains("INVALID") && !text.contains("is missing"), "{text}");
}

#[test]
fn the_default_keeps_are_those_of_the_policy_and_a_policy_file_changes_them() {
    let out = Out::new();
    out.add("latest", 105, "2026-01-01T09:00:00Z");
    let policy = out.path().join("policy.toml");
    fs::write(&policy, "schema_version = 1\n[rotation]\nkeep_iterations = 103\n").expect("a file");
    let with = ["--policy", policy.to_str().expect("text")];
    assert_eq!(artifacts("rotate", out.path(), &with).code, 0);
    assert_eq!(out.numbers("latest"), (3..=105).collect::<Vec<_>>());
    assert_eq!(artifacts("rotate", out.path(), &[]).code, 0);
    assert_eq!(out.numbers("latest"), (6..=105).collect::<Vec<_>>());
    assert_eq!(artifacts("rotate", out.path(), &["--keep", "7"]).code, 0);
    assert_eq!(out.numbers("latest"), (99..=105).collect::<Vec<_>>());
}

#[test]
fn an_interrupted_run_goes_on_after_its_old_iterations_went() {
    let out = Out::new();
    simulated(out.path(), &["--iterations", "20"]);
    assert_eq!(artifacts("rotate", out.path(), &["--keep", "8"]).code, 0);
    let extended = ran(program().args(["run", "--resume", "--extend", "4", "--out"]).arg(out.path()));
    assert_eq!(extended.code, 0, "{}", extended.stderr);
    assert_eq!(out.numbers("latest"), (13..=24).collect::<Vec<_>>());
    let again = artifacts("rotate", out.path(), &["--keep", "8"]);
    assert_eq!((again.code, out.numbers("latest")), (0, (17..=24).collect()));
    assert_eq!(json_in(&out, "latest/RUN_MANIFEST.json")["rotated"], json!([[1, 16]]));
}

#[test]
fn former_runs_go_by_age_and_leave_their_snapshot_in_an_archive() {
    let out = Out::new();
    out.add("latest", 8, "2025-01-01T00:00:00Z");
    out.add("history/old", 8, "2025-12-26T11:59:59Z");
    out.add("history/young", 8, "2025-12-26T12:00:00Z");
    out.add("RUN_1766700000000", 8, "2025-12-01T00:00:00Z");
    let snapshot = b"{\"schema_version\": \"1.1\"}\n";
    let folder = out.path().join("history/old");
    fs::write(folder.join("POST_SOAK_SNAPSHOT.json"), snapshot).expect("a file");
    let list = json!({"schema_version": "1.0", "tool_version": "x", "files": [
        {"name": "POST_SOAK_SNAPSHOT.json", "sha256": "0".repeat(64), "size": snapshot.len()}]});
    fs::write(folder.join(".soak-artifacts.json"), list.to_string()).expect("a file");
    let rotated = artifacts("rotate", out.path(), &["--format", "json"]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    let names = |key: &str| -> Vec<Value> {
        let result = rotated.json();
        result[key].as_array().expect("a list").iter().map(|entry| entry["name"].clone()).collect()
    };
    assert_eq!(names("removed_runs"), ["RUN_1766700000000", "history/old"]);
    assert!(!out.has("history/old") && !out.has("RUN_1766700000000"));
    assert!(out.has("history/young") && out.has("latest/ITER_SUMMARY_1.json"));
    assert_eq!(rotated.json()["removed_runs"][1]["archive"], "history_old.json.tar.gz");
    let (name, bytes) = only_file_in(&out, "snapshots/history_old.json.tar.gz");
    assert_eq!((name.as_str(), bytes.as_slice()), ("history_old.json", &snapshot[..]));
}

#[test]
fn loose_snapshots_become_archives_that_hold_them_and_young_ones_stay() {
    let out = Out::new();
    out.add("latest", 8, NOON);
    let old = out.path().join("snapshots/a.json");
    fs::create_dir(out.path().join("snapshots")).expect("a folder");
    fs::write(&old, "{\"net\": 3.25}\n".repeat(400)).expect("a file");
    fs::write(out.path().join("snapshots/young.json"), "{}").expect("a file");
    fs::write(out.path().join("snapshots/notes.txt"), "mine").expect("a file");
    let age = |path: &std::path::Path, time: &str| {
        let time = chrono::DateTime::parse_from_rfc3339(time).expect("a time");
        fs::File::options()
            .write(true)
            .open(path)
            .expect("a file")
            .set_modified(time.into())
            .expect("a time");
    };
    age(&old, "2025-12-20T00:00:00Z");
    age(&out.path().join("snapshots/young.json"), "2026-01-01T00:00:00Z");
    let rotated = artifacts("rotate", out.path(), &[]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    assert!(
        rotated.stdout.contains("snapshots/a.json (5.5 KiB) became a.json.tar.gz, "),
        "{}",
        rotated.stdout
    );
    assert!(
        !out.has("snapshots/a.json") && out.has("snapshots/young.json") && out.has("snapshots/notes.txt")
    );
    let (name, bytes) = only_file_in(&out, "snapshots/a.json.tar.gz");
    assert_eq!((name.as_str(), bytes.len()), ("a.json", 5600));
}

#[test]
fn an_archive_in_the_way_is_kept_if_it_is_whole_and_replaced_if_it_is_half() {
    let out = Out::new();
    out.add("latest", 8, NOON);
    let snapshots = out.path().join("snapshots");
    fs::create_dir(&snapshots).expect("a folder");
    let old = |name: &str, content: &str| {
        fs::write(snapshots.join(name), content).expect("a file");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::options()
            .write(true)
            .open(snapshots.join(name))
            .expect("a file")
            .set_modified(time)
            .expect("a time");
    };
    old("a.json", "first");
    assert_eq!(artifacts("rotate", out.path(), &[]).code, 0);
    old("a.json", "second");
    let refused = artifacts("rotate", out.path(), &[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("a.json.tar.gz` is there with another content"), "{}", refused.stderr);
    assert_eq!(only_file_in(&out, "snapshots/a.json.tar.gz").1, b"first");
    assert_eq!(fs::read(snapshots.join("a.json")).expect("still there"), b"second");
    let whole = fs::read(snapshots.join("a.json.tar.gz")).expect("a file");
    fs::write(snapshots.join("a.json.tar.gz"), &whole[..whole.len() / 2]).expect("a file");
    assert_eq!(artifacts("rotate", out.path(), &[]).code, 0);
    assert_eq!(only_file_in(&out, "snapshots/a.json.tar.gz").1, b"second");
    assert!(!out.has("snapshots/a.json"));
}

#[test]
fn the_oldest_go_until_the_size_holds_and_a_limit_that_cannot_hold_is_told() {
    let out = Out::new();
    for (name, ended) in [
        ("latest", "2026-01-02T00:00:00Z"),
        ("history/b", "2026-01-01T00:00:00Z"),
        ("RUN_1", "2025-12-31T00:00:00Z"),
    ] {
        out.add(name, 8, ended);
        fs::write(out.path().join(name).join(".soak-ballast"), vec![b'x'; 900 * 1024]).expect("a file");
    }
    let enough = artifacts("rotate", out.path(), &["--max-size-mb", "2"]);
    assert_eq!(enough.code, 0, "{}{}", enough.stdout, enough.stderr);
    assert!(!out.has("RUN_1") && out.has("history/b") && out.has("latest"));
    assert!(enough.stdout.contains("RUN_1: removed the whole run, to make room"), "{}", enough.stdout);
    fs::write(out.path().join("latest/.soak-more"), vec![b'x'; 900 * 1024]).expect("a file");
    let short = artifacts("rotate", out.path(), &["--max-size-mb", "1"]);
    assert_eq!(short.code, 1);
    assert!(!out.has("history/b") && out.has("latest"));
    assert!(short.stdout.contains("MORE than the limit of 1.0 MiB"), "{}", short.stdout);
    assert!(short.stderr.contains("error: the remaining size exceeds the limit\nhint: "), "{}", short.stderr);
    assert_eq!(artifacts("rotate", out.path(), &["--max-size-mb", "none"]).code, 0);
}

#[test]
fn a_dry_run_tells_the_plan_and_changes_nothing() {
    let out = Out::new();
    out.add("latest", 12, NOON);
    out.add("history/old", 8, "2025-01-01T00:00:00Z");
    let before = crate::it::support::visible(out.path());
    let planned = artifacts("rotate", out.path(), &["--keep", "10", "--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let expected =
        ["latest: would remove 2 iterations (1-2), ", "history/old: would remove the whole run, too old"];
    assert!(expected.iter().all(|line| planned.stdout.contains(line)), "{}", planned.stdout);
    assert_eq!(crate::it::support::visible(out.path()), before);
    assert!(!out.has(".soak.lock") && !out.has("latest/.soak-run.lock") && !out.has("rotation"));
    let planned = artifacts("rotate", out.path(), &["--keep", "10", "--dry-run", "--format", "json"]).json();
    let done = artifacts("rotate", out.path(), &["--keep", "10", "--format", "json"]).json();
    assert_eq!((planned["dry_run"].clone(), done["dry_run"].clone()), (json!(true), json!(false)));
    for key in ["trimmed", "removed_runs", "left", "within_limit", "limits"] {
        assert_eq!(planned[key], done[key], "{key}");
    }
}

#[test]
fn each_rotation_leaves_a_line_in_its_log_and_a_long_log_becomes_an_archive() {
    let out = Out::new();
    out.add("latest", 12, NOON);
    assert_eq!(artifacts("rotate", out.path(), &["--keep", "9"]).code, 0);
    let log = fs::read_to_string(out.path().join("rotation/ROTATION_LOG.jsonl")).expect("a log");
    let line: Value = serde_json::from_str(log.trim_end()).expect("one line of JSON");
    assert_eq!(line["timestamp"], NOON);
    assert_eq!(line["rotation"]["deleted"], 3);
    assert_eq!(line["rotation"]["kept"], 9);
    let files = ["latest/ITER_SUMMARY_1.json", "latest/ITER_SUMMARY_2.json", "latest/ITER_SUMMARY_3.json"];
    assert_eq!(line["rotation"]["files"], json!(files));
    assert_eq!(line["summary"]["within_limit"], true);
    assert_eq!(line["disk_usage"]["limit_mb"], 500.0);
    for _ in 0..2 {
        assert_eq!(artifacts("rotate", out.path(), &[]).code, 0);
    }
    let policy = out.path().join("policy.toml");
    fs::write(&policy, "schema_version = 1\n[rotation]\nlog_max_kb = 1\n").expect("a file");
    assert_eq!(artifacts("rotate", out.path(), &["--policy", policy.to_str().expect("text")]).code, 0);
    let (name, before) = only_file_in(&out, "rotation/ROTATION_LOG_20260102T120000Z.jsonl.tar.gz");
    assert_eq!(
        (name.as_str(), before.split(|byte| *byte == b'\n').count()),
        ("ROTATION_LOG_20260102T120000Z.jsonl", 4)
    );
    let log = fs::read_to_string(out.path().join("rotation/ROTATION_LOG.jsonl")).expect("a log");
    assert_eq!(log.lines().count(), 1);
}

#[test]
fn a_run_with_files_of_others_never_goes_as_a_whole() {
    let out = Out::new();
    out.add("latest", 8, NOON);
    out.add("history/old", 8, "2025-01-01T00:00:00Z");
    fs::write(out.path().join("history/old/notes.txt"), "mine").expect("a file");
    let rotated = artifacts("rotate", out.path(), &[]);
    assert_eq!(rotated.code, 1);
    let told = "left alone: history/old: holds what soak did not write: `notes.txt`";
    assert!(rotated.stdout.contains(told) && rotated.stderr.contains(told), "{}", rotated.stderr);
    assert!(out.has("history/old/notes.txt") && out.has("history/old/ITER_SUMMARY_1.json"));
}

#[test]
fn a_run_that_soak_judged_goes_as_a_whole_all_the_same() {
    let out = Out::new();
    out.add("latest", 8, NOON);
    out.add("history/old", 24, "2025-01-01T00:00:00Z");
    let old = out.path().join("history/old");
    for command in [vec!["gate"], vec!["extract"], vec!["analyze"], vec!["audit"], vec!["deltas", "verify"]] {
        let ended = ran(program().args(&command).arg("--path").arg(&old));
        assert_ne!(ended.code, 2, "{command:?}: {}", ended.stderr);
    }
    assert!(
        old.join("reports/analysis/report.html").is_file() && old.join("POST_SOAK_SNAPSHOT.json").is_file()
    );
    let rotated = artifacts("rotate", out.path(), &[]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    assert!(!out.has("history/old"), "{}", rotated.stdout);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_at_work_is_left_alone_and_the_rest_goes_on() {
    use std::process::Stdio;
    let out = Out::new();
    out.add("RUN_1", 8, "2025-01-01T00:00:00Z");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["run", "--mock", "--real-time", "--interval", "0.05", "--iterations", "2000", "--out"])
        .arg(out.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while out.path().join("latest").read_dir().map_or(0, Iterator::count) < 12 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let now = ["--keep", "2", "--dry-run"];
    let planned = artifacts("rotate", out.path(), &now);
    let rotated = artifacts("rotate", out.path(), &["--keep", "2"]);
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    for ended in [planned, rotated] {
        assert_eq!(ended.code, 1, "{}", ended.stdout);
        let told = format!("left alone: latest: is in use by process {} (`soak run`)", child.id());
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    }
    assert!(!out.has("RUN_1") && out.has("latest/ITER_SUMMARY_1.json"));
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_refused_or_left_alone_and_never_followed() {
    use std::os::unix::fs::symlink;
    let (out, elsewhere) = (Out::new(), Out::new());
    elsewhere.add("run", 30, "2025-01-01T00:00:00Z");
    let run = elsewhere.path().join("run");
    symlink(&run, out.path().join("latest")).expect("a link");
    fs::create_dir(out.path().join("history")).expect("a folder");
    symlink(&run, out.path().join("history/old")).expect("a link");
    symlink(&run, out.path().join("RUN_1")).expect("a link");
    let rotated = artifacts("rotate", out.path(), &["--keep", "1"]);
    assert_eq!(rotated.code, 1);
    for name in ["latest", "history/old", "RUN_1"] {
        let told = format!("left alone: {name}: is a symbolic link\n");
        assert!(rotated.stdout.contains(&told), "{}", rotated.stdout);
    }
    assert_eq!(elsewhere.numbers("run").len(), 30);
    let link = out.path().join("link");
    symlink(elsewhere.path(), &link).expect("a link");
    let refused = artifacts("rotate", &link, &[]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("link` is a symbolic link\nhint: "), "{}", refused.stderr);
    // A link among the iterations: the others go, what it leads to stays.
    let out = Out::new();
    out.add("latest", 3, NOON);
    fs::remove_file(out.path().join("latest/ITER_SUMMARY_1.json")).expect("a file");
    let target = run.join("ITER_SUMMARY_1.json");
    symlink(&target, out.path().join("latest/ITER_SUMMARY_1.json")).expect("a link");
    let rotated = artifacts("rotate", out.path(), &["--keep", "1"]);
    assert_eq!(rotated.code, 1);
    assert!(rotated.stderr.contains("latest/ITER_SUMMARY_1.json: is a symbolic link"), "{}", rotated.stderr);
    assert!(target.is_file() && !out.has("latest/ITER_SUMMARY_2.json"));
}

#[test]
fn a_run_whose_manifest_cannot_tell_what_went_keeps_everything() {
    let out = Out::new();
    out.add("latest", 8, NOON);
    fs::write(out.path().join("latest/RUN_MANIFEST.json"), "{").expect("a file");
    let rotated = artifacts("rotate", out.path(), &["--keep", "2"]);
    assert_eq!((rotated.code, out.numbers("latest").len()), (1, 8));
    let told = "latest: its RUN_MANIFEST.json does not say what was removed";
    assert!(rotated.stderr.contains(told), "{}", rotated.stderr);
}

#[test]
fn a_folder_that_is_a_run_itself_is_rotated_too() {
    let out = Out::new();
    out.add("latest", 8, NOON);
    let latest = out.path().join("latest");
    let rotated = artifacts("rotate", &latest, &["--keep", "3"]);
    assert_eq!((rotated.code, out.numbers("latest")), (0, vec![6, 7, 8]), "{}", rotated.stderr);
    assert!(rotated.stdout.starts_with(".: removed 5 iterations (1-5), "), "{}", rotated.stdout);
}

#[test]
fn impossible_numbers_and_folders_are_errors() {
    let out = Out::new();
    for args in [
        ["--keep", "-2"],
        ["--keep", "0"],
        ["--keep", "many"],
        ["--max-age-days", "-1"],
        ["--max-age-days", "1.5"],
        ["--max-size-mb", "0"],
        ["--max-size-mb", "-500"],
        ["--max-size-mb", "99999999999999999999"],
    ] {
        // As one word and as two: a sign is no flag.
        for asked in [vec![format!("{}={}", args[0], args[1])], args.map(str::to_owned).to_vec()] {
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            let refused = artifacts("rotate", out.path(), &asked);
            assert_eq!(refused.code, 2, "{asked:?}: {}", refused.stderr);
            let told = format!("invalid value '{}' for '{}", args[1], args[0]);
            assert!(refused.stderr.contains(&told), "{}", refused.stderr);
        }
    }
    let nowhere = artifacts("rotate", &out.path().join("nowhere"), &["--detailed-exitcode"]);
    assert_eq!(nowhere.code, 4, "{}", nowhere.stderr);
    fs::write(out.path().join("file"), "x").expect("a file");
    assert_eq!(artifacts("rotate", &out.path().join("file"), &["--detailed-exitcode"]).code, 4);
    let empty = artifacts("rotate", out.path(), &[]);
    assert_eq!((empty.code, empty.stdout.lines().next()), (0, Some("nothing had to go")));
}

fn json_in(out: &Out, name: &str) -> Value {
    serde_json::from_slice(&fs::read(out.path().join(name)).expect("a file")).expect("JSON")
}

/// What is in an archive.
fn only_file_in(out: &Out, name: &str) -> (String, Vec<u8>) {
    let file = fs::File::open(out.path().join(name)).expect("an archive");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut entries = archive.entries().expect("entries");
    let mut only = entries.next().expect("an entry").expect("a whole one");
    let name = only.path().expect("a path").to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    only.read_to_end(&mut bytes).expect("content");
    assert!(entries.next().is_none());
    (name, bytes)
}
