//! Laws that hold for any story of deliveries.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

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

proptest! {
    #[test]
    fn whatever_is_told_no_episode_acts_twice_and_none_acts_that_must_not(
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
            let decided = story.tell(&delivery, seconds, result);
            prop_assert_eq!(decided.decisions.len(), delivery.alerts.len());
            let acts = decided.rollback.is_some();
            prop_assert!(decided.decisions.iter().filter(|(_, d)| *d == Decision::Act).count() <= 1);
            for (alert, (_, decision)) in delivery.alerts.iter().zip(&decided.decisions) {
                if matches!(decision, Decision::Act | Decision::Resume(_) | Decision::Notify | Decision::Join) {
                    prop_assert_eq!(alert.status, AlertStatus::Firing);
                    prop_assert_eq!(alert.labels["env"].as_str(), "prod");
                    prop_assert!(alert.name() != "Other");
                }
            }
            // Rollbacks that may have had an effect: of each episode at most one.
            let begun = decided.rollback.iter().flat_map(|draft| &draft.alerts);
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
                story.state.undertaking(*id).is_some_and(|u| u.plan.kind == PlanKind::Rollback)
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
