//! Follows a folder that is being written: each look reads only the files that changed since the one before.
//!
//! What comes out is what [`super::load`] would find at that moment, nothing else; judges nothing. Costs a stamp a
//! file and look, and keeps what was found in every file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::files::{Entry, FileRead, Stamp};
use super::run_folder::RunFolder;
use super::{Gathering, LoadError, Loaded, beside, end_of_block, files};
use crate::core::kpi::KpiTable;
use crate::core::verdict::evidence::{Evidence, RunState};

/// What was found in a file when it was last read.
#[derive(Debug)]
struct Known {
    stamp: Option<Stamp>,
    found: FileRead,
}

/// What there is in a folder, as of the last look.
#[derive(Debug)]
struct FolderState {
    folder: RunFolder,
    /// Empty before the first look.
    beside: Vec<Option<Stamp>>,
    /// Evidence without iterations: what the files beside them say.
    evidence_beside: Evidence,
    files: BTreeMap<Entry, Known>,
}

/// What a look cost, and what it found.
#[derive(Debug)]
pub struct Look {
    /// The folder as it is now; `None` when nothing has changed since the look before.
    pub changed: Option<Loaded>,
    /// Iteration files in the folder.
    pub files: usize,
    /// Iteration files that were read.
    pub read: usize,
}

/// Follows one folder.
#[derive(Debug)]
pub struct Follower {
    requested: PathBuf,
    kpis: KpiTable,
    seen: Option<FolderState>,
    /// Stamp and number of files of an archive that was read.
    archive: Option<(Stamp, usize)>,
}

impl Follower {
    /// Will follow the folder; nothing is read before the first [`Self::look`].
    pub fn new(requested: &Path, kpis: &KpiTable) -> Self {
        Self { requested: requested.to_owned(), kpis: kpis.clone(), seen: None, archive: None }
    }

    /// Forgets what was seen: the next look reads everything.
    pub fn forget(&mut self) {
        self.seen = None;
        self.archive = None;
    }

    /// Looks at the folder. After an error the next look begins from nothing.
    pub fn look(&mut self) -> Result<Look, LoadError> {
        let stamp = Stamp::of(&self.requested);
        if let (Some((before, files)), Some(now)) = (self.archive, stamp)
            && now.proves_unchanged_since(&before)
        {
            return Ok(Look { changed: None, files, read: 0 });
        }
        self.archive = None;
        let seen = self.seen.take();
        let opened = RunFolder::open(&self.requested)?;
        if opened.is_archived() {
            let loaded = super::load_folder(opened, &self.requested, &self.kpis, false)?;
            let files = files::list(&loaded.folder, false)?.len();
            self.archive = stamp.map(|stamp| (stamp, files));
            return Ok(Look { changed: Some(loaded), files, read: files });
        }
        let mut seen = match seen {
            Some(seen) => seen,
            None => FolderState::nothing_of(files::resolve(opened.clone())?.0),
        };
        let mut beside_changed = seen.look_beside();
        // What the manifest names must be in the list, so the list is made after it was read.
        let (folder, mut entries) = files::resolve(opened)?;
        if folder.path() == seen.folder.path() {
            seen.folder = folder;
        } else {
            seen = FolderState::nothing_of(folder);
            beside_changed = seen.look_beside();
            (seen.folder, entries) = files::open(seen.folder, false)?;
        }
        if seen.is_running() {
            entries = files::list(&seen.folder, true)?;
        }
        let files = entries.len();
        let (read, files_changed) = seen.look_at(entries, &self.kpis);
        let changed = (beside_changed || files_changed).then(|| seen.gather(&self.kpis));
        self.seen = Some(seen);
        Ok(Look { changed, files, read })
    }
}

impl FolderState {
    fn nothing_of(folder: RunFolder) -> Self {
        Self { folder, beside: Vec::new(), evidence_beside: Evidence::default(), files: BTreeMap::new() }
    }

    fn is_running(&self) -> bool {
        let declared = self.evidence_beside.declared.as_ref();
        declared.is_some_and(|declared| declared.state == RunState::Running)
    }

    /// Reads the files beside the iterations, if any of them changed. Returns whether they contain something new; the
    /// first look always does.
    fn look_beside(&mut self) -> bool {
        let first = self.beside.is_empty();
        let stamps: Vec<Option<Stamp>> =
            beside::NAMES.iter().map(|name| Stamp::of(&self.folder.path().join(name))).collect();
        let is_as_before = |(now, before): (&Option<Stamp>, &Option<Stamp>)| match (now, before) {
            (Some(now), Some(before)) => now.proves_unchanged_since(before),
            (None, None) => true,
            _ => false,
        };
        if !first && stamps.iter().zip(&self.beside).all(is_as_before) {
            return false;
        }
        let mut evidence = Evidence::default();
        beside::read(&self.folder, &mut evidence);
        if evidence.declared.as_ref().is_some_and(|declared| declared.state == RunState::Running) {
            // Its overrides still move, so they are not the end of anything.
            evidence.end_overrides = None;
        }
        self.beside = stamps;
        let changed = first || evidence != self.evidence_beside;
        self.evidence_beside = evidence;
        changed
    }

    /// Reads the iteration files that changed. Says how many were read, and whether any says something new or is
    /// gone.
    fn look_at(&mut self, entries: Vec<Entry>, kpis: &KpiTable) -> (usize, bool) {
        let folder = &self.folder;
        let stamps: Vec<Option<Stamp>> =
            entries.par_iter().with_min_len(256).map(|entry| Stamp::of(&folder.place(&entry.name))).collect();
        let mut known = std::mem::take(&mut self.files);
        let mut unread = Vec::new();
        for (entry, stamp) in entries.into_iter().zip(stamps) {
            let before = known.get(&entry).and_then(|known| known.stamp);
            let unchanged =
                stamp.zip(before).is_some_and(|(stamp, before)| stamp.proves_unchanged_since(&before));
            match known.remove_entry(&entry) {
                Some((entry, known)) if unchanged => drop(self.files.insert(entry, known)),
                before => unread.push((entry, stamp, before.map(|(_, known)| known))),
            }
        }
        // What is left is not in the folder any more.
        let mut changed = !known.is_empty();
        let hashed = beside::is_recorded(folder);
        let wanted: Vec<Entry> = unread.iter().map(|(entry, ..)| entry.clone()).collect();
        for ((entry, stamp, before), found) in
            unread.into_iter().zip(files::read_all(folder, &wanted, kpis, hashed))
        {
            changed |= before.is_none_or(|before| before.found != found);
            self.files.insert(entry, Known { stamp, found });
        }
        (wanted.len(), changed)
    }

    fn gather(&self, kpis: &KpiTable) -> Loaded {
        let mut gathering = Gathering::new(kpis, self.evidence_beside.clone());
        let entries: Vec<Entry> = self.files.keys().cloned().collect();
        let mut found = self.files.values().map(|known| &known.found);
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (block, later) = rest.split_at(end_of_block(rest));
            gathering.append(block, found.by_ref().take(block.len()).cloned().collect());
            rest = later;
        }
        gathering.finish(self.folder.clone(), &entries, false)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::core::load::load;

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
            assert_eq!((found.folder.path(), &found.evidence), (loaded.folder.path(), &loaded.evidence));
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
            // The overrides of a run in progress say nothing.
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
        assert_eq!(
            look(&mut follower, &folder).changed.expect("one came").folder.path(),
            folder.path().join("latest")
        );
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
    fn an_archive_is_read_again_only_when_it_has_changed() {
        let folder = Folder::of([]);
        let archive = folder.path().join("run.tar");
        let pack = |numbers: std::ops::RangeInclusive<u64>| {
            let mut builder = tar::Builder::new(fs::File::create(&archive).expect("a file"));
            for number in numbers {
                let text = iteration(number, 3.0);
                let mut header = tar::Header::new_ustar();
                header.set_size(text.len() as u64);
                builder.append_data(&mut header, name(number), text.as_bytes()).expect("written");
            }
            builder.finish().expect("written");
        };
        pack(1..=3);
        settle();
        let mut follower = Follower::new(&archive, &kpis());
        let look = follower.look().expect("an archive");
        assert_eq!((look.files, look.read, look.changed.expect("the first").evidence.len()), (3, 3, 3));
        let again = follower.look().expect("an archive");
        assert_eq!((again.files, again.read, again.changed.is_some()), (3, 0, false));
        pack(1..=4);
        let grown = follower.look().expect("an archive");
        assert_eq!((grown.files, grown.changed.expect("another").evidence.len()), (4, 4));
    }

    #[test]
    fn lines_that_come_are_seen_and_one_that_is_being_written_is_not() {
        let folder = Folder::of([]);
        let line = |number| iteration(number, 3.0).replace('\n', " ") + "\n";
        folder.put("ITERATIONS.ndjson", &[line(1), line(2)].concat());
        settle();
        let mut follower = Follower::new(folder.path(), &kpis());
        let first = look(&mut follower, &folder);
        assert_eq!((first.files, first.read, first.changed.is_some()), (2, 2, true));
        let again = look(&mut follower, &folder);
        assert_eq!((again.files, again.read, again.changed.is_some()), (2, 0, false));

        let torn = &line(3)[..40];
        let text = [&line(1), &line(2), torn].concat();
        folder.put("ITERATIONS.ndjson", &text);
        let bad = look(&mut follower, &folder).changed.expect("no run writes it").evidence.bad_files;
        assert_eq!((bad.len(), bad[0].name.as_str(), bad[0].number), (1, "ITERATIONS.ndjson:3", 3));
        folder.put(
            "RUN_MANIFEST.json",
            r#"{"schema_version": "1.0", "iterations": 9, "state": "running", "last_complete_iteration": 2}"#,
        );
        let running = look(&mut follower, &folder).changed.expect("a run writes it");
        assert_eq!((running.evidence.len(), running.evidence.bad_files.len()), (2, 0));
        folder.put("ITERATIONS.ndjson", &[line(1), line(2), line(3)].concat());
        let grown = look(&mut follower, &folder).changed.expect("it was written");
        assert_eq!((grown.evidence.len(), grown.evidence.bad_files.len()), (3, 0));
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
}
