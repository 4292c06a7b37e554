//! What later iterations of a run need of the earlier ones, resumed or not: the readings of counters, the watched process,
//! and when the last iteration ended.
//!
//! Counters: of a KPI of kind `counter` the source delivers the count, and the KPI is its rate per second.
//!
//! The rate is that between two readings, also over iterations without one. Each reading is recorded in its iteration, so
//! that a run that is resumed goes on with the last. A count that is smaller than before was reset: what it shows then
//! was counted since.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::core::kpi::KpiId;
use crate::core::trend::resources::ProcessId;
use crate::run::iteration::IterationRecord;

/// The last reading of each counter, and the last process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    readings: BTreeMap<KpiId, (DateTime<Utc>, f64)>,
    /// The process that the last sample of the resources was taken of; `None` = none is known.
    pub(crate) process: Option<ProcessId>,
    /// When the last iteration ended; `None` = there was none.
    pub(crate) ended: Option<DateTime<Utc>>,
}

/// What a counter shows since the reading before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    /// That it was reset, for a person.
    pub(crate) reset: Option<String>,
}

impl Counters {
    /// Takes what an iteration shows.
    pub fn see(&mut self, record: &IterationRecord) {
        let readings = record.summary.counters.iter().map(|(kpi, reading)| (*kpi, (record.ends, *reading)));
        self.readings.extend(readings);
        self.process = record.resources.and_then(|resources| resources.process).or(self.process);
        self.ended = Some(record.ends);
    }

    /// The rate from the reading before to this one; the error says why there is none.
    pub(crate) fn rate(&self, kpi: KpiId, reading: f64, at: DateTime<Utc>) -> Result<Rate, String> {
        let Some((then, before)) = self.readings.get(&kpi) else {
            return Err("is the first reading of a counter, so its rate is not known".to_owned());
        };
        let seconds = (at - *then).as_seconds_f64();
        if seconds <= 0.0 {
            return Err("has no rate: the clock went back since the reading before".to_owned());
        }
        if reading < *before {
            let reset = format!("was reset, from {before} to {reading}; {reading} are counted since");
            return Ok(Rate { per_second: reading / seconds, reset: Some(reset) });
        }
        Ok(Rate { per_second: (reading - before) / seconds, reset: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::iteration::Resources;
    use crate::run::records::{record, start};

    fn counters(reading: f64) -> Counters {
        let mut first = record(1);
        first.summary.counters = vec![(KpiId::NET_BPS, reading)];
        let mut counters = Counters::default();
        counters.see(&first);
        counters
    }

    /// The rate of a reading so many seconds after the end of the first iteration, which is 300 s after the start.
    fn rate(before: f64, reading: f64, seconds: i64) -> Result<(f64, bool), String> {
        let at = start() + chrono::TimeDelta::seconds(300 + seconds);
        counters(before).rate(KpiId::NET_BPS, reading, at).map(|rate| (rate.per_second, rate.reset.is_some()))
    }

    #[test]
    fn the_last_process_that_was_seen_is_known_and_so_is_the_last_end() {
        let process = |started| ProcessId { pid: None, started };
        let mut seen = Counters::default();
        let mut first = record(1);
        first.resources = Some(Resources { process: Some(process(7.0)), ..Resources::default() });
        for record in [&first, &record(2)] {
            seen.see(record);
        }
        assert_eq!((seen.process, seen.ended), (Some(process(7.0)), Some(record(2).ends)));
    }

    #[test]
    fn the_rate_is_the_growth_per_second_between_two_readings() {
        assert_eq!(rate(120.0, 720.0, 300), Ok((2.0, false)));
        assert_eq!(rate(120.0, 120.0, 300), Ok((0.0, false)));
        // Two iterations without a reading in between.
        assert_eq!(rate(120.0, 1920.0, 900), Ok((2.0, false)));
    }

    #[test]
    fn a_count_that_is_smaller_than_before_was_reset() {
        assert_eq!(rate(120.0, 60.0, 300), Ok((0.2, true)));
        assert_eq!(rate(120.0, 0.0, 300), Ok((0.0, true)));
        let told = counters(120.0).rate(KpiId::NET_BPS, 60.0, start() + chrono::TimeDelta::seconds(600));
        assert_eq!(
            told.ok().and_then(|rate| rate.reset).as_deref(),
            Some("was reset, from 120 to 60; 60 are counted since")
        );
    }

    #[test]
    fn a_first_reading_and_a_clock_that_went_back_have_no_rate() {
        assert!(rate(1.0, 2.0, 0).is_err_and(|why| why.contains("the clock went back")));
        assert!(rate(1.0, 2.0, -5).is_err());
        let other = counters(1.0).rate(KpiId::RISK_RATIO, 2.0, start() + chrono::TimeDelta::days(1));
        assert!(other.is_err_and(|why| why.contains("first reading")));
    }
}
