//! Changing what the manifest of a run that is not at work says. Must not be called without the run's lock.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::replace::{replace, sync_folder};
use super::{DECLARED_FILE, RunFolderError};
use crate::io::artifacts::Durability;
use crate::wire::run_manifest::{self, RunManifest};

/// Changes the manifest and its copy, if the folder has one: `false` where it has none, as runs of the earlier
/// scripts.
pub fn rewrite_manifest(
    folder: &Path,
    change: impl Fn(&mut RunManifest),
    durability: Durability,
) -> Result<bool, RunFolderError> {
    let there = rewrite(&folder.join(run_manifest::FILE_NAME), &change, durability)?;
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
