//! Runs of several symbols: each is judged as if it were alone, from its first iteration to the last of the folder.
//! What the policy leaves out or forgives is a check of its own, so that every output names it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::window::Window;
use crate::core::judge::list_ranges;
use crate::core::policy::Policy;
use crate::core::policy::rules::{SymbolList, SymbolRules};
use crate::core::series::Series;
use crate::core::text::did_you_mean;
use crate::core::verdict::evidence::{Evidence, Finding};
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity, WindowUsed};

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
mod tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::WINDOWS;
    use crate::core::policy::WindowSpec;
    use crate::core::series::Interner;
    use crate::core::series::ranges::Ranges;
    use crate::core::verdict::LimitSource;

    fn list(key: &str, names: &[&str]) -> SymbolList {
        let source = LimitSource { key: format!("symbols.{key}"), origin: "a test".to_owned() };
        SymbolList { names: names.iter().map(|name| (*name).to_owned()).collect(), source }
    }

    fn rules(exclude: &[&str], start: &[&str], end: &[&str]) -> SymbolRules {
        SymbolRules {
            exclude: list("exclude", exclude),
            allow_start: list("allow_start", start),
            allow_end: list("allow_end", end),
        }
    }

    fn series(symbol: Option<&str>, numbers: impl IntoIterator<Item = u64>) -> Series {
        let mut series = Series::new(symbol.map(str::to_owned), 0);
        for number in numbers {
            series.push(Iteration { number, ..Iteration::default() }, &mut Interner::default());
        }
        series
    }

    /// `a` has 1 to 24, `b` has these numbers.
    fn run(b: impl IntoIterator<Item = u64>) -> Evidence {
        Evidence {
            series: vec![series(Some("a"), 1..=24), series(Some("b"), b)],
            folder: Ranges::from_iter([(1, 24)]),
            ..Evidence::default()
        }
    }

    /// Outcome, missing iterations and reason of the first check, and the gates of the others.
    fn judged(
        evidence: &Evidence,
        at: usize,
        rules: &SymbolRules,
    ) -> (Outcome, Option<f64>, String, Vec<String>) {
        let series = &evidence.series[at];
        let window = Window::find(series, WindowSpec::LastN, &WINDOWS, &evidence.numbers(series));
        let mut checks = checks(evidence, series, &window, None, rules).into_iter();
        let first = checks.next().expect("a check of the symbol");
        (first.outcome, first.observed, first.reason, checks.map(|check| check.gate).collect())
    }

    #[test]
    fn a_symbol_is_owed_from_its_first_iteration_to_the_last_of_the_folder() {
        let none = rules(&[], &[], &[]);
        for (numbers, outcome, missing, reason) in [
            ((1..=24).collect::<Vec<u64>>(), Outcome::Pass, 0.0, "`b` is in every iteration of the window"),
            ((20..=24).collect(), Outcome::Pass, 0.0, "`b` is in every iteration of the window"),
            ((1..=14).collect(), Outcome::Invalid, 3.0, "`b` ends at iteration 14, the run at 24"),
            ((1..=23).collect(), Outcome::Invalid, 1.0, "`b` ends at iteration 23, the run at 24"),
            ((1..=22).chain([24]).collect(), Outcome::Invalid, 1.0, "`b` is missing in iteration 23"),
            // Before the window it is no matter of the verdict.
            (
                (1..=20).chain(22..=24).collect(),
                Outcome::Pass,
                0.0,
                "`b` is in every iteration of the window",
            ),
            // The folder has the odd ones: they are no step of its own.
            ((2..=24).step_by(2).collect(), Outcome::Invalid, 1.0, "`b` is missing in iteration 23"),
        ] {
            let evidence = run(numbers.clone());
            let (found, observed, told, others) = judged(&evidence, 1, &none);
            assert_eq!((found, observed, told.as_str()), (outcome, Some(missing), reason), "{numbers:?}");
            assert!(others.is_empty());
            assert_eq!(judged(&evidence, 0, &none).0, Outcome::Pass);
        }
    }

    #[test]
    fn a_run_without_symbols_has_no_such_check() {
        let evidence = Evidence {
            series: vec![series(None, [1, 2, 9])],
            folder: Ranges::from([1, 2, 9]),
            ..Evidence::default()
        };
        let window = Window::find(&evidence.series[0], WindowSpec::LastN, &WINDOWS, &evidence.folder);
        assert!(checks(&evidence, &evidence.series[0], &window, None, &rules(&[], &[], &[])).is_empty());
        // Beside symbols what has none is one more.
        let mixed = Evidence { series: vec![series(None, 1..=14), series(Some("b"), 1..=24)], ..run([]) };
        let (outcome, _, reason, _) = judged(&mixed, 0, &rules(&[], &[], &[]));
        assert_eq!(
            (outcome, reason.as_str()),
            (Outcome::Invalid, "what has no symbol ends at iteration 14, the run at 24")
        );
    }

    #[test]
    fn a_symbol_that_may_end_is_judged_by_its_last_iterations_and_that_is_said() {
        let rules = rules(&[], &[], &["b"]);
        let mut evidence = run(1..=14);
        assert!(exclude(&mut evidence, &rules).is_empty());
        let (outcome, _, reason, others) = judged(&evidence, 1, &rules);
        assert_eq!((outcome, reason.as_str()), (Outcome::Pass, "`b` is in every iteration of the window"));
        assert_eq!(others, ["symbols.allow_end"]);
        // Missing in between is not forgiven, and who does not end needs no exception.
        let mut gap = run((1..=12).chain([14]));
        exclude(&mut gap, &rules);
        assert_eq!(judged(&gap, 1, &rules).0, Outcome::Invalid);
        let mut whole = run(1..=24);
        exclude(&mut whole, &rules);
        assert!(judged(&whole, 1, &rules).3.is_empty());
    }

    #[test]
    fn an_excluded_symbol_is_out_and_named_and_an_unknown_one_is_named_too() {
        let all = rules(&["b", "bb"], &[], &["x"]);
        let mut evidence = run(1..=14);
        let checks = exclude(&mut evidence, &all);
        let told: Vec<(&str, Option<&str>, Outcome, bool)> = checks
            .iter()
            .map(|check| (check.gate.as_str(), check.symbol.as_deref(), check.outcome, check.joins))
            .collect();
        assert_eq!(told, [("symbols.exclude", Some("b"), Outcome::NotApplicable, false)]);
        assert_eq!(evidence.series.len(), 1);
        let messages: Vec<String> = findings(&evidence, &all)
            .into_iter()
            .map(|finding| format!("{}: {}", finding.kind, finding.message))
            .collect();
        assert_eq!(
            messages,
            [
                "excluded_symbol: `b` is excluded by `symbols.exclude` and was not judged",
                "unknown_symbol: `symbols.exclude` names `bb`, which the run does not have",
                "unknown_symbol: `symbols.allow_end` names `x`, which the run does not have (did you mean `a`?)",
            ]
        );
        // Nobody left is nothing to judge.
        let checks = exclude(&mut run(1..=24), &rules(&["a", "b"], &[], &[]));
        assert_eq!(checks.last().map(|check| (check.outcome, check.joins)), Some((Outcome::Invalid, true)));
    }

    #[test]
    fn a_late_start_and_names_that_differ_only_in_case_are_findings() {
        let evidence = Evidence {
            series: vec![series(Some("BTC"), 1..=14), series(Some("btc"), 15..=24)],
            folder: Ranges::from_iter([(1, 24)]),
            ..Evidence::default()
        };
        let found: Vec<String> =
            findings(&evidence, &rules(&[], &[], &[])).into_iter().map(|finding| finding.message).collect();
        assert_eq!(
            found,
            [
                "`BTC`, `btc` differ only in case and are judged apart",
                "`btc` starts at iteration 15, the run at 1"
            ]
        );
        assert_eq!(judged(&evidence, 0, &rules(&[], &[], &[])).0, Outcome::Invalid);
    }
}
