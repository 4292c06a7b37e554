//! From an edge report to the summary of an iteration.

use chrono::DateTime;
use soak::core::kpi::KpiId;
use soak::run::iteration::EdgeReport;
use soak::run::iteration::counters::Counters;
use soak::run::iteration::summary::{metrics, summarise};
use soak::run::iteration::{IterationSummary, KpiVerdict, MakerSource};

use super::{POLICY, quiet, report};

fn summary(report: &EdgeReport) -> IterationSummary {
    summarise(&POLICY, report, false, &Counters::default(), DateTime::UNIX_EPOCH)
}

fn value(report: &EdgeReport, kpi: KpiId) -> Option<f64> {
    summary(report).values[kpi.index()]
}

#[test]
fn shares_of_refusals_come_from_their_reasons_and_may_be_percentages() {
    let totals = report(&[
        ("block_reasons.risk.ratio", 38.0),
        ("block_reasons.risk.count", 380.0),
        ("risk_ratio", 0.9),
        ("block_reasons.min_interval.ratio", 0.1),
        ("concurrency_ratio", 0.05),
    ]);
    assert_eq!(value(&totals, KpiId::RISK_RATIO), Some(0.38));
    assert_eq!(value(&totals, KpiId::MIN_INTERVAL_RATIO), Some(0.1));
    assert_eq!(value(&totals, KpiId::CONCURRENCY_RATIO), Some(0.05));
    let summary = summary(&totals);
    assert_eq!(summary.blocks.counts.get("risk"), Some(&380.0));
    assert_eq!(summary.blocks.ratios.get("risk"), Some(&0.38));
    // At 1 it is a share, above it a percentage.
    for (raw, share) in
        [(1.0, Some(1.0)), (1.5, Some(0.015)), (100.0, Some(1.0)), (100.5, None), (-0.1, None)]
    {
        assert_eq!(value(&report(&[("block_reasons.risk.ratio", raw)]), KpiId::RISK_RATIO), share, "{raw}");
    }
}

#[test]
fn percentiles_fall_back_to_their_means_and_say_so() {
    let totals = report(&[("adverse_bps", 2.5), ("slippage_bps_p95", 1.5), ("slippage_bps", 9.0)]);
    assert_eq!(value(&totals, KpiId::ADVERSE_BPS_P95), Some(2.5));
    assert_eq!(value(&totals, KpiId::SLIPPAGE_BPS_P95), Some(1.5));
    assert_eq!(summary(&totals).fallbacks, [(KpiId::ADVERSE_BPS_P95, "adverse_bps".to_owned())]);
}

#[test]
fn the_maker_share_is_by_volume_else_by_count_else_as_told_else_unknown() {
    let volume = [("fills.maker_volume", 3.0), ("fills.taker_volume", 1.0)];
    let count = [("fills.maker_count", 8.0), ("fills.taker_count", 2.0)];
    let told = [("maker_share_pct", 90.0), ("maker_taker_ratio", 0.6)];
    let share = |numbers: &[(&str, f64)]| {
        let summary = summary(&report(numbers));
        (summary.values[KpiId::MAKER_TAKER_RATIO.index()], summary.maker_source)
    };
    let all: Vec<(&str, f64)> = [volume, count, told].concat();
    assert_eq!(share(&all), (Some(0.75), Some(MakerSource::FillsVolume)));
    assert_eq!(share(&all[2..]), (Some(0.8), Some(MakerSource::FillsCount)));
    assert_eq!(share(&all[4..]), (Some(0.9), Some(MakerSource::MakerSharePct)));
    assert_eq!(share(&all[5..]), (Some(0.6), Some(MakerSource::Reported)));
    assert_eq!(share(&[]), (None, None));
    // Nothing was traded: that is no share of 0.
    let idle = [("fills.maker_volume", 0.0), ("fills.taker_volume", 0.0)];
    assert_eq!(share(&idle), (None, None));
    assert_eq!(share(&[("maker_share_pct", 100.1)]), (None, None));
    let refused = |numbers: &[(&str, f64)]| summary(&report(numbers)).above_highest;
    let maker = KpiId::MAKER_TAKER_RATIO;
    assert_eq!(refused(&[("maker_share_pct", 100.1)]), [(maker, "maker_share_pct".to_owned(), 100.1)]);
    // Another number of the same KPI takes its place, and what is too low is only noted.
    assert_eq!(refused(&[("maker_share_pct", 100.1), ("maker_taker_ratio", 0.6)]), []);
    assert_eq!(refused(&[("maker_share_pct", -1.0)]), []);
    let risk = "block_reasons.risk.ratio";
    assert_eq!(refused(&[(risk, 137.0)]), [(KpiId::RISK_RATIO, risk.to_owned(), 137.0)]);
}

#[test]
fn the_first_name_that_is_present_wins_also_with_null() {
    assert_eq!(value(&report(&[("edge_bps", 2.0), ("net", 3.0)]), KpiId::NET_BPS), Some(3.0));
    let mut null = report(&[("net", 3.0)]);
    null.numbers.insert("net_bps".to_owned(), None);
    assert_eq!(value(&null, KpiId::NET_BPS), None);
    assert_eq!(summary(&null).notes, ["`net_bps` has no usable number"]);
    // Where the source knows why, one reason is enough.
    null.notes.push("`net_bps`: no series".to_owned());
    assert_eq!(summary(&null).notes, ["`net_bps`: no series"]);
    assert_eq!(value(&report(&[("fees_eff_bps", 0.4)]), KpiId::FEES_BPS), Some(0.4));
}

#[test]
fn what_cannot_be_is_missing_and_noted() {
    let mut totals = report(&[("p95_latency_ms", -1.0)]);
    totals.notes.push("`KPI_GATE.json` is no JSON".to_owned());
    let summary = summary(&totals);
    assert_eq!(summary.values[KpiId::P95_LATENCY_MS.index()], None);
    let expected =
        ["`KPI_GATE.json` is no JSON", "`p95_latency_ms` is -1, which cannot be, and was left out"];
    assert_eq!(summary.notes, expected);
}

#[test]
fn the_verdict_of_an_iteration_has_strict_limits_and_reasons() {
    use KpiVerdict::{Fail, Pass, Warn};
    for (key, value, steady, warming) in [
        ("risk_ratio", 0.40, Pass, Pass),
        ("risk_ratio", 0.401, Warn, Warn),
        ("risk_ratio", 0.50, Warn, Warn),
        ("risk_ratio", 0.501, Fail, Warn),
        ("net_bps", 2.0, Pass, Pass),
        ("net_bps", 1.999, Fail, Warn),
        ("adverse_bps_p95", 3.0, Pass, Pass),
        ("adverse_bps_p95", 3.001, Warn, Warn),
        ("p95_latency_ms", 350.0, Pass, Pass),
        ("p95_latency_ms", 350.1, Pass, Warn),
    ] {
        let totals = quiet(&[(key, value)]);
        assert_eq!(summary(&totals).kpi_verdict, Some(steady), "{key} {value}");
        assert_eq!(
            summarise(&POLICY, &totals, true, &Counters::default(), DateTime::UNIX_EPOCH).kpi_verdict,
            Some(warming),
            "{key} {value}"
        );
    }
    let reasons = summary(&quiet(&[("risk_ratio", 0.51), ("adverse_bps_p95", 3.2)])).kpi_reasons;
    assert_eq!(
        reasons,
        ["FAIL: risk_ratio 0.51 > 0.50", "WARN: risk_ratio 0.51 > 0.40", "WARN: adverse_bps_p95 3.20 > 3.00"]
    );
}

#[test]
fn a_missing_kpi_of_the_verdict_is_a_warning_that_names_it() {
    let mut totals = quiet(&[]);
    totals.numbers.remove("net_bps");
    let summary = summary(&totals);
    assert_eq!(summary.kpi_verdict, Some(KpiVerdict::Warn));
    assert_eq!(summary.kpi_reasons, ["WARN: net_bps is missing"]);
}

#[test]
fn the_limits_on_edge_reports_are_told_where_they_are_missed() {
    let mut totals = quiet(&[("adverse_bps_p95", 4.2), ("cancel_ratio", 60.0), ("order_age_p95_ms", 361.0)]);
    for (key, value) in [("ws_lag_p95_ms", 100.0), ("maker_share_pct", 90.0)] {
        totals.numbers.insert(key.to_owned(), Some(value));
    }
    assert_eq!(
        summary(&totals).edge_gate,
        [
            "edge_report.adverse_bps_p95: WARN 4.2 > 4",
            "edge_report.cancel_ratio: WARN 0.6 > 0.55",
            "edge_report.order_age_p95_ms: FAIL 361 > 360"
        ]
    );
}

#[test]
fn a_share_above_1_among_the_metrics_is_a_percentage_and_a_latency_is_none() {
    for (raw, share) in [(0.85, 0.85), (1.0, 1.0), (1.5, 0.015), (85.0, 0.85), (100.0, 1.0)] {
        for name in ["mm_hit_ratio", "mm_maker_share_ratio", "mm_deadline_miss_rate"] {
            assert_eq!(metrics(&POLICY, &report(&[(name, raw)])).get(name), Some(&share), "{name} {raw}");
        }
    }
    let latency = metrics(&POLICY, &report(&[("tick_latency_ms.p95", 90.0)]));
    assert_eq!(latency.get("tick_latency_ms.p95"), Some(&90.0));
}

#[test]
fn metrics_are_those_of_the_run_gates_and_the_median_tick() {
    let totals = report(&[
        ("tick_latency_ms.p50", 20.0),
        ("tick_latency_ms.p95", 90.0),
        ("tick_latency_ms.p99", 190.0),
        ("mm_hit_ratio", 0.8),
        ("net_bps", 3.0),
    ]);
    let metrics = metrics(&POLICY, &totals);
    let found: Vec<(&str, f64)> = metrics.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    assert_eq!(found, [("mm_hit_ratio", 0.8), ("tick_latency_ms.p50", 20.0), ("tick_latency_ms.p95", 90.0)]);
}
