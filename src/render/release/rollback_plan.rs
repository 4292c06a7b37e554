//! `rollback_plan.md`: when to roll back, how, and how to see that it worked.

use std::fmt::Write as _;

use super::steps::{
    self, ask, canary_check, clock, command, count, head, install, missing, number, shell_block, tick,
    with_unit,
};
use crate::core::policy::Policy;
use crate::core::policy::release::{CanaryBound, CanaryRules, RollbackKind, Service, ServiceCommand};
use crate::core::release::notes::ParamNote;
use crate::render::markdown::cell;
use crate::wire::release::bundle_manifest::BundleManifest;

/// The variable of the shell with the time of a rollback.
const ROLLED_BACK: &str = "ROLLED_BACK";

/// The plan of a release.
pub fn markdown(manifest: &BundleManifest, policy: &Policy) -> String {
    let (canary, service) = (&policy.release.canary, &policy.release.service);
    let mut out = head("Rollback plan for", manifest);
    let what = service.name.as_deref().map_or_else(|| missing("service.name"), cell);
    let _ = writeln!(out, "Service: {what}\n");
    out.push_str("## When\n\n");
    triggers(&mut out, policy);
    let _ = writeln!(out, "## Quick rollback, within {}\n", count(canary.rollback_minutes, "minute"));
    out.push_str("The overrides of the former release come back; the program stays.\n\n");
    command(&mut out, service, "No tuning while this goes on", ServiceCommand::FreezeTuning, None);
    restore(&mut out, service);
    command(&mut out, service, "The service reads them", ServiceCommand::Reload, None);
    verify(&mut out, canary, service, policy);
    parameters(&mut out, manifest);
    let _ = writeln!(out, "## Full rollback, within {}\n", count(canary.full_minutes, "minute"));
    command(&mut out, service, "No tuning while this goes on", ServiceCommand::FreezeTuning, None);
    command(&mut out, service, "Stop the service", ServiceCommand::Stop, None);
    command(&mut out, service, "Put the former release in place", ServiceCommand::DeployPrevious, None);
    restore(&mut out, service);
    command(&mut out, service, "Start the service", ServiceCommand::Start, None);
    command(&mut out, service, "Read its log", ServiceCommand::Logs, None);
    ask(&mut out, "It answers", "service.health_url", service.health_url.as_deref());
    ask(&mut out, "It is the former version", "service.version_url", service.version_url.as_deref());
    verify(&mut out, canary, service, policy);
    out.push_str("## Canary rollback\n\n");
    command(&mut out, service, "No traffic for the canary", ServiceCommand::SetTraffic, Some(0.0));
    command(&mut out, service, "Take the canary away", ServiceCommand::RemoveCanary, None);
    out.push_str("\n## Who\n\n");
    let people =
        [("told first", "service.contact", &service.contact), ("called", "service.pager", &service.pager)];
    for (what, key, who) in people {
        let _ = writeln!(out, "- {what}: {}", who.as_deref().map_or_else(|| missing(key), cell));
    }
    out
}

/// What rolls back, as a table.
pub(super) fn triggers(out: &mut String, policy: &Policy) {
    let canary = &policy.release.canary;
    let _ = writeln!(
        out,
        "Looked at every {}. A metric that nobody has seen for longer than {} minutes is never good: somebody looks.\n",
        count(canary.step_minutes, "minute"),
        number(canary.longest_gap_minutes.value)
    );
    out.push_str("| trigger | bad when | for | rollback |\n| --- | --- | ---: | --- |\n");
    for trigger in &canary.triggers {
        let kind = match trigger.rollback {
            RollbackKind::Quick => "quick",
            RollbackKind::Full => "full",
        };
        let _ = writeln!(
            out,
            "| {} | {} {} {} | {} | {kind} |",
            cell(&trigger.name),
            cell(&trigger.metric),
            trigger.comparison.symbol(),
            cell(&with_unit(trigger.limit.value, &trigger.metric, &policy.kpis)),
            count(trigger.for_minutes, "minute"),
        );
    }
    out.push('\n');
}

fn restore(out: &mut String, service: &Service) {
    let text = "Bring the former overrides back";
    match (&service.overrides_file, &service.previous_overrides_file) {
        (Some(overrides), Some(previous)) => {
            tick(out, &format!("{text}:"));
            shell_block(out, &install(previous, overrides));
        }
        (None, _) => tick(out, &format!("{text}. {}", missing("service.overrides_file"))),
        (_, None) => tick(out, &format!("{text}. {}", missing("service.previous_overrides_file"))),
    }
}

fn verify(out: &mut String, canary: &CanaryRules, service: &Service, policy: &Policy) {
    ask(out, "Metrics are there again", "service.metrics_url", service.metrics_url.as_deref());
    let minutes = count(canary.after_rollback_minutes, "minute");
    clock(out, service, "The time of the rollback is written down", ROLLED_BACK);
    let text = format!("After {minutes} `soak` holds it against the limits below");
    let flags = format!("--after-rollback \"${ROLLED_BACK}\"");
    canary_check(out, service, service.selector.as_deref(), &text, &flags);
    let _ = writeln!(out, "- [ ] These hold, and go on doing so for {minutes}:");
    for limit in &canary.after_rollback {
        let name = limit.kpi.name;
        if let CanaryBound::Fixed(bound) = &limit.bound {
            let told = with_unit(bound.value, name, &policy.kpis);
            let _ = writeln!(out, "  - [ ] {} {} {}", cell(name), limit.comparison.symbol(), cell(&told));
        }
    }
    out.push('\n');
}

fn parameters(out: &mut String, manifest: &BundleManifest) {
    if manifest.notes.parameters.is_empty() {
        return;
    }
    out.push_str("What this release changed since the start of its run, to compare with what came back:\n\n");
    let values: [fn(&ParamNote) -> Option<f64>; 2] = [|param| param.to, |param| param.from];
    steps::parameters(out, &manifest.notes.parameters, ["released", "start of the run"], values);
}
