//! What is known about one symbol, as the analysis document tells it.

use serde::Serialize;

use super::tuning::{AnomalyBlock, DeltaBlock, GuardWindows, RecommendationRow, SignatureBlock};
use super::{CourseBlock, DriftRow, LISTED, WindowBlock};
use crate::core::analysis::SymbolAnalysis;
use crate::core::anomalies::AnomalyKind;
use crate::core::edge::{Component, EdgeDecomposition};
use crate::core::judge::passes::Passes;
use crate::core::series::Series;
use crate::core::verdict::Outcome;
use crate::core::violations::{Level, Violations};
use crate::wire::check::Ladder;

/// Passes and freezes in the window of the run verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct PassBlock {
    /// Iterations that pass.
    pub passing: usize,
    /// Iterations in the window.
    pub n: usize,
    /// Passes that PASS asks for.
    pub needed: usize,
    /// Passes that WARN asks for.
    pub needed_for_warn: usize,
    /// The first 1000 numbers that do not pass.
    pub failing: Vec<u64>,
    /// How many do not pass.
    pub failing_total: usize,
    /// The first 1000 numbers with a freeze.
    pub freezes: Vec<u64>,
    /// How many have a freeze.
    pub freezes_total: usize,
}

impl PassBlock {
    fn of(passes: &Passes) -> Self {
        let first = |numbers: &[u64]| numbers.iter().take(LISTED).copied().collect();
        Self {
            passing: passes.passing,
            n: passes.n,
            needed: passes.needed,
            needed_for_warn: passes.needed_for_warn,
            failing: first(&passes.failing),
            failing_total: passes.failing.len(),
            freezes: first(&passes.freezes),
            freezes_total: passes.freezes.len(),
        }
    }
}

/// A value that stands out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AnomalyRow {
    /// Number of the iteration.
    pub iteration: u64,
    /// What stands out.
    pub kind: AnomalyKind,
    /// The value, in the KPI's unit.
    pub value: f64,
    /// Difference to the iteration before; null except for jumps.
    pub delta: Option<f64>,
    /// The limit.
    pub limit: f64,
}

/// WARN and CRIT of one KPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct KpiViolationsRow {
    /// Canonical name of the KPI.
    pub kpi: String,
    /// Number of WARN, the one for missing data included.
    pub warn: usize,
    /// Number of CRIT.
    pub crit: usize,
    /// Whether the KPI has no value in the whole window.
    pub no_data: bool,
}

/// A value beyond a limit, or a KPI without any value.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ViolationRow {
    /// Number of the iteration; null when it is about the whole window.
    pub iteration: Option<u64>,
    /// Canonical name of the KPI.
    pub kpi: String,
    /// How bad.
    pub level: Level,
    /// The value; null when the KPI has none in the whole window.
    pub value: Option<f64>,
    /// The limit of this level; null when the KPI has no value in the whole window.
    pub limit: Option<f64>,
}

/// WARN and CRIT per iteration.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ViolationBlock {
    /// Counts, one entry a rule.
    pub by_kpi: Vec<KpiViolationsRow>,
    /// At most 1000 violations, CRIT before WARN.
    pub listed: Vec<ViolationRow>,
    /// Violations that are counted and not listed.
    pub unlisted: usize,
}

impl ViolationBlock {
    fn of(found: &Violations) -> Self {
        let counts = found.by_kpi.iter().map(|counts| KpiViolationsRow {
            kpi: counts.kpi.name.to_owned(),
            warn: counts.warn,
            crit: counts.crit,
            no_data: counts.no_data,
        });
        let listed = found.listed.iter().map(|violation| ViolationRow {
            iteration: violation.iteration,
            kpi: violation.kpi.name.to_owned(),
            level: violation.level,
            value: violation.value,
            limit: violation.limit,
        });
        Self { by_kpi: counts.collect(), listed: listed.collect(), unlisted: found.unlisted() }
    }
}

/// A component of the edge over the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ComponentRow {
    /// Its mean, bps; null when no iteration tells it.
    pub mean: Option<f64>,
    /// Iterations that tell it.
    pub n: usize,
}

impl From<Component> for ComponentRow {
    fn from(component: Component) -> Self {
        Self { mean: component.mean, n: component.n }
    }
}

/// What a component does to the net edge.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ContributionRow {
    /// Canonical name of the component.
    pub kpi: String,
    /// Its share, bps; costs count negative.
    pub value: f64,
}

/// A cost that the source named as driver of a negative edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DriverRow {
    /// Its name.
    pub driver: String,
    /// Iterations that name it.
    pub iterations: usize,
}

/// How far the components are from adding up, bps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct IdentityRow {
    /// Iterations that could be checked.
    pub n: usize,
    /// Mean difference.
    pub mean: f64,
    /// The difference that is largest in size.
    pub worst: f64,
    /// The first iteration that has it.
    pub worst_iteration: u64,
    /// Whether the worst difference is rounding.
    pub holds: bool,
}

/// Where the net edge comes from, over the last-n window.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct EdgeBlock {
    /// Edge before costs.
    pub gross: ComponentRow,
    /// Fees.
    pub fees: ComponentRow,
    /// Slippage.
    pub slippage: ComponentRow,
    /// Adverse selection.
    pub adverse: ComponentRow,
    /// Inventory cost.
    pub inventory: ComponentRow,
    /// Edge after costs.
    pub net: ComponentRow,
    /// Iterations whose gross edge was computed, not measured.
    pub gross_imputed: usize,
    /// The known components, largest in size first.
    pub contributions: Vec<ContributionRow>,
    /// Drivers of a negative edge, most frequent first.
    pub negative_drivers: Vec<DriverRow>,
    /// Whether the components add up; null when no iteration can be checked.
    pub identity: Option<IdentityRow>,
}

impl EdgeBlock {
    fn of(edge: &EdgeDecomposition) -> Self {
        let contributions = edge.contributions.iter().map(|contribution| ContributionRow {
            kpi: contribution.kpi.name.to_owned(),
            value: contribution.value,
        });
        let drivers = edge
            .negative_drivers
            .iter()
            .map(|(driver, iterations)| DriverRow { driver: driver.clone(), iterations: *iterations });
        Self {
            gross: edge.gross.into(),
            fees: edge.fees.into(),
            slippage: edge.slippage.into(),
            adverse: edge.adverse.into(),
            inventory: edge.inventory.into(),
            net: edge.net.into(),
            gross_imputed: edge.gross_imputed,
            contributions: contributions.collect(),
            negative_drivers: drivers.collect(),
            identity: edge.identity.map(|identity| IdentityRow {
                n: identity.n,
                mean: identity.mean,
                worst: identity.worst,
                worst_iteration: identity.worst_iteration,
                holds: identity.holds,
            }),
        }
    }
}

/// One symbol.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SymbolBlock {
    /// Its name; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// The worst of all that joins.
    pub outcome: Outcome,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// Usable iterations.
    pub iterations: usize,
    /// Passes and freezes.
    pub passes: PassBlock,
    /// Overall, steady, last-n.
    pub windows: Vec<WindowBlock>,
    /// How often each guard spoke.
    pub guards: GuardWindows,
    /// Signatures and loops over the whole run.
    pub signatures: SignatureBlock,
    /// Anomalies over the whole run.
    pub anomalies: AnomalyBlock,
    /// WARN and CRIT per iteration.
    pub violations: ViolationBlock,
    /// Where resources are heading over the whole run.
    pub drift: Vec<DriftRow>,
    /// The course of the KPIs of the verdict: steady drifts, changes of level, spikes, warm-up.
    pub course: CourseBlock,
    /// Where the net edge comes from.
    pub edge: EdgeBlock,
    /// Advice.
    pub recommendations: Vec<RecommendationRow>,
    /// Delta verification; null when it was left out.
    pub deltas: Option<DeltaBlock>,
    /// Every check with its ladder.
    pub checks: Vec<Ladder>,
}

impl SymbolBlock {
    /// The block of a symbol.
    pub fn of(symbol: &SymbolAnalysis, series: &Series) -> Self {
        let deep = &symbol.deep;
        Self {
            symbol: symbol.symbol.clone(),
            outcome: symbol.outcome,
            freeze_ready: symbol.freeze_ready(),
            iterations: series.len(),
            passes: PassBlock::of(&symbol.passes),
            windows: deep.windows.iter().map(WindowBlock::of).collect(),
            guards: GuardWindows::of(&deep.guards, &symbol.guards),
            signatures: SignatureBlock::of(&deep.signatures),
            anomalies: AnomalyBlock::of(&deep.anomalies),
            violations: ViolationBlock::of(&deep.violations),
            drift: deep.drift.iter().map(DriftRow::from).collect(),
            course: CourseBlock::of(deep),
            edge: EdgeBlock::of(&deep.edge),
            recommendations: deep.recommendations.iter().map(RecommendationRow::from).collect(),
            deltas: symbol.deltas.as_ref().map(DeltaBlock::from),
            checks: symbol.checks.iter().map(Ladder::from).collect(),
        }
    }
}
