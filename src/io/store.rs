//! A metric store that takes remote write: asking it what it takes, and sending samples to it.
//!
//! Must not decide what is sent. A batch can be sent again without harm: the same samples at the same times.

use std::collections::BTreeMap;

use super::http::{Answered, Call, HttpError, Limits, Method, Target, exchange};
use crate::core::history::plan::{Prometheus, Store, Times};
use crate::wire::percent::encode;
use crate::wire::remote_write::{HEADERS, TooLarge, WriteRequest};
use crate::wire::store_status as status;
use crate::wire::told::shortened;

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
        let Some(flags) = self.told(base, "/api/v1/status/flags")?.as_deref().and_then(status::flags) else {
            let metrics = self.told(base, "/metrics")?.unwrap_or_default();
            let retention = status::victoria_retention_ms(&String::from_utf8_lossy(&metrics));
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
            head_newest: head.as_deref().and_then(status::head_newest).flatten(),
            min_block_ms: flags.min_block_ms,
            out_of_order_ms: config.as_deref().and_then(status::out_of_order_ms).unwrap_or(0),
            retention_ms: runtime.as_deref().and_then(status::retention_ms),
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
        Ok(status::exported(&answer.body, sought.labels, sought.by))
    }

    /// The times of samples that a Prometheus has.
    fn present(&self, base: &Target, sought: &Sought<'_>) -> Result<Times, AskError> {
        // A range behind a selector gives the samples themselves, at their own times.
        let seconds = sought.to.saturating_sub(sought.from).max(0) / 1000 + 2;
        let time = sought.to.div_euclid(1000) + 1;
        let query = format!("{}[{seconds}s]", sought.selector());
        let answer =
            self.post(base, "/api/v1/query", &form(&[("query", &query), ("time", &time.to_string())]))?;
        Ok(status::stored(&answer.body, sought.labels, sought.by).unwrap_or_default())
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

#[cfg(test)]
mod tests;
