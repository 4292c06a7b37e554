//! What is decided, case by case.

mod consequences;
mod laws;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::core::rollback::action::OnFailure;
use crate::core::rollback::alert::Alert;
use crate::core::rollback::condition::Verification;
use crate::core::rollback::executor::SecretSource;
use crate::core::rollback::policy::{Audit, AutoRollback, Channel, Environments, Gate, Recovery, Service};
use crate::core::rollback::state::{Plan, Progress};
use chrono::TimeDelta;

const MINUTE: i64 = 60;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn gate(name: &str) -> Gate {
    Gate { name: name.to_owned(), description: String::new(), channels: Vec::new() }
}

fn action(kind: ActionKind) -> Action {
    Action { kind, on_failure: OnFailure::Continue, ..Action::notification(Vec::new(), Priority::Critical) }
}

fn policy() -> RollbackPolicy {
    let url = SecretSource::Env("U".to_owned());
    let pager =
        Service::PagerDuty { routing_key: url.clone(), url: String::new(), escalation_policy: String::new() };
    RollbackPolicy {
        hard_gates: vec![gate("Hard"), gate("Harder")],
        soft_gates: vec![gate("Soft")],
        environments: Environments::Labels(BTreeMap::from([(
            "env".to_owned(),
            BTreeSet::from(["prod".to_owned(), "live".to_owned()]),
        )])),
        auto: AutoRollback {
            enabled: true,
            cooldown: Duration::from_secs(15 * 60),
            max_actions_per_day: None,
            remember: Duration::from_secs(86_400),
            remember_alerts: 10_000,
            lock_wait: Duration::from_secs(1),
            actions: vec![action(ActionKind::ScaleStrategy), action(ActionKind::Notify)],
            on_failure: OnFailure::Continue,
            verification: Verification::default(),
        },
        recovery: Recovery::default(),
        executors: BTreeMap::new(),
        channels: BTreeMap::from([
            ("chat".to_owned(), Channel { enabled: true, service: Service::Webhook { url } }),
            ("pager".to_owned(), Channel { enabled: true, service: pager }),
        ]),
        prometheus: None,
        audit: Audit { enabled: true, log_path: None, include_metrics: true, include_causes: false },
        sha256: String::new(),
    }
}

fn alert(name: &str, start: &str) -> Alert {
    let labels = [("alertname", name), ("env", "prod")];
    Alert {
        status: AlertStatus::Firing,
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        fingerprint: Some(format!("of {name}")),
        starts_at: Some(start.to_owned()),
    }
}

fn hook(alerts: Vec<Alert>) -> Hook {
    Hook { group_key: "g".to_owned(), alerts, ..Hook::default() }
}

fn words(decided: &Decided) -> Vec<&'static str> {
    decided.decisions.iter().map(|(_, decision)| decision.word()).collect()
}

/// A log in memory: decides, and tells the state what a server would write.
struct Story {
    policy: RollbackPolicy,
    state: State,
    next: u64,
}

impl Story {
    fn new(policy: RollbackPolicy) -> Self {
        Self { policy, state: State::default(), next: 1 }
    }

    /// Decides, and begins what was decided: every action ends as `result`.
    fn tell(&mut self, hook: &Hook, seconds: i64, result: Progress) -> Decided {
        let now = at(seconds);
        self.state.age(now);
        let decided = decide(hook, &self.state, &self.policy, now);
        for (alert, (key, decision)) in hook.alerts.iter().zip(&decided.decisions) {
            match decision {
                Decision::Repeated(_) => self.state.seen(key, now),
                Decision::Consequence(_) => {
                    self.state.brought_about(alert.name(), alert.fingerprint.as_deref(), key, now);
                }
                Decision::Resolved => self.state.over(alert.name(), key),
                _ => {}
            }
        }
        for (id, alerts) in &decided.resume {
            self.state.resumed(*id, alerts, now);
            self.carry_out(*id, now, result);
        }
        for draft in [&decided.rollback, &decided.notification].into_iter().flatten() {
            let id = PlanId(self.next);
            self.next += 1;
            self.state.planned(Plan {
                id,
                kind: draft.kind,
                at: now,
                reason: draft.reason.clone(),
                alerts: draft.alerts.clone(),
                actions: draft.actions.clone(),
            });
            self.carry_out(id, now, result);
        }
        decided
    }

    fn carry_out(&mut self, id: PlanId, now: DateTime<Utc>, result: Progress) {
        let progress = self.state.undertaking(id).expect("it was planned").progress.clone();
        for (index, _) in progress.iter().enumerate().filter(|(_, made)| **made == Progress::NotStarted) {
            self.state.started(id, index, now);
            self.state.ended(id, index, result);
        }
        let made = self.state.undertaking(id).expect("it was planned");
        let outcome = PlanOutcome::of(&made.plan.actions, &made.progress);
        self.state.closed(id, outcome);
    }
}

const NOTHING: Progress = Progress::Failed { nothing_done: true };
const FAILED: Progress = Progress::Failed { nothing_done: false };

#[test]
fn each_kind_of_alert_has_its_decision() {
    let resolved = Alert { status: AlertStatus::Resolved, ..alert("Hard", "1") };
    let mut staging = alert("Hard", "1");
    staging.labels.insert("env".to_owned(), "staging".to_owned());
    let mut nowhere = alert("Hard", "1");
    nowhere.labels.remove("env");
    let mut live = alert("Hard", "1");
    live.labels.insert("env".to_owned(), "live".to_owned());
    for (alert, word, acts) in [
        (alert("Hard", "1"), "rollback", true),
        (live, "rollback", true),
        (alert("Soft", "1"), "notify", false),
        (alert("Other", "1"), "unknown_alert", false),
        (resolved, "resolved", false),
        (staging, "other_environment", false),
        (nowhere, "other_environment", false),
    ] {
        let decided = decide(&hook(vec![alert]), &State::default(), &policy(), at(0));
        assert_eq!(words(&decided), [word]);
        assert_eq!(decided.rollback.is_some(), acts, "{word}");
    }
}

#[test]
fn one_delivery_leads_to_one_rollback() {
    let mut story = Story::new(policy());
    let all = hook(vec![alert("Soft", "1"), alert("Hard", "1"), alert("Harder", "1"), alert("Hard", "1")]);
    let decided = story.tell(&all, 0, Progress::Done);
    assert_eq!(words(&decided), ["notify", "rollback", "joined", "joined"]);
    let rollback = decided.rollback.expect("a rollback");
    assert_eq!(rollback.reason, "Hard, Harder fires");
    assert_eq!(rollback.alerts.len(), 2);
    // All of them are repetitions afterwards.
    assert_eq!(words(&story.tell(&all, 86_400 / 2, Progress::Done)), ["repeated"; 4]);
}

#[test]
fn a_second_rollback_waits_for_the_cool_down_to_the_second() {
    for (seconds, word) in [
        (0, "cooling_down"),
        (15 * MINUTE - 1, "cooling_down"),
        (15 * MINUTE, "rollback"),
        (-5, "cooling_down"),
    ] {
        let mut story = Story::new(policy());
        story.tell(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
        let decided = story.tell(&hook(vec![alert("Harder", "1")]), seconds, Progress::Done);
        assert_eq!(words(&decided), [word], "after {seconds} s");
    }
}

#[test]
fn a_clock_that_was_put_back_makes_no_cool_down_longer() {
    let mut story = Story::new(policy());
    // The clock was a year ahead, and was put right.
    story.tell(&hook(vec![alert("Hard", "1")]), 365 * 86_400, Progress::Done);
    story.state.age(at(0));
    let harder = hook(vec![alert("Harder", "1")]);
    assert_eq!(words(&story.tell(&harder, 15 * MINUTE - 1, Progress::Done)), ["cooling_down"]);
    assert_eq!(story.state.actions_of_the_day(at(86_400 - 1)), 1);
    assert_eq!(story.state.actions_of_the_day(at(86_400)), 0);
    assert_eq!(words(&story.tell(&harder, 15 * MINUTE, Progress::Done)), ["rollback"]);
}

#[test]
fn an_alert_that_came_during_the_cool_down_acts_when_it_is_told_again_afterwards() {
    let mut story = Story::new(policy());
    story.tell(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
    let harder = hook(vec![alert("Harder", "1")]);
    assert_eq!(words(&story.tell(&harder, 60, Progress::Done)), ["cooling_down"]);
    assert_eq!(words(&story.tell(&harder, 20 * MINUTE, Progress::Done)), ["rollback"]);
    assert_eq!(words(&story.tell(&harder, 60 * MINUTE, Progress::Done)), ["repeated"]);
}

#[test]
fn an_alert_that_was_over_and_fires_again_is_a_new_episode() {
    let mut story = Story::new(policy());
    story.tell(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
    let resolved = Alert { status: AlertStatus::Resolved, ..alert("Hard", "1") };
    assert_eq!(words(&story.tell(&hook(vec![resolved]), 60, Progress::Done)), ["resolved"]);
    let again = hook(vec![alert("Hard", "2")]);
    assert_eq!(words(&story.tell(&again, 20 * MINUTE, Progress::Done)), ["rollback"]);
}

#[test]
fn a_rollback_without_any_effect_is_tried_again_and_begins_no_cool_down() {
    let mut story = Story::new(policy());
    let hard = hook(vec![alert("Hard", "1")]);
    assert_eq!(words(&story.tell(&hard, 0, NOTHING)), ["rollback"]);
    assert_eq!(story.state.cooling_until(at(1), story.policy.auto.cooldown), None);
    assert_eq!(story.state.actions_of_the_day(at(1)), 0);
    assert_eq!(words(&story.tell(&hard, 1, NOTHING)), ["resumed"]);
    assert_eq!(words(&story.tell(&hard, 2, Progress::Done)), ["resumed"]);
    assert_eq!(words(&story.tell(&hard, 3, Progress::Done)), ["repeated"]);
    assert!(story.state.cooling_until(at(4), story.policy.auto.cooldown).is_some());
}

#[test]
fn that_people_were_told_is_no_reason_not_to_try_again() {
    let actions = [ActionKind::ScaleStrategy, ActionKind::Notify].map(action);
    let of = |progress: [Progress; 2]| PlanOutcome::of(&actions, &progress);
    assert_eq!(of([NOTHING, Progress::Done]), PlanOutcome::NothingDone);
    assert_eq!(of([Progress::Done, NOTHING]), PlanOutcome::Failed);
    assert_eq!(of([Progress::Unknown, Progress::Done]), PlanOutcome::Failed);
    assert_eq!(of([Progress::Done, Progress::Done]), PlanOutcome::Done);
    assert_eq!(of([Progress::DryRun, Progress::DryRun]), PlanOutcome::DryRun);
    let told = &actions[1..];
    assert_eq!(PlanOutcome::of(told, &[NOTHING]), PlanOutcome::NothingDone);
    assert_eq!(PlanOutcome::of(told, &[FAILED]), PlanOutcome::Failed);
}

#[test]
fn a_rollback_that_may_have_had_an_effect_is_not_tried_again() {
    for result in [FAILED, Progress::Done] {
        let mut story = Story::new(policy());
        let hard = hook(vec![alert("Hard", "1")]);
        story.tell(&hard, 0, result);
        assert_eq!(words(&story.tell(&hard, 3600, result)), ["repeated"], "{result:?}");
    }
}

#[test]
fn a_rollback_that_was_cut_short_goes_on_with_what_was_not_begun_and_nothing_else() {
    let mut story = Story::new(policy());
    story.policy.auto.actions =
        [ActionKind::ScaleStrategy, ActionKind::CircuitState, ActionKind::FreezeOrders].map(action).to_vec();
    let hard = hook(vec![alert("Hard", "1")]);
    let decided = decide(&hard, &story.state, &story.policy, at(0));
    let draft = decided.rollback.expect("a rollback");
    let id = PlanId(1);
    let (kind, reason) = (draft.kind, draft.reason);
    story.state.planned(Plan { id, kind, at: at(0), reason, alerts: draft.alerts, actions: draft.actions });
    story.state.started(id, 0, at(0));
    story.state.ended(id, 0, Progress::Done);
    story.state.started(id, 1, at(0));
    assert_eq!(words(&story.tell(&hard, 1, Progress::Done)), ["repeated"], "it is under way");
    // The process dies here; the next one settles.
    story.state.ended(id, 1, Progress::Unknown);
    story.state.closed(id, PlanOutcome::Interrupted);
    assert_eq!(story.state.undertaking(id).map(super::super::state::Undertaking::remaining), Some(vec![2]));
    assert_eq!(words(&story.tell(&hard, 2, Progress::Done)), ["resumed"]);
    let made = &story.state.undertaking(id).expect("it is kept").progress;
    assert_eq!(made.as_slice(), [Progress::Done, Progress::Unknown, Progress::Done]);
    assert_eq!(words(&story.tell(&hard, 3, Progress::Done)), ["repeated"]);
}

#[test]
fn a_hard_gate_tells_once_when_rollbacks_are_off_and_acts_when_they_are_on_again() {
    let mut story = Story::new(policy());
    story.policy.auto.enabled = false;
    let hard = hook(vec![alert("Hard", "1")]);
    let decided = story.tell(&hard, 0, Progress::Done);
    assert_eq!(words(&decided), ["disabled"]);
    let notification = decided.notification.expect("people are told");
    assert_eq!(notification.actions[0].channels, ["chat", "pager"]);
    assert_eq!(notification.actions[0].priority, Priority::Critical);
    assert_eq!(words(&story.tell(&hard, 1, Progress::Done)), ["repeated"]);
    story.policy.auto.enabled = true;
    assert_eq!(words(&story.tell(&hard, 2, Progress::Done)), ["rollback"]);
}

#[test]
fn the_cap_of_a_day_is_kept_and_told() {
    let mut story = Story::new(policy());
    story.policy.auto.cooldown = Duration::ZERO;
    // Each rollback has one action besides its notification.
    story.policy.auto.max_actions_per_day = Some(2);
    let tell = |story: &mut Story, start: &str, seconds| {
        words(&story.tell(&hook(vec![alert("Hard", start)]), seconds, Progress::Done))[0]
    };
    assert_eq!(tell(&mut story, "1", 0), "rollback");
    assert_eq!(tell(&mut story, "2", 3600), "rollback");
    assert_eq!(tell(&mut story, "3", 7200), "cap_reached");
    assert_eq!(tell(&mut story, "3", 7201), "repeated");
    assert_eq!(tell(&mut story, "3", 86_399), "repeated");
    assert_eq!(tell(&mut story, "3", 86_400), "rollback");
}

#[test]
fn soft_gates_wake_nobody_up_unless_they_say_so() {
    let mut policy = policy();
    let told = |policy: &RollbackPolicy| {
        let decided = decide(&hook(vec![alert("Soft", "1")]), &State::default(), policy, at(0));
        decided.notification.expect("people are told").actions[0].channels.clone()
    };
    assert_eq!(told(&policy), ["chat"]);
    policy.soft_gates[0].channels = vec!["pager".to_owned()];
    assert_eq!(told(&policy), ["pager"]);
}

#[test]
fn alerts_that_were_cut_off_are_told_in_the_reason() {
    let cut = Hook { truncated: 3, ..hook(vec![alert("Hard", "1")]) };
    let decided = decide(&cut, &State::default(), &policy(), at(0));
    let reason = decided.rollback.expect("a rollback").reason;
    assert_eq!(reason, "Hard fires; 3 further alerts were cut off and are not known");
}

#[test]
fn a_notification_that_goes_on_does_not_keep_a_rollback_from_beginning() {
    let mut story = Story::new(policy());
    story.tell(&hook(vec![alert("Soft", "1")]), 0, NOTHING);
    let decided = story.tell(&hook(vec![alert("Soft", "1"), alert("Hard", "1")]), 1, Progress::Done);
    assert_eq!(words(&decided), ["resumed", "rollback"]);
    assert!(decided.rollback.is_some());
    assert_eq!(decided.resume.len(), 1);
}

#[test]
fn episodes_that_were_long_not_heard_of_are_forgotten_and_others_not() {
    let mut story = Story::new(policy());
    story.tell(&hook(vec![alert("Hard", "1"), alert("Soft", "1")]), 0, Progress::Done);
    story.tell(&hook(vec![alert("Hard", "1")]), 80_000, Progress::Done);
    story.state.forget(at(86_401), story.policy.auto.remember);
    assert_eq!(story.state.episodes().len(), 1);
    assert!(story.state.handled(&alert("Hard", "1").key("g")).is_some());
}
