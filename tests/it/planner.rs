//! The planner of a run with the built-in policy: iterations in, decisions out. No files, no waiting.

mod freeze;
mod panic;
mod phases;
mod summary;
mod tuning;

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use soak::core::iteration::params::{ParamName, ParamValues};
use soak::core::policy;
use soak::core::policy::Policy;
use soak::run::events::Happened;
use soak::run::iteration::EdgeReport;
use soak::run::iteration::IterationRecord;
use soak::run::iteration::counters::Counters;
use soak::run::iteration::tuning::SkipCode;
use soak::run::iteration::tuning::TunerState;
use soak::run::planner::{Event, Planner};

pub static POLICY: LazyLock<Policy> =
    LazyLock::new(|| policy::read(&[], &[]).expect("the built-in policy is fine"));

/// A planner of 24 iterations of 300 s with `--auto-tune`, without phases.
pub fn planner() -> Planner<'static> {
    Planner {
        policy: &POLICY,
        iterations: 24,
        interval: Duration::from_secs(300),
        auto_tune: true,
        warmup: None,
        source: "sim",
    }
}

/// A run in the making.
pub struct Run<'a> {
    pub planner: Planner<'a>,
    pub state: TunerState,
    pub number: u64,
    pub records: Vec<IterationRecord>,
}

impl<'a> Run<'a> {
    pub fn of(planner: Planner<'a>) -> Self {
        Self::from(planner, &[])
    }

    /// Starts with the defaults and these values in their place.
    pub fn from(planner: Planner<'a>, values: &[(&str, f64)]) -> Self {
        let mut pairs: Vec<(ParamName, f64)> =
            values.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect();
        let defaults = planner.policy.run.parameters.defaults();
        pairs.extend(defaults.iter().map(|(name, value)| (name.clone(), value)));
        let state = planner.start(ParamValues::new(pairs));
        Self { planner, state, number: 0, records: Vec::new() }
    }

    /// One more iteration.
    pub fn step(&mut self, outcome: Result<EdgeReport, String>) -> &IterationRecord {
        self.number += 1;
        let record = finished(&self.planner, &self.state, self.number, outcome);
        self.state = record.state.clone();
        self.records.push(record);
        self.records.last().expect("just pushed")
    }

    /// The value that the next iteration starts from.
    pub fn value(&self, name: &str) -> f64 {
        self.state.overrides.get(&ParamName::flat(name)).expect("a parameter")
    }
}

/// The record of iteration `number`, given the memory before it.
pub fn finished(
    planner: &Planner<'_>,
    state: &TunerState,
    number: u64,
    outcome: Result<EdgeReport, String>,
) -> IterationRecord {
    let (starts, ends) = times(planner, number);
    let begin = planner.begin(state, number);
    planner.finish(
        state,
        begin,
        Event {
            number,
            starts,
            ends,
            measured_early: false,
            outcome,
            watched: None,
            counters: Counters::default(),
            happened: Happened::default(),
        },
    )
}

fn times(planner: &Planner<'_>, number: u64) -> (DateTime<Utc>, DateTime<Utc>) {
    let length = TimeDelta::from_std(planner.interval).expect("a short interval");
    let first = DateTime::from_timestamp(1_760_000_000, 0).expect("a time");
    let starts = first + length * i32::try_from(number).expect("a small number");
    (starts, starts + length)
}

/// A report with these totals.
pub fn report(numbers: &[(&str, f64)]) -> EdgeReport {
    EdgeReport {
        numbers: numbers.iter().map(|(key, value)| ((*key).to_owned(), Some(*value))).collect(),
        ..EdgeReport::default()
    }
}

/// A report on which no row of the tuner acts, with these values in place: risk 0.35 is neither SETTLE nor
/// NORMALIZE, net 3.0 no EDGE, maker 0.9 no boost.
pub fn quiet(numbers: &[(&str, f64)]) -> EdgeReport {
    let mut report = report(&[
        ("risk_ratio", 0.35),
        ("net_bps", 3.0),
        ("maker_taker_ratio", 0.9),
        ("p95_latency_ms", 300.0),
        ("adverse_bps_p95", 2.0),
        ("slippage_bps_p95", 1.0),
    ]);
    for (key, value) in numbers {
        report.numbers.insert((*key).to_owned(), Some(*value));
    }
    report
}

pub fn dropped(record: &IterationRecord) -> Vec<(&str, SkipCode)> {
    record.tuning.dropped.iter().map(|(param, code)| (param.as_str(), *code)).collect()
}

pub fn changes(record: &IterationRecord) -> Vec<(&str, f64, f64)> {
    record.tuning.applied_values.iter().map(|step| (step.param.as_str(), step.old, step.new)).collect()
}
