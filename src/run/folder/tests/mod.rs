//! A run's files: what is written, and what is refused.

use std::collections::BTreeMap;
use std::error::Error;

use crate::core::iteration::manifest::RUN_LOG_FILE;
use crate::core::iteration::manifest::fixture::manifest;
use crate::core::load::load;
use crate::run::folder::recover::{Check, Resumed};
use crate::run::folder::*;
use crate::run::iteration::fixture::{at, record};

mod places;
mod resume;

type TestResult = Result<(), Box<dyn Error>>;

fn create_in(out: &Path, place: Place) -> Result<RunFolder, RunFolderError> {
    RunFolder::create(out, place, manifest(), at(0), &KpiTable::default(), Durability::Synced)
}

fn create(out: &Path) -> Result<RunFolder, RunFolderError> {
    create_in(out, Place::Latest)
}

fn open_as(out: &Path, check: Check, durability: Durability) -> Result<(RunFolder, Resumed), RunFolderError> {
    RunFolder::open(out, Place::Latest, check, &KpiTable::default(), durability)
}

fn open(out: &Path) -> Result<(RunFolder, Resumed), RunFolderError> {
    open_as(out, Check::Last, Durability::Synced)
}

fn overrides(number: u64) -> Vec<u8> {
    format!("{{\"min_interval_ms\": {}}}\n", 60 + number).into_bytes()
}

/// A run that has written so many iterations and then was killed.
fn killed_after(out: &Path, iterations: u64) -> Result<PathBuf, RunFolderError> {
    let mut run = create(out)?;
    for number in 1..=iterations {
        run.commit(&record(number), &overrides(number))?;
    }
    Ok(run.path().to_owned())
}

fn files_in(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !name.contains(".lock") {
            files.insert(name, fs::read(&path)?);
        }
    }
    Ok(files)
}

fn log_of(folder: &Path) -> Result<Vec<RunLogLine>, Box<dyn Error>> {
    let text = fs::read(folder.join(RUN_LOG_FILE))?;
    assert!(text.ends_with(b"\n"), "the log ends with a whole line");
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| RunLogLine::parse(line).ok_or_else(|| "a line that is none".into())).collect()
}

fn iterations_of(log: &[RunLogLine]) -> Vec<u64> {
    log.iter().filter(|line| line.event == RunEvent::Iteration).filter_map(|line| line.iteration).collect()
}

#[test]
fn a_run_writes_files_that_the_judge_loads_and_ends_complete() -> TestResult {
    let out = tempfile::tempdir()?;
    let mut run = create(out.path())?;
    for number in 1..=3 {
        run.put_overrides(&overrides(number - 1))?;
        run.commit(&record(number), &overrides(number))?;
    }
    run.finish(RunState::Complete, None, at(3))?;
    let loaded = load(out.path(), &KpiTable::default())?;
    assert_eq!(loaded.folder, out.path().join("latest"));
    assert!(loaded.evidence.findings.is_empty() && loaded.evidence.bad_files.is_empty());
    let declared = loaded.evidence.declared.ok_or("no manifest")?;
    assert_eq!((declared.iterations, declared.last_complete), (3, 3));
    assert_eq!(declared.state, crate::core::verdict::evidence::RunState::Complete);
    assert_eq!(loaded.evidence.tuning_report.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    let end = loaded.evidence.end_overrides.ok_or("no overrides")?;
    assert_eq!(end.iter().map(|(_, value)| value).collect::<Vec<_>>(), [63.0]);
    let names: Vec<_> = files_in(run.path())?.into_keys().collect();
    let expected = [
        ".soak-run-declared.json",
        "ITER_SUMMARY_1.json",
        "ITER_SUMMARY_2.json",
        "ITER_SUMMARY_3.json",
        "RUN_LOG.jsonl",
        "RUN_MANIFEST.json",
        "TUNING_REPORT.json",
        "TUNING_STATE.json",
        "runtime_overrides.json",
    ];
    assert_eq!(names, expected, "and no temporary file");
    let log = log_of(run.path())?;
    assert_eq!(log.first().map(|line| line.event), Some(RunEvent::Start));
    assert_eq!(log.last().map(|line| line.event), Some(RunEvent::Complete));
    assert_eq!(iterations_of(&log), [1, 2, 3]);
    for line in log.iter().filter(|line| line.event == RunEvent::Iteration) {
        assert!(line.describes(&fs::read(run.path().join(line.file.clone().unwrap_or_default()))?));
    }
    Ok(())
}

#[test]
fn the_tuning_report_has_the_contracts_keys_and_counts() -> TestResult {
    let out = tempfile::tempdir()?;
    let mut run = create(out.path())?;
    run.commit(&record(1), &overrides(1))?;
    let mut second = record(2);
    second.tuning.applied_values.clear();
    second.tuning.guards = vec![
        crate::core::iteration::guards::Guard::Velocity,
        crate::core::iteration::guards::Guard::Cooldown,
    ];
    run.commit(&second, &overrides(1))?;
    run.write_tuning_report()?;
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(run.path().join("TUNING_REPORT.json"))?)?;
    let keys: Vec<_> = report["iterations"][0].as_object().ok_or("no object")?.keys().collect();
    let expected = [
        "applied",
        "changed_keys",
        "cooldown_active",
        "iteration",
        "kpi_verdict",
        "neg_edge_drivers",
        "net_bps",
        "oscillation_detected",
        "proposed_deltas",
        "rationale",
        "runtime_utc",
        "signature",
        "skip_reason",
        "state_hash",
        "suggested_deltas",
        "velocity_violation",
    ];
    assert_eq!(keys, expected);
    let counts = serde_json::json!({"applied": 1, "blocked_oscillation": 0, "blocked_velocity": 1,
                                    "cooldown_skips": 1, "count": 2});
    assert_eq!(report["summary"], counts);
    Ok(())
}

#[test]
fn overrides_are_written_to_both_places_and_a_foreign_change_is_overwritten() -> TestResult {
    let out = tempfile::tempdir()?;
    let active = out.path().join("active.json");
    let mut declared = manifest();
    declared.settings.active_overrides = Some(active.display().to_string());
    let mut run = RunFolder::create(
        out.path(),
        Place::Latest,
        declared,
        at(0),
        &KpiTable::default(),
        Durability::Renamed,
    )?;
    run.put_overrides(b"one")?;
    assert_eq!(fs::read(&active)?, b"one");
    run.put_overrides(b"two")?;
    assert_eq!(
        (fs::read(&active)?, fs::read(run.path().join(OVERRIDES_FILE))?),
        (b"two".into(), b"two".into())
    );
    fs::write(&active, "meddled")?;
    run.put_overrides(b"two")?;
    assert_eq!(fs::read(&active)?, b"two");
    Ok(())
}

#[test]
fn an_iteration_out_of_turn_or_with_a_number_that_is_none_writes_nothing() -> TestResult {
    let out = tempfile::tempdir()?;
    let mut run = create(out.path())?;
    let before = files_in(run.path())?;
    assert!(matches!(run.commit(&record(2), b"{}"), Err(RunFolderError::OutOfTurn { number: 2, last: 0 })));
    let mut bad = record(1);
    bad.state.run_seconds = f64::NAN;
    assert!(matches!(run.commit(&bad, b"{}"), Err(RunFolderError::Record { number: 1, .. })));
    assert_eq!(files_in(run.path())?, before);
    run.commit(&record(1), b"{}")?;
    assert!(matches!(run.commit(&record(1), b"{}"), Err(RunFolderError::OutOfTurn { number: 1, last: 1 })));
    Ok(())
}

#[test]
fn a_place_that_cannot_be_written_is_named() -> TestResult {
    let out = tempfile::tempdir()?;
    let mut run = create(out.path())?;
    run.commit(&record(1), b"{}")?;
    // A folder where the file belongs refuses every user.
    let second = run.path().join("ITER_SUMMARY_2.json");
    fs::create_dir_all(second.join("x"))?;
    let error = run.commit(&record(2), b"{}").expect_err("not writable");
    assert!(matches!(&error, RunFolderError::Io { path, .. } if *path == second), "{error}");
    assert_eq!(run.manifest().last_complete_iteration, 1);
    fs::remove_dir_all(&second)?;
    run.commit(&record(2), b"{}")?;
    drop(run);
    assert_eq!(open(out.path())?.1.last, Some(record(2)));
    Ok(())
}
