//! Going on with a run: what its folder holds is checked, and what lags behind the iteration files is mended.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;

use crate::core::iteration::manifest;
use crate::core::iteration::manifest::{RunEvent, RunLogLine, RunManifest};
use crate::core::kpi::KpiTable;
use crate::infra::artifacts::Durability;
use crate::infra::lock::FolderLock;
use crate::run::folder::files::{
    RunFolderError, read_record, record_in, remove_leftover_of, remove_leftovers, replace,
};
use crate::run::folder::place::{self, DECLARED_FILE, LATEST, Place};
use crate::run::folder::{RunFolder, report};
use crate::run::iteration::{IterationRecord, file};

/// What was found.
#[derive(Debug)]
pub(crate) struct Resumed {
    /// The last whole iteration; `None` when there is none yet.
    pub last: Option<IterationRecord>,
    /// Iteration files that are not those that the log tells of: somebody changed them.
    pub changed: Vec<PathBuf>,
    /// Files at the end that were not whole, after a power cut, and now have `.damaged` behind their names.
    pub set_aside: Vec<PathBuf>,
    /// The manifest was missing or not whole, and was made again from its copy.
    pub manifest_was_lost: bool,
}

impl RunFolder {
    /// Opens the folder of a run that was interrupted. The manifest's progress, the tuning state and the log
    /// are mended here; the overrides are not: put `last.state.overrides` in place, which go where the manifest
    /// says.
    pub(crate) fn open(
        out: &Path,
        place: Place,
        kpis: &KpiTable,
        durability: Durability,
    ) -> Result<(Self, Resumed), RunFolderError> {
        let latest = out.join(LATEST);
        let no_run = |path: &Path| RunFolderError::NoRun { path: path.to_owned() };
        let folder = match place {
            Place::Latest => latest,
            Place::Isolated => place::newest_isolated(out).ok_or_else(|| no_run(out))?,
        };
        if !place::is_folder(&folder)? {
            return Err(no_run(&folder));
        }
        let lock = FolderLock::acquire_for_run(&folder, Duration::ZERO)?;
        remove_leftovers(&folder)?;
        let mut numbers = numbers_in(&folder)?;
        let (mut manifest, manifest_was_lost) = read_manifest(&folder, numbers.is_empty())?;
        let mut resumed =
            Resumed { last: None, changed: Vec::new(), set_aside: Vec::new(), manifest_was_lost };
        while let Some(number) = numbers.last().copied() {
            let path = folder.join(file::file_name(number));
            match read_record(&path, number, kpis) {
                Ok(record) => {
                    resumed.last = Some(record);
                    break;
                }
                Err(damage @ RunFolderError::Damaged { .. }) if durability == Durability::Synced => {
                    // A synced file is whole or not there; this is no trace of an interruption.
                    return Err(damage);
                }
                Err(RunFolderError::Damaged { .. }) => {
                    let aside = folder.join(format!("{}.damaged", file::file_name(number)));
                    fs::rename(&path, &aside).map_err(RunFolderError::io("move aside", &path))?;
                    resumed.set_aside.push(aside);
                    numbers.pop();
                }
                Err(other) => return Err(other),
            }
        }
        let last = resumed.last.as_ref().map_or(0, |record| record.number);
        if let Some(gap) = manifest.first_gap(numbers.iter().copied(), last) {
            return Err(RunFolderError::Gap { path: folder.join(file::file_name(gap)) });
        }
        let missing = mend_log(&folder, &numbers, kpis, &mut resumed)?;
        manifest.last_complete_iteration = last;
        if let Some(active) = &manifest.settings.active_overrides {
            remove_leftover_of(Path::new(active))?;
        }
        let mut opened = Self::at(out, folder, place, manifest, kpis, durability, lock)?;
        for line in &missing {
            opened.append(line)?;
        }
        if let Some(record) = &resumed.last {
            opened.tuning_state = report::state_bytes(&record.state);
            opened.put_tuning_state()?;
        }
        opened.write_manifest(Durability::Renamed)?;
        Ok((opened, resumed))
    }
}

/// The iterations whose files are in the folder, ascending.
fn numbers_in(folder: &Path) -> Result<Vec<u64>, RunFolderError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(RunFolderError::io("list", folder))? {
        let entry = entry.map_err(RunFolderError::io("list", folder))?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("ITER_SUMMARY_")?.strip_suffix(".json")?.parse::<u64>().ok());
        // Our names have no zeros in front; another spelling is not our file.
        numbers.extend(number.filter(|number| name.to_str() == Some(&file::file_name(*number))));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The manifest, or its copy where it cannot be used; then `true`.
fn read_manifest(folder: &Path, is_empty: bool) -> Result<(RunManifest, bool), RunFolderError> {
    read_manifest_itself(folder, is_empty).map(|manifest| (manifest, false)).or_else(|lost| {
        let copy = fs::read(folder.join(DECLARED_FILE)).ok();
        // A system that refuses to read is not mended by writing.
        let is_lost = !matches!(lost, RunFolderError::Io { .. });
        let declared = copy.filter(|_| is_lost).and_then(|bytes| RunManifest::read(&bytes).ok());
        declared.map(|manifest| (manifest, true)).ok_or(lost)
    })
}

fn read_manifest_itself(folder: &Path, is_empty: bool) -> Result<RunManifest, RunFolderError> {
    let path = folder.join(manifest::MANIFEST_FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && is_empty => {
            return Err(RunFolderError::NoRun { path: folder.to_owned() });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(RunFolderError::NoManifest { path }),
        Err(error) => return Err(RunFolderError::io("read", &path)(error)),
    };
    RunManifest::read(&bytes).map_err(|reason| RunFolderError::Manifest { path, reason })
}

/// Cuts a torn last line off the log, notes changed files, and gives back the lines that are missing.
fn mend_log(
    folder: &Path,
    numbers: &[u64],
    kpis: &KpiTable,
    resumed: &mut Resumed,
) -> Result<Vec<RunLogLine>, RunFolderError> {
    let path = folder.join(manifest::RUN_LOG_FILE);
    let mut log = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(RunFolderError::io("read", &path)(error)),
    };
    let whole = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole < log.len() {
        if RunLogLine::parse(&log[whole..]).is_some() {
            log.push(b'\n');
        } else {
            log.truncate(whole);
        }
        replace(&path, &log, Durability::Renamed)?;
    }
    // Of an iteration that stands there twice, the later line counts.
    let lines: BTreeMap<u64, RunLogLine> = log
        .split(|byte| *byte == b'\n')
        .filter_map(RunLogLine::parse)
        .filter(|line| line.event == RunEvent::Iteration)
        .filter_map(|line| Some((line.iteration?, line)))
        .collect();
    let looked_at = numbers
        .par_iter()
        .map(|number| {
            let path = folder.join(file::file_name(*number));
            let bytes = fs::read(&path).map_err(RunFolderError::io("read", &path))?;
            let record = record_in(&bytes, &path, *number, kpis)?;
            Ok(match lines.get(number) {
                Some(line) => (None, (!line.describes(&bytes)).then_some(path)),
                None => (Some(RunLogLine::of_iteration(&record, &bytes)), None),
            })
        })
        .collect::<Result<Vec<_>, RunFolderError>>()?;
    let (missing, changed): (Vec<_>, Vec<_>) = looked_at.into_iter().unzip();
    resumed.changed = changed.into_iter().flatten().collect();
    Ok(missing.into_iter().flatten().collect())
}
