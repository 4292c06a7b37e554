//! Sets of limits on window statistics: readiness, goals, and whatever else the policy groups that way.

use crate::core::judge::{
    beside_name, count, list_numbers, list_ranges, show_beside, show_limit, side_of_a_miss,
};
use crate::core::policy::{ChangeRules, GateSet, HoldCount, Judge, KpiGate, Statistic, WindowSpec, Windows};
use crate::core::series::Series;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::text::number::{beside, exact};
use crate::core::trend::autocorrelation;
use crate::core::verdict::{Check, Inference, Outcome, Part, WindowUsed};
use crate::stats::intervals::FEWEST_FOR_PHI;
use crate::stats::{Autocorrelation, MeanInterval, Summary};

/// The value that a gate looks at: the statistic over the known values of its window.
///
/// `each` takes the value with the least room, so that it holds exactly when every value holds.
pub fn observed(gate: &KpiGate, values: &[f64]) -> Option<f64> {
    let summary = Summary::of(values)?;
    Some(match gate.statistic {
        Statistic::Mean => summary.mean,
        Statistic::Median => summary.median,
        Statistic::Min => summary.min,
        Statistic::Max => summary.max,
        Statistic::P5 => summary.p5,
        Statistic::P95 => summary.p95,
        Statistic::Each => {
            let room = |value: f64| gate.comparison.margin(value, gate.limit.value);
            if room(summary.min) < room(summary.max) { summary.min } else { summary.max }
        }
    })
}

/// Judges every limit of a set on one symbol.
pub fn checks(
    set: &GateSet,
    part: Part,
    series: &Series,
    numbers: &Ranges,
    windows: &Windows,
    levels: &ChangeRules,
) -> Vec<Check> {
    set.checks
        .iter()
        .map(|gate| {
            let window = Window::find(series, gate.window, windows, numbers);
            let steady = Window::find(series, WindowSpec::Steady, windows, numbers);
            let known = series.known(gate.kpi, window.positions.clone()).len();
            let observation = observe(gate, series, [&window, &steady], levels);
            Check { symbol: series.symbol.clone(), ..check(set, gate, part, observation, known) }
        })
        .collect()
}

/// The statistic before its value: `median`, `each of the last 5 iterations: worst`, `6 of the last 7 iterations: 6th
/// best`.
fn told(word: &str, count: Option<HoldCount>) -> String {
    match count {
        None => word.to_owned(),
        Some(HoldCount { holds, of }) if holds == of => format!("{word} iterations: worst"),
        Some(HoldCount { holds: 1, .. }) => format!("{word} iterations: best"),
        Some(HoldCount { holds, .. }) => {
            let ending = match (holds % 10, holds % 100) {
                (1, hundredth) if hundredth != 11 => "st",
                (2, hundredth) if hundredth != 12 => "nd",
                (3, hundredth) if hundredth != 13 => "rd",
                _ => "th",
            };
            format!("{word} iterations: {holds}{ending} best")
        }
    }
}

/// `last8 (17-24)`.
fn place(window: &WindowUsed) -> String {
    match (window.first, window.last) {
        (Some(first), Some(last)) => {
            format!("{} ({})", window.name, list_ranges(&Ranges::from_iter([(first, last)])))
        }
        _ => window.name.clone(),
    }
}

/// What follows from what was seen; `known` values of the window are known.
fn check(set: &GateSet, gate: &KpiGate, part: Part, observation: Observation, known: usize) -> Check {
    let kpi = gate.kpi;
    let limit = gate.limit.value;
    let Observation { value: observed, statistic: word, window, inference, insufficient } = observation;
    let margin = observed.map(|value| gate.comparison.margin(value, limit));
    let bound = format!("{} {}", gate.comparison.symbol(), show_limit(kpi, limit));
    let told = told(&word, gate.count);
    let lacks = |value, what: String| {
        let (value, values) = (show_beside(kpi, value, limit), count(known, "value"));
        (Outcome::Inconclusive, format!("{word} {value} of {values} in {}, {what}", window.name))
    };
    let (outcome, reason) = match (observed, insufficient) {
        (None, _) if known > 0 => (
            Outcome::Invalid,
            format!(
                "the values of `{}` in {} are so large that their {word} is no number",
                kpi.name, window.name
            ),
        ),
        (None, _) => (Outcome::Invalid, format!("`{}` has no value in {}", kpi.name, window.name)),
        (Some(value), Some(InsufficientData::Bound(why))) => {
            lacks(value, format!("and no bound of it to hold against {bound}: {why}"))
        }
        (Some(value), Some(InsufficientData::Data(why))) => {
            lacks(value, format!("{why} to hold it against {bound}"))
        }
        (Some(_), Some(InsufficientData::Iterations(why))) => {
            (gate.severity.of_a_miss(), format!("`{}` {bound}: {why}", kpi.name))
        }
        (Some(value), None) if !gate.comparison.holds(value, limit) => (
            gate.severity.of_a_miss(),
            format!(
                "`{}` {} {} in {}: {told} {}",
                kpi.name,
                side_of_a_miss(gate.comparison),
                beside_name(kpi, exact(limit, kpi.decimals())),
                place(&window),
                beside_name(kpi, beside(value, limit, kpi.decimals_of(value)))
            ),
        ),
        (Some(value), None) if gate.comparison.margin(value, limit) < gate.margin => (
            Outcome::Warn,
            format!(
                "{told} {} meets {bound} with less room than the margin of {}",
                show_beside(kpi, value, limit),
                show_limit(kpi, gate.margin)
            ),
        ),
        (Some(value), None) => {
            (Outcome::Pass, format!("{told} {} meets {bound}", show_beside(kpi, value, limit)))
        }
    };
    Check {
        part,
        gate: format!("{}.{}", set.name, kpi.name),
        kpi: Some(kpi.name.to_owned()),
        symbol: None,
        severity: gate.severity,
        window,
        statistic: word,
        comparison: Some(gate.comparison),
        limit: Some(limit),
        observed,
        margin,
        outcome,
        reason,
        limit_source: Some(gate.limit.source.clone()),
        joins: set.gates,
        inference,
    }
}

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
struct Observation {
    /// The value that is held against the limit; `None` when there is none.
    value: Option<f64>,
    /// What it is, in words: `median`, `mean, lower bound (95 %)`, `6 of the last 8`.
    statistic: String,
    /// The iterations looked at.
    window: WindowUsed,
    /// How sure it is, where a bound is asked for.
    inference: Option<Inference>,
    /// Why it cannot be held against the limit, to stand in a reason.
    insufficient: Option<InsufficientData>,
}

/// Why a value is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
enum InsufficientData {
    /// There is too little to judge.
    Data(String),
    /// There is no bound.
    Bound(String),
    /// Iterations without a value do not meet the limit, and too few are left.
    Iterations(String),
}

/// Looks at the window of a gate. `steady` is the steady part, which shows, where `levels` finds no change, how much neighbours resemble each other.
fn observe(
    gate: &KpiGate,
    series: &Series,
    [window, steady]: [&Window; 2],
    levels: &ChangeRules,
) -> Observation {
    if let Some(held) = gate.count {
        return counted(gate, held, series, window);
    }
    let autocorrelation = || autocorrelation::of(series, gate.kpi, window, steady, levels);
    let observation = statistic(gate, series, window, autocorrelation);
    match observation.insufficient {
        Some(InsufficientData::Bound(_)) => {
            let known = |window: &Window| series.known(gate.kpi, window.positions.clone()).len();
            let known = known(steady).max(known(window));
            let why = if known < FEWEST_FOR_PHI {
                format!(
                    "how much neighbours resemble each other takes {FEWEST_FOR_PHI} values of the steady part, and {known} are \
                     there"
                )
            } else {
                format!(
                    "neighbours resemble each other so much that {} say too little",
                    count(known, "value")
                )
            };
            Observation { insufficient: Some(InsufficientData::Bound(why)), ..observation }
        }
        _ => observation,
    }
}

fn statistic(
    gate: &KpiGate,
    series: &Series,
    window: &Window,
    autocorrelation: impl FnOnce() -> Option<Autocorrelation>,
) -> Observation {
    let values = series.known(gate.kpi, window.positions.clone());
    let point = observed(gate, &values);
    let insufficient = (values.len() < gate.min_iterations)
        .then(|| InsufficientData::Data(format!("{} needed", gate.min_iterations)));
    let word = gate.statistic.word();
    let plain = Observation {
        value: point,
        statistic: word.to_owned(),
        window: window.used(),
        inference: None,
        insufficient,
    };
    let (side, confidence) = match gate.judge {
        Judge::Point => return plain,
        Judge::Lower(confidence) => ("lower", confidence),
        Judge::Upper(confidence) => ("upper", confidence),
    };
    if plain.value.is_none() || plain.insufficient.is_some() {
        return plain;
    }
    let bounds = autocorrelation()
        .and_then(|autocorrelation| bounds(gate.statistic, &values, autocorrelation, confidence));
    let Some(inference) = bounds else {
        return Observation { insufficient: Some(InsufficientData::Bound(String::new())), ..plain };
    };
    Observation {
        value: if side == "lower" { inference.low } else { inference.high },
        statistic: format!("{word}, {side} bound ({} %)", percent(confidence)),
        inference: Some(inference),
        ..plain
    }
}

/// The two one-sided bounds of a confidence are the ends of an interval of twice the confidence less 1.
fn bounds(
    statistic: Statistic,
    values: &[f64],
    autocorrelation: Autocorrelation,
    confidence: f64,
) -> Option<Inference> {
    let summary = Summary::of(values)?;
    let mean = MeanInterval::with_autocorrelation(values, &summary, autocorrelation, 2.0 * confidence - 1.0)?;
    let (low, high) = match statistic {
        Statistic::Mean => (mean.low, mean.high),
        Statistic::Median => {
            let median = mean.of_median(summary.median);
            (median.low, median.high)
        }
        _ => return None,
    };
    Some(Inference {
        n_eff: Some(mean.n_eff),
        low: Some(low),
        high: Some(high),
        confidence: Some(mean.confidence),
        ..Inference::default()
    })
}

/// The k-th best of the last n values meets the limit exactly when at least k of them do.
fn counted(gate: &KpiGate, held: HoldCount, series: &Series, window: &Window) -> Observation {
    let HoldCount { holds, of } = held;
    let positions = window.positions.end.saturating_sub(of).max(window.positions.start)..window.positions.end;
    let mut rooms: Vec<(f64, f64)> = series
        .known(gate.kpi, positions.clone())
        .into_iter()
        .map(|value| (gate.comparison.margin(value, gate.limit.value), value))
        .collect();
    rooms.sort_by(|a, b| b.0.total_cmp(&a.0));
    let missing: Vec<u64> = positions
        .clone()
        .filter(|at| series.value(gate.kpi, *at).is_none())
        .map(|at| series.number(at))
        .collect();
    let needed = of.max(gate.min_iterations);
    let insufficient = if window.len() < needed {
        Some(InsufficientData::Data(format!("{} needed", count(needed, "iteration"))))
    } else if rooms.len() < holds {
        Some(InsufficientData::Iterations(format!(
            "{} of the last {of} iterations have a value, and {holds} must meet the limit; without one: {}",
            rooms.len(),
            list_numbers(&missing)
        )))
    } else {
        None
    };
    let span =
        (!positions.is_empty()).then(|| (series.number(positions.start), series.number(positions.end - 1)));
    Observation {
        value: rooms.get(holds.saturating_sub(1)).or(rooms.last()).map(|(_, value)| *value),
        statistic: if holds == of {
            format!("each of the last {of}")
        } else {
            format!("{holds} of the last {of}")
        },
        window: WindowUsed {
            name: format!("last{of}"),
            first: span.map(|(first, _)| first),
            last: span.map(|(_, last)| last),
            n: positions.len(),
        },
        inference: None,
        insufficient,
    }
}

/// A share as percent, as few digits as it takes.
fn percent(share: f64) -> String {
    crate::core::text::number::trimmed(&crate::core::text::number::fixed(share * 100.0, 3)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{WINDOWS, change_rules, limit, numbers, series};
    use super::*;
    use crate::core::kpi::KpiId;
    use crate::core::policy::{HoldCount, Judge};
    use crate::core::verdict::{Comparison, Severity};
    use crate::stats::{Autocorrelation, MeanInterval};

    /// `net_bps` >= 2.5 over the last three.
    fn gate(statistic: Statistic) -> KpiGate {
        KpiGate {
            kpi: KpiId::NET_BPS,
            severity: Severity::Hard,
            window: WindowSpec::LastN,
            statistic,
            comparison: Comparison::AtLeast,
            limit: limit(2.5),
            margin: 0.0,
            min_iterations: 1,
            judge: Judge::Point,
            count: None,
        }
    }

    /// The windows of the fixture: three iterations, and a steady part from number 7 on.
    fn judged(gate: KpiGate, values: &[Option<f64>]) -> Check {
        let series = series(KpiId::NET_BPS, values);
        let set = GateSet { name: "goals".to_owned(), gates: false, checks: vec![gate], present: Vec::new() };
        checks(&set, Part::Goals, &series, &numbers(&series), &WINDOWS, &change_rules()).remove(0)
    }

    fn outcome(gate: KpiGate, values: &[f64]) -> Outcome {
        judged(gate, &values.iter().copied().map(Some).collect::<Vec<_>>()).outcome
    }

    #[test]
    fn a_limit_holds_at_its_value_and_not_below_it() {
        for (value, expected) in [(2.499, Outcome::Fail), (2.5, Outcome::Pass), (2.501, Outcome::Pass)] {
            for statistic in Statistic::ALL {
                assert_eq!(outcome(gate(statistic), &[value; 3]), expected, "{value} {statistic:?}");
            }
        }
        let soft = KpiGate { severity: Severity::Soft, ..gate(Statistic::Mean) };
        assert_eq!(outcome(soft, &[2.0]), Outcome::Warn);
        let strict = KpiGate { comparison: Comparison::Above, ..gate(Statistic::Mean) };
        assert_eq!(outcome(strict, &[2.5]), Outcome::Fail);
    }

    #[test]
    fn a_reason_never_rounds_a_value_onto_its_limit() {
        let reason = |limit_value: f64, value: f64| {
            let gate = KpiGate { limit: limit(limit_value), ..gate(Statistic::Median) };
            judged(gate, &[Some(value)]).reason
        };
        assert_eq!(reason(2.9, 2.898), "`net_bps` is below 2.90 in last3 (1): median 2.898");
        assert_eq!(reason(2.9, 2.7), "`net_bps` is below 2.90 in last3 (1): median 2.70");
        assert_eq!(reason(2.9, 2.902), "median 2.902 bps meets >= 2.90 bps");
        assert_eq!(reason(2.9, 2.9), "median 2.90 bps meets >= 2.90 bps");
        assert_eq!(reason(2.905, 3.0), "median 3.00 bps meets >= 2.905 bps");
    }

    #[test]
    fn less_room_than_the_margin_is_a_warning() {
        // Quarters and eighths are exact in binary.
        let within = KpiGate { margin: 0.25, ..gate(Statistic::Median) };
        for (value, expected) in
            [(2.375, Outcome::Fail), (2.5, Outcome::Warn), (2.625, Outcome::Warn), (2.75, Outcome::Pass)]
        {
            assert_eq!(outcome(within.clone(), &[value]), expected, "{value}");
        }
    }

    #[test]
    fn each_statistic_sees_the_values_of_the_window_alone() {
        // The first value lies outside of the last three: 2, 3 and 7 are left.
        let values = [-90.0, 2.0, 3.0, 7.0];
        // Type 7 by hand: p5 = 2 + 0.1 × (3 - 2), p95 = 3 + 0.9 × (7 - 3).
        let expected = [
            (Statistic::Each, 2.0),
            (Statistic::Mean, 4.0),
            (Statistic::Median, 3.0),
            (Statistic::Min, 2.0),
            (Statistic::Max, 7.0),
            (Statistic::P5, 2.1),
            (Statistic::P95, 6.6),
        ];
        for (statistic, value) in expected {
            let check = judged(gate(statistic), &values.map(Some));
            let observed = check.observed.expect("a value");
            assert!((observed - value).abs() < 1e-12, "{statistic:?}: {observed}");
            assert_eq!((check.window.first, check.window.n), (Some(2), 3));
        }
        let at_most = KpiGate { comparison: Comparison::AtMost, ..gate(Statistic::Each) };
        assert_eq!(judged(at_most, &values.map(Some)).observed, Some(7.0));
    }

    #[test]
    fn fewer_values_than_the_minimum_are_inconclusive_and_none_is_invalid() {
        let three = KpiGate { min_iterations: 3, ..gate(Statistic::Mean) };
        assert_eq!(judged(three.clone(), &[Some(9.0); 3]).outcome, Outcome::Pass);
        let two = judged(three.clone(), &[Some(9.0), None, Some(9.0)]);
        assert_eq!(two.outcome, Outcome::Inconclusive);
        assert!(two.reason.starts_with("mean 9.00 bps of 2 values in last3, 3 needed"), "{}", two.reason);
        // Too few of bad values are too few as well.
        assert_eq!(judged(three.clone(), &[Some(0.0)]).outcome, Outcome::Inconclusive);
        for values in [&[None; 3][..], &[][..]] {
            let none = judged(three.clone(), values);
            assert_eq!((none.outcome, none.observed, none.margin), (Outcome::Invalid, None, None));
            assert_eq!(none.reason, "`net_bps` has no value in last3");
        }
    }

    /// The last five, each or some of them.
    fn held(holds: usize, of: usize) -> KpiGate {
        KpiGate { window: WindowSpec::Overall, count: Some(HoldCount { holds, of }), ..gate(Statistic::Each) }
    }

    #[test]
    fn a_gate_over_the_last_iterations_counts_those_that_meet_the_limit() {
        // The limit is 2.5; the first value is older than the last five.
        let run = [9.0, 3.0, 2.5, 2.0, 4.0, 2.75];
        assert_eq!(outcome(held(4, 5), &run), Outcome::Pass);
        assert_eq!(outcome(held(5, 5), &run), Outcome::Fail);
        assert_eq!(outcome(held(2, 2), &run), Outcome::Pass);
        assert_eq!(outcome(held(3, 3), &run), Outcome::Fail);
        let four = judged(held(4, 5), &run.map(Some));
        // The fourth best of 4, 3, 2.75, 2.5, 2 decides.
        assert_eq!(
            (four.observed, four.margin, four.statistic.as_str()),
            (Some(2.5), Some(0.0), "4 of the last 5")
        );
        assert_eq!((four.window.name.as_str(), four.window.first, four.window.n), ("last5", Some(2), 5));
        assert_eq!(four.reason, "4 of the last 5 iterations: 4th best 2.50 bps meets >= 2.50 bps");
        let each = judged(held(2, 2), &run.map(Some));
        assert_eq!((each.observed, each.statistic.as_str()), (Some(2.75), "each of the last 2"));
        // The margin counts iterations with that much room.
        let within = KpiGate { margin: 0.25, ..held(4, 5) };
        assert_eq!(outcome(within.clone(), &run), Outcome::Warn);
        assert_eq!(outcome(within, &[3.0, 3.0, 2.0, 4.0, 2.75]), Outcome::Pass);
    }

    #[test]
    fn an_iteration_without_a_value_meets_no_limit_and_too_few_iterations_are_inconclusive() {
        let some = |values: &[Option<f64>], gate| judged(gate, values);
        let run = [Some(3.0), None, Some(3.0), Some(3.0), Some(3.0)];
        assert_eq!(some(&run, held(4, 5)).outcome, Outcome::Pass);
        let missing = some(&run, held(5, 5));
        assert_eq!(missing.outcome, Outcome::Fail);
        assert_eq!(
            missing.reason,
            "`net_bps` >= 2.50 bps: 4 of the last 5 iterations have a value, and 5 must meet the limit; without one: 2"
        );
        assert_eq!(some(&run, held(5, 6)).outcome, Outcome::Inconclusive);
        assert_eq!(some(&run, KpiGate { min_iterations: 6, ..held(4, 5) }).outcome, Outcome::Inconclusive);
        assert_eq!(some(&[None; 5], held(4, 5)).outcome, Outcome::Invalid);
    }

    /// 30 values, 24 of them steady, that look independent: a mean of 3 and deviations of −0.1, 0 and 0.1.
    fn noise() -> Vec<Option<f64>> {
        (0..30u32).map(|at| Some(3.0 + 0.1 * (f64::from(at * 7 % 30 % 3) - 1.0))).collect()
    }

    fn bounded(statistic: Statistic, judge: Judge, limit_value: f64) -> KpiGate {
        let window = WindowSpec::Steady;
        KpiGate { window, judge, limit: limit(limit_value), ..gate(statistic) }
    }

    #[test]
    fn a_gate_on_a_bound_is_held_against_the_bound_and_shows_how_sure_it_is() {
        let values = noise();
        let steady: Vec<f64> = values[6..].iter().copied().flatten().collect();
        let summary = Summary::of(&steady).expect("values");
        let autocorrelation = Autocorrelation::of(&steady).expect("24 values");
        // One-sided confidence of 97.5 % is the end of an interval of 95 %.
        let interval = MeanInterval::with_autocorrelation(&steady, &summary, autocorrelation, 0.95)
            .expect("an interval");
        assert!(interval.low < summary.mean && summary.mean - interval.low < 0.1);
        let at = |judge, limit| judged(bounded(Statistic::Mean, judge, limit), &values);
        let between = f64::midpoint(interval.low, summary.mean);
        assert_eq!(at(Judge::Point, between).outcome, Outcome::Pass);
        let lower = at(Judge::Lower(0.975), between);
        assert_eq!((lower.outcome, lower.observed), (Outcome::Fail, Some(interval.low)));
        assert_eq!(lower.statistic, "mean, lower bound (97.5 %)");
        let inference = lower.inference.expect("how sure it is");
        assert_eq!((inference.low, inference.high), (Some(interval.low), Some(interval.high)));
        assert_eq!((inference.n_eff, inference.confidence), (Some(interval.n_eff), Some(0.95)));
        assert_eq!(at(Judge::Lower(0.975), interval.low).outcome, Outcome::Pass);
        let above = f64::midpoint(interval.high, summary.mean);
        assert_eq!(at(Judge::Point, above).outcome, Outcome::Fail);
        let upper = at(Judge::Upper(0.975), above);
        assert_eq!((upper.outcome, upper.observed), (Outcome::Pass, Some(interval.high)));
        // A median is known less well.
        let median = judged(bounded(Statistic::Median, Judge::Lower(0.975), 2.0), &values);
        assert_eq!(median.observed, Some(interval.of_median(summary.median).low));
    }

    #[test]
    fn the_last_iterations_borrow_from_the_steady_part_and_a_short_run_has_no_bound() {
        let last = |values: &[Option<f64>]| {
            let window = WindowSpec::Last(8);
            judged(KpiGate { window, ..bounded(Statistic::Mean, Judge::Lower(0.95), 1.0) }, values)
        };
        assert_eq!(last(&noise()).outcome, Outcome::Pass);
        // 21 iterations have 15 steady ones, too few to see how much neighbours resemble each other.
        let short = last(&noise()[..21]);
        assert_eq!((short.outcome, short.inference), (Outcome::Inconclusive, None));
        assert!(
            short.reason.contains("8 values in last8, and no bound of it to hold against ")
                && short.reason.contains(
                    ": how much neighbours resemble each other takes 16 values of the steady part, and "
                ),
            "{}",
            short.reason
        );
        assert_eq!(last(&noise()[..22]).outcome, Outcome::Pass);
    }
}
