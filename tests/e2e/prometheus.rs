//! The `prometheus` source against Prometheus and `VictoriaMetrics`, which scrape an exporter of this test.

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use soak::core::iteration::params::ParamValues;
use soak::core::policy::run::{MetricQuery, Reduce};
use soak::infra::clock::{Interrupted, Wait};
use soak::infra::http::Limits;
use soak::infra::http::{Auth, Target};
use soak::infra::secret::Secret;
use soak::run::iteration::EdgeReport;
use soak::run::source::prometheus::PrometheusSource;
use soak::run::source::store::Store;
use soak::run::source::{Interval, NoReport, Source};

use crate::e2e::has;
use crate::e2e::servers::{Exporter, Manner, Server, prometheus, prometheus_with, proxy, victoria_metrics};

const METRICS: &str = "\
mm_net_bps 2.75
mm_latency_ms{venue=\"a\"} 120
mm_latency_ms{venue=\"b\"} 80
mm_nan NaN
";
const GONE: &str = "mm_gone 1\n";

/// The interval is over already.
struct Over;

impl Wait for Over {
    fn wait(&self, _: Duration) -> Result<(), Interrupted> {
        Ok(())
    }
}

fn source(url: &str, auth: &Auth, queries: &[(&str, &str)]) -> PrometheusSource {
    let query = |&(metric, query): &(&str, &str)| MetricQuery {
        metric: metric.to_owned(),
        query: query.to_owned(),
        is_optional: false,
        reduce: Reduce::ALL.into_iter().find(|reduce| metric.starts_with(reduce.word())),
    };
    let limits = Limits {
        timeout: Duration::from_secs(2),
        tries: 3,
        pause: Duration::from_millis(10),
        longest_retry_after: Duration::from_secs(1),
    };
    let target = Target::new(url, auth, &[]).expect("acceptable");
    PrometheusSource::new(Store::new(target, "job=\"mm\"", limits), queries.iter().map(query).collect())
}

/// Asks for an interval of 30 seconds that ends so long before now.
fn ask(source: &mut PrometheusSource, ago: TimeDelta) -> Result<EdgeReport, String> {
    ask_for(30, source, ago)
}

fn ask_for(seconds: u64, source: &mut PrometheusSource, ago: TimeDelta) -> Result<EdgeReport, String> {
    let overrides = ParamValues::default();
    let length = Duration::from_secs(seconds);
    let interval = Interval {
        iteration: 1,
        starts: Utc::now() - ago - length,
        length,
        overrides: &overrides,
        overrides_file: Path::new("overrides.json"),
    };
    source.cover(&interval, &Over).map_err(|none| match none {
        NoReport::Failed(reason) => reason,
        NoReport::Interrupted => "interrupted".to_owned(),
    })
}

fn ask_now(source: &mut PrometheusSource) -> Result<EdgeReport, String> {
    ask(source, TimeDelta::zero())
}

/// Asks until the report is as wanted.
fn ask_until(source: &mut PrometheusSource, is_wanted: impl Fn(&EdgeReport) -> bool) -> EdgeReport {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let told = ask_now(source);
        match told {
            Ok(report) if is_wanted(&report) => return report,
            told => assert!(Instant::now() < until, "{told:?}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What holds of every engine that speaks the protocol.
fn check(url: &str, auth: &Auth, exporter: &Exporter) {
    let mut asked = source(
        url,
        auth,
        &[
            ("net_bps", "mm_net_bps{$selector}"),
            ("p95_latency_ms", "max(mm_latency_ms{$selector})"),
            ("tick_latency_ms.p95", "sum(max_over_time(mm_latency_ms{$selector}[$window]))"),
            ("samples", "count_over_time(mm_net_bps{$selector}[$window])"),
            ("gone", "mm_gone{$selector}"),
            ("several", "mm_latency_ms{$selector}"),
            ("max_latency", "mm_latency_ms{$selector}"),
            ("sum_latency", "mm_latency_ms{$selector}"),
            ("mean_latency", "mm_latency_ms{$selector}"),
            ("nothing", "mm_no_such_metric{$selector}"),
            ("nan", "mm_nan{$selector}"),
            ("malformed", "sum("),
            ("scalar", "scalar(mm_net_bps{$selector}) * 2"),
        ],
    );
    // The queries are sent one after the other: the first scrape may come between two of them.
    ask_until(&mut asked, |report| report.number("gone").is_some());
    let report = ask_now(&mut asked).expect("a report");
    for (metric, value) in [
        ("net_bps", 2.75),
        ("p95_latency_ms", 120.0),
        ("tick_latency_ms.p95", 200.0),
        ("gone", 1.0),
        ("scalar", 5.5),
        ("max_latency", 120.0),
        ("sum_latency", 200.0),
        ("mean_latency", 100.0),
    ] {
        assert_eq!(report.number(metric), Some(value), "{metric}: {report:?}");
    }
    assert!(report.number("samples").is_some_and(|samples| (1.0..=31.0).contains(&samples)), "{report:?}");
    let note = |metric: &str| {
        assert_eq!(report.numbers.get(metric), Some(&None), "{metric}: {report:?}");
        let begins = format!("`{metric}`: ");
        report.notes.iter().find(|note| note.starts_with(&begins)).expect("a note").clone()
    };
    let listed = "2 series, expected one: {venue=\"a\"} 120, {venue=\"b\"} 80; set `reduce = \"max\"`";
    assert!(note("several").contains(listed), "{report:?}");
    assert!(note("nothing").ends_with("no series"), "{report:?}");
    assert!(note("malformed").contains("refused the query"), "{report:?}");
    // VictoriaMetrics does not give a series out whose value is NaN.
    assert!(["no events", "no series"].iter().any(|end| note("nan").ends_with(end)), "{report:?}");

    // An hour ago there was nothing, and the last values do not live for an hour.
    for ago in [TimeDelta::hours(1), TimeDelta::hours(-1)] {
        let told = ask(&mut source(url, auth, &[("net_bps", "mm_net_bps{$selector}")]), ago);
        assert!(told.as_ref().is_err_and(|told| told.ends_with("`net_bps`: no series")), "{ago}: {told:?}");
    }

    // A series that is not exposed any more is stale, the others go on.
    exporter.expose(METRICS);
    let report = ask_until(&mut asked, |report| report.number("gone").is_none());
    assert!(report.notes.iter().any(|note| note == "`gone`: no series"), "{report:?}");
    assert_eq!(report.number("net_bps"), Some(2.75));
}

#[test]
fn prometheus_gives_the_values_that_its_exporter_exposes() {
    if !has("prometheus") {
        return;
    }
    let exporter = Exporter::new(&format!("{METRICS}{GONE}"));
    let server = prometheus(&exporter);
    check(&server.url, &Auth::None, &exporter);

    let one = [("net_bps", "mm_net_bps{$selector}")];
    let token = |token: &str| Auth::Bearer(Secret::new(token));
    let guarded = proxy(&server, Manner::Token("hush"));
    let report = ask_now(&mut source(&guarded, &token("hush"), &one)).expect("the right token");
    assert_eq!(report.number("net_bps"), Some(2.75));
    for auth in [token("wrong"), Auth::None] {
        let told = ask_now(&mut source(&guarded, &auth, &one)).expect_err("no right token");
        assert!(told.contains("answered 401: check the token") && !told.contains("wrong"), "{told}");
    }

    check_trouble(&server, &Auth::None);
    check_run(&server, &exporter, &[]);
}

/// A server that is in trouble, or does not answer.
fn check_trouble(server: &Server, auth: &Auth) {
    let asked = |manner| ask_now(&mut source(&proxy(server, manner), auth, &[("net_bps", "mm_net_bps")]));
    let late = asked(Manner::Fails(5)).expect("the sixth try");
    assert_eq!((late.number("net_bps"), late.asked_again), (Some(2.75), 5));
    assert_eq!(late.notes, ["the server was asked again 5 times: the server answered 503"]);
    let began = Instant::now();
    let mut silent = source(&proxy(server, Manner::Silent), auth, &[("net_bps", "mm_net_bps")]);
    let told = ask_for(3, &mut silent, TimeDelta::zero()).expect_err("silence");
    assert!(told.contains("gave no answer within "), "{told}");
    // Two seconds, and what is left of three.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// What a bot exposes after so many decisions: of each its share, so that every ratio of increases is exact.
fn bot(decisions: u64) -> String {
    let n = decisions as f64;
    format!(
        "mm_net_bps 3.25
mm_decisions_total {n}
mm_blocks_total{{reason=\"risk\"}} {}
mm_blocks_total{{reason=\"min_interval\"}} {}
mm_fill_volume_total{{liquidity=\"maker\"}} {}
mm_fill_volume_total{{liquidity=\"taker\"}} {}
mm_tick_to_order_seconds_bucket{{le=\"0.2\"}} {}
mm_tick_to_order_seconds_bucket{{le=\"0.4\"}} {n}
mm_tick_to_order_seconds_bucket{{le=\"+Inf\"}} {n}
mm_hit_ratio 0.8
",
        n * 0.25,
        n * 0.125,
        n * 0.875,
        n * 0.125,
        n * 0.5,
    )
}

/// The program asks with the queries of the built-in policy; then the bot goes away.
fn check_run(server: &Server, exporter: &Exporter, flags: &[&str]) {
    const ITERATIONS: u64 = 3;
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("soak");
    let mut decisions = 1000;
    let mut expose = || {
        decisions += 80;
        exporter.expose(&bot(decisions));
    };
    for _ in 0..40 {
        expose();
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["run", "--iterations", &ITERATIONS.to_string(), "--interval", "5", "--selector", "job=\"mm\""])
        .args(["--prometheus-url", &server.url, "--quiet", "--out"])
        .arg(&out)
        .args(flags)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("soak starts");
    while run.try_wait().expect("its status").is_none() {
        expose();
        std::thread::sleep(Duration::from_millis(100));
    }
    let status = run.wait().expect("its status");
    assert_eq!(status.code(), Some(0), "{status}");
    for number in 1..=ITERATIONS {
        let file = out.join(format!("latest/ITER_SUMMARY_{number}.json"));
        let text = std::fs::read_to_string(&file).expect("an iteration");
        let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(written["collection"], serde_json::json!({"ok": true, "reason": null}));
        // Half of the ticks take up to 200 ms, the others up to 400: the 95th of a hundred takes
        // 200 + 200 x 45 / 50.
        for (key, expected) in [
            ("net_bps", 3.25),
            ("risk_ratio", 0.25),
            ("min_interval_ratio", 0.125),
            ("maker_taker_ratio", 0.875),
            ("p95_latency_ms", 380.0),
        ] {
            let value = written["summary"][key].as_f64().expect(key);
            assert!((value - expected).abs() < 1e-6 * expected, "{number}: {key} {value}: {text}");
        }
        // No decision was ever refused for this reason, so the counter has no series yet.
        assert_eq!(written["summary"]["concurrency_ratio"].as_f64(), Some(0.0), "{number}: {text}");
        // What the bot does not expose is not there, and no zero.
        assert!(written["summary"].get("slippage_bps_p95").is_none(), "{text}");
    }
}

/// What a bot exposes that has run since then, and whether load is put on it.
fn since(started: u64, load: u8) -> String {
    format!(
        "{}process_start_time_seconds {started}\nload_stage{{stage=\"ramp\"}} {load}\n",
        bot(1000 + started)
    )
}

const POLICY: &str = r#"
schema_version = 1
[restarts]
query = "count(last_over_time(process_start_time_seconds{$selector}[$window]) != last_over_time(process_start_time_seconds{$selector}[1h] offset $window))"
[phase.deploy]
file = "MARKS"
[phase.load]
query = "max_over_time(load_stage{$selector}[$window])"
label = "stage"
expects_restarts = false
"#;

/// The program looks for restarts and marks with a source that is no store; address, selector and token come by
/// variables. One restart is a surprise, one is part of a deploy that a file announces.
#[test]
fn restarts_and_marks_are_recorded_from_a_store_and_a_file_beside_a_command() {
    if !has("prometheus") {
        return;
    }
    let exporter = Exporter::new(&since(1000, 1));
    let server = prometheus(&exporter);
    let guarded = proxy(&server, Manner::Token("hush"));
    let folder = tempfile::tempdir().expect("a folder");
    let (out, marks) = (folder.path().join("soak"), folder.path().join("marks.jsonl"));
    let policy = folder.path().join("soak.toml");
    std::fs::write(&policy, POLICY.replace("MARKS", marks.to_str().expect("plain"))).expect("written");
    // Until the first sample is there.
    let mut asked = source(&server.url, &Auth::None, &[("start", "process_start_time_seconds")]);
    ask_until(&mut asked, |report| report.number("start").is_some());
    let measure = "echo '{\"totals\":{\"net_bps\":3.1,\"risk_ratio\":0.3,\"p95_latency_ms\":200,\"maker_taker_ratio\":0.9}}'";
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["run", "--iterations", "5", "--interval", "4", "--quiet", "--measure-at", "end", "--policy"])
        .arg(&policy)
        .arg("--out")
        .arg(&out)
        .args(["--", "sh", "-c", measure])
        .env("SOAK_PROMETHEUS_URL", &guarded)
        .env("SOAK_PROMETHEUS_SELECTOR", "job=\"mm\"")
        .env("SOAK_PROMETHEUS_TOKEN", "hush")
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("soak starts");
    let pause = |seconds: u64| std::thread::sleep(Duration::from_secs(seconds));
    pause(6);
    exporter.expose(&since(2000, 0));
    pause(6);
    let now = Utc::now();
    let mark = format!("{{\"name\":\"v2\",\"from\":\"{}\"}}\n", now.to_rfc3339());
    std::fs::write(&marks, mark).expect("written");
    exporter.expose(&since(3000, 0));
    let output = run.wait_with_output().expect("its status");
    assert_eq!(output.status.code(), Some(0));

    let text = |number: u64| {
        std::fs::read_to_string(out.join(format!("latest/ITER_SUMMARY_{number}.json"))).expect("an iteration")
    };
    let events: Vec<serde_json::Value> = (1..=5)
        .map(|number| {
            serde_json::from_str::<serde_json::Value>(&text(number)).expect("JSON")["events"].clone()
        })
        .collect();
    let sum = |is_wanted: &dyn Fn(&serde_json::Value) -> bool| -> u64 {
        let wanted = events.iter().filter(|event| is_wanted(event));
        wanted.map(|event| event["restarts"]["count"].as_u64().expect("a count")).sum()
    };
    let in_deploy = |event: &serde_json::Value| event["restarts"]["during"] == "v2";
    assert_eq!((sum(&|event| !in_deploy(event)), sum(&in_deploy)), (1, 1), "{events:#?}");
    let marked = |mark: &str| {
        let has = |event: &&serde_json::Value| {
            event["marks"].as_array().is_some_and(|marks| marks.contains(&mark.into()))
        };
        events.iter().filter(has).count()
    };
    assert!(marked("ramp") >= 1 && marked("ramp") <= 3, "{events:#?}");
    assert!((1..=3).contains(&marked("v2")), "{events:#?}");
    // Nothing of the run holds the secret.
    for entry in std::fs::read_dir(out.join("latest")).expect("a folder").flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("hush"), "{:?}", entry.path());
    }
    let gate = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["gate", "--format", "json", "--last-n", "5", "--min-iterations", "5", "--policy"])
        .arg(&policy)
        .arg("--path")
        .arg(out.join("latest"))
        .output()
        .expect("soak starts");
    let result: serde_json::Value = serde_json::from_slice(&gate.stdout).expect("JSON");
    let checks = result["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["gate"] == "run_verdict.restarts").expect("the check");
    assert_eq!((&check["outcome"], &check["joins"]), (&"WARN".into(), &true.into()), "{check:#}");
    let reason = check["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("1 restart in iteration") && reason.contains("1 restart during marks"),
        "{reason}"
    );
}

#[test]
fn a_prometheus_with_a_certificate_of_its_own_is_asked_by_who_has_the_authority_in_a_file() {
    if !has("prometheus") {
        return;
    }
    let exporter = Exporter::new(METRICS);
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    std::fs::write(path("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("written");
    let tls =
        format!("tls_server_config:\n  cert_file: {}\n  key_file: {}\n", path("cert.pem"), path("key.pem"));
    std::fs::write(path("web.yml"), tls).expect("written");
    let config = crate::e2e::servers::scraping(exporter.address());
    let server = prometheus_with(&config, &[&format!("--web.config.file={}", path("web.yml"))]);
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let limits = Limits { timeout: Duration::from_secs(2), ..Limits::default() };
    let asked = |target: Target| {
        let query = MetricQuery {
            metric: "net_bps".to_owned(),
            query: "mm_net_bps".to_owned(),
            is_optional: false,
            reduce: None,
        };
        PrometheusSource::new(Store::new(target, "", limits.clone()), vec![query])
    };
    let target = || Target::new(&url, &Auth::None, &[]).expect("acceptable");
    let told = ask_now(&mut asked(target())).expect_err("nobody knows who signed it");
    assert!(told.contains("the tls handshake failed"), "{told}");
    let trusting = target().with_roots(made.cert.pem().as_bytes()).expect("a certificate");
    let report = ask_until(&mut asked(trusting), |report| report.number("net_bps").is_some());
    assert_eq!(report.number("net_bps"), Some(2.75));
}

#[test]
fn victoria_metrics_gives_the_values_to_who_knows_its_password() {
    if !has("victoria-metrics") {
        return;
    }
    let exporter = Exporter::new(&format!("{METRICS}{GONE}"));
    let server = victoria_metrics(&exporter);
    let basic = |password: &str| Auth::Basic { user: "soak".to_owned(), password: Secret::new(password) };
    check(&server.url, &basic("hush"), &exporter);
    check_trouble(&server, &basic("hush"));
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "hush\n").expect("written");
    let password = secret.path().to_str().expect("a plain path");
    check_run(&server, &exporter, &["--basic-auth-user", "soak", "--basic-auth-password-file", password]);
    let told =
        ask_now(&mut source(&server.url, &basic("wrong"), &[("a", "mm_net_bps")])).expect_err("refused");
    assert!(told.contains("answered 401: check the token, or user and password"), "{told}");
}
