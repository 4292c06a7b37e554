//! What is remembered: which episodes were dealt with, how far each undertaking has come, when the last rollback
//! was. It is told what happened, in the order of the log, and holds no more than later decisions need.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::action::{Action, ActionKind};
use super::alert::AlertKey;
use super::episodes::{Consequences, Episodes, Handled};
pub use super::outcome::{PlanOutcome, Progress};

/// Undertakings that are kept for those who ask, besides those that are not over.
const KEPT: usize = 50;
/// The span in which actions are counted.
const DAY: TimeDelta = TimeDelta::hours(24);

/// The number of an undertaking: that of its line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId(pub u64);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// What an undertaking is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanKind {
    /// A hard gate's rollback.
    Rollback,
    /// A rollback that a person asked for.
    Manual,
    /// The way back, which a person asked for.
    Recovery,
    /// People are told, and nothing else is done.
    Notification,
}

impl PlanKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rollback, Self::Manual, Self::Recovery, Self::Notification];

    /// The word in log and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Manual => "manual",
            Self::Recovery => "recovery",
            Self::Notification => "notification",
        }
    }

    /// Whether it stops trading.
    pub fn is_rollback(self) -> bool {
        matches!(self, Self::Rollback | Self::Manual)
    }
}

/// An alert behind an undertaking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanAlert {
    /// Its episode.
    pub key: AlertKey,
    /// Its name.
    pub name: String,
    /// The fingerprint of its labels. `None` when the sender gave none.
    pub fingerprint: Option<String>,
}

/// What was decided to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its number.
    pub id: PlanId,
    /// What it is for.
    pub kind: PlanKind,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Why, in words.
    pub reason: String,
    /// The alerts behind it; none where a person asked.
    pub alerts: Vec<PlanAlert>,
    /// What is done, in this order.
    pub actions: Vec<Action>,
}

impl Plan {
    /// Name of the first alert; empty where a person asked.
    pub fn alert(&self) -> &str {
        self.alerts.first().map_or("", |alert| alert.name.as_str())
    }
}

/// A plan, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Undertaking {
    /// What was decided.
    pub plan: Plan,
    /// How far each action has come.
    pub progress: Vec<Progress>,
    /// How it ended. `None` = it goes on.
    pub outcome: Option<PlanOutcome>,
    /// Whether what must be true afterwards is. `None` = not known (yet).
    pub verified: Option<bool>,
    /// How often it went on after it had ended.
    pub resumptions: u32,
}

impl Undertaking {
    /// Actions that certainly had no effect yet, of one that may go on after a repetition.
    pub fn remaining(&self) -> Vec<usize> {
        let may_go_on = matches!(self.outcome, Some(PlanOutcome::NothingDone | PlanOutcome::Interrupted));
        let open = self.progress.iter().enumerate().filter(|(_, progress)| progress.is_without_effect());
        if may_go_on { open.map(|(index, _)| index).collect() } else { Vec::new() }
    }

    /// Actions of which nobody knows what became of them.
    pub fn unknown(&self) -> impl Iterator<Item = &Action> {
        let both = self.plan.actions.iter().zip(&self.progress);
        both.filter(|(_, progress)| **progress == Progress::Unknown).map(|(action, _)| action)
    }
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    undertakings: BTreeMap<PlanId, Undertaking>,
    episodes: Episodes,
    consequences: Consequences,
    rollbacks: VecDeque<(PlanId, DateTime<Utc>)>,
    actions: VecDeque<(PlanId, usize, DateTime<Utc>)>,
}

impl State {
    /// A plan was decided.
    pub fn planned(&mut self, plan: Plan) {
        self.attach(plan.id, plan.kind, &plan.alerts, plan.at);
        if plan.kind.is_rollback() {
            self.rollbacks.push_back((plan.id, plan.at));
            while self.rollbacks.len() > KEPT {
                self.rollbacks.pop_front();
            }
        }
        let progress = vec![Progress::NotStarted; plan.actions.len()];
        let undertaking = Undertaking { plan, progress, outcome: None, verified: None, resumptions: 0 };
        self.undertakings.insert(undertaking.plan.id, undertaking);
        self.prune();
    }

    /// A plan goes on, with further alerts behind it.
    pub fn resumed(&mut self, id: PlanId, alerts: &[PlanAlert], at: DateTime<Utc>) {
        let Some(undertaking) = self.undertakings.get_mut(&id) else { return };
        for index in undertaking.remaining() {
            undertaking.progress[index] = Progress::NotStarted;
        }
        undertaking.outcome = None;
        undertaking.resumptions += 1;
        let kind = undertaking.plan.kind;
        self.attach(id, kind, alerts, at);
        if kind.is_rollback() && !self.rollbacks.iter().any(|(known, _)| *known == id) {
            self.rollbacks.push_back((id, at));
        }
    }

    fn attach(&mut self, plan: PlanId, kind: PlanKind, alerts: &[PlanAlert], at: DateTime<Utc>) {
        for alert in alerts {
            self.episodes.handle(alert.key.clone(), plan, kind.is_rollback(), at);
        }
    }

    /// An action is about to be begun.
    pub fn started(&mut self, id: PlanId, index: usize, at: DateTime<Utc>) {
        let Some(undertaking) = self.undertakings.get_mut(&id) else { return };
        let Some(progress) = undertaking.progress.get_mut(index) else { return };
        *progress = Progress::Started;
        let counts = undertaking.plan.kind == PlanKind::Rollback
            && undertaking.plan.actions[index].kind != ActionKind::Notify;
        if counts {
            self.actions.push_back((id, index, at));
        }
    }

    /// An action has ended.
    pub fn ended(&mut self, id: PlanId, index: usize, result: Progress) {
        if let Some(undertaking) = self.undertakings.get_mut(&id)
            && let Some(progress) = undertaking.progress.get_mut(index)
        {
            *progress = result;
            let plan = &undertaking.plan;
            if plan.kind.is_rollback() && result.may_have_an_effect() {
                for name in &plan.actions[index].causes {
                    self.consequences.expect(name, id, &plan.alerts);
                }
            }
        }
        if result == (Progress::Failed { nothing_done: true }) {
            self.actions.retain(|(plan, of, _)| (*plan, *of) != (id, index));
        }
    }

    /// An undertaking has ended.
    pub fn closed(&mut self, id: PlanId, outcome: PlanOutcome) {
        if let Some(undertaking) = self.undertakings.get_mut(&id) {
            undertaking.outcome = Some(outcome);
            let both = undertaking.plan.actions.iter().zip(&undertaking.progress);
            let mut acts = both.filter(|(action, _)| action.kind != ActionKind::Notify);
            if undertaking.plan.kind == PlanKind::Recovery && acts.any(|(_, made)| made.may_have_an_effect())
            {
                self.consequences.end();
            }
        }
        if outcome == PlanOutcome::NothingDone {
            // A rollback that did nothing starts no cool-down.
            self.rollbacks.retain(|(plan, _)| *plan != id);
        }
        self.prune();
    }

    /// What must be true afterwards was looked at.
    pub fn verified(&mut self, id: PlanId, is_so: bool) {
        if let Some(undertaking) = self.undertakings.get_mut(&id) {
            undertaking.verified = Some(is_so);
        }
    }

    /// An episode was heard of again.
    pub fn seen(&mut self, key: &AlertKey, at: DateTime<Utc>) {
        self.episodes.seen(key, at);
    }

    /// An episode was told that a rollback itself brought about: it belongs to that rollback.
    pub fn brought_about(
        &mut self,
        name: &str,
        fingerprint: Option<&str>,
        key: &AlertKey,
        at: DateTime<Utc>,
    ) {
        if let Some(plan) = self.consequences.told(name, fingerprint, key) {
            self.episodes.handle(key.clone(), plan, true, at);
        }
    }

    /// An episode is over.
    pub fn over(&mut self, name: &str, key: &AlertKey) {
        self.episodes.over(key);
        self.consequences.over(name, key);
    }

    /// Forgets episodes that were not heard of for so long.
    pub fn forget(&mut self, now: DateTime<Utc>, remember: Duration) {
        self.episodes.forget(now, remember);
    }

    /// From now on at most so many episodes are remembered.
    pub fn limit(&mut self, most: usize) {
        self.episodes.limit(most);
    }

    fn prune(&mut self) {
        let over =
            |u: &Undertaking| u.outcome.is_some() && u.remaining().is_empty() && u.unknown().next().is_none();
        let surplus = self.undertakings.len().saturating_sub(KEPT);
        let old: Vec<PlanId> =
            self.undertakings.iter().filter(|(_, u)| over(u)).map(|(id, _)| *id).take(surplus).collect();
        for id in old {
            self.undertakings.remove(&id);
        }
        // What is not over is bounded too, if by a higher number: the oldest goes, whatever it is.
        while self.undertakings.len() > 4 * KEPT {
            self.undertakings.pop_first();
        }
    }

    /// What became of an episode. `None` = it was not dealt with.
    pub fn handled(&self, key: &AlertKey) -> Option<&Handled> {
        self.episodes.get(key)
    }

    /// Episodes that are remembered.
    pub fn episodes(&self) -> &Episodes {
        &self.episodes
    }

    /// What rollbacks have brought about.
    pub fn consequences(&self) -> &Consequences {
        &self.consequences
    }

    /// An undertaking.
    pub fn undertaking(&self, id: PlanId) -> Option<&Undertaking> {
        self.undertakings.get(&id)
    }

    /// The undertakings that are kept, oldest first.
    pub fn undertakings(&self) -> impl DoubleEndedIterator<Item = &Undertaking> {
        self.undertakings.values()
    }

    /// Whether a person has taken the way back since: what had to be true after the rollback need not be any more.
    pub fn is_overtaken(&self, id: PlanId) -> bool {
        let since = self.undertakings.range(id..).map(|(_, undertaking)| undertaking);
        since.filter(|u| u.plan.kind == PlanKind::Recovery).any(|recovery| {
            let both = recovery.plan.actions.iter().zip(&recovery.progress);
            both.into_iter()
                .any(|(action, made)| action.kind != ActionKind::Notify && made.may_have_an_effect())
        })
    }

    /// Alerts that were rolled back for and were not told to be over: while they fire they lead to no other rollback.
    pub fn still_firing(&self) -> BTreeMap<&str, PlanId> {
        let rollbacks = self.undertakings.values().filter(|u| u.plan.kind == PlanKind::Rollback);
        let alerts = rollbacks.flat_map(|u| u.plan.alerts.iter().map(|alert| (alert, u.plan.id)));
        let open = alerts.filter(|(alert, _)| {
            self.episodes.get(&alert.key).is_some_and(|handled| handled.is_rollback && !handled.is_over)
        });
        open.map(|(alert, id)| (alert.name.as_str(), id)).collect()
    }

    /// The last rollback that may have done something.
    pub fn last_rollback(&self) -> Option<(PlanId, DateTime<Utc>)> {
        self.rollbacks.back().copied()
    }

    /// Until when no further rollback may begin. `None` = one may. A clock that was put back does not end it.
    pub fn cooling_until(&self, now: DateTime<Utc>, cooldown: Duration) -> Option<DateTime<Utc>> {
        let (_, at) = self.last_rollback()?;
        let until = at.checked_add_signed(TimeDelta::from_std(cooldown).ok()?)?;
        (now < until).then_some(until)
    }

    /// Actions of automatic rollbacks in the last 24 hours, notifications not counted.
    pub fn actions_of_the_day(&self, now: DateTime<Utc>) -> usize {
        self.actions.iter().filter(|(_, _, at)| now.signed_duration_since(at) < DAY).count()
    }

    /// Drops what is too old to count. What would lie in the future, because the clock was put back, counts from now on:
    /// a cool-down lasts no longer than it should, whatever the clock said when it began.
    pub fn age(&mut self, now: DateTime<Utc>) {
        let times = self.rollbacks.iter_mut().map(|(_, at)| at);
        for at in times.chain(self.actions.iter_mut().map(|(_, _, at)| at)) {
            *at = now.min(*at);
        }
        while self.actions.front().is_some_and(|(_, _, at)| now.signed_duration_since(at) >= DAY) {
            self.actions.pop_front();
        }
    }
}
