//! A metric store that takes remote write: asking it what it takes, and sending samples to it. Prometheus answers by its
//! status API, `VictoriaMetrics` by the flags among its own metrics; what is not known is `None`.
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
    pub metric: &'a str,
    /// Its labels but one, all of them.
    pub labels: &'a BTreeMap<String, String>,
    /// The label whose value distinguishes the samples.
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

/// A store could not be queried.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` does not report what it accepts")]
pub struct AskError {
    /// The request.
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

    /// What it takes, as far as it says.
    pub fn query(&self, sought: Option<&Sought<'_>>) -> Result<Store, AskError> {
        let Some(base) = &self.base else { return Ok(Store::Unknown) };
        let Some(flags) = self.fetched(base, "/api/v1/status/flags")?.as_deref().and_then(flags) else {
            let metrics = self.fetched(base, "/metrics")?.unwrap_or_default();
            let retention = victoria_retention_ms(&String::from_utf8_lossy(&metrics));
            let Some(retention_ms) = retention else { return Ok(Store::Unknown) };
            let present = sought.map(|sought| self.exported(base, sought)).transpose()?.unwrap_or_default();
            return Ok(Store::VictoriaMetrics { retention_ms, present });
        };
        let config = self.fetched(base, "/api/v1/status/config")?;
        let head = self.fetched(base, "/api/v1/status/tsdb")?;
        let runtime = self.fetched(base, "/api/v1/status/runtimeinfo")?;
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
    fn fetched(&self, base: &Target, path: &str) -> Result<Option<Vec<u8>>, AskError> {
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

/// A form, encoded for a body.
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
        receives: text("web.enable-remote-write-receiver").and_then(|fetched| fetched.parse().ok()),
        min_block_ms: text("storage.tsdb.min-block-duration").and_then(duration_ms),
    })
}

/// `/api/v1/status/config`: `out_of_order_time_window`, ms; 0 when the configuration does not set it.
fn out_of_order_ms(json: &[u8]) -> Option<i64> {
    let data = data(json)?;
    let yaml = data.get("yaml")?.as_str()?;
    let fetched = yaml.lines().find_map(|line| line.trim().strip_prefix("out_of_order_time_window:"));
    match fetched {
        None => Some(0),
        Some(text) => duration_ms(text.trim().trim_matches(['"', '\''])),
    }
}

/// `/api/v1/status/tsdb`: the newest sample in the head, ms; `None` when it is not known, or the head is
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
    // A bare number is months of 31 days.
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
        let fetched = series.get("timestamps").and_then(Value::as_array).into_iter().flatten();
        times.entry(name).or_default().extend(fetched.filter_map(Value::as_i64));
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
mod tests {

    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    use prost::Message;

    use super::*;
    use crate::export::remote_write_message::{Label, Sample, TimeSeries};
    use crate::infra::http::Auth;
    use crate::infra::test_server::{Answer, QUICK, TestServer};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn store(server: &TestServer, path: &str) -> Result<RemoteStore, Box<dyn std::error::Error>> {
        Ok(RemoteStore::new(&Target::new(&server.url(path), &Auth::None, &[])?, QUICK))
    }

    fn request() -> WriteRequest {
        let label = Label { name: "__name__".to_owned(), value: "a".to_owned() };
        let samples = vec![Sample { value: 1.0, timestamp: 2 }];
        WriteRequest { timeseries: vec![TimeSeries { labels: vec![label], samples }] }
    }

    fn text(status: u16, body: &str) -> Answer {
        Answer::Text(format!("HTTP/1.1 {status} Word\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }

    fn statuses(statuses: &[u16]) -> Result<TestServer, std::io::Error> {
        TestServer::start(statuses.iter().copied().map(Answer::status).collect())
    }

    #[test]
    fn a_batch_goes_out_compressed_with_the_headers_of_the_protocol() -> TestResult {
        let server = statuses(&[204])?;
        store(&server, "/api/v1/write")?.send(&request())?;
        let requests = server.requests();
        let received = &requests[0];
        assert!(received.head.starts_with("POST /api/v1/write HTTP/1.1\r\n"), "{}", received.head);
        for header in [
            "content-type: application/x-protobuf",
            "content-encoding: snappy",
            "x-prometheus-remote-write-version: 0.1.0",
        ] {
            assert!(received.has_header(header), "{header}: {}", received.head);
        }
        let plain = snap::raw::Decoder::new().decompress_vec(&received.bytes)?;
        assert_eq!(WriteRequest::decode(plain.as_slice())?, request());
        Ok(())
    }

    #[test]
    fn the_base_of_a_server_gets_the_path_and_another_path_is_left_as_it_is() -> TestResult {
        for (given, written) in
            [("", "/api/v1/write"), ("/api/v1/write/", "/api/v1/write"), ("/api/v1/push", "/api/v1/push")]
        {
            let server = statuses(&[204])?;
            store(&server, given)?.send(&request())?;
            let head = &server.requests()[0].head;
            assert!(head.starts_with(&format!("POST {written} HTTP")), "{given}: {head}");
        }
        let server = statuses(&[])?;
        assert_eq!(store(&server, "/api/v1/push")?.query(None)?, Store::Unknown);
        assert!(server.requests().is_empty());
        Ok(())
    }

    #[test]
    fn a_batch_is_sent_again_on_429_and_5xx_after_the_required_pause() -> TestResult {
        let server = TestServer::start(vec![
            Answer::with(429, &[("Retry-After", "1")]),
            Answer::status(503),
            Answer::status(204),
        ])?;
        let started = Instant::now();
        store(&server, "")?.send(&request())?;
        assert!(started.elapsed() >= Duration::from_secs(1));
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|request| request.bytes == requests[0].bytes));
        Ok(())
    }

    #[test]
    fn a_batch_that_is_refused_is_not_sent_again_and_the_reason_is_reported() -> TestResult {
        for status in [400, 404, 422] {
            let server = TestServer::start(vec![text(status, "out of order sample\n")])?;
            let fetched = store(&server, "")?.send(&request()).expect_err("refused").to_string();
            assert!(
                fetched.ends_with(&format!("refused the samples with {status}: out of order sample")),
                "{fetched}"
            );
            assert_eq!(server.requests().len(), 1);
        }
        let server = statuses(&[401])?;
        let error = store(&server, "")?.send(&request()).expect_err("refused");
        assert!(
            matches!(error, SendError::Http { source: HttpError::Refused { status: 401, tries: 1 }, .. }),
            "{error:?}"
        );
        Ok(())
    }

    #[test]
    fn a_store_that_keeps_failing_is_given_up_on() -> TestResult {
        let server = statuses(&[500, 500, 500, 204])?;
        let error = store(&server, "")?.send(&request()).expect_err("given up");
        assert!(
            matches!(error, SendError::Http { source: HttpError::Refused { status: 500, tries: 3 }, .. }),
            "{error:?}"
        );
        assert_eq!(server.requests().len(), 3);
        Ok(())
    }

    fn data(data: &str) -> Answer {
        text(200, &format!(r#"{{"status":"success","data":{data}}}"#))
    }

    #[test]
    fn a_prometheus_is_queried_for_its_head_its_windows_and_what_is_there() -> TestResult {
        let server = TestServer::start(vec![
            data(
                r#"{"config.file":"p.yml","web.enable-remote-write-receiver":"true","storage.tsdb.min-block-duration":"2h"}"#,
            ),
            data(r#"{"yaml":"storage:\n  tsdb:\n    out_of_order_time_window: 3h\n"}"#),
            data(r#"{"headStats":{"maxTime":1700000000000}}"#),
            data(r#"{"storageRetention":"15d"}"#),
            data(
                r#"{"resultType":"matrix","result":[{"metric":{"__name__":"n","run":"a\"b"},"values":[[1699999999.5,"1"]]}]}"#,
            ),
        ])?;
        let labels = BTreeMap::from([("run".to_owned(), "a\"b".to_owned())]);
        let sought = Sought {
            metric: "n",
            labels: &labels,
            by: "symbol",
            from: 1_699_999_990_000,
            to: 1_700_000_000_000,
        };
        let fetched = store(&server, "/p/api/v1/write")?.query(Some(&sought))?;
        let expected = Prometheus {
            receives: Some(true),
            head_newest: Some(1_700_000_000_000),
            min_block_ms: Some(7_200_000),
            out_of_order_ms: 3 * 3_600_000,
            retention_ms: Some(15 * 24 * 3_600_000),
            present: BTreeMap::from([(String::new(), BTreeSet::from([1_699_999_999_500]))]),
        };
        assert_eq!(fetched, Store::Prometheus(expected));
        let requests = server.requests();
        assert!(requests[0].head.starts_with("GET /p/api/v1/status/flags HTTP"), "{}", requests[0].head);
        // n{run="a\"b"}[12s] at one second after the newest.
        let request = "query=n%7Brun%3D%22a%5C%22b%22%7D%5B12s%5D&time=1700000001";
        assert_eq!(requests[4].body, request);
        Ok(())
    }

    #[test]
    fn a_victoria_metrics_is_known_by_its_flags_and_anything_else_is_not() -> TestResult {
        let server = TestServer::start(vec![
            text(400, "unsupported path"),
            text(200, "flag{name=\"retentionPeriod\", value=\"2d\", is_set=\"true\"} 1\n"),
            text(
                200,
                "{\"metric\":{\"__name__\":\"n\",\"run\":\"r\"},\"values\":[1,2],\"timestamps\":[4500,5000]}\n",
            ),
        ])?;
        let labels = BTreeMap::from([("run".to_owned(), "r".to_owned())]);
        let sought = Sought { metric: "n", labels: &labels, by: "symbol", from: 1500, to: 6000 };
        let present = BTreeMap::from([(String::new(), BTreeSet::from([4500, 5000]))]);
        let expected = Store::VictoriaMetrics { retention_ms: 2 * 24 * 3_600_000, present };
        assert_eq!(store(&server, "")?.query(Some(&sought))?, expected);
        // n{run="r"} from 1.5 s to 6 s.
        let request = "match%5B%5D=n%7Brun%3D%22r%22%7D&start=1.500&end=6.000";
        assert_eq!(server.requests()[2].body, request);
        let other = TestServer::start(vec![Answer::status(404), text(200, "up 1\n")])?;
        assert_eq!(store(&other, "")?.query(None)?, Store::Unknown);
        Ok(())
    }

    #[test]
    fn a_server_that_is_not_there_or_does_not_know_us_is_an_error() -> TestResult {
        let server = statuses(&[401])?;
        let error = store(&server, "")?.query(None).expect_err("who are you");
        assert_eq!(error.source, HttpError::Refused { status: 401, tries: 1 });
        Ok(())
    }

    const HOUR: i64 = 3_600_000;

    #[test]
    fn lengths_of_time_are_read_as_prometheus_writes_them() {
        for (text, ms) in [
            ("2h", Some(2 * HOUR)),
            ("1d12h", Some(36 * HOUR)),
            ("1h30m10s5ms", Some(HOUR + 1_810_005)),
            ("15d", Some(15 * 24 * HOUR)),
            ("1w", Some(7 * 24 * HOUR)),
            ("1y", Some(365 * 24 * HOUR)),
            ("0s", Some(0)),
            ("0", Some(0)),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
        for text in ["", "2", "h", "2x", "-1h", "10GiB", "99999999999999999999h", "9999999999999y"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }

    fn success(data: &str) -> Vec<u8> {
        format!(r#"{{"status":"success","data":{data}}}"#).into_bytes()
    }

    #[test]
    fn the_flags_say_whether_a_server_is_prometheus_and_receives() {
        let fetched = success(
            r#"{"config.file":"/etc/p.yml","web.enable-remote-write-receiver":"true","storage.tsdb.min-block-duration":"2h"}"#,
        );
        assert_eq!(flags(&fetched), Some(Flags { receives: Some(true), min_block_ms: Some(2 * HOUR) }));
        let old = success(r#"{"config.file":"/etc/p.yml"}"#);
        assert_eq!(flags(&old), Some(Flags { receives: None, min_block_ms: None }));
        for other in
            [success("{}"), b"unsupported path".to_vec(), br#"{"status":"error","data":{}}"#.to_vec()]
        {
            assert_eq!(flags(&other), None);
        }
    }

    #[test]
    fn the_window_for_late_samples_is_in_the_configuration() {
        let with = |yaml: &str| out_of_order_ms(&success(&serde_json::json!({ "yaml": yaml }).to_string()));
        let both = "storage:\n  tsdb:\n    outofordertimewindow: 7200000\n    out_of_order_time_window: 2h\n";
        assert_eq!(with(both), Some(2 * HOUR));
        assert_eq!(with("global:\n  scrape_interval: 1s\n"), Some(0));
        assert_eq!(with("out_of_order_time_window: some time"), None);
        assert_eq!(out_of_order_ms(b"no"), None);
    }

    #[test]
    fn an_empty_head_has_no_newest_sample() {
        let with = |max: &str| head_newest(&success(&format!(r#"{{"headStats":{{"maxTime":{max}}}}}"#)));
        assert_eq!(with("1700000000000"), Some(1_700_000_000_000));
        assert_eq!(with("-9223372036854775808"), None);
        assert_eq!(head_newest(&success("{}")), None);
    }

    #[test]
    fn retention_is_a_length_of_time_where_there_is_one() {
        let with = |text: &str| retention_ms(&success(&format!(r#"{{"storageRetention":"{text}"}}"#)));
        assert_eq!(with("15d"), Some(15 * 24 * HOUR));
        assert_eq!(with("15d or 10GiB"), Some(15 * 24 * HOUR));
        assert_eq!(with("10GiB"), None);
        let flag = |value: &str| {
            format!("a 1\nflag{{name=\"retentionPeriod\", value=\"{value}\", is_set=\"false\"}} 1\n")
        };
        assert_eq!(victoria_retention_ms(&flag("1")), Some(31 * 24 * HOUR));
        assert_eq!(victoria_retention_ms(&flag("100y")), Some(36_500 * 24 * HOUR));
        assert_eq!(victoria_retention_ms("up 1\n"), None);
    }

    #[test]
    fn stored_samples_are_found_by_label_where_all_other_labels_agree() {
        let fetched = success(
            r#"{"resultType":"matrix","result":[
                {"metric":{"__name__":"n","run":"1","symbol":"A"},"values":[[1700000000.123,"1"],[1700000001,"2"]]},
                {"metric":{"__name__":"n","run":"1"},"values":[[1700000002,"3"]]},
                {"metric":{"__name__":"n","run":"1","dc":"x"},"values":[[1700000003,"4"]]},
                {"metric":{"__name__":"n","run":"2"},"values":[[1700000004,"5"]]}]}"#,
        );
        let expected = BTreeMap::from([
            ("A".to_owned(), BTreeSet::from([1_700_000_000_123, 1_700_000_001_000])),
            (String::new(), BTreeSet::from([1_700_000_002_000])),
        ]);
        let labels = BTreeMap::from([("run".to_owned(), "1".to_owned())]);
        assert_eq!(stored(&fetched, &labels, "symbol"), Some(expected));
        assert_eq!(stored(&success(r#"{"result":[]}"#), &labels, "symbol"), Some(BTreeMap::new()));
        assert_eq!(stored(b"no", &labels, "symbol"), None);
    }

    #[test]
    fn exported_samples_are_found_line_by_line() {
        let lines =
            br#"{"metric":{"__name__":"n","run":"1","symbol":"A"},"values":[1,2],"timestamps":[1000,2000]}
{"metric":{"__name__":"n","run":"1","symbol":"A"},"values":[3],"timestamps":[3000]}
{"metric":{"__name__":"n","run":"2"},"values":[3],"timestamps":[4000]}
no json
"#;
        let labels = BTreeMap::from([("run".to_owned(), "1".to_owned())]);
        let expected = BTreeMap::from([("A".to_owned(), BTreeSet::from([1000, 2000, 3000]))]);
        assert_eq!(exported(lines, &labels, "symbol"), expected);
        assert_eq!(exported(b"", &labels, "symbol"), BTreeMap::new());
    }
}
