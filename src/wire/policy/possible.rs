//! Which values a measurement can have, and which limits are pointless because of that.
//!
//! Asked only while a policy is read; the judge never needs it.

use crate::core::kpi::{Direction, KpiId, KpiTable};
use crate::core::verdict::Comparison;

/// The values that can be true; `None` = no bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Possible {
    pub(super) lowest: Option<f64>,
    pub(super) highest: Option<f64>,
}

impl Possible {
    pub(super) const SHARE: Self = Self { lowest: Some(0.0), highest: Some(1.0) };
    pub(super) const COUNT: Self = Self { lowest: Some(0.0), highest: None };
    const PERCENT: Self = Self { lowest: Some(0.0), highest: Some(100.0) };
    const ANY: Self = Self { lowest: None, highest: None };

    pub(super) fn of_kpi(kpi: KpiId) -> Self {
        Self { lowest: kpi.lowest, highest: kpi.highest }
    }

    /// Of a metric by its name in an edge report or in the 72-hour report; unknown names have no bounds.
    pub(super) fn of_metric(name: &str, kpis: &KpiTable) -> Self {
        match name {
            "maker_share_pct" => Self::PERCENT,
            "mm_hit_ratio" | "mm_maker_share_ratio" | "mm_deadline_miss_rate" => Self::SHARE,
            "tick_latency_ms.p50" | "tick_latency_ms.p95" | "ws_lag_max_ms" | "duration_hours" => Self::COUNT,
            _ => kpis.spelled(name).map_or(Self::ANY, |(id, _)| Self::of_kpi(id)),
        }
    }

    /// Whether every possible value satisfies the comparison.
    pub(super) fn always(self, comparison: Comparison, limit: f64) -> bool {
        match comparison {
            Comparison::AtMost => self.highest.is_some_and(|highest| highest <= limit),
            Comparison::Below => self.highest.is_some_and(|highest| highest < limit),
            Comparison::AtLeast => self.lowest.is_some_and(|lowest| lowest >= limit),
            Comparison::Above => self.lowest.is_some_and(|lowest| lowest > limit),
        }
    }

    /// Whether no possible value satisfies the comparison.
    pub(super) fn never(self, comparison: Comparison, limit: f64) -> bool {
        match comparison {
            Comparison::AtMost => self.lowest.is_some_and(|lowest| lowest > limit),
            Comparison::Below => self.lowest.is_some_and(|lowest| lowest >= limit),
            Comparison::AtLeast => self.highest.is_some_and(|highest| highest < limit),
            Comparison::Above => self.highest.is_some_and(|highest| highest <= limit),
        }
    }

    /// What is wrong with a limit that must hold, if it decides nothing.
    pub(super) fn pointless_requirement(self, comparison: Comparison, limit: f64) -> Option<String> {
        let effect = if self.always(comparison, limit) {
            "can never fail"
        } else if self.never(comparison, limit) {
            "can never hold"
        } else {
            return None;
        };
        Some(format!("`{} {limit}` {effect}: {}", comparison.symbol(), self.describe()))
    }

    /// What is wrong with a limit whose comparison reports trouble, if it decides nothing.
    pub(super) fn pointless_alarm(self, comparison: Comparison, limit: f64) -> Option<String> {
        let effect = if self.never(comparison, limit) {
            "can never be reached"
        } else if self.always(comparison, limit) {
            "is always reached"
        } else {
            return None;
        };
        Some(format!("`{} {limit}` {effect}: {}", comparison.symbol(), self.describe()))
    }

    fn describe(self) -> String {
        match (self.lowest, self.highest) {
            (Some(lowest), Some(highest)) => format!("values lie between {lowest} and {highest}"),
            (Some(lowest), None) => format!("values are at least {lowest}"),
            (None, Some(highest)) => format!("values are at most {highest}"),
            (None, None) => "any value is possible".to_owned(),
        }
    }
}

/// Whether the comparison holds for small values.
pub(super) fn looks_down(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::AtMost | Comparison::Below)
}

/// What is wrong with a comparison that asks for the bad side of a KPI; such a gate passes what it should stop.
pub(super) fn wrong_way(kpi: KpiId, required: bool, comparison: Comparison) -> Option<String> {
    let (better, wants_down) = match kpi.direction? {
        Direction::Higher => ("higher", !required),
        Direction::Lower => ("lower", required),
    };
    if looks_down(comparison) == wants_down {
        return None;
    }
    let expected = if wants_down { "`<=` or `<`" } else { "`>=` or `>`" };
    let found = comparison.symbol();
    Some(format!("found `{found}`, but for `{}` {better} is better; expected {expected}", kpi.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_limit_fails_for_something_only_inside_its_range() {
        use Comparison::{Above, AtLeast, AtMost, Below};
        let share = Possible::SHARE;
        let pointless = |comparison, limit| share.pointless_requirement(comparison, limit).is_some();
        assert!(!pointless(AtMost, 0.999) && pointless(AtMost, 1.0) && pointless(AtMost, 1.001));
        assert!(!pointless(Below, 1.0) && pointless(Below, 1.001));
        assert!(!pointless(AtLeast, 0.001) && pointless(AtLeast, 0.0) && pointless(AtLeast, -0.001));
        assert!(!pointless(Above, 0.0) && pointless(Above, -0.001));
        // A percentage where a share belongs never holds.
        assert!(!pointless(AtLeast, 1.0) && pointless(AtLeast, 85.0) && pointless(Above, 1.0));
        assert!(!pointless(AtMost, 0.0) && pointless(AtMost, -0.001) && pointless(Below, 0.0));
    }

    #[test]
    fn without_bounds_every_limit_decides_something() {
        for comparison in [Comparison::AtMost, Comparison::AtLeast, Comparison::Below, Comparison::Above] {
            assert_eq!(Possible::ANY.pointless_requirement(comparison, -1e9), None);
            assert_eq!(Possible::ANY.pointless_alarm(comparison, 1e9), None);
        }
    }

    #[test]
    fn an_alarm_must_be_reachable_and_avoidable() {
        use Comparison::{Above, AtLeast, Below};
        let share = Possible::SHARE;
        assert_eq!(share.pointless_alarm(Above, 0.36), None);
        assert!(share.pointless_alarm(Above, 1.0).is_some());
        assert!(share.pointless_alarm(Below, 0.0).is_some());
        assert!(share.pointless_alarm(AtLeast, 0.0).is_some());
    }
}
