//! A simulated service, for policies of other systems than the trading bot: it delivers the KPIs that the policy
//! declares.
//!
//! No model of anything: each KPI is a level with independent noise around it, and the levels are invented. Those with a
//! limit in `[iteration_pass]` keep to its good side, so a run without a fault passes by construction. It shows what
//! `soak` does with a policy; of a service it says nothing.
//!
//! | scenario | what is wrong |
//! | --- | --- |
//! | `default` | nothing |
//! | `leak` | what accumulates (`kind = "accumulating"`) grows by 2 % of its level with each iteration |
//! | `diurnal` | nothing; what does not accumulate goes up and down by two deviations of its noise in a day |
//! | `diurnal-leak` | beside that cycle what accumulates grows by 0.1 % an hour, and what has a direction gets worse by a sixteenth of a deviation an hour |
//! | `regression@N` | from iteration N on each KPI with a direction is worse by half of its level |
//! | `always-bad` | each limit is missed |
//!
//! A KPI of `kind = "counter"` is delivered as the count whose rate has these values. A report is a function of seed,
//! scenario, policy and iteration.

use crate::core::kpi::{Direction, Kind, KpiId, Unit};
use crate::core::policy::Policy;
use crate::core::verdict::Comparison;
use crate::infra::clock::Wait;
use crate::run::iteration::EdgeReport;
use crate::run::simulator::VERSION;
use crate::run::simulator::world::{Noise, Purpose, Scenario};
use crate::run::source::{Interval, NoReport, Source};

/// The scenarios that a service has.
pub(crate) const SCENARIO_NAMES: [&str; 6] =
    ["default", "leak", "diurnal", "diurnal-leak", "regression@N", "always-bad"];

/// Deviation of the noise, as a share of the level.
const NOISE: f64 = 0.03;
/// Growth of a leak with each iteration, as a share of the level.
const GROWTH: f64 = 0.02;
/// Height of a daily cycle, in deviations of the noise.
const DAILY: f64 = 2.0;
/// Growth of a leak beside a daily cycle: of what accumulates, as a share of its level in an hour, and of the others, in
/// deviations of their noise in an hour.
const HOURLY_GROWTH: f64 = 0.001;
const HOURLY_WORSE: f64 = 1.0 / 16.0;
/// Change of a regression, as a share of the level.
const REGRESSION: f64 = 0.5;

/// A KPI of the service.
#[derive(Clone, Copy, Debug)]
struct Signal {
    kpi: KpiId,
    /// What must hold in each iteration, if anything.
    limit: Option<(Comparison, f64)>,
    level: f64,
    deviation: f64,
    /// Of the last iteration.
    value: f64,
    /// What the values of all iterations add up to, times their seconds.
    count: f64,
}

impl Signal {
    /// The signal of a KPI; `rank` KPIs of the same unit are before it.
    fn new(kpi: KpiId, limit: Option<(Comparison, f64)>, rank: usize) -> Self {
        let level = match limit {
            Some((Comparison::AtMost | Comparison::Below, limit)) => {
                limit - kpi.lowest.map_or_else(|| room_of(limit), |lowest| limit - lowest) / 2.0
            }
            Some((Comparison::AtLeast | Comparison::Above, limit)) => {
                limit + kpi.highest.map_or_else(|| room_of(limit), |highest| highest - limit) / 2.0
            }
            None => usual_level(kpi, rank),
        };
        let bounds = [limit.map(|(_, limit)| limit), kpi.lowest, kpi.highest].into_iter().flatten();
        let nearest = bounds.map(|bound| (level - bound).abs()).fold(f64::INFINITY, f64::min);
        // The noise stays within 3.5 deviations.
        let deviation = (NOISE * level.abs()).min(nearest / 8.0);
        Self { kpi, limit, level, deviation, value: 0.0, count: 0.0 }
    }

    fn drawn(&self, iteration: u64, hours: f64, scenario: Scenario, noise: &mut Noise) -> f64 {
        let worse = match self.kpi.direction {
            Some(Direction::Higher) => -self.level.abs(),
            Some(Direction::Lower) => self.level.abs(),
            None => 0.0,
        };
        let level = match (scenario, self.limit) {
            (Scenario::Leak, _) if self.kpi.kind == Kind::Accumulating => {
                self.level + GROWTH * self.level.abs() * iteration as f64
            }
            (Scenario::DiurnalLeak, _) if self.kpi.kind == Kind::Accumulating => {
                self.level + HOURLY_GROWTH * self.level.abs() * hours
            }
            (Scenario::Diurnal | Scenario::DiurnalLeak, _) if self.kpi.kind != Kind::Accumulating => {
                let leaks = scenario == Scenario::DiurnalLeak && worse != 0.0;
                let leaked = if leaks { HOURLY_WORSE * hours * worse.signum() } else { 0.0 };
                self.level + self.deviation * (DAILY * scenario.load(hours) + leaked)
            }
            (Scenario::AlwaysBad, Some((_, limit))) => limit + (limit - self.level),
            (scenario, _) if scenario.has_regressed(iteration) => self.level + REGRESSION * worse,
            _ => self.level,
        };
        let value = level + self.deviation * noise.normal();
        let value = value.max(self.kpi.lowest.unwrap_or(value)).min(self.kpi.highest.unwrap_or(value));
        if self.kpi.digits == Some(0) { value.round() } else { value }
    }
}

/// As far as zero, or 1 where that is nowhere.
fn room_of(limit: f64) -> f64 {
    if limit == 0.0 { 1.0 } else { limit.abs() }
}

/// A level for a KPI that nothing limits.
fn usual_level(kpi: KpiId, rank: usize) -> f64 {
    let of_unit = match kpi.unit {
        Unit::Ratio => 0.01,
        Unit::Milliseconds => 40.0,
        Unit::Other("%") => 20.0,
        Unit::Bps | Unit::Other(_) => 100.0,
    };
    let level = of_unit * (1.0 + 0.5 * rank as f64);
    match (kpi.lowest, kpi.highest) {
        (low, high) if low.is_none_or(|low| level > low) && high.is_none_or(|high| level < high) => level,
        (Some(low), Some(high)) => low + (high - low) / 2.0,
        (Some(low), None) => low + room_of(low) / 2.0,
        (None, Some(high)) => high - room_of(high) / 2.0,
        (None, None) => level,
    }
}

/// The source `sim` of a policy that declares its own KPIs.
#[derive(Clone, Debug)]
pub struct ServiceSource {
    seed: u64,
    scenario: Scenario,
    signals: Vec<Signal>,
    /// The last iteration that they were drawn for; 0 = none.
    at: u64,
    real_time: bool,
}

/// A scenario of the simulated market, which a service does not have.
#[derive(Debug, thiserror::Error)]
#[error("a simulated service has no scenario `{0}`; expected one of {list}", list = SCENARIO_NAMES.join(", "))]
pub struct NoScenario(Scenario);

impl ServiceSource {
    /// A service with the KPIs of the policy; with `real_time` it waits out every interval.
    pub fn new(policy: &Policy, seed: u64, scenario: Scenario, real_time: bool) -> Result<Self, NoScenario> {
        let is_known = matches!(
            scenario,
            Scenario::Default
                | Scenario::Leak
                | Scenario::Diurnal
                | Scenario::DiurnalLeak
                | Scenario::Regression(_)
                | Scenario::AlwaysBad
        );
        if !is_known {
            return Err(NoScenario(scenario));
        }
        let mut signals: Vec<Signal> = Vec::new();
        for kpi in policy.kpis.ids() {
            let gate = policy.iteration_pass.checks.iter().find(|gate| gate.kpi == kpi);
            let limit = gate.map(|gate| (gate.comparison, gate.limit.value));
            let rank = signals.iter().filter(|signal| signal.kpi.unit == kpi.unit).count();
            signals.push(Signal::new(kpi, limit, rank));
        }
        Ok(Self { seed, scenario, signals, at: 0, real_time })
    }

    /// What the service measures in this iteration, from 1, of so many seconds. Counts of iterations that were not asked
    /// for are made up for.
    fn report(&mut self, iteration: u64, seconds: f64) -> EdgeReport {
        if iteration <= self.at {
            self.at = 0;
            self.signals.iter_mut().for_each(|signal| signal.count = 0.0);
        }
        while self.at < iteration {
            self.at += 1;
            let mut noise = Noise::new(self.seed, Purpose::Service, self.at);
            let hours = seconds / 3600.0 * (self.at as f64 - 0.5);
            for signal in &mut self.signals {
                signal.value = signal.drawn(self.at, hours, self.scenario, &mut noise);
                signal.count += signal.value * seconds;
            }
        }
        let numbers = self.signals.iter().map(|Signal { kpi, value, count, .. }| {
            (kpi.name.to_owned(), Some(if kpi.kind == Kind::Counter { *count } else { *value }))
        });
        EdgeReport { numbers: numbers.collect(), version: Some(VERSION.to_owned()), ..EdgeReport::default() }
    }
}

impl Source for ServiceSource {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        if self.real_time {
            wait.pass(interval.length)?;
        }
        Ok(self.report(interval.iteration, interval.length.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy;
    use crate::core::policy::{Layer, Origin};

    fn policy(text: &str) -> Policy {
        let text = format!("schema_version = 1\n{text}");
        let layer = Layer { origin: Origin::File("p.toml".to_owned()), text };
        policy::read(&[layer], &[]).expect("a fine policy")
    }

    fn values(policy: &Policy, seed: u64, scenario: Scenario, name: &str) -> Vec<f64> {
        let mut source = ServiceSource::new(policy, seed, scenario, false).expect("a scenario of a service");
        let value = |iteration| source.report(iteration, 60.0).number(name).expect("a KPI of the policy");
        (1..=200).map(value).collect()
    }

    #[test]
    fn a_service_without_a_fault_keeps_to_every_limit_and_bound() {
        let policy = policy(
            "extends = \"none\"\n[kpi.availability]\nunit = \"ratio\"\ndirection = \"higher\"\n[kpi.lag]\nunit = \"s\"\n\
             direction = \"lower\"\n[kpi.depth]\nunit = \"jobs\"\ndirection = \"none\"\nlowest = 500.0\n\
             [iteration_pass.kpi.availability]\ncomparison = \">=\"\nlimit = 0.99\n\
             [iteration_pass.kpi.lag]\ncomparison = \"<\"\nlimit = 0.0\n",
        );
        for (name, low, high) in [("availability", 0.99, 1.0), ("lag", -1.0, 0.0), ("depth", 500.0, 1e9)] {
            for seed in 1..=20 {
                let seen = values(&policy, seed, Scenario::Default, name);
                assert!(seen.iter().all(|value| low < *value && *value < high), "{name}: {seen:?}");
                assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{name} stands still");
            }
        }
        // On the other side of its limit, as far as the bounds allow.
        let bad = values(&policy, 1, Scenario::AlwaysBad, "availability");
        assert!(bad.iter().all(|value| *value < 0.99), "{bad:?}");
    }

    #[test]
    fn a_fault_shows_in_the_kpis_that_it_is_about() {
        let service = policy("extends = \"service\"\n");
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let ratio = |scenario, name: &str| {
            let seen = values(&service, 1, scenario, name);
            mean(&seen[100..]) / mean(&seen[..100])
        };
        for (scenario, name, expected) in [
            (Scenario::Default, "rss_mb", 1.0),
            // 2 % an iteration: 1 + 0.02 · 150.5 to 1 + 0.02 · 50.5.
            (Scenario::Leak, "rss_mb", 4.01 / 2.01),
            (Scenario::Leak, "p95_ms", 1.0),
            (Scenario::Regression(101), "p95_ms", 1.5),
            (Scenario::Regression(101), "request_rate", 0.5),
        ] {
            let seen = ratio(scenario, name);
            assert!((seen / expected - 1.0).abs() < 0.01, "{scenario:?} {name}: {seen} is not {expected}");
        }
    }

    #[test]
    fn a_daily_cycle_moves_what_does_not_accumulate() {
        let service = policy("extends = \"service\"\n");
        // 200 iterations of a minute are 3.3 hours: up to sin(2π · 3.3 ÷ 24) = 0.77 of two deviations of 3 %.
        let late = |scenario, name: &str| {
            values(&service, 1, scenario, name)[199] / values(&service, 1, Scenario::Default, name)[199]
        };
        let of = |scenario, name: &str| late(scenario, name) - 1.0;
        assert!(
            (0.03..0.06).contains(&of(Scenario::Diurnal, "p95_ms")),
            "{}",
            of(Scenario::Diurnal, "p95_ms")
        );
        assert_eq!(late(Scenario::Diurnal, "rss_mb"), 1.0);
        assert!(of(Scenario::DiurnalLeak, "p95_ms") > of(Scenario::Diurnal, "p95_ms") + 0.004);
        assert!((0.002..0.005).contains(&of(Scenario::DiurnalLeak, "rss_mb")));
    }

    #[test]
    fn a_counter_grows_by_its_rate_whichever_iterations_are_asked_for() {
        let policy = policy(
            "extends = \"none\"\n[kpi.errors]\nunit = \"1/s\"\ndirection = \"lower\"\nkind = \"counter\"\n\
             lowest = 0.0\n[iteration_pass.kpi.errors]\ncomparison = \"<=\"\nlimit = 4.0\n",
        );
        let counts = values(&policy, 1, Scenario::Default, "errors");
        // Halfway to its limit: 2 a second, 120 in a minute.
        assert!(counts.windows(2).all(|pair| (100.0..140.0).contains(&(pair[1] - pair[0]))), "{counts:?}");
        let mut resumed = ServiceSource::new(&policy, 1, Scenario::Default, false).expect("a known scenario");
        for iteration in [50, 49, 200] {
            let count = resumed.report(iteration, 60.0).number("errors");
            assert_eq!(count, Some(counts[usize::try_from(iteration - 1).expect("small")]));
        }
    }

    #[test]
    fn a_report_follows_from_seed_and_iteration() {
        let service = policy("extends = \"service\"\n");
        let of = |seed| values(&service, seed, Scenario::Default, "p99_ms");
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        let refused = ServiceSource::new(&service, 1, Scenario::FlashCrash, false).expect_err("of a market");
        assert_eq!(
            refused.to_string(),
            "a simulated service has no scenario `flash-crash`; expected one of default, leak, diurnal, diurnal-leak, \
             regression@N, always-bad"
        );
    }
}
