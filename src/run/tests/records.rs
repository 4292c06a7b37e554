//! Hand-made iteration records for tests.

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::iteration::params::ParamValues;
use crate::core::kpi::{KpiId, KpiTable};
use crate::run::iteration::tuning::{TunerState, TuningRecord};
use crate::run::iteration::{IterationRecord, IterationSummary, KpiVerdict, Phase};

/// 2025-10-12T00:00:00Z.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_227_200, 0).expect("a time")
}

/// Iteration `number` of five minutes each, with net 3.0 and risk 0.3, and nothing else.
pub fn record(number: u64) -> IterationRecord {
    let minutes = |n: u64| TimeDelta::minutes(5 * i64::try_from(n).expect("a small number"));
    let mut values = vec![None; KpiTable::default().len()];
    values[KpiId::NET_BPS.index()] = Some(3.0);
    values[KpiId::RISK_RATIO.index()] = Some(0.3);
    IterationRecord {
        number,
        source: "sim".to_owned(),
        starts: start() + minutes(number - 1),
        ends: start() + minutes(number),
        measured_early: false,
        phase: Phase::Steady,
        has_phases: false,
        collection_failed: None,
        overrides: ParamValues::default(),
        summary: IterationSummary {
            values,
            kpi_verdict: Some(KpiVerdict::Pass),
            ..IterationSummary::default()
        },
        metrics: std::collections::BTreeMap::new(),
        resources: None,
        tuning: TuningRecord::default(),
        state: TunerState::default(),
    }
}

/// The record with another value of a KPI.
pub fn with(mut record: IterationRecord, kpi: KpiId, value: Option<f64>) -> IterationRecord {
    record.summary.values[kpi.index()] = value;
    record
}

pub fn delivering(mut record: IterationRecord, metric: &str, value: f64) -> IterationRecord {
    record.metrics.insert(metric.to_owned(), value);
    record
}

/// A record of which nothing could be collected.
pub fn failed(number: u64, why: &str) -> IterationRecord {
    let mut record = record(number);
    record.collection_failed = Some(why.to_owned());
    record.summary = IterationSummary::default();
    record
}
