//! The live view of a run over HTTP: page, metrics, iterations, events.
//!
//! Shows what a [`Publisher`] tells it and owns no logic; a run never waits for it.

mod connections;
mod events;
pub mod rollback;
mod routes;
pub mod scrape;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::runtime;
use tokio::sync::{Semaphore, watch};

use crate::core::listen::ListenAddress;
use crate::core::run::live::LiveRun;

/// So long may answers take that are under way when the server stops.
const LAST_WORDS: Duration = Duration::from_millis(800);
/// Readers of `/events` at the same time; the next one is told to come back.
pub const EVENT_READERS: usize = 64;

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken.
    #[error("`{address}` is in use; choose another port, or 0 for any free one")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no thread or no event loop to be had.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
}

/// Tells the server what to show.
#[derive(Clone, Debug)]
pub struct Publisher(Arc<watch::Sender<LiveRun>>);

impl Publisher {
    /// Changes what is shown; readers of events are told at once.
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
    only_local_names: bool,
}

/// A server in a thread of its own. Stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    publisher: Publisher,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// An address that is ours, before there is anything to show.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    bound: SocketAddr,
    only_local_names: bool,
}

impl Listening {
    /// Takes the address.
    pub fn at(address: ListenAddress) -> Result<Self, ServeError> {
        let (listener, bound) = bind(address.socket())?;
        Ok(Self { listener, bound, only_local_names: address.is_loopback() })
    }
}

impl Server {
    /// Listens on `address` and shows `run` until it is stopped.
    pub fn start(address: ListenAddress, run: LiveRun) -> Result<Self, ServeError> {
        Self::show(Listening::at(address)?, run)
    }

    /// Shows `run` at an address that was taken before, until it is stopped.
    pub fn show(listening: Listening, run: LiveRun) -> Result<Self, ServeError> {
        let Listening { listener, bound, only_local_names } = listening;
        let (run, shown) = watch::channel(run);
        let (stop, stopping) = watch::channel(false);
        let shared = Shared {
            run: shown,
            stop: stopping.clone(),
            event_readers: Arc::new(Semaphore::new(EVENT_READERS)),
            only_local_names,
        };
        let thread = in_thread(listener, routes::routes(shared), stopping)?;
        Ok(Self { address: bound, publisher: Publisher(Arc::new(run)), stop, thread: Some(thread) })
    }

    /// Where it listens, with the port that was found for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What tells it what to show.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Sends readers the last state and ends, within a second.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A server that panicked has told so itself; the run does not depend on it.
            drop(thread.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

#[expect(clippy::disallowed_methods, reason = "this room listens")]
pub(super) fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let told = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { address, source },
        _ => ServeError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).map_err(told)?;
    listener.set_nonblocking(true).map_err(told)?;
    let bound = listener.local_addr().map_err(told)?;
    Ok((listener, bound))
}

/// Serves in a thread of its own until it is told to stop.
fn in_thread(
    listener: TcpListener,
    routes: Router,
    stop: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, ServeError> {
    let event_loop = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(ServeError::Start)?;
    let listener = {
        let _inside = event_loop.enter();
        tokio::net::TcpListener::from_std(listener).map_err(ServeError::Start)?
    };
    std::thread::Builder::new()
        .name("soak-serve".to_owned())
        .spawn(move || event_loop.block_on(serve(listener, routes, stop)))
        .map_err(ServeError::Start)
}

async fn serve(listener: tokio::net::TcpListener, routes: Router, stop: watch::Receiver<bool>) {
    let mut stopping = stop.clone();
    let mut stopped = stop;
    let graceful = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let served =
        axum::serve(connections::Connections::new(listener), routes).with_graceful_shutdown(graceful);
    let out_of_time = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        _ = served => {}
        () = out_of_time => {}
    }
}
