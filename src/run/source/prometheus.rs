//! The `prometheus` source: at the end of each interval every metric's query is evaluated as an instant query. And
//! the same queries asked for by others: now, or at each time of a range.
//!
//! - All queries are for the same moment, the end of the interval, so that they describe the same state. In them
//!   `$window` is the interval (`300s`) and `$selector` the label matchers that the user gave. A metric that is
//!   to be had without a selector too is best written `{le="1",$selector}`; with an empty selector a comma
//!   behind it goes with it, and one before it `PromQL` allows.
//! - No series, several series, a value that is not finite or older than the interval, data that the server
//!   knows to be incomplete: that metric has no value, and a note says why. An optional metric without series is
//!   no matter. `NaN` is what a ratio is without events.
//! - The collection fails when a required query brings nothing (a value that is not finite is an answer), when the
//!   server cannot be reached, refuses us or fails, or when no metric at all has a value. What was measured is kept.
//! - Secrets go to the given server alone: redirects are not followed, and plain http to another machine is
//!   refused with them. `nocache=1` keeps `VictoriaMetrics` from answering for half a minute before the moment
//!   that was asked for; the others ignore it.

use crate::infra::http::Target;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ureq::http::StatusCode;
use ureq::{Agent, Proxy};

use crate::core::policy::run::MetricQuery;
use crate::infra::clock::Wait;
use crate::infra::http::{HttpError, Limits, Request, agent, retrying};
use crate::infra::prometheus::{Answer, RangeAnswer, Told, read, read_range};
use crate::run::iteration::{EdgeReport, Incomplete};
use crate::run::source::{Interval, NoReport, Source};

/// Where instant queries go.

const INSTANT: &str = "/api/v1/query";
/// Where range queries go.
const RANGE: &str = "/api/v1/query_range";
/// Largest answer, bytes.
const LARGEST: u64 = 1 << 20;
/// Most notes from warnings of the server.
const MOST_WARNINGS: usize = 10;

/// Asks a server for the metrics of each interval.
#[derive(Clone, Debug)]
pub struct PrometheusSource {
    target: Target,
    selector: String,
    queries: Vec<MetricQuery>,
    limits: Limits,
}

impl PrometheusSource {
    /// Whom to ask, for which series (label matchers such as `job="mm"`, with or without braces, or nothing),
    /// and what.
    pub fn new(target: Target, selector: &str, queries: Vec<MetricQuery>, limits: Limits) -> Self {
        Self { target, selector: bare(selector), queries, limits }
    }

    /// Asks all queries for the end of the interval.
    fn collect(&self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let agent = agent_for(&self.target, &self.limits);
        let time = unix(interval.ends());
        let since = interval.starts.timestamp_millis() as f64 / 1000.0;
        let mut report = EdgeReport::default();
        let (mut missing, mut is_alive) = (Vec::new(), false);
        for query in &self.queries {
            wait.wait(Duration::ZERO)?;
            let text = expand(&query.query, interval.length, &self.selector);
            let form = [("query", text.as_str()), ("time", &time), ("nocache", "1")];
            let answer = ask(&agent, &self.target, INSTANT, &self.limits, &form, wait);
            let told = match answer {
                Ok(body) => read(&body).map_err(|reason| format!("the answer cannot be read: {reason}")),
                Err(HttpError::TooLong { limit }) => Err(format!("the answer is longer than {limit} bytes")),
                Err(error) => {
                    wait.wait(Duration::ZERO)?;
                    return Err(NoReport::Failed(failed(&self.target, &error)));
                }
            };
            match take(&mut report, query, told, since) {
                _ if query.is_optional => {}
                Ok(()) => is_alive = true,
                Err(reason) => missing.push(reason),
            }
        }
        if !is_alive && report.numbers.values().all(Option::is_none) {
            let reason = match (self.queries.len(), report.notes.is_empty()) {
                (0, _) => "the policy has no queries".to_owned(),
                (_, true) => "no query found a series".to_owned(),
                (_, false) => report.notes.join("; "),
            };
            return Err(NoReport::Failed(format!("`{}` has no metric: {reason}", self.target.url())));
        }
        if !missing.is_empty() {
            let reason = format!("required queries brought no value: {}", missing.join("; "));
            report.incomplete = Some(Incomplete { reason, is_alive });
        }
        Ok(report)
    }
}

/// Evaluates one query now, by the server's clock; the error says in words why there is no answer.
pub fn ask_now(target: &Target, query: &str, limits: &Limits, wait: &dyn Wait) -> Result<Told, String> {
    let agent = agent_for(target, limits);
    let body = ask(&agent, target, INSTANT, limits, &[("query", query), ("nocache", "1")], wait)
        .map_err(|error| failed(target, &error))?;
    read(&body).map_err(|reason| format!("the answer cannot be read: {reason}"))
}

/// Times that are a step apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: DateTime<Utc>,
    /// The last, or shortly after it.
    pub last: DateTime<Utc>,
    /// From one to the next; also what `$window` stands for.
    pub step: Duration,
}

/// Evaluates a query of the policy at each time of a range; the error says in words why there is no answer. Servers
/// refuse more than 11 000 times.
pub fn ask_range(
    target: &Target,
    query: &str,
    selector: &str,
    range: &Range,
    limits: &Limits,
    wait: &dyn Wait,
) -> Result<Told<RangeAnswer>, String> {
    let agent = agent_for(target, limits);
    let text = expand(query, range.step, &bare(selector));
    let (first, last) = (unix(range.first), unix(range.last));
    let step = format!("{}", range.step.as_secs_f64());
    let form =
        [("query", text.as_str()), ("start", &first), ("end", &last), ("step", &step), ("nocache", "1")];
    let body = ask(&agent, target, RANGE, limits, &form, wait).map_err(|error| failed(target, &error))?;
    read_range(&body)
        .map_err(|reason| format!("`{}` gave an answer that cannot be read: {reason}", target.url()))
}

/// A time as the servers read it: Unix seconds.
fn unix(time: DateTime<Utc>) -> String {
    let millis = time.timestamp_millis();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// Label matchers without their braces.
fn bare(selector: &str) -> String {
    let bare = selector.trim();
    let bare = bare.strip_prefix('{').and_then(|bare| bare.strip_suffix('}')).unwrap_or(bare);
    bare.trim().trim_end_matches(',').trim_end().to_owned()
}

fn agent_for(target: &Target, limits: &Limits) -> Agent {
    agent(limits, if target.is_direct() { None } else { Proxy::try_from_env() })
}

fn ask(
    agent: &Agent,
    target: &Target,
    path: &str,
    limits: &Limits,
    form: &[(&str, &str)],
    wait: &dyn Wait,
) -> Result<Vec<u8>, HttpError> {
    let request = Request {
        limits,
        // A query that the server does not understand or cannot carry out; the body says why.
        is_answer: |status| status == StatusCode::BAD_REQUEST || status == StatusCode::UNPROCESSABLE_ENTITY,
        pause: |pause| wait.wait(pause).is_ok(),
    };
    let send = || {
        let mut request = agent.post(target.at(path));
        for (name, value) in target.headers() {
            request = request.header(name, value);
        }
        request.send_form(form.iter().copied())
    };
    retrying(&request, send, |mut answer| answer.body_mut().with_config().limit(LARGEST).read_to_vec())
}

fn failed(target: &Target, error: &HttpError) -> String {
    let url = target.url();
    match error {
        HttpError::Unanswered { timeout } => {
            format!("`{url}` gave no answer within {} s", timeout.as_secs_f64())
        }
        HttpError::Refused { status: status @ (401 | 403), .. } => {
            format!("`{url}` answered {status}: check the token, or user and password")
        }
        HttpError::Refused { status: 404, .. } => {
            format!("`{url}` answered 404: check the path of the URL, to which `/api/v1/query` is added")
        }
        other => format!("`{url}` cannot be asked: {other}"),
    }
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
        Ok(Answer::Nothing) => "no series".to_owned(),
        Ok(Answer::Several(number)) => format!("{number} series, expected one; aggregate them in the query"),
        Ok(Answer::OtherKind(kind)) => format!("the result is a {kind}, expected one number"),
        Ok(Answer::Refused(words)) => format!("the server refused the query: {words}"),
        Err(reason) => reason,
    };
    let reason = format!("`{name}`: {reason}");
    report.numbers.insert(name.clone(), None);
    report.notes.push(reason.clone());
    Err(reason)
}

/// Puts the interval and the selector into a query.
fn expand(query: &str, length: Duration, selector: &str) -> String {
    let window = match length.subsec_millis() {
        0 => format!("{}s", length.as_secs()),
        _ => format!("{}ms", length.as_millis()),
    };
    let query = query.replace("$window", &window);
    if !selector.is_empty() {
        return query.replace("$selector", selector);
    }
    let mut pieces = query.split("$selector");
    let mut expanded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        expanded.push_str(piece.trim_start().strip_prefix(',').unwrap_or(piece));
    }
    expanded
}

impl Source for PrometheusSource {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        wait.pass(interval.length)?;
        self.collect(interval, wait)
    }
}

#[cfg(test)]
#[path = "../tests/prometheus_source.rs"]
mod tests;
