//! Single iterations that stand out: latency spikes, risk jumps, drops of the maker share.
//!
//! Fixed limits from the policy on single values; must not average, and must not judge the run.

use std::ops::Range;

use serde::Serialize;

use crate::core::kpi::KpiId;
use crate::core::policy::AnomalyRules;
use crate::core::series::Series;
use crate::core::text::number::TOLERANCE;

/// What stands out. Ordered as reports list several of one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// The latency is above its limit.
    LatencySpike,
    /// The risk ratio rose by more than its limit against the iteration before.
    RiskJump,
    /// The maker share is below its limit.
    MakerTakerDrop,
}

impl AnomalyKind {
    /// Name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::LatencySpike => "latency_spike",
            Self::RiskJump => "risk_jump",
            Self::MakerTakerDrop => "maker_taker_drop",
        }
    }

    /// The KPI that it is about.
    pub fn kpi(self) -> KpiId {
        match self {
            Self::LatencySpike => KpiId::P95_LATENCY_MS,
            Self::RiskJump => KpiId::RISK_RATIO,
            Self::MakerTakerDrop => KpiId::MAKER_TAKER_RATIO,
        }
    }
}

/// One finding. An iteration can have one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "AnomalyRow")]
pub struct Anomaly {
    /// Number of the iteration.
    pub iteration: u64,
    /// What stands out.
    pub kind: AnomalyKind,
    /// The value, in the KPI's unit.
    pub value: f64,
    /// Difference to the iteration before; only for jumps.
    pub delta: Option<f64>,
    /// The limit that the value, or for jumps the difference, went beyond.
    pub limit: f64,
}

/// The anomalies at `positions` of a series, by iteration, then by kind.
///
/// A jump is measured against the iteration that stands before it among these positions, also across a gap
/// in the numbers; the first one has none before it. A missing value is no anomaly, and it ends the chain:
/// the value after it has nothing to be measured against, because the rise may have taken two iterations.
///
/// # Panics
///
/// When `positions` reach beyond the series.
pub fn find(series: &Series, positions: Range<usize>, rules: &AnomalyRules) -> Vec<Anomaly> {
    let first = positions.start;
    let mut found = Vec::new();
    for position in positions {
        let mut note = |kind, value, delta, limit| {
            found.push(Anomaly { iteration: series.number(position), kind, value, delta, limit });
        };
        if let Some(latency) = series.value(KpiId::P95_LATENCY_MS, position)
            && latency > rules.latency_spike.value
        {
            note(AnomalyKind::LatencySpike, latency, None, rules.latency_spike.value);
        }
        let before = position.checked_sub(1).filter(|before| *before >= first);
        if let Some(risk) = series.value(KpiId::RISK_RATIO, position)
            && let Some(risk_before) = before.and_then(|before| series.value(KpiId::RISK_RATIO, before))
            && risk - risk_before > rules.risk_jump.value + TOLERANCE
        {
            note(AnomalyKind::RiskJump, risk, Some(risk - risk_before), rules.risk_jump.value);
        }
        if let Some(maker) = series.value(KpiId::MAKER_TAKER_RATIO, position)
            && maker < rules.maker_drop.value
        {
            note(AnomalyKind::MakerTakerDrop, maker, None, rules.maker_drop.value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiTable;
    use crate::core::policy::Limit;
    use crate::core::series::Interner;
    use crate::core::verdict::LimitSource;

    fn limit(value: f64) -> Limit {
        Limit { value, source: LimitSource { key: "anomalies".into(), origin: "test".into() } }
    }

    fn rules() -> AnomalyRules {
        AnomalyRules {
            gates: false,
            latency_spike: limit(400.0),
            risk_jump: limit(0.15),
            maker_drop: limit(0.75),
        }
    }

    /// Number, latency, risk and maker share of an iteration.
    type Measured = (u64, Option<f64>, Option<f64>, Option<f64>);

    fn series(rows: &[Measured]) -> Series {
        let kpis = KpiTable::default().columns();
        let mut series = Series::new(None, kpis);
        let mut interner = Interner::default();
        for (number, latency, risk, maker) in rows {
            let mut values = vec![None; kpis];
            values[KpiId::P95_LATENCY_MS.index()] = *latency;
            values[KpiId::RISK_RATIO.index()] = *risk;
            values[KpiId::MAKER_TAKER_RATIO.index()] = *maker;
            series.push(Iteration { number: *number, values, ..Iteration::default() }, &mut interner);
        }
        series
    }

    fn all(series: &Series) -> Vec<(u64, AnomalyKind)> {
        find(series, 0..series.len(), &rules()).iter().map(|found| (found.iteration, found.kind)).collect()
    }

    fn risks(values: &[Option<f64>]) -> Vec<(u64, AnomalyKind)> {
        let rows: Vec<_> = (1..).zip(values).map(|(number, risk)| (number, None, *risk, None)).collect();
        all(&series(&rows))
    }

    #[test]
    fn one_iteration_can_have_one_of_each_kind() {
        let series =
            series(&[(1, Some(300.0), Some(0.30), Some(0.90)), (2, Some(420.0), Some(0.47), Some(0.70))]);
        let found = find(&series, 0..2, &rules());
        let expected = |kind, value, delta, limit| Anomaly { iteration: 2, kind, value, delta, limit };
        assert_eq!(
            found,
            [
                expected(AnomalyKind::LatencySpike, 420.0, None, 400.0),
                expected(AnomalyKind::RiskJump, 0.47, Some(0.47 - 0.30), 0.15),
                expected(AnomalyKind::MakerTakerDrop, 0.70, None, 0.75),
            ]
        );
    }

    #[test]
    fn a_value_at_its_limit_is_no_anomaly() {
        let latency = |value| all(&series(&[(1, Some(value), None, None)]));
        assert_eq!(latency(399.9), []);
        assert_eq!(latency(400.0), []);
        assert_eq!(latency(400.1), [(1, AnomalyKind::LatencySpike)]);
        let maker = |value| all(&series(&[(1, None, None, Some(value))]));
        assert_eq!(maker(0.7501), []);
        assert_eq!(maker(0.75), []);
        assert_eq!(maker(0.7499), [(1, AnomalyKind::MakerTakerDrop)]);
        assert_eq!(maker(0.0), [(1, AnomalyKind::MakerTakerDrop)]);
    }

    #[test]
    fn a_rise_by_exactly_the_limit_is_no_jump_despite_binary_fractions() {
        assert_eq!(risks(&[Some(0.30), Some(0.449)]), []);
        assert_eq!(risks(&[Some(0.30), Some(0.45)]), []);
        assert_eq!(risks(&[Some(0.30), Some(0.451)]), [(2, AnomalyKind::RiskJump)]);
        assert_eq!(risks(&[Some(0.60), Some(0.30)]), []);
        assert_eq!(risks(&[Some(0.0), Some(0.2)]), [(2, AnomalyKind::RiskJump)]);
    }

    #[test]
    fn a_missing_value_is_no_anomaly_and_ends_the_chain() {
        assert_eq!(risks(&[Some(0.2), None, Some(0.9)]), []);
        assert_eq!(risks(&[None, Some(0.9)]), []);
        assert_eq!(risks(&[Some(0.2), None, Some(0.3), Some(0.9)]), [(4, AnomalyKind::RiskJump)]);
    }

    #[test]
    fn the_first_iteration_of_the_range_has_nothing_before_it() {
        let series =
            series(&[(3, None, Some(0.1), None), (7, None, Some(0.5), None), (8, None, Some(0.8), None)]);
        assert_eq!(all(&series), [(7, AnomalyKind::RiskJump), (8, AnomalyKind::RiskJump)]);
        let found = find(&series, 1..3, &rules());
        assert_eq!(found.iter().map(|found| found.iteration).collect::<Vec<_>>(), [8]);
        assert_eq!(find(&series, 1..2, &rules()), []);
        assert_eq!(find(&series, 3..3, &rules()), []);
    }
}
