//! Metrics of a run against values calculated by hand.

use chrono::TimeDelta;

use crate::run::metrics::*;
use crate::run::records::{delivering, failed, record, start, with};

fn metrics(records: &[IterationRecord]) -> RunMetrics {
    let mut collector = MetricsCollector::default();
    for record in records {
        collector.push(record);
    }
    collector.finish()
}

#[track_caller]
fn value(metrics: &RunMetrics, name: &str) -> (Option<f64>, usize) {
    let metric = metrics.get(name).expect("a metric of a run");
    (metric.value, metric.n)
}

#[track_caller]
fn close(found: (Option<f64>, usize), expected: f64, n: usize) {
    let actual = found.0.expect("a value");
    assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    assert_eq!(found.1, n);
}

#[test]
fn the_names_are_those_of_the_metrics() {
    assert_eq!(metrics(&[]).metrics.iter().map(|metric| metric.name).collect::<Vec<_>>(), NAMES);
}

#[test]
fn a_metric_can_come_from_its_own_key_or_from_a_kpi() {
    let can = |metric: &str, keys: &[&str]| can_come_from(metric, keys.iter().copied(), &KpiTable::default());
    assert!(can("duration_hours", &[]));
    assert!(can(P95, &["net_bps", P95]) && !can(P95, &["net_bps", P50]));
    for ema in ["mm_edge_bps_ema1h", "mm_edge_bps_ema24h"] {
        assert!(can(ema, &["net_bps"]) && can(ema, &["edge_bps"]) && !can(ema, &["risk_ratio"]));
    }
    for key in [MAKER_SHARE, "maker_taker_ratio", "maker_share_pct", "fills.maker_volume"] {
        assert!(can(MAKER_SHARE, &[key]), "{key}");
    }
    assert!(!can(MAKER_SHARE, &["net_bps"]) && !can("mm_hit_ratio", &["maker_share_pct"]));
}

#[test]
fn latencies_are_the_median_of_the_medians_and_the_95th_percentile_of_the_percentiles() {
    let records: Vec<IterationRecord> = (1..=5u32)
        .map(|n| {
            let record = delivering(record(u64::from(n)), P50, f64::from(n * 10));
            delivering(record, P95, f64::from(100 + n))
        })
        .collect();
    let metrics = metrics(&records);
    close(value(&metrics, P50), 30.0, 5);
    // Position 4 · 0.95 = 3.8: between 104 and 105.
    close(value(&metrics, P95), 104.8, 5);
}

#[test]
fn ratios_are_means_and_the_lag_is_the_largest() {
    let records = [
        delivering(delivering(record(1), "mm_hit_ratio", 0.7), WS_LAG, 120.0),
        delivering(delivering(record(2), "mm_hit_ratio", 0.8), WS_LAG, 250.0),
        delivering(record(3), "mm_hit_ratio", 0.6),
    ];
    let metrics = metrics(&records);
    close(value(&metrics, "mm_hit_ratio"), 0.7, 3);
    close(value(&metrics, WS_LAG), 250.0, 2);
    assert_eq!(value(&metrics, "mm_deadline_miss_rate"), (None, 0));
}

#[test]
fn a_maker_share_that_is_not_delivered_is_the_iterations_maker_taker_ratio() {
    let kpi = |record, value| with(record, KpiId::MAKER_TAKER_RATIO, Some(value));
    let records = [delivering(kpi(record(1), 0.2), MAKER_SHARE, 0.9), kpi(record(2), 0.8), record(3)];
    let metrics = metrics(&records);
    close(value(&metrics, MAKER_SHARE), 0.85, 2);
    assert_eq!(metrics.maker_fallbacks, 1);
}

#[test]
fn edges_weigh_half_as_much_after_each_half_life() {
    // One hour apart: net 4, 2, 8 with weights 1/4, 1/2, 1.
    let hourly = |number: u64, net: f64| {
        let mut record = with(record(number), KpiId::NET_BPS, Some(net));
        record.ends = start() + TimeDelta::hours(i64::try_from(number).expect("small"));
        record.starts = record.ends - TimeDelta::hours(1);
        record
    };
    let metrics = metrics(&[hourly(1, 4.0), hourly(2, 2.0), hourly(3, 8.0)]);
    close(value(&metrics, "mm_edge_bps_ema1h"), 10.0 / 1.75, 3);
    // With a half life of a day the weights are 2^(-2/24), 2^(-1/24), 1.
    let (w1, w2) = (libm::exp2(-2.0 / 24.0), libm::exp2(-1.0 / 24.0));
    close(value(&metrics, "mm_edge_bps_ema24h"), (4.0 * w1 + 2.0 * w2 + 8.0) / (w1 + w2 + 1.0), 3);
    close(value(&metrics, "duration_hours"), 3.0, 3);
}

#[test]
fn a_pause_between_sessions_is_no_duration_but_lets_values_age() {
    let mut late = with(record(2), KpiId::NET_BPS, Some(1.0));
    late.starts = start() + TimeDelta::minutes(5 + 55);
    late.ends = late.starts + TimeDelta::minutes(5);
    let metrics = metrics(&[record(1), late]);
    close(value(&metrics, "duration_hours"), 10.0 / 60.0, 2);
    // The ends are one hour apart: (3 · ½ + 1) ÷ 1.5.
    close(value(&metrics, "mm_edge_bps_ema1h"), 2.5 / 1.5, 2);
}

#[test]
fn a_failed_collection_is_counted_and_adds_nothing_but_time() {
    let mut dead = failed(2, "no report");
    dead.metrics.insert("mm_hit_ratio".to_owned(), 0.0);
    let metrics = metrics(&[delivering(record(1), "mm_hit_ratio", 0.7), dead]);
    assert_eq!((metrics.iterations, metrics.failed, metrics.collected()), (2, 1, 1));
    close(value(&metrics, "mm_hit_ratio"), 0.7, 1);
    close(value(&metrics, "duration_hours"), 10.0 / 60.0, 2);
    assert_eq!((metrics.first, metrics.last), (Some(1), Some(2)));
}

#[test]
fn what_cannot_be_true_is_left_out_and_counted() {
    for (name, bad) in [
        ("mm_hit_ratio", 70.0),
        ("mm_hit_ratio", -0.1),
        (P95, -1.0),
        (P50, f64::NAN),
        (WS_LAG, f64::INFINITY),
        (MAKER_SHARE, 1.01),
    ] {
        let metrics = metrics(&[delivering(record(1), name, bad)]);
        assert_eq!((value(&metrics, name), metrics.impossible), ((None, 0), 1), "{name} {bad}");
    }
    let edges = metrics(&[delivering(delivering(record(1), "mm_hit_ratio", 1.0), MAKER_SHARE, 0.0)]);
    assert_eq!((value(&edges, "mm_hit_ratio").0, value(&edges, MAKER_SHARE).0), (Some(1.0), Some(0.0)));
}

#[test]
fn without_iterations_nothing_has_a_value() {
    let metrics = metrics(&[]);
    assert!(metrics.metrics.iter().all(|metric| metric.value.is_none() && metric.n == 0));
    assert!(metrics.metrics.is_sorted_by_key(|metric| metric.name));
    assert_eq!(metrics.ended, None);
}
