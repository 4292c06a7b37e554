//! Iteration files that are exact copies of another one, under another number.
//!
//! Files are read again only where the content gives another number than the name does, or where two iterations have
//! the same time stamp and hardly any other two do: loading costs no more than before.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::read_plain;
use super::listing::Entry;
use crate::core::evidence::{BadFile, Evidence};

/// The copies, each with the file that it is a copy of.
pub fn find(folder: &Path, entries: &[Entry], evidence: &Evidence) -> Vec<BadFile> {
    let mut groups: BTreeMap<(Option<&str>, u64), Vec<&Entry>> = BTreeMap::new();
    for other in &evidence.renumbered {
        let Some(entry) = of_number(entries, other.number).iter().find(|entry| entry.name == other.name)
        else {
            continue;
        };
        let symbol = entry.symbol.as_deref();
        let original =
            || of_number(entries, other.content).iter().filter(|entry| entry.symbol.as_deref() == symbol);
        groups.entry((symbol, other.content)).or_insert_with(|| original().collect()).push(entry);
    }
    let mut groups: Vec<Vec<&Entry>> = groups.into_values().collect();
    groups.extend(of_one_time(entries, evidence));
    let mut copies: BTreeMap<&str, BadFile> = BTreeMap::new();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let mut seen: Vec<(&Entry, Vec<u8>)> = Vec::new();
        for entry in group {
            let Ok(bytes) = read_plain(&folder.join(&entry.name)) else { continue };
            match seen.iter().find(|(_, known)| *known == bytes) {
                Some((original, _)) if original.name != entry.name => {
                    let reason = format!("is an exact copy of `{}`", original.name);
                    let BadFile { .. } = copies.entry(&entry.name).or_insert_with(|| BadFile {
                        name: entry.name.clone(),
                        number: entry.number,
                        symbol: entry.symbol.clone(),
                        reason,
                    });
                }
                Some(_) => {}
                None => seen.push((entry, bytes)),
            }
        }
    }
    copies.into_values().collect()
}

fn of_number(entries: &[Entry], number: u64) -> &[Entry] {
    let from = entries.partition_point(|entry| entry.number < number);
    let end = entries.partition_point(|entry| entry.number <= number);
    &entries[from..end]
}

/// Files of iterations with the same time stamp, where most have one of their own. A clock that stands still or
/// counts days stamps many alike, and then two equal files can be two equal measurements.
fn of_one_time<'e>(entries: &'e [Entry], evidence: &Evidence) -> Vec<Vec<&'e Entry>> {
    let mut groups = Vec::new();
    for series in &evidence.series {
        let mut by_time: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for row in series.rows() {
            if let Some(time) = row.time.as_deref() {
                by_time.entry(time).or_default().push(row.number);
            }
        }
        let shared: Vec<Vec<u64>> = by_time.into_values().filter(|numbers| numbers.len() > 1).collect();
        if 2 * shared.iter().map(Vec::len).sum::<usize>() > series.len() {
            continue;
        }
        groups.extend(shared.iter().map(|numbers| {
            numbers.iter().flat_map(|number| of_number(entries, *number)).collect::<Vec<&Entry>>()
        }));
    }
    groups
}
