//! Actions against a server of a few lines, and against commands.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::notify::{Message, Told, tell};
use super::*;
use crate::core::rollback::action::{Action, ActionKind, OnFailure, Priority};
use crate::core::rollback::executor::{HeaderValue, Method, SecretSource};
use crate::core::rollback::policy::{Channel, Service};
use crate::io::http::Limits;
use crate::io::signals::StopRequest;
use crate::io::test_server::{Answer, TestServer};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn environment() -> Environment {
    Environment::from_pairs([("TOKEN", "hush"), ("KEY", "hush-key"), ("CHAT", "7")])
}

fn action() -> Action {
    Action {
        kind: ActionKind::ScaleStrategy,
        params: BTreeMap::from([("target".to_owned(), json!(0))]),
        on_failure: OnFailure::Continue,
        ..Action::notification(Vec::new(), Priority::Critical)
    }
}

fn carry(executor: &Executor) -> Carried {
    let action = action();
    let filling = Filling {
        action: &action,
        alert: "A",
        idempotency_key: "key-1",
        kind: "rollback",
        reason: "a \"reason\"",
        rollback_id: "r7",
    };
    carry_out(executor, &filling, &environment(), &StopRequest::default())
}

fn http(url: &str, tries: u32, timeout: Duration) -> Executor {
    let token = SecretSource::Env("TOKEN".to_owned());
    let headers = BTreeMap::from([
        ("Authorization".to_owned(), HeaderValue::Secret { prefix: "Bearer ".to_owned(), source: token }),
        ("X-Alert".to_owned(), HeaderValue::Text("{{alert}}".to_owned())),
    ]);
    let body = Some(json!({"to": "{{params.target}}", "why": "{{reason}}"}));
    let means = Means::Http { method: Method::Put, url: url.to_owned(), headers, body };
    Executor { means, timeout, tries, is_idempotent: tries > 1 }
}

const SECONDS: Duration = Duration::from_secs(5);

#[test]
fn a_request_carries_body_headers_secret_and_key() -> TestResult {
    let server = TestServer::start(vec![Answer::status(204)])?;
    let carried = carry(&http(&server.url("/scale"), 1, SECONDS));
    assert!(carried.is_done, "{carried:?}");
    let requests = server.requests();
    let request = requests.first().ok_or("a request")?;
    assert!(request.head.starts_with("PUT /scale HTTP/1.1\r\n"), "{}", request.head);
    for header in [
        "authorization: bearer hush",
        "x-alert: a",
        "idempotency-key: key-1",
        "content-type: application/json",
    ] {
        assert!(request.has_header(header), "{header}: {}", request.head);
    }
    let body: Value = serde_json::from_str(&request.body)?;
    assert_eq!(body, json!({"to": 0, "why": "a \"reason\""}));
    Ok(())
}

#[test]
fn what_is_known_after_a_failure_depends_on_how_it_failed() -> TestResult {
    // Refused: nothing was done, and no further try helps.
    for status in [400, 401, 403, 404, 422] {
        let server = TestServer::start(vec![Answer::status(status), Answer::status(200)])?;
        let carried = carry(&http(&server.url("/"), 3, SECONDS));
        assert_eq!((carried.is_done, carried.nothing_done, carried.tries), (false, true, 1), "{status}");
    }
    // A 5xx: nobody knows; what is idempotent is tried again.
    let server = TestServer::start(vec![Answer::status(500), Answer::status(502), Answer::status(200)])?;
    let carried = carry(&http(&server.url("/"), 3, SECONDS));
    assert_eq!((carried.is_done, carried.tries), (true, 3));
    let server = TestServer::start(vec![Answer::status(500), Answer::status(200)])?;
    let carried = carry(&http(&server.url("/"), 1, SECONDS));
    assert_eq!((carried.is_done, carried.nothing_done, carried.tries), (false, false, 1));
    // A 5xx and then a refusal: the first may have done it.
    let server = TestServer::start(vec![Answer::status(500), Answer::status(403)])?;
    let carried = carry(&http(&server.url("/"), 3, SECONDS));
    assert_eq!((carried.is_done, carried.nothing_done, carried.tries), (false, false, 2));
    // No answer in time: it may have arrived.
    let server = TestServer::start(vec![Answer::Silence])?;
    let carried = carry(&http(&server.url("/"), 1, Duration::from_millis(200)));
    assert_eq!((carried.is_done, carried.nothing_done), (false, false), "{carried:?}");
    // Nobody there: nothing was done.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let carried = carry(&http(&format!("http://{nobody}/"), 2, SECONDS));
    assert_eq!((carried.is_done, carried.nothing_done, carried.tries), (false, true, 2), "{carried:?}");
    // A redirect is not followed: the secret is not for others.
    let server = TestServer::start(vec![Answer::with(302, &[("Location", "/x"), ("Content-Length", "0")])])?;
    let carried = carry(&http(&server.url("/"), 1, SECONDS));
    assert_eq!((carried.is_done, server.requests().len()), (false, 1));
    Ok(())
}

#[test]
fn a_server_that_wants_a_pause_gets_it_unless_it_is_longer_than_a_try() -> TestResult {
    let busy = |seconds: &str| Answer::with(429, &[("Retry-After", seconds), ("Content-Length", "0")]);
    let server = TestServer::start(vec![busy("1"), Answer::status(200)])?;
    let carried = carry(&http(&server.url("/"), 3, SECONDS));
    assert_eq!((carried.is_done, carried.tries), (true, 2), "{carried:?}");
    assert!(carried.took >= Duration::from_secs(1), "{carried:?}");
    let server = TestServer::start(vec![busy("6"), Answer::status(200)])?;
    let carried = carry(&http(&server.url("/"), 3, SECONDS));
    assert_eq!((carried.is_done, carried.nothing_done, carried.tries), (false, true, 1), "{carried:?}");
    assert!(carried.message.contains("a pause of 6 s"), "{}", carried.message);
    Ok(())
}

#[test]
fn secrets_are_not_sent_in_the_clear_and_never_told() {
    let carried = carry(&http("http://10.1.2.3/", 1, SECONDS));
    assert!(carried.nothing_done && carried.message.contains("use https"), "{carried:?}");
    let mut executor = http("http://127.0.0.1:1/", 1, SECONDS);
    if let Means::Http { headers, .. } = &mut executor.means {
        let source = SecretSource::Env("NOWHERE".to_owned());
        headers.insert("Authorization".to_owned(), HeaderValue::Secret { prefix: String::new(), source });
    }
    let carried = carry(&executor);
    assert!(carried.nothing_done && carried.message.contains("`NOWHERE` is not set"), "{carried:?}");
    assert!(!format!("{carried:?}").contains("hush"));
}

#[cfg(unix)]
fn exec(command: &[&str], timeout: Duration) -> Executor {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let means = Means::Exec { command, kill_after: Duration::from_millis(300) };
    Executor { means, timeout, tries: 1, is_idempotent: false }
}

#[cfg(unix)]
#[test]
fn a_command_is_done_when_it_exits_with_zero_and_else_nobody_knows() {
    let script =
        "test \"$1\" = 0 && test \"$SOAK_ROLLBACK_ID\" = r7 && test \"$SOAK_IDEMPOTENCY_KEY\" = key-1";
    let carried = carry(&exec(&["sh", "-c", script, "act", "{{params.target}}"], SECONDS));
    assert!(carried.is_done, "{carried:?}");
    let carried = carry(&exec(&["sh", "-c", "echo no such strategy >&2; exit 3"], SECONDS));
    assert_eq!((carried.is_done, carried.nothing_done), (false, false));
    assert_eq!(carried.detail.as_deref(), Some("no such strategy"));
    let carried = carry(&exec(&["/nowhere/act"], SECONDS));
    assert_eq!((carried.is_done, carried.nothing_done), (false, true), "{carried:?}");
}

#[cfg(unix)]
#[test]
fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
    let watch = Stopwatch::start();
    let carried = carry(&exec(&["sh", "-c", "sleep 60 & sleep 60"], Duration::from_millis(300)));
    assert_eq!((carried.is_done, carried.nothing_done), (false, false));
    assert!(carried.message.contains("was not done after 0.3 s"), "{}", carried.message);
    assert!(watch.elapsed() < Duration::from_secs(20));
}

fn tell_all(channels: Vec<(&str, bool, Service)>, good: &str) -> Told {
    let names: Vec<String> = channels.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let channels = channels
        .into_iter()
        .map(|(name, enabled, service)| (name.to_owned(), Channel { enabled, service }))
        .collect();
    let message =
        Message { text: "soak: ROLLBACK (r7)\nA fires\nmore", priority: Priority::Critical, dedup_key: "d1" };
    let limits = Limits { tries: 1, ..Limits::default() };
    let environment = Environment::from_pairs([("KEY", "hush-key"), ("CHAT", "7"), ("GOOD", good)]);
    tell(&names, &channels, &message, &environment, &limits)
}

#[test]
fn pagerduty_gets_an_event_of_version_2() -> TestResult {
    let server = TestServer::start(vec![Answer::status(202)])?;
    let service = Service::PagerDuty {
        routing_key: SecretSource::Env("KEY".to_owned()),
        url: server.url("/v2/enqueue"),
        escalation_policy: "trading".to_owned(),
    };
    let told = tell_all(vec![("oncall", true, service)], "");
    assert_eq!(told.told, ["oncall"]);
    let requests = server.requests();
    let event: Value = serde_json::from_str(&requests.first().ok_or("a request")?.body)?;
    assert_eq!((&event["routing_key"], &event["event_action"]), (&json!("hush-key"), &json!("trigger")));
    assert_eq!(event["dedup_key"], "d1");
    let payload = &event["payload"];
    assert_eq!(
        (&payload["severity"], &payload["summary"]),
        (&json!("critical"), &json!("soak: ROLLBACK (r7): A fires"))
    );
    assert_eq!(payload["custom_details"]["escalation_policy"], "trading");
    assert!(payload["source"].as_str().is_some_and(|source| !source.is_empty()));
    Ok(())
}

#[test]
fn every_channel_is_tried_whatever_became_of_the_others() -> TestResult {
    let good = TestServer::start(vec![Answer::status(200)])?;
    let telegram = Service::Telegram {
        token: SecretSource::Env("KEY".to_owned()),
        chat_id: SecretSource::Env("CHAT".to_owned()),
        api: good.url(""),
    };
    let webhook = |name: &str| Service::Webhook { url: SecretSource::Env(name.to_owned()) };
    let channels = vec![
        ("off", false, webhook("KEY")),
        ("unset", true, webhook("NOWHERE")),
        // A token of the wrong form.
        ("telegram", true, telegram),
        ("chat", true, webhook("GOOD")),
    ];
    let told = tell_all(channels, &good.url("/chat"));
    assert_eq!((told.told, told.off, told.nobody), (vec!["chat".to_owned()], vec!["off".to_owned()], false));
    assert_eq!(told.failed.keys().collect::<Vec<_>>(), ["telegram", "unset"]);
    assert!(told.failed["unset"].contains("`NOWHERE` is not set"));
    Ok(())
}

#[test]
fn slack_calls_whom_the_policy_names_and_nobody_else() -> TestResult {
    let server = TestServer::start(vec![Answer::status(200)])?;
    let service = Service::Slack {
        url: SecretSource::Env("GOOD".to_owned()),
        channel: "#trading".to_owned(),
        mention: "<!here>".to_owned(),
    };
    let told = tell_all(vec![("chat", true, service)], &server.url("/services/hush"));
    assert_eq!(told.told, ["chat"]);
    let requests = server.requests();
    let message: Value = serde_json::from_str(&requests.first().ok_or("a request")?.body)?;
    assert_eq!(message["text"], "<!here> #trading\nsoak: ROLLBACK (r7)\nA fires\nmore");
    Ok(())
}
