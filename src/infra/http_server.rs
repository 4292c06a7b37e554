//! Serving HTTP in a thread of its own: listening, connections bounded in number and in the time in which nothing
//! moves (so that no client can use up the process), and the headers and host names that every answer is held to.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use axum::{Router, middleware};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep};

/// So long may answers take that are under way when the server stops.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// Connections at the same time; further ones wait to be accepted.
const CONNECTIONS: usize = 256;

/// A connection on which nothing moves for so long is closed: idle, sending slowly, or not reading. Events
/// keep theirs alive.
const IDLE: Duration = Duration::from_secs(45);

/// After an error of `accept` (too many open files), so that the loop does not spin.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken.
    #[error("`{address}` is in use; choose another port, or 0 for any free one")]
    InUse { address: SocketAddr, source: io::Error },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen { address: SocketAddr, source: io::Error },
    /// There is no thread or no event loop to be had.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
}

/// An address that is ours, before there is anything to show.
#[derive(Debug)]
pub struct Listening {
    pub(crate) listener: std::net::TcpListener,
    /// With the port that was found for port 0.
    pub(crate) bound: SocketAddr,
    pub(crate) only_local_names: bool,
}

impl Listening {
    pub fn at(address: ListenAddress) -> Result<Self, ServeError> {
        let (listener, bound) = bind(address.socket())?;
        Ok(Self { listener, bound, only_local_names: address.is_loopback() })
    }

    /// Serves the routes, which learn when the server is to stop, until the thread is stopped or dropped.
    pub(crate) fn serve(
        self,
        routes: impl FnOnce(watch::Receiver<bool>) -> Router,
    ) -> Result<HttpThread, ServeError> {
        let Self { listener, bound, only_local_names } = self;
        let (stop, stopping) = watch::channel(false);
        let routes =
            routes(stopping.clone()).layer(middleware::from_fn_with_state(only_local_names, guarded));
        let event_loop = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Start)?;
        let listener = {
            let _inside = event_loop.enter();
            TcpListener::from_std(listener).map_err(ServeError::Start)?
        };
        let thread = std::thread::Builder::new()
            .name("soak-serve".to_owned())
            .spawn(move || event_loop.block_on(serve(listener, routes, stopping)))
            .map_err(ServeError::Start)?;
        Ok(HttpThread { address: bound, stop, thread: Some(thread) })
    }
}

/// A server in a thread of its own. Stops within a second when it is dropped.
#[derive(Debug)]
pub struct HttpThread {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpThread {
    /// Where it listens, with the port that was found for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpThread {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A server that panicked has logged that itself; the run does not depend on it.
            drop(thread.join());
        }
    }
}

pub(crate) fn bind(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), ServeError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { address, source },
        _ => ServeError::Listen { address, source },
    };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn serve(listener: TcpListener, routes: Router, stop: watch::Receiver<bool>) {
    let mut stopping = stop.clone();
    let mut stopped = stop;
    let graceful = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let served = axum::serve(Connections::new(listener), routes).with_graceful_shutdown(graceful);
    let out_of_time = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        _ = served => {}
        () = out_of_time => {}
    }
}

/// Refuses names of other hosts, and puts the headers on every answer that keep a browser careful.
pub(crate) async fn guarded(State(only_local_names): State<bool>, request: Request, next: Next) -> Response {
    let allowed = !only_local_names || is_local(request.headers(), request.uri());
    let mut response = if allowed {
        next.run(request).await
    } else {
        let text = "this address is served only to this machine: use 127.0.0.1 or localhost\n";
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
pub(crate) fn is_local(headers: &HeaderMap, uri: &Uri) -> bool {
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

pub(crate) fn as_json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Accepts connections.
pub(crate) struct Connections {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Connections {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, free: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.free).acquire_owned().await else {
                // Nobody closes the semaphore.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, from)) => return (Connection::new(stream, place, IDLE), from),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing moves on it.
pub(crate) struct Connection<S = TcpStream> {
    stream: S,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Connection<S> {
    /// A connection that takes a place and ends when nothing moves for so long.
    pub(crate) fn new(stream: S, place: OwnedSemaphorePermit, idle: Duration) -> Self {
        Self { stream, idle, deadline: Box::pin(sleep(idle)), _place: place }
    }

    /// Puts the deadline off when something moved, and gives up when it has passed.
    fn moved<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.deadline.as_mut().reset(Instant::now() + self.idle);
            return polled;
        }
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.moved(context, polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Ready at once on a socket: no sign that anything moved.
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::io::duplex;

    use super::*;

    /// Runs with a clock of tens of milliseconds.
    fn block_on<T>(test: impl Future<Output = T>) -> Option<T> {
        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
        Some(event_loop.block_on(test))
    }

    fn connection<S>(stream: S) -> Option<Connection<S>> {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().ok()?;
        Some(Connection::new(stream, place, Duration::from_millis(60)))
    }

    #[test]
    fn a_client_that_sends_nothing_is_given_up() {
        let kind = block_on(async {
            let (near, _far) = duplex(16);
            let mut byte = [0];
            connection(near)?.read(&mut byte).await.err().map(|error| error.kind())
        });
        assert_eq!(kind.flatten(), Some(io::ErrorKind::TimedOut));
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up() {
        let kind = block_on(async {
            let (near, _far) = duplex(16);
            connection(near)?.write_all(&[0; 64]).await.err().map(|error| error.kind())
        });
        assert_eq!(kind.flatten(), Some(io::ErrorKind::TimedOut));
    }

    #[test]
    fn a_client_that_reads_slowly_is_served_to_the_end() {
        let served = block_on(async {
            let (near, mut far) = duplex(16);
            let mut near = connection(near)?;
            let read = async {
                let mut got = 0;
                let mut bytes = [0; 8];
                while got < 64 {
                    sleep(Duration::from_millis(20)).await;
                    got += far.read(&mut bytes).await.ok()?;
                }
                Some(got)
            };
            let (written, read) = tokio::join!(near.write_all(&[0; 64]), read);
            written.ok().and(read)
        });
        assert_eq!(served.flatten(), Some(64));
    }

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
}

/// An address to listen on. A bare port is loopback; everything else has to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

/// The text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address to listen on; give a port (`9090`, which is 127.0.0.1:9090) or `IP:PORT`")]
pub struct NoAddress(String);

impl ListenAddress {
    /// The address; port 0 = any free one.
    pub fn socket(self) -> SocketAddr {
        self.0
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }
}

impl FromStr for ListenAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let loopback = |port: &str| {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let port = digits.then(|| port.parse().ok()).flatten()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
        };
        let short = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
        loopback(short).or_else(|| text.parse().ok()).map(Self).ok_or_else(|| NoAddress(text.to_owned()))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(socket: SocketAddr) -> Self {
        Self(socket)
    }
}

#[cfg(test)]
mod listen_tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<ListenAddress>().ok().map(|address| address.socket().to_string())
    }

    #[test]
    fn a_port_alone_is_loopback() {
        for text in ["9090", ":9090", "localhost:9090", "127.0.0.1:9090"] {
            assert_eq!(read(text).as_deref(), Some("127.0.0.1:9090"), "{text}");
        }
        assert_eq!(read("0").as_deref(), Some("127.0.0.1:0"));
        assert_eq!(read("65535").as_deref(), Some("127.0.0.1:65535"));
    }

    #[test]
    fn other_addresses_are_taken_as_written() {
        for text in ["0.0.0.0:9090", "[::]:80", "[::1]:9090", "192.168.1.7:1"] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_address_is_reported() {
        for text in ["", ":", "65536", "-1", "+9090", "host:9090", "127.0.0.1", "[::1]", "9090:", "1.2.3:4"] {
            let error = text.parse::<ListenAddress>().expect_err(text);
            assert!(error.to_string().starts_with(&format!("`{text}` is no address")), "{error}");
        }
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        let is_loopback = |text: &str| text.parse::<ListenAddress>().map(ListenAddress::is_loopback);
        for text in ["9090", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(is_loopback(text), Ok(true), "{text}");
        }
        for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            assert_eq!(is_loopback(text), Ok(false), "{text}");
        }
    }
}
