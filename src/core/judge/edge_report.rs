//! The limits on an edge report that was given by hand.

use std::collections::BTreeMap;

use crate::core::number::fixed;
use crate::core::policy::EdgeReportRule;
use crate::core::verdict::{Check, Outcome, Part, Severity, WindowUsed};

/// The totals of an edge report by key; `None` = the key is there without a usable number.
pub type Totals = BTreeMap<String, Option<f64>>;

/// Judges the totals. A metric that is not there is INVALID for its gate, never a pass.
pub fn checks(totals: &Totals, rules: &[EdgeReportRule]) -> Vec<Check> {
    rules.iter().map(|rule| check(rule, totals.get(&rule.metric))).collect()
}

fn check(rule: &EdgeReportRule, found: Option<&Option<f64>>) -> Check {
    let misses = |limit: f64, value: f64| rule.miss_when.holds(value, limit);
    let word = rule.miss_when.symbol();
    let (outcome, limit, reason) = match found {
        None => (Outcome::Invalid, &rule.fail, format!("`totals.{}` is not in the edge report", rule.metric)),
        Some(None) => {
            (Outcome::Invalid, &rule.fail, format!("`totals.{}` has no usable number", rule.metric))
        }
        Some(Some(value)) if misses(rule.fail.value, *value) => {
            let reason = format!("{} {word} {}", short(*value), short(rule.fail.value));
            (Outcome::Fail, &rule.fail, reason)
        }
        Some(Some(value)) => match &rule.warn {
            Some(warn) if misses(warn.value, *value) => {
                (Outcome::Warn, warn, format!("{} {word} {}", short(*value), short(warn.value)))
            }
            _ => (Outcome::Pass, &rule.fail, format!("{} is within its limits", short(*value))),
        },
    };
    let observed = found.copied().flatten();
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
    }
}

fn short(value: f64) -> String {
    let text = fixed(value, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
