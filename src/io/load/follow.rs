//! Follows a folder that is being written: each look reads only the files that changed since the one before.
//!
//! What comes out is what [`super::load`] would find at that moment, nothing else; judges nothing. Costs a stamp a
//! file and look, and keeps what every file said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::files::FileRead;
use super::listing::{self, Entry};
use super::stamp::Stamp;
use super::{
    Gathering, LoadError, Loaded, copies, end_of_block, files, numbers_of, recorded, repeats, sidecars,
};
use crate::core::evidence::{Evidence, RunState};
use crate::core::kpi::KpiTable;

/// What one file said when it was last read.
#[derive(Debug)]
struct Known {
    stamp: Option<Stamp>,
    said: FileRead,
}

/// What there is in a folder, as of the last look.
#[derive(Debug)]
struct Seen {
    folder: PathBuf,
    /// Empty before the first look.
    beside: Vec<Option<Stamp>>,
    /// Evidence without iterations: what the files beside them say.
    told_beside: Evidence,
    files: BTreeMap<Entry, Known>,
}

/// What a look cost, and what it found.
#[derive(Debug)]
pub struct Look {
    /// The folder as it is now; `None` when nothing has changed since the look before.
    pub changed: Option<Loaded>,
    /// Iteration files in the folder.
    pub files: usize,
    /// Iteration files that were read.
    pub read: usize,
}

/// Follows one folder.
#[derive(Debug)]
pub struct Follower {
    asked: PathBuf,
    kpis: KpiTable,
    seen: Option<Seen>,
}

impl Follower {
    /// Will follow the folder; nothing is read before the first [`Self::look`].
    pub fn new(asked: &Path, kpis: &KpiTable) -> Self {
        Self { asked: asked.to_owned(), kpis: kpis.clone(), seen: None }
    }

    /// Forgets what was seen: the next look reads everything.
    pub fn forget(&mut self) {
        self.seen = None;
    }

    /// Looks at the folder. After an error the next look begins from nothing.
    pub fn look(&mut self) -> Result<Look, LoadError> {
        let mut seen = match self.seen.take() {
            Some(seen) => seen,
            None => Seen::nothing_of(listing::resolve(&self.asked)?.0),
        };
        let mut beside_changed = seen.look_beside();
        // What the manifest tells of must be in the list, so the list is made after it was read.
        let (folder, mut entries) = listing::resolve(&self.asked)?;
        if folder != seen.folder {
            seen = Seen::nothing_of(folder);
            beside_changed = seen.look_beside();
            entries = listing::list(&seen.folder)?;
        }
        let files = entries.len();
        let (read, files_changed) = seen.look_at(entries, &self.kpis);
        let changed = (beside_changed || files_changed).then(|| seen.gather(&self.kpis));
        self.seen = Some(seen);
        Ok(Look { changed, files, read })
    }
}

impl Seen {
    fn nothing_of(folder: PathBuf) -> Self {
        Self { folder, beside: Vec::new(), told_beside: Evidence::default(), files: BTreeMap::new() }
    }

    /// Reads what stands beside the iterations, if any of it changed. Says whether it says something new; the
    /// first look always does.
    fn look_beside(&mut self) -> bool {
        let first = self.beside.is_empty();
        let stamps: Vec<Option<Stamp>> =
            sidecars::NAMES.iter().map(|name| Stamp::of(&self.folder.join(name))).collect();
        let is_as_before = |(now, before): (&Option<Stamp>, &Option<Stamp>)| match (now, before) {
            (Some(now), Some(before)) => now.proves_unchanged_since(before),
            (None, None) => true,
            _ => false,
        };
        if !first && stamps.iter().zip(&self.beside).all(is_as_before) {
            return false;
        }
        let mut evidence = Evidence::default();
        sidecars::read(&self.folder, &mut evidence);
        if evidence.declared.as_ref().is_some_and(|declared| declared.state == RunState::Running) {
            // Its overrides still move, so they are not the end of anything.
            evidence.end_overrides = None;
        }
        self.beside = stamps;
        let changed = first || evidence != self.told_beside;
        self.told_beside = evidence;
        changed
    }

    /// Reads the iteration files that changed. Says how many were read, and whether any says something new or is
    /// gone.
    fn look_at(&mut self, entries: Vec<Entry>, kpis: &KpiTable) -> (usize, bool) {
        let folder = &self.folder;
        let stamps: Vec<Option<Stamp>> =
            entries.par_iter().with_min_len(256).map(|entry| Stamp::of(&folder.join(&entry.name))).collect();
        let mut known = std::mem::take(&mut self.files);
        let mut unread = Vec::new();
        for (entry, stamp) in entries.into_iter().zip(stamps) {
            let before = known.get(&entry).and_then(|known| known.stamp);
            let unchanged =
                stamp.zip(before).is_some_and(|(stamp, before)| stamp.proves_unchanged_since(&before));
            match known.remove_entry(&entry) {
                Some((entry, known)) if unchanged => drop(self.files.insert(entry, known)),
                before => unread.push((entry, stamp, before.map(|(_, known)| known))),
            }
        }
        // What is left is not in the folder any more.
        let mut changed = !known.is_empty();
        let hashed = recorded::is_recorded(folder);
        let wanted: Vec<Entry> = unread.iter().map(|(entry, ..)| entry.clone()).collect();
        for ((entry, stamp, before), said) in
            unread.into_iter().zip(files::read_all(folder, &wanted, kpis, hashed))
        {
            changed |= before.is_none_or(|before| before.said != said);
            self.files.insert(entry, Known { stamp, said });
        }
        (wanted.len(), changed)
    }

    fn gather(&self, kpis: &KpiTable) -> Loaded {
        let mut evidence = self.told_beside.clone();
        let mut gathering = Gathering::new(kpis);
        let entries: Vec<Entry> = self.files.keys().cloned().collect();
        let mut said = self.files.values().map(|known| &known.said);
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (block, later) = rest.split_at(end_of_block(rest));
            gathering.append(block, said.by_ref().take(block.len()).cloned().collect());
            rest = later;
        }
        let hashes = gathering.finish(&mut evidence);
        recorded::compare(&self.folder, &hashes, &mut evidence);
        evidence.altered.extend(copies::find(&self.folder, &entries, &evidence));
        evidence.folder = numbers_of(&entries);
        evidence.repeats = repeats::find(&self.folder, &entries, &evidence.series, kpis);
        evidence.add_unusable_symbols(kpis.len());
        Loaded { folder: self.folder.clone(), evidence }
    }
}

#[cfg(test)]
mod tests;
