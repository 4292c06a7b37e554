//! What goes and what stays: at every limit, and laws over any folder.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

const DAY: i64 = 24 * 3600;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

fn rules(keep: usize, days: Option<u64>, bytes: Option<u64>) -> RotationRules {
    RotationRules { keep, max_age_days: days, max_bytes: bytes }
}

/// A run of iterations of 10 bytes each, and 100 bytes of other files.
fn run(name: &str, standing: Standing, age_seconds: i64, numbers: &[u64]) -> RunFacts {
    let iterations: Vec<IterationFile> = numbers
        .iter()
        .map(|number| IterationFile {
            name: format!("ITER_SUMMARY_{number}.json"),
            symbol: None,
            number: *number,
            bytes: 10,
        })
        .collect();
    RunFacts {
        name: name.to_owned(),
        standing,
        time: now() - TimeDelta::seconds(age_seconds),
        bytes: 100 + 10 * iterations.len() as u64,
        iterations,
        untouchable: None,
        bound: None,
    }
}

fn inventory(runs: Vec<RunFacts>, snapshots: Vec<SnapshotFacts>) -> Inventory {
    let bytes = runs.iter().map(|run| run.bytes).chain(snapshots.iter().map(|file| file.bytes)).sum();
    Inventory { runs, snapshots, bytes, files: 0, left: Vec::new() }
}

fn snapshot(name: &str, age_seconds: i64) -> SnapshotFacts {
    let time = now() - TimeDelta::seconds(age_seconds);
    SnapshotFacts { name: name.to_owned(), time, bytes: 50, is_archive: name.ends_with(".tar.gz") }
}

fn names(removals: &[Removal]) -> Vec<&str> {
    removals.iter().map(|removal| removal.name.as_str()).collect()
}

#[test]
fn a_rotation_of_150_keeps_the_100_highest() {
    let numbers: Vec<u64> = (1..=150).rev().collect();
    let latest = run("latest", Standing::Current, 0, &numbers);
    let plan = plan(&inventory(vec![latest], Vec::new()), &rules(100, None, None), now());
    let [trim] = plan.trims.as_slice() else { panic!("one run is trimmed: {:?}", plan.trims) };
    assert_eq!((trim.numbers.ranges(), trim.files.len(), trim.kept), (&[(1, 50)][..], 50, 100));
    assert_eq!((trim.files[0].as_str(), trim.bytes), ("ITER_SUMMARY_1.json", 500));
    assert_eq!((plan.bytes_before, plan.bytes_after, plan.fits), (1600, 1100, true));
}

#[test]
fn as_many_as_are_kept_lose_none_and_one_more_loses_the_lowest() {
    for (numbers, gone) in [(&[3, 5, 9][..], vec![]), (&[3, 5, 9, 11][..], vec![(3, 3)])] {
        let latest = run("latest", Standing::Current, 0, numbers);
        let plan = plan(&inventory(vec![latest], Vec::new()), &rules(3, None, None), now());
        let numbers: Vec<_> = plan.trims.iter().flat_map(|trim| trim.numbers.ranges().to_vec()).collect();
        assert_eq!(numbers, gone);
    }
}

#[test]
fn each_symbol_keeps_its_own_highest_and_two_files_of_one_number_go_together() {
    let mut latest = run("latest", Standing::Current, 0, &[]);
    let file = |symbol: &str, number: u64, name: &str| IterationFile {
        name: name.to_owned(),
        symbol: Some(symbol.to_owned()),
        number,
        bytes: 1,
    };
    latest.iterations = vec![
        file("A", 1, "ITER_SUMMARY_A_1.json"),
        file("A", 1, "ITER_SUMMARY_A_01.json"),
        file("A", 7, "ITER_SUMMARY_A_7.json"),
        file("B", 1, "ITER_SUMMARY_B_1.json"),
    ];
    let plan = plan(&inventory(vec![latest], Vec::new()), &rules(1, None, None), now());
    assert_eq!(plan.trims[0].files, ["ITER_SUMMARY_A_01.json", "ITER_SUMMARY_A_1.json"]);
}

#[test]
fn a_former_run_goes_when_it_is_older_than_the_days_and_the_current_one_never() {
    let runs = vec![
        run("history/old", Standing::Former, 7 * DAY + 1, &[1]),
        run("history/just", Standing::Former, 7 * DAY, &[1]),
        run("latest", Standing::Current, 900 * DAY, &[1]),
        run("RUN_9", Standing::Former, -DAY, &[1]),
    ];
    let found = inventory(runs, Vec::new());
    assert_eq!(names(&plan(&found, &rules(5, Some(7), None), now()).runs), ["history/old"]);
    assert!(plan(&found, &rules(5, None, None), now()).runs.is_empty());
    let all = plan(&found, &rules(5, Some(0), None), now());
    assert_eq!(names(&all.runs), ["history/old", "history/just"]);
    assert_eq!(all.runs[0].cause, Cause::Age);
}

#[test]
fn the_oldest_go_first_until_the_size_holds_and_not_one_more() {
    let runs = vec![
        run("latest", Standing::Current, 0, &[1]),         // 110
        run("RUN_2", Standing::Former, 2 * DAY, &[1]),     // 110
        run("history/3", Standing::Former, 3 * DAY, &[1]), // 110
    ];
    let archives = vec![snapshot("a.json.tar.gz", 4 * DAY), snapshot("b.json.tar.gz", DAY)]; // 50 each
    let found = inventory(runs, archives);
    let left_at = |most| {
        let plan = plan(&found, &rules(9, None, Some(most)), now());
        let gone: Vec<String> =
            plan.archives.iter().chain(&plan.runs).map(|removal| removal.name.clone()).collect();
        (gone, plan.bytes_after, plan.fits)
    };
    assert_eq!(left_at(430), (vec![], 430, true));
    assert_eq!(left_at(429), (vec!["a.json.tar.gz".to_owned()], 380, true));
    let two = vec!["a.json.tar.gz".to_owned(), "history/3".to_owned()];
    assert_eq!(left_at(379), (two, 270, true));
    let (gone, bytes, fits) = left_at(100);
    assert_eq!((gone.len(), bytes, fits), (4, 110, false), "the current run stays, and that is told");
}

#[test]
fn a_run_that_goes_for_its_size_is_not_trimmed_as_well() {
    let former = run("history/1", Standing::Former, DAY, &[1, 2, 3]); // 130
    let plan = plan(&inventory(vec![former], Vec::new()), &rules(1, None, Some(50)), now());
    assert_eq!((names(&plan.runs), plan.trims.len(), plan.bytes_after), (vec!["history/1"], 0, 0));
}

#[test]
fn what_is_in_use_or_holds_other_files_is_left_and_told() {
    let in_use = RunFacts {
        untouchable: Some("in use".to_owned()),
        ..run("RUN_1", Standing::Former, 30 * DAY, &[1, 2, 3])
    };
    let foreign = RunFacts {
        bound: Some("holds `notes.txt`".to_owned()),
        ..run("history/1", Standing::Former, 30 * DAY, &[1, 2, 3])
    };
    let latest = RunFacts {
        untouchable: Some("in use".to_owned()),
        ..run("latest", Standing::Current, 0, &[1, 2, 3])
    };
    let quiet =
        RunFacts { untouchable: Some("in use".to_owned()), ..run("latest/RUN_3", Standing::Former, 0, &[1]) };
    let found = inventory(vec![in_use, foreign, latest, quiet], Vec::new());
    let plan = plan(&found, &rules(1, Some(7), Some(10)), now());
    assert!(plan.runs.is_empty());
    let told: Vec<&str> = plan.left.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(told, ["RUN_1", "history/1", "latest", "latest/RUN_3"]);
    // Its old iterations are soak's own, whatever else lies beside them.
    assert_eq!(plan.trims.iter().map(|trim| trim.run.as_str()).collect::<Vec<_>>(), ["history/1"]);
    assert!(!plan.fits);
}

#[test]
fn what_nobody_wants_to_touch_is_not_told() {
    let latest = RunFacts {
        untouchable: Some("in use".to_owned()),
        ..run("latest", Standing::Current, 0, &[1, 2, 3])
    };
    assert!(plan(&inventory(vec![latest], Vec::new()), &rules(3, Some(7), None), now()).left.is_empty());
}

#[test]
fn snapshots_beyond_the_age_are_compressed_once() {
    let snapshots = vec![
        snapshot("a.json", 7 * DAY + 1),
        snapshot("b.json", 7 * DAY),
        snapshot("c.json.tar.gz", 99 * DAY),
    ];
    let plan = plan(&inventory(Vec::new(), snapshots), &rules(1, Some(7), None), now());
    assert_eq!(plan.compress.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["a.json"]);
    assert!(plan.archives.is_empty());
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn any_inventory() -> impl Strategy<Value = Inventory> {
        let run = (0..4_u8, 0..20_i64, proptest::collection::btree_set(1..40_u64, 0..20), any::<bool>());
        proptest::collection::vec(run, 0..6).prop_map(|runs| {
            let runs = runs.into_iter().enumerate().map(|(at, (kind, days, numbers, is_held))| {
                let standing = if at == 0 { Standing::Current } else { Standing::Former };
                let numbers: Vec<u64> = numbers.into_iter().collect();
                let mut facts = run_at(at, standing, days, &numbers);
                facts.untouchable = is_held.then(|| "in use".to_owned());
                facts.bound = (kind == 0).then(|| "foreign".to_owned());
                facts
            });
            inventory(runs.collect(), Vec::new())
        })
    }

    fn run_at(at: usize, standing: Standing, days: i64, numbers: &[u64]) -> RunFacts {
        run(&format!("run-{at}"), standing, days * DAY + 5, numbers)
    }

    proptest! {
        #[test]
        fn the_highest_iterations_of_a_run_that_stays_always_stay(
            found in any_inventory(),
            keep in 1..30_usize,
            days in proptest::option::of(0..20_u64),
            most in proptest::option::of(0..900_u64),
        ) {
            let plan = plan(&found, &rules(keep, days, most), now());
            for run in &found.runs {
                let gone = plan.runs.iter().any(|removal| removal.name == run.name);
                let trimmed = plan.trims.iter().find(|trim| trim.run == run.name);
                prop_assert!(!gone || (run.standing == Standing::Former && run.untouchable.is_none()));
                prop_assert!(!gone || (run.bound.is_none() && trimmed.is_none()));
                prop_assert!(trimmed.is_none() || run.untouchable.is_none());
                let mut numbers: Vec<u64> = run.iterations.iter().map(|file| file.number).collect();
                numbers.sort_unstable_by(|a, b| b.cmp(a));
                for number in numbers.iter().take(keep) {
                    prop_assert!(trimmed.is_none_or(|trim| !trim.numbers.contains(*number)));
                }
            }
            let freed = plan.runs.iter().map(|run| run.bytes).chain(plan.trims.iter().map(|trim| trim.bytes));
            prop_assert_eq!(plan.bytes_after, plan.bytes_before - freed.sum::<u64>());
            prop_assert!(most.is_none_or(|most| plan.fits == (plan.bytes_after <= most)));
        }
    }
}
