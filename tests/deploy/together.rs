//! The files in `deploy/` fit each other as they are: addresses, paths, labels and intervals of one are those of the
//! others. (That the real programs take them, and the whole way of an alert, is in `tests/e2e`.)

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use soak::rollback::action::ActionKind;
use soak::rollback::policy::{Environments, RollbackPolicy};

use crate::deploy::files::{list, names, text, word, yaml};
use crate::deploy::rules;

const WATCHER: &str = "deploy/systemd/soak-rollback.service";

fn policy() -> RollbackPolicy {
    let name = "deploy/policies/rollback.yaml";
    soak::rollback::policy::read::read(&text(name), name).unwrap_or_else(|problems| panic!("{problems}"))
}

fn prometheus() -> Value {
    yaml("deploy/prometheus/prometheus.yml")
}

/// The one target of a job, and its labels.
fn job(name: &str) -> (String, Value) {
    let config = prometheus();
    let found: Vec<&Value> =
        list(&config["scrape_configs"]).iter().filter(|job| job["job_name"] == name).collect();
    let [job] = found[..] else { panic!("{name}: {} jobs", found.len()) };
    let [group] = list(&job["static_configs"]) else { panic!("{name}") };
    let [target] = list(&group["targets"]) else { panic!("{name}") };
    (word(target).to_owned(), group["labels"].clone())
}

/// The values of a key of a unit.
fn unit(name: &str, key: &str) -> Vec<String> {
    let begin = format!("{key}=");
    text(name).lines().filter_map(|line| line.strip_prefix(&begin)).map(ToOwned::to_owned).collect()
}

/// The value of a flag in a command line.
fn flag<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut words = line.split(' ');
    words.find(|word| *word == name)?;
    words.next()
}

#[test]
fn alerts_of_the_scraped_targets_are_of_the_environment_that_the_watcher_acts_in() {
    let policy = policy();
    let Environments::Labels(wanted) = &policy.environments else { panic!("the policy names labels") };
    for name in ["mm-bot", "soak-runner", "soak-rollback", "node"] {
        let (_, labels) = job(name);
        for (label, values) in wanted {
            assert!(values.contains(word(&labels[label])), "{name}: `{label}` is {}", labels[label]);
        }
    }
    // What the verification asks for has the labels of the trading system's target.
    let (_, labels) = job("mm-bot");
    let selector = policy.prometheus.expect("it names one").selector;
    for matcher in selector.split(',') {
        let (name, value) = matcher.split_once('=').expect("an equality");
        assert_eq!(word(&labels[name.trim()]), value.trim().trim_matches('"'), "{matcher}");
    }
    // A rule that adds up keeps the labels that say where an alert is from.
    for alert in rules::alerts().iter().filter(|alert| alert["labels"]["gate"] != "none") {
        let expression = word(&alert["expr"]);
        for label in wanted.keys() {
            let adds_up = expression.contains(" by (");
            assert!(!adds_up || expression.contains(label.as_str()), "{}: {expression}", alert["alert"]);
        }
    }
}

#[test]
fn the_gates_of_the_policy_are_the_gates_of_the_rules() {
    let policy = policy();
    let of_rules = |gate: &str| -> BTreeSet<String> {
        let alerts = rules::alerts();
        let named = alerts.iter().filter(|alert| alert["labels"]["gate"] == gate);
        named.map(|alert| word(&alert["alert"]).to_owned()).collect()
    };
    let names = |gates: &[soak::rollback::policy::Gate]| -> BTreeSet<String> {
        gates.iter().map(|gate| gate.name.clone()).collect()
    };
    assert_eq!(names(&policy.hard_gates), of_rules("hard"));
    assert_eq!(names(&policy.soft_gates), of_rules("soft"));
    // Opening the breaker makes its alert fire, and no other action makes a gate fire.
    let causes: BTreeMap<ActionKind, &[String]> = policy
        .auto
        .actions
        .iter()
        .filter(|action| !action.causes.is_empty())
        .map(|action| (action.kind, action.causes.as_slice()))
        .collect();
    assert_eq!(
        causes,
        BTreeMap::from([(ActionKind::CircuitState, &["SoakCircuitBreakerOpen".to_owned()][..])])
    );
}

#[test]
fn the_watcher_listens_where_alertmanager_sends_and_prometheus_looks() {
    let start = unit(WATCHER, "ExecStart").remove(0);
    let listen = flag(&start, "--listen").expect("it says where it listens");
    assert_eq!(job("soak-rollback").0, listen);
    let alertmanager = yaml("deploy/alertmanager/alertmanager.yml");
    let receiver = list(&alertmanager["receivers"])
        .iter()
        .find(|receiver| receiver["name"] == "rollback-watcher")
        .expect("a receiver");
    let [hook] = list(&receiver["webhook_configs"]) else { panic!("one hook") };
    assert_eq!(word(&hook["url"]), format!("http://{listen}/alert-hook"));
    assert_eq!(hook["send_resolved"], true, "the watcher must hear when an episode is over");
    // Alertmanager's copy of the token and the watcher's own are told to be the same.
    let token = word(&hook["http_config"]["authorization"]["credentials_file"]).to_owned();
    let own = unit(WATCHER, "LoadCredential").remove(0);
    let (name, own) = own.split_once(':').expect("a name and a file");
    assert_eq!(flag(&start, "--token-file"), Some(&*format!("${{CREDENTIALS_DIRECTORY}}/{name}")));
    let readme = text("deploy/README.md");
    let folder = token.strip_suffix("/hook-token").expect("the token's name");
    for words in [folder, "`hook-token`", own] {
        assert!(readme.contains(words), "deploy/README.md does not name {words}");
    }
    let config = prometheus();
    let alertmanagers = &list(&config["alerting"]["alertmanagers"])[0];
    assert_eq!(list(&list(&alertmanagers["static_configs"])[0]["targets"]), [job("alertmanager").0]);
}

#[test]
fn the_verification_asks_the_prometheus_that_scrapes_and_not_before_it_has() {
    let policy = policy();
    let access = policy.prometheus.expect("it names one");
    assert_eq!(access.url, format!("http://{}", job("prometheus").0));
    let config = prometheus();
    let interval = word(&config["global"]["scrape_interval"]).strip_suffix('s').expect("seconds").to_owned();
    assert!(list(&config["scrape_configs"]).iter().all(|job| job.get("scrape_interval").is_none()));
    assert_eq!(access.scrape_interval, Duration::from_secs(interval.parse().expect("a number")));
    for verification in [&policy.auto.verification, &policy.recovery.verification] {
        assert!(!verification.checks.is_empty());
        for check in &verification.checks {
            assert!(verification.wait + check.timeout >= 2 * access.scrape_interval, "{check}");
        }
    }
}

#[test]
fn the_log_lies_where_the_watcher_may_write_and_everybody_looks() {
    let log = policy().audit.log_path.expect("the policy names it");
    let log = log.to_str().expect("a plain path");
    let state = format!("/var/lib/{}", unit(WATCHER, "StateDirectory").remove(0));
    assert!(log.starts_with(&format!("{state}/")), "{log} is not in {state}");
    let start = unit(WATCHER, "ExecStart").remove(0);
    assert_eq!(flag(&start, "--log"), None, "the policy says it");
    let policy = flag(&start, "--policy").expect("a policy");
    for check in unit(WATCHER, "ExecStartPre").iter().chain(&unit(WATCHER, "ExecReload")[..1]) {
        assert!(check.ends_with(&format!(" {policy}")), "{check}");
    }
    for name in names("deploy/runbooks", ".md") {
        for (line, is_typed) in
            crate::deploy::commands::in_markdown(&text(&format!("deploy/runbooks/{name}")))
        {
            if !is_typed || !line.starts_with("soak rollback ") {
                continue;
            }
            let words: Vec<&str> = line.split(' ').collect();
            match words[2] {
                "log" => assert_eq!(words[4], log, "{name}: {line}"),
                "check" => assert_eq!(words[3], policy, "{name}: {line}"),
                _ => {
                    assert_eq!(flag(&line, "--policy"), Some(policy), "{name}: {line}");
                    assert!(flag(&line, "--log").is_none_or(|named| named == log), "{name}: {line}");
                }
            }
        }
    }
}

#[test]
fn prometheus_loads_all_rules_and_nothing_else() {
    let config = prometheus();
    let loaded: BTreeSet<String> =
        list(&config["rule_files"]).iter().map(|name| word(name).to_owned()).collect();
    let there: BTreeSet<String> = names("deploy/prometheus", ".yml")
        .into_iter()
        .filter(|name| name != "prometheus.yml" && !name.ends_with("_test.yml"))
        .collect();
    assert_eq!(loaded, there);
}

#[test]
fn the_soak_is_scraped_where_its_units_say_that_it_shows_itself() {
    let (target, _) = job("soak-runner");
    let port = target.rsplit(':').next().unwrap_or_default().to_owned();
    for name in ["deploy/systemd/soak-run.service", "deploy/systemd/soak-resume.service"] {
        assert!(text(name).contains(&format!("--serve {port}")), "{name}");
    }
    assert!(text("deploy/README.md").contains(&format!("--serve {port}")));
}
