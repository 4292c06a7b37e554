//! An archive of a folder (.tar.gz, .tgz, .tar or .zip), unpacked into memory and nowhere else: nothing in it can lead to
//! a place outside, and nothing is left behind. Its first bytes say what it is, whatever its name ends in.
//!
//! An archive is taken whole or not at all. Refused are one that is cut off, damaged, encrypted or too large, and one with
//! a name that leads out of it, a name that is there twice, or anything but files, folders and links between its folders.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tar::EntryType;
use zip::ZipArchive;

use super::artifacts::manifest::sha256_hex;

/// More entries than a run has.
const MOST_ENTRIES: usize = 500_000;

/// More bytes than a run has, packed or unpacked: all of them are held in memory.
const MOST_BYTES: u64 = 1 << 30;

/// A run unpacks to some twenty times the size of its archive; one that unpacks to more than this many times is made to
/// fill the memory.
const MOST_RATIO: u64 = 200;

/// Unpacked bytes below which the ratio says nothing.
const HARMLESS: u64 = 64 << 20;

/// Links in a row that are followed.
const MOST_LINKS: usize = 16;

/// The zeros at the end of a tar archive.
const END_OF_TAR: u64 = 1024;

/// Beginnings of archives that are known and not read.
const FOREIGN: [(&[u8], &str); 5] = [
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
];

/// An archive that cannot be read as a folder.
#[derive(Debug, thiserror::Error)]
#[error("the archive `{}` cannot be used: {reason}", path.display())]
pub struct ArchiveError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl ArchiveError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        if self.reason.contains("link") {
            "pack what links lead to: `tar --dereference --hard-dereference -czf run.tar.gz DIR`"
        } else {
            "pack the run again: `tar -czf run.tar.gz DIR`"
        }
    }
}

/// What a path in an archive leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File(Vec<u8>),
    Folder,
    /// A symbolic link and where it leads, from the folder that it is in.
    Link(String),
}

/// What is behind a name; a link is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket or a device; only on a disk.
    Other,
}

/// An archive, unpacked.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// By path: names with `/` between them.
    nodes: BTreeMap<String, Node>,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// What the first bytes of a file say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Gzip,
    Tar,
    Zip,
    Foreign(&'static str),
}

impl Format {
    fn of(start: &[u8]) -> Option<Self> {
        let foreign = FOREIGN.iter().find(|(magic, _)| start.starts_with(magic));
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ if is_tar(start) => Some(Self::Tar),
            _ => foreign.map(|(_, name)| Self::Foreign(name)),
        }
    }
}

fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// Whether a path is a plain file that begins as an archive does.
pub fn is_archive(path: &Path) -> bool {
    let mut start = Vec::new();
    let is_read = std::fs::metadata(path).is_ok_and(|found| found.is_file())
        && File::open(path).and_then(|file| file.take(512).read_to_end(&mut start)).is_ok();
    is_read && Format::of(&start).is_some()
}

impl Archive {
    /// Reads and unpacks an archive.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        Self::read(path).map_err(|reason| ArchiveError { path: path.to_owned(), reason })
    }

    fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("it cannot be read: {error}"))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(format!("it is larger than {} MiB", MOST_BYTES >> 20));
        }
        Self::unpack(&bytes)
    }

    fn unpack(bytes: &[u8]) -> Result<Self, String> {
        let mut archive = Self { nodes: BTreeMap::new(), sha256: sha256_hex(bytes) };
        match Format::of(bytes) {
            Some(Format::Gzip) => {
                measure(bytes)?;
                archive.untar(MultiGzDecoder::new(bytes), bytes.len())?;
            }
            Some(Format::Tar) => archive.untar(bytes, bytes.len())?,
            Some(Format::Zip) => archive.unzip(bytes)?,
            Some(Format::Foreign(name)) => {
                return Err(format!("its format is {name}; .tar.gz, .tgz, .tar and .zip are read"));
            }
            None => return Err("it is none of .tar.gz, .tgz, .tar and .zip".to_owned()),
        }
        archive.check_links()?;
        Ok(archive)
    }

    fn untar(&mut self, reader: impl Read, packed: usize) -> Result<(), String> {
        let budget = Budget::of(packed);
        let over = Rc::new(Cell::new(false));
        let stream = Counted { inner: reader, left: budget.bytes, zeros: 0, over: Rc::clone(&over) };
        let mut tar = tar::Archive::new(stream);
        let unpacked = self.untar_entries(&mut tar, budget);
        let result = unpacked.and_then(|()| end_of_tar(tar.into_inner()));
        if over.get() { Err(budget.exceeded()) } else { result }
    }

    fn untar_entries(&mut self, tar: &mut tar::Archive<impl Read>, mut budget: Budget) -> Result<(), String> {
        for (count, entry) in tar.entries().map_err(damaged)?.enumerate() {
            let mut entry = entry.map_err(damaged)?;
            check_count(count)?;
            let name = entry.path_bytes().into_owned();
            let node = match entry.header().entry_type() {
                EntryType::XGlobalHeader => continue,
                EntryType::Directory => Node::Folder,
                EntryType::Regular if name.ends_with(b"/") => Node::Folder,
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    let size = entry.size();
                    let bytes = budget.take(&mut entry)?;
                    if bytes.len() as u64 != size {
                        return Err(CUT_OFF.to_owned());
                    }
                    Node::File(bytes)
                }
                EntryType::Symlink => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    Node::Link(String::from_utf8_lossy(&target).into_owned())
                }
                EntryType::Link => return Err(format!("{} is a hard link", shown(&name))),
                _ => return Err(format!("{} is neither a file nor a folder", shown(&name))),
            };
            self.put(&name, node)?;
        }
        Ok(())
    }

    fn unzip(&mut self, bytes: &[u8]) -> Result<(), String> {
        const KIND: u32 = 0o170_000;
        let damaged = |error: zip::result::ZipError| damaged(error.into());
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        check_count(zip.len().saturating_sub(1))?;
        if zip.has_duplicate_names() {
            return Err("a name is in it twice".to_owned());
        }
        if zip.has_overlapping_files().map_err(damaged)? {
            return Err("its files overlap".to_owned());
        }
        let mut budget = Budget::of(bytes.len());
        for index in 0..zip.len() {
            let entry = zip.by_index_data(index).map_err(damaged)?;
            if entry.encrypted() {
                return Err(format!("{} is encrypted", shown(entry.name_raw())));
            }
            let mut file = zip.by_index(index).map_err(damaged)?;
            let name = file.name_raw().to_owned();
            let node = match file.unix_mode().map_or(0, |mode| mode & KIND) {
                _ if file.is_dir() => Node::Folder,
                0 | 0o100_000 => Node::File(budget.take(&mut file)?),
                0o120_000 => Node::Link(String::from_utf8_lossy(&budget.take(&mut file)?).into_owned()),
                _ => return Err(format!("{} is neither a file nor a folder", shown(&name))),
            };
            self.put(&name, node)?;
        }
        Ok(())
    }

    /// Adds an entry with the folders that it is in.
    fn put(&mut self, name: &[u8], node: Node) -> Result<(), String> {
        let refused = |what: &str| Err(format!("the name {} {what}", shown(name)));
        let Ok(text) = std::str::from_utf8(name) else { return refused("is not UTF-8") };
        if text.contains(['\0', '\\']) {
            return refused("contains a backslash or a zero");
        }
        if text.starts_with('/') || text.as_bytes().get(1) == Some(&b':') {
            return refused("is an absolute path");
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") {
            return refused("leads out of the archive");
        }
        let mut path = String::new();
        for (depth, part) in parts.iter().enumerate() {
            if depth > 0 {
                path.push('/');
            }
            path.push_str(part);
            if depth + 1 < parts.len() {
                match self.nodes.get(&path) {
                    Some(Node::Folder) => {}
                    Some(_) => return refused("is below something that is no folder"),
                    None => drop(self.nodes.insert(path.clone(), Node::Folder)),
                }
            }
        }
        match self.nodes.get(&path) {
            // The folder of the archive itself.
            _ if path.is_empty() && node == Node::Folder => {}
            _ if path.is_empty() => return refused("is empty"),
            None => drop(self.nodes.insert(path, node)),
            Some(Node::Folder) if node == Node::Folder => {}
            Some(_) => return refused("is in it twice"),
        }
        Ok(())
    }

    /// Every link leads to a folder of the archive.
    fn check_links(&self) -> Result<(), String> {
        for (name, _) in self.nodes.iter().filter(|(_, node)| matches!(node, Node::Link(_))) {
            if !self.is_folder(name) {
                let name = shown(name.as_bytes());
                return Err(format!(
                    "{name} is a symbolic link that does not lead to a folder in the archive"
                ));
            }
        }
        Ok(())
    }

    /// The path without links and `..`; `None` where it leads out of the archive.
    fn real(&self, path: &str) -> Option<String> {
        let mut ahead: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let (mut real, mut links) = (Vec::new(), 0);
        while let Some(part) = ahead.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop()?;
                    continue;
                }
                _ => real.push(part),
            }
            if let Some(Node::Link(target)) = self.nodes.get(&real.join("/")) {
                links += 1;
                if links > MOST_LINKS || target.is_empty() || target.starts_with('/') {
                    return None;
                }
                real.pop();
                target.rsplit('/').for_each(|part| ahead.push_front(part.to_owned()));
            }
        }
        Some(real.join("/"))
    }

    /// What is at a path; links are followed.
    fn find(&self, path: &str) -> Option<&Node> {
        match self.nodes.get(path) {
            Some(node) if !matches!(node, Node::Link(_)) => Some(node),
            _ => self.nodes.get(&self.real(path)?),
        }
    }

    /// The content of a file; links are followed.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        match self.find(path)? {
            Node::File(bytes) => Some(bytes),
            Node::Folder | Node::Link(_) => None,
        }
    }

    /// Whether there is a folder; links are followed.
    pub fn is_folder(&self, path: &str) -> bool {
        self.real(path).is_some_and(|real| real.is_empty() || self.nodes.get(&real) == Some(&Node::Folder))
    }

    /// What is behind the name at the end of a path, and its size in bytes. That name is no link that is followed.
    pub fn look_at(&self, path: &str) -> Option<(Kind, u64)> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.real(folder)?;
        let node = match name {
            "" | "." | ".." => self.find(path)?,
            _ if folder.is_empty() => self.nodes.get(name)?,
            _ => self.nodes.get(&format!("{folder}/{name}"))?,
        };
        Some(match node {
            Node::File(bytes) => (Kind::File, bytes.len() as u64),
            Node::Folder => (Kind::Folder, 0),
            Node::Link(target) => (Kind::Link, target.len() as u64),
        })
    }

    /// The names in a folder, sorted, and what is behind each; `None` where there is no folder.
    pub fn list(&self, path: &str) -> Option<Vec<(&str, Kind)>> {
        if !self.is_folder(path) {
            return None;
        }
        let real = self.real(path)?;
        let prefix = if real.is_empty() { real } else { real + "/" };
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let below = self.nodes.range::<str, _>(from).take_while(|(name, _)| name.starts_with(&prefix));
        let direct = below.filter_map(|(name, node)| {
            let name = &name[prefix.len()..];
            let kind = match node {
                Node::File(_) => Kind::File,
                Node::Folder => Kind::Folder,
                Node::Link(_) => Kind::Link,
            };
            (!name.contains('/')).then_some((name, kind))
        });
        Some(direct.collect())
    }

    /// The folders in which a file has such a name.
    pub fn folders_with(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let files = self.nodes.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        let mut folders: Vec<String> = files
            .filter_map(|(path, _)| path.rsplit_once('/').filter(|(_, name)| is_meant(name)))
            .map(|(folder, _)| folder.to_owned())
            .collect();
        folders.dedup();
        folders
    }

    /// The folder that was packed: where all of the archive lies in one folder, that one. What packers add for
    /// themselves does not count.
    pub fn top(&self) -> String {
        let mut top = String::new();
        loop {
            let names = self.list(&top).unwrap_or_default();
            let mut own = names.iter().filter(|(name, _)| !name.starts_with('.') && *name != "__MACOSX");
            match (own.next(), own.next()) {
                (Some((name, Kind::Folder)), None) if top.is_empty() => (*name).clone_into(&mut top),
                (Some((name, Kind::Folder)), None) => top = format!("{top}/{name}"),
                _ => return top,
            }
        }
    }
}

const CUT_OFF: &str = "it ends in the middle";

#[expect(clippy::needless_pass_by_value, reason = "what errors are mapped with")]
fn damaged(error: io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return CUT_OFF.to_owned();
    }
    format!("it is damaged: {error}")
}

fn check_count(before: usize) -> Result<(), String> {
    if before < MOST_ENTRIES { Ok(()) } else { Err(format!("it has more than {MOST_ENTRIES} entries")) }
}

/// A name as an error shows it.
fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(name);
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { format!("`{cut}…`") } else { format!("`{text}`") }
}

/// Only zeros follow the last entry, enough of them.
fn end_of_tar(mut rest: Counted<impl Read>) -> Result<(), String> {
    let mut block = [0; 4096];
    loop {
        match rest.read(&mut block).map_err(damaged)? {
            0 if rest.zeros < END_OF_TAR => return Err(CUT_OFF.to_owned()),
            0 => return Ok(()),
            length if block[..length].iter().any(|byte| *byte != 0) => {
                return Err("something follows the end of the archive in its file".to_owned());
            }
            _ => {}
        }
    }
}

/// The bytes that an archive may still unpack to.
#[derive(Clone, Copy, Debug)]
struct Budget {
    bytes: u64,
    is_of_ratio: bool,
}

impl Budget {
    /// Of an archive of this size.
    fn of(packed: usize) -> Self {
        let by_ratio = HARMLESS.max((packed as u64).saturating_mul(MOST_RATIO));
        Self { bytes: by_ratio.min(MOST_BYTES), is_of_ratio: by_ratio < MOST_BYTES }
    }

    /// Reads the whole of an entry.
    fn take(&mut self, entry: &mut impl Read) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        entry.take(self.bytes + 1).read_to_end(&mut bytes).map_err(damaged)?;
        let left = self.bytes.checked_sub(bytes.len() as u64).ok_or_else(|| self.exceeded())?;
        self.bytes = left;
        Ok(bytes)
    }

    fn exceeded(self) -> String {
        if self.is_of_ratio {
            return format!("it unpacks to more than {MOST_RATIO} times its size");
        }
        format!("it unpacks to more than {} MiB", MOST_BYTES >> 20)
    }
}

/// That the bytes of a `.gz` do not unpack to more than a run has. Nothing is kept, so that a bomb fills no memory.
fn measure(packed: &[u8]) -> Result<(), String> {
    let budget = Budget::of(packed.len());
    let stream = MultiGzDecoder::new(packed).take(budget.bytes.saturating_add(1));
    // What is damaged is named where it is read.
    let unpacked = std::io::copy(&mut { stream }, &mut std::io::sink()).unwrap_or_default();
    if unpacked > budget.bytes { Err(budget.exceeded()) } else { Ok(()) }
}

/// A stream that ends with an error after so many bytes, and counts the zeros at its end.
struct Counted<R> {
    inner: R,
    left: u64,
    zeros: u64,
    over: Rc<Cell<bool>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(length as u64) else {
            self.over.set(true);
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left = left;
        let zeros = buffer[..length].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == length { self.zeros } else { 0 } + zeros as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const FILE: EntryType = EntryType::Regular;

    /// Entries as they are, whatever their names are.
    fn tar(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_entry_type(*kind);
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if is_link {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content);
            }
            let content = if is_link { &[][..] } else { content };
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, content).expect("memory takes it");
        }
        builder.into_inner().expect("memory takes it")
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).expect("memory takes it");
        gzip.finish().expect("memory takes it")
    }

    fn zip(entries: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        for (name, content) in entries {
            if let Some(content) = content {
                writer.start_file(*name, options).expect("a name");
                writer.write_all(content).expect("memory takes it");
            } else {
                writer.add_directory(*name, options).expect("a name");
            }
        }
        writer.finish().expect("memory takes it").into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        Archive::unpack(bytes).expect_err("it must be refused")
    }

    fn refusal_of(name: &[u8], kind: EntryType, content: &[u8]) -> String {
        refusal(&tar(&[(b"run/a", FILE, b"1"), (name, kind, content)]))
    }

    #[test]
    fn all_formats_give_the_same_folder() {
        let files: [(&[u8], EntryType, &[u8]); 3] =
            [(b"run/", EntryType::Directory, b""), (b"run/a", FILE, b"1"), (b"run/b/c", FILE, b"22")];
        let plain = tar(&files);
        let two_members = [gzip(&plain[..700]), gzip(&plain[700..])].concat();
        let zipped = zip(&[("run/", None), ("run/a", Some(b"1")), ("run/b/c", Some(b"22"))]);
        for bytes in [plain.clone(), gzip(&plain), two_members, zipped] {
            let archive = Archive::unpack(&bytes).expect("an archive");
            assert_eq!(archive.sha256, sha256_hex(&bytes));
            assert_eq!(archive.list("run"), Some(vec![("a", Kind::File), ("b", Kind::Folder)]));
            assert_eq!(archive.file("run/b/../b/c"), Some(&b"22"[..]));
            assert_eq!(archive.look_at("run/b/c"), Some((Kind::File, 2)));
            assert_eq!(
                (archive.file("run/b"), archive.file("run/../../run/a"), archive.list("run/a")),
                (None, None, None)
            );
            assert!(archive.is_folder("") && archive.is_folder("run/b") && !archive.is_folder("run/a"));
        }
    }

    #[test]
    fn the_folder_that_was_packed_is_found_below_what_leads_to_it() {
        let top = |names: &[&[u8]]| {
            let entries: Vec<(&[u8], EntryType, &[u8])> =
                names.iter().map(|name| (*name, FILE, &b"1"[..])).collect();
            Archive::unpack(&gzip(&tar(&entries))).expect("an archive").top()
        };
        assert_eq!(top(&[b"a", b"b"]), "");
        assert_eq!(top(&[b"./a", b"./b/c"]), "");
        assert_eq!(top(&[b"run/a", b"run/b"]), "run");
        assert_eq!(top(&[b"x/y/run/a", b"x/y/run/b"]), "x/y/run");
        assert_eq!(top(&[b"soak/latest/a", b"soak/history/b"]), "soak");
        assert_eq!(top(&[b"run/a", b".DS_Store", b"__MACOSX/run/._a"]), "run");
        assert_eq!(top(&[]), "");
    }

    #[test]
    fn names_that_lead_out_or_are_no_text_are_refused() {
        for (name, words) in [
            (&b"../x"[..], "leads out"),
            (b"run/../../x", "leads out"),
            (b"run/..", "leads out"),
            (b"/etc/passwd", "absolute"),
            (b"C:/x", "absolute"),
            (b"run\\x", "backslash"),
            (b"run/\xff\xfe", "not UTF-8"),
            (b"./", "is empty"),
        ] {
            let kind = if name == b"./" { EntryType::Continuous } else { FILE };
            let reason = refusal_of(name, kind, b"2");
            assert!(reason.contains(words), "{reason}");
        }
        let reason = refusal(&zip(&[("run/a", Some(b"1")), ("../x", Some(b"2"))]));
        assert!(reason.contains("leads out"), "{reason}");
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused_and_a_folder_is_not() {
        for name in [&b"run/a"[..], b"./run//a", b"run"] {
            assert!(refusal_of(name, FILE, b"2").contains("is in it twice"), "{name:?}");
        }
        assert!(refusal_of(b"run/a/b", FILE, b"2").contains("is below something that is no folder"));
        let folder: (&[u8], EntryType, &[u8]) = (b"run/", EntryType::Directory, b"");
        assert!(Archive::unpack(&tar(&[folder, folder, (b"run/a", FILE, b"1")])).is_ok());
        let mut bytes = zip(&[("run/a", Some(b"1")), ("run/b", Some(b"2"))]);
        for at in 0..bytes.len() - 5 {
            if &bytes[at..at + 5] == b"run/b" {
                bytes[at + 4] = b'a';
            }
        }
        assert_eq!(refusal(&bytes), "a name is in it twice");
    }

    #[test]
    fn links_to_folders_of_the_archive_are_followed_and_all_others_are_refused() {
        const LINK: EntryType = EntryType::Symlink;
        let good =
            [(&b"s/R/a"[..], FILE, &b"1"[..]), (b"s/latest", LINK, b"./R/"), (b"s/x/l", LINK, b"../latest")];
        let archive = Archive::unpack(&tar(&good)).expect("an archive");
        assert_eq!(archive.file("s/latest/a"), Some(&b"1"[..]));
        assert_eq!(archive.list("s/x/l"), Some(vec![("a", Kind::File)]));
        assert_eq!(archive.look_at("s/latest"), Some((Kind::Link, 4)));
        assert_eq!(archive.look_at("s/latest/a"), Some((Kind::File, 1)));
        for target in [&b"/etc"[..], b"../..", b"a", b"nothing", b"l", b""] {
            let reason = refusal_of(b"run/l", LINK, target);
            assert!(reason.contains("`run/l` is a symbolic link that does not lead"), "{reason}");
        }
        assert!(refusal_of(b"run/l", EntryType::Link, b"run/a").contains("`run/l` is a hard link"));
        for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::new(b'D')] {
            assert!(refusal_of(b"run/l", kind, b"").contains("neither a file nor a folder"), "{kind:?}");
        }
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("run/l", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
        let reason = refusal(&writer.finish().expect("memory takes it").into_inner());
        assert!(reason.contains("symbolic link"), "{reason}");
    }

    #[test]
    fn what_is_cut_off_is_refused_or_lacks_nothing() {
        let plain = tar(&[(b"run/a", FILE, &[7; 700]), (b"run/b", FILE, &[8; 512])]);
        for whole in
            [plain.clone(), gzip(&plain), zip(&[("run/a", Some(&[7; 700])), ("run/b", Some(&[8; 512]))])]
        {
            let nodes = Archive::unpack(&whole).expect("an archive").nodes;
            let mut refused = 0;
            for length in 0..whole.len() {
                match Archive::unpack(&whole[..length]) {
                    Ok(cut) => assert_eq!(cut.nodes, nodes, "{length} of {} bytes", whole.len()),
                    Err(_) => refused += 1,
                }
            }
            assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
        }
        assert_eq!(refusal(&plain[..plain.len() - 1024]), CUT_OFF);
        assert_eq!(refusal(&gzip(&plain)[..100]), CUT_OFF);
    }

    #[test]
    fn what_follows_the_end_is_refused() {
        let two = [tar(&[(b"run/a", FILE, b"1")]), tar(&[(b"run/a", FILE, b"2")])].concat();
        for bytes in [two.clone(), gzip(&two)] {
            assert_eq!(refusal(&bytes), "something follows the end of the archive in its file");
        }
        let longer = [gzip(&tar(&[(b"run/a", FILE, b"1")])), b"more than a header".to_vec()].concat();
        assert!(refusal(&longer).contains("damaged"), "{}", refusal(&longer));
        let padded = [tar(&[(b"run/a", FILE, b"1")]), vec![0; 10_240]].concat();
        assert!(Archive::unpack(&padded).is_ok());
    }

    #[test]
    fn an_archive_that_unpacks_to_far_more_than_its_size_is_given_up() {
        let zeros = vec![0; usize::try_from(HARMLESS).expect("small") + 1];
        let reason = format!("it unpacks to more than {MOST_RATIO} times its size");
        assert_eq!(refusal(&gzip(&tar(&[(b"run/a", FILE, &zeros)]))), reason);
        assert_eq!(refusal(&zip(&[("run/a", Some(&zeros))])), reason);
        // A file of holes: a block that says that it is large.
        let mut header = Header::new_gnu();
        header.set_path("run/a").expect("a name");
        header.set_entry_type(EntryType::GNUSparse);
        header.set_size(0);
        let gnu = header.as_gnu_mut().expect("a GNU header");
        gnu.set_real_size(HARMLESS + 1);
        gnu.sparse[0].set_offset(HARMLESS + 1);
        gnu.sparse[0].set_length(0);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend([0; 1024]);
        assert_eq!(refusal(&bytes), reason);
    }

    #[test]
    fn the_budget_is_a_multiple_of_the_size_between_two_limits() {
        let of = |packed| (Budget::of(packed).bytes, Budget::of(packed).is_of_ratio);
        assert_eq!(of(0), (HARMLESS, true));
        assert_eq!(of(1 << 20), (200 << 20, true));
        assert_eq!(of(1 << 25), (MOST_BYTES, false));
        assert_eq!(Budget::of(1 << 25).exceeded(), "it unpacks to more than 1024 MiB");
        assert!(check_count(MOST_ENTRIES - 1).is_ok());
        assert_eq!(check_count(MOST_ENTRIES), Err("it has more than 500000 entries".to_owned()));
    }

    #[test]
    fn an_encrypted_zip_and_other_formats_say_so() {
        let mut bytes = zip(&[("run/a", Some(b"1"))]);
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").expect("a directory");
        bytes[6] |= 1;
        bytes[central + 8] |= 1;
        assert_eq!(refusal(&bytes), "`run/a` is encrypted");
        assert_eq!(refusal(b"\xfd7zXZ\0..."), "its format is xz; .tar.gz, .tgz, .tar and .zip are read");
        assert_eq!(refusal(b"{}"), "it is none of .tar.gz, .tgz, .tar and .zip");
        assert!(refusal(&gzip(b"{\"no\": \"tar\"}")).contains("damaged") || refusal(&gzip(b"{}")) == CUT_OFF);
        assert!(!is_archive(Path::new("/dev/null")) && !is_archive(Path::new("/nowhere")));
    }
}
