//! Replacing one file of a run: a temporary file of a fixed name beside it, then a rename.
//!
//! The run's lock keeps other runs away, so the name needs no random part and a leftover is simply overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::core::kpi::KpiTable;
use crate::infra::artifacts::Durability;
use crate::infra::exchange::exchange;
use crate::infra::failpoint::failpoint;
use crate::run::folder::error::RunFolderError;
use crate::run::iteration::{IterationRecord, file};

/// What the temporary files of a run are called: this and the name of the file.
pub(crate) const TEMPORARY_PREFIX: &str = ".soak-run-tmp-";

/// Puts a file in its place, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), RunFolderError> {
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        // A rename refuses a folder, but an exchange would carry it off.
        return Err(RunFolderError::io("replace", path)(io::ErrorKind::IsADirectory.into()));
    }
    let temporary = stage(path, bytes, durability)?;
    failpoint("run-staged");
    // Some file systems (ext4) write a file out at once when a rename replaces another, which costs
    // milliseconds; an exchange is as atomic and costs nothing.
    if durability == Durability::Renamed && exchange(&temporary, path) {
        failpoint("run-swapped");
        return fs::remove_file(&temporary).map_err(RunFolderError::io("remove", &temporary));
    }
    put(&temporary, path)
}

/// Where the temporary file of a file is.
fn temporary_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(TEMPORARY_PREFIX);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

/// Removes what a killed run left half written beside a file that is not in its folder.
pub(crate) fn remove_leftover_of(path: &Path) -> Result<(), RunFolderError> {
    let temporary = temporary_of(path);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RunFolderError::io("remove", &temporary)(error))
        }
        _ => Ok(()),
    }
}

/// Writes the temporary file.
pub(crate) fn stage(path: &Path, bytes: &[u8], durability: Durability) -> Result<PathBuf, RunFolderError> {
    let temporary = temporary_of(path);
    let written = create(&temporary).and_then(|mut file| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        failpoint("run-half-written");
        file.write_all(second)?;
        match durability {
            Durability::Synced => file.sync_all(),
            Durability::Renamed => Ok(()),
        }
    });
    written.map_err(|source| {
        // What does not fit on the disk must not take its last blocks.
        let _ = fs::remove_file(&temporary);
        RunFolderError::io("write", path)(source)
    })?;
    Ok(temporary)
}

/// Renames it into place.
pub(crate) fn put(temporary: &Path, path: &Path) -> Result<(), RunFolderError> {
    fs::rename(temporary, path).map_err(|source| {
        let _ = fs::remove_file(temporary);
        RunFolderError::io("replace", path)(source)
    })
}

/// A new file, never one that is there: it might be a link.
fn create(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            open()
        }
        result => result,
    }
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path, durability: Durability) -> Result<(), RunFolderError> {
    if cfg!(unix) && durability == Durability::Synced {
        File::open(folder).and_then(|file| file.sync_all()).map_err(RunFolderError::io("sync", folder))?;
    }
    Ok(())
}

/// Removes what a killed run left half written.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), RunFolderError> {
    for entry in fs::read_dir(folder).map_err(RunFolderError::io("list", folder))? {
        let entry = entry.map_err(RunFolderError::io("list", folder))?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            let path = entry.path();
            fs::remove_file(&path).map_err(RunFolderError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Reads an iteration file.
pub(crate) fn read_record(
    path: &Path,
    number: u64,
    kpis: &KpiTable,
) -> Result<IterationRecord, RunFolderError> {
    let bytes = fs::read(path).map_err(RunFolderError::io("read", path))?;
    record_in(&bytes, path, number, kpis)
}

pub(crate) fn record_in(
    bytes: &[u8],
    path: &Path,
    number: u64,
    kpis: &KpiTable,
) -> Result<IterationRecord, RunFolderError> {
    let record = file::read(bytes, kpis)
        .map_err(|source| RunFolderError::Damaged { path: path.to_owned(), source })?;
    if record.number == number {
        Ok(record)
    } else {
        Err(RunFolderError::Renumbered { path: path.to_owned(), found: record.number })
    }
}
