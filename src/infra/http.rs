//! Sending JSON to a webhook: one POST with a time limit, a few retries, and errors that keep its address.
//!
//! An address is a secret here, because webhooks carry their token in it: no error, no debug output and no
//! redirect says so. Must not know what a message means.
//!
//! - `https` to anywhere; plain `http` to this machine only (a relay, a test), because anything else would show
//!   the token on the way. The proxy of the environment is used only for `https`.
//! - Redirects are not followed: they would carry the message to somebody else.
//! - Retried are: connections that fail or break, 429 and 5xx; a message that arrives twice is better than none.
//!   Not retried is a request that was sent and not answered in time: it has probably arrived, and three time
//!   limits in a row would hold up the job that sends it.
//! - The body of an answer is not read, but for the first 8 KiB of a refusal that may require a pause in it; the
//!   headers are limited to 64 KiB.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::{self, HeaderName, HeaderValue, Response, StatusCode, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, Timeout};

pub use ureq::http::Method;

use super::secret::Secret;
use crate::infra::clock::machine_time;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a path or a form may contain.
pub(crate) fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Where to send to: an address that was found acceptable.
#[derive(Clone, Debug)]
pub struct Address {
    url: Secret,
    /// Plain http to this machine, which no proxy may see.
    is_direct: bool,
}

impl Address {
    /// Checks an address.
    pub fn new(url: &Secret) -> Result<Self, HttpError> {
        let wrong = |reason| Err(HttpError::Address { reason });
        let Ok(uri) = url.reveal().parse::<Uri>() else { return wrong("is not a URL") };
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return wrong("is not a URL with a host");
        };
        match uri.scheme_str() {
            Some("https") => Ok(Self { url: url.clone(), is_direct: false }),
            Some("http") if is_loopback(host) => Ok(Self { url: url.clone(), is_direct: true }),
            Some("http") => wrong("must begin with https:// (plain http only to this machine)"),
            _ => wrong("must begin with https://"),
        }
    }
}

/// Whether a host of a URL is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// Sends the JSON text; any 2xx is success.
pub fn post_json(address: &Address, json: &str, limits: &Limits) -> Result<(), HttpError> {
    let proxy = if address.is_direct { None } else { Proxy::try_from_env() };
    let agent = agent(limits, proxy);
    let request = Request {
        limits,
        is_answer: |_| false,
        pause: |pause| {
            std::thread::sleep(pause);
            true
        },
    };
    retrying(
        &request,
        || agent.post(address.url.reveal()).content_type("application/json; charset=utf-8").send(json),
        |_| Ok(()),
    )
}

/// Largest answer that is read, bytes.
const LARGEST: u64 = 64 << 20;

/// The question.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub method: Method,
    /// Below the URL of the target, with a slash at the beginning.
    pub path: &'a str,
    /// Further headers.
    pub headers: &'a [(&'static str, &'a str)],
    /// The body; empty = none.
    pub body: &'a [u8],
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status: a success, or one of those that were said to be answers.
    pub status: u16,
    pub body: Vec<u8>,
}

/// Asks; a status that `is_answer` knows is no error.
pub fn exchange(
    target: &Target,
    call: &Call<'_>,
    limits: &Limits,
    is_answer: impl Fn(u16) -> bool,
) -> Result<Answered, HttpError> {
    let agent = target.agent(limits);
    let request = Request {
        limits,
        is_answer: |status: StatusCode| is_answer(status.as_u16()),
        pause: |pause: Duration| {
            std::thread::sleep(pause);
            true
        },
    };
    let send = || {
        let mut request = http::Request::builder().method(call.method.clone()).uri(target.at(call.path));
        for (name, value) in target.headers() {
            request = request.header(name, value);
        }
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        if call.body.is_empty() {
            agent.run(request.body(()).map_err(ureq::Error::Http)?)
        } else {
            agent.run(request.body(call.body).map_err(ureq::Error::Http)?)
        }
    };
    retrying(&request, send, |mut answer| {
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec()?;
        Ok(Answered { status, body })
    })
}

/// Limits of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one try, from the look-up of the name to the last header of the answer.
    pub timeout: Duration,
    /// Tries in all, at least one.
    pub tries: u32,
    /// The pause before the second try, doubled before every further one; half of it is left to chance.
    pub pause: Duration,
    /// The longest pause that a server may require; one that requires more is given up on. [`Limits::pause`] is added
    /// to it, so that those whom it sent away do not all come back at the same moment.
    pub longest_retry_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            tries: 3,
            pause: Duration::from_millis(500),
            longest_retry_after: Duration::from_secs(30),
        }
    }
}

/// Why a request was not delivered. Never holds the address or a part of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HttpError {
    /// The address is not one that a request can go to.
    #[error("the address {reason}")]
    Address { reason: &'static str },
    /// No connection came about, or it broke before the answer.
    #[error("the connection failed: {reason}{}", after(*tries))]
    Connect {
        /// What the system said.
        reason: String,
        /// How often it was tried.
        tries: u32,
        /// Whether the request may have reached the server all the same.
        may_have_arrived: bool,
    },
    /// The request went out, and no answer came in time.
    #[error("no answer within {} s; the message may have been delivered", timeout.as_secs_f64())]
    Unanswered { timeout: Duration },
    /// The server refused.
    #[error("the server answered {status}{}", after(*tries))]
    Refused { status: u16, tries: u32 },
    /// The server sends us elsewhere.
    #[error("the server answered {status}, a redirect, and redirects are not followed")]
    Redirected { status: u16 },
    /// The server requires a longer pause than we are willing to make.
    #[error("the server answered {status} and requires a pause of {seconds} s")]
    Busy { status: u16, seconds: u64 },
    /// The answer is longer than it may be.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The most that is read, bytes.
        limit: u64,
    },
    /// The two do not understand each other: TLS, or an answer that is no HTTP.
    #[error("{reason}")]
    Protocol { reason: &'static str },
}

impl HttpError {
    /// The same, after so many tries in all.
    #[must_use]
    pub(crate) fn after_tries(self, all: u32) -> Self {
        match self {
            Self::Connect { reason, may_have_arrived, .. } => {
                Self::Connect { reason, tries: all, may_have_arrived }
            }
            Self::Refused { status, .. } => Self::Refused { status, tries: all },
            other => other,
        }
    }

    /// Whether it is certain that the request led to nothing: it never reached the server, or was refused.
    /// After a 5xx nobody knows.
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::Address { .. } => true,
            // The two that ask for the same request again, elsewhere.
            Self::Redirected { status } => matches!(status, 307 | 308),
            Self::Connect { may_have_arrived, .. } => !may_have_arrived,
            Self::Refused { status, .. } => (400..500).contains(status) && *status != 408,
            Self::Busy { status, .. } => *status == 429,
            Self::Unanswered { .. } | Self::TooLong { .. } | Self::Protocol { .. } => false,
        }
    }
}

fn after(tries: u32) -> String {
    if tries > 1 { format!(" ({tries} tries)") } else { String::new() }
}

/// A client that follows no redirects and keeps to the limits.
pub(crate) fn agent(limits: &Limits, proxy: Option<Proxy>) -> Agent {
    agent_trusting(None, limits, proxy)
}

/// Without `roots` it trusts the usual authorities.
fn agent_trusting(roots: Option<RootCerts>, limits: &Limits, proxy: Option<Proxy>) -> Agent {
    let tls = match roots {
        Some(roots) => TlsConfig::builder().root_certs(roots).build(),
        None => TlsConfig::default(),
    };
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(limits.timeout))
        .timeout_connect(Some(limits.timeout / 2))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(64 * 1024)
        .max_idle_connections(0)
        .proxy(proxy)
        .user_agent(concat!("soak/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// How a request is repeated.
pub(crate) struct Request<'a, A, P> {
    /// Limits of each try, and how often.
    pub(crate) limits: &'a Limits,
    /// Whether a status that is no success is an answer all the same.
    pub(crate) is_answer: A,
    /// Pauses between two tries; false when there is to be no further try.
    pub(crate) pause: P,
}

/// Sends until it is answered, or the tries are used up.
pub(crate) fn retrying<T>(
    request: &Request<'_, impl Fn(StatusCode) -> bool, impl Fn(Duration) -> bool>,
    send: impl Fn() -> Result<Response<Body>, ureq::Error>,
    read: impl Fn(Response<Body>) -> Result<T, ureq::Error>,
) -> Result<T, HttpError> {
    let limits = request.limits;
    let mut tried = 1;
    loop {
        match judge(send(), tried, limits, &request.is_answer, &read) {
            Outcome::Done(result) => return result,
            Outcome::Again(failed) if tried >= limits.tries => return Err(failed.error),
            Outcome::Again(failed) => {
                let pause = failed.pause.unwrap_or_default() + back_off(limits.pause, tried);
                if !(request.pause)(pause) {
                    return Err(failed.error);
                }
            }
        }
        tried += 1;
    }
}

/// What a try led to.
enum Outcome<T> {
    Done(Result<T, HttpError>),
    Again(Retry),
}

/// A try that failed, and may succeed later.
struct Retry {
    error: HttpError,
    /// The pause that the server required.
    pause: Option<Duration>,
}

fn judge<T>(
    answer: Result<Response<Body>, ureq::Error>,
    tries: u32,
    limits: &Limits,
    is_answer: impl Fn(StatusCode) -> bool,
    read: impl Fn(Response<Body>) -> Result<T, ureq::Error>,
) -> Outcome<T> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return judge_error(&error, tries, limits),
    };
    let code = answer.status();
    let status = code.as_u16();
    if code.is_success() || is_answer(code) {
        return match read(answer) {
            Ok(read) => Outcome::Done(Ok(read)),
            Err(error) => judge_error(&error, tries, limits),
        };
    }
    if code.is_redirection() {
        return Outcome::Done(Err(HttpError::Redirected { status }));
    }
    let error = HttpError::Refused { status, tries };
    if code != StatusCode::TOO_MANY_REQUESTS && !code.is_server_error() {
        return Outcome::Done(Err(error));
    }
    let pause = required_pause(answer);
    match pause {
        Some(pause) if pause > limits.longest_retry_after => {
            Outcome::Done(Err(HttpError::Busy { status, seconds: pause.as_secs() }))
        }
        _ => Outcome::Again(Retry { error, pause }),
    }
}

/// `ureq`'s own messages may contain the address, so only their kind is reported.
fn judge_error<T>(error: &ureq::Error, tries: u32, limits: &Limits) -> Outcome<T> {
    let failed = |reason: String, may_have_arrived: bool| {
        Outcome::Again(Retry { error: HttpError::Connect { reason, tries, may_have_arrived }, pause: None })
    };
    let again = |reason: String| failed(reason, false);
    let protocol = |reason| Outcome::Done(Err(HttpError::Protocol { reason }));
    match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => again("it takes too long".to_owned()),
        ureq::Error::Timeout(_) => Outcome::Done(Err(HttpError::Unanswered { timeout: limits.timeout })),
        ureq::Error::HostNotFound => again("the host is unknown".to_owned()),
        ureq::Error::ConnectionFailed => again("nobody was reached".to_owned()),
        ureq::Error::ConnectProxyFailed(_) => again("the proxy refused".to_owned()),
        ureq::Error::InvalidProxyUrl => protocol("the address of the proxy is not valid"),
        // TLS reports what it does not like about a certificate this way.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            protocol("the tls handshake failed")
        }
        ureq::Error::Io(error) if is_of_connecting(error.kind()) => again(error.kind().to_string()),
        ureq::Error::Io(error) => failed(error.kind().to_string(), true),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) | ureq::Error::TlsRequired => {
            protocol("the tls handshake failed")
        }
        ureq::Error::BodyExceedsLimit(limit) => Outcome::Done(Err(HttpError::TooLong { limit: *limit })),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => protocol("the address is not a URL"),
        _ => protocol("the server's answer is not valid http"),
    }
}

/// Whether an error can only come before there is a connection.
fn is_of_connecting(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(kind, ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable)
}

/// The most of a refusal's body that is read, bytes: the wish for a pause is one of a few short keys.
const LONGEST_BODY: u64 = 8 * 1024;

/// The pause that a refusal requires: `Retry-After` as seconds or as a date, else `parameters.retry_after` of a JSON
/// body, which is Telegram's way. `None` when it requires none, or in a way that is not understood.
pub(crate) fn required_pause(mut answer: Response<Body>) -> Option<Duration> {
    let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    if let Some(text) = header {
        return retry_after(text, machine_time());
    }
    let body = answer.body_mut().with_config().limit(LONGEST_BODY).read_to_vec().ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    body.pointer("/parameters/retry_after")?.as_u64().map(Duration::from_secs)
}

/// A `Retry-After`; a date that has passed is no pause.
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// The pause after the given try: doubled each time, between half and the whole of it.
pub(crate) fn back_off(pause: Duration, tried: u32) -> Duration {
    let whole = pause.saturating_mul(1 << (tried - 1).min(6));
    // The keys of std's hasher are random; this is chance enough for two jobs not to march in step.
    let chance = u32::try_from(RandomState::new().hash_one(tried) % 1024).unwrap_or_default();
    whole / 2 + whole / 2 * chance / 1024
}

/// How the server knows us.
#[derive(Clone, Debug)]
pub enum Auth {
    /// It need not.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic { user: String, password: Secret },
}

/// Headers that carry a secret, whatever is in them.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// Headers that say where a request ends and what it is; another value than the true one breaks every request.
const FRAMING_HEADERS: [&str; 7] =
    ["connection", "content-length", "content-type", "expect", "te", "transfer-encoding", "upgrade"];

/// Why a server cannot be queried.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    /// The URL is none that queries can go to.
    #[error("the URL of the server {reason}")]
    Url { reason: &'static str },
    /// A secret would be readable on the way.
    #[error("a token or password is not sent over plain http to another machine; use https")]
    PlainSecret,
    /// A header cannot be sent.
    #[error("the header `{name}` cannot be sent: {reason}")]
    Header { name: String, reason: &'static str },
    /// The file of certificates has none.
    #[error("the file of CA certificates {reason}")]
    Roots { reason: &'static str },
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
    /// The authorities that may have signed its certificate; `None` = the usual ones.
    roots: Option<RootCerts>,
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
        Ok(Self { url: url.to_owned(), is_direct: scheme == "http", headers: sent, roots: None })
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

    /// The same server, whose certificate one of these authorities (PEM) must have signed, and nobody else.
    pub fn with_roots(self, pem: &[u8]) -> Result<Self, TargetError> {
        let wrong = |reason| TargetError::Roots { reason };
        let items: Result<Vec<PemItem<'_>>, _> = parse_pem(pem).collect();
        let items = items.map_err(|_| wrong("is not valid PEM"))?;
        let certificate = |item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        };
        let roots: Vec<Certificate<'static>> = items.into_iter().filter_map(certificate).collect();
        if roots.is_empty() {
            return Err(wrong("holds no certificate"));
        }
        Ok(Self { roots: Some(RootCerts::new_with_certs(&roots)), ..self })
    }

    /// A client for it. Plain http goes past the proxy, which could read it.
    pub(crate) fn agent(&self, limits: &Limits) -> Agent {
        let proxy = if self.is_direct { None } else { Proxy::try_from_env() };
        agent_trusting(self.roots.clone(), limits, proxy)
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
mod unit_tests {
    use super::*;

    #[test]
    fn a_file_of_authorities_must_hold_a_certificate() {
        let roots = |pem: &str| {
            let target = Target::new("https://example.test", &Auth::None, &[])?;
            target.with_roots(pem.as_bytes()).map(|_| ())
        };
        let wrong = |reason| Err(TargetError::Roots { reason });
        assert_eq!(roots(""), wrong("holds no certificate"));
        assert_eq!(roots("hush"), wrong("holds no certificate"));
        assert_eq!(roots("-----BEGIN CERTIFICATE-----\nhush\n"), wrong("is not valid PEM"));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(roots(key), wrong("holds no certificate"));
        assert_eq!(roots("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), Ok(()));
    }

    #[test]
    fn a_pause_is_required_in_seconds_or_by_a_date() {
        let now = DateTime::from_timestamp(1_760_270_400, 0).unwrap_or_default(); // 2025-10-12T12:00:00Z
        let seconds = |text: &str| retry_after(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds(" 17 "), Some(17));
        assert_eq!(seconds("Sun, 12 Oct 2025 12:00:25 GMT"), Some(25));
        assert_eq!(seconds("Sun, 12 Oct 2025 11:59:00 GMT"), Some(0));
        for nothing in ["", "later", "-1", "1.5", "2025-10-12"] {
            assert_eq!(seconds(nothing), None, "{nothing:?}");
        }
    }
}

#[cfg(test)]
mod tests {

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
    fn a_server_that_fails_twice_is_queried_a_third_time() -> TestResult {
        let server = TestServer::start([500, 503, 200].map(Answer::status).to_vec())?;
        assert_eq!(post(&server, &QUICK), Ok(()));
        assert_eq!(server.requests().len(), 3);
        Ok(())
    }

    #[test]
    fn a_server_that_always_fails_is_queried_three_times_and_no_more() -> TestResult {
        let server = TestServer::start([500, 500, 502, 200].map(Answer::status).to_vec())?;
        let error = post(&server, &QUICK);
        assert_eq!(error, Err(HttpError::Refused { status: 502, tries: 3 }));
        assert_eq!(server.requests().len(), 3);
        Ok(())
    }

    #[test]
    fn a_busy_server_gets_the_pause_that_it_requires() -> TestResult {
        let server =
            TestServer::start(vec![Answer::with(429, &[("Retry-After", "1")]), Answer::status(200)])?;
        let started = Instant::now();
        assert_eq!(post(&server, &QUICK), Ok(()));
        assert!(started.elapsed() >= Duration::from_secs(1));
        assert_eq!(server.requests().len(), 2);
        Ok(())
    }

    #[test]
    fn a_server_that_requires_too_long_a_pause_is_given_up_on() -> TestResult {
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
            let server =
                TestServer::start(vec![Answer::with(status, &[("Location", &other.url("/stolen"))])])?;
            assert_eq!(post(&server, &QUICK), Err(HttpError::Redirected { status }));
            assert!(other.requests().is_empty());
        }
        Ok(())
    }

    #[test]
    fn a_server_that_never_answers_costs_one_time_limit_and_is_not_queried_again() -> TestResult {
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
        let address = Address {
            is_direct: true,
            ..Address::new(&Secret::new(&format!("https://127.0.0.1:{port}/hush")))?
        };
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
        let mut reported = Vec::new();
        for answer in [
            Answer::status(404),
            Answer::with(302, &[("Location", "https://example.test/hush")]),
            Answer::Text("HTTP/1.1 404 /hook/hush not found\r\nContent-Length: 4\r\n\r\nhush".to_owned()),
            Answer::Silence,
            Answer::with(429, &[("Retry-After", "99")]),
        ] {
            let server = TestServer::start(vec![answer])?;
            let limits = Limits { timeout: Duration::from_millis(300), tries: 1, ..QUICK };
            reported.extend(post(&server, &limits).err());
        }
        for url in ["hush", "http://hush.example.test/hush", "https://hush example.test/", "ftp://hush"] {
            reported.extend(Address::new(&Secret::new(url)).err());
        }
        assert_eq!(reported.len(), 9);
        for error in reported {
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
}

#[cfg(test)]
mod target_tests {
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
    fn a_url_that_nothing_can_be_queried_at_is_refused() {
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
    fn a_secret_goes_over_plain_http_only_to_this_machine() {
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
        for reported in [
            with(&[("a b", "hush")]),
            with(&[("X-A", "hu\nsh")]),
            with(&[("X-A", "hush"), ("x-a", "hush")]),
            with(&[("Authorization", "hush")]),
            with(&[("Content-Length", "3")]),
            with(&[("transfer-encoding", "hush")]),
        ] {
            assert!(reported.starts_with("the header `") && !reported.contains("hu"), "{reported}");
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
        let reported = format!("{:?}", target("https://prom", &token()));
        assert!(
            reported.contains("authorization") && !reported.contains("hush") && !reported.contains("Bearer"),
            "{reported}"
        );
    }
}
