//! Release bundles whose writer is killed at every step: the former bundle or the new one, whole, and the next
//! build finishes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::durability::TestResult;

/// Steps of which a build passes several: each file.
const TIMES: [usize; 2] = [1, 9];
/// Steps that only a system without an exchange of names comes by.
const ELSEWHERE: [&str; 1] = ["bundle-moved-aside"];

/// The names of all failpoints of a bundle, from the source.
fn failpoints() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/release/bundle/store.rs");
    let text = fs::read_to_string(source).expect("the source");
    let names =
        text.split("failpoint(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    names.filter(|name| !ELSEWHERE.contains(&name.as_str())).collect()
}

/// A run that may be released; `net` tells two of them apart.
fn write_run(folder: &Path, net: f64) -> TestResult {
    fs::create_dir_all(folder)?;
    for number in 1..=16 {
        let iteration = json!({
            "iteration": number, "source": "exec",
            "runtime_overrides": {"min_interval_ms": 60},
            "summary": {"ticks": 18_000 + number, "runtime_utc": format!("2026-01-01T{number:02}:00:00Z"), "net_bps": net, "risk_ratio": 0.3,
                        "maker_taker_ratio": 0.9, "p95_latency_ms": 300.0},
            "tuning": {"applied": false, "proposed_deltas": {}, "freeze_triggered": number == 14},
        });
        fs::write(folder.join(format!("ITER_SUMMARY_{number}.json")), iteration.to_string())?;
    }
    fs::write(folder.join("runtime_overrides.json"), "{\"min_interval_ms\": 60}\n")?;
    Ok(())
}

fn soak(folder: &Path, args: &[&str], failpoint: Option<&str>) -> std::io::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command
        .current_dir(folder)
        .arg("release")
        .args(args)
        .env("SOAK_NO_CONFIG", "1")
        .env_remove("SOAK_POLICY")
        .env_remove("READINESS_OVERRIDE");
    if let Some(name) = failpoint {
        command.env("SOAK_FAILPOINT", name);
    }
    command.output()
}

const BUILD: [&str; 6] = ["bundle", "--src", "run", "--out", "out/v1", "--archive"];

fn files(folder: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
        })
        .collect()
}

fn succeeded(output: &Output) -> TestResult {
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// Kills a build at a step; `false` = it did not come by that often.
fn kill_and_build(failpoint: &str, over_a_former_one: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let (folder, out) = (root.path(), root.path().join("out"));
    let mut former = None;
    if over_a_former_one {
        write_run(&folder.join("run"), 3.5)?;
        succeeded(&soak(folder, &BUILD, None)?)?;
        former = Some(files(&out.join("v1"))?);
    }
    write_run(&folder.join("run"), 4.5)?;
    let killed = soak(folder, &BUILD, Some(failpoint))?;
    let was_killed = killed.status.code().is_none();
    if !was_killed {
        succeeded(&killed)?;
    }
    // Whatever is there is whole, and the former one is never lost.
    if former.is_some() || out.join("v1").exists() {
        succeeded(&soak(folder, &["verify", "out/v1"], None)?)
            .map_err(|error| format!("{failpoint}: {error}"))?;
    }
    if former.is_some() || out.join("v1.tar.gz").exists() {
        succeeded(&soak(folder, &["verify", "out/v1.tar.gz"], None)?)?;
    }
    succeeded(&soak(folder, &BUILD, None)?).map_err(|error| format!("{failpoint}: {error}"))?;
    let now = files(&out.join("v1"))?;
    assert_ne!(Some(&now), former.as_ref(), "{failpoint}");
    assert!(String::from_utf8_lossy(&now["MANIFEST.json"]).contains("4.5"), "{failpoint}");
    succeeded(&soak(folder, &["verify", "out/v1.tar.gz"], None)?)?;
    let mut left: Vec<String> = fs::read_dir(&out)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    left.sort();
    assert_eq!(left, ["v1", "v1.tar.gz"], "{failpoint}: nothing is left behind");
    Ok(was_killed)
}

#[test]
fn a_build_killed_at_any_step_leaves_a_whole_bundle_and_the_next_one_finishes() -> TestResult {
    let names = failpoints();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        for over_a_former_one in [false, true] {
            let mut killed = false;
            for time in TIMES {
                killed |= kill_and_build(&format!("{name}:{time}"), over_a_former_one)?;
                if !["bundle-file-written", "bundle-half-written"].contains(&name.as_str()) {
                    break;
                }
            }
            let is_only_over = name == "bundle-exchanged";
            assert_eq!(
                killed,
                over_a_former_one || !is_only_over,
                "{name}, over a former one: {over_a_former_one}"
            );
        }
    }
    Ok(())
}

/// Where names cannot be exchanged at once, a kill between two renames leaves the former bundle in the folder
/// beside it.
#[test]
fn a_former_bundle_that_was_moved_aside_is_put_back() -> TestResult {
    let root = tempfile::tempdir()?;
    let (folder, out) = (root.path(), root.path().join("out"));
    write_run(&folder.join("run"), 3.5)?;
    succeeded(&soak(folder, &BUILD, None)?)?;
    let former = files(&out.join("v1"))?;
    fs::create_dir(out.join(".soak-bundle-v1"))?;
    fs::rename(out.join("v1"), out.join(".soak-bundle-v1/old"))?;
    // A build that is refused in the middle has put it back all the same.
    fs::remove_file(out.join("v1.tar.gz"))?;
    fs::write(out.join("v1.tar.gz"), "somebody else's")?;
    assert!(!soak(folder, &BUILD, None)?.status.success());
    assert_eq!(files(&out.join("v1"))?, former);
    Ok(())
}

#[test]
fn two_builds_at_once_leave_one_whole_bundle() -> TestResult {
    let root = tempfile::tempdir()?;
    let folder = root.path();
    write_run(&folder.join("run"), 3.5)?;
    let builds: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn({
                let folder = folder.to_owned();
                move || soak(&folder, &BUILD, None)
            })
        })
        .collect();
    for build in builds {
        let output = build.join().map_err(|_| "panicked")??;
        succeeded(&output)?;
    }
    succeeded(&soak(folder, &["verify", "out/v1"], None)?)
}
