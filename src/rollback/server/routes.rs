//! What is answered under which path. Each error is JSON with an `error`; a 5xx says that nothing irreversible was
//! done, so that Alertmanager sends it again.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::metrics::{Http, metrics as metrics_text};
use crate::infra::hex::hex;
use crate::infra::http_server::is_local;
use crate::infra::secret::Secret;
use crate::report::json::compact_ascii;
use crate::rollback::alert::{self, Hook, HookError};
use crate::rollback::answer::{ErrorAnswer, HookAnswer, OperationAnswer, StatusAnswer};
use crate::rollback::coordinator::{Handle, Running, Shared as Coordinated};
use crate::rollback::event::{OperationKind, Outcome};
use crate::rollback::executor::Refusal;

/// The longest body.
const LARGEST: usize = 1 << 20;
/// A body must have come whole in this time.
const BODY_TIME: Duration = Duration::from_secs(10);
/// All bodies together may hold so many pieces. A slow client holds what it has sent, not what it announced, so that
/// it keeps nobody from being read.
const PIECES: usize = 4096;
/// Bytes of a piece.
const PIECE: usize = 16 * 1024;
/// Deliveries that are taken apart and decided about at the same time have at most so many KiB; the others wait. What is
/// made of a body can take fifty times its length.
const ROOM: usize = 1536;
/// A longer body, and the answer to it, are worked on beside the event loop, so that nobody waits for that.
const LONG: usize = 32 * 1024;
/// So long is waited for results, before the answer says that it continues. Alertmanager waits longer.
const RESULTS: Duration = Duration::from_secs(8);
/// So long may the engine take; a disk that hangs must not hold connections for ever.
const DECISION: Duration = Duration::from_secs(30);

/// The header of a signature: `sha256=` and the HMAC-SHA-256 of the body, in hexadecimal digits.
const SIGNATURE: &str = "x-soak-signature";

/// What a sender must know: a bearer token, or a signature over the body. Compared in constant time, never shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// The token of `Authorization: Bearer`. `None` = there is none.
    pub token: Option<Secret>,
    /// The key of signatures. `None` = there is none.
    pub hmac_key: Option<Secret>,
}

impl Access {
    /// Whether nothing must be known.
    pub(crate) fn is_open(&self) -> bool {
        self.token.is_none() && self.hmac_key.is_none()
    }

    /// Whether the token was given. False where there is none.
    fn has_token(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(token), Some(value), None) = (&self.token, values.next(), values.next()) else {
            return false;
        };
        let value = value.as_bytes();
        let is_bearer = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
        // Digests are of one length, so that not even the length of the token can be measured.
        let digest = |bytes: &[u8]| Sha256::digest(bytes);
        let given = digest(value.get(7..).unwrap_or_default().trim_ascii());
        let is_same: bool = given.ct_eq(&digest(token.reveal().as_bytes())).into();
        is_bearer && is_same
    }

    /// Whether the body is signed. False where there is no key.
    fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let (Some(key), Some(given)) = (&self.hmac_key, headers.get(SIGNATURE)) else { return false };
        let Some(given) = given.as_bytes().strip_prefix(b"sha256=") else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()) else { return false };
        mac.update(body);
        let signature = hex(&mac.finalize().into_bytes());
        signature.as_bytes().ct_eq(&given.to_ascii_lowercase()).into()
    }
}

/// What the routes share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) handle: Handle,
    pub(super) coordinated: Arc<Coordinated>,
    pub(super) access: Access,
    pub(super) is_loopback: bool,
    pieces: Arc<Semaphore>,
    room: Arc<Semaphore>,
    pub(super) http: Arc<Mutex<Http>>,
}

impl Shared {
    pub(super) fn new(
        handle: Handle,
        coordinated: Arc<Coordinated>,
        access: Access,
        is_loopback: bool,
        http: Arc<Mutex<Http>>,
    ) -> Self {
        let (pieces, room) = (Arc::new(Semaphore::new(PIECES)), Arc::new(Semaphore::new(ROOM)));
        Self { handle, coordinated, access, is_loopback, pieces, room, http }
    }

    fn http<T>(&self, look: impl FnOnce(&mut Http) -> T) -> T {
        look(&mut self.http.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) fn routes(shared: Shared) -> Router {
    let only = |method: &'static str| move || async move { wrong_method(method) };
    Router::new()
        .route("/alert-hook", axum::routing::post(alert_hook).fallback(only("POST")))
        .route("/health", get(health).fallback(only("GET, HEAD")))
        .route("/metrics", get(metrics).fallback(only("GET, HEAD")))
        .route("/status", get(status).fallback(only("GET, HEAD")))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(shared.clone(), guarded))
        .with_state(shared)
}

/// Refuses what pages of a browser send, and counts.
async fn guarded(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let is_hook = request.uri().path() == "/alert-hook";
    let is_foreign = shared.is_loopback && !is_local(request.headers(), request.uri());
    // Where there are a length and chunks hyper takes the length out and reads chunks, as RFC 9112 lets it; a proxy that
    // counted otherwise must not get a second request in behind them.
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = if let Some(response) = check_head(&request) {
        response
    } else if is_foreign {
        let text = "this address is served only to this machine: use 127.0.0.1 or localhost as the host";
        refusal(StatusCode::FORBIDDEN, text)
    } else if is_hook && request.headers().contains_key(header::ORIGIN) {
        refusal(StatusCode::FORBIDDEN, "web pages may not send alerts")
    } else {
        next.run(request).await
    };
    if is_hook {
        shared.http(|http| *http.hooks.entry(response.status().as_u16()).or_default() += 1);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_chunked {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What RFC 9112 and 9110 ask of a head, as far as hyper leaves it to whoever answers.
fn check_head(request: &Request) -> Option<Response> {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some(refusal(
            StatusCode::BAD_REQUEST,
            "a request has one `Host` header, no more and no less",
        ));
    }
    if headers
        .get_all(header::EXPECT)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        return Some(refusal(StatusCode::EXPECTATION_FAILED, "only `Expect: 100-continue` is known"));
    }
    None
}

fn as_json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], compact_ascii(value)).into_response()
}

fn refusal(status: StatusCode, error: impl Into<String>) -> Response {
    as_json(status, &ErrorAnswer { error: error.into() })
}

fn wrong_method(allowed: &'static str) -> Response {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, format!("this path answers only {allowed}"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn unknown() -> Response {
    refusal(StatusCode::NOT_FOUND, "there are POST /alert-hook, and GET /health, /metrics and /status")
}

async fn health(State(shared): State<Shared>) -> Response {
    let mode = shared.coordinated.mode.word();
    match shared.coordinated.counters().log_problem {
        None => as_json(StatusCode::OK, &json!({ "status": "healthy", "mode": mode })),
        Some(problem) => {
            let answer = json!({ "status": "unhealthy", "mode": mode, "problem": problem });
            as_json(StatusCode::SERVICE_UNAVAILABLE, &answer)
        }
    }
}

fn unauthorized() -> Response {
    let mut response =
        refusal(StatusCode::UNAUTHORIZED, "the bearer token or the signature is missing or wrong");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Whether a question about the state is answered: on this machine to everybody, else with the token.
fn may_look(shared: &Shared, headers: &HeaderMap) -> bool {
    shared.is_loopback || shared.access.has_token(headers)
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if !may_look(&shared, &headers) {
        return unauthorized();
    }
    let Ok(Ok(status)) = timeout(DECISION, shared.handle.status()).await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the engine does not answer");
    };
    let http = shared.http(|http| http.clone());
    let text = metrics_text(&status, &http, &shared.coordinated.counters());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn status(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if !may_look(&shared, &headers) {
        return unauthorized();
    }
    match timeout(DECISION, shared.handle.status()).await {
        Ok(Ok(status)) => {
            let policy_problem = shared.http(|http| http.policy_problem.clone());
            as_json(StatusCode::OK, &StatusAnswer { policy_problem, ..status.answer })
        }
        _ => refusal(StatusCode::SERVICE_UNAVAILABLE, "the engine does not answer"),
    }
}

async fn alert_hook(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let headers = head.headers;
    let has_token = shared.access.has_token(&headers);
    // Before the body: whoever has nothing to show for it does not get memory either.
    if !shared.access.is_open() && !has_token && shared.access.hmac_key.is_none() {
        return unauthorized();
    }
    if head.uri.query().is_some() {
        return refusal(StatusCode::BAD_REQUEST, "`/alert-hook` takes no query");
    }
    if let Some(response) = check_content(&headers) {
        return response;
    }
    let (body, pieces) = match read(&shared, body).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    if !shared.access.is_open() && !has_token && !shared.access.is_signed(&headers, &body) {
        return unauthorized();
    }
    let Some(room) = room(&shared, &body).await else {
        return busy("too many deliveries are being decided about; come back later");
    };
    let is_long = body.len() > LONG;
    let hook = match aside(is_long, move || alert::read(&body)).await {
        None => return refusal(StatusCode::INTERNAL_SERVER_ERROR, "the body cannot be read"),
        Some(Ok(hook)) => hook,
        Some(Err(error @ HookError { key: None, .. })) => {
            return refusal(StatusCode::BAD_REQUEST, error.to_string());
        }
        Some(Err(error)) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
    };
    drop(pieces);
    decide(&shared, hook, room, is_long).await
}

/// The room that a delivery takes up, once it is free. `None` = it takes too long.
async fn room(shared: &Shared, body: &[u8]) -> Option<OwnedSemaphorePermit> {
    let kilobytes = u32::try_from(body.len() / 1024 + 1).ok()?;
    timeout(DECISION, Arc::clone(&shared.room).acquire_many_owned(kilobytes)).await.ok()?.ok()
}

/// Does what may take long beside the event loop. `None` = it panicked, and has said so itself.
async fn aside<T: Send + 'static>(is_long: bool, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if is_long { tokio::task::spawn_blocking(work).await.ok() } else { Some(work()) }
}

fn check_content(headers: &HeaderMap) -> Option<Response> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (types.next().map(HeaderValue::to_str), types.next()) {
        (Some(Ok(value)), None) => {
            let mut parts = value.split(';').map(str::trim);
            parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
                && parts.all(|part| {
                    part.is_empty()
                        || part.eq_ignore_ascii_case("charset=utf-8")
                        || part.eq_ignore_ascii_case("charset=\"utf-8\"")
                })
        }
        _ => false,
    };
    if !is_json {
        return Some(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type must be `application/json`, in UTF-8",
        ));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Some(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed"));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|text| text.parse::<u64>().ok()).is_some_and(|length| length > LARGEST as u64) {
        return Some(too_large());
    }
    None
}

fn too_large() -> Response {
    refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {LARGEST} bytes"))
}

/// A body, and the pieces that it holds.
type Held = (Vec<u8>, Vec<OwnedSemaphorePermit>);

async fn read(shared: &Shared, body: Body) -> Result<Held, Response> {
    let Ok(read) = timeout(BODY_TIME, collect(shared, body)).await else {
        let text = format!("the body did not arrive within {} s", BODY_TIME.as_secs());
        return Err(refusal(StatusCode::REQUEST_TIMEOUT, text));
    };
    read
}

async fn collect(shared: &Shared, body: Body) -> Result<Held, Response> {
    let mut stream = body.into_data_stream();
    let (mut read, mut held) = (Vec::new(), Vec::new());
    while let Some(more) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        let more = more.map_err(|_| refusal(StatusCode::BAD_REQUEST, "the body is incomplete"))?;
        if read.len() + more.len() > LARGEST {
            return Err(too_large());
        }
        while held.len() * PIECE < read.len() + more.len() {
            let Ok(piece) = Arc::clone(&shared.pieces).try_acquire_owned() else {
                return Err(busy("too many bodies are being read; come back later"));
            };
            held.push(piece);
        }
        read.extend_from_slice(&more);
    }
    Ok((read, held))
}

fn busy(error: impl Into<String>) -> Response {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

async fn decide(shared: &Shared, hook: Hook, room: OwnedSemaphorePermit, is_long: bool) -> Response {
    let (processed, truncated) = (hook.alerts.len(), hook.truncated);
    if truncated > 0 {
        tracing::warn!(truncated, "alerts were cut off by Alertmanager's `max_alerts` and not judged");
    }
    let reply = match timeout(DECISION, shared.handle.hook(hook, room)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(Refusal::Log(problem))) => {
            return busy(format!("the audit log cannot be written, so nothing was decided: {problem}"));
        }
        Ok(Err(refusal)) => return busy(refusal.to_string()),
        // It may yet be decided; sent again, it is a repetition.
        Err(_) => return refusal(StatusCode::SERVICE_UNAVAILABLE, "the decision takes too long"),
    };
    let mut undertakings = Vec::new();
    for running in reply.running {
        undertakings.push(follow(running).await);
    }
    let status = if is_to_be_sent_again(&undertakings) { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
    let answer = HookAnswer {
        mode: shared.coordinated.mode,
        processed,
        truncated,
        responses: reply.responses,
        undertakings,
    };
    let answered = aside(is_long, move || as_json(status, &answer)).await;
    answered.unwrap_or_else(|| refusal(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"))
}

/// Whether Alertmanager is to send it again: something did nothing, and nothing irreversible was done. That people were
/// notified is not irreversible, and a repetition does not notify them again.
fn is_to_be_sent_again(operations: &[OperationAnswer]) -> bool {
    let did_nothing = |operation: &OperationAnswer| {
        matches!(operation.outcome, Some(Outcome::NothingDone | Outcome::Interrupted))
    };
    operations.iter().any(did_nothing)
        && operations
            .iter()
            .all(|operation| did_nothing(operation) || operation.kind == OperationKind::Notification)
}

/// Waits a while for the results of an operation.
async fn follow(mut running: Running) -> OperationAnswer {
    // An error means that whoever carried it out is gone; what it said last is answered.
    let _ = timeout(RESULTS, running.wait_for(|answer| answer.outcome.is_some())).await;
    running.borrow().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(name, value.parse().expect("a header"));
        headers
    }

    #[test]
    fn only_the_whole_token_opens() {
        let access = Access { token: Some(Secret::new("hush")), hmac_key: None };
        for good in ["Bearer hush", "bearer hush", "BEARER  hush"] {
            assert!(access.has_token(&headers("authorization", good)), "{good}");
        }
        for bad in ["Bearer hus", "Bearer hushh", "Bearer", "hush", "Basic hush", "Bearer HUSH", "Bearer "] {
            assert!(!access.has_token(&headers("authorization", bad)), "{bad}");
        }
        assert!(!access.has_token(&HeaderMap::new()));
        let mut twice = headers("authorization", "Bearer hush");
        twice.append("authorization", "Bearer hush".parse().expect("a header"));
        assert!(!access.has_token(&twice));
        assert!(!Access::default().has_token(&headers("authorization", "Bearer ")));
    }

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        // RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
        let access = Access { token: None, hmac_key: Some(Secret::new("Jefe")) };
        let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        assert!(access.is_signed(&headers(SIGNATURE, &format!("sha256={digits}")), body));
        assert!(access.is_signed(&headers(SIGNATURE, &format!("sha256={}", digits.to_uppercase())), body));
        for bad in [
            digits.to_owned(),
            format!("sha256={}", &digits[..62]),
            format!("sha256={}", &digits[..63]),
            format!("sha256={}", digits.replace('5', "6")),
            "sha256=".to_owned(),
            "sha256=zz".to_owned(),
        ] {
            assert!(!access.is_signed(&headers(SIGNATURE, &bad), body), "{bad}");
        }
        assert!(!access.is_signed(&headers(SIGNATURE, &format!("sha256={digits}")), b"other"));
    }
}
