//! The limits on an edge report that was given by hand.

use std::collections::BTreeMap;

use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::EdgeReportRule;
use crate::core::text::number::{beside, exact, fixed, trimmed};
use crate::core::verdict::{Check, Outcome, Part, Severity, WindowUsed};

/// The totals of an edge report by key; `None` = the key is there without a usable number.
pub type Totals = BTreeMap<String, Option<f64>>;

/// Decimals of a total in a reason, where they are enough.
const DECIMALS: usize = 3;

/// Judges the totals. A metric that is not there is INVALID for its gate, never a pass.
///
/// Totals that are KPIs are read as those are: a built-in ratio above 1 is a percentage.
pub fn checks(totals: &Totals, rules: &[EdgeReportRule], kpis: &KpiTable) -> Vec<Check> {
    rules
        .iter()
        .map(|rule| {
            let found = totals.get(&rule.metric).map(|raw| raw.ok_or(None));
            let found =
                found.map(|raw| raw.and_then(|raw| in_unit(&rule.metric, raw, kpis).ok_or(Some(raw))));
            check(rule, found)
        })
        .collect()
}

/// The total in the unit of its limits; `None` when it cannot be true.
fn in_unit(metric: &str, raw: f64, kpis: &KpiTable) -> Option<f64> {
    let possible = |kpi: KpiId, scale| kpi.in_unit(raw, scale).filter(|value| kpi.is_possible(*value));
    match kpis.spelled(metric) {
        Some((id, rank)) => {
            let kpi = id;
            possible(kpi, kpi.spellings[usize::from(rank)].scale)
        }
        // Its limits are percentages.
        None if metric == "maker_share_pct" => possible(KpiId::MAKER_TAKER_RATIO, 0.01).map(|_| raw),
        None => Some(raw),
    }
}

/// `found`: the total, or the number that it cannot be, if it is a number.
fn check(rule: &EdgeReportRule, found: Option<Result<f64, Option<f64>>>) -> Check {
    let misses = |limit: f64, value: f64| rule.miss_when.holds(value, limit);
    let word = rule.miss_when.symbol();
    let (outcome, limit, reason) = match found {
        None => (Outcome::Invalid, &rule.fail, format!("`totals.{}` is not in the edge report", rule.metric)),
        Some(Err(None)) => {
            (Outcome::Invalid, &rule.fail, format!("`totals.{}` has no usable number", rule.metric))
        }
        Some(Err(Some(raw))) => {
            (Outcome::Invalid, &rule.fail, format!("`totals.{}` is {raw}, which cannot be", rule.metric))
        }
        Some(Ok(value)) if misses(rule.fail.value, value) => {
            (Outcome::Fail, &rule.fail, miss(value, word, rule.fail.value))
        }
        Some(Ok(value)) => match &rule.warn {
            Some(warn) if misses(warn.value, value) => (Outcome::Warn, warn, miss(value, word, warn.value)),
            _ => {
                let told = fixed(value, DECIMALS);
                (Outcome::Pass, &rule.fail, format!("{} is within its limits", trimmed(&told)))
            }
        },
    };
    let observed = found.and_then(Result::ok);
    Check {
        part: Part::EdgeReport,
        gate: format!("edge_report.{}", rule.metric),
        kpi: Some(rule.metric.clone()),
        symbol: None,
        severity: Severity::Hard,
        window: WindowUsed { name: "edge report".to_owned(), first: None, last: None, n: 1 },
        statistic: "total".to_owned(),
        comparison: Some(rule.miss_when.opposite()),
        limit: Some(limit.value),
        observed,
        margin: observed.map(|value| rule.miss_when.opposite().margin(value, limit.value)),
        outcome,
        reason,
        limit_source: Some(limit.source.clone()),
        joins: true,
        inference: None,
    }
}

fn miss(value: f64, word: &str, limit: f64) -> String {
    let (told, bound) = (beside(value, limit, DECIMALS), exact(limit, DECIMALS));
    format!("{} {word} {}", trimmed(&told), trimmed(&bound))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::limit;
    use super::*;
    use crate::core::verdict::Comparison;

    fn rule(miss_when: Comparison, warn: Option<f64>, fail: f64) -> EdgeReportRule {
        EdgeReportRule {
            metric: "adverse_p95".to_owned(),
            miss_when,
            warn: warn.map(limit),
            fail: limit(fail),
        }
    }

    fn judged(rule: EdgeReportRule, value: Option<f64>) -> Check {
        let totals = Totals::from([("adverse_p95".to_owned(), value)]);
        checks(&totals, &[rule], &KpiTable::default()).remove(0)
    }

    #[test]
    fn a_total_misses_a_level_only_beyond_it() {
        use Outcome::{Fail, Pass, Warn};
        for (value, outcome, limit) in
            [(3.999, Pass, 6.0), (4.0, Pass, 6.0), (4.001, Warn, 4.0), (6.0, Warn, 4.0), (6.001, Fail, 6.0)]
        {
            let check = judged(rule(Comparison::Above, Some(4.0), 6.0), Some(value));
            assert_eq!((check.outcome, check.limit), (outcome, Some(limit)), "{value}");
            assert_eq!(check.margin, Some(limit - value), "{value}");
            assert_eq!((check.comparison, check.joins), (Some(Comparison::AtMost), true));
        }
        for (value, outcome) in [(2.499, Fail), (2.5, Pass), (2.501, Pass)] {
            let check = judged(rule(Comparison::Below, None, 2.5), Some(value));
            assert_eq!((check.outcome, check.comparison), (outcome, Some(Comparison::AtLeast)), "{value}");
        }
    }

    #[test]
    fn a_reason_tells_the_total_on_its_side_of_the_limit() {
        let told = |value| judged(rule(Comparison::Above, Some(4.0), 6.0), Some(value)).reason;
        assert_eq!(told(7.5), "7.5 > 6");
        assert_eq!(told(4.0001), "4.0001 > 4");
        assert_eq!(told(3.25), "3.25 is within its limits");
    }

    #[test]
    fn a_total_that_is_not_there_or_no_number_is_invalid() {
        let absent = checks(&Totals::new(), &[rule(Comparison::Above, Some(4.0), 6.0)], &KpiTable::default())
            .remove(0);
        assert_eq!(absent.outcome, Outcome::Invalid);
        assert_eq!(absent.reason, "`totals.adverse_p95` is not in the edge report");
        let unusable = judged(rule(Comparison::Above, Some(4.0), 6.0), None);
        assert_eq!(unusable.outcome, Outcome::Invalid);
        assert_eq!(unusable.reason, "`totals.adverse_p95` has no usable number");
        assert_eq!((unusable.observed, unusable.margin), (None, None));
        // Zero is a value, and a share above 1 is none.
        let of = |metric: &str, value| {
            let rule = EdgeReportRule { metric: metric.to_owned(), ..rule(Comparison::Below, None, 0.5) };
            let totals = Totals::from([(metric.to_owned(), Some(value))]);
            let check = checks(&totals, &[rule], &KpiTable::default()).remove(0);
            (check.outcome, check.observed, check.reason)
        };
        let (outcome, observed, reason) = of("maker_share_pct", 101.5);
        assert_eq!((outcome, observed), (Outcome::Invalid, None));
        assert_eq!(reason, "`totals.maker_share_pct` is 101.5, which cannot be");
        assert_eq!(of("maker_share_pct", 100.0).1, Some(100.0));
        assert_eq!(of("cancel_ratio", 40.0).1, Some(0.4), "a percentage");
        assert_eq!(of("cancel_ratio", 101.5).0, Outcome::Invalid);
        assert_eq!(of("p95_latency_ms", -1.0).0, Outcome::Invalid);
        assert_eq!(judged(rule(Comparison::Below, None, 2.5), Some(0.0)).outcome, Outcome::Fail);
    }
}
