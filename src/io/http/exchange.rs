//! One request with any body to a [`Target`], repeated as far as it may be, and the answer with its body.
//!
//! Must not know what is asked. Every request that is sent this way can be repeated without harm.

use std::time::Duration;

use ureq::Proxy;
use ureq::http::{self, StatusCode};

use super::client::{HttpError, Limits, Request, agent, retrying};
use super::target::Target;

pub use ureq::http::Method;

/// Largest answer that is read, bytes.
const LARGEST: u64 = 64 << 20;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The method.
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
    /// The body.
    pub body: Vec<u8>,
}

/// Asks; a status that `is_answer` knows is no error.
pub fn exchange(
    target: &Target,
    call: &Call<'_>,
    limits: &Limits,
    is_answer: impl Fn(u16) -> bool,
) -> Result<Answered, HttpError> {
    let proxy = if target.is_direct() { None } else { Proxy::try_from_env() };
    let agent = agent(limits, proxy);
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
