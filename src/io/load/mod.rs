//! Loading: a folder in, [`Evidence`] out. Collects every bad file instead of stopping at the first.
//!
//! Judges nothing; a folder without a single iteration is loaded like any other.

mod copies;
mod files;
mod follow;
mod listing;
mod recorded;
mod repeats;
mod sidecars;
mod stamp;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::core::evidence::{BadFile, Duplicate, Evidence, LARGEST_NUMBER, Renumbered, RunState};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::ranges::Ranges;
use crate::core::recorded::Sha256;
use crate::core::series::{Interner, Series};
use crate::wire::iteration::{IterationFile, Kind};

use files::FileRead;
pub use files::{LARGEST, read_bounded, read_plain};
pub use follow::{Follower, Look};
use listing::Entry;
pub use listing::{parse_name, runs_below};

/// A folder that cannot be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there.
    #[error("there is no folder `{}`", path.display())]
    Missing {
        /// What was asked for.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is a file.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// What was asked for.
        path: PathBuf,
    },
    /// It cannot be listed.
    #[error("the folder `{}` cannot be listed", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A loaded folder.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The folder the iterations are in; may lie below the one asked for.
    pub folder: PathBuf,
    /// What was found.
    pub evidence: Evidence,
}

/// Files are read in blocks of this many, so that memory follows the columns and not the files.
const BLOCK: usize = 4096;

/// More different sources, or commits, than a run can mean anything with; the first ones are told.
const MOST_SOURCES: usize = 16;

/// Length of the next block. Files of one number stay together, so that two of them are seen side by side.
fn end_of_block(entries: &[Entry]) -> usize {
    let mut end = BLOCK.min(entries.len());
    while end < entries.len() && entries[end].number == entries[end - 1].number {
        end += 1;
    }
    end
}

/// The numbers of the files, of whatever symbol.
fn numbers_of(entries: &[Entry]) -> Ranges {
    entries.iter().map(|entry| entry.number).filter(|number| *number <= LARGEST_NUMBER).collect()
}

/// Loads a folder.
pub fn load(asked: &Path, kpis: &KpiTable) -> Result<Loaded, LoadError> {
    let (folder, mut entries) = listing::resolve(asked)?;
    let mut evidence = Evidence::default();
    sidecars::read(&folder, &mut evidence);
    if evidence.declared.as_ref().is_some_and(|declared| declared.state == RunState::Running) {
        // The run has gone on since the first look: what its manifest tells of must be in the list. And its
        // overrides still move, so they are not the end of anything.
        (_, entries) = listing::resolve(&folder)?;
        evidence.end_overrides = None;
    }
    let folder_numbers = numbers_of(&entries);
    let mut gathering = Gathering::new(kpis);
    gathering.read(&folder, &entries);
    let hashes = gathering.finish(&mut evidence);
    recorded::compare(&folder, &hashes, &mut evidence);
    recorded::compare_artifacts(&folder, &mut evidence);
    evidence.altered.extend(copies::find(&folder, &entries, &evidence));
    evidence.folder = folder_numbers;
    evidence.repeats = repeats::find(&folder, &entries, &evidence.series, kpis);
    evidence.add_unusable_symbols(kpis.len());
    Ok(Loaded { folder, evidence })
}

/// Number, symbol in the name, and name of the iteration files in a folder, sorted by number, then name.
pub fn iteration_names(folder: &Path) -> Result<Vec<(u64, Option<String>, String)>, LoadError> {
    let entries = listing::list(folder)?;
    Ok(entries.into_iter().map(|entry| (entry.number, entry.symbol, entry.name)).collect())
}

/// Files on their way into series.
struct Gathering<'k> {
    kpis: &'k KpiTable,
    series: BTreeMap<Option<String>, Series>,
    interner: Interner,
    evidence: Evidence,
    /// Symbols in the content of usable files, by the symbol in their names where the two differ.
    renamed: BTreeMap<String, BTreeSet<String>>,
    /// Hashes of the files, where the folder has records to compare them with.
    hashes: Vec<(Entry, Sha256)>,
    /// Symbols that maps of symbols have told of so far.
    mapped: BTreeSet<String>,
}

impl<'k> Gathering<'k> {
    fn new(kpis: &'k KpiTable) -> Self {
        Self {
            kpis,
            series: BTreeMap::new(),
            interner: Interner::default(),
            evidence: Evidence::default(),
            renamed: BTreeMap::new(),
            hashes: Vec::new(),
            mapped: BTreeSet::new(),
        }
    }

    /// Reads block by block; while one is read, the one before it is put into the series.
    fn read(&mut self, folder: &Path, entries: &[Entry]) {
        let kpis = self.kpis;
        let hashed = recorded::is_recorded(folder);
        let mut rest = entries;
        let mut before: (&[Entry], Vec<_>) = (&[], Vec::new());
        while !rest.is_empty() {
            let (block, later) = rest.split_at(end_of_block(rest));
            let (entries, results) = before;
            let ((), read) = rayon::join(
                || self.append(entries, results),
                || files::read_all(folder, block, kpis, hashed),
            );
            before = (block, read);
            rest = later;
        }
        self.append(before.0, before.1);
    }

    fn append(&mut self, entries: &[Entry], results: Vec<FileRead>) {
        let mut same_number: Vec<(&Entry, IterationFile)> = Vec::new();
        for (entry, FileRead { content, sha256 }) in entries.iter().zip(results) {
            self.hashes.extend(sha256.map(|sha256| (entry.clone(), sha256)));
            if same_number.first().is_some_and(|(first, _)| first.number != entry.number) {
                self.append_number(&mut same_number);
            }
            match content {
                Ok(files) => same_number.extend(files.into_iter().map(|file| (entry, file))),
                Err(reason) => self.evidence.bad_files.push(BadFile {
                    name: entry.name.clone(),
                    number: entry.number,
                    symbol: entry.symbol.clone(),
                    reason,
                }),
            }
        }
        self.append_number(&mut same_number);
    }

    /// Appends the files of one iteration number, one a symbol, and empties the list.
    fn append_number(&mut self, files: &mut Vec<(&Entry, IterationFile)>) {
        self.complete_maps(files);
        if files.len() == 1
            && let Some((entry, mut file)) = files.pop()
        {
            let symbol = file.symbol.take().or_else(|| entry.symbol.clone());
            self.append_one(symbol, entry, file);
            return;
        }
        let mut by_symbol: BTreeMap<Option<String>, Vec<(&Entry, IterationFile)>> = BTreeMap::new();
        for (entry, mut file) in files.drain(..) {
            let symbol = file.symbol.take().or_else(|| entry.symbol.clone());
            by_symbol.entry(symbol).or_default().push((entry, file));
        }
        for (symbol, mut claims) in by_symbol {
            if claims.len() > 1 {
                self.evidence.duplicates.push(Duplicate {
                    number: claims[0].0.number,
                    names: claims.iter().map(|(entry, _)| entry.name.clone()).collect(),
                    symbol,
                });
                continue;
            }
            if let Some((entry, file)) = claims.pop() {
                self.append_one(symbol, entry, file);
            }
        }
    }

    /// A symbol that maps have told of is there in every later one, with or without values; also in a file that says
    /// nothing of any symbol.
    fn complete_maps(&mut self, files: &mut Vec<(&Entry, IterationFile)>) {
        if files.iter().all(|(_, file)| file.kind == Kind::Whole) {
            return;
        }
        let mapped = files.iter().filter(|(_, file)| file.kind == Kind::Mapped);
        self.mapped.extend(mapped.filter_map(|(_, file)| file.symbol.clone()));
        let is_known = |file: &IterationFile| {
            file.kind != Kind::Unclear || file.symbol.as_ref().is_some_and(|name| self.mapped.contains(name))
        };
        files.retain(|(_, file)| is_known(file));
        if self.mapped.is_empty() {
            return;
        }
        let empty = |(_, file): &mut (&Entry, IterationFile)| file.kind == Kind::Empty;
        let told: Vec<(&Entry, IterationFile)> = files.extract_if(.., empty).collect();
        for (entry, file) in told {
            let of_symbol =
                |name: &String| (entry, IterationFile { symbol: Some(name.clone()), ..file.clone() });
            files.extend(self.mapped.iter().map(of_symbol));
        }
    }

    fn append_one(&mut self, symbol: Option<String>, entry: &Entry, file: IterationFile) {
        if let Some(content) = file.number.filter(|content| *content != entry.number) {
            self.evidence.renumbered.push(Renumbered {
                name: entry.name.clone(),
                number: entry.number,
                content,
            });
        }
        if let (Some(named), Some(inside)) = (&entry.symbol, &symbol)
            && named != inside
        {
            self.renamed.entry(named.clone()).or_default().insert(inside.clone());
        }
        let evidence = &mut self.evidence;
        evidence.sourceless |= file.source.as_ref().is_none_or(|source| source.trim().is_empty());
        for (told, known) in [(&file.source, &mut evidence.sources), (&file.commit, &mut evidence.commits)] {
            if let Some(told) = told
                && !told.trim().is_empty()
                && known.len() < MOST_SOURCES
                && !known.contains(&**told)
            {
                known.insert(told.to_string());
            }
        }
        let mut iteration = file.iteration;
        iteration.number = entry.number;
        let is_incomplete = |kpi: &KpiId| iteration.value(*kpi).is_none();
        if !iteration.defects.is_empty() || KpiId::OF_THE_VERDICT.iter().any(is_incomplete) {
            iteration.file = Some(entry.name.as_str().into());
        }
        let kpis = self.kpis.len();
        self.series
            .entry(symbol)
            .or_insert_with_key(|symbol| Series::new(symbol.clone(), kpis))
            .push(iteration, &mut self.interner);
    }

    /// Puts what was gathered into `evidence`; gives back the hashes of the files.
    fn finish(mut self, evidence: &mut Evidence) -> Vec<(Entry, Sha256)> {
        // A file that cannot be read has no symbol but that of its name. Where all its readable siblings call
        // themselves something else, so does it.
        for bad in &mut self.evidence.bad_files {
            let inside = bad.symbol.as_ref().and_then(|named| self.renamed.get(named));
            if let Some(inside) = inside
                && inside.len() == 1
                && !self.series.contains_key(&bad.symbol)
            {
                bad.symbol = inside.first().cloned();
            }
        }
        evidence.series = self.series.into_values().collect();
        evidence.bad_files = self.evidence.bad_files;
        evidence.duplicates = self.evidence.duplicates;
        evidence.renumbered = self.evidence.renumbered;
        evidence.sources = self.evidence.sources;
        evidence.sourceless = self.evidence.sourceless;
        evidence.commits = self.evidence.commits;
        self.hashes
    }
}
