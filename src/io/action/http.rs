//! An action as a request. Every try carries the same `Idempotency-Key`, so that a server that knows it does
//! twice nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use ureq::Proxy;
use ureq::http::{self, HeaderName, HeaderValue as Sent, Uri};

use super::{Tried, reveal};
use crate::core::rollback::executor::{Filling, HeaderValue, Method};
use crate::core::rollback::template::{fill_body, fill_text};
use crate::io::environment::Environment;
use crate::io::http::{HttpError, Limits, Request, agent, is_loopback, retrying};

/// A request of the policy.
pub(super) struct Prepared<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: &'a BTreeMap<String, HeaderValue>,
    pub(super) body: Option<&'a Value>,
}

/// One try.
pub(super) fn send(
    prepared: &Prepared<'_>,
    timeout: Duration,
    filling: &Filling<'_>,
    environment: &Environment,
) -> Tried {
    let request = match build(prepared, filling, environment) {
        Ok(request) => request,
        Err(problem) => return Tried::refused(problem),
    };
    // The pause that the server asks for is heard here and made by whoever tries again. One that is longer than a try may
    // take is not made: the actions behind this one wait, too.
    let limits = Limits { timeout, tries: 2, pause: Duration::ZERO, longest_retry_after: timeout };
    let asked_for = Cell::new(Duration::ZERO);
    let is_direct = request.uri().scheme_str() == Some("http");
    let agent = agent(&limits, if is_direct { None } else { Proxy::try_from_env() });
    let pause = |pause| {
        asked_for.set(pause);
        false
    };
    let once = Request { limits: &limits, is_answer: |_| false, pause };
    let sent = retrying(&once, || agent.run(request.clone()), |answer| Ok(answer.status().as_u16()));
    match sent {
        Ok(status) => Tried::done(format!("the server answered {status}")),
        Err(error) => {
            let may_pass = match &error {
                HttpError::Connect { .. } | HttpError::Unanswered { .. } => true,
                HttpError::Refused { status, .. } => *status == 429 || *status >= 500,
                _ => false,
            };
            Tried::failed(error.to_string(), error.is_without_effect(), may_pass).not_before(asked_for.get())
        }
    }
}

fn build(
    prepared: &Prepared<'_>,
    filling: &Filling<'_>,
    environment: &Environment,
) -> Result<http::Request<String>, String> {
    let uri: Uri = prepared.url.parse().map_err(|_| format!("`{}` is not a URL", prepared.url))?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host().filter(|host| !host.is_empty())) else {
        return Err(format!("`{}` does not begin with http:// or https:// and a host", prepared.url));
    };
    let has_secret = prepared.headers.values().any(|value| matches!(value, HeaderValue::Secret { .. }));
    match scheme {
        "https" => {}
        "http" if is_loopback(host) || !has_secret => {}
        "http" => return Err("a secret is not sent over plain http to another machine; use https".to_owned()),
        _ => return Err(format!("`{}` does not begin with http:// or https://", prepared.url)),
    }
    let mut request = http::Request::builder().method(prepared.method.word()).uri(uri);
    for (name, value) in prepared.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header"))?;
        request = request.header(header, header_value(name, value, filling, environment)?);
    }
    if !prepared.headers.keys().any(|name| name.eq_ignore_ascii_case("idempotency-key")) {
        request = request.header("idempotency-key", filling.idempotency_key);
    }
    let body = prepared.body.map(|body| fill_body(body, &|name| filling.value(name)).to_string());
    if body.is_some() && !prepared.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        request = request.header("content-type", "application/json");
    }
    request.body(body.unwrap_or_default()).map_err(|error| format!("the request cannot be made: {error}"))
}

fn header_value(
    name: &str,
    value: &HeaderValue,
    filling: &Filling<'_>,
    environment: &Environment,
) -> Result<Sent, String> {
    let wrong = || format!("the header `{name}` would hold characters that no header may have");
    match value {
        HeaderValue::Text(text) => {
            Sent::from_str(&fill_text(text, &|name| filling.value(name))).map_err(|_| wrong())
        }
        HeaderValue::Secret { prefix, source } => {
            let secret = reveal(source, environment).map_err(|error| error.to_string())?;
            let mut sent = Sent::from_str(&format!("{prefix}{}", secret.reveal())).map_err(|_| wrong())?;
            sent.set_sensitive(true);
            Ok(sent)
        }
    }
}
