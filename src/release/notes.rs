//! The numbers of a bundle's texts: KPIs, goals, guards, parameters, limits of the canary. They are recorded in its
//! manifest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::canary::criteria::{CanaryCriteria, CanaryNote, Criterion};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::ParamValues;
use crate::core::kpi::KpiId;
use crate::core::policy::{Policy, Profile};
use crate::core::text::number::{TOLERANCE, round_half_even};
use crate::core::verdict::{Check, Outcome, Part, WindowUsed};
use crate::stats::Summary;

/// A KPI over the window; null = unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KpiNote {
    /// Decimals, where the policy asks for more than the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<usize>,
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

/// Decimals of a value where the policy asks for no more.
const DIGITS: usize = 3;

impl KpiNote {
    /// Decimals that the texts show.
    pub(crate) fn decimals(&self) -> usize {
        self.digits.unwrap_or(DIGITS)
    }
}

/// A goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoalNote {
    /// `>=`, `<=`, `<`, `>`.
    pub comparison: String,
    /// Canonical name.
    pub kpi: String,
    /// What is required.
    pub limit: f64,
    /// What was seen; null = unknown.
    pub observed: Option<f64>,
    /// PASS is met.
    pub outcome: Outcome,
    /// Of what.
    pub statistic: String,
}

/// A guard that acted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardNote {
    /// Its name.
    pub guard: String,
    /// In how many iterations of the run it acted.
    pub iterations: usize,
    /// The first of them.
    pub first: Vec<u64>,
    /// In how many iterations of the window.
    pub in_window: usize,
}

/// A parameter that the run changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParamNote {
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
pub(crate) struct SymbolNotes {
    /// Iterations in which changes were applied.
    pub applied: usize,
    /// Goals.
    pub goals: Vec<GoalNote>,
    /// Guards that acted in the run.
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

/// The numbers of the texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notes {
    /// Limits of the canary, by hour.
    pub canary: Vec<CanaryNote>,
    /// Parameters that the run changed, by name.
    pub parameters: Vec<ParamNote>,
    /// One entry a symbol.
    pub symbols: Vec<SymbolNotes>,
}

/// Iterations of a guard that are listed one by one.
const LISTED: usize = 10;

/// The KPIs of the texts of the trading bot, in their order.
const KPIS: [KpiId; 7] = [
    KpiId::MAKER_TAKER_RATIO,
    KpiId::P95_LATENCY_MS,
    KpiId::RISK_RATIO,
    KpiId::NET_BPS,
    KpiId::ADVERSE_BPS_P95,
    KpiId::SLIPPAGE_BPS_P95,
    KpiId::CANCEL_RATIO,
];

impl Notes {
    /// The notes of an analysis that looked at everything.
    pub(crate) fn of(analysis: &Analysis, policy: &Policy, profile: &ParamValues) -> Self {
        let note = |after_hours, limit: Criterion| CanaryNote {
            after_hours,
            basis: limit.basis,
            comparison: limit.comparison.symbol().to_owned(),
            kpi: limit.metric,
            limit: limit.limit,
        };
        let canary = CanaryCriteria::of_soak(policy, analysis).checkpoints.into_iter();
        Self {
            canary: canary
                .flat_map(|at| at.limits.into_iter().map(move |limit| note(at.after_hours, limit)))
                .collect(),
            parameters: parameters(analysis, policy, profile),
            symbols: analysis.symbols.iter().map(|symbol| symbol_notes(analysis, symbol)).collect(),
        }
    }

    /// Goals that are met, and all of them.
    pub(crate) fn goals(&self) -> (usize, usize) {
        (
            self.symbols.iter().map(SymbolNotes::goals_met).sum(),
            self.symbols.iter().map(|symbol| symbol.goals.len()).sum(),
        )
    }
}

impl SymbolNotes {
    pub(crate) fn goals_met(&self) -> usize {
        self.goals.iter().filter(|goal| goal.outcome == Outcome::Pass).count()
    }
}

/// The KPIs of the texts: those of the verdict; the trading bot has more of its own, in an order of their own.
fn kpis(analysis: &Analysis) -> Vec<KpiId> {
    let of_bot = if analysis.profile == Profile::Trading { &KPIS[..] } else { &[] };
    let others = analysis.kpis.iter().filter(|kpi| !of_bot.contains(kpi));
    of_bot.iter().chain(others).copied().collect()
}

fn symbol_notes(analysis: &Analysis, symbol: &SymbolAnalysis) -> SymbolNotes {
    let series = analysis.series(symbol);
    let kpi_note = |kpi: KpiId| {
        let stats = symbol.last_kpi(kpi);
        let summary = stats.and_then(|stats| stats.summary);
        let rounded = |value: fn(&Summary) -> f64| summary.as_ref().map(|of| round_half_even(value(of), 6));
        KpiNote {
            digits: kpi.digits.filter(|digits| *digits > DIGITS),
            kpi: kpi.name.to_owned(),
            max: rounded(|of| of.max),
            mean: rounded(|of| of.mean),
            median: rounded(|of| of.median),
            min: rounded(|of| of.min),
            trend: stats.and_then(|stats| stats.trend).map(|trend| trend.word.word().to_owned()),
            unit: kpi.unit.symbol().to_owned(),
        }
    };
    let goal = |check: &Check| {
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
        kpis: kpis(analysis).into_iter().map(kpi_note).collect(),
        symbol: symbol.symbol.clone(),
        window: symbol.last.used(),
    }
}

/// A freeze is seen in more than the guard's own flag.
fn guard_note(analysis: &Analysis, symbol: &SymbolAnalysis, guard: Guard) -> Option<GuardNote> {
    let rows = analysis.series(symbol).rows().iter();
    let acted: Vec<u64> =
        rows.filter(|row| row.tuning.spoke().contains(guard)).map(|row| row.number).collect();
    (!acted.is_empty()).then(|| GuardNote {
        guard: guard.word().to_owned(),
        iterations: acted.len(),
        in_window: acted.iter().filter(|number| **number >= symbol.last.from).count(),
        first: acted.into_iter().take(LISTED).collect(),
    })
}

/// What differs between the first iteration and the released profile.
fn parameters(analysis: &Analysis, policy: &Policy, profile: &ParamValues) -> Vec<ParamNote> {
    let start = analysis.evidence.series.iter().find_map(|series| series.rows().first()?.overrides.clone());
    let Some(start) = start.filter(|start| !start.is_empty()) else { return Vec::new() };
    let names: BTreeSet<_> = start.iter().chain(profile.iter()).map(|(name, _)| name).collect();
    let differs = |from: Option<f64>, to: Option<f64>| match (from, to) {
        (Some(from), Some(to)) => (from - to).abs() > TOLERANCE,
        (from, to) => from.is_some() != to.is_some(),
    };
    let rounded = |value: f64| round_half_even(value, 9);
    names
        .into_iter()
        .map(|name| (name, start.get(name), profile.get(name)))
        .filter(|(_, from, to)| differs(*from, *to))
        .map(|(name, from, to)| ParamNote {
            from: from.map(rounded),
            param: name.to_string(),
            to: to.map(rounded),
            unit: policy.run.parameters.get(name).map(|parameter| parameter.unit.clone()).unwrap_or_default(),
        })
        .collect()
}
