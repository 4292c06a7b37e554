//! Dashboards: schema, variables, limits of the policy, metrics that exist.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::deploy::files::{list, names, text, word};
use crate::deploy::{promql, rules, run};

const FOLDER: &str = "deploy/grafana/dashboards";

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&text(&format!("{FOLDER}/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn all() -> Vec<(String, Value)> {
    let all: Vec<_> =
        names(FOLDER, ".json").into_iter().map(|name| (name.clone(), dashboard(&name))).collect();
    assert_eq!(all.len(), 2);
    all
}

/// Every query of a dashboard: panels, variables, annotations.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = list(&dashboard["panels"]).iter().flat_map(|panel| list(&panel["targets"]));
    let annotations = list(&dashboard["annotations"]["list"]).iter().filter(|one| one.get("expr").is_some());
    panels.chain(annotations).map(|query| word(&query["expr"]).to_owned()).collect()
}

#[test]
fn every_query_asks_for_metrics_that_exist_and_for_the_variables() {
    for (name, dashboard) in all() {
        let queries = queries(&dashboard);
        assert!(queries.len() > 10, "{name}");
        for query in queries {
            let metrics = promql::metrics(&query);
            assert!(!metrics.is_empty(), "{name}: {query}");
            for metric in metrics {
                assert!(metric == "ALERTS" || rules::is_known(&metric), "{name} asks for `{metric}`");
            }
            assert!(query.contains("env=~\"$env\""), "{name}: {query}");
        }
        for variable in list(&dashboard["templating"]["list"]).iter().filter(|one| one["type"] == "query") {
            let query = word(&variable["query"]["query"]);
            let inner =
                query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).expect("labels");
            let metric = inner.split(['{', ',']).next().unwrap_or_default();
            assert!(rules::is_known(metric), "{name}: {query}");
            assert!(inner.ends_with(&format!(", {}", word(&variable["name"]))), "{name}: {query}");
        }
    }
}

#[test]
fn the_schema_is_a_current_one() {
    for (name, dashboard) in all() {
        assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 39), "{name}");
        assert!(dashboard.get("id").is_none() && dashboard.get("version").is_none(), "{name}");
        let mut seen = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let title = word(&panel["title"]);
            assert!(seen.insert(panel["id"].as_u64()), "{name}: {title} has the id of another panel");
            assert!(
                ["timeseries", "stat", "state-timeline"].contains(&word(&panel["type"])),
                "{name}: {title}"
            );
            assert!(word(&panel["description"]).len() > 20, "{name}: {title}");
            assert!(
                panel["fieldConfig"]["defaults"].get("unit").is_some() || panel["type"] == "state-timeline",
                "{name}: {title}"
            );
            let sources = list(&panel["targets"]).iter().chain([panel]);
            for source in sources {
                assert_eq!(source["datasource"]["uid"], "${datasource}", "{name}: {title}");
            }
        }
        let variables: Vec<&str> =
            list(&dashboard["templating"]["list"]).iter().map(|one| word(&one["name"])).collect();
        assert_eq!(variables, ["datasource", "env", "exchange", "instance"], "{name}");
    }
    assert_eq!(dashboard("mm_operability.json")["uid"], "mm-operability");
    assert_eq!(dashboard("soak_runner.json")["uid"], "soak-runner");
}

#[test]
fn panels_do_not_lie_on_each_other() {
    for (name, dashboard) in all() {
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let of = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
            assert!(of("x") + of("w") <= 24, "{name}: {}", panel["title"]);
            for x in of("x")..of("x") + of("w") {
                for y in of("y")..of("y") + of("h") {
                    assert!(taken.insert((x, y)), "{name}: {}", panel["title"]);
                }
            }
        }
    }
}

#[test]
fn the_seven_panels_have_the_limits_of_the_run_gates() {
    let dashboard = dashboard("mm_operability.json");
    let panels = list(&dashboard["panels"]);
    assert_eq!(panels.len(), 7);
    let policy = run::policy();
    // Panel, run gate, what its limit is multiplied by, the colour from the limit on.
    for (title, gate, scale, colour) in [
        ("Edge", "edge_bps", 1.0, "green"),
        ("Latency p95", "latency_p95", 1e-3, "red"),
        ("Maker and taker share", "maker_share", 1.0, "green"),
        ("Market data cache hit ratio", "hit_ratio", 1.0, "green"),
        ("Deadline miss rate", "deadline_miss_rate", 1.0, "red"),
        ("WebSocket lag", "ws_lag", 1e-3, "red"),
    ] {
        let panel =
            panels.iter().find(|panel| panel["title"] == title).unwrap_or_else(|| panic!("no {title}"));
        let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
        let [below, from] = steps else { panic!("{title}: {steps:?}") };
        let gate = policy.run_gates.iter().find(|found| found.name == gate).expect("a run gate");
        assert!(below["value"].is_null() && below["color"] != colour, "{title}");
        assert_eq!(from["color"], colour, "{title}");
        let limit = from["value"].as_f64().expect("a number");
        assert!((limit - gate.limit.value * scale).abs() < 1e-12, "{title}: {limit}");
    }
}

#[test]
fn the_kpis_of_a_run_are_drawn_with_their_limits() {
    let queries = queries(&dashboard("soak_runner.json")).join("\n");
    let policy = run::policy();
    let shown = soak::export::live::metrics::metrics(&run::done(3, 24), chrono::DateTime::UNIX_EPOCH);
    let limits: Vec<&str> = shown.lines().filter(|line| line.starts_with("soak_pass_limit{")).collect();
    assert_eq!(limits.len(), policy.iteration_pass.checks.len());
    for limit in limits {
        let kpi = limit.split('"').nth(1).expect("a label");
        for metric in ["soak_kpi", "soak_pass_limit"] {
            assert!(
                queries.contains(&format!("{metric}{{job=\"soak-runner\",kpi=\"{kpi}\"")),
                "{metric} {kpi}"
            );
        }
    }
}
