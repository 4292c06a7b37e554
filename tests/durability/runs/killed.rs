//! Runs that are killed: at every step of their writing, and at random moments.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Dice, Place, assert_complete, compared, manifest, stderr, succeeded, undisturbed};
use crate::durability::TestResult;

/// Warm-up, ramp-down and steady state, with tuning: everything that a run writes.
const ARGS: [&str; 7] = ["--mock", "--iterations", "7", "--auto-tune", "--warmup", "--seed", "3"];
/// A step is killed at these of its times, as far as it has them: a step of every iteration in the first and
/// the last one, in warm-up, and a step of every file in some of the files.
const TIMES: [usize; 6] = [1, 2, 4, 7, 12, 25];
/// Steps that only some system or folder comes by.
const ELSEWHERE: [&str; 2] = ["run-latest-moved", "run-moved-aside"];

/// The names of all failpoints of the run's folder, from the source.
fn failpoints() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run/folder");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the source") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let text = fs::read_to_string(path).expect("text");
            names.extend(
                text.split("failpoint(\"")
                    .skip(1)
                    .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())),
            );
        }
    }
    names
}

/// Kills a run at a step, and lets it go on. `false` = the run did not come by that often.
fn kill_and_resume(
    place: &Place,
    args: &[&str],
    failpoint: &str,
) -> Result<bool, Box<dyn std::error::Error>> {
    let killed = place.command(args).env("SOAK_FAILPOINT", failpoint).output()?;
    if killed.status.code().is_some() {
        succeeded(&killed)?;
        return Ok(false);
    }
    let mut resume = vec!["--resume"];
    resume.extend(args.iter().filter(|arg| ["--run-isolated"].contains(arg)));
    let resumed = place.run(&resume)?;
    let told = stderr(&resumed);
    if told.contains("start one without `--resume`") {
        // Nothing was begun that could go on.
        place.complete(args)?;
    } else if !told.contains("is complete") {
        succeeded(&resumed).map_err(|error| format!("{failpoint}: {error}"))?;
    }
    Ok(true)
}

fn every_step(args: &[&str], before: &[&str]) -> Result<BTreeSet<String>, Box<dyn std::error::Error>> {
    let expected = undisturbed(args)?;
    let mut reached = BTreeSet::new();
    for name in failpoints() {
        for time in TIMES {
            let failpoint = format!("{name}:{time}");
            let place = Place::new()?;
            if !before.is_empty() {
                place.complete(before)?;
            }
            if !kill_and_resume(&place, args, &failpoint)? {
                break;
            }
            reached.insert(name.clone());
            assert_complete(&place.latest(), &expected, &failpoint)?;
            place.assert_tidy(&failpoint)?;
        }
    }
    Ok(reached)
}

#[test]
fn a_run_killed_at_any_step_of_its_writing_is_resumed_to_the_same_bytes() -> TestResult {
    let reached = every_step(&ARGS, &[])?;
    let isolated = [
        "run-copy-begun",
        "run-copied",
        "run-unmarked",
        "run-exchanged",
        "run-latest-moved",
        "run-materialised",
    ];
    let missed: Vec<_> = failpoints()
        .difference(&reached)
        .filter(|name| !isolated.contains(&name.as_str()) && !ELSEWHERE.contains(&name.as_str()))
        .cloned()
        .collect();
    assert!(missed.is_empty() && reached.len() > 10, "never reached: {missed:?}");
    Ok(())
}

#[test]
fn an_isolated_run_killed_at_any_step_gets_into_latest_all_the_same() -> TestResult {
    let args = [&ARGS[..], &["--run-isolated"]].concat();
    let reached = every_step(&args, &[])?;
    assert!(reached.contains("run-copied") && reached.contains("run-materialised"), "{reached:?}");
    Ok(())
}

#[test]
fn a_run_killed_while_it_takes_the_place_of_a_former_one_loses_neither() -> TestResult {
    let before = ["--mock", "--iterations", "3", "--seed", "9"];
    let former = undisturbed(&before)?;
    for isolated in [false, true] {
        let args = if isolated { [&ARGS[..], &["--run-isolated"]].concat() } else { ARGS.to_vec() };
        let expected = undisturbed(&args)?;
        let steps: &[&str] = if isolated {
            &["run-copied", "run-unmarked", "run-exchanged", "run-finished"]
        } else {
            &["run-moved-aside", "run-created"]
        };
        for step in steps {
            let place = Place::new()?;
            place.complete(&before)?;
            assert!(kill_and_resume(&place, &args, step)?, "{step} was not reached");
            assert_complete(&place.latest(), &expected, step)?;
            place.assert_tidy(step)?;
            let kept: Vec<_> = fs::read_dir(place.out.join("history"))?.collect::<Result<_, _>>()?;
            assert_eq!(kept.len(), 1, "{step}: {kept:?}");
            assert_eq!(compared(&kept[0].path())?, former, "{step}");
        }
    }
    Ok(())
}

#[test]
fn overrides_elsewhere_hold_the_values_in_force_after_a_kill_and_a_resume() -> TestResult {
    let expected = undisturbed(&ARGS)?;
    for name in failpoints() {
        for time in [1, 7] {
            let place = Place::new()?;
            let active = place.root.join("system/overrides.json");
            fs::create_dir(place.root.join("system"))?;
            let path = active.to_str().ok_or("a plain path")?;
            let args = [&ARGS[..], &["--active-overrides", path]].concat();
            let failpoint = format!("{name}:{time}");
            if !kill_and_resume(&place, &args, &failpoint)? {
                continue;
            }
            assert_complete(&place.latest(), &expected, &failpoint)?;
            place.assert_tidy(&failpoint)?;
            assert!(fs::read(&active)? == expected["runtime_overrides.json"], "{failpoint}: the active file");
        }
    }
    Ok(())
}

/// The highest number in a row from 1 that has a file.
fn last_iteration(folder: &Path) -> u64 {
    let mut last = 0;
    while folder.join(format!("ITER_SUMMARY_{}.json", last + 1)).exists() {
        last += 1;
    }
    last
}

#[test]
fn a_run_killed_again_and_again_at_random_moments_ends_with_the_same_bytes() -> TestResult {
    const KILLS: usize = 50;
    let started = Instant::now();
    let mut dice = Dice(0x5EED);
    let mut kills = 0;
    let mut rounds = 0;
    let args = ["--mock", "--iterations", "150", "--auto-tune", "--warmup", "--seed", "4", "-q"];
    let expected = undisturbed(&args)?;
    while kills < KILLS {
        assert!(
            rounds < 20 && started.elapsed() < Duration::from_secs(60),
            "{kills} kills in {rounds} rounds"
        );
        rounds += 1;
        let place = Place::new()?;
        let mut arguments = args.to_vec();
        for attempt in 0..400 {
            let mut run = place.command(&arguments).spawn()?;
            if attempt % 2 == 0 {
                // While it starts, opens the folder, or somewhat later.
                std::thread::sleep(Duration::from_micros(dice.below(60_000)));
            } else {
                // However slow the machine is, it gets on.
                let done = last_iteration(&place.latest());
                let more = 1 + dice.below(10);
                while run.try_wait()?.is_none() && last_iteration(&place.latest()) < done + more {
                    std::thread::sleep(Duration::from_micros(500));
                }
                std::thread::sleep(Duration::from_micros(dice.below(5_000)));
            }
            let was_running = run.try_wait()?.is_none();
            // A process that has just ended cannot be killed any more; its status says what became of it.
            let _ = run.kill();
            let output = run.wait_with_output()?;
            if was_running && output.status.code().is_none() {
                kills += 1;
            } else if !stderr(&output).contains("is complete") {
                succeeded(&output)?;
            }
            // Once there is a manifest, the run goes on; before that, it starts.
            if let Ok(manifest) = manifest(&place.latest()) {
                arguments = vec!["--resume", "-q"];
                if manifest["state"] == "complete" {
                    break;
                }
            }
        }
        assert_complete(&place.latest(), &expected, &format!("round {rounds}"))?;
        place.assert_tidy("killed at random")?;
    }
    assert!(kills >= KILLS);
    Ok(())
}
