//! The routes, asked over plain sockets.

#![expect(clippy::disallowed_methods, reason = "these tests are the clients of the server")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use soak::core::verdict::evidence::RunState;
use soak::export::live::LiveRun;
use soak::export::live::server::{EVENT_READERS, Server};
use soak::infra::http_server::ServeError;

use super::run::{declared, done, push};

fn server(mut run: LiveRun) -> Server {
    run.facts.heartbeat = Some(chrono::Utc::now());
    Server::start("0".parse().expect("an address"), run).expect("the server starts")
}

/// Sends a request; the connection stays open for its answer.
fn send(server: &Server, line: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out can be set");
    write!(stream, "{line} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").expect("the server reads");
    stream
}

/// Head and body of an answer.
fn ask_with(server: &Server, line: &str, headers: &str) -> (String, String) {
    let mut answer = String::new();
    send(server, line, headers).read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

fn ask(server: &Server, line: &str) -> (String, String) {
    ask_with(server, line, "Host: localhost\r\n")
}

fn numbers(document: &Value) -> Vec<u64> {
    let rows = document["iterations"].as_array().expect("iterations");
    rows.iter().map(|row| row["iteration"].as_u64().expect("a number")).collect()
}

/// Reads until `wanted` stands in what was read.
fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    while !text.contains(wanted) {
        let n = stream.read(&mut bytes).unwrap_or_else(|error| panic!("no `{wanted}` ({error}) in {text}"));
        assert!(n > 0, "the connection ended without `{wanted}`: {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    text
}

#[test]
fn every_route_answers_with_its_type_and_careful_headers() {
    let server = server(done(3, 24));
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/api/iterations", "application/json"),
        ("/healthz", "application/json"),
    ] {
        let (head, body) = ask(&server, &format!("GET {path}"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        for header in [
            &format!("content-type: {kind}"),
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(head.contains(header), "{path} has no `{header}`: {head}");
        }
        assert!(!body.is_empty(), "{path}");
        let (head, body) = ask(&server, &format!("HEAD {path}"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        assert_eq!(body, "", "{path}");
    }
    assert_eq!(ask(&server, "GET /healthz").1, "{\"run\":\"running\",\"status\":\"ok\"}\n");
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = server(declared(24));
    for path in ["/nothing", "/api", "/metrics/", "/../etc/passwd", "/%2e%2e/x"] {
        let (head, _) = ask(&server, &format!("GET {path}"));
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
        assert!(head.contains("nosniff"), "{head}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (head, _) = ask(&server, &format!("{method} /"));
        assert!(head.starts_with("HTTP/1.1 405 "), "{method}: {head}");
        assert!(head.contains("allow: GET,HEAD"), "{head}");
    }
}

#[test]
fn a_loopback_address_answers_to_local_names_alone() {
    let server = server(declared(24));
    let status = |headers: &str| ask_with(&server, "GET /healthz", headers).0[9..12].to_owned();
    assert_eq!(status("Host: 127.0.0.1:9090\r\n"), "200");
    assert_eq!(status("Host: [::1]\r\n"), "200");
    assert_eq!(status("Host: example.org\r\n"), "403");
    assert_eq!(status("Host: localhost.example.org\r\n"), "403");
    assert_eq!(status("Host: localhost\r\nHost: example.org\r\n"), "403");
    let (head, _) = ask_with(&server, "GET http://example.org/healthz", "Host: localhost\r\n");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
}

#[test]
fn an_address_for_everybody_answers_to_any_name() {
    let everybody = "0.0.0.0:0".parse().expect("an address");
    let server = Server::start(everybody, declared(24)).expect("the server starts");
    let port = server.address().port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: soak.example.org\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn iterations_are_given_after_the_one_that_the_reader_has() {
    let server = server(done(12, 24));
    let get = |query: &str| -> Value {
        let (_, body) = ask(&server, &format!("GET /api/iterations{query}"));
        serde_json::from_str(&body).expect("JSON")
    };
    assert_eq!(numbers(&get("")), (1..=12).collect::<Vec<_>>());
    assert_eq!(numbers(&get("?since=10")), [11, 12]);
    assert_eq!(numbers(&get("?since=12")), [0; 0]);
    assert_eq!(get("?since=10")["next_since"], Value::Null);
    let (head, _) = ask(&server, "GET /api/iterations?since=x");
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[test]
fn a_long_run_is_given_in_parts() {
    let server = server(done(2_001, 3_000));
    let (_, body) = ask(&server, "GET /api/iterations");
    let first: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((numbers(&first).len(), &first["next_since"]), (2_000, &Value::from(2_000)));
    let (_, body) = ask(&server, "GET /api/iterations?since=2000");
    let rest: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((numbers(&rest), &rest["next_since"]), (vec![2_001], &Value::Null));
}

#[test]
fn events_begin_where_the_reader_was_and_go_on_with_the_run() {
    let server = server(done(3, 24));
    let mut stream = send(&server, "GET /events?since=1", "Host: localhost\r\nLast-Event-ID: 2\r\n");
    let first = read_until(&mut stream, "\n\n");
    assert!(first.contains("content-type: text/event-stream"), "{first}");
    let told = read_data(&mut stream, first);
    assert_eq!((told.0.as_str(), numbers(&told.1)), ("3", vec![3]));
    server.publisher().update(|run| push(run, 4));
    let told = read_data(&mut stream, String::new());
    assert_eq!((told.0.as_str(), numbers(&told.1)), ("4", vec![4]));
}

/// Id and data of the next event.
fn read_data(stream: &mut TcpStream, mut text: String) -> (String, Value) {
    loop {
        if let Some((_, event)) = text.split_once("event: run\n")
            && let Some((event, _)) = event.split_once("\n\n")
        {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
            return (field("id: ").to_owned(), serde_json::from_str(field("data: ")).expect("JSON"));
        }
        text.push_str(&read_until(stream, "\n"));
    }
}

#[test]
fn there_are_only_so_many_readers_of_events_and_a_place_is_given_back() {
    let server = server(declared(24));
    let mut readers: Vec<TcpStream> = (0..EVENT_READERS)
        .map(|_| {
            let mut stream = send(&server, "GET /events", "Host: localhost\r\n");
            assert!(read_until(&mut stream, "event: run").starts_with("HTTP/1.1 200 "));
            stream
        })
        .collect();
    let (head, _) = ask(&server, "GET /events");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(head.contains("retry-after: 10"), "{head}");
    assert!(ask(&server, "GET /healthz").0.starts_with("HTTP/1.1 200 "));
    readers.pop();
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let mut stream = send(&server, "GET /events", "Host: localhost\r\n");
        if read_until(&mut stream, "\r\n").starts_with("HTTP/1.1 200 ") {
            break;
        }
        assert!(Instant::now() < until, "the place is not given back");
    }
}

#[test]
fn the_last_state_reaches_the_readers_and_the_end_comes_within_a_second() {
    let server = server(done(23, 24));
    let address = server.address();
    let mut stream = send(&server, "GET /events", "Host: localhost\r\n");
    read_until(&mut stream, "event: run");
    let _idle = TcpStream::connect(address).expect("a client that says nothing");
    server.publisher().update(|run| push(run, 24));
    let asked = Instant::now();
    server.stop();
    assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the stream ends");
    assert!(rest.contains("\"state\":\"complete\""), "{rest}");
    assert!(rest.contains("event: end\ndata: complete\n\n"), "{rest}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_run_that_is_not_heard_of_any_more_is_not_healthy() {
    // An interval of 300 s: three of them and a minute are 960 s.
    let mut run = done(3, 24);
    run.facts.interval_seconds = Some(300.0);
    let server = server(run);
    let asked_after = |seconds: i64, state: RunState| {
        server.publisher().update(|run| {
            run.facts.heartbeat = Some(chrono::Utc::now() - chrono::TimeDelta::seconds(seconds));
            run.facts.state = Some(state);
        });
        ask(&server, "GET /healthz")
    };
    assert!(asked_after(900, RunState::Running).0.starts_with("HTTP/1.1 200 "));
    let (head, body) = asked_after(990, RunState::Running);
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(body.contains("no iteration for 99") && body.contains("the run may hang"), "{body}");
    let (head, body) = asked_after(990, RunState::Complete);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "{\"run\":\"complete\",\"status\":\"ok\"}\n");
}

#[test]
fn a_port_in_use_is_told() {
    let server = server(declared(24));
    let taken = server.address();
    let error = Server::start(taken.into(), declared(24)).expect_err("the port is taken");
    assert!(matches!(error, ServeError::InUse { .. }));
    assert_eq!(error.to_string(), format!("`{taken}` is in use; choose another port, or 0 for any free one"));
}
