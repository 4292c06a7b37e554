//! The summary in an iteration file: KPIs by name beside fixed keys, sorted together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::Serializer;

use super::document::utc;
use super::numbers::{Number, Numbers, optional};
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::run::edge_report::{AuditCounts, KpiGateFile};
use crate::core::run::iteration::{IterationRecord, IterationSummary, KpiVerdict, MakerSource, Phase};

/// The keys of `summary` with their values, sorted.
#[derive(Debug)]
pub(super) struct Entries<'a>(Vec<(&'a str, Entry<'a>)>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Number(Number),
    Whole(u64),
    Time(String),
    Text(Option<&'a str>),
    Texts(&'a [String]),
    Numbers(Numbers<'a>),
    Keys(BTreeMap<&'a str, &'a str>),
    Blocks(Blocks<'a>),
    Gate(Option<KpiGate<'a>>),
    Audit(Option<Audit<'a>>),
    Resources(Option<Resources>),
    Refused(Refused<'a>),
}

/// By KPI and key.
type Refused<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Number>>;

/// The fixed keys of `summary` for the schema; every other key is a KPI.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the entries, is never made")]
pub(super) struct SummaryShape<'a> {
    /// Ratios above their highest, which are no measurement: by KPI, the key and number that were delivered. Only in
    /// iterations that have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    above_highest: Option<BTreeMap<String, BTreeMap<String, f64>>>,
    audit: Option<Audit<'a>>,
    blocks: Blocks<'a>,
    component_breakdown: BTreeMap<String, f64>,
    /// What the limits on edge reports say; advisory.
    edge_gate: Vec<String>,
    /// KPIs that were taken from another number, with its key.
    fallbacks: BTreeMap<String, String>,
    /// The same as `fees_bps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    fees_eff_bps: Option<f64>,
    fills: BTreeMap<String, f64>,
    /// The system's own gate.
    kpi_gate: Option<KpiGate<'a>>,
    kpi_reasons: Vec<String>,
    /// `PASS`, `WARN` or `FAIL`; null when nothing was collected.
    kpi_verdict: Option<String>,
    /// Where the maker share was taken from.
    maker_taker_source: Option<String>,
    neg_edge_drivers: Vec<String>,
    notes: Vec<String>,
    /// `WARMUP`, `RAMPDOWN` or `STEADY`, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    /// 0 or 1, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    rampdown_active: Option<u64>,
    resources: Option<Resources>,
    /// When the iteration ended, RFC 3339.
    runtime_utc: String,
    sentinel_advice: Vec<String>,
    version: Option<String>,
    /// 0 or 1, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_active: Option<u64>,
    /// The iteration while the run warms up, else 0, in a run that has phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_iter_idx: Option<u64>,
    #[serde(flatten)]
    kpis: BTreeMap<String, f64>,
}

/// Refused decisions by reason.
#[derive(Debug, Serialize, JsonSchema)]
struct Blocks<'a> {
    #[schemars(with = "BTreeMap<String, f64>")]
    counts: Numbers<'a>,
    #[schemars(with = "BTreeMap<String, f64>")]
    ratios: Numbers<'a>,
    /// Sum of the counts; null without any.
    #[schemars(with = "Option<f64>")]
    total: Option<Number>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KpiGate<'a> {
    reasons: &'a [String],
    verdict: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Audit<'a> {
    refused: &'a BTreeMap<String, u64>,
    total: u64,
    unreadable: u64,
}

/// The watched process tree; null is what could not be read.
#[derive(Debug, Serialize, JsonSchema)]
struct Resources {
    /// Percent of one CPU.
    #[schemars(with = "Option<f64>")]
    cpu_pct: Option<Number>,
    open_files: Option<u64>,
    processes: Option<u64>,
    /// MiB.
    #[schemars(with = "Option<f64>")]
    rss_mb: Option<Number>,
    threads: Option<u64>,
}

/// The summary of this record.
pub(super) fn entries<'a>(record: &'a IterationRecord, kpis: &'a KpiTable) -> Entries<'a> {
    let summary = &record.summary;
    let mut entries = Vec::with_capacity(48);
    for id in kpis.ids() {
        let Some(value) = summary.values.get(id.index()).copied().flatten() else { continue };
        entries.push((kpis.name(id), Entry::Number(Number(value))));
        if id == KpiId::FEES_BPS {
            entries.push(("fees_eff_bps", Entry::Number(Number(value))));
        }
    }
    if !summary.above_highest.is_empty() {
        let mut refused = Refused::new();
        for (kpi, key, raw) in &summary.above_highest {
            refused.entry(kpis.name(*kpi)).or_default().insert(key, Number(*raw));
        }
        entries.push(("above_highest", Entry::Refused(refused)));
    }
    entries.extend(fixed(summary, kpis));
    entries.push(("runtime_utc", Entry::Time(utc(record.ends))));
    entries.push(("resources", Entry::Resources(record.resources.map(Resources::from))));
    if record.has_phases {
        let is = |phase| u64::from(record.phase == phase);
        entries.push(("phase", Entry::Text(Some(record.phase.word()))));
        entries.push(("rampdown_active", Entry::Whole(is(Phase::Rampdown))));
        entries.push(("warmup_active", Entry::Whole(is(Phase::Warmup))));
        entries.push(("warmup_iter_idx", Entry::Whole(record.number * is(Phase::Warmup))));
    }
    entries.sort_unstable_by_key(|(key, _)| *key);
    Entries(entries)
}

fn fixed<'a>(summary: &'a IterationSummary, kpis: &'a KpiTable) -> [(&'a str, Entry<'a>); 14] {
    let total = (!summary.block_counts.is_empty()).then(|| summary.block_counts.values().sum());
    [
        ("audit", Entry::Audit(summary.audit.as_ref().map(Audit::from))),
        (
            "blocks",
            Entry::Blocks(Blocks {
                counts: Numbers(&summary.block_counts),
                ratios: Numbers(&summary.block_ratios),
                total: optional(total),
            }),
        ),
        ("component_breakdown", Entry::Numbers(Numbers(&summary.components))),
        ("edge_gate", Entry::Texts(&summary.edge_gate)),
        (
            "fallbacks",
            Entry::Keys(summary.fallbacks.iter().map(|(kpi, key)| (kpis.name(*kpi), key.as_str())).collect()),
        ),
        ("fills", Entry::Numbers(Numbers(&summary.fills))),
        ("kpi_gate", Entry::Gate(summary.kpi_gate.as_ref().map(KpiGate::from))),
        ("kpi_reasons", Entry::Texts(&summary.kpi_reasons)),
        ("kpi_verdict", Entry::Text(summary.kpi_verdict.map(KpiVerdict::word))),
        ("maker_taker_source", Entry::Text(summary.maker_source.map(MakerSource::word))),
        ("neg_edge_drivers", Entry::Texts(&summary.neg_edge_drivers)),
        ("notes", Entry::Texts(&summary.notes)),
        ("sentinel_advice", Entry::Texts(&summary.sentinel_advice)),
        ("version", Entry::Text(summary.version.as_deref())),
    ]
}

impl<'a> From<&'a KpiGateFile> for KpiGate<'a> {
    fn from(gate: &'a KpiGateFile) -> Self {
        Self { reasons: &gate.reasons, verdict: &gate.verdict }
    }
}

impl<'a> From<&'a AuditCounts> for Audit<'a> {
    fn from(audit: &'a AuditCounts) -> Self {
        Self { refused: &audit.refused, total: audit.total, unreadable: audit.unreadable }
    }
}

impl From<crate::core::run::iteration::Resources> for Resources {
    fn from(read: crate::core::run::iteration::Resources) -> Self {
        Self {
            cpu_pct: optional(read.cpu_pct),
            open_files: read.open_files,
            processes: read.processes,
            rss_mb: optional(read.rss_mb),
            threads: read.threads,
        }
    }
}
