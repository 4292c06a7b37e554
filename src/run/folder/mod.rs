//! The folder of a run: what is written into it, in which order, and reading it back to go on.
//!
//! The iteration file is the commit record: it comes first, synced, and everything else can be made again from
//! it. So a kill between any two writes leaves nothing one step ahead. Must not decide what is written.
#![expect(clippy::disallowed_methods, reason = "the files of a run are written and read here")]

mod files;
mod materialise;
pub(crate) mod place;
pub(crate) mod recover;
pub(crate) mod report;

pub(crate) use crate::run::folder::files::RunFolderError;
pub(crate) use crate::run::folder::place::{DECLARED_FILE, OVERRIDES_FILE, Place};

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::core::iteration::manifest;
use crate::core::iteration::manifest::{
    ClockStep, ClockStepKind, RunEvent, RunLogLine, RunManifest, RunState,
};
use crate::core::kpi::KpiTable;
use crate::infra::artifacts::Durability;
use crate::infra::clock::Stopwatch;
use crate::infra::failpoint::failpoint;
use crate::infra::lock::FolderLock;
use crate::run::folder::files::{put, read_record, replace, stage, sync_folder};
use crate::run::folder::report::Draft;
use crate::run::iteration::{IterationRecord, file};

/// How often the files that follow from the iteration files are written where nothing is synced.
const FOLLOW_EVERY: Duration = Duration::from_millis(50);

/// So many clock steps the manifest holds, which is written anew with every iteration.
const MOST_CLOCK_STEPS: usize = 1000;

/// A run's folder, locked for this process.
#[derive(Debug)]
pub(crate) struct RunFolder {
    out: PathBuf,
    folder: PathBuf,
    place: Place,
    durability: Durability,
    kpis: KpiTable,
    manifest: RunManifest,
    log: File,
    active: PathBuf,
    /// Whether there are parameters; without any the folder holds no files about them.
    tunes: bool,
    /// What this run last wrote into the overrides file.
    overrides: Option<Vec<u8>>,
    /// What the file of the tuner's memory should hold, and what was last written into it; empty = nothing yet.
    tuning_state: Vec<u8>,
    tuning_state_written: Vec<u8>,
    /// The tuning report, noted on the way; `None` = it is made from the files in the end.
    draft: Option<Draft>,
    /// When the files that follow from the iteration files were last written.
    followed: Option<Stopwatch>,
    _lock: FolderLock,
}

impl RunFolder {
    /// A new folder for the run that the manifest declares, which is written into it. What `latest` held moves
    /// to `<out>/history`.
    pub(crate) fn create(
        out: &Path,
        place: Place,
        manifest: RunManifest,
        now: DateTime<Utc>,
        kpis: &KpiTable,
        durability: Durability,
    ) -> Result<Self, RunFolderError> {
        let out_lock = place::lock_out(out)?;
        let (folder, lock) = match place {
            Place::Latest => place::make_latest(out, durability)?,
            Place::Isolated => place::make_isolated(out, now, durability)?,
        };
        drop(out_lock);
        failpoint("run-created");
        let mut created = Self::at(out, folder, place, manifest, kpis, durability, lock)?;
        created.write_declaration()?;
        created.append_event(RunEvent::Start, None, None, now)?;
        created.draft = created.tunes.then(|| Draft::begin(&created.folder)).transpose()?;
        Ok(created)
    }

    fn at(
        out: &Path,
        folder: PathBuf,
        place: Place,
        manifest: RunManifest,
        kpis: &KpiTable,
        durability: Durability,
        lock: FolderLock,
    ) -> Result<Self, RunFolderError> {
        let log_path = folder.join(manifest::RUN_LOG_FILE);
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&log_path)
            .map_err(RunFolderError::io("write", &log_path))?;
        Ok(Self {
            out: out.to_owned(),
            active: (manifest.settings.active_overrides.as_ref())
                .map_or_else(|| folder.join(OVERRIDES_FILE), PathBuf::from),
            folder,
            place,
            durability,
            kpis: kpis.clone(),
            tunes: !manifest.overrides.is_empty(),
            manifest,
            log,
            overrides: None,
            tuning_state: Vec::new(),
            tuning_state_written: Vec::new(),
            draft: None,
            followed: None,
            _lock: lock,
        })
    }

    /// That a run below `out` can have its place, at its start and at its end; makes nothing.
    pub(crate) fn try_place(out: &Path) -> Result<(), RunFolderError> {
        place::try_out(out)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the system under test finds the overrides.
    pub(crate) fn active_overrides(&self) -> &Path {
        &self.active
    }

    /// What is declared, and how far the run got.
    pub(crate) fn manifest(&self) -> &RunManifest {
        &self.manifest
    }

    /// Declares anew: another stretch of the run, an extension. Synced.
    pub(crate) fn declare(&mut self, manifest: RunManifest) -> Result<(), RunFolderError> {
        self.manifest = manifest;
        self.write_declaration()
    }

    /// The manifest, synced, and a copy of it that the unsynced progress does not touch: what was declared cannot
    /// be made again from anything else, and a power cut may cost a file that was replaced unsynced.
    fn write_declaration(&self) -> Result<(), RunFolderError> {
        self.write_manifest(self.durability)?;
        failpoint("run-declared");
        replace(&self.folder.join(DECLARED_FILE), &self.manifest.to_bytes(), self.durability)?;
        failpoint("run-declaration-kept");
        sync_folder(&self.folder, self.durability)
    }

    fn write_manifest(&self, durability: Durability) -> Result<(), RunFolderError> {
        replace(&self.folder.join(manifest::MANIFEST_FILE), &self.manifest.to_bytes(), durability)
    }

    /// Makes overrides visible to the system: reads what is there, writes if it differs, reads it back. The
    /// text is the whole file.
    pub(crate) fn put_overrides(&mut self, text: &[u8]) -> Result<(), RunFolderError> {
        if !self.tunes {
            return Ok(());
        }
        let copy = self.folder.join(OVERRIDES_FILE);
        put_overrides_at(&self.active, text)?;
        if self.active != copy && self.overrides.as_deref() != Some(text) {
            replace(&copy, text, Durability::Renamed)?;
        }
        if self.overrides.as_deref() != Some(text) {
            self.overrides = Some(text.to_vec());
        }
        Ok(())
    }

    /// Writes an iteration down: its file, synced; then what follows from it. `overrides` is the whole text of
    /// the overrides file after it.
    pub(crate) fn commit(
        &mut self,
        record: &IterationRecord,
        overrides: &[u8],
    ) -> Result<(), RunFolderError> {
        let (number, last) = (record.number, self.manifest.last_complete_iteration);
        if number != last + 1 {
            return Err(RunFolderError::OutOfTurn { number, last });
        }
        let bytes =
            file::write(record, &self.kpis).map_err(|source| RunFolderError::Record { number, source })?;
        let path = self.folder.join(file::file_name(number));
        let temporary = stage(&path, &bytes, self.durability)?;
        failpoint("run-iteration-staged");
        put(&temporary, &path)?;
        failpoint("run-iteration-renamed");
        sync_folder(&self.folder, self.durability)?;
        self.manifest.last_complete_iteration = number;
        failpoint("run-iteration-synced");
        self.put_overrides(overrides)?;
        failpoint("run-overrides-put");
        self.tuning_state = report::state_bytes(&record.state);
        if self.is_time_to_follow() {
            self.put_tuning_state()?;
            failpoint("run-tuning-state-put");
            self.write_manifest(Durability::Renamed)?;
            failpoint("run-manifest-put");
        }
        // Without it the report is made from the files, so trouble here is none of the iteration's.
        self.draft = self.draft.take().and_then(|mut draft| draft.add(record).is_ok().then_some(draft));
        self.append(&RunLogLine::of_iteration(record, &bytes))?;
        failpoint("run-logged");
        Ok(())
    }

    /// Whether tuning state and progress are written now. Always where files are synced; else an iteration may
    /// cost less than these two files, and they are written a few times a second.
    fn is_time_to_follow(&mut self) -> bool {
        let is_soon = self.followed.is_some_and(|last| last.elapsed() < FOLLOW_EVERY);
        if is_soon && self.durability == Durability::Renamed {
            return false;
        }
        self.followed = Some(Stopwatch::start());
        true
    }

    /// Writes the tuner's memory down if it is not what was last written.
    fn put_tuning_state(&mut self) -> Result<(), RunFolderError> {
        if self.tunes && self.tuning_state != self.tuning_state_written {
            let path = self.folder.join(report::STATE_FILE);
            replace(&path, &self.tuning_state, Durability::Renamed)?;
            self.tuning_state_written.clone_from(&self.tuning_state);
        }
        Ok(())
    }

    /// Notes an event in the log.
    pub(crate) fn append_event(
        &mut self,
        event: RunEvent,
        iteration: Option<u64>,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), RunFolderError> {
        self.append(&RunLogLine::of_event(event, iteration, note, now))
    }

    /// Notes what the wall clock did, in the manifest and in the log. Of a clock that never rests the manifest
    /// keeps the first steps, the log has all.
    pub(crate) fn note_clock_step(&mut self, step: &ClockStep) -> Result<(), RunFolderError> {
        if self.manifest.clock_steps.len() < MOST_CLOCK_STEPS {
            self.manifest.clock_steps.push(step.clone());
            self.write_declaration()?;
        }
        let event = match step.kind {
            ClockStepKind::Step => RunEvent::ClockStep,
            ClockStepKind::Suspend => RunEvent::Suspend,
        };
        let line = RunLogLine::at(event, Some(step.iteration), Some(&step.words()), &step.utc);
        self.append(&line)
    }

    fn append(&mut self, line: &RunLogLine) -> Result<(), RunFolderError> {
        let path = self.folder.join(manifest::RUN_LOG_FILE);
        self.log.write_all(&line.to_bytes()).map_err(RunFolderError::io("write", &path))
    }

    /// Ends the run in this state: the tuning report, the log, and last the manifest, all synced.
    pub(crate) fn finish(
        &mut self,
        state: RunState,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), RunFolderError> {
        self.put_tuning_state()?;
        // Without its report a run is not at its end: `--resume` gets there.
        self.end_tuning_report()?;
        failpoint("run-report-put");
        let event = match state {
            RunState::Complete => RunEvent::Complete,
            RunState::Failed => RunEvent::Failed,
            RunState::Interrupted | RunState::Running => RunEvent::Interrupted,
        };
        self.append_event(event, Some(self.manifest.last_complete_iteration), note, now)?;
        if self.durability == Durability::Synced {
            let path = self.folder.join(manifest::RUN_LOG_FILE);
            self.log.sync_all().map_err(RunFolderError::io("sync", &path))?;
        }
        failpoint("run-end-logged");
        self.manifest.state = state;
        self.write_manifest(self.durability)?;
        sync_folder(&self.folder, self.durability)?;
        failpoint("run-finished");
        Ok(())
    }
}

/// So many records are read at a time.
const BLOCK: usize = 512;

impl RunFolder {
    /// Hands every record of the run to `each`, in order. What rotation removed is passed over.
    pub(crate) fn for_each_record(
        &self,
        mut each: impl FnMut(IterationRecord) -> Result<(), RunFolderError>,
    ) -> Result<(), RunFolderError> {
        let numbers: Vec<u64> = (1..=self.manifest.last_complete_iteration)
            .filter(|number| !self.manifest.has_rotated(*number))
            .collect();
        for block in numbers.chunks(BLOCK) {
            let records: Vec<_> = block
                .par_iter()
                .map(|number| read_record(&self.folder.join(file::file_name(*number)), *number, &self.kpis))
                .collect();
            for record in records {
                each(record?)?;
            }
        }
        Ok(())
    }

    /// Writes `TUNING_REPORT.json` from the iteration files: a line for each iteration.
    pub(crate) fn write_tuning_report(&self) -> Result<(), RunFolderError> {
        let mut draft = Draft::begin(&self.folder)?;
        let poured = self.for_each_record(|record| draft.add(&record));
        poured.and_then(|()| draft.end(self.durability))
    }

    /// Writes the report from what was noted on the way, or, where that is not all of it, from the files.
    pub(crate) fn end_tuning_report(&mut self) -> Result<(), RunFolderError> {
        match self.draft.take() {
            Some(draft) if draft.count == self.manifest.last_complete_iteration => draft.end(self.durability),
            _ if !self.tunes => Ok(()),
            _ => self.write_tuning_report(),
        }
    }
}

fn put_overrides_at(path: &Path, text: &[u8]) -> Result<(), RunFolderError> {
    // Reading a pipe would wait for its writer.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let problem = std::io::Error::other("something else than a file is there");
        return Err(RunFolderError::io("write", path)(problem));
    }
    let there = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(RunFolderError::io("read", path)(error)),
    };
    if there.as_deref() != Some(text) {
        replace(path, text, Durability::Renamed)?;
        let back = fs::read(path).map_err(RunFolderError::io("read", path))?;
        if back != text {
            return Err(RunFolderError::NotVerified { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Changes the manifest and its copy, if the folder has one: `false` where it has none, as runs of the earlier
/// scripts.
pub(crate) fn rewrite_manifest(
    folder: &Path,
    change: impl Fn(&mut RunManifest),
    durability: Durability,
) -> Result<bool, RunFolderError> {
    let there = rewrite(&folder.join(manifest::MANIFEST_FILE), &change, durability)?;
    // The copy stands in for a manifest that is lost, so it must not know less.
    rewrite(&folder.join(DECLARED_FILE), &change, durability)?;
    sync_folder(folder, durability)?;
    Ok(there)
}

fn rewrite(
    path: &Path,
    change: &impl Fn(&mut RunManifest),
    durability: Durability,
) -> Result<bool, RunFolderError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(RunFolderError::io("read", path)(error)),
    };
    let mut manifest = RunManifest::read(&bytes)
        .map_err(|reason| RunFolderError::Manifest { path: path.to_owned(), reason })?;
    change(&mut manifest);
    replace(path, &manifest.to_bytes(), durability)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
