//! Requests that are wrong, clumsy or hostile, and what they are answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use serde_json::Value;
use sha2::Sha256;

use super::place::{Place, Policy, delivery, raw, split};
use super::stub::Stub;

const JSON: &str = "Content-Type: application/json\r\n";
const GOOD: &str = r#"{"alerts":[{"status":"firing","labels":{"alertname":"Nobody","env":"prod"}}]}"#;

fn place() -> Place {
    Place::new(&Policy::new(Stub::good().address))
}

fn with_length(headers: &str, body: &[u8]) -> String {
    format!("{headers}Content-Length: {}\r\n", body.len())
}

#[test]
fn every_wrong_request_has_its_status_and_a_json_error() {
    let place = place();
    let server = place.serve(&[]);
    let large = format!("{{\"x\":\"{}\"}}", "a".repeat(1 << 20));
    let table: &[(&str, &str, &[u8], u16, &str)] = &[
        ("POST /alert-hook", JSON, b"", 400, "invalid JSON"),
        ("POST /alert-hook", JSON, b"{", 400, "invalid JSON"),
        ("POST /alert-hook", JSON, b"\xff\xfe{}", 400, "invalid JSON"),
        ("POST /alert-hook", JSON, b"{\"alerts\": NaN}", 400, "invalid JSON"),
        ("POST /alert-hook", JSON, b"[]", 422, "`body` is a list"),
        ("POST /alert-hook", JSON, b"{}", 422, "`alerts` is missing"),
        ("POST /alert-hook", JSON, b"{\"alerts\":null}", 422, "`alerts` is null"),
        ("POST /alert-hook", JSON, b"{\"alerts\":\"x\"}", 422, "`alerts` is a text"),
        ("POST /alert-hook", JSON, b"{\"alerts\":[null]}", 422, "`alerts[0]` is null"),
        ("POST /alert-hook", JSON, b"{\"alerts\":[{\"status\":\"firing\",\"labels\":null}]}", 422, "labels"),
        ("POST /alert-hook", JSON, b"{\"alerts\":[{\"status\":\"firing\",\"labels\":\"a\"}]}", 422, "labels"),
        ("POST /alert-hook", JSON, b"{\"version\":\"5\",\"alerts\":[]}", 422, "`version` is `5`"),
        ("POST /alert-hook", JSON, large.as_bytes(), 413, "longer than 1048576 bytes"),
        ("POST /alert-hook", "", GOOD.as_bytes(), 415, "application/json"),
        ("POST /alert-hook", "Content-Type: text/plain\r\n", GOOD.as_bytes(), 415, "application/json"),
        (
            "POST /alert-hook",
            "Content-Type: application/x-www-form-urlencoded\r\n",
            GOOD.as_bytes(),
            415,
            "json",
        ),
        (
            "POST /alert-hook",
            "Content-Type: application/json; charset=latin1\r\n",
            GOOD.as_bytes(),
            415,
            "UTF-8",
        ),
        (
            "POST /alert-hook",
            "Content-Type: application/json\r\nContent-Type: a/b\r\n",
            GOOD.as_bytes(),
            415,
            "json",
        ),
        (
            "POST /alert-hook",
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
            b"x",
            415,
            "compressed",
        ),
        (
            "POST /alert-hook",
            "Content-Type: application/json\r\nOrigin: http://evil\r\n",
            GOOD.as_bytes(),
            403,
            "pages",
        ),
        ("POST /alert-hook?x=1", JSON, GOOD.as_bytes(), 400, "no query"),
        ("POST /alert-hook/", JSON, GOOD.as_bytes(), 404, "POST /alert-hook"),
        ("POST /", JSON, GOOD.as_bytes(), 404, "there are"),
        ("GET /alert-hook", "", b"", 405, "only POST"),
        ("PUT /alert-hook", JSON, GOOD.as_bytes(), 405, "only POST"),
        ("DELETE /health", "", b"", 405, "only GET, HEAD"),
        ("POST /status", JSON, b"{}", 405, "only GET, HEAD"),
        ("GET /metrics/", "", b"", 404, "there are"),
        ("GET /../etc/passwd", "", b"", 404, "there are"),
    ];
    for (line, headers, body, status, words) in table {
        let (found, text) = server.ask(line, &with_length(headers, body), body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(found, *status, "{line} {headers:?} {shown}: {text}");
        let error: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{line}: no JSON: {text}"));
        let error = error["error"].as_str().unwrap_or_default();
        assert!(error.contains(words), "{line} {headers:?} {shown}: {error}");
    }
    // None of them got as far as the log; the good one does.
    assert!(place.events("hook").is_empty());
    for headers in
        [JSON, "content-type: APPLICATION/JSON; charset=UTF-8\r\n", "Content-Type: application/json;\r\n"]
    {
        let (status, text) =
            server.ask("POST /alert-hook", &with_length(headers, GOOD.as_bytes()), GOOD.as_bytes());
        assert_eq!(status, 200, "{headers}: {text}");
    }
    assert_eq!(place.events("hook").len(), 3);
}

#[test]
fn a_body_in_pieces_is_taken_and_one_without_end_is_not() {
    let place = place();
    let server = place.serve(&[]);
    let head = "POST /alert-hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let body = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
    assert_eq!(split(&raw(server.address, head.as_bytes(), body.as_bytes())).0, 200);
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
    let answer = raw(server.address, head.as_bytes(), chunk.repeat(20).as_bytes());
    assert_eq!(split(&answer).0, 413, "{answer}");
}

#[test]
fn a_client_that_announces_much_and_sends_little_is_given_up_and_holds_nobody_up() {
    let place = place();
    let server = place.serve(&[]);
    let mut slow = TcpStream::connect(server.address).expect("it listens");
    slow.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    slow.write_all(
        b"POST /alert-hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    )
    .expect("sent");
    let mut silent = TcpStream::connect(server.address).expect("it listens");
    silent.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    silent.write_all(b"GET /health HTT").expect("sent");
    let started = Instant::now();
    assert_eq!(server.get("/health").0, 200);
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    let mut answer = String::new();
    let _ = slow.read_to_string(&mut answer);
    let (status, text) = split(&answer);
    assert_eq!(status, 408, "{answer}");
    assert!(text.contains("did not arrive within 10 s"), "{text}");
    let mut rest = String::new();
    let _ = silent.read_to_string(&mut rest);
    let (status, text) = split(&rest);
    assert_eq!(status, 408, "{rest}");
    assert!(text.contains("the headers did not arrive in time"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_token_or_a_signature_opens_the_hook_and_nothing_else_does() {
    let place = place();
    std::fs::write(place.path("token"), "0123456789abcdef0123\n").expect("written");
    std::fs::write(place.path("key"), "fedcba9876543210fedc\n").expect("written");
    let server = place.serve(&["--token-file", "token", "--hmac-key-file", "key"]);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"fedcba9876543210fedc").expect("a key");
    mac.update(GOOD.as_bytes());
    let signature = soak::infra::hex::hex(&mac.finalize().into_bytes());
    let post = |headers: &str| {
        let headers = with_length(&format!("{JSON}{headers}"), GOOD.as_bytes());
        server.ask("POST /alert-hook", &headers, GOOD.as_bytes()).0
    };
    assert_eq!(post("Authorization: Bearer 0123456789abcdef0123\r\n"), 200);
    assert_eq!(post(&format!("X-Soak-Signature: sha256={signature}\r\n")), 200);
    for headers in [
        "",
        "Authorization: Bearer 0123456789abcdef012\r\n",
        "Authorization: Bearer fedcba9876543210fedc\r\n",
        "Authorization: Basic 0123456789abcdef0123\r\n",
        "X-Soak-Signature: sha256=00\r\n",
        "X-Soak-Signature: 0123456789abcdef0123\r\n",
    ] {
        assert_eq!(post(headers), 401, "{headers}");
    }
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn an_address_for_everybody_needs_a_token_and_shows_nothing_without_it() {
    let place = place();
    let output = place.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("hint: give `--token-file FILE`"), "{told}");
    std::fs::write(place.path("short"), "short").expect("written");
    let output = place.run(&["serve", "--token-file", "short"]);
    assert_eq!(output.status.code(), Some(2));

    std::fs::write(place.path("token"), "0123456789abcdef0123").expect("written");
    let mut server = place.serve(&["--listen", "0.0.0.0:0", "--token-file", "token"]);
    server.address = std::net::SocketAddr::from(([127, 0, 0, 1], server.address.port()));
    for path in ["/status", "/metrics"] {
        assert_eq!(server.get(path).0, 401, "{path}");
        let (status, _) =
            server.ask(&format!("GET {path}"), "Authorization: Bearer 0123456789abcdef0123\r\n", b"");
        assert_eq!(status, 200, "{path}");
    }
    assert_eq!(server.get("/health").0, 200);
    assert!(!server.stderr().contains("Prometheus cannot look"), "{}", server.stderr());
    server.stop();
    // A key opens the hook, and nothing else.
    let server = place.serve(&["--listen", "0.0.0.0:0", "--hmac-key-file", "token"]);
    assert!(server.stderr().contains("Prometheus cannot look"), "{}", server.stderr());
}

#[test]
fn a_loopback_address_answers_to_local_names_alone() {
    let place = place();
    let server = place.serve(&[]);
    let ask = |host: &str| {
        let head = format!("GET /status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        split(&raw(server.address, head.as_bytes(), b"")).0
    };
    assert_eq!((ask("localhost"), ask("127.0.0.1:8080"), ask("evil.example")), (200, 200, 403));
}

#[test]
fn metrics_are_clean_for_promtool() {
    let place = place();
    let server = place.serve(&[]);
    server.hook(&delivery("Hard", 1));
    let (_, text) = server.get("/metrics");
    for name in ["soak_rollback_live 0", "soak_rollback_hooks_total{code=\"200\"} 1"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    let child = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn();
    // Where promtool is not installed the end-to-end tests say so.
    let Ok(mut child) = child else { return };
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_reader_of_hooks_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(soak::rollback::alert::read(&bytes));
    }

    #[test]
    fn no_change_of_a_delivery_makes_the_reader_of_hooks_panic(
        at in 0..400usize, gone in 0..40usize, put in "[\\[\\]{}:,\"0-9a-z\\\\ue-]{0,12}",
    ) {
        let mut bytes = delivery("Hard", 1).to_string().into_bytes();
        let at = at.min(bytes.len());
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        drop(soak::rollback::alert::read(&bytes));
    }
}
