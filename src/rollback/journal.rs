//! The log and the state that follows from it, together: events go to both, or to neither.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::action::Progress;
use super::alert::{Hook, logged_group, shown};
use super::decide::{Decided, hindrance};
use super::event::{DeliveredAlert, Delivery, Event, OperationId, OperationKind, Outcome, Plan};
use super::executor::{EventLog, Refusal};
use super::log::{AuditLog, Head, LogError, Mode, causes};
use super::policy::RollbackPolicy;
use super::state::{Operation, State};
use crate::infra::clock::{self, SteadyClock};
use crate::infra::lock::{FolderLock, LockError};

/// Held by whoever carries actions out, so that nobody takes what is under way for what was cut short.
const ACTING: &str = ".soak-rollback-acting.lock";
/// Held by the server: two on one log would both answer the same alerts. One server a folder, because whoever acts
/// holds the lock above for all the logs in it.
const SERVING: &str = ".soak-rollback-serving.lock";

/// Writes events; the state follows at once.
#[derive(Debug)]
pub(crate) struct Transaction<'m> {
    pub state: &'m mut State,
    /// The time that decisions go by.
    pub now: DateTime<Utc>,
    /// The number of the next line.
    next: u64,
    events: Vec<Event>,
}

impl Transaction<'_> {
    /// Writes an event; returns the number of its line.
    pub(crate) fn push(&mut self, event: Event) -> OperationId {
        let seq = self.next;
        self.next += 1;
        self.state.apply(seq, self.now, &event);
        self.events.push(event);
        OperationId(seq)
    }

    /// Writes a delivery and what was decided about it; returns the operations to carry out.
    pub(super) fn hook(&mut self, hook: &Hook, decided: &Decided) -> Vec<OperationId> {
        let alerts =
            hook.alerts.iter().zip(&decided.decisions).map(|(alert, (key, decision))| DeliveredAlert {
                key: key.clone(),
                alert: shown(alert.name()),
                fingerprint: alert.fingerprint.as_deref().map(shown),
                starts_at: alert.starts_at.as_deref().map(shown),
                decision: decision.kind().into(),
                // A reason may contain the value of a label.
                reason: decision
                    .reason()
                    .chars()
                    .take(300)
                    .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                    .collect(),
            });
        self.push(Event::Hook(Delivery {
            group_key: logged_group(&hook.group_key),
            receiver: shown(&hook.receiver),
            truncated_alerts: hook.truncated,
            alerts: alerts.collect(),
        }));
        let mut work = Vec::new();
        for (plan, alerts) in &decided.resume {
            self.push(Event::Resumed { plan: *plan, alerts: alerts.clone() });
            work.push(*plan);
        }
        for plan in [&decided.rollback, &decided.notification].into_iter().flatten() {
            work.push(self.push(Event::Planned(plan.clone())));
        }
        work
    }

    /// Closes what a process that is gone has left behind. Nobody may be acting meanwhile.
    pub(crate) fn settle(&mut self, is_server: bool) -> Vec<OperationId> {
        let is_left =
            |o: &&Operation| o.outcome.is_none() && (is_server || o.kind != OperationKind::Notification);
        let left: Vec<Operation> = self.state.operations().filter(is_left).cloned().collect();
        for Operation { id, actions, progress, .. } in &left {
            for (index, (action, progress)) in actions.iter().zip(progress).enumerate() {
                if *progress == Progress::Started {
                    self.push(Event::UnknownOutcome { plan: *id, index, action: action.words() });
                }
            }
            let is_open = |p: &Progress| matches!(p, Progress::NotStarted | Progress::Started);
            let outcome = if progress.iter().any(is_open) {
                Outcome::Interrupted
            } else {
                Outcome::of(actions, progress)
            };
            self.push(Event::Closed { plan: *id, outcome: outcome.into() });
        }
        left.into_iter().map(|operation| operation.id).collect()
    }
}

/// The log and the state.
#[derive(Debug)]
pub(crate) struct Journal {
    log: AuditLog,
    /// Whether soak acts; what happened in the other mode is not remembered.
    pub mode: Mode,
    pub state: State,
    /// Most episodes that are remembered.
    episodes: usize,
    is_stale: bool,
    /// What the last transaction wrote.
    pub written: Vec<Event>,
    /// What cool-downs and memories are measured by; lines of the log have the time of the wall clock.
    pub clock: SteadyClock,
}

impl Journal {
    /// Opens the log and remembers everything in it, of episodes at most so many.
    pub(crate) fn open(path: &Path, mode: Mode, episodes: usize) -> Result<Self, LogError> {
        let log = AuditLog::open(path)?;
        let mut journal = Self {
            log,
            mode,
            state: State::new(episodes),
            episodes,
            is_stale: false,
            written: Vec::new(),
            clock: SteadyClock::start(),
        };
        journal.transact(|_| ())?;
        Ok(journal)
    }

    /// The end of the log.
    pub(crate) fn head(&self) -> &Head {
        self.log.head()
    }

    /// Takes in what others wrote, and lets `decide` write; everything is on the disk when this returns, or nothing is.
    /// Nobody else can write meanwhile, so what is decided still holds when it is written.
    pub(crate) fn transact<T>(
        &mut self,
        decide: impl FnOnce(&mut Transaction<'_>) -> T,
    ) -> Result<T, LogError> {
        if self.is_stale {
            // What was decided and not written may be remembered; only the log knows what holds.
            self.log.rewind();
            self.state = State::new(self.episodes);
        }
        self.is_stale = true;
        let Self { log, mode, state, .. } = self;
        log.lock(&mut |line| line.apply(*mode, state))?;
        let now = self.clock.now();
        state.age(now);
        let mut transaction = Transaction { state, now, next: log.head().seq + 1, events: Vec::new() };
        let result = decide(&mut transaction);
        let events = transaction.events;
        let appended = log.append(clock::machine_time(), *mode, &events);
        log.unlock();
        appended?;
        (self.is_stale, self.written) = (false, events);
        Ok(result)
    }

    /// Plans what a person requested; nothing is done yet. What others left behind is closed first, and returned. The
    /// inner error says why nothing may begin just now; `is_forced` passes over that.
    pub(crate) fn plan_by_hand(
        &mut self,
        kind: OperationKind,
        reason: &str,
        by: String,
        is_forced: bool,
        policy: &RollbackPolicy,
    ) -> Result<Result<(Operation, Vec<OperationId>), String>, LogError> {
        let actions = match kind {
            OperationKind::Recovery => policy.recovery.actions.clone(),
            _ => policy.auto.actions.clone(),
        };
        let (kind, by) = (kind.into(), Some(by));
        let plan = Plan { kind, reason: reason.to_owned(), alerts: Vec::new(), actions, by };
        let id = self.transact(|transaction| {
            let left = transaction.settle(false);
            let must_wait = !is_forced && plan.kind != OperationKind::Recovery.into();
            match hindrance(transaction.state, policy, transaction.now).filter(|_| must_wait) {
                Some(hindrance) => Err(hindrance),
                None => Ok((transaction.push(Event::Planned(plan)), left)),
            }
        })?;
        Ok(id.and_then(|(id, left)| {
            let operation = self.state.operation(id).cloned();
            operation.map(|operation| (operation, left)).ok_or_else(|| "the log does not know it".to_owned())
        }))
    }

    /// After something could not be written: remembers what the log has, and nothing else.
    pub(crate) fn refresh(&mut self) -> Result<(), LogError> {
        if self.is_stale { self.transact(|_| ()) } else { Ok(()) }
    }

    /// Forgets episodes that were not reported for so long.
    pub(crate) fn forget(&mut self, remember: Duration) {
        self.state.episodes.forget(self.clock.now(), remember);
    }

    /// From now on at most so many episodes are remembered.
    pub(crate) fn limit(&mut self, episodes: usize) {
        if self.episodes != episodes {
            self.episodes = episodes;
            self.state.episodes.limit(episodes);
        }
    }
}

/// The journal of a command, which one thread writes.
impl EventLog for RefCell<Journal> {
    fn append(&self, event: Event) -> Result<(), Refusal> {
        let appended = self.borrow_mut().transact(|transaction| transaction.push(event));
        appended.map(drop).map_err(|error| Refusal::Log(causes(&error)))
    }
}

fn folder_of(log: &Path) -> &Path {
    match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The right to carry actions out, for which others may have to be waited.
pub(crate) fn acting(log: &Path, wait: Duration) -> Result<FolderLock, LockError> {
    FolderLock::acquire_private(folder_of(log), ACTING, wait)
}

/// The right to answer alerts with this log.
pub(crate) fn serving(log: &Path) -> Result<FolderLock, LockError> {
    FolderLock::acquire_private(folder_of(log), SERVING, Duration::ZERO)
}
