//! Going on with a run, from every state that an interruption can leave.

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
    assert!(open(out.path())?.1.changed.is_empty(), "only the last is looked at");
    assert_eq!(open_as(out.path(), Check::All, Durability::Synced)?.1.changed, std::slice::from_ref(&first));
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
        let error = open_as(out.path(), Check::All, durability).map(|_| ()).expect_err("damaged");
        assert!(matches!(&error, RunFolderError::Damaged { path, .. } if *path == second), "{error}");
        assert!(error.hint().is_some());
    }
    fs::remove_file(&second)?;
    let error = open(out.path()).map(|_| ()).expect_err("a gap");
    assert!(error.to_string().contains("ITER_SUMMARY_2.json"), "{error}");
    fs::write(&second, &fs::read(folder.join("ITER_SUMMARY_3.json"))?)?;
    let error = open_as(out.path(), Check::All, Durability::Synced).map(|_| ()).expect_err("renumbered");
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
    let (mut run, found) = open_as(out.path(), Check::All, Durability::Renamed)?;
    assert_eq!(found.last, Some(record(2)));
    assert_eq!(found.set_aside, [folder.join("ITER_SUMMARY_3.json.damaged")]);
    run.commit(&record(3), &overrides(3))?;
    drop(run);
    assert!(
        open_as(out.path(), Check::All, Durability::Synced)?.1.changed.is_empty(),
        "the later line counts"
    );
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
    let (run, _) = open_as(out.path(), Check::All, Durability::Synced)?;
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
