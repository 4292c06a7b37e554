//! The `prometheus` source: at the end of each interval every metric's query is evaluated as an instant query.
//!
//! - All queries are for the same moment, the end of the interval, so that they describe the same state. In them
//!   `$window` is the interval (`300s`) and `$selector` the label matchers that the user gave. A metric that is
//!   to be had without a selector too is best written `{le="1",$selector}`; with an empty selector a comma
//!   behind it goes with it, and one before it `PromQL` allows.
//! - No series, several series, a value that is not finite or older than the interval, data that the server
//!   knows to be incomplete: that metric has no value, and a note says why. An optional metric without series is
//!   no matter. `NaN` is what a ratio is without events.
//! - Several series are one number where the query's table has `reduce`. A query that fails is asked again with growing
//!   pauses, for the same moment, until the next interval would be over; how often is recorded.
//! - The collection fails when a required query brings nothing (a value that is not finite is an answer), when the
//!   server cannot be reached, refuses us or fails, or when no metric at all has a value. What was measured is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::judge::count;
use crate::core::policy::run::{MetricQuery, Reduce};
use crate::core::text::excerpt;
use crate::core::text::printable::printable;
use crate::infra::clock::Wait;
use crate::run::iteration::{EdgeReport, Incomplete};
use crate::run::source::store::{Answer, Every, Patience, Series, Store, Told, Unanswered, not_finite};
use crate::run::source::{Interval, NoReport, Source};

/// Most notes from warnings of the server.
const MOST_WARNINGS: usize = 10;
/// Why a query has no value that found nothing.
const NO_SERIES: &str = "no series";
/// Which targets are scraped.
const UP: &str = "up{$selector}";
/// The share of scrapes in the interval that a target answered; of an interval without a scrape that of the last one.
const UP_SHARE: &str = "avg_over_time(up{$selector}[$window]) or up{$selector}";
/// A target that answered no more than this share of scrapes was down in the interval.
const DOWN: f64 = 0.5;

/// Asks a server for the metrics of each interval.
#[derive(Clone, Debug)]
pub struct PrometheusSource {
    store: Store,
    queries: Vec<MetricQuery>,
    /// Whether the targets are looked at where queries find no series.
    looks_at_up: bool,
}

impl PrometheusSource {
    /// Whom to ask, and what.
    pub fn new(store: Store, queries: Vec<MetricQuery>) -> Self {
        Self { store, queries, looks_at_up: false }
    }

    /// Whether `up` of the targets is asked for where queries find no series, as Prometheus records it.
    #[must_use]
    pub fn looking_at_up(self, looks_at_up: bool) -> Self {
        Self { looks_at_up, ..self }
    }

    /// What the targets have to do with queries that found no series, in front of the reason; empty = nothing is known.
    fn of_targets(&self, reasons: &[String], interval: &Interval<'_>, wait: &dyn Wait) -> String {
        if !self.looks_at_up || !reasons.iter().any(|reason| reason.ends_with(NO_SERIES)) {
            return String::new();
        }
        let mut patience = Patience::default();
        let told = self.store.ask(UP, interval.length, interval.ends(), &mut patience, wait);
        match told {
            Ok(Ok(Told { answer: Every::Series(series), .. })) if series.is_empty() => {
                "no target has the labels of the selector in `up`; ".to_owned()
            }
            Ok(Ok(Told { answer: Every::Series(mut series), .. })) => {
                series.retain(|one| one.value == 0.0);
                let down = if series.is_empty() { None } else { Some(listed(&series)) };
                down.map_or_else(String::new, |down| format!("the target is down, `up` is 0: {down}; "))
            }
            _ => String::new(),
        }
    }

    /// Asks all queries for the end of the interval. Those that fail are asked again for as long as an interval lasts.
    fn collect(&self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let since = interval.starts.timestamp_millis() as f64 / 1000.0;
        let mut report = EdgeReport::default();
        let mut patience = Patience::of(interval.length);
        let (mut missing, mut is_alive) = (Vec::new(), false);
        for query in &self.queries {
            wait.wait(Duration::ZERO)?;
            let told = self.store.ask(&query.query, interval.length, interval.ends(), &mut patience, wait)?;
            match take(&mut report, query, told.map(Told::summed_up), since) {
                _ if query.is_optional => {}
                Ok(()) => is_alive = true,
                Err(reason) => missing.push(reason),
            }
        }
        report.asked_again = patience.again;
        report.notes.extend(patience.note());
        if !is_alive && report.numbers.values().all(Option::is_none) {
            let reason = match (self.queries.len(), report.notes.is_empty()) {
                (0, _) => "the policy has no queries".to_owned(),
                (_, true) => "no query found a series".to_owned(),
                (_, false) => grouped(&report.notes),
            };
            let of_targets = self.of_targets(&report.notes, interval, wait);
            let url = self.store.target.url();
            let is_there = report.notes.iter().any(|note| !note.ends_with(NO_SERIES));
            let what = if self.looks_at_up && is_there { "gave no value" } else { "has no metric" };
            return Err(NoReport::Failed(format!("{of_targets}`{url}` {what}: {reason}")));
        }
        if !missing.is_empty() {
            let of_targets = self.of_targets(&missing, interval, wait);
            let reason = format!("{of_targets}required queries brought no value: {}", grouped(&missing));
            report.incomplete = Some(Incomplete { reason, is_alive });
        } else if let Some(reason) = self.down(interval, wait) {
            report.incomplete = Some(Incomplete { reason, is_alive: true });
        }
        Ok(report)
    }

    /// Targets of the selector that were down in the interval, so that the queries speak of the others; `None` = none is
    /// known to be, or the queries select nothing.
    fn down(&self, interval: &Interval<'_>, wait: &dyn Wait) -> Option<String> {
        if !self.looks_at_up || !self.queries.iter().any(|query| query.query.contains(SELECTOR)) {
            return None;
        }
        let mut patience = Patience::default();
        let told = self.store.ask(UP_SHARE, interval.length, interval.ends(), &mut patience, wait);
        let Ok(Ok(Told { answer: Every::Series(series), .. })) = told else { return None };
        let all = series.len();
        let down: Vec<Series> = series.into_iter().filter(|one| one.value <= DOWN).collect();
        let verb = if down.len() == 1 { "was" } else { "were" };
        (!down.is_empty()).then(|| {
            let (of, listed) = (down.len(), listed(&down));
            format!(
                "{of} of {} {verb} down in the interval (share of scrapes that it answered): {listed}",
                count(all, "target")
            )
        })
    }
}

/// What stands for the label matchers of the user in a query.
const SELECTOR: &str = "$selector";

/// The targets that a selector takes in, as the store knows them now: one series of `up` each. `None` = it does not say.
pub(crate) fn targets(store: &Store, at: DateTime<Utc>, wait: &dyn Wait) -> Option<Vec<Series>> {
    match store.ask(UP, Duration::from_secs(1), at, &mut Patience::default(), wait) {
        Ok(Ok(Told { answer: Every::Series(mut series), .. })) => {
            for one in &mut series {
                one.labels.remove("__name__");
            }
            Some(series)
        }
        _ => None,
    }
}

/// The value of the label `job` of these series, each once.
pub(crate) fn jobs_of(series: &[Series]) -> Vec<String> {
    let jobs: BTreeSet<&String> = series.iter().filter_map(|one| one.labels.get("job")).collect();
    jobs.into_iter().cloned().collect()
}

/// The jobs whose metrics these queries ask for: those that serve more than half as many queries as the one that serves
/// most. A store and an exporter of the machine have processes, too, and no requests.
pub(crate) fn jobs_that_serve(
    store: &Store,
    queries: &[MetricQuery],
    at: DateTime<Utc>,
    wait: &dyn Wait,
) -> Result<Vec<String>, String> {
    let mut served: BTreeMap<String, usize> = BTreeMap::new();
    for query in queries {
        let names: BTreeSet<&str> = selected_metrics(&query.query).collect();
        if names.is_empty() {
            continue;
        }
        let names = names.into_iter().collect::<Vec<_>>().join("|");
        let text = format!("group by (job) ({{__name__=~\"{names}\"}})");
        let told = store.ask(&text, Duration::from_secs(1), at, &mut Patience::default(), wait);
        let series = match told {
            Ok(Ok(Told { answer: Every::Series(series), .. })) => series,
            Ok(Ok(Told { answer: Every::Refused(words), .. }) | Err(words)) => return Err(words),
            Ok(Ok(Told { answer: Every::OtherKind(kind), .. })) => {
                return Err(format!("the result is a {kind}"));
            }
            Err(Unanswered::Failed(reason)) => return Err(reason),
            Err(Unanswered::Interrupted) => return Err("interrupted".to_owned()),
        };
        for job in jobs_of(&series) {
            *served.entry(job).or_default() += 1;
        }
    }
    let most = served.values().copied().max().unwrap_or_default();
    Ok(served.into_iter().filter(|(_, n)| 2 * n > most).map(|(job, _)| job).collect())
}

/// The names before `{$selector…` in a query.
fn selected_metrics(query: &str) -> impl Iterator<Item = &str> {
    query.match_indices('{').filter_map(|(at, _)| {
        let is_selected = query[at..].split('}').next().is_some_and(|matchers| matchers.contains(SELECTOR));
        let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let before = &query[..at];
        let name = &before[before.trim_end_matches(is_of_a_name).len()..];
        (is_selected && !name.is_empty()).then_some(name)
    })
}

/// What went wrong with several queries, those with the same reason together: `` `a`, `b`: no series ``.
fn grouped(reasons: &[String]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for reason in reasons {
        let (name, why) = reason.split_once(": ").unwrap_or(("", reason));
        match groups.iter_mut().find(|group| group.0 == why) {
            Some((_, names)) => names.push(name),
            None => groups.push((why, vec![name])),
        }
    }
    let texts = groups.into_iter().map(|(why, names)| match names.join(", ") {
        names if names.is_empty() => why.to_owned(),
        names => format!("{names}: {why}"),
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// Takes what a query was answered with into the report; the error names the query that brought nothing.
fn take(
    report: &mut EdgeReport,
    query: &MetricQuery,
    told: Result<Told, String>,
    since: f64,
) -> Result<(), String> {
    let name = &query.metric;
    let answer = told.and_then(|told| {
        for warning in &told.warnings {
            if report.notes.len() < MOST_WARNINGS {
                report.notes.push(format!("`{name}`: the server warns: {warning}"));
            }
        }
        if told.is_partial { Err("the server has only part of the data".to_owned()) } else { Ok(told.answer) }
    });
    let answer = match (answer, query.reduce) {
        (Ok(Answer::Several(series)), Some(reduce)) => Ok(reduced(report, name, &series, reduce, since)),
        (answer, _) => answer,
    };
    let reason = match answer {
        Ok(Answer::One { value, at }) if at >= since => {
            report.numbers.insert(name.clone(), Some(value));
            return Ok(());
        }
        Ok(Answer::Nothing) if query.is_optional => return Ok(()),
        Ok(Answer::NotFinite(text)) => {
            let why = if text == "NaN" { "no events".to_owned() } else { format!("its value is {text}") };
            report.numbers.insert(name.clone(), None);
            report.notes.push(format!("`{name}`: {why}"));
            return Ok(());
        }
        Ok(Answer::One { at, .. }) => format!("its value is stale, {} s older than the interval", since - at),
        Ok(Answer::Nothing) => NO_SERIES.to_owned(),
        Ok(Answer::Several(series)) => format!(
            "{} series, expected one: {}; set `reduce = \"max\"`, `\"sum\"` or `\"mean\"` in `[prometheus.{}]`, or \
             aggregate them in the query",
            series.len(),
            listed(&series),
            in_a_table(name)
        ),
        Ok(Answer::OtherKind(kind)) => format!("the result is a {kind}, expected one number"),
        Ok(Answer::Refused(words)) => format!("the server refused the query: {words}"),
        Err(reason) => reason,
    };
    let reason = format!("`{name}`: {reason}");
    report.numbers.insert(name.clone(), None);
    report.notes.push(reason.clone());
    Err(reason)
}

/// Several series as one number. A series without a number, or with an old one, is left out, and a note says so; with no
/// other left they are what the first is.
fn reduced(report: &mut EdgeReport, name: &str, series: &[Series], reduce: Reduce, since: f64) -> Answer {
    let used = |one: &&Series| one.value.is_finite() && one.at >= since;
    let values: Vec<f64> = series.iter().filter(used).map(|one| one.value).collect();
    let left_out: Vec<Series> = series.iter().filter(|one| !used(one)).cloned().collect();
    if !values.is_empty() && !left_out.is_empty() {
        report.notes.push(format!(
            "`{name}`: {} of {} series left out, without a recent number: {}",
            left_out.len(),
            series.len(),
            listed(&left_out)
        ));
    }
    let newest = series.iter().filter(used).map(|one| one.at).max_by(f64::total_cmp);
    match (reduce.of(&values), newest, series.first()) {
        (Some(value), Some(at), _) => Answer::One { value, at },
        (None, Some(_), _) => Answer::NotFinite(format!("no finite {}", reduce.word())),
        (_, None, Some(one)) if one.value.is_finite() => Answer::One { value: one.value, at: one.at },
        (_, None, Some(one)) => Answer::NotFinite(not_finite(one.value).to_owned()),
        (_, None, None) => Answer::Nothing,
    }
}

/// Series that a message names; more are counted.
const LISTED: usize = 5;
/// Characters of the labels of one of them.
const LABELS: usize = 120;

/// The series with the labels in which they differ, and their values.
pub(crate) fn listed(series: &[Series]) -> String {
    let first = series.first().map(|one| &one.labels);
    let differ =
        |name: &str| series.iter().any(|one| one.labels.get(name) != first.and_then(|of| of.get(name)));
    let is_single = series.len() == 1;
    let told = series.iter().take(LISTED).map(|one| {
        let labels = one.labels.iter().filter(|(name, _)| is_single || differ(name));
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let value =
            if one.value.is_finite() { one.value.to_string() } else { not_finite(one.value).to_owned() };
        format!("{{{}}} {value}", excerpt(&printable(&labels.join(",")), LABELS))
    });
    let told: Vec<String> = told.collect();
    let more = series.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", told.join(", "))
}

/// A name as a part of a key in TOML.
fn in_a_table(name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_bare { name.to_owned() } else { format!("\"{name}\"") }
}

impl Source for PrometheusSource {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        wait.pass(interval.length)?;
        self.collect(interval, wait)
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

#[cfg(test)]
mod tests {

    use crate::infra::http::{Auth, Target};
    use std::path::Path;

    use crate::core::iteration::params::ParamValues;
    use crate::infra::secret::Secret;
    use crate::infra::test_server::{Answer as Served, QUICK, TestServer};
    use crate::run::source::prometheus::*;
    use crate::run::source::test_wait::{NoWait, RealWait};

    fn query(metric: &str, text: &str, is_optional: bool) -> MetricQuery {
        MetricQuery { metric: metric.to_owned(), query: text.to_owned(), is_optional, reduce: None }
    }

    fn body(status: u16, body: &str) -> Served {
        let length = body.len();
        Served::Text(format!(
            "HTTP/1.1 {status} Word\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    fn vector(series: &str) -> Served {
        body(200, &format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#))
    }

    fn value(number: &str) -> Served {
        vector(&format!(r#"{{"metric":{{}},"value":[1760270700,"{number}"]}}"#))
    }

    /// 2025-10-12T12:00:00.25Z and five minutes.
    fn cover(source: &mut PrometheusSource, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        cover_for(300_000, source, wait)
    }

    fn cover_for(
        millis: u64,
        source: &mut PrometheusSource,
        wait: &dyn Wait,
    ) -> Result<EdgeReport, NoReport> {
        let overrides = ParamValues::default();
        source.cover(
            &Interval {
                iteration: 1,
                starts: "2025-10-12T12:00:00.25Z".parse().expect("a time"),
                length: Duration::from_millis(millis),
                overrides: &overrides,
                overrides_file: Path::new("o"),
            },
            wait,
        )
    }

    fn source(server: &TestServer, queries: Vec<MetricQuery>) -> PrometheusSource {
        let target = Target::new(&server.url("/prefix/"), &Auth::None, &[]).expect("acceptable");
        PrometheusSource::new(Store::new(target, "job=\"mm\"", QUICK), queries)
    }

    /// What one required and one optional query bring when they are answered so.
    fn collected(answers: Vec<Served>) -> (Result<EdgeReport, NoReport>, usize) {
        let server = TestServer::start(answers).expect("a server");
        let queries = vec![query("net_bps", "net{$selector}", false), query("mm_hit_ratio", "hit", true)];
        let report = cover(&mut source(&server, queries), &NoWait::doing(|| ()));
        (report, server.requests().len())
    }

    #[test]
    fn every_query_is_asked_for_the_end_of_the_interval() {
        let server = TestServer::start(vec![value("2.5"), value("-0.5")]).expect("a server");
        let auth = Auth::Basic { user: "Aladdin".to_owned(), password: Secret::new("open sesame") };
        let headers = [("X-Scope-OrgID".to_owned(), Secret::new("tenant"))];
        let target = Target::new(&server.url("/prefix/"), &auth, &headers).expect("acceptable");
        let queries = vec![
            query("net_bps", "avg(rate(net{a=\"b\",$selector}[$window])) + 1", false),
            query("tick_latency_ms.p95", "x", false),
        ];
        let mut source = PrometheusSource::new(Store::new(target, "{job=~\"m&m.*\"}", QUICK), queries);
        let wait = NoWait::doing(|| ());
        let report = cover(&mut source, &wait).expect("a report");
        assert_eq!(wait.asked.get(), Duration::from_secs(300));
        assert_eq!((report.number("net_bps"), report.number("tick_latency_ms.p95")), (Some(2.5), Some(-0.5)));
        assert!(report.notes.is_empty());
        let requests = server.requests();
        let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
        assert!(first.head.starts_with("POST /prefix/api/v1/query HTTP/1.1\r\n"), "{}", first.head);
        assert!(first.has_header("content-type: application/x-www-form-urlencoded"), "{}", first.head);
        // RFC 7617, section 2.
        assert!(first.head.contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "{}", first.head);
        assert!(first.has_header("x-scope-orgid: tenant"), "{}", first.head);
        // Escaped are, as a form wants it, what ends a pair and what is no plain character.
        let query = "query=avg(rate(net%7Ba%3D%22b%22%2Cjob%3D~%22m%26m.*%22%7D%5B300s%5D))+%2B+1";
        assert_eq!(first.body, format!("{query}&time=1760270700.250&nocache=1"));
        assert_eq!(second.body, "query=x&time=1760270700.250&nocache=1");
    }

    #[test]
    fn a_required_metric_that_cannot_be_had_fails_the_collection_and_the_others_are_kept() {
        for (answer, reason) in [
            (vector(""), "no series"),
            (vector(r#"{"value":[1760270700,"1"]},{"value":[1760270700,"2"]}"#), "2 series, expected one"),
            (vector(r#"{"value":[1760270400,"1"]}"#), "its value is stale"),
            (vector(r#"{"histogram":[1760270700,{}]}"#), "the result is a histogram"),
            (body(400, r#"{"status":"error","errorType":"bad_data","error":"parse"}"#), "bad_data: parse"),
            (body(422, r#"{"status":"error","errorType":"execution","error":"x"}"#), "execution: x"),
            (body(200, "<html>"), "the answer cannot be read"),
            (body(200, &" ".repeat(1 << 21)), "the answer is longer than 1048576 bytes"),
        ] {
            let (report, _) = collected(vec![answer, value("0.8")]);
            let report = report.expect("a report");
            assert_eq!(report.numbers.get("net_bps"), Some(&None), "{reason}");
            assert_eq!(report.number("mm_hit_ratio"), Some(0.8));
            let [note] = report.notes.as_slice() else { panic!("{:?}", report.notes) };
            assert!(note.starts_with("`net_bps`: ") && note.contains(reason), "{note}");
            let incomplete = report.incomplete.expect("a failed collection");
            assert_eq!(incomplete.reason, format!("required queries brought no value: {note}"));
            assert!(!incomplete.is_alive, "{reason}");
        }
    }

    #[test]
    fn queries_with_the_same_trouble_are_named_together() {
        let reasons = ["`a`: no series", "`b`: the value is old", "`c`: no series", "asked again"];
        assert_eq!(
            grouped(&reasons.map(str::to_owned)),
            "`a`, `c`: no series; `b`: the value is old; asked again"
        );
    }

    #[test]
    fn a_ratio_without_events_has_no_value_and_fails_no_collection() {
        for (text, why) in [("NaN", "no events"), ("+Inf", "its value is +Inf")] {
            for other in [value("0.8"), vector("")] {
                let report = collected(vec![value(text), other]).0.expect("a report");
                assert_eq!(report.numbers.get("net_bps"), Some(&None));
                assert_eq!((report.incomplete, report.notes), (None, vec![format!("`net_bps`: {why}")]));
            }
        }
    }

    #[test]
    fn one_required_metric_that_answers_shows_a_source_at_work() {
        let asked = |answers| {
            let server = TestServer::start(answers).expect("a server");
            let queries = ["a", "b", "c"].map(|name| query(name, name, false)).to_vec();
            cover(&mut source(&server, queries), &NoWait::doing(|| ())).expect("a report").incomplete
        };
        let told = asked(vec![vector(""), value("1"), vector("")]).expect("a failed collection");
        assert_eq!(told.reason, "required queries brought no value: `a`, `c`: no series");
        assert!(told.is_alive);
        assert!(asked(vec![vector(""), value("NaN"), vector("")]).expect("a failed collection").is_alive);
        assert_eq!(asked(vec![value("1"), value("2"), value("3")]), None);
    }

    #[test]
    fn a_dead_target_is_named_before_the_series_that_it_lacks() {
        let told = |up: Served, looks: bool| {
            let server = TestServer::start(vec![vector(""), vector(""), up]).expect("a server");
            let queries = ["a", "b"].map(|name| query(name, name, false)).to_vec();
            let mut source = source(&server, queries).looking_at_up(looks);
            match cover(&mut source, &NoWait::doing(|| ())) {
                Err(NoReport::Failed(reason)) => (reason, server.requests()),
                other => panic!("{other:?}"),
            }
        };
        let down = r#"{"metric":{"instance":"h:1"},"value":[1760270700,"0"]},{"metric":{"instance":"h:2"},"value":[1760270700,"1"]}"#;
        let (reason, asked) = told(vector(down), true);
        assert!(
            reason.starts_with("the target is down, `up` is 0: {instance=\"h:1\"} 0; `http://"),
            "{reason}"
        );
        assert!(reason.ends_with("has no metric: `a`, `b`: no series"), "{reason}");
        assert_eq!(asked.len(), 3);
        assert!(
            asked[2].body.starts_with("query=up%7Bjob%3D%22mm%22%7D&time=1760270700.250"),
            "{}",
            asked[2].body
        );
        let (reason, _) = told(vector(""), true);
        assert!(reason.starts_with("no target has the labels of the selector in `up`; "), "{reason}");
        for unknown in [value("1"), Served::status(500)] {
            let (reason, _) = told(unknown, true);
            assert!(reason.starts_with("`http://"), "{reason}");
        }
        let (reason, asked) = told(vector(down), false);
        assert!(reason.starts_with("`http://") && asked.len() == 2, "{reason}");
    }

    #[test]
    fn an_iteration_in_which_a_target_is_down_is_a_failed_collection_that_keeps_its_numbers() {
        let up = |shares: &[(&str, &str)]| {
            let one = |(instance, share): &(&str, &str)| {
                format!(r#"{{"metric":{{"instance":"{instance}"}},"value":[1760270700,"{share}"]}}"#)
            };
            vector(&shares.iter().map(one).collect::<Vec<_>>().join(","))
        };
        let told = |text: &str, answer: Served, looks: bool| {
            let server = TestServer::start(vec![value("1"), answer]).expect("a server");
            let mut source = source(&server, vec![query("a", text, false)]).looking_at_up(looks);
            let report = cover(&mut source, &NoWait::doing(|| ())).expect("a report");
            assert_eq!(report.number("a"), Some(1.0));
            (report.incomplete, server.requests())
        };
        let three = || up(&[("h:1", "1"), ("h:2", "0.5"), ("h:3", "0.75")]);
        let (incomplete, asked) = told("sum(a{$selector})", three(), true);
        let incomplete = incomplete.expect("a target was down");
        assert_eq!(
            (incomplete.reason.as_str(), incomplete.is_alive),
            (
                "1 of 3 targets was down in the interval (share of scrapes that it answered): {instance=\"h:2\"} 0.5",
                true
            )
        );
        assert!(
            asked[1].body.contains("avg_over_time(up%7Bjob%3D%22mm%22%7D%5B300s%5D)"),
            "{}",
            asked[1].body
        );
        let all = up(&[("h:1", "1"), ("h:2", "0.75")]);
        assert_eq!(told("sum(a{$selector})", all, true).0, None);
        for unknown in [vector(""), Served::status(500)] {
            assert_eq!(told("sum(a{$selector})", unknown, true).0, None);
        }
        // Nothing is selected, and the trading profile does not look.
        assert_eq!(told("sum(a)", three(), true).1.len(), 1);
        assert_eq!(told("sum(a{$selector})", three(), false).1.len(), 1);
    }

    #[test]
    fn the_jobs_of_a_service_are_those_that_serve_most_of_its_queries() {
        assert_eq!(
            selected_metrics(
                "sum(rate(a_b:c{x=\"y\",$selector}[5m])) / d{z=\"1\"} or {$selector} or e {$selector}"
            )
            .collect::<Vec<_>>(),
            ["a_b:c"]
        );
        let jobs = |names: &[&str]| {
            let one = |name: &&str| format!(r#"{{"metric":{{"job":"{name}"}},"value":[1760270700,"1"]}}"#);
            vector(&names.iter().map(one).collect::<Vec<_>>().join(","))
        };
        let found = |answers: Vec<Served>| {
            let queries: Vec<MetricQuery> =
                (0..answers.len()).map(|at| query("k", &format!("m{at}{{$selector}}"), false)).collect();
            let server = TestServer::start(answers).expect("a server");
            let target = Target::new(&server.url(""), &Auth::None, &[]).expect("acceptable");
            let at = "2025-10-12T12:00:00Z".parse().expect("a time");
            jobs_that_serve(&Store::new(target, "", QUICK), &queries, at, &NoWait::doing(|| ()))
        };
        let names = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        // The store serves one query of three, a second service two.
        let all = || vec![jobs(&["shop"]), jobs(&["shop"]), jobs(&["prometheus", "shop"])];
        assert_eq!(found(all()), names(&["shop"]));
        assert_eq!(
            found(vec![jobs(&["cart", "shop"]), jobs(&["cart", "shop"]), jobs(&["prometheus", "shop"])]),
            names(&["cart", "shop"])
        );
        assert_eq!(found(vec![vector(""), vector("")]), names(&[]));
        assert!(found(vec![Served::status(401)]).expect_err("refused").contains("check the token"));
    }

    #[test]
    fn an_optional_metric_without_series_is_no_matter_and_a_broken_one_is() {
        let (report, _) = collected(vec![value("1"), vector("")]);
        let report = report.expect("a report");
        assert_eq!((report.numbers.len(), report.notes.len()), (1, 0));
        let (report, _) = collected(vec![value("1"), value("NaN")]);
        let report = report.expect("a report");
        assert_eq!((report.numbers.get("mm_hit_ratio"), report.notes.len()), (Some(&None), 1));
    }

    #[test]
    fn warnings_are_notes_and_incomplete_data_is_no_value() {
        let with = |extra: &str| {
            let answer =
                r#"{"status":"success",EXTRA,"data":{"resultType":"scalar","result":[1760270700,"1"]}}"#;
            collected(vec![body(200, &answer.replace("EXTRA", extra)), value("1")]).0.expect("a report")
        };
        let warned = with(r#""warnings":["a store is down"]"#);
        assert_eq!(warned.number("net_bps"), Some(1.0));
        assert_eq!(warned.notes, ["`net_bps`: the server warns: a store is down"]);
        let partial = with(r#""isPartial":true"#);
        assert_eq!(partial.number("net_bps"), None);
        assert_eq!(partial.notes, ["`net_bps`: the server has only part of the data"]);
    }

    #[test]
    fn without_any_metric_the_collection_fails() {
        let failed = |answers| match collected(answers).0 {
            Err(NoReport::Failed(reason)) => reason,
            other => panic!("{other:?}"),
        };
        let told = failed(vec![vector(""), value("NaN")]);
        assert!(told.contains("has no metric: `net_bps`: no series; `mm_hit_ratio`: no events"), "{told}");
        let server = TestServer::start(vec![]).expect("a server");
        let none = cover(&mut source(&server, vec![]), &NoWait::doing(|| ()));
        assert!(
            matches!(none, Err(NoReport::Failed(reason)) if reason.ends_with("the policy has no queries"))
        );
    }

    #[test]
    fn a_server_that_refuses_us_fails_the_collection_at_once() {
        for (status, words) in
            [(401, "check the token"), (403, "check the token"), (404, "check the path"), (302, "redirect")]
        {
            let (report, asked) = collected(vec![Served::status(status), value("1")]);
            let Err(NoReport::Failed(reason)) = report else { panic!("{status}") };
            assert!(reason.contains(&status.to_string()) && reason.contains(words), "{reason}");
            assert_eq!(asked, 1);
        }
    }

    #[test]
    fn a_server_in_trouble_is_asked_again_for_the_same_moment_and_how_often_is_recorded() {
        let answers = vec![body(503, ""), body(429, ""), value("1"), body(500, ""), value("2")];
        let server = TestServer::start(answers).expect("a server");
        let queries = vec![query("net_bps", "net", false), query("mm_hit_ratio", "hit", true)];
        let report = cover(&mut source(&server, queries), &NoWait::doing(|| ())).expect("a report");
        assert_eq!((report.number("net_bps"), report.number("mm_hit_ratio")), (Some(1.0), Some(2.0)));
        assert_eq!(report.asked_again, 3);
        assert_eq!(report.notes, ["the server was asked again 3 times: the server answered 503"]);
        let asked: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
        let times = |query: &str| format!("query={query}&time=1760270700.250&nocache=1");
        assert_eq!(asked, [times("net"), times("net"), times("net"), times("hit"), times("hit")]);
        let (once, _) = collected(vec![body(503, ""), value("1"), value("2")]);
        assert_eq!(
            once.expect("a report").notes,
            ["the server was asked once more: the server answered 503"]
        );
        let (never, _) = collected(vec![value("1"), value("2")]);
        assert_eq!(never.expect("a report").asked_again, 0);
    }

    #[test]
    fn a_server_that_stays_in_trouble_is_given_up_on_when_the_interval_is_used_up() {
        let server = TestServer::start(vec![body(503, ""); 60]).expect("a server");
        let mut source = source(&server, vec![query("net_bps", "net", false)]);
        source.store.limits.pause = Duration::from_millis(500);
        let wait = NoWait::doing(|| ());
        let told = cover(&mut source, &wait);
        let tries = server.requests().len();
        assert!(
            matches!(&told, Err(NoReport::Failed(reason)) if reason.contains(&format!("503 ({tries} tries)"))),
            "{told:?}"
        );
        // Half of 32 s to 32 s is the longest pause; 300 s are for the interval itself.
        let paused = wait.asked.get().saturating_sub(Duration::from_secs(300));
        assert!(paused < Duration::from_secs(300) && paused > Duration::from_secs(260), "{paused:?}");
        // 0.5 + 1 + 2 + … + 32 are 63.5 s, then as many of 16 to 32 s as 300 s hold.
        assert!((14..=26).contains(&tries), "{tries}");
    }

    #[test]
    fn a_pause_that_the_server_asks_for_is_made_within_the_interval_alone() {
        let busy = |seconds: &str| Served::with(429, &[("Retry-After", seconds), ("Content-Length", "0")]);
        let (report, asked) = collected(vec![busy("250"), value("1"), value("2")]);
        assert_eq!((report.expect("a report").asked_again, asked), (1, 3));
        let (report, asked) = collected(vec![busy("301"), value("1")]);
        assert!(matches!(report, Err(NoReport::Failed(reason)) if reason.contains("a pause of 301 s")));
        assert_eq!(asked, 1);
    }

    #[test]
    fn a_server_that_cannot_be_reached_or_is_silent_fails_the_collection() {
        let unused =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
        let target = Target::new(&format!("http://{unused}"), &Auth::None, &[]).expect("acceptable");
        let mut away = PrometheusSource::new(Store::new(target, "", QUICK), vec![query("a", "b", false)]);
        let told = cover_for(200, &mut away, &NoWait::doing(|| ()));
        assert!(matches!(told, Err(NoReport::Failed(reason)) if reason.contains("the connection failed")));

        let server = TestServer::start(vec![Served::Silence; 9]).expect("a server");
        let mut silent = source(&server, vec![query("a", "b", false)]);
        silent.store.limits.timeout = Duration::from_millis(200);
        let began = std::time::Instant::now();
        let told = cover_for(500, &mut silent, &RealWait::new());
        assert!(matches!(told, Err(NoReport::Failed(reason)) if reason.contains("gave no answer within 0.")));
        let took = began.elapsed();
        // The interval, and as long again for the tries.
        assert!(took < Duration::from_millis(1300) && server.requests().len() >= 2, "{took:?}");
    }

    fn several(series: &[(&str, &str)]) -> Served {
        let series: Vec<String> = series
            .iter()
            .map(|(instance, value)| {
                let labels = format!(r#"{{"instance":"{instance}","job":"mm"}}"#);
                format!(r#"{{"metric":{labels},"value":[1760270700,"{value}"]}}"#)
            })
            .collect();
        vector(&series.join(","))
    }

    fn reduced_by(reduce: Option<Reduce>, series: &[(&str, &str)]) -> EdgeReport {
        let server = TestServer::start(vec![several(series)]).expect("a server");
        let queries = vec![MetricQuery { reduce, ..query("p95.ms", "x", false) }];
        cover(&mut source(&server, queries), &NoWait::doing(|| ())).expect("a report")
    }

    #[test]
    fn several_series_are_an_error_that_lists_them_by_the_labels_in_which_they_differ() {
        let (report, _) = collected(vec![several(&[("a:1", "1.5"), ("b:1", "NaN")]), value("0.8")]);
        let report = report.expect("a report");
        let told = "`net_bps`: 2 series, expected one: {instance=\"a:1\"} 1.5, {instance=\"b:1\"} NaN; set \
                    `reduce = \"max\"`, `\"sum\"` or `\"mean\"` in `[prometheus.net_bps]`, or aggregate them in the \
                    query";
        assert_eq!(report.notes, [told]);
        assert_eq!(report.number("net_bps"), None);
    }

    #[test]
    fn only_so_many_series_are_listed_and_labels_are_cut() {
        let long = "x".repeat(300);
        let names: Vec<String> = (0..8).map(|n| format!("{n}{long}")).collect();
        let series: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let server = TestServer::start(vec![several(&series)]).expect("a server");
        let report = cover(&mut source(&server, vec![query("p95.ms", "x", false)]), &NoWait::doing(|| ()));
        let Err(NoReport::Failed(reason)) = report else { panic!("{report:?}") };
        assert!(reason.contains("8 series, expected one: {instance=\"0xxx"), "{reason}");
        assert!(
            reason.contains("…} 1 and 3 more; set") && reason.contains("`[prometheus.\"p95.ms\"]`"),
            "{reason}"
        );
        assert!(reason.len() < 1200, "{}", reason.len());
    }

    #[test]
    fn several_series_become_one_number_where_the_policy_says_how() {
        let series = [("a:1", "1.5"), ("b:1", "-4"), ("c:1", "4")];
        for (reduce, expected) in [(Reduce::Max, 4.0), (Reduce::Sum, 1.5), (Reduce::Mean, 0.5)] {
            let report = reduced_by(Some(reduce), &series);
            assert_eq!(report.number("p95.ms"), Some(expected), "{reduce:?}");
            assert_eq!((report.notes, report.incomplete), (vec![], None));
        }
        assert_eq!(reduced_by(Some(Reduce::Max), &series[1..2]).number("p95.ms"), Some(-4.0));
    }

    #[test]
    fn series_without_a_number_are_left_out_of_a_reduction_and_named() {
        let report = reduced_by(Some(Reduce::Max), &[("a:1", "1.5"), ("b:1", "NaN"), ("c:1", "4")]);
        assert_eq!(report.number("p95.ms"), Some(4.0));
        let told =
            "`p95.ms`: 1 of 3 series left out, without a recent number: {instance=\"b:1\",job=\"mm\"} NaN";
        assert_eq!(report.notes, [told]);
        let server = TestServer::start(vec![several(&[("a:1", "NaN"), ("b:1", "NaN")])]).expect("a server");
        let queries = vec![MetricQuery { reduce: Some(Reduce::Sum), ..query("p95.ms", "x", false) }];
        let none = cover(&mut source(&server, queries), &NoWait::doing(|| ()));
        assert!(none.is_ok_and(|report| report.notes == ["`p95.ms`: no events"]));
    }

    #[test]
    fn no_secret_is_told_and_none_goes_to_another_server() {
        let other = TestServer::start(vec![value("1")]).expect("a server");
        let elsewhere = Served::with(307, &[("Location", &other.url("/stolen")), ("Content-Length", "0")]);
        for answer in [elsewhere, Served::status(401), Served::Text("hush\r\n\r\n".to_owned())] {
            let server = TestServer::start(vec![answer]).expect("a server");
            let target =
                Target::new(&server.url(""), &Auth::Bearer(Secret::new("hush")), &[]).expect("acceptable");
            let store = Store::new(target, "", QUICK);
            let mut source = PrometheusSource::new(store, vec![query("a", "b", false)]);
            let told = format!("{:?} {source:?}", cover_for(20, &mut source, &NoWait::doing(|| ())));
            assert!(told.contains("Failed") && !told.contains("hush"), "{told}");
            assert!(server.requests()[0].has_header("authorization: bearer hush"));
        }
        assert!(other.requests().is_empty());
    }

    #[test]
    fn a_run_that_is_to_stop_asks_nothing_more() {
        let server = TestServer::start(vec![value("1")]).expect("a server");
        let mut source = source(&server, vec![query("a", "b", false)]);
        let wait = RealWait::interrupted_after(Duration::ZERO);
        assert_eq!(cover(&mut source, &wait), Err(NoReport::Interrupted));
        assert!(server.requests().is_empty());
    }
}
