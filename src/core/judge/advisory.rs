//! Advisory checks on single iterations: violations and anomalies. They join the verdict only where the
//! policy says `gates = true`.

use super::{count, list_numbers};
use crate::core::policy::Policy;
use crate::core::series::Series;
use crate::core::series::anomalies::Anomaly;
use crate::core::series::ranges::Ranges;
use crate::core::series::window::Window;
use crate::core::verdict::violations::Violations;
use crate::core::verdict::{Check, Comparison, Outcome, Part, Severity};

/// One check a KPI: no CRIT, no WARN.
pub fn violations(series: &Series, found: &Violations, policy: &Policy, numbers: &Ranges) -> Vec<Check> {
    let rules = &policy.violations;
    let window = Window::find(series, rules.window, &policy.windows, numbers);
    rules
        .rules
        .iter()
        .map(|rule| {
            let name = rule.kpi.name;
            let counts = found.by_kpi.iter().find(|counts| counts.kpi == rule.kpi);
            let (crit, warn) = counts.map_or((0, 0), |counts| (counts.crit, counts.warn));
            let (outcome, reason) = if counts.is_none_or(|counts| counts.no_data) {
                (Outcome::Warn, format!("`{name}` has no value to look at"))
            } else if crit > 0 {
                (
                    Outcome::Fail,
                    format!("`{name}` is CRIT in {} and WARN in {warn}", count(crit, "iteration")),
                )
            } else if warn > 0 {
                (Outcome::Warn, format!("`{name}` is WARN in {}", count(warn, "iteration")))
            } else {
                (Outcome::Pass, format!("`{name}` stays within WARN and CRIT"))
            };
            Check {
                part: Part::Violations,
                gate: format!("violations.{name}"),
                kpi: Some(name.to_owned()),
                symbol: series.symbol.clone(),
                severity: Severity::Hard,
                window: window.used(),
                statistic: "iterations beyond CRIT".to_owned(),
                comparison: Some(Comparison::AtMost),
                limit: Some(0.0),
                observed: Some(crit as f64),
                margin: Some(0.0 - crit as f64),
                outcome,
                reason,
                limit_source: Some(rule.crit.source.clone()),
                joins: rules.gates,
                inference: None,
            }
        })
        .collect()
}

/// One check: no anomaly in the last-n window.
pub fn anomalies(series: &Series, window: &Window, found: &[Anomaly], policy: &Policy) -> Check {
    let mut iterations: Vec<u64> = found.iter().map(|anomaly| anomaly.iteration).collect();
    iterations.dedup();
    let (outcome, reason) = match found.len() {
        0 if window.used().n == 0 => (Outcome::NotApplicable, "there is no iteration to look at".to_owned()),
        0 => (Outcome::Pass, "no spike, jump or drop".to_owned()),
        n => {
            let noun = if n == 1 { "anomaly" } else { "anomalies" };
            (Outcome::Warn, format!("{n} {noun} in iteration {}", list_numbers(&iterations)))
        }
    };
    Check {
        part: Part::Anomalies,
        gate: "anomalies.count".to_owned(),
        kpi: None,
        symbol: series.symbol.clone(),
        severity: Severity::Soft,
        window: window.used(),
        statistic: "count".to_owned(),
        comparison: Some(Comparison::AtMost),
        limit: Some(0.0),
        observed: Some(found.len() as f64),
        margin: Some(0.0 - found.len() as f64),
        outcome,
        reason,
        limit_source: Some(policy.anomalies.latency_spike.source.clone()),
        joins: policy.anomalies.gates,
        inference: None,
    }
}
