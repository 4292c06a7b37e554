//! A bundle as `.tar.gz`: the same files give the same bytes, and what is unpacked is bounded.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, EntryType, Header};

use super::{MOST_BYTES, MOST_FILES};
use crate::wire::release::bundle_check::Contents;

/// The operating system in the header of a gzip file: unknown.
const UNKNOWN_SYSTEM: u8 = 255;

/// Packs files below a folder, sorted by name, all with this time in seconds since 1970.
pub fn pack(folder: &str, files: &BTreeMap<String, Vec<u8>>, seconds: u64) -> io::Result<Vec<u8>> {
    let gzip =
        GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(Vec::new(), Compression::new(6));
    let mut builder = Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_path(format!("{folder}/{name}"))?;
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(seconds);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        builder.append(&header, bytes.as_slice())?;
    }
    builder.into_inner()?.finish()
}

/// The files in an archive. What is no plain file of one flat folder is a problem; nothing is written.
pub(super) fn unpack(reader: impl BufRead) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let bounded = GzDecoder::new(reader).take(MOST_BYTES);
    let mut archive = Archive::new(bounded);
    let mut top: Option<String> = None;
    for (index, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        let told = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if index >= MOST_FILES {
            contents.problems.push(format!("the archive holds more than {MOST_FILES} files"));
            return Ok(contents);
        }
        let trimmed = told.strip_suffix('/').unwrap_or(&told);
        let (folder, name) = trimmed.split_once('/').unwrap_or((trimmed, ""));
        let is_same = top.get_or_insert_with(|| folder.to_owned()) == folder;
        let is_folder = entry.header().entry_type() == EntryType::Directory;
        if !is_same || [".", "..", ""].contains(&folder) {
            contents.problems.push(format!("{told:?} in the archive leads out of its folder"));
        } else if is_folder && name.is_empty() {
            // The folder itself, which other programs pack, too.
        } else if entry.header().entry_type() != EntryType::Regular {
            contents.problems.push(format!("{told:?} in the archive is no plain file"));
        } else if name.is_empty() || name.contains('/') {
            contents.problems.push(format!("{told:?} in the archive leads out of its folder"));
        } else {
            let name = name.to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            if bytes.len() as u64 != entry.header().size()? {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it ends in the middle, or is too large",
                ));
            }
            if contents.files.insert(name.clone(), bytes).is_some() {
                contents.problems.push(format!("{name:?} stands twice in the archive"));
            }
        }
    }
    let mut rest = archive.into_inner();
    // The blocks of zeros at the end; anything beyond them is not part of what was packed.
    let mut end = Vec::new();
    rest.by_ref().take(1024 * 1024).read_to_end(&mut end)?;
    if end.iter().any(|byte| *byte != 0) || end.len() == 1024 * 1024 {
        contents.problems.push("the archive goes on behind its end".to_owned());
    }
    if !rest.into_inner().into_inner().fill_buf()?.is_empty() {
        contents.problems.push("something follows the archive in its file".to_owned());
    }
    Ok(contents)
}
