//! The folder of a run, on the disk or in an archive: listed and read in the same way, so that both give the same run.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lines::{self, Lines};
use crate::core::verdict::evidence::ArchiveFile;
use crate::infra::archive::{self, Archive, ArchiveError, Kind};

/// A file larger than this is damage, not an iteration.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// A folder that cannot be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("there is no folder `{}`", path.display())]
    Missing { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error("the folder `{}` cannot be listed", path.display())]
    List { path: PathBuf, source: std::io::Error },
    #[error("the iterations in `{}` cannot be read: the file {reason}", path.display())]
    Lines { path: PathBuf, reason: String },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the archive `{}` holds several runs: {}", path.display(), folders.join(", "))]
    SeveralRuns { path: PathBuf, folders: Vec<String> },
}

#[derive(Clone, Debug, Default)]
pub struct RunFolder {
    /// Where it is, for people; in an archive, the archive and the way from its top.
    path: PathBuf,
    archive: Option<InArchive>,
    /// What its one file of iterations held when it was opened.
    lines: Option<Arc<Lines>>,
}

#[derive(Clone, Debug)]
struct InArchive {
    archive: Arc<Archive>,
    inside: String,
}

impl InArchive {
    /// The path of something in the folder.
    fn at(&self, name: &str) -> String {
        if self.inside.is_empty() { name.to_owned() } else { format!("{}/{name}", self.inside) }
    }
}

impl RunFolder {
    /// A folder on the disk, which need not be there.
    pub fn on_disk(path: &Path) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// A folder, or the one in an archive.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => Ok(Self::on_disk(path)),
            Ok(_) if archive::is_archive(path) => {
                let archive = Archive::open(path)?;
                let inside = archive.top();
                Ok(Self {
                    path: path.to_owned(),
                    archive: Some(InArchive { archive: Arc::new(archive), inside }),
                    lines: None,
                })
            }
            Ok(_) => Err(LoadError::NotAFolder { path: path.to_owned() }),
            Err(source) => Err(LoadError::Missing { path: path.to_owned(), source }),
        }
    }

    /// Where it is, for people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is in an archive: then nothing can be written into it.
    pub fn is_archived(&self) -> bool {
        self.archive.is_some()
    }

    /// The archive that was opened as `asked`.
    pub(super) fn archive_file(&self, requested: &Path) -> Option<ArchiveFile> {
        let sha256 = self.archive.as_ref()?.archive.sha256.clone();
        let name = requested.file_name().unwrap_or(requested.as_os_str()).to_string_lossy().into_owned();
        Some(ArchiveFile { name, sha256 })
    }

    /// The folders of an archive with a file of such a name; none of a folder on the disk.
    pub(super) fn archived_folders(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        self.archive.as_ref().map_or_else(Vec::new, |within| within.archive.folders_with(is_meant))
    }

    /// The folder of this name in it, which need not be there.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let archive = self.archive.as_ref();
        let archive =
            archive.map(|within| InArchive { archive: Arc::clone(&within.archive), inside: within.at(name) });
        Self { path: self.path.join(name), archive, lines: None }
    }

    /// The same with what its one file of iterations holds now, if it has one.
    pub(super) fn with_lines(self) -> Result<Self, LoadError> {
        let mut found = lines::NAMES.into_iter().filter(|name| self.look_at(name).is_some());
        let Some(name) = found.next() else { return Ok(Self { lines: None, ..self }) };
        let failed = |reason| LoadError::Lines { path: self.path.join(name), reason };
        if let Some(other) = found.next() {
            return Err(failed(format!("is not alone: `{other}` is there too")));
        }
        let read = self.check_kind(name).and_then(|()| {
            let mut bytes = Vec::new();
            self.read_bounded(name, lines::MOST_BYTES, &mut bytes)?;
            Lines::new(name, bytes)
        });
        let lines = Some(Arc::new(read.map_err(failed)?));
        Ok(Self { lines, ..self })
    }

    /// What its one file of iterations held when it was opened.
    pub(super) fn lines(&self) -> Option<&Lines> {
        self.lines.as_deref()
    }

    /// An iteration in one file with others.
    pub(super) fn line(&self, name: &str) -> Option<&[u8]> {
        self.lines()?.get(name)
    }

    /// The file on the disk that holds what is read as `name`.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        let file = name.split_once(':').filter(|_| self.line(name).is_some()).map_or(name, |(file, _)| file);
        self.path.join(file)
    }

    /// The names in it, and what is behind each.
    pub fn list(&self) -> io::Result<Vec<(OsString, Kind)>> {
        let Some(within) = &self.archive else {
            return fs::read_dir(&self.path)?.map(|entry| Ok(kind_of_entry(&entry?))).collect();
        };
        let names = within.archive.list(&within.inside).ok_or(io::ErrorKind::NotFound)?;
        Ok(names.into_iter().map(|(name, kind)| (name.into(), kind)).collect())
    }

    /// What is behind a name, and its size; a link is not followed.
    pub fn look_at(&self, name: &str) -> Option<(Kind, u64)> {
        match &self.archive {
            Some(within) => within.archive.look_at(&within.at(name)),
            None => fs::symlink_metadata(self.path.join(name))
                .ok()
                .map(|meta| (kind(meta.file_type()), meta.len())),
        }
    }

    /// Whether there is a plain file; links are followed.
    pub fn is_file(&self, name: &str) -> bool {
        if self.line(name).is_some() {
            return true;
        }
        match &self.archive {
            Some(within) => within.archive.file(&within.at(name)).is_some(),
            None => fs::metadata(self.path.join(name)).is_ok_and(|meta| meta.is_file()),
        }
    }

    /// Whether there is something other than a plain file; links are followed.
    pub fn is_other(&self, name: &str) -> bool {
        match &self.archive {
            Some(within) => within.archive.is_folder(&within.at(name)),
            None => fs::metadata(self.path.join(name)).is_ok_and(|meta| !meta.is_file()),
        }
    }

    /// What is wrong with a file that is no plain one at the end of its links.
    pub fn check_kind(&self, name: &str) -> Result<(), String> {
        if self.line(name).is_some() {
            return Ok(());
        }
        match &self.archive {
            Some(within) => self.archived(within, name).map(drop),
            None => check_kind(&self.path.join(name)),
        }
    }

    /// Reads a whole file into `buffer`, which is emptied first, unless it is larger than `largest` bytes. The error is
    /// what is wrong with it, to follow its name.
    pub fn read_bounded(&self, name: &str, largest: u64, buffer: &mut Vec<u8>) -> Result<(), String> {
        let bytes = match (self.line(name), &self.archive) {
            (Some(line), _) => line,
            (None, Some(within)) => self.archived(within, name)?,
            (None, None) => return read_bounded(&self.path.join(name), largest, buffer),
        };
        buffer.clear();
        if bytes.len() as u64 > largest {
            return Err(too_large(largest));
        }
        buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads a whole file of at most `largest` bytes; what is no plain file at the end of its links is never opened.
    pub fn read_plain(&self, name: &str, largest: u64) -> Result<Vec<u8>, String> {
        self.check_kind(name)?;
        let mut bytes = Vec::new();
        self.read_bounded(name, largest, &mut bytes)?;
        Ok(bytes)
    }

    /// Opens a file, however large it is.
    pub fn open_file(&self, name: &str) -> Result<Box<dyn BufRead + '_>, String> {
        self.check_kind(name)?;
        if let Some(within) = &self.archive {
            return Ok(Box::new(self.archived(within, name)?));
        }
        let file = File::open(self.path.join(name)).map_err(|error| format!("cannot be read: {error}"))?;
        Ok(Box::new(BufReader::new(file)))
    }

    fn archived<'a>(&self, within: &'a InArchive, name: &str) -> Result<&'a [u8], String> {
        let path = within.at(name);
        within.archive.file(&path).ok_or_else(|| {
            if within.archive.is_folder(&path) {
                "is a folder, not a file".to_owned()
            } else {
                format!("cannot be read: it is not in `{}`", self.path.display())
            }
        })
    }
}

fn kind_of_entry(entry: &fs::DirEntry) -> (OsString, Kind) {
    (entry.file_name(), entry.file_type().map_or(Kind::Other, kind))
}

fn kind(found: fs::FileType) -> Kind {
    match () {
        () if found.is_file() => Kind::File,
        () if found.is_dir() => Kind::Folder,
        () if found.is_symlink() => Kind::Link,
        () => Kind::Other,
    }
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
/// The error is what is wrong with it, to follow its name.
pub fn read_plain(path: &Path) -> Result<Vec<u8>, String> {
    check_kind(path)?;
    let mut bytes = Vec::new();
    read_bounded(path, LARGEST, &mut bytes)?;
    Ok(bytes)
}

/// Why a file is not read, to follow its name.
fn too_large(largest: u64) -> String {
    format!("is larger than {} MiB", largest / (1024 * 1024))
}

/// Reads a whole file into `buffer`, which is emptied first, unless it is larger than `largest` bytes.
pub fn read_bounded(path: &Path, largest: u64, buffer: &mut Vec<u8>) -> Result<(), String> {
    buffer.clear();
    let read = File::open(path).and_then(|file| file.take(largest + 1).read_to_end(buffer));
    match read {
        Ok(_) if buffer.len() as u64 > largest => {
            buffer.clear();
            buffer.shrink_to_fit();
            Err(too_large(largest))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}
