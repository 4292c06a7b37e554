//! The run gates, before the run: whether one of them can fail, and whether the source can bring what they look at.

use super::Job;
use super::settings::usage;
use crate::commands::Failure;
use crate::core::run::metrics::can_come_from;
use crate::core::run::settings::{RunSettings, SourceSettings};
use crate::core::verdict::Severity;

/// Refuses gates that decide on the exit code and never could, or would be INVALID whatever is measured.
///
/// What the reports of a command or of a system hold is not known before; the queries of a policy are.
pub(super) fn check(job: &Job<'_>, settings: &RunSettings) -> Result<(), Failure> {
    if !job.args.wants_run_gates() {
        return Ok(());
    }
    let policy = job.policy;
    let hard = || policy.run_gates.iter().filter(|gate| gate.severity == Severity::Hard);
    if hard().next().is_none() {
        return Err(usage("no run gate of the policy is hard, so the run could not fail").hint(
            "give one of `[run_gates.<name>]` `severity = \"hard\"`, or leave out `--hours` and the report flags",
        ));
    }
    if !matches!(settings.source, SourceSettings::Prometheus { .. }) {
        return Ok(());
    }
    let keys = || policy.run.queries.iter().map(|query| query.metric.as_str());
    let Some(gate) = hard().find(|gate| !can_come_from(&gate.metric, keys(), &policy.kpis)) else {
        return Ok(());
    };
    let (name, metric, origin) = (&gate.name, &gate.metric, &gate.limit.source.origin);
    Err(usage(format!(
        "`run_gates.{name}` ({origin}) looks at `{metric}`, and the policy has no query for it"
    ))
    .hint(format!("add `[prometheus.\"{metric}\"]`, or set `enabled = false` in `[run_gates.{name}]`")))
}
