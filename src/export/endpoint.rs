//! The metrics of a folder over HTTP: `/metrics` in the form that the client accepts, `/healthz`.
//!
//! The folder is read on request; one request at a time, away from the event loop.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::export::exporter::Exporter;
use crate::infra::http_server::{HttpThread, Listening, ServeError, as_json};
use crate::report::exposition::Form;
use crate::report::json::compact_ascii;

/// Who knows the metrics.
type Shared = Arc<Mutex<Exporter>>;

/// An endpoint in a thread of its own. Stops when it is dropped.
#[derive(Debug)]
pub struct Endpoint(HttpThread);

impl Endpoint {
    /// Answers at an address that was taken before, until it is stopped.
    pub fn start(listening: Listening, exporter: Exporter) -> Result<Self, ServeError> {
        listening.serve(|_| routes(exporter)).map(Self)
    }

    /// Where it listens, with the port that was found for port 0.
    pub fn address(&self) -> std::net::SocketAddr {
        self.0.address()
    }
}

fn routes(exporter: Exporter) -> Router {
    let shared: Shared = Arc::new(Mutex::new(exporter));
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .fallback(unknown)
        .with_state(shared)
}

/// Asks the exporter; the error is an answer already.
async fn ask<T: Send + 'static>(
    shared: Shared,
    question: impl FnOnce(&mut Exporter) -> Result<T, String> + Send + 'static,
) -> Result<T, Response> {
    // A scrape that panicked leaves nothing half done that the next look does not make anew.
    let answer = spawn_blocking(move || question(&mut shared.lock().unwrap_or_else(PoisonError::into_inner)));
    let unavailable =
        |reason: String| (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response();
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(reason)) => Err(unavailable(reason)),
        Err(_) => Err(unavailable("the folder could not be looked at".to_owned())),
    }
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, Response> {
    let accept: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let form = Form::accepted(&accept.join(","));
    let text = ask(shared, move |exporter| exporter.expose(form)).await?;
    Ok(([(header::CONTENT_TYPE, form.content_type()), (header::VARY, "accept")], text).into_response())
}

/// Whether the folder can be read. Its content does not matter here: the metrics report it.
async fn health(State(shared): State<Shared>) -> Result<Response, Response> {
    ask(shared, Exporter::look).await?;
    Ok(as_json(compact_ascii(&json!({ "status": "ok" }))))
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here; there are /metrics and /healthz\n").into_response()
}
