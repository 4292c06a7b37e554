//! What touches the world and knows nothing of soak: the clock, signals, locks, processes, the terminal.
#![expect(clippy::disallowed_methods, reason = "this is the room that touches the world")]

pub mod archive;
pub mod artifacts;
pub mod atomic_file;
pub mod clock;
pub mod environment;
pub(crate) mod failpoint;
pub(crate) mod git;
pub mod hex;
pub mod http;
pub mod http_server;
pub mod lock;
pub mod notify;
pub mod process;
pub mod progress;
pub mod secret;

#[cfg(test)]
pub(crate) mod test_server {

    use std::fmt::Write as _;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread::JoinHandle;
    use std::time::Duration;

    use crate::infra::http::Limits;

    /// Limits for tests: hardly any pause between tries.
    pub(crate) const QUICK: Limits = Limits {
        timeout: Duration::from_secs(5),
        tries: 3,
        pause: Duration::from_millis(2),
        longest_retry_after: Duration::from_secs(30),
    };

    /// What the server does with a connection.
    #[derive(Clone, Debug)]
    pub(crate) enum Answer {
        /// Sends this text and closes.
        Text(String),
        /// Reads the request, and holds the connection without a word.
        Silence,
    }

    impl Answer {
        /// An answer without a body.
        pub(crate) fn status(status: u16) -> Self {
            Self::with(status, &[("Content-Length", "0")])
        }

        /// An answer with this JSON as its body.
        pub(crate) fn with_body(status: u16, json: &str) -> Self {
            let length = json.len().to_string();
            let head =
                Self::with(status, &[("Content-Type", "application/json"), ("Content-Length", &length)]);
            match head {
                Self::Text(head) => Self::Text(head + json),
                Self::Silence => head,
            }
        }

        /// An answer with these headers and no body.
        pub(crate) fn with(status: u16, headers: &[(&str, &str)]) -> Self {
            let mut text = format!("HTTP/1.1 {status} Word\r\n");
            for (name, value) in headers {
                let _ = write!(text, "{name}: {value}\r\n");
            }
            Self::Text(text + "\r\n")
        }
    }

    /// The requests to the server.
    #[derive(Clone, Debug)]
    pub(crate) struct Request {
        /// Request line and headers.
        pub(crate) head: String,
        /// The body, as long as its `Content-Length`.
        pub(crate) body: String,
        /// The same as it came.
        pub(crate) bytes: Vec<u8>,
    }

    impl Request {
        /// Whether a header line begins like this; case does not matter.
        pub(crate) fn has_header(&self, beginning: &str) -> bool {
            self.head.lines().any(|line| line.to_lowercase().starts_with(beginning))
        }
    }

    /// The server; stops when dropped.
    pub(crate) struct TestServer {
        address: SocketAddr,
        requests: Arc<Mutex<Vec<Request>>>,
        is_stopped: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl TestServer {
        /// Listens on a free port of this machine.
        pub(crate) fn start(answers: Vec<Answer>) -> std::io::Result<Self> {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            let requests = Arc::new(Mutex::new(Vec::new()));
            let is_stopped = Arc::new(AtomicBool::new(false));
            let thread = std::thread::spawn({
                let (requests, is_stopped) = (Arc::clone(&requests), Arc::clone(&is_stopped));
                move || serve(&listener, answers, &requests, &is_stopped)
            });
            Ok(Self { address, requests, is_stopped, thread: Some(thread) })
        }

        /// The address of a path on this server.
        pub(crate) fn url(&self, path: &str) -> String {
            format!("http://{}{path}", self.address)
        }

        /// The requests so far.
        pub(crate) fn requests(&self) -> Vec<Request> {
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl Drop for TestServer {
        fn drop(&mut self) {
            self.is_stopped.store(true, Ordering::SeqCst);
            // Wakes the thread that waits for a connection.
            drop(TcpStream::connect(self.address));
            if let Some(thread) = self.thread.take() {
                drop(thread.join());
            }
        }
    }

    fn serve(
        listener: &TcpListener,
        answers: Vec<Answer>,
        requests: &Mutex<Vec<Request>>,
        is_stopped: &AtomicBool,
    ) {
        // Silent connections stay open until the server is dropped.
        let mut silent = Vec::new();
        let mut answers = answers.into_iter();
        for connection in listener.incoming() {
            if is_stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(mut connection) = connection else { continue };
            let Some(request) = read_request(&connection) else { continue };
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            match answers.next() {
                Some(Answer::Text(text)) => {
                    // A client that has gone is its own affair.
                    let _ = connection.write_all(text.as_bytes());
                }
                Some(Answer::Silence) => silent.push(connection),
                None => return,
            }
        }
    }

    fn read_request(connection: &TcpStream) -> Option<Request> {
        connection.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut reader = BufReader::new(connection);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Request { head, body: String::from_utf8_lossy(&body).into_owned(), bytes: body })
    }
}
