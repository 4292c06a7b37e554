//! The steps of a canary, from the iterations of a run folder by their times.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::analysis::Origin;
use crate::core::evidence::Evidence;
use crate::core::policy::Policy;
use crate::core::release::canary::readings::Readings;
use crate::core::release::canary::watch::{Stretch, Watch, told};
use crate::core::series::Series;
use crate::io::load;

use super::CanaryError;

/// What the folder has.
pub(super) struct Found {
    pub(super) readings: BTreeMap<String, Readings>,
    /// Where its data comes from.
    pub(super) origin: Origin,
}

/// The metrics, step by step. An iteration covers the time since the one before it, but no more than its run
/// declared, or than a step where none did.
pub(super) fn readings(
    path: &Path,
    symbol: Option<&str>,
    metrics: &BTreeSet<&str>,
    policy: &Policy,
    watch: &Watch,
    notes: &mut Vec<String>,
) -> Result<Found, CanaryError> {
    let loaded = load::load(path, &policy.kpis)?;
    let evidence = &loaded.evidence;
    let declared = evidence.declared.as_ref();
    let origin = Origin::of(evidence, |source| policy.release.is_simulated(source));
    tell(evidence, notes);
    let Some(series) = series(path, symbol, evidence)? else {
        let reason = format!("`{}` has no iteration that can be read", loaded.folder.display());
        return Ok(Found { readings: nothing(metrics, watch, &reason), origin });
    };
    let interval = declared.and_then(|declared| TimeDelta::from_std(declared.interval?).ok());
    let times = times(series, interval.unwrap_or_else(|| watch.step()), notes);
    let covered: Vec<_> = times
        .iter()
        .enumerate()
        .filter_map(|(position, time)| Some((position, (*time)?)))
        .filter(|(_, (from, to))| *from < watch.until && *to > watch.since)
        .collect();
    if covered.is_empty() {
        let all: Vec<_> = times.iter().flatten().collect();
        let span = match (all.iter().map(|(from, _)| from).min(), all.iter().map(|(_, to)| to).max()) {
            (Some(from), Some(to)) => format!("they go from {} to {}", told(*from), told(*to)),
            _ => "none tells a time".to_owned(),
        };
        let reason =
            format!("no iteration of `{}` lies in the time of the canary; {span}", loaded.folder.display());
        return Ok(Found { readings: nothing(metrics, watch, &reason), origin });
    }
    if let Some(first) = covered.iter().map(|(_, (from, _))| *from).min()
        && first - watch.since > watch.step()
    {
        let late = (first - watch.since).num_minutes();
        notes.push(format!(
            "the iterations of `{}` begin at {}, {late} minutes after the start of the canary",
            loaded.folder.display(),
            told(first)
        ));
    }
    let readings = metrics.iter().map(|metric| {
        let readings = policy.kpis.find(metric).map(|kpi| {
            let column = series.column(kpi);
            let value = |(position, (from, to)): &(usize, (DateTime<Utc>, DateTime<Utc>))| {
                Some(Stretch { from: *from, to: *to, value: column.get(*position).copied().flatten()? })
            };
            let stretches: Vec<Stretch> = covered.iter().filter_map(value).collect();
            (!stretches.is_empty()).then(|| Readings { values: watch.put(&stretches), trouble: None })
        });
        let absent = || {
            let how = if readings.is_none() {
                format!(
                    "; `[kpi.{metric}]` in the policy declares it, so that `soak run` writes it, or the policy of \
                     the bundle makes its triggers `optional`"
                )
            } else {
                String::new()
            };
            Readings::absent(watch.steps(), format!("no iteration has `{metric}`{how}"))
        };
        ((*metric).to_owned(), readings.clone().flatten().unwrap_or_else(absent))
    });
    Ok(Found { readings: readings.collect(), origin })
}

fn nothing(metrics: &BTreeSet<&str>, watch: &Watch, reason: &str) -> BTreeMap<String, Readings> {
    metrics.iter().map(|metric| ((*metric).to_owned(), Readings::broken(watch.steps(), reason))).collect()
}

/// The iterations of the symbol; `None` when there are none at all.
fn series<'e>(
    path: &Path,
    symbol: Option<&str>,
    evidence: &'e Evidence,
) -> Result<Option<&'e Series>, CanaryError> {
    let known: Vec<String> = evidence.series.iter().filter_map(|series| series.symbol.clone()).collect();
    let wrong =
        |problem: String| CanaryError::Symbol { path: path.to_owned(), problem, known: known.clone() };
    match (symbol, evidence.series.as_slice()) {
        (_, []) => Ok(None),
        (None, [one]) => Ok(Some(one)),
        (None, _) => Err(wrong("has several symbols".to_owned())),
        (Some(name), all) => match all.iter().find(|series| series.symbol.as_deref() == Some(name)) {
            Some(series) => Ok(Some(series)),
            None => Err(wrong(format!("has no symbol `{name}`"))),
        },
    }
}

/// From when to when each iteration measured; `None` where it does not tell.
fn times(
    series: &Series,
    longest: TimeDelta,
    notes: &mut Vec<String>,
) -> Vec<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    let mut before: Option<DateTime<Utc>> = None;
    let times: Vec<_> = series
        .rows()
        .iter()
        .map(|row| {
            let to = row.instant()?;
            let earliest = to.checked_sub_signed(longest)?;
            let from = before.filter(|before| *before < to).map_or(earliest, |before| before.max(earliest));
            before = Some(to);
            Some((from, to))
        })
        .collect();
    let without = times.iter().filter(|time| time.is_none()).count();
    if without > 0 {
        notes.push(format!("{without} iterations tell no usable time (`runtime_utc`) and are left out"));
    }
    times
}

/// What is wrong with the folder. It is time that nobody saw.
fn tell(evidence: &Evidence, notes: &mut Vec<String>) {
    if let Some(first) = evidence.bad_files.first() {
        let more = evidence.bad_files.len() - 1;
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        notes.push(format!("`{}` cannot be used: {}{more}", first.name, first.reason));
    }
    if let Some(first) = evidence.duplicates.first() {
        notes.push(format!("iteration {} has several files: {}", first.number, first.names.join(", ")));
    }
}
