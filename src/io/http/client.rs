//! What all requests share: how the client is set up, what is tried again, and errors that keep the address.
//!
//! Must not know what is sent or what an answer means.

use std::io;
use std::time::Duration;

use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, Proxy, Timeout};

use super::pause::{asked_for, back_off};

/// Limits of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one try, from the look-up of the name to the last header of the answer.
    pub timeout: Duration,
    /// Tries in all, at least one.
    pub tries: u32,
    /// The pause before the second try, doubled before every further one; half of it is left to chance.
    pub pause: Duration,
    /// The longest pause that a server may ask for; one that wants more is given up on. [`Limits::pause`] is added
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
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
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
    Unanswered {
        /// The time limit of a try.
        timeout: Duration,
    },
    /// The server refused.
    #[error("the server answered {status}{}", after(*tries))]
    Refused {
        /// HTTP status.
        status: u16,
        /// How often it was tried.
        tries: u32,
    },
    /// The server sends us elsewhere.
    #[error("the server answered {status}, a redirect, and redirects are not followed")]
    Redirected {
        /// HTTP status.
        status: u16,
    },
    /// The server wants a longer pause than we are willing to make.
    #[error("the server answered {status} and wants a pause of {seconds} s")]
    Busy {
        /// HTTP status.
        status: u16,
        /// The pause that it asks for.
        seconds: u64,
    },
    /// The answer is longer than it may be.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The most that is read, bytes.
        limit: u64,
    },
    /// The two do not understand each other: TLS, or an answer that is no HTTP.
    #[error("{reason}")]
    Protocol {
        /// What went wrong.
        reason: &'static str,
    },
}

impl HttpError {
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
    Agent::config_builder()
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
    /// The pause that the server asked for.
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
    let pause = asked_for(answer);
    match pause {
        Some(pause) if pause > limits.longest_retry_after => {
            Outcome::Done(Err(HttpError::Busy { status, seconds: pause.as_secs() }))
        }
        _ => Outcome::Again(Retry { error, pause }),
    }
}

/// `ureq`'s own messages may hold the address, so only their kind is told.
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

/// Whether an error can only come before a connection stands.
fn is_of_connecting(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(kind, ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable)
}
