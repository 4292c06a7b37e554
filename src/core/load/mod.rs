//! Reading what runners have written, in all the spellings that it has had. All tolerance for foreign files is here.
//!
//! Parses straight from the text without a tree in between: this is the hot path of large folders. Opens no files.
#![expect(clippy::disallowed_methods, reason = "loading reads the folder of a run")]

pub mod audited;

pub mod provenance;

pub mod overrides_file;

pub mod edge_report;
pub mod iteration;
pub mod measurement;
pub mod overrides;
pub mod tuning;
pub mod tuning_report;

pub(crate) mod beside;
pub(crate) mod copies;
pub(crate) mod files;
pub(crate) mod follow;
pub(crate) mod lines;
pub mod run_folder;

use crate::core::iteration::recorded::Sha256;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::load::iteration::{IterationFile, Kind};
use crate::core::series::{Interner, Series};
use crate::core::verdict::evidence::{Duplicate, Evidence, LARGEST_NUMBER, Renumbered, RunState};
use files::{Entry, FileRead};
use run_folder::RunFolder;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use files::{parse_name, runs_below};
pub(crate) use lines::NAMES as ITERATIONS;
pub use run_folder::{LARGEST, LoadError, read_bounded, read_plain};

/// A loaded folder.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The folder the iterations are in; may be below the requested one.
    pub folder: RunFolder,
    /// What was found.
    pub evidence: Evidence,
}

/// Files are read in blocks of this many, so that memory follows the columns and not the files.
const BLOCK: usize = 4096;

/// More different sources, or commits, than a run can mean anything with; the first ones are kept.
const MOST_SOURCES: usize = 16;

/// Length of the next block. Files of one number stay together, so that two of them are seen side by side.
fn end_of_block(entries: &[Entry]) -> usize {
    let mut end = BLOCK.min(entries.len());
    while end < entries.len() && entries[end].number == entries[end - 1].number {
        end += 1;
    }
    end
}

/// Loads a folder.
pub fn load(requested: &Path, kpis: &KpiTable) -> Result<Loaded, LoadError> {
    load_folder(RunFolder::open(requested)?, requested, kpis, true)
}

/// The same of a folder that was opened as `asked`; `with_artifacts` asks whether its artifacts are as they were written.
fn load_folder(
    opened: RunFolder,
    requested: &Path,
    kpis: &KpiTable,
    with_artifacts: bool,
) -> Result<Loaded, LoadError> {
    let (mut folder, mut entries) = files::resolve(opened)?;
    let mut evidence = Evidence { archive: folder.archive_file(requested), ..Evidence::default() };
    beside::read(&folder, &mut evidence);
    if evidence.declared.as_ref().is_some_and(|declared| declared.state == RunState::Running) {
        // The run has gone on since the first look: what its manifest names must be in the list. And its
        // overrides still move, so they are not the end of anything.
        (folder, entries) = files::open(folder, true)?;
        evidence.end_overrides = None;
    }
    let mut gathering = Gathering::new(kpis, evidence);
    gathering.read(&folder, &entries);
    Ok(gathering.finish(folder, &entries, with_artifacts))
}

/// Number, symbol in the name, and name of the iteration files in a folder, sorted by number, then name.
pub fn iteration_names(folder: &RunFolder) -> Result<Vec<(u64, Option<String>, String)>, LoadError> {
    let entries = files::list(folder, false)?;
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
    /// Symbols in the maps of symbols so far.
    mapped: BTreeSet<String>,
}

impl<'k> Gathering<'k> {
    /// Adds to what the files beside the iterations say.
    fn new(kpis: &'k KpiTable, evidence: Evidence) -> Self {
        Self {
            kpis,
            series: BTreeMap::new(),
            interner: Interner::default(),
            evidence,
            renamed: BTreeMap::new(),
            hashes: Vec::new(),
            mapped: BTreeSet::new(),
        }
    }

    /// Reads block by block; while one is read, the one before it is put into the series.
    fn read(&mut self, folder: &RunFolder, entries: &[Entry]) {
        let kpis = self.kpis;
        let hashed = beside::is_recorded(folder);
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
                Err(reason) => self.evidence.bad_files.push(entry.as_bad(reason)),
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

    /// A symbol of an earlier map is there in every later one, with or without values; also in a file that says
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
        let is_empty = |(_, file): &mut (&Entry, IterationFile)| file.kind == Kind::Empty;
        let empty: Vec<(&Entry, IterationFile)> = files.extract_if(.., is_empty).collect();
        for (entry, file) in empty {
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
        for (named, known) in [(&file.source, &mut evidence.sources), (&file.commit, &mut evidence.commits)] {
            if let Some(named) = named
                && !named.trim().is_empty()
                && known.len() < MOST_SOURCES
                && !known.contains(&**named)
            {
                known.insert(named.to_string());
            }
        }
        let mut iteration = file.iteration;
        iteration.number = entry.number;
        let is_incomplete = |kpi: &KpiId| iteration.value(*kpi).is_none();
        if !iteration.defects.is_empty() || self.kpis.of_verdict().iter().any(is_incomplete) {
            iteration.file = Some(entry.name.as_str().into());
        }
        let kpis = self.kpis.columns();
        self.series
            .entry(symbol)
            .or_insert_with_key(|symbol| Series::new(symbol.clone(), kpis))
            .push(iteration, &mut self.interner);
    }

    /// What was found, compared with what soak recorded of it.
    fn finish(mut self, folder: RunFolder, entries: &[Entry], with_artifacts: bool) -> Loaded {
        let evidence = &mut self.evidence;
        // A file that cannot be read has no symbol but that of its name. Where all its readable siblings call
        // themselves something else, so does it.
        for bad in &mut evidence.bad_files {
            let inside = bad.symbol.as_ref().and_then(|named| self.renamed.get(named));
            if let Some(inside) = inside
                && inside.len() == 1
                && !self.series.contains_key(&bad.symbol)
            {
                bad.symbol = inside.first().cloned();
            }
        }
        evidence.series = self.series.into_values().collect();
        beside::compare_iterations(&folder, &self.hashes, evidence);
        if with_artifacts {
            beside::compare_artifacts(&folder, evidence);
        }
        let copies = copies::copies(&folder, entries, evidence);
        evidence.altered.extend(copies);
        let numbers = entries.iter().map(|entry| entry.number);
        evidence.folder = numbers.filter(|number| *number <= LARGEST_NUMBER).collect();
        evidence.repeats = copies::repeats(&folder, entries, &evidence.series, self.kpis);
        evidence.add_unusable_symbols(self.kpis.columns());
        Loaded { folder, evidence: self.evidence }
    }
}
