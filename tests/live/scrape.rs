//! The endpoint of `export-prom --listen`, asked over plain sockets while its folder changes.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests write the folder and are the clients of the endpoint"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use soak::core::analysis::Options;
use soak::core::policy;
use soak::core::verdict::provenance::Provenance;
use soak::export::endpoint::Endpoint;
use soak::export::exporter::Exporter;
use soak::export::live::folder::Follower;
use soak::infra::http_server::Listening;

fn write(folder: &Path, number: u64) {
    let text = format!(
        r#"{{"iteration": {number}, "summary": {{"net_bps": 3.0, "risk_ratio": 0.3, "maker_taker_ratio": 0.9,
            "p95_latency_ms": 250.0, "ticks": {number}}}, "tuning": {{"freeze_triggered": true}}}}"#
    );
    std::fs::write(folder.join(format!("ITER_SUMMARY_{number}.json")), text).expect("written");
}

fn endpoint(folder: &Path, refresh: Duration) -> Endpoint {
    let policy = policy::read(&[], &[]).expect("the built-in policy is fine");
    let provenance = Provenance {
        tool_version: "1.2.3".to_owned(),
        policy_sha256: "ab".repeat(32),
        policy_file: None,
        overridden: None,
        fixed_time: None,
        rehearsal: false,
    };
    let follower = Follower::new(folder, policy, Options::default());
    let exporter = Exporter::new(follower, provenance, false, refresh);
    let listening = Listening::at("0".parse().expect("an address")).expect("a free port");
    Endpoint::start(listening, exporter).expect("it starts")
}

/// Head and body of an answer.
fn ask(endpoint: &Endpoint, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(endpoint.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    write!(stream, "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

const LOCAL: &str = "Host: localhost\r\n";

fn sample(text: &str, name: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn a_scrape_reads_what_is_new_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    (1..=20).for_each(|number| write(folder.path(), number));
    // So long do files have to be at rest for their time stamps to prove anything.
    std::thread::sleep(Duration::from_millis(2100));
    let endpoint = endpoint(folder.path(), Duration::ZERO);
    let scrape = || ask(&endpoint, "/metrics", LOCAL).1;
    let first = scrape();
    assert_eq!(
        (sample(&first, "soak_iteration"), sample(&first, "soak_export_files_read_total")),
        (20.0, 20.0)
    );
    assert_eq!(sample(&scrape(), "soak_export_files_read_total"), 20.0);
    write(folder.path(), 21);
    let grown = scrape();
    assert_eq!(
        (sample(&grown, "soak_iteration"), sample(&grown, "soak_export_files_read_total")),
        (21.0, 21.0)
    );
    assert_eq!((sample(&grown, "soak_export_looks_total"), sample(&grown, "soak_export_files")), (3.0, 21.0));
}

#[test]
fn many_scrapes_at_once_share_a_look() {
    let folder = tempfile::tempdir().expect("a folder");
    (1..=8).for_each(|number| write(folder.path(), number));
    let endpoint = endpoint(folder.path(), Duration::from_secs(3600));
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let (head, body) = ask(&endpoint, "/metrics", LOCAL);
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                assert_eq!(sample(&body, "soak_verdict{verdict=\"PASS\"}"), 1.0);
            });
        }
    });
    assert_eq!(sample(&ask(&endpoint, "/metrics", LOCAL).1, "soak_export_looks_total"), 1.0);
}

#[test]
fn each_client_gets_the_form_that_it_wants_with_careful_headers() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 1);
    let endpoint = endpoint(folder.path(), Duration::ZERO);
    let wanting = |accept: &str| ask(&endpoint, "/metrics", &format!("{LOCAL}Accept: {accept}\r\n"));
    let (head, body) = wanting("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5");
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"), "{body}");
    let (head, body) = wanting("text/plain");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(!body.contains("EOF"), "{body}");
    assert!(head.contains("vary: accept") && head.contains("cache-control: no-store"), "{head}");
}

#[test]
fn a_name_of_elsewhere_is_refused_and_a_folder_that_is_gone_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let endpoint = endpoint(&run, Duration::ZERO);
    assert!(ask(&endpoint, "/metrics", "Host: evil.example\r\n").0.starts_with("HTTP/1.1 403 "));
    for path in ["/metrics", "/healthz"] {
        let (head, body) = ask(&endpoint, path, LOCAL);
        assert!(
            head.starts_with("HTTP/1.1 503 ") && body.starts_with("there is no folder `"),
            "{head}{body}"
        );
    }
    std::fs::create_dir(&run).expect("made");
    let (head, body) = ask(&endpoint, "/metrics", LOCAL);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(sample(&body, "soak_verdict{verdict=\"INVALID\"}"), 1.0);
    assert!(ask(&endpoint, "/healthz", LOCAL).0.starts_with("HTTP/1.1 200 "));
    assert!(ask(&endpoint, "/", LOCAL).0.starts_with("HTTP/1.1 404 "));
}
