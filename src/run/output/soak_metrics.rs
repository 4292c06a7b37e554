//! `soak_metrics.json` and `gates_summary.json`: the 72-hour report of a run (`--export-json`,
//! `--gate-summary`).
//!
//! Must not decide. `pass` is never true where there was no value.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::analysis::Origin;
use crate::core::analysis::origin::OriginBlock;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, LimitSource, Outcome, Severity, WindowUsed};
use crate::run::metrics::RunMetric;
use crate::run::metrics::RunReport;

/// When, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Runtime {
    /// The fixed time, else the end of the last iteration, RFC 3339; null when there is neither.
    pub utc: Option<String>,
    /// The build of the system under test; null when no iteration tells it.
    pub version: Option<String>,
}

impl Runtime {
    fn of(report: &RunReport, provenance: &Provenance) -> Self {
        let metrics = &report.metrics;
        Self { utc: time_of(report, provenance), version: metrics.version.clone() }
    }
}

/// The time that the documents of a run carry: the fixed one, else the end of the last iteration.
pub fn time_of(report: &RunReport, provenance: &Provenance) -> Option<String> {
    let last = || {
        let ended = report.metrics.ended?;
        Some(ended.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    };
    provenance.fixed_time.clone().or_else(last)
}

/// How a metric was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct MetricRow {
    /// `mean`, `median`, `p95`, `max`, `sum`, `ema1h`, `ema24h`: over the values of the iterations.
    pub statistic: String,
    /// Iterations behind the value; 0 where it is null.
    pub n: usize,
}

impl From<&RunMetric> for MetricRow {
    fn from(metric: &RunMetric) -> Self {
        Self { statistic: metric.rule.word().to_owned(), n: metric.n }
    }
}

/// A run gate with its explanation.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct GateRow {
    /// The metric that it looks at.
    pub metric: String,
    /// The limit in force.
    pub threshold: f64,
    /// The value seen, unrounded; null when no iteration delivered it.
    pub actual: Option<f64>,
    /// Whether it holds; null when there was no value.
    pub pass: Option<bool>,
    /// `hard` or `soft`.
    pub severity: Severity,
    /// What must hold between actual and threshold: `<=`, `>=`, `<`, `>`.
    #[schemars(extend("enum" = ["<=", ">=", "<", ">"]))]
    pub comparison: String,
    /// What was computed from the iterations.
    pub statistic: String,
    /// The iterations behind the value.
    pub window: WindowUsed,
    /// Signed distance to the threshold, positive = room; null when there was no value.
    pub margin: Option<f64>,
    /// What follows.
    pub outcome: Outcome,
    /// One sentence: why.
    pub reason: String,
    /// Key and origin of the threshold.
    pub limit_source: Option<LimitSource>,
}

/// The gates of a run and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct JudgedGates {
    /// By their names in the policy.
    pub gates: BTreeMap<String, GateRow>,
    /// PASS, WARN or FAIL; INCONCLUSIVE and INVALID are published as FAIL.
    #[schemars(extend("enum" = ["PASS", "WARN", "FAIL"]))]
    pub verdict: String,
    /// The true verdict.
    pub outcome: Outcome,
    /// The main reason.
    pub reason: String,
    /// The verdict of `soak gate` on the folder of the run, which this one is never better than; null where it was
    /// not judged.
    pub gate_outcome: Option<Outcome>,
}

impl JudgedGates {
    fn of(report: &RunReport) -> Self {
        let row = |check| Some((short_name(check).to_owned(), gate_row(check)?));
        Self {
            gates: report.checks.iter().filter_map(row).collect(),
            verdict: report.outcome.published().to_owned(),
            outcome: report.outcome,
            reason: report.reason(),
            gate_outcome: report.gate.as_ref().map(|(outcome, _)| *outcome),
        }
    }
}

/// The name of a run gate without that of its group.
pub fn short_name(check: &Check) -> &str {
    check.gate.strip_prefix("run_gates.").unwrap_or(&check.gate)
}

/// `None` for a check without limit, which no run gate is.
fn gate_row(check: &Check) -> Option<GateRow> {
    Some(GateRow {
        metric: check.kpi.clone()?,
        threshold: check.limit?,
        actual: check.observed,
        pass: check.observed.map(|_| check.outcome == Outcome::Pass),
        severity: check.severity,
        comparison: check.comparison?.symbol().to_owned(),
        statistic: check.statistic.clone(),
        window: check.window.clone(),
        margin: check.margin,
        outcome: check.outcome,
        reason: check.reason.clone(),
        limit_source: check.limit_source.clone(),
    })
}

/// Metrics and gates of a run.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SoakMetrics {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// Version of the program.
    pub tool_version: String,
    /// SHA-256 of the policy values in force.
    pub policy_sha256: String,
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<String>,
    /// When, and of what.
    pub runtime: Runtime,
    /// Where the data came from: `sim`, `exec`, `file`, `prometheus`.
    pub source: String,
    /// Why the data is not about a release; only where it is simulated or a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginBlock>,
    /// Hours that the iterations cover; pauses between sessions do not count. Null without iterations.
    pub duration_hours: Option<f64>,
    /// Iterations, failed collections included.
    pub iterations: usize,
    /// Failed collections.
    pub failed_collections: usize,
    /// Iterations whose maker share is their `maker_taker_ratio`, because no share was delivered.
    pub maker_share_fallbacks: usize,
    /// Delivered values that cannot be true and were left out.
    pub impossible_values: usize,
    /// The metrics, unrounded; null when no iteration delivered it.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// How each metric was made.
    pub metric_details: BTreeMap<String, MetricRow>,
    #[serde(flatten)]
    pub judged: JudgedGates,
}

impl SoakMetrics {
    /// The document about a report.
    pub fn of(report: &RunReport, origin: &Origin, provenance: &Provenance) -> Self {
        let metrics = &report.metrics;
        let each = || metrics.metrics.iter();
        Self {
            schema_version: "1.0".to_owned(),
            tool_version: provenance.tool_version.clone(),
            policy_sha256: provenance.policy_sha256.clone(),
            policy_file: provenance.policy_file.clone(),
            runtime: Runtime::of(report, provenance),
            source: origin.source.clone().unwrap_or_else(|| "unknown".to_owned()),
            origin: OriginBlock::of_no_release(origin),
            duration_hours: metrics.get("duration_hours").and_then(|metric| metric.value),
            iterations: metrics.iterations,
            failed_collections: metrics.failed,
            maker_share_fallbacks: metrics.maker_fallbacks,
            impossible_values: metrics.impossible,
            metrics: each().map(|metric| (metric.name.to_owned(), metric.value)).collect(),
            metric_details: each().map(|metric| (metric.name.to_owned(), metric.into())).collect(),
            judged: JudgedGates::of(report),
        }
    }
}

/// The gates of a run alone.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct GatesSummary {
    /// "1.0".
    #[schemars(extend("const" = "1.0"))]
    pub schema_version: String,
    /// When, and of what.
    pub runtime: Runtime,
    /// Why the data is not about a release; only where it is simulated or a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginBlock>,
    #[serde(flatten)]
    pub judged: JudgedGates,
    /// Hard gates that are missed or could not be judged, in alphabetical order.
    pub hard_missed: Vec<String>,
    /// Soft gates that are missed or could not be judged, in alphabetical order.
    pub soft_missed: Vec<String>,
}

impl GatesSummary {
    /// The document about a report.
    pub fn of(report: &RunReport, origin: &Origin, provenance: &Provenance) -> Self {
        let missed = |severity: Severity| {
            let missed = report
                .checks
                .iter()
                .filter(|check| check.severity == severity && check.outcome > Outcome::Pass);
            let mut names: Vec<String> = missed.map(|check| short_name(check).to_owned()).collect();
            names.sort();
            names
        };
        Self {
            schema_version: "1.0".to_owned(),
            runtime: Runtime::of(report, provenance),
            origin: OriginBlock::of_no_release(origin),
            judged: JudgedGates::of(report),
            hard_missed: missed(Severity::Hard),
            soft_missed: missed(Severity::Soft),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy;
    use crate::run::metrics::MetricsCollector;
    use crate::run::metrics::RunReport;
    use crate::run::records::{delivering, failed, record};
    use serde_json::{Value, json};

    fn provenance(fixed: Option<&str>) -> Provenance {
        Provenance {
            tool_version: "1.2.3".into(),
            policy_sha256: "ab".repeat(32),
            policy_file: None,
            overridden: None,
            fixed_time: fixed.map(str::to_owned),
            rehearsal: false,
        }
    }

    fn origin(source: &str) -> Origin {
        Origin::of_run(source, false, |source| source == "sim")
    }

    fn report() -> RunReport {
        let policy = policy::read(&[], &[]).expect("the built-in policy is fine");
        let mut collector = MetricsCollector::new(&policy);
        collector.push(&delivering(record(1), "tick_latency_ms.p95", 120.0));
        collector.push(&failed(2, "no report"));
        RunReport::judge(collector.finish(), &policy.run_gates)
    }

    #[test]
    fn a_gate_without_a_value_has_no_pass_and_one_with_a_value_says_which_way() {
        let document = json!(SoakMetrics::of(&report(), &origin("sim"), &provenance(None)));
        let gate = |name: &str| document["gates"][name].clone();
        assert_eq!(gate("latency_p95")["pass"], true);
        assert_eq!(
            (&gate("latency_p95")["threshold"], &gate("latency_p95")["actual"]),
            (&json!(150.0), &json!(120.0))
        );
        assert_eq!((&gate("hit_ratio")["pass"], &gate("hit_ratio")["actual"]), (&Value::Null, &Value::Null));
        assert_eq!(gate("ws_lag")["severity"], "soft");
        assert_eq!(document["metrics"]["mm_hit_ratio"], Value::Null);
        assert_eq!(document["metric_details"]["tick_latency_ms.p95"], json!({"statistic": "p95", "n": 1}));
        assert_eq!((&document["verdict"], &document["outcome"]), (&json!("FAIL"), &json!("INVALID")));
        assert_eq!((&document["iterations"], &document["failed_collections"]), (&json!(2), &json!(1)));
    }

    #[test]
    fn only_data_that_is_not_about_a_release_has_an_origin() {
        let documents = |source| {
            let origin = origin(source);
            let (report, provenance) = (report(), provenance(None));
            [
                json!(SoakMetrics::of(&report, &origin, &provenance)),
                json!(GatesSummary::of(&report, &origin, &provenance)),
            ]
        };
        for document in documents("sim") {
            assert_eq!(document["origin"]["simulated"], true, "{document}");
            assert_eq!(document["origin"]["note"], json!(origin("sim").note()), "{document}");
        }
        for document in documents("exec") {
            assert_eq!(document.get("origin"), None, "{document}");
        }
    }

    #[test]
    fn the_time_is_the_end_of_the_last_iteration_unless_it_is_fixed() {
        let utc = |fixed| GatesSummary::of(&report(), &origin("sim"), &provenance(fixed)).runtime.utc;
        assert_eq!(utc(None).as_deref(), Some("2025-10-12T00:10:00Z"));
        assert_eq!(utc(Some("2026-01-01T00:00:00Z")).as_deref(), Some("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn the_summary_lists_what_is_missed_by_severity() {
        let summary = GatesSummary::of(&report(), &origin("sim"), &provenance(None));
        // The edge of the one good iteration is 3.0.
        assert_eq!(summary.hard_missed, ["deadline_miss_rate", "hit_ratio"]);
        assert_eq!(summary.soft_missed, ["maker_share", "ws_lag"]);
        assert_eq!(summary.judged.verdict, "FAIL");
    }
}
