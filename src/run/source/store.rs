//! A metrics store that speaks the protocol of Prometheus: queries now, at a moment, or at each time of a range, and how
//! its answers are read. Knows nothing of what a source makes of them.
//!
//! Secrets go to the given server alone: redirects are not followed, and plain http to another machine is refused with
//! them. `nocache=1` keeps `VictoriaMetrics` from answering for half a minute before the moment that was asked for; the
//! others ignore it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;

use crate::core::json::shortened;
use crate::infra::clock::{Interrupted, Stopwatch, Wait};
use crate::infra::http::{HttpError, Limits, Request, Target, back_off, retrying};

/// Where instant queries go.
const INSTANT: &str = "/api/v1/query";
/// Where range queries go.
const RANGE: &str = "/api/v1/query_range";
/// Largest answer, bytes.
const LARGEST: u64 = 1 << 20;
/// The first try of a query gets at least so long, however short the interval is.
const SHORTEST_TRY: Duration = Duration::from_secs(1);

/// A server and the series of it that are looked at.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) target: Target,
    selector: String,
    pub(crate) limits: Limits,
}

/// How long queries that failed are asked again, and how often they were.
#[derive(Debug, Default)]
pub struct Patience {
    left: Duration,
    pub again: u64,
    /// What the first try to fail said.
    reason: Option<String>,
}

impl Patience {
    /// Asks again for so long.
    pub fn of(left: Duration) -> Self {
        Self { left, ..Self::default() }
    }

    fn spend(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// How often it was asked again and why, for a person; `None` = never.
    pub fn note(&self) -> Option<String> {
        let times = if self.again == 1 { "once more" } else { "again" };
        let often = if self.again == 1 { String::new() } else { format!(" {} times", self.again) };
        Some(format!("the server was asked {times}{often}: {}", self.reason.as_ref()?))
    }
}

/// Why a query has no answer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The run is to stop.
    Interrupted,
    /// The server cannot be reached, refuses us or fails.
    Failed(String),
}

impl From<Interrupted> for Unanswered {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Store {
    /// Whom to ask, and for which series: label matchers such as `job="mm"`, with or without braces, or nothing.
    pub fn new(target: Target, selector: &str, limits: Limits) -> Self {
        Self { target, selector: bare(selector), limits }
    }

    /// Evaluates a query of the policy at a moment; `window` is what `$window` stands for. The inner error says why the
    /// answer is of no use.
    ///
    /// Connections that fail, tries without an answer, 429 and 5xx are tried again while there is patience: the moment
    /// that is asked for stays the same.
    pub fn ask(
        &self,
        query: &str,
        window: Duration,
        at: DateTime<Utc>,
        patience: &mut Patience,
        wait: &dyn Wait,
    ) -> Result<Result<Told<Every>, String>, Unanswered> {
        let (text, time) = (expand(query, window, &self.selector), unix(at));
        let form = [("query", text.as_str()), ("time", &time), ("nocache", "1")];
        match self.again_and_again(&form, patience, wait) {
            Ok(Ok(body)) => {
                Ok(read_every(&body).map_err(|reason| format!("the answer cannot be read: {reason}")))
            }
            Ok(Err(HttpError::TooLong { limit })) => {
                Ok(Err(format!("the answer is longer than {limit} bytes")))
            }
            Ok(Err(error)) => {
                wait.wait(Duration::ZERO)?;
                Err(Unanswered::Failed(failed(&self.target, &error)))
            }
            Err(Interrupted) => Err(Unanswered::Interrupted),
        }
    }

    fn again_and_again(
        &self,
        form: &[(&str, &str)],
        patience: &mut Patience,
        wait: &dyn Wait,
    ) -> Result<Result<Vec<u8>, HttpError>, Interrupted> {
        let mut tried = 1;
        loop {
            let least = if tried == 1 { SHORTEST_TRY } else { Duration::ZERO };
            let timeout = self.limits.timeout.min(patience.left.max(least));
            // The pauses are made here, where their sum is known.
            let once =
                Limits { timeout, tries: 2, pause: Duration::ZERO, longest_retry_after: patience.left };
            let asked_for = Cell::new(None);
            let pause = |pause| {
                asked_for.set(Some(pause));
                false
            };
            let watch = Stopwatch::start();
            let answer = send(&self.target.agent(&once), &self.target, INSTANT, &once, form, pause);
            patience.spend(watch.elapsed());
            let error = match answer {
                Ok(body) => return Ok(Ok(body)),
                Err(error) => error,
            };
            if matches!(error, HttpError::Unanswered { .. }) {
                asked_for.set(Some(Duration::ZERO));
            }
            let pause = asked_for.get().map(|pause| pause + back_off(self.limits.pause, tried));
            let Some(pause) = pause.filter(|pause| *pause < patience.left) else {
                return Ok(Err(error.after_tries(tried)));
            };
            wait.wait(pause)?;
            patience.spend(pause);
            patience.again += 1;
            patience.reason.get_or_insert_with(|| error.to_string());
            tried += 1;
        }
    }
}

/// Evaluates one query now, by the server's clock; the error says in words why there is no answer.
pub fn ask_now(target: &Target, query: &str, limits: &Limits, wait: &dyn Wait) -> Result<Told, String> {
    let pause = |pause| wait.wait(pause).is_ok();
    let form = [("query", query), ("nocache", "1")];
    let body = send(&target.agent(limits), target, INSTANT, limits, &form, pause)
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
pub fn query_range(
    target: &Target,
    query: &str,
    selector: &str,
    range: &Range,
    limits: &Limits,
    wait: &dyn Wait,
) -> Result<Told<RangeAnswer>, String> {
    let text = expand(query, range.step, &bare(selector));
    let (first, last) = (unix(range.first), unix(range.last));
    let step = format!("{}", range.step.as_secs_f64());
    let form =
        [("query", text.as_str()), ("start", &first), ("end", &last), ("step", &step), ("nocache", "1")];
    let pause = |pause| wait.wait(pause).is_ok();
    let body = send(&target.agent(limits), target, RANGE, limits, &form, pause)
        .map_err(|error| failed(target, &error))?;
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

fn send(
    agent: &Agent,
    target: &Target,
    path: &str,
    limits: &Limits,
    form: &[(&str, &str)],
    pause: impl Fn(Duration) -> bool,
) -> Result<Vec<u8>, HttpError> {
    let request = Request {
        limits,
        // A query that the server does not understand or cannot carry out; the body says why.
        is_answer: |status| status == StatusCode::BAD_REQUEST || status == StatusCode::UNPROCESSABLE_ENTITY,
        pause,
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
        other => format!("`{url}` cannot be queried: {other}"),
    }
}

pub(crate) fn not_finite(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "+Inf",
        _ => "-Inf",
    }
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

/// What a query was answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One number.
    One {
        /// The number, finite.
        value: f64,
        /// Its time stamp, Unix seconds.
        at: f64,
    },
    /// A number that is none: `NaN`, `+Inf`, `-Inf`, as written.
    NotFinite(String),
    /// No series.
    Nothing,
    /// Several series.
    Several(Vec<Series>),
    /// No number at all: a range, a histogram, a text.
    OtherKind(String),
    /// The query was not carried out; the server's words.
    Refused(String),
}

/// Whatever number of series a query was answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Every {
    Series(Vec<Series>),
    /// No numbers at all: a range, a histogram, a text.
    OtherKind(String),
    /// The query was not carried out; the server's words.
    Refused(String),
}

impl From<Every> for Answer {
    fn from(every: Every) -> Self {
        let series = match every {
            Every::Series(series) => series,
            Every::OtherKind(kind) => return Self::OtherKind(kind),
            Every::Refused(words) => return Self::Refused(words),
        };
        match series.as_slice() {
            [] => Self::Nothing,
            [one] if one.value.is_finite() => Self::One { value: one.value, at: one.at },
            [one] => Self::NotFinite(not_finite(one.value).to_owned()),
            _ => Self::Several(series),
        }
    }
}

impl Told<Every> {
    /// The same as one number, where it is one.
    pub(crate) fn summed_up(self) -> Told {
        Told { answer: self.answer.into(), warnings: self.warnings, is_partial: self.is_partial }
    }
}

/// One of several series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    /// The number, also one that is not finite.
    pub value: f64,
    /// Its time stamp, Unix seconds.
    pub at: f64,
}

/// What a range query was answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeAnswer {
    /// One series.
    One(Vec<Sample>),
    /// No series.
    Nothing,
    /// Several series.
    Several(usize),
    /// No series of numbers at all: a single value, histograms, a text.
    OtherKind(String),
    /// The query was not carried out; the server's words.
    Refused(String),
}

/// A value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Its time stamp, Unix seconds.
    pub at: f64,
    /// The value; `None` = `NaN` or an infinity.
    pub value: Option<f64>,
}

/// An answer with what the server had to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<A = Answer> {
    /// The answer.
    pub answer: A,
    /// Warnings, as written.
    pub warnings: Vec<String>,
    /// The server knows that data is missing in it (a cluster with a node down).
    pub is_partial: bool,
}

#[derive(Deserialize)]
struct Document {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default, rename = "isPartial")]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

/// Reads an answer; the error says why it is none.
pub fn read(json: &[u8]) -> Result<Told, String> {
    read_every(json).map(Told::summed_up)
}

fn read_every(json: &[u8]) -> Result<Told<Every>, String> {
    read_as(json, of_data, Every::Refused)
}

/// Reads the answer to a range query; the error says why it is none.
pub fn read_range(json: &[u8]) -> Result<Told<RangeAnswer>, String> {
    read_as(json, of_range, RangeAnswer::Refused)
}

fn read_as<A>(
    json: &[u8],
    of_data: impl Fn(&Data) -> Result<A, String>,
    refused: impl Fn(String) -> A,
) -> Result<Told<A>, String> {
    let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let answer = match (document.status.as_str(), document.data) {
        ("success", Some(data)) => of_data(&data)?,
        ("success", None) => return Err("it has no `data`".to_owned()),
        _ => {
            let words: Vec<String> = [document.error_type, document.error].into_iter().flatten().collect();
            refused(shortened(&words.join(": ")))
        }
    };
    let warnings = document.warnings.unwrap_or_default().iter().map(|warning| shortened(warning)).collect();
    Ok(Told { answer, warnings, is_partial: document.is_partial.unwrap_or(false) })
}

fn of_data(data: &Data) -> Result<Every, String> {
    match data.kind.as_str() {
        "scalar" => Ok(Every::Series(vec![of_sample(&data.result, BTreeMap::new())?])),
        "vector" => {
            let series = data.result.as_array().ok_or("`data.result` is no list")?;
            if series.iter().any(|one| one.get("histogram").is_some() && one.get("value").is_none()) {
                return Ok(Every::OtherKind("histogram".to_owned()));
            }
            series.iter().map(of_series).collect::<Result<_, _>>().map(Every::Series)
        }
        other => Ok(Every::OtherKind(shortened(other))),
    }
}

fn of_series(series: &Value) -> Result<Series, String> {
    let sample = series.get("value").ok_or("a series of `data.result` has no `value`")?;
    let labels = series["metric"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    of_sample(sample, labels.collect())
}

fn of_sample(sample: &Value, labels: BTreeMap<String, String>) -> Result<Series, String> {
    let (at, value) = pair(sample)?;
    // Negative zero reads as zero.
    Ok(Series { labels, value: value + 0.0, at })
}

fn of_range(data: &Data) -> Result<RangeAnswer, String> {
    if data.kind != "matrix" {
        return Ok(RangeAnswer::OtherKind(shortened(&data.kind)));
    }
    let series = data.result.as_array().ok_or("`data.result` is no list")?;
    match series.as_slice() {
        [] => Ok(RangeAnswer::Nothing),
        [one] => match (one.get("values").and_then(Value::as_array), one.get("histograms")) {
            (_, Some(_)) => Ok(RangeAnswer::OtherKind("histogram".to_owned())),
            (Some(samples), None) => {
                samples.iter().map(of_pair).collect::<Result<_, _>>().map(RangeAnswer::One)
            }
            (None, None) => Err("`data.result[0]` has no `values`".to_owned()),
        },
        several => Ok(RangeAnswer::Several(several.len())),
    }
}

fn of_pair(sample: &Value) -> Result<Sample, String> {
    let (at, value) = pair(sample)?;
    // Negative zero reads as zero.
    Ok(Sample { at, value: Some(value + 0.0).filter(|value| value.is_finite()) })
}

/// `[time, "number"]`.
fn pair(sample: &Value) -> Result<(f64, f64), String> {
    let wrong = || format!("`{}` is no sample", shortened(&sample.to_string()));
    let [at, value] = sample.as_array().ok_or_else(wrong)?.as_slice() else { return Err(wrong()) };
    let (Some(at), Some(text)) = (at.as_f64(), value.as_str()) else { return Err(wrong()) };
    Ok((at, text.parse().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_and_selector_are_put_into_the_query() {
        let seconds = Duration::from_secs;
        assert_eq!(expand("a{$selector}[$window]", seconds(300), "j=\"m\""), "a{j=\"m\"}[300s]");
        assert_eq!(expand("a[$window]", Duration::from_millis(1500), ""), "a[1500ms]");
        assert_eq!(expand("a{$selector} + b{$selector, c=\"d\"}", seconds(1), ""), "a{} + b{ c=\"d\"}");
        assert_eq!(expand("b{c=\"d\",$selector}", seconds(1), ""), "b{c=\"d\",}");
        // What the user gave is taken as it is.
        assert_eq!(expand("a{$selector}", seconds(1), "x=\"$window\""), "a{x=\"$window\"}");
    }

    fn answer(json: &str) -> Answer {
        read(json.as_bytes()).expect("an answer").answer
    }

    fn vector(series: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
    }

    const ONE: &str = r#"{"metric":{"a":"b"},"value":[1435781430.781,"1.5"]}"#;

    #[test]
    fn one_series_is_a_number_and_any_other_number_of_series_is_told() {
        assert_eq!(answer(&vector(ONE)), Answer::One { value: 1.5, at: 1_435_781_430.781 });
        assert_eq!(answer(&vector("")), Answer::Nothing);
        let one =
            Series { labels: [("a".to_owned(), "b".to_owned())].into(), value: 1.5, at: 1_435_781_430.781 };
        assert_eq!(answer(&vector(&format!("{ONE},{ONE}"))), Answer::Several(vec![one.clone(), one]));
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"-2e3"]}}"#;
        assert_eq!(answer(scalar), Answer::One { value: -2000.0, at: 7.0 });
    }

    #[test]
    fn what_is_no_number_is_named() {
        for text in ["NaN", "+Inf", "-Inf"] {
            let series = ONE.replace("1.5", text);
            assert_eq!(answer(&vector(&series)), Answer::NotFinite(text.to_owned()));
        }
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert_eq!(answer(matrix), Answer::OtherKind("matrix".to_owned()));
        let histogram = r#"{"metric":{},"histogram":[1,{"count":"1"}]}"#;
        assert_eq!(answer(&vector(histogram)), Answer::OtherKind("histogram".to_owned()));
    }

    #[test]
    fn errors_and_warnings_of_the_server_are_kept() {
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(answer(error), Answer::Refused("bad_data: parse error".to_owned()));
        let told = read(
            br#"{"status":"success","isPartial":true,"warnings":["w"],
            "data":{"resultType":"vector","result":[]}}"#,
        )
        .expect("an answer");
        assert_eq!((told.warnings, told.is_partial), (vec!["w".to_owned()], true));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["", "<html>", "{}", "[]", r#"{"status":"success"}"#] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        for series in
            ["{}", r#"{"value":[1]}"#, r#"{"value":[1,2]}"#, r#"{"value":["1","2"]}"#, r#"{"value":[1,"x"]}"#]
        {
            assert!(read(vector(series).as_bytes()).is_err(), "{series}");
        }
    }

    fn range(series: &str) -> Result<RangeAnswer, String> {
        let json = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
        read_range(json.as_bytes()).map(|told| told.answer)
    }

    #[test]
    fn a_range_is_one_series_of_values_and_everything_else_is_named() {
        let one = r#"{"metric":{},"values":[[100,"1.5"],[400.5,"NaN"],[700,"-0"]]}"#;
        let sample = |at, value| Sample { at, value };
        assert_eq!(
            range(one),
            Ok(RangeAnswer::One(vec![
                sample(100.0, Some(1.5)),
                sample(400.5, None),
                sample(700.0, Some(0.0))
            ]))
        );
        assert_eq!(range(""), Ok(RangeAnswer::Nothing));
        assert_eq!(range(&format!("{one},{one}")), Ok(RangeAnswer::Several(2)));
        let histogram = r#"{"metric":{},"histograms":[[1,{}]]}"#;
        assert_eq!(range(histogram), Ok(RangeAnswer::OtherKind("histogram".to_owned())));
        for wrong in ["{}", r#"{"values":[[1]]}"#, r#"{"values":[[1,2]]}"#, r#"{"values":[["1","2"]]}"#] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
        let told = |json: &str| read_range(json.as_bytes()).map(|told| told.answer);
        assert_eq!(told(&vector(ONE)), Ok(RangeAnswer::OtherKind("vector".to_owned())));
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(told(error), Ok(RangeAnswer::Refused("bad_data: parse error".to_owned())));
        assert!(told("<html>").is_err());
    }
}
