//! Heads that are no request, or none that may be answered: each gets a 4xx with a JSON error all the same.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::place::{Place, Policy, Server, raw, split};
use super::stub::Stub;

const BODY: &str = r#"{"alerts":[{"status":"firing","labels":{"alertname":"Nobody","env":"prod"}}]}"#;

fn place() -> Place {
    Place::new(&Policy::new(Stub::good().address))
}

/// The one answer to these bytes: a JSON error, and the end of the connection.
fn assert_refused(server: &Server, bytes: &[u8], status: u16, words: &str) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(90)]).into_owned();
    let started = Instant::now();
    let answer = raw(server.address, bytes, b"");
    assert!(started.elapsed() < Duration::from_secs(4), "{shown:?}: {:?}", started.elapsed());
    assert_eq!(
        answer.matches("HTTP/1.1 4").count() + answer.matches("HTTP/1.0 4").count(),
        1,
        "{shown:?}: {answer}"
    );
    let (found, text) = split(&answer);
    assert_eq!(found, status, "{shown:?}: {answer}");
    assert!(answer.to_lowercase().contains("content-type: application/json\r\n"), "{shown:?}: {answer}");
    let error: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{shown:?}: no JSON: {answer}"));
    assert!(error["error"].as_str().unwrap_or_default().contains(words), "{shown:?}: {text}");
}

/// A hook with these headers.
fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /alert-hook HTTP/1.1\r\n{headers}Connection: close\r\n\r\n{body}").into_bytes()
}

const HOST: &str = "Host: localhost\r\nContent-Type: application/json\r\n";

#[test]
fn heads_that_are_no_request_get_a_json_error() {
    let place = place();
    let server = place.serve(&[]);
    let post = |headers: &str, body: &str| post(&format!("{HOST}{headers}"), body);
    let get = |headers: &str| {
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n").into_bytes()
    };
    let tls =
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n".to_vec();
    let smuggled = |first: &str, second: &str, body: &str| {
        let second_request = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
        format!("POST /alert-hook HTTP/1.1\r\n{HOST}{first}{second}\r\n{body}{second_request}").into_bytes()
    };
    let (length, chunked) = ("Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n");
    let table: Vec<(Vec<u8>, u16, &str)> = vec![
        (b"nonsense\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"\r\n\r\n\r\nnonsense\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"\0\0\0\0\0\0\0\0".to_vec(), 400, "no HTTP/1.1 request"),
        (b"\xff\xfe\xfd\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"GET /health\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"GET /health HTTP/9.9\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"GET /health HTTP/2.0\r\nHost: localhost\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"GE\x01T /health HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 400, "no HTTP/1.1 request"),
        (tls, 400, "this is TLS: use http://"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), 400, "this is HTTP/2"),
        (get("Ho st: a\r\n"), 400, "malformed"),
        (get("X-A : b\r\n"), 400, "malformed"),
        (get("X-A: a\x01b\r\n"), 400, "malformed"),
        (get("no colon\r\n"), 400, "malformed"),
        (get(" folded\r\n"), 400, "malformed"),
        (post("Content-Length: -1\r\n", BODY), 400, "a length is malformed"),
        (post("Content-Length: +5\r\n", BODY), 400, "a length is malformed"),
        (post("Content-Length: many\r\n", BODY), 400, "a length is malformed"),
        (post("Content-Length: 0x10\r\n", BODY), 400, "a length is malformed"),
        (post("Content-Length: 99999999999999999999999\r\n", BODY), 400, "a length is malformed"),
        (post("Content-Length: 1\r\nContent-Length: 2\r\n", BODY), 400, "a length is malformed"),
        (post("Content-Length: 1, 2\r\n", BODY), 400, "a length is malformed"),
        (post("Transfer-Encoding: gzip\r\n", BODY), 400, "a length is malformed"),
        (post("Transfer-Encoding: chunked, identity\r\n", BODY), 400, "a length is malformed"),
        (
            format!("POST /alert-hook HTTP/1.0\r\n{HOST}{chunked}\r\n0\r\n\r\n").into_bytes(),
            400,
            "a length is malformed",
        ),
        // The chunks count, and what stands behind them is not taken for a request.
        (smuggled(length, chunked, "0\r\n\r\n"), 400, "invalid JSON"),
        (smuggled(chunked, "", "0\r\n\r\n"), 400, "invalid JSON"),
        (smuggled(chunked, length, "0\r\n\r\n"), 400, "invalid JSON"),
        (post(chunked, "zz\r\n{}\r\n0\r\n\r\n"), 400, "is incomplete"),
        (post(chunked, "-1\r\n{}\r\n0\r\n\r\n"), 400, "is incomplete"),
        (post(chunked, "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400, "is incomplete"),
        (get(&"X-A: b\r\n".repeat(100)), 431, "at most 16384 bytes and 64 headers"),
        (get(&format!("X-A: {}\r\n", "b".repeat(100_000))), 431, "at most 16384 bytes and 64 headers"),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(100_000)).into_bytes(), 431, "too long"),
        (vec![b'a'; 200_000], 431, "too long"),
    ];
    let count = table.len();
    for (bytes, status, words) in table {
        assert_refused(&server, &bytes, status, words);
    }
    // Nothing of it got as far as the log, and the server is well.
    assert!(place.events("hook").is_empty(), "{count}");
    assert_eq!(server.get("/health").0, 200);
    assert_eq!(server.metric("soak_rollback_refused_requests_total{code=\"431\"}"), 4.0);
    assert!(server.metric("soak_rollback_refused_requests_total{code=\"400\"}") > 20.0);
}

#[test]
fn requests_of_unusual_forms_are_answered_by_their_meaning() {
    let place = place();
    let server = place.serve(&[]);
    let whole =
        |line: &str, headers: &str| format!("{line}\r\n{headers}Connection: close\r\n\r\n").into_bytes();
    let sized = format!("Content-Length: {}\r\n", BODY.len());
    for (bytes, status, words) in [
        (whole("GET /health HTTP/1.1", ""), 400, "one `Host` header"),
        (whole("GET /health HTTP/1.1", "Host: localhost\r\nHost: localhost\r\n"), 400, "one `Host` header"),
        (whole("GET /health HTTP/1.0", ""), 403, "only to this machine"),
        (whole("GET /health HTTP/1.1", "Host: evil.example\r\n"), 403, "only to this machine"),
        (
            whole("GET http://evil.example/status HTTP/1.1", "Host: localhost\r\n"),
            403,
            "only to this machine",
        ),
        (whole("GET /health HTTP/1.1", "Host: localhost\r\nExpect: 200-ok\r\n"), 417, "100-continue"),
        (whole("GET health HTTP/1.1", "Host: localhost\r\n"), 403, "only to this machine"),
        (whole("CONNECT evil.example:443 HTTP/1.1", "Host: localhost\r\n"), 403, "only to this machine"),
        (whole("CONNECT localhost:443 HTTP/1.1", "Host: localhost\r\n"), 404, "there are"),
        (whole("OPTIONS * HTTP/1.1", "Host: localhost\r\n"), 404, "there are"),
        (whole("TRACE /health HTTP/1.1", "Host: localhost\r\n"), 405, "only GET, HEAD"),
        (whole("BREW /health HTTP/1.1", "Host: localhost\r\n"), 405, "only GET, HEAD"),
        (whole("GET //health HTTP/1.1", "Host: localhost\r\n"), 404, "there are"),
        (whole("GET /%68ealth HTTP/1.1", "Host: localhost\r\n"), 404, "there are"),
        (post(&format!("{HOST}Content-Encoding: gzip\r\n{sized}"), BODY), 415, "must not be compressed"),
        (post(&format!("{HOST}Expect: 100-continue\r\nContent-Length: 2000000\r\n"), ""), 413, "longer than"),
    ] {
        assert_refused(&server, &bytes, status, words);
    }
    for bytes in [
        whole("GET /health HTTP/1.0", "Host: localhost\r\n"),
        whole("GET http://localhost/health HTTP/1.1", "Host: localhost\r\n"),
        whole("GET /health?x=1 HTTP/1.1", "Host: localhost\r\n"),
        whole("\r\nGET /health HTTP/1.1", "Host: localhost\r\n"),
        post(&format!("{HOST}{sized}{sized}"), BODY),
    ] {
        let answer = raw(server.address, &bytes, b"");
        assert_eq!(split(&answer).0, 200, "{}: {answer}", String::from_utf8_lossy(&bytes));
    }
    let answer = raw(server.address, &post(&format!("{HOST}Expect: 100-continue\r\n{sized}"), BODY), b"");
    let rest = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&answer);
    assert_eq!(split(rest).0, 200, "{answer}");
}

#[test]
fn nonsense_behind_a_good_request_is_refused_and_the_good_one_is_answered() {
    let place = place();
    let server = place.serve(&[]);
    let good = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = raw(server.address, format!("{good}{good}nonsense\r\n\r\n").as_bytes(), b"");
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answer}");
    let (_, last) = answer.split_once("HTTP/1.1 400 Bad Request\r\n").expect("the third is refused");
    let error: Value = serde_json::from_str(&split(last).1).expect("JSON");
    assert!(error["error"].is_string());
    // A request behind chunks is not looked at: somebody before us may have counted otherwise.
    let two = format!("POST /alert-hook HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{good}");
    let answer = raw(server.address, two.as_bytes(), b"");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[test]
fn a_connection_that_is_kept_and_not_used_is_closed_without_a_word() {
    let place = place();
    let server = place.serve(&[]);
    let mut kept = TcpStream::connect(server.address).expect("it listens");
    kept.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    kept.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = String::new();
    let _ = kept.read_to_string(&mut answer);
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn a_long_head_by_somebody_who_does_not_read_holds_nobody_up() {
    let place = place();
    let server = place.serve(&[]);
    let mut flooding: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(server.address).expect("it listens")).collect();
    for stream in &mut flooding {
        stream.set_write_timeout(Some(Duration::from_millis(50))).expect("a limit");
        let _ = stream.write_all(&vec![b'a'; 4 << 20]);
    }
    let started = Instant::now();
    assert_eq!(server.get("/health").0, 200);
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
}
