//! Values far on the worse side of what is usual in the run itself, whatever limits say: outages on the way, and a run
//! that ends worse than it was ever before.
//!
//! Neither asks how the values remember their neighbours, and neither has a shape in mind.

use crate::core::judge::sanity::spread;
use crate::core::judge::{count, list_numbers, show};
use crate::core::kpi::{Direction, Kind, KpiId};
use crate::core::policy::{ExcursionRules, GateSet, Limit, Policy, Requirement};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::trend::Season;
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity};
use crate::stats::summary::median;

/// A KPI in the window, without the iterations that a mark explains.
struct Values {
    kpi: KpiId,
    /// 1 where more is worse, −1 where less is.
    worse: f64,
    points: Vec<(u64, f64)>,
}

/// Iterations, and a sentence about them.
type Found = (Vec<u64>, String);

/// The checks of the trends of a symbol, and behind them those of its excursions.
pub fn behind(
    trends: Vec<Check>,
    series: &Series,
    window: &Window,
    limits: &GateSet,
    policy: &Policy,
) -> impl Iterator<Item = Check> {
    let own = checks(series, window, limits, &trends, policy);
    trends.into_iter().chain(own)
}

/// The checks on one symbol, where the policy asks for them; `trends` are those of its trends.
fn checks(
    series: &Series,
    window: &Window,
    limits: &GateSet,
    trends: &[Check],
    policy: &Policy,
) -> Vec<Check> {
    let Some(rules) = &policy.excursions else { return Vec::new() };
    // Of which the verdict has other bad news is no news here.
    let is_known = |kpi: &KpiId| {
        let is_bad = |check: &Check| check.joins && matches!(check.outcome, Outcome::Warn | Outcome::Fail);
        trends.iter().any(|check| check.kpi.as_deref() == Some(kpi.name) && is_bad(check))
    };
    let judged = policy.judged(limits, Requirement::WhereKnown).into_iter().filter(|kpi| !is_known(kpi));
    let values: Vec<Values> = judged.filter_map(|kpi| values(series, window, limits, kpi)).collect();
    let unlimited = values.iter().filter(|values| limits.limit(values.kpi).is_none());
    let outages = unlimited.filter_map(|values| outages(values, rules)).collect();
    let fewest = policy.run_verdict.min_iterations;
    let hours = series.hours();
    let is_asked =
        |values: &&Values| values.points.len() >= fewest && !may_be_a_cycle(values, &hours, series, policy);
    let asked: Vec<&Values> = values.iter().filter(is_asked).collect();
    let relative = policy.kpi_drift.trend.relative_change.value;
    let ends: Vec<(KpiId, Found)> =
        asked.iter().filter_map(|values| Some((values.kpi, end(values, rules, relative)?))).collect();
    let others = asked.iter().filter(|values| ends.iter().all(|(kpi, _)| *kpi != values.kpi));
    let undecided: Vec<Found> =
        others.filter_map(|values| undecided(values, trends, rules, relative)).collect();
    let make = |gate, limit, found, fine| check(series, window, gate, limit, found, fine);
    let outages =
        make("outages", &rules.in_a_row, outages, Ok("no KPI leaves its usual range for long".to_owned()));
    let fine = |words: &str| {
        let too_few =
            || format!("no KPI has {fewest} values of which a part of a daily cycle is no explanation");
        if asked.is_empty() { Err(too_few()) } else { Ok(words.to_owned()) }
    };
    let found = ends.into_iter().map(|(_, found)| found).collect();
    let end = make("end", &rules.end_spreads, found, fine("no KPI ends worse than it was before"));
    let words = fine("no movement for the worse is left undecided");
    vec![outages, end, make("undecided", &rules.end_iterations, undecided, words)]
}

fn values(series: &Series, window: &Window, limits: &GateSet, kpi: KpiId) -> Option<Values> {
    let worse = match limits.direction(kpi)? {
        Direction::Higher => -1.0,
        Direction::Lower => 1.0,
    };
    let is_marked =
        |at: usize| series.rows()[at].events.as_ref().is_some_and(|events| !events.marks.is_empty());
    let known = |at: usize| Some((series.number(at), series.value(kpi, at)?));
    let points = window.positions.clone().filter(|at| !is_marked(*at)).filter_map(known).collect();
    Some(Values { kpi, worse, points })
}

/// Whether the values cover a part of a day, so that an end may be a part of a daily cycle: the trends speak of that.
fn may_be_a_cycle(values: &Values, hours: &[f64], series: &Series, policy: &Policy) -> bool {
    let of = |(number, _): &(u64, f64)| hours.get(series.position_of(*number)).copied();
    let hours: Vec<f64> = values.points.iter().filter_map(of).collect();
    values.kpi.kind == Kind::Level
        && matches!(Season::of(policy.windows.season, values.kpi.kind, &hours), Season::Unresolved { .. })
}

/// Rows of iterations far on the worse side of the median.
fn outages(values: &Values, rules: &ExcursionRules) -> Option<Found> {
    let Values { kpi, worse, points } = values;
    let numbers: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let usual = median(&mut numbers.clone())?;
    let spread = spread(&numbers, usual)?.max(kpi.floor);
    let bound = (rules.spreads.value * spread).max(rules.share.value * usual.abs());
    let is_out = |(_, value): &(u64, f64)| worse * (value - usual) > bound;
    let rows: Vec<&[(u64, f64)]> = points.chunk_by(|one, other| is_out(one) == is_out(other)).collect();
    let is_long = |(at, row): &(usize, &&[(u64, f64)])| {
        let is_last = at + 1 == rows.len();
        is_out(&row[0])
            && (row.len() >= rules.in_a_row.whole() || is_last && row.len() >= rules.at_end.whole())
    };
    let found: Vec<(u64, f64)> =
        rows.iter().enumerate().filter(is_long).flat_map(|(_, row)| row.iter().copied()).collect();
    let farthest =
        found.iter().map(|(_, value)| *value).max_by(|a, b| (worse * a).total_cmp(&(worse * b)))?;
    let iterations: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
    let (side, extreme) = if *worse > 0.0 { ("above", "highest") } else { ("below", "lowest") };
    let place = if points.last() == found.last() { ", where the run ends" } else { "" };
    let words = format!(
        "`{}` is far {side} its usual {} in iteration {}{place} ({extreme} {})",
        kpi.name,
        show(*kpi, usual),
        list_numbers(&iterations),
        show(*kpi, farthest)
    );
    Some((iterations, words))
}

/// The last iterations, where their median is farther on the worse side than all before them.
fn end(values: &Values, rules: &ExcursionRules, relative_change: f64) -> Option<Found> {
    let Values { kpi, worse, points } = values;
    let numbers: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let split = numbers.len().checked_sub(rules.end_iterations.whole())?;
    let (before, last) = numbers.split_at(split);
    let now = median(&mut last.to_vec())?;
    let worst = before.iter().copied().max_by(|a, b| (worse * a).total_cmp(&(worse * b)))?;
    let steps: Vec<f64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let noise = spread(&steps, median(&mut steps.clone())?)? / std::f64::consts::SQRT_2;
    let usual = median(&mut before.to_vec())?;
    let counts_from = (rules.end_spreads.value * noise).max(kpi.floor).max(relative_change * usual.abs());
    let iterations: Vec<u64> = points[split..].iter().map(|(number, _)| *number).collect();
    let words = format!(
        "`{}` ends worse than it was before: {} in iteration {} (median), at worst {} until iteration {}",
        kpi.name,
        show(*kpi, now),
        list_numbers(&iterations),
        show(*kpi, worst),
        points[split.checked_sub(1)?].0
    );
    (worse * (now - worst) > counts_from).then_some((iterations, words))
}

/// A movement for the worse where values walk, or the estimates of their memory disagree, so that it can be told from
/// chance neither as a change of level nor, for sure, as a drift.
fn undecided(
    values: &Values,
    trends: &[Check],
    rules: &ExcursionRules,
    relative_change: f64,
) -> Option<Found> {
    let Values { kpi, worse, points } = values;
    let of =
        |part: Part| trends.iter().find(|check| check.part == part && check.kpi.as_deref() == Some(kpi.name));
    let (drift, changes) = (of(Part::KpiDrift)?, of(Part::ChangePoints)?);
    let slope = drift.inference.as_ref().map(|line| (line.low, line.high));
    let is_likely = matches!(slope, Some((Some(low), Some(high))) if worse * low > 0.0 && worse * high > 0.0);
    let is_open = drift.outcome == Outcome::Inconclusive;
    if changes.outcome != Outcome::Inconclusive || !(is_likely || is_open) {
        return None;
    }
    let n = rules.end_iterations.whole().min(points.len());
    let level = |part: &[(u64, f64)]| median(&mut part.iter().map(|(_, value)| *value).collect::<Vec<_>>());
    let (first, last) = (&points[..n], &points[points.len() - n..]);
    let (from, to) = (level(first)?, level(last)?);
    let counts_from = kpi.floor.max(relative_change * from.abs());
    let words = format!(
        "`{}` moves from {} to {} (medians of the first and the last {}): neither a drift nor chance can be ruled out",
        kpi.name,
        show(*kpi, from),
        show(*kpi, to),
        count(n, "iteration")
    );
    (worse * (to - from) > counts_from).then(|| (last.iter().map(|(number, _)| *number).collect(), words))
}

/// `fine` says that nothing was found, or why nobody looked.
fn check(
    series: &Series,
    window: &Window,
    gate: &str,
    limit: &Limit,
    found: Vec<Found>,
    fine: Result<String, String>,
) -> Check {
    let kpis = found.len();
    let words: Vec<String> = found.into_iter().map(|(_, words)| words).collect();
    let (outcome, reason) = match (kpis, fine) {
        (0, _) if window.is_empty() => {
            (Outcome::NotApplicable, "there is no iteration to look at".to_owned())
        }
        (0, Err(why)) => (Outcome::NotApplicable, why),
        (0, Ok(fine)) => (Outcome::Pass, fine),
        _ => (Outcome::Warn, words.join("; ")),
    };
    Check {
        part: Part::RunVerdict,
        gate: format!("run_verdict.{gate}"),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Soft,
        window: window.used(),
        statistic: "KPIs concerned".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: (outcome != Outcome::NotApplicable).then_some(kpis as f64),
        margin: (outcome != Outcome::NotApplicable).then_some(0.0 - kpis as f64),
        outcome,
        reason,
        limit_source: Some(limit.source.clone()),
        joins: true,
        inference: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::{limit, whole};
    use crate::core::kpi::KpiTable;
    use crate::core::verdict::Inference;

    fn rules() -> ExcursionRules {
        ExcursionRules {
            spreads: limit(6.0),
            share: limit(0.5),
            in_a_row: limit(3.0),
            at_end: limit(2.0),
            end_iterations: limit(8.0),
            end_spreads: limit(3.0),
        }
    }

    /// `net_bps` (more is better) or `p95_latency_ms` (less is) in iterations 7 to 66: 100 ± 2, as `change` has it.
    fn at(worse: f64, change: impl Fn(u64) -> Option<f64>) -> Values {
        let kpi = if worse > 0.0 { KpiId::P95_LATENCY_MS } else { KpiId::NET_BPS };
        let calm = |number: u64| 100.0 + (number * 7 % 5) as f64 - 2.0;
        let points = (7..=66).map(|number| (number, change(number).unwrap_or_else(|| calm(number))));
        Values { kpi, worse, points: points.collect() }
    }

    fn out_of(worse: f64, value: f64, rows: &[std::ops::RangeInclusive<u64>]) -> Option<Found> {
        let rows = rows.to_vec();
        outages(&at(worse, |number| rows.iter().any(|row| row.contains(&number)).then_some(value)), &rules())
    }

    #[test]
    fn an_outage_is_three_iterations_in_a_row_or_two_at_the_end() {
        let is_found = |rows: &[std::ops::RangeInclusive<u64>]| out_of(-1.0, 5.0, rows).is_some();
        assert!(!is_found(&[]) && !is_found(&[30..=31]) && !is_found(&[66..=66]));
        assert!(!is_found(&[20..=21, 30..=31, 40..=41]), "each row by itself");
        assert!(is_found(&[30..=32]) && is_found(&[65..=66]));
        let (iterations, words) = out_of(-1.0, 5.0, &[30..=32, 40..=41, 65..=66]).expect("two rows");
        assert_eq!(iterations, [30, 31, 32, 65, 66]);
        assert_eq!(
            words,
            "`net_bps` is far below its usual 100.00 bps in iteration 30-32, 65-66, where the run ends (lowest 5.00 bps)"
        );
    }

    #[test]
    fn an_outage_is_on_the_worse_side_and_beyond_half_of_what_is_usual() {
        // The deviations are 0, 1, 1, 2, 2, so six spreads are 8.9 and half of the median is 50.
        let of = |worse: f64, value: f64| out_of(worse, value, &[30..=37]).is_some();
        assert_eq!([50.0, 49.9, 0.0].map(|value| of(-1.0, value)), [false, true, true]);
        assert_eq!([150.0, 150.1, 900.0].map(|value| of(1.0, value)), [false, true, true]);
        assert!(!of(-1.0, 900.0) && !of(1.0, 0.0), "better is no outage");
        // A cycle is no outage, however deep: its spread is as large.
        let cycle = |number: u64| Some(50.0 + 49.0 * libm::sin(number as f64 / 8.0));
        assert_eq!(outages(&at(-1.0, cycle), &rules()), None);
    }

    #[test]
    fn an_end_is_worse_than_everything_before_it_or_no_news() {
        let ends = |worse: f64, change: &dyn Fn(u64) -> Option<f64>| end(&at(worse, change), &rules(), 0.05);
        assert_eq!(ends(1.0, &|_| None), None);
        // A leak from iteration 55 on, and growth that accelerates.
        let leak = |number: u64| (number > 54).then(|| 100.0 + 4.0 * (number - 54) as f64);
        let (iterations, words) = ends(1.0, &leak).expect("a leak");
        assert_eq!(iterations, (59..=66).collect::<Vec<u64>>());
        assert_eq!(
            words,
            "`p95_latency_ms` ends worse than it was before: 134 ms in iteration 59-66 (median), at worst 116 ms until \
             iteration 58"
        );
        let square = |number: u64| Some(100.0 + (number * number) as f64 / 30.0);
        assert!(ends(1.0, &square).is_some());
        assert_eq!(ends(-1.0, &leak), None, "it is better that way");
        // What came back, what levels off, and a cycle that has been as high before.
        assert_eq!(ends(1.0, &|number| (40..=58).contains(&number).then_some(200.0)), None);
        assert_eq!(ends(1.0, &|number| Some(200.0 - 100.0 * libm::exp(-(number as f64) / 12.0))), None);
        assert_eq!(ends(1.0, &|number| Some(100.0 + 50.0 * libm::cos(number as f64 / 10.5))), None);
    }

    #[test]
    fn an_end_counts_from_the_largest_of_noise_floor_and_share() {
        let found = |by: f64, calm: fn(u64) -> f64| {
            end(&at(1.0, |number| Some(calm(number) + if number > 58 { by } else { 0.0 })), &rules(), 0.05)
                .is_some()
        };
        // Squares modulo 7 are 0, 1, 4, 2, 2, 4, 1. The steps deviate by 0, 1, 1, 2, 2, 3, 3 from their median, and
        // 3 × 1.4826 × 2 / √2 is 6.29. The median of the last eight is 102, the worst before them 104.
        let noisy = |number: u64| 100.0 + (number * number % 7) as f64;
        assert_eq!([8.2, 8.4].map(|by| found(by, noisy)), [false, true]);
        // Without noise it is a twentieth of the median, and of small values the floor of 1 ms.
        assert_eq!([5.0, 5.1].map(|by| found(by, |_| 100.0)), [false, true]);
        assert_eq!([1.0, 1.1].map(|by| found(by, |_| 4.0)), [false, true]);
    }

    /// A trend that came to this; the slope lies within `slope`.
    fn trend(part: Part, outcome: Outcome, slope: Option<(f64, f64)>) -> Check {
        let inference = slope.map(|(low, high)| Inference {
            n_eff: None,
            low: Some(low),
            high: Some(high),
            confidence: Some(0.95),
            p_value: None,
            p_adjusted: None,
            correction: None,
        });
        let series = Series::new(None, KpiTable::default().columns());
        let own = check(&series, &whole(&series), "trend", &limit(0.0), Vec::new(), Ok(String::new()));
        Check { part, outcome, inference, kpi: Some("p95_latency_ms".to_owned()), ..own }
    }

    #[test]
    fn a_movement_for_the_worse_that_nobody_can_decide_is_no_pass() {
        let rising = at(1.0, |number| Some(100.0 + number as f64));
        let of = |drift: Outcome, slope: Option<(f64, f64)>, changes: Outcome, values: &Values| {
            let trends = [trend(Part::KpiDrift, drift, slope), trend(Part::ChangePoints, changes, None)];
            undecided(values, &trends, &rules(), 0.05).map(|(_, words)| words)
        };
        let told = of(Outcome::Pass, Some((0.1, 2.0)), Outcome::Inconclusive, &rising).expect("a movement");
        assert_eq!(
            told,
            "`p95_latency_ms` moves from 110 ms to 162 ms (medians of the first and the last 8 iterations): neither a drift nor \
             chance can be ruled out"
        );
        let open = |drift, slope| of(drift, slope, Outcome::Inconclusive, &rising).is_some();
        assert!(open(Outcome::Inconclusive, None), "neither is decided");
        assert!(!open(Outcome::Pass, Some((-0.1, 2.0))), "0 is within the interval");
        assert!(!open(Outcome::Pass, None), "there is no drift");
        assert_eq!(of(Outcome::Pass, Some((0.1, 2.0)), Outcome::Pass, &rising), None, "the level is decided");
        let still = at(1.0, |_| None);
        assert_eq!(of(Outcome::Inconclusive, None, Outcome::Inconclusive, &still), None, "nothing moved");
        let falling = at(1.0, |number| Some(200.0 - number as f64));
        assert_eq!(of(Outcome::Inconclusive, None, Outcome::Inconclusive, &falling), None, "it is better");
    }
}
