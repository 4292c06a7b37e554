//! The alert hook over HTTP: takes alerts, reports the state. Owns no rule; the coordinator decides.
//!
//! Connections, headers, bodies and their times are bounded, so that no client can keep others from being answered.

mod metrics;
mod refusals;
mod routes;
mod tls;

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

pub use metrics::every_family;
pub(crate) use routes::Access;
pub(crate) use tls::acceptor;

use super::coordinator::Coordinator;
use super::policy::RollbackPolicy;
use crate::infra::http_server::{Connection, Listening, PAUSE, ServeError};
use metrics::Http;
use refusals::Held;
use routes::Shared;

/// Connections at the same time; further ones wait to be accepted.
const CONNECTIONS: usize = 768;
/// The headers of a request must have come whole in this time.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// A TLS handshake must be done in this time.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// A connection on which nothing moves for so long is closed. Above the time that an answer may take.
const IDLE: Duration = Duration::from_secs(60);
/// Most headers of a request.
const HEADERS: usize = 64;
/// Most bytes of them.
const HEADER_BYTES: usize = 16 * 1024;
/// Threads for what takes long: bodies that are, and reading the policy again.
const ASIDE: usize = 4;
/// So long may answers take that are under way when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Reads the policy again; the error says in words what is wrong.
pub(crate) type Reload = Box<dyn Fn() -> Result<RollbackPolicy, String> + Send + Sync>;

/// What to serve.
pub(crate) struct Service {
    /// Decides. Stopped when serving ends.
    pub coordinator: Coordinator,
    /// What a sender must know.
    pub access: Access,
    /// TLS. `None` = plain HTTP.
    pub tls: Option<TlsAcceptor>,
    /// Reads the policy again, at SIGHUP.
    pub reload: Reload,
    /// Called once signals are heard and alerts are taken.
    pub ready: Box<dyn FnOnce() + Send>,
}

/// Serves until SIGINT or SIGTERM; what was begun is seen through.
pub(crate) fn serve(listening: Listening, service: Service) -> Result<(), ServeError> {
    let Listening { listener, only_local_names: is_loopback, .. } = listening;
    let Service { coordinator, access, tls, reload, ready } = service;
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(ASIDE)
        .build()
        .map_err(ServeError::Start)?;
    let Some(handle) = coordinator.handle() else { return Ok(()) };
    let http = Arc::new(Mutex::new(Http::default()));
    let coordinator = Arc::new(coordinator);
    let shared = Shared::new(handle, Arc::clone(&coordinator.shared), access, is_loopback, Arc::clone(&http));
    let again = {
        let coordinator = Arc::clone(&coordinator);
        let http = Arc::clone(&http);
        Arc::new(move || reload_policy(&coordinator, &reload, &http))
    };
    let served = event_loop.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (stop, stopping) = watch::channel(false);
        let signals = Signals::listen()?;
        let accepting = tokio::spawn(accept(listener, tls, routes::routes(shared), stopping, http));
        ready();
        signals.wait(again).await?;
        stop.send_replace(true);
        // A panic has said so itself.
        drop(accepting.await);
        Ok::<_, io::Error>(())
    });
    // All who ask the coordinator are gone with the event loop; then it may end.
    event_loop.shutdown_timeout(Duration::from_secs(1));
    drop(coordinator);
    served.map_err(ServeError::Start)
}

fn reload_policy(coordinator: &Coordinator, reload: &Reload, http: &Mutex<Http>) {
    let policy = reload();
    let problem = policy.as_ref().err().cloned();
    match &problem {
        None => tracing::warn!("the policy was read again and is in force"),
        Some(problem) => {
            tracing::error!(%problem, "the new policy is not taken; the old one stays in force");
        }
    }
    {
        let mut http = http.lock().unwrap_or_else(PoisonError::into_inner);
        http.reloads[usize::from(problem.is_some())] += 1;
        http.policy_problem = problem;
    }
    coordinator.reload(policy);
}

/// The signals of this process, heard from now on.
#[cfg(unix)]
struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Reads the policy again at SIGHUP; ends at SIGINT and SIGTERM.
    async fn wait(mut self, again: Arc<impl Fn() + Send + Sync + 'static>) -> io::Result<()> {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    let again = Arc::clone(&again);
                    // Reading files and syncing the log must not hold the loop up.
                    drop(tokio::task::spawn_blocking(move || again()).await);
                }
                _ = self.terminate.recv() => return Ok(()),
                _ = self.interrupt.recv() => return Ok(()),
            }
        }
    }
}

/// Here there is no SIGHUP, so a new policy needs a restart.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Ends at Ctrl-C.
    async fn wait(self, _again: Arc<impl Fn() + Send + Sync + 'static>) -> io::Result<()> {
        tokio::signal::ctrl_c().await
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    mut stopping: watch::Receiver<bool>,
    http: Arc<Mutex<Http>>,
) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&free).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        match (place, accepted) {
            (Ok(place), Ok((stream, _))) => {
                let http = Arc::clone(&http);
                connections.spawn(connection(
                    stream,
                    place,
                    tls.clone(),
                    routes.clone(),
                    stopping.clone(),
                    http,
                ));
            }
            // Too many open files, say: a pause, so that the loop does not spin.
            _ => sleep(PAUSE).await,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Those who have not come to an end by then are cut off.
    let _ = timeout(LAST_WORDS, all).await;
}

async fn connection(
    mut stream: TcpStream,
    place: OwnedSemaphorePermit,
    tls: Option<TlsAcceptor>,
    routes: Router,
    stopping: watch::Receiver<bool>,
    http: Arc<Mutex<Http>>,
) {
    // Without it small answers wait for the acknowledgement of the one before; where it fails they do.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = tls else {
        return talk(Connection::new(stream, place, IDLE), routes, stopping, http).await;
    };
    match timeout(HANDSHAKE_TIME, refusals::not_tls(&mut stream)).await {
        Ok(None) => {}
        Ok(Some(status)) => return count(&http, status),
        Err(_) => return,
    }
    match timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => talk(Connection::new(stream, place, IDLE), routes, stopping, http).await,
        Ok(Err(error)) => tracing::debug!(
            error = error.to_string().chars().take(200).collect::<String>(),
            "a tls handshake failed"
        ),
        Err(_) => tracing::debug!("a tls handshake took too long"),
    }
}

fn count(http: &Mutex<Http>, refused: StatusCode) {
    let mut http = http.lock().unwrap_or_else(PoisonError::into_inner);
    *http.refused.entry(refused.as_u16()).or_default() += 1;
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: Connection<S>,
    routes: Router,
    mut stopping: watch::Receiver<bool>,
    http: Arc<Mutex<Http>>,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .half_close(false);
    let service = TowerToHyperService::new(routes);
    // In a box, so that the connection can be taken back from hyper when it is done.
    let service = service_fn(move |request| Box::pin(service.call(request)));
    let mut talking = builder.serve_connection(TokioIo::new(Held::new(stream)), service);
    let mut is_stopping = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|context| talking.poll_without_shutdown(context)) => break ended,
            _ = stopping.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                std::pin::Pin::new(&mut talking).graceful_shutdown();
            }
        }
    };
    // A client that breaks off is its own affair; one that sends nonsense is answered.
    let parts = talking.into_parts();
    let limits = format!("at most {HEADER_BYTES} bytes and {HEADERS} headers");
    let refused = refusals::end(parts.io.into_inner(), ended.err().as_ref(), &parts.read_buf, &limits).await;
    if let Some(status) = refused {
        count(&http, status);
    }
}
