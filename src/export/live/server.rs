//! The live view of a run over HTTP: the page at `/`, `/metrics`, `/api/iterations`, `/events`, `/healthz`.
//!
//! Shows what a [`Publisher`] reports and owns no logic; a run never waits for it. `/events` reports every change of
//! the run, with the iterations that the reader does not have yet: each event `run` holds the state of the run; `end`
//! is the last one, with the word of that state. A reader takes at its own pace: whoever is slow gets more
//! iterations at once, and holds nothing up.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::document::LiveDocument;
use super::{LiveRun, metrics, page};
use crate::core::iteration::manifest::RunState;
use crate::infra::clock;
use crate::infra::http_server::ListenAddress;
use crate::infra::http_server::{HttpThread, Listening, ServeError, as_json};
use crate::report::json::compact_ascii;

/// Readers of `/events` at the same time; the next one is refused.
pub const EVENT_READERS: usize = 64;

/// Iterations in one answer of `/api/iterations`.
const PAGE: usize = 2_000;

/// Iterations in one event.
const BATCH: usize = 500;

/// Between two events to a reader, so that a simulated run of thousands a second does not flood it.
const BREATH: Duration = Duration::from_millis(200);

/// A comment is sent when nothing else was for so long; well below the time after which proxies and the
/// server's own limit end a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Tells the server what to show.
#[derive(Clone, Debug)]
pub struct Publisher(Arc<watch::Sender<LiveRun>>);

impl Publisher {
    /// Changes what is shown; readers of events are notified at once.
    pub fn update(&self, change: impl FnOnce(&mut LiveRun)) {
        self.0.send_modify(change);
    }
}

/// What the routes share.
#[derive(Clone, Debug)]
struct Shared {
    run: watch::Receiver<LiveRun>,
    stop: watch::Receiver<bool>,
    event_readers: Arc<Semaphore>,
}

/// A server in a thread of its own. Stops when it is dropped, after it has sent its readers the last state.
#[derive(Debug)]
pub struct Server {
    publisher: Publisher,
    thread: HttpThread,
}

impl Server {
    /// Listens on `address` and shows `run` until it is stopped.
    pub fn start(address: ListenAddress, run: LiveRun) -> Result<Self, ServeError> {
        Self::show(Listening::at(address)?, run)
    }

    /// Shows `run` at an address that was taken before, until it is stopped.
    pub fn show(listening: Listening, run: LiveRun) -> Result<Self, ServeError> {
        let (run, shown) = watch::channel(run);
        let thread = listening.serve(|stop| {
            routes(Shared { run: shown, stop, event_readers: Arc::new(Semaphore::new(EVENT_READERS)) })
        })?;
        Ok(Self { publisher: Publisher(Arc::new(run)), thread })
    }

    /// Where it listens, with the port that was found for port 0.
    pub fn address(&self) -> SocketAddr {
        self.thread.address()
    }

    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Sends readers the last state and ends, within a second.
    pub fn stop(self) {
        drop(self);
    }
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/", get(run_page))
        .route("/metrics", get(run_metrics))
        .route("/api/iterations", get(iterations))
        .route("/events", get(event_stream))
        .route("/healthz", get(health))
        .fallback(unknown)
        .with_state(shared)
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

async fn run_page(State(shared): State<Shared>) -> Response {
    let html = page::page(&shared.run.borrow());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, page::content_security_policy()),
    ];
    (headers, html).into_response()
}

async fn run_metrics(State(shared): State<Shared>) -> Response {
    let text = metrics::metrics(&shared.run.borrow(), clock::machine_time());
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
    Ok(stream(shared, since, place).into_response())
}

/// Whether the run continues as it should, or has ended; 503 when it showed no activity for too long.
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

/// The events of one reader.
struct Events {
    events: mpsc::Receiver<Event>,
    _place: OwnedSemaphorePermit,
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Events from the iteration after `since` on.
fn stream(
    shared: Shared,
    since: u64,
    place: OwnedSemaphorePermit,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, events) = mpsc::channel(1);
    tokio::spawn(send_changes(shared, since, sender));
    Sse::new(Events { events, _place: place }).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

async fn send_changes(mut shared: Shared, mut since: u64, reader: mpsc::Sender<Event>) {
    let mut epoch = shared.run.borrow().epoch;
    loop {
        let is_last = *shared.stop.borrow();
        let document = {
            let run = shared.run.borrow_and_update();
            if run.epoch != epoch {
                (epoch, since) = (run.epoch, 0);
            }
            LiveDocument::of(&run, since, BATCH)
        };
        let has_more = document.next_since.is_some();
        // A reader that is ahead has seen another run at this address, and starts anew.
        since = document.iterations.last().map_or(since.min(document.run.last), |last| last.iteration);
        let event =
            Event::default().event("run").id(since.to_string()).data(compact_ascii(&document).trim_end());
        if reader.send(event).await.is_err() {
            return;
        }
        if is_last && !has_more {
            let end = Event::default().event("end").data(document.run.facts.state_word());
            // The reader may be gone; there is nothing more to send anyway.
            drop(reader.send(end).await);
            return;
        }
        if has_more {
            continue;
        }
        tokio::select! {
            () = sleep(BREATH) => {}
            _ = shared.stop.wait_for(|stop| *stop) => {}
            () = reader.closed() => return,
        }
        tokio::select! {
            _ = shared.run.changed() => {}
            _ = shared.stop.wait_for(|stop| *stop) => {}
            () = reader.closed() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_iteration_that_a_reader_has_is_a_number_or_not_reported() {
        let read = |text: &str| text.parse().ok().and_then(|uri| since(&uri).ok());
        assert_eq!(read("/api/iterations"), Some(0));
        assert_eq!(read("/api/iterations?a=b"), Some(0));
        assert_eq!(read("/api/iterations?a=b&since=12"), Some(12));
        for bad in ["since=", "since=-1", "since=x", "since=1.5", "since=99999999999999999999999"] {
            assert_eq!(read(&format!("/api/iterations?{bad}")), None, "{bad}");
        }
    }
}
