//! Requests against a server of a few lines on this machine.

use std::io;
use std::time::{Duration, Instant};

use super::*;
use crate::infra::test_server::{Answer, QUICK, TestServer};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn post(server: &TestServer, limits: &Limits) -> Result<(), HttpError> {
    post_json(&Address::new(&Secret::new(&server.url("/hook/hush")))?, "{\"text\":\"é\"}", limits)
}

#[test]
fn a_message_arrives_as_json_and_any_2xx_is_success() -> TestResult {
    for status in [200, 201, 204] {
        let server = TestServer::start(vec![Answer::status(status)])?;
        post(&server, &QUICK)?;
        let requests = server.requests();
        let [request] = requests.as_slice() else { return Err("one request expected".into()) };
        assert!(request.head.starts_with("POST /hook/hush HTTP/1.1\r\n"), "{}", request.head);
        assert!(request.has_header("content-type: application/json"), "{}", request.head);
        assert_eq!(request.body, "{\"text\":\"é\"}");
    }
    Ok(())
}

#[test]
fn a_server_that_fails_twice_is_asked_a_third_time() -> TestResult {
    let server = TestServer::start([500, 503, 200].map(Answer::status).to_vec())?;
    assert_eq!(post(&server, &QUICK), Ok(()));
    assert_eq!(server.requests().len(), 3);
    Ok(())
}

#[test]
fn a_server_that_always_fails_is_asked_three_times_and_no_more() -> TestResult {
    let server = TestServer::start([500, 500, 502, 200].map(Answer::status).to_vec())?;
    let error = post(&server, &QUICK);
    assert_eq!(error, Err(HttpError::Refused { status: 502, tries: 3 }));
    assert_eq!(server.requests().len(), 3);
    Ok(())
}

#[test]
fn a_busy_server_gets_the_pause_that_it_asks_for() -> TestResult {
    let server = TestServer::start(vec![Answer::with(429, &[("Retry-After", "1")]), Answer::status(200)])?;
    let started = Instant::now();
    assert_eq!(post(&server, &QUICK), Ok(()));
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);
    Ok(())
}

#[test]
fn a_server_that_wants_too_long_a_pause_is_given_up_on() -> TestResult {
    let limits = Limits { longest_retry_after: Duration::ZERO, ..QUICK };
    for (wanted, expected) in
        [("0", Ok(())), ("1", Err(HttpError::Busy { status: 429, seconds: 1 })), ("later", Ok(()))]
    {
        let server =
            TestServer::start(vec![Answer::with(429, &[("Retry-After", wanted)]), Answer::status(200)])?;
        assert_eq!(post(&server, &limits), expected, "{wanted}");
    }
    let server = TestServer::start(vec![Answer::with(503, &[("Retry-After", "31")])])?;
    assert_eq!(post(&server, &QUICK), Err(HttpError::Busy { status: 503, seconds: 31 }));
    Ok(())
}

#[test]
fn a_refusal_is_not_tried_again() -> TestResult {
    for status in [400, 401, 404, 410, 428] {
        let server = TestServer::start([status, 200].map(Answer::status).to_vec())?;
        assert_eq!(post(&server, &QUICK), Err(HttpError::Refused { status, tries: 1 }));
        assert_eq!(server.requests().len(), 1);
    }
    Ok(())
}

#[test]
fn a_redirect_carries_nothing_to_the_other_server() -> TestResult {
    for status in [301, 302, 303, 307, 308] {
        let other = TestServer::start(vec![Answer::status(200)])?;
        let server = TestServer::start(vec![Answer::with(status, &[("Location", &other.url("/stolen"))])])?;
        assert_eq!(post(&server, &QUICK), Err(HttpError::Redirected { status }));
        assert!(other.requests().is_empty());
    }
    Ok(())
}

#[test]
fn a_server_that_never_answers_costs_one_time_limit_and_is_not_asked_again() -> TestResult {
    let server = TestServer::start(vec![Answer::Silence, Answer::status(200)])?;
    let limits = Limits { timeout: Duration::from_millis(300), ..QUICK };
    let started = Instant::now();
    assert_eq!(post(&server, &limits), Err(HttpError::Unanswered { timeout: limits.timeout }));
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[test]
fn an_answer_is_enough_even_if_its_body_never_ends() -> TestResult {
    let server = TestServer::start(vec![Answer::with(200, &[("Content-Length", "999999999999")])])?;
    assert_eq!(post(&server, &QUICK), Ok(()));
    Ok(())
}

#[test]
fn nobody_listening_is_an_error_after_three_tries() -> TestResult {
    let server = TestServer::start(Vec::new())?;
    let address = Address::new(&Secret::new(&server.url("/hook/hush")))?;
    drop(server);
    let refused = post_json(&address, "{}", &QUICK);
    assert!(matches!(&refused, Err(HttpError::Connect { tries: 3, .. })), "{refused:?}");
    assert!(refused.is_err_and(|error| error.to_string().ends_with("(3 tries)")));
    Ok(())
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_made_again() -> TestResult {
    let server = TestServer::start(vec![Answer::Text(String::new()), Answer::status(200)])?;
    assert_eq!(post(&server, &QUICK), Ok(()));
    assert_eq!(server.requests().len(), 2);
    Ok(())
}

#[test]
fn an_answer_that_is_no_http_is_an_error() -> TestResult {
    let server = TestServer::start(vec![Answer::Text("SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned())])?;
    assert!(matches!(post(&server, &QUICK), Err(HttpError::Protocol { .. })));
    Ok(())
}

#[test]
fn a_server_without_tls_at_an_https_address_is_an_error_and_gets_nothing_to_read() -> TestResult {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = std::thread::spawn(move || -> io::Result<Vec<u8>> {
        let (mut connection, _) = listener.accept()?;
        let mut heard = vec![0; 4096];
        let length = connection.read(&mut heard)?;
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
        heard.truncate(length);
        Ok(heard)
    });
    // Straight to the server, whatever proxy the machine has.
    let address =
        Address { is_direct: true, ..Address::new(&Secret::new(&format!("https://127.0.0.1:{port}/hush")))? };
    assert_eq!(
        post_json(&address, "{}", &QUICK),
        Err(HttpError::Protocol { reason: "the tls handshake failed" })
    );
    let heard = server.join().map_err(|_| "the server panicked")??;
    assert!(!heard.windows(4).any(|four| four == b"hush"));
    Ok(())
}

#[test]
fn only_https_and_this_machine_are_acceptable() {
    let accepted = |url: &str| Address::new(&Secret::new(url)).is_ok();
    for url in [
        "https://hooks.example.test/services/T0/B0/hush",
        "HTTPS://example.test",
        "http://localhost:8065/hooks/x",
        "http://127.0.0.1/x",
        "http://127.9.9.9:80/x",
        "http://[::1]:8080/x",
        " https://example.test/from-a-file\n",
    ] {
        assert!(accepted(url), "{url}");
    }
    for url in [
        "",
        "hush",
        "example.test/hook",
        "/hook",
        "http://example.test/hook",
        "http://128.0.0.1/x",
        "http://localhost.example.test/x",
        "http://localhost@example.test/x",
        "http://[::2]/x",
        "ftp://localhost/x",
        "file:///etc/passwd",
        "https://",
        "https://exa mple.test/",
    ] {
        assert!(!accepted(url), "{url}");
    }
}

#[test]
fn pauses_double_and_stay_between_half_and_the_whole() {
    let pause = Duration::from_secs(1);
    for (tried, whole) in [(1, 1000), (2, 2000), (3, 4000)] {
        for _ in 0..50 {
            let pause = back_off(pause, tried);
            assert!((whole / 2..=whole).contains(&pause.as_millis()), "{tried}: {pause:?}");
        }
    }
    let pauses: std::collections::BTreeSet<_> = (0..50).map(|_| back_off(pause, 1)).collect();
    assert!(pauses.len() > 1, "chance has a say");
}

#[test]
fn no_error_holds_the_address() -> TestResult {
    let mut told = Vec::new();
    for answer in [
        Answer::status(404),
        Answer::with(302, &[("Location", "https://example.test/hush")]),
        Answer::Text("HTTP/1.1 404 /hook/hush not found\r\nContent-Length: 4\r\n\r\nhush".to_owned()),
        Answer::Silence,
        Answer::with(429, &[("Retry-After", "99")]),
    ] {
        let server = TestServer::start(vec![answer])?;
        let limits = Limits { timeout: Duration::from_millis(300), tries: 1, ..QUICK };
        told.extend(post(&server, &limits).err());
    }
    for url in ["hush", "http://hush.example.test/hush", "https://hush example.test/", "ftp://hush"] {
        told.extend(Address::new(&Secret::new(url)).err());
    }
    assert_eq!(told.len(), 9);
    for error in told {
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hush") && !text.contains("127.0.0.1"), "{text}");
    }
    let address = Address::new(&Secret::new("https://example.test/hush"))?;
    assert!(!format!("{address:?}").contains("example"));
    Ok(())
}

#[test]
fn everything_but_the_unreserved_characters_is_encoded() {
    assert_eq!(percent_encoded("aZ0-._~"), "aZ0-._~");
    assert_eq!(percent_encoded("a b?c#d%/ü\n"), "a%20b%3Fc%23d%25%2F%C3%BC%0A");
}
