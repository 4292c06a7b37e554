//! What the end-to-end tests talk to: an exporter, the real servers that scrape it, and a proxy between them and
//! `soak`. All listen on free ports of this machine and end with the value that stands for them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Serves connections until the test program ends.
pub fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(connection));
        }
    });
    address
}

/// Head and body of a request.
pub fn read_request(connection: &TcpStream) -> Option<(String, Vec<u8>)> {
    connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length:").and_then(|length| length.trim().parse().ok())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn answer(mut connection: &TcpStream, status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} Word\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone is its own affair.
    let _ = connection.write_all((head + body).as_bytes());
}

/// Exposes metrics in the text format.
pub struct Exporter {
    address: SocketAddr,
    text: Arc<Mutex<String>>,
}

impl Exporter {
    pub fn new(text: &str) -> Self {
        let text = Arc::new(Mutex::new(text.to_owned()));
        let shown = Arc::clone(&text);
        let address = serve(move |connection| {
            if read_request(&connection).is_some() {
                answer(&connection, 200, &shown.lock().expect("no panic holds it"));
            }
        });
        Self { address, text }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn expose(&self, text: &str) {
        text.clone_into(&mut self.text.lock().expect("no panic holds it"));
    }
}

/// A program that serves queries; ended when dropped, a failing test included.
pub struct Server {
    child: Child,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    pub fn port(&self) -> u16 {
        let address = self.url.strip_prefix("http://127.0.0.1:").expect("this machine");
        address.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn start(program: &str, exporter: &Exporter, path: &str, args: impl Fn(&str, u16) -> Vec<String>) -> Server {
    launch(program, &scraping(exporter.address), path, args)
}

/// The configuration of a Prometheus that scrapes this address.
pub fn scraping(address: SocketAddr) -> String {
    format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: mm\n    static_configs:\n      - targets: ['{address}']\n"
    )
}

/// Starts a program that serves queries, with this text in `scrape.yml`.
fn launch(program: &str, config: &str, path: &str, args: impl Fn(&str, u16) -> Vec<String>) -> Server {
    // A free port can be somebody else's by the time the program binds it.
    (0..3)
        .find_map(|_| launch_once(program, config, path, &args))
        .unwrap_or_else(|| panic!("{program} ended three times before it listened"))
}

fn launch_once(
    program: &str,
    config: &str,
    path: &str,
    args: &impl Fn(&str, u16) -> Vec<String>,
) -> Option<Server> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("scrape.yml"), config).expect("written");
    let port = free_port();
    let child = Command::new(program)
        .args(args(folder.path().to_str().expect("plain"), port))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut server = Server { child, url: format!("http://127.0.0.1:{port}{path}"), _folder: folder };
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if server.child.try_wait().expect("its status").is_some() {
            return None;
        }
        assert!(Instant::now() < until, "{program} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(server)
}

/// A Prometheus with this configuration, below `/p`, and further flags.
pub fn prometheus_with(config: &str, flags: &[&str]) -> Server {
    launch("prometheus", config, "/p", |folder, port| {
        let mut args = vec![
            format!("--config.file={folder}/scrape.yml"),
            format!("--storage.tsdb.path={folder}/data"),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.route-prefix=/p".to_owned(),
        ];
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        args
    })
}

/// A Prometheus below `/p` that scrapes nothing and has this history, in the format of `OpenMetrics`.
pub fn prometheus_over(history: &str) -> Server {
    launch("prometheus", "global: {}\n", "/p", |folder, port| {
        let file = format!("{folder}/history.om");
        std::fs::write(&file, history).expect("written");
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics", &file, &format!("{folder}/data")])
            .output()
            .expect("promtool starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        vec![
            format!("--config.file={folder}/scrape.yml"),
            format!("--storage.tsdb.path={folder}/data"),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.route-prefix=/p".to_owned(),
        ]
    })
}

/// A `VictoriaMetrics` that scrapes nothing.
pub fn plain_victoria_metrics() -> Server {
    launch("victoria-metrics", "", "", |folder, port| {
        vec![format!("-storageDataPath={folder}/data"), format!("-httpListenAddr=127.0.0.1:{port}")]
    })
}

/// A Pushgateway.
pub fn pushgateway() -> Server {
    launch("prometheus-pushgateway", "", "", |_, port| vec![format!("--web.listen-address=127.0.0.1:{port}")])
}

/// A Redis that keeps nothing on disk.
pub fn redis() -> Server {
    launch("redis-server", "", "", |folder, port| {
        let port = port.to_string();
        ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", folder].map(str::to_owned).into()
    })
}

/// The exporter of every Redis that a scrape names.
pub fn redis_exporter() -> Server {
    launch("prometheus-redis-exporter", "", "", |_, port| {
        vec![format!("-web.listen-address=127.0.0.1:{port}"), "-redis.addr=".to_owned()]
    })
}

/// Prometheus below `/prom`.
pub fn prometheus(exporter: &Exporter) -> Server {
    start("prometheus", exporter, "/prom", |folder, port| {
        vec![
            format!("--config.file={folder}/scrape.yml"),
            format!("--storage.tsdb.path={folder}/data"),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.route-prefix=/prom".to_owned(),
        ]
    })
}

/// `VictoriaMetrics` for the user `soak` with the password `hush`.
pub fn victoria_metrics(exporter: &Exporter) -> Server {
    start("victoria-metrics", exporter, "", |folder, port| {
        vec![
            format!("-promscrape.config={folder}/scrape.yml"),
            format!("-storageDataPath={folder}/data"),
            format!("-httpListenAddr=127.0.0.1:{port}"),
            "-httpAuth.username=soak".to_owned(),
            "-httpAuth.password=hush".to_owned(),
        ]
    })
}

/// What a proxy does.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Lets through who has this bearer token, and answers 401 to others.
    Token(&'static str),
    /// Answers 503 so many times before it lets anybody through.
    Fails(usize),
    /// Never answers.
    Silent,
}

/// A reverse proxy before a server; its URL.
pub fn proxy(server: &Server, manner: Manner) -> String {
    let address = &server.url["http://".len()..];
    let (upstream, path) = address.split_once('/').unwrap_or((address, ""));
    let upstream: SocketAddr = upstream.parse().expect("an address");
    let asked = AtomicUsize::new(0);
    let address = serve(move |connection| {
        let Some((head, body)) = read_request(&connection) else { return };
        let number = asked.fetch_add(1, Ordering::SeqCst);
        match manner {
            Manner::Silent => std::thread::sleep(Duration::from_secs(30)),
            Manner::Fails(times) if number < times => answer(&connection, 503, "later"),
            Manner::Token(token) if !head.contains(&format!("authorization: Bearer {token}\r\n")) => {
                answer(&connection, 401, "who?");
            }
            Manner::Fails(_) | Manner::Token(_) => forward(&connection, upstream, &head, &body),
        }
    });
    format!("http://{address}/{path}")
}

fn forward(mut connection: &TcpStream, upstream: SocketAddr, head: &str, body: &[u8]) {
    let mut upstream = TcpStream::connect(upstream).expect("the server listens");
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream.write_all(head.as_bytes()).and_then(|()| upstream.write_all(body)).expect("the server reads");
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).expect("the server answers");
    let _ = connection.write_all(&answer);
}
