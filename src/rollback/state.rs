//! The state of the rollback: which episodes were dealt with, how far each operation has come, when the last rollback
//! was. It is a fold over the events of the log, and holds no more than later decisions need.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::action::{Action, ActionKind, Progress};
use super::alert::{Alert, AlertKey};
use super::event::{
    DecisionKind, DeliveredAlert, Event, OperationId, OperationKind, Outcome, Plan, PlanAlert, Word,
};

/// Operations that are kept for requests, besides those that are not over.
const KEPT: usize = 50;
/// Decisions that are kept for requests.
const DECISIONS: usize = 50;
/// The span in which actions are counted.
const DAY: TimeDelta = TimeDelta::hours(24);

/// A plan, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operation {
    pub id: OperationId,
    pub kind: OperationKind,
    /// When it was decided.
    pub at: DateTime<Utc>,
    pub reason: String,
    /// The alerts behind it; none where a person requested it.
    pub alerts: Vec<PlanAlert>,
    /// What is done, in this order.
    pub actions: Vec<Action>,
    /// How far each action has come.
    pub progress: Vec<Progress>,
    /// How it ended. `None` = it is under way.
    pub outcome: Option<Outcome>,
    /// Whether what must be true afterwards is. `None` = not known (yet).
    pub verified: Option<bool>,
    /// How often it continued after it had ended.
    pub resumptions: u32,
}

impl Operation {
    /// `None` = a plan of a later version, with kinds that this one does not know.
    pub(super) fn new(id: OperationId, at: DateTime<Utc>, plan: &Plan) -> Option<Self> {
        let kind = plan.kind.known()?;
        if plan.actions.iter().any(|action| action.kind == ActionKind::Unknown) {
            return None;
        }
        Some(Self {
            id,
            kind,
            at,
            reason: plan.reason.clone(),
            alerts: plan.alerts.clone(),
            actions: plan.actions.clone(),
            progress: vec![Progress::NotStarted; plan.actions.len()],
            outcome: None,
            verified: None,
            resumptions: 0,
        })
    }

    /// Name of the first alert; empty where a person requested it.
    pub(super) fn alert(&self) -> &str {
        self.alerts.first().map_or("", |alert| alert.name.as_str())
    }

    /// Actions that certainly had no effect yet, of one that may continue after a repetition.
    pub(super) fn remaining(&self) -> Vec<usize> {
        let may_continue = matches!(self.outcome, Some(Outcome::NothingDone | Outcome::Interrupted));
        let open = self.progress.iter().enumerate().filter(|(_, progress)| progress.is_without_effect());
        if may_continue { open.map(|(index, _)| index).collect() } else { Vec::new() }
    }

    /// Actions of which nobody knows what became of them.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &Action> {
        let both = self.actions.iter().zip(&self.progress);
        both.filter(|(_, progress)| **progress == Progress::Unknown).map(|(action, _)| action)
    }

    /// Whether it changed the trading system, or may have.
    fn may_have_acted(&self) -> bool {
        let both = self.actions.iter().zip(&self.progress);
        both.into_iter().any(|(action, progress)| action.acts() && progress.may_have_an_effect())
    }
}

/// A decision, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RecentDecision {
    /// When
    pub at: String,
    /// The alert
    pub alert: String,
    /// The decision
    #[schemars(with = "String")]
    pub decision: Word<DecisionKind>,
    /// Why
    pub reason: String,
}

/// Alerts of a notification that are remembered with it.
const NAMED: usize = 20;

/// A time as the log has it.
pub(super) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    operations: BTreeMap<OperationId, Operation>,
    pub(super) episodes: Episodes,
    pub(super) consequences: Consequences,
    /// The last decisions, newest first.
    pub(super) decisions: VecDeque<RecentDecision>,
    rollbacks: VecDeque<(OperationId, DateTime<Utc>)>,
    actions: VecDeque<(OperationId, usize, DateTime<Utc>)>,
}

impl State {
    /// Nothing yet; at most so many episodes will be remembered.
    pub(crate) fn new(episodes: usize) -> Self {
        let mut state = Self::default();
        state.episodes.limit(episodes);
        state
    }

    /// Takes an event in; `seq` is the number of its line. Nothing else changes what the log has written.
    pub(crate) fn apply(&mut self, seq: u64, at: DateTime<Utc>, event: &Event) {
        match event {
            Event::Hook(delivery) => {
                for alert in &delivery.alerts {
                    self.delivered(alert, &delivery.group_key, at);
                }
                self.decisions.truncate(DECISIONS);
            }
            Event::Planned(plan) => {
                if let Some(operation) = Operation::new(OperationId(seq), at, plan) {
                    self.planned(operation);
                }
            }
            Event::Resumed { plan, alerts } => self.resumed(*plan, alerts, at),
            Event::ActionStarted { plan, index, .. } => self.started(*plan, *index, at),
            Event::ActionEnded(result) => self.ended(result.plan, result.index, result.progress()),
            Event::UnknownOutcome { plan, index, .. } => self.ended(*plan, *index, Progress::Unknown),
            // What a later version calls otherwise is not tried again.
            Event::Closed { plan, outcome } => self.closed(*plan, outcome.known().unwrap_or(Outcome::Failed)),
            Event::Verified(result) => {
                if let Some(operation) = self.operations.get_mut(&result.plan) {
                    operation.verified = Some(result.verified);
                }
            }
            Event::Opened { .. }
            | Event::TornLine { .. }
            | Event::Escalated { .. }
            | Event::PolicyReloaded { .. } => {}
        }
    }

    fn delivered(&mut self, alert: &DeliveredAlert, group: &str, at: DateTime<Utc>) {
        let decision = alert.decision.known();
        let source = Alert::source(alert.fingerprint.as_deref(), group);
        match decision {
            Some(DecisionKind::Repeated | DecisionKind::Resumed | DecisionKind::Joined) => {
                self.episodes.repeated(source.as_ref(), &alert.key, at);
            }
            Some(DecisionKind::Consequence) => {
                let fingerprint = alert.fingerprint.as_deref();
                if let Some(rollback) = self.consequences.attach(&alert.alert, fingerprint, &alert.key) {
                    self.episodes.handle(alert.key.clone(), rollback, true, at);
                }
            }
            Some(DecisionKind::Resolved) => {
                self.episodes.resolved(source.as_ref(), &alert.key);
                self.consequences.over(&alert.alert, &alert.key);
            }
            _ => {}
        }
        let is_of_an_operation = matches!(
            decision,
            Some(
                DecisionKind::Rollback
                    | DecisionKind::Joined
                    | DecisionKind::Resumed
                    | DecisionKind::Repeated
                    | DecisionKind::Consequence
                    | DecisionKind::Notify
                    | DecisionKind::Disabled
                    | DecisionKind::CapReached
            )
        );
        if let Some(source) = source.filter(|_| is_of_an_operation) {
            self.episodes.current.insert(source, alert.key.clone());
        }
        self.decisions.push_front(RecentDecision {
            at: timestamp(at),
            alert: alert.alert.clone(),
            decision: alert.decision.clone(),
            reason: alert.reason.clone(),
        });
    }

    fn planned(&mut self, mut operation: Operation) {
        self.handle(&operation.alerts, operation.id, operation.kind, operation.at);
        if operation.kind == OperationKind::Notification {
            // Their episodes are known by now, and the reason names them.
            operation.alerts.truncate(NAMED);
        }
        if operation.kind.is_rollback() {
            self.rollbacks.push_back((operation.id, operation.at));
            while self.rollbacks.len() > KEPT {
                self.rollbacks.pop_front();
            }
        }
        self.operations.insert(operation.id, operation);
        self.prune();
    }

    fn resumed(&mut self, id: OperationId, alerts: &[PlanAlert], at: DateTime<Utc>) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        for index in operation.remaining() {
            operation.progress[index] = Progress::NotStarted;
        }
        operation.outcome = None;
        operation.resumptions += 1;
        let kind = operation.kind;
        self.handle(alerts, id, kind, at);
        if kind.is_rollback() && !self.rollbacks.iter().any(|(known, _)| *known == id) {
            self.rollbacks.push_back((id, at));
        }
    }

    fn handle(&mut self, alerts: &[PlanAlert], id: OperationId, kind: OperationKind, at: DateTime<Utc>) {
        for alert in alerts {
            self.episodes.handle(alert.key.clone(), id, kind.is_rollback(), at);
        }
    }

    fn started(&mut self, id: OperationId, index: usize, at: DateTime<Utc>) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let Some(progress) = operation.progress.get_mut(index) else { return };
        *progress = Progress::Started;
        if operation.kind == OperationKind::Rollback && operation.actions[index].acts() {
            self.actions.push_back((id, index, at));
        }
    }

    fn ended(&mut self, id: OperationId, index: usize, result: Progress) {
        if let Some(operation) = self.operations.get_mut(&id)
            && let Some(progress) = operation.progress.get_mut(index)
        {
            *progress = result;
            if operation.kind.is_rollback() && result.may_have_an_effect() {
                for name in &operation.actions[index].causes {
                    self.consequences.expect(name, id, &operation.alerts);
                }
            }
        }
        if result == (Progress::Failed { nothing_done: true }) {
            self.actions.retain(|(operation, of, _)| (*operation, *of) != (id, index));
        }
    }

    fn closed(&mut self, id: OperationId, outcome: Outcome) {
        if let Some(operation) = self.operations.get_mut(&id) {
            operation.outcome = Some(outcome);
            if operation.kind == OperationKind::Recovery && operation.may_have_acted() {
                self.consequences.end();
            }
        }
        if outcome == Outcome::NothingDone {
            // A rollback that did nothing starts no cool-down.
            self.rollbacks.retain(|(operation, _)| *operation != id);
        }
        self.prune();
    }

    fn prune(&mut self) {
        let over =
            |o: &Operation| o.outcome.is_some() && o.remaining().is_empty() && o.unknown().next().is_none();
        let surplus = self.operations.len().saturating_sub(KEPT);
        let old: Vec<OperationId> =
            self.operations.iter().filter(|(_, o)| over(o)).map(|(id, _)| *id).take(surplus).collect();
        for id in old {
            self.operations.remove(&id);
        }
        // What is not over is bounded too, if by a higher number: the oldest goes, whatever it is.
        while self.operations.len() > 4 * KEPT {
            self.operations.pop_first();
        }
    }

    pub(crate) fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.get(&id)
    }

    /// The operations that are kept, oldest first.
    pub(super) fn operations(&self) -> impl DoubleEndedIterator<Item = &Operation> {
        self.operations.values()
    }

    /// Whether a person has taken the way back since: what had to be true after the rollback need not be any more.
    pub(super) fn is_overtaken(&self, id: OperationId) -> bool {
        let since = self.operations.range(id..).map(|(_, operation)| operation);
        since.filter(|o| o.kind == OperationKind::Recovery).any(Operation::may_have_acted)
    }

    /// Alerts that were rolled back for and were not reported as over: while they fire they lead to no other rollback.
    pub(crate) fn still_firing(&self) -> BTreeMap<&str, OperationId> {
        let rollbacks = self.operations.values().filter(|o| o.kind == OperationKind::Rollback);
        let alerts = rollbacks.flat_map(|o| o.alerts.iter().map(|alert| (alert, o.id)));
        let open = alerts.filter(|(alert, _)| {
            self.episodes.get(&alert.key).is_some_and(|handled| handled.is_rollback && !handled.is_over)
        });
        open.map(|(alert, id)| (alert.name.as_str(), id)).collect()
    }

    /// The last rollback that may have done something.
    pub(super) fn last_rollback(&self) -> Option<(OperationId, DateTime<Utc>)> {
        self.rollbacks.back().copied()
    }

    /// Until when no further rollback may begin. `None` = one may. A clock that was put back does not end it.
    pub(super) fn cooling_until(&self, now: DateTime<Utc>, cooldown: Duration) -> Option<DateTime<Utc>> {
        let (_, at) = self.last_rollback()?;
        let until = at.checked_add_signed(TimeDelta::from_std(cooldown).ok()?)?;
        (now < until).then_some(until)
    }

    /// Actions of automatic rollbacks in the last 24 hours, notifications not counted.
    pub(super) fn actions_of_the_day(&self, now: DateTime<Utc>) -> usize {
        self.actions.iter().filter(|(_, _, at)| now.signed_duration_since(at) < DAY).count()
    }

    /// Drops what is too old to count. What would lie in the future, because the clock was put back, counts from now on:
    /// a cool-down lasts no longer than it should, whatever the clock said when it began.
    pub(crate) fn age(&mut self, now: DateTime<Utc>) {
        let times = self.rollbacks.iter_mut().map(|(_, at)| at);
        for at in times.chain(self.actions.iter_mut().map(|(_, _, at)| at)) {
            *at = now.min(*at);
        }
        while self.actions.front().is_some_and(|(_, _, at)| now.signed_duration_since(at) >= DAY) {
            self.actions.pop_front();
        }
    }
}

/// Alerts with different labels that are kept of one consequence: as many instances hardly watch one system.
const OF_ONE_CONSEQUENCE: usize = 1000;

/// An episode that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handled {
    /// The operation that dealt with it.
    pub operation: OperationId,
    /// Whether that was a rollback; otherwise people were notified.
    pub is_rollback: bool,
    /// When it was last reported.
    pub seen: DateTime<Utc>,
    /// Whether it was reported as over.
    pub is_over: bool,
}

/// Episodes that had to be forgotten because there were too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// They were over: a repetition of them is not to be expected.
    pub over: u64,
    /// They were not: reported again, they count as new.
    pub open: u64,
}

/// Episodes that were dealt with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Episodes {
    handled: BTreeMap<AlertKey, Handled>,
    /// By the alert, the last episode of it that was dealt with.
    current: BTreeMap<AlertKey, AlertKey>,
    /// The most that are remembered. `None` = no limit.
    most: Option<usize>,
    forgotten: Forgotten,
}

impl Episodes {
    /// An episode was dealt with, or joined what deals with another.
    pub(super) fn handle(
        &mut self,
        key: AlertKey,
        operation: OperationId,
        is_rollback: bool,
        at: DateTime<Utc>,
    ) {
        self.handled.insert(key, Handled { operation, is_rollback, seen: at, is_over: false });
        self.keep_to_the_limit();
    }

    /// What became of an episode. `None` = it was not dealt with, or is forgotten.
    pub(super) fn get(&self, key: &AlertKey) -> Option<&Handled> {
        self.handled.get(key)
    }

    /// What became of the episode of an alert, also where its start has changed since: the monitoring that restarts
    /// while an alert fires gives it a new one. Only what was reported as over begins anew.
    pub(super) fn of(&self, fingerprint: Option<&str>, key: &AlertKey, group: &str) -> Option<&Handled> {
        self.get(key).or_else(|| self.open(Alert::source(fingerprint, group).as_ref()))
    }

    fn open(&self, source: Option<&AlertKey>) -> Option<&Handled> {
        self.current.get(source?).and_then(|key| self.get(key)).filter(|handled| !handled.is_over)
    }

    /// An episode was reported again, perhaps with another start, which is known from now on.
    fn repeated(&mut self, source: Option<&AlertKey>, key: &AlertKey, at: DateTime<Utc>) {
        if self.get(key).is_none()
            && let Some(known) =
                source.and_then(|source| self.current.get(source)).and_then(|key| self.get(key))
        {
            let (operation, is_rollback) = (known.operation, known.is_rollback);
            self.handle(key.clone(), operation, is_rollback, at);
        }
        self.seen(key, at);
    }

    /// An episode is over, also where its end is the first that is heard of its new start.
    fn resolved(&mut self, source: Option<&AlertKey>, key: &AlertKey) {
        let known = source.filter(|_| self.get(key).is_none()).and_then(|source| self.current.get(source));
        let key = known.unwrap_or(key).clone();
        self.over(&key);
    }

    /// An episode was reported again.
    pub(super) fn seen(&mut self, key: &AlertKey, at: DateTime<Utc>) {
        if let Some(handled) = self.handled.get_mut(key) {
            handled.seen = handled.seen.max(at);
            handled.is_over = false;
        }
    }

    pub(super) fn over(&mut self, key: &AlertKey) {
        if let Some(handled) = self.handled.get_mut(key) {
            handled.is_over = true;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.handled.len()
    }

    /// How many were forgotten because there were too many.
    pub(super) fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// Forgets what was not reported for so long.
    pub(super) fn forget(&mut self, now: DateTime<Utc>, remember: Duration) {
        let Some(since) = TimeDelta::from_std(remember).ok().and_then(|span| now.checked_sub_signed(span))
        else {
            return;
        };
        self.handled.retain(|_, handled| handled.seen >= since);
        self.forget_sources();
    }

    /// From now on at most so many are remembered.
    pub(super) fn limit(&mut self, most: usize) {
        self.most = Some(most);
        self.keep_to_the_limit();
    }

    /// What is over goes first, then what people were notified of, then what was rolled back for; the oldest of each
    /// first. A tenth goes at once, so that not every further alert looks through all of them.
    fn keep_to_the_limit(&mut self) {
        let Some(most) = self.most.filter(|most| self.handled.len() > *most) else { return };
        let surplus = self.handled.len() - (most - most / 10);
        let mut order: Vec<_> = self
            .handled
            .iter()
            .map(|(key, handled)| (!handled.is_over, handled.is_rollback, handled.seen, key.clone()))
            .collect();
        order.sort();
        for (is_open, _, _, key) in order.into_iter().take(surplus) {
            self.handled.remove(&key);
            let count = if is_open { &mut self.forgotten.open } else { &mut self.forgotten.over };
            *count += 1;
        }
        self.forget_sources();
    }

    fn forget_sources(&mut self) {
        let Self { handled, current, .. } = self;
        current.retain(|_, key| handled.contains_key(key));
    }
}

/// An alert that a rollback brings about, by its name: its next episode belongs to that rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consequence {
    /// The rollback.
    pub operation: OperationId,
    /// By fingerprint, the episode of the alert that belongs to it, and whether that is over. A further one with the
    /// same labels begins only after it was over, so it came about otherwise.
    episodes: BTreeMap<String, (AlertKey, bool)>,
}

/// The alerts that rollbacks have brought about since the last recovery, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Consequences(BTreeMap<String, Consequence>);

/// Alerts without a fingerprint count as one.
fn of(fingerprint: Option<&str>) -> &str {
    fingerprint.unwrap_or_default()
}

impl Consequences {
    /// An action of a rollback had, or may have had, an effect, and with it this alert is to be expected. Where the
    /// alert was itself a reason for the rollback, the episode that belongs to it is known.
    pub(super) fn expect(&mut self, name: &str, operation: OperationId, reasons: &[PlanAlert]) {
        let consequence = self
            .0
            .entry(name.to_owned())
            .or_insert_with(|| Consequence { operation, episodes: BTreeMap::new() });
        consequence.operation = operation;
        for alert in reasons.iter().filter(|alert| alert.name == name) {
            consequence.insert(alert.fingerprint.as_deref(), alert.key.clone());
        }
    }

    /// The rollback that brought an episode about. `None` = it came about by itself.
    pub(super) fn behind(
        &self,
        name: &str,
        fingerprint: Option<&str>,
        key: &AlertKey,
    ) -> Option<OperationId> {
        let consequence = self.0.get(name)?;
        match consequence.episodes.get(of(fingerprint)) {
            Some((known, _)) if known != key => None,
            _ => Some(consequence.operation),
        }
    }

    /// An episode arrived that a rollback brought about. Returns the rollback.
    pub(super) fn attach(
        &mut self,
        name: &str,
        fingerprint: Option<&str>,
        key: &AlertKey,
    ) -> Option<OperationId> {
        let operation = self.behind(name, fingerprint, key)?;
        self.0.get_mut(name)?.insert(fingerprint, key.clone());
        Some(operation)
    }

    pub(super) fn over(&mut self, name: &str, key: &AlertKey) {
        for (known, is_over) in self.0.get_mut(name).into_iter().flat_map(|known| known.episodes.values_mut())
        {
            *is_over |= known == key;
        }
    }

    /// The way back was taken: what fires from now on came about by itself.
    pub(super) fn end(&mut self) {
        self.0.clear();
    }

    /// Name, rollback, and how many episodes of it fire as far as is known. Those that are all over are left out.
    pub(super) fn open(&self) -> impl Iterator<Item = (&str, OperationId, usize)> {
        self.0.iter().filter_map(|(name, consequence)| {
            let firing = consequence.episodes.values().filter(|(_, is_over)| !is_over).count();
            (firing > 0 || consequence.episodes.is_empty()).then_some((
                name.as_str(),
                consequence.operation,
                firing,
            ))
        })
    }
}

impl Consequence {
    fn insert(&mut self, fingerprint: Option<&str>, key: AlertKey) {
        let fingerprint = of(fingerprint);
        if self.episodes.len() < OF_ONE_CONSEQUENCE || self.episodes.contains_key(fingerprint) {
            self.episodes.insert(fingerprint.to_owned(), (key, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn key(number: usize) -> AlertKey {
        AlertKey(format!("k{number:04}"))
    }

    #[test]
    fn what_is_over_is_forgotten_first_and_the_oldest_of_it() {
        let mut episodes = Episodes::default();
        for number in 0..10_i32 {
            let is_rollback = number < 2;
            episodes.handle(
                key(number.unsigned_abs() as usize),
                OperationId(1),
                is_rollback,
                at(number.into()),
            );
        }
        episodes.over(&key(9));
        episodes.over(&key(3));
        episodes.limit(10);
        assert_eq!((episodes.len(), episodes.forgotten()), (10, Forgotten::default()));
        // One too many: a tenth below the limit stays, so two go.
        episodes.handle(key(10), OperationId(1), false, at(10));
        assert_eq!((episodes.len(), episodes.forgotten()), (9, Forgotten { over: 2, open: 0 }));
        assert!(episodes.get(&key(3)).is_none() && episodes.get(&key(9)).is_none());
        // Nothing is over any more: notifications go, the oldest first, and rollbacks last.
        episodes.limit(4);
        assert_eq!((episodes.len(), episodes.forgotten()), (4, Forgotten { over: 2, open: 5 }));
        for kept in [0, 1, 8, 10] {
            assert!(episodes.get(&key(kept)).is_some(), "{kept}");
        }
    }

    #[test]
    fn an_episode_that_is_heard_of_again_is_not_over() {
        let mut episodes = Episodes::default();
        episodes.handle(key(1), OperationId(1), true, at(0));
        episodes.over(&key(1));
        assert!(episodes.get(&key(1)).is_some_and(|handled| handled.is_over));
        episodes.seen(&key(1), at(1));
        assert!(episodes.get(&key(1)).is_some_and(|handled| !handled.is_over && handled.seen == at(1)));
    }

    #[test]
    fn the_first_episode_of_each_labels_is_the_consequence_and_the_next_is_not() {
        let mut consequences = Consequences::default();
        assert_eq!(consequences.behind("Open", Some("a"), &key(1)), None);
        consequences.expect("Open", OperationId(7), &[]);
        assert_eq!(consequences.open().collect::<Vec<_>>(), [("Open", OperationId(7), 0)]);
        assert_eq!(consequences.behind("Other", Some("a"), &key(1)), None);
        assert_eq!(consequences.attach("Open", Some("a"), &key(1)), Some(OperationId(7)));
        assert_eq!(consequences.attach("Open", Some("a"), &key(1)), Some(OperationId(7)));
        assert_eq!(consequences.attach("Open", Some("b"), &key(2)), Some(OperationId(7)), "another instance");
        assert_eq!(consequences.behind("Open", Some("a"), &key(3)), None, "a new start of the same labels");
        assert_eq!(consequences.open().collect::<Vec<_>>(), [("Open", OperationId(7), 2)]);
        consequences.over("Open", &key(1));
        consequences.over("Open", &key(2));
        assert_eq!(consequences.open().count(), 0);
        assert_eq!(consequences.behind("Open", Some("a"), &key(3)), None, "also after it was over");
        consequences.end();
        assert_eq!(consequences.behind("Open", Some("c"), &key(4)), None);
    }
}
