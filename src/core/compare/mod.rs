//! Two runs side by side: how far each KPI of the policy moved, whether that is for the better, and whether it is
//! more than the KPI's floor.
//!
//! Sides are read in [`sides`] and, where they were promoted, in [`baselines`]; [`significance`] judges single values;
//! [`result`] is what all formats show.

pub mod snapshot;

pub mod baselines;
mod by_day;
pub mod conditions;
pub mod halves;
pub mod history;
pub mod result;
mod sentence;
pub mod sides;
pub mod significance;
mod spread;

use schemars::JsonSchema;
use serde::Serialize;

use self::significance::ComparedAnswer;
use super::kpi::{Direction, KpiId};
use super::policy::KpiRule;
use crate::core::text::number::{Finite, TOLERANCE};

use super::verdict::evidence::ArchiveFile;
use super::verdict::{Outcome, WindowUsed};

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

impl Measured {
    fn is_known(&self) -> bool {
        self.median.is_some() || self.mean.is_some()
    }
}

/// Which way a KPI went from A to B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(inline)]
pub enum Way {
    Better,
    Worse,
    Same,
    // The KPI has no good direction.
    Different,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedRun {
    /// Where it was read.
    pub path: String,
    /// `run` for a folder with iterations, `baseline` for one that was promoted, `snapshot` or `audit` for a file about
    /// a run.
    #[schemars(extend("enum" = ["run", "baseline", "snapshot", "audit"]))]
    pub kind: &'static str,
    /// Its true verdict where it is known, else the one that is written; null when there is none.
    pub verdict: Option<String>,
    /// The main reason of the verdict; null where it was read from a file.
    pub reason: Option<String>,
    /// The symbol compared; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// The iterations looked at; null where it was read from a file.
    pub window: Option<WindowUsed>,
    /// The archive that was read; absent where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveFile>,
}

impl ComparedRun {
    /// The verdict, where it says that the numbers prove nothing.
    pub fn cannot_judge(&self) -> Option<Outcome> {
        [Outcome::Inconclusive, Outcome::Invalid]
            .into_iter()
            .find(|outcome| self.verdict.as_deref() == Some(outcome.word()))
    }
}

/// A KPI on one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedValue {
    /// The statistic, unrounded where it comes from iterations, in the KPI's unit; null = unknown.
    pub value: Option<f64>,
    /// Values behind it; null = unknown.
    pub n: Option<usize>,
}

/// A KPI on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedKpi {
    /// Canonical name.
    pub kpi: String,
    /// Unit; empty for ratios.
    pub unit: String,
    /// Which way is good; null where neither is.
    #[schemars(extend("enum" = ["higher", "lower", null]))]
    pub good: Option<&'static str>,
    /// What was compared: `median`, or `mean` where a side knows no median.
    pub statistic: &'static str,
    /// Side A.
    pub a: ComparedValue,
    /// Side B.
    pub b: ComparedValue,
    /// B − A; null when a side is unknown.
    pub change: Option<f64>,
    /// The change in percent of |A|; null where A is nearer to 0 than the floor, or 0 lies between the two.
    pub change_percent: Option<f64>,
    /// Which way it went; null when a side is unknown.
    pub way: Option<Way>,
    /// Changes up to this size count for nothing, in the KPI's unit.
    pub floor: f64,
    /// Whether the change is more than the floor; null when a side is unknown.
    pub exceeds_floor: Option<bool>,
    /// Whether it is worse by more than what unchanged builds differ by; null where that was not asked, or a side has
    /// no single values.
    pub significance: Option<ComparedAnswer>,
    // Whether it is judged, or only shown.
    #[serde(skip)]
    pub judged: bool,
    #[serde(skip)]
    pub id: KpiId,
}

impl ComparedKpi {
    /// Whether it is worse by more than its floor, and that counts.
    pub fn is_regression(&self) -> bool {
        self.judged && self.way == Some(Way::Worse) && self.exceeds_floor == Some(true)
    }

    /// Whether it should be judged and cannot be.
    pub fn is_unknown(&self) -> bool {
        self.judged && self.change.is_none()
    }
}

/// An acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Acknowledged {
    /// The KPI whose change is known.
    pub kpi: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: String,
    /// Whether that day is over; then it does not count any more.
    pub expired: bool,
}

/// Compares the KPIs that the policy limits, and those that a side knows, in the order of the rules.
pub fn rows(a: &[Measured], b: &[Measured], rules: &[KpiRule]) -> Vec<ComparedKpi> {
    let sides = rules.iter().zip(a.iter().zip(b));
    sides
        .filter(|(rule, (a, b))| rule.required || a.is_known() || b.is_known())
        .map(|(rule, (a, b))| row(rule, a, b))
        .collect()
}

fn row(rule: &KpiRule, of_a: &Measured, of_b: &Measured) -> ComparedKpi {
    // Older snapshots know nothing but means; a median beside a mean would be a difference of its own.
    let only_mean = |side: &Measured| side.median.is_none() && side.mean.is_some();
    let (statistic, a, b) = if only_mean(of_a) || only_mean(of_b) {
        ("mean", of_a.mean, of_b.mean)
    } else {
        ("median", of_a.median, of_b.median)
    };
    let kpi = rule.kpi;
    // Unknown also where the difference is no finite number.
    let change = a.zip(b).and_then(|(a, b)| Finite::new(b - a)).map(Finite::get);
    ComparedKpi {
        kpi: kpi.name.to_owned(),
        unit: kpi.unit.symbol().to_owned(),
        good: kpi.direction.map(|direction| match direction {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        }),
        statistic,
        a: ComparedValue { value: a, n: of_a.n },
        b: ComparedValue { value: b, n: of_b.n },
        change,
        change_percent: a.zip(b).zip(change).and_then(|((a, b), change)| percent(a, b, change, kpi.floor)),
        way: change.map(|change| way(change, kpi.direction)),
        floor: kpi.floor,
        exceeds_floor: change.map(|change| change.abs() > kpi.floor + TOLERANCE),
        significance: None,
        judged: rule.margin.is_some() && kpi.direction.is_some(),
        id: kpi,
    }
}

/// In percent of |A|, with the sign of the difference. `None` where it would say nothing: A is nearer to 0 than the
/// KPI's floor, or A and B lie on different sides of 0.
fn percent(a: f64, b: f64, change: f64, floor: f64) -> Option<f64> {
    let crosses_zero = (a < 0.0) != (b < 0.0);
    let near_zero = a.abs() < floor || a == 0.0;
    if crosses_zero || near_zero { None } else { Finite::new(change / a.abs() * 100.0) }.map(Finite::get)
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
pub(crate) mod fixture {
    use crate::core::judge::fixture::limit;
    use crate::core::kpi::KpiId;
    use crate::core::policy::ORDER;
    use crate::core::policy::{KpiRule, Margin};

    /// A required KPI with this absolute margin, or none.
    pub(crate) fn rule(kpi: KpiId, margin: Option<f64>) -> KpiRule {
        let margin = margin.map(|absolute| Margin { absolute: limit(absolute), relative: limit(0.0) });
        KpiRule { kpi, margin, required: true }
    }

    /// The KPIs of the verdict.
    pub(crate) fn four(margin: f64) -> Vec<KpiRule> {
        ORDER.map(|kpi| rule(kpi, Some(margin))).to_vec()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::core::kpi::KpiId;
    use crate::core::policy::ORDER;
    use proptest::prelude::*;

    use super::fixture::{four, rule};

    fn known(value: f64) -> Measured {
        Measured { median: Some(value), mean: Some(value), n: Some(8) }
    }

    fn nothing() -> Vec<Measured> {
        vec![Measured::default(); ORDER.len()]
    }

    /// The row of one KPI, the other KPIs being unknown.
    fn of(kpi: KpiId, a: Measured, b: Measured) -> ComparedKpi {
        let side =
            |measured| ORDER.map(|known| if known == kpi { measured } else { Measured::default() }).to_vec();
        let rows = rows(&side(a), &side(b), &four(0.0));
        rows.into_iter().find(|row| row.kpi == kpi.name).expect("of the verdict")
    }

    fn changed(kpi: KpiId, a: f64, b: f64) -> ComparedKpi {
        let row = of(kpi, known(a), known(b));
        assert!(row.change.is_some(), "both are known");
        row
    }

    #[test]
    fn the_rows_stand_in_the_order_of_their_names() {
        let rows = rows(&nothing(), &nothing(), &four(0.0));
        let names: Vec<&str> = rows.iter().map(|row| row.kpi.as_str()).collect();
        assert_eq!(names, ["maker_taker_ratio", "net_bps", "p95_latency_ms", "risk_ratio"]);
    }

    #[test]
    fn better_is_up_for_edge_and_maker_share_and_down_for_latency_and_risk() {
        let way = |kpi, a, b| changed(kpi, a, b).way.expect("both are known");
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
        let percent = |a, b| changed(KpiId::NET_BPS, a, b).change_percent;
        assert_eq!(percent(2.0, 3.0), Some(50.0));
        assert_eq!(percent(-2.0, -3.0), Some(-50.0));
        assert_eq!(percent(0.05, 0.1), Some(100.0));
        assert_eq!(percent(0.049, 3.0), None);
        assert_eq!(percent(-0.049, -3.0), None);
        assert_eq!(percent(0.0, 3.0), None);
        assert_eq!(percent(-1.0, 3.0), None);
        assert_eq!(percent(3.0, -1.0), None);
        assert_eq!(percent(3.0, 0.0), Some(-100.0));
        assert_eq!(changed(KpiId::NET_BPS, -1.0, 3.0).change, Some(4.0));
    }

    #[test]
    fn means_are_compared_where_a_side_knows_no_median() {
        let both = Measured { median: Some(3.0), mean: Some(2.0), n: None };
        let mean = Measured { median: None, mean: Some(2.5), n: None };
        let nothing = Measured::default();
        let told = |a, b| {
            let row = of(KpiId::NET_BPS, a, b);
            (row.statistic, row.a.value, row.b.value)
        };
        assert_eq!(told(both, both), ("median", Some(3.0), Some(3.0)));
        assert_eq!(told(both, mean), ("mean", Some(2.0), Some(2.5)));
        assert_eq!(told(mean, both), ("mean", Some(2.5), Some(2.0)));
        assert_eq!(told(both, nothing), ("median", Some(3.0), None));
        assert_eq!(told(nothing, mean), ("mean", None, Some(2.5)));
    }

    #[test]
    fn a_kpi_that_nobody_asks_for_and_nobody_measured_takes_no_part() {
        let rules = |required| ORDER.map(|kpi| KpiRule { required, ..rule(kpi, Some(0.0)) }).to_vec();
        assert_eq!(rows(&nothing(), &nothing(), &rules(false)), []);
        let unknown: Vec<bool> =
            rows(&nothing(), &nothing(), &rules(true)).iter().map(ComparedKpi::is_unknown).collect();
        assert_eq!(unknown, [true; 4]);
        let mut b = nothing();
        b[1] = known(3.0);
        let rows = rows(&nothing(), &b, &rules(false));
        assert_eq!((rows.len(), rows[0].kpi.as_str(), rows[0].is_unknown()), (1, "net_bps", true));
    }

    #[test]
    fn a_kpi_without_a_margin_is_shown_and_not_judged() {
        let shown = [rule(KpiId::NET_BPS, None), rule(KpiId::RISK_RATIO, None)];
        let rows = rows(&[known(3.0), Measured::default()], &[known(1.0), known(0.3)], &shown);
        assert!(
            rows[0].way == Some(Way::Worse)
                && rows[0].exceeds_floor == Some(true)
                && !rows[0].is_regression()
        );
        assert!(rows[1].change.is_none() && !rows[1].is_unknown());
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

    fn side() -> impl Strategy<Value = Vec<Measured>> {
        [measured(), measured(), measured(), measured()].prop_map(Vec::from)
    }

    proptest! {
        #[test]
        fn a_run_compared_with_itself_has_not_changed(a in side()) {
            for row in rows(&a, &a, &four(0.0)) {
                prop_assert_eq!(row.a, row.b);
                if row.change.is_some() {
                    prop_assert_eq!((row.change, row.way), (Some(0.0), Some(Way::Same)));
                    prop_assert_eq!(row.exceeds_floor, Some(false));
                    prop_assert!(row.change_percent.is_none_or(|percent| percent == 0.0));
                }
            }
        }

        #[test]
        fn comparing_the_other_way_round_mirrors_every_change(a in side(), b in side()) {
            for (there, back) in rows(&a, &b, &four(0.0)).into_iter().zip(rows(&b, &a, &four(0.0))) {
                prop_assert_eq!((there.a, there.b, there.statistic), (back.b, back.a, back.statistic));
                prop_assert_eq!(there.change.is_some(), back.change.is_some());
                prop_assert_eq!(there.change, back.change.map(|change| -change));
                prop_assert_eq!(there.exceeds_floor, back.exceeds_floor);
                let mirrored = match there.way {
                    Some(Way::Better) => Some(Way::Worse),
                    Some(Way::Worse) => Some(Way::Better),
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
