//! The judge: evidence and policy in, checks out. Every rule of the verdict is in one of these rooms.
//!
//! Pure. The order of things is in [`super::analysis`]; words for people are made by the renderers.

pub(crate) mod observation;

pub mod sanity;

pub mod action;
pub mod advisory;
pub(super) mod causes;
pub mod collections;
pub mod disagree;
pub mod edge_report;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gates;
pub mod integrity;
pub mod passes;

use super::verdict::Comparison;
use crate::core::kpi::KpiId;
use crate::core::series::ranges::Ranges;
use crate::core::text::number::{beside, distance, exact, fixed};

/// A value of a KPI with its decimals and unit, e.g. `312 ms`.
pub fn show(kpi: KpiId, value: f64) -> String {
    with_unit(kpi, fixed(value, kpi.unit.decimals()))
}

/// The same beside the limit that it is held against: never rounded onto or across it.
fn show_beside(kpi: KpiId, value: f64, limit: f64) -> String {
    with_unit(kpi, beside(value, limit, kpi.unit.decimals()))
}

/// A limit of a KPI, as it stands in the policy.
pub fn show_limit(kpi: KpiId, limit: f64) -> String {
    with_unit(kpi, exact(limit, kpi.unit.decimals()))
}

/// How far two values of a KPI are apart; what is not zero does not look like it.
pub fn show_distance(kpi: KpiId, value: f64) -> String {
    with_unit(kpi, distance(value, kpi.unit.decimals()))
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
