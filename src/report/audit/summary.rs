//! `POST_SOAK_AUDIT_SUMMARY.json`: the readiness audit for machines, and how it is read again.
//!
//! Keeps the keys that its readers know; `last8` in them is the last-n window of the policy. Lists are
//! bounded and say how many entries there are. Judges nothing.

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::core::analysis::audit::{Audit, Folder, KeyFile, Listing, Phase};
use crate::core::analysis::document::{LISTED, first};
use crate::core::analysis::origin::OriginBlock;
use crate::core::analysis::{SymbolAnalysis, WindowStats};
use crate::core::json::Reading;
use crate::core::json::text::is_too_deep;
use crate::core::json::text::parse_marked;
use crate::core::kpi::{ByKpi, KpiId, by_kpi};
use crate::core::policy::Policy;
use crate::core::text::number::round_half_even;
use crate::core::verdict::evidence::{ArchiveFile, Finding};
use crate::core::verdict::provenance::{Envelope, Override, Provenance};
use crate::core::verdict::{Check, Comparison, Outcome, Part, join};

pub const FILE_NAME: &str = "POST_SOAK_AUDIT_SUMMARY.json";

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AuditSummary {
    #[serde(flatten)]
    pub envelope: Envelope,
    /// `SOAK_NOW` where it is set, else the last time in the data; null when there is neither.
    pub timestamp: Option<String>,
    /// The folder of the run, as it was named.
    pub base_dir: String,
    /// The archive that was read; absent where a folder was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveFile>,
    /// Whether the data can say anything about a release.
    pub origin: OriginBlock,
    /// Where the data came from, e.g. `sim`; null when nothing says so.
    pub source: Option<String>,
    /// `OK` or `HOLD`.
    #[schemars(extend("enum" = ["OK", "HOLD"]))]
    pub verdict: String,
    /// The worst of the verdict of `gate` and of the limits of readiness.
    pub outcome: Outcome,
    /// Its main reason.
    pub outcome_reason: String,
    /// The verdict of `gate` on the same files.
    pub gate_outcome: Outcome,
    /// Part of a rehearsal of a release, and no statement about one; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// Usable iterations over all symbols.
    pub iterations: usize,
    /// Highest iteration number; null without iterations.
    pub max_iter: Option<u64>,
    /// First iteration of the steady window.
    pub steady_start: u64,
    /// Length of the last-n window.
    pub last_n: usize,
    /// First number of the last-n window; null when it is empty.
    pub last8_start: Option<u64>,
    /// Which of the key files are there.
    pub files_present: FilesPresent,
    /// What the folder contains.
    pub inventory: Listing,
    /// The symbol of the numbers below; null for runs that are not per symbol.
    pub symbol: Option<String>,
    /// What readiness was judged by: medians over the last-n window unless the policy says otherwise.
    #[schemars(schema_with = "schema_of_values")]
    pub snapshot_kpis: ByKpi<Option<f64>>,
    /// The answer, as its readers know it.
    pub readiness: ReadinessBlock,
    /// Every check that makes the answer, with its explanation: readiness, integrity, and what the gate does not accept.
    pub checks: Vec<Check>,
    /// Spread over the three windows.
    #[schemars(schema_with = "schema_of_trends")]
    pub trend_stats: ByKpi<TrendBlock>,
    /// One entry a symbol; empty for runs that are not per symbol.
    pub symbols: Vec<SymbolRow>,
    /// What the tuner did.
    pub tuning: TuningBlock,
    /// What became of it.
    pub delta_verify: DeltaBlock,
    /// Phases, and the metrics of the warm-up.
    pub warmup: WarmupBlock,
    /// What makes the result weaker than it looks.
    pub warnings: Vec<String>,
    /// What to do next; never empty.
    pub recommendations: Vec<String>,
    /// The first 1000 findings.
    pub findings: Vec<Finding>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_symbols: Vec<String>,
    /// How many findings there are.
    pub findings_total: usize,
    /// What failed beside the verdict, so that the command fails; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where gate and readiness say otherwise, one sentence each.
    pub notes: Vec<String>,
}

impl AuditSummary {
    /// The document of an audit.
    pub fn of(audit: &Audit<'_>, policy: &Policy, provenance: &Provenance, base_dir: &str) -> Self {
        let analysis = audit.analysis;
        let symbol = audit.symbol();
        Self {
            envelope: provenance.into(),
            timestamp: provenance.time_of(analysis),
            base_dir: base_dir.to_owned(),
            archive: analysis.evidence.archive.clone(),
            origin: (&analysis.origin).into(),
            source: analysis.source(),
            verdict: audit.readiness.word().to_owned(),
            outcome: audit.readiness.outcome,
            outcome_reason: audit.reason(),
            gate_outcome: analysis.outcome,
            rehearsal: provenance.rehearsal,
            iterations: analysis.evidence.len(),
            max_iter: audit.max_iteration(),
            steady_start: policy.windows.steady_start,
            last_n: policy.windows.last_n,
            last8_start: symbol.last.span.map(|(first, _)| first),
            files_present: FilesPresent::of(&audit.folder),
            inventory: audit.folder.listing.clone(),
            symbol: symbol.symbol.clone(),
            snapshot_kpis: values(&audit.readiness.kpis, analysis.trades()),
            readiness: ReadinessBlock {
                pass: audit.readiness.is_ok(),
                failures: audit.readiness.failures.clone(),
            },
            checks: audit.readiness.checks.clone(),
            trend_stats: trends(audit.windows(), &analysis.kpis),
            symbols: SymbolRow::all(audit),
            tuning: TuningBlock::of(audit),
            delta_verify: DeltaBlock::of(audit),
            warmup: WarmupBlock::of(audit),
            warnings: audit.warnings.clone(),
            recommendations: audit.recommendations.clone(),
            findings: first(&audit.findings, LISTED).to_vec(),
            excluded_symbols: analysis.evidence.excluded.clone(),
            findings_total: audit.findings.len(),
            error: None,
            notes: analysis.disagreements.clone(),
        }
    }
}

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
    fn of(folder: &Folder) -> Self {
        Self {
            snapshot: folder.has(KeyFile::Snapshot),
            tuning_report: folder.has(KeyFile::TuningReport),
            delta_report: folder.has(KeyFile::DeltaReport),
            warmup: folder.has(KeyFile::Warmup),
        }
    }
}

fn schema_of_values(generator: &mut SchemaGenerator) -> Schema {
    let named = ["maker_taker_ratio", "net_bps", "p95_latency_ms", "risk_ratio"];
    by_kpi::<Option<f64>>(generator, "The KPIs of the verdict; null = unknown.", &named)
}

/// The KPIs of the verdict by name, as readers know those of the trading profile.
fn values(kpis: &[(KpiId, Option<f64>)], trades: bool) -> ByKpi<Option<f64>> {
    let mut values: Vec<_> = kpis.iter().map(|(kpi, value)| (kpi.name, *value)).collect();
    if trades {
        values.sort_by_key(|(name, _)| *name);
    }
    ByKpi(values)
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

fn schema_of_trends(generator: &mut SchemaGenerator) -> Schema {
    let named = KpiId::drawn(&KpiId::OF_THE_VERDICT).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    by_kpi::<TrendBlock>(generator, "Spread of the KPIs of the verdict.", &named)
}

fn trends(windows: &[WindowStats], kpis: &[KpiId]) -> ByKpi<TrendBlock> {
    let spread = |window: usize, kpi: KpiId| {
        let summary = windows.get(window).and_then(|window| window.kpi(kpi)?.summary);
        Spread {
            min: summary.map(|summary| summary.min),
            max: summary.map(|summary| summary.max),
            median: summary.map(|summary| summary.median),
        }
    };
    let block = |(kpi, name): (KpiId, &'static str)| {
        let [overall, steady, last8] = [0, 1, 2].map(|window| spread(window, kpi));
        (name, TrendBlock { overall, steady, last8 })
    };
    ByKpi(KpiId::drawn(kpis).into_iter().map(block).collect())
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
    #[schemars(schema_with = "schema_of_trends")]
    pub trend_stats: ByKpi<TrendBlock>,
}

impl SymbolRow {
    fn all(audit: &Audit<'_>) -> Vec<Self> {
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
                trend_stats: trends(&symbol.deep.windows, &audit.analysis.kpis),
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
    /// Those of them whose record is only in `TUNING_REPORT.json`.
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
    fn of(audit: &Audit<'_>) -> Self {
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
    /// Proposals of which every increment arrived, or what did not has a reason: the full applications of
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
    fn of(audit: &Audit<'_>) -> Self {
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

/// Phases, and the metrics of the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct WarmupBlock {
    /// Whether `warmup_metrics.prom` is there and can be read.
    pub found: bool,
    /// Above 0: the exporter of that file had failed; null when it does not say.
    pub exporter_error: Option<f64>,
    /// How often each guard was active, as that file says.
    pub guard_triggers: BTreeMap<String, f64>,
    /// The phases that the iterations name.
    pub phases: BTreeMap<String, Phase>,
}

impl WarmupBlock {
    fn of(audit: &Audit<'_>) -> Self {
        let metrics = audit.folder.warmup.as_ref();
        Self {
            found: metrics.is_some(),
            exporter_error: metrics.and_then(|metrics| metrics.exporter_error),
            guard_triggers: metrics.map(|metrics| metrics.guard_triggers.clone()).unwrap_or_default(),
            phases: audit.phases.clone(),
        }
    }
}

/// Why a file is no audit summary.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ReadError(String);

/// A limit that a KPI was checked against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AccountLimit {
    pub(crate) comparison: Comparison,
    pub(crate) limit: f64,
}

/// An audit summary, also one that the earlier scripts wrote, as far as a short account of it needs. What is not there
/// is unknown; limits are taken from the file or not shown at all.
#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    readiness: AccountReadiness,
    snapshot_kpis: BTreeMap<String, Reading>,
    #[serde(default)]
    pub(crate) outcome: Option<String>,
    #[serde(default, rename = "gate_outcome")]
    pub(crate) gate: Option<String>,
    #[serde(default, rename = "outcome_reason")]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    checks: Vec<AccountCheck>,
    /// Iterations of the last-n window.
    #[serde(default)]
    pub(crate) last_n: Option<u64>,
    /// The symbol that decides.
    #[serde(default)]
    pub(crate) symbol: Option<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    #[serde(default)]
    origin: AccountOrigin,
    #[serde(default, rename = "excluded_symbols")]
    pub(crate) excluded: Vec<String>,
    #[serde(default, rename = "override")]
    pub(crate) overridden: Option<Override>,
}

#[derive(Debug, Default, Deserialize)]
struct AccountOrigin {
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AccountReadiness {
    pass: bool,
    #[serde(default)]
    failures: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct AccountCheck {
    part: String,
    kpi: Option<String>,
    symbol: Option<String>,
    comparison: Option<String>,
    limit: Option<f64>,
}

impl Account {
    pub(crate) fn pass(&self) -> bool {
        self.readiness.pass
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.readiness.failures
    }

    /// Why the data is not valid for a release.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.note.as_deref()
    }

    /// The KPIs by name. The earlier scripts wrote NaN for a value that was missing.
    pub(crate) fn kpis(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.snapshot_kpis.iter().map(|(kpi, reading)| (kpi.as_str(), reading.value()))
    }

    /// The limit of readiness of a KPI, for the symbol that decides.
    pub(crate) fn limit(&self, kpi: &str) -> Option<AccountLimit> {
        let mut of_kpi = self.checks.iter().rev().filter(|check| {
            check.part == "readiness" && check.symbol == self.symbol && check.kpi.as_deref() == Some(kpi)
        });
        let limit = |check: &AccountCheck| {
            let comparison = check.comparison.as_deref().and_then(Comparison::parse)?;
            Some(AccountLimit { comparison, limit: check.limit? })
        };
        of_kpi.find_map(limit)
    }
}

/// Reads an audit summary.
pub(crate) fn read(json: &[u8]) -> Result<Account, ReadError> {
    if is_too_deep(json) {
        return Err(ReadError("lists and objects are nested too deep".to_owned()));
    }
    let account: Account = parse_marked(json, |json| serde_json::from_slice(json))
        .map_err(|error: serde_json::Error| ReadError(error.to_string()))?;
    for (kpi, reading) in &account.snapshot_kpis {
        if let Reading::Wrong(found) = reading {
            return Err(ReadError(format!("`snapshot_kpis.{kpi}` is {found}, expected a number or null")));
        }
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"timestamp": "x", "iterations": 24, "readiness": {"pass": true, "failures": []},
        "snapshot_kpis": {"maker_taker_ratio": 0.871, "net_bps": NaN, "p95_latency_ms": null, "risk_ratio": 0}}"#;

    #[test]
    fn a_summary_of_the_earlier_scripts_reads_without_limits() {
        let account = read(OLD.as_bytes()).expect("an audit summary");
        assert!(account.pass() && account.limit("net_bps").is_none());
        assert_eq!((&account.outcome, account.last_n), (&None, None));
        let expected = [("maker_taker_ratio", Some(0.871)), ("net_bps", None), ("p95_latency_ms", None)];
        // Zero is a value.
        let expected: Vec<_> = expected.into_iter().chain([("risk_ratio", Some(0.0))]).collect();
        assert_eq!(account.kpis().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn limits_are_those_of_readiness_on_the_reported_symbol() {
        let check = |part: &str, symbol: &str, limit: f64| {
            format!(
                r#"{{"part": "{part}", "kpi": "net_bps", "symbol": "{symbol}", "comparison": ">=", "limit": {limit}}}"#
            )
        };
        let checks =
            [check("integrity", "B", 1.0), check("readiness", "A", 2.0), check("readiness", "B", 3.0)];
        let json = format!(
            r#"{{"symbol": "B", "readiness": {{"pass": false}}, "snapshot_kpis": {{}}, "checks": [{}]}}"#,
            checks.join(",")
        );
        let account = read(json.as_bytes()).expect("an audit summary");
        let expected = AccountLimit { comparison: Comparison::AtLeast, limit: 3.0 };
        assert_eq!((account.limit("net_bps"), account.limit("risk_ratio")), (Some(expected), None));
    }

    #[test]
    fn what_is_no_audit_summary_is_refused_with_the_key() {
        let error = |json: &str| read(json.as_bytes()).expect_err(json).to_string();
        assert!(error("{}").starts_with("missing field `readiness`"));
        assert!(error(r#"{"readiness": {}, "snapshot_kpis": {}}"#).starts_with("missing field `pass`"));
        assert!(error(r#"{"readiness": {"pass": true}}"#).starts_with("missing field `snapshot_kpis`"));
        let text = r#"{"readiness": {"pass": true}, "snapshot_kpis": {"net_bps": "3"}}"#;
        assert_eq!(error(text), "`snapshot_kpis.net_bps` is text, expected a number or null");
        assert_eq!(error(&"[".repeat(200)), "lists and objects are nested too deep");
    }
}
