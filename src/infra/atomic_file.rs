//! Single files outside an artifact folder: written atomically, appended to, read. Leaves no lock and no manifest behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::failpoint::failpoint;

/// How the names of temporary files begin.
pub const TEMPORARY_PREFIX: &str = ".soak-tmp-";

/// No file of settings or state is larger, bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be {action}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// `read` or `written`.
    pub action: &'static str,
    /// What the system says.
    pub source: io::Error,
}

/// Turns what the system says about a path into an error.
fn failed(path: &Path, action: &'static str) -> impl Fn(io::Error) -> FileError {
    move |source| FileError { path: path.to_owned(), action, source }
}

/// Writes a whole file: a temporary file beside it, fsync, rename. The folder must exist.
///
/// A device or a pipe (`/dev/stdout`, what a shell puts for `>(…)`) is written into; a rename would put a file
/// in its place.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let written = if is_stream(path) { pour(path, bytes) } else { replace(path, bytes) };
    written.map_err(failed(path, "written"))
}

/// The same, into a folder that is made if it is missing.
pub fn write_below(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed(folder, "created"))?;
    }
    write(path, bytes)
}

/// Tries whether [`write_below`] could write this file; leaves nothing behind.
pub fn try_below(path: &Path) -> Result<(), FileError> {
    try_out(path).map_err(failed(path, "written"))
}

fn try_out(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A device or a pipe; opening one would wait for its reader.
        Ok(found) if !found.is_file() => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let direct = folder_of(path);
    for folder in direct.ancestors() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match fs::metadata(folder) {
            Ok(found) if !found.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(_) => {
                // A name that no file can have is reported in a folder that exists.
                let names = path.strip_prefix(folder).unwrap_or(path).components();
                for found in names.map(|name| fs::symlink_metadata(folder.join(name))) {
                    found.map(drop).or_else(|error| match error.kind() {
                        io::ErrorKind::InvalidFilename => Err(error),
                        _ => Ok(()),
                    })?;
                }
                let mut builder = tempfile::Builder::new();
                builder.prefix(TEMPORARY_PREFIX);
                return builder.tempfile_in(folder).and_then(tempfile::NamedTempFile::close);
            }
            // A link that leads nowhere is in the way of the folder.
            Err(_) if folder.symlink_metadata().is_ok() => return Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn pour(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = staged(path, bytes, 0o666)?;
    settle(file.as_file(), path)?;
    failpoint("loose-written");
    file.persist(path).map_err(|error| error.error)?;
    failpoint("loose-renamed");
    sync(folder_of(path))
}

/// Gives a file that takes a place the mode that its readers count on: that of the file which is there, and for metrics
/// at least 0644, whatever the umask is, because the collector reads them as another user. What root puts into the
/// folder of another user belongs to that user, who must be able to write it again.
#[cfg(unix)]
pub(crate) fn settle(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let there = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    let mut mode = there.as_ref().unwrap_or(&file.metadata()?).permissions().mode() & 0o777;
    if path.extension().is_some_and(|ending| ending == "prom") {
        mode |= 0o644;
    }
    if mode != file.metadata()?.permissions().mode() & 0o777 {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    adopt(file, path);
    Ok(())
}

/// Elsewhere files have no such modes.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn settle(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}

/// Gives a new file of root to the owner of its folder: a service that runs as that user must be able to write it.
#[cfg(unix)]
pub(crate) fn adopt(file: &File, path: &Path) {
    use std::os::unix::fs::{MetadataExt, fchown};
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let Ok(folder) = fs::metadata(folder_of(path)) else { return };
    // A sticky folder such as /tmp is nobody's own.
    if folder.uid() != 0 && folder.mode() & 0o1000 == 0 {
        // Where the file system knows no owners, nobody is kept out.
        let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
    }
}

/// Elsewhere files have no such owners.
#[cfg(not(unix))]
pub(crate) fn adopt(_file: &File, _path: &Path) {}

/// A file that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// Whether it can be started.
    pub(crate) is_program: bool,
    /// Whether it takes the place of the one that is there, which holds all of it.
    pub(crate) replaces: bool,
}

/// Makes all of them, or none. What is there stays as it is, but for what says that it is replaced. Missing folders are
/// made.
pub(crate) fn create_all(files: &[NewFile]) -> Result<(), FileError> {
    let mut made: Vec<PathBuf> = Vec::new();
    let result = try_create_all(files, &mut made);
    if result.is_err() {
        for path in made.iter().rev() {
            // A folder that somebody else has put something into stays.
            let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
        }
    }
    result
}

fn try_create_all(files: &[NewFile], made: &mut Vec<PathBuf>) -> Result<(), FileError> {
    let mut ready = Vec::new();
    for NewFile { path, bytes, is_program, replaces } in files {
        let folder = folder_of(path);
        let missing: Vec<&Path> =
            folder.ancestors().take_while(|folder| !has_name(folder) || !exists(folder)).collect();
        for folder in missing.into_iter().rev().filter(|folder| has_name(folder)) {
            fs::create_dir(folder).map_err(failed(folder, "created"))?;
            made.push(folder.to_owned());
        }
        let permissions = if *is_program { 0o777 } else { 0o666 };
        ready.push((path, staged(path, bytes, permissions).map_err(failed(path, "written"))?, *replaces));
    }
    // What is replaced comes last: there is no way back from it.
    ready.sort_by_key(|(.., replaces)| *replaces);
    for (path, file, replaces) in ready {
        failpoint("loose-written");
        let put = if replaces { file.persist(path) } else { file.persist_noclobber(path) };
        put.map_err(|error| failed(path, "written")(error.error))?;
        if !replaces {
            made.push(path.clone());
        }
        sync(folder_of(path)).map_err(failed(path, "written"))?;
    }
    Ok(())
}

fn has_name(folder: &Path) -> bool {
    !folder.as_os_str().is_empty()
}

/// A file for another process to read, removed when dropped.
pub(crate) fn temporary(bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// The whole content beside the place where it belongs, on the disk.
fn staged(path: &Path, bytes: &[u8], mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask of the process takes its part off.
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.tempfile_in(folder_of(path))?;
    failpoint("loose-created");
    let (start, rest) = bytes.split_at(bytes.len() / 2);
    file.write_all(start)?;
    failpoint("loose-half-written");
    file.write_all(rest)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes the name survive a power cut.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be synced here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Appends to a file, which is created if it is missing; writes at most what `room` says of `text` for the
/// size that the file has, and nothing when that is empty.
pub fn append(path: &Path, text: impl FnOnce(u64) -> String) -> Result<(), FileError> {
    let failed = failed(path, "written");
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(&failed)?;
    let size = file.metadata().map_err(&failed)?.len();
    file.write_all(text(size).as_bytes()).map_err(failed)
}

/// Reads a whole file as text, a BOM taken off.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let failed = failed(path, "read");
    let text = String::from_utf8(read(path)?).map_err(|_| {
        failed(io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Whether every user of this machine may read a file. `false` where that is not known.
pub fn is_open_to_all(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o004 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn too_large() -> String {
    format!("it is larger than {} MiB", LARGEST / (1024 * 1024))
}

/// Reads a whole file. It may be a pipe, but nothing without end.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = failed(path, "read");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(&failed)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(&failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(io::Error::other(too_large())));
    }
    Ok(bytes)
}

/// Reads a whole plain file that a person or another program keeps; links are followed. A pipe in its place would
/// be waited for without end, and what is larger than any such file is not read into memory.
pub fn read_plain(path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = failed(path, "read");
    let found = fs::metadata(path).map_err(&failed)?;
    if found.is_dir() {
        return Err(failed(io::Error::other("it is a folder, expected a file")));
    }
    if !found.is_file() {
        return Err(failed(io::Error::other("it is a pipe or a device, expected a plain file")));
    }
    if found.len() > LARGEST {
        return Err(failed(io::Error::other(too_large())));
    }
    fs::read(path).map_err(failed)
}

/// Opens a file for reading from its start, however large it is.
pub fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(failed(path, "read"))
}

/// The path without links and `..`, as far as it is there; what is not there yet stays as it is written.
pub fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in absolute.ancestors() {
        if let Ok(there) = fs::canonicalize(ancestor) {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { there } else { there.join(rest) };
        }
    }
    absolute
}

/// Whether anything is at this path, be it a link that leads nowhere.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether a device or a pipe is at this path; links are followed.
pub fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Whether the folder that a file is to be written into is there.
pub fn has_folder(path: &Path) -> bool {
    fs::metadata(folder_of(path)).is_ok_and(|found| found.is_dir())
}

/// Whether two paths lead to one file, be it there or not; links are followed.
pub fn is_same_place(one: &Path, other: &Path) -> bool {
    place(one) == place(other)
}

/// A path without links and detours, as far as it is there.
fn place(path: &Path) -> PathBuf {
    let there = fs::canonicalize(path).or_else(|_| {
        let folder = fs::canonicalize(folder_of(path))?;
        Ok::<_, io::Error>(path.file_name().map_or(folder.clone(), |name| folder.join(name)))
    });
    there.or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// When a file was written last; `None` when it is not there, or its file system does not say.
pub fn modified(path: &Path) -> Option<DateTime<Utc>> {
    fs::metadata(path).and_then(|found| found.modified()).ok().map(DateTime::from)
}

/// The names of everything in a folder, sorted; what is no text is shown with replacement characters.
pub fn names(folder: &Path) -> Result<Vec<String>, FileError> {
    let failed = |source| FileError { path: folder.to_owned(), action: "listed", source };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let names = fs::read_dir(folder).and_then(|entries| entries.map(name).collect::<io::Result<Vec<_>>>());
    let mut names = names.map_err(failed)?;
    names.sort();
    Ok(names)
}

/// Whether a plain file is at this path; links are followed.
pub fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// Exchanges two names; `false` where the system cannot, or one of them is not there.
#[cfg(target_os = "linux")]
pub(crate) fn exchange(one: &Path, other: &Path) -> bool {
    use rustix::fs::CWD;
    use rustix::fs::RenameFlags;
    use rustix::fs::renameat_with;
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

/// Never: only Linux exchanges two names at once.
#[cfg(not(target_os = "linux"))]
pub(crate) fn exchange(_one: &Path, _other: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of everything below a folder.
    fn listed(folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        found.sort();
        found
    }

    #[test]
    fn of_several_new_files_all_are_made_or_none_and_what_is_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let new = |name: &str, replaces| NewFile {
            path: at(name),
            bytes: name.as_bytes().to_owned(),
            is_program: false,
            replaces,
        };
        fs::write(at("there"), "mine").expect("a file");
        let files = [new("replaced", true), new("deep/er/first", false), new("there", false)];
        fs::write(at("replaced"), "old").expect("a file");
        let error = create_all(&files).expect_err("one is there");
        assert_eq!(error.path, at("there"));
        assert_eq!(listed(folder.path()), [at("replaced"), at("there")]);
        let text = |name: &str| fs::read_to_string(at(name)).expect("there");
        assert_eq!((text("there").as_str(), text("replaced").as_str()), ("mine", "old"));

        create_all(&files[..2]).expect("nothing is in the way");
        assert_eq!(
            (text("deep/er/first").as_str(), text("replaced").as_str()),
            ("deep/er/first", "replaced")
        );
        assert_eq!(listed(&at("deep/er")), [at("deep/er/first")]);
    }

    #[cfg(unix)]
    #[test]
    fn metrics_can_be_read_by_all_and_other_files_keep_their_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        for (name, before, after) in [
            ("a.prom", 0o600, 0o644),
            ("b.prom", 0o664, 0o664),
            ("c.json", 0o600, 0o600),
            ("d.json", 0o604, 0o604),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, "old").expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).expect("a mode");
            write(&path, b"new").expect(name);
            assert_eq!(fs::metadata(&path).expect(name).permissions().mode() & 0o777, after, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_root_writes_belongs_to_the_owner_of_the_folder() {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = tempfile::tempdir().expect("a folder");
        if chown(folder.path(), Some(4321), Some(8765)).is_err() {
            return; // Not root here.
        }
        let path = folder.path().join("a.json");
        write(&path, b"{}").expect("written");
        let found = fs::metadata(&path).expect("there");
        assert_eq!((found.uid(), found.gid()), (4321, 8765));
    }

    #[test]
    fn a_place_that_can_be_written_is_tried_and_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("there"), "mine").expect("a file");
        for name in ["there", "new", "new/below", "deep/er/file"] {
            try_below(&at(name)).expect(name);
            assert_eq!(listed(folder.path()), [at("there")], "{name}");
            write_below(&at("kept").join(name), b"x").expect(name);
            fs::remove_dir_all(at("kept")).expect("removed");
        }
        assert_eq!(fs::read_to_string(at("there")).expect("still there"), "mine");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_refused_as_writing_would_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").expect("a file");
        fs::create_dir(at("folder")).expect("a folder");
        let long = "x".repeat(300);
        for name in ["folder", "file/below", "file/far/below", &long, &format!("new/{long}")] {
            let error = try_below(&at(name)).expect_err(name);
            assert!(error.to_string().ends_with("cannot be written"), "{error}");
            assert!(write_below(&at(name), b"x").is_err(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_in_the_way_of_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("gone", folder.path().join("link")).expect("a link");
        assert!(try_below(&folder.path().join("link/file")).is_err());
        assert_eq!(listed(folder.path()).len(), 1);
    }
}
