//! `POST_SOAK_SNAPSHOT.json`, schema 1.1: the compact result that CI and dashboards read. Schema 1.2 is in [`v1_2`],
//! and older ones are read in [`baseline`].

pub mod baseline;
pub mod v1_2;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::analysis::origin::OriginBlock;
use crate::core::analysis::{Analysis, KpiStats, SymbolAnalysis};
use crate::core::iteration::guards::Guard;
use crate::core::iteration::{first_time, last_time};
use crate::core::kpi::{KpiId, by_kpi};
use crate::core::verdict::Outcome;
use crate::core::verdict::evidence::ForeignVerdict;
use crate::core::verdict::provenance::{Override, Provenance};

/// Mean and median, rounded half to even on the exact binary value: to 3 digits, of a declared KPI to at least four
/// significant ones; null when unknown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Centre {
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
}

/// The KPIs of the verdict over the window, by name and in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiBlock(pub Vec<(KpiId, Centre)>);

impl KpiBlock {
    /// Of a KPI that is not among them nothing is known.
    pub fn of(&self, kpi: KpiId) -> Centre {
        let found = self.0.iter().find(|(known, _)| *known == kpi);
        found.map_or(Centre { mean: None, median: None }, |(_, centre)| *centre)
    }

    pub fn means(&self) -> impl Iterator<Item = (KpiId, Option<f64>)> {
        self.0.iter().map(|(kpi, centre)| (*kpi, centre.mean))
    }
}

impl Serialize for KpiBlock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kpi, centre)| (kpi.name, centre)))
    }
}

/// The KPIs of the trading profile are named; other policies have others.
impl schemars::JsonSchema for KpiBlock {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KpiBlock".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let named = KpiId::OF_THE_VERDICT.map(|kpi| kpi.name);
        let description = "The KPIs of the verdict over the window, by name and in their order.";
        by_kpi::<Centre>(generator, description, &named)
    }
}

/// Iterations of the window in which a guard acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct GuardBlock {
    /// Oscillation guard.
    pub oscillation_count: usize,
    /// Velocity guard.
    pub velocity_count: usize,
    /// Cool-down guard.
    pub cooldown_count: usize,
    /// Iterations with a freeze.
    pub freeze_events: usize,
}

/// First and last `runtime_utc` of the window, as written; null when no iteration has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TimeRange {
    /// First.
    pub from: Option<String>,
    /// Last.
    pub to: Option<String>,
}

/// What one symbol of a per-symbol run shows.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SymbolBlock {
    /// Published verdict.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// True verdict.
    pub outcome: Outcome,
    /// Passing iterations of the window.
    pub pass_count_last8: usize,
    /// Whether a freeze was seen in the window.
    pub freeze_seen: bool,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// KPIs over the window.
    pub kpi_last8: KpiBlock,
}

/// The snapshot. `last8` in the key names stands for the last-n window of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Snapshot {
    /// "1.1".
    #[schemars(extend("const" = "1.1"))]
    pub schema_version: String,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// The true verdict: that of `gate`.
    pub outcome: Outcome,
    /// Its main reason.
    pub outcome_reason: String,
    /// Passing iterations of the window.
    pub pass_count_last8: usize,
    /// Whether a freeze was seen in the window.
    pub freeze_seen: bool,
    /// Whether the overrides may be frozen.
    pub freeze_ready: bool,
    /// KPIs over the window.
    pub kpi_last8: KpiBlock,
    /// Guards over the window.
    pub guards_last8: GuardBlock,
    /// Time stamps of the window.
    pub time_range: TimeRange,
    /// Whether the verdict of `KPI_GATE.json` agrees; null when there is none.
    pub kpi_gate_parity: Option<bool>,
    /// Anomalies in the window.
    pub anomalies_count: usize,
    /// A → B → A loops of signatures in the window.
    pub signature_loops: usize,
    /// Iterations of the window.
    pub iterations: Vec<u64>,
    /// Why the data is not about a release; only where it is simulated or a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginBlock>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_symbols: Vec<String>,
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
    pub symbols: BTreeMap<String, SymbolBlock>,
    /// Why the notification could not be sent; only on stdout, and only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_error: Option<String>,
    /// A recorded override of the verdict.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

impl Snapshot {
    /// The snapshot of an analysis. In a per-symbol run the worst symbol stands for the whole.
    pub fn of(analysis: &Analysis, provenance: &Provenance) -> Self {
        let worst = analysis.worst();
        let series = analysis.series(worst);
        let rows = &series.rows()[worst.last.positions.clone()];
        let outcome = analysis.outcome;
        Self {
            schema_version: "1.1".to_owned(),
            verdict: outcome.published().to_owned(),
            outcome,
            outcome_reason: analysis.reason(),
            pass_count_last8: worst.passes.passing,
            freeze_seen: worst.passes.freeze_seen(),
            freeze_ready: analysis.freeze_ready(),
            kpi_last8: kpi_block(worst, &analysis.kpis),
            guards_last8: GuardBlock {
                oscillation_count: worst.guards.of(Guard::Oscillation),
                velocity_count: worst.guards.of(Guard::Velocity),
                cooldown_count: worst.guards.of(Guard::Cooldown),
                freeze_events: worst.passes.freezes.len(),
            },
            time_range: TimeRange {
                from: first_time(rows.iter()).map(str::to_owned),
                to: last_time(rows.iter()).map(str::to_owned),
            },
            kpi_gate_parity: analysis.evidence.kpi_gate.as_ref().and_then(|gate| parity(gate, outcome)),
            anomalies_count: worst.anomalies.len(),
            signature_loops: worst.loops,
            iterations: rows.iter().map(|row| row.number).collect(),
            origin: OriginBlock::of_no_release(&analysis.origin),
            excluded_symbols: analysis.evidence.excluded.clone(),
            source: analysis.source(),
            limits: analysis.limits().to_owned(),
            policy_sha256: provenance.policy_sha256.clone(),
            policy_file: provenance.policy_file.clone(),
            tool_version: provenance.tool_version.clone(),
            symbol: worst.symbol.clone(),
            symbols: analysis
                .symbols
                .iter()
                .filter_map(|symbol| symbol_block(symbol, &analysis.kpis))
                .collect(),
            notification_error: None,
            overridden: provenance.overridden.clone(),
        }
    }
}

fn symbol_block(symbol: &SymbolAnalysis, kpis: &[KpiId]) -> Option<(String, SymbolBlock)> {
    let name = symbol.symbol.clone()?;
    let block = SymbolBlock {
        verdict: symbol.outcome.published().to_owned(),
        outcome: symbol.outcome,
        pass_count_last8: symbol.passes.passing,
        freeze_seen: symbol.passes.freeze_seen(),
        freeze_ready: symbol.freeze_ready(),
        kpi_last8: kpi_block(symbol, kpis),
    };
    Some((name, block))
}

fn kpi_block(symbol: &SymbolAnalysis, kpis: &[KpiId]) -> KpiBlock {
    KpiBlock(
        symbol
            .kpis
            .iter()
            .filter(|stats| kpis.contains(&stats.kpi))
            .map(|stats| (stats.kpi, centre(stats)))
            .collect(),
    )
}

fn centre(stats: &KpiStats) -> Centre {
    let summary = stats.summary;
    Centre {
        mean: summary.map(|summary| stats.kpi.published(summary.mean, 3)),
        median: summary.map(|summary| stats.kpi.published(summary.median, 3)),
    }
}

/// Whether another tool's verdict says the same; `OK` is its word for PASS. `None` for words unknown here.
fn parity(gate: &ForeignVerdict, outcome: Outcome) -> Option<bool> {
    let word = match gate.verdict.as_str() {
        "OK" => "PASS",
        word @ ("PASS" | "WARN" | "FAIL") => word,
        _ => return None,
    };
    Some(word == outcome.published())
}
