//! Runs that are asked to stop.
#![cfg(unix)]

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::{Dice, Place, assert_complete, manifest, stderr, succeeded, undisturbed};
use crate::durability::TestResult;

const ARGS: [&str; 8] = ["--mock", "--iterations", "60", "--auto-tune", "--warmup", "-q", "--seed", "8"];

#[test]
fn a_run_that_is_asked_to_stop_at_any_moment_saves_its_state_and_goes_on_to_the_same_bytes() -> TestResult {
    let mut dice = Dice(0xCAFE);
    let mut interruptions = 0;
    let expected = undisturbed(&ARGS)?;
    let mut round = 0;
    // Both places, and enough interruptions, however fast the machine is.
    while round < 2 || interruptions < 10 {
        round += 1;
        assert!(round < 40, "only {interruptions} interruptions");
        let isolated = round % 2 == 0;
        let flag: &[&str] = if isolated { &["--run-isolated"] } else { &[] };
        let place = Place::new()?;
        let folder = if isolated { place.out.join("RUN_1767225600000") } else { place.latest() };
        let mut arguments = [&ARGS[..], flag].concat();
        loop {
            let before = fs::read(folder.join("RUN_LOG.jsonl")).unwrap_or_default().len();
            let mut run = place.command(&arguments).spawn()?;
            // From its first line in the log on, it listens.
            while run.try_wait()?.is_none()
                && fs::read(folder.join("RUN_LOG.jsonl")).unwrap_or_default().len() <= before
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(dice.below(120_000)));
            let signal = if dice.below(2) == 0 { "-INT" } else { "-TERM" };
            if run.try_wait()?.is_none() {
                Command::new("kill").args([signal, &run.id().to_string()]).output()?;
            }
            let output = run.wait_with_output()?;
            if output.status.code() != Some(130) {
                succeeded(&output)?;
                break;
            }
            interruptions += 1;
            assert_eq!(manifest(&folder)?["state"], "interrupted");
            let hint =
                if isolated { "soak run --resume --run-isolated --out" } else { "soak run --resume --out" };
            assert!(stderr(&output).contains(hint), "{}", stderr(&output));
            place.assert_tidy("interrupted")?;
            arguments = [&["--resume", "-q"], flag].concat();
        }
        assert_complete(&place.latest(), &expected, &format!("round {round}"))?;
        place.assert_tidy("interrupted")?;
    }
    Ok(())
}
