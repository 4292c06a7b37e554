//! Two runs side by side: how far each KPI of the verdict moved, whether that is for the better, and whether it is
//! more than the KPI's floor.
//!
//! Compares numbers that others measured; must not know where they come from or how they are shown.

pub mod significance;
pub mod words;

use super::kpi::{Direction, KpiId, KpiTable};
use super::number::{Finite, TOLERANCE};
use super::policy::Statistic;

/// The KPIs of the verdict in the order of the comparison: by name.
pub const ORDER: [KpiId; 4] =
    [KpiId::MAKER_TAKER_RATIO, KpiId::NET_BPS, KpiId::P95_LATENCY_MS, KpiId::RISK_RATIO];

/// What is known about one KPI of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Median over the window, in the KPI's unit; `None` = unknown.
    pub median: Option<f64>,
    /// Mean over the window, in the KPI's unit; `None` = unknown.
    pub mean: Option<f64>,
    /// Values behind them; `None` = unknown.
    pub n: Option<usize>,
}

/// What is known about one side, in the order of [`ORDER`].
pub type Side = [Measured; ORDER.len()];

/// Which way a KPI went from A to B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// B is the same.
    Same,
    /// B is different, and the KPI has no good direction.
    Different,
}

impl Way {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Different => "different",
        }
    }
}

/// How far a KPI moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// B − A, in the KPI's unit.
    pub absolute: f64,
    /// In percent of |A|, with the sign of the difference. `None` where it would say nothing: A is nearer to 0
    /// than the KPI's floor, or A and B lie on different sides of 0.
    pub percent: Option<f64>,
    /// Which way.
    pub way: Way,
    /// Whether it is more than the KPI's floor.
    pub exceeds_floor: bool,
}

impl Change {
    /// Whether it is for the worse by more than the floor.
    pub fn is_regression(&self) -> bool {
        self.way == Way::Worse && self.exceeds_floor
    }
}

/// One KPI on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The KPI.
    pub kpi: KpiId,
    /// What was compared: medians, or means where a side knows no median.
    pub statistic: Statistic,
    /// A, in the KPI's unit; `None` = unknown.
    pub a: Option<f64>,
    /// B, in the KPI's unit; `None` = unknown.
    pub b: Option<f64>,
    /// The change; `None` when a side is unknown.
    pub change: Option<Change>,
}

/// Compares the KPIs of the verdict, in the order of [`ORDER`].
pub fn compare(a: &Side, b: &Side, kpis: &KpiTable) -> Vec<Row> {
    let sides = a.iter().zip(b);
    ORDER.into_iter().zip(sides).map(|(kpi, (a, b))| row(kpi, a, b, kpis)).collect()
}

fn row(kpi: KpiId, a: &Measured, b: &Measured, kpis: &KpiTable) -> Row {
    // Older snapshots know nothing but means; a median beside a mean would be a difference of its own.
    let only_mean = |side: &Measured| side.median.is_none() && side.mean.is_some();
    let (statistic, a, b) = if only_mean(a) || only_mean(b) {
        (Statistic::Mean, a.mean, b.mean)
    } else {
        (Statistic::Median, a.median, b.median)
    };
    let known = kpis.get(kpi);
    let change = a.zip(b).and_then(|(a, b)| change(a, b, known.floor, known.direction));
    Row { kpi, statistic, a, b, change }
}

/// `None` when the difference is no finite number.
fn change(a: f64, b: f64, floor: f64, direction: Option<Direction>) -> Option<Change> {
    let absolute = Finite::new(b - a)?.get();
    let crosses_zero = (a < 0.0) != (b < 0.0);
    let near_zero = a.abs() < floor || a == 0.0;
    let percent = if crosses_zero || near_zero { None } else { Finite::new(absolute / a.abs() * 100.0) }
        .map(Finite::get);
    let way = way(absolute, direction);
    Some(Change { absolute, percent, way, exceeds_floor: absolute.abs() > floor + TOLERANCE })
}

fn way(change: f64, direction: Option<Direction>) -> Way {
    match direction {
        _ if change.abs() <= TOLERANCE => Way::Same,
        Some(Direction::Higher) if change > 0.0 => Way::Better,
        Some(Direction::Lower) if change < 0.0 => Way::Better,
        Some(_) => Way::Worse,
        None => Way::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(value: f64) -> Measured {
        Measured { median: Some(value), mean: Some(value), n: Some(8) }
    }

    /// The row of one KPI, the other KPIs being unknown.
    fn of(kpi: KpiId, a: Measured, b: Measured) -> Row {
        let side = |measured| ORDER.map(|known| if known == kpi { measured } else { Measured::default() });
        let rows = compare(&side(a), &side(b), &KpiTable::default());
        rows.into_iter().find(|row| row.kpi == kpi).expect("of the verdict")
    }

    fn changed(kpi: KpiId, a: f64, b: f64) -> Change {
        of(kpi, known(a), known(b)).change.expect("both are known")
    }

    #[test]
    fn the_rows_stand_in_the_order_of_their_names() {
        let kpis = KpiTable::default();
        let rows = compare(&Side::default(), &Side::default(), &kpis);
        let names: Vec<&str> = rows.iter().map(|row| kpis.name(row.kpi)).collect();
        assert_eq!(names, ["maker_taker_ratio", "net_bps", "p95_latency_ms", "risk_ratio"]);
    }

    #[test]
    fn better_is_up_for_edge_and_maker_share_and_down_for_latency_and_risk() {
        let way = |kpi, a, b| changed(kpi, a, b).way;
        assert_eq!(way(KpiId::NET_BPS, 2.0, 3.0), Way::Better);
        assert_eq!(way(KpiId::NET_BPS, 3.0, 2.0), Way::Worse);
        assert_eq!(way(KpiId::MAKER_TAKER_RATIO, 0.8, 0.9), Way::Better);
        assert_eq!(way(KpiId::MAKER_TAKER_RATIO, 0.9, 0.8), Way::Worse);
        assert_eq!(way(KpiId::P95_LATENCY_MS, 325.0, 312.0), Way::Better);
        assert_eq!(way(KpiId::P95_LATENCY_MS, 312.0, 325.0), Way::Worse);
        assert_eq!(way(KpiId::RISK_RATIO, 0.36, 0.35), Way::Better);
        assert_eq!(way(KpiId::RISK_RATIO, 0.35, 0.36), Way::Worse);
        assert_eq!(way(KpiId::RISK_RATIO, 0.35, 0.35), Way::Same);
        // 0.1 + 0.2 is 0.30000000000000004.
        assert_eq!(way(KpiId::RISK_RATIO, 0.3, 0.1 + 0.2), Way::Same);
    }

    #[test]
    fn a_regression_is_a_change_for_the_worse_by_more_than_the_floor() {
        // The floor of milliseconds is 1, that of ratios 0.005, that of bps 0.05.
        let regressed = |kpi, a, b| changed(kpi, a, b).is_regression();
        assert!(!regressed(KpiId::P95_LATENCY_MS, 300.0, 300.999));
        assert!(!regressed(KpiId::P95_LATENCY_MS, 300.0, 301.0));
        assert!(regressed(KpiId::P95_LATENCY_MS, 300.0, 301.001));
        assert!(!regressed(KpiId::P95_LATENCY_MS, 301.001, 300.0));
        // In binary 0.305 - 0.3 is a little more than 0.005.
        assert!(!regressed(KpiId::RISK_RATIO, 0.3, 0.305));
        assert!(regressed(KpiId::RISK_RATIO, 0.3, 0.306));
        assert!(!regressed(KpiId::NET_BPS, 3.0, 2.95));
        assert!(regressed(KpiId::NET_BPS, 3.0, 2.949));
    }

    #[test]
    fn a_percentage_is_of_the_size_of_a_and_never_of_a_value_near_zero_or_across_it() {
        let percent = |a, b| changed(KpiId::NET_BPS, a, b).percent;
        assert_eq!(percent(2.0, 3.0), Some(50.0));
        assert_eq!(percent(-2.0, -3.0), Some(-50.0));
        assert_eq!(percent(0.05, 0.1), Some(100.0));
        assert_eq!(percent(0.049, 3.0), None);
        assert_eq!(percent(-0.049, -3.0), None);
        assert_eq!(percent(0.0, 3.0), None);
        assert_eq!(percent(-1.0, 3.0), None);
        assert_eq!(percent(3.0, -1.0), None);
        assert_eq!(percent(3.0, 0.0), Some(-100.0));
        assert_eq!(changed(KpiId::NET_BPS, -1.0, 3.0).absolute, 4.0);
    }

    #[test]
    fn means_are_compared_where_a_side_knows_no_median() {
        let both = Measured { median: Some(3.0), mean: Some(2.0), n: None };
        let mean = Measured { median: None, mean: Some(2.5), n: None };
        let nothing = Measured::default();
        let told = |a, b| {
            let row = of(KpiId::NET_BPS, a, b);
            (row.statistic, row.a, row.b)
        };
        assert_eq!(told(both, both), (Statistic::Median, Some(3.0), Some(3.0)));
        assert_eq!(told(both, mean), (Statistic::Mean, Some(2.0), Some(2.5)));
        assert_eq!(told(mean, both), (Statistic::Mean, Some(2.5), Some(2.0)));
        assert_eq!(told(both, nothing), (Statistic::Median, Some(3.0), None));
        assert_eq!(told(nothing, mean), (Statistic::Mean, None, Some(2.5)));
    }

    #[test]
    fn an_unknown_side_and_a_difference_beyond_all_numbers_have_no_change() {
        assert_eq!(of(KpiId::NET_BPS, Measured::default(), known(1.0)).change, None);
        assert_eq!(of(KpiId::NET_BPS, known(1.0), Measured::default()).change, None);
        assert_eq!(of(KpiId::NET_BPS, known(f64::MIN), known(f64::MAX)).change, None);
    }

    fn measured() -> impl Strategy<Value = Measured> {
        let value = || {
            prop_oneof![
                Just(None),
                Just(Some(0.0)),
                (-4i32..=4).prop_map(|n| Some(f64::from(n) * 0.025)),
                (-1e3..1e3).prop_map(Some),
                proptest::num::f64::NORMAL.prop_map(Some),
            ]
        };
        (value(), value()).prop_map(|(median, mean)| Measured { median, mean, n: None })
    }

    fn side() -> impl Strategy<Value = Side> {
        [measured(), measured(), measured(), measured()]
    }

    proptest! {
        #[test]
        fn a_run_compared_with_itself_has_not_changed(a in side()) {
            for row in compare(&a, &a, &KpiTable::default()) {
                prop_assert_eq!(row.a, row.b);
                if let Some(change) = row.change {
                    prop_assert_eq!((change.absolute, change.way), (0.0, Way::Same));
                    prop_assert!(!change.exceeds_floor && change.percent.is_none_or(|percent| percent == 0.0));
                }
            }
        }

        #[test]
        fn comparing_the_other_way_round_mirrors_every_change(a in side(), b in side()) {
            let kpis = KpiTable::default();
            for (there, back) in compare(&a, &b, &kpis).into_iter().zip(compare(&b, &a, &kpis)) {
                prop_assert_eq!((there.a, there.b, there.statistic), (back.b, back.a, back.statistic));
                prop_assert_eq!(there.change.is_some(), back.change.is_some());
                let (Some(there), Some(back)) = (there.change, back.change) else { continue };
                prop_assert_eq!(there.absolute, -back.absolute);
                prop_assert_eq!(there.exceeds_floor, back.exceeds_floor);
                let mirrored = match there.way {
                    Way::Better => Way::Worse,
                    Way::Worse => Way::Better,
                    same => same,
                };
                prop_assert_eq!(mirrored, back.way);
            }
        }

        #[test]
        fn improving_a_kpi_never_makes_it_a_regression(a in -10.0..10.0, b in -10.0..10.0, more in 0.0..10.0) {
            let net = |b| changed(KpiId::NET_BPS, a, b).is_regression();
            prop_assert!(net(b) || !net(b + more));
        }
    }
}
