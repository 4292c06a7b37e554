//! Rotations that are killed at every step: no archive is half, no original is lost, no run is seen in part, and
//! the next rotation finishes the work.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use crate::durability::{SmallDisk, TestResult};

/// The steps, each of which must be reached.
const STEPS: [&str; 7] = [
    "rotate-archive-put:1",
    "rotate-archive-put:2",
    "rotate-manifest-put",
    "rotate-first-removed",
    "rotate-run-renamed",
    "run-half-written",
    "run-staged:2",
];

const SNAPSHOT: &str = "{\"schema_version\": \"1.1\"}\n";

fn soak(out: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command.args(args).arg(out).env("SOAK_NOW", "2030-01-01T00:00:00Z");
    command
}

fn rotate(out: &Path, failpoint: &str) -> Result<Output, Box<dyn Error>> {
    let args = ["artifacts", "rotate", "--keep", "8", "--path"];
    Ok(soak(out, &args).env("SOAK_FAILPOINT", failpoint).output()?)
}

/// A run of 12, a former run with a snapshot, and a loose snapshot, all of them old.
fn prepared() -> Result<tempfile::TempDir, Box<dyn Error>> {
    let root = tempfile::tempdir()?;
    prepare(root.path())?;
    Ok(root)
}

/// The same in a folder that is there.
fn prepare(root: &Path) -> TestResult {
    for _ in 0..2 {
        let args = ["run", "--mock", "--auto-tune", "--iterations", "12", "--seed", "3", "--out"];
        let ran = soak(root, &args).env("SOAK_NOW", "2026-01-01T00:00:00Z").output()?;
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let extracted = soak(root, &["extract", "--path"]).output()?;
        assert!(extracted.status.success(), "{}", String::from_utf8_lossy(&extracted.stderr));
    }
    let snapshots = root.join("snapshots");
    fs::create_dir(&snapshots)?;
    fs::write(snapshots.join("a.json"), SNAPSHOT)?;
    let file = fs::File::options().write(true).open(snapshots.join("a.json"))?;
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000))?;
    Ok(())
}

/// Everything below a folder but the locks and the log of rotations.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains(".lock") && !name.starts_with("rotation/") {
                found.insert(name, fs::read(path)?);
            }
        }
    }
    Ok(found)
}

/// Manifests name the process that ran; what they must agree on is what went.
fn agree(found: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>, case: &str) -> TestResult {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{case}");
    for (name, bytes) in expected {
        if ["ITER_SUMMARY_", ".tar.gz", "TUNING_"].iter().any(|part| name.contains(part)) {
            assert!(found[name] == *bytes, "{case}: {name}");
        } else if name.ends_with("RUN_MANIFEST.json") || name.ends_with(".soak-run-declared.json") {
            let manifest: serde_json::Value = serde_json::from_slice(&found[name])?;
            assert_eq!(manifest["rotated"], serde_json::json!([[1, 4]]), "{case}: {name}");
        }
    }
    Ok(())
}

#[test]
fn a_rotation_killed_at_any_step_loses_nothing_and_the_next_one_finishes_it() -> TestResult {
    let undisturbed = prepared()?;
    let before = files(undisturbed.path())?;
    let done = rotate(undisturbed.path(), "")?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let expected = files(undisturbed.path())?;
    let went = before.keys().filter(|name| !expected.contains_key(*name)).count();
    assert!(went > 15, "four iterations, a run and a loose snapshot went: {went}");
    for step in STEPS {
        let place = prepared()?;
        let killed = rotate(place.path(), step)?;
        assert_eq!(killed.status.code(), None, "{step} was not reached");
        let left = files(place.path())?;
        let archived = |name: &str| left.contains_key(&format!("snapshots/{name}.tar.gz"));
        assert!(left.contains_key("snapshots/a.json") || archived("a.json"), "{step}");
        let manifest: serde_json::Value = serde_json::from_slice(&left["latest/RUN_MANIFEST.json"])?;
        let is_there = |number: u64| left.contains_key(&format!("latest/ITER_SUMMARY_{number}.json"));
        let is_owed = (1..=12).all(is_there) || manifest["rotated"] == serde_json::json!([[1, 4]]);
        assert!(is_owed, "{step}: what went is owed");
        // What a judge sees of the run is what it saw, or what it will see.
        let gate = soak(place.path(), &["gate", "--format", "json", "--path"]).output()?;
        let told = String::from_utf8_lossy(&gate.stdout).into_owned();
        assert!(told.contains("\"outcome\"") && !told.contains("INVALID"), "{step}: {told}");
        // The judge wrote reports; an undisturbed folder gets the same ones.
        let again = rotate(place.path(), "")?;
        assert!(again.status.success(), "{step}: {}", String::from_utf8_lossy(&again.stderr));
        let mut found = files(place.path())?;
        found.retain(|name, _| expected.contains_key(name) || !name.starts_with("latest/"));
        agree(&found, &expected, step)?;
    }
    Ok(())
}

/// Fills a disk to its last byte.
fn fill(disk: &Path) -> TestResult {
    let mut file = fs::File::create(disk.join("fill"))?;
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    Ok(())
}

#[test]
fn a_full_disk_is_made_room_on_and_nothing_is_lost() -> TestResult {
    let Some(disk) = SmallDisk::mount("2M")? else { return Ok(()) };
    let undisturbed = prepared()?;
    let done = rotate(undisturbed.path(), "")?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // Once as a whole; once without a current run, so that the former one makes the room; and once killed while it
    // has no archive yet.
    for case in ["all", "former", "killed"] {
        let root = disk.path().join(case);
        fs::create_dir(&root)?;
        prepare(&root)?;
        if case != "all" {
            fs::remove_dir_all(root.join("latest"))?;
        }
        let before = files(&root)?;
        fill(disk.path())?;
        if case == "killed" {
            let killed = rotate(&root, "rotate-run-renamed")?;
            assert!(!killed.status.success());
            let names: Vec<String> = files(&root)?.into_keys().collect();
            assert!(
                names.iter().any(|name| name.contains("removing") && name.ends_with("SNAPSHOT.json")),
                "{names:?}"
            );
            assert!(!names.iter().any(|name| name.ends_with(".tar.gz")), "{names:?}");
            // Without room the leftover stays, is told, and keeps its snapshot.
            let stuck = rotate(&root, "")?;
            assert_eq!(stuck.status.code(), Some(1));
            assert!(String::from_utf8_lossy(&stuck.stdout).contains("removing"), "{stuck:?}");
            assert!(files(&root)?.keys().any(|name| name.ends_with("SNAPSHOT.json")));
            fs::remove_file(disk.path().join("fill"))?;
        }
        let done = rotate(&root, "")?;
        assert!(done.status.success(), "{case}: {done:?}");
        let mut expected = files(undisturbed.path())?;
        if case != "all" {
            expected.retain(|name, _| !name.starts_with("latest"));
        }
        let mut left = files(&root)?;
        assert!(left.len() < before.len());
        assert!(
            left.keys().any(|name| name.starts_with("snapshots/history_")),
            "{case}: the snapshot is kept"
        );
        if case == "killed" {
            // Its time is that of the file then.
            let late = |name: &String, _: &mut Vec<u8>| !name.starts_with("snapshots/history_");
            expected.retain(late);
            left.retain(late);
        }
        agree(&left, &expected, case)?;
        fs::remove_dir_all(&root)?;
        let _ = fs::remove_file(disk.path().join("fill"));
    }
    Ok(())
}

#[test]
fn a_rotation_that_cannot_do_a_thing_tells_so() -> TestResult {
    let Some(disk) = SmallDisk::mount("2M")? else { return Ok(()) };
    let root = disk.path().join("out");
    fs::create_dir_all(root.join("snapshots"))?;
    assert!(rotate(&root, "")?.status.success());
    fs::remove_dir_all(root.join("rotation"))?;
    let snapshot = root.join("snapshots/a.json");
    fs::write(&snapshot, SNAPSHOT)?;
    fs::File::options().write(true).open(&snapshot)?.set_modified(UNIX_EPOCH)?;
    fill(disk.path())?;
    let told = rotate(&root, "")?;
    assert_eq!(told.status.code(), Some(1));
    let (stdout, stderr) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(stdout.starts_with("nothing had to go\n") && stdout.contains("snapshots/a.json"), "{stdout}");
    assert!(
        stderr.contains("ROTATION_LOG.jsonl") && stderr.contains("hint: the files listed above were removed"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(&snapshot)?, SNAPSHOT);
    Ok(())
}
