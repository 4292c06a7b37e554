//! WARN and CRIT on every single iteration of a window, counted and listed.
//!
//! Counts everything and lists a bounded number; must not turn counts into a verdict.

use std::ops::Range;

use serde::Serialize;

use crate::core::kpi::KpiId;
use crate::core::policy::{ViolationRule, ViolationRules};
use crate::core::series::Series;

/// How bad a violation is, in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Beyond the WARN limit.
    Warn,
    /// Beyond the CRIT limit.
    Crit,
}

impl Level {
    /// `WARN`, `CRIT`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warn => "WARN",
            Self::Crit => "CRIT",
        }
    }
}

/// A value beyond a limit, or a KPI without any value.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "ViolationRow")]
pub struct Violation {
    /// Number of the iteration; `None` when it is about the whole window.
    pub iteration: Option<u64>,
    /// The KPI.
    pub kpi: KpiId,
    /// How bad.
    pub level: Level,
    /// The value; `None` when the KPI has none in the whole window.
    pub value: Option<f64>,
    /// The limit of this level; `None` when the KPI has no value in the whole window.
    pub limit: Option<f64>,
}

/// The counts of one KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "KpiViolationsRow")]
pub struct KpiViolations {
    /// The KPI.
    pub kpi: KpiId,
    /// Number of WARN, the one for missing data included.
    pub warn: usize,
    /// Number of CRIT. An iteration beyond both limits counts here only.
    pub crit: usize,
    /// Whether the KPI has no value in the whole window.
    pub no_data: bool,
}

/// All violations of a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Violations {
    /// Counts, one entry a rule, in the order of the policy.
    pub by_kpi: Vec<KpiViolations>,
    /// The violations that were kept, in the order of the policy's rules, then by iteration.
    pub listed: Vec<Violation>,
    /// Violations that are counted and not listed.
    pub unlisted: usize,
}

impl Violations {
    /// Number of WARN, also of those not listed.
    pub fn warn(&self) -> usize {
        self.by_kpi.iter().map(|counts| counts.warn).sum()
    }

    /// Number of CRIT, also of those not listed.
    pub fn crit(&self) -> usize {
        self.by_kpi.iter().map(|counts| counts.crit).sum()
    }
}

/// The violations at `positions` of a series, which the caller found from the window of the rules.
///
/// At most `keep` are listed: CRIT before missing data before WARN, earlier iterations before later ones. A
/// missing value is no violation, but a KPI without any value at these positions is one WARN.
///
/// # Panics
///
/// When `positions` reach beyond the series.
pub fn find(series: &Series, positions: Range<usize>, rules: &ViolationRules, keep: usize) -> Violations {
    let mut by_kpi: Vec<KpiViolations> = rules
        .rules
        .iter()
        .map(|rule| {
            let no_data = positions.clone().all(|position| series.value(rule.kpi, position).is_none());
            KpiViolations { kpi: rule.kpi, warn: usize::from(no_data), crit: 0, no_data }
        })
        .collect();
    // With the rank of the rule, to bring them into the order of the policy at the end.
    let mut warns: Vec<(usize, Violation)> = Vec::new();
    let mut crits: Vec<(usize, Violation)> = Vec::new();
    for (rank, counts) in by_kpi.iter().enumerate().filter(|(_, counts)| counts.no_data) {
        let violation =
            Violation { iteration: None, kpi: counts.kpi, level: Level::Warn, value: None, limit: None };
        warns.push((rank, violation));
    }
    for position in positions {
        for (rank, (rule, counts)) in rules.rules.iter().zip(&mut by_kpi).enumerate() {
            let Some(value) = series.value(rule.kpi, position) else { continue };
            let Some((level, limit)) = judge(rule, value) else { continue };
            let (count, kept) = match level {
                Level::Warn => (&mut counts.warn, &mut warns),
                Level::Crit => (&mut counts.crit, &mut crits),
            };
            *count += 1;
            if kept.len() < keep {
                let iteration = Some(series.number(position));
                let violation =
                    Violation { iteration, kpi: rule.kpi, level, value: Some(value), limit: Some(limit) };
                kept.push((rank, violation));
            }
        }
    }
    let mut kept: Vec<(usize, Violation)> = crits.into_iter().chain(warns).take(keep).collect();
    kept.sort_by_key(|(rank, violation)| (*rank, violation.iteration));
    let mut found = Violations { by_kpi, ..Violations::default() };
    found.unlisted = (found.warn() + found.crit()).saturating_sub(kept.len());
    found.listed = kept.into_iter().map(|(_, violation)| violation).collect();
    found
}

/// The level of a value and the limit of that level.
fn judge(rule: &ViolationRule, value: f64) -> Option<(Level, f64)> {
    if rule.crit_when.holds(value, rule.crit.value) {
        Some((Level::Crit, rule.crit.value))
    } else if rule.warn_when.holds(value, rule.warn.value) {
        Some((Level::Warn, rule.warn.value))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::kpi::KpiTable;
    use crate::core::policy::{Limit, WindowSpec};
    use crate::core::series::Interner;
    use crate::core::verdict::{Comparison, LimitSource};

    fn limit(value: f64) -> Limit {
        Limit { value, source: LimitSource { key: "violations".into(), origin: "test".into() } }
    }

    fn rules() -> ViolationRules {
        let rule = |kpi, warn_when, warn, crit_when, crit| ViolationRule {
            kpi,
            warn_when,
            warn: limit(warn),
            crit_when,
            crit: limit(crit),
        };
        ViolationRules {
            gates: false,
            window: WindowSpec::Overall,
            rules: vec![
                rule(KpiId::NET_BPS, Comparison::Below, 3.0, Comparison::Below, 2.5),
                rule(KpiId::RISK_RATIO, Comparison::Above, 0.36, Comparison::AtLeast, 0.40),
            ],
        }
    }

    /// Net edge and risk of the iterations 1, 2, …
    fn series(rows: &[(Option<f64>, Option<f64>)]) -> Series {
        let kpis = KpiTable::default().columns();
        let mut series = Series::new(None, kpis);
        let mut interner = Interner::default();
        for (number, (net, risk)) in (1..).zip(rows) {
            let mut values = vec![None; kpis];
            values[KpiId::NET_BPS.index()] = *net;
            values[KpiId::RISK_RATIO.index()] = *risk;
            series.push(Iteration { number, values, ..Iteration::default() }, &mut interner);
        }
        series
    }

    fn worst_of(found: &Violations, kpi: KpiId) -> Option<Level> {
        let of_kpi = found.by_kpi.iter().filter(|counts| counts.kpi == kpi).copied().collect();
        worst(&Violations { by_kpi: of_kpi, ..Violations::default() })
    }

    fn worst(found: &Violations) -> Option<Level> {
        let warn = (found.warn() > 0).then_some(Level::Warn);
        warn.max((found.crit() > 0).then_some(Level::Crit))
    }

    fn of(rows: &[(Option<f64>, Option<f64>)]) -> Violations {
        find(&series(rows), 0..rows.len(), &rules(), 100)
    }

    #[test]
    fn limits_hold_or_not_at_their_boundary_as_the_comparison_says() {
        let net = |value: f64| worst_of(&of(&[(Some(value), Some(0.1))]), KpiId::NET_BPS);
        assert_eq!(net(3.01), None);
        assert_eq!(net(3.0), None);
        assert_eq!(net(2.99), Some(Level::Warn));
        assert_eq!(net(2.5), Some(Level::Warn));
        assert_eq!(net(2.49), Some(Level::Crit));
        assert_eq!(net(0.0), Some(Level::Crit));
        let risk = |value: f64| worst_of(&of(&[(Some(4.0), Some(value))]), KpiId::RISK_RATIO);
        assert_eq!(risk(0.36), None);
        assert_eq!(risk(0.361), Some(Level::Warn));
        assert_eq!(risk(0.399), Some(Level::Warn));
        assert_eq!(risk(0.40), Some(Level::Crit));
    }

    #[test]
    fn a_violation_tells_its_iteration_value_and_limit() {
        let found = of(&[(Some(3.5), Some(0.41)), (Some(2.7), Some(0.1)), (Some(1.0), Some(0.1))]);
        let violation = |iteration, kpi, level, value, limit| Violation {
            iteration: Some(iteration),
            kpi,
            level,
            value: Some(value),
            limit: Some(limit),
        };
        assert_eq!(
            found.listed,
            [
                violation(2, KpiId::NET_BPS, Level::Warn, 2.7, 3.0),
                violation(3, KpiId::NET_BPS, Level::Crit, 1.0, 2.5),
                violation(1, KpiId::RISK_RATIO, Level::Crit, 0.41, 0.40),
            ]
        );
        assert_eq!((found.warn(), found.crit(), found.unlisted), (1, 2, 0));
        assert_eq!(worst(&found), Some(Level::Crit));
    }

    #[test]
    fn one_crit_outweighs_any_number_of_warns() {
        let found = of(&[(Some(2.7), Some(0.1)), (Some(2.4), Some(0.1)), (Some(2.7), Some(0.1))]);
        assert_eq!(worst_of(&found, KpiId::NET_BPS), Some(Level::Crit));
        assert_eq!(worst_of(&found, KpiId::RISK_RATIO), None);
        assert_eq!(worst_of(&found, KpiId::P95_LATENCY_MS), None);
    }

    #[test]
    fn a_kpi_without_any_value_is_one_warn_and_a_gap_is_none() {
        let found = of(&[(None, Some(0.1)), (None, None), (None, Some(0.1))]);
        let expected =
            Violation { iteration: None, kpi: KpiId::NET_BPS, level: Level::Warn, value: None, limit: None };
        assert_eq!(found.listed, [expected]);
        assert_eq!((found.warn(), found.crit()), (1, 0));
        assert!(found.by_kpi[0].no_data && !found.by_kpi[1].no_data);
    }

    #[test]
    fn only_the_window_is_looked_at() {
        let series = series(&[(Some(1.0), Some(0.9)), (Some(4.0), Some(0.1)), (None, Some(0.9))]);
        let found = find(&series, 1..2, &rules(), 100);
        assert_eq!((found.warn(), found.crit(), worst(&found)), (0, 0, None));
        let found = find(&series, 2..3, &rules(), 100);
        assert_eq!((found.warn(), found.crit()), (1, 1));
        let nothing = find(&series, 3..3, &rules(), 100);
        assert_eq!((nothing.warn(), nothing.crit()), (2, 0));
    }

    #[test]
    fn the_list_is_bounded_prefers_crit_and_the_counts_are_complete() {
        let mut rows = vec![(Some(2.7), Some(0.9)); 50_000];
        rows.extend(vec![(Some(1.0), Some(0.1)); 50_000]);
        let found = find(&series(&rows), 0..rows.len(), &rules(), 10);
        assert_eq!((found.warn(), found.crit(), found.unlisted), (50_000, 100_000, 149_990));
        assert_eq!(found.listed.len(), 10);
        assert!(found.listed.iter().all(|violation| violation.level == Level::Crit));
        let none = find(&series(&rows), 0..rows.len(), &rules(), 0);
        assert_eq!((none.listed.len(), none.crit()), (0, 100_000));
    }
}
