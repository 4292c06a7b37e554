//! Alerts that a rollback itself brings about.

use super::*;

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
    assert_eq!(words(&story.tell(&hook(vec![alert("Hard", "1")]), 0, result)), ["rollback"]);
    story
}

fn open(start: &str) -> Hook {
    hook(vec![alert("Open", start)])
}

fn over(start: &str) -> Hook {
    hook(vec![Alert { status: AlertStatus::Resolved, ..alert("Open", start) }])
}

fn recover(story: &mut Story, seconds: i64, result: Progress) {
    let id = PlanId(story.next);
    story.next += 1;
    story.state.planned(Plan {
        id,
        kind: PlanKind::Recovery,
        at: at(seconds),
        reason: "it is over".to_owned(),
        alerts: Vec::new(),
        actions: story.policy.recovery.actions.clone(),
    });
    story.carry_out(id, at(seconds), result);
}

const LATER: i64 = 3600;

#[test]
fn an_alert_that_the_rollback_brought_about_leads_to_no_other_however_long_it_fires() {
    for result in [Progress::Done, FAILED, Progress::Unknown] {
        let mut story = rolled_back(result);
        for (seconds, word) in [(300, "consequence"), (LATER, "repeated"), (10 * LATER, "repeated")] {
            let decided = story.tell(&open("2"), seconds, Progress::Done);
            assert_eq!(words(&decided), [word], "{result:?} after {seconds} s");
            assert!(
                decided.rollback.is_none() && decided.notification.is_none() && decided.resume.is_empty()
            );
        }
        assert_eq!(story.state.consequences().open().collect::<Vec<_>>(), [("Open", PlanId(1), 1)]);
    }
}

#[test]
fn also_when_it_is_told_for_the_first_time_long_after_the_cool_down() {
    let mut story = rolled_back(Progress::Done);
    assert_eq!(words(&story.tell(&open("2"), 10 * LATER, Progress::Done)), ["consequence"]);
}

#[test]
fn each_instance_has_its_own_and_another_alert_is_none() {
    let mut story = rolled_back(Progress::Done);
    let other = Alert { fingerprint: Some("of another".to_owned()), ..alert("Open", "2") };
    let both = hook(vec![alert("Open", "2"), other]);
    assert_eq!(words(&story.tell(&both, LATER, Progress::Done)), ["consequence", "consequence"]);
    assert_eq!(words(&story.tell(&hook(vec![alert("Harder", "2")]), LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_alert_that_comes_again_after_it_was_over_is_a_gate() {
    let mut story = rolled_back(Progress::Done);
    assert_eq!(words(&story.tell(&open("2"), 300, Progress::Done)), ["consequence"]);
    assert_eq!(words(&story.tell(&over("2"), LATER, Progress::Done)), ["resolved"]);
    assert_eq!(story.state.consequences().open().count(), 0);
    assert_eq!(words(&story.tell(&open("3"), 2 * LATER, Progress::Done)), ["rollback"]);
    // The second rollback opened the breaker again, but the episode that led to it is known.
    assert_eq!(words(&story.tell(&open("3"), 3 * LATER, Progress::Done)), ["repeated"]);
    assert_eq!(words(&story.tell(&open("4"), 4 * LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn also_when_nobody_told_that_it_was_over() {
    let mut story = rolled_back(Progress::Done);
    story.tell(&open("2"), 300, Progress::Done);
    assert_eq!(words(&story.tell(&open("3"), LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_alert_that_led_to_the_rollback_is_its_reason_and_the_next_one_a_gate() {
    let mut story = Story::new(policy_with_breaker());
    assert_eq!(words(&story.tell(&open("1"), 0, Progress::Done)), ["rollback"]);
    assert_eq!(words(&story.tell(&open("1"), LATER, Progress::Done)), ["repeated"]);
    assert_eq!(words(&story.tell(&open("2"), 2 * LATER, Progress::Done)), ["rollback"]);
}

#[test]
fn an_action_that_certainly_had_no_effect_brings_nothing_about() {
    let mut story = rolled_back(NOTHING);
    assert_eq!(words(&story.tell(&open("2"), LATER, Progress::Done)), ["rollback"]);
    let mut story = rolled_back(Progress::DryRun);
    assert_eq!(words(&story.tell(&open("2"), LATER, Progress::Done)), ["rollback"]);
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
        story.tell(&open("2"), 300, Progress::Done);
        recover(&mut story, LATER, result);
        assert_eq!(words(&story.tell(&open("2"), LATER + 1, Progress::Done)), ["repeated"], "still firing");
        let other = Alert { fingerprint: Some("of another".to_owned()), ..alert("Open", "3") };
        assert_eq!(words(&story.tell(&hook(vec![other]), 2 * LATER, Progress::Done)), [word], "{result:?}");
    }
}

#[test]
fn where_rollbacks_are_off_or_it_is_soft_nobody_is_told_of_it() {
    let mut story = rolled_back(Progress::Done);
    story.policy.auto.enabled = false;
    assert_eq!(words(&story.tell(&open("2"), LATER, Progress::Done)), ["consequence"]);
    let mut policy = policy_with_breaker();
    policy.auto.actions[0].causes = vec!["Soft".to_owned()];
    let mut story = Story::new(policy);
    story.tell(&hook(vec![alert("Hard", "1")]), 0, Progress::Done);
    assert_eq!(words(&story.tell(&hook(vec![alert("Soft", "1")]), LATER, Progress::Done)), ["consequence"]);
}

#[test]
fn a_rollback_that_was_cut_short_goes_on_for_it_as_for_its_own_alert() {
    let mut story = Story::new(policy_with_breaker());
    let decided = decide(&hook(vec![alert("Hard", "1")]), &story.state, &story.policy, at(0));
    let Draft { kind, reason, alerts, actions } = decided.rollback.expect("a rollback");
    let id = PlanId(1);
    story.next = 2;
    story.state.planned(Plan { id, kind, at: at(0), reason, alerts, actions });
    story.state.started(id, 2, at(0));
    story.state.ended(id, 2, Progress::Done);
    story.state.closed(id, PlanOutcome::Interrupted);
    let decided = story.tell(&open("2"), 300, Progress::Done);
    assert_eq!(words(&decided), ["resumed"]);
    assert_eq!(words(&story.tell(&open("2"), LATER, Progress::Done)), ["repeated"]);
}

#[test]
fn what_is_over_in_another_environment_says_nothing_here() {
    let mut story = rolled_back(Progress::Done);
    story.tell(&open("2"), 300, Progress::Done);
    let mut elsewhere = over("2");
    elsewhere.alerts[0].labels.insert("env".to_owned(), "staging".to_owned());
    assert_eq!(words(&story.tell(&elsewhere, LATER, Progress::Done)), ["other_environment"]);
    assert_eq!(story.state.consequences().open().count(), 1);
}

#[test]
fn episodes_without_a_fingerprint_count_as_one_alert() {
    let mut story = rolled_back(Progress::Done);
    let bare = |start: &str| hook(vec![Alert { fingerprint: None, ..alert("Open", start) }]);
    assert_eq!(words(&story.tell(&bare("2"), LATER, Progress::Done)), ["consequence"]);
    assert_eq!(words(&story.tell(&bare("3"), 2 * LATER, Progress::Done)), ["rollback"]);
}
