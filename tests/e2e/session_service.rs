//! A session service as one is found anywhere: HTTP in front of Redis, metrics as the client libraries of Prometheus name
//! them, and faults that a line on its standard input switches on.
//!
//! It is a process of its own, so that its memory, its descriptors and its restarts are real.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Names the ports of the service and of its Redis to the process that is to be one.
const PORTS: &str = "SESSION_SERVICE_PORTS";
/// Upper bounds of the histogram, seconds: those that the client libraries of Prometheus have by default.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How long a session lives, seconds.
const TTL: &str = "4";
/// Fewest bytes of a session; the most are twice as many.
const SESSION: u64 = 1024;
/// Clients of the load, and how long each waits from one request to the next on average.
const CLIENTS: u32 = 16;
const PERIOD: Duration = Duration::from_millis(200);

/// What goes wrong in the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Each request leaks 8 KiB.
    Leak,
    /// Sessions never expire.
    NoTtl,
    /// Each request takes longer the longer this lasts: after 10 s twice as long, after 20 s three times.
    Creep,
    /// One of five requests is answered 500.
    Errors,
    /// One of ten requests leaves a file open.
    Descriptors,
    /// `/metrics` repeats what it said last.
    Flat,
}

/// The process of a service; ended when dropped.
pub struct Service {
    port: u16,
    redis: u16,
    child: Child,
}

impl Service {
    pub fn start(port: u16, redis: u16) -> Self {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["e2e::session_service::serve_sessions", "--exact", "--ignored", "--nocapture"])
            .env(PORTS, format!("{port} {redis}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the service starts");
        let mut service = Self { port, redis, child };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(service.child.try_wait().expect("its status").is_none(), "the service ended");
            assert!(Instant::now() < until, "the service does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        service
    }

    /// Switches a fault on, and the others off.
    pub fn set(&mut self, fault: Option<Fault>) {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{fault:?}").and_then(|()| input.flush()).expect("the service reads");
    }

    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn restart(&mut self) {
        self.kill();
        *self = Self::start(self.port, self.redis);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Clients that log in at a steady pace, until this is dropped.
pub struct Load(Arc<AtomicBool>);

impl Load {
    pub fn on(port: u16) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        for client in 0..CLIENTS {
            let goes_on = Arc::clone(&goes_on);
            thread::spawn(move || {
                let mut next = Instant::now();
                let mut connection = None;
                for request in 0.. {
                    if !goes_on.load(Ordering::Relaxed) {
                        return;
                    }
                    next += PERIOD.mul_f64(2.0 * chance(request << 8 | u64::from(client)));
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                    // Nobody answers while the service is down.
                    connection = log_in(port, connection).ok();
                }
            });
        }
        Self(goes_on)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn log_in(port: u16, connection: Option<BufReader<TcpStream>>) -> io::Result<BufReader<TcpStream>> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => connect(port)?,
    };
    connection.get_ref().write_all(b"POST /login HTTP/1.1\r\nHost: session\r\n\r\n")?;
    let head = read_head(&mut connection)?;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body)?;
    Ok(connection)
}

fn connect(port: u16) -> io::Result<BufReader<TcpStream>> {
    let connection = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    connection.set_nodelay(true)?;
    Ok(BufReader::new(connection))
}

/// The lines before the body.
fn read_head(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// The service itself.
#[test]
#[ignore = "the process that the soak of a service watches; it does nothing by itself"]
fn serve_sessions() {
    let Ok(ports) = std::env::var(PORTS) else { return };
    let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().expect("a port")).collect();
    let listener = TcpListener::bind(("127.0.0.1", ports[0])).expect("a free port");
    let state = Arc::new(State::new(ports[1]));
    let shared = Arc::clone(&state);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let state = Arc::clone(&shared);
            // A client that has gone is its own affair.
            thread::spawn(move || drop(state.serve(connection)));
        }
    });
    for line in io::stdin().lines().map_while(Result::ok) {
        state.switch(&line);
    }
}

/// Requests of one status code.
#[derive(Clone, Copy, Default)]
struct Answers {
    /// One for each of [`BOUNDS`], and one for what took longer.
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
}

struct State {
    redis: u16,
    started: SystemTime,
    /// What is switched on, and since when.
    faults: Mutex<(String, Instant)>,
    requests: AtomicU64,
    /// With 200 and with 500.
    answers: Mutex<[Answers; 2]>,
    last_metrics: Mutex<String>,
}

impl State {
    fn new(redis: u16) -> Self {
        Self {
            redis,
            started: SystemTime::now(),
            faults: Mutex::new((String::new(), Instant::now())),
            requests: AtomicU64::new(0),
            answers: Mutex::default(),
            last_metrics: Mutex::default(),
        }
    }

    fn switch(&self, line: &str) {
        *self.faults.lock().expect("no panic holds it") = (line.to_owned(), Instant::now());
    }

    /// Since when a fault is on.
    fn since(&self, fault: Fault) -> Option<Instant> {
        let (on, since) = &*self.faults.lock().expect("no panic holds it");
        on.contains(&format!("{fault:?}")).then_some(*since)
    }

    fn serve(&self, connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let mut redis = connect(self.redis)?;
        let mut connection = BufReader::new(connection);
        loop {
            let head = read_head(&mut connection)?;
            let (code, body) = if head.starts_with("POST /login ") {
                self.log_in(&mut redis)
            } else {
                (200, self.metrics())
            };
            let head = format!(
                "HTTP/1.1 {code} Word\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.get_ref().write_all((head + &body).as_bytes())?;
        }
    }

    /// Writes a session and reads it back; the status code and the body of the answer.
    fn log_in(&self, redis: &mut BufReader<TcpStream>) -> (u16, String) {
        let began = Instant::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        // Between 10 and 100 ms, most of them short, like work that depends on the user.
        let user = chance(number);
        let creep = self.since(Fault::Creep).map_or(0.0, |since| since.elapsed().as_secs_f64() / 10.0);
        thread::sleep(Duration::from_secs_f64((0.01 + 0.09 * user * user) * (1.0 + creep)));
        if self.since(Fault::Leak).is_some() {
            std::mem::forget(vec![1_u8; 8192]);
        }
        if number.is_multiple_of(10) && self.since(Fault::Descriptors).is_some() {
            std::mem::forget(std::fs::File::open("/dev/null"));
        }
        let is_refused = number.is_multiple_of(5) && self.since(Fault::Errors).is_some();
        let stored = if is_refused { Err(io::ErrorKind::Other.into()) } else { self.store(redis, number) };
        let (at, code) = if stored.is_ok() { (0, 200) } else { (1, 500) };
        let seconds = began.elapsed().as_secs_f64();
        let answers = &mut self.answers.lock().expect("no panic holds it")[at];
        answers.buckets[BOUNDS.iter().take_while(|bound| seconds > **bound).count()] += 1;
        answers.sum += seconds;
        (code, number.to_string())
    }

    fn store(&self, redis: &mut BufReader<TcpStream>, number: u64) -> io::Result<()> {
        // Tokens of an earlier process stay valid.
        let key = format!(
            "session:{}:{number}",
            self.started.duration_since(UNIX_EPOCH).expect("later").as_nanos()
        );
        let session = "s".repeat(usize::try_from(SESSION + number * 7919 % SESSION).expect("few"));
        let mut set = vec!["SET", &key, &session];
        if self.since(Fault::NoTtl).is_none() {
            set.extend(["EX", TTL]);
        }
        command(redis, &set)?;
        let there = command(redis, &["GET", &key])?;
        if there == session { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn metrics(&self) -> String {
        let mut last = self.last_metrics.lock().expect("no panic holds it");
        if self.since(Fault::Flat).is_none() || last.is_empty() {
            *last = self.current_metrics();
        }
        last.clone()
    }

    fn current_metrics(&self) -> String {
        const NAME: &str = "http_request_duration_seconds";
        let mut out = format!("# TYPE {NAME} histogram\n");
        let answers = *self.answers.lock().expect("no panic holds it");
        for (code, answers) in ["200", "500"].into_iter().zip(answers) {
            let mut count = 0;
            let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
            for (bound, bucket) in bounds.zip(answers.buckets) {
                count += bucket;
                let _ = writeln!(out, "{NAME}_bucket{{code=\"{code}\",le=\"{bound}\"}} {count}");
            }
            let _ = writeln!(out, "{NAME}_sum{{code=\"{code}\"}} {}", answers.sum);
            let _ = writeln!(out, "{NAME}_count{{code=\"{code}\"}} {count}");
        }
        for (name, value) in self.process() {
            let _ = writeln!(out, "process_{name} {value}");
        }
        out
    }

    /// As the client libraries read it from the kernel.
    fn process(&self) -> [(&'static str, f64); 4] {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).expect("procfs");
        let number = |text: &str, at: usize| -> f64 {
            text.split_whitespace().nth(at).and_then(|number| number.parse().ok()).expect("a number")
        };
        let stat = read("stat");
        // The name before it may have blanks.
        let stat = stat.rsplit_once(") ").expect("a name").1;
        [
            ("resident_memory_bytes", number(&read("statm"), 1) * 4096.0),
            ("cpu_seconds_total", (number(stat, 11) + number(stat, 12)) / 100.0),
            ("open_fds", std::fs::read_dir("/proc/self/fd").expect("procfs").count() as f64),
            ("start_time_seconds", self.started.duration_since(UNIX_EPOCH).expect("later").as_secs_f64()),
        ]
    }
}

/// A number between 0 and 1 that looks random: users come and behave as they like (`SplitMix64`).
fn chance(number: u64) -> f64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Sends a command to Redis; the text of its reply.
fn command(redis: &mut BufReader<TcpStream>, words: &[&str]) -> io::Result<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        let _ = write!(request, "${}\r\n{word}\r\n", word.len());
    }
    redis.get_ref().write_all(request.as_bytes())?;
    let mut line = || {
        let mut line = String::new();
        redis.read_line(&mut line).map(|_| line.trim_end().to_owned())
    };
    let status = line()?;
    match status.split_at_checked(1) {
        Some(("$", length)) if length != "-1" => line(),
        Some(("-", error)) => Err(io::Error::other(error.to_owned())),
        _ => Ok(status),
    }
}
