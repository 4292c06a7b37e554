//! Runs of several symbols: each is judged as if it were alone, from its first iteration to the last of the folder.
//! What the policy leaves out or forgives is a check of its own, so that every output names it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::evidence::{Evidence, Finding};
use super::judge::list_ranges;
use super::policy::Policy;
use super::policy::symbols::{SymbolList, SymbolRules};
use super::series::Series;
use super::spelling::did_you_mean;
use super::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed};
use super::window::Window;

/// Takes the excluded symbols out of the evidence; a check for each that was there.
pub fn exclude(evidence: &mut Evidence, rules: &SymbolRules) -> Vec<Check> {
    evidence.excluded = evidence.drop_symbols(&rules.exclude.names);
    evidence.allow_end = rules.allow_end.names.iter().cloned().collect();
    let nothing_left = evidence.series.is_empty();
    let mut checks: Vec<Check> = evidence
        .excluded
        .iter()
        .map(|name| forgiven(&rules.exclude, name, format!("`{name}` is excluded and was not judged")))
        .collect();
    if nothing_left && let Some(last) = checks.last_mut() {
        last.outcome = Outcome::Invalid;
        last.joins = true;
        "every symbol of the run is excluded: nothing is left to judge".clone_into(&mut last.reason);
    }
    checks
}

/// A check that says which exception applies to a symbol.
fn forgiven(list: &SymbolList, symbol: &str, reason: String) -> Check {
    Check {
        part: Part::Integrity,
        gate: list.source.key.clone(),
        kpi: None,
        symbol: Some(symbol.to_owned()),
        severity: Severity::Hard,
        window: WindowUsed { name: "overall".to_owned(), first: None, last: None, n: 0 },
        statistic: "missing iterations".to_owned(),
        comparison: None,
        limit: None,
        observed: None,
        margin: None,
        outcome: Outcome::NotApplicable,
        reason,
        limit_source: Some(list.source.clone()),
        joins: false,
        inference: None,
    }
}

/// Whether a symbol has every iteration of the window, and the exceptions that apply to it. Empty where the run has no
/// symbols.
pub fn checks(
    evidence: &Evidence,
    series: &Series,
    window: &Window,
    few: Option<usize>,
    rules: &SymbolRules,
) -> Vec<Check> {
    let is_one_of_several = series.symbol.is_some() || evidence.series.len() > 1;
    let found = evidence.found(series);
    let (Some((first, last)), Some((_, end))) = (found.span(), evidence.folder.span()) else {
        return Vec::new();
    };
    if !is_one_of_several {
        return Vec::new();
    }
    let name = series.symbol.as_deref().map_or("what has no symbol".to_owned(), |name| format!("`{name}`"));
    let missing = evidence.numbers(series).starting_at(window.from).without(&found);
    let of_folder = missing.without(&missing.without(&evidence.folder));
    let n = of_folder.count();
    let (outcome, reason) = if n == 0 {
        (Outcome::Pass, format!("{name} is in every iteration of the window"))
    } else if of_folder.span().is_some_and(|(from, _)| from > last) {
        (Outcome::Invalid, format!("{name} ends at iteration {last}, the run at {end}"))
    } else {
        (Outcome::Invalid, format!("{name} is missing in iteration {}", list_ranges(&of_folder)))
    };
    let mut checks = vec![Check {
        part: Part::Integrity,
        gate: "integrity.symbol".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Hard,
        window: window.used(),
        statistic: "missing iterations".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: Some(n as f64),
        margin: Some(0.0 - n as f64),
        outcome,
        reason,
        limit_source: None,
        joins: true,
        inference: None,
    }];
    let Some(symbol) = series.symbol.as_deref() else { return checks };
    if last < end && evidence.allow_end.contains(symbol) {
        let reason = format!("{name} may end early: it does so at iteration {last}, the run at {end}");
        checks.push(forgiven(&rules.allow_end, symbol, reason));
    }
    if let Some(few) = few {
        let reason =
            format!("{name} may start late: it does so at iteration {first} and is judged by {few} of them");
        checks.push(forgiven(&rules.allow_start, symbol, reason));
    }
    checks
}

/// The policy that a symbol is judged by. Where the policy lets it start late and it has fewer iterations than the
/// verdict asks for, no minimum asks for more than those; then their number comes with it.
pub fn policy_for<'p>(
    evidence: &Evidence,
    series: &Series,
    policy: &'p Policy,
) -> (Option<usize>, Cow<'p, Policy>) {
    let start = evidence.found(series).span().zip(evidence.folder.span());
    let is_late = start.is_some_and(|((first, _), (start, _))| start < first);
    let since = evidence.numbers(series).count();
    let may = series.symbol.as_deref().is_some_and(|name| policy.symbols.allow_start.contains(name));
    if !(may && is_late && since < policy.run_verdict.min_iterations) {
        return (None, Cow::Borrowed(policy));
    }
    let mut policy = policy.clone();
    policy.run_verdict.min_iterations = since;
    for gate in policy.readiness.checks.iter_mut().chain(&mut policy.goals.checks) {
        gate.min_iterations = gate.min_iterations.min(since);
    }
    (Some(since), Cow::Owned(policy))
}

/// What a reader should know about the symbols of a run.
pub fn findings(evidence: &Evidence, rules: &SymbolRules) -> Vec<Finding> {
    let finding = |kind, symbol: &str, message| Finding {
        kind,
        symbol: Some(symbol.to_owned()),
        iteration: None,
        file: None,
        in_window: true,
        message,
    };
    let known: Vec<&str> = evidence.series.iter().filter_map(|series| series.symbol.as_deref()).collect();
    let mut findings = Vec::new();
    for name in &evidence.excluded {
        let message = format!("`{name}` is excluded by `{}` and was not judged", rules.exclude.source.key);
        findings.push(finding("excluded_symbol", name, message));
    }
    for list in [&rules.exclude, &rules.allow_start, &rules.allow_end] {
        let is_unknown =
            |name: &&String| !known.contains(&name.as_str()) && !evidence.excluded.contains(name);
        for name in list.names.iter().filter(is_unknown) {
            let guess = did_you_mean(name, known.iter().copied());
            let message = format!("`{}` names `{name}`, which the run does not have{guess}", list.source.key);
            findings.push(finding("unknown_symbol", name, message));
        }
    }
    let mut spelled: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in &known {
        spelled.entry(name.to_lowercase()).or_default().push(name);
    }
    for names in spelled.values().filter(|names| names.len() > 1) {
        let message = format!("`{}` differ only in case and are judged apart", names.join("`, `"));
        findings.push(finding("symbols_alike", names[0], message));
    }
    for series in evidence.series.iter().filter(|series| series.symbol.is_some()) {
        let (Some((first, _)), Some((start, _))) = (evidence.found(series).span(), evidence.folder.span())
        else {
            continue;
        };
        if first > start
            && let Some(name) = series.symbol.as_deref()
        {
            let message = format!("`{name}` starts at iteration {first}, the run at {start}");
            findings.push(finding("symbol_starts_late", name, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
