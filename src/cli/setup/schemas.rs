//! `soak schema`: the JSON Schemas of everything that soak writes, generated from the types that write it, and of the
//! measurements that it reads.
//!
//! Strict for what is written: every key that is always written is required, and no other key is allowed, so that a reader can rely on them
//! and a test can fail.

use anyhow::anyhow;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

use crate::cli::SchemaArgs;
use crate::cli::output::stdout::print;
use crate::cli::setup::config::ConfigShow;
use crate::cli::setup::doctor::DoctorResult;
use crate::core::analysis::document::AnalysisDocument;
use crate::core::analysis::result::ErrorResult;
use crate::core::analysis::result::GateResult;
use crate::core::compare::baselines::{BaselineStatus, HistoryLine, StoredBaseline};
use crate::core::compare::history::HistoryResult;
use crate::core::compare::result::CompareResult;
use crate::core::compare::snapshot::Snapshot;
use crate::core::compare::snapshot::v1_2::Snapshot12;
use crate::core::iteration::manifest::RunLogLine as LogLine;
use crate::core::iteration::manifest::RunManifest;
use crate::core::selftest::result::SelftestResult;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::export::live::document::LiveDocument;
use crate::infra::artifacts::manifest::ArtifactManifest;
use crate::ops::golden::GoldenResult;
use crate::ops::rotation::{RotationLogLine, RotationResult, UsageResult};
use crate::release::bundle::manifest::BundleManifest;
use crate::release::bundle::manifest::VerifyResult;
use crate::release::canary::verdict::CanaryResult;
use crate::release::day::DayReport;
use crate::release::score::Score;
use crate::release::validate::Validated;
use crate::report::audit::AuditSummary;
use crate::report::deltas::DeltaReport;
use crate::report::json::pretty;
use crate::rollback::answer::{HookAnswer, RehearsalAnswer, StatusAnswer};
use crate::rollback::log::LogLine as AuditLine;
use crate::run::folder::report::TuningState;
use crate::run::iteration::file::Document;
use crate::run::output::soak_metrics::{GatesSummary, SoakMetrics};
use crate::run::plan::RunPlan;

type Described = (&'static str, &'static str, fn() -> Schema);

/// Name and title of each schema, and how to make it; sorted by name.
#[rustfmt::skip]
const SCHEMAS: [Described; 39] = [
    ("artifact_manifest", ".soak-artifacts.json: the files that soak wrote into a folder", strict::<ArtifactManifest>),
    ("artifacts_rotate", "Output of `soak artifacts rotate --format json`", strict::<RotationResult>),
    ("artifacts_usage", "Output of `soak artifacts usage --format json`", strict::<UsageResult>),
    ("baseline", "BASELINE_<n>.json of `soak compare baseline promote`", strict::<StoredBaseline>),
    ("baseline_history_line", "A line of history.jsonl of `soak compare baseline`", strict::<HistoryLine>),
    ("canary_check", "Output of `soak release canary check --format json`", strict::<CanaryResult>),
    ("compare_baseline", "Output of `soak compare baseline` with `--format json`", strict::<BaselineStatus>),
    ("compare_golden", "Output of `soak compare golden --format json`", strict::<GoldenResult>),
    ("compare_history", "Output of `soak compare history --format json`", strict::<HistoryResult>),
    ("compare_runs", "Output of `soak compare --format json`", strict::<CompareResult>),
    ("config_show", "Output of `soak config show --format json`", strict::<ConfigShow>),
    ("delta_verify_report", "DELTA_VERIFY_REPORT.json of `soak deltas verify` and `soak gate`", strict::<DeltaReport>),
    ("doctor", "Output of `soak doctor --format json`", strict::<DoctorResult>),
    ("error_result", "Output of the commands of soak that judge, with `--format json`, without a verdict", strict::<ErrorResult>),
    ("gate_result", "Output of `soak gate` and `soak analyze` with `--format json`", strict::<GateResult>),
    ("gates_summary", "gates_summary.json of `soak run --gate-summary`", strict::<GatesSummary>),
    ("iter_summary", "ITER_SUMMARY_<n>.json of `soak run`", strict::<Document>),
    ("live_iterations", "/api/iterations and the events of `soak run --serve`", strict::<LiveDocument>),
    ("measurement", "A measurement in JSON, as `soak run --source exec` and `--source file` read it", measurement),
    ("post_soak_analysis", "POST_SOAK_ANALYSIS.json", strict::<AnalysisDocument>),
    ("post_soak_audit_summary", "POST_SOAK_AUDIT_SUMMARY.json, and output of `soak audit --format json`", strict::<AuditSummary>),
    ("post_soak_snapshot_1_1", "POST_SOAK_SNAPSHOT.json of `soak extract` and `soak gate`, schema 1.1", strict::<Snapshot>),
    ("post_soak_snapshot_1_2", "reports/analysis/POST_SOAK_SNAPSHOT.json of `soak analyze`, schema 1.2", strict::<Snapshot12>),
    ("readiness_score", "READINESS_SCORE.json of `soak release readiness`", strict::<Score>),
    ("release_bundle", "MANIFEST.json of `soak release bundle`", strict::<BundleManifest>),
    ("release_validate", "Output of `soak release validate --format json`", strict::<Validated>),
    ("release_verify", "Output of `soak release verify --format json`", strict::<VerifyResult>),
    ("report_soak", "REPORT_SOAK_<date>.json of `soak release readiness record`", strict::<DayReport>),
    ("rollback_hook_answer", "Answer of `soak rollback serve` to an alert hook", strict::<HookAnswer>),
    ("rollback_log_line", "A line of the audit log of `soak rollback`", strict::<AuditLine>),
    ("rollback_rehearsal", "Output of `soak rollback rehearse --format json`", strict::<RehearsalAnswer>),
    ("rollback_status", "/status of `soak rollback serve`", strict::<StatusAnswer>),
    ("rotation_log_line", "A line of rotation/ROTATION_LOG.jsonl of `soak artifacts rotate`", strict::<RotationLogLine>),
    ("run_log_line", "A line of RUN_LOG.jsonl of `soak run`", strict::<LogLine>),
    ("run_manifest", "RUN_MANIFEST.json of `soak run`", strict::<RunManifest>),
    ("run_plan", "Output of `soak run --dry-run --format json`", strict::<RunPlan>),
    ("selftest", "Output of `soak selftest --format json`", strict::<SelftestResult>),
    ("soak_metrics", "soak_metrics.json of `soak run --export-json`", strict::<SoakMetrics>),
    ("tuning_state", "TUNING_STATE.json of `soak run`", strict::<TuningState<'_>>),
];

/// Names of the schemas, sorted.
pub const NAMES: [&str; SCHEMAS.len()] = {
    let mut names = [""; SCHEMAS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = SCHEMAS[at].0;
        at += 1;
    }
    names
};

/// The schema with this name; `None` when there is none.
pub fn schema(name: &str) -> Option<Value> {
    let (_, title, make) = SCHEMAS.iter().find(|(known, ..)| *known == name)?;
    let mut schema = make();
    schema.insert("$id".to_owned(), json!(format!("urn:soak:schema:{name}")));
    schema.insert("title".to_owned(), json!(title));
    Some(schema.to_value())
}

/// The name of the file in which a schema is published.
pub fn file_name(name: &str) -> String {
    format!("{name}.schema.json")
}

/// The schema of a type as it is written, closed against other keys.
fn strict<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(close))
        .into_generator()
        .into_root_schema_for::<T>()
}

/// What a measurement should be; the reader takes more, and says what it leaves out.
fn measurement() -> Schema {
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "Numbers by the names of the KPIs that the policy declares, or their aliases, as `kpis`, as the \
            keys of the whole, or as `totals`; the first of `totals`, `total`, `kpis` that is there counts. Nested \
            objects have dotted names. A measurement can be Prometheus text as well.",
        "type": "object",
        "properties": {
            "totals": { "$ref": "#/$defs/numbers" },
            "total": { "$ref": "#/$defs/numbers" },
            "kpis": { "$ref": "#/$defs/numbers" },
            "runtime": {
                "description": "When and by what it was measured.",
                "type": "object",
                "properties": {
                    "utc": {
                        "description": "RFC 3339. One that is before the iteration by more than `run.stale_after` is stale.",
                        "type": "string"
                    },
                    "version": { "description": "The build of the system.", "type": "string" }
                }
            }
        },
        "anyOf": [
            { "required": ["totals"] },
            { "required": ["total"] },
            { "required": ["kpis"] },
            {
                "properties": { "runtime": {} },
                "additionalProperties": { "$ref": "#/$defs/value" },
                "minProperties": 1
            }
        ],
        "examples": [
            { "p95_ms": 12.5, "error_ratio": 0.002 },
            { "kpis": { "p95_ms": 12.5, "error_ratio": 0.002 }, "runtime": { "utc": "2026-01-31T12:00:00Z" } }
        ],
        "$defs": {
            "numbers": { "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } },
            "value": {
                "description": "A number; null is a value that is missing.",
                "anyOf": [{ "type": ["number", "null"] }, { "$ref": "#/$defs/numbers" }]
            }
        }
    })
}

fn close(schema: &mut Schema) {
    // A key that is written and not read back is as any other to who reads the file.
    if schema.remove("readOnly").is_some() {
        schema.remove("default");
    }
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// Prints a schema, or the names of all.
pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let SchemaArgs { name } = args;
    let Some(name) = name else {
        print(NAMES.join("\n") + "\n")?;
        return Ok(Exit::Success);
    };
    let found = schema(name).ok_or_else(|| {
        Failure::usage(anyhow!("there is no schema `{name}`")).hint(format!("there are {}", NAMES.join(", ")))
    })?;
    print(pretty(&found))?;
    Ok(Exit::Success)
}
