//! Carries an undertaking out, action by action: written down, begun, written down.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::core::hex::hex;
use crate::core::rollback::action::{Action, ActionKind, OnFailure, Priority};
use crate::core::rollback::executor::Filling;
use crate::core::rollback::policy::RollbackPolicy;
use crate::core::rollback::state::{Plan, PlanOutcome, Progress, Undertaking};
use crate::core::rollback::words;
use crate::core::run::source::Wait;
use crate::io::action::{self, Carried, notify};
use crate::io::environment::Environment;
use crate::io::http::Limits;
use crate::wire::rollback::log::{ActionResult, ActionStatus, LogEvent, Mode, time};

/// Between two tries to write an event down.
const BETWEEN_WRITES: Duration = Duration::from_secs(2);
/// Of so many tries that failed one is told.
const TOLD: u32 = 15;

/// Why an event is not written, and will not be: another process has closed the undertaking.
pub const CLOSED_ELSEWHERE: &str = "another process has closed it meanwhile";
/// Why it is not written that a verification failed: a person has taken the way back meanwhile.
pub const OVERTAKEN: &str = "a recovery was begun meanwhile";

/// Writes events down; what it has written is on the disk when it returns.
pub trait Record {
    /// The error says in words why the event was not written.
    fn record(&self, event: LogEvent) -> Result<(), String>;
}

/// What acting needs.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    /// The policy in force.
    pub policy: &'a RollbackPolicy,
    /// Whether anything is done.
    pub mode: Mode,
    /// Where secrets come from.
    pub environment: &'a Environment,
    /// Limits of each request of a notification.
    pub limits: &'a Limits,
    /// Waiting that a stop of the process ends.
    pub wait: &'a dyn Wait,
    /// Where events are written down.
    pub log: &'a dyn Record,
}

/// The key by which a server knows an action again, across tries, restarts and logs.
pub fn idempotency_key(plan: &Plan, index: usize) -> String {
    let mut hash = Sha256::new();
    for part in [plan.id.to_string(), time(plan.at), plan.kind.word().to_owned(), index.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("soak-{}-{index}-{}", plan.id, hex(&hash.finalize()[..8]))
}

/// Carries out what is not done yet of an undertaking, and writes down how it ended. `told` hears each result.
/// The error says that the log could not be written; then nothing further was begun.
pub fn carry_out(
    undertaking: &Undertaking,
    hands: Hands<'_>,
    told: &mut dyn FnMut(&ActionResult),
) -> Result<PlanOutcome, String> {
    let plan = &undertaking.plan;
    let mut progress = undertaking.progress.clone();
    let mut is_stopped = false;
    for (index, action) in plan.actions.iter().enumerate() {
        if progress[index] != Progress::NotStarted {
            continue;
        }
        let result = if is_stopped {
            result(plan, index, action, ActionStatus::LeftOut, &left_out())
        } else if hands.mode == Mode::DryRun {
            result(plan, index, action, ActionStatus::DryRun, &dry_run(action))
        } else {
            begin(plan, index, action, hands)?;
            progress[index] = Progress::Started;
            let carried = one(plan, index, action, &progress, hands);
            let status = if carried.is_done { ActionStatus::Done } else { ActionStatus::Failed };
            result(plan, index, action, status, &carried)
        };
        progress[index] = result.progress();
        is_stopped |= result.status == ActionStatus::Failed && action.on_failure == OnFailure::Stop;
        told(&result);
        insist(hands, &LogEvent::ActionEnded(result))?;
    }
    let outcome = PlanOutcome::of(&plan.actions, &progress);
    insist(hands, &LogEvent::Closed { plan: plan.id.0, outcome: outcome.word().to_owned() })?;
    // Alertmanager may ask for the same again every few seconds; people are called once.
    let is_news = outcome == PlanOutcome::Failed
        || (outcome == PlanOutcome::NothingDone && undertaking.resumptions == 0);
    if is_news {
        let failed = plan.actions.iter().zip(&progress).filter(|(_, p)| **p != Progress::Done);
        let failed: Vec<String> =
            failed.map(|(action, p)| format!("{}: {}", action.words(), words::progress(*p))).collect();
        escalate(plan, &format!("not everything was done: {}", failed.join("; ")), hands);
    }
    Ok(outcome)
}

/// Closes an undertaking of which nothing may be begun now, and calls a person. It goes on when it is told again.
pub fn refuse(undertaking: &Undertaking, problem: &str, hands: Hands<'_>) -> Result<PlanOutcome, String> {
    let began = undertaking.progress.iter().any(Progress::may_have_an_effect);
    let outcome = if began { PlanOutcome::Interrupted } else { PlanOutcome::NothingDone };
    let plan = &undertaking.plan;
    insist(hands, &LogEvent::Closed { plan: plan.id.0, outcome: outcome.word().to_owned() })?;
    let words = format!(
        "nothing was begun, because somebody else may be acting: {problem}; it goes on when the alert is told again, or \
         by hand: `soak rollback run`"
    );
    escalate(plan, &words, hands);
    Ok(outcome)
}

fn begin(plan: &Plan, index: usize, action: &Action, hands: Hands<'_>) -> Result<(), String> {
    let event = LogEvent::ActionStarted {
        plan: plan.id.0,
        index,
        action: action.words(),
        idempotency_key: idempotency_key(plan, index),
    };
    insist(hands, &event)
}

fn one(plan: &Plan, index: usize, action: &Action, progress: &[Progress], hands: Hands<'_>) -> Carried {
    let key = idempotency_key(plan, index);
    if action.kind == ActionKind::Notify {
        let text = words::plan(plan, progress, hands.policy);
        let message = notify::Message { text: &text, priority: action.priority, dedup_key: &key };
        return notify::carry_out(
            &action.channels,
            &hands.policy.channels,
            &message,
            hands.environment,
            hands.limits,
        );
    }
    let Some(executor) = hands.policy.executors.get(&action.kind) else {
        let problem = format!("the policy has no `executors.{}`", action.kind.word());
        return Carried { nothing_done: true, message: problem, ..left_out() };
    };
    let id = plan.id.to_string();
    let filling = Filling {
        action,
        alert: plan.alert(),
        idempotency_key: &key,
        kind: plan.kind.word(),
        reason: &plan.reason,
        rollback_id: &id,
    };
    let mut carried = action::carry_out(executor, &filling, hands.environment, hands.wait);
    if hands.policy.audit.include_causes
        && let Some(detail) = carried.detail.take()
    {
        carried.message = format!("{}; the end of its stderr: {detail}", carried.message);
    }
    carried
}

fn left_out() -> Carried {
    Carried {
        is_done: false,
        nothing_done: true,
        message: "left out, because one before it failed".to_owned(),
        detail: None,
        tries: 0,
        took: Duration::ZERO,
    }
}

fn dry_run(action: &Action) -> Carried {
    let message = if action.description.is_empty() {
        "would be carried out".to_owned()
    } else {
        format!("would be carried out: {}", action.description)
    };
    Carried { message, ..left_out() }
}

fn result(
    plan: &Plan,
    index: usize,
    action: &Action,
    status: ActionStatus,
    carried: &Carried,
) -> ActionResult {
    ActionResult {
        plan: plan.id.0,
        index,
        action: action.words(),
        status,
        nothing_done: carried.nothing_done,
        message: carried.message.clone(),
        tries: carried.tries,
        seconds: (carried.took.as_secs_f64() * 1000.0).round() / 1000.0,
    }
}

/// Writes an event down, however long the log cannot be written: nothing may follow from what is not written, and
/// what was done must not be lost. Only the end of the process, or another one, ends the patience.
pub fn insist(hands: Hands<'_>, event: &LogEvent) -> Result<(), String> {
    let mut tried = 0;
    loop {
        match hands.log.record(event.clone()) {
            Ok(()) => return Ok(()),
            Err(problem) if [CLOSED_ELSEWHERE, OVERTAKEN].contains(&problem.as_str()) => return Err(problem),
            Err(problem) => {
                if tried % TOLD == 0 {
                    tracing::error!(event = event.word(), %problem, "the audit log could not be written");
                }
                if hands.wait.wait(BETWEEN_WRITES).is_err() {
                    return Err(problem);
                }
            }
        }
        tried += 1;
    }
}

/// Tells every channel that a person is needed, and writes down who was told.
pub fn escalate(plan: &Plan, problem: &str, hands: Hands<'_>) {
    tracing::error!(plan = %plan.id, problem, "a person is needed");
    let (told, failed) = if hands.mode == Mode::Live {
        let text = words::escalation(plan, problem);
        let key = format!("{}-escalation", idempotency_key(plan, 0));
        let message = notify::Message { text: &text, priority: Priority::Critical, dedup_key: &key };
        let names = hands.policy.enabled_channels();
        let told = notify::tell(&names, &hands.policy.channels, &message, hands.environment, hands.limits);
        (told.told, told.failed)
    } else {
        Default::default()
    };
    let event = LogEvent::Escalated { plan: plan.id.0, problem: problem.to_owned(), told, failed };
    // What could not be written was told above, and stands in the process's own log.
    let _ = insist(hands, &event);
}
