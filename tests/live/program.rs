//! `soak run --serve` as its users meet it: the real program, asked while it runs, until it has ended.

#![expect(clippy::disallowed_methods, reason = "these tests start the program and are its clients")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A run that serves itself; ended when the test does.
struct Run {
    child: Child,
    address: String,
    _stderr: BufReader<ChildStderr>,
    _folder: tempfile::TempDir,
}

impl Drop for Run {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts a run and reads its address from stderr.
fn start(iterations: &str, interval: &str) -> Run {
    let folder = tempfile::tempdir().expect("a folder for the run");
    let mut child = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["run", "--mock", "--auto-tune", "--real-time", "--serve", "0"])
        .args(["--interval", interval, "--iterations", iterations, "--out", "out"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("| SERVE |") {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("stderr is text") > 0, "the address is not told");
    }
    let (_, rest) = line.split_once("url=http://").expect("an address");
    let (address, _) = rest.split_once('/').expect("an address ends");
    Run { child, address: address.to_owned(), _stderr: stderr, _folder: folder }
}

/// Sends a request; the connection stays open for its answer.
fn send(run: &Run, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&run.address).expect("the run listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", run.address)
        .expect("the run reads");
    stream
}

/// The body of a good answer.
fn get(run: &Run, path: &str) -> String {
    let mut answer = String::new();
    send(run, path).read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    body.to_owned()
}

fn wait(run: &mut Run) -> i32 {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(status) = run.child.try_wait().expect("the program can be waited for") {
            return status.code().expect("an exit code");
        }
        assert!(Instant::now() < until, "the program does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_is_seen_while_it_runs_and_its_end_is_told() {
    let mut run = start("8", "0.4");
    let mut events = send(&run, "/events");
    assert!(get(&run, "/").contains("<h1>soak <span id=\"source\">sim</span></h1>"));
    assert!(get(&run, "/metrics").contains("soak_iterations_declared 8\n"));
    assert_eq!(get(&run, "/healthz"), "{\"run\":\"running\",\"status\":\"ok\"}\n");
    let document: Value = serde_json::from_str(&get(&run, "/api/iterations?since=0")).expect("JSON");
    assert_eq!((&document["run"]["state"], &document["run"]["declared"]), (&"running".into(), &8.into()));
    let ahead: Value = serde_json::from_str(&get(&run, "/api/iterations?since=99")).expect("JSON");
    assert_eq!(ahead["iterations"], Value::Array(Vec::new()));

    let mut told = String::new();
    events.read_to_string(&mut told).expect("the events end with the run");
    let ended = Instant::now();
    let documents: Vec<Value> = told
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
        .map(|text| serde_json::from_str(&format!("{{{text}")).expect("JSON"))
        .collect();
    let numbers: Vec<u64> = documents
        .iter()
        .flat_map(|document| document["iterations"].as_array().expect("iterations"))
        .map(|row| row["iteration"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>(), "each iteration is told once");
    let last = &documents.last().expect("an event")["run"];
    assert_eq!(last["state"], "complete");
    assert!(last["verdict"]["outcome"].is_string(), "{last}");
    assert!(last["decision"].as_str().expect("a decision").contains("Next: soak "), "{last}");
    assert!(told.contains("event: end\ndata: complete\n"), "{told}");
    assert_eq!(wait(&mut run), 0);
    assert!(ended.elapsed() < Duration::from_secs(2), "{:?}", ended.elapsed());
    assert!(TcpStream::connect(&run.address).is_err(), "nobody listens any more");
}

#[test]
fn two_runs_serve_side_by_side() {
    let (first, second) = (start("50", "0.5"), start("60", "0.5"));
    assert_ne!(first.address, second.address);
    assert!(get(&first, "/metrics").contains("soak_iterations_declared 50\n"));
    assert!(get(&second, "/metrics").contains("soak_iterations_declared 60\n"));
}

/// The value of a sample; the first whose line begins so.
fn sample(metrics: &str, begin: &str) -> f64 {
    let line = metrics.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no {begin}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

#[test]
fn a_simulated_run_shows_the_metrics_of_its_trading_system_and_its_counters_only_grow() {
    use soak::core::iteration::bot_metrics::{CONTRACT, Kind};

    // An interval of a minute: within the test the first iteration does not end.
    let run = start("3", "60");
    let mut before: Option<String> = None;
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(400));
        let text = get(&run, "/metrics");
        for metric in CONTRACT {
            let is_edge = metric.name.starts_with("mm_edge_bps_");
            // The edge of an iteration is known when it has ended.
            let type_line = format!("# TYPE {} {}\n", metric.name, metric.kind.word());
            assert_eq!(text.contains(&type_line), !is_edge, "{}", metric.name);
        }
        if let Some(before) = &before {
            assert!(sample(&text, "mm_ticks_total ") > sample(before, "mm_ticks_total "), "{text}");
            let is_growing = |line: &&str| {
                let name = line.split(['{', ' ']).next().unwrap_or_default();
                ["_total", "_bucket", "_sum", "_count"].iter().any(|end| name.ends_with(end))
                    && name.starts_with("mm_")
            };
            let counters: Vec<&str> = before.lines().filter(is_growing).collect();
            assert!(counters.len() > CONTRACT.iter().filter(|metric| metric.kind != Kind::Gauge).count());
            for line in counters {
                let begin = &line[..=line.rfind(' ').expect("a value")];
                assert!(sample(&text, begin) >= sample(before, begin), "{begin}");
            }
        }
        before = Some(text);
    }
    // 300 ticks in 60 s, and two seconds have not passed for many more.
    let ticks = sample(&before.expect("asked"), "mm_ticks_total ");
    assert!((5.0..150.0).contains(&ticks), "{ticks}");
}

#[test]
fn an_iteration_that_has_ended_brings_its_edge_and_all_its_ticks() {
    let run = start("200", "0.3");
    let until = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = get(&run, "/metrics");
        if sample(&text, "soak_iteration ") >= 3.0 {
            break text;
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(sample(&text, "mm_ticks_total ") >= 900.0, "{text}");
    assert!((sample(&text, "mm_edge_bps_ema24h ") - sample(&text, "soak_net_bps ")).abs() < 3.0, "{text}");
}
