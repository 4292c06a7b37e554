//! What lies in `deploy/`, against the programs that read it: promtool, amtool, systemd-analyze.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::e2e::has;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

/// Runs a program in a folder; what it said, as `Err` if it failed.
fn ran(program: &str, args: &[&str], folder: &Path) -> Result<String, String> {
    let done = Command::new(program).args(args).current_dir(folder).output().expect("the program starts");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    if done.status.success() { Ok(said) } else { Err(said) }
}

/// A copy of a folder without sub-folders.
fn copied(from: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
    }
    copy
}

#[test]
fn promtool_reads_rules_and_configuration_and_every_alert_does_what_its_tests_say() {
    if !has("promtool") {
        return;
    }
    let prometheus = folder("prometheus");
    for file in ["rules_soak.yml", "alerts_soak.yml", "alerts_soak_runner.yml"] {
        let said = ran("promtool", &["check", "rules", file], &prometheus);
        assert!(said.as_ref().is_ok_and(|said| said.contains("SUCCESS")), "{said:?}");
    }
    assert!(ran("promtool", &["check", "config", "prometheus.yml"], &prometheus).is_ok());
    for file in ["alerts_soak_test.yml", "alerts_soak_runner_test.yml", "alerts_soak_export_test.yml"] {
        let said = ran("promtool", &["test", "rules", file], &prometheus);
        assert!(said.is_ok(), "{said:?}");
    }
}

#[test]
fn the_tests_of_the_alerts_notice_when_a_rule_is_changed() {
    if !has("promtool") {
        return;
    }
    let alerts = fs::read_to_string(folder("prometheus").join("alerts_soak.yml")).expect("alerts");
    let runner = fs::read_to_string(folder("prometheus").join("alerts_soak_runner.yml")).expect("alerts");
    for (file, text, from, to) in [
        ("alerts_soak.yml", &alerts, "p95_rate5m > 0.15", "p95_rate5m > 0.14"),
        ("alerts_soak.yml", &alerts, "p95_rate5m > 0.15", "p95_rate5m > 0.18"),
        ("alerts_soak.yml", &alerts, "ratio_rate5m > 0.02", "ratio_rate5m > 0.04"),
        ("alerts_soak.yml", &alerts, "(mm_edge_bps_ema24h) < 2.0", "(mm_edge_bps_ema24h) <= 2.0"),
        ("alerts_soak.yml", &alerts, "ratio_rate5m < 0.70", "ratio_rate5m < 0.50"),
        (
            "alerts_soak.yml",
            &alerts,
            "state=\"open\"}) == 1\n        for: 5m",
            "state=\"open\"}) == 1\n        for: 1m",
        ),
        ("alerts_soak.yml", &alerts, "increase15m > 0", "increase15m > 2"),
        ("alerts_soak.yml", &alerts, "(mm_maker_share_ratio) < 0.85", "(mm_maker_share_ratio) <= 0.85"),
        ("alerts_soak.yml", &alerts, "(mm_ws_lag_seconds_max) > 0.2", "(mm_ws_lag_seconds_max) >= 0.2"),
        (
            "alerts_soak_runner.yml",
            &runner,
            "soak_iterations_declared[1h]) - 1",
            "soak_iterations_declared[1h])",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let copy = copied(&folder("prometheus"));
        fs::write(copy.path().join(file), text.replacen(from, to, 1)).expect("written");
        let tests = file.replace(".yml", "_test.yml");
        let said = ran("promtool", &["test", "rules", &tests], copy.path());
        assert!(said.as_ref().is_err_and(|said| said.contains("FAILED")), "{to}: {said:?}");
    }
}

#[test]
fn amtool_reads_the_configuration_and_sends_each_alert_where_it_belongs() {
    if !has("amtool") {
        return;
    }
    let alertmanager = folder("alertmanager");
    assert!(ran("amtool", &["check-config", "alertmanager.yml"], &alertmanager).is_ok());
    for (labels, receivers) in [
        (["alertname=SoakLatencyP95High", "gate=hard", "severity=critical"], "rollback-watcher,oncall"),
        (["alertname=SoakWSLagHigh", "gate=soft", "severity=warning"], "rollback-watcher,people"),
        (["alertname=SoakWatchdog", "gate=none", "severity=none"], "rollback-watcher"),
        (["alertname=SoakBotDown", "gate=none", "severity=critical"], "oncall"),
        (["alertname=SoakRunnerDown", "gate=none", "severity=warning"], "people"),
        (["alertname=SomebodyElse", "team=x", "severity=warning"], "people"),
    ] {
        let mut args = vec!["config", "routes", "test", "--config.file=alertmanager.yml"];
        args.extend(labels);
        let said = ran("amtool", &args, &alertmanager).expect("routes");
        assert_eq!(said.lines().next(), Some(receivers), "{labels:?}");
    }
}

#[test]
fn every_query_of_the_dashboards_is_one() {
    if !has("promtool") {
        return;
    }
    let copy = tempfile::tempdir().expect("a folder");
    let mut count = 0;
    for name in ["mm_operability.json", "soak_runner.json"] {
        let text = fs::read_to_string(folder("grafana/dashboards").join(name)).expect("a dashboard");
        let dashboard: Value = serde_json::from_str(&text).expect("JSON");
        let panels = dashboard["panels"].as_array().expect("panels").iter();
        let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets"));
        let annotations = dashboard["annotations"]["list"].as_array().expect("annotations").iter();
        for query in targets.chain(annotations).filter_map(|query| query["expr"].as_str()) {
            // What Grafana puts in the place of several values.
            let query = query
                .replace("$env", "(prod|staging)")
                .replace("$exchange", ".*")
                .replace("$instance", "a:1");
            assert!(!query.contains('$'), "{query}");
            let rule =
                serde_json::json!({"groups": [{"name": "q", "rules": [{"record": "a:b", "expr": query}]}]});
            fs::write(copy.path().join("q.yml"), rule.to_string()).expect("written");
            let said = ran("promtool", &["check", "rules", "q.yml"], copy.path());
            assert!(said.is_ok(), "{name}: {query}: {said:?}");
            count += 1;
        }
    }
    assert!(count > 30, "only {count} queries found");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if !has("systemd-analyze") {
        return;
    }
    let copy = tempfile::tempdir().expect("a folder");
    let mut units = Vec::new();
    for entry in fs::read_dir(folder("systemd")).expect("a folder").flatten() {
        // A program that is there stands for the one that is installed later.
        let text =
            fs::read_to_string(entry.path()).expect("a unit").replace("/usr/local/bin/soak", "/bin/true");
        let unit = copy.path().join(entry.file_name());
        fs::write(&unit, text).expect("written");
        units.push(unit.to_str().expect("plain").to_owned());
    }
    assert_eq!(units.len(), 3);
    for unit in &units {
        let said = ran("systemd-analyze", &["verify", "--man=no", unit], copy.path());
        assert_eq!(said, Ok(String::new()), "{unit}");
        let said =
            ran("systemd-analyze", &["security", "--offline=true", "--threshold=20", unit], copy.path());
        assert!(said.is_ok(), "{said:?}");
    }
}
