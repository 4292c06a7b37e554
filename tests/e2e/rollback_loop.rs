//! The whole loop with the real programs on this machine: a soak whose market has a latency storm, Prometheus with our
//! rules, Alertmanager with our configuration, the rollback watcher, and a trading system's API of this test.
//!
//! Only times, addresses and secrets of the files in `deploy/` are changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::e2e::has;
use crate::e2e::servers::{free_port, read_request, serve};

const TOKEN: &str = "a-token-for-the-hook-0123456789";
const ADMIN_TOKEN: &str = "a-token-for-the-trading-system";
/// What a rollback asks of the API, in order.
const ACTIONS: [&str; 4] = [
    "PUT /admin/strategy/scale",
    "PUT /admin/circuit-breaker",
    "PUT /admin/orders/freeze",
    "POST /pagerduty",
];

/// The trading system: an API that changes its state, metrics that show it, and the chats of its people.
#[derive(Default)]
struct Trading {
    /// Method and path, head, body.
    asked: Vec<(String, String, Value)>,
    scale: f64,
    is_open: bool,
    is_frozen: bool,
}

impl Trading {
    /// Orders rest while it trades.
    fn metrics(&self) -> String {
        let orders = if self.scale > 0.0 && !self.is_open && !self.is_frozen { 5 } else { 0 };
        let (open, closed) = (u8::from(self.is_open), u8::from(!self.is_open));
        format!(
            "mm_active_orders {orders}\nmm_circuit_breaker_state{{state=\"open\"}} {open}\n\
             mm_circuit_breaker_state{{state=\"half_open\"}} 0\nmm_circuit_breaker_state{{state=\"closed\"}} {closed}\n"
        )
    }

    /// Takes a request; the answer's status and body.
    fn answer(&mut self, line: &str, head: &str, body: &[u8]) -> (u16, String) {
        let line = line.trim_end_matches(" HTTP/1.1").to_owned();
        if line.starts_with("GET /metrics") {
            return (200, self.metrics());
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        self.asked.push((line.clone(), head.to_owned(), body.clone()));
        let is_admin = head.to_lowercase().contains(&format!("authorization: bearer {ADMIN_TOKEN}\r\n"));
        match line.as_str() {
            "PUT /admin/strategy/scale" if is_admin => {
                self.scale = body["target"].as_f64().unwrap_or(f64::NAN);
            }
            "PUT /admin/circuit-breaker" if is_admin => self.is_open = body["state"] == "OPEN",
            "PUT /admin/orders/freeze" if is_admin => self.is_frozen = body["enabled"] == true,
            "POST /pagerduty" => return (202, r#"{"status":"success"}"#.to_owned()),
            "POST /slack" | "POST /people" => return (200, "ok".to_owned()),
            _ => return (403, "{}".to_owned()),
        }
        (200, "{}".to_owned())
    }
}

fn trading() -> (u16, Arc<Mutex<Trading>>) {
    let trading = Arc::new(Mutex::new(Trading { scale: 1.0, ..Trading::default() }));
    let shared = Arc::clone(&trading);
    let address = serve(move |mut connection| {
        let Some((head, body)) = read_request(&connection) else { return };
        let line = head.lines().next().unwrap_or_default().to_owned();
        let (status, text) = shared.lock().expect("no panic holds it").answer(&line, &head, &body);
        let head = format!(
            "HTTP/1.1 {status} Word\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            text.len()
        );
        // A client that has gone is its own affair.
        let _ = connection.write_all((head + &text).as_bytes());
    });
    (address.port(), trading)
}

/// A program of this test; killed when dropped, a failing test included.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the program starts"))
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The log of the test, with the time since its begin.
pub(crate) struct Told(pub(crate) Instant);

impl Told {
    pub(crate) fn say(&self, words: impl std::fmt::Display) {
        eprintln!("{:7.2} s  {words}", self.0.elapsed().as_secs_f64());
    }

    /// Waits until something is there.
    pub(crate) fn until<T>(&self, what: &str, limit: u64, mut look: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look() {
                self.say(what);
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(limit), "not within {limit} s: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

pub(crate) fn deploy(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text with each of these replaced; each has to be there.
fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not there any more");
        text.replace(from, to)
    })
}

pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    // HTTP/1.0 has no chunks.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.split(' ').nth(1) == Some("200")).then(|| body.to_owned())
}

/// Rules with a `for` of two seconds, looked at every second.
pub(crate) fn rules(folder: &Path) {
    for name in ["rules_soak.yml", "alerts_soak.yml", "alerts_soak_runner.yml"] {
        let text = deploy(&format!("prometheus/{name}"));
        let lines = text.lines().map(|line| {
            let indent = &line[..line.len() - line.trim_start().len()];
            match line.trim_start().split_once(": ") {
                Some(("for", _)) => format!("{indent}for: 2s"),
                Some(("interval", _)) => format!("{indent}interval: 1s"),
                _ => line.to_owned(),
            }
        });
        fs::write(folder.join(name), lines.collect::<Vec<_>>().join("\n") + "\n").expect("written");
    }
}

/// Prometheus: our configuration with shorter times and the addresses of this test.
fn prometheus(folder: &Path, ports: &Ports) -> Running {
    rules(folder);
    let text = changed(
        &deploy("prometheus/prometheus.yml"),
        &[
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("scrape_timeout: 10s", "scrape_timeout: 1s"),
            ("evaluation_interval: 30s", "evaluation_interval: 1s"),
            ("[127.0.0.1:9093]", &format!("['127.0.0.1:{}']", ports.alertmanager)),
            ("[127.0.0.1:9099]", &format!("['127.0.0.1:{}']", ports.exporter)),
            ("[127.0.0.1:8080]", &format!("['127.0.0.1:{}']", ports.watcher)),
            ("[127.0.0.1:9090]", &format!("['127.0.0.1:{}']", ports.prometheus)),
            // The trading system: what the simulator measures, and what its API says of its state.
            (
                "      - targets: [127.0.0.1:9100]\n        labels: { env: prod, exchange: bybit }\n",
                &format!(
                    "      - targets: ['127.0.0.1:{}']\n        labels: {{ env: prod, exchange: bybit }}\n    \
                     metric_relabel_configs:\n      - {{ source_labels: [__name__], regex: \
                     'mm_active_orders|mm_circuit_breaker_state', action: drop }}\n  - job_name: mm-api\n    \
                     static_configs:\n      - targets: ['127.0.0.1:{}']\n        labels: {{ env: prod, exchange: \
                     bybit }}\n",
                    ports.exporter, ports.trading
                ),
            ),
        ],
    );
    let config = folder.join("prometheus.yml");
    fs::write(&config, text).expect("written");
    Running::start(
        Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", ports.prometheus))
            .stderr(Stdio::null()),
    )
}

/// Alertmanager: our configuration with shorter times and the addresses of this test.
fn alertmanager(folder: &Path, ports: &Ports) -> Running {
    let secret = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let people = secret("slack-url", &format!("http://127.0.0.1:{}/people", ports.trading));
    let key = secret("pagerduty-key", "0123456789abcdef0123456789abcdef");
    let token = secret("hook-token", TOKEN);
    let text = changed(
        &deploy("alertmanager/alertmanager.yml"),
        &[
            ("http://127.0.0.1:8080/alert-hook", &format!("http://127.0.0.1:{}/alert-hook", ports.watcher)),
            ("/etc/alertmanager/secrets/hook-token", &token),
            ("/etc/alertmanager/secrets/slack-url", &people),
            // People's own pager is not the watcher's: it goes to their chat here.
            (
                "      - routing_key_file: /etc/alertmanager/secrets/pagerduty-key\n",
                &format!(
                    "      - routing_key_file: {key}\n        url: http://127.0.0.1:{}/people\n",
                    ports.trading
                ),
            ),
            ("group_wait: 5s", "group_wait: 1s"),
            ("group_interval: 1m", "group_interval: 2s"),
            ("repeat_interval: 4h", "repeat_interval: 4s"),
            ("repeat_interval: 5m", "repeat_interval: 4s"),
        ],
    );
    let config = folder.join("alertmanager.yml");
    fs::write(&config, text).expect("written");
    Running::start(
        Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", ports.alertmanager))
            .arg("--cluster.listen-address=")
            .stderr(Stdio::null()),
    )
}

/// The policy of the repository with the addresses of this test, and shorter waits.
fn policy(folder: &Path, ports: &Ports) -> PathBuf {
    let text = changed(
        &deploy("policies/rollback.yaml"),
        &[
            ("http://127.0.0.1:8081", &format!("http://127.0.0.1:{}", ports.trading)),
            ("url: http://127.0.0.1:9090", &format!("url: http://127.0.0.1:{}", ports.prometheus)),
            ("wait_seconds: 60", "wait_seconds: 3"),
            (
                "    method: pagerduty\n",
                &format!("    method: pagerduty\n    url: http://127.0.0.1:{}/pagerduty\n", ports.trading),
            ),
        ],
    );
    let path = folder.join("rollback.yaml");
    fs::write(&path, text).expect("written");
    path
}

struct Ports {
    exporter: u16,
    trading: u16,
    watcher: u16,
    prometheus: u16,
    alertmanager: u16,
}

fn watcher(folder: &Path, ports: &Ports) -> Running {
    let stderr =
        fs::OpenOptions::new().create(true).append(true).open(folder.join("watcher.log")).expect("a file");
    Running::start(
        Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["rollback", "serve", "--live", "--policy"])
            .arg(folder.join("rollback.yaml"))
            .arg("--log")
            .arg(folder.join("audit.jsonl"))
            .arg("--token-file")
            .arg(folder.join("hook-token"))
            .args(["--listen", &format!("127.0.0.1:{}", ports.watcher)])
            .env("MM_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("PAGERDUTY_ROUTING_KEY", "fedcba9876543210fedcba9876543210")
            .env("SLACK_WEBHOOK", format!("http://127.0.0.1:{}/slack", ports.trading))
            .stderr(stderr),
    )
}

/// A server of soak that tells on stderr where it listens; its port.
pub(crate) fn listening(command: &mut Command) -> (Running, u16) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("http://127.0.0.1:")?.1.split(['/', ' ']).next()?.parse().ok());
    // Somebody has to read what it goes on to say.
    std::thread::spawn(move || lines.for_each(drop));
    (Running(child), port.expect("it tells where it listens"))
}

/// `soak run` with a latency storm, in real time; its port.
pub(crate) fn soak(folder: &Path) -> (Running, u16) {
    listening(
        Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["run", "--mock", "--scenario", "latency-storm", "--real-time", "--interval", "20"])
            .args(["--iterations", "60", "--serve", "0", "--out"])
            .arg(folder.join("soak")),
    )
}

/// The sum of the samples whose line begins so.
fn sum(port: u16, begin: &str) -> Option<f64> {
    let text = get(port, "/metrics")?;
    let values =
        text.lines().filter(|line| line.starts_with(begin)).filter_map(|line| line.rsplit(' ').next());
    Some(values.filter_map(|value| value.parse::<f64>().ok()).sum())
}

/// How often each action was asked for.
fn counts(trading: &Mutex<Trading>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (line, ..) in &trading.lock().expect("no panic holds it").asked {
        if ACTIONS.contains(&line.as_str()) {
            *counts.entry(line.clone()).or_default() += 1;
        }
    }
    counts
}

fn soak_log(folder: &Path, command: &str) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["rollback", "log", command])
        .arg(folder.join("audit.jsonl"))
        .output()
        .expect("the program starts");
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn a_latency_storm_leads_to_one_rollback_that_is_verified_and_written_down() {
    if !["prometheus", "prometheus-alertmanager"].into_iter().all(has) {
        return;
    }
    let told = Told(Instant::now());
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    let (trading_port, trading) = trading();
    let (_soak, exporter) = soak(folder);
    told.say("soak run has begun its latency storm");
    let ports = Ports {
        exporter,
        trading: trading_port,
        watcher: free_port(),
        prometheus: free_port(),
        alertmanager: free_port(),
    };
    policy(folder, &ports);
    let _alertmanager = alertmanager(folder, &ports);
    let _prometheus = prometheus(folder, &ports);
    let mut watching = watcher(folder, &ports);
    told.until("the watcher is healthy", 20, || get(ports.watcher, "/health"));
    told.until("prometheus is ready", 30, || get(ports.prometheus, "/-/ready"));
    told.until("alertmanager is ready", 30, || get(ports.alertmanager, "/-/ready"));

    let firing = told.until("a hard gate fires", 90, || {
        let alerts: Value = serde_json::from_str(&get(ports.prometheus, "/api/v1/alerts")?).ok()?;
        let alerts = alerts["data"]["alerts"].as_array()?.clone();
        alerts.into_iter().find(|alert| alert["state"] == "firing" && alert["labels"]["gate"] == "hard")
    });
    told.say(format_args!("  {}: {}", firing["labels"]["alertname"], firing["annotations"]["summary"]));
    assert_eq!((&firing["labels"]["env"], firing["labels"].get("runbooks")), (&"prod".into(), None));
    let url = firing["annotations"]["runbook_url"].as_str().unwrap_or_default();
    assert!(url.starts_with("https://runbooks.example.org/soak/Soak"), "{url}");

    told.until("the trading API has seen the actions", 60, || {
        (counts(&trading).len() == ACTIONS.len()).then_some(())
    });
    check_actions(&trading.lock().expect("no panic holds it"));
    told.until(
        "the rollback is verified: prometheus says that no order rests and the breaker is open",
        60,
        || {
            let verified = sum(ports.watcher, "soak_rollback_verifications_total{result=\"verified\"}")?;
            (verified > 0.0).then_some(())
        },
    );

    told.until(
        "the open breaker fires, and the watcher knows it as the consequence of its rollback",
        60,
        || {
            let known = sum(ports.watcher, "soak_rollback_decisions_total{decision=\"consequence\"}")?;
            (known > 0.0).then_some(())
        },
    );

    let repeated = |least: f64| {
        let repeated = sum(ports.watcher, "soak_rollback_decisions_total{decision=\"repeated\"}")?;
        (repeated >= least).then_some(repeated)
    };
    let seen = told.until("alertmanager has repeated itself three times", 60, || repeated(3.0));
    assert!(seen >= 3.0);
    let once: BTreeMap<String, usize> = ACTIONS.iter().map(|action| ((*action).to_owned(), 1)).collect();
    assert_eq!(counts(&trading), once, "each action once");
    assert!(sum(ports.watcher, "soak_rollback_hooks_total{code=\"200\"}").is_some_and(|hooks| hooks > 3.0));

    watching.kill();
    told.say("the watcher is killed");
    let mut watching = watcher(folder, &ports);
    told.until("the watcher is healthy again", 20, || get(ports.watcher, "/health"));
    told.until("alertmanager has repeated itself to the new watcher three times", 60, || repeated(3.0));
    assert_eq!(counts(&trading), once, "a restart changes nothing");
    watching.kill();

    // People were told by Alertmanager, with the way to the runbook.
    let people = trading.lock().expect("no panic holds it").asked.iter().any(|(line, _, body)| {
        line == "POST /people" && body.to_string().contains("runbooks.example.org/soak/Soak")
    });
    assert!(people, "people are told as well");

    check_log(folder, &told);
}

/// The actions came in the order of the policy, with a key against repetition, and the system does what they say.
fn check_actions(trading: &Trading) {
    let order: Vec<&str> =
        trading.asked.iter().map(|(line, ..)| line.as_str()).filter(|line| ACTIONS.contains(line)).collect();
    assert_eq!(order, ACTIONS, "in the order of the policy");
    let key = |head: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with("idempotency-key:"));
        line.map(ToOwned::to_owned)
    };
    assert!(
        trading
            .asked
            .iter()
            .filter(|(line, ..)| line.starts_with("PUT"))
            .all(|(_, head, _)| key(head).is_some())
    );
    assert_eq!((trading.scale, trading.is_open, trading.is_frozen), (0.0, true, true));
}

/// The log is whole, says what happened, holds no secret, and shows it when somebody changes a letter.
fn check_log(folder: &Path, told: &Told) {
    told.say(format_args!("soak rollback log verify: {}", soak_log(folder, "verify").trim()));
    let log = fs::read_to_string(folder.join("audit.jsonl")).expect("a log");
    let count =
        |word: &str| log.lines().filter(|line| line.contains(&format!("\"type\":\"{word}\""))).count();
    assert_eq!((count("verified"), count("escalated"), count("unknown_outcome")), (1, 0, 0), "{log}");
    for line in soak_log(folder, "show").lines() {
        eprintln!("           | {line}");
    }
    for secret in [TOKEN, ADMIN_TOKEN, "fedcba98"] {
        assert!(!log.contains(secret), "a secret stands in the log");
    }

    // One letter of the log, and it is not whole any more.
    let forged = log.replacen("SoakLatencyP95High", "SoakLatencyP95Hihg", 1);
    let forged = if forged == log { log.replacen("prod", "prad", 1) } else { forged };
    assert_ne!(forged, log);
    fs::write(folder.join("audit.jsonl"), forged).expect("written");
    let done = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["rollback", "log", "verify"])
        .arg(folder.join("audit.jsonl"))
        .output()
        .expect("the program starts");
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stdout));
    told.say("a changed letter in the log is found");
}
