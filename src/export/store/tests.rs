//! Asking and sending, against a server of a few lines on this machine.

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
    let asked = &requests[0];
    assert!(asked.head.starts_with("POST /api/v1/write HTTP/1.1\r\n"), "{}", asked.head);
    for header in [
        "content-type: application/x-protobuf",
        "content-encoding: snappy",
        "x-prometheus-remote-write-version: 0.1.0",
    ] {
        assert!(asked.has_header(header), "{header}: {}", asked.head);
    }
    let plain = snap::raw::Decoder::new().decompress_vec(&asked.bytes)?;
    assert_eq!(WriteRequest::decode(plain.as_slice())?, request());
    Ok(())
}

#[test]
fn the_base_of_a_server_gets_the_path_and_another_path_is_left_alone() -> TestResult {
    for (given, written) in
        [("", "/api/v1/write"), ("/api/v1/write/", "/api/v1/write"), ("/api/v1/push", "/api/v1/push")]
    {
        let server = statuses(&[204])?;
        store(&server, given)?.send(&request())?;
        let head = &server.requests()[0].head;
        assert!(head.starts_with(&format!("POST {written} HTTP")), "{given}: {head}");
    }
    let server = statuses(&[])?;
    assert_eq!(store(&server, "/api/v1/push")?.ask(None)?, Store::Unknown);
    assert!(server.requests().is_empty());
    Ok(())
}

#[test]
fn a_batch_is_sent_again_on_429_and_5xx_after_the_pause_that_is_asked_for() -> TestResult {
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
    assert!(requests.iter().all(|asked| asked.bytes == requests[0].bytes));
    Ok(())
}

#[test]
fn a_batch_that_is_refused_is_not_sent_again_and_the_reason_is_told() -> TestResult {
    for status in [400, 404, 422] {
        let server = TestServer::start(vec![text(status, "out of order sample\n")])?;
        let told = store(&server, "")?.send(&request()).expect_err("refused").to_string();
        assert!(told.ends_with(&format!("refused the samples with {status}: out of order sample")), "{told}");
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
fn a_store_that_goes_on_failing_is_given_up_on() -> TestResult {
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
fn a_prometheus_is_asked_for_its_head_its_windows_and_what_is_there() -> TestResult {
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
    let sought =
        Sought { metric: "n", labels: &labels, by: "symbol", from: 1_699_999_990_000, to: 1_700_000_000_000 };
    let told = store(&server, "/p/api/v1/write")?.ask(Some(&sought))?;
    let expected = Prometheus {
        receives: Some(true),
        head_newest: Some(1_700_000_000_000),
        min_block_ms: Some(7_200_000),
        out_of_order_ms: 3 * 3_600_000,
        retention_ms: Some(15 * 24 * 3_600_000),
        present: BTreeMap::from([(String::new(), BTreeSet::from([1_699_999_999_500]))]),
    };
    assert_eq!(told, Store::Prometheus(expected));
    let requests = server.requests();
    assert!(requests[0].head.starts_with("GET /p/api/v1/status/flags HTTP"), "{}", requests[0].head);
    // n{run="a\"b"}[12s] at one second after the newest.
    let asked = "query=n%7Brun%3D%22a%5C%22b%22%7D%5B12s%5D&time=1700000001";
    assert_eq!(requests[4].body, asked);
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
    assert_eq!(store(&server, "")?.ask(Some(&sought))?, expected);
    // n{run="r"} from 1.5 s to 6 s.
    let asked = "match%5B%5D=n%7Brun%3D%22r%22%7D&start=1.500&end=6.000";
    assert_eq!(server.requests()[2].body, asked);
    let other = TestServer::start(vec![Answer::status(404), text(200, "up 1\n")])?;
    assert_eq!(store(&other, "")?.ask(None)?, Store::Unknown);
    Ok(())
}

#[test]
fn a_server_that_is_not_there_or_does_not_know_us_is_an_error() -> TestResult {
    let server = statuses(&[401])?;
    let error = store(&server, "")?.ask(None).expect_err("who are you");
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
    let told = success(
        r#"{"config.file":"/etc/p.yml","web.enable-remote-write-receiver":"true","storage.tsdb.min-block-duration":"2h"}"#,
    );
    assert_eq!(flags(&told), Some(Flags { receives: Some(true), min_block_ms: Some(2 * HOUR) }));
    let old = success(r#"{"config.file":"/etc/p.yml"}"#);
    assert_eq!(flags(&old), Some(Flags { receives: None, min_block_ms: None }));
    for other in [success("{}"), b"unsupported path".to_vec(), br#"{"status":"error","data":{}}"#.to_vec()] {
        assert_eq!(flags(&other), None);
    }
}

#[test]
fn the_window_for_late_samples_stands_in_the_configuration() {
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
    let told = success(
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
    assert_eq!(stored(&told, &labels, "symbol"), Some(expected));
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
