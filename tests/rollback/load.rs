//! Many deliveries a second, slow clients beside them: health answers, memory stays, nothing is lost, nothing is done
//! twice. Short here; `SOAK_LOAD_SECONDS=30` makes it the real thing.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::place::{Place, Policy, Server, delivery};
use super::stub::Stub;

/// Connections that send deliveries.
const SENDERS: u64 = 32;
/// Connections that send a byte now and then, or nothing.
const SLOW: usize = 200;

fn seconds() -> u64 {
    std::env::var("SOAK_LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

fn rate() -> u64 {
    // The machines of CI are small; the long run is for the figure.
    if seconds() >= 10 { 1000 } else { 400 }
}

/// A connection that stays.
struct Client {
    stream: TcpStream,
    address: SocketAddr,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, address }
    }

    /// Sends a request and gives the status.
    fn ask(&mut self, line: &str, body: &str) -> u16 {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            let read = self.stream.read(&mut buffer).expect("an answer");
            assert!(read > 0, "the connection was closed: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&answer);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
                });
                if body.len() >= length.expect("a length") {
                    return head[9..12].parse().expect("a status");
                }
            }
        }
    }
}

/// Resident memory of a process, KiB.
fn memory(server: &Server) -> u64 {
    let path = format!("/proc/{}/status", server.child.id());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Clients that announce much and send little, again and again.
fn slow_clients(address: SocketAddr, stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<()>> {
    (0..4)
        .map(|_| {
            let stop = Arc::clone(stop);
            std::thread::spawn(move || {
                let open = || TcpStream::connect(address).ok();
                let mut clients: Vec<Option<TcpStream>> = (0..SLOW / 4).map(|_| open()).collect();
                let head =
                    b"POST /alert-hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                             Content-Length: 900000\r\n\r\n";
                for (at, client) in clients.iter_mut().enumerate() {
                    // Half of them do not even finish their head.
                    let bytes = if at % 2 == 0 { &head[..] } else { &head[..20] };
                    let _ = client.as_mut().map(|client| client.write_all(bytes));
                }
                while !stop.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(250));
                    for client in &mut clients {
                        if client.as_mut().is_none_or(|client| client.write_all(b"x").is_err()) {
                            *client = open();
                            let _ = client.as_mut().map(|client| client.write_all(head));
                        }
                    }
                }
            })
        })
        .collect()
}

#[test]
fn under_load_and_slow_clients_health_answers_memory_stays_and_nothing_is_lost_or_done_twice() {
    let api = Stub::good();
    // Each of the first episodes may act: there is no cool-down, only the memory keeps it from acting twice.
    let place = Place::new(&Policy { cooldown_minutes: 0.0, ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    let address = server.address;
    let stop = Arc::new(AtomicBool::new(false));
    let slow = slow_clients(address, &stop);
    std::thread::sleep(Duration::from_millis(300));

    let sent = Arc::new(AtomicU64::new(0));
    let (seconds, rate) = (seconds(), rate());
    let total = seconds * rate;
    let started = Instant::now();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let sent = Arc::clone(&sent);
            std::thread::spawn(move || {
                let mut client = Client::new(address);
                let mut number = sender;
                while number < total {
                    let due = Duration::from_secs_f64(number as f64 / rate as f64);
                    std::thread::sleep(due.saturating_sub(started.elapsed()));
                    // Every hundredth is one of five hard episodes, again and again; the others are told apart.
                    let body = if number % 100 == 0 {
                        let mut body = delivery("Hard", 0);
                        body["alerts"][0]["fingerprint"] = format!("hard {}", number / 100 % 5).into();
                        body
                    } else {
                        let mut body = delivery("Nobody", 0);
                        body["alerts"][0]["fingerprint"] = number.to_string().into();
                        body
                    };
                    assert_eq!(client.ask("POST /alert-hook", &body.to_string()), 200);
                    sent.fetch_add(1, Ordering::SeqCst);
                    number += SENDERS;
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    let mut asked: Vec<Duration> = Vec::new();
    let mut memories = Vec::new();
    while sent.load(Ordering::SeqCst) < total && !senders.iter().all(std::thread::JoinHandle::is_finished) {
        let mut client = Client::new(address);
        let at = Instant::now();
        assert_eq!(client.ask("GET /health", ""), 200);
        slowest = slowest.max(at.elapsed());
        asked.push(at.elapsed());
        memories.push(memory(&server));
        std::thread::sleep(Duration::from_millis(50));
    }
    for sender in senders {
        sender.join().expect("every delivery is answered with 200");
    }
    let took = started.elapsed();
    stop.store(true, Ordering::SeqCst);
    for thread in slow {
        drop(thread.join());
    }
    asked.sort();
    let p99 = asked[asked.len() * 99 / 100];
    let warm = memories[memories.len() / 4];
    let last = memories.iter().copied().max().unwrap_or_default();
    let commits = server.metric("soak_rollback_log_commits_total");
    eprintln!(
        "{total} deliveries in {took:.1?} ({:.0}/s) beside {SLOW} slow clients; /health p99 {p99:.1?}, slowest \
         {slowest:.1?} of {}; memory {warm} KiB after a quarter, {last} KiB at most; {commits} syncs",
        total as f64 / took.as_secs_f64(),
        asked.len(),
    );
    // Among other tests, on a machine that they keep busy, the median must do; the long run stands alone.
    let held = if seconds >= 10 { p99 } else { asked[asked.len() / 2] };
    assert!(held < Duration::from_millis(50), "/health took {held:?}, p99 {p99:?}");
    assert!(last < warm + 20_000, "memory grew from {warm} to {last} KiB");

    // Nothing lost: each delivery stands in the log.
    let mut fingerprints = BTreeSet::new();
    let hooks = place.events("hook");
    for hook in &hooks {
        if hook["alerts"][0]["alert"] == "Nobody" {
            fingerprints.insert(hook["alerts"][0]["fingerprint"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(hooks.len() as u64, total);
    assert_eq!(fingerprints.len() as u64, total - total.div_ceil(100));
    // Nothing twice: five episodes, five rollbacks.
    for path in ["/scale", "/circuit", "/freeze"] {
        assert_eq!(
            api.paths().iter().filter(|seen| *seen == path).count() as u64,
            5.min(total / 100),
            "{path}"
        );
    }
    place.assert_log_is_whole();
}

#[test]
fn long_deliveries_at_once_take_bounded_memory_and_hold_nobody_up() {
    const AT_ONCE: u64 = 8;
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    // As many alerts as a body can hold: short ones, of which much is made.
    let short = "{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\",\"env\":\"prod\"}},";
    let alerts = short.repeat(1_000_000 / short.len());
    let body =
        format!("{{\"version\":\"4\",\"groupKey\":\"g\",\"alerts\":[{}]}}", alerts.trim_end_matches(','));
    let before = memory(&server);
    let address = server.address;
    let senders: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let body = body.clone();
            std::thread::spawn(move || {
                let mut client = Client::new(address);
                client.stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a limit");
                client.ask("POST /alert-hook", &body)
            })
        })
        .collect();
    let (mut asked, mut most) = (Vec::new(), 0);
    while !senders.iter().all(std::thread::JoinHandle::is_finished) {
        let at = Instant::now();
        assert_eq!(Client::new(address).ask("GET /health", ""), 200);
        asked.push(at.elapsed());
        most = most.max(memory(&server));
        std::thread::sleep(Duration::from_millis(20));
    }
    // Those for which there was no room in time are told to come again.
    let statuses: Vec<u16> = senders.into_iter().filter_map(|sender| sender.join().ok()).collect();
    assert_eq!(statuses.len() as u64, AT_ONCE);
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200));
    asked.sort();
    let median = asked[asked.len() / 2];
    eprintln!(
        "memory {before} KiB, {most} KiB at most; /health {median:.1?}, {:.1?} at most",
        asked[asked.len() - 1]
    );
    assert!(median < Duration::from_millis(50), "/health took {median:?}");
    assert!(most < before + 150_000, "memory grew from {before} to {most} KiB");
    assert_eq!(server.hook(&delivery("Hard", 1)).1["responses"][0]["decision"], "rollback");
}
