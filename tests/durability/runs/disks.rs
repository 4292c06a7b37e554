//! Disks that are full or cannot be written.

use std::fs;

use super::{Place, assert_complete, compared, refused, stderr, undisturbed};
use crate::durability::{SmallDisk, TestResult};

const ARGS: [&str; 6] = ["--mock", "--iterations", "7", "--auto-tune", "--seed", "6"];

#[test]
fn a_disk_that_gets_full_costs_nothing_that_was_written_and_the_run_goes_on_with_more_space() -> TestResult {
    const PAGE: usize = 4096;
    const PAGES: usize = 64;
    let Some(disk) = SmallDisk::mount(&format!("{}k", PAGES * PAGE / 1024))? else { return Ok(()) };
    let expected = undisturbed(&ARGS)?;
    let (mut fitted, mut refusals) = (0, 0);
    // Page by page, so that the disk gets full at every one of the steps.
    for room in 1..PAGES - 1 {
        let place = Place::below(&disk.path().join("work"))?;
        let ballast = disk.path().join("ballast");
        // The start file has taken one page.
        fs::write(&ballast, vec![0; (PAGES - 1 - room) * PAGE])?;
        let what = format!("room for {room} pages");
        let first = place.run(&[&ARGS[..], &["--detailed-exitcode"]].concat())?;
        if first.status.success() {
            fitted += 1;
        } else {
            assert_eq!(fitted, 0, "{what}: less room was enough");
            refused(&first, 5, &["cannot ", "free some space"])
                .map_err(|error| format!("{what}: {error}"))?;
            refusals += 1;
            let left = if place.latest().exists() { compared(&place.latest())? } else { expected.clone() };
            for (name, bytes) in left.iter().filter(|(name, _)| name.starts_with("ITER_SUMMARY_")) {
                assert!(*bytes == expected[name], "{what}: {name} is not whole");
            }
            fs::remove_file(&ballast)?;
            let resumed = place.run(&["--resume"])?;
            if stderr(&resumed).contains("start one without `--resume`") {
                place.complete(&ARGS)?;
            } else {
                super::succeeded(&resumed).map_err(|error| format!("{what}: {error}"))?;
            }
        }
        assert_complete(&place.latest(), &expected, &what)?;
        place.assert_tidy(&what)?;
        fs::remove_dir_all(&place.root)?;
        let _ = fs::remove_file(&ballast);
        if fitted == 3 {
            break;
        }
    }
    assert!(fitted == 3 && refusals > 10, "{fitted} fitted, {refusals} did not");
    Ok(())
}

#[test]
fn a_disk_that_cannot_be_written_is_told_with_a_way_out() -> TestResult {
    let Some(disk) = SmallDisk::mount("512k")? else { return Ok(()) };
    let place = Place::below(disk.path())?;
    let killed = place.command(&ARGS).env("SOAK_FAILPOINT", "run-logged:3").output()?;
    assert_eq!(killed.status.code(), None);
    let before = compared(&place.latest())?;
    if !disk.make_read_only()? {
        return Ok(());
    }
    for args in [&["--resume"][..], &ARGS, &[&ARGS[..], &["--run-isolated"]].concat()] {
        let output = place.run(&[args, &["--detailed-exitcode"]].concat())?;
        refused(&output, 5, &["soak", "writable"]).map_err(|error| format!("{args:?}: {error}"))?;
    }
    assert_eq!(compared(&place.latest())?, before);
    Ok(())
}

/// Root may write everywhere, so this one is for everybody else.
#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_told_with_a_way_out() -> TestResult {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new()?;
    fs::set_permissions(&place.out, fs::Permissions::from_mode(0o555))?;
    if fs::write(place.out.join("probe"), "x").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return Ok(());
    }
    refused(&place.run(&[&ARGS[..], &["--detailed-exitcode"]].concat())?, 5, &["soak", "writable"])
}
