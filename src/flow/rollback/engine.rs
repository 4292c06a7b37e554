//! The server's mind: one thread that owns the log and decides. What waits at the same moment is decided together
//! and goes to the disk with one sync (group commit); nobody is answered before.

mod mind;

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::core::rollback::alert::Hook;
use crate::core::rollback::counters::Counters;
use crate::core::rollback::policy::RollbackPolicy;
use crate::core::rollback::state::{PlanId, PlanKind, PlanOutcome, Undertaking};
use crate::io::clock;
use crate::io::environment::Environment;
use crate::io::http::Limits;
use crate::io::signals::StopRequest;
use crate::wire::rollback::answer::{AlertAnswer, ConsequenceAnswer, DecisionAnswer, LogHead};
use crate::wire::rollback::log::{ActionResult, LogEvent, Mode};

use super::act::Record;
use super::journal::Journal;
use super::worker::Workers;
use mind::Mind;

/// Deliveries that wait at most; further ones are told to come back.
const WAITING: usize = 2048;
/// Verifications that an earlier process did not finish are taken up when they are no older.
const TAKEN_UP: TimeDelta = TimeDelta::hours(24);

/// What the engine is asked.
pub(super) enum Ask {
    /// Decide about a delivery; it takes its room up until it is answered.
    Hook { hook: Hook, room: OwnedSemaphorePermit, reply: oneshot::Sender<Result<Reply, String>> },
    /// Write an event down.
    Record { event: LogEvent, reply: SyncSender<Result<(), String>> },
    /// Tell how things stand.
    Status { reply: oneshot::Sender<Status> },
}

/// How far something has come that is carried out just now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// Results so far.
    pub actions: Vec<ActionResult>,
    /// How it ended. `None` = it goes on.
    pub outcome: Option<PlanOutcome>,
}

/// Something that is carried out because of a delivery, or was already.
#[derive(Clone, Debug)]
pub struct Following {
    /// Its number.
    pub id: PlanId,
    /// What it is for.
    pub kind: PlanKind,
    /// How far it has come.
    pub running: watch::Receiver<Running>,
}

/// The answer to a delivery, on the disk when it is given.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What was decided about each alert.
    pub responses: Vec<AlertAnswer>,
    /// What is carried out because of it.
    pub following: Vec<Following>,
}

/// How things stand.
#[derive(Clone, Debug)]
pub struct Status {
    /// Until when no further rollback begins.
    pub cooling_until: Option<DateTime<Utc>>,
    /// When the last rollback began.
    pub last_rollback: Option<DateTime<Utc>>,
    /// Actions of automatic rollbacks in the last 24 hours.
    pub actions_of_the_day: usize,
    /// Episodes that are remembered.
    pub episodes: usize,
    /// Alerts that fire, or are expected to, because of what a rollback did.
    pub consequences: Vec<ConsequenceAnswer>,
    /// The undertakings that are kept, newest first.
    pub undertakings: Vec<Undertaking>,
    /// Those of which something is not known, and no person has acted since.
    pub unknown: Vec<(PlanId, String)>,
    /// The last decisions, newest first.
    pub decisions: Vec<DecisionAnswer>,
    /// The end of the log.
    pub head: LogHead,
}

/// What the threads share.
#[derive(Debug)]
pub struct Common {
    policy: Mutex<Arc<RollbackPolicy>>,
    counters: Mutex<Counters>,
    /// Whether soak acts.
    pub mode: Mode,
    /// Where secrets come from.
    pub(super) environment: Environment,
    /// Limits of each request of a notification.
    pub(super) limits: Limits,
    /// The log's path, beside which the locks lie.
    pub(super) log: std::path::PathBuf,
    /// Asks the workers to come to an end.
    pub(super) stop: StopRequest,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Common {
    /// The policy in force.
    pub fn policy(&self) -> Arc<RollbackPolicy> {
        Arc::clone(&lock(&self.policy))
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        lock(&self.counters).clone()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut lock(&self.counters));
    }
}

/// Why a delivery was not decided about: nothing was done, and it may be sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// Too many wait.
    #[error("too many deliveries wait; come back later")]
    Busy,
    /// The log cannot be written, and without it nothing is done.
    #[error("the audit log cannot be written, so nothing was decided: {0}")]
    Log(String),
    /// The server ends.
    #[error("the server is stopping")]
    Stopping,
}

/// Asks the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle(SyncSender<Ask>);

impl Handle {
    /// Decides about a delivery. `room` is let go when that is done, also where nobody waits for the answer any more.
    pub async fn hook(&self, hook: Hook, room: OwnedSemaphorePermit) -> Result<Reply, Undecided> {
        let (reply, answer) = oneshot::channel();
        match self.0.try_send(Ask::Hook { hook, room, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Undecided::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(Undecided::Stopping),
        }
        answer.await.map_err(|_| Undecided::Stopping)?.map_err(Undecided::Log)
    }

    /// How things stand.
    pub async fn status(&self) -> Result<Status, Undecided> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Ask::Status { reply }).map_err(|_| Undecided::Busy)?;
        answer.await.map_err(|_| Undecided::Stopping)
    }
}

impl Record for Handle {
    fn record(&self, event: LogEvent) -> Result<(), String> {
        let (reply, answer) = sync_channel(1);
        let gone = "the engine has stopped";
        self.0.send(Ask::Record { event, reply }).map_err(|_| gone.to_owned())?;
        answer.recv().map_err(|_| gone.to_owned())?
    }
}

/// The engine with its threads.
pub struct Engine {
    common: Arc<Common>,
    handle: Option<Handle>,
    workers: Option<Workers>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Engine {
    /// Starts deciding with a journal whose leftovers were settled: `left` are the undertakings that an earlier
    /// process did not finish.
    pub fn start(
        journal: Journal,
        log: std::path::PathBuf,
        policy: RollbackPolicy,
        environment: Environment,
        limits: Limits,
        left: &[PlanId],
    ) -> std::io::Result<Self> {
        let common = Arc::new(Common {
            policy: Mutex::new(Arc::new(policy)),
            counters: Mutex::new(Counters::default()),
            mode: journal.memory().mode,
            environment,
            limits,
            log,
            stop: StopRequest::default(),
        });
        let (asks, asked) = sync_channel(WAITING);
        let handle = Handle(asks);
        let workers = Workers::start(&common, &handle)?;
        leftovers(&journal, left, &workers, common.policy().as_ref());
        let mind = Mind {
            journal,
            common: Arc::clone(&common),
            rollbacks: workers.rollbacks.clone(),
            notifications: workers.notifications.clone(),
            running: BTreeMap::new(),
            unqueued: Vec::new(),
        };
        let thread =
            std::thread::Builder::new().name("rollback".to_owned()).spawn(move || mind.run(&asked))?;
        Ok(Self { common, handle: Some(handle), workers: Some(workers), thread: Some(thread) })
    }

    /// What the threads share.
    pub fn common(&self) -> Arc<Common> {
        Arc::clone(&self.common)
    }

    /// What asks it. `None` after it was stopped.
    pub fn handle(&self) -> Option<Handle> {
        self.handle.clone()
    }

    /// Puts a policy in force, or keeps the one that is because of a problem; the log says so.
    pub fn reload(&self, policy: Result<RollbackPolicy, String>) {
        let problem = match policy {
            Ok(policy) => {
                *lock(&self.common.policy) = Arc::new(policy);
                None
            }
            Err(problem) => Some(problem),
        };
        let policy_sha256 = self.common.policy().sha256.clone();
        if let Some(handle) = &self.handle
            && let Err(problem) = handle.record(LogEvent::PolicyReloaded { policy_sha256, problem })
        {
            tracing::error!(%problem, "the audit log could not be written");
        }
    }

    /// Ends: what was begun is seen through, verifications are left to the next start.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.common.stop.ask();
        if let Some(workers) = self.workers.take() {
            workers.finish();
        }
        self.handle = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so itself.
            drop(thread.join());
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells of what an earlier process left behind, and takes its verifications up.
fn leftovers(journal: &Journal, left: &[PlanId], workers: &Workers, policy: &RollbackPolicy) {
    let memory = journal.memory();
    for id in left {
        let Some(undertaking) = memory.state.undertaking(*id) else { continue };
        let unknown: Vec<String> =
            undertaking.unknown().map(crate::core::rollback::action::Action::words).collect();
        let open = undertaking.remaining().len();
        if undertaking.outcome == Some(PlanOutcome::Interrupted) {
            let mut problem = vec!["soak ended in the middle of it".to_owned()];
            if !unknown.is_empty() {
                let unknown = unknown.join(", ");
                problem.push(format!(
                    "nobody knows whether this was done, and soak does not repeat it: {unknown}"
                ));
            }
            if open > 0 {
                problem
                    .push(format!("{open} actions were not begun, and will be when the alert is told again"));
            }
            workers.escalate(undertaking.plan.clone(), problem.join("; "));
        }
    }
    if memory.mode == Mode::DryRun || policy.auto.verification.checks.is_empty() {
        return;
    }
    let since = clock::machine_time().checked_sub_signed(TAKEN_UP);
    for undertaking in memory.state.undertakings() {
        let did = matches!(undertaking.outcome, Some(PlanOutcome::Done | PlanOutcome::Failed));
        let is_young = since.is_none_or(|since| undertaking.plan.at >= since);
        let is_open = undertaking.verified.is_none() && !memory.state.is_overtaken(undertaking.plan.id);
        if did && is_young && is_open && undertaking.plan.kind == PlanKind::Rollback {
            workers.verify(undertaking.plan.clone());
        }
    }
}
