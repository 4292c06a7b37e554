//! After the actions: Prometheus is asked, and what does not come true calls a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::place::{Place, Policy, delivery, until};
use super::stub::{Request, Stub};

const CHECKS: &str = "  verification:\n    wait_seconds: 0.1\n    interval_seconds: 0.1\n    checks:\n    \
                      - {metric: mm_active_orders_total, condition: \"== 0\", timeout_seconds: 3}\n    \
                      - {metric: mm_circuit_breaker_state, condition: \"state == 'open'\", timeout_seconds: 1}\n";

fn query(request: &Request) -> Option<String> {
    let coded = request.body.split('&').find_map(|pair| pair.strip_prefix("query="))?;
    let plain = coded.replace('+', " ");
    let mut text = String::new();
    let mut rest = plain.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        text.push(char::from(u8::from_str_radix(after.get(..2)?, 16).ok()?));
        rest = &after[2..];
    }
    Some(text + rest)
}

fn scalar(value: f64) -> String {
    json!({"status": "success", "data": {"resultType": "scalar", "result": [1.0, value.to_string()]}})
        .to_string()
}

fn vector(values: &[f64]) -> String {
    let series: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(at, value)| json!({"metric": {"symbol": at.to_string()}, "value": [1.0, value.to_string()]}))
        .collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": series}}).to_string()
}

/// A trading system and a Prometheus that answers queries by a function; every sample of it is from after the actions.
fn stub(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Stub {
    aged_stub(|| 101.0, answer)
}

/// The same, where it is 100 at Prometheus and samples are from a time of one's own.
fn aged_stub(
    sampled: impl Fn() -> f64 + Send + Sync + 'static,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Stub {
    Stub::start(move |request| match query(request) {
        Some(query) if query == "time()" => Some((200, scalar(100.0))),
        Some(query) if query.starts_with("min(timestamp(") => Some((200, vector(&[sampled()]))),
        Some(query) if request.path() == "/api/v1/query" => Some((200, answer(&query))),
        _ => Some((200, String::new())),
    })
}

fn verified(place: &Place) -> Value {
    until(Duration::from_secs(20), || place.events("verified").into_iter().next())
}

#[test]
fn conditions_that_come_true_in_time_verify_a_rollback() {
    let asked = Arc::new(AtomicUsize::new(0));
    let times = Arc::clone(&asked);
    let api = stub(move |query| match query {
        "mm_active_orders_total" => {
            vector(&[if times.fetch_add(1, Ordering::SeqCst) < 3 { 5.0 } else { 0.0 }])
        }
        "mm_circuit_breaker_state{state=\"open\"}" => vector(&[1.0]),
        _ => vector(&[]),
    });
    let place = Place::new(&Policy { verification: CHECKS.to_owned(), ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    let told = verified(&place);
    assert_eq!(told["verified"], true, "{told}");
    assert_eq!(told["checks"][0]["check"], "mm_active_orders_total == 0");
    assert_eq!(told["checks"][0]["observed"], "0");
    assert!(asked.load(Ordering::SeqCst) >= 4);
    assert_eq!(server.json("/status")["undertakings"][0]["verified"], true);
    assert_eq!(server.metric("soak_rollback_verifications_total{result=\"verified\"}"), 1.0);
    assert!(place.events("escalated").is_empty());
}

#[test]
fn conditions_that_do_not_come_true_call_a_person() {
    let api = stub(|query| match query {
        // Two series: one still has an order.
        "mm_active_orders_total" => vector(&[0.0, 1.0]),
        query if query.starts_with("min((mm_active_orders_total == bool 0) *") => vector(&[0.0]),
        _ => vector(&[]),
    });
    let place = Place::new(&Policy { verification: CHECKS.to_owned(), ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    let told = verified(&place);
    assert_eq!(told["verified"], false, "{told}");
    assert_eq!(told["checks"][0]["observed"], "2 series, not all so");
    assert_eq!(told["checks"][1]["observed"], "no series");
    let escalated = until(Duration::from_secs(10), || place.events("escalated").into_iter().next());
    let problem = escalated["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("`mm_active_orders_total == 0` did not come true"), "{problem}");
    assert_eq!(escalated["told"], json!(["chat"]));
    assert!(api.requests().iter().any(|request| request.body.contains("NEEDS A PERSON")));
    assert_eq!(server.json("/status")["undertakings"][0]["verified"], false);
}

#[test]
fn what_a_recovery_has_undone_is_not_verified_any_more_and_nobody_is_called_for_it() {
    // Orders rest, as they should once trading goes on.
    let api = stub(|query| match query {
        "mm_active_orders_total" => vector(&[5.0]),
        _ => vector(&[1.0]),
    });
    let policy = || Policy { verification: CHECKS.to_owned(), ..Policy::new(api.address) };
    let place = Place::new(&policy());
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    let output = place.run(&["recover", "--live", "--reason", "it is over"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    until(Duration::from_secs(20), || {
        server.stderr().contains("a recovery started before it was verified").then_some(())
    });
    assert!(place.events("verified").is_empty());
    assert!(place.events("escalated").is_empty());
    assert_eq!(server.metric("soak_rollback_verifications_total{result=\"failed\"}"), 0.0);
    server.stop();
    // Nor by the next start.
    let server = place.serve(&["--live"]);
    std::thread::sleep(Duration::from_secs(4));
    assert!(
        place.events("verified").is_empty() && place.events("escalated").is_empty(),
        "{}",
        server.stderr()
    );
}

#[test]
fn a_server_that_nobody_can_ask_verifies_nothing() {
    let api = Stub::start(|request| {
        Some((if request.path() == "/api/v1/query" { 500 } else { 200 }, "no".to_owned()))
    });
    let place = Place::new(&Policy { verification: CHECKS.to_owned(), ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    let told = verified(&place);
    assert_eq!(told["verified"], false, "{told}");
    assert!(told["checks"][0]["observed"].as_str().unwrap_or_default().contains("answered 500"), "{told}");
    drop(server);
}

#[test]
fn a_verification_that_a_stop_cut_short_is_taken_up_by_the_next_start() {
    let api = stub(|query| vector(&[if query.starts_with("mm_circuit") { 1.0 } else { 0.0 }]));
    let slow = CHECKS.replace("wait_seconds: 0.1", "wait_seconds: 3");
    let place = Place::new(&Policy { verification: slow, ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    server.stop();
    assert!(place.events("verified").is_empty());
    let server = place.serve(&["--live"]);
    assert_eq!(verified(&place)["verified"], true);
    assert_eq!(api.paths().iter().filter(|path| *path == "/scale").count(), 1);
    drop(server);
}

#[test]
fn samples_from_before_the_actions_are_not_believed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let times = Arc::clone(&asked);
    // The last sample from before says that all is well; the first one from after says that it is not.
    let fresh = move || times.load(Ordering::SeqCst) >= 4;
    let is_fresh = fresh.clone();
    let api = aged_stub(
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            if fresh() { 100.001 } else { 100.0 }
        },
        move |query| vector(&[if query.starts_with("mm_circuit") || !is_fresh() { 1.0 } else { 5.0 }]),
    );
    let one = CHECKS.replace("\"== 0\", timeout_seconds: 3", "\"== 1\", timeout_seconds: 1.5");
    let place = Place::new(&Policy { verification: one, ..Policy::new(api.address) });
    let server = place.serve(&["--live"]);
    server.hook(&delivery("Hard", 1));
    let told = verified(&place);
    assert_eq!(told["verified"], false, "{told}");
    assert_eq!(told["checks"][0]["observed"], "5");
    assert_eq!(told["checks"][1]["holds"], true, "{told}");
    drop(server);

    let api = aged_stub(|| 99.0, |_| vector(&[0.0]));
    let place = Place::new(&Policy { verification: CHECKS.to_owned(), ..Policy::new(api.address) });
    let output = place.run(&["run", "--live", "--reason", "nobody scrapes it"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(verified(&place)["checks"][0]["observed"], "not scraped since the actions");
}
