//! Sets of limits on window statistics: readiness, goals, and whatever else the policy groups that way.

use super::{count, show_beside, show_distance, show_limit};
use crate::core::kpi::KpiTable;
use crate::core::policy::{GateSet, KpiGate, Statistic, Windows};
use crate::core::ranges::Ranges;
use crate::core::series::Series;
use crate::core::stats::Summary;
use crate::core::verdict::{Check, Outcome, Part};
use crate::core::window::Window;

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
    kpis: &KpiTable,
) -> Vec<Check> {
    set.checks
        .iter()
        .map(|gate| {
            let window = Window::find(series, gate.window, windows, numbers);
            check(set, gate, part, series, &window, kpis)
        })
        .collect()
}

fn check(
    set: &GateSet,
    gate: &KpiGate,
    part: Part,
    series: &Series,
    window: &Window,
    kpis: &KpiTable,
) -> Check {
    let kpi = kpis.get(gate.kpi);
    let limit = gate.limit.value;
    let values = series.known(gate.kpi, window.positions.clone());
    let observed = observed(gate, &values);
    let margin = observed.map(|value| gate.comparison.margin(value, limit));
    let word = gate.statistic.word();
    let bound = format!("{} {}", gate.comparison.symbol(), show_limit(kpi, limit));
    let (outcome, reason) = match observed {
        None => (Outcome::Invalid, format!("`{}` has no value in {}", kpi.name, window.name)),
        Some(value) if values.len() < gate.min_iterations => (
            Outcome::Inconclusive,
            format!(
                "{word} {} of {} in {}, {} needed to hold it against {bound}",
                show_beside(kpi, value, limit),
                count(values.len(), "value"),
                window.name,
                gate.min_iterations
            ),
        ),
        Some(value) if !gate.comparison.holds(value, limit) => (
            gate.severity.of_a_miss(),
            format!(
                "{word} {} misses {bound} by {}",
                show_beside(kpi, value, limit),
                show_distance(kpi, gate.comparison.margin(value, limit))
            ),
        ),
        Some(value) if gate.comparison.margin(value, limit) < gate.margin => (
            Outcome::Warn,
            format!(
                "{word} {} meets {bound} with less room than the margin of {}",
                show_beside(kpi, value, limit),
                show_limit(kpi, gate.margin)
            ),
        ),
        Some(value) => (Outcome::Pass, format!("{word} {} meets {bound}", show_beside(kpi, value, limit))),
    };
    Check {
        part,
        gate: format!("{}.{}", set.name, kpi.name),
        kpi: Some(kpi.name.clone()),
        symbol: series.symbol.clone(),
        severity: gate.severity,
        window: window.used(),
        statistic: word.to_owned(),
        comparison: Some(gate.comparison),
        limit: Some(limit),
        observed,
        margin,
        outcome,
        reason,
        limit_source: Some(gate.limit.source.clone()),
        joins: set.gates,
        inference: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{WINDOWS, limit, numbers, series};
    use super::*;
    use crate::core::kpi::KpiId;
    use crate::core::policy::WindowSpec;
    use crate::core::verdict::{Comparison, Severity};

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
        }
    }

    fn judged(gate: KpiGate, values: &[Option<f64>]) -> Check {
        let series = series(KpiId::NET_BPS, values);
        let set = GateSet { name: "goals".to_owned(), gates: false, checks: vec![gate] };
        checks(&set, Part::Goals, &series, &numbers(&series), &WINDOWS, &KpiTable::default()).remove(0)
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
        assert_eq!(reason(2.9, 2.898), "median 2.898 bps misses >= 2.90 bps by 0.002 bps");
        assert_eq!(reason(2.9, 2.7), "median 2.70 bps misses >= 2.90 bps by 0.20 bps");
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
}
