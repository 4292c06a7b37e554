//! `export-prom --remote-write` to Prometheus, with and without a window for late samples, and to `VictoriaMetrics`:
//! what is read back is what stands in the iteration files.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::e2e::export_prom::{query, until};
use crate::e2e::has;
use crate::e2e::servers::{Exporter, Server, plain_victoria_metrics, prometheus_with, scraping};
use crate::support::{Folder, Ran, Run, Step};

const RECEIVER: &str = "--web.enable-remote-write-receiver";

/// A run whose iteration k ended so many minutes ago.
struct History {
    folder: Folder,
    ends: Vec<(u64, DateTime<Utc>)>,
}

impl History {
    fn ending(minutes_ago: &[i64], net: impl Fn(u64) -> f64) -> Self {
        let now = Utc::now();
        let ends: Vec<(u64, DateTime<Utc>)> = (1..)
            .zip(minutes_ago)
            .map(|(number, ago)| {
                (number, DateTime::from_timestamp(now.timestamp() - ago * 60, 0).expect("a time"))
            })
            .collect();
        let run = ends.iter().fold(Run::default(), |run, (number, end)| {
            let step = Step { net: net(*number), p95: 300.0 + *number as f64, ..Step::good(*number) };
            run.step(step).edit(*number, |json| json["summary"]["runtime_utc"] = end.to_rfc3339().into())
        });
        Self { folder: run.in_temp(), ends }
    }

    fn send(&self, server: &Server, args: &[&str]) -> Ran {
        let url = format!("{}/api/v1/write", server.url);
        self.folder.soak("export-prom", &[&["--remote-write", &url, "--run", "r\"1"], args].concat())
    }

    /// What the store has of a KPI: value by time.
    fn stored(server: &Server, kpi: &str) -> BTreeMap<i64, f64> {
        let text = format!("soak_iteration_kpi{{job=\"soak\",run=\"r\\\"1\",kpi=\"{kpi}\"}}[90d]");
        let series = query(&server.url, &text);
        assert!(series.len() <= 1, "{series:?}");
        let samples = series.iter().flat_map(|series| series["values"].as_array().expect("samples").clone());
        let mut found = BTreeMap::new();
        for sample in samples {
            let at = sample[0].as_i64().expect("a whole second");
            let value = sample[1].as_str().and_then(|text| text.parse().ok()).expect("a number");
            let before = found.insert(at, value);
            assert_eq!(before, None, "{kpi} has two samples at {at}");
        }
        found
    }

    /// What must be there of iterations from `first` on, from the numbers in the files.
    #[track_caller]
    fn check(&self, server: &Server, first: u64) {
        let file = |number: u64| self.folder.json(&crate::support::name(number))["summary"].clone();
        for (kpi, key, scale) in [
            ("net_ratio", "net_bps", 10_000.0),
            ("p95_latency_seconds", "p95_latency_ms", 1000.0),
            ("maker_taker_ratio", "maker_taker_ratio", 1.0),
            ("risk_ratio", "risk_ratio", 1.0),
        ] {
            let expected: BTreeMap<i64, f64> = self
                .ends
                .iter()
                .filter(|(number, _)| *number >= first)
                .map(|(number, end)| {
                    (end.timestamp(), file(*number)[key].as_f64().expect("a number") / scale)
                })
                .collect();
            assert_eq!(Self::stored(server, kpi), expected, "{kpi}");
        }
    }
}

#[track_caller]
fn says(ran: &Ran, code: i32, lines: &[&str]) {
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    for line in lines {
        assert!(ran.stdout.contains(line), "no {line} in {}", ran.stdout);
    }
}

/// A Prometheus that scrapes, so that its head is at now.
fn at_now(more: &str, flags: &[&str]) -> (Server, Exporter) {
    let exporter = Exporter::new("mm_up 1\n");
    let config = format!("{}{more}", scraping(exporter.address()));
    let server = prometheus_with(&config, flags);
    until("a scrape", || !query(&server.url, "mm_up").is_empty());
    (server, exporter)
}

/// Numbers that take all digits of a double, which Prometheus keeps.
fn sevenths(number: u64) -> f64 {
    2.0 + number as f64 / 7.0
}

/// Short decimal numbers: `VictoriaMetrics` keeps decimals, and of those not quite as many digits.
fn quarters(number: u64) -> f64 {
    2.0 + number as f64 / 4.0
}

/// Five and four hours ago, then within the last hour.
const MINUTES: [i64; 6] = [310, 240, 40, 30, 20, 10];

#[test]
fn prometheus_takes_what_its_head_takes_and_the_rest_is_named() {
    if !has("prometheus") {
        return;
    }
    let (server, _exporter) = at_now("", &[RECEIVER]);
    let history = History::ending(&MINUTES, sevenths);
    let dry = history.send(&server, &["--dry-run"]);
    says(&dry, 0, &["would be sent: 4 iterations", "not taken: 2 iterations"]);
    assert!(History::stored(&server, "net_ratio").is_empty());

    let sent = history.send(&server, &["--batch-samples", "17"]);
    says(
        &sent,
        0,
        &[
            "(Prometheus)\n",
            "sent: 4 iterations",
            "not taken: 2 iterations",
            ": iterations 1-2\n",
            "set `storage.tsdb.out_of_order_time_window` to 7h or more",
        ],
    );
    history.check(&server, 3);

    let again = history.send(&server, &[]);
    says(&again, 0, &["sent: 0 iterations", "there already: 4 iterations", "not taken: 2 iterations"]);
    history.check(&server, 3);
    says(&history.send(&server, &["--fail-on-refused"]), 1, &["not taken: 2 iterations"]);
}

#[test]
fn prometheus_with_a_window_for_late_samples_takes_all_of_them_once() {
    if !has("prometheus") {
        return;
    }
    let (server, _exporter) = at_now("storage:\n  tsdb:\n    out_of_order_time_window: 6h\n", &[RECEIVER]);
    let history = History::ending(&MINUTES, sevenths);
    let sent = history.send(&server, &["--batch-samples", "20", "--fail-on-refused"]);
    says(&sent, 0, &["sent: 6 iterations"]);
    assert!(!sent.stdout.contains("not taken"), "{}", sent.stdout);
    history.check(&server, 1);
    says(&history.send(&server, &["--fail-on-refused"]), 0, &["there already: 6 iterations"]);
    history.check(&server, 1);
}

#[test]
fn a_prometheus_that_does_not_receive_says_so_before_anything_is_sent() {
    if !has("prometheus") {
        return;
    }
    let (server, _exporter) = at_now("", &[]);
    let ran = History::ending(&[10], sevenths).send(&server, &["--detailed-exitcode"]);
    assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("start it with `--web.enable-remote-write-receiver`"), "{}", ran.stderr);
}

#[test]
fn victoria_metrics_takes_what_it_would_keep_once() {
    if !has("victoria-metrics") {
        return;
    }
    let server = plain_victoria_metrics();
    // It keeps a month of 31 days.
    let days = |days: i64| TimeDelta::days(days).num_minutes();
    let history = History::ending(&[days(40), days(32), days(20), 300, 20, 10], quarters);
    let sent = history.send(&server, &["--batch-samples", "20"]);
    says(
        &sent,
        0,
        &[
            "(VictoriaMetrics)\n",
            "sent: 4 iterations",
            "not taken: 2 iterations",
            "because the store keeps 31d",
            "longer `-retentionPeriod`",
        ],
    );
    until("four samples", || History::stored(&server, "net_ratio").len() == 4);
    history.check(&server, 3);
    says(&history.send(&server, &[]), 0, &["sent: 0 iterations", "there already: 4 iterations"]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    history.check(&server, 3);
}
