//! The runs below a folder, judged one by one as `gate` judges them.

use std::path::{Path, PathBuf};

use crate::core::analysis::Options;
use crate::core::instant;
use crate::core::iteration::first_time;
use crate::core::policy::Policy;
use crate::core::series::Series;
use crate::flow::compare::side;
use crate::flow::judge::{self, JudgeError, Request};
use crate::io::load::{LARGEST, LoadError, read_bounded, runs_below};
use crate::wire::history_result::HistoryRun;
use crate::wire::manifest;

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The folder cannot be listed.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A run cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
}

/// A run that was found.
struct Found {
    folder: PathBuf,
    manifest: Vec<u8>,
    start: Option<String>,
}

/// The runs below a folder, oldest first, at most the `last` newest; and how many there are.
pub fn runs(
    below: &Path,
    policy: &Policy,
    mock: bool,
    last: Option<usize>,
) -> Result<(usize, Vec<HistoryRun>), HistoryError> {
    let mut found: Vec<Found> = Vec::new();
    for folder in runs_below(below)? {
        let manifest = manifest_of(&folder);
        // An isolated run is copied into `latest`: one run in two folders.
        let is_copy = |other: &Found| !manifest.is_empty() && other.manifest == manifest;
        if !found.iter().any(is_copy) {
            found.push(Found { start: manifest::started(&manifest), folder, manifest });
        }
    }
    let count = found.len();
    let keep = last.unwrap_or(count).min(count);
    if found.iter().all(|found| found.start.is_some()) {
        found.sort_by_cached_key(|found| (time(found.start.as_deref()), found.folder.clone()));
        found.drain(..count - keep);
    }
    let mut runs = found
        .iter()
        .map(|found| judged(below, found, policy, mock))
        .collect::<Result<Vec<HistoryRun>, HistoryError>>()?;
    runs.sort_by_cached_key(|run| (time(run.start.as_deref()), run.path.clone()));
    runs.drain(..runs.len().saturating_sub(keep));
    Ok((count, runs))
}

/// Milliseconds since 1970; `None`, which comes first, when it is no time.
fn time(text: Option<&str>) -> Option<i64> {
    instant::parse(text?).map(|time| time.at.timestamp_millis())
}

fn manifest_of(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The judge reports a manifest that cannot be read.
    match read_bounded(&folder.join(crate::wire::run_manifest::FILE_NAME), LARGEST, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

fn judged(below: &Path, found: &Found, policy: &Policy, mock: bool) -> Result<HistoryRun, HistoryError> {
    let options = Options { mock, ..Options::default() };
    let request = Request::new(&found.folder, policy, options);
    let analysis = judge::judge(&request)?.analysis;
    let symbol = analysis.worst();
    let first_time = || {
        let times = analysis.evidence.series.iter().flat_map(Series::rows);
        first_time(times).map(str::to_owned)
    };
    let path = found.folder.strip_prefix(below).unwrap_or(&found.folder).to_string_lossy();
    Ok(HistoryRun {
        path: if path.is_empty() { ".".to_owned() } else { path.into_owned() },
        start: found.start.clone().or_else(first_time),
        source: analysis.source(),
        verdict: analysis.outcome,
        reason: analysis.reason(),
        symbol: symbol.symbol.clone(),
        window: symbol.last.used(),
        medians: HistoryRun::medians(&side(symbol, policy), policy),
    })
}
