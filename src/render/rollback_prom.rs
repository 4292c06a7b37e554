//! `/metrics` of the rollback server. Every family is there from the start, so that a rule can be written on it.

use std::collections::BTreeMap;

use super::exposition::Exposition;
use super::prom::flag;
use crate::core::rollback::action::ActionKind;
use crate::core::rollback::counters::Counters;
use crate::core::rollback::decide::Decision;
use crate::core::rollback::state::{PlanKind, PlanOutcome};

/// What is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether soak acts.
    pub is_live: bool,
    /// SHA-256 of the policy in force.
    pub policy_sha256: String,
    /// Whether the policy in force is that of the file, as far as it was read.
    pub policy_is_current: bool,
    /// Readings of the policy that were taken, and that were not.
    pub reloads: [u64; 2],
    /// Deliveries by the status of their answer.
    pub hooks: BTreeMap<u16, u64>,
    /// What was refused before it was a request, by the status of the answer.
    pub refused: BTreeMap<u16, u64>,
    /// What was counted.
    pub counters: Counters,
    /// Lines of the log.
    pub log_lines: u64,
    /// Seconds until a further rollback may begin.
    pub cooldown_seconds: f64,
    /// When the last rollback began, seconds since 1970. `None` = there was none.
    pub last_rollback: Option<f64>,
    /// Actions of automatic rollbacks in the last 24 hours.
    pub actions_of_the_day: usize,
    /// Episodes that are remembered.
    pub episodes: usize,
    /// Actions of which nobody knows what became of them.
    pub unknown: usize,
    /// Alerts that fire because of what a rollback did.
    pub consequences: usize,
}

/// The text.
pub fn metrics(facts: &Facts) -> String {
    let mut out = Exposition::default();
    deliveries(&mut out, facts);
    deeds(&mut out, facts);
    log(&mut out, facts);
    let gauge = |out: &mut Exposition, name, help, value| out.single(name, "gauge", help, Some(value));
    gauge(
        &mut out,
        "soak_rollback_cooldown_seconds",
        "Time until a further rollback may begin",
        facts.cooldown_seconds,
    );
    out.single(
        "soak_rollback_last_rollback_timestamp_seconds",
        "gauge",
        "When the last rollback began, seconds since 1970",
        facts.last_rollback,
    );
    gauge(
        &mut out,
        "soak_rollback_actions_last_day",
        "Actions of automatic rollbacks in the last 24 hours, notifications not counted",
        facts.actions_of_the_day as f64,
    );
    gauge(
        &mut out,
        "soak_rollback_remembered_alerts",
        "Episodes of alerts that are remembered",
        facts.episodes as f64,
    );
    let name = "soak_rollback_forgotten_alerts_total";
    out.family(name, "counter", "Episodes that were forgotten because there were too many");
    for (state, count) in [("over", facts.counters.forgotten[0]), ("firing", facts.counters.forgotten[1])] {
        out.sample(name, &[("state", state)], count as f64);
    }
    gauge(
        &mut out,
        "soak_rollback_consequences",
        "Alerts that fire because of what a rollback did, and lead to no other",
        facts.consequences as f64,
    );
    gauge(
        &mut out,
        "soak_rollback_unknown_outcomes",
        "Actions of which nobody knows what became of them: a person must look",
        facts.unknown as f64,
    );
    gauge(&mut out, "soak_rollback_live", "1 if soak acts, 0 in a dry run", flag(facts.is_live));
    out.family("soak_rollback_build_info", "gauge", "The program and the policy in force");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("policy", facts.policy_sha256.as_str())];
    out.sample("soak_rollback_build_info", &labels, 1.0);
    out.finish()
}

fn deliveries(out: &mut Exposition, facts: &Facts) {
    let name = "soak_rollback_hooks_total";
    out.family(name, "counter", "Deliveries by the HTTP status of their answer");
    let mut hooks = facts.hooks.clone();
    hooks.entry(200).or_default();
    for (code, count) in &hooks {
        out.sample(name, &[("code", &code.to_string())], *count as f64);
    }
    let name = "soak_rollback_refused_requests_total";
    out.family(name, "counter", "Requests whose head was too long, too slow or malformed, by status");
    let mut refused = facts.refused.clone();
    refused.entry(400).or_default();
    for (code, count) in &refused {
        out.sample(name, &[("code", &code.to_string())], *count as f64);
    }
    let name = "soak_rollback_decisions_total";
    out.family(name, "counter", "Alerts by what was decided about them");
    for word in Decision::WORDS {
        let count = facts.counters.decisions.get(word).copied().unwrap_or_default();
        out.sample(name, &[("decision", word)], count as f64);
    }
    out.single(
        "soak_rollback_truncated_hooks_total",
        "counter",
        "Deliveries of which Alertmanager cut alerts off, which nobody looked at",
        Some(facts.counters.truncated as f64),
    );
}

fn deeds(out: &mut Exposition, facts: &Facts) {
    let name = "soak_rollback_actions_total";
    out.family(name, "counter", "Actions by kind and result");
    for kind in ActionKind::ALL {
        for status in ["done", "failed", "left_out", "dry_run"] {
            let count =
                facts.counters.actions.get(&(kind.word().to_owned(), status)).copied().unwrap_or_default();
            out.sample(name, &[("action", kind.word()), ("status", status)], count as f64);
        }
    }
    let name = "soak_rollback_undertakings_total";
    out.family(name, "counter", "Rollbacks and notifications by how they ended");
    for kind in [PlanKind::Rollback, PlanKind::Notification] {
        for outcome in PlanOutcome::ALL {
            let count =
                facts.counters.undertakings.get(&(kind.word(), outcome.word())).copied().unwrap_or_default();
            out.sample(name, &[("kind", kind.word()), ("outcome", outcome.word())], count as f64);
        }
    }
    let name = "soak_rollback_verifications_total";
    out.family(name, "counter", "Verifications by whether everything came true in time");
    for (result, count) in
        [("verified", facts.counters.verifications[0]), ("failed", facts.counters.verifications[1])]
    {
        out.sample(name, &[("result", result)], count as f64);
    }
}

fn log(out: &mut Exposition, facts: &Facts) {
    let name = "soak_rollback_policy_reloads_total";
    out.family(name, "counter", "Readings of the policy by whether it was taken");
    for (result, count) in [("taken", facts.reloads[0]), ("refused", facts.reloads[1])] {
        out.sample(name, &[("result", result)], count as f64);
    }
    for (name, kind, help, value) in [
        (
            "soak_rollback_policy_last_reload_successful",
            "gauge",
            "0 if the policy in force is not the one of the file, because that is wrong",
            flag(facts.policy_is_current),
        ),
        (
            "soak_rollback_log_errors_total",
            "counter",
            "Times that the audit log could not be written",
            facts.counters.log_errors as f64,
        ),
        (
            "soak_rollback_log_commits_total",
            "counter",
            "Syncs of the audit log",
            facts.counters.commits[0] as f64,
        ),
        (
            "soak_rollback_log_questions_total",
            "counter",
            "Deliveries and events that these syncs made durable",
            facts.counters.commits[1] as f64,
        ),
        (
            "soak_rollback_log_commit_seconds_total",
            "counter",
            "Time that these syncs took",
            facts.counters.commit_seconds,
        ),
        ("soak_rollback_log_lines", "gauge", "Lines of the audit log", facts.log_lines as f64),
    ] {
        out.single(name, kind, help, Some(value));
    }
}
