//! Remote write of a history: ask the store what it takes, decide, send that in batches, oldest first.
//!
//! A batch that fails ends it; what was sent before stays and is not sent again by the next try.

use std::collections::BTreeMap;

use crate::core::history::History;
use crate::core::history::plan::{Plan, Store, batches, plan};
use crate::core::kpi::KpiTable;
use crate::io::clock;
use crate::io::store::{AskError, RemoteStore, SendError, Sought};
use crate::wire::history_samples::{NUMBER, SYMBOL, request};

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The history.
    pub history: &'a History,
    /// The KPIs in it.
    pub kpis: &'a KpiTable,
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
    let Request { history, kpis, labels, batch, dry_run } = wanted;
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
        if let Err(error) = store.send(&request(moments, labels, kpis)) {
            delivered.failure = Some(error);
            break;
        }
        delivered.sent += moments.len();
        delivered.requests += 1;
    }
    Ok(delivered)
}
