//! The thread that owns the log: decides about what waits together, writes it down with one sync, answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Ask, Common, Following, Reply, Running, Status};
use crate::core::rollback::decide::{Decided, Decision, decide};
use crate::core::rollback::episodes::Forgotten;
use crate::core::rollback::policy::RollbackPolicy;
use crate::core::rollback::state::{PlanId, PlanKind, PlanOutcome, Progress, State};
use crate::flow::rollback::act::{CLOSED_ELSEWHERE, OVERTAKEN};
use crate::flow::rollback::journal::{Journal, Writing};
use crate::flow::rollback::manual::causes;
use crate::flow::rollback::worker::Job;
use crate::io::clock::{self, Stopwatch};
use crate::wire::rollback::answer::{AlertAnswer, ConsequenceAnswer, LogHead};
use crate::wire::rollback::hook::shown;
use crate::wire::rollback::log::LogEvent;

/// What is decided together at most.
const TOGETHER: usize = 512;
/// How often what is old is forgotten.
const FORGETTING: Duration = Duration::from_secs(60);

/// The thread's own.
pub(super) struct Mind {
    pub(super) journal: Journal,
    pub(super) common: Arc<Common>,
    pub(super) rollbacks: SyncSender<Job>,
    pub(super) notifications: SyncSender<Job>,
    pub(super) running: BTreeMap<PlanId, (PlanKind, watch::Receiver<Running>)>,
    /// Undertakings for which no worker had room.
    pub(super) unqueued: Vec<(PlanId, watch::Sender<Running>)>,
}

/// What was decided about one question.
enum Made {
    Hook(Box<Decided>, Vec<PlanId>),
    Recorded(Result<(), String>),
    Nothing,
}

impl Mind {
    pub(super) fn run(mut self, asked: &Receiver<Ask>) {
        let mut forgotten = Stopwatch::start();
        loop {
            let first = match asked.recv_timeout(FORGETTING) {
                Ok(ask) => Some(ask),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if forgotten.elapsed() >= FORGETTING {
                self.journal.forget(self.common.policy().auto.remember);
                forgotten = Stopwatch::start();
            }
            let Some(first) = first else { continue };
            let mut asks = vec![first];
            while asks.len() < TOGETHER
                && let Ok(more) = asked.try_recv()
            {
                asks.push(more);
            }
            self.answer(asks);
        }
    }

    fn answer(&mut self, asks: Vec<Ask>) {
        let policy = self.common.policy();
        self.journal.limit(policy.auto.remember_alerts);
        let (statuses, asks): (Vec<Ask>, Vec<Ask>) =
            asks.into_iter().partition(|ask| matches!(ask, Ask::Status { .. }));
        if !asks.is_empty() {
            let before = self.journal.memory().state.episodes().forgotten();
            let watch = Stopwatch::start();
            let made = self.journal.transact(|writing| {
                asks.iter().map(|ask| make(ask, writing, &policy)).collect::<Vec<Made>>()
            });
            let took = watch.elapsed().as_secs_f64();
            match made {
                Ok(made) => {
                    self.common.count(|counters| {
                        counters.commits[0] += 1;
                        counters.commits[1] += asks.len() as u64;
                        counters.commit_seconds += took;
                    });
                    for (ask, made) in asks.into_iter().zip(made) {
                        self.reply(ask, made);
                    }
                    self.close_unqueued();
                    self.tell_forgotten(before, policy.auto.remember_alerts);
                }
                Err(error) => self.refuse(asks, &causes(&error)),
            }
        }
        if !statuses.is_empty()
            && let Err(error) = self.journal.refresh()
        {
            tracing::error!(problem = causes(&error), "the audit log cannot be read");
        }
        for ask in statuses {
            if let Ask::Status { reply } = ask {
                // Whoever asked may be gone.
                drop(reply.send(self.status(&policy)));
            }
        }
        let state = &self.journal.memory().state;
        self.running.retain(|id, _| state.undertaking(*id).is_some_and(|u| u.outcome.is_none()));
    }

    /// Tells of episodes that had to be forgotten because there are too many.
    fn tell_forgotten(&self, before: Forgotten, most: usize) {
        let now = self.journal.memory().state.episodes().forgotten();
        let (over, open) = (now.over.saturating_sub(before.over), now.open.saturating_sub(before.open));
        if over + open == 0 {
            return;
        }
        self.common.count(|counters| {
            counters.forgotten[0] += over;
            counters.forgotten[1] += open;
        });
        if open == 0 {
            tracing::warn!(over, most, "episodes that are over were forgotten: `remember_alerts` is reached");
        } else {
            tracing::error!(
                over,
                open,
                most,
                "episodes that still fire were forgotten, and count as new when they are told again: \
                 `remember_alerts` is too low, or somebody sends alerts that are none"
            );
        }
    }

    fn refuse(&mut self, asks: Vec<Ask>, problem: &str) {
        tracing::error!(problem, "the audit log could not be written; nothing was decided");
        self.common.count(|counters| counters.log_errors += 1);
        for ask in asks {
            match ask {
                Ask::Hook { reply, .. } => drop(reply.send(Err(problem.to_owned()))),
                Ask::Record { reply, .. } => drop(reply.send(Err(problem.to_owned()))),
                Ask::Status { .. } => {}
            }
        }
    }

    fn reply(&mut self, ask: Ask, made: Made) {
        match (ask, made) {
            (Ask::Hook { hook, room: _room, reply }, Made::Hook(decided, work)) => {
                let mut following = Vec::new();
                for id in &work {
                    following.extend(self.queue(*id));
                }
                for (_, decision) in &decided.decisions {
                    if let Decision::Repeated(id) = decision
                        && let Some((kind, running)) = self.running.get(id)
                        && !following.iter().any(|known| known.id == *id)
                    {
                        following.push(Following { id: *id, kind: *kind, running: running.clone() });
                    }
                }
                self.common.count(|counters| {
                    counters.truncated += u64::from(hook.truncated > 0);
                    for (_, decision) in &decided.decisions {
                        *counters.decisions.entry(decision.word()).or_default() += 1;
                    }
                });
                let responses =
                    hook.alerts.iter().zip(&decided.decisions).map(|(alert, (_, decision))| AlertAnswer {
                        alert: shown(alert.name()),
                        decision: decision.word().to_owned(),
                        reason: decision.reason(),
                    });
                drop(reply.send(Ok(Reply { responses: responses.collect(), following })));
            }
            (Ask::Record { reply, .. }, Made::Recorded(result)) => drop(reply.send(result)),
            _ => {}
        }
    }

    /// Hands an undertaking to its worker.
    fn queue(&mut self, id: PlanId) -> Option<Following> {
        let undertaking = self.journal.memory().state.undertaking(id)?.clone();
        let kind = undertaking.plan.kind;
        let (sender, running) = watch::channel(Running::default());
        self.running.insert(id, (kind, running.clone()));
        let to = if kind == PlanKind::Notification { &self.notifications } else { &self.rollbacks };
        match to.try_send(Job::CarryOut { undertaking: Box::new(undertaking), running: sender }) {
            Ok(()) => {}
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                if let Job::CarryOut { running, .. } = job {
                    self.unqueued.push((id, running));
                }
            }
        }
        Some(Following { id, kind, running })
    }

    /// Nothing was done of what no worker had room for: it may be told again.
    fn close_unqueued(&mut self) {
        if self.unqueued.is_empty() {
            return;
        }
        let unqueued = std::mem::take(&mut self.unqueued);
        let outcome = PlanOutcome::NothingDone;
        let written = self.journal.transact(|writing| {
            for (id, _) in &unqueued {
                writing.push(LogEvent::Closed { plan: id.0, outcome: outcome.word().to_owned() });
            }
        });
        if let Err(error) = written {
            tracing::error!(problem = causes(&error), "the audit log could not be written");
        }
        for (_, running) in unqueued {
            running.send_modify(|running| running.outcome = Some(outcome));
        }
    }

    fn status(&self, policy: &RollbackPolicy) -> Status {
        let memory = self.journal.memory();
        let now = clock::machine_time();
        let state = &memory.state;
        let settled = state
            .undertakings()
            .filter(|u| matches!(u.plan.kind, PlanKind::Manual | PlanKind::Recovery))
            .filter(|u| u.outcome == Some(PlanOutcome::Done))
            .map(|u| u.plan.id)
            .max();
        let unsettled = state.undertakings().filter(|u| settled.is_none_or(|settled| u.plan.id > settled));
        let unknown = unsettled.flat_map(|u| u.unknown().map(|action| (u.plan.id, action.words()))).collect();
        let head = self.journal.head();
        Status {
            cooling_until: state.cooling_until(now, policy.auto.cooldown),
            last_rollback: state.last_rollback().map(|(_, at)| at),
            actions_of_the_day: state.actions_of_the_day(now),
            episodes: state.episodes().len(),
            consequences: consequences(state),
            undertakings: state.undertakings().rev().take(20).cloned().collect(),
            unknown,
            decisions: memory.decisions.iter().cloned().collect(),
            head: LogHead { seq: head.seq, hash: head.hash.clone() },
        }
    }
}

fn consequences(state: &State) -> Vec<ConsequenceAnswer> {
    let open = state.consequences().open();
    let told = open.map(|(alert, of, firing)| ConsequenceAnswer {
        alert: alert.to_owned(),
        of: of.to_string(),
        firing,
    });
    told.collect()
}

fn make(ask: &Ask, writing: &mut Writing<'_>, policy: &RollbackPolicy) -> Made {
    match ask {
        Ask::Hook { hook, .. } => {
            let decided = decide(hook, writing.state(), policy, writing.now());
            let work = writing.hook(hook, &decided);
            Made::Hook(Box::new(decided), work)
        }
        Ask::Record { event, .. } => Made::Recorded(recorded(event, writing)),
        Ask::Status { .. } => Made::Nothing,
    }
}

/// Writes an event; the beginning of an action only while its undertaking is open and nobody else has begun it, and that
/// a verification failed only as long as nobody has taken the way back.
fn recorded(event: &LogEvent, writing: &mut Writing<'_>) -> Result<(), String> {
    if let LogEvent::ActionStarted { plan, index, .. } = event {
        let undertaking = writing.state().undertaking(PlanId(*plan));
        let is_open = undertaking
            .is_some_and(|u| u.outcome.is_none() && u.progress.get(*index) == Some(&Progress::NotStarted));
        if !is_open {
            return Err(CLOSED_ELSEWHERE.to_owned());
        }
    }
    if let LogEvent::Verified(record) = event
        && !record.verified
        && writing.state().is_overtaken(PlanId(record.plan))
    {
        return Err(OVERTAKEN.to_owned());
    }
    writing.push(event.clone());
    Ok(())
}
