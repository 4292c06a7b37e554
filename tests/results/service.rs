//! Runs of a service: no output of a command that reads a run says a word of trading, and what it says is right.

#![expect(clippy::disallowed_methods, reason = "these tests make folders")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use soak::core::policy::{self, Layer, Origin};
use soak::core::verdict::provenance::Provenance;
use soak::export::live::document::LiveDocument;
use soak::export::live::folder::{Followed, LiveFolder};
use soak::export::live::{metrics, page};

use crate::it::support::{Folder, Ran, Run, name, program, ran, visible};

/// Iterations of a run, one a minute.
const ITERATIONS: u64 = 60;
/// Those of the failing run in which a fifth of the requests fails.
const BURST: std::ops::RangeInclusive<u64> = 30..=41;

/// The start of the runs: 2026-03-02T08:00:00Z.
fn at(minute: u64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_772_438_400, 0).expect("a time");
    start + TimeDelta::minutes(i64::try_from(minute).expect("a minute"))
}

/// Numbers from -0.5 to 0.5 that follow from a seed: a linear congruential generator.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = (self.0 * 1_103_515_245 + 12_345) % (1 << 31);
        self.0 as f64 / 2_147_483_648.0 - 0.5
    }
}

/// A run of a service as Prometheus measured it. The failing one has a burst of errors and a leak.
pub(crate) fn service(fails: bool) -> Run {
    let mut noise = Noise(if fails { 7 } else { 12_345 });
    let mut one = |number: u64| {
        let mut around = |level: f64, spread: f64| level + spread * noise.next();
        let is_burst = fails && BURST.contains(&number);
        let leaked = if fails { 3.1 * (number as f64 - 10.0).max(0.0) } else { 0.0 };
        json!({"iteration": number, "summary": {
            "runtime_utc": at(number).to_rfc3339(),
            "request_rate": around(210.0, 8.0),
            "error_ratio": if is_burst { around(0.2, 0.05) } else { around(0.0008, 0.0002) },
            "p95_ms": around(42.5, 3.0),
            "p99_ms": around(78.0, 6.0),
            "rss_mb": around(184.2, 2.0) + leaked,
            "cpu_pct": around(23.0, 2.0),
            "open_fds": around(64.0, 4.0).round(),
        }})
    };
    let manifest = json!({"schema_version": "1.0", "iterations": ITERATIONS, "state": "complete",
        "last_complete_iteration": ITERATIONS, "source": "prometheus", "settings": {"interval_seconds": 60.0}});
    (1..=ITERATIONS)
        .fold(Run::default(), |run, number| run.with_json(&name(number), &one(number)))
        .with_json("RUN_MANIFEST.json", &manifest)
}

const POLICY: &str = "schema_version = 1\nextends = \"service\"\n";

/// Two services as they are beside each other, judged by a policy of two lines.
struct Runs {
    folder: tempfile::TempDir,
}

impl Runs {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        service(false).write(&folder.path().join("runs/history/healthy"));
        service(true).write(&folder.path().join("runs/history/failing"));
        Run::default().with("soak.toml", POLICY).write(folder.path());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, kind: &str) -> PathBuf {
        self.path("runs/history").join(kind)
    }

    fn soak(&self, args: &[&str]) -> Ran {
        let mut command = program();
        command.current_dir(self.folder.path()).env("SOAK_POLICY", "soak.toml");
        ran(command.env("GITHUB_STEP_SUMMARY", "summary.md").args(args))
    }
}

/// Words of a trading system and of its tuning, as they stand in a text: in any case, and as a part of a name.
const WORDS: [&str; 29] = [
    "maker",
    "taker",
    "edge",
    "bps",
    "net",
    "risk",
    "adverse",
    "slippage",
    "fees",
    "fills",
    "freeze",
    "freezes",
    "frozen",
    "override",
    "overrides",
    "tuner",
    "tuning",
    "tuned",
    "proposal",
    "proposals",
    "guard",
    "guards",
    "delta",
    "deltas",
    "velocity",
    "oscillation",
    "cooldown",
    "signature",
    "signatures",
];

/// Published keys of JSON that have such a word in them.
const PUBLISHED: [&str; 40] = [
    // Results of `gate`, `analyze`, `extract` and `audit`.
    "freeze_ready",
    "freeze_seen",
    "freeze_events",
    "freezes",
    "freezes_total",
    "delta",
    "deltas",
    "delta_verify",
    "override",
    "guards",
    "guards_last8",
    "guards_last_n",
    "guard_triggers",
    "oscillation_count",
    "velocity_count",
    "cooldown_count",
    "signatures",
    "signature_loops",
    "tuning",
    "tuning_summary",
    "TUNING_REPORT.json",
    "DELTA_VERIFY_REPORT.md",
    "maker_taker_ok",
    "p95_latency_ok",
    "risk_ok",
    "net_bps_ok",
    // Guards by name, and the edge and what it is made of.
    "oscillation",
    "velocity",
    "cooldown",
    "freeze",
    "partial_freeze",
    "edge",
    "net",
    "fees",
    "slippage",
    "adverse",
    // The live view.
    "overrides",
    // A statistic of a comparison.
    "cliffs_delta",
    // Files by name, and what lies in a folder.
    "inventory",
    "soak_override_active",
];

/// Texts of the program that speak of something else: a statistic, and the metric of a verdict that somebody overrode.
const EXEMPT: [&str; 2] = ["Cliff's delta", "soak_override_active"];

/// The words of trading in a text.
fn words(text: &str) -> BTreeSet<String> {
    let text = EXEMPT.iter().fold(text.to_owned(), |text, exempt| text.replace(exempt, ""));
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let of_trading = |name: &&str| {
        let name = name.to_lowercase();
        name.split(['_', '-']).any(|word| WORDS.contains(&word))
            || name.contains("p95_latency")
            || name == "latency"
    };
    text.split(|letter: char| !is_part(letter)).filter(of_trading).map(str::to_owned).collect()
}

/// The words of trading in the texts of a document, and in keys that are not published.
fn words_of(document: &Value) -> BTreeSet<String> {
    match document {
        Value::String(text) => words(text),
        Value::Array(items) => items.iter().flat_map(words_of).collect(),
        Value::Object(entries) => {
            let of_key = |key: &str| if PUBLISHED.contains(&key) { BTreeSet::new() } else { words(key) };
            entries.iter().flat_map(|(key, value)| of_key(key).into_iter().chain(words_of(value))).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// What people see of a page.
fn visible_text(page: &str) -> String {
    let mut text = page.to_owned();
    for (open, close) in [("<style", "</style>"), ("<script", "</script>")] {
        while let Some(start) = text.find(open) {
            let end = text[start..].find(close).map_or(text.len(), |end| start + end + close.len());
            text.replace_range(start..end, "");
        }
    }
    // Ids and classes are no text.
    ["id=\"", "class=\"", "href=\"#", "aria-labelledby=\"", "name=\""].iter().fold(text, |text, attribute| {
        let mut parts = text.split(attribute);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('"').map_or("", |(_, rest)| rest))
    })
}

/// Collects what was said, and by what.
#[derive(Default)]
struct Heard(Vec<String>);

impl Heard {
    fn text(&mut self, what: &str, text: &str) {
        let found = serde_json::from_str(text).map_or_else(|_| words(text), |document| words_of(&document));
        if !found.is_empty() {
            self.0.push(format!("{what}: {}", found.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }

    fn ran(&mut self, what: &str, ran: &Ran, code: i32) {
        assert_eq!(ran.code, code, "{what}: {}{}", ran.stdout, ran.stderr);
        self.text(&format!("{what}, stdout"), &ran.stdout);
        self.text(&format!("{what}, stderr"), &ran.stderr);
    }

    fn files(&mut self, folder: &Path) {
        for (name, bytes) in visible(folder) {
            let text = String::from_utf8(bytes).expect("text");
            let is_page = Path::new(&name).extension().is_some_and(|extension| extension == "html");
            self.text(&name, &if is_page { visible_text(&text) } else { text });
            self.text("a name", &name);
        }
    }

    #[track_caller]
    fn nothing(self) {
        assert!(self.0.is_empty(), "words of trading:\n{}", self.0.join("\n"));
    }
}

#[test]
fn no_command_that_judges_a_service_says_a_word_of_trading() {
    let runs = Runs::new();
    let mut heard = Heard::default();
    for (kind, code) in [("healthy", 0), ("failing", 1)] {
        let path = runs.run(kind);
        let path = path.to_str().expect("a plain name");
        for args in [
            &["gate", "--prometheus", "--junit", "gate.xml", "--github"][..],
            &["gate", "--format", "json", "--prometheus", "--no-legacy-metrics"],
            &["gate", "--ascii"],
            &["analyze"],
            &["analyze", "--format", "json"],
            &["audit", "--format", "json", "--fail-on-hold", "--ascii"],
            &["audit", "--fail-on-hold"],
        ] {
            let args = [args, &["--path", path]].concat();
            heard.ran(&args.join(" "), &runs.soak(&args), code);
        }
        for args in [
            &[
                "extract",
                "--pretty",
                "--prometheus",
                "--compare",
                "runs/history/healthy/POST_SOAK_SNAPSHOT.json",
            ][..],
            &["audit", "pr-summary"],
            &["export-prom"],
            &["export-prom", "--no-legacy-metrics"],
        ] {
            let args = [args, &["--path", path]].concat();
            heard.ran(&args.join(" "), &runs.soak(&args), 0);
        }
    }
    for args in [
        &["config", "show"][..],
        &["config", "show", "--format", "json"],
        &["config", "check", "soak.toml"],
        &["run", "--dry-run", "--mock"],
        &["run", "--dry-run", "--mock", "--format", "json"],
        &["doctor", "--mock"],
    ] {
        heard.ran(&args.join(" "), &runs.soak(args), 0);
    }
    heard.ran("selftest", &runs.soak(&["selftest", "--path", "runs/history/healthy"]), 0);
    heard.files(runs.folder.path());
    heard.nothing();
}

#[test]
fn no_comparison_of_services_says_a_word_of_trading() {
    let runs = Runs::new();
    let (a, b) = (runs.run("healthy"), runs.run("failing"));
    let (a, b) = (a.to_str().expect("a plain name"), b.to_str().expect("a plain name"));
    let mut heard = Heard::default();
    for format in ["csv", "text", "md", "json"] {
        for (more, code) in [(&[][..], 0), (&["--fail-on-regression"], 1)] {
            let args = [&["compare", "--a", a, "--b", b, "--format", format], more].concat();
            heard.ran(&args.join(" "), &runs.soak(&args), code);
        }
    }
    for format in ["text", "md", "json"] {
        let args = ["compare", "history", "runs", "--format", format];
        heard.ran(&args.join(" "), &runs.soak(&args), 0);
    }
    for format in ["text", "json"] {
        for args in [&["promote", a][..], &["show"], &["verify"]] {
            let args = [&["compare", "baseline"], args, &["--store", "store", "--format", format]].concat();
            heard.ran(&args.join(" "), &runs.soak(&args), 0);
        }
    }
    heard.files(&runs.path("store"));
    heard.nothing();
}

#[test]
fn the_live_page_of_a_service_says_no_word_of_trading() {
    let runs = Runs::new();
    let text = POLICY.to_owned();
    let policy =
        policy::read(&[Layer { origin: Origin::File("soak.toml".into()), text }], &[]).expect("a policy");
    let mut heard = Heard::default();
    for kind in ["healthy", "failing"] {
        let provenance = Provenance {
            tool_version: "1.2.3".into(),
            policy_sha256: policy.sha256.clone(),
            overridden: None,
            fixed_time: None,
            policy_file: None,
            rehearsal: false,
        };
        let followed = Followed { path: runs.run(kind), mock: false, symbol: None };
        let mut folder = LiveFolder::new(followed, policy.clone(), &provenance);
        let mut live = folder.nothing();
        heard.text("the page before the first look", &visible_text(&page::page(&live)));
        folder.look(at(ITERATIONS)).apply(&mut live);
        let page = page::page(&live);
        heard.text("the page", &visible_text(&page));
        // A value as it is, and not as 0.001; a name without the unit that stands behind it.
        assert!(page.contains(">0.0008<") && page.contains(">p95, ms<"), "{}", visible_text(&page));
        heard.text("the metrics of the page", &metrics::metrics(&live, at(ITERATIONS)));
        let document = serde_json::to_value(LiveDocument::of(&live, 0, usize::MAX)).expect("JSON");
        heard.text("the document of the page", &document.to_string());
        let beside =
            document["kpis"].as_array().expect("KPIs").iter().filter(|kpi| kpi["beside"] == true).count();
        assert_eq!(beside, 6, "all but the one with a limit");
    }
    heard.nothing();
}

/// A server over a folder; ended when the test does.
struct Served {
    child: std::process::Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    fn start(runs: &Runs, path: &str) -> Self {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["serve", "--path", path, "--listen", "0", "--policy", "soak.toml"])
            .current_dir(runs.folder.path())
            .env("SOAK_NO_CONFIG", "1")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        stderr.read_line(&mut line).expect("stderr is text");
        let (_, rest) = line.split_once("| SERVE | url=http://").expect("an address");
        let address = rest.split_once('/').expect("an address ends").0.to_owned();
        Self { child, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
    }
}

#[test]
fn the_server_of_a_service_says_no_word_of_trading() {
    let runs = Runs::new();
    let mut heard = Heard::default();
    for kind in ["healthy", "failing"] {
        let served = Served::start(&runs, runs.run(kind).to_str().expect("a plain name"));
        heard.text("/", &visible_text(&served.get("/")));
        for path in ["/metrics", "/api/iterations", "/healthz"] {
            let answer = served.get(path);
            assert!(!answer.is_empty(), "{path}");
            heard.text(path, &answer);
        }
    }
    heard.nothing();
}

/// What stands between two lines of a text, without the lines.
fn between<'t>(text: &'t str, first: &str, last: &str) -> &'t str {
    let start = text.find(first).unwrap_or_else(|| panic!("no `{first}` in {text}")) + first.len();
    let end = text[start..].find(last).unwrap_or_else(|| panic!("no `{last}` in {text}"));
    text[start..start + end].trim()
}

#[test]
fn the_banner_of_a_service_shows_verdict_and_pass_count_only() {
    let rule = "=".repeat(80);
    let runs = Runs::new();
    let banner = |kind: &str| {
        let path = runs.run(kind);
        let said = runs.soak(&["gate", "--path", path.to_str().expect("a plain name")]).stdout;
        between(&said, &format!("FINAL VERDICT\n{rule}\n"), &rule).to_owned()
    };
    // Of the iterations from 7 on.
    assert_eq!(banner("healthy"), "Verdict:         PASS\nPass Count:      54/54");
    assert_eq!(banner("failing"), "Verdict:         FAIL\nPass Count:      42/54");
}

#[test]
fn what_asks_for_tuning_is_refused_where_there_is_none() {
    let runs = Runs::new();
    for args in [&["gate", "--require-freeze"][..], &["gate", "--strict"], &["deltas", "verify"]] {
        let Ran { code, stdout, stderr } = runs.soak(&[args, &["--path", "runs/history/healthy"]].concat());
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.contains("the policy (profile `service`) tunes nothing"), "{stderr}");
    }
    let skipped = runs.soak(&["gate", "--skip-delta-verify", "--path", "runs/history/healthy"]);
    assert_eq!(skipped.code, 0, "what is not there may be left out: {}", skipped.stderr);
}

/// What `gate` says of a run by a policy of its own with one KPI, whose values these are.
fn gated(lag: impl Fn(u64) -> f64, iterations: u64, policy: &str, args: &[&str]) -> Ran {
    let policy = format!(
        "extends = \"none\"\n[kpi.lag_ms]\nunit = \"ms\"\ndirection = \"lower\"\n\
         [iteration_pass.kpi.lag_ms]\ncomparison = \"<=\"\nlimit = 50.0\n{policy}"
    );
    let run = (1..=iterations).fold(Run::default().with("p.toml", policy), |run, number| {
        let values = json!({"lag_ms": lag(number), "runtime_utc": at(number).to_rfc3339()});
        run.with_json(&name(number), &json!({"iteration": number, "summary": values}))
    });
    let folder = run.in_temp();
    let policy = folder.file("p.toml");
    folder.soak("gate", &[&["--policy", policy.to_str().expect("a plain name")], args].concat())
}

/// A value that goes up and down around a level.
fn around(level: f64, number: u64) -> f64 {
    level + ((number * 7919) % 13) as f64 * 0.1
}

#[test]
fn a_system_of_its_own_kpis_is_judged_over_all_of_its_steady_part() {
    // Five of six iterations before the last eight are bad.
    let bad =
        |number: u64| around(if number <= 52 && !number.is_multiple_of(6) { 90.0 } else { 20.0 }, number);
    let told = gated(bad, 60, "", &[]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    assert!(told.stdout.contains("Verdict:         FAIL"), "{}", told.stdout);
    let good = gated(|number| around(20.0, number), 60, "", &[]);
    assert_eq!(good.code, 0, "{}", good.stdout);
    assert!(good.stdout.contains("Pass Count:      54/54"), "{}", good.stdout);
}

#[test]
fn a_run_that_is_too_short_to_find_a_drift_is_no_silent_pass() {
    let line = |number: u64| around(10.0 + number as f64, number);
    let told = gated(line, 30, "", &[]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    assert!(told.stdout.contains("Verdict:         INCONCLUSIVE"), "{}", told.stdout);
    // Who asks for fewer iterations is told what they do not show.
    let told = gated(line, 30, "[run_verdict]\nmin_iterations = 20\n", &[]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    let sentence = "30 iterations are too few to find a drift or a change of level (`kpi_drift`, `change_points`): 54 \
                    are enough";
    assert!(told.stdout.contains(sentence), "{}", told.stdout);
}

#[test]
fn a_kpi_without_a_value_is_looked_for_in_the_notes_and_not_in_the_files() {
    let other = "[kpi.other_ms]\nunit = \"ms\"\ndirection = \"lower\"\n";
    let told = gated(|number| around(20.0, number), 60, other, &[]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    let sentence = "`other_ms` has no value in the whole window: no iteration has one, and its notes say why";
    assert!(told.stdout.contains(sentence), "{}", told.stdout);
}

#[test]
fn the_last_line_of_a_warn_is_as_the_exit_code() {
    // Three bad ones in a row.
    let lag = |number: u64| around(if (20..23).contains(&number) { 90.0 } else { 20.0 }, number);
    let plain = gated(lag, 60, "", &[]);
    assert_eq!(
        (plain.code, plain.stdout.lines().last()),
        (0, Some("[OK] Soak gate: WARN")),
        "{}",
        plain.stdout
    );
    let strict = gated(lag, 60, "", &["--fail-on", "warn"]);
    assert_eq!((strict.code, strict.stdout.lines().last()), (1, Some("[FAIL] Soak gate: WARN")));
}

#[test]
fn an_edge_report_is_refused_where_no_limit_could_look_at_it() {
    let told = gated(|number| around(20.0, number), 60, "", &["--edge-report", "p.toml"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    assert!(told.stderr.contains("the policy has no limit in `[edge_report]`"), "{}", told.stderr);
}

/// What the reports say, where the values are chosen.
fn reported() -> (Folder, Value) {
    let policy = "extends = \"none\"\nschema_version = 1\n\
        [kpi.lost_ratio]\nunit = \"ratio\"\ndirection = \"lower\"\nlabel = \"lost messages\"\n\
        [kpi.lag_ms]\nunit = \"ms\"\ndirection = \"lower\"\n\
        [kpi.depth]\nunit = \"messages\"\ndirection = \"lower\"\ndigits = 1\nadvisory = true\n\
        [iteration_pass.kpi.lag_ms]\ncomparison = \"<=\"\nlimit = 5.0\n\
        [iteration_pass.kpi.lost_ratio]\ncomparison = \"<=\"\nlimit = 0.0005\n";
    let run = (1..=24).fold(Run::default().with("p.toml", policy), |run, number: u64| {
        // Numbers that go up and down by what is not seen in two digits.
        let wobble = 1.0 + 0.001 * (number % 3) as f64;
        let values = json!({"lost_ratio": 0.0008 * wobble, "lag_ms": 0.62 * wobble, "depth": 3.123 * wobble,
                            "runtime_utc": at(number).to_rfc3339()});
        run.with_json(&name(number), &json!({"iteration": number, "summary": values}))
    });
    let folder = run.in_temp();
    let policy = folder.file("p.toml");
    let policy = policy.to_str().expect("a plain name");
    for command in ["analyze", "audit"] {
        folder.soak(command, &["--policy", policy, "--plots"]);
    }
    let snapshot = folder.soak("extract", &["--policy", policy]).json();
    (folder, snapshot)
}

#[test]
fn a_small_value_keeps_two_significant_digits_in_every_report() {
    let (folder, snapshot) = reported();
    // Four significant digits for machines: the mean of 1, 1.001 and 1.002 over the last eight.
    let mean = snapshot["kpi_last8"]["lost_ratio"]["mean"].as_f64().expect("a mean");
    assert!((mean - 0.000_800_9).abs() < 2e-7, "{mean}");
    let audit = folder.text("POST_SOAK_AUDIT.md");
    let summary = folder.text("reports/analysis/POST_SOAK_AUDIT_SUMMARY.md");
    let page = folder.text("reports/analysis/report.html");
    for text in [&audit, &summary, &page] {
        assert!(text.contains("0.00080") && !text.contains("0.001 "), "{text}");
        assert!(text.contains("0.62"), "{text}");
    }
    assert!(audit.contains("lost messages") && page.contains("lost messages"), "the label");
    // The digits of the policy win: 3.1 and never 3.14.
    assert!(audit.contains("3.1 ") || audit.contains("3.1|"), "{audit}");
}

#[test]
fn tables_and_plots_follow_the_kpis_of_the_verdict_in_their_order() {
    let (folder, snapshot) = reported();
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    // What is advisory is not of the verdict. The keys of an object have no order here.
    assert_eq!(keys(&snapshot["kpi_last8"]), ["lag_ms", "lost_ratio"]);
    let audit = folder.json("reports/analysis/POST_SOAK_AUDIT_SUMMARY.json");
    assert_eq!(keys(&audit["snapshot_kpis"]), ["lag_ms", "lost_ratio"]);
    assert_eq!(keys(&audit["trend_stats"]), ["lag_ms", "lost_ratio"]);
    let deep = folder.json("reports/analysis/POST_SOAK_SNAPSHOT.json");
    assert_eq!(keys(&deep["kpi_last_n"]), ["lag_ms", "lost_ratio"]);
    assert_eq!((&deep["goals_verdict"], &deep["pass_count_last_n"]), (&json!("NOT_APPLICABLE"), &json!(0)));
    let table = folder.text("reports/analysis/POST_SOAK_ITER_TABLE.csv");
    assert_eq!(table.lines().next(), Some("iter,lost_ratio,lag_ms"), "in the order of the policy");
    assert_eq!(table.lines().nth(3), Some("3,0.0008,0.62"));
    let plots: Vec<String> = visible(&folder.file("reports/analysis/plots")).into_keys().collect();
    assert_eq!(plots, ["lag_ms.png", "lag_ms.svg", "lost_ratio.png", "lost_ratio.svg"]);
    for plot in ["lag_ms", "lost_ratio"] {
        let plot = folder.text(&format!("reports/analysis/plots/{plot}.svg"));
        assert_eq!(words(&visible_text(&plot)), BTreeSet::new());
    }
}
