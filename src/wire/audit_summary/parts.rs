//! The blocks of the audit summary.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::analysis::{SymbolAnalysis, WindowStats};
use crate::core::audit::{Audit, Folder, KeyFile};
use crate::core::kpi::KpiId;
use crate::core::number::round_half_even;
use crate::core::verdict::{Outcome, Part, join};

/// Which of the key files are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a file of its own")]
pub struct FilesPresent {
    /// The compact or the deep snapshot.
    #[serde(rename = "POST_SOAK_SNAPSHOT.json")]
    pub snapshot: bool,
    /// All tuning records in one file.
    #[serde(rename = "TUNING_REPORT.json")]
    pub tuning_report: bool,
    /// What became of the deltas.
    #[serde(rename = "DELTA_VERIFY_REPORT.md")]
    pub delta_report: bool,
    /// Metrics of the warm-up.
    #[serde(rename = "warmup_metrics.prom")]
    pub warmup: bool,
}

impl FilesPresent {
    pub(super) fn of(folder: &Folder) -> Self {
        Self {
            snapshot: folder.has(KeyFile::Snapshot),
            tuning_report: folder.has(KeyFile::TuningReport),
            delta_report: folder.has(KeyFile::DeltaReport),
            warmup: folder.has(KeyFile::Warmup),
        }
    }
}

/// A file and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FileRow {
    /// Name relative to the folder.
    pub file: String,
    /// Bytes.
    pub bytes: u64,
}

/// What lies in the folder, without what the audit writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct InventoryBlock {
    /// The first 120 files in natural order.
    pub files: Vec<FileRow>,
    /// How many files there are.
    pub files_total: usize,
    /// Bytes of all of them.
    pub bytes_total: u64,
}

impl InventoryBlock {
    pub(super) fn of(folder: &Folder) -> Self {
        let row = |(file, bytes): &(String, u64)| FileRow { file: file.clone(), bytes: *bytes };
        Self {
            files: folder.files.iter().map(row).collect(),
            files_total: folder.files_total,
            bytes_total: folder.bytes_total,
        }
    }
}

/// The four KPIs of the verdict; null = unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct KpiValues {
    /// Maker share, 0 to 1.
    pub maker_taker_ratio: Option<f64>,
    /// Net edge, bps.
    pub net_bps: Option<f64>,
    /// Latency, ms.
    pub p95_latency_ms: Option<f64>,
    /// Share of decisions blocked by risk, 0 to 1.
    pub risk_ratio: Option<f64>,
}

impl KpiValues {
    pub(super) fn of(kpis: &[(KpiId, Option<f64>)]) -> Self {
        let value = |kpi: KpiId| kpis.iter().find(|(id, _)| *id == kpi).and_then(|(_, value)| *value);
        Self {
            maker_taker_ratio: value(KpiId::MAKER_TAKER_RATIO),
            net_bps: value(KpiId::NET_BPS),
            p95_latency_ms: value(KpiId::P95_LATENCY_MS),
            risk_ratio: value(KpiId::RISK_RATIO),
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ReadinessBlock {
    /// Whether it is OK.
    pub pass: bool,
    /// `<kpi>: <actual> (expected <op> <limit>)` or `<kpi>: missing (expected …)`; empty when it is OK.
    pub failures: Vec<String>,
}

/// Min, max and median of the known values; null when there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Spread {
    /// Smallest.
    pub min: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Median; of an even count the mean of the middle two.
    pub median: Option<f64>,
}

/// A KPI over the three windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct TrendBlock {
    /// All iterations.
    pub overall: Spread,
    /// From `steady_start` on.
    pub steady: Spread,
    /// The last-n window.
    pub last8: Spread,
}

/// Spread of the KPIs of the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct TrendStats {
    /// Net edge, bps.
    pub net_bps: TrendBlock,
    /// Share of decisions blocked by risk, 0 to 1.
    pub risk_ratio: TrendBlock,
    /// Latency, ms.
    pub latency_p95_ms: TrendBlock,
    /// Maker share, 0 to 1.
    pub maker_taker_ratio: TrendBlock,
}

impl TrendStats {
    pub(super) fn of(windows: &[WindowStats]) -> Self {
        let spread = |window: usize, kpi: KpiId| {
            let summary = windows.get(window).and_then(|window| window.kpi(kpi)?.summary);
            Spread {
                min: summary.map(|summary| summary.min),
                max: summary.map(|summary| summary.max),
                median: summary.map(|summary| summary.median),
            }
        };
        let block = |kpi: KpiId| TrendBlock {
            overall: spread(0, kpi),
            steady: spread(1, kpi),
            last8: spread(2, kpi),
        };
        Self {
            net_bps: block(KpiId::NET_BPS),
            risk_ratio: block(KpiId::RISK_RATIO),
            latency_p95_ms: block(KpiId::P95_LATENCY_MS),
            maker_taker_ratio: block(KpiId::MAKER_TAKER_RATIO),
        }
    }
}

/// A symbol of a run per symbol.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SymbolRow {
    /// Its name; null for iterations without one beside others.
    pub symbol: Option<String>,
    /// The outcome of its readiness.
    pub outcome: Outcome,
    /// Its usable iterations.
    pub iterations: usize,
    /// Spread over the three windows.
    pub trend_stats: TrendStats,
}

impl SymbolRow {
    pub(super) fn all(audit: &Audit<'_>) -> Vec<Self> {
        let symbols = &audit.analysis.symbols;
        if symbols.iter().all(|symbol| symbol.symbol.is_none()) {
            return Vec::new();
        }
        let row = |symbol: &SymbolAnalysis| {
            let of_symbol = || audit.readiness.checks.iter().filter(|check| check.symbol == symbol.symbol);
            let limits = join(of_symbol().filter(|check| check.part == Part::Readiness));
            Self {
                symbol: symbol.symbol.clone(),
                outcome: join(of_symbol()).max(limits),
                iterations: audit.analysis.series(symbol).len(),
                trend_stats: TrendStats::of(&symbol.deep.windows),
            }
        };
        symbols.iter().map(row).collect()
    }
}

/// What the tuner did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TuningBlock {
    /// Whether any tuning record was found.
    pub found: bool,
    /// Iterations with a tuning record.
    pub records: usize,
    /// Those of them whose record stands in `TUNING_REPORT.json` alone.
    pub from_report: usize,
    /// Iterations that propose a change.
    pub proposed_total: usize,
    /// Those of them that say it was applied.
    pub applied_total: usize,
    /// The five most frequent reasons for applying less, by the number of iterations.
    pub skip_reasons: BTreeMap<String, usize>,
    /// Different reasons there are.
    pub skip_reasons_total: usize,
    /// Why `TUNING_REPORT.json` cannot be used; null when it can, and when there is none.
    pub error: Option<String>,
}

impl TuningBlock {
    pub(super) fn of(audit: &Audit<'_>) -> Self {
        let totals = &audit.tuning;
        let skips = totals.skips.iter().map(|skip| (skip.reason.clone(), skip.iterations));
        let is_about_the_report =
            |file: &Option<String>| file.as_deref() == Some(KeyFile::TuningReport.name());
        let error = audit
            .findings
            .iter()
            .find(|finding| finding.kind == "unusable_file" && is_about_the_report(&finding.file));
        Self {
            found: totals.records > 0,
            records: totals.records,
            from_report: totals.from_report,
            proposed_total: totals.proposed,
            applied_total: totals.applied,
            skip_reasons: skips.collect(),
            skip_reasons_total: totals.reasons,
            error: error.map(|finding| finding.message.clone()),
        }
    }
}

/// What became of the proposals, as the iterations show it.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DeltaBlock {
    /// Whether `DELTA_VERIFY_REPORT.md` is there; the numbers come from the iterations all the same.
    pub found: bool,
    /// `verified`, `no_proposals` or `unverifiable`; null when it was left out.
    pub status: Option<String>,
    /// Proposals of which every increment arrived, or a reason stands beside what did not: the full applications of
    /// `DELTA_VERIFY_REPORT.md`.
    pub full_applied: Option<usize>,
    /// Those of them of which every increment arrived.
    pub every_increment: Option<usize>,
    /// Proposals.
    pub full_total: Option<usize>,
    /// The one in percent of the other, 1 digit; null unless verified.
    pub full_pct: Option<f64>,
    /// Share of proposals that arrived, or did not for a documented reason, unrounded: what the gate judges; null
    /// unless verified.
    pub full_apply_ratio: Option<f64>,
}

impl DeltaBlock {
    pub(super) fn of(audit: &Audit<'_>) -> Self {
        let verified = audit.deltas();
        let ratio = verified.and_then(|verified| verified.full_apply_ratio);
        let pct = verified
            .filter(|_| ratio.is_some())
            .map(|verified| round_half_even(verified.counts.in_order_percent().unwrap_or_default(), 1));
        Self {
            found: audit.folder.has(KeyFile::DeltaReport),
            status: verified.map(|verified| verified.status.word().to_owned()),
            full_applied: verified.map(|verified| verified.counts.in_order()),
            every_increment: verified.map(|verified| verified.counts.full),
            full_total: verified.map(|verified| verified.counts.proposed),
            full_pct: pct,
            full_apply_ratio: ratio,
        }
    }
}

/// A phase of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct PhaseRow {
    /// Iterations in it.
    pub iterations: usize,
    /// Lowest number.
    pub first: u64,
    /// Highest number.
    pub last: u64,
}

/// Phases, and the metrics of the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct WarmupBlock {
    /// Whether `warmup_metrics.prom` is there and can be read.
    pub found: bool,
    /// Above 0: the exporter of that file had failed; null when it does not say.
    pub exporter_error: Option<f64>,
    /// How often each guard spoke, as that file says.
    pub guard_triggers: BTreeMap<String, f64>,
    /// The phases that the iterations name.
    pub phases: BTreeMap<String, PhaseRow>,
}

impl WarmupBlock {
    pub(super) fn of(audit: &Audit<'_>) -> Self {
        let metrics = audit.folder.warmup.as_ref();
        let phase = |(name, phase): (&String, &crate::core::audit::Phase)| {
            let row = PhaseRow { iterations: phase.iterations, first: phase.first, last: phase.last };
            (name.clone(), row)
        };
        Self {
            found: metrics.is_some(),
            exporter_error: metrics.and_then(|metrics| metrics.exporter_error),
            guard_triggers: metrics.map(|metrics| metrics.guard_triggers.clone()).unwrap_or_default(),
            phases: audit.phases.iter().map(phase).collect(),
        }
    }
}
