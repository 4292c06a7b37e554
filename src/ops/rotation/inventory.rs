//! What a folder contains of runs: the runs with their iterations, loose snapshots, and what is none of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::archive::ARCHIVE_ENDING;
use crate::core::iteration::manifest::RunLogLine as LogLine;
use crate::core::load::{ITERATIONS, parse_name};
use crate::core::verdict::failure::Failure;
use crate::infra::artifacts::manifest as artifact_manifest;
use crate::infra::lock;
use crate::run::folder::OVERRIDES_FILE;
use crate::run::folder::report as tuning_written;

/// Folder of loose snapshots and of the archives of those that went.
pub(super) const SNAPSHOTS: &str = "snapshots";
pub(super) const LOG_FOLDER: &str = "rotation";
/// What a former run is called while it is being removed, before its name.
pub(super) const REMOVING_PREFIX: &str = ".soak-removing-";

/// What a run is to the folder that contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Standing {
    // `latest`, or the folder itself: its old iterations may go, the run never.
    Current,
    // An isolated run or one in the history: it may go as a whole.
    Former,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IterationFile {
    /// Name in the folder of the run.
    pub name: String,
    /// Symbol in the name; `None` = the run is not per symbol.
    pub symbol: Option<String>,
    /// Iteration number.
    pub number: u64,
    /// Size.
    pub bytes: u64,
}

/// A run in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Folder relative to the one looked at, with `/` between its parts; `.` is that folder itself.
    pub name: String,
    /// Whether it may go as a whole.
    pub standing: Standing,
    /// When it was last at work.
    pub time: DateTime<Utc>,
    pub iterations: Vec<IterationFile>,
    /// Size of everything in it.
    pub bytes: u64,
    /// Why nothing in it may be touched; `None` = it may.
    pub untouchable: Option<String>,
    /// Why it cannot go as a whole although it is a former one; `None` = it can.
    pub bound: Option<String>,
}

/// A file in `snapshots`; in a result, one that became an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Snapshot {
    /// Name in `snapshots`.
    pub name: String,
    /// Bytes before.
    pub bytes: u64,
    /// Bytes of the archive; null in a plan.
    pub archive_bytes: Option<u64>,
    // When it was last written.
    #[serde(skip)]
    pub time: DateTime<Utc>,
    // Whether it is an archive already.
    #[serde(skip)]
    pub is_archive: bool,
}

/// Something that was left alone although it should have gone, or that rotation does not follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Left {
    /// Path relative to the folder rotated.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Left {
    pub(super) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

/// What a folder contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub runs: Vec<RunFacts>,
    /// Loose snapshots and their archives.
    pub snapshots: Vec<Snapshot>,
    /// Size of all files below the folder, of whatever kind.
    pub bytes: u64,
    /// How many files that are.
    pub files: u64,
    /// What prevents it, beside what the runs say.
    pub left: Vec<Left>,
}

/// What a run writes by itself, beside its iterations and what begins with `.soak-`.
const RUN_FILES: [&str; 5] = [
    crate::core::iteration::manifest::MANIFEST_FILE,
    crate::core::iteration::manifest::RUN_LOG_FILE,
    OVERRIDES_FILE,
    tuning_written::STATE_FILE,
    tuning_written::REPORT_FILE,
];

/// At most so many names of other people's files are named.
const FOREIGN_NAMED: usize = 3;

/// So much of the end of a log is read to find its last line.
const LOG_TAIL: u64 = 4096;

/// Takes the inventory of a folder. Writes nothing and follows no symbolic link.
pub(super) fn take(base: &Path) -> Result<Inventory, Failure> {
    check(base)?;
    let mut inventory = Inventory::default();
    if is_run(base) {
        add_run(base, ".", Standing::Current, &mut inventory)?;
    }
    let isolated = |name: &str| name.starts_with("RUN_");
    for (name, standing) in [("latest", Standing::Current)]
        .into_iter()
        .map(|(name, standing)| (name.to_owned(), standing))
        .chain(former(base, "", isolated, &mut inventory)?)
        .chain(former(base, "latest", isolated, &mut inventory)?)
        .chain(former(base, "history", |name| !name.starts_with('.'), &mut inventory)?)
        .collect::<Vec<_>>()
    {
        add_run(&path_of(base, &name), &name, standing, &mut inventory)?;
    }
    inventory.snapshots = snapshots(&base.join(SNAPSHOTS), &mut inventory.left)?;
    (inventory.bytes, inventory.files) = size_of(base)?;
    Ok(inventory)
}

/// Whether the folder can be rotated at all: a folder, and no link to one.
pub(super) fn check(base: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(base) {
        Ok(found) if found.is_symlink() => {
            Err(Failure::input(anyhow!("`{}` is a symbolic link", base.display()))
                .hint("name the folder that it leads to"))
        }
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Failure::input(anyhow!("`{}` is no folder", base.display())).hint(WANTED)),
        Err(source) => Err(failed("look at", base)(source)),
    }
}

/// Whether a folder holds a run itself, and not only folders of runs.
fn is_run(base: &Path) -> bool {
    base.join(crate::core::iteration::manifest::MANIFEST_FILE).symlink_metadata().is_ok()
        || fs::read_dir(base).is_ok_and(|entries| {
            entries.filter_map(Result::ok).any(|entry| {
                entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| parse_name(name).is_some() || ITERATIONS.contains(&name))
            })
        })
}

/// The former runs in a folder below the base, sorted by name.
fn former(
    base: &Path,
    below: &str,
    wanted: impl Fn(&str) -> bool,
    inventory: &mut Inventory,
) -> Result<Vec<(String, Standing)>, Failure> {
    let folder = if below.is_empty() { base.to_owned() } else { base.join(below) };
    match folder.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            inventory.left.push(Left::new(below, "is a symbolic link"));
            return Ok(Vec::new());
        }
        Ok(found) if found.is_dir() => {}
        _ => return Ok(Vec::new()),
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed("list", &folder))? {
        let entry = entry.map_err(failed("list", &folder))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let Ok(name) = entry.file_name().into_string() else { continue };
        if wanted(&name) && !is_file {
            names.push(if below.is_empty() { name } else { format!("{below}/{name}") });
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| (name, Standing::Former)).collect())
}

/// Adds the run in a folder, if there is one.
fn add_run(folder: &Path, name: &str, standing: Standing, inventory: &mut Inventory) -> Result<(), Failure> {
    match folder.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            inventory.left.push(Left::new(name, "is a symbolic link"));
            return Ok(());
        }
        Ok(found) if found.is_dir() => {}
        _ => return Ok(()),
    }
    let mut found = Found::default();
    let nested = |entry: &str| standing == Standing::Current && is_other_run(name, entry);
    found.walk(folder, "", &nested)?;
    inventory.left.extend(
        found.linked_iterations.iter().map(|file| Left::new(format!("{name}/{file}"), "is a symbolic link")),
    );
    if found.iterations.is_empty() && !folder.join(crate::core::iteration::manifest::MANIFEST_FILE).is_file()
    {
        return Ok(());
    }
    let time = worked_until(folder).or(found.newest).unwrap_or(DateTime::UNIX_EPOCH);
    inventory.runs.push(RunFacts {
        name: name.to_owned(),
        standing,
        time,
        bytes: found.bytes,
        untouchable: untouchable(folder),
        bound: found.bound(),
        iterations: found.iterations,
    });
    Ok(())
}

/// Whether a folder in a current run's folder is a run, or another thing, of its own.
fn is_other_run(run: &str, entry: &str) -> bool {
    entry.starts_with("RUN_") || (run == "." && ["latest", "history", SNAPSHOTS, LOG_FOLDER].contains(&entry))
}

/// Why nothing in a run's folder may be touched.
fn untouchable(folder: &Path) -> Option<String> {
    if let Some(holder) = lock::holder_of_run(folder) {
        return Some(format!("is in use by {holder}"));
    }
    let path = folder.join(crate::core::iteration::manifest::MANIFEST_FILE);
    let damage = match fs::read(&path) {
        Ok(bytes) => crate::core::iteration::manifest::read_declared(&bytes).err()?,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => error.to_string(),
    };
    Some(format!(
        "its {} does not say what was removed: {damage}",
        crate::core::iteration::manifest::MANIFEST_FILE
    ))
}

/// When a run was last at work: by the end of its log, else by its manifest.
fn worked_until(folder: &Path) -> Option<DateTime<Utc>> {
    let time = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let logged = tail(&folder.join(crate::core::iteration::manifest::RUN_LOG_FILE)).and_then(|tail| {
        tail.split(|byte| *byte == b'\n').filter_map(LogLine::parse).filter_map(|line| time(&line.utc)).max()
    });
    logged.or_else(|| {
        time(&crate::core::iteration::manifest::started_utc(
            &fs::read(folder.join(crate::core::iteration::manifest::MANIFEST_FILE)).ok()?,
        )?)
    })
}

/// The end of a file.
fn tail(path: &Path) -> Option<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = fs::File::open(path).ok()?;
    let start = file.metadata().ok()?.len().saturating_sub(LOG_TAIL);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// What a walk through a run's folder finds.
#[derive(Default)]
struct Found {
    iterations: Vec<IterationFile>,
    linked_iterations: Vec<String>,
    /// Paths below the run that a list of artifacts, there or in a folder below, names as soak's.
    listed: BTreeSet<String>,
    foreign: BTreeSet<String>,
    foreign_count: usize,
    bytes: u64,
    newest: Option<DateTime<Utc>>,
}

impl Found {
    fn walk(
        &mut self,
        folder: &Path,
        below: &str,
        is_other_run: &dyn Fn(&str) -> bool,
    ) -> Result<(), Failure> {
        self.listed.extend(written_by_soak(folder).map(|name| format!("{below}{name}")));
        for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
            let entry = entry.map_err(failed("list", folder))?;
            let raw = entry.file_name();
            let name = raw.to_string_lossy();
            let kind = entry.file_type().map_err(failed("look at", &entry.path()))?;
            let top = below.is_empty();
            if kind.is_dir() {
                if !(top && is_other_run(&name)) {
                    let deeper = format!("{below}{name}/");
                    self.walk(&entry.path(), &deeper, is_other_run)?;
                }
                continue;
            }
            let iteration = parse_name(&name).filter(|_| top && raw.to_str().is_some());
            if !kind.is_file() {
                if iteration.is_some() {
                    self.linked_iterations.push(name.to_string());
                }
                self.note_foreign(below, &name);
                continue;
            }
            // A file that went in the meantime is none.
            let Ok(metadata) = entry.metadata() else { continue };
            self.bytes += metadata.len();
            self.newest = self.newest.max(metadata.modified().ok().map(DateTime::from));
            if let Some((symbol, number)) = iteration {
                let symbol = symbol.map(str::to_owned);
                self.iterations.push(IterationFile {
                    number,
                    symbol,
                    name: name.to_string(),
                    bytes: metadata.len(),
                });
            } else if !(is_written_by_run(&name) || self.listed.contains(&format!("{below}{name}"))) {
                self.note_foreign(below, &name);
            }
        }
        Ok(())
    }

    fn note_foreign(&mut self, below: &str, name: &str) {
        self.foreign_count += 1;
        self.foreign.insert(format!("{below}{name}"));
        if self.foreign.len() > FOREIGN_NAMED {
            self.foreign.pop_last();
        }
    }

    /// Why the run cannot go as a whole.
    fn bound(&self) -> Option<String> {
        let names: Vec<String> = self.foreign.iter().map(|name| format!("`{name}`")).collect();
        match self.foreign_count {
            0 => None,
            count if count > names.len() => {
                let more = count - names.len();
                Some(format!("holds what soak did not write: {} and {more} more", names.join(", ")))
            }
            _ => Some(format!("holds what soak did not write: {}", names.join(", "))),
        }
    }
}

/// What a run writes, only by its name.
fn is_written_by_run(name: &str) -> bool {
    let set_aside = name.strip_suffix(".damaged").is_some_and(|name| parse_name(name).is_some());
    RUN_FILES.contains(&name) || ITERATIONS.contains(&name) || name.starts_with(".soak") || set_aside
}

/// The files that soak's list of artifacts in a folder names, there and in folders below.
fn written_by_soak(folder: &Path) -> impl Iterator<Item = String> + use<> {
    let bytes = fs::read(folder.join(artifact_manifest::FILE_NAME)).unwrap_or_default();
    let listed =
        artifact_manifest::ArtifactManifest::parse(&bytes).map(|manifest| manifest.files).unwrap_or_default();
    listed.into_iter().map(|file| file.name)
}

/// The snapshots and their archives, by name.
fn snapshots(folder: &Path, left: &mut Vec<Left>) -> Result<Vec<Snapshot>, Failure> {
    match folder.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            left.push(Left::new(SNAPSHOTS, "is a symbolic link"));
            return Ok(Vec::new());
        }
        Ok(found) if found.is_dir() => {}
        _ => return Ok(Vec::new()),
    }
    let mut snapshots = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_json = |name: &str| Path::new(name).extension().is_some_and(|ending| ending == "json");
        let is_archive = name.strip_suffix(ARCHIVE_ENDING).is_some_and(is_json);
        if name.starts_with('.') || !(is_archive || is_json(&name)) {
            continue;
        }
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            left.push(Left::new(format!("{SNAPSHOTS}/{name}"), "is no plain file"));
            continue;
        }
        let Ok(metadata) = entry.metadata() else { continue };
        let time = metadata.modified().map_or(DateTime::UNIX_EPOCH, DateTime::from);
        snapshots.push(Snapshot { name, time, bytes: metadata.len(), archive_bytes: None, is_archive });
    }
    snapshots.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(snapshots)
}

/// Bytes and number of all files below a folder; links are not followed.
fn size_of(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut bytes, mut files) = (0, 0);
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let kind = entry.file_type().map_err(failed("look at", &entry.path()))?;
        if kind.is_dir() {
            // What a killed rotation left of a run that went is gone after this one.
            if !entry.file_name().to_string_lossy().starts_with(REMOVING_PREFIX) {
                let (more, deeper) = size_of(&entry.path())?;
                (bytes, files) = (bytes + more, files + deeper);
            }
        } else if let Ok(metadata) = entry.metadata() {
            (bytes, files) = (bytes + metadata.len(), files + 1);
        }
    }
    Ok((bytes, files))
}

/// Why a folder cannot be used. A folder that is not there is a mistake on the command line.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let context = format!("cannot {action} `{}`", path.display());
    move |error| {
        let is_missing = error.kind() == ErrorKind::NotFound;
        let error = anyhow::Error::new(error).context(context);
        if is_missing { Failure::input(error).hint(WANTED) } else { Failure::output(error) }
    }
}

pub(super) const WANTED: &str = "name the folder that has `latest` in it, as in `soak artifacts usage DIR`";

/// The path of a run that the inventory names.
pub(super) fn path_of(base: &Path, name: &str) -> PathBuf {
    if matches!(name, "." | "") {
        base.to_owned()
    } else {
        name.split('/').fold(base.to_owned(), |path, part| path.join(part))
    }
}
