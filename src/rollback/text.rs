//! What `soak rollback` says to people: notifications, output of the commands. Secrets are named by where they come
//! from, never shown.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::action::{Action, Progress};
use super::alert::Hook;
use super::answer::{AlertAnswer, RehearsalAnswer, RehearsedOperation};
use super::decide::Decided;
use super::event::{ActionResult, ActionStatus, Event, OperationId, OperationKind, Outcome};
use super::log::LogLine;
use super::policy::condition::Verification;
use super::policy::{
    Environments, HeaderValue, Means, Placeholders, RollbackPolicy, SecretSource, fill_body, fill_text,
};
use super::state::{Operation, State};
use crate::report::format::text::printable;

/// The text of a notification that is itself an action of an operation: what was decided, and how far it has come.
pub(super) fn notification(operation: &Operation, progress: &[Progress], policy: &RollbackPolicy) -> String {
    let what = match operation.kind {
        OperationKind::Rollback => "ROLLBACK",
        OperationKind::Manual => "ROLLBACK, requested by a person",
        OperationKind::Recovery => "RECOVERY, requested by a person",
        OperationKind::Notification => "ALERT, no rollback",
    };
    let mut lines = vec![format!("soak: {what} ({})", operation.id), operation.reason.clone()];
    for alert in &operation.alerts {
        let gate = policy.hard(&alert.name).or_else(|| policy.soft(&alert.name));
        if let Some(gate) = gate.filter(|gate| !gate.description.is_empty()) {
            lines.push(format!("{}: {}", gate.name, gate.description));
        }
    }
    if operation.kind != OperationKind::Notification {
        let both = operation.actions.iter().zip(progress).filter(|(_, made)| **made != Progress::Started);
        lines.extend(both.map(|(action, made)| format!("- {}: {}", action.words(), made.words())));
    }
    lines.join("\n")
}

/// The text of an escalation: something did not go as it should, and a person is needed.
pub(super) fn escalation(operation: &Operation, problem: &str) -> String {
    let Operation { id, kind, reason, .. } = operation;
    format!("soak: {} {id} NEEDS A PERSON\n{problem}\nIt began because: {reason}", kind.word())
}

fn ended(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// What `rollback check` prints about a policy without mistakes, and what it lacks for `--live`.
pub(crate) fn checked(file: &str, policy: &RollbackPolicy) -> String {
    let mut lines = vec![format!(
        "`{}` is a valid rollback policy: {} hard gates, {} soft gates, {} actions, {} on the way back",
        printable(file),
        policy.hard_gates.len(),
        policy.soft_gates.len(),
        policy.auto.actions.len(),
        policy.recovery.actions.len()
    )];
    lines.extend(policy.gaps().iter().map(|gap| format!("with --live it would be refused: {gap}")));
    ended(&lines)
}

/// The result of an action, on one line.
pub(crate) fn result(result: &ActionResult) -> String {
    let word = match result.status {
        ActionStatus::Done => "done",
        ActionStatus::Failed => "FAILED",
        ActionStatus::LeftOut => "left out",
        ActionStatus::DryRun => "dry run",
    };
    let tries = if result.tries > 1 { format!(" ({} tries)", result.tries) } else { String::new() };
    format!("{word:<8} {}: {}{tries}", printable(&result.action), printable(&result.message))
}

/// An operation and how far it came.
pub(crate) fn operation(operation: &Operation) -> String {
    let outcome = operation.outcome.map_or("not finished", Outcome::word);
    let mut lines = vec![format!("{} {}: {outcome}", operation.kind.word(), operation.id)];
    let both = operation.actions.iter().zip(&operation.progress);
    lines.extend(both.map(|(action, made)| format!("  {}: {}", printable(&action.words()), made.words())));
    lines.extend(
        operation.verified.map(|verified| if verified { "  verified" } else { "  NOT VERIFIED" }.to_owned()),
    );
    ended(&lines)
}

/// The end of a log that is whole.
pub(crate) fn log_is_whole(file: &str, hash: &str, seq: u64, torn: u64) -> String {
    let mut lines = vec![format!("`{}` is whole: {seq} lines", printable(file)), format!("head {hash}")];
    if torn > 0 {
        lines.push(format!(
            "behind them are {torn} bytes of a line that a crash cut short; it was never acknowledged"
        ));
    }
    ended(&lines)
}

/// A line of the log: number, time and mode, and the event in words.
pub(crate) fn log_line(line: &LogLine) -> String {
    let (mode, event) = (line.mode.word(), line.event.word());
    let (at, words) = (printable(&line.at), printable(&event_words(&line.event)));
    format!("{:>6}  {at}  {mode:<7}  {event:<15}  {words}\n", line.seq)
}

fn event_words(event: &Event) -> String {
    match event {
        Event::Opened { version, command, pid, .. } => format!("{command} {version}, process {pid}"),
        Event::TornLine { bytes } => format!("{bytes} bytes of a line that was cut short were taken off"),
        Event::Hook(delivery) => {
            let alerts = delivery.alerts.iter().map(|alert| format!("{} {}", alert.alert, alert.decision));
            let cut = delivery.truncated_alerts;
            let cut = (cut > 0).then(|| format!("{cut} further alerts were cut off"));
            alerts.chain(cut).collect::<Vec<_>>().join(", ")
        }
        Event::Planned(plan) => {
            let by = plan.by.as_ref().map_or_else(String::new, |by| format!(", requested by {by}"));
            format!("{}: {}{by}", plan.kind, plan.reason)
        }
        Event::Resumed { plan, .. } => format!("{plan} continues"),
        Event::ActionStarted { plan, action, .. } => format!("{plan} {action}"),
        Event::ActionEnded(ended) => format!("{} {}", ended.plan, result(ended)),
        Event::UnknownOutcome { plan, action, .. } => {
            format!("{plan} {action}: its result is not known")
        }
        Event::Closed { plan, outcome } => format!("{plan} {outcome}"),
        Event::Verified(record) => {
            let checks = record.checks.iter().map(|check| {
                let word = if check.holds { "holds" } else { "DOES NOT HOLD" };
                format!("`{}` {word} ({})", check.check, check.observed)
            });
            let word = if record.verified { "verified" } else { "NOT VERIFIED" };
            format!("{} {word}: {}", record.plan, checks.collect::<Vec<_>>().join(", "))
        }
        Event::Escalated { plan, problem, notified, failed } => {
            let failed: Vec<&str> = failed.keys().map(String::as_str).collect();
            let not = if failed.is_empty() {
                String::new()
            } else {
                format!("; NOT notified: {}", failed.join(", "))
            };
            format!("{plan} {problem} (notified: {}{not})", notified.join(", "))
        }
        Event::PolicyReloaded { problem: None, .. } => "the new policy is in force".to_owned(),
        Event::PolicyReloaded { problem: Some(problem), .. } => format!("the old policy stays: {problem}"),
    }
}

/// What would happen if alerts fired now.
pub(crate) struct Rehearsal<'a> {
    pub policy: &'a RollbackPolicy,
    pub hook: &'a Hook,
    pub decided: &'a Decided,
    pub state: &'a State,
    /// Whether there is a log to remember from.
    pub log_is_known: bool,
    /// Why a secret is not there; `None` = it is.
    pub missing: &'a dyn Fn(&SecretSource) -> Option<String>,
    pub now: DateTime<Utc>,
}

impl Rehearsal<'_> {
    pub(crate) fn text(&self) -> String {
        let Self { policy, hook, decided, state, .. } = self;
        let mut lines =
            vec!["Nothing is touched. This is what `soak rollback serve --live` would do:".to_owned()];
        if !self.log_is_known {
            lines.push("(there is no audit log yet, so nothing is remembered)".to_owned());
        }
        for (alert, (_, decision)) in hook.alerts.iter().zip(&decided.decisions) {
            let reason = printable(&decision.reason());
            lines.push(format!("{}: {} ({reason})", printable(alert.name()), decision.kind().word()));
        }
        if hook.truncated > 0 {
            lines.push(format!("{} further alerts were cut off and are not judged", hook.truncated));
        }
        for plan in [&decided.rollback, &decided.notification].into_iter().flatten() {
            lines.push(format!("\n{}: {}", plan.kind, printable(&plan.reason)));
            // The number is only known when it is logged.
            let Some(operation) = Operation::new(OperationId(0), self.now, plan) else { continue };
            self.actions(&mut lines, &operation);
            if operation.kind.is_rollback() {
                verification(&mut lines, &policy.auto.verification, policy);
            }
        }
        for (id, _) in &decided.resume {
            if let Some(operation) = state.operation(*id) {
                lines.push(format!("\n{id} would continue with {} actions", operation.remaining().len()));
            }
        }
        lines.extend(policy.gaps().iter().map(|gap| format!("\n--live would be refused: {gap}")));
        if let Environments::Labels(labels) = &policy.environments {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, values)| {
                    format!("{name}={}", values.iter().map(String::as_str).collect::<Vec<_>>().join("|"))
                })
                .collect();
            lines.push(format!("\nOnly alerts with {} count.", printable(&labels.join(", "))));
        }
        ended(&lines)
    }

    fn actions(&self, lines: &mut Vec<String>, operation: &Operation) {
        for (index, action) in operation.actions.iter().enumerate() {
            let description = match action.description.as_str() {
                "" => String::new(),
                description => format!("  # {description}"),
            };
            let words = printable(&action.words());
            lines.push(format!("  {}. {words}{}", index + 1, printable(&description)));
            if action.acts() {
                self.execution(lines, operation, action);
            } else {
                self.notification(lines, operation, action);
            }
            if !action.causes.is_empty() {
                let causes = printable(&action.causes.join(", "));
                lines.push(format!("     brings about {causes}, which leads to no other rollback"));
            }
        }
    }

    fn execution(&self, lines: &mut Vec<String>, operation: &Operation, action: &Action) {
        let Some(executor) = self.policy.executors.get(&action.kind) else {
            let kind = action.kind.word();
            lines.push(format!("     NOBODY KNOWS HOW: the policy has no `executors.{kind}`"));
            return;
        };
        let placeholders = Placeholders {
            action,
            alert: operation.alert(),
            idempotency_key: "<key>".to_owned(),
            kind: operation.kind.word(),
            reason: &operation.reason,
            id: "<id>".to_owned(),
        };
        let value = |name: &str| placeholders.value(name);
        match &executor.means {
            Means::Http { method, url, headers, body } => {
                lines.push(format!("     {} {}", method.word(), printable(url)));
                for (name, header) in headers {
                    let shown = match header {
                        HeaderValue::Text(template) => fill_text(template, &value),
                        HeaderValue::Secret { prefix, source } => format!("{prefix}{}", self.secret(source)),
                    };
                    lines.push(format!("     {}: {}", printable(name), printable(&shown)));
                }
                let body = body.as_ref().map(|body| fill_body(body, &value).to_string());
                lines.extend(body.map(|body| format!("     {}", printable(&body))));
            }
            Means::Exec { command, .. } => {
                let words: Vec<String> =
                    command.iter().map(|word| Value::from(fill_text(word, &value)).to_string()).collect();
                lines.push(format!("     [{}]", printable(&words.join(", "))));
            }
        }
        let seconds = executor.timeout.as_secs_f64();
        lines.push(format!("     {seconds} s a try, at most {} tries", executor.tries));
    }

    fn secret(&self, source: &SecretSource) -> String {
        let place = match source {
            SecretSource::Env(name) => format!("<${name}>"),
            SecretSource::File(path) => format!("<{}>", path.display()),
        };
        match (self.missing)(source) {
            None => place,
            Some(problem) => format!("{place} MISSING: {problem}"),
        }
    }

    fn notification(&self, lines: &mut Vec<String>, operation: &Operation, action: &Action) {
        for name in action.channels() {
            let Some(channel) = self.policy.channels.get(&name) else { continue };
            let name = printable(&name);
            if !channel.enabled {
                lines.push(format!("     {name}: switched off"));
                continue;
            }
            let service: &str = (&channel.service).into();
            let secrets: Vec<String> =
                channel.service.secrets().into_iter().map(|source| self.secret(source)).collect();
            lines.push(format!("     {name}: {service} by {}", printable(&secrets.join(" and "))));
        }
        let text = notification(operation, &operation.progress, self.policy);
        lines.extend(text.lines().skip(1).map(|words| format!("     | {}", printable(words))));
    }

    /// The same for machines.
    pub(crate) fn json(&self) -> RehearsalAnswer {
        let Self { policy, hook, decided, .. } = self;
        let decisions =
            hook.alerts.iter().zip(&decided.decisions).map(|(alert, (_, decision))| AlertAnswer {
                alert: alert.name().to_owned(),
                decision: decision.kind(),
                reason: decision.reason(),
            });
        let plans = [&decided.rollback, &decided.notification].into_iter().flatten();
        let operations = plans.map(|plan| RehearsedOperation {
            kind: plan.kind.clone(),
            reason: plan.reason.clone(),
            actions: plan.actions.iter().map(Action::words).collect(),
        });
        RehearsalAnswer {
            decisions: decisions.collect(),
            undertakings: operations.collect(),
            resumed: decided.resume.iter().map(|(id, _)| id.to_string()).collect(),
            truncated: hook.truncated,
            gaps: policy.gaps(),
        }
    }
}

fn verification(lines: &mut Vec<String>, verification: &Verification, policy: &RollbackPolicy) {
    if verification.checks.is_empty() {
        lines.push("  nothing is verified afterwards".to_owned());
        return;
    }
    let access = policy.prometheus.as_ref();
    let whom = access.map_or("nobody", |access| access.url.as_str());
    lines.push(format!("  after {} s, queried from {}:", verification.wait.as_secs_f64(), printable(whom)));
    let selector = access.map_or("", |access| access.selector.as_str());
    for check in &verification.checks {
        let question = check.question(selector);
        lines.push(format!(
            "     {} {} {} within {} s",
            printable(&question.query),
            question.operator.sign(),
            question.than,
            check.timeout.as_secs_f64()
        ));
    }
}
