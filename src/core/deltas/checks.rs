//! The checks of the delta verification: full-apply ratio and stuck signatures.
//!
//! Compares unrounded; rounding is the business of reports.

use super::{Status, Verification};
use crate::core::policy::{DeltaRules, Limit};
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed};

/// One check for each limit of the policy. They do not apply when nothing was proposed or nothing can be seen.
pub fn checks(
    verification: &Verification,
    rules: &DeltaRules,
    strict: bool,
    window: &WindowUsed,
    symbol: Option<&str>,
) -> Vec<Check> {
    let counts = &verification.counts;
    let applies = verification.status == Status::Verified;
    let why_not = match verification.status {
        Status::NoProposals => "nothing was proposed, so there is nothing to verify".to_owned(),
        _ => format!(
            "the iterations do not show the overrides around any of the {} proposals said to be applied, so \
             they cannot be verified",
            counts.claimed
        ),
    };
    let build =
        |gate: &str, statistic: &str, comparison: Comparison, limit: &Limit, seen: f64, words: String| {
            let holds = comparison.holds(seen, limit.value);
            let (outcome, reason) = match (applies, holds) {
                (false, _) => (Outcome::NotApplicable, why_not.clone()),
                (true, true) => (Outcome::Pass, words),
                (true, false) => (Outcome::Fail, words),
            };
            Check {
                part: Part::Deltas,
                gate: gate.to_owned(),
                kpi: None,
                symbol: symbol.map(str::to_owned),
                severity: Severity::Hard,
                window: window.clone(),
                statistic: statistic.to_owned(),
                comparison: Some(comparison),
                limit: Some(limit.value),
                observed: applies.then_some(seen),
                margin: applies.then(|| comparison.margin(seen, limit.value)),
                outcome,
                reason,
                limit_source: Some(limit.source.clone()),
                joins: rules.gates,
                inference: None,
            }
        };
    let ratio_limit = if strict { &rules.full_apply_ratio_strict } else { &rules.full_apply_ratio };
    let in_order = counts.in_order();
    vec![
        build(
            "deltas.full_apply_ratio",
            "full_apply_ratio",
            Comparison::AtLeast,
            ratio_limit,
            verification.full_apply_ratio.unwrap_or_default(),
            format!("{in_order} of {} proposals were applied or left out with a reason", counts.proposed),
        ),
        build(
            "deltas.signature_stuck",
            "count",
            Comparison::AtMost,
            &rules.signature_stuck_max,
            counts.stuck as f64,
            format!("{} proposals were said to be applied and changed nothing", counts.stuck),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, Verification};
    use super::*;
    use crate::core::verdict::LimitSource;
    use std::collections::BTreeMap;

    fn limit(value: f64, key: &str) -> Limit {
        Limit { value, source: LimitSource { key: key.into(), origin: "test".into() } }
    }

    fn rules(gates: bool) -> DeltaRules {
        DeltaRules {
            gates,
            full_apply_ratio: limit(0.90, "deltas.full_apply_ratio"),
            full_apply_ratio_strict: limit(0.95, "deltas.full_apply_ratio_strict"),
            signature_stuck_max: limit(1.0, "deltas.signature_stuck_max"),
        }
    }

    fn window() -> WindowUsed {
        WindowUsed { name: "overall".into(), first: Some(1), last: Some(9), n: 9 }
    }

    fn verified(full: usize, failed: usize, stuck: usize) -> Verification {
        let proposed = full + failed + stuck;
        Verification {
            pairs: Vec::new(),
            counts: Counts { proposed, full, failed, stuck, claimed: proposed, ..Counts::default() },
            misses: BTreeMap::new(),
            full_apply_ratio: Some(full as f64 / proposed as f64),
            strict_apply_ratio: Some(full as f64 / proposed as f64),
            status: Status::Verified,
        }
    }

    fn outcomes(verification: &Verification, strict: bool) -> (Outcome, Outcome) {
        let checks = checks(verification, &rules(true), strict, &window(), None);
        (checks[0].outcome, checks[1].outcome)
    }

    #[test]
    fn the_ratio_holds_at_its_limit_and_fails_just_below() {
        assert_eq!(outcomes(&verified(9, 1, 0), false).0, Outcome::Pass);
        assert_eq!(outcomes(&verified(8999, 1001, 0), false).0, Outcome::Fail);
        assert_eq!(outcomes(&verified(9001, 999, 0), false).0, Outcome::Pass);
        assert_eq!(outcomes(&verified(19, 1, 0), true).0, Outcome::Pass);
        assert_eq!(outcomes(&verified(18, 1, 0), true).0, Outcome::Fail);
        assert_eq!(outcomes(&verified(9, 1, 0), true).0, Outcome::Fail);
    }

    #[test]
    fn a_ratio_that_only_rounds_up_to_the_limit_fails() {
        // 9496 / 10000 = 0.9496, which three digits would show as 0.950.
        assert_eq!(outcomes(&verified(9496, 504, 0), true).0, Outcome::Fail);
        assert_eq!(outcomes(&verified(9500, 500, 0), true).0, Outcome::Pass);
    }

    #[test]
    fn one_stuck_signature_is_allowed_and_two_are_not() {
        assert_eq!(outcomes(&verified(98, 0, 0), false).1, Outcome::Pass);
        assert_eq!(outcomes(&verified(98, 0, 1), false).1, Outcome::Pass);
        assert_eq!(outcomes(&verified(98, 0, 2), false).1, Outcome::Fail);
    }

    #[test]
    fn a_check_carries_everything_to_redo_it() {
        let checks = checks(&verified(8, 2, 0), &rules(true), true, &window(), Some("BTCUSDT"));
        let ratio = &checks[0];
        assert_eq!(ratio.gate, "deltas.full_apply_ratio");
        assert_eq!(ratio.part, Part::Deltas);
        assert_eq!(ratio.symbol.as_deref(), Some("BTCUSDT"));
        assert_eq!(ratio.severity, Severity::Hard);
        assert_eq!(ratio.comparison, Some(Comparison::AtLeast));
        assert_eq!((ratio.limit, ratio.observed), (Some(0.95), Some(0.8)));
        assert!(ratio.margin.is_some_and(|margin| (margin + 0.15).abs() < 1e-12));
        assert_eq!(
            ratio.limit_source.as_ref().map(|s| s.key.as_str()),
            Some("deltas.full_apply_ratio_strict")
        );
        assert_eq!(ratio.window, window());
        assert_eq!(ratio.reason, "8 of 10 proposals were applied or left out with a reason");
        assert_eq!(checks[1].gate, "deltas.signature_stuck");
        assert_eq!(
            (checks[1].limit, checks[1].observed, checks[1].margin),
            (Some(1.0), Some(0.0), Some(1.0))
        );
    }

    #[test]
    fn the_policy_decides_whether_the_checks_join_the_verdict() {
        for gates in [true, false] {
            let checks = checks(&verified(1, 0, 0), &rules(gates), false, &window(), None);
            assert!(checks.iter().all(|check| check.joins == gates));
        }
    }

    #[test]
    fn checks_do_not_apply_to_nothing_and_say_why() {
        let nothing = Verification {
            pairs: Vec::new(),
            counts: Counts { none: 8, ..Counts::default() },
            misses: BTreeMap::new(),
            full_apply_ratio: None,
            strict_apply_ratio: None,
            status: Status::NoProposals,
        };
        let unseen = Verification {
            counts: Counts { proposed: 3, claimed: 3, unverifiable: 3, ..Counts::default() },
            status: Status::Unverifiable,
            ..nothing.clone()
        };
        for (verification, words) in [(nothing, "nothing was proposed"), (unseen, "cannot be verified")] {
            for check in checks(&verification, &rules(true), false, &window(), None) {
                assert_eq!(check.outcome, Outcome::NotApplicable);
                assert_eq!((check.observed, check.margin), (None, None));
                assert!(check.reason.contains(words), "{}", check.reason);
            }
        }
    }
}
