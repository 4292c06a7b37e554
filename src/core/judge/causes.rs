//! What keeps the iterations of a window from passing, one sentence a cause, the worst cause first.
//!
//! Explains; which iterations pass is decided in [`super::passes`].

use super::{beside_name, count, list_numbers, side_of_a_miss};
use crate::core::policy::{GateSet, KpiGate};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::text::number::{beside, exact};
use crate::core::verdict::Comparison;

/// Causes behind the first one that are named; more are counted.
const NAMED: usize = 3;

/// One thing that keeps iterations from passing.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// `` `net_bps` ``, or `failed collections`.
    pub what: String,
    /// `` `net_bps` is below 2.70 in 8 of 8 iterations (17-24), lowest 1.58 ``.
    pub sentence: String,
    /// Iterations concerned.
    pub n: usize,
    /// Distance of the worst value to the limit as a share of the limit; infinite where there is no value.
    distance: f64,
}

/// The causes in a window: most iterations first, then the greatest distance, then the order of the policy.
pub fn find(series: &Series, window: &Window, set: &GateSet) -> Vec<Cause> {
    let is_collected = |position: usize| series.rows()[position].collection_failed.is_none();
    let mut causes: Vec<Cause> = uncollected(series, window).into_iter().collect();
    for gate in &set.checks {
        causes.extend(missed(series, window, gate));
        // A failed collection is one cause, not one for each KPI.
        causes.extend(without_value(series, window, gate, is_collected));
    }
    causes.sort_by(|a, b| b.n.cmp(&a.n).then(b.distance.total_cmp(&a.distance)));
    causes
}

/// The worst cause as a sentence, the others by name; empty without a cause.
pub fn sentence(causes: &[Cause]) -> String {
    let Some((worst, others)) = causes.split_first() else { return String::new() };
    let mut named: Vec<String> =
        others.iter().take(NAMED).map(|cause| format!("{} in {}", cause.what, cause.n)).collect();
    if others.len() > NAMED {
        named.push(format!("{} more", others.len() - NAMED));
    }
    if named.is_empty() {
        worst.sentence.clone()
    } else {
        format!("{}; also {}", worst.sentence, named.join(", "))
    }
}

/// The values of a KPI that miss its limit; `None` when there is none.
pub fn missed(series: &Series, window: &Window, gate: &KpiGate) -> Option<Cause> {
    let (kpi, limit) = (gate.kpi, gate.limit.value);
    let margin = |value: f64| gate.comparison.margin(value, limit);
    let found: Vec<(u64, f64)> = positions(window)
        .filter_map(|position| Some((series.number(position), series.value(gate.kpi, position)?)))
        .filter(|(_, value)| !gate.comparison.holds(*value, limit))
        .collect();
    let worst = found.iter().map(|(_, value)| *value).min_by(|a, b| margin(*a).total_cmp(&margin(*b)))?;
    let extreme = match gate.comparison {
        Comparison::AtLeast | Comparison::Above => "lowest",
        Comparison::AtMost | Comparison::Below => "highest",
    };
    let digits = kpi.unit.decimals();
    let what = format!("`{}`", kpi.name);
    let sentence = format!(
        "{what} {} {} in {}, {extreme} {}",
        side_of_a_miss(gate.comparison),
        beside_name(kpi, exact(limit, digits)),
        share(&found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), window),
        beside_name(kpi, beside(worst, limit, digits)),
    );
    let scale = limit.abs().max(kpi.floor).max(f64::MIN_POSITIVE);
    Some(Cause { what, sentence, n: found.len(), distance: -margin(worst) / scale })
}

/// Iterations without a value of a KPI among those that `counts`; `None` when each has one.
pub fn without_value(
    series: &Series,
    window: &Window,
    gate: &KpiGate,
    counts: impl Fn(usize) -> bool,
) -> Option<Cause> {
    let numbers: Vec<u64> = positions(window)
        .filter(|position| series.value(gate.kpi, *position).is_none() && counts(*position))
        .map(|position| series.number(position))
        .collect();
    let what = format!("`{}`", gate.kpi.name);
    let sentence = format!("{what} has no value in {}", share(&numbers, window));
    (!numbers.is_empty()).then_some(Cause { what, sentence, n: numbers.len(), distance: f64::INFINITY })
}

fn uncollected(series: &Series, window: &Window) -> Option<Cause> {
    let failed: Vec<(u64, &str)> = positions(window)
        .map(|position| &series.rows()[position])
        .filter_map(|row| Some((row.number, row.collection_failed.as_deref()?)))
        .collect();
    let (_, why) = failed.last()?;
    let numbers: Vec<u64> = failed.iter().map(|(number, _)| *number).collect();
    Some(Cause {
        what: "failed collections".to_owned(),
        sentence: format!("the collection failed in {}: {why}", share(&numbers, window)),
        n: failed.len(),
        distance: f64::INFINITY,
    })
}

fn positions(window: &Window) -> std::ops::Range<usize> {
    window.positions.clone()
}

/// `8 of 8 iterations (17-24)`.
fn share(numbers: &[u64], window: &Window) -> String {
    format!("{} of {} ({})", numbers.len(), count(window.len(), "iteration"), list_numbers(numbers))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{empty, limit, series_of, whole};
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiId;
    use crate::core::policy::{Judge, Statistic, WindowSpec};
    use crate::core::verdict::Severity;

    fn gate(kpi: KpiId, comparison: Comparison, value: f64) -> KpiGate {
        KpiGate {
            kpi,
            severity: Severity::Hard,
            window: WindowSpec::LastN,
            statistic: Statistic::Each,
            comparison,
            limit: limit(value),
            margin: 0.0,
            min_iterations: 1,
            judge: Judge::Point,
            count: None,
        }
    }

    /// Numbers from 17 on, with these values of net edge, risk and latency.
    fn run(values: &[(Option<f64>, Option<f64>, Option<f64>)]) -> Series {
        series_of((17..).zip(values).map(|(number, (net, risk, latency))| {
            let mut one = Iteration { number, ..empty() };
            one.values[KpiId::NET_BPS.index()] = *net;
            one.values[KpiId::RISK_RATIO.index()] = *risk;
            one.values[KpiId::P95_LATENCY_MS.index()] = *latency;
            one
        }))
    }

    fn set() -> GateSet {
        let checks = vec![
            gate(KpiId::RISK_RATIO, Comparison::AtMost, 0.42),
            gate(KpiId::NET_BPS, Comparison::AtLeast, 2.7),
            gate(KpiId::P95_LATENCY_MS, Comparison::Below, 350.0),
        ];
        GateSet { name: "iteration_pass".to_owned(), gates: true, checks }
    }

    fn told(series: &Series) -> String {
        sentence(&find(series, &whole(series), &set()))
    }

    #[test]
    fn a_cause_names_kpi_side_limit_iterations_and_the_worst_value() {
        let low = run(&[(Some(1.58), Some(0.3), Some(300.0)); 8]);
        assert_eq!(told(&low), "`net_bps` is below 2.70 in 8 of 8 iterations (17-24), lowest 1.58");
        let high = run(&[(Some(3.0), Some(0.42), Some(350.0)), (Some(3.0), Some(0.421), Some(300.0))]);
        assert_eq!(
            told(&high),
            "`risk_ratio` is above 0.420 in 1 of 2 iterations (18), highest 0.421; also `p95_latency_ms` in 1"
        );
        assert_eq!(told(&run(&[(Some(2.7), Some(0.42), Some(349.9))])), "");
    }

    #[test]
    fn the_cause_of_most_iterations_comes_first_and_then_the_farthest_from_its_limit() {
        // 2 of net, 1 of the others.
        let two = run(&[(Some(2.6), Some(0.9), Some(900.0)), (Some(2.6), Some(0.3), Some(300.0))]);
        assert!(told(&two).starts_with("`net_bps` is below 2.70 in 2 of 2 iterations"), "{}", told(&two));
        // 0.1 / 2.7 = 4 %, 0.42 / 0.42 = 100 %, 50 / 350 = 14 %.
        let equal = run(&[(Some(2.6), Some(0.84), Some(400.0))]);
        assert_eq!(
            told(&equal),
            "`risk_ratio` is above 0.420 in 1 of 1 iteration (17), highest 0.840; also `p95_latency_ms` in 1, `net_bps` in 1"
        );
    }

    #[test]
    fn no_value_is_a_cause_and_a_failed_collection_is_one_alone() {
        let missing = run(&[(None, Some(0.3), Some(300.0)), (Some(3.0), Some(0.3), Some(300.0))]);
        assert_eq!(told(&missing), "`net_bps` has no value in 1 of 2 iterations (17)");
        let failed = |number| Iteration { number, collection_failed: Some("timed out".into()), ..empty() };
        assert_eq!(
            told(&series_of([failed(1), failed(2)])),
            "the collection failed in 2 of 2 iterations (1-2): timed out"
        );
    }

    #[test]
    fn more_causes_than_a_sentence_holds_are_counted() {
        let cause = |n| Cause { what: format!("`k{n}`"), sentence: format!("s{n}"), n, distance: 0.0 };
        let told = |n: usize| sentence(&(1..=n).map(cause).collect::<Vec<_>>());
        assert_eq!(told(1), "s1");
        assert_eq!(told(4), "s1; also `k2` in 2, `k3` in 3, `k4` in 4");
        assert_eq!(told(6), "s1; also `k2` in 2, `k3` in 3, `k4` in 4, 2 more");
    }
}
