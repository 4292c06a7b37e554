//! A followed folder against a loaded one, through everything that can happen to a folder.

use std::fs;
use std::time::{Duration, SystemTime};

use super::*;
use crate::io::load::load;

fn kpis() -> KpiTable {
    KpiTable::default()
}

fn iteration(number: u64, net: f64) -> String {
    format!(
        r#"{{"iteration": {number}, "source": "sim", "summary": {{"net_bps": {net}, "risk_ratio": 0.3,
            "maker_taker_ratio": 0.9, "p95_latency_ms": 250.0, "runtime_utc": "2026-01-01T00:00:00Z"}}}}"#
    )
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for number in numbers {
            folder.put(&name(number), &iteration(number, 3.0));
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a file");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).expect("it was there");
    }
}

fn name(number: u64) -> String {
    format!("ITER_SUMMARY_{number}.json")
}

/// A look whose result must be what loading the folder anew gives.
#[track_caller]
fn look(follower: &mut Follower, folder: &Folder) -> Look {
    let look = follower.look().expect("the folder is there");
    if let Some(found) = &look.changed {
        let loaded = load(folder.path(), &kpis()).expect("the folder is there");
        assert_eq!((&found.folder, &found.evidence), (&loaded.folder, &loaded.evidence));
    }
    look
}

/// Waits until the stamps taken now can be trusted at the next look.
fn settle() {
    std::thread::sleep(Duration::from_millis(2100));
}

#[test]
fn only_files_that_changed_are_read_again_and_the_result_is_what_loading_gives() {
    let folder = Folder::of(1..=12);
    settle();
    let mut follower = Follower::new(folder.path(), &kpis());
    let first = look(&mut follower, &folder);
    assert_eq!((first.files, first.read, first.changed.is_some()), (12, 12, true));
    let again = look(&mut follower, &folder);
    assert_eq!((again.files, again.read, again.changed.is_some()), (12, 0, false));

    // The same size, so that only time and content differ.
    folder.put(&name(3), &iteration(3, 4.0));
    folder.put(&name(13), &iteration(13, 3.0));
    let grown = look(&mut follower, &folder);
    assert_eq!((grown.files, grown.read, grown.changed.is_some()), (13, 2, true));

    folder.remove(&name(1));
    let rotated = look(&mut follower, &folder);
    let evidence = &rotated.changed.as_ref().expect("one is gone").evidence;
    assert_eq!((rotated.files, evidence.len(), evidence.series[0].number(0)), (12, 12, 2));
    // The two that were just written might have been written again within the same tick.
    assert_eq!(rotated.read, 2);
    let read_again = look(&mut follower, &folder);
    assert_eq!((read_again.read, read_again.changed.is_some()), (2, false));
}

#[test]
fn a_file_that_is_set_back_in_time_is_read_again_all_the_same() {
    let folder = Folder::of(1..=3);
    settle();
    let mut follower = Follower::new(folder.path(), &kpis());
    look(&mut follower, &folder);
    let path = folder.path().join(name(2));
    let before = fs::metadata(&path).and_then(|meta| meta.modified()).expect("a time");
    folder.put(&name(2), &iteration(2, 5.0));
    let file = fs::File::options().write(true).open(&path).expect("a file");
    file.set_modified(before).expect("the time can be set");
    let look = look(&mut follower, &folder);
    let found = look.changed.expect("it says something else");
    assert_eq!(found.evidence.series[0].value(crate::core::kpi::KpiId::NET_BPS, 1), Some(5.0));
}

#[test]
fn damage_duplicates_symbols_and_sidecars_come_and_go_as_loading_sees_them() {
    let folder = Folder::of(1..=4);
    let mut follower = Follower::new(folder.path(), &kpis());
    look(&mut follower, &folder);
    let with_symbol = |number, symbol: &str| {
        iteration(number, 2.0).replace("\"sim\"", &format!("\"sim\", \"symbol\": \"{symbol}\""))
    };
    let changes: [(&str, String); 9] = [
        ("ITER_SUMMARY_2.json", "{\"iteration\": 2".to_owned()),
        ("ITER_SUMMARY_002.json", iteration(2, 1.0)),
        ("ITER_SUMMARY_2.json", iteration(7, 2.5)),
        ("ITER_SUMMARY_ABC_5.json", with_symbol(5, "XYZ")),
        ("ITER_SUMMARY_ABC_6.json", "no json".to_owned()),
        ("ITER_SUMMARY_4.json", iteration(4, 3.0).replace("sim", "exec")),
        (
            "RUN_MANIFEST.json",
            r#"{"schema_version": "1.0", "iterations": 9, "state": "running", "last_complete_iteration": 4}"#
                .to_owned(),
        ),
        ("runtime_overrides.json", r#"{"min_interval_ms": 60}"#.to_owned()),
        (
            "RUN_MANIFEST.json",
            r#"{"schema_version": "1.0", "iterations": 9, "state": "failed", "last_complete_iteration": 4}"#
                .to_owned(),
        ),
    ];
    for (name, text) in changes {
        folder.put(name, &text);
        let before_manifest = name == "runtime_overrides.json";
        let look = look(&mut follower, &folder);
        // The overrides of a run that goes on say nothing.
        assert_eq!(look.changed.is_some(), !before_manifest, "{name}: {text}");
    }
    for name in ["ITER_SUMMARY_002.json", "ITER_SUMMARY_ABC_5.json", "RUN_MANIFEST.json"] {
        folder.remove(name);
        assert!(look(&mut follower, &folder).changed.is_some(), "{name}");
    }
}

#[test]
fn a_folder_that_is_swapped_for_another_is_read_anew_and_one_that_is_gone_is_an_error_until_it_is_back() {
    let folder = Folder::of([]);
    let put = |below: &str, number: u64| {
        let inner = folder.path().join(below);
        fs::create_dir_all(&inner).expect("a folder");
        fs::write(inner.join(name(number)), iteration(number, 3.0)).expect("a file");
    };
    let mut follower = Follower::new(folder.path(), &kpis());
    assert!(look(&mut follower, &folder).changed.expect("nothing was known").evidence.is_empty());
    put("latest", 1);
    assert_eq!(look(&mut follower, &folder).changed.expect("one came").folder, folder.path().join("latest"));
    put("latest", 2);
    fs::rename(folder.path().join("latest"), folder.path().join("RUN_1")).expect("moved");
    put("latest", 5);
    let swapped = look(&mut follower, &folder).changed.expect("another run");
    assert_eq!((swapped.evidence.len(), swapped.evidence.series[0].number(0)), (1, 5));

    let moved = folder.path().with_extension("moved");
    fs::rename(folder.path(), &moved).expect("moved");
    assert!(matches!(follower.look(), Err(LoadError::Missing { .. })));
    fs::rename(&moved, folder.path()).expect("moved back");
    assert!(look(&mut follower, &folder).changed.is_some());
}

#[test]
fn a_stamp_taken_within_the_tick_of_the_clock_proves_nothing() {
    let folder = Folder::of([1]);
    let path = folder.path().join(name(1));
    let young = Stamp::of(&path).expect("a stamp");
    assert!(!Stamp::of(&path).expect("a stamp").proves_unchanged_since(&young));
    settle();
    let old = Stamp::of(&path).expect("a stamp");
    assert!(Stamp::of(&path).expect("a stamp").proves_unchanged_since(&old));
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
        .expect("set");
    assert!(!Stamp::of(&path).expect("a stamp").proves_unchanged_since(&old));
    assert_eq!(Stamp::of(&folder.path().join("none")), None);
}
