//! Iteration files that are copies of others. Files are read again only where something else gives rise to it: loading
//! costs no more than without.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::files::Entry;
use super::run_folder::{LARGEST, RunFolder};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::selftest::tamper::NUMBER_AND_TIME;
use crate::core::series::Series;
use crate::core::verdict::evidence::{BadFile, Evidence, Repeat};

/// Iteration files that are exact copies of another one, under another number, each with the file that it is a copy of.
/// Files are read again only where the content gives another number than the name does, or where two iterations have
/// the same time stamp and hardly any other two do.
pub fn copies(folder: &RunFolder, entries: &[Entry], evidence: &Evidence) -> Vec<BadFile> {
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
            let Ok(bytes) = folder.read_plain(&entry.name, LARGEST) else { continue };
            match seen.iter().find(|(_, known)| *known == bytes) {
                Some((original, _)) if original.name != entry.name => {
                    let reason = format!("is an exact copy of `{}`", original.name);
                    copies.entry(&entry.name).or_insert_with(|| entry.as_bad(reason));
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

/// Files of iterations with the same time stamp, where most have one of their own. A clock that has stopped or
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

/// Iterations whose files are copies of each other, but for number and time: a group for each content, by symbol and
/// number. Files are read again only where all KPIs of two iterations are equal to the last bit, which a measurement
/// hardly ever is.
pub fn repeats(folder: &RunFolder, entries: &[Entry], series: &[Series], kpis: &KpiTable) -> Vec<Repeat> {
    series.iter().flat_map(|series| of_series(folder, entries, series, kpis)).collect()
}

fn of_series(folder: &RunFolder, entries: &[Entry], series: &Series, kpis: &KpiTable) -> Vec<Repeat> {
    let ids: Vec<KpiId> = kpis.ids().collect();
    let row = |at: usize| -> Vec<Option<u64>> {
        ids.iter().map(|kpi| series.value(*kpi, at).map(f64::to_bits)).collect()
    };
    let measured = |at: &usize| {
        series.rows()[*at].collection_failed.is_none()
            && ids.iter().any(|kpi| series.value(*kpi, *at).is_some())
    };
    // Only what has the same fingerprint is compared; nearly all iterations have one of their own.
    let fingerprint = |at: usize| {
        let mut hasher = DefaultHasher::new();
        for kpi in &ids {
            series.value(*kpi, at).map(f64::to_bits).hash(&mut hasher);
        }
        hasher.finish()
    };
    let mut order: Vec<(u64, usize)> =
        (0..series.len()).filter(measured).map(|at| (fingerprint(at), at)).collect();
    order.sort_unstable();
    let mut alike: BTreeMap<Vec<Option<u64>>, Vec<usize>> = BTreeMap::new();
    for group in order.chunk_by(|one, other| one.0 == other.0).filter(|group| group.len() > 1) {
        for (_, at) in group {
            alike.entry(row(*at)).or_default().push(*at);
        }
    }
    let mut repeats = Vec::new();
    for candidates in alike.into_values().filter(|candidates| candidates.len() > 1) {
        let mut by_content: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for at in candidates {
            let number = series.number(at);
            if let Some(content) = content(folder, entries, series.symbol.as_deref(), number) {
                by_content.entry(content).or_default().push(number);
            }
        }
        repeats.extend(
            by_content
                .into_values()
                .filter(|numbers| numbers.len() > 1)
                .map(|numbers| Repeat { symbol: series.symbol.clone(), numbers }),
        );
    }
    repeats.sort_by(|a, b| a.numbers.cmp(&b.numbers));
    repeats
}

/// The content of the file of an iteration without number and time, in one spelling. `None` where it cannot be read.
fn content(folder: &RunFolder, entries: &[Entry], symbol: Option<&str>, number: u64) -> Option<String> {
    let entries = of_number(entries, number);
    let named = entries.iter().find(|entry| entry.symbol.is_some() && entry.symbol.as_deref() == symbol);
    let entry = named.or_else(|| entries.first())?;
    let mut bytes = Vec::new();
    folder.read_bounded(&entry.name, LARGEST, &mut bytes).ok()?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut tree: Value = serde_json::from_slice(text).ok()?;
    let top = tree.as_object_mut()?;
    for key in NUMBER_AND_TIME {
        top.remove(key);
    }
    if let Some(summary) = top.get_mut("summary").and_then(Value::as_object_mut) {
        for key in NUMBER_AND_TIME {
            summary.remove(key);
        }
    }
    serde_json::to_string(&tree).ok()
}
