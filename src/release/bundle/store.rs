//! Release bundles on the disk: put in place whole, read back, packed into an archive.
//!
//! A bundle is built in a folder of its own beside its destination and then changes places with it, so that a
//! kill at any moment leaves the former one or the new one. What soak did not write is never replaced.
#![expect(clippy::disallowed_methods, reason = "bundles are folders and archives")]

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, EntryType, Header};

use super::manifest::{Contents, changes};
use crate::infra::atomic_file::exchange;
use crate::infra::failpoint::failpoint;
use crate::infra::lock::{self, FolderLock, LockError};

/// What the archive of a bundle is called behind the name of its folder.
pub(crate) const ARCHIVE_ENDING: &str = ".tar.gz";

/// More files than a bundle ever has.
const MOST_FILES: usize = 1000;

/// More bytes than a bundle ever has, unpacked.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Why a bundle was not written or cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// Something is there that soak did not write, or that was changed since.
    #[error("`{}` is not an untouched bundle of soak: {}", path.display(), why.join("; "))]
    Foreign { path: PathBuf, why: Vec<String> },
    /// It has no name, as `/` and `..` have none.
    #[error("`{}` cannot be the folder of a bundle", path.display())]
    Nameless { path: PathBuf },
    /// A link where the bundle belongs.
    #[error("`{}` is a symbolic link, and bundles are not written through links", path.display())]
    Symlink { path: PathBuf },
    /// Something else where a folder or an archive belongs.
    #[error("`{}` is neither a folder nor a plain file", path.display())]
    Kind { path: PathBuf },
    /// Somebody else builds there.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An archive that is none.
    #[error("`{}` is no archive of a bundle", path.display())]
    Archive { path: PathBuf, source: io::Error },
    /// The system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl BundleError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it. `None` where we know no way out.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => Some("nothing was touched; move it away, or choose another `--out`"),
            Self::Nameless { .. } => Some("`--out` takes the name of a folder, as in release/v1.0.0"),
            Self::Symlink { .. } => Some("remove the link, or choose another `--out`"),
            Self::Kind { .. } => Some("a bundle is a folder or a .tar.gz of `soak release bundle`"),
            Self::Lock(LockError::Held { .. }) => Some("wait for that process to end"),
            Self::Archive { .. } => Some("`soak release bundle --archive` writes one"),
            Self::Lock(_) => None,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("name the folder or the archive of a bundle"),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space and run the same command again; what was there is untouched")
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("make the folder writable, or choose another `--out`")
                }
                _ => None,
            },
        }
    }
}

/// How long another build of the same bundle is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The new bundle, and after the exchange the former one.
const NEW: &str = "new";
/// The former one, where two names cannot be exchanged at once.
const OLD: &str = "old";
/// The archive on its way.
const ARCHIVE: &str = "archive";

/// Where the archive of a bundle goes: beside it, `.tar.gz` behind its name.
pub(crate) fn archive_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(ARCHIVE_ENDING);
    out.with_file_name(name)
}

/// Whether a bundle, and an archive, could be put in place; touches nothing.
pub(crate) fn look(out: &Path, with_archive: bool) -> Result<(), BundleError> {
    if out.file_name().is_none() {
        return Err(BundleError::Nameless { path: out.to_owned() });
    }
    ours(out, Metadata::is_dir)?;
    if with_archive {
        ours(&archive_of(out), Metadata::is_file)?;
    }
    Ok(())
}

/// Puts a bundle in place, and its archive beside it. Both replace only what soak wrote and nobody changed.
pub(crate) fn put(
    out: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    archive: Option<&[u8]>,
) -> Result<(), BundleError> {
    let Some(name) = out.file_name() else {
        return Err(BundleError::Nameless { path: out.to_owned() });
    };
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(BundleError::io("create the folder", parent))?;
    let mut hidden = std::ffi::OsString::from(".soak-bundle-");
    hidden.push(name);
    let workspace = Workspace::lock(parent.join(hidden))?;
    let filled = fill(&workspace, parent, out, files, archive);
    // Also after trouble: nothing of a bundle that was not put in place is worth keeping.
    let cleared = workspace.clear(out);
    filled.and(cleared)
}

fn fill(
    workspace: &Workspace,
    parent: &Path,
    out: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    archive: Option<&[u8]>,
) -> Result<(), BundleError> {
    workspace.recover(out)?;
    let is_same = ours(out, Metadata::is_dir)?.is_some_and(|there| there.files == *files);
    let archive_path = archive_of(out);
    if let Some(bytes) = archive {
        ours(&archive_path, Metadata::is_file)?;
        write(&workspace.path.join(ARCHIVE), bytes)?;
        failpoint("bundle-archive-staged");
    }
    if !is_same {
        workspace.build(files)?;
        failpoint("bundle-built");
        workspace.install(out)?;
        sync(parent)?;
        failpoint("bundle-in-place");
    }
    if archive.is_some() {
        let staged = workspace.path.join(ARCHIVE);
        fs::rename(&staged, &archive_path).map_err(BundleError::io("replace", &archive_path))?;
        sync(parent)?;
        failpoint("bundle-archive-in-place");
    }
    Ok(())
}

/// The bundle or archive at a place that may be replaced: one that nobody touched; `None` = nothing is there.
fn ours(path: &Path, is_kind: fn(&Metadata) -> bool) -> Result<Option<Contents>, BundleError> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BundleError::io("look at", path)(error)),
        Ok(found) if found.is_symlink() => return Err(BundleError::Symlink { path: path.to_owned() }),
        Ok(found) if !is_kind(&found) => return Err(BundleError::Kind { path: path.to_owned() }),
        Ok(_) => {}
    }
    let foreign = |why| Err(BundleError::Foreign { path: path.to_owned(), why });
    let there = match read(path) {
        Err(BundleError::Archive { source, .. }) => return foreign(vec![source.to_string()]),
        there => there?,
    };
    let is_empty_folder = path.is_dir() && there.files.is_empty() && there.problems.is_empty();
    match changes(&there) {
        _ if is_empty_folder => Ok(None),
        why if why.is_empty() => Ok(Some(there)),
        why => foreign(why),
    }
}

/// The hidden folder beside a bundle in which the next one is built. Everything in it is soak's.
struct Workspace {
    path: PathBuf,
    _lock: FolderLock,
}

impl Workspace {
    fn lock(path: PathBuf) -> Result<Self, BundleError> {
        const ATTEMPTS: usize = 20;
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(BundleError::Symlink { path });
        }
        for attempt in 1.. {
            match fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(BundleError::io("create the folder", &path)(error));
                }
                _ => {}
            }
            match FolderLock::acquire(&path, LOCK_WAIT) {
                Ok(lock) => return Ok(Self { path, _lock: lock }),
                // Whoever built before has just taken the folder away.
                Err(LockError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
        unreachable!("the loop ends by its attempts")
    }

    /// Puts a former bundle back that a kill caught between two renames, and removes what else was left.
    fn recover(&self, out: &Path) -> Result<(), BundleError> {
        let old = self.path.join(OLD);
        if old.symlink_metadata().is_ok() && out.symlink_metadata().is_err() {
            fs::rename(&old, out).map_err(BundleError::io("put back", out))?;
        }
        self.empty()
    }

    fn build(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<(), BundleError> {
        let new = self.path.join(NEW);
        fs::create_dir(&new).map_err(BundleError::io("create the folder", &new))?;
        failpoint("bundle-begun");
        for (name, bytes) in files {
            write(&new.join(name), bytes)?;
            failpoint("bundle-file-written");
        }
        sync(&new)
    }

    fn install(&self, out: &Path) -> Result<(), BundleError> {
        let new = self.path.join(NEW);
        if out.symlink_metadata().is_err() {
            return fs::rename(&new, out).map_err(BundleError::io("put in place", out));
        }
        if exchange(&new, out) {
            failpoint("bundle-exchanged");
            return Ok(());
        }
        let old = self.path.join(OLD);
        fs::rename(out, &old).map_err(BundleError::io("move aside", out))?;
        failpoint("bundle-moved-aside");
        fs::rename(&new, out).map_err(|error| {
            // Better the former one than none; should that fail too, the next build does it.
            let _ = fs::rename(&old, out);
            BundleError::io("put in place", out)(error)
        })
    }

    /// Takes the folder away.
    fn clear(self, out: &Path) -> Result<(), BundleError> {
        if self.path.join(OLD).symlink_metadata().is_ok() && out.symlink_metadata().is_err() {
            // The former bundle could not be put back just now. The next build tries again.
            return Ok(());
        }
        self.empty()?;
        // Nobody misses anything when these two fail; the next build tidies up.
        let _ = fs::remove_file(self.path.join(lock::FILE_NAME));
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    fn empty(&self) -> Result<(), BundleError> {
        for name in [NEW, OLD] {
            remove(&self.path.join(name), |folder| fs::remove_dir_all(folder))?;
            failpoint("bundle-former-removed");
        }
        remove(&self.path.join(ARCHIVE), |file| fs::remove_file(file))
    }
}

/// Removes something of the workspace, if it is there.
fn remove(path: &Path, remove: fn(&Path) -> io::Result<()>) -> Result<(), BundleError> {
    match remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BundleError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(first)?;
        failpoint("bundle-half-written");
        file.write_all(second)?;
        file.sync_all()
    });
    written.map_err(BundleError::io("write", path))
}

/// Makes the names in a folder survive a power cut.
#[cfg(unix)]
fn sync(folder: &Path) -> Result<(), BundleError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(BundleError::io("sync", folder))
}

/// Nothing: a folder cannot be synced on this platform.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> Result<(), BundleError> {
    Ok(())
}

/// The files of a bundle.
pub(crate) fn read(path: &Path) -> Result<Contents, BundleError> {
    let found = fs::metadata(path).map_err(BundleError::io("read", path))?;
    if found.is_dir() {
        return read_folder(path);
    }
    if !found.is_file() {
        return Err(BundleError::Kind { path: path.to_owned() });
    }
    let file = File::open(path).map_err(BundleError::io("read", path))?;
    unpack(BufReader::new(file)).map_err(|source| BundleError::Archive { path: path.to_owned(), source })
}

fn read_folder(path: &Path) -> Result<Contents, BundleError> {
    let mut contents = Contents::default();
    let mut left = MOST_BYTES;
    for entry in fs::read_dir(path).map_err(BundleError::io("list", path))? {
        let entry = entry.map_err(BundleError::io("list", path))?;
        let reported = entry.file_name().to_string_lossy().into_owned();
        let Ok(name) = entry.file_name().into_string() else {
            contents.problems.push(format!("{reported:?} has a name that is no text"));
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

/// The operating system in the header of a gzip file: unknown.
const UNKNOWN_SYSTEM: u8 = 255;

/// Packs files below a folder, sorted by name, all with this time in seconds since 1970.
pub(super) fn pack(folder: &str, files: &BTreeMap<String, Vec<u8>>, seconds: u64) -> io::Result<Vec<u8>> {
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
fn unpack(reader: impl BufRead) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let bounded = GzDecoder::new(reader).take(MOST_BYTES);
    let mut archive = Archive::new(bounded);
    let mut top: Option<String> = None;
    for (index, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        let reported = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if index >= MOST_FILES {
            contents.problems.push(format!("the archive holds more than {MOST_FILES} files"));
            return Ok(contents);
        }
        let trimmed = reported.strip_suffix('/').unwrap_or(&reported);
        // As `tar czf v1.tgz ./v1` packs it, with or without the folder around it.
        let trimmed = trimmed.strip_prefix("./").unwrap_or(trimmed);
        let (folder, name) = trimmed.split_once('/').unwrap_or((trimmed, ""));
        let is_same = top.get_or_insert_with(|| folder.to_owned()) == folder;
        let is_folder = entry.header().entry_type() == EntryType::Directory;
        if !is_same || [".", "..", ""].contains(&folder) {
            contents.problems.push(format!("{reported:?} in the archive leads out of its folder"));
        } else if is_folder && name.is_empty() {
            // The folder itself, which other programs pack, too.
        } else if entry.header().entry_type() != EntryType::Regular {
            contents.problems.push(format!("{reported:?} in the archive is no plain file"));
        } else if name.is_empty() || name.contains('/') {
            contents.problems.push(format!("{reported:?} in the archive leads out of its folder"));
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
                contents.problems.push(format!("{name:?} occurs twice in the archive"));
            }
        }
    }
    let mut rest = archive.into_inner();
    // The blocks of zeros at the end; anything after them is not part of what was packed.
    let mut end = Vec::new();
    rest.by_ref().take(1024 * 1024).read_to_end(&mut end)?;
    if end.iter().any(|byte| *byte != 0) || end.len() == 1024 * 1024 {
        contents.problems.push("the archive continues after its end".to_owned());
    }
    if !rest.into_inner().into_inner().fill_buf()?.is_empty() {
        contents.problems.push("something follows the archive in its file".to_owned());
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use flate2::write::GzEncoder;

    use super::*;

    /// An archive of these entries: path, kind, content.
    fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, bytes) in entries {
            let mut header = Header::new_ustar();
            // Written past the checks of the library, as a forger would.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            if *kind == EntryType::Symlink {
                header.set_link_name("/etc/passwd").expect("a link");
            }
            header.set_cksum();
            builder.append(&header, *bytes).expect("memory takes it");
        }
        builder.into_inner().and_then(GzEncoder::finish).expect("memory takes it")
    }

    fn problems(entries: &[(&str, EntryType, &[u8])]) -> Vec<String> {
        unpack(archive(entries).as_slice()).expect("an archive").problems
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn what_was_packed_is_unpacked_and_packing_is_reproducible() {
        let files: BTreeMap<String, Vec<u8>> =
            [("a.md", "one"), ("b.json", "{}")].map(|(name, text)| (name.to_owned(), text.into())).into();
        let packed = pack("v1", &files, 1_767_225_600).expect("packed");
        assert_eq!(pack("v1", &files, 1_767_225_600).expect("packed"), packed);
        // The head of the gzip file contains neither time nor system.
        assert_eq!(packed[4..10], [0, 0, 0, 0, 0, 255]);
        let Contents { files: unpacked, problems } = unpack(packed.as_slice()).expect("an archive");
        assert_eq!((unpacked, problems), (files, Vec::new()));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_problems_and_give_no_file() {
        for path in ["../x", "/etc/x", "v1/../x", "v1/sub/x", "..", "x", "./x", "v1//x"] {
            let found =
                unpack(archive(&[("v1/a", FILE, b"1"), (path, FILE, b"2")]).as_slice()).expect("an archive");
            assert_eq!(found.problems.len(), 1, "{path}");
            assert_eq!(found.files.len(), 1, "{path}");
        }
        assert_eq!(problems(&[("v1/a", FILE, b"1"), ("v2/b", FILE, b"2")]).len(), 1);
    }

    #[test]
    fn a_folder_that_was_packed_with_a_dot_in_front_is_the_same() {
        let packed =
            archive(&[("./v1/", EntryType::Directory, b""), ("./v1/a", FILE, b"1"), ("v1/b", FILE, b"2")]);
        let Contents { files, problems } = unpack(packed.as_slice()).expect("an archive");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(super::tests::problems(&[("./v1/a", FILE, b"1"), ("././v1/b", FILE, b"2")]).len(), 1);
    }

    #[test]
    fn links_devices_and_folders_are_problems() {
        for kind in
            [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo, EntryType::Directory]
        {
            assert_eq!(problems(&[("v1/a", kind, b"")]).len(), 1, "{kind:?}");
        }
        assert!(problems(&[("v1/", EntryType::Directory, b""), ("v1/a", FILE, b"1")]).is_empty());
        assert_eq!(
            problems(&[("v1/a", FILE, b"1"), ("v1/a", FILE, b"2")]),
            ["\"a\" occurs twice in the archive"]
        );
    }

    #[test]
    fn an_archive_that_unpacks_without_end_is_given_up() {
        // Zeros compress a thousandfold: half a gigabyte and more in a few hundred kilobytes.
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = Header::new_ustar();
        header.set_path("v1/bomb").expect("a path");
        header.set_entry_type(FILE);
        header.set_size(MOST_BYTES * 2);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).expect("memory takes it");
        let zeros = vec![0u8; 1 << 20];
        for _ in 0..=(MOST_BYTES >> 20) {
            gzip.write_all(&zeros).expect("memory takes it");
        }
        let bomb = gzip.finish().expect("memory takes it");
        assert!(unpack(bomb.as_slice()).is_err());
        let many: Vec<String> = (0..=MOST_FILES).map(|number| format!("v1/f{number}")).collect();
        let many: Vec<(&str, EntryType, &[u8])> =
            many.iter().map(|path| (path.as_str(), FILE, &b""[..])).collect();
        assert!(problems(&many).iter().any(|problem| problem.contains("more than 1000 files")));
    }

    #[test]
    fn what_is_cut_off_or_continues_is_noticed() {
        let whole = archive(&[("v1/a", FILE, &[7; 5000])]);
        for length in [0, 1, 10, 20, whole.len() / 2, whole.len() - 1] {
            let cut = unpack(&whole[..length]);
            assert!(cut.is_err() || cut.is_ok_and(|found| !found.problems.is_empty()), "{length} bytes");
        }
        let mut longer = whole.clone();
        longer.extend(b"more");
        assert_eq!(
            unpack(longer.as_slice()).expect("an archive").problems,
            ["something follows the archive in its file"]
        );
        assert!(unpack(&b"no gzip at all"[..]).is_err());
    }
}
