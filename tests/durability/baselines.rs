//! A baseline store whose writer is killed at every step: the former history or the new one, whole, every line of it
//! with its baseline, and the next writer goes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::durability::TestResult;

/// The names of the failpoints of a single file, from the source.
fn failpoints() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/infra/atomic_file.rs");
    let text = fs::read_to_string(source).expect("the source");
    let names = text.split("failpoint(\"").skip(1);
    names.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

/// A run that passes; `net` tells two of them apart.
fn write_run(folder: &Path, net: f64) -> TestResult {
    fs::create_dir_all(folder)?;
    for number in 1..=16 {
        let iteration = json!({
            "iteration": number,
            "summary": {"runtime_utc": format!("2026-01-01T{number:02}:00:00Z"), "net_bps": net, "risk_ratio": 0.3,
                        "maker_taker_ratio": 0.9, "p95_latency_ms": 300.0, "ticks": 18_000 + number},
            "tuning": {"applied": false, "proposed_deltas": {}, "freeze_triggered": number == 14},
        });
        fs::write(folder.join(format!("ITER_SUMMARY_{number}.json")), iteration.to_string())?;
    }
    Ok(())
}

fn baseline(folder: &Path, args: &[&str], failpoint: Option<&str>) -> std::io::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command
        .current_dir(folder)
        .args(["compare", "baseline"])
        .args(args)
        .args(["--store", "store"])
        .env("SOAK_NOW", "2026-01-31T12:00:00Z")
        .env("SOAK_NO_CONFIG", "1")
        .env_remove("SOAK_POLICY");
    if let Some(name) = failpoint {
        command.env("SOAK_FAILPOINT", name);
    }
    command.output()
}

const PROMOTE: [&str; 2] = ["promote", "run"];
const ACK: [&str; 9] =
    ["ack", "net_bps", "--owner", "a test", "--reason", "known", "--until", "2026-02-28", "--quiet"];

/// Lines of the history and the baseline in force, after all of it was verified.
fn state(folder: &Path) -> Result<(usize, Value), Box<dyn std::error::Error>> {
    if !folder.join("store/history.jsonl").exists() {
        // Nothing was promoted, and there is nothing to verify.
        return Ok((0, Value::Null));
    }
    let verified = baseline(folder, &["verify", "--format", "json"], None)?;
    if !verified.status.success() {
        return Err(String::from_utf8_lossy(&verified.stderr).into_owned().into());
    }
    let told: Value = serde_json::from_slice(&verified.stdout)?;
    let lines = told["history"].as_array().map_or(0, Vec::len);
    Ok((lines, told["current"].clone()))
}

fn left_behind(folder: &Path) -> std::io::Result<Vec<String>> {
    let names = fs::read_dir(folder.join("store"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter(|name| name.starts_with(".soak-tmp")).collect())
}

/// Kills a command at a step after `before` promotions; whether it came by there.
fn kill(before: u64, args: &[&str], failpoint: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let folder = root.path();
    for number in 1..=before {
        write_run(&folder.join("run"), 3.0 + 0.125 * number as f64)?;
        assert!(baseline(folder, &PROMOTE, None)?.status.success());
    }
    write_run(&folder.join("run"), 4.5)?;
    let (lines, current) = if before > 0 { state(folder)? } else { (0, Value::Null) };
    let killed = baseline(folder, args, Some(failpoint))?;
    let was_killed = killed.status.code().is_none();
    assert!(
        was_killed || killed.status.success(),
        "{failpoint}: {}",
        String::from_utf8_lossy(&killed.stderr)
    );
    // The history is the former one or the new one, and whatever it names is there and whole.
    let (now, in_force) = state(folder).map_err(|error| format!("{failpoint}: {error}"))?;
    assert!(now == lines || now == lines + 1, "{failpoint}: {now} after {lines}");
    if now == lines {
        assert_eq!(in_force, current, "{failpoint}");
    }
    // The next writer goes on, and takes away what the killed one left half written.
    assert!(baseline(folder, args, None)?.status.success(), "{failpoint}");
    assert_eq!(state(folder)?.0, now + 1, "{failpoint}");
    assert_eq!(left_behind(folder)?, Vec::<String>::new(), "{failpoint}");
    Ok(was_killed)
}

#[test]
fn a_promotion_killed_at_any_step_leaves_the_former_history_or_the_new_one() -> TestResult {
    let names = failpoints();
    assert!(names.len() >= 4, "{names:?}");
    for name in &names {
        for before in [0, 2] {
            // The baseline is written first, then the history.
            for time in [1, 2] {
                assert!(kill(before, &PROMOTE, &format!("{name}:{time}"))?, "{name}:{time}");
            }
            assert!(!kill(before, &PROMOTE, &format!("{name}:3"))?, "{name}:3");
        }
    }
    Ok(())
}

#[test]
fn an_acknowledgement_killed_at_any_step_is_there_or_is_not() -> TestResult {
    for name in failpoints() {
        assert!(kill(1, &ACK, &format!("{name}:1"))?, "{name}");
        assert!(!kill(1, &ACK, &format!("{name}:2"))?, "{name}");
    }
    Ok(())
}

#[test]
fn promotions_at_once_all_stand_in_one_chain() -> TestResult {
    let root = tempfile::tempdir()?;
    let folder = root.path();
    write_run(&folder.join("run"), 3.5)?;
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let folder = folder.to_owned();
            std::thread::spawn(move || baseline(&folder, &PROMOTE, None))
        })
        .collect();
    for writer in writers {
        let output = writer.join().map_err(|_| "panicked")??;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(state(folder)?, (4, json!("BASELINE_4.json")));
    Ok(())
}
