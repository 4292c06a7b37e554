//! `reports/analysis/POST_SOAK_SNAPSHOT.json`, schema 1.2: what the bundle and the release notes read.
//!
//! Its `verdict` is the one of schema 1.1, so that two snapshots of a run never contradict each other; the
//! goals have fields of their own.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{Schema, SchemaGenerator};
use serde::Serialize;

use crate::core::analysis::origin::OriginBlock;
use crate::core::analysis::{Analysis, KpiStats, SymbolAnalysis, guard_iterations};
use crate::core::iteration::SkipReason;
use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::ParamName;
use crate::core::kpi::{ByKpi, KpiId, by_kpi};
use crate::core::series::{Row, Series};
use crate::core::verdict::provenance::{Override, Provenance};
use crate::core::verdict::{Outcome, Part};
use crate::stats::TrendWord;

/// One KPI over the window, rounded half to even on the exact binary value: to 4 digits, of a declared KPI to at
/// least four significant ones; null when unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct KpiLastN {
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Direction; null with fewer than three values.
    pub trend: Option<TrendWord>,
}

/// The KPIs of the trading profile that the snapshot shows, in its order.
const SHOWN: [KpiId; 7] = [
    KpiId::MAKER_TAKER_RATIO,
    KpiId::P95_LATENCY_MS,
    KpiId::RISK_RATIO,
    KpiId::NET_BPS,
    KpiId::ADVERSE_BPS_P95,
    KpiId::SLIPPAGE_BPS_P95,
    KpiId::CANCEL_RATIO,
];

fn schema_of_kpis(generator: &mut SchemaGenerator) -> Schema {
    by_kpi::<KpiLastN>(generator, "KPIs over the window.", &SHOWN.map(|kpi| kpi.name))
}

/// Which goals are met; a goal that cannot be judged is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "four answers to four questions, as the format has them")]
pub struct GoalsMet {
    /// The goal on the maker share.
    pub maker_taker_ok: bool,
    /// The goal on the latency.
    pub p95_latency_ok: bool,
    /// The goal on the risk ratio.
    pub risk_ok: bool,
    /// The goal on the net edge.
    pub net_bps_ok: bool,
}

impl GoalsMet {
    /// How many are met, 0 to 4.
    pub fn count(self) -> usize {
        [self.maker_taker_ok, self.p95_latency_ok, self.risk_ok, self.net_bps_ok]
            .into_iter()
            .filter(|met| *met)
            .count()
    }

    /// PASS with all four; WARN with risk and net edge; else FAIL.
    pub fn verdict(self) -> Outcome {
        if self.count() == 4 {
            Outcome::Pass
        } else if self.risk_ok && self.net_bps_ok {
            Outcome::Warn
        } else {
            Outcome::Fail
        }
    }
}

/// Iterations of the window in which a guard acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct GuardCountsLastN {
    /// Latency close to its limit.
    pub latency_soft: usize,
    /// Latency beyond its limit.
    pub latency_hard: usize,
    /// Oscillation guard.
    pub oscillation: usize,
    /// Velocity guard.
    pub velocity: usize,
    /// Cool-down guard.
    pub cooldown: usize,
    /// Iterations with a freeze.
    pub freeze: usize,
}

/// Guards over the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct GuardsLastN {
    /// How often.
    pub counts: GuardCountsLastN,
    /// In which iterations; only the guards that spoke.
    pub iterations: BTreeMap<String, Vec<u64>>,
}

/// Tuning over the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TuningSummary {
    /// Iterations whose record says that deltas were applied.
    pub applied_count: usize,
    /// Their numbers.
    pub applied_iterations: Vec<u64>,
    /// Parameters that were written, sorted.
    pub changed_keys: Vec<String>,
    /// How often each reason for applying nothing was given.
    pub skip_reasons: BTreeMap<String, usize>,
}

/// What one symbol of a per-symbol run shows.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SymbolBlock12 {
    /// Published verdict.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// True verdict.
    pub outcome: Outcome,
    /// Number of goals met, 0 to 4.
    pub pass_count_last_n: usize,
    /// Which goals are met.
    pub goals_met: GoalsMet,
    /// The verdict that the goals alone give.
    pub goals_verdict: Outcome,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// KPIs over the window.
    #[schemars(schema_with = "schema_of_kpis")]
    pub kpi_last_n: ByKpi<KpiLastN>,
}

/// The snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Snapshot12 {
    /// "1.2".
    #[schemars(extend("const" = "1.2"))]
    pub schema_version: String,
    /// The fixed time, else the last time in the data; null when there is neither.
    pub timestamp: Option<String>,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// The true verdict: that of `gate`.
    pub outcome: Outcome,
    /// Its main reason.
    pub outcome_reason: String,
    /// Usable iterations.
    pub iterations_total: usize,
    /// Iterations of the window.
    pub iterations_analyzed: Vec<u64>,
    /// Number of goals met, 0 to 4.
    pub pass_count_last_n: usize,
    /// KPIs over the window.
    #[schemars(schema_with = "schema_of_kpis")]
    pub kpi_last_n: ByKpi<KpiLastN>,
    /// Which goals are met.
    pub goals_met: GoalsMet,
    /// The verdict that the goals alone give: PASS with all four, WARN with risk and net edge, else FAIL.
    pub goals_verdict: Outcome,
    /// Guards over the window.
    pub guards_last_n: GuardsLastN,
    /// Tuning over the window.
    pub tuning_summary: TuningSummary,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// Anomalies in the window.
    pub anomalies_count: usize,
    /// Why the data is not about a release; only where it is simulated or a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginBlock>,
    /// Where the data came from; null when nothing says so.
    pub source: Option<String>,
    /// `production` or `mock`: which limits were used.
    #[schemars(extend("enum" = ["production", "mock"]))]
    pub limits: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<String>,
    /// Version of the program.
    pub tool_version: String,
    /// The symbol whose numbers stand above; only in per-symbol runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// All symbols; only in per-symbol runs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub symbols: BTreeMap<String, SymbolBlock12>,
    /// Part of a rehearsal of a release, and no statement about one; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// A recorded override of the verdict.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

impl Snapshot12 {
    /// The snapshot of an analysis that looked at everything. In a per-symbol run the worst symbol stands for
    /// the whole.
    pub fn of(analysis: &Analysis, provenance: &Provenance) -> Self {
        let worst = analysis.worst();
        let series = analysis.series(worst);
        let rows = &series.rows()[worst.last.positions.clone()];
        let goals_met = goals_met(worst);
        let (goals, goals_verdict) = goals(worst, analysis);
        Self {
            schema_version: "1.2".to_owned(),
            timestamp: provenance.time_of(analysis),
            verdict: analysis.outcome.published().to_owned(),
            outcome: analysis.outcome,
            outcome_reason: analysis.reason(),
            iterations_total: series.len(),
            iterations_analyzed: rows.iter().map(|row| row.number).collect(),
            pass_count_last_n: goals,
            kpi_last_n: kpi_block(worst, analysis),
            goals_met,
            goals_verdict,
            guards_last_n: guards(series, worst),
            tuning_summary: tuning(rows),
            freeze_ready: analysis.freeze_ready(),
            anomalies_count: worst.anomalies.len(),
            origin: OriginBlock::of_no_release(&analysis.origin),
            source: analysis.source(),
            limits: analysis.limits().to_owned(),
            policy_sha256: provenance.policy_sha256.clone(),
            policy_file: provenance.policy_file.clone(),
            tool_version: provenance.tool_version.clone(),
            symbol: worst.symbol.clone(),
            symbols: analysis.symbols.iter().filter_map(|symbol| symbol_block(symbol, analysis)).collect(),
            rehearsal: provenance.rehearsal,
            overridden: provenance.overridden.clone(),
        }
    }
}

fn symbol_block(symbol: &SymbolAnalysis, analysis: &Analysis) -> Option<(String, SymbolBlock12)> {
    let goals_met = goals_met(symbol);
    let (goals, goals_verdict) = goals(symbol, analysis);
    let block = SymbolBlock12 {
        verdict: symbol.outcome.published().to_owned(),
        outcome: symbol.outcome,
        pass_count_last_n: goals,
        goals_met,
        goals_verdict,
        freeze_ready: symbol.freeze_ready(),
        kpi_last_n: kpi_block(symbol, analysis),
    };
    Some((symbol.symbol.clone()?, block))
}

fn kpi_block(symbol: &SymbolAnalysis, analysis: &Analysis) -> ByKpi<KpiLastN> {
    let of_trading = SHOWN.into_iter().filter(|_| analysis.trades());
    let declared = analysis.kpis.iter().copied().filter(|kpi| !kpi.is_built_in());
    let of = |kpi: KpiId| (kpi.name, symbol.last_kpi(kpi).map(kpi_last_n).unwrap_or_default());
    ByKpi(of_trading.chain(declared).map(of).collect())
}

fn kpi_last_n(stats: &KpiStats) -> KpiLastN {
    let rounded = |value: f64| stats.kpi.published(value, 4);
    let summary = stats.summary;
    KpiLastN {
        mean: summary.map(|summary| rounded(summary.mean)),
        median: summary.map(|summary| rounded(summary.median)),
        min: summary.map(|summary| rounded(summary.min)),
        max: summary.map(|summary| rounded(summary.max)),
        trend: stats.trend.map(|trend| trend.word),
    }
}

fn goals_met(symbol: &SymbolAnalysis) -> GoalsMet {
    let met = |kpi: &str| {
        let mut of_kpi = symbol
            .checks
            .iter()
            .filter(|check| check.part == Part::Goals && check.kpi.as_deref() == Some(kpi))
            .peekable();
        of_kpi.peek().is_some() && of_kpi.all(|check| check.outcome == Outcome::Pass)
    };
    GoalsMet {
        maker_taker_ok: met("maker_taker_ratio"),
        p95_latency_ok: met("p95_latency_ms"),
        risk_ok: met("risk_ratio"),
        net_bps_ok: met("net_bps"),
    }
}

/// How many goals are met, and the verdict that they give: of other systems than trading ones the worst of the goals
/// that the policy has.
fn goals(symbol: &SymbolAnalysis, analysis: &Analysis) -> (usize, Outcome) {
    if analysis.trades() {
        let met = goals_met(symbol);
        return (met.count(), met.verdict());
    }
    let outcomes = symbol.checks.iter().filter(|check| check.part == Part::Goals).map(|check| check.outcome);
    let met = outcomes.clone().filter(|outcome| *outcome == Outcome::Pass).count();
    let is_judged = |outcome: &Outcome| *outcome != Outcome::NotApplicable;
    (met, outcomes.filter(is_judged).max().unwrap_or(Outcome::NotApplicable))
}

fn guards(series: &Series, symbol: &SymbolAnalysis) -> GuardsLastN {
    let of = |guard: Guard| guard_iterations(series, &symbol.last, guard);
    let told = [
        Guard::LatencySoft,
        Guard::LatencyHard,
        Guard::Oscillation,
        Guard::Velocity,
        Guard::Cooldown,
        Guard::Freeze,
    ];
    let iterations: BTreeMap<String, Vec<u64>> = told
        .into_iter()
        .map(|guard| (guard.word().to_owned(), of(guard)))
        .filter(|(_, numbers)| !numbers.is_empty())
        .collect();
    let count = |guard: Guard| iterations.get(guard.word()).map_or(0, Vec::len);
    GuardsLastN {
        counts: GuardCountsLastN {
            latency_soft: count(Guard::LatencySoft),
            latency_hard: count(Guard::LatencyHard),
            oscillation: count(Guard::Oscillation),
            velocity: count(Guard::Velocity),
            cooldown: count(Guard::Cooldown),
            freeze: count(Guard::Freeze),
        },
        iterations,
    }
}

fn tuning(rows: &[Row]) -> TuningSummary {
    let applied_iterations: Vec<u64> =
        rows.iter().filter(|row| row.tuning.applied == Some(true)).map(|row| row.number).collect();
    let changed: BTreeSet<&str> =
        rows.iter().flat_map(|row| &row.tuning.changed_keys).map(ParamName::as_str).collect();
    let mut skip_reasons = BTreeMap::new();
    for skip in rows.iter().filter_map(|row| row.tuning.skip.as_ref()) {
        *skip_reasons.entry(skip_text(skip).to_owned()).or_default() += 1;
    }
    TuningSummary {
        applied_count: applied_iterations.len(),
        applied_iterations,
        changed_keys: changed.into_iter().map(str::to_owned).collect(),
        skip_reasons,
    }
}

fn skip_text(skip: &SkipReason) -> &str {
    skip.code.as_deref().or(skip.note.as_deref()).unwrap_or("unknown")
}
