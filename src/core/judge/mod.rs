//! The judge: evidence and policy in, checks out. Every rule of the verdict is in one of these rooms.
//!
//! Pure. The order of things is in [`super::analysis`]; words for people are made by the renderers.

pub mod sanity;

pub mod action;
pub mod advisory;
pub mod edge_report;
pub mod excursions;
pub mod gates;
pub mod integrity;
pub mod passes;

use super::verdict::Comparison;
use crate::core::kpi::KpiId;
use crate::core::series::ranges::Ranges;
use crate::core::text::number::{beside, distance, exact, fixed};

/// A value of a KPI with its decimals and unit, e.g. `312 ms`.
pub fn show(kpi: KpiId, value: f64) -> String {
    with_unit(kpi, fixed(value, kpi.decimals_of(value)))
}

/// The same beside the limit that it is held against: never rounded onto or across it.
fn show_beside(kpi: KpiId, value: f64, limit: f64) -> String {
    with_unit(kpi, beside(value, limit, kpi.decimals_of(value)))
}

/// A limit of a KPI, as it stands in the policy.
pub fn show_limit(kpi: KpiId, limit: f64) -> String {
    with_unit(kpi, exact(limit, kpi.decimals()))
}

/// How far two values of a KPI are apart; what is not zero does not look like it.
pub fn show_distance(kpi: KpiId, value: f64) -> String {
    with_unit(kpi, distance(value, kpi.decimals_of(value)))
}

/// A number that is written already, with the KPI's unit behind it.
pub fn with_unit(kpi: KpiId, number: String) -> String {
    match kpi.unit.symbol() {
        "" => number,
        unit => format!("{number} {unit}"),
    }
}

/// The same in a sentence that names the KPI: the unit is left out where the name ends in it, as `net_bps` does.
fn beside_name(kpi: KpiId, number: String) -> String {
    let is_named = kpi.name.strip_suffix(kpi.unit.symbol()).is_some_and(|name| name.ends_with('_'));
    if is_named { number } else { with_unit(kpi, number) }
}

/// Where a value lies that misses a limit: `is below`.
fn side_of_a_miss(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::AtLeast => "is below",
        Comparison::AtMost => "is above",
        Comparison::Above => "is not above",
        Comparison::Below => "is not below",
    }
}

/// Numbers as people write them: runs become ranges, long lists end in an ellipsis (`3, 7-9, …`).
pub fn list_numbers(numbers: &[u64]) -> String {
    list_ranges(&numbers.iter().copied().collect())
}

/// [`list_numbers`] of a set.
pub fn list_ranges(numbers: &Ranges) -> String {
    const MOST: usize = 8;
    let one = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let mut parts: Vec<String> = numbers.ranges().iter().take(MOST).map(one).collect();
    if numbers.ranges().len() > MOST {
        parts.push("…".to_owned());
    }
    parts.join(", ")
}

/// `1 iteration`, `2 iterations`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_numbers_become_ranges_and_long_lists_end() {
        assert_eq!(list_numbers(&[]), "");
        assert_eq!(list_numbers(&[4]), "4");
        assert_eq!(list_numbers(&[1, 2, 3, 7]), "1-3, 7");
        assert_eq!(list_numbers(&[1, 3, 5, 7, 9, 11, 13, 15, 17, 19]), "1, 3, 5, 7, 9, 11, 13, 15, …");
    }
}

#[cfg(test)]
pub(crate) mod fixture {

    use crate::core::iteration::Iteration;
    use crate::core::kpi::{KpiId, KpiTable};
    use crate::core::policy::{ChangeRules, TrendRules};
    use crate::core::policy::{IntegrityRules, Limit, WindowSpec, Windows};
    use crate::core::series::ranges::Ranges;
    use crate::core::series::window::Window;
    use crate::core::series::{Interner, Series};
    use crate::core::verdict::{LimitSource, Outcome, Severity};

    /// Windows of three iterations.
    pub const WINDOWS: Windows =
        Windows { last_n: 3, steady_start: 7, season: crate::core::policy::SeasonRule::Auto };

    /// A series numbered from 1 with these values of one KPI.
    pub fn series(kpi: KpiId, values: &[Option<f64>]) -> Series {
        series_of((1..).zip(values).map(|(number, value)| {
            let mut iteration = Iteration { number, ..empty() };
            iteration.values[kpi.index()] = *value;
            iteration
        }))
    }

    /// A series of these iterations.
    pub fn series_of(iterations: impl IntoIterator<Item = Iteration>) -> Series {
        let mut series = Series::new(None, KpiTable::default().columns());
        for iteration in iterations {
            series.push(iteration, &mut Interner::default());
        }
        series
    }

    /// An iteration that knows nothing.
    pub fn empty() -> Iteration {
        Iteration { values: vec![None; KpiTable::default().columns()], ..Iteration::default() }
    }

    /// All of a series.
    pub fn whole(series: &Series) -> Window {
        Window::find(series, WindowSpec::Overall, &WINDOWS, &numbers(series))
    }

    /// The last three of a series.
    pub fn last(series: &Series) -> Window {
        Window::find(series, WindowSpec::LastN, &WINDOWS, &numbers(series))
    }

    /// The numbers in a series.
    pub fn numbers(series: &Series) -> Ranges {
        series.rows().iter().map(|row| row.number).collect()
    }

    /// A limit with a source that says so.
    pub fn limit(value: f64) -> Limit {
        Limit { value, source: LimitSource { key: "test.limit".to_owned(), origin: "a test".to_owned() } }
    }

    /// The rules of integrity as the built-in policy has them.
    pub fn integrity_rules() -> IntegrityRules {
        IntegrityRules {
            elapsed_share: limit(0.9),
            gap_intervals: limit(5.0),
            time_steps: Outcome::Warn,
            time_steps_source: limit(0.0).source,
            ahead_minutes: limit(5.0),
        }
    }

    /// The search for changes as the built-in policy has it, gating.
    pub fn change_rules() -> ChangeRules {
        let trend = TrendRules {
            gates: true,
            severity: Severity::Hard,
            window: WindowSpec::Steady,
            false_alarm_rate: limit(0.02),
            min_iterations: limit(48.0),
            relative_change: limit(0.05),
        };
        ChangeRules { trend, min_segment: 6 }
    }
}
