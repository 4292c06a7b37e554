//! What `compare history --format json` prints: the runs below a folder, oldest first. The other formats show the
//! same value.
//!
//! Must not judge; the analysis did.

use std::collections::BTreeMap;

use serde::Serialize;

use super::provenance::Provenance;
use crate::core::analysis::limits_word;
use crate::core::compare::Side;
use crate::core::policy::{KpiRule, Policy};
use crate::core::spark::{Glyphs, sparkline};
use crate::core::verdict::{Outcome, WindowUsed};

/// Columns that a sparkline may take.
const WIDTH: usize = 60;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct HistoryRun {
    /// Its folder, relative to the one asked for.
    pub path: String,
    /// When it began, RFC 3339: what it declared, else the first time in its data; null when nothing says so.
    pub start: Option<String>,
    /// Where its data came from; null when nothing says so.
    pub source: Option<String>,
    /// The true verdict of its last window.
    pub verdict: Outcome,
    /// The main reason of the verdict.
    pub reason: String,
    /// The symbol that decides, and whose numbers stand here; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The iterations looked at.
    pub window: WindowUsed,
    /// Medians over the window of the KPIs that the policy limits or declares and any run has, unrounded; null =
    /// unknown.
    pub medians: BTreeMap<String, Option<f64>>,
}

impl HistoryRun {
    /// The medians of a side, by the names of the KPIs.
    pub fn medians(side: &Side, policy: &Policy) -> BTreeMap<String, Option<f64>> {
        let named = policy.compare.kpis.iter().zip(side);
        named.map(|(rule, measured)| (rule.kpi.name.to_owned(), measured.median)).collect()
    }
}

/// One KPI over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct HistoryTrend {
    /// Canonical name.
    pub kpi: String,
    /// Unit; empty for ratios.
    pub unit: String,
    /// The medians as a line of characters, oldest first; of many runs smallest and largest of each stretch.
    pub sparkline: String,
    /// The oldest known median; null when none is known.
    pub first: Option<f64>,
    /// The newest known median; null when none is known.
    pub last: Option<f64>,
}

/// The history.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct HistoryResult {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// `production` or `mock`: which limits made the verdicts.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: String,
    /// The folder asked for.
    pub path: String,
    /// Runs that are there.
    pub found: usize,
    /// The runs shown, oldest first; those whose start is unknown come before all others.
    pub runs: Vec<HistoryRun>,
    /// The KPIs of the runs, by name.
    pub trends: Vec<HistoryTrend>,
}

impl HistoryResult {
    /// The history of these runs, which are in order.
    pub fn of(
        (path, found, mut runs): (String, usize, Vec<HistoryRun>),
        policy: &Policy,
        mock: bool,
        glyphs: Glyphs,
        provenance: &Provenance,
    ) -> Self {
        let is_shown = |rule: &&KpiRule| {
            let median = |run: &HistoryRun| run.medians.get(rule.kpi.name).copied().flatten();
            rule.required || runs.iter().any(|run| median(run).is_some())
        };
        let mut shown: Vec<&KpiRule> = policy.compare.kpis.iter().filter(is_shown).collect();
        shown.sort_by_key(|rule| rule.kpi.name);
        for run in &mut runs {
            run.medians.retain(|name, _| shown.iter().any(|rule| rule.kpi.name == name));
        }
        let trend = |rule: &&KpiRule| {
            let kpi = rule.kpi;
            let medians: Vec<Option<f64>> =
                runs.iter().map(|run| run.medians.get(kpi.name).copied().flatten()).collect();
            HistoryTrend {
                kpi: kpi.name.to_owned(),
                unit: kpi.unit.symbol().to_owned(),
                sparkline: sparkline(&medians, WIDTH, glyphs),
                first: medians.iter().copied().flatten().next(),
                last: medians.iter().rev().copied().flatten().next(),
            }
        };
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            limits: limits_word(mock).to_owned(),
            path,
            found,
            trends: shown.iter().map(trend).collect(),
            runs,
        }
    }
}
