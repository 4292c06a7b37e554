//! Which server is asked, and how it knows us. Nothing here prints a secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{HeaderName, HeaderValue, Uri};

use super::is_loopback;
use crate::infra::secret::Secret;

/// How the server knows us.
#[derive(Clone, Debug)]
pub enum Auth {
    /// It need not.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// Headers that carry a secret, whatever is in them.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// Headers that say where a request ends and what it is; another value than the true one breaks every request.
const FRAMING_HEADERS: [&str; 7] =
    ["connection", "content-length", "content-type", "expect", "te", "transfer-encoding", "upgrade"];

/// Why a server cannot be asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    /// The URL is none that queries can go to.
    #[error("the URL of the server {reason}")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A secret would be readable on the way.
    #[error("a token or password is not sent over plain http to another machine; use https")]
    PlainSecret,
    /// A header cannot be sent.
    #[error("the header `{name}` cannot be sent: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The token, user or password cannot be sent.
    #[error("the {0} cannot be sent in a header")]
    Credentials(&'static str),
}

/// A server that was found acceptable.
#[derive(Clone)]
pub struct Target {
    url: String,
    is_direct: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Target {
    /// The base URL, with a path prefix if the server has one (`https://mimir.example/prometheus`), how the
    /// server knows us, and further headers (`X-Scope-OrgID`).
    pub fn new(url: &str, auth: &Auth, headers: &[(String, Secret)]) -> Result<Self, TargetError> {
        let wrong = |reason| TargetError::Url { reason };
        let url = url.trim().trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host().filter(|host| !host.is_empty()))
        else {
            return Err(wrong("must begin with https:// or http:// and have a host"));
        };
        if !matches!(scheme, "http" | "https") {
            return Err(wrong("must begin with https:// or http://"));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(wrong("must not hold user and password; give them apart from it"));
        }
        // The parser of URLs takes a port of any length.
        let port =
            uri.authority().and_then(|authority| authority.as_str().rsplit_once(host)?.1.strip_prefix(':'));
        if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(wrong("must have a port from 1 to 65535, or none"));
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(wrong("must end with its path, without `?` and `#`"));
        }
        let mut sent = Vec::new();
        let mut has_secret = false;
        if let Some(value) = authorization(auth)? {
            has_secret = true;
            sent.push((HeaderName::from_static("authorization"), value));
        }
        for (name, value) in headers {
            let wrong = |reason| TargetError::Header { name: name.clone(), reason };
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("it is no header name"))?;
            if FRAMING_HEADERS.contains(&header.as_str()) {
                return Err(wrong("it says how the request is sent, which is not ours to change"));
            }
            if sent.iter().any(|(known, _)| *known == header) {
                return Err(wrong("it is given twice"));
            }
            let value = sensitive(value.reveal()).ok_or_else(|| wrong("its value has control characters"))?;
            has_secret |= SECRET_HEADERS.contains(&header.as_str());
            sent.push((header, value));
        }
        if has_secret && scheme == "http" && !is_loopback(host) {
            return Err(TargetError::PlainSecret);
        }
        Ok(Self { url: url.to_owned(), is_direct: scheme == "http", headers: sent })
    }

    /// The base URL; it holds no secret.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A path below it, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The same server at another URL; headers and proxy stay.
    #[must_use]
    pub fn moved(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// Whether no proxy is to be asked: it could read plain http.
    pub(crate) fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// What goes with each request.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Target").field("url", &self.url).field("headers", &names).finish_non_exhaustive()
    }
}

fn authorization(auth: &Auth) -> Result<Option<HeaderValue>, TargetError> {
    match auth {
        Auth::None => Ok(None),
        Auth::Bearer(token) if token.reveal().is_empty() => Err(TargetError::Credentials("empty token")),
        Auth::Bearer(token) => match sensitive(&format!("Bearer {}", token.reveal())) {
            Some(value) => Ok(Some(value)),
            None => Err(TargetError::Credentials("token, which has control characters,")),
        },
        // The colon ends the user.
        Auth::Basic { user, .. } if user.contains(':') => {
            Err(TargetError::Credentials("user, which has a `:`,"))
        }
        Auth::Basic { user, password } => {
            let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
            Ok(sensitive(&format!("Basic {pair}")))
        }
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, auth: &Auth) -> Result<Target, TargetError> {
        Target::new(url, auth, &[])
    }

    fn token() -> Auth {
        Auth::Bearer(Secret::new("hush"))
    }

    #[test]
    fn queries_go_below_the_path_of_the_url() {
        for (url, endpoint) in [
            ("http://prom:9090", "http://prom:9090/api/v1/query"),
            ("http://prom:9090/", "http://prom:9090/api/v1/query"),
            ("http://prom:65535", "http://prom:65535/api/v1/query"),
            ("http://[::1]:1/a:b", "http://[::1]:1/a:b/api/v1/query"),
            ("http://[::1]", "http://[::1]/api/v1/query"),
            ("https://mimir.example/prometheus/", "https://mimir.example/prometheus/api/v1/query"),
        ] {
            assert_eq!(target(url, &Auth::None).expect("acceptable").at("/api/v1/query"), endpoint);
        }
    }

    #[test]
    fn a_url_that_nothing_can_be_asked_at_is_refused() {
        for url in [
            "",
            "prom:9090",
            "ftp://prom",
            "http://",
            "http://u:p@prom",
            "http://prom/?a=b",
            "http://prom/#a",
            "http://prom:0",
            "http://prom:",
            "http://prom:65536",
            "http://[::1]:99999/prom",
        ] {
            assert!(matches!(target(url, &Auth::None), Err(TargetError::Url { .. })), "{url}");
        }
    }

    #[test]
    fn a_secret_goes_over_plain_http_to_this_machine_alone() {
        for url in ["https://prom", "http://127.0.0.1:9090", "http://localhost", "http://[::1]:9090"] {
            assert!(target(url, &token()).is_ok(), "{url}");
        }
        for url in ["http://prom:9090", "http://10.0.0.1"] {
            assert_eq!(target(url, &token()).err(), Some(TargetError::PlainSecret));
            assert!(target(url, &Auth::None).is_ok());
            let header =
                |name: &str| Target::new(url, &Auth::None, &[(name.to_owned(), Secret::new("hush"))]);
            assert!(header("X-Scope-OrgID").is_ok());
            for name in ["Authorization", "Cookie", "X-API-Key", "proxy-authorization"] {
                assert_eq!(header(name).err(), Some(TargetError::PlainSecret), "{name}");
            }
        }
    }

    #[test]
    fn headers_that_cannot_be_sent_are_named_without_their_value() {
        let with = |headers: &[(&str, &str)]| {
            let headers: Vec<(String, Secret)> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(value))).collect();
            Target::new("https://prom", &token(), &headers).expect_err("cannot be sent").to_string()
        };
        for told in [
            with(&[("a b", "hush")]),
            with(&[("X-A", "hu\nsh")]),
            with(&[("X-A", "hush"), ("x-a", "hush")]),
            with(&[("Authorization", "hush")]),
            with(&[("Content-Length", "3")]),
            with(&[("transfer-encoding", "hush")]),
        ] {
            assert!(told.starts_with("the header `") && !told.contains("hu"), "{told}");
        }
        for auth in [
            Auth::Bearer(Secret::new("a\nb")),
            Auth::Bearer(Secret::new(" ")),
            Auth::Basic { user: "a:b".to_owned(), password: Secret::new("c") },
        ] {
            assert!(matches!(target("https://prom", &auth), Err(TargetError::Credentials(_))));
        }
    }

    #[test]
    fn debug_output_hides_what_is_sent() {
        let told = format!("{:?}", target("https://prom", &token()));
        assert!(
            told.contains("authorization") && !told.contains("hush") && !told.contains("Bearer"),
            "{told}"
        );
    }
}
