//! Answers to range queries, as servers and what stands before them give them.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::core::verdict::Outcome;
use crate::io::signals::StopRequest;
use crate::io::source::prometheus::Auth;
use crate::io::test_server::{Answer, QUICK, TestServer};

fn start() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

/// Unix seconds of the end of a step, from 0.
fn end(step: i64) -> i64 {
    start().timestamp() + 300 * (step + 1)
}

fn policy() -> Policy {
    crate::wire::policy::read(&[], &[]).expect("the built-in policy")
}

fn matrix(series: &[&str]) -> Answer {
    let series = series.iter().map(|values| format!(r#"{{"metric":{{}},"values":[{values}]}}"#));
    let series = series.collect::<Vec<_>>().join(",");
    Answer::with_body(
        200,
        &format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#),
    )
}

/// What one metric brings in so many steps, and what the server was asked.
fn asked_for(metric: &str, steps: i64, answers: Vec<Answer>) -> (Result<Readings, CanaryError>, Vec<String>) {
    let server = TestServer::start(answers).expect("a server");
    let target = Target::new(&server.url("/prom"), &Auth::None, &[]).expect("acceptable");
    let policy = policy();
    let now = start() + TimeDelta::minutes(5 * steps);
    let watch = Watch::new(start(), now, &policy.release.canary, None).expect("a watch");
    let server_asked = Server { target: &target, selector: "{job=\"mm\"}", limits: &QUICK };
    let metrics = BTreeSet::from([metric]);
    let found = readings(&server_asked, &metrics, &policy, &watch, &StopRequest::default());
    let one = found.map(|mut found| found.remove(metric).expect("the metric"));
    let requests = server.requests().into_iter().map(|request| format!("{}\n{}", request.head, request.body));
    (one, requests.collect())
}

fn told(metric: &str, steps: i64, answer: Answer) -> Readings {
    asked_for(metric, steps, vec![answer]).0.expect("an answer")
}

#[test]
fn every_step_is_asked_for_at_its_end_and_over_its_own_time() {
    let values = format!("[{},\"3.5\"],[{},\"-0.25\"]", end(0), end(2));
    let (found, requests) = asked_for("net_bps", 3, vec![matrix(&[&values])]);
    assert_eq!(
        found.expect("an answer"),
        Readings { values: vec![Some(3.5), None, Some(-0.25)], trouble: None }
    );
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(request.starts_with("POST /prom/api/v1/query_range HTTP/1.1\r\n"), "{request}");
    let expected = format!(
        "query=avg(avg_over_time(mm_net_bps%7Bjob%3D%22mm%22%7D%5B300s%5D))&start={}.000&end={}.000&step=300&nocache=1",
        end(0),
        end(2)
    );
    assert!(request.ends_with(&expected), "{request}");
}

#[test]
fn what_cannot_be_used_is_named_and_never_a_value() {
    let one = format!("[{},\"1\"]", end(0));
    for (answer, outcome, reason) in [
        (matrix(&[]), Outcome::Inconclusive, "`prometheus.risk_ratio.query` finds no series"),
        (matrix(&[&one, &one]), Outcome::Invalid, "2 series, expected one"),
        (
            matrix(&[&format!("[{},\"NaN\"],[{},\"+Inf\"]", end(0), end(1))]),
            Outcome::Invalid,
            "is not finite",
        ),
        (matrix(&[&format!("[{},\"-0.5\"]", end(0))]), Outcome::Invalid, "-0.5 cannot be"),
        (
            matrix(&[&format!("[{},\"0.5\"]", end(0) + 60)]),
            Outcome::Invalid,
            "other times than it was asked for",
        ),
        (matrix(&[&format!("[{},\"0.5\"]", end(7))]), Outcome::Invalid, "other times than it was asked for"),
        (
            Answer::with_body(
                200,
                r#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#,
            ),
            Outcome::Invalid,
            "only part of the data",
        ),
        (
            Answer::with_body(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
            Outcome::Invalid,
            "the result is a vector",
        ),
        (
            Answer::with_body(400, r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#),
            Outcome::Invalid,
            "the server refused `prometheus.risk_ratio.query`: bad_data: parse error",
        ),
    ] {
        let readings = told("risk_ratio", 2, answer);
        assert!(readings.is_empty() && readings.values.len() == 2, "{reason}: {readings:?}");
        let (found, why) = readings.nothing();
        assert_eq!(found, outcome, "{why}");
        assert!(why.contains(reason), "{why}");
    }
    // A step that is not finite beside one that is.
    let mixed = told("risk_ratio", 2, matrix(&[&format!("[{},\"NaN\"],[{},\"0.5\"]", end(0), end(1))]));
    assert_eq!(mixed.values, [None, Some(0.5)]);
    // As in a run: a ratio above 1 is a percentage.
    assert_eq!(told("risk_ratio", 1, matrix(&[&format!("[{},\"42\"]", end(0))])).values, [Some(0.42)]);
    // A metric that the policy has no query for is not asked for.
    let (found, requests) = asked_for("fees_bps", 2, Vec::new());
    assert_eq!(
        found.expect("no answer is needed").nothing().1,
        "the policy has no query `prometheus.fees_bps.query`"
    );
    assert!(requests.is_empty());
}

#[test]
fn a_server_that_cannot_be_asked_is_an_error_that_names_it() {
    let html = Answer::with_body(200, "<html>login</html>");
    for (answers, words) in [
        (vec![html], "/prom` gave an answer that cannot be read"),
        (vec![Answer::status(401)], "/prom` answered 401: check the token"),
        (vec![Answer::status(404)], "/prom` answered 404: check the path of the URL"),
        (vec![Answer::status(503); 3], "/prom` cannot be asked: the server answered 503 (3 tries)"),
        (
            vec![Answer::with(302, &[("Location", "http://127.0.0.1:1/"), ("Content-Length", "0")])],
            "redirects are not followed",
        ),
    ] {
        let error = asked_for("net_bps", 2, answers).0.expect_err("no answer").to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_long_canary_is_asked_for_in_pieces() {
    let piece = |from: i64, to: i64| {
        let mut values = String::new();
        for step in from..=to {
            let _ = write!(values, "{}[{},\"{step}\"]", if step == from { "" } else { "," }, end(step));
        }
        matrix(&[&values])
    };
    let (found, requests) = asked_for("net_bps", 5002, vec![piece(0, 4999), piece(5000, 5001)]);
    let expected: Vec<Option<f64>> = (0..5002).map(|step| Some(f64::from(step))).collect();
    assert_eq!(found.expect("answers").values, expected);
    assert_eq!(requests.len(), 2);
    assert!(
        requests[1].contains(&format!("start={}.000&end={}.000", end(5000), end(5001))),
        "{}",
        requests[1]
    );
}

#[test]
fn a_signal_ends_the_asking() {
    let stop = StopRequest::default();
    stop.ask();
    let policy = policy();
    let target = Target::new("http://127.0.0.1:1", &Auth::None, &[]).expect("acceptable");
    let server = Server { target: &target, selector: "", limits: &QUICK };
    let watch =
        Watch::new(start(), start() + TimeDelta::hours(1), &policy.release.canary, None).expect("a watch");
    let found = readings(&server, &BTreeSet::from(["net_bps"]), &policy, &watch, &stop);
    assert!(matches!(found, Err(CanaryError::Interrupted)));
}
