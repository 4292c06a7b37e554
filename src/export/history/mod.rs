//! The history of a run as samples: every iteration at its own time, KPIs in base units. As series of remote write:
//! `soak_iteration_kpi{kpi}` and `soak_iteration_number`, each with `job`, `run`, further labels, and `symbol` where
//! there is one. The names are none of the gauges of `export-prom`, so that a store can have both.
//!
//! What of it a store takes is decided in [`plan`].

pub mod plan;

use std::collections::BTreeMap;

use crate::core::kpi::{KpiId, KpiTable};
use crate::core::series::Series;
use crate::core::verdict::evidence::Evidence;
use crate::export::remote_write_message::{Label, Sample, TimeSeries, WriteRequest};

/// One iteration with what it measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When, milliseconds since 1970.
    pub at: i64,
    pub iteration: u64,
    /// Its symbol, if any.
    pub symbol: Option<String>,
    /// What is known of it, in base units (seconds, ratios).
    pub values: Vec<(KpiId, f64)>,
}

impl Moment {
    /// How many samples it makes: its values and its number.
    pub fn samples(&self) -> usize {
        self.values.len() + 1
    }
}

/// An iteration that has no place in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub iteration: u64,
    /// Its symbol, if any.
    pub symbol: Option<String>,
    pub why: NoPlace,
}

/// Why an iteration has no place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoPlace {
    /// It has no time, or an invalid one.
    NoTime,
    /// A later iteration has the same time, and a store keeps one value a time.
    SameTime,
}

impl NoPlace {
    /// In words, to follow the iterations.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoTime => "`runtime_utc` is missing or no RFC 3339 time",
            Self::SameTime => {
                "a later iteration has the same `runtime_utc`, and a store keeps one value a time"
            }
        }
    }
}

/// The history of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Sorted by time, then symbol; each symbol has every time once.
    pub moments: Vec<Moment>,
    /// Iterations without a place in it, sorted by symbol and number.
    pub left_out: Vec<LeftOut>,
}

impl History {
    /// The history of what was loaded.
    pub fn of(evidence: &Evidence, kpis: &KpiTable) -> Self {
        let mut history = Self::default();
        for series in &evidence.series {
            history.add(series, kpis);
        }
        history.moments.sort_by(|a, b| (a.at, &a.symbol).cmp(&(b.at, &b.symbol)));
        history.left_out.sort_by(|a, b| (&a.symbol, a.iteration).cmp(&(&b.symbol, b.iteration)));
        history
    }

    fn add(&mut self, series: &Series, kpis: &KpiTable) {
        let symbol = &series.symbol;
        let left_out = |iteration, why| LeftOut { iteration, symbol: symbol.clone(), why };
        let mut places: BTreeMap<i64, usize> = BTreeMap::new();
        for (position, row) in series.rows().iter().enumerate() {
            let time = row.instant();
            let Some(time) = time else {
                self.left_out.push(left_out(row.number, NoPlace::NoTime));
                continue;
            };
            if let Some(earlier) = places.insert(time.timestamp_millis(), position) {
                self.left_out.push(left_out(series.number(earlier), NoPlace::SameTime));
            }
        }
        self.moments.extend(places.into_iter().map(|(at, position)| {
            Moment {
                at,
                iteration: series.number(position),
                symbol: symbol.clone(),
                values: kpis
                    .ids()
                    .filter_map(|id| Some((id, series.value(id, position)? / id.base_unit().1)))
                    .collect(),
            }
        }));
    }
}

/// A KPI of an iteration, in base units.
pub const KPI: &str = "soak_iteration_kpi";
/// The number of an iteration; there is one sample of it for every iteration that was sent.
pub const NUMBER: &str = "soak_iteration_number";
/// The label that holds the symbol.
pub const SYMBOL: &str = "symbol";
/// The labels that a user cannot give.
pub const TAKEN: [&str; 5] = ["__name__", "job", "kpi", "run", SYMBOL];

/// A request with these moments. Every series has `labels`.
pub fn request(moments: &[Moment], labels: &BTreeMap<String, String>) -> WriteRequest {
    let mut series: BTreeMap<Vec<Label>, Vec<Sample>> = BTreeMap::new();
    for moment in moments {
        let symbol = moment.symbol.as_deref();
        let mut add = |name: &str, kpi: Option<&str>, value: f64| {
            let own = [("__name__", Some(name)), ("kpi", kpi), (SYMBOL, symbol)];
            let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
            // The map sorts them, as the protocol requires it.
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
    use crate::core::iteration::Iteration;
    use crate::core::series::Interner;

    /// Iterations 1, 2, … at these times, with a net edge of as many bps as their number.
    fn evidence(times: &[Option<&str>]) -> Evidence {
        let kpis = KpiTable::default();
        let mut series = Series::new(None, kpis.columns());
        let mut interner = Interner::default();
        for (number, time) in (1..).zip(times) {
            let mut values = vec![None; kpis.columns()];
            values[KpiId::NET_BPS.index()] = Some(number as f64);
            values[KpiId::P95_LATENCY_MS.index()] = Some(250.0);
            let time = time.map(Into::into);
            series.push(Iteration { number, time, values, ..Iteration::default() }, &mut interner);
        }
        Evidence { series: vec![series], ..Evidence::default() }
    }

    fn history(times: &[Option<&str>]) -> History {
        History::of(&evidence(times), &KpiTable::default())
    }

    #[test]
    fn each_iteration_is_at_its_own_time_in_base_units() {
        let reported = history(&[Some("1970-01-01T00:00:02.500Z"), Some("1970-01-01T01:00:01+01:00")]);
        let moment = |at, iteration, net| Moment {
            at,
            iteration,
            symbol: None,
            values: vec![(KpiId::NET_BPS, net), (KpiId::P95_LATENCY_MS, 0.25)],
        };
        assert_eq!(reported.moments, [moment(1000, 2, 0.0002), moment(2500, 1, 0.0001)]);
        assert_eq!((reported.left_out, reported.moments[0].samples()), (Vec::new(), 3));
    }

    #[test]
    fn iterations_without_a_time_or_with_that_of_a_later_one_are_left_out_and_named() {
        let same = Some("2026-01-01T00:00:00Z");
        let reported = history(&[same, None, same, Some("yesterday"), same]);
        let left_out: Vec<(u64, NoPlace)> =
            reported.left_out.iter().map(|left| (left.iteration, left.why)).collect();
        assert_eq!(
            left_out,
            [(1, NoPlace::SameTime), (2, NoPlace::NoTime), (3, NoPlace::SameTime), (4, NoPlace::NoTime)]
        );
        assert_eq!(reported.moments.iter().map(|moment| moment.iteration).collect::<Vec<_>>(), [5]);
    }

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
        let reported: Vec<(String, Vec<(i64, f64)>)> = request
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
            reported,
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
