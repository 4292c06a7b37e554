//! What a Grafana server answered: success, an error in its words, or a page that is no answer of the API.

use serde_json::Value;

use crate::io::http::HttpError;

/// Longest text of the server that is told, characters.
const LONGEST: usize = 300;

/// Why a dashboard was not read or saved.
#[derive(Debug, thiserror::Error)]
pub enum GrafanaError {
    /// There was no answer.
    #[error("grafana cannot be asked: {0}")]
    Http(HttpError),
    /// The server refused.
    #[error("grafana answered {status}{}", told(message.as_deref(), reason.as_deref()))]
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
    RedirectedPost {
        /// HTTP status.
        status: u16,
    },
    /// Redirects in a circle.
    #[error("grafana sends us on more than {0} times")]
    Redirects(usize),
    /// A page for people, or anything else that is no JSON, although the status says success.
    #[error("grafana answered {status} with {kind}, which is no answer of its API")]
    NotJson {
        /// HTTP status.
        status: u16,
        /// What it was instead.
        kind: &'static str,
    },
}

fn told(message: Option<&str>, reason: Option<&str>) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    message.map_or_else(|| reason.clone(), |message| format!(": {message}{reason}"))
}

/// What the server made of a dashboard; `None` = it did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Its uid.
    pub uid: Option<String>,
    /// Its version, counted up with every save.
    pub version: Option<u64>,
    /// The path of its page.
    pub path: Option<String>,
}

/// An answer, before anybody has judged it.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    location: Option<String>,
    kind: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, location: Option<String>, kind: Option<String>, body: Vec<u8>) -> Self {
        Self { status, location, kind, body }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Where a redirect leads; `None` when it is none.
    pub(super) fn location(&self) -> Option<String> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        is_redirect.then(|| self.location.clone().unwrap_or_default())
    }

    /// The answer itself, if it says success.
    pub(super) fn accepted(self) -> Result<Self, GrafanaError> {
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

    /// Its JSON.
    pub(super) fn json(&self) -> Result<Value, GrafanaError> {
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
    pub(super) fn saved(&self) -> Result<Saved, GrafanaError> {
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

    fn refused(status: u16, kind: &str, body: &str) -> String {
        let answer = Answer::new(status, None, Some(kind.to_owned()), body.as_bytes().to_vec());
        answer.accepted().expect_err("no success").to_string()
    }

    #[test]
    fn the_words_of_the_server_are_told() {
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
    fn the_words_of_the_server_cannot_write_lines_of_their_own_or_go_on_for_ever() {
        let told = refused(400, "text/plain", &format!("a\nhint: rm -rf /\u{1b}[2J{}", "x".repeat(9999)));
        assert!(!told.contains('\n') && !told.contains('\u{1b}'), "{told}");
        assert!(told.chars().count() < LONGEST + 40, "{}", told.len());
    }

    #[test]
    fn success_without_json_is_no_success() {
        let json = |kind: Option<&str>, body: &str| {
            let answer = Answer::new(200, None, kind.map(ToOwned::to_owned), body.as_bytes().to_vec());
            answer.saved().map_err(|error| error.to_string())
        };
        assert!(
            json(Some("text/html; charset=UTF-8"), "x")
                .is_err_and(|told| told.contains("200 with an HTML page"))
        );
        assert!(json(None, " <!DOCTYPE html>").is_err_and(|told| told.contains("an HTML page")));
        assert!(json(None, "").is_err_and(|told| told.contains("with nothing")));
        assert!(json(None, "ok").is_err_and(|told| told.contains("no JSON")));
        let saved = Saved { uid: Some("mm".to_owned()), version: Some(3), path: Some("/d/mm/x".to_owned()) };
        assert_eq!(json(None, r#"{"uid":"mm","version":3,"url":"/d/mm/x","status":"success"}"#), Ok(saved));
    }
}
