//! The numbers that the texts of a bundle tell: KPIs, goals, guards, parameters. They stand in its manifest.

use serde::{Deserialize, Serialize};

use super::canary::{self, ResolvedCheckpoint};
use crate::core::analysis::{Analysis, SymbolAnalysis, statistic};
use crate::core::guards::Guard;
use crate::core::kpi::KpiId;
use crate::core::number::round_half_even;
use crate::core::params::ParamValues;
use crate::core::policy::Policy;
use crate::core::verdict::{Outcome, Part, WindowUsed};

/// A KPI over the window; null = unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KpiNote {
    /// Canonical name.
    pub kpi: String,
    /// Largest value.
    pub max: Option<f64>,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// `up`, `down`, `flat`; null with too few values.
    pub trend: Option<String>,
    /// Unit; empty for ratios.
    pub unit: String,
}

/// A goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalNote {
    /// `>=`, `<=`, `<`, `>`.
    pub comparison: String,
    /// Canonical name.
    pub kpi: String,
    /// What is asked for.
    pub limit: f64,
    /// What was seen; null = unknown.
    pub observed: Option<f64>,
    /// PASS is met.
    pub outcome: Outcome,
    /// Of what.
    pub statistic: String,
}

/// A guard that spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardNote {
    /// Its name.
    pub guard: String,
    /// In how many iterations of the run it spoke.
    pub iterations: usize,
    /// The first of them.
    pub first: Vec<u64>,
    /// In how many iterations of the window.
    pub in_window: usize,
}

/// A parameter that the run changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamNote {
    /// Value during the first iteration; null = unknown.
    pub from: Option<f64>,
    /// Flat name.
    pub param: String,
    /// Value in the released profile; null = not in it.
    pub to: Option<f64>,
    /// Unit, as the policy has it; empty when it does not.
    pub unit: String,
}

/// One symbol, or the run where it is not per symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SymbolNotes {
    /// Iterations in which changes were applied.
    pub applied: usize,
    /// Goals.
    pub goals: Vec<GoalNote>,
    /// Guards that spoke in the run.
    pub guards: Vec<GuardNote>,
    /// Usable iterations.
    pub iterations: usize,
    /// KPIs.
    pub kpis: Vec<KpiNote>,
    /// The symbol; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The window.
    pub window: WindowUsed,
}

/// A limit of the canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryNote {
    /// Hours after the start of the canary.
    pub after_hours: f64,
    /// Where the limit comes from.
    pub basis: String,
    /// `>=`, `<=`, `<`, `>`.
    pub comparison: String,
    /// Canonical name.
    pub kpi: String,
    /// The limit; null when it cannot be said.
    pub limit: Option<f64>,
}

/// Everything that texts tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// Limits of the canary, by hour.
    pub canary: Vec<CanaryNote>,
    /// Parameters that the run changed, by name.
    pub parameters: Vec<ParamNote>,
    /// One entry a symbol.
    pub symbols: Vec<SymbolNotes>,
}

/// Iterations of a guard that are told one by one.
const TOLD: usize = 10;

/// Decimals of numbers.
const DECIMALS: usize = 6;

impl Notes {
    /// The notes of an analysis that looked at everything.
    pub fn of(analysis: &Analysis, policy: &Policy, profile: &ParamValues) -> Self {
        let worst = analysis.worst();
        let measured = |kpi, of| worst.last_kpi(kpi).and_then(|stats| statistic(stats, of));
        let canary = canary::resolve(&policy.release.canary, worst.last.len(), measured);
        Self {
            canary: canary.iter().flat_map(canary_notes).collect(),
            parameters: parameters(analysis, policy, profile),
            symbols: analysis.symbols.iter().map(|symbol| symbol_notes(analysis, symbol)).collect(),
        }
    }

    /// Goals that are met, and all of them.
    pub fn goals(&self) -> (usize, usize) {
        let all = || self.symbols.iter().flat_map(|symbol| &symbol.goals);
        (all().filter(|goal| goal.outcome == Outcome::Pass).count(), all().count())
    }
}

fn canary_notes(checkpoint: &ResolvedCheckpoint) -> impl Iterator<Item = CanaryNote> + '_ {
    checkpoint.limits.iter().map(|limit| CanaryNote {
        after_hours: checkpoint.after_hours,
        basis: limit.basis.clone(),
        comparison: limit.comparison.symbol().to_owned(),
        kpi: limit.kpi.name.to_owned(),
        limit: limit.limit,
    })
}

fn symbol_notes(analysis: &Analysis, symbol: &SymbolAnalysis) -> SymbolNotes {
    let series = analysis.series(symbol);
    let rounded = |value: f64| round_half_even(value, DECIMALS);
    let told = [
        KpiId::MAKER_TAKER_RATIO,
        KpiId::P95_LATENCY_MS,
        KpiId::RISK_RATIO,
        KpiId::NET_BPS,
        KpiId::ADVERSE_BPS_P95,
        KpiId::SLIPPAGE_BPS_P95,
        KpiId::CANCEL_RATIO,
    ];
    let kpi_note = |kpi: KpiId| {
        let stats = symbol.last_kpi(kpi);
        let summary = stats.and_then(|stats| stats.summary);
        KpiNote {
            kpi: kpi.name.to_owned(),
            max: summary.map(|summary| rounded(summary.max)),
            mean: summary.map(|summary| rounded(summary.mean)),
            median: summary.map(|summary| rounded(summary.median)),
            min: summary.map(|summary| rounded(summary.min)),
            trend: stats.and_then(|stats| stats.trend).map(|trend| trend.word.word().to_owned()),
            unit: kpi.unit.symbol().to_owned(),
        }
    };
    let goal = |check: &crate::core::verdict::Check| {
        Some(GoalNote {
            comparison: check.comparison?.symbol().to_owned(),
            kpi: check.kpi.clone()?,
            limit: check.limit?,
            observed: check.observed,
            outcome: check.outcome,
            statistic: check.statistic.clone(),
        })
    };
    SymbolNotes {
        applied: series.rows().iter().filter(|row| row.tuning.applied == Some(true)).count(),
        goals: symbol.checks.iter().filter(|check| check.part == Part::Goals).filter_map(goal).collect(),
        guards: Guard::ALL
            .into_iter()
            .filter(|guard| *guard != Guard::NoOp) // which says that there was nothing to do
            .filter_map(|guard| guard_note(analysis, symbol, guard))
            .collect(),
        iterations: series.len(),
        kpis: told.into_iter().map(kpi_note).collect(),
        symbol: symbol.symbol.clone(),
        window: symbol.last.used(),
    }
}

/// A freeze is seen in more than the guard's own flag.
fn guard_note(analysis: &Analysis, symbol: &SymbolAnalysis, guard: Guard) -> Option<GuardNote> {
    let spoke: Vec<u64> = analysis
        .series(symbol)
        .rows()
        .iter()
        .filter(|row| row.tuning.spoke().contains(guard))
        .map(|row| row.number)
        .collect();
    (!spoke.is_empty()).then(|| GuardNote {
        guard: guard.word().to_owned(),
        iterations: spoke.len(),
        in_window: spoke.iter().filter(|number| **number >= symbol.last.from).count(),
        first: spoke.into_iter().take(TOLD).collect(),
    })
}

/// What differs between the first iteration and the released profile.
fn parameters(analysis: &Analysis, policy: &Policy, profile: &ParamValues) -> Vec<ParamNote> {
    let start = analysis.evidence.series.iter().find_map(|series| series.rows().first()?.overrides.clone());
    let empty = ParamValues::default();
    let start = start.as_deref().unwrap_or(&empty);
    let names: std::collections::BTreeSet<_> =
        start.iter().map(|(name, _)| name).chain(profile.iter().map(|(name, _)| name)).collect();
    let differs = |from: Option<f64>, to: Option<f64>| match (from, to) {
        (Some(from), Some(to)) => (from - to).abs() > crate::core::number::TOLERANCE,
        (from, to) => from.is_some() != to.is_some(),
    };
    let is_known = !start.is_empty();
    names
        .into_iter()
        .map(|name| (name, start.get(name), profile.get(name)))
        .filter(|(_, from, to)| is_known && differs(*from, *to))
        .map(|(name, from, to)| ParamNote {
            from: from.map(|value| round_half_even(value, 9)),
            param: name.to_string(),
            to: to.map(|value| round_half_even(value, 9)),
            unit: policy.run.parameters.get(name).map(|parameter| parameter.unit.clone()).unwrap_or_default(),
        })
        .collect()
}
