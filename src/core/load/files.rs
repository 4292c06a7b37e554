//! The iteration files of a folder: which there are, whether they have changed, and what they contain. Names every one
//! that cannot be used.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use sha2::{Digest, Sha256 as Hasher};

use super::run_folder::{LARGEST, LoadError, RunFolder};
use crate::core::iteration::recorded::Sha256;
use crate::core::kpi::KpiTable;
use crate::core::load::iteration::{self, IterationFile};
use crate::core::verdict::evidence::{BadFile, LARGEST_NUMBER};
use crate::infra::archive::Kind;

/// A file that looks like an iteration by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Iteration number in the name; `007` is 7.
    pub number: u64,
    /// Symbol in the name, if there is one.
    pub symbol: Option<String>,
    pub name: String,
    /// Whether the directory says that this is a plain file; links and the rest are looked at before
    /// they are opened.
    pub is_plain_file: bool,
}

impl Entry {
    /// The file as one that cannot be used, or is not what it should be.
    pub fn as_bad(&self, reason: String) -> BadFile {
        BadFile { name: self.name.clone(), number: self.number, symbol: self.symbol.clone(), reason }
    }
}

/// Symbol and number of `ITER_SUMMARY_<n>.json` or `ITER_SUMMARY_<symbol>_<n>.json`; `None` for other names.
pub fn parse_name(name: &str) -> Option<(Option<&str>, u64)> {
    let middle = name.strip_prefix("ITER_SUMMARY_")?.strip_suffix(".json")?;
    let (symbol, digits) = match middle.rsplit_once('_') {
        Some((symbol, digits)) => (Some(symbol), digits),
        None => (None, middle),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || symbol == Some("") {
        return None;
    }
    // Digits above every number are a number above every run.
    Some((symbol, digits.parse().unwrap_or(u64::MAX)))
}

/// A folder with what its one file of iterations holds now, and its iterations, as [`list`] finds them.
pub fn open(folder: RunFolder, is_running: bool) -> Result<(RunFolder, Vec<Entry>), LoadError> {
    let folder = folder.with_lines()?;
    let entries = list(&folder, is_running)?;
    Ok((folder, entries))
}

/// The iterations of a folder, in files of their own and in one file, sorted by number, then name. Of a run in progress
/// a line that is being written is none.
pub fn list(folder: &RunFolder, is_running: bool) -> Result<Vec<Entry>, LoadError> {
    let failed = |source| LoadError::List { path: folder.path().to_owned(), source };
    let mut entries = Vec::new();
    for (name, kind) in folder.list().map_err(failed)? {
        let Some(name) = name.to_str() else { continue };
        let Some((symbol, number)) = parse_name(name) else { continue };
        entries.push(Entry {
            number,
            symbol: symbol.map(str::to_owned),
            is_plain_file: kind == Kind::File,
            name: name.to_owned(),
        });
    }
    let lines = folder.lines().map(|lines| lines.entries(is_running)).unwrap_or_default();
    entries.extend(lines.into_iter().map(|(name, number, symbol)| Entry {
        number,
        symbol,
        is_plain_file: true,
        name,
    }));
    entries.sort_unstable();
    Ok(entries)
}

/// The folder with the iterations: the one given, else `soak/latest` or `latest` below it, else the newest
/// isolated run (`RUN_<milliseconds>`) there.
pub fn resolve(requested: RunFolder) -> Result<(RunFolder, Vec<Entry>), LoadError> {
    let (requested, given) = open(requested, false)?;
    if !given.is_empty() {
        return Ok((requested, given));
    }
    let usual = [requested.below("soak").below("latest"), requested.below("latest")];
    let mut candidates = usual.to_vec();
    for parent in std::iter::once(&requested).chain(&usual) {
        candidates.extend(newest_isolated(parent));
    }
    for candidate in candidates {
        match open(candidate, false) {
            Ok((folder, entries)) if !entries.is_empty() => return Ok((folder, entries)),
            Err(error @ LoadError::Lines { .. }) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    let mut folders = requested.archived_folders(|name| parse_name(name).is_some());
    folders.sort();
    folders.dedup();
    if folders.len() > 1 {
        let folders = folders.iter().map(|folder| format!("`{folder}`")).collect();
        return Err(LoadError::SeveralRuns { path: requested.path().to_owned(), folders });
    }
    Ok((requested, given))
}

/// The folders with iterations in and below a folder of runs: the folder itself, `latest`, `RUN_*` beside and in it,
/// and what is in `history`. Each once, also where one is a link to another.
pub fn runs_below(requested: &Path) -> Result<Vec<PathBuf>, LoadError> {
    if !fs::metadata(requested)
        .map_err(|source| LoadError::Missing { path: requested.to_owned(), source })?
        .is_dir()
    {
        return Err(LoadError::NotAFolder { path: requested.to_owned() });
    }
    let latest = requested.join("latest");
    let mut candidates = vec![requested.to_owned(), latest.clone()];
    for parent in [requested, &latest] {
        candidates.extend(folders_in(parent, |name| name.starts_with("RUN_")));
    }
    candidates.extend(folders_in(&requested.join("history"), |name| !name.starts_with('.')));
    let mut seen = BTreeSet::new();
    candidates.retain(|folder| {
        open(RunFolder::on_disk(folder), false).is_ok_and(|(_, entries)| !entries.is_empty())
            && fs::canonicalize(folder).is_ok_and(|real| seen.insert(real))
    });
    Ok(candidates)
}

/// Sorted by name. A folder that cannot be listed has none.
fn folders_in(parent: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}

fn newest_isolated(parent: &RunFolder) -> Option<RunFolder> {
    let names = parent.list().ok()?.into_iter().filter_map(|(name, _)| name.into_string().ok());
    let started = |name: &String| name.strip_prefix("RUN_")?.parse::<u64>().ok();
    let (_, name) = names.filter_map(|name| Some((started(&name)?, name))).max()?;
    Some(parent.below(&name))
}

/// One file as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRead {
    /// What it contains, or why it cannot be used.
    pub content: Result<Vec<IterationFile>, String>,
    /// Hash of its bytes; `None` = not requested, or the file cannot be used.
    pub sha256: Option<Sha256>,
}

/// Reads the files in parallel, in the order of `entries`; `hashed` asks for their hashes, too.
pub fn read_all(folder: &RunFolder, entries: &[Entry], kpis: &KpiTable, hashed: bool) -> Vec<FileRead> {
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
    folder: &RunFolder,
    entry: &Entry,
    kpis: &KpiTable,
    buffer: &mut Vec<u8>,
) -> Result<Vec<IterationFile>, String> {
    if entry.number > LARGEST_NUMBER {
        return Err(format!("no run has an iteration above {LARGEST_NUMBER}"));
    }
    if !entry.is_plain_file {
        folder.check_kind(&entry.name)?;
    }
    folder.read_bounded(&entry.name, LARGEST, buffer)?;
    iteration::read(buffer, kpis)
}

/// A file that was changed so shortly before it was looked at may change again without its time moving: clocks of
/// file systems tick coarsely, the coarsest in steps of two seconds.
const TICK: Duration = Duration::from_secs(2);

/// What the file system says about a file. Links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    identity: Identity,
    settled: bool,
}

impl Stamp {
    /// The stamp of a file now; `None` when there is nothing to stamp.
    pub fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let identity = Identity::of(&meta);
        let changed = identity.changed().or(meta.modified().ok());
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        Some(Self {
            bytes: meta.len(),
            modified: meta.modified().ok(),
            identity,
            settled: age.is_some_and(|age| age >= TICK),
        })
    }

    /// Whether a file with this stamp has certainly the content that it had when `earlier` was taken.
    pub fn proves_unchanged_since(&self, earlier: &Self) -> bool {
        earlier.settled && Self { settled: true, ..*self } == *earlier
    }
}

/// Which file it is and when anything about it changed last, which no program can set at will.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

#[cfg(unix)]
impl Identity {
    fn of(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: meta.dev(), inode: meta.ino(), changed: (meta.ctime(), meta.ctime_nsec()) }
    }

    fn changed(&self) -> Option<SystemTime> {
        let (seconds, nanos) = (u64::try_from(self.changed.0).ok()?, u64::try_from(self.changed.1).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
    }
}

/// Elsewhere size and time of modification must do.
#[cfg(not(unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity;

#[cfg(not(unix))]
impl Identity {
    fn of(_: &Metadata) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the other platforms know more")]
    fn changed(&self) -> Option<SystemTime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_and_others_ignored() {
        assert_eq!(parse_name("ITER_SUMMARY_7.json"), Some((None, 7)));
        assert_eq!(parse_name("ITER_SUMMARY_007.json"), Some((None, 7)));
        assert_eq!(parse_name("ITER_SUMMARY_BTCUSDT_001.json"), Some((Some("BTCUSDT"), 1)));
        assert_eq!(parse_name("ITER_SUMMARY_A_B_12.json"), Some((Some("A_B"), 12)));
        assert_eq!(parse_name("ITER_SUMMARY_99999999999999999999999.json"), Some((None, u64::MAX)));
        for other in [
            "ITER_SUMMARY_.json",
            "ITER_SUMMARY_x.json",
            "ITER_SUMMARY_1.json.tmp",
            "ITER_SUMMARY_-1.json",
            "ITER_SUMMARY_1.5.json",
            "ITER_SUMMARY__3.json",
            "iter_summary_1.json",
            "TUNING_REPORT.json",
        ] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
