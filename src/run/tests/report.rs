//! Run gates at their boundaries, and what has no value.

use crate::core::kpi::KpiId;
use crate::core::policy::Limit;
use crate::core::verdict::{Comparison, LimitSource};
use crate::run::iteration::IterationRecord;
use crate::run::metrics::{MetricsCollector, *};
use crate::run::records::{delivering, failed, record, with};

fn gate(name: &str, metric: &str, severity: Severity, comparison: Comparison, limit: f64) -> RunGate {
    let key = format!("run_gates.{name}.limit");
    let source = LimitSource { key, origin: "a test".to_owned() };
    let limit = Limit { value: limit, source };
    RunGate { name: name.to_owned(), metric: metric.to_owned(), severity, comparison, limit }
}

fn latency(severity: Severity) -> RunGate {
    gate("latency_p95", "tick_latency_ms.p95", severity, Comparison::AtMost, 150.0)
}

fn report(records: &[IterationRecord], gates: &[RunGate]) -> RunReport {
    let mut collector = MetricsCollector::default();
    for record in records {
        collector.push(record);
    }
    RunReport::judge(collector.finish(), gates)
}

#[test]
fn a_gate_holds_at_its_limit_and_is_missed_just_beyond() {
    let outcome = |value: f64, severity: Severity| {
        report(&[delivering(record(1), "tick_latency_ms.p95", value)], &[latency(severity)]).outcome
    };
    assert_eq!(outcome(149.999, Severity::Hard), Outcome::Pass);
    assert_eq!(outcome(150.0, Severity::Hard), Outcome::Pass);
    assert_eq!(outcome(150.001, Severity::Hard), Outcome::Fail);
    assert_eq!(outcome(150.001, Severity::Soft), Outcome::Warn);
    let edge = gate("edge", "mm_edge_bps_ema24h", Severity::Hard, Comparison::AtLeast, 2.0);
    let outcome = |net: f64| {
        let records: Vec<IterationRecord> =
            (1..=40).map(|n| with(record(n), KpiId::NET_BPS, Some(net))).collect();
        report(&records, std::slice::from_ref(&edge)).outcome
    };
    assert_eq!((outcome(2.001), outcome(2.0), outcome(1.999)), (Outcome::Pass, Outcome::Pass, Outcome::Fail));
}

#[test]
fn a_metric_that_nobody_delivered_is_invalid_also_for_a_soft_gate() {
    for severity in [Severity::Hard, Severity::Soft] {
        let report = report(&[record(1), failed(2, "x")], &[latency(severity)]);
        let check = &report.checks[0];
        assert_eq!((check.outcome, check.observed, check.margin), (Outcome::Invalid, None, None));
        assert_eq!(
            check.reason,
            "`tick_latency_ms.p95` was not delivered in any of 2 iterations (1 collection failed)"
        );
        assert_eq!(report.outcome, Outcome::Invalid);
        assert_eq!(report.misses_a_hard_gate(), severity == Severity::Hard);
    }
}

#[test]
fn the_reason_can_be_redone_by_hand() {
    let records = [
        delivering(record(1), "tick_latency_ms.p95", 100.0),
        delivering(record(2), "tick_latency_ms.p95", 200.0),
    ];
    let report = report(&records, &[latency(Severity::Hard)]);
    let check = &report.checks[0];
    // Position 1 · 0.95 between 100 and 200.
    assert_eq!(check.reason, "p95 195 of 2 iterations misses <= 150 by 45");
    assert_eq!((check.observed, check.margin), (Some(195.0), Some(-45.0)));
    assert_eq!((check.window.first, check.window.last, check.window.n), (Some(1), Some(2), 2));
    assert_eq!(report.reason(), "run_gates.latency_p95: p95 195 of 2 iterations misses <= 150 by 45");
    assert!(report.misses_a_hard_gate());
}

#[test]
fn values_that_cannot_be_true_are_named_where_they_leave_nothing() {
    let hit = gate("hit_ratio", "mm_hit_ratio", Severity::Hard, Comparison::AtLeast, 0.7);
    let report = report(&[delivering(record(1), "mm_hit_ratio", 75.0)], &[hit]);
    assert_eq!(
        report.checks[0].reason,
        "`mm_hit_ratio` was not delivered in any of 1 iteration; 1 delivered value that cannot be true left out"
    );
}

#[test]
fn a_gate_on_an_unknown_metric_is_invalid_and_says_what_there_is() {
    let odd = gate("odd", "mm_hitratio", Severity::Hard, Comparison::AtLeast, 0.7);
    let report = report(&[record(1)], &[odd]);
    assert_eq!(report.outcome, Outcome::Invalid);
    assert!(
        report.checks[0]
            .reason
            .starts_with("`mm_hitratio` is no metric of a run; there are duration_hours, ")
    );
}

#[test]
fn nothing_collected_and_no_gates_are_never_a_pass() {
    let edge = gate("edge", "duration_hours", Severity::Hard, Comparison::AtLeast, 0.0);
    assert_eq!(report(&[], &[edge]).outcome, Outcome::Invalid);
    assert_eq!(report(&[], &[]).reason(), "no iteration was completed");
    let dead = report(&[failed(1, "a"), failed(2, "b")], &[latency(Severity::Soft)]);
    assert_eq!(
        (dead.outcome, dead.reason().as_str()),
        (Outcome::Invalid, "nothing was collected: 2 collections failed")
    );
    let ungated = report(&[record(1)], &[]);
    assert_eq!((ungated.outcome, ungated.reason().as_str()), (Outcome::Invalid, "no run gate is in force"));
}

#[test]
fn the_worst_gate_decides_and_stands_first() {
    let gates = [
        gate("duration", "duration_hours", Severity::Soft, Comparison::AtLeast, 72.0),
        gate("edge", "mm_edge_bps_ema24h", Severity::Hard, Comparison::AtLeast, 2.0),
        latency(Severity::Hard),
    ];
    let report = report(&[delivering(record(1), "tick_latency_ms.p95", 151.0)], &gates);
    let outcomes: Vec<Outcome> = report.checks.iter().map(|check| check.outcome).collect();
    assert_eq!(outcomes, [Outcome::Warn, Outcome::Pass, Outcome::Fail]);
    assert_eq!(report.outcome, Outcome::Fail);
    assert_eq!(report.reasons()[0].gate, "run_gates.latency_p95");
}
