//! `export-prom --listen` scraped by Prometheus while its folder grows, and `--push` to a Pushgateway.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::e2e::has;
use crate::e2e::servers::{prometheus_with, pushgateway, scraping};
use crate::support::{Folder, Run, Step, name, soak};

/// The body of an answer; nothing for an error.
pub fn get(url: &str, accept: &str) -> (u16, String, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let mut answer = agent.get(url).header("accept", accept).call().expect("an answer");
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().expect("text").to_owned());
    let body = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), kind.unwrap_or_default(), body)
}

/// The result of an instant query; nothing from a server that is not ready yet.
pub fn query(server: &str, query: &str) -> Vec<Value> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().into();
    let url = format!("{server}/api/v1/query");
    let mut answer = agent.post(&url).send_form([("query", query), ("nocache", "1")]).expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    // While it starts it has words for that and no JSON.
    let Ok(answer) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}")).clone()
}

/// Waits until the result is as wanted.
#[track_caller]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// `soak export-prom --listen 0`; ended when dropped.
struct Endpoint {
    child: Child,
    address: SocketAddr,
}

impl Endpoint {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["export-prom", "--listen", "0", "--refresh", "0.1", "--path"])
            .arg(folder.path())
            .args(args)
            .env("SOAK_NO_CONFIG", "1")
            .env_remove("SOAK_POLICY")
            .env_remove("USE_MOCK")
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            line.strip_prefix("note: the metrics are at http://")?.strip_suffix("/metrics")?.parse().ok()
        });
        Self { child, address: address.expect("it says where") }
    }

    fn get(&self, path: &str, accept: &str) -> (u16, String, String) {
        get(&format!("http://{}{path}", self.address), accept)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn prometheus_scrapes_a_folder_that_grows() {
    if !has("prometheus") {
        return;
    }
    let folder = Run::passing(8).in_temp();
    let endpoint = Endpoint::start(&folder, &[]);
    let server = prometheus_with(&scraping(endpoint.address), &[]);
    let is =
        |text: &str, value: &str| query(&server.url, text).iter().any(|series| series["value"][1] == value);
    until("a scrape", || is("up{job=\"mm\"}", "1") && is("soak_iteration", "8"));
    assert!(is("soak_verdict{verdict=\"PASS\"}", "1"));
    // The maker share of a passing iteration is 0.88, of all eight alike: so is their harmonic mean.
    assert!(is("maker_taker_ratio_hmean{window=\"8\"}", "0.88"));
    assert!(is("soak_kpi{kpi=\"p95_latency_seconds\",stat=\"median\",window=\"last8\"}", "0.3"));

    std::fs::write(folder.file(&name(9)), Step { p95: 310.0, ..Step::good(9) }.json().to_string())
        .expect("written");
    until("a scrape of the next iteration", || is("soak_iteration", "9"));
    assert!(is("soak_p95_latency_ms{iteration=\"9\"}", "310"));
    // Eight at the start and the new one; those that were young when they were read, once more.
    let read = query(&server.url, "soak_export_files_read_total");
    let read: f64 = read[0]["value"][1].as_str().and_then(|text| text.parse().ok()).expect("a number");
    assert!(read >= 9.0, "{read}");
}

#[test]
fn an_endpoint_speaks_both_forms_and_tells_when_there_is_nothing() {
    if !crate::e2e::is_wanted() {
        return;
    }
    let folder = Run::passing(8).in_temp();
    let mut endpoint = Endpoint::start(&folder, &["--no-legacy-metrics"]);
    let (status, kind, text) =
        endpoint.get("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    assert_eq!((status, kind.as_str()), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(text.ends_with("# EOF\n") && text.contains("\nsoak_iteration 8\n"), "{text}");
    let (status, kind, text) = endpoint.get("/metrics", "*/*");
    assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    assert!(!text.contains("EOF") && !text.contains("soak_kpi_net_bps_mean"), "{text}");
    assert_eq!(endpoint.get("/healthz", "*/*").0, 200);
    assert_eq!(endpoint.get("/", "*/*").0, 404);

    let moved = folder.path().with_extension("moved");
    std::fs::rename(folder.path(), &moved).expect("moved");
    std::thread::sleep(Duration::from_millis(150));
    for path in ["/metrics", "/healthz"] {
        let (status, _, text) = endpoint.get(path, "*/*");
        assert_eq!(status, 503, "{text}");
        assert!(text.starts_with("there is no folder `"), "{text}");
    }
    std::fs::rename(&moved, folder.path()).expect("moved back");
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(endpoint.get("/metrics", "*/*").0, 200);

    #[cfg(unix)]
    {
        let pid = endpoint.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        assert_eq!(endpoint.child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn a_pushgateway_has_the_group_until_it_is_deleted() {
    if !has("prometheus-pushgateway") {
        return;
    }
    let server = pushgateway();
    let folder = Run::passing(8).in_temp();
    let group = ["--push", &server.url, "--instance", "i", "--grouping", "branch=feature/x", "--job", "a/b"];
    let pushed = |more: &[&str]| folder.soak("export-prom", &[&group[..], more].concat());
    let labels = "branch=\"feature/x\",instance=\"i\",job=\"a/b\"";
    // Those of the group.
    let metrics = || {
        let told = get(&format!("{}/metrics", server.url), "text/plain").2;
        told.lines().filter(|line| line.contains(labels)).collect::<Vec<_>>().join("\n")
    };

    let ran = pushed(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let told = metrics();
    for line in [
        format!("soak_iterations{{{labels}}} 8"),
        format!("maker_taker_ratio_hmean{{{labels},window=\"8\"}} 0.88"),
        format!("soak_freeze_ready{{{labels}}} 1"),
    ] {
        assert!(told.lines().any(|have| have == line), "{line}: {told}");
    }

    // What is pushed later replaces all of the group.
    assert_eq!(pushed(&["--no-legacy-metrics"]).code, 0);
    let told = metrics();
    assert!(told.contains("soak_iterations{") && !told.contains("soak_freeze_ready{"), "{told}");

    for _ in 0..2 {
        let ran = soak(&[&["export-prom", "--delete"], &group[..]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(metrics(), "");
    }
}

#[test]
fn a_pushgateway_that_is_not_there_is_an_external_failure() {
    let folder = Run::passing(8).in_temp();
    let args = ["--push", "http://127.0.0.1:1", "--tries", "1"];
    let ran = folder.soak("export-prom", &args);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("`http://127.0.0.1:1` cannot be written to"), "{}", ran.stderr);
    assert_eq!(folder.soak("export-prom", &[&args[..], &["--detailed-exitcode"]].concat()).code, 6);
}
