//! Connections, bounded in number and in the time in which nothing moves, so that no client can use up the
//! process that runs the soak.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at the same time; further ones wait to be accepted.
const CONNECTIONS: usize = 256;
/// A connection on which nothing moves for so long is closed: idle, sending slowly, or not reading. Events
/// keep theirs alive.
const IDLE: Duration = Duration::from_secs(45);
/// After an error of `accept` (too many open files), so that the loop does not spin.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// Accepts connections.
pub(super) struct Connections {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Connections {
    /// On a listener.
    pub(super) fn new(listener: TcpListener) -> Self {
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
pub(super) struct Connection<S = TcpStream> {
    stream: S,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Connection<S> {
    /// A connection that takes a place and ends when nothing moves for so long.
    pub(super) fn new(stream: S, place: OwnedSemaphorePermit, idle: Duration) -> Self {
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

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
}
