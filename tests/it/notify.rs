//! `--notify` of `extract`, `gate` and `run`: who is told what, and that no address is told to anybody.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use crate::it::support::{Folder, Ran, Run, program, ran, visible};
use serde_json::{Value, json};

/// A chat that takes one message with this status, and what it was told: request head and body.
struct Chat {
    port: u16,
    thread: JoinHandle<(String, Value)>,
}

impl Chat {
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).expect("a line") > 0, "cut off: {head}");
            }
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .expect("a length");
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the whole body");
            let answer = format!("HTTP/1.1 {status} Word\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).expect("it is read");
            (head, serde_json::from_slice(&body).expect("JSON"))
        });
        Self { port, thread }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/services/hush", self.port)
    }

    /// What it was told. To be called when the program has ended: a chat that still waits was told nothing.
    fn told(self) -> (String, Value) {
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.thread.join().expect("it was told")
    }
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Four of eight fail. Means: risk 0.44, maker 0.79, net 2.1, p95 360.
fn failing() -> Folder {
    Run::passing(8)
        .failing(&[2, 3, 4, 5])
        .edit(6, |json| json["tuning"]["velocity_violation"] = json!(true))
        .in_temp()
}

const LINE: &str = "Soak [FAIL] FAIL | risk=0.44 | mt=0.79 | net=2.10 | latency=360ms | guards=1 | reason: `net_bps` is below 2.70 in 4 of 8 iterations (2-5), lowest 1.00; also `risk_ratio` in 4";

#[track_caller]
fn says_nothing_of(secret: &[&str], place: &Folder, told: &Ran) {
    let written = visible(place.path()).into_values().map(|bytes| String::from_utf8(bytes).expect("text"));
    for text in written.chain([told.stdout.clone(), told.stderr.clone()]) {
        for part in secret {
            assert!(!text.contains(part), "{text}");
        }
    }
}

#[test]
fn slack_is_told_of_a_fail() {
    let (chat, place) = (Chat::start(200), failing());
    let (url, port) = (chat.url(), chat.port.to_string());
    let told = place.soak("extract", &["-vvv", "--notify", "slack", "--webhook-url", &url]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let (head, body) = chat.told();
    assert!(head.starts_with("POST /services/hush HTTP/1.1\r\n"), "{head}");
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["text"]);
    assert!(body["text"].as_str().expect("text").starts_with(LINE), "{body}");
    assert!(told.stderr.contains("note: the notification was delivered"), "{}", told.stderr);
    says_nothing_of(&["hush", &port], &place, &told);
}

#[test]
fn telegram_is_told_of_a_fail() {
    let (chat, place) = (Chat::start(200), failing());
    let url = chat.url();
    let told =
        place.soak("extract", &["--notify", "telegram", "--webhook-url", &url, "--chat-id", "-1001234567"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let (head, body) = chat.told();
    assert!(head.starts_with("POST /services/hush HTTP/1.1\r\n"), "{head}");
    assert_eq!(body["chat_id"], "-1001234567");
    assert!(body["text"].as_str().expect("text").starts_with(LINE), "{body}");
    says_nothing_of(&["hush"], &place, &told);
}

#[test]
fn the_url_may_come_from_a_variable() {
    for (platform, variable) in
        [("slack", "SLACK_WEBHOOK"), ("telegram", "TELEGRAM_WEBHOOK"), ("slack", "SOAK_WEBHOOK_URL")]
    {
        let (chat, place) = (Chat::start(200), failing());
        let url = chat.url();
        let mut command = place.command("extract", &["--notify", platform]);
        let told = ran(command.env(variable, url).env("TELEGRAM_CHAT_ID", "1"));
        assert_eq!(told.code, 0, "{variable}: {}", told.stderr);
        assert!(chat.told().1["text"].as_str().expect("text").starts_with("Soak [FAIL]"), "{variable}");
        says_nothing_of(&["hush"], &place, &told);
    }
}

#[test]
fn the_true_verdict_stands_behind_the_published_one() {
    let chat = Chat::start(200);
    let url = chat.url();
    Run::passing(7).in_temp().soak("extract", &["--notify", "slack", "--webhook-url", &url]);
    let (_, body) = chat.told();
    assert!(
        body["text"].as_str().expect("text").starts_with("Soak [FAIL] INCONCLUSIVE | risk=0.33 | "),
        "{body}"
    );
}

#[test]
fn a_warn_is_told_and_a_pass_is_not() {
    let chat = Chat::start(200);
    let url = chat.url();
    // A PASS does not even connect; if it did, the chat would be gone when the WARN comes.
    let told = Run::passing(8).in_temp().soak("extract", &["--notify", "slack", "--webhook-url", &url]);
    assert_eq!(told.code, 0);
    assert!(told.stderr.contains("no notification is sent"), "{}", told.stderr);
    Run::passing(8)
        .failing(&[2, 3, 4])
        .in_temp()
        .soak("extract", &["--notify", "slack", "--webhook-url", &url]);
    assert!(chat.told().1["text"].as_str().expect("text").starts_with("Soak [WARN] WARN | "));
}

#[test]
fn a_chat_that_is_down_or_refuses_changes_no_exit_code_and_its_address_stays_secret() {
    for fail_on in [None, Some("fail")] {
        let place = failing();
        let port = closed_port().to_string();
        let url = format!("http://127.0.0.1:{port}/services/hush");
        let mut command = place.command("extract", &["-vvv", "--notify", "slack", "--webhook-url", &url]);
        if let Some(fail_on) = fail_on {
            command.args(["--fail-on", fail_on]);
        }
        let told = ran(&mut command);
        assert_eq!(told.code, i32::from(fail_on.is_some()), "{}", told.stderr);
        assert!(told.stderr.contains("warning: the notification to slack failed"), "{}", told.stderr);
        assert_eq!(told.json()["verdict"], "FAIL");
        let error = told.json()["notification_error"].as_str().expect("it failed").to_owned();
        assert!(error.starts_with("the notification to slack failed"), "{error}");
        assert!(!place.text("POST_SOAK_SNAPSHOT.json").contains("notification_error"));
        says_nothing_of(&["hush", &port], &place, &told);
    }
    let (chat, place) = (Chat::start(403), failing());
    let (url, port) = (chat.url(), chat.port.to_string());
    let told = place.soak("extract", &["--notify", "slack", "--webhook-url", &url]);
    chat.told();
    assert_eq!(told.code, 0);
    assert!(told.stderr.contains("the server answered 403"), "{}", told.stderr);
    says_nothing_of(&["hush", &port], &place, &told);
}

const LINK: &str = "https://ci.example/runs/7?a=1&b=<2>";

#[test]
fn a_link_stands_below_the_line_and_slack_gets_it_escaped() {
    let (chat, place) = (Chat::start(200), failing());
    let url = chat.url();
    place.soak("extract", &["--notify", "slack", "--webhook-url", &url, "--link", LINK]);
    let text = chat.told().1["text"].as_str().expect("text").to_owned();
    assert!(text.starts_with(&LINE.replace('>', "&gt;")), "{text}");
    assert_eq!(text.lines().last(), Some("https://ci.example/runs/7?a=1&amp;b=&lt;2&gt;"));
    assert_eq!(text.lines().count(), 2);

    let (chat, place) = (Chat::start(200), failing());
    let url = chat.url();
    place.soak("extract", &["--notify", "webhook", "--webhook-url", &url, "--link", LINK]);
    let text = chat.told().1["text"].as_str().expect("text").to_owned();
    assert_eq!(text.lines().last(), Some(LINK));
}

#[test]
fn the_gate_tells_what_it_judged_and_its_exit_code_stays() {
    let (chat, place) = (Chat::start(500), failing());
    let url = chat.url();
    // The chat refuses once and is gone then.
    let told = place.soak("gate", &["--notify", "slack", "--webhook-url", &url, "--link", LINK]);
    assert_eq!(told.code, 1);
    assert!(chat.told().1["text"].as_str().expect("text").starts_with(LINE));
    assert!(told.stderr.contains("warning: the notification to slack failed"), "{}", told.stderr);
    says_nothing_of(&["hush"], &place, &told);

    let told = place.soak("gate", &["--notify", "slack"]);
    assert_eq!(told.code, 2, "{}", told.stderr);
}

#[test]
fn the_end_of_a_run_is_told_with_a_link() {
    let chat = Chat::start(200);
    let place = Run::passing(8).in_temp();
    let out = place.path().join("runs");
    let args = ["--mock", "--iterations", "3", "--notify", "telegram", "--chat-id", "7", "--link", LINK];
    let mut command = program();
    let url = chat.url();
    let told = ran(command.arg("run").arg("--out").arg(out).args(args).env("TELEGRAM_WEBHOOK", url));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let text = chat.told().1["text"].as_str().expect("text").to_owned();
    assert!(text.starts_with("Soak run [COMPLETE] 3 of 3 iterations; gate INCONCLUSIVE: "), "{text}");
    let origin = " | SIMULATED: the data comes from a simulator, not valid for a release";
    assert!(text.lines().next().is_some_and(|line| line.ends_with(origin)), "{text}");
    assert_eq!(text.lines().last(), Some(LINK));
    says_nothing_of(&["hush"], &place, &told);
}

#[test]
fn a_link_that_is_no_address_is_a_usage_error() {
    let place = failing();
    for link in ["javascript:alert(1)", "ci", "https://a b"] {
        let url = "http://127.0.0.1:1/hush";
        let told = place.soak("extract", &["--notify", "slack", "--webhook-url", url, "--link", link]);
        assert_eq!(told.code, 2, "{}", told.stderr);
    }
    assert_eq!(place.soak("extract", &["--link", LINK]).code, 2);
    assert_eq!(place.written(), Vec::<String>::new());
}

#[test]
fn a_notification_to_nowhere_is_a_usage_error_before_anything_is_done() {
    let place = failing();
    for args in [
        &["--notify", "slack"][..],
        &["--notify", "telegram"],
        &["--notify", "telegram", "--webhook-url", "https://example.test/hush"],
        &["--notify", "irc"],
        &["--webhook-url", "https://example.test/hush"],
    ] {
        let told = place.soak("extract", args);
        assert_eq!(told.code, 2, "{args:?}: {}", told.stderr);
        says_nothing_of(&["hush"], &place, &told);
    }
    assert_eq!(place.written(), Vec::<String>::new());
}
