//! The run gates, before the run: whether the source can bring what they look at, and whether one can fail.

use super::Job;
use super::settings::usage;
use crate::commands::Failure;
use crate::core::policy::{Policy, RunGate};
use crate::core::run::metrics::can_come_from;
use crate::core::run::settings::{RunSettings, SourceSettings};
use crate::core::verdict::Severity;

/// Refuses gates that decide on the exit code and would be INVALID whatever is measured.
///
/// What the reports of a command or of a system hold is not known before; the queries of a policy are.
pub(super) fn check(job: &Job<'_>, settings: &RunSettings) -> Result<(), Failure> {
    let policy = job.policy;
    let is_asked = matches!(settings.source, SourceSettings::Prometheus { .. });
    if !is_asked || !job.args.wants_run_gates() {
        return Ok(());
    }
    let keys = || policy.run.queries.iter().map(|query| query.metric.as_str());
    let Some(gate) = hard(policy).find(|gate| !can_come_from(&gate.metric, keys(), &policy.kpis)) else {
        return Ok(());
    };
    let (name, metric, origin) = (&gate.name, &gate.metric, &gate.limit.source.origin);
    Err(usage(format!(
        "`run_gates.{name}` ({origin}) looks at `{metric}`, and the policy has no query for it"
    ))
    .hint(format!("add `[prometheus.\"{metric}\"]`, or set `enabled = false` in `[run_gates.{name}]`")))
}

/// What a person should know who asks for the run gates of a policy that has no hard one.
pub(super) fn note(job: &Job<'_>) -> Option<String> {
    let is_idle = job.args.wants_run_gates() && hard(job.policy).next().is_none();
    is_idle.then(|| "no run gate of the policy is hard, so the exit code does not depend on them".to_owned())
}

fn hard(policy: &Policy) -> impl Iterator<Item = &RunGate> {
    policy.run_gates.iter().filter(|gate| gate.severity == Severity::Hard)
}
