//! A metric store that takes remote write: asking it what it takes, and sending samples to it. Prometheus tells by its
//! status API, `VictoriaMetrics` by the flags among its own metrics; what is not told is `None`.
//! A batch can be sent again without harm: the same samples at the same times.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::history::plan::{Prometheus, Store, Times};
use crate::core::json::shortened;
use crate::export::remote_write_message::{HEADERS, TooLarge, WriteRequest};
use crate::infra::http::percent_encoded as encode;
use crate::infra::http::{Answered, Call, HttpError, Limits, Method, Target, exchange};

/// Where remote write is taken, below the base of a server.
const WRITE: &str = "/api/v1/write";

/// A store by the URL that samples are sent to.
#[derive(Clone, Debug)]
pub struct RemoteStore {
    write: Target,
    /// Where its status is asked for; `None` when the URL does not end as Prometheus' does.
    base: Option<Target>,
    limits: Limits,
}

/// What is looked for to know which samples are there.
#[derive(Clone, Debug)]
pub struct Sought<'a> {
    /// The metric.
    pub metric: &'a str,
    /// Its labels but one, all of them.
    pub labels: &'a BTreeMap<String, String>,
    /// The label by whose value the samples are told apart.
    pub by: &'a str,
    /// The oldest time, ms.
    pub from: i64,
    /// The newest time, ms.
    pub to: i64,
}

impl Sought<'_> {
    /// The metric with its labels, as `PromQL` has it.
    fn selector(&self) -> String {
        let matcher = |(name, value): (&String, &String)| format!("{name}={}", quoted(value));
        let matchers: Vec<String> = self.labels.iter().map(matcher).collect();
        format!("{}{{{}}}", self.metric, matchers.join(","))
    }
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It cannot be written.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// It was not delivered.
    #[error("`{url}` cannot be written to")]
    Http {
        /// Where to.
        url: String,
        /// What happened.
        source: HttpError,
    },
    /// The store refused it.
    #[error("`{url}` refused the samples with {status}: {words}")]
    Refused {
        /// Where to.
        url: String,
        /// HTTP status.
        status: u16,
        /// Its words, shortened.
        words: String,
    },
}

/// A store could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` cannot be asked what it takes")]
pub struct AskError {
    /// What was asked.
    pub url: String,
    /// What happened.
    pub source: HttpError,
}

impl RemoteStore {
    /// A store at this URL: the one that takes the samples, or the base of a server that does so below it.
    pub fn new(given: &Target, limits: Limits) -> Self {
        let url = given.url();
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let (write, base) = match url.strip_suffix(WRITE) {
            Some(base) => (given.clone(), Some(given.moved(base))),
            None if has_path => (given.clone(), None),
            None => (given.moved(&format!("{url}{WRITE}")), Some(given.clone())),
        };
        Self { write, base, limits }
    }

    /// Where samples go.
    pub fn url(&self) -> &str {
        self.write.url()
    }

    /// What it takes, as far as it tells.
    pub fn ask(&self, sought: Option<&Sought<'_>>) -> Result<Store, AskError> {
        let Some(base) = &self.base else { return Ok(Store::Unknown) };
        let Some(flags) = self.told(base, "/api/v1/status/flags")?.as_deref().and_then(flags) else {
            let metrics = self.told(base, "/metrics")?.unwrap_or_default();
            let retention = victoria_retention_ms(&String::from_utf8_lossy(&metrics));
            let Some(retention_ms) = retention else { return Ok(Store::Unknown) };
            let present = sought.map(|sought| self.exported(base, sought)).transpose()?.unwrap_or_default();
            return Ok(Store::VictoriaMetrics { retention_ms, present });
        };
        let config = self.told(base, "/api/v1/status/config")?;
        let head = self.told(base, "/api/v1/status/tsdb")?;
        let runtime = self.told(base, "/api/v1/status/runtimeinfo")?;
        let present = sought.map(|sought| self.present(base, sought)).transpose()?.unwrap_or_default();
        Ok(Store::Prometheus(Prometheus {
            receives: flags.receives,
            head_newest: head.as_deref().and_then(head_newest),
            min_block_ms: flags.min_block_ms,
            out_of_order_ms: config.as_deref().and_then(out_of_order_ms).unwrap_or(0),
            retention_ms: runtime.as_deref().and_then(retention_ms),
            present,
        }))
    }

    /// The body of an answer; `None` when there is nothing under that path.
    fn told(&self, base: &Target, path: &str) -> Result<Option<Vec<u8>>, AskError> {
        let call = Call { method: Method::GET, path, headers: &[], body: &[] };
        self.answered(base, &call).map(|answer| (answer.status == 200).then_some(answer.body))
    }

    fn answered(&self, base: &Target, call: &Call<'_>) -> Result<Answered, AskError> {
        let is_answer = |status| matches!(status, 400 | 404 | 405 | 422);
        exchange(base, call, &self.limits, is_answer)
            .map_err(|source| AskError { url: base.at(call.path), source })
    }

    /// The times of samples that a `VictoriaMetrics` has.
    fn exported(&self, base: &Target, sought: &Sought<'_>) -> Result<Times, AskError> {
        let seconds = |ms: i64| format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000));
        let (start, end) = (seconds(sought.from), seconds(sought.to));
        let body = form(&[("match[]", &sought.selector()), ("start", &start), ("end", &end)]);
        let answer = self.post(base, "/api/v1/export", &body)?;
        Ok(exported(&answer.body, sought.labels, sought.by))
    }

    /// The times of samples that a Prometheus has.
    fn present(&self, base: &Target, sought: &Sought<'_>) -> Result<Times, AskError> {
        // A range behind a selector gives the samples themselves, at their own times.
        let seconds = sought.to.saturating_sub(sought.from).max(0) / 1000 + 2;
        let time = sought.to.div_euclid(1000) + 1;
        let query = format!("{}[{seconds}s]", sought.selector());
        let answer =
            self.post(base, "/api/v1/query", &form(&[("query", &query), ("time", &time.to_string())]))?;
        Ok(stored(&answer.body, sought.labels, sought.by).unwrap_or_default())
    }

    fn post(&self, base: &Target, path: &str, form: &str) -> Result<Answered, AskError> {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.answered(base, &Call { method: Method::POST, path, headers: &headers, body: form.as_bytes() })
    }

    /// Sends a batch.
    pub fn send(&self, request: &WriteRequest) -> Result<(), SendError> {
        let body = request.to_body()?;
        let call = Call { method: Method::POST, path: "", headers: &HEADERS, body: &body };
        // What is refused as it is will be refused again; the body says why.
        let is_answer = |status| matches!(status, 400 | 404 | 409 | 413 | 422);
        let url = || self.url().to_owned();
        let answer = exchange(&self.write, &call, &self.limits, is_answer)
            .map_err(|source| SendError::Http { url: url(), source })?;
        match answer.status {
            200..300 => Ok(()),
            status => {
                let words = shortened(String::from_utf8_lossy(&answer.body).trim());
                Err(SendError::Refused { url: url(), status, words })
            }
        }
    }
}

/// A string of `PromQL`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A form as it stands in a body.
fn form(pairs: &[(&str, &str)]) -> String {
    let pair = |(key, value): &(&str, &str)| format!("{}={}", encode(key), encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Milliseconds of Prometheus' words for lengths of time: `2h`, `1d12h`, `500ms`. `None` when it is none of these.
fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut total: i64 = 0;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit: i64 = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
        any = true;
    }
    any.then_some(total)
}

#[derive(Deserialize)]
struct Document {
    status: String,
    data: Value,
}

/// The `data` of a successful answer.
fn data(json: &[u8]) -> Option<Value> {
    let document: Document = serde_json::from_slice(json).ok()?;
    (document.status == "success").then_some(document.data)
}

/// Flags of a Prometheus server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    /// Whether it takes remote write at all.
    pub receives: Option<bool>,
    /// Shortest block, ms: half of it is how far behind its newest sample the head takes samples.
    pub min_block_ms: Option<i64>,
}

/// `/api/v1/status/flags` of Prometheus; `None` when this is no Prometheus.
fn flags(json: &[u8]) -> Option<Flags> {
    let data = data(json)?;
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    text("config.file")?;
    Some(Flags {
        receives: text("web.enable-remote-write-receiver").and_then(|told| told.parse().ok()),
        min_block_ms: text("storage.tsdb.min-block-duration").and_then(duration_ms),
    })
}

/// `/api/v1/status/config`: `out_of_order_time_window`, ms; 0 when the configuration does not set it.
fn out_of_order_ms(json: &[u8]) -> Option<i64> {
    let data = data(json)?;
    let yaml = data.get("yaml")?.as_str()?;
    let told = yaml.lines().find_map(|line| line.trim().strip_prefix("out_of_order_time_window:"));
    match told {
        None => Some(0),
        Some(text) => duration_ms(text.trim().trim_matches(['"', '\''])),
    }
}

/// `/api/v1/status/tsdb`: the newest sample in the head, ms; `None` when it is not told, or the head is
/// empty.
fn head_newest(json: &[u8]) -> Option<i64> {
    data(json)?.get("headStats")?.get("maxTime")?.as_i64().filter(|newest| *newest != i64::MIN)
}

/// `/api/v1/status/runtimeinfo`: for how long samples are kept, ms; `None` when only their size is limited, too.
fn retention_ms(json: &[u8]) -> Option<i64> {
    let data = data(json)?;
    // `15d`, `10GiB`, or `15d or 10GiB`.
    data.get("storageRetention")?.as_str()?.split(" or ").find_map(duration_ms).filter(|ms| *ms > 0)
}

/// The metrics of `VictoriaMetrics`: for how long samples are kept, ms; `None` when these are not its metrics.
fn victoria_retention_ms(metrics: &str) -> Option<i64> {
    let line = metrics.lines().find(|line| line.starts_with("flag{name=\"retentionPeriod\""))?;
    let (_, rest) = line.split_once("value=\"")?;
    let (text, _) = rest.split_once('"')?;
    // A number alone is months of 31 days.
    match text.parse::<i64>() {
        Ok(months) => months.checked_mul(31 * 86_400_000),
        Err(_) => duration_ms(text),
    }
}

/// The times of the samples in a range query's answer, by the value of the label `by`. Only series whose other labels
/// are exactly `labels` count. `None` when it is no such answer.
fn stored(json: &[u8], labels: &BTreeMap<String, String>, by: &str) -> Option<Times> {
    let data = data(json)?;
    let mut times = Times::new();
    for series in data.get("result")?.as_array()? {
        let Some(name) = is_wanted(series.get("metric")?, labels, by) else { continue };
        let of_series = times.entry(name).or_default();
        for sample in series.get("values")?.as_array()? {
            let seconds = sample.get(0)?.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "time stamps are far below 2^53 ms")]
            of_series.insert((seconds * 1000.0).round() as i64);
        }
    }
    Some(times)
}

/// The same of an export of `VictoriaMetrics`: a JSON object a line. Lines that are none are left out.
fn exported(lines: &[u8], labels: &BTreeMap<String, String>, by: &str) -> Times {
    let mut times = Times::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(series) = serde_json::from_slice::<Value>(line) else { continue };
        let Some(name) = series.get("metric").and_then(|metric| is_wanted(metric, labels, by)) else {
            continue;
        };
        let told = series.get("timestamps").and_then(Value::as_array).into_iter().flatten();
        times.entry(name).or_default().extend(told.filter_map(Value::as_i64));
    }
    times
}

/// The value of the label `by` of a series whose other labels are exactly `labels`; `None` for any other series.
fn is_wanted(metric: &Value, labels: &BTreeMap<String, String>, by: &str) -> Option<String> {
    let metric = metric.as_object()?;
    let others = || metric.iter().filter(|(name, _)| *name != by && *name != "__name__");
    let is_known = |(name, value): (&String, &Value)| labels.get(name).map(String::as_str) == value.as_str();
    let is_wanted = others().count() == labels.len() && others().all(is_known);
    is_wanted.then(|| metric.get(by).and_then(Value::as_str).unwrap_or_default().to_owned())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests measure how long something takes")]
mod tests;
