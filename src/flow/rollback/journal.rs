//! The log and what is remembered of it, together: events go to both, or to neither.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::rollback::alert::{AlertKey, Hook};
use crate::core::rollback::decide::{Decided, Decision, Draft};
use crate::core::rollback::state::{Plan, PlanAlert, PlanId, PlanKind, PlanOutcome, Progress, State};
use crate::io::audit_log::{AuditLog, AuditLogError, Entry, Head};
use crate::io::clock;
use crate::io::lock::{FolderLock, LockError};
use crate::wire::rollback::answer::DecisionAnswer;
use crate::wire::rollback::hook::shown;
use crate::wire::rollback::log::{
    ActionRecord, AlertRecord, HookRecord, LogEvent, LogLine, Mode, PlanAlertRecord, PlanRecord, time,
};

/// Held by whoever carries actions out, so that nobody takes what is under way for what was cut short.
const ACTING: &str = ".soak-rollback-acting.lock";
/// Held by the server: two on one log would both answer the same alerts. One server a folder, because whoever acts
/// holds the lock above for all the logs in it.
const SERVING: &str = ".soak-rollback-serving.lock";
/// Decisions that are kept for those who ask.
const DECISIONS: usize = 50;

/// What is remembered.
#[derive(Debug)]
pub struct Memory {
    /// Whether soak acts; what happened in the other mode is not remembered.
    pub mode: Mode,
    /// The state that decisions need.
    pub state: State,
    /// The last decisions, newest first.
    pub decisions: VecDeque<DecisionAnswer>,
}

impl Memory {
    /// Nothing yet; at most so many episodes will be remembered.
    pub fn new(mode: Mode, episodes: usize) -> Self {
        let mut state = State::default();
        state.limit(episodes);
        Self { mode, state, decisions: VecDeque::new() }
    }

    /// Takes in a line of the log.
    pub fn hear(&mut self, line: &LogLine) {
        if line.mode == self.mode {
            self.tell(&line.event, line.seq, line.time());
        }
    }

    fn tell(&mut self, event: &LogEvent, seq: u64, at: DateTime<Utc>) {
        event.tell(&mut self.state, seq, at);
        let LogEvent::Hook(record) = event else { return };
        for alert in &record.alerts {
            self.decisions.push_front(DecisionAnswer {
                at: time(at),
                alert: alert.alert.clone(),
                decision: alert.decision.clone(),
                reason: alert.reason.clone(),
            });
        }
        self.decisions.truncate(DECISIONS);
    }
}

/// Writes events and remembers them as it does.
#[derive(Debug)]
pub struct Writing<'m> {
    memory: &'m mut Memory,
    now: DateTime<Utc>,
    next: u64,
    entries: Vec<Entry>,
}

impl Writing<'_> {
    /// What is remembered, with everything that was pushed so far.
    pub fn state(&self) -> &State {
        &self.memory.state
    }

    /// The time of what is written.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Writes an event; gives the number of its line.
    pub fn push(&mut self, event: LogEvent) -> u64 {
        let seq = self.next;
        self.next += 1;
        self.memory.tell(&event, seq, self.now);
        self.entries.push(Entry { at: self.now, mode: self.memory.mode, event });
        seq
    }

    /// Writes what is to be done; gives its number.
    pub fn plan(&mut self, draft: &Draft, by: Option<String>) -> PlanId {
        let record = PlanRecord {
            kind: draft.kind.word().to_owned(),
            reason: draft.reason.clone(),
            alerts: draft.alerts.iter().map(PlanAlertRecord::of).collect(),
            actions: draft.actions.iter().map(ActionRecord::of).collect(),
            by,
        };
        PlanId(self.push(LogEvent::Planned(record)))
    }

    /// Writes that an undertaking goes on.
    pub fn resume(&mut self, id: PlanId, alerts: &[PlanAlert]) {
        let alerts = alerts.iter().map(PlanAlertRecord::of).collect();
        self.push(LogEvent::Resumed { plan: id.0, alerts });
    }

    /// Writes down a delivery and what was decided about it; gives what is to be carried out.
    pub fn hook(&mut self, hook: &Hook, decided: &Decided) -> Vec<PlanId> {
        self.push(LogEvent::Hook(record(hook, &decided.decisions)));
        let mut work = Vec::new();
        for (id, alerts) in &decided.resume {
            self.resume(*id, alerts);
            work.push(*id);
        }
        for draft in [&decided.rollback, &decided.notification].into_iter().flatten() {
            work.push(self.plan(draft, None));
        }
        work
    }

    /// Closes what a process that is gone has left behind. Nobody may be acting meanwhile.
    pub fn settle(&mut self, is_server: bool) -> Vec<PlanId> {
        let left: Vec<(Plan, Vec<Progress>)> = self
            .state()
            .undertakings()
            .filter(|u| u.outcome.is_none() && (is_server || u.plan.kind != PlanKind::Notification))
            .map(|u| (u.plan.clone(), u.progress.clone()))
            .collect();
        for (plan, progress) in &left {
            for (index, action) in plan.actions.iter().enumerate() {
                if progress.get(index) == Some(&Progress::Started) {
                    self.push(LogEvent::UnknownOutcome { plan: plan.id.0, index, action: action.words() });
                }
            }
            let is_open = |p: &Progress| matches!(p, Progress::NotStarted | Progress::Started);
            let outcome = if progress.iter().any(is_open) {
                PlanOutcome::Interrupted
            } else {
                PlanOutcome::of(&plan.actions, progress)
            };
            self.push(LogEvent::Closed { plan: plan.id.0, outcome: outcome.word().to_owned() });
        }
        left.into_iter().map(|(plan, _)| plan.id).collect()
    }
}

fn record(hook: &Hook, decisions: &[(AlertKey, Decision)]) -> HookRecord {
    let alerts = hook.alerts.iter().zip(decisions).map(|(alert, (key, decision))| AlertRecord {
        key: key.as_str().to_owned(),
        alert: shown(alert.name()),
        fingerprint: alert.fingerprint.as_deref().map(shown),
        starts_at: alert.starts_at.as_deref().map(shown),
        decision: decision.word().to_owned(),
        reason: shown_reason(decision),
    });
    HookRecord {
        group_key: hook.group_key.chars().take(1000).collect(),
        receiver: shown(&hook.receiver),
        truncated_alerts: hook.truncated,
        alerts: alerts.collect(),
    }
}

/// A reason may hold the value of a label.
fn shown_reason(decision: &Decision) -> String {
    decision.reason().chars().take(300).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The log and the memory of it.
#[derive(Debug)]
pub struct Journal {
    log: AuditLog,
    memory: Memory,
    /// Most episodes that are remembered.
    episodes: usize,
    is_stale: bool,
}

impl Journal {
    /// Opens the log and remembers everything in it, of episodes at most so many.
    pub fn open(path: &Path, mode: Mode, episodes: usize) -> Result<Self, AuditLogError> {
        let log = AuditLog::open(path)?;
        let mut journal = Self { log, memory: Memory::new(mode, episodes), episodes, is_stale: false };
        journal.transact(|_| ())?;
        Ok(journal)
    }

    /// What is remembered.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The end of the log.
    pub fn head(&self) -> &Head {
        self.log.head()
    }

    /// Lets `decide` write; everything is on the disk when this returns, or nothing is.
    pub fn transact<T>(&mut self, decide: impl FnOnce(&mut Writing<'_>) -> T) -> Result<T, AuditLogError> {
        if self.is_stale {
            // What was decided and not written may be remembered; the log alone knows what holds.
            self.log.rewind();
            self.memory = Memory::new(self.memory.mode, self.episodes);
        }
        self.is_stale = true;
        let result = self.log.transact(&mut self.memory, Memory::hear, |memory, next| {
            let now = clock::machine_time();
            memory.state.age(now);
            let mut writing = Writing { memory, now, next, entries: Vec::new() };
            let result = decide(&mut writing);
            (writing.entries, result)
        })?;
        self.is_stale = false;
        Ok(result)
    }

    /// After something could not be written: remembers what the log has, and nothing else.
    pub fn refresh(&mut self) -> Result<(), AuditLogError> {
        if self.is_stale { self.transact(|_| ()) } else { Ok(()) }
    }

    /// Forgets episodes that were not heard of for so long.
    pub fn forget(&mut self, remember: Duration) {
        self.memory.state.forget(clock::machine_time(), remember);
    }

    /// From now on at most so many episodes are remembered.
    pub fn limit(&mut self, episodes: usize) {
        if self.episodes != episodes {
            self.episodes = episodes;
            self.memory.state.limit(episodes);
        }
    }
}

fn folder_of(log: &Path) -> &Path {
    match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The right to carry actions out, for which others may have to be waited.
pub fn acting(log: &Path, wait: Duration) -> Result<FolderLock, LockError> {
    FolderLock::acquire_file(folder_of(log), ACTING, wait)
}

/// The right to answer alerts with this log.
pub fn serving(log: &Path) -> Result<FolderLock, LockError> {
    FolderLock::acquire_file(folder_of(log), SERVING, Duration::ZERO)
}
