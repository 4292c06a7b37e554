//! Every query of the dashboards against a real Prometheus that scrapes a simulated soak and a rollback watcher: each
//! shows something.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::e2e::has;
use crate::e2e::rollback_loop::{Running, Told, deploy, listening, rules, soak};
use crate::e2e::servers::{Exporter, Server, prometheus_with};

/// A watcher that does nothing; its port.
fn watcher(folder: &Path) -> (Running, u16) {
    listening(
        Command::new(env!("CARGO_BIN_EXE_soak"))
            .args(["rollback", "serve", "--port", "0", "--policy"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/policies/rollback.yaml"))
            .arg("--log")
            .arg(folder.join("audit.jsonl")),
    )
}

/// What `soak gate --prometheus` writes, shown as `node_exporter` shows it.
fn textfile(folder: &Path) -> Exporter {
    let run = folder.join("judged");
    fs::create_dir(&run).expect("a folder");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pass24");
    for entry in fs::read_dir(fixture).expect("a fixture").flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), run.join(entry.file_name())).expect("copied");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["gate", "--prometheus", "--no-legacy-metrics", "--path"])
        .arg(&run)
        .output()
        .expect("the program starts");
    let text = fs::read_to_string(run.join("POST_SOAK_METRICS.prom"));
    Exporter::new(&text.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

/// Our configuration with shorter times and these addresses; the simulated trading system is scraped as one.
fn prometheus(folder: &Path, soak: u16, watcher: u16, node: SocketAddr) -> Server {
    rules(folder);
    let mut text = deploy("prometheus/prometheus.yml");
    for (from, to) in [
        ("scrape_interval: 15s".to_owned(), "scrape_interval: 1s".to_owned()),
        ("scrape_timeout: 10s".to_owned(), "scrape_timeout: 1s".to_owned()),
        ("evaluation_interval: 30s".to_owned(), "evaluation_interval: 1s".to_owned()),
        ("127.0.0.1:9100".to_owned(), format!("'127.0.0.1:{soak}'")),
        ("127.0.0.1:9099".to_owned(), format!("'127.0.0.1:{soak}'")),
        ("127.0.0.1:9101".to_owned(), format!("'{node}'")),
        ("127.0.0.1:8080".to_owned(), format!("'127.0.0.1:{watcher}'")),
        ("  - rules_soak.yml".to_owned(), format!("  - {}", folder.join("rules_soak.yml").display())),
        ("  - alerts_soak.yml".to_owned(), format!("  - {}", folder.join("alerts_soak.yml").display())),
        (
            "  - alerts_soak_runner.yml".to_owned(),
            format!("  - {}", folder.join("alerts_soak_runner.yml").display()),
        ),
    ] {
        assert!(text.contains(&from), "`{from}` is not there any more");
        text = text.replace(&from, &to);
    }
    prometheus_with(&text, &[])
}

/// What a query gives now: the number of its series.
fn series(prometheus: &Server, query: &str) -> Option<usize> {
    let url = format!("{}/api/v1/query", prometheus.url);
    let text = ureq::post(url).send_form([("query", query)]).ok()?.body_mut().read_to_string().ok()?;
    let answer: Value = serde_json::from_str(&text).ok()?;
    Some(answer["data"]["result"].as_array()?.len())
}

/// The values of a label, as Grafana asks for a variable: `label_values(metric{…}, label)`.
fn label_values(prometheus: &Server, query: &str) -> Vec<String> {
    let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).expect("labels");
    let (selector, label) = inner.rsplit_once(", ").expect("a label");
    let url = format!("{}/api/v1/label/{label}/values", prometheus.url);
    let text = ureq::get(url)
        .query("match[]", selector)
        .call()
        .ok()
        .and_then(|mut answer| answer.body_mut().read_to_string().ok());
    let answer: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    answer["data"].as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

/// A query with what Grafana puts in the place of variables where all values are chosen.
fn filled(query: &str, variables: &[(String, Vec<String>)]) -> String {
    let query =
        query.replace("$__rate_interval", "1m").replace("$__interval", "15s").replace("$__range", "1h");
    variables.iter().fold(query, |query, (name, values)| {
        let all = format!(
            "({})",
            values.iter().map(|value| value.replace('.', "\\\\.")).collect::<Vec<_>>().join("|")
        );
        query.replace(&format!("${name}"), &all)
    })
}

#[test]
fn every_panel_shows_something_of_a_simulated_soak() {
    if !has("prometheus") {
        return;
    }
    let told = Told(Instant::now());
    let place = tempfile::tempdir().expect("a folder");
    let (_soak, soak_port) = soak(place.path());
    let (_watcher, watcher_port) = watcher(place.path());
    let node = textfile(place.path());
    let prometheus = prometheus(place.path(), soak_port, watcher_port, node.address());
    let mut count = 0;
    for name in ["mm_operability.json", "soak_runner.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/dashboards").join(name);
        let dashboard: Value =
            serde_json::from_str(&fs::read_to_string(path).expect("a dashboard")).expect("JSON");
        // The variables first, each with those before it.
        let mut variables: Vec<(String, Vec<String>)> = Vec::new();
        for variable in dashboard["templating"]["list"].as_array().expect("variables") {
            if variable["type"] != "query" {
                continue;
            }
            let query = filled(variable["query"]["query"].as_str().expect("a query"), &variables);
            let values = told.until(&format!("{name}: `{query}` has values"), 60, || {
                let values = label_values(&prometheus, &query);
                (!values.is_empty()).then_some(values)
            });
            variables.push((variable["name"].as_str().expect("a name").to_owned(), values));
        }
        for panel in dashboard["panels"].as_array().expect("panels") {
            let title = panel["title"].as_str().expect("a title");
            for target in panel["targets"].as_array().expect("targets") {
                let query = filled(target["expr"].as_str().expect("a query"), &variables);
                told.until(&format!("{name}: {title}"), 60, || {
                    series(&prometheus, &query).filter(|series| *series > 0)
                });
                count += 1;
            }
        }
        for annotation in dashboard["annotations"]["list"].as_array().expect("annotations") {
            if let Some(query) = annotation["expr"].as_str() {
                // The storm makes gates fire.
                let query = filled(query, &variables);
                told.until(&format!("{name}: annotations"), 90, || {
                    series(&prometheus, &query).filter(|series| *series > 0)
                });
            }
        }
    }
    assert!(count > 25, "only {count} queries found");
}
