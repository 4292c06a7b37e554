//! Remote write of a history: ask the store what it takes, decide, send that in batches, oldest first, and report.
//!
//! A batch that fails ends it; what was sent before stays and is not sent again by the next try.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::DateTime;

use crate::core::iteration::first_time;
use crate::core::judge::count;
use crate::core::kpi::KpiTable;
use crate::core::load;
use crate::core::load::{LARGEST, LoadError};
use crate::core::series::Series;
use crate::core::series::ranges::Ranges;
use crate::export::history as history_samples;
use crate::export::history::plan::{Plan, Refusal, Store, batches, plan};
use crate::export::history::{History, Moment, NoPlace};
use crate::export::history::{NUMBER, SYMBOL};
use crate::export::store::{AskError, RemoteStore, SendError, Sought};
use crate::infra::clock;
use crate::report::terminal::{Lines, Style};
use crate::report::text::printable;

/// The history of a folder.
#[derive(Debug)]
pub(crate) struct LoadedHistory {
    /// The folder with the iterations.
    pub(crate) folder: PathBuf,
    /// What it is called: when the run started, else the time of its first iteration, else the name of the folder.
    pub(crate) run: String,
    pub(crate) history: History,
    /// Files that are not in it, and why, a sentence each.
    pub(crate) bad_files: Vec<String>,
}

/// Loads the history of a folder.
pub(crate) fn load(requested: &Path, kpis: &KpiTable) -> Result<LoadedHistory, LoadError> {
    let load::Loaded { folder, evidence } = load::load(requested, kpis)?;
    let history = History::of(&evidence, kpis);
    let mut bad_files: Vec<String> =
        evidence.bad_files.iter().map(|bad| format!("`{}` is left out: {}", bad.name, bad.reason)).collect();
    bad_files.extend(evidence.duplicates.iter().map(|two| {
        format!("`{}` are left out: they claim the same iteration {}", two.names.join("`, `"), two.number)
    }));
    let mut manifest = Vec::new();
    let started = folder
        .read_bounded(crate::core::iteration::manifest::MANIFEST_FILE, LARGEST, &mut manifest)
        .ok()
        .and_then(|()| crate::core::iteration::manifest::started_utc(&manifest));
    let first = || {
        let rows = evidence.series.iter().flat_map(Series::rows);
        first_time(rows).map(str::to_owned)
    };
    let name = || folder.path().file_name().map(|name| name.to_string_lossy().into_owned());
    let run = started.or_else(first).or_else(name).unwrap_or_else(|| "latest".to_owned());
    Ok(LoadedHistory { folder: folder.path().to_owned(), run, history, bad_files })
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) history: &'a History,
    /// Labels of every series.
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Samples in one request, at most.
    pub(crate) batch: usize,
    /// Decide and send nothing.
    pub(crate) dry_run: bool,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) store: Store,
    /// What was decided.
    pub(crate) plan: Plan,
    /// Moments that arrived, the first so many of what was to be sent.
    pub(crate) sent: usize,
    /// Requests that arrived.
    pub(crate) requests: usize,
    /// Why the rest was not sent.
    pub(crate) failure: Option<SendError>,
}

/// Asks, decides, sends.
pub(crate) fn deliver(store: &RemoteStore, wanted: &Request<'_>) -> Result<Delivered, AskError> {
    let Request { history, labels, batch, dry_run } = wanted;
    let ends = history.moments.first().zip(history.moments.last());
    let sought =
        ends.map(|(first, last)| Sought { metric: NUMBER, labels, by: SYMBOL, from: first.at, to: last.at });
    let answer = store.query(sought.as_ref())?;
    let plan = plan(history, &answer, clock::machine_time().timestamp_millis());
    let mut delivered = Delivered { store: answer, plan, sent: 0, requests: 0, failure: None };
    let is_deaf = matches!(&delivered.store, Store::Prometheus(reported) if reported.receives == Some(false));
    if *dry_run || is_deaf {
        return Ok(delivered);
    }
    for moments in batches(&delivered.plan.send, *batch) {
        if let Err(error) = store.send(&history_samples::request(moments, labels)) {
            delivered.failure = Some(error);
            break;
        }
        delivered.sent += moments.len();
        delivered.requests += 1;
    }
    Ok(delivered)
}

/// At most so many ranges of iterations are listed.
const LISTED: usize = 20;

impl Delivered {
    /// What arrived, what was there already, what is not taken, why, and what to set, for a person.
    pub(crate) fn text(&self, url: &str, request: &Request<'_>) -> String {
        let Self { store, plan, sent, requests, failure: _ } = self;
        let Request { history, labels, dry_run, .. } = request;
        let mut out = Lines::new(Style::default());
        out.line(format!("remote write to {} ({})", printable(url), store.name()));
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        out.line(format!("labels: {}", printable(&labels.join(" "))));
        let span = history.moments.first().zip(history.moments.last());
        let span =
            span.map_or(String::new(), |(first, last)| format!(", {} to {}", time(first.at), time(last.at)));
        out.line(format!("history: {}{span}", counted(&history.moments)));
        if *dry_run {
            out.line(format!("would be sent: {}", counted(&plan.send)));
        } else {
            let (sent, rest) = plan.send.split_at(*sent);
            out.line(format!("sent: {} in {}", counted(sent), count(*requests, "request")));
            if !rest.is_empty() {
                out.line(format!("not sent: {}: iterations {}", counted(rest), numbers(rest)));
            }
        }
        if !plan.present.is_empty() {
            out.line(format!("there already: {}", counted(&plan.present)));
        }
        for (refusal, moments) in &plan.refused {
            out.line(format!("not taken: {}: iterations {}", counted(moments), numbers(moments)));
            out.line(format!("  because {}", because(*refusal)));
            if let Some(hint) = hint(store, *refusal) {
                out.line(format!("  hint: {hint}"));
            }
        }
        for why in [NoPlace::NoTime, NoPlace::SameTime] {
            let left = history.left_out.iter().filter(|left| left.why == why);
            let left: Ranges = left.map(|left| left.iteration).collect();
            if !left.is_empty() {
                out.line(format!("left out: iterations {}: {}", ranges(&left), why.words()));
            }
        }
        out.text
    }
}

fn counted(moments: &[Moment]) -> String {
    let samples: usize = moments.iter().map(Moment::samples).sum();
    format!("{}, {}", count(moments.len(), "iteration"), count(samples, "sample"))
}

fn numbers(moments: &[Moment]) -> String {
    ranges(&moments.iter().map(|moment| moment.iteration).collect())
}

fn ranges(ranges: &Ranges) -> String {
    let one = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let mut reported: Vec<String> = ranges.ranges().iter().take(LISTED).map(one).collect();
    let more = ranges.ranges().len().saturating_sub(LISTED);
    if more > 0 {
        reported.push(format!("and {more} more ranges"));
    }
    reported.join(", ")
}

fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(|| format!("{ms} ms"), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn hours(ms: i64) -> String {
    match ms / 3_600_000 {
        hours if hours >= 48 => format!("{}d", (hours + 23) / 24),
        hours => format!("{hours}h"),
    }
}

fn because(refusal: Refusal) -> String {
    match refusal {
        Refusal::Retention { oldest, keeps_ms } => {
            format!("the store keeps {} and drops what is older than {}", hours(keeps_ms), time(oldest))
        }
        Refusal::Late { oldest, .. } => {
            format!("the store refuses samples older than {}, too far behind its newest", time(oldest))
        }
        Refusal::OutOfOrder { newest, .. } => {
            format!("the series goes to {} already, and the store takes no late samples", time(newest))
        }
        Refusal::Future { newest } => {
            format!("the store refuses samples from the future, later than {}", time(newest))
        }
    }
}

fn hint(store: &Store, refusal: Refusal) -> Option<String> {
    match (store, refusal) {
        (_, Refusal::Late { window_ms, .. } | Refusal::OutOfOrder { window_ms, .. }) => Some(format!(
            "set `storage.tsdb.out_of_order_time_window` to {} or more in the configuration of Prometheus, and send again",
            hours(window_ms)
        )),
        (Store::Prometheus(_), Refusal::Retention { .. }) => {
            Some("start Prometheus with a longer `--storage.tsdb.retention.time`, and send again".to_owned())
        }
        (Store::VictoriaMetrics { .. }, Refusal::Retention { .. }) => {
            Some("start VictoriaMetrics with a longer `-retentionPeriod`, and send again".to_owned())
        }
        (Store::Unknown, Refusal::Retention { .. }) => None,
        (_, Refusal::Future { .. }) => {
            Some("check the clock of the machine that wrote the iterations".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::export::history::LeftOut;
    use crate::export::history::plan::{Prometheus, plan};
    use std::collections::BTreeMap;

    fn request<'a>(history: &'a History, labels: &'a BTreeMap<String, String>) -> Request<'a> {
        Request { history, labels, batch: 1, dry_run: true }
    }

    #[test]
    fn everything_that_happened_to_an_iteration_is_reported_with_what_to_set() {
        const HOUR: i64 = 3_600_000;
        let now = 1_767_225_600_000; // 2026-01-01T00:00:00Z
        let moment = |iteration, at| Moment { at, iteration, symbol: None, values: Vec::new() };
        let history = History {
            moments: vec![
                moment(1, now - 30 * 24 * HOUR),
                moment(2, now - 5 * HOUR),
                moment(3, now - 4 * HOUR),
                moment(5, now),
                moment(6, now + HOUR),
            ],
            left_out: vec![LeftOut { iteration: 4, symbol: None, why: NoPlace::SameTime }],
        };
        let store = Store::Prometheus(Prometheus {
            head_newest: Some(now),
            retention_ms: Some(15 * 24 * HOUR),
            ..Prometheus::default()
        });
        let plan = plan(&history, &store, now);
        let labels = BTreeMap::from([("run".to_owned(), "r".to_owned())]);
        let request = Request { dry_run: false, ..request(&history, &labels) };
        let delivered = Delivered { store, plan, sent: 1, requests: 1, failure: None };
        let reported = delivered.text("http://p/api/v1/write", &request);
        insta::assert_snapshot!(format!("{reported}(end)"), @r"
            remote write to http://p/api/v1/write (Prometheus)
            labels: run=r
            history: 5 iterations, 5 samples, 2025-12-02T00:00:00Z to 2026-01-01T01:00:00Z
            sent: 1 iteration, 1 sample in 1 request
            not taken: 1 iteration, 1 sample: iterations 1
              because the store keeps 15d and drops what is older than 2025-12-17T01:00:00Z
              hint: start Prometheus with a longer `--storage.tsdb.retention.time`, and send again
            not taken: 2 iterations, 2 samples: iterations 2-3
              because the store refuses samples older than 2025-12-31T23:01:00Z, too far behind its newest
              hint: set `storage.tsdb.out_of_order_time_window` to 7h or more in the configuration of Prometheus, and send again
            not taken: 1 iteration, 1 sample: iterations 6
              because the store refuses samples from the future, later than 2026-01-01T00:10:00Z
              hint: check the clock of the machine that wrote the iterations
            left out: iterations 4: a later iteration has the same `runtime_utc`, and a store keeps one value a time
            (end)
            ");
    }

    #[test]
    fn a_rehearsal_says_what_would_be_sent() {
        let (history, labels) = (History::default(), BTreeMap::new());
        let delivered =
            Delivered { store: Store::Unknown, plan: Plan::default(), sent: 0, requests: 0, failure: None };
        let reported = delivered.text("http://p", &request(&history, &labels));
        assert!(reported.contains("would be sent: 0 iterations, 0 samples\n"), "{reported}");
    }
}
