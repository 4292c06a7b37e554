//! The simulated system while a run goes on: the ticks of an iteration pass as its time does.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Meter, Observation};
use crate::stats::DecayingMean;

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// A simulated system as a scraper sees it.
#[derive(Clone, Debug)]
pub struct LiveBot {
    meter: Meter,
    /// Ticks of the iteration under way, of which a part has passed.
    ticks: Vec<Observation>,
    starts: DateTime<Utc>,
    /// Zero where time is virtual: then they have all passed.
    length: Duration,
    edge_1h: DecayingMean,
    edge_24h: DecayingMean,
}

impl Default for LiveBot {
    fn default() -> Self {
        Self {
            meter: Meter::default(),
            ticks: Vec::new(),
            starts: DateTime::UNIX_EPOCH,
            length: Duration::ZERO,
            edge_1h: DecayingMean::new(HOUR),
            edge_24h: DecayingMean::new(24.0 * HOUR),
        }
    }
}

impl LiveBot {
    /// An iteration begins; those before it have passed. Its ticks pass evenly over `length`.
    pub fn begin(&mut self, ticks: Vec<Observation>, starts: DateTime<Utc>, length: Duration) {
        for seen in std::mem::replace(&mut self.ticks, ticks) {
            self.meter.add(&seen);
        }
        (self.starts, self.length) = (starts, length);
    }

    /// The net edge of an iteration that ended at this time of the run.
    pub fn edge(&mut self, ends: DateTime<Utc>, net_bps: f64) {
        let seconds = ends.timestamp_millis() as f64 / 1000.0;
        self.edge_1h.push(seconds, net_bps);
        self.edge_24h.push(seconds, net_bps);
    }

    /// Weighted means of the net edge with half lives of 1 hour and 24 hours; `None` before the first iteration
    /// has ended.
    pub fn edges(&self) -> [Option<f64>; 2] {
        [self.edge_1h.get(), self.edge_24h.get()]
    }

    /// What the ticks up to now add up to.
    pub fn at(&self, now: DateTime<Utc>) -> Meter {
        let mut meter = self.meter.clone();
        self.ticks.iter().take(self.passed(now)).for_each(|seen| meter.add(seen));
        meter
    }

    /// Ticks of the iteration under way that have passed.
    fn passed(&self, now: DateTime<Utc>) -> usize {
        let elapsed = (now - self.starts).to_std().unwrap_or_default();
        if elapsed >= self.length {
            return self.ticks.len();
        }
        // 300 ticks, and at most so many nanoseconds as an interval has: exact in 128 bits.
        let passed = elapsed.as_nanos() * self.ticks.len() as u128 / self.length.as_nanos();
        usize::try_from(passed).unwrap_or(self.ticks.len())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn ticks(count: usize) -> Vec<Observation> {
        vec![Observation { maker: 1.0, net: 1.0, ..Observation::default() }; count]
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn in_real_time_the_ticks_pass_as_the_interval_does_and_none_is_lost_or_counted_twice() {
        let mut bot = LiveBot::default();
        let length = Duration::from_secs(100);
        bot.begin(ticks(300), at(1000), length);
        let seen = |bot: &LiveBot, seconds| bot.at(at(seconds)).ticks;
        assert_eq!(
            [999, 1000, 1001, 1050, 1099, 1100, 5000].map(|now| seen(&bot, now)),
            [0, 0, 3, 150, 297, 300, 300]
        );
        bot.begin(ticks(300), at(1101), length);
        assert_eq!([1101, 1102, 1201].map(|now| seen(&bot, now)), [300, 303, 600]);
    }

    #[test]
    fn in_virtual_time_an_iteration_has_passed_as_soon_as_it_is_told() {
        let mut bot = LiveBot::default();
        bot.begin(ticks(300), at(1000), Duration::ZERO);
        assert_eq!(bot.at(at(1000)).ticks, 300);
    }

    #[test]
    fn the_edge_halves_its_weight_in_an_hour_and_in_a_day() {
        let mut bot = LiveBot::default();
        assert_eq!(bot.edges(), [None, None]);
        bot.edge(at(0), 0.0);
        bot.edge(at(3600), 3.0);
        // One hour ago weighs a half: 3 · 1 ÷ 1.5.
        let [hour, day] = bot.edges().map(|edge| edge.expect("a value"));
        assert!((hour - 2.0).abs() < 1e-12, "{hour}");
        assert!((day - 3.0 / (1.0 + libm::exp2(-1.0 / 24.0))).abs() < 1e-12, "{day}");
    }
}
