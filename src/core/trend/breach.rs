//! When does a KPI that gets worse reach its limit? The forecast of its values, turned the way that is bad.
//!
//! Must not word anything for people; see [`super::checks`].

use super::column::{Column, Season};
use crate::core::kpi::Kind;
use crate::stats::breach::Forecast;
use crate::stats::change_points::{find_spikes, without_rare_spikes};
use crate::stats::summary::median;

/// Last values whose median says whether a KPI is out of its limit.
pub const LAST: usize = 8;

/// How a KPI continues that got worse by `change`. `None` with too few values, and where they do not vary.
pub(super) fn forecast(column: &Column, change: f64) -> Option<Forecast> {
    let values = column.values();
    let calm = without_rare_spikes(&values, &find_spikes(&values, column.floor));
    let up = if change < 0.0 { -1.0 } else { 1.0 };
    let numbers = column.points.iter().map(|(number, _)| *number as f64);
    let points: Vec<(f64, f64)> = numbers.zip(calm).map(|(number, value)| (number, up * value)).collect();
    // A limit on the good side is not ahead.
    let ahead =
        column.limit.filter(|(comparison, _)| comparison.margin(up, 0.0) < 0.0).map(|(_, limit)| up * limit);
    let hours = if column.season == Season::Resolved { column.hours.as_slice() } else { &[] };
    let found = Forecast::of(&points, hours, ahead, column.kpi.kind == Kind::Accumulating)?;
    let curve = found.curve.into_iter().map(|(number, value)| (number, up * value)).collect();
    Some(Forecast { curve, ..found })
}

/// Iterations until the limit is reached: 0 where the last values are out of it.
pub(super) fn iterations(column: &Column, forecast: Option<&Forecast>) -> Option<f64> {
    if out_of_limit(column).is_some() {
        return Some(0.0);
    }
    forecast.and_then(|forecast| Some(forecast.reach?.after))
}

/// Where a KPI is in the end, if that is out of its limit: the median of its last values.
pub(super) fn out_of_limit(column: &Column) -> Option<f64> {
    let (comparison, limit) = column.limit?;
    let mut values = column.values();
    let from = values.len().saturating_sub(LAST);
    let last = column.later.or_else(|| median(&mut values[from..]))?;
    (!comparison.holds(last, limit)).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::{Direction, Kpi, KpiId, KpiTable};
    use crate::core::policy::{DriftGateRules, TrendRules, WindowSpec};
    use crate::core::trend::drift::{self, DriftVerdict, KpiDrift};
    use crate::core::verdict::{Comparison, Severity};
    use crate::stats::breach::Shape;

    /// Waves of ±0.3 that do not repeat soon.
    fn wave(at: u64) -> f64 {
        (at * 7 % 13) as f64 / 20.0 - 0.3
    }

    fn column(n: u64, level: impl Fn(f64) -> f64) -> Column {
        Column {
            kpi: KpiId::P95_LATENCY_MS,
            direction: Some(Direction::Lower),
            floor: 0.05,
            limit: Some((Comparison::AtMost, 14.0)),
            later: None,
            points: (1..=n).map(|at| (at, level(at as f64) + wave(at))).collect(),
            hours: Vec::new(),
            season: Season::Off,
        }
    }

    fn found(column: &Column) -> KpiDrift {
        let trend = TrendRules {
            gates: true,
            severity: Severity::Soft,
            window: WindowSpec::Steady,
            false_alarm_rate: limit(0.02),
            min_iterations: limit(48.0),
            relative_change: limit(0.05),
        };
        let rules = DriftGateRules { trend, horizon: None, walks: false };
        drift::find(std::slice::from_ref(column), &rules).remove(0)
    }

    #[test]
    fn a_rise_and_a_fall_reach_their_limits_at_the_same_time() {
        // By 0.025 from 100 of 200 on: 12.5 in the end, and 1.5 below the limit 60 later.
        let rises = column(200, |at| 10.0 + 0.025 * (at - 100.0).max(0.0));
        let up = found(&rises);
        let turned = |column: &Column| Column {
            limit: column.limit.map(|(_, limit)| (Comparison::AtLeast, -limit)),
            direction: Some(Direction::Higher),
            points: column.points.iter().map(|(at, value)| (*at, -value)).collect(),
            ..column.clone()
        };
        let down = found(&turned(&rises));
        assert_eq!((up.verdict, down.verdict), (DriftVerdict::Worsens, DriftVerdict::Worsens));
        let (up, down) = (up.forecast.expect("it grows"), down.forecast.expect("it falls"));
        assert_eq!((up.shape, up.reach, up.from), (down.shape, down.reach, down.from));
        let reach = up.reach.expect("it gets there");
        assert!(reach.low < 60.0 && reach.high.is_some_and(|high| high > 60.0), "{reach:?}");
        let last = down.curve.last().expect("a curve").1;
        assert!((-20.0..-12.0).contains(&last), "{last}");
        // A limit on the good side is none that it gets near to.
        let good = found(&Column { limit: Some((Comparison::AtLeast, 5.0)), ..rises.clone() });
        assert_eq!(good.line.expect("a line").to_breach, None);
        assert_eq!(good.forecast.expect("it grows all the same").reach, None);
        assert_eq!(found(&column(200, |_| 10.0)).forecast, None, "nothing got worse");
    }

    #[test]
    fn the_last_values_say_whether_a_limit_is_missed_already() {
        // The line ends below the limit: what grows since 150 of 200 is above it.
        let late = column(200, |at| 10.0 + 0.1 * (at - 150.0).max(0.0));
        let line = found(&late).line.expect("a line");
        assert!(line.fit.last < 14.0 && line.to_breach == Some(0.0), "{line:?}");
        let mut spiked = column(200, |_| 10.0);
        spiked.points[197].1 = 90.0;
        assert_eq!(out_of_limit(&spiked), None);
        assert_eq!(out_of_limit(&Column { later: Some(14.5), ..spiked.clone() }), Some(14.5));
        assert_eq!(out_of_limit(&Column { limit: None, ..late }), None);
    }

    #[test]
    fn what_accumulates_is_found_and_forecast_as_a_walk_in_every_profile() {
        let kpi = Kpi {
            kind: Kind::Accumulating,
            direction: Some(Direction::Lower),
            ..Kpi::declared(&["open_fds"])
        };
        let fds: KpiId = KpiTable::default().declare(kpi).expect("a new name");
        // Descriptors that are opened in irregular numbers, 2 each on average, and never closed.
        let mut held = 100.0;
        let points = (1..=288u64).map(|at| {
            held += ((at.wrapping_mul(2_654_435_761) >> 16) % 5) as f64;
            (at, held)
        });
        let points: Vec<(u64, f64)> = points.collect();
        let limit = Some((Comparison::AtMost, points[287].1 + 200.0));
        let leak = Column { kpi: fds, limit, points, ..column(1, |_| 0.0) };
        let leaks = found(&leak);
        assert_eq!(leaks.verdict, DriftVerdict::Worsens);
        let reach = leaks.forecast.and_then(|forecast| forecast.reach).expect("it grows");
        assert!((reach.after - 100.0).abs() < 10.0 && reach.low < 100.0, "{reach:?}");
        let as_level = Column { kpi: KpiId::P95_LATENCY_MS, ..leak };
        assert_eq!(found(&as_level).verdict, DriftVerdict::Worsens);
    }

    #[test]
    fn a_step_is_no_growth() {
        let step = found(&column(200, |at| if at < 101.0 { 10.0 } else { 12.0 }));
        assert_eq!(step.verdict, DriftVerdict::Worsens);
        let forecast = step.forecast.expect("values");
        assert_eq!((forecast.shape, forecast.reach), (Shape::Step, None));
        assert_eq!(libm::ceil(forecast.from), 101.0);
        assert_eq!(step.line.expect("a line").to_breach, None);
    }
}
