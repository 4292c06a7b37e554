//! Made-up runs: values follow simple rules, so that tests can calculate what must be shown.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use soak::core::iteration::events::Events;
use soak::core::iteration::guards::Guard;
use soak::core::iteration::params::Parameter;
use soak::core::iteration::params::{ParamName, ParamValues};
use soak::core::kpi::{KpiId, KpiTable};
use soak::core::policy::Policy;
use soak::core::verdict::Outcome;
use soak::core::verdict::evidence::RunState;
use soak::export::live::{LiveFacts, LiveRun, LiveVerdict};
use soak::run::iteration::tuning::TunerState;
use soak::run::iteration::tuning::{Applied, SkipCode, TuningRecord};
use soak::run::iteration::{IterationRecord, IterationSummary, KpiVerdict, Phase};

/// The built-in policy.
pub(crate) fn policy() -> Policy {
    soak::core::policy::read(&[], &[]).expect("the built-in policy is good")
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

/// A wave between -1 and 1 without a period that anybody would notice.
fn wave(number: u64, speed: f64) -> f64 {
    let turn = number as f64 * speed;
    let saw = |x: f64| (x - x.floor()) * 2.0 - 1.0;
    (saw(turn * 0.37) + saw(turn * 0.611) + saw(turn * 1.13)) / 3.0
}

fn parameter(name: &str, unit: &str, lowest: f64, highest: f64, default: f64) -> Parameter {
    Parameter {
        name: ParamName::flat(name),
        unit: unit.to_owned(),
        lowest,
        highest,
        max_change_per_hour: 30.0,
        default,
        is_whole: unit == "ms",
        subsystem: "rebid".to_owned(),
    }
}

fn parameters() -> Vec<Parameter> {
    vec![
        parameter("min_interval_ms", "ms", 40.0, 80.0, 60.0),
        parameter("replace_rate_per_min", "1/min", 200.0, 320.0, 300.0),
        parameter("base_spread_bps_delta", "bps", 0.08, 0.25, 0.14),
        parameter("impact_cap_ratio", "ratio", 0.08, 0.12, 0.10),
        parameter("tail_age_ms", "ms", 500.0, 800.0, 600.0),
        parameter("concurrency_limit", "count", 1.0, 64.0, 10.0),
    ]
}

/// An iteration with everything delivered. Its net edge is 2 bps in 1, 2.05 in 2, and so on up to 3.2.
pub(crate) fn iteration(number: u64) -> IterationRecord {
    let step = number as f64;
    let mut values = vec![None; KpiTable::default().columns()];
    let settled = 1.0 - (step / 12.0).min(1.0);
    for (kpi, value) in [
        (KpiId::NET_BPS, (2.0 + 0.05 * (step - 1.0)).min(3.2)),
        (KpiId::RISK_RATIO, 0.36 + 0.12 * settled + 0.03 * wave(number, 1.0)),
        (KpiId::MAKER_TAKER_RATIO, 0.88 - 0.09 * settled + 0.02 * wave(number, 0.7)),
        (KpiId::P95_LATENCY_MS, 318.0 + 45.0 * settled + 22.0 * wave(number, 1.7)),
        (KpiId::ADVERSE_BPS_P95, 2.1 + settled + 0.3 * wave(number, 1.3)),
        (KpiId::SLIPPAGE_BPS_P95, 1.7 + 0.4 * settled + 0.2 * wave(number, 2.1)),
    ] {
        values[kpi.index()] = Some(value);
    }
    let minutes = i64::try_from(number).expect("a small number") * 5;
    let steps = (number.saturating_sub(1) / 3).min(4) as f64;
    let overrides = [
        ("min_interval_ms", 60.0 + 5.0 * steps),
        ("replace_rate_per_min", 300.0),
        ("base_spread_bps_delta", 0.14 + 0.015 * steps),
        ("impact_cap_ratio", 0.10 - 0.005 * steps),
        ("tail_age_ms", 600.0 + 50.0 * steps),
        ("concurrency_limit", 10.0),
    ];
    IterationRecord {
        number,
        source: "sim".to_owned(),
        starts: at(minutes - 5),
        ends: at(minutes),
        measured_early: false,
        phase: [Phase::Warmup, Phase::Rampdown, Phase::Steady]
            [usize::from(number > 4) + usize::from(number > 6)],
        has_phases: true,
        asked_again: 0,
        collection_failed: None,
        events: Events::default(),
        overrides: ParamValues::new(
            overrides.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect(),
        ),
        summary: IterationSummary {
            values,
            kpi_verdict: Some(if number < 4 { KpiVerdict::Warn } else { KpiVerdict::Pass }),
            ..IterationSummary::default()
        },
        metrics: BTreeMap::new(),
        resources: None,
        resources_failed: None,
        tuning: tuning(number, overrides[0].1),
        state: TunerState::default(),
    }
}

fn tuning(number: u64, interval: f64) -> TuningRecord {
    let applies = number.is_multiple_of(3) && number < 13;
    let change = |name: &str, old: f64, delta: f64| Applied {
        param: ParamName::flat(name),
        old,
        delta,
        new: old + delta,
        at_bound: false,
    };
    TuningRecord {
        applied_values: if applies {
            vec![change("min_interval_ms", interval, 5.0), change("base_spread_bps_delta", 0.14, 0.015)]
        } else {
            Vec::new()
        },
        skip: (!applies).then_some(if number.is_multiple_of(5) {
            SkipCode::Velocity
        } else {
            SkipCode::NoDeltas
        }),
        guards: if number.is_multiple_of(5) { vec![Guard::Velocity] } else { Vec::new() },
        freeze_active: number % 40 > 14 && number % 40 < 19,
        ..TuningRecord::default()
    }
}

/// The iteration without data.
pub(crate) fn without_data(number: u64, reason: &str) -> IterationRecord {
    let mut record = iteration(number);
    record.collection_failed = Some(reason.to_owned());
    record.summary =
        IterationSummary { values: vec![None; KpiTable::default().columns()], ..Default::default() };
    record.tuning = TuningRecord { skip: Some(SkipCode::NoData), ..TuningRecord::default() };
    record
}

/// A run that has declared so many iterations and done none.
pub(crate) fn declared(iterations: u64) -> LiveRun {
    let policy = policy();
    let mut facts = LiveFacts::new("sim", "production", "1.2.3", &policy.sha256);
    facts.seed = Some(7);
    facts.declared = Some(iterations);
    facts.interval_seconds = Some(300.0);
    facts.started = Some(at(0));
    facts.heartbeat = Some(at(0));
    LiveRun::new(facts, &policy, parameters())
}

/// A run in which so many iterations are done: the ninth brought no data, the fifth no latency.
pub(crate) fn done(iterations: u64, of: u64) -> LiveRun {
    let mut run = declared(of);
    for number in 1..=iterations {
        push(&mut run, number);
    }
    run
}

/// Adds an iteration of [`done`], and what a judge would say.
pub(crate) fn push(run: &mut LiveRun, number: u64) {
    let mut record = iteration(number);
    if number == 5 {
        record.summary.values[KpiId::P95_LATENCY_MS.index()] = None;
    }
    if number % 40 == 9 {
        record = without_data(number, "exit status 1: connection refused <by the venue>");
    }
    run.push(&record);
    run.facts.heartbeat = Some(record.ends);
    run.facts.pace_seconds = Some(300.0);
    let is_last = run.facts.declared == Some(number);
    run.facts.state = Some(if is_last { RunState::Complete } else { RunState::Running });
    let (outcome, reason) = match number {
        0..8 => (Outcome::Inconclusive, format!("{number} of 8 iterations that the verdict needs")),
        8..20 => (Outcome::Fail, "4 of 8 iterations pass, 6 are needed".to_owned()),
        _ => (Outcome::Pass, "8 of 8 iterations pass, and a freeze was seen".to_owned()),
    };
    run.facts.verdict = Some(LiveVerdict { outcome, reason });
    run.facts.decision = is_last.then(|| "The overrides may be frozen. Next: soak gate".to_owned());
}
