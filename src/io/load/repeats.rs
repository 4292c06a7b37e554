//! Iterations whose files are copies of each other, but for number and time.
//!
//! Files are read again only where all KPIs of two iterations are equal to the last bit, which a measurement hardly
//! ever is: loading costs no more than before.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use serde_json::Value;

use super::files::{LARGEST, read_bounded};
use super::listing::Entry;
use crate::core::evidence::Repeat;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::series::Series;
use crate::wire::tamper::NUMBER_AND_TIME;

/// The copies, a group for each content, by symbol and number.
pub fn find(folder: &Path, entries: &[Entry], series: &[Series], kpis: &KpiTable) -> Vec<Repeat> {
    series.iter().flat_map(|series| of_series(folder, entries, series, kpis)).collect()
}

fn of_series(folder: &Path, entries: &[Entry], series: &Series, kpis: &KpiTable) -> Vec<Repeat> {
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

/// The content of the file of an iteration without number and time, in one spelling. `None` where it cannot be told.
fn content(folder: &Path, entries: &[Entry], symbol: Option<&str>, number: u64) -> Option<String> {
    let from = entries.partition_point(|entry| entry.number < number);
    let of_number = || entries[from..].iter().take_while(|entry| entry.number == number);
    let named = of_number().find(|entry| entry.symbol.is_some() && entry.symbol.as_deref() == symbol);
    let entry = named.or_else(|| of_number().next())?;
    let mut bytes = Vec::new();
    read_bounded(&folder.join(&entry.name), LARGEST, &mut bytes).ok()?;
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
