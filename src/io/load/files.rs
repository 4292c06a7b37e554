//! Reads iteration files, many at once, and names every one that cannot be used.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256 as Hasher};

use super::listing::Entry;
use crate::core::evidence::LARGEST_NUMBER;
use crate::core::kpi::KpiTable;
use crate::core::recorded::Sha256;
use crate::wire::iteration::{self, IterationFile};

/// A file larger than this is damage, not an iteration.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// One file as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRead {
    /// What it contains, or why it cannot be used.
    pub content: Result<Vec<IterationFile>, String>,
    /// Hash of its bytes; `None` = not asked for, or the file cannot be used.
    pub sha256: Option<Sha256>,
}

/// Reads the files in parallel, in the order of `entries`; `hashed` asks for their hashes, too.
pub fn read_all(folder: &Path, entries: &[Entry], kpis: &KpiTable, hashed: bool) -> Vec<FileRead> {
    entries
        .par_iter()
        .with_min_len(8)
        .map_init(Vec::new, |buffer, entry| {
            let content = read_one(folder, entry, kpis, buffer);
            let sha256 = (hashed && content.is_ok()).then(|| Hasher::digest(&*buffer).into());
            FileRead { content, sha256 }
        })
        .collect()
}

fn read_one(
    folder: &Path,
    entry: &Entry,
    kpis: &KpiTable,
    buffer: &mut Vec<u8>,
) -> Result<Vec<IterationFile>, String> {
    if entry.number > LARGEST_NUMBER {
        return Err(format!("no run has an iteration above {LARGEST_NUMBER}"));
    }
    let path = folder.join(&entry.name);
    if !entry.is_plain_file {
        check_kind(&path)?;
    }
    read_bounded(&path, LARGEST, buffer)?;
    iteration::read(buffer, kpis).map_err(|error| error.to_string())
}

/// Links are followed; what is not a plain file at their end is never opened (a pipe would block for ever).
pub fn check_kind(path: &Path) -> Result<(), String> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink());
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(meta) if meta.is_dir() => Err("is a folder, not a file".to_owned()),
        Ok(_) => Err("is not a plain file".to_owned()),
        Err(error) if is_link => Err(format!("is a symbolic link that leads nowhere: {error}")),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Reads a whole file of at most [`LARGEST`] bytes; what is no plain file at the end of its links is never opened.
/// The error is what is wrong with it, to stand behind its name.
pub fn read_plain(path: &Path) -> Result<Vec<u8>, String> {
    check_kind(path)?;
    let mut bytes = Vec::new();
    read_bounded(path, LARGEST, &mut bytes)?;
    Ok(bytes)
}

/// Reads a whole file into `buffer`, which is emptied first, unless it is larger than `largest` bytes.
pub fn read_bounded(path: &Path, largest: u64, buffer: &mut Vec<u8>) -> Result<(), String> {
    buffer.clear();
    let read = File::open(path).and_then(|file| file.take(largest + 1).read_to_end(buffer));
    match read {
        Ok(_) if buffer.len() as u64 > largest => {
            buffer.clear();
            buffer.shrink_to_fit();
            Err(format!("is larger than {} MiB", largest / (1024 * 1024)))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}
