//! The log of rotations: a line for each, and an archive of the lines before once they are many.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{LOG_FILE, LOG_FOLDER, archive};
use crate::io::load::read_bounded;
use crate::io::loose::{self, FileError};

/// A log far beyond what it may be is no log of ours.
const UNREADABLE: u64 = 64 * 1024 * 1024;

/// Why the log was not written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is there is none of soak's.
    #[error("the log of rotations `{}` cannot be written: {reason}", path.display())]
    Place {
        /// The log.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Appends a line. A log of more than `most` bytes goes into an archive first.
pub fn log(base: &Path, line: &str, most: u64, now: DateTime<Utc>) -> Result<(), LogError> {
    let folder = base.join(LOG_FOLDER);
    let path = folder.join(LOG_FILE);
    let place = |reason: String| LogError::Place { path: path.clone(), reason };
    for there in [&folder, &path] {
        if there.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(place(format!("`{}` is a symbolic link", there.display())));
        }
    }
    fs::create_dir_all(&folder).map_err(|error| place(error.to_string()))?;
    if fs::metadata(&path).is_ok_and(|found| found.len() > most) {
        let mut bytes = Vec::new();
        read_bounded(&path, UNREADABLE, &mut bytes).map_err(place)?;
        let name = format!("ROTATION_LOG_{}.jsonl", now.format("%Y%m%dT%H%M%SZ"));
        archive::put(&folder, &name, &bytes, now).map_err(|not| place(not.reason))?;
        fs::remove_file(&path).map_err(|error| place(error.to_string()))?;
    }
    loose::append(&path, |_| format!("{}\n", line.trim_end()))?;
    Ok(())
}
