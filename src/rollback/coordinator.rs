//! The threads of a server. One owns the log and decides: what waits at the same moment is decided together and goes
//! to the disk with one sync (group commit); nobody is answered before. Others carry operations out: one for rollbacks,
//! one for notifications, and one for each verification, so that a slow chat holds no rollback up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::action::{Action, ActionKind, Progress};
use super::alert::{Hook, shown};
use super::answer::{
    AlertAnswer, ConsequenceAnswer, OperationAnswer, OperationStatus, StatusAnswer, UnknownAnswer,
};
use super::decide::{Decided, decide};
use super::event::{ActionStatus, Decision, DecisionKind, Event, OperationId, OperationKind, Outcome};
use super::executor::{Context, EventLog, Refusal, carry_out, refuse};
use super::journal::{self, Journal, Transaction};
use super::log::{Mode, causes};
use super::policy::RollbackPolicy;
use super::state::{Forgotten, Operation, timestamp};
use super::verify::verify;
use crate::infra::clock::{self, StopRequest, Stopwatch, Wait};
use crate::infra::environment::Environment;
use crate::infra::lock::{FolderLock, LockError};

/// Deliveries that wait at most; further ones are refused for now.
const WAITING: usize = 2048;
/// What is decided together at most.
const TOGETHER: usize = 512;
/// How often what is old is forgotten.
const FORGETTING: Duration = Duration::from_secs(60);
/// Verifications that an earlier process did not finish are taken up when they are no older.
const TAKEN_UP: TimeDelta = TimeDelta::hours(24);
/// Rollbacks that wait at most; the cool-down leaves room for one.
const ROLLBACKS: usize = 16;
/// Notifications that wait at most.
const NOTIFICATIONS: usize = 64;
/// How long a person's rollback is waited for at a time; in between it is checked whether the server stops.
const ACTING: Duration = Duration::from_secs(2);

/// What is counted from the start of the process, for metrics: a fold over the events that it writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counters {
    pub decisions: BTreeMap<DecisionKind, u64>,
    pub actions: BTreeMap<(ActionKind, ActionStatus), u64>,
    pub operations: BTreeMap<(OperationKind, Outcome), u64>,
    /// Verifications that came true, and that did not.
    pub verifications: [u64; 2],
    /// Deliveries with alerts that were cut off.
    pub truncated: u64,
    /// Episodes that were forgotten because there were too many: over, and still firing.
    pub forgotten: [u64; 2],
    /// Times that the log could not be written.
    pub log_errors: u64,
    /// Why it cannot be written just now.
    pub log_problem: Option<String>,
    /// Commits, and the requests in them.
    pub commits: [u64; 2],
    pub commit_seconds: f64,
}

impl Counters {
    /// Counts an event; `kind` is that of the operation that it is about.
    fn apply(&mut self, event: &Event, kind: impl Fn(OperationId) -> Option<OperationKind>) {
        match event {
            Event::Hook(delivery) => {
                self.truncated += u64::from(delivery.truncated_alerts > 0);
                for decision in delivery.alerts.iter().filter_map(|alert| alert.decision.known()) {
                    *self.decisions.entry(decision).or_default() += 1;
                }
            }
            Event::ActionEnded(result) => {
                let word = result.action.split(' ').next().unwrap_or_default();
                if let Some(action) = ActionKind::of_word(word) {
                    *self.actions.entry((action, result.status)).or_default() += 1;
                }
            }
            Event::Closed { plan, outcome } => {
                if let (Some(kind), Some(outcome)) = (kind(*plan), outcome.known()) {
                    *self.operations.entry((kind, outcome)).or_default() += 1;
                }
            }
            Event::Verified(result) => self.verifications[usize::from(!result.verified)] += 1,
            _ => {}
        }
    }
}

/// What the coordinator is asked.
enum Request {
    /// Decide about a delivery; it takes its room up until it is answered.
    Hook {
        hook: Hook,
        room: OwnedSemaphorePermit,
        reply: oneshot::Sender<Result<Reply, Refusal>>,
    },
    Append {
        event: Event,
        reply: SyncSender<Result<(), Refusal>>,
    },
    Status {
        reply: oneshot::Sender<Status>,
    },
}

/// How far an operation has come that is carried out just now.
pub(crate) type Running = watch::Receiver<OperationAnswer>;

/// The answer to a delivery, on the disk when it is given.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// What was decided about each alert.
    pub responses: Vec<AlertAnswer>,
    /// What is carried out because of it, or was already.
    pub running: Vec<Running>,
}

/// The current state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub answer: StatusAnswer,
    /// Until when no further rollback begins.
    pub cooling_until: Option<DateTime<Utc>>,
    /// When the last rollback began.
    pub last_rollback: Option<DateTime<Utc>>,
}

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    policy: Mutex<Arc<RollbackPolicy>>,
    counters: Mutex<Counters>,
    /// Whether soak acts.
    pub mode: Mode,
    /// Where secrets come from.
    environment: Environment,
    /// The log's path, beside which the locks lie.
    log: PathBuf,
    /// Asks the workers to come to an end.
    stop: StopRequest,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The policy in force.
    fn policy(&self) -> Arc<RollbackPolicy> {
        Arc::clone(&lock(&self.policy))
    }

    pub(crate) fn counters(&self) -> Counters {
        lock(&self.counters).clone()
    }
}

/// Asks the coordinator. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle(SyncSender<Request>);

impl Handle {
    /// Decides about a delivery. `room` is let go when that is done, also where nobody waits for the answer any more.
    pub(crate) async fn hook(&self, hook: Hook, room: OwnedSemaphorePermit) -> Result<Reply, Refusal> {
        let (reply, answer) = oneshot::channel();
        match self.0.try_send(Request::Hook { hook, room, reply }) {
            Ok(()) => answer.await.map_err(|_| Refusal::Stopping)?,
            Err(TrySendError::Full(_)) => Err(Refusal::Busy),
            Err(TrySendError::Disconnected(_)) => Err(Refusal::Stopping),
        }
    }

    pub(crate) async fn status(&self) -> Result<Status, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Request::Status { reply }).map_err(|_| Refusal::Busy)?;
        answer.await.map_err(|_| Refusal::Stopping)
    }
}

impl EventLog for Handle {
    fn append(&self, event: Event) -> Result<(), Refusal> {
        let (reply, answer) = sync_channel(1);
        self.0.send(Request::Append { event, reply }).map_err(|_| Refusal::Stopping)?;
        answer.recv().map_err(|_| Refusal::Stopping)?
    }
}

/// The coordinator with its threads.
pub(crate) struct Coordinator {
    pub shared: Arc<Shared>,
    /// `None` after it was stopped.
    handle: Option<Handle>,
    workers: Option<Workers>,
    thread: Option<JoinHandle<()>>,
}

impl Coordinator {
    /// Starts deciding with a journal whose leftovers were settled: `left` are the operations that an earlier
    /// process did not finish.
    pub(crate) fn start(
        journal: Journal,
        log: PathBuf,
        policy: RollbackPolicy,
        environment: Environment,
        left: &[OperationId],
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            policy: Mutex::new(Arc::new(policy)),
            counters: Mutex::new(Counters::default()),
            mode: journal.mode,
            environment,
            log,
            stop: StopRequest::default(),
        });
        let (requests, received) = sync_channel(WAITING);
        let handle = Handle(requests);
        let workers = Workers::start(&shared, &handle)?;
        workers.take_up(&journal, left, &shared.policy());
        let decider = Decider {
            journal,
            shared: Arc::clone(&shared),
            rollbacks: workers.rollbacks.clone(),
            notifications: workers.notifications.clone(),
            running: BTreeMap::new(),
            unqueued: Vec::new(),
        };
        let thread =
            std::thread::Builder::new().name("rollback".to_owned()).spawn(move || decider.run(&received))?;
        Ok(Self { shared, handle: Some(handle), workers: Some(workers), thread: Some(thread) })
    }

    pub(crate) fn handle(&self) -> Option<Handle> {
        self.handle.clone()
    }

    /// Puts a policy in force, or keeps the one that is because of a problem; the log says so.
    pub(crate) fn reload(&self, policy: Result<RollbackPolicy, String>) {
        let problem = match policy {
            Ok(policy) => {
                *lock(&self.shared.policy) = Arc::new(policy);
                None
            }
            Err(problem) => Some(problem),
        };
        let policy_sha256 = self.shared.policy().sha256.clone();
        if let Some(handle) = &self.handle
            && let Err(problem) = handle.append(Event::PolicyReloaded { policy_sha256, problem })
        {
            tracing::error!(%problem, "the audit log could not be written");
        }
    }
}

/// Ends: what was begun is seen through, verifications are left to the next start.
impl Drop for Coordinator {
    fn drop(&mut self) {
        self.shared.stop.request();
        if let Some(workers) = self.workers.take() {
            workers.finish();
        }
        self.handle = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so itself.
            drop(thread.join());
        }
    }
}

/// The thread that owns the log.
struct Decider {
    journal: Journal,
    shared: Arc<Shared>,
    rollbacks: SyncSender<Job>,
    notifications: SyncSender<Job>,
    running: BTreeMap<OperationId, Running>,
    /// Operations for which no worker had room.
    unqueued: Vec<(OperationId, watch::Sender<OperationAnswer>)>,
}

/// What was decided about one request.
enum Made {
    Hook(Box<Decided>, Vec<OperationId>),
    Appended(Result<(), Refusal>),
}

impl Decider {
    fn run(mut self, requests: &Receiver<Request>) {
        let mut forgotten = Stopwatch::start();
        loop {
            let first = match requests.recv_timeout(FORGETTING) {
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if forgotten.elapsed() >= FORGETTING {
                self.journal.forget(self.shared.policy().auto.remember);
                forgotten = Stopwatch::start();
            }
            let Some(first) = first else { continue };
            let further = requests.try_iter().take(TOGETHER - 1);
            let together: Vec<Request> = std::iter::once(first).chain(further).collect();
            self.answer(together);
        }
    }

    fn answer(&mut self, requests: Vec<Request>) {
        let policy = self.shared.policy();
        self.journal.limit(policy.auto.remember_alerts);
        let (statuses, requests): (Vec<Request>, Vec<Request>) =
            requests.into_iter().partition(|request| matches!(request, Request::Status { .. }));
        if !requests.is_empty() {
            self.commit(requests, &policy);
        }
        if !statuses.is_empty()
            && let Err(error) = self.journal.refresh()
        {
            tracing::error!(problem = causes(&error), "the audit log cannot be read");
        }
        for request in statuses {
            if let Request::Status { reply } = request {
                // Whoever asked may be gone.
                drop(reply.send(self.status(&policy)));
            }
        }
        let state = &self.journal.state;
        self.running.retain(|id, _| state.operation(*id).is_some_and(|o| o.outcome.is_none()));
    }

    fn commit(&mut self, requests: Vec<Request>, policy: &RollbackPolicy) {
        let before = self.journal.state.episodes.forgotten();
        let watch = Stopwatch::start();
        let made = self.journal.transact(|transaction| {
            requests.iter().map(|request| make(request, transaction, policy)).collect::<Vec<_>>()
        });
        let took = watch.elapsed().as_secs_f64();
        match made {
            Ok(made) => {
                {
                    let mut counters = lock(&self.shared.counters);
                    counters.log_problem = None;
                    counters.commits[0] += 1;
                    counters.commits[1] += requests.len() as u64;
                    counters.commit_seconds += took;
                    let kind = |id| self.journal.state.operation(id).map(|operation| operation.kind);
                    self.journal.written.iter().for_each(|event| counters.apply(event, kind));
                }
                for (request, made) in requests.into_iter().zip(made) {
                    self.reply(request, made);
                }
                self.close_unqueued();
                self.report_forgotten(before, policy.auto.remember_alerts);
            }
            Err(error) => {
                let problem = causes(&error);
                tracing::error!(problem, "the audit log could not be written; nothing was decided");
                {
                    let mut counters = lock(&self.shared.counters);
                    counters.log_errors += 1;
                    counters.log_problem = Some(problem.clone());
                }
                for request in requests {
                    let refusal = Refusal::Log(problem.clone());
                    match request {
                        Request::Hook { reply, .. } => drop(reply.send(Err(refusal))),
                        Request::Append { reply, .. } => drop(reply.send(Err(refusal))),
                        Request::Status { .. } => {}
                    }
                }
            }
        }
    }

    /// Reports episodes that had to be forgotten because there are too many.
    fn report_forgotten(&self, before: Forgotten, most: usize) {
        let now = self.journal.state.episodes.forgotten();
        let (over, open) = (now.over.saturating_sub(before.over), now.open.saturating_sub(before.open));
        if over + open == 0 {
            return;
        }
        {
            let mut counters = lock(&self.shared.counters);
            counters.forgotten[0] += over;
            counters.forgotten[1] += open;
        }
        if open == 0 {
            tracing::warn!(over, most, "episodes that are over were forgotten: `remember_alerts` is reached");
        } else {
            tracing::error!(
                over,
                open,
                most,
                "episodes that still fire were forgotten, and count as new when they are reported again: \
                 `remember_alerts` is too low, or the sender invents alerts"
            );
        }
    }

    fn reply(&mut self, request: Request, made: Option<Made>) {
        match (request, made) {
            (Request::Hook { hook, room: _room, reply }, Some(Made::Hook(decided, work))) => {
                let mut running: Vec<Running> = work.iter().filter_map(|id| self.queue(*id)).collect();
                let mut known = work;
                for (_, decision) in &decided.decisions {
                    if let Decision::Repeated(id) = decision
                        && let Some(repeated) = self.running.get(id)
                        && !known.contains(id)
                    {
                        running.push(repeated.clone());
                        known.push(*id);
                    }
                }
                let responses =
                    hook.alerts.iter().zip(&decided.decisions).map(|(alert, (_, decision))| AlertAnswer {
                        alert: shown(alert.name()),
                        decision: decision.kind(),
                        reason: decision.reason(),
                    });
                drop(reply.send(Ok(Reply { responses: responses.collect(), running })));
            }
            (Request::Append { reply, .. }, Some(Made::Appended(result))) => drop(reply.send(result)),
            _ => {}
        }
    }

    /// Hands an operation to its worker.
    fn queue(&mut self, id: OperationId) -> Option<Running> {
        let operation = self.journal.state.operation(id)?.clone();
        let to = match operation.kind {
            OperationKind::Notification => &self.notifications,
            _ => &self.rollbacks,
        };
        let (progress, running) = watch::channel(OperationAnswer::begun(&operation));
        self.running.insert(id, running.clone());
        let job = Job::CarryOut { operation: Box::new(operation), progress };
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = to.try_send(job)
            && let Job::CarryOut { progress, .. } = job
        {
            self.unqueued.push((id, progress));
        }
        Some(running)
    }

    /// Nothing was done of what no worker had room for: it may be reported again.
    fn close_unqueued(&mut self) {
        if self.unqueued.is_empty() {
            return;
        }
        let unqueued = std::mem::take(&mut self.unqueued);
        let written = self.journal.transact(|transaction| {
            for (id, _) in &unqueued {
                transaction.push(Event::Closed { plan: *id, outcome: Outcome::NothingDone.into() });
            }
        });
        if let Err(error) = written {
            tracing::error!(problem = causes(&error), "the audit log could not be written");
        }
        for (_, progress) in unqueued {
            progress.send_modify(|answer| answer.outcome = Some(Outcome::NothingDone));
        }
    }

    fn status(&self, policy: &RollbackPolicy) -> Status {
        let (state, now) = (&self.journal.state, self.journal.clock.now());
        let cooling_until = state.cooling_until(now, policy.auto.cooldown);
        let settled = state
            .operations()
            .filter(|o| matches!(o.kind, OperationKind::Manual | OperationKind::Recovery))
            .filter(|o| o.outcome == Some(Outcome::Done))
            .map(|o| o.id)
            .max();
        let unsettled = state.operations().filter(|o| settled.is_none_or(|settled| o.id > settled));
        let unknown = unsettled.flat_map(|o| {
            o.unknown().map(|action| UnknownAnswer { id: o.id.to_string(), action: action.words() })
        });
        let consequences = state.consequences.open().map(|(alert, of, firing)| ConsequenceAnswer {
            alert: alert.to_owned(),
            of: of.to_string(),
            firing,
        });
        let answer = StatusAnswer {
            mode: self.shared.mode,
            policy_sha256: policy.sha256.clone(),
            policy_problem: None,
            auto_rollback_enabled: policy.auto.enabled,
            cooling_down_until: cooling_until.map(timestamp),
            actions_last_24h: state.actions_of_the_day(now),
            max_actions_per_day: policy.auto.max_actions_per_day,
            remembered_alerts: state.episodes.len(),
            max_remembered_alerts: policy.auto.remember_alerts,
            forgotten_alerts: self.shared.counters().forgotten.iter().sum(),
            consequences: consequences.collect(),
            unknown_outcomes: unknown.collect(),
            last_decisions: state.decisions.iter().cloned().collect(),
            undertakings: state.operations().rev().take(20).map(OperationStatus::of).collect(),
            log: self.journal.head().clone(),
        };
        Status { answer, cooling_until, last_rollback: state.last_rollback().map(|(_, at)| at) }
    }
}

fn make(request: &Request, transaction: &mut Transaction<'_>, policy: &RollbackPolicy) -> Option<Made> {
    match request {
        Request::Hook { hook, .. } => {
            let decided = decide(hook, transaction.state, policy, transaction.now);
            let work = transaction.hook(hook, &decided);
            Some(Made::Hook(Box::new(decided), work))
        }
        Request::Append { event, .. } => Some(Made::Appended(append(event, transaction))),
        Request::Status { .. } => None,
    }
}

/// Appends an event; the beginning of an action only while its operation is open and nobody else has begun it, and that
/// a verification failed only as long as nobody has taken the way back.
fn append(event: &Event, transaction: &mut Transaction<'_>) -> Result<(), Refusal> {
    match event {
        Event::ActionStarted { plan, index, .. } => {
            let operation = transaction.state.operation(*plan);
            let is_open = operation.is_some_and(|o| {
                o.outcome.is_none() && o.progress.get(*index) == Some(&Progress::NotStarted)
            });
            if !is_open {
                return Err(Refusal::ClosedElsewhere);
            }
        }
        Event::Verified(result) if !result.verified && transaction.state.is_overtaken(result.plan) => {
            return Err(Refusal::Overtaken);
        }
        _ => {}
    }
    transaction.push(event.clone());
    Ok(())
}

/// Something to be done by a worker.
enum Job {
    CarryOut {
        operation: Box<Operation>,
        progress: watch::Sender<OperationAnswer>,
    },
    /// Check what must be true after a rollback.
    Verify(Box<Operation>),
    /// Notify that a person is needed, because of this problem.
    Escalate(Box<Operation>, String),
}

/// The threads that carry out.
struct Workers {
    rollbacks: SyncSender<Job>,
    notifications: SyncSender<Job>,
    threads: Vec<JoinHandle<()>>,
    verifying: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Workers {
    fn start(shared: &Arc<Shared>, handle: &Handle) -> std::io::Result<Self> {
        let verifying = Arc::new(Mutex::new(Vec::new()));
        let start = |name: &str, room| {
            let (sender, jobs) = sync_channel(room);
            let worker = Worker {
                shared: Arc::clone(shared),
                handle: handle.clone(),
                verifying: Arc::clone(&verifying),
            };
            let thread =
                std::thread::Builder::new().name(name.to_owned()).spawn(move || worker.run(&jobs))?;
            Ok::<_, std::io::Error>((sender, thread))
        };
        let (rollbacks, acting) = start("rollback-act", ROLLBACKS)?;
        let (notifications, notifying) = start("rollback-notify", NOTIFICATIONS)?;
        Ok(Self { rollbacks, notifications, threads: vec![acting, notifying], verifying })
    }

    /// Escalates what an earlier process left behind, and takes its verifications up. There is room at the start; what
    /// finds none is looked at at the next one.
    fn take_up(&self, journal: &Journal, left: &[OperationId], policy: &RollbackPolicy) {
        let state = &journal.state;
        for operation in left.iter().filter_map(|id| state.operation(*id)) {
            if operation.outcome != Some(Outcome::Interrupted) {
                continue;
            }
            let mut problem = vec!["soak ended in the middle of it".to_owned()];
            let unknown: Vec<String> = operation.unknown().map(Action::words).collect();
            if !unknown.is_empty() {
                let unknown = unknown.join(", ");
                problem.push(format!("unknown whether this was done; soak does not repeat it: {unknown}"));
            }
            let open = operation.remaining().len();
            if open > 0 {
                problem.push(format!(
                    "{open} actions were not begun; they begin when the alert is reported again"
                ));
            }
            let job = Job::Escalate(Box::new(operation.clone()), problem.join("; "));
            drop(self.notifications.try_send(job));
        }
        if journal.mode == Mode::DryRun || policy.auto.verification.checks.is_empty() {
            return;
        }
        let since = clock::machine_time().checked_sub_signed(TAKEN_UP);
        for operation in state.operations() {
            let did = matches!(operation.outcome, Some(Outcome::Done | Outcome::Failed));
            let is_young = since.is_none_or(|since| operation.at >= since);
            let is_open = operation.verified.is_none() && !state.is_overtaken(operation.id);
            if did && is_young && is_open && operation.kind == OperationKind::Rollback {
                drop(self.rollbacks.try_send(Job::Verify(Box::new(operation.clone()))));
            }
        }
    }

    /// Waits until everything that was handed over is done.
    fn finish(self) {
        // The decider's own senders are still there, so the threads notice by an interrupted wait.
        drop((self.rollbacks, self.notifications));
        for thread in self.threads {
            drop(thread.join());
        }
        let verifying = std::mem::take(&mut *lock(&self.verifying));
        for thread in verifying {
            drop(thread.join());
        }
    }
}

#[derive(Clone)]
struct Worker {
    shared: Arc<Shared>,
    handle: Handle,
    verifying: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Worker {
    fn run(self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(Duration::from_millis(100)) {
                Ok(Job::CarryOut { operation, progress }) => self.carry_out(&operation, &progress),
                Ok(Job::Verify(operation)) => self.verify(*operation),
                Ok(Job::Escalate(operation, problem)) => {
                    self.in_context(|context| context.escalate(&operation, &problem));
                }
                Err(RecvTimeoutError::Timeout) if !self.shared.stop.is_requested() => {}
                Err(_) => return,
            }
        }
    }

    fn in_context<T>(&self, work: impl FnOnce(Context<'_>) -> T) -> T {
        let policy = self.shared.policy();
        work(Context {
            policy: &policy,
            mode: self.shared.mode,
            environment: &self.shared.environment,
            wait: &self.shared.stop,
            log: &self.handle,
        })
    }

    fn carry_out(&self, operation: &Operation, progress: &watch::Sender<OperationAnswer>) {
        let kind = operation.kind;
        let acts = kind != OperationKind::Notification && self.shared.mode == Mode::Live;
        let acting = if acts { self.acting().map(Some) } else { Ok(None) };
        let outcome = self.in_context(|context| match &acting {
            Ok(_) => carry_out(operation, context, &mut |result| {
                progress.send_modify(|answer| answer.actions.push(result.clone()));
            }),
            Err(problem) => refuse(operation, problem, context),
        });
        drop(acting);
        let outcome = outcome.unwrap_or_else(|problem| {
            tracing::error!(plan = %operation.id, %problem, "it was broken off");
            let has_begun = progress.borrow().actions.iter().any(|result| !result.nothing_done);
            let outcome = if has_begun { Outcome::Failed } else { Outcome::Interrupted };
            *lock(&self.shared.counters).operations.entry((kind, outcome)).or_default() += 1;
            outcome
        });
        tracing::warn!(plan = %operation.id, kind = kind.word(), outcome = outcome.word(), reason = operation.reason);
        progress.send_modify(|answer| answer.outcome = Some(outcome));
        if matches!(outcome, Outcome::Done | Outcome::Failed) && kind == OperationKind::Rollback {
            self.verify(operation.clone());
        }
    }

    /// The right to carry actions out, when whoever has it lets it go in time. Without it nothing is done: two who act
    /// at the same time are worse than one who calls a person.
    fn acting(&self) -> Result<FolderLock, String> {
        let (patience, watch) = (self.shared.policy().auto.lock_wait, Stopwatch::start());
        loop {
            let left = patience.saturating_sub(watch.elapsed());
            match journal::acting(&self.shared.log, left.min(ACTING)) {
                Ok(lock) => return Ok(lock),
                Err(LockError::Held { .. }) if !left.is_zero() && !self.shared.stop.is_requested() => {}
                Err(error) => return Err(causes(&error)),
            }
        }
    }

    fn verify(&self, operation: Operation) {
        let has_checks = !self.shared.policy().auto.verification.checks.is_empty();
        if self.shared.mode == Mode::DryRun || !has_checks || self.shared.stop.wait(Duration::ZERO).is_err() {
            return;
        }
        let worker = self.clone();
        let look = move || {
            worker.in_context(|context| verify(&operation, &context.policy.auto.verification, context));
        };
        match std::thread::Builder::new().name("rollback-verify".to_owned()).spawn(look) {
            Ok(thread) => {
                let mut verifying = lock(&self.verifying);
                verifying.retain(|thread| !thread.is_finished());
                verifying.push(thread);
            }
            Err(error) => tracing::error!(%error, "the verification cannot be started"),
        }
    }
}
