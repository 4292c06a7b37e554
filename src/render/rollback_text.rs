//! What `soak rollback` prints for people. Secrets are named by where they come from, never shown.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::terminal::printable;
use crate::core::rollback::action::{Action, ActionKind};
use crate::core::rollback::alert::Hook;
use crate::core::rollback::condition::Verification;
use crate::core::rollback::decide::{Decided, Draft};
use crate::core::rollback::executor::{Filling, HeaderValue, Means, SecretSource};
use crate::core::rollback::policy::{Environments, RollbackPolicy, Service};
use crate::core::rollback::state::{Plan, PlanId, PlanOutcome, Progress, State, Undertaking};
use crate::core::rollback::template::{fill_body, fill_text};
use crate::core::rollback::words;
use crate::wire::rollback::answer::{AlertAnswer, RehearsalAnswer, RehearsedUndertaking};
use crate::wire::rollback::log::{ActionResult, ActionStatus, LogEvent, LogLine};

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let written = writeln!(text, "{line}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// What a policy that is right says, and what it lacks for `--live`.
pub fn checked(file: &str, policy: &RollbackPolicy) -> String {
    let mut text = String::new();
    line(
        &mut text,
        format_args!(
            "`{}` is a valid rollback policy: {} hard gates, {} soft gates, {} actions, {} on the way back",
            printable(file),
            policy.hard_gates.len(),
            policy.soft_gates.len(),
            policy.auto.actions.len(),
            policy.recovery.actions.len()
        ),
    );
    for gap in policy.gaps() {
        line(&mut text, format_args!("with --live it would be refused: {gap}"));
    }
    text
}

/// The result of an action, on one line.
pub fn result(result: &ActionResult) -> String {
    let word = match result.status {
        ActionStatus::Done => "done",
        ActionStatus::Failed => "FAILED",
        ActionStatus::LeftOut => "left out",
        ActionStatus::DryRun => "dry run",
    };
    let tries = if result.tries > 1 { format!(" ({} tries)", result.tries) } else { String::new() };
    format!("{word:<8} {}: {}{tries}", printable(&result.action), printable(&result.message))
}

/// An undertaking and how far it came.
pub fn undertaking(of: &Undertaking) -> String {
    let mut text = String::new();
    let outcome = of.outcome.map_or("not finished", PlanOutcome::word);
    line(&mut text, format_args!("{} {}: {outcome}", of.plan.kind.word(), of.plan.id));
    for (action, progress) in of.plan.actions.iter().zip(&of.progress) {
        line(&mut text, format_args!("  {}: {}", printable(&action.words()), words::progress(*progress)));
    }
    match of.verified {
        Some(true) => line(&mut text, format_args!("  verified")),
        Some(false) => line(&mut text, format_args!("  NOT VERIFIED")),
        None => {}
    }
    text
}

/// The end of a log that is whole.
pub fn verified(file: &str, hash: &str, seq: u64, torn: u64) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("`{}` is whole: {seq} lines", printable(file)));
    line(&mut text, format_args!("head {hash}"));
    if torn > 0 {
        line(
            &mut text,
            format_args!(
                "behind them are {torn} bytes of a line that was cut short by a crash; nobody was answered for it"
            ),
        );
    }
    text
}

/// A line of the log.
pub fn line_words(event: &LogEvent) -> String {
    match event {
        LogEvent::Opened { version, command, pid, .. } => format!("{command} {version}, process {pid}"),
        LogEvent::TornLine { bytes } => format!("{bytes} bytes of a line that was cut short were taken off"),
        LogEvent::Hook(hook) => {
            let mut parts: Vec<String> =
                hook.alerts.iter().map(|alert| format!("{} {}", alert.alert, alert.decision)).collect();
            if hook.truncated_alerts > 0 {
                parts.push(format!("{} further alerts were cut off", hook.truncated_alerts));
            }
            parts.join(", ")
        }
        LogEvent::Planned(plan) => {
            let by = plan.by.as_ref().map_or_else(String::new, |by| format!(", asked for by {by}"));
            format!("{}: {}{by}", plan.kind, plan.reason)
        }
        LogEvent::Resumed { plan, .. } => format!("{} goes on", PlanId(*plan)),
        LogEvent::ActionStarted { plan, action, .. } => format!("{} {action}", PlanId(*plan)),
        LogEvent::ActionEnded(ended) => format!("{} {}", PlanId(ended.plan), result(ended)),
        LogEvent::UnknownOutcome { plan, action, .. } => {
            format!("{} {action}: nobody knows what became of it", PlanId(*plan))
        }
        LogEvent::Closed { plan, outcome } => format!("{} {outcome}", PlanId(*plan)),
        LogEvent::Verified(record) => {
            let checks = record.checks.iter().map(|check| {
                let word = if check.holds { "holds" } else { "DOES NOT HOLD" };
                format!("`{}` {word} ({})", check.check, check.observed)
            });
            let word = if record.verified { "verified" } else { "NOT VERIFIED" };
            format!("{} {word}: {}", PlanId(record.plan), checks.collect::<Vec<_>>().join(", "))
        }
        LogEvent::Escalated { plan, problem, told, failed } => {
            let failed: Vec<&str> = failed.keys().map(String::as_str).collect();
            let not =
                if failed.is_empty() { String::new() } else { format!("; NOT told: {}", failed.join(", ")) };
            format!("{} {problem} (told: {}{not})", PlanId(*plan), told.join(", "))
        }
        LogEvent::PolicyReloaded { problem: None, .. } => "the new policy is in force".to_owned(),
        LogEvent::PolicyReloaded { problem: Some(problem), .. } => format!("the old policy stays: {problem}"),
    }
}

/// A line of the log, with number, time and mode in front.
pub fn line_of(entry: &LogLine) -> String {
    let words = printable(&line_words(&entry.event));
    format!(
        "{:>6}  {}  {:<7}  {:<15}  {words}",
        entry.seq,
        printable(&entry.at),
        entry.mode.word(),
        entry.event.word()
    )
}

/// What a rehearsal knows.
pub struct Rehearsal<'a> {
    /// The policy.
    pub policy: &'a RollbackPolicy,
    /// The alerts.
    pub hook: &'a Hook,
    /// What would be decided.
    pub decided: &'a Decided,
    /// What is remembered.
    pub state: &'a State,
    /// Whether there is a log to remember from.
    pub log_is_known: bool,
    /// Why a secret is not there; `None` = it is.
    pub missing: &'a dyn Fn(&SecretSource) -> Option<String>,
    /// The time that counts.
    pub now: DateTime<Utc>,
}

/// What would happen.
pub fn rehearsal(of: &Rehearsal<'_>) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("Nothing is touched. This is what `soak rollback serve --live` would do:"));
    if !of.log_is_known {
        line(&mut text, format_args!("(there is no audit log yet, so nothing is remembered)"));
    }
    for (alert, (_, decision)) in of.hook.alerts.iter().zip(&of.decided.decisions) {
        line(
            &mut text,
            format_args!(
                "{}: {} ({})",
                printable(alert.name()),
                decision.word(),
                printable(&decision.reason())
            ),
        );
    }
    if of.hook.truncated > 0 {
        line(
            &mut text,
            format_args!("{} further alerts were cut off; nobody would look at them", of.hook.truncated),
        );
    }
    for draft in [&of.decided.rollback, &of.decided.notification].into_iter().flatten() {
        line(&mut text, format_args!("\n{}: {}", draft.kind.word(), printable(&draft.reason)));
        actions(&mut text, of, &plan_of(draft, of.now));
        if draft.kind.is_rollback() {
            verification(&mut text, &of.policy.auto.verification, of.policy);
        }
    }
    for (id, _) in &of.decided.resume {
        if let Some(undertaking) = of.state.undertaking(*id) {
            line(
                &mut text,
                format_args!("\n{id} would go on with {} actions", undertaking.remaining().len()),
            );
        }
    }
    for gap in of.policy.gaps() {
        line(&mut text, format_args!("\n--live would be refused: {gap}"));
    }
    if let Environments::Labels(labels) = &of.policy.environments {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, values)| format!("{name}={}", values.iter().cloned().collect::<Vec<_>>().join("|")))
            .collect();
        line(&mut text, format_args!("\nOnly alerts with {} count.", printable(&labels.join(", "))));
    }
    text
}

/// The number is only known when it is written down.
fn plan_of(draft: &Draft, now: DateTime<Utc>) -> Plan {
    Plan {
        id: PlanId(0),
        kind: draft.kind,
        at: now,
        reason: draft.reason.clone(),
        alerts: draft.alerts.clone(),
        actions: draft.actions.clone(),
    }
}

fn actions(text: &mut String, of: &Rehearsal<'_>, plan: &Plan) {
    for (index, action) in plan.actions.iter().enumerate() {
        let description =
            if action.description.is_empty() { String::new() } else { format!("  # {}", action.description) };
        line(
            text,
            format_args!("  {}. {}{}", index + 1, printable(&action.words()), printable(&description)),
        );
        if action.kind == ActionKind::Notify {
            notification(text, of, plan, action);
        } else {
            execution(text, of, plan, action);
        }
        if !action.causes.is_empty() {
            let causes = printable(&action.causes.join(", "));
            line(text, format_args!("     brings about {causes}, which leads to no other rollback"));
        }
    }
}

fn execution(text: &mut String, of: &Rehearsal<'_>, plan: &Plan, action: &Action) {
    let Some(executor) = of.policy.executors.get(&action.kind) else {
        line(
            text,
            format_args!("     NOBODY KNOWS HOW: the policy has no `executors.{}`", action.kind.word()),
        );
        return;
    };
    let filling = Filling {
        action,
        alert: plan.alert(),
        idempotency_key: "<key>",
        kind: plan.kind.word(),
        reason: &plan.reason,
        rollback_id: "<id>",
    };
    let value = |name: &str| filling.value(name);
    match &executor.means {
        Means::Http { method, url, headers, body } => {
            line(text, format_args!("     {} {}", method.word(), printable(url)));
            for (name, header) in headers {
                let shown = match header {
                    HeaderValue::Text(template) => fill_text(template, &value),
                    HeaderValue::Secret { prefix, source } => format!("{prefix}{}", secret(of, source)),
                };
                line(text, format_args!("     {}: {}", printable(name), printable(&shown)));
            }
            if let Some(body) = body {
                line(text, format_args!("     {}", printable(&fill_body(body, &value).to_string())));
            }
        }
        Means::Exec { command, .. } => {
            let words: Vec<String> =
                command.iter().map(|word| Value::from(fill_text(word, &value)).to_string()).collect();
            line(text, format_args!("     [{}]", printable(&words.join(", "))));
        }
    }
    line(
        text,
        format_args!("     {} s a try, at most {} tries", executor.timeout.as_secs_f64(), executor.tries),
    );
}

fn secret(of: &Rehearsal<'_>, source: &SecretSource) -> String {
    let place = match source {
        SecretSource::Env(name) => format!("<${name}>"),
        SecretSource::File(path) => format!("<{}>", path.display()),
    };
    match (of.missing)(source) {
        None => place,
        Some(problem) => format!("{place} MISSING: {problem}"),
    }
}

fn notification(text: &mut String, of: &Rehearsal<'_>, plan: &Plan, action: &Action) {
    for name in &action.channels {
        let Some(channel) = of.policy.channels.get(name) else { continue };
        if !channel.enabled {
            line(text, format_args!("     {}: switched off", printable(name)));
            continue;
        }
        let (service, sources): (&str, Vec<&SecretSource>) = match &channel.service {
            Service::PagerDuty { routing_key, .. } => ("pagerduty", vec![routing_key]),
            Service::Slack { url, .. } => ("slack", vec![url]),
            Service::Telegram { token, chat_id, .. } => ("telegram", vec![token, chat_id]),
            Service::Webhook { url } => ("webhook", vec![url]),
        };
        let secrets: Vec<String> = sources.into_iter().map(|source| secret(of, source)).collect();
        line(
            text,
            format_args!("     {}: {service} by {}", printable(name), printable(&secrets.join(" and "))),
        );
    }
    let made = vec![Progress::NotStarted; plan.actions.len()];
    for words in words::plan(plan, &made, of.policy).lines().skip(1) {
        line(text, format_args!("     | {}", printable(words)));
    }
}

fn verification(text: &mut String, verification: &Verification, policy: &RollbackPolicy) {
    if verification.checks.is_empty() {
        line(text, format_args!("  nothing is verified afterwards"));
        return;
    }
    let whom = policy.prometheus.as_ref().map_or("nobody", |access| access.url.as_str());
    line(text, format_args!("  after {} s, asked of {}:", verification.wait.as_secs_f64(), printable(whom)));
    let selector = policy.prometheus.as_ref().map_or("", |access| access.selector.as_str());
    for check in &verification.checks {
        let question = check.question(selector);
        line(
            text,
            format_args!(
                "     {} {} {} within {} s",
                printable(&question.query),
                question.operator.sign(),
                question.than,
                check.timeout.as_secs_f64()
            ),
        );
    }
}

/// The same for machines.
pub fn rehearsal_json(of: &Rehearsal<'_>) -> RehearsalAnswer {
    let decisions =
        of.hook.alerts.iter().zip(&of.decided.decisions).map(|(alert, (_, decision))| AlertAnswer {
            alert: alert.name().to_owned(),
            decision: decision.word().to_owned(),
            reason: decision.reason(),
        });
    let drafts = [&of.decided.rollback, &of.decided.notification].into_iter().flatten();
    let undertakings = drafts.map(|draft| RehearsedUndertaking {
        kind: draft.kind.word().to_owned(),
        reason: draft.reason.clone(),
        actions: draft.actions.iter().map(Action::words).collect(),
    });
    RehearsalAnswer {
        decisions: decisions.collect(),
        undertakings: undertakings.collect(),
        resumed: of.decided.resume.iter().map(|(id, _)| id.to_string()).collect(),
        truncated: of.hook.truncated,
        gaps: of.policy.gaps(),
    }
}
