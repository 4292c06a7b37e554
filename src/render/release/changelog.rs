//! `CHANGELOG.md`: what is released, by which numbers. Says nothing that the run does not show.

use std::fmt::Write as _;

use super::steps::{self, count, head, number};
use crate::core::number::{beside, fixed};
use crate::core::release::notes::{KpiNote, ParamNote, SymbolNotes};
use crate::core::verdict::Outcome;
use crate::render::markdown::cell;
use crate::render::report_md::prose;
use crate::wire::release::bundle_manifest::BundleManifest;

/// The changelog of a release. Of the files, the manifest lists all others.
pub fn markdown(manifest: &BundleManifest) -> String {
    let facts = &manifest.facts;
    let mut out = head("Release", manifest);
    let _ = writeln!(
        out,
        "- time: {}",
        cell(manifest.created.as_deref().unwrap_or("unknown, no iteration carries one"))
    );
    let _ = writeln!(out, "- commit: {}", facts.commit().map_or_else(|| "not recorded".to_owned(), cell));
    let _ = writeln!(out, "- verdict: {} - {}", facts.outcome, prose(&facts.outcome_reason));
    let _ = writeln!(
        out,
        "- freeze: {}",
        if facts.freeze_ready {
            "the overrides may be frozen"
        } else {
            "**the overrides may not be frozen**"
        }
    );
    let _ = writeln!(out, "- readiness: {}{}", facts.readiness, tail(&facts.readiness_failures));
    let _ = writeln!(
        out,
        "- tuning that reached the overrides: {} (asked >= {})",
        facts.deltas.told(),
        number(facts.deltas.asked)
    );
    let source = facts.source.as_deref().map_or_else(|| "unknown".to_owned(), cell);
    let _ = writeln!(
        out,
        "- source: {source}{}; limits: {}",
        if facts.simulated { " (simulated)" } else { "" },
        cell(&facts.limits)
    );
    let _ =
        writeln!(out, "- soak {}, policy {}\n", cell(&manifest.tool_version), cell(&manifest.policy_sha256));
    for symbol in &manifest.notes.symbols {
        let mark = match &symbol.symbol {
            Some(name) => {
                let _ = writeln!(out, "## Symbol {}\n", cell(name));
                "###"
            }
            None => "##",
        };
        kpis(&mut out, mark, symbol);
        goals(&mut out, mark, symbol);
        guards(&mut out, mark, symbol);
    }
    parameters(&mut out, manifest);
    known_issues(&mut out, manifest);
    out.push_str("## In this bundle\n\n");
    for file in &manifest.files {
        let _ = writeln!(out, "- `{}`", file.name);
    }
    out.push_str("- `CHANGELOG.md`, `MANIFEST.json`, `SHA256SUMS`\n");
    out
}

fn tail(failures: &[String]) -> String {
    if failures.is_empty() { String::new() } else { format!(" - {}", prose(&failures.join("; "))) }
}

/// `last8: iterations 17 to 24, n = 8`.
fn window(symbol: &SymbolNotes) -> String {
    let window = &symbol.window;
    match (window.first, window.last) {
        (Some(first), Some(last)) => {
            format!(
                "{}: iterations {first} to {last}, n = {} of {}",
                cell(&window.name),
                window.n,
                symbol.iterations
            )
        }
        _ => format!("{}: empty", cell(&window.name)),
    }
}

fn kpis(out: &mut String, mark: &str, symbol: &SymbolNotes) {
    let _ = writeln!(out, "{mark} KPIs ({})\n", window(symbol));
    out.push_str("| metric | unit | mean | median | min | max | trend |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n");
    for KpiNote { kpi, max, mean, median, min, trend, unit } in &symbol.kpis {
        let told = |value: &Option<f64>| value.map_or_else(|| "?".to_owned(), |value| fixed(value, 3));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            cell(kpi),
            cell(unit),
            told(mean),
            told(median),
            told(min),
            told(max),
            trend.as_deref().map_or_else(|| "?".to_owned(), cell)
        );
    }
    out.push_str("\n`?` was not measured.\n\n");
}

fn goals(out: &mut String, mark: &str, symbol: &SymbolNotes) {
    let met = symbol.goals.iter().filter(|goal| goal.outcome == Outcome::Pass).count();
    if symbol.goals.is_empty() {
        let _ = writeln!(out, "{mark} Goals\n\nThe policy sets none.\n");
        return;
    }
    let _ = writeln!(out, "{mark} Goals: {met} of {} met\n", symbol.goals.len());
    out.push_str("| goal | asked | seen | |\n| --- | --- | ---: | --- |\n");
    for goal in &symbol.goals {
        let word = match goal.outcome {
            Outcome::Pass => "met",
            Outcome::Fail => "**missed**",
            Outcome::Warn => "**missed, or met with too little room**",
            _ => "**cannot be judged**",
        };
        let _ = writeln!(
            out,
            "| {} of {} | {} {} | {} | {word} |",
            cell(&goal.statistic),
            cell(&goal.kpi),
            goal.comparison,
            number(goal.limit),
            goal.observed.map_or_else(|| "?".to_owned(), |seen| beside(seen, goal.limit, 3)),
        );
    }
    out.push('\n');
}

fn guards(out: &mut String, mark: &str, symbol: &SymbolNotes) {
    let _ = writeln!(out, "{mark} Tuning and guards\n");
    let _ = writeln!(out, "- changes were applied in {} of {} iterations", symbol.applied, symbol.iterations);
    for guard in &symbol.guards {
        let numbers: Vec<String> = guard.first.iter().map(ToString::to_string).collect();
        let more = if guard.iterations > guard.first.len() { ", …" } else { "" };
        let _ = writeln!(
            out,
            "- {}: in {} ({}{more}), {} of them in the window",
            cell(&guard.guard),
            count(guard.iterations as u64, "iteration"),
            numbers.join(", "),
            guard.in_window
        );
    }
    if symbol.guards.is_empty() {
        out.push_str("- no guard spoke\n");
    }
    out.push('\n');
}

fn parameters(out: &mut String, manifest: &BundleManifest) {
    out.push_str("## Parameters that changed\n\n");
    if manifest.notes.parameters.is_empty() {
        out.push_str("None: the profile is what the run started with, or the iterations do not tell.\n\n");
        return;
    }
    let values: [fn(&ParamNote) -> Option<f64>; 2] = [|param| param.from, |param| param.to];
    steps::parameters(out, &manifest.notes.parameters, ["first iteration", "released"], values);
}

fn known_issues(out: &mut String, manifest: &BundleManifest) {
    out.push_str("## Known issues\n\n");
    let (met, all) = manifest.notes.goals();
    if manifest.refusals.is_empty() && met == all {
        out.push_str("None by the limits of the policy. `RECOMMENDATIONS.md` has what could be better.\n\n");
        return;
    }
    for refusal in &manifest.refusals {
        let _ = writeln!(out, "- {}", prose(&refusal.reason));
    }
    if met < all {
        let _ = writeln!(out, "- {} of {all} goals are not met", all - met);
    }
    out.push_str("\nSee `FAILURES.md` and `RECOMMENDATIONS.md`.\n\n");
}
