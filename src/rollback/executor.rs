//! Carries an operation out, action by action: its beginning is appended to the log, it is performed, its result is
//! appended.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::action::{Action, OnFailure, Priority, Progress};
use super::event::{ActionResult, ActionStatus, Event, Outcome};
use super::log::Mode;
use super::perform::{Message, Performed, notify, perform};
use super::policy::{Placeholders, RollbackPolicy};
use super::state::{Operation, timestamp};
use super::text;
use crate::infra::clock::{Stopwatch, Wait};
use crate::infra::environment::Environment;
use crate::infra::hex::hex;

/// Between two tries to append an event.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);
/// Of so many tries that failed one is reported.
const REPORTED: u32 = 15;

/// Why something was not decided, or an event was not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("too many deliveries wait; come back later")]
    Busy,
    #[error("the server is stopping")]
    Stopping,
    /// The log cannot be written, and without it nothing is done; with all causes.
    #[error("{0}")]
    Log(String),
    /// The operation is over. Final.
    #[error("another process has closed it meanwhile")]
    ClosedElsewhere,
    /// That a verification failed does not count any more: a person has taken the way back. Final.
    #[error("a recovery was begun meanwhile")]
    Overtaken,
}

/// Appends events; what it has appended is on the disk when it returns.
pub(crate) trait EventLog {
    fn append(&self, event: Event) -> Result<(), Refusal>;
}

/// What carrying out needs.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub policy: &'a RollbackPolicy,
    /// Whether anything is done.
    pub mode: Mode,
    /// Where secrets come from.
    pub environment: &'a Environment,
    /// Waiting that a stop of the process ends.
    pub wait: &'a dyn Wait,
    pub log: &'a dyn EventLog,
}

/// The key by which a server knows an action again, across tries, restarts and logs.
fn idempotency_key(operation: &Operation, index: usize) -> String {
    let Operation { id, at, kind, .. } = operation;
    let mut hash = Sha256::new();
    for part in [id.to_string(), timestamp(*at), kind.word().to_owned(), index.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("soak-{id}-{index}-{}", hex(&hash.finalize()[..8]))
}

/// Carries out what is not done yet of an operation, and logs how it ended. `each` is given each result.
/// The error says that the log could not be written; then nothing further was begun.
pub(crate) fn carry_out(
    operation: &Operation,
    context: Context<'_>,
    each: &mut dyn FnMut(&ActionResult),
) -> Result<Outcome, Refusal> {
    let mut progress = operation.progress.clone();
    let mut is_stopped = false;
    for (index, action) in operation.actions.iter().enumerate() {
        if progress[index] != Progress::NotStarted {
            continue;
        }
        let watch = Stopwatch::start();
        let (status, performed) = if is_stopped {
            (ActionStatus::LeftOut, Performed::refused("left out, because one before it failed"))
        } else if context.mode == Mode::DryRun {
            (ActionStatus::DryRun, Performed::refused(dry_run(action)))
        } else {
            context.append_with_retry(&Event::ActionStarted {
                plan: operation.id,
                index,
                action: action.words(),
                idempotency_key: idempotency_key(operation, index),
            })?;
            progress[index] = Progress::Started;
            let performed = perform_one(operation, index, &progress, context);
            (if performed.is_done { ActionStatus::Done } else { ActionStatus::Failed }, performed)
        };
        let took = if performed.tries == 0 { Duration::ZERO } else { watch.elapsed() };
        let result = ActionResult {
            plan: operation.id,
            index,
            action: action.words(),
            status,
            nothing_done: performed.nothing_done,
            message: performed.message,
            tries: performed.tries,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        };
        progress[index] = result.progress();
        is_stopped |= status == ActionStatus::Failed && action.on_failure == OnFailure::Stop;
        each(&result);
        context.append_with_retry(&Event::ActionEnded(result))?;
    }
    let outcome = Outcome::of(&operation.actions, &progress);
    context.append_with_retry(&Event::Closed { plan: operation.id, outcome: outcome.into() })?;
    // Alertmanager may ask for the same again every few seconds; people are called once.
    let is_news =
        outcome == Outcome::Failed || (outcome == Outcome::NothingDone && operation.resumptions == 0);
    if is_news {
        let failed = operation.actions.iter().zip(&progress).filter(|(_, p)| **p != Progress::Done);
        let failed: Vec<String> =
            failed.map(|(action, p)| format!("{}: {}", action.words(), p.words())).collect();
        context.escalate(operation, &format!("not all actions succeeded: {}", failed.join("; ")));
    }
    Ok(outcome)
}

/// Closes an operation of which nothing may be begun now, and calls a person. It continues when its alert is reported
/// again.
pub(super) fn refuse(operation: &Operation, problem: &str, context: Context<'_>) -> Result<Outcome, Refusal> {
    let began = operation.progress.iter().any(|progress| progress.may_have_an_effect());
    let outcome = if began { Outcome::Interrupted } else { Outcome::NothingDone };
    context.append_with_retry(&Event::Closed { plan: operation.id, outcome: outcome.into() })?;
    let words = format!(
        "nothing was started, another process may be acting: {problem}; it continues when the alert is reported again, or \
         by hand: `soak rollback run`"
    );
    context.escalate(operation, &words);
    Ok(outcome)
}

fn perform_one(
    operation: &Operation,
    index: usize,
    progress: &[Progress],
    context: Context<'_>,
) -> Performed {
    let Context { policy, environment, wait, .. } = context;
    let action = &operation.actions[index];
    let idempotency_key = idempotency_key(operation, index);
    if !action.acts() {
        let text = text::notification(operation, progress, policy);
        let message = Message { text: &text, priority: action.priority(), dedup_key: &idempotency_key };
        return notify(&action.channels(), &policy.channels, message, environment).into();
    }
    let Some(executor) = policy.executors.get(&action.kind) else {
        return Performed::refused(format!("the policy has no `executors.{}`", action.kind.word()));
    };
    let placeholders = Placeholders {
        action,
        alert: operation.alert(),
        idempotency_key,
        kind: operation.kind.word(),
        reason: &operation.reason,
        id: operation.id.to_string(),
    };
    let mut performed = perform(executor, &placeholders, environment, wait);
    if policy.audit.include_causes
        && let Some(detail) = performed.detail.take()
    {
        performed.message = format!("{}; the end of its stderr: {detail}", performed.message);
    }
    performed
}

fn dry_run(action: &Action) -> String {
    if action.description.is_empty() {
        "would be carried out".to_owned()
    } else {
        format!("would be carried out: {}", action.description)
    }
}

impl Context<'_> {
    /// Appends an event, however long the log cannot be written: nothing may follow from what is not logged, and
    /// what was done must not be lost. Only the end of the process, or another one, ends the patience.
    pub(super) fn append_with_retry(self, event: &Event) -> Result<(), Refusal> {
        let mut tried = 0;
        loop {
            match self.log.append(event.clone()) {
                Ok(()) => return Ok(()),
                Err(refusal @ (Refusal::ClosedElsewhere | Refusal::Overtaken)) => return Err(refusal),
                Err(problem) => {
                    if tried % REPORTED == 0 {
                        tracing::error!(event = event.word(), %problem, "the audit log could not be written");
                    }
                    if self.wait.wait(BETWEEN_TRIES).is_err() {
                        return Err(problem);
                    }
                }
            }
            tried += 1;
        }
    }

    /// Notifies every channel that a person is needed, and logs who was notified.
    pub(super) fn escalate(self, operation: &Operation, problem: &str) {
        tracing::error!(plan = %operation.id, problem, "a person is needed");
        let (notified, failed) = if self.mode == Mode::Live {
            let text = text::escalation(operation, problem);
            let dedup_key = format!("{}-escalation", idempotency_key(operation, 0));
            let message = Message { text: &text, priority: Priority::Critical, dedup_key: &dedup_key };
            let notified =
                notify(&self.policy.enabled_channels(), &self.policy.channels, message, self.environment);
            (notified.by, notified.failed)
        } else {
            Default::default()
        };
        let event = Event::Escalated { plan: operation.id, problem: problem.to_owned(), notified, failed };
        // What could not be logged was reported above, on stderr.
        let _ = self.append_with_retry(&event);
    }
}
