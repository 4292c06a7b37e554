//! `CANARY_CHECKLIST.md`: before, the hours with their limits, what rolls back, the steps to all of the traffic.

use std::fmt::Write as _;

use super::rollback_plan::triggers;
use super::steps::{
    canary_check, clock, command, count, head, install, missing, number, shell_block, tick, with_unit,
};
use crate::core::policy::Policy;
use crate::core::policy::release::{Service, ServiceCommand};
use crate::core::release::canary::statistic_of;
use crate::core::shell;
use crate::render::markdown::cell;
use crate::render::report_md::prose;
use crate::wire::release::bundle_manifest::BundleManifest;

/// The variable of the shell with the start of the canary.
const STARTED: &str = "CANARY_STARTED";

/// The profile in the bundle.
const PROFILE: &str = "soak_profile.runtime_overrides.json";

/// The checklist of a release.
pub fn markdown(manifest: &BundleManifest, policy: &Policy) -> String {
    let (canary, service) = (&policy.release.canary, &policy.release.service);
    let mut out = head("Canary checklist for", manifest);
    let facts = &manifest.facts;
    let _ = writeln!(
        out,
        "- verdict: {}, readiness: {}, freeze ready: {}",
        facts.outcome, facts.readiness, facts.freeze_ready
    );
    let what = service.name.as_deref().map_or_else(|| missing("service.name"), cell);
    let _ = writeln!(out, "- service: {what}\n");
    out.push_str("Commands are meant to be run in the folder of this bundle.\n\n## Before\n\n");
    tick(&mut out, "The bundle is whole:");
    shell_block(&mut out, &["soak release verify .".to_owned()]);
    tick(&mut out, "`CHANGELOG.md`, `POST_SOAK_AUDIT.md` and `RECOMMENDATIONS.md` are read");
    let deltas = format!(
        "`DELTA_VERIFY_REPORT.md`: tuning that reached the overrides {} (asked >= {})",
        facts.deltas.told(),
        number(facts.deltas.asked)
    );
    tick(&mut out, &deltas);
    backup(&mut out, service);
    tick(&mut out, "`rollback_plan.md` is read, and nothing in it is marked as not configured");
    let contact = service.contact.as_deref().map_or_else(|| missing("service.contact"), cell);
    tick(&mut out, &format!("Told: {contact}"));
    out.push_str("\n## Start\n\n");
    match &service.canary_overrides_file {
        Some(file) => {
            tick(&mut out, "The canary gets the profile:");
            shell_block(&mut out, &install(PROFILE, file));
        }
        None => tick(
            &mut out,
            &format!("The canary gets `{PROFILE}`. {}", missing("service.canary_overrides_file")),
        ),
    }
    command(&mut out, service, "Start the canary", ServiceCommand::DeployCanary, None);
    let first = canary.stages.first().map_or(0.0, |stage| stage.percent);
    let share = format!("{} % of the traffic", number(first));
    command(&mut out, service, &share, ServiceCommand::SetTraffic, Some(first));
    clock(&mut out, service, "The time from which on it had its traffic is written down", STARTED);
    let _ = writeln!(
        out,
        "\n## Watch, {} to {} hours\n",
        number(canary.watch_hours_min),
        number(canary.watch_hours_max)
    );
    let dashboard = service
        .dashboard_url
        .as_deref()
        .map_or_else(|| missing("service.dashboard_url"), |url| format!("<{url}>"));
    let _ = writeln!(out, "Dashboard: {dashboard}\n");
    let text = format!(
        "Every {}, by a machine; 0 is good so far, 1 is roll back, everything else is a reason to look",
        count(canary.step_minutes, "minute")
    );
    let of_canary = service.canary_selector.as_deref();
    let rehearsal = if manifest.rehearsal { " --rehearsal" } else { "" };
    let since = format!("--bundle . --since \"${STARTED}\"{rehearsal}");
    canary_check(&mut out, service, of_canary, &text, &format!("{since} --so-far --detailed-exitcode"));
    // Behind an item without a command the list would swallow the sentence.
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "An hour is held against the {} that end with it: their {}, where its limit names no other statistic.\n",
        count(canary.window_minutes, "minute"),
        canary.statistic.word()
    );
    hours(&mut out, manifest, policy, &since);
    let _ = writeln!(
        out,
        "## Roll back at once\n\nThe quick rollback takes at most {}: `rollback_plan.md`.\n",
        count(canary.rollback_minutes, "minute")
    );
    triggers(&mut out, policy);
    out.push_str("## On to all of the traffic\n\n");
    canary_check(&mut out, service, of_canary, "The canary has passed as a whole", &since);
    for stage in canary.stages.iter().skip(1) {
        let text = format!(
            "{}: {} % for {} hours, by the limits of the last hour above",
            cell(&stage.name),
            number(stage.percent),
            number(stage.hold_hours)
        );
        command(&mut out, service, &text, ServiceCommand::SetTraffic, Some(stage.percent));
    }
    out.push_str("\n## Done\n\n");
    tick(&mut out, "The profile is in force everywhere, and the former one is kept for a rollback");
    tick(&mut out, "The canary is taken away, or is the service now");
    out.push_str("\n## Signed\n\n| who | when | decision |\n| --- | --- | --- |\n|  |  |  |\n|  |  |  |\n");
    out
}

fn backup(out: &mut String, service: &Service) {
    let text = "The overrides in force are kept for a rollback";
    match (&service.overrides_file, &service.previous_overrides_file) {
        (Some(overrides), Some(previous)) => {
            tick(out, &format!("{text}:"));
            let (overrides, previous) = (shell::word(overrides), shell::word(previous));
            shell_block(
                out,
                &[format!("cp -p -- {overrides} {previous}"), format!("cmp -- {overrides} {previous}")],
            );
        }
        (None, _) => tick(out, &format!("{text}. {}", missing("service.overrides_file"))),
        (_, None) => tick(out, &format!("{text}. {}", missing("service.previous_overrides_file"))),
    }
}

fn hours(out: &mut String, manifest: &BundleManifest, policy: &Policy, since: &str) {
    let (canary, service) = (&policy.release.canary, &policy.release.service);
    let mut hour = f64::NAN;
    for limit in &manifest.notes.canary {
        if hour != limit.after_hours {
            if !hour.is_nan() {
                out.push('\n');
            }
            hour = limit.after_hours;
            let _ = writeln!(out, "### Hour {}\n", number(hour));
            let flags = format!("{since} --hour {} --format md", number(hour));
            canary_check(
                out,
                service,
                service.canary_selector.as_deref(),
                "`soak` holds it against these limits",
                &flags,
            );
            tick(out, "no errors in the log that were not there before");
        }
        let told = match limit.limit {
            Some(value) => with_unit(value, &limit.kpi, &policy.kpis),
            None => "**no limit can be said**".to_owned(),
        };
        let told = if limit.limit.is_some() { cell(&told) } else { told };
        let at = canary.checkpoints.iter().find(|checkpoint| checkpoint.after_hours == limit.after_hours);
        let rule = at.and_then(|at| at.limits.iter().find(|rule| rule.kpi.name == limit.kpi));
        let of = rule.map_or(canary.statistic, |rule| statistic_of(&rule.bound, canary.statistic));
        // A limit that follows the soak says in its basis which statistic it is of.
        let is_said = of == canary.statistic || limit.basis.starts_with(&format!("soak: {} ", of.word()));
        let of = if is_said { String::new() } else { format!("{}; ", of.word()) };
        tick(out, &format!("{} {} {told} ({of}{})", cell(&limit.kpi), limit.comparison, prose(&limit.basis)));
    }
    out.push('\n');
}
