//! What a rollback itself brings about, what is remembered at most, and what keeps two from acting at once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::{Place, Policy, Server, alert, assert_keeps, delivery, until};
use super::stub::Stub;

/// Without a cool-down, so that nothing but the memory keeps a second rollback from beginning.
fn policy(api: &Stub) -> Policy {
    Policy { cooldown_minutes: 0.0, causes: "[Harder]", ..Policy::new(api.address) }
}

fn decision(server: &Server, name: &str, start: u64, status: &str) -> String {
    let mut body = delivery(name, start);
    body["alerts"] = json!([alert(name, status, start)]);
    let (code, answer) = server.hook(&body);
    assert_eq!(code, 200, "{answer}");
    assert_keeps("rollback_hook_answer", &answer);
    answer["responses"][0]["decision"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_alert_that_the_rollback_brought_about_leads_to_no_other_also_after_a_restart() {
    let api = Stub::good();
    let place = Place::new(&policy(&api));
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server, "Hard", 1, "firing"), "rollback");
    let expected = json!([{"alert": "Harder", "of": format!("r{}", plans(&place)[0]), "firing": 0}]);
    assert_eq!(server.json("/status")["consequences"], expected);
    drop(server);

    let server = place.serve(&["--live"]);
    assert_eq!(server.json("/status")["consequences"], expected, "a restart knows it");
    let (_, answer) = server.hook(&delivery("Harder", 2));
    assert_eq!(answer["responses"][0]["decision"], "consequence");
    let reason = answer["responses"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("itself brought this alert about"), "{reason}");
    assert_eq!(server.metric("soak_rollback_decisions_total{decision=\"consequence\"}"), 1.0);
    assert_eq!(server.metric("soak_rollback_consequences"), 1.0);
    drop(server);

    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server, "Harder", 2, "firing"), "repeated");
    let status = server.json("/status");
    assert_keeps("rollback_status", &status);
    assert_eq!(status["consequences"][0]["firing"], 1, "{status}");
    assert_eq!(api.paths().iter().filter(|path| *path == "/circuit").count(), 1, "nothing was done twice");
    assert_eq!(decision(&server, "Harder", 2, "resolved"), "resolved");
    assert_eq!(server.metric("soak_rollback_consequences"), 0.0);
    drop(server);

    // It comes again by itself: a gate.
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server, "Harder", 3, "firing"), "rollback");
    place.assert_log_is_whole();
    let shown = place.command(&["log", "show", "log.jsonl"]).output().expect("it starts");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("Harder consequence"), "{shown}");
}

#[test]
fn a_recovery_names_the_alerts_that_would_not_stop_trading_again() {
    let api = Stub::good();
    let place = Place::new(&policy(&api));
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server, "Hard", 1, "firing"), "rollback");
    let recovered = || {
        let output = place.run(&["recover", "--live", "--reason", "it is over"]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = recovered();
    assert!(told.contains("Hard is not resolved: r3 has handled it"), "{told}");
    assert_eq!(decision(&server, "Hard", 1, "firing"), "repeated");
    assert_eq!(decision(&server, "Hard", 1, "resolved"), "resolved");
    let told = recovered();
    assert!(!told.contains("Hard was not told"), "{told}");
}

#[test]
fn after_a_recovery_it_is_a_gate_again() {
    let api = Stub::good();
    let place = Place::new(&policy(&api));
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server, "Hard", 1, "firing"), "rollback");
    let output = place.run(&["rehearse", "Harder", "--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["decisions"][0]["decision"], "consequence", "a rehearsal knows it");
    let output = place.run(&["recover", "--live", "--reason", "the market is calm"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(decision(&server, "Harder", 2, "firing"), "rollback");
    assert_eq!(server.json("/status")["consequences"][0]["firing"], 1, "the reason of the second rollback");
}

#[test]
fn more_episodes_than_may_be_remembered_are_forgotten_and_it_is_told() {
    let api = Stub::good();
    let policy = Policy { auto: "  remember_alerts: 100\n".to_owned(), ..policy(&api) };
    let place = Place::new(&policy);
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server, "Hard", 1, "firing"), "rollback");
    let many = |from: u64, status: &str| {
        let alerts: Vec<Value> = (from..from + 60)
            .map(|number| {
                let mut alert = alert("Soft", status, 0);
                alert["startsAt"] = json!(format!("t{number}"));
                alert
            })
            .collect();
        json!({"version": "4", "groupKey": "{}:{}", "alerts": alerts})
    };
    for (from, status) in [(0, "firing"), (0, "resolved"), (100, "firing")] {
        let (code, answer) = server.hook(&many(from, status));
        assert_eq!(code, 200, "{answer}");
    }
    // The rollback's and 60 that are over; with 40 more there are 101, and 11 go; with 11 more again; 9 are left to come.
    assert_eq!(server.metric("soak_rollback_remembered_alerts"), 99.0);
    assert_eq!(server.metric("soak_rollback_forgotten_alerts_total{state=\"over\"}"), 22.0);
    assert_eq!(server.metric("soak_rollback_forgotten_alerts_total{state=\"firing\"}"), 0.0);
    until(Duration::from_secs(5), || server.stderr().contains("`remember_alerts` is reached").then_some(()));
    for from in [200, 300] {
        server.hook(&many(from, "firing"));
    }
    assert!(server.metric("soak_rollback_forgotten_alerts_total{state=\"firing\"}") > 0.0);
    until(Duration::from_secs(5), || server.stderr().contains("count as new").then_some(()));
    let status = server.json("/status");
    assert_keeps("rollback_status", &status);
    assert!(status["remembered_alerts"].as_u64().is_some_and(|number| number <= 100), "{status}");
    assert_eq!(status["max_remembered_alerts"], 100);
    assert_eq!(
        decision(&server, "Hard", 1, "firing"),
        "repeated",
        "what was rolled back for is kept longest"
    );
    drop(server);
    let server = place.serve(&["--live"]);
    assert!(server.json("/status")["remembered_alerts"].as_u64().is_some_and(|number| number <= 100));
    assert_eq!(decision(&server, "Hard", 1, "firing"), "repeated");
    assert_eq!(api.paths().iter().filter(|path| *path == "/circuit").count(), 1);
}

#[test]
fn a_rollback_does_not_act_beside_somebody_who_is_acting() {
    let api = Stub::good();
    let policy = Policy { auto: "  lock_wait_seconds: 1\n".to_owned(), ..policy(&api) };
    let place = Place::new(&policy);
    let server = place.serve(&["--live"]);
    let held = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(place.path(".soak-rollback-acting.lock"))
        .expect("the server has made it");
    held.lock().expect("nobody acts");
    let started = Instant::now();
    let (code, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!((code, &answer["undertakings"][0]["status"]), (502, &json!("nothing_done")), "{answer}");
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    let told = until(Duration::from_secs(10), || place.events("escalated").into_iter().next());
    let problem = told["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("nothing was started, another process may be acting"), "{problem}");
    assert_eq!(told["told"], json!(["chat"]), "a person is called");
    assert!(api.paths().iter().all(|path| path == "/chat/hush"), "{:?}", api.paths());
    assert!(place.events("action_started").is_empty());
    drop(held);
    // It is told again, and goes on.
    let (code, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!((code, &answer["responses"][0]["decision"]), (200, &json!("resumed")), "{answer}");
    assert_eq!(answer["undertakings"][0]["status"], "done");
    assert_eq!(api.paths().iter().filter(|path| *path == "/circuit").count(), 1);
    place.assert_log_is_whole();
}

fn plans(place: &Place) -> Vec<u64> {
    place
        .lines()
        .iter()
        .filter(|line| line["event"]["type"] == "planned")
        .filter_map(|line| line["seq"].as_u64())
        .collect()
}
