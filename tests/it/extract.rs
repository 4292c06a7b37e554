//! `soak extract`: the snapshot to the byte, its exit codes, and the notification.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::support::{Folder, Ran, Run, Step, ran, soak, visible};
use serde_json::{Value, json};

/// The hash of the built-in policy, as `config show` tells it.
fn policy_sha256() -> String {
    let told = soak(&["config", "show", "--format", "json"]).json();
    told["policy_sha256"].as_str().expect("text").to_owned()
}

/// Eight iterations whose statistics can be worked out on paper.
fn calculated() -> Run {
    let net = [2.8, 3.0, 3.0, 3.0, 3.0, 3.0, 3.2, 4.0];
    let risk = [0.2, 0.36, 0.3, 0.3, 0.4, 0.4, 0.4, 0.41];
    let maker = [0.85, 0.86, 0.87, 0.88, 0.89, 0.90, 0.91, 0.84];
    let p95 = [299.5, 310.0, 320.0, 330.0, 340.0, 350.0, 351.0, 300.0];
    (1..=8)
        .map(|number: usize| Step {
            number: number as u64,
            net: net[number - 1],
            risk: risk[number - 1],
            maker: maker[number - 1],
            p95: p95[number - 1],
            freeze: number == 5,
        })
        .collect::<Run>()
        .edit(1, |json| json["tuning"]["signature"] = json!("a"))
        .edit(2, |json| {
            json["tuning"]["signature"] = json!("b");
            json["tuning"]["velocity_violation"] = json!(true);
            json["tuning"]["cooldown_active"] = json!(true);
        })
        .edit(3, |json| {
            json["tuning"]["signature"] = json!("a");
            json["tuning"]["velocity_violation"] = json!(true);
        })
        .with_json(
            "RUN_MANIFEST.json",
            &json!({"schema_version": "1.0", "iterations": 8, "state": "complete",
            "last_complete_iteration": 8, "source": "prüfstand"}),
        )
}

/// Worked out by hand:
/// - net: sum 25, mean 3.125; median of 2.8, six values from 3 to 3.2, 4: 3.
/// - risk: sum 2.77, mean 0.34625; in order .2 .3 .3 .36 | .4 .4 .4 .41, median 0.38.
/// - maker: sum 7, mean 0.875; median of .87 and .88: 0.875.
/// - p95: sum 2600.5, mean 325.0625, a tie that goes to the even digit; median of 320 and 330: 325.
/// - 7 misses by its latency and 8 by its maker share, so 6 pass; a freeze in 5: PASS.
/// - risk rises by 0.16 from 1 to 2: one anomaly. Signatures a, b, a: one loop.
fn expected() -> String {
    concat!(
        r#"{"anomalies_count":1,"freeze_ready":true,"freeze_seen":true,"#,
        r#""guards_last8":{"cooldown_count":1,"freeze_events":1,"oscillation_count":0,"velocity_count":2},"#,
        r#""iterations":[1,2,3,4,5,6,7,8],"kpi_gate_parity":null,"kpi_last8":{"#,
        r#""maker_taker_ratio":{"mean":0.875,"median":0.875},"net_bps":{"mean":3.125,"median":3.0},"#,
        r#""p95_latency_ms":{"mean":325.062,"median":325.0},"risk_ratio":{"mean":0.346,"median":0.38}},"#,
        r#""limits":"production","outcome":"PASS","#,
        r#""outcome_reason":"6 of 8 iterations pass, and a freeze was seen or is not asked for","#,
        r#""pass_count_last8":6,"policy_sha256":"POLICY","schema_version":"1.1","signature_loops":1,"#,
        r#""source":"pr\u00fcfstand","#,
        r#""time_range":{"from":"2026-01-01T00:05:00Z","to":"2026-01-01T00:40:00Z"},"#,
        r#""tool_version":"VERSION","verdict":"PASS"}"#,
        "\n",
    )
    .replace("POLICY", &policy_sha256())
    .replace("VERSION", env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_snapshot_of_a_run_worked_out_by_hand_is_right_to_the_byte() {
    let place = calculated().in_temp();
    let Ran { code, stdout, stderr } = place.soak("extract", &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout, expected());
    assert_eq!(place.text("POST_SOAK_SNAPSHOT.json"), expected());
    assert_eq!(place.written(), ["POST_SOAK_SNAPSHOT.json"]);
}

#[test]
fn the_gate_writes_the_same_snapshot() {
    let place = calculated().in_temp();
    place.soak("gate", &[]);
    assert_eq!(place.text("POST_SOAK_SNAPSHOT.json"), expected());
}

#[test]
fn pretty_is_for_stdout_alone() {
    let place = calculated().in_temp();
    let Ran { stdout, .. } = place.soak("extract", &["--pretty"]);
    assert!(stdout.starts_with("{\n  \"anomalies_count\": 1,\n  \"freeze_ready\": true,\n"), "{stdout}");
    assert!(stdout.ends_with("\n}\n"));
    let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(value(&stdout), value(&expected()));
    assert_eq!(place.text("POST_SOAK_SNAPSHOT.json"), expected());
}

#[test]
fn the_verdict_of_another_gate_is_compared() {
    for (content, parity) in [
        (r#"{"verdict": "PASS"}"#, json!(true)),
        (r#"{"verdict": "FAIL"}"#, json!(false)),
        ("{}", Value::Null),
        ("{", Value::Null),
    ] {
        let place = Run::passing(8).with("KPI_GATE.json", content).in_temp();
        assert_eq!(place.soak("extract", &[]).json()["kpi_gate_parity"], parity, "{content}");
    }
}

#[test]
fn what_is_unknown_is_null_and_what_is_0_is_0() {
    let run = (1..=8).fold(Run::passing(8), |run, number| {
        run.edit(number, |json| {
            json["summary"]["net_bps"] = json!(0);
            json["summary"].as_object_mut().expect("an object").remove("risk_ratio");
        })
    });
    let told = run.in_temp().soak("extract", &[]).json();
    assert_eq!(told["kpi_last8"]["risk_ratio"], json!({"mean": null, "median": null}));
    assert_eq!(told["kpi_last8"]["net_bps"], json!({"mean": 0.0, "median": 0.0}));
    assert_eq!((&told["verdict"], &told["outcome"]), (&json!("FAIL"), &json!("INVALID")));
}

#[test]
fn not_a_number_never_reaches_the_snapshot() {
    let nan = Step::good(3).json().to_string().replace("\"net_bps\":3.2", "\"net_bps\":NaN");
    let place = Run::passing(8).with("ITER_SUMMARY_3.json", nan).in_temp();
    let told = place.soak("extract", &[]);
    assert_eq!(told.json()["pass_count_last8"], 7);
    assert_eq!(told.json()["kpi_last8"]["net_bps"]["mean"], 3.2);
    assert!(told.stderr.contains("`net_bps`") && told.stderr.contains('3'), "{}", told.stderr);
}

// Exit codes.

#[test]
fn any_verdict_exits_0_unless_fail_on_says_otherwise() {
    let codes = |run: &Run| {
        let place = run.in_temp();
        let code = |args: &[&str]| place.soak("extract", args).code;
        let detailed = |args: &[&str]| code(&[args, &["--detailed-exitcode"]].concat());
        [
            code(&[]),
            detailed(&[]),
            code(&["--fail-on", "warn"]),
            detailed(&["--fail-on", "warn"]),
            code(&["--fail-on", "fail"]),
            detailed(&["--fail-on", "fail"]),
        ]
    };
    assert_eq!(codes(&Run::passing(8)), [0; 6]);
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4])), [0, 0, 1, 1, 0, 0]);
    assert_eq!(codes(&Run::passing(8).failing(&[2, 3, 4, 5])), [0, 0, 1, 1, 1, 1]);
    assert_eq!(codes(&Run::passing(7)), [0, 0, 1, 3, 1, 3]);
    assert_eq!(codes(&Run::passing(8).with("ITER_SUMMARY_8.json", "{")), [0, 0, 1, 4, 1, 4]);
}

#[test]
fn nothing_to_extract_exits_1_and_nothing_is_written() {
    for run in [
        Run::default(),
        Run::default().with("ITER_SUMMARY_1.json", "{"),
        Run::default().with("ITER_1.json", "{}"),
    ] {
        let place = run.in_temp();
        let before = visible(place.path());
        let Ran { code, stdout, stderr } = place.soak("extract", &[]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains("error: there is nothing to extract in `"), "{stderr}");
        assert_eq!(place.soak("extract", &["--detailed-exitcode"]).code, 4);
        assert_eq!(visible(place.path()), before);
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_is_printed_all_the_same() {
    let place = Run::passing(8).with("taken", "").in_temp();
    let taken = place.file("taken");
    let told = place.soak("extract", &["--detailed-exitcode", "--out", taken.to_str().expect("plain")]);
    assert_eq!(told.code, 5);
    assert_eq!(told.json()["verdict"], "PASS");
}

#[test]
fn prometheus_compare_and_out_work_as_for_the_gate() {
    let (place, out) = (calculated().in_temp(), Run::default().in_temp());
    let told = place.soak("extract", &["--prometheus", "--out", out.path().to_str().expect("plain")]);
    assert_eq!(told.code, 0);
    assert_eq!(out.written(), ["POST_SOAK_METRICS.prom", "POST_SOAK_SNAPSHOT.json"]);
    assert_eq!(place.written(), Vec::<String>::new());
    assert!(out.text("POST_SOAK_METRICS.prom").contains("\nsoak_kpi_latency_p95_mean 325.062\n"));
    let baseline = out.file("POST_SOAK_SNAPSHOT.json");
    let told = place.soak("extract", &["--compare", baseline.to_str().expect("plain")]);
    assert!(told.stderr.contains("  net_bps.mean: 3.125 → 3.125 (+0.0%)"), "{}", told.stderr);
    assert_eq!(
        place
            .soak("extract", &["--detailed-exitcode", "--require-baseline", "--compare", "nowhere.json"])
            .code,
        4
    );
}

// Notification.

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

    fn told(self) -> (String, Value) {
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

const LINE: &str = "Soak [FAIL] FAIL | risk=0.44 | mt=0.79 | net=2.10 | latency=360ms | guards=1 | reason: 4 of 8 iterations pass";

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
    assert!(told.stderr.contains("nobody is notified"), "{}", told.stderr);
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
