//! Alerts, what is remembered, the policy and the time → what is to be done. Pure.
//!
//! - Only a firing hard gate of the right environment leads to a rollback, and each of its episodes to one.
//! - One delivery leads to one rollback, however many hard gates are in it.
//! - During the cool-down a hard gate does nothing and is not remembered: if it still fires when it is told
//!   again afterwards, it acts.
//! - An alert that a rollback itself brings about (an open breaker, once it has opened it) belongs to that rollback,
//!   until it was over or somebody has taken the way back.
//! - A rollback of which it is certain that it did nothing, or that was cut short, goes on when its alert is told
//!   again: with those actions alone that certainly had no effect.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::action::{Action, ActionKind, Priority};
use super::alert::{Alert, AlertKey, AlertStatus, Hook};
use super::policy::RollbackPolicy;
use super::state::{PlanAlert, PlanId, PlanKind, PlanOutcome, State};

/// What is done about one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A rollback begins.
    Act,
    /// It belongs to the rollback that another alert of the same delivery leads to.
    Join,
    /// A rollback that did nothing or was cut short goes on.
    Resume(PlanId),
    /// People are told: a soft gate.
    Notify,
    /// People are told: a hard gate, but rollbacks are switched off.
    Disabled,
    /// People are told: a hard gate, but there were as many actions as a day may have.
    CapReached {
        /// Actions of the last 24 hours.
        used: usize,
    },
    /// Nothing: this episode was dealt with.
    Repeated(PlanId),
    /// Nothing: it fires because of what a rollback did.
    Consequence(PlanId),
    /// Nothing: the last rollback is too short a time ago.
    CoolingDown {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// Nothing: another environment.
    OtherEnvironment {
        /// The label that says so, in words.
        why: String,
    },
    /// Nothing: the policy does not know it.
    Unknown,
    /// Nothing: it is over.
    Resolved,
}

impl Decision {
    /// The word in log, answers and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Act => "rollback",
            Self::Join => "joined",
            Self::Resume(_) => "resumed",
            Self::Notify => "notify",
            Self::Disabled => "disabled",
            Self::CapReached { .. } => "cap_reached",
            Self::Repeated(_) => "repeated",
            Self::Consequence(_) => "consequence",
            Self::CoolingDown { .. } => "cooling_down",
            Self::OtherEnvironment { .. } => "other_environment",
            Self::Unknown => "unknown_alert",
            Self::Resolved => "resolved",
        }
    }

    /// All words, for metrics that are there from the start.
    pub const WORDS: [&'static str; 12] = [
        "rollback",
        "joined",
        "resumed",
        "notify",
        "disabled",
        "cap_reached",
        "repeated",
        "consequence",
        "cooling_down",
        "other_environment",
        "unknown_alert",
        "resolved",
    ];

    /// Why, in words.
    pub fn reason(&self) -> String {
        match self {
            Self::Act => "a hard gate fires".to_owned(),
            Self::Join => "another alert of this delivery leads to the rollback".to_owned(),
            Self::Resume(id) => format!("{id} goes on with what was not begun"),
            Self::Notify => "a soft gate fires: people are told".to_owned(),
            Self::Disabled => "a hard gate fires, and `auto_rollback.enabled` is false".to_owned(),
            Self::CapReached { used } => format!(
                "a hard gate fires, and {used} actions of the last 24 hours leave no room below \
                 `auto_rollback.max_actions_per_day`"
            ),
            Self::Repeated(id) => format!("this episode was dealt with by {id}"),
            Self::Consequence(id) => {
                format!(
                    "{id} itself brought this alert about; it counts again once it was over, or after a recovery"
                )
            }
            Self::CoolingDown { until } => {
                format!("a hard gate fires, and the cool-down lasts until {}", until.format("%FT%TZ"))
            }
            Self::OtherEnvironment { why } => format!("not an alert of this environment: {why}"),
            Self::Unknown => "not a gate of the policy".to_owned(),
            Self::Resolved => "the alert is over".to_owned(),
        }
    }
}

/// An undertaking before it has a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it is for.
    pub kind: PlanKind,
    /// Why, in words.
    pub reason: String,
    /// The alerts behind it.
    pub alerts: Vec<PlanAlert>,
    /// What is done.
    pub actions: Vec<Action>,
}

/// What a delivery leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// For each alert, in its order: its episode and what is done about it.
    pub decisions: Vec<(AlertKey, Decision)>,
    /// A rollback to begin.
    pub rollback: Option<Draft>,
    /// Undertakings to go on with, and the further alerts behind them: at most one rollback.
    pub resume: Vec<(PlanId, Vec<PlanAlert>)>,
    /// People to tell.
    pub notification: Option<Draft>,
}

/// Decides about a delivery.
pub fn decide(hook: &Hook, state: &State, policy: &RollbackPolicy, now: DateTime<Utc>) -> Decided {
    let mut deciding = Deciding {
        state,
        policy,
        now,
        acting: false,
        resumed: None,
        retold: Vec::new(),
        seen: BTreeSet::new(),
    };
    let mut decided = Decided::default();
    let (mut behind, mut told) = (Vec::new(), Vec::new());
    let mut channels = Vec::new();
    for alert in &hook.alerts {
        let key = alert.key(&hook.group_key);
        let name = alert.name();
        let decision = match (alert.status, policy.environments.hold(alert)) {
            (_, Err(why)) => Decision::OtherEnvironment { why },
            (AlertStatus::Resolved, Ok(())) => Decision::Resolved,
            (AlertStatus::Firing, Ok(())) if policy.hard(name).is_some() => deciding.hard(alert, &key),
            (AlertStatus::Firing, Ok(())) => match policy.soft(name) {
                None => Decision::Unknown,
                Some(gate) => {
                    let decision = deciding.soft(alert, &key);
                    if decision == Decision::Notify {
                        channels.extend(gate.channels.iter().cloned());
                    }
                    decision
                }
            },
        };
        let of_plan =
            PlanAlert { key: key.clone(), name: name.to_owned(), fingerprint: alert.fingerprint.clone() };
        let is_first = deciding.seen.insert(key.clone());
        match &decision {
            Decision::Resume(id) if deciding.retold.contains(id) => {}
            Decision::Join if policy.hard(name).is_none() => {}
            Decision::Act | Decision::Join | Decision::Resume(_) if is_first => behind.push(of_plan),
            Decision::Notify => told.push((of_plan, decision.reason(), Priority::Warning)),
            Decision::Disabled | Decision::CapReached { .. } if is_first => {
                told.push((of_plan, decision.reason(), Priority::Critical));
            }
            _ => {}
        }
        decided.decisions.push((key, decision));
    }
    // Their alerts stand behind them already.
    decided.resume.extend(deciding.retold.iter().map(|id| (*id, Vec::new())));
    if let Some(id) = deciding.resumed {
        decided.resume.push((id, behind));
    } else if deciding.acting {
        let actions = policy.auto.actions.clone();
        let reason = reason(&behind, hook.truncated);
        decided.rollback = Some(Draft { kind: PlanKind::Rollback, reason, alerts: behind, actions });
    }
    decided.notification = notification(told, channels, policy);
    decided
}

fn reason(alerts: &[PlanAlert], truncated: u64) -> String {
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    match truncated {
        0 => format!("{names} fires"),
        more => format!("{names} fires; {more} further alerts were cut off and are not known"),
    }
}

fn notification(
    told: Vec<(PlanAlert, String, Priority)>,
    mut channels: Vec<String>,
    policy: &RollbackPolicy,
) -> Option<Draft> {
    let is_critical = told.iter().any(|(_, _, priority)| *priority == Priority::Critical);
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
    let words: Vec<String> =
        told.iter().map(|(alert, reason, _)| format!("{}: {reason}", alert.name)).collect();
    let draft = Draft {
        kind: PlanKind::Notification,
        reason: words.join("; "),
        alerts: told.into_iter().map(|(alert, _, _)| alert).collect(),
        actions: vec![Action::notification(channels, priority)],
    };
    (!draft.alerts.is_empty()).then_some(draft)
}

struct Deciding<'a> {
    state: &'a State,
    policy: &'a RollbackPolicy,
    now: DateTime<Utc>,
    /// A rollback begins or goes on.
    acting: bool,
    /// The rollback that goes on.
    resumed: Option<PlanId>,
    /// The notifications that go on.
    retold: Vec<PlanId>,
    /// Episodes earlier in this delivery.
    seen: BTreeSet<AlertKey>,
}

impl Deciding<'_> {
    fn hard(&mut self, alert: &Alert, key: &AlertKey) -> Decision {
        let handled = self.state.handled(key);
        if let Some(handled) = handled
            && handled.is_rollback
        {
            return self.again(handled.plan);
        }
        if let Some(decision) = self.consequence(alert, key) {
            return decision;
        }
        let auto = &self.policy.auto;
        if !auto.enabled {
            return self.told(handled.map(|handled| handled.plan), Decision::Disabled);
        }
        if self.acting {
            return Decision::Join;
        }
        if let Some(until) = self.state.cooling_until(self.now, auto.cooldown) {
            return Decision::CoolingDown { until };
        }
        let used = self.state.actions_of_the_day(self.now);
        let wanted = auto.actions.iter().filter(|action| action.kind != ActionKind::Notify).count();
        if auto.max_actions_per_day.is_some_and(|most| used + wanted > most as usize) {
            return self.told(handled.map(|handled| handled.plan), Decision::CapReached { used });
        }
        self.acting = true;
        Decision::Act
    }

    fn soft(&mut self, alert: &Alert, key: &AlertKey) -> Decision {
        match self.state.handled(key) {
            Some(handled) => self.again(handled.plan),
            None if self.seen.contains(key) => Decision::Join,
            None => self.consequence(alert, key).unwrap_or(Decision::Notify),
        }
    }

    /// About an alert that a rollback brought about: what is decided about the others of that rollback.
    fn consequence(&mut self, alert: &Alert, key: &AlertKey) -> Option<Decision> {
        let id = self.state.consequences().behind(alert.name(), alert.fingerprint.as_deref(), key)?;
        Some(match self.again(id) {
            Decision::Repeated(id) => Decision::Consequence(id),
            other => other,
        })
    }

    /// About a hard gate that only tells: once, and again where that was of no effect.
    fn told(&mut self, by: Option<PlanId>, decision: Decision) -> Decision {
        match by {
            Some(id) => self.again(id),
            None => decision,
        }
    }

    /// About an episode that a plan has dealt with.
    fn again(&mut self, id: PlanId) -> Decision {
        if self.resumed == Some(id) || self.retold.contains(&id) {
            return Decision::Join;
        }
        let Some(undertaking) = self.state.undertaking(id).filter(|u| !u.remaining().is_empty()) else {
            return Decision::Repeated(id);
        };
        if !undertaking.plan.kind.is_rollback() {
            self.retold.push(id);
            return Decision::Resume(id);
        }
        if self.acting {
            // It did nothing, and the rollback that acts now is for its alert too.
            return Decision::Join;
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
        Decision::Resume(id)
    }
}

/// Why a person may not begin a rollback just now; `None` = they may.
pub fn hindrance(state: &State, policy: &RollbackPolicy, now: DateTime<Utc>) -> Option<String> {
    let (last, _) = state.last_rollback()?;
    let until = state.cooling_until(now, policy.auto.cooldown)?;
    let outcome = state.undertaking(last).and_then(|u| u.outcome).map_or("under way", PlanOutcome::word);
    Some(format!("{last} ({outcome}) began a cool-down that lasts until {}", until.format("%FT%TZ")))
}

#[cfg(test)]
mod tests;
