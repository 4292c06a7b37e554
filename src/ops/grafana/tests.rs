//! The client against a server of a few lines: what goes over the wire, and what does not.

use super::*;
use crate::infra::test_server::{Answer as Given, TestServer};

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Given {
    let length = body.len().to_string();
    let all = [&[("Content-Length", length.as_str()), ("Connection", "close")], headers].concat();
    match Given::with(status, &all) {
        Given::Text(head) => Given::Text(head + body),
        silent @ Given::Silence => silent,
    }
}

fn grafana(server: &TestServer, path: &str, timeout: Duration) -> Option<Grafana> {
    let server = Server::new(&server.url(path)).ok()?;
    let mut grafana = Grafana::new(server, Secret::new("glsa_hush"), timeout);
    grafana.limits.pause = Duration::from_millis(1);
    Some(grafana)
}

fn start(answers: Vec<Given>, path: &str) -> (TestServer, Grafana) {
    let server = TestServer::start(answers).expect("a free port");
    let grafana = grafana(&server, path, Duration::from_secs(5)).expect("loopback");
    (server, grafana)
}

fn lines(server: &TestServer) -> Vec<String> {
    let first = |head: &str| head.lines().next().unwrap_or_default().to_owned();
    server.requests().iter().map(|request| first(&request.head)).collect()
}

const DASHBOARD: &str = r#"{"dashboard":{"uid":"a/b"},"meta":{}}"#;

#[test]
fn a_uid_is_encoded_and_the_token_goes_in_its_header() {
    let (server, grafana) = start(vec![answer(200, &[], DASHBOARD)], "/grafana/");
    assert_eq!(grafana.dashboard("a/b").expect("an answer"), DASHBOARD.as_bytes());
    assert_eq!(lines(&server), ["GET /grafana/api/dashboards/uid/a%2Fb HTTP/1.1"]);
    let head = server.requests()[0].head.to_lowercase();
    assert!(head.contains("authorization: bearer glsa_hush\r\n"), "{head}");
    assert!(!format!("{grafana:?}").contains("hush"));
}

#[test]
fn a_redirect_within_the_origin_is_followed_with_the_token() {
    let (server, grafana) =
        start(vec![answer(302, &[("Location", "/moved")], ""), answer(200, &[], DASHBOARD)], "");
    assert!(grafana.dashboard("mm").is_ok());
    assert_eq!(lines(&server), ["GET /api/dashboards/uid/mm HTTP/1.1", "GET /moved HTTP/1.1"]);
    assert!(server.requests()[1].head.to_lowercase().contains("authorization: bearer"));
}

#[test]
fn a_redirect_to_another_origin_gets_no_request_and_no_token() {
    let other = TestServer::start(vec![answer(200, &[], DASHBOARD)]).expect("a free port");
    let to = other.url("/steal");
    let (_server, grafana) = start(vec![answer(307, &[("Location", &to)], "")], "");
    let told = grafana.dashboard("mm").expect_err("not followed").to_string();
    assert!(
        told.contains("a redirect to `http://127.0.0.1:") && told.contains("token is not sent"),
        "{told}"
    );
    assert!(other.requests().is_empty());
}

#[test]
fn saving_follows_only_what_keeps_the_method() {
    let (server, grafana) = start(
        vec![answer(308, &[("Location", "/x")], ""), answer(200, &[], r#"{"uid":"mm","version":2}"#)],
        "",
    );
    assert_eq!(grafana.save("{}").expect("saved").version, Some(2));
    assert_eq!(lines(&server), ["POST /api/dashboards/db HTTP/1.1", "POST /x HTTP/1.1"]);
    assert_eq!(server.requests()[1].body, "{}");
    let (_server, grafana) = start(vec![answer(302, &[("Location", "/login")], "")], "");
    assert!(matches!(grafana.save("{}"), Err(GrafanaError::RedirectedPost { status: 302 })));
}

#[test]
fn redirects_in_a_circle_end() {
    let (server, grafana) = start(vec![answer(302, &[("Location", "/a")], ""); 9], "");
    assert!(matches!(grafana.dashboard("mm"), Err(GrafanaError::Redirects(5))));
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn reading_is_tried_again_and_saving_is_not() {
    let busy = || answer(503, &[], r#"{"message":"starting"}"#);
    let (server, grafana) = start(vec![busy(), busy(), answer(200, &[], DASHBOARD)], "");
    assert!(grafana.dashboard("mm").is_ok());
    assert_eq!(server.requests().len(), 3);
    let (server, grafana) = start(vec![busy(), busy()], "");
    assert_eq!(grafana.save("{}").expect_err("refused").to_string(), "grafana answered 503: starting");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let server = TestServer::start(vec![Given::Silence]).expect("a free port");
    let grafana = grafana(&server, "", Duration::from_millis(200)).expect("loopback");
    let told = grafana.dashboard("mm").expect_err("silence").to_string();
    assert!(told.contains("no answer within 0.2 s"), "{told}");
}

fn refused(status: u16, kind: &str, body: &str) -> String {
    let answer =
        Answer { status, location: None, kind: Some(kind.to_owned()), body: body.as_bytes().to_vec() };
    answer.accepted().expect_err("no success").to_string()
}

#[test]
fn the_words_of_the_server_are_told() {
    let body = r#"{"message":"The dashboard has been changed by someone else","status":"version-mismatch"}"#;
    assert_eq!(
        refused(412, "application/json", body),
        "grafana answered 412: The dashboard has been changed by someone else (version-mismatch)"
    );
    assert_eq!(refused(500, "text/plain", "disk full\n"), "grafana answered 500: disk full");
    assert_eq!(refused(502, "text/html", "<html>bad gateway"), "grafana answered 502");
    assert_eq!(refused(404, "application/json", "{}"), "grafana answered 404");
}

#[test]
fn the_words_of_the_server_cannot_write_lines_of_their_own_or_go_on_for_ever() {
    let told = refused(400, "text/plain", &format!("a\nhint: rm -rf /\u{1b}[2J{}", "x".repeat(9999)));
    assert!(!told.contains('\n') && !told.contains('\u{1b}'), "{told}");
    assert!(told.chars().count() < LONGEST + 40, "{}", told.len());
}

#[test]
fn success_without_json_is_no_success() {
    let json = |kind: Option<&str>, body: &str| {
        let answer = Answer {
            status: 200,
            location: None,
            kind: kind.map(ToOwned::to_owned),
            body: body.as_bytes().to_vec(),
        };
        answer.saved().map_err(|error| error.to_string())
    };
    assert!(
        json(Some("text/html; charset=UTF-8"), "x").is_err_and(|told| told.contains("200 with an HTML page"))
    );
    assert!(json(None, " <!DOCTYPE html>").is_err_and(|told| told.contains("an HTML page")));
    assert!(json(None, "").is_err_and(|told| told.contains("with nothing")));
    assert!(json(None, "ok").is_err_and(|told| told.contains("no JSON")));
    let saved = Saved { uid: Some("mm".to_owned()), version: Some(3), path: Some("/d/mm/x".to_owned()) };
    assert_eq!(json(None, r#"{"uid":"mm","version":3,"url":"/d/mm/x","status":"success"}"#), Ok(saved));
}
