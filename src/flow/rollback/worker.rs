//! The server's hands: a thread for rollbacks, one for notifications, and one for each verification, so that a slow
//! chat holds no rollback up.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::core::rollback::state::{Plan, PlanKind, PlanOutcome, Undertaking};
use crate::core::run::source::Wait;
use crate::io::clock::Stopwatch;
use crate::io::lock::{FolderLock, LockError};
use crate::wire::rollback::log::{ActionResult, ActionStatus, Mode};

use super::act::{self, Hands, carry_out};
use super::engine::{Common, Handle, Running};
use super::journal;
use super::manual::causes;
use super::verify;

/// Rollbacks that wait at most; the cool-down leaves room for one.
const ROLLBACKS: usize = 16;
/// Notifications that wait at most.
const NOTIFICATIONS: usize = 64;
/// How long a person's rollback is waited for at a time; in between it is looked whether the server stops.
const ACTING: Duration = Duration::from_secs(2);

/// Something to be done.
pub(super) enum Job {
    /// An undertaking.
    CarryOut { undertaking: Box<Undertaking>, running: watch::Sender<Running> },
    /// What must be true after one.
    Verify(Box<Plan>),
    /// People are to be told that a person is needed.
    Escalate(Box<Plan>, String),
}

/// The threads.
pub(super) struct Workers {
    pub(super) rollbacks: SyncSender<Job>,
    pub(super) notifications: SyncSender<Job>,
    threads: Vec<JoinHandle<()>>,
    verifying: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Workers {
    pub(super) fn start(common: &Arc<Common>, handle: &Handle) -> std::io::Result<Self> {
        let verifying = Arc::new(Mutex::new(Vec::new()));
        let start = |name: &str, room| {
            let (sender, jobs) = sync_channel(room);
            let worker = Worker {
                common: Arc::clone(common),
                handle: handle.clone(),
                verifying: Arc::clone(&verifying),
            };
            let thread =
                std::thread::Builder::new().name(name.to_owned()).spawn(move || worker.run(&jobs))?;
            Ok::<_, std::io::Error>((sender, thread))
        };
        let (rollbacks, acting) = start("rollback-act", ROLLBACKS)?;
        let (notifications, telling) = start("rollback-tell", NOTIFICATIONS)?;
        Ok(Self { rollbacks, notifications, threads: vec![acting, telling], verifying })
    }

    /// Looks whether what must be true after a rollback is true.
    pub(super) fn verify(&self, plan: Plan) {
        // There is room at the start; what finds none is looked at at the next one.
        drop(self.rollbacks.try_send(Job::Verify(Box::new(plan))));
    }

    /// Tells that a person is needed.
    pub(super) fn escalate(&self, plan: Plan, problem: String) {
        drop(self.notifications.try_send(Job::Escalate(Box::new(plan), problem)));
    }

    /// Waits until everything that was handed over is done.
    pub(super) fn finish(self) {
        // The engine's own senders are still there, so the threads are told by an interrupted wait.
        drop((self.rollbacks, self.notifications));
        for thread in self.threads {
            drop(thread.join());
        }
        let verifying = std::mem::take(&mut *self.verifying.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in verifying {
            drop(thread.join());
        }
    }
}

struct Worker {
    common: Arc<Common>,
    handle: Handle,
    verifying: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Worker {
    fn run(self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(Duration::from_millis(100)) {
                Ok(Job::CarryOut { undertaking, running }) => self.carry_out(&undertaking, &running),
                Ok(Job::Verify(plan)) => self.verify(*plan),
                Ok(Job::Escalate(plan, problem)) => self.with_hands(|hands| {
                    act::escalate(&plan, &problem, hands);
                }),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) if !self.common.stop.is_asked() => {}
                Err(_) => return,
            }
        }
    }

    fn with_hands<T>(&self, work: impl FnOnce(Hands<'_>) -> T) -> T {
        let policy = self.common.policy();
        work(Hands {
            policy: &policy,
            mode: self.common.mode,
            environment: &self.common.environment,
            limits: &self.common.limits,
            wait: &self.common.stop,
            log: &self.handle,
        })
    }

    fn carry_out(&self, undertaking: &Undertaking, running: &watch::Sender<Running>) {
        let plan = &undertaking.plan;
        let is_rollback = plan.kind != PlanKind::Notification && self.common.mode == Mode::Live;
        let acting = if is_rollback { self.acting().map(Some) } else { Ok(None) };
        let outcome = self.with_hands(|hands| match &acting {
            Ok(_) => carry_out(undertaking, hands, &mut |result| {
                self.count(result);
                running.send_modify(|running| running.actions.push(result.clone()));
            }),
            Err(problem) => act::refuse(undertaking, problem, hands),
        });
        drop(acting);
        let outcome = outcome.unwrap_or_else(|problem| {
            tracing::error!(plan = %plan.id, problem, "it was broken off");
            let begun = running.borrow().actions.iter().any(|result| !result.nothing_done);
            if begun { PlanOutcome::Failed } else { PlanOutcome::Interrupted }
        });
        self.common.count(|counters| {
            *counters.undertakings.entry((plan.kind.word(), outcome.word())).or_default() += 1;
        });
        tracing::warn!(plan = %plan.id, kind = plan.kind.word(), outcome = outcome.word(), reason = plan.reason);
        running.send_modify(|running| running.outcome = Some(outcome));
        let did = matches!(outcome, PlanOutcome::Done | PlanOutcome::Failed);
        if did && plan.kind == PlanKind::Rollback {
            self.verify(plan.clone());
        }
    }

    /// The right to carry actions out, when whoever has it lets it go in time. Without it nothing is done: two who act
    /// at the same time are worse than one who calls a person.
    fn acting(&self) -> Result<FolderLock, String> {
        let (patience, watch) = (self.common.policy().auto.lock_wait, Stopwatch::start());
        loop {
            let left = patience.saturating_sub(watch.elapsed());
            match journal::acting(&self.common.log, left.min(ACTING)) {
                Ok(lock) => return Ok(lock),
                Err(LockError::Held { .. }) if !left.is_zero() && !self.common.stop.is_asked() => {}
                Err(error) => return Err(causes(&error)),
            }
        }
    }

    fn count(&self, result: &ActionResult) {
        let word = match result.status {
            ActionStatus::Done => "done",
            ActionStatus::Failed => "failed",
            ActionStatus::LeftOut => "left_out",
            ActionStatus::DryRun => "dry_run",
        };
        let kind = result.action.split(' ').next().unwrap_or_default().to_owned();
        self.common.count(|counters| *counters.actions.entry((kind, word)).or_default() += 1);
    }

    fn verify(&self, plan: Plan) {
        let has_checks = !self.common.policy().auto.verification.checks.is_empty();
        if self.common.mode == Mode::DryRun || !has_checks || self.common.stop.wait(Duration::ZERO).is_err() {
            return;
        }
        let worker = Self {
            common: Arc::clone(&self.common),
            handle: self.handle.clone(),
            verifying: Arc::clone(&self.verifying),
        };
        let look = move || {
            let verification = worker.common.policy().auto.verification.clone();
            let verified = worker.with_hands(|hands| verify::verify(&plan, &verification, hands));
            if let Some(verified) = verified {
                worker.common.count(|counters| counters.verifications[usize::from(!verified)] += 1);
            }
        };
        match std::thread::Builder::new().name("rollback-verify".to_owned()).spawn(look) {
            Ok(thread) => {
                let mut verifying = self.verifying.lock().unwrap_or_else(PoisonError::into_inner);
                verifying.retain(|thread| !thread.is_finished());
                verifying.push(thread);
            }
            Err(error) => tracing::error!(%error, "the verification cannot be started"),
        }
    }
}
