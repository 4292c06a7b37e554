//! Panic revert.

use soak::core::iteration::params::ParamName;
use soak::core::kpi::KpiId;
use soak::run::iteration::tuning::SkipCode;
use soak::run::iteration::{EdgeReport, Incomplete};
use soak::run::iteration::{KpiVerdict, Phase};

use super::{POLICY, Planner, Run, dropped, planner, quiet};

/// KPI FAIL by its risk; MODERATE proposes.
fn bad() -> EdgeReport {
    quiet(&[("risk_ratio", 0.51)])
}

#[test]
fn three_failures_in_a_row_put_the_safe_profile_in_force() {
    let mut run = Run::of(planner());
    for number in 1..=2 {
        let slipping = [("risk_ratio", 0.51), ("slippage_bps_p95", 2.6)];
        let record = run.step(Ok(quiet(if number == 1 { &slipping } else { &slipping[..1] })));
        assert_eq!(record.summary.kpi_verdict, Some(KpiVerdict::Fail));
        assert_eq!((record.state.fail_streak, record.tuning.panic_revert), (number, false));
    }
    let third = run.step(Ok(bad()));
    assert!(third.tuning.panic_revert);
    assert_eq!((third.tuning.skip, third.tuning.applied()), (Some(SkipCode::PanicRevert), false));
    // The cap went to its floor of 0.09 in two steps before.
    let codes = [("impact_cap_ratio", SkipCode::AtBound), ("min_interval_ms", SkipCode::PanicRevert)];
    assert_eq!(dropped(third), codes);
    assert_ne!(third.tuning.old_hash, third.tuning.state_hash);
    assert_eq!(third.state.fail_streak, 0);
    let safe = &POLICY.run.profile("steady_safe").expect("a profile").values;
    assert_eq!(safe.len(), 11);
    for (name, value) in safe.iter() {
        assert_eq!(third.state.overrides.get(name), Some(value), "{name}");
    }
    // The row starts anew, and so do the values that count as the tuner's own.
    let fourth = run.step(Ok(quiet(&[("risk_ratio", 0.51), ("slippage_bps_p95", 2.6)])));
    assert!(!fourth.tuning.panic_revert);
    let own = |name: &str| fourth.state.applied_values.get(&ParamName::flat(name)).cloned();
    assert_eq!(own("min_interval_ms"), Some(vec![60.0, 65.0, 70.0]), "MODERATE stops at 75");
    assert_eq!(own("base_spread_bps_delta"), Some(vec![0.15, 0.17]), "0.15 is the profile's");
    assert!(!run.step(Ok(bad())).tuning.panic_revert);
    assert!(run.step(Ok(bad())).tuning.panic_revert);
}

#[test]
fn a_pass_ends_the_row_of_failures_and_missing_data_does_not() {
    let mut run = Run::of(planner());
    run.step(Ok(bad()));
    run.step(Ok(bad()));
    run.step(Ok(quiet(&[])));
    assert_eq!(run.state.fail_streak, 0);
    run.step(Ok(bad()));
    run.step(Ok(bad()));
    let failed = run.step(Err("timed out".to_owned()));
    assert_eq!((failed.state.fail_streak, failed.tuning.panic_revert), (2, false));
    assert_eq!(failed.summary.kpi_verdict, None);
    assert!(run.step(Ok(bad())).tuning.panic_revert);
}

#[test]
fn the_last_iteration_never_reverts() {
    let mut run = Run::of(Planner { iterations: 3, ..planner() });
    run.step(Ok(bad()));
    run.step(Ok(bad()));
    let last = run.step(Ok(bad()));
    assert_eq!((last.tuning.panic_revert, last.tuning.skip), (false, Some(SkipCode::FinalIteration)));
    assert_eq!(last.state.fail_streak, 3);
    assert_eq!(last.state.overrides, last.overrides);
}

#[test]
fn failures_do_not_count_in_the_warm_up_and_a_revert_ends_the_ramp_down_of_what_it_sets() {
    let preset = POLICY.run.preset("warmup_conservative_v1");
    let mut run = Run::of(Planner { warmup: preset, ..planner() });
    for _ in 1..=4 {
        let record = run.step(Ok(bad()));
        assert_eq!((record.phase, record.summary.kpi_verdict), (Phase::Warmup, Some(KpiVerdict::Warn)));
        assert_eq!(record.state.fail_streak, 0);
    }
    run.step(Ok(bad()));
    run.step(Ok(bad()));
    assert!(run.step(Ok(bad())).tuning.panic_revert);

    // With one failure enough, the first iteration of the ramp-down reverts.
    let mut hasty = POLICY.clone();
    hasty.run.patience.panic_after_fails = 1;
    let preset = hasty.run.preset("warmup_conservative_v1");
    let mut run = Run::of(Planner { policy: &hasty, warmup: preset, ..planner() });
    for _ in 1..=4 {
        run.step(Ok(quiet(&[])));
    }
    assert!(!run.state.phase_offset.is_empty());
    let fifth = run.step(Ok(bad()));
    assert!(fifth.tuning.panic_revert && fifth.state.phase_offset.is_empty());
    let sixth = run.step(Ok(quiet(&[])));
    assert_eq!(
        (sixth.phase, sixth.overrides.clone()),
        (Phase::Rampdown, run.records[4].state.overrides.clone())
    );
}

#[test]
fn only_a_source_that_answers_nothing_it_must_adds_to_the_row_that_ends_a_run() {
    let incomplete = |is_alive| EdgeReport {
        incomplete: Some(Incomplete { reason: "`a`: no series".to_owned(), is_alive }),
        ..quiet(&[("net_bps", 1.5)])
    };
    let mut run = Run::of(planner());
    let record = run.step(Ok(incomplete(false)));
    // What was measured is kept, and judged by nobody.
    assert_eq!(record.collection_failed.as_deref(), Some("`a`: no series"));
    assert_eq!(record.summary.values[KpiId::NET_BPS.index()], Some(1.5));
    assert_eq!((record.summary.kpi_verdict, record.tuning.skip), (None, Some(SkipCode::NoData)));
    assert_eq!(record.state.failed_collections, 1);
    assert_eq!(run.step(Err("timed out".to_owned())).state.failed_collections, 2);
    assert_eq!(run.step(Ok(incomplete(true))).state.failed_collections, 0);
    assert_eq!(run.step(Ok(incomplete(false))).state.failed_collections, 1);
    assert_eq!(run.step(Ok(quiet(&[]))).state.failed_collections, 0);
}
