//! `/metrics` of the rollback server. Every family is there from the start, so that a rule can be written on it.

use std::collections::BTreeMap;

use strum::VariantArray as _;

use crate::infra::clock;
use crate::report::exposition::Exposition;
use crate::report::metrics::flag;
use crate::rollback::action::ActionKind;
use crate::rollback::coordinator::{Counters, Status};
use crate::rollback::event::{ActionStatus, DecisionKind, OperationKind, Outcome};
use crate::rollback::log::Mode;

/// What the server itself counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Http {
    /// Deliveries by the status of their answer.
    pub(super) hooks: BTreeMap<u16, u64>,
    /// What was refused before it was a request, by the status of the answer.
    pub(super) refused: BTreeMap<u16, u64>,
    /// Readings of the policy that were taken, and that were not.
    pub(super) reloads: [u64; 2],
    /// Why the policy in force is not the one of the file.
    pub(super) policy_problem: Option<String>,
}

/// The text of a server that was just started, with every family; for the test that they are documented.
pub fn every_family() -> String {
    let status = Status { last_rollback: Some(clock::machine_time()), ..Status::default() };
    metrics(&status, &Http::default(), &Counters::default())
}

pub(super) fn metrics(status: &Status, http: &Http, counters: &Counters) -> String {
    let mut out = Exposition::default();
    deliveries(&mut out, http, counters);
    operations(&mut out, counters);
    log(&mut out, http, counters, status.answer.log.seq);
    state(&mut out, status, counters);
    out.finish()
}

/// A family of counters by one label.
fn by_label<'a>(
    out: &mut Exposition,
    (name, help): (&str, &str),
    label: &str,
    samples: impl IntoIterator<Item = (&'a str, u64)>,
) {
    out.family(name, "counter", help);
    for (value, count) in samples {
        out.sample(name, &[(label, value)], count as f64);
    }
}

/// By HTTP status; `always` is there from the start.
fn by_code(out: &mut Exposition, family: (&str, &str), counts: &BTreeMap<u16, u64>, always: u16) {
    let mut counts = counts.clone();
    counts.entry(always).or_default();
    let words: Vec<(String, u64)> = counts.iter().map(|(code, count)| (code.to_string(), *count)).collect();
    by_label(out, family, "code", words.iter().map(|(code, count)| (code.as_str(), *count)));
}

fn deliveries(out: &mut Exposition, http: &Http, counters: &Counters) {
    let family = ("soak_rollback_hooks_total", "Deliveries by the HTTP status of their answer");
    by_code(out, family, &http.hooks, 200);
    let family = (
        "soak_rollback_refused_requests_total",
        "Requests whose head was too long, too slow or malformed, by status",
    );
    by_code(out, family, &http.refused, 400);
    let family = ("soak_rollback_decisions_total", "Alerts by what was decided about them");
    let count = |kind| counters.decisions.get(&kind).copied().unwrap_or_default();
    let decisions = DecisionKind::VARIANTS.iter().map(|kind| (kind.word(), count(*kind)));
    by_label(out, family, "decision", decisions);
    out.single(
        "soak_rollback_truncated_hooks_total",
        "counter",
        "Deliveries from which Alertmanager cut alerts off",
        Some(counters.truncated as f64),
    );
}

fn operations(out: &mut Exposition, counters: &Counters) {
    let name = "soak_rollback_actions_total";
    out.family(name, "counter", "Actions by kind and result");
    for kind in ActionKind::ALL {
        for status in ActionStatus::VARIANTS {
            let count = counters.actions.get(&(kind, *status)).copied().unwrap_or_default();
            out.sample(name, &[("action", kind.word()), ("status", status.into())], count as f64);
        }
    }
    let name = "soak_rollback_undertakings_total";
    out.family(name, "counter", "Rollbacks and notifications by how they ended");
    for kind in [OperationKind::Rollback, OperationKind::Notification] {
        for outcome in Outcome::VARIANTS {
            let count = counters.operations.get(&(kind, *outcome)).copied().unwrap_or_default();
            out.sample(name, &[("kind", kind.word()), ("outcome", outcome.word())], count as f64);
        }
    }
    let family =
        ("soak_rollback_verifications_total", "Verifications by whether everything came true in time");
    by_label(out, family, "result", ["verified", "failed"].into_iter().zip(counters.verifications));
}

fn log(out: &mut Exposition, http: &Http, counters: &Counters, lines: u64) {
    let family = ("soak_rollback_policy_reloads_total", "Readings of the policy by whether it was taken");
    by_label(out, family, "result", ["taken", "refused"].into_iter().zip(http.reloads));
    for (name, kind, help, value) in [
        (
            "soak_rollback_policy_last_reload_successful",
            "gauge",
            "0 if the policy in force is not the one of the file, because that is wrong",
            flag(http.policy_problem.is_none()),
        ),
        (
            "soak_rollback_log_errors_total",
            "counter",
            "Times that the audit log could not be written",
            counters.log_errors as f64,
        ),
        ("soak_rollback_log_commits_total", "counter", "Syncs of the audit log", counters.commits[0] as f64),
        (
            "soak_rollback_log_questions_total",
            "counter",
            "Deliveries and events that these syncs made durable",
            counters.commits[1] as f64,
        ),
        (
            "soak_rollback_log_commit_seconds_total",
            "counter",
            "Time that these syncs took",
            counters.commit_seconds,
        ),
        ("soak_rollback_log_lines", "gauge", "Lines of the audit log", lines as f64),
    ] {
        out.single(name, kind, help, Some(value));
    }
}

fn state(out: &mut Exposition, status: &Status, counters: &Counters) {
    let answer = &status.answer;
    let now = clock::machine_time();
    let left = status.cooling_until.map(|until| until.signed_duration_since(now).num_milliseconds());
    let mut gauge = |name, help, value| out.single(name, "gauge", help, value);
    gauge(
        "soak_rollback_cooldown_seconds",
        "Time until a further rollback may begin",
        Some(left.map_or(0.0, |left| left.max(0) as f64 / 1000.0)),
    );
    gauge(
        "soak_rollback_last_rollback_timestamp_seconds",
        "When the last rollback began, seconds since 1970",
        status.last_rollback.map(|at| at.timestamp_millis() as f64 / 1000.0),
    );
    gauge(
        "soak_rollback_actions_last_day",
        "Actions of automatic rollbacks in the last 24 hours, notifications not counted",
        Some(answer.actions_last_24h as f64),
    );
    gauge(
        "soak_rollback_remembered_alerts",
        "Episodes of alerts that are remembered",
        Some(answer.remembered_alerts as f64),
    );
    let family =
        ("soak_rollback_forgotten_alerts_total", "Episodes that were forgotten because there were too many");
    by_label(out, family, "state", ["over", "firing"].into_iter().zip(counters.forgotten));
    let mut gauge = |name, help, value| out.single(name, "gauge", help, Some(value));
    gauge(
        "soak_rollback_consequences",
        "Alerts that fire because of what a rollback did, and lead to no other",
        answer.consequences.iter().map(|known| known.firing).sum::<usize>() as f64,
    );
    gauge(
        "soak_rollback_unknown_outcomes",
        "Actions with an unknown result: a person must check",
        answer.unknown_outcomes.len() as f64,
    );
    gauge("soak_rollback_live", "1 if soak acts, 0 in a dry run", flag(answer.mode == Mode::Live));
    out.family("soak_rollback_build_info", "gauge", "The program and the policy in force");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("policy", answer.policy_sha256.as_str())];
    out.sample("soak_rollback_build_info", &labels, 1.0);
}
