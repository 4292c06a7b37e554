//! `/metrics` of a run in progress: the clean `soak_*` names, of the last iteration and of the run so far; and
//! the `mm_*` names of the simulated system, where there is one.
//!
//! A value that is not known has no sample; it is never 0.

use chrono::{DateTime, Utc};

use crate::core::iteration::guards::Guard;
use crate::core::iteration::manifest::RunState;
use crate::core::kpi::KpiId;
use crate::core::verdict::Outcome;
use crate::export::bot::bot;
use crate::export::live::{LiveIteration, LiveRun};
use crate::report::exposition::Exposition;
use crate::report::metrics::flag;

/// The metrics of a run at this time.
pub fn metrics(run: &LiveRun, now: DateTime<Utc>) -> String {
    let mut out = Exposition::default();
    // Of a followed folder without iterations nothing is known; a run that has just begun has done none.
    if run.last().is_some() || run.facts.folder.is_none() {
        progress(&mut out, run);
    }
    limits(&mut out, run);
    if let Some(last) = run.last() {
        last_iteration(&mut out, run, last);
    }
    verdict(&mut out, run);
    state(&mut out, run);
    if let Some(simulated) = &run.bot {
        bot(&mut out, simulated, now);
    }
    out.finish()
}

fn progress(out: &mut Exposition, run: &LiveRun) {
    let declared = run.facts.declared.map(|declared| declared as f64);
    let gauge = "gauge";
    out.single("soak_iteration", gauge, "Number of the last iteration", Some(run.last_number() as f64));
    out.single("soak_iterations_declared", gauge, "Iterations that the run set out to do", declared);
    out.single(
        "soak_interval_seconds",
        gauge,
        "Length of an iteration in the time of the run",
        run.facts.interval_seconds,
    );
    out.single(
        "soak_iterations_passing_total",
        "counter",
        "Iterations that meet every limit of an iteration pass",
        Some(run.passing() as f64),
    );
    out.single(
        "soak_collection_failures_total",
        "counter",
        "Iterations that brought no data",
        Some(run.failed_collections() as f64),
    );
}

/// What an iteration must show, so that a dashboard can draw it.
fn limits(out: &mut Exposition, run: &LiveRun) {
    if !run.pass.checks.is_empty() {
        let help = "Limit that a KPI of an iteration must meet to pass, in base units (seconds, ratios)";
        out.family("soak_pass_limit", "gauge", help);
    }
    for check in &run.pass.checks {
        let (name, scale) = check.kpi.base_unit();
        out.sample("soak_pass_limit", &[("kpi", &name)], check.limit.value / scale);
    }
}

fn last_iteration(out: &mut Exposition, run: &LiveRun, last: &LiveIteration) {
    let value = |id: KpiId| last.values.get(id.index()).copied().flatten();
    let gauge = "gauge";
    out.single(
        "soak_last_iteration_timestamp_seconds",
        gauge,
        "When the last iteration ended, in the time of the run, seconds since 1970",
        last.ends.map(unix_seconds),
    );
    out.single("soak_risk_ratio", gauge, "Risk ratio of the last iteration", value(KpiId::RISK_RATIO));
    out.single("soak_net_bps", gauge, "Net edge of the last iteration, basis points", value(KpiId::NET_BPS));
    let known: Vec<(KpiId, f64)> = run.kpis.ids().filter_map(|id| Some((id, value(id)?))).collect();
    if !known.is_empty() {
        out.family("soak_kpi", gauge, "KPIs of the last iteration, in base units (seconds, ratios)");
    }
    for (id, value) in known {
        let (name, scale) = id.base_unit();
        out.sample("soak_kpi", &[("kpi", &name)], value / scale);
    }
    out.single(
        "soak_iteration_passes",
        gauge,
        "1 if the last iteration meets every limit of an iteration pass",
        Some(flag(last.passes)),
    );
    if !run.tunes {
        return;
    }
    out.family("soak_guard_active", gauge, "1 for the guards that spoke in the last iteration");
    for guard in Guard::ALL {
        out.sample("soak_guard_active", &[("guard", guard.word())], flag(last.guards.contains(guard)));
    }
    if !last.overrides.is_empty() {
        out.family("soak_override", gauge, "Overrides in force in the last iteration, in their own units");
    }
    for (name, value) in last.overrides.iter() {
        out.sample("soak_override", &[("param", name.as_str())], value);
    }
}

fn verdict(out: &mut Exposition, run: &LiveRun) {
    let Some(verdict) = &run.facts.verdict else { return };
    out.family("soak_verdict", "gauge", "1 for the verdict so far, 0 for the others");
    for outcome in [Outcome::Pass, Outcome::Warn, Outcome::Inconclusive, Outcome::Fail, Outcome::Invalid] {
        out.sample("soak_verdict", &[("verdict", outcome.word())], flag(verdict.outcome == outcome));
    }
}

fn state(out: &mut Exposition, run: &LiveRun) {
    let facts = &run.facts;
    if facts.state.is_some() {
        out.family("soak_run_state", "gauge", "1 for how far the run has come, 0 for the others");
    }
    for state in [RunState::Running, RunState::Complete, RunState::Interrupted, RunState::Failed] {
        let Some(reached) = facts.state else { break };
        out.sample("soak_run_state", &[("state", state.word())], flag(reached == state));
    }
    out.single(
        "soak_run_heartbeat_timestamp_seconds",
        "gauge",
        "When the run was last heard of, seconds since 1970",
        facts.heartbeat.map(unix_seconds),
    );
    out.family("soak_run_info", "gauge", "Where the data comes from and which limits are applied");
    out.sample("soak_run_info", &[("source", &facts.source), ("limits", facts.limits)], 1.0);
    out.family("soak_build_info", "gauge", "The program and the policy behind these numbers");
    let labels = [("version", facts.tool_version.as_str()), ("policy", &facts.policy_sha256)];
    out.sample("soak_build_info", &labels, 1.0);
}

/// Milliseconds are kept.
fn unix_seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}
