//! JSON Schemas of everything that soak writes, generated from the types that write it.
//!
//! Strict: every key that is always written is required, and no other key is allowed, so that a reader can
//! rely on them and a test can fail.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::analysis::AnalysisDocument;
use super::artifact_manifest::ArtifactManifest;
use super::audit_summary::AuditSummary;
use super::baseline_status::BaselineStatus;
use super::baseline_store::{HistoryLine, StoredBaseline};
use super::compare_result::CompareResult;
use super::config_show::ConfigShow;
use super::delta_report::DeltaReport;
use super::error_result::ErrorResult;
use super::gate_result::GateResult;
use super::golden_result::GoldenResult;
use super::history_result::HistoryResult;
use super::live::LiveDocument;
use super::rotation::{RotationLogLine, RotationResult, UsageResult};
use super::run_log::LogLine;
use super::run_manifest::RunManifest;
use super::run_plan::RunPlan;
use super::selftest_result::SelftestResult;
use super::snapshot::Snapshot;
use super::snapshot_1_2::Snapshot12;
use super::soak_metrics::{GatesSummary, SoakMetrics};
use super::tuning_written::TuningState;
use crate::release::bundle::manifest::{BundleManifest, VerifyResult};
use crate::release::canary::verdict::CanaryResult;
use crate::release::day::DayReport;
use crate::release::score::Score;
use crate::release::validate::Validated;
use crate::rollback::answer::{HookAnswer, RehearsalAnswer, StatusAnswer};
use crate::rollback::log::LogLine as AuditLine;
use crate::run::iteration_file::Document;

/// A schema and how to make it.
struct Described {
    name: &'static str,
    title: &'static str,
    make: fn() -> Schema,
}

/// All of them, sorted by name.
const DESCRIBED: [Described; 37] = [
    Described {
        name: "artifact_manifest",
        title: ".soak-artifacts.json: the files that soak wrote into a folder",
        make: strict::<ArtifactManifest>,
    },
    Described {
        name: "artifacts_rotate",
        title: "Output of `soak artifacts rotate --format json`",
        make: strict::<RotationResult>,
    },
    Described {
        name: "artifacts_usage",
        title: "Output of `soak artifacts usage --format json`",
        make: strict::<UsageResult>,
    },
    Described {
        name: "baseline",
        title: "BASELINE_<n>.json of `soak compare baseline promote`",
        make: strict::<StoredBaseline>,
    },
    Described {
        name: "baseline_history_line",
        title: "A line of history.jsonl of `soak compare baseline`",
        make: strict::<HistoryLine>,
    },
    Described {
        name: "canary_check",
        title: "Output of `soak release canary check --format json`",
        make: strict::<CanaryResult>,
    },
    Described {
        name: "compare_baseline",
        title: "Output of `soak compare baseline` with `--format json`",
        make: strict::<BaselineStatus>,
    },
    Described {
        name: "compare_golden",
        title: "Output of `soak compare golden --format json`",
        make: strict::<GoldenResult>,
    },
    Described {
        name: "compare_history",
        title: "Output of `soak compare history --format json`",
        make: strict::<HistoryResult>,
    },
    Described {
        name: "compare_runs",
        title: "Output of `soak compare --format json`",
        make: strict::<CompareResult>,
    },
    Described {
        name: "config_show",
        title: "Output of `soak config show --format json`",
        make: strict::<ConfigShow>,
    },
    Described {
        name: "delta_verify_report",
        title: "DELTA_VERIFY_REPORT.json of `soak deltas verify` and `soak gate`",
        make: strict::<DeltaReport>,
    },
    Described {
        name: "error_result",
        title: "Output of the commands of soak that judge, with `--format json`, without a verdict",
        make: strict::<ErrorResult>,
    },
    Described {
        name: "gate_result",
        title: "Output of `soak gate` and `soak analyze` with `--format json`",
        make: strict::<GateResult>,
    },
    Described {
        name: "gates_summary",
        title: "gates_summary.json of `soak run --gate-summary`",
        make: strict::<GatesSummary>,
    },
    Described {
        name: "iter_summary",
        title: "ITER_SUMMARY_<n>.json of `soak run`",
        make: strict::<Document>,
    },
    Described {
        name: "live_iterations",
        title: "/api/iterations and the events of `soak run --serve`",
        make: strict::<LiveDocument>,
    },
    Described {
        name: "post_soak_analysis",
        title: "POST_SOAK_ANALYSIS.json",
        make: strict::<AnalysisDocument>,
    },
    Described {
        name: "post_soak_audit_summary",
        title: "POST_SOAK_AUDIT_SUMMARY.json, and output of `soak audit --format json`",
        make: strict::<AuditSummary>,
    },
    Described {
        name: "post_soak_snapshot_1_1",
        title: "POST_SOAK_SNAPSHOT.json of `soak extract` and `soak gate`, schema 1.1",
        make: strict::<Snapshot>,
    },
    Described {
        name: "post_soak_snapshot_1_2",
        title: "reports/analysis/POST_SOAK_SNAPSHOT.json of `soak analyze`, schema 1.2",
        make: strict::<Snapshot12>,
    },
    Described {
        name: "readiness_score",
        title: "READINESS_SCORE.json of `soak release readiness`",
        make: strict::<Score>,
    },
    Described {
        name: "release_bundle",
        title: "MANIFEST.json of `soak release bundle`",
        make: strict::<BundleManifest>,
    },
    Described {
        name: "release_validate",
        title: "Output of `soak release validate --format json`",
        make: strict::<Validated>,
    },
    Described {
        name: "release_verify",
        title: "Output of `soak release verify --format json`",
        make: strict::<VerifyResult>,
    },
    Described {
        name: "report_soak",
        title: "REPORT_SOAK_<date>.json of `soak release readiness record`",
        make: strict::<DayReport>,
    },
    Described {
        name: "rollback_hook_answer",
        title: "Answer of `soak rollback serve` to an alert hook",
        make: strict::<HookAnswer>,
    },
    Described {
        name: "rollback_log_line",
        title: "A line of the audit log of `soak rollback`",
        make: strict::<AuditLine>,
    },
    Described {
        name: "rollback_rehearsal",
        title: "Output of `soak rollback rehearse --format json`",
        make: strict::<RehearsalAnswer>,
    },
    Described {
        name: "rollback_status",
        title: "/status of `soak rollback serve`",
        make: strict::<StatusAnswer>,
    },
    Described {
        name: "rotation_log_line",
        title: "A line of rotation/ROTATION_LOG.jsonl of `soak artifacts rotate`",
        make: strict::<RotationLogLine>,
    },
    Described {
        name: "run_log_line",
        title: "A line of RUN_LOG.jsonl of `soak run`",
        make: strict::<LogLine>,
    },
    Described { name: "run_manifest", title: "RUN_MANIFEST.json of `soak run`", make: strict::<RunManifest> },
    Described {
        name: "run_plan",
        title: "Output of `soak run --dry-run --format json`",
        make: strict::<RunPlan>,
    },
    Described {
        name: "selftest",
        title: "Output of `soak selftest --format json`",
        make: strict::<SelftestResult>,
    },
    Described {
        name: "soak_metrics",
        title: "soak_metrics.json of `soak run --export-json`",
        make: strict::<SoakMetrics>,
    },
    Described {
        name: "tuning_state",
        title: "TUNING_STATE.json of `soak run`",
        make: strict::<TuningState<'_>>,
    },
];

/// Names of the schemas, sorted.
pub const NAMES: [&str; DESCRIBED.len()] = {
    let mut names = [""; DESCRIBED.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = DESCRIBED[at].name;
        at += 1;
    }
    names
};

/// The schema with this name; `None` when there is none.
pub fn schema(name: &str) -> Option<Value> {
    let described = DESCRIBED.iter().find(|described| described.name == name)?;
    let mut schema = (described.make)();
    schema.insert("$id".to_owned(), json!(format!("urn:soak:schema:{name}")));
    schema.insert("title".to_owned(), json!(described.title));
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

fn close(schema: &mut Schema) {
    // A key that is written and not read back is as any other to who reads the file.
    if schema.remove("readOnly").is_some() {
        schema.remove("default");
    }
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}
