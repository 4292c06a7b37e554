//! Recording and alert rules, their tests, and the configurations of Prometheus and Alertmanager around them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::deploy::files::{list, word, yaml};
use crate::deploy::{metrics, promql, run};

const FILES: [&str; 3] = ["rules_soak.yml", "alerts_soak.yml", "alerts_soak_runner.yml"];
/// The tests of the alerts.
const TESTS: [&str; 3] =
    ["alerts_soak_test.yml", "alerts_soak_runner_test.yml", "alerts_soak_export_test.yml"];
/// Metrics of programs that are neither ours nor the trading system.
const FOREIGN: [&str; 9] = [
    "up",
    "alertmanager_notifications_failed_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "node_textfile_mtime_seconds",
    "node_textfile_scrape_error",
    "prometheus_notifications_dropped_total",
    "push_failure_time_seconds",
    "push_time_seconds",
];
/// Alert, `for`, severity, gate, of the eight gates that were documented first.
const GATES: [(&str, &str, &str, &str); 8] = [
    ("SoakLatencyP95High", "10m", "critical", "hard"),
    ("SoakDeadlineMissRate", "10m", "critical", "hard"),
    ("SoakEdgeDegradation", "30m", "critical", "hard"),
    ("SoakMDCacheHitRatio", "15m", "critical", "hard"),
    ("SoakCircuitBreakerOpen", "5m", "critical", "hard"),
    ("SoakGuardTrip", "5m", "critical", "hard"),
    ("SoakMakerTakerImbalance", "30m", "warning", "soft"),
    ("SoakWSLagHigh", "15m", "warning", "soft"),
];

/// All rules.
fn rules() -> Vec<Value> {
    let groups = FILES.map(|file| yaml(&format!("deploy/prometheus/{file}")));
    let groups = groups.iter().flat_map(|file| list(&file["groups"]));
    groups.flat_map(|group| list(&group["rules"]).to_vec()).collect()
}

/// All alerts, in order.
pub(crate) fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|rule| rule.get("alert").is_some()).collect()
}

/// The names of the recording rules.
pub(crate) fn recorded() -> BTreeSet<String> {
    rules().iter().filter_map(|rule| rule.get("record")).map(|name| word(name).to_owned()).collect()
}

/// Whether a rule or a dashboard may ask for this series.
pub(crate) fn is_known(series: &str) -> bool {
    metrics::is_owed(series)
        || metrics::exported().contains(series)
        || recorded().contains(series)
        || FOREIGN.contains(&series)
}

#[test]
fn every_metric_in_a_rule_is_exported_by_soak_or_owed_by_the_trading_system() {
    let mut asked = BTreeSet::new();
    for rule in rules() {
        let expression = word(&rule["expr"]);
        for name in promql::metrics(expression) {
            assert!(is_known(&name), "`{name}` is in no list: {expression}");
            asked.insert(name);
        }
    }
    assert!(asked.len() > 25, "{asked:?}");
    for name in FOREIGN {
        assert!(asked.contains(name), "no rule asks for `{name}` any more");
    }
}

#[test]
fn the_eight_gates_are_there_as_documented() {
    let alerts = alerts();
    for (name, patience, severity, gate) in GATES {
        let found: Vec<&Value> = alerts.iter().filter(|alert| alert["alert"] == name).collect();
        let [alert] = found[..] else { panic!("{name}: {} rules", found.len()) };
        assert_eq!(
            (word(&alert["for"]), word(&alert["labels"]["severity"]), word(&alert["labels"]["gate"])),
            (patience, severity, gate),
            "{name}"
        );
    }
    let gates = alerts.iter().filter(|alert| alert["labels"]["gate"] != "none").count();
    assert_eq!(gates, GATES.len(), "another alert claims to be a gate");
}

#[test]
fn the_limits_of_the_gates_are_those_of_the_run_gates() {
    // Alert, run gate, what its limit is multiplied by (the policy has milliseconds), how a miss reads.
    let pairs = [
        ("SoakLatencyP95High", "latency_p95", 1e-3, ">"),
        ("SoakDeadlineMissRate", "deadline_miss_rate", 1.0, ">"),
        ("SoakEdgeDegradation", "edge_bps", 1.0, "<"),
        ("SoakMDCacheHitRatio", "hit_ratio", 1.0, "<"),
        ("SoakMakerTakerImbalance", "maker_share", 1.0, "<"),
        ("SoakWSLagHigh", "ws_lag", 1e-3, ">"),
    ];
    let policy = run::policy();
    for (name, gate, scale, miss) in pairs {
        let alert = alerts().into_iter().find(|alert| alert["alert"] == name).expect("an alert");
        let gate = policy.run_gates.iter().find(|found| found.name == gate).expect("a run gate");
        let words: Vec<String> = word(&alert["expr"]).split_whitespace().map(ToOwned::to_owned).collect();
        let [.., comparison, limit] = &words[..] else { panic!("{name}") };
        assert_eq!(comparison, miss, "{name}");
        let limit: f64 = limit.parse().expect("a number");
        assert!((limit - gate.limit.value * scale).abs() < 1e-12, "{name}: {limit}, {}", gate.limit.value);
    }
}

#[test]
fn every_alert_says_who_is_meant_and_what_to_do() {
    let mut told = BTreeMap::new();
    for alert in alerts() {
        let name = word(&alert["alert"]);
        let labels = alert["labels"].as_object().expect("labels");
        let severity = word(&labels["severity"]);
        assert!(["critical", "warning", "none"].contains(&severity), "{name}: {severity}");
        assert!(["hard", "soft", "none"].contains(&word(&labels["gate"])), "{name}");
        assert!(!word(&labels["component"]).is_empty(), "{name}");
        let annotations = &alert["annotations"];
        let texts = ["summary", "description"].map(|key| word(&annotations[key]).to_owned());
        assert!(texts.iter().all(|text| text.len() > 20), "{name}: {texts:?}");
        let url = format!("{{{{ $externalLabels.runbooks }}}}/{name}.md");
        assert_eq!(word(&annotations["runbook_url"]), url, "{name}");
        // Several rules with one name are one alert to a person.
        let first = told.entry(name.to_owned()).or_insert_with(|| texts.clone());
        assert_eq!(*first, texts, "{name}");
    }
}

#[test]
fn a_value_per_process_keeps_the_labels_that_decide_where_to_act() {
    for rule in rules() {
        let expression = word(&rule["expr"]).to_owned();
        for part in expression.split("by (").skip(1) {
            let labels = part.split(')').next().unwrap_or_default();
            let has = |label: &str| labels.split(',').any(|found| found.trim() == label);
            assert!(has("env") && has("instance"), "{expression}");
        }
        assert!(
            !expression.contains("sum("),
            "an aggregation without `by` hides which process it is: {expression}"
        );
    }
}

#[test]
fn every_input_of_a_gate_is_missed_when_it_is_not_there() {
    let all = rules();
    let of = |name: &str| {
        let rule = all.iter().find(|rule| rule["record"] == name || rule["alert"] == name).expect("a rule");
        promql::metrics(word(&rule["expr"]))
    };
    let mut inputs = BTreeSet::new();
    for (gate, ..) in GATES {
        for name in of(gate) {
            if name.contains(':') {
                inputs.extend(of(&name));
            } else {
                inputs.insert(name);
            }
        }
    }
    let missed: BTreeMap<String, String> = alerts()
        .iter()
        .filter(|alert| alert["alert"] == "SoakMetricAbsent")
        .map(|alert| {
            let names = promql::metrics(word(&alert["expr"]));
            let name = names.into_iter().find(|name| name != "up").expect("a metric");
            (name, word(&alert["labels"]["metric"]).to_owned())
        })
        .collect();
    assert_eq!(missed.keys().cloned().collect::<BTreeSet<_>>(), inputs);
    for (series, label) in missed {
        assert_eq!(promql::family(&series), label);
    }
}

#[test]
fn every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let documents = TESTS.map(|file| yaml(&format!("deploy/prometheus/{file}")));
    let mut seen: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for test in documents.iter().flat_map(|file| list(&file["tests"])) {
        for check in list(&test["alert_rule_test"]) {
            let is_firing = !list(&check["exp_alerts"]).is_empty();
            seen.entry(word(&check["alertname"])).or_default()[usize::from(is_firing)] += 1;
        }
    }
    for alert in alerts() {
        let name = word(&alert["alert"]);
        let [silent, firing] = seen.get(name).copied().unwrap_or_default();
        assert!(firing > 0, "{name} is never seen to fire");
        // The one that always fires is silent in no test.
        assert!(silent > 0 || name == "SoakWatchdog", "{name} is never seen to keep quiet");
    }
}

#[test]
fn the_patience_with_the_heartbeat_is_that_of_the_live_page() {
    let [intervals, grace] = soak::export::live::PATIENCE;
    let patience = format!("> {intervals} * soak_interval_seconds + {grace}\n");
    let alert = alerts().into_iter().find(|alert| alert["alert"] == "SoakRunnerHeartbeatMissing");
    let alert = alert.expect("an alert");
    assert!(word(&alert["expr"]).contains(&patience), "{}", alert["expr"]);
}

#[test]
fn prometheus_scrapes_every_job_that_a_rule_names_and_reads_every_rule_file() {
    let config = yaml("deploy/prometheus/prometheus.yml");
    assert_eq!(list(&config["rule_files"]), FILES.map(Value::from));
    let jobs: Vec<&str> = list(&config["scrape_configs"]).iter().map(|job| word(&job["job_name"])).collect();
    for rule in rules() {
        let expression = word(&rule["expr"]).to_owned();
        for part in expression.split("job=\"").skip(1) {
            let job = part.split('"').next().unwrap_or_default();
            assert!(jobs.contains(&job), "`{job}` is not scraped: {expression}");
        }
    }
    for job in list(&config["scrape_configs"]) {
        let name = word(&job["job_name"]);
        let labels = &job["static_configs"][0]["labels"];
        let wants_env = ["mm-bot", "soak-runner", "soak-rollback", "node"].contains(&name);
        assert_eq!(labels.get("env").is_some(), wants_env, "{name}");
    }
}

#[test]
fn alertmanager_sends_gates_to_the_watcher_and_everything_to_people() {
    let config = yaml("deploy/alertmanager/alertmanager.yml");
    let routes = list(&config["route"]["routes"]);
    assert_eq!(routes[0]["receiver"], "rollback-watcher");
    assert_eq!(routes[0]["matchers"][0], "gate=~\"hard|soft\"");
    assert_eq!(routes[0]["continue"], true);
    let watcher = list(&config["receivers"])
        .iter()
        .find(|receiver| receiver["name"] == "rollback-watcher")
        .expect("the watcher");
    let hook = &watcher["webhook_configs"][0];
    assert_eq!(word(&hook["url"]), "http://127.0.0.1:8080/alert-hook");
    assert_eq!((&hook["send_resolved"], &hook["max_alerts"]), (&true.into(), &0.into()));
    assert!(hook["http_config"]["authorization"]["credentials_file"].is_string());
    for name in config["inhibit_rules"].to_string().split("Soak").skip(1) {
        let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        let name = format!("Soak{name}");
        assert!(alerts().iter().any(|alert| alert["alert"] == *name), "{name} inhibits and does not exist");
    }
}
