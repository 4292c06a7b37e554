//! Two symbols of a run of 24 iterations, of which the verdict rests on the last three.

use super::*;
use crate::core::iteration::Iteration;
use crate::core::judge::fixture::WINDOWS;
use crate::core::policy::WindowSpec;
use crate::core::ranges::Ranges;
use crate::core::series::Interner;
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
        ((1..=20).chain(22..=24).collect(), Outcome::Pass, 0.0, "`b` is in every iteration of the window"),
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
