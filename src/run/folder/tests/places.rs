//! Where runs live, who may write there, and what becomes of former ones.

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
    assert_eq!(loaded.folder, out.path().join("latest"));
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
