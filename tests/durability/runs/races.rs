//! Several processes at the same folder.

use std::process::Output;

use super::{Place, assert_complete, compared, soak, stderr, undisturbed};
use crate::durability::TestResult;

fn args(seed: &str) -> [&str; 7] {
    ["--mock", "--iterations", "40", "--auto-tune", "-q", "--seed", seed]
}

/// Starts two at once; gives back how they ended, with their process ids.
fn both(
    place: &Place,
    first: &[&str],
    second: &[&str],
) -> Result<[(u32, Output); 2], Box<dyn std::error::Error>> {
    let first = place.command(first).spawn()?;
    let second = place.command(second).spawn()?;
    let ids = [first.id(), second.id()];
    Ok([(ids[0], first.wait_with_output()?), (ids[1], second.wait_with_output()?)])
}

/// Which one won, when the other was refused and told who won. `None` = the machine was so slow that one was done
/// before the other began.
fn winner(ended: &[(u32, Output); 2]) -> Option<usize> {
    let won: Vec<_> = (0..2).filter(|at| ended[*at].1.status.success()).collect();
    assert!(!won.is_empty(), "{} and {}", stderr(&ended[0].1), stderr(&ended[1].1));
    if won.len() == 2 {
        return None;
    }
    let (winner, loser) = (won[0], &ended[1 - won[0]].1);
    assert_eq!(loser.status.code(), Some(1), "{}", stderr(loser));
    if stderr(loser).contains("is complete") {
        return None;
    }
    let named = format!("process {} (`soak run`)", ended[winner].0);
    assert!(stderr(loser).contains(&named), "expected {named}: {}", stderr(loser));
    Some(winner)
}

#[test]
fn of_two_runs_that_start_at_once_one_wins_and_the_other_names_it() -> TestResult {
    let seeds = ["1", "2"];
    let expected = [undisturbed(&args("1"))?, undisturbed(&args("2"))?];
    let mut decided = 0;
    for round in 0..20 {
        let order = [round % 2, 1 - round % 2];
        let place = Place::new()?;
        let ended = both(&place, &args(seeds[order[0]]), &args(seeds[order[1]]))?;
        match winner(&ended) {
            Some(first_or_second) => {
                decided += 1;
                let what = format!("round {round}");
                assert_complete(&place.latest(), &expected[order[first_or_second]], &what)?;
                assert!(!place.out.join("history").exists(), "{what}");
            }
            None => assert!(expected.contains(&compared(&place.latest())?)),
        }
        place.assert_tidy("two at once")?;
    }
    assert!(decided >= 10, "only {decided} rounds were a race");
    Ok(())
}

#[test]
fn of_two_that_resume_at_once_one_wins_and_the_other_names_it() -> TestResult {
    let expected = undisturbed(&args("3"))?;
    let mut decided = 0;
    for round in 0..10 {
        let place = Place::killed_after(&args("3"), 2)?;
        let ended = both(&place, &["--resume", "-q"], &["--resume", "-q"])?;
        decided += usize::from(winner(&ended).is_some());
        assert_complete(&place.latest(), &expected, &format!("round {round}"))?;
        place.assert_tidy("two at once")?;
    }
    assert!(decided >= 5, "only {decided} rounds were a race");
    Ok(())
}

#[test]
fn a_gate_beside_the_run_sees_whole_files_only() -> TestResult {
    let long = ["--mock", "--iterations", "150", "--auto-tune", "-q", "--seed", "1"];
    let expected = undisturbed(&long)?;
    let place = Place::new()?;
    let mut run = place.command(&long).spawn()?;
    while !place.latest().join("ITER_SUMMARY_1.json").exists() {
        assert!(run.try_wait()?.is_none(), "the run ended before its first iteration");
    }
    let mut looks = 0;
    while run.try_wait()?.is_none() {
        let gate = soak()
            .args(["gate", "--detailed-exitcode", "--format", "json", "--path"])
            .arg(place.latest())
            .output()?;
        let judged: serde_json::Value = serde_json::from_slice(&gate.stdout)
            .map_err(|error| format!("{error}: {:?}: {}", gate.status, stderr(&gate)))?;
        assert_ne!(judged["outcome"], "INVALID", "{judged}");
        assert!(matches!(gate.status.code(), Some(0 | 1 | 3)), "{:?}: {}", gate.status, stderr(&gate));
        looks += 1;
    }
    assert!(looks >= 3, "only {looks} looks at the run");
    super::succeeded(&run.wait_with_output()?)?;
    assert_complete(&place.latest(), &expected, "beside a gate")
}
