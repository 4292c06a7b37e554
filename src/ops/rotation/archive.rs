//! An archive of one file: `x.json` becomes `x.json.tar.gz`, read back before anything is given up for it.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::infra::atomic_file;
use crate::infra::failpoint::failpoint;

/// The suffix of a file that became an archive.
pub(super) const ARCHIVE_ENDING: &str = ".tar.gz";
/// Why there is no archive.
#[derive(Debug)]
pub(super) struct NotKept {
    pub(super) reason: String,
    /// Only for want of room.
    pub(super) is_full: bool,
}

impl From<String> for NotKept {
    fn from(reason: String) -> Self {
        Self { reason, is_full: false }
    }
}

impl NotKept {
    pub(super) fn io(what: &str, error: &io::Error) -> Self {
        Self { reason: format!("{what}: {error}"), is_full: is_full(error) }
    }
}

/// Whether there is no room left.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Puts an archive of `bytes` beside where `name` lies, or finds it there; gives its path and size. Afterwards
/// the archive on the disk holds a file of this name with these bytes, and nothing else.
pub(super) fn put(
    folder: &Path,
    name: &str,
    bytes: &[u8],
    time: DateTime<Utc>,
) -> Result<(PathBuf, u64), NotKept> {
    let path = folder.join(format!("{name}{ARCHIVE_ENDING}"));
    match fs::symlink_metadata(&path) {
        Ok(found) if !found.is_file() => return Err(format!("`{}` is no plain file", path.display()).into()),
        Ok(found) => match read(&path) {
            Ok(held) if held == (name.to_owned(), bytes.to_vec()) => return Ok((path, found.len())),
            Ok(_) => return Err(format!("`{}` is there with another content", path.display()).into()),
            // Half an archive, from an earlier rotation that was killed; the whole file is still here.
            Err(_) => {}
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("`{}`: {error}", path.display()).into()),
    }
    let packed = pack(name, bytes, time).map_err(|error| format!("cannot be packed: {error}"))?;
    atomic_file::write(&path, &packed).map_err(|error| NotKept::io(&error.to_string(), &error.source))?;
    failpoint("rotate-archive-put");
    match read(&path) {
        Ok((held, content)) if held == name && content == bytes => Ok((path, packed.len() as u64)),
        _ => Err(format!("`{}` does not hold what was put into it", path.display()).into()),
    }
}

/// The bytes of an archive of one file. The same file gives the same bytes.
fn pack(name: &str, bytes: &[u8], time: DateTime<Utc>) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(u64::try_from(time.timestamp()).unwrap_or(0));
    archive.append_data(&mut header, name, bytes)?;
    archive.into_inner()?.finish()
}

/// Name and content of the only file in an archive.
fn read(path: &Path) -> io::Result<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(path)?));
    let mut entries = archive.entries()?;
    let mut only = entries.next().ok_or(ErrorKind::UnexpectedEof)??;
    let name = only.path()?.to_string_lossy().into_owned();
    let size = only.header().size()?;
    let mut content = Vec::new();
    (&mut only).take(size).read_to_end(&mut content)?;
    match entries.next() {
        Some(_) => Err(ErrorKind::InvalidData.into()),
        None => Ok((name, content)),
    }
}
