//! Rules and series for tests of canaries.

use chrono::{DateTime, Utc};

use super::criteria::CanaryCriteria;
use super::timeline::{Readings, Timeline};
use crate::core::judge::fixture::limit;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::Statistic;
use crate::core::policy::release::{
    CanaryBound, CanaryLimit, CanaryRules, Checkpoint, RollbackKind, Trigger,
};
use crate::core::verdict::Comparison;

/// When the canaries of these tests start.
pub(super) fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().expect("a time")
}

/// Five-minute steps, hours 1 and 6, a latency trigger of ten minutes.
pub(super) fn rules() -> CanaryRules {
    let latency = |value| CanaryLimit {
        kpi: KpiId::P95_LATENCY_MS,
        comparison: Comparison::AtMost,
        bound: CanaryBound::Fixed(limit(value)),
    };
    let hour = |name: &str, after_hours, value| Checkpoint {
        name: name.to_owned(),
        after_hours,
        limits: vec![latency(value)],
    };
    CanaryRules {
        watch_hours_min: 6.0,
        watch_hours_max: 8.0,
        step_minutes: 5,
        window_minutes: 60,
        statistic: Statistic::Mean,
        misses: 2,
        seen_share: limit(0.9),
        longest_gap_minutes: limit(15.0),
        rollback_minutes: 10,
        full_minutes: 30,
        checkpoints: vec![hour("hour_1", 1.0, 400.0), hour("hour_6", 6.0, 350.0)],
        after_rollback_minutes: 30,
        after_rollback: vec![latency(350.0)],
        triggers: vec![latency_trigger(10)],
        stages: Vec::new(),
    }
}

/// Latency above 500 ms for so long.
pub(super) fn latency_trigger(for_minutes: u64) -> Trigger {
    Trigger {
        name: "latency".to_owned(),
        metric: "p95_latency_ms".to_owned(),
        comparison: Comparison::Above,
        limit: limit(500.0),
        for_minutes,
        rollback: RollbackKind::Quick,
        is_optional: false,
    }
}

pub(super) fn criteria(rules: &CanaryRules) -> CanaryCriteria {
    CanaryCriteria::new(rules, &KpiTable::default(), 8, &|_, _| None)
}

/// A canary of so many minutes.
pub(super) fn timeline(minutes: i64) -> Timeline {
    Timeline::new(start(), start() + chrono::TimeDelta::minutes(minutes), &rules(), Some(8.0))
        .expect("a timeline")
}

/// A value a step.
pub(super) fn readings(values: impl IntoIterator<Item = Option<f64>>) -> Readings {
    Readings { values: values.into_iter().collect(), trouble: None }
}
