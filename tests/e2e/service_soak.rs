//! The soak of an ordinary service with the programs that its people have: Redis behind it, Prometheus beside it. It is
//! healthy, or has one of the faults that endurance tests are run for. All runs go on at the same time.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::e2e::has;
use crate::e2e::servers::{Server, free_port, prometheus_with, redis, redis_exporter};
use crate::e2e::session_service::{Fault, Load, Service};

/// Iterations of a run, each of a second.
const ITERATIONS: u32 = 90;
/// When what goes wrong in the middle of a run begins, and when what heals is over.
const BEGINS: u32 = 40;
const ENDS: u32 = 48;

/// What happens to a service while it is soaked.
enum Scenario {
    Healthy,
    /// From the first iteration on.
    Always(Fault),
    /// From the middle on.
    FromTheMiddle(Fault),
    /// In a few iterations.
    InTheMiddle(Fault),
    Restart,
    Dead,
}

/// A scenario, the verdicts that do for it, and what the first line must name: of a creep p95 or p99.
const SCENARIOS: [(&str, Scenario, &[&str], &[&str]); 9] = [
    ("healthy", Scenario::Healthy, &["PASS"], &[]),
    ("leak", Scenario::Always(Fault::Leak), &["WARN", "FAIL"], &["`rss_mb`"]),
    ("no_ttl", Scenario::Always(Fault::NoTtl), &["WARN", "FAIL"], &["`redis_mb`"]),
    ("creep", Scenario::Always(Fault::Creep), &["WARN", "FAIL"], &["`p9"]),
    ("errors", Scenario::InTheMiddle(Fault::Errors), &["FAIL"], &["`error_ratio`"]),
    ("restart", Scenario::Restart, &["WARN"], &["restart"]),
    ("descriptors", Scenario::Always(Fault::Descriptors), &["WARN", "FAIL"], &["`open_fds`"]),
    ("flat", Scenario::FromTheMiddle(Fault::Flat), &["INVALID"], &["stands still"]),
    ("dead", Scenario::Dead, &["FAIL", "INVALID"], &["the collection failed"]),
];

/// A service that listens, with its Redis and its load.
struct Watched {
    name: String,
    port: u16,
    redis: Server,
    service: Service,
    _load: Load,
}

impl Watched {
    fn start(name: &str) -> Self {
        let (redis, port) = (redis(), free_port());
        let service = Service::start(port, redis.port());
        Self { name: name.to_owned(), port, redis, service, _load: Load::on(port) }
    }
}

/// The configuration of a Prometheus that scrapes the services, and their Redis through the exporter.
fn scraping(watched: &[Watched], exporter: &Server) -> String {
    let labels = |watched: &Watched, target: String| {
        format!("      - targets: ['{target}']\n        labels: {{service: {}}}\n", watched.name)
    };
    let services: String =
        watched.iter().map(|watched| labels(watched, format!("127.0.0.1:{}", watched.port))).collect();
    let redis: String = watched
        .iter()
        .map(|watched| labels(watched, format!("redis://127.0.0.1:{}", watched.redis.port())))
        .collect();
    format!(
        "global:\n  scrape_interval: 250ms\nscrape_configs:\n  - job_name: sessions\n    static_configs:\n{services}\
         \x20 - job_name: redis\n    metrics_path: /scrape\n    scrape_interval: 1s\n    static_configs:\n{redis}    relabel_configs:\n\
         \x20     - source_labels: [__address__]\n        target_label: __param_target\n\
         \x20     - source_labels: [__param_target]\n        target_label: instance\n\
         \x20     - target_label: __address__\n        replacement: 127.0.0.1:{}\n",
        exporter.port()
    )
}

fn soak(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command.args(args).current_dir(dir).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a user adds to the file of `soak init`: a KPI of Redis.
const OF_REDIS: &str = r#"extends = "service"
kpi.redis_mb = { unit = "MiB", direction = "lower", kind = "accumulating", digits = 2 }
prometheus.redis_mb.query = 'redis_memory_used_bytes{$selector} / 1048576'
"#;

/// Writes the policy as a user of the service does.
fn write_policy(dir: &Path, name: &str, prometheus: &str) {
    let selector = format!("service=\"{name}\"");
    let init = ["init", "--profile", "service", "--prometheus-url", prometheus, "--selector", &selector];
    let iterations = ITERATIONS.to_string();
    let made = soak(dir, &init).args(["--interval", "1", "--iterations", &iterations, "--yes"]).output();
    let made = made.expect("soak starts");
    assert!(made.status.success(), "{}", text(&made));
    let file = dir.join("soak.toml");
    let policy = std::fs::read_to_string(&file).expect("a policy");
    let policy = policy.replacen("extends = \"service\"\n", OF_REDIS, 1);
    let is_key = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let keys: Vec<&str> = policy.lines().filter(is_key).collect();
    assert!(keys.len() <= 15 && keys.iter().any(|line| line.starts_with("kpi.redis_mb")), "{policy}");
    std::fs::write(&file, policy).expect("written");
}

/// Waits until `soak doctor` finds nothing: every target has been scraped.
fn wait_for_doctor(dir: &Path) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let doctor = soak(dir, &["doctor"]).output().expect("soak starts");
        if doctor.status.success() {
            return;
        }
        assert!(Instant::now() < until, "{}", text(&doctor));
        thread::sleep(Duration::from_secs(1));
    }
}

/// Waits until the run has written an iteration, or is over.
fn wait_for(dir: &Path, iteration: u32, run: &mut std::process::Child) {
    let file = dir.join(format!("artifacts/soak/latest/ITER_SUMMARY_{iteration}.json"));
    while !file.exists() && run.try_wait().expect("its status").is_none() {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Soaks a service while something happens to it; what `soak gate` says, and how it ended.
fn soaked(watched: &mut Watched, scenario: &Scenario, dir: &Path, prometheus: &str) -> String {
    write_policy(dir, &watched.name, prometheus);
    wait_for_doctor(dir);
    if let Scenario::Always(fault) = scenario {
        watched.service.set(Some(*fault));
    }
    let log = std::fs::File::create(dir.join("run.log")).expect("a file");
    let mut run = soak(dir, &["run"]).stdout(Stdio::null()).stderr(log).spawn().expect("soak starts");
    wait_for(dir, BEGINS, &mut run);
    match scenario {
        Scenario::FromTheMiddle(fault) | Scenario::InTheMiddle(fault) => watched.service.set(Some(*fault)),
        Scenario::Restart => watched.service.restart(),
        Scenario::Dead => watched.service.kill(),
        Scenario::Healthy | Scenario::Always(_) => {}
    }
    wait_for(dir, ENDS, &mut run);
    if let Scenario::InTheMiddle(_) = scenario {
        watched.service.set(None);
    }
    let status = run.wait().expect("its status");
    let gate = soak(dir, &["gate"]).output().expect("soak starts");
    format!("run: {status}\n{}", text(&gate))
}

/// The verdict that the gate prints.
fn verdict(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("Verdict:")).map_or("", str::trim)
}

/// The first of the reasons.
fn reason(text: &str) -> &str {
    text.lines().skip_while(|line| !line.starts_with("Reasons, worst first:")).nth(1).unwrap_or_default()
}

/// Soaks all of these at the same time; what the gate says of each.
fn soak_all(scenarios: &[(&str, Scenario, &[&str], &[&str])], dir: &Path) -> Vec<String> {
    let mut watched: Vec<Watched> = scenarios.iter().map(|(name, ..)| Watched::start(name)).collect();
    let exporter = redis_exporter();
    let prometheus = prometheus_with(&scraping(&watched, &exporter), &[]);
    // Sessions expire as fast as new ones come, before the runs begin.
    thread::sleep(Duration::from_secs(6));
    thread::scope(|scope| {
        let runs: Vec<_> = watched
            .iter_mut()
            .zip(scenarios)
            .map(|(watched, (name, scenario, ..))| {
                let dir: PathBuf = dir.join(name);
                std::fs::create_dir_all(&dir).expect("a folder");
                let url = &prometheus.url;
                scope.spawn(move || soaked(watched, scenario, &dir, url))
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("no panic")).collect()
    })
}

#[test]
#[ignore = "two minutes, and a machine with nothing else to do: what disturbs the service is found, too; `make e2e-service`"]
fn a_service_passes_its_soak_and_each_fault_is_named_in_the_first_line() {
    if !["redis-server", "prometheus", "prometheus-redis-exporter"].into_iter().all(has) {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let told = soak_all(&SCENARIOS, dir.path());
    let first_lines: Vec<String> = SCENARIOS
        .iter()
        .zip(&told)
        .map(|(case, text)| format!("{}: {} {}", case.0, verdict(text), reason(text)))
        .collect();
    for ((name, _, verdicts, words), text) in SCENARIOS.iter().zip(&told) {
        let (verdict, reason) = (verdict(text), reason(text));
        let is_named = words.iter().all(|word| reason.contains(word));
        assert!(verdicts.contains(&verdict) && is_named, "{name}:\n{text}\n{}", first_lines.join("\n"));
    }
}
