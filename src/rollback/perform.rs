//! Carrying an action out: a request, a command, a notification; with its tries, and what is known afterwards.
//!
//! "Nothing was done" is only said where it is certain. Does not decide whether an action is to be carried out, and
//! writes no log.
#![expect(clippy::disallowed_methods, reason = "actions are requests and processes")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use ureq::Proxy;
use ureq::http::{self, HeaderName, HeaderValue as Sent, Uri};

use super::action::Priority;
use super::policy::{
    Channel, Executor, HeaderValue, Means, Method, Placeholders, SecretSource, Service, fill_body, fill_text,
};
use crate::infra::atomic_file;
use crate::infra::clock::{Interrupted, Wait};
use crate::infra::environment;
use crate::infra::environment::Environment;
use crate::infra::http::{HttpError, Limits, Request, agent, back_off, is_loopback, retrying};
use crate::infra::notify::{self, NotifyError, PagerDutyEvent, Target, TelegramBot};
use crate::infra::process::{Child, Ended};
use crate::infra::secret::Secret;

/// Before the second try; doubled before each further one, half of it left to chance.
const PAUSE: Duration = Duration::from_millis(500);
/// Of a command's stdout nothing is used.
const LARGEST_STDOUT: usize = 4096;

/// What became of an action, or of one try of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Performed {
    pub is_done: bool,
    /// It is certain that it had no effect.
    pub nothing_done: bool,
    /// What happened, in a few words; no secret.
    pub message: String,
    /// The end of a command's stderr. `None` = there is none.
    pub detail: Option<String>,
    pub tries: u32,
    /// Another try may succeed, no sooner than after this pause. `None` = it would not.
    retry: Option<Duration>,
}

impl Performed {
    fn done(message: impl Into<String>) -> Self {
        Self { is_done: true, ..Self::failed(message, false, None) }
    }

    /// It was not even begun, and will not be at another try.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { tries: 0, ..Self::failed(message, true, None) }
    }

    fn failed(message: impl Into<String>, nothing_done: bool, retry: Option<Duration>) -> Self {
        Self { is_done: false, nothing_done, message: message.into(), detail: None, tries: 1, retry }
    }
}

/// Carries an action out. Waiting between tries ends when `wait` is interrupted; a try does not.
pub(super) fn perform(
    executor: &Executor,
    placeholders: &Placeholders<'_>,
    environment: &Environment,
    wait: &dyn Wait,
) -> Performed {
    let (mut tries, mut nothing_done) = (0, true);
    loop {
        tries += 1;
        let mut once = match &executor.means {
            Means::Http { method, url, headers, body } => {
                match request(*method, url, headers, body.as_ref(), placeholders, environment) {
                    Ok(request) => send(&request, executor.timeout),
                    Err(problem) => Performed::refused(problem),
                }
            }
            Means::Exec { command, kill_after } => {
                run(command, executor.timeout, *kill_after, placeholders, wait)
            }
        };
        nothing_done &= once.nothing_done;
        once.tries = tries;
        once.nothing_done = nothing_done && !once.is_done;
        match once.retry {
            Some(pause) if tries < executor.tries && wait.wait(pause + back_off(PAUSE, tries)).is_ok() => {}
            _ => return once,
        }
    }
}

/// One try of a request. Every try carries the same `Idempotency-Key`, so that a server that knows it does nothing twice.
fn send(request: &http::Request<String>, timeout: Duration) -> Performed {
    // The pause that the server requires is heard here and made by whoever tries again. One that is longer than a try may
    // take is not made: the actions behind this one wait, too.
    let limits = Limits { timeout, tries: 2, pause: Duration::ZERO, longest_retry_after: timeout };
    let required = Cell::new(Duration::ZERO);
    let is_direct = request.uri().scheme_str() == Some("http");
    let agent = agent(&limits, if is_direct { None } else { Proxy::try_from_env() });
    let pause = |pause| {
        required.set(pause);
        false
    };
    let once = Request { limits: &limits, is_answer: |_| false, pause };
    match retrying(&once, || agent.run(request.clone()), |answer| Ok(answer.status().as_u16())) {
        Ok(status) => Performed::done(format!("the server answered {status}")),
        Err(error) => {
            let may_pass = match &error {
                HttpError::Connect { .. } | HttpError::Unanswered { .. } => true,
                HttpError::Refused { status, .. } => *status == 429 || *status >= 500,
                _ => false,
            };
            let retry = may_pass.then(|| required.get());
            Performed::failed(error.to_string(), error.is_without_effect(), retry)
        }
    }
}

fn request(
    method: Method,
    url: &str,
    headers: &BTreeMap<String, HeaderValue>,
    body: Option<&Value>,
    placeholders: &Placeholders<'_>,
    environment: &Environment,
) -> Result<http::Request<String>, String> {
    let uri: Uri = url.parse().map_err(|_| format!("`{url}` is not a URL"))?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host().filter(|host| !host.is_empty())) else {
        return Err(format!("`{url}` does not begin with http:// or https:// and a host"));
    };
    let has_secret = headers.values().any(|value| matches!(value, HeaderValue::Secret { .. }));
    match scheme {
        "https" => {}
        "http" if is_loopback(host) || !has_secret => {}
        "http" => return Err("a secret is not sent over plain http to another machine; use https".to_owned()),
        _ => return Err(format!("`{url}` does not begin with http:// or https://")),
    }
    let mut request = http::Request::builder().method(method.word()).uri(uri);
    for (name, value) in headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header"))?;
        request = request.header(header, header_value(name, value, placeholders, environment)?);
    }
    let has = |wanted: &str| headers.keys().any(|name| name.eq_ignore_ascii_case(wanted));
    if !has("idempotency-key") {
        request = request.header("idempotency-key", &placeholders.idempotency_key);
    }
    let body = body.map(|body| fill_body(body, &|name| placeholders.value(name)).to_string());
    if body.is_some() && !has("content-type") {
        request = request.header("content-type", "application/json");
    }
    request.body(body.unwrap_or_default()).map_err(|error| format!("the request cannot be made: {error}"))
}

fn header_value(
    name: &str,
    value: &HeaderValue,
    placeholders: &Placeholders<'_>,
    environment: &Environment,
) -> Result<Sent, String> {
    let wrong = || format!("the header `{name}` would hold characters that no header may have");
    match value {
        HeaderValue::Text(text) => {
            Sent::from_str(&fill_text(text, &|name| placeholders.value(name))).map_err(|_| wrong())
        }
        HeaderValue::Secret { prefix, source } => {
            let secret = reveal(source, environment)?;
            let mut sent = Sent::from_str(&format!("{prefix}{}", secret.reveal())).map_err(|_| wrong())?;
            sent.set_sensitive(true);
            Ok(sent)
        }
    }
}

/// One try of a command. Its words are handed over as they are, and no shell reads them. What it started is ended with
/// it.
fn run(
    command: &[String],
    timeout: Duration,
    kill_after: Duration,
    placeholders: &Placeholders<'_>,
    wait: &dyn Wait,
) -> Performed {
    let mut words = command.iter().map(|word| fill_text(word, &|name| placeholders.value(name)));
    let Some(program) = words.next() else { return Performed::refused("no command was given") };
    let mut process = Command::new(&program);
    process
        .args(words)
        .env("SOAK_ROLLBACK_ID", &placeholders.id)
        .env("SOAK_ROLLBACK_ACTION", placeholders.action.kind.word())
        .env("SOAK_ROLLBACK_KIND", placeholders.kind)
        .env("SOAK_ROLLBACK_REASON", placeholders.reason)
        .env("SOAK_ROLLBACK_ALERT", placeholders.alert)
        .env("SOAK_IDEMPOTENCY_KEY", &placeholders.idempotency_key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = match Child::start(process, LARGEST_STDOUT) {
        Ok(child) => child,
        Err(error) => return Performed::refused(format!("`{program}` cannot be started: {error}")),
    };
    // Once it runs it is seen through: half an action is the worst of all.
    let Ok(done) = child.run(timeout, kill_after, &Uninterrupted(wait)) else {
        return Performed::failed(format!("`{program}` was interrupted"), false, None);
    };
    let again = Some(Duration::ZERO);
    let performed = match done.ended {
        Ended::Status(status) if status.success() => Performed::done(format!("`{program}` exited with 0")),
        Ended::Status(status) => Performed::failed(format!("`{program}` failed: {status}"), false, again),
        Ended::TimedOut => {
            let seconds = timeout.as_secs_f64();
            Performed::failed(
                format!("`{program}` did not end within {seconds} s and was stopped"),
                false,
                again,
            )
        }
        Ended::Lost(error) => {
            Performed::failed(format!("`{program}` cannot be watched: {error}"), false, None)
        }
    };
    Performed { detail: Some(done.stderr).filter(|text| !text.is_empty()), ..performed }
}

/// Waits, and does not hear an interruption.
struct Uninterrupted<'w>(&'w dyn Wait);

impl Wait for Uninterrupted<'_> {
    fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
        if self.0.wait(how_long).is_err() {
            std::thread::sleep(how_long);
        }
        Ok(())
    }
}

/// The secret that a policy names. A file is read anew each time, so that one that was exchanged is used.
pub(crate) fn reveal(source: &SecretSource, environment: &Environment) -> Result<Secret, String> {
    match source {
        SecretSource::Env(name) => match environment.text(name) {
            Ok(Some(text)) if !text.trim().is_empty() => Ok(Secret::new(text)),
            _ => Err(format!("the variable `{name}` is not set")),
        },
        SecretSource::File(path) => {
            let shown = path.display();
            let text = atomic_file::read_text(path).map_err(|error| {
                format!("the file `{shown}` of a secret cannot be read: {}", error.source)
            })?;
            let secret = Secret::from(text);
            if secret.reveal().is_empty() {
                return Err(format!("the file `{shown}` of a secret is empty"));
            }
            Ok(secret)
        }
    }
}

/// A notification.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub text: &'a str,
    pub priority: Priority,
    /// What `PagerDuty` takes for the same incident.
    pub dedup_key: &'a str,
}

/// Who was notified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notified {
    /// Channels that took it.
    pub by: Vec<String>,
    /// Channels that did not, with the reason.
    pub failed: BTreeMap<String, String>,
    /// Channels that are off.
    pub off: Vec<String>,
    /// It is certain that nobody was notified.
    pub nobody: bool,
}

/// Notifies all of these channels: each is tried, whatever became of the others.
pub(super) fn notify(
    names: &[String],
    channels: &BTreeMap<String, Channel>,
    message: Message<'_>,
    environment: &Environment,
) -> Notified {
    let mut notified = Notified { nobody: true, ..Notified::default() };
    for name in names {
        match channels.get(name) {
            None => {
                notified.failed.insert(name.clone(), "the policy has no such channel".to_owned());
            }
            Some(channel) if !channel.enabled => notified.off.push(name.clone()),
            Some(channel) => match notify_one(&channel.service, message, environment) {
                Ok(()) => {
                    notified.nobody = false;
                    notified.by.push(name.clone());
                }
                Err((problem, nobody)) => {
                    notified.nobody &= nobody;
                    notified.failed.insert(name.clone(), problem);
                }
            },
        }
    }
    notified
}

impl From<Notified> for Performed {
    fn from(notified: Notified) -> Self {
        let Notified { by, failed, off, nobody } = notified;
        let mut parts = Vec::new();
        parts.push(if by.is_empty() {
            "nobody was notified".to_owned()
        } else {
            format!("notified: {}", by.join(", "))
        });
        parts.extend(failed.iter().map(|(name, problem)| format!("{name}: {problem}")));
        if !off.is_empty() {
            parts.push(format!("switched off: {}", off.join(", ")));
        }
        Self { is_done: failed.is_empty() && !by.is_empty(), ..Self::failed(parts.join("; "), nobody, None) }
    }
}

/// Notifies by one service; the error says, too, whether it is certain that nothing arrived.
fn notify_one(
    service: &Service,
    message: Message<'_>,
    environment: &Environment,
) -> Result<(), (String, bool)> {
    let secret = |source| reveal(source, environment).map_err(|problem| (problem, true));
    let mut text = message.text.to_owned();
    let target = match service {
        Service::PagerDuty { routing_key, url, escalation_policy } => Target::PagerDuty {
            url: url.clone().into(),
            routing_key: secret(routing_key)?,
            event: PagerDutyEvent {
                dedup_key: message.dedup_key.to_owned(),
                severity: message.priority.word().to_owned(),
                source: environment::host_name().unwrap_or_else(|| "soak".to_owned()),
                escalation_policy: escalation_policy.clone(),
            },
        },
        Service::Slack { url, channel, mention } => {
            let mention = if mention.is_empty() { String::new() } else { format!("{mention} ") };
            if !channel.is_empty() {
                text = format!("{channel}\n{text}");
            }
            Target::Slack { url: secret(url)?, mention }
        }
        Service::Telegram { token, chat_id, api } => {
            let api = Secret::new(api.trim_end_matches('/'));
            let bot = TelegramBot::Token { token: secret(token)?, api };
            Target::Telegram { bot, chat_id: secret(chat_id)?.reveal().to_owned() }
        }
        Service::Webhook { url } => Target::Webhook { url: secret(url)? },
    };
    notify::send(&target, &text).map(drop).map_err(|error| {
        let nothing = match &error {
            NotifyError::Http { message: 1, source, .. } => source.is_without_effect(),
            NotifyError::Http { .. } => false,
            NotifyError::Empty | NotifyError::Token | NotifyError::ChatId => true,
        };
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        (format!("{error}{cause}"), nothing)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::infra::clock::StopRequest;
    use crate::infra::clock::Stopwatch;
    use crate::infra::test_server::{Answer, TestServer};
    use crate::rollback::action::{Action, ActionKind, OnFailure};

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

    fn carry(executor: &Executor) -> Performed {
        let action = action();
        let placeholders = Placeholders {
            action: &action,
            alert: "A",
            idempotency_key: "key-1".to_owned(),
            kind: "rollback",
            reason: "a \"reason\"",
            id: "r7".to_owned(),
        };
        perform(executor, &placeholders, &environment(), &StopRequest::default())
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
        let performed = carry(&http(&server.url("/scale"), 1, SECONDS));
        assert!(performed.is_done, "{performed:?}");
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
            let performed = carry(&http(&server.url("/"), 3, SECONDS));
            assert_eq!(
                (performed.is_done, performed.nothing_done, performed.tries),
                (false, true, 1),
                "{status}"
            );
        }
        // A 5xx: nobody knows; what is idempotent is tried again.
        let server = TestServer::start(vec![Answer::status(500), Answer::status(502), Answer::status(200)])?;
        let performed = carry(&http(&server.url("/"), 3, SECONDS));
        assert_eq!((performed.is_done, performed.tries), (true, 3));
        let server = TestServer::start(vec![Answer::status(500), Answer::status(200)])?;
        let performed = carry(&http(&server.url("/"), 1, SECONDS));
        assert_eq!((performed.is_done, performed.nothing_done, performed.tries), (false, false, 1));
        // A 5xx and then a refusal: the first may have done it.
        let server = TestServer::start(vec![Answer::status(500), Answer::status(403)])?;
        let performed = carry(&http(&server.url("/"), 3, SECONDS));
        assert_eq!((performed.is_done, performed.nothing_done, performed.tries), (false, false, 2));
        // No answer in time: it may have arrived.
        let server = TestServer::start(vec![Answer::Silence])?;
        let performed = carry(&http(&server.url("/"), 1, Duration::from_millis(200)));
        assert_eq!((performed.is_done, performed.nothing_done), (false, false), "{performed:?}");
        // Nobody there: nothing was done.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let performed = carry(&http(&format!("http://{nobody}/"), 2, SECONDS));
        assert_eq!(
            (performed.is_done, performed.nothing_done, performed.tries),
            (false, true, 2),
            "{performed:?}"
        );
        // A redirect is not followed: the secret is not for others.
        let server =
            TestServer::start(vec![Answer::with(302, &[("Location", "/x"), ("Content-Length", "0")])])?;
        let performed = carry(&http(&server.url("/"), 1, SECONDS));
        assert_eq!((performed.is_done, server.requests().len()), (false, 1));
        Ok(())
    }

    #[test]
    fn a_server_that_requires_a_pause_gets_it_unless_it_is_longer_than_a_try() -> TestResult {
        let busy = |seconds: &str| Answer::with(429, &[("Retry-After", seconds), ("Content-Length", "0")]);
        let server = TestServer::start(vec![busy("1"), Answer::status(200)])?;
        let watch = Stopwatch::start();
        let performed = carry(&http(&server.url("/"), 3, SECONDS));
        assert_eq!((performed.is_done, performed.tries), (true, 2), "{performed:?}");
        assert!(watch.elapsed() >= Duration::from_secs(1), "{performed:?}");
        let server = TestServer::start(vec![busy("6"), Answer::status(200)])?;
        let performed = carry(&http(&server.url("/"), 3, SECONDS));
        assert_eq!(
            (performed.is_done, performed.nothing_done, performed.tries),
            (false, true, 1),
            "{performed:?}"
        );
        assert!(performed.message.contains("a pause of 6 s"), "{}", performed.message);
        Ok(())
    }

    #[test]
    fn secrets_are_not_sent_in_the_clear_and_never_shown() {
        let performed = carry(&http("http://10.1.2.3/", 1, SECONDS));
        assert!(performed.nothing_done && performed.message.contains("use https"), "{performed:?}");
        let mut executor = http("http://127.0.0.1:1/", 1, SECONDS);
        if let Means::Http { headers, .. } = &mut executor.means {
            let source = SecretSource::Env("NOWHERE".to_owned());
            headers.insert("Authorization".to_owned(), HeaderValue::Secret { prefix: String::new(), source });
        }
        let performed = carry(&executor);
        assert!(
            performed.nothing_done && performed.message.contains("`NOWHERE` is not set"),
            "{performed:?}"
        );
        assert!(!format!("{performed:?}").contains("hush"));
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
        let performed = carry(&exec(&["sh", "-c", script, "act", "{{params.target}}"], SECONDS));
        assert!(performed.is_done, "{performed:?}");
        let performed = carry(&exec(&["sh", "-c", "echo no such strategy >&2; exit 3"], SECONDS));
        assert_eq!((performed.is_done, performed.nothing_done), (false, false));
        assert_eq!(performed.detail.as_deref(), Some("no such strategy"));
        let performed = carry(&exec(&["/nowhere/act"], SECONDS));
        assert_eq!((performed.is_done, performed.nothing_done), (false, true), "{performed:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
        let watch = Stopwatch::start();
        let performed = carry(&exec(&["sh", "-c", "sleep 60 & sleep 60"], Duration::from_millis(300)));
        assert_eq!((performed.is_done, performed.nothing_done), (false, false));
        assert!(performed.message.contains("did not end within 0.3 s"), "{}", performed.message);
        assert!(watch.elapsed() < Duration::from_secs(20));
    }

    fn notify_all(channels: Vec<(&str, bool, Service)>, good: &str) -> Notified {
        let names: Vec<String> = channels.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let channels = channels
            .into_iter()
            .map(|(name, enabled, service)| (name.to_owned(), Channel { enabled, service }))
            .collect();
        let message = Message {
            text: "soak: ROLLBACK (r7)\nA fires\nmore",
            priority: Priority::Critical,
            dedup_key: "d1",
        };
        let environment = Environment::from_pairs([("KEY", "hush-key"), ("CHAT", "7"), ("GOOD", good)]);
        notify(&names, &channels, message, &environment)
    }

    #[test]
    fn pagerduty_gets_an_event_of_version_2() -> TestResult {
        let server = TestServer::start(vec![Answer::status(202)])?;
        let service = Service::PagerDuty {
            routing_key: SecretSource::Env("KEY".to_owned()),
            url: server.url("/v2/enqueue"),
            escalation_policy: "trading".to_owned(),
        };
        let notified = notify_all(vec![("oncall", true, service)], "");
        assert_eq!(notified.by, ["oncall"]);
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
        let notified = notify_all(channels, &good.url("/chat"));
        assert_eq!(
            (notified.by, notified.off, notified.nobody),
            (vec!["chat".to_owned()], vec!["off".to_owned()], false)
        );
        assert_eq!(notified.failed.keys().collect::<Vec<_>>(), ["telegram", "unset"]);
        assert!(notified.failed["unset"].contains("`NOWHERE` is not set"));
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
        let notified = notify_all(vec![("chat", true, service)], &server.url("/services/hush"));
        assert_eq!(notified.by, ["chat"]);
        let requests = server.requests();
        let message: Value = serde_json::from_str(&requests.first().ok_or("a request")?.body)?;
        assert_eq!(message["text"], "<!here> #trading\nsoak: ROLLBACK (r7)\nA fires\nmore");
        Ok(())
    }
}
