//! The sentences, and what follows from what.

use super::*;
use crate::core::course::pace::PaceSource;
use crate::core::course::{changes as levels, drift as drifts};
use crate::core::judge::fixture::limit;
use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::WindowSpec;
use crate::core::verdict::Severity;

fn rules(gates: bool) -> ChangeRules {
    ChangeRules {
        course: CourseRules {
            gates,
            severity: Severity::Hard,
            window: WindowSpec::Steady,
            false_alarm_rate: limit(0.05),
            min_iterations: limit(48.0),
            relative_change: limit(0.05),
        },
        min_segment: 6,
    }
}

fn net(n: u64, level: impl Fn(u64) -> f64) -> Column {
    Column {
        kpi: KpiId::NET_BPS,
        direction: Some(Direction::Higher),
        floor: 0.05,
        limit: Some((Comparison::AtLeast, 2.7)),
        points: (1..=n).map(|at| (at, level(at) + (at * 7 % 13) as f64 / 20.0 - 0.3)).collect(),
    }
}

fn check_with(column: &Column, gates: bool, pace: Option<Pace>) -> (Check, Check) {
    let kpis = KpiTable::default();
    let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(9), n: 9 };
    let scene = Scene { kpis: &kpis, window: &window, symbol: Some("BTC"), pace, family: 1 };
    let rules = rules(gates);
    let columns = std::slice::from_ref(column);
    (
        drift(&drifts::find(columns, &rules.course)[0], column, &rules.course, scene),
        changes(&levels::find(columns, &rules)[0], column, &rules, scene),
    )
}

fn checked(column: &Column, gates: bool) -> (Check, Check) {
    check_with(column, gates, None)
}

#[test]
fn a_drift_for_the_worse_is_a_miss_with_everything_to_redo_it() {
    let column = net(60, |at| 5.0 - 0.02 * at as f64);
    let hourly = Some(Pace { hours: 0.25, source: PaceSource::TimeStamps });
    let (check, _) = check_with(&column, true, hourly);
    assert_eq!((check.outcome, check.joins, check.gate.as_str()), (Outcome::Fail, true, "kpi_drift.net_bps"));
    assert_eq!((check.window.first, check.window.last, check.window.n), (Some(1), Some(60), 60));
    assert_eq!((check.statistic.as_str(), check.symbol.as_deref()), ("slope_per_hour", Some("BTC")));
    let inference = check.inference.expect("a line was fitted");
    // Four iterations an hour: -0.02 each are -0.08 an hour.
    let observed = check.observed.expect("a slope");
    assert!((observed + 0.08).abs() < 0.01, "{observed}");
    assert!(inference.low < Some(observed) && Some(observed) < inference.high);
    assert!(inference.p_adjusted.is_some_and(|p| p < 0.001));
    assert_eq!(inference.correction.as_deref(), Some("Holm over 1 KPI"));
    let told = &check.reason;
    assert!(told.starts_with("`net_bps` gets steadily worse: -0.08"), "{told}");
    assert!(
        told.contains(" bps/h (95 % sure: -0.0") && told.contains(" bps from iteration 1 to 60"),
        "{told}"
    );
    assert!(
        told.contains("; at this rate the limit >= 2.70 bps is reached in ") && told.ends_with(" h"),
        "{told}"
    );
    let (unpaced, _) = checked(&column, true);
    assert_eq!(unpaced.statistic, "slope_per_iteration");
    assert!(unpaced.reason.contains(" bps per iteration") && unpaced.reason.ends_with(" iterations"));
}

#[test]
fn a_steady_kpi_passes_both() {
    let (drift, changes) = checked(&net(60, |_| 5.0), true);
    assert_eq!((drift.outcome, changes.outcome), (Outcome::Pass, Outcome::Pass));
    assert!(drift.reason.starts_with("`net_bps` shows no steady drift for the worse: "), "{}", drift.reason);
    assert_eq!(changes.reason, "`net_bps` keeps its level");
}

#[test]
fn below_the_minimum_nothing_is_decided_whatever_is_seen() {
    for n in [1, 15, 20, 47] {
        let column = net(n, |at| 9.0 - 0.1 * at as f64);
        let (drift, changes) = checked(&column, true);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::Inconclusive, Outcome::Inconclusive), "{n}");
        let told = "are there, it takes 48 to decide";
        assert!(drift.reason.contains(told) && changes.reason.contains(told), "{}", drift.reason);
        let (drift, changes) = checked(&column, false);
        assert_eq!((drift.outcome, changes.outcome), (Outcome::NotApplicable, Outcome::NotApplicable), "{n}");
        assert!(!drift.joins && !changes.joins);
    }
    let (drift, _) = checked(&net(48, |at| 9.0 - 0.1 * at as f64), true);
    assert_eq!(drift.outcome, Outcome::Fail);
    let (drift, changes) = checked(&net(0, |_| 0.0), true);
    assert_eq!((drift.outcome, changes.outcome), (Outcome::Inconclusive, Outcome::Inconclusive));
    assert_eq!(drift.reason, "`net_bps` has no value to look at");
}

#[test]
fn a_walk_is_inconclusive_for_both() {
    let bow = net(60, |at| (at as f64 - 30.0) * (at as f64 - 30.0));
    let (drift, changes) = checked(&bow, true);
    assert_eq!((drift.outcome, changes.outcome), (Outcome::Inconclusive, Outcome::Inconclusive));
    assert!(drift.reason.contains("resemble each other so much"), "{}", drift.reason);
    assert!(changes.reason.contains("walks without a level"), "{}", changes.reason);
}

#[test]
fn a_change_is_told_with_place_size_and_direction() {
    let (_, check) = checked(&net(100, |at| if at < 60 { 5.0 } else { 3.0 }), true);
    assert_eq!(check.outcome, Outcome::Fail);
    let told = &check.reason;
    assert!(told.starts_with("`net_bps` worsened from 5.00 bps to 3.0"), "{told}");
    assert!(
        told.contains("at iteration 60 (-") && told.contains("; 59 iterations before, 41 after)"),
        "{told}"
    );
    assert_eq!(
        check.inference.and_then(|inference| inference.correction).as_deref(),
        Some("search over positions; Holm over 1 KPI")
    );
    let (_, better) = checked(&net(100, |at| if at < 60 { 3.0 } else { 5.0 }), true);
    assert_eq!(better.outcome, Outcome::Pass);
    assert!(better.reason.contains("changed from"), "{}", better.reason);
    let (_, back) = checked(&net(120, |at| if (41..81).contains(&at) { 3.0 } else { 5.0 }), true);
    assert_eq!(back.outcome, Outcome::Warn);
    assert!(back.reason.ends_with("it came back to where it was"), "{}", back.reason);
}

#[test]
fn a_spike_is_named_and_changes_nothing() {
    let (_, check) = checked(&net(60, |at| if at == 17 { 30.0 } else { 5.0 }), true);
    assert_eq!(check.outcome, Outcome::Pass);
    assert!(
        check.reason.contains("; a spike in iteration 17 (") && check.reason.ends_with("counts as no change")
    );
}

#[test]
fn numbers_have_their_sign_and_unit() {
    let kpis = KpiTable::default();
    let net = kpis.get(KpiId::NET_BPS);
    let half = Some(Pace { hours: 0.5, source: PaceSource::Manifest });
    assert_eq!(slope_text(net, -0.02, half), "-0.040 bps/h");
    assert_eq!(slope_text(net, 0.02, None), "+0.020 bps per iteration");
    assert_eq!(slope_text(kpis.get(KpiId::RISK_RATIO), 0.0, half), "0.0000/h");
    assert_eq!(movement(net, 0.4), "+0.40 bps");
    assert_eq!(
        (duration(28.6, half), duration(28.6, None)),
        ("14.3 h".to_owned(), "29 iterations".to_owned())
    );
}
