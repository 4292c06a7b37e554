//! What hyper refuses by itself, before there is a request that the routes could answer: heads that are too long,
//! that take too long or that are no HTTP/1.1. Its own answer has no body; this one puts a JSON error in its place.
//!
//! Parses no request: hyper says what is wrong, and only the first bytes are looked at to say it better.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::report::json::compact_ascii;
use crate::rollback::answer::ErrorAnswer;

/// What was sent and not read any more is taken for so long, so that the answer is not lost in a reset.
const LINGER: Duration = Duration::from_secs(1);
/// At most so much of it.
const LINGER_BYTES: u64 = 1 << 20;
/// The answer must be taken in this time.
const TAKING: Duration = Duration::from_secs(5);

/// A connection that holds the bare answers back that hyper gives by itself.
pub(super) struct Held<S> {
    stream: S,
    status: Option<StatusCode>,
}

impl<S> Held<S> {
    /// Holds nothing back yet.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, status: None }
    }
}

/// Where a bare answer begins, and its status. It is the last thing on a connection, and only it has no
/// `cache-control`, which the routes give to every answer of theirs. Their bodies have no line that ends in CR LF.
fn bare(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    let start = head.windows(7).rposition(|window| window == b"HTTP/1.")?;
    let text = std::str::from_utf8(&head[start..]).ok()?;
    let status: StatusCode = text.get(9..12)?.parse().ok()?;
    let has = |name: &str| text.lines().any(|line| line.starts_with(name));
    (status.is_client_error() && has("content-length: 0") && !has("cache-control:"))
        .then_some((start, status))
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match bare(bytes) {
            Some((0, status)) => {
                self.status = Some(status);
                Poll::Ready(Ok(bytes.len()))
            }
            // Before it is an answer that was not sent off yet.
            Some((start, _)) => Pin::new(&mut self.stream).poll_write(context, &bytes[..start]),
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Ends a connection that hyper is done with; `unread` is what it has read and made no request of. The status that
/// was answered instead of hyper's bare one; `None` = there was nothing to answer.
pub(super) async fn end<S: AsyncRead + AsyncWrite + Unpin>(
    mut held: Held<S>,
    error: Option<&hyper::Error>,
    unread: &[u8],
    limits: &str,
) -> Option<StatusCode> {
    let refused = error.and_then(|error| status(error, held.status, unread));
    match refused {
        Some(status) => answer(&mut held.stream, status, words(status, unread, limits)).await,
        None => {
            let _ = timeout(TAKING, held.stream.shutdown()).await;
        }
    }
    refused
}

/// Answers a client that uses plain HTTP on a port of TLS. The status; `None` = it sent nothing.
pub(super) async fn not_tls(stream: &mut TcpStream) -> Option<StatusCode> {
    const HANDSHAKE: u8 = 0x16;
    let mut first = [0];
    let read = stream.peek(&mut first).await.ok()?;
    if read == 0 || first[0] == HANDSHAKE {
        return None;
    }
    let status = StatusCode::BAD_REQUEST;
    answer(stream, status, "this port needs TLS: use https://".to_owned()).await;
    Some(status)
}

/// Answers and ends the connection. Whoever does not take the answer is not waited for.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, status: StatusCode, error: String) {
    let body = compact_ascii(&ErrorAnswer { error });
    let answer = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        body.len()
    );
    let sent = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await
    };
    let _ = timeout(TAKING, sent).await;
    let _ = timeout(TAKING, stream.shutdown()).await;
    let _ = timeout(LINGER, tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut sink())).await;
}

fn status(error: &hyper::Error, bare: Option<StatusCode>, unread: &[u8]) -> Option<StatusCode> {
    if bare.is_some() {
        return bare;
    }
    if error.is_timeout() {
        // A connection that is kept for the next request, and nothing more, is only closed.
        return (!unread.is_empty()).then_some(StatusCode::REQUEST_TIMEOUT);
    }
    // Hyper answers nothing to HTTP/2.
    error.is_parse().then_some(StatusCode::BAD_REQUEST)
}

fn words(status: StatusCode, unread: &[u8], limits: &str) -> String {
    match (status, unread) {
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG, _) => {
            format!("the request line and the headers are too long: {limits}")
        }
        (StatusCode::REQUEST_TIMEOUT, _) => {
            "the request line and the headers did not arrive in time".to_owned()
        }
        (_, [0x16, 0x03, ..]) => "this port needs plain HTTP, and this is TLS: use http://".to_owned(),
        (_, unread) if unread.starts_with(b"PRI * HTTP/2") => {
            "this port needs HTTP/1.1, and this is HTTP/2".to_owned()
        }
        _ => "this is no HTTP/1.1 request: the request line, a header or a length is malformed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str =
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";

    #[test]
    fn a_bare_answer_is_known_wherever_it_begins_and_the_routes_own_are_not() {
        assert_eq!(bare(BARE.as_bytes()), Some((0, StatusCode::BAD_REQUEST)));
        let own = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncache-control: no-store\r\n\r\n{}";
        assert_eq!(
            bare(format!("{own}{BARE}").as_bytes()),
            Some((own.len(), StatusCode::BAD_REQUEST)),
            "behind an answer that was not sent off yet"
        );
        for other in [
            own.to_owned(),
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
            BARE.replace("400", "200"),
            BARE.replace("date: x", "cache-control: no-store"),
            BARE.replace("content-length: 0", "content-length: 7"),
            BARE[1..].replace("HTTP", "x"),
            String::new(),
        ] {
            assert_eq!(bare(other.as_bytes()), None, "{other}");
        }
    }
}
