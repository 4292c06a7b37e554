//! `soak serve` as its users meet it: a folder that comes, grows, is emptied, moves away and is replaced.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the program, write its folder, and are its clients"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A server over a folder; ended when the test does.
struct Served {
    child: Child,
    address: String,
    said: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["serve", "--path", "latest", "--listen", "0", "--every", "0.1"])
            .args(args)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).expect("stderr is text") > 0, "the address is not told");
        let (_, rest) = line.split_once("| SERVE | url=http://").expect("an address");
        let address = rest.split_once('/').expect("an address ends").0.to_owned();
        let said = Arc::new(Mutex::new(String::new()));
        let told = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                *told.lock().expect("nobody panics") += &(line + "\n");
            }
        });
        Self { child, address, said, folder }
    }

    fn latest(&self) -> PathBuf {
        self.folder.path().join("latest")
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        body.to_owned()
    }

    /// The document, as soon as it is as wanted.
    fn until(&self, wanted: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let document: Value = serde_json::from_str(&self.get("/api/iterations")).expect("JSON");
            if is_there(&document) {
                return document;
            }
            assert!(Instant::now() < end, "not {wanted}: {}", document["run"]);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn note(document: &Value) -> &str {
    document["run"]["note"].as_str().unwrap_or_default()
}

fn count(document: &Value) -> usize {
    document["iterations"].as_array().map_or(0, Vec::len)
}

fn put(folder: &Path, number: u64, net: f64) {
    fs::create_dir_all(folder).expect("a folder");
    let iteration = json!({
        "iteration": number,
        "summary": {"net_bps": net, "risk_ratio": 0.3, "maker_taker_ratio": 0.9, "p95_latency_ms": 250.0,
                    "runtime_utc": format!("2026-01-01T00:{number:02}:00Z"), "kpi_verdict": "PASS"},
        "tuning": {"deltas": {"min_interval_ms": 5}, "applied": number == 2,
                   "skip_reason": {"velocity": number == 3, "note": ""}},
    });
    fs::write(folder.join(format!("ITER_SUMMARY_{number}.json")), iteration.to_string()).expect("a file");
}

#[test]
fn a_folder_may_come_grow_be_emptied_and_be_replaced_and_each_is_said() {
    let mut served = Served::start(&[]);
    let document = served.until("missing", |document| note(document).contains("there is no folder `latest`"));
    assert_eq!((count(&document), &document["run"]["verdict"]), (0, &Value::Null));
    assert_eq!(served.get("/healthz"), "{\"run\":\"unknown\",\"status\":\"waiting\"}\n");
    assert!(!served.get("/metrics").contains("soak_iteration "));
    assert!(served.get("/").contains("there is no folder `latest`"));

    (1..=8).for_each(|number| put(&served.latest(), number, 3.0));
    let eight = served.until("eight", |document| count(document) == 8);
    assert_eq!((&eight["run"]["state"], &eight["run"]["goes_on"]), (&json!("unknown"), &json!(true)));
    assert_eq!((&eight["run"]["passing"], &eight["run"]["note"]), (&json!(8), &Value::Null));
    assert_eq!(eight["run"]["origin"], "source not recorded: not valid for a release");
    assert!(
        served
            .get("/")
            .contains("<p id=\"origin\" class=\"note\">source not recorded: not valid for a release</p>")
    );
    assert_eq!(eight["run"]["verdict"]["outcome"], "WARN", "no freeze was seen");
    // What a file of another writer says of its tuning.
    assert_eq!(eight["iterations"][1]["applied"], json!({"min_interval_ms": {"old": null, "new": null}}));
    assert_eq!(eight["iterations"][1]["tuning"], "min_interval_ms +5");
    assert_eq!(eight["iterations"][2]["tuning"], "held: velocity limit");
    assert_eq!(served.get("/healthz"), "{\"run\":\"unknown\",\"status\":\"ok\"}\n");
    assert!(served.get("/metrics").contains("soak_iteration 8\n"));

    put(&served.latest(), 9, 2.0);
    let nine = served.until("nine", |document| count(document) == 9);
    assert_eq!(nine["run"]["epoch"], eight["run"]["epoch"], "the same run goes on");
    assert_eq!(nine["iterations"][8]["misses"], json!(["net_bps"]));
    // Rotation takes the oldest away: still the same run.
    fs::remove_file(served.latest().join("ITER_SUMMARY_1.json")).expect("it was there");
    let rotated = served.until("rotated", |document| count(document) == 8);
    assert_eq!(rotated["run"]["epoch"], eight["run"]["epoch"]);

    let emptied = served.folder.path().join("emptied");
    fs::rename(served.latest(), &emptied).expect("moved");
    let gone = served.until("gone", |document| note(document).contains("it was there, and is waited for"));
    assert_eq!((count(&gone), &gone["run"]["verdict"]), (0, &Value::Null));
    fs::create_dir(served.latest()).expect("a folder");
    served.until("empty", |document| note(document).contains("there are no iterations in `latest` any more"));
    (1..=12).for_each(|number| put(&served.latest(), number, 4.0));
    let other = served.until("another run", |document| count(document) == 12);
    assert_ne!(other["run"]["epoch"], eight["run"]["epoch"], "a reader begins anew");

    // Replaced in one go, by a run that is longer: seen by what differs.
    let next = served.folder.path().join("next");
    (1..=14).for_each(|number| put(&next, number, 5.0));
    fs::rename(served.latest(), served.folder.path().join("old")).expect("moved");
    fs::rename(&next, served.latest()).expect("moved");
    let replaced = served.until("replaced", |document| count(document) == 14);
    assert_ne!(replaced["run"]["epoch"], other["run"]["epoch"]);

    let killed = Command::new("kill").args(["-TERM", &served.child.id().to_string()]).status();
    assert!(killed.expect("kill is there").success());
    let status = served.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    std::thread::sleep(Duration::from_millis(100));
    let said = served.said.lock().expect("nobody panics").clone();
    for told in ["there is no folder", "any more", "| soak | SERVED |"] {
        assert!(said.contains(told), "no `{told}` in {said}");
    }
    assert_eq!(fs::read_dir(served.latest()).expect("a folder").count(), 14, "nothing was written");
}

#[test]
fn a_symbol_is_shown_and_one_that_is_not_there_is_said() {
    let per_symbol = |folder: &Path| {
        for (symbol, net) in [("AAA", 4.0), ("BBB", 1.0)] {
            for number in 1..=8 {
                put(folder, number, net);
                let plain = folder.join(format!("ITER_SUMMARY_{number}.json"));
                let mut value: Value =
                    serde_json::from_slice(&fs::read(&plain).expect("a file")).expect("JSON");
                value["symbol"] = json!(symbol);
                fs::remove_file(&plain).expect("it was there");
                let named = folder.join(format!("ITER_SUMMARY_{symbol}_{number}.json"));
                fs::write(named, value.to_string()).expect("a file");
            }
        }
    };
    for (args, symbol, net) in [(&[][..], "BBB", 1.0), (&["--symbol", "AAA"], "AAA", 4.0)] {
        let served = Served::start(args);
        per_symbol(&served.latest());
        // The files come one after the other: until the second symbol has its first one, there is only one symbol.
        let is_whole = |document: &Value| count(document) == 8 && note(document).contains("of 2");
        let document = served.until("shown", is_whole);
        assert_eq!(document["run"]["symbol"], symbol);
        assert_eq!(document["iterations"][0]["values"]["net_bps"], net);
        assert_eq!(document["run"]["verdict"]["outcome"], "FAIL", "the verdict is that on the worst");
        assert!(note(&document).starts_with("this is one symbol of 2"), "{}", document["run"]);
    }
    let served = Served::start(&["--symbol", "CCC"]);
    per_symbol(&served.latest());
    let document = served.until("said", |document| note(document).contains("has no symbol `CCC`"));
    assert_eq!((count(&document), note(&document)), (0, "the run has no symbol `CCC`; it has AAA, BBB"));
}
