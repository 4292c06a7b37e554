//! A folder with a policy and a log, and the program in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What a policy of the tests is made of.
pub struct Policy {
    pub api: SocketAddr,
    pub cooldown_minutes: f64,
    pub on_failure: &'static str,
    pub tries: u32,
    pub verification: String,
    pub extra: String,
    /// Keys of `auto_rollback`, each with a line end.
    pub auto: String,
    /// What opening the breaker causes.
    pub causes: &'static str,
}

impl Policy {
    pub fn new(api: SocketAddr) -> Self {
        Self {
            api,
            cooldown_minutes: 15.0,
            on_failure: "continue",
            tries: 1,
            verification: String::new(),
            extra: String::new(),
            auto: String::new(),
            causes: "[]",
        }
    }

    pub fn text(&self) -> String {
        let Self { api, cooldown_minutes, on_failure, tries, verification, extra, auto, causes } = self;
        let http = |path: &str, body: &str| {
            format!(
                "{{http: {{method: PUT, url: \"http://{api}{path}\", body: {body}, timeout_seconds: 5, tries: {tries}, \
                 headers: {{Authorization: {{env: ADMIN_TOKEN, prefix: \"Bearer \"}}}}}}}}"
            )
        };
        format!(
            "version: \"1.0\"\n\
             environment: {{labels: {{env: [prod]}}}}\n\
             hard_gates: [{{name: Hard, description: It is bad.}}, {{name: Harder}}]\n\
             soft_gates: [{{name: Soft, description: It may get bad.}}]\n\
             auto_rollback:\n  enabled: true\n  cooldown_minutes: {cooldown_minutes}\n  on_failure: {on_failure}\n{auto}  \
             actions:\n  - {{type: scale_strategy, params: {{target: 0}}}}\n  \
             - {{type: circuit_state, params: {{state: OPEN}}, causes: {causes}}}\n  - {{type: freeze_orders, params: {{enabled: true}}}}\n  \
             - {{type: notify, params: {{channels: [chat]}}}}\n{verification}\
             recovery:\n  actions:\n  - {{type: circuit_state, params: {{state: CLOSED}}}}\n  \
             - {{type: scale_strategy, params: {{target: 1}}}}\n\
             executors:\n  scale_strategy: {}\n  circuit_state: {}\n  freeze_orders: {}\n\
             notifications: {{chat: {{method: webhook, webhook_url: {{env: CHAT_URL}}}}}}\n\
             prometheus: {{url: \"http://{api}\"}}\n{extra}",
            http(
                "/scale",
                "{target: \"{{params.target}}\", reason: \"{{reason}}\", id: \"{{rollback_id}}\"}"
            ),
            http("/circuit", "{state: \"{{params.state}}\"}"),
            http("/freeze", "{enabled: \"{{params.enabled}}\"}"),
        )
    }
}

/// The folder.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub api: SocketAddr,
}

impl Place {
    pub fn new(policy: &Policy) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Self { folder, api: policy.api };
        place.write_policy(&policy.text());
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write_policy(&self, text: &str) {
        std::fs::write(self.path("rollback.yaml"), text).expect("written");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
        command
            .arg("rollback")
            .args(args)
            .current_dir(self.folder.path())
            .env("ADMIN_TOKEN", "hush-admin")
            .env("CHAT_URL", format!("http://{}/chat/hush", self.api))
            .env("USER", "tester")
            .env_remove("GITHUB_ACTOR")
            .env_remove("LOGNAME")
            .env_remove("SOAK_NOW")
            .env_remove("SOAK_FAILPOINT")
            .env_remove("SUDO_USER")
            .env_remove("USERNAME");
        command
    }

    /// A command that acts or looks, with policy and log of this folder.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut all = args.to_vec();
        all.extend(["--policy", "rollback.yaml", "--log", "log.jsonl"]);
        self.command(&all).output().expect("the program starts")
    }

    pub fn serve(&self, args: &[&str]) -> Server {
        self.serve_with(args, &[])
    }

    pub fn serve_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Server {
        let mut all = vec!["serve", "--policy", "rollback.yaml", "--log", "log.jsonl"];
        if !args.contains(&"--listen") {
            all.extend(["--port", "0"]);
        }
        all.extend(args);
        let mut command = self.command(&all);
        command.envs(variables.iter().copied());
        Self::start(command)
    }

    /// A server whose log is the one that the policy names.
    pub fn serve_with_the_policy_s_log(&self) -> Server {
        Self::start(self.command(&["serve", "--policy", "rollback.yaml", "--port", "0"]))
    }

    /// A server whose files cannot grow beyond so many KiB, as on a disk that is full.
    pub fn serve_on_a_small_disk(&self, kilobytes: u32) -> Server {
        let script = format!("trap '' XFSZ; ulimit -f $(({kilobytes} * 2)); exec \"$@\"");
        let inner =
            self.command(&["serve", "--policy", "rollback.yaml", "--log", "log.jsonl", "--port", "0"]);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
        command.current_dir(self.folder.path());
        Self::start(command)
    }

    fn start(mut command: Command) -> Server {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut reader = BufReader::new(child.stderr.take().expect("a pipe"));
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut address = None;
        while address.is_none() {
            let mut line = String::new();
            let read = reader.read_line(&mut line).expect("text");
            stderr.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
            let told = stderr.lock().unwrap_or_else(PoisonError::into_inner).clone();
            assert!(read > 0, "the server ended: {told}");
            address = line
                .split_once("://")
                .and_then(|(_, rest)| rest.split(' ').next()?.parse::<SocketAddr>().ok());
        }
        let rest = Arc::clone(&stderr);
        std::thread::spawn(move || {
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                rest.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
                line.clear();
            }
        });
        Server { child, address: address.expect("an address"), stderr }
    }

    /// The events of the log, by kind.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.lines()
            .into_iter()
            .filter(|line| line["event"]["type"] == kind)
            .map(|line| line["event"]["data"].clone())
            .collect()
    }

    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("log.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The chain of the log is whole.
    pub fn assert_log_is_whole(&self) {
        for line in self.lines().iter().take(200) {
            assert_keeps("rollback_log_line", line);
        }
        let output = self.command(&["log", "verify", "log.jsonl"]).output().expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A server that runs; killed when dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    stderr: Arc<Mutex<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal is sent");
    }

    /// Waits for the end; gives the exit code, `None` after a kill.
    pub fn wait(&mut self) -> Option<i32> {
        until(Duration::from_secs(30), || self.child.try_wait().expect("it can be waited for")).code()
    }

    pub fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0), "{}", self.stderr());
    }

    pub fn hook(&self, body: &Value) -> (u16, Value) {
        let (status, text) = self.post(&body.to_string());
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub fn post(&self, body: &str) -> (u16, String) {
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.ask("POST /alert-hook", &head, body.as_bytes())
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path}"), "", b"")
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The value of a metric, named with its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Status and body of an answer.
    pub fn ask(&self, line: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let host = format!("Host: {}\r\n", self.address);
        let answer = raw(
            self.address,
            format!("{line} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n").as_bytes(),
            body,
        );
        split(&answer)
    }
}

/// Sends bytes, and reads the answer to its end.
pub fn raw(address: SocketAddr, head: &[u8], body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    // A server that refuses early may have closed by then; its answer says why.
    let _ = stream.write_all(head).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status and body.
pub fn split(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}

/// Asks again and again until there is something.
pub fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(started.elapsed() < limit, "it did not come in {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A delivery of Alertmanager with one alert.
pub fn delivery(name: &str, start: u64) -> Value {
    json!({"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "soak", "truncatedAlerts": 0,
        "alerts": [alert(name, "firing", start)]})
}

/// An alert of production.
pub fn alert(name: &str, status: &str, start: u64) -> Value {
    json!({"status": status, "labels": {"alertname": name, "env": "prod"}, "annotations": {},
        "startsAt": format!("2026-01-01T00:00:{start:02}Z"), "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": format!("f-{name}")})
}

/// A document keeps to its published schema.
pub fn assert_keeps(name: &str, document: &Value) {
    let schema = soak::cli::setup::schemas::schema(name).expect("a schema");
    let validator = jsonschema::draft202012::new(&schema).expect("a valid schema");
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:?} in {document}");
}
