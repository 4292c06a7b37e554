//! What is decided, case by case; and laws that hold for any story of deliveries.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::rollback::action::{ActionKind, OnFailure, Progress};
use crate::rollback::event::{ActionResult, ActionStatus, DeliveredAlert, Delivery, Event};
use crate::rollback::policy::condition::Verification;
use crate::rollback::policy::{
    Audit, AutoRollback, Channel, Environments, Gate, Recovery, SecretSource, Service,
};
use crate::rollback::state::Operation;

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
    decided.decisions.iter().map(|(_, decision)| decision.kind().word()).collect()
}

/// A log in memory: decides, and applies the events that a server would write.
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
    fn deliver(&mut self, hook: &Hook, seconds: i64, result: Progress) -> Decided {
        let now = at(seconds);
        self.state.age(now);
        let decided = decide(hook, &self.state, &self.policy, now);
        let alerts =
            hook.alerts.iter().zip(&decided.decisions).map(|(alert, (key, decision))| DeliveredAlert {
                key: key.clone(),
                alert: alert.name().to_owned(),
                fingerprint: alert.fingerprint.clone(),
                starts_at: alert.starts_at.clone(),
                decision: decision.kind().into(),
                reason: decision.reason(),
            });
        let delivery = Delivery {
            group_key: hook.group_key.clone(),
            receiver: hook.receiver.clone(),
            truncated_alerts: hook.truncated,
            alerts: alerts.collect(),
        };
        self.state.apply(0, now, &Event::Hook(delivery));
        for (id, alerts) in &decided.resume {
            self.state.apply(0, now, &Event::Resumed { plan: *id, alerts: alerts.clone() });
            self.carry_out(*id, now, result);
        }
        for plan in [&decided.rollback, &decided.notification].into_iter().flatten() {
            let id = self.plan(plan.clone(), now);
            self.carry_out(id, now, result);
        }
        decided
    }

    fn plan(&mut self, plan: Plan, now: DateTime<Utc>) -> OperationId {
        let id = OperationId(self.next);
        self.next += 1;
        self.state.apply(id.0, now, &Event::Planned(plan));
        id
    }

    fn carry_out(&mut self, id: OperationId, now: DateTime<Utc>, result: Progress) {
        let progress = self.state.operation(id).expect("it was planned").progress.clone();
        for (index, _) in progress.iter().enumerate().filter(|(_, made)| **made == Progress::NotStarted) {
            self.start(id, index, now);
            self.end(id, index, result);
        }
        let made = self.state.operation(id).expect("it was planned");
        let outcome = Outcome::of(&made.actions, &made.progress);
        self.close(id, outcome);
    }

    fn start(&mut self, plan: OperationId, index: usize, now: DateTime<Utc>) {
        let (action, idempotency_key) = (String::new(), String::new());
        self.state.apply(0, now, &Event::ActionStarted { plan, index, action, idempotency_key });
    }

    fn end(&mut self, plan: OperationId, index: usize, result: Progress) {
        let (status, nothing_done) = match result {
            Progress::Done => (ActionStatus::Done, false),
            Progress::Failed { nothing_done } => (ActionStatus::Failed, nothing_done),
            Progress::DryRun => (ActionStatus::DryRun, true),
            Progress::Unknown => {
                let event = Event::UnknownOutcome { plan, index, action: String::new() };
                return self.state.apply(0, at(0), &event);
            }
            other => panic!("no action ends as {other:?}"),
        };
        let (action, message) = (String::new(), String::new());
        let result =
            ActionResult { plan, index, action, status, nothing_done, message, tries: 1, seconds: 0.0 };
        self.state.apply(0, at(0), &Event::ActionEnded(result));
    }

    fn close(&mut self, plan: OperationId, outcome: Outcome) {
        self.state.apply(0, at(0), &Event::Closed { plan, outcome: outcome.into() });
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
    let decided = story.deliver(&all, 0, Progress::Done);
    assert_eq!(words(&decided), ["notify", "rollback", "joined", "joined"]);
    let rollback = decided.rollback.expect("a rollback");
    assert_eq!(rollback.reason, "Hard, Harder fires");
    assert_eq!(rollback.alerts.len(), 2);
    // All of them are repetitions afterwards.
    assert_eq!(words(&story.deliver(&all, 86_400 / 2, Progress::Done)), ["repeated"; 4]);
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
        story.deliver(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
        let decided = story.deliver(&hook(vec![alert("Harder", "1")]), seconds, Progress::Done);
        assert_eq!(words(&decided), [word], "after {seconds} s");
    }
}

#[test]
fn a_clock_that_was_put_back_makes_no_cool_down_longer() {
    let mut story = Story::new(policy());
    // The clock was a year ahead, and was put right.
    story.deliver(&hook(vec![alert("Hard", "1")]), 365 * 86_400, Progress::Done);
    story.state.age(at(0));
    let harder = hook(vec![alert("Harder", "1")]);
    assert_eq!(words(&story.deliver(&harder, 15 * MINUTE - 1, Progress::Done)), ["cooling_down"]);
    assert_eq!(story.state.actions_of_the_day(at(86_400 - 1)), 1);
    assert_eq!(story.state.actions_of_the_day(at(86_400)), 0);
    assert_eq!(words(&story.deliver(&harder, 15 * MINUTE, Progress::Done)), ["rollback"]);
}

#[test]
fn an_alert_that_came_during_the_cool_down_acts_when_it_is_reported_again_afterwards() {
    let mut story = Story::new(policy());
    story.deliver(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
    let harder = hook(vec![alert("Harder", "1")]);
    assert_eq!(words(&story.deliver(&harder, 60, Progress::Done)), ["cooling_down"]);
    assert_eq!(words(&story.deliver(&harder, 20 * MINUTE, Progress::Done)), ["rollback"]);
    assert_eq!(words(&story.deliver(&harder, 60 * MINUTE, Progress::Done)), ["repeated"]);
}

#[test]
fn an_alert_that_was_over_and_fires_again_is_a_new_episode() {
    let mut story = Story::new(policy());
    story.deliver(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
    let resolved = Alert { status: AlertStatus::Resolved, ..alert("Hard", "1") };
    assert_eq!(words(&story.deliver(&hook(vec![resolved]), 60, Progress::Done)), ["resolved"]);
    let again = hook(vec![alert("Hard", "2")]);
    assert_eq!(words(&story.deliver(&again, 20 * MINUTE, Progress::Done)), ["rollback"]);
}

#[test]
fn a_rollback_without_any_effect_is_tried_again_and_begins_no_cool_down() {
    let mut story = Story::new(policy());
    let hard = hook(vec![alert("Hard", "1")]);
    assert_eq!(words(&story.deliver(&hard, 0, NOTHING)), ["rollback"]);
    assert_eq!(story.state.cooling_until(at(1), story.policy.auto.cooldown), None);
    assert_eq!(story.state.actions_of_the_day(at(1)), 0);
    assert_eq!(words(&story.deliver(&hard, 1, NOTHING)), ["resumed"]);
    assert_eq!(words(&story.deliver(&hard, 2, Progress::Done)), ["resumed"]);
    assert_eq!(words(&story.deliver(&hard, 3, Progress::Done)), ["repeated"]);
    assert!(story.state.cooling_until(at(4), story.policy.auto.cooldown).is_some());
}

#[test]
fn that_people_were_notified_is_no_reason_not_to_try_again() {
    let actions = [ActionKind::ScaleStrategy, ActionKind::Notify].map(action);
    let of = |progress: [Progress; 2]| Outcome::of(&actions, &progress);
    assert_eq!(of([NOTHING, Progress::Done]), Outcome::NothingDone);
    assert_eq!(of([Progress::Done, NOTHING]), Outcome::Failed);
    assert_eq!(of([Progress::Unknown, Progress::Done]), Outcome::Failed);
    assert_eq!(of([Progress::Done, Progress::Done]), Outcome::Done);
    assert_eq!(of([Progress::DryRun, Progress::DryRun]), Outcome::DryRun);
    let notified = &actions[1..];
    assert_eq!(Outcome::of(notified, &[NOTHING]), Outcome::NothingDone);
    assert_eq!(Outcome::of(notified, &[FAILED]), Outcome::Failed);
}

#[test]
fn a_rollback_that_may_have_had_an_effect_is_not_tried_again() {
    for result in [FAILED, Progress::Done] {
        let mut story = Story::new(policy());
        let hard = hook(vec![alert("Hard", "1")]);
        story.deliver(&hard, 0, result);
        assert_eq!(words(&story.deliver(&hard, 3600, result)), ["repeated"], "{result:?}");
    }
}

#[test]
fn a_rollback_that_was_cut_short_continues_with_what_was_not_begun_and_nothing_else() {
    let mut story = Story::new(policy());
    story.policy.auto.actions =
        [ActionKind::ScaleStrategy, ActionKind::CircuitState, ActionKind::FreezeOrders].map(action).to_vec();
    let hard = hook(vec![alert("Hard", "1")]);
    let decided = decide(&hard, &story.state, &story.policy, at(0));
    let id = story.plan(decided.rollback.expect("a rollback"), at(0));
    story.start(id, 0, at(0));
    story.end(id, 0, Progress::Done);
    story.start(id, 1, at(0));
    assert_eq!(words(&story.deliver(&hard, 1, Progress::Done)), ["repeated"], "it is under way");
    // The process dies here; the next one settles.
    story.end(id, 1, Progress::Unknown);
    story.close(id, Outcome::Interrupted);
    assert_eq!(story.state.operation(id).map(Operation::remaining), Some(vec![2]));
    assert_eq!(words(&story.deliver(&hard, 2, Progress::Done)), ["resumed"]);
    let made = &story.state.operation(id).expect("it is kept").progress;
    assert_eq!(made.as_slice(), [Progress::Done, Progress::Unknown, Progress::Done]);
    assert_eq!(words(&story.deliver(&hard, 3, Progress::Done)), ["repeated"]);
}

#[test]
fn a_hard_gate_notifies_once_when_rollbacks_are_off_and_acts_when_they_are_on_again() {
    let mut story = Story::new(policy());
    story.policy.auto.enabled = false;
    let hard = hook(vec![alert("Hard", "1")]);
    let decided = story.deliver(&hard, 0, Progress::Done);
    assert_eq!(words(&decided), ["disabled"]);
    let notification = decided.notification.expect("people are told");
    assert_eq!(notification.actions[0].channels(), ["chat", "pager"]);
    assert_eq!(notification.actions[0].priority(), Priority::Critical);
    assert_eq!(words(&story.deliver(&hard, 1, Progress::Done)), ["repeated"]);
    story.policy.auto.enabled = true;
    assert_eq!(words(&story.deliver(&hard, 2, Progress::Done)), ["rollback"]);
}

#[test]
fn the_cap_of_a_day_is_kept_and_reported() {
    let mut story = Story::new(policy());
    story.policy.auto.cooldown = Duration::ZERO;
    // Each rollback has one action besides its notification.
    story.policy.auto.max_actions_per_day = Some(2);
    // Each start is an alert of its own.
    let deliver = |story: &mut Story, start: &str, seconds| {
        let other = Alert { fingerprint: Some(start.to_owned()), ..alert("Hard", start) };
        words(&story.deliver(&hook(vec![other]), seconds, Progress::Done))[0]
    };
    assert_eq!(deliver(&mut story, "1", 0), "rollback");
    assert_eq!(deliver(&mut story, "2", 3600), "rollback");
    assert_eq!(deliver(&mut story, "3", 7200), "cap_reached");
    assert_eq!(deliver(&mut story, "3", 7201), "repeated");
    assert_eq!(deliver(&mut story, "3", 86_399), "repeated");
    assert_eq!(deliver(&mut story, "3", 86_400), "rollback");
}

#[test]
fn soft_gates_wake_nobody_up_unless_they_say_so() {
    let mut policy = policy();
    let notified = |policy: &RollbackPolicy| {
        let decided = decide(&hook(vec![alert("Soft", "1")]), &State::default(), policy, at(0));
        decided.notification.expect("people are told").actions[0].channels()
    };
    assert_eq!(notified(&policy), ["chat"]);
    policy.soft_gates[0].channels = vec!["pager".to_owned()];
    assert_eq!(notified(&policy), ["pager"]);
}

#[test]
fn alerts_that_were_cut_off_are_reported_in_the_reason() {
    let cut = Hook { truncated: 3, ..hook(vec![alert("Hard", "1")]) };
    let decided = decide(&cut, &State::default(), &policy(), at(0));
    let reason = decided.rollback.expect("a rollback").reason;
    assert_eq!(reason, "Hard fires; 3 further alerts were cut off and are not known");
}

#[test]
fn many_soft_alerts_make_one_message_with_a_count() {
    let of = |number: usize| Alert { fingerprint: Some(format!("f{number}")), ..alert("Soft", "1") };
    for (alerts, end) in [
        (20, "Soft: a soft gate fires: people are notified"),
        (21, "Soft: a soft gate fires: people are notified (21 alerts)"),
    ] {
        let decided = Story::new(policy()).deliver(&hook((0..alerts).map(of).collect()), 0, Progress::Done);
        let plan = decided.notification.expect("people are notified");
        assert_eq!(plan.alerts.len(), alerts);
        let parts: Vec<&str> = plan.reason.split("; ").collect();
        assert_eq!((parts.len(), parts[0]), (if alerts > 20 { 1 } else { 20 }, end));
    }
}

#[test]
fn a_notification_in_progress_does_not_keep_a_rollback_from_beginning() {
    let mut story = Story::new(policy());
    story.deliver(&hook(vec![alert("Soft", "1")]), 0, NOTHING);
    let decided = story.deliver(&hook(vec![alert("Soft", "1"), alert("Hard", "1")]), 1, Progress::Done);
    assert_eq!(words(&decided), ["resumed", "rollback"]);
    assert!(decided.rollback.is_some());
    assert_eq!(decided.resume.len(), 1);
}

#[test]
fn episodes_that_were_long_not_heard_of_are_forgotten_and_others_not() {
    let mut story = Story::new(policy());
    story.deliver(&hook(vec![alert("Hard", "1"), alert("Soft", "1")]), 0, Progress::Done);
    story.deliver(&hook(vec![alert("Hard", "1")]), 80_000, Progress::Done);
    story.state.episodes.forget(at(86_401), story.policy.auto.remember);
    assert_eq!(story.state.episodes.len(), 1);
    assert!(story.state.episodes.get(&alert("Hard", "1").key("g")).is_some());
}

// Alerts that a rollback itself brings about.

/// A policy whose breaker action makes `Open` fire.
fn policy_with_breaker() -> RollbackPolicy {
    let mut policy = policy();
    policy.hard_gates.push(gate("Open"));
    let mut breaker = action(ActionKind::CircuitState);
    breaker.causes = vec!["Open".to_owned()];
    policy.auto.actions.push(breaker);
    policy.recovery.actions = vec![action(ActionKind::CircuitState), action(ActionKind::Notify)];
    policy
}

/// A story in which `Hard` led to a rollback at the time 0, whose actions ended as `result`.
fn rolled_back(result: Progress) -> Story {
    let mut story = Story::new(policy_with_breaker());
    assert_eq!(words(&story.deliver(&hook(vec![alert("Hard", "1")]), 0, result)), ["rollback"]);
    story
}

fn open(start: &str) -> Hook {
    hook(vec![alert("Open", start)])
}

fn over(start: &str) -> Hook {
    hook(vec![Alert { status: AlertStatus::Resolved, ..alert("Open", start) }])
}

fn recover(story: &mut Story, seconds: i64, result: Progress) {
    let plan = Plan {
        kind: OperationKind::Recovery.into(),
        reason: "it is over".to_owned(),
        alerts: Vec::new(),
        actions: story.policy.recovery.actions.clone(),
        by: Some("a person".to_owned()),
    };
    let id = story.plan(plan, at(seconds));
    story.carry_out(id, at(seconds), result);
}

const LATER: i64 = 3600;

#[test]
fn an_alert_that_the_rollback_brought_about_leads_to_no_other_however_long_it_fires() {
    for result in [Progress::Done, FAILED, Progress::Unknown] {
        let mut story = rolled_back(result);
        for (seconds, word) in [(300, "consequence"), (LATER, "repeated"), (10 * LATER, "repeated")] {
            let decided = story.deliver(&open("2"), seconds, Progress::Done);
            assert_eq!(words(&decided), [word], "{result:?} after {seconds} s");
            assert!(
                decided.rollback.is_none() && decided.notification.is_none() && decided.resume.is_empty()
            );
        }
        assert_eq!(story.state.consequences.open().collect::<Vec<_>>(), [("Open", OperationId(1), 1)]);
    }
}

#[test]
fn also_when_it_is_reported_for_the_first_time_long_after_the_cool_down() {
    let mut story = rolled_back(Progress::Done);
    assert_eq!(words(&story.deliver(&open("2"), 10 * LATER, Progress::Done)), ["consequence"]);
}

#[test]
fn each_instance_has_its_own_and_another_alert_is_none() {
    let mut story = rolled_back(Progress::Done);
    let other = Alert { fingerprint: Some("of another".to_owned()), ..alert("Open", "2") };
    let both = hook(vec![alert("Open", "2"), other]);
    assert_eq!(words(&story.deliver(&both, LATER, Progress::Done)), ["consequence", "consequence"]);
    assert_eq!(words(&story.deliver(&hook(vec![alert("Harder", "2")]), LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_alert_that_comes_again_after_it_was_over_is_a_gate() {
    let mut story = rolled_back(Progress::Done);
    assert_eq!(words(&story.deliver(&open("2"), 300, Progress::Done)), ["consequence"]);
    assert_eq!(words(&story.deliver(&over("2"), LATER, Progress::Done)), ["resolved"]);
    assert_eq!(story.state.consequences.open().count(), 0);
    assert_eq!(words(&story.deliver(&open("3"), 2 * LATER, Progress::Done)), ["rollback"]);
    // The second rollback opened the breaker again, but the episode that led to it is known.
    assert_eq!(words(&story.deliver(&open("3"), 3 * LATER, Progress::Done)), ["repeated"]);
    assert_eq!(words(&story.deliver(&over("3"), 4 * LATER, Progress::Done)), ["resolved"]);
    assert_eq!(words(&story.deliver(&open("4"), 5 * LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn a_new_start_alone_begins_no_episode() {
    let mut story = rolled_back(Progress::Done);
    story.deliver(&open("2"), 300, Progress::Done);
    assert_eq!(words(&story.deliver(&open("3"), LATER, Progress::Done)), ["repeated"]);
    // The alert that led to the rollback, twice with a new start, and late once more with the old one.
    for start in ["2", "3", "1", "3"] {
        let again = hook(vec![alert("Hard", start)]);
        assert_eq!(words(&story.deliver(&again, LATER, Progress::Done)), ["repeated"], "{start}");
    }
    // What a second Alertmanager still says of an old start ends nothing, and begins nothing.
    let resolved = |start: &str| hook(vec![Alert { status: AlertStatus::Resolved, ..alert("Hard", start) }]);
    story.deliver(&resolved("1"), 2 * LATER, Progress::Done);
    assert_eq!(
        words(&story.deliver(&hook(vec![alert("Hard", "4")]), 2 * LATER, Progress::Done)),
        ["repeated"]
    );
    story.deliver(&resolved("4"), 2 * LATER, Progress::Done);
    assert_eq!(
        words(&story.deliver(&hook(vec![alert("Hard", "4")]), 2 * LATER, Progress::Done)),
        ["repeated"]
    );
    story.deliver(&resolved("4"), 2 * LATER, Progress::Done);
    assert_eq!(
        words(&story.deliver(&hook(vec![alert("Hard", "5")]), 3 * LATER, Progress::Done)),
        ["rollback"]
    );
    // Another group is another alert.
    let other = Hook { group_key: "h".to_owned(), ..hook(vec![alert("Hard", "6")]) };
    assert_eq!(words(&story.deliver(&other, 4 * LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn the_end_of_an_episode_is_known_by_a_start_that_was_never_reported() {
    let mut story = rolled_back(Progress::Done);
    let resolved = Alert { status: AlertStatus::Resolved, ..alert("Hard", "2") };
    story.deliver(&hook(vec![resolved]), LATER, Progress::Done);
    assert_eq!(words(&story.deliver(&hook(vec![alert("Hard", "3")]), LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_alert_that_led_to_the_rollback_is_its_reason_and_the_next_one_a_gate() {
    let mut story = Story::new(policy_with_breaker());
    assert_eq!(words(&story.deliver(&open("1"), 0, Progress::Done)), ["rollback"]);
    assert_eq!(words(&story.deliver(&open("1"), LATER, Progress::Done)), ["repeated"]);
    story.deliver(&over("1"), LATER, Progress::Done);
    assert_eq!(words(&story.deliver(&open("2"), 2 * LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_action_that_certainly_had_no_effect_brings_nothing_about() {
    let mut story = rolled_back(NOTHING);
    assert_eq!(words(&story.deliver(&open("2"), LATER, Progress::Done)), ["rollback"]);
    let mut story = rolled_back(Progress::DryRun);
    assert_eq!(words(&story.deliver(&open("2"), LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn the_way_back_makes_it_a_gate_again_unless_it_had_no_effect() {
    for (result, word) in [
        (Progress::Done, "rollback"),
        (FAILED, "rollback"),
        (NOTHING, "consequence"),
        (Progress::DryRun, "consequence"),
    ] {
        let mut story = rolled_back(Progress::Done);
        story.deliver(&open("2"), 300, Progress::Done);
        recover(&mut story, LATER, result);
        assert_eq!(
            words(&story.deliver(&open("2"), LATER + 1, Progress::Done)),
            ["repeated"],
            "still firing"
        );
        let other = Alert { fingerprint: Some("of another".to_owned()), ..alert("Open", "3") };
        assert_eq!(
            words(&story.deliver(&hook(vec![other]), 2 * LATER, Progress::Done)),
            [word],
            "{result:?}"
        );
    }
}

#[test]
fn where_rollbacks_are_off_or_it_is_soft_nobody_is_reported_of_it() {
    let mut story = rolled_back(Progress::Done);
    story.policy.auto.enabled = false;
    assert_eq!(words(&story.deliver(&open("2"), LATER, Progress::Done)), ["consequence"]);
    let mut policy = policy_with_breaker();
    policy.auto.actions[0].causes = vec!["Soft".to_owned()];
    let mut story = Story::new(policy);
    story.deliver(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
    assert_eq!(
        words(&story.deliver(&hook(vec![alert("Soft", "1")]), LATER, Progress::Done)),
        ["consequence"]
    );
}

#[test]
fn a_rollback_that_was_cut_short_continues_for_it_as_for_its_own_alert() {
    let mut story = Story::new(policy_with_breaker());
    let decided = decide(&hook(vec![alert("Hard", "1")]), &story.state, &story.policy, at(0));
    let id = story.plan(decided.rollback.expect("a rollback"), at(0));
    story.start(id, 2, at(0));
    story.end(id, 2, Progress::Done);
    story.close(id, Outcome::Interrupted);
    let decided = story.deliver(&open("2"), 300, Progress::Done);
    assert_eq!(words(&decided), ["resumed"]);
    assert_eq!(words(&story.deliver(&open("2"), LATER, Progress::Done)), ["repeated"]);
}

#[test]
fn what_is_over_in_another_environment_says_nothing_here() {
    let mut story = rolled_back(Progress::Done);
    story.deliver(&open("2"), 300, Progress::Done);
    let mut elsewhere = over("2");
    elsewhere.alerts[0].labels.insert("env".to_owned(), "staging".to_owned());
    assert_eq!(words(&story.deliver(&elsewhere, LATER, Progress::Done)), ["other_environment"]);
    assert_eq!(story.state.consequences.open().count(), 1);
}

#[test]
fn episodes_without_a_fingerprint_count_as_one_alert() {
    let mut story = rolled_back(Progress::Done);
    let bare = |start: &str| hook(vec![Alert { fingerprint: None, ..alert("Open", start) }]);
    assert_eq!(words(&story.deliver(&bare("2"), LATER, Progress::Done)), ["consequence"]);
    assert_eq!(words(&story.deliver(&bare("3"), 2 * LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_episode_that_is_named_twice_is_seen_where_it_fires() {
    let staging = |name: &str| {
        let mut other = Alert { status: AlertStatus::Resolved, ..alert(name, "1") };
        other.labels.insert("env".to_owned(), "staging".to_owned());
        other
    };
    // Two rollbacks that did nothing continue as one, which is for both alerts: neither acts a second time.
    let mut story = Story::new(policy());
    story.deliver(&hook(vec![alert("Harder", "1")]), 0, NOTHING);
    story.deliver(&hook(vec![alert("Hard", "1")]), 0, NOTHING);
    let both = hook(vec![staging("Hard"), alert("Harder", "1"), alert("Hard", "1")]);
    assert_eq!(words(&story.deliver(&both, 0, Progress::Done)), ["other_environment", "resumed", "joined"]);
    assert_eq!(
        words(&story.deliver(&both, 0, Progress::Done)),
        ["other_environment", "repeated", "repeated"]
    );
    // A soft gate notifies, though the same episode resolved elsewhere.
    let mut story = Story::new(policy());
    let soft = hook(vec![staging("Soft"), alert("Soft", "1")]);
    assert_eq!(words(&story.deliver(&soft, 0, Progress::Done)), ["other_environment", "notify"]);
}

fn any_alert() -> impl Strategy<Value = Alert> {
    let name = prop_oneof![Just("Hard"), Just("Harder"), Just("Soft"), Just("Other")];
    (name, 0..3u8, any::<bool>(), 0..10u8).prop_map(|(name, start, is_prod, status)| {
        let mut alert = alert(name, &start.to_string());
        if !is_prod {
            alert.labels.insert("env".to_owned(), "staging".to_owned());
        }
        if status == 0 {
            alert.status = AlertStatus::Resolved;
        }
        alert
    })
}

fn any_result() -> impl Strategy<Value = Progress> {
    prop_oneof![4 => Just(Progress::Done), 1 => Just(FAILED), 1 => Just(NOTHING)]
}

/// Seeds of failures that were found once are tried first.
fn with_found_seeds() -> ProptestConfig {
    let place = proptest::test_runner::FileFailurePersistence::SourceParallel("tests/proptest-regressions");
    ProptestConfig { failure_persistence: Some(Box::new(place)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(with_found_seeds())]

    #[test]
    fn whatever_is_reported_no_episode_acts_twice_and_none_acts_that_must_not(
        deliveries in proptest::collection::vec(
            (proptest::collection::vec(any_alert(), 1..4), 0..3000i64, any_result()), 1..40,
        ),
    ) {
        let mut story = Story::new(policy());
        let mut acted: BTreeMap<AlertKey, u32> = BTreeMap::new();
        let mut seconds = 0;
        let mut last: Option<i64> = None;
        for (alerts, pause, result) in deliveries {
            seconds += pause;
            let delivery = hook(alerts);
            let decided = story.deliver(&delivery, seconds, result);
            prop_assert_eq!(decided.decisions.len(), delivery.alerts.len());
            let acts = decided.rollback.is_some();
            prop_assert!(decided.decisions.iter().filter(|(_, d)| *d == Decision::Rollback).count() <= 1);
            for (alert, (_, decision)) in delivery.alerts.iter().zip(&decided.decisions) {
                if matches!(decision, Decision::Rollback | Decision::Resumed(_) | Decision::Notify | Decision::Joined) {
                    prop_assert_eq!(alert.status, AlertStatus::Firing);
                    prop_assert_eq!(alert.labels["env"].as_str(), "prod");
                    prop_assert!(alert.name() != "Other");
                }
            }
            // Rollbacks that may have had an effect: of each episode at most one.
            let begun = decided.rollback.iter().flat_map(|plan| &plan.alerts);
            let resumed = decided.resume.iter().flat_map(|(_, alerts)| alerts);
            for alert in begun.chain(resumed) {
                prop_assert!(alert.name.starts_with("Hard"));
                if result != NOTHING {
                    let times = acted.entry(alert.key.clone()).or_default();
                    *times += 1;
                    prop_assert_eq!(*times, 1, "an episode acted twice");
                }
            }
            if acts {
                // Rollbacks that may have done something keep the cool-down between them.
                prop_assert!(last.is_none_or(|last| seconds - last >= 15 * MINUTE));
            }
            let resumed_rollback = decided.resume.iter().any(|(id, _)| {
                story.state.operation(*id).is_some_and(|o| o.kind == OperationKind::Rollback)
            });
            if acts && result != NOTHING {
                last = Some(seconds);
            } else if resumed_rollback && result != NOTHING {
                last = last.max(Some(seconds));
            }
            // Told again at the same moment, the same delivery does nothing that had an effect before.
            if result != NOTHING {
                let again = decide(&delivery, &story.state, &story.policy, at(seconds));
                prop_assert!(again.rollback.is_none(), "{again:?}");
                prop_assert!(again.notification.is_none());
                prop_assert!(again.resume.is_empty());
            }
        }
    }
}
