//! From an alert to the four actions, once.

use std::time::Duration;

use serde_json::{Value, json};

use super::TestResult;
use super::place::{Place, Policy, alert, assert_keeps, delivery, until};
use super::stub::Stub;

fn decision(answer: &Value) -> &str {
    answer["responses"][0]["decision"].as_str().unwrap_or_default()
}

#[test]
fn a_hard_gate_leads_to_four_actions_in_order_once_also_after_a_restart() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    let (status, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!((status, decision(&answer)), (200, "rollback"), "{answer}");
    assert_eq!(answer["undertakings"][0]["status"], "done", "{answer}");
    assert_keeps("rollback_hook_answer", &answer);
    let requests = api.requests();
    assert_eq!(api.paths(), ["/scale", "/circuit", "/freeze", "/chat/hush"]);
    assert_eq!(requests[0].line, "PUT /scale HTTP/1.1");
    let id = answer["undertakings"][0]["id"].clone();
    assert_eq!(requests[0].json(), json!({"target": 0, "reason": "Hard fires", "id": id}));
    assert_eq!(requests[1].json(), json!({"state": "OPEN"}));
    assert_eq!(requests[2].json(), json!({"enabled": true}));
    let text = requests[3].json()["text"].as_str().unwrap_or_default().to_owned();
    assert!(text.contains("ROLLBACK") && text.contains("Hard: It is bad."), "{text}");
    assert!(text.contains("- scale_strategy target=0: done"), "{text}");
    assert_eq!(requests[0].header("authorization"), Some("Bearer hush-admin"));
    let keys: std::collections::BTreeSet<&str> =
        requests[..3].iter().filter_map(|request| request.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 3, "each action has a key of its own");

    for _ in 0..3 {
        let (status, answer) = server.hook(&delivery("Hard", 1));
        assert_eq!((status, decision(&answer)), (200, "repeated"));
    }
    assert_eq!(decision(&server.hook(&delivery("Harder", 1)).1), "cooling_down");
    assert_eq!(server.metric("soak_rollback_decisions_total{decision=\"repeated\"}"), 3.0);
    assert!(server.metric("soak_rollback_cooldown_seconds") > 800.0);
    server.stop();

    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
    assert_eq!(decision(&server.hook(&delivery("Harder", 1)).1), "cooling_down");
    let status = server.json("/status");
    assert_keeps("rollback_status", &status);
    assert_eq!(status["undertakings"][0]["status"], "done");
    assert_eq!(status["last_decisions"][0]["decision"], "cooling_down");
    assert!(status["cooling_down_until"].is_string());
    assert_eq!(api.requests().len(), 4, "nothing was done twice");
    place.assert_log_is_whole();
}

#[test]
fn an_episode_is_told_by_its_group_and_what_another_group_tells_waits_for_the_cool_down() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "rollback");
    // Another route, or a configuration of Alertmanager that was changed.
    let mut moved = delivery("Hard", 1);
    moved["groupKey"] = json!("{}/{gate=\"hard\"}:{alertname=\"Hard\", env=\"prod\"}");
    assert_eq!(decision(&server.hook(&moved).1), "cooling_down");
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
    assert_eq!(api.requests().len(), 4);
    server.stop();
}

#[test]
fn where_a_rollback_did_nothing_alertmanager_comes_again_although_people_were_told_of_another_alert() {
    let api = Stub::start(|request| {
        Some((if request.path().starts_with("/chat") { 200 } else { 401 }, String::new()))
    });
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    let mut both = delivery("Hard", 1);
    both["alerts"].as_array_mut().expect("alerts").push(alert("Soft", "firing", 1));
    let (status, answer) = server.hook(&both);
    let outcomes: Vec<&str> = answer["undertakings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|u| u["status"].as_str())
        .collect();
    assert_eq!((status, outcomes), (502, vec!["nothing_done", "done"]), "{answer}");
    let told = |api: &Stub| api.paths().iter().filter(|path| path.starts_with("/chat")).count();
    let before = told(&api);
    let (status, answer) = server.hook(&both);
    assert_eq!((status, answer["responses"][1]["decision"].as_str()), (502, Some("repeated")), "{answer}");
    assert_eq!(told(&api), before, "nobody is told twice");
    server.stop();
}

#[test]
fn a_dry_run_says_everything_and_does_nothing_and_going_live_remembers_none_of_it() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    for args in [&[][..], &["--dry-run"]] {
        let server = place.serve(args);
        let (_, answer) = server.hook(&delivery("Hard", 1));
        let word = if args.is_empty() { "rollback" } else { "repeated" };
        assert_eq!((decision(&answer), &answer["mode"]), (word, &json!("dry_run")));
        if word == "rollback" {
            let results = answer["undertakings"][0]["actions"].as_array().expect("results");
            assert_eq!(results.len(), 4);
            for result in results {
                let made = (&result["status"], &result["tries"], &result["nothing_done"]);
                assert_eq!(made, (&json!("dry_run"), &json!(0), &json!(true)));
            }
        }
        server.stop();
    }
    assert!(api.requests().is_empty());
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "rollback");
    assert_eq!(api.requests().len(), 4);
}

#[test]
fn other_alerts_do_nothing_but_be_answered_and_soft_ones_are_told() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    let mut staging = delivery("Hard", 1);
    staging["alerts"][0]["labels"]["env"] = json!("staging");
    let mut resolved = delivery("Hard", 1);
    resolved["alerts"][0]["status"] = json!("resolved");
    for (body, word) in
        [(staging, "other_environment"), (resolved, "resolved"), (delivery("Nobody", 1), "unknown_alert")]
    {
        let (status, answer) = server.hook(&body);
        assert_eq!((status, decision(&answer)), (200, word), "{answer}");
    }
    assert!(api.requests().is_empty());
    let (_, answer) = server.hook(&delivery("Soft", 1));
    assert_eq!((decision(&answer), &answer["undertakings"][0]["kind"]), ("notify", &json!("notification")));
    assert_eq!(api.paths(), ["/chat/hush"]);
    assert!(api.requests()[0].body.contains("It may get bad."), "{}", api.requests()[0].body);
    assert_eq!(decision(&server.hook(&delivery("Soft", 1)).1), "repeated");
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn one_delivery_with_many_alerts_acts_once_and_tells_what_was_cut_off() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    let mut body = delivery("Hard", 1);
    body["alerts"] =
        json!([alert("Hard", "firing", 1), alert("Hard", "firing", 1), alert("Harder", "firing", 2)]);
    body["truncatedAlerts"] = json!(7);
    let (_, answer) = server.hook(&body);
    let decisions: Vec<&str> = (0..3).filter_map(|at| answer["responses"][at]["decision"].as_str()).collect();
    assert_eq!(decisions, ["rollback", "joined", "joined"]);
    assert_eq!((&answer["processed"], &answer["truncated"]), (&json!(3), &json!(7)));
    assert_eq!(api.requests().len(), 4);
    assert!(api.requests()[0].body.contains("7 further alerts were cut off"), "{}", api.requests()[0].body);
    assert_eq!(server.metric("soak_rollback_truncated_hooks_total"), 1.0);
    assert!(server.stderr().contains("cut off"), "{}", server.stderr());
}

#[test]
fn where_nothing_was_done_alertmanager_is_asked_to_come_again_and_then_it_acts() {
    // A port that nobody listens on.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let place = Place::new(&Policy::new(nobody));
    let server = place.serve(&["--live"]);
    let (status, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!(status, 502, "{answer}");
    assert_eq!(answer["undertakings"][0]["status"], "nothing_done");
    assert_eq!(server.json("/status")["cooling_down_until"], Value::Null);
    let (status, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!((status, decision(&answer)), (502, "resumed"), "{answer}");
    // The trading system is back, at another address.
    let api = Stub::good();
    place.write_policy(&Policy::new(api.address).text());
    server.signal("HUP");
    until(Duration::from_secs(10), || {
        (server.metric("soak_rollback_policy_reloads_total{result=\"taken\"}") > 0.0).then_some(())
    });
    let (status, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!(decision(&answer), "resumed", "{answer}");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(api.paths()[..3], ["/scale", "/circuit", "/freeze"]);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
    place.assert_log_is_whole();
}

#[test]
fn people_who_were_told_are_not_told_again_while_it_is_tried_again() {
    let is_back = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let back = std::sync::Arc::clone(&is_back);
    let api = Stub::start(move |request| {
        let is_chat = request.path().starts_with("/chat");
        let status = if is_chat || back.load(std::sync::atomic::Ordering::SeqCst) { 200 } else { 403 };
        Some((status, String::new()))
    });
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    for word in ["rollback", "resumed", "resumed"] {
        let (status, answer) = server.hook(&delivery("Hard", 1));
        assert_eq!((status, decision(&answer)), (502, word), "{answer}");
    }
    until(Duration::from_secs(10), || place.events("escalated").into_iter().next());
    is_back.store(true, std::sync::atomic::Ordering::SeqCst);
    let (status, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!((status, decision(&answer)), (200, "resumed"), "{answer}");
    assert_eq!(answer["undertakings"][0]["status"], "done", "{answer}");
    // The notification of the rollback, and one call for a person.
    assert_eq!(api.paths().iter().filter(|path| path.starts_with("/chat")).count(), 2);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
}

#[test]
fn a_rollback_that_is_half_done_is_not_repeated_and_a_person_is_called() {
    let api = Stub::start(|request| match request.path() {
        "/circuit" => Some((403, String::new())),
        "/freeze" => Some((500, String::new())),
        _ => Some((200, String::new())),
    });
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    let (status, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!((status, &answer["undertakings"][0]["status"]), (200, &json!("failed")), "{answer}");
    let actions = &answer["undertakings"][0]["actions"];
    let told: Vec<(&str, bool)> = (0..4)
        .map(|at| {
            (actions[at]["status"].as_str().unwrap_or_default(), actions[at]["nothing_done"] == json!(true))
        })
        .collect();
    assert_eq!(told, [("done", false), ("failed", true), ("failed", false), ("done", false)]);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
    let chat: Vec<String> = until(Duration::from_secs(10), || {
        let chat = api.requests().into_iter().filter(|request| request.path() == "/chat/hush");
        Some(chat.map(|request| request.body).collect::<Vec<_>>()).filter(|chat| chat.len() == 2)
    });
    assert!(
        chat[1].contains("NEEDS A PERSON") && chat[1].contains("circuit_state state=OPEN"),
        "{}",
        chat[1]
    );
    until(Duration::from_secs(10), || place.events("escalated").into_iter().next());
}

#[test]
fn with_stop_nothing_follows_an_action_that_failed() {
    let api =
        Stub::start(|request| Some((if request.path() == "/scale" { 500 } else { 200 }, String::new())));
    let place = Place::new(&Policy { on_failure: "stop", ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    let (_, answer) = server.hook(&delivery("Hard", 1));
    let statuses: Vec<&str> =
        (0..4).filter_map(|at| answer["undertakings"][0]["actions"][at]["status"].as_str()).collect();
    assert_eq!(statuses, ["failed", "left_out", "left_out", "left_out"]);
}

#[test]
fn what_is_idempotent_is_tried_again_with_the_same_key() {
    let times = std::sync::atomic::AtomicUsize::new(0);
    let api = Stub::start(move |request| {
        let first = request.path() == "/scale" && times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2;
        if first { Some((503, String::new())) } else { Some((200, String::new())) }
    });
    let place = Place::new(&Policy { tries: 3, ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    let (_, answer) = server.hook(&delivery("Hard", 1));
    assert_eq!(answer["undertakings"][0]["status"], "done", "{answer}");
    assert_eq!(answer["undertakings"][0]["actions"][0]["tries"], 3);
    let requests = api.requests();
    let keys: Vec<Option<&str>> = requests[..3].iter().map(|r| r.header("idempotency-key")).collect();
    assert!(keys[0].is_some() && keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
}

#[test]
fn secrets_stand_nowhere() -> TestResult {
    let api = Stub::start(|_| Some((500, String::new())));
    let place = Place::new(&Policy::new(api.address));
    std::fs::write(place.path("token"), "hush-of-the-hook-0123456789")?;
    let server = place.serve_with(&["--live", "--token-file", "token"], &[("SOAK_LOG", "trace")]);
    let body = delivery("Hard", 1).to_string();
    let head = format!(
        "Content-Type: application/json\r\nAuthorization: Bearer hush-of-the-hook-0123456789\r\nContent-Length: {}\r\n",
        body.len()
    );
    assert_eq!(server.ask("POST /alert-hook", &head, body.as_bytes()).0, 200);
    until(Duration::from_secs(20), || place.events("escalated").into_iter().next());
    for text in [
        server.stderr(),
        std::fs::read_to_string(place.path("log.jsonl"))?,
        server.get("/status").1,
        server.get("/metrics").1,
    ] {
        assert!(!text.contains("hush"), "{text}");
    }
    Ok(())
}

#[test]
fn without_its_log_nothing_is_decided_and_alertmanager_is_asked_to_come_again() -> TestResult {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let server = place.serve(&["--live"]);
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "rollback");
    std::fs::rename(place.path("log.jsonl"), place.path("log.1"))?;
    for body in [delivery("Hard", 1), delivery("Soft", 1)] {
        let (status, answer) = server.hook(&body);
        assert_eq!(status, 503, "{answer}");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains("nothing was decided") && error.contains("was moved"), "{error}");
    }
    assert_eq!(server.get("/health").0, 503, "a watcher that cannot decide is not healthy");
    assert_eq!(server.metric("soak_rollback_log_errors_total"), 2.0);
    assert!(!place.path("log.jsonl").exists(), "no new log is begun, with no memory");
    std::fs::rename(place.path("log.1"), place.path("log.jsonl"))?;
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
    assert_eq!(server.get("/health").0, 200);
    assert_eq!(decision(&server.hook(&delivery("Soft", 1)).1), "notify");
    assert_eq!(api.requests().len(), 5);
    place.assert_log_is_whole();
    Ok(())
}

#[test]
fn what_cannot_be_written_is_not_decided_and_nobody_is_told_that_it_was() {
    let place = Place::new(&Policy::new(Stub::good().address));
    let server = place.serve_on_a_small_disk(16);
    assert_eq!(server.hook(&delivery("Nobody", 1)).0, 200);
    let mut large = delivery("Nobody", 1);
    large["alerts"] = (0..200).map(|number| alert(&format!("Large{number}"), "firing", 1)).collect();
    for _ in 0..2 {
        let (status, answer) = server.hook(&large);
        assert_eq!(status, 503, "{answer}");
        assert!(answer["error"].as_str().unwrap_or_default().contains("nothing was decided"), "{answer}");
    }
    let status = server.json("/status");
    let told: Vec<&Value> = status["last_decisions"].as_array().expect("a list").iter().collect();
    assert_eq!(told.len(), 1, "{status}");
    assert_eq!(told[0]["alert"], "Nobody");
    assert_eq!(server.metric("soak_rollback_log_errors_total"), 2.0);
    // A smaller one still has room, and the log is whole.
    assert_eq!(server.hook(&delivery("Nobody", 2)).0, 200);
    assert_eq!(server.json("/status")["last_decisions"][0]["alert"], "Nobody");
    place.assert_log_is_whole();
}
