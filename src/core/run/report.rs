//! The 72-hour report: the metrics of a run held against the run gates of the policy.
//!
//! A metric that nobody delivered is INVALID for its gate, never 0 and never a pass. Computes no metric; that
//! is done in [`super::metrics`].

use super::metrics::RunMetrics;
use crate::core::judge::count;
use crate::core::number::{beside, distance, exact, trimmed};
use crate::core::policy::RunGate;
use crate::core::verdict::{Check, Outcome, Part, Severity, WindowUsed, join};

/// Decimals of numbers in reasons, where they are enough.
const DECIMALS: usize = 4;

/// The report on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// The metrics.
    pub metrics: RunMetrics,
    /// One check a gate, in the order of the policy. `kpi` holds the name of the metric.
    pub checks: Vec<Check>,
    /// The worst of them and of the verdict on the folder; INVALID when there is no gate.
    pub outcome: Outcome,
    /// The verdict of `gate` on the folder and its main reason; `None` where it was not judged.
    pub gate: Option<(Outcome, String)>,
}

impl RunReport {
    /// Holds the metrics against the gates.
    pub fn judge(metrics: RunMetrics, gates: &[RunGate]) -> Self {
        let checks: Vec<Check> = gates.iter().map(|gate| check(gate, &metrics)).collect();
        let outcome = join(&checks);
        Self { metrics, checks, outcome, gate: None }
    }

    /// The same beside the verdict of `gate`: the report may be worse than it, never better.
    #[must_use]
    pub fn beside(self, outcome: Outcome, reason: String) -> Self {
        Self { outcome: self.outcome.max(outcome), gate: Some((outcome, reason)), ..self }
    }

    /// The verdict of `gate` and its reason, where nothing else makes the report as bad as it is.
    pub fn decided_by_the_gate(&self) -> Option<&(Outcome, String)> {
        let own = self.of_the_gates();
        self.gate.as_ref().filter(|(gate, _)| *gate > own)
    }

    /// The worst of the run gates alone, which decide how `soak run` exits.
    pub fn of_the_gates(&self) -> Outcome {
        join(&self.checks)
    }

    /// Whether a hard gate is missed or could not be judged.
    pub fn misses_a_hard_gate(&self) -> bool {
        self.checks.iter().any(|check| check.severity == Severity::Hard && !check.outcome.is_acceptable())
    }

    /// The checks that make the outcome what it is, worst first; empty on PASS.
    pub fn reasons(&self) -> Vec<&Check> {
        let mut reasons: Vec<&Check> =
            self.checks.iter().filter(|check| check.outcome > Outcome::Pass).collect();
        reasons.sort_by_key(|check| std::cmp::Reverse(check.outcome));
        reasons
    }

    /// The main reason in one sentence.
    pub fn reason(&self) -> String {
        if self.metrics.collected() == 0 {
            return match self.metrics.iterations {
                0 => "no iteration was completed".to_owned(),
                n => format!("nothing was collected: {} failed", count(n, "collection")),
            };
        }
        if let Some((gate, reason)) = self.decided_by_the_gate() {
            return format!("the verdict of `soak gate` is {gate}: {reason}");
        }
        if self.checks.is_empty() {
            return "no run gate is in force".to_owned();
        }
        self.reasons().first().map_or_else(
            || format!("all {} hold", count(self.checks.len(), "run gate")),
            |check| format!("{}: {}", check.gate, check.reason),
        )
    }
}

fn check(gate: &RunGate, metrics: &RunMetrics) -> Check {
    let limit = gate.limit.value;
    let metric = metrics.get(&gate.metric);
    let observed = metric.and_then(|metric| metric.value);
    let n = metric.map_or(0, |metric| metric.n);
    let statistic = metric.map_or("value", |metric| metric.rule.word());
    let margin = observed.map(|value| gate.comparison.margin(value, limit));
    let bound = format!("{} {}", gate.comparison.symbol(), trimmed(&exact(limit, DECIMALS)));
    let (outcome, reason) = match observed {
        None => (Outcome::Invalid, nothing_to_see(gate, metrics)),
        Some(value) => {
            let seen = beside(value, limit, DECIMALS);
            let told = format!("{statistic} {} of {}", trimmed(&seen), count(n, "iteration"));
            if gate.comparison.holds(value, limit) {
                (Outcome::Pass, format!("{told} meets {bound}"))
            } else {
                let by = distance(gate.comparison.margin(value, limit), DECIMALS);
                (gate.severity.of_a_miss(), format!("{told} misses {bound} by {}", trimmed(&by)))
            }
        }
    };
    Check {
        part: Part::RunGates,
        gate: format!("run_gates.{}", gate.name),
        kpi: Some(gate.metric.clone()),
        symbol: None,
        severity: gate.severity,
        window: WindowUsed { name: "run".to_owned(), first: metrics.first, last: metrics.last, n },
        statistic: statistic.to_owned(),
        comparison: Some(gate.comparison),
        limit: Some(limit),
        observed,
        margin,
        outcome,
        reason,
        limit_source: Some(gate.limit.source.clone()),
        joins: true,
        inference: None,
    }
}

/// Why a gate has no value.
fn nothing_to_see(gate: &RunGate, metrics: &RunMetrics) -> String {
    let name = &gate.metric;
    if metrics.get(name).is_none() {
        let known: Vec<&str> = metrics.metrics.iter().map(|metric| metric.name).collect();
        return format!("`{name}` is no metric of a run; there are {}", known.join(", "));
    }
    let of = count(metrics.iterations, "iteration");
    let failed = match metrics.failed {
        0 => String::new(),
        n => format!(" ({} failed)", count(n, "collection")),
    };
    let impossible = match metrics.impossible {
        0 => String::new(),
        n => format!("; {} that cannot be true left out", count(n, "delivered value")),
    };
    format!("`{name}` was not delivered in any of {of}{failed}{impossible}")
}

#[cfg(test)]
mod tests;
