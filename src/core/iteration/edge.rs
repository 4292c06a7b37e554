//! What the net edge of a window is made of: gross edge, costs, and whether they add up.
//!
//! Describes; has no limits of its own and never makes a missing cost 0.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::core::kpi::KpiId;
use crate::core::series::Series;
use crate::core::text::number::TOLERANCE;
use crate::stats::summary::mean;

/// What is taken off the gross edge, in the order of reports.
const COSTS: [KpiId; 4] = [KpiId::FEES_BPS, KpiId::SLIPPAGE_BPS, KpiId::ADVERSE_BPS, KpiId::INVENTORY_BPS];

/// A component over the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ComponentRow")]
pub struct Component {
    /// Its mean, bps; `None` when no iteration tells it.
    pub mean: Option<f64>,
    /// Iterations that tell it.
    pub n: usize,
}

/// What a component does to the net edge.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ContributionRow")]
pub struct Contribution {
    /// The component.
    pub kpi: KpiId,
    /// Its share of the net edge, bps; costs count negative.
    pub value: f64,
}

/// A cost that the source named as driver of a negative edge.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "DriverRow")]
pub struct NamedDriver {
    /// Its name.
    pub driver: String,
    /// Iterations that name it.
    pub iterations: usize,
}

/// How far net = gross − fees − slippage − adverse − inventory is off, over the iterations that tell all six
/// and whose gross edge was measured. Differences are net less what the components add up to, bps.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "IdentityRow")]
pub struct Identity {
    /// Iterations that could be checked.
    pub n: usize,
    /// Mean difference.
    pub mean: f64,
    /// The difference that is largest in size.
    pub worst: f64,
    /// The first iteration that has it.
    pub worst_iteration: u64,
    /// Whether the worst difference is within the tolerance.
    pub holds: bool,
}

/// The net edge of a window, taken apart.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "EdgeBlock")]
pub struct EdgeDecomposition {
    /// Edge before costs.
    pub gross: Component,
    /// Fees.
    pub fees: Component,
    /// Slippage.
    pub slippage: Component,
    /// Adverse selection.
    pub adverse: Component,
    /// Inventory cost.
    pub inventory: Component,
    /// Edge after costs.
    pub net: Component,
    /// Iterations whose gross edge was computed from net and costs, not measured.
    pub gross_imputed: usize,
    /// The known components, largest in size first, equal ones in the order of reports.
    pub contributions: Vec<Contribution>,
    /// Cost components that the source named as drivers of a negative edge, with the number of iterations
    /// that name them; most frequent first, then by name.
    pub negative_drivers: Vec<NamedDriver>,
    /// Whether the components add up; `None` when no iteration can be checked.
    pub identity: Option<Identity>,
}

impl EdgeDecomposition {
    /// Takes apart the iterations at `positions`. `tolerance` is the largest difference of the identity that
    /// counts as rounding, bps.
    ///
    /// Each mean is over the iterations that tell the component, so with gaps in the data the means may not
    /// add up although every iteration does; that is why the identity is checked within iterations.
    ///
    /// # Panics
    ///
    /// When `positions` reach beyond the series.
    pub fn over(series: &Series, positions: Range<usize>, tolerance: f64) -> Self {
        let component = |kpi| {
            let values = series.known(kpi, positions.clone());
            Component { mean: mean(&values), n: values.len() }
        };
        let gross = component(KpiId::GROSS_BPS);
        let costs = COSTS.map(component);
        let mut contributions: Vec<Contribution> = gross
            .mean
            .map(|value| Contribution { kpi: KpiId::GROSS_BPS, value })
            .into_iter()
            .chain(COSTS.into_iter().zip(costs).filter_map(|(kpi, cost)| {
                // 0 − x and not −x, which would make a cost of 0 a negative zero.
                Some(Contribution { kpi, value: 0.0 - cost.mean? })
            }))
            .collect();
        contributions.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        let [fees, slippage, adverse, inventory] = costs;
        let rows = &series.rows()[positions.clone()];
        Self {
            gross,
            fees,
            slippage,
            adverse,
            inventory,
            net: component(KpiId::NET_BPS),
            gross_imputed: rows.iter().filter(|row| row.gross_imputed).count(),
            contributions,
            negative_drivers: count_drivers(rows.iter().map(|row| row.negative_drivers.as_slice())),
            identity: check_identity(series, positions, tolerance),
        }
    }
}

/// In how many iterations each driver is named.
fn count_drivers<'a>(iterations: impl Iterator<Item = &'a [std::sync::Arc<str>]>) -> Vec<NamedDriver> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for drivers in iterations {
        for driver in drivers.iter().map(AsRef::as_ref).collect::<BTreeSet<&str>>() {
            *counts.entry(driver).or_default() += 1;
        }
    }
    let named = |(driver, iterations): (&str, usize)| NamedDriver { driver: driver.to_owned(), iterations };
    let mut counts: Vec<NamedDriver> = counts.into_iter().map(named).collect();
    counts.sort_by_key(|named| std::cmp::Reverse(named.iterations));
    counts
}

fn check_identity(series: &Series, positions: Range<usize>, tolerance: f64) -> Option<Identity> {
    let mut differences: Vec<(u64, f64)> = Vec::new();
    for position in positions {
        if series.rows()[position].gross_imputed {
            continue;
        }
        let value = |kpi| series.value(kpi, position);
        let (Some(net), Some(gross)) = (value(KpiId::NET_BPS), value(KpiId::GROSS_BPS)) else { continue };
        let Some(costs) = COSTS.into_iter().map(value).sum::<Option<f64>>() else { continue };
        differences.push((series.number(position), net - (gross - costs)));
    }
    let (worst_iteration, worst) =
        differences.iter().copied().rev().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let values: Vec<f64> = differences.iter().map(|(_, difference)| *difference).collect();
    let holds = worst.abs() <= tolerance + TOLERANCE;
    Some(Identity { n: values.len(), mean: mean(&values)?, worst, worst_iteration, holds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiTable;
    use crate::core::series::Interner;

    /// Net, gross, fees, slippage, adverse, inventory.
    const ORDER: [KpiId; 6] = [
        KpiId::NET_BPS,
        KpiId::GROSS_BPS,
        KpiId::FEES_BPS,
        KpiId::SLIPPAGE_BPS,
        KpiId::ADVERSE_BPS,
        KpiId::INVENTORY_BPS,
    ];

    fn iteration(number: u64, numbers: [Option<f64>; 6]) -> Iteration {
        let mut values = vec![None; KpiTable::default().columns()];
        for (kpi, value) in ORDER.into_iter().zip(numbers) {
            values[kpi.index()] = value;
        }
        Iteration { number, values, ..Iteration::default() }
    }

    fn whole(number: u64, numbers: [f64; 6]) -> Iteration {
        iteration(number, numbers.map(Some))
    }

    fn series(iterations: impl IntoIterator<Item = Iteration>) -> Series {
        let mut series = Series::new(None, KpiTable::default().columns());
        let mut interner = Interner::default();
        for iteration in iterations {
            series.push(iteration, &mut interner);
        }
        series
    }

    fn over(series: &Series) -> EdgeDecomposition {
        EdgeDecomposition::over(series, 0..series.len(), 0.05)
    }

    #[test]
    fn costs_count_negative_and_the_largest_contribution_comes_first() {
        let series =
            series([whole(1, [3.0, 10.0, 1.0, 2.0, 3.5, 0.5]), whole(2, [4.0, 12.0, 1.0, 3.0, 4.5, -0.5])]);
        let edge = over(&series);
        assert_eq!(edge.net, Component { mean: Some(3.5), n: 2 });
        assert_eq!(edge.gross, Component { mean: Some(11.0), n: 2 });
        let contribution = |kpi, value| Contribution { kpi, value };
        assert_eq!(
            edge.contributions,
            [
                contribution(KpiId::GROSS_BPS, 11.0),
                contribution(KpiId::ADVERSE_BPS, -4.0),
                contribution(KpiId::SLIPPAGE_BPS, -2.5),
                contribution(KpiId::FEES_BPS, -1.0),
                contribution(KpiId::INVENTORY_BPS, 0.0),
            ]
        );
        assert!(edge.contributions[4].value.is_sign_positive());
        let identity = edge.identity.expect("two whole iterations");
        assert_eq!((identity.n, identity.worst, identity.holds), (2, 0.0, true));
    }

    #[test]
    fn a_missing_component_is_unknown_and_not_zero() {
        let series = series([
            iteration(1, [Some(3.0), None, Some(1.0), None, None, None]),
            iteration(2, [Some(4.0), None, None, None, None, None]),
        ]);
        let edge = over(&series);
        assert_eq!(edge.gross, Component { mean: None, n: 0 });
        assert_eq!(edge.fees, Component { mean: Some(1.0), n: 1 });
        assert_eq!(edge.contributions, [Contribution { kpi: KpiId::FEES_BPS, value: -1.0 }]);
        assert_eq!(edge.identity, None);
    }

    #[test]
    fn the_identity_may_be_off_by_the_tolerance_and_no_more() {
        let holds = |net: f64| {
            let series = series([whole(1, [net, 10.0, 1.0, 2.0, 3.0, 1.0])]);
            over(&series).identity.expect("a whole iteration").holds
        };
        assert!(holds(3.0));
        assert!(holds(3.049) && holds(2.951));
        assert!(holds(3.05) && holds(2.95));
        assert!(!holds(3.051) && !holds(2.949));
    }

    #[test]
    fn differences_that_cancel_are_still_told() {
        let series = series([
            whole(1, [3.0, 10.0, 1.0, 2.0, 3.0, 1.0]),
            whole(2, [4.0, 10.0, 1.0, 2.0, 3.0, 1.0]),
            whole(3, [2.0, 10.0, 1.0, 2.0, 3.0, 1.0]),
        ]);
        let identity = over(&series).identity.expect("whole iterations");
        assert_eq!(identity, Identity { n: 3, mean: 0.0, worst: 1.0, worst_iteration: 2, holds: false });
    }

    #[test]
    fn an_imputed_gross_edge_is_counted_and_proves_nothing() {
        let imputed = Iteration { gross_imputed: true, ..whole(1, [3.0, 99.0, 1.0, 2.0, 3.0, 1.0]) };
        let edge = over(&series([imputed]));
        assert_eq!((edge.gross_imputed, edge.identity), (1, None));
    }

    #[test]
    fn negative_drivers_are_counted_once_an_iteration() {
        let with = |number, drivers: &[&str]| Iteration {
            negative_drivers: drivers.iter().map(|driver| (*driver).into()).collect(),
            ..iteration(number, [None; 6])
        };
        let series = series([
            with(1, &["slippage_bps", "adverse_bps", "slippage_bps"]),
            with(2, &["slippage_bps", "fees_eff_bps"]),
            with(3, &[]),
        ]);
        let expected = [("slippage_bps", 2), ("adverse_bps", 1), ("fees_eff_bps", 1)];
        assert_eq!(
            over(&series).negative_drivers,
            expected.map(|(driver, iterations)| NamedDriver { driver: driver.to_owned(), iterations })
        );
        let last = EdgeDecomposition::over(&series, 2..3, 0.05);
        assert_eq!(last.negative_drivers, []);
    }

    #[test]
    fn an_empty_window_knows_nothing() {
        let edge = EdgeDecomposition::over(&series([]), 0..0, 0.05);
        assert_eq!(edge.net, Component { mean: None, n: 0 });
        assert_eq!((edge.contributions.len(), edge.identity), (0, None));
    }
}
