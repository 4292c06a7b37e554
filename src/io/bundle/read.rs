//! Reading a bundle, folder or archive, without following a link and without reading more than a bundle has.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use super::archive::unpack;
use super::{BundleError, MOST_BYTES, MOST_FILES};
use crate::wire::release::bundle_check::Contents;

/// The files of a bundle.
pub fn read(path: &Path) -> Result<Contents, BundleError> {
    let found = fs::metadata(path).map_err(BundleError::io("read", path))?;
    if found.is_dir() {
        return folder(path);
    }
    if !found.is_file() {
        return Err(BundleError::Kind { path: path.to_owned() });
    }
    let file = File::open(path).map_err(BundleError::io("read", path))?;
    unpack(BufReader::new(file)).map_err(|source| BundleError::Archive { path: path.to_owned(), source })
}

fn folder(path: &Path) -> Result<Contents, BundleError> {
    let mut contents = Contents::default();
    let mut left = MOST_BYTES;
    for entry in fs::read_dir(path).map_err(BundleError::io("list", path))? {
        let entry = entry.map_err(BundleError::io("list", path))?;
        let told = entry.file_name().to_string_lossy().into_owned();
        let Ok(name) = entry.file_name().into_string() else {
            contents.problems.push(format!("{told:?} has a name that is no text"));
            continue;
        };
        let kind = entry.file_type().map_err(BundleError::io("look at", &entry.path()))?;
        if kind.is_symlink() {
            contents.problems.push(format!("{name:?} is a symbolic link"));
        } else if !kind.is_file() {
            contents.problems.push(format!("{name:?} is no plain file"));
        } else if contents.files.len() >= MOST_FILES {
            contents.problems.push(format!("there are more than {MOST_FILES} files"));
            break;
        } else {
            let mut bytes = Vec::new();
            File::open(entry.path())
                .and_then(|file| file.take(left + 1).read_to_end(&mut bytes))
                .map_err(BundleError::io("read", &entry.path()))?;
            let Some(rest) = left.checked_sub(bytes.len() as u64) else {
                contents.problems.push(format!("the files are larger than {} MiB", MOST_BYTES / 1024 / 1024));
                break;
            };
            left = rest;
            contents.files.insert(name, bytes);
        }
    }
    // A listing has no order of its own.
    contents.problems.sort();
    Ok(contents)
}
