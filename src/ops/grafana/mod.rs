//! The dashboards of a Grafana server, over its HTTP API.
//!
//! - `https` to anywhere, plain `http` only to this machine: a token goes with every request.
//! - A redirect is followed only within the origin of the given URL, and only where it keeps the method; to anywhere
//!   else the token does not go.
//! - Reading is tried again, saving is not: a request that was not answered may have been carried out.
//! - What the server says about an error is kept, cut to a length and without control characters.
#![expect(clippy::disallowed_methods, reason = "requests are sent and waited for here")]

mod address;
pub mod dashboard;

use std::time::Duration;

use serde_json::Value;
use ureq::Proxy;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

pub use address::Server;

use crate::infra::http::{HttpError, Limits, Request, agent, retrying};
use crate::infra::secret::Secret;

/// Redirects that are followed in a row.
const MOST_REDIRECTS: usize = 5;
/// Largest answer, bytes.
const LARGEST: u64 = 32 << 20;

/// A server, and how it knows us.
#[derive(Debug)]
pub struct Grafana {
    server: Server,
    token: Secret,
    limits: Limits,
    agent: Agent,
}

/// The question.
#[derive(Clone, Copy, Debug)]
enum Method<'b> {
    Get,
    Post(&'b str),
}

impl Grafana {
    /// Whom to ask, with which token, and how long to wait for an answer.
    pub fn new(server: Server, token: Secret, timeout: Duration) -> Self {
        let limits = Limits { timeout, ..Limits::default() };
        let proxy = if server.is_direct() { None } else { Proxy::try_from_env() };
        let agent = agent(&limits, proxy);
        Self { server, token, limits, agent }
    }

    /// The dashboard with this uid, as the server has it: `{"dashboard": …, "meta": …}`.
    pub fn dashboard(&self, uid: &str) -> Result<Vec<u8>, GrafanaError> {
        let answer = self.send(&format!("/api/dashboards/uid/{}", address::encoded(uid)), Method::Get)?;
        answer.json()?;
        Ok(answer.body)
    }

    /// The uid of the folder that a dashboard is in; `None` when it is in the top folder, or not there at all.
    pub fn folder_of(&self, uid: &str) -> Result<Option<String>, GrafanaError> {
        match self.send(&format!("/api/dashboards/uid/{}", address::encoded(uid)), Method::Get) {
            Ok(answer) => {
                let json = answer.json()?;
                let folder = json["meta"]["folderUid"].as_str().filter(|folder| !folder.is_empty());
                Ok(folder.map(ToOwned::to_owned))
            }
            Err(GrafanaError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Saves a dashboard; `body` is what `POST /api/dashboards/db` takes.
    pub fn save(&self, body: &str) -> Result<Saved, GrafanaError> {
        self.send("/api/dashboards/db", Method::Post(body))?.saved()
    }

    fn send(&self, path: &str, method: Method<'_>) -> Result<Answer, GrafanaError> {
        let mut url = self.server.url(path);
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.once(&url, method)?;
            let Some(location) = answer.location() else { return answer.accepted() };
            let keeps_method = matches!(method, Method::Get) || matches!(answer.status, 307 | 308);
            if !keeps_method {
                return Err(GrafanaError::RedirectedPost { status: answer.status });
            }
            url = self
                .server
                .redirected(&url, &location)
                .map_err(|origin| GrafanaError::OtherOrigin { status: answer.status, origin })?;
        }
        Err(GrafanaError::Redirects(MOST_REDIRECTS))
    }

    fn once(&self, url: &str, method: Method<'_>) -> Result<Answer, GrafanaError> {
        let tries = if matches!(method, Method::Get) { self.limits.tries } else { 1 };
        let limits = Limits { tries, ..self.limits.clone() };
        let request = Request {
            limits: &limits,
            // The rest may be over in a moment. What is tried once is answered once, whatever it is.
            is_answer: |status| tries == 1 || !is_passing(status),
            pause: |pause| {
                std::thread::sleep(pause);
                true
            },
        };
        let bearer = format!("Bearer {}", self.token.reveal());
        let send = || match method {
            Method::Get => self
                .agent
                .get(url)
                .header("authorization", &bearer)
                .header("accept", "application/json")
                .call(),
            Method::Post(body) => self
                .agent
                .post(url)
                .header("authorization", &bearer)
                .header("accept", "application/json")
                .content_type("application/json")
                .send(body),
        };
        retrying(&request, send, read).map_err(GrafanaError::Http)
    }
}

/// Whether a status may be another one in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn read(mut response: Response<Body>) -> Result<Answer, ureq::Error> {
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let (status, location, kind) = (response.status().as_u16(), header("location"), header("content-type"));
    let body = response.body_mut().with_config().limit(LARGEST).read_to_vec()?;
    Ok(Answer { status, location, kind, body })
}

/// Longest text of the server that is reported, characters.
const LONGEST: usize = 300;

/// Why a dashboard was not read or saved.
#[derive(Debug, thiserror::Error)]
pub enum GrafanaError {
    /// There was no answer.
    #[error("grafana cannot be reached: {0}")]
    Http(HttpError),
    /// The server refused.
    #[error("grafana answered {status}{}", words_of(message.as_deref(), reason.as_deref()))]
    Refused {
        /// HTTP status.
        status: u16,
        /// `message` of its JSON, or the begin of a text; `None` = it said nothing.
        message: Option<String>,
        /// `status` of its JSON: `version-mismatch`, `name-exists`, `plugin-dashboard`.
        reason: Option<String>,
    },
    /// The server sends us to another origin.
    #[error("grafana answered {status}, a redirect to {origin}; the token is not sent there")]
    OtherOrigin {
        /// HTTP status.
        status: u16,
        /// Scheme, host and port, or that there is none.
        origin: String,
    },
    /// A redirect that would turn saving into reading.
    #[error("grafana answered {status}, a redirect that does not take a dashboard along")]
    RedirectedPost { status: u16 },
    /// Redirects in a circle.
    #[error("grafana sends us on more than {0} times")]
    Redirects(usize),
    /// A page for people, or anything else that is no JSON, although the status says success.
    #[error("grafana answered {status} with {kind}, which is no answer of its API")]
    NotJson { status: u16, kind: &'static str },
}

fn words_of(message: Option<&str>, reason: Option<&str>) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    message.map_or_else(|| reason.clone(), |message| format!(": {message}{reason}"))
}

/// What the server made of a dashboard; `None` = it did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    pub uid: Option<String>,
    /// Its version, counted up with every save.
    pub version: Option<u64>,
    /// The path of its page.
    pub path: Option<String>,
}

/// An answer, before anybody has judged it.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    kind: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    /// Where a redirect leads; `None` when it is none.
    fn location(&self) -> Option<String> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        is_redirect.then(|| self.location.clone().unwrap_or_default())
    }

    /// The answer itself, if it says success.
    fn accepted(self) -> Result<Self, GrafanaError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let json: Option<Value> = serde_json::from_slice(&self.body).ok();
        let of = |key: &str| json.as_ref()?.get(key)?.as_str().map(shown).filter(|text| !text.is_empty());
        let message = of("message").or_else(|| {
            let is_text = json.is_none() && !self.is_html();
            is_text.then(|| shown(&String::from_utf8_lossy(&self.body))).filter(|text| !text.is_empty())
        });
        Err(GrafanaError::Refused { status: self.status, message, reason: of("status") })
    }

    fn json(&self) -> Result<Value, GrafanaError> {
        serde_json::from_slice(&self.body).map_err(|_| GrafanaError::NotJson {
            status: self.status,
            kind: if self.is_html() {
                "an HTML page"
            } else if self.body.is_empty() {
                "nothing"
            } else {
                "something that is no JSON"
            },
        })
    }

    /// What it says about a dashboard that was saved.
    fn saved(&self) -> Result<Saved, GrafanaError> {
        let json = self.json()?;
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(shown);
        Ok(Saved {
            uid: text("uid"),
            version: json.get("version").and_then(Value::as_u64),
            path: text("url"),
        })
    }

    fn is_html(&self) -> bool {
        let begin: String = String::from_utf8_lossy(&self.body).trim_start().chars().take(15).collect();
        let begin = begin.to_ascii_lowercase();
        self.kind.as_ref().is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
            || begin.starts_with("<!doctype html")
            || begin.starts_with("<html")
    }
}

/// A text of the server as it may be shown: one line, no control characters, not endless.
fn shown(text: &str) -> String {
    let is_plain = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut line: String =
        text.trim().chars().take(LONGEST).map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect();
    if text.trim().chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {

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
        let reported = grafana.dashboard("mm").expect_err("not followed").to_string();
        assert!(
            reported.contains("a redirect to `http://127.0.0.1:") && reported.contains("token is not sent"),
            "{reported}"
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
        let reported = grafana.dashboard("mm").expect_err("silence").to_string();
        assert!(reported.contains("no answer within 0.2 s"), "{reported}");
    }

    fn refused(status: u16, kind: &str, body: &str) -> String {
        let answer =
            Answer { status, location: None, kind: Some(kind.to_owned()), body: body.as_bytes().to_vec() };
        answer.accepted().expect_err("no success").to_string()
    }

    #[test]
    fn the_words_of_the_server_are_reported() {
        let body =
            r#"{"message":"The dashboard has been changed by someone else","status":"version-mismatch"}"#;
        assert_eq!(
            refused(412, "application/json", body),
            "grafana answered 412: The dashboard has been changed by someone else (version-mismatch)"
        );
        assert_eq!(refused(500, "text/plain", "disk full\n"), "grafana answered 500: disk full");
        assert_eq!(refused(502, "text/html", "<html>bad gateway"), "grafana answered 502");
        assert_eq!(refused(404, "application/json", "{}"), "grafana answered 404");
    }

    #[test]
    fn the_words_of_the_server_cannot_write_lines_of_their_own_or_continue_for_ever() {
        let reported = refused(400, "text/plain", &format!("a\nhint: rm -rf /\u{1b}[2J{}", "x".repeat(9999)));
        assert!(!reported.contains('\n') && !reported.contains('\u{1b}'), "{reported}");
        assert!(reported.chars().count() < LONGEST + 40, "{}", reported.len());
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
            json(Some("text/html; charset=UTF-8"), "x")
                .is_err_and(|reported| reported.contains("200 with an HTML page"))
        );
        assert!(json(None, " <!DOCTYPE html>").is_err_and(|reported| reported.contains("an HTML page")));
        assert!(json(None, "").is_err_and(|reported| reported.contains("with nothing")));
        assert!(json(None, "ok").is_err_and(|reported| reported.contains("no JSON")));
        let saved = Saved { uid: Some("mm".to_owned()), version: Some(3), path: Some("/d/mm/x".to_owned()) };
        assert_eq!(json(None, r#"{"uid":"mm","version":3,"url":"/d/mm/x","status":"success"}"#), Ok(saved));
    }
}
