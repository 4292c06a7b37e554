//! A run's files: what is written, and what is refused.

use std::collections::BTreeMap;
use std::error::Error;

use crate::core::iteration::manifest::RUN_LOG_FILE;
use crate::core::iteration::manifest::fixture::manifest;
use crate::core::load::load;
use crate::run::folder::recover::Resumed;
use crate::run::folder::*;
use crate::run::iteration::fixture::{at, record};

mod places {

    use crate::infra::lock::LockError;
    use crate::run::folder::tests::*;

    #[test]
    fn a_second_run_is_refused_with_the_process_that_holds_the_folder() -> TestResult {
        let out = tempfile::tempdir()?;
        let run = create(out.path())?;
        for refused in [create(out.path()).map(|_| ()), open(out.path()).map(|_| ())] {
            let Err(RunFolderError::Lock(LockError::Held { holder, .. })) = refused else {
                return Err("not refused".into());
            };
            if cfg!(unix) {
                assert_eq!(holder.pid, Some(std::process::id()));
            }
        }
        assert!(run.path().join("RUN_MANIFEST.json").exists(), "and nothing was moved");
        let gate = vec![crate::infra::artifacts::Artifact::new("POST_SOAK_SNAPSHOT.json", "{}")];
        crate::infra::artifacts::commit(run.path(), gate, &[], Durability::Synced)?;
        drop(run);
        create(out.path())?;
        Ok(())
    }

    #[test]
    fn two_runs_at_the_same_moment_one_of_them_wins() -> TestResult {
        let out = tempfile::tempdir()?;
        killed_after(out.path(), 1)?;
        let results = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| create(out.path()))).collect();
            runs.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let won = results.iter().filter(|result| matches!(result, Ok(Ok(_)))).count();
        assert_eq!(won, 1);
        assert_eq!(fs::read_dir(out.path().join("history"))?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_former_run_moves_to_history_under_its_start() -> TestResult {
        let out = tempfile::tempdir()?;
        killed_after(out.path(), 1)?;
        killed_after(out.path(), 2)?;
        drop(create(out.path())?);
        let history = out.path().join("history");
        assert!(history.join("20251012T120000Z/ITER_SUMMARY_1.json").exists());
        assert!(history.join("20251012T120000Z-2/ITER_SUMMARY_2.json").exists());
        assert!(!out.path().join("latest/ITER_SUMMARY_1.json").exists());
        Ok(())
    }

    #[test]
    fn a_former_run_without_a_manifest_is_named_after_its_oldest_file() -> TestResult {
        let out = tempfile::tempdir()?;
        let latest = out.path().join("latest");
        fs::create_dir(&latest)?;
        for (name, iterations) in [("ITER_SUMMARY_1.json", 12), ("b", 24)] {
            fs::write(latest.join(name), "{}")?;
            fs::File::options().write(true).open(latest.join(name))?.set_modified(at(iterations).into())?;
        }
        drop(create(out.path())?);
        // Twelve iterations of five minutes after noon.
        assert!(out.path().join("history/20251012T130000Z/b").exists());
        Ok(())
    }

    #[test]
    fn a_folder_with_other_peoples_files_alone_is_used_as_it_is() -> TestResult {
        let out = tempfile::tempdir()?;
        fs::create_dir(out.path().join("latest"))?;
        fs::write(out.path().join("latest/notes.txt"), "mine")?;
        drop(create(out.path())?);
        assert_eq!(fs::read_to_string(out.path().join("latest/notes.txt"))?, "mine");
        assert!(!out.path().join("history").exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_latest_that_is_a_link_or_a_file_is_refused_and_left_alone() -> TestResult {
        let out = tempfile::tempdir()?;
        let elsewhere = tempfile::tempdir()?;
        fs::write(elsewhere.path().join("ITER_SUMMARY_1.json"), "precious")?;
        let latest = out.path().join("latest");
        std::os::unix::fs::symlink(elsewhere.path(), &latest)?;
        assert!(matches!(create(out.path()), Err(RunFolderError::Symlink { .. })));
        assert!(matches!(open(out.path()), Err(RunFolderError::Symlink { .. })));
        assert_eq!(fs::read_to_string(elsewhere.path().join("ITER_SUMMARY_1.json"))?, "precious");
        fs::remove_file(&latest)?;
        fs::write(&latest, "x")?;
        assert!(matches!(create(out.path()), Err(RunFolderError::NotAFolder { .. })));
        Ok(())
    }

    #[test]
    fn isolated_runs_do_not_disturb_each_other_and_the_last_one_done_is_latest() -> TestResult {
        let out = tempfile::tempdir()?;
        killed_after(out.path(), 1)?;
        let mut one = create_in(out.path(), Place::Isolated)?;
        let mut two = create_in(out.path(), Place::Isolated)?;
        assert!(one.path().ends_with("RUN_1760270400000") && two.path().ends_with("RUN_1760270400001"));
        one.commit(&record(1), &overrides(1))?;
        two.commit(&record(1), &overrides(1))?;
        one.commit(&record(2), &overrides(2))?;
        for run in [&mut one, &mut two] {
            run.finish(RunState::Interrupted, None, at(2))?;
            let latest = run.materialise()?;
            let mut files = files_in(run.path())?;
            assert!(files.remove(DECLARED_FILE).is_some(), "it belongs to the folder that a run goes on in");
            assert_eq!(files_in(&latest)?, files);
        }
        assert_eq!(fs::read_dir(out.path().join("history"))?.count(), 2);
        let hidden = fs::read_dir(out.path())?
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".latest"));
        assert_eq!(hidden.count(), 0);
        let loaded = load(out.path(), &KpiTable::default())?;
        assert_eq!(loaded.folder.path(), out.path().join("latest"));
        Ok(())
    }

    #[test]
    fn a_run_at_work_in_latest_is_not_pushed_aside() -> TestResult {
        let out = tempfile::tempdir()?;
        let mut isolated = create_in(out.path(), Place::Isolated)?;
        isolated.commit(&record(1), &overrides(1))?;
        let at_work = create(out.path())?;
        assert!(matches!(isolated.materialise(), Err(RunFolderError::Lock(LockError::Held { .. }))));
        assert!(at_work.path().join("RUN_MANIFEST.json").exists());
        drop(at_work);
        isolated.materialise()?;
        assert!(out.path().join("latest/ITER_SUMMARY_1.json").exists());
        Ok(())
    }

    #[test]
    fn a_copy_that_was_killed_is_made_again_and_a_former_latest_is_kept() -> TestResult {
        let out = tempfile::tempdir()?;
        let mut run = create_in(out.path(), Place::Isolated)?;
        run.commit(&record(1), &overrides(1))?;
        let copy = out.path().join(".latest-RUN_1760270400000");
        // Killed while copying: the mark is still there.
        fs::create_dir(&copy)?;
        fs::write(copy.join(".soak-run-tmp-copying"), "")?;
        fs::write(copy.join("ITER_SUMMARY_1.json"), "half")?;
        run.materialise()?;
        assert!(!out.path().join("history").exists());
        // Killed between the exchange and the move: what is there is a former `latest`.
        fs::create_dir(&copy)?;
        fs::write(copy.join("POST_SOAK_SNAPSHOT.json"), "precious")?;
        run.materialise()?;
        let kept = fs::read_dir(out.path().join("history"))?
            .filter_map(Result::ok)
            .any(|entry| entry.path().join("POST_SOAK_SNAPSHOT.json").exists());
        assert!(kept);
        Ok(())
    }
}
mod resume {

    use crate::run::folder::tests::*;

    #[test]
    fn a_killed_run_goes_on_with_the_state_of_its_last_iteration_and_the_same_bytes() -> TestResult {
        let (whole, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let mut run = create(whole.path())?;
        for number in 1..=3 {
            run.commit(&record(number), &overrides(number))?;
        }
        run.finish(RunState::Complete, None, at(3))?;

        killed_after(killed.path(), 2)?;
        let (mut resumed, found) = open(killed.path())?;
        assert_eq!(found.last, Some(record(2)));
        assert!(found.changed.is_empty() && found.set_aside.is_empty());
        resumed.commit(&record(3), &overrides(3))?;
        resumed.finish(RunState::Complete, None, at(3))?;
        assert_eq!(files_in(run.path())?, files_in(resumed.path())?);
        Ok(())
    }

    #[test]
    fn everything_that_lags_behind_the_last_iteration_file_is_mended() -> TestResult {
        let (out, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let before = files_in(&killed_after(other.path(), 1)?)?;
        let folder = killed_after(out.path(), 2)?;
        let after = files_in(&folder)?;
        // As if killed between the iteration file and all that follows it, with the next file half written.
        for name in ["RUN_LOG.jsonl", "RUN_MANIFEST.json", "TUNING_STATE.json", "runtime_overrides.json"] {
            fs::write(folder.join(name), &before[name])?;
        }
        fs::write(folder.join(".soak-run-tmp-ITER_SUMMARY_3.json"), "{\"coll")?;
        let (mut run, found) = open(out.path())?;
        assert_eq!(found.last, Some(record(2)));
        assert_eq!(run.manifest().last_complete_iteration, 2);
        run.put_overrides(&overrides(2))?;
        drop(run);
        assert_eq!(files_in(&folder)?, after);
        Ok(())
    }

    #[test]
    fn a_log_that_is_torn_or_gone_is_mended_and_loses_no_line() -> TestResult {
        let out = tempfile::tempdir()?;
        let folder = killed_after(out.path(), 2)?;
        let path = folder.join("RUN_LOG.jsonl");
        let whole = fs::read(&path)?;
        for cut in [1, 2, 20, 100] {
            fs::write(&path, &whole[..whole.len() - cut])?;
            drop(open(out.path())?);
            assert_eq!(fs::read(&path)?, whole, "{cut} bytes cut off");
        }
        fs::remove_file(&path)?;
        let (_run, found) = open(out.path())?;
        assert!(found.changed.is_empty());
        assert_eq!(iterations_of(&log_of(&folder)?), [1, 2]);
        Ok(())
    }

    #[test]
    fn a_changed_iteration_file_is_named() -> TestResult {
        let out = tempfile::tempdir()?;
        let folder = killed_after(out.path(), 2)?;
        let first = folder.join("ITER_SUMMARY_1.json");
        let text = fs::read_to_string(&first)?;
        fs::write(&first, text.replace("\"net_bps\": 3.1", "\"net_bps\": 9.1"))?;
        assert_eq!(open(out.path())?.1.changed, std::slice::from_ref(&first));
        fs::write(&first, text)?;
        let last = folder.join("ITER_SUMMARY_2.json");
        fs::write(&last, fs::read_to_string(&last)? + "\n")?;
        assert_eq!(open(out.path())?.1.changed, [last]);
        Ok(())
    }

    #[test]
    fn a_damaged_or_missing_file_in_the_middle_is_an_error_that_names_it() -> TestResult {
        let out = tempfile::tempdir()?;
        let folder = killed_after(out.path(), 3)?;
        let second = folder.join("ITER_SUMMARY_2.json");
        let text = fs::read(&second)?;
        fs::write(&second, &text[..300])?;
        for durability in [Durability::Synced, Durability::Renamed] {
            let error = open_as(out.path(), durability).map(|_| ()).expect_err("damaged");
            assert!(matches!(&error, RunFolderError::Damaged { path, .. } if *path == second), "{error}");
            assert!(error.hint().is_some());
        }
        fs::remove_file(&second)?;
        let error = open(out.path()).map(|_| ()).expect_err("a gap");
        assert!(error.to_string().contains("ITER_SUMMARY_2.json"), "{error}");
        fs::write(&second, &fs::read(folder.join("ITER_SUMMARY_3.json"))?)?;
        let error = open(out.path()).map(|_| ()).expect_err("renumbered");
        assert!(matches!(error, RunFolderError::Renumbered { found: 3, .. }), "{error}");
        Ok(())
    }

    #[test]
    fn an_end_that_is_not_whole_is_set_aside_only_where_nothing_was_synced() -> TestResult {
        let out = tempfile::tempdir()?;
        let folder = killed_after(out.path(), 3)?;
        fs::write(folder.join("ITER_SUMMARY_3.json"), "")?;
        let error = open(out.path()).map(|_| ()).expect_err("damaged");
        assert!(matches!(error, RunFolderError::Damaged { .. }), "{error}");
        let (mut run, found) = open_as(out.path(), Durability::Renamed)?;
        assert_eq!(found.last, Some(record(2)));
        assert_eq!(found.set_aside, [folder.join("ITER_SUMMARY_3.json.damaged")]);
        run.commit(&record(3), &overrides(3))?;
        drop(run);
        assert!(open(out.path())?.1.changed.is_empty(), "the later line counts");
        Ok(())
    }

    #[test]
    fn what_rotation_removed_is_no_gap() -> TestResult {
        let out = tempfile::tempdir()?;
        let folder = killed_after(out.path(), 3)?;
        fs::remove_file(folder.join("ITER_SUMMARY_1.json"))?;
        assert!(matches!(open(out.path()), Err(RunFolderError::Gap { .. })));
        let rotated = RunManifest { rotated: vec![(1, 1)], ..manifest() };
        fs::write(folder.join("RUN_MANIFEST.json"), rotated.to_bytes())?;
        let (run, _) = open(out.path())?;
        let mut seen = Vec::new();
        run.for_each_record(|record| {
            seen.push(record.number);
            Ok(())
        })?;
        assert_eq!(seen, [2, 3]);
        Ok(())
    }

    #[test]
    fn a_manifest_that_is_lost_is_made_again_from_what_was_declared_last() -> TestResult {
        let out = tempfile::tempdir()?;
        let folder = killed_after(out.path(), 2)?;
        let (mut run, found) = open(out.path())?;
        assert!(!found.manifest_was_lost);
        run.declare(RunManifest { iterations: 9, ..run.manifest().clone() })?;
        drop(run);
        let path = folder.join("RUN_MANIFEST.json");
        for lost in [Some(""), Some("{}"), None] {
            match lost {
                Some(text) => fs::write(&path, text)?,
                None => fs::remove_file(&path)?,
            }
            let (run, found) = open(out.path())?;
            assert!(found.manifest_was_lost, "{lost:?}");
            assert_eq!((run.manifest().iterations, run.manifest().last_complete_iteration), (9, 2));
            drop(run);
            assert!(!open(out.path())?.1.manifest_was_lost, "it is there again");
        }
        Ok(())
    }

    #[test]
    fn overrides_elsewhere_are_found_again_and_what_a_kill_left_beside_them_is_removed() -> TestResult {
        let (out, system) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let active = system.path().join("active.json");
        let mut manifest = manifest();
        manifest.settings.active_overrides = active.to_str().map(str::to_owned);
        let (place, kpis) = (Place::Latest, KpiTable::default());
        let synced = Durability::Synced;
        drop(RunFolder::create(out.path(), place, manifest, at(0), &kpis, synced)?);
        let leftover = system.path().join(".soak-run-tmp-active.json");
        fs::write(&leftover, "half")?;
        let (mut run, _) = open(out.path())?;
        assert!(!leftover.exists());
        run.put_overrides(b"one")?;
        assert_eq!((run.active_overrides(), fs::read(&active)?), (active.as_path(), b"one".into()));
        Ok(())
    }

    #[test]
    fn a_manifest_alone_is_a_run_before_its_first_iteration() -> TestResult {
        let out = tempfile::tempdir()?;
        drop(create(out.path())?);
        let (mut run, found) = open(out.path())?;
        assert_eq!((found.last, run.manifest().last_complete_iteration), (None, 0));
        run.commit(&record(1), &overrides(1))?;
        Ok(())
    }

    #[test]
    fn without_a_run_or_its_manifest_there_is_nothing_to_go_on_with() -> TestResult {
        let out = tempfile::tempdir()?;
        assert!(matches!(open(out.path()), Err(RunFolderError::NoRun { .. })));
        fs::create_dir(out.path().join("latest"))?;
        assert!(matches!(open(out.path()), Err(RunFolderError::NoRun { .. })));
        let folder = killed_after(out.path(), 1)?;
        fs::remove_file(folder.join(DECLARED_FILE))?;
        fs::write(folder.join("RUN_MANIFEST.json"), "{}")?;
        assert!(matches!(open(out.path()), Err(RunFolderError::Manifest { .. })));
        fs::remove_file(folder.join("RUN_MANIFEST.json"))?;
        let error = open(out.path()).map(|_| ()).expect_err("no manifest");
        assert!(error.to_string().contains("RUN_MANIFEST.json") && error.hint().is_some(), "{error}");
        Ok(())
    }
}

type TestResult = Result<(), Box<dyn Error>>;

fn create_in(out: &Path, place: Place) -> Result<RunFolder, RunFolderError> {
    RunFolder::create(out, place, manifest(), at(0), &KpiTable::default(), Durability::Synced)
}

fn create(out: &Path) -> Result<RunFolder, RunFolderError> {
    create_in(out, Place::Latest)
}

fn open_as(out: &Path, durability: Durability) -> Result<(RunFolder, Resumed), RunFolderError> {
    RunFolder::open(out, Place::Latest, &KpiTable::default(), durability)
}

fn open(out: &Path) -> Result<(RunFolder, Resumed), RunFolderError> {
    open_as(out, Durability::Synced)
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
    assert_eq!(loaded.folder.path(), out.path().join("latest"));
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
