//! The history of a run as series of remote write: `soak_iteration_kpi{kpi}` in base units and
//! `soak_iteration_number`, each with `job`, `run`, further labels, and `symbol` where there is one.
//!
//! The names are none of the gauges of `export-prom`, so that a store can have both.

use std::collections::BTreeMap;

use super::remote_write::{Label, Sample, TimeSeries, WriteRequest};
use crate::core::history::Moment;

/// A KPI of an iteration, in base units.
pub const KPI: &str = "soak_iteration_kpi";
/// The number of an iteration; there is one sample of it for every iteration that was sent.
pub const NUMBER: &str = "soak_iteration_number";
/// The label that holds the symbol.
pub const SYMBOL: &str = "symbol";
/// The labels that a user cannot give.
pub const TAKEN: [&str; 5] = ["__name__", "job", "kpi", "run", SYMBOL];

/// A request with these moments. `labels` stand on every series.
pub fn request(moments: &[Moment], labels: &BTreeMap<String, String>) -> WriteRequest {
    let mut series: BTreeMap<Vec<Label>, Vec<Sample>> = BTreeMap::new();
    for moment in moments {
        let symbol = moment.symbol.as_deref();
        let mut add = |name: &str, kpi: Option<&str>, value: f64| {
            let own = [("__name__", Some(name)), ("kpi", kpi), (SYMBOL, symbol)];
            let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
            // The map sorts them, as the protocol wants it.
            let all: BTreeMap<&str, &str> =
                labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own).collect();
            let all =
                all.into_iter().map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() });
            series.entry(all.collect()).or_default().push(Sample { value, timestamp: moment.at });
        };
        add(NUMBER, None, moment.iteration as f64);
        for (kpi, value) in &moment.values {
            add(KPI, Some(&kpi.base_unit().0), *value);
        }
    }
    let timeseries = series.into_iter().map(|(labels, samples)| TimeSeries { labels, samples }).collect();
    WriteRequest { timeseries }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kpi::KpiId;

    #[test]
    fn moments_become_series_with_sorted_labels_and_ascending_times() {
        let moment = |at, iteration, value| Moment {
            at,
            iteration,
            symbol: Some("BTC".to_owned()),
            values: vec![(KpiId::P95_LATENCY_MS, value)],
        };
        let labels = BTreeMap::from([
            ("run".to_owned(), "r".to_owned()),
            ("job".to_owned(), "soak".to_owned()),
            ("Zone".to_owned(), "z".to_owned()),
        ]);
        let request = request(&[moment(1000, 1, 0.25), moment(2000, 2, 0.5)], &labels);
        let told: Vec<(String, Vec<(i64, f64)>)> = request
            .timeseries
            .iter()
            .map(|series| {
                let labels: Vec<String> =
                    series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
                (
                    labels.join(","),
                    series.samples.iter().map(|sample| (sample.timestamp, sample.value)).collect(),
                )
            })
            .collect();
        // Sorted by the bytes of the name: capitals, then the underscore, then the rest.
        assert_eq!(
            told,
            [
                (
                    "Zone=z,__name__=soak_iteration_kpi,job=soak,kpi=p95_latency_seconds,run=r,symbol=BTC"
                        .to_owned(),
                    vec![(1000, 0.25), (2000, 0.5)]
                ),
                (
                    "Zone=z,__name__=soak_iteration_number,job=soak,run=r,symbol=BTC".to_owned(),
                    vec![(1000, 1.0), (2000, 2.0)]
                ),
            ]
        );
    }
}
