//! What is answered under which path, and the headers of every answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::{Shared, events};
use crate::core::evidence::RunState;
use crate::io::clock;
use crate::render::json::compact_ascii;
use crate::render::{live_html, live_prom};
use crate::wire::live::LiveDocument;

/// Iterations in one answer of `/api/iterations`.
const PAGE: usize = 2_000;

/// All routes.
pub(super) fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/api/iterations", get(iterations))
        .route("/events", get(event_stream))
        .route("/healthz", get(health))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(shared.only_local_names, guarded))
        .with_state(shared)
}

/// Refuses names of other hosts, and puts the headers on every answer that keep a browser careful.
pub(super) async fn guarded(State(only_local_names): State<bool>, request: Request, next: Next) -> Response {
    let allowed = !only_local_names || is_local(request.headers(), request.uri());
    let mut response = if allowed {
        next.run(request).await
    } else {
        let text = "this address is served to this machine alone: use 127.0.0.1 or localhost\n";
        (StatusCode::FORBIDDEN, text).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'"));
    response
}

/// Whether the request names this machine. A page from elsewhere whose name was made to lead here (DNS
/// rebinding) names its own host.
pub(super) fn is_local(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    is_local_name(host) && uri.authority().is_none_or(|authority| is_local_name(authority.as_str()))
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if is_port(port) => address,
            _ => return false,
        },
        None => match host.find(':') {
            Some(at) if is_port(&host[at..]) => &host[..at],
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Empty, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A status and what it is about.
type Refused = (StatusCode, &'static str);

/// The number of the iteration that a reader has: `since=N`; 0 without it.
fn since(uri: &Uri) -> Result<u64, Refused> {
    let found = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("since="));
    let Some(text) = found else { return Ok(0) };
    text.parse()
        .map_err(|_| (StatusCode::BAD_REQUEST, "`since` is the number of an iteration, as in `?since=12`\n"))
}

pub(super) fn as_json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn page(State(shared): State<Shared>) -> Response {
    let html = live_html::page(&shared.run.borrow());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, live_html::content_security_policy()),
    ];
    (headers, html).into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let text = live_prom::metrics(&shared.run.borrow(), clock::machine_time());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn iterations(State(shared): State<Shared>, uri: Uri) -> Result<Response, Refused> {
    let since = since(&uri)?;
    let document = LiveDocument::of(&shared.run.borrow(), since, PAGE);
    Ok(as_json(compact_ascii(&document)))
}

async fn event_stream(
    State(shared): State<Shared>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refused> {
    // A browser that lost its connection says where it was.
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let since = resumed.map_or_else(|| since(&uri), Ok)?;
    let Ok(place) = Arc::clone(&shared.event_readers).try_acquire_owned() else {
        let text = "there are too many readers of events; come back later, or ask `/api/iterations`\n";
        return Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], text).into_response());
    };
    Ok(events::stream(shared, since, place).into_response())
}

/// Whether the run goes on as it should, or has ended; 503 when it was not heard of for too long.
async fn health(State(shared): State<Shared>) -> Response {
    let run = shared.run.borrow();
    let Some(silent) = run.silent_seconds(clock::machine_time()) else {
        // A folder may be followed before there is a run in it: then the server is well, and nothing is said of a run.
        let status = if run.last().is_some() || run.facts.folder.is_none() { "ok" } else { "waiting" };
        let state = run.facts.state.map_or("unknown", RunState::word);
        return as_json(compact_ascii(&json!({ "status": status, "run": state })));
    };
    let reason = format!(
        "no iteration for {silent:.0} s, at an interval of {} s: the run may hang",
        run.facts.interval_seconds.unwrap_or_default()
    );
    let body = as_json(compact_ascii(&json!({ "status": "silent", "reason": reason })));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

async fn unknown() -> Response {
    let text = "there is nothing here; there are /, /metrics, /api/iterations, /events and /healthz\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known_with_and_without_a_port() {
        for host in
            ["localhost", "LocalHost:9090", "127.0.0.1", "127.0.0.1:1", "127.9.9.9:80", "[::1]", "[::1]:9090"]
        {
            assert!(is_local_name(host), "{host}");
        }
    }

    #[test]
    fn other_names_are_refused_however_much_they_look_alike() {
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org:9090",
            "example.org:127.0.0.1",
            "127.0.0.1:9090@example.org",
            "192.168.0.1",
            "0.0.0.0",
            "[::2]:1",
            "[::1]x",
            "::1",
            "localhost:x",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }

    #[test]
    fn the_iteration_that_a_reader_has_is_a_number_or_not_told() {
        let read = |text: &str| text.parse().ok().and_then(|uri| since(&uri).ok());
        assert_eq!(read("/api/iterations"), Some(0));
        assert_eq!(read("/api/iterations?a=b"), Some(0));
        assert_eq!(read("/api/iterations?a=b&since=12"), Some(12));
        for bad in ["since=", "since=-1", "since=x", "since=1.5", "since=99999999999999999999999"] {
            assert_eq!(read(&format!("/api/iterations?{bad}")), None, "{bad}");
        }
    }
}
