//! Remote write of a history: ask the store what it takes, decide, send that in batches, oldest first.
//!
//! A batch that fails ends it; what was sent before stays and is not sent again by the next try.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::core::history::History;
use crate::core::history::plan::{Plan, Store, batches, plan};
use crate::core::iteration::first_time;
use crate::core::kpi::KpiTable;
use crate::core::series::Series;
use crate::io::clock;
use crate::io::load::{self, LARGEST, LoadError, read_bounded};
use crate::io::store::{AskError, RemoteStore, SendError, Sought};
use crate::wire::history_samples::{NUMBER, SYMBOL, request};
use crate::wire::{manifest, run_manifest};

/// The history of a folder.
#[derive(Debug)]
pub struct LoadedHistory {
    /// The folder with the iterations.
    pub folder: PathBuf,
    /// What it is called: when the run started, else the time of its first iteration, else the name of the folder.
    pub run: String,
    /// The history.
    pub history: History,
    /// Files that are not in it, and why, a sentence each.
    pub bad_files: Vec<String>,
}

/// Loads the history of a folder.
pub fn load(asked: &Path, kpis: &KpiTable) -> Result<LoadedHistory, LoadError> {
    let load::Loaded { folder, evidence } = load::load(asked, kpis)?;
    let history = History::of(&evidence, kpis);
    let mut bad_files: Vec<String> =
        evidence.bad_files.iter().map(|bad| format!("`{}` is left out: {}", bad.name, bad.reason)).collect();
    bad_files.extend(evidence.duplicates.iter().map(|two| {
        format!("`{}` are left out: they claim the same iteration {}", two.names.join("`, `"), two.number)
    }));
    let mut manifest = Vec::new();
    let started = read_bounded(&folder.join(run_manifest::FILE_NAME), LARGEST, &mut manifest)
        .ok()
        .and_then(|()| manifest::started(&manifest));
    let first = || {
        let rows = evidence.series.iter().flat_map(Series::rows);
        first_time(rows).map(str::to_owned)
    };
    let name = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let run = started.or_else(first).or_else(name).unwrap_or_else(|| "latest".to_owned());
    Ok(LoadedHistory { folder, run, history, bad_files })
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The history.
    pub history: &'a History,
    /// Labels of every series.
    pub labels: &'a BTreeMap<String, String>,
    /// Samples in one request, at most.
    pub batch: usize,
    /// Decide and send nothing.
    pub dry_run: bool,
}

/// What became of it.
#[derive(Debug)]
pub struct Delivered {
    /// The store.
    pub store: Store,
    /// What was decided.
    pub plan: Plan,
    /// Moments that arrived, the first so many of what was to be sent.
    pub sent: usize,
    /// Requests that arrived.
    pub requests: usize,
    /// Why the rest was not sent.
    pub failure: Option<SendError>,
}

/// Asks, decides, sends.
pub fn deliver(store: &RemoteStore, wanted: &Request<'_>) -> Result<Delivered, AskError> {
    let Request { history, labels, batch, dry_run } = wanted;
    let ends = history.moments.first().zip(history.moments.last());
    let sought =
        ends.map(|(first, last)| Sought { metric: NUMBER, labels, by: SYMBOL, from: first.at, to: last.at });
    let asked = store.ask(sought.as_ref())?;
    let plan = plan(history, &asked, clock::machine_time().timestamp_millis());
    let mut delivered = Delivered { store: asked, plan, sent: 0, requests: 0, failure: None };
    let is_deaf = matches!(&delivered.store, Store::Prometheus(told) if told.receives == Some(false));
    if *dry_run || is_deaf {
        return Ok(delivered);
    }
    for moments in batches(&delivered.plan.send, *batch) {
        if let Err(error) = store.send(&request(moments, labels)) {
            delivered.failure = Some(error);
            break;
        }
        delivered.sent += moments.len();
        delivered.requests += 1;
    }
    Ok(delivered)
}
