//! Two-sided sanity: values that are wrong on the good side are wrong all the same. A KPI that stands still, that
//! collapsed, that is too good to be true, fills that fell away, and iterations that are copies of others.
//!
//! Advisory unless the policy says otherwise. Only iterations that repeat earlier ones are INVALID, and join the verdict
//! unless the policy says otherwise: everything else can be true.

pub(crate) mod repeats;

use std::time::Duration;

use crate::core::judge::{count, list_numbers, show};
use crate::core::kpi::{Direction, KpiId, KpiTable};
use crate::core::policy::SanityRules;
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::verdict::evidence::Repeat;
use crate::core::verdict::{Check, Comparison, LimitSource, Outcome, Part};
use crate::stats::summary::median;
use repeats::{Found, Repeats};

/// The median absolute deviation of normal values is their standard deviation divided by this (Rousseeuw & Croux
/// 1993, J. Am. Stat. Assoc. 88:1273–1283).
const MAD_TO_STDEV: f64 = 1.4826;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The iterations.
    pub series: &'s Series,
    /// The newest iterations.
    pub last: &'s Window,
    /// Those after the warm-up.
    pub steady: &'s Window,
    /// Those that the verdict rests on.
    pub judged: &'s Window,
    /// Iterations whose files are copies of each other.
    pub repeats: &'s [Repeat],
    /// The KPIs that an iteration must show to pass.
    pub required: &'s [KpiId],
    /// The KPIs that are looked at one by one.
    pub looked_at: &'s [KpiId],
    /// How long an iteration was to take; `None` where no manifest says.
    pub interval: Option<Duration>,
    /// The KPIs.
    pub kpis: &'s KpiTable,
}

/// One KPI in some iterations, with words about it.
struct Oddity {
    numbers: Vec<u64>,
    words: String,
}

/// All checks of sanity on one symbol.
pub fn checks(subject: &Subject<'_>, rules: &SanityRules) -> Vec<Check> {
    // Of a short run the last iterations begin before the steady part does.
    let end = subject.last.positions.start;
    let history = subject.steady.positions.start.min(end)..end;
    let is_history = history.len() >= rules.history();
    let too_short = || {
        let fewest = count(rules.history(), "steady iteration");
        format!("{fewest} before {} needed to know what is usual", subject.last.name)
    };
    let past = |kpi: KpiId| subject.series.known(kpi, history.clone());
    let per_kpi = |of: &dyn Fn(KpiId) -> Option<Oddity>| -> Vec<Oddity> {
        subject.looked_at.iter().copied().filter_map(of).collect()
    };
    let make = |gate: &str, source: &LimitSource, found: Vec<Oddity>, fine: &str, window: &Window| {
        let oddities: usize = found.iter().map(|oddity| oddity.numbers.len()).sum();
        let words: Vec<String> = found.into_iter().map(|oddity| oddity.words).collect();
        let outcome = if oddities > 0 { rules.severity.of_a_miss() } else { Outcome::Pass };
        let reason = if oddities > 0 { words.join("; ") } else { fine.to_owned() };
        check(subject, rules, gate, source, window, oddities, outcome, reason)
    };
    let not_asked = |gate: &str, source: &LimitSource| {
        check(subject, rules, gate, source, subject.last, 0, Outcome::NotApplicable, too_short())
    };
    let repeats = Repeats::find(*subject);
    let mut checks = vec![repeated(subject, &repeats, rules)];
    checks.extend(repeated_before(subject, &repeats, rules));
    let stuck = per_kpi(&|kpi| stuck(subject, kpi, rules.stuck()));
    let source = &rules.stuck_iterations.source;
    let steady = |kpi| subject.series.known(kpi, subject.steady.positions.clone()).len();
    if subject.looked_at.iter().any(|kpi| steady(*kpi) >= rules.stuck()) {
        checks.push(make("stuck", source, stuck, "every KPI moves", subject.steady));
    } else {
        let fewest = count(rules.stuck(), "steady value");
        let why = format!("{fewest} of a KPI needed to know whether it stands still");
        checks.push(check(subject, rules, "stuck", source, subject.steady, 0, Outcome::NotApplicable, why));
    }
    if is_history {
        let found = per_kpi(&|kpi| collapsed(subject, kpi, &mut past(kpi), rules.collapse_share.value));
        let source = &rules.collapse_share.source;
        checks.push(make("collapsed", source, found, "no KPI collapsed", subject.last));
        let found = per_kpi(&|kpi| too_good(subject, kpi, &mut past(kpi), rules.too_good_spreads.value));
        let source = &rules.too_good_spreads.source;
        checks.push(make("too_good", source, found, "no KPI is too good to be true", subject.last));
    } else {
        checks.push(not_asked("collapsed", &rules.collapse_share.source));
        checks.push(not_asked("too_good", &rules.too_good_spreads.source));
    }
    checks.push(fills(subject, rules, history.clone(), is_history, too_short()));
    checks
}

#[expect(clippy::too_many_arguments, reason = "a check has that many sides, and this is where they meet")]
fn check(
    subject: &Subject<'_>,
    rules: &SanityRules,
    gate: &str,
    source: &LimitSource,
    window: &Window,
    oddities: usize,
    outcome: Outcome,
    reason: String,
) -> Check {
    Check {
        part: Part::Sanity,
        gate: format!("sanity.{gate}"),
        kpi: None,
        symbol: subject.series.symbol.clone(),
        severity: rules.severity,
        window: window.used(),
        statistic: "odd values".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: (outcome != Outcome::NotApplicable).then_some(oddities as f64),
        margin: (outcome != Outcome::NotApplicable).then_some(0.0 - oddities as f64),
        outcome,
        reason,
        limit_source: Some(source.clone()),
        joins: rules.gates,
        inference: None,
    }
}

/// Iterations that the verdict rests on and that repeat earlier ones: INVALID, for no measurement repeats so many
/// digits. Where they have so few that equal ones can be chance, an oddity like others.
fn repeated(subject: &Subject<'_>, repeats: &Repeats<'_>, rules: &SanityRules) -> Check {
    let judged = (subject.judged.from, u64::MAX);
    let sure = repeats.sure(judged, rules.repeats());
    let coarse = repeats.coarse(judged, rules.repeats());
    let (found, outcome, joins) = match (sure.count, coarse.count) {
        _ if subject.judged.is_empty() => (sure, Outcome::NotApplicable, true),
        (0, 0) => (sure, Outcome::Pass, true),
        (0, _) => (coarse, rules.severity.of_a_miss(), false),
        _ => (sure, Outcome::Invalid, true),
    };
    let reason = match outcome {
        Outcome::Pass => "no iteration repeats an earlier one".to_owned(),
        Outcome::NotApplicable => "there is no iteration to look at".to_owned(),
        Outcome::Invalid => format!("the source repeats itself: {}", found.sentence),
        _ => format!("{}; fewer than {} digits can be equal by chance", found.sentence, rules.repeats()),
    };
    let source = &rules.repeats_gate_source;
    let check = check(subject, rules, "repeated", source, subject.judged, found.count, outcome, reason);
    Check {
        statistic: "repeated iterations".to_owned(),
        joins: rules.gates || (rules.repeats_gate && joins),
        ..check
    }
}

/// The same in the steady part before that: it changes no verdict by itself. `None` without any.
fn repeated_before(subject: &Subject<'_>, repeats: &Repeats<'_>, rules: &SanityRules) -> Option<Check> {
    let Found { count, sentence } = repeats.sure((subject.steady.from, subject.judged.from), rules.repeats());
    let (source, outcome) = (&rules.repeats_gate_source, rules.severity.of_a_miss());
    let make = || check(subject, rules, "repeated_before", source, subject.steady, count, outcome, sentence);
    (count > 0).then(make)
}

/// The longest run of equal values, if it is as long as that.
fn stuck(subject: &Subject<'_>, kpi: KpiId, fewest: usize) -> Option<Oddity> {
    let values: Vec<(u64, f64)> = known(subject, kpi, subject.steady);
    let longest = values.chunk_by(|one, other| one.1 == other.1).max_by_key(|run| run.len())?;
    if longest.len() < fewest {
        return None;
    }
    let numbers: Vec<u64> = longest.iter().map(|(number, _)| *number).collect();
    let words = format!(
        "`{}` stands still at {} in iteration {}",
        kpi.name,
        show(kpi, longest[0].1),
        list_numbers(&numbers)
    );
    Some(Oddity { numbers, words })
}

/// Values of a KPI that cannot be negative which are next to nothing of what is usual.
fn collapsed(subject: &Subject<'_>, kpi: KpiId, past: &mut [f64], share: f64) -> Option<Oddity> {
    let of = kpi;
    if of.lowest != Some(0.0) {
        return None;
    }
    let usual = median(past)?;
    // Where nothing is usual there is nothing to fall.
    let bound = share * usual;
    if usual <= of.floor {
        return None;
    }
    odd(subject, kpi, |value| value < bound, &format!("collapsed from {}", show(of, usual)))
}

/// Values on the good side that are farther from what is usual than chance takes them.
fn too_good(subject: &Subject<'_>, kpi: KpiId, past: &mut [f64], spreads: f64) -> Option<Oddity> {
    let of = kpi;
    let good = match of.direction? {
        Direction::Higher => 1.0,
        Direction::Lower => -1.0,
    };
    let usual = median(past)?;
    let mut deviations: Vec<f64> = past.iter().map(|value| (value - usual).abs()).collect();
    let spread = (MAD_TO_STDEV * median(&mut deviations)?).max(of.floor);
    let words = format!("is too good to be true beside {}", show(of, usual));
    odd(subject, kpi, |value| good * (value - usual) > spreads * spread, &words)
}

fn odd(subject: &Subject<'_>, kpi: KpiId, is_odd: impl Fn(f64) -> bool, words: &str) -> Option<Oddity> {
    let values: Vec<(u64, f64)> =
        known(subject, kpi, subject.last).into_iter().filter(|(_, value)| is_odd(*value)).collect();
    let (_, first) = *values.first()?;
    let numbers: Vec<u64> = values.iter().map(|(number, _)| *number).collect();
    let of = kpi;
    let words = format!("`{}` {words}: {} in iteration {}", of.name, show(of, first), list_numbers(&numbers));
    Some(Oddity { numbers, words })
}

fn known(subject: &Subject<'_>, kpi: KpiId, window: &Window) -> Vec<(u64, f64)> {
    let series = subject.series;
    window.positions.clone().filter_map(|at| Some((series.number(at), series.value(kpi, at)?))).collect()
}

/// The number of fills behind the measurements: with few of them the KPIs say little.
fn fills(
    subject: &Subject<'_>,
    rules: &SanityRules,
    history: std::ops::Range<usize>,
    is_history: bool,
    too_short: String,
) -> Check {
    let source = &rules.fills_share.source;
    let of = |positions: std::ops::Range<usize>| -> Vec<f64> {
        subject.series.rows()[positions].iter().filter_map(|row| row.fills).collect()
    };
    let (mut past, mut now) = (of(history), of(subject.last.positions.clone()));
    let medians = median(&mut past).zip(median(&mut now)).filter(|(usual, _)| *usual > 0.0);
    let (outcome, reason) = match medians {
        _ if !is_history => (Outcome::NotApplicable, too_short),
        None => (Outcome::NotApplicable, "the iterations tell no fills".to_owned()),
        Some((usual, seen)) if seen < rules.fills_share.value * usual => {
            let reason =
                format!("the median of fills fell from {usual} to {seen}: the KPIs rest on few of them");
            (rules.severity.of_a_miss(), reason)
        }
        Some((usual, seen)) => (Outcome::Pass, format!("the median of fills is {seen}, and was {usual}")),
    };
    let observed = medians.map(|(usual, seen)| seen / usual);
    Check {
        statistic: "fills, share of what is usual".to_owned(),
        comparison: Some(Comparison::AtLeast),
        limit: Some(rules.fills_share.value),
        observed,
        margin: observed.map(|share| share - rules.fills_share.value),
        ..check(subject, rules, "fills", source, subject.last, 0, outcome, reason)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::judge::fixture::{empty, limit, series_of};
    use crate::core::policy::{WindowSpec, Windows};
    use crate::core::series::ranges::Ranges;
    use crate::core::verdict::Severity;

    pub(crate) const WINDOWS: Windows = Windows { last_n: 4, steady_start: 3 };

    pub(crate) fn rules() -> SanityRules {
        SanityRules {
            gates: false,
            severity: Severity::Soft,
            stuck_iterations: limit(5.0),
            collapse_share: limit(0.1),
            too_good_spreads: limit(10.0),
            fills_share: limit(0.5),
            min_history: limit(12.0),
            repeats_gate: true,
            repeats_gate_source: limit(0.0).source,
            repeat_digits: limit(16.0),
        }
    }

    /// 18 iterations: two of warm-up, twelve of history, four last ones. Net is 3 ± 0.1 and never the same twice, latency
    /// 300 ± 3, fills 1000.
    fn usual(change: impl Fn(u64, &mut Iteration)) -> Vec<Iteration> {
        (1..=18u64)
            .map(|number| {
                let wave = if number % 2 == 0 { 1.0 } else { -1.0 };
                let mut iteration = Iteration { number, fills: Some(1000.0), ..empty() };
                iteration.values[KpiId::NET_BPS.index()] = Some(3.0 + 0.1 * wave + 1e-6 * number as f64);
                iteration.values[KpiId::P95_LATENCY_MS.index()] = Some(300.0 - 3.0 * wave);
                change(number, &mut iteration);
                iteration
            })
            .collect()
    }

    fn judged(iterations: Vec<Iteration>, repeats: &[Repeat], rules: &SanityRules) -> Vec<Check> {
        let series = series_of(iterations);
        let numbers: Ranges = series.rows().iter().map(|row| row.number).collect();
        let window = |spec| Window::find(&series, spec, &WINDOWS, &numbers);
        checks(
            &Subject {
                series: &series,
                last: &window(WindowSpec::LastN),
                steady: &window(WindowSpec::Steady),
                judged: &window(WindowSpec::LastN),
                repeats,
                required: &KpiId::OF_THE_VERDICT,
                looked_at: &KpiId::OF_THE_VERDICT,
                interval: None,
                kpis: &KpiTable::default(),
            },
            rules,
        )
    }

    /// The outcome and the reason of one check.
    fn one(gate: &str, change: impl Fn(u64, &mut Iteration)) -> (Outcome, String) {
        let checks = judged(usual(change), &[], &rules());
        let check = checks.into_iter().find(|check| check.gate == gate).expect("this check");
        assert_eq!(check.joins, gate == "sanity.repeated");
        (check.outcome, check.reason)
    }

    fn set(iteration: &mut Iteration, kpi: KpiId, value: f64) {
        iteration.values[kpi.index()] = Some(value);
    }

    #[test]
    fn a_usual_run_is_sane_and_every_kind_is_asked() {
        let checks = judged(usual(|_, _| ()), &[], &rules());
        let told: Vec<(&str, Outcome)> =
            checks.iter().map(|check| (check.gate.as_str(), check.outcome)).collect();
        let gates =
            ["sanity.repeated", "sanity.stuck", "sanity.collapsed", "sanity.too_good", "sanity.fills"];
        assert_eq!(told, gates.map(|gate| (gate, Outcome::Pass)));
    }

    #[test]
    fn runs_of_any_length_are_looked_at() {
        for length in 0..18 {
            let run = usual(|_, _| ()).into_iter().take(length).collect();
            assert_eq!(judged(run, &[], &rules()).len(), 5, "{length}");
        }
    }

    #[test]
    fn the_same_value_so_many_times_in_a_row_stands_still() {
        let from = |first: u64| {
            move |number: u64, iteration: &mut Iteration| {
                if number >= first {
                    set(iteration, KpiId::NET_BPS, 3.0);
                }
            }
        };
        assert_eq!(one("sanity.stuck", from(15)).0, Outcome::Pass);
        let (outcome, reason) = one("sanity.stuck", from(14));
        assert_eq!(
            (outcome, reason.as_str()),
            (Outcome::Warn, "`net_bps` stands still at 3.00 bps in iteration 14-18")
        );
        // A gap does not make it move, and what was before the steady part does not count.
        let gap = |number: u64, iteration: &mut Iteration| {
            from(13)(number, iteration);
            if number == 15 {
                iteration.values[KpiId::NET_BPS.index()] = None;
            }
        };
        assert_eq!(one("sanity.stuck", gap).0, Outcome::Warn);
        let warm = |number: u64, iteration: &mut Iteration| {
            if number <= 6 {
                set(iteration, KpiId::NET_BPS, 2.0);
            }
        };
        assert_eq!(one("sanity.stuck", warm).0, Outcome::Pass);
    }

    #[test]
    fn a_latency_of_next_to_nothing_collapsed_and_an_edge_cannot() {
        let last = |kpi, value| {
            move |number: u64, iteration: &mut Iteration| {
                if number == 18 {
                    set(iteration, kpi, value);
                }
            }
        };
        // The median of the history is 300, between 297 and 303.
        assert_eq!(one("sanity.collapsed", last(KpiId::P95_LATENCY_MS, 30.0)).0, Outcome::Pass);
        let (outcome, reason) = one("sanity.collapsed", last(KpiId::P95_LATENCY_MS, 29.0));
        assert_eq!(outcome, Outcome::Warn);
        assert_eq!(reason, "`p95_latency_ms` collapsed from 300 ms: 29 ms in iteration 18");
        assert_eq!(one("sanity.collapsed", last(KpiId::NET_BPS, 0.0)).0, Outcome::Pass);
    }

    #[test]
    fn only_the_good_side_is_too_good() {
        let last = |kpi, value| {
            move |number: u64, iteration: &mut Iteration| {
                if number == 17 {
                    set(iteration, kpi, value);
                }
            }
        };
        // All deviations of the history are 3 ms: ten spreads are 44.478 ms; of net 0.1 bps, so 1.4826 bps.
        for (kpi, value, expected) in [
            (KpiId::P95_LATENCY_MS, 255.6, Outcome::Pass),
            (KpiId::P95_LATENCY_MS, 255.4, Outcome::Warn),
            (KpiId::P95_LATENCY_MS, 500.0, Outcome::Pass),
            (KpiId::NET_BPS, 4.48, Outcome::Pass),
            (KpiId::NET_BPS, 4.49, Outcome::Warn),
            (KpiId::NET_BPS, -9.0, Outcome::Pass),
        ] {
            assert_eq!(one("sanity.too_good", last(kpi, value)).0, expected, "{value}");
        }
    }

    #[test]
    fn fills_that_fell_below_their_share_are_told_and_unknown_ones_are_not_judged() {
        let now = |fills| {
            move |number: u64, iteration: &mut Iteration| {
                if number > 14 {
                    iteration.fills = fills;
                }
            }
        };
        assert_eq!(one("sanity.fills", now(Some(500.0))).0, Outcome::Pass);
        let (outcome, reason) = one("sanity.fills", now(Some(499.0)));
        assert_eq!((outcome, reason.contains("fell from 1000 to 499")), (Outcome::Warn, true), "{reason}");
        assert_eq!(one("sanity.fills", now(None)).0, Outcome::NotApplicable);
    }

    #[test]
    fn too_little_history_is_not_judged_and_the_policy_makes_it_gate() {
        let short = judged(usual(|_, _| ()), &[], &SanityRules { min_history: limit(13.0), ..rules() });
        for gate in ["sanity.collapsed", "sanity.too_good", "sanity.fills"] {
            let check = short.iter().find(|check| check.gate == gate).expect("this check");
            assert_eq!(check.outcome, Outcome::NotApplicable, "{gate}");
        }
        let hard = SanityRules { gates: true, severity: Severity::Hard, ..rules() };
        let stuck = judged(usual(|_, iteration| set(iteration, KpiId::NET_BPS, 3.0)), &[], &hard);
        assert!(stuck.iter().all(|check| check.joins));
        assert_eq!(stuck[1].outcome, Outcome::Fail);
    }

    #[test]
    fn what_too_few_values_cannot_show_is_not_said_to_be_fine() {
        // Six iterations, four of them steady; five equal ones stand still.
        let few = judged(usual(|_, _| ()).into_iter().take(6).collect(), &[], &rules());
        let of = |checks: &[Check], gate: &str| {
            let check = checks.iter().find(|check| check.gate == gate).expect("a check").clone();
            (check.outcome, check.observed, check.reason)
        };
        let told = "5 steady values of a KPI needed to know whether it stands still".to_owned();
        assert_eq!(of(&few, "sanity.stuck"), (Outcome::NotApplicable, None, told));
        let enough = judged(usual(|_, _| ()).into_iter().take(7).collect(), &[], &rules());
        assert_eq!(of(&enough, "sanity.stuck").0, Outcome::Pass);
        let none = judged(Vec::new(), &[], &rules());
        let told = "there is no iteration to look at".to_owned();
        assert_eq!(of(&none, "sanity.repeated"), (Outcome::NotApplicable, None, told));
    }
}
