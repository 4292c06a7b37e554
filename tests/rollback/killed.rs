//! `kill -9` where it hurts: the next start knows what is known, tells it, and repeats nothing by itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::place::{Place, Policy, delivery, until};
use super::stub::Stub;

/// Sends a hard gate to a server that dies at a step. Gives what the trading system had seen by then.
fn killed_at(step: &str) -> (Place, Stub, Vec<String>) {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let mut server = place.serve_with(&["--live"], &[("SOAK_FAILPOINT", step)]);
    let body = delivery("Hard", 1);
    let address = server.address;
    // It dies before it answers.
    let head = format!(
        "POST /alert-hook HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.to_string().len()
    );
    let answer = super::place::raw(address, head.as_bytes(), body.to_string().as_bytes());
    assert_eq!(answer, "", "{step}: it answered");
    assert_eq!(server.wait(), None, "{step} was not reached: {}", server.stderr());
    let seen = api.paths();
    (place, api, seen)
}

fn decision(answer: &Value) -> &str {
    answer["responses"][0]["decision"].as_str().unwrap_or_default()
}

#[test]
fn killed_before_the_decision_is_written_nothing_was_decided() {
    for step in ["rollback-hook-unwritten", "rollback-planned-unwritten"] {
        let (place, api, seen) = killed_at(step);
        assert!(seen.is_empty());
        let server = place.serve(&["--live"]);
        assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "rollback", "{step}");
        assert_eq!(api.paths(), ["/scale", "/circuit", "/freeze", "/chat/hush"]);
        place.assert_log_is_whole();
    }
}

#[test]
fn killed_between_decision_and_action_it_goes_on_when_the_alert_is_told_again() {
    for step in ["rollback-planned-written", "rollback-action_started-unwritten"] {
        let (place, api, seen) = killed_at(step);
        assert!(seen.is_empty(), "{step}: {seen:?}");
        let server = place.serve(&["--live"]);
        // Told, and nothing done by itself but the telling.
        let escalated = until(Duration::from_secs(10), || place.events("escalated").into_iter().next());
        assert!(
            escalated["problem"].as_str().unwrap_or_default().contains("4 actions were not begun"),
            "{escalated}"
        );
        let status = server.json("/status");
        assert_eq!(status["undertakings"][0]["status"], "interrupted", "{step}");
        assert_eq!(status["unknown_outcomes"], json!([]));
        assert_eq!(api.paths(), ["/chat/hush"]);
        let (code, answer) = server.hook(&delivery("Hard", 1));
        assert_eq!((code, decision(&answer)), (200, "resumed"), "{step}");
        assert_eq!(api.paths()[1..], ["/scale", "/circuit", "/freeze", "/chat/hush"]);
        assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
        assert_eq!(api.requests().len(), 5);
        place.assert_log_is_whole();
    }
}

#[test]
fn killed_between_action_and_log_its_outcome_is_unknown_told_and_never_repeated() {
    for (step, done) in [
        // The first action was announced: nobody knows whether it was sent.
        ("rollback-action_started-written", vec![]),
        // It was sent, and its result was not written.
        ("rollback-action_ended-unwritten", vec!["/scale"]),
        ("rollback-action_started-written:2", vec!["/scale"]),
        ("rollback-action_ended-unwritten:2", vec!["/scale", "/circuit"]),
    ] {
        let (place, api, seen) = killed_at(step);
        assert_eq!(seen, done, "{step}");
        let unknown =
            if step.ends_with(":2") { "circuit_state state=OPEN" } else { "scale_strategy target=0" };
        let server = place.serve(&["--live"]);
        let status = server.json("/status");
        assert_eq!(status["unknown_outcomes"][0]["action"], unknown, "{step}");
        assert_eq!(status["unknown_outcomes"].as_array().map(Vec::len), Some(1));
        assert_eq!(server.metric("soak_rollback_unknown_outcomes"), 1.0);
        let escalated = until(Duration::from_secs(10), || place.events("escalated").into_iter().next());
        let problem = escalated["problem"].as_str().unwrap_or_default();
        assert!(problem.contains(unknown) && problem.contains("does not repeat it"), "{problem}");
        assert_eq!(place.events("unknown_outcome").len(), 1);
        // The rest goes on; what is unknown does not.
        let before = api.requests().len();
        assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "resumed", "{step}");
        let after = api.paths()[before..].to_vec();
        let rest: &[&str] = if step.ends_with(":2") {
            &["/freeze", "/chat/hush"]
        } else {
            &["/circuit", "/freeze", "/chat/hush"]
        };
        assert_eq!(after[..rest.len()], *rest, "{step}");
        for path in ["/scale", "/circuit"] {
            assert!(api.paths().iter().filter(|seen| *seen == path).count() <= 1, "{step}: {path} twice");
        }
        assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
        // It stays told until a person has acted.
        drop(server);
        let server = place.serve(&["--live"]);
        assert_eq!(server.json("/status")["unknown_outcomes"][0]["action"], unknown);
        let output = place.run(&["recover", "--live", "--reason", "looked at it, all is well"]);
        assert!(output.status.success(), "{output:?}");
        until(Duration::from_secs(10), || {
            // The server hears of it with the next delivery.
            server.hook(&delivery("Nobody", 1));
            (server.json("/status")["unknown_outcomes"] == json!([])).then_some(())
        });
        place.assert_log_is_whole();
    }
}

#[test]
fn killed_after_the_last_result_nothing_is_left_to_do() {
    for step in ["rollback-action_ended-written:4", "rollback-closed-unwritten"] {
        let (place, api, seen) = killed_at(step);
        assert_eq!(seen.len(), 4, "{step}");
        let server = place.serve(&["--live"]);
        assert_eq!(server.json("/status")["undertakings"][0]["status"], "done", "{step}");
        assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated", "{step}");
        assert_eq!(api.requests().len(), 4, "{step}");
        place.assert_log_is_whole();
    }
}

#[test]
fn killed_at_random_moments_no_action_is_ever_done_twice() {
    let api = Stub::good();
    let place = Place::new(&Policy::new(api.address));
    let mut pause = 1u64;
    for _ in 0..12 {
        let mut server = place.serve(&["--live"]);
        let address = server.address;
        let sender = std::thread::spawn(move || {
            let body = delivery("Hard", 1).to_string();
            let head = format!(
                "POST /alert-hook HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            super::place::raw(address, head.as_bytes(), body.as_bytes())
        });
        std::thread::sleep(Duration::from_millis(pause));
        pause = (pause * 5 + 3) % 23;
        server.signal("KILL");
        assert_eq!(server.wait(), None);
        drop(sender.join());
    }
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    assert_eq!(decision(&server.hook(&delivery("Hard", 1)).1), "repeated");
    for path in ["/scale", "/circuit", "/freeze"] {
        let times = api.paths().iter().filter(|seen| *seen == path).count();
        let unknown = place.events("unknown_outcome").len();
        assert!(times == 1 || (times == 0 && unknown > 0), "{path}: {times} times, {unknown} unknown");
    }
    place.assert_log_is_whole();
}

#[test]
fn a_log_that_was_tampered_with_is_refused() {
    let place = Place::new(&Policy::new(Stub::good().address));
    place.serve(&[]).stop();
    let path = place.path("log.jsonl");
    let text = std::fs::read_to_string(&path).expect("a log");
    std::fs::write(&path, text.replace("soak rollback", "soak rollbacc")).expect("written");
    let output = place.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("is damaged at line 1") && told.contains("it was changed"), "{told}");
}
