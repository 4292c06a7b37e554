//! Advisory checks on single iterations: violations and anomalies. They join the verdict only where the
//! policy says `gates = true`.

use crate::core::iteration::events::Restarts;
use crate::core::judge::{count, list_numbers};
use crate::core::policy::events::RestartRules;
use crate::core::policy::{Policy, Profile};
use crate::core::series::anomalies::Anomaly;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::series::{Row, Series};
use crate::core::verdict::violations::Violations;
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part, Severity};

/// One check a KPI: no CRIT, no WARN.
pub fn violations(series: &Series, found: &Violations, policy: &Policy, numbers: &Ranges) -> Vec<Check> {
    let rules = &policy.violations;
    let window = Window::find(series, rules.window, &policy.windows, numbers);
    rules
        .rules
        .iter()
        .map(|rule| {
            let name = rule.kpi.name;
            let counts = found.by_kpi.iter().find(|counts| counts.kpi == rule.kpi);
            let (crit, warn) = counts.map_or((0, 0), |counts| (counts.crit, counts.warn));
            let (outcome, reason) = if counts.is_none_or(|counts| counts.no_data) {
                (Outcome::Warn, format!("`{name}` has no value to look at"))
            } else if crit > 0 {
                (
                    Outcome::Fail,
                    format!("`{name}` is CRIT in {} and WARN in {warn}", count(crit, "iteration")),
                )
            } else if warn > 0 {
                (Outcome::Warn, format!("`{name}` is WARN in {}", count(warn, "iteration")))
            } else {
                (Outcome::Pass, format!("`{name}` stays within WARN and CRIT"))
            };
            Check {
                part: Part::Violations,
                gate: format!("violations.{name}"),
                kpi: Some(name.to_owned()),
                symbol: series.symbol.clone(),
                severity: Severity::Hard,
                window: window.used(),
                statistic: "iterations beyond CRIT".to_owned(),
                comparison: Some(Comparison::AtMost),
                limit: Some(0.0),
                observed: Some(crit as f64),
                margin: Some(0.0 - crit as f64),
                outcome,
                reason,
                limit_source: Some(rule.crit.source.clone()),
                joins: rules.gates,
                inference: None,
            }
        })
        .collect()
}

/// One check: no anomaly in the last-n window; `None` outside the trading profile, whose KPIs have them.
pub fn anomalies(series: &Series, window: &Window, found: &[Anomaly], policy: &Policy) -> Option<Check> {
    if policy.profile != Profile::Trading {
        return None;
    }
    let mut iterations: Vec<u64> = found.iter().map(|anomaly| anomaly.iteration).collect();
    iterations.dedup();
    let (outcome, reason) = match found.len() {
        0 if window.used().n == 0 => (Outcome::NotApplicable, "there is no iteration to look at".to_owned()),
        0 => (Outcome::Pass, "no spike, jump or drop".to_owned()),
        n => {
            let noun = if n == 1 { "anomaly" } else { "anomalies" };
            (Outcome::Warn, format!("{n} {noun} in iteration {}", list_numbers(&iterations)))
        }
    };
    Some(Check {
        part: Part::Anomalies,
        gate: "anomalies.count".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Soft,
        window: window.used(),
        statistic: "count".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: Some(found.len() as f64),
        margin: Some(0.0 - found.len() as f64),
        outcome,
        reason,
        limit_source: Some(policy.anomalies.latency_spike.source.clone()),
        joins: policy.anomalies.gates,
        inference: None,
    })
}

/// Collections that failed and restarts of the system, where there are any.
pub fn incidents(series: &Series, window: &Window, policy: &Policy) -> impl Iterator<Item = Check> {
    let restarts = restarts(series, window, &policy.events.restarts);
    collections(series, window, policy).into_iter().chain(restarts)
}

/// As many failed collections in a row as end a run (`patience.failed_collections`) are a FAIL at the end of the
/// window; `None` = every collection of the window succeeded.
fn collections(series: &Series, window: &Window, policy: &Policy) -> Option<Check> {
    let source = policy.source_of("patience.failed_collections");
    failed_collections(series, window, policy.run.patience.failed_collections, source)
}

fn failed_collections(
    series: &Series,
    window: &Window,
    most: u64,
    source: Option<LimitSource>,
) -> Option<Check> {
    let rows = &series.rows()[window.positions.clone()];
    let failed: Vec<u64> = rows.iter().filter(|row| is_failed(row)).map(|row| row.number).collect();
    let at_the_end: Vec<&Row> = rows.iter().rev().take_while(|row| is_failed(row)).collect();
    let last = rows.iter().rev().find_map(|row| row.collection_failed.as_deref())?;
    let n = at_the_end.len();
    let (outcome, reason) = if n as u64 >= most {
        let numbers = list_numbers(&at_the_end.iter().rev().map(|row| row.number).collect::<Vec<_>>());
        (Outcome::Fail, format!("the last {} failed ({numbers}): {last}", count(n, "collection")))
    } else {
        let failed = format!("{} of {} failed", failed.len(), count(rows.len(), "collection"));
        (Outcome::Pass, format!("{failed}, {n} of them at the end of the window, where {most} are too many"))
    };
    Some(Check {
        part: Part::RunVerdict,
        gate: "run_verdict.collections".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Hard,
        window: window.used(),
        statistic: "failed collections at the end".to_owned(),
        comparison: Some(Comparison::Below),
        limit: Some(most as f64),
        observed: Some(n as f64),
        margin: Some(most as f64 - n as f64),
        outcome,
        reason,
        limit_source: source,
        joins: true,
        inference: None,
    })
}

/// Restarts in the window, by what explains them.
#[derive(Default)]
struct Explained {
    unexpected: u64,
    /// Iterations with unexpected ones.
    at: Vec<u64>,
    during_marks: u64,
    of_tuner: u64,
    /// Iterations of which nobody can say how often the system restarted, and the last reason.
    unknown: (Vec<u64>, Option<String>),
}

/// The first restart after overrides changed is the tuner's own: the system took them up that way.
fn explained(series: &Series, window: &Window, is_asked: bool) -> Explained {
    let mut found = Explained::default();
    for position in window.positions.clone() {
        let row = &series.rows()[position];
        let restarts = row.events.as_ref().and_then(|events| events.restarts.as_ref());
        let Some(Restarts { count, during, unknown }) = restarts else {
            if is_asked {
                found.unknown.0.push(row.number);
            }
            continue;
        };
        if unknown.is_some() {
            found.unknown.0.push(row.number);
            found.unknown.1.clone_from(unknown);
        }
        if during.is_some() {
            found.during_marks += count;
            continue;
        }
        let before = position.checked_sub(1).and_then(|before| series.rows().get(before));
        let own = u64::from(before.is_some_and(|before| is_moved(before, row))).min(*count);
        found.of_tuner += own;
        if *count > own {
            found.unexpected += count - own;
            found.at.push(row.number);
        }
    }
    found
}

/// Whether an iteration began with other overrides than the one before.
fn is_moved(before: &Row, row: &Row) -> bool {
    match (&before.overrides, &row.overrides) {
        (Some(before), Some(now)) => before != now,
        _ => before.tuning.applied == Some(true),
    }
}

/// More restarts in the window than the policy expects are a WARN. `None` = nobody looked for restarts.
fn restarts(series: &Series, window: &Window, rules: &RestartRules) -> Option<Check> {
    let is_known = |row: &Row| row.events.as_ref().is_some_and(|events| events.restarts.is_some());
    let (is_asked, is_recorded) = (rules.query_in_force().is_some(), series.rows().iter().any(is_known));
    if !rules.is_on || !(is_asked || is_recorded) {
        return None;
    }
    let found = explained(series, window, is_asked);
    let expected = rules.expected.as_ref().map_or(0.0, |limit| limit.value);
    let seen = found.unexpected as f64;
    let restarts = |n: u64| count(usize::try_from(n).unwrap_or(usize::MAX), "restart");
    let beside = [(found.during_marks, "during marks"), (found.of_tuner, "after a change of overrides")];
    let beside: Vec<String> = beside
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, when)| format!("{} {when}", restarts(n)))
        .collect();
    let beside =
        if beside.is_empty() { String::new() } else { format!("; {} expected", beside.join(" and ")) };
    let at = match found.at.as_slice() {
        [] => String::new(),
        numbers => format!(" in iteration {}", list_numbers(numbers)),
    };
    let of_limit = match expected {
        0.0 => "none is expected".to_owned(),
        most => format!("at most {most} expected"),
    };
    let (unknown, why) = &found.unknown;
    let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let (outcome, reason) = if !is_recorded {
        (
            Outcome::NotApplicable,
            "no iteration records restarts: no store was asked, and no process was watched (`--pid-file`)"
                .to_owned(),
        )
    } else if seen > expected {
        let noun = restarts(found.unexpected);
        (Outcome::Warn, format!("the system restarted: {noun}{at}, {of_limit}{beside}"))
    } else if !unknown.is_empty() {
        let of = unknown.len();
        let numbers = list_numbers(unknown);
        let all = window.len();
        (Outcome::Warn, format!("restarts are unknown in {of} of {all} iterations ({numbers}){why}"))
    } else if found.unexpected > 0 {
        (Outcome::Pass, format!("{}{at}, {of_limit}{beside}", restarts(found.unexpected)))
    } else {
        (Outcome::Pass, format!("no unexpected restart{beside}"))
    };
    Some(Check {
        part: Part::RunVerdict,
        gate: "run_verdict.restarts".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Soft,
        window: window.used(),
        statistic: "unexpected restarts".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(expected),
        observed: is_recorded.then_some(seen),
        margin: is_recorded.then_some(expected - seen),
        outcome,
        reason,
        limit_source: rules.expected.as_ref().map(|limit| limit.source.clone()),
        joins: true,
        inference: None,
    })
}

fn is_failed(row: &Row) -> bool {
    row.collection_failed.is_some()
}

#[cfg(test)]
mod collections_tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, series_of, whole};

    /// Eight iterations, of which the collections of these failed.
    fn judged(failed: &[u64]) -> Option<Check> {
        let series = series_of((1..=8).map(|number| Iteration {
            number,
            collection_failed:
                failed.contains(&number).then(|| format!("`net_bps`: no series ({number})").into()),
            ..empty()
        }));
        failed_collections(&series, &whole(&series), 3, None)
    }

    #[test]
    fn a_window_without_a_failed_collection_has_no_such_check() {
        assert_eq!(judged(&[]), None);
    }

    #[test]
    fn three_failed_collections_at_the_end_are_a_fail_that_names_them() {
        for (failed, outcome, at_the_end) in [
            (&[8][..], Outcome::Pass, 1.0),
            (&[7, 8], Outcome::Pass, 2.0),
            (&[6, 7, 8], Outcome::Fail, 3.0),
            (&[1, 5, 6, 7, 8], Outcome::Fail, 4.0),
            // The source was mended, and the last iterations are known.
            (&[5, 6, 7], Outcome::Pass, 0.0),
        ] {
            let check = judged(failed).expect("a check");
            assert_eq!((check.outcome, check.observed), (outcome, Some(at_the_end)), "{failed:?}");
            assert_eq!((check.limit, check.margin), (Some(3.0), Some(3.0 - at_the_end)));
            assert!(check.joins && check.part == Part::RunVerdict);
        }
        let told = |failed: &[u64]| judged(failed).expect("a check").reason;
        assert_eq!(told(&[6, 7, 8]), "the last 3 collections failed (6-8): `net_bps`: no series (8)");
        assert_eq!(
            told(&[2, 8]),
            "2 of 8 collections failed, 1 of them at the end of the window, where 3 are too many"
        );
    }
}

#[cfg(test)]
mod restarts_tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::events::Events;
    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::core::judge::fixture::{empty, limit, series_of, whole};

    /// Eight iterations; what the store said of some of them.
    fn iterations(events: &[(u64, Restarts)]) -> Vec<Iteration> {
        let of = |number| events.iter().find(|(at, _)| *at == number).map(|(_, restarts)| restarts.clone());
        let iteration = |number| {
            let restarts = Some(of(number).unwrap_or_default());
            Iteration { number, events: Some(Box::new(Events { restarts, ..Events::default() })), ..empty() }
        };
        (1..=8).map(iteration).collect()
    }

    fn seen(count: u64) -> Restarts {
        Restarts { count, ..Restarts::default() }
    }

    fn rules(query: Option<&str>, expected: Option<f64>) -> RestartRules {
        RestartRules { is_on: true, query: query.map(str::to_owned), expected: expected.map(limit) }
    }

    fn judged(iterations: Vec<Iteration>, rules: &RestartRules) -> Option<Check> {
        let series = series_of(iterations);
        restarts(&series, &whole(&series), rules)
    }

    fn told(iterations: Vec<Iteration>, expected: Option<f64>) -> (Outcome, String) {
        let check = judged(iterations, &rules(Some("q"), expected)).expect("a check");
        assert!(check.joins && check.severity == Severity::Soft);
        (check.outcome, check.reason)
    }

    #[test]
    fn where_nobody_looked_there_is_no_check() {
        let plain = || (1..=8).map(|number| Iteration { number, ..empty() }).collect::<Vec<_>>();
        assert_eq!(judged(plain(), &rules(None, None)), None);
        // The process of `--pid` restarted, whatever the policy asks.
        let check = judged(iterations(&[(3, seen(1))]), &rules(None, None)).expect("a check");
        assert_eq!((check.outcome, check.observed, check.limit), (Outcome::Warn, Some(1.0), Some(0.0)));
        let off = RestartRules { is_on: false, ..rules(Some("q"), None) };
        assert_eq!(judged(iterations(&[(3, seen(1))]), &off), None);
        let (outcome, reason) = told(plain(), None);
        assert_eq!(
            (outcome, reason.as_str()),
            (
                Outcome::NotApplicable,
                "no iteration records restarts: no store was asked, and no process was watched (`--pid-file`)"
            )
        );
    }

    #[test]
    fn more_restarts_than_are_expected_are_a_warn_that_names_the_iterations() {
        let of = |expected| told(iterations(&[(3, seen(1)), (6, seen(2))]), expected);
        assert_eq!(
            of(None),
            (
                Outcome::Warn,
                "the system restarted: 3 restarts in iteration 3, 6, none is expected".to_owned()
            )
        );
        assert_eq!(of(Some(2.0)).0, Outcome::Warn);
        assert_eq!(
            of(Some(3.0)),
            (Outcome::Pass, "3 restarts in iteration 3, 6, at most 3 expected".to_owned())
        );
        assert_eq!(told(iterations(&[]), None), (Outcome::Pass, "no unexpected restart".to_owned()));
    }

    #[test]
    fn restarts_during_a_mark_are_recorded_only() {
        let during = Restarts { count: 4, during: Some("deploy".to_owned()), unknown: None };
        assert_eq!(
            told(iterations(&[(3, during.clone())]), None),
            (Outcome::Pass, "no unexpected restart; 4 restarts during marks expected".to_owned())
        );
        let (outcome, reason) = told(iterations(&[(3, during), (4, seen(1))]), None);
        assert_eq!(outcome, Outcome::Warn);
        assert_eq!(
            reason,
            "the system restarted: 1 restart in iteration 4, none is expected; 4 restarts during marks expected"
        );
    }

    #[test]
    fn the_first_restart_after_overrides_changed_is_the_tuners_own() {
        let of = |count| {
            let mut iterations = iterations(&[(5, seen(count))]);
            for iteration in &mut iterations {
                let value = if iteration.number < 5 { 60.0 } else { 61.0 };
                let overrides = ParamValues::new(vec![(ParamName::flat("min_interval_ms"), value)]);
                iteration.overrides = Some(overrides.into());
            }
            told(iterations, None)
        };
        assert_eq!(
            of(1),
            (
                Outcome::Pass,
                "no unexpected restart; 1 restart after a change of overrides expected".to_owned()
            )
        );
        let (outcome, reason) = of(3);
        assert_eq!(outcome, Outcome::Warn);
        assert!(reason.starts_with("the system restarted: 2 restarts in iteration 5"), "{reason}");
        // Where overrides are not recorded, what the iteration before applied counts.
        let mut applied = iterations(&[(5, seen(1))]);
        applied[3].tuning.applied = Some(true);
        assert_eq!(told(applied, None).0, Outcome::Pass);
    }

    #[test]
    fn restarts_that_are_unknown_are_a_warn_and_no_pass() {
        let unknown = Restarts { unknown: Some("no answer".to_owned()), ..Restarts::default() };
        assert_eq!(
            told(iterations(&[(2, unknown.clone()), (3, unknown)]), None),
            (Outcome::Warn, "restarts are unknown in 2 of 8 iterations (2-3): no answer".to_owned())
        );
        let mut some = iterations(&[]);
        some[0].events = None;
        assert_eq!(
            told(some, None),
            (Outcome::Warn, "restarts are unknown in 1 of 8 iterations (1)".to_owned())
        );
    }

    #[test]
    fn only_restarts_of_the_window_count() {
        let series = series_of(iterations(&[(1, seen(1))]));
        let window = Window { positions: 1..8, ..whole(&series) };
        let check = restarts(&series, &window, &rules(Some("q"), None)).expect("a check");
        assert_eq!(check.outcome, Outcome::Pass);
    }
}
