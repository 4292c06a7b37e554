//! The explanation ladder of a check, as it stands in every JSON result.

use serde::Serialize;

use crate::core::verdict::{Check, Inference, LimitSource, Outcome, Part, Severity, WindowUsed};

/// One decision with everything needed to redo it by hand.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Ladder {
    /// The part of the judgement it belongs to.
    pub part: Part,
    /// Name of the gate.
    pub gate: String,
    /// Canonical name of the KPI; null where the gate is about something else.
    pub kpi: Option<String>,
    /// Symbol judged; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// `hard` or `soft`.
    pub severity: Severity,
    /// The iterations looked at.
    pub window: WindowUsed,
    /// What was computed from them.
    pub statistic: String,
    /// What must hold between observed and limit: `<=`, `>=`, `<`, `>`; null for yes/no gates.
    pub comparison: Option<String>,
    /// The limit in force.
    pub limit: Option<f64>,
    /// What was seen, unrounded; null when there was nothing to see.
    pub observed: Option<f64>,
    /// Signed distance to the limit, positive = room.
    pub margin: Option<f64>,
    /// What follows.
    pub outcome: Outcome,
    /// One sentence: why.
    pub reason: String,
    /// Key and origin of the limit.
    pub limit_source: Option<LimitSource>,
    /// Whether the outcome takes part in the verdict.
    pub joins: bool,
    /// How sure the decision is; null where it is a matter of counting and comparing.
    pub inference: Option<Inference>,
}

impl From<&Check> for Ladder {
    fn from(check: &Check) -> Self {
        Self {
            part: check.part,
            gate: check.gate.clone(),
            kpi: check.kpi.clone(),
            symbol: check.symbol.clone(),
            severity: check.severity,
            window: check.window.clone(),
            statistic: check.statistic.clone(),
            comparison: check.comparison.map(|comparison| comparison.symbol().to_owned()),
            limit: check.limit,
            observed: check.observed,
            margin: check.margin,
            outcome: check.outcome,
            reason: check.reason.clone(),
            limit_source: check.limit_source.clone(),
            joins: check.joins,
            inference: check.inference.clone(),
        }
    }
}
