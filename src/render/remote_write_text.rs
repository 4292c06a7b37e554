//! What became of a remote write, for a person: what arrived, what was there already, what is not taken, why, and
//! what to set.
//!
//! Decides nothing.

use std::fmt::Write as _;

use chrono::DateTime;

use super::terminal::printable;
use crate::core::history::plan::{Plan, Refusal, Store};
use crate::core::history::{History, Moment};
use crate::core::ranges::Ranges;

/// At most so many ranges of iterations are listed.
const LISTED: usize = 20;

/// What there is to tell.
#[derive(Debug)]
pub struct Told<'a> {
    /// Where samples went.
    pub url: &'a str,
    /// The labels of every series.
    pub labels: &'a std::collections::BTreeMap<String, String>,
    /// What there was.
    pub history: &'a History,
    /// The store.
    pub store: &'a Store,
    /// What was decided.
    pub plan: &'a Plan,
    /// Moments that arrived.
    pub sent: usize,
    /// Requests that arrived.
    pub requests: usize,
    /// Nothing was to be sent.
    pub dry_run: bool,
}

/// The text.
pub fn text(told: &Told<'_>) -> String {
    let Told { url, labels, history, store, plan, sent, requests, dry_run } = told;
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        let written = writeln!(out, "{text}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    };
    line(format_args!("remote write to {} ({})", printable(url), store.name()));
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    line(format_args!("labels: {}", printable(&labels.join(" "))));
    let span = history.moments.first().zip(history.moments.last());
    let span =
        span.map_or(String::new(), |(first, last)| format!(", {} to {}", time(first.at), time(last.at)));
    line(format_args!("history: {}{span}", counted(&history.moments)));
    if *dry_run {
        line(format_args!("would be sent: {}", counted(&plan.send)));
    } else {
        let requests = if *requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
        line(format_args!("sent: {} in {requests}", counted(&plan.send[..*sent])));
        if *sent < plan.send.len() {
            let rest = &plan.send[*sent..];
            line(format_args!("not sent: {}: iterations {}", counted(rest), numbers(rest)));
        }
    }
    if !plan.present.is_empty() {
        line(format_args!("there already: {}", counted(&plan.present)));
    }
    for (refusal, moments) in &plan.refused {
        line(format_args!("not taken: {}: iterations {}", counted(moments), numbers(moments)));
        line(format_args!("  because {}", because(*refusal)));
        if let Some(hint) = hint(store, *refusal) {
            line(format_args!("  hint: {hint}"));
        }
    }
    for why in [crate::core::history::NoPlace::NoTime, crate::core::history::NoPlace::SameTime] {
        let left: Vec<u64> =
            history.left_out.iter().filter(|left| left.why == why).map(|left| left.iteration).collect();
        if !left.is_empty() {
            line(format_args!(
                "left out: iterations {}: {}",
                ranges(&left.iter().copied().collect()),
                why.words()
            ));
        }
    }
    out
}

fn counted(moments: &[Moment]) -> String {
    let samples: usize = moments.iter().map(Moment::samples).sum();
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    format!("{}, {}", plural(moments.len(), "iteration"), plural(samples, "sample"))
}

fn numbers(moments: &[Moment]) -> String {
    ranges(&moments.iter().map(|moment| moment.iteration).collect())
}

fn ranges(ranges: &Ranges) -> String {
    let one = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let mut told: Vec<String> = ranges.ranges().iter().take(LISTED).map(one).collect();
    let more = ranges.ranges().len().saturating_sub(LISTED);
    if more > 0 {
        told.push(format!("and {more} more ranges"));
    }
    told.join(", ")
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::history::plan::{Prometheus, plan};
    use crate::core::history::{LeftOut, NoPlace};

    #[test]
    fn everything_that_happened_to_an_iteration_is_told_with_what_to_set() {
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
        let told = text(&Told {
            url: "http://p/api/v1/write",
            labels: &labels,
            history: &history,
            store: &store,
            plan: &plan,
            sent: 1,
            requests: 1,
            dry_run: false,
        });
        assert_eq!(
            told,
            "remote write to http://p/api/v1/write (Prometheus)\nlabels: run=r\n\
             history: 5 iterations, 5 samples, 2025-12-02T00:00:00Z to 2026-01-01T01:00:00Z\n\
             sent: 1 iteration, 1 sample in 1 request\n\
             not taken: 1 iteration, 1 sample: iterations 1\n  because the store keeps 15d and drops what is older than \
             2025-12-17T01:00:00Z\n  hint: start Prometheus with a longer `--storage.tsdb.retention.time`, and send again\n\
             not taken: 2 iterations, 2 samples: iterations 2-3\n  because the store refuses samples older than \
             2025-12-31T23:01:00Z, too far behind its newest\n  hint: set `storage.tsdb.out_of_order_time_window` to 7h or \
             more in the configuration of Prometheus, and send again\n\
             not taken: 1 iteration, 1 sample: iterations 6\n  because the store refuses samples from the future, later \
             than 2026-01-01T00:10:00Z\n  hint: check the clock of the machine that wrote the iterations\n\
             left out: iterations 4: a later iteration has the same `runtime_utc`, and a store keeps one value a time\n"
        );
    }

    #[test]
    fn a_rehearsal_says_what_would_be_sent() {
        let told = text(&Told {
            url: "http://p",
            labels: &BTreeMap::new(),
            history: &History::default(),
            store: &Store::Unknown,
            plan: &Plan::default(),
            sent: 0,
            requests: 0,
            dry_run: true,
        });
        assert!(told.contains("would be sent: 0 iterations, 0 samples\n"), "{told}");
    }
}
