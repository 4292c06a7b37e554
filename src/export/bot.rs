//! The metrics of a simulated trading system, by the contract of `core::bot_metrics`.
//!
//! Every family of the contract is written, with its type and help from there; a gauge that is not known has no
//! sample.

use crate::core::iteration::bot_metrics;
use crate::core::iteration::bot_metrics::{
    BREAKER_STATES, CONTRACT, Histogram, Kind, LiveBot, Meter, Recent,
};
use crate::report::exposition::Exposition;
use crate::report::metrics::flag;

use chrono::{DateTime, Utc};

/// Writes what the system shows at this time.
pub(crate) fn bot(out: &mut Exposition, bot: &LiveBot, now: DateTime<Utc>) {
    let meter = bot.at(now);
    let recent = meter.recent();
    let edges = bot.edges();
    for metric in CONTRACT {
        match metric.kind {
            Kind::Histogram => {
                family(out, metric.name);
                if let Some(histogram) = histogram(&meter, metric.name) {
                    let labels: Vec<(&str, &str)> =
                        metric.label.iter().map(|label| (*label, metric.values[0])).collect();
                    buckets(out, metric.name, &labels, histogram);
                }
            }
            Kind::Counter => {
                family(out, metric.name);
                counter(out, metric.name, metric.label, metric.values, &meter);
            }
            Kind::Gauge if metric.name == "mm_circuit_breaker_state" => {
                family(out, metric.name);
                let state = BREAKER_STATES[if recent.is_some_and(|recent| recent.is_open) { 2 } else { 0 }];
                for value in BREAKER_STATES {
                    out.sample(metric.name, &[("state", value)], flag(value == state));
                }
            }
            Kind::Gauge => {
                if let Some(value) = gauge(metric.name, recent.as_ref(), edges) {
                    family(out, metric.name);
                    out.sample(metric.name, &[], value);
                }
            }
        }
    }
}

fn family(out: &mut Exposition, name: &str) {
    let metric = bot_metrics::metric(name);
    out.family(metric.name, metric.kind.word(), metric.help);
}

fn gauge(name: &str, recent: Option<&Recent>, [hour, day]: [Option<f64>; 2]) -> Option<f64> {
    match name {
        "mm_edge_bps_ema1h" => hour,
        "mm_edge_bps_ema24h" => day,
        "mm_active_orders" => Some(recent?.active_orders),
        "mm_gross_bps" => recent?.gross_bps,
        "mm_hit_ratio" => Some(recent?.hit_ratio),
        "mm_maker_share_ratio" => recent?.maker_share,
        "mm_net_bps" => recent?.net_bps,
        "mm_position_ratio" => Some(recent?.position),
        "mm_ws_lag_seconds_max" => Some(recent?.ws_lag_max),
        _ => None,
    }
}

fn counter(out: &mut Exposition, name: &str, label: Option<&str>, values: &[&str], meter: &Meter) {
    let several: Vec<f64> = match name {
        "mm_blocks_total" => meter.blocks.to_vec(),
        "mm_fill_volume_total" => meter.volume.to_vec(),
        "mm_guard_trips_total" => meter.guard_trips.iter().map(|trips| *trips as f64).collect(),
        "mm_deadline_missed_total" => vec![meter.missed as f64],
        "mm_decisions_total" => vec![meter.decisions],
        "mm_md_cache_hits_total" => vec![meter.hits],
        "mm_md_cache_misses_total" => vec![meter.misses],
        "mm_order_errors_total" => vec![meter.errors],
        "mm_orders_cancelled_total" => vec![meter.cancelled],
        "mm_orders_placed_total" => vec![meter.placed],
        "mm_ticks_total" => vec![meter.ticks as f64],
        _ => Vec::new(),
    };
    match label {
        None => several.iter().for_each(|value| out.sample(name, &[], *value)),
        Some(label) => {
            for (value, total) in values.iter().zip(several) {
                out.sample(name, &[(label, *value)], total);
            }
        }
    }
}

fn histogram<'m>(meter: &'m Meter, name: &str) -> Option<&'m Histogram> {
    match name {
        "mm_adverse_bps" => Some(&meter.adverse),
        "mm_order_age_seconds" => Some(&meter.order_age),
        "mm_slippage_bps" => Some(&meter.slippage),
        "mm_stage_duration_seconds" => Some(&meter.fetch_md),
        "mm_tick_to_order_seconds" => Some(&meter.tick_to_order),
        "mm_tick_total_seconds" => Some(&meter.tick_total),
        "mm_ws_lag_seconds" => Some(&meter.ws_lag),
        _ => None,
    }
}

fn buckets(out: &mut Exposition, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
    let bucket = format!("{name}_bucket");
    let mut sample = |bound: &str, count: u64| {
        let mut all = labels.to_vec();
        all.push(("le", bound));
        out.sample(&bucket, &all, count as f64);
    };
    for (bound, count) in histogram.buckets() {
        sample(&format!("{bound}"), count);
    }
    sample("+Inf", histogram.count());
    out.sample(&format!("{name}_sum"), labels, histogram.sum());
    out.sample(&format!("{name}_count"), labels, histogram.count() as f64);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::core::iteration::bot_metrics::Observation;

    fn exposition() -> String {
        let mut live = LiveBot::default();
        let seen = Observation {
            maker: 0.75,
            taker: 0.25,
            net: 2.0,
            gross: 3.0,
            hit: 0.5,
            ..Observation::default()
        };
        live.begin(vec![seen; 4], DateTime::UNIX_EPOCH, Duration::ZERO);
        live.edge(DateTime::UNIX_EPOCH, 2.5);
        let mut out = Exposition::default();
        bot(&mut out, &live, DateTime::UNIX_EPOCH);
        out.finish()
    }

    #[test]
    fn every_family_of_the_contract_has_its_type_and_a_sample() {
        let text = exposition();
        let typed: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(ToOwned::to_owned).collect();
        let expected: Vec<String> =
            CONTRACT.iter().map(|metric| format!("{} {}", metric.name, metric.kind.word())).collect();
        assert_eq!(typed, expected);
        let sampled: BTreeSet<&str> = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.split(['{', ' ']).next().unwrap_or_default())
            .collect();
        for metric in CONTRACT {
            let suffixes: &[&str] =
                if metric.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
            for suffix in suffixes {
                assert!(sampled.contains(&*format!("{}{suffix}", metric.name)), "{}{suffix}", metric.name);
            }
        }
    }

    #[test]
    fn values_are_those_of_the_ticks() {
        let text = exposition();
        for line in [
            "mm_ticks_total 4",
            "mm_md_cache_hits_total 2",
            "mm_md_cache_misses_total 2",
            "mm_fill_volume_total{liquidity=\"maker\"} 3",
            "mm_fill_volume_total{liquidity=\"taker\"} 1",
            "mm_net_bps 2",
            "mm_gross_bps 3",
            "mm_maker_share_ratio 0.75",
            "mm_hit_ratio 0.5",
            "mm_edge_bps_ema24h 2.5",
            "mm_circuit_breaker_state{state=\"closed\"} 1",
            "mm_circuit_breaker_state{state=\"open\"} 0",
            "mm_guard_trips_total{guard=\"loss\"} 0",
            "mm_tick_total_seconds_bucket{le=\"0.005\"} 4",
            "mm_tick_total_seconds_bucket{le=\"+Inf\"} 4",
            "mm_stage_duration_seconds_bucket{stage=\"fetch_md\",le=\"+Inf\"} 4",
            "mm_stage_duration_seconds_count{stage=\"fetch_md\"} 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn before_the_first_tick_counters_are_at_zero_and_gauges_without_a_value_are_not_there() {
        let mut out = Exposition::default();
        bot(&mut out, &LiveBot::default(), DateTime::UNIX_EPOCH);
        let text = out.finish();
        assert!(
            text.contains("\nmm_ticks_total 0\n")
                && text.contains("mm_guard_trips_total{guard=\"loss\"} 0\n")
        );
        assert!(!text.contains("mm_net_bps"), "{text}");
    }
}
