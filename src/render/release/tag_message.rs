//! The message of a release's tag: plain lines that survive any tool, the KPIs, and the hash of the bundle.

use std::fmt::Write as _;

use crate::core::number::{beside, fixed};
use crate::core::verdict::Outcome;
use crate::render::markdown::printable;
use crate::wire::release::bundle_manifest::BundleManifest;

/// The message. No line begins with `#`, whatever the data holds.
pub fn message(manifest: &BundleManifest, bundle_sha256: &str) -> String {
    let facts = &manifest.facts;
    let rehearsal = if manifest.rehearsal { "REHEARSAL of release" } else { "Release" };
    let mut out = format!("{rehearsal} {}\n\n", manifest.name);
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key}: {}", printable(value));
    };
    line("Verdict", &format!("{} - {}", facts.outcome, facts.outcome_reason));
    line("Freeze ready", if facts.freeze_ready { "yes" } else { "no" });
    line("Readiness", &facts.readiness);
    line("Full-apply ratio", &facts.deltas.told());
    line("Source", &format!("{}, {} limits", facts.source.as_deref().unwrap_or("unknown"), facts.limits));
    line("Generated", manifest.created.as_deref().unwrap_or("unknown"));
    if let Some(commit) = facts.commit() {
        line("Soaked commit", commit);
    }
    if let Some(given) = &manifest.overridden {
        line("Override", &format!("by {} at {}: {}", given.by, given.at, given.reason));
        for refusal in &manifest.refusals {
            line("In spite of", &refusal.reason);
        }
    }
    for symbol in &manifest.notes.symbols {
        let window = &symbol.window;
        let span = match (window.first, window.last) {
            (Some(first), Some(last)) => format!("iterations {first}-{last}, n={}", window.n),
            _ => "empty".to_owned(),
        };
        let name = symbol.symbol.as_deref().map_or_else(String::new, |name| format!("{} ", printable(name)));
        let _ = writeln!(out, "\n{name}KPIs ({}: {span}):", printable(&window.name));
        for kpi in &symbol.kpis {
            let Some(mean) = kpi.mean else { continue };
            let unit = if kpi.unit.is_empty() { String::new() } else { format!(" {}", kpi.unit) };
            let trend = kpi.trend.as_deref().unwrap_or("trend unknown");
            let _ = writeln!(
                out,
                "  {}: mean {}{}, {}",
                printable(&kpi.kpi),
                fixed(mean, 3),
                printable(&unit),
                printable(trend)
            );
        }
        for goal in &symbol.goals {
            let word = if goal.outcome == Outcome::Pass { "[OK]" } else { "[FAIL]" };
            let seen = goal.observed.map_or_else(|| "unknown".to_owned(), |seen| beside(seen, goal.limit, 3));
            let _ = writeln!(
                out,
                "  {word} {} of {}: {seen} ({} {})",
                printable(&goal.statistic),
                printable(&goal.kpi),
                printable(&goal.comparison),
                goal.limit
            );
        }
        let guards: Vec<String> = symbol
            .guards
            .iter()
            .map(|guard| format!("{} {}", printable(&guard.guard), guard.iterations))
            .collect();
        let guards = if guards.is_empty() { "none".to_owned() } else { guards.join(", ") };
        let _ = writeln!(out, "  applied changes: {}; guards: {guards}", symbol.applied);
    }
    let _ = writeln!(out, "\nPolicy-SHA256: {}", manifest.policy_sha256);
    let _ = writeln!(out, "Bundle-SHA256: {bundle_sha256}");
    out
}
