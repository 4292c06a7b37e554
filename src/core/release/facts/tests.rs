//! Each reason against a release by itself, and all at once.

use super::*;

type Change = fn(&mut Facts);

fn good() -> Facts {
    Facts {
        commits: vec!["0123456789abcdef".to_owned()],
        deltas: DeltaFacts { asked: 0.95, full_apply_ratio: Some(0.95), status: Some(Status::Verified) },
        freeze_ready: true,
        iterations: 16,
        iterations_asked: 16,
        limits: "production".to_owned(),
        no_wait: false,
        outcome: Outcome::Pass,
        outcome_reason: "holds".to_owned(),
        out_of_bounds: Vec::new(),
        readiness: "OK".to_owned(),
        readiness_failures: Vec::new(),
        simulated: false,
        source: Some("prometheus".to_owned()),
        unsoaked: Vec::new(),
    }
}

fn needs(facts: &Facts, rehearsal: bool) -> Vec<String> {
    facts.refusals(rehearsal).into_iter().map(|refusal| refusal.needs).collect()
}

#[test]
fn only_a_run_that_has_everything_is_released() {
    assert_eq!(needs(&good(), false), Vec::<String>::new());
    for outcome in
        [Outcome::Warn, Outcome::Inconclusive, Outcome::Fail, Outcome::Invalid, Outcome::NotApplicable]
    {
        assert_eq!(needs(&Facts { outcome, ..good() }, false), ["verdict"]);
    }
    let changed: [(Change, &str); 12] = [
        (|facts| facts.freeze_ready = false, "freeze"),
        (|facts| facts.readiness = "HOLD".to_owned(), "readiness"),
        (|facts| facts.deltas.full_apply_ratio = Some(0.9499), "deltas"),
        (|facts| facts.deltas.status = Some(Status::Unverifiable), "deltas"),
        (|facts| facts.deltas.status = None, "deltas"),
        (|facts| facts.iterations = 15, "iterations"),
        (|facts| facts.source = None, "source"),
        (|facts| facts.no_wait = true, "wait"),
        (|facts| facts.limits = "mock".to_owned(), "limits"),
        (|facts| facts.commits.push("fedcba9".to_owned()), "commit"),
        (|facts| facts.out_of_bounds.push("x".to_owned()), "bounds"),
        (|facts| facts.unsoaked.push("x".to_owned()), "profile"),
    ];
    for (change, expected) in changed {
        let mut facts = good();
        change(&mut facts);
        assert_eq!(needs(&facts, false), [expected]);
    }
}

#[test]
fn every_reason_is_named_at_once() {
    let facts = Facts {
        outcome: Outcome::Fail,
        freeze_ready: false,
        readiness: "HOLD".to_owned(),
        simulated: true,
        no_wait: true,
        limits: "mock".to_owned(),
        iterations: 3,
        deltas: DeltaFacts { asked: 0.95, full_apply_ratio: Some(0.5), status: Some(Status::Verified) },
        ..good()
    };
    assert_eq!(
        needs(&facts, false),
        ["verdict", "freeze", "readiness", "deltas", "source", "wait", "limits", "iterations"]
    );
    assert_eq!(needs(&facts, true), ["verdict", "freeze", "readiness", "deltas", "iterations"]);
}

#[test]
fn nothing_proposed_is_nothing_missed_and_a_ratio_is_never_rounded_onto_its_limit() {
    let mut facts = good();
    facts.deltas = DeltaFacts { asked: 0.95, full_apply_ratio: None, status: Some(Status::NoProposals) };
    assert_eq!(needs(&facts, false), Vec::<String>::new());
    facts.deltas = DeltaFacts { asked: 0.95, full_apply_ratio: Some(0.9499), status: Some(Status::Verified) };
    let reason = &facts.refusals(false)[0].reason;
    assert_eq!(reason, "the full-apply ratio of the tuning is 0.9499, asked >= 0.95");
}

#[test]
fn a_profile_is_what_the_last_iteration_ran_with_to_a_billionth() {
    let values = |pairs: &[(&str, f64)]| {
        ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
    };
    let soaked = values(&[("min_interval_ms", 60.0), ("tail_age_ms", 600.0)]);
    let told = |pairs: &[(&str, f64)]| differences(&soaked, &values(pairs), "iteration 24");
    assert_eq!(told(&[("min_interval_ms", 60.0), ("tail_age_ms", 600.0)]), Vec::<String>::new());
    assert_eq!(told(&[("min_interval_ms", 60.0 + 9e-10), ("tail_age_ms", 600.0)]), Vec::<String>::new());
    assert_eq!(
        told(&[("min_interval_ms", 65.0), ("tail_age_ms", 600.0)]),
        ["min_interval_ms is 65, iteration 24 ran with 60"]
    );
    assert_eq!(
        told(&[("min_interval_ms", 60.0), ("max_age_ms", 1.5)]),
        [
            "max_age_ms is 1.5, iteration 24 ran without it",
            "tail_age_ms is missing, iteration 24 ran with 600"
        ]
    );
    assert_eq!(told(&[("min_interval_ms", 60.0 + 2e-9), ("tail_age_ms", 600.0)]).len(), 1);
}

#[test]
fn a_short_commit_is_the_beginning_of_its_long_form() {
    assert!(is_same_commit("0123456", "0123456789abcdef"));
    assert!(is_same_commit("0123456789ABCDEF", "0123456"));
    assert!(!is_same_commit("012345", "0123456789abcdef"));
    assert!(!is_same_commit("0123457", "0123456789abcdef"));
    assert!(is_same_commit("v1", "v1"));
    assert!(!is_same_commit("0123456", "é123456789abcdef"));
}
