//! Alerts, the state, the policy and the time → what is to be done. Pure.
//!
//! - Only a firing hard gate of the right environment leads to a rollback, and each of its episodes to one. An episode
//!   lasts until it is reported as over: a new start alone, as after a restart of the monitoring, begins none.
//! - One delivery leads to one rollback, however many hard gates are in it.
//! - During the cool-down a hard gate does nothing and is not remembered: if it still fires when it is
//!   reported again afterwards, it acts.
//! - An alert that a rollback itself brings about (an open breaker, once it has opened it) belongs to that rollback,
//!   until it was over or somebody has taken the way back.
//! - A rollback of which it is certain that it did nothing, or that was cut short, continues when its alert is
//!   reported again: only with those actions that certainly had no effect.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::action::{Action, Priority};
use super::alert::{Alert, AlertKey, AlertStatus, Hook};
use super::event::{Decision, OperationId, OperationKind, Outcome, Plan, PlanAlert};
use super::policy::RollbackPolicy;
use super::state::State;

/// What a delivery leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decided {
    /// For each alert, in its order: its episode and what is done about it.
    pub decisions: Vec<(AlertKey, Decision)>,
    /// A rollback to begin.
    pub rollback: Option<Plan>,
    /// Operations to continue, and the further alerts behind them: at most one rollback.
    pub resume: Vec<(OperationId, Vec<PlanAlert>)>,
    /// Whom to notify.
    pub notification: Option<Plan>,
}

/// Decides about a delivery.
pub(crate) fn decide(hook: &Hook, state: &State, policy: &RollbackPolicy, now: DateTime<Utc>) -> Decided {
    let mut deciding = Deciding {
        state,
        policy,
        now,
        acting: false,
        resumed: None,
        renotified: Vec::new(),
        seen: BTreeSet::new(),
    };
    let mut decided = Decided::default();
    let (mut behind, mut notified) = (Vec::new(), Vec::new());
    let mut channels = Vec::new();
    for alert in &hook.alerts {
        let key = alert.key(&hook.group_key);
        let name = alert.name();
        let decision = match (alert.status, policy.environments.hold(alert)) {
            (_, Err(why)) => Decision::OtherEnvironment { why },
            (AlertStatus::Resolved, Ok(())) => Decision::Resolved,
            (AlertStatus::Firing, Ok(())) if policy.hard(name).is_some() => {
                deciding.hard(alert, &key, &hook.group_key)
            }
            (AlertStatus::Firing, Ok(())) => match policy.soft(name) {
                None => Decision::UnknownAlert,
                Some(gate) => {
                    let decision = deciding.soft(alert, &key, &hook.group_key);
                    if decision == Decision::Notify {
                        channels.extend(gate.channels.iter().cloned());
                    }
                    decision
                }
            },
        };
        let of_plan =
            PlanAlert { key: key.clone(), name: name.to_owned(), fingerprint: alert.fingerprint.clone() };
        // What resolved, or is of another environment, takes nothing from the same episode that fires here.
        let counts = !matches!(decision, Decision::Resolved | Decision::OtherEnvironment { .. });
        let is_first = counts && deciding.seen.insert(key.clone());
        match &decision {
            Decision::Resumed(id) if deciding.renotified.contains(id) => {}
            Decision::Joined if policy.hard(name).is_none() => {}
            Decision::Rollback | Decision::Joined | Decision::Resumed(_) if is_first => behind.push(of_plan),
            Decision::Notify => notified.push((of_plan, decision.reason(), Priority::Warning)),
            Decision::Disabled | Decision::CapReached { .. } if is_first => {
                notified.push((of_plan, decision.reason(), Priority::Critical));
            }
            _ => {}
        }
        decided.decisions.push((key, decision));
    }
    // Their alerts follow them already.
    decided.resume.extend(deciding.renotified.iter().map(|id| (*id, Vec::new())));
    if let Some(id) = deciding.resumed {
        decided.resume.push((id, behind));
    } else if deciding.acting {
        decided.rollback = Some(Plan {
            kind: OperationKind::Rollback.into(),
            reason: reason(&behind, hook.truncated),
            alerts: behind,
            actions: policy.auto.actions.clone(),
            by: None,
        });
    }
    decided.notification = notification(notified, channels, policy);
    decided
}

/// Alerts that a message names one by one.
const NAMED: usize = 20;

fn reason(alerts: &[PlanAlert], truncated: u64) -> String {
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    match truncated {
        0 => format!("{names} fires"),
        more => format!("{names} fires; {more} further alerts were cut off and are not known"),
    }
}

fn notification(
    notified: Vec<(PlanAlert, String, Priority)>,
    mut channels: Vec<String>,
    policy: &RollbackPolicy,
) -> Option<Plan> {
    let is_critical = notified.iter().any(|(_, _, priority)| *priority == Priority::Critical);
    let (priority, usual) = if is_critical {
        (Priority::Critical, policy.enabled_channels())
    } else {
        (Priority::Warning, policy.quiet_channels())
    };
    if is_critical || channels.is_empty() {
        channels.extend(usual);
    }
    channels.sort();
    channels.dedup();
    let mut words: Vec<String> =
        notified.iter().map(|(alert, reason, _)| format!("{}: {reason}", alert.name)).collect();
    if words.len() > NAMED {
        // So many on one message are read by nobody: each alert once, with a count.
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
        let kinds = counts.len();
        words =
            counts.into_iter().take(NAMED).map(|(word, count)| format!("{word} ({count} alerts)")).collect();
        words.extend((kinds > NAMED).then(|| format!("and {} more", kinds - NAMED)));
    }
    let plan = Plan {
        kind: OperationKind::Notification.into(),
        reason: words.join("; "),
        alerts: notified.into_iter().map(|(alert, _, _)| alert).collect(),
        actions: vec![Action::notification(channels, priority)],
        by: None,
    };
    (!plan.alerts.is_empty()).then_some(plan)
}

struct Deciding<'a> {
    state: &'a State,
    policy: &'a RollbackPolicy,
    now: DateTime<Utc>,
    /// A rollback begins or continues.
    acting: bool,
    /// The rollback that continues.
    resumed: Option<OperationId>,
    /// The notifications that continue.
    renotified: Vec<OperationId>,
    /// Firing episodes earlier in this delivery.
    seen: BTreeSet<AlertKey>,
}

impl Deciding<'_> {
    fn hard(&mut self, alert: &Alert, key: &AlertKey, group: &str) -> Decision {
        let handled = self.state.episodes.of(alert.fingerprint.as_deref(), key, group);
        if let Some(handled) = handled
            && handled.is_rollback
        {
            return self.again(handled.operation);
        }
        if let Some(decision) = self.consequence(alert, key) {
            return decision;
        }
        let auto = &self.policy.auto;
        if !auto.enabled {
            return self.once(handled.map(|handled| handled.operation), Decision::Disabled);
        }
        if self.acting {
            return Decision::Joined;
        }
        if let Some(until) = self.state.cooling_until(self.now, auto.cooldown) {
            return Decision::CoolingDown { until };
        }
        let used = self.state.actions_of_the_day(self.now);
        let wanted = auto.actions.iter().filter(|action| action.acts()).count();
        if auto.max_actions_per_day.is_some_and(|most| used + wanted > most as usize) {
            return self.once(handled.map(|handled| handled.operation), Decision::CapReached { used });
        }
        self.acting = true;
        Decision::Rollback
    }

    fn soft(&mut self, alert: &Alert, key: &AlertKey, group: &str) -> Decision {
        match self.state.episodes.of(alert.fingerprint.as_deref(), key, group) {
            Some(handled) => self.again(handled.operation),
            None if self.seen.contains(key) => Decision::Joined,
            None => self.consequence(alert, key).unwrap_or(Decision::Notify),
        }
    }

    /// About an alert that a rollback brought about: what is decided about the others of that rollback.
    fn consequence(&mut self, alert: &Alert, key: &AlertKey) -> Option<Decision> {
        let id = self.state.consequences.behind(alert.name(), alert.fingerprint.as_deref(), key)?;
        Some(match self.again(id) {
            Decision::Repeated(id) => Decision::Consequence(id),
            other => other,
        })
    }

    /// About a hard gate that only notifies: once, and again where that was of no effect.
    fn once(&mut self, by: Option<OperationId>, decision: Decision) -> Decision {
        match by {
            Some(id) => self.again(id),
            None => decision,
        }
    }

    /// About an episode that an operation has dealt with.
    fn again(&mut self, id: OperationId) -> Decision {
        if self.resumed == Some(id) || self.renotified.contains(&id) {
            return Decision::Joined;
        }
        let Some(operation) = self.state.operation(id).filter(|o| !o.remaining().is_empty()) else {
            return Decision::Repeated(id);
        };
        if !operation.kind.is_rollback() {
            self.renotified.push(id);
            return Decision::Resumed(id);
        }
        if self.acting {
            // It did nothing, and the rollback that acts now is for its alert too.
            return Decision::Joined;
        }
        if !self.policy.auto.enabled {
            return Decision::Repeated(id);
        }
        let is_newest = self.state.last_rollback().is_none_or(|(last, _)| last <= id);
        if let Some(until) = self.state.cooling_until(self.now, self.policy.auto.cooldown)
            && !is_newest
        {
            return Decision::CoolingDown { until };
        }
        self.acting = true;
        self.resumed = Some(id);
        Decision::Resumed(id)
    }
}

/// Why a person may not begin a rollback just now; `None` = they may.
pub(crate) fn hindrance(state: &State, policy: &RollbackPolicy, now: DateTime<Utc>) -> Option<String> {
    let (last, _) = state.last_rollback()?;
    let until = state.cooling_until(now, policy.auto.cooldown)?;
    let outcome = state.operation(last).and_then(|o| o.outcome).map_or("under way", Outcome::word);
    Some(format!("{last} ({outcome}) began a cool-down that lasts until {}", until.format("%FT%TZ")))
}

#[cfg(test)]
mod tests;
