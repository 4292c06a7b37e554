//! Runs whose folder was damaged or meddled with before they go on: told by name, or mended where it can be.

use std::fs;

use super::{Place, assert_complete, refused, stderr, succeeded, undisturbed};
use crate::durability::TestResult;

const ARGS: [&str; 6] = ["--mock", "--iterations", "7", "--auto-tune", "--seed", "5"];
const RESUME: [&str; 2] = ["--resume", "--detailed-exitcode"];

#[test]
fn a_damaged_changed_or_missing_iteration_is_named_and_the_run_goes_on_once_it_is_back() -> TestResult {
    let expected = undisturbed(&ARGS)?;
    let place = Place::killed_after(&ARGS, 5)?;
    let folder = place.latest();
    for number in [1, 3, 5] {
        let name = format!("ITER_SUMMARY_{number}.json");
        let path = folder.join(&name);
        let text = fs::read_to_string(&path)?;
        let shortened = &text[..text.len() / 2];
        let changed = text.replacen("\"net_bps\": ", "\"net_bps\": 1", 1);
        assert_ne!(changed, text);
        for damaged in ["", "null", shortened, &changed, &text.replace('\n', "\r\n")] {
            fs::write(&path, damaged)?;
            refused(&place.run(&RESUME)?, 4, &[&name, "history"])?;
            assert_eq!(fs::read_to_string(&path)?, damaged, "left as it is");
        }
        if number < 5 {
            fs::remove_file(&path)?;
            refused(&place.run(&RESUME)?, 4, &[&name, "missing"])?;
        }
        fs::write(&path, text)?;
    }
    place.complete(&RESUME)?;
    assert_complete(&folder, &expected, "after all damages")
}

#[test]
fn a_manifest_that_is_lost_is_made_again_and_without_its_copy_it_is_named() -> TestResult {
    let expected = undisturbed(&ARGS)?;
    let place = Place::killed_after(&ARGS, 3)?;
    let path = place.latest().join("RUN_MANIFEST.json");
    let copy = place.latest().join(".soak-run-declared.json");
    let (whole, declared) = (fs::read(&path)?, fs::read(&copy)?);
    fs::remove_file(&copy)?;
    for damaged in [&b""[..], b"{}", b"[1]", b"\xff\xfe", &whole[..whole.len() / 2]] {
        fs::write(&path, damaged)?;
        refused(&place.run(&RESUME)?, 4, &["RUN_MANIFEST.json", "start again"])?;
        assert_eq!(fs::read(&path)?, damaged);
    }
    fs::remove_file(&path)?;
    refused(&place.run(&RESUME)?, 4, &["RUN_MANIFEST.json", "missing"])?;
    fs::write(&copy, &declared[..declared.len() / 2])?;
    refused(&place.run(&RESUME)?, 4, &["RUN_MANIFEST.json", "missing"])?;
    // What a power cut makes of a file that was replaced without being synced.
    fs::write(&path, "")?;
    fs::write(&copy, declared)?;
    let resumed = place.run(&RESUME)?;
    succeeded(&resumed)?;
    assert!(stderr(&resumed).contains("RUN_MANIFEST.json` was missing or damaged"), "{}", stderr(&resumed));
    assert_complete(&place.latest(), &expected, "with its manifest made again")
}

#[test]
fn what_follows_from_the_iterations_is_made_again() -> TestResult {
    let expected = undisturbed(&ARGS)?;
    for name in ["RUN_LOG.jsonl", "TUNING_STATE.json", "runtime_overrides.json"] {
        let place = Place::killed_after(&ARGS, 4)?;
        let path = place.latest().join(name);
        let whole = fs::read(&path)?;
        let torn = &whole[..whole.len() - 20];
        let holed = [&whole[..whole.len() / 2], &[0; 64], &whole[whole.len() / 2..]].concat();
        for damaged in [Some(&b""[..]), Some(b"\0\0\0\0"), Some(torn), Some(&holed), None] {
            let place = Place::killed_after(&ARGS, 4)?;
            let path = place.latest().join(name);
            match damaged {
                Some(bytes) => fs::write(&path, bytes)?,
                None => fs::remove_file(&path)?,
            }
            let what = format!("{name}: {:?}", damaged.map(<[u8]>::len));
            place.complete(&RESUME).map_err(|error| format!("{what}: {error}"))?;
            if name == "RUN_LOG.jsonl" && damaged == Some(&holed[..]) {
                continue; // what is no line stays, and is passed over
            }
            assert_complete(&place.latest(), &expected, &what)?;
            place.assert_tidy(&what)?;
        }
    }
    Ok(())
}

#[test]
fn a_folder_where_a_file_belongs_is_named_and_left_alone() -> TestResult {
    let expected = undisturbed(&ARGS)?;
    for name in [
        "runtime_overrides.json",
        "TUNING_STATE.json",
        "RUN_MANIFEST.json",
        "RUN_LOG.jsonl",
        "ITER_SUMMARY_2.json",
        "ITER_SUMMARY_5.json",
        "TUNING_REPORT.json",
    ] {
        let place = Place::killed_after(&ARGS, 4)?;
        let path = place.latest().join(name);
        let before = fs::read(&path).ok();
        if before.is_some() {
            fs::remove_file(&path)?;
        }
        fs::create_dir(&path)?;
        fs::write(path.join("mine.txt"), "mine")?;
        let output = place.run(&RESUME)?;
        let code = output.status.code();
        assert!(code == Some(4) || code == Some(5), "{name}: {output:?}");
        refused(&output, code.unwrap_or_default(), &[name])?;
        assert_eq!(fs::read(path.join("mine.txt"))?, b"mine", "{name}");
        place.assert_tidy(name)?;
        fs::remove_dir_all(&path)?;
        if let Some(bytes) = before {
            fs::write(&path, bytes)?;
        }
        place.complete(&RESUME).map_err(|error| format!("{name}: {error}"))?;
        assert_complete(&place.latest(), &expected, name)?;
    }
    Ok(())
}

#[test]
fn a_folder_where_the_active_overrides_belong_is_named_and_left_alone() -> TestResult {
    for name in ["soak/latest/runtime_overrides.json", "elsewhere.json"] {
        let place = Place::new()?;
        let path = place.root.join(name);
        fs::create_dir_all(&path)?;
        fs::write(path.join("mine.txt"), "mine")?;
        let elsewhere = place.root.join("elsewhere.json");
        let active = ["--active-overrides", elsewhere.to_str().ok_or("a plain path")?, "--detailed-exitcode"];
        refused(&place.run(&[&ARGS[..], &active].concat())?, 5, &[name])?;
        assert_eq!(fs::read(path.join("mine.txt"))?, b"mine", "{name}");
        place.assert_tidy(name)?;
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_latest_that_is_a_link_or_a_file_is_refused_and_left_alone() -> TestResult {
    let place = Place::new()?;
    let elsewhere = place.root.join("elsewhere");
    fs::create_dir(&elsewhere)?;
    fs::write(elsewhere.join("ITER_SUMMARY_1.json"), "precious")?;
    let isolated = [&ARGS[..], &["--run-isolated", "--detailed-exitcode"]].concat();
    let plain = [&ARGS[..], &["--detailed-exitcode"]].concat();
    std::os::unix::fs::symlink(&elsewhere, place.latest())?;
    for args in [&plain, &isolated] {
        refused(&place.run(args)?, 5, &["latest` is a symbolic link", "remove the link"])?;
    }
    assert!(place.latest().is_symlink());
    assert_eq!(fs::read(elsewhere.join("ITER_SUMMARY_1.json"))?, b"precious");
    assert_eq!(fs::read_dir(&elsewhere)?.count(), 1);
    fs::remove_file(place.latest())?;
    fs::write(place.latest(), "mine")?;
    for args in [&plain, &isolated] {
        refused(&place.run(args)?, 5, &["latest` is not a folder", "--out"])?;
    }
    assert_eq!(fs::read(place.latest())?, b"mine");
    // No refused run left anything behind; with the way free, an isolated run reaches `latest`.
    let isolated_runs = fs::read_dir(place.latest().parent().ok_or("a parent")?)?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("RUN_"));
    assert_eq!(isolated_runs.count(), 0);
    fs::remove_file(place.latest())?;
    place.complete(&[&ARGS[..], &["--run-isolated"]].concat())?;
    assert_complete(&place.latest(), &undisturbed(&ARGS)?, "the isolated run")
}
