//! The events of one iteration, from its record.

use super::LogEvent;
use crate::core::guards::Guard;
use crate::core::kpi::KpiId;
use crate::core::run::iteration::{IterationRecord, KpiVerdict};

/// What the record does not tell.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// How many iterations the run has.
    pub iterations: u64,
    /// The profile that a panic revert puts in force.
    pub panic_profile: &'a str,
    /// So many failures in a row lead to it.
    pub panic_after_fails: u64,
}

/// All events of an iteration, in the order in which they happened.
pub fn lines(record: &IterationRecord, told: &Told<'_>) -> Vec<LogEvent> {
    let mut events = vec![iteration(record, told)];
    match &record.collection_failed {
        Some(reason) => events.push(
            of("sanity", "COLLECTION_FAILED", record)
                .with("in_a_row", record.state.failed_collections)
                .with("reason", reason.as_str()),
        ),
        None => events.push(summary(record)),
    }
    for note in &record.summary.notes {
        events.push(of("sanity", "NOTE", record).with("note", note.as_str()));
    }
    verdict(&mut events, record);
    tuning(&mut events, record);
    guards(&mut events, record);
    if record.tuning.panic_revert {
        let reason = format!("{}_consecutive_failures", told.panic_after_fails);
        events.push(of("panic", "REVERT", record).with("to", told.panic_profile).with("reason", reason));
    }
    let (old, new) = (&record.tuning.old_hash, &record.tuning.state_hash);
    if old != new {
        events.push(of("overrides", "HASH", record).with("old", old.as_str()).with("new", new.as_str()));
    }
    events
}

fn of(area: &'static str, event: &'static str, record: &IterationRecord) -> LogEvent {
    LogEvent::new(area, event).with("iteration", record.number)
}

/// A KPI, `None` = not known.
fn kpi(record: &IterationRecord, kpi: KpiId) -> Option<f64> {
    record.summary.values.get(kpi.index()).copied().flatten()
}

fn iteration(record: &IterationRecord, told: &Told<'_>) -> LogEvent {
    let verdict = match (&record.collection_failed, record.summary.kpi_verdict) {
        (Some(_), _) => "NO_DATA",
        (None, Some(verdict)) => verdict.word(),
        (None, None) => "-",
    };
    of("soak", "ITERATION", record)
        .with("of", told.iterations)
        .with("utc", record.ends.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
        .with_some("phase", record.has_phases.then(|| record.phase.word()))
        .with("net", kpi(record, KpiId::NET_BPS))
        .with("risk", kpi(record, KpiId::RISK_RATIO))
        .with("maker", kpi(record, KpiId::MAKER_TAKER_RATIO))
        .with("p95", kpi(record, KpiId::P95_LATENCY_MS))
        .with("verdict", verdict)
}

fn summary(record: &IterationRecord) -> LogEvent {
    of("iter_watch", "SUMMARY", record)
        .with("net", kpi(record, KpiId::NET_BPS))
        .with("drivers", record.summary.neg_edge_drivers.join(","))
        .with("adv_p95", kpi(record, KpiId::ADVERSE_BPS_P95))
        .with("sl_p95", kpi(record, KpiId::SLIPPAGE_BPS_P95))
        .with("risk", kpi(record, KpiId::RISK_RATIO))
        .with("min_interval", kpi(record, KpiId::MIN_INTERVAL_RATIO))
        .with("concurrency", kpi(record, KpiId::CONCURRENCY_RATIO))
}

fn verdict(events: &mut Vec<LogEvent>, record: &IterationRecord) {
    let event = match record.summary.kpi_verdict {
        Some(KpiVerdict::Warn) => "WARN",
        Some(KpiVerdict::Fail) => "FAIL",
        Some(KpiVerdict::Pass) | None => "",
    };
    if !event.is_empty() {
        // The key is in upper case since the scripts; existing searches look for it.
        events.push(of("kpi_gate", event, record).with("REASONS", record.summary.kpi_reasons.join(",")));
    }
    if record.state.fail_streak > 0 && event == "FAIL" {
        events.push(of("kpi_gate", "FAIL_STREAK", record).with("count", record.state.fail_streak));
    }
}

fn tuning(events: &mut Vec<LogEvent>, record: &IterationRecord) {
    let tuning = &record.tuning;
    for delta in &tuning.deltas {
        events.push(
            of("iter_watch", "SUGGEST", record)
                .with("param", delta.param.as_str())
                .with("delta", delta.delta)
                .with("reason", delta.reason.as_str()),
        );
    }
    for applied in &tuning.applied_values {
        events.push(
            of("iter_watch", "APPLY", record)
                .with("param", applied.param.as_str())
                .with("old", applied.old)
                .with("new", applied.new)
                .with("delta", applied.delta)
                .with("at_bound", applied.at_bound),
        );
    }
    for (param, code) in &tuning.dropped {
        events
            .push(of("iter_watch", "DROP", record).with("param", param.as_str()).with("reason", code.word()));
    }
    if let Some(code) = tuning.skip {
        events.push(
            of("iter_watch", "APPLY_SKIP", record)
                .with("reason", code.word())
                .with_some("note", tuning.skip_note.as_deref()),
        );
    }
}

fn guards(events: &mut Vec<LogEvent>, record: &IterationRecord) {
    let tuning = &record.tuning;
    for guard in &tuning.guards {
        let state = &record.state;
        events.push(match guard {
            Guard::Oscillation => of("guards", "OSCILLATION", record),
            Guard::Velocity => of("guards", "VELOCITY", record),
            Guard::Cooldown => of("guards", "COOLDOWN", record).with_some("until_iter", state.cooldown_until),
            Guard::Freeze => of("guards", "FREEZE", record)
                .with_some("until_iter", state.frozen_until)
                .with_some("reason", state.freeze_reason.as_deref()),
            Guard::PartialFreeze => {
                let held: Vec<String> =
                    tuning.partial_freezes.iter().map(|(what, why)| format!("{what}:{why}")).collect();
                of("guards", "PARTIAL_FREEZE", record).with("subsystems", held.join(","))
            }
            Guard::LatencySoft => of("guards", "LATENCY_SOFT", record),
            Guard::LatencyHard => of("guards", "LATENCY_HARD", record),
            Guard::NoOp => of("guards", "NO_OP", record),
        });
    }
    if let Some(reason) = &tuning.freeze_started {
        events.push(
            of("guards", "FREEZE_STARTED", record)
                .with_some("until_iter", record.state.frozen_until)
                .with("reason", reason.as_str()),
        );
    }
}
