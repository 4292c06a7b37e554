//! Rotation of old artifacts: what lies there, which of it may go, and carrying that out.
//!
//! A killed rotation costs nothing: what a manifest owes is written before files go, an archive is read back before its
//! original goes, and a run that goes is renamed first, so that it is never seen in part. Nothing that soak did not
//! write is ever planned to go.
#![expect(clippy::disallowed_methods, reason = "folders of runs are read and cleared here")]

mod archive;
mod carry_out;
mod inventory;
mod log;
mod plan;
mod result;

use std::path::Path;

use chrono::{DateTime, Utc};

use self::carry_out::Rotation;
use self::inventory::RunFacts;
pub use self::log::RotationLogLine;
use self::plan::plan;
use self::result::UsedByRun;
pub use self::result::{RotationResult, UsageResult, rotation as rotation_text, usage as usage_text};
use crate::core::policy::RotationRules;
use crate::core::verdict::failure::Failure;
use crate::run::iteration::file::utc;

/// A rotation that was carried out.
#[derive(Debug)]
pub struct Rotated {
    pub result: RotationResult,
    /// Why the log does not contain it; `None` = it does.
    pub unlogged: Option<anyhow::Error>,
}

/// Rotates, or only plans to; the log of rotations is an archive of its own once it is larger than `log_bytes`.
pub fn rotate(
    base: &Path,
    rules: &RotationRules,
    log_bytes: u64,
    now: DateTime<Utc>,
    dry_run: bool,
) -> Result<Rotated, Failure> {
    let result = |plan| RotationResult {
        schema_version: "1.0",
        tool_version: env!("CARGO_PKG_VERSION"),
        base_dir: base.to_string_lossy().into_owned(),
        timestamp: utc(now),
        dry_run,
        limits: *rules,
        plan,
    };
    if dry_run {
        let result = result(plan(&inventory::take(base)?, rules, now));
        return Ok(Rotated { result, unlogged: None });
    }
    let rotation = Rotation::begin(base)?;
    let before = inventory::take(base)?;
    let wanted = plan(&before, rules, now);
    let mut done = rotation.carry_out(&wanted);
    done.left = wanted.left.into_iter().chain(std::mem::take(&mut done.left)).collect();
    done.bytes_before = before.bytes;
    done.bytes_after = inventory::take(base)?.bytes;
    done.fits = rules.max_bytes.is_none_or(|most| done.bytes_after <= most);
    let result = result(done);
    let unlogged = log::log(base, &RotationLogLine::of(&result), log_bytes, now).err();
    Ok(Rotated { result, unlogged })
}

/// What a folder contains, and what a rotation would free. Writes nothing.
pub fn usage(base: &Path, rules: &RotationRules, now: DateTime<Utc>) -> Result<UsageResult, Failure> {
    let inventory = inventory::take(base)?;
    let plan = plan(&inventory, rules, now);
    let archives = inventory.snapshots.iter().filter(|snapshot| snapshot.is_archive).count();
    Ok(UsageResult {
        schema_version: "1.0",
        tool_version: env!("CARGO_PKG_VERSION"),
        base_dir: base.to_string_lossy().into_owned(),
        snapshots: inventory.snapshots.len() - archives,
        archives,
        snapshot_bytes: inventory.snapshots.iter().map(|snapshot| snapshot.bytes).sum(),
        bytes: inventory.bytes,
        files: inventory.files,
        limits: *rules,
        would_free_bytes: plan.bytes_before.saturating_sub(plan.bytes_after),
        left: plan.left,
        runs: inventory.runs.into_iter().map(used_by).collect(),
    })
}

fn used_by(run: RunFacts) -> UsedByRun {
    let numbers = || run.iterations.iter().map(|file| file.number);
    UsedByRun {
        standing: run.standing,
        time: utc(run.time),
        iterations: run.iterations.len(),
        first: numbers().min(),
        last: numbers().max(),
        bytes: run.bytes,
        note: run.untouchable.or(run.bound),
        run: run.name,
    }
}

#[cfg(test)]
mod tests {

    use std::fs;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::inventory::{Inventory, IterationFile, Snapshot, Standing};
    use super::plan::{Cause, Removal};
    use super::*;

    fn taken(base: &Path) -> Inventory {
        inventory::take(base).expect("an inventory")
    }

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

    fn inventory(runs: Vec<RunFacts>, snapshots: Vec<Snapshot>) -> Inventory {
        let bytes = runs.iter().map(|run| run.bytes).chain(snapshots.iter().map(|file| file.bytes)).sum();
        Inventory { runs, snapshots, bytes, files: 0, left: Vec::new() }
    }

    fn snapshot(name: &str, age_seconds: i64) -> Snapshot {
        let time = now() - TimeDelta::seconds(age_seconds);
        Snapshot {
            name: name.to_owned(),
            time,
            bytes: 50,
            archive_bytes: None,
            is_archive: name.ends_with(".tar.gz"),
        }
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
    fn what_is_in_use_or_holds_other_files_is_left_and_reported() {
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
        let quiet = RunFacts {
            untouchable: Some("in use".to_owned()),
            ..run("latest/RUN_3", Standing::Former, 0, &[1])
        };
        let found = inventory(vec![in_use, foreign, latest, quiet], Vec::new());
        let plan = plan(&found, &rules(1, Some(7), Some(10)), now());
        assert!(plan.runs.is_empty());
        let reported: Vec<&str> = plan.left.iter().map(|left| left.path.as_str()).collect();
        assert_eq!(reported, ["RUN_1", "history/1", "latest", "latest/RUN_3"]);
        // Its old iterations are soak's own, whatever else lies beside them.
        assert_eq!(plan.trims.iter().map(|trim| trim.run.as_str()).collect::<Vec<_>>(), ["history/1"]);
        assert!(!plan.fits);
    }

    #[test]
    fn what_nobody_would_touch_is_not_reported() {
        let latest = RunFacts {
            untouchable: Some("in use".to_owned()),
            ..run("latest", Standing::Current, 0, &[1, 2, 3])
        };
        assert!(plan(&inventory(vec![latest], Vec::new()), &rules(3, Some(7), None), now()).left.is_empty());
    }

    #[test]
    fn snapshots_above_the_age_are_compressed_once() {
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

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn runs_are_found_where_soak_puts_them_and_nowhere_else() -> TestResult {
        let base = tempfile::tempdir()?;
        for folder in
            ["latest", "latest/RUN_3", "RUN_1", "RUN_2", "history/a", "history/.b", "other", "RUN_empty"]
        {
            fs::create_dir_all(base.path().join(folder))?;
            if folder != "RUN_empty" {
                fs::write(base.path().join(folder).join("ITER_SUMMARY_007.json"), "{}")?;
            }
        }
        fs::write(base.path().join("RUN_file"), "x")?;
        let found = taken(base.path());
        let names: Vec<(&str, Standing)> =
            found.runs.iter().map(|run| (run.name.as_str(), run.standing)).collect();
        let (current, former) = (Standing::Current, Standing::Former);
        let expected = [
            ("latest", current),
            ("RUN_1", former),
            ("RUN_2", former),
            ("latest/RUN_3", former),
            ("history/a", former),
        ];
        assert_eq!(names, expected);
        assert_eq!(found.runs[0].iterations.len(), 1, "the nested run is a run of its own");
        assert_eq!((found.runs[0].iterations[0].number, found.files), (7, 8));
        Ok(())
    }

    #[test]
    fn what_soak_did_not_write_binds_a_run_and_what_it_wrote_does_not() -> TestResult {
        let base = tempfile::tempdir()?;
        let run = base.path().join("RUN_1");
        fs::create_dir_all(run.join("reports/analysis"))?;
        let files = [
            "ITER_SUMMARY_1.json",
            "ITER_SUMMARY_2.json.damaged",
            "RUN_MANIFEST.json",
            "RUN_LOG.jsonl",
            "TUNING_STATE.json",
            "TUNING_REPORT.json",
            "runtime_overrides.json",
            ".soak.lock",
            "reports/analysis/report.html",
        ];
        for file in files {
            fs::write(run.join(file), "x")?;
        }
        let list = r#"{"files":[{"name":"report.html","sha256":"","size":1}],"schema_version":"1.0","tool_version":"1"}"#;
        fs::write(run.join("reports/analysis/.soak-artifacts.json"), list)?;
        assert_eq!(taken(base.path()).runs[0].bound, None);
        // Gates list what they write below the run in the run's own list.
        fs::write(run.join("reports/analysis/POST_SOAK_ANALYSIS.json"), "x")?;
        let list = list.replace("report.html", "reports/analysis/POST_SOAK_ANALYSIS.json");
        fs::write(run.join(".soak-artifacts.json"), &list)?;
        assert_eq!(taken(base.path()).runs[0].bound, None);
        for (at, name) in ["d.txt", "a.txt", "reports/analysis/c.txt", "b.txt"].into_iter().enumerate() {
            fs::write(run.join(name), "x")?;
            let bound = taken(base.path()).runs[0].bound.clone().ok_or("not bound")?;
            let expected = [
                "`d.txt`",
                "`a.txt`, `d.txt`",
                "`a.txt`, `d.txt`, `reports/analysis/c.txt`",
                "`a.txt`, `b.txt`, `d.txt` and 1 more",
            ];
            assert_eq!(bound, format!("holds what soak did not write: {}", expected[at]));
        }
        Ok(())
    }

    #[test]
    fn a_run_was_last_at_work_when_its_log_ends_else_when_it_began() -> TestResult {
        let base = tempfile::tempdir()?;
        let latest = base.path().join("latest");
        fs::create_dir(&latest)?;
        fs::write(latest.join("ITER_SUMMARY_1.json"), "{}")?;
        let time = |base: &Path| taken(base).runs[0].time.to_rfc3339();
        fs::File::options()
            .write(true)
            .open(latest.join("ITER_SUMMARY_1.json"))?
            .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(86_400))?;
        assert_eq!(time(base.path()), "1970-01-02T00:00:00+00:00");
        let manifest = r#"{"schema_version":"1.0","iterations":1,"state":"complete","started_utc":"2026-01-01T00:00:00Z"}"#;
        fs::write(latest.join("RUN_MANIFEST.json"), manifest)?;
        assert_eq!(time(base.path()), "2026-01-01T00:00:00+00:00");
        // A torn line at the end, and one far up that is cut into by reading only the end.
        let line = |utc: &str| format!("{{\"event\":\"iteration\",\"utc\":\"{utc}\"}}\n");
        let log =
            line("2026-02-01T00:00:00Z").repeat(500) + &line("2026-02-03T00:00:00Z") + "{\"event\":\"comp";
        fs::write(latest.join("RUN_LOG.jsonl"), log)?;
        assert_eq!(time(base.path()), "2026-02-03T00:00:00+00:00");
        Ok(())
    }
}
