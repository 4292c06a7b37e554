//! Sending JSON to a webhook: one POST with a time limit, a few retries, and errors that keep its address.
//!
//! An address is a secret here, because webhooks carry their token in it: no error, no debug output and no
//! redirect tells it. Must not know what a message means.
//!
//! - `https` to anywhere; plain `http` to this machine only (a relay, a test), because anything else would show
//!   the token on the way. The proxy of the environment is used for `https` alone.
//! - Redirects are not followed: they would carry the message to somebody else.
//! - Retried are: connections that fail or break, 429 and 5xx; a message that arrives twice is better than none.
//!   Not retried is a request that was sent and not answered in time: it has probably arrived, and three time
//!   limits in a row would hold up the job that sends it.
//! - The body of an answer is not read, but for the first 8 KiB of a refusal that may ask for a pause in it; the
//!   headers are limited to 64 KiB.

mod client;

mod exchange;
mod pause;
mod target;

use std::net::{Ipv4Addr, Ipv6Addr};

use ureq::Proxy;
use ureq::http::Uri;

pub use client::{HttpError, Limits};
pub(crate) use client::{Request, agent, retrying};
pub use exchange::{Answered, Call, Method, exchange};
pub(crate) use pause::back_off;
pub use target::{Auth, Target, TargetError};

use crate::core::secret::Secret;

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

#[cfg(test)]
mod tests;
